"""Wrong feeds, tensors and options of the JavaScript surface: each is told, and nothing breaks."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.web.lab import error
from tests.web.models import small_model

WRONG_FEEDS = {
    "unknown": (
        "{ x: vector(0,0,0,0,0,0), z: vector(0,0,0,0,0,0) }",
        "no input 'z'; the model has 'x'",
    ),
    "missing": ("{}", "input 'x' is missing: float32[2,3] is expected"),
    "shape": (
        "{ x: new Tensor('float32', new Float32Array(6), [3, 2]) }",
        "input 'x' is float32[3,2], but the model was compiled for float32[2,3]",
    ),
    "rank": ("{ x: new Tensor('float32', new Float32Array(6), [6]) }", "compiled for float32[2,3]"),
    "type": (
        "{ x: new Tensor('int32', new Int32Array(6), [2, 3]) }",
        "input 'x' is int32[2,3], but the model takes float32",
    ),
    "array": ("{ x: new Float32Array(6) }", "input 'x' is not a Tensor"),
    "none": ("null", "feeds must be an object"),
}


@pytest.mark.parametrize("case", WRONG_FEEDS)
def test_wrong_feeds_are_refused(lab: Page, case: str) -> None:
    feeds, expected = WRONG_FEEDS[case]
    name, message = error(
        lab,
        f"""
        const session = await InferenceSession.create(bytes(given[0]));
        try {{ await session.run({feeds}); }} finally {{
            const {{ y }} = await session.run({{ x: vector(0, 0, 0, 0, 0, 0) }});
            if (y.data[0] !== 1) throw new Error('the session is broken');
            session.release();
        }}
        """,
        small_model(1),
    )
    assert name == "InvalidInputError"
    assert expected in message


WRONG_TENSORS = {
    "new Tensor('float31', new Float32Array(1), [1])": "type 'float31' is not one of float32",
    "new Tensor('float32', new Float64Array(1), [1])": "float32 data must be Float32Array",
    "new Tensor('int64', [1.5], [1])": "element 0 of int64 data is 1.5",
    "new Tensor('float32', ['1'], [1])": "element 0 of float32 data is string",
    "new Tensor('bool', [true, 1])": "element 1 of bool data is 1",
    "new Tensor('float16', [1])": "float16 data must be Float16Array, or bits in Uint16Array",
    "new Tensor('string', [1])": "string data must be an array of strings",
    "new Tensor([1, 2])": "give the type of an array of numbers",
    "new Tensor([])": "give the type of an empty array",
    "new Tensor(new Map())": "typed array or an array of booleans or strings, not Map",
    "new Tensor('float32', new Float32Array(5), [2, 3])": "make 6 elements but the data has 5",
    "new Tensor('float32', new Float32Array(1), [-1, -1])": "dims must be an array of whole",
    "new Tensor('float32', new Float32Array(1), 1)": "dims must be an array of whole numbers",
}


@pytest.mark.parametrize("expression", WRONG_TENSORS)
def test_wrong_tensors_are_refused(lab: Page, expression: str) -> None:
    name, message = error(lab, expression)
    assert name == "InvalidInputError"
    assert WRONG_TENSORS[expression] in message


WRONG_OPTIONS = {
    "{ executionProvider: 'wasm' }": "there is no option 'executionProvider'; known are threads",
    "{ executionProviders: ['webgpu'] }": "none that is here: webgpu; name 'wasm'",
    "{ executionProviders: [] }": "none that is here: it is empty",
    "{ optimizedModelFilePath: 'x' }": "optimizedModelFilePath is not supported",
    "{ enableGraphCapture: true }": "enableGraphCapture is not supported: it is for GPUs",
    "{ preferredOutputLocation: 'gpu-buffer' }": "outputs are on the CPU",
    "{ preferredOutputLocation: { y: 'gpu-buffer' } }": "outputs are on the CPU",
    "{ intraOpNumThreads: 1.5 }": "threads must be a whole number from 1",
    "{ freeDimensionOverrides: { N: 1.5 } }": "take whole numbers, not 1.5",
    "{ externalData: 'weights.bin' }": "externalData must be an array",
    "{ externalData: [{ data: 'x' }] }": "externalData must be an array",
    "'fast'": "options must be an object",
    "{ threads: 0 }": "threads must be a whole number from 1",
    "{ threads: 1.5 }": "threads must be a whole number from 1",
    "{ simd: 'avx' }": "simd must be 'relaxed' or 'baseline', not 'avx'",
    "{ dims: { N: -1 } }": "take whole numbers, not -1",
}


@pytest.mark.parametrize("options", WRONG_OPTIONS)
def test_wrong_options_are_refused(lab: Page, options: str) -> None:
    name, message = error(
        lab, f"await InferenceSession.create(bytes(given[0]), {options});", small_model(1)
    )
    assert name == "InvalidInputError"
    assert WRONG_OPTIONS[options] in message
