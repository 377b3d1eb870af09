"""Shapes that a model may get next: the kernels for them are emitted with those for the first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, combinations, islice

from .compiler import plan_graph
from .errors import WasmkilnError
from .ir.graph import Graph
from .ir.shape import Shape, Sym
from .onnx.load import Model
from .options import CompileOptions
from .program.kernels import KernelSpec
from .record import replace

__all__ = ["has_images_of_any_size", "variant_kernels", "variants"]

# Kernels are chosen by structure, in which a size of 1 differs from all others: such a dimension
# broadcasts, or vanishes. This one stands for all others.
OTHER = 3

# Heights and widths: those that shrink to single pixels, those that don't, and those at which
# operators are worth joining. Multiples of what nets divide them by.
SIZES = (192, 1024, 32)

MOST = 5  # variants; each takes as long as planning a shape

_WINDOWS = frozenset(
    ("AveragePool", "Conv", "ConvTranspose", "LpPool", "MaxPool", "QLinearConv", "ConvInteger")
)


def variant_kernels(model: Model, options: CompileOptions) -> Iterator[KernelSpec]:
    """The kernels for variants of the shapes in the options, as far as the model can take them."""
    for other in variants(model.graph, options.shapes, options.dims):
        try:
            compiled = plan_graph(model, replace(options, shapes=other))
        except WasmkilnError:  # sizes that belong together have been torn apart
            continue
        yield from compiled.program.kernels()


def has_images_of_any_size(g: Graph, bound: Mapping[str, int]) -> bool:
    """Whether windows move over sizes that are not known, as far as inputs say."""
    unknown = any(t.shape is None for t in g.inputs.values())
    return _has_windows(g) if unknown else bool(_image_symbols(g, bound))


def _has_windows(g: Graph) -> bool:
    return any(node.op.op_type in _WINDOWS for node in g.nodes)


def _image_symbols(g: Graph, bound: Mapping[str, int]) -> set[str]:
    """Symbols over which windows move: those of inputs with channels, if the graph has windows."""
    if not _has_windows(g):
        return set()
    dims = [t.shape[1:] for t in g.inputs.values() if t.shape and len(t.shape) > 2]
    return {d.name for d in chain(*dims) if isinstance(d, Sym)} - set(bound)


def variants(
    g: Graph, shapes: Mapping[str, Shape], bound: Mapping[str, int]
) -> Iterator[dict[str, Shape]]:
    """Shapes in which symbolic sizes are 1 where those given are not, and the other way round.

    Heights and widths are taken from SIZES instead. bound: symbols whose size is settled.
    """
    images = _image_symbols(g, bound)
    changes: dict[str, int] = {}
    for name, shape in shapes.items():
        for dim, size in zip(g.inputs[name].shape or (), shape, strict=False):
            if isinstance(dim, Sym) and dim.name not in bound and dim.name not in images:
                changes[dim.name] = 1 if size > 1 else OTHER
    sizes = [dict.fromkeys(images, size) for size in SIZES]
    first = [*sizes, changes | sizes[0], changes | sizes[-1]] if images else [changes]
    subsets = chain.from_iterable(combinations(changes, n) for n in range(1, len(changes)))
    flips = ({symbol: changes[symbol] for symbol in chosen} for chosen in subsets)
    for chosen in islice(filter(None, chain(first, flips)), MOST):
        yield {name: _with(g, name, shape, chosen) for name, shape in shapes.items()}


def _with(g: Graph, name: str, shape: Shape, sizes: Mapping[str, int]) -> Shape:
    dims = g.inputs[name].shape or shape
    return tuple(
        sizes.get(dim.name, size) if isinstance(dim, Sym) else size
        for dim, size in zip(dims, shape, strict=False)
    )
