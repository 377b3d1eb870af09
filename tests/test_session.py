"""InferenceSession: results, plans by shape, and every kind of wrong use."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper
from wasmkiln import (
    CompileOptions,
    InferenceSession,
    InvalidInputError,
    InvalidModelError,
    LimitError,
    ReleasedError,
    ShapeError,
    UnsupportedOperatorError,
)

from tests.small import model, small_net


def images(batch: int, seed: int = 1) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.normal(0, 1, (batch, 3, 9, 7)).astype(np.float32)


def reference(data: bytes, feeds: dict[str, Any]) -> list[Any]:
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return list(session.run(None, feeds))


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_agrees_with_onnxruntime_for_each_batch_size(batch: int) -> None:
    data, x = small_net(), images(batch)
    with InferenceSession(data) as session:
        np.testing.assert_allclose(
            session.run(None, {"x": x})[0], reference(data, {"x": x})[0], rtol=1e-5, atol=1e-6
        )


def test_plans_are_kept_by_shape_and_the_oldest_goes() -> None:
    data = small_net()
    with InferenceSession(data) as session:
        for batch in (1, 2, 3, 4, 5, 6, 1):
            x = images(batch)
            expected = reference(data, {"x": x})[0]
            np.testing.assert_allclose(
                session.run(["y"], {"x": x})[0], expected, rtol=1e-5, atol=1e-6
            )


def test_results_own_their_memory_and_inputs_stay() -> None:
    with InferenceSession(small_net()) as session:
        x = images(1)
        before = x.copy()
        first = session.run(None, {"x": x})[0]
        kept = first.copy()
        session.run(None, {"x": images(1, seed=2)})
        np.testing.assert_array_equal(first, kept)
        np.testing.assert_array_equal(x, before)
        assert first.flags.writeable


def test_inputs_need_not_be_contiguous() -> None:
    data, x = small_net(), images(2)
    strided = np.asfortranarray(x)
    with InferenceSession(data) as session:
        np.testing.assert_array_equal(
            session.run(None, {"x": strided})[0], session.run(None, {"x": x})[0]
        )


def test_describes_inputs_and_outputs_like_onnxruntime() -> None:
    data = small_net()
    with InferenceSession(data) as session:
        theirs = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        for mine, other in zip(
            session.get_inputs() + session.get_outputs(),
            theirs.get_inputs() + theirs.get_outputs(),
            strict=True,
        ):
            assert (mine.name, mine.type, mine.shape) == (other.name, other.type, other.shape)


def test_a_path_and_its_bytes_give_the_same(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(small_net())
    x = images(1)
    with InferenceSession(path) as a, InferenceSession(path.read_bytes()) as b:
        np.testing.assert_array_equal(a.run(None, {"x": x})[0], b.run(None, {"x": x})[0])


def test_concurrent_runs_queue() -> None:
    data = small_net()
    inputs = [images(1 + seed % 2, seed) for seed in range(12)]
    with (
        InferenceSession(data, CompileOptions(threads=2)) as session,
        ThreadPoolExecutor(4) as pool,
    ):
        results = list(pool.map(lambda x: session.run(None, {"x": x})[0], inputs))
    for x, result in zip(inputs, results, strict=True):
        np.testing.assert_allclose(result, reference(data, {"x": x})[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("feeds", "message"),
    [
        ({}, "input 'x' is missing"),
        ({"z": images(1)}, "'z' is not an input; input 'x' is missing"),
        ({"x": images(1).astype(np.float64)}, r"'x' is float32\[N,3,9,7\].*float64\[1,3,9,7\]"),
        ({"x": images(1)[0]}, r"float32\[3,9,7\]"),
        ({"x": images(1)[:, :2]}, r"float32\[1,2,9,7\]"),
        ({"x": images(1).astype(">f4")}, "float32"),
        ({"x": [["text"]]}, "'x' is float32"),
    ],
)
def test_wrong_inputs_are_told_apart(feeds: dict[str, Any], message: str) -> None:
    with InferenceSession(small_net()) as session:
        with pytest.raises(InvalidInputError, match=message):
            session.run(None, feeds)
        session.run(None, {"x": images(1)})  # still usable


def test_symbolic_dimensions_must_agree_between_inputs() -> None:
    data = model(
        [helper.make_node("Add", ["a", "b"], ["y"])], {"a": ["N"], "b": ["N"]}, {"y": ["N"]}
    )
    with (
        InferenceSession(data) as session,
        pytest.raises(InvalidInputError, match="N is 2 in 'a'"),
    ):
        session.run(None, {"a": np.ones(2, np.float32), "b": np.ones(3, np.float32)})


def test_unknown_output() -> None:
    with (
        InferenceSession(small_net()) as session,
        pytest.raises(InvalidInputError, match="'z' is not an output; outputs are y"),
    ):
        session.run(["z"], {"x": images(1)})


def test_release() -> None:
    session = InferenceSession(small_net())
    session.run(None, {"x": images(1)})
    session.release()
    with pytest.raises(ReleasedError, match="released"):
        session.run(None, {"x": images(1)})
    with pytest.raises(ReleasedError, match="released before"):
        session.release()


def test_an_unknown_operator_is_named_with_its_node_and_opset() -> None:
    data = model([helper.make_node("Frobnicate", ["x"], ["y"], "frob")], {"x": [1]}, {"y": [1]})
    with pytest.raises(UnsupportedOperatorError, match=r"Frobnicate.*17.*frob"):
        InferenceSession(data)


def test_contradicting_shapes_name_node_and_types() -> None:
    data = model(
        [helper.make_node("MatMul", ["x", "w"], ["y"], "fc")],
        {"x": [2, 3]},
        {"y": [2, 5]},
        {"w": np.ones((4, 5), np.float32)},
    )
    with pytest.raises(ShapeError, match=r"MatMul 'fc'.*f32\[2,3\], f32\[4,5\]"):
        InferenceSession(data)


def test_huge_dimensions_end_in_a_limit_error() -> None:
    data = model(
        [helper.make_node("Relu", ["x"], ["y"])],
        {"x": [1 << 20, 1 << 20]},
        {"y": [1 << 20, 1 << 20]},
    )
    with pytest.raises(LimitError, match="bytes of memory"):
        InferenceSession(data)


def test_huge_products_from_small_inputs_end_in_a_limit_error() -> None:
    data = model(
        [helper.make_node("Add", ["a", "b"], ["y"])],
        {"a": [1 << 20, 1], "b": [1, 1 << 20]},
        {"y": [1 << 20, 1 << 20]},
    )
    with pytest.raises(LimitError, match="bytes of memory"):
        InferenceSession(data)


def test_bytes_that_are_no_model() -> None:
    with pytest.raises(InvalidModelError):
        InferenceSession(b"<!doctype html><title>404</title>")


def test_an_index_out_of_range_at_run_time_is_an_error_and_the_session_lives() -> None:
    graph = helper.make_graph(
        [helper.make_node("Gather", ["x", "i"], ["y"])],
        "g",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 2]),
            helper.make_tensor_value_info("i", TensorProto.INT64, [3]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [3, 2])],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    x = np.arange(8, dtype=np.float32).reshape(4, 2)
    with InferenceSession(made.SerializeToString()) as session:
        with pytest.raises(InvalidInputError, match="index"):
            session.run(None, {"x": x, "i": np.array([0, 4, 1])})
        (y,) = session.run(None, {"x": x, "i": np.array([0, -1, 1])})
        np.testing.assert_array_equal(y, x[[0, -1, 1]])


@pytest.mark.parametrize("simd", ["relaxed", "baseline"])
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("channels_last", [True, False])
def test_all_variants_agree(simd: Any, threads: int, fuse: bool, channels_last: bool) -> None:
    data, x = small_net(), images(3)
    options = CompileOptions(simd=simd, threads=threads, fuse=fuse, channels_last=channels_last)
    with InferenceSession(data, options) as session:
        np.testing.assert_allclose(
            session.run(None, {"x": x})[0], reference(data, {"x": x})[0], rtol=1e-5, atol=1e-6
        )


def test_compiling_twice_gives_equal_bytes() -> None:
    data = small_net()
    with InferenceSession(data) as a, InferenceSession(data) as b:
        assert a.artifact() == b.artifact()


def test_the_report_has_a_row_for_each_node() -> None:
    with InferenceSession(small_net()) as session:
        rows = {row.node: row for row in session.report()}
    assert list(rows) == ["stem", "relu", "mix", "residual", "pool", "flat", "fc", "softmax"]
    assert set(rows["relu"].kernels) & set(rows["stem"].kernels)  # fused
    assert rows["flat"].how == "folded"
    assert (rows["pool"].how, rows["stem"].how) == ("expanded", "kernel")
    assert (rows["stem"].dtype, rows["flat"].dtype) == ("f32", "")


def test_the_report_counts_the_cost_of_each_node() -> None:
    with InferenceSession(small_net()) as session:
        session.run(None, {"x": images(2)})
        macs = {row.node: row.macs for row in session.report() if row.macs}
        assert macs == {
            "stem": 2 * 8 * 63 * 27,
            "mix": 2 * 8 * 63 * 8,
            "fc": 2 * 8 * 5,
        }
        assert sum(macs.values()) == session.artifact().macs


def test_the_report_says_what_runs_as_simpler_operators() -> None:
    data = model(
        [
            helper.make_node("MeanVarianceNormalization", ["x"], ["a"], "norm"),
            helper.make_node("Relu", ["a"], ["y"], "relu"),
        ],
        {"x": [1, 2, 3, 3]},
        {"y": [1, 2, 3, 3]},
    )
    with InferenceSession(data) as session:
        assert {row.node: row.how for row in session.report()} == {
            "norm": "expanded",
            "relu": "kernel",
        }
