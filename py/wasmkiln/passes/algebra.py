"""Simplify an expression and its operands: constants move in, what they decide is computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import frexp

from ..ir.builder import GraphBuilder
from ..ir.evaluate import evaluate
from ..ir.expr import Expr, arg, call, const, substitute
from ..ir.shape import Shape, broadcast

__all__ = ["arguments", "reduced", "simplified", "weight"]


def simplified(
    b: GraphBuilder, expr: Expr, inputs: Sequence[str], shape: Shape
) -> tuple[Expr, tuple[str, ...]]:
    """The expression and the inputs it still needs, each once, to give an output of a shape."""
    leaves: list[Expr] = []
    kept: list[str] = []
    for name in inputs:
        t = b.type(name)
        if t.size == 1 and t.value is not None:
            leaves.append(const(t.value.item(), t.dtype))
        else:
            if name not in kept:
                kept.append(name)
            leaves.append(arg(kept.index(name), t.dtype))
    if not kept or broadcast(*(b.shape(i) for i in kept)) != shape:
        return reduced(expr), tuple(inputs)  # a constant decides the shape
    out = reduced(substitute(expr, leaves))
    used = sorted(arguments(out))
    if len(used) < len(kept):
        left = [kept[i] for i in used]
        if left and broadcast(*(b.shape(i) for i in left)) == shape:
            out = substitute(out, lambda i: arg(used.index(i), b.type(kept[i]).dtype))
            kept = left
    return out, tuple(kept)


def weight(expr: Expr) -> int:
    """How many different operations an expression has: what a kernel computes for one element."""
    seen: set[Expr] = set()

    def walk(e: Expr) -> None:
        if e.args and e not in seen:
            seen.add(e)
            for a in e.args:
                walk(a)

    walk(expr)
    return len(seen)


def arguments(expr: Expr) -> set[int]:
    """The indices of the arguments that an expression uses."""
    found: set[int] = set()
    seen: set[int] = set()

    def walk(e: Expr) -> None:
        if id(e) in seen:
            return
        seen.add(id(e))
        if e.op == "arg":
            assert isinstance(e.value, int)
            found.add(e.value)
        for a in e.args:
            walk(a)

    walk(expr)
    return found


def reduced(expr: Expr, part: Expr | None = None) -> Expr:
    """An equal expression with constant parts computed and neutral operations dropped.

    Equal up to the sign of zero, and to x**0.5, which is the root also for -inf.
    part: a piece of it that is known to be reduced already.
    """
    memo: dict[int, Expr] = {} if part is None else {id(part): part}

    def walk(e: Expr) -> Expr:
        if not e.args:
            return e
        done = memo.get(id(e))
        if done is None:
            args = tuple([walk(a) for a in e.args])
            same = all(a is old for a, old in zip(args, e.args, strict=True))
            done = _step(e if same else Expr(e.op, args, e.dtype, e.value))
            memo[id(e)] = done
        return done

    return walk(expr)


def _step(e: Expr) -> Expr:
    """The expression with its outermost operation simplified."""
    args = e.args
    if all(a.op == "const" for a in args):
        return const(evaluate(e, ()), e.dtype)
    if e.op == "select":
        if args[0].op == "const":
            return args[1] if args[0].value else args[2]
        return args[1] if args[1] == args[2] else e
    if len(args) == 2 and args[1].op == "const":
        rule = _RIGHT.get(e.op)
        return rule(args[0], args[1]) or e if rule else e
    if len(args) == 2 and args[0].op == "const" and e.op in _COMMUTATIVE:
        return _step(Expr(e.op, (args[1], args[0]), e.dtype))
    if e.op == "neg" and args[0].op == "neg":
        return args[0].args[0]
    return e


_COMMUTATIVE = frozenset(["add", "mul", "min", "max", "and", "or", "xor"])


def _right_zero(x: Expr, c: Expr) -> Expr | None:
    return x if c.value == 0 else None


def _right_one(x: Expr, c: Expr) -> Expr | None:
    return x if c.value == 1 else None


def _divide(x: Expr, c: Expr) -> Expr | None:
    if c.value == 1:
        return x
    # A power of two has an exact reciprocal, and multiplying is several times faster.
    if x.dtype.is_float and c.value and _is_power_of_two(c.value):
        return call("mul", x, 1 / c.value)
    return None


def _is_power_of_two(value: float) -> bool:
    mantissa, exponent = frexp(abs(value))
    return mantissa == 0.5 and -100 < exponent < 100


def _power(x: Expr, c: Expr) -> Expr | None:
    if c.value == 1:
        return x
    if c.value == 2:
        return call("mul", x, x)
    if c.value == 3:
        return call("mul", call("mul", x, x), x)
    if not x.dtype.is_float:
        return None
    if c.value == 0.5:
        return call("sqrt", x)
    if c.value == -0.5:
        return call("div", const(1, x.dtype), call("sqrt", x))
    return call("div", const(1, x.dtype), x) if c.value == -1 else None


_RIGHT: dict[str, Callable[[Expr, Expr], Expr | None]] = {
    "add": _right_zero,
    "sub": _right_zero,
    "mul": _right_one,
    "div": _divide,
    "pow": _power,
    "shl": _right_zero,
    "shr": _right_zero,
    "xor": lambda x, c: x if c.dtype.is_int and c.value == 0 else None,
}
