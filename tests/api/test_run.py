"""What goes into `run` and comes out of it, as in native onnxruntime."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto as T
from onnx import helper, numpy_helper
from wasmkiln import InferenceSession, InvalidInputError

from tests.api.both import check_same, identity, info, make

X = np.arange(6, dtype=np.float32).reshape(3, 2)

# What onnxruntime makes of lists without a word, by kind: it cuts off fractions, and writes numbers
# out as strings.
STRICT = {"f": (T.INT64, T.STRING), "i": (T.STRING,)}


@pytest.mark.parametrize(
    "given",
    [
        X,
        [[1.0, 2.0]],
        [[1, 2]],
        [X[0], X[1]],
        np.zeros((0, 2), np.float32),
        np.asfortranarray(X),
        np.arange(12, dtype=np.float32).reshape(6, 2)[::2],
        X[::-1],
        X.astype(np.float64),
        X.astype(np.int64),
        X[0],
        np.ones((2, 3), np.float32),
        np.array([["a", "b"]]),
        [["a", "b"]],
        np.array([["a", "b"]], object),
    ],
    ids=lambda v: str(v).replace("\n", " ")[:30],
)
@pytest.mark.parametrize("dtype", [T.FLOAT, T.INT64, T.STRING])
def test_arrays_and_lists(given: Any, dtype: int) -> None:
    if isinstance(given, list) and dtype in STRICT.get(np.asarray(given).dtype.kind, ()):
        with InferenceSession(identity(dtype)) as session, pytest.raises(InvalidInputError):
            session.run(None, {"x": given})
        return
    check_same(lambda m: m.InferenceSession(identity(dtype)).run(None, {"x": given}))


@pytest.mark.parametrize("dtype", [np.float16, np.bool_, np.uint8, np.int32, np.uint64, np.float64])
def test_dtypes(dtype: Any) -> None:
    data = identity(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
    check_same(lambda m: m.InferenceSession(data).run(None, {"x": X.astype(dtype)}))


@pytest.mark.parametrize(
    ("names", "feeds"),
    [
        (None, {}),
        (None, {"x": X, "z": X}),
        (["z"], {"x": X}),
        (["y", "y"], {"x": X}),
        ([], {"x": X}),
        (("y",), {"x": X}),
    ],
)
def test_names(names: Any, feeds: dict[str, Any]) -> None:
    check_same(lambda m: m.InferenceSession(identity()).run(names, feeds))


def test_values_without_dimensions() -> None:
    data = identity(shape=())
    x = np.array(3, np.float32)
    check_same(lambda m: m.InferenceSession(data).run(None, {"x": x}))
    with InferenceSession(data) as session:  # onnxruntime takes neither
        for given in (3.0, np.float32(3)):
            (y,) = session.run(None, {"x": given})
            assert (y.dtype, y.shape, y.item()) == (np.float32, (), 3)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (X.astype(">f4"), "big-endian float32 is not a dtype"),
        (X.astype("M8[s]"), "datetime64"),
        (None, r"'x' is float32\[N,2\]; what is given is None"),
        ([[1.0], [1.0, 2.0]], r"'x' is float32\[N,2\]"),
        (object(), r"'x' is float32\[N,2\]; what is given is <object"),
    ],
)
def test_what_can_be_no_tensor(given: Any, message: str) -> None:
    with InferenceSession(identity()) as session:
        with pytest.raises(InvalidInputError, match=message):
            session.run(None, {"x": given})
        with pytest.raises(InvalidInputError, match="as the string 'y'"):
            session.run("y", {"x": X})
        with pytest.raises(InvalidInputError, match="a dict of name to value"):
            session.run(None, [X])  # type: ignore[arg-type]


def test_numbers_in_lists_must_fit() -> None:
    with InferenceSession(identity(T.INT8)) as session:
        (y,) = session.run(None, {"x": [[1, -128]]})
        assert (y.dtype, y.tolist()) == (np.int8, [[1, -128]])
        with pytest.raises(InvalidInputError, match="what is given is"):
            session.run(None, {"x": [[1, 128]]})


@pytest.mark.parametrize(
    "given",
    [
        np.array([["a", "ü"]]),
        np.array([["a", "ü"]], object),
        np.array([[1, None]], object),
        [["a", "b"]],
        ["a", "b"],
        X,
    ],
)
def test_strings(given: Any) -> None:
    check_same(lambda m: m.InferenceSession(identity(T.STRING)).run(None, {"x": given}))


def test_strings_that_onnxruntime_garbles() -> None:
    with InferenceSession(identity(T.STRING)) as session:
        for given in (
            np.array([["ü".encode(), b"abc"]]),
            np.array([["ü".encode(), b"abc"]], object),
            np.array([["ü", "abc"]], np.dtypes.StringDType()),
        ):
            assert session.run(None, {"x": given})[0].tolist() == [["ü", "abc"]]
        zero = np.array([["a\0b", "\0"]], object)
        assert session.run(None, {"x": zero})[0].tolist() == zero.tolist()
        with pytest.raises(InvalidInputError, match="is not UTF-8"):
            session.run(None, {"x": np.array([[b"\xff", b""]], object)})


def test_narrow_floats_are_those_of_ml_dtypes() -> None:
    for number, dtype in (
        (T.BFLOAT16, ml_dtypes.bfloat16),
        (T.FLOAT8E4M3FN, ml_dtypes.float8_e4m3fn),
        (T.INT4, ml_dtypes.int4),
    ):
        x = np.arange(6).reshape(3, 2).astype(dtype)
        with InferenceSession(identity(number, opset=25)) as session:
            (y,) = session.run(None, {"x": x})
            assert y.dtype == x.dtype
            np.testing.assert_array_equal(y, x)


SEQUENCE = helper.make_sequence_type_proto(helper.make_tensor_type_proto(T.FLOAT, ["N"]))
OPTIONAL = helper.make_optional_type_proto(helper.make_tensor_type_proto(T.FLOAT, ["N"]))
NUMBERS = helper.make_map_type_proto(T.INT64, helper.make_tensor_type_proto(T.FLOAT, []))


def passing(kind: Any) -> bytes:
    """A model that gives back an input of any type."""
    node = helper.make_node("Identity", ["x"], ["y"])
    one, two = helper.make_value_info("x", kind), helper.make_value_info("y", kind)
    return make([node], [one], [two])


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (SEQUENCE, [X[0], X[1]]),
        (SEQUENCE, []),
        (OPTIONAL, X[0]),
        (OPTIONAL, None),
        (helper.make_optional_type_proto(SEQUENCE), [X[0]]),
        (helper.make_optional_type_proto(SEQUENCE), []),
        (helper.make_optional_type_proto(SEQUENCE), None),
    ],
)
def test_sequences_and_optionals(kind: Any, given: Any) -> None:
    check_same(lambda m: m.InferenceSession(passing(kind)).run(None, {"x": given}))


def test_an_optional_may_be_left_out() -> None:
    check_same(lambda m: m.InferenceSession(passing(OPTIONAL)).run(None, {}))


def test_types_are_named_alike() -> None:
    for kind in (SEQUENCE, OPTIONAL, helper.make_optional_type_proto(SEQUENCE)):
        check_same(lambda m, k=kind: described(m.InferenceSession(passing(k))))  # type: ignore[misc]
    zipped = helper.make_sequence_type_proto(NUMBERS)
    with InferenceSession(passing(zipped)) as session:  # onnxruntime can't pass these on
        assert described(session)[0] == ("x", "seq(map(int64,tensor(float)))", [])
        assert session.run(None, {"x": [{1: 0.5}, {}]}) == [[{1: 0.5}, {}]]
    with InferenceSession(passing(NUMBERS)) as session:
        (y,) = session.run(None, {"x": {np.int64(3): np.float64(0.1)}})
        assert y == {3: float(np.float32(0.1))}
        for wrong in ({"a": 1.0}, [{1: 1.0}], {1: "a"}):
            with pytest.raises(InvalidInputError, match=r"'x' is map\(int64,tensor\(float\)\)"):
                session.run(None, {"x": wrong})


@pytest.mark.parametrize("wrong", [X, X[0], None, [X[0].astype(np.float64)], {1: X}])
def test_wrong_sequences(wrong: Any) -> None:
    with (
        InferenceSession(passing(SEQUENCE)) as session,
        pytest.raises(InvalidInputError, match=r"'x' is seq\(tensor\(float\)\)"),
    ):
        session.run(None, {"x": wrong})


def described(session: Any) -> list[tuple[str, str, Any]]:
    args = [*session.get_inputs(), *session.get_outputs()]
    return [(a.name, a.type, a.shape) for a in args]


def test_dimensions_are_described_alike() -> None:
    shape = [None, 2, "a", "", "?"]
    data = make(
        [helper.make_node("Identity", ["x"], ["y"]), helper.make_node("Identity", ["z"], ["v"])],
        [info("x", shape=shape), info("z", T.BOOL, None)],
        [info("y", shape=shape), info("v", T.BOOL, None)],
    )
    check_same(lambda m: described(m.InferenceSession(data)))


def test_results_share_memory_with_nothing() -> None:
    """Not even those of models that only pass on or give constants."""
    weight = numpy_helper.from_array(X, "w")
    nodes = [
        helper.make_node("Identity", ["x"], ["y"]),
        helper.make_node("Identity", ["x"], ["z"]),
        helper.make_node("Identity", ["w"], ["v"]),
    ]
    outputs = [info("y"), info("z"), info("v")]
    with InferenceSession(make(nodes, [info("x")], outputs, [weight])) as session:
        x = X.copy()
        first = session.run(["y", "z", "v", "y"], {"x": x})
        for array in first:
            array += 1
        second = session.run(["y", "z", "v", "y"], {"x": x})
        np.testing.assert_array_equal(x, X)
        for one, other in zip(first, second, strict=True):
            np.testing.assert_array_equal(one, X + 1)
            np.testing.assert_array_equal(other, X)
    with InferenceSession(passing(SEQUENCE)) as session:
        x = X.copy()
        ((a, b),) = session.run(None, {"x": [x[0], x[0]]})
        a += 1
        np.testing.assert_array_equal(x, X)
        np.testing.assert_array_equal(b, X[0])


def test_inputs_may_be_read_only() -> None:
    x = X.copy()
    x.flags.writeable = False
    check_same(lambda m: m.InferenceSession(identity()).run(None, {"x": x}))
