"""Writing into arrays, as loops do it: the numbers are those of NumPy, and so are the slopes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special

import symgrad as sg
from symgrad.language.tracing import names_in
from tests.agreement import differences
from tests.stand_ins import StandIn

RNG = np.random.default_rng(3)
INPUTS: dict[str, np.ndarray] = {
    "X": RNG.normal(size=(4, 3)), "W": RNG.normal(size=(3, 3)), "v": RNG.normal(size=4),
    "s": RNG.normal(size=()), "M": RNG.normal(size=(3, 3)), "y": np.array([2, 0, 1, 2]),
    "z": np.array([1, 1, 0, 2]),
}  # fmt: skip
NAMED = {"X": ("N", 3), "v": ("N",), "y": ("N",), "z": ("N",)}
PARAMS = "XWvsM"

FIXED = {
    "a recurrence": """
        h = sg.zeros((4, 3))
        for t in range(4):
            h[t] = np.tanh(h[t - 1] @ W + X[t])
        loss = np.sum(h**2)""",
    "a recurrence with a row for the start": """
        h = sg.zeros((5, 3))
        h[0, :] = v[:3]
        for t in range(4):
            h[t + 1, :] = np.tanh(W @ h[t, :]) + X[t, :]
        loss = np.sum(h[1:] * X) + np.sum(h[-1])""",
    "every entry by itself": """
        K = sg.zeros((4, 4))
        for i in range(4):
            for j in range(4):
                K[i, j] = np.exp(-np.sum((X[i] - X[j]) ** 2) * s**2)
        loss = v @ K @ v""",
    "a lower triangle": """
        L = sg.zeros((3, 3))
        for i in range(3):
            for j in range(i + 1):
                L[i, j] = M[i, j] * (1 + i)
        loss = np.sum(L @ L.T)""",
    "two columns": """
        A = sg.ones((4, 2))
        A[:, 1] = v
        A[:, 0] *= X[:, 0]
        loss = np.sum(A**3)""",
    "a block": """
        A = sg.constant(np.arange(20.0).reshape(4, 5))
        A[1:3, 2:4] = M[:2, :2]
        A[0] += s
        loss = np.sum(np.sin(A))""",
    "over and over": """
        a = v * 1
        a[0] = s
        a[0] = a[0] * a[1]
        a[1:] = a[:-1]
        loss = np.sum(a * np.arange(1, 5))""",
    "a view sees it": """
        a = X * 2
        b = a[1:]
        a[1, 0] = s
        loss = np.sum(b**2) + np.sum(a)""",
    "through a view": """
        a = X * 2
        b = a[:2]
        b[0] = W[0] * s
        loss = np.sum(a**2)""",
    "through a view of a view": """
        a = X * 2
        c = a[:3][:, 1:]
        c[0, 1] = s
        c *= 3
        loss = np.sum(a**2) + np.sum(c)""",
    "a transpose sees it": """
        a = M * 2
        t = a.T
        a[0, 1] = s
        loss = np.sum(t**3 * W)""",
    "another name": """
        a = v * 2
        b = a
        a[1] = s
        b += 1
        loss = np.sum(a**2) + np.sum(b)""",
    "what was read before stays": """
        a = v * 2
        b = np.exp(a)
        a[1] = s
        loss = np.sum(a * b)""",
    "a copy stays": """
        a = v * 2
        b = a.copy()
        a[1] = s
        loss = np.sum(a * b)""",
    "numbers read are numbers": """
        a = v * 2
        b = a[0]
        a[0] = s
        loss = a[0] * b + np.sum(a)""",
    "in reverse": """
        a = sg.zeros(4)
        run = 0.0
        for t in reversed(range(4)):
            run = v[t] + 0.9 * run
            a[t] = run
        loss = np.sum((a - np.mean(a)) ** 2)""",
    "every other": """
        a = v * 1
        a[::2] = X[:2, 0]
        loss = np.sum(a**2 * np.arange(4))""",
    "backwards": """
        a = sg.zeros(4)
        a[::-1] = v
        loss = np.sum(a * np.arange(4))""",
    "at positions": """
        a = v * 1
        a[[3, 0]] = X[:2, 1]
        a[np.array([1, 2])] = s
        loss = np.sum(a**2 * np.arange(1, 5))""",
    "the last of equal positions": """
        a = v * 1
        a[[1, 1]] = X[:2, 1]
        loss = np.sum(a**2 * np.arange(1, 5))""",
    "a diagonal": """
        S = X @ X.T
        S[range(4), range(4)] = 0
        loss = np.sum(S * v)""",
    "a diagonal filled": """
        S = X @ X.T
        np.fill_diagonal(S, 1.5)
        loss = np.sum(S * v)""",
    "a diagonal in steps": """
        S = X @ X.T
        S[np.diag_indices(4)] += v
        loss = np.linalg.slogdet(S + 4 * np.eye(4))[1]""",
    "three axes": """
        A = sg.zeros((2, 4, 3))
        A[0] = X
        A[1, :, 0] = v
        A[..., -1] += s
        loss = np.sum(A**2)""",
    "a constant condition": """
        a = X * 1
        a[np.tri(4, 3) > 0] = 0
        loss = np.sum(a**2 * v[:, None])""",
    "a parameter": """
        W[0] = 0
        loss = np.sum((X @ W) ** 2)""",
    "a broadcast column": """
        a = sg.zeros((4, 3))
        a[:, :2] = v[:, None]
        a[...] += s
        loss = np.sum(a**2)""",
    "filled": """
        a = sg.zeros(4)
        a.fill(s)
        loss = np.sum(a * v)""",
    "sums of equal positions": """
        a = v * 1
        np.add.at(a, [0, 0, 3], X[0])
        loss = np.sum(a**2)""",
    "subtracted at a pair": """
        a = X * 1
        np.subtract.at(a, (np.array([0, 0]), np.array([1, 1])), v[:2])
        loss = np.sum(a**2)""",
    "a list of arrays": """
        a = [X[t] * 1 for t in range(4)]
        for t in range(1, 4):
            a[t] += a[t - 1]
        loss = np.sum(np.stack(a) ** 2)""",
    "a row in steps": """
        a = X * 1
        for t in range(1, 4):
            a[t] += 0.5 * a[t - 1]
        loss = np.sum(np.tanh(a))""",
    "copyto": """
        a = X * 1
        np.copyto(a, s, where=np.tri(4, 3) > 0)
        loss = np.sum(a**2)""",
}  # fmt: skip
BOTH = {
    "one less at labels": """
        p = np.exp(X) / np.sum(np.exp(X), axis=1, keepdims=True)
        p[sg.arange(X.shape[0]), y] -= 1
        loss = np.sum(p**2)""",
    "zero at labels": """
        m = np.maximum(0, X - X[sg.arange(X.shape[0]), y][:, None] + 1)
        m[sg.arange(X.shape[0]), y] = 0
        loss = np.sum(m)""",
    "values at labels": """
        m = X * 2
        m[sg.arange(X.shape[0]), y] = v
        loss = np.sum(m**2)""",
    "times at labels": """
        m = X * 2
        m[sg.arange(X.shape[0]), y] *= v
        loss = np.sum(m**2)""",
    "sums at labels": """
        c = sg.zeros((3, 3))
        np.add.at(c, y, X)
        loss = np.sum(c**2)""",
    "sums at pairs of labels": """
        c = sg.zeros((3, 3))
        np.add.at(c, (y, z), v)
        loss = np.sum(c**2 * M)""",
    "where a condition holds": """
        m = X * 2
        m[X <= 0] = 0.1
        m[v > 0.5] *= 2
        loss = np.sum(m**2)""",
    "another value where it holds": """
        m = v * 2
        m[v < 0] = np.exp(v)[v < 0]
        loss = np.sum(m**2)""",
    "where it holds, alone": """
        r = X - W[0]
        held = np.abs(r) <= 1
        loss = np.mean(r[held] ** 2) + np.sum(np.log(v[v > 0])) + (2 * v[v > 0]).max()
        loss = loss + np.sum(X[v > 0].sum(axis=0) ** 2) + X[v > 0].mean()""",
    "the first row": """
        m = X * 1
        m[0] = W[0]
        loss = np.sum(m**2)""",
    "the last row": """
        m = X * 1
        m[-1, :2] = s
        loss = np.sum(m**2)""",
    "differences": """
        d = sg.zeros(v.shape)
        d[1:] = v[1:] - v[:-1]
        d[0] = v[0]
        loss = np.sum(d**2)""",
    "inside": """
        u = v * 1
        u[1:-1] = 0.5 * (v[2:] + v[:-2])
        loss = np.sum(u**2)""",
    "a column of ones": """
        A = sg.ones((X.shape[0], 4))
        A[:, 1:] = X
        loss = np.sum((A @ v[:1] if False else A) ** 2)""",
    "all names see it": """
        m = X * 1
        k = m
        m[:, 0] = v
        k -= np.mean(k, axis=0)
        loss = np.sum(m**2)""",
    "along an axis": """
        m = X * 1
        np.put_along_axis(m, y[:, None], 0.5, axis=1)
        loss = np.sum(m**2)""",
}  # fmt: skip
CASES = [*((n, code, False) for n, code in (FIXED | BOTH).items()),
         *((n, code, True) for n, code in BOTH.items())]  # fmt: skip


def run(code: str, library: Any, **values: Any) -> dict[str, Any]:
    space = {"np": np, "sg": library, **values}
    lines = "\n".join(line[8:] for line in code.splitlines())
    exec(compile(lines, "spec", "exec"), space)
    return space


def loss_of(code: str, values: dict[str, np.ndarray]) -> Any:
    numbers = {n: np.array(x) for n, x in values.items()}
    return run(code, StandIn(np, scipy.special), **numbers)["loss"]


@pytest.mark.sampled(5)
@pytest.mark.parametrize(
    ("name", "code", "named"), CASES, ids=[f"{c[0]}{', named' * c[2]}" for c in CASES]
)
def test_a_spelling(name: str, code: str, named: bool) -> None:
    arrays: dict[str, Any] = {}
    for n, x in INPUTS.items():
        shape = NAMED.get(n, x.shape) if named else x.shape
        arrays[n] = sg.param(n, shape) if n in PARAMS else sg.data(n, shape, dtype=int)
    space = run(code, sg, **arrays)
    names = names_in({n: a for n, a in space.items() if n not in arrays})
    derivation = sg.derive(space["loss"], names=names)
    used = {v.name for v in derivation.system.variables if v.role != "constant"}
    point = {n: x for n, x in INPUTS.items() if n in used}
    value, found = derivation.compile().loss_and_gradients(**point)
    assert value == pytest.approx(float(loss_of(code, INPUTS)), rel=1e-12), name
    at = {n: INPUTS[n] for n in PARAMS if n in used}
    expected = differences(lambda p: np.asarray(loss_of(code, {**INPUTS, **p})), at, 1e-4)
    for n, slope in expected.items():
        np.testing.assert_allclose(getattr(found, n), slope, rtol=1e-6, atol=1e-7, err_msg=name)
    assert derivation.render("text")
