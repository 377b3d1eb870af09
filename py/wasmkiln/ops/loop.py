"""Loop and Scan, which the pass `infer` unrolls: see passes/unroll.py."""

from __future__ import annotations

from ..errors import UnsupportedOperatorError
from ..ir.graph import Graph
from ..ir.types import TensorType
from .base import Op, register

__all__ = ["Loop", "Scan"]


@register("Loop", since=1)
class Loop(Op):
    """The body, as often as the trip count says and the condition holds.

    inputs: trip count, condition (either may be absent), values that the body carries on.
    The body takes the iteration, the condition and the carried values; it gives the next condition,
    the next values, and values that are stacked over all iterations.
    """

    body: Graph

    def infer(self, *inputs: TensorType | None) -> tuple[TensorType, ...]:
        """Refuses: it should have been unrolled."""
        raise UnsupportedOperatorError("a loop is not unrolled")


@register("Scan", since=8)
class Scan8(Op):
    """Scan for each row of a batch, which is dimension 0 of all inputs and outputs.

    inputs: the rows' lengths or nothing, states, scan inputs.
    """

    body: Graph
    num_scan_inputs: int
    directions: tuple[int, ...] = ()

    def infer(self, *inputs: TensorType | None) -> tuple[TensorType, ...]:
        """Refuses: it should have been unrolled."""
        raise UnsupportedOperatorError("a scan is not unrolled")


@register("Scan", since=9)
class Scan(Op):
    """The body for each slice of the scan inputs, in step.

    inputs: states, then `num_scan_inputs` scan inputs. The body takes the states and a slice of
    each scan input; it gives the next states, and slices of the scan outputs.
    """

    body: Graph
    num_scan_inputs: int
    scan_input_axes: tuple[int, ...] = ()
    scan_input_directions: tuple[int, ...] = ()
    scan_output_axes: tuple[int, ...] = ()
    scan_output_directions: tuple[int, ...] = ()

    def infer(self, *inputs: TensorType | None) -> tuple[TensorType, ...]:
        """Refuses: it should have been unrolled."""
        raise UnsupportedOperatorError("a scan is not unrolled")
