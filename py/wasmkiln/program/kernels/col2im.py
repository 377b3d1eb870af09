"""col2im: sums of the parts that a transposed convolution's windows give to each pixel, f32."""

from __future__ import annotations

from ...record import record
from .base import KernelSpec
from .finish import Finish

__all__ = ["Col2ImSpec"]


@record
class Col2ImSpec(KernelSpec):
    """out[pixel, c] = finish(sum of parts[p, group, tap, c] over taps of p that fall on the pixel).

    Pixel o is under tap k of p where o + pad = p * stride + k * dilation, along each axis.

    args, in words; steps are in bytes:
    out bias                                          the head
    operands of the epilogue                          addresses
    parts scratch share                               room for a tile and an address for each tap
    groups channels                                   channels: of one group
    pixel_step tap_step group_step                    in parts
    id ih iw od oh ow                                 sizes of parts and of the output
    kd kh kw sd sh sw dd dh dw pd ph pw               window, strides, dilations, padding in front

    range: pixels of the output.
    """

    finish: Finish

    @property
    def name(self) -> str:
        """E.g. `col2im_f32_bias`."""
        return f"col2im_f32{self.finish.tag}"
