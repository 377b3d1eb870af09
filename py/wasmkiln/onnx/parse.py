"""Reads the messages of a model into the records of `proto`, from the model down to attributes.

`match` is on the field numbers of onnx.proto3. Unknown fields are skipped unread, and so are the
doc strings of nodes, value_info (types are inferred) and training_info.
"""

from __future__ import annotations

from ..errors import InvalidModelError
from .parse_tensor import read_entry, read_sparse_tensor, read_tensor, read_type, read_value_info
from .proto import (
    AttributeItem,
    AttributeProto,
    AttributeValue,
    FunctionProto,
    GraphProto,
    ModelProto,
    NodeProto,
    OperatorSetId,
    SparseTensorProto,
    StringStringEntry,
    TensorProto,
    ValueInfoProto,
)
from .proto import AttributeKind as Kind
from .source import ByteSource
from .wire import Field, Wire

__all__ = ["read_model"]


def read_model(source: ByteSource) -> ModelProto:
    """The model in a source; InvalidModelError if it is damaged or not one."""
    wire = Wire(source)
    ir_version = 0
    model_version: int | None = None
    producer_name = producer_version = domain = doc_string = ""
    graph: GraphProto | None = None
    opsets: list[OperatorSetId] = []
    metadata: list[StringStringEntry] = []
    functions: list[FunctionProto] = []
    for f in wire.root("ModelProto"):
        match f[0]:
            case 1:
                ir_version = wire.integer(f)
            case 2:
                producer_name = wire.text(f)
            case 3:
                producer_version = wire.text(f)
            case 4:
                domain = wire.text(f)
            case 5:
                model_version = wire.integer(f)
            case 6:
                doc_string = wire.text(f)
            case 7:
                if graph is not None:
                    raise InvalidModelError("the model has two graphs")
                graph = read_graph(wire, f)
            case 8:
                opsets.append(read_opset(wire, f))
            case 14:
                metadata.append(read_entry(wire, f))
            case 25:
                functions.append(read_function(wire, f))
    if graph is None:
        raise InvalidModelError("the model has no graph")
    return ModelProto(
        ir_version,
        tuple(opsets),
        graph,
        producer_name,
        producer_version,
        domain,
        model_version,
        tuple(metadata),
        tuple(functions),
        doc_string,
    )


def read_graph(wire: Wire, field: Field) -> GraphProto:
    """A GraphProto."""
    name = doc_string = ""
    nodes: list[NodeProto] = []
    inputs: list[ValueInfoProto] = []
    outputs: list[ValueInfoProto] = []
    initializers: list[TensorProto] = []
    sparse: list[SparseTensorProto] = []
    for f in wire.message("GraphProto", field):
        match f[0]:
            case 1:
                nodes.append(read_node(wire, f))
            case 2:
                name = wire.text(f)
            case 5:
                initializers.append(read_tensor(wire, f))
            case 10:
                doc_string = wire.text(f)
            case 11:
                inputs.append(read_value_info(wire, f))
            case 12:
                outputs.append(read_value_info(wire, f))
            case 15:
                sparse.append(read_sparse_tensor(wire, f))
    return GraphProto(
        name,
        tuple(nodes),
        tuple(inputs),
        tuple(outputs),
        tuple(initializers),
        tuple(sparse),
        doc_string,
    )


def read_node(wire: Wire, field: Field) -> NodeProto:
    """A NodeProto."""
    inputs: list[str] = []
    outputs: list[str] = []
    name = op_type = domain = overload = ""
    attributes: list[AttributeProto] = []
    for f in wire.message("NodeProto", field):
        match f[0]:
            case 1:
                inputs.append(wire.text(f))
            case 2:
                outputs.append(wire.text(f))
            case 3:
                name = wire.text(f)
            case 4:
                op_type = wire.text(f)
            case 5:
                attributes.append(read_attribute(wire, f))
            case 7:
                domain = wire.text(f)
            case 8:
                overload = wire.text(f)
    return NodeProto(
        op_type, domain, name, tuple(inputs), tuple(outputs), tuple(attributes), overload
    )


