"""Passes: Graph to Graph, one file each, in the order of PIPELINE."""

from __future__ import annotations

from collections.abc import Callable

from ..ir.graph import Graph
from ..options import CompileOptions
from .attention import fuse_attention
from .bind import bind
from .bottleneck import fuse_bottlenecks
from .clean import clean
from .epilogue import fuse_epilogues
from .expand import expand
from .fold_weights import fold_weights
from .fuse import fuse_maps
from .infer import infer
from .integers import use_integers
from .join import join_in_place
from .layout import layout
from .maps import to_maps
from .pads import absorb_pads
from .partition import partition
from .promote import promote
from .reductions import fuse_reductions
from .row_norms import find_row_norms
from .select import select
from .simplify import simplify
from .winograd import use_winograd

__all__ = ["PIPELINE", "Pass", "partition", "run_passes"]

Pass = Callable[[Graph, CompileOptions], Graph]

# Each name once: it is how a pass is called in `wasmkiln inspect --passes`.
PIPELINE: tuple[tuple[str, Pass], ...] = (
    ("bind", bind),  # sizes for symbolic dimensions
    ("infer", infer),  # types for all values; shape arithmetic folds, If is inlined
    ("promote", promote),  # f16 and bf16 become f32
    ("clean", clean),  # what folding has left over
    ("join", simplify),  # identities go, so that layers and what follows them are neighbours
    ("use_integers", use_integers),  # while layers stand between operators of quantization
    ("fold_weights", fold_weights),  # while BatchNormalization is still whole
    ("expand", expand),  # composite operators into simpler ones
    ("simplify", simplify),  # their views and transposes join
    ("find_row_norms", find_row_norms),  # while their steps are still operators of ONNX
    ("absorb_pads", absorb_pads),  # borders around the input, which layout would leave in front
    ("layout", layout),  # channels last; before fusion, which hides what an operator is
    ("absorb_more_pads", absorb_pads),  # those that a transpose kept apart
    ("to_maps", to_maps),  # all that is elementwise
    ("fuse_maps", fuse_maps),
    ("fuse_attention", fuse_attention),  # once scale and mask are one expression
    ("fuse_reductions", fuse_reductions),
    ("fuse_epilogues", fuse_epilogues),
    ("use_winograd", use_winograd),  # before select, which packs filters as they are
    ("select", select),  # kernels, and the packing of their weights
    ("tidy", simplify),  # views and transposes that selection has made
    ("fuse_bottlenecks", fuse_bottlenecks),  # late, as it looks for selected kernels
    ("join_in_place", join_in_place),  # last, as it asks what kernels can do
)


def run_passes(
    g: Graph, options: CompileOptions, observe: Callable[[str, Graph], None] | None = None
) -> Graph:
    """The graph ready to be lowered; `observe` sees it after each pass."""
    for name, function in PIPELINE:
        g = function(g, options)
        if observe is not None:
            observe(name, g)
    return g
