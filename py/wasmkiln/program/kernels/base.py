"""The base of all kernel specifications."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

from ...ir.expr import Expr

__all__ = ["KernelSpec", "expr_tag"]


@dataclass(frozen=True, slots=True)
class KernelSpec:
    """The structure of a kernel: two calls with equal specifications share one function.

    Sizes and addresses are no part of it; a call gives them as words (see `program.Call`).
    """

    @property
    def name(self) -> str:
        """The specification in short, which is also the function's name in the module."""
        raise NotImplementedError


def expr_tag(expr: Expr | None) -> str:
    """A short stable name for an expression: readable where it is one call, else hashed."""
    if expr is None:
        return ""
    text = repr(expr)
    plain = text.replace("x0", "").strip("()")
    if plain.isidentifier():
        return "_" + plain
    return f"_{expr.op}{crc32(text.encode()) & 0xFFFFFF:06x}"
