"""Give every input a concrete type: sizes for symbolic dimensions, checked against the model."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import InvalidInputError, LimitError, UnsupportedOperatorError
from ..ir.graph import Graph
from ..ir.shape import Shape, Sym, show
from ..ir.types import MAX_RANK, InputType, TensorType
from ..options import CompileOptions

__all__ = ["bind"]


def bind(g: Graph, options: CompileOptions) -> Graph:
    """The graph with types for all inputs and constants, and for nothing else.

    A symbolic dimension takes its size from the whole shapes given or from `options.dims`, else it
    is 1. Raises InvalidInputError where the options contradict the model or each other.
    """
    for name in options.shapes:
        if name not in g.inputs:
            known = ", ".join(g.inputs) or "none"
            raise InvalidInputError(f"shapes: there is no input '{name}'; the inputs are {known}")
    sizes = _sizes(g.inputs, options)
    types = {name: TensorType.of(const) for name, const in g.consts.items()}
    for name, declared in g.inputs.items():
        if declared.wrap:
            raise UnsupportedOperatorError(f"input '{name}' is {declared}: no tensor")
        given = options.shapes.get(name)
        if given is not None:
            types[name] = TensorType(declared.dtype, tuple(given))
        elif declared.shape is not None:
            shape = tuple(sizes.get(d.name, 1) if isinstance(d, Sym) else d for d in declared.shape)
            types[name] = TensorType(declared.dtype, shape)
        else:
            raise InvalidInputError(
                f"input '{name}': the model does not say its rank; give its shape in the options"
            )
    for name, t in types.items():
        if t.rank > MAX_RANK:
            raise LimitError(f"'{name}' has rank {t.rank}, above {MAX_RANK}")
    return Graph(g.name, g.nodes, g.inputs, g.outputs, g.consts, types)


def _sizes(inputs: Mapping[str, InputType], options: CompileOptions) -> dict[str, int]:
    """The sizes of the symbols, each once; what the options say must agree."""
    symbols = dict.fromkeys(s for t in inputs.values() for s in t.symbols)
    for symbol, size in options.dims.items():
        if symbol not in symbols:
            known = ", ".join(symbols) or "none"
            raise InvalidInputError(f"dims: no input has '{symbol}'; the symbols are {known}")
        if size < 0:
            raise InvalidInputError(f"dims: '{symbol}' cannot be {size}")
    sizes = dict(options.dims)
    sources = dict.fromkeys(sizes, "the options")  # what has decided a symbol
    for name, given in options.shapes.items():
        declared = inputs[name].shape
        _check(name, declared, given)
        for dim, size in zip(declared or (), given, strict=False):
            if isinstance(dim, Sym):
                if sizes.setdefault(dim.name, size) != size:
                    raise InvalidInputError(
                        f"input '{name}': '{dim}' is {size} in {show(given)}, but "
                        f"{sizes[dim.name]} in {sources[dim.name]}"
                    )
                sources.setdefault(dim.name, f"input '{name}'")
    return sizes


def _check(name: str, declared: tuple[int | Sym, ...] | None, given: Shape) -> None:
    if any(d < 0 for d in given):
        raise InvalidInputError(f"input '{name}': {show(given)} has a negative size")
    if declared is None:
        return
    agrees = len(declared) == len(given) and all(
        isinstance(d, Sym) or d == s for d, s in zip(declared, given, strict=True)
    )
    if not agrees:
        raise InvalidInputError(
            f"input '{name}': the model declares {show(declared)}, given is {show(given)}"
        )
