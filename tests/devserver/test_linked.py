"""Workers in one file each."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from wasmkiln.devserver.linked import WORKERS, linked_copy

from tests.shared import ROOT


@pytest.mark.parametrize("worker", sorted(WORKERS))
def test_a_worker_needs_no_other_module(worker: str, tmp_path: Path) -> None:
    text = linked_copy(ROOT / "web" / worker, tmp_path / worker).read_text("utf-8")
    assert "\nimport {" not in text
    assert "\nexport " not in text
    assert "from './" not in text
    assert "serve(" in text


def test_a_change_of_what_it_imports_is_seen(tmp_path: Path) -> None:
    source, part, target = (tmp_path / name for name in ("a.js", "b.js", "out.js"))
    source.write_text("import { one } from './b.js';\n\nconsole.log(one());\n")
    part.write_text("export function one() {\n  return 1;\n}\n")
    assert "return 1;" in linked_copy(source, target).read_text()
    part.write_text("export function one() {\n  return 2;\n}\n")
    os.utime(part, (1, 1))
    assert "return 2;" in linked_copy(source, target).read_text()
