"""RNN, GRU and LSTM: the input's projection as one product, then all steps in one kernel."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import InvalidModelError, ShapeError, UnsupportedOperatorError
from ..ir.builder import GraphBuilder
from ..ir.const import Const
from ..ir.dtype import F32
from ..ir.expr import arg
from ..ir.shape import show
from ..ir.types import TensorType
from . import cells
from .base import Op, register
from .compose import apply, reshape, transpose
from .concat import Concat
from .matmul import Product
from .movement import StridedSlice
from .packed import PackPanels
from .pad import PadConst
from .recurrent import Recurrent

__all__: list[str] = []

_DIRECTIONS = {"forward": 1, "reverse": 1, "bidirectional": 2}


class _Layer(Op):
    """What the operators share; a direction has its own weights, biases and activations.

    inputs: X, W [D, G*H, I], R [D, G*H, H], B [D, 2*G*H], sequence_lens, initial_h.
    """

    GATES = 1
    NAMES = 1  # activations of one direction
    CELL = False

    activation_alpha: tuple[float, ...] = ()
    activation_beta: tuple[float, ...] = ()
    activations: tuple[str, ...] = ("Tanh", "Tanh")
    clip: float | None = None
    direction: str = "forward"
    hidden_size: int | None = None

    def infer(
        self,
        x: TensorType,
        w: TensorType,
        r: TensorType,
        b: TensorType | None = None,
        lengths: TensorType | None = None,
        h: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """Y, Y_h and, of an LSTM, Y_c."""
        return self._types(x, w, r, b, lengths, (h,), None)

    def _types(
        self,
        x: TensorType,
        w: TensorType,
        r: TensorType,
        b: TensorType | None,
        lengths: TensorType | None,
        initial: Sequence[TensorType | None],
        p: TensorType | None,
    ) -> tuple[TensorType, ...]:
        directions = _DIRECTIONS.get(self.direction)
        if directions is None:
            raise InvalidModelError(f"direction is {self.direction!r}")
        if x.rank != 3 or r.rank != 3:
            raise ShapeError(f"X is {x} and R is {r}; both must have rank 3")
        first, second, size = x.shape
        steps, batch = (second, first) if self._batch_first() else (first, second)
        hidden = self.hidden_size or r.shape[2]
        rows, d = self.GATES * hidden, directions
        last = (batch, d, hidden) if self._batch_first() else (d, batch, hidden)
        wanted = [("W", w, (d, rows, size)), ("R", r, (d, rows, hidden)), ("B", b, (d, 2 * rows))]
        wanted += [("sequence_lens", lengths, (batch,)), ("P", p, (d, 3 * hidden))]
        wanted += [(n, t, last) for n, t in zip(("initial_h", "initial_c"), initial, strict=False)]
        for name, t, shape in wanted:
            if t is not None and t.shape != shape:
                raise ShapeError(f"{name} is {t}, {show(shape)} is expected for X {x}")
        whole = (batch, steps, d, hidden) if self._batch_first() else (steps, d, batch, hidden)
        final = TensorType(x.dtype, last)
        return (TensorType(x.dtype, whole), final, *((final,) if self.CELL else ()))

    def _batch_first(self) -> bool:
        layout: int = getattr(self, "layout", 0)
        if layout not in (0, 1):
            raise InvalidModelError(f"layout is {layout}")
        return layout == 1

    def cell(self, functions: Sequence[cells.Activation], inputs: Sequence[str]) -> cells.Cell:
        """The equations with these activations."""
        raise NotImplementedError

    def fixed(self, g: GraphBuilder, inputs: Sequence[str], recurrent_bias: str) -> list[str]:
        """The fixed vectors of the cell, each [D, H]."""
        return []

    def in_sums(self) -> int:
        """How many gates take their recurrent bias in the same sum as the projected input."""
        return self.GATES

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """One layer of all directions, or one for each if their activations differ."""
        if g.type(inputs[0]).dtype != F32:
            raise UnsupportedOperatorError(f"{g.type(inputs[0]).dtype} is not supported, f32 is")
        given = (*inputs, *([""] * (8 - len(inputs))))
        names = self.activations
        directions = _DIRECTIONS[self.direction]
        if len(names) != self.NAMES * directions and names == type(self).fields["activations"]:
            names = names[: self.NAMES] * directions
        cells.check_names(names, self.NAMES * directions)
        functions = cells.activations(names, self.activation_alpha, self.activation_beta)
        own = [self._cell(functions[i * self.NAMES :], given) for i in range(directions)]
        if own[0] == own[-1]:
            return self._layer(g, given, own[0], 0 if self.direction == "reverse" else 1)
        parts = [
            self._layer(g, self._one_of(g, given, d), own[d], 1 - d) for d in range(directions)
        ]
        axes = (2, 1, 1) if self._batch_first() else (1, 0, 0)
        joined = zip(axes, *parts, strict=False)
        return tuple(g.add(Concat(axis=axis), *ys) for axis, *ys in joined)

    def _cell(self, functions: Sequence[cells.Activation], inputs: Sequence[str]) -> cells.Cell:
        """A direction's equations; as in onnxruntime, LSTM's last activation is not clipped."""
        own = [cells.clipped(f, self.clip) for f in functions[:2]]
        return self.cell([*own, *functions[2:]][: self.NAMES], inputs)

    def _one_of(self, g: GraphBuilder, inputs: Sequence[str], d: int) -> tuple[str, ...]:
        """The inputs of one direction."""
        x, w, r, b, lengths, h, c, p = inputs
        axis = 1 if self._batch_first() else 0
        w, r, b, p = (_cut(g, v, 0, d, 1) for v in (w, r, b, p))
        h, c = (_cut(g, v, axis, d, 1) for v in (h, c))
        return x, w, r, b, lengths, h, c, p

    def _layer(
        self, g: GraphBuilder, inputs: Sequence[str], cell: cells.Cell, backward: int
    ) -> tuple[str, ...]:
        """The projection, and the recurrence."""
        x, w, r, b, lengths, h, c, _ = inputs
        directions, _, hidden = g.shape(r)
        gates, columns = self.GATES, cell.columns
        first, second, size = g.shape(x)
        weights = _panels(g, w, gates, columns)
        width = directions * g.shape(weights)[1]
        terms = [reshape(g, x, (first * second, size)), reshape(g, weights, (width, size))]
        recurrent_bias = ""
        if b:
            bias, recurrent_bias = self._biases(g, b)
            terms.append(reshape(g, _panels(g, bias, gates, columns), (width,)))
        projected = reshape(g, g.add(Product(transposed=True), *terms), (first, second, width))
        fixed = [_panels(g, v, 1, columns) for v in self.fixed(g, inputs, recurrent_bias)]
        fixed = [reshape(g, v, (directions, 1, g.shape(v)[1])) for v in fixed]
        vectors = g.add(Concat(axis=1), *fixed) if fixed else ""
        op = Recurrent(
            stages=cell.stages,
            columns=columns,
            gates=gates,
            cell=cell.state,
            hidden=hidden,
            directions=directions,
            reversed=backward,
            batch_first=self._batch_first(),
        )
        packed = _stage_weights(g, r, gates, cell)
        own = (projected, vectors, lengths, h, c if cell.state else "", *packed)
        return g.add_all(op, own, n_outputs=3 if cell.state else 2)

    def _biases(self, g: GraphBuilder, b: str) -> tuple[str, str]:
        """What is added to the projected input [D, G*H], and the recurrent bias of all gates."""
        rows = g.shape(b)[1] // 2
        bias, recurrent = _cut(g, b, 1, 0, rows), _cut(g, b, 1, rows, rows)
        count = rows // self.GATES * self.in_sums()
        added = recurrent
        if count < rows:
            zero = Const.scalar(F32, 0.0)
            part = _cut(g, recurrent, 1, 0, count)
            added = g.add(PadConst(begins=(0, 0), ends=(0, rows - count), value=zero), part)
        return apply(g, arg(0) + arg(1), bias, added), recurrent


def _cut(g: GraphBuilder, x: str, axis: int, start: int, size: int) -> str:
    """`size` elements along an axis; '' stays absent."""
    if not x:
        return ""
    shape = list(g.shape(x))
    starts = [0] * len(shape)
    starts[axis], shape[axis] = start, size
    if tuple(shape) == g.shape(x):
        return x
    return g.add(StridedSlice(starts=tuple(starts), steps=(1,) * len(shape), sizes=tuple(shape)), x)


def _panels(g: GraphBuilder, x: str, gates: int, columns: int) -> str:
    """[D, gates * H, ..] as [D, panels * gates * columns, ..], zero beyond H."""
    directions, rows, *rest = g.shape(x)
    hidden = rows // gates
    panels = -(-hidden // columns)
    x = reshape(g, x, (directions, gates, hidden, *rest))
    missing = panels * columns - hidden
    if missing:
        begins, ends = (0,) * (3 + len(rest)), (0, 0, missing, *([0] * len(rest)))
        x = g.add(PadConst(begins=begins, ends=ends, value=Const.scalar(F32, 0.0)), x)
    if gates > 1:
        x = reshape(g, x, (directions, gates, panels, columns, *rest))
        x = transpose(g, x, (0, 2, 1, 3, 4)[: 4 + len(rest)])
    return reshape(g, x, (directions, panels * gates * columns, *rest))


def _stage_weights(g: GraphBuilder, r: str, gates: int, cell: cells.Cell) -> list[str]:
    """The recurrent weights of each stage, packed."""
    hidden = g.shape(r)[2]
    first, packed = 0, []
    for stage in cell.stages:
        count = len(stage.starts)
        part = _cut(g, r, 1, first * hidden, count * hidden)
        part = _panels(g, part, count, cell.columns)
        packed.append(g.add(PackPanels(transposed=True, columns=count * cell.columns), part))
        first += count
    return packed


@register("RNN", since=7)
class RNN7(_Layer):
    """H' = f(X W + H R + B)."""

    def cell(self, functions: Sequence[cells.Activation], inputs: Sequence[str]) -> cells.Cell:
        """One gate."""
        return cells.rnn(functions[0])


