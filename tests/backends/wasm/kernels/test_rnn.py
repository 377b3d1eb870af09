"""Recurrences by themselves: odd sizes, directions, lengths and shares against NumPy in f64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.kernels.rnn import emit_rnn
from wasmkiln.ir.expr import arg, call
from wasmkiln.ops import cells
from wasmkiln.program.kernels.rnn import STATE_VECTORS, RnnSpec

from tests.backends.wasm.harness import TARGETS, run_kernel
from tests.backends.wasm.kernels.matrices import panels_of

DIRECTIONS, BATCH = 2, 3


def tanh(x: Any) -> Any:
    return call("tanh", x)


def layout(x: Any, gates: int, columns: int) -> Any:
    """[.., gates * H] in panels, NaN beyond H: the kernel must not let those spread."""
    *outer, n = x.shape
    hidden = n // gates
    panels = -(-hidden // columns)
    out = np.full((*outer, gates, panels * columns), np.nan, np.float32)
    out[..., :hidden] = x.reshape(*outer, gates, hidden)
    out = out.reshape(*outer, gates, panels, columns)
    return np.ascontiguousarray(np.moveaxis(out, -3, -2).reshape(*outer, -1))


def run(
    cell: cells.Cell, gates: int, x: Any, weights: list[Any], h: Any, c: Any, lengths: Any,
    target: Target, shares: tuple[int, ...], fixed: Any = None,
) -> list[Any]:  # fmt: skip
    """out, out_h and out_c for x [T, N, D, gates * H]; all weights are [D, H, gates * H]."""
    steps, batch, directions, width = x.shape
    hidden = width // gates
    columns = cell.columns
    panels = -(-hidden // columns)
    placed = layout(x, gates, columns)
    packed = [layout(w, w.shape[2] // hidden, columns) for w in weights]
    packed = [panels_of(np.nan_to_num(w), w.shape[2] // panels) for w in packed]
    out = np.zeros((steps, directions, batch, hidden), np.float32)
    last, state = np.zeros_like(out[0]), np.zeros_like(out[0])
    scratch = np.zeros(STATE_VECTORS * panels * columns, np.float32)
    row = 4 * hidden
    args = [out, last, state if cell.state else 0, placed, h, c if cell.state else 0]
    args += [0 if fixed is None else layout(fixed, 1, columns), lengths, hidden, panels]
    args += [steps, batch, 1, placed[0].nbytes, placed[0, 0].nbytes, placed[0, 0, 0].nbytes]
    args += [directions * batch * row, row, batch * row, row, batch * row]
    args += [4 * panels * columns, scratch, scratch.nbytes]
    for w in packed:
        args += [w, w[0].nbytes]
    spec = RnnSpec(columns, gates, cell.state, cell.stages)
    outputs = [0, 1, 22, *([2] if cell.state else [])]
    got = run_kernel(emit_rnn, spec, target, args, directions * batch, outputs, shares)
    return [got[0], got[1], *([got[3]] if cell.state else [])]


def expected(kind: str, x: Any, r: Any, h: Any, c: Any, lengths: Any, bias: Any) -> list[Any]:
    """The same, one sequence after the other."""
    steps, batch, directions, _ = x.shape
    out = np.zeros((steps, directions, batch, h.shape[2]))
    last, state = np.zeros(h.shape), np.zeros(h.shape)
    for d in range(directions):
        for n in range(batch):
            a, s = h[d, n].astype(float), c[d, n].astype(float)
            times = range(lengths[n])
            for t in reversed(times) if d else times:
                a, s = step(kind, x[t, n, d].astype(float), r[d].astype(float), a, s, bias[d])
                out[t, d, n] = a
            last[d, n], state[d, n] = a, s
    return [out, last, state]


def step(kind: str, x: Any, r: Any, h: Any, c: Any, bias: Any) -> tuple[Any, Any]:
    """The next h and c."""
    n = len(h)
    if kind == "rnn":
        return np.tanh(x + h @ r), c
    sums = x + h @ r
    if kind == "lstm":
        i, o, f, g = np.tanh(sums.reshape(4, n))
        c = f * c + i * g
        return o * np.tanh(c), c
    z, reset = np.tanh(sums[: 2 * n].reshape(2, n))
    if kind == "gru":
        new = np.tanh(x[2 * n :] + (reset * h) @ r[:, 2 * n :])
    else:
        new = np.tanh(x[2 * n :] + reset * (h @ r[:, 2 * n :] + bias))
    return (1 - z) * new + z * h, c


CELLS = {
    "rnn": (cells.rnn(tanh), 1),
    "gru": (cells.gru(tanh, tanh, linear=False, bias=True), 3),
    "linear": (cells.gru(tanh, tanh, linear=True, bias=True), 3),
    "lstm": (cells.lstm(tanh, tanh, tanh, peepholes=False, input_forget=False), 4),
}


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("shares", [(), (1, 4)])
@pytest.mark.parametrize("hidden", [1, 3, 7, 8, 9, 16, 17, 31])
@pytest.mark.parametrize("kind", CELLS)
def test_sizes(kind: str, hidden: int, shares: tuple[int, ...], target: Target) -> None:
    cell, gates = CELLS[kind]
    rng = np.random.default_rng(hidden)
    steps = 4

    def normal(*shape: int) -> Any:
        return rng.normal(0, 0.5, shape).astype(np.float32)

    x = normal(steps, BATCH, DIRECTIONS, gates * hidden)
    r = normal(DIRECTIONS, hidden, gates * hidden)
    h, c = normal(DIRECTIONS, BATCH, hidden), normal(DIRECTIONS, BATCH, hidden)
    bias = normal(DIRECTIONS, hidden)
    lengths = np.array([4, 1, 3], np.int32)
    parts = [r] if len(cell.stages) == 1 else [r[..., : 2 * hidden], r[..., 2 * hidden :]]
    fixed = bias if kind == "linear" else None
    got = run(cell, gates, x, parts, h, c, lengths, target, shares, fixed)
    want = expected(kind, x, r, h, c, lengths, bias)
    for a, b in zip(got, want, strict=False):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_names_tell_structure() -> None:
    cell, gates = CELLS["lstm"]
    assert RnnSpec(8, gates, True, cell.stages).name.startswith("rnn_f32_4x8_c_")
    other = cells.rnn(lambda x: x + arg(0))
    names = {RnnSpec(16, 1, False, c.stages).name for c in (other, cells.rnn(tanh))}
    assert len(names) == 2
