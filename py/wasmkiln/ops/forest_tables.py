"""Decision trees as tables for the forest kernel, from the columns in which ONNX lists their nodes.

A model may hold anything: that every path from a root ends in a leaf is checked here, so that the
kernel can follow the tables blindly.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from struct import Struct

from ..errors import InvalidModelError, UnsupportedOperatorError
from ..ir.dtype import F32, DType
from ..program.kernels.forest import LEAF_BIAS, Test
from ..record import record

__all__ = ["MODES", "Forest", "Leaf", "Tables", "check_columns", "check_mode", "pack"]

Leaf = tuple[tuple[int, float], ...]  # (target, weight), in the order in which they are added

# By ONNX's name of a mode: the test that stays if all nodes have it, and its outcomes, see `_mask`.
MODES: dict[str, tuple[Test, int]] = {
    "BRANCH_LEQ": ("le", 0b0110),
    "BRANCH_LT": ("lt", 0b0010),
    "BRANCH_GTE": ("ge", 0b0101),
    "BRANCH_GT": ("gt", 0b0001),
    "BRANCH_EQ": ("eq", 0b0100),
    "BRANCH_NEQ": ("ne", 0b1011),
}

# What a feature's place in a row may take beside the four bits of a mask.
MAX_OFFSET = 1 << 27


@record
class Forest:
    """Nodes by number. Where `leaves` has None the node is a branch, with a mode of MODES.

    features, values, missing: what a branch tests, and whether NaN passes. passed, failed: where
    it leads.
    """

    roots: tuple[int, ...]
    modes: Sequence[str]
    features: Sequence[int]
    values: Sequence[float]
    missing: Sequence[bool]
    passed: Sequence[int]
    failed: Sequence[int]
    leaves: Sequence[Leaf | None]


@record
class Tables:
    """What the kernel reads, see ForestSpec.

    features: how many a row must have. certain: for each target, whether some tree adds to it
    whatever the features are.
    """

    nodes: bytes
    leaves: bytes
    roots: bytes
    test: Test
    features: int
    certain: tuple[bool, ...]


def pack(forest: Forest, dtype: DType, targets: int) -> Tables:
    """The tables for rows of a dtype; InvalidModelError for what is no forest."""
    order, found = _walk(forest)
    test = _common_test(forest, order)
    leaves = _Leaves(dtype, targets)
    size = 16 if dtype == F32 else 24
    layout = Struct("<fIii" if dtype == F32 else "<dIiiI")
    tail = () if dtype == F32 else (0,)
    place = {node: i for i, node in enumerate(order)}
    rows = []
    for i, node in enumerate(order):
        leaf = forest.leaves[node]
        if leaf is not None:
            rows.append(leaves.entry(node, leaf) + bytes(size - leaves.width))
            continue
        word = _offset(forest, node, dtype)
        if test == "any":
            word = word << 4 | _mask(forest, node)
        steps = [(place[to] - i) * size for to in (forest.passed[node], forest.failed[node])]
        rows.append(layout.pack(forest.values[node], word, *steps, *tail))
    roots = Struct(f"<{len(forest.roots)}I").pack(*(place[r] * size for r in forest.roots))
    features = [forest.features[node] for node in order if forest.leaves[node] is None]
    return Tables(
        b"".join(rows),
        bytes(leaves.data),
        roots,
        test,
        1 + max(features, default=-1),
        _certain(forest, len(order), found, targets),
    )


def _offset(forest: Forest, node: int, dtype: DType) -> int:
    """Where the feature that a branch tests lies in a row, in bytes."""
    offset = forest.features[node] * dtype.itemsize
    if not 0 <= offset < MAX_OFFSET:
        raise InvalidModelError(f"node {node} tests feature {forest.features[node]}")
    return offset


class _Leaves:
    """Writes leaves: their only weight in place of the threshold, or where their weights lie."""

    def __init__(self, dtype: DType, targets: int) -> None:
        self.data = bytearray()
        self.width = dtype.itemsize
        self._dtype = dtype
        self._targets = targets
        self._weight = Struct("<f" if dtype == F32 else "<d")
        self._pair = Struct("<If" if dtype == F32 else "<Id")
        self._known: dict[bytes, int] = {}

    def entry(self, node: int, leaf: Leaf) -> bytes:
        """The first bytes of the node."""
        for target, _ in leaf:
            if not 0 <= target < self._targets:
                raise InvalidModelError(
                    f"leaf {node} adds to target {target}, of which there are {self._targets}"
                )
        if self._targets == 1:  # only the first counts, as in onnxruntime
            return self._weight.pack(leaf[0][1] if leaf else 0.0)
        pairs = b"".join(self._pair.pack(t * self.width, value) for t, value in leaf)
        at = self._known.get(pairs)
        if at is None:
            at = self._known[pairs] = len(self.data)
            self.data += len(pairs).to_bytes(4, "little") + pairs
        # The kernel compares leaves as if they were branches: a float of usual size is quickest.
        place = (at + LEAF_BIAS).to_bytes(4, "little")
        return place if self.width == 4 else place + b"\0\0\xf0\x3f"


def _common_test(forest: Forest, order: Sequence[int]) -> Test:
    """The test of all branches; 'any' if they differ or send NaN their own way."""
    tests: set[Test] = set()
    for node in order:
        if forest.leaves[node] is None:
            test, mask = MODES[forest.modes[node]]
            tests.add("any" if forest.missing[node] and not mask & 8 else test)
    return tests.pop() if len(tests) == 1 else "any" if tests else "le"


def _mask(forest: Forest, node: int) -> int:
    """Which outcomes pass: bit 0 if the feature is greater, 1 less, 2 equal, 3 NaN."""
    mode = forest.modes[node]
    mask = MODES[mode][1] | (8 if forest.missing[node] else 0)
    if isnan(forest.values[node]):  # nothing compares with it
        mask = mask & 8 | (7 if mode == "BRANCH_NEQ" else 0)
    return mask


def _walk(forest: Forest) -> tuple[list[int], list[list[int]]]:
    """All nodes that can be reached, each before those below it; and the leaves of each tree.

    A leaf that several trees share is only among those of the first.
    """
    count = len(forest.leaves)
    state = bytearray(count)  # 1: on the path from the root, 2: done
    order: list[int] = []
    found: list[list[int]] = []
    for root in forest.roots:
        stack = [_in_range(root, count, "a root")]
        found.append([])
        while stack:
            node = stack[-1]
            if state[node]:
                state[stack.pop()] = 2
                continue
            state[node] = 1
            order.append(node)
            if forest.leaves[node] is not None:
                found[-1].append(node)
                continue
            for child in (forest.failed[node], forest.passed[node]):
                if state[_in_range(child, count, f"node {node}")] == 1:
                    raise InvalidModelError(f"the trees have a cycle: node {node} leads to {child}")
                stack.append(child)
    return order, found


def _in_range(node: int, count: int, source: str) -> int:
    if not 0 <= node < count:
        raise InvalidModelError(f"{source} leads to node {node}, of which there are {count}")
    return node


def _certain(
    forest: Forest, count: int, found: Sequence[Sequence[int]], targets: int
) -> tuple[bool, ...]:
    certain: set[int] = set()
    if count == 2 * sum(map(len, found)) - len(found):  # else trees share nodes: all leaves differ
        for leaves in found:
            each = ({target for target, _ in forest.leaves[n] or ()} for n in leaves)
            certain.update(set.intersection(*each))
            if len(certain) == targets:
                break
    return tuple(target in certain for target in range(targets))


def check_columns(columns: dict[str, Sequence[object]]) -> int:
    """The length that all columns have; InvalidModelError if they differ."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{n} of {name}" for name, n in lengths.items())
        raise InvalidModelError(f"there are {said}")
    return next(iter(lengths.values()))


def check_mode(mode: str) -> None:
    """UnsupportedOperatorError for a mode that is not known."""
    if mode != "LEAF" and mode not in MODES:
        raise UnsupportedOperatorError(f"the node mode '{mode}' is not known")
