"""The report: how each node of a model will run, and what the whole will need."""

from __future__ import annotations

from .ir.graph import Graph, Node
from .program.program import Program
from .record import record

__all__ = ["ReportRow", "report_rows", "row"]


@record
class ReportRow:
    """One node of the model and how it runs.

    how: 'kernel' (kernels lists them), 'init' (computed once at load), 'folded' (computed while
    compiling, or only moved data that need not move), 'host' (run by Python), 'open' (compiled once
    it is known what goes in).
    """

    node: str
    op: str
    how: str
    kernels: tuple[str, ...]

    def as_dict(self) -> dict[str, str | list[str]]:
        """The row in JSON's types."""
        return {"node": self.node, "op": self.op, "how": self.how, "kernels": list(self.kernels)}


def report_rows(model: Graph, program: Program) -> tuple[ReportRow, ...]:
    """A row for each node of the graph as it was loaded."""
    main: dict[str, dict[str, None]] = {}
    init: dict[str, dict[str, None]] = {}
    for calls, found in ((program.main, main), (program.init, init)):
        for call in calls:
            for origin in call.origin:
                found.setdefault(origin, {})[call.kernel.name] = None
    rows = []
    for node in model.nodes:
        kernels = main.get(node.name) or init.get(node.name) or {}
        how = "kernel" if node.name in main else "init" if node.name in init else "folded"
        rows.append(row(node, how, tuple(kernels)))
    return tuple(rows)


def row(node: Node, how: str, kernels: tuple[str, ...] = ()) -> ReportRow:
    """The row of a node."""
    op = node.op
    title = f"{op.domain}.{op.op_type}" if op.domain else op.op_type
    return ReportRow(node.name, title, how, kernels)
