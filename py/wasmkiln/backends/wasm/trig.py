"""sin, cos and tan: reduction of the argument by multiples of pi/2, and the f64 functions.

Up to LIMIT the reduction subtracts n * pi/2 in parts, where the first product is exact. Beyond,
|x| is multiplied by as many bits of 2/pi as matter modulo 4 (Payne and Hanek), in integers. f64: 2
ulp (the kernels are fdlibm's). Four f32 are reduced in f64, beyond the limit one by one as f64.
"""

from __future__ import annotations

from . import asm as w
from .function import Function, Local
from .isa import f64, i32, i64
from .module import Module
from .val import Val

__all__ = ["LIMIT", "reduce_vector", "scalar_trig"]

LIMIT = 1e6  # n below 2**20, so that its product with the 33 bits of PI_2_A is exact
TWO_OVER_PI = 0.6366197723675814
PI_2_A, PI_2_B = 1.57079632673412561417, 6.07710050630396597660e-11  # 33 bits each
PI_2_C = 2.02226624879595063154e-21  # the rest
PI_2, PI_2_REST = 1.57079632679489655800, 6.12323399573676603587e-17

_LEADING_ZEROS = 64  # of the table, for the integer bits of 2/pi
_WORDS = 41  # 64 + 971 + 192 bits, and a word for the shift
_LIMBS = 6  # 192 bits: 2 of the quadrant, 61 that may cancel, 53 of the result, and to spare


def scalar_trig(m: Module, op: str) -> Function:
    """The internal function of f64."""

    def make() -> Function:
        f = m.function(f"{op}_f64", (f64,), (f64,))
        x = f.params[0]
        n, high, low = f.local(i32, "n"), f.local(f64, "high"), f.local(f64, "low")
        with f.if_((w.f64_abs(x) < float("inf")).eqz()):
            f.return_(x - x)
        if op != "cos":
            with f.if_(w.f64_abs(x) < 2.0**-27):  # keeps the sign of zero
                f.return_(x)
        with f.if_(w.f64_abs(x) <= LIMIT):
            _reduce(f, x, n, high, low)
        with f.else_():
            _reduce_large(f, x, n, high, low)
        sine, cosine = _kernels(f, high, low)
        odd = (n & 1).ne(0)
        if op == "tan":
            f.return_(w.select(-cosine, sine, odd) / w.select(sine, cosine, odd))
        else:
            quarter = n if op == "sin" else f.let(n + 1)
            value = f.let(w.select(cosine, sine, (quarter & 1).ne(0)))
            f.return_(w.select(-value, value, (quarter & 2).ne(0)))
        return f

    return m.once(f"{op}_f64", make)


def _reduce(f: Function, x: Val, n: Local, high: Local, low: Local) -> None:
    """x = n pi/2 + high + low."""
    count = f.let(w.f64_nearest(x * TWO_OVER_PI), "count")
    f.set(n, w.i32_trunc_sat_f64_s(count))
    first = f.let(x - count * PI_2_A, "first")  # exact
    product = f.let(count * PI_2_B, "product")  # exact
    total, part = f.let(first - product, "total"), f.local(f64, "part")
    f.set(part, total - first)
    error = (first - (total - part)) - (product + part)
    rest = f.let(error - count * PI_2_C, "rest")
    f.set(high, total + rest)
    f.set(low, (total - high) + rest)


def _kernels(f: Function, x: Local, y: Local) -> tuple[Local, Local]:
    """sin and cos of x + y in [-pi/4, pi/4]."""
    z = f.let(x * x, "z")
    v = f.let(z * x, "v")
    r = _horner(
        z, 8.33333333332248946124e-03, -1.98412698298579493134e-04, 2.75573137070700676789e-06,
        -2.50507602534068634195e-08, 1.58969099521155010221e-10,
    )  # fmt: skip
    sine = f.let(x - ((z * (0.5 * y - v * r) - y) - v * -1.66666666666666324348e-01), "sine")
    c = z * _horner(
        z, 4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05,
        -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11,
    )  # fmt: skip
    h = f.let(z * 0.5, "h")
    one = f.let(1 - h, "one")
    cosine = f.let(one + (((1 - one) - h) + (z * c - x * y)), "cosine")
    return sine, cosine


def _horner(x: Local, *coefficients: float) -> Val:
    value: Val = w.f64_const(coefficients[-1])
    for c in coefficients[-2::-1]:
        value = value * x + c
    return value


def _two_over_pi_words() -> list[int]:
    """32-bit words of 2/pi after some zeros, by Machin's formula in integers."""
    bits = 32 * _WORDS + 64

    def arctan_inverse(k: int) -> int:
        power = total = (1 << bits) // k
        i = 1
        while power:
            power //= -k * k
            i += 2
            total += power // i
        return total

    pi = 4 * (4 * arctan_inverse(5) - arctan_inverse(239))
    value = (2 << 2 * bits) // pi >> (bits - 32 * _WORDS + _LEADING_ZEROS)
    return [value >> 32 * (_WORDS - 1 - i) & 0xFFFFFFFF for i in range(_WORDS)]


def _table(m: Module) -> Function:
    """The internal function from an index to a word of 2/pi, as the low half of an i64."""

    def make() -> Function:
        f = m.function("two_over_pi", (i32,), (i64,))
        for i, word in enumerate(_two_over_pi_words()):
            with f.if_(f.params[0].eq(i)):
                f.return_(word)
        f.return_(0)
        return f

    return m.once("two_over_pi", make)


