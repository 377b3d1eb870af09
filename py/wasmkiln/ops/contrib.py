"""onnxruntime's own forms of ONNX's operators, and its small operators of all kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.const import Const
from ..ir.dtype import BOOL, F32
from ..ir.expr import Expr, arg, call, cast
from ..ir.shape import broadcast, normalize_axis
from ..ir.types import TensorType
from .activation import gelu
from .base import MICROSOFT, Op, create, register
from .compose import apply, reshape, standard, transpose
from .constant import Range
from .conv_transpose import ConvTranspose
from .gather import GatherND, Take
from .grid import GridSample16
from .heads import cut
from .mask import Trilu
from .movement import constant_ints
from .pad import Pad
from .pool import MaxPool
from .reshape import Unsqueeze1

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []


@register("Trilu", domain=MICROSOFT)
class ContribTrilu(Trilu):
    """Trilu."""


@register("GatherND", domain=MICROSOFT)
class ContribGatherND(GatherND):
    """GatherND."""


@register("GridSample", domain=MICROSOFT)
class ContribGridSample(GridSample16):
    """GridSample."""


@register("Pad", domain=MICROSOFT)
class ContribPad(Pad):
    """Pad, whose widths may be a row of a matrix."""


@register("Range", domain=MICROSOFT)
class ContribRange(Range):
    """Range, with steps of 1 by default."""

    def infer(
        self, start: TensorType, limit: TensorType, delta: TensorType | None = None
    ) -> tuple[TensorType, ...]:
        """As many elements as there are steps."""
        one = TensorType.of(Const.scalar(start.dtype, 1))
        return super().infer(start, limit, delta if delta is not None else one)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The elements, if they are few."""
        start, limit, delta = (*inputs, None)[:3]
        assert start is not None
        return super().evaluate(start, limit, delta or Const.scalar(start.dtype, 1))

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """ONNX's own Range."""
        start, limit, delta = (*inputs, "")[:3]
        delta = delta or g.scalar(1, g.type(start).dtype)
        return (g.add(Range(), start, limit, delta),)


