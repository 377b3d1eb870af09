"""Scaler, Normalizer, Imputer and Binarizer against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.errors import InvalidModelError, UnsupportedOperatorError

from .check import run_ours
from .ml import check_ml, ml_model, rows

DTYPES = ["f4", "f8", "i4", "i8"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 5])
def test_scaler(count: int, dtype: str) -> None:
    made: Any = {
        "offset": [0.3 * i + 1 for i in range(count)],
        "scale": [2.5 - i for i in range(count)],
    }
    check_ml("Scaler", rows(7, 5, dtype), **made)
    check_ml("Scaler", rows(7, 5, dtype)[0], **made)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("norm", ["MAX", "L1", "L2"])
def test_normalizer(norm: str, dtype: str) -> None:
    x = rows(9, 5, dtype)
    x[3] = 0
    x[4] = -1
    check_ml("Normalizer", x, norm=norm)


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("replaced", [np.nan, 1.5, 0.0])
def test_imputer_of_floats(replaced: float, count: int) -> None:
    x = rows(9, 4)
    x[::3, 1] = x[4] = np.nan
    made: Any = {
        "replaced_value_float": replaced,
        "imputed_value_floats": [9.0, 8.0, 7.0, 6.0][:count],
    }
    check_ml("Imputer", x, **made)
    doubles = run_ours(ml_model("Imputer", x.astype("f8"), **made), {"x0": x.astype("f8")})
    expected = run_ours(ml_model("Imputer", x, **made), {"x0": x})
    np.testing.assert_array_equal(doubles[0], expected[0].astype("f8"))


@pytest.mark.parametrize("count", [1, 4])
def test_imputer_of_integers(count: int) -> None:
    large = 1 << 60
    x = rows(9, 4, "i8")
    x[0] = large
    made: Any = {
        "replaced_value_int64": large,
        "imputed_value_int64s": [large + i for i in range(count)],
    }
    check_ml("Imputer", x, **made)
    made = {"replaced_value_int64": 2, "imputed_value_int64s": list(range(count))}
    narrow = run_ours(ml_model("Imputer", x.astype("i4"), **made), {"x0": x.astype("i4")})
    expected = run_ours(ml_model("Imputer", x.astype("i4").astype("i8"), **made),
                        {"x0": x.astype("i4").astype("i8")})  # fmt: skip
    np.testing.assert_array_equal(narrow[0], expected[0])


@pytest.mark.parametrize("shape", [(), (3,), (4, 5), (2, 3, 4)])
def test_binarizer(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).integers(-3, 4, shape).astype("f4")
    check_ml("Binarizer", np.asarray(x), threshold=1.0)


@pytest.mark.parametrize("dtype", ["f8", "i4", "i8"])
def test_binarizer_of_other_dtypes(dtype: str) -> None:
    x = rows(5, 4, dtype)
    (y,) = run_ours(ml_model("Binarizer", x, threshold=0.5), {"x0": x})
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(y, (x > 0.5).astype(dtype))


ERRORS: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    ("Scaler", {"scale": [1.0, 2.0], "offset": [1.0]}, InvalidModelError, "2 scales and 1 offsets"),
    ("Scaler", {"scale": [1.0] * 2, "offset": [1.0] * 2}, InvalidModelError, "2 values in offset"),
    ("Scaler", {}, InvalidModelError, "0 scales and 0 offsets"),
    ("Normalizer", {"norm": "L3"}, UnsupportedOperatorError, "norm is 'L3', none of MAX, L1, L2"),
    ("Imputer", {"imputed_value_int64s": [1]}, InvalidModelError, r"given for f32\[2,3\]"),
    ("Imputer", {"imputed_value_floats": [1.0, 2.0]}, InvalidModelError, "for 3 features"),
]


@pytest.mark.parametrize(("op_type", "attributes", "error", "message"), ERRORS)
def test_errors(op_type: str, attributes: Any, error: type[Exception], message: str) -> None:
    x = rows(2, 3)
    with pytest.raises(error, match=message):
        run_ours(ml_model(op_type, x, **attributes), {"x0": x})


def test_more_than_two_dimensions_are_refused() -> None:
    x = np.zeros((2, 3, 4), "f4")
    with pytest.raises(UnsupportedOperatorError, match="rows of numbers are expected"):
        run_ours(ml_model("Normalizer", x), {"x0": x})
