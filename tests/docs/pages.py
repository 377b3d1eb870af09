"""The pages of the documentation that are made from the sources."""

from __future__ import annotations

from collections.abc import Callable

from tests.docs.javascript_api import javascript_api
from tests.docs.operators import operators
from tests.docs.python_api import python_api
from tests.shared import ROOT

__all__ = ["DOCS", "GENERATED"]

DOCS = ROOT / "web" / "docs"

GENERATED: dict[str, Callable[[], str]] = {
    "javascript.md": javascript_api,
    "operators.md": operators,
    "python.md": python_api,
}
