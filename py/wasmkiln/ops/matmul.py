"""MatMul and Gemm, and the internal products that they become."""

from __future__ import annotations

from math import prod

from ..errors import ShapeError, UnsupportedOperatorError
from ..ir.builder import GraphBuilder
from ..ir.const import Const
from ..ir.dtype import F32
from ..ir.expr import Expr, arg
from ..ir.shape import Shape, broadcast, show
from ..ir.types import TensorType
from ..program.kernels.dot import DotSpec
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from .base import INTERNAL, Op, register
from .compose import apply, expand_to, reshape, transpose
from .epilogue import operand_mode, split_inputs
from .packed import GemmPacked, PackPanels

__all__ = ["Product"]

# Multiply-accumulates of scalar code worth giving to a thread.
DOT_GRAIN = 1 << 15


def _product_shape(a: TensorType, b: TensorType, transposed: bool = False) -> Shape:
    """The shape of a @ b for operands of rank 2 or more; b's last two dims may be swapped."""
    if a.dtype != b.dtype:
        raise ShapeError(f"A is {a} and B is {b}; their element types differ")
    if a.dtype.kind not in "fiu":
        raise UnsupportedOperatorError(f"products of {a.dtype} are not supported")
    k, n = b.shape[-2:][::-1] if transposed else b.shape[-2:]
    if a.shape[-1] != k:
        raise ShapeError(
            f"A is {a}, B is {b}{' transposed' if transposed else ''}; "
            f"inner dimensions {a.shape[-1]} and {k} differ"
        )
    return (*broadcast(a.shape[:-2], b.shape[:-2]), a.shape[-2], n)


