"""Opaque handles: load a model for an int, predict with it, release it. Bytes in, bytes out.

    handle = load(model_bytes)
    outputs = predict(handle, {"image": array_of_bytes})
    release(handle)

The layer under every session that needs neither NumPy nor objects of ours to cross a boundary.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from threading import Lock

from .artifact import Artifact, IOBinding
from .compiler import Compiled, compile_graph
from .errors import InvalidInputError, ReleasedError
from .host import Instance, default_host
from .host import load as load_artifact
from .onnx.load import Source
from .onnx.load import load as load_model
from .options import CompileOptions
from .record import fresh, record, replace

__all__ = ["describe", "load", "predict", "release"]


@record
class _Loaded:
    compiled: Compiled
    instance: Instance
    lock: Lock = fresh(factory=Lock)  # runs of one model queue


_models: dict[int, _Loaded] = {}
_numbers = count(1)


def load(source: Source, options: CompileOptions | None = None) -> int:
    """Compile a model and make it ready to run; the number by which it is known from then on.

    Symbolic dimensions take the sizes in `options`, or 1. Raises what `compile_model` raises.
    """
    model = load_model(source)
    host = default_host()
    options = options or CompileOptions()
    limit = options.max_memory or host.max_memory
    compiled = compile_graph(model, replace(options, max_memory=limit))
    instance = load_artifact(host, compiled.artifact, model.files)
    handle = next(_numbers)
    _models[handle] = _Loaded(compiled, instance)
    return handle


def predict(handle: int, feeds: Mapping[str, bytes | memoryview]) -> dict[str, bytes]:
    """Run once. Values are row-major bytes in the dtypes and shapes that `describe` gives.

    Raises InvalidInputError for wrong names or sizes, ReleasedError for a handle that is no more.
    """
    loaded = _find(handle)
    artifact = loaded.compiled.artifact
    buffers = _check(feeds, artifact)
    with loaded.lock:
        for binding in artifact.inputs:
            loaded.instance.write(binding.offset, buffers[binding.name])
        loaded.instance.run(artifact.main, artifact.threads)
        read = loaded.instance.read
        return {b.name: bytes(read(b.offset, b.type.nbytes)) for b in artifact.outputs}


def describe(handle: int) -> Artifact:
    """The compiled model: its inputs and outputs, and what it needs."""
    return _find(handle).compiled.artifact


def release(handle: int) -> None:
    """Give up all that a model holds, once its run under way is over."""
    loaded = _find(handle)
    del _models[handle]
    with loaded.lock:
        loaded.instance.release()


def _find(handle: int) -> _Loaded:
    try:
        return _models[handle]
    except KeyError:
        raise ReleasedError(f"handle {handle} was released, or never existed") from None


def _check(feeds: Mapping[str, bytes | memoryview], artifact: Artifact) -> dict[str, memoryview]:
    known = {binding.name: binding for binding in artifact.inputs}
    for name in feeds:
        if name not in known:
            raise InvalidInputError(f"there is no input '{name}'; the model has {', '.join(known)}")
    return {name: _view(name, feeds.get(name), binding) for name, binding in known.items()}


def _view(name: str, data: bytes | memoryview | None, binding: IOBinding) -> memoryview:
    if data is None:
        raise InvalidInputError(f"input '{name}' {binding.type} is missing")
    view = memoryview(data).cast("B")
    if view.nbytes != binding.type.nbytes:
        raise InvalidInputError(
            f"input '{name}' is {binding.type}, {binding.type.nbytes} bytes, but {view.nbytes} came"
        )
    return view
