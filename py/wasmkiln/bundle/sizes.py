"""For which sizes of its symbolic dimensions a model is compiled: `--sequence 16..512`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from ..errors import InvalidInputError, LimitError
from ..ir.shape import Sym
from ..ir.types import InputType

__all__ = ["MAX_PLANS", "combinations", "find_symbol", "parse_sizes"]

MAX_PLANS = 4096  # of a bundle; each takes some 30 ms to plan


def parse_sizes(text: str) -> tuple[int, ...]:
    """The sizes in a text: `8`, `1,8`, `16..512`, `16..512:16` (each sixteenth) or a list of these.

    Raises ValueError for other texts.
    """
    sizes: dict[int, None] = {}
    for part in text.split(","):
        first, dots, rest = part.partition("..")
        last, colon, step = rest.partition(":")
        if dots:
            numbers = range(int(first), int(last) + 1, int(step) if colon else 1)
            if not numbers:
                raise ValueError(f"'{part}' holds no size")
        else:
            numbers = range(int(part), int(part) + 1)
        if numbers[0] < 0 or len(numbers) > MAX_PLANS:
            raise ValueError(f"'{part}' is negative or holds more than {MAX_PLANS} sizes")
        sizes.update(dict.fromkeys(numbers))
    return tuple(sizes)


def find_symbol(inputs: Mapping[str, InputType], what: str) -> str:
    """The symbolic dimension that is the batch or the sequence, by its name or by its place.

    Raises InvalidInputError where that can't be told.
    """
    symbols = [s for t in inputs.values() for s in t.symbols]
    named = [s for s in symbols if what[:3] in s.lower()]
    axis = 0 if what == "batch" else 1
    placed = [
        dim.name
        for t in inputs.values()
        if t.shape is not None and len(t.shape) > axis and isinstance(dim := t.shape[axis], Sym)
    ]
    for found in (named, placed):
        if len(set(found)) == 1:
            return found[0]
    known = ", ".join(dict.fromkeys(symbols))
    raise InvalidInputError(
        f"--{what}: it can't be told which dimension that is; "
        + (f"use --dim with one of {known}" if known else "all dimensions of the inputs are fixed")
    )


def combinations(sizes: Mapping[str, Sequence[int]]) -> Iterator[dict[str, int]]:
    """Each combination of sizes, the last symbol's changing fastest. LimitError if too many."""
    number = 1
    for some in sizes.values():
        number *= len(some)
    if number > MAX_PLANS:
        raise LimitError(f"{number:,} combinations of sizes; a bundle holds at most {MAX_PLANS:,}")
    for chosen in product(*sizes.values()):
        yield dict(zip(sizes, chosen, strict=True))
