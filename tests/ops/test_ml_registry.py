"""All operators of ai.onnx.ml against ONNX's own definitions: versions, attributes, inputs."""

from __future__ import annotations

import onnx
import pytest
from wasmkiln.ops.base import lookup

from .ml import DOMAIN

SCHEMAS = [s for s in onnx.defs.get_all_schemas_with_history() if s.domain == DOMAIN]


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda s: f"{s.name}-{s.since_version}")
def test_version(schema: onnx.defs.OpSchema) -> None:
    cls = lookup(DOMAIN, schema.name, schema.since_version)
    assert cls is not None
    assert set(schema.attributes) <= set(cls.fields)
    least, most = cls.arity()
    assert least <= schema.min_input
    assert most >= min(schema.max_input, 1 << 30)
    for name, attribute in schema.attributes.items():
        if attribute.default_value.name:
            expected = onnx.helper.get_attribute_value(attribute.default_value)
            expected = expected.decode() if isinstance(expected, bytes) else expected
            assert cls.fields[name] == expected
