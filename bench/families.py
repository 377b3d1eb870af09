"""Rows of a microbenchmark over all its models: kernels by family, and what loses most time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

__all__ = ["FastEnough", "Measured", "family", "family_table", "lost_ms", "slow_table"]

SLOWEST = 12  # rows that are worth reading


class Measured(Protocol):
    """What is read of a row; see `micro.MicroRow`."""

    @property
    def model(self) -> str: ...
    @property
    def op(self) -> str: ...
    @property
    def kernels(self) -> tuple[str, ...]: ...
    @property
    def shapes(self) -> str: ...
    @property
    def count(self) -> int: ...
    @property
    def ms(self) -> float: ...
    @property
    def macs(self) -> int: ...
    @property
    def peak_share(self) -> float: ...


class FastEnough:
    """Shares of the peak of f32 at which a kernel is as good as can be hoped for."""

    FLOATS = 0.9
    INTEGERS = 1.5  # two products an instruction, and an addition: 2 at most


def family(kernel: str) -> str:
    """The family of a kernel with its element type and tile, without its epilogue.

    >>> family("gemm_f32_6x8_bias_max0")
    'gemm_f32_6x8'
    >>> family("depthwise_i16_3s1_7l1r0_7l0r1_cast165419_cc")
    'depthwise_i16_3s1'
    >>> family("map_u8_f32_i16_1d_bcb_sub99bd42")
    'map'
    """
    found = re.match(r"([a-z_]+?)_(f32|i16)(_\d+(x|s)\d+)?", kernel)
    if found and found[3]:
        return found[0]
    return re.split(r"_(?=[a-z]?\d|c_|f32|inner|outer|middle)", kernel)[0]


def family_table(rows: Sequence[Measured]) -> str:
    """Families by the time that they take, as Markdown."""
    total = sum(r.ms * r.count for r in rows) or 1.0
    found: dict[str, list[Measured]] = {}
    for row in rows:
        found.setdefault(family(row.kernels[0]), []).append(row)
    lines = [
        "| family | share | ms | rows | of peak, least | of peak, all |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, same in sorted(found.items(), key=lambda f: -_ms(f[1])):
        shares = [r.peak_share for r in same if r.macs]
        products = [r for r in same if r.macs]
        least = f"{100 * min(shares):.0f} %" if shares else ""
        # The time at the peak, over the time that was taken.
        ideal = sum(r.peak_share * r.ms * r.count for r in products)
        whole = f"{100 * ideal / _ms(products):.0f} %" if products else ""
        share = f"{100 * _ms(same) / total:.1f} %"
        lines.append(f"| {name} | {share} | {_ms(same):.2f} | {len(same)} | {least} | {whole} |")
    return "\n".join(lines) + "\n"


def lost_ms(row: Measured) -> float:
    """What a row would save of a run, were it fast enough; 0 for what has no products."""
    integer = "_i16" in row.kernels[0]
    goal = FastEnough.INTEGERS if integer else FastEnough.FLOATS
    return max(0.0, row.ms * row.count * (1 - row.peak_share / goal)) if row.macs else 0.0


def slow_table(rows: Sequence[Measured], most: int = SLOWEST) -> str:
    """The rows that lose the largest share of their model's time, as Markdown."""
    totals: dict[str, float] = {}
    for row in rows:
        totals[row.model] = totals.get(row.model, 0.0) + row.ms * row.count
    losses = [(lost_ms(r) / totals[r.model], r) for r in rows if lost_ms(r) > 0]
    lines = [
        "| of its model | lost ms | of peak | model | operation | shapes | kernel |",
        "|--:|--:|--:|---|---|---|---|",
    ]
    for share, r in sorted(losses, key=lambda x: -x[0])[:most]:
        lines.append(
            f"| {100 * share:.1f} % | {lost_ms(r):.3f} | {100 * r.peak_share:.0f} % | {r.model} "
            f"| {r.op} | {r.shapes} | {r.kernels[0]} |"
        )
    return "\n".join(lines) + "\n"


def _ms(rows: Sequence[Measured]) -> float:
    return sum(r.ms * r.count for r in rows)
