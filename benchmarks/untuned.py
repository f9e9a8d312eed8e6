"""Losses beyond networks: what people write down and nobody tuned a library for."""

from __future__ import annotations

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


def _heads(xp: Any, v: Any) -> Any:
    q, k, u = ((v.X @ w).reshape((128, 8, 32)) for w in (v.Wq, v.Wk, v.Wv))
    scores = xp.einsum("nhd,mhd->hnm", q, k) * (1 / np.sqrt(32)).item()
    p = xp.softmax(xp.where(np.tri(128, dtype=bool), scores, -1e9), 2)
    difference = xp.einsum("hnm,mhd->nhd", p, u).reshape((128, 256)) @ v.Wo - v.T
    return xp.mean(difference * difference)


def _batch_norm(xp: Any, v: Any) -> Any:
    z = v.X @ v.W
    c = z - xp.mean(z, axis=0)
    normal = c / xp.sqrt(xp.mean(c * c, axis=0) + 1e-5)
    return xp.cross_entropy(xp.relu(normal * v.g + v.h) @ v.V + v.c, v.y)


def _convolution(name: str, loss: Any) -> Case:
    data, params = {"X": (N, 14, 14)}, {"K": (3, 3, 8), "b": (8,), "W": (288, 10), "c": (10,)}
    return Case(name, ("float32",), data, params, loss, {N: 32}, {"y": ((N,), 10)}, kind="")


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
        "batch norm 64-128-10, batch 128",
        BOTH,
        {"X": (N, 64)},
        {"W": (64, 128), "g": (128,), "h": (128,), "V": (128, 10), "c": (10,)},
        _batch_norm,
        {N: 128},
        {"y": ((N,), 10)},
        kind="batch_norm",
    ),
)
