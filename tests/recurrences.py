"""Recurrences that people own, each a loss of a scan that may be NumPy's own loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import symgrad as sg

Scan = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """A loss of arrays by name; ``shapes``: T is the number of steps; ``ints``: labels below n."""

    loss: Callable[[Scan, Any], Any]
    shapes: Mapping[str, tuple[Any, ...]]
    data: tuple[str, ...] = ()
    ints: Mapping[str, int] | None = None
    positive: tuple[str, ...] = ()

    def derived(self, length: int | str = "T", **options: Any) -> sg.Derivation:
        """The derivation by all parameters."""
        return sg.derive(self.spec(length), names={}, **options)

    def spec(self, length: int | str = "T") -> Any:
        """The loss of a spec."""
        return self.loss(sg.scan, Arrays(self.arrays(length)))

    def arrays(self, length: int | str) -> dict[str, Any]:
        """The inputs of a spec."""
        found = {}
        for name, shape in self.shapes.items():
            sizes = tuple(length if s == "T" else s for s in shape)
            if name in (self.ints or {}):
                found[name] = sg.data(name, sizes, dtype=int)
            elif name in self.data:
                found[name] = sg.data(name, sizes)
            else:
                found[name] = sg.param(name, sizes)
        return found

    def numbers(self, length: int, seed: int = 0) -> dict[str, Any]:
        """Numbers for them."""
        rng = np.random.default_rng(seed)
        found: dict[str, Any] = {}
        for name, shape in self.shapes.items():
            sizes = tuple(length if s == "T" else s for s in shape)
            if name in (self.ints or {}):
                found[name] = rng.integers(0, (self.ints or {})[name], sizes)
            else:
                numbers = rng.standard_normal(sizes)
                found[name] = np.exp(0.3 * numbers) if name in self.positive else numbers / 2
        return found

    def value(self, numbers: Mapping[str, Any]) -> Any:
        """The loss of numbers, by a loop."""
        return self.loss(by_loop, Arrays(numbers))


class Arrays:
    """Arrays as attributes."""

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        self.__dict__.update(arrays)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def by_loop(
    step: Any, init: Any, xs: Any = None, *, length: Any = None, reverse: bool = False
) -> Any:
    """What ``sg.scan`` means, on numbers."""
    if length is None:
        length = len(xs[0] if isinstance(xs, tuple) else xs)
    carry, ys = init, []
    for t in range(length)[:: -1 if reverse else 1]:
        x = tuple(a[t] for a in xs) if isinstance(xs, tuple) else None if xs is None else xs[t]
        carry, y = step(carry, x)
        ys.append(y)
    ys = ys[:: -1 if reverse else 1]
    if ys and isinstance(ys[0], tuple):
        return carry, tuple(np.stack(part) for part in zip(*ys, strict=True))
    return carry, None if not ys or ys[0] is None else np.stack(ys)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def rnn(scan: Scan, a: Any) -> Any:
    """A recurrent net, whose last state counts too."""

    def step(h: Any, x: Any) -> Any:
        z = a.Wx @ x + a.Wh @ h + a.b
        h = np.tanh(z)
        return h, h

    last, hs = scan(step, a.h0, a.X)
    return np.sum((hs - a.Y) ** 2) + np.sum(last**3)


def backwards(scan: Scan, a: Any) -> Any:
    """The same from the last step to the first."""

    def step(h: Any, x: Any) -> Any:
        h = np.tanh(a.Wx @ x + a.Wh @ h + a.b)
        return h, h

    last, hs = scan(step, a.h0, a.X, reverse=True)
    return np.sum(hs * a.Y) + np.sum(last**3)


def gru(scan: Scan, a: Any) -> Any:
    """A gated recurrent unit over a batch."""

    def step(h: Any, x: Any) -> Any:
        r = _sigmoid(x @ a.Wr + h @ a.Ur + a.br)
        z = _sigmoid(x @ a.Wz + h @ a.Uz + a.bz)
        n = np.tanh(x @ a.Wn + r * (h @ a.Un) + a.bn)
        h = (1 - z) * n + z * h
        return h, None

    last, _ = scan(step, a.h0, a.X)
    return np.mean((last - a.Y) ** 2)


def lstm(scan: Scan, a: Any) -> Any:
    """Two layers of long short-term memory, with masks."""

    def layer(W: Any, U: Any, b: Any, x: Any, h: Any, c: Any) -> Any:
        g = x @ W + h @ U + b
        i, f, o, u = _sigmoid(g[:2]), _sigmoid(g[2:4]), _sigmoid(g[4:6]), np.tanh(g[6:])
        c = f * c + i * u
        return o * np.tanh(c), c

    def step(carry: Any, xs: Any) -> Any:
        h1, c1, h2, c2 = carry
        x, mask = xs
        h1, c1 = layer(a.W1, a.U1, a.b1, x, h1, c1)
        h2, c2 = layer(a.W2, a.U2, a.b2, h1 * mask, h2, c2)
        return (h1, c1, h2, c2), h2

    zero = np.zeros(2)
    _, ys = scan(step, (zero, zero, zero, zero), (a.X, a.M))
    return np.sum((ys - a.Y) ** 2)


def kalman(scan: Scan, a: Any) -> Any:
    """The likelihood of observations by a Kalman filter."""

    def step(carry: Any, y: Any) -> Any:
        m, P = carry
        m, P = a.A @ m, a.A @ P @ a.A.T + a.Q @ a.Q.T
        S = a.H @ P @ a.H.T + np.eye(2)
        e = y - a.H @ m
        K = P @ a.H.T @ np.linalg.inv(S)
        term = e @ np.linalg.inv(S) @ e + np.log(np.linalg.det(S))
        return (m + K @ e, P - K @ a.H @ P), term

    _, terms = scan(step, (a.m0, np.eye(3)), a.Y)
    return np.sum(terms) / 2


def hmm(scan: Scan, a: Any) -> Any:
    """The likelihood of a hidden Markov model, its forward probabilities scaled."""
    A = np.exp(a.logits) / np.sum(np.exp(a.logits), axis=1, keepdims=True)

    def step(alpha: Any, e: Any) -> Any:
        u = (alpha @ A) * np.exp(e)
        total = np.sum(u)
        return u / total, np.log(total)

    _, logs = scan(step, np.ones(3) / 3, a.E)
    return -np.sum(logs)


def hmm_in_logs(scan: Scan, a: Any) -> Any:
    """The same in logarithms."""
    A = a.logits - np.log(np.sum(np.exp(a.logits), axis=1, keepdims=True))

    def step(alpha: Any, e: Any) -> Any:
        alpha = np.log(np.sum(np.exp(alpha[:, None] + A), axis=0)) + e
        return alpha, None

    last, _ = scan(step, a.start, a.E)
    return -np.log(np.sum(np.exp(last)))


def garch(scan: Scan, a: Any) -> Any:
    """The likelihood of returns whose variance goes on: the carry is a number."""

    def step(s: Any, r: Any) -> Any:
        s = a.w**2 + a.p**2 * r**2 + a.q**2 * s
        return s, np.log(s) + r**2 / s

    _, terms = scan(step, 1.0, a.R)
    return np.sum(terms)


def rk4(scan: Scan, a: Any) -> Any:
    """An oscillator by Runge and Kutta's rule, with no xs."""

    def f(u: Any) -> Any:
        return np.tanh(a.A @ u) - a.k * u

    def step(u: Any, _: Any) -> Any:
        k1 = f(u)
        k2 = f(u + 0.05 * k1)
        k3 = f(u + 0.05 * k2)
        k4 = f(u + 0.1 * k3)
        return u + 0.1 / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

    last, _ = scan(step, a.u0, length=a.steps.shape[0])
    return np.sum((last - a.target) ** 2) * np.mean(a.steps)


