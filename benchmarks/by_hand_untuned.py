"""Backward passes of the losses of untuned.py, written by hand with care."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from cases import Arrays, Case

Call = Callable[[], tuple[Any, dict[str, Any]]]


def _softmax_cross_entropy(z: Any, y: Any, rows: Any) -> tuple[Any, Any]:
    """The value, and its derivative by z, which is written over."""
    z -= z.max(axis=1, keepdims=True)
    picked = z[rows, y].sum()
    np.exp(z, out=z)
    total = z.sum(axis=1, keepdims=True)
    value = (np.log(total).sum() - picked) / len(rows)
    z /= total
    z[rows, y] -= 1
    z *= 1 / len(rows)
    return value, z


def embedding(case: Case, dtype: str, v: Arrays) -> Call:
    """The last of the rows of one place is set, then those before it are added."""
    (batch, words), width = case.shape(("N", 30)), 64
    E, W, b, t, y = (v[n] for n in ("E", "W", "b", "t", "y"))
    rows, mean = np.arange(batch), np.full((1, words), 1 / words, dtype)
    dE, where = np.zeros_like(E), np.empty(len(E), int)
    flat, places = t.reshape(-1), np.arange(batch * words)

    def call() -> Any:
        h = np.matmul(mean, E.take(t, axis=0))[:, 0]
        value, d = _softmax_cross_entropy(h @ W + b, y, rows)
        dh = (d @ W.T) * (1 / words)
        all_rows = np.repeat(dh, words, axis=0)
        where[flat] = places
        others = np.flatnonzero(where[flat] != places)
        dE[flat] = all_rows  # the rows that are in no sentence stay 0
        cells = (flat[others] * width)[:, None] + np.arange(width)
        np.add.at(dE.reshape(-1), cells.reshape(-1), all_rows[others].reshape(-1))
        return value, {"E": dE, "W": h.T @ d, "b": d.sum(axis=0)}

    return call


def mixture(case: Case, dtype: str, v: Arrays) -> Call:
    """Component, dimension, point; sums over the points before any product."""
    n, d = case.shape(case.data["X"])
    a, M, S, k = v["a"], v["M"], v["S"], len(v["a"])
    X, u, squares = v["X"].T.copy(), np.empty((k, d, n), dtype), np.empty((k, d, n), dtype)
    p, column = np.empty((k, n), dtype), np.empty((k, n, 1), dtype)

    def call() -> Any:
        Q = np.exp(-S)
        np.subtract(X, M[:, :, None], out=u)
        np.multiply(u, Q[:, :, None], out=u)
        np.multiply(u, u, out=squares)
        np.matmul(np.full((1, d), -0.5, dtype), squares, out=p[:, None, :])
        np.add(p, (a - S.sum(axis=1))[:, None], out=p)
        largest = p.max(axis=0)
        np.exp(np.subtract(p, largest, out=p), out=p)
        total = p.sum(axis=0)
        value = -(largest.sum() + np.log(total).sum()) / n
        np.multiply(p, -1 / (n * total), out=column[:, :, 0])
        da = column.sum(axis=(1, 2))
        dM = np.matmul(u, column)[:, :, 0] * Q
        dS = np.matmul(squares, column)[:, :, 0] - da[:, None]
        return value, {"a": da, "M": dM, "S": dS}

    return call


def _lower_inverse(L: Any, small: int = 32) -> Any:
    """The inverse of a lower triangle, by blocks."""
    n = len(L)
    if n <= small:
        return np.linalg.inv(L)
    k, found = n // 2, np.zeros_like(L)
    found[:k, :k], found[k:, k:] = _lower_inverse(L[:k, :k]), _lower_inverse(L[k:, k:])
    found[k:, :k] = -(found[k:, k:] @ (L[k:, :k] @ found[:k, :k]))
    return found


def process(case: Case, dtype: str, v: Arrays) -> Call:
    """One Cholesky factor gives the determinant, the solution and the inverse."""
    X, y = v["X"].T.copy(), v["y"]

    def call() -> Any:
        ell, s, noise = np.exp(-2 * v["ell"]), np.exp(2 * v["s"]), np.exp(2 * v["n"])
        distances = np.square(X[:, :, None] - X[:, None, :]).sum(axis=0)
        distances *= ell
        kernel = np.exp(-0.5 * distances)
        kernel *= s
        K = kernel.copy()
        K.reshape(-1)[:: len(y) + 1] += noise
        L = np.linalg.cholesky(K)
        half = _lower_inverse(L)
        inverse = half.T @ half
        solved = inverse @ y
        value = 0.5 * y @ solved + np.log(L.diagonal()).sum()
        inverse -= np.multiply.outer(solved, solved)
        dn = noise * inverse.trace()
        inverse *= kernel
        ds, dell = inverse.sum(), 0.5 * np.vdot(inverse, distances)
        return value, {"ell": np.asarray(dell), "s": np.asarray(ds), "n": np.asarray(dn)}

    return call


def kmeans(case: Case, dtype: str, v: Arrays) -> Call:
    """The nearest by a product; where that leaves more than one, by exact distances."""
    X, C = v["X"], v["C"]
    n, rows = len(X), np.arange(len(X))
    sizes, product = np.einsum("nj,nj->n", X, X), np.empty((n, len(C)), dtype)

    def call() -> Any:
        norms = np.einsum("kj,kj->k", C, C)
        np.matmul(X * -2.0, C.T, out=product)
        np.add(product, norms, out=product)
        nearest = product.argmin(axis=1)
        slack = 64 * np.finfo(dtype).eps * (sizes + norms.max())
        near = product <= (product[rows, nearest] + slack)[:, None]
        if np.count_nonzero(near) > n:
            close = np.flatnonzero(near.sum(axis=1) > 1)
            exact = np.square(X[close][:, None] - C).sum(axis=2)
            nearest[close] = exact.argmin(axis=1)
        difference = X - C[nearest]
        value = np.vdot(difference, difference) / n
        columns = (np.bincount(nearest, column, len(C)) for column in difference.T)
        return value, {"C": np.stack([*columns], axis=1) * (-2 / n)}

    return call


def powers(case: Case, dtype: str, v: Arrays) -> Call:
    """The next 2, 4, 8, ... powers are those that are there times the last of them."""
    t, y, w = v["t"], v["y"], v["w"]
    P = np.empty((len(w), len(t)), dtype)

    def call() -> Any:
        P[0], P[1] = 1, t
        made = 2
        while made < len(w):
            np.multiply(P[:made], P[made - 1] * t, out=P[made : 2 * made])
            made *= 2
        r = w @ P - y
        return np.vdot(r, r) / len(t), {"w": P @ (r * (2 / len(t)))}

    return call


def batch_norm(case: Case, dtype: str, v: Arrays) -> Call:
    """Scale and gain as one factor for each column, sums as products with ones."""
    X, W, g, h, V, c, y = (v[n] for n in ("X", "W", "g", "h", "V", "c", "y"))
    n = len(X)
    rows, ones = np.arange(n), np.ones(n, dtype)

    def call() -> Any:
        z = X @ W
        z -= (ones @ z) * (1 / n)
        inverse = 1 / np.sqrt(np.einsum("ni,ni->i", z, z) / n + np.asarray(1e-5, dtype))
        a = z * (inverse * g)
        a += h
        np.maximum(a, 0, out=a)
        value, d = _softmax_cross_entropy(a @ V + c, y, rows)
        da = d @ V.T
        da *= a > 0
        dh = ones @ da
        dg = np.einsum("ni,ni->i", da, z) * inverse
        z *= inverse * dg * (1 / n)
        da -= z
        da -= dh * (1 / n)
        da *= inverse * g
        return value, {"W": X.T @ da, "g": dg, "h": dh, "V": a.T @ d, "c": ones @ d}

    return call


def hvp(case: Case, dtype: str, v: Arrays) -> Call:
    """A column for each layer; the tangents forward, one way back, an outer product at the end."""
    W, n = [v[f"W{k}"] for k in range(1, 11)], len(v["x"])
    a, masks, t, d = (np.empty((10, n), dtype) for _ in range(4))
    column, rows, product = t[0], v["x"][None], np.empty((n, n), dtype)

    def call() -> Any:
        last = v["x"]
        for w, out in zip(W[:-1], a, strict=False):
            last = np.maximum(w.dot(last, out), 0, out=out)
        np.sign(a[:9], out=masks[:9])
        z = W[9].dot(last)
        p = np.exp(z - z[z.argmax()])
        p /= p.sum()
        v["v_W1"].dot(v["x"], column)
        np.multiply(column, masks[0], out=column)
        for k in range(1, 9):
            np.multiply(W[k].dot(t[k - 1], t[k]), masks[k], out=t[k])
        u = W[9].dot(t[8])
        back = p * (u - p.dot(u))
        for k in range(9, 0, -1):
            back = np.multiply(back.dot(W[k], d[k]), masks[k - 1], out=d[k])
        return None, {"W1": back[:, None].dot(rows, out=product)}

    return call


def hessian(case: Case, dtype: str, v: Arrays) -> Call:
    """What does not depend on the columns of the data first; the columns at the end."""
    W, n = [v[f"W{k}"] for k in range(1, 11)], len(v["W1"])
    alone = "x" in v
    X = v["x"][None] if alone else v["X"]
    W = [w.T for w in W] if alone else W
    found = np.empty((n, n, n, n), dtype)

    def call() -> Any:
        a, masks = X, []
        for w in W[:-1]:
            a = np.maximum(a @ w, 0)
            masks.append(a > 0)
        z = a @ W[9]
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        core = masks[0][:, :, None] * W[1]
        for mask, w in zip(masks[1:], W[2:], strict=True):
            core *= mask[:, None]
            core = (core.reshape(-1, n) @ w).reshape(len(X), n, n)
        core -= np.matmul(core, p[:, :, None])
        core *= p[:, None]
        for mask, w in zip(masks[::-1], W[:0:-1], strict=True):
            core = (core.reshape(-1, n) @ w.T).reshape(len(X), n, n)
            core *= mask[:, None]
        if alone:
            square = np.multiply.outer(X[0], X[0])
            np.multiply(core[0][:, None, :, None], square[:, None], out=found)
            return None, {"W1": found}
        squares = (X[:, :, None] * X[:, None]).reshape(len(X), -1)
        core *= 1 / len(X)
        whole = (squares.T @ core.reshape(len(X), -1)).reshape(n, n, n, n)
        np.copyto(found, whole.transpose(0, 2, 1, 3))
        return None, {"W1": found}

    return call


CAREFUL: dict[str, Callable[[Case, str, Arrays], Call]] = {
    "embedding": embedding,
    "mixture": mixture,
    "process": process,
    "kmeans": kmeans,
    "powers": powers,
    "batch_norm": batch_norm,
    "hvp": hvp,
    "hessian": hessian,
}
