"""The pipeline on one screen: bytes -> Graph -> passes -> Program -> Artifact."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from time import perf_counter
from typing import Any

from .artifact import Artifact
from .backends.wasm.emit import emit
from .ir.graph import Graph
from .onnx.load import Model, Source, load
from .options import CompileOptions, default_threads, worth_threads
from .passes import partition, run_passes
from .program.lowering import lower
from .program.program import Program
from .record import replace
from .report import ReportRow, node_macs, report_rows

__all__ = ["Compiled", "Observe", "compile_graph", "compile_model", "plan_graph"]

Observe = Callable[[str, Graph], None]


class Compiled:
    """A compiled model; report and artifact are made when they are asked for.

    program: what runs. macs: multiply-accumulates of one run. timings: seconds spent in each phase.
    """

    def __init__(
        self,
        model: Model,
        graph: Graph,
        options: CompileOptions,
        program: Program,
        macs: int,
        timings: dict[str, float],
    ) -> None:
        self.program = program
        self.macs = macs
        self.timings = timings
        self._model = model
        self._graph = graph
        self._options = options

    @cached_property
    def artifact(self) -> Artifact:
        """The model as it is loaded by itself."""
        clock = _Clock(self.timings)
        artifact = emit(self.program, self._options, self.macs)
        clock.lap("emit")
        return artifact

    @cached_property
    def report(self) -> tuple[ReportRow, ...]:
        """How each node runs."""
        return report_rows(self._model.graph, self.program, self._graph)

    def explain(self) -> dict[str, Any]:
        """The fused graph and the memory plan in JSON's types, as `wasmkiln.explain` has them."""
        from .explain import explain  # seldom asked for, so not part of the page's start

        return explain(self._model.graph, self._graph, self._options)


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
    compiled = plan_graph(model, options, observe, timings)
    _ = compiled.artifact  # so that its errors come from here
    return compiled


def plan_graph(
    model: Model,
    options: CompileOptions,
    observe: Observe | None = None,
    timings: dict[str, float] | None = None,
) -> Compiled:
    """All of a compilation that comes before code and addresses."""
    times = dict(timings or {})
    clock = _Clock(times)
    chosen = options.threads or default_threads()
    graph = run_passes(model.graph, replace(options, threads=chosen), observe)
    clock.lap("passes")
    init, main = partition(graph, options.hoist)
    cost = macs(graph)
    if not options.threads and not worth_threads(cost):
        chosen = 1
    program = lower(graph, init, main, chosen, options.any_size)
    clock.lap("lower")
    return Compiled(model, graph, replace(options, threads=chosen), program, cost, times)


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
