"""LinearAttention: attention whose memory of the past is a matrix for each head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.dtype import F32
from ..ir.expr import arg, call
from ..ir.types import TensorType
from ..program.kernels.linear_attention import LinearAttentionSpec
from ..program.lowering import Lowering
from ..program.program import F32Word, Slot, Word
from .base import INTERNAL, Op, register
from .compose import apply, cast_to

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []

RULES = {
    "linear": (False, False),
    "gated": (True, False),
    "delta": (False, True),
    "gated_delta": (True, True),
}


@register("LinearAttention", since=27)
class LinearAttention(Op):
    """See `LinearAttentionSpec`; inputs are [batch, tokens, heads * size], the decay is a log.

    chunk_size: how others may split the tokens; means nothing here.
    """

    q_num_heads: int
    kv_num_heads: int
    chunk_size: int = 64
    scale: float = 0.0
    update_rule: str = "gated_delta"

    def infer(
        self,
        q: TensorType,
        k: TensorType,
        v: TensorType,
        past: TensorType | None = None,
        decay: TensorType | None = None,
        beta: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """The output like the query, and the state."""
        if self.update_rule not in RULES:
            raise UnsupportedOperatorError(f"update_rule '{self.update_rule}' is unknown")
        heads, queries = self.kv_num_heads, self.q_num_heads
        fits = q.rank == k.rank == v.rank == 3 and q.shape[:2] == k.shape[:2] == v.shape[:2]
        if not fits or heads < 1 or queries < 1 or queries % heads or q.shape[2] % queries:
            raise ShapeError(f"Q {q}, K {k} and V {v} for {queries} and {heads} heads")
        keys = q.shape[2] // queries
        if not keys or k.shape[2] != heads * keys or v.shape[2] % heads:
            raise ShapeError(f"Q {q}, K {k} and V {v} for {queries} and {heads} heads")
        values = v.shape[2] // heads
        state = (q.shape[0], heads, keys, values)
        if past is not None and past.shape != state:
            raise ShapeError(f"the past is {past}, where {state} is expected")
        given = (("decay", decay, (heads, heads * keys)), ("beta", beta, (heads, 1)))
        for (name, t, sizes), needed in zip(given, RULES[self.update_rule], strict=True):
            if (t is not None) != needed:
                verb = "needs" if needed else "forbids"
                raise ShapeError(f"update_rule '{self.update_rule}' {verb} the {name}")
            if t is not None and (t.shape[:-1] != q.shape[:2] or t.shape[-1] not in sizes):
                raise ShapeError(f"the {name} is {t} for Q {q} and {heads} heads")
        dtype = q.dtype if past is None else past.dtype
        y = TensorType(q.dtype, (*q.shape[:2], queries * values))
        return y, TensorType(dtype, state)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A LinearRecurrence in f32."""
        q, k, v, past, decay, beta = (*inputs, *[""] * 3)[:6]
        types = self.infer(*(g.type(i) if i else None for i in (q, k, v, past, decay, beta)))  # type: ignore[arg-type]
        keys = g.shape(q)[2] // self.q_num_heads
        wide = [cast_to(g, i, F32) if i else "" for i in (q, k, v, past, decay, beta)]
        if decay:
            wide[4] = apply(g, call("exp", arg(0)), wide[4])
        gated, delta = RULES[self.update_rule]
        op = LinearRecurrence(
            queries=self.q_num_heads,
            heads=self.kv_num_heads,
            scale=self.scale or keys**-0.5,
            gated=gated,
            delta=delta,
        )
        made = g.add_all(op, wide, n_outputs=2)
        return tuple(cast_to(g, y, t.dtype) for y, t in zip(made, types, strict=True))


@register("LinearRecurrence", domain=INTERNAL)
class LinearRecurrence(Op):
    """What LinearAttention becomes: all in f32, and the decay a factor."""

    queries: int
    heads: int
    scale: float
    gated: bool
    delta: bool

    def infer(
        self, q: TensorType, k: TensorType, v: TensorType, *rest: TensorType | None
    ) -> tuple[TensorType, ...]:
        """The output and the state."""
        batch, tokens, size = q.shape
        values = v.shape[2] // self.heads
        state = (batch, self.heads, size // self.queries, values)
        y = TensorType(F32, (batch, tokens, self.queries * values))
        return y, TensorType(F32, state)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One call over panels of columns of the states."""
        _, heads, keys, values = outputs[1].type.shape
        batch, tokens, _ = outputs[0].type.shape
        decay, beta = inputs[4:]
        per_key = decay is not None and decay.type.shape[2] != heads
        args: list[Word] = [lw.write(out) for out in outputs]
        args += [lw.read(slot) if slot else 0 for slot in inputs]
        args += [tokens, heads, self.queries // heads, keys, values]
        decays = decay.type.shape[2] if decay else 0
        betas = beta.type.shape[2] if beta else 0
        args += [4 * decays, 4 * keys if per_key else 4, 4 if per_key else 0]
        args += [4 * betas, 4 if betas > 1 else 0, *lw.scratch(16 * keys), F32Word(self.scale)]
        spec = LinearAttentionSpec(self.gated, self.delta)
        lw.call(spec, args, batch * heads * -(-values // 4))

    def cost(self, inputs: tuple[TensorType | None, ...], outputs: tuple[TensorType, ...]) -> int:
        """Each element of the state, for each token: an update, and readings."""
        readings = self.queries // self.heads + self.delta
        return outputs[1].size * outputs[0].shape[1] * (1 + readings)
