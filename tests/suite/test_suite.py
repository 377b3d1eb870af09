"""The backend tests of the `onnx` package, all of them.

A line of xfail.txt excuses a refusal and nothing else: what is computed has to be right.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.suite.cases import cases
from tests.suite.outcome import run
from tests.suite.verdicts import VERDICT
from tests.suite.xfail import read_xfail

XFAIL = read_xfail()


@pytest.mark.parametrize("name", cases())
@pytest.mark.filterwarnings("ignore")
def test_suite(name: str, record_property: Callable[[str, object], None]) -> None:
    outcome = run(cases()[name])
    record_property(VERDICT, outcome.verdict)
    if outcome.verdict == "wrong":
        pytest.fail(outcome.message)
    if outcome.verdict in ("unsupported", "random"):
        if name not in XFAIL:
            pytest.fail(f"refused, and not in xfail.txt: {outcome.message}")
        pytest.xfail(XFAIL[name])
    assert name not in XFAIL, f"passes now: remove its line from xfail.txt ({XFAIL[name]})"


def test_every_excused_test_exists() -> None:
    assert not XFAIL.keys() - cases().keys()
