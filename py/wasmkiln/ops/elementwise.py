"""What elementwise operators share, and arithmetic, comparison and logic.

    unary("HardSwish", lambda x: x * clamp(x / 6 + 0.5, 0, 1), since=14)

is a whole operator. `Elementwise` derives types and folding from `expr`; the pass `to_maps` turns
the node into a Map. An operator with attributes, or with operands of several dtypes, is a class.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, ClassVar

from ..errors import ShapeError
from ..ir.const import MAX_INLINE, Const
from ..ir.dtype import BOOL, DType
from ..ir.evaluate import evaluate
from ..ir.expr import Expr, arg, call, cast, const, select
from ..ir.shape import Shape, broadcast, numel
from ..ir.types import TensorType
from .base import Op, consuming, lookup, register
from .indexing import broadcast_strides, offsets
from .movement import View

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__ = ["Elementwise", "binary", "is_infinite", "truth", "unary"]


class Elementwise(Op):
    """An operator whose output is a function of the broadcast inputs, element by element."""

    expr: ClassVar[Callable[..., Expr]]
    """expr(self, x: Expr, ...) -> the result. TypeError where dtypes don't fit."""

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        """The broadcast shape, and the dtype of the expression."""
        dtype = _dtype(self, *[t.dtype for t in inputs])
        return (TensorType(dtype, broadcast(*[t.shape for t in inputs])),)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The expression's value for each element."""
        consts = [c for c in inputs if c is not None]
        shape = broadcast(*(c.shape for c in consts))
        if numel(shape) > MAX_INLINE or len(consts) < len(inputs):
            return None
        try:
            expr = self.expr(*(arg(i, c.dtype) for i, c in enumerate(consts)))
        except TypeError as error:
            raise ShapeError(str(error)) from None
        columns = []
        for c in consts:
            values = c.values()
            if c.shape != shape:
                where = offsets(shape, broadcast_strides(c.shape, shape))
                values = tuple(values[o] for o in where)
            columns.append(values)
        return (Const.of(expr.dtype, shape, [evaluate(expr, row) for row in zip(*columns)]),)  # noqa: B905

    @classmethod
    def arity(cls) -> tuple[int, int]:
        """As many inputs as `expr` has operands; any number where those are variadic."""
        code = cls.expr.__code__
        count = code.co_argcount - 1
        return (1, 1 << 30) if code.co_flags & 4 else (count, count)  # 4: has *args


@lru_cache(4096)
def _dtype(op: Elementwise, *dtypes: DType) -> DType:
    """The dtype of an operator's expression."""
    try:
        return op.expr(*[arg(i, dtype) for i, dtype in enumerate(dtypes)]).dtype
    except TypeError as error:
        raise ShapeError(str(error)) from None


def _define(
    op_type: str, since: int, domain: str, doc: str, expr: Callable[..., Expr], module: str
) -> type[Op]:
    body = {"__doc__": doc, "__module__": module, "__annotations__": {}, "expr": expr}
    return register(op_type, since, domain)(type(op_type, (Elementwise,), body))


def unary(op_type: str, function: Callable[[Expr], Expr], since: int = 6, domain: str = "") -> None:
    """Register an operator of one input and no attributes."""

    def expr(self: Op, x: Expr) -> Expr:
        return function(x)

    doc = f"{op_type}(x), element by element."
    cls = _define(op_type, since, domain, doc, expr, function.__module__)
    if since == 6:
        consuming(cls)


def binary(
    op_type: str, function: Callable[[Expr, Expr], Expr], since: int = 7, domain: str = ""
) -> None:
    """Register an operator of two broadcast inputs and no attributes."""

    def expr(self: Op, a: Expr, b: Expr) -> Expr:
        return function(a, b)

    _define(
        op_type,
        since,
        domain,
        f"{op_type}(a, b), broadcast, element by element.",
        expr,
        function.__module__,
    )


MOST_OPERANDS = 8  # pointers that a loop can keep in registers


