"""TreeEnsemble, which lists leaves apart from branches and tests membership in sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..errors import InvalidModelError
from ..ir.builder import GraphBuilder
from ..ir.const import Const
from ..ir.dtype import F64
from ..ir.types import TensorType
from .base import register
from .compose import cast_to
from .forest_tables import MODES, Forest, Leaf, check_columns
from .ml_tree import DOMAIN, Ensemble, floats, regression
from .scores import TRANSFORMS, row_count

# By number in the attributes.
_AGGREGATE_NAMES = ("AVERAGE", "SUM", "MIN", "MAX")
_MODE_NAMES = (*MODES, "BRANCH_MEMBER")


@register("TreeEnsemble", since=5, domain=DOMAIN)
class TreeEnsemble(Ensemble):
    """Trees whose leaves are listed apart, each with one weight for one target."""

    leaf_targetids: tuple[int, ...]
    leaf_weights: Const
    nodes_falseleafs: tuple[int, ...]
    nodes_falsenodeids: tuple[int, ...]
    nodes_featureids: tuple[int, ...]
    nodes_modes: Const
    nodes_splits: Const
    nodes_trueleafs: tuple[int, ...]
    nodes_truenodeids: tuple[int, ...]
    tree_roots: tuple[int, ...]
    aggregate_function: int = 1
    membership_values: Const | None = None
    n_targets: int = 0
    nodes_hitrates: Const | None = None
    nodes_missing_value_tracks_true: tuple[int, ...] = ()
    post_transform: int = 0

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """[N, targets], of the input's dtype."""
        for name, names in (
            ("aggregate_function", _AGGREGATE_NAMES),
            ("post_transform", TRANSFORMS),
        ):
            if not 0 <= getattr(self, name) < len(names):
                raise InvalidModelError(f"{name} is {getattr(self, name)}")
        if self.n_targets < 1:
            raise InvalidModelError(f"n_targets is {self.n_targets}")
        return (TensorType(x.dtype, (row_count(x), self.n_targets)),)

    def is_double(self) -> bool:
        """Whether thresholds are of f64."""
        return F64 in (self.nodes_splits.dtype, self.leaf_weights.dtype)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Forest, and a transform."""
        (x,) = inputs
        aggregate = _AGGREGATE_NAMES[self.aggregate_function]
        transform = TRANSFORMS[self.post_transform]
        y = regression(g, x, self, self.n_targets, aggregate, (), transform)
        return (cast_to(g, y, g.type(x).dtype),)

    def forest(self) -> Forest:
        """Branches, then leaves, then what tests of membership need beside their first value."""
        return _Listed(self).forest()


class _Listed:
    """Builds the forest of a TreeEnsemble."""

    def __init__(self, op: TreeEnsemble) -> None:
        self.op = op
        count = len(op.nodes_featureids)
        if not op.nodes_modes.dtype.is_int:
            raise InvalidModelError(f"nodes_modes are {op.nodes_modes.dtype}, not integers")
        modes = op.nodes_modes.ints()
        self.splits = floats((), op.nodes_splits)
        self.weights = floats((), op.leaf_weights)
        missing = op.nodes_missing_value_tracks_true or (0,) * count
        check_columns(
            {
                "nodes_featureids": op.nodes_featureids,
                "nodes_modes": modes,
                "nodes_splits": self.splits,
                "nodes_truenodeids": op.nodes_truenodeids,
                "nodes_falsenodeids": op.nodes_falsenodeids,
                "nodes_trueleafs": op.nodes_trueleafs,
                "nodes_falseleafs": op.nodes_falseleafs,
                "nodes_missing_value_tracks_true": missing,
            }
        )
        self.leaf_count = check_columns(
            {"leaf_targetids": op.leaf_targetids, "leaf_weights": self.weights}
        )
        if any(not 0 <= mode < len(_MODE_NAMES) for mode in modes):
            raise InvalidModelError(f"node modes are {sorted(set(modes))}")
        self.count = count
        none = self.leaf_count
        self.modes = [*(_MODE_NAMES[mode] for mode in modes), *["LEAF"] * none]
        self.features = [*op.nodes_featureids, *[0] * none]
        self.values = [*(float(v) for v in self.splits), *[0.0] * none]
        self.missing = [*map(bool, missing), *[False] * none]
        self.passed = self._children(op.nodes_truenodeids, op.nodes_trueleafs)
        self.failed = self._children(op.nodes_falsenodeids, op.nodes_falseleafs)

    def _children(self, nodes: Sequence[int], are_leaves: Sequence[int]) -> list[int]:
        """Numbers of nodes, in which leaves follow the branches."""
        children = []
        for node, is_leaf in zip(nodes, are_leaves, strict=True):
            if not 0 <= node < (self.leaf_count if is_leaf else self.count):
                raise InvalidModelError(f"a node leads to {'leaf' if is_leaf else 'node'} {node}")
            children.append(node + self.count if is_leaf else node)
        return children + [0] * self.leaf_count

    def forest(self) -> Forest:
        """The forest, in which a test of membership is a chain of tests for equality."""
        op = self.op
        pairs = zip(op.leaf_targetids, self.weights, strict=True)
        leaves: list[Leaf | None] = [None] * self.count
        leaves += [((target, float(weight)),) for target, weight in pairs]
        groups = _groups(op.membership_values)
        for node in range(self.count):
            if self.modes[node] == "BRANCH_MEMBER":
                self._chain(node, next(groups, []), leaves)
        return Forest(
            op.tree_roots, self.modes, self.features, self.values, self.missing, self.passed,
            self.failed, leaves,
        )  # fmt: skip

    def _chain(self, node: int, members: list[float], leaves: list[Leaf | None]) -> None:
        """Make the node a test for its first member, and add nodes for the others."""
        if not members:
            raise InvalidModelError(f"node {node} tests for membership in an empty set")
        end = self.failed[node]
        self.modes[node], self.values[node] = "BRANCH_EQ", members[0]
        last = node
        for member in members[1:]:
            self.failed[last] = len(leaves)
            last = len(leaves)
            self.modes.append("BRANCH_EQ")
            self.features.append(self.features[node])
            self.values.append(member)
            self.missing.append(self.missing[node])
            self.passed.append(self.passed[node])
            self.failed.append(end)
            leaves.append(None)


def _groups(members: Const | None) -> Iterator[list[float]]:
    """The sets of members in the order of their nodes; NaN ends one."""
    group: list[float] = []
    for value in floats((), members) if members else ():
        if value != value:
            yield group
            group = []
        else:
            group.append(float(value))
    if group:
        yield group
