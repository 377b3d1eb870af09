"""The report: how each node of a model will run, and what the whole will need."""

from __future__ import annotations

from .ir.graph import Graph
from .program.program import Program
from .record import record

__all__ = ["ReportRow", "report_rows"]


@record
class ReportRow:
    """One node of the model and how it runs.

    how: 'kernel' (kernels lists them), 'init' (computed once at load), 'folded' (computed while
    compiling, or only moved data that need not move).
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
        rows.append(
            ReportRow(node.name, _title(node.op.domain, node.op.op_type), how, tuple(kernels))
        )
    return tuple(rows)


def _title(domain: str, op_type: str) -> str:
    return f"{domain}.{op_type}" if domain else op_type
