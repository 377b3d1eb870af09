"""Graphs as text, one node a line, for people and for tests of passes."""

from __future__ import annotations

from .graph import Graph

__all__ = ["graph_text"]


def graph_text(g: Graph) -> str:
    """The graph in lines like `y: f32[1,10] = Gemm(transB=True)(x, w, b)`.

    Constants are listed only by use; a line `-> name = value` closes the text for each output.
    """

    def typed(name: str) -> str:
        t = g.types.get(name)
        return f"{name}: {t}" if t is not None else name

    lines = [f"input {n}: {g.types.get(n, t)}" for n, t in g.inputs.items()]
    for node in g.nodes:
        op = repr(node.op)
        op = op.removesuffix("()")
        outputs = ", ".join(typed(o) for o in node.outputs)
        lines.append(f"{outputs} = {op}({', '.join(i or '-' for i in node.inputs)})")
    lines.extend(f"-> {n}" if n == v else f"-> {n} = {v}" for n, v in g.outputs.items())
    return "\n".join(lines) + "\n"
