"""The cells of recurrent layers: their activations, and their equations as kernel stages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ..errors import InvalidModelError, UnsupportedOperatorError
from ..ir.expr import Expr, arg, call, clamp, maximum, select
from ..program.kernels.rnn import HIDDEN, NEW, Source, Stage
from ..record import record
from .activation import sigmoid, softplus

__all__ = ["Activation", "Cell", "activations", "check_names", "clipped", "gru", "lstm", "rnn"]

Activation = Callable[[Expr], Expr]

# By its name in lower case: the function, and the defaults of the parameters that it takes.
_FUNCTIONS: dict[str, tuple[Callable[..., Expr], tuple[float, ...]]] = {
    "affine": (lambda x, a, b: x * a + b, (1.0, 0.0)),
    "elu": (lambda x, a: select(x < 0, (call("exp", x) - 1) * a, x), (1.0,)),
    "hardsigmoid": (lambda x, a, b: clamp(x * a + b, 0, 1), (0.2, 0.5)),
    "leakyrelu": (lambda x, a: select(x < 0, x * a, x), (0.01,)),
    "relu": (lambda x: maximum(x, 0), ()),
    "scaledtanh": (lambda x, a, b: call("tanh", x * b) * a, (1.0, 1.0)),
    "sigmoid": (sigmoid, ()),
    "softplus": (softplus, ()),
    "softsign": (lambda x: x / (1 + call("abs", x)), ()),
    "tanh": (lambda x: call("tanh", x), ()),
    "thresholdedrelu": (lambda x, a: select(x > a, x, 0), (1.0,)),
}


def activations(
    names: Sequence[str], alpha: Sequence[float], beta: Sequence[float]
) -> list[Activation]:
    """The functions; those that take parameters use up `alpha` and `beta` in their order."""
    alphas, betas = iter(alpha), iter(beta)
    return [_activation(n, alphas, betas) for n in names]


def _activation(name: str, alphas: Iterator[float], betas: Iterator[float]) -> Activation:
    found = _FUNCTIONS.get(name.lower())
    if found is None:
        raise UnsupportedOperatorError(f"activation {name!r} is not supported")
    function, defaults = found
    lists = (alphas, betas)
    values = [next(given, d) for given, d in zip(lists, defaults, strict=False)]
    return lambda x: function(x, *values)


def clipped(f: Activation, clip: float | None) -> Activation:
    """The function of an argument that is limited to [-clip, clip]."""
    return f if clip is None else lambda x: f(clamp(x, -clip, clip))


@record
class Cell:
    """A cell's equations. The stages take the gates of the weights in their order.

    columns: hidden units of a panel. state: whether it has a state besides h.
    """

    stages: tuple[Stage, ...]
    columns: int
    state: bool = False


def _x(*gates: int) -> tuple[Source, ...]:
    return tuple([("x", g) for g in gates])


def rnn(f: Activation) -> Cell:
    """H' = f(X W + H R + B)."""
    stage = Stage(HIDDEN, _x(0), (), ((NEW, f(arg(0))),))
    return Cell((stage,), 16)


def gru(f: Activation, g: Activation, linear: bool, bias: bool) -> Cell:
    """H' = (1 - z) h + z H; z and r from f of their gates.

    h = g(X W + (r H) R + B), or where linear, g(X W + Wb + r (H R + Rb)); Rb is the fixed vector 0
    if there is a bias.
    """
    a0, a1, a2, a3, a4 = (arg(i) for i in range(5))
    if linear:
        z, r = f(a0), f(a1)
        new = (1 - z) * g(a3 + r * a2) + z * a4
        last: Source = ("fixed", 0) if bias else ("zero", 0)
        starts = (*_x(0, 1), last)
        return Cell((Stage(HIDDEN, starts, (("x", 2), ("state", HIDDEN)), ((NEW, new),)),), 16)
    update, reset = 2, 3  # state vectors: z, and r H
    gates = Stage(HIDDEN, _x(0, 1), (("state", HIDDEN),), ((update, f(a0)), (reset, f(a1) * a2)))
    new = (1 - a1) * g(a0) + a1 * a2
    result = Stage(reset, _x(2), (("state", update), ("state", HIDDEN)), ((NEW, new),))
    return Cell((gates, result), 16)


def lstm(f: Activation, g: Activation, h: Activation, peepholes: bool, input_forget: bool) -> Cell:
    """C' = f C + i g(..), H' = o h(C'); gates in the order i o f c.

    The fixed vectors are the peepholes of i, o and f, which see C, C' and C.
    """
    i, o, forget, cell, old = (arg(k) for k in range(5))
    operands: list[Source] = [("state", 2)]
    if peepholes:
        operands += [("fixed", k) for k in range(3)]
        i, forget = i + arg(5) * old, forget + arg(7) * old
    entry = f(i)
    kept = 1 - entry if input_forget else f(forget)
    state = kept * old + entry * g(cell)
    made = arg(4 + len(operands))  # the first result, behind the gates and the operands
    if peepholes:
        o = o + arg(6) * made
    results = ((2, state), (NEW, f(o) * h(made)))
    return Cell((Stage(HIDDEN, _x(0, 1, 2, 3), tuple(operands), results),), 8, state=True)


def check_names(names: Sequence[str], wanted: int) -> None:
    """InvalidModelError unless there are as many activations as the directions need."""
    if len(names) != wanted:
        raise InvalidModelError(f"{len(names)} activations are given, {wanted} are needed")
