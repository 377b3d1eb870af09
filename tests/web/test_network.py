"""Nothing is uploaded: once the page is ready, not a single request leaves it."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper
from playwright.sync_api import Page, Request

from tests.web.pictures import SAMPLES
from tests.web.tab import Tab


def small_model(bias: float) -> bytes:
    """y = relu(x + bias) for f32[2,3]."""
    nodes = [helper.make_node("Add", ["x", "b"], ["s"]), helper.make_node("Relu", ["s"], ["y"])]
    types = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (2, 3)) for name in "xy"]
    constant = helper.make_tensor("b", TensorProto.FLOAT, (1,), [bias])
    graph = helper.make_graph(nodes, "small", types[:1], types[1:], [constant])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(proto)
    return proto.SerializeToString()


def test_no_request_leaves_after_the_page_is_ready(page: Page, site: str) -> None:
    tab = Tab.open(page, site)
    requests: list[Request] = []
    page.context.on("request", requests.append)
    page.on("websocket", lambda socket: requests.append(socket))  # type: ignore[arg-type]
    page.context.route("**/*", lambda route: route.abort())
    for sample in sorted(SAMPLES.glob("*.jpg")):
        assert tab.drop(sample.name, sample.read_bytes()) == "ready", tab.alert()
    page.click("[data-sample='cat.jpg']")
    tab.settled()
    for bias in (0.5, 1.5, 2.5):
        assert tab.drop(f"small-{bias}.onnx", small_model(bias)) == "ready", tab.alert()
        page.click("#try")
        assert tab.settled() == "ready", tab.alert()
    assert tab.drop("bad.onnx", b"\x08\x08garbage") == "error"
    page.click("#default-model")
    tab.expect_alive()
    assert [request.url for request in requests] == []


def test_all_requests_go_to_the_pages_own_server(page: Page, site: str) -> None:
    seen: list[Request] = []
    page.context.on("request", seen.append)
    tab = Tab.open(page, site)
    tab.expect_alive()
    foreign = [r.url for r in seen if not r.url.startswith((site, f"blob:{site}"))]
    assert foreign == []
    assert {request.method for request in seen} == {"GET"}
    assert all(request.post_data_buffer is None for request in seen)


def test_the_page_works_under_a_sub_path() -> None:
    """Every URL in the page and its modules is relative."""
    web = Path(SAMPLES).parent
    for file in [*web.glob("*.js"), *web.glob("view/*.js"), web / "index.html"]:
        text = file.read_text("utf-8")
        for quote in "\"'`":
            assert f"={quote}/" not in text, file
            assert f"({quote}/" not in text.replace("/** ", ""), file
            assert f" {quote}/" not in text, file


def test_the_page_says_so(page: Page, site: str) -> None:
    Tab.open(page, site)
    assert "Nothing is uploaded" in page.locator("footer").inner_text()
    assert "nothing is uploaded" in page.locator("#invitation").inner_text()
