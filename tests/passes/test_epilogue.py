"""Products, convolutions and pools do the elementwise work behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import F64, I64
from wasmkiln.ir.graph import Node
from wasmkiln.options import CompileOptions
from wasmkiln.passes.epilogue import fuse_epilogues
from wasmkiln.passes.expand import expand
from wasmkiln.passes.fuse import fuse_maps
from wasmkiln.passes.layout import layout
from wasmkiln.passes.maps import to_maps
from wasmkiln.passes.simplify import simplify

from tests.passes.graphs import OPTIONS, filled, node, run, typed, weights

X = {"x": "f32[2,6,16]"}


def finished(
    nodes: Sequence[Node],
    outputs: str = "y",
    inputs: Mapping[str, str] = X,
    options: CompileOptions = OPTIONS,
    **consts: Const,
) -> str:
    """The text after epilogues."""
    passes = expand, simplify, layout, to_maps, fuse_maps, fuse_epilogues
    g = typed(inputs, nodes, outputs, {"w": weights(16, 8), **consts})
    return run(g, *passes, options=options)


PRODUCT = node("MatMul", "x w", "p")


def test_activation_and_bias() -> None:
    text = finished(
        [PRODUCT, node("Add", "p b", "a"), node("Relu", "a", "y")], b=weights(8, at=2048)
    )
    assert text == (
        "y: f32[2,6,8] = Product(epilogue=max(add(x0, x1), 0.0), n_extra=1)(x, w, b)\n-> y\n"
    )


def test_switched_off_it_changes_nothing() -> None:
    text = finished([PRODUCT, node("Relu", "p", "y")], options=CompileOptions(fuse=False))
    assert "epilogue" not in text


def test_a_residual_that_is_computed_later_delays_the_product() -> None:
    nodes = [PRODUCT, node("Softmax", "z", "s"), node("Add", "p s", "y")]
    text = finished(nodes, inputs={**X, "z": "f32[2,6,8]"})
    assert text.splitlines()[0].endswith("RowSoftmax(z)")
    assert "epilogue=add(x0, x1), n_extra=1)(x, w, " in text.splitlines()[1]


def test_of_two_products_the_later_one_takes_the_sum() -> None:
    nodes = [PRODUCT, node("MatMul", "x v", "q"), node("Tanh", "p", "t"), node("Add", "t q", "y")]
    text = finished(nodes, v=weights(16, 8, at=4096))
    first, second, _ = text.splitlines()
    assert first.endswith(" = Product(x, w)")
    assert "Product(epilogue=add(tanh(x1), x0), n_extra=1)(x, v, p" in second


def test_a_result_with_other_users_is_kept() -> None:
    nodes = [PRODUCT, node("Relu", "p", "y"), node("Softmax", "p", "z")]
    assert "epilogue" not in finished(nodes, "y z")
    assert "epilogue" not in finished([PRODUCT, node("Relu", "p", "y")], "p y")


def test_what_broadcasts_the_result_stays() -> None:
    nodes = [PRODUCT, node("Add", "p z", "y")]
    assert "epilogue" not in finished(nodes, inputs={**X, "z": "f32[3,2,6,8]"})
    assert "epilogue" not in finished(nodes, inputs={**X, "z": "f32[2,6,1]"})


def test_another_dtype_stays() -> None:
    text = finished([PRODUCT, node("Greater", "p zero", "y")], zero=filled(0.0))
    assert "epilogue" not in text and "bool[2,6,8] = Map(expr=gt(x0, 0.0))" in text


def test_a_view_between_is_passed() -> None:
    nodes = [PRODUCT, node("Reshape", "p s", "r"), node("Add", "r z", "a"), node("Add", "a b", "y")]
    text = finished(
        nodes,
        inputs={**X, "z": "f32[12,8]"},
        s=Const.of(I64, (2,), (12, 8)),
        b=weights(1, 8, at=2048),
    )
    assert "f32[2,6,8] = View(shape=(2, 6, 8))(z)" in text
    assert "f32[8] = View(shape=(8,))(b)" in text
    assert "Product(epilogue=add(add(x0, x2), x1), n_extra=2)(x, w, b.1, z.2)" in text
    assert "f32[12,8] = View(shape=(12, 8))(y" in text


def test_a_residual_block() -> None:
    nodes = [
        node("Conv", "x w b", "a", pads=(1, 1, 1, 1)),
        node("Relu", "a", "r"),
        node("Conv", "r v b", "c", pads=(1, 1, 1, 1)),
        node("Add", "c x", "s"),
        node("Relu", "s", "y"),
    ]
    text = finished(
        nodes,
        inputs={"x": "f32[2,8,6,6]"},
        w=weights(8, 8, 3, 3),
        v=weights(8, 8, 3, 3, at=4096),
        b=weights(8, at=8192),
    )
    lines = [line.partition(" = ")[2] for line in text.splitlines()]
    assert lines[1].startswith("Conv(pads=(1, 1, 1, 1), channels_last=True, epilogue=max(x0, 0.0)")
    assert "epilogue=max(add(x0, x1), 0.0), n_extra=1)" in lines[2]
    assert lines[2].endswith(", v, b, x.1)")


def test_forms_without_epilogue_are_left_alone() -> None:
    text = finished(
        [PRODUCT, node("Tanh", "p", "y")], inputs={"x": "f64[2,16]"}, w=weights(16, 8, dtype=F64)
    )
    assert "epilogue" not in text
    nodes = [node("MaxPool", "x", "p", kernel_shape=(2, 2, 2)), node("Tanh", "p", "y")]
    assert "epilogue" not in finished(nodes, inputs={"x": "f32[1,2,5,5,5]"})


def test_epilogues_stay_small() -> None:
    chain = [node(("Exp", "Neg", "Abs")[i % 3], f"a{i}", f"a{i + 1}") for i in range(60)]
    text = finished([node("MatMul", "x w", "a0"), *chain], "a60")
    assert "epilogue" not in text
