"""Summaries of samples: medians, and which samples count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import fmean, median

__all__ = ["DISTURBED", "Sample", "Summary", "fast_mean", "summarise", "undisturbed"]

# A sample counts only if the spin beside it took at most this times the best spin.
DISTURBED = 1.25
LEAST = 0.2  # On a machine that is never quiet, this share of the samples counts all the same.


@dataclass(frozen=True, slots=True)
class Sample:
    """The time of one run, and that of the fixed work beside it; milliseconds."""

    ms: float
    spin: float


@dataclass(frozen=True, slots=True)
class Summary:
    """Milliseconds of the samples that count. share: how many of all these were."""

    median_ms: float
    min_ms: float
    p95_ms: float
    samples: int
    share: float


def undisturbed(spins: Sequence[float]) -> list[int]:
    """Indices of the samples whose spin is near the best one, or among the best fifth."""
    ranked = sorted(spins)
    limit = max(DISTURBED * ranked[0], ranked[ceil(LEAST * len(ranked)) - 1])
    return [i for i, spin in enumerate(spins) if spin <= limit]


def summarise(samples: Sequence[Sample]) -> Summary:
    """Median, minimum and 95th percentile of the undisturbed samples."""
    kept = undisturbed([s.spin for s in samples])
    good = sorted(samples[i].ms for i in kept)
    p95 = good[-(-95 * len(good) // 100) - 1]
    return Summary(median(good), good[0], p95, len(good), len(good) / len(samples))


def fast_mean(times: Sequence[float]) -> float:
    """The mean of the fastest quarter: steady where the clock is coarse for a median."""
    return fmean(sorted(times)[: ceil(len(times) / 4)])
