"""Vectors of four lanes of four bytes, loaded from and stored to elements of one to four bytes.

Lanes are as `legalize.lane` has them: narrow integers extended, halves as bits, a bool all ones or
zeros.
"""

from __future__ import annotations

from ....ir.dtype import BOOL, DType
from .. import asm as w
from ..function import Function, Local
from ..val import Val
from .element import load_scalar, store_bytes

__all__ = ["load_lanes", "splat_lanes", "store_lanes"]


def splat_lanes(dtype: DType, address: Val) -> Val:
    """One element in all lanes."""
    if dtype.itemsize == 4:
        return w.v128_load32_splat(address)
    value = load_scalar(dtype, address)
    return w.i32x4_splat(-value if dtype == BOOL else value)


def load_lanes(f: Function, dtype: DType, address: Local, width: int) -> list[Val]:
    """`width` vectors of contiguous elements."""
    sign = "s" if dtype.kind == "i" else "u"
    if dtype.itemsize == 4:
        return [w.v128_load(address, offset=16 * v, align=4) for v in range(width)]
    if dtype.itemsize == 2:
        load = w.v128_load16x4_s if dtype.kind == "i" else w.v128_load16x4_u
        return [load(address, offset=8 * v, align=2) for v in range(width)]
    load = w.v128_load8x8_s if dtype.kind == "i" else w.v128_load8x8_u
    lanes: list[Val] = []
    for v in range(0, width, 2):
        half = f.let(load(address, offset=4 * v, align=1))
        for part in ("low", "high")[: width - v]:
            lanes.append(getattr(w, f"i32x4_extend_{part}_i16x8_{sign}")(half))
    return [w.i32x4_neg(x) for x in lanes] if dtype == BOOL else lanes


def store_lanes(
    f: Function, dtype: DType, address: Local, values: list[Val], left: Local | None = None
) -> None:
    """Store vectors to contiguous elements: `left` gives how many of one vector, if not all."""
    size = dtype.itemsize
    if size == 4:
        packed = values
    elif size == 2:
        packed = _narrow(dtype, "i16x8_narrow_i32x4", values)
    else:
        halves = _narrow(dtype, "i16x8_narrow_i32x4", values, signed=True)
        packed = _narrow(dtype, "i8x16_narrow_i16x8", halves)
        if dtype == BOOL:
            packed = [w.v128_and(x, w.i8x16_const(1)) for x in packed]
    nbytes = 4 * size * len(values)
    if left is not None:
        store_bytes(f, address, packed[0], left * size)
    elif nbytes >= 16:
        for v, value in enumerate(packed):
            f.v128_store(address, value, offset=16 * v)
    else:
        f.emit(getattr(w, f"v128_store{8 * nbytes}_lane")(address, packed[0], 0))


def _narrow(dtype: DType, name: str, values: list[Val], signed: bool = False) -> list[Val]:
    """Pairs of vectors as one of half the width; nothing saturates, as the lanes fit."""
    narrow = getattr(w, f"{name}_{'s' if signed or dtype.kind in 'ib' else 'u'}")
    zero = w.i32x4_const(0)
    return [
        narrow(values[v], values[v + 1] if v + 1 < len(values) else zero)
        for v in range(0, len(values), 2)
    ]