class _Variadic(Elementwise):
    """One operation between all inputs, of which there may be any number."""

    operation: ClassVar[str]

    def expr(self, *args: Expr) -> Expr:
        """The operation, from left to right."""
        return reduce(lambda a, b: call(self.operation, a, b), args)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """Several nodes where there are many inputs."""
        if len(inputs) <= MOST_OPERANDS:
            return None
        shape = broadcast(*map(g.shape, inputs))
        if any(g.shape(i) != shape for i in inputs):
            first = inputs[:MOST_OPERANDS]
            return (g.add(self, g.add(self, *first), *inputs[MOST_OPERANDS:]),)
        parts = range(0, len(inputs), MOST_OPERANDS)
        return (g.add(self, *(g.add(self, *inputs[i : i + MOST_OPERANDS]) for i in parts)),)


@register("Min", since=6)
class Min(_Variadic):
    """The least of the inputs."""

    operation = "min"


@register("Max", since=6)
class Max(_Variadic):
    """The greatest of the inputs."""

    operation = "max"


@register("Sum", since=6)
class Sum(_Variadic):
    """The sum of the inputs."""

    operation = "add"


@register("Mean", since=6)
class Mean(_Variadic):
    """The mean of the inputs."""

    operation = "add"

    def expr(self, *args: Expr) -> Expr:
        """The sum by the number of inputs."""
        return super().expr(*args) / len(args)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """A Sum and a division where there are many inputs."""
        if len(inputs) <= MOST_OPERANDS:
            return None
        total = g.add(Sum(), *inputs)
        divisor = g.scalar(len(inputs), g.type(total).dtype)
        divide = lookup("", "Div", 7)
        assert divide is not None
        return (g.add(divide(), total, divisor),)


consuming(Min, Max, Sum, Mean)


def truth(x: Expr) -> Expr:
    """Whether the value differs from zero, as NaN does."""
    return x if x.dtype == BOOL else call("ne", x, 0)


def is_infinite(x: Expr) -> Expr:
    """Whether the value is an infinity of either sign."""
    return call("eq", call("abs", x), float("inf"))


def _of(op: str) -> Callable[..., Expr]:
    return lambda *operands: call(op, *operands)


for _name, _op in {"Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div", "And": "and", "Or": "or",
                   "Xor": "xor", "Equal": "eq", "Less": "lt", "Greater": "gt"}.items():  # fmt: skip
    binary(_name, _of(_op))
binary("LessOrEqual", _of("le"), since=12)
binary("GreaterOrEqual", _of("ge"), since=12)
binary("BitwiseAnd", _of("and"), since=18)
binary("BitwiseOr", _of("or"), since=18)
binary("BitwiseXor", _of("xor"), since=18)
unary("BitwiseNot", _of("not"), since=18)
unary("Not", _of("not"), since=1)

for _name in ("Abs", "Neg", "Sqrt", "Floor", "Ceil", "Exp", "Log", "Tanh"):
    unary(_name, _of(_name.lower()))
for _name in ("Sin", "Cos", "Tan", "Asin", "Acos", "Atan"):
    unary(_name, _of(_name.lower()), since=7)
for _name in ("Sinh", "Cosh", "Asinh", "Acosh", "Atanh", "Erf"):
    unary(_name, _of(_name.lower()), since=9)
unary("Round", _of("round"), since=11)
unary("Reciprocal", lambda x: 1 / x)
unary("Sign", lambda x: select(x > 0, const(1, x.dtype), _negative_sign(x)), since=9)


class _Aligned(Op):
    """An operator before opset 7: b broadcasts only if told to, its first dim beside a's `axis`."""

    axis: int | None = None
    broadcast: bool = False
    consumed_inputs: tuple[int, ...] = ()  # a hint to reuse memory, once

    def infer(self, a: TensorType, b: TensorType) -> tuple[TensorType, ...]:
        """The shape of a."""
        if not self.broadcast and a.shape != b.shape:
            raise ShapeError(f"{a} and {b} differ in shape, and broadcast is not set")
        shape = self._aligned(a.shape, b.shape)
        if broadcast(a.shape, shape) != a.shape:
            raise ShapeError(f"{b} at axis {self.axis} does not broadcast to {a}")
        return self._newer().infer(a, TensorType(b.dtype, shape))

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """The operator as it is since opset 7, of an input with more dimensions."""
        a, b = inputs
        shape = self._aligned(g.shape(a), g.shape(b))
        return (g.add(self._newer(), a, g.add(View(shape=shape), b)),)

    def _newer(self) -> Op:
        cls = lookup("", self.op_type, 7)
        assert cls is not None
        return cls()

    def _aligned(self, a: Shape, b: Shape) -> Shape:
        if self.axis is None or not self.broadcast:
            return b
        axis = self.axis + len(a) if self.axis < 0 else self.axis
        return b + (1,) * max(0, len(a) - axis - len(b))


