"""Random models against native onnxruntime; `python -m bench differential` runs thousands."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wasmkiln.options import CompileOptions

from tests.differential import compare as compared
from tests.differential.compare import FAMILIES, Outcome, compare, draw
from tests.differential.draw import Case, Draw
from tests.ops.check import Array, run_ours

CASES = 15  # of each family: a quarter of a minute in all, alone on the machine


@pytest.mark.parametrize("family", FAMILIES)
def test_random_models(family: str) -> None:
    """The same cases each time; what differs is made smaller by hypothesis before it is shown."""
    verdicts: list[str] = []

    @settings(
        max_examples=CASES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.randoms(use_true_random=False))
    def check(random: Random) -> None:
        case, options = draw(family, random)
        outcome = compare(case, CompileOptions(), options)
        verdicts.append(outcome.verdict)
        assert outcome.verdict != "different", f"{case.model}\n{outcome.message}"

    check()
    assert verdicts.count("same") > len(verdicts) // 2, "few cases have been compared"


def test_equal_seeds_make_equal_cases() -> None:
    for family in FAMILIES:
        (a, first), (b, second) = (draw(family, Random(7)) for _ in range(2))
        assert a.model == b.model and first == second
        np.testing.assert_equal(a.feeds, b.feeds)


def test_a_wrong_number_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*args: Any) -> list[Array]:
        (y,) = run_ours(*args)
        y.flat[-1] += 0.01
        return [y]

    monkeypatch.setattr(compared, "run_ours", wrong)
    assert _compare_one_sum().verdict == "different"


def test_another_exception_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> list[Array]:
        raise IndexError("tuple index out of range")

    monkeypatch.setattr(compared, "run_ours", fail)
    assert "IndexError" in _compare_one_sum().message


def _compare_one_sum() -> Outcome:
    d = Draw(Random(1))
    case: Case = d.case("Add", d.array([2, 3]), d.array([3]))
    return compare(case, CompileOptions())
