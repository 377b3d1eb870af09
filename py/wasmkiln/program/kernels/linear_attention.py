"""linear_attention: a matrix for each head as state, updated and read token by token."""

from __future__ import annotations

from ...record import record
from .base import KernelSpec

__all__ = ["LinearAttentionSpec"]


@record
class LinearAttentionSpec(KernelSpec):
    """For each token: S *= decay; v = beta * (v - k @ S); S += outer(k, v); out = scale * q @ S.

    gated: whether S decays. delta: whether v is changed.

    args: out, present, q, k, v, past, decay, beta (addresses; 0 if absent); tokens, heads, group,
          keys, values (elements); decay_token, decay_head, decay_key, beta_token, beta_head
          (bytes); scratch, share; scale (f32)
    All in f32: q [batch, tokens, heads * group, keys], k [batch, tokens, heads, keys], v and, with
    q's heads, out [.., values], past and present [batch, heads, keys, values].
    A thread needs room for 4 * keys elements.
    range: panels of 4 values, of all heads and all of the batch.
    """

    gated: bool
    delta: bool

    @property
    def name(self) -> str:
        """E.g. `linear_attention_gated_delta`."""
        return f"linear_attention{'_gated' * self.gated}{'_delta' * self.delta}"
