"""Scalar operations of Expr: those that are an instruction, and those that take a function.

Integer division never traps: x / 0 is 0, and the most negative number divided by -1 is itself.
`mod` has the sign of the divisor, `fmod` that of the dividend.
"""

from __future__ import annotations

from collections.abc import Callable

from ...ir.dtype import BOOL, DType
from ...ir.expr import COMPARE, Expr
from . import asm as w
from .function import Function, Local
from .isa import ValType, f32, f64, i32, i64
from .module import Module
from .val import Val

__all__ = ["SCALAR_ONLY", "scalar_operation"]

# (operation, whether on floats) without a vector form
SCALAR_ONLY = frozenset(
    [(op, False) for op in ("div", "mod", "fmod", "pow", "shl", "shr")]
    + [(op, True) for op in ("mod", "fmod", "pow")]
)

_SAME = frozenset(["add", "sub", "mul", "and", "or", "xor", "shl", "eq", "ne"])


def scalar_operation(f: Function, e: Expr, operands: list[Val]) -> Val:
    """The value of a node, given its operands. Not: leaves, select, transcendental functions."""
    op, source = e.op, e.args[0].dtype
    t = operands[0].type
    assert t is not None
    if op in ("cast", "bitcast"):
        return (
            _convert(operands[0], source, e.dtype) if op == "cast" else _bits(operands[0], e.dtype)
        )
    if source.is_float:
        return _float_operation(f, op, t, operands)
    return _integer_operation(f, op, source, t, operands)


def _op(t: ValType, name: str, *operands: Val | int | float) -> Val:
    value: Val = getattr(w, f"{t}_{name}")(*operands)
    return value


def _float_operation(f: Function, op: str, t: ValType, operands: list[Val]) -> Val:
    if op in ("mod", "fmod"):
        wide = operands if t is f64 else [w.f64_promote_f32(x) for x in operands]
        # The remainder of two f32 is an f32: nothing is rounded here.
        value = f.call(_float_remainder(f.module, op), *wide)
        return value if t is f64 else w.f32_demote_f64(value)
    return _op(t, "nearest" if op == "round" else op, *operands)


def _integer_operation(f: Function, op: str, dtype: DType, t: ValType, operands: list[Val]) -> Val:
    sign = "u" if dtype.kind in "ub" else "s"
    if op in _SAME:
        return _op(t, op, *operands)
    if op == "shr" or op in COMPARE:
        return _op(t, f"{op}_{sign}", *operands)
    if op == "neg":
        return _op(t, "sub", 0, *operands)
    if op == "not":
        return operands[0].eqz() if dtype == BOOL else _op(t, "xor", operands[0], -1)
    make = _FUNCTIONS[op]
    name = f"{op}_{t}_{sign}"
    return f.call(f.module.once(name, lambda: make(f.module, name, t, sign)), *operands)


def _convert(x: Val, source: DType, target: DType) -> Val:
    """A cast between legal dtypes: floats to integers saturate, integers wrap."""
    t, u = x.type, _type(target)
    assert t is not None
    sign = "u" if source.kind in "ub" else "s"
    if source.is_float and target.is_float:
        return x if t is u else w.f32_demote_f64(x) if u is f32 else w.f64_promote_f32(x)
    if source.is_float:
        return _op(u, f"trunc_sat_{t}_{'u' if target.kind == 'u' else 's'}", x)
    if target.is_float:
        return _op(u, f"convert_{t}_{sign}", x)
    if t is u:
        return x
    return w.i32_wrap_i64(x) if u is i32 else _op(u, f"extend_i32_{sign}", x)


def _bits(x: Val, target: DType) -> Val:
    u = _type(target)
    return x if x.type is u else _op(u, f"reinterpret_{x.type}", x)


def _type(dtype: DType) -> ValType:
    if dtype.is_float:
        return f32 if dtype.itemsize == 4 else f64
    return i64 if dtype.itemsize == 8 else i32


def _minmax(op: str) -> Callable[[Module, str, ValType, str], Function]:
    def make(m: Module, name: str, t: ValType, sign: str) -> Function:
        f = m.function(name, (t, t), (t,))
        a, b = f.params
        less = _op(t, f"lt_{sign}", a, b)
        f.return_(w.select(a, b, less) if op == "min" else w.select(b, a, less))
        return f

    return make


