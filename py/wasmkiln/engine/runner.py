"""Runs a graph step by step, and finds out on the way which steps it needs.

At first a graph is one segment, apart from nodes that are for the host by nature. Where compiling a
segment stops at a node, the graph is cut there in the way that lets it go on, and run anew:

- an operator that knows how is replaced by its `parts`, some compiled and some for the host;
- a loop or condition that can't be unrolled or inlined is run by the host, its body compiled;
- a value that has to be known while compiling ends a segment, and is a constant of the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from time import perf_counter

from ..compiler import Compiled
from ..errors import (
    DataDependentError,
    InternalError,
    InvalidInputError,
    UnsupportedOperatorError,
    WasmkilnError,
)
from ..host import Host
from ..ir.const import Const, Span
from ..ir.dtype import STRING
from ..ir.graph import Graph, Node
from ..ir.types import InputType
from ..ir.value import Value
from ..onnx.load import Model
from ..options import CompileOptions
from ..plans import Plans, ProfileRow
from ..record import replace
from ..report import ReportRow, row
from .codes import Codes
from .control import Work, run_control
from .describe import describe_node
from .rewriting import split_node
from .scope import bodies, captures, needs_host, uses
from .split import Step, first_output, is_whole, split

__all__ = ["Runner"]


class Runner:
    """A graph ready to run. Not for several threads at once.

    inner: the graph is the body of a node, whose inputs have no types but those of their values.
    work: what is counted together with the loops around.
    """

    def __init__(
        self,
        model: Model,
        options: CompileOptions,
        host: Host,
        inner: bool = False,
        work: Work | None = None,
    ) -> None:
        self.model = model
        self.options = replace(options, max_memory=options.max_memory or host.max_memory)
        self._host = host
        self._inner = inner
        self.work: Work = work or Work()
        self._on_host = {first_output(n) for n in model.graph.nodes if _is_for_host(n)}
        self._cuts: set[str] = set()
        self._bodies: dict[tuple[str, int], Runner] = {}
        self._inline: dict[str, Const] = {}
        self._times: list[ProfileRow] | None = None  # rows of the profile that is being made
        self._cut()

    def prepare(self) -> None:
        """Compile what can be compiled before the inputs are there, so that errors show early."""
        while self._whole is not None:
            try:
                return self._whole.prepare()
            except UnsupportedOperatorError as error:
                self._learn(error)

    def run(
        self, feeds: Mapping[str, Value], wanted: Iterable[str] | None = None
    ) -> dict[str, Value]:
        """Compute outputs, by default all, from a value for each input.

        Dtypes must be those declared, and shapes must fit.
        """
        names = tuple(self.model.graph.outputs if wanted is None else wanted)
        if not self._inner:
            self.work.iterations = 0
        while True:
            try:
                return self._run(feeds, names)
            except UnsupportedOperatorError as error:
                self._learn(error)

    def profile(self, feeds: Mapping[str, Value]) -> tuple[ProfileRow, ...]:
        """Run once, and give rows of node, kernel, seconds and macs in the order of computation.

        A loop that the host runs is one row. Compiled parts run twice, the second time by kernels.
        """
        times: list[ProfileRow] = []
        self._times = times
        try:
            self.run(feeds)
        finally:
            self._times = None
        return tuple(times)

    def compiled(self) -> Compiled:
        """What a graph that needs no host was compiled to last, or is for sizes of 1.

        Raises UnsupportedOperatorError for others, which are more than compiled code.
        """
        while True:
            if self._whole is None:
                hosted = [s.nodes[0] for s in self._steps if s.on_host]
                names = ", ".join(f"{n.op.op_type} '{n.name}'" for n in hosted)
                raise UnsupportedOperatorError(
                    f"the model does not run without Python between its {len(self._steps)} "
                    f"parts{': ' if names else ''}{names}"
                )
            try:
                return self._whole.compiled()
            except UnsupportedOperatorError as error:
                self._learn(error)

    def report(self) -> tuple[ReportRow, ...]:
        """How each node runs, for the shapes of the last run, or sizes of 1 before the first."""
        if self._whole is not None:
            return self.compiled().report
        rows: list[ReportRow] = []
        for index, step in enumerate(self._steps):
            plans = self._segments.get(index)
            if plans is not None and plans.last is not None:
                rows += plans.last.report
            else:
                rows += [row(node, "host" if step.on_host else "open") for node in step.nodes]
        return tuple(rows)

    def release(self) -> None:
        """Give up all memory."""
        for plans in self._segments.values():
            plans.release()
        for runner in self._bodies.values():
            runner.release()
        if self._whole is not None:
            self._whole.release()

    def constant(self, name: str) -> Const:
        """A constant of the graph with its bytes at hand."""
        const = self._inline.get(name)
        if const is None:
            const = self.model.graph.consts[name]
            if isinstance(span := const.data, Span):
                data = self.model.files[span.file].read(span.offset, span.nbytes)
                const = Const(const.dtype, const.shape, data)
            self._inline[name] = const
        return const

    def body(self, node: Node, index: int) -> Runner:
        """The runner of a node's body; what it takes from around are inputs like its own."""
        key = first_output(node), index
        runner = self._bodies.get(key)
        if runner is None:
            graph, outer = bodies(node)[index], self.model.graph.consts
            names = captures(graph)
            consts = {**{n: outer[n] for n in names if n in outer}, **graph.consts}
            free = {n: InputType(STRING, None) for n in names if n not in outer}
            whole = replace(graph, inputs={**graph.inputs, **free}, consts=consts)
            model = replace(self.model, graph=whole)
            runner = self._bodies[key] = Runner(model, self.options, self._host, True, self.work)
        return runner

    def _cut(self) -> None:
        """Cut the graph anew, and forget what was compiled."""
        g = self.model.graph
        self._steps = split(g, self._on_host, self._cuts)
        self._segments: dict[int, Plans] = {}
        self._whole: Plans | None = None
        if not self._inner and is_whole(g, self._steps):
            self._whole = Plans(self.model, self.options, self._host)

    def _run(self, feeds: Mapping[str, Value], wanted: tuple[str, ...]) -> dict[str, Value]:
        if self._times is not None:
            self._times.clear()  # what ran before the graph was cut anew
        if self._whole is not None:
            return _run_plans(self._whole, feeds, wanted, self._times)
        env = dict(feeds)
        for index, step in enumerate(self._steps):
            for name in step.inputs:
                if name not in env:
                    env[name] = self.constant(name)
            if step.on_host:
                (node,) = step.nodes
                begin = perf_counter()
                env.update(zip(node.outputs, self._on_the_host(node, env), strict=False))
                if self._times is not None:
                    seconds = perf_counter() - begin
                    self._times.append(ProfileRow(node.name, node.op.op_type, seconds, 0))
            else:
                env.update(self._segment(index, step, env))
        values = {name: self.model.graph.outputs[name] for name in wanted}
        return {n: env[v] if v in env else self.constant(v) for n, v in values.items()}

    def _segment(self, index: int, step: Step, env: Mapping[str, Value]) -> dict[str, Value]:
        feeds: dict[str, Const] = {}
        for name in step.inputs:
            value = env[name]
            if not isinstance(value, Const):
                raise self._no_tensor(step, name, value)
            feeds[name] = value
        plans = self._segments.get(index)
        if plans is None or any(
            plans.model.graph.inputs[n].dtype != c.dtype for n, c in feeds.items()
        ):
            if plans is not None:
                plans.release()
            graph = self._segment_graph(step, feeds)
            symbols = {s for t in graph.inputs.values() for s in t.symbols}
            dims = {s: size for s, size in self.options.dims.items() if s in symbols}
            options = replace(self.options, dims=dims, shapes={})
            plans = Plans(replace(self.model, graph=graph), options, self._host)
            self._segments[index] = plans
        return _run_plans(plans, feeds, step.outputs, self._times)

    def _segment_graph(self, step: Step, feeds: Mapping[str, Const]) -> Graph:
        g = self.model.graph
        used = {name for node in step.nodes for name in uses(node)}
        consts = {n: c for n, c in g.consts.items() if n in used and n not in feeds}
        # What the model declares says which sizes may change; bodies are given anything.
        declared = {} if self._inner else g.inputs
        inputs = {
            n: replace(declared.get(n, InputType(value.dtype, None)), wrap=())
            for n, value in feeds.items()
        }
        return Graph(g.name, step.nodes, inputs, {o: o for o in step.outputs}, consts)

    def _on_the_host(self, node: Node, env: Mapping[str, Value]) -> tuple[Value, ...]:
        inputs = [_frozen(env[name]) if name else None for name in node.inputs]
        try:
            if bodies(node):
                return run_control(self, node, inputs, env)
            # Identity is there for what is no tensor.
            passing = node.op.op_type == "Identity" and inputs[0] is not None
            outputs = (inputs[0],) if passing else node.op.evaluate(*inputs)
        except WasmkilnError as error:
            if error.args and str(error).startswith(node.op.op_type):
                raise
            raise type(error)(f"{describe_node(node, inputs)}: {error}") from None
        except (ArithmeticError, AttributeError, IndexError, TypeError, ValueError) as error:
            raise InternalError(
                f"{describe_node(node, inputs)}: {type(error).__name__}: {error}"
            ) from error
        if outputs is None:
            raise UnsupportedOperatorError(f"{describe_node(node, inputs)} is not supported")
        return outputs

    def _no_tensor(self, step: Step, name: str, value: Value) -> UnsupportedOperatorError:
        """The error of the first node that was to take as a tensor what is none."""
        node = next(n for n in step.nodes if name in uses(n))
        error = UnsupportedOperatorError(
            f"{describe_node(node, [])}: '{name}' is a {type(value).__name__}, not a tensor"
        )
        error.node = first_output(node)
        return error

    def _learn(self, error: UnsupportedOperatorError) -> None:
        """Cut the graph so that what stopped does not stop again; the error itself if we can't."""
        node = next((n for n in self.model.graph.nodes if first_output(n) == error.node), None)
        value = error.value if isinstance(error, DataDependentError) else None
        if node is None or error.node in self._on_host:
            error.node = ""  # it means nothing to those around this graph
            raise error
        graph = split_node(self.model.graph, error.node)
        if graph is not None:
            self.model = replace(self.model, graph=graph)
            self._on_host |= {first_output(n) for n in graph.nodes if _is_for_host(n)}
        elif isinstance(value, str) and value not in self._cuts and self._can_cut(node, value):
            self._cuts.add(value)
        elif bodies(node) or node.op.op_type == "Identity":
            self._on_host.add(error.node)
        else:
            error.node = ""
            raise error
        self.release()
        self._cut()

    def _can_cut(self, node: Node, value: str) -> bool:
        """Whether a node makes the value, and it is not a loop that asks: the host can run that."""
        if node.op.op_type in ("Loop", "Scan"):
            return False
        return any(value in n.outputs for n in self.model.graph.nodes)


def _is_for_host(node: Node) -> bool:
    return needs_host(node) or node.op.op_type == "SequenceMap"


def _frozen(value: Value) -> Value:
    return value.frozen() if isinstance(value, Const) else value


def _run_plans(
    plans: Plans,
    feeds: Mapping[str, Value],
    wanted: tuple[str, ...],
    times: list[ProfileRow] | None,
) -> dict[str, Value]:
    """Run compiled code, in which strings are numbers; `times` is given the rows of a profile."""
    codes = Codes()
    tensors: dict[str, Const] = {}
    for name, value in feeds.items():
        if not isinstance(value, Const):
            raise InvalidInputError(f"'{name}' is a {type(value).__name__}, not a tensor")
        tensors[name] = codes.encode(value)
    results = plans.run(tensors, wanted)
    if times is not None:
        times += plans.profile(tensors)
    return {name: codes.decode(value) for name, value in results.items()}
