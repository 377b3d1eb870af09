"""Functions of onnxruntime that are about the runtime as a whole."""

from __future__ import annotations

from .._version import __version__
from ..errors import MisuseError
from .settings import warn

__all__ = [
    "disable_telemetry_events", "enable_telemetry_events", "get_build_info", "get_version_string",
    "set_default_logger_severity", "set_default_logger_verbosity", "set_seed",
]  # fmt: skip


def set_default_logger_severity(severity: int) -> None:
    """Nothing is logged here, so 0 and 1, which ask for more, warn.

    Raises MisuseError for numbers but 0 to 4.
    """
    if not 0 <= severity <= 4:
        raise MisuseError(f"a severity is 0 (verbose) to 4 (fatal), not {severity}")
    if severity < 2:
        warn("nothing is logged here; errors are raised")


def set_default_logger_verbosity(verbosity: int) -> None:
    """Nothing is logged here, so numbers above 0 warn."""
    if verbosity > 0:
        warn("nothing is logged here; errors are raised")


def set_seed(seed: int) -> None:
    """Warns: random operators take their seeds from the model."""
    warn(f"set_seed({seed}) has no effect: random operators take their seeds from the model")


def disable_telemetry_events() -> None:
    """Does nothing: there are none."""


def enable_telemetry_events() -> None:
    """Warns: there are none."""
    warn("there is no telemetry")


def get_build_info() -> str:
    """What this is."""
    return f"wasmkiln {__version__}"


def get_version_string() -> str:
    """The version of this package."""
    return __version__
