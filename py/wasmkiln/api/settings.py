"""Bags of options in onnxruntime's manner, where none is ever silently ignored.

Each option has a row that says what becomes of it:

honoured: it does what it does in onnxruntime.
harmless: nothing depends on it here, and the row says why.
warns: values other than the default, or those listed as `fine`, give UnsupportedOptionWarning.
raises: such values raise UnsupportedOptionError.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from operator import index
from typing import Any, ClassVar, Literal

from ..errors import MisuseError, UnsupportedOptionError, UnsupportedOptionWarning
from ..record import record

__all__ = ["Effect", "Setting", "Settings", "by_name", "document", "refuse", "warn"]

Effect = Literal["honoured", "harmless", "warns", "raises"]


@record
class Setting:
    """An option: its default, what becomes of it, and why.

    fine: values that neither warn nor raise, besides the default.
    """

    name: str
    default: Any
    effect: Effect
    why: str
    fine: tuple[object, ...] = ()


class Settings:
    """Options by name. Reading an unknown one, or setting it, is an AttributeError.

    A value of a wrong type is a TypeError, as in onnxruntime.
    """

    table: ClassVar[Mapping[str, Setting]] = {}
    entries: ClassVar[Mapping[str, Setting]] = {}  # free-form entries that are known

    def __init__(self) -> None:
        vars(self)["_values"] = {}
        vars(self)["_entries"] = {}

    def __getattr__(self, name: str) -> Any:
        setting = self.table.get(name)
        if setting is None:
            raise AttributeError(f"'{type(self).__name__}' has no option '{name}'")
        return self._values.get(name, setting.default)

    def __setattr__(self, name: str, value: object) -> None:
        setting = self.table.get(name)
        if setting is None:
            raise AttributeError(f"'{type(self).__name__}' has no option '{name}'")
        value = _typed(f"{type(self).__name__}.{name}", value, setting.default)
        _consider(f"{type(self).__name__}.{name}", value, setting)
        self._values[name] = value

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self._values.items())
        return f"{type(self).__name__}({shown})"

    def _add_entry(self, key: str, value: str) -> None:
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError(f"configuration entries are strings, not {key!r}: {value!r}")
        if not 0 < len(key) <= 1024:
            raise MisuseError("a configuration key has 1 to 1,024 characters")
        unknown = Setting(key, "", "warns", "it is not known")
        setting = self.entries.get(key, unknown)
        _consider(f"configuration entry '{key}'", value, setting, 5)
        self._entries[key] = value

    def _entry(self, key: str) -> str:
        try:
            value: str = self._entries[key]
        except KeyError:
            raise MisuseError(f"there is no configuration entry '{key}'") from None
        return value


def by_name(settings: Sequence[Setting]) -> dict[str, Setting]:
    """The rows, to be looked up."""
    return {s.name: s for s in settings}


def _typed(what: str, value: object, like: object) -> object:
    """The value in the type of a default; TypeError where it is of another."""
    kind = type(like)
    try:
        if kind in (int, bool) and not isinstance(value, str):
            return kind(index(value))  # type: ignore[arg-type]
        if kind is str:
            return os.fspath(value)  # type: ignore[call-overload]
    except TypeError:
        pass
    if not isinstance(value, kind):
        raise TypeError(f"{what} is a {kind.__name__}, not {value!r}")
    return value


def _consider(what: str, value: object, setting: Setting, stacklevel: int = 4) -> None:
    if value == setting.default or value in setting.fine:
        return
    if setting.effect == "warns":
        warn(f"{what} = {value!r} has no effect: {setting.why}", stacklevel)
    elif setting.effect == "raises":
        refuse(f"{what} = {value!r}: {setting.why}")


def warn(message: str, stacklevel: int = 3) -> None:
    """Say that something asked for has no effect."""
    warnings.warn(message, UnsupportedOptionWarning, stacklevel)


def refuse(message: str) -> None:
    """Raise UnsupportedOptionError."""
    raise UnsupportedOptionError(message)


def document(title: str, settings: Sequence[Setting]) -> str:
    """Rows for a docstring: option, default, what becomes of it."""
    lines = [title, ""]
    lines += [f"{s.name} ({s.default!r}): {s.effect}. {s.why}" for s in settings]
    return "\n".join(lines)
