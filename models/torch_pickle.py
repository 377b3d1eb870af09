"""Tensors of a legacy (pre-zip) PyTorch checkpoint, read without PyTorch and without unpickling.

A pickle is a program; `pickle.load` runs it. Here a small machine of our own walks the opcodes
that `torch.save` writes for a state dict and knows two functions: an empty `OrderedDict` and the
rebuilding of a tensor from a storage. Nothing is imported, nothing is called, and every size is
checked against the file before it is believed: a hostile file ends in a `TorchPickleError`.

The file: pickles of a magic number, a protocol version, facts of the writing machine, the state
dict and the storage keys; then for each key an int64 element count and its little-endian elements.
"""

from __future__ import annotations

import io
import pickletools
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
MAX_OPCODES = 1_000_000  # A state dict takes about 30 opcodes a tensor.

# PyTorch's storage classes → (our dtype, array code of that width: elements are only moved).
STORAGES = {"torch FloatStorage": ("f32", "I"), "torch LongStorage": ("i64", "Q")}
ORDERED_DICT = "collections OrderedDict"
REBUILD_TENSOR = "torch._utils _rebuild_tensor_v2"


class TorchPickleError(ValueError):
    """The file isn't a legacy PyTorch state dict made of nothing but tensors."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor: dtype ('f32', 'i64'), shape, and contiguous row-major little-endian elements."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class _Global:
    name: str


@dataclass(frozen=True, slots=True)
class _Storage:
    kind: str
    key: str
    count: int


@dataclass(frozen=True, slots=True)
class _View:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_state_dict(data: bytes) -> dict[str, Tensor]:
    """Name → tensor for a legacy state dict held in `data`."""
    stream = io.BytesIO(data)
    if _read_pickle(stream) != MAGIC:
        raise TorchPickleError("not a legacy PyTorch file: wrong magic number")
    if _read_pickle(stream) != PROTOCOL:
        raise TorchPickleError(f"not a legacy PyTorch file of protocol {PROTOCOL}")
    machine = _read_pickle(stream)
    if not isinstance(machine, dict) or machine.get("little_endian") is not True:
        raise TorchPickleError("the file wasn't written by a little-endian machine")
    state = _read_pickle(stream)
    if not isinstance(state, dict):
        raise TorchPickleError("the file holds no state dict")
    views: dict[str, _View] = {}
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, _View):
            raise TorchPickleError(f"state dict entry {str(name)[:80]!r} is not a tensor")
        views[name] = value
    storages = _read_storages(stream, data, {v.storage.key: v.storage for v in views.values()})
    return {name: _materialise(view, storages[view.storage.key]) for name, view in views.items()}


def _read_storages(
    stream: io.BytesIO, data: bytes, wanted: dict[str, _Storage]
) -> dict[str, array[int]]:
    keys = _read_pickle(stream)
    if not isinstance(keys, list) or sorted(map(str, keys)) != sorted(wanted):
        raise TorchPickleError("the list of storages doesn't match the tensors")
    storages = {}
    at = stream.tell()
    for key in keys:
        storage = wanted[key]
        count = int.from_bytes(data[at : at + 8], "little", signed=True)
        elements = array(STORAGES[storage.kind][1])
        end = at + 8 + storage.count * elements.itemsize
        if count != storage.count or end > len(data):
            raise TorchPickleError(
                f"storage {key!r} should hold {storage.count} elements; the file says {count} and "
                f"has {max(0, len(data) - at - 8)} bytes left"
            )
        elements.frombytes(data[at + 8 : end])
        storages[key] = elements
        at = end
    return storages


def _materialise(view: _View, elements: array[int]) -> Tensor:
    """Copy a strided view into row-major order, run by run along its longest axis."""
    dtype, code = STORAGES[view.storage.kind]
    shape, strides = view.shape, view.strides
    out = array(code, bytes(prod(shape) * elements.itemsize))
    dense = [prod(shape[axis + 1 :]) for axis in range(len(shape))]
    if out:
        axis = max(range(len(shape)), key=lambda a: shape[a], default=0)
        rest = [range(n) if a != axis else range(1) for a, n in enumerate(shape)]
        length = shape[axis] if shape else 1
        step_in, step_out = (strides[axis] if length > 1 else 1), (dense[axis] if shape else 1)
        for index in product(*rest):
            src = view.offset + sum(i * s for i, s in zip(index, strides, strict=True))
            dst = sum(i * s for i, s in zip(index, dense, strict=True))
            run = elements[src : src + (length - 1) * step_in + 1 : step_in]
            out[dst : dst + (length - 1) * step_out + 1 : step_out] = run
    return Tensor(dtype, shape, out.tobytes())


def _read_pickle(stream: io.BytesIO) -> object:
    """The value of the pickle at the stream's position, which is left behind its STOP."""
    machine = _Machine()
    for count, (name, argument) in enumerate(_opcodes(stream)):
        if count >= MAX_OPCODES:
            raise TorchPickleError(f"more than {MAX_OPCODES} opcodes")
        if name == "STOP":
            return machine.pop()
        machine.step(name, argument)
    raise TorchPickleError("the pickle has no end")


