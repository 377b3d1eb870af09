"""Transcendental functions as expressions of Wasm's own operations, for f32.

Each is branch-free, so that it runs on four lanes. Coefficients are those of the Cephes library's
single precision functions unless noted; bounds in ulp hold over the tested
range, with and without fused multiply-add. NaN gives NaN; infinities and denormals are handled.
f64 is in math64.py.
"""

from __future__ import annotations

from collections.abc import Callable

from ...ir.dtype import F32, I32, DType
from ...ir.expr import Expr, arg, call, cast, clamp, const, select
from .legalize import bitcast

__all__ = [
    "FUNCTIONS", "TRIGONOMETRIC", "approximation", "exp_negative", "expand", "trig_of_reduced",
]  # fmt: skip

TRIGONOMETRIC = frozenset(["sin", "cos", "tan"])  # not in FUNCTIONS, as they branch: see trig.py

LN2 = 0.6931471805599453
LN2_HIGH, LN2_LOW = 0.693359375, -2.12194440e-4  # the first has 9 bits: its product with n is exact
INF = float("inf")


def _horner(x: Expr, *coefficients: float) -> Expr:
    """The polynomial with these coefficients, the highest power first."""
    value: Expr = const(coefficients[0], x.dtype)
    for c in coefficients[1:]:
        value = value * x + c
    return value


def _abs(x: Expr) -> Expr:
    return call("abs", x)


def _with_sign(magnitude: Expr, x: Expr) -> Expr:
    """A non-negative value with the sign of x."""
    sign = call("and", bitcast(x, I32), -0x80000000)
    return bitcast(call("or", bitcast(magnitude, I32), sign), F32)


def _power_of_two(n: Expr) -> Expr:
    """2**n for an i32 whose low 23 bits are a number in [-127, 127]; 0 for -127."""
    return bitcast(call("shl", n + 127, 23), F32)


_EXP = (
    1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1,
    5.0000001201e-1,
)  # fmt: skip


def exp(x: Expr, shift: int = 0) -> Expr:
    """e**x * 2**shift: x = n ln 2 + r, a polynomial of degree 7 in r, scaled twice. 1 ulp.

    The scale is split as 2**n alone may overflow, or be denormal, where the result is neither.
    """
    x = clamp(x, -104.0, 89.5)  # beyond, the result is 0 or infinite even if halved
    p, bits = _exp_parts(x)
    whole = bits + (shift - 0x4B400000)  # less those of 1.5 * 2**23
    half = call("shr", whole, 1)
    return p * _power_of_two(half) * _power_of_two(whole - half)


def _exp_parts(x: Expr) -> tuple[Expr, Expr]:
    """p, and an i32 with n in its low 23 bits, with e**x = p * 2**n.

    Adding 1.5 * 2**23 rounds to an integer, which the low bits then hold.
    """
    magic = 12582912.0
    shifted = x * (1 / LN2) + magic
    n = shifted - magic
    r = (x - n * LN2_HIGH) - n * LN2_LOW
    p = _horner(r, *_EXP)
    return (p * (r * r) + r) + 1.0, bitcast(shifted, I32)


def exp_negative(x: Expr) -> Expr:
    """e**x for x <= 0, in half the steps of `exp`: 1 ulp down to -87.3, 0 below -87.7."""
    p, n = _exp_parts(call("max", x, -88.0))
    return p * _power_of_two(n)


def log(x: Expr) -> Expr:
    """ln x: x = 2**e * m with m in [sqrt(1/2), sqrt(2)), a polynomial in m - 1. 1 ulp."""
    tiny = x < 1.17549435e-38
    scaled = select(tiny, x * 2.0**23, x)
    # With the bits of sqrt(1/2) taken off, the exponent field counts from there.
    bits = bitcast(scaled, I32)
    e = call("shr", bits - 0x3F3504F3, 23)
    m = bitcast(bits - call("shl", e, 23), F32) - 1.0
    n = cast(e, F32) - select(tiny, const(23.0), 0.0)
    z = m * m
    p = _horner(
        m, 7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
        -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
    )  # fmt: skip
    y = m + (p * (m * z) + n * LN2_LOW - z * 0.5)
    y = n * LN2_HIGH + y
    y = select(x < INF, y, x)  # infinity and NaN are their own logarithms
    y = select(call("eq", x, 0.0), const(-INF), y)
    return select(x < 0.0, const(float("nan")), y)


