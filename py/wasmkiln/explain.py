"""What pictures of a compiled model need, in JSON's types: its fused graph and its memory plan.

Made when it is asked for, from the graph that the compiler has left, by lowering that once more.

    {"graph": {"inputs": [value names], "outputs": {name: value}, "nodes": [Node],
               "values": {name: {"dtype", "shape"}}, "sources": [[name, operator]]},
     "steps": [{"kernel", "node", "macs"}],
     "memory": {"initSteps", "steps", "end", "weightBytes", "arenaBytes", "buffers": [Buffer]}}

A Node has `op` with its attributes as text, `phase` ("init": once at load, "main": in each run),
`inputs`, `outputs`, `kernels`, `macs`, and `sources`, which of the model's nodes it carries out.
A step is one kernel call of a run, and `node` the index of whom it is for. A Buffer has `names`
(values that lie in it), `node` (the first that uses it), `kind`, `offset`, `bytes`, and `first` and
`last`, the steps between which it is alive, counted over the `initSteps` of loading and then the
`steps` of a run.
"""

from __future__ import annotations

from typing import Any

from .ir.graph import Graph, Node
from .ir.text import op_text
from .ir.types import TensorType
from .options import CompileOptions
from .passes import partition
from .program.lowering import Trace, lower
from .program.memory import buffer_lifetimes, plan_memory
from .program.program import Call, Program, Ref
from .report import node_macs, title

__all__ = ["explain"]

_NO_LIMIT = 4 << 30  # the plan was within the limits when the model was compiled


def explain(model: Graph, compiled: Graph, options: CompileOptions) -> dict[str, Any]:
    """The explanation of a compiled graph.

    model: as it was loaded. options: those with which it was compiled, threads being settled.
    """
    init, main = partition(compiled, options.hoist)
    trace = Trace()
    program = lower(compiled, init, main, options.threads, options.any_size, trace)
    nodes = (*init, *main)
    return {
        "graph": _graph(model, compiled, nodes, len(init), program, trace),
        "steps": _steps(program, trace),
        "memory": _memory(program, trace, options),
    }


def _graph(
    model: Graph,
    compiled: Graph,
    nodes: tuple[Node, ...],
    n_init: int,
    program: Program,
    trace: Trace,
) -> dict[str, Any]:
    places = {node.name: index for index, node in enumerate(model.nodes)}
    calls = (*program.init, *program.main)
    described = []
    for index, node in enumerate(nodes):
        own = calls[trace.ends[index - 1] if index else 0 : trace.ends[index]]
        described.append(
            {
                "op": op_text(node.op),
                "phase": "init" if index < n_init else "main",
                "inputs": list(node.inputs),
                "outputs": list(node.outputs),
                "kernels": list(dict.fromkeys(call.kernel.name for call in own)),
                "macs": node_macs(compiled, node),
                "sources": [places[name] for name in node.origin if name in places],
            }
        )
    used = dict.fromkeys(n for node in nodes for n in (*node.inputs, *node.outputs) if n)
    used |= dict.fromkeys((*compiled.inputs, *compiled.outputs.values()))
    return {
        "inputs": list(compiled.inputs),
        "outputs": dict(compiled.outputs),
        "nodes": described,
        "values": {name: _type(compiled.types[name]) for name in used},
        "sources": [[node.name, title(node.op)] for node in model.nodes],
    }


def _type(t: TensorType) -> dict[str, Any]:
    return {"dtype": t.dtype.full, "shape": list(t.shape)}


def _steps(program: Program, trace: Trace) -> list[dict[str, Any]]:
    owners = _owners(trace)[len(program.init) :]
    return [
        {"kernel": call.kernel.name, "node": owner, "macs": call.macs}
        for call, owner in zip(program.main, owners, strict=True)
    ]


def _owners(trace: Trace) -> list[int]:
    """The index of the node that each call is for."""
    owners: list[int] = []
    for index, end in enumerate(trace.ends):
        owners += [index] * (end - len(owners))
    return owners


def _memory(program: Program, trace: Trace, options: CompileOptions) -> dict[str, Any]:
    calls: tuple[Call, ...] = (*program.init, *program.main)
    plan = plan_memory(program, _NO_LIMIT, reuse=options.reuse)
    names: dict[int, list[str]] = {}
    for name, slot in trace.slots.items():
        names.setdefault(slot.buffer.index, []).append(name)
    users: dict[int, int] = {}
    for call, owner in zip(calls, _owners(trace), strict=True):
        for word in call.args:
            if isinstance(word, Ref):
                users.setdefault(word.buffer.index, owner)
    spans = buffer_lifetimes(program, calls)
    buffers = [
        {
            "names": names.get(index, []),
            "node": users.get(index, -1),
            "kind": buffer.kind,
            "offset": plan.offsets[index],
            "bytes": buffer.nbytes,
            "first": spans[index][0],
            "last": min(spans[index][1], len(calls) - 1),
        }
        for index, buffer in enumerate(program.buffers)
        if index in spans
    ]
    return {
        "initSteps": len(program.init),
        "steps": len(program.main),
        "end": plan.end,
        "weightBytes": plan.constant_bytes,
        "arenaBytes": plan.arena_bytes,
        "buffers": buffers,
    }
