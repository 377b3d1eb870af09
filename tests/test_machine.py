"""Machines: limits of memory, failures on the way, release, threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from wasmkiln import CompileOptions, LimitError
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm import code
from wasmkiln.backends.wasm.kernels import emit as emit_kernel
from wasmkiln.backends.wasm.module import Module
from wasmkiln.compiler import plan_graph
from wasmkiln.errors import InternalError, UnsupportedOperatorError
from wasmkiln.host import default_host
from wasmkiln.onnx.load import load
from wasmkiln.plans import Plans
from wasmkiln.program.kernels import KernelSpec
from wasmkiln.record import replace

from tests.planned import (
    array,
    check,
    const,
    growing,
    images,
    made,
    run,
    sentences,
    symbolic_encoder,
)
from tests.small import small_net


def test_too_much_memory_is_refused_before_any_is_taken() -> None:
    with made(small_net(), CompileOptions(max_memory=1 << 20)) as found:
        with pytest.raises(
            LimitError, match=r"needs .* bytes of memory \(.* of weights, .* of act"
        ):
            run(found, images(1000, 3, 9, 7))
        assert found.machine.memory_bytes == 0
        assert found.machine.compiles == 0
        check(found, small_net(), images(2, 3, 9, 7))
        memory = found.machine.memory_bytes
        with pytest.raises(LimitError, match="the limit is 1,048,576"):
            run(found, images(1000, 3, 9, 7))
        assert found.machine.memory_bytes == memory
        check(found, small_net(), images(2, 3, 9, 7))


def test_the_host_says_how_much_memory_there_is() -> None:
    assert 1 << 28 < default_host().max_memory <= 1 << 32
    host = Failing("")
    host.max_memory = 1 << 20
    found = Plans(load(small_net()), CompileOptions(), host)
    with pytest.raises(LimitError, match="the limit is 1,048,576"):
        run(found, images(1000, 3, 9, 7))
    assert host.alive == 0


def test_constants_of_other_plans_make_room() -> None:
    data = growing(1024)
    with made(data, CompileOptions(max_memory=1 << 20)) as found:
        for n in (40, 41, 42, 43, 40):
            check(found, data, images(n, 1024))


class Failing:
    """A host whose instances fail at a step that is chosen, and which counts those that live."""

    def __init__(self, step: str) -> None:
        self.step = step
        self.alive = 0
        self.max_memory = 1 << 30

    def open(self, threads: int, shared: bool, nbytes: int, limit: int) -> Any:
        instance: Any = default_host().open(threads, shared, nbytes, limit)
        if self.step:
            setattr(instance, self.step, self._fail)
        self.alive += 1
        release = instance.release

        def released() -> None:
            self.alive -= 1
            release()

        instance.release = released
        return instance

    def _fail(self, *_: object) -> None:
        raise InternalError("as wished")


@pytest.mark.parametrize("step", ["install", "write", "copy", "step"])
def test_a_failure_while_loading_leaves_nothing_behind(step: str) -> None:
    data = symbolic_encoder()
    host = Failing(step)
    found = Plans(load(data), CompileOptions(), host)
    with pytest.raises(InternalError, match="as wished"):
        run(found, sentences(1, 4))
    assert host.alive == 0
    host.step = ""
    check(found, data, sentences(1, 4))
    assert host.alive == 1
    found.release()
    assert host.alive == 0


def test_a_failure_of_a_further_plan_leaves_the_others_alone() -> None:
    data = growing()
    with made(data) as found:
        check(found, data, images(2, 64))
        instance: Any = found.machine._instance
        copy, instance.step = instance.step, Failing("")._fail
        with pytest.raises(InternalError, match="as wished"):
            run(found, images(3, 64))
        instance.step = copy
        check(found, data, images(2, 64))
        check(found, data, images(3, 64))


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


@pytest.mark.parametrize("threads", [1, 2])
def test_release_gives_back_all_memory(threads: int) -> None:
    data, x = growing(1 << 16), images(4, 1 << 16)  # some 4 MiB in all

    def cycle(times: int) -> None:
        for _ in range(times):
            with made(data, CompileOptions(threads=threads)) as found:
                run(found, x)

    cycle(20)
    before = resident_bytes()
    cycle(180)
    assert resident_bytes() < before + (16 << 20)


def test_a_profile_has_a_row_for_each_kernel_call() -> None:
    data, x = small_net(), images(2, 3, 9, 7)
    with made(data, CompileOptions(threads=2)) as found:
        rows = found.profile({"x": const(x["x"])})
        (stem,) = [row for row in rows if row.node == "stem+relu"]
        assert stem.kernel.startswith("conv")
        assert stem.macs == 2 * 9 * 7 * 8 * 27
        assert all(row.seconds > 0 for row in rows)
        assert sum(row.macs for row in rows) == found.compiled().macs
        check(found, data, x)


class Odd(KernelSpec):
    """A kernel that can't be emitted."""

    @property
    def name(self) -> str:
        return "odd"


def test_a_kernel_that_cannot_be_emitted_leaves_the_others_as_they_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def emit(spec: KernelSpec, module: Module, target: Target) -> Any:
        if isinstance(spec, Odd):
            module.function("odd", ()).loop()  # is left open
            raise UnsupportedOperatorError("nothing has such instructions")
        return emit_kernel(spec, module, target)

    monkeypatch.setattr(code, "emit_kernel", emit)
    data, x = small_net(), images(2, 3, 9, 7)["x"]
    with made(data) as found:
        compiled = plan_graph(load(data), CompileOptions(shapes={"x": x.shape}))
        loaded = found.machine.load(compiled.program, (Odd(),))
        before = found.machine.run(loaded, {"x": const(x)})
        odd = replace(compiled.program.main[0], kernel=Odd())
        program = replace(compiled.program, main=(odd, *compiled.program.main))
        with pytest.raises(UnsupportedOperatorError, match=r"^odd, for 'stem': nothing has such"):
            found.machine.load(program)
        assert found.machine.run(loaded, {"x": const(x)}) == before
        check(found, data, images(3, 3, 9, 7))


@pytest.mark.parametrize("first", [1, 3])
def test_programs_for_fewer_threads_run_in_the_same_machine(first: int) -> None:
    data = small_net()
    with made(data, CompileOptions(threads=3)) as found:
        for threads in (first, 2, 1, 3):
            options = CompileOptions(threads=threads, shapes={"x": (4, 3, 9, 7)})
            loaded = found.machine.load(plan_graph(load(data), options).program)
            x = images(4, 3, 9, 7)["x"]
            (y,) = found.machine.run(loaded, {"x": const(x)}).values()
            wanted = onnxruntime.InferenceSession(data).run(None, {"x": x})[0]
            np.testing.assert_allclose(array(y), wanted, rtol=1e-4, atol=1e-5)
        assert found.machine.compiles == 1