for _name in ("Add", "Sub", "Mul", "Div", "And", "Or", "Xor", "Equal", "Less", "Greater", "Pow"):
    _body: dict[str, object] = {
        "__doc__": _Aligned.__doc__,
        "__module__": __name__,
        "__annotations__": {},
    }
    register(_name, since=1)(type(f"{_name}1", (_Aligned,), _body))


def _negative_sign(x: Expr) -> Expr:
    """-1 for negative values, else the value itself, which is a zero or NaN then."""
    return x if x.dtype.kind == "u" else select(x < 0, const(-1, x.dtype), x)


@register("Mod", since=10)
class Mod(Elementwise):
    """The remainder with the divisor's sign, or with the dividend's where fmod is set."""

    fmod: bool = False

    def expr(self, a: Expr, b: Expr) -> Expr:
        """`fmod` or `mod`, which is 0 for integers modulo 0."""
        return call("fmod" if self.fmod else "mod", a, b)


@register("Pow", since=7)
class Pow(Elementwise):
    """base ** exponent in the base's dtype; the exponent may have another one."""

    def expr(self, base: Expr, exponent: Expr) -> Expr:
        """Computed in floats if either operand is one."""
        if base.dtype.is_int and exponent.dtype.is_float:
            return cast(call("pow", cast(base, exponent.dtype), exponent), base.dtype)
        return call("pow", base, cast(exponent, base.dtype))


@register("BitShift", since=11)
class BitShift(Elementwise):
    """x shifted by y bits; signed numbers keep their sign when shifted right."""

    direction: str

    def expr(self, x: Expr, y: Expr) -> Expr:
        """Distances out of range, also negative ones, mean very far: Wasm takes them modulo."""
        if self.direction not in ("LEFT", "RIGHT"):
            raise TypeError(f"direction is {self.direction!r}, neither 'LEFT' nor 'RIGHT'")
        shifted = call("shl" if self.direction == "LEFT" else "shr", x, y)
        far = const(0, x.dtype)
        if x.dtype.kind == "u":
            return select(y < x.dtype.bits, shifted, far)
        if self.direction == "RIGHT":
            far = select(x < 0, const(-1, x.dtype), far)
        return select(y < 0, far, select(y < x.dtype.bits, shifted, far))


class _OfFloats(Elementwise):
    """An operator that also takes floats of 8 bits."""

    takes_narrow = True

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        """A bool for each element."""
        (x,) = inputs
        return (TensorType(BOOL, x.shape),)

    def evaluate(self, *inputs: Const | None) -> tuple[Const, ...] | None:
        """The expression's value for each element; those of narrow types are left to kernels."""
        (x,) = inputs
        return None if x is not None and x.dtype.kind == "n" else super().evaluate(x)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """Decodes narrow types."""
        from .narrow import decoded  # few models need it

        (x,) = inputs
        return (g.add(self, decoded(g, x)),) if g.type(x).dtype.kind == "n" else None


@register("IsNaN", since=9)
class IsNaN(_OfFloats):
    """Whether a value is no number."""

    def expr(self, x: Expr) -> Expr:
        """It differs from itself."""
        return call("ne", x, x)


@register("IsInf", since=10)
class IsInf(_OfFloats):
    """Whether a value is an infinity of a sign that is looked for."""

    detect_negative: bool = True
    detect_positive: bool = True

    def expr(self, x: Expr) -> Expr:
        """One comparison, whichever signs are looked for."""
        if self.detect_negative and self.detect_positive:
            return is_infinite(x)
        if not self.detect_negative and not self.detect_positive:
            return const(0, BOOL)
        return call("eq", x, float("inf") if self.detect_positive else float("-inf"))


@register("Where", since=9)
class Where(Elementwise):
    """The element of x where the condition holds, else that of y."""

    moves_only = True

    def expr(self, condition: Expr, x: Expr, y: Expr) -> Expr:
        """A selection."""
        return select(condition, x, y)
