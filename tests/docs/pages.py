"""The pages of the documentation that are made from the sources."""

from __future__ import annotations

from tests.docs.operators import operators
from tests.docs.python_api import python_api
from tests.shared import ROOT

__all__ = ["DOCS", "generated"]

DOCS = ROOT / "web" / "docs"


def generated() -> dict[str, str]:
    """The texts of all generated pages by file name."""
    return {"operators.md": operators(), "python.md": python_api()}
