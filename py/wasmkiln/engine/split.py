"""Cuts a graph into steps: segments that are compiled as a whole, and single nodes on the host."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..ir.dtype import STRING
from ..ir.graph import Graph, Node
from ..record import record
from .scope import uses

__all__ = ["Step", "is_whole", "split"]


@record
class Step:
    """What runs at one go: nodes that are compiled together, or one node on the host.

    inputs: values that come from elsewhere; a segment's constants are not among them, unless they
    are strings. outputs: values that other steps or the caller take.
    """

    nodes: tuple[Node, ...]
    on_host: bool
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def split(g: Graph, on_host: Collection[str], cuts: Collection[str]) -> tuple[Step, ...]:
    """The steps in order.

    on_host: first outputs of the nodes that the host runs. cuts: values that have to be known
    before the nodes that use them are compiled.

    Each node runs as early as it can: segments in even rounds, the host in odd ones.
    """
    rounds: dict[str, int] = {}  # in which a value is there for compiled nodes
    segments: dict[int, list[Node]] = {}
    hosts: dict[int, list[Node]] = {}
    for node in g.nodes:
        ready = max((rounds.get(name, 0) for name in uses(node)), default=0)
        if first_output(node) in on_host:
            turn = ready if ready % 2 else ready + 1
            hosts.setdefault(turn, []).append(node)
        else:
            turn = ready + ready % 2
            segments.setdefault(turn, []).append(node)
        for name in node.outputs:
            rounds[name] = turn + 1 if name in cuts else turn
    groups: list[tuple[Sequence[Node], bool]] = []
    for turn in sorted({*segments, *hosts}):
        if turn % 2:
            groups += [((node,), True) for node in hosts[turn]]
        else:
            groups.append((segments[turn], False))
    return _with_borders(g, groups)


def is_whole(g: Graph, steps: Sequence[Step]) -> bool:
    """Whether the graph can be compiled as it is, and needs no host."""
    strings = any(const.dtype == STRING for const in g.consts.values())
    others = any(declared.wrap for declared in g.inputs.values())
    hosts = any(step.on_host for step in steps)
    return len(steps) <= 1 and not strings and not others and not hosts


def first_output(node: Node) -> str:
    """The name by which a node is known: that of its first output that is used."""
    return next(filter(None, node.outputs), "")


def _with_borders(g: Graph, groups: Sequence[tuple[Sequence[Node], bool]]) -> tuple[Step, ...]:
    """The steps; what they take and give follows from what the others use."""
    readers: dict[str, set[int]] = {}
    for index, (nodes, _) in enumerate(groups):
        for node in nodes:
            for name in uses(node):
                readers.setdefault(name, set()).add(index)
    results = set(g.outputs.values())
    steps = []
    for index, (nodes, on_host) in enumerate(groups):
        made = {name: None for node in nodes for name in node.outputs if name}
        used = dict.fromkeys(name for node in nodes for name in uses(node))
        taken = [n for n in used if n not in made and (on_host or _is_variable(g, n))]
        given = [n for n in made if n in results or readers.get(n, set()) - {index}]
        steps.append(Step(tuple(nodes), on_host, tuple(taken), tuple(given)))
    return tuple(steps)


def _is_variable(g: Graph, name: str) -> bool:
    const = g.consts.get(name)
    return const is None or const.dtype == STRING
