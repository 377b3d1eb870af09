"""Resize and Upsample: sizes, scales and attributes become a Resample."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from ..errors import DataDependentError, LimitError, ShapeError, UnsupportedOperatorError
from ..ir.builder import GraphBuilder
from ..ir.const import Const
from ..ir.dtype import F32
from ..ir.expr import arg, const
from ..ir.shape import normalize_axis, show
from ..ir.types import TensorType
from ..record import record
from .base import Op, register
from .compose import apply, cast_to
from .movement import constant_ints
from .resample import Plan, Resample

__all__: list[str] = []

# A table of this many taps still fits any memory, and is made in seconds.
MAX_POSITIONS = 1 << 22


@record
class _Target:
    """What is asked for along the resized axes: sizes and scales of the output, and the roi."""

    axes: tuple[int, ...]
    sizes: tuple[int, ...]
    scales: tuple[float, ...]
    roi: tuple[tuple[float, float], ...]


def _floats(t: TensorType | None, what: str) -> tuple[float, ...]:
    """The elements of an optional input that must be known while compiling; () if it is absent."""
    if t is None or t.size == 0:
        return ()
    if t.value is None:
        raise DataDependentError(f"{what} depends on data computed at run time", t)
    return tuple(map(float, t.value.values()))


def _scaled(size: int, scale: float) -> int:
    """floor(size * scale) in f32, as onnxruntime computes it."""
    return int(_f32(size * scale))


def _f32(x: float) -> float:
    (y,) = struct.unpack("<f", struct.pack("<f", x))
    return float(y)


def _from_scales(x: TensorType, axes: tuple[int, ...], scales: Sequence[float]) -> _Target:
    if len(scales) != len(axes):
        raise ShapeError(f"{len(scales)} scales for {len(axes)} axes of {x}")
    if min(scales, default=1.0) <= 0:
        raise ShapeError(f"scales {tuple(scales)} are not all positive")
    sizes = tuple(_scaled(x.shape[a], s) for a, s in zip(axes, scales, strict=True))
    return _Target(axes, sizes, tuple(scales), ((0.0, 1.0),) * len(axes))


def _from_sizes(
    x: TensorType, axes: tuple[int, ...], sizes: Sequence[int], policy: str = "stretch"
) -> _Target:
    if len(sizes) != len(axes):
        raise ShapeError(f"{len(sizes)} sizes for {len(axes)} axes of {x}")
    given = [x.shape[a] for a in axes]
    if 0 in given:
        raise ShapeError(f"an empty axis of {x} can't be resized to {show(sizes)}")
    scales = tuple(_f32(s / d) for s, d in zip(sizes, given, strict=True))
    if policy != "stretch":
        common = min(scales) if policy == "not_larger" else max(scales)
        scales = (common,) * len(axes)
        sizes = [int(common * d + 0.5) for d in given]
    return _Target(axes, tuple(sizes), scales, ((0.0, 1.0),) * len(axes))


def _resized(x: TensorType, target: _Target) -> TensorType:
    shape = list(x.shape)
    if max(target.sizes, default=0) > MAX_POSITIONS:
        raise LimitError(f"sizes {show(target.sizes)} are too large")
    for axis, size in zip(target.axes, target.sizes, strict=True):
        shape[axis] = size
    return TensorType(x.dtype, tuple(shape))


def _resample(
    g: GraphBuilder, x: str, target: _Target, outside: float | None = None, **how: object
) -> str:
    """Resample the axes that change; what is not f32 or f64 is mixed in f32."""
    t = g.type(x)
    plans = {
        axis: Plan(t.shape[axis], size, scale, roi=roi, **how)  # type: ignore[arg-type]
        for axis, size, scale, roi in sorted(
            zip(target.axes, target.sizes, target.scales, target.roi, strict=True)
        )
    }
    plans = {axis: plan for axis, plan in plans.items() if not plan.is_identity}
    if not plans:
        return x
    mixed = how["mode"] != "nearest" and (t.dtype != F32 and t.dtype.name != "f64")
    y = cast_to(g, x, F32) if mixed else x
    y = g.add(Resample(axes=tuple(plans), plans=tuple(plans.values())), y)
    if outside is not None:
        y = _fill_outside(g, y, plans, outside)
    return cast_to(g, y, t.dtype)


def _fill_outside(g: GraphBuilder, y: str, plans: dict[int, Plan], value: float) -> str:
    """The value wherever a coordinate lies outside of the input."""
    t = g.type(y)
    for axis, plan in plans.items():
        inside = plan.inside()
        if not all(inside):
            shape = (plan.out, *(1,) * (t.rank - axis - 1))
            mask = g.const(Const.of(t.dtype, shape, inside), "inside")
            m = arg(1, t.dtype)
            y = apply(g, arg(0, t.dtype) * m + const(value, t.dtype) * (1 - m), y, mask)
    return y


class _Simple(Op):
    """Before opset 11: coordinates are divided by the scale, neighbours are rounded down."""

    mode: str = "nearest"

    def _check(self) -> None:
        if self.mode not in ("nearest", "linear", "bilinear"):
            raise UnsupportedOperatorError(f"mode '{self.mode}' is unknown")

    def _target(self, x: TensorType, scales: Sequence[float]) -> _Target:
        self._check()
        return _from_scales(x, tuple(range(x.rank)), scales)

    def _expand(self, g: GraphBuilder, x: str, scales: Sequence[float]) -> tuple[str, ...]:
        mode = "nearest" if self.mode == "nearest" else "linear"
        return (_resample(g, x, self._target(g.type(x), scales), mode=mode, nearest="simple"),)


@register("Upsample", since=1)
class Upsample1(_Simple):
    """Resample images of N, C, H, W by one scale for each direction."""

    height_scale: float = 0.0  # required: 0 is refused
    width_scale: float = 0.0

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The scaled sizes, rounded down."""
        return (_resized(x, self._target(x, self._scales())),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """A Resample."""
        return self._expand(g, inputs[0], self._scales())

    def _scales(self) -> tuple[float, ...]:
        return (1.0, 1.0, self.height_scale, self.width_scale)


@register("Upsample", since=7)
class Upsample7(_Simple):
    """Resample by scales, which are an attribute."""

    scales: tuple[float, ...] = ()

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The scaled sizes, rounded down."""
        return (_resized(x, self._target(x, self.scales)),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """A Resample."""
        return self._expand(g, inputs[0], self.scales)


@register("Upsample", since=9)
class Upsample(_Simple):
    """Resample by scales, which are an input."""

    def infer(self, x: TensorType, scales: TensorType) -> tuple[TensorType, ...]:
        """The scaled sizes, rounded down."""
        return (_resized(x, self._target(x, _floats(scales, "scales"))),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """A Resample."""
        x, scales = inputs
        return self._expand(g, x, _floats(g.type(scales), "scales"))


@register("Resize", since=10)
class Resize10(Upsample):
    """Upsample, which may also shrink."""


@register("Resize", since=11)
class Resize(Op):
    """Since opset 11: resample to sizes or by scales, with a choice of coordinates."""

    mode: str = "nearest"
    coordinate_transformation_mode: str = "half_pixel"
    nearest_mode: str = "round_prefer_floor"
    cubic_coeff_a: float = -0.75
    exclude_outside: bool = False
    extrapolation_value: float = 0.0
    antialias: bool = False
    axes: tuple[int, ...] | None = None
    keep_aspect_ratio_policy: str = "stretch"

    def infer(
        self,
        x: TensorType,
        roi: TensorType | None = None,
        scales: TensorType | None = None,
        sizes: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """The given sizes, or the scaled ones."""
        if self.mode not in ("nearest", "linear", "cubic"):
            raise UnsupportedOperatorError(f"mode '{self.mode}' is unknown")
        return (_resized(x, self._target(x, roi, scales, sizes)),)

    def _target(
        self,
        x: TensorType,
        roi: TensorType | None,
        scales: TensorType | None,
        sizes: TensorType | None,
    ) -> _Target:
        axes = tuple(range(x.rank) if self.axes is None else self.axes)
        axes = tuple(normalize_axis(a, x.rank) for a in axes)
        factors = _floats(scales, "scales")
        crop = self.coordinate_transformation_mode == "tf_crop_and_resize"
        ranges = self._ranges(_floats(roi, "roi"), len(axes)) if crop else ((0.0, 1.0),) * len(axes)
        if factors:
            spans = (b - a for a, b in ranges)
            target = _from_scales(x, axes, factors)
            lengths = [x.shape[a] * span for a, span in zip(axes, spans, strict=True)]
            chosen = tuple(_scaled(1, d * s) for d, s in zip(lengths, factors, strict=True))
            return _Target(axes, chosen if crop else target.sizes, target.scales, ranges)
        if sizes is None or sizes.size == 0:
            raise ShapeError("neither scales nor sizes are given")
        target = _from_sizes(x, axes, constant_ints(sizes, "sizes"), self.keep_aspect_ratio_policy)
        return _Target(axes, target.sizes, target.scales, ranges)

    @staticmethod
    def _ranges(roi: Sequence[float], count: int) -> tuple[tuple[float, float], ...]:
        if len(roi) != 2 * count:
            raise ShapeError(f"roi has {len(roi)} elements, {2 * count} are needed")
        return tuple(zip(roi[:count], roi[count:], strict=True))

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """A Resample, and the extrapolation value where coordinates leave the input."""
        types = [g.type(i) if i else None for i in inputs]
        x, roi, scales, sizes = (*types, None, None, None)[:4]
        assert x is not None
        crop = self.coordinate_transformation_mode == "tf_crop_and_resize"
        y = _resample(
            g,
            inputs[0],
            self._target(x, roi, scales, sizes),
            self.extrapolation_value if crop else None,
            mode=self.mode,
            coordinate=self.coordinate_transformation_mode,
            nearest=self.nearest_mode,
            cubic_a=self.cubic_coeff_a,
            exclude_outside=self.exclude_outside,
            antialias=self.antialias and self.mode != "nearest",
        )
        return (y,)
