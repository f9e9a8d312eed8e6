"""What is compared: losses, each written once for every library, with their sizes and numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

Shape = tuple[int | str, ...]
Arrays = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A loss of some inputs.

    ``data`` and ``params``: the shape of each float input, a string being a named size of
    ``sizes``; ``labels``: for each array of integers its shape and the number of classes;
    ``bounded``: what lies between -1 and 1; ``kind``: how it is written by hand, "" for not at all;
    ``of``: "" for the value and gradients, "hvp" for a product with the Hessian, or "hessian", by
    the parameters ``wrt``, or all; directions are data called ``v_`` and so on.
    ``loss(xp, v)``: the loss in the functions ``xp`` of a library, of the arrays ``v``.
    """

    name: str
    dtypes: tuple[str, ...]
    data: Mapping[str, Shape]
    params: Mapping[str, Shape]
    loss: Callable[[Any, Any], Any]
    sizes: Mapping[str, int]
    labels: Mapping[str, tuple[Shape, int]]
    one_hot: tuple[str, ...] = ()
    bounded: tuple[str, ...] = ()
    kind: str = "mlp"
    layers: tuple[int, ...] = ()
    activation: str = ""
    rounds: int = 200
    of: str = ""
    wrt: tuple[str, ...] = ()

    @property
    def by(self) -> tuple[str, ...]:
        """The parameters that it is derived by."""
        return self.wrt or tuple(self.params)

    def shape(self, shape: Shape) -> tuple[int, ...]:
        """The shape in numbers."""
        return tuple(self.sizes[s] if isinstance(s, str) else s for s in shape)

    def arrays(self, dtype: str) -> Arrays:
        """Random numbers for every input."""
        rng = np.random.default_rng(0)
        found: Arrays = {}
        along = {f"v_{n}": self.params[n] for n in self.by} if self.of == "hvp" else {}
        for name, shape in {**self.data, **self.params, **along}.items():
            lengths = self.shape(shape)
            scale = math.sqrt(2 / lengths[0]) if len(lengths) > 1 and name in self.params else 1.0
            found[name] = np.asarray(scale * rng.standard_normal(lengths), dtype)
        for name, (shape, classes) in self.labels.items():
            found[name] = rng.integers(0, classes, self.shape(shape))
        for name in self.bounded:
            found[name] = rng.uniform(-1, 1, self.shape(self.data[name])).astype(dtype)
        for name in self.one_hot:
            found[name] = np.zeros_like(found[name])
            found[name][1] = 1
        return found


# Losses


def _tiny(xp: Any, v: Any) -> Any:
    a1 = xp.relu(v.W1 @ v.X + v.b1)
    a2 = xp.relu(v.W2 @ a1 + v.b2)
    z3 = v.W3 @ a2 + v.b3
    return -xp.sum(v.Y * xp.log_softmax(z3, 0))


def _layers(xp: Any, v: Any, a: Any, count: int, activation: str) -> Any:
    for k in range(1, count):
        a = getattr(xp, activation)(a @ getattr(v, f"W{k}") + getattr(v, f"b{k}"))
    return a @ getattr(v, f"W{count}") + getattr(v, f"b{count}")


def _classifier(count: int) -> Callable[[Any, Any], Any]:
    return lambda xp, v: xp.cross_entropy(_layers(xp, v, v.X, count, "relu"), v.y)


def _regression(count: int, activation: str, target: str) -> Callable[[Any, Any], Any]:
    def loss(xp: Any, v: Any) -> Any:
        difference = _layers(xp, v, v.X, count, activation) - getattr(v, target)
        return xp.mean(difference * difference)

    return loss


def _logistic(xp: Any, v: Any) -> Any:
    return xp.mean(xp.softplus(-v.t * (v.X @ v.w)))


def _layer_norm(xp: Any, v: Any) -> Any:
    centred = v.X - xp.mean_kept(v.X)
    normal = centred / xp.sqrt(xp.mean_kept(centred * centred) + 1e-5)
    difference = normal * v.g + v.b - v.T
    return xp.mean(difference * difference)


def _attention(xp: Any, v: Any) -> Any:
    q, k, u = v.X @ v.Wq, v.X @ v.Wk, v.X @ v.Wv
    p = xp.softmax(q @ k.T * 0.125, 1)
    difference = p @ u - v.T
    return xp.mean(difference * difference)


def _gru(xp: Any, v: Any) -> Any:
    def step(h: Any, x: Any) -> Any:
        r = xp.sigmoid(x @ v.Wr + h @ v.Ur + v.br)
        z = xp.sigmoid(x @ v.Wz + h @ v.Uz + v.bz)
        n = xp.tanh(x @ v.Wn + r * (h @ v.Un) + v.bn)
        return (1 - z) * n + z * h, None

    last, _ = xp.scan(step, v.h0, v.X)
    difference = last - v.Y
    return xp.mean(difference * difference)


def _kalman(xp: Any, v: Any) -> Any:
    def step(carry: Any, y: Any) -> Any:
        m, P = carry
        m, P = v.A @ m, v.A @ P @ v.A.T + v.Q @ v.Q.T
        S = v.H @ P @ v.H.T + np.eye(2)
        e = y - v.H @ m
        inverse = xp.linalg.inv(S)
        K = P @ v.H.T @ inverse
        term = e @ inverse @ e + xp.log(xp.linalg.det(S))
        return (m + K @ e, P - K @ v.H @ P), term

    _, terms = xp.scan(step, (v.m0, np.eye(4)), v.Y)
    return xp.sum(terms) / 2


