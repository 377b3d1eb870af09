"""Einsum, against NumPy, which also broadcasts ellipses."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper
from wasmkiln import ShapeError

from tests.ops.check import build, run_ours


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij->ji", [(3, 5)]),
        ("ij->", [(3, 5)]),
        ("ij->j", [(3, 5)]),
        ("ii->i", [(4, 4)]),
        ("...ii->...i", [(2, 3, 4, 4)]),
        ("i,i->", [(7,), (7,)]),
        ("i,j->ij", [(3,), (5,)]),
        ("ij,jk->ik", [(3, 5), (5, 7)]),
        ("ij,jk", [(3, 5), (5, 7)]),
        ("ba,ca", [(3, 5), (2, 5)]),
        ("bij, bjk -> bik", [(2, 3, 5), (2, 5, 7)]),
        ("bhqd,bhkd->bhqk", [(2, 3, 5, 4), (2, 3, 7, 4)]),
        ("bhqk,bkhd->bqhd", [(2, 3, 5, 7), (2, 7, 3, 4)]),
        ("...ij,...jk->...ik", [(2, 1, 3, 5), (4, 5, 7)]),
        ("...i,...i->...", [(2, 3, 5), (3, 5)]),
        ("abc,cd,de->abe", [(2, 3, 4), (4, 5), (5, 6)]),
        ("abc,abd->ab", [(2, 3, 4), (2, 3, 5)]),
        ("ab,cd->dbca", [(2, 3), (4, 5)]),
        ("ij,ij->ij", [(3, 5), (3, 5)]),
        ("iij,j->i", [(3, 3, 4), (4,)]),
        ("i,->i", [(3,), ()]),
    ],
)
def test_equations(equation: str, shapes: list[tuple[int, ...]]) -> None:
    rng = np.random.default_rng(1)
    inputs = [rng.normal(0, 1, shape).astype(np.float32) for shape in shapes]
    feeds = {f"x{i}": np.asarray(x) for i, x in enumerate(inputs)}
    node = helper.make_node("Einsum", list(feeds), ["y"], equation=equation)
    (y,) = run_ours(build([node], feeds, (), ["y"]), feeds)
    np.testing.assert_allclose(y, np.einsum(equation, *inputs), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("equation", "message"),
    [
        ("ij,jk->ik", "has 2 terms, not 1"),
        ("ijk->i", "does not suit 2 axes"),
        ("ij->ik", "one of no input"),
        ("ij->ii", "repeats a label"),
        ("i1->i", "not an equation"),
        ("ii->i", "both 3 and 5"),
    ],
)
def test_wrong_equations(equation: str, message: str) -> None:
    x = np.ones((3, 5), np.float32)
    node = helper.make_node("Einsum", ["x"], ["y"], equation=equation)
    with pytest.raises(ShapeError, match=message):
        run_ours(build([node], {"x": x}, (), ["y"]), {"x": x})
