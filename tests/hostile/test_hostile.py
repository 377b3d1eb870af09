"""Hostile models, each tried in a process with limits; `python -m bench hostile` tries thousands.

Only results and errors of the package's own may come out.
"""

from __future__ import annotations

from random import Random

import pytest
from onnx import TensorProto, helper

from tests.hostile.bombs import BOMBS
from tests.hostile.cases import cases, mutation
from tests.hostile.mutate import mutate
from tests.hostile.pool import Case, Verdict, try_all
from tests.small import small_net

# These take seconds each, and are left to the long run.
SLOW = {"twenty_thousand_matrix_products", "twenty_thousand_nodes", "functions_that_double",
        "a_concat_of_many", "a_sum_of_many", "a_scan_of_many", "twenty_thousand_shapes",
        "many_transposes", "attributes_by_the_million", "a_split_into_many",
        "one_value_used_by_thousands"}  # fmt: skip
DAMAGED = 150


def _bad(verdicts: list[Verdict]) -> list[str]:
    return [f"{v.case.name}: {v.result} {v.message}" for v in verdicts if v.bad]


def test_bombs() -> None:
    chosen = (Case(n, b().SerializeToString()) for n, b in BOMBS.items() if n not in SLOW)
    verdicts = list(try_all(chosen))
    assert not _bad(verdicts)
    by_name = {v.case.name: v.result for v in verdicts}
    for name in ("tile_4611686018427387904", "constant_of_shape_1099511627776",
                 "doubling_by_concat", "many_large_outputs", "rank_of_a_thousand",
                 "an_outer_product_of_a_gigabyte", "input_2147483647"):  # fmt: skip
        assert by_name[name] == "LimitError", name
    assert by_name["fold_Pow"] == "ok"
    assert by_name["a_function_of_itself"].startswith("Invalid")


def test_damaged_models() -> None:
    bombs = len(BOMBS)
    verdicts = list(try_all(list(cases(bombs + DAMAGED, seed=500, real=False))[bombs:]))
    assert len(verdicts) == DAMAGED
    assert not _bad(verdicts)
    assert {"ok", "ShapeError", "InvalidModelError"} <= {v.result for v in verdicts}


def test_equal_serial_numbers_make_equal_damage() -> None:
    assert mutate(small_net(), Random(3)) == mutate(small_net(), Random(3))
    assert mutation(7).data == mutation(7).data


def test_a_process_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.hostile.pool.MAX_WAIT", 0.0)
    quick = Case("small", small_net())
    (verdict,) = try_all([quick], workers=1)
    assert verdict.bad and verdict.result == "hangs"


def test_growth_of_memory_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    value = helper.make_tensor_value_info
    nodes = [helper.make_node("ConstantOfShape", ["s"], ["y"])]
    shape = helper.make_tensor("s", TensorProto.INT64, [1], [30 << 20])
    graph = helper.make_graph(nodes, "g", [], [value("y", TensorProto.FLOAT, None)], [shape])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    monkeypatch.setattr("tests.hostile.pool.MAX_GROWTH", 50 << 20)
    (verdict,) = try_all([Case("growing", model.SerializeToString())], workers=1)
    assert verdict.bad and (verdict.growth > 100 << 20 or verdict.result.endswith("memory"))
