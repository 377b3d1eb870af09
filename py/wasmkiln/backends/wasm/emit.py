"""Emit a program as an artifact: code for its kernels, tables for its calls."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from ...artifact import PAGE, Artifact, Image, IOBinding, StepTable, WeightCopy
from ...errors import UnsupportedOperatorError
from ...ir.const import Span
from ...options import CompileOptions
from ...program.memory import MemoryPlan, plan_memory
from ...program.program import Binding, Call, F32Word, Program, Ref, Word
from ...program.schedule import barriers
from ..base import Target
from .code import Code

__all__ = ["add_kernels", "emit", "link"]

RECORD_WORDS = 6
MOST_BYTES = 4 << 30  # of a memory with 32-bit addresses


def emit(program: Program, options: CompileOptions, macs: int = 0) -> Artifact:
    """Code, tables and memory layout of a program. LimitError if it needs too much memory."""
    plan = plan_memory(program, options.max_memory or MOST_BYTES, reuse=options.reuse)
    threaded = program.threads > 1
    code = Code(Target(options.simd, threaded))
    add_kernels(code, program)
    image = link(program, plan, code)
    return Artifact(
        data=image.data,
        segments=image.segments,
        copies=image.copies,
        init=image.init,
        main=image.main,
        inputs=image.inputs,
        outputs=image.outputs,
        end=image.end,
        code=code.build(),
        pages=-(-image.end // PAGE),
        shared=threaded,
        simd=options.simd,
        threads=program.threads,
        arena_bytes=plan.arena_bytes,
        weight_bytes=plan.constant_bytes,
        macs=macs,
    )


def add_kernels(code: Code, program: Program) -> bool:
    """Emit a program's kernels as far as they are missing; whether any was.

    UnsupportedOperatorError, naming nodes, for what there are no instructions for.
    """
    changed = False
    for spec in program.kernels():
        try:
            changed |= code.add((spec,))
        except UnsupportedOperatorError as error:
            origin = next(c.origin for c in (*program.init, *program.main) if c.kernel == spec)
            names = ", ".join(f"'{name}'" for name in origin)
            raise UnsupportedOperatorError(f"{spec.name}, for {names}: {error}") from None
    return changed


def link(program: Program, plan: MemoryPlan, code: Code) -> Image:
    """The contents of memory for a program whose buffers have addresses and kernels indices."""
    threaded = program.threads > 1
    tables = _Tables(plan)
    indices = {spec: code.index(spec) for spec in program.kernels()}
    flags = barriers(program.main, plan) if threaded else (False,) * len(program.main)
    main = tables.steps([(c, indices[c.kernel]) for c in program.main], flags)
    kept = tables.end  # what comes after it is of no use once init has run
    init = tables.steps([(c, indices[c.kernel]) for c in program.init], (True,) * len(program.init))
    segments, data = _segments(program, plan, tables, kept)
    return Image(
        data=data,
        segments=segments,
        copies=_copies(program, plan),
        init=init,
        main=main,
        inputs=_bindings(program.inputs, plan),
        outputs=_bindings(program.outputs, plan),
        end=tables.end,
    )


class _Tables:
    """Step records and argument words, which lie in memory after all buffers."""

    def __init__(self, plan: MemoryPlan) -> None:
        self.plan = plan
        self.start = self.end = -(-plan.end // 64) * 64
        self._chunks: list[bytes] = []
        self._known: dict[bytes, int] = {}

    def steps(self, calls: Sequence[tuple[Call, int]], flags: Sequence[bool]) -> StepTable:
        """Records of calls with their kernels' indices. flags: which wait for those before."""
        records: list[int] = []
        for (call, index), wait in zip(calls, flags, strict=True):
            args = self._store(b"".join(map(self._word, call.args)))
            records += (index, args, call.extent, call.grain, int(wait), call.unit)
        data = struct.pack(f"<{len(records)}i", *records)
        return StepTable(self._store(data), len(records) // RECORD_WORDS)

    def _word(self, word: Word) -> bytes:
        if isinstance(word, Ref):
            return (self.plan.offsets[word.buffer.index] + word.offset).to_bytes(4, "little")
        if isinstance(word, F32Word):
            return struct.pack("<f", word.value)
        return (word & 0xFFFFFFFF).to_bytes(4, "little")

    def _store(self, data: bytes) -> int:
        address = self._known.get(data)
        if address is None:
            address = self._known[data] = self.end
            self._chunks.append(data)
            self.end += len(data)
        return address

    def data(self) -> bytes:
        """All records and words, to be written at `start`."""
        return b"".join(self._chunks)


def _segments(
    program: Program, plan: MemoryPlan, tables: _Tables, kept: int
) -> tuple[tuple[tuple[int, int], ...], bytes]:
    data, main_bytes = tables.data(), kept - tables.start
    parts = [(tables.start, data[:main_bytes]), (kept, data[main_bytes:])]
    for buffer, const in program.weights.items():
        offset = plan.offsets[buffer.index]
        if isinstance(const.data, bytes) and offset >= 0 and const.data:
            parts.append((offset, const.data))
    return tuple((a, len(d)) for a, d in parts if d), b"".join(d for _, d in parts)


def _copies(program: Program, plan: MemoryPlan) -> tuple[WeightCopy, ...]:
    """Copies of weights, each just before the first init step that uses it, or after the last."""
    first: dict[int, int] = {}
    for step, call in enumerate(program.init):
        for word in call.args:
            if isinstance(word, Ref):
                first.setdefault(word.buffer.index, step)
    copies = [
        WeightCopy(
            first.get(buffer.index, len(program.init)),
            const.data.file,
            const.data.offset,
            const.data.nbytes,
            plan.offsets[buffer.index],
        )
        for buffer, const in program.weights.items()
        if isinstance(const.data, Span) and plan.offsets[buffer.index] >= 0 and const.data.nbytes
    ]
    return tuple(sorted(copies, key=lambda c: (c.step, c.target)))


def _bindings(bindings: Sequence[Binding], plan: MemoryPlan) -> tuple[IOBinding, ...]:
    return tuple(
        IOBinding(b.name, b.slot.type, plan.offsets[b.slot.buffer.index] + b.slot.offset)
        for b in bindings
    )
