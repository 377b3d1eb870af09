"""Orders of dimensions that reshapes leave whole."""

from __future__ import annotations

import doctest
from itertools import permutations
from math import prod

import pytest
from wasmkiln.passes import views
from wasmkiln.passes.views import view_order


def test_the_examples_in_the_docstring_hold() -> None:
    assert doctest.testmod(views).failed == 0


def elements(shape: tuple[int, ...], perm: tuple[int, ...]) -> list[int]:
    """The logical flat index of each element of a value stored in an order."""
    strides = [prod(shape[d + 1 :]) for d in range(len(shape))]
    out = [0]
    for d in perm:
        out = [o + i * strides[d] for o in out for i in range(shape[d])]
    return out


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((2, 6, 5, 4), (2, 2, 3, 5, 4)),
        ((2, 2, 3, 5, 4), (2, 6, 5, 4)),
        ((2, 6, 5), (2, 6, 1, 5)),
        ((2, 6, 1, 5), (2, 6, 5)),
        ((2, 3, 4, 5), (6, 20)),
        ((4, 6, 5), (8, 3, 5)),
        ((1, 1, 6, 1), (2, 3)),
        ((2, 3, 4), (24,)),
        ((1, 1), (1,)),
        ((1,), ()),
    ],
)
def test_the_reshape_moves_no_element(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    for perm in permutations(range(len(before))):
        stored, result = view_order(before, after, perm)
        assert sorted(stored) == list(range(len(before)))
        assert sorted(result) == list(range(len(after)))
        assert elements(before, stored) == elements(after, result)


def test_an_order_that_fits_stays() -> None:
    nhwc = (0, 2, 3, 1)
    assert view_order((2, 6, 5, 4), (2, 6, 20), nhwc) == (nhwc, (0, 2, 1))
    assert view_order((2, 6, 5, 4), (2, 2, 3, 5, 4), nhwc)[0] == nhwc


def test_new_dimensions_of_size_one_stand_where_channels_last_likes_them() -> None:
    assert view_order((2, 6, 5), (2, 6, 1, 5), (0, 2, 1))[1] == (0, 2, 3, 1)
    assert view_order((2, 6, 5), (2, 6, 5, 1), (0, 2, 1))[1] == (0, 2, 3, 1)
    assert view_order((1, 6, 5), (1, 6, 1, 5), (0, 2, 1))[1] == (0, 2, 3, 1)


def test_an_empty_tensor_has_an_order_too() -> None:
    assert view_order((0, 3, 4), (0, 12), (0, 2, 1))[1] == (0, 1)
