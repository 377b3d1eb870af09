"""The pipeline on one screen: bytes -> Graph -> passes -> Program -> Artifact."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from time import perf_counter

from .artifact import Artifact
from .backends.wasm.emit import emit
from .ir.graph import Graph
from .onnx.load import Model, Source, load
from .options import CompileOptions
from .passes import partition, run_passes
from .program.lowering import lower
from .program.program import Program
from .report import ReportRow, report_rows

__all__ = ["Compiled", "Observe", "compile_graph", "compile_model", "plan_graph"]

Observe = Callable[[str, Graph], None]


class Compiled:
    """A compiled model; report and artifact are made when they are asked for.

    program: what runs. macs: multiply-accumulates of one run. timings: seconds spent in each phase.
    """

    def __init__(
        self,
        model: Model,
        options: CompileOptions,
        program: Program,
        macs: int,
        timings: dict[str, float],
    ) -> None:
        self.program = program
        self.macs = macs
        self.timings = timings
        self._model = model
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
        return report_rows(self._model.graph, self.program)


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
    graph = run_passes(model.graph, options, observe)
    clock.lap("passes")
    init, main = partition(graph)
    program = lower(graph, init, main, options.threads, options.any_size)
    clock.lap("lower")
    return Compiled(model, options, program, macs(graph), times)


def macs(g: Graph) -> int:
    """Multiply-accumulates of one run of a graph."""
    return sum(
        node.op.cost(
            tuple(g.types[i] if i else None for i in node.inputs),
            tuple(g.types[o] for o in node.outputs if o),
        )
        for node in g.nodes
    )


class _Clock:
    def __init__(self, times: dict[str, float]) -> None:
        self.times = times
        self.last = perf_counter()

    def lap(self, phase: str) -> None:
        now = perf_counter()
        self.times[phase] = now - self.last
        self.last = now
