"""The models that are measured: made by seeded scripts, or real ones where they are at hand."""

from __future__ import annotations

from bench.models.registry import MODELS, find_tasks

__all__ = ["MODELS", "find_tasks"]
