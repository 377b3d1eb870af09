"""The artifact: a compiled model as bytes, with all that a host needs to load and run it.

To load: make a memory of `pages`; write the segments; for each init step k, first do the copies
whose step is k, then call `run(init.table, k, 1, 0, 1, 0)`; after the last step, the remaining
copies. To run: write the inputs, call `run(main.table, 0, main.steps, thread, threads, epoch)` on
every thread, read the outputs when thread 0 returns. `backends/wasm/runtime.py` says what an epoch
is.
"""

from __future__ import annotations

from typing import Any

from .ir.types import TensorType
from .record import record

__all__ = ["PAGE", "STATUS_ADDRESS", "Artifact", "IOBinding", "Image", "StepTable", "WeightCopy"]

VERSION = 2

PAGE = 65536  # bytes in which WebAssembly counts memory

# A kernel that meets invalid data, such as an index out of range, stores its reason here.
STATUS_ADDRESS = 16


@record
class StepTable:
    """Address and number of the step records of one phase."""

    table: int
    steps: int


@record
class WeightCopy:
    """Bytes that go from a model file to memory just before an init step."""

    step: int
    file: int
    source: int
    nbytes: int
    target: int


@record
class IOBinding:
    """Where the host writes an input or reads an output."""

    name: str
    type: TensorType
    offset: int


@record
class Image:
    """What a program needs in memory, and where its inputs and outputs lie.

    data: contents of all segments, one after the other. segments: (address, bytes).
    end: the first address that is not used.
    """

    data: bytes
    segments: tuple[tuple[int, int], ...]
    copies: tuple[WeightCopy, ...]
    init: StepTable
    main: StepTable
    inputs: tuple[IOBinding, ...]
    outputs: tuple[IOBinding, ...]
    end: int


@record
class Artifact(Image):
    """A compiled model for fixed input shapes.

    code: the WebAssembly module. It imports `env.memory` and exports `run`.
    threads: the most threads that may run it. macs: multiply-accumulates of one run.
    """

    code: bytes
    pages: int
    shared: bool
    simd: str
    threads: int
    arena_bytes: int
    weight_bytes: int
    macs: int

    def meta(self) -> dict[str, Any]:
        """All but code and data, in JSON's types, as the JavaScript runtime reads it."""
        return {
            "version": VERSION,
            "pages": self.pages,
            "shared": self.shared,
            "simd": self.simd,
            "threads": self.threads,
            "segments": [list(s) for s in self.segments],
            "copies": [[c.step, c.file, c.source, c.nbytes, c.target] for c in self.copies],
            "init": {"table": self.init.table, "steps": self.init.steps},
            "main": {"table": self.main.table, "steps": self.main.steps},
            "inputs": [_binding(b) for b in self.inputs],
            "outputs": [_binding(b) for b in self.outputs],
            "arenaBytes": self.arena_bytes,
            "weightBytes": self.weight_bytes,
            "macs": self.macs,
        }


def _binding(b: IOBinding) -> dict[str, Any]:
    return {
        "name": b.name,
        "dtype": b.type.dtype.full,
        "shape": list(b.type.shape),
        "offset": b.offset,
        "nbytes": b.type.nbytes,
    }
