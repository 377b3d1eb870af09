"""Rewrite an Expr so that only the dtypes that Wasm computes in are left.

Those are f32, f64, i32, u32, i64, u64 and bool. Narrow integers become i32 (their values fit),
with a wrap after each operation that can leave their range. f16 and bf16 are computed in f32 and
rounded where the expression casts to them and when they are stored, not after each operation.

An argument of a narrow integer dtype becomes one of i32, one of a half dtype its bits in an i32:
see `lane`. So does the result of `legalize` where the expression is of such a dtype.
"""

from __future__ import annotations

from ...ir.dtype import BF16, BOOL, F16, F32, I32, U32, DType
from ...ir.expr import Expr, arg, call, cast, clamp, const, select

__all__ = ["bitcast", "lane", "legalize"]

_HALF = (F16, BF16)

# operations on narrow integers whose result may need wrapping
_LEAVES_RANGE = frozenset(["add", "sub", "mul", "div", "neg", "abs", "pow", "shl", "not"])


def lane(dtype: DType) -> DType:
    """The dtype in which a value of `dtype` enters and leaves a legal expression."""
    return I32 if dtype.itemsize < 4 and dtype != BOOL else dtype


def legalize(expr: Expr) -> Expr:
    """The expression with arguments and result of `lane` dtypes."""
    done = _Rewrite().walk(expr)
    if expr.dtype in _HALF:
        done = _to_bits(done, expr.dtype)
    return done


def bitcast(x: Expr, dtype: DType) -> Expr:
    """The same bits as another dtype of the same size."""
    return x if x.dtype == dtype else Expr("bitcast", (x,), dtype)


class _Rewrite:
    """Each node once, by structure."""

    def __init__(self) -> None:
        self.memo: dict[Expr, Expr] = {}

    def walk(self, e: Expr) -> Expr:
        done = self.memo.get(e)
        if done is None:
            done = self.memo[e] = self.rewrite(e)
        return done

    def rewrite(self, e: Expr) -> Expr:
        dtype = e.dtype
        core = F32 if dtype in _HALF else lane(dtype)
        if e.op == "arg":
            assert isinstance(e.value, int)
            x = arg(e.value, lane(dtype))
            return _from_bits(x, dtype) if dtype in _HALF else x
        if e.op == "const":
            assert e.value is not None
            return const(e.value, core)
        operands = tuple(map(self.walk, e.args))
        if e.op == "cast":
            return _cast(operands[0], e.args[0].dtype, dtype)
        if e.op == "bitcast":
            return _bitcast(operands[0], e.args[0].dtype, dtype)
        if e.op == "pow" and core.is_float and operands[1].op == "const":
            return _constant_power(operands[0], operands[1])
        done = Expr(e.op, operands, core, e.value)
        return _wrap(done, dtype) if core != dtype and e.op in _LEAVES_RANGE else done


def _wrap(x: Expr, dtype: DType) -> Expr:
    """An i32 reduced to the range of a narrow integer."""
    if dtype.kind == "u":
        return call("and", x, (1 << dtype.bits) - 1)
    if dtype.kind == "i":
        return call("shr", call("shl", x, 32 - dtype.bits), 32 - dtype.bits)
    return x


def _cast(x: Expr, source: DType, target: DType) -> Expr:
    if target == BOOL:
        return x if source == BOOL else call("ne", x, 0)
    if target in _HALF:
        wide = cast(x, F32)
        return _from_bits(_to_bits(wide, target), target) if source != target else wide
    if lane(target) == target:
        return cast(x, target)
    if x.dtype.is_float:
        low = -(1 << (target.bits - 1)) if target.kind == "i" else 0
        return cast(clamp(x, low, low + (1 << target.bits) - 1), I32)
    if source == BOOL:
        return cast(x, I32)
    fits = source.itemsize < target.itemsize and source.kind == "u"
    return cast(x, I32) if fits else _wrap(cast(x, I32), target)


def _bitcast(x: Expr, source: DType, target: DType) -> Expr:
    if source in _HALF:
        x = _to_bits(x, source)
    if target in _HALF:
        return _from_bits(call("and", x, 0xFFFF), target)
    return bitcast(x, target) if lane(target) == target else _wrap(x, target)


def _constant_power(x: Expr, exponent: Expr) -> Expr:
    """x to the powers that models use, by multiplication; others as they are."""
    y = exponent.value
    if y == 0.5:
        return call("sqrt", x + 0.0)  # as pow(-0, 0.5) is +0
    powers: dict[float, Expr] = {
        0: const(1, x.dtype),
        1: x,
        2: x * x,
        3: x * x * x,
        4: x * x * (x * x),
        -1: 1 / x,
    }
    return powers.get(y, Expr("pow", (x, exponent), x.dtype)) if y is not None else x


def _from_bits(bits: Expr, dtype: DType) -> Expr:
    """The f32 of a half's bits, which are an i32 below 65536."""
    if dtype == BF16:
        return bitcast(call("shl", bits, 16), F32)
    rest = call("and", bits, 0x7FFF)
    # The exponent is rebiased by a multiplication, which also makes denormals normal.
    scaled = bitcast(bitcast(call("shl", rest, 13), F32) * 2.0**112, I32)
    value = select(rest >= 0x7C00, call("or", scaled, 0x7F800000), scaled)
    return bitcast(call("or", value, call("shl", call("and", bits, 0x8000), 16)), F32)


def _to_bits(x: Expr, dtype: DType) -> Expr:
    """The bits of an f32 rounded to a half, to nearest even; any NaN becomes quiet."""
    bits = bitcast(x, U32)
    sign = call("and", call("shr", bits, 16), 0x8000)
    if dtype == BF16:
        odd = call("and", call("shr", bits, 16), 1)
        rounded = call("shr", bits + (odd + 0x7FFF), 16)
        return bitcast(select(call("ne", x, x), call("or", sign, 0x7FC0), rounded), I32)
    # Adding a power of two chosen by the exponent rounds the mantissa to the bits that are kept;
    # scaling up and down first makes what is too large infinite.
    twice = bits + bits
    base = call("abs", x) * 2.0**112 * 2.0**-110
    exponent = call("max", call("and", twice, 0xFF000000), 0x71000000)
    power = bitcast(call("shr", exponent, 1) + 0x07800000, F32)
    sum_bits = bitcast(power + base, U32)
    magnitude = call("and", call("shr", sum_bits, 13), 0x7C00) + call("and", sum_bits, 0x0FFF)
    return bitcast(call("or", sign, select(twice > 0xFF000000, const(0x7E00, U32), magnitude)), I32)
