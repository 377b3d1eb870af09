"""NumPy arrays, lists and dicts into values, and values into these. The one file with NumPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import InvalidInputError, MissingDependencyError, MisuseError
from ..ir.const import Buffer, Const
from ..ir.dtype import BY_NAME, STRING, DType
from ..ir.shape import show
from ..ir.types import InputType
from ..ir.value import NOTHING, MapValue, Nothing, SequenceValue, Value
from .names import type_name

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = ["as_array", "from_array", "need_numpy", "to_python", "to_value"]

# Kinds of numbers: lists of one may be taken as those of a higher rank.
_RANKS = {"b": 0, "i": 1, "u": 1, "f": 2, "n": 2, "c": 3}


def need_numpy(what: str) -> Any:
    """NumPy; MissingDependencyError naming what needs it where it isn't installed."""
    try:
        import numpy
    except ImportError as error:
        raise MissingDependencyError(
            f"{what} needs NumPy: pip install numpy; run_with_ort_values works without it"
        ) from error
    return numpy


def to_value(name: str, given: Any, t: InputType) -> Value:
    """What is given for an input as a value, over the same memory where that is possible.

    Arrays are taken as they are, so that their dtypes and shapes have yet to be checked. Numbers
    and lists become what is declared, unless that would lose something.
    Raises InvalidInputError for what can't be a value of any type.
    """
    return _Input(name, t).value(given, t.wrap)


class _Input:
    def __init__(self, name: str, t: InputType) -> None:
        self.name = name
        self.t = t
        self.np = need_numpy("InferenceSession.run")

    def value(self, given: Any, wrap: Sequence[str]) -> Value:
        outer, inner = (wrap[0], wrap[1:]) if wrap else ("", ())
        if outer == "optional":
            return NOTHING if given is None else self.value(given, inner)
        if outer == "seq":
            if not isinstance(given, (list, tuple)):
                raise self._wrong(given)
            return SequenceValue(tuple(self.value(item, inner) for item in given))
        if outer:
            return self._map(given, outer, inner)
        if given is None:
            raise self._wrong(given)
        if isinstance(given, self.np.ndarray):
            return from_array(given, f"input '{self.name}'")
        return self._listed(given)

    def _map(self, given: Any, outer: str, inner: Sequence[str]) -> Value:
        """A dict with keys of the type that `outer` names."""
        if not isinstance(given, Mapping):
            raise self._wrong(given)
        texts = outer == "map(string)"
        items: dict[int | str, Any] = {}
        for key, item in given.items():
            if isinstance(key, str) != texts:
                raise self._wrong(given)
            items[key if texts else int(key)] = self._item(item, inner)
        return MapValue(items)

    def _item(self, item: Any, inner: Sequence[str]) -> Any:
        """What a map holds: a scalar as such, anything else as a value."""
        if isinstance(item, self.np.generic):
            item = item.item()
        if isinstance(item, (int, float, str)) and not inner:
            if isinstance(item, str) != (self.t.dtype == STRING):
                raise self._wrong(item)
            dtype = self.t.dtype
            return item if isinstance(item, str) else Const.scalar(dtype, item).item()
        return self.value(item, inner)

    def _listed(self, given: Any) -> Const:
        """A number, a list, or whatever else NumPy takes."""
        np, dtype = self.np, self.t.dtype
        plain = isinstance(given, (list, tuple, bool, int, float))
        try:
            array = np.asarray(given)
            lossless = _RANKS.get(array.dtype.kind, 4) <= _RANKS.get(dtype.kind, -1)
            if plain and (lossless or not array.size):
                array = np.asarray(given, numpy_dtype(np, dtype))
        except (ValueError, TypeError, OverflowError) as error:
            raise self._wrong(given) from error
        if array.dtype.kind == "O" and not plain:
            raise self._wrong(given)
        const = from_array(array, f"input '{self.name}'")
        if plain and const.dtype != dtype:
            raise self._wrong(given)
        return const

    def _wrong(self, given: Any) -> MisuseError:
        shape = "" if self.t.shape is None else show(self.t.shape)
        wrap = self.t.wrap
        declared = type_name(self.t) if wrap else f"{self.t.dtype.full}{shape}"
        shown = repr(given)
        if len(shown) > 80:
            shown = f"{shown[:80]}…"
        return MisuseError(f"input '{self.name}' is {declared}; what is given is {shown}")


