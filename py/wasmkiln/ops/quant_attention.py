"""onnxruntime's QAttention and QEmbedLayerNormalization: rows of bytes, results in floats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import UnsupportedOperatorError
from ..ir.dtype import F32
from ..ir.types import TensorType
from .base import MICROSOFT, Op, register
from .compose import reshape, standard
from .contrib_attention import ContribAttention, attention_of_rows
from .contrib_norm import EmbedLayerNormalization
from .heads import cut
from .norm import LayerNormalization
from .quant import dequantize
from .quant_product import MatMulIntegerToFloat

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []


def _floats(t: TensorType) -> TensorType:
    return TensorType(F32, t.shape)


@register("QAttention", domain=MICROSOFT)
class QAttention(Op):
    """Attention of rows to themselves, whose projection is a product of bytes."""

    num_heads: int
    unidirectional: bool = False
    scale: float | None = None
    mask_filter_value: float | None = None
    do_rotary: bool = False
    past_present_share_buffer: bool = False
    n_outputs: int = 1

    def infer(
        self,
        x: TensorType,
        weights: TensorType,
        bias: TensorType,
        x_scale: TensorType,
        w_scale: TensorType,
        mask: TensorType | None = None,
        x_zero: TensorType | None = None,
        w_zero: TensorType | None = None,
        past: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """As of Attention."""
        given = {name: getattr(self, name) for name in self.fields}
        return ContribAttention(**given).infer(_floats(x), _floats(weights), bias, mask, past)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Three projections and an attention."""
        x, weights, bias, x_scale, w_scale, mask, x_zero, w_zero, past = (*inputs, *[""] * 4)[:9]
        size = g.shape(weights)[1] // 3

        def part(parameter: str, i: int, axis: int = 0) -> str:
            if not parameter or g.type(parameter).size == 1:
                return parameter
            return cut(g, parameter, axis, i * size, size)

        q, k, v = (
            g.add(
                MatMulIntegerToFloat(), x, part(weights, i, 1), x_scale, part(w_scale, i),
                x_zero, part(w_zero, i), part(bias, i),
            )
            for i in range(3)
        )  # fmt: skip
        return attention_of_rows(g, self, (q, k, v), mask, past, "")[: self.n_outputs]


@register("QEmbedLayerNormalization", domain=MICROSOFT)
class QEmbedLayerNormalization(Op):
    """LayerNormalization of the sum of embeddings, whose tables are bytes."""

    epsilon: float = 1e-12
    n_outputs: int = 1

    def infer(self, *inputs: TensorType | None) -> tuple[TensorType, ...]:
        """As of EmbedLayerNormalization."""
        ids, segments, *tables, mask = inputs[:8]
        if any(inputs[i] is None or inputs[i].size != 1 for i in (8, 9, 11, 12)):  # type: ignore[union-attr]
            raise UnsupportedOperatorError("scales that are not one for all are not supported")
        wide = [None if t is None else _floats(t) for t in tables]
        return EmbedLayerNormalization(n_outputs=self.n_outputs).infer(ids, segments, *wide, mask)  # type: ignore[arg-type, call-arg]

    @classmethod
    def arity(cls) -> tuple[int, int]:
        """Segments and the mask may be absent."""
        return 18, 18

    @classmethod
    def may_lack(cls, index: int) -> bool:
        """Those, and the parameters of segments."""
        return index in (1, 4, 7, 10, 15)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Rows picked from tables, as floats."""
        ids, segments, words, places, table, gamma, beta, mask, *parameters = inputs

        def real(x: str, i: int) -> str:
            scale, zero = (reshape(g, p, ()) for p in (parameters[i], parameters[5 + i]))
            return dequantize(g, x, scale, zero)

        length = g.shape(ids)[1]
        rows = [real(standard(g, "Gather", words, ids), 0)]
        rows.append(real(cut(g, places, 0, 0, length), 1))
        if segments:
            rows.append(real(standard(g, "Gather", table, segments), 2))
        total = standard(g, "Sum", *rows)
        scale = real(gamma, 3), real(beta, 4)
        y = g.add(LayerNormalization(epsilon=self.epsilon), total, *scale)
        counts = EmbedLayerNormalization(epsilon=self.epsilon).count(g, ids, mask)
        return (y, counts)[: self.n_outputs]
