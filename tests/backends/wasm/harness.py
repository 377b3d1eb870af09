"""Runs emitted modules under wasmtime: memory, arrays in and out, and kernels by their spec.

wasm = Sandbox(m)                        # m: Module
a = wasm.put(array)                      # its address
wasm.call("scale", a, array.size, 2.0)
wasm.get(a, np.float32, array.shape)
"""

from __future__ import annotations

import ctypes
import itertools
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import wasmtime
from wasmkiln.backends.base import Target
from wasmkiln.backends.wasm.function import Function
from wasmkiln.backends.wasm.module import Module
from wasmtime import _ffi as ffi

SLACK = 128  # bytes that may be read behind a buffer
FIRST_BUFFER = 1024

RELAXED = Target("relaxed")
BASELINE = Target("baseline")
TARGETS = [RELAXED, BASELINE]


class _SharedMemory(wasmtime.SharedMemory):
    """A shared memory that can be imported: wasmtime-py knows no extern for it by itself."""

    def _as_extern(self) -> Any:
        union = ffi.wasmtime_extern_union(sharedmemory=self.ptr())
        return ffi.wasmtime_extern_t(ffi.WASMTIME_EXTERN_SHAREDMEMORY, union)


def make_engine(relaxed: bool) -> wasmtime.Engine:
    """An engine with everything on that our modules use, and nothing else where it matters."""
    config = wasmtime.Config()
    config.wasm_threads = True
    config.shared_memory = True
    config.wasm_simd = True
    config.wasm_relaxed_simd = relaxed
    return wasmtime.Engine(config)


ENGINES = {"relaxed": make_engine(True), "baseline": make_engine(False)}


class Sandbox:
    """A module with its memory, and arrays laid out in it one after the other."""

    def __init__(self, module: Module, target: Target = RELAXED) -> None:
        """For a baseline target the engine refuses relaxed SIMD."""
        self.pages = module.pages
        self._engine = ENGINES[target.simd]
        self.module = wasmtime.Module(self._engine, module.build())
        self._store = wasmtime.Store(self._engine)
        limits = wasmtime.Limits(module.pages, module.max_pages)
        if module.shared:
            kind = wasmtime.MemoryType(limits, shared=True)
            self._memory: Any = _SharedMemory(self._engine, kind)
        else:
            self._memory = wasmtime.Memory(self._store, wasmtime.MemoryType(limits))
        self._exports = self._instantiate(self._store)
        self._shared = module.shared
        self._top = FIRST_BUFFER

    def _instantiate(self, store: wasmtime.Store) -> Any:
        return wasmtime.Instance(store, self.module, [self._memory]).exports(store)

    def view(self) -> np.ndarray[Any, Any]:
        """The whole memory as bytes."""
        pointer = self._memory.data_ptr() if self._shared else self._memory.data_ptr(self._store)
        size = self.pages * 65536
        block = (ctypes.c_ubyte * size).from_address(ctypes.addressof(pointer.contents))
        return np.ctypeslib.as_array(block)

    def alloc(self, nbytes: int) -> int:
        """Reserve an aligned buffer with its slack, and give its address."""
        address = self._top
        self._top = (address + nbytes + SLACK + 63) // 64 * 64
        assert self._top <= self.pages * 65536, "give the module more pages"
        return address

    def put(self, array: Any) -> int:
        """Copy an array to a new buffer."""
        array = np.ascontiguousarray(array)
        address = self.alloc(array.nbytes)
        self.view()[address : address + array.nbytes] = array.reshape(-1).view("u1")
        return address

    def words(self, *values: int | float) -> int:
        """Put argument words: ints as they are, floats as the bits of an f32."""
        return self.put(np.frombuffer(b"".join(map(_word, values)), "<i4"))

    def get(self, address: int, dtype: Any, shape: int | Sequence[int]) -> np.ndarray[Any, Any]:
        """Copy an array out."""
        count = int(np.prod(shape))
        raw = self.view()[address : address + count * np.dtype(dtype).itemsize]
        array: np.ndarray[Any, Any] = raw.view(dtype).reshape(shape).copy()
        return array

    def call(self, name: str, *args: int | float) -> Any:
        """Call an export."""
        return self._exports[name](self._store, *args)

    def run_threads(
        self, threads: int, table: int, count: int, epoch: int = 0, late: Mapping[int, float] = {}
    ) -> None:
        """Call `run` on as many threads at once, each with an instance.

        late: seconds after which a thread comes; less than 0 for one that does not.
        """
        failed: list[BaseException] = []

        def work(thread: int) -> None:
            try:
                store = wasmtime.Store(self._engine)
                run = self._instantiate(store)["run"]
                time.sleep(late.get(thread, 0))
                run(store, table, 0, count, thread, threads, epoch)
            except BaseException as error:
                failed.append(error)

        present = [t for t in range(threads) if late.get(t, 0) >= 0]
        workers = [threading.Thread(target=work, args=(t,)) for t in present]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if failed:
            raise failed[0]


def _word(value: int | float) -> bytes:
    if isinstance(value, float):
        return struct.pack("<f", value)
    return struct.pack("<I", int(value) & 0xFFFFFFFF)


def run_kernel(
    emit: Callable[[Any, Module, Target], Function],
    spec: Any,
    target: Target,
    args: Sequence[Any],
    extent: int,
    output: int | Sequence[int] = -1,
    shares: Sequence[int] = (),
    pages: int = 64,
    thread: int = 0,
) -> Any:
    """Emit one kernel, run it over `[0, extent)` and give back the output array.

    `args` are the argument words; an array stands for its address, the same array twice for the
    same address. `output` names the one (or those) of them to read back. `shares` are the inner
    borders of the split: `(4,)` makes two calls. All bytes outside of the outputs are checked to be
    untouched.
    """
    m = Module(pages, pages if target.threads else None, shared=target.threads)
    m.export(emit(spec, m, target), "kernel")
    box = Sandbox(m, target)
    box.view()[:] = 0xA5  # so that reading what nobody wrote shows
    placed = {id(a): box.put(a) for a in args if isinstance(a, np.ndarray)}
    values = [placed.get(id(a), a) for a in args]
    words = box.words(*values)
    before = box.view().copy()
    borders = [0, *shares, extent]
    for begin, end in itertools.pairwise(borders):
        box.call("kernel", words, begin, end, thread)
    outputs = [output] if isinstance(output, int) else list(output)
    results = [box.get(values[i], args[i].dtype, args[i].shape) for i in outputs]
    after = box.view().copy()
    for i in outputs:
        written = slice(values[i], values[i] + args[i].nbytes)
        before[written] = after[written]
    changed = np.flatnonzero(before != after)
    assert not changed.size, f"wrote outside of its outputs, at {changed[:8]} of {values}"
    return results[0] if isinstance(output, int) else results
