"""Checks that every value is defined once, and puts nodes behind those whose values they use."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..errors import InvalidModelError
from .functions import Call
from .proto import GraphProto, NodeProto

__all__ = ["captures", "describe", "order"]

MAX_SHOWN = 8


def describe(node: NodeProto) -> str:
    """The node as messages name it: `Conv 'stem'`, or by its output if it has no name."""
    if node.name:
        return f"{node.op_type} '{node.name}'"
    return f"{node.op_type} giving '{next(filter(None, node.outputs), '')}'"


def order(calls: Sequence[Call], given: Collection[str], outer: Collection[str]) -> Sequence[Call]:
    """The nodes in an order of computation, which is their own where that is one.

    given: names of the graph's inputs and constants. outer: names taken from around the graph.
    """
    producers = _producers(calls, given)
    reads = [_reads(call.node) for call in calls]
    done = {*given, *outer}
    sorted_already = True
    for call, names in zip(calls, reads, strict=True):
        for name in names:
            if name not in done:
                if name not in producers:
                    raise InvalidModelError(
                        f"{describe(call.node)} uses '{name}', which nothing defines"
                    )
                sorted_already = False
        done.update(call.node.outputs)
    return calls if sorted_already else _sort(calls, reads, producers)


def _producers(calls: Sequence[Call], given: Collection[str]) -> dict[str, int]:
    """The index of the node that defines each value."""
    producers: dict[str, int] = {}
    for index, call in enumerate(calls):
        for name in call.node.outputs:
            if not name:
                continue
            if name in producers or name in given:
                first = describe(calls[producers[name]].node) if name in producers else "the graph"
                raise InvalidModelError(
                    f"'{name}' is defined twice: by {first} and by {describe(call.node)}"
                )
            producers[name] = index
    return producers


def _reads(node: NodeProto) -> list[str]:
    """Values that a node needs, those that its subgraphs take from around them included."""
    names = [name for name in node.inputs if name]
    for attribute in node.attributes:
        value = attribute.value
        for item in value if isinstance(value, tuple) else (value,):
            if not isinstance(item, GraphProto):
                break
            names += captures(item)
    return names


def captures(graph: GraphProto) -> list[str]:
    """Names that a subgraph uses and doesn't define."""
    own = {info.name for info in graph.inputs}
    own.update(tensor.name for tensor in graph.initializers)
    own.update(sparse.values.name for sparse in graph.sparse_initializers)
    own.update(name for node in graph.nodes for name in node.outputs)
    used = dict.fromkeys(name for node in graph.nodes for name in _reads(node))
    used.update(dict.fromkeys(info.name for info in graph.outputs))
    return [name for name in used if name not in own]


def _sort(
    calls: Sequence[Call], reads: Sequence[Sequence[str]], producers: dict[str, int]
) -> list[Call]:
    """Kahn's algorithm; InvalidModelError naming the nodes of a cycle if there is one."""
    users: list[list[int]] = [[] for _ in calls]
    missing = [0] * len(calls)
    for index, names in enumerate(reads):
        for name in names:
            if name in producers:
                users[producers[name]].append(index)
                missing[index] += 1
    ready = [index for index, count in enumerate(missing) if not count]
    for index in ready:  # grows while it is walked
        for user in users[index]:
            missing[user] -= 1
            if not missing[user]:
                ready.append(user)
    if len(ready) < len(calls):
        raise _cycle(calls, reads, producers, missing)
    return [calls[index] for index in ready]


def _cycle(
    calls: Sequence[Call],
    reads: Sequence[Sequence[str]],
    producers: dict[str, int],
    missing: Sequence[int],
) -> InvalidModelError:
    """The error for a cycle: walk up from a node that waits until one comes again."""
    at = next(index for index, count in enumerate(missing) if count)
    path: dict[int, None] = {}
    while at not in path:
        path[at] = None
        at = next(producers[n] for n in reads[at] if n in producers and missing[producers[n]])
    walked = list(path)
    cycle = walked[walked.index(at) :]
    shown = [describe(calls[index].node) for index in reversed(cycle[:MAX_SHOWN])]
    more = f" and {len(cycle) - MAX_SHOWN} more" if len(cycle) > MAX_SHOWN else ""
    return InvalidModelError(f"the graph has a cycle: {' > '.join(shown)}{more}")