def from_array(array: Array, what: str = "the array") -> Const:
    """The array as a constant over its own memory, or over a copy if it isn't contiguous.

    Raises InvalidInputError where its dtype is none of ONNX's, or is not in the machine's order.
    """
    if array.dtype.kind in "OUST":
        return Const.strings(array.shape, tuple(_text(item, what) for item in array.flat))
    dtype = BY_NAME.get(array.dtype.name)
    if dtype is None or not array.dtype.isnative:
        order = "" if array.dtype.isnative else "big-endian "
        raise InvalidInputError(
            f"{what}: {order}{array.dtype.name} is not a dtype that tensors may have"
        )
    if not array.flags.c_contiguous:
        array = array.copy("C")
    return Const(dtype, array.shape, array.reshape(-1).view("u1").data)


def _text(item: object, what: str) -> str:
    """A string; bytes are UTF-8, and other objects are written out as onnxruntime does."""
    if isinstance(item, bytes):
        try:
            return item.decode()
        except UnicodeDecodeError as error:
            raise InvalidInputError(f"{what}: {item!r} is not UTF-8") from error
    return str(item)


def numpy_dtype(np: Any, dtype: DType) -> Any:
    """NumPy's dtype; those that NumPy lacks are from ml_dtypes.

    Without ml_dtypes, those of a byte are uint8, as in onnxruntime, and others
    MissingDependencyError.
    """
    if dtype == STRING:
        return np.dtype(object)
    try:
        return np.dtype(dtype.full)
    except TypeError:
        pass
    try:
        import ml_dtypes
    except ImportError:
        if dtype.itemsize == 1:
            return np.dtype("uint8")
        raise MissingDependencyError(
            f"arrays of {dtype.full} need ml_dtypes: pip install ml_dtypes"
        ) from None
    return np.dtype(getattr(ml_dtypes, dtype.full))


def as_array(value: Const) -> Array:
    """An array over the constant's memory; one of strings holds objects of type str."""
    np = need_numpy("an array")
    dtype = numpy_dtype(np, value.dtype)
    if value.dtype == STRING:
        array: Array = np.empty(len(value.texts()), dtype)
        array[:] = value.texts()
    else:
        assert isinstance(value.data, Buffer)
        array = np.frombuffer(value.data, dtype)
    return array.reshape(value.shape)


def to_python(value: Value, taken: set[int] | None = None) -> Any:
    """What `run` gives for a value: an array, a list, a dict, or None.

    Arrays share memory with nothing else. Where `taken` is given, bytearrays belong to the caller,
    and an array is made over one unless its id is in there; else everything is copied.
    """
    if isinstance(value, Const):
        return as_array(value if value.dtype == STRING else _own(value, taken))
    if isinstance(value, SequenceValue):
        return [to_python(item, taken) for item in value.items]
    if isinstance(value, Nothing):
        return None
    return {key: _plain(item, taken) for key, item in value.items.items()}


def _own(value: Const, taken: set[int] | None) -> Const:
    """The constant in a bytearray that nobody else has."""
    if taken is None or not isinstance(value.data, bytearray) or id(value.data) in taken:
        assert isinstance(value.data, Buffer)
        value = Const(value.dtype, value.shape, bytearray(value.data))
    if taken is not None:
        taken.add(id(value.data))
    return value


def _plain(item: Any, taken: set[int] | None) -> Any:
    """A map's item; a tensor without dimensions is a Python number or string."""
    if not isinstance(item, (Const, SequenceValue, MapValue, Nothing)):
        return item
    if isinstance(item, Const) and item.shape == ():
        return item.texts()[0] if item.dtype == STRING else item.item()
    return to_python(item, taken)
