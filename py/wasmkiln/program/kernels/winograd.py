"""winograd: 3 by 3 convolution by tiles of the output, f32."""

from __future__ import annotations

from math import prod

from ...record import record
from .base import KernelSpec
from .finish import Finish
from .gemm import NR

__all__ = [
    "FAR",
    "NEAR",
    "REACH",
    "SQUARE_BYTES",
    "TRANSFORM_BYTES",
    "WinogradFiltersSpec",
    "WinogradSpec",
    "filter_rows",
]

# A tile of n by n outputs reaches (n + REACH) by (n + REACH) inputs.
REACH = 2

# Where a tile is transformed: up to 6 by 6 values of NR channels, and then their addresses.
SQUARE_BYTES = 36 * 4 * NR
TRANSFORM_BYTES = SQUARE_BYTES + 36 * 4

# Tiles of 4 interpolate at 0, +-NEAR, +-FAR and infinity, tiles of 2 at 0, +-1 and infinity. These
# points, whose product is 1, err less than half as much as the usual 1 and 2: see `filter_rows`.
NEAR, FAR = 0.5**0.5, 2**0.5


def filter_rows(size: int) -> list[tuple[float, float, float]]:
    """G: what the three taps of a filter along an axis become, a row for each point.

    It is the polynomial of the taps at the point, divided by the differences to the other points.
    """
    if size == 2:
        return [(1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1)]
    points = (0.0, NEAR, -NEAR, FAR, -FAR)
    rows = []
    for p in points:
        scale = 1 / prod([p - q for q in points if q != p])
        rows.append((scale, p * scale, p * p * scale))
    return [*rows, (0, 0, 1)]


@record
class WinogradSpec(KernelSpec):
    """out = finish(At [sum over channels of (Bt x B) * u] A), tile by tile, after Winograd.

    A tile is `size` by `size` outputs. Its patch of side s = size + 2 becomes s * s values for each
    channel; so are the filters already, u [s * s][panels][C][NR], packed as for gemm. Each of the
    s * s values is a product of matrices (tiles by channels by filters), whose results become the
    tile. Stride 1, no dilation; channels and filters come in multiples of NR.

    args, in words; steps are in bytes:
    out bias k a_step out_step n - -                 the head, as of gemm: k channels, n filters;
                                                     out_step is that of the products
    operands of the epilogue                         addresses
    x u tiles panels block by_panels                 block: tiles kept at hand for all filters
    scratch share square_at v_at m_at                a thread's room: zeros for a pixel at 0
    v_step m_step                                    from one of the s * s matrices to the next
    ih iw oh ow ph pw th tw                          sizes, padding in front, tiles of an image
    pixel_step                                       of the output

    range: tiles, or panels where by_panels is 1.
    """

    size: int
    finish: Finish

    @property
    def name(self) -> str:
        """E.g. `winograd_f32_4x4_bias`."""
        return f"winograd_f32_{self.size}x{self.size}{self.finish.tag}"


@record
class WinogradFiltersSpec(KernelSpec):
    """u [s * s][panels][C][NR] = G w Gt of filters w [panels * NR][C][3][3], see `WinogradSpec`.

    args: u w channels panels. range: panels.
    """

    size: int

    @property
    def name(self) -> str:
        """E.g. `winograd_filters_4`."""
        return f"winograd_filters_{self.size}"
