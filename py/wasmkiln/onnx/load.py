"""Loads a model: bytes, a path or a source in; a checked graph of operators out."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..errors import InvalidGraph, InvalidModelError, InvalidProtobuf
from ..ir.const import Const
from ..ir.graph import Graph
from ..ir.types import InputType
from ..record import fresh, record
from .build import Builder
from .external import External, Files
from .functions import Functions
from .opset import Opsets, opsets_of
from .parse import read_model
from .proto import ModelProto
from .sniff import sniff
from .source import ByteSource, Source, as_source

__all__ = ["Model", "ModelMetadata", "Source", "load"]

_NO_VERSION = (1 << 63) - 1  # what onnxruntime says of a model without a version


@record
class ModelMetadata:
    """What a model says about itself, by onnxruntime's names."""

    producer_name: str = ""
    graph_name: str = ""
    domain: str = ""
    description: str = ""
    graph_description: str = ""
    version: int = _NO_VERSION
    custom_metadata_map: Mapping[str, str] = fresh(factory=dict)


@record
class Model:
    """A model whose structure has been checked, and whose weights are where they were.

    graph: functions expanded, Constant nodes turned into constants, nodes in order of computation.
    outputs: declared types of the graph's outputs.
    files: the model and its external data; `Span.file` is an index into them.
    overridable: declared types of the initializers for which a run may give other values.
    """

    graph: Graph
    outputs: Mapping[str, InputType]
    opsets: Opsets
    ir_version: int
    producer: str
    metadata: Mapping[str, str]
    functions: tuple[str, ...]
    files: tuple[ByteSource, ...]
    overridable: Mapping[str, InputType] = fresh(factory=dict)
    about: ModelMetadata = ModelMetadata()


def load(
    source: Source,
    *,
    external: External | None = None,
    initializers: Mapping[str, Const] | None = None,
) -> Model:
    """The model in some bytes, in a file or in another source.

    external: where external data lie: sources or bytes by location, or a folder. For a path the
    default is the folder of the model. initializers: values that replace those in the model.

    Raises NoSuchFile, InvalidProtobuf, InvalidGraph or another InvalidModelError,
    UnsupportedOperatorError (listing every unsupported operator), ExternalDataError, LimitError,
    or InvalidInputError for initializers that don't fit.
    """
    if external is None and isinstance(source, (str, os.PathLike)):
        external = os.path.dirname(os.path.abspath(source))
    data = as_source(source)
    proto = _read(data)
    files = Files(data, external)
    try:
        return _build(proto, files, initializers)
    except InvalidModelError as error:
        if type(error) is InvalidModelError:
            raise InvalidGraph(str(error)) from error.__cause__
        raise


def _build(proto: ModelProto, files: Files, initializers: Mapping[str, Const] | None) -> Model:
    opsets = opsets_of(proto.opset_imports, "the model")
    if not opsets:
        raise InvalidModelError("the model has no opset_import: its operators have no version")
    builder = Builder(files, Functions(proto.functions), initializers)
    graph = builder.graph(proto.graph, opsets)
    # before IR 4, initializers are inputs only because they had to be
    overridable = builder.overridable(proto.graph) if proto.ir_version >= 4 else {}
    builder.check()
    return Model(
        graph,
        graph.declared,
        opsets,
        proto.ir_version,
        f"{proto.producer_name} {proto.producer_version}".strip(),
        {entry.key: entry.value for entry in proto.metadata},
        tuple(function.name for function in proto.functions),
        tuple(files.sources),
        overridable,
        _metadata(proto),
    )


def _metadata(proto: ModelProto) -> ModelMetadata:
    return ModelMetadata(
        proto.producer_name,
        proto.graph.name,
        proto.domain,
        proto.doc_string,
        proto.graph.doc_string,
        _NO_VERSION if proto.model_version is None else proto.model_version,
        {entry.key: entry.value for entry in proto.metadata},
    )


def _read(source: ByteSource) -> ModelProto:
    """The messages; where they can't be read, the error says what the bytes look like instead."""
    if not source.size:
        raise InvalidProtobuf("the model is empty: 0 bytes")
    try:
        return read_model(source)
    except InvalidModelError as error:
        if hint := sniff(source):
            raise InvalidProtobuf(f"not an ONNX model; it looks like {hint}") from error
        raise InvalidProtobuf(f"not a valid ONNX model: {error}") from None
