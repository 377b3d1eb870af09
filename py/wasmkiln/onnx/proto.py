"""The messages of onnx.proto3 that the compiler reads, as frozen records.

Field names follow the schema, in the plural where they repeat. Weights are not in here: a tensor
holds `Payload`s, which say where its bytes lie.
"""

from __future__ import annotations

from ..record import record

__all__ = [
    "AttributeItem",
    "AttributeKind",
    "AttributeProto",
    "AttributeValue",
    "FunctionProto",
    "GraphProto",
    "ModelProto",
    "NodeProto",
    "OperatorSetId",
    "Payload",
    "SparseTensorProto",
    "StringStringEntry",
    "TensorProto",
    "TypeProto",
    "ValueInfoProto",
]


@record
class OperatorSetId:
    """The version of a domain's operators that a model or function uses; '' is ai.onnx."""

    domain: str
    version: int


@record
class StringStringEntry:
    """A pair of free metadata, or of a reference to external data."""

    key: str
    value: str


@record
class Payload:
    """A range of the model's bytes. `data` holds the bytes themselves where they are few."""

    offset: int
    nbytes: int
    data: bytes | None = None


@record
class TensorProto:
    """A constant tensor.

    field: which data field is present ("raw_data", "int32_data", ...), '' if none is.
    payloads: ranges of raw or packed elements; loose: elements stored one by one instead, where
    floats are kept as their bytes. external: key-value pairs, None if the data is in the model.
    """

    name: str
    dims: tuple[int, ...]
    data_type: int
    field: str = ""
    payloads: tuple[Payload, ...] = ()
    loose: tuple[int | bytes, ...] = ()
    external: tuple[StringStringEntry, ...] | None = None


@record
class SparseTensorProto:
    """A constant tensor in COO form: values at linear or per-axis indices, zero elsewhere."""

    values: TensorProto
    indices: TensorProto
    dims: tuple[int, ...]


@record
class TypeProto:
    """The type of a value.

    kind: "tensor", "sparse_tensor", "sequence", "map", "optional", "opaque", or '' if not given.
    dims: a size, a symbol, or None where neither is given; None as a whole if the rank is unknown.
    element: the type inside a sequence, optional or map.
    """

    kind: str = ""
    elem_type: int = 0
    dims: tuple[int | str | None, ...] | None = None
    element: TypeProto | None = None
    key_type: int = 0


@record
class ValueInfoProto:
    """A named input or output with its type."""

    name: str
    type: TypeProto


class AttributeKind:
    """The numbers of AttributeProto.AttributeType."""

    FLOAT, INT, STRING, TENSOR, GRAPH = 1, 2, 3, 4, 5
    FLOATS, INTS, STRINGS, TENSORS, GRAPHS = 6, 7, 8, 9, 10
    SPARSE_TENSOR, SPARSE_TENSORS, TYPE_PROTO, TYPE_PROTOS = 11, 12, 13, 14


@record
class GraphProto:
    """A graph: the model's own, or the body of an If, Loop or Scan."""

    name: str
    nodes: tuple[NodeProto, ...]
    inputs: tuple[ValueInfoProto, ...]
    outputs: tuple[ValueInfoProto, ...]
    initializers: tuple[TensorProto, ...] = ()
    sparse_initializers: tuple[SparseTensorProto, ...] = ()
    doc_string: str = ""


AttributeItem = int | float | bytes | TensorProto | GraphProto | SparseTensorProto | TypeProto
AttributeValue = AttributeItem | tuple[AttributeItem, ...]


@record
class AttributeProto:
    """A named attribute of a node.

    kind: one of AttributeKind. value: what the kind says, None if `ref_name` names an attribute of
    the enclosing function that gives the value.
    """

    name: str
    kind: int
    value: AttributeValue | None
    ref_name: str = ""


@record
class NodeProto:
    """One application of an operator or of a model-local function."""

    op_type: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: tuple[AttributeProto, ...] = ()
    overload: str = ""


@record
class FunctionProto:
    """A model-local function: an operator given by other operators.

    attributes: names of those without a default; attribute_protos: those with one.
    """

    name: str
    domain: str
    overload: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: tuple[str, ...]
    attribute_protos: tuple[AttributeProto, ...]
    nodes: tuple[NodeProto, ...]
    opset_imports: tuple[OperatorSetId, ...]


@record
class ModelProto:
    """A whole model; `model_version` is None where it has none."""

    ir_version: int
    opset_imports: tuple[OperatorSetId, ...]
    graph: GraphProto
    producer_name: str = ""
    producer_version: str = ""
    domain: str = ""
    model_version: int | None = None
    metadata: tuple[StringStringEntry, ...] = ()
    functions: tuple[FunctionProto, ...] = ()
    doc_string: str = ""