@register("RNN", since=1)
class RNN1(RNN7):
    """RNN, which tells whether the first output is wanted; that shows by its name as well."""

    output_sequence: bool = False


@register("RNN", since=14)
class RNN(RNN7):
    """H' = f(X W + H R + B), in either layout."""

    layout: int = 0


@register("GRU", since=7)
class GRU7(_Layer):
    """The gates z, r and h; see `cells.gru`."""

    GATES = 3
    NAMES = 2

    activations: tuple[str, ...] = ("Sigmoid", "Tanh")
    linear_before_reset: bool = False

    def cell(self, functions: Sequence[cells.Activation], inputs: Sequence[str]) -> cells.Cell:
        """Both forms."""
        f, g = functions
        return cells.gru(f, g, self.linear_before_reset, bool(inputs[3]))

    def in_sums(self) -> int:
        """In the linear form the bias of h is multiplied by r."""
        return 2 if self.linear_before_reset else 3

    def fixed(self, g: GraphBuilder, inputs: Sequence[str], recurrent_bias: str) -> list[str]:
        """That bias."""
        if not (self.linear_before_reset and recurrent_bias):
            return []
        hidden = g.shape(recurrent_bias)[1] // 3
        return [_cut(g, recurrent_bias, 1, 2 * hidden, hidden)]


