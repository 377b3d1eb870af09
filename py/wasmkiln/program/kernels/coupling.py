"""coupling: probabilities of classes from those between each two of them."""

from __future__ import annotations

from ...record import record
from .base import KernelSpec

__all__ = ["CouplingSpec"]


@record
class CouplingSpec(KernelSpec):
    """The second method of Wu, Lin and Weng (2004), as libsvm iterates it, of f32.

    https://www.csie.ntu.edu.tw/~cjlin/papers/svmprob/svmprob.pdf. At most 100 rounds, until no
    error is above 0.005 / C.

    args: out [rows, C], pairs [rows, C * (C - 1) / 2] (addresses); C; pairs of a row; scratch,
    share
    pairs: the probabilities of class i against class j, for all i < j.
    A thread needs room for (2 * C + 1) * C words.
    range: rows.
    """

    @property
    def name(self) -> str:
        """`coupling_f32`."""
        return "coupling_f32"
