"""Let convolutions and pools do the padding that a Pad in front of them does."""

from __future__ import annotations

from collections.abc import Mapping

from ..ir.builder import GraphBuilder
from ..ir.graph import Node

__all__ = ["absorb_pad"]


def absorb_pad(b: GraphBuilder, node: Node, producers: Mapping[str, Node]) -> str | None:
    """A Conv or AveragePool with larger pads in place of one behind a Pad of zeros, or None."""
    pad = producers.get(node.inputs[0])
    if pad is None or pad.op.op_type != "Pad":
        return None
    pads = _spatial_zero_pads(b, pad)
    own = _own_pads(b, node)
    if pads is None or own is None or any(p < 0 for p in pads):
        return None
    changes: dict[str, object] = {"auto_pad": "NOTSET"}
    if node.op.op_type == "AveragePool":
        # The zeros count for the divisor; padding of its own, where that does not count, can't be
        # told from them.
        if any(own) and not getattr(node.op, "count_include_pad", False):
            return None
        if getattr(node.op, "ceil_mode", False):
            return None
        changes["count_include_pad"] = True
    changes["pads"] = tuple([p + q for p, q in zip(pads, own, strict=True)])
    return b.add(node.op.with_(**changes), pad.inputs[0], *node.inputs[1:], hint=node.outputs[0])


def _own_pads(b: GraphBuilder, node: Node) -> tuple[int, ...] | None:
    auto_pad = getattr(node.op, "auto_pad", "NOTSET")
    spatial = b.type(node.inputs[0]).rank - 2
    if auto_pad == "VALID":
        return (0,) * (2 * spatial)
    if auto_pad != "NOTSET":
        return None
    pads: tuple[int, ...] | None = getattr(node.op, "pads", None)
    return pads or (0,) * (2 * spatial)


def _spatial_zero_pads(b: GraphBuilder, pad: Node) -> tuple[int, ...] | None:
    """The pads of the spatial axes, begins then ends; None if it does more than add zeros there."""
    if getattr(pad.op, "mode", "constant") != "constant":
        return None
    rank = b.type(pad.inputs[0]).rank
    pads: tuple[int, ...] | None = getattr(pad.op, "pads", None)
    if pads is None:
        known = [b.type(i).value if i else None for i in pad.inputs[1:]]
        if not known or known[0] is None or any(pad.inputs[3:4]):
            return None
        if any(pad.inputs[2:3]) and (known[1] is None or known[1].item() != 0):
            return None
        pads = known[0].ints()
    elif getattr(pad.op, "value", 0.0) != 0.0:
        return None
    begins, ends = pads[:rank], pads[rank:]
    if len(pads) != 2 * rank or any(begins[:2]) or any(ends[:2]):
        return None
    return (*begins[2:], *ends[2:])
