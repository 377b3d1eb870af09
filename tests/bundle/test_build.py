"""Bundles hold what sessions run: the same bits, for each of their sizes, from checked parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper
from wasmkiln import CompileOptions, InferenceSession, LimitError, ShapeError
from wasmkiln.bundle import Bundle, BundleOptions, build_bundle
from wasmkiln.errors import UnsupportedOperatorError
from wasmkiln.onnx.load import load

from tests.bundle.reader import constants, decode, run
from tests.planned import images, sentences, symbolic_encoder
from tests.small import model, small_net, wide_net

Array = np.ndarray[Any, Any]


def bundled(data: bytes, **options: Any) -> Bundle:
    return build_bundle(load(data), BundleOptions(**options))


def expected(data: bytes, feeds: dict[str, Array], **options: Any) -> list[Array]:
    with InferenceSession(data, CompileOptions(**options)) as session:
        return [np.asarray(y) for y in session.run(None, feeds)]


@pytest.mark.parametrize("simd", ["relaxed", "baseline"])
def test_a_net_computes_what_a_session_does(simd: Any) -> None:
    data, feeds = small_net(), images(2, 3, 9, 7)
    bundle = bundled(data, sizes={"N": [2]}, simd=(simd,))
    for given, wanted in zip(
        run(bundle, feeds, simd).values(), expected(data, feeds, simd=simd), strict=True
    ):
        np.testing.assert_array_equal(given, wanted)


def test_both_codes_share_weights_and_plans() -> None:
    data, feeds = small_net(), images(1, 3, 9, 7)
    bundle = bundled(data)
    assert [part["simd"] for part in bundle.manifest["code"]] == ["relaxed", "baseline"]
    relaxed, baseline = (run(bundle, feeds, simd) for simd in ("relaxed", "baseline"))
    for name in relaxed:
        np.testing.assert_allclose(relaxed[name], baseline[name], rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def encoders() -> Bundle:
    """An encoder for many lengths."""
    return bundled(symbolic_encoder(), sizes={"batch": [1, 3], "sequence": range(1, 41)})


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (1, 17), (1, 40), (3, 1), (3, 8), (3, 39)])
def test_each_size_computes_what_a_session_does(encoders: Bundle, size: tuple[int, int]) -> None:
    feeds = sentences(*size)
    (given,) = run(encoders, feeds).values()
    (wanted,) = expected(symbolic_encoder(), feeds)
    np.testing.assert_array_equal(given, wanted)


def test_many_sizes_are_little_more_than_one(encoders: Bundle) -> None:
    one = bundled(symbolic_encoder(), sizes={"batch": [3], "sequence": [40]})
    assert len(decode(encoders.files["plans.bin"])) == 80
    assert len(encoders.files["plans.bin"]) < 8 * len(one.files["plans.bin"])
    assert encoders.manifest["weightBytes"] < one.manifest["weightBytes"] * 1.1


def test_sizes_that_change_are_symbols(encoders: Bundle) -> None:
    shapes = {s["name"]: s["shape"] for s in encoders.manifest["inputs"]}
    assert shapes == {"ids": ["batch", "sequence"], "mask": ["batch", "sequence"]}
    assert encoders.manifest["outputs"][0]["shape"] == ["batch", "sequence", 48]
    fixed = bundled(symbolic_encoder(), sizes={"sequence": [8, 9]})
    assert fixed.manifest["inputs"][0]["shape"] == [1, "sequence"]


def test_halved_weights_round_as_halves_do() -> None:
    data, feeds = wide_net(), {"x": images(2, 64)["x"]}
    whole, half = bundled(data), bundled(data, half=True)
    sizes = [sum(p["bytes"] for p in b.manifest["weights"]) for b in (whole, half)]
    assert sizes[0] - sizes[1] == 64 * 96 * 2, "other constants than the matrix were halved"
    (given,), (wanted,) = run(half, feeds).values(), run(whole, feeds).values()
    assert 0 < np.abs(given - wanted).max() < 1e-2


def test_values_too_large_for_halves_stay() -> None:
    weights = {"w": np.full((64, 96), 1e5, np.float32)}
    data = model(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": (2, 64)}, {"y": (2, 96)}, weights
    )
    assert all(len(r) == 2 for r in bundled(data, half=True).manifest["constants"])


def test_weights_are_cut_into_shards() -> None:
    whole, cut = bundled(wide_net()), bundled(wide_net(), shard_bytes=1 << 10)
    assert len(cut.manifest["weights"]) == 25
    assert constants(cut) == constants(whole)


def test_code_without_names_is_smaller() -> None:
    named, bare = bundled(wide_net()), bundled(wide_net(), small=True)
    assert b"gemm" in named.files["model.wasm"] and b"gemm" not in bare.files["model.wasm"]


def test_code_to_prepare_weights_stays_out() -> None:
    session = InferenceSession(wide_net(), CompileOptions(threads=1))
    assert b"pack" in session.artifact().code
    assert b"pack" not in bundled(wide_net()).files["model.wasm"]


def test_models_that_need_python_are_refused() -> None:
    nonzero = model([helper.make_node("NonZero", ["x"], ["y"])], {"x": (2, 3)}, {"y": None})
    with pytest.raises(UnsupportedOperatorError, match="without Python between its 3 parts"):
        bundled(nonzero)


def test_sizes_that_do_not_fit_are_named() -> None:
    weights = {"w": np.ones((1, 4), np.float32)}
    data = model(
        [helper.make_node("Add", ["x", "w"], ["y"])], {"x": (2, "n")}, {"y": None}, weights
    )
    with pytest.raises(ShapeError, match=r"for n = 3: .*do not broadcast"):
        bundled(data, sizes={"n": [4, 3]})


def test_too_many_sizes_are_refused() -> None:
    with pytest.raises(LimitError, match="10,000 combinations"):
        bundled(symbolic_encoder(), sizes={"batch": range(1, 101), "sequence": range(1, 101)})
