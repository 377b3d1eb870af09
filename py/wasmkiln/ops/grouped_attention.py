"""GroupQueryAttention: what language models in onnxruntime's own form consist of.

Row b has seqlens_k[b] + 1 keys once its new ones are there. Where there is one row, these are
total_sequence_length, so that the place of everything is known while compiling.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.const import Const
from ..ir.dtype import I32, I64
from ..ir.expr import arg, cast, const, select
from ..ir.shape import broadcast
from ..ir.types import TensorType
from .base import MICROSOFT, Op, register
from .compose import apply, cast_to, expand_to, reshape, standard
from .contrib_attention import check_floats
from .heads import attend, columns, cut, join_heads, split_heads, visible
from .movement import Iota, constant_ints
from .norm import RMSNormalization
from .pad import PadConst
from .rotary import ContribRotaryEmbedding

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []


@register("GroupQueryAttention", domain=MICROSOFT)
class GroupQueryAttention(Op):
    """Causal attention with a cache, where several heads of queries share one of keys."""

    num_heads: int
    kv_num_heads: int
    causal: bool = True
    do_rotary: bool = False
    rotary_interleaved: bool = False
    local_window_size: int = -1
    scale: float | None = None
    softcap: float = 0.0
    smooth_softmax: int = -1
    qk_norm_epsilon: float = 1e-6
    q_norm_epsilon: float | None = None
    k_norm_epsilon: float | None = None
    k_quant_type: str = "NONE"
    v_quant_type: str = "NONE"
    kv_cache_bit_width: int = 0
    qk_output: int = 0
    sliding_window_cache: bool = False
    n_outputs: int = 1

    def infer(
        self,
        query: TensorType,
        key: TensorType | None,
        value: TensorType | None,
        past_key: TensorType | None,
        past_value: TensorType | None,
        lengths: TensorType,
        total: TensorType,
        cos: TensorType | None = None,
        sin: TensorType | None = None,
        position_ids: TensorType | None = None,
        attention_bias: TensorType | None = None,
        head_sink: TensorType | None = None,
        k_scale: TensorType | None = None,
        v_scale: TensorType | None = None,
        q_norm: TensorType | None = None,
        k_norm: TensorType | None = None,
        query_lengths: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """Rows like the queries', and the cache as long as the keys, or as it was."""
        self._check_options(k_scale, v_scale, query_lengths)
        check_floats(query, key, value, past_key, past_value, attention_bias)
        (keys,) = constant_ints(total, "the number of keys")
        batch, length, size = self._sizes(query, key, value)
        past = self._past(past_key, past_value, (batch, self.kv_num_heads, size))
        if lengths.size != batch or keys < length or (self.do_rotary and (not cos or not sin)):
            raise ShapeError(f"{keys} keys, lengths {lengths}, tables {cos} for {query}")
        scores = (batch, self.num_heads, length, keys)
        if attention_bias is not None and broadcast(attention_bias.shape, scores) != scores:
            raise ShapeError(f"attention_bias is {attention_bias}, the scores are {scores}")
        y = TensorType(query.dtype, (batch, length, self.num_heads * size))
        cache = TensorType(query.dtype, (batch, self.kv_num_heads, max(past, keys), size))
        return (y, cache, cache)[: self.n_outputs]

    def _check_options(self, *absent: TensorType | None) -> None:
        given = self.kv_cache_bit_width or self.sliding_window_cache or self.qk_output
        quantized = {self.k_quant_type, self.v_quant_type} != {"NONE"}
        if given or quantized or any(t is not None for t in absent):
            raise UnsupportedOperatorError(
                "quantized and sliding caches, and output of scores, are not supported"
            )

    def _sizes(
        self, query: TensorType, key: TensorType | None, value: TensorType | None
    ) -> tuple[int, int, int]:
        """Batch, new words, and elements of a head."""
        heads = self.num_heads if key is not None else self.num_heads + 2 * self.kv_num_heads
        if query.rank != 3 or self.kv_num_heads < 1 or self.num_heads % self.kv_num_heads:
            raise ShapeError(f"{query} with {self.num_heads} and {self.kv_num_heads} heads")
        batch, length, width = query.shape
        size, rest = divmod(width, heads)
        wanted = (batch, length, self.kv_num_heads * size)
        fits = key is None or (value is not None and key.shape == value.shape == wanted)
        if rest or not fits or (key is None and value is not None):
            raise ShapeError(f"queries {query}, keys {key} and values {value} do not fit")
        return batch, length, size

    def _past(
        self, key: TensorType | None, value: TensorType | None, wanted: tuple[int, int, int]
    ) -> int:
        """How long the cache is."""
        if key is None and value is None:
            return 0
        fits = key is not None and value is not None and key.shape == value.shape
        if not fits or key.rank != 4 or (key.shape[0], key.shape[1], key.shape[3]) != wanted:  # type: ignore[union-attr]
            raise ShapeError(f"the past {key} and {value} does not fit heads {wanted}")
        assert key is not None
        return key.shape[2]

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Heads, rotation, the cache and an attention."""
        given = (*inputs, *[""] * 17)[:17]
        query, key, value, past_key, past_value, lengths, total = given[:7]
        cos, sin, at, bias, sink, _, _, q_norm, k_norm, _ = given[7:]
        q, k, v = self._split(g, query, key, value)
        q = self._normalized(g, q, q_norm, self.q_norm_epsilon)
        k = self._normalized(g, k, k_norm, self.k_norm_epsilon)
        batch, _, length, _ = g.shape(q)
        (keys,) = constant_ints(g.type(total), "the number of keys")
        before = self._before(g, lengths, batch, length, keys)
        if self.do_rotary:
            at = self._first(g, at, before) or self._positions(g, before, batch, length)
            q, k = (self._rotated(g, x, cos, sin, at) for x in (q, k))
        present_key = _appended(g, past_key, k, before, keys)
        present_value = _appended(g, past_value, v, before, keys)
        if self.smooth_softmax == 1 and not sink:
            sink = expand_to(g, reshape(g, g.scalar(0.0), (1,)), (self.num_heads,))
        limit = visible(g, length, keys, before, self.causal, self.local_window_size - 1)
        y = attend(
            g, q, cut(g, present_key, 2, 0, keys), cut(g, present_value, 2, 0, keys),
            (bias, limit), self.scale or None, self.softcap, sink,
        )  # fmt: skip
        return (join_heads(g, y), present_key, present_value)[: self.n_outputs]

    def _split(self, g: GraphBuilder, query: str, key: str, value: str) -> tuple[str, str, str]:
        """Queries, keys and values with heads."""
        own = self.kv_num_heads
        if key:
            q = split_heads(g, query, self.num_heads)
            return q, split_heads(g, key, own), split_heads(g, value, own)
        whole = split_heads(g, query, self.num_heads + 2 * own)
        q = cut(g, whole, 1, 0, self.num_heads)
        k = cut(g, whole, 1, self.num_heads, own)
        return q, k, cut(g, whole, 1, self.num_heads + own, own)

    def _normalized(self, g: GraphBuilder, x: str, scale: str, epsilon: float | None) -> str:
        """Each head by its root mean square, where there is a scale for that."""
        if not scale:
            return x
        epsilon = self.qk_norm_epsilon if epsilon is None else epsilon
        return g.add(RMSNormalization(epsilon=epsilon), x, scale)

    def _before(
        self, g: GraphBuilder, lengths: str, batch: int, length: int, keys: int
    ) -> int | str:
        """How many keys each row had before: 0 for a first prompt."""
        if length == keys:
            return 0
        if batch == 1:
            return keys - length
        known = cast(arg(0, g.type(lengths).dtype), I32) + (1 - length)
        return reshape(g, apply(g, known, lengths), (batch, 1, 1, 1))

    def _first(self, g: GraphBuilder, at: str, before: int | str) -> str:
        """The given places; of a first prompt's only one counts, that of the first word."""
        if not at or before != 0:
            return at
        return cut(g, reshape(g, at, (g.type(at).size,)), 0, 0, 1)

    def _positions(self, g: GraphBuilder, before: int | str, batch: int, length: int) -> str:
        """The places of the new words, [batch, length]."""
        if isinstance(before, int):
            steps = apply(g, arg(0, I64) + before, g.add(Iota(count=length)))
            return expand_to(g, reshape(g, steps, (1, length)), (batch, length))
        steps = apply(g, arg(0, I32) + arg(1, I32), reshape(g, before, (batch, 1)),
                      columns(g, length))  # fmt: skip
        return cast_to(g, steps, I64)

    def _rotated(self, g: GraphBuilder, x: str, cos: str, sin: str, at: str) -> str:
        op = ContribRotaryEmbedding(
            interleaved=self.rotary_interleaved, rotary_embedding_dim=2 * g.shape(cos)[-1]
        )
        return g.add(op, x, at, cos, sin)


