"""Where the shared test material lies: real models and labelled images, beside the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the shared models and images are not beside this checkout"
)


def shared_models() -> list[str]:
    """Names of all shared models, without their ending."""
    return sorted(p.stem for p in (SHARED / "models").glob("*.onnx"))
