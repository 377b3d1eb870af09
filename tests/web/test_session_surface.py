"""More of onnxruntime-web's names: options, fetches, profiles, external data, bundles by URL."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from playwright.sync_api import Page

from tests.web.lab import error, run
from tests.web.models import convolutional_model, encode, external_model, small_model

HARMLESS = """{
    executionProviders: ['webgpu', { name: 'wasm' }], graphOptimizationLevel: 'all',
    enableCpuMemArena: true, enableMemPattern: false, executionMode: 'sequential', logId: 'x',
    logSeverityLevel: 2, logVerbosityLevel: 0, interOpNumThreads: 1, intraOpNumThreads: 1,
    preferredOutputLocation: 'cpu', extra: { session: {} }, optimizedModelFilePath: undefined,
    enableGraphCapture: false, freeDimensionOverrides: { N: 3 }, profileFilePrefix: 'x',
}"""


def test_options_of_onnxruntime(lab: Page) -> None:
    got = run(
        lab,
        f"""
        const session = await InferenceSession.create(bytes(given[0]), {HARMLESS});
        const {{ threads }} = session.stats;
        const {{ shape }} = session.inputMetadata[0];
        await session.release();
        return [threads, shape];
        """,
        small_model(1, rows="N"),
    )
    assert got == [1, [3, 3]]


def test_settings_for_all_sessions(lab: Page) -> None:
    got = run(
        lab,
        """
        const { env } = await import('./env.js');
        Object.assign(env.wasm, { numThreads: 3, simd: 'fixed' });
        const session = await InferenceSession.create(bytes(given[0]));
        Object.assign(env.wasm, { numThreads: undefined, simd: true });
        const { threads, simd } = session.stats;
        await session.release();
        const misspell = () => { 'use strict'; env.wasm.numThread = 1; };
        const misspelt = await caught(misspell);
        return [threads, simd, misspelt[0], Object.isFrozen(env.versions)];
        """,
        convolutional_model(),
    )
    assert got == [3, "baseline", "TypeError", True]


def test_inputs_of_sizes_that_were_left_open_say_what_to_ask_for(lab: Page) -> None:
    name, message = error(
        lab,
        """
        const session = await InferenceSession.create(bytes(given[0]));
        try {
            await session.run({ x: new Tensor('float32', new Float32Array(12), [4, 3]) });
        } finally {
            await session.release();
        }
        """,
        small_model(1, rows="N"),
    )
    assert name == "InvalidInputError"
    assert "compiled for float32[1,3]" in message
    assert message.endswith("create a session with freeDimensionOverrides: { N: 4 }")


def two_outputs() -> bytes:
    """a = x + 1 and b = x * 2, for f32[2,3]."""
    one = numpy_helper.from_array(np.array([1], np.float32), "one")
    two = numpy_helper.from_array(np.array([2], np.float32), "two")
    nodes = [
        helper.make_node("Add", ["x", "one"], ["a"]),
        helper.make_node("Mul", ["x", "two"], ["b"]),
    ]
    x, a, b = (helper.make_tensor_value_info(n, TensorProto.FLOAT, (2, 3)) for n in "xab")
    return encode(helper.make_graph(nodes, "two", [x], [a, b], [one, two]))


def test_fetches(lab: Page) -> None:
    got = run(
        lab,
        """
        const session = await InferenceSession.create(bytes(given[0]));
        const feeds = { x: vector(1, 2, 3, 4, 5, 6) };
        const all = await session.run(feeds);
        const named = await session.run(feeds, ['b']);
        const target = vector(0, 0, 0, 0, 0, 0);
        const into = await session.run(feeds, { a: target, b: null }, { tag: 'x' });
        const options = await session.run(feeds, { logSeverityLevel: 3 });
        const wrong = [
            () => session.run(feeds, ['c']), () => session.run(feeds, 'a'),
            () => session.run(feeds, { a: new Tensor('float32', [1]) }),
            () => session.run(feeds, { speed: 'fast' }),
            () => session.run(feeds, ['a'], { terminate: true }),
            () => session.run(feeds, target),
        ];
        const errors = [];
        for (const call of wrong) errors.push(await caught(call));
        await session.release();
        return { names: [all, named, into, options].map(Object.keys), same: into.a === target,
                 values: Array.from(target.data), b: named.b.data[5], errors };
        """,
        two_outputs(),
    )
    assert got["names"] == [["a", "b"], ["b"], ["a", "b"], ["a", "b"]]
    assert got["same"] and got["values"] == [2, 3, 4, 5, 6, 7] and got["b"] == 12
    expected = [
        "no output 'c'; the model has 'a', 'b'",
        "fetches must be",
        "tensor given for it is",
    ]
    expected += ["no option 'speed'", "can't be stopped", "fetches must be"]
    for (name, message, _), part in zip(got["errors"], expected, strict=True):
        assert name == "InvalidInputError"
        assert part in message


def test_tensors_of_onnxruntime_will_do(lab: Page) -> None:
    got = run(
        lab,
        """
        const session = await InferenceSession.create(bytes(given[0]));
        const data = new Float32Array(6);
        const foreign = { type: 'float32', data, dims: [2, 3], location: 'cpu' };
        const { y } = await session.run({ x: foreign });
        const text = await caught(() => session.run({ x: new Tensor(['a'], [1]) }));
        await session.release();
        return [y.data[0], text];
        """,
        small_model(4),
    )
    assert got[0] == 4
    assert "a tensor of string, which models can't be given here" in got[1][1]


def test_half_precision_in_and_out(lab: Page) -> None:
    types = [helper.make_tensor_value_info(name, TensorProto.FLOAT16, (2,)) for name in "xy"]
    node = helper.make_node("Neg", ["x"], ["y"])
    model = encode(helper.make_graph([node], "n", types[:1], types[1:]))
    got = run(
        lab,
        """
        const session = await InferenceSession.create(bytes(given[0]));
        const { y } = await session.run({ x: new Tensor('float16', new Float16Array([1, 2])) });
        await session.release();
        return [y.type, Array.from(new Float16Array(y.data.buffer))];
        """,
        model,
    )
    assert got == ["float16", [-1, -2]]


@pytest.mark.parametrize("threads", [1, 2])
def test_profiles(lab: Page, threads: int) -> None:
    got = run(
        lab,
        """
        const options = { threads: given[1], enableProfiling: true };
        const session = await InferenceSession.create(bytes(given[0]), options);
        const x = new Tensor('float32', new Float32Array(3 * 33 * 29).fill(0.5), [1, 3, 33, 29]);
        const profiled = [];
        for (let i = 0; i < 3; i++) profiled.push((await session.run({ x })).y.data);
        const rows = session.endProfiling();
        const usual = (await session.run({ x })).y.data;
        const none = session.endProfiling();
        session.startProfiling();
        await session.run({ x });
        const again = session.endProfiling();
        await session.release();
        const late = await caught(() => session.startProfiling());
        const same = profiled.every((y) => y.every((v, i) => v === usual[i]));
        return { rows, none, again: again.length, runs: again[0].runs, same, late: late[0] };
        """,
        convolutional_model(),
        threads,
    )
    assert got["same"]
    assert (got["none"], got["runs"], got["late"]) == ([], 1, "ReleasedError")
    rows = got["rows"]
    assert got["again"] == len(rows) > 2
    assert all(row["ms"] >= 0 and row["runs"] == 3 and row["kernel"] for row in rows)
    assert sum(row["macs"] for row in rows) > 0
    assert any("Conv" in row["node"] or "conv" in row["kernel"] for row in rows)


def test_external_data(lab: Page) -> None:
    got = run(
        lab,
        """
        const [model, w, b] = given.map(bytes);
        const externalData = [{ path: 'unused.bin', data: new Uint8Array(1) },
                              { path: './sub/b.bin', data: new Blob([b]) },
                              { path: 'w.bin', data: w.buffer }];
        const session = await InferenceSession.create(model, { externalData });
        const { y } = await session.run({ x: vector(1, 0, 0, 0, 1, 1) });
        await session.release();
        return [Array.from(y.data), w.length];
        """,
        *external_model(),
    )
    assert got == [[10, 21, 16, 28], 24]


def test_external_data_that_is_missing_or_short(lab: Page) -> None:
    model, _, b = external_model()
    create = "await InferenceSession.create(bytes(given[0]), { externalData: %s });"
    name, message = error(lab, "await InferenceSession.create(bytes(given[0]));", model)
    assert name == "ExternalDataError"
    assert message == "tensor 'w': the model needs the file 'w.bin', which was not given"
    given = "[{ path: 'b.bin', data: bytes(given[1]) }]"
    name, message = error(lab, create % given, model, b)
    assert (name, message) == (
        "ExternalDataError",
        "tensor 'w': the model needs the file 'w.bin'; given: 'b.bin'",
    )
    given = "['w.bin', 'sub/b.bin'].map((path) => ({ path, data: new Uint8Array(8) }))"
    name, message = error(lab, create % given, model)
    assert name in ("ExternalDataError", "InvalidModelError")
    assert "w.bin" in message
    name, message = error(lab, create % "['samples/none.bin']", model)
    assert (name, message) == (
        "DownloadError",
        "none.bin could not be fetched: the server answered 404",
    )


def test_a_part_of_a_buffer(lab: Page) -> None:
    got = run(
        lab,
        """
        const model = bytes(given[0]);
        const padded = new Uint8Array(model.length + 20);
        padded.set(model, 10);
        const create = (...rest) => InferenceSession.create(padded.buffer, ...rest);
        const { length } = model;
        const sessions = [await create(10, length), await create(10, length, { threads: 1 })];
        const shared = new SharedArrayBuffer(model.length);
        new Uint8Array(shared).set(model);
        sessions.push(await InferenceSession.create(shared));
        for (const session of sessions) await session.release();
        return [sessions.length, (await caught(() => create(10, 1e6)))[1]];
        """,
        small_model(1),
    )
    assert got[0] == 3
    assert "do not lie in a buffer of" in got[1]
