"""A look inside models: the profile, the memory plan and the fused graph, drawn and told."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web import walk
from tests.web.models import convolutional_model, small_model
from tests.web.tab import TIMEOUT, Tab, open_tab


@pytest.fixture(scope="module")
def tab(browser: Browser, site: str) -> Iterator[Tab]:
    """One page for all, with everything opened inside the page's own model."""
    tab = open_tab(browser, site)
    walk.wait_complete(tab.page)
    walk.open_insight(tab.page, "#inside")
    yield tab
    tab.page.context.close()


def option(page: Page, picture: str) -> str:
    """The name of the mark that is chosen in a picture."""
    chosen = page.locator(f"{picture} [role=option][aria-selected=true]")
    expect(chosen).to_have_count(1)
    return chosen.get_attribute("aria-label") or chosen.text_content() or ""


def test_the_profile_adds_up(tab: Tab) -> None:
    shares = tab.page.locator("#inside .flame").evaluate(
        """(flame) => [...flame.children].map(({ style }) =>
            [style.insetBlockStart, parseFloat(style.inlineSize)])"""
    )
    rows = {top: sum(size for at, size in shares if at == top) for top, _ in shares}
    assert rows[min(rows)] == pytest.approx(100)
    assert all(total <= 100.01 for total in rows.values())
    text = tab.page.locator("#inside .insight-profile").inner_text()
    assert re.search(r"\d+ steps took [\d.]+ ms together", text)
    assert "Matrix products" in text


def test_the_profile_is_a_table_too(tab: Tab) -> None:
    rows = tab.page.locator("#inside .insight-profile tbody tr")
    told = tab.page.locator("#inside .insight-profile p").first.inner_text()
    assert told.startswith(f"{rows.count()} steps took")
    shares = [
        float(cell.split()[0].replace("under", "0"))
        for cell in rows.locator("td:nth-child(4)").all_inner_texts()
    ]
    assert shares == sorted(shares, reverse=True)


def test_steps_are_grouped_by_the_kind_of_work(tab: Tab) -> None:
    page = tab.page
    # On a busy machine one step may take so long that the others are too narrow to be drawn.
    kinds = page.locator("#inside .insight-profile .legend li").all_inner_texts()
    largest = re.sub(r" [\d.]+ %$", "", kinds[0])
    names = page.locator("#inside .flame > * > span:first-child")
    page.click("#inside input[value=family]")
    assert largest in names.all_inner_texts()
    assert [kind for kind in kinds if kind.startswith("Depthwise convolutions ")]
    page.click("#inside input[value=order]")
    assert not {largest, "Depthwise convolutions"} & set(names.all_inner_texts())


@pytest.mark.parametrize("picture", [".flame", ".memory-map", ".graph"])
def test_pictures_are_used_by_keys(tab: Tab, picture: str) -> None:
    page = tab.page
    page.focus(f"#inside {picture}")
    first = option(page, f"#inside {picture}")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    second = option(page, f"#inside {picture}")
    assert first and second and first != second
    described = page.locator(f"#inside {picture}").get_attribute("aria-activedescendant")
    assert described == page.locator(f"#inside {picture} [aria-selected=true]").get_attribute("id")
    outline = page.locator(f"#inside {picture}").evaluate("(e) => getComputedStyle(e).outlineStyle")
    assert outline != "none"


def test_a_tensor_is_named_under_the_pointer(tab: Tab) -> None:
    page = tab.page
    page.locator("#inside .memory-map .role-input").hover()
    told = page.locator("#inside .insight-memory .readout").inner_text()
    assert told.startswith("image input: float32[1, 3, 224, 224], 602 kB, alive in step 1")
    assert "Fullest at step" in page.locator("#inside .peak-row").inner_text()


def test_no_two_tensors_share_a_place_at_the_same_time(tab: Tab) -> None:
    boxes = tab.page.locator("#inside .memory-map").evaluate(
        """(map) => [...map.children].map(({ style: s }) =>
            [s.insetInlineStart, s.inlineSize, s.insetBlockEnd, s.blockSize].map(parseFloat))"""
    )
    assert len(boxes) > 40
    step = min(box[1] for box in boxes)
    for i, (x, w, y, h) in enumerate(boxes):
        for x2, w2, y2, h2 in boxes[:i]:
            beside = x + w <= x2 + 1e-3 + step or x2 + w2 <= x + 1e-3 + step  # one may take over
            assert beside or y + h <= y2 + 1e-3 or y2 + h2 <= y + 1e-3


def test_a_node_tells_what_it_was_made_of(tab: Tab) -> None:
    page = tab.page
    page.fill("#inside input[type=search]", "block1/depthwise")
    page.keyboard.press("Enter")
    facts = page.locator("#inside .facts-panel").inner_text()
    assert "Conv block1/depthwise/conv" in facts
    assert "Clip block1/depthwise/relu6" in facts
    assert "Kernels" in facts and "Multiply-adds" in facts
    page.fill("#inside input[type=search]", "no such node")
    assert page.locator("#inside output").inner_text() == "0 found"


