"""Damages models: their bytes, and what their messages say. Equal seeds make equal damage."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import onnx
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto
from wasmkiln.ops.base import INTERNAL, registered

__all__ = ["mutate"]

INTS = (0, 1, -1, 2, 3, 7, 255, 65536, 2**31 - 1, 2**31, -(2**31), 2**40, 2**62, 2**63 - 1,
        -(2**63))  # fmt: skip
SMALL = (0, 1, 2, 3, 5, -1)
FLOATS = (0.0, -1.0, float("nan"), float("inf"), -float("inf"), 1e38, 1e-45, 2.0)
OPERATORS = sorted({c.op_type for c in registered() if c.domain != INTERNAL})


def mutate(data: bytes, random: Random) -> bytes:
    """The model with one to three things changed, of its bytes or of its messages."""
    if random.random() < 0.2:
        for _ in range(random.randint(1, 3)):
            data = _damage_bytes(data, random)
        return data
    model = onnx.load_from_string(data)
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        random.choice(CHANGES)(model, random)
    return bytes(model.SerializeToString())


def _damage_bytes(data: bytes, random: Random) -> bytes:
    """A flip, a hole, an insertion, a cut, or a piece that stands twice."""
    if not data:
        return data
    # Most of a model is weights, whose bytes matter little: half of the damage is done to the rest.
    at = random.randrange(len(data))
    if random.random() < 0.5:
        at = min(at, random.randrange(min(2000, len(data))))
    length = random.choice([1, 1, 2, 8, 64, 1000])
    piece = data[at : at + length]
    match random.randrange(5):
        case 0:
            return data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]
        case 1:
            return data[:at] + data[at + length :]
        case 2:
            return data[:at] + random.randbytes(length) + data[at:]
        case 3:
            return data[:at]
    return data[:at] + piece + data[at:]


def _node(model: ModelProto, random: Random) -> NodeProto | None:
    return random.choice(model.graph.node) if model.graph.node else None


def _number(random: Random) -> int:
    return random.choice(INTS) if random.random() < 0.6 else random.choice(SMALL)


def _dim(model: ModelProto, random: Random) -> None:
    """A size of an input or output."""
    infos = [*model.graph.input, *model.graph.output, *model.graph.value_info]
    shapes = [i.type.tensor_type.shape for i in infos if i.type.tensor_type.shape.dim]
    if shapes:
        random.choice(random.choice(shapes).dim).dim_value = _number(random)


def _rank(model: ModelProto, random: Random) -> None:
    """One dimension more or less, or a thousand more."""
    infos = [*model.graph.input, *model.graph.output]
    if not infos:
        return
    dims = random.choice(infos).type.tensor_type.shape.dim
    if random.random() < 0.4 and dims:
        del dims[random.randrange(len(dims))]
    else:
        for _ in range(random.choice([1, 1, 1, 70, 1000])):
            dims.add().dim_value = random.choice([1, 1, 2])


def _dtype(model: ModelProto, random: Random) -> None:
    """The element type of an input, output or initializer."""
    kind = random.choice([*range(30), 255, -1])
    if model.graph.initializer and random.random() < 0.5:
        random.choice(model.graph.initializer).data_type = kind
    elif infos := [*model.graph.input, *model.graph.output]:
        random.choice(infos).type.tensor_type.elem_type = kind


def _integer_tensors(model: ModelProto) -> list[TensorProto]:
    found = [t for t in model.graph.initializer if t.data_type in (6, 7)]
    for node in model.graph.node:
        found += [a.t for a in node.attribute if a.HasField("t") and a.t.data_type in (6, 7)]
    return found


def _integers(model: ModelProto, random: Random) -> None:
    """An element of an integer constant, which may be a shape, an index, or a number of trips."""
    tensors = _integer_tensors(model)
    if not tensors:
        return
    tensor = random.choice(tensors)
    width = 8 if tensor.data_type == 7 else 4
    value = _number(random)
    if tensor.raw_data:
        raw = bytearray(tensor.raw_data)
        at = random.randrange(max(1, len(raw) // width)) * width
        raw[at : at + width] = (value & ((1 << 8 * width) - 1)).to_bytes(width, "little")
        tensor.raw_data = bytes(raw)
    elif tensor.int64_data:
        tensor.int64_data[random.randrange(len(tensor.int64_data))] = value


def _weights(model: ModelProto, random: Random) -> None:
    """Dims, length or place of an initializer."""
    if not model.graph.initializer:
        return
    tensor = random.choice(model.graph.initializer)
    match random.randrange(6):
        case 0 if tensor.dims:
            tensor.dims[random.randrange(len(tensor.dims))] = _number(random)
        case 1:
            tensor.raw_data = tensor.raw_data[: random.randrange(len(tensor.raw_data) + 1)]
        case 2:
            tensor.raw_data = tensor.raw_data + bytes(random.choice([1, 4, 4096]))
        case 3:
            tensor.name = random.choice([t.name for t in model.graph.initializer] + [""])
        case 4:
            tensor.data_location = TensorProto.EXTERNAL
            places = ["/etc/passwd", "../../../etc/passwd", "..\\x", "a\0b", "", "nothing", "."]
            for key, value in (
                ("location", random.choice(places)),
                ("offset", str(random.choice([*INTS, "x"]))),
                ("length", str(random.choice([*INTS, "x"]))),
            ):
                tensor.external_data.add(key=key, value=value)
        case _:
            tensor.dims.append(_number(random))


def _attribute(model: ModelProto, random: Random) -> None:
    """The value or the kind of an attribute."""
    nodes = [n for n in model.graph.node if n.attribute]
    if not nodes:
        return
    attribute = random.choice(random.choice(nodes).attribute)
    match attribute.type:
        case AttributeProto.INT:
            attribute.i = _number(random)
        case AttributeProto.INTS if attribute.ints and random.random() < 0.8:
            attribute.ints[random.randrange(len(attribute.ints))] = _number(random)
        case AttributeProto.INTS:
            attribute.ints.extend([_number(random)] * random.choice([1, 2, 100_000]))
        case AttributeProto.FLOAT:
            attribute.f = random.choice(FLOATS)
        case AttributeProto.STRING:
            attribute.s = random.choice([b"", b"\xff\xfe", b"linear", b"x" * 100_000])
    if random.random() < 0.1:
        attribute.type = random.randrange(15)
    if random.random() < 0.05:
        attribute.name = random.choice(["axis", "", "n_outputs", "_values", "op_type"])


def _new_attribute(model: ModelProto, random: Random) -> None:
    """Another attribute, of a name that some operators know."""
    if node := _node(model, random):
        name = random.choice(["axis", "axes", "keepdims", "pads", "group", "to", "mode", "fmod"])
        value = random.choice([_number(random), [_number(random)] * 3, 1.5, "x"])
        node.attribute.append(onnx.helper.make_attribute(name, value))


def _operator(model: ModelProto, random: Random) -> None:
    """Another operator on the same inputs."""
    if node := _node(model, random):
        node.op_type = random.choice(OPERATORS)


def _edge(model: ModelProto, random: Random) -> None:
    """Another value as an input: from ahead (a cycle), from nowhere, absent, or a string."""
    node, other = _node(model, random), _node(model, random)
    if node is None or other is None or not other.output:
        return
    names = [*other.output, "", "nowhere", *(t.name for t in model.graph.initializer)]
    if node.input and random.random() < 0.7:
        node.input[random.randrange(len(node.input))] = random.choice(names)
    elif random.random() < 0.5 and node.input:
        del node.input[random.randrange(len(node.input))]
    else:
        node.input.extend([random.choice(names)] * random.choice([1, 1, 3, 1000]))


def _outputs(model: ModelProto, random: Random) -> None:
    """An output's name twice, none, or some more."""
    if (node := _node(model, random)) and node.output:
        match random.randrange(4):
            case 0:
                other = random.choice(model.graph.node)
                node.output[0] = other.output[0] if other.output else ""
            case 1:
                del node.output[-1]
            case 2:
                node.output.extend([f"extra{i}" for i in range(random.choice([1, 2, 500]))])
            case _:
                node.output[0] = ""


