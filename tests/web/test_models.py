"""Any other model: opened, shown, run on random input; after a bad one the former still works."""

from __future__ import annotations

import re
from collections.abc import Iterator

import onnx
import pytest
from onnx import TensorProto, helper
from playwright.sync_api import Browser, Page, expect

from tests.web.models import convolutional_model, encode, small_model
from tests.web.tab import Tab, open_tab


@pytest.fixture(scope="module")
def tab(browser: Browser, site: str) -> Iterator[Tab]:
    """One page for all models."""
    tab = open_tab(browser, site)
    yield tab
    tab.page.context.close()


def cells(tab: Tab, caption: str) -> list[list[str]]:
    """The rows of a table by its caption."""
    table = tab.page.locator("table", has=tab.page.locator("caption", has_text=caption))
    return [row.locator("td").all_inner_texts() for row in table.locator("tbody tr").all()]


def test_a_model_is_shown_and_run(tab: Tab) -> None:
    assert tab.drop("small.onnx", small_model(0.5)) == "ready", tab.alert()
    assert tab.text("model-name") == "small.onnx"
    assert tab.text("current-model") == "small.onnx"
    assert cells(tab, "Inputs") == [["x", "float32[2, 3]"]]
    assert cells(tab, "Outputs") == [["y", "float32[2, 3]"]]
    tab.page.click("#report summary")
    assert [row[1] for row in cells(tab, "How each node runs")] == ["Add", "Relu"]
    tab.page.click("#try")
    assert tab.settled() == "ready", tab.alert()
    ((name, kind, least, greatest, mean, _, odd),) = cells(tab, "What came out")
    assert (name, kind, odd) == ("y", "float32[2, 3]", "none")
    assert 0 <= float(least) <= float(mean) <= float(greatest) <= 1.5
    assert re.match(r"\d+ runs?: median [\d.]+ (ms|µs)", tab.text("trial"))


def test_the_picker_opens_models_too(tab: Tab) -> None:
    assert tab.choose("model-file", "conv.onnx", convolutional_model()) == "ready", tab.alert()
    assert tab.text("model-name") == "conv.onnx"
    tab.page.click("#try")
    assert tab.settled() == "ready", tab.alert()
    ((_, _, least, greatest, mean, _, _),) = cells(tab, "What came out")
    assert abs(float(mean) - 1 / 7) < 1e-4, "softmax over 7 classes"
    assert 0 < float(least) < float(greatest) < 1


def test_back_to_the_default_model(tab: Tab) -> None:
    tab.drop("small.onnx", small_model(0.5))
    expect(tab.page.locator("#default-model")).to_be_visible()
    tab.page.click("#default-model")
    assert tab.state() == "ready"
    expect(tab.page.locator("#model")).to_be_hidden()
    expect(tab.page.locator("#default-model")).to_be_hidden()
    assert tab.text("current-model").startswith("EfficientNet-Lite0")
    assert "MB" in tab.text("download")
    tab.expect_alive()


def test_a_photo_goes_to_the_default_model(tab: Tab) -> None:
    tab.drop("small.onnx", small_model(0.5))
    tab.expect_alive()
    assert tab.text("current-model").startswith("EfficientNet-Lite0")


def test_open_sizes_can_be_chosen(tab: Tab) -> None:
    assert tab.drop("open.onnx", small_model(0, rows="rows")) == "ready", tab.alert()
    assert cells(tab, "Inputs") == [["x", "float32[1, 3]"]]
    tab.page.fill(".dims input[name=rows]", "5")
    tab.page.click(".dims button")
    assert tab.settled() == "ready", tab.alert()
    assert cells(tab, "Inputs") == [["x", "float32[5, 3]"]]
    assert cells(tab, "Outputs") == [["y", "float32[5, 3]"]]


def reshaping_model() -> bytes:
    """x[n,3] reshaped to [2,6], which only n = 4 allows."""
    node = helper.make_node("Reshape", ["x", "to"], ["y"])
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ("n", 3))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (2, 6))
    to = helper.make_tensor("to", TensorProto.INT64, (2,), [2, 6])
    graph = helper.make_graph([node], "test", [x], [y], [to])
    return encode(graph)


def test_other_sizes_are_offered_where_the_likely_ones_fail(tab: Tab) -> None:
    assert tab.drop("reshape.onnx", reshaping_model()) == "error"
    assert tab.error_class() == "ShapeError"
    assert "reshape.onnx" in tab.text("retry")
    tab.page.fill("#retry input[name=n]", "4")
    tab.page.click("#retry button")
    assert tab.settled() == "ready", tab.alert()
    expect(tab.page.locator("#retry")).to_be_hidden()
    assert cells(tab, "Inputs") == [["x", "float32[4, 3]"]]


def unknown_operator() -> bytes:
    """A node of an operator that nobody has."""
    node = helper.make_node("FrobnicateTwice", ["x"], ["y"], name="odd", domain="org.example")
    return _one_node(node, [helper.make_opsetid("", 17), helper.make_opsetid("org.example", 1)])


