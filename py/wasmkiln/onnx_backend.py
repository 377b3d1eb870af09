"""wasmkiln as a backend of the `onnx` package, which its tests and scoreboard can run.

rep = wasmkiln.onnx_backend.prepare(model)
outputs = rep.run([array])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .errors import InvalidInputError, MissingDependencyError, WasmkilnError
from .options import CompileOptions
from .session import InferenceSession

try:
    import onnx
    from onnx import ModelProto, NodeProto, helper
    from onnx.backend.base import Backend, BackendRep
except ImportError as error:
    raise MissingDependencyError("wasmkiln.onnx_backend needs onnx: pip install onnx") from error

__all__ = [
    "WasmkilnBackend", "WasmkilnRep", "is_compatible", "prepare", "run_model", "run_node",
    "supports_device",
]  # fmt: skip


class WasmkilnRep(BackendRep):
    """A model ready to run. session: what runs it."""

    def __init__(self, model: ModelProto, options: CompileOptions | None = None) -> None:
        self.session = InferenceSession(model.SerializeToString(), options)
        self._all = [i.name for i in model.graph.input]

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        """The outputs. inputs: by name, in the model's order, or the only one.

        In the model's order, those with an initializer may be left out, or all be there.
        Raises what `InferenceSession.run` raises.
        """
        return tuple(self.session.run(None, self._feeds(inputs)))

    def _feeds(self, inputs: Any) -> Mapping[str, Any]:
        if isinstance(inputs, Mapping):
            return inputs
        if not isinstance(inputs, (list, tuple)):
            inputs = [inputs]
        needed = [i.name for i in self.session.get_inputs()]
        names = needed if len(inputs) == len(needed) else self._all
        if len(inputs) != len(names):
            raise InvalidInputError(f"{len(inputs)} inputs came; the model has {', '.join(needed)}")
        known = {*needed, *(i.name for i in self.session.get_overridable_initializers())}
        return {n: v for n, v in zip(names, inputs, strict=True) if n in known}


class WasmkilnBackend(Backend):
    """The backend. Devices but the CPU are not there."""

    @classmethod
    def is_compatible(cls, model: ModelProto, device: str = "CPU", **kwargs: Any) -> bool:
        """Whether the model can be loaded, on this device."""
        if not cls.supports_device(device):
            return False
        try:
            cls.prepare(model, device, **kwargs).session.release()
        except WasmkilnError:
            return False
        return True

    @classmethod
    def prepare(cls, model: ModelProto, device: str = "CPU", **kwargs: Any) -> WasmkilnRep:
        """The model ready to run; `options` may be CompileOptions.

        Raises InvalidInputError for other devices, and what InferenceSession raises.
        """
        if not cls.supports_device(device):
            raise InvalidInputError(f"device '{device}' is not there, only 'CPU'")
        return WasmkilnRep(model, kwargs.get("options"))

    @classmethod
    def run_node(
        cls,
        node: NodeProto,
        inputs: Any,
        device: str = "CPU",
        outputs_info: Sequence[tuple[Any, tuple[int, ...]]] | None = None,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """The outputs of one node for arrays, at `opset_version` or the newest opset.

        outputs_info: dtypes and shapes of the outputs, which are inferred by default.
        """
        arrays = list(inputs.values()) if isinstance(inputs, Mapping) else list(inputs)
        names = [name for name in node.input if name]
        model = _model_of(node, dict(zip(names, arrays, strict=True)), outputs_info, kwargs)
        outputs: tuple[Any, ...] = cls.prepare(model, device).run(arrays)
        return outputs

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Whether the device is the CPU."""
        return device.split(":")[0] == "CPU"


def _model_of(
    node: NodeProto,
    arrays: Mapping[str, Any],
    outputs_info: Sequence[tuple[Any, tuple[int, ...]]] | None,
    options: Mapping[str, Any],
) -> ModelProto:
    """A model of one node."""
    given = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for n, a in arrays.items()
    ]
    results = [onnx.ValueInfoProto(name=name) for name in node.output if name]
    if outputs_info is not None:
        results = [
            helper.make_tensor_value_info(r.name, helper.np_dtype_to_tensor_dtype(dtype), shape)
            for r, (dtype, shape) in zip(results, outputs_info, strict=True)
        ]
    version = options.get("opset_version", onnx.defs.onnx_opset_version())
    opsets = [helper.make_opsetid("", version)]
    if node.domain:
        opsets.append(helper.make_opsetid(node.domain, options.get("domain_version", 1)))
    graph = helper.make_graph([node], "node", given, results)
    model = helper.make_model(graph, opset_imports=opsets)
    return model if outputs_info is not None else onnx.shape_inference.infer_shapes(model)


is_compatible = WasmkilnBackend.is_compatible
prepare = WasmkilnBackend.prepare
run_model = WasmkilnBackend.run_model
run_node = WasmkilnBackend.run_node
supports_device = WasmkilnBackend.supports_device
