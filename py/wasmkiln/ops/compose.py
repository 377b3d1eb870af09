"""Steps that expansions are made of: elementwise expressions, transposes and reshapes."""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.builder import GraphBuilder
from ..ir.dtype import DType
from ..ir.expr import Expr, arg, cast
from .base import Attribute, create
from .map import Map
from .movement import ExpandTo, Transpose, View

__all__ = [
    "apply", "cast_to", "expand_to", "moved_last", "reshape", "standard", "transpose",
]  # fmt: skip

OPSET = 21  # whose operators expansions use


def apply(g: GraphBuilder, expr: Expr, *inputs: str) -> str:
    """expr(inputs[0], inputs[1], ...), elementwise with broadcasting."""
    return g.add(Map(expr=expr), *inputs)


def cast_to(g: GraphBuilder, x: str, dtype: DType) -> str:
    """The value in another dtype; itself if it has that dtype already."""
    own = g.type(x).dtype
    return x if own == dtype else apply(g, cast(arg(0, own), dtype), x)


def transpose(g: GraphBuilder, x: str, perm: Sequence[int]) -> str:
    """The transposed value: dim i of the result is dim perm[i] of `x`."""
    if list(perm) == list(range(len(perm))):
        return x
    return g.add(Transpose(perm=tuple(perm)), x)


def reshape(g: GraphBuilder, x: str, shape: Sequence[int]) -> str:
    """The same elements under another shape of concrete sizes."""
    if tuple(shape) == g.shape(x):
        return x
    return g.add(View(shape=tuple(shape)), x)


def standard(g: GraphBuilder, op_type: str, *inputs: str, **attributes: Attribute) -> str:
    """The output of one of ONNX's own operators, as of opset 21; '' is an absent input."""
    return g.add(create("", op_type, OPSET, attributes), *inputs)


def expand_to(g: GraphBuilder, x: str, shape: Sequence[int]) -> str:
    """The value repeated along dimensions of size 1 to a shape of the same rank."""
    return x if tuple(shape) == g.shape(x) else g.add(ExpandTo(shape=tuple(shape)), x)


def moved_last(axis: int, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The transposition that puts `axis` last, and the one that puts it back."""
    perm = (*(i for i in range(rank) if i != axis), axis)
    back = (*range(axis), rank - 1, *range(axis, rank - 1))
    return perm, back
