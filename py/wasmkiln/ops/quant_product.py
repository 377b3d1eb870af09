"""onnxruntime's own products and convolutions of quantized values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.dtype import F32, I32
from ..ir.expr import arg, cast
from ..ir.types import TensorType
from .base import MICROSOFT, Op, create, register
from .compose import apply, reshape, standard, transpose
from .matmul import Gemm, MatMul
from .quant_linear import QLinearConv, broad, centred, of_rows, requantized

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__ = ["MatMulIntegerToFloat"]


def _product(a: TensorType, b: TensorType) -> TensorType:
    """The type of a product of floats of these shapes."""
    return MatMul().infer(TensorType(F32, a.shape), TensorType(F32, b.shape))[0]


@register("MatMulIntegerToFloat", domain=MICROSOFT)
class MatMulIntegerToFloat(Op):
    """The product of matrices of bytes as real values: scales and zero points are taken care of."""

    def infer(
        self,
        a: TensorType,
        b: TensorType,
        a_scale: TensorType,
        b_scale: TensorType,
        a_zero: TensorType | None = None,
        b_zero: TensorType | None = None,
        bias: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """The shape of the product."""
        t = _product(a, b)
        for p in (b_scale, b_zero, bias):
            if p is not None and p.size not in (1, b.shape[-1]):
                raise ShapeError(f"{p} suits neither all nor each column of {b}")
        return (TensorType(b_scale.dtype, t.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A product of differences from zero points, which are exact, times the scales."""
        a, b, a_scale, b_scale, a_zero, b_zero, bias = (*inputs, "", "", "")[:7]
        sums = g.add(
            MatMul(),
            centred(g, a, a_zero and of_rows(g, a_zero)),
            centred(g, b, b_zero and broad(g, b_zero)),
        )
        factor = apply(g, arg(0) * arg(1), of_rows(g, a_scale), broad(g, b_scale))
        y = arg(0) * arg(1)
        return (apply(g, y + arg(2), sums, factor, bias) if bias else apply(g, y, sums, factor),)


