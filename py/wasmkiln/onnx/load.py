"""Loads a model: bytes, a path or a source in; a checked graph of operators out."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..errors import InvalidModelError
from ..ir.graph import Graph
from ..ir.types import InputType
from ..record import record
from .build import Builder
from .external import External, Files
from .functions import Functions
from .opset import Opsets, opsets_of
from .parse import read_model
from .proto import ModelProto
from .sniff import sniff
from .source import ByteSource, Source, as_source

__all__ = ["Model", "Source", "load"]


@record
class Model:
    """A model whose structure has been checked, and whose weights are where they were.

    graph: functions expanded, Constant nodes turned into constants, nodes in order of computation.
    outputs: declared types of the graph's outputs.
    files: the model and its external data; `Span.file` is an index into them.
    """

    graph: Graph
    outputs: Mapping[str, InputType]
    opsets: Opsets
    ir_version: int
    producer: str
    metadata: Mapping[str, str]
    functions: tuple[str, ...]
    files: tuple[ByteSource, ...]


def load(source: Source, *, external: External | None = None) -> Model:
    """The model in some bytes, in a file or in another source.

    external: where external data lie: sources or bytes by location, or a folder. For a path the
    default is the folder of the model.

    Raises InvalidModelError, UnsupportedOperatorError (listing every unsupported operator),
    ExternalDataError or LimitError.
    """
    if external is None and isinstance(source, (str, os.PathLike)):
        external = os.path.dirname(os.path.abspath(source))
    data = as_source(source)
    proto = _read(data)
    opsets = opsets_of(proto.opset_imports, "the model")
    if not opsets:
        raise InvalidModelError("the model has no opset_import: its operators have no version")
    files = Files(data, external)
    builder = Builder(files, Functions(proto.functions))
    graph = builder.graph(proto.graph, opsets)
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
    )


def _read(source: ByteSource) -> ModelProto:
    """The messages; where they can't be read, the error says what the bytes look like instead."""
    if not source.size:
        raise InvalidModelError("the model is empty: 0 bytes")
    try:
        return read_model(source)
    except InvalidModelError as error:
        if hint := sniff(source):
            raise InvalidModelError(f"not an ONNX model; it looks like {hint}") from error
        raise InvalidModelError(f"not a valid ONNX model: {error}") from None