@register("GRU", since=3)
class GRU3(GRU7):
    """GRU, which tells whether the first output is wanted."""

    output_sequence: bool = False


@register("GRU", since=1)
class GRU1(GRU3):
    """GRU without its linear form."""


@register("GRU", since=14)
class GRU(GRU7):
    """The gates z, r and h, in either layout."""

    layout: int = 0


@register("LSTM", since=7)
class LSTM7(_Layer):
    """The gates i, o, f and c; see `cells.lstm`."""

    GATES = 4
    NAMES = 3
    CELL = True

    activations: tuple[str, ...] = ("Sigmoid", "Tanh", "Tanh")
    input_forget: bool = False

    def infer(
        self,
        x: TensorType,
        w: TensorType,
        r: TensorType,
        b: TensorType | None = None,
        lengths: TensorType | None = None,
        h: TensorType | None = None,
        c: TensorType | None = None,
        p: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """Y, Y_h and Y_c."""
        return self._types(x, w, r, b, lengths, (h, c), p)

    def cell(self, functions: Sequence[cells.Activation], inputs: Sequence[str]) -> cells.Cell:
        """With or without peepholes."""
        f, g, h = functions
        return cells.lstm(f, g, h, bool(inputs[7]), self.input_forget)

    def fixed(self, g: GraphBuilder, inputs: Sequence[str], recurrent_bias: str) -> list[str]:
        """The peepholes of i, o and f."""
        p = inputs[7]
        hidden = g.shape(p)[1] // 3 if p else 0
        return [_cut(g, p, 1, k * hidden, hidden) for k in range(3)] if p else []


@register("LSTM", since=1)
class LSTM1(LSTM7):
    """LSTM, which tells whether the first output is wanted."""

    output_sequence: bool = False


@register("LSTM", since=14)
class LSTM(LSTM7):
    """The gates i, o, f and c, in either layout."""

    layout: int = 0
