"""RunOptions: onnxruntime's options of one run."""

from __future__ import annotations

from typing import NoReturn

from ..errors import TerminatedError, UnsupportedOptionError
from .settings import Setting, Settings, by_name, document

__all__ = ["RunOptions"]

_NO_LOG = "nothing is logged here; errors are raised"

_TABLE = (
    Setting("log_severity_level", -1, "warns", _NO_LOG, (2, 3, 4)),
    Setting("log_verbosity_level", 0, "warns", _NO_LOG),
    Setting("logid", "", "harmless", "It names a run in logs, of which there are none."),
    Setting("run_tag", "", "harmless", "The name of logid in C."),
    Setting("only_execute_path_to_fetches", False, "warns", "all outputs are computed"),
    Setting("terminate", False, "honoured", "A run that begins raises; one under way ends first."),
)

_ENTRIES = (
    Setting(
        "memory.enable_memory_arena_shrinkage", "", "harmless",
        "A model's memory is as large as its plan needs, and no larger.",
    ),
    Setting("disable_synchronize_execution_providers", "", "harmless", "A run is synchronous."),
)  # fmt: skip


class RunOptions(Settings):
    """Options of one run."""

    table = by_name(_TABLE)
    entries = by_name(_ENTRIES)

    log_severity_level: int
    log_verbosity_level: int
    logid: str
    run_tag: str
    only_execute_path_to_fetches: bool
    terminate: bool

    def add_run_config_entry(self, key: str, value: str) -> None:
        """Set an entry; UnsupportedOptionWarning for those that are not known."""
        self._add_entry(key, value)

    def get_run_config_entry(self, key: str) -> str:
        """The value of an entry; MisuseError, a RuntimeError, if it was not set."""
        return self._entry(key)

    def add_active_adapter(self, adapter: object) -> NoReturn:
        """Raises UnsupportedOptionError."""
        raise UnsupportedOptionError("adapters are not supported")

    def check(self) -> None:
        """TerminatedError if `terminate` is set."""
        if self.terminate:
            raise TerminatedError("the run ends, because its options say terminate = True")


RunOptions.__doc__ = document(f"{RunOptions.__doc__}", (*_TABLE, *_ENTRIES))