def tanh(x: Expr) -> Expr:
    """A polynomial of degree 11 below 0.625, else 1 - 2 / (e**2x + 1). 2 ulp."""
    a = _abs(x)
    z = x * x
    p = _horner(
        z, -5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1,
        -3.33332819422e-1
    )  # fmt: skip
    small = p * z * a + a
    p, n = _exp_parts(call("min", a + a, 40.0))
    large = 1.0 - 2.0 / (p * _power_of_two(n) + 1.0)
    return _with_sign(select(a < 0.625, small, large), x)


def erf(x: Expr) -> Expr:
    """An odd rational function of |x| up to 4, with the coefficients of Eigen. 7 ulp."""
    y = clamp(x, -4.0, 4.0)
    z = y * y
    p = _horner(
        z, -2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06,
        -5.69250639462346e-05, -7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02,
    )  # fmt: skip
    q = _horner(
        z, -1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03,
        -7.37332916720468e-03, -1.42647390514189e-02,
    )  # fmt: skip
    return clamp(y * (p / q), -1.0, 1.0)


def sinh(x: Expr) -> Expr:
    """A polynomial of degree 7 up to 1, else from e**|x|. 2 ulp."""
    z = x * x
    p = _horner(z, 2.03721912945e-4, 8.33028376239e-3, 1.66667160211e-1)
    half = exp(_abs(x), -1)
    return select(_abs(x) <= 1.0, p * z * x + x, _with_sign(half - 0.25 / half, x))


def cosh(x: Expr) -> Expr:
    """From e**|x|. 2 ulp."""
    half = exp(_abs(x), -1)
    return half + 0.25 / half


def atan(x: Expr) -> Expr:
    """|x| reduced to below tan(pi/8) by two identities, then a polynomial of degree 9. 3 ulp."""
    a = _abs(x)
    steep, middle = a > 2.414213562373095, a > 0.4142135623730950
    reduced = select(steep, -1.0 / a, select(middle, (a - 1.0) / (a + 1.0), a))
    start = select(steep, const(1.5707963267948966), select(middle, const(0.7853981633974483), 0.0))
    z = reduced * reduced
    p = _horner(z, 8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1)
    return _with_sign(start + (p * z * reduced + reduced), x)


def _asin_parts(a: Expr) -> tuple[Expr, Expr, Expr]:
    """For a = |x|: whether a > 1/2, and s, asin(s) with s = sqrt((1 - a) / 2) there, else a."""
    large = a > 0.5
    z = select(large, (1.0 - a) * 0.5, a * a)
    s = select(large, call("sqrt", z), a)
    p = _horner(
        z, 4.2163199048e-2, 2.4181311049e-2, 4.5470025998e-2, 7.4953002686e-2, 1.6666752422e-1
    )
    return large, s, p * z * s + s


def asin(x: Expr) -> Expr:
    """A polynomial of degree 11 up to 1/2, else pi/2 - 2 asin(sqrt((1 - |x|) / 2)). 3 ulp."""
    large, _, y = _asin_parts(_abs(x))
    return _with_sign(select(large, 1.5707963267948966 - (y + y), y), x)


def acos(x: Expr) -> Expr:
    """From the same polynomial as asin. 2 ulp."""
    large, _, y = _asin_parts(_abs(x))
    negative = x < 0.0
    near = select(negative, 3.141592653589793 - (y + y), y + y)
    return select(large, near, 1.5707963267948966 - select(negative, -y, y))


