"""Random recurrent layers and attention."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.differential.draw import Case, Draw

__all__ = ["attention", "layer"]

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def layer(d: Draw) -> Case:
    """RNN, GRU or LSTM, with any of the optional inputs."""
    op = d.one("LSTM", "GRU", "RNN")
    time, batch, size, hidden = d.whole(1, 5), d.whole(1, 3), d.whole(1, 9), d.whole(1, 9)
    direction = d.one("forward", "reverse", "bidirectional")
    ways, gates = 1 + (direction == "bidirectional"), GATES[op]
    inputs = [
        d.array([time, batch, size]),
        d.array([ways, gates * hidden, size]) * 0.4,
        d.array([ways, gates * hidden, hidden]) * 0.4,
        d.array([ways, 2 * gates * hidden]) * 0.4 if d.maybe() else None,
        d.rng.integers(1, time + 1, batch).astype("int32") if d.maybe() else None,
        d.array([ways, batch, hidden]) if d.maybe() else None,
    ]
    how: dict[str, Any] = {"hidden_size": hidden, "direction": direction}
    if op == "LSTM":
        inputs.append(d.array([ways, batch, hidden]) if d.maybe() else None)
        inputs.append(d.array([ways, 3 * hidden]) * 0.4 if d.maybe() else None)
    if op == "GRU":
        how["linear_before_reset"] = d.one(0, 1)
    const = d.one([1, 2, 3], [])
    const = [i for i in const if inputs[i] is not None]
    outputs = 3 if op == "LSTM" else 2
    return d.case(op, *inputs, const=const, outputs=outputs, opset=14, rtol=1e-3, atol=2e-5, **how)


def attention(d: Draw) -> Case:
    """Attention of opset 23: causal, masked, grouped heads."""
    batch, kv, rows, keys = d.whole(1, 2), d.whole(1, 3), d.whole(1, 7), d.whole(1, 9)
    heads = kv * d.one(1, 1, 2)
    size, out = d.one(4, 8, 3), d.one(4, 8, 5)
    q, k = d.array([batch, heads, rows, size]), d.array([batch, kv, keys, size])
    v = d.array([batch, kv, keys, out])
    mask = d.one(None, d.array([rows, keys]), d.array([rows, keys], "bool"))
    if mask is not None and mask.dtype == np.bool_:
        mask[:, 0] = True
    how: dict[str, Any] = {
        "is_causal": d.one(0, 1),
        "scale": d.one(None, 0.3),
        "softcap": d.one(None, 2.0),
    }
    if how["is_causal"] and mask is not None and mask.dtype == np.bool_:
        mask = None
    return d.case("Attention", q, k, v, mask, const=[], opset=23, rtol=1e-3, atol=2e-5, **how)
