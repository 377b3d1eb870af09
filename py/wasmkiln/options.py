"""Options of a compilation, frozen so that they can be part of a cache key."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Literal

from .record import fresh, record

__all__ = ["CompileOptions", "Simd", "memory_budget"]

Simd = Literal["relaxed", "baseline"]


def memory_budget() -> int:
    """Bytes that a model may use where nobody says how many."""
    if sys.platform == "emscripten":
        return 2 << 30
    try:
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # as on Windows
        return 4 << 30
    return min(pages * size // 2, 4 << 30)


@record
class CompileOptions:
    """What to compile for.

    simd: "relaxed" uses relaxed SIMD (fused multiply-add), "baseline" only SIMD128. What relaxed
        SIMD rounds depends on the processor; "baseline" gives the same bits on any machine, but
        for the sign and payload of NaN.
    threads: the most threads that will run the model; above 1 the memory is shared. Results have
        the same bits for any number.
    dims: sizes for symbolic dimensions of the inputs, by name; others are 1.
    shapes: whole shapes for inputs, by input name; they win over `dims`.
    fuse: splice elementwise operators into the kernels that produce their input.
    channels_last: run convolutional nets in NHWC inside.
    bottleneck: run expand, depthwise convolution and projection as one kernel where that wins.
    patterns: use one kernel for attention and for normalizations that a model spells out.
    integers: multiply quantized values as integers, in exact sums, not as the floats that they
        stand for.
    winograd: run 3 by 3 convolutions after Winograd: two to three times as fast, but each rounds
        several times as much, and keeps filters of up to four times the size.
    max_memory: the most bytes of linear memory a model may need, and its outputs together; by
        default half of the machine's memory and no more than the 4 GiB that Wasm allows, in a
        browser 2 GiB. A model that needs more is refused before anything is allocated.
    """

    simd: Simd = "relaxed"
    threads: int = 1
    dims: Mapping[str, int] = fresh(factory=dict)
    shapes: Mapping[str, tuple[int, ...]] = fresh(factory=dict)
    fuse: bool = True
    channels_last: bool = True
    bottleneck: bool = True
    patterns: bool = True
    integers: bool = True
    winograd: bool = False
    max_memory: int = fresh(factory=memory_budget)
