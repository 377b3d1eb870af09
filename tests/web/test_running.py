"""Ways to run a model that was opened: on photos, on inputs of one's own; and what comes out."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from playwright.sync_api import Browser, Page, expect

from tests.web import lab as javascript
from tests.web import walk
from tests.web.models import encode, small_model
from tests.web.pictures import SAMPLES
from tests.web.tab import TIMEOUT, Tab, open_tab

COFFEE = (SAMPLES / "coffee.jpg").read_bytes()
CAT = (SAMPLES / "cat.jpg").read_bytes()


@pytest.fixture(scope="module")
def tab(browser: Browser, site: str) -> Iterator[Tab]:
    """One page for all models."""
    tab = open_tab(browser, site)
    walk.wait_complete(tab.page)
    yield tab
    tab.page.context.close()


def image_model(
    shape: Sequence[int], metadata: dict[str, str] | None = None, kind: int = TensorProto.FLOAT
) -> bytes:
    """The picture itself: y = x as floats."""
    x = helper.make_tensor_value_info("x", kind, shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)
    node = helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT)
    model = onnx.ModelProto.FromString(encode(helper.make_graph([node], "image", [x], [y])))
    helper.set_model_props(model, metadata or {})
    data: bytes = model.SerializeToString()
    return data


def classifier(metadata: dict[str, str] | None = None) -> bytes:
    """Three classes: the means of red, green and blue."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 32, 32))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 3))
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["p"]),
        helper.make_node("Flatten", ["p"], ["y"]),
    ]
    model = onnx.ModelProto.FromString(encode(helper.make_graph(nodes, "means", [x], [y])))
    helper.set_model_props(model, metadata or {})
    data: bytes = model.SerializeToString()
    return data


def give(tab: Tab, photo: bytes) -> None:
    """Give the opened model a photo; waits for what it says."""
    tab.page.evaluate("document.querySelector('#trial').replaceChildren()")
    tab.choose("model-photo", "photo.jpg", photo, "image/jpeg")
    tab.page.wait_for_selector("#trial table", timeout=TIMEOUT)
    assert tab.settled() == "ready", tab.alert()


def came_out(tab: Tab) -> list[list[str]]:
    """The rows of the table of outputs."""
    rows = tab.page.locator("#trial table tbody tr").all()
    return [row.locator("td").all_inner_texts() for row in rows]


def test_a_photo_is_prepared_by_a_guess_that_can_be_corrected(tab: Tab) -> None:
    assert tab.drop("means.onnx", classifier()) == "ready", tab.alert()
    expect(tab.page.locator("select[name=scale]")).to_have_value("imagenet")
    give(tab, COFFEE)
    assert tab.page.locator("#model-classes li").count() == 3
    first = tab.page.locator("#model-classes li").first
    assert first.get_attribute("data-class") == "0", "coffee is red"
    before = came_out(tab)
    tab.page.select_option("select[name=scale]", "unit")
    expect(tab.page.locator("#trial table tbody")).not_to_contain_text(before[0][2])
    ((_, _, least, greatest, *_),) = came_out(tab)
    assert 0 < float(least) < float(greatest) < 1
    tab.page.select_option("select[name=colour]", "BGR")
    expect(tab.page.locator("#model-classes li").first).to_have_attribute("data-class", "2")


def test_names_of_classes_come_from_metadata_or_from_the_visitor(tab: Tab) -> None:
    names = {"names": "{0: 'red', 1: 'green', 2: \"blue's\"}"}
    assert tab.drop("means.onnx", classifier(names)) == "ready", tab.alert()
    give(tab, COFFEE)
    assert tab.page.locator("#model-classes .name").first.inner_text() == "red"
    tab.page.click(".labels summary")
    assert tab.page.input_value("textarea[name=labels]") == "red\ngreen\nblue's"
    tab.page.fill("textarea[name=labels]", "rot\ngrün")
    tab.page.locator("textarea[name=labels]").blur()
    expect(tab.page.locator("#model-classes .name").first).to_have_text("rot")
    assert "2 names for 3 classes" in tab.page.locator(".labels [role=status]").inner_text()
    tab.choose("labels-file", "names.json", b'["r", "g", "b"]')
    expect(tab.page.locator("#model-classes .name").first).to_have_text("r")


def test_dropped_photos_go_to_the_opened_model(tab: Tab) -> None:
    assert tab.drop("means.onnx", classifier()) == "ready", tab.alert()
    tab.drop("cat.jpg", CAT)
    tab.page.wait_for_selector("#model-classes", timeout=TIMEOUT)
    assert tab.text("current-model") == "means.onnx"
    tab.page.evaluate("document.querySelector('#trial').replaceChildren()")
    tab.page.click("[data-sample='coffee.jpg']")
    tab.page.wait_for_selector("#model-classes", timeout=TIMEOUT)
    assert tab.settled() == "ready"
    tab.page.click("#default-model")
    tab.expect_alive()


