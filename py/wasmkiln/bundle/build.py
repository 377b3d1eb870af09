"""Makes bundles: compiles a model for some sizes, prepares its weights, and describes all parts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .._version import __version__
from ..artifact import IOBinding
from ..backends.base import Target
from ..backends.wasm.code import Code
from ..backends.wasm.emit import add_kernels, link
from ..compiler import Compiled, plan_graph
from ..engine.runner import Runner
from ..errors import DataDependentError, UnsupportedOperatorError, WasmkilnError
from ..host import Host, default_host
from ..ir.dtype import F32
from ..ir.types import InputType
from ..machine import Loaded, Machine
from ..onnx.load import Model
from ..options import MAX_THREADS, CompileOptions, Simd, worth_threads
from ..record import fresh, record, replace
from .plans import encode_plans, plan_words
from .sizes import combinations
from .weights import MIN_HALF_BYTES, encode_constants, shards

__all__ = ["FORMAT", "VERSION", "Bundle", "BundleOptions", "build_bundle"]

FORMAT = "wasmkiln bundle"
VERSION = 2

MANIFEST = "manifest.json"
SHARD_BYTES = 16 << 20  # what hosts of static files take, and browsers fetch in one piece


@record
class BundleOptions:
    """What a bundle is to hold.

    name: of the model. sizes: for symbolic dimensions, by name; others have the size 1.
    simd: levels of the code modules. threads: the most that may run it.
    half: store large constants as half-precision floats.
    shard_bytes: the most in a file of weights.
    small: spend speed for smaller files.
    """

    name: str = "model"
    sizes: Mapping[str, Sequence[int]] = fresh(factory=dict)
    simd: tuple[Simd, ...] = ("relaxed", "baseline")
    threads: int = MAX_THREADS
    half: bool = False
    shard_bytes: int = SHARD_BYTES
    small: bool = False


@record
class Bundle:
    """A compiled model: its manifest, and the content of its parts by file name."""

    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]

    def all_files(self) -> dict[str, bytes]:
        """The files, the manifest among them."""
        return {**self.files, MANIFEST: self._manifest_bytes()}

    def digest(self) -> str:
        """The manifest's hash, by which a page can tell this bundle from any other."""
        return hashlib.sha256(self._manifest_bytes()).hexdigest()

    def write(self, folder: Path) -> None:
        """Write all files into a folder, the manifest last."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in self.all_files().items():
            (folder / name).write_bytes(data)

    def _manifest_bytes(self) -> bytes:
        return json.dumps(self.manifest, separators=(",", ":")).encode()


def build_bundle(
    model: Model,
    options: BundleOptions | None = None,
    host: Host | None = None,
    observe: Callable[[int, int], None] = lambda done, all: None,
) -> Bundle:
    """Compile a model into a bundle; `observe` is told how many plans are done, and of how many.

    Raises UnsupportedOperatorError for models that need Python between compiled parts, and what
    `compile_model` raises.
    """
    options = options or BundleOptions()
    host = host or default_host()
    chosen = CompileOptions(
        threads=options.threads,
        max_memory=host.max_memory,
        winograd=CompileOptions().winograd and not options.small,
    )
    wanted = list(combinations(options.sizes))
    machine = Machine(host, replace(chosen, threads=1), model.files)
    try:
        plans: list[tuple[Compiled, Loaded]] = []
        # The largest first: smaller ones' tables are the beginning of its.
        for number, sizes in enumerate(reversed(wanted), 1):
            compiled = _plan(model, chosen, sizes, host)
            loaded = machine.load(compiled.program)
            if len(wanted) > 1:
                machine.share(loaded)
            plans.append((compiled, loaded))
            observe(number, len(wanted))
        return _assemble(model, machine, plans[::-1], options)
    finally:
        machine.release()


def _plan(model: Model, options: CompileOptions, sizes: Mapping[str, int], host: Host) -> Compiled:
    """The model planned for some sizes, without anything left to Python."""
    options = replace(options, dims=dict(sizes))
    wrapped = [n for n, t in (*model.graph.inputs.items(), *model.outputs.items()) if t.wrap]
    if wrapped:
        raise UnsupportedOperatorError(f"'{wrapped[0]}' is no tensor, and so it needs Python")
    try:
        compiled = plan_graph(model, options)
    except DataDependentError as error:
        raise UnsupportedOperatorError(f"the model needs Python while it runs: {error}") from None
    except UnsupportedOperatorError:
        Runner(model, options, host).compiled()  # says better what is in the way
        raise
    except WasmkilnError as error:
        if sizes:
            given = ", ".join(f"{name} = {size}" for name, size in sizes.items())
            raise type(error)(f"for {given}: {error}") from error
        raise
    if not worth_threads(compiled.macs):
        compiled.program = replace(compiled.program, threads=1)
    return compiled


def _assemble(
    model: Model,
    machine: Machine,
    plans: Sequence[tuple[Compiled, Loaded]],
    options: BundleOptions,
) -> Bundle:
    """Give all plans their final addresses, and put the parts together."""
    threaded = any(compiled.program.threads > 1 for compiled, _ in plans)
    codes = {simd: Code(Target(simd, threaded)) for simd in options.simd}
    images, words = [], []
    for compiled, loaded in plans:
        program = replace(loaded.program, threads=compiled.program.threads)
        for code in codes.values():
            add_kernels(code, program)
        layout = machine.layout(loaded)
        image = link(program, layout, next(iter(codes.values())))
        images.append(image)
        words.append(plan_words(image, layout.arena_bytes, compiled.macs, program.threads))
    files = {_code_name(s): code.build(names=not options.small) for s, code in codes.items()}
    ranges, stored = encode_constants(memoryview(machine.packed()), _floats(plans, options))
    weights = {f"weights-{i}.bin": d for i, d in enumerate(shards(stored, options.shard_bytes))}
    files |= weights | {"plans.bin": encode_plans(words)}
    parts = {name: _part(name, data) for name, data in files.items()}
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "compiler": __version__,
        "name": options.name,
        "inputs": _signature([i.inputs for i in images], model.graph.inputs),
        "outputs": _signature([i.outputs for i in images], model.outputs),
        "code": [{**parts[_code_name(simd)], "simd": simd} for simd in codes],
        "weights": [parts[name] for name in weights],
        "constants": ranges,
        "plans": parts["plans.bin"],
        "macs": max(compiled.macs for compiled, _ in plans),
        "arenaBytes": max(loaded.plan.arena_bytes for _, loaded in plans),
        "weightBytes": sum(r[1] for r in ranges),
    }
    return Bundle(manifest, files)


def _code_name(simd: Simd) -> str:
    return "model.wasm" if simd == "relaxed" else f"model-{simd}.wasm"


def _part(name: str, data: bytes) -> dict[str, Any]:
    return {"file": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _floats(
    plans: Sequence[tuple[Compiled, Loaded]], options: BundleOptions
) -> list[tuple[int, int]]:
    """(address, bytes) of the large constants that hold f32 in all plans, none within another."""
    if not options.half:
        return []
    held: dict[int, tuple[int, bool]] = {}  # by address: bytes, and whether all are floats
    for _, loaded in plans:
        for index in loaded.numbers:
            buffer, offset = loaded.program.buffers[index], loaded.plan.offsets[index]
            nbytes, floats = held.get(offset, (0, True))
            held[offset] = max(nbytes, buffer.nbytes), floats and buffer.dtype is F32
    return [(a, n) for a, (n, floats) in held.items() if floats and n >= MIN_HALF_BYTES]


def _signature(
    plans: Sequence[Sequence[IOBinding]], declared: Mapping[str, InputType]
) -> list[dict[str, Any]]:
    """Names, types and shapes; a size that differs between plans is a symbol."""
    found = []
    for bindings in zip(*plans, strict=True):
        first, shapes = bindings[0], [b.type.shape for b in bindings]
        shape: list[int | str] | None = None
        if len({len(s) for s in shapes}) == 1:
            named = declared[first.name].shape if first.name in declared else None
            shape = [
                sizes[0] if len(set(sizes)) == 1 else str(named[axis]) if named else f"d{axis}"
                for axis, sizes in enumerate(zip(*shapes, strict=True))
            ]
        found.append({"name": first.name, "dtype": first.type.dtype.full, "shape": shape})
    return found
