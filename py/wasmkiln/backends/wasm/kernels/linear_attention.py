"""Attention with a matrix as state, four of its columns at a time (see
program/kernels/linear_attention.py).

A panel of the state [keys, 4] stays in the thread's room while all tokens pass; columns depend on
each other nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ....program.kernels.linear_attention import LinearAttentionSpec
from ...base import Target
from .. import asm as w
from ..function import Function, Local
from ..isa import i32, v128
from ..loops import kernel, load_args, madd
from ..module import Module
from ..val import Val
from .element import store_bytes

__all__ = ["emit_linear_attention"]

_WORDS = (
    "out present q k v past decay beta tokens heads group keys values "
    "decay_token decay_head decay_key beta_token beta_head scratch share scale:f32"
)


def emit_linear_attention(spec: LinearAttentionSpec, m: Module, target: Target) -> Function:
    """One panel after the other."""
    f = kernel(m, spec.name)
    _, begin, end, _ = f.params
    panel = _Panel(f, spec, target)
    with f.for_range(begin, begin, end):
        panel.emit(begin)
    return f


class _Panel:
    """Four columns of a head's state, and all tokens on them."""

    def __init__(self, f: Function, spec: LinearAttentionSpec, target: Target) -> None:
        self.f, self.spec, self.target = f, spec, target
        names = (name.partition(":")[0] for name in _WORDS.split())
        self.args = dict(zip(names, load_args(f, _WORDS), strict=True))
        a = self.args
        self.room = f.let(a["scratch"] + f.params[3] * a["share"])
        self.room_end = f.let(self.room + a["keys"] * 16)
        self.row, self.line = f.let(a["values"] * 4), f.let(a["keys"] * 4)
        self.p, self.at = f.local(i32), f.local(i32)
        self.sum, self.value = f.local(v128), f.local(v128)

    def emit(self, unit: Local) -> None:
        """The panel of index `unit`."""
        f, a = self.f, self.args
        panels = f.let((a["values"] + 3) // 4)
        head, first = f.let(unit // panels), f.let(unit % panels * 16)
        nbytes = f.let(self.row - first)
        state = f.let(head * a["keys"] * self.row + first)
        self._fetch(state)
        batch, own = f.let(head // a["heads"]), f.let(head % a["heads"])
        token, last = f.let(batch * a["tokens"]), f.let((batch + 1) * a["tokens"])
        with f.for_range(token, token, last):
            place = f.let(token * a["heads"] + own)
            key = f.let(a["k"] + place * self.line)
            f.set(self.value, w.v128_load(a["v"] + place * self.row + first))
            if self.spec.gated or self.spec.delta:
                self._decay(token, own, key)
            with self._over_rows(key):
                weight = self._splat(self.at)
                updated = madd(self.target, weight, self.value, w.v128_load(self.p))
                f.v128_store(self.p, updated)
            self._read(place, first, nbytes)
            f.free(place, key)
        f.set(self.at, a["present"] + state)
        with f.for_range(self.p, self.room, self.room_end, 16, signed=False):
            store_bytes(f, self.at, w.v128_load(self.p), nbytes)
            f.add_to(self.at, self.row)
        f.free(panels, head, first, nbytes, state, batch, own, token, last)

    def _fetch(self, state: Local) -> None:
        """The past's columns, or zeros."""
        f, past = self.f, self.args["past"]
        f.set(self.at, past + state)
        with f.for_range(self.p, self.room, self.room_end, 16, signed=False):
            with f.if_(past):
                f.v128_store(self.p, w.v128_load(self.at))
            with f.else_():
                f.v128_store(self.p, w.f32x4_const(0.0))
            f.add_to(self.at, self.row)

    def _decay(self, token: Local, head: Local, key: Local) -> None:
        """S *= decay; value = beta * (value - key @ S)."""
        f, a = self.f, self.args
        factor = f.let(a["decay"] + token * a["decay_token"] + head * a["decay_head"])
        f.set(self.sum, w.f32x4_const(0.0))
        with self._over_rows(key):
            state = f.let(w.v128_load(self.p))
            if self.spec.gated:
                f.set(state, w.f32x4_mul(state, self._splat(factor)))
                f.v128_store(self.p, state)
                f.add_to(factor, a["decay_key"])
            if self.spec.delta:
                f.set(self.sum, madd(self.target, self._splat(self.at), state, self.sum))
            f.free(state)
        if self.spec.delta:
            rate = self._splat(a["beta"] + token * a["beta_token"] + head * a["beta_head"])
            f.set(self.value, w.f32x4_mul(rate, w.f32x4_sub(self.value, self.sum)))
        f.free(factor)

    def _read(self, place: Local, first: Local, nbytes: Local) -> None:
        """out = scale * q @ S for each query head of the group."""
        f, a = self.f, self.args
        query, last = f.let(place * a["group"]), f.let((place + 1) * a["group"])
        with f.for_range(query, query, last):
            f.set(self.sum, w.f32x4_const(0.0))
            line = f.let(a["q"] + query * self.line)
            with self._over_rows(line):
                weight = self._splat(self.at)
                f.set(self.sum, madd(self.target, weight, w.v128_load(self.p), self.sum))
            scaled = w.f32x4_mul(self.sum, w.f32x4_splat(a["scale"]))
            store_bytes(f, a["out"] + query * self.row + first, scaled, nbytes)
            f.free(line)
        f.free(query, last)

    @contextmanager
    def _over_rows(self, line: Local) -> Iterator[None]:
        """Rows of the state at `p`, and the elements of a line of keys or queries at `at`."""
        f = self.f
        f.set(self.at, line)
        with f.for_range(self.p, self.room, self.room_end, 16, signed=False):
            yield
            f.add_to(self.at, 4)

    def _splat(self, address: Val) -> Val:
        return w.v128_load32_splat(address)
