"""nbits: a product with weights of 4 or 8 bits, which stay as small as they are."""

from __future__ import annotations

from ...record import record
from .base import KernelSpec

__all__ = ["CHUNK", "NBitsSpec"]

CHUNK = 32  # weights that are taken at a time; a block consists of whole ones


@record
class NBitsSpec(KernelSpec):
    """out[m, n] = sum_k a[m, k] * (code[n, k] - zero[n, k / block]) * scale[n, k / block].

    bits: of a code, 4 or 8; of two 4-bit codes in a byte, the first lies in the low bits.
    zero: the zero point of all blocks; None: each block has its own, in a byte.

    args: out a codes scales zeros m blocks block lda ldc. block: bytes of a block's codes.
    range: columns n.
    """

    bits: int
    zero: int | None

    @property
    def name(self) -> str:
        """E.g. `nbits_4_z8`."""
        return f"nbits_{self.bits}{'' if self.zero is None else f'_z{self.zero}'}"
