"""Sources of bytes: memory and files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from wasmkiln.errors import InvalidModelError
from wasmkiln.onnx.source import FileSource, MemorySource, as_source


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview])
def test_memory_reads_ranges_as_bytes(wrap: Callable[[bytes], Any]) -> None:
    source = as_source(wrap(b"abcdef"))
    assert source.size == 6
    assert source.read(2, 3) == b"cde"
    assert isinstance(source.read(0, 6), bytes)


def test_a_view_of_wide_elements_is_read_by_bytes() -> None:
    source = as_source(memoryview(bytes(8)).cast("i"))
    assert source.size == 8
    assert source.read(4, 4) == bytes(4)


def test_a_file_is_read_by_range(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"abcdef")
    for given in (path, str(path)):
        source = as_source(given)
        assert source.size == 6
        assert source.read(2, 3) == b"cde"
        assert source.read(6, 0) == b""


def test_a_source_is_taken_as_it_is() -> None:
    source = MemorySource(b"abc")
    assert as_source(source) is source


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidModelError, match=r"cannot read .*nothing\.onnx: No such file"):
        FileSource(str(tmp_path / "nothing.onnx"))


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidModelError, match="is a folder"):
        FileSource(str(tmp_path))


def test_a_file_that_shrinks_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(bytes(100))
    source = FileSource(str(path))
    path.write_bytes(bytes(10))
    with pytest.raises(InvalidModelError, match="has become shorter"):
        source.read(0, 100)
