"""What a backend is given: kernels to emit, buffers to place and calls to make, in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ..ir.const import Const
from ..ir.dtype import DType
from ..ir.types import TensorType
from ..record import record
from .kernels import KernelSpec

__all__ = ["Binding", "Buffer", "BufferKind", "Call", "F32Word", "Program", "Ref", "Slot", "Word"]

# input, output: alive for a whole run. constant: filled at load or by init, kept for good.
# temporary: alive from its first use to its last, so that memory is shared.
BufferKind = Literal["input", "output", "constant", "temporary"]


@record
class Buffer:
    """A piece of linear memory; `index` is its identity. dtype: of what it holds, where known."""

    index: int
    nbytes: int
    kind: BufferKind
    dtype: DType | None = None


@record
class Slot:
    """Where a value lies: row-major and contiguous, `offset` bytes into a buffer.

    pitch: bytes from one row of the last dimension to the next, where rows lie apart; else 0. Only
    operators that `write_apart` get such a slot, for their output.
    """

    buffer: Buffer
    type: TensorType
    offset: int = 0
    pitch: int = 0


@record
class Ref:
    """An address among a call's arguments, and what the call does with the buffer behind it."""

    buffer: Buffer
    offset: int
    writes: bool
    reads: bool


@record
class F32Word:
    """A float among a call's arguments."""

    value: float


Word = int | Ref | F32Word


@record
class Call:
    """One kernel run over `extent` in even shares that start at multiples of `unit`.

    grain: there are at most as many shares as this goes into the extent, rounded up.
    args: 32-bit words. in_place: (output, input) buffers that may be one if the input dies here.
    origin: the model's nodes that it carries out. macs: multiply-accumulates, where it is the last
    call of its operator.
    """

    kernel: KernelSpec
    args: tuple[Word, ...]
    extent: int
    grain: int = 1
    in_place: tuple[tuple[Buffer, Buffer], ...] = ()
    origin: tuple[str, ...] = ()
    unit: int = 1
    macs: int = 0


@record
class Binding:
    """A model input or output and its place."""

    name: str
    slot: Slot


@record
class Program:
    """A compiled graph before it gets addresses.

    init runs once after the weights are copied, main on each inference.
    weights: constants by the buffer that holds them as they are in the file.
    threads: the most that may run main; scratch memory has a share for each.
    """

    init: tuple[Call, ...]
    main: tuple[Call, ...]
    buffers: tuple[Buffer, ...]
    weights: Mapping[Buffer, Const]
    inputs: tuple[Binding, ...]
    outputs: tuple[Binding, ...]
    threads: int = 1

    def kernels(self) -> tuple[KernelSpec, ...]:
        """The distinct kernels, in order of first use."""
        return tuple(dict.fromkeys(c.kernel for c in (*self.init, *self.main)))
