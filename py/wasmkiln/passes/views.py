"""How a view goes with a transposed value: which orders of dimensions it leaves whole."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["view_order"]

Perm = tuple[int, ...]


def view_order(before: Sequence[int], after: Sequence[int], perm: Perm) -> tuple[Perm, Perm]:
    """The orders in which a value must be stored, and will be, around a reshape.

    The reshape takes the logical shape `before` to `after`; the value is stored in order `perm`.
    The first result is an order of the old dimensions, as near to `perm` as can be, from which
    the reshape moves no element; the second is the order of the new dimensions that results.

    Each run of old dimensions that the reshape joins or splits must lie together; the runs
    themselves may lie in any order:

    >>> view_order((1, 6, 5, 4), (1, 2, 3, 5, 4), (0, 2, 3, 1))  # split the channels of NHWC
    ((0, 2, 3, 1), (0, 3, 4, 1, 2))
    >>> view_order((1, 3, 2, 5, 4), (1, 6, 5, 4), (0, 3, 4, 2, 1))  # join them, swapped
    ((0, 3, 4, 1, 2), (0, 2, 3, 1))
    """
    runs = _runs(before, after)
    place = {d: i for i, d in enumerate(perm)}
    runs.sort(key=lambda run: max(place[d] for d in run[0]))
    old = [d for run, _ in runs for d in run]
    whole = old == [d for d in perm if before[d] != 1]
    stored = perm if whole else _with_ones(old, before)
    return stored, _with_ones([d for _, run in runs for d in run], after)


def _runs(before: Sequence[int], after: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """The shortest runs of old and new dimensions of equal sizes; those of size 1 are left out."""
    old = [d for d, size in enumerate(before) if size != 1]
    new = [d for d, size in enumerate(after) if size != 1]
    if 0 in before:
        return [(old, new)]
    runs: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(old):
        first, second = [old[i]], [new[j]]
        m, n = before[old[i]], after[new[j]]
        i, j = i + 1, j + 1
        while m != n:
            if m < n:
                m *= before[old[i]]
                first.append(old[i])
                i += 1
            else:
                n *= after[new[j]]
                second.append(new[j])
                j += 1
        runs.append((first, second))
    return runs


def _with_ones(order: list[int], shape: Sequence[int]) -> Perm:
    """The order completed by the dimensions of size 1, where channels-last operators like them.

    Leading ones stay in front; others stand before the dimension that follows them, or behind the
    one before them where none follows.
    """
    if not order:
        return tuple(range(len(shape)))
    first, last = min(order), max(order)
    placed = list(range(first))
    for d in order:
        ones = d
        while ones > first and shape[ones - 1] == 1:
            ones -= 1
        placed.extend(range(ones, d + 1))
        if d == last:
            placed.extend(range(d + 1, len(shape)))
    return tuple(placed)