def _appended(g: GraphBuilder, past: str, new: str, before: int | str, keys: int) -> str:
    """The cache with the new entries behind the first `before` ones, zeros after them."""
    batch, heads, length, size = g.shape(new)
    room = max(keys, g.shape(past)[2] if past else 0)
    if isinstance(before, int):
        whole = new
        if before:
            whole = standard(g, "Concat", cut(g, past, 2, 0, before), new, axis=2)
        ends = (0, 0, room - before - length, 0)
        zero = Const.scalar(g.type(new).dtype, 0.0)
        return g.add(PadConst(begins=(0,) * 4, ends=ends, value=zero), whole) if ends[2] else whole
    # Each row has its own border: everything side by side, and an index for each place.
    old = g.shape(past)[2] if past else 0
    nothing = expand_to(g, reshape(g, g.scalar(0.0), (1,) * 4), (batch, heads, 1, size))
    parts = [past, new, nothing] if old else [new, nothing]
    whole = standard(g, "Concat", *parts, axis=2)
    place, border = arg(0, I32), arg(1, I32)
    fresh = select(place - border < length, place - border + old, const(old + length, I32))
    at = apply(
        g, select(place < border, place, fresh), reshape(g, columns(g, room), (room, 1)), before
    )
    at = expand_to(g, reshape(g, at, (batch, 1, room, 1)), (batch, heads, room, 1))
    return standard(g, "GatherND", whole, at, batch_dims=2)
