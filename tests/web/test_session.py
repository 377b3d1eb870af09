"""The JavaScript surface: InferenceSession, Tensor, the handles below, and errors by name."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from playwright.sync_api import Page
from wasmkiln import errors

from tests.web.lab import error, run
from tests.web.models import convolutional_model, small_model
from tests.web.tab import Tab


def test_create_run_release(lab: Page) -> None:
    got = run(
        lab,
        """
        const events = [];
        const progress = (event) => events.push(event.status);
        const session = await InferenceSession.create(bytes(given[0]), { progress });
        const { y } = await session.run({ x: vector(-2, -1, 0, 1, 2, 3) });
        const { threads, simd, runMs, compileMs, memoryBytes } = session.stats;
        const { inputNames, outputNames, inputMetadata, report } = session;
        const facts = [inputNames, outputNames, inputMetadata, report];
        session.release();
        return { y: [y.type, y.dims, Array.from(y.data)], facts, events,
                 sane: threads >= 1 && simd === 'relaxed' && runMs >= 0 && compileMs > 0
                       && memoryBytes % 65536 === 0 };
        """,
        small_model(0.5),
    )
    assert got["y"] == ["float32", [2, 3], [0, 0, 0.5, 1.5, 2.5, 3.5]]
    inputs, outputs, metadata, report = got["facts"]
    assert (inputs, outputs) == (["x"], ["y"])
    shapes = {"shape": [2, 3], "compiled": [2, 3]}
    assert metadata == [{"name": "x", "isTensor": True, "type": "float32", **shapes}]
    assert [row["op"] for row in report] == ["Add", "Relu"]
    assert got["events"][-2:] == ["warmup", "ready"]
    assert set(got["events"][:-2]) == {"compile"}
    assert got["sane"]


@pytest.mark.parametrize("source", ["bytes.buffer", "bytes", "blob", "url"])
def test_a_model_may_be_bytes_a_blob_or_a_url(lab: Page, source: str) -> None:
    got = run(
        lab,
        """
        const model = bytes(given[0]);
        const sources = { 'bytes.buffer': model.buffer, bytes: model, blob: new Blob([model]),
                          url: 'models/efficientnet-lite0.onnx' };
        const session = await InferenceSession.create(sources[given[1]]);
        session.release();
        return [session.inputNames, model.length];
        """,
        small_model(1),
        source,
    )
    names, length = got
    assert names == (["image"] if source == "url" else ["x"])
    assert length == len(small_model(1)), "the caller's bytes were taken away"


@pytest.mark.parametrize("simd", ["relaxed", "baseline"])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_every_variant_agrees_with_onnxruntime(lab: Page, threads: int, simd: str) -> None:
    model = convolutional_model()
    image = np.random.default_rng(3).uniform(-1, 1, (1, 3, 33, 29)).astype(np.float32)
    got = run(
        lab,
        """
        const [threads, simd] = given.slice(2);
        const session = await InferenceSession.create(bytes(given[0]), { threads, simd });
        const x = new Tensor('float32', new Float32Array(bytes(given[1]).buffer), [1, 3, 33, 29]);
        const results = [];
        for (let i = 0; i < 20; i++) results.push(Array.from((await session.run({ x })).y.data));
        session.release();
        return [results[0], results.every((r) => r.every((v, i) => v === results[0][i]))];
        """,
        model,
        image.tobytes(),
        threads,
        simd,
    )
    values, stable = got
    (expected,) = onnxruntime.InferenceSession(model).run(None, {"x": image})
    np.testing.assert_allclose(np.array(values, np.float32), expected.ravel(), 1e-3, 1e-4)
    assert stable, "twenty runs of one input gave different results"


def test_runs_queue_and_copy_their_inputs(lab: Page) -> None:
    got = run(
        lab,
        """
        const session = await InferenceSession.create(bytes(given[0]));
        const shared = new Float32Array(6);
        const runs = Array.from({ length: 50 }, (_, i) => {
            shared.fill(i);
            return session.run({ x: new Tensor('float32', shared, [2, 3]) });
        });
        const firsts = (await Promise.all(runs)).map(({ y }) => y.data[0]);
        session.release();
        return firsts;
        """,
        small_model(0),
    )
    assert got == list(range(50))


def test_outputs_own_their_memory(lab: Page) -> None:
    got = run(
        lab,
        """
        const session = await InferenceSession.create(bytes(given[0]));
        const first = await session.run({ x: vector(1, 1, 1, 1, 1, 1) });
        const second = await session.run({ x: vector(2, 2, 2, 2, 2, 2) });
        session.release();
        return [first.y.data[0], second.y.data[0], first.y.data.buffer.byteLength];
        """,
        small_model(0),
    )
    assert got == [1, 2, 24]


def test_sessions_live_side_by_side(lab: Page) -> None:
    got = run(
        lab,
        """
        const create = (data) => InferenceSession.create(bytes(data));
        const sessions = await Promise.all(given.map(create));
        const x = vector(0, 0, 0, 0, 0, 0);
        const runAll = (some) => Promise.all(some.map((session) => session.run({ x })));
        const all = await runAll([...sessions, ...sessions]);
        sessions[1].release();
        const after = await runAll([sessions[0], sessions[2]]);
        sessions[0].release();
        sessions[2].release();
        return [...all, ...after].map(({ y }) => y.data[0]);
        """,
        *(small_model(bias) for bias in (1, 2, 3)),
    )
    assert got == [1, 2, 3, 1, 2, 3, 1, 3]


def test_release(lab: Page) -> None:
    name, message = error(
        lab,
        """
        const session = await InferenceSession.create(bytes(given[0]));
        session.release();
        await session.run({ x: vector(0, 0, 0, 0, 0, 0) });
        """,
        small_model(1),
    )
    assert (name, message) == ("ReleasedError", "run: the session was released")


def test_a_second_release_is_an_error_but_leaving_a_using_block_is_not(lab: Page) -> None:
    name, message = error(
        lab,
        """
        const session = await InferenceSession.create(bytes(given[0]));
        await session.release();
        if (Symbol.dispose) session[Symbol.dispose]();
        await session[Symbol.asyncDispose]();
        await session.release();
        """,
        small_model(1),
    )
    assert (name, message) == ("ReleasedError", "release: the session was released before")


def test_release_ends_runs_under_way(lab: Page) -> None:
    name, message = error(
        lab,
        """
        const session = await InferenceSession.create(bytes(given[0]));
        const run = session.run({ x: vector(0, 0, 0, 0, 0, 0) });
        session.release();
        await run;
        """,
        small_model(1),
    )
    assert (name, message) == ("ReleasedError", "the session was released")


def test_a_session_is_disposable(lab: Page) -> None:
    assert (
        run(
            lab,
            """
        const session = await InferenceSession.create(bytes(given[0]));
        session[Symbol.dispose]();
        return (await caught(() => session.run({ x: vector(0, 0, 0, 0, 0, 0) })))[0];
        """,
            small_model(1),
        )
        == "ReleasedError"
    )


def test_handles_are_numbers(lab: Page) -> None:
    got = run(
        lab,
        """
        const { load, predict, describe, release } = await import('./handles.js');
        const handle = await load(bytes(given[0]).buffer);
        const x = { type: 'float32', data: new Float32Array(6), dims: [2, 3] };
        const { outputs } = await predict(handle, { x });
        const inputs = describe(handle).inputs.map((input) => input.name);
        release(handle);
        const twice = await caught(() => release(handle));
        const never = await caught(() => predict(9e9, {}));
        return [typeof handle, outputs.y.data[0], inputs, twice[0], never[0]];
        """,
        small_model(4),
    )
    assert got == ["number", 4, ["x"], "ReleasedError", "ReleasedError"]


# Errors that only callers of the Python surface meet.
OF_PYTHON = (
    "EngineError", "MissingDependencyError", "MisuseError", "TerminatedError",
    "UnsupportedOptionError",
)  # fmt: skip


def test_errors_have_the_classes_of_python(lab: Page) -> None:
    expected = {
        name: [parent.__name__ for parent in getattr(errors, name).__mro__[1:-1]]
        for name in errors.__all__
        if name.endswith("Error") and name not in OF_PYTHON
    }
    ours = {
        name: [p for p in mro if p in (*expected, "Exception")] for name, mro in expected.items()
    }
    parents = run(
        lab,
        """
        const { fromWire } = await import('./errors.js');
        return Object.fromEntries(given.map((name) => {
            const mro = [];
            let type = Object.getPrototypeOf(fromWire({ name, message: '' }).constructor);
            for (; type.name; type = Object.getPrototypeOf(type)) mro.push(type.name);
            return [fromWire({ name, message: '' }).name, mro];
        }));
        """,
        *expected,
    )
    assert parents == {
        name: [p.replace("Exception", "Error") for p in mro] for name, mro in ours.items()
    }


def test_threads_need_isolation(page: Page, plain_site: str) -> None:
    page.goto(plain_site + "models/manifest.json")
    page.evaluate("history.replaceState(null, '', '/')")
    name, message = error(
        page, "await InferenceSession.create(bytes(given[0]), { threads: 2 });", small_model(1)
    )
    assert name == "InvalidInputError"
    assert "not cross-origin isolated" in message


def test_symbolic_dims_take_the_sizes_given(lab: Page) -> None:
    got = run(
        lab,
        """
        const shapes = [];
        for (const dims of [{}, { N: 4 }]) {
            const session = await InferenceSession.create(bytes(given[0]), { dims });
            const [input, output] = [session.inputMetadata[0], session.outputMetadata[0]];
            shapes.push(input.shape, input.compiled, output.compiled);
            session.release();
        }
        return shapes;
        """,
        small_model(1, rows="N"),
    )
    assert got == [["N", 3], [1, 3], [1, 3], [4, 3], [4, 3], [4, 3]]


@pytest.mark.parametrize("model", [b"", b"garbage" * 99, small_model(1)[:-9]])
def test_bad_models_are_refused(lab: Page, model: bytes) -> None:
    name, message = error(lab, "await InferenceSession.create(bytes(given[0]));", model)
    assert name == "InvalidModelError"
    assert message


def test_a_missing_url_is_told(lab: Page) -> None:
    name, message = error(lab, "await InferenceSession.create('models/none.onnx');")
    assert name == "DownloadError"
    assert message == "none.onnx could not be fetched: the server answered 404"


def test_creation_can_be_given_up(lab: Page) -> None:
    got = run(
        lab,
        """
        const names = [];
        const url = 'models/efficientnet-lite0.onnx';
        for (const when of ['before', 'Compiling', 'download']) {
            const controller = new AbortController();
            const progress = ({ status, step }) => {
                if (when === status || when === step) controller.abort();
            };
            if (when === 'before') controller.abort();
            const model = when === 'download' ? url : bytes(given[0]);
            const options = { signal: controller.signal, progress };
            names.push((await caught(() => InferenceSession.create(model, options)))[0]);
        }
        const session = await InferenceSession.create(bytes(given[0]));
        const { y } = await session.run({ x: vector(0, 0, 0, 0, 0, 0) });
        session.release();
        return [names, y.data[0]];
        """,
        small_model(7),
    )
    assert got == [["AbortError"] * 3, 7]


def test_the_page_offers_the_surface(page: Page, site: str) -> None:
    Tab.open(page, site)
    assert page.evaluate("Object.keys(window.wasmkiln)") == ["InferenceSession", "Tensor"]