def test_up_and_down_follow_the_data(tab: Tab) -> None:
    page = tab.page
    page.focus("#inside .graph")
    page.keyboard.press("Home")
    assert option(page, "#inside .graph").startswith("image: input")
    for _ in range(200):
        before = option(page, "#inside .graph")
        page.keyboard.press("ArrowDown")
        if option(page, "#inside .graph") == before:
            break
    assert before.startswith("probabilities: output")


def test_the_drawing_can_be_zoomed_and_moved(tab: Tab) -> None:
    page = tab.page
    box = page.locator("#inside .zoom-box")
    width = page.locator("#inside .graph").bounding_box()["width"]  # type: ignore[index]
    page.click("#inside [aria-label=Larger]")
    assert page.locator("#inside .graph").bounding_box()["width"] > width  # type: ignore[index]
    page.click("#inside [aria-label='All of it']")
    assert box.evaluate("(e) => e.scrollHeight <= e.clientHeight + 1")
    page.focus("#inside .graph")
    for _ in range(12):
        page.keyboard.press("+")
    assert box.evaluate("(e) => e.scrollHeight > 3 * e.clientHeight")
    page.keyboard.press("Home")
    box.scroll_into_view_if_needed()
    area = box.bounding_box()
    assert area
    x, y = area["x"] + area["width"] / 2, area["y"] + area["height"] / 2
    before = box.evaluate("(e) => e.scrollTop")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 60, steps=3)
    page.mouse.up()
    assert box.evaluate("(e) => e.scrollTop") == pytest.approx(before + 60, abs=2)


def test_an_opened_model_is_explained_too(tab: Tab) -> None:
    assert tab.drop("conv.onnx", convolutional_model()) == "ready", tab.alert()
    expect(tab.page.locator("#inside")).to_be_hidden()
    walk.open_insight(tab.page, "#model")
    text = tab.page.locator("#model .insight-graph").inner_text()
    assert "The file has 10 nodes; a run does" in text
    nodes = tab.page.locator("#model .insight-graph tbody tr td:nth-child(2)").all_text_contents()
    assert "Conv + Relu" in nodes
    assert "weights" in tab.page.locator("#model .insight-memory").inner_text().lower()


def test_a_graph_of_a_thousand_nodes_is_drawn(browser: Browser, site: str) -> None:
    from onnx import helper

    from tests.web.models import encode

    nodes = []
    for i in range(250):
        source = "x" if i == 0 else f"t{i - 1}"
        nodes += [
            helper.make_node("Transpose", [source], [f"a{i}"], f"block{i}/turn", perm=[1, 0]),
            helper.make_node("Transpose", [source], [f"b{i}"], f"block{i}/turn_too", perm=[1, 0]),
            helper.make_node("MatMul", [f"a{i}", source], [f"m{i}"], f"block{i}/product"),
            helper.make_node("MatMul", [source, f"m{i}"], [f"t{i}"], f"block{i}/next"),
        ]
    typed = [helper.make_tensor_value_info(name, 1, (3, 3)) for name in ("x", "t249")]
    data = encode(helper.make_graph(nodes, "long", typed[:1], typed[1:]))
    tab = open_tab(browser, site)
    assert tab.drop("long.onnx", data) == "ready", tab.alert()
    tab.page.click("#model .insight-graph > summary")
    tab.page.wait_for_selector("#model .graph", timeout=TIMEOUT)
    assert tab.page.locator("#model .graph [role=option]").count() > 500
    overlaps = tab.page.evaluate(
        """() => {
            const rows = new Map();
            for (const rect of document.querySelectorAll('#model .node rect')) {
                const number = (name) => Number(rect.getAttribute(name));
                const [x, y, w] = ['x', 'y', 'width'].map(number);
                rows.set(y, [...(rows.get(y) ?? []), [x, x + w]]);
            }
            return [...rows.values()].filter((row) => {
                row.sort((a, b) => a[0] - b[0]);
                return row.some((span, i) => i && span[0] < row[i - 1][1]);
            }).length;
        }"""
    )
    assert overlaps == 0
    tab.page.context.close()


def test_what_cannot_be_explained_says_why(browser: Browser, site: str) -> None:
    tab = open_tab(browser, site)
    walk.wait_complete(tab.page)
    tab.page.context.route("**/*.onnx", lambda route: route.abort())
    tab.page.evaluate(
        "caches.keys().then((keys) => Promise.all(keys.map((key) => caches.delete(key))))"
    )
    tab.drop("small.onnx", small_model(0.5))
    # The file is gone from the disk by the time that its inside is looked at.
    tab.page.evaluate(
        """() => {
            File.prototype.arrayBuffer = () => Promise.reject(new Error('gone'));
            Blob.prototype.arrayBuffer = File.prototype.arrayBuffer;
        }"""
    )
    tab.page.click("#model .insight-memory > summary")
    status = tab.page.locator("#model .insight-memory [role=status]")
    expect(status).to_contain_text("This can't be shown: the file could not be read (gone)")
    tab.page.context.close()
