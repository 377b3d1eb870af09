"""Build and rewrite graphs: nodes are typed and folded as they are added."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..errors import (
    DataDependentError,
    LimitError,
    ShapeError,
    UnsupportedOperatorError,
    WasmkilnError,
)
from .const import Const
from .dtype import F32, I64, DType
from .graph import Graph, Node
from .types import MAX_RANK, TensorType

if TYPE_CHECKING:
    from ..ops.base import Op

__all__ = ["MAX_FOLDED_FLOATS", "GraphBuilder", "Visit", "describe", "rewrite"]

# Integers are shape arithmetic and must fold. Longer float vectors are weights: they are computed
# at load by kernels, which is a thousand times faster than here.
MAX_FOLDED_FLOATS = 16


class GraphBuilder:
    """A graph under construction, seeded with the constants and types of another one.

    `origin` is given to all nodes added until it is changed; `hint` begins their outputs' names,
    which otherwise begin like their first input.
    """

    def __init__(self, base: Graph) -> None:
        self._base = base
        self.nodes: list[Node] = []
        self.consts = dict(base.consts)
        self.types = dict(base.types)
        self.origin: tuple[str, ...] = ()
        self.hint = ""
        self._serial = 0
        self._pool: dict[Const, str] = {}

    def type(self, value: str) -> TensorType:
        """The type of a value."""
        return self.types[value]

    def shape(self, value: str) -> tuple[int, ...]:
        """The shape of a value."""
        return self.types[value].shape

    def fresh(self, hint: str) -> str:
        """A value name not used so far."""
        while True:
            self._serial += 1
            name = f"{hint}.{self._serial}"
            if name not in self.types:
                return name

    def const(self, value: Const, hint: str = "const") -> str:
        """The name of a constant; equal inline constants share one."""
        name = self._pool.get(value) if value.is_inline else None
        if name is None:
            name = self.fresh(hint)
            self.consts[name] = value
            self.types[name] = TensorType.of(value)
            if value.is_inline:
                self._pool[value] = name
        return name

    def ints(self, values: Sequence[int]) -> str:
        """An i64 constant of rank 1."""
        return self.const(Const.of(I64, (len(values),), tuple(values)), "ints")

    def scalar(self, value: float, dtype: DType = F32) -> str:
        """A constant of rank 0."""
        return self.const(Const.scalar(dtype, value), "scalar")

    def add(self, op: Op, *inputs: str, hint: str = "", n_outputs: int = 1) -> str:
        """Add a node and return its first output; constants fold at once."""
        return self.add_all(op, inputs, hint, n_outputs)[0]

    def add_all(
        self, op: Op, inputs: Sequence[str], hint: str = "", n_outputs: int = 1
    ) -> tuple[str, ...]:
        """Add a node and return all its outputs."""
        hint = hint or self.hint or (inputs[0] if inputs else op.op_type)
        base, dot, serial = hint.rpartition(".")
        base = base if dot and serial.isdigit() else hint
        outputs = tuple([self.fresh(base) for _ in range(n_outputs)])
        node = Node(op, tuple(inputs), outputs, self.origin[0] if self.origin else "", self.origin)
        self.append(node)
        return outputs

    def append(self, node: Node) -> None:
        """Add a node whose output names are given; infers its types, or folds it away."""
        inputs = tuple([self.types[i] if i else None for i in node.inputs])
        if not node.op.moves_only:
            refused = "c" if node.op.takes_narrow else "nc"
            for t in inputs:
                if t is not None and t.dtype.kind in refused:
                    raise UnsupportedOperatorError(
                        f"{describe(node, inputs)}: computing with {t.dtype} is not supported"
                    )
        if None in inputs and node.inputs:
            _check_absent(node, inputs)
        if _may_fold(node, inputs):
            folded = self._fold(node, inputs)
            if folded is not None:
                for name, value in zip(node.outputs, folded, strict=False):
                    if name:
                        self.consts[name] = value
                        self.types[name] = TensorType.of(value)
                return
        types = infer_node(node, inputs)
        known = [t.value for t in types if t.value is not None]
        if node.outputs and len(known) == len(types):
            for name, const in zip(node.outputs, known, strict=False):
                if name:
                    self.consts[name] = const
                    self.types[name] = TensorType.of(const)
            return
        for name, t in zip(node.outputs, types, strict=False):
            if name:
                self.types[name] = t if t.value is None else TensorType(t.dtype, t.shape)
        self.nodes.append(node)

    def keep(self, node: Node) -> None:
        """Add a node of the base graph; typed anew only if it may fold or has no types yet."""
        if self._is_typed(node) and not self._is_static(node):
            self.nodes.append(node)
        else:
            self.append(node)

    def _is_typed(self, node: Node) -> bool:
        # A loop, for this is a hot path, on which a generator takes twice the time.
        for name in node.outputs:  # noqa: SIM110
            if name and name not in self.types:
                return False
        return True

    def _is_static(self, node: Node) -> bool:
        for name in node.inputs:  # noqa: SIM110
            if name and name not in self.consts:
                return False
        return True

    def _fold(self, node: Node, inputs: tuple[TensorType | None, ...]) -> tuple[Const, ...] | None:
        try:
            return node.op.evaluate(*(t.value if t else None for t in inputs))
        except WasmkilnError as error:
            raise type(error)(f"{describe(node, inputs)}: {error}") from None

    def build(self, outputs: dict[str, str] | None = None) -> Graph:
        """The finished graph, without constants and types that nothing uses any more."""
        base = self._base
        final = dict(base.outputs) if outputs is None else outputs
        used = set(final.values())
        for node in self.nodes:
            used.update(node.inputs)
            used.update(node.outputs)
        used.update(base.inputs)
        return Graph(
            base.name,
            tuple(self.nodes),
            base.inputs,
            final,
            {k: v for k, v in self.consts.items() if k in used},
            {k: v for k, v in self.types.items() if k in used},
        )


def _check_absent(node: Node, inputs: tuple[TensorType | None, ...]) -> None:
    """ShapeError where an input is absent that must be there."""
    op, (least, _) = node.op, node.op.arity()
    absent = [i for i, t in enumerate(inputs) if t is None]
    if op.needs_all() or any(i < least and not op.may_lack(i) for i in absent):
        raise ShapeError(f"{describe(node, inputs)}: an input is absent that is needed")


def _may_fold(node: Node, inputs: tuple[TensorType | None, ...]) -> bool:
    """Whether all inputs are known, and plain Python should compute the outputs."""
    weights = False
    for t in inputs:
        if t is not None:
            if t.value is None or t.dtype.kind == "c":
                return False
            weights = weights or (t.dtype.is_float and t.size > MAX_FOLDED_FLOATS)
    if weights and node.op.view(*inputs) is None:
        return False
    return node.op.is_pure()


def infer_node(node: Node, inputs: tuple[TensorType | None, ...]) -> tuple[TensorType, ...]:
    """The types of a node's outputs; errors name the node, its operator and its input types."""
    least, most = node.op.arity()
    lacking = not all(inputs[:least]) and any(
        t is None and not node.op.may_lack(i) for i, t in enumerate(inputs[:least])
    )
    if not least <= len(inputs) <= most or lacking:
        given = sum(t is not None for t in inputs)
        raise ShapeError(
            f"{describe(node, inputs)}: {given} inputs given, {least} to {most} are expected"
        )
    try:
        types = node.op.infer(*inputs)
    except DataDependentError as error:
        names = (n for n, t in zip(node.inputs, inputs, strict=True) if t is error.value)
        message = f"{describe(node, inputs)}: {error}"
        raise DataDependentError(message, next(names, None)) from None
    except WasmkilnError as error:
        raise type(error)(f"{describe(node, inputs)}: {error}") from None
    wanted = len(node.outputs) - node.outputs.count("")
    if len(types) < wanted:
        raise UnsupportedOperatorError(
            f"{describe(node, inputs)}: {wanted} outputs are used, {len(types)} are supported"
        )
    for t in types:
        if len(t.shape) > MAX_RANK:
            raise LimitError(f"{describe(node, inputs)}: rank {t.rank} is above {MAX_RANK}")
        if t.shape and min(t.shape) < 0:
            raise ShapeError(f"{describe(node, inputs)}: its output has a negative size, {t}")
    return types


