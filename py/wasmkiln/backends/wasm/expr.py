"""Emit an Expr: on four lanes of a vector, or as a scalar.

    relu = VectorExpr(f, target, spec.epilogue)     # before the loop: loads constants into locals
    f.v128_store(p, relu(acc))                      # in the loop, as often as wanted

Arguments are values of `legalize.lane` dtypes. The result evaluates each argument once, and holds
shared subexpressions in locals which belong to the emitter: use the result before it is made
again, and don't pass one result of an emitter to the same emitter.
"""

from __future__ import annotations

from math import inf

from ...ir.dtype import BOOL, F32, F64, I32, DType
from ...ir.expr import COMPARE, Expr, const
from ..base import Target
from . import asm as w
from . import math
from .arith import SCALAR_ONLY, scalar_operation
from .function import Function, Local
from .isa import ValType, f32, f64, i32, i64, uleb, v128
from .legalize import legalize
from .loops import madd, nmadd
from .module import Module
from .val import Val, coerce

__all__ = ["ScalarExpr", "VectorExpr", "is_vectorizable", "scalar_type"]

_VECTOR_DTYPES = frozenset(["f32", "i32", "u32", "bool"])
# Added to a float of up to 2**22, it rounds it to an integer, and holds that in its low bits.
MAGIC, MOST_ROUNDED = 1.5 * 2**23, 2**22

_SHAPE = {"f32": "f32x4", "i32": "i32x4", "u32": "i32x4"}


def scalar_type(dtype: DType) -> ValType:
    """The Wasm type of a dtype that legal expressions use."""
    if dtype.is_float:
        return f32 if dtype == F32 else f64
    return i64 if dtype.itemsize == 8 else i32


def is_vectorizable(expr: Expr) -> bool:
    """Whether all steps of an expression fit lanes of four bytes."""
    return all(e.dtype.name in _VECTOR_DTYPES for e in _count_uses(legalize(expr)))


def _count_uses(expr: Expr) -> dict[Expr, int]:
    """The distinct nodes, operands first, and how often each is used."""
    uses: dict[Expr, int] = {}

    def walk(e: Expr) -> None:
        for a in e.args:
            if a in uses:
                uses[a] += 1
            else:
                walk(a)
                uses[a] = 1

    walk(expr)
    uses[expr] = 1
    return uses


class _Emitter:
    """Arguments in locals, shared nodes in locals, the body's code built once."""

    def __init__(self, f: Function, expr: Expr) -> None:
        self.f = f
        self.expr = expr
        self.uses = _count_uses(expr)
        self.made: dict[Expr, Local] = {}
        self.inputs: dict[int, Local] = {}
        for e in self.uses:
            if e.op == "arg":
                assert isinstance(e.value, int)
                self.inputs[e.value] = f.local(self.type_of(e.dtype), f"x{e.value}")
        self.body = b""

    def __call__(self, *args: Val) -> Val:
        """The value for these arguments; those that the expression does not use are ignored."""
        if not self.body:
            self.body = self.emit(self.expr).code
        code = b""
        for i, local in self.inputs.items():
            assert local.type is not None
            value = coerce(args[i], local.type, f"{self.f.name}: argument {i} of its expression")
            code += value.code + b"\x21" + uleb(local.index)
        return Val(self.type_of(self.expr.dtype), code + self.body)

    def emit(self, e: Expr) -> Val:
        """The value of a node; a shared one is computed where it comes first, and kept."""
        if e.op == "arg":
            assert isinstance(e.value, int)
            return self.inputs[e.value]
        known = self.made.get(e)
        if known is not None:
            return known
        value = self.operation(e)
        if self.uses[e] > 1 and e.args:
            local = self.made[e] = self.f.local(self.type_of(e.dtype))
            value = self.f.tee(local, value)
        return value

    def operands(self, e: Expr) -> list[Val]:
        """The values of a node's operands, to be used in this order."""
        return [self.emit(a) for a in e.args]

    def type_of(self, dtype: DType) -> ValType:
        """The Wasm type that carries a dtype."""
        raise NotImplementedError

    def operation(self, e: Expr) -> Val:
        """The value of a node that is not an argument."""
        raise NotImplementedError


class ScalarExpr(_Emitter):
    """An expression on scalars of any dtype; bool is an i32 of 0 or 1."""

    def __init__(self, f: Function, expr: Expr) -> None:
        super().__init__(f, legalize(expr))

    def type_of(self, dtype: DType) -> ValType:
        """The scalar type."""
        return scalar_type(dtype)

    def operation(self, e: Expr) -> Val:
        """Emit one node."""
        if e.op == "const":
            return _scalar_const(e)
        if e.op == "select":
            condition, a, b = e.args
            return w.select(self.emit(a), self.emit(b), self.emit(condition))
        return _scalar(self.f, e, self.operands(e))