def contradicting_shapes() -> bytes:
    """f32[2,3] times f32[4,5]."""
    node = helper.make_node("MatMul", ["x", "w"], ["y"], name="product")
    w = helper.make_tensor("w", TensorProto.FLOAT, (4, 5), [0.0] * 20)
    return _one_node(node, [helper.make_opsetid("", 17)], [w])


def cyclic() -> bytes:
    """Two nodes that wait for each other."""
    nodes = [helper.make_node("Relu", ["b"], ["a"]), helper.make_node("Relu", ["a"], ["b"])]
    y = helper.make_tensor_value_info("b", TensorProto.FLOAT, (2, 3))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (2, 3))
    graph = helper.make_graph(nodes, "test", [x], [y])
    return encode(graph)


def huge() -> bytes:
    """A tensor of 48 GB out of a model of a hundred bytes."""
    node = helper.make_node("Expand", ["x", "to"], ["y"])
    to = helper.make_tensor("to", TensorProto.INT64, (3,), [2_000_000_000, 2, 3])
    return _one_node(node, [helper.make_opsetid("", 17)], [to])


def deep() -> bytes:
    """Thirty conditions, each inside a branch of the one before."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, (2, 3)) for name in "xy")
    condition = helper.make_tensor_value_info("c", TensorProto.BOOL, ())
    inner = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [], [y])
    for _ in range(30):
        node = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
        node.attribute[1].g.CopyFrom(helper.make_graph([], "empty", [], [y]))
        inner = helper.make_graph([node], "g", [], [y])
    inner.input.extend([x, condition])
    return encode(inner)


def external() -> bytes:
    """Weights in a file outside the model's folder."""
    node = helper.make_node("Add", ["x", "w"], ["y"])
    w = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2, 3])
    w.data_location = TensorProto.EXTERNAL
    w.external_data.add(key="location", value="../../etc/passwd")
    return _one_node(node, [helper.make_opsetid("", 17)], [w])


def _one_node(
    node: onnx.NodeProto,
    opsets: list[onnx.OperatorSetIdProto],
    constants: list[onnx.TensorProto] | None = None,
) -> bytes:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (2, 3))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "test", [x], [y], constants or [])
    return encode(graph, opsets)


BAD = {
    "empty.onnx": (b"", "InvalidModelError", "0 bytes"),
    "text.onnx": (b"This is a letter, not a model.\n" * 9, "InvalidModelError", "not"),
    "page.onnx": (b"<!doctype html><title>404</title>", "InvalidModelError", "HTML"),
    "archive.onnx": (b"PK\x03\x04" + bytes(60), "InvalidModelError", "zip"),
    "noise.onnx": (bytes(range(256)) * 40, "InvalidModelError", "not"),
    "truncated.onnx": (convolutional_model()[:4000], "InvalidModelError", "not a valid ONNX"),
    "unknown.onnx": (unknown_operator(), "UnsupportedOperatorError", "FrobnicateTwice"),
    "shapes.onnx": (contradicting_shapes(), "ShapeError", "product"),
    "cyclic.onnx": (cyclic(), "InvalidModelError", "cycle"),
    "huge.onnx": (huge(), "LimitError", ""),
    "deep.onnx": (deep(), "LimitError", "nested"),
    "external.onnx": (external(), "ExternalDataError", "passwd"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_model_leaves_the_former_in_use(tab: Tab, name: str) -> None:
    data, kind, message = BAD[name]
    assert tab.drop("good.onnx", small_model(0.5)) == "ready", tab.alert()
    assert tab.drop(name, data) == "error"
    assert tab.alert().startswith(f"Opening “{name}” failed: ")
    assert tab.error_class() == kind, tab.alert()
    assert message in tab.alert()
    assert tab.text("model-name") == "good.onnx"
    tab.page.click("#try")
    assert tab.settled() == "ready", tab.alert()
    tab.expect_alive()


def test_other_formats_are_named(tab: Tab) -> None:
    assert tab.drop("model.tflite", b"\x1c\0\0\0TFL3" + bytes(100)) == "error"
    assert tab.error_class() == "InvalidModelError"
    assert "TensorFlow Lite" in tab.alert()


def test_loading_can_be_cancelled(page: Page, site: str) -> None:
    tab = Tab(page)
    page.route("**/*.onnx", lambda route: None)  # the download never ends
    page.goto(site)
    page.click("#cancel")
    assert tab.settled() == "error"
    assert tab.alert() == "Loading the default model was cancelled."
    page.unroute("**/*.onnx")
    page.click("#default-model")
    assert tab.settled() == "ready", tab.alert()
    tab.expect_alive()


@pytest.mark.parametrize("missing", ["models/efficientnet-lite0.onnx", "wheel/wasmkiln.zip"])
def test_a_failed_load_is_told_and_can_be_tried_again(page: Page, site: str, missing: str) -> None:
    tab = Tab(page)
    page.context.route("**/wheel/python.image", lambda route: route.abort())
    page.context.route(f"**/{missing}", lambda route: route.abort())
    page.goto(site)
    assert tab.settled() == "error"
    assert tab.error_class() == "DownloadError"
    assert missing.split("/")[1] in tab.alert()
    page.context.unroute(f"**/{missing}")
    page.click("#default-model")
    assert tab.settled() == "ready", tab.alert()
    tab.expect_alive()
