"""Steps of attention: heads split and joined, masks as summands, and attention itself.

Values with heads are [batch, heads, length, size].
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from ..errors import ShapeError
from ..ir.dtype import I32, I64
from ..ir.expr import Expr, arg, call, cast, const, select
from .compose import apply, expand_to, reshape, standard, transpose
from .movement import Iota, StridedSlice

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__ = ["attend", "columns", "cut", "join_heads", "places", "split_heads", "visible"]


def split_heads(g: GraphBuilder, x: str, heads: int) -> str:
    """[batch, length, heads * size] with an axis for its heads."""
    batch, length, width = g.shape(x)
    if heads < 1 or width % heads:
        raise ShapeError(f"{g.type(x)} does not split into {heads} heads")
    return transpose(g, reshape(g, x, (batch, length, heads, width // heads)), (0, 2, 1, 3))


def join_heads(g: GraphBuilder, x: str) -> str:
    """The opposite."""
    batch, heads, length, size = g.shape(x)
    return reshape(g, transpose(g, x, (0, 2, 1, 3)), (batch, length, heads * size))


def cut(g: GraphBuilder, x: str, axis: int, start: int, count: int) -> str:
    """`count` elements along an axis."""
    shape = g.shape(x)
    if count == shape[axis]:
        return x
    starts = tuple(start if d == axis else 0 for d in range(len(shape)))
    sizes = (*shape[:axis], count, *shape[axis + 1 :])
    return g.add(StridedSlice(starts=starts, steps=(1,) * len(shape), sizes=sizes), x)


def columns(g: GraphBuilder, count: int) -> str:
    """0, 1, 2, ... in i32, which has vector code."""
    return apply(g, cast(arg(0, I64), I32), g.add(Iota(count=count)))


def places(g: GraphBuilder, queries: int, keys: int) -> tuple[str, str]:
    """The places of queries, as a column, and of keys, as a row."""
    return reshape(g, columns(g, queries), (queries, 1)), columns(g, keys)


def visible(
    g: GraphBuilder, queries: int, keys: int, past: int | str, causal: bool, window: int = -1
) -> str:
    """0 for each key that a query may see, else -inf; '' if it may see all.

    past: how many keys stand before the first query's own one, maybe a value for each batch entry.
    window: how many keys before its own one a query sees; -1: all.
    """
    known = isinstance(past, int)
    causal = causal and not (known and past + 1 >= keys)  # type: ignore[operator]
    narrow = window >= 0 and not (known and past + queries <= window + 1)  # type: ignore[operator]
    if not causal and not narrow:
        return ""
    operands = list(places(g, queries, keys))
    own: Expr = arg(0, I32) + (past if isinstance(past, int) else arg(2, I32))
    if isinstance(past, str):
        operands.append(past)
    seen = [arg(1, I32) <= own] if causal else []
    if narrow:
        seen.append(own - arg(1, I32) <= window)
    allowed = seen[0] if len(seen) == 1 else call("and", *seen)
    return apply(g, select(allowed, const(0.0), const(-inf)), *operands)


def attend(
    g: GraphBuilder,
    q: str,
    k: str,
    v: str,
    biases: tuple[str, ...],
    scale: float | None = None,
    cap: float = 0.0,
    sink: str = "",
) -> str:
    """softmax(cap(q @ k.T * scale) + biases) @ v; heads of q may share those of k and v.

    biases: '' is none. cap: how large scores get, 0 for no limit. sink: a score for each head that
    takes its part of the softmax, but has no value.
    """
    heads, size = g.shape(q)[1], g.shape(q)[3]
    k, v = _repeated(g, k, heads), _repeated(g, v, heads)
    dtype = g.type(q).dtype
    scores = standard(g, "MatMul", q, transpose(g, k, (0, 1, 3, 2)))
    change = arg(0, dtype) * (size**-0.5 if scale is None else scale)
    if cap > 0:
        change = call("tanh", change / cap) * cap
    given = [b for b in biases if b]
    for i in range(len(given)):
        change = change + arg(1 + i, dtype)
    scores = apply(g, change, scores, *given)
    if sink:
        column = expand_to(g, reshape(g, sink, (1, heads, 1, 1)), (*g.shape(scores)[:3], 1))
        weights = standard(g, "Softmax", standard(g, "Concat", scores, column, axis=3), axis=-1)
        weights = cut(g, weights, 3, 0, g.shape(scores)[3])
    else:
        weights = standard(g, "Softmax", scores, axis=-1)
    return standard(g, "MatMul", weights, v)


def _repeated(g: GraphBuilder, x: str, heads: int) -> str:
    """Each head several times, which attention's kernel reads but once."""
    batch, own, length, size = g.shape(x)
    if own == heads:
        return x
    if not own or heads % own:
        raise ShapeError(f"{heads} heads of queries can't share {own} of keys")
    wide = (batch, own, heads // own, length, size)
    x = expand_to(g, reshape(g, x, (batch, own, 1, length, size)), wide)
    return reshape(g, x, (batch, heads, length, size))
