"""map: out[i] = expr(in0[i], in1[i], ...) over a broadcast index space."""

from __future__ import annotations

from ...ir.dtype import DType
from ...ir.expr import Expr
from ...record import record
from .base import KernelSpec, expr_tag

__all__ = ["MapSpec"]


@record
class MapSpec(KernelSpec):
    """An elementwise kernel; the output is row-major and contiguous.

    expr: arguments are numbered as the inputs. inputs, output: dtypes in memory.
    rank: R >= 1 dimensions after neighbours have been merged.
    inner: for each input, how the last dimension advances: 'c' contiguous, 'b' broadcast (the
    same element for all), 's' strided.

    args: out, in0, in1, ... (addresses); d0 .. d(R-1) (sizes); then for each input its strides in
    bytes for dims 0 .. R-2, and for the last dim too where inner is 's'.
    range: elements where R is 1 (shares begin at multiples of 16), else indices of dim 0.
    """

    expr: Expr
    inputs: tuple[DType, ...]
    output: DType
    rank: int
    inner: tuple[str, ...]

    @property
    def name(self) -> str:
        """E.g. `map_f32_1d_cc_add`."""
        dtypes = "_".join(dict.fromkeys(d.name for d in (*self.inputs, self.output)))
        return f"map_{dtypes}_{self.rank}d_{''.join(self.inner)}{expr_tag(self.expr)}"