def _lstm(xp: Any, v: Any) -> Any:
    """ADBench's: gates that see one entry each, two layers of them."""

    def cell(weight: Any, bias: Any, h: Any, c: Any, x: Any) -> Any:
        forget, enter, leave, change = (slice(k * 14, (k + 1) * 14) for k in range(4))
        f = xp.sigmoid(x * weight[forget] + bias[forget])
        i = xp.sigmoid(h * weight[enter] + bias[enter])
        o = xp.sigmoid(x * weight[leave] + bias[leave])
        c = f * c + i * xp.tanh(h * weight[change] + bias[change])
        return o * xp.tanh(c), c

    def step(carry: Any, x: Any) -> Any:
        h1, c1, h2, c2 = carry
        h1, c1 = cell(v.main[0], v.main[1], h1, c1, x * v.extra[0])
        h2, c2 = cell(v.main[2], v.main[3], h2, c2, h1)
        return (h1, c1, h2, c2), h2

    _, hidden = xp.scan(step, tuple(v.state[k] for k in range(4)), v.x)
    out = hidden * v.extra[1] + v.extra[2]
    norm = xp.log(xp.sum(xp.exp(out), axis=1, keepdims=True) + 2)
    return -xp.mean(v.y * (out - norm))


def _parameters(layers: tuple[int, ...]) -> dict[str, Shape]:
    pairs = enumerate(pairwise(layers), start=1)
    return {
        name: shape for k, (m, n) in pairs for name, shape in ((f"W{k}", (m, n)), (f"b{k}", (n,)))
    }


def _network(
    name: str, layers: tuple[int, ...], batch: int, dtypes: tuple[str, ...], rounds: int
) -> Case:
    return Case(
        name,
        dtypes,
        {"X": ("N", layers[0])},
        _parameters(layers),
        _classifier(len(layers) - 1),
        {"N": batch},
        {"y": (("N",), layers[-1])},
        layers=layers,
        activation="relu",
        rounds=rounds,
    )


BOTH = ("float32", "float64")

_DEEP = (256,) * 21
_CODER = (784, 256, 64, 256, 784)

CASES = (
    Case(
        "3-4-2-3, batch 1",
        ("float64",),
        {"X": (3, 1), "Y": (3, 1)},
        {"W1": (4, 3), "b1": (4, 1), "W2": (2, 4), "b2": (2, 1), "W3": (3, 2), "b3": (3, 1)},
        _tiny,
        {},
        {},
        one_hot=("Y",),
        kind="tiny",
        rounds=2000,
    ),
    _network("64-128-64-10, batch 32", (64, 128, 64, 10), 32, BOTH, 1000),
    _network("784-512-256-10, batch 128", (784, 512, 256, 10), 128, BOTH, 60),
    _network("1024-2048-2048-1000, batch 256", (1024, 2048, 2048, 1000), 256, BOTH, 8),
    Case(
        "20 tanh layers of 256, batch 64",
        BOTH,
        {"X": ("N", 256), "T": ("N", 256)},
        _parameters(_DEEP),
        _regression(20, "tanh", "T"),
        {"N": 64},
        {},
        layers=_DEEP,
        activation="tanh",
        rounds=40,
    ),
    Case(
        "autoencoder 784-256-64-256-784, batch 128",
        BOTH,
        {"X": ("N", 784)},
        _parameters(_CODER),
        _regression(4, "sigmoid", "X"),
        {"N": 128},
        {},
        layers=_CODER,
        activation="sigmoid",
        rounds=60,
    ),
    Case(
        "logistic regression (20000, 200)",
        BOTH,
        {"X": ("N", 200), "t": ("N",)},
        {"w": (200,)},
        _logistic,
        {"N": 20000},
        {},
        kind="logistic",
        rounds=60,
    ),
    Case(
        "layer norm (256, 1024)",
        BOTH,
        {"X": ("N", 1024), "T": ("N", 1024)},
        {"g": (1024,), "b": (1024,)},
        _layer_norm,
        {"N": 256},
        {},
        kind="layer_norm",
        rounds=100,
    ),
    Case(
        "attention (128, 64)",
        BOTH,
        {"X": ("N", 64), "T": ("N", 64)},
        {"Wq": (64, 64), "Wk": (64, 64), "Wv": (64, 64)},
        _attention,
        {"N": 128},
        {},
        kind="attention",
        rounds=300,
    ),
    Case(
        "GRU, 50 steps, batch 16, 32 units",
        BOTH,
        {"X": ("T", 16, 32), "Y": (16, 32), "h0": (16, 32)},
        {f"{kind}{gate}": (32,) if kind == "b" else (32, 32) for gate in "rzn" for kind in "WUb"},
        _gru,
        {"T": 50},
        {},
        kind="gru",
        rounds=100,
    ),
    Case(
        "Kalman filter, 50 steps, 4 states",
        ("float64",),
        {"Y": ("T", 2)},
        {"A": (4, 4), "Q": (4, 4), "H": (2, 4), "m0": (4,)},
        _kalman,
        {"T": 50},
        {},
        kind="kalman",
        rounds=100,
    ),
    Case(
        "LSTM of ADBench, 2 layers, 1023 characters",
        ("float64",),
        {"x": ("T", 14), "y": ("T", 14), "state": (4, 14)},
        {"main": (4, 56), "extra": (3, 14)},
        _lstm,
        {"T": 1023},
        {},
        kind="",
        rounds=20,
    ),
)
