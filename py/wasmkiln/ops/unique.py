"""Unique: the distinct elements, or slices, of a tensor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from ..errors import LimitError, UnsupportedOperatorError
from ..ir.const import Const
from ..ir.dtype import BF16, I64, STRING
from ..ir.shape import normalize_axis, numel
from ..ir.types import TensorType
from ..ir.value import Value
from .base import register
from .blocks import pick
from .hosted import HostOp, on_host, tensor

__all__: list[str] = []

_NAN = float("nan")
MAX_EMPTY = 1 << 20  # slices that take no memory


@register("Unique", since=11)
class Unique(HostOp):
    """Distinct elements (with an axis: slices), in rising order or that of their first occurrence.

    outputs: these, where each occurs first, which of them each of the input is, their counts.
    Slices are ordered by their first differing element. All NaN are one element, the greatest.
    """

    axis: int | None = None
    sorted: bool = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """Refuses: the elements decide the sizes."""
        on_host()

    def evaluate(self, x: Value) -> tuple[Value, ...]:
        """By hashing, then sorting what is distinct."""
        given = tensor(x, "X")
        if self.axis is None:
            given = given.reshaped((numel(given.shape),))
        axis = normalize_axis(self.axis or 0, len(given.shape))
        values = _elements(given)
        keys = values if self.axis is None else _slices(values, given, axis)
        n = len(keys)
        first = dict(zip(reversed(keys), range(n - 1, -1, -1), strict=True))  # the last one stays
        found: Sequence[Hashable] = list(dict.fromkeys(keys))
        if self.sorted:
            found = _ordered(found)
        places = [first[key] for key in found]
        number = dict(zip(found, range(len(found)), strict=True))
        inverse = [number[key] for key in keys]
        counts = Counter(inverse)
        lists = places, inverse, [counts[i] for i in range(len(found))]
        return pick(given, axis, places), *(Const.of(I64, (len(v),), v) for v in lists)


def _elements(x: Const) -> Sequence[Hashable]:
    """Elements such that equal ones, NaN included, are equal for Python."""
    if x.dtype == STRING:
        return x.texts()
    if not x.dtype.code and x.dtype != BF16:
        raise UnsupportedOperatorError(f"elements of {x.dtype} can't be ordered")
    values = x.values()
    if x.dtype.is_float and any(v != v for v in values):
        return [v if v == v else _NAN for v in values]
    return values


def _slices(values: Sequence[Hashable], x: Const, axis: int) -> Sequence[Hashable]:
    """The elements of each slice along the axis."""
    size, inner = x.shape[axis], numel(x.shape[axis + 1 :])
    if not values:
        if size > MAX_EMPTY:
            raise LimitError(f"{size} slices without elements")
        return [()] * size
    starts = range(0, len(values), size * inner)
    return [
        tuple(v for s in starts for v in values[s + i * inner : s + (i + 1) * inner])
        for i in range(size)
    ]


def _ordered(found: Sequence[Hashable]) -> Sequence[Hashable]:
    def key(item: Hashable) -> object:
        if isinstance(item, tuple):
            return [(v is _NAN, v) for v in item]
        return item is _NAN, item

    has_nan = any(v is _NAN or (isinstance(v, tuple) and _NAN in v) for v in found)
    ordered: list[Hashable] = sorted(found, key=key if has_nan else None)  # type: ignore[type-var,arg-type]
    return ordered