@pytest.mark.parametrize(
    ("name", "shape", "metadata", "kind", "scale"),
    [
        ("unit.onnx", (1, 3, 40, 30), {}, TensorProto.FLOAT, "unit"),
        ("signed.onnx", (1, 40, 30, 3), {}, TensorProto.FLOAT, "signed"),
        ("grey.onnx", (1, 1, 28, 28), {}, TensorProto.FLOAT, "unit"),
        ("half.onnx", (1, 3, 24, 24), {}, TensorProto.FLOAT16, "unit"),
        ("bytes.onnx", (1, 24, 24, 3), {}, TensorProto.UINT8, "bytes"),
        (
            "said.onnx",
            (1, 3, 24, 24),
            {"Image.NominalPixelRange": "NominalRange_0_255"},
            TensorProto.FLOAT,
            "bytes",
        ),
    ],
)  # fmt: skip
def test_pictures_come_out_as_pictures(
    tab: Tab, name: str, shape: tuple[int, ...], metadata: dict[str, str], kind: int, scale: str
) -> None:
    assert tab.drop(name, image_model(shape, metadata, kind)) == "ready", tab.alert()
    expect(tab.page.locator("select[name=scale]")).to_have_value(scale)
    give(tab, COFFEE)
    (picture,) = tab.page.locator(".output-picture").all()
    drawn = picture.evaluate(
        """(canvas) => {
            const { width, height } = canvas;
            const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
            const mean = (c) => data.reduce((sum, v, i) => sum + (i % 4 === c ? v : 0), 0);
            return [width, height, mean(0) / width / height, mean(2) / width / height];
        }"""
    )
    width, height, red, blue = drawn
    assert sorted((width, height)) == sorted(size for size in shape if size > 3)
    grey = 1 in shape[1:]
    assert red == blue if grey else red > blue + 20, "coffee is red"
    assert 40 < red < 215


def test_a_spectrogram_is_no_picture(tab: Tab) -> None:
    assert tab.drop("sound.onnx", image_model((1, 1, 49, 10))) == "ready", tab.alert()
    assert tab.page.locator("#photo-panel").count() == 0


def test_inputs_are_typed_and_read_from_files(tab: Tab) -> None:
    assert tab.drop("small.onnx", small_model(0.5)) == "ready", tab.alert()
    page = tab.page
    page.click("#tensor-panel summary")
    page.select_option("#tensor-panel select", "typed")
    page.fill("#tensor-panel textarea", "1 2 3\n4, 5, -6")
    run(tab)
    assert came_out(tab)[0][2:4] == ["0", "5.5000"]
    page.select_option("#tensor-panel select", "file")
    values = np.arange(6, dtype=np.float64).reshape(2, 3)
    npy = io.BytesIO()
    np.save(npy, values)
    for name, data in {
        "x.npy": npy.getvalue(),
        "x.json": json.dumps(values.tolist()).encode(),
        "x.csv": b"0,1,2\n3,4,5\n",
    }.items():
        file: Any = {"name": name, "mimeType": "", "buffer": data}
        page.set_input_files("#tensor-panel input[type=file]", file)
        run(tab)
        assert came_out(tab)[0][2:5] == ["0.50000", "5.5000", "3"], name


def run(tab: Tab) -> None:
    """Run on what the form holds."""
    tab.page.evaluate("document.querySelector('#trial').replaceChildren()")
    tab.page.click("#tensor-panel button")
    tab.page.wait_for_selector("#trial table", timeout=TIMEOUT)
    assert tab.settled() == "ready", tab.alert()


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("1 2 3", "input “x”: 3 numbers given, but [2, 3] takes 6"),
        ("1 2 three", "“three” is not a number"),
        ("[1, 2", "not valid JSON"),
        ('[1, "a"]', 'the JSON holds "a" where a number is expected'),
    ],
)
def test_wrong_numbers_are_told(tab: Tab, typed: str, message: str) -> None:
    assert tab.drop("small.onnx", small_model(0.5)) == "ready", tab.alert()
    tab.page.click("#tensor-panel summary")
    tab.page.select_option("#tensor-panel select", "typed")
    tab.page.fill("#tensor-panel textarea", typed)
    tab.page.click("#tensor-panel button")
    tab.page.wait_for_selector("html[data-state=error]", state="attached")
    assert message in tab.alert()
    assert tab.error_class() == "InvalidInputError"
    tab.page.click("#try")
    assert tab.settled() == "ready"


