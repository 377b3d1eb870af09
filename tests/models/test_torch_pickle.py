"""Legacy PyTorch checkpoints: tensors come out right, and anything else in a pickle is refused."""

from __future__ import annotations

import collections
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.torch_pickle import MAGIC, PROTOCOL, TorchPickleError, read_state_dict

SYSTEM = {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": {"int": 4}}
FLOAT, LONG = "ctorch\nFloatStorage\n", "ctorch\nLongStorage\n"
REBUILD = "ctorch._utils\n_rebuild_tensor_v2\n"
EMPTY_ORDERED_DICT = "ccollections\nOrderedDict\n)R"


def text(value: str) -> str:
    """BINUNICODE, written as Latin-1 like the rest of these pickles."""
    return "X" + struct.pack("<I", len(value)).decode("latin-1") + value


def number(value: int) -> str:
    return "J" + struct.pack("<i", value).decode("latin-1")


def numbers(values: tuple[int, ...]) -> str:
    return "(" + "".join(number(v) for v in values) + "t"


def storage(kind: str = FLOAT, key: str = "0", count: int = 6) -> str:
    """A persistent id as `torch.save` writes it."""
    return "(" + text("storage") + kind + text(key) + text("cpu") + number(count) + "NtQ"


def tensor(
    shape: tuple[int, ...] = (2, 3),
    strides: tuple[int, ...] = (3, 1),
    offset: int = 0,
    held: str | None = None,
) -> str:
    parts = (held or storage()) + number(offset) + numbers(shape) + numbers(strides)
    return f"{REBUILD}({parts}\x89{EMPTY_ORDERED_DICT}tR"


def checkpoint(state: str, storages: tuple[tuple[str, bytes, int], ...] = ()) -> bytes:
    """A file whose state dict pickle has this body; storages are (key, raw elements, width)."""
    head = [pickle.dumps(value, 2) for value in (MAGIC, PROTOCOL, SYSTEM)]
    body = b"\x80\x02" + state.encode("latin-1") + b"."
    keys = pickle.dumps([key for key, _, _ in storages], 2)
    raw = b"".join(struct.pack("<q", len(data) // width) + data for _, data, width in storages)
    return b"".join(head) + body + keys + raw


def state_dict(**tensors: str) -> str:
    items = "".join(text(name) + value for name, value in tensors.items())
    return f"{EMPTY_ORDERED_DICT}({items}u"


SIX = np.arange(6, dtype="<f4")
ZERO = (("0", SIX.tobytes(), 4),)


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [
        ((6,), (1,), 0),
        ((2, 3), (3, 1), 0),
        ((3, 2), (1, 3), 0),
        ((2, 2), (1, 2), 1),
        ((2, 1, 3), (1, 99, 2), 0),
        ((1, 1), (7, 9), 5),
        ((), (), 4),
        ((0, 3), (3, 1), 0),
    ],
)
def test_views_come_out_row_major(
    shape: tuple[int, ...], strides: tuple[int, ...], offset: int
) -> None:
    data = checkpoint(state_dict(w=tensor(shape, strides, offset)), ZERO)
    found = read_state_dict(data)["w"]
    byte_strides = tuple(4 * s for s in strides)
    expected = np.ndarray(shape, "<f4", SIX.tobytes(), 4 * offset, byte_strides)
    assert (found.dtype, found.shape, found.data) == ("f32", shape, expected.tobytes())


def test_several_tensors_may_share_a_storage_and_integers_are_read() -> None:
    counts = np.array([7, -1], "<i8").tobytes()
    state = state_dict(
        a=tensor(), b=tensor((3,), (2,)), n=tensor((2,), (1,), 0, storage(LONG, "1", 2))
    )
    found = read_state_dict(checkpoint(state, (*ZERO, ("1", counts, 8))))
    assert [*found] == ["a", "b", "n"]
    assert found["b"].data == SIX[::2].tobytes()
    assert (found["n"].dtype, found["n"].data) == ("i64", counts)


def test_module_metadata_is_passed_over() -> None:
    metadata = "}" + text("_metadata") + EMPTY_ORDERED_DICT + "s"
    data = checkpoint(state_dict(w=tensor()) + metadata + "b", ZERO)
    assert [*read_state_dict(data)] == ["w"]


class Hostile:
    """Pickles as a call of what it is given."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call


def hostile_file(tmp_path: Path, wrap: Callable[[object], object], protocol: int) -> bytes:
    import os

    attack = Hostile(os.system, f"touch {tmp_path / 'owned'}")
    head = b"".join(pickle.dumps(value, 2) for value in (MAGIC, PROTOCOL, SYSTEM))
    return head + pickle.dumps(wrap(attack), protocol)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "wrap",
    [
        lambda attack: attack,
        lambda attack: {"weight": attack},
        lambda attack: collections.OrderedDict(a=[({"deep": attack},)]),
    ],
    ids=["bare", "as a tensor", "nested"],
)
def test_a_hostile_pickle_runs_nothing(
    tmp_path: Path, wrap: Callable[[object], object], protocol: int
) -> None:
    with pytest.raises(TorchPickleError):
        read_state_dict(hostile_file(tmp_path, wrap, protocol))
    assert list(tmp_path.iterdir()) == []


def test_the_hostile_pickle_is_one(tmp_path: Path) -> None:
    data = hostile_file(tmp_path, lambda attack: attack, 2)
    head = sum(len(pickle.dumps(value, 2)) for value in (MAGIC, PROTOCOL, SYSTEM))
    pickle.loads(data[head:])
    assert [path.name for path in tmp_path.iterdir()] == ["owned"]


@pytest.mark.parametrize(
    "name",
    [
        "os\nsystem",
        "posix\nsystem",
        "builtins\neval",
        "__builtin__\neval",
        "torch\nload",
        "torch._utils\n_rebuild_tensor_v3",
        "torch\nFloatStorage.__init__",
        "collections\nOrderedDict.__reduce__",
        "models.torch_pickle\nread_state_dict",
    ],
)
def test_other_globals_are_refused_by_name(name: str) -> None:
    with pytest.raises(TorchPickleError, match="is refused; a state dict needs only torch Float"):
        read_state_dict(checkpoint(f"c{name}\n(" + text("1") + "tR"))


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (EMPTY_ORDERED_DICT[:-2] + "(" + number(1) + "tR", "call of .* is refused"),
        (REBUILD + ")R", "call of .* is refused"),
        ("\x8c\x02os\x8c\x06system\x93", "SHORT_BINUNICODE is refused"),
        ("(ios\nsystem\n", "INST is refused"),
        ("P1\n", "PERSID is refused"),
        (EMPTY_ORDERED_DICT + "2", "DUP is refused"),
        ("\x82\x01", "EXT1 is refused"),
        ("h\x05", "memo entry 5 was never stored"),
        ("q\x05", "stack underflow"),
        ("R", "stack underflow"),
        ("}(" + text("a") + "Rus", "stack underflow"),
        ("t", "mark is missing"),
        ("](" + text("a") + "u", "not a dict"),
        ("}(" + text("a") + "e", "not a list"),
        ("}(" + text("a") + "u", "not a dict"),
        ("}" + text("a") + "b", "BUILD on something"),
        ("})" + number(1) + "s", "key of type tuple"),
        ("]", "holds no state dict"),
        (state_dict(w=number(1)), "'w' is not a tensor"),
        (text("w") + "Q", "names no storage"),
        (storage(REBUILD), "unknown class"),
        (storage(count=-1), "without a key or an element count"),
        (state_dict(w=tensor(held=text("w"))), "without a storage"),
        (state_dict(w=tensor(offset=-1)), "without a storage or an offset"),
        (state_dict(w=tensor((2, 3), (3,))), "differ in length"),
        (state_dict(w=tensor((-2, 3))), "negative sizes"),
        (state_dict(w=tensor((1,) * 9, (1,) * 9)), "more than 8 axes"),
        (state_dict(w=tensor((2, 3), (0, 1))), "stride 0"),
        (state_dict(w=tensor((2, 3), (4, 1))), r"reaches element 6 of a storage of 6"),
        (state_dict(w=tensor((2, 3), (3, 1), 1)), r"reaches element 6 of a storage of 6"),
        (state_dict(w=tensor((2**30, 2**30), (1, 1))), "reaches element"),
        (
            state_dict(w=tensor((2,), (1,), held=storage(count=2**31 - 1))),
            "should hold 2147483647 elements; the file says 6",
        ),
        (state_dict(w=tensor(held=storage(key="1"))), "list of storages doesn't match"),
    ],
)
def test_what_is_no_state_dict_is_refused(state: str, message: str) -> None:
    with pytest.raises(TorchPickleError, match=message):
        read_state_dict(checkpoint(state, ZERO))


def test_a_storage_that_claims_more_than_the_file_has_is_refused() -> None:
    huge = 2**31 - 1
    data = checkpoint(state_dict(w=tensor((2,), (1,), held=storage(count=huge))), ZERO)
    lying = data.replace(struct.pack("<q", 6), struct.pack("<q", huge))
    with pytest.raises(TorchPickleError, match="has 24 bytes left"):
        read_state_dict(lying)


def test_an_endless_pickle_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.torch_pickle.MAX_OPCODES", 1000)
    with pytest.raises(TorchPickleError, match="more than 1000 opcodes"):
        read_state_dict(checkpoint("N" * 2000))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "truncated pickle"),
        (b"PK\3\4" + bytes(100), "broken or truncated pickle"),
        (pickle.dumps(MAGIC + 1, 2), "wrong magic number"),
        (pickle.dumps(MAGIC, 2) + pickle.dumps(1000, 2), "protocol 1001"),
        (
            b"".join(pickle.dumps(v, 2) for v in (MAGIC, PROTOCOL, {"little_endian": False})),
            "little-endian",
        ),
        (b"\x80\x02X\xff\xff\xff\x7fabc", "broken or truncated pickle"),
        (b"\x80\x02\x8e" + b"\xff" * 7 + b"\x7fabc", "broken or truncated pickle"),
    ],
    ids=["empty", "zip", "magic", "protocol", "big-endian", "huge string", "huge bytes"],
)
def test_another_file_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(TorchPickleError, match=message):
        read_state_dict(data)


def test_every_truncation_is_refused() -> None:
    data = checkpoint(state_dict(w=tensor()), ZERO)
    for length in range(len(data)):
        with pytest.raises(TorchPickleError):
            read_state_dict(data[:length])
