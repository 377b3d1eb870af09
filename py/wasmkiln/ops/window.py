"""Windows for signals: HannWindow, HammingWindow and BlackmanWindow."""

from __future__ import annotations

from math import pi
from typing import TYPE_CHECKING

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.dtype import F64, I64
from ..ir.expr import arg, call, cast, const
from ..ir.types import TensorType
from .base import Op, register
from .cast import convert, dtype_of
from .compose import apply
from .movement import Iota, constant_ints

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []

# The factors of 1, cos(t), cos(2 t), with t from 0 to 2 pi.
FACTORS = {
    "HannWindow": (0.5, -0.5, 0.0),
    "HammingWindow": (25 / 46, -21 / 46, 0.0),
    "BlackmanWindow": (0.42, -0.5, 0.08),
}


class _Window(Op):
    """What all share: a sum of cosines over one period, computed in f64."""

    output_datatype: int = 1
    periodic: bool = True

    def infer(self, size: TensorType) -> tuple[TensorType, ...]:
        """A vector."""
        if size.size != 1:
            raise ShapeError(f"the size is {size}")
        (count,) = constant_ints(size, "the size")
        if count < 0 or (count == 1 and not self.periodic):
            raise UnsupportedOperatorError(f"a window of size {count} is not supported")
        return (TensorType(dtype_of(self.output_datatype), (count,)),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """One expression of the index."""
        (t,) = self.infer(g.type(inputs[0]))
        (count,) = t.shape
        one, first, second = FACTORS[self.op_type]
        period = count if self.periodic else count - 1
        angle = cast(arg(0, I64), F64) * (2 * pi / max(period, 1))
        y = call("cos", angle) * first + const(one, F64)
        if second:
            y = y + call("cos", angle * 2.0) * second
        return (apply(g, convert(y, t.dtype), g.add(Iota(count=count))),)


for _name in FACTORS:
    _body: dict[str, object] = {"__module__": __name__, "__annotations__": {}}
    _body["__doc__"] = f"{_name} of a given size."
    register(_name, since=17)(type(_name, (_Window,), _body))