@pytest.mark.parametrize("name", ["noise.npy", "cut.npy", "letters.csv"])
def test_wrong_files_are_told(tab: Tab, name: str) -> None:
    npy = io.BytesIO()
    np.save(npy, np.zeros((2, 3), "f4"))
    contents = {
        "noise.npy": bytes(range(256)),
        "cut.npy": npy.getvalue()[:-3],
        "letters.csv": b"a,b\n",
    }
    assert tab.drop("small.onnx", small_model(0.5)) == "ready", tab.alert()
    tab.page.click("#tensor-panel summary")
    tab.page.select_option("#tensor-panel select", "file")
    file: Any = {"name": name, "mimeType": "", "buffer": contents[name]}
    tab.page.set_input_files("#tensor-panel input[type=file]", file)
    tab.page.click("#tensor-panel button")
    tab.page.wait_for_selector("html[data-state=error]", state="attached")
    assert f"“{name}”: " in tab.alert()


def test_outputs_can_be_taken_away(tab: Tab, tmp_path: Path) -> None:
    assert tab.drop("small.onnx", small_model(0.5)) == "ready", tab.alert()
    tab.page.click("#try")
    assert tab.settled() == "ready", tab.alert()
    tab.page.click(".numbers summary")
    assert tab.page.locator(".histogram").is_visible()
    arrays = []
    for kind in ("npy", "json"):
        with tab.page.expect_download() as download:
            tab.page.click(f".numbers button:has-text('.{kind}')")
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        assert path.name == f"small-y.{kind}"
        content = path.read_bytes()
        if kind == "npy":
            arrays.append(np.load(io.BytesIO(content)))
        else:
            parsed = json.loads(content)
            arrays.append(np.array(parsed["data"], "f4").reshape(parsed["dims"]))
    assert arrays[0].dtype == np.float32 and arrays[0].shape == (2, 3)
    np.testing.assert_array_equal(*arrays)


def test_what_needs_python_between_says_where_it_runs(tab: Tab) -> None:
    nodes = [
        helper.make_node("StringNormalizer", ["x"], ["y"], case_change_action="LOWER"),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.STRING, (2,))
    y = helper.make_tensor_value_info("y", TensorProto.STRING, (2,))
    assert tab.drop("text.onnx", encode(helper.make_graph(nodes, "text", [x], [y]))) == "error"
    assert tab.error_class() == "UnsupportedOperatorError", tab.alert()
    assert "Texts, sequences, maps" in tab.alert()
    assert (
        tab.page.locator("#next-steps button").first.inner_text()
        == "Try it with Python in this tab"
    )
    tab.expect_alive()


def test_a_comparison_names_ratio_and_difference(browser: Browser, site: str) -> None:
    context = walk.new_context(browser, "light", 1280)
    tab = Tab.open(context.new_page(), site)
    walk.wait_complete(tab.page)
    assert tab.drop("means.onnx", classifier()) == "ready", tab.alert()
    tab.page.click("#compare")
    tables = tab.page.locator("#model .comparison table")
    tables.last.wait_for(timeout=TIMEOUT)
    assert (
        tab.page.locator("#model .comparison p")
        .first.inner_text()
        .startswith("Here and now, wasmkiln took")
    )
    assert tables.first.locator("tbody tr").count() == 2
    context.close()


def test_nothing_is_compared_where_no_peer_is_installed(tab: Tab) -> None:
    assert tab.drop("small.onnx", small_model(0.5)) == "ready", tab.alert()
    assert tab.page.locator("#compare").count() == 0


def test_halves_are_rounded_as_numpy_does(lab: Page) -> None:
    values = [
        0.0,
        -0.0,
        1.0,
        -2.5,
        65504.0,
        65519.9,
        65520.0,
        1e9,
        6e-8,
        2e-8,
        3.1e-5,
        1 / 3,
        2049.0,
        2051.0,
    ]
    given = javascript.run(
        lab,
        """const { tensorOf } = await import('./page/tensors/values.js');
        return Array.from(tensorOf('float16', [given[0].length], given[0]).data);""",
        values,
    )
    with np.errstate(over="ignore"):
        expected = np.array(values).astype(np.float16).view(np.uint16).tolist()
    assert given == expected


def test_npy_files_of_every_dtype_survive(lab: Page) -> None:
    types = [
        "float32",
        "float64",
        "int8",
        "uint8",
        "int16",
        "uint16",
        "int32",
        "uint32",
        "int64",
        "uint64",
        "bool",
    ]
    for name in types:
        values = np.array([[1, 0, 1], [0, 1, 1]]).astype(name)
        buffer = io.BytesIO()
        np.save(buffer, values)
        shape, back = javascript.run(
            lab,
            """const { readNumbers, toNpy } = await import('./page/tensors/files.js');
            const { tensorOf } = await import('./page/tensors/values.js');
            const { values, shape } = await readNumbers(new File([bytes(given[0])], 'x.npy'));
            const saved = toNpy(tensorOf(given[1], shape, values));
            return [shape, Array.from(new Uint8Array(await saved.arrayBuffer()))];""",
            buffer.getvalue(),
            name,
        )
        assert shape == [2, 3]
        again = np.load(io.BytesIO(bytes(back)))
        assert again.dtype == values.dtype
        np.testing.assert_array_equal(again, values)
