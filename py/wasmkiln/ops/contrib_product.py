"""Products and convolutions that onnxruntime's optimizer has fused with what stood around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import InvalidModelError, UnsupportedOperatorError
from ..ir.expr import arg
from ..ir.types import TensorType
from .base import MICROSOFT, Attribute, Op, create, register
from .compose import apply, standard, transpose
from .matmul import Gemm, MatMul
from .quant_linear import ConvAttributes

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []

# The parameters of the activations, in the order in which a FusedConv lists them.
ACTIVATIONS = {
    "Relu": (), "Tanh": (), "Sigmoid": (), "Softplus": (), "Softsign": (), "HardSwish": (),
    "LeakyRelu": ("alpha",), "Elu": ("alpha",), "ThresholdedRelu": ("alpha",),
    "HardSigmoid": ("alpha", "beta"), "Selu": ("alpha", "gamma"), "Clip": ("min", "max"),
}  # fmt: skip


def _activated(g: GraphBuilder, y: str, name: str | None, given: dict[str, Attribute]) -> str:
    """The activation of a value; None or '' is none."""
    if not name:
        return y
    wanted = ACTIVATIONS.get(name)
    if wanted is None:
        raise UnsupportedOperatorError(f"activation '{name}' is not supported")
    missing = [p for p in wanted if given.get(p) is None]
    if missing:
        raise InvalidModelError(f"activation '{name}' has no parameter {', '.join(missing)}")
    opset = 6 if name == "Clip" else 21  # the last one whose limits are attributes
    return g.add(create("", name, opset, {p: given[p] for p in wanted}), y)


@register("FusedConv", domain=MICROSOFT)
class FusedConv(ConvAttributes):
    """activation(conv(x, w) + b + z)."""

    activation: str | None = None
    activation_params: tuple[float, ...] = ()

    def infer(
        self,
        x: TensorType,
        w: TensorType,
        b: TensorType | None = None,
        z: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """The convolution's type."""
        return self.conv().infer(x, w, *((b,) if b else ()))

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Conv, an Add and an activation."""
        x, w, b, z = (*inputs, "", "")[:4]
        y = g.add(self.conv(), x, w, *((b,) if b else ()))
        if z:
            y = standard(g, "Add", y, z)
        names = ACTIVATIONS.get(self.activation or "", ())
        given = dict(zip(names, self.activation_params, strict=False))
        return (_activated(g, y, self.activation, given),)


@register("FusedGemm", domain=MICROSOFT)
class FusedGemm(Gemm):
    """activation(alpha * A' @ B' + beta * C)."""

    activation: str | None = None
    activation_alpha: float | None = None
    activation_beta: float | None = None
    activation_gamma: float | None = None

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Gemm and an activation."""
        gemm = Gemm(**{name: getattr(self, name) for name in Gemm.fields})
        given = {p: getattr(self, f"activation_{p}") for p in ("alpha", "beta", "gamma")}
        return (_activated(g, g.add(gemm, *inputs), self.activation, given),)


@register("TransposeMatMul", domain=MICROSOFT)
class TransposeMatMul(Op):
    """alpha * A' @ B', the last two dimensions being swapped on demand."""

    alpha: float = 1.0
    transA: bool = False
    transB: bool = False

    def infer(self, a: TensorType, b: TensorType) -> tuple[TensorType, ...]:
        """NumPy's rules for the operands as they are meant."""
        left, right = (
            TensorType(t.dtype, tuple(t.shape[p] for p in self._order(i, t.rank)))
            for i, t in enumerate((a, b))
        )
        return MatMul().infer(left, right)

    def _order(self, operand: int, rank: int) -> tuple[int, ...]:
        """The dimensions of an operand as the product has them."""
        swapped = self.transB if operand else self.transA
        batches = getattr(self, "transBatchB" if operand else "transBatchA", False)
        order = list(range(rank))
        if batches and rank > 2:  # the first dimension becomes that of rows
            order = [*range(1, rank - 1), 0, rank - 1]
        if swapped and rank > 1:
            order[-2:] = order[:-3:-1]
        return tuple(order)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Transposes, a MatMul and a factor."""
        operands = (transpose(g, x, self._order(i, g.type(x).rank)) for i, x in enumerate(inputs))
        y = g.add(MatMul(), *operands)
        return (y if self.alpha == 1.0 else apply(g, arg(0, g.type(y).dtype) * self.alpha, y),)


@register("FusedMatMul", domain=MICROSOFT)
class FusedMatMul(TransposeMatMul):
    """alpha * A' @ B'; transBatchA and transBatchB put the first dimension before the last."""

    transBatchA: bool = False
    transBatchB: bool = False
