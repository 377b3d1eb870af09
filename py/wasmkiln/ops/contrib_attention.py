"""onnxruntime's Attention and MultiHeadAttention: projections, masks and caches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.dtype import BF16, F16, F32, I32
from ..ir.expr import arg, call, const, select
from ..ir.shape import Shape, broadcast
from ..ir.types import TensorType
from .base import MICROSOFT, Op, register
from .compose import apply, reshape, standard, transpose
from .heads import attend, columns, cut, join_heads, split_heads, visible

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__ = ["ContribAttention", "attention_of_rows", "check_floats", "check_mask", "mask_bias"]

MASKED = -10000.0  # what is added to the scores of masked keys


def check_mask(mask: TensorType | None, batch: int, queries: int, keys: int) -> None:
    """UnsupportedOperatorError unless the mask has one of the forms of `mask_bias`."""
    forms = ((batch,), (2 * batch,), (batch, keys), (batch, queries, keys))
    if mask is not None and (mask.shape not in forms or mask.dtype != I32):
        raise UnsupportedOperatorError(
            f"a mask {mask} for {batch} rows of {queries} queries and {keys} keys is not supported"
        )


def mask_bias(g: GraphBuilder, mask: str, batch: int, keys: int, value: float) -> str:
    """What a mask adds to the scores [batch, heads, queries, keys]; '' stays ''.

    It says for each key, or for each query and key, whether it is kept; or how many keys are kept,
    maybe followed by where they begin.
    """
    if not mask:
        return ""
    shape, hidden = g.shape(mask), const(value)
    if len(shape) > 1:
        kept = select(arg(0, I32) > 0, const(0.0), hidden)
        wide = (batch, 1, shape[1] if len(shape) == 3 else 1, keys)
        return reshape(g, apply(g, kept, mask), wide)
    operands = [columns(g, keys), reshape(g, cut(g, mask, 0, 0, batch), (batch, 1, 1, 1))]
    seen = arg(0, I32) < arg(1, I32)
    if shape[0] > batch:
        operands.append(reshape(g, cut(g, mask, 0, batch, batch), (batch, 1, 1, 1)))
        seen = call("and", seen, arg(0, I32) >= arg(2, I32))
    return apply(g, select(seen, const(0.0), hidden), *operands)


def check_floats(*inputs: TensorType | None) -> None:
    """UnsupportedOperatorError unless all inputs hold floats that are computed in f32."""
    for t in inputs:
        if t is not None and t.dtype not in (F32, F16, BF16):
            raise UnsupportedOperatorError(f"attention of {t} is not supported")


def _check_bias(bias: TensorType | None, scores: Shape) -> None:
    if bias is not None and broadcast(bias.shape, scores) != scores:
        raise ShapeError(f"attention_bias is {bias}, which does not suit the scores {scores}")


def attention_of_rows(
    g: GraphBuilder, op: Op, rows: tuple[str, str, str], mask: str, past: str, bias: str
) -> tuple[str, str]:
    """The output and the present of projected rows [batch, length, heads * size].

    op: has num_heads, scale, unidirectional and mask_filter_value.
    """
    heads, scale = op.num_heads, op.scale  # type: ignore[attr-defined]
    q, k, v = (split_heads(g, x, heads) for x in rows)
    before = 0
    if past:
        before = g.shape(past)[3]
        own = g.shape(past)[1:]
        k = standard(g, "Concat", reshape(g, cut(g, past, 0, 0, 1), own), k, axis=2)
        v = standard(g, "Concat", reshape(g, cut(g, past, 0, 1, 1), own), v, axis=2)
    batch, _, keys, _ = g.shape(k)
    value = op.mask_filter_value  # type: ignore[attr-defined]
    hidden = mask_bias(g, mask, batch, keys, MASKED if value is None else value)
    limit = visible(g, g.shape(q)[2], keys, before, op.unidirectional)  # type: ignore[attr-defined]
    y = join_heads(g, attend(g, q, k, v, (hidden, bias, limit), scale or None))
    if g.shape(k) != g.shape(v):
        return y, ""
    pair = (reshape(g, x, (1, *g.shape(x))) for x in (k, v))
    return y, standard(g, "Concat", *pair, axis=0)


@register("Attention", domain=MICROSOFT)
class ContribAttention(Op):
    """Attention of rows to themselves, with the projections to queries, keys and values."""

    num_heads: int
    unidirectional: bool = False
    qkv_hidden_sizes: tuple[int, ...] | None = None
    scale: float | None = None
    mask_filter_value: float | None = None
    do_rotary: bool = False
    rotary_embedding_dim: int = 0
    past_present_share_buffer: bool = False
    n_outputs: int = 1

    def infer(
        self,
        x: TensorType,
        weights: TensorType,
        bias: TensorType | None = None,
        mask: TensorType | None = None,
        past: TensorType | None = None,
        attention_bias: TensorType | None = None,
        past_length: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """Rows like the input's, of the values' size; and all keys and values."""
        if self.do_rotary or self.past_present_share_buffer or past_length is not None:
            raise UnsupportedOperatorError("do_rotary and shared buffers are not supported")
        check_floats(x, weights, bias, past, attention_bias)
        sizes = self._sizes(weights)
        if x.rank != 3 or weights.rank != 2 or x.shape[2] != weights.shape[0]:
            raise ShapeError(f"weights {weights} do not suit the input {x}")
        if sum(sizes) != weights.shape[1] or (bias is not None and bias.shape != (sum(sizes),)):
            raise ShapeError(f"sizes {sizes} and the bias {bias} do not suit {weights}")
        if sizes[0] != sizes[1] or any(s % self.num_heads for s in sizes):
            raise ShapeError(f"sizes {sizes} do not split into {self.num_heads} heads")
        batch, length, _ = x.shape
        cache = (2, batch, self.num_heads, past.shape[3] if past is not None and past.rank == 5
                 else 0, sizes[1] // self.num_heads)  # fmt: skip
        if past is not None and past.shape != cache:
            raise ShapeError(f"the past is {past}, {cache} is expected")
        keys = length + cache[3]
        check_mask(mask, batch, length, keys)
        _check_bias(attention_bias, (batch, self.num_heads, length, keys))
        y = TensorType(x.dtype, (batch, length, sizes[2]))
        present = TensorType(x.dtype, (*cache[:3], keys, cache[4]))
        if self.n_outputs > 1 and sizes[1] != sizes[2]:
            raise UnsupportedOperatorError(f"keys and values of sizes {sizes[1:]} in one present")
        return (y, present)[: self.n_outputs]

    def _sizes(self, weights: TensorType) -> tuple[int, ...]:
        """Columns of queries, keys and values."""
        if self.qkv_hidden_sizes:
            return self.qkv_hidden_sizes
        return (weights.shape[-1] // 3,) * 3

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Three projections and an attention."""
        x, weights, bias, mask, past, attention_bias = (*inputs, "", "", "", "")[:6]
        rows, at = [], 0
        for size in self._sizes(g.type(weights)):
            y = standard(g, "MatMul", x, cut(g, weights, 1, at, size))
            rows.append(standard(g, "Add", y, cut(g, bias, 0, at, size)) if bias else y)
            at += size
        q, k, v = rows
        return attention_of_rows(g, self, (q, k, v), mask, past, attention_bias)[: self.n_outputs]