def describe(node: Node, inputs: Sequence[TensorType | None]) -> str:
    """The node as messages name it: `Gemm 'fc1' (opset 13, f32[1,512], f32[256,10])`."""
    types = ", ".join("-" if t is None else str(t) for t in inputs)
    domain = f"{node.op.domain}." if node.op.domain else ""
    return f"{domain}{node.op.op_type} '{node.name}' (since opset {node.op.since}; inputs {types})"


Visit = Callable[[GraphBuilder, Node], Sequence[str] | None]
"""Called with each node, inputs already renamed. Returns the values that replace its outputs after
adding nodes to the builder, or None to keep the node."""


def rewrite(g: Graph, visit: Visit) -> Graph:
    """The graph with each node kept or replaced as `visit` says, re-typed and folded on the way."""
    b = GraphBuilder(g)
    renamed: dict[str, str] = {}
    for old in g.nodes:
        node = old
        if renamed:
            inputs = tuple([renamed.get(i, i) for i in old.inputs])
            if inputs != old.inputs:
                node = Node(old.op, inputs, old.outputs, old.name, old.origin)
        b.origin, b.hint = node.origin, next(filter(None, node.outputs), "")
        new = visit(b, node)
        if new is None:
            b.keep(node)
        else:
            renamed.update(zip(old.outputs, new, strict=False))
            renamed.pop("", None)  # an output that nobody wants; also the name of an absent input
    return b.build({name: renamed.get(v, v) for name, v in g.outputs.items()})
