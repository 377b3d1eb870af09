"""What this machine can do at most: a tiny module of register-only fused multiply-adds.

Emitted by wasmkiln's own assembler and run in the browser that runs everything else, so that a
share of the peak means the same for every kernel of the same run.
"""

from __future__ import annotations

from wasmkiln.backends.wasm import asm as w
from wasmkiln.backends.wasm.module import Module

__all__ = ["FLOPS_PER_TURN", "peak_module"]

# As many chains as a 6x8 tile of a matrix product has: enough to hide the latency of an FMA.
CHAINS = 12
UNROLL = 4
FLOPS_PER_TURN = CHAINS * UNROLL * 4 * 2


def peak_module() -> bytes:
    """A module that exports `spin(turns) -> f32`; one turn is FLOPS_PER_TURN operations."""
    m = Module(pages=1)
    f = m.function("spin", (w.i32,), (w.f32,), export=True)
    (turns,) = f.params
    factor = f.let(w.f32x4_const(0.5))
    addend = f.let(w.f32x4_const(0.25))
    chains = [f.let(w.f32x4_const(float(i))) for i in range(CHAINS)]
    i = f.local(w.i32)
    with f.for_range(i, 0, turns):
        for _ in range(UNROLL):
            for chain in chains:
                f.set(chain, w.f32x4_relaxed_madd(chain, factor, addend))
    total = chains[0]
    for chain in chains[1:]:
        f.set(total, w.f32x4_add(total, chain))
    f.return_(w.f32x4_extract_lane(total, 0))
    return m.build()
