"""FlexAttention: attention whose scores and weights pass through graphs of the model's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.dtype import BY_ONNX, F32, F64, DType
from ..ir.graph import Graph
from ..ir.shape import Shape
from ..ir.types import TensorType
from .base import CallGraph, Op, register
from .compose import reshape, standard, transpose

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []


@register("FlexAttention", since=1, domain="ai.onnx.preview")
class FlexAttention(Op):
    """prob_mod(softmax(score_mod(Q @ K.T * scale))) @ V; several query heads may share a K and V.

    Inputs are [batch, heads, length, size].
    """

    calls_graphs: ClassVar[bool] = True
    prob_mod: Graph | None = None
    score_mod: Graph | None = None
    scale: float | None = None
    softmax_precision: int | None = None

    def infer(self, q: TensorType, k: TensorType, v: TensorType) -> tuple[TensorType, ...]:
        """Y like Q with V's size."""
        if not q.rank == k.rank == v.rank == 4 or not q.dtype == k.dtype == v.dtype:
            raise ShapeError(f"Q {q}, K {k} and V {v} are not alike of rank 4")
        fits = q.shape[0] == k.shape[0] == v.shape[0] and k.shape[1:3] == v.shape[1:3]
        if not fits or q.shape[3] != k.shape[3] or not k.shape[1] or q.shape[1] % k.shape[1]:
            raise ShapeError(f"Q {q}, K {k} and V {v} do not fit")
        self._precision(q.dtype)
        return (TensorType(v.dtype, (*q.shape[:3], v.shape[3])),)

    def _precision(self, dtype: DType) -> DType:
        """The dtype of scores and weights."""
        if self.softmax_precision is None:
            return F64 if dtype == F64 else F32
        precision = BY_ONNX.get(self.softmax_precision)
        if precision is None or not precision.is_float:
            raise UnsupportedOperatorError(f"a softmax in {precision or self.softmax_precision}")
        return precision

    def inline(self, g: GraphBuilder, call: CallGraph, *inputs: str) -> tuple[str, ...]:
        """Products, a softmax and the graphs; heads that share a K stand below each other."""
        q, k, v = inputs
        dtype = g.type(q).dtype
        wide = self._precision(dtype)
        batch, heads, length, size = g.shape(q)
        _, shared, keys, _ = g.shape(k)
        rows: Shape = (batch, shared, heads // shared * length)
        scale = size**-0.5 if self.scale is None else self.scale
        scaled = reshape(g, standard(g, "Mul", q, g.scalar(scale, dtype)), (*rows, size))
        raw = standard(g, "MatMul", scaled, transpose(g, k, (0, 1, 3, 2)))
        scores = _in(g, reshape(g, raw, (batch, heads, length, keys)), wide)
        if self.score_mod is not None:
            (scores,) = call(self.score_mod, scores)
        weights = standard(g, "Softmax", scores, axis=-1)
        if self.prob_mod is not None:
            (weights,) = call(self.prob_mod, weights)
        y = standard(g, "MatMul", reshape(g, weights, (*rows, keys)), _in(g, v, wide))
        return (_in(g, reshape(g, y, (batch, heads, length, g.shape(v)[3])), dtype),)


def _in(g: GraphBuilder, x: str, dtype: DType) -> str:
    """The value in a dtype by an operator of ONNX, for halves are promoted later."""
    return x if g.type(x).dtype == dtype else standard(g, "Cast", x, to=dtype.onnx)
