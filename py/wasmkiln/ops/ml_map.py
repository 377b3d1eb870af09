"""ZipMap, CastMap and DictVectorizer: maps, which the host makes and reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from ..errors import InvalidInputError, LimitError, UnsupportedOperatorError
from ..ir.const import Const, Scalar
from ..ir.dtype import F32, I64, STRING, DType
from ..ir.types import TensorType
from ..ir.value import MapValue, SequenceValue, Value
from .base import Op, register
from .scores import check_choice, label_names

DOMAIN = "ai.onnx.ml"
MAX_SPARSE = 1 << 24  # elements of a map in sparse form
_CASTS = {"TO_FLOAT": F32, "TO_STRING": STRING, "TO_INT64": I64}


class _OnHost(Op):
    """What has no types before it runs."""

    on_host: ClassVar[bool] = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        """None: maps are no tensors."""
        raise UnsupportedOperatorError("runs on the host")


@register("ZipMap", since=1, domain=DOMAIN)
class ZipMap(_OnHost):
    """A map from labels to scores for each row."""

    classlabels_int64s: tuple[int, ...] = ()
    classlabels_strings: tuple[str, ...] = ()

    def evaluate(self, x: Const) -> tuple[Value, ...]:
        """A sequence of maps."""
        labels = label_names(self.classlabels_int64s, self.classlabels_strings)
        size = len(labels)
        if len(x.shape) not in (1, 2) or x.shape[-1] != size:
            raise InvalidInputError(f"scores are {x.dtype}{list(x.shape)} for {size} labels")
        scores = x.values()
        rows = (scores[i : i + size] for i in range(0, len(scores), size))
        return (SequenceValue(tuple([MapValue(_zipped(labels, row)) for row in rows])),)


def _zipped(labels: Sequence[int | str], row: Sequence[Scalar]) -> dict[int | str, Const | Scalar]:
    return dict(zip(labels, row, strict=True))


@register("CastMap", since=1, domain=DOMAIN)
class CastMap(_OnHost):
    """A map's values by rising key, as a tensor [1, n]."""

    cast_to: str = "TO_FLOAT"
    map_form: str = "DENSE"
    max_map: int = 1

    def evaluate(self, x: MapValue) -> tuple[Const, ...]:
        """All values, or in sparse form those up to max_map, with zeros for absent keys."""
        check_choice("cast_to", self.cast_to, tuple(_CASTS))
        check_choice("map_form", self.map_form, ("DENSE", "SPARSE"))
        dtype, items = _CASTS[self.cast_to], _items(x)
        if any(not isinstance(key, int) for key in items):
            raise InvalidInputError("the keys of the map are no integers")
        keys = sorted(key for key in items if isinstance(key, int))
        if self.map_form == "DENSE":
            return (_tensor(dtype, [_converted(items[key], dtype) for key in keys]),)
        if keys and keys[0] < 0:
            raise InvalidInputError(f"the map has the key {keys[0]}")
        absent: Scalar | str = "0.f" if dtype == STRING else 0  # onnxruntime's text for nothing
        if self.max_map > MAX_SPARSE:
            raise LimitError(f"max_map is {self.max_map:,}, over {MAX_SPARSE:,}")
        places = range(self.max_map)
        found = [_converted(items[k], dtype) if k in items else absent for k in places]
        return (_tensor(dtype, found),)


@register("DictVectorizer", since=1, domain=DOMAIN)
class DictVectorizer(_OnHost):
    """A map's values by a vocabulary of keys, as a tensor [1, n]; 0 or '' for absent keys."""

    int64_vocabulary: tuple[int, ...] = ()
    string_vocabulary: tuple[str, ...] = ()

    def evaluate(self, x: MapValue) -> tuple[Const, ...]:
        """The values, in the dtype that they have."""
        words = label_names(self.int64_vocabulary, self.string_vocabulary)
        items, dtype = _items(x), _dtype(x)
        absent: Scalar | str = "" if dtype == STRING else 0
        return (_tensor(dtype, [items.get(word, absent) for word in words]),)


def _items(x: MapValue) -> Mapping[int | str, Scalar | str]:
    """The map with plain values."""
    if not isinstance(x, MapValue):
        raise InvalidInputError("the input is no map")
    return {key: _plain(value) for key, value in x.items.items()}


def _plain(value: Const | Scalar) -> Scalar | str:
    if not isinstance(value, Const):
        return value
    return value.texts()[0] if value.dtype == STRING else value.item()


def _dtype(x: MapValue) -> DType:
    """The dtype of the values: of plain ones i64, f32 or string."""
    first = next(iter(x.items.values()), 0.0)
    if isinstance(first, Const):
        return first.dtype
    return STRING if isinstance(first, str) else I64 if isinstance(first, int) else F32


def _tensor(dtype: DType, values: Sequence[Scalar | str]) -> Const:
    if dtype == STRING:
        return Const.strings((1, len(values)), [str(value) for value in values])
    numbers = [value for value in values if not isinstance(value, str)]
    return Const.of(dtype, (1, len(values)), numbers)


def _converted(value: Scalar | str, dtype: DType) -> Scalar | str:
    """A value as C++ converts it: floats print with six digits, and truncate to integers."""
    if dtype == STRING:
        return value if isinstance(value, str) else f"{value:f}"
    try:
        return int(value) if dtype == I64 else float(value)
    except (ValueError, OverflowError) as error:
        raise InvalidInputError(f"a value of the map is no number: {error}") from None
