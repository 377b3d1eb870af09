"""The operator-set versions that a model or a function imports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..errors import InvalidModelError
from .proto import OperatorSetId

__all__ = ["Opsets", "opsets_of", "plain_domain"]

Opsets = Mapping[str, int]  # version by domain, '' being ai.onnx


def plain_domain(domain: str) -> str:
    """The domain with the two names of the default one made equal."""
    return "" if domain == "ai.onnx" else domain


def opsets_of(imports: Iterable[OperatorSetId], what: str) -> dict[str, int]:
    """Versions by domain; `what` names the importer in errors."""
    out: dict[str, int] = {}
    for item in imports:
        domain = plain_domain(item.domain)
        title = domain or "ai.onnx"
        if not 1 <= item.version < 1 << 31:
            raise InvalidModelError(f"{what} imports version {item.version} of {title}")
        if out.setdefault(domain, item.version) != item.version:
            raise InvalidModelError(
                f"{what} imports versions {out[domain]} and {item.version} of {title}"
            )
    return out
