"""Files of plans: whatever the words are, they come back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wasmkiln.bundle.plans import encode_plans

from tests.bundle.reader import decode

WORDS = st.integers(-(2**31), 2**31 - 1)
LENGTHS = st.lists(st.integers(1, 6), min_size=1, max_size=8)


@given(LENGTHS.flatmap(lambda some: st.tuples(*(st.tuples(*[WORDS] * n) for n in some))))
@settings(deadline=None)
def test_any_plans_come_back(plans: tuple[tuple[int, ...], ...]) -> None:
    assert [tuple(words) for words in decode(encode_plans(plans))] == list(plans)


@pytest.mark.parametrize("count", [1, 2, 100])
def test_plans_of_a_range_take_little_more_than_the_first(count: int) -> None:
    plans = [tuple(7 * k + (n * n * k if k % 5 else n) for k in range(1000)) for n in range(count)]
    data = encode_plans(plans)
    assert [tuple(words) for words in decode(data)] == plans
    same = [plans[0]] * count
    assert len(encode_plans(same)) <= len(encode_plans(plans[:1])) + 1
