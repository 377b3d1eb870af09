"""Compute in f32 what the model computes in f16 or bf16, for which Wasm has no arithmetic.

Strings, which are numbers in linear memory, are i32 inside.
"""

from __future__ import annotations

from ..ir.builder import GraphBuilder
from ..ir.const import Const
from ..ir.dtype import BF16, F16, F32, I32, STRING, DType
from ..ir.graph import Graph, Node
from ..ops.base import Op
from ..ops.cast import Reinterpret
from ..ops.compose import cast_to
from ..options import CompileOptions

__all__ = ["promote"]

_HALVES = (F16, BF16)
# Numbers of TensorProto.DataType, and a name as opset 1 has it.
_WIDER = {F16.onnx: F32.onnx, BF16.onnx: F32.onnx, "FLOAT16": "FLOAT"}
# Attributes that hold a number of TensorProto.DataType.
_DTYPE_FIELDS = frozenset(["to", "dtype", "output_dtype", "stash_type", "softmax_precision"])


def promote(g: Graph, options: CompileOptions) -> Graph:
    """The graph with f32 for each f16 and bf16 inside; inputs and outputs keep their dtypes.

    Casts between these dtypes turn into nothing, so that intermediate results are more exact than
    the model asks for. Constants are converted by a node, at load.
    """
    if not any(t.dtype in _HALVES or t.dtype == STRING for t in g.types.values()):
        return g
    b = GraphBuilder(g)
    renamed = {name: _widen(b, name) for name in (*g.inputs, *g.consts)}
    for name, t in g.types.items():
        if name not in renamed and (t.dtype in _HALVES or t.dtype == STRING):
            del b.types[name]  # typed anew by the node that makes it
    for node in g.nodes:
        inputs = tuple([renamed.get(i, i) for i in node.inputs])
        b.origin = node.origin
        b.append(Node(_widen_op(node.op), inputs, node.outputs, node.name, node.origin))
    outputs: dict[str, str] = {}
    for name, value in g.outputs.items():
        b.origin = ()
        outputs[name] = _convert(b, renamed.get(value, value), g.types[value].dtype)
    return b.build(outputs)


def _convert(b: GraphBuilder, value: str, dtype: DType) -> str:
    if STRING in (dtype, b.type(value).dtype) and b.type(value).dtype != dtype:
        return b.add(Reinterpret(dtype=dtype), value)
    return cast_to(b, value, dtype)


def _widen(b: GraphBuilder, name: str) -> str:
    t = b.type(name)
    if t.dtype == STRING:
        return _convert(b, name, I32)
    if t.dtype not in _HALVES:
        return name
    if t.value is not None:
        return b.const(_widen_const(t.value), name)
    return cast_to(b, name, F32)


def _widen_const(value: Const) -> Const:
    return Const.of(F32, value.shape, value.values())


def _widen_op(op: Op) -> Op:
    """The operator with dtypes and tensors among its attributes widened."""
    changes: dict[str, object] = {}
    for name in op.fields:
        value = getattr(op, name)
        if isinstance(value, Const) and value.dtype in _HALVES:
            changes[name] = _widen_const(value)
        elif name in _DTYPE_FIELDS and value in _WIDER:
            changes[name] = _WIDER[value]
    return op.with_(**changes) if changes else op
