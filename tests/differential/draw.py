"""What random models are drawn with: sizes, shapes, arrays, and nodes of one operator."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

import numpy as np
import onnx
from onnx import helper

from tests.ops.check import OPSET, Array, build

__all__ = ["FLOATS", "INTEGERS", "MICROSOFT", "Case", "Draw"]

T = TypeVar("T")

MICROSOFT = "com.microsoft"
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
FLOATS = ("float16", "float32", "float64")


@dataclass(frozen=True)
class Case:
    """A model with values for its inputs, and how closely the outputs have to agree.

    rtol, atol: in place of the dtype's tolerance; atol counts in units of the largest value.
    steps: by how much integers may differ.
    """

    model: onnx.ModelProto
    feeds: dict[str, Array]
    rtol: float | None = None
    atol: float | None = None
    steps: int = 0


@dataclass
class Draw:
    """Draws from a source of randomness, which hypothesis may shrink."""

    random: Random
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.random.randrange(1 << 16))

    def one(self, *options: T) -> T:
        """One of the options; the first are the simplest."""
        return options[self.random.randrange(len(options))]

    def maybe(self) -> bool:
        """Heads or tails."""
        return self.random.randrange(2) == 1

    def whole(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return self.random.randint(low, high)

    def shape(self, least: int = 0, most: int = 4, size: int = 9, empty: bool = False) -> list[int]:
        """A shape of some rank with mostly odd, small sizes; with `empty` some are 0."""
        dims = [self.one(1, 2, 3, 5, self.whole(1, size)) for _ in range(self.whole(least, most))]
        if empty and dims and self.random.randrange(12) == 0:
            dims[self.random.randrange(len(dims))] = 0
        return dims

    def array(self, shape: Sequence[int], dtype: str = "float32") -> Array:
        """Small values of a dtype around 0."""
        kind = np.dtype(dtype).kind
        if kind == "f":
            return self.rng.standard_normal(tuple(shape)).astype(dtype)
        if kind == "b":
            return self.rng.integers(0, 2, tuple(shape)).astype(bool)
        return self.rng.integers(0 if kind == "u" else -20, 21, tuple(shape)).astype(dtype)

    def special(self, shape: Sequence[int], dtype: str) -> Array:
        """Like `array`, with zeros of both signs, infinities and NaN, or the limits of integers."""
        values = self.array(shape, dtype)
        if np.dtype(dtype).kind == "f":
            odd = [0.0, -0.0, np.inf, -np.inf, np.nan, 0.5, 1.5, -2.5, 1.0]
        elif np.dtype(dtype).kind in "iu":
            odd = [np.iinfo(dtype).min, np.iinfo(dtype).max, 0, 1]
        else:
            return values
        where = self.rng.random(tuple(shape)) < 0.3
        picked = self.rng.integers(0, len(odd), tuple(shape))
        return np.where(where, np.array(odd, dtype)[picked], values).astype(dtype)

    def axis(self, rank: int) -> int:
        """An axis, from the front or from the back."""
        return self.whole(-rank, rank - 1)

    def broadcasting(self, shape: Sequence[int]) -> list[int]:
        """A shape that broadcasts to this one."""
        dims = [d if self.random.random() < 0.7 else 1 for d in shape]
        return dims[self.whole(0, len(dims)) if self.maybe() else 0 :]

    def case(
        self,
        op_type: str,
        *inputs: Array | None,
        const: Collection[int] | None = None,
        outputs: int = 1,
        opset: int = OPSET,
        domain: str = "",
        rtol: float | None = None,
        atol: float | None = None,
        steps: int = 0,
        **attributes: Any,
    ) -> Case:
        """A model of one node. const: which inputs are initializers; None: any."""
        names = [f"x{i}" if a is not None else "" for i, a in enumerate(inputs)]
        results = [f"y{i}" for i in range(outputs)]
        kept = {k: v for k, v in attributes.items() if v is not None}
        body = [helper.make_node(op_type, names, results, "tested", domain=domain, **kept)]
        arrays = {n: np.asarray(a) for n, a in zip(names, inputs, strict=True) if a is not None}
        if const is None:
            const = [i for i in range(1, len(inputs)) if self.maybe()]
        fixed = {f"x{i}" for i in const}
        model = build(body, arrays, fixed, results, opset, domain)
        feeds = {n: a for n, a in arrays.items() if n not in fixed}
        return Case(model, feeds, rtol, atol, steps)
