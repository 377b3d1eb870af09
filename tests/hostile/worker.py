"""A process that loads, compiles and runs the models that come in.

Each request is a length of 8 bytes and a model; each answer is a line of JSON. The parent ends the
process when it takes too long or too much.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
import warnings
from typing import Any

import numpy as np
from wasmkiln import CompileOptions, InferenceSession, WasmkilnError
from wasmkiln.errors import InternalError
from wasmkiln.ir.types import MAX_RANK
from wasmkiln.session import NodeArg

__all__ = ["attempt", "main"]

MAX_MEMORY = 512 << 20  # the budget that the models are given
MAX_MACS = 10**10  # a run of more would take longer than the time limit, and rightly so
MAX_INPUT = 64 << 20
SIZES = (1, 3)  # of symbolic dimensions, one run after the other
DTYPES = {"float": "float32", "double": "float64", "string": "O"}


def attempt(data: bytes) -> dict[str, str]:
    """What came of a model: "ok", or the error; `ours` says whether it is one that may come."""
    try:
        with InferenceSession(data, CompileOptions(max_memory=MAX_MEMORY)) as session:
            for size in SIZES:
                if _macs(session) > MAX_MACS:
                    return {"result": "ok", "message": "compiled only", "ours": "yes"}
                session.run(None, {arg.name: _input(arg, size) for arg in session.get_inputs()})
    except WasmkilnError as error:
        known = "no" if isinstance(error, InternalError) else "yes"
        return {"result": type(error).__name__, "message": str(error)[:400], "ours": known}
    except BaseException as error:
        trace = "".join(traceback.format_exception(error)[-6:])
        return {"result": type(error).__name__, "message": trace[-1500:], "ours": "no"}
    return {"result": "ok", "message": "", "ours": "yes"}


def _macs(session: InferenceSession) -> int:
    """Multiply-accumulates of a run, for sizes of 1 where the model leaves them open."""
    try:
        return session.artifact().macs
    except WasmkilnError:  # of what runs in parts, or depends on data
        return 0


class _NoInputError(WasmkilnError):
    """The harness itself doesn't give such inputs."""


def _input(arg: NodeArg, size: int) -> Any:
    shape = [d if isinstance(d, int) else size for d in arg.shape]
    kind = arg.type.removeprefix("tensor(").removesuffix(")")
    try:
        dtype = np.dtype(DTYPES.get(kind, kind))
    except TypeError:
        raise _NoInputError(f"an input of {kind}, which NumPy doesn't know") from None
    count = 1
    for d in shape:
        count *= max(d, 1)
    if count * dtype.itemsize > MAX_INPUT or len(shape) > MAX_RANK:
        raise _NoInputError(f"an input of shape {shape}")
    count = count if 0 not in shape else 0
    ramp = np.arange(count) % 3
    return (ramp.astype(str) if kind == "string" else ramp).astype(dtype).reshape(shape)


def _peak() -> int:
    """The largest resident size since `_reset_peak`, in bytes; 0 where the system doesn't say."""
    try:
        with open("/proc/self/status") as status:
            return next((int(s.split()[1]) << 10 for s in status if s.startswith("VmHWM")), 0)
    except OSError:
        return 0


def _reset_peak() -> None:
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


def main() -> None:
    """Answer until the input ends."""
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    source, answers = sys.stdin.buffer, os.dup(1)
    os.dup2(2, 1)  # nothing else may write there
    while header := source.read(8):
        data = source.read(int.from_bytes(header, "little"))
        _reset_peak()
        before = _peak()
        answer: dict[str, object] = {**attempt(data)}
        answer["growth"] = max(0, _peak() - before)
        os.write(answers, json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    main()
