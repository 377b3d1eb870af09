"""forest: what many decision trees say about each row."""

from __future__ import annotations

from typing import Literal

from ...ir.dtype import DType
from ...record import record
from .base import KernelSpec

__all__ = ["LEAF_BIAS", "ForestFold", "ForestSpec", "Test"]

Test = Literal["le", "lt", "ge", "gt", "eq", "ne", "any"]
ForestFold = Literal["sum", "min", "max"]

LEAF_BIAS = 0x40000000  # what is added to the place of a leaf's weights


@record
class ForestSpec(KernelSpec):
    """The weights of the leaves that each row [F] reaches, folded for each target.

    A node is a record (value, feature: u32, passed: i32, failed: i32), padded to 16 bytes for f32,
    24 for f64. `feature` is an offset in bytes into the row, and `passed` and `failed` one from
    this node to the next. A leaf has 0 for all three.
    test: how the feature compares with the value for the test to pass. With "any", `feature` is
    shifted up by four bits that tell the outcomes that pass: greater, less, equal, NaN.
    single: there is one target, and a leaf's value is its weight. Else the low word of the value,
    less LEAF_BIAS, is an offset into `leaves`, where lie: u32 the bytes that follow, then pairs of
    u32 target * itemsize and the weight.
    marks: whether to tell which targets got a weight, by 1.0 in an array like the scores. Min and
    max need it unless `single`.

    args: scores, marks, x, nodes, leaves, roots (addresses); trees; row (bytes of one); targets
    roots: for each tree the offset of its first node, u32.
    range: rows.
    """

    dtype: DType
    test: Test
    fold: ForestFold
    single: bool
    marks: bool

    @property
    def name(self) -> str:
        """E.g. `forest_f32_le_sum_marks`."""
        tags = f"{'_single' if self.single else ''}{'_marks' if self.marks else ''}"
        return f"forest_{self.dtype}_{self.test}_{self.fold}{tags}"
