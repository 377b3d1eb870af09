"""The module of a model's kernels, which may grow while programs use it."""

from __future__ import annotations

from collections.abc import Iterable

from ...program.kernels import KernelSpec
from ..base import Target
from .kernels import emit as emit_kernel
from .module import Module
from .runtime import emit_run

__all__ = ["Code"]

# The memory is as large as its host has made it; a shared one must be imported with a maximum.
LEAST_PAGES, MOST_PAGES = 1, 65536


class Code:
    """Kernels by their specifications. Each keeps its index in the table as others are added."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._indices: dict[KernelSpec, int] = {}
        self._module = self._empty()

    def add(self, kernels: Iterable[KernelSpec]) -> bool:
        """Emit those that are not there yet; whether there were any, so that `build` differs."""
        new = [spec for spec in dict.fromkeys(kernels) if spec not in self._indices]
        try:
            self._emit(new)
        except BaseException:  # leaves half a function in the module
            known = list(self._indices)
            self._module, self._indices = self._empty(), {}
            self._emit(known)
            raise
        return bool(new)

    def index(self, spec: KernelSpec) -> int:
        """The kernel's place in the module's table."""
        return self._indices[spec]

    def build(self, names: bool = True) -> bytes:
        """The module: it imports `env.memory` and exports `run`. names: of functions, in traces."""
        return self._module.build(names)

    def _emit(self, kernels: Iterable[KernelSpec]) -> None:
        for spec in kernels:
            function = emit_kernel(spec, self._module, self._target)
            self._indices[spec] = self._module.table_index(function)

    def _empty(self) -> Module:
        shared = self._target.threads
        module = Module(LEAST_PAGES, MOST_PAGES if shared else None, shared)
        emit_run(module, self._target)
        return module