def _reduce_large(f: Function, x: Val, n: Local, high: Local, low: Local) -> None:
    """x = n pi/2 + high + low (n modulo 4) for any finite x above the limit.

    |x| = m * 2**e. The bits of 2/pi before the one of weight 2**(1 - e) give multiples of 4.
    """
    bits = f.let(w.i64_reinterpret_f64(w.f64_abs(x)), "bits")
    mantissa = f.let(bits & ((1 << 52) - 1) | (1 << 52), "mantissa")
    exponent = f.let(w.i32_wrap_i64(bits >> 52) - 1075, "exponent")
    limbs = _multiply(f, _window(f, exponent - 2 + _LEADING_ZEROS), mantissa)
    # limbs[0] is the most significant: two bits of the quadrant, then the fraction
    a = f.let(limbs[0] << 34 | limbs[1] << 2 | limbs[2] >> 30, "a")
    b = f.let(limbs[2] << 34 | limbs[3] << 2 | limbs[4] >> 30, "b")
    negative = f.let(a.lt_s(0), "negative")  # a fraction of 1/2 or more counts from the next
    f.set(n, w.i32_wrap_i64(limbs[0] >> 30) + negative)
    with f.if_(negative):
        f.set(b, -b)
        f.set(a, (a ^ -1) + w.i64_extend_i32_u(b.eqz()))
    head = f.let(w.f64_convert_i64_u(a >> 32) * 2.0**-32, "head")
    tail = f.let(w.f64_convert_i64_u(a & 0xFFFFFFFF) * 2.0**-64, "tail")
    first = f.let(head + tail, "first")
    next_bits = f.let(w.f64_convert_i64_u(b >> 32) * 2.0**-96, "next")
    fraction = f.let(first + next_bits, "fraction")
    lost = f.let(((head - first) + tail) + ((first - fraction) + next_bits), "lost")
    f.set(lost, lost + w.f64_convert_i64_u(b & 0xFFFFFFFF) * 2.0**-128)
    product, error = _two_product(f, fraction, PI_2)
    rest = f.let(error + fraction * PI_2_REST + lost * PI_2, "rest")
    f.set(high, product + rest)
    f.set(low, (product - high) + rest)
    with f.if_(negative.ne(w.i64_reinterpret_f64(x).lt_s(0))):
        f.set(high, -high)
        f.set(low, -low)
    with f.if_(w.i64_reinterpret_f64(x).lt_s(0)):
        f.set(n, -n)


def _window(f: Function, position: Val) -> list[Local]:
    """The words of 2/pi from a bit position of the table."""
    table = _table(f.module)
    at = f.let(position, "position")
    shift = f.let(w.i64_extend_i32_u(32 - (at & 31)), "shift")
    words = [f.let(f.call(table, (at >> 5) + i)) for i in range(_LIMBS + 1)]
    return [f.let((words[i] << 32 | words[i + 1]) >> shift & 0xFFFFFFFF) for i in range(_LIMBS)]


def _multiply(f: Function, window: list[Local], factor: Local) -> list[Local]:
    """The low 192 bits of the window times 53 bits, in limbs of 32."""
    result = [f.local(i64) for _ in range(_LIMBS)]
    carry = f.local(i64, "carry")
    for half, part in enumerate((factor & 0xFFFFFFFF, factor >> 32)):
        digit = f.let(part)
        f.set(carry, 0)
        for i in range(_LIMBS - 1, half - 1, -1):
            f.set(carry, window[i] * digit + result[i - half] + carry)
            f.set(result[i - half], carry & 0xFFFFFFFF)
            f.set(carry, carry >> 32)
    return result


def _two_product(f: Function, a: Local, b: float) -> tuple[Local, Val]:
    """a * b and its rounding error (Dekker)."""
    product = f.let(a * b, "product")
    mask = -(1 << 27)
    a1 = f.let(w.f64_reinterpret_i64(w.i64_reinterpret_f64(a) & mask))
    a2 = f.let(a - a1)
    b1 = float.fromhex("0x1.921fb54p+0")
    b2 = b - b1
    return product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2


def reduce_vector(f: Function, x: Local) -> tuple[Val, Val]:
    """For four f32 up to LIMIT: r as f32x4 and n as i32x4, with x = n pi/2 + r; reduced in f64."""
    halves = [w.f64x2_promote_low_f32x4(x)]
    upper = w.i8x16_shuffle(x, x, [*range(8, 16), *range(8, 16)])
    halves.append(w.f64x2_promote_low_f32x4(upper))
    parts, counts = [], []
    for half in halves:
        value = f.let(half)
        count = w.f64x2_nearest(w.f64x2_mul(value, w.f64x2_const(TWO_OVER_PI)))
        count = f.let(w.f64x2_add(count, w.f64x2_const(0)))  # -0 would take the sign from -0
        r = w.f64x2_sub(value, w.f64x2_mul(count, w.f64x2_const(PI_2_A)))
        r = w.f64x2_sub(r, w.f64x2_mul(count, w.f64x2_const(PI_2_B)))
        parts.append(w.f32x4_demote_f64x2_zero(r))
        counts.append(w.i32x4_trunc_sat_f64x2_s_zero(count))
    low_halves = [*range(8), *range(16, 24)]
    return w.i8x16_shuffle(*parts, low_halves), w.i8x16_shuffle(*counts, low_halves)
