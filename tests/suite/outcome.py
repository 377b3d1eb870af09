"""Runs one test of the suite: it passes, is refused as unsupported, or is wrong."""

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

    verdict: Literal["passed", "unsupported", "wrong"]
    message: str = ""


def run(case: Case) -> Outcome:
    """Run the model on each data set, and compare as the package's own runner does."""
    model = case.model()
    try:
        with InferenceSession(model.SerializeToString()) as session:
            for inputs, expected in case.data(model):
                outputs = session.run(None, _feeds(model, session, inputs))
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


def _compare(expected: Sequence[Any], actual: Sequence[Any], case: Case) -> None:
    """Value by value: the package's comparison can't take sequences of arrays of rank 0."""
    for wanted, given in zip(expected, actual, strict=True):
        if isinstance(wanted, (list, tuple)) and isinstance(given, (list, tuple)):
            _compare(wanted, given, case)
        else:
            with np.errstate(all="ignore"):
                Runner.assert_similar_outputs([wanted], [given], case.rtol, case.atol, case.name)
