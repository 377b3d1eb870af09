"""Memory planning: buffers that are alive together never overlap."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise

import pytest
from wasmkiln.errors import LimitError
from wasmkiln.ir.const import Const, Span
from wasmkiln.ir.dtype import U8
from wasmkiln.ir.types import TensorType
from wasmkiln.program.kernels import KernelSpec
from wasmkiln.program.memory import MemoryPlan, plan_memory
from wasmkiln.program.program import Binding, Buffer, BufferKind, Call, Program, Ref, Slot
from wasmkiln.program.schedule import barriers
from wasmkiln.record import replace


@dataclass(frozen=True, slots=True)
class Spec(KernelSpec):
    @property
    def name(self) -> str:
        return "test"


def call(*, reads: tuple[Buffer, ...] = (), writes: tuple[Buffer, ...] = (), **kw: object) -> Call:
    refs = [Ref(b, 0, writes=False, reads=True) for b in reads]
    refs += [Ref(b, 0, writes=True, reads=False) for b in writes]
    return Call(Spec(), tuple(refs), 1, **kw)  # type: ignore[arg-type]


def program(buffers: list[Buffer], main: list[Call], init: tuple[Call, ...] = ()) -> Program:
    def binding(b: Buffer) -> Binding:
        return Binding(str(b.index), Slot(b, TensorType(U8, (b.nbytes,))))

    return Program(
        init,
        tuple(main),
        tuple(buffers),
        {},
        tuple(binding(b) for b in buffers if b.kind == "input"),
        tuple(binding(b) for b in buffers if b.kind == "output"),
    )


def chain(sizes: list[int]) -> tuple[list[Buffer], list[Call]]:
    kinds = ["input", *["temporary"] * (len(sizes) - 2), "output"]
    buffers = [Buffer(i, n, k) for i, (n, k) in enumerate(zip(sizes, kinds, strict=True))]  # type: ignore[arg-type]
    return buffers, [call(reads=(a,), writes=(b,)) for a, b in pairwise(buffers)]


def test_a_chain_needs_no_more_than_its_two_largest_neighbours() -> None:
    buffers, calls = chain([640] * 10)
    plan = plan_memory(program(buffers, calls), 1 << 20)
    assert plan.arena_bytes == 2 * 640


def test_a_residual_stays_alive_to_its_last_use() -> None:
    a, b, c, d = (
        Buffer(i, 64, k) for i, k in enumerate(("input", "temporary", "temporary", "output"))
    )
    calls = [
        call(reads=(a,), writes=(b,)),
        call(reads=(b,), writes=(c,)),
        call(reads=(a, c), writes=(d,)),
    ]
    plan = plan_memory(program([a, b, c, d], calls), 1 << 20)
    assert plan.offsets[3] not in (plan.offsets[0], plan.offsets[2])
    assert len({plan.offsets[0], plan.offsets[1], plan.offsets[2]}) == 3


def test_in_place_shares_memory_only_when_the_input_dies() -> None:
    a, b, c = (Buffer(i, 256, k) for i, k in enumerate(("input", "temporary", "output")))
    first = call(reads=(a,), writes=(b,), in_place=((b, a),))
    dies = [first, call(reads=(b,), writes=(c,))]
    plan = plan_memory(program([a, b, c], dies), 1 << 20)
    assert plan.offsets[0] == plan.offsets[1]
    lives = [first, call(reads=(a, b), writes=(c,))]
    plan = plan_memory(program([a, b, c], lives), 1 << 20)
    assert plan.offsets[0] != plan.offsets[1]


def test_constants_are_never_overwritten_and_weights_of_init_make_room() -> None:
    raw = Buffer(0, 4096, "temporary")
    packed = Buffer(1, 4096, "constant")
    x, y = Buffer(2, 4096, "input"), Buffer(3, 64, "output")
    p = program(
        [raw, packed, x, y],
        [call(reads=(x, packed), writes=(y,))],
        (call(reads=(raw,), writes=(packed,)),),
    )
    plan = plan_memory(p, 1 << 20)
    assert plan.constant_bytes == 4096
    assert plan.offsets[0] == plan.offsets[2]


def test_an_inline_weight_is_kept_from_the_start_of_init() -> None:
    early, late = Buffer(0, 256, "temporary"), Buffer(1, 256, "temporary")
    out = [Buffer(2, 64, "constant"), Buffer(3, 64, "constant")]
    init = (call(reads=(early,), writes=(out[0],)), call(reads=(late,), writes=(out[1],)))
    base = program([early, late, *out], [], init)
    inline = Program(init, (), base.buffers, {late: Const(U8, (256,), bytes(256))}, (), ())
    plan = plan_memory(inline, 1 << 20)
    assert plan.offsets[1] >= plan.offsets[0] + 256
    spans = Program(init, (), base.buffers, {late: Const(U8, (256,), Span(0, 0, 256))}, (), ())
    plan = plan_memory(spans, 1 << 20)
    assert plan.arena_bytes == 256


def test_the_limit_is_told_with_figures() -> None:
    buffers, calls = chain([1 << 20, 1 << 20])
    with pytest.raises(LimitError, match=r"needs 2,098,304 bytes .* the limit is 1,000"):
        plan_memory(program(buffers, calls), 1000)


def random_program(seed: int) -> Program:
    """Main reads constants too, which init makes out of weights, in one step or two."""
    rng = random.Random(seed)
    buffers = [Buffer(0, 100, "input")]
    init, weights = [], {}

    def add(kind: BufferKind) -> Buffer:
        buffers.append(Buffer(len(buffers), rng.randrange(1, 5000), kind))
        return buffers[-1]

    for _ in range(10):
        made = add("temporary")
        weights[made] = Const(U8, (made.nbytes,), Span(0, 0, made.nbytes))
        for kind in rng.choice([("constant",), ("temporary", "constant")]):
            source, made = made, add(kind)
            init.append(call(reads=(source,), writes=(made,)))
    readable = [b for b in buffers if b not in weights and b.kind != "temporary"]
    calls = []
    for i in range(40):
        sources = tuple(rng.sample(readable, min(len(readable), rng.randrange(1, 4))))
        readable.append(add("output" if i == 39 else "temporary"))
        calls.append(call(reads=sources, writes=(readable[-1],)))
    return replace(program(buffers, calls, tuple(init)), weights=weights)


@pytest.mark.parametrize("seed", range(20))
def test_live_buffers_never_overlap(seed: int) -> None:
    p = random_program(seed)
    plan = plan_memory(p, 1 << 30)
    contents: dict[int, int] = {}  # byte -> buffer that wrote it last

    def fill(b: Buffer) -> None:
        start = plan.offsets[b.index]
        contents.update(dict.fromkeys(range(start, start + b.nbytes), b.index))

    for i, step in enumerate((*p.init, *p.main)):
        if i == len(p.init):
            fill(p.buffers[0])
        *reads, write = (w.buffer for w in step.args if isinstance(w, Ref))
        for b in reads:
            if b in p.weights:
                fill(b)  # copied just before its first use
            start = plan.offsets[b.index]
            assert all(contents[i] == b.index for i in range(start, start + b.nbytes))
        fill(write)


def test_what_init_needs_lies_where_later_constants_will() -> None:
    raw = [Buffer(i, 4096, "temporary") for i in range(3)]
    made = [Buffer(3 + i, 4096, "constant") for i in range(3)]
    x, y = Buffer(6, 64, "input"), Buffer(7, 64, "output")
    init = tuple(call(reads=(r,), writes=(m,)) for r, m in zip(raw, made, strict=True))
    plan = plan_memory(
        program([*raw, *made, x, y], [call(reads=(x, *made), writes=(y,))], init), 1 << 20
    )
    assert [plan.offsets[m.index] - plan.offsets[3] for m in made] == [0, 4096, 8192]
    assert [plan.offsets[r.index] - plan.offsets[3] for r in raw] == [4096, 8192, 12288]
    assert (plan.constant_bytes, plan.arena_bytes) == (3 * 4096, 4096)


def test_barriers_stand_only_between_dependent_calls() -> None:
    a, b, c, d = (Buffer(i, 64, "temporary") for i in range(4))
    plan = MemoryPlan((1024, 1088, 1152, 1024), 0, 0, 0)  # d lies where a was
    calls = [
        call(reads=(a,), writes=(b,)),
        call(reads=(a,), writes=(c,)),  # independent of the first
        call(reads=(b, c), writes=(d,)),  # reads what was written
        call(writes=(c,)),  # writes what the third reads
    ]
    assert barriers(calls, plan) == (False, False, True, True)


def test_outputs_are_copies_and_count_as_such() -> None:
    (a, b), calls = chain([640] * 2)
    given = program([a, b], calls)
    given = replace(given, outputs=given.outputs * 1000)
    with pytest.raises(LimitError, match="outputs take 640,000 bytes of memory; the limit is 100,"):
        plan_memory(given, 100_000)


def test_thousands_of_buffers_with_short_lives_and_some_with_long_ones() -> None:
    rng = random.Random(3)
    count = 20_000
    buffers = [Buffer(i, rng.choice([64, 640, 6400]), "temporary") for i in range(count)]
    calls = [
        call(reads=(buffers[i], buffers[i // 1000 * 1000]), writes=(buffers[i + 1],))
        for i in range(count - 1)
    ]
    plan = plan_memory(program(buffers, calls), 1 << 30)
    ends = [o + b.nbytes for o, b in zip(plan.offsets, buffers, strict=True)]
    for i in range(count - 1):
        kept = i // 1000 * 1000
        for j in {i, kept} - {i + 1}:
            assert plan.offsets[i + 1] >= ends[j] or plan.offsets[j] >= ends[i + 1]
    assert plan.arena_bytes <= 4 * 6400
    barriers(calls, plan)
