"""RowNorm: what LayerNormalization and its like become where they normalize whole rows of f32."""

from __future__ import annotations

from math import prod

from ..ir.builder import GraphBuilder
from ..ir.dtype import F32
from ..ir.types import TensorType
from ..program.kernels.norm import NormSpec
from ..program.lowering import Lowering
from ..program.program import F32Word, Slot, Word
from .base import INTERNAL, Op, register
from .compose import reshape

__all__ = ["RowNorm", "row_norm"]

# Elements worth giving to a thread: each is read three times.
GRAIN = 4096


@register("RowNorm", domain=INTERNAL)
class RowNorm(Op):
    """Normalization along the last axis, see `NormSpec`; scale and bias are [R], or absent."""

    epsilon: float
    centred: bool = True

    def infer(
        self, x: TensorType, scale: TensorType | None = None, bias: TensorType | None = None
    ) -> tuple[TensorType, ...]:
        """The input's type."""
        return (TensorType(x.dtype, x.shape),)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One norm kernel over the rows."""
        (x, scale, bias), (out,) = (*inputs, None, None)[:3], outputs
        assert x is not None
        r = x.type.shape[-1]
        args: list[Word] = [lw.write(out), lw.read(x)]
        args += [lw.read(v) if v else 0 for v in (scale, bias)]
        args += [r, F32Word(1.0 / max(1, r)), F32Word(self.epsilon)]
        spec = NormSpec(self.centred, scale is not None, bias is not None)
        rows = x.type.size // max(1, r)
        lw.call(spec, args, rows, max(1, GRAIN // max(1, r)), [(out, x)])


def row_norm(
    g: GraphBuilder, x: str, axis: int, epsilon: float, centred: bool, *vectors: str
) -> str | None:
    """x normalized over all axes from `axis` on, then scaled and shifted by the vectors.

    None if the kernel can't do it: other dtypes, vectors that are not one element for each of a
    row's. An absent vector is ''.
    """
    t = g.type(x)
    r = prod(t.shape[axis:])
    for name in filter(None, vectors):
        v = g.type(name)
        if v.dtype != F32 or v.size != r or prod(v.shape[-(t.rank - axis) :]) != r:
            return None
    if t.dtype != F32 or not r:
        return None
    rows = reshape(g, x, (*t.shape[:axis], r))
    parameters = [v and reshape(g, v, (r,)) for v in vectors]
    while parameters and not parameters[-1]:
        parameters.pop()
    y = g.add(RowNorm(epsilon=epsilon, centred=centred), rows, *parameters)
    return reshape(g, y, t.shape)