@register("DynamicQuantizeMatMul", domain=MICROSOFT)
class DynamicQuantizeMatMul(Op):
    """The product of floats, which are quantized first, and a matrix of bytes."""

    def infer(
        self,
        a: TensorType,
        b: TensorType,
        b_scale: TensorType,
        b_zero: TensorType | None = None,
        bias: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """The shape of the product."""
        return MatMulIntegerToFloat().infer(a, b, b_scale, b_scale, None, b_zero, bias)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A DynamicQuantizeLinear and a product."""
        a, b, b_scale, b_zero, bias = (*inputs, "", "")[:5]
        op = create("", "DynamicQuantizeLinear", 11, {})
        x, scale, zero = g.add_all(op, (a,), n_outputs=3)
        return (g.add(MatMulIntegerToFloat(), x, b, scale, b_scale, zero, b_zero, bias),)


@register("MatMulInteger16", domain=MICROSOFT)
class MatMulInteger16(Op):
    """The product of matrices of 16-bit integers, in 32 bits."""

    def infer(self, a: TensorType, b: TensorType) -> tuple[TensorType, ...]:
        """The shape of the product."""
        return (TensorType(I32, _product(a, b).shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A product of wider integers."""
        wide = (apply(g, cast(arg(0, g.type(x).dtype), I32), x) for x in inputs)
        return (g.add(MatMul(), *wide),)


@register("QGemm", domain=MICROSOFT)
class QGemm(Op):
    """alpha * A' @ B' + C of quantized matrices, as floats or quantized again."""

    alpha: float = 1.0
    transA: bool = False
    transB: bool = False

    def infer(
        self,
        a: TensorType,
        a_scale: TensorType,
        a_zero: TensorType,
        b: TensorType,
        b_scale: TensorType,
        b_zero: TensorType,
        c: TensorType | None = None,
        y_scale: TensorType | None = None,
        y_zero: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """The product's shape; the dtype of the output's zero point, or floats."""
        if (y_scale is None) != (y_zero is None):
            raise UnsupportedOperatorError("the output has a scale or a zero point, but not both")
        left, right = (TensorType(F32, t.shape) for t in (a, b))
        summand = TensorType(F32, c.shape) if c else None
        gemm = Gemm(transA=self.transA, transB=self.transB)
        shape = gemm.infer(left, right, summand)[0].shape
        return (TensorType(y_zero.dtype if y_zero else F32, shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Gemm of differences from zero points; C has the sums' own scale."""
        a, a_scale, a_zero, b, b_scale, b_zero, c, y_scale, y_zero = (*inputs, "", "", "")[:9]
        b = transpose(g, b, (1, 0)) if self.transB else b
        operands = [centred(g, a, broad(g, a_zero)), centred(g, b, broad(g, b_zero))]
        if c:
            operands.append(apply(g, cast(arg(0, g.type(c).dtype), F32), c))
        sums = g.add(Gemm(transA=self.transA), *operands)
        a_scale, b_scale = broad(g, a_scale), broad(g, b_scale)
        if self.alpha != 1.0:
            a_scale = apply(g, arg(0) * self.alpha, a_scale)
        if y_scale:
            return (requantized(g, sums, a_scale, b_scale, y_scale, y_zero),)
        return (apply(g, arg(0) * (arg(1) * arg(2)), sums, a_scale, b_scale),)


@register("QLinearConv", domain=MICROSOFT)
class ContribQLinearConv(QLinearConv):
    """QLinearConv, also of images whose channels are last."""

    channels_last: bool = False

    def infer(self, x: TensorType, *rest: TensorType) -> tuple[TensorType, ...]:  # type: ignore[override]
        """The shape of the convolution."""
        if not self.channels_last or x.rank < 3:
            return super().infer(x, *rest)
        first = TensorType(x.dtype, (x.shape[0], x.shape[-1], *x.shape[1:-1]))
        (y,) = super().infer(first, *rest)
        return (TensorType(y.dtype, (y.shape[0], *y.shape[2:], y.shape[1])),)

    @classmethod
    def arity(cls) -> tuple[int, int]:
        """All but the bias."""
        return QLinearConv.arity()

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A QLinearConv, between transposes where channels are last."""
        x, *rest = inputs
        rank = g.type(x).rank
        conv = QLinearConv(**{name: getattr(self, name) for name in QLinearConv.fields})
        if not self.channels_last:
            return (g.add(conv, x, *rest),)
        first = transpose(g, x, (0, rank - 1, *range(1, rank - 1)))
        return (transpose(g, g.add(conv, first, *rest), (0, *range(2, rank), 1)),)


@register("DynamicQuantizeLSTM", domain=MICROSOFT)
class DynamicQuantizeLSTM(Op):
    """An LSTM whose weights are bytes, [D, I, 4 * H] and [D, H, 4 * H].

    Its inputs need not be quantized here, so that the result is more exact.
    """

    activation_alpha: tuple[float, ...] = ()
    activation_beta: tuple[float, ...] = ()
    activations: tuple[str, ...] | None = None
    clip: float | None = None
    direction: str = "forward"
    hidden_size: int | None = None
    input_forget: bool = False

    def infer(
        self,
        x: TensorType,
        w: TensorType,
        r: TensorType,
        b: TensorType | None,
        lengths: TensorType | None,
        h: TensorType | None,
        c: TensorType | None,
        p: TensorType | None,
        w_scale: TensorType,
        w_zero: TensorType,
        r_scale: TensorType,
        r_zero: TensorType,
    ) -> tuple[TensorType, ...]:
        """Y, Y_h and Y_c."""
        if w.rank != 3 or r.rank != 3:
            raise ShapeError(f"W is {w} and R is {r}; both must have rank 3")
        turned = (TensorType(x.dtype, (t.shape[0], *t.shape[:0:-1])) for t in (w, r))
        return self._lstm().infer(x, *turned, b, lengths, h, c, p)

    def _lstm(self) -> Op:
        given = {name: getattr(self, name) for name in self.fields}
        return create("", "LSTM", 7, {k: v for k, v in given.items() if v is not None})

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Weights as floats, which init computes, and an LSTM."""
        x, w, r, *rest = inputs[:8]
        w, r = (
            self._weights(g, v, *parameters)
            for v, parameters in ((w, inputs[8:10]), (r, inputs[10:12]))
        )
        return g.add_all(self._lstm(), (x, w, r, *rest), n_outputs=3)

    def _weights(self, g: GraphBuilder, w: str, scale: str, zero: str) -> str:
        """[D, 4 * H, ..] in f32; parameters are one for each direction, or for each row."""
        x = centred(g, w, self._along(g, zero))
        whole = standard(g, "Mul", x, self._along(g, scale))
        return transpose(g, whole, (0, 2, 1))

    def _along(self, g: GraphBuilder, parameter: str) -> str:
        t = g.type(parameter)
        if t.size == 1:
            return reshape(g, parameter, ())
        return reshape(g, parameter, (t.shape[0], 1, t.size // t.shape[0]))
