"""Control flow: If, whose branches the pass `infer` inlines."""

from __future__ import annotations

from ..errors import UnsupportedOperatorError
from ..ir.graph import Graph
from ..ir.types import TensorType
from .base import Op, register

__all__ = ["If"]


@register("If", since=1)
class If(Op):
    """The outputs of `then_branch` where the condition holds, else those of `else_branch`.

    The branches may use every value defined before the node.
    """

    then_branch: Graph
    else_branch: Graph

    def infer(self, condition: TensorType) -> tuple[TensorType, ...]:
        """Refuses: a node that is still there has a condition known only at run time."""
        raise UnsupportedOperatorError("the condition depends on data computed at run time")