def _opcodes(stream: io.BytesIO) -> Iterator[tuple[str, object]]:
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            yield opcode.name, argument
    except TorchPickleError:
        raise
    except ValueError as error:
        raise TorchPickleError(f"broken or truncated pickle: {error}") from None


PUSH_ARGUMENT = frozenset({"BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE"})
PUSH_CONSTANT: dict[str, object] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class _Machine:
    """The pickle machine, reduced to what `torch.save` writes for a state dict."""

    def __init__(self) -> None:
        self.stack: list[object] = []
        self.marks: list[int] = []
        self.memo: dict[object, object] = {}

    def step(self, name: str, argument: object) -> None:
        """Carry out one opcode."""
        if name in PUSH_ARGUMENT:
            self.stack.append(argument)
        elif name in PUSH_CONSTANT:
            self.stack.append(PUSH_CONSTANT[name])
        elif name in ("BINPUT", "LONG_BINPUT"):
            self.memo[argument] = self.top()
        elif name in ("BINGET", "LONG_BINGET"):
            if argument not in self.memo:
                raise TorchPickleError(f"memo entry {argument} was never stored")
            self.stack.append(self.memo[argument])
        elif name == "MARK":
            self.marks.append(len(self.stack))
        elif name in TUPLES:
            self.stack.append(tuple(self.pop_many(TUPLES[name])))
        elif name == "TUPLE":
            self.stack.append(tuple(self.pop_to_mark()))
        else:
            self.step_container(name, argument)

    def step_container(self, name: str, argument: object) -> None:
        """Carry out an opcode that makes, fills or calls something; refuse all that is unknown."""
        if name == "EMPTY_DICT":
            self.stack.append({})
        elif name == "EMPTY_LIST":
            self.stack.append([])
        elif name == "APPENDS":
            self.append(self.pop_to_mark())
        elif name == "APPEND":
            self.append(self.pop_many(1))
        elif name == "SETITEMS":
            self.set_items(self.pop_to_mark())
        elif name == "SETITEM":
            self.set_items(self.pop_many(2))
        elif name == "GLOBAL":
            self.stack.append(_allowed_global(argument))
        elif name == "REDUCE":
            function, arguments = self.pop_many(2)
            self.stack.append(_call(function, arguments))
        elif name == "BINPERSID":
            self.stack.append(_storage(self.pop()))
        elif name == "BUILD":
            state = self.pop()  # A module's `_metadata`: of no use here.
            if not isinstance(state, dict) or not isinstance(self.top(), dict):
                raise TorchPickleError("BUILD on something that is not a dict is refused")
        elif name != "PROTO":
            raise TorchPickleError(f"pickle opcode {name} is refused: a state dict needs none")

    def append(self, values: list[object]) -> None:
        """Append to the list on top of the stack."""
        target = self.top()
        if not isinstance(target, list):
            raise TorchPickleError("APPENDS on something that is not a list is refused")
        target.extend(values)

    def set_items(self, values: list[object]) -> None:
        """Put alternating keys and values into the dict on top of the stack."""
        target = self.top()
        if not isinstance(target, dict) or len(values) % 2:
            raise TorchPickleError("SETITEMS on something that is not a dict is refused")
        for key, value in zip(values[::2], values[1::2], strict=True):
            if not isinstance(key, str):
                raise TorchPickleError(f"a dict key of type {type(key).__name__} is refused")
            target[key] = value

    def top(self) -> object:
        """The value on top of the stack."""
        return self.pop_many(1, keep=True)[0]

    def pop(self) -> object:
        """Take the value on top of the stack."""
        return self.pop_many(1)[0]

    def pop_many(self, count: int, keep: bool = False) -> list[object]:
        """The last `count` values, never reaching below the last mark."""
        start = len(self.stack) - count
        if start < (self.marks[-1] if self.marks else 0):
            raise TorchPickleError("pickle stack underflow")
        values = self.stack[start:]
        if not keep:
            del self.stack[start:]
        return values

    def pop_to_mark(self) -> list[object]:
        """The values behind the last mark, which goes with them."""
        if not self.marks:
            raise TorchPickleError("pickle mark is missing")
        values = self.pop_many(len(self.stack) - self.marks[-1])
        self.marks.pop()
        return values


