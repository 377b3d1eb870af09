"""The report: how each node of a model will run, and what the whole will need."""

from __future__ import annotations

from .ir.graph import Graph, Node
from .ops.base import Op
from .program.program import Program
from .record import record

__all__ = ["ReportRow", "node_macs", "report_rows", "row", "title"]


@record
class ReportRow:
    """One node of the model and how it runs.

    how: 'kernel' (kernels lists them), 'expanded' (the same, through simpler operators), 'init'
    (computed once at load), 'folded' (computed while compiling, or only moved data that need not
    move), 'host' (run by Python), 'open' (compiled once it is known what goes in).
    dtype: in which it is computed, '' if it isn't. macs: multiply-accumulates of a run; where nodes
    were fused, those of all are the first one's that has any.
    """

    node: str
    op: str
    how: str
    kernels: tuple[str, ...]
    dtype: str = ""
    macs: int = 0

    def as_dict(self) -> dict[str, str | int | list[str]]:
        """The row in JSON's types."""
        return {
            "node": self.node,
            "op": self.op,
            "how": self.how,
            "kernels": list(self.kernels),
            "dtype": self.dtype,
            "macs": self.macs,
        }


def report_rows(model: Graph, program: Program, compiled: Graph) -> tuple[ReportRow, ...]:
    """A row for each node of the graph as it was loaded.

    compiled: the graph that the program computes.
    """
    main: dict[str, dict[str, None]] = {}
    init: dict[str, dict[str, None]] = {}
    for calls, found in ((program.main, main), (program.init, init)):
        for call in calls:
            for origin in call.origin:
                found.setdefault(origin, {})[call.kernel.name] = None
    costs, dtypes = _costs(model, compiled), _dtypes(compiled)
    rows = []
    for node in model.nodes:
        name = node.name
        kernels = main.get(name) or init.get(name) or {}
        done = "expanded" if _is_composite(node.op) else "kernel"
        how = done if name in main else "init" if name in init else "folded"
        dtype = dtypes.get(name, "") if kernels else ""
        rows.append(row(node, how, tuple(kernels), dtype, costs.get(name, 0)))
    return tuple(rows)


def row(
    node: Node, how: str, kernels: tuple[str, ...] = (), dtype: str = "", macs: int = 0
) -> ReportRow:
    """The row of a node."""
    return ReportRow(node.name, title(node.op), how, kernels, dtype, macs)


def title(op: Op) -> str:
    """An operator's name, with its domain if that is not ONNX's own."""
    return f"{op.domain}.{op.op_type}" if op.domain else op.op_type


def node_macs(g: Graph, node: Node) -> int:
    """Multiply-accumulates of a node in a graph with types."""
    return node.op.cost(
        tuple(g.types[i] if i else None for i in node.inputs),
        tuple(g.types[o] for o in node.outputs if o),
    )


def _is_composite(op: Op) -> bool:
    """Whether an operator becomes code only through others."""
    kind = type(op)
    return kind.expand is not Op.expand and kind.select is Op.select and not kind.can_lower()


def _costs(model: Graph, compiled: Graph) -> dict[str, int]:
    """Multiply-accumulates by the name of the model's node that they are for."""
    costly = {node.name for node in model.nodes if type(node.op).cost is not Op.cost}
    costs: dict[str, int] = {}
    for node in compiled.nodes:
        if node.origin and (macs := node_macs(compiled, node)):
            name = next((n for n in node.origin if n in costly), node.origin[0])
            costs[name] = costs.get(name, 0) + macs
    return costs


def _dtypes(compiled: Graph) -> dict[str, str]:
    """The dtype of the last result that is made for each of the model's nodes."""
    return {
        origin: str(compiled.types[node.outputs[0]].dtype)
        for node in compiled.nodes
        for origin in node.origin
        if node.outputs[0]
    }
