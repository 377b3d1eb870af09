"""Let convolutions and pools do the padding that stands in front of them."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from ..ir.builder import GraphBuilder, rewrite
from ..ir.graph import Graph, Node
from ..ops.base import Op
from ..ops.pad import PadConst
from ..ops.pool import Pool
from ..options import CompileOptions
from ..record import replace
from .clean import clean

__all__ = ["absorb_pads"]

Widths = tuple[tuple[int, ...], tuple[int, ...]]


def absorb_pads(g: Graph, options: CompileOptions) -> Graph:
    """The graph with borders in front of Conv and Pool made by these, where they can."""
    if not any(isinstance(n.op, PadConst) for n in g.nodes):
        return g
    pads: dict[str, Node] = {}

    def visit(b: GraphBuilder, node: Node) -> Sequence[str] | None:
        if isinstance(node.op, PadConst):
            pads[node.outputs[0]] = node
            return None
        pad = pads.get(node.inputs[0]) if node.inputs else None
        if pad is None or not (isinstance(node.op, Pool) or node.op.op_type == "Conv"):
            return None
        op = _padding(b, node, pad)
        if op is None:
            return None
        b.append(Node(op, (pad.inputs[0], *node.inputs[1:]), node.outputs, node.name, node.origin))
        return node.outputs

    return clean(rewrite(g, visit), options)


def _padding(b: GraphBuilder, node: Node, pad: Node) -> Op | None:
    """The operator on what the border was added to; None if it can't make that border."""
    op, border = node.op, pad.op
    assert isinstance(border, PadConst)
    value = border.value.item() if border.value is not None else None
    last = bool(getattr(op, "channels_last", False))
    widths = _spatial(border, last)
    if widths is None or value is None:
        return None
    if isinstance(op, Pool):
        return _pool(op, widths) if value == (-inf if op.kind == "max" else 0) else None
    spatial = len(widths[0])
    auto_pad, own = getattr(op, "auto_pad", "NOTSET"), getattr(op, "pads", None)
    if value != 0 or auto_pad not in ("NOTSET", "VALID"):
        return None
    if auto_pad == "VALID" or own is None:
        own = (0,) * (2 * spatial)
    begins, ends = widths
    pads = tuple([p + q for p, q in zip(own, (*begins, *ends), strict=True)])
    return op.with_(auto_pad="NOTSET", pads=pads)


def _pool(op: Pool, widths: Widths) -> Op:
    """The windows over the smaller input, whose elements have other coordinates there.

    The border still counts for an average's divisor, as it did when it was part of the input.
    """
    axes = [
        replace(
            axis,
            size=axis.size - before - after,
            begin=axis.begin + before,
            counted=(axis.counted[0] - before, axis.counted[1] - before),
        )
        for axis, before, after in zip(op.axes, *widths, strict=True)
    ]
    return op.with_(axes=tuple(axes))


def _spatial(border: PadConst, channels_last: bool) -> Widths | None:
    """The widths before and after each spatial axis; None if other axes have borders too."""
    begins, ends = border.begins, border.ends
    channel = len(begins) - 1 if channels_last else 1
    if len(begins) < 3 or any((begins[0], ends[0], begins[channel], ends[channel])):
        return None
    inner = slice(1, -1) if channels_last else slice(2, None)
    return begins[inner], ends[inner]
