"""Opaque handles natively: bytes in, bytes out, and errors for wrong handles and inputs."""

from __future__ import annotations

import struct

import pytest
from wasmkiln import CompileOptions, InvalidInputError, ReleasedError, handles

from tests.web.models import small_model

X = struct.pack("<6f", -2, -1, 0, 1, 2, 3)


def test_load_predict_release() -> None:
    first, second = handles.load(small_model(0.5)), handles.load(small_model(1))
    assert isinstance(first, int)
    assert first != second
    assert struct.unpack("<6f", handles.predict(first, {"x": X})["y"]) == (0, 0, 0.5, 1.5, 2.5, 3.5)
    assert struct.unpack("<6f", handles.predict(second, {"x": memoryview(X)})["y"])[5] == 4
    assert [binding.name for binding in handles.describe(first).inputs] == ["x"]
    handles.release(first)
    assert struct.unpack("<6f", handles.predict(second, {"x": X})["y"])[5] == 4
    handles.release(second)


def test_symbolic_dimensions_take_the_sizes_given() -> None:
    handle = handles.load(small_model(0, rows="rows"), CompileOptions(dims={"rows": 2}))
    assert handles.describe(handle).inputs[0].type.shape == (2, 3)
    handles.release(handle)


def test_a_released_handle_is_no_more() -> None:
    handle = handles.load(small_model(1))
    handles.release(handle)
    for use in (handles.release, handles.describe, lambda h: handles.predict(h, {"x": X})):
        with pytest.raises(ReleasedError, match=f"handle {handle} was released, or never existed"):
            use(handle)


@pytest.mark.parametrize(
    ("feeds", "message"),
    [
        ({}, r"input 'x' f32\[2,3\] is missing"),
        ({"x": X, "z": X}, "there is no input 'z'; the model has x"),
        ({"x": X[:20]}, r"input 'x' is f32\[2,3\], 24 bytes, but 20 came"),
    ],
)
def test_wrong_feeds_are_refused(feeds: dict[str, bytes], message: str) -> None:
    handle = handles.load(small_model(1))
    with pytest.raises(InvalidInputError, match=message):
        handles.predict(handle, feeds)
    handles.release(handle)
