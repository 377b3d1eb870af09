"""ArrayFeatureExtractor and FeatureVectorizer against onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
from wasmkiln.errors import InvalidInputError, InvalidModelError, LimitError, ShapeError

from .check import run_ours
from .ml import check_ml, ml_model, rows


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8", "U"])
@pytest.mark.parametrize("shape", [(5,), (3, 5), (2, 3, 5)])
def test_extractor(shape: tuple[int, ...], dtype: str) -> None:
    x = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    x = x.astype(object) if dtype == "U" else x
    for indices in ([4], [0, 3, 3], [[1, 2], [4, 0]]):
        check_ml("ArrayFeatureExtractor", x, np.array(indices))


def test_extractor_refuses_what_is_not_there() -> None:
    x, y = rows(2, 3), np.array([3])
    with pytest.raises(InvalidInputError, match="an index in the input lies outside"):
        run_ours(ml_model("ArrayFeatureExtractor", x, y), {"x0": x, "x1": y})
    y = np.zeros(0, "i8")
    with pytest.raises(ShapeError, match=r"i64\[0\] picks nothing from f32\[2,3\]"):
        run_ours(ml_model("ArrayFeatureExtractor", x, y), {"x0": x, "x1": y})


@pytest.mark.parametrize("widths", [[3, 2, 1], [2, 2, 1], [5, 4, 3], [1, 3, 1]])
def test_vectorizer(widths: list[int]) -> None:
    parts = [rows(4, 3), rows(4, 2), rows(4, 1)]
    check_ml("FeatureVectorizer", *parts, inputdimensions=widths)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8"])
def test_vectorizer_of_one_input(dtype: str) -> None:
    check_ml("FeatureVectorizer", rows(4, 3, dtype), inputdimensions=[3])
    check_ml("FeatureVectorizer", rows(4, 3, dtype)[0], inputdimensions=[4])


def test_vectorizer_without_dimensions_takes_all() -> None:
    x, y = rows(4, 3), rows(4, 2, "f4", 1)
    (z,) = run_ours(ml_model("FeatureVectorizer", x, y), {"x0": x, "x1": y})
    np.testing.assert_array_equal(z, np.hstack([x, y]))


def test_vectorizer_refuses_rows_that_differ() -> None:
    x, y = rows(4, 3), rows(5, 3)
    with pytest.raises(ShapeError, match="have different numbers of rows"):
        run_ours(ml_model("FeatureVectorizer", x, y, inputdimensions=[3, 3]), {"x0": x, "x1": y})
    with pytest.raises(InvalidModelError, match=r"inputdimensions are \(3,\) for 2 inputs"):
        run_ours(ml_model("FeatureVectorizer", x, x, inputdimensions=[3]), {"x0": x, "x1": x})


def test_vectorizer_of_more_than_fits_is_refused() -> None:
    x = rows(4, 3)
    with pytest.raises(LimitError):
        run_ours(ml_model("FeatureVectorizer", x, inputdimensions=[1 << 40]), {"x0": x})
