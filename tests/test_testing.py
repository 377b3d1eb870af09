"""wasmkiln.testing names the value at which a model goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from wasmkiln import InvalidInputError, MissingDependencyError
from wasmkiln.testing import Comparison, Difference, compare

from tests.api.both import identity, info, make
from tests.small import small_net

X = np.random.default_rng(0).normal(0, 1, (2, 3, 9, 7)).astype(np.float32)


@pytest.mark.parametrize("reference", [None, "onnxruntime", "reference"])
def test_a_sound_model_agrees(reference: str | None, tmp_path: Path) -> None:
    found = compare(small_net(), {"x": X}, reference)
    assert found == Comparison(None, 1, "outputs")
    assert found.agrees
    assert str(found) == "1 outputs agree"
    path = tmp_path / "net.onnx"
    path.write_bytes(small_net())
    assert compare(path, {"x": X}, reference).agrees
    assert compare(onnx.load(path), {"x": X}, reference).agrees


def spoiled(change: str) -> Any:
    """A reference in which the named value is wrong, and with it all that follows."""

    def reference(data: bytes, feeds: Mapping[str, Any]) -> list[Any]:
        model = onnx.load_from_string(data)
        for node in list(model.graph.node):
            for i, name in enumerate(node.output):
                if name == change:
                    node.output[i] = f"{name}_right"
                    model.graph.initializer.append(numpy_helper.from_array(np.float32(3), "three"))
                    model.graph.node.append(
                        helper.make_node("Add", [f"{name}_right", "three"], [name])
                    )
        ordered = sorted_nodes(model.graph)
        del model.graph.node[:]
        model.graph.node.extend(ordered)
        evaluator = ReferenceEvaluator(model)
        return list(evaluator.run(None, dict(feeds)))

    return reference


def sorted_nodes(graph: Any) -> list[Any]:
    """Nodes after those whose outputs they use."""
    known = {i.name for i in graph.input} | {w.name for w in graph.initializer}
    left, out = [onnx.NodeProto.FromString(n.SerializeToString()) for n in graph.node], []
    while left:
        node = next(n for n in left if all(i in known or not i for i in n.input))
        left.remove(node)
        out.append(node)
        known.update(node.output)
    return out


@pytest.mark.parametrize(
    ("value", "node", "operator"),
    [("a", "stem", "Conv"), ("c", "mix", "Conv"), ("e", "pool", "GlobalAveragePool")],
)
def test_the_first_value_that_differs_is_named(value: str, node: str, operator: str) -> None:
    found = compare(small_net(), {"x": X}, spoiled(value))
    assert found.first is not None
    assert (found.first.value, found.first.node, found.first.operator) == (value, node, operator)
    assert found.first.how_far.startswith("by up to 3, ")
    assert found.first.ours.startswith("float32[2, ")
    assert found.checked == 8
    assert f"'{value}' of {operator} '{node}' differs: by up to 3" in str(found)


def test_what_goes_wrong_when_fused_is_found_by_bisection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault shows only in models of at most three outputs, in which nodes are fused."""
    from wasmkiln import testing

    class Faulty(testing.InferenceSession):
        def run(self, names: Any, feeds: Any, options: Any = None) -> Any:
            results = super().run(names, feeds, options)
            wrong = {"d", "e", "f", "g", "y"} if len(results) <= 3 else set()
            return [r + 1 if n in wrong else r for n, r in zip(names, results, strict=True)]

    monkeypatch.setattr(testing, "InferenceSession", Faulty)
    found = compare(small_net(), {"x": X})
    assert found.first is not None
    assert (found.first.value, found.first.node) == ("d", "residual")
    assert found.way == "making single values outputs"


@pytest.mark.parametrize(
    ("theirs", "how_far"),
    [
        (np.float64([[1, 2]]), "dtypes float32 and float64"),
        (np.float32([1, 2]), "shapes (1, 2) and (2,)"),
        (np.float32([[1, np.nan]]), "1 of 2 elements are finite in one only"),
        (np.float32([[1, 2.5]]), "by up to 0.5, 0.2 of the largest element"),
        ([np.float32([1, 2])], "ndarray and list"),
    ],
)
def test_how_far(theirs: Any, how_far: str) -> None:
    x = np.float32([[1, 2]])
    found = compare(identity(), {"x": x}, lambda data, feeds: [theirs])
    assert found.first == Difference(
        "y",
        "same",
        "Identity",
        how_far,
        "float32[1, 2] from 1 to 2: 1, 2",
        found.first.theirs,  # type: ignore[union-attr]
    )


def test_limits_may_be_set() -> None:
    x = np.array([[1, 2]])
    data = identity(TensorProto.INT64)
    found = compare(data, {"x": x}, lambda data, feeds: [np.add(x, [[0, 1]])])
    assert found.first is not None
    assert found.first.how_far == "by up to 1"
    assert compare(data, {"x": x}, lambda data, feeds: [x + 1], steps=1).agrees
    y = x.astype(np.float32)
    assert compare(identity(), {"x": y}, lambda data, feeds: [y + 0.5], tolerance=0.3).agrees
    texts = np.array([["a", "b"]], object)
    data = identity(TensorProto.STRING)
    assert compare(data, {"x": texts}).agrees
    found = compare(data, {"x": texts}, lambda data, feeds: [texts[:, ::-1]])
    assert found.first is not None
    assert found.first.how_far == "2 of 2 elements"


def test_wrong_use(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInputError, match="onnxruntime or reference or a function"):
        compare(identity(), {}, "torch")
    with pytest.raises(InvalidInputError, match="a path, bytes or a ModelProto, not 5"):
        compare(5, {})
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(MissingDependencyError, match="needs onnx: pip install onnx"):
        compare(identity_bytes, {})


identity_bytes = make([helper.make_node("Relu", ["x"], ["y"])], [info("x")], [info("y")])
