"""onnxruntime's enumerations, with its numbers."""

from __future__ import annotations

from enum import Enum, IntEnum

__all__ = ["ExecutionMode", "ExecutionOrder", "GraphOptimizationLevel", "OrtSparseFormat"]


class _Named(IntEnum):
    __str__ = Enum.__str__  # the name, where IntEnum would give the number


class GraphOptimizationLevel(_Named):
    """How far a model may be rewritten before it is compiled."""

    ORT_DISABLE_ALL = 0
    ORT_ENABLE_BASIC = 1
    ORT_ENABLE_EXTENDED = 2
    ORT_ENABLE_LAYOUT = 3
    ORT_ENABLE_ALL = 99


class ExecutionMode(_Named):
    """Whether nodes that don't need each other may run at once."""

    ORT_SEQUENTIAL = 0
    ORT_PARALLEL = 1


class ExecutionOrder(_Named):
    """By what the order of nodes is chosen."""

    DEFAULT = 0
    PRIORITY_BASED = 1
    MEMORY_EFFICIENT = 2


class OrtSparseFormat(_Named):
    """Formats of sparse tensors, of which there are none here."""

    ORT_SPARSE_UNDEFINED = 0
    ORT_SPARSE_COO = 1
    ORT_SPARSE_CSRC = 2
    ORT_SPARSE_BLOCK_SPARSE = 4
