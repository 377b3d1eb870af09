"""Small models on the page's own thread: when they go there, what they give, and who helps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from playwright.sync_api import Browser, Page

from tests.web.lab import error, run
from tests.web.models import small_model


@pytest.fixture
def plain(browser: Browser, site: str) -> Iterator[Page]:
    """A page of the site without our page's script."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(site + "models/manifest.json")
    page.evaluate("history.replaceState(null, '', '/')")
    yield page
    context.close()


def products(size: int, layers: int, rows: int) -> bytes:
    """Products with square matrices, as many multiply-accumulates as wanted."""
    rng = np.random.default_rng(5)
    weights = rng.standard_normal((size, size), np.float32) / np.sqrt(np.float32(size))
    nodes, x = [], "x"
    for i in range(layers):
        y = "y" if i == layers - 1 else f"h{i}"
        nodes.append(helper.make_node("MatMul", [x, "w"], [y]))
        x = y
    shape = [rows, size]
    graph = helper.make_graph(
        nodes,
        "products",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    data: bytes = model.SerializeToString()
    return data


PLACE = """
    const { LocalGroup } = await import('./here.js');
    let here = 0;
    const ran = LocalGroup.prototype.run;
    LocalGroup.prototype.run = function (...of) { here++; return ran.apply(this, of); };
"""


def place(page: Page, model: bytes, options: dict[str, Any], rows: int, size: int) -> list[Any]:
    """Whether a model runs in the page, on how many threads, and its first and last outputs."""
    x = np.random.default_rng(1).uniform(-1, 1, (rows, size)).astype(np.float32)
    here, threads, *values = run(
        page,
        f"""
        {PLACE}
        const session = await InferenceSession.create(bytes(given[0]), given[2]);
        const x = new Tensor('float32', new Float32Array(bytes(given[1]).buffer), given[3]);
        const outputs = [];
        for (let i = 0; i < 30; i++) outputs.push(Array.from((await session.run({{ x }})).y.data));
        const {{ threads }} = session.stats;
        session.release();
        return [here, threads, outputs[0], outputs[29]];
        """,
        model,
        x.tobytes(),
        options,
        [rows, size],
    )
    (expected,) = onnxruntime.InferenceSession(model).run(None, {"x": x})
    for value in values:
        np.testing.assert_allclose(np.array(value, np.float32), expected.ravel(), 1e-3, 1e-4)
    assert values[0] == values[1]
    return [here, threads]


def test_a_tiny_model_runs_in_the_page_and_no_worker_helps(plain: Page) -> None:
    assert place(plain, products(32, 2, 3), {}, 3, 32) == [30, 1]


@pytest.mark.parametrize("options", [{"worker": True}, {"threads": 2}])
def test_a_worker_may_be_asked_for(plain: Page, options: dict[str, Any]) -> None:
    here, _ = place(plain, products(32, 2, 3), options, 3, 32)
    assert here == 0


def test_a_model_that_a_worker_may_help_gives_the_same_either_way(plain: Page) -> None:
    """20 million multiply-accumulates. Time decides where and on how many threads it runs."""
    here, threads = place(plain, products(256, 12, 27), {}, 27, 256)
    assert here in (0, 30)
    assert threads in (1, 2)


def test_the_option_is_checked(plain: Page) -> None:
    name, message = error(
        plain, "await InferenceSession.create(bytes(given[0]), { worker: 1 });", small_model(0)
    )
    assert name == "InvalidInputError"
    assert "worker" in message


def test_a_helper_that_breaks_down_is_done_without(plain: Page) -> None:
    model = products(256, 12, 27)
    got = run(
        plain,
        """
        const { ComputeGroup } = await import('./compute.js');
        const helpers = [];
        const join = ComputeGroup.prototype.join;
        ComputeGroup.prototype.join = function (of) {
            helpers.push(this);
            return join.call(this, of);
        };
        const session = await InferenceSession.create(bytes(given[0]));
        const x = new Tensor('float32', new Float32Array(27 * 256).fill(0.5), [27, 256]);
        const before = Array.from((await session.run({ x })).y.data);
        for (const helper of helpers) helper.end(new Error('gone'));
        const after = Array.from((await session.run({ x })).y.data);
        session.release();
        return [helpers.length, before, after];
        """,
        model,
    )
    count, before, after = got
    assert count == 1, "no worker was tried"
    assert before == after


def test_a_run_under_way_fails_when_the_model_is_released(plain: Page) -> None:
    name, _ = error(
        plain,
        """
        const session = await InferenceSession.create(bytes(given[0]));
        const running = session.run({ x: vector(1, 2, 3, 4, 5, 6) });
        session.release();
        await running;
        """,
        small_model(0),
    )
    assert name == "ReleasedError"
