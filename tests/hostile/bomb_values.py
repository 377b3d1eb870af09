"""Small models whose numbers ask for too much, and numbers that plain Python would spell out."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.hostile.building import HUGE, INT64, add, ints, node, use

__all__: list[str] = []

for _n in (2**31 - 1, 2**32, 2**40, 2**62, -1):
    add(f"constant_of_shape_{_n}", node("ConstantOfShape", "s", "c"), node("ReduceSum", "c"),
         consts={"s": ints(_n)})  # fmt: skip
    add(f"tile_{_n}", node("Tile", "x s"), consts={"s": ints(_n, 2)})
    add(f"expand_{_n}", node("Expand", "x s"), consts={"s": ints(_n, 1, 1)})
    add(f"pad_{_n}", node("Pad", "x s"), consts={"s": ints(0, _n, 0, 0)})
    add(f"range_{_n}", node("Range", "a b c", "r"), node("Add", "r r"),
         consts={"a": np.int64(0), "b": np.int64(_n), "c": np.int64(1)})  # fmt: skip
    add(f"one_hot_{_n}", node("OneHot", "i d v"),
         consts={"i": ints(1, 2), "d": np.int64(_n), "v": np.array([0, 1], "f4")})  # fmt: skip
    add(f"reshape_{_n}", node("Reshape", "x s"), consts={"s": ints(_n, 2)})
    add(f"resize_{_n}", node("Resize", "x - - s"), consts={"s": ints(_n, 3)})
    add(f"top_k_{_n}", node("TopK", "x k", "y i"), consts={"k": ints(_n)})
    add(f"window_{_n}", node("HannWindow", "n"), consts={"n": np.int64(_n)})
    add(f"split_{_n}", node("Split", "x s", "y z"), consts={"s": ints(_n, 2 - _n)})
    add(f"slice_{_n}", node("Slice", "x a b c d"),
         consts={"a": ints(0), "b": ints(_n), "c": ints(0), "d": ints(-_n)})  # fmt: skip
    add(f"gather_{_n}", node("Gather", "x i"), consts={"i": ints(_n, 0)})
    add(f"gather_nd_{_n}", node("GatherND", "x i"), consts={"i": ints(_n)})
    add(f"scatter_{_n}", node("ScatterND", "x i u"),
         consts={"i": ints(_n, 0)[None], "u": np.zeros(1, "f4")})  # fmt: skip
    add(f"depth_to_space_{_n}", node("DepthToSpace", "x", blocksize=_n), shape=[1, 4, 2, 2])
    add(f"unsqueeze_{_n}", node("Unsqueeze", "x a"), consts={"a": ints(_n)})
    add(f"max_pool_{_n}", node("MaxPool", "x", kernel_shape=[_n]), shape=[1, 1, 9])
    add(f"average_pool_pads_{_n}", node("AveragePool", "x", kernel_shape=[3], pads=[_n, _n]),
         shape=[1, 1, 9])  # fmt: skip
    for _field in ("strides", "dilations", "pads", "output_padding"):
        _w = {"w": np.ones((1, 1, 3), "f4")}
        _how: dict[str, Any] = {_field: [_n, _n] if _field == "pads" else [_n]}
        add(f"conv_transpose_{_field}_{_n}", node("ConvTranspose", "x w", "y", **_how),
             consts=_w, shape=[1, 1, 9])  # fmt: skip
        if _field != "output_padding":
            add(f"conv_{_field}_{_n}", node("Conv", "x w", "y", **_how), consts=_w,
                 shape=[1, 1, 9])  # fmt: skip
    add(f"lrn_{_n}", node("LRN", "x", size=_n), shape=[1, 3, 4, 4])
    add(f"eye_{_n}", node("ConstantOfShape", "s", "c"), node("EyeLike", "c"),
         consts={"s": ints(_n, _n)})  # fmt: skip
    add(f"input_{_n}", node("Relu", "x"), shape=[_n, 2])
    add(f"input_products_{_n}", node("Relu", "x"), shape=[_n, _n, _n, 0])
    add(f"hidden_size_{_n}", node("LSTM", "x w r", hidden_size=_n), shape=[3, 1, 2],
         consts={"w": np.ones((1, 4, 2), "f4"), "r": np.ones((1, 4, 1), "f4")})  # fmt: skip
    add(f"group_{_n}", node("Conv", "x w", group=_n), consts={"w": np.ones((1, 1, 3), "f4")},
         shape=[1, 1, 9])  # fmt: skip

# Numbers that plain Python would make as large as they are.
for _op in ("Pow", "Mul", "Add", "Div", "Mod"):
    add(f"fold_{_op}", node(_op, "a b"), consts={"a": ints(9, HUGE), "b": ints(HUGE, -HUGE)})
for _direction in ("LEFT", "RIGHT"):
    _c = {"a": np.array([3, 2**63], "u8"), "b": np.array([HUGE, 2**64 - 1], "u8")}
    add(f"fold_shift_{_direction}", node("BitShift", "a b", direction=_direction), consts=_c)
add("fold_shift_signed", node("BitShift", "a b", direction="LEFT"), opset=26,
     consts={"a": ints(3), "b": ints(HUGE)})  # fmt: skip
add("fold_negative_power", node("Pow", "a b"), consts={"a": ints(0), "b": ints(-HUGE)})
add("fold_cast", node("Cast", "a", to=INT64), consts={"a": np.array([1e300, np.inf, np.nan])})
add("fold_floor", node("Floor", "a", "b"), node("Exp", "b"), consts={"a": np.array([1e300])})
add("range_of_a_float", node("Range", "a b c"),
     consts={"a": np.float32(0), "b": np.float32(1e30), "c": np.float32(1e-30)})  # fmt: skip
add("range_of_nan", node("Range", "a b c"),
     consts={"a": np.float32(0), "b": np.float32(np.nan), "c": np.float32(1)})  # fmt: skip
add("range_without_step", node("Range", "a b c"),
     consts={"a": np.int64(0), "b": np.int64(9), "c": np.int64(0)})  # fmt: skip
add("fold_tile", node("Tile", "c s", "z"), use("z"),
     consts={"c": np.ones(1000, "i8"), "s": ints(2**20)})  # fmt: skip
add("fold_expand", node("Expand", "c s", "z"), node("Mul", "z z", "w"), use("w"),
     consts={"c": ints(1), "s": ints(2**26)})  # fmt: skip