class VectorExpr(_Emitter):
    """An expression on four lanes; a bool lane is all ones or all zeros.

    `inline` puts exp, tanh and their like into the code, with their constants in locals: fast in a
    loop. Otherwise they are calls of internal functions, and the code stays small.
    """

    def __init__(self, f: Function, target: Target, expr: Expr, inline: bool = True) -> None:
        self.target = target
        legal = legalize(expr)
        super().__init__(f, math.expand(legal) if inline else legal)
        for e in self.uses:
            if e.op == "const":
                self.made[e] = f.let(_vector_const(e))
        for e in self.uses:
            steps = _rounded_within(e)
            for number in (MAGIC, *steps[1:]) if steps else ():
                self.const(number)

    def const(self, number: float) -> Local:
        """A number in all lanes, loaded before any loop if it is first asked for there."""
        e = const(number)
        if e not in self.made:
            self.made[e] = self.f.let(_vector_const(e))
        return self.made[e]

    def type_of(self, dtype: DType) -> ValType:
        """Always a vector."""
        return v128

    def operation(self, e: Expr) -> Val:
        """Emit one node."""
        op, args = e.op, e.args
        steps = _rounded_within(e)
        if steps is not None:
            return self._round(*steps)
        if op in ("cast", "bitcast"):
            return _vector_cast(self.emit(args[0]), args[0].dtype, e)
        if op == "select":
            values = self.emit(args[1]), self.emit(args[2]), self.emit(args[0])
            relaxed = self.target.simd == "relaxed"
            return _op("i32x4_relaxed_laneselect" if relaxed else "v128_bitselect", *values)
        if op in ("add", "sub") and e.dtype == F32:
            fused = self._fused(e)
            if fused is not None:
                return fused
        if op in ("shl", "shr") and args[1].op == "const":
            name = "shl" if op == "shl" else f"shr_{e.dtype.kind.replace('i', 's')}"
            return _op(f"i32x4_{name}", self.emit(args[0]), w.i32_const(int(args[1].value or 0)))
        if op in math.FUNCTIONS or op in math.TRIGONOMETRIC:
            return self.f.call(_vector_function(self.f.module, self.target, op), *self.operands(e))
        if (op, e.dtype.is_float) in SCALAR_ONLY:
            return self._by_lane(e)
        if op in ("min", "max") and _is_number(args[1]):
            # One instruction where f32x4.min is several; it too gives the first operand if that is
            # NaN.
            return _op(f"f32x4_p{op}", *self.operands(e))
        return _vector_operation(e, self.operands(e))

    def _fused(self, e: Expr) -> Val | None:
        """a * b + c, c + a * b and c - a * b with one rounding, where the product isn't shared."""
        left, right = e.args
        if e.op == "add" and left.op == "mul" and self.uses[left] == 1:
            a, b, c = *left.args, right
        elif right.op == "mul" and self.uses[right] == 1:
            a, b, c = *right.args, left
        else:
            return None
        fuse = madd if e.op == "add" else nmadd
        if self.target.simd == "relaxed":
            return fuse(self.target, self.emit(a), self.emit(b), self.emit(c))
        return None

    def _round(self, x: Expr, low: float, high: float) -> Val:
        """The nearest integer, to even, within bounds; the lower bound for NaN.

        Adding 1.5 * 2**23 leaves the integer in the low bits. To round and to convert with
        saturation are a dozen instructions of x86-64.
        """
        limited = w.f32x4_pmin(w.f32x4_pmax(self.const(low), self.emit(x)), self.const(high))
        magic = self.const(MAGIC)
        return w.i32x4_sub(w.f32x4_add(limited, magic), magic)

    def _by_lane(self, e: Expr) -> Val:
        """Four scalar operations."""
        kept = [self.f.local(v128) for _ in e.args]
        values = [self.f.tee(k, v) for k, v in zip(kept, self.operands(e), strict=True)]
        result = Val(None, b"")
        for lane in range(4):
            scalars = [_op(f"{_SHAPE[e.dtype.name]}_extract_lane", v, lane) for v in values]
            value = _scalar(self.f, e, scalars)
            shape = _SHAPE[e.dtype.name]
            result = (
                _op(f"{shape}_replace_lane", result, value, lane)
                if lane
                else _op(f"{shape}_splat", value)
            )
            values = list(kept)
        return result


def _op(name: str, *operands: Val | int) -> Val:
    value: Val = getattr(w, name)(*operands)
    return value


def _rounded_within(e: Expr) -> tuple[Expr, float, float] | None:
    """(x, low, high) where a cast to i32 is one of round(x), limited to [low, high]."""
    low, high = -inf, inf
    if e.op != "cast" or e.dtype != I32 or e.args[0].dtype != F32:
        return None
    x = e.args[0]
    while x.op in ("min", "max") and _is_number(x.args[1]):
        bound = float(x.args[1].value or 0)
        if x.op == "min":
            high = max(low, min(high, bound))
        else:
            low = min(high, max(low, bound))
        x = x.args[0]
    fits = -MOST_ROUNDED <= low <= high <= MOST_ROUNDED
    if x.op != "round" or not fits or low % 1 or high % 1:
        return None
    return x.args[0], low, high


