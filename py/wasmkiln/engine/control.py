"""Control flow on the host: If, Loop, Scan and SequenceMap, each body a graph of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING

from ..errors import (
    InvalidInputError,
    InvalidModelError,
    LimitError,
    ShapeError,
    UnsupportedOperatorError,
)
from ..ir.const import Const
from ..ir.dtype import BOOL, I64, STRING
from ..ir.graph import Graph, Node
from ..ir.shape import normalize_axis
from ..ir.types import InputType
from ..ir.value import SequenceValue, Value
from .blocks import first_rows, slice_at, stack
from .describe import describe_value

if TYPE_CHECKING:
    from .runner import Runner

__all__ = ["MAX_ITERATIONS", "Work", "run_control"]

# A loop whose condition never fails would run for ever, and so would loops in loops; this many
# iterations, of all loops together, take some seconds.
MAX_ITERATIONS = 1 << 17


class Work:
    """What the loops of one run have done so far, those in loops included."""

    def __init__(self) -> None:
        self.iterations = 0

    def step(self) -> None:
        """Count an iteration; LimitError if there are too many."""
        self.iterations += 1
        if self.iterations > MAX_ITERATIONS:
            raise LimitError(f"the loops of the model run over {MAX_ITERATIONS:,} iterations")


_Body = Callable[[Sequence[Value]], list[Value]]


def run_control(
    runner: Runner, node: Node, inputs: Sequence[Value | None], env: Mapping[str, Value]
) -> tuple[Value, ...]:
    """The outputs of a node that has bodies. env: the values around it."""
    run = _RUN.get(node.op.op_type)
    if run is None:
        raise UnsupportedOperatorError("its body can't be run on the host")
    return tuple(run(_Frame(runner, node, env), list(inputs)))


class _Frame:
    """A node with bodies, and the values around it."""

    def __init__(self, runner: Runner, node: Node, env: Mapping[str, Value]) -> None:
        self.node, self._runner, self._env = node, runner, env
        self._limit = runner.options.max_memory

    def body(self, index: int = 0) -> tuple[Graph, _Body]:
        """A body as the model has it, and a function from its inputs to its outputs."""
        from .scope import bodies

        runner = self._runner.body(self.node, index)
        graph = bodies(self.node)[index]
        taken = [n for n in runner.model.graph.inputs if n not in graph.inputs]
        around = {name: self._env[name] for name in taken}

        def run(values: Sequence[Value]) -> list[Value]:
            if len(values) != len(graph.inputs):
                raise InvalidModelError(
                    f"its body has {len(graph.inputs)} inputs, but takes {len(values)}"
                )
            if self.node.op.op_type != "If":
                self._runner.work.step()
            feeds = dict(zip(graph.inputs, values, strict=True))
            return list(runner.run({**around, **feeds}).values())

        return graph, run

    def count(self, values: Sequence[Value], held: int) -> int:
        """The bytes held, with those of some more values; LimitError if they are too many."""
        held += sum(v.nbytes for v in values if isinstance(v, Const))
        if held > self._limit:
            raise LimitError(f"it gives over {self._limit:,} bytes")
        return held


def _if(frame: _Frame, inputs: list[Value | None]) -> list[Value]:
    fields = list(frame.node.op.fields)
    branch = "then_branch" if _truth(inputs[0]) else "else_branch"
    _, run = frame.body(fields.index(branch))
    return run([])


def _loop(frame: _Frame, inputs: list[Value | None]) -> list[Value]:
    count, condition, *rest = [*inputs, None, None][: max(2, len(inputs))]
    carried = [_given(value) for value in rest]
    graph, run = frame.body()
    kinds = list(graph.inputs.values())
    if len(kinds) != 2 + len(carried) or len(graph.outputs) < 1 + len(carried):
        raise InvalidModelError(
            f"its body has {len(kinds)} inputs and {len(graph.outputs)} outputs; "
            f"{2 + len(carried)} and at least {1 + len(carried)} are needed"
        )
    trips = None if count is None else _integer(count)
    going = condition is None or _truth(condition)
    scans: list[list[Value]] = [[] for _ in range(len(graph.outputs) - 1 - len(carried))]
    held = iteration = 0
    while going and (trips is None or iteration < trips):
        if iteration == MAX_ITERATIONS:
            raise LimitError(f"it does not end within {MAX_ITERATIONS:,} iterations")
        index = Const.of(I64, _one(kinds[0]), (iteration,))
        flag = Const.of(BOOL, _one(kinds[1]), (True,))
        after, *values = run([index, flag, *carried])
        carried = values[: len(carried)]
        for scan, value in zip(scans, values[len(carried) :], strict=True):
            scan.append(value)
        held = frame.count(values[len(carried) :], held)
        going = _truth(after)
        iteration += 1
    names = list(graph.outputs)[1 + len(carried) :]
    return [*carried, *(_stacked(graph, n, s, 0) for n, s in zip(names, scans, strict=True))]


def _scan(frame: _Frame, inputs: list[Value | None]) -> list[Value]:
    op = frame.node.op
    number: int = getattr(op, "num_scan_inputs", 0)
    lengths = inputs.pop(0) if op.since < 9 and inputs else None
    values = [_given(value) for value in inputs]
    first = len(values) - number
    if number < 1 or first < 0:
        raise InvalidModelError(f"num_scan_inputs is {number}")
    states, scanned = values[:first], [_tensor(v) for v in values[first:]]
    graph, run = frame.body()
    if op.since < 9:
        return _scan_rows(graph, run, lengths, [_tensor(v) for v in states], scanned, op)
    axes = _setting(op, "scan_input_axes", number)
    axes = [normalize_axis(a, len(x.shape)) for a, x in zip(axes, scanned, strict=True)]
    backward = _setting(op, "scan_input_directions", number)
    states, scans = _iterate(
        frame.count, run, states, list(zip(scanned, axes, backward, strict=True))
    )
    names = list(graph.outputs)[first:]
    scans = scans or [[] for _ in names]
    out_axes = _setting(op, "scan_output_axes", len(names))
    out_backward = _setting(op, "scan_output_directions", len(names))
    return [
        *states,
        *(
            _stacked(graph, name, scan[::-1] if back else scan, axis)
            for name, scan, axis, back in zip(names, scans, out_axes, out_backward, strict=True)
        ),
    ]


def _iterate(
    count: Callable[[Sequence[Value], int], int],
    run: _Body,
    states: list[Value],
    scanned: Sequence[tuple[Const, int, int]],
) -> tuple[list[Value], list[list[Value]]]:
    """Final states, and each scan output's slices. scanned: tensor, axis, whether backward."""
    lengths = {x.shape[axis] for x, axis, _ in scanned}
    if len(lengths) != 1:
        raise ShapeError(f"the scan inputs have {sorted(lengths)} slices")
    length, held = lengths.pop(), 0
    scans: list[list[Value]] = []
    for i in range(length):
        slices = [slice_at(x, axis, length - 1 - i if back else i) for x, axis, back in scanned]
        results = run([*states, *slices])
        outputs = results[len(states) :]
        states = results[: len(states)]
        scans = scans or [[] for _ in outputs]
        for scan, value in zip(scans, outputs, strict=True):
            scan.append(value)
        held = count(outputs, held)
    return states, scans


