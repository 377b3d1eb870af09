"""Kernel emitters, one family a file: each turns a specification into one Wasm function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....program.kernels import KernelSpec
from ....program.kernels.argreduce import ArgReduceSpec
from ....program.kernels.col2im import Col2ImSpec
from ....program.kernels.conv import ConvSpec
from ....program.kernels.copy import CopySpec, IotaSpec, TransposeSpec
from ....program.kernels.depthwise import DepthwiseSpec
from ....program.kernels.dot import DotSpec
from ....program.kernels.gather import GatherElementsSpec, GatherNDSpec, GatherSpec
from ....program.kernels.gemm import GemmSpec
from ....program.kernels.lrn import LrnSpec
from ....program.kernels.map import MapSpec
from ....program.kernels.pack import PackSpec
from ....program.kernels.pool import PoolIndexSpec, PoolSpec
from ....program.kernels.reduce import ReduceSpec
from ....program.kernels.resample import BilinearSpec, PickSpec, ResampleSpec
from ....program.kernels.scatter import ScatterElementsSpec, ScatterNDSpec
from ....program.kernels.softmax import SoftmaxSpec
from ...base import Target
from ..function import Function
from ..module import Module
from .argreduce import emit_argreduce
from .col2im import emit_col2im
from .conv import emit_conv
from .copy import emit_copy, emit_iota, emit_transpose
from .depthwise import emit_depthwise
from .dot import emit_dot
from .gather import emit_gather, emit_gather_elements, emit_gather_nd
from .gemm import emit_gemm
from .lrn import emit_lrn
from .map import emit_map
from .pack import emit_pack
from .pool import emit_pool
from .pool_index import emit_pool_index
from .reduce import emit_reduce
from .resample import emit_bilinear, emit_pick, emit_resample
from .scatter import emit_scatter_elements, emit_scatter_nd
from .softmax import emit_softmax

__all__ = ["EMITTERS", "Emit", "emit"]

Emit = Callable[[Any, Module, Target], Function]

EMITTERS: dict[type[KernelSpec], Emit] = {
    ArgReduceSpec: emit_argreduce,
    BilinearSpec: emit_bilinear,
    Col2ImSpec: emit_col2im,
    ConvSpec: emit_conv,
    CopySpec: emit_copy,
    DepthwiseSpec: emit_depthwise,
    DotSpec: emit_dot,
    GatherElementsSpec: emit_gather_elements,
    GatherNDSpec: emit_gather_nd,
    GatherSpec: emit_gather,
    GemmSpec: emit_gemm,
    IotaSpec: emit_iota,
    PackSpec: emit_pack,
    LrnSpec: emit_lrn,
    MapSpec: emit_map,
    PickSpec: emit_pick,
    PoolIndexSpec: emit_pool_index,
    PoolSpec: emit_pool,
    ReduceSpec: emit_reduce,
    ResampleSpec: emit_resample,
    ScatterElementsSpec: emit_scatter_elements,
    ScatterNDSpec: emit_scatter_nd,
    SoftmaxSpec: emit_softmax,
    TransposeSpec: emit_transpose,
}


def emit(spec: KernelSpec, m: Module, target: Target) -> Function:
    """Add the kernel of a specification to the module."""
    return EMITTERS[type(spec)](spec, m, target)
