"""The pipeline on one screen: bytes -> Graph -> passes -> Program -> Artifact."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from .artifact import Artifact
from .backends.wasm.emit import emit
from .ir.graph import Graph
from .onnx.load import Model, Source, load
from .options import CompileOptions, default_threads, worth_threads
from .passes import partition, run_passes
from .program.lowering import lower
from .record import record, replace
from .report import ReportRow, node_macs, report_rows

__all__ = ["Compiled", "Observe", "compile_graph", "compile_model"]

Observe = Callable[[str, Graph], None]


@record
class Compiled:
    """A compiled model.

    report: how each node runs. timings: seconds spent in each phase.
    """

    artifact: Artifact
    report: tuple[ReportRow, ...]
    timings: dict[str, float]


def compile_model(
    source: Source, options: CompileOptions | None = None, observe: Observe | None = None
) -> Compiled:
    """Compile an ONNX model for concrete input shapes.

    Raises InvalidModelError for what is not a model, UnsupportedOperatorError for what we can't
    compile, ShapeError for models that contradict themselves, LimitError for too large ones.
    """
    start = perf_counter()
    model = load(source)
    loaded = perf_counter()
    return compile_graph(model, options or CompileOptions(), observe, {"parse": loaded - start})


def compile_graph(
    model: Model,
    options: CompileOptions,
    observe: Observe | None = None,
    timings: dict[str, float] | None = None,
) -> Compiled:
    """Compile a loaded model; `observe` sees the graph after each pass."""
    times = dict(timings or {})
    clock = _Clock(times)
    chosen = options.threads or default_threads()
    graph = run_passes(model.graph, replace(options, threads=chosen), observe)
    clock.lap("passes")
    init, main = partition(graph)
    cost = macs(graph)
    if not options.threads and not worth_threads(cost):
        chosen = 1
    program = lower(graph, init, main, chosen)
    clock.lap("lower")
    artifact = emit(program, replace(options, threads=chosen), cost)
    clock.lap("emit")
    return Compiled(artifact, report_rows(model.graph, program, graph), times)


def macs(g: Graph) -> int:
    """Multiply-accumulates of one run of a graph."""
    return sum(node_macs(g, node) for node in g.nodes)


class _Clock:
    def __init__(self, times: dict[str, float]) -> None:
        self.times = times
        self.last = perf_counter()

    def lap(self, phase: str) -> None:
        now = perf_counter()
        self.times[phase] = now - self.last
        self.last = now
