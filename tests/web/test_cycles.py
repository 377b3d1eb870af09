"""Sessions that come and go leave nothing behind, and what breaks down is replaced."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Error, Page, Playwright

from tests.web.cycles import SETUP, cycle, renderer
from tests.web.lab import error, run
from tests.web.models import small_model
from tests.web.tab import until

CRASH = "setTimeout(() => { throw new Error('crashed on purpose'); })"


@pytest.mark.skipif(sys.platform != "linux", reason="a renderer's memory is read from /proc")
def test_released_sessions_leave_no_memory(playwright: Playwright, site: str) -> None:
    with renderer(playwright, site) as (page, profile):
        page.evaluate(SETUP, "models/efficientnet-lite0.onnx")
        before = cycle(page, profile, 5)
        after = cycle(page, profile, 25)
    # Each has 23 MiB of its own, and a copy of the file, 18 MiB, on its way. Collections take time.
    assert after - before < 300


def crash(page: Page, name: str) -> None:
    """Make the workers of this script throw an error that nobody catches."""
    workers = [worker for worker in page.workers if worker.url.endswith(f"/{name}")]
    assert workers
    for worker in workers:
        with suppress(Error):  # A worker's end is that of its group.
            worker.evaluate(CRASH)


@pytest.fixture
def fresh(page: Page, site: str) -> Page:
    """A page without our page's script, with workers of its own."""
    page.goto(site + "models/manifest.json")
    page.evaluate("history.replaceState(null, '', '/')")
    return page


CREATE = """
window.session = await InferenceSession.create(bytes(given[0]), { worker: true });
"""
RUN = """
const { y } = await window.session.run({ x: vector(0, 0, 0, 0, 0, 0) });
return y.data[0];
"""


def settled_error(page: Page) -> tuple[str, str]:
    """The error of a run, once the worker's end is known."""
    waiting = "while (true) await window.session.run({ x: vector(0, 0, 0, 0, 0, 0) });"
    return error(page, waiting)


def test_a_session_whose_worker_broke_down_says_so_and_others_go_on(fresh: Page) -> None:
    run(fresh, CREATE, small_model(3))
    assert run(fresh, RUN) == 3
    crash(fresh, "compute.worker.js")
    for _ in range(2):
        name, message = settled_error(fresh)
        assert name == "InternalError"
        assert "a worker of the model broke down, and the model with it" in message
        assert "crashed on purpose" in message
        assert message.endswith("create the session anew")
    run(fresh, "await window.session.release();")
    run(fresh, CREATE, small_model(4))
    assert run(fresh, RUN) == 4


def test_idle_workers_that_broke_down_are_replaced(fresh: Page) -> None:
    run(fresh, "const { prepare } = await import('./handles.js'); await prepare(2);")
    before = len(fresh.workers)
    crash(fresh, "compute.worker.js")
    until(
        fresh,
        "async () => (await import('/handles.js')).prepare(0).then((known) => known.length === 0)",
    )
    run(fresh, CREATE, small_model(5))
    assert run(fresh, RUN) == 5
    assert before >= 2


def test_a_compiler_that_broke_down_is_started_again(fresh: Page) -> None:
    run(fresh, CREATE, small_model(6))
    crash(fresh, "compiler.worker.js")
    assert run(fresh, RUN) == 6, "the model that was loaded needs no compiler"
    found: Any = None
    for _ in range(2):  # the first may still meet the old one
        found = run(fresh, f"return caught(async () => {{ {CREATE} }});", small_model(7))
        if found is None:
            break
        assert "broke down" in found[1]
    assert found is None
    assert run(fresh, RUN) == 7


def test_calls_under_way_fail_when_a_worker_breaks_down(fresh: Page) -> None:
    got = run(
        fresh,
        """
        const { Channel } = await import('./channel.js');
        const worker = { postMessage() {}, terminate() { worker.ended = true; } };
        const told = [];
        const channel = new Channel('test', () => worker, (error) => told.push(error.message));
        const pending = [1, 2].map(() => caught(() => channel.request({ type: 'leave' })));
        worker.onerror({ message: 'out of memory' });
        return [await Promise.all(pending), told, worker.ended,
                await caught(() => channel.request({ type: 'leave' }))];
        """,
    )
    expected = ["InternalError", "test broke down: out of memory", True]
    assert got == [[expected, expected], [expected[1]], True, expected]


def test_forgotten_sessions_are_released(fresh: Page) -> None:
    session = fresh.context.new_cdp_session(fresh)
    run(fresh, "await InferenceSession.create(bytes(given[0]));", small_model(1))
    described = """async () => {
        const { describe } = await import('/handles.js');
        try { describe(1); return false; } catch (error) { return error.name === 'ReleasedError'; }
    }"""
    for _ in range(20):  # finalizers run some time after a collection
        session.send("HeapProfiler.collectGarbage")
        if fresh.evaluate(described):
            return
        fresh.evaluate("new Promise((resolve) => setTimeout(resolve))")
    pytest.fail("the session that nobody refers to was not released")