@register("ExpandDims", domain=MICROSOFT)
class ExpandDims(Op):
    """x with a new dimension of size 1, at a place that is an input."""

    def infer(self, x: TensorType, axis: TensorType) -> tuple[TensorType, ...]:
        """One more dimension."""
        return self._newer(axis).infer(x)

    def _newer(self, axis: TensorType) -> Unsqueeze1:
        return Unsqueeze1(axes=constant_ints(axis, "the axis"))

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The same elements."""
        x, axis = inputs
        assert axis is not None
        return self._newer(TensorType.of(axis)).evaluate(x)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """An Unsqueeze."""
        x, axis = inputs
        return (g.add(self._newer(g.type(axis)), x),)


@register("NhwcMaxPool", domain=MICROSOFT)
class NhwcMaxPool(MaxPool):
    """MaxPool of images whose channels are last."""

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The spatial sizes become the numbers of positions."""
        if x.rank < 3:
            raise ShapeError(f"the input {x} has no spatial axes")
        (y,) = super().infer(TensorType(x.dtype, (x.shape[0], x.shape[-1], *x.shape[1:-1])))
        return (TensorType(x.dtype, (y.shape[0], *y.shape[2:], y.shape[1])),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A MaxPool between transposes."""
        (x,) = inputs
        rank = g.type(x).rank
        pool = MaxPool(**{name: getattr(self, name) for name in MaxPool.fields})
        y = g.add(pool, transpose(g, x, (0, rank - 1, *range(1, rank - 1))))
        return (transpose(g, y, (0, *range(2, rank), 1)),)


@register("ConvTransposeWithDynamicPads", domain=MICROSOFT)
class ConvTransposeWithDynamicPads(Op):
    """ConvTranspose, whose pads are an input."""

    auto_pad: str = "NOTSET"
    dilations: tuple[int, ...] | None = None
    group: int = 1
    kernel_shape: tuple[int, ...] | None = None
    output_padding: tuple[int, ...] | None = None
    strides: tuple[int, ...] | None = None

    def infer(
        self,
        x: TensorType,
        w: TensorType,
        pads: TensorType | None = None,
        b: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """As of ConvTranspose."""
        return self._newer(pads).infer(x, w, *((b,) if b else ()))

    def _newer(self, pads: TensorType | None) -> ConvTranspose:
        given = {name: getattr(self, name) for name in self.fields}
        return ConvTranspose(pads=constant_ints(pads, "the padding") if pads else None, **given)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A ConvTranspose."""
        x, w, pads, b = (*inputs, "", "")[:4]
        return (g.add(self._newer(g.type(pads) if pads else None), x, w, *((b,) if b else ())),)


@register("BiasSoftmax", domain=MICROSOFT)
class BiasSoftmax(Op):
    """The softmax of data + bias, over all dimensions from `axis` on together.

    is_inner_broadcast: which dimensions of the bias are repeated; its shape says so as well.
    """

    is_inner_broadcast: bool
    axis: int = 1

    def infer(self, x: TensorType, bias: TensorType) -> tuple[TensorType, ...]:
        """The type of the data."""
        if broadcast(x.shape, bias.shape) != x.shape:
            raise ShapeError(f"the bias {bias} does not broadcast to {x}")
        return create("", "Softmax", 11, {"axis": self.axis}).infer(x)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A sum and a Softmax."""
        total = standard(g, "Add", *inputs)
        return (g.add(create("", "Softmax", 11, {"axis": self.axis}), total),)


@register("BiasAdd", domain=MICROSOFT)
class BiasAdd(Op):
    """x + bias + skip."""

    def infer(self, x: TensorType, bias: TensorType, skip: TensorType) -> tuple[TensorType, ...]:
        """The type of x."""
        if broadcast(x.shape, bias.shape, skip.shape) != x.shape:
            raise ShapeError(f"the bias {bias} and {skip} do not broadcast to {x}")
        return (TensorType(x.dtype, x.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Two sums."""
        return (standard(g, "Sum", *inputs),)


@register("BiasSplitGelu", domain=MICROSOFT)
class BiasSplitGelu(Op):
    """One half of x + bias times Gelu of the other one, halves being of the last dimension."""

    def infer(self, x: TensorType, bias: TensorType) -> tuple[TensorType, ...]:
        """Half of the last dimension."""
        if not x.rank or x.shape[-1] % 2 or bias.shape != x.shape[-1:]:
            raise ShapeError(f"the bias {bias} does not suit two halves of {x}")
        return (TensorType(x.dtype, (*x.shape[:-1], x.shape[-1] // 2)),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Map of four slices."""
        x, bias = inputs
        t = g.type(x)
        half = t.shape[-1] // 2
        parts = [cut(g, x, t.rank - 1, i * half, half) for i in (0, 1)]
        parts += [cut(g, bias, 0, i * half, half) for i in (0, 1)]
        a, b, c, d = (arg(i, t.dtype) for i in range(4))
        return (apply(g, (a + c) * gelu(b + d), *parts),)


@register("CDist", domain=MICROSOFT)
class CDist(Op):
    """The distance of each row of a to each row of b."""

    metric: str = "sqeuclidean"

    def infer(self, a: TensorType, b: TensorType) -> tuple[TensorType, ...]:
        """A row for each row of a, a column for each of b."""
        if self.metric not in ("sqeuclidean", "euclidean"):
            raise UnsupportedOperatorError(f"metric '{self.metric}' is unknown")
        if a.rank != 2 or b.rank != 2 or a.shape[1] != b.shape[1] or a.dtype != b.dtype:
            raise ShapeError(f"A is {a} and B is {b}")
        return (TensorType(a.dtype, (a.shape[0], b.shape[0])),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Squares minus twice the product, not below 0."""
        a, b = inputs
        dtype = g.type(a).dtype
        rows, columns = (
            standard(g, "ReduceSumSquare", x, g.ints([1]), keepdims=True) for x in inputs
        )
        product = standard(g, "Gemm", a, b, transB=True)
        x, y, z = (arg(i, dtype) for i in range(3))
        distance: Expr = call("max", x + y - z * 2, 0)
        if self.metric == "euclidean":
            distance = call("sqrt", distance)
        return (apply(g, distance, rows, reshape(g, columns, (1, g.shape(b)[0])), product),)


class _ComplexMul(Op):
    def infer(self, a: TensorType, b: TensorType) -> tuple[TensorType, ...]:
        """The broadcast shape."""
        if not a.rank or not b.rank or a.shape[-1] != 2 or b.shape[-1] != 2 or a.dtype != b.dtype:
            raise ShapeError(f"{a} and {b} do not both hold pairs")
        return (TensorType(a.dtype, broadcast(a.shape, b.shape)),)

    def _expand(self, g: GraphBuilder, inputs: tuple[str, ...], sign: float) -> str:
        dtype = g.type(inputs[0]).dtype
        parts = [cut(g, x, g.type(x).rank - 1, i, 1) for x in inputs for i in (0, 1)]
        p, q, r, s = (arg(i, dtype) for i in range(4))
        s = s * sign
        real, imaginary = apply(g, p * r - q * s, *parts), apply(g, p * s + q * r, *parts)
        return standard(g, "Concat", real, imaginary, axis=-1)


@register("ComplexMul", domain=MICROSOFT)
class ComplexMul(_ComplexMul):
    """The product of complex numbers, pairs of reals."""

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Slices, two Maps and their concatenation."""
        return (self._expand(g, inputs, 1.0),)


@register("ComplexMulConj", domain=MICROSOFT)
class ComplexMulConj(_ComplexMul):
    """The product of complex numbers and conjugate ones."""

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Slices, two Maps and their concatenation."""
        return (self._expand(g, inputs, -1.0),)


@register("IsAllFinite", domain=MICROSOFT)
class IsAllFinite(Op):
    """Whether no element of any input is an infinity or NaN."""

    isinf_only: bool = False
    isnan_only: bool = False

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        """One bool."""
        if self.isinf_only and self.isnan_only:
            raise UnsupportedOperatorError("both isinf_only and isnan_only are set")
        return (TensorType(BOOL, ()),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """The greatest number of each input that tells a wrong element, then of all."""
        found = [self._wrong(g, x) for x in inputs if g.type(x).size]
        worst = standard(g, "Max", g.scalar(0.0), *found)
        return (apply(g, call("eq", arg(0), 0.0), worst),)

    def _wrong(self, g: GraphBuilder, x: str) -> str:
        value = arg(0, g.type(x).dtype)
        is_nan = call("ne", value, value)
        is_infinite = call("eq", call("abs", value), float("inf"))
        wrong = call("or", is_nan, is_infinite)
        if self.isinf_only or self.isnan_only:
            wrong = is_infinite if self.isinf_only else is_nan
        return standard(g, "ReduceMax", apply(g, cast(wrong, F32), x), keepdims=False)


@register("UnfoldTensor", domain=MICROSOFT)
class UnfoldTensor(Op):
    """All pieces of `size` elements of a dimension, `step` apart, as a new last dimension."""

    size: int
    dim: int = -1
    step: int = 1

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The number of pieces, and their size."""
        axis = normalize_axis(self.dim, x.rank)
        if not 0 < self.size <= x.shape[axis] or self.step < 1:
            raise ShapeError(f"pieces of {self.size}, {self.step} apart, of axis {axis} of {x}")
        count = (x.shape[axis] - self.size) // self.step + 1
        return (TensorType(x.dtype, (*x.shape[:axis], count, *x.shape[axis + 1 :], self.size)),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Take and a transpose."""
        (x,) = inputs
        axis = normalize_axis(self.dim, g.type(x).rank)
        shape = self.infer(g.type(x))[0].shape[:-1]
        places = [i * self.step + k for i in range(shape[axis]) for k in range(self.size)]
        y = g.add(Take(axis=axis, indices=tuple(places)), x)
        y = reshape(g, y, (*shape[: axis + 1], self.size, *shape[axis + 1 :]))
        order = (*range(axis + 1), *range(axis + 2, len(shape) + 1), axis + 1)
        return (transpose(g, y, order),)
