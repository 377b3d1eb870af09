"""depthwise: one filter for each channel, channels last, of f32 or i16."""

from __future__ import annotations

from ...record import record
from .base import KernelSpec
from .finish import Finish

__all__ = ["DepthwiseSpec", "Tile"]

# Output columns, and how many of the input columns under them are padding on the left and right.
Tile = tuple[int, int, int]


@record
class DepthwiseSpec(KernelSpec):
    """out[y, x, c] = finish(sum over taps of x[y + ky, x + kx, c] * w[tap, c]).

    Weights are packed as [ceil(C / 4)][taps][4].
    columns, stride: of the window. tiles: how a row of the output is cut, each kind once, in order;
    how often each comes is an argument. No tiles: any window, dilation and padding, a column at a
    time.
    ends: how many of the last kinds lie over the tiles before them, by as many columns as a further
    argument says, so that they end where the row does.
    ring: the rows at x follow each other in a ring of ih rows; for tiles in other kernels only.
    integer: x is i16; weights and sums are f32 all the same, in which such integers are exact.

    args, in words; steps are in bytes:
    out bias                                          the head
    operands of the epilogue                          addresses
    rows                                              of the output, in all images
    x w scratch share                                 room for the last vector of a row of channels
    channels block                                    channels in all and in one unit of the range
    ih iw oh ow                                       sizes
    kh kw sh sw dh dw ph pw                           window, strides, dilations, padding in front
    counts ...                                        of each tile of `tiles`
    back                                              if there are `ends`

    range: blocks of channels times rows of the output in all images, rows fastest.
    """

    columns: int
    stride: int
    tiles: tuple[Tile, ...]
    finish: Finish
    ring: bool = False
    ends: int = 0
    integer: bool = False

    @property
    def name(self) -> str:
        """E.g. `depthwise_f32_3s1_7l1r0_7l0r0_bias`."""
        shape = f"{self.columns}s{self.stride}" if self.tiles else "any"
        shape += "_ring" if self.ring else ""
        tiles = "".join(f"_{n}l{left}r{right}" for n, left, right in self.tiles)
        if self.ends:
            shape, tiles = f"{shape}_l{self.tiles[0][1]}", ""
        kind = "i16" if self.integer else "f32"
        return f"depthwise_{kind}_{shape}{tiles}{self.finish.tag}"
