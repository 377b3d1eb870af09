"""Models with something fixed or freed: sizes of symbolic dimensions, values of initializers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..ir.shape import Sym
from ..ir.types import InputType
from ..onnx.load import Model
from ..record import replace
from .settings import warn

__all__ = ["with_inputs", "with_sizes"]


def with_sizes(model: Model, sizes: Mapping[str, int]) -> Model:
    """The model with sizes for symbolic dimensions; warns of names that no input has."""
    if not sizes:
        return model
    g = model.graph
    for name in sizes.keys() - {symbol for t in g.inputs.values() for symbol in t.symbols}:
        warn(f"no input has a dimension '{name}' to be overridden", 4)
    inputs = {name: _sized(t, sizes) for name, t in g.inputs.items()}
    outputs = {name: _sized(t, sizes) for name, t in model.outputs.items()}
    graph = replace(g, inputs=inputs, declared=outputs)
    return replace(model, graph=graph, outputs=outputs)


def with_inputs(model: Model, names: Sequence[str]) -> Model:
    """The model in which some overridable initializers are inputs."""
    g = model.graph
    inputs = {**g.inputs, **{name: model.overridable[name] for name in names}}
    consts = {name: const for name, const in g.consts.items() if name not in names}
    return replace(model, graph=replace(g, inputs=inputs, consts=consts))


def _sized(t: InputType, sizes: Mapping[str, int]) -> InputType:
    if t.shape is None:
        return t
    shape = tuple(sizes.get(d.name, d) if isinstance(d, Sym) else d for d in t.shape)
    return replace(t, shape=shape)
