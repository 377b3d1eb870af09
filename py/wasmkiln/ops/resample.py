"""Resample: the internal operator for Resize and Upsample, and the arithmetic of its taps.

Names and formulas follow ONNX's Resize. Coordinates are computed in f32, as onnxruntime does, since
nearest neighbours at ties depend on it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from math import ceil, floor, prod

from ..errors import UnsupportedOperatorError
from ..ir.builder import GraphBuilder
from ..ir.const import pack_values
from ..ir.dtype import F32, F64, I32
from ..ir.types import TensorType
from ..program.kernels.resample import BilinearSpec, PickSpec, ResampleSpec
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from ..record import record
from .base import INTERNAL, Op, register

__all__ = ["Plan", "Resample"]

# Elements worth giving to a thread.
GRAIN = 8192

Taps = list[tuple[int, float]]


@record
class Plan:
    """How one axis is resampled.

    size, out: of input and output. scale: out / size in f32, or as the model gives it.
    mode: 'nearest', 'linear' or 'cubic'. coordinate: coordinate_transformation_mode.
    nearest: nearest_mode, or 'simple' for what Resize meant before opset 11.
    roi: start and end for tf_crop_and_resize.
    """

    size: int
    out: int
    scale: float
    mode: str
    coordinate: str = "asymmetric"
    nearest: str = "floor"
    roi: tuple[float, float] = (0.0, 1.0)
    cubic_a: float = -0.75
    exclude_outside: bool = False
    antialias: bool = False

    @property
    def is_identity(self) -> bool:
        """Whether all elements stay as they are."""
        return self.size == self.out and self.scale == 1 and self.coordinate != "tf_crop_and_resize"

    def coordinates(self) -> list[float]:
        """The input coordinate of each output position."""
        transform = _COORDINATES.get(self.coordinate)
        if transform is None:
            raise UnsupportedOperatorError(
                f"coordinate_transformation_mode '{self.coordinate}' is unknown"
            )
        return [_f32(transform(self, o)) for o in range(self.out)]

    def inside(self) -> list[bool]:
        """Whether each coordinate lies inside the input; matters for tf_crop_and_resize."""
        return [0 <= x <= self.size - 1 for x in self.coordinates()]

    def taps(self) -> list[Taps]:
        """For each output position, the input positions and their weights; as many for all."""
        last = self.size - 1
        out: list[Taps] = []
        for x in self.coordinates():
            if self.mode == "nearest":
                pairs: Taps = [(self._nearest(x), 1.0)]
            else:
                pairs = self._weighted(x)
            if self.exclude_outside and len(pairs) > 2:
                pairs = [(i, w if 0 <= i <= last else 0.0) for i, w in pairs]
                total = sum(w for _, w in pairs) or 1.0
                pairs = [(i, w / total) for i, w in pairs]
            out.append([(min(max(i, 0), last), w) for i, w in pairs])
        return out

    def _nearest(self, x: float) -> int:
        if self.nearest == "simple":
            return ceil(x) if self.scale < 1 else int(x)
        choose = _NEAREST.get(self.nearest)
        if choose is None:
            raise UnsupportedOperatorError(f"nearest_mode '{self.nearest}' is unknown")
        return choose(x)

    def _weighted(self, x: float) -> Taps:
        """The kernel's weights at the neighbours of x; wider than the kernel if antialiased."""
        shrink = min(1.0, self.scale) if self.antialias else 1.0
        kernel, reach = (_linear, 1) if self.mode == "linear" else (_cubic, 2)
        before = floor(reach / shrink) if self.antialias else reach - 1
        first = floor(x) - before
        count = 2 * before + 2
        pairs = [(i, kernel((x - i) * shrink, self.cubic_a)) for i in range(first, first + count)]
        total = sum(w for _, w in pairs)
        return [(i, w / total) for i, w in pairs] if self.antialias else pairs


def _f32(x: float) -> float:
    (y,) = struct.unpack("<f", struct.pack("<f", x))
    return float(y)


def _half_pixel(p: Plan, o: int) -> float:
    return _f32((o + 0.5) / p.scale) - 0.5


def _half_pixel_symmetric(p: Plan, o: int) -> float:
    adjustment = _f32(p.out / _f32(p.scale * p.size))
    return _f32(p.size / 2 * _f32(1 - adjustment)) + _half_pixel(p, o)


def _align_corners(p: Plan, o: int) -> float:
    if p.out == 1:
        return 0.0
    length = p.scale * p.size  # not rounded to `out` where scales are given
    if abs(length - p.out) < 1e-3:
        length = p.out
    return o * (p.size - 1) / (length - 1)


def _tf_crop_and_resize(p: Plan, o: int) -> float:
    start, end = p.roi
    if p.out == 1:
        return 0.5 * (start + end) * (p.size - 1)
    return start * (p.size - 1) + o * (end - start) * (p.size - 1) / (p.out - 1)


_COORDINATES: dict[str, Callable[[Plan, int], float]] = {
    "half_pixel": _half_pixel,
    "half_pixel_symmetric": _half_pixel_symmetric,
    "pytorch_half_pixel": lambda p, o: _half_pixel(p, o) if p.out > 1 else 0.0,
    "align_corners": _align_corners,
    "asymmetric": lambda p, o: o / p.scale,
    "tf_half_pixel_for_nn": lambda p, o: (o + 0.5) / p.scale,
    "tf_crop_and_resize": _tf_crop_and_resize,
}
# A coordinate this close to the middle counts as the middle, as it does for onnxruntime.
_TIE = 1e-6
_NEAREST: dict[str, Callable[[float], int]] = {
    "round_prefer_floor": lambda x: ceil(x - 0.5 - _TIE),
    "round_prefer_ceil": lambda x: floor(x + 0.5 + _TIE),
    "floor": floor,
    "ceil": ceil,
}


