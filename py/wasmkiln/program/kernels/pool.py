"""pool: fold the elements of a sliding 2-D window, channels last."""

from __future__ import annotations

from typing import Literal

from ...ir.dtype import DType
from ...ir.expr import Expr
from ...record import record
from .base import KernelSpec, expr_tag

__all__ = ["PoolIndexSpec", "PoolKind", "PoolSpec"]

PoolKind = Literal["max", "sum", "avg"]


@record
class PoolSpec(KernelSpec):
    """Pooling of [N, H, W, C] to [N, OH, OW, C].

    window: (rows, columns) where all windows that lie inside the input have this size and may be
    unrolled; None for any size. epilogue: arg 0 is the result, arg 1 + k operand k; modes: for each
    operand 'full', 'column' (one element a channel) or 'scalar'.

    args: out, x, rows, columns (addresses); OH, OW, C; bytes of a row, of a pixel and of an image
    of x; bytes from tap to tap down and across; operands ... (addresses)
    rows, columns: tables of OH and OW records of 4 words: offset in bytes of the window's first
    valid row (column), how many valid ones there are, how many count for the average, 0.
    range: output rows, N * OH.
    """

    kind: PoolKind
    dtype: DType
    window: tuple[int, int] | None = None
    epilogue: Expr | None = None
    modes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """E.g. `pool_max_f32_3x3`."""
        size = "_{}x{}".format(*self.window) if self.window else ""
        modes = "_" + "".join(m[0] for m in self.modes) if self.modes else ""
        return f"pool_{self.kind}_{self.dtype}{size}{expr_tag(self.epilogue)}{modes}"


@record
class PoolIndexSpec(KernelSpec):
    """Where in x the largest element of each window lies: [P, H, W] to i64 [P, OH, OW].

    columns_first: an index within an image is column * H + row, else row * W + column.

    args: out, x, rows, columns (addresses); OH, OW, H, W; bytes from tap to tap down and across
    rows, columns: tables as for `PoolSpec`, of a row's and an element's bytes.
    range: output rows, P * OH.
    """

    dtype: DType
    columns_first: bool = False

    @property
    def name(self) -> str:
        """E.g. `pool_index_f32`."""
        return f"pool_index_{self.dtype}{'_columns' if self.columns_first else ''}"
