"""DFT, STFT and MelWeightMatrix: lengths with all kinds of factors, axes, cut signals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln import ShapeError

from tests.ops.check import Array, check_op
from tests.ops.reference import check_reference, run_op

rng = np.random.default_rng(0)
LENGTHS = [1, 2, 3, 4, 5, 7, 8, 12, 13, 30, 64, 105, 128]


def signal(*shape: int, dtype: Any = np.float32) -> Array:
    return rng.standard_normal(shape).astype(dtype)


def compare(op: str, x: Array, *inputs: Array | None, opset: int = 20, **attributes: Any) -> None:
    """Hold our output equal to that of the reference evaluator."""
    atol = {"float16": 1e-3, "float32": 1e-6, "float64": 1e-14}[x.dtype.name]
    check_reference(op, x, *inputs, opset=opset, atol=atol * x.shape[-2] ** 0.5, **attributes)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("n", LENGTHS)
def test_lengths(n: int, parts: int, dtype: Any) -> None:
    x = signal(2, n, parts, dtype=dtype)
    compare("DFT", x)
    compare("DFT", x, inverse=1) if parts == 2 else compare("DFT", x, onesided=1)


@pytest.mark.parametrize("n", [512, 1000, 1021, 4096])
def test_long_lines(n: int) -> None:
    compare("DFT", signal(3, n, 1))
    compare("DFT", signal(1, n, 2, dtype=np.float64), inverse=1)


@pytest.mark.parametrize("axis", [0, 1, 2, -2, -4])
@pytest.mark.parametrize("length", [3, 5, 8])
def test_axes_and_lengths(axis: int, length: int) -> None:
    x = signal(5, 4, 6, 2)
    where, size = np.array(axis), np.array(length)
    compare("DFT", x, size, where)
    compare("DFT", x, size, where, inverse=1)
    compare("DFT", x[..., :1], size, where, onesided=1)
    compare("DFT", x, size, opset=17, axis=axis)


@pytest.mark.parametrize("length", [None, 4, 7, 12])
def test_inverse_of_half_a_spectrum(length: int | None) -> None:
    size = None if length is None else np.array(length)
    compare("DFT", signal(3, 5, 2), size, inverse=1, onesided=1)


def test_matches_onnxruntime() -> None:
    check_op("DFT", signal(2, 10, 1), opset=17, onesided=1, atol=1e-5)
    check_op("DFT", signal(2, 9, 2), opset=17, inverse=1, atol=1e-5)


def test_axis_of_parts_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"axis -1 is no axis of the signal f32\[2,4,1\]"):
        run_op("DFT", signal(2, 4, 1), None, np.array(-1))


@pytest.mark.parametrize("onesided", [0, 1])
@pytest.mark.parametrize(("step", "width"), [(3, 5), (8, 8), (1, 16)])
def test_frames(step: int, width: int, onesided: int) -> None:
    x, hop, size = signal(2, 21, 1), np.array(step), np.array(width)
    window = signal(width)
    compare("STFT", x, hop, window, opset=17, onesided=onesided)
    compare("STFT", x, hop, None, size, opset=17, onesided=onesided)
    check_op("STFT", x, hop, window, size, const=[1, 3], opset=17, onesided=onesided, atol=1e-5)


def test_frames_of_complex_numbers() -> None:
    compare("STFT", signal(2, 21, 2), np.array(4), signal(6), opset=17, onesided=0)


def test_frames_longer_than_the_signal_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"frames of 9 elements, 1 apart, of the signal"):
        run_op("STFT", signal(1, 8, 1), np.array(1), None, np.array(9), opset=17)


@pytest.mark.parametrize(("bands", "size", "rate"), [(8, 16, 8192), (13, 256, 16000), (1, 64, 900)])
def test_mel(bands: int, size: int, rate: int) -> None:
    numbers = [np.array(v, np.int64) for v in (bands, size, rate)]
    edges = [np.array(v, np.float32) for v in (20.0, rate / 2)]
    check_op("MelWeightMatrix", *numbers, *edges, const=range(5), opset=17)
    check_op("MelWeightMatrix", *numbers, *edges, opset=17, output_datatype=11)


def test_mel_beyond_the_spectrum_is_refused() -> None:
    numbers = [np.array(v, np.int64) for v in (8, 16, 8000)]
    edges = [np.array(v, np.float32) for v in (0, 90000)]
    with pytest.raises(ShapeError, match=r"bands from 0.0 to 90000.0 Hz exceed the 9 bins"):
        run_op("MelWeightMatrix", *numbers, *edges, run_time=(), opset=17)
