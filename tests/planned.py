"""Models with symbolic sizes, and plans of them compared with onnxruntime."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import onnxruntime
from onnx import helper
from wasmkiln import CompileOptions
from wasmkiln.host import default_host
from wasmkiln.ir.const import Buffer, Const
from wasmkiln.ir.dtype import F32, I64
from wasmkiln.onnx.load import load
from wasmkiln.plans import Plans

from tests.models.transformer import Encoder, encoder
from tests.small import model

Array = np.ndarray[Any, Any]


@cache
def symbolic_encoder() -> bytes:
    """An encoder with symbolic batch and sequence."""
    return bytes(encoder(Encoder(symbolic=True)).SerializeToString())


def const(values: Array) -> Const:
    """The array as plans take it."""
    dtype = {"float32": F32, "int64": I64}[values.dtype.name]
    return Const(dtype, values.shape, np.ascontiguousarray(values).tobytes())


@contextmanager
def made(data: bytes, options: CompileOptions | None = None) -> Iterator[Plans]:
    """Plans of a model, released in the end."""
    found = Plans(load(data), options or CompileOptions(), default_host())
    try:
        found.prepare()
        yield found
    finally:
        found.release()


def run(found: Plans, feeds: dict[str, Array]) -> dict[str, Array]:
    """The f32 outputs for arrays."""
    results = found.run({name: const(a) for name, a in feeds.items()})
    return {name: array(c) for name, c in results.items()}


def array(value: Const) -> Array:
    """What an f32 constant holds."""
    assert isinstance(value.data, Buffer)
    return np.frombuffer(value.data, np.float32).reshape(value.shape)


def check(found: Plans, data: bytes, feeds: dict[str, Array]) -> None:
    """Compare all outputs with those of onnxruntime."""
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    results = run(found, feeds).items()
    for wanted, (name, given) in zip(session.run(None, feeds), results, strict=True):
        np.testing.assert_allclose(given, wanted, rtol=1e-4, atol=1e-5, err_msg=name)


def sentences(batch: int, sequence: int) -> dict[str, Array]:
    """Ids and mask for the encoder."""
    rng = np.random.default_rng(batch * 1000 + sequence)
    mask = np.arange(sequence)[None] < rng.integers(1, sequence + 1, (batch, 1))
    return {"ids": rng.integers(0, 50, (batch, sequence)), "mask": mask.astype(np.int64)}


def images(*shape: int) -> dict[str, Array]:
    """Reproducible values around 0, as input x."""
    return {"x": np.random.default_rng(shape).normal(0, 1, shape).astype(np.float32)}


def growing(weights: int = 64) -> bytes:
    """A model with a constant as large as its input: iota, through a shape that init needs."""
    nodes = [
        helper.make_node("Shape", ["x"], ["n"]),
        helper.make_node("Expand", ["w", "n"], ["wide"]),
        helper.make_node("Exp", ["wide"], ["e"]),
        helper.make_node("Add", ["x", "e"], ["y"]),
    ]
    w = np.linspace(0, 1, weights, dtype=np.float32)
    return model(nodes, {"x": ["n", weights]}, {"y": ["n", weights]}, {"w": w})
