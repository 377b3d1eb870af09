"""Kernel specifications: what a backend must be able to emit, one family a file."""

from .base import KernelSpec

__all__ = ["KernelSpec"]
