"""RNN, GRU and LSTM against onnxruntime, and the other layout against ONNX's own evaluator."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator
from wasmkiln.errors import InvalidModelError, ShapeError, UnsupportedOperatorError
from wasmkiln.ops import recurrent
from wasmkiln.options import CompileOptions
from wasmkiln.session import InferenceSession

from .check import Array, build, check_op, run_ours

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
NAMES = {"RNN": 1, "GRU": 2, "LSTM": 3}
DIRECTIONS = ["forward", "reverse", "bidirectional"]
RTOL, ATOL = 1e-4, 1e-5
VARIANTS = [
    CompileOptions(simd=s, threads=t, fuse=f)
    for s in ("relaxed", "baseline")
    for t, f in ((1, True), (3, False))
]


def arrays(
    kind: str, steps: int, batch: int, size: int, hidden: int, directions: int, **without: bool
) -> list[Array | None]:
    """All inputs of a layer but those named with False; sequence_lens only if it is True."""
    rng = np.random.default_rng((steps, batch, size, hidden))

    def normal(name: str, *shape: int) -> Array | None:
        if not without.get(name, True):
            return None
        scale = 1.2 / np.sqrt(shape[-1]) if name in "wr" else 0.6
        return rng.normal(0, scale, shape).astype("f4")

    rows, d = GATES[kind] * hidden, directions
    inputs = [normal("x", steps, batch, size), normal("w", d, rows, size)]
    inputs += [normal("r", d, rows, hidden), normal("b", d, 2 * rows)]
    lengths = rng.integers(1, steps + 1, batch).astype("i4")
    inputs += [lengths if without.get("lengths", False) else None, normal("h", d, batch, hidden)]
    if kind == "LSTM":
        inputs += [normal("c", d, batch, hidden), normal("p", d, 3 * hidden)]
    return inputs


def check(kind: str, inputs: list[Array | None], opset: int = 14, **attributes: Any) -> None:
    """The layer, its weights being initializers."""
    fixed = [i for i in (1, 2, 3, 7) if i < len(inputs) and inputs[i] is not None]
    x, r = inputs[0], inputs[2]
    assert x is not None and r is not None
    attributes = {"hidden_size": r.shape[2]} | attributes
    outputs = 3 if kind == "LSTM" else 2
    options = attributes.pop("options", (CompileOptions(),))
    check_op(
        kind, *inputs, const=fixed, outputs=outputs, opset=opset, rtol=RTOL, atol=ATOL,
        options=options, **attributes,
    )  # fmt: skip


def count(direction: str) -> int:
    return 2 if direction == "bidirectional" else 1


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(
    "sizes", [(1, 1, 1, 1), (3, 2, 5, 7), (4, 1, 8, 16), (2, 3, 3, 17), (5, 1, 2, 33)], ids=str
)
def test_sizes(sizes: tuple[int, int, int, int], direction: str, kind: str) -> None:
    check(kind, arrays(kind, *sizes, count(direction)), direction=direction)


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("opset", [7, 13, 14, 22])
def test_versions(opset: int, direction: str, kind: str) -> None:
    check(kind, arrays(kind, 3, 2, 4, 5, count(direction)), opset, direction=direction)


@pytest.mark.parametrize("absent", ["b", "h", "c", "p", "bh", "hc", "bhcp"])
@pytest.mark.parametrize("kind", GATES)
def test_absent_inputs(kind: str, absent: str) -> None:
    inputs = arrays(kind, 3, 2, 4, 5, 2, **dict.fromkeys(absent, False))
    check(kind, inputs, direction="bidirectional")


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_linear_before_reset(direction: str, bias: bool) -> None:
    inputs = arrays("GRU", 4, 2, 3, 19, count(direction), b=bias)
    check("GRU", inputs, direction=direction, linear_before_reset=1, options=VARIANTS)


@pytest.mark.parametrize("peepholes", [False, True])
def test_input_forget(peepholes: bool) -> None:
    check("LSTM", arrays("LSTM", 4, 2, 3, 9, 1, p=peepholes), input_forget=1)


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_lengths(direction: str, kind: str) -> None:
    inputs = arrays(kind, 6, 5, 3, 4, count(direction), lengths=True)
    check(kind, inputs, direction=direction, options=VARIANTS)


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("clip", [0.1, 0.7, 3.0])
def test_clip(clip: float, kind: str) -> None:
    check(kind, arrays(kind, 4, 2, 3, 5, 1), clip=clip)


PLAIN = ["Relu", "Tanh", "Sigmoid", "Softsign", "Softplus"]
ALPHA = ["LeakyRelu", "ThresholdedRelu", "Elu"]
ALPHA_BETA = ["Affine", "ScaledTanh", "HardSigmoid"]


@pytest.mark.parametrize("name", [*PLAIN, *ALPHA, *ALPHA_BETA])
@pytest.mark.parametrize("kind", GATES)
def test_activations(kind: str, name: str) -> None:
    names = [name, *["Tanh"] * (NAMES[kind] - 1)]
    attributes: dict[str, Any] = {"activations": names}
    if name not in PLAIN:
        attributes["activation_alpha"] = [0.3]
    if name in ALPHA_BETA:
        attributes["activation_beta"] = [0.4]
    check(kind, arrays(kind, 2, 2, 3, 5, 1), **attributes)


# Of Affine and ThresholdedRelu onnxruntime takes alpha as 0, which ONNX says is 1.
@pytest.mark.parametrize("name", ["LeakyRelu", "Elu", "HardSigmoid"])
def test_default_parameters(name: str) -> None:
    check("RNN", arrays("RNN", 2, 2, 3, 5, 1), activations=[name])


@pytest.mark.parametrize("kind", GATES)
def test_directions_with_their_own_activations(kind: str) -> None:
    first = ["Sigmoid", "Tanh", "Tanh"][: NAMES[kind]]
    second = ["HardSigmoid", "Softsign", "Relu"][: NAMES[kind]]
    inputs = arrays(kind, 3, 2, 4, 5, 2, lengths=True)
    check(
        kind, inputs, direction="bidirectional", activations=first + second,
        activation_alpha=[0.25], activation_beta=[0.4],
    )  # fmt: skip


@pytest.mark.parametrize("kind", GATES)
def test_weights_given_at_run_time(kind: str) -> None:
    inputs = arrays(kind, 3, 2, 4, 10, 1)
    outputs = 3 if kind == "LSTM" else 2
    check_op(kind, *inputs, outputs=outputs, opset=14, rtol=RTOL, atol=ATOL, hidden_size=10)


@pytest.mark.parametrize("kind", GATES)
def test_all_code_variants(kind: str) -> None:
    inputs = arrays(kind, 12, 3, 40, 40, 2)
    check(kind, inputs, direction="bidirectional", options=VARIANTS)


def layer(kind: str, inputs: list[Array | None], opset: int = 14, **attributes: Any) -> Any:
    """A model of one layer, and its inputs."""
    named = {f"x{i}": a for i, a in enumerate(inputs) if a is not None}
    names = [f"x{i}" if a is not None else "" for i, a in enumerate(inputs)]
    results = ["y", "h", "c"][: 3 if kind == "LSTM" else 2]
    made = helper.make_node(kind, names, results, "tested", **attributes)
    return build([made], named, (), results, opset), named


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_batch_first(direction: str, kind: str) -> None:
    """The layout that onnxruntime refuses, as a transposed layer of the one that it takes."""
    inputs = arrays(kind, 3, 2, 4, 5, count(direction), lengths=True)
    model, feeds = layer(kind, inputs, direction=direction, hidden_size=5)
    want = run_ours(model, feeds)
    swapped = [np.swapaxes(a, 0, 1) if a is not None and a.ndim == 3 else a for a in inputs]
    swapped[1:3] = inputs[1:3]
    model, feeds = layer(kind, swapped, direction=direction, hidden_size=5, layout=1)
    for got, expected in zip(run_ours(model, feeds), want, strict=True):
        order = (2, 0, 1, 3) if expected.ndim == 4 else (1, 0, 2)
        np.testing.assert_array_equal(got, expected.transpose(order))


def test_batch_first_as_onnx_evaluates_it() -> None:
    x, w, r = (
        np.random.default_rng(0).normal(0, 1, (2, 3, 4)).astype("f4"),
        *(np.full((1, 5, k), 0.1, "f4") for k in (4, 5)),
    )
    model, feeds = layer("RNN", [x, w, r], opset=22, hidden_size=5, layout=1)
    for output in model.graph.output:
        output.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    want = ReferenceEvaluator(model).run(None, feeds)
    for got, expected in zip(run_ours(model, feeds), want, strict=True):
        np.testing.assert_allclose(got, expected, rtol=RTOL, atol=ATOL)


def refused(error: type[Exception], text: str, **changes: Any) -> None:
    inputs = arrays("GRU", 3, 2, 4, 5, 1)
    for index, array in changes.pop("inputs", {}).items():
        inputs[index] = array
    model, feeds = layer("GRU", inputs, **({"hidden_size": 5} | changes))
    with pytest.raises(error, match=text):
        run_ours(model, feeds)


def test_errors() -> None:
    refused(InvalidModelError, "direction is 'up'", direction="up")
    refused(InvalidModelError, "layout is 2", layout=2)
    refused(InvalidModelError, "1 activations are given, 2 are needed", activations=["Tanh"])
    refused(UnsupportedOperatorError, "activation 'Gelu'", activations=["Gelu", "Tanh"])
    refused(ShapeError, r"W is f32\[1,15,4\], \[1,18,4\] is expected", hidden_size=6)
    refused(ShapeError, "B is f32", inputs={3: np.zeros((1, 29), "f4")})
    refused(ShapeError, "rank 3", inputs={0: np.zeros((3, 4), "f4")})


def test_f64_is_refused() -> None:
    inputs = [a.astype("f8") if a is not None else None for a in arrays("GRU", 3, 2, 4, 5, 1)]
    model, feeds = layer("GRU", inputs, hidden_size=5)
    with pytest.raises(UnsupportedOperatorError, match="f64 is not supported, f32 is"):
        run_ours(model, feeds)


SHARED = [CompileOptions(simd=s, threads=t) for s in ("relaxed", "baseline") for t in (3, 7)]


@pytest.mark.parametrize("kind", [*GATES, "linear"])
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("given", [True, False])
def test_steps_shared_by_threads(
    kind: str, direction: str, given: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recurrent, "STEP_MACS", 0)
    attributes = {"linear_before_reset": 1} if kind == "linear" else {}
    kind = "GRU" if attributes else kind
    without = dict.fromkeys("" if given else "bhcp", False)
    for hidden, lengths in ((17, False), (40, True)):
        inputs = arrays(kind, 5, 1, 3, hidden, count(direction), lengths=lengths, **without)
        if lengths:
            inputs[4] = np.array([3], "i4")
        check(kind, inputs, direction=direction, options=SHARED, **attributes)


def test_steps_are_shared_only_where_sequences_are_few_and_wide() -> None:
    def kernels(batch: int, hidden: int, threads: int) -> set[str]:
        inputs = arrays("LSTM", 3, batch, 3, hidden, 1)
        model, _ = layer("LSTM", inputs, hidden_size=hidden)
        for output in model.graph.output:
            output.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
        options = CompileOptions(threads=threads)
        with InferenceSession(model.SerializeToString(), options) as session:
            rows = session.report()
        return {k[:8] for row in rows for k in row.kernels if k.startswith("rnn")}

    assert kernels(1, 200, 2) == {"rnn_step"}
    assert kernels(1, 200, 1) == kernels(2, 200, 2) == kernels(1, 40, 2) == {"rnn_f32_"}
