"""Workers that meet the unexpected: unknown messages, traps, artifacts of another version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from wasmkiln.artifact import VERSION

# A module that imports a shared memory and exports run(…) as ours do, of six numbers.
MODULE = """
const moduleWith = (body) => {
    const section = (id, bytes) => [id, bytes.length, ...bytes];
    const text = (name) => [name.length, ...new TextEncoder().encode(name)];
    return new Uint8Array([
        0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
        ...section(1, [1, 0x60, 6, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0]),
        ...section(2, [1, ...text('env'), ...text('memory'), 2, 3, 1, 1]),
        ...section(3, [1, 0]),
        ...section(7, [1, ...text('run'), 0, 0]),
        ...section(10, [1, body.length + 2, 0, ...body, 0x0b]),
    ]);
};
const artifactWith = (body, version) => ({
    code: moduleWith(body), data: new Uint8Array(24),
    meta: { version, pages: 1, shared: true, simd: 'relaxed', threads: 2,
            segments: [[1024, 24]], copies: [],
            init: { table: 0, steps: 0 }, main: { table: 1024, steps: 1 }, inputs: [], outputs: [],
            weightBytes: 0, arenaBytes: 0, macs: 0 },
});
const { ComputeGroup } = await import('./compute.js');
const { Channel } = await import('./channel.js');
const caught = (promise) => promise.then(() => null, (error) => [error.name, error.message]);
"""
NOTHING: list[int] = []
TRAP = [0x00]
# if (thread) unreachable; else drop(memory.atomic.wait32(0, 0, -1)), as if for the other's share
TRAP_ON_THREAD_1 = [0x20, 3, 0x04, 0x40, 0x00, 0x05]
TRAP_ON_THREAD_1 += [0x41, 0, 0x41, 0, 0x42, 0x7F, 0xFE, 0x01, 2, 0, 0x1A, 0x0B]


@pytest.fixture(scope="module")
def lab(browser: Browser, site: str) -> Iterator[Page]:
    """A page of the site without our page's script."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(site + "models/manifest.json")
    page.evaluate("history.replaceState(null, '', '/')")
    yield page
    context.close()


def load(lab: Page, body: list[int], version: int = VERSION) -> Any:
    """Load and run an artifact on two threads; null, or the error."""
    return lab.evaluate(
        f"""async ([body, version]) => {{ {MODULE}
            const group = new ComputeGroup(2);
            const use = async () => {{
                await group.load(artifactWith(body, version), [new ArrayBuffer(0)]);
                await group.run({{}});
            }};
            const error = await caught(use());
            group.end();
            return error;
        }}""",
        [body, version],
    )


def test_an_artifact_by_hand_runs(lab: Page) -> None:
    assert load(lab, NOTHING) is None


def test_a_trap_on_the_leading_thread_is_an_error(lab: Page) -> None:
    name, message = load(lab, TRAP)
    assert name == "InternalError"
    assert "unreachable" in message


def test_a_trap_on_another_thread_ends_the_group_instead_of_hanging(lab: Page) -> None:
    name, message = load(lab, TRAP_ON_THREAD_1)
    assert name == "InternalError"
    assert "broke down" in message
    assert "unreachable" in message


def test_an_artifact_of_another_version_is_refused(lab: Page) -> None:
    assert load(lab, NOTHING, VERSION + 1) == [
        "InternalError",
        f"artifact version {VERSION + 1}, but this runtime reads {VERSION}",
    ]


def test_a_group_leads_one_model_after_another(lab: Page) -> None:
    left = lab.evaluate(
        f"""async ([body, version]) => {{ {MODULE}
            const group = new ComputeGroup(2);
            const left = [];
            for (let i = 0; i < 5; i++) {{
                await group.load(artifactWith(body, version), [new ArrayBuffer(0)]);
                await group.run({{}});
                left.push(await group.leave());
            }}
            group.end();
            return left;
        }}""",
        [NOTHING, VERSION],
    )
    assert left == [True] * 5


@pytest.mark.parametrize("file", ["compiler", "compute", "image"])
def test_an_unknown_message_is_an_error(lab: Page, file: str) -> None:
    error = lab.evaluate(
        f"""async (file) => {{ {MODULE}
            const name = `${{file}}.worker.js`;
            const channel = new Channel(name, () => new Worker(`/${{name}}`, {{ type: 'module' }}));
            const error = await caught(channel.request({{ type: 'nonsense' }}));
            channel.terminate(new Error('done'));
            return error;
        }}""",
        file,
    )
    assert error == ["InternalError", "TypeError: unknown message type 'nonsense'"]


def test_a_worker_that_cannot_be_loaded_fails_its_requests(lab: Page) -> None:
    error = lab.evaluate(
        f"""async () => {{ {MODULE}
            const failures = [];
            const onFailure = (error) => failures.push(error.name);
            const start = () => new Worker('/missing.worker.js', {{ type: 'module' }});
            const channel = new Channel('missing.worker.js', start, onFailure);
            const first = await caught(channel.request({{ type: 'muster', ports: [] }}));
            const second = await caught(channel.request({{ type: 'muster', ports: [] }}));
            return [first, second, failures];
        }}"""
    )
    told = ["InternalError", "missing.worker.js broke down: it could not be loaded"]
    assert error == [told, told, ["InternalError"]]
