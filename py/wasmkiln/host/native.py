"""The native host: runs emitted modules in wasmtime under CPython."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..artifact import Artifact
from ..errors import InternalError, LimitError, MissingDependencyError, ReleasedError
from ..ir.const import Buffer
from ..onnx.source import ByteSource
from .base import Instance, check_status, initialize

try:
    import wasmtime
    from wasmtime import _ffi as ffi
except ImportError as error:  # pragma: no cover - depends on the installation
    raise MissingDependencyError(
        "running models under CPython needs wasmtime: pip install 'wasmkiln[native]'"
    ) from error

__all__ = ["NativeHost"]

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

    def load(self, artifact: Artifact, files: Sequence[ByteSource]) -> Instance:
        """Compile the module and prepare the weights."""
        instance = NativeInstance(self._engine, artifact)
        initialize(instance, artifact, files)
        return instance


class NativeInstance:
    """A model in wasmtime; each thread has its own instance over the shared memory."""

    def __init__(self, engine: wasmtime.Engine, artifact: Artifact) -> None:
        self._artifact = artifact
        self._released = False
        try:
            module = wasmtime.Module(engine, artifact.code)
        except wasmtime.WasmtimeError as error:
            raise InternalError(f"the emitted module is invalid: {error}") from error
        limits = wasmtime.Limits(artifact.pages, artifact.pages if artifact.shared else None)
        stores = [wasmtime.Store(engine) for _ in range(artifact.threads)]
        try:
            self._memory: Any = (
                _SharedMemory(engine, wasmtime.MemoryType(limits, shared=True))
                if artifact.shared
                else wasmtime.Memory(stores[0], wasmtime.MemoryType(limits))
            )
        except wasmtime.WasmtimeError as error:
            raise LimitError(f"{artifact.pages * 65536:,} bytes of memory: {error}") from error
        where = () if artifact.shared else (stores[0],)
        self._base = ctypes.addressof(self._memory.data_ptr(*where).contents)
        self._threads: list[tuple[wasmtime.Store, Any]] = [
            (store, wasmtime.Instance(store, module, [self._memory]).exports(store)["run"])
            for store in stores
        ]
        self._pool = ThreadPoolExecutor(artifact.threads - 1) if artifact.threads > 1 else None

    def write(self, address: int, data: Buffer) -> None:
        """Copy bytes into the model's memory."""
        self._check()
        view = memoryview(data).cast("B")
        self._window(address, len(view))[:] = view

    def read(self, address: int, nbytes: int) -> bytes:
        """A copy of bytes of the model's memory."""
        self._check()
        return bytes(self._window(address, nbytes))

    def copy(self, source: ByteSource, offset: int, nbytes: int, address: int) -> None:
        """Copy a range of a model file into the model's memory."""
        for start in range(0, nbytes, _CHUNK):
            length = min(_CHUNK, nbytes - start)
            self.write(address + start, source.read(offset + start, length))

    def step(self, table: int, first: int, count: int) -> None:
        """Run step records on one thread."""
        self._call(0, 1, table, first, count)

    def run(self) -> None:
        """Run the main steps on all threads."""
        self._check()
        main, threads = self._artifact.main, len(self._threads)
        others = [
            self._pool.submit(self._call, t, threads, main.table, 0, main.steps)
            for t in range(1, threads)
            if self._pool is not None
        ]
        self._call(0, threads, main.table, 0, main.steps)
        for other in others:
            other.result()
        check_status(self)

    def release(self) -> None:
        """Give up the memory and stop the threads."""
        self._released = True
        if self._pool is not None:
            self._pool.shutdown()
        self._threads = []
        self._memory = None

    def _call(self, thread: int, threads: int, table: int, first: int, count: int) -> None:
        store, run = self._threads[thread]
        try:
            run(store, table, first, count, thread, threads)
        except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
            raise InternalError(f"the emitted code failed: {error}") from error

    def _window(self, address: int, nbytes: int) -> memoryview:
        size = self._artifact.pages * 65536
        if not 0 <= address <= size - nbytes:
            raise InternalError(f"{nbytes} bytes at {address} are outside a memory of {size}")
        return memoryview((ctypes.c_ubyte * nbytes).from_address(self._base + address)).cast("B")

    def _check(self) -> None:
        if self._released:
            raise ReleasedError("this session was released")
