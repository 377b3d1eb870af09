"""The tests of the installed `onnx` package: models, their inputs and the outputs they must give.

Node tests are made by the package when it is asked for them; the others lie beside it as files.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
from onnx import ModelProto, TypeProto, numpy_helper
from onnx.backend.test.loader import load_model_tests
from onnx.backend.test.runner import Runner

__all__ = ["KINDS", "Case", "DataSet", "cases"]

KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator", "real")

DataSet = tuple[list[Any], list[Any]]  # inputs and outputs in the model's order


@dataclass(frozen=True, slots=True)
class Case:
    """One test. `found` is the package's own record of it."""

    name: str
    kind: str
    rtol: float
    atol: float
    found: Any

    def model(self) -> ModelProto:
        """The model; those of kind "real" have weights that the model itself makes."""
        made: ModelProto | None = self.found.model
        return onnx.load(_model_file(self.found)) if made is None else made

    def data(self, model: ModelProto) -> Iterator[DataSet]:
        """What goes in and what must come out, for each run."""
        if self.found.data_sets is not None:
            for inputs, outputs in self.found.data_sets:
                yield [_plain(v) for v in inputs], [_plain(v) for v in outputs]
        elif self.kind == "real":
            yield _made_up(model, _model_file(self.found))
        else:
            for folder in sorted(Path(self.found.model_dir).glob("test_data_set*")):
                inputs = _read_all(folder, "input", [i.type for i in model.graph.input])
                yield inputs, _read_all(folder, "output", [o.type for o in model.graph.output])


@cache
def cases() -> dict[str, Case]:
    """All tests by name."""
    out: dict[str, Case] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # making the data divides by zero on purpose
        for kind in KINDS:
            for found in sorted(load_model_tests(kind=kind), key=lambda case: case.name):
                name = found.name if found.name not in out else f"{found.name}_{kind}"
                out[name] = Case(name, kind, found.rtol, found.atol, found)
    return out


def _plain(value: Any) -> Any:
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value


def _model_file(found: Any) -> Path:
    if found.model_dir is not None:
        return Path(found.model_dir, "model.onnx")
    return Path(onnx.__file__).parent.parent.joinpath(found.url)


def _read_all(folder: Path, what: str, types: Sequence[TypeProto]) -> list[Any]:
    values: list[Any] = []
    count = len(list(folder.glob(f"{what}_*.pb")))
    for i in range(count):
        # The method uses nothing of a runner, and making one would collect all tests again.
        Runner._load_proto(cast(Runner, None), str(folder / f"{what}_{i}.pb"), values, types[i])
    return values


def _made_up(model: ModelProto, path: Path) -> DataSet:
    """The ramp that the package feeds to models without data, and the output stored with them."""
    weights = {w.name for w in model.graph.initializer}
    given = [i for i in model.graph.input if i.name not in weights]
    inputs = [Runner.generate_dummy_data(i, seed=0, name=path.stem) for i in given]
    stored = [path.with_name(f"{path.stem}_output_{i}.pb") for i in range(len(model.graph.output))]
    outputs: list[np.ndarray[Any, Any]] = []
    for file in stored:
        tensor = onnx.TensorProto()
        tensor.ParseFromString(file.read_bytes())
        outputs.append(numpy_helper.to_array(tensor))
    return inputs, outputs