def control(scan: Scan, a: Any) -> Any:
    """Linear quadratic control: costs of states that inputs lead to."""

    def step(x: Any, u: Any) -> Any:
        cost = x @ x + 0.1 * (u @ u)
        return a.A @ x + a.B @ u, cost

    last, costs = scan(step, a.x0, a.U)
    return np.sum(costs) + 5 * last @ last


def paths(scan: Scan, a: Any) -> Any:
    """All paths through labels, as in CTC: each state from itself and the one before."""

    def step(alpha: Any, y: Any) -> Any:
        before = np.concatenate([np.zeros(1), alpha[:-1]])
        alpha = (alpha + before) * y[a.labels]
        return alpha, None

    last, _ = scan(step, np.ones(4) / 4, np.exp(a.Y))
    return -np.log(last[-1] + last[-2])


def fibonacci(scan: Scan, a: Any) -> Any:
    """Carries that take each other's place, and one that is never changed."""

    def step(carry: Any, x: Any) -> Any:
        p, q, r = carry
        return (q, p * r + x * q, r), p

    (p, q, _), ys = scan(step, (a.p, a.q, a.r), a.X)
    return np.sum(ys**2) + p * q


def nested(scan: Scan, a: Any) -> Any:
    """A recurrence in each step of another."""

    def outer(h: Any, x: Any) -> Any:
        def inner(g: Any, w: Any) -> Any:
            g = np.tanh(g * w + x * h)
            return g, g

        last, gs = scan(inner, h, a.W)
        h = last + np.sum(gs, axis=0) * a.c
        return h, np.sum(gs**2)

    last, ys = scan(outer, a.h0, a.X)
    return np.sum(ys) + np.sum(last)


