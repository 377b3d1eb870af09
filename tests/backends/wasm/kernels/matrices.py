"""Layouts of matrices that kernels read, written in NumPy as their definition."""

from __future__ import annotations

from typing import Any

import numpy as np


def panels_of(b: Any, width: int = 8) -> Any:
    """Batches [G, K, N] as [G, panels, K, width], zero beyond N."""
    batch, k, n = b.shape
    panels = -(-n // width)
    padded = np.zeros((batch, k, panels * width), b.dtype)
    padded[:, :, :n] = b
    return np.ascontiguousarray(padded.reshape(batch, k, panels, width).transpose(0, 2, 1, 3))
