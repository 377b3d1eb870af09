"""Values of inputs that have to be known while compiling: shapes, axes, numbers of repeats.

They become constants of a plan, which then holds for these values only.
"""

from __future__ import annotations

from collections.abc import Mapping

from .errors import DataDependentError
from .ir.const import MAX_INLINE, Const
from .ir.graph import Graph
from .ir.shape import Shape, numel
from .onnx.load import Model
from .record import replace

__all__ = ["MAX_KEYED", "needed_inputs", "with_values"]

# Elements of an input that is a constant of a plan because of what is computed from it. Those of
# more are data, which change with each run.
MAX_KEYED = 16


def needed_inputs(error: DataDependentError, shapes: Mapping[str, Shape]) -> tuple[str, ...]:
    """The inputs that a compilation has failed for; the error again if they can't be constants.

    shapes: those of the inputs, as far as they are known.
    """
    known = all(
        numel(shapes.get(name, ())) <= (MAX_INLINE if name == error.value else MAX_KEYED)
        for name in error.inputs
    )
    if not error.inputs or not known:
        raise error
    return error.inputs


def with_values(model: Model, values: Mapping[str, Const]) -> Model:
    """The model with constants in place of some inputs."""
    if not values:
        return model
    g = model.graph
    inputs = {name: t for name, t in g.inputs.items() if name not in values}
    graph = Graph(g.name, g.nodes, inputs, g.outputs, {**g.consts, **values}, g.types)
    return replace(model, graph=graph)
