"""Plans: a model compiled for concrete input shapes, loaded, and kept for the next run like it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .compiler import Compiled, compile_graph
from .errors import DataDependentError
from .host import Host, Instance
from .ir.const import Buffer, Const
from .ir.shape import Shape
from .known import needed_inputs, with_values
from .onnx.load import Model
from .options import CompileOptions
from .record import replace

__all__ = ["MAX_PLANS", "Plans"]

MAX_PLANS = 4  # compiled variants kept for different input shapes; each has its own memory

_Key = tuple[tuple[Shape, ...], tuple[tuple[str, Const], ...]]


class Plans:
    """The plans of one model. Not for several threads at once.

    A plan holds for the shapes of all inputs and, where shapes or parameters inside are computed
    from the values of small inputs (up to 1,024 elements), also for these values. The latest few
    are kept. last: what was compiled for the latest of them.
    """

    def __init__(self, model: Model, options: CompileOptions, host: Host) -> None:
        self.model = model
        self.last: Compiled | None = None
        self._options = options
        self._host = host
        self._plans: dict[_Key, tuple[Compiled, Instance]] = {}
        self._needed: dict[str, None] = {}  # inputs that are constants of a plan, in any order

    def prepare(self) -> None:
        """Compile for the declared shapes if they leave nothing open, so that errors show early."""
        inputs = self.model.graph.inputs
        if any(t.shape is None or t.symbols for t in inputs.values()):
            return
        shapes = {n: tuple(d for d in t.shape or () if type(d) is int) for n, t in inputs.items()}
        try:
            self._plan(shapes, {})
        except DataDependentError as error:
            self._needed.update(dict.fromkeys(needed_inputs(error, shapes)))

    def run(
        self, feeds: Mapping[str, Const], wanted: Iterable[str] | None = None
    ) -> dict[str, Const]:
        """Compute outputs, by default all, from a value for each input.

        Dtypes must be those declared, and shapes must fit. The data of the results are bytearrays
        of their own.
        """
        compiled, instance = self._plan_for(feeds)
        for binding in compiled.artifact.inputs:
            data = feeds[binding.name].data
            assert isinstance(data, Buffer)
            instance.write(binding.offset, data)
        instance.run()
        chosen = None if wanted is None else set(wanted)
        return {
            b.name: Const(
                b.type.dtype, b.type.shape, bytearray(instance.read(b.offset, b.type.nbytes))
            )
            for b in compiled.artifact.outputs
            if chosen is None or b.name in chosen
        }

    def compiled(self) -> Compiled:
        """What was compiled for the last run, or for sizes of 1 before the first."""
        if self.last is None:
            self.last = compile_graph(self.model, self._options)
        return self.last

    def release(self) -> None:
        """Give up all memory."""
        for _, instance in self._plans.values():
            instance.release()
        self._plans.clear()

    def _plan_for(self, feeds: Mapping[str, Const]) -> tuple[Compiled, Instance]:
        """A plan in which the inputs whose values the compiler needs are constants."""
        shapes = {name: feeds[name].shape for name in self.model.graph.inputs}
        while True:
            values = {name: feeds[name].frozen() for name in shapes if name in self._needed}
            try:
                return self._plan(shapes, values)
            except DataDependentError as error:
                # Each round makes more inputs constants, and those are not asked for again.
                self._needed.update(dict.fromkeys(needed_inputs(error, shapes)))

    def _plan(
        self, shapes: Mapping[str, Shape], values: Mapping[str, Const]
    ) -> tuple[Compiled, Instance]:
        key = tuple(shapes.values()), tuple(values.items())
        plan = self._plans.pop(key, None)
        if plan is None:
            model = with_values(self.model, values)
            free = {name: shape for name, shape in shapes.items() if name not in values}
            compiled = compile_graph(model, replace(self._options, shapes=free))
            plan = compiled, self._host.load(compiled.artifact, self.model.files)
            while len(self._plans) >= MAX_PLANS:
                _, oldest = self._plans.pop(next(iter(self._plans)))
                oldest.release()
        self._plans[key] = plan  # the last one used stands last
        self.last = plan[0]
        return plan
