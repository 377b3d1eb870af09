"""Transcendental functions as expressions of Wasm's own operations, for f64: within 2 ulp.

Methods and coefficients are those of fdlibm (Sun Microsystems, 1993), written without branches:
what it decides by branching is selected here.
"""

from __future__ import annotations

from collections.abc import Callable

from ...ir.dtype import F64, I64
from ...ir.expr import Expr, arg, call, cast, clamp, const, select
from .legalize import bitcast

__all__ = ["approximation"]

INF = float("inf")
NAN = float("nan")
LN2 = 0.6931471805599453
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
PI_2_HIGH, PI_2_LOW = 1.57079632679489655800, 6.12323399573676603587e-17


def _number(value: float) -> Expr:
    return const(value, F64)


def _horner(x: Expr, *coefficients: float) -> Expr:
    """The polynomial with these coefficients, the lowest power first."""
    value = _number(coefficients[-1])
    for c in coefficients[-2::-1]:
        value = value * x + c
    return value


def _abs(x: Expr) -> Expr:
    return call("abs", x)


def _with_sign(magnitude: Expr, x: Expr) -> Expr:
    sign = call("and", bitcast(x, I64), -(1 << 63))
    return bitcast(call("or", bitcast(magnitude, I64), sign), F64)


def _power_of_two(n: Expr) -> Expr:
    """2**n for an i64 in [-1022, 1023]."""
    return bitcast(call("shl", n + 1023, 52), F64)


def _scale(x: Expr, n: Expr) -> Expr:
    """x * 2**n for any n that two factors can carry."""
    half = call("shr", n, 1)
    return x * _power_of_two(half) * _power_of_two(n - half)


def exp(x: Expr, shift: int = 0, rest: Expr | None = None) -> Expr:
    """e**(x + rest) * 2**shift: x = n ln 2 + r, a rational function of r."""
    x = clamp(x, -746.0, 711.0)
    n = call("round", x * (1 / LN2))
    high, low = x - n * LN2_HIGH, n * LN2_LOW
    if rest is not None:
        low = low - rest
    r = high - low
    t = r * r
    p = _horner(
        t, 1.66666666666666019037e-01, -2.77777777770155933842e-03, 6.61375632143793436117e-05,
        -1.65339022054652515390e-06, 4.13813679705723846039e-08,
    )  # fmt: skip
    c = r - t * p
    y = 1.0 - ((low - (r * c) / (2.0 - c)) - high)
    return _scale(y, cast(n, I64) + shift)


def expm1(x: Expr) -> Expr:
    """e**x - 1, precise near 0, for x <= 700."""
    x = call("max", x, -56.0)
    n = call("round", x * (1 / LN2))
    high, low = x - n * LN2_HIGH, n * LN2_LOW
    r = high - low
    c = (high - r) - low
    half = r * 0.5
    s = r * half
    q = _horner(
        s, 1.0, -3.33333333333331316428e-02, 1.58730158725481460165e-03,
        -7.93650757867487942473e-05, 4.00821782732936239552e-06, -2.01099218183624371326e-07,
    )  # fmt: skip
    t = 3.0 - q * half
    e = s * ((q - t) / (6.0 - r * t))
    e = (r * (e - c) - c) - s
    whole = cast(n, I64)
    inverse = _power_of_two(-whole)
    y = select(n < 20.0, (1.0 - inverse) - (e - r), (r - (e + inverse)) + 1.0)
    return _scale(y, whole)


def _split(x: Expr) -> tuple[Expr, Expr]:
    """x = 2**e * m with m in [sqrt(1/2), sqrt(2)): e as f64, and m. For positive finite x."""
    tiny = x < 2.2250738585072014e-308
    bits = bitcast(select(tiny, x * 2.0**54, x), I64)
    e = call("shr", bits - 0x3FE6A09E667F3BCD, 52)
    m = bitcast(bits - call("shl", e, 52), F64)
    return cast(e, F64) - select(tiny, _number(54.0), 0.0), m


def _log_edges(x: Expr, y: Expr) -> Expr:
    y = select(x < INF, y, x)
    y = select(call("eq", x, 0.0), _number(-INF), y)
    return select(x < 0.0, _number(NAN), y)


