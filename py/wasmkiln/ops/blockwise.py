"""Weights of few bits, a scale for each block of them: MatMulNBits and its kin.

Codes of 4 and 8 bits, and of 2 bits widened to 4, stay packed and are decoded inside of the
product, where a block has at least 32 of them. Others are decoded when the model is loaded, to
four bytes a weight.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from ..errors import InvalidModelError, ShapeError, UnsupportedOperatorError
from ..ir.const import Const
from ..ir.dtype import BF16, F16, F32, I32, U8, DType
from ..ir.expr import arg, call, cast
from ..ir.types import TensorType
from ..program.kernels.nbits import CHUNK, NBitsSpec
from ..program.lowering import Lowering
from ..program.program import Slot, Word
from .base import INTERNAL, MICROSOFT, Op, create, register
from .compose import apply, cast_to, expand_to, reshape, standard
from .heads import cut
from .matmul import Product
from .packed import MAC_GRAIN
from .pad import PadConst

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder

__all__ = ["NBitsProduct", "unpacked"]


@register("NBitsProduct", domain=INTERNAL)
class NBitsProduct(Op):
    """a [M, K] times codes [N, K], see `NBitsSpec`. inputs: a, codes, scales, maybe zeros."""

    bits: int
    zero: int | None = None

    def infer(
        self, a: TensorType, codes: TensorType, scales: TensorType, zeros: TensorType | None = None
    ) -> tuple[TensorType, ...]:
        """[M, N]."""
        return (TensorType(F32, (a.shape[0], codes.shape[0])),)

    def cost(self, inputs: tuple[TensorType | None, ...], outputs: tuple[TensorType, ...]) -> int:
        """M * K * N."""
        return outputs[0].size * (inputs[0].shape[1] if inputs[0] else 0)

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """One kernel over the columns."""
        (a, codes, scales, zeros), (out,) = (*inputs, None)[:4], outputs
        assert a is not None and codes is not None and scales is not None
        m, n = out.type.shape
        k, blocks = a.type.shape[1], scales.type.shape[1]
        args: list[Word] = [lw.write(out), lw.read(a), lw.read(codes), lw.read(scales)]
        args += [lw.read(zeros) if zeros else 0, m, blocks]
        args += [k // blocks * self.bits // 8, 4 * k, 4 * n]
        lw.call(NBitsSpec(self.bits, self.zero), args, n, max(1, MAC_GRAIN // max(1, m * k)))


def unpacked(g: GraphBuilder, x: str, bits: int, count: int) -> str:
    """[R, bytes] as [R, count] codes, a byte each, the first from the lowest bits."""
    rows, width = g.shape(x)
    if bits == 8:
        return cut(g, x, 1, 0, count)
    each = 8 // bits
    shifts = g.const(Const.of(U8, (each,), range(0, 8, bits)))
    code = call("and", call("shr", arg(0, U8), arg(1, U8)), (1 << bits) - 1)
    wide = apply(g, code, reshape(g, x, (rows, width, 1)), shifts)
    return cut(g, reshape(g, wide, (rows, width * each)), 1, 0, count)


def _widened(g: GraphBuilder, x: str) -> str:
    """[N, bytes] of 2-bit codes as 4-bit codes."""
    rows, width = g.shape(x)
    shifts = g.const(Const.of(U8, (2,), (0, 4)))
    code, shift = arg(0, U8), arg(1, U8)
    low, high = (call("and", call("shr", code, s), 3) for s in (shift, shift + 2))
    both = call("or", low, call("shl", high, 4))
    return reshape(g, apply(g, both, reshape(g, x, (rows, width, 1)), shifts), (rows, 2 * width))


@register("MatMulNBits", domain=MICROSOFT)
class MatMulNBits(Op):
    """a @ b.T + bias, with b [N, K] as codes of few bits.

    b [N, blocks, bytes], scales [N, blocks]; zero points are packed like b, or floats.
    """

    K: int
    N: int
    block_size: int
    bits: int = 4
    accuracy_level: int = 0  # how exact the product must be at least; ours is in f32
    weight_prepacked: int = 0

    def infer(
        self,
        a: TensorType,
        b: TensorType,
        scales: TensorType,
        zeros: TensorType | None = None,
        g_idx: TensorType | None = None,
        bias: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """N columns in place of K."""
        if self.bits not in (2, 4, 8) or self.weight_prepacked:
            raise UnsupportedOperatorError(f"codes of {self.bits} bits, or in another order")
        if self.block_size < 16 or self.block_size & (self.block_size - 1):
            raise InvalidModelError(f"block_size is {self.block_size}, no power of 2 from 16 on")
        blocks = self._blocks()
        wanted = self.N * blocks
        if not a.rank or a.shape[-1] != self.K or a.dtype not in (F32, F16, BF16):
            raise ShapeError(f"A is {a}, floats with rows of {self.K} are expected")
        if b.dtype != U8 or b.size * 8 != wanted * self.block_size * self.bits:
            raise ShapeError(f"B is {b}, {self.N} rows of {blocks} blocks are expected")
        packed = self.N * -(-blocks * self.bits // 8)
        if scales.size != wanted or (
            zeros is not None and zeros.size != (packed if zeros.dtype == U8 else wanted)
        ):
            raise ShapeError(f"scales {scales} or zero points {zeros} for {wanted} blocks")
        if g_idx is not None and g_idx.size != self.K:
            raise ShapeError(f"g_idx is {g_idx}, {self.K} indices are expected")
        if bias is not None and bias.size != self.N:
            raise ShapeError(f"the bias is {bias}, {self.N} elements are expected")
        return (TensorType(a.dtype, (*a.shape[:-1], self.N)),)

    def _blocks(self) -> int:
        return -(-self.K // self.block_size)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """A product with packed weights, or one with weights decoded before."""
        a, b, scales, zeros, g_idx, bias = (*inputs, "", "", "")[:6]
        shape = (*g.shape(a)[:-1], self.N)
        rows = reshape(g, a, (prod(shape[:-1]), self.K))
        scales = reshape(g, cast_to(g, scales, F32), (self.N, self._blocks()))
        floats = bool(zeros) and g.type(zeros).dtype != U8
        if g_idx or floats or self.block_size < CHUNK:
            y = g.add(Product(transposed=True), rows, self._weights(g, b, scales, zeros, g_idx))
        else:
            y = self._packed(g, rows, b, scales, zeros)
        if bias:
            y = standard(g, "Add", y, reshape(g, bias, (self.N,)))
        return (reshape(g, y, shape),)

    def _packed(self, g: GraphBuilder, a: str, b: str, scales: str, zeros: str) -> str:
        """The product that decodes its weights."""
        whole = self._blocks() * self.block_size
        if whole > self.K:  # what stands behind the last weights meets zeros
            op = PadConst(begins=(0, 0), ends=(0, whole - self.K), value=Const.scalar(F32, 0.0))
            a = g.add(op, a)
        codes = reshape(g, b, (self.N, whole * self.bits // 8))
        codes = _widened(g, codes) if self.bits == 2 else codes
        bits = max(4, self.bits)
        if not zeros:
            return g.add(NBitsProduct(bits=bits, zero=1 << (self.bits - 1)), a, codes, scales)
        return g.add(NBitsProduct(bits=bits), a, codes, scales, self._zeros(g, zeros))

    def _zeros(self, g: GraphBuilder, zeros: str) -> str:
        """[N, blocks] of zero points, a byte each."""
        packed = reshape(g, zeros, (self.N, g.type(zeros).size // self.N))
        return unpacked(g, packed, self.bits, self._blocks())

    def _weights(self, g: GraphBuilder, b: str, scales: str, zeros: str, g_idx: str) -> str:
        """[N, K] in f32."""
        n, blocks, block = self.N, self._blocks(), self.block_size
        packed = reshape(g, b, (n, blocks * block * self.bits // 8))
        if g_idx:  # each weight says which block's scale it has
            codes = unpacked(g, packed, self.bits, self.K)
            scales = standard(g, "Gather", scales, g_idx, axis=1)
        else:
            codes = reshape(g, unpacked(g, packed, self.bits, blocks * block), (n, blocks, block))
            scales = reshape(g, scales, (n, blocks, 1))
        operands, off = [codes, scales], None
        if not zeros:
            off = cast(arg(0, U8), F32) - float(1 << (self.bits - 1))
        else:
            floats = g.type(zeros).dtype != U8
            zeros = reshape(g, zeros, (n, blocks)) if floats else self._zeros(g, zeros)
            if g_idx:
                zeros = standard(g, "Gather", zeros, g_idx, axis=1)
            else:
                zeros = reshape(g, zeros, (n, blocks, 1))
            operands.append(zeros)
            off = cast(arg(0, U8), F32) - cast(arg(2, g.type(zeros).dtype), F32)
        weights = apply(g, off * arg(1), *operands)
        return cut(g, reshape(g, weights, (n, g.type(weights).size // n)), 1, 0, self.K)


# Values of the 16 codes, in units of a block's largest size.
_FP4 = (0.0, 0.005208333333, 0.6666667, 1.0, 0.333333, 0.5, 0.1666667, 0.25)
_NF4 = (
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
    -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
    0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
    0.7229568362236023, 1.0,
)  # fmt: skip


@register("MatMulBnb4", domain=MICROSOFT)
class MatMulBnb4(Op):
    """a @ b.T, with b [N, K] as places in a list of 16 values, the first one in the high bits."""

    K: int
    N: int
    block_size: int
    quant_type: int
    training_mode: bool = False
    transB: bool = True

    def infer(self, a: TensorType, b: TensorType, absmax: TensorType) -> tuple[TensorType, ...]:
        """N columns in place of K."""
        count = self.N * self.K
        if not self.transB or self.quant_type not in (0, 1) or count % 2:
            raise UnsupportedOperatorError(
                f"quant_type {self.quant_type}, transB {self.transB} for {count} weights"
            )
        blocks = -(-count // self.block_size) if self.block_size > 0 else 0
        if b.dtype != U8 or 2 * b.size != count or absmax.size != blocks:
            raise ShapeError(f"B {b} and absmax {absmax} for {count} weights")
        if not a.rank or a.shape[-1] != self.K:
            raise ShapeError(f"A is {a}, rows of {self.K} are expected")
        return (TensorType(a.dtype, (*a.shape[:-1], self.N)),)

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Values looked up and scaled, and a product."""
        a, b, absmax = inputs
        count, block = self.N * self.K, self.block_size
        pairs = unpacked(g, reshape(g, b, (count // 2, 1)), 4, 2)
        first, second = (cut(g, pairs, 1, i, 1) for i in (1, 0))
        codes = standard(g, "Concat", first, second, axis=1)
        values = _NF4 if self.quant_type else (*_FP4, *(-v for v in _FP4))
        table = g.const(Const.of(F32, (16,), values), "values")
        found = standard(g, "Gather", table, apply(g, cast(arg(0, U8), I32), codes))
        wide = expand_to(g, reshape(g, absmax, (g.type(absmax).size, 1)),
                         (g.type(absmax).size, block))  # fmt: skip
        scales = cut(g, reshape(g, wide, (g.type(wide).size,)), 0, 0, count)
        weights = apply(g, arg(0) * arg(1), reshape(g, found, (count,)), scales)
        y = g.add(Product(transposed=True), reshape(g, a, (g.type(a).size // self.K, self.K)),
                  reshape(g, weights, (self.N, self.K)))  # fmt: skip
        return (reshape(g, y, (*g.shape(a)[:-1], self.N)),)


@register("GatherBlockQuantized", domain=MICROSOFT)
class GatherBlockQuantized(Op):
    """Slices picked from quantized data, and decoded; a scale and a zero point for each block."""

    takes_narrow = True
    bits: int = 4
    block_size: int = 128
    gather_axis: int = 0
    quantize_axis: int = 1

    def infer(
        self,
        data: TensorType,
        indices: TensorType,
        scales: TensorType,
        zeros: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        """What Gather gives of the decoded data."""
        picked, cut_axis = self._axes(data.rank)
        each = self._each(data.dtype)
        if each > 1 and (cut_axis != data.rank - 1 or self.bits not in (2, 4, 8)):
            raise UnsupportedOperatorError(f"{self.bits}-bit codes along axis {cut_axis} of {data}")
        whole = (*data.shape[:-1], data.shape[-1] * each)
        blocks = -(-whole[cut_axis] // self.block_size) if self.block_size > 0 else 0
        if scales.shape != (*whole[:cut_axis], blocks, *whole[cut_axis + 1 :]):
            raise ShapeError(f"scales {scales} do not suit the data {data}")
        last = -(-scales.shape[-1] // each)
        if zeros is not None and zeros.shape != (*scales.shape[:-1], last):
            raise ShapeError(f"zero points {zeros} do not suit the scales {scales}")
        shape = (*whole[:picked], *indices.shape, *whole[picked + 1 :])
        return (TensorType(scales.dtype, shape),)

    def _axes(self, rank: int) -> tuple[int, int]:
        """Along which axis slices are picked, and which one consists of blocks."""
        if not all(-rank <= axis < rank for axis in (self.gather_axis, self.quantize_axis)):
            raise ShapeError(f"axes {self.gather_axis} and {self.quantize_axis} of {rank}")
        axes = self.gather_axis % rank, self.quantize_axis % rank
        if axes[0] == axes[1]:
            raise UnsupportedOperatorError("picking from an axis of blocks is not supported")
        return axes

    def _each(self, dtype: DType) -> int:
        """Codes in an element: several only where the type does not say so itself."""
        return 8 // self.bits if dtype == U8 and self.bits < 8 else 1

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...]:
        """Gathers, of data, scales and zero points, and a DequantizeLinear."""
        data, indices, scales, zeros = (*inputs, "")[:4]
        rank, dtype = g.type(data).rank, g.type(data).dtype
        picked, axis = self._axes(rank)
        count = g.shape(scales)[-1]
        x = self._gathered(g, data, indices, g.shape(data)[-1] * self._each(dtype))
        off = self._gathered(g, zeros, indices, count) if zeros else ""
        scales = standard(g, "Gather", scales, indices, axis=picked)
        if not off and dtype == U8:
            default = Const.scalar(U8, 1 << (self.bits - 1))
            off = expand_to(g, reshape(g, g.const(default), (1,) * g.type(scales).rank),
                            g.shape(scales))  # fmt: skip
        axis += g.type(indices).rank - 1 if axis > picked else 0
        op = create("", "DequantizeLinear", 21, {"axis": axis, "block_size": self.block_size})
        return (g.add(op, x, scales, *((off,) if off else ())),)

    def _gathered(self, g: GraphBuilder, x: str, indices: str, count: int) -> str:
        """Slices of codes, a byte each, `count` along the last axis."""
        dtype, (picked, _) = g.type(x).dtype, self._axes(g.type(x).rank)
        codes = x if dtype == U8 else _named(g, x, U8)
        y = standard(g, "Gather", codes, indices, axis=picked)
        if dtype != U8:
            return _named(g, y, dtype)
        rest = g.shape(y)[:-1]
        flat = unpacked(g, reshape(g, y, (prod(rest), g.shape(y)[-1])), self.bits, count)
        return reshape(g, flat, (*rest, count))


def _named(g: GraphBuilder, x: str, dtype: DType) -> str:
    """The same bytes as another type."""
    return g.add(create("", "BitCast", 26, {"to": dtype.onnx}), x)
