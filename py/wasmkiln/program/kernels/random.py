"""random: numbers drawn from a generator whose state lies in memory."""

from __future__ import annotations

from typing import Literal

from ...record import record
from .base import KernelSpec

__all__ = ["STATE_BYTES", "WORDS", "Distribution", "DrawSpec"]

Distribution = Literal["uniform", "normal"]

# The state: 624 words, the next one's index, whether a normal number is left over, and that number.
WORDS = 624
STATE_BYTES = 4 * WORDS + 4 + 4 + 8


@record
class DrawSpec(KernelSpec):
    """The next numbers in f64: from [0, 1), or of mean 0 and deviation 1.

    They are those of NumPy's RandomState: MT19937, 53 bits, Marsaglia's polar method.

    args: out, state (addresses); count (elements)
    range: one unit for all, as each number follows from those before.
    """

    distribution: Distribution

    @property
    def name(self) -> str:
        """E.g. `draw_uniform`."""
        return f"draw_{self.distribution}"
