"""What a host is: it makes memory, runs emitted code, and moves bytes in and out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..artifact import STATUS_ADDRESS, Artifact
from ..errors import InvalidInputError
from ..ir.const import Buffer
from ..onnx.source import ByteSource

__all__ = ["Host", "Instance", "check_status", "initialize"]


class Instance(Protocol):
    """A model in memory. It is used by one caller at a time."""

    def write(self, address: int, data: Buffer) -> None:
        """Copy bytes into the model's memory."""

    def read(self, address: int, nbytes: int) -> bytes:
        """A copy of bytes of the model's memory."""

    def copy(self, source: ByteSource, offset: int, nbytes: int, address: int) -> None:
        """Copy a range of a model file into the model's memory."""

    def step(self, table: int, first: int, count: int) -> None:
        """Run step records on one thread."""

    def run(self) -> None:
        """Run the main steps on all threads; returns when all are done."""

    def release(self) -> None:
        """Give up the memory and stop the threads; the instance can't be used afterwards."""


class Host(Protocol):
    """Makes instances of artifacts."""

    def load(self, artifact: Artifact, files: Sequence[ByteSource]) -> Instance:
        """Instantiate the code and prepare the weights, which come from the model's files."""


def initialize(instance: Instance, artifact: Artifact, files: Sequence[ByteSource]) -> None:
    """Fill an instance's memory: segments, then weights, each just before its init step."""
    start = 0
    for address, nbytes in artifact.segments:
        instance.write(address, artifact.data[start : start + nbytes])
        start += nbytes
    done = 0
    for c in artifact.copies:
        if c.step > done:
            instance.step(artifact.init.table, done, c.step - done)
            done = c.step
        instance.copy(files[c.file], c.source, c.nbytes, c.target)
    if done < artifact.init.steps:
        instance.step(artifact.init.table, done, artifact.init.steps - done)


def check_status(instance: Instance) -> None:
    """Raise InvalidInputError if a kernel met data that it could not work with; clears the mark."""
    if any(instance.read(STATUS_ADDRESS, 4)):
        instance.write(STATUS_ADDRESS, bytes(4))
        raise InvalidInputError("an index in the input lies outside the tensor that it points into")
