"""Tensors: what may be given as data, and pictures to tensors and back, by onnxruntime's names."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.web.lab import error, run

SHOW = """
const plain = (v) => (typeof v === 'bigint' ? `${v}n` : v);
const shown = ({ type, dims, data }) =>
    [type, [...dims], data.constructor.name, Array.from(data, plain)];
"""
MADE: dict[str, list[Any]] = {
    "new Tensor('float32', [1, 2])": ["float32", [2], "Float32Array", [1, 2]],
    "new Tensor('int64', [1, 2], [2, 1])": ["int64", [2, 1], "BigInt64Array", ["1n", "2n"]],
    "new Tensor('uint64', [1n, 2])": ["uint64", [2], "BigUint64Array", ["1n", "2n"]],
    "new Tensor('bool', [true, false])": ["bool", [2], "Uint8Array", [1, 0]],
    "new Tensor('uint8', new Uint8ClampedArray([7]))": ["uint8", [1], "Uint8Array", [7]],
    "new Tensor('float16', new Float16Array([1, -2]))": [
        "float16",
        [2],
        "Uint16Array",
        [0x3C00, 0xC000],
    ],
    "new Tensor('float16', new Uint16Array([0x3c00]), [])": ["float16", [], "Uint16Array", [15360]],
    "new Tensor(new Float16Array([1]))": ["float16", [1], "Uint16Array", [0x3C00]],
    "new Tensor(new BigInt64Array([3n]), [1, 1])": ["int64", [1, 1], "BigInt64Array", ["3n"]],
    "new Tensor(new Uint8ClampedArray([300]))": ["uint8", [1], "Uint8Array", [255]],
    "new Tensor([true])": ["bool", [1], "Uint8Array", [1]],
    "new Tensor(['a', 'b'], [1, 2])": ["string", [1, 2], "Array", ["a", "b"]],
    "new Tensor('float32', new Float32Array(0), [0, 3])": ["float32", [0, 3], "Float32Array", []],
    "new Tensor('float32', [1, 2, 3, 4]).reshape([2, 2])": [
        "float32",
        [2, 2],
        "Float32Array",
        [1, 2, 3, 4],
    ],
    "Tensor.fromPinnedBuffer('int8', new Int8Array(2))": ["int8", [2], "Int8Array", [0, 0]],
}


@pytest.mark.parametrize("expression", MADE)
def test_data_may_be(lab: Page, expression: str) -> None:
    assert run(lab, f"{SHOW} return shown({expression});") == MADE[expression]


def test_arrays_are_not_copied(lab: Page) -> None:
    got = run(
        lab,
        """
        const data = new Float32Array(4);
        const tensor = new Tensor('float32', data);
        const halves = new Float16Array(2);
        return [tensor.data === data, tensor.reshape([2, 2]).data === data,
                await tensor.getData() === data,
                new Tensor('float16', halves).data.buffer === halves.buffer, tensor.size,
                Object.isFrozen(tensor.dims)];
        """,
    )
    assert got == [True, True, True, True, 4, True]


def test_dispose(lab: Page) -> None:
    got = run(
        lab,
        """
        const tensor = vector(1, 2, 3, 4, 5, 6);
        const before = tensor.location;
        tensor.dispose();
        const again = vector(1, 2, 3, 4, 5, 6);
        again[Symbol.dispose]();
        return [before, tensor.location, again.location, await caught(() => tensor.data),
                (await caught(() => tensor.getData()))[0]];
        """,
    )
    assert got[:3] == ["cpu", "none", "none"]
    assert got[3][:2] == ["ReleasedError", "Tensor: its data was disposed of"]
    assert got[4] == "ReleasedError"


# Two pixels of one row: red, and half-transparent blue.
PIXELS = """
const data = new Uint8ClampedArray([255, 0, 0, 255, 0, 0, 102, 51]);
const pixels = { data, width: 2, height: 1 };
"""
FROM_IMAGE: dict[str, list[Any]] = {
    "{}": ["float32", [1, 3, 1, 2], [1, 0, 0, 0, 0, 0.4]],
    "{ tensorFormat: 'RGBA' }": ["float32", [1, 4, 1, 2], [1, 0, 0, 0, 0, 0.4, 1, 0.2]],
    "{ tensorFormat: 'BGR', tensorLayout: 'NHWC' }": [
        "float32",
        [1, 1, 2, 3],
        [0, 0, 1, 0.4, 0, 0],
    ],
    "{ norm: { mean: [1, 1, 51], bias: [0, 0, -51] } }": [
        "float32",
        [1, 3, 1, 2],
        [255, 0, 0, 0, -1, 1],
    ],
    "{ dataType: 'uint8' }": ["uint8", [1, 3, 1, 2], [255, 0, 0, 0, 0, 102]],
}


@pytest.mark.parametrize("options", FROM_IMAGE)
def test_pictures_to_tensors(lab: Page, options: str) -> None:
    kind, dims, values = run(
        lab,
        f"""{PIXELS}
        const tensor = await Tensor.fromImage(pixels, {options});
        return [tensor.type, [...tensor.dims], Array.from(tensor.data)];
        """,
    )
    assert [kind, dims] == FROM_IMAGE[options][:2]
    assert values == pytest.approx(FROM_IMAGE[options][2], abs=1e-6)


def test_a_file_to_a_tensor_with_another_size(lab: Page) -> None:
    got = run(
        lab,
        """
        const response = await fetch('samples/cat.jpg');
        const options = { resizedWidth: 20, resizedHeight: 10 };
        const tensor = await Tensor.fromImage(await response.blob(), options);
        const own = await Tensor.fromImage('samples/cat.jpg');
        const mean = tensor.data.reduce((a, b) => a + b) / tensor.size;
        return [[...tensor.dims], own.dims[2] > 100, mean > 0.2 && mean < 0.8];
        """,
    )
    assert got == [[1, 3, 10, 20], True, True]


@pytest.mark.parametrize("format", ["RGB", "RGBA", "BGR", "RBG"])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_there_and_back(lab: Page, format: str, layout: str, dtype: str) -> None:
    opaque = format != "RGBA"
    got = run(
        lab,
        PIXELS
        + """
        const [format, layout, dataType] = given;
        const options = { tensorFormat: format, tensorLayout: layout, dataType };
        const tensor = await Tensor.fromImage(pixels, options);
        const image = tensor.toImageData({ format, tensorLayout: layout });
        return [image.width, image.height, Array.from(image.data)];
        """,
        format,
        layout,
        dtype,
    )
    alpha = 255 if opaque else 51
    assert got == [2, 1, [255, 0, 0, 255, 0, 0, 102, alpha]]


def test_a_tensor_as_a_data_url(lab: Page) -> None:
    got = run(
        lab,
        """
        const grey = new Tensor('float32', [0, 1, 0.2, 0], [1, 1, 2, 2]);
        const image = new Image();
        image.src = grey.toDataURL();
        await image.decode();
        const back = await Tensor.fromImage(image, { dataType: 'uint8' });
        return [image.width, Array.from(back.data.subarray(0, 4))];
        """,
    )
    assert got == [2, [0, 255, 51, 0]]


WRONG = {
    "vector(1, 2, 3, 4, 5, 6).toImageData()": (
        "InvalidInputError",
        "this is [2,3]",
    ),
    "new Tensor('float32', [1, 2], [1, 2, 1, 1]).toImageData()": ("InvalidInputError", "[1,2,1,1]"),
    "new Tensor('float32', [1, 2, 3], [1, 3, 1, 1]).toImageData({ format: 'RGBA' })": (
        "InvalidInputError",
        "format RGBA has 4 channels, the tensor 3",
    ),
    "await Tensor.fromImage(new Blob(['x']))": ("ImageError", "not a picture"),
    "await Tensor.fromImage(new Blob(['x']), { tensorFormat: 'XYZ' })": (
        "InvalidInputError",
        "'XYZ' is not one of RGB",
    ),
}


@pytest.mark.parametrize("expression", WRONG)
def test_what_is_no_picture_is_refused(lab: Page, expression: str) -> None:
    name, message = error(lab, f"{expression};")
    assert name == WRONG[expression][0]
    assert WRONG[expression][1] in message
