"""The base of all kernel specifications."""

from __future__ import annotations

from zlib import crc32

from ...ir.expr import Expr
from ...record import record

__all__ = ["KernelSpec", "expr_tag"]

MAX_CHAIN = 3  # calls that a name spells out


@record
class KernelSpec:
    """The structure of a kernel: two calls with equal specifications share one function.

    Sizes and addresses are no part of it; a call gives them as words (see `program.Call`).
    """

    @property
    def name(self) -> str:
        """The specification in short, which is also the function's name in the module."""
        raise NotImplementedError


def expr_tag(expr: Expr | None) -> str:
    """A stable name for an expression: `_max0_min6` for a short chain of calls, else a hash."""
    if expr is None:
        return ""
    chain: list[str] = []
    e = expr
    while e.args and len(chain) < MAX_CHAIN:
        if len(e.args) == 1 and e.dtype is e.args[0].dtype:
            chain.append(e.op)
        elif len(e.args) == 2 and e.args[1].op == "const":
            chain.append(f"{e.op}{_short(e.args[1].value)}")
        else:
            break
        e = e.args[0]
    if chain and e.op == "arg" and e.value == 0:
        return "_" + "_".join(reversed(chain))
    return f"_{expr.op}{crc32(repr(expr).encode()) & 0xFFFFFF:06x}"


def _short(value: int | float | None) -> str:
    """The number as briefly as it can be written without becoming another one."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)
