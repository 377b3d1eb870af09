"""Encoders of text as PyTorch exports them: LayerNorm and GELU decomposed, shapes computed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx

from bench.models.maker import FLOAT, INT64, Maker

__all__ = ["VOCABULARY", "bert_base", "minilm"]

VOCABULARY = 30522
POSITIONS = 512


@dataclass(frozen=True, slots=True)
class _Sizes:
    layers: int
    hidden: int
    heads: int
    inner: int

    @property
    def head(self) -> int:
        return self.hidden // self.heads


def bert_base() -> onnx.ModelProto:
    """BERT-base (Devlin et al. 2019); batch and sequence are symbolic."""
    return _encoder("bert-base", _Sizes(12, 768, 12, 3072))


def minilm() -> onnx.ModelProto:
    """MiniLM-L6 with 384 features (Wang et al. 2020), as sentence encoders use it."""
    return _encoder("minilm", _Sizes(6, 384, 12, 1536))


def _encoder(name: str, s: _Sizes) -> onnx.ModelProto:
    m = Maker(name, seed=s.layers)
    shape = ("batch", "sequence")
    names = ("input_ids", "attention_mask", "token_type_ids")
    ids, mask, kinds = (m.input(n, shape, INT64) for n in names)
    x = _embed(m, s, ids, kinds)
    cut = _mask(m, mask)
    for _ in range(s.layers):
        x = _layer_norm(m, m.node("Add", _attention(m, s, x, cut), x), s.hidden)
        inner = _gelu(m, m.dense(x, s.hidden, s.inner))
        x = _layer_norm(m, m.node("Add", m.dense(inner, s.inner, s.hidden), x), s.hidden)
    return m.finish(x, (*shape, s.hidden))


def _embed(m: Maker, s: _Sizes, ids: str, kinds: str) -> str:
    """Words, kinds and positions; these are a prefix of a constant, as long as the text."""
    length = m.node("Unsqueeze", _size(m, ids, 1), m.ints(0))
    every = m.const(np.arange(POSITIONS).reshape(1, -1), np.int64)
    positions = m.node("Slice", every, m.ints(0), length, m.ints(1), m.ints(1))
    tables = (VOCABULARY, ids), (2, kinds), (POSITIONS, positions)
    words, types, places = (
        m.node("Gather", m.weight(rows, s.hidden, fan_in=s.hidden), index) for rows, index in tables
    )
    return _layer_norm(m, m.node("Add", m.node("Add", words, types), places), s.hidden)


def _size(m: Maker, x: str, axis: int) -> str:
    return m.node("Gather", m.node("Shape", x), m.const(axis, np.int64), axis=0)


def _mask(m: Maker, mask: str) -> str:
    """0 where a token counts, a large negative number elsewhere; [batch, 1, 1, sequence]."""
    x = m.node("Unsqueeze", m.node("Unsqueeze", mask, m.ints(1)), m.ints(2))
    x = m.node("Sub", m.const(1.0), m.node("Cast", x, to=FLOAT))
    return m.node("Mul", x, m.const(np.finfo(np.float32).min))


def _attention(m: Maker, s: _Sizes, x: str, mask: str) -> str:
    query, key, value = (m.dense(x, s.hidden, s.hidden) for _ in range(3))
    query, value = (
        m.node("Transpose", _split_heads(m, s, t), perm=[0, 2, 1, 3]) for t in (query, value)
    )
    key = m.node("Transpose", _split_heads(m, s, key), perm=[0, 2, 3, 1])
    scores = m.node("Div", m.node("MatMul", query, key), m.const(np.sqrt(s.head)))
    weights = m.node("Softmax", m.node("Add", scores, mask), axis=-1)
    mixed = m.node("Transpose", m.node("MatMul", weights, value), perm=[0, 2, 1, 3])
    joined = m.node("Reshape", mixed, _shape(m, mixed, s.hidden))
    return m.dense(joined, s.hidden, s.hidden)


def _split_heads(m: Maker, s: _Sizes, x: str) -> str:
    return m.node("Reshape", x, _shape(m, x, s.heads, s.head))


def _shape(m: Maker, x: str, *rest: int) -> str:
    """[batch, sequence, *rest], the first two read off x."""
    sizes = [m.node("Unsqueeze", _size(m, x, axis), m.ints(0)) for axis in (0, 1)]
    return m.node("Concat", *sizes, *(m.ints(r) for r in rest), axis=0)


def _layer_norm(m: Maker, x: str, size: int) -> str:
    centred = m.node("Sub", x, m.node("ReduceMean", x, axes=[-1]))
    square = m.node("Pow", centred, m.const(2.0))
    variance = m.node("Add", m.node("ReduceMean", square, axes=[-1]), m.const(1e-12))
    y = m.node("Div", centred, m.node("Sqrt", variance))
    return m.node("Add", m.node("Mul", y, m.const(np.ones(size))), m.bias(size))


def _gelu(m: Maker, x: str) -> str:
    erf = m.node("Erf", m.node("Div", x, m.const(np.sqrt(2.0))))
    y = m.node("Mul", x, m.node("Add", erf, m.const(1.0)))
    return m.node("Mul", y, m.const(0.5))
