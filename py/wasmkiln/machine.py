"""A machine: one memory and one module on a host, where the programs of a model take turns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from time import perf_counter

from .artifact import Image
from .backends.base import Target
from .backends.wasm.code import Code
from .backends.wasm.emit import add_kernels, link
from .errors import UnsupportedOperatorError
from .host import Host, Instance, check_status, fill
from .ir.const import Buffer, Const
from .onnx.source import ByteSource
from .options import CompileOptions, default_threads
from .program import constants
from .program.kernels import KernelSpec
from .program.memory import ALIGNMENT, RESERVED, MemoryPlan, plan_memory
from .program.program import Program, Ref
from .record import replace

__all__ = ["Loaded", "Machine"]


class Loaded:
    """A program in a machine, with its constants made.

    numbers: identities of its constants by buffer index. seen: those of all that led to them.
    plan, image: where its buffers lie if constants end at `base`.
    """

    def __init__(self, program: Program, numbers: dict[int, int], seen: frozenset[int]) -> None:
        self.program = program
        self.numbers = numbers
        self.seen = seen
        self.base = -1
        self.plan: MemoryPlan
        self.image: Image


class Machine:
    """Where the programs of a model run, one at a time.

    Memory holds the constants of all programs, equal ones once, and behind them the activations and
    tables of the program that runs. A kernel that has been emitted serves all programs.

    compiles: how many modules have been made.
    """

    def __init__(self, host: Host, options: CompileOptions, files: Sequence[ByteSource]) -> None:
        self.compiles = 0
        self._host = host
        self._files = files
        self._threads = options.threads or default_threads()
        self._limit = options.max_memory or host.max_memory
        self._reuse = options.reuse
        self._code = Code(Target(options.simd, self._threads > 1))
        self._stale = True  # whether the code differs from what is installed
        self._identities = constants.Identities()
        self._places: dict[int, constants.Place] = {}
        self._loaded: list[Loaded] = []
        self._instance: Instance | None = None
        self._current: Loaded | None = None  # whose tables lie in memory

    @property
    def constant_bytes(self) -> int:
        """What weights and tables of all programs take."""
        return sum(place.nbytes for place in self._places.values())

    @property
    def memory_bytes(self) -> int:
        """The size of the memory."""
        return self._instance.nbytes if self._instance else 0

    def load(self, program: Program, kernels: Iterable[KernelSpec] = ()) -> Loaded:
        """Make a program ready to run: its kernels, and others if they can be had, and constants.

        Raises LimitError, before it takes anything, if that needs too much memory.
        """
        content, seen = self._identities.of(program)
        present = {i for i in _constants(program) if content[i] in self._places}
        calls = constants.missing_calls(program, present)
        used = constants.constant_indices(program, (*calls, *program.main))
        numbers = {index: content[index] for index in sorted(used)}
        places = constants.place_constants(
            self._places, [(n, program.buffers[i].nbytes) for i, n in numbers.items()]
        )
        weights = {b: c for b, c in program.weights.items() if b.index not in present}
        filling = replace(program, init=calls, main=(), weights=weights, inputs=(), outputs=())
        filler = Loaded(filling, numbers, seen)
        loaded = Loaded(replace(program, init=(), weights={}), numbers, seen)
        for part in (filler, loaded):
            self._place(part, places)
        self._stale |= add_kernels(self._code, program)
        for spec in kernels:
            with suppress(UnsupportedOperatorError):  # it is not this program that needs it
                self._stale |= self._code.add((spec,))
        for part in (filler, loaded):
            self._link(part)
        self._fill(filler, max(filler.image.end, loaded.image.end))
        self._places = places
        self._loaded.append(loaded)
        return loaded

    def forget(self, loaded: Loaded) -> None:
        """Make room where constants lie that no other program uses."""
        self._loaded.remove(loaded)
        used = {n for each in self._loaded for n in each.numbers.values()}
        self._places = {n: place for n, place in self._places.items() if n in used}
        self._identities.keep({n for each in self._loaded for n in each.seen})
        if self._current is loaded:
            self._current = None

    def share(self, loaded: Loaded) -> None:
        """Let a program's constants that are the beginning of others lie in their place.

        So do tables that are cut to the size of an input. Not for constants that a run changes.
        """
        assert self._instance is not None
        changed = {
            word.buffer.index
            for call in loaded.program.main
            for word in call.args
            if isinstance(word, Ref) and word.writes
        }
        for index, number in loaded.numbers.items():
            nbytes, place = loaded.program.buffers[index].nbytes, self._places[number]
            if index in changed or nbytes < ALIGNMENT:
                continue
            data = self._instance.read(place.offset, nbytes)
            for other in self._places.values():
                if (
                    other.offset != place.offset
                    and other.nbytes >= place.nbytes
                    and self._instance.read(other.offset, ALIGNMENT) == data[:ALIGNMENT]
                    and self._instance.read(other.offset, nbytes) == data
                ):
                    self._places[number] = constants.Place(other.offset, place.nbytes)
                    break

    def layout(self, loaded: Loaded) -> MemoryPlan:
        """Where a program's buffers lie, behind the constants of all that are loaded."""
        self._place(loaded, self._places)
        return loaded.plan

    def packed(self) -> bytearray:
        """What the memory holds from RESERVED on: the constants of all programs, ready to use."""
        nbytes = constants.end_of(self._places) - RESERVED
        return self._instance.read(RESERVED, nbytes) if self._instance else bytearray()

    def run(
        self, loaded: Loaded, feeds: Mapping[str, Const], wanted: Iterable[str] | None = None
    ) -> dict[str, Const]:
        """Compute outputs, by default all."""
        instance = self._enter(loaded, feeds)
        instance.run(loaded.image.main, loaded.program.threads)
        chosen = None if wanted is None else set(wanted)
        return {
            b.name: Const(b.type.dtype, b.type.shape, instance.read(b.offset, b.type.nbytes))
            for b in loaded.image.outputs
            if chosen is None or b.name in chosen
        }

    def profile(self, loaded: Loaded, feeds: Mapping[str, Const]) -> Iterator[float]:
        """Run call after call on one thread, for the seconds that each takes."""
        instance = self._enter(loaded, feeds)
        for i in range(len(loaded.program.main)):
            start = perf_counter()
            instance.step(loaded.image.main.table, i, 1)
            yield perf_counter() - start
        check_status(instance)

    def release(self) -> None:
        """Give up all memory."""
        if self._instance is not None:
            self._instance.release()
        self._instance = self._current = None
        self._stale = True
        self._loaded.clear()
        self._places.clear()

    def _place(self, loaded: Loaded, places: Mapping[int, constants.Place]) -> None:
        """Give addresses to a program's buffers."""
        fixed = {index: places[n].offset for index, n in loaded.numbers.items()}
        loaded.base = constants.end_of(places)
        loaded.plan = plan_memory(loaded.program, self._limit, fixed, loaded.base, self._reuse)

    def _link(self, loaded: Loaded) -> None:
        loaded.image = link(loaded.program, loaded.plan, self._code)

    def _fill(self, filler: Loaded, nbytes: int) -> None:
        """Get memory, install kernels and make constants; the first time, all or nothing."""
        self._current = None
        try:
            instance = self._reserve(nbytes)
            if self._stale:
                instance.install(self._code.build())
                self._stale = False
                self.compiles += 1
            fill(instance, filler.image, self._files)
        except BaseException:
            if not self._loaded:
                self.release()
            raise

    def _reserve(self, nbytes: int) -> Instance:
        if self._instance is None:
            shared = self._threads > 1
            self._instance = self._host.open(self._threads, shared, nbytes, self._limit)
        else:
            self._instance.reserve(nbytes)
        return self._instance

    def _enter(self, loaded: Loaded, feeds: Mapping[str, Const]) -> Instance:
        """Put a program's tables and inputs into memory."""
        assert self._instance is not None
        if self._current is not loaded:
            if loaded.base != constants.end_of(self._places):
                self._place(loaded, self._places)
                self._link(loaded)
                self._instance.reserve(loaded.image.end)
            fill(self._instance, loaded.image, ())
            self._current = loaded
        for binding in loaded.image.inputs:
            data = feeds[binding.name].data
            assert isinstance(data, Buffer)
            self._instance.write(binding.offset, data)
        return self._instance


def _constants(program: Program) -> list[int]:
    return [b.index for b in program.buffers if b.kind == "constant"]