def _is_number(e: Expr) -> bool:
    return e.op == "const" and e.dtype == F32 and e.value == e.value


def _vector_function(m: Module, target: Target, op: str) -> Function:
    """The internal function of a mathematical operation on four floats."""

    def make() -> Function:
        f = m.function(f"{op}_f32x4", (v128,), (v128,))
        x = f.params[0]
        if op in math.TRIGONOMETRIC:
            args = _reduced(f, op, x)
            f.return_(VectorExpr(f, target, math.trig_of_reduced(op))(*args))
        else:
            f.return_(VectorExpr(f, target, math.approximation(op))(x))
        return f

    return m.once(f"{op}_f32x4", make)


def _reduced(f: Function, op: str, x: Local) -> tuple[Val, Val]:
    """The arguments of `trig_of_reduced`; returns from the function if a lane is too large."""
    from . import trig  # loaded where it is needed, like math64

    with f.if_(w.v128_any_true(w.f32x4_gt(w.f32x4_abs(x), w.f32x4_const(trig.LIMIT)))):
        slow = trig.scalar_trig(f.module, op)
        for lane in range(4):
            value = w.f64_promote_f32(w.f32x4_extract_lane(x, lane))
            f.set(x, w.f32x4_replace_lane(x, w.f32_demote_f64(f.call(slow, value)), lane))
        f.return_(x)
    return trig.reduce_vector(f, x)


def _scalar_function(m: Module, op: str, dtype: DType) -> Function:
    """The internal function of a mathematical operation on a scalar."""
    t = scalar_type(dtype)
    if op in math.TRIGONOMETRIC:
        from . import trig

        return trig.scalar_trig(m, op)

    def make() -> Function:
        f = m.function(f"{op}_{t}", (t, t) if op == "pow" else (t,), (t,))
        f.return_(ScalarExpr(f, math.approximation(op, dtype))(*f.params))
        return f

    return m.once(f"{op}_{t}", make)


def _scalar(f: Function, e: Expr, operands: list[Val]) -> Val:
    if e.op in math.TRIGONOMETRIC or (e.op == "pow" and e.dtype.is_float):
        function = _scalar_function(f.module, e.op, F64)
        if e.dtype == F64:
            return f.call(function, *operands)
        wide = [_op("f64_promote_f32", x) for x in operands]
        return _op("f32_demote_f64", f.call(function, *wide))
    if e.op in math.FUNCTIONS:
        return f.call(_scalar_function(f.module, e.op, e.dtype), *operands)
    return scalar_operation(f, e, operands)


def _scalar_const(e: Expr) -> Val:
    value = e.value
    assert value is not None
    t = scalar_type(e.dtype)
    if t is f32 or t is f64:
        return w.f32_const(value) if t is f32 else w.f64_const(value)
    return w.i32_const(int(value)) if t is i32 else w.i64_const(int(value))


def _vector_const(e: Expr) -> Val:
    assert e.value is not None
    if e.dtype == F32:
        return w.f32x4_const(e.value)
    return w.i32x4_const(-int(e.value) if e.dtype == BOOL else int(e.value))


_BOOL_VECTOR = {"and": "v128_and", "or": "v128_or", "xor": "v128_xor", "not": "v128_not"}


def _vector_operation(e: Expr, operands: list[Val]) -> Val:
    """A node that is one instruction, or nearly."""
    op, source = e.op, e.args[0].dtype
    if op in _BOOL_VECTOR:
        return _op(_BOOL_VECTOR[op], *operands)
    if op == "abs" and source.kind == "u":
        return operands[0]
    if source == BOOL and op in ("eq", "ne"):
        differ = _op("v128_xor", *operands)
        return differ if op == "ne" else _op("v128_not", differ)
    signed = op in ("min", "max") or (op in COMPARE and op not in ("eq", "ne"))
    sign = f"_{source.kind.replace('i', 's')}" if signed and source.is_int else ""
    name = "nearest" if op == "round" else op
    return _op(f"{_SHAPE[source.name]}_{name}{sign}", *operands)


def _vector_cast(x: Val, source: DType, e: Expr) -> Val:
    target = e.dtype
    if source == BOOL:
        one = w.f32x4_const(1) if target == F32 else w.i32x4_const(1)
        return _op("v128_and", x, one)
    if e.op == "bitcast" or source.is_float == target.is_float:
        return x
    if target.is_float:
        return _op(f"f32x4_convert_i32x4_{source.kind.replace('i', 's')}", x)
    return _op(f"i32x4_trunc_sat_f32x4_{target.kind.replace('i', 's')}", x)