def asinh(x: Expr) -> Expr:
    """A polynomial of degree 9 below 1/2, else ln(|x| + sqrt(x*x + 1)). 2 ulp."""
    a = _abs(x)
    z = x * x
    p = _horner(z, 2.0122003309e-2, -4.2699340972e-2, 7.4847586088e-2, -1.6666288134e-1)
    big = a > 1500.0
    y = log(select(big, a, a + call("sqrt", z + 1.0))) + select(big, const(LN2), 0.0)
    return _with_sign(select(a < 0.5, p * z * a + a, y), x)


def acosh(x: Expr) -> Expr:
    """sqrt(x - 1) times a polynomial of degree 4 below 1.5, else ln(x + sqrt(x*x - 1)). 2 ulp."""
    z = x - 1.0
    p = _horner(
        z, 1.7596881071e-3, -7.5272886713e-3, 2.6454905019e-2, -1.1784741703e-1, 1.4142135263e0
    )
    big = x > 1500.0
    y = log(select(big, x, x + call("sqrt", z * (x + 1.0)))) + select(big, const(LN2), 0.0)
    return select(z < 0.5, p * call("sqrt", z), y)


def atanh(x: Expr) -> Expr:
    """A polynomial of degree 11 below 1/2, else half of ln((1 + x) / (1 - x)). 2 ulp."""
    a = _abs(x)
    z = x * x
    p = _horner(
        z, 1.81740078349e-1, 8.24370301058e-2, 1.46691431730e-1, 1.99782164500e-1, 3.33337300303e-1
    )
    y = log((1.0 + a) / (1.0 - a)) * 0.5
    return select(a < 0.5, p * z * x + x, _with_sign(y, x))


FUNCTIONS: dict[str, Callable[[Expr], Expr]] = {
    f.__name__: f for f in (exp, log, tanh, erf, sinh, cosh, atan, asin, acos, asinh, acosh, atanh)
}


def approximation(op: str, dtype: DType = F32) -> Expr:
    """A function of `FUNCTIONS`, or pow, spelled out for argument 0 (and 1)."""
    if dtype == F32:
        return FUNCTIONS[op](arg(0))
    from . import math64  # few models need it, and in a page each module costs some milliseconds

    return math64.approximation(op)


def expand(expr: Expr) -> Expr:
    """Spell out all functions of f32 in an expression."""
    memo: dict[Expr, Expr] = {}

    def walk(e: Expr) -> Expr:
        done = memo.get(e)
        if done is None:
            if not e.args:
                done = e
            else:
                args = tuple(map(walk, e.args))
                spelled = FUNCTIONS.get(e.op) if e.dtype == F32 else None
                done = spelled(*args) if spelled else Expr(e.op, args, e.dtype, e.value)
            memo[e] = done
        return done

    return walk(expr)


def trig_of_reduced(op: str) -> Expr:
    """sin, cos or tan of x = n pi/2 + r, given r in [-pi/4, pi/4] as argument 0 and n (i32) as 1.

    sin and cos: polynomials of degrees 7 and 8, 2 ulp. tan: of degree 13, 3 ulp.
    """
    r, n = arg(0), arg(1, I32)
    z = r * r
    odd = call("ne", call("and", n, 1), 0)
    if op == "tan":
        p = _horner(
            z, 9.38540185543e-3, 3.11992232697e-3, 2.44301354525e-2, 5.34112807005e-2,
            1.33387994085e-1, 3.33331568548e-1,
        )  # fmt: skip
        y = p * z * r + r
        return select(odd, -1.0 / y, y)
    sine = _horner(z, -1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1) * z * r + r
    sine = _with_sign(_abs(sine), r)  # of zero
    cosine = _horner(z, 2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
    cosine = cosine * (z * z) + (1.0 - z * 0.5)
    quarter = n if op == "sin" else n + 1
    if op == "cos":
        odd = call("ne", call("and", quarter, 1), 0)
    sign = call("shl", call("and", quarter, 2), 30)
    return bitcast(call("xor", bitcast(select(odd, cosine, sine), I32), sign), F32)
