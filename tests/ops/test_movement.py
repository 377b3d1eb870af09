"""Transposition and the internal primitives, against onnxruntime and by their types."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from wasmkiln.errors import ShapeError
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import F32, I64
from wasmkiln.ir.types import TensorType
from wasmkiln.ops.movement import ExpandTo, Iota, StridedSlice, Transpose, View
from wasmkiln.options import CompileOptions

from tests.ops.check import Array, check_op

RNG = np.random.default_rng(1)


def random(*shape: int) -> Array:
    """Normal numbers in f32."""
    return RNG.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("perm", list(itertools.permutations(range(4))), ids=str)
def test_transpose(perm: tuple[int, ...]) -> None:
    check_op("Transpose", random(2, 5, 17, 3), perm=perm)


@pytest.mark.parametrize("shape", [(1, 3, 9, 9), (2, 64, 5, 7), (1, 7, 1, 33), (3, 1, 4, 4)])
def test_transpose_between_layouts(shape: tuple[int, ...]) -> None:
    for perm in ((0, 2, 3, 1), (0, 3, 1, 2)):
        check_op("Transpose", random(*shape), perm=perm, options=[CompileOptions(threads=2)])


@pytest.mark.parametrize("dtype", ["i1", "u2", "f8", "i8", "?", "f2"])
def test_transpose_by_size_of_element(dtype: str) -> None:
    check_op("Transpose", (random(3, 4, 5) * 9).astype(dtype), perm=[2, 0, 1])


def test_transpose_reverses_by_default() -> None:
    check_op("Transpose", random(2, 3, 4))
    check_op("Transpose", np.arange(24).reshape(2, 3, 4), const=[0])


def test_transpose_of_nothing() -> None:
    check_op("Transpose", random(2, 0, 4), perm=[1, 2, 0])


def test_wrong_permutation() -> None:
    with pytest.raises(ShapeError, match=r"perm \(0, 0\) does not permute .* \[2,3\]"):
        Transpose(perm=(0, 0)).infer(TensorType(F32, (2, 3)))


def test_transpose_is_a_view_where_only_ones_move() -> None:
    assert Transpose(perm=(0, 2, 3, 1)).view(TensorType(F32, (1, 8, 1, 1))) == 0
    assert Transpose(perm=(0, 2, 1)).view(TensorType(F32, (1, 2, 3))) is None


@pytest.mark.parametrize("perm", [(0, 2, 3, 1), (3, 1, 0, 2)])
def test_permuted_operators_work_in_another_order(perm: tuple[int, ...]) -> None:
    """permuted(p) on p(x) gives p(op(x))."""
    values = np.arange(2 * 3 * 4 * 5)
    x = Const.of(I64, (2, 3, 4, 5), values.tolist())
    turn = Transpose(perm=perm)
    (turned,) = turn.evaluate(x) or ()
    cut = StridedSlice(starts=(0, 2, 3, 0), steps=(1, -1, -2, 2), sizes=(2, 3, 2, 2))
    for op in (cut, Transpose(perm=(1, 0, 3, 2))):
        (plain,) = op.evaluate(x) or ()
        (other,) = op.permuted(perm).evaluate(turned) or ()
        assert turn.evaluate(plain) == (other,)


def test_slices_of_whole_rows_are_views() -> None:
    x = TensorType(F32, (4, 6, 5))
    rows = StridedSlice(starts=(1, 2, 0), steps=(1, 1, 1), sizes=(1, 3, 5))
    assert rows.view(x) == (1 * 30 + 2 * 5) * 4
    assert rows.with_(starts=(0, 0, 1), sizes=(4, 6, 4)).view(x) is None
    assert rows.with_(sizes=(2, 3, 5)).view(x) is None
    with pytest.raises(ShapeError, match="outside"):
        rows.with_(sizes=(1, 5, 5)).infer(x)


def test_primitives_check_their_inputs() -> None:
    x = TensorType(F32, (1, 6))
    with pytest.raises(ShapeError, match=r"f32\[1,6\] does not have the elements of \[7\]"):
        View(shape=(7,)).infer(x)
    with pytest.raises(ShapeError, match=r"f32\[1,6\] does not expand to \[2,3\]"):
        ExpandTo(shape=(2, 3)).infer(x)


def test_iota_folds_only_where_it_is_small() -> None:
    (few,) = Iota(count=4).evaluate() or ()
    assert few.ints() == (0, 1, 2, 3)
    assert Iota(count=1 << 20).evaluate() is None
