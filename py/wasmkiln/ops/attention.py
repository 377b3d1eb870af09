"""Attention since opset 23: heads, caches, masks and windows, made of simpler operators."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.dtype import BOOL, F64, I32, I64
from ..ir.expr import Expr, arg, call, cast, const, select
from ..ir.shape import Shape, broadcast
from ..ir.types import TensorType
from .base import Op, register
from .compose import apply, cast_to, reshape, standard, transpose
from .movement import Iota

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []

RAW, CAPPED, BIASED, SOFTMAX = range(4)  # what qk_matmul_output_mode asks for


@register("Attention", since=23)
class Attention(Op):
    """softmax(Q @ K.T * scale + bias) @ V, a head at a time; several query heads may share a K.

    Inputs are [batch, heads, length, size], or [batch, length, heads * size] with the numbers of
    heads as attributes. With a past, K and V are put behind it, and given out as the present.
    """

    is_causal: bool = False
    q_num_heads: int | None = None
    kv_num_heads: int | None = None
    scale: float | None = None
    softcap: float = 0.0
    qk_matmul_output_mode: int = RAW
    softmax_precision: int | None = None

    def infer(
        self,
        q: TensorType,
        k: TensorType,
        v: TensorType,
        mask: TensorType | None = None,
        past_key: TensorType | None = None,
        past_value: TensorType | None = None,
        nonpad: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """Y like Q with V's sizes, the present K and V, and the product of Q and K."""
        query, key, value = self._heads(q, True), self._heads(k, False), self._heads(v, False)
        if not 0 <= self.qk_matmul_output_mode <= SOFTMAX:
            raise UnsupportedOperatorError(f"output mode {self.qk_matmul_output_mode} is unknown")
        if (past_key is None) != (past_value is None) or (past_key and nonpad):
            raise ShapeError("a past needs both key and value, and no nonpad_kv_seqlen")
        past = past_key.shape[2] if past_key else 0
        present_key = (*key[:2], key[2] + past, key[3])
        present_value = (*value[:2], value[2] + past, value[3])
        for t, whole in ((past_key, present_key), (past_value, present_value)):
            if t is not None and t.shape != (*whole[:2], past, whole[3]):
                raise ShapeError(f"the past {t} does not fit {k} and {v}")
        fits = query[0] == key[0] == value[0] and key[1:3] == value[1:3] and query[3] == key[3]
        if not fits or not key[1] or query[1] % key[1]:
            raise ShapeError(f"Q {q}, K {k} and V {v} do not fit")
        y: Shape = (*query[:3], value[3])
        if q.rank == 3:
            y = (query[0], query[2], query[1] * value[3])
        shapes = (y, present_key, present_value, (*query[:3], present_key[2]))
        dtypes = (q.dtype, k.dtype, v.dtype, q.dtype)
        return tuple(map(TensorType, dtypes, shapes))

    def _heads(self, t: TensorType, is_query: bool) -> Shape:
        """[batch, heads, length, size] of an input."""
        count = self.q_num_heads if is_query else self.kv_num_heads
        if t.rank == 4:
            return t.shape
        if t.rank != 3 or not count or t.shape[2] % count:
            raise ShapeError(f"{t} does not split into {count} heads")
        return (t.shape[0], count, t.shape[1], t.shape[2] // count)

    def _split(self, g: GraphBuilder, x: str, is_query: bool) -> str:
        """The input with an axis for its heads."""
        t = g.type(x)
        batch, heads, length, size = self._heads(t, is_query)
        if t.rank == 4:
            return x
        return transpose(g, reshape(g, x, (batch, length, heads, size)), (0, 2, 1, 3))

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Two products and a softmax between; the heads that share a K stand below each other."""
        q, k, v, mask, past_key, past_value, nonpad = (*inputs, *[""] * 4)[:7]
        rank, dtype = g.type(q).rank, g.type(q).dtype
        q, k, v = self._split(g, q, True), self._split(g, k, False), self._split(g, v, False)
        past = 0
        if past_key:
            past = g.shape(past_key)[2]
            k = standard(g, "Concat", past_key, k, axis=2)
            v = standard(g, "Concat", past_value, v, axis=2)
        batch, heads, length, size = g.shape(q)
        _, shared, keys, _ = g.shape(k)
        rows: Shape = (batch, shared, heads // shared * length)
        scale = size**-0.5 if self.scale is None else self.scale
        scaled = reshape(g, apply(g, arg(0, dtype) * scale, q), (*rows, size))
        raw = standard(g, "MatMul", scaled, cast_to(g, transpose(g, k, (0, 1, 3, 2)), dtype))
        scores = [reshape(g, raw, (batch, heads, length, keys))]
        cap = self.softcap
        soft = call("tanh", arg(0, dtype) / cap) * cap if cap > 0 else arg(0, dtype)
        scores.append(apply(g, soft, scores[RAW]) if cap > 0 else scores[RAW])
        bias = self._bias(g, scores[RAW], mask, nonpad, past)
        plus = arg(0, dtype) + arg(1, dtype)
        scores.append(apply(g, plus, scores[CAPPED], bias) if bias else scores[CAPPED])
        scores.append(self._softmax(g, scores[BIASED], bias))
        weights = reshape(g, scores[SOFTMAX], (*rows, keys))
        y = standard(g, "MatMul", weights, cast_to(g, v, dtype))
        y = reshape(g, y, (batch, heads, length, g.shape(v)[3]))
        if rank == 3:
            y = reshape(g, transpose(g, y, (0, 2, 1, 3)), (batch, length, heads * g.shape(v)[3]))
        return y, k, v, scores[self.qk_matmul_output_mode]

    def _softmax(self, g: GraphBuilder, scores: str, bias: str) -> str:
        """The softmax over keys; a row without any allowed key is all zeros."""
        dtype = g.type(scores).dtype
        wide = F64 if self.softmax_precision == F64.onnx else dtype
        weights = cast_to(g, standard(g, "Softmax", cast_to(g, scores, wide), axis=-1), dtype)
        if not bias:
            return weights
        best = standard(g, "ReduceMax", bias, g.ints([-1]), keepdims=True)
        none = call("eq", arg(1, dtype), -inf)
        return apply(g, select(none, const(0, dtype), arg(0, dtype)), weights, best)

    def _windows(self) -> tuple[int, int]:
        """How many keys before and after the query's own place are seen; -1: all."""
        return -1, -1

    def _bias(self, g: GraphBuilder, scores: str, mask: str, nonpad: str, past: int) -> str:
        """What is added to the scores: the mask, and -inf where a key may not be seen; '': 0."""
        _, _, length, keys = g.shape(scores)
        dtype = g.type(scores).dtype
        row, column, shift, valid = arg(0, I32), arg(1, I32), arg(2, I32), arg(3, I32)
        left, right = self._windows()
        limits: list[Expr] = []
        if self.is_causal:
            limits.append(column <= row + shift)
        if left >= 0:
            limits.append(row + shift - column <= left)
        if right >= 0:
            limits.append(column - row - shift <= right)
        if nonpad:
            limits.append(column < valid)
        if not limits:
            return _mask_bias(g, mask, keys, scores) if mask else ""
        allowed = limits[0]
        for limit in limits[1:]:
            allowed = call("and", allowed, limit)
        operands = [_indices(g, length, 2), _indices(g, keys, 1), g.scalar(past, I32)]
        operands.append(operands[2])
        if nonpad:
            counts = cast(arg(0, g.type(nonpad).dtype), I32)
            column_of = (g.type(nonpad).size, 1, 1, 1)
            operands[3] = apply(g, counts, reshape(g, nonpad, column_of))
            operands[2] = apply(g, arg(0, I32) - length, operands[3])
        hidden = const(-inf, dtype)
        if not mask:
            return apply(g, select(allowed, const(0, dtype), hidden), *operands)
        operands.append(_mask_bias(g, mask, keys, scores))
        return apply(g, select(allowed, arg(4, dtype), hidden), *operands)


@register("Attention", since=25)
class Attention25(Attention):
    """Attention, also limited to windows around the query's own place."""

    left_window_size: int = -1
    right_window_size: int = -1

    def _windows(self) -> tuple[int, int]:
        return self.left_window_size, self.right_window_size


def _indices(g: GraphBuilder, count: int, rank: int) -> str:
    """0, 1, 2, ... in i32, which has vector code, as a row or a column."""
    narrow = apply(g, cast(arg(0, I64), I32), g.add(Iota(count=count)))
    return reshape(g, narrow, (count, 1) if rank == 2 else (count,))


def _mask_bias(g: GraphBuilder, mask: str, keys: int, scores: str) -> str:
    """A mask as summands: 0 and -inf for true and false; what it leaves out at the end is -inf."""
    t, dtype = g.type(mask), g.type(scores).dtype
    if t.dtype == BOOL:
        mask = apply(g, select(arg(0, BOOL), const(0, dtype), const(-inf, dtype)), mask)
    mask = cast_to(g, mask, dtype)
    missing = keys - t.shape[-1] if t.rank else 0
    if missing and t.rank and t.shape[-1] == 1:
        # The specification lets it broadcast, the reference evaluator hides all but the first key.
        raise UnsupportedOperatorError(f"a mask of one column for {keys} keys is not supported")
    if missing > 0:
        pads = g.ints([0] * t.rank + [0] * (t.rank - 1) + [missing])
        mask = standard(g, "Pad", mask, pads, g.scalar(-inf, dtype))
    if broadcast(g.shape(mask), g.shape(scores)) != g.shape(scores):
        raise ShapeError(f"the mask {t} does not fit the scores {g.type(scores)}")
    return mask
