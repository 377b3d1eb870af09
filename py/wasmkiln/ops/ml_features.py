"""ArrayFeatureExtractor and FeatureVectorizer: features picked, and put beside each other."""

from __future__ import annotations

from math import prod

from ..errors import InvalidModelError, ShapeError
from ..ir.builder import GraphBuilder
from ..ir.const import Const
from ..ir.dtype import F32, I64
from ..ir.types import TensorType
from .base import Op, register
from .compose import cast_to, expand_to, reshape, standard
from .movement import StridedSlice

DOMAIN = "ai.onnx.ml"


@register("ArrayFeatureExtractor", since=1, domain=DOMAIN)
class ArrayFeatureExtractor(Op):
    """Elements picked along the last axis; of a vector, a row [1, n]."""

    def infer(self, x: TensorType, indices: TensorType) -> tuple[TensorType, ...]:
        """As many as there are indices in the last axis' place."""
        if not x.rank or not indices.size or indices.dtype != I64:
            raise ShapeError(f"{indices} picks nothing from {x}")
        outer = (1,) if x.rank == 1 else x.shape[:-1]
        return (TensorType(x.dtype, (*outer, indices.size)),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Gather."""
        x, indices = inputs
        (out,) = self.infer(g.type(x), g.type(indices))
        flat = reshape(g, indices, (g.type(indices).size,))
        return (reshape(g, standard(g, "Gather", x, flat, axis=-1), out.shape),)


@register("FeatureVectorizer", since=1, domain=DOMAIN)
class FeatureVectorizer(Op):
    """Rows of several inputs behind each other as f32, each cut or filled up to its dimension."""

    inputdimensions: tuple[int, ...] = ()

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        """[N, sum of the dimensions]."""
        rows = [1 if t.rank == 1 else t.shape[0] for t in inputs]
        if 0 in (t.rank for t in inputs) or len(set(rows)) != 1:
            raise ShapeError(f"{', '.join(map(str, inputs))} have different numbers of rows")
        return (TensorType(F32, (rows[0], sum(self._widths(*inputs)))),)

    def _widths(self, *inputs: TensorType) -> tuple[int, ...]:
        if not self.inputdimensions:
            return tuple(map(_width, inputs))
        if len(self.inputdimensions) != len(inputs) or min(self.inputdimensions) < 0:
            raise InvalidModelError(
                f"inputdimensions are {self.inputdimensions} for {len(inputs)} inputs"
            )
        return self.inputdimensions

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Concat of slices and zeros."""
        types = [g.type(x) for x in inputs]
        (out,) = self.infer(*types)
        rows = out.shape[0]
        parts: list[str] = []
        for x, t, wanted in zip(inputs, types, self._widths(*types), strict=True):
            own = _width(t)
            part = cast_to(g, reshape(g, x, (rows, own)), F32)
            if own > wanted:
                op = StridedSlice(starts=(0, 0), steps=(1, 1), sizes=(rows, wanted))
                part = g.add(op, part)
            parts.append(part)
            if own < wanted:
                zero = g.const(Const.of(F32, (1, 1), (0.0,)), "zero")
                parts.append(expand_to(g, zero, (rows, wanted - own)))
        return (parts[0] if len(parts) == 1 else standard(g, "Concat", *parts, axis=1),)


def _width(t: TensorType) -> int:
    return t.size if t.rank == 1 else prod(t.shape[1:])
