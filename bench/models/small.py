"""Recurrent nets, fully connected nets, and a stack of 4-bit layers."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import onnx

from bench.models.maker import INT64, Maker

__all__ = ["autoencoder", "char_lstm", "gru", "logistic_regression", "matmul_nbits"]

STEPS, HIDDEN, CHARACTERS, EMBEDDING = 64, 256, 96, 64


def char_lstm() -> onnx.ModelProto:
    """A model of characters: embedding, two LSTM layers of 256, logits at each of 64 steps."""
    m = Maker("char-lstm", seed=5)
    tokens = m.input("tokens", (STEPS, 1), INT64)
    x = m.node("Gather", m.weight(CHARACTERS, EMBEDDING, fan_in=EMBEDDING), tokens)
    for size in (EMBEDDING, HIDDEN):
        x = _recurrent(m, "LSTM", x, size, gates=4)
    return m.finish(m.dense(x, HIDDEN, CHARACTERS), (STEPS, 1, CHARACTERS))


def gru() -> onnx.ModelProto:
    """A GRU of 256 as PyTorch exports it, over 64 steps of 64 features."""
    m = Maker("gru", seed=6)
    x = m.input("features", (STEPS, 1, EMBEDDING))
    x = _recurrent(m, "GRU", x, EMBEDDING, gates=3, linear_before_reset=1)
    return m.finish(m.dense(x, HIDDEN, CHARACTERS), (STEPS, 1, CHARACTERS))


def _recurrent(m: Maker, op: str, x: str, size: int, gates: int, **attributes: Any) -> str:
    w = m.weight(1, gates * HIDDEN, size, fan_in=size, gain=1.0)
    r = m.weight(1, gates * HIDDEN, HIDDEN, fan_in=HIDDEN, gain=1.0)
    b = m.const(np.zeros((1, 2 * gates * HIDDEN)))
    states = 3 if op == "LSTM" else 2
    every, *_ = m.nodes(op, states, x, w, r, b, hidden_size=HIDDEN, **attributes)
    return m.node("Squeeze", every, m.ints(1))


def logistic_regression() -> onnx.ModelProto:
    """One row of 784 pixels, ten classes."""
    m = Maker("logistic-regression", seed=7)
    logits = m.gemm(m.input("x", (1, 784)), 784, 10)
    return m.finish(m.node("Softmax", logits, axis=1), (1, 10))


def autoencoder() -> onnx.ModelProto:
    """784 pixels through 64 features and back; 32 rows."""
    m = Maker("autoencoder", seed=8)
    x = m.input("x", (32, 784))
    sizes = (784, 512, 256, 64, 256, 512)
    for given, made in pairwise(sizes):
        x = m.gemm(x, given, made, "relu")
    return m.finish(m.act(m.gemm(x, 512, 784), "sigmoid"), (32, 784))


def matmul_nbits(layers: int = 8, size: int = 1024, block: int = 32) -> onnx.ModelProto:
    """A stack of 4-bit layers, one row through each: the decoding of a language model."""
    m = Maker("matmul-4bit", seed=9)
    rng = np.random.default_rng(9)
    x = m.input("x", (1, size))
    blocks = size // block
    for _ in range(layers):
        low, high = rng.integers(1, 16, (2, size, blocks, block // 2))
        packed = m.const(low | high << 4, np.uint8)
        # 1 to 15 less 8 has a deviation of 4.3, so that these are He's weights.
        scales = m.const(np.full(size * blocks, np.sqrt(2 / size) / 4.3))
        sizes = {"K": size, "N": size, "bits": 4, "block_size": block}
        (x,) = m.nodes("MatMulNBits", 1, x, packed, scales, domain="com.microsoft", extra=sizes)
        x = m.act(x, "relu")
    return m.finish(x, (1, size), domains=("com.microsoft",))
