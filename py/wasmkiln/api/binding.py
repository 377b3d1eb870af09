"""IOBinding: inputs and outputs bound to memory ahead of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import InvalidInputError, MisuseError
from ..ir.shape import numel, show
from .arrays import to_python
from .device import check_cpu
from .ort_value import OrtValue, element_dtype

if TYPE_CHECKING:
    import numpy as np

    from ..session import InferenceSession

    Array = np.ndarray[Any, Any]

__all__ = ["IOBinding"]


class IOBinding:
    """Where a session's inputs come from and its outputs go to.

    Made by `InferenceSession.io_binding`. Memory that is bound is read at each run, so that a
    later run sees what was written to it since. Outputs that are bound to no memory get memory of
    their own at each run.
    """

    def __init__(self, session: InferenceSession) -> None:
        self.session = session
        self._inputs: dict[str, OrtValue] = {}
        self._outputs: dict[str, OrtValue | None] = {}
        self._results: list[OrtValue] = []

    def bind_cpu_input(self, name: str, arr_on_cpu: Array) -> None:
        """Bind an input to an array, which has to be contiguous for later changes to be seen.

        Raises InvalidInputError for names of no input.
        """
        self.bind_ortvalue_input(name, OrtValue.ortvalue_from_numpy(arr_on_cpu))

    def bind_input(
        self,
        name: str,
        device_type: str,
        device_id: int,
        element_type: Any,
        shape: Sequence[int],
        buffer_ptr: int,
    ) -> None:
        """Bind an input to memory at an address, which has to stay valid.

        Raises UnsupportedOptionError for devices but "cpu", InvalidInputError for unknown names.
        """
        check_cpu(device_type)
        self.bind_ortvalue_input(name, _at(buffer_ptr, element_type, shape))

    def bind_ortvalue_input(self, name: str, ortvalue: OrtValue) -> None:
        """Bind an input to a value; InvalidInputError for names of no input."""
        known = [*(i.name for i in self.session.get_inputs()), *self._overridable()]
        if name not in known:
            raise MisuseError(f"'{name}' is not an input; inputs are {', '.join(known)}")
        self._inputs[name] = ortvalue

    def bind_output(
        self,
        name: str,
        device_type: str = "cpu",
        device_id: int = 0,
        element_type: Any = None,
        shape: Sequence[int] | None = None,
        buffer_ptr: int | None = None,
    ) -> None:
        """Ask for an output, at an address if one is given.

        Raises ValueError where dtype and shape aren't given with an address,
        UnsupportedOptionError for devices but "cpu", InvalidInputError for unknown names.
        """
        check_cpu(device_type)
        if buffer_ptr is None:
            self._bind_output(name, None)
            return
        if element_type is None or shape is None:
            raise InvalidInputError("element_type and shape have to be given with buffer_ptr")
        self._bind_output(name, _at(buffer_ptr, element_type, shape))

    def bind_ortvalue_output(self, name: str, ortvalue: OrtValue) -> None:
        """Ask for an output in a tensor's memory; InvalidInputError for names of no output."""
        self._bind_output(name, ortvalue)

    def get_outputs(self) -> list[OrtValue]:
        """The outputs of the last run, in the order in which they were bound."""
        return list(self._results)

    def copy_outputs_to_cpu(self) -> list[Any]:
        """Copies of the last run's outputs, in the forms that `run` gives."""
        return [to_python(v.value) for v in self._results]

    def clear_binding_inputs(self) -> None:
        """Forget the inputs."""
        self._inputs.clear()

    def clear_binding_outputs(self) -> None:
        """Forget the outputs, and the results."""
        self._outputs.clear()
        self._results = []

    def synchronize_inputs(self) -> None:
        """Does nothing: there is one memory."""

    def synchronize_outputs(self) -> None:
        """Does nothing: there is one memory."""

    def run(self, run_options: Any = None) -> None:
        """Run once; what `InferenceSession.run_with_iobinding` does.

        Raises MisuseError where no output is bound, or what is bound doesn't fit.
        """
        if not self._outputs:
            raise MisuseError("at least one output has to be bound")
        names = list(self._outputs)
        try:
            results = self.session.run_with_ort_values(names, self._inputs, run_options)
        except InvalidInputError as error:
            raise MisuseError(str(error)) from error
        for i, (name, bound) in enumerate(self._outputs.items()):
            if bound is not None:
                _copy(name, results[i], bound)
                results[i] = bound
        self._results = results

    def _bind_output(self, name: str, value: OrtValue | None) -> None:
        known = [o.name for o in self.session.get_outputs()]
        if name not in known:
            raise MisuseError(f"'{name}' is not an output; outputs are {', '.join(known)}")
        self._outputs[name] = value

    def _overridable(self) -> list[str]:
        return [i.name for i in self.session.get_overridable_initializers()]


def _at(address: int, element_type: Any, shape: Sequence[int]) -> OrtValue:
    """A tensor over memory at an address."""
    import ctypes  # slow to load, and rarely needed

    dtype = element_dtype(element_type)
    nbytes = numel(shape) * dtype.itemsize
    memory = (ctypes.c_ubyte * nbytes).from_address(address)
    return OrtValue.from_buffer(memory, dtype.full, shape)


def _copy(name: str, result: OrtValue, bound: OrtValue) -> None:
    """Write a result to the memory bound for it."""
    have, want = (result.data_type(), result.shape()), (bound.data_type(), bound.shape())
    if have != want:
        raise MisuseError(
            f"output '{name}' is {have[0]} {show(have[1])}, but bound to {want[0]} {show(want[1])}"
        )
    bound.update_inplace(result)
