"""A task is a model with fixed inputs: their values are bytes that every runtime reads alike."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import onnx
from wasmkiln.compiler import compile_graph, macs
from wasmkiln.errors import WasmkilnError
from wasmkiln.ir.graph import Graph
from wasmkiln.onnx.load import load
from wasmkiln.options import CompileOptions

__all__ = ["Input", "Task", "count_macs", "options", "read_inputs", "values"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Input:
    """One input: its name, ONNX's name for its element type, its shape; `limit` bounds integers."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    limit: int = 2


@dataclass(frozen=True, slots=True)
class Task:
    """A model to measure.

    source: where it comes from, in words for the report. macs: multiply-accumulates of a run, 0
    where they are still to be counted. url: relative to the benchmark's page, once published.
    """

    name: str
    path: Path
    inputs: tuple[Input, ...]
    source: str = "file"
    macs: int = 0
    url: str = ""

    def feeds(self) -> dict[str, Array]:
        """The values of all inputs."""
        return {i.name: values(i) for i in self.inputs}


def values(i: Input) -> Array:
    """Seeded values: floats uniform on [-1, 1), integers below `limit`, masks all ones."""
    rng = np.random.default_rng(crc32(i.name.encode()))
    dtype = np.dtype(i.dtype)
    if "mask" in i.name:
        return np.ones(i.shape, dtype)
    if dtype.kind == "f":
        return (rng.random(i.shape, np.float32) * 2 - 1).astype(dtype)
    return rng.integers(0, i.limit, i.shape).astype(dtype)


def read_inputs(path: Path, dims: Mapping[str, int] | None = None) -> tuple[Input, ...]:
    """The inputs that a model wants, with 1 for each symbolic dimension not among `dims`."""
    model = onnx.load(path, load_external_data=False)
    known = {i.name for i in model.graph.initializer}
    return tuple(_input(i, dims or {}) for i in model.graph.input if i.name not in known)


def _input(info: onnx.ValueInfoProto, dims: Mapping[str, int]) -> Input:
    tensor = info.type.tensor_type
    dtype = str(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type))
    shape = tuple(d.dim_value or dims.get(d.dim_param, 1) for d in tensor.shape.dim)
    limit = 256 if dtype == "uint8" else 96 if info.name in ("input_ids", "tokens") else 2
    return Input(info.name, dtype, shape, limit)


def options(task: Task, threads: int = 1, simd: str = "relaxed") -> CompileOptions:
    """How to compile a task for the shapes that it has."""
    shapes = {i.name: i.shape for i in task.inputs}
    return CompileOptions("baseline" if simd == "baseline" else "relaxed", threads, shapes=shapes)


def count_macs(task: Task) -> int:
    """Multiply-accumulates of the model as written, however it may be computed; 0 if unknown.

    The task's own number goes before.

    The most that any early stage of the compiler counts: before operators are expanded some
    products are hidden, and from the layout on there may be padding, or cheaper forms.
    """
    most = task.macs
    if most:
        return most

    early = True

    def observe(name: str, g: Graph) -> None:
        nonlocal most, early
        early = early and name != "layout"
        if early and all(o in g.types for n in g.nodes for o in n.outputs if o):
            most = max(most, macs(g))

    with suppress(WasmkilnError):
        compile_graph(load(str(task.path)), options(task), observe)
    return most