def read_function(wire: Wire, field: Field) -> FunctionProto:
    """A FunctionProto."""
    name = domain = overload = ""
    inputs: list[str] = []
    outputs: list[str] = []
    attributes: list[str] = []
    defaults: list[AttributeProto] = []
    nodes: list[NodeProto] = []
    opsets: list[OperatorSetId] = []
    for f in wire.message("FunctionProto", field):
        match f[0]:
            case 1:
                name = wire.text(f)
            case 4:
                inputs.append(wire.text(f))
            case 5:
                outputs.append(wire.text(f))
            case 6:
                attributes.append(wire.text(f))
            case 7:
                nodes.append(read_node(wire, f))
            case 9:
                opsets.append(read_opset(wire, f))
            case 10:
                domain = wire.text(f)
            case 11:
                defaults.append(read_attribute(wire, f))
            case 13:
                overload = wire.text(f)
    return FunctionProto(
        name,
        domain,
        overload,
        tuple(inputs),
        tuple(outputs),
        tuple(attributes),
        tuple(defaults),
        tuple(nodes),
        tuple(opsets),
    )


def read_opset(wire: Wire, field: Field) -> OperatorSetId:
    """An OperatorSetIdProto."""
    domain = ""
    version = 0
    for f in wire.message("OperatorSetIdProto", field):
        match f[0]:
            case 1:
                domain = wire.text(f)
            case 2:
                version = wire.integer(f)
    return OperatorSetId(domain, version)


def read_attribute(wire: Wire, field: Field) -> AttributeProto:
    """An AttributeProto, with the value that its type names."""
    name = ref_name = ""
    kind = 0
    found: dict[int, list[AttributeItem]] = {}
    for f in wire.message("AttributeProto", field):
        match f[0]:
            case 1:
                name = wire.text(f)
            case 2:
                found[Kind.FLOAT] = [wire.float32(f)]
            case 3:
                found[Kind.INT] = [wire.integer(f)]
            case 4:
                found[Kind.STRING] = [wire.blob(f)]
            case 5:
                found[Kind.TENSOR] = [read_tensor(wire, f)]
            case 6:
                found[Kind.GRAPH] = [read_graph(wire, f)]
            case 7:
                found.setdefault(Kind.FLOATS, []).extend(wire.floats_on(f))
            case 8:
                found.setdefault(Kind.INTS, []).extend(wire.integers_on(f))
            case 9:
                found.setdefault(Kind.STRINGS, []).extend(wire.blobs_on(f))
            case 10:
                found.setdefault(Kind.TENSORS, []).append(read_tensor(wire, f))
            case 11:
                found.setdefault(Kind.GRAPHS, []).append(read_graph(wire, f))
            case 14:
                found[Kind.TYPE_PROTO] = [read_type(wire, f)]
            case 15:
                found.setdefault(Kind.TYPE_PROTOS, []).append(read_type(wire, f))
            case 20:
                kind = wire.integer(f)
            case 21:
                ref_name = wire.text(f)
            case 22:
                found[Kind.SPARSE_TENSOR] = [read_sparse_tensor(wire, f)]
            case 23:
                found.setdefault(Kind.SPARSE_TENSORS, []).append(read_sparse_tensor(wire, f))
    if ref_name:
        return AttributeProto(name, kind, None, ref_name)
    return _with_value(name, kind, found)


_SEVERAL = frozenset(
    {
        Kind.FLOATS,
        Kind.INTS,
        Kind.STRINGS,
        Kind.TENSORS,
        Kind.GRAPHS,
        Kind.SPARSE_TENSORS,
        Kind.TYPE_PROTOS,
    }
)

# Writers of proto3 leave out what is zero.
_ZERO: dict[int, AttributeValue] = {Kind.FLOAT: 0.0, Kind.INT: 0, Kind.STRING: b""}


def _with_value(name: str, kind: int, found: dict[int, list[AttributeItem]]) -> AttributeProto:
    if not kind and len(found) == 1:  # models of IR version 1 give no type
        (kind,) = found
    if kind in _SEVERAL:
        return AttributeProto(name, kind, tuple(found.get(kind, ())))
    if kind in found:
        return AttributeProto(name, kind, found[kind][0])
    if found or kind not in _ZERO:
        has = ", ".join(map(str, found)) or "none"
        raise InvalidModelError(
            f"attribute '{name}' is of type {kind}, and has values of type {has}"
        )
    return AttributeProto(name, kind, _ZERO[kind])
