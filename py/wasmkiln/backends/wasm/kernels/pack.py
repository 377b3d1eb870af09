"""out[panel][k][j] = in[k, panel * columns + j], zero beyond n (see program/kernels/pack.py).

for each panel: for each k: the panel's columns; from a transposed source, column by column.
"""

from __future__ import annotations

from ....program.kernels.pack import PackSpec
from ...base import Target
from .. import asm as w
from ..function import Function, Local
from ..isa import i32
from ..loops import kernel, load_args
from ..module import Module
from .copy import transpose_tile
from .gemm import minimum

__all__ = ["emit_pack", "panel_function"]


def emit_pack(spec: PackSpec, m: Module, target: Target) -> Function:
    """One panel after the other."""
    panel = panel_function(m, spec)
    f = kernel(m, spec.name)
    _, begin, end, _ = f.params
    out, source, k, n, step, panels, in_batch = load_args(f, "out source k n step panels in_batch")
    width, along = spec.columns, 4 if not spec.transposed else step
    with f.for_range(begin, begin, end):
        batch = f.let(begin // panels)
        column = f.let((begin - batch * panels) * width)
        f.call(
            panel,
            out + begin * (k * (4 * width)),
            source + batch * in_batch + column * along,
            k,
            step,
            minimum(n - column, w.i32_const(width)),
        )
        f.free(batch, column)
    return f


def panel_function(m: Module, spec: PackSpec) -> Function:
    """(out, source, k, step, columns): one panel, called once for each."""
    name = f"{spec.name}_panel"
    return m.once(name, lambda: _panel(m, name, spec))


def _panel(m: Module, name: str, spec: PackSpec) -> Function:
    f = m.function(name, (i32,) * 5)
    out, source, k, step, columns = f.params
    width = spec.columns
    end = f.let(out + k * (4 * width))
    j = f.local(i32, "j")
    if spec.transposed:
        four = _four_columns(m, width)
        with f.for_range(j, 0, columns & -4, 4):
            f.call(four, out + 4 * j, source + j * step, k, step)
        with f.for_range(j, j, columns):
            _column(f, out + 4 * j, source + j * step, end, 4 * width)
        with f.for_range(j, columns, width):
            _column(f, out + 4 * j, None, end, 4 * width)
        return f
    with f.if_(columns.eq(width)):
        with f.while_(out < end):
            for v in range(width // 4):
                f.v128_store(out, w.v128_load(source, offset=16 * v, align=4), offset=16 * v)
            f.add_to(out, 4 * width)
            f.add_to(source, step)
        f.return_()
    with f.for_range(j, 0, width):
        with f.if_(j.lt_s(columns)):
            _strided(f, out + 4 * j, source + 4 * j, end, 4 * width, step)
        with f.else_():
            _column(f, out + 4 * j, None, end, 4 * width)
    return f


def _four_columns(m: Module, width: int) -> Function:
    """(out, source, k, step): four columns of a panel from rows of the source, 4 k at a time."""

    def make() -> Function:
        f = m.function(f"pack_{width}_t_four", (i32,) * 4)
        out, source, k, step = f.params
        rows = [source, *(f.let(source + step * i) for i in range(1, 4))]
        with f.while_(k.ge_s(4)):
            tile = transpose_tile(f, [w.v128_load(row, align=4) for row in rows])
            for i, value in enumerate(tile):
                f.v128_store(out, value, offset=4 * width * i)
            f.add_to(out, 16 * width)
            for row in rows:
                f.add_to(row, 16)
            f.add_to(k, -4)
        with f.while_(k):
            for i, row in enumerate(rows):
                f.i32_store(out, w.i32_load(row), offset=4 * i)
                f.add_to(row, 4)
            f.add_to(out, 4 * width)
            f.add_to(k, -1)
        return f

    return m.once(f"pack_{width}_t_four", make)


def _column(f: Function, out: w.Val, source: w.Val | None, end: Local, step: int) -> None:
    """Spread neighbours over the rows of a panel, or zeros."""
    _strided(f, out, source, end, step, w.i32_const(4))


def _strided(
    f: Function, out: w.Val, source: w.Val | None, end: Local, out_step: int, step: w.Val
) -> None:
    to = f.let(out)
    at = f.let(source) if source is not None else None
    with f.while_(to < end):
        f.i32_store(to, w.i32_load(at) if at is not None else 0)
        f.add_to(to, out_step)
        if at is not None:
            f.add_to(at, step)
    f.free(to)
    if at is not None:
        f.free(at)
