"""Runs a random model in onnxruntime and here, under options of the compiler, and compares."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

import numpy as np
from onnx import helper
from wasmkiln.errors import UnsupportedOperatorError
from wasmkiln.options import CompileOptions

from tests.differential import chains, elementwise, movement, norms, products, recurrent, windows
from tests.differential.draw import Case, Draw
from tests.ops.check import TOLERANCES, Array, assert_same, run_onnxruntime, run_ours

__all__ = ["FAMILIES", "OPTIONS", "Outcome", "compare", "draw"]

FAMILIES = {
    name.strip("_"): getattr(module, name)
    for module in (elementwise, windows, products, norms, movement, recurrent, chains)
    for name in module.__all__
}

OPTIONS = (
    CompileOptions(),
    CompileOptions(simd="baseline"),
    CompileOptions(fuse=False),
    CompileOptions(channels_last=False),
    CompileOptions(threads=2),
    CompileOptions(simd="baseline", fuse=False, patterns=False, bottleneck=False),
    CompileOptions(channels_last=False, threads=2),
    CompileOptions(winograd=False, threads=2),
)


@dataclass(frozen=True)
class Outcome:
    """What came of a case. refused: onnxruntime doesn't run it, so that there is no oracle."""

    verdict: Literal["same", "unsupported", "refused", "different"]
    message: str = ""


def draw(family: str, random: Random) -> tuple[Case, CompileOptions]:
    """A case of a family, and options beside the default ones."""
    d = Draw(random)
    options = d.one(*OPTIONS)
    return FAMILIES[family](d), options


def compare(case: Case, *options: CompileOptions) -> Outcome:
    """Whether all outputs agree under each of the options."""
    try:
        with np.errstate(all="ignore"):
            expected = run_onnxruntime(case.model, case.feeds)
    except Exception as error:  # its exceptions have no common base
        return Outcome("refused", str(error))
    _declare(case, expected)
    for chosen in options:
        try:
            actual = run_ours(case.model, case.feeds, chosen)
        except UnsupportedOperatorError as error:
            return Outcome("unsupported", str(error))
        except Exception as error:
            return Outcome("different", f"{chosen}: {type(error).__name__}: {error}")
        for info, a, b in zip(case.model.graph.output, actual, expected, strict=True):
            try:
                assert_same(a, b, info.name, case.rtol, _absolute(case, b), case.steps)
            except AssertionError as error:
                return Outcome("different", f"{chosen}: {error}")
    return Outcome("same")


def _absolute(case: Case, expected: Array) -> float | None:
    """Errors of sums grow with what is summed, of which the largest result is a sign."""
    if case.atol is None or expected.dtype.name not in TOLERANCES:
        return case.atol
    finite = np.abs(expected[np.isfinite(expected)].astype(np.float64))
    floor = TOLERANCES[expected.dtype.name][1]
    return max(floor, case.atol * max(1.0, float(finite.max(initial=0))))


def _declare(case: Case, expected: list[Array]) -> None:
    """Say which types the outputs have, which the generators leave open."""
    for info, array in zip(case.model.graph.output, expected, strict=True):
        if not info.HasField("type"):
            kind = helper.np_dtype_to_tensor_dtype(array.dtype)
            info.CopyFrom(helper.make_tensor_value_info(info.name, kind, array.shape))
