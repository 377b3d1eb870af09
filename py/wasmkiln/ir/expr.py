"""Expr: the scalar language in which every elementwise meaning is written, once.

A backend emits an Expr as SIMD or scalar code, `evaluate` computes it in plain Python for folding,
and kernels take one as prologue or epilogue. Operands of an operation have one dtype; `cast` is
explicit. Integers wrap, division of integers truncates, comparisons give bool. Nothing traps: an
integer by zero and the remainder of it are 0, a float becomes the nearest integer there is, NaN 0.

    arg const                        leaves: `value` is the argument's index or the number
    add sub mul div mod fmod neg abs min max  mod takes the divisor's sign, fmod the dividend's
    sqrt floor ceil trunc round                  round: half to even
    exp log sin cos tan asin acos atan sinh cosh asinh acosh atanh tanh erf pow
    eq ne lt le gt ge                            IEEE; result bool
    and or xor not shl shr                       bitwise on integers, logical on bool
    select cast bitcast                          select(condition, a, b)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from math import isfinite

from ..errors import UnsupportedOperatorError
from .dtype import BOOL, F32, DType

__all__ = [
    "BINARY", "COMPARE", "UNARY", "Expr", "arg", "call", "cast", "clamp", "const", "maximum",
    "minimum", "select", "substitute",
]  # fmt: skip

Number = int | float

# fmt: off
UNARY = frozenset((
    "neg", "abs", "sqrt", "floor", "ceil", "trunc", "round", "exp", "log", "sin", "cos", "tan",
    "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "tanh", "erf", "not",
))
BINARY = frozenset((
    "add", "sub", "mul", "div", "mod", "fmod", "min", "max", "pow", "and", "or", "xor", "shl",
    "shr",
))
# fmt: on
COMPARE = frozenset(["eq", "ne", "lt", "le", "gt", "ge"])

# Kinds of dtypes that operations take; all others take floats and integers.
_KINDS = (
    dict.fromkeys(UNARY - {"neg", "abs", "not"}, "f")
    | dict.fromkeys(("and", "or", "xor", "not"), "iub")
    | dict.fromkeys(("shl", "shr"), "iu")
    | dict.fromkeys(("eq", "ne"), "fiubs")
)


class Expr:
    """A node of a scalar expression; immutable, hashable, compared by structure.

    op: one of the module's operations. args: operands. dtype: of the result.
    value: index of an `arg`, number of a `const`, else None. size: nodes in the tree.
    """

    __slots__ = ("_arguments", "_hash", "args", "dtype", "op", "size", "value")

    op: str
    args: tuple[Expr, ...]
    dtype: DType
    value: Number | None
    size: int

    def __init__(
        self, op: str, args: tuple[Expr, ...], dtype: DType, value: Number | None = None
    ) -> None:
        put = object.__setattr__
        put(self, "op", op)
        put(self, "args", args)
        put(self, "dtype", dtype)
        put(self, "value", value)
        put(self, "size", 1 + sum(a.size for a in args))
        # repr tells 0.0 from -0.0, 1 from 1.0, and lets NaN equal itself.
        put(self, "_hash", hash((op, args, dtype.name, repr(value))))

    @property
    def arguments(self) -> Mapping[int, DType]:
        """The dtype of each argument that the expression uses, by index."""
        try:
            return self._arguments  # type: ignore[attr-defined, no-any-return]
        except AttributeError:
            pass
        found: dict[int, DType] = {}
        if self.op == "arg":
            assert isinstance(self.value, int)
            found[self.value] = self.dtype
        for a in self.args:
            found.update(a.arguments)
        object.__setattr__(self, "_arguments", found)
        return found

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Expr is immutable; cannot set {name}")

    def __hash__(self) -> int:
        return self._hash  # type: ignore[attr-defined, no-any-return]

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return (
            isinstance(other, Expr)
            and hash(self) == hash(other)
            and self.op == other.op
            and self.dtype is other.dtype
            and (self.value is other.value or repr(self.value) == repr(other.value))
            and self.args == other.args
        )

    def __repr__(self) -> str:
        if self.op == "arg":
            return f"x{self.value}"
        if self.op == "const":
            return f"{self.value!r}"
        if self.op in ("cast", "bitcast"):
            return f"{self.op}<{self.dtype}>({self.args[0]!r})"
        return f"{self.op}({', '.join(map(repr, self.args))})"

    # Sugar: a Python number becomes a constant of the other operand's dtype.

    def __add__(self, other: Expr | Number) -> Expr:
        return call("add", self, other)

    def __radd__(self, other: Number) -> Expr:
        return call("add", const(other, self.dtype), self)

    def __sub__(self, other: Expr | Number) -> Expr:
        return call("sub", self, other)

    def __rsub__(self, other: Number) -> Expr:
        return call("sub", const(other, self.dtype), self)

    def __mul__(self, other: Expr | Number) -> Expr:
        return call("mul", self, other)

    def __rmul__(self, other: Number) -> Expr:
        return call("mul", const(other, self.dtype), self)

    def __truediv__(self, other: Expr | Number) -> Expr:
        return call("div", self, other)

    def __rtruediv__(self, other: Number) -> Expr:
        return call("div", const(other, self.dtype), self)

    def __neg__(self) -> Expr:
        return call("neg", self)

    def __lt__(self, other: Expr | Number) -> Expr:
        return call("lt", self, other)

    def __le__(self, other: Expr | Number) -> Expr:
        return call("le", self, other)

    def __gt__(self, other: Expr | Number) -> Expr:
        return call("gt", self, other)

    def __ge__(self, other: Expr | Number) -> Expr:
        return call("ge", self, other)


@cache
def arg(index: int, dtype: DType = F32) -> Expr:
    """The kernel's argument with the given index."""
    return Expr("arg", (), dtype, index)


