"""Kernel emitters, one family a file: each turns a specification into one Wasm function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....program.kernels import KernelSpec
from ....program.kernels.copy import CopySpec, IotaSpec, TransposeSpec
from ....program.kernels.gather import GatherElementsSpec, GatherNDSpec, GatherSpec
from ...base import Target
from ..function import Function
from ..module import Module
from .copy import emit_copy, emit_iota, emit_transpose
from .gather import emit_gather, emit_gather_elements, emit_gather_nd

__all__ = ["EMITTERS", "Emit", "emit"]

Emit = Callable[[Any, Module, Target], Function]

EMITTERS: dict[type[KernelSpec], Emit] = {
    CopySpec: emit_copy,
    GatherElementsSpec: emit_gather_elements,
    GatherNDSpec: emit_gather_nd,
    GatherSpec: emit_gather,
    IotaSpec: emit_iota,
    TransposeSpec: emit_transpose,
}


def emit(spec: KernelSpec, m: Module, target: Target) -> Function:
    """Add the kernel of a specification to the module."""
    return EMITTERS[type(spec)](spec, m, target)