def log(x: Expr) -> Expr:
    """ln x from atanh((m - 1) / (m + 1))."""
    n, m = _split(x)
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    r = z * _horner(
        z, 6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01,
        2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01,
        1.479819860511658591e-01,
    )  # fmt: skip
    h = f * f * 0.5
    y = n * LN2_HIGH - ((h - (s * (h + r) + n * LN2_LOW)) - f)
    return _log_edges(x, y)


def log1p(x: Expr) -> Expr:
    """ln(1 + x), corrected for what 1 + x loses."""
    u = 1.0 + x
    lost = select(u < INF, (x - (u - 1.0)) / u, _number(0.0))
    return log(u) + select(call("eq", u, 0.0), _number(0.0), lost)


def tanh(x: Expr) -> Expr:
    """From expm1 of twice |x|, negated below 1."""
    a = call("min", _abs(x), 22.0)
    large = a >= 1.0
    t = expm1(select(large, a + a, a * -2.0))
    q = t + 2.0
    return _with_sign(select(large, 1.0 - 2.0 / q, _abs(t) / q), x)


def sinh(x: Expr) -> Expr:
    """From expm1, and from e**|x| above 22."""
    a = _abs(x)
    t = expm1(call("min", a, 22.0))
    q = t / (t + 1.0)
    y = select(a < 1.0, (t + t) - t * q, t + q) * 0.5
    return _with_sign(select(a > 22.0, exp(a, -1), y), x)


def cosh(x: Expr) -> Expr:
    """From e**|x|."""
    half = exp(_abs(x), -1)
    return half + 0.25 / half


def asinh(x: Expr) -> Expr:
    """From log1p, and from log above 2**28."""
    a = _abs(x)
    z = x * x
    y = log1p(a + z / (1.0 + call("sqrt", 1.0 + z)))
    return _with_sign(select(a > 2.0**28, log(a) + LN2, y), x)


def acosh(x: Expr) -> Expr:
    """From log1p, and from log above 2**28."""
    t = x - 1.0
    y = log1p(t + call("sqrt", t + t + t * t))
    return select(x > 2.0**28, log(x) + LN2, y)


def atanh(x: Expr) -> Expr:
    """From log1p."""
    a = _abs(x)
    t = a + a
    return _with_sign(log1p(select(a < 0.5, t + t * a / (1.0 - a), t / (1.0 - a))) * 0.5, x)


def atan(x: Expr) -> Expr:
    """|x| reduced by one of four identities, then an odd polynomial of degree 23."""
    a = _abs(x)
    reduced, high, low = a, _number(0.0), _number(0.0)
    for limit, formula, h, lo in (
        (
            0.4375,
            (2.0 * a - 1.0) / (2.0 + a),
            4.63647609000806093515e-01,
            2.26987774529616870924e-17,
        ),
        (0.6875, (a - 1.0) / (a + 1.0), 7.85398163397448278999e-01, 3.06161699786838301793e-17),
        (
            1.1875,
            (a - 1.5) / (1.0 + 1.5 * a),
            9.82793723247329054082e-01,
            1.39033110312309984516e-17,
        ),
        (2.4375, -1.0 / a, PI_2_HIGH, PI_2_LOW),
    ):
        beyond = a >= limit
        reduced = select(beyond, formula, reduced)
        high = select(beyond, _number(h), high)
        low = select(beyond, _number(lo), low)
    z = reduced * reduced
    s = z * _horner(
        z, 3.33333333333329318027e-01, -1.99999999998764832476e-01, 1.42857142725034663711e-01,
        -1.11111104054623557880e-01, 9.09088713343650656196e-02, -7.69187620504482999495e-02,
        6.66107313738753120669e-02, -5.83357013379057348645e-02, 4.97687799461593236017e-02,
        -3.65315727442169155270e-02, 1.62858201153657823623e-02,
    )  # fmt: skip
    return _with_sign(high - ((reduced * s - low) - reduced), x)


def _asin_ratio(z: Expr) -> Expr:
    p = z * _horner(
        z, 1.66666666666666657415e-01, -3.25565818622400915405e-01, 2.01212532134862925881e-01,
        -4.00555345006794114027e-02, 7.91534994289814532176e-04, 3.47933107596021167570e-05,
    )  # fmt: skip
    q = _horner(
        z, 1.0, -2.40339491173441421878e00, 2.02094576023350569471e00, -6.88283971605453293030e-01,
        7.70381505559019352791e-02,
    )  # fmt: skip
    return p / q