@register("MatMul", since=1)
class MatMul(Op):
    """The product of matrices, as NumPy has it; later versions add element types."""

    def infer(self, a: TensorType, b: TensorType) -> tuple[TensorType, ...]:
        """NumPy's rules: a vector is a row on the left and a column on the right."""
        if not a.rank or not b.rank:
            raise ShapeError(f"A is {a} and B is {b}; scalars cannot be multiplied as matrices")
        left = TensorType(a.dtype, (1, *a.shape) if a.rank == 1 else a.shape)
        right = TensorType(b.dtype, (*b.shape, 1) if b.rank == 1 else b.shape)
        *batch, m, n = _product_shape(left, right)
        shape = (*batch, *((m,) if a.rank > 1 else ()), *((n,) if b.rank > 1 else ()))
        return (TensorType(a.dtype, shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """A Product of matrices."""
        a, b = inputs
        (out,) = self.infer(g.type(a), g.type(b))
        if g.type(a).rank == 1:
            a = reshape(g, a, (1, *g.shape(a)))
        if g.type(b).rank == 1:
            b = reshape(g, b, (*g.shape(b), 1))
        return (reshape(g, g.add(Product(), a, b), out.shape),)

    def cost(self, inputs: tuple[TensorType | None, ...], outputs: tuple[TensorType, ...]) -> int:
        """M * K * N of each matrix."""
        return outputs[0].size * (inputs[0].shape[-1] if inputs[0] else 0)


class _Gemm(Op):
    """What all versions share: Y = alpha * A' @ B' + beta * C, with A' = A.T where transA."""

    alpha: float = 1.0
    beta: float = 1.0
    transA: bool = False
    transB: bool = False

    def infer(
        self, a: TensorType, b: TensorType, c: TensorType | None = None
    ) -> tuple[TensorType, ...]:
        """[M, N]; C must broadcast to it."""
        if a.rank != 2 or b.rank != 2:
            raise ShapeError(f"A is {a} and B is {b}; both must be matrices")
        left = TensorType(a.dtype, a.shape[::-1] if self.transA else a.shape)
        shape = _product_shape(left, b, self.transB)
        if c is not None and broadcast(c.shape, shape) != shape:
            raise ShapeError(f"C is {c}, which does not broadcast to {show(shape)}")
        return (TensorType(a.dtype, shape),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """A Product with C as its bias where it is one, else elementwise work behind it."""
        a, b, c = (*inputs, "", "")[:3]
        dtype = g.type(a).dtype
        if self.transA:
            a = transpose(g, a, (1, 0))
        plain = self.alpha == 1.0 and self.beta == 1.0 and dtype == F32
        n = g.shape(b)[0 if self.transB else 1]
        if plain and c and g.type(c).size == n and g.shape(c)[-1:] == (n,):
            return (g.add(Product(transposed=self.transB), a, b, reshape(g, c, (n,))),)
        y = g.add(Product(transposed=self.transB), a, b)
        x = arg(0, dtype)
        if self.alpha != 1.0:
            y = apply(g, x * self.alpha, y)
        if c and self.beta != 0.0:
            term = arg(1, dtype)
            y = apply(g, x + (term if self.beta == 1.0 else term * self.beta), y, c)
        return (y,)

    def cost(self, inputs: tuple[TensorType | None, ...], outputs: tuple[TensorType, ...]) -> int:
        """M * K * N."""
        a = inputs[0]
        return outputs[0].size * (a.shape[0 if self.transA else 1] if a else 0)


@register("Gemm", since=1)
class Gemm1(_Gemm):
    """alpha * A' @ B' + beta * C; C broadcasts only where `broadcast` says so."""

    broadcast: bool = False


@register("Gemm", since=7)
class Gemm7(_Gemm):
    """alpha * A' @ B' + beta * C."""

    def infer(self, a: TensorType, b: TensorType, c: TensorType) -> tuple[TensorType, ...]:  # type: ignore[override]
        """C is required."""
        return super().infer(a, b, c)


@register("Gemm", since=11)
class Gemm(_Gemm):
    """alpha * A' @ B' + beta * C, where C may be absent."""


@register("Product", domain=INTERNAL)
class Product(Op):
    """epilogue(a @ b + bias, extras); b's last two dims are swapped where `transposed`.

    Both have rank 2 or more, and their batch dims broadcast. inputs: a, b, bias [N] or nothing,
    extras.
    """

    transposed: bool = False
    epilogue: Expr | None = None
    n_extra: int = 0

    def infer(
        self, a: TensorType, b: TensorType, *rest: TensorType | None
    ) -> tuple[TensorType, ...]:
        """[..., M, N]."""
        return (TensorType(a.dtype, _product_shape(a, b, self.transposed)),)

    def operand_mode(self, out: TensorType, operand: TensorType) -> str | None:
        """See `epilogue.operand_mode`."""
        return operand_mode(out, operand)

    def cost(self, inputs: tuple[TensorType | None, ...], outputs: tuple[TensorType, ...]) -> int:
        """M * K * N of each matrix."""
        return outputs[0].size * (inputs[0].shape[-1] if inputs[0] else 0)

    def select(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """Pack b; other dtypes than f32 take scalar code."""
        (a, b, bias), extras = split_inputs(inputs, self.n_extra, 3)
        assert a and b
        out = _product_shape(g.type(a), g.type(b), self.transposed)
        if 0 in out:
            return (g.const(Const(g.type(a).dtype, out, b"")),)
        a, b = _batches(g, a, b, out[:-2])
        if g.type(a).dtype != F32:
            return (reshape(g, g.add(Dot(transposed=self.transposed), a, b), out),)
        packed = g.add(PackPanels(transposed=self.transposed), b)
        op = GemmPacked(n=out[-1], bias=bool(bias), epilogue=self.epilogue, n_extra=self.n_extra)
        return (reshape(g, g.add(op, a, packed, bias or "", *extras), out),)


def _batches(g: GraphBuilder, a: str, b: str, batch: Shape) -> tuple[str, str]:
    """Both operands with one batch dimension, which is 1 for an operand that all batches share."""
    size = prod(batch)
    m, k = g.shape(a)[-2:]
    if prod(g.shape(b)[:-2]) == 1:  # one b for all rows: the batch is more rows
        return reshape(g, a, (1, size * m, k)), reshape(g, b, (1, *g.shape(b)[-2:]))
    b = _spread(g, b, batch)
    if prod(g.shape(a)[:-2]) == 1:
        return reshape(g, a, (1, m, k)), b
    return _spread(g, a, batch), b


def _spread(g: GraphBuilder, x: str, batch: Shape) -> str:
    """[..., R, C] broadcast to a batch, whose dims then are one."""
    *own, rows, columns = g.shape(x)
    x = reshape(g, x, ((1,) * (len(batch) - len(own)) + (*own, rows, columns)))
    return reshape(g, expand_to(g, x, (*batch, rows, columns)), (prod(batch), rows, columns))


@register("Dot", domain=INTERNAL)
class Dot(Op):
    """a [G, M, K] @ b [G, K, N] by scalar code, for all number types; G may be 1 in one of them."""

    transposed: bool = False

    def infer(self, a: TensorType, b: TensorType) -> tuple[TensorType, ...]:
        """[G, M, N]."""
        n = b.shape[1 if self.transposed else 2]
        return (TensorType(a.dtype, (max(a.shape[0], b.shape[0]), a.shape[1], n)),)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One dot kernel over all rows."""
        (a, b), (out,) = inputs, outputs
        assert a is not None and b is not None
        batch, m, n = out.type.shape
        k = a.type.shape[2]
        item = out.type.dtype.itemsize
        b_steps = (item, item * k) if self.transposed else (item * n, item)
        args: list[Word] = [lw.write(out), lw.read(a), lw.read(b), m, n, k, *b_steps]
        args += [item * m * k if a.type.shape[0] > 1 else 0]
        args += [item * n * k if b.type.shape[0] > 1 else 0]
        lw.call(DotSpec(out.type.dtype), args, batch * m, max(1, DOT_GRAIN // max(1, n * k)))