def layers(scan: Scan, a: Any) -> Any:
    """Layers in each step: what goes from one to the next is what the step after reads too."""

    def layer(v: Any, given: Any) -> Any:
        w, h = given
        h = np.tanh(v * w[0] + h * w[1])
        return h, h

    def step(carry: Any, x: Any) -> Any:
        hs, before = carry
        top, hs = scan(layer, x * a.c + before, (a.W, hs))
        return (hs, top), top

    (last, _), tops = scan(step, (a.h0, a.c), a.X)
    return np.sum(tops**2) + np.sum(last)


def embedded(scan: Scan, a: Any) -> Any:
    """A recurrent net over labels."""

    def step(h: Any, k: Any) -> Any:
        h = np.tanh(a.E[k] + a.W @ h)
        return h, h

    _, hs = scan(step, np.zeros(3), a.k)
    return np.sum(hs**2)


CASES = {
    "rnn": Case(rnn, {"X": ("T", 3), "Y": ("T", 4), "h0": (4,), "Wx": (4, 3), "Wh": (4, 4),
                      "b": (4,)}, data=("Y",)),
    "backwards": Case(backwards, {"X": ("T", 3), "Y": ("T", 4), "h0": (4,), "Wx": (4, 3),
                                  "Wh": (4, 4), "b": (4,)}, data=("X", "Y")),
    "gru": Case(gru, {"X": ("T", 5, 3), "Y": (5, 2), "h0": (5, 2),
                      **{f"W{g}": (3, 2) for g in "rzn"}, **{f"U{g}": (2, 2) for g in "rzn"},
                      **{f"b{g}": (2,) for g in "rzn"}}, data=("X", "Y")),
    "lstm": Case(lstm, {"X": ("T", 3), "M": ("T", 2), "Y": ("T", 2), "W1": (3, 8), "U1": (2, 8),
                        "b1": (8,), "W2": (2, 8), "U2": (2, 8), "b2": (8,)}, data=("X", "M", "Y")),
    "kalman": Case(kalman, {"Y": ("T", 2), "A": (3, 3), "Q": (3, 3), "H": (2, 3), "m0": (3,)},
                   data=("Y",)),
    "hmm": Case(hmm, {"logits": (3, 3), "E": ("T", 3)}),
    "hmm_in_logs": Case(hmm_in_logs, {"logits": (3, 3), "start": (3,), "E": ("T", 3)}),
    "garch": Case(garch, {"R": ("T",), "w": (), "p": (), "q": ()}, positive=("w", "p", "q")),
    "rk4": Case(rk4, {"A": (2, 2), "k": (), "u0": (2,), "target": (2,), "steps": ("T",)},
                data=("target", "steps")),
    "control": Case(control, {"A": (3, 3), "B": (3, 2), "x0": (3,), "U": ("T", 2)}),
    "paths": Case(paths, {"Y": ("T", 5), "labels": (4,)}, ints={"labels": 5}),
    "fibonacci": Case(fibonacci, {"p": (), "q": (), "r": (), "X": ("T",)}),
    "nested": Case(nested, {"h0": (2,), "X": ("T", 2), "W": (4, 2), "c": ()}),
    "layers": Case(layers, {"h0": (3, 2), "X": ("T", 2), "W": (3, 2, 2), "c": (2,)}),
    "embedded": Case(embedded, {"E": (5, 3), "W": (3, 3), "k": ("T",)}, ints={"k": 5}),
}  # fmt: skip