def _scan_rows(
    graph: Graph,
    run: _Body,
    lengths: Value | None,
    states: Sequence[Const],
    scanned: Sequence[Const],
    op: object,
) -> list[Value]:
    """The form of opset 8: a scan for each row of a batch, zeros after a row's own length."""
    backward = _setting(op, "directions", len(scanned))
    rows, longest = scanned[0].shape[:2] if len(scanned[0].shape) > 1 else (0, 0)
    whole = [longest] * rows if lengths is None else list(_tensor(lengths).ints())
    if not rows or len(whole) != rows or not all(0 <= n <= longest for n in whole):
        raise ShapeError(f"{rows} rows of {longest} have the lengths {whole}")
    columns: list[list[Const]] = [[] for _ in graph.outputs]
    for row, length in enumerate(whole):
        own: list[Value] = [slice_at(x, 0, row) for x in states]
        parts = [first_rows(slice_at(x, 0, row), length) for x in scanned]
        inputs = [(x, 0, back) for x, back in zip(parts, backward, strict=True)]
        finals, scans = _iterate(lambda values, held: 0, run, own, inputs)
        stacked = [_stacked(graph, "", s, 0) for s in scans]
        results = [*map(_tensor, finals), *(first_rows(s, longest) for s in stacked)]
        for column, value in zip(columns, results, strict=True):
            column.append(value)
    return [stack(column, 0) for column in columns]


