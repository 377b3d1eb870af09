"""Loop and Scan against onnxruntime, unrolled or run by the host."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from wasmkiln.engine import control
from wasmkiln.errors import InvalidModelError, LimitError, ShapeError, UnsupportedOperatorError

from tests.hostile.bombs import BOMBS

from .check import Array, build, check_model, node, run_ours

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def values(*shape: int) -> Array:
    return np.random.default_rng(shape).normal(0, 1, shape).astype("f4")


def body(nodes: list[onnx.NodeProto], inputs: str, outputs: str, **weights: Array) -> Any:
    """A body; its values are `name:type` with f, i or b as the type, of any shape but for scalars
    (`name:i0`)."""

    def infos(text: str) -> list[Any]:
        kinds = {"f": FLOAT, "i": INT64, "b": BOOL}
        made = []
        for word in text.split():
            name, kind = word.split(":")
            shape: list[int] | None = [] if kind.endswith("0") else None
            made.append(helper.make_tensor_value_info(name, kinds[kind[0]], shape))
        return made

    fixed = [onnx.numpy_helper.from_array(a, n) for n, a in weights.items()]
    return helper.make_graph(nodes, "body", infos(inputs), infos(outputs), fixed)


def accumulate() -> Any:
    """acc + x + iteration, also as a scan output."""
    nodes = [
        node("Cast", "i", "number", to=FLOAT),
        node("Add", "acc x", "s"),
        node("Add", "s number", "next"),
        node("Mul", "next two", "scaled"),
        node("Identity", "cond", "going"),
    ]
    return body(
        nodes, "i:i0 cond:b0 acc:f", "going:b0 next:f scaled:f", two=np.array(2, np.float32)
    )


def loop_model(inner: Any, count: Any, condition: Any, arrays: dict[str, Array]) -> Any:
    fixed = {}
    names = []
    for name, value, dtype in (("m", count, "i8"), ("c", condition, "?")):
        names.append("-" if value is None else name)
        if value is not None:
            fixed[name] = np.array(value, dtype)
    loop = node("Loop", f"{' '.join(names)} start", "final scans", name="loop", body=inner)
    return build([loop], arrays | fixed, set(fixed), ["final", "scans"])


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("condition", [None, True])
def test_loop_with_a_trip_count(count: int, condition: bool | None) -> None:
    arrays = {"start": values(2, 3), "x": values(3)}
    check_model(loop_model(accumulate(), count, condition, arrays), arrays)


def counting(limit: int) -> Any:
    """A body that goes on while the iteration is below the limit."""
    nodes = [
        node("Add", "acc x", "next"),
        node("Less", "i limit", "going"),
    ]
    return body(nodes, "i:i0 cond:b0 acc:f", "going:b0 next:f next2:f", limit=np.array(limit))


@pytest.mark.parametrize("count", [None, 3, 9])
def test_loop_with_a_condition_that_folds(count: int | None) -> None:
    inner = counting(4)
    inner.node.append(node("Identity", "next", "next2"))
    arrays = {"start": values(2, 3), "x": values(3)}
    check_model(loop_model(inner, count, True, arrays), arrays)


def test_trip_count_from_a_shape() -> None:
    nodes = [
        node("Shape", "x", "dims"),
        node("Squeeze", "dims", "m"),
        node("Loop", "m - start", "final scans", body=accumulate()),
    ]
    arrays = {"start": values(2, 5), "x": values(5)}
    check_model(build(nodes, arrays, (), ["final", "scans"]), arrays)


def test_loop_without_iterations_gives_the_start() -> None:
    nodes = [node("Add", "acc x", "next"), node("Identity", "cond", "going")]
    inner = body(nodes, "i:i0 cond:b0 acc:f", "going:b0 next:f")
    arrays = {"start": values(2, 3), "x": values(3)}
    loop = node("Loop", "m - start", "final", body=inner)
    check_model(build([loop], arrays | {"m": np.array(0)}, {"m"}, ["final"]), arrays)


def test_loops_inside_loops_and_branches() -> None:
    inner = node("Loop", "two - acc", "inside stacked", body=accumulate())
    nodes = [inner, node("Identity", "cond", "going")]
    outer = body(nodes, "i:i0 cond:b0 acc:f", "going:b0 inside:f stacked:f", two=np.array(2))
    arrays = {"start": values(2, 3), "x": values(3)}
    check_model(loop_model(outer, 3, None, arrays), arrays)


def test_trip_count_given_at_run_time() -> None:
    arrays = {"start": values(2, 3), "x": values(3), "m": np.array(3)}
    loop = node("Loop", "m - start", "final scans", body=accumulate())
    check_model(build([loop], arrays, (), ["final", "scans"]), arrays)


def test_condition_computed_from_data() -> None:
    nodes = [
        node("Add", "acc x", "next"),
        node("ReduceSum", "next", "sum", keepdims=0),
        node("Less", "sum limit", "going"),
    ]
    inner = body(nodes, "i:i0 cond:b0 acc:f", "going:b0 next:f", limit=np.array(9, np.float32))
    arrays = {"start": values(200, 30), "x": values(30)}
    loop = node("Loop", "m - start", "final", name="loop", body=inner)
    model = build([loop], arrays | {"m": np.array(5)}, {"m"}, ["final"])
    check_model(model, arrays)


def refused(model: Any, arrays: dict[str, Array], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        run_ours(model, arrays)


def test_long_loops_are_run_by_the_host() -> None:
    arrays = {"start": values(2, 3), "x": values(3)}
    check_model(loop_model(accumulate(), 1500, None, arrays), arrays, rtol=1e-4)


def test_endless_loops_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "MAX_ITERATIONS", 2000)
    arrays = {"start": values(2, 3), "x": values(3)}
    model = loop_model(accumulate(), None, True, arrays)
    refused(model, arrays, LimitError, r"Loop '.*it does not end within 2,000 iterations")


def test_loops_in_loops_end_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "MAX_ITERATIONS", 250)
    model = BOMBS["loops_in_loops"]()  # of 100 iterations each
    text = "the loops of the model run over 250 iterations"
    refused(model, {"x": values(2, 3)}, LimitError, text)


def test_scan_outputs_of_no_iterations_are_refused() -> None:
    arrays = {"start": values(2, 3), "x": values(3)}
    model = loop_model(accumulate(), 0, None, arrays)
    refused(model, arrays, UnsupportedOperatorError, "it runs no iteration")


def recurrence() -> Any:
    """h = tanh(h @ w + x), its double as a scan output."""
    nodes = [
        node("MatMul", "h w", "hw"),
        node("Add", "hw x", "s"),
        node("Tanh", "s", "next"),
        node("Add", "next next", "twice"),
    ]
    return body(nodes, "h:f x:f", "next:f twice:f", w=values(4, 4))


@pytest.mark.parametrize("opset", [9, 11, 16, 21])
def test_scan(opset: int) -> None:
    arrays = {"start": values(2, 4), "xs": values(5, 2, 4)}
    scan = node("Scan", "start xs", "final ys", body=recurrence(), num_scan_inputs=1)
    check_model(build([scan], arrays, (), ["final", "ys"], opset), arrays)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("backward", [0, 1])
@pytest.mark.parametrize("out", [(0, 0), (1, 1), (2, 0), (-1, 1)])
def test_scan_axes_and_directions(axis: int, backward: int, out: tuple[int, int]) -> None:
    shape = [2, 4]
    shape.insert(axis if axis >= 0 else 2, 3)
    arrays = {"start": values(2, 4), "xs": values(*shape)}
    scan = node(
        "Scan", "start xs", "final ys", body=recurrence(), num_scan_inputs=1,
        scan_input_axes=[axis], scan_input_directions=[backward],
        scan_output_axes=[out[0]], scan_output_directions=[out[1]],
    )  # fmt: skip
    check_model(build([scan], arrays, (), ["final", "ys"], 11), arrays)


def test_scan_of_several_inputs_without_state() -> None:
    nodes = [node("Mul", "a b", "c"), node("Sub", "a b", "d")]
    inner = body(nodes, "a:f b:f", "c:f d:f")
    arrays = {"xs": values(3, 4), "ys": values(3, 4)}
    scan = node("Scan", "xs ys", "cs ds", body=inner, num_scan_inputs=2)
    check_model(build([scan], arrays, (), ["cs", "ds"]), arrays)


def scan_model(shape: tuple[int, ...], count: int) -> tuple[Any, dict[str, Array]]:
    arrays = {"start": values(2, 4), "xs": values(5, 2, 4), "more": values(*shape)}
    nodes = [node("Add", "h x", "next"), node("Add", "next y", "out")]
    inner = body(nodes, "h:f x:f y:f", "next:f out:f")
    scan = node("Scan", "start xs more", "final ys", body=inner, num_scan_inputs=count)
    return build([scan], arrays, (), ["final", "ys"]), arrays


def test_errors() -> None:
    model, arrays = scan_model((4, 2, 4), 2)
    refused(model, arrays, ShapeError, r"the scan inputs have \[4, 5\] slices")
    model, arrays = scan_model((5, 2, 4), 0)
    refused(model, arrays, InvalidModelError, "num_scan_inputs is 0")


def batch_model(scan: str) -> tuple[Any, dict[str, Array]]:
    """A scan of opset 8 over a batch."""
    arrays = {"start": values(3, 2, 4), "xs": values(3, 5, 2, 4), "lengths": np.array([5, 5, 4])}
    made = node("Scan", scan, "final ys", body=recurrence(), num_scan_inputs=1)
    used = {k: v for k, v in arrays.items() if k in scan}
    return build([made], used, (), ["final", "ys"], 8), used


def test_scan_of_a_batch() -> None:
    model, arrays = batch_model("- start xs")
    check_model(model, arrays, atol=1e-5)


def test_lengths_of_a_batch() -> None:
    model, arrays = batch_model("lengths start xs")
    final, ys = run_ours(model, arrays)
    for row, length in enumerate(arrays["lengths"]):
        alone = {"start": arrays["start"][[row]], "xs": arrays["xs"][[row], :length]}
        scan = node("Scan", "- start xs", "final ys", body=recurrence(), num_scan_inputs=1)
        expected = check_model(build([scan], alone, (), ["final", "ys"], 8), alone, atol=1e-5)
        np.testing.assert_allclose(final[[row]], expected[0], 1e-5, 1e-5)
        np.testing.assert_allclose(ys[[row], :length], expected[1], 1e-5, 1e-5)
        assert not ys[row, length:].any()


def test_a_body_with_too_few_inputs_is_refused() -> None:
    inner = body([node("Identity", "c", "going")], "i:i0 c:b0", "going:b0")
    arrays = {"start": values(2)}
    loop = node("Loop", "m - start", "final", body=inner)
    model = build([loop], arrays | {"m": np.array(2)}, {"m"}, ["final"])
    refused(model, arrays, InvalidModelError, "its body has 2 inputs and 1 outputs; 3 inputs")
