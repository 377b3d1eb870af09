"""Operators, one file a family; importing this package registers them all."""

from __future__ import annotations

from . import (  # noqa: F401
    activation,
    argreduce,
    cast,
    concat,
    constant,
    control,
    conv,
    conv_transpose,
    elementwise,
    gather,
    legacy,
    map,
    mask,
    matmul,
    movement,
    norm,
    pad,
    pool,
    quant,
    quant_contrib,
    quant_linear,
    rearrange,
    reduce,
    reshape,
    resize,
    shape,
    slice,
    softmax,
)
