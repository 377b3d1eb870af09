"""NonMaxSuppression: kernels fill a buffer as large as the result can get, the host trims it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.const import Const
from ..ir.dtype import F32, I32, I64, DType
from ..ir.types import TensorType
from ..program.kernels.nms import NmsCollectSpec, NmsSpec
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from .base import INTERNAL, Op, register
from .host import Trim

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__: list[str] = []


@register("NonMaxBounded", domain=INTERNAL)
class NonMaxBounded(Op):
    """Rows (batch entry, class, box) of the boxes that are left, then others; the number of those.

    most: how many boxes a class may keep; none if that is not given.
    """

    center_point_box: bool = False

    def infer(
        self,
        boxes: TensorType,
        scores: TensorType,
        most: TensorType | None = None,
        iou: TensorType | None = None,
        threshold: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """As many rows as there can be."""
        fits = boxes.rank == scores.rank == 3 and boxes.shape == (
            scores.shape[0], scores.shape[2], 4,
        )  # fmt: skip
        if not fits or (boxes.dtype, scores.dtype) != (F32, F32):
            raise ShapeError(
                f"boxes are {boxes} and scores {scores}, f32[B,N,4] and f32[B,C,N] are expected"
            )
        _check_one(most, I64, "max_output_boxes_per_class")
        _check_one(iou, F32, "iou_threshold")
        _check_one(threshold, F32, "score_threshold")
        if iou is not None and iou.value is not None and not 0 <= iou.value.item() <= 1:
            raise ShapeError(f"iou_threshold is {iou.value.item()}, not in 0..1")
        n = scores.shape[0] * scores.shape[1] * _room(boxes, most)
        return TensorType(I64, (n, 3)), TensorType(I64, (1,))

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """A call over all classes of all batch entries, and one that gathers what they chose."""
        (boxes, scores, most, iou, threshold), (rows, count) = _padded(inputs), outputs
        assert boxes is not None and scores is not None
        batch, classes, size = scores.type.shape
        room, units = _room(boxes.type, most.type if most else None), batch * classes
        chosen = lw.temporary(TensorType(I32, (units * room,)))
        counts = lw.temporary(TensorType(I32, (units,)))
        spec = NmsSpec(self.center_point_box, threshold is not None)
        args: list[Word] = [lw.write(chosen), lw.write(counts), lw.read(boxes), lw.read(scores)]
        args.append(lw.read(most or lw.constant(Const.scalar(I64, 0))))
        zero = lw.constant(Const.scalar(F32, 0.0)) if iou is None or threshold is None else None
        for slot in (iou or zero, threshold or zero):
            assert slot is not None
            args.append(lw.read(slot))
        scratch, share = lw.scratch(4 * size + 20 * room)
        args += [classes, size, room, scratch, share]
        lw.call(spec, args, units)
        words: list[Word] = [lw.write(rows), lw.write(count), lw.read(chosen), lw.read(counts)]
        lw.call(NmsCollectSpec(), [*words, units, classes, room], 1)


def _padded(inputs: tuple[Slot | None, ...]) -> tuple[Slot | None, ...]:
    return inputs + (None,) * (5 - len(inputs))


def _check_one(t: TensorType | None, dtype: DType, what: str) -> None:
    if t is not None and (t.dtype != dtype or t.size != 1):
        raise ShapeError(f"{what} is {t}, one {dtype} is expected")


def _room(boxes: TensorType, most: TensorType | None) -> int:
    """How many boxes a class can keep."""
    size = boxes.shape[1]
    if most is None:
        return 0
    return size if most.value is None else max(0, min(size, int(most.value.item())))


@register("NonMaxSuppression", since=10)
class NonMaxSuppression(Op):
    """The best boxes of each class, without those that overlap a better one too much."""

    center_point_box: bool = False

    def infer(
        self,
        boxes: TensorType,
        scores: TensorType,
        most: TensorType | None = None,
        iou: TensorType | None = None,
        threshold: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """Refuses: it runs in parts."""
        raise UnsupportedOperatorError("how many boxes are left depends on the data")

    def parts(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """The padded rows, trimmed."""
        bounded = NonMaxBounded(center_point_box=self.center_point_box)
        return (g.add(Trim(), *g.add_all(bounded, inputs, n_outputs=2)),)
