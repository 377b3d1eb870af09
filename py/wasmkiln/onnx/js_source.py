"""A model in JavaScript's memory, as Python in the browser meets it."""

from __future__ import annotations

from typing import Any

import js
from pyodide.ffi import JsBuffer

from ..record import record

__all__ = ["JsSource", "js_source"]


@record
class JsSource:
    """A Uint8Array as a source of bytes: only the ranges that are read are copied into Python."""

    array: Any

    @property
    def size(self) -> int:
        """The number of bytes."""
        length: int = self.array.length
        return length

    def read(self, offset: int, length: int) -> bytes:
        """A copy of the range."""
        data: bytes = self.array.subarray(offset, offset + length).to_bytes()
        return data


def js_source(value: Any) -> JsSource | None:
    """The bytes of an ArrayBuffer, or of a view of one, where they are; None for anything else."""
    if not isinstance(value, JsBuffer):
        return None
    if not js.ArrayBuffer.isView(value):
        return JsSource(js.Uint8Array.new(value))
    return JsSource(js.Uint8Array.new(value.buffer, value.byteOffset, value.byteLength))