@register("MultiHeadAttention", domain=MICROSOFT)
class MultiHeadAttention(Op):
    """Attention of projected rows to others, or to cached ones."""

    num_heads: int
    mask_filter_value: float | None = None
    scale: float | None = None
    unidirectional: bool = False
    n_outputs: int = 1

    def infer(
        self,
        query: TensorType,
        key: TensorType | None = None,
        value: TensorType | None = None,
        bias: TensorType | None = None,
        mask: TensorType | None = None,
        attention_bias: TensorType | None = None,
        past_key: TensorType | None = None,
        past_value: TensorType | None = None,
        past_length: TensorType | None = None,
        indirection: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """Rows like the queries', of the values' size; and all keys and values."""
        if past_length is not None or indirection is not None:
            raise UnsupportedOperatorError("shared buffers and beams are not supported")
        if (past_key is None) != (past_value is None):
            raise ShapeError("a past needs both key and value")
        check_floats(query, key, value, bias, attention_bias, past_key, past_value)
        q, k, v = self._shapes(query, key, value)
        batch, heads, length, size = q
        past = past_key.shape[2] if past_key is not None and past_key.rank == 4 else 0
        if k[:2] != (batch, heads) or v[:3] != k[:3] or k[3] != size:
            raise ShapeError(f"queries {q}, keys {k} and values {v} do not fit")
        for t, own in ((past_key, k), (past_value, v)):
            if t is not None and t.shape != (*own[:2], past, own[3]):
                raise ShapeError(f"the past {t} does not fit {own}")
        if bias is not None and bias.size != heads * (2 * size + v[3]):
            raise ShapeError(f"the bias {bias} does not suit {heads} heads of {size} and {v[3]}")
        keys = k[2] + past
        check_mask(mask, batch, length, keys)
        _check_bias(attention_bias, (batch, heads, length, keys))
        shapes = ((batch, length, heads * v[3]), (*k[:2], keys, size), (*v[:2], keys, v[3]))
        return tuple(TensorType(query.dtype, shape) for shape in shapes)[: self.n_outputs]

    def _shapes(
        self, query: TensorType, key: TensorType | None, value: TensorType | None
    ) -> tuple[Shape, Shape, Shape]:
        """[batch, heads, length, size] of queries, keys and values."""
        if key is None:
            if query.rank != 5 or query.shape[2:4] != (self.num_heads, 3):
                raise ShapeError(f"{query} does not hold queries, keys and values")
            batch, length, heads, _, size = query.shape
            return ((batch, heads, length, size),) * 3
        q = self._heads(query)
        if value is None:
            if key.rank != 5 or key.shape[2:4] != (self.num_heads, 2):
                raise ShapeError(f"{key} does not hold keys and values")
            batch, length, heads, _, size = key.shape
            return q, (batch, heads, length, size), (batch, heads, length, size)
        if key.rank == value.rank == 4:
            return q, key.shape, value.shape
        return q, self._heads(key), self._heads(value)

    def _heads(self, t: TensorType) -> Shape:
        if t.rank != 3 or self.num_heads < 1 or t.shape[2] % self.num_heads:
            raise ShapeError(f"{t} does not split into {self.num_heads} heads")
        return (t.shape[0], self.num_heads, t.shape[1], t.shape[2] // self.num_heads)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Heads, biases, caches and an attention."""
        query, key, value, bias, mask, attention_bias, *past = (*inputs, *[""] * 8)[:8]
        q, k, v = self._split(g, query, key, value, bias)
        before = 0
        if past[0]:
            before = g.shape(past[0])[2]
            k, v = (standard(g, "Concat", p, x, axis=2) for p, x in zip(past, (k, v), strict=True))
        batch, _, keys, _ = g.shape(k)
        hidden = MASKED if self.mask_filter_value is None else self.mask_filter_value
        limit = visible(g, g.shape(q)[2], keys, before, self.unidirectional)
        biases = (mask_bias(g, mask, batch, keys, hidden), attention_bias, limit)
        y = join_heads(g, attend(g, q, k, v, biases, self.scale or None))
        return (y, k, v)[: self.n_outputs]

    def _split(
        self, g: GraphBuilder, query: str, key: str, value: str, bias: str
    ) -> tuple[str, str, str]:
        """Queries, keys and values with heads, and with their share of the bias."""
        whole = self._shapes(*(g.type(x) if x else None for x in (query, key, value)))  # type: ignore[arg-type]
        widths = [shape[1] * shape[3] for shape in whole]
        if not key:
            parts = [_packed(g, query, i) for i in range(3)]
        elif not value:
            parts = [split_heads(g, query, self.num_heads), *(_packed(g, key, i) for i in (0, 1))]
        else:
            parts = [x if g.type(x).rank == 4 else split_heads(g, x, self.num_heads)
                     for x in (query, key, value)]  # fmt: skip
        if bias:
            has_bias = 1 if key and g.type(key).rank == 4 else 3  # cached ones have theirs already
            at = 0
            for i in range(has_bias):
                own = reshape(g, cut(g, bias, 0, at, widths[i]), (whole[i][1], 1, whole[i][3]))
                parts[i] = standard(g, "Add", parts[i], own)
                at += widths[i]
        q, k, v = parts
        return q, k, v


def _packed(g: GraphBuilder, x: str, index: int) -> str:
    """One part of [batch, length, heads, parts, size] as [batch, heads, length, size]."""
    batch, length, heads, _, size = g.shape(x)
    part = reshape(g, cut(g, x, 3, index, 1), (batch, length, heads, size))
    return transpose(g, part, (0, 2, 1, 3))
