"""Builds the checked graph of operators from a model's messages."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from ..errors import (
    InvalidInputError,
    InvalidModelError,
    ShapeError,
    UnsupportedOperatorError,
)
from ..ir.const import Const
from ..ir.dtype import F32
from ..ir.graph import Graph, Node
from ..ir.shape import show
from ..ir.types import InputType
from ..ops.base import INTERNAL, MICROSOFT, Op, create, lookup
from .attribute import attribute_values, check_types
from .external import Files
from .functions import Call, Functions
from .opset import Opsets, plain_domain
from .order import captures, describe, order
from .proto import GraphProto, SparseTensorProto, TensorProto
from .tensor import element_type, to_const, to_dense
from .value_info import declared_types

__all__ = ["Builder"]

# onnxruntime's own domain has one version, which its tools do not always import.
IMPLIED_OPSETS = {MICROSOFT: 1}

MAX_SHOWN = 50  # unsupported operators in one message


class Builder:
    """Builds graphs of one model, and collects everything in it that is not supported."""

    def __init__(
        self, files: Files, functions: Functions, given: Mapping[str, Const] | None = None
    ) -> None:
        """given: values for initializers of the model's own graph, instead of those in it."""
        self._files = files
        self._functions = functions
        self._given = dict(given or {})
        self._problems: dict[str, list[str]] = {}  # where each kind of problem occurs

    def graph(
        self,
        proto: GraphProto,
        opsets: Opsets,
        inside: tuple[str, ...] = (),
        is_inner: bool = False,
    ) -> Graph:
        """The graph.

        inside: as in Call. is_inner: it is a subgraph, and what it takes from around is there.
        """
        outer = captures(proto) if is_inner else ()
        consts: dict[str, Const] = {}
        given = self._initializers(proto, consts, is_inner)
        inputs = self._inputs(proto, given, is_inner)
        given |= set(inputs)
        calls = order(self._functions.flatten(proto.nodes, opsets, inside), given, outer)
        names = {*given, *outer, *(name for call in calls for name in call.node.outputs)}
        nodes: list[Node] = []
        for call in calls:
            node = self._node(call)
            if isinstance(node, Const):
                consts[call.node.outputs[0]] = node
            elif node is not None:
                nodes.append(node)
        outputs = tuple(info.name for info in proto.outputs)
        for name in outputs:
            if not name or name not in names:
                raise InvalidModelError(f"nothing defines the graph's output '{name}'")
        if len(set(outputs)) < len(outputs):
            raise InvalidModelError(f"the graph gives one output twice: {', '.join(outputs)}")
        declared = self._output_types(proto, is_inner)
        return Graph(
            proto.name, tuple(nodes), inputs, {n: n for n in outputs}, consts, declared=declared
        )

    def check(self) -> None:
        """UnsupportedOperatorError listing each distinct thing that is not supported, if any is.

        InvalidInputError for values given for initializers that the model hasn't got.
        """
        for name in self._given:
            raise InvalidInputError(f"the model has no initializer '{name}' to replace")
        if not self._problems:
            return
        lines = [
            f"{problem}: {places[0]}{f' and {len(places) - 1} more' if places[1:] else ''}"
            for problem, places in self._problems.items()
        ]
        more = len(lines) - MAX_SHOWN
        shown = lines[:MAX_SHOWN] + ([f"and {more} more"] if more > 0 else [])
        raise UnsupportedOperatorError("\n".join(shown))

    def _unsupported(self, problem: str, place: str) -> None:
        self._problems.setdefault(problem, []).append(place)

    def _initializers(
        self, proto: GraphProto, consts: dict[str, Const], is_inner: bool
    ) -> set[str]:
        """Fill `consts`, and give all names, those of unsupported tensors included."""
        names: set[str] = set()
        tensors: list[tuple[str, TensorProto | SparseTensorProto]] = [
            *((tensor.name, tensor) for tensor in proto.initializers),
            *((sparse.values.name, sparse) for sparse in proto.sparse_initializers),
        ]
        for name, tensor in tensors:
            if not name:
                raise InvalidModelError("an initializer has no name")
            if name in names:
                raise InvalidModelError(f"two initializers are named '{name}'")
            names.add(name)
            convert = to_const if isinstance(tensor, TensorProto) else to_dense
            try:
                if name in self._given and not is_inner:
                    consts[name] = _replacement(name, tensor, self._given.pop(name))
                else:
                    consts[name] = convert(tensor, self._files)  # type: ignore[arg-type]
            except UnsupportedOperatorError as error:
                self._unsupported(str(error), "needed for initializers")
        return names

    def _inputs(
        self, proto: GraphProto, given: Collection[str], is_inner: bool
    ) -> dict[str, InputType]:
        """The inputs without those that have an initializer, which gives them a fixed value."""
        infos = [info for info in proto.inputs if info.name not in given]
        try:
            return declared_types(infos, "input", is_inner)
        except UnsupportedOperatorError as error:
            self._unsupported(str(error), f"graph '{proto.name}'")
            return {info.name: InputType(F32, None) for info in infos}  # to find further problems

    def overridable(self, proto: GraphProto) -> dict[str, InputType]:
        """Declared types of a whole model's inputs that have an initializer."""
        names = {tensor.name for tensor in proto.initializers}
        return declared_types([info for info in proto.inputs if info.name in names], "input")

    def _output_types(self, proto: GraphProto, is_inner: bool) -> dict[str, InputType]:
        try:
            return declared_types(proto.outputs, "output", is_inner)
        except UnsupportedOperatorError as error:
            self._unsupported(str(error), f"graph '{proto.name}'")
            return {}

    def _node(self, call: Call) -> Node | Const | None:
        """The node with its operator, or the value of a Constant.

        None where the operator is not supported, which is noted.
        """
        node = call.node
        place = describe(node)
        try:
            op = self._op(call)
            value = op.evaluate() if op.op_type == "Constant" else None
        except UnsupportedOperatorError as error:
            self._unsupported(str(error), place)
            return None
        except (InvalidModelError, ShapeError) as error:
            raise type(error)(f"{place}: {error}") from None
        inputs = _trimmed(node.inputs)
        least, most = op.arity()
        lacking = any(not name and not op.may_lack(i) for i, name in enumerate(inputs[:least]))
        if not least <= len(inputs) <= most or lacking:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            raise InvalidModelError(f"{place}: inputs are {inputs}, where {wanted} are needed")
        if not any(node.outputs):
            raise InvalidModelError(f"{place} has no outputs")
        if value and node.outputs[0]:
            const: Const = value[0]
            return const
        name = node.name or next(filter(None, node.outputs))
        return Node(op, inputs, node.outputs, name, (name,))

    def _op(self, call: Call) -> Op:
        node = call.node
        domain = plain_domain(node.domain)
        opset = call.opsets.get(domain, IMPLIED_OPSETS.get(domain))
        if opset is None:
            raise InvalidModelError(f"the model imports no version of domain '{domain}'")
        # Values first, so that what is unsupported in the subgraphs of an unknown operator shows.
        values = self._attributes(call)
        op_class = None if domain == INTERNAL else lookup(domain, node.op_type, opset)
        if op_class is None:
            title = f"{domain}.{node.op_type}" if domain else node.op_type
            raise UnsupportedOperatorError(f"{title} (opset {opset}) is not supported")
        check_types(op_class, values)
        return create(domain, node.op_type, opset, values, len(node.outputs))

    def _attributes(self, call: Call) -> dict[str, Any]:
        subgraph = partial(self.graph, opsets=call.opsets, inside=call.inside, is_inner=True)
        return attribute_values(call.node, self._files, subgraph)


def _replacement(name: str, tensor: TensorProto | SparseTensorProto, value: Const) -> Const:
    """The value, which must be of the initializer's dtype and shape."""
    values = tensor if isinstance(tensor, TensorProto) else tensor.values
    dtype = element_type(values.data_type, f"initializer '{name}'")
    if (value.dtype, value.shape) != (dtype, tensor.dims):
        raise InvalidInputError(
            f"initializer '{name}' is {dtype}{show(tensor.dims)};"
            f" the value given is {value.dtype}{show(value.shape)}"
        )
    return value


def _trimmed(inputs: tuple[str, ...]) -> tuple[str, ...]:
    """The inputs without the absent ones at the end."""
    count = len(inputs)
    while count and not inputs[count - 1]:
        count -= 1
    return inputs[:count]
