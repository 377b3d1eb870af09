"""TreeEnsembleRegressor, and what all operators for trees share: Forests with work behind them.

What ONNX leaves open is as in onnxruntime: how two classes share one score, that nodes and sums
are of the input's dtype (f32 for integers), and that transforms are computed in f32.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ..errors import InvalidModelError, ShapeError, UnsupportedOperatorError
from ..ir.builder import GraphBuilder
from ..ir.const import Const
from ..ir.dtype import F32, F64, DType
from ..ir.expr import arg
from ..ir.types import TensorType
from ..program.kernels.forest import ForestFold
from .base import Op, register
from .compose import apply, cast_to
from .forest import fold_trees
from .forest_tables import Forest, Leaf, Tables, check_columns, check_mode, pack
from .scores import TRANSFORMS, check_choice, row_count, rows_of, transformed

__all__ = ["AGGREGATES", "DOMAIN", "Ensemble", "NodeColumns", "computed", "floats", "regression"]

AGGREGATES: dict[str, ForestFold] = {"SUM": "sum", "AVERAGE": "sum", "MIN": "min", "MAX": "max"}
DOMAIN = "ai.onnx.ml"


class Ensemble(Op):
    """What all tree ensembles share; their tables are made once, for all shapes."""

    def forest(self) -> Forest:
        """The trees as the attributes have them."""
        raise NotImplementedError

    def is_double(self) -> bool:
        """Whether the attributes are tensors of f64."""
        raise NotImplementedError

    def tables(self, dtype: DType, targets: int) -> Tables:
        """The trees for rows of a dtype."""
        made: dict[DType, Tables] = self.__dict__.setdefault("_tables", {})
        if dtype not in made:
            if self.is_double() and dtype != F64:
                raise ShapeError(f"the trees are given in f64, and the input in {dtype}")
            made[dtype] = pack(self.forest(), dtype, targets)
        return made[dtype]


def computed(x: TensorType) -> DType:
    """The dtype in which features are compared and weights added."""
    return F64 if x.dtype == F64 else F32


class NodeColumns(Ensemble):
    """Nodes and weights as versions 1 and 3 list them; the latter only adds the tensors."""

    nodes_falsenodeids: tuple[int, ...] = ()
    nodes_featureids: tuple[int, ...] = ()
    nodes_hitrates: tuple[float, ...] = ()
    nodes_hitrates_as_tensor: Const | None = None
    nodes_missing_value_tracks_true: tuple[int, ...] = ()
    nodes_modes: tuple[str, ...] = ()
    nodes_nodeids: tuple[int, ...] = ()
    nodes_treeids: tuple[int, ...] = ()
    nodes_truenodeids: tuple[int, ...] = ()
    nodes_values: tuple[float, ...] = ()
    nodes_values_as_tensor: Const | None = None
    base_values: tuple[float, ...] = ()
    base_values_as_tensor: Const | None = None
    post_transform: str = "NONE"

    def weights(self) -> tuple[Sequence[int], Sequence[int], Sequence[int], Sequence[float]]:
        """The columns of weights: trees, nodes, targets and the weights themselves."""
        raise NotImplementedError

    def forest(self) -> Forest:
        """Nodes found by their tree and number; the first of a tree is its root."""
        self._check_columns()
        keys = list(zip(self.nodes_treeids, self.nodes_nodeids, strict=True))
        places = {key: i for i, key in enumerate(keys)}
        if len(places) < len(keys):
            raise InvalidModelError("two nodes of a tree have the same number")
        trees = [tree for tree, _ in groupby(self.nodes_treeids)]
        if len(set(trees)) < len(trees):
            raise UnsupportedOperatorError("the nodes of a tree do not follow each other")
        missing = self.nodes_missing_value_tracks_true or (0,) * len(keys)
        passed, failed = (
            [places.get((tree, to), -1) for (tree, _), to in zip(keys, column, strict=True)]
            for column in (self.nodes_truenodeids, self.nodes_falsenodeids)
        )
        return Forest(
            tuple(next(group) for _, group in groupby(range(len(keys)), lambda i: keys[i][0])),
            self.nodes_modes,
            self.nodes_featureids,
            floats(self.nodes_values, self.nodes_values_as_tensor),
            [bool(m) for m in missing],
            passed,
            failed,
            self._leaves(places),
        )

    def _check_columns(self) -> None:
        check_columns(
            {
                "nodes_nodeids": self.nodes_nodeids,
                "nodes_treeids": self.nodes_treeids,
                "nodes_modes": self.nodes_modes,
                "nodes_featureids": self.nodes_featureids,
                "nodes_truenodeids": self.nodes_truenodeids,
                "nodes_falsenodeids": self.nodes_falsenodeids,
                "nodes_values": floats(self.nodes_values, self.nodes_values_as_tensor),
                "nodes_missing_value_tracks_true": self.nodes_missing_value_tracks_true
                or self.nodes_nodeids,
            }
        )
        for mode in set(self.nodes_modes):
            check_mode(mode)

    def _leaves(self, places: dict[tuple[int, int], int]) -> list[Leaf | None]:
        """The weights of each leaf; those of branches, which old converters wrote, do not count."""
        trees, nodes, targets, weights = self.weights()
        check_columns({"trees": trees, "nodes": nodes, "targets": targets, "weights": weights})
        pairs: list[list[tuple[int, float]]] = [[] for _ in places]
        for tree, node, target, weight in zip(trees, nodes, targets, weights, strict=True):
            if (tree, node) not in places:
                raise InvalidModelError(f"a weight is for node {node} of tree {tree}, not listed")
            pairs[places[tree, node]].append((target, weight))
        return [
            tuple(leaf) if mode == "LEAF" else None
            for leaf, mode in zip(pairs, self.nodes_modes, strict=True)
        ]

    def is_double(self) -> bool:
        """Whether one of the tensors is of f64."""
        tensors = (self.nodes_values_as_tensor, self.base_values_as_tensor, self.weight_tensor())
        return any(t is not None and t.dtype == F64 for t in tensors)

    def weight_tensor(self) -> Const | None:
        """The weights as a tensor."""
        raise NotImplementedError

    def base(self) -> Sequence[float]:
        """The base values."""
        return floats(self.base_values, self.base_values_as_tensor)


def floats(values: Sequence[float], tensor: Const | None) -> Sequence[float]:
    """The numbers of one of two attributes."""
    if tensor is None:
        return values
    if values:
        raise InvalidModelError("an attribute is given both as floats and as a tensor")
    if not tensor.dtype.is_float:
        raise InvalidModelError(f"a tensor of floats is expected, not of {tensor.dtype}")
    return tensor.values()


@register("TreeEnsembleRegressor", since=1, domain=DOMAIN)
class TreeEnsembleRegressor(NodeColumns):
    """Sums (means, least or greatest) of the weights of leaves, for each target."""

    aggregate_function: str = "SUM"
    n_targets: int = 0
    target_ids: tuple[int, ...] = ()
    target_nodeids: tuple[int, ...] = ()
    target_treeids: tuple[int, ...] = ()
    target_weights: tuple[float, ...] = ()
    target_weights_as_tensor: Const | None = None

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """[N, targets], of f32."""
        check_choice("aggregate_function", self.aggregate_function, tuple(AGGREGATES))
        if self.n_targets < 1:
            raise InvalidModelError(f"n_targets is {self.n_targets}")
        return (TensorType(F32, (row_count(x), self.n_targets)),)

    def weights(self) -> tuple[Sequence[int], Sequence[int], Sequence[int], Sequence[float]]:
        """The columns of the targets' weights."""
        weights = floats(self.target_weights, self.target_weights_as_tensor)
        return self.target_treeids, self.target_nodeids, self.target_ids, weights

    def weight_tensor(self) -> Const | None:
        """The targets' weights."""
        return self.target_weights_as_tensor

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A Forest, and a transform."""
        base, transform = self.base(), self.post_transform
        n, how = self.n_targets, self.aggregate_function
        return (cast_to(g, regression(g, inputs[0], self, n, how, base, transform), F32),)


def regression(
    g: GraphBuilder,
    x: str,
    ensemble: Ensemble,
    targets: int,
    aggregate: str,
    base: Sequence[float],
    transform: str,
) -> str:
    """Aggregated weights plus base values [N, targets], transformed; in the dtype of sums."""
    check_choice("post_transform", transform, TRANSFORMS)
    if len(base) not in (0, targets):
        raise InvalidModelError(f"there are {len(base)} base values for {targets} targets")
    dtype = computed(g.type(x))
    tables = ensemble.tables(dtype, targets)
    fold = AGGREGATES[aggregate]
    marks = targets > 1 and fold != "sum"
    scores, _ = fold_trees(g, cast_to(g, rows_of(g, x), dtype), tables, targets, fold, marks)
    total = arg(0, dtype)
    if aggregate == "AVERAGE":
        total = total / max(1, len(tables.roots) // 4)
    if base:
        scores = apply(g, total + arg(1, dtype), scores, g.const(Const.of(dtype, (targets,), base)))
    elif aggregate == "AVERAGE":
        scores = apply(g, total, scores)
    # A single score is only ever transformed by PROBIT, as in onnxruntime.
    keeps = transform == "NONE" or (targets == 1 and transform != "PROBIT")
    return scores if keeps else transformed(g, scores, transform)
