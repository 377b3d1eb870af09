"""SessionOptions: onnxruntime's options of a session, and what they mean to the compiler."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from ..errors import InvalidInputError, UnsupportedOptionError
from ..ir.const import Const
from ..options import MAX_THREADS, CompileOptions
from .enums import ExecutionMode, ExecutionOrder, GraphOptimizationLevel
from .ort_value import OrtValue
from .settings import Setting, Settings, by_name, document, refuse, warn

__all__ = ["SessionOptions"]

_PLANNED = "memory is planned when a model is compiled: one block, reused by lifetimes"
_NO_LOG = "nothing is logged here; errors are raised"
_ONE_PROVIDER = "there is one way to run a model here"

_TABLE = (
    Setting(
        "intra_op_num_threads", 0, "honoured",
        f"0 takes as many threads as there are cores, at most {MAX_THREADS}, where a run has work"
        " for them; 1 under Pyodide.",
    ),
    Setting(
        "inter_op_num_threads", 0, "harmless",
        "Nodes run one after the other, as they do in onnxruntime unless ORT_PARALLEL is set.",
    ),
    Setting(
        "graph_optimization_level", GraphOptimizationLevel.ORT_ENABLE_ALL, "honoured",
        "BASIC fuses elementwise operators, EXTENDED finds attention, normalizations and"
        " bottlenecks, LAYOUT and ALL work channels-last.",
    ),
    Setting(
        "execution_mode", ExecutionMode.ORT_SEQUENTIAL, "warns",
        "all threads share the work of one node after the other",
    ),
    Setting(
        "execution_order", ExecutionOrder.DEFAULT, "warns",
        "nodes run in the order of the compiled program",
    ),
    Setting("enable_profiling", False, "honoured", "end_profiling writes the file."),
    Setting("profile_file_prefix", "onnxruntime_profile_", "honoured", "Time and .json follow."),
    Setting("enable_mem_pattern", True, "harmless", f"{_PLANNED}."),
    Setting("enable_mem_reuse", True, "harmless", f"{_PLANNED}."),
    Setting("enable_cpu_mem_arena", True, "harmless", f"{_PLANNED}."),
    Setting("use_deterministic_compute", False, "harmless", "Equal runs give equal bits anyway."),
    Setting("use_per_session_threads", True, "warns", "each session has its own threads"),
    Setting("log_severity_level", -1, "warns", _NO_LOG, (2, 3, 4)),
    Setting("log_verbosity_level", 0, "warns", _NO_LOG),
    Setting("logid", "", "harmless", "It names a session in logs, of which there are none."),
    Setting(
        "optimized_model_filepath", "", "raises",
        "what a model is compiled to can't be written as ONNX; see InferenceSession.artifact",
    ),
)  # fmt: skip

_FOLDER = "session.model_external_initializers_file_folder_path"

_ENTRIES = (
    Setting("session.load_model_format", "ONNX", "raises", "only ONNX files are read", ("onnx",)),
    Setting(_FOLDER, "", "honoured", "Where external data lie."),
    Setting("session.intra_op.allow_spinning", "", "harmless", "It is about waiting only."),
    Setting("session.inter_op.allow_spinning", "", "harmless", "It is about waiting only."),
    Setting("session.force_spinning_stop", "", "harmless", "It is about waiting only."),
    Setting("session.dynamic_block_base", "", "harmless", "It is about sharing work only."),
    Setting("session.disable_prepacking", "", "harmless", "Weights are packed at load anyway."),
    Setting("session.use_env_allocators", "", "harmless", f"{_PLANNED}."),
    Setting("session.use_device_allocator_for_initializers", "", "harmless", f"{_PLANNED}."),
    Setting("session.strict_shape_type_inference", "", "harmless", "Types are always checked."),
    Setting("session.disable_aot_function_inlining", "", "harmless", "Functions are inlined."),
    Setting(
        "session.set_denormal_as_zero", "0", "warns", "WebAssembly always computes with denormals"
    ),
    Setting("optimization.enable_gelu_approximation", "0", "warns", "Gelu is computed exactly"),
)  # fmt: skip


class SessionOptions(Settings):
    """Options of a session."""

    table = by_name(_TABLE)
    entries = by_name(_ENTRIES)

    intra_op_num_threads: int
    inter_op_num_threads: int
    graph_optimization_level: GraphOptimizationLevel
    execution_mode: ExecutionMode
    execution_order: ExecutionOrder
    enable_profiling: bool
    profile_file_prefix: str
    enable_mem_pattern: bool
    enable_mem_reuse: bool
    enable_cpu_mem_arena: bool
    use_deterministic_compute: bool
    use_per_session_threads: bool
    log_severity_level: int
    log_verbosity_level: int
    logid: str
    optimized_model_filepath: str

    def __init__(self) -> None:
        super().__init__()
        vars(self)["_dims"] = {}
        vars(self)["_initializers"] = {}
        vars(self)["_files"] = {}

    def add_free_dimension_override_by_name(self, name: str, size: int) -> None:
        """Give a symbolic dimension of the inputs a fixed size."""
        self._dims[name] = int(size)

    def add_free_dimension_override_by_denotation(self, denotation: str, size: int) -> NoReturn:
        """Raises UnsupportedOptionError: dimensions are known by their names."""
        raise UnsupportedOptionError(
            f"dimensions can't be found by their denotation ('{denotation}');"
            " use add_free_dimension_override_by_name"
        )

    def add_initializer(self, name: str, value: OrtValue) -> None:
        """Use a value instead of the model's initializer of that name."""
        const = value.value
        if not isinstance(const, Const):
            raise InvalidInputError(f"initializer '{name}' has to be a tensor")
        self._initializers[name] = const.frozen()

    def add_external_initializers(self, names: Sequence[str], values: Sequence[OrtValue]) -> None:
        """Use values instead of initializers, whose external files are not read then."""
        if len(names) != len(values):
            raise InvalidInputError(f"{len(names)} names, but {len(values)} values")
        for name, value in zip(names, values, strict=True):
            self.add_initializer(name, value)

    def add_external_initializers_from_files_in_memory(
        self, names: Sequence[str], buffers: Sequence[bytes], lengths: Sequence[int]
    ) -> None:
        """Use buffers instead of the external files of these names."""
        if not len(names) == len(buffers) == len(lengths):
            raise InvalidInputError("names, buffers and lengths have to be equally many")
        for name, buffer, length in zip(names, buffers, lengths, strict=True):
            if length > len(buffer):
                raise InvalidInputError(f"'{name}' has {len(buffer)} bytes, not {length}")
            self._files[name] = bytes(buffer[:length])

    def add_session_config_entry(self, key: str, value: str) -> None:
        """Set an entry; UnsupportedOptionWarning for those that are not known."""
        self._add_entry(key, value)

    def get_session_config_entry(self, key: str) -> str:
        """The value of an entry; MisuseError, a RuntimeError, if it was not set."""
        return self._entry(key)

    def register_custom_ops_library(self, path: str) -> NoReturn:
        """Raises UnsupportedOptionError: native code can't run inside WebAssembly."""
        raise UnsupportedOptionError(f"custom operators in native libraries ('{path}') can't run")

    def add_provider(self, name: str, options: object = None) -> None:
        """Take CPUExecutionProvider, and raise UnsupportedOptionError for all others."""
        if name != "CPUExecutionProvider" or options:
            refuse(f"provider '{name}' with options {options}: {_ONE_PROVIDER}")

    def add_provider_for_devices(self, devices: object, options: object = None) -> NoReturn:
        """Raises UnsupportedOptionError."""
        raise UnsupportedOptionError(f"providers for devices: {_ONE_PROVIDER}")

    def set_provider_selection_policy(self, policy: object) -> NoReturn:
        """Raises UnsupportedOptionError."""
        raise UnsupportedOptionError(f"policies that choose a provider: {_ONE_PROVIDER}")

    def has_providers(self) -> bool:
        """Whether providers were added by devices or a policy: never."""
        return False

    def compile_options(self) -> CompileOptions:
        """What these options mean to the compiler."""
        level = self.graph_optimization_level
        extended = level >= GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        return CompileOptions(
            threads=_threads(self.intra_op_num_threads),
            fuse=level >= GraphOptimizationLevel.ORT_ENABLE_BASIC,
            patterns=extended,
            bottleneck=extended,
            channels_last=level >= GraphOptimizationLevel.ORT_ENABLE_LAYOUT,
        )

    def load_options(self) -> dict[str, Any]:
        """The arguments of `load` that these options give."""
        folder = self._entries.get(_FOLDER)
        return {"external": self._files or folder or None, "initializers": self._initializers}

    @property
    def free_dimensions(self) -> dict[str, int]:
        """Sizes for symbolic dimensions, by name."""
        return dict(self._dims)

    def copy(self) -> SessionOptions:
        """Options of their own with the same values."""
        out = SessionOptions()
        for name, values in vars(self).items():
            vars(out)[name].update(values)
        return out


SessionOptions.__doc__ = document(f"{SessionOptions.__doc__}", (*_TABLE, *_ENTRIES))


def _threads(asked: int) -> int:
    if asked > 1 and sys.platform == "emscripten":
        warn(f"intra_op_num_threads = {asked}: Pyodide runs models on one thread", 4)
        return 1
    return max(asked, 0)
