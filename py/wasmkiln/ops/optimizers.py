"""Steps of training: Adagrad, Adam and Momentum of ai.onnx.preview.training.

inputs: R, the learning rate; T, how often the step was made before; then for each kind of tensor
(weights, gradients, accumulated values) one for each weight. outputs: the same without gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.dtype import F64, I64
from ..ir.expr import Expr, arg, call, cast, const, select
from ..ir.types import TensorType
from .base import Op, register
from .compose import apply, reshape

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []

DOMAIN = "ai.onnx.preview.training"


class _Optimizer(Op):
    """One step for all weights, as expressions of the elements of each."""

    kinds: ClassVar[int]  # of tensors for each weight

    def infer(self, r: TensorType, t: TensorType, *tensors: TensorType) -> tuple[TensorType, ...]:
        """The types of all but the gradients."""
        if r.size != 1 or t.size != 1 or t.dtype != I64 or not r.dtype.is_float:
            raise ShapeError(f"R is {r} and T is {t}; both must be one number")
        count, rest = divmod(len(tensors), self.kinds)
        if rest or not count:
            raise ShapeError(f"{len(tensors)} tensors are given, {self.kinds} for each weight")
        for i, x in enumerate(tensors):
            first = tensors[i % count]
            if (x.dtype, x.shape) != (first.dtype, first.shape) or not x.dtype.is_float:
                raise ShapeError(f"{x} is given for the weight {first}")
        kept = (*tensors[:count], *tensors[2 * count :])
        return tuple(TensorType(x.dtype, x.shape) for x in kept)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """An elementwise operation for each output."""
        r, t, *tensors = inputs
        r, t = reshape(g, r, ()), reshape(g, t, ())
        count = len(tensors) // self.kinds
        made: list[tuple[str, ...]] = []
        for own in (tensors[i::count] for i in range(count)):
            dtype = g.type(own[0]).dtype
            values = [arg(i, dtype) for i in range(self.kinds)]
            rate = cast(arg(self.kinds, g.type(r).dtype), F64)
            times = cast(arg(self.kinds + 1, I64), F64)
            made.append(tuple(apply(g, e, *own, r, t) for e in self._step(rate, times, *values)))
        return tuple(name for kind in zip(*made, strict=True) for name in kind)

    def _step(self, rate: Expr, times: Expr, *values: Expr) -> Sequence[Expr]:
        """The new values of all but the gradient. rate and times are in f64."""
        raise NotImplementedError


@register("Adagrad", domain=DOMAIN)
class Adagrad(_Optimizer):
    """Each step is divided by the root of the sum of all squared gradients."""

    kinds: ClassVar[int] = 3
    decay_factor: float = 0.0
    epsilon: float = 1e-6
    norm_coefficient: float = 0.0

    def _step(self, rate: Expr, times: Expr, *values: Expr) -> Sequence[Expr]:
        x, gradient, h = values
        g = x * self.norm_coefficient + gradient
        now = cast(rate / (times * self.decay_factor + 1.0), x.dtype)
        squares = h + g * g
        return x - now * g / (call("sqrt", squares) + self.epsilon), squares


@register("Adam", domain=DOMAIN)
class Adam(_Optimizer):
    """The running mean of gradients, divided by the root of that of their squares."""

    kinds: ClassVar[int] = 4
    alpha: float = 0.9
    beta: float = 0.999
    epsilon: float = 1e-6
    norm_coefficient: float = 0.0
    norm_coefficient_post: float = 0.0

    def _step(self, rate: Expr, times: Expr, *values: Expr) -> Sequence[Expr]:
        x, gradient, v, h = values
        g = x * self.norm_coefficient + gradient
        mean = v * self.alpha + g * (1 - self.alpha)
        squares = h * self.beta + g * g * (1 - self.beta)

        def missing(factor: float) -> Expr:
            """What the running means lack at first, as they begin with zeros."""
            return 1.0 - call("pow", const(factor, F64), times)

        early = rate * call("sqrt", missing(self.beta)) / missing(self.alpha)
        now = cast(select(times > 0.0, early, rate), x.dtype)
        new = x - now * (mean / (call("sqrt", squares) + self.epsilon))
        return new * (1 - self.norm_coefficient_post), mean, squares


@register("Momentum", domain=DOMAIN)
class Momentum(_Optimizer):
    """Each step goes on with a part of the one before."""

    kinds: ClassVar[int] = 3
    alpha: float
    beta: float
    mode: str
    norm_coefficient: float

    def _step(self, rate: Expr, times: Expr, *values: Expr) -> Sequence[Expr]:
        if self.mode not in ("standard", "nesterov"):
            raise UnsupportedOperatorError(f"mode '{self.mode}' is unknown")
        x, gradient, v = values
        g = x * self.norm_coefficient + gradient
        share = cast(select(times > 0.0, const(self.beta, F64), 1.0), x.dtype)
        step = v * self.alpha + share * g
        way = g + step * self.alpha if self.mode == "nesterov" else step
        return x - cast(rate, x.dtype) * way, step
