"""Shapes that a model may get next: the kernels for them are emitted with those for the first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, combinations, islice

from .compiler import plan_graph
from .errors import WasmkilnError
from .ir.shape import Shape, Sym
from .ir.types import InputType
from .onnx.load import Model
from .options import CompileOptions
from .program.kernels import KernelSpec
from .record import replace

__all__ = ["variant_kernels", "variants"]

# Kernels are chosen by structure, in which a size of 1 differs from all others: such a dimension
# broadcasts, or vanishes. This one stands for all others.
OTHER = 3

MOST = 4  # variants; each takes as long as planning a shape


def variant_kernels(model: Model, options: CompileOptions) -> Iterator[KernelSpec]:
    """The kernels for variants of the shapes in the options, as far as the model can take them."""
    for other in variants(model.graph.inputs, options.shapes, options.dims):
        try:
            compiled = plan_graph(model, replace(options, shapes=other))
        except WasmkilnError:  # sizes that belong together have been torn apart
            continue
        yield from compiled.program.kernels()


def variants(
    inputs: Mapping[str, InputType], shapes: Mapping[str, Shape], bound: Mapping[str, int]
) -> Iterator[dict[str, Shape]]:
    """Shapes in which symbolic sizes are 1 where those given are not, and the other way round.

    bound: symbols whose size is settled. Heights and widths are left alone.
    """
    sizes = {
        dim.name: 1 if size > 1 else OTHER
        for name, shape in shapes.items()
        for axis, (dim, size) in enumerate(zip(inputs[name].shape or (), shape, strict=False))
        if isinstance(dim, Sym) and dim.name not in bound and not (axis > 1 and len(shape) > 3)
    }
    if not sizes:
        return
    subsets = chain.from_iterable(combinations(sizes, n) for n in range(1, len(sizes)))
    for chosen in islice(chain([tuple(sizes)], subsets), MOST):
        changed = {symbol: sizes[symbol] for symbol in chosen}
        yield {name: _with(inputs[name], shape, changed) for name, shape in shapes.items()}


def _with(declared: InputType, shape: Shape, sizes: Mapping[str, int]) -> Shape:
    dims = declared.shape or shape
    return tuple(
        sizes.get(dim.name, size) if isinstance(dim, Sym) else size
        for dim, size in zip(dims, shape, strict=False)
    )
