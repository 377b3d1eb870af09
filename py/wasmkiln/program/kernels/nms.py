"""nms: boxes that are left when those are dropped that overlap better ones."""

from __future__ import annotations

from ...record import record
from .base import KernelSpec

__all__ = ["NmsCollectSpec", "NmsSpec"]


@record
class NmsSpec(KernelSpec):
    """For each class of each batch entry, the chosen boxes, best first, and their number, in i32.

    Of equal scores the box with the lower index is better. center: a box is its centre, width and
    height instead of two corners. thresholded: boxes must score more than a threshold.

    args: chosen, counts, boxes, scores, most (one i64), iou, threshold (one f32 each; addresses);
    classes, boxes per batch entry, room for the chosen ones of a class; scratch, share
    A thread needs 4 bytes for each box and 20 for each chosen one.
    range: classes of all batch entries.
    """

    center: bool
    thresholded: bool

    @property
    def name(self) -> str:
        """E.g. `nms_corners_thresholded`."""
        form = "center" if self.center else "corners"
        return f"nms_{form}{'_thresholded' if self.thresholded else ''}"


@record
class NmsCollectSpec(KernelSpec):
    """Rows (batch entry, class, box) in i64 of all chosen boxes, and their number.

    args: rows, count (one i64), chosen, counts (addresses); classes of all batch entries, classes,
    room for the chosen ones of a class
    range: one unit.
    """

    @property
    def name(self) -> str:
        """`nms_collect`."""
        return "nms_collect"
