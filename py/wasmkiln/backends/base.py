"""What every backend is told about the machine that will run its code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SimdLevel = Literal["relaxed", "baseline"]


@dataclass(frozen=True, slots=True)
class Target:
    """A variant of the emitted code: its SIMD level, and whether several threads may run it."""

    simd: SimdLevel = "relaxed"
    threads: bool = False