def const(value: Number, dtype: DType = F32) -> Expr:
    """A number of the given dtype."""
    if dtype.is_float:
        return Expr("const", (), dtype, float(value))
    if not isfinite(value):
        raise UnsupportedOperatorError(f"{value} as {dtype} is not supported")
    return Expr("const", (), dtype, int(value))


def call(op: str, *operands: Expr | Number) -> Expr:
    """The operation applied to operands of one dtype; numbers take the dtype of the first Expr."""
    dtype = next(o.dtype for o in operands if isinstance(o, Expr))
    if dtype.kind not in _KINDS.get(op, "fiu"):
        raise UnsupportedOperatorError(f"{op} of {dtype} is not supported")
    args = tuple([o if isinstance(o, Expr) else const(o, dtype) for o in operands])
    for a in args:
        if a.dtype is not dtype and a.dtype != dtype:
            raise TypeError(f"{op} of {', '.join(a.dtype.name for a in args)}: dtypes differ")
    return Expr(op, args, BOOL if op in COMPARE else dtype)


def select(condition: Expr, a: Expr, b: Expr | Number) -> Expr:
    """`a` where the condition holds, else `b`."""
    other = b if isinstance(b, Expr) else const(b, a.dtype)
    if condition.dtype != BOOL or a.dtype != other.dtype:
        raise TypeError(f"select of {condition.dtype}, {a.dtype}, {other.dtype}")
    return Expr("select", (condition, a, other), a.dtype)


def cast(x: Expr, dtype: DType) -> Expr:
    """The value converted to another dtype; floats truncate to integers, saturating."""
    if x.dtype == dtype:
        return x
    if not (x.dtype.kind in "fiubn" and dtype.kind in "fiubn"):
        raise UnsupportedOperatorError(f"conversion of {x.dtype} to {dtype} is not supported")
    return Expr("cast", (x,), dtype)


def minimum(a: Expr, b: Expr | Number) -> Expr:
    """The smaller one; NaN if either is NaN."""
    return call("min", a, b)


def maximum(a: Expr, b: Expr | Number) -> Expr:
    """The larger one; NaN if either is NaN."""
    return call("max", a, b)


def clamp(x: Expr, low: Expr | Number, high: Expr | Number) -> Expr:
    """The value limited to [low, high]."""
    return minimum(maximum(x, low), high)


def substitute(expr: Expr, replace: Sequence[Expr] | Callable[[int], Expr]) -> Expr:
    """The expression with each argument i replaced by `replace[i]` (or `replace(i)`)."""
    if not callable(replace) and all(r.op == "arg" and r.value == i for i, r in enumerate(replace)):
        return expr
    pick = replace if callable(replace) else replace.__getitem__
    memo: dict[int, Expr] = {}

    def walk(e: Expr) -> Expr:
        done = memo.get(id(e))
        if done is None:
            if e.op == "arg":
                assert isinstance(e.value, int)
                done = pick(e.value)
            elif e.args:
                done = Expr(e.op, tuple(map(walk, e.args)), e.dtype, e.value)
            else:
                done = e
            memo[id(e)] = done
        return done

    return walk(expr)
