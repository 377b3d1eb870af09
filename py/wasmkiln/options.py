"""Options of a compilation, frozen so that they can be part of a cache key."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Literal

from .record import fresh, record

__all__ = ["MAX_THREADS", "CompileOptions", "Simd", "default_threads", "worth_threads"]

Simd = Literal["relaxed", "baseline"]

MAX_THREADS = 8  # unasked: beyond, waiting for each other eats what small models could win

# Multiply-accumulates of a run of 1 to 2 ms on one thread. To wake others costs 0.1 to 0.2 ms.
MIN_MACS = 10_000_000


@record
class CompileOptions:
    """What to compile for.

    simd: "relaxed" uses relaxed SIMD (fused multiply-add), "baseline" only SIMD128. What relaxed
        SIMD rounds depends on the processor; "baseline" gives the same bits on any machine, but
        for the sign and payload of NaN.
    threads: the most threads that will run the model; above 1 the memory is shared. 0: as many as
        there are cores, if a run has work for them. Results have the same bits for any number.
    dims: sizes for symbolic dimensions of the inputs, by name; shapes that contradict them are
        refused. Others take the sizes of what is given to a run, or are 1.
    shapes: whole shapes for inputs, by input name.
    fold: multiply scales and shifts per channel, such as BatchNormalization's, into the weights of
        the layers before them.
    hoist: compute what depends on constants alone, such as packed weights, once, at load.
    fuse: splice elementwise operators into the kernels that produce their input.
    channels_last: run convolutional nets in NHWC inside.
    bottleneck: run expand, depthwise convolution and projection as one kernel where that wins.
    patterns: use one kernel for attention and for normalizations that a model spells out.
    integers: multiply quantized values as integers, in exact sums, not as the floats that they
        stand for.
    winograd: run 3 by 3 convolutions after Winograd where that wins: up to three times as fast, but
        their results err about twice as much, and their filters take up to four times the memory.
    join: let convolutions and products write straight into the tensor that a Concat joins them to.
    reuse: let tensors that are not needed at the same time share memory, and let operators write
        over inputs that nothing else needs.
    any_size: choose kernels that suit other heights and widths too, where those for one size would
        be a little faster.
    max_memory: the most bytes of linear memory a model may need, and its outputs together (Wasm
        allows 4 GiB), checked before anything is allocated; 0 leaves
        it to the host: half of the machine's memory natively, 2 GiB in a browser.
    """

    simd: Simd = "relaxed"
    threads: int = 1
    dims: Mapping[str, int] = fresh(factory=dict)
    shapes: Mapping[str, tuple[int, ...]] = fresh(factory=dict)
    fold: bool = True
    hoist: bool = True
    fuse: bool = True
    channels_last: bool = True
    bottleneck: bool = True
    patterns: bool = True
    integers: bool = True
    winograd: bool = True
    join: bool = True
    reuse: bool = True
    any_size: bool = False
    max_memory: int = 0


def default_threads() -> int:
    """As many threads as this process has cores, within reason; one under Pyodide."""
    if sys.platform == "emscripten":
        return 1
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # only some systems can say
        cores = os.cpu_count() or 1
    return min(cores, MAX_THREADS)


def worth_threads(macs: int) -> bool:
    """Whether a run of so many multiply-accumulates is quicker on several threads."""
    return macs >= MIN_MACS
