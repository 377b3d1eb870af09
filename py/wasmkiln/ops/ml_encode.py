"""LabelEncoder, CategoryMapper and OneHotEncoder: keys looked up, as numbers or strings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import ClassVar

from ..errors import InvalidInputError, InvalidModelError, UnsupportedOperatorError
from ..ir.builder import GraphBuilder
from ..ir.const import Const
from ..ir.dtype import BOOL, F32, I64, STRING
from ..ir.expr import arg, call, cast, const, select
from ..ir.shape import show
from ..ir.types import TensorType
from .base import INTERNAL, Op, register
from .compose import apply, reshape, standard
from .ml_keys import KeyIndex, TextIndex
from .reduce import Reduce

DOMAIN = "ai.onnx.ml"
_DTYPES = {"int64s": I64, "floats": F32, "strings": STRING}


class _ByName(Op):
    """Strings to integers, or integers to strings, as the input decides: on the host."""

    on_host: ClassVar[bool] = True
    default_int64: int = -1
    default_string: str = "_Unused"

    def pairs(self) -> list[tuple[int, str]]:
        """Integers and strings that stand for each other; later ones prevail."""
        raise NotImplementedError

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The input's shape."""
        return (TensorType(I64 if x.dtype == STRING else STRING, x.shape),)

    def evaluate(self, x: Const) -> tuple[Const, ...]:
        """A lookup for each element."""
        if x.dtype == STRING:
            numbers = {text: number for number, text in self.pairs()}
            found = [numbers.get(text, self.default_int64) for text in x.texts()]
            return (Const.of(I64, x.shape, found),)
        if x.dtype != I64:
            raise InvalidInputError(f"the input is {x.dtype}, neither i64 nor string")
        texts: Mapping[int, str] = dict(self.pairs())
        return (Const.strings(x.shape, [texts.get(i, self.default_string) for i in x.ints()]),)


@register("CategoryMapper", since=1, domain=DOMAIN)
class CategoryMapper(_ByName):
    """Each category's other name."""

    cats_int64s: tuple[int, ...] = ()
    cats_strings: tuple[str, ...] = ()

    def pairs(self) -> list[tuple[int, str]]:
        """As listed."""
        if len(self.cats_int64s) != len(self.cats_strings):
            raise InvalidModelError(
                f"{len(self.cats_int64s)} cats_int64s, {len(self.cats_strings)} cats_strings"
            )
        return list(zip(self.cats_int64s, self.cats_strings, strict=True))


@register("LabelEncoder", since=1, domain=DOMAIN)
class LabelEncoder1(_ByName):
    """Strings and their places in a list."""

    classes_strings: tuple[str, ...] = ()

    def pairs(self) -> list[tuple[int, str]]:
        """Numbered from 0."""
        return list(enumerate(self.classes_strings))