def _root(z: Expr) -> tuple[Expr, Expr, Expr]:
    """sqrt(z), its upper half, and what that lacks."""
    s = call("sqrt", z)
    high = bitcast(call("and", bitcast(s, I64), -(1 << 32)), F64)
    return s, high, select(s > 0.0, (z - high * high) / (s + high), _number(0.0))


def asin(x: Expr) -> Expr:
    """x + x R(x*x) up to 1/2, else pi/2 - 2 asin(sqrt((1 - |x|) / 2))."""
    a = _abs(x)
    z = (1.0 - a) * 0.5
    s, high, rest = _root(z)
    p = 2.0 * s * _asin_ratio(z) - (PI_2_LOW - 2.0 * rest)
    large = PI_2_HIGH * 0.5 - (p - (PI_2_HIGH * 0.5 - 2.0 * high))
    small = a + a * _asin_ratio(a * a)
    return _with_sign(select(a < 0.5, small, large), x)


def acos(x: Expr) -> Expr:
    """From the same rational function as asin."""
    a = _abs(x)
    z = (1.0 - a) * 0.5
    s, high, rest = _root(z)
    r = _asin_ratio(z)
    middle = PI_2_HIGH - (x - (PI_2_LOW - x * _asin_ratio(x * x)))
    negative = 2.0 * PI_2_HIGH - 2.0 * (s + (r * s - PI_2_LOW))
    positive = 2.0 * (high + (r * s + rest))
    return select(a < 0.5, middle, select(x < 0.0, negative, positive))


def erf(x: Expr) -> Expr:
    """Rational functions of x*x, |x| - 1 and 1/(x*x) on [0, 0.84375), [.., 1.25) and beyond."""
    a = call("min", _abs(x), 6.0)
    z = a * a
    small = a + a * (
        _horner(
            z, 1.28379167095512558561e-01, -3.25042107247001499370e-01, -2.84817495755985104766e-02,
            -5.77027029648944159157e-03, -2.37630166566501626084e-05,
        )
        / _horner(
            z, 1.0, 3.97917223959155352819e-01, 6.50222499887672944485e-02,
            5.08130628187576562776e-03, 1.32494738004321644526e-04, -3.96022827877536812320e-06,
        )
    )  # fmt: skip
    s = a - 1.0
    near_one = 8.45062911510467529297e-01 + (
        _horner(
            s, -2.36211856075265944077e-03, 4.14856118683748331666e-01, -3.72207876035701323847e-01,
            3.18346619901161753674e-01, -1.10894694282396677476e-01, 3.54783043256182359371e-02,
            -2.16637559486879084300e-03,
        )
        / _horner(
            s, 1.0, 1.06420880400844228286e-01, 5.40397917702171048937e-01,
            7.18286544141962662868e-02, 1.26171219808761642112e-01, 1.36370839120290507362e-02,
            1.19844998467991074170e-02,
        )
    )  # fmt: skip
    y = select(a < 0.84375, small, select(a < 1.25, near_one, 1.0 - _erfc_tail(a)))
    return _with_sign(y, x)


def _erfc_tail(a: Expr) -> Expr:
    """1 - erf for a in [1.25, 6], without the last bits that 1 - erfc would lose anyway."""
    s = 1.0 / (a * a)
    near = a < 1.0 / 0.35
    r = _horner(
        s, -9.86494403484714822705e-03, -6.93858572707181764372e-01, -1.05586262253232909814e01,
        -6.23753324503260060396e01, -1.62396669462573470355e02, -1.84605092906711035994e02,
        -8.12874355063065934246e01, -9.81432934416914548592e00,
    ) / _horner(
        s, 1.0, 1.96512716674392571292e01, 1.37657754143519042600e02, 4.34565877475229228821e02,
        6.45387271733267880336e02, 4.29008140027567833386e02, 1.08635005541779435134e02,
        6.57024977031928170135e00, -6.04244152148580987438e-02,
    )  # fmt: skip
    far = _horner(
        s, -9.86494292470009928597e-03, -7.99283237680523006574e-01, -1.77579549177547519889e01,
        -1.60636384855821916062e02, -6.37566443368389627722e02, -1.02509513161107724954e03,
        -4.83519191608651397019e02,
    ) / _horner(
        s, 1.0, 3.03380607434824582924e01, 3.25792512996573918826e02, 1.53672958608443695994e03,
        3.19985821950859553908e03, 2.55305040643316442583e03, 4.74528541206955367215e02,
        -2.24409524465858183362e01,
    )  # fmt: skip
    return exp(-(a * a) - 0.5625 + select(near, r, far)) / a


