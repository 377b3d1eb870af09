"""Small graphs for the tests of passes, and their text without types where those do not matter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from wasmkiln.ir.const import Const, Span
from wasmkiln.ir.dtype import BY_NAME, F32, DType
from wasmkiln.ir.graph import Graph, Node
from wasmkiln.ir.shape import Dim, Sym, numel
from wasmkiln.ir.text import graph_text
from wasmkiln.ir.types import InputType
from wasmkiln.ops.base import INTERNAL, Op, create, lookup
from wasmkiln.options import CompileOptions
from wasmkiln.passes.bind import bind
from wasmkiln.passes.check import verify
from wasmkiln.passes.infer import infer

OPSET = 18
OPTIONS = CompileOptions()

Pass = Callable[[Graph, CompileOptions], Graph]


def declared(text: str) -> InputType:
    """The type in a text like `f32[batch,3,8,8]`."""
    dtype, _, dims = text.rstrip("]").partition("[")
    shape: tuple[Dim, ...] = tuple(int(d) if d.isdigit() else Sym(d) for d in dims.split(",") if d)
    return InputType(BY_NAME[dtype], shape)


def weights(*shape: int, dtype: DType = F32, at: int = 0) -> Const:
    """A constant whose values are not known while compiling."""
    return Const(dtype, shape, Span(0, at, numel(shape) * dtype.itemsize))


def filled(value: float, *shape: int, dtype: DType = F32) -> Const:
    """A constant with one value everywhere."""
    return Const.of(dtype, shape, [value] * numel(shape))


def node(
    op: str | Op,
    inputs: str,
    outputs: str,
    name: str = "",
    opset: int = OPSET,
    **attributes: object,
) -> Node:
    """A node; values are separated by blanks, `-` is an absent input."""
    ins = tuple("" if i == "-" else i for i in inputs.split())
    outs = tuple("" if o == "-" else o for o in outputs.split())
    if isinstance(op, str):
        op = create("", op, opset, attributes, len(outs))
    return Node(op, ins, outs, name, (name,) if name else ())


def internal(op_type: str, **attributes: object) -> Op:
    """An operator of our own domain."""
    cls = lookup(INTERNAL, op_type, 1)
    assert cls is not None
    return cls(**attributes)


def graph(
    inputs: Mapping[str, str],
    nodes: Sequence[Node],
    outputs: str,
    consts: Mapping[str, Const] | None = None,
) -> Graph:
    """A graph as it is loaded: without types."""
    types = {name: declared(text) for name, text in inputs.items()}
    return Graph("test", tuple(nodes), types, {o: o for o in outputs.split()}, consts or {})


def typed(
    inputs: Mapping[str, str],
    nodes: Sequence[Node],
    outputs: str,
    consts: Mapping[str, Const] | None = None,
    options: CompileOptions = OPTIONS,
) -> Graph:
    """A graph with types, as passes after `infer` get it."""
    g = infer(bind(graph(inputs, nodes, outputs, consts), options), options)
    verify(g)
    return g


def run(g: Graph, *passes: Pass, options: CompileOptions = OPTIONS) -> str:
    """The nodes and outputs after some passes, as text; each result is verified."""
    for function in passes:
        g = function(g, options)
        verify(g)
    return body(g)


def body(g: Graph) -> str:
    """The graph's text without its inputs."""
    lines = graph_text(g).splitlines()
    return "\n".join(line for line in lines if not line.startswith("input ")) + "\n"
