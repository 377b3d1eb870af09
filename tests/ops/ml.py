"""Checks of operators of ai.onnx.ml, and random trees for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper
from wasmkiln.options import CompileOptions

from .check import Array, check_model

__all__ = ["DOMAIN", "check_ml", "ml_model", "random_trees", "regressor", "rows"]

DOMAIN = "ai.onnx.ml"


def ml_model(
    op_type: str, *inputs: Array, outputs: int = 1, version: int = 3, **attributes: Any
) -> onnx.ModelProto:
    """A model of one node, whose inputs are x0, x1, ... and whose outputs have no types."""
    names = [f"x{i}" for i in range(len(inputs))]
    results = [f"y{i}" for i in range(outputs)]
    body = helper.make_node(op_type, names, results, "tested", domain=DOMAIN, **attributes)
    given = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for n, a in zip(names, inputs, strict=True)
    ]
    graph = helper.make_graph([body], "test", given, [onnx.ValueInfoProto(name=n) for n in results])
    imports = [helper.make_opsetid("", 21), helper.make_opsetid(DOMAIN, version)]
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


def check_ml(
    op_type: str,
    *inputs: Array,
    outputs: int = 1,
    version: int = 3,
    rtol: float | None = None,
    atol: float | None = None,
    options: Sequence[CompileOptions] = (CompileOptions(),),
    **attributes: Any,
) -> list[Array]:
    """Check a model of one node against onnxruntime, and give the latter's outputs."""
    model = ml_model(op_type, *inputs, outputs=outputs, version=version, **attributes)
    feeds = {f"x{i}": a for i, a in enumerate(inputs)}
    return check_model(model, feeds, rtol, atol, options=options)


def rows(n: int, features: int, dtype: str = "f4", seed: int = 0) -> Array:
    """Small integers and their halves, so that features often equal what they are compared to."""
    values = np.random.default_rng(seed).integers(-6, 7, (n, features)) / 2
    return values.astype(dtype)


def random_trees(
    count: int = 5,
    features: int = 4,
    depth: int = 5,
    modes: Sequence[str] = ("BRANCH_LEQ",),
    missing: bool = False,
    targets: Sequence[int] = (0,),
    least: int = 1,
    seed: int = 0,
) -> tuple[dict[str, Any], list[tuple[int, int, int, float]]]:
    """The nodes' attributes, and (tree, node, target, weight) of all leaves.

    least: targets that each leaf has at least.
    """
    rng = np.random.default_rng(seed)
    columns: dict[str, list[Any]] = {}
    leaves = []
    for tree in range(count):
        grow = [(0, 0)]  # node, depth
        used = 1
        while grow:
            node, level = grow.pop(0)
            is_leaf = level == depth or (level > 0 and rng.random() < 0.3)
            children = (0, 0) if is_leaf else (used, used + 1)
            row = {
                "treeids": tree,
                "nodeids": node,
                "featureids": 0 if is_leaf else int(rng.integers(features)),
                "modes": "LEAF" if is_leaf else str(rng.choice(list(modes))),
                "values": float(rng.integers(-4, 5)) / 2,
                "truenodeids": children[0],
                "falsenodeids": children[1],
                "missing_value_tracks_true": int(rng.integers(2)),
            }
            for name, value in row.items():
                columns.setdefault(name, []).append(value)
            if is_leaf:
                some = rng.integers(least, len(targets) + 1)
                for target in rng.permutation(list(targets))[:some]:
                    leaves.append((tree, node, int(target), float(np.float32(rng.normal()))))
            else:
                grow += [(child, level + 1) for child in children]
                used += 2
    if not missing:
        del columns["missing_value_tracks_true"]
    return {f"nodes_{name}": column for name, column in columns.items()}, leaves


def regressor(nodes: dict[str, Any], leaves: Sequence[tuple[int, int, int, float]]) -> Any:
    """The attributes of a TreeEnsembleRegressor but for its number of targets."""
    names = "target_treeids", "target_nodeids", "target_ids", "target_weights"
    columns = zip(*leaves, strict=True)
    return {**nodes, **{name: list(c) for name, c in zip(names, columns, strict=True)}}
