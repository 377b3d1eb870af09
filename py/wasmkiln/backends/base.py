"""What every backend is told about the machine that will run its code."""

from __future__ import annotations

from typing import Literal

from ..record import record

SimdLevel = Literal["relaxed", "baseline"]


@record
class Target:
    """A variant of the emitted code: its SIMD level, and whether several threads may run it."""

    simd: SimdLevel = "relaxed"
    threads: bool = False
