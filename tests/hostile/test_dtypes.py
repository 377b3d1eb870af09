"""Each operator on inputs of each element type: it compiles, or says that it does not."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper
from wasmkiln.compiler import compile_model
from wasmkiln.errors import InternalError, WasmkilnError
from wasmkiln.ops.base import INTERNAL, Op, lookup, registered

OPSET = 30
SHAPES: tuple[list[int], ...] = ([2, 3], [1, 2, 4, 4], [])
GIVEN: Mapping[str, Any] = {
    "to": 1, "equation": "...->...", "blocksize": 2, "hidden_size": 4, "k": 1, "num_groups": 1,
    "size": 3, "direction": "LEFT",
}  # fmt: skip
TITLES = sorted(
    {
        (c.domain, c.op_type)
        for c in registered()
        if c.domain in ("", "com.microsoft") and c.domain != INTERNAL and not c.on_host
    }
)


def _attributes(cls: type[Op], rank: int) -> dict[str, Any]:
    found = {name: value for name, value in GIVEN.items() if name in cls.fields}
    if "direction" in found and cls.op_type != "BitShift":
        del found["direction"]
    if "kernel_shape" in cls.fields and rank > 2:
        found["kernel_shape"] = [2] * (rank - 2)
    if "axis" in cls.fields and not isinstance(cls.fields["axis"], int | None):
        found["axis"] = 0
    return found


def _model(domain: str, op_type: str, dtype: int, seed: int) -> bytes:
    cls = lookup(domain, op_type, OPSET)
    assert cls is not None
    least, most = cls.arity()
    count = (least, min(most, least + 1), min(most, 3))[seed % 3]
    shape = SHAPES[seed // 3 % 3]
    names = [f"x{i}" for i in range(count)]
    inputs = [helper.make_tensor_value_info(n, dtype, shape) for n in names]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    attributes = _attributes(cls, len(shape))
    node = helper.make_node(op_type, names, ["y"], domain=domain, **attributes)
    imports = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
    graph = helper.make_graph([node], "dtypes", inputs, [output])
    model = helper.make_model(graph, opset_imports=imports, ir_version=11)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(("domain", "op_type"), TITLES, ids=lambda v: v or "onnx")
def test_operator_on_each_dtype(domain: str, op_type: str) -> None:
    for dtype in onnx.TensorProto.DataType.values():
        seed = zlib.crc32(f"{op_type} {dtype}".encode())
        for step in range(2):  # of the nine combinations of inputs and shapes
            try:
                compile_model(_model(domain, op_type, dtype, seed + 4 * step))
            except InternalError as error:
                pytest.fail(f"{op_type} of dtype {dtype}: {error}")
            except WasmkilnError as error:
                assert str(error)
