"""Unroll Loop and Scan: their body's nodes for each iteration, one after the other.

How often a body runs must be known while compiling. A condition that the body computes counts as
known where it folds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import DataDependentError, InvalidModelError, ShapeError, UnsupportedOperatorError
from ..ir.builder import GraphBuilder, describe
from ..ir.const import Const
from ..ir.dtype import BOOL, I64
from ..ir.graph import Node
from ..ir.shape import normalize_axis
from ..ir.types import InputType, TensorType
from ..ops.compose import reshape
from ..ops.concat import Concat
from ..ops.loop import Loop, Scan, Scan8
from ..ops.movement import StridedSlice
from ..record import record

__all__ = ["MAX_NODES", "MAX_TRIPS", "AddNodes", "unroll"]

# The most nodes that a loop may become, and iterations even if they all fold: more would take
# longer to compile than anybody waits.
MAX_NODES, MAX_TRIPS = 4096, 16384

AddNodes = Callable[[GraphBuilder, Sequence[Node], dict[str, str]], None]
"""Adds a body's nodes under the names that its scope gives, and enters their outputs there."""


def unroll(
    b: GraphBuilder,
    node: Node,
    inputs: tuple[str, ...],
    scope: dict[str, str],
    add: AddNodes,
) -> list[str]:
    """The values that replace the node's outputs. scope: names around the node.

    Raises DataDependentError where data decides how often the body runs.
    """
    types = tuple(b.types[i] if i else None for i in inputs)
    place = describe(node, types)
    body = _Body(b, node, scope, add, place)
    if isinstance(node.op, Loop):
        return _loop(body, inputs)
    if isinstance(node.op, Scan8):
        return _scan_batch(body, node.op, inputs)
    assert isinstance(node.op, Scan)
    return _scan(body, node.op, inputs)


class _Body:
    """A body that is added again and again."""

    def __init__(
        self, b: GraphBuilder, node: Node, scope: dict[str, str], add: AddNodes, place: str
    ) -> None:
        assert isinstance(node.op, (Loop, Scan, Scan8))
        graph = node.op.body
        self.b, self.graph, self.add, self.place = b, graph, add, place
        self.origin = node.origin
        self.nodes = [
            Node(n.op, n.inputs, n.outputs, n.name, (*node.origin, *n.origin)) for n in graph.nodes
        ]
        self.inputs = list(graph.inputs.items())
        self.outputs = list(graph.outputs.values())
        self.scope = dict(scope)
        for name, const in graph.consts.items():
            self.scope[name] = fresh = b.fresh(name)
            b.consts[fresh] = const
            b.types[fresh] = TensorType.of(const)
        self._start = len(b.nodes)
        self._trips = 0

    def run(self, values: Sequence[str]) -> list[str]:
        """One iteration on these inputs."""
        self._trips += 1
        if len(self.b.nodes) - self._start > MAX_NODES or self._trips > MAX_TRIPS:
            raise UnsupportedOperatorError(
                f"{self.place}: unrolled, its {len(self.nodes)} nodes would become more than "
                f"{MAX_NODES:,} in {self._trips:,} iterations"
            )
        scope = dict(self.scope)
        scope.update(zip((name for name, _ in self.inputs), values, strict=True))
        self.add(self.b, self.nodes, scope)
        return [scope[name] for name in self.outputs]

    def check(self, inputs: int, outputs: int) -> None:
        """InvalidModelError unless the body has as many inputs, and no fewer outputs."""
        if len(self.inputs) != inputs or len(self.outputs) < outputs:
            raise InvalidModelError(
                f"{self.place}: its body has {len(self.inputs)} inputs and {len(self.outputs)} "
                f"outputs; {inputs} inputs and at least {outputs} outputs are needed"
            )


def _loop(body: _Body, inputs: tuple[str, ...]) -> list[str]:
    b = body.b
    count, condition, *carried = (*inputs, "", "")[: max(2, len(inputs))]
    body.check(2 + len(carried), 1 + len(carried))
    trips = _known(body, count, "trip count") if count else MAX_TRIPS + 1
    going = _known(body, condition, "condition") if condition else 1
    scans: list[list[str]] = [[] for _ in body.outputs[1 + len(carried) :]]
    iteration = 0
    while going and iteration < trips:
        index = b.const(Const.of(I64, _one(body.inputs[0][1]), (iteration,)), "iteration")
        flag = b.const(Const.of(BOOL, _one(body.inputs[1][1]), (True,)), "condition")
        after, *values = body.run([index, flag, *carried])
        carried = values[: len(carried)]
        for scan, value in zip(scans, values[len(carried) :], strict=True):
            scan.append(value)
        iteration += 1
        if iteration < trips:
            going = _known(body, after, "condition")
    names = body.outputs[1 + len(carried) :]
    return [*carried, *(_stack(body, s, 0, n) for s, n in zip(scans, names, strict=True))]


