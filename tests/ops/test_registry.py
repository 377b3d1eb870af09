"""All registered operators against ONNX's own definitions: versions, attributes, inputs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from onnx.defs import OpSchema
from wasmkiln.onnx.attribute import check_types
from wasmkiln.ops import families
from wasmkiln.ops.base import INTERNAL, lookup, registered
from wasmkiln.ops.families import FAMILIES

SCHEMAS = [s for s in onnx.defs.get_all_schemas_with_history() if not s.domain and not s.deprecated]


AttrType = OpSchema.AttrType

# A value of each type that an attribute may be declared with.
EXAMPLES = {
    AttrType.INT: 1,
    AttrType.FLOAT: 1.0,
    AttrType.STRING: "a",
    AttrType.INTS: (1,),
    AttrType.FLOATS: (1.0,),
    AttrType.STRINGS: ("a",),
}

# What a definition says by mistake: (operator, version, attribute).
MISPRINTS = {("GRU", 1, "direction"): "'foward'"}

NAMES = {c.op_type for c in registered() if not c.domain}
CASES = sorted((s.name, s.since_version) for s in SCHEMAS if s.name in NAMES)


def schema_of(op_type: str, since: int) -> onnx.defs.OpSchema:
    """The definition of one version."""
    return next(s for s in SCHEMAS if (s.name, s.since_version) == (op_type, since))


@pytest.mark.parametrize("op_type", sorted({s.name for s in SCHEMAS}))
def test_all_versions_of_all_operators(op_type: str) -> None:
    versions = {s.since_version for s in SCHEMAS if s.name == op_type}
    found = {v for v in versions if lookup("", op_type, v) is not None}
    assert versions == found, f"versions {sorted(versions - found)} are missing"


@pytest.mark.parametrize(("op_type", "since"), CASES, ids=lambda v: str(v))
def test_version(op_type: str, since: int) -> None:
    schema, cls = schema_of(op_type, since), lookup("", op_type, since)
    assert cls is not None, "no class for this version"
    missing = set(schema.attributes) - set(cls.fields)
    assert not missing, f"attributes {sorted(missing)} are not known"
    least, most = cls.arity()
    assert least <= schema.min_input
    assert most >= min(schema.max_input, 1 << 30)


@pytest.mark.parametrize(("op_type", "since"), CASES, ids=lambda v: str(v))
def test_defaults(op_type: str, since: int) -> None:
    schema, cls = schema_of(op_type, since), lookup("", op_type, since)
    assert cls is not None
    for name, attribute in schema.attributes.items():
        if not attribute.default_value.name or (op_type, since, name) in MISPRINTS:
            continue
        expected = onnx.helper.get_attribute_value(attribute.default_value)
        if isinstance(expected, bytes):
            expected = expected.decode()
        elif isinstance(expected, list):
            expected = tuple(e.decode() if isinstance(e, bytes) else e for e in expected)
        given = cls.fields.get(name)
        same = pytest.approx(expected, rel=1e-6) if isinstance(expected, float) else expected
        assert given == same, f"{name} is {given!r} by default, not {expected!r}"


@pytest.mark.parametrize(("op_type", "since"), CASES, ids=lambda v: str(v))
def test_attribute_types(op_type: str, since: int) -> None:
    schema, cls = schema_of(op_type, since), lookup("", op_type, since)
    assert cls is not None
    for name, attribute in schema.attributes.items():
        examples = EXAMPLES.get(attribute.type)
        if examples is not None and name in cls.fields:
            check_types(cls, {name: examples})


def test_internal_operators_hide_from_models() -> None:
    assert any(c.domain == INTERNAL for c in registered())
    assert lookup("", "Map", 21) is None


def test_ai_onnx_is_the_default_domain() -> None:
    assert lookup("ai.onnx", "Add", 21) is lookup("", "Add", 21)


def test_families_list_what_their_files_register() -> None:
    found: dict[str, set[str]] = {}
    for cls in registered():
        title = f"{cls.domain}.{cls.op_type}" if cls.domain else cls.op_type
        found.setdefault(cls.__module__.rpartition(".")[2], set()).add(title)
    assert found == {family: set(titles.split()) for family, titles in FAMILIES.items()}


def test_all_operator_files_are_families() -> None:
    folder = Path(families.__file__).parent
    registering = {p.stem for p in folder.glob("*.py") if "register(" in p.read_text("utf-8")}
    assert registering - {"base"} <= FAMILIES.keys()


def test_a_lookup_imports_one_family() -> None:
    code = (
        "import sys; from wasmkiln.ops.base import lookup; lookup('', 'Hardmax', 13);"
        "print('wasmkiln.ops.softmax' in sys.modules, 'wasmkiln.ops.scatter' in sys.modules)"
    )
    root = Path(families.__file__).parents[2]
    output = subprocess.check_output([sys.executable, "-c", code], cwd=root, text=True)
    assert output.split() == ["True", "False"]
