"""InferenceSession: onnxruntime's names, NumPy arrays in and out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from threading import RLock, Thread
from time import perf_counter
from typing import Any

from .api.arrays import need_numpy, to_python, to_value
from .api.binding import IOBinding
from .api.feeds import check_names, check_values, choose, with_absent
from .api.names import NodeArg, node_arg, type_name
from .api.ort_value import OrtValue
from .api.overrides import with_inputs, with_sizes
from .api.providers import PROVIDERS, ProviderArgs, check_providers
from .api.run_options import RunOptions
from .api.session_options import SessionOptions
from .api.settings import warn
from .api.trace import Trace
from .artifact import Artifact
from .engine.runner import Runner
from .errors import MisuseError, ReleasedError, WasmkilnError
from .host import default_host
from .ir.value import Value
from .onnx.load import Model, ModelMetadata, Source, load
from .options import CompileOptions
from .plans import ProfileRow
from .report import ReportRow

__all__ = ["InferenceSession", "NodeArg"]

Feed = Mapping[str, Any]
Callback = Callable[[list[Any], Any, str], None]


class InferenceSession:
    """A model ready to run. Sessions may be used from several threads; runs queue.

        session = InferenceSession("model.onnx")
        (logits,) = session.run(None, {"image": array})

    path_or_bytes: a path, the bytes of a model, or a ByteSource.
    sess_options: onnxruntime's SessionOptions, or our CompileOptions. By default relaxed SIMD, and
        as many threads as there are cores if a run has work for them.
    providers, provider_options: taken as they are in onnxruntime; there is only the CPU's.

    The model is compiled for each set of input shapes, and, where shapes or parameters inside are
    computed from the values of small inputs (up to 1,024 elements), also for these values. The
    latest few of such plans are kept.

    Raises WasmkilnError subclasses, see `errors`. What is asked for and can't be honoured gives
    UnsupportedOptionWarning or UnsupportedOptionError.
    """

    def __init__(
        self,
        path_or_bytes: Source,
        sess_options: SessionOptions | CompileOptions | None = None,
        providers: ProviderArgs | None = None,
        provider_options: Sequence[dict[Any, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        begin = perf_counter()
        check_providers(providers, provider_options)
        for name in kwargs.keys() - {"enable_fallback"}:  # there is nothing to fall back to
            warn(f"InferenceSession's argument {name} = {kwargs[name]!r} has no effect")
        self._options, self._compile = _options(sess_options)
        self._trace = _trace(self._options)
        model = load(path_or_bytes, **self._options.load_options())
        self._model = with_sizes(model, self._options.free_dimensions)
        loaded = perf_counter()
        self._lock = RLock()
        self._released = False
        self._runner = self._new_runner(self._model)
        self._overridden: tuple[tuple[str, ...], Runner] = ((), self._runner)
        self._runner.prepare()
        if self._trace:
            self._trace.add("model_loading", begin, loaded)
            self._trace.add("session_initialization", loaded, perf_counter())

    @classmethod
    async def create(
        cls,
        path_or_bytes: Source,
        sess_options: SessionOptions | CompileOptions | None = None,
        providers: ProviderArgs | None = None,
        provider_options: Sequence[dict[Any, Any]] | None = None,
    ) -> InferenceSession:
        """A session, made without blocking a browser's main thread. Raises as the constructor."""
        return cls(path_or_bytes, sess_options, providers, provider_options)

    def run(
        self,
        output_names: Sequence[str] | None,
        input_feed: Feed,
        run_options: RunOptions | None = None,
    ) -> list[Any]:
        """Compute outputs, by default all, in the order asked for.

        input_feed: a value for each input by name: an array, a list of arrays for a sequence, a
        dict for a map, None for an empty optional, or an OrtValue. Dtypes must match exactly,
        shapes must match the declared sizes, and symbolic dimensions take the sizes given. Numbers
        and lists are taken as what is declared. Results own their memory.
        Raises InvalidInputError for wrong names, dtypes or shapes; ReleasedError after release;
        TerminatedError where the options say so; MissingDependencyError without NumPy.
        """
        need_numpy("InferenceSession.run")
        outputs = choose(output_names, self._model.graph.outputs)
        results = self._run(outputs, self._values(input_feed), run_options)
        taken: set[int] = set()
        return [to_python(results[name], taken) for name in outputs]

    def run_with_ort_values(
        self,
        output_names: Sequence[str] | None,
        input_dict_ort_values: Mapping[str, OrtValue],
        run_options: RunOptions | None = None,
    ) -> list[OrtValue]:
        """Like `run`, with OrtValues in and out. Needs no NumPy."""
        for name, value in input_dict_ort_values.items():
            if not isinstance(value, OrtValue):
                raise MisuseError(f"input '{name}' is not an OrtValue, but {value!r:.80}")
        outputs = choose(output_names, self._model.graph.outputs)
        results = self._run(outputs, self._values(input_dict_ort_values), run_options)
        types = self._model.outputs
        return [OrtValue(results[n], type_name(types[n]) if n in types else "") for n in outputs]

    def run_async(
        self,
        output_names: Sequence[str] | None,
        input_feed: Feed,
        callback: Callback,
        user_data: Any,
        run_options: RunOptions | None = None,
    ) -> None:
        """Run in another thread, which calls `callback(results, user_data, error)` at the end.

        error is '' if all went well; else it is the message, and the results are []. Wrong names
        are raised here. Under Pyodide, which has no threads, all that happens before it returns.
        """
        self._check_names(input_feed)
        choose(output_names, self._model.graph.outputs)

        def work() -> None:
            results: list[Any] = []
            said = ""
            try:
                results = self.run(output_names, input_feed, run_options)
            except WasmkilnError as error:
                said = str(error)
            callback(results, user_data, said)

        if sys.platform == "emscripten":
            work()
        else:
            Thread(target=work, name="wasmkiln-run", daemon=True).start()

    def io_binding(self) -> IOBinding:
        """Bindings for this session."""
        return IOBinding(self)

    def run_with_iobinding(
        self, iobinding: IOBinding, run_options: RunOptions | None = None
    ) -> None:
        """Run with what is bound. Raises MisuseError for another session's bindings."""
        if iobinding.session is not self:
            raise MisuseError("a binding has to be used with the session that made it")
        iobinding.run(run_options)

    def get_inputs(self) -> list[NodeArg]:
        """The inputs in the model's order."""
        return [node_arg(n, t) for n, t in self._model.graph.inputs.items()]

    def get_outputs(self) -> list[NodeArg]:
        """The outputs in the model's order, as the model declares them."""
        return [node_arg(n, t) for n, t in self._model.outputs.items()]

    def get_overridable_initializers(self) -> list[NodeArg]:
        """Inputs that need not be given, since they have an initializer."""
        return [node_arg(n, t) for n, t in self._model.overridable.items()]

    def get_modelmeta(self) -> ModelMetadata:
        """What the model says about itself."""
        return self._model.about

    def get_session_options(self) -> SessionOptions:
        """A copy of the options."""
        return self._options.copy()

    def get_providers(self) -> list[str]:
        """The provider that runs the model."""
        return list(PROVIDERS)

    def get_provider_options(self) -> dict[str, dict[str, str]]:
        """The provider's options, of which there are none."""
        return {name: {} for name in PROVIDERS}

    def set_providers(
        self,
        providers: ProviderArgs | None = None,
        provider_options: Sequence[dict[Any, Any]] | None = None,
    ) -> None:
        """Check the arguments as the constructor does; nothing else changes."""
        check_providers(providers, provider_options)

    def enable_fallback(self) -> None:
        """Does nothing: there is no other provider to fall back to."""

    def disable_fallback(self) -> None:
        """Does nothing: there is no other provider to fall back to."""

    def end_profiling(self) -> str:
        """Write the profile, and give the path of the file; '' without `enable_profiling`.

        Raises OSError where the file can't be written.
        """
        trace, self._trace = self._trace, None
        return trace.write() if trace else ""

    def get_profiling_start_time_ns(self) -> int:
        """When profiling began, in nanoseconds since the epoch; 0 without it."""
        return self._trace.start_ns if self._trace else 0

    def profile(self, input_feed: Feed) -> tuple[ProfileRow, ...]:
        """Run once and give what each kernel took: node, kernel, seconds, macs.

        Raises what `run` raises.
        """
        values = self._values(input_feed)
        with self._lock:
            return self._runner_for(values).profile(values)

    def report(self) -> tuple[ReportRow, ...]:
        """How each node runs, for the shapes of the last run, or sizes of 1 before the first."""
        return self._runner.report()

    def artifact(self) -> Artifact:
        """The compiled model for the shapes of the last run."""
        return self._runner.compiled().artifact

    def timings(self) -> dict[str, float]:
        """Seconds spent in each phase of the last compilation."""
        return self._runner.compiled().timings

    def release(self) -> None:
        """Give up all memory. Raises ReleasedError when called twice."""
        with self._lock:
            if self._released:
                raise ReleasedError("this session was released before")
            self._released = True
            self._runner.release()
            self._forget_overridden()

    def __enter__(self) -> InferenceSession:
        return self

    def __exit__(self, *exc: object) -> None:
        if not self._released:
            self.release()

    def _values(self, feed: Feed) -> dict[str, Value]:
        """The feed as values that fit the model."""
        self._check_names(feed)
        declared = {**self._model.graph.inputs, **self._model.overridable}
        values = {
            name: v.value if isinstance(v, OrtValue) else to_value(name, v, declared[name])
            for name, v in feed.items()
        }
        check_values(values, declared)
        return with_absent(values, self._model.graph.inputs)

    def _check_names(self, feed: Feed) -> None:
        check_names(feed, self._model.graph.inputs, self._model.overridable)

    def _run(
        self, outputs: Sequence[str], values: Mapping[str, Value], options: RunOptions | None
    ) -> dict[str, Value]:
        if options is not None:
            if not isinstance(options, RunOptions):
                raise TypeError(f"run_options are RunOptions, not {options!r:.80}")
            options.check()
        with self._lock:
            runner = self._runner_for(values)
            begin = perf_counter()
            results = runner.run(values, outputs)
            if self._trace:
                self._trace.add("model_run", begin, perf_counter())
                self._trace.add_rows(runner.profile(values), begin)
        return results

    def _runner_for(self, values: Mapping[str, Value]) -> Runner:
        """What runs the model, with inputs for those initializers that have a value."""
        if self._released:
            raise ReleasedError("this session was released")
        names = tuple(name for name in self._model.overridable if name in values)
        if not names:
            return self._runner
        if self._overridden[0] != names:
            self._forget_overridden()
            self._overridden = names, self._new_runner(with_inputs(self._model, names))
        return self._overridden[1]

    def _forget_overridden(self) -> None:
        names, runner = self._overridden
        if names:
            runner.release()
        self._overridden = (), self._runner

    def _new_runner(self, model: Model) -> Runner:
        return Runner(model, self._compile, default_host())


def _options(
    given: SessionOptions | CompileOptions | None,
) -> tuple[SessionOptions, CompileOptions]:
    """Both kinds of options, from whichever is given."""
    if isinstance(given, CompileOptions):
        options = SessionOptions()
        options.intra_op_num_threads = given.threads
        return options, given
    if given is not None and not isinstance(given, SessionOptions):
        raise TypeError(f"sess_options are SessionOptions or CompileOptions, not {given!r:.80}")
    options = SessionOptions() if given is None else given.copy()
    return options, options.compile_options()


def _trace(options: SessionOptions) -> Trace | None:
    return Trace(options.profile_file_prefix) if options.enable_profiling else None
