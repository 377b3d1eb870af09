"""The walks in plain Python, and that folding them is safe for absurd shapes."""

from __future__ import annotations

import pytest
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import F32, I64
from wasmkiln.ops.base import Op
from wasmkiln.ops.concat import Concat, Split2
from wasmkiln.ops.gather import Gather
from wasmkiln.ops.indexing import broadcast_strides, offsets, row_strides, take
from wasmkiln.ops.movement import Transpose
from wasmkiln.ops.rearrange import Expand
from wasmkiln.ops.scatter import ScatterND


def test_strides() -> None:
    assert row_strides((2, 3, 4)) == [12, 4, 1]
    assert row_strides(()) == []
    assert broadcast_strides((3, 1), (2, 3, 4)) == [0, 1, 0]


def test_offsets() -> None:
    assert offsets((2, 3), (10, -1), 5) == [5, 4, 3, 15, 14, 13]
    assert offsets((), ()) == [0]


def test_take_copies_bytes() -> None:
    x = Const.of(I64, (3,), (7, 8, 9))
    assert take(x, (2, 1), (2, 0)) == Const.of(I64, (2, 1), (9, 7))


HUGE = 1 << 60
EMPTY = Const(F32, (HUGE, 0), b"")


@pytest.mark.parametrize(
    ("op", "inputs"),
    [
        (Transpose(perm=(1, 0)), [EMPTY]),
        (Concat(axis=1), [EMPTY, EMPTY]),
        (Split2(axis=1, split=(0, 0), n_outputs=2), [EMPTY]),
        (Gather(axis=1), [EMPTY, Const.of(I64, (0,), ())]),
        (Expand(), [EMPTY, Const.of(I64, (2,), (HUGE, 0))]),
        (ScatterND(), [EMPTY, Const(I64, (HUGE, 0), b""), Const(F32, (HUGE, HUGE, 0), b"")]),
    ],
    ids=lambda v: v.op_type if isinstance(v, Op) else "",
)
def test_empty_tensors_of_huge_dimensions_fold_at_once(op: Op, inputs: list[Const]) -> None:
    outputs = op.evaluate(*inputs)
    assert outputs is not None
    assert all(c.data == b"" for c in outputs)
