"""Records: construction, equality, immutability, and the errors of wrong fields."""

from __future__ import annotations

from typing import ClassVar

import pytest
from wasmkiln.record import fresh, record, replace


@record
class Point:
    """A point with a name."""

    x: int
    y: int = 0
    unit: ClassVar[str] = "m"
    tags: list[str] = fresh(factory=list)

    @property
    def size(self) -> int:
        """The distance, roughly."""
        return abs(self.x) + abs(self.y)


@record
class Base:
    """Nothing."""


@record
class Named(Base):
    """With one field."""

    name: str

    def __repr__(self) -> str:
        return f"<{self.name}>"


@record
class Aged(Named):
    """With another."""

    years: int = 3


def test_fields_by_position_by_name_and_by_default() -> None:
    assert Point(1, 2, ["a"]) == Point(tags=["a"], y=2, x=1)
    assert (Point(1).x, Point(1).y, Point(1, y=3).size) == (1, 0, 4)
    assert Point(1).tags is not Point(1).tags
    assert Point.unit == "m"


def test_repr_names_the_fields() -> None:
    assert repr(Point(1)) == "Point(x=1, y=0, tags=[])"
    assert repr(Base()) == "Base()"
    assert repr(Named("a")) == "<a>"


def test_equality_and_hash_go_by_type_and_fields() -> None:
    assert Named("a") == Named("a")
    assert Named("a") != Named("b")
    assert Named("a") != Aged("a")
    assert Base() == Base()
    assert len({Aged("a"), Aged("a", 3), Aged("b"), Named("a")}) == 3
    with pytest.raises(TypeError, match="unhashable"):
        hash(Point(1))


def test_own_equality_stays() -> None:
    @record
    class Loose:
        x: int

        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool:
            return True

    assert Loose(1) == 2


def test_fields_of_a_base_come_first() -> None:
    assert Aged("a", 4).name == "a"
    assert replace(Aged("a", 4), name="b") == Aged("b", 4)


@pytest.mark.parametrize("change", ["set", "delete", "add"])
def test_records_do_not_change(change: str) -> None:
    named = Named("a")
    with pytest.raises(AttributeError, match="Named is immutable"):
        if change == "set":
            named.name = "b"  # type: ignore[misc]
        elif change == "delete":
            del named.name
        else:
            named.other = 1  # type: ignore[attr-defined]
    assert not hasattr(named, "__dict__")


def test_wrong_fields_are_told() -> None:
    with pytest.raises(TypeError, match="Point needs a value for 'x'"):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Point needs a value for 'x'"):
        Point(y=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Point has no field 'z'"):
        Point(1, z=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Point has no field 'x', or it is given twice"):
        Point(1, x=1)  # type: ignore[misc]
    with pytest.raises(TypeError, match="Named has only 1 fields"):
        Named("a", 1)  # type: ignore[call-arg]
