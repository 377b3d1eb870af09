"""Join expand, depthwise convolution and projection where one kernel for the three is faster."""

from __future__ import annotations

from ..ir.graph import Graph
from ..options import CompileOptions
from .clean import clean

__all__ = ["fuse_bottlenecks"]


def fuse_bottlenecks(g: Graph, options: CompileOptions) -> Graph:
    """The graph with GemmPacked -> Depthwise -> GemmPacked as one Bottleneck, which stands last.

    Views between them are passed. Nothing else may use what is between them. Where no product
    stands in front, or one that can't be part of it, the Bottleneck begins with the Depthwise.
    """
    if not options.bottleneck or all(n.op.op_type != "Depthwise" for n in g.nodes):
        return g
    from .chains import Chains  # only models with such convolutions load it and its operators

    chains = Chains(g, options.threads)
    nodes = tuple([chains.joined(node) or node for node in g.nodes])
    return clean(Graph(g.name, nodes, g.inputs, g.outputs, g.consts, g.types), options)