def _sequence_map(frame: _Frame, inputs: list[Value | None]) -> list[Value]:
    sequence = inputs[0]
    if not isinstance(sequence, SequenceValue):
        raise InvalidInputError("the first input is no sequence")
    graph, run = frame.body()
    results: list[list[Value]] = [[] for _ in graph.outputs]
    held = 0
    for i in range(len(sequence.items)):
        row = [_element(_given(value), i) for value in inputs]
        values = run(row)
        for column, value in zip(results, values, strict=True):
            column.append(value)
        held = frame.count(values, held)
    return [SequenceValue(tuple(column)) for column in results]


_RUN: Mapping[str, Callable[[_Frame, list[Value | None]], list[Value]]] = {
    "If": _if,
    "Loop": _loop,
    "Scan": _scan,
    "SequenceMap": _sequence_map,
}


def _element(value: Value, i: int) -> Value:
    if not isinstance(value, SequenceValue):
        return value
    if i >= len(value.items):
        raise InvalidInputError(f"a sequence has {len(value.items)} elements, fewer than the first")
    return value.items[i]


def _given(value: Value | None) -> Value:
    if value is None:
        raise InvalidModelError("an input that is needed is absent")
    return value


def _tensor(value: Value | None) -> Const:
    if not isinstance(value, Const):
        what = "absent" if value is None else describe_value(value)
        raise InvalidInputError(f"an input that must be a tensor is {what}")
    return value


def _truth(value: Value | None) -> bool:
    return bool(_scalar(value))


def _integer(value: Value | None) -> int:
    return int(_scalar(value))


def _scalar(value: Value | None) -> int | float | bool:
    tensor = _tensor(value)
    if prod(tensor.shape) != 1 or tensor.dtype == STRING:
        raise InvalidInputError(f"{describe_value(tensor)} is given where one number is expected")
    return tensor.item()


def _one(t: InputType) -> tuple[int, ...]:
    """The shape of a body's input of one element: [] or [1]."""
    return (1,) * len(t.shape or ())


def _setting(op: object, name: str, count: int) -> list[int]:
    """An attribute of one integer for each of `count` values, 0 by default."""
    given: tuple[int, ...] = getattr(op, name, ()) or (0,) * count
    if len(given) != count:
        raise InvalidModelError(f"{name} has {len(given)} elements for {count} values")
    return list(given)


def _stacked(graph: Graph, name: str, values: Sequence[Value], axis: int) -> Const:
    """Values of all iterations along a new axis; the declared type tells the shape of none."""
    if values:
        return stack([_tensor(value) for value in values], axis)
    declared = graph.declared.get(name)
    if declared is None or declared.shape is None:
        raise UnsupportedOperatorError(
            f"it runs no iteration, which leaves the shape of '{name}' open"
        )
    inner = [d if isinstance(d, int) else 0 for d in declared.shape]
    axis = normalize_axis(axis, len(inner) + 1)
    shape = (*inner[:axis], 0, *inner[axis:])
    return Const(declared.dtype, shape, () if declared.dtype == STRING else b"")