def _one(t: InputType) -> tuple[int, ...]:
    """The shape of a body's input of one element: [] or [1]."""
    return (1,) * len(t.shape or ())


def _known(body: _Body, value: str, what: str) -> int:
    t = body.b.type(value)
    if t.value is None or t.size != 1:
        message = f"{body.place}: the {what} depends on data computed at run time"
        raise DataDependentError(message, value)
    if t.dtype.kind not in "iub":
        raise InvalidModelError(f"{body.place}: the {what} is {t}")
    return int(t.value.item())


@record
class _Sliced:
    """A scan input: which slice iteration i takes."""

    value: str
    axis: int
    backward: bool

    def slice(self, b: GraphBuilder, i: int) -> str:
        """The slice without its axis."""
        shape = b.shape(self.value)
        starts, sizes = [0] * len(shape), list(shape)
        starts[self.axis] = shape[self.axis] - 1 - i if self.backward else i
        sizes[self.axis] = 1
        steps = (1,) * len(shape)
        op = StridedSlice(starts=tuple(starts), steps=steps, sizes=tuple(sizes))
        return reshape(b, b.add(op, self.value), (*shape[: self.axis], *shape[self.axis + 1 :]))


def _scan(body: _Body, op: Scan, inputs: tuple[str, ...]) -> list[str]:
    b = body.b
    first = len(inputs) - op.num_scan_inputs
    if op.num_scan_inputs < 1 or first < 0:
        raise InvalidModelError(f"{body.place}: num_scan_inputs is {op.num_scan_inputs}")
    states = list(inputs[:first])
    body.check(len(inputs), first)
    axes = op.scan_input_axes or (0,) * op.num_scan_inputs
    directions = op.scan_input_directions or (0,) * op.num_scan_inputs
    scanned = [
        _Sliced(x, normalize_axis(axis, b.type(x).rank), bool(backward))
        for x, axis, backward in zip(inputs[first:], axes, directions, strict=True)
    ]
    lengths = {b.shape(s.value)[s.axis] for s in scanned}
    if len(lengths) > 1:
        raise ShapeError(f"{body.place}: the scan inputs have {sorted(lengths)} slices")
    names = body.outputs[first:]
    scans: list[list[str]] = [[] for _ in names]
    for i in range(lengths.pop()):
        b.origin = body.origin
        values = body.run([*states, *(s.slice(b, i) for s in scanned)])
        states = values[:first]
        for scan, value in zip(scans, values[first:], strict=True):
            scan.append(value)
    out_axes = op.scan_output_axes or (0,) * len(names)
    out_directions = op.scan_output_directions or (0,) * len(names)
    stacked = [
        _stack(body, s[::-1] if backward else s, axis, name)
        for s, axis, backward, name in zip(scans, out_axes, out_directions, names, strict=True)
    ]
    return [*states, *stacked]


def _scan_batch(body: _Body, op: Scan8, inputs: tuple[str, ...]) -> list[str]:
    """The newer form for each row, whose results are stacked."""
    lengths, *values = inputs
    if lengths:
        raise UnsupportedOperatorError(
            f"{body.place}: scans of the form of opset 8 with sequence_lens are not supported"
        )
    inner = Scan(
        body=op.body, num_scan_inputs=op.num_scan_inputs, scan_input_directions=op.directions
    )
    sizes = {body.b.shape(v)[:1] for v in values}
    if len(sizes) != 1 or not (rows := sum(sizes.pop())):
        raise ShapeError(f"{body.place}: the inputs are no batch of rows")
    results = []
    for row in range(rows):
        body.b.origin = body.origin
        own = tuple([_Sliced(v, 0, False).slice(body.b, row) for v in values])
        results.append(_scan(body, inner, own))
    return [_stack(body, list(column), 0, "") for column in zip(*results, strict=True)]


def _stack(body: _Body, values: list[str], axis: int, name: str) -> str:
    """Values of equal shape along a new axis."""
    b = body.b
    b.origin = body.origin
    if not values:
        return _nothing(body, name)
    shape = b.shape(values[0])
    axis = normalize_axis(axis, len(shape) + 1)
    whole = [reshape(b, v, (*b.shape(v)[:axis], 1, *b.shape(v)[axis:])) for v in values]
    return whole[0] if len(whole) == 1 else b.add(Concat(axis=axis), *whole)


def _nothing(body: _Body, name: str) -> str:
    """The scan output of no iterations, whose shape only the body's own run would tell."""
    raise UnsupportedOperatorError(
        f"{body.place}: it runs no iteration, which leaves the shape of '{name}' open"
    )


def is_loop(node: Node) -> bool:
    """Whether the node has to be unrolled."""
    return not node.op.domain and node.op.op_type in ("Loop", "Scan")
