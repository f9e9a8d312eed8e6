"""Backward passes written by hand: careful and naive NumPy, Numba, and the products alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from by_hand_untuned import CAREFUL
from cases import Arrays, Case
from libraries import Call

LARGE = 8192
"""Entries of a product from which on ``np.matmul`` is the faster call; ``dot`` fills with zeros."""


def empty_aligned(shape: tuple[int, ...], dtype: str) -> Any:
    """An array that begins at a cache line."""
    count = int(np.prod(shape))
    room = np.empty(count * np.dtype(dtype).itemsize + 64, np.uint8)
    start = -room.ctypes.data % 64
    return room[start : start + count * np.dtype(dtype).itemsize].view(dtype).reshape(shape)


def careful(case: Case, dtype: str, v: Arrays) -> Call | None:
    """Buffers made once, every product and every function written into one."""
    return _CAREFUL[case.kind](case, dtype, v) if case.kind else None


Products = tuple[dict[str, tuple[int, ...]], list[str]]
"""The shapes of arrays, and products of them: ``"a1.T d2 W2"`` writes into the last."""


def floor(case: Case, dtype: str, v: Arrays) -> Call | None:
    """The matrix products alone, into ready buffers; None where there are none."""
    if case.kind not in _PRODUCTS:
        return None
    shapes, products = _PRODUCTS[case.kind](case)
    if not products:
        return None
    rng = np.random.default_rng(0)
    arrays = {name: empty_aligned(shape, dtype) for name, shape in shapes.items()}
    for array in arrays.values():
        array[...] = rng.standard_normal(array.shape) / 32
    arrays |= {f"{name}.T": array.T for name, array in arrays.items()}
    made = [tuple(arrays[name] for name in product.split()) for product in products]

    calls = [
        partial(x.dot, y, out) if out.size < LARGE else partial(np.matmul, x, y, out)
        for x, y, out in made
    ]

    def call() -> Any:
        for product in calls:
            product()

    return call


# Networks


def _network_products(case: Case) -> Products:
    batch, layers = case.sizes["N"], case.layers
    count = len(layers) - 1
    shapes: dict[str, tuple[int, ...]] = {"a0": (batch, layers[0])}
    for k, (m, n) in enumerate(pairwise(layers), start=1):
        shapes |= {f"a{k}": (batch, n), f"d{k}": (batch, n), f"W{k}": (m, n), f"g{k}": (m, n)}
    forward = [f"a{k - 1} W{k} a{k}" for k in range(1, count + 1)]
    back = [
        text
        for k in range(count, 0, -1)
        for text in (f"a{k - 1}.T d{k} g{k}", f"d{k} W{k}.T d{k - 1}")
    ]
    return shapes, [*forward, *back[:-1]]


def _careful_network(case: Case, dtype: str, v: Arrays) -> Call:
    batch, layers = case.sizes["N"], case.layers
    count = len(layers) - 1
    a: list[Any] = [None, *(empty_aligned((batch, n), dtype) for n in layers[1:])]
    d: list[Any] = [None, *(empty_aligned((batch, n), dtype) for n in layers[1:])]
    masks: list[Any] = [None, *(np.empty((batch, n), np.bool_) for n in layers[1:])]
    grads = {name: empty_aligned(case.shape(shape), dtype) for name, shape in case.params.items()}
    ones, rows, column = np.ones(batch, dtype), np.arange(batch), np.empty((batch, 1), dtype)
    forward, backward = _ACTIVATIONS[case.activation]
    target: Any = v.get("T", v["X"])

    def head(z: Any, dz: Any) -> Any:
        if "y" in v:
            np.max(z, axis=1, keepdims=True, out=column)
            np.subtract(z, column, out=z)
            picked = z[rows, v["y"]].sum()
            np.exp(z, out=dz)
            np.sum(dz, axis=1, keepdims=True, out=column)
            np.divide(dz, column, out=dz)
            value = (np.log(column).sum() - picked) / batch
            dz[rows, v["y"]] -= 1
            np.multiply(dz, 1 / batch, out=dz)
            return value
        np.subtract(z, target, out=dz)
        flat = dz.reshape(-1)
        value = flat.dot(flat) / flat.size
        np.multiply(dz, 2 / flat.size, out=dz)
        return value

    def call() -> Any:
        a[0] = v["X"]
        for k in range(1, count + 1):
            np.matmul(a[k - 1], v[f"W{k}"], out=a[k])
            a[k] += v[f"b{k}"]
            if k < count:
                forward(a[k])
        value = head(a[count], d[count])
        for k in range(count, 0, -1):
            np.matmul(a[k - 1].T, d[k], out=grads[f"W{k}"])
            np.dot(ones, d[k], out=grads[f"b{k}"])
            if k > 1:
                np.matmul(d[k], v[f"W{k}"].T, out=d[k - 1])
                backward(a[k - 1], d[k - 1], masks[k - 1])
        return value, grads

    return call


def _relu(a: Any) -> None:
    np.maximum(a, 0, out=a)


def _relu_back(a: Any, d: Any, mask: Any) -> None:
    np.greater(a, 0, out=mask)
    np.multiply(d, mask, out=d)


def _tanh(a: Any) -> None:
    np.tanh(a, out=a)


def _tanh_back(a: Any, d: Any, mask: Any) -> None:
    np.multiply(a, a, out=a)
    np.subtract(1, a, out=a)
    np.multiply(d, a, out=d)


def _sigmoid(a: Any) -> None:
    np.negative(a, out=a)
    np.exp(a, out=a)
    np.add(a, 1, out=a)
    np.divide(1, a, out=a)


def _sigmoid_back(a: Any, d: Any, mask: Any) -> None:
    np.multiply(d, a, out=d)
    np.subtract(1, a, out=a)
    np.multiply(d, a, out=d)


_ACTIVATIONS: dict[str, tuple[Callable[[Any], None], Callable[[Any, Any, Any], None]]] = {
    "relu": (_relu, _relu_back),
    "tanh": (_tanh, _tanh_back),
    "sigmoid": (_sigmoid, _sigmoid_back),
}


# One sample through 3-4-2-3


def _careful_tiny(case: Case, dtype: str, v: Arrays) -> Call:
    """Written for one sample: vectors, bound methods, positional buffers."""
    grads = {name: np.empty(case.shape(shape), dtype) for name, shape in case.params.items()}
    x, y, W1, b1, W2, b2, W3, b3 = (v[n] for n in ("X", "Y", "W1", "b1", "W2", "b2", "W3", "b3"))
    x, y, b1, b2, b3 = (a[:, 0] for a in (x, y, b1, b2, b3))
    a1, a2, z3 = np.empty(4), np.empty(2), np.empty(3)
    d1, d2, d3 = grads["b1"][:, 0], grads["b2"][:, 0], grads["b3"][:, 0]
    c1, c2, c3 = grads["b1"], grads["b2"], grads["b3"]
    dW1, dW2, dW3 = grads["W1"], grads["W2"], grads["W3"]
    m1, m2 = np.empty(4, bool), np.empty(2, bool)
    add, maximum, greater, multiply = np.add, np.maximum, np.greater, np.multiply
    subtract, exp, divide, log = np.subtract, np.exp, np.divide, np.log
    largest, total = np.maximum.reduce, np.add.reduce
    back2, back3 = W2.T, W3.T

    def call() -> Any:
        W1.dot(x, a1)
        add(a1, b1, out=a1)
        maximum(a1, 0.0, out=a1)
        W2.dot(a1, a2)
        add(a2, b2, out=a2)
        maximum(a2, 0.0, out=a2)
        W3.dot(a2, z3)
        add(z3, b3, out=z3)
        subtract(z3, largest(z3), out=z3)
        exp(z3, out=d3)
        s = total(d3)
        value = log(s) - z3.dot(y)
        divide(d3, s, out=d3)
        subtract(d3, y, out=d3)
        multiply(c3, a2, out=dW3)
        back3.dot(d3, d2)
        greater(a2, 0.0, out=m2)
        multiply(d2, m2, out=d2)
        multiply(c2, a1, out=dW2)
        back2.dot(d2, d1)
        greater(a1, 0.0, out=m1)
        multiply(d1, m1, out=d1)
        multiply(c1, x, out=dW1)
        return value, grads

    return call


# Others


def _careful_logistic(case: Case, dtype: str, v: Arrays) -> Call:
    batch = case.sizes["N"]
    u, e = np.empty(batch, dtype), np.empty(batch, dtype)
    q = np.empty(batch, dtype)
    X, t, w, dw = v["X"], v["t"], v["w"], np.empty_like(v["w"])

    def call() -> Any:
        np.dot(X, w, out=u)
        np.multiply(u, t, out=u)
        np.negative(u, out=u)
        np.abs(u, out=e)
        np.negative(e, out=e)
        np.exp(e, out=e)
        np.log1p(e, out=q)
        np.maximum(u, 0, out=u)
        value = (q.sum() + u.sum()) / batch
        np.greater(u, 0, out=mask)
        np.copyto(q, e)
        np.copyto(q, 1, where=mask)
        np.add(e, 1, out=e)
        np.divide(q, e, out=q)
        np.multiply(q, t, out=q)
        np.multiply(q, -1 / batch, out=q)
        np.dot(q, X, out=dw)
        return value, {"w": dw}

    mask = np.empty(batch, bool)
    return call


def _careful_layer_norm(case: Case, dtype: str, v: Arrays) -> Call:
    shape = case.shape(case.data["X"])
    batch, width = shape
    normal, d, scratch = (np.empty(shape, dtype) for _ in range(3))
    mean, spread = np.empty((batch, 1), dtype), np.empty(batch, dtype)
    ones, dg, db = np.ones(batch, dtype), np.empty(width, dtype), np.empty(width, dtype)
    X, T, g, b = v["X"], v["T"], v["g"], v["b"]

    def call() -> Any:
        np.mean(X, axis=1, keepdims=True, out=mean)
        np.subtract(X, mean, out=normal)
        np.einsum("nj,nj->n", normal, normal, out=spread)
        np.divide(normal, np.sqrt(spread / width + 1e-5)[:, None], out=normal)
        np.multiply(normal, g, out=d)
        np.add(d, b, out=d)
        np.subtract(d, T, out=d)
        flat = d.reshape(-1)
        value = flat.dot(flat) / flat.size
        np.multiply(d, 2 / flat.size, out=d)
        np.dot(ones, d, out=db)
        np.multiply(d, normal, out=scratch)
        np.dot(ones, scratch, out=dg)
        return value, {"g": dg, "b": db}

    return call


def _careful_attention(case: Case, dtype: str, v: Arrays) -> Call:
    n, width = case.shape(case.data["X"])
    q, k, u, o, back = (np.empty((n, width), dtype) for _ in range(5))
    p, dp = np.empty((n, n), dtype), np.empty((n, n), dtype)
    column, sums = np.empty((n, 1), dtype), np.empty(n, dtype)
    X, T = v["X"], v["T"]
    grads = {name: np.empty_like(v[name]) for name in case.params}

    def call() -> Any:
        np.matmul(X, v["Wq"], out=q)
        np.multiply(q, 0.125, out=q)
        np.matmul(X, v["Wk"], out=k)
        np.matmul(X, v["Wv"], out=u)
        np.matmul(q, k.T, out=p)
        np.max(p, axis=1, keepdims=True, out=column)
        np.subtract(p, column, out=p)
        np.exp(p, out=p)
        np.sum(p, axis=1, keepdims=True, out=column)
        np.divide(p, column, out=p)
        np.matmul(p, u, out=o)
        np.subtract(o, T, out=o)
        flat = o.reshape(-1)
        value = flat.dot(flat) / flat.size
        np.multiply(o, 2 / flat.size, out=o)
        np.matmul(o, u.T, out=dp)
        np.matmul(p.T, o, out=back)
        np.matmul(X.T, back, out=grads["Wv"])
        np.einsum("ij,ij->i", dp, p, out=sums)
        np.subtract(dp, sums[:, None], out=dp)
        np.multiply(dp, p, out=dp)
        np.matmul(dp.T, q, out=back)
        np.matmul(X.T, back, out=grads["Wk"])
        np.multiply(k, 0.125, out=k)
        np.matmul(dp, k, out=back)
        np.matmul(X.T, back, out=grads["Wq"])
        return value, grads

    return call


# Recurrences


def _careful_gru(case: Case, dtype: str, v: Arrays) -> Call:
    """Products of all steps before the loop and after it, the gates beside each other."""
    count, batch, width = case.shape(case.data["X"])
    X, n = v["X"].reshape(count * batch, width), width
    states, gates = (np.empty((count + k, batch, m * n), dtype) for k, m in ((1, 1), (0, 3)))
    back, held = np.empty_like(gates), np.empty((count, batch, n), dtype)
    product, room = np.empty((batch, 3 * n), dtype), np.empty((batch, n), dtype)

    def call() -> Any:
        W, U, b = (np.concatenate([v[f"{k}{g}"] for g in "rzn"], axis=-1) for k in "WUb")
        np.matmul(X, W, out=gates.reshape(-1, 3 * n))
        np.add(gates, b, out=gates)
        states[0] = h = v["h0"]
        for g, after, u in zip(gates, states[1:], held, strict=True):
            h.dot(U, out=product)
            both, r, z, new = g[:, : 2 * n], g[:, :n], g[:, n : 2 * n], g[:, 2 * n :]
            both += product[:, : 2 * n]
            _sigmoid(both)
            u[...] = product[:, 2 * n :]
            np.multiply(r, u, out=room)
            new += room
            np.tanh(new, out=new)
            np.subtract(h, new, out=room)
            np.multiply(room, z, out=after)
            after += new
            h = after
        before, d = states[:-1], states[-1] - v["Y"]
        value = np.vdot(d, d) / d.size
        d *= 2 / d.size
        r, z, new = (gates[:, :, k * n : (k + 1) * n] for k in range(3))
        slopes = (held * r * (1 - r), (before - new) * z * (1 - z), (1 - z) * (1 - new * new))
        of_new, T = np.empty_like(held), U.T.copy()
        for t in range(count)[::-1]:
            dr, dz, du = (back[t, :, k * n : (k + 1) * n] for k in range(3))
            np.multiply(d, slopes[1][t], out=dz)
            np.multiply(d, slopes[2][t], out=of_new[t])
            np.multiply(of_new[t], slopes[0][t], out=dr)
            np.multiply(of_new[t], r[t], out=du)
            d *= z[t]
            d += back[t].dot(T)
        flat, last = back.reshape(-1, 3 * n), of_new.reshape(-1, n)
        dU = before.reshape(-1, n).T.dot(flat)
        flat = np.concatenate([flat[:, : 2 * n], last], axis=1)
        parts = {"W": X.T.dot(flat), "U": dU, "b": flat.sum(0)}
        return value, {f"{k}{g}": parts[k][..., j * n : (j + 1) * n]
                       for j, g in enumerate("rzn") for k in "WUb"}  # fmt: skip

    return call


def _careful_kalman(case: Case, dtype: str, v: Arrays) -> Call:
    """The step and its derivative as in a textbook."""
    A, Q, H = v["A"], v["Q"], v["H"]

    def call() -> Any:
        m, P, value, kept = v["m0"], np.eye(4), 0.0, []
        noise = Q @ Q.T
        for y in v["Y"]:
            ahead, spread = A.dot(m), A.dot(P).dot(A.T) + noise
            HP = H.dot(spread)
            S = HP.dot(H.T) + np.eye(2)
            e, inverse = y - H.dot(ahead), np.linalg.inv(S)
            K = spread.dot(H.T).dot(inverse)
            value += e.dot(inverse).dot(e) + np.log(np.linalg.det(S))
            kept.append((m, P, ahead, spread, HP, e, inverse, K))
            m, P = ahead + K.dot(e), spread - K.dot(HP)
        dA, dH, sums = np.zeros_like(A), np.zeros_like(H), np.zeros_like(Q)
        dm, dP = np.zeros_like(m), np.zeros_like(P)
        for m, P, ahead, spread, HP, e, inverse, K in kept[::-1]:
            dK = dm[:, None] * e - dP.dot(HP.T)
            de = dm.dot(K) + (inverse.dot(e) + e.dot(inverse)) / 2
            back = K.T.dot(dP)
            d_spread = dP - H.T.dot(back) + dK.dot(inverse.T).dot(H)
            d_inverse = H.dot(spread.T).dot(dK) + e[:, None] * e / 2
            dS = inverse.T / 2 - inverse.T.dot(d_inverse).dot(inverse.T)
            dH -= back.dot(spread.T) + de[:, None] * ahead
            dH += inverse.dot(dK.T).dot(spread) + dS.dot(H).dot(spread.T) + dS.T.dot(HP)
            d_spread += H.T.dot(dS).dot(H)
            d_ahead = dm - de.dot(H)
            dA += d_spread.dot(A).dot(P.T) + d_spread.T.dot(A).dot(P) + d_ahead[:, None] * m
            sums += d_spread
            dm, dP = d_ahead.dot(A), A.T.dot(d_spread).dot(A)
        return value / 2, {"A": dA, "Q": (sums + sums.T).dot(Q), "H": dH, "m0": dm}

    return call


def _attention_products(case: Case) -> Products:
    n, d = case.shape(case.data["X"])
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(("X", "q", "k", "u", "o", "b"), (n, d))
    shapes |= dict.fromkeys(("Wq", "Wk", "Wv", "gq", "gk", "gv"), (d, d))
    shapes |= {"p": (n, n), "dp": (n, n)}
    return shapes, ["X Wq q", "X Wk k", "X Wv u", "q k.T p", "p u o", "o u.T dp", "p.T o b",
                    "X.T b gv", "dp.T q b", "X.T b gk", "dp k b", "X.T b gq"]  # fmt: skip


def _logistic_products(case: Case) -> Products:
    n, d = case.shape(case.data["X"])
    return {"X": (n, d), "w": (d,), "z": (n,), "g": (d,)}, ["X w z", "z X g"]


def _tiny_products(case: Case) -> Products:
    shapes: dict[str, tuple[int, ...]] = {"X": (3, 1), "a1": (4, 1), "a2": (2, 1), "z3": (3, 1)}
    shapes |= {"d1": (4, 1), "d2": (2, 1), "d3": (3, 1), "W1": (4, 3), "W2": (2, 4), "W3": (3, 2)}
    shapes |= {"g1": (4, 3), "g2": (2, 4), "g3": (3, 2)}
    return shapes, ["W1 X a1", "W2 a1 a2", "W3 a2 z3", "d3 a2.T g3", "W3.T d3 d2", "d2 a1.T g2",
                    "W2.T d2 d1", "d1 X.T g1"]  # fmt: skip


_CAREFUL: dict[str, Callable[[Case, str, Arrays], Call]] = {
    "mlp": _careful_network,
    "tiny": _careful_tiny,
    "logistic": _careful_logistic,
    "layer_norm": _careful_layer_norm,
    "attention": _careful_attention,
    "gru": _careful_gru,
    "kalman": _careful_kalman,
    **CAREFUL,
}

_PRODUCTS: dict[str, Callable[[Case], Products]] = {
    "mlp": _network_products,
    "tiny": _tiny_products,
    "logistic": _logistic_products,
    "layer_norm": lambda case: ({}, []),
    "attention": _attention_products,
    "gru": lambda case: ({}, []),
    "kalman": lambda case: ({}, []),
}


# Without care


def naive(case: Case, dtype: str, v: Arrays) -> Call | None:
    """The network as it is first written down."""
    if "y" not in v or not case.layers:
        return None
    batch, count = case.sizes["N"], len(case.layers) - 1

    def call() -> Any:
        a, masks, grads = [v["X"]], [], {}
        for k in range(1, count + 1):
            z = a[-1] @ v[f"W{k}"] + v[f"b{k}"]
            masks.append(z > 0)
            a.append(np.maximum(z, 0) if k < count else z)
        e = np.exp(a[-1] - a[-1].max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        value = -np.mean(np.log(p[np.arange(batch), v["y"]]))
        d = p.copy()
        d[np.arange(batch), v["y"]] -= 1
        d /= batch
        for k in range(count, 0, -1):
            grads[f"W{k}"] = a[k - 1].T @ d
            grads[f"b{k}"] = d.sum(axis=0)
            if k > 1:
                d = d @ v[f"W{k}"].T * masks[k - 2]
        return value, grads

    return call


def numba(case: Case, dtype: str, v: Arrays) -> Call | None:
    """Three layers in Numba, the products in BLAS."""
    if "y" not in v or not case.layers:
        return None
    from compiled_by_numba import three_layers

    names = ("X", "y", "W1", "b1", "W2", "b2", "W3", "b3")
    batch, sizes = case.sizes["N"], case.layers[1:]
    hidden = [empty_aligned((batch, n), dtype) for n in sizes]
    deltas = [empty_aligned((batch, n), dtype) for n in sizes]
    grads = {name: empty_aligned(case.shape(shape), dtype) for name, shape in case.params.items()}
    arguments = (*(v[n] for n in names), *hidden, *deltas, *grads.values())
    return lambda: (three_layers(*arguments), grads)
