"""Graphs as text, one node a line, for people and for tests of passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .const import Const
from .graph import Graph
from .shape import show

if TYPE_CHECKING:
    from ..ops.base import Op

__all__ = ["graph_text", "op_text"]

# Items of a tuple, or elements of a constant, that are still shown.
MAX_SHOWN = 16


def graph_text(g: Graph) -> str:
    """The graph in lines like `y: f32[1,10] = Gemm(transB=True)(x, w, b)`.

    Constants are listed only by use; a line `-> name = value` closes the text for each output.
    """

    def typed(name: str) -> str:
        t = g.types.get(name)
        return f"{name}: {t}" if t is not None else name

    lines = [f"input {n}: {g.types.get(n, t)}" for n, t in g.inputs.items()]
    for node in g.nodes:
        outputs = ", ".join(typed(o) if o else "-" for o in node.outputs)
        lines.append(f"{outputs} = {op_text(node.op)}({', '.join(i or '-' for i in node.inputs)})")
    lines.extend(f"-> {n}" if n == v else f"-> {n} = {v}" for n, v in g.outputs.items())
    return "\n".join(lines) + "\n"


def op_text(op: Op) -> str:
    """The operator with those attributes that are not the defaults; long ones are shortened."""
    shown = [
        f"{name}={_value(value)}"
        for name, default in op.fields.items()
        if (value := getattr(op, name)) != default
    ]
    return f"{op.op_type}({', '.join(shown)})" if shown else op.op_type


def _value(value: object) -> str:
    if isinstance(value, Const):
        if value.is_inline and value.nbytes <= MAX_SHOWN * value.dtype.itemsize:
            items = value.values()
            return (
                str(items[0]) if value.shape == () else f"{value.dtype}{show(value.shape)}{items}"
            )
        return f"{value.dtype}{show(value.shape)}"
    if isinstance(value, Graph):
        return f"<graph of {len(value.nodes)} nodes>"
    if isinstance(value, tuple) and len(value) > MAX_SHOWN:
        return f"({', '.join(map(repr, value[:3]))}, ... {len(value)} in all)"
    return repr(value)
