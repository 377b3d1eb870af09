"""Bottlenecks by rows: windows, tails of all channels, residuals, images, shares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wasmkiln.backends.base import Target
from wasmkiln.ir.dtype import F32
from wasmkiln.ir.expr import arg, clamp
from wasmkiln.ir.types import TensorType
from wasmkiln.ops.bottleneck import Bottleneck, pays
from wasmkiln.ops.conv_packed import Depthwise
from wasmkiln.ops.packed import GemmPacked
from wasmkiln.ops.pool import Axis

from tests.backends.wasm.harness import TARGETS
from tests.backends.wasm.kernels.convolution import axis, convolve
from tests.backends.wasm.kernels.lowered import lowered_call, run_op
from tests.backends.wasm.kernels.matrices import panels_of
from tests.backends.wasm.kernels.test_depthwise import packed_filters, random

AXES = [
    (axis(9, 3, pads=1), axis(14, 3, pads=1)),
    (axis(11, 3, 2, pads=1), axis(29, 3, 2, pads=1)),
    (axis(8, 5, pads=2), axis(60, 5, pads=2)),
    (axis(13, 5, 2, pads=2), axis(17, 5, 2, pads=2)),
    (axis(7, 3, 2), axis(9, 3)),
    (axis(10, 2, 3, pads=1), axis(8, 4)),
    (axis(1, 3, pads=1), axis(1, 3, pads=1)),
    (axis(3, 5, pads=4), axis(5, 5, pads=2)),
]
CLAMP = clamp(arg(0), 0.0, 1.5)


class Case:
    """An operator, its inputs and what it has to give.

    scaled: the wide stages multiply by operands, one for each channel and one for all.
    """

    def __init__(
        self,
        axes: tuple[Axis, Axis],
        channels: tuple[int, int, int],
        batch: int = 1,
        expand: bool = True,
        residual: bool = False,
        scaled: bool = False,
    ) -> None:
        depth, wide, n = channels
        height, width = axes
        x = random(batch, height.size, width.size, depth if expand else wide)
        self.inputs = [x.reshape(1, -1, depth) if expand else x]
        hidden = x
        if expand:
            hidden = np.clip(self._product(x, wide), 0, 1.5)
            hidden = hidden * self._operand(random(wide), scaled)
        filters, bias = random(wide, 1, height.window, width.window), random(wide)
        self.inputs += [packed_filters(filters), bias]
        hidden = np.clip(convolve(hidden, filters, axes, wide) + bias, 0, 1.5)
        hidden = hidden * self._operand(np.array([1.7], np.float32), scaled)
        self.want = self._product(hidden, n).reshape(1, -1, n)
        self.want = self.want + self._operand(random(*self.want.shape), residual, 0)
        finish = CLAMP * arg(1) if scaled else CLAMP
        self.op = Bottleneck(
            widen=GemmPacked(n=wide, bias=True, epilogue=finish, n_extra=int(scaled))
            if expand
            else None,
            depthwise=Depthwise(axes=axes, bias=True, epilogue=finish, n_extra=int(scaled)),
            project=GemmPacked(
                n=n, bias=True, epilogue=arg(0) + arg(1) if residual else None,
                n_extra=int(residual),
            ),
        )  # fmt: skip

    def _product(self, a: Any, n: int) -> Any:
        weights, bias = random(1, a.shape[-1], n), random(n) / 2
        self.inputs += [panels_of(weights), bias]
        return a.astype(np.float64) @ weights[0] + bias

    def _operand(self, value: Any, wanted: bool, neutral: int = 1) -> Any:
        if not wanted:
            return neutral
        self.inputs.append(value)
        return value

    def check(self, target: Target = TARGETS[0], shares: int = 1, thread: int = 0) -> None:
        """Run it in shares."""
        got = run_op(self.op, self.inputs, target, shares, 2, thread)
        np.testing.assert_allclose(got, self.want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("expand", [True, False])
@pytest.mark.parametrize("axes", AXES)
def test_windows(target: Target, axes: tuple[Axis, Axis], expand: bool) -> None:
    Case(axes, (5, 12, 7), expand=expand).check(target)


@pytest.mark.parametrize("channels", [(1, 1, 1), (8, 16, 8), (3, 6, 17), (7, 23, 9)])
@pytest.mark.parametrize("expand", [True, False])
def test_channels(channels: tuple[int, int, int], expand: bool) -> None:
    for target in TARGETS:
        Case(AXES[0], channels, expand=expand, residual=True).check(target)


@pytest.mark.parametrize("shares", [2, 3, 7])
@pytest.mark.parametrize("axes", AXES[:4])
def test_shares_and_images(axes: tuple[Axis, Axis], shares: int) -> None:
    """Each share expands the rows that its windows reach; a share may end within an image."""
    for expand in (True, False):
        Case(axes, (4, 10, 8), batch=3, expand=expand, residual=True).check(shares=shares, thread=1)


@pytest.mark.parametrize("expand", [True, False])
def test_operands_of_the_wide_stages(expand: bool) -> None:
    Case(AXES[0], (4, 10, 8), expand=expand, scaled=True, residual=True).check()


def test_the_room_is_a_few_rows() -> None:
    """Not the maps: 56x56x144 floats are 1.8 MB, rows for one step 0.2 MB."""
    case = Case((axis(56, 3, pads=1), axis(56, 3, pads=1)), (8, 144, 8))
    call, _, _ = lowered_call(case.op, case.inputs)
    room = call.args[2]
    assert isinstance(room, int) and 3 * 56 * 144 * 4 < room < 200_000


def test_cost_is_that_of_the_three() -> None:
    case = Case(AXES[0], (5, 12, 7))
    types = tuple(TensorType(F32, a.shape) for a in case.inputs)
    assert case.op.cost(types, case.op.infer(*types)) == 9 * 14 * 12 * (5 + 9 + 7)


def test_where_it_pays() -> None:
    """On large maps whose weights are small, with shares that are tall beside their halo."""

    def answer(side: int, wide: int, threads: int, n: int = 24, expand: bool = True) -> bool:
        both = axis(side, 3, pads=1), axis(side, 3, pads=1)
        project, depthwise = GemmPacked(n=n), Depthwise(axes=both)
        first = GemmPacked(n=wide) if expand else None
        op = Bottleneck(widen=first, depthwise=depthwise, project=project)
        return pays(op, TensorType(F32, (1, side * side, 24 if expand else wide)), threads)

    assert answer(56, 144, 1) and answer(56, 144, 7) and not answer(56, 144, 8)
    assert answer(56, 144, 8, expand=False)
    assert not answer(14, 384, 1)
    assert not answer(56, 1000, 1, n=500)


def test_windows_without_tiles_stay_apart() -> None:
    project = GemmPacked(n=8)
    for kwargs in ({"dilation": 2}, {"window": 13, "pads": 6}):
        wide = axis(112, **{"window": 3, "pads": 1} | kwargs)
        op = Bottleneck(widen=None, depthwise=Depthwise(axes=(wide, wide)), project=project)
        assert not pays(op, TensorType(F32, (1, 112, 112, 96)), 1)
