"""Each switch of CompileOptions: it changes what is compiled, and results stay onnxruntime's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import onnx
import pytest
from wasmkiln.compiler import compile_model
from wasmkiln.options import CompileOptions
from wasmkiln.program.memory import ideal_peak
from wasmkiln.record import replace

from tests.ops.check import Array, build, check_model, node
from tests.passes.random_models import RandomModel
from tests.passes.test_integers import integers, layer, weights

DEFAULT = CompileOptions()
SWITCHES = sorted(
    n for n in CompileOptions.__annotations__ if isinstance(getattr(DEFAULT, n), bool)
)
FLIPPED = {name: replace(DEFAULT, **{name: not getattr(DEFAULT, name)}) for name in SWITCHES}
ALL_OFF = replace(DEFAULT, **dict.fromkeys(SWITCHES, False))


def floats(*shape: int) -> Array:
    """Random numbers around 0, the same for the same shape."""
    return np.random.default_rng(shape).standard_normal(shape).astype(np.float32)


def made(
    nodes: Iterable[onnx.NodeProto], x: tuple[int, ...], consts: Mapping[str, Array]
) -> tuple[onnx.ModelProto, dict[str, Array]]:
    """A model from x to y, and what it is fed."""
    feeds = {"x": floats(*x)}
    return build(list(nodes), feeds | dict(consts), set(consts), ["y"]), feeds


def residual() -> tuple[onnx.ModelProto, dict[str, Array]]:
    """Convolutions with BatchNormalization, an inverted bottleneck, and maps that are joined."""
    consts = {
        "a": floats(12, 5, 3, 3),
        **{f"n{c}": np.abs(floats(12)) + 0.5 for c in "sbmv"},
        "e": floats(96, 12, 1, 1) / 4,
        "d": floats(96, 1, 3, 3),
        "p": floats(12, 96, 1, 1) / 8,
        "q": floats(8, 12, 1, 1),
        "r": floats(8, 12, 3, 3) / 8,
        "u": floats(3, 16, 1, 1),
    }
    nodes = [
        node("Conv", "x a", "c", pads=[1] * 4),
        node("BatchNormalization", "c ns nb nm nv", "f"),
        node("Relu", "f", "g"),
        node("Conv", "g e", "h"),
        node("Relu", "h", "i"),
        node("Conv", "i d", "j", group=96, pads=[1] * 4),
        node("Relu", "j", "k"),
        node("Conv", "k p", "l"),
        node("Add", "l g", "m"),
        node("Conv", "m q", "n"),
        node("Conv", "m r", "o", pads=[1] * 4),
        node("Relu", "o", "s"),
        node("Concat", "n s", "t", axis=1),
        node("Conv", "t u", "y"),
    ]
    return made(nodes, (1, 5, 61, 65), consts)


def winograd() -> tuple[onnx.ModelProto, dict[str, Array]]:
    """A 3 by 3 convolution with enough channels for tiles, on a size that they do not divide."""
    return made(
        [node("Conv", "x w", "y", pads=[1] * 4)], (1, 64, 27, 31), {"w": floats(64, 64, 3, 3) / 24}
    )


def layer_norm() -> tuple[onnx.ModelProto, dict[str, Array]]:
    """LayerNormalization as it is spelled out, then a product."""
    last = {"axes": [-1], "keepdims": 1}
    nodes = [
        node("ReduceMean", "x", "m", **last),
        node("Sub", "x m", "d"),
        node("Mul", "d d", "q"),
        node("ReduceMean", "q", "v", **last),
        node("Add", "v eps", "ve"),
        node("Sqrt", "ve", "s"),
        node("Div", "d s", "n"),
        node("MatMul", "n w", "y"),
    ]
    feeds = {"x": floats(3, 7, 21)}
    consts = {"eps": np.float32(1e-5), "w": floats(21, 13)}
    arrays = feeds | {name: np.asarray(value) for name, value in consts.items()}
    return build(nodes, arrays, set(consts), ["y"], opset=13), feeds


def quantized() -> tuple[onnx.ModelProto, dict[str, Array]]:
    """A pointwise convolution between QuantizeLinear and DequantizeLinear."""
    x = integers(1, "u1", 2, 17, 5, 3)
    return layer("Conv", x, weights("i1", (24, 17, 1, 1), 1, 0), True, "Relu"), {"x": x}


def typed(model: onnx.ModelProto) -> bytes:
    """A model whose outputs have types."""
    return bytes(onnx.shape_inference.infer_shapes(model).SerializeToString())


MODELS = (residual, winograd, layer_norm, quantized)


@pytest.mark.parametrize("make", MODELS)
def test_results_with_each_switch_and_with_all_off(make: object) -> None:
    model, feeds = make()  # type: ignore[operator]
    options = [*FLIPPED.values(), ALL_OFF, *(replace(o, threads=2) for o in FLIPPED.values())]
    check_model(model, feeds, 1e-3, 1e-3, steps=1, options=options)


@pytest.mark.parametrize("seed", range(100, 112))
def test_results_of_random_models(seed: int) -> None:
    random = RandomModel(seed)
    check_model(random.model(), random.feeds, 2e-3, 1e-4, options=[*FLIPPED.values(), ALL_OFF])


@pytest.mark.parametrize("name", SWITCHES)
def test_each_switch_changes_some_program(name: str) -> None:
    def changes(model: onnx.ModelProto) -> bool:
        data = typed(model)
        one, other = (compile_model(data, o).artifact for o in (DEFAULT, FLIPPED[name]))
        return (one.code, one.init, one.main, one.end) != (
            other.code,
            other.init,
            other.main,
            other.end,
        )

    assert any(changes(make()[0]) for make in MODELS)


def test_what_reuse_and_hoist_save() -> None:
    data = typed(residual()[0])
    shared = compile_model(data)
    apart = compile_model(data, FLIPPED["reuse"])
    assert shared.artifact.arena_bytes < apart.artifact.arena_bytes
    assert ideal_peak(shared.program) == ideal_peak(apart.program)
    assert len(compile_model(data, FLIPPED["hoist"]).program.init) == 0 < len(shared.program.init)
