"""conv: dense and grouped convolution over N, D, H, W, C, f32."""

from __future__ import annotations

from ...record import record
from .base import KernelSpec
from .finish import Finish
from .gemm import MR, NR

__all__ = ["ConvSpec"]


@record
class ConvSpec(KernelSpec):
    """out[pixel, n] = finish(sum over taps and channels of x[pixel at tap, c] * w[tap, c, n]).

    Weights are packed as for gemm, one matrix for each group, K running over taps then channels.
    copied: the patches of a block of pixels are copied into rows of K floats (best for few
    channels; one group and dense columns only), else each tap of a pixel is read through a pointer.

    args, in words; steps are in bytes:
    out bias k a_step out_step n taps tap_step       the head; k: floats in a run. n: of one group
    operands of the epilogue                         addresses
    x b zero m panels block by_panels                zero: `pixel` zero bytes. m: output pixels
    scratch share rows_at                            rows or pointers of a block lie at rows_at,
                                                     a tile for the last columns at 0
    pixel group_step                                 input: bytes of a pixel, of a group in it
    id ih iw od oh ow                                input and output sizes
    kd kh kw sd sh sw dd dh dw pd ph pw              window, strides, dilations, padding in front

    range: output pixels, or panels of all groups where by_panels is 1.
    """

    finish: Finish
    copied: bool

    @property
    def name(self) -> str:
        """E.g. `conv_f32_6x8_copied_bias`."""
        return f"conv_f32_{MR}x{NR}{'_copied' if self.copied else ''}{self.finish.tag}"
