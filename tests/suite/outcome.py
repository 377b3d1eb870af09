"""Runs one test of the suite: it passes, is refused as unsupported, or is wrong.

Bernoulli's expected values were drawn from NumPy's global generator, whose state nobody can know,
with a seed or without. There what is drawn must be zeros and ones of the right type; the verdict is
"random", and is excused as a refusal is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from onnx import ModelProto
from onnx.backend.test.runner import Runner
from wasmkiln import InferenceSession, UnsupportedOperatorError

from tests.suite.cases import Case

__all__ = ["Outcome", "run"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a test. Any error but a refusal is as wrong as a wrong number."""

    verdict: Literal["passed", "unsupported", "random", "wrong"]
    message: str = ""


def run(case: Case) -> Outcome:
    """Run the model on each data set, and compare as the package's own runner does."""
    model = case.model()
    try:
        with InferenceSession(model.SerializeToString()) as session:
            for inputs, expected in case.data(model):
                outputs = session.run(None, _feeds(model, session, inputs))
                if case.name.startswith("test_bernoulli") and _are_draws(expected, outputs):
                    return Outcome("random", "its values are those of NumPy's global generator")
                _compare(expected, outputs, case)
    except UnsupportedOperatorError as error:
        return Outcome("unsupported", str(error))
    except Exception as error:
        return Outcome("wrong", f"{type(error).__name__}: {error}")
    return Outcome("passed")


def _feeds(model: ModelProto, session: InferenceSession, inputs: list[Any]) -> dict[str, Any]:
    """The values by name. Inputs with an initializer have none in the data, or its value."""
    names = [i.name for i in model.graph.input]
    wanted = [i.name for i in session.get_inputs()]
    if len(inputs) < len(names):
        return dict(zip(wanted, inputs, strict=True))
    return {n: v for n, v in zip(names, inputs, strict=True) if n in wanted}


def _are_draws(expected: Sequence[Any], actual: Sequence[Any]) -> bool:
    """Whether all outputs have the expected types, and hold zeros and ones."""
    return all(
        (wanted.dtype, wanted.shape) == (given.dtype, given.shape) and np.isin(given, (0, 1)).all()
        for wanted, given in zip(expected, actual, strict=True)
    )


def _compare(expected: Sequence[Any], actual: Sequence[Any], case: Case) -> None:
    """Value by value: the package's comparison can't take sequences of arrays of rank 0."""
    for wanted, given in zip(expected, actual, strict=True):
        if isinstance(wanted, (list, tuple)) and isinstance(given, (list, tuple)):
            _compare(wanted, given, case)
        else:
            with np.errstate(all="ignore"):
                Runner.assert_similar_outputs([wanted], [given], case.rtol, case.atol, case.name)
