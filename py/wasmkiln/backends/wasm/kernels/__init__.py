"""Kernel emitters, one family a file: each turns a specification into one Wasm function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....program.kernels import KernelSpec
from ...base import Target
from ..function import Function
from ..module import Module

__all__ = ["EMITTERS", "Emit", "emit"]

Emit = Callable[[Any, Module, Target], Function]

EMITTERS: dict[type[KernelSpec], Emit] = {}


def emit(spec: KernelSpec, m: Module, target: Target) -> Function:
    """Add the kernel of a specification to the module."""
    return EMITTERS[type(spec)](spec, m, target)
