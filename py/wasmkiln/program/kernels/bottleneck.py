"""bottleneck: expand, depthwise convolution and projection in one, row by row, f32."""

from __future__ import annotations

from zlib import crc32

from ...record import record
from .base import KernelSpec
from .depthwise import DepthwiseSpec
from .finish import Finish

__all__ = ["BottleneckSpec"]


@record
class BottleneckSpec(KernelSpec):
    """out = project(depthwise(expand(x))), the wide rows in between never leaving a thread's room.

    expand, project: finishes of the two products, whose weights are packed as for gemm; without
    expand, depthwise reads x. depthwise: its input is a ring of rows where there is expand.

    args, in words; steps are in bytes:
    x scratch share                                   room of a thread
    ring_at rows_at                                   in it: rows from expand, and from depthwise
    step                                              rows of the output made at a time
    b panels x_row project_b project_panels           weights of the products; a row of x
    image out_row                                     an image of x, a row of the output
    ih                                                rows of x
    expand_at depthwise_at project_at                 where in args the following words begin
    the head and the operands of expand, as for gemm  no words where there is no expand
    the words of depthwise                            ih: rows of the ring. x: unused with a ring
    the head and the operands of project, as for gemm

    range: rows of the output in all images.
    """

    expand: Finish | None
    depthwise: DepthwiseSpec
    project: Finish

    @property
    def name(self) -> str:
        """E.g. `bottleneck_f32_3s1_1a2b3c`: the rest, in short."""
        d = self.depthwise
        stages = (self.expand.tag if self.expand else None, d.name, self.project.tag)
        tag = crc32(repr(stages).encode())
        return f"bottleneck_f32_{d.columns}s{d.stride}_{tag:08x}"