def _nodes(model: ModelProto, random: Random) -> None:
    """A node gone, twice, or all in another order."""
    if not model.graph.node:
        return
    match random.randrange(3):
        case 0:
            del model.graph.node[random.randrange(len(model.graph.node))]
        case 1:
            model.graph.node.append(random.choice(model.graph.node))
        case _:
            nodes = list(model.graph.node)
            random.shuffle(nodes)
            del model.graph.node[:]
            model.graph.node.extend(nodes)


def _opset(model: ModelProto, random: Random) -> None:
    """Another version, domain or none."""
    for entry in model.opset_import:
        entry.version = random.choice([*range(1, 30), *INTS])
    if random.random() < 0.2:
        del model.opset_import[:]


def _inner(model: ModelProto, random: Random) -> None:
    """The whole graph as a branch inside of itself."""
    graph = onnx.GraphProto()
    graph.CopyFrom(model.graph)
    names = [i.name for i in model.graph.input] + [t.name for t in model.graph.initializer]
    node = model.graph.node.add(op_type=random.choice(["If", "Loop", "Scan"]))
    node.input.append(random.choice(names or [""]))
    node.output.append("branched")
    for name in ("then_branch", "else_branch") if node.op_type == "If" else ("body",):
        node.attribute.append(onnx.helper.make_attribute(name, graph))


Change = Callable[[ModelProto, Random], None]
CHANGES: tuple[Change, ...] = (
    _dim, _dim, _rank, _dtype, _integers, _integers, _weights, _attribute, _attribute, _attribute,
    _new_attribute, _operator, _edge, _edge, _outputs, _nodes, _opset, _inner,
)  # fmt: skip
