"""Plans: a model prepared for concrete input shapes, and kept for the next run like it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .compiler import Compiled, compile_graph, plan_graph
from .errors import DataDependentError, LimitError
from .host import Host
from .ir.const import Const
from .ir.shape import Shape, Sym
from .known import needed_inputs, with_values
from .machine import Loaded, Machine
from .onnx.load import Model
from .options import CompileOptions
from .program.kernels import KernelSpec
from .record import record, replace
from .variants import has_images_of_any_size, variant_kernels

__all__ = ["MAX_PLANS", "Plans", "ProfileRow"]

MAX_PLANS = 32  # kept for different input shapes: some 100 kB of Python objects each

_Key = tuple[tuple[Shape, ...], tuple[tuple[str, Const], ...]]


@record
class ProfileRow:
    """One kernel call of a run: the nodes that it carries out, its name and its time.

    Of a node that the host runs, the operator stands for the kernel.
    """

    node: str
    kernel: str
    seconds: float
    macs: int


class Plans:
    """The plans of one model. Not for several threads at once.

    A plan holds for the shapes of all inputs and, where shapes or parameters inside are computed
    from the values of small inputs (up to 1,024 elements), also for these values. The latest are
    kept. All share code and weights, and take turns in one memory.

    machine: where they run. Plans of parts of one model may share it; whoever has made it releases
    it.
    """

    def __init__(
        self, model: Model, options: CompileOptions, host: Host, machine: Machine | None = None
    ) -> None:
        self.model = model
        self.machine = machine or Machine(host, options, model.files)
        self._owns_machine = machine is None
        self.last: Compiled | None = None
        self._options = replace(
            options,
            max_memory=options.max_memory or host.max_memory,
            any_size=options.any_size or has_images_of_any_size(model.graph, options.dims),
        )
        self._plans: dict[_Key, tuple[Compiled, Loaded]] = {}
        self._needed: dict[str, None] = {}  # inputs that are constants of a plan, in any order
        self._varied = False  # whether kernels for other sizes have been emitted

    def prepare(self) -> None:
        """Plan for the declared shapes if nothing is left open, so that errors show early."""
        shapes: dict[str, Shape] = {}
        for name, declared in self.model.graph.inputs.items():
            dims = self._options.shapes.get(name, declared.shape)
            if dims is None:
                return
            sizes = [self._options.dims.get(d.name) if isinstance(d, Sym) else d for d in dims]
            if None in sizes:
                return
            shapes[name] = tuple(s for s in sizes if s is not None)
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
        _, loaded = self._plan_for(feeds)
        return self.machine.run(loaded, feeds, wanted)

    def profile(self, feeds: Mapping[str, Const]) -> tuple[ProfileRow, ...]:
        """Run once, on one thread, and give the time of each kernel call in order."""
        _, loaded = self._plan_for(feeds)
        seconds = self.machine.profile(loaded, feeds)
        return tuple(
            ProfileRow("+".join(call.origin), call.kernel.name, s, call.macs)
            for call, s in zip(loaded.program.main, seconds, strict=True)
        )

    def compiled(self) -> Compiled:
        """What was compiled for the last run, or for sizes of 1 before the first."""
        if self.last is None:
            self.last = compile_graph(self.model, self._options)
        return self.last

    def release(self) -> None:
        """Give up all memory; in a machine of somebody else, what only these plans use."""
        while self._plans:
            self._forget_oldest()
        if self._owns_machine:
            self.machine.release()

    def _plan_for(self, feeds: Mapping[str, Const]) -> tuple[Compiled, Loaded]:
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
    ) -> tuple[Compiled, Loaded]:
        key = tuple(shapes.values()), tuple(values.items())
        plan = self._plans.pop(key, None)
        if plan is None:
            model = with_values(self.model, values)
            free = {name: shape for name, shape in shapes.items() if name not in values}
            options = replace(self._options, shapes=free, dims=self._dims(model))
            compiled = plan_graph(model, options)
            while len(self._plans) >= MAX_PLANS:
                self._forget_oldest()
            plan = compiled, self._load(compiled, self._other_kernels(model, options))
        self._plans[key] = plan  # the last one used stands last
        self.last = plan[0]
        return plan

    def _load(self, compiled: Compiled, kernels: tuple[KernelSpec, ...]) -> Loaded:
        """Load a program; others make room where the constants of all are too much."""
        try:
            return self.machine.load(compiled.program, kernels)
        except LimitError:
            if not self._plans:
                raise
            while self._plans:
                self._forget_oldest()
            return self.machine.load(compiled.program, kernels)

    def _forget_oldest(self) -> None:
        _, oldest = self._plans.pop(next(iter(self._plans)))
        self.machine.forget(oldest)

    def _dims(self, model: Model) -> dict[str, int]:
        """Sizes from the options for those symbols that are left in a model."""
        symbols = {s for t in model.graph.inputs.values() for s in t.symbols}
        given = self._options.dims.items()
        return {s: n for s, n in given if s in symbols or model is self.model}

    def _other_kernels(self, model: Model, options: CompileOptions) -> tuple[KernelSpec, ...]:
        """The first time, the kernels that other symbolic sizes need."""
        if self._varied:
            return ()
        self._varied = True
        return tuple(variant_kernels(model, options))
