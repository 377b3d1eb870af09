"""What a host is: it makes memory, runs emitted code, and moves bytes in and out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..artifact import PAGE, STATUS_ADDRESS, Artifact, Image, StepTable
from ..errors import InvalidInputError
from ..ir.const import Buffer
from ..onnx.source import ByteSource

__all__ = ["Host", "Instance", "check_status", "fill", "load"]


class Instance(Protocol):
    """A model in memory. It is used by one caller at a time. nbytes: the size of the memory."""

    @property
    def nbytes(self) -> int: ...

    def install(self, code: bytes) -> None:
        """Instantiate a module over the memory; steps run its kernels from now on."""

    def reserve(self, nbytes: int) -> None:
        """Make the memory at least so large; LimitError if it can't be."""

    def write(self, address: int, data: Buffer) -> None:
        """Copy bytes into the model's memory."""

    def read(self, address: int, nbytes: int) -> bytearray:
        """A copy of bytes of the model's memory."""

    def copy(self, source: ByteSource, offset: int, nbytes: int, address: int) -> None:
        """Copy a range of a model file into the model's memory."""

    def step(self, table: int, first: int, count: int) -> None:
        """Run step records on one thread."""

    def run(self, main: StepTable, threads: int) -> None:
        """Run all steps on so many threads; returns when all are done."""

    def release(self) -> None:
        """Give up the memory and stop the threads; the instance can't be used afterwards."""


class Host(Protocol):
    """Makes instances. max_memory: the most bytes that one should take if nobody says more."""

    @property
    def max_memory(self) -> int: ...

    def open(self, threads: int, shared: bool, nbytes: int, limit: int) -> Instance:
        """A memory of `nbytes` which may grow to `limit`, as yet without code; or LimitError."""


def load(host: Host, artifact: Artifact, files: Sequence[ByteSource]) -> Instance:
    """An instance of an artifact, with the weights prepared, which come from the model's files."""
    nbytes = artifact.pages * PAGE
    instance = host.open(artifact.threads, artifact.shared, nbytes, nbytes)
    try:
        instance.install(artifact.code)
        fill(instance, artifact, files)
    except BaseException:
        instance.release()
        raise
    return instance


def fill(instance: Instance, image: Image, files: Sequence[ByteSource]) -> None:
    """Fill an instance's memory: segments, then weights, each just before its init step."""
    start = 0
    for address, nbytes in image.segments:
        instance.write(address, image.data[start : start + nbytes])
        start += nbytes
    done = 0
    for c in image.copies:
        if c.step > done:
            instance.step(image.init.table, done, c.step - done)
            done = c.step
        instance.copy(files[c.file], c.source, c.nbytes, c.target)
    if done < image.init.steps:
        instance.step(image.init.table, done, image.init.steps - done)


def check_status(instance: Instance) -> None:
    """Raise InvalidInputError if a kernel met data that it could not work with; clears the mark."""
    if any(instance.read(STATUS_ADDRESS, 4)):
        instance.write(STATUS_ADDRESS, bytes(4))
        raise InvalidInputError("an index in the input lies outside the tensor that it points into")