@register("LabelEncoder", since=2, domain=DOMAIN)
class LabelEncoder(Op):
    """values[i] for an element that equals keys[i], else a default. Version 4 adds the tensors."""

    default_float: float = -0.0
    default_int64: int = -1
    default_string: str = "_Unused"
    default_tensor: Const | None = None
    keys_floats: tuple[float, ...] = ()
    keys_int64s: tuple[int, ...] = ()
    keys_strings: tuple[str, ...] = ()
    keys_tensor: Const | None = None
    values_floats: tuple[float, ...] = ()
    values_int64s: tuple[int, ...] = ()
    values_strings: tuple[str, ...] = ()
    values_tensor: Const | None = None

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """The input's shape, the values' dtype."""
        keys, table = self._keys(), self._table()
        if STRING in (keys.dtype, table.dtype):
            raise UnsupportedOperatorError("strings are looked up in parts")
        KeyIndex(keys=keys).infer(x)
        return (TensorType(table.dtype, x.shape),)

    def parts(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """The place among the keys, and what stands there among the values."""
        keys = self._keys()
        op = TextIndex(texts=keys.texts()) if keys.dtype == STRING else KeyIndex(keys=keys)
        table = g.const(self._table(), "values")
        return (standard(g, "Gather", table, g.add(op, *inputs), axis=0),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """The same, of numbers."""
        return self.parts(g, *inputs)

    def _keys(self) -> Const:
        return _column(self, "keys")

    def _table(self) -> Const:
        """The values, and behind them the default."""
        values = _column(self, "values")
        size, count = values.shape[0], self._keys().shape[0]
        if size != count:
            raise InvalidModelError(f"there are {count} keys and {size} values")
        default = self._default(values)
        if values.dtype == STRING:
            return Const.strings((count + 1,), (*values.texts(), *default.texts()))
        return Const.of(values.dtype, (count + 1,), (*values.values(), *default.values()))

    def _default(self, values: Const) -> Const:
        if self.default_tensor is not None:
            default = self.default_tensor
            if default.dtype != values.dtype or prod(default.shape) != 1:
                raise InvalidModelError(
                    f"the default is {default.dtype}{show(default.shape)}, one {values.dtype} is "
                    "expected"
                )
            return default
        if values.dtype == STRING:
            return Const.strings((1,), (self.default_string,))
        number = self.default_float if values.dtype.is_float else self.default_int64
        return Const.of(values.dtype, (1,), (number,))


def _column(op: Op, side: str) -> Const:
    """The keys or values, of which there must be one kind, as a vector."""
    given = [
        Const.strings((len(column),), column)
        if dtype == STRING
        else Const.of(dtype, (len(column),), column)
        for kind, dtype in _DTYPES.items()
        if (column := getattr(op, f"{side}_{kind}"))
    ]
    tensor: Const | None = getattr(op, f"{side}_tensor")
    if tensor is not None:
        size = len(tensor.texts() if tensor.dtype == STRING else tensor.values())
        given.append(tensor.reshaped((size,)))
    if len(given) != 1:
        raise InvalidModelError(f"{len(given)} kinds of {side} are given, one is needed")
    return given[0]


@register("OneHotEncoder", since=1, domain=DOMAIN)
class OneHotEncoder(Op):
    """1 at the place of an element's category along a new last axis, 0 elsewhere.

    zeros: whether an element may have no category. Floats are truncated to integers.
    """

    cats_int64s: tuple[int, ...] = ()
    cats_strings: tuple[str, ...] = ()
    zeros: bool = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """One more dimension, of f32."""
        if bool(self.cats_int64s) == bool(self.cats_strings):
            raise InvalidModelError("categories must be either integers or strings")
        if self.cats_strings:
            raise UnsupportedOperatorError("strings are encoded in parts")
        if x.dtype.kind not in "fiu":
            raise UnsupportedOperatorError(f"the input is {x}, numbers are expected")
        return (TensorType(F32, (*x.shape, len(self.cats_int64s))),)

    def parts(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """For strings: comparisons with each category."""
        if not self.cats_strings or self.cats_int64s:
            return None
        column = standard(g, "Unsqueeze", inputs[0], g.ints([-1]))
        names = g.const(Const.strings((len(self.cats_strings),), self.cats_strings), "cats")
        return (g.add(self._hot(self.cats_strings), standard(g, "Equal", column, names)),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Comparisons with each category."""
        (x,) = inputs
        t = g.type(x)
        column = reshape(g, x, (*t.shape, 1))
        cats = g.const(Const.of(I64, (len(self.cats_int64s),), self.cats_int64s), "cats")
        element = arg(0, t.dtype)
        equal = call("eq", cast(element, I64), arg(1, I64))
        if t.dtype.is_float:  # NaN is none
            equal = call("and", equal, call("eq", element, element))
        return (g.add(self._hot(self.cats_int64s), apply(g, equal, column, cats)),)

    def _hot(self, cats: Sequence[int] | Sequence[str]) -> Op:
        last = {cat: i for i, cat in enumerate(cats)}
        return Hot(counts=tuple(last[cat] == i for i, cat in enumerate(cats)), zeros=self.zeros)


@register("Hot", domain=INTERNAL)
class Hot(Op):
    """Comparisons with categories as 1.0 and 0.0; InvalidInputError if none holds, unless `zeros`.

    counts: which categories count; others are listed again later.
    """

    counts: tuple[bool, ...]
    zeros: bool

    def infer(self, equal: TensorType) -> tuple[TensorType, ...]:
        """The shape of the comparisons."""
        return (TensorType(F32, equal.shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A conversion; what has no category takes an index that does not exist."""
        hot, inputs_, bits = cast(arg(0, BOOL), F32), list(inputs), arg(0, F32)
        if not all(self.counts):
            mask = Const.of(F32, (len(self.counts),), self.counts)
            inputs_.append(g.const(mask, "counts"))
            hot = hot * arg(1)
        y = apply(g, hot, *inputs_)
        if self.zeros:
            return (y,)
        any_ = g.add(Reduce(axes=(len(g.shape(y)) - 1,), fold="max"), y)
        index = apply(g, select(call("eq", bits, 1.0), const(0, I64), const(1, I64)), any_)
        one = standard(g, "Gather", g.const(Const.of(F32, (1,), (1.0,))), index, axis=0)
        return (apply(g, arg(0) * arg(1), y, one),)
