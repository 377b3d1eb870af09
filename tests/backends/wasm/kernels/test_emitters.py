"""The table of emitters against the specifications that the operators ask for."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from wasmkiln.backends.wasm.kernels import EMITTERS
from wasmkiln.program import kernels
from wasmkiln.program.kernels import KernelSpec


def specifications() -> set[str]:
    """The names of all classes of specifications."""
    for path in Path(kernels.__file__).parent.glob("*.py"):
        import_module(f"{kernels.__name__}.{path.stem}")
    return {
        cls.__name__
        for cls in KernelSpec.__subclasses__()
        if cls.__module__.startswith("wasmkiln.")
    }


def test_every_specification_has_an_emitter() -> None:
    assert EMITTERS.keys() == specifications()


@pytest.mark.parametrize("place", EMITTERS.values())
def test_emitter_exists(place: str) -> None:
    file, _, name = place.partition(".")
    assert callable(getattr(import_module(f"wasmkiln.backends.wasm.kernels.{file}"), name))