def _two_product(a: Expr, b: Expr) -> tuple[Expr, Expr]:
    """a * b as an unevaluated sum (Dekker)."""
    product = a * b
    a1, b1 = (_upper(v) for v in (a, b))
    a2, b2 = a - a1, b - b1
    return product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2


def _upper(x: Expr) -> Expr:
    """x with the lower 27 bits of its mantissa cleared."""
    return bitcast(call("and", bitcast(x, I64), -(1 << 27)), F64)


def _two_sum(a: Expr, b: Expr) -> tuple[Expr, Expr]:
    """a + b as an unevaluated sum (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _log_pair(x: Expr) -> tuple[Expr, Expr]:
    """ln x as a sum with an error below 2**-64 of it."""
    n, m = _split(x)
    f = m - 1.0
    v = m + 1.0
    s = f / v
    back, error = _two_product(s, v)
    s_low = ((f - back) - error - s * (m - (v - 1.0))) / v
    z, z_low = _two_product(s, s)
    z_low = z_low + 2.0 * s * s_low
    rest = z * z * _horner(z, *(1.0 / (2 * k + 5) for k in range(12)))
    third, third_low = _two_product(z, _number(1 / 3))
    third_low = third_low + z * 1.850371707708594e-17 + z_low * (1 / 3) + rest
    extra, extra_low = _two_product(s, third)
    extra_low = extra_low + s * third_low + s_low * third
    high, low = _two_sum(s, extra)
    low = low + extra_low + s_low
    scaled, scaled_low = n * LN2_HIGH, n * LN2_LOW  # the first product is exact
    total, total_low = _two_sum(scaled, 2.0 * high)
    exact, exact_low = _two_sum(total, scaled_low)
    return _two_sum(exact, exact_low + total_low + 2.0 * low)


def power(x: Expr, y: Expr) -> Expr:
    """|x|**y = e**(y ln |x|), with twice the precision up to the product; then IEEE's cases."""
    a = _abs(x)
    finite = select(a < INF, a, _number(1.0))
    high, low = _log_pair(select(finite > 0.0, finite, _number(1.0)))
    exponent = clamp(y, -(2.0**66), 2.0**66)
    product, error = _two_product(exponent, high)
    error = error + exponent * low
    result = exp(product, rest=select(_abs(product) < 800.0, error, _number(0.0)))
    grows = y > 0.0
    result = select(call("eq", a, 0.0), select(grows, _number(0.0), INF), result)
    result = select(call("eq", a, INF), select(grows, _number(INF), 0.0), result)
    half = y * 0.5
    whole = call("eq", call("floor", y), y)
    odd = call("and", whole, call("ne", call("floor", half), half))
    negative = bitcast(x, I64) < 0
    result = select(call("and", negative, odd), -result, result)
    undefined = call("and", call("and", x < 0.0, a < INF), call("not", whole))
    result = select(undefined, _number(NAN), result)
    result = select(call("and", call("eq", a, 1.0), call("eq", _abs(y), INF)), _number(1.0), result)
    result = select(call("ne", x, x), x, select(call("ne", y, y), y, result))
    one = call("or", call("eq", x, 1.0), call("eq", y, 0.0))
    return select(one, _number(1.0), result)


_FUNCTIONS: dict[str, Callable[[Expr], Expr]] = {
    f.__name__: f for f in (exp, log, tanh, erf, sinh, cosh, atan, asin, acos, asinh, acosh, atanh)
}


def approximation(op: str) -> Expr:
    """The function spelled out for argument 0, or for pow, 0 and 1."""
    if op == "pow":
        return power(arg(0, F64), arg(1, F64))
    return _FUNCTIONS[op](arg(0, F64))
