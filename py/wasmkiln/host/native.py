"""The native host: runs emitted modules in wasmtime under CPython."""

from __future__ import annotations

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..artifact import PAGE, StepTable
from ..errors import InternalError, LimitError, MissingDependencyError, ReleasedError
from ..ir.const import Buffer
from ..onnx.source import ByteSource
from .base import Instance, check_status

try:
    import wasmtime
    from wasmtime import _ffi as ffi

    from .native_call import bind
except ImportError as error:  # pragma: no cover - depends on the installation
    raise MissingDependencyError(
        "running models under CPython needs wasmtime: pip install 'wasmkiln[native]'"
    ) from error

__all__ = ["NativeHost"]

MOST_BYTES = 4 << 30  # of a memory with 32-bit addresses

RUN_PARAMETERS = 6  # table, first, count, thread, threads, epoch

_CHUNK = 1 << 20  # bytes of weights read from a file at a time


class _SharedMemory(wasmtime.SharedMemory):
    """A shared memory that can be imported; releases of wasmtime differ in what they pass on."""

    def _as_extern(self) -> Any:
        union = ffi.wasmtime_extern_union(sharedmemory=self.ptr())
        return ffi.wasmtime_extern_t(ffi.WASMTIME_EXTERN_SHAREDMEMORY, union)


class NativeHost:
    """Loads artifacts into wasmtime. Engines are shared by all instances of a host."""

    def __init__(self) -> None:
        config = wasmtime.Config()
        config.wasm_simd = True
        config.wasm_relaxed_simd = True
        config.wasm_threads = True
        config.shared_memory = True
        self._engine = wasmtime.Engine(config)

    @property
    def max_memory(self) -> int:
        """Half of the machine's memory, as far as WebAssembly can address it."""
        try:
            physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, OSError, ValueError):  # Windows does not say it this way
            return MOST_BYTES
        return min(MOST_BYTES, physical // 2)

    def open(self, threads: int, shared: bool, nbytes: int, limit: int) -> Instance:
        """A memory and its threads."""
        return NativeInstance(self._engine, threads, shared, nbytes, limit)


class NativeInstance:
    """A model in wasmtime; each thread has its own instance over the shared memory."""

    def __init__(
        self, engine: wasmtime.Engine, threads: int, shared: bool, nbytes: int, limit: int
    ) -> None:
        self._engine = engine
        self._stores = [wasmtime.Store(engine) for _ in range(threads)]
        self._where = () if shared else (self._stores[0],)
        limits = wasmtime.Limits(_pages(nbytes), max(_pages(nbytes), limit // PAGE))
        kind = wasmtime.MemoryType(limits, shared=shared)
        try:
            self._memory: Any = (
                _SharedMemory(engine, kind) if shared else wasmtime.Memory(self._stores[0], kind)
            )
        except wasmtime.WasmtimeError as error:
            raise LimitError(f"{nbytes:,} bytes of memory: {error}") from error
        self._look()
        self._run: list[Any] = []  # of each thread
        self._epoch = 0  # steps of all runs on several threads so far
        self._pool = ThreadPoolExecutor(threads - 1) if threads > 1 else None

    def install(self, code: bytes) -> None:
        """Compile a module, for all threads."""
        self._check()
        try:
            module = wasmtime.Module(self._engine, code)
        except wasmtime.WasmtimeError as error:
            raise InternalError(f"the emitted module is invalid: {error}") from error
        self._run = []
        for store in self._stores:
            run = wasmtime.Instance(store, module, [self._memory]).exports(store)["run"]
            self._run.append(bind(store, run, RUN_PARAMETERS))

    def reserve(self, nbytes: int) -> None:
        """Make the memory at least so large."""
        self._check()
        missing = _pages(nbytes) - self.nbytes // PAGE
        if missing > 0:
            try:
                self._memory.grow(*self._where, missing)
            except wasmtime.WasmtimeError as error:
                raise LimitError(f"{nbytes:,} bytes of memory: {error}") from error
            self._look()

    def _look(self) -> None:
        """Ask where the memory lies, which growing may change."""
        self._base = ctypes.addressof(self._memory.data_ptr(*self._where).contents)
        self.nbytes: int = self._memory.data_len(*self._where)

    def write(self, address: int, data: Buffer) -> None:
        """Copy bytes into the model's memory."""
        self._check()
        view = memoryview(data).cast("B")
        self._window(address, len(view))[:] = view

    def read(self, address: int, nbytes: int) -> bytearray:
        """A copy of bytes of the model's memory."""
        self._check()
        return bytearray(self._window(address, nbytes))

    def copy(self, source: ByteSource, offset: int, nbytes: int, address: int) -> None:
        """Copy a range of a model file into the model's memory."""
        for start in range(0, nbytes, _CHUNK):
            length = min(_CHUNK, nbytes - start)
            self.write(address + start, source.read(offset + start, length))

    def step(self, table: int, first: int, count: int) -> None:
        """Run step records on one thread."""
        self._call(0, 1, table, first, count, 0)

    def run(self, main: StepTable, threads: int) -> None:
        """Run all steps on so many threads."""
        self._check()
        epoch, self._epoch = self._epoch, self._epoch + main.steps * (threads > 1)
        others = [
            self._pool.submit(self._call, t, threads, main.table, 0, main.steps, epoch)
            for t in range(1, threads)
            if self._pool is not None
        ]
        self._call(0, threads, main.table, 0, main.steps, epoch)
        for other in others:
            other.result()
        check_status(self)

    def release(self) -> None:
        """Give up the memory and stop the threads."""
        if self._pool is not None:
            self._pool.shutdown()
        self._run, self._stores, self._where = [], [], ()
        self._memory = None

    def _call(
        self, thread: int, threads: int, table: int, first: int, count: int, epoch: int
    ) -> None:
        try:
            self._run[thread](table, first, count, thread, threads, epoch)
        except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
            raise InternalError(f"the emitted code failed: {error}") from error

    def _window(self, address: int, nbytes: int) -> memoryview:
        if not 0 <= address <= self.nbytes - nbytes:
            raise InternalError(
                f"{nbytes} bytes at {address} are outside a memory of {self.nbytes}"
            )
        return memoryview((ctypes.c_ubyte * nbytes).from_address(self._base + address)).cast("B")

    def _check(self) -> None:
        if self._memory is None:
            raise ReleasedError("this session was released")


def _pages(nbytes: int) -> int:
    return -(-nbytes // PAGE)
