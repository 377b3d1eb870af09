"""Runs the one kernel call that an operator lowers to, on arrays, in shares as threads would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.kernels import emit
from wasmkiln.ir.dtype import BY_NAME
from wasmkiln.ir.types import TensorType
from wasmkiln.ops.base import Op
from wasmkiln.program.lowering import Lowering
from wasmkiln.program.program import Buffer, Call, F32Word, Ref, Slot

from tests.backends.wasm.harness import run_kernel

__all__ = ["lowered_call", "run_op"]

Array = np.ndarray[Any, Any]


def run_op(
    op: Op,
    inputs: Sequence[Array | None],
    target: Target,
    shares: int = 1,
    threads: int = 1,
    thread: int = 0,
) -> Array:
    """The output of an operator with one kernel call, its range cut into some shares."""
    call, memory, out = lowered_call(op, inputs, threads)
    args = [
        memory[a.buffer] if isinstance(a, Ref) else a.value if isinstance(a, F32Word) else a
        for a in call.args
    ]
    written = [i for i, a in enumerate(call.args) if isinstance(a, Ref) and a.writes]
    borders = [call.extent * s // shares for s in range(1, shares)]
    results = run_kernel(
        emit, call.kernel, target, args, call.extent, written, borders, pages=256, thread=thread
    )
    at = next(i for i in written if args[i] is out)
    result: Array = results[written.index(at)]
    return result


def lowered_call(
    op: Op, inputs: Sequence[Array | None], threads: int = 1
) -> tuple[Call, dict[Buffer, Array], Array]:
    """The call, the arrays behind its buffers, and the output's array."""
    lw = Lowering(threads)
    memory: dict[Buffer, Array] = {}

    def slot(array: Array) -> Slot:
        t = TensorType(BY_NAME[array.dtype.name], array.shape)
        made = lw.temporary(t)
        memory[made.buffer] = array
        return made

    slots = tuple(None if a is None else slot(a) for a in inputs)
    (out_type,) = op.infer(*(None if s is None else s.type for s in slots))
    out = np.zeros(out_type.shape, out_type.dtype.full)
    op.lower(lw, slots, (slot(out),))
    for buffer, const in lw.weights.items():
        assert isinstance(const.data, bytes)
        memory[buffer] = np.frombuffer(const.data, np.uint8).copy()
    for buffer in lw.buffers:
        memory.setdefault(buffer, np.zeros(buffer.nbytes, np.uint8))
    (call,) = lw.calls
    return call, memory, out
