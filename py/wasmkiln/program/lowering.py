"""Lower a graph to a program: operators call kernels on slots of buffers."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import UnsupportedOperatorError
from ..ir.builder import describe
from ..ir.const import Const
from ..ir.dtype import U8, DType
from ..ir.graph import Graph, Node
from ..ir.types import TensorType
from ..record import replace
from .kernels import KernelSpec
from .program import Binding, Buffer, BufferKind, Call, Program, Ref, Slot, Word

__all__ = ["Lowering", "Trace", "lower"]


class Trace:
    """What lowering a graph leaves to those who explain its program.

    slots: where each value lies. ends: the number of calls after each node, of init and then main.
    """

    def __init__(self) -> None:
        self.slots: dict[str, Slot] = {}
        self.ends: list[int] = []


class Lowering:
    """What an operator's `lower` works with: buffers, constants and kernel calls.

    any_size: kernels should suit other heights and widths too.
    """

    def __init__(self, threads: int, any_size: bool = False) -> None:
        self.threads = threads
        self.any_size = any_size
        self.calls: list[Call] = []
        self.buffers: list[Buffer] = []
        self.weights: dict[Buffer, Const] = {}
        self.origin: tuple[str, ...] = ()
        self.joined: dict[str, tuple[str, int, int]] = {}
        self._tables: dict[bytes, Slot] = {}

    def call(
        self,
        kernel: KernelSpec,
        args: Sequence[Word],
        extent: int,
        grain: int = 1,
        in_place: Sequence[tuple[Slot, Slot]] = (),
        unit: int = 0,
    ) -> None:
        """Run a kernel over `extent`, in shares that start at multiples of `unit`.

        grain: what a thread should have at least, or it isn't worth its while; also the unit
        where that is not given.
        in_place: (output, input) slots of equal size which may share memory if the input is not
        used later; only where each element is read before, and in the share that, writes it.
        Inputs that the call reads through another argument as well are left out.
        """
        if extent <= 0:
            return
        read = [word.buffer for word in args if isinstance(word, Ref) and word.reads]
        pairs = tuple(
            (o.buffer, i.buffer)
            for o, i in in_place
            if o.offset == 0
            and i.offset == 0
            and o.buffer.nbytes == i.buffer.nbytes
            and read.count(i.buffer) == 1
        )
        self.calls.append(
            Call(kernel, tuple(args), extent, grain, pairs, self.origin, unit or grain)
        )

    def read(self, slot: Slot, offset: int = 0) -> Ref:
        """The address of a slot, plus an offset in bytes, which the kernel reads from."""
        return Ref(slot.buffer, slot.offset + offset, writes=False, reads=True)

    def write(self, slot: Slot, offset: int = 0) -> Ref:
        """The address of a slot, plus an offset in bytes, which the kernel writes to."""
        return Ref(slot.buffer, slot.offset + offset, writes=True, reads=False)

    def update(self, slot: Slot, offset: int = 0) -> Ref:
        """The address of a slot which the kernel both reads and writes."""
        return Ref(slot.buffer, slot.offset + offset, writes=True, reads=True)

    def temporary(self, type: TensorType) -> Slot:
        """A slot that lives from its first use to its last."""
        return Slot(self._buffer(type.nbytes, "temporary"), type)

    def scratch(self, nbytes_per_thread: int) -> tuple[Ref, int]:
        """Room for each thread during one call: the base address and the bytes of one share.

        A thread uses base + thread * share; both are arguments of the call.
        """
        share = -(-nbytes_per_thread // 64) * 64
        buffer = self._buffer(share * self.threads, "temporary")
        return Ref(buffer, 0, writes=True, reads=True), share

    def table(self, data: bytes) -> Slot:
        """Constant bytes computed while compiling, such as index tables; equal ones are shared."""
        slot = self._tables.get(data)
        if slot is None:
            slot = self.constant(Const(U8, (len(data),), data))
            self._tables[data] = slot
        return slot

    def constant(self, const: Const, kind: BufferKind = "constant") -> Slot:
        """A slot filled with a constant when the model is loaded."""
        buffer = self._buffer(const.nbytes, kind, const.dtype)
        self.weights[buffer] = const
        return Slot(buffer, TensorType(const.dtype, const.shape))

    def _buffer(self, nbytes: int, kind: BufferKind, dtype: DType | None = None) -> Buffer:
        buffer = Buffer(len(self.buffers), max(nbytes, 1), kind, dtype)
        self.buffers.append(buffer)
        return buffer


def lower(
    g: Graph,
    init: Sequence[Node],
    main: Sequence[Node],
    threads: int,
    any_size: bool = False,
    trace: Trace | None = None,
) -> Program:
    """The program of a graph whose nodes are split into those run once and those run each time."""
    trace = trace or Trace()
    lw = Lowering(threads, any_size)
    main_uses = {i for n in main for i in n.inputs if i} | set(g.outputs.values())
    main_uses = _roots_of(g, main_uses, main)
    slots = trace.slots
    for name in g.inputs:
        t = g.types[name]
        slots[name] = Slot(lw._buffer(t.nbytes, "input"), t)
    init_kept = _roots_of(g, main_uses, init)
    for name, const in g.consts.items():
        # A weight that only init reads makes room for others as soon as it is packed.
        slots[name] = lw.constant(const, "constant" if name in init_kept else "temporary")
    for node in init:
        _lower_node(lw, g, node, slots, init_kept)
        trace.ends.append(len(lw.calls))
    n_init = len(lw.calls)
    final = _roots_of(g, set(g.outputs.values()), main)
    lw.joined.update(_joined(g, main))
    for node in main:
        _lower_node(lw, g, node, slots, final, "output")
        trace.ends.append(len(lw.calls))
    return Program(
        init=tuple(lw.calls[:n_init]),
        main=tuple(lw.calls[n_init:]),
        buffers=tuple(lw.buffers),
        weights=lw.weights,
        inputs=tuple(Binding(n, slots[n]) for n in g.inputs),
        outputs=tuple(Binding(n, slots[v]) for n, v in g.outputs.items()),
        threads=threads,
    )


def _lower_node(
    lw: Lowering,
    g: Graph,
    node: Node,
    slots: dict[str, Slot],
    kept: set[str],
    kept_kind: BufferKind = "constant",
) -> None:
    inputs = tuple(slots[i] if i else None for i in node.inputs)
    types = tuple(g.types[i] if i else None for i in node.inputs)
    offset = _view(g, node)
    if offset is not None:
        (out,), source = node.outputs, inputs[0]
        assert source is not None
        slots[out] = Slot(source.buffer, g.types[out], source.offset + offset, source.pitch)
        return
    if not node.op.can_lower():
        raise UnsupportedOperatorError(f"{describe(node, types)}: no kernel for this operator")
    for name in filter(None, node.outputs):
        whole, start, pitch = lw.joined.get(name, (name, 0, 0))
        if whole not in slots:
            kind: BufferKind = kept_kind if whole in kept else "temporary"
            t = g.types[whole]
            slots[whole] = Slot(lw._buffer(t.nbytes, kind, t.dtype), t)
        if pitch:
            slots[name] = Slot(slots[whole].buffer, g.types[name], start, pitch)
    lw.origin = node.origin
    first = len(lw.calls)
    outputs = tuple(slots[o] for o in node.outputs if o)
    if not any(slot.type.size for slot in outputs):
        return
    try:
        node.op.lower(lw, inputs, outputs)
    except UnsupportedOperatorError as error:
        raise UnsupportedOperatorError(f"{describe(node, types)}: {error}") from None
    if len(lw.calls) > first:
        macs = node.op.cost(types, tuple(slot.type for slot in outputs))
        lw.calls[-1] = replace(lw.calls[-1], macs=macs) if macs else lw.calls[-1]


def _joined(g: Graph, nodes: Sequence[Node]) -> dict[str, tuple[str, int, int]]:
    """Values that lie within a joined one: its name, where they begin, and its pitch."""
    makers = {o: n for n in nodes for o in n.outputs}
    found = {}
    for node in nodes:
        if node.op.op_type != "Join":
            continue
        starts, pitch = node.op.row(*(g.types[i] for i in node.inputs))  # type: ignore[attr-defined]
        for value, start in zip(node.inputs, starts, strict=True):
            while makers[value].op.may_view():
                value = makers[value].inputs[0]
            found[value] = (node.outputs[0], start, pitch)
    return found


def _roots_of(g: Graph, values: set[str], nodes: Sequence[Node]) -> set[str]:
    """The values, and those that they are views of, whose buffers must outlive the nodes."""
    kept = set(values)
    for node in reversed(nodes):
        if node.inputs and node.outputs[0] in kept and _view(g, node) is not None:
            kept.add(node.inputs[0])
    return kept


def _view(g: Graph, node: Node) -> int | None:
    """Where a node's output begins within its first input, in bytes, if that is all it does."""
    if not node.inputs or not node.inputs[0] or not node.op.may_view():
        return None
    return node.op.view(*(g.types[i] if i else None for i in node.inputs))
