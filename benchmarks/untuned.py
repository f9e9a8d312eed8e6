"""Losses beyond networks: what people write down and nobody tuned a library for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from cases import BOTH, Case

N = "N"


def _pooled(xp: Any, v: Any, z: Any) -> Any:
    """What follows a convolution: relu, the mean of 2×2 places, a layer, cross-entropy."""
    a = xp.relu(z)
    pairs = a[:, ::2, ::2] + a[:, 1::2, ::2] + a[:, ::2, 1::2] + a[:, 1::2, 1::2]
    rows = (0.25 * pairs).reshape((pairs.shape[0], 288))
    return xp.cross_entropy(rows @ v.W + v.c, v.y)


def _slices(xp: Any, v: Any) -> Any:
    z = v.b
    for i in range(3):
        for j in range(3):
            z = z + v.X[:, i : i + 12, j : j + 12, None] * v.K[i, j]
    return _pooled(xp, v, z)


def _windows(xp: Any, v: Any) -> Any:
    return _pooled(xp, v, xp.correlated(v.X, v.K) + v.b)


def _embedding(xp: Any, v: Any) -> Any:
    return xp.cross_entropy(v.E[v.t].mean(1) @ v.W + v.b, v.y)


def _mixture(xp: Any, v: Any) -> Any:
    d = (v.X[:, None, :] - v.M[None]) * xp.exp(-v.S)[None]
    each = v.a - 0.5 * xp.sum(d * d, axis=2) - xp.sum(v.S, axis=1)
    return -xp.mean(xp.logsumexp(each, axis=1))


def _expanded(xp: Any, v: Any) -> Any:
    """The same density with its squares multiplied out."""
    R = xp.exp(-2 * v.S)
    squares = (v.X * v.X) @ R.T - 2 * v.X @ (v.M * R).T + xp.sum(v.M * v.M * R, axis=1)
    each = v.a - 0.5 * squares - xp.sum(v.S, axis=1)
    return -xp.mean(xp.logsumexp(each, axis=1))


def _process(xp: Any, v: Any) -> Any:
    d = xp.sum((v.X[:, None, :] - v.X[None]) ** 2, axis=2)
    K = xp.exp(2 * v.s) * xp.exp(-0.5 * d * xp.exp(-2 * v.ell)) + xp.exp(2 * v.n) * xp.eye_of(v.y)
    return 0.5 * v.y @ xp.linalg.solve(K, v.y) + 0.5 * xp.linalg.slogdet(K)[1]


def _kmeans(xp: Any, v: Any) -> Any:
    d = xp.sum((v.X[:, None, :] - v.C[None]) ** 2, axis=2)
    return xp.mean(xp.smallest(d, axis=1))


def _powers(xp: Any, v: Any) -> Any:
    difference = (v.t[:, None] ** np.arange(128)) @ v.w - v.y
    return xp.mean(difference * difference)


def _attended(xp: Any, v: Any, x: Any) -> Any:
    q, k, u = ((x @ w).reshape((128, 8, 32)) for w in (v.Wq, v.Wk, v.Wv))
    scores = xp.einsum("nhd,mhd->hnm", q, k) * (1 / np.sqrt(32)).item()
    p = xp.softmax(xp.where(np.tri(128, dtype=bool), scores, -1e9), 2)
    return xp.einsum("hnm,mhd->nhd", p, u).reshape((128, 256)) @ v.Wo


def _heads(xp: Any, v: Any) -> Any:
    difference = _attended(xp, v, v.X) - v.T
    return xp.mean(difference * difference)


def _normal(xp: Any, x: Any, gain: Any, shift: Any) -> Any:
    centred = x - xp.mean_kept(x)
    return centred / xp.sqrt(xp.mean_kept(centred * centred) + 1e-5) * gain + shift


def _block(xp: Any, v: Any) -> Any:
    """Attention and a layer of four times the width, each of what is normalised and added to it."""
    x = v.X + _attended(xp, v, _normal(xp, v.X, v.g1, v.b1))
    z = _normal(xp, x, v.g2, v.b2) @ v.W1 + v.c1
    a = 0.5 * z * (1 + xp.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z * z * z)))
    difference = x + a @ v.W2 + v.c2 - v.T
    return xp.mean(difference * difference)


def _alone(xp: Any, v: Any) -> Any:
    """One sample through ten layers of relu."""
    a = v.x
    for k in range(1, 10):
        a = xp.relu(getattr(v, f"W{k}") @ a)
    return -xp.sum(v.Y * xp.log_softmax(v.W10 @ a, 0))


def _deep(xp: Any, v: Any) -> Any:
    """The same of rows."""
    a = v.X
    for k in range(1, 10):
        a = xp.relu(a @ getattr(v, f"W{k}"))
    return xp.cross_entropy(a @ v.W10, v.y)


def _batch_norm(xp: Any, v: Any) -> Any:
    z = v.X @ v.W
    c = z - xp.mean(z, axis=0)
    normal = c / xp.sqrt(xp.mean(c * c, axis=0) + 1e-5)
    return xp.cross_entropy(xp.relu(normal * v.g + v.h) @ v.V + v.c, v.y)


def _convolution(name: str, loss: Any) -> Case:
    data, params = {"X": (N, 14, 14)}, {"K": (3, 3, 8), "b": (8,), "W": (288, 10), "c": (10,)}
    return Case(name, ("float32",), data, params, loss, {N: 32}, {"y": ((N,), 10)}, kind="")


def _second(name: str, of: str, n: int, batch: int = 0, **more: Any) -> Case:
    """Second derivatives of ten layers of relu and cross-entropy, by the first of them."""
    params = {f"W{k}": (n, n) for k in range(1, 11)}
    more = {"of": of, "kind": "", "wrt": ("W1",)} | more
    if batch:
        labels = {"y": ((N,), n)}
        return Case(name, ("float64",), {"X": (N, n)}, params, _deep, {N: batch}, labels, **more)
    data = {"x": (n,), "Y": (n,)}
    return Case(name, ("float64",), data, params, _alone, {}, {}, ("Y",), **more)


def _of_mixtures(name: str, loss: Any, kind: str, d: int, k: int) -> Case:
    params = {"a": (k,), "M": (k, d), "S": (k, d)}
    return Case(name, ("float64",), {"X": (N, d)}, params, loss, {N: 1000}, {}, kind=kind)


UNTUNED = (
    _convolution("convolution 3×3 by windows", _windows),
    _convolution("convolution 3×3 by slices", _slices),
    Case(
        "embedding 5000×64, batch 64",
        ("float32",),
        {},
        {"E": (5000, 64), "W": (64, 20), "b": (20,)},
        _embedding,
        {N: 64},
        {"t": ((N, 30), 5000), "y": ((N,), 20)},
        kind="embedding",
    ),
    _of_mixtures("mixture, d 10, k 25", _mixture, "mixture", 10, 25),
    _of_mixtures("mixture, expanded, d 10, k 25", _expanded, "mixture", 10, 25),
    _of_mixtures("mixture, d 2, k 5", _mixture, "mixture", 2, 5),
    Case(
        "Gaussian process, n 200",
        ("float64",),
        {"X": (N, 4), "y": (N,)},
        {"ell": (), "s": (), "n": ()},
        _process,
        {N: 200},
        {},
        kind="process",
    ),
    Case(
        "k-means, 100 centres",
        ("float64",),
        {"X": (N, 8)},
        {"C": (100, 8)},
        _kmeans,
        {N: 1000},
        {},
        kind="kmeans",
    ),
    Case(
        "least squares in 128 powers",
        ("float64",),
        {"t": (N,), "y": (N,)},
        {"w": (128,)},
        _powers,
        {N: 1000},
        {},
        bounded=("t",),
        kind="powers",
    ),
    Case(
        "attention, 8 heads (128, 256)",
        BOTH,
        {"X": (128, 256), "T": (128, 256)},
        dict.fromkeys(("Wq", "Wk", "Wv", "Wo"), (256, 256)),
        _heads,
        {},
        {},
        kind="",
    ),
    Case(
        "GPT block (128, 256)",
        ("float32",),
        {"X": (128, 256), "T": (128, 256)},
        dict.fromkeys(("Wq", "Wk", "Wv", "Wo"), (256, 256))
        | {"W1": (256, 1024), "c1": (1024,), "W2": (1024, 256)}
        | dict.fromkeys(("c2", "g1", "b1", "g2", "b2"), (256,)),
        _block,
        {},
        {},
        kind="",
        rounds=100,
    ),
    Case(
        "batch norm 64-128-10, batch 128",
        BOTH,
        {"X": (N, 64)},
        {"W": (64, 128), "g": (128,), "h": (128,), "V": (128, 10), "c": (10,)},
        _batch_norm,
        {N: 128},
        {"y": ((N,), 10)},
        kind="batch_norm",
    ),
    _second("hvp, 10 layers of 20", "hvp", 20, kind="hvp"),
    _second("hvp, 10 layers of 40", "hvp", 40, kind="hvp"),
    _second("hvp by all 10 layers of 40", "hvp", 40, wrt=()),
    _second("Hessian, 10 layers of 20", "hessian", 20, kind="hessian"),
    _second("Hessian, 10 layers of 40", "hessian", 40, kind="hessian", rounds=50),
    _second("Hessian, 10 layers of 40, batch 8", "hessian", 40, 8, kind="hessian", rounds=20),
)
