"""Checks what is fed against what a model declares. Messages name both sides."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..errors import InvalidInputError
from ..ir.const import Const
from ..ir.shape import Dim, Sym, show
from ..ir.types import InputType
from ..ir.value import NOTHING, MapValue, Nothing, SequenceValue, Value
from .names import type_name, value_name

__all__ = ["check_names", "check_values", "choose", "with_absent"]


def check_names(
    feed: Mapping[str, Any],
    declared: Mapping[str, InputType],
    overridable: Collection[str] = (),
) -> None:
    """InvalidInputError where inputs are missing, or names are unknown. Optionals may be absent."""
    if not isinstance(feed, Mapping):
        raise InvalidInputError(f"inputs come as a dict of name to value, not as {feed!r:.80}")
    unknown = [n for n in feed if n not in declared and n not in overridable]
    missing = [n for n, t in declared.items() if n not in feed and not _is_optional(t)]
    if unknown or missing:
        said = [f"'{n}' is not an input" for n in unknown]
        said += [f"input '{n}' is missing" for n in missing]
        expected = ", ".join(f"'{n}' {t}" for n, t in declared.items()) or "none"
        raise InvalidInputError(f"{'; '.join(said)}. Inputs are: {expected}")


def with_absent(values: Mapping[str, Value], declared: Mapping[str, InputType]) -> dict[str, Value]:
    """The values with empty optionals for those that are absent."""
    return {n: NOTHING for n in declared if n not in values} | dict(values)


def check_values(values: Mapping[str, Value], declared: Mapping[str, InputType]) -> None:
    """InvalidInputError where a dtype, size or kind isn't the one declared."""
    sizes: dict[str, tuple[int, str]] = {}
    for name, value in values.items():
        t = declared[name]
        if not t.wrap and isinstance(value, Const):
            _check_tensor(name, value, t, sizes)
        elif not _fits(value, t, t.wrap):
            raise InvalidInputError(
                f"input '{name}' is {type_name(t)}; the value given is {value_name(value)}"
            )


def choose(names: Sequence[str] | None, known: Collection[str]) -> list[str]:
    """The outputs asked for, by default all; InvalidInputError for names of none."""
    if isinstance(names, str):
        raise InvalidInputError(f"output names come as a list, not as the string '{names}'")
    for name in names or ():
        if name not in known:
            raise InvalidInputError(f"'{name}' is not an output; outputs are {', '.join(known)}")
    return list(names or known)


def _is_optional(t: InputType) -> bool:
    return t.wrap[:1] == ("optional",)


def _check_tensor(name: str, value: Const, t: InputType, sizes: dict[str, tuple[int, str]]) -> None:
    fits = value.dtype == t.dtype
    hint = ""
    if fits and t.shape is not None and not _matches(name, value.shape, t.shape, sizes):
        fits = False
        known = ", ".join(f"{s} is {n} in '{i}'" for s, (n, i) in sizes.items())
        hint = f" ({known})" if known else ""
    if not fits:
        wanted = f"{t.dtype.full}{'' if t.shape is None else show(t.shape)}"
        given = f"{value.dtype.full}{show(value.shape)}"
        raise InvalidInputError(f"input '{name}' is {wanted}; the array given is {given}{hint}")


def _matches(
    name: str, given: Sequence[int], declared: Sequence[Dim], sizes: dict[str, tuple[int, str]]
) -> bool:
    if len(given) != len(declared):
        return False
    for size, dim in zip(given, declared, strict=True):
        if isinstance(dim, Sym):
            if sizes.setdefault(dim.name, (size, name))[0] != size:
                return False
        elif dim != size:
            return False
    return True


def _fits(value: Value, t: InputType, wrap: Sequence[str]) -> bool:
    """Whether a value is of the kind declared; shapes inside sequences and maps are free."""
    if not wrap:
        return isinstance(value, Const) and value.dtype == t.dtype
    outer, inner = wrap[0], wrap[1:]
    if outer == "optional":
        return isinstance(value, Nothing) or _fits(value, t, inner)
    if outer == "seq":
        return isinstance(value, SequenceValue) and all(_fits(v, t, inner) for v in value.items)
    kind = str if outer == "map(string)" else int
    return isinstance(value, MapValue) and all(
        isinstance(key, kind) and (not isinstance(item, Const) or _fits(item, t, inner))
        for key, item in value.items.items()
    )