def _linear(x: float, a: float) -> float:
    return max(0.0, 1 - abs(x))


def _cubic(x: float, a: float) -> float:
    """Keys' cubic convolution kernel."""
    x = abs(x)
    if x <= 1:
        return ((a + 2) * x - (a + 3)) * x * x + 1
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a if x < 2 else 0.0


Group = tuple[tuple[int, ...], tuple[Plan, ...]]


@register("Resample", domain=INTERNAL)
class Resample(Op):
    """Resample axes of x, each by its plan. `axes` ascend."""

    axes: tuple[int, ...]
    plans: tuple[Plan, ...]

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The planned sizes."""
        shape = list(x.shape)
        for axis, plan in zip(self.axes, self.plans, strict=True):
            shape[axis] = plan.out
        return (TensorType(x.dtype, tuple(shape)),)

    def permuted(self, perm: Sequence[int]) -> Op | None:
        """The same along the axes' new places."""
        pairs = sorted(zip((list(perm).index(a) for a in self.axes), self.plans, strict=True))
        return Resample(axes=tuple(a for a, _ in pairs), plans=tuple(p for _, p in pairs))

    def select(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """One or two neighbouring axes at a time, those first that shrink most."""
        (x,) = inputs
        if self._is_one_kernel(g.type(x)):
            return None
        pairs = zip(self.axes, self.plans, strict=True)
        groups: list[Group] = [((axis,), (plan,)) for axis, plan in pairs]
        if all(p.mode == "nearest" for p in self.plans):
            groups = _join_neighbours(groups)
        for axes, plans in sorted(groups, key=lambda g: prod(p.out / p.size for p in g[1])):
            x = g.add(Resample(axes=axes, plans=plans), x)
        return (x,)

    def _is_one_kernel(self, x: TensorType) -> bool:
        if len(self.axes) == 1:
            return True
        if len(self.axes) > 2 or self.axes[0] + 1 != self.axes[1]:
            return False
        if all(p.mode == "nearest" for p in self.plans):
            return True
        plain = all(p.mode == "linear" and not p.antialias for p in self.plans)
        return plain and x.dtype == F32 and prod(x.shape[self.axes[1] + 1 :]) >= 4

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One kernel."""
        (x,), (out,) = inputs, outputs
        assert x is not None
        outer = prod(x.type.shape[: self.axes[0]])
        inner = prod(x.type.shape[self.axes[-1] + 1 :])
        if all(p.mode == "nearest" for p in self.plans):
            self._pick(lw, x, out, outer, inner * x.type.dtype.itemsize)
        elif len(self.plans) == 2:
            self._bilinear(lw, x, out, outer, inner)
        else:
            self._mix(lw, x, out, outer, inner)

    def _pick(self, lw: Lowering, x: Slot, out: Slot, outer: int, pixel: int) -> None:
        *above, columns = self.plans
        row = columns.size * pixel
        offsets = [t[0][0] * row for plan in above for t in plan.taps()] if above else [0]
        tables = [offsets, [t[0][0] * pixel for t in columns.taps()]]
        refs = [lw.read(lw.table(struct.pack(f"<{len(t)}i", *t))) for t in tables]
        args: list[Word] = [lw.write(out), lw.read(x), *refs, len(offsets), columns.out]
        args += [row * prod(plan.size for plan in above), pixel]
        spec = PickSpec(pixel if pixel in (1, 2, 4, 8, 16) else 0)
        work = columns.out * max(1, pixel // 16)
        lw.call(spec, args, outer * len(offsets), max(1, GRAIN // max(1, work)))

    def _bilinear(self, lw: Lowering, x: Slot, out: Slot, outer: int, inner: int) -> None:
        rows, columns = self.plans
        pixel = inner * 4
        row = columns.size * pixel
        tables = [_records(rows.taps(), row), _records(columns.taps(), pixel)]
        refs = [lw.read(lw.table(t)) for t in tables]
        args: list[Word] = [lw.write(out), lw.read(x), *refs]
        args += [rows.out, columns.out, inner, rows.size * row]
        lw.call(
            BilinearSpec(), args, outer * rows.out, max(1, GRAIN // max(1, columns.out * inner))
        )

    def _mix(self, lw: Lowering, x: Slot, out: Slot, outer: int, inner: int) -> None:
        (plan,) = self.plans
        dtype = x.type.dtype
        if dtype not in (F32, F64):
            raise UnsupportedOperatorError(f"resampling of {dtype} is not supported")
        taps = plan.taps()
        step = inner * dtype.itemsize
        index = pack_values(I32, [i * step for row in taps for i, _ in row])
        weights = pack_values(dtype, [w for row in taps for _, w in row])
        refs = [lw.read(lw.table(t)) for t in (index, weights)]
        count = len(taps[0]) if taps else 0
        args: list[Word] = [lw.write(out), lw.read(x), *refs, plan.out, inner, count]
        args.append(plan.size * step)
        grain = max(1, GRAIN // max(1, inner * count))
        lw.call(ResampleSpec(dtype), args, outer * plan.out, grain)


def _records(taps: list[Taps], step: int) -> bytes:
    """Two offsets in bytes and two weights for each position."""
    return b"".join(struct.pack("<2i2f", a * step, b * step, u, v) for (a, u), (b, v) in taps)


def _join_neighbours(groups: Sequence[Group]) -> list[Group]:
    """Pairs of groups whose axes follow each other, as one."""
    out: list[Group] = []
    for axes, plans in groups:
        if out and len(out[-1][0]) == 1 and out[-1][0][0] + 1 == axes[0]:
            out[-1] = (out[-1][0] + axes, out[-1][1] + plans)
        else:
            out.append((axes, plans))
    return out
