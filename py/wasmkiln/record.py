"""Records: immutable values with named fields.

    @record
    class Node:
        op: Op
        inputs: tuple[str, ...]
        name: str = ""

What `dataclass(frozen=True, slots=True)` gives, but without code that is written and compiled for
each class: under Pyodide that takes one to two milliseconds a class, more than all else that
importing this package takes.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeVar, cast, dataclass_transform

__all__ = ["fresh", "record", "replace"]

T = TypeVar("T")
_REQUIRED = object()


class _Fresh:
    def __init__(self, factory: Callable[[], Any]) -> None:
        self.factory = factory


def fresh(*, factory: Callable[[], T]) -> T:
    """The default of a field, made anew for each record."""
    return _Fresh(factory)  # type: ignore[return-value]


@dataclass_transform(frozen_default=True, field_specifiers=(fresh,))
def record(cls: type[T]) -> type[T]:
    """Make a class of records: a slot for each annotation, a constructor, equality, hash and repr.

    What the class defines itself stays. A base must be a record too, or have no fields.
    """
    body = dict(cls.__dict__)
    own = tuple(n for n, text in cls.__annotations__.items() if not text.startswith("ClassVar"))
    defaults = tuple(body.pop(name, _REQUIRED) for name in own)
    body.pop("__dict__", None)
    body.pop("__weakref__", None)
    fields: tuple[str, ...] = getattr(cls, "_fields", ()) + own
    body["__slots__"] = own
    body["_fields"] = fields
    body["_defaults"] = all_defaults = getattr(cls, "_defaults", ()) + defaults
    special = [i for i, d in enumerate(all_defaults, 1) if d is _REQUIRED or type(d) is _Fresh]
    body["_least"] = max(special, default=0)
    body["_values"] = attrgetter(*(fields or ("_fields",)))
    if "__eq__" not in body:
        body["__eq__"] = _eq
        body["__hash__"] = _hash
    for name, method in _METHODS.items():
        body.setdefault(name, method)
    metaclass: Any = type(cls)
    made: Any = metaclass(cls.__name__, cls.__bases__, body)
    made.__qualname__ = cls.__qualname__
    made._setters = tuple(getattr(made, name).__set__ for name in fields)
    return cast(type[T], made)


def replace(value: T, /, **changes: object) -> T:
    """A record like this one in all but the given fields."""
    old: Any = value
    given = {name: getattr(old, name) for name in old._fields}
    return type(value)(**(given | changes))


def _init(self: Any, *args: Any, **named: Any) -> None:
    if named or len(args) != len(self._setters):
        args = _complete(type(self), args, named)
    for put, value in zip(self._setters, args):  # noqa: B905 (as many; `strict` takes half as long)
        put(self, value)


def _complete(cls: Any, args: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
    """The values of all fields."""
    rest = cls._defaults[len(args) :]
    if not named and cls._least <= len(args) <= len(cls._fields):
        return args + rest  # type: ignore[no-any-return]
    if named:
        rest = tuple(map(named.pop, cls._fields[len(args) :], rest))
    if named or len(args) > len(cls._fields):
        what = f"no field '{next(iter(named))}'" if named else f"only {len(cls._fields)} fields"
        raise TypeError(f"{cls.__name__} has {what}, or it is given twice")
    values: tuple[Any, ...] = args + rest
    for i, value in enumerate(rest, len(args)):
        if value is _REQUIRED:
            raise TypeError(f"{cls.__name__} needs a value for '{cls._fields[i]}'")
        if type(value) is _Fresh:
            values = (*values[:i], value.factory(), *values[i + 1 :])
    return values


def _eq(self: Any, other: Any) -> Any:
    if type(self) is not type(other):
        return NotImplemented
    values = self._values
    return values(self) == values(other)


def _hash(self: Any) -> int:
    return hash(self._values(self))


def _repr(self: Any) -> str:
    shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields)
    return f"{type(self).__qualname__}({shown})"


def _refuse(self: Any, name: str, value: object = None) -> None:
    raise AttributeError(f"{type(self).__name__} is immutable; cannot set {name}")


_METHODS: dict[str, Callable[..., Any]] = {
    "__init__": _init,
    "__repr__": _repr,
    "__setattr__": _refuse,
    "__delattr__": _refuse,
}
