"""Kernel emitters, one family a file: each turns a specification into one Wasm function."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from ....errors import InternalError
from ....program.kernels import KernelSpec
from ...base import Target
from ..function import Function
from ..module import Module

__all__ = ["EMITTERS", "emit"]

# By the class of the specification: the emitter's file and name. A program imports those it needs.
EMITTERS = {
    "ArgReduceSpec": "argreduce.emit_argreduce",
    "AttentionSpec": "attention.emit_attention",
    "BilinearSpec": "resample.emit_bilinear",
    "BottleneckSpec": "bottleneck.emit_bottleneck",
    "Col2ImSpec": "col2im.emit_col2im",
    "ConvSpec": "conv.emit_conv",
    "CopySpec": "copy.emit_copy",
    "CouplingSpec": "coupling.emit_coupling",
    "CumulativeSpec": "cumulative.emit_cumulative",
    "DepthwiseSpec": "depthwise.emit_depthwise",
    "DetSpec": "det.emit_det",
    "DistanceSpec": "distance.emit_distance",
    "DotSpec": "dot.emit_dot",
    "DrawSpec": "random.emit_draw",
    "FftSpec": "fft.emit_fft",
    "ForestSpec": "forest.emit_forest",
    "GatherElementsSpec": "gather.emit_gather_elements",
    "GatherNDSpec": "gather.emit_gather_nd",
    "GatherSpec": "gather.emit_gather",
    "GemmSpec": "gemm.emit_gemm",
    "IotaSpec": "copy.emit_iota",
    "KeysSpec": "keys.emit_keys",
    "LinearAttentionSpec": "linear_attention.emit_linear_attention",
    "LrnSpec": "lrn.emit_lrn",
    "MapSpec": "map.emit_map",
    "NBitsSpec": "nbits.emit_nbits",
    "NmsCollectSpec": "nms.emit_nms_collect",
    "NmsSpec": "nms.emit_nms",
    "NonZeroSpec": "nonzero.emit_nonzero",
    "NormSpec": "norm.emit_norm",
    "PackSpec": "pack.emit_pack",
    "PickSpec": "resample.emit_pick",
    "PoolIndexSpec": "pool_index.emit_pool_index",
    "PoolSpec": "pool.emit_pool",
    "ReduceSpec": "reduce.emit_reduce",
    "ResampleSpec": "resample.emit_resample",
    "RnnSpec": "rnn.emit_rnn",
    "RnnStepSpec": "rnn_step.emit_rnn_step",
    "RoiAlignSpec": "roi.emit_roi_align",
    "RoiPoolSpec": "roi.emit_roi_pool",
    "ScatterElementsSpec": "scatter.emit_scatter_elements",
    "ScatterNDSpec": "scatter.emit_scatter_nd",
    "SoftmaxSpec": "softmax.emit_softmax",
    "TopKSpec": "sort.emit_topk",
    "TransposeSpec": "copy.emit_transpose",
    "WinogradFiltersSpec": "winograd_filters.emit_winograd_filters",
    "WinogradSpec": "winograd.emit_winograd",
}


def emit(spec: KernelSpec, m: Module, target: Target) -> Function:
    """Add the kernel of a specification to the module."""
    place = EMITTERS.get(type(spec).__name__)
    if place is None:
        raise InternalError(f"no emitter for kernel {spec.name}")
    file, _, name = place.partition(".")
    emitter: Callable[[KernelSpec, Module, Target], Function]
    emitter = getattr(import_module(f".{file}", __name__), name)
    return emitter(spec, m, target)