def _absolute(m: Module, name: str, t: ValType, sign: str) -> Function:
    f = m.function(name, (t,), (t,))
    x = f.params[0]
    f.return_(x if sign == "u" else w.select(-x, x, x.lt_s(0)))
    return f


def _divide(m: Module, name: str, t: ValType, sign: str) -> Function:
    f = m.function(name, (t, t), (t,))
    a, b = f.params
    _guard(f, a, b, sign, -a)
    f.return_(_op(t, f"div_{sign}", a, b))
    return f


def _guard(f: Function, a: Local, b: Local, sign: str, for_minus_one: Val | int) -> None:
    """Return early for the divisors 0 and -1, for which the instructions may trap."""
    with f.if_(b.eqz()):
        f.return_(0)
    if sign == "s":
        with f.if_(b.eq(-1)):
            f.return_(for_minus_one)


def _remainder(op: str) -> Callable[[Module, str, ValType, str], Function]:
    def make(m: Module, name: str, t: ValType, sign: str) -> Function:
        f = m.function(name, (t, t), (t,))
        a, b = f.params
        _guard(f, a, b, sign, 0)
        if sign == "u" or op == "fmod":
            f.return_(_op(t, f"rem_{sign}", a, b))
            return f
        r = f.let(a.rem_s(b), "r")
        # other sign than the divisor, and not zero
        f.return_(w.select(r + b, r, (r ^ b).lt_s(0) & r.ne(0)))
        return f

    return make


def _power(m: Module, name: str, t: ValType, sign: str) -> Function:
    """Square and multiply. A negative exponent gives the truncated reciprocal: 0, 1 or -1."""
    f = m.function(name, (t, t), (t,))
    base, exponent = f.params
    result = f.local(t, "result")
    if sign == "s":
        with f.if_(exponent.lt_s(0)):
            odd = w.select(base, _one(t), (exponent & 1).ne(0))
            is_unit = base.eq(1) | base.eq(-1)
            f.return_(w.select(odd, base - base, is_unit))
    f.set(result, 1)
    with f.while_(exponent.ne(0)):
        with f.if_((exponent & 1).ne(0)):
            f.set(result, result * base)
        f.set(base, base * base)
        f.set(exponent, exponent >> 1)
    f.return_(result)
    return f


def _one(t: ValType) -> Val:
    return w.i32_const(1) if t is i32 else w.i64_const(1)


_FUNCTIONS: dict[str, Callable[[Module, str, ValType, str], Function]] = {
    "min": _minmax("min"),
    "max": _minmax("max"),
    "abs": _absolute,
    "div": _divide,
    "mod": _remainder("mod"),
    "fmod": _remainder("fmod"),
    "pow": _power,
}


def _float_remainder(m: Module, op: str) -> Function:
    """fmod on f64, and `mod` from it."""
    if op == "fmod":
        return m.once("fmod_f64", lambda: _make_fmod(m))

    def make() -> Function:
        f = m.function("mod_f64", (f64, f64), (f64,))
        a, b = f.params
        r = f.let(f.call(_float_remainder(m, "fmod"), a, b), "r")
        f.return_(w.select(r + b, r, r.ne(0) & ((r < 0) ^ (b < 0))))
        return f

    return m.once("mod_f64", make)


def _make_fmod(m: Module) -> Function:
    """Exact remainder by long division: |b| * 2**k is taken from the rest for each k downwards."""
    f = m.function("fmod_f64", (f64, f64), (f64,))
    a, b = f.params
    rest, divisor, step = f.local(f64, "rest"), f.local(f64, "divisor"), f.local(f64, "step")
    f.set(rest, w.f64_abs(a))
    f.set(divisor, w.f64_abs(b))
    # an infinite a, a zero b, or a NaN
    with f.if_(((rest < float("inf")) & (divisor > 0)).eqz()):
        f.return_((a * b) / (a * b))
    with f.if_(rest < divisor):  # also an infinite divisor
        f.return_(a)
    f.set(step, divisor)
    with f.while_((step + step) <= rest):
        f.set(step, step + step)
    with f.while_(step >= divisor):
        with f.if_(rest >= step):
            f.set(rest, rest - step)
        f.set(step, step * 0.5)
    f.return_(w.f64_copysign(rest, a))
    return f