def _allowed_global(name: object) -> _Global:
    allowed = (*STORAGES, ORDERED_DICT, REBUILD_TENSOR)
    if name not in allowed:
        raise TorchPickleError(
            f"global {str(name)[:80]!r} is refused; a state dict needs only {', '.join(allowed)}"
        )
    return _Global(str(name))


def _call(function: object, arguments: object) -> object:
    if function == _Global(ORDERED_DICT) and arguments == ():
        return {}
    if function == _Global(REBUILD_TENSOR) and isinstance(arguments, tuple) and len(arguments) == 6:
        return _view(*arguments)
    raise TorchPickleError(f"call of {str(function)[:80]} with these arguments is refused")


def _storage(identity: object) -> _Storage:
    """A persistent id: ('storage', class, key, location, element count, None)."""
    if not isinstance(identity, tuple) or len(identity) != 6 or identity[0] != "storage":
        raise TorchPickleError("a persistent id that names no storage is refused")
    _, kind, key, _, count, view = identity
    if not isinstance(kind, _Global) or kind.name not in STORAGES or view is not None:
        raise TorchPickleError("a storage of an unknown class, or a view of one, is refused")
    if not isinstance(key, str) or not _is_size(count):
        raise TorchPickleError("a storage without a key or an element count is refused")
    return _Storage(kind.name, key, count)


def _view(
    storage: object, offset: object, shape: object, strides: object, _grad: object, _hooks: object
) -> _View:
    if not isinstance(storage, _Storage) or not isinstance(offset, int) or not _is_size(offset):
        raise TorchPickleError("a tensor without a storage or an offset is refused")
    if not isinstance(shape, tuple) or not isinstance(strides, tuple) or len(shape) != len(strides):
        raise TorchPickleError("a tensor whose shape and strides differ in length is refused")
    if len(shape) > 8 or not all(_is_size(n) for n in (*shape, *strides)):
        raise TorchPickleError("a tensor of more than 8 axes, or of negative sizes, is refused")
    if any(n > 1 and s == 0 for n, s in zip(shape, strides, strict=True)):
        raise TorchPickleError("a tensor that repeats its elements (stride 0) is refused")
    last = offset + sum((n - 1) * s for n, s in zip(shape, strides, strict=True) if n)
    if prod(shape) > storage.count or (prod(shape) and last >= storage.count):
        raise TorchPickleError(
            f"tensor {list(shape)} reaches element {last} of a storage of {storage.count}"
        )
    return _View(storage, offset, shape, strides)


def _is_size(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**40
