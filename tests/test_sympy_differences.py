"""Derivatives of SymPy's matrix expressions beside differences, at random matrices of any sign."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import sympy as sp
from sympy_matrices import MORE, OF_SYMPY, k
from test_from_sympy import differ, name, named

import symgrad as sg

SIZE = 3
BEYOND = {sp.Max, sp.Piecewise}
"""What the evaluation below does not know."""
CASES = [(e, by) for e, by in (*OF_SYMPY, *MORE) if not e.atoms(*BEYOND)]


def times(*factors):
    def two(x, y):
        x, y = np.asarray(x), np.asarray(y)
        if min(x.ndim, y.ndim) < 2 or (x.shape == (1, 1) and len(y) != 1):
            return x.reshape(()) * y if x.shape == (1, 1) else x * y
        return x * y[0, 0] if y.shape == (1, 1) and x.shape[1] != 1 else x @ y

    return functools.reduce(two, factors)


def power(x, exponent):
    x, exponent = np.asarray(x), float(exponent)
    scalar = x.ndim < 2 or x.shape == (1, 1)
    return x**exponent if scalar else np.linalg.matrix_power(x, int(exponent))


WRITTEN = {
    "MatMul": times, "Mul": times, "MatAdd": lambda *m: sum(m), "Add": lambda *m: sum(m),
    "Transpose": np.transpose, "Inverse": lambda q, *_: np.linalg.inv(q), "MatPow": power,
    "Pow": power, "Trace": np.trace, "Determinant": np.linalg.det,
    "HadamardProduct": lambda *m: functools.reduce(np.multiply, m),
    "HadamardPower": lambda q, e: q ** float(e), "Identity": lambda n: np.eye(int(n)),
    "KroneckerProduct": lambda *m: functools.reduce(np.kron, m),
    "OneMatrix": lambda r, c: np.ones((int(r), int(c))),
    "ZeroMatrix": lambda r, c: np.zeros((int(r), int(c))),
    "DiagMatrix": lambda q: np.diag(np.ravel(q)), "DiagonalOf": lambda q: np.diag(q)[:, None],
    "DiagonalMatrix": lambda q: np.diag(np.diag(q)),
    "MatrixElement": lambda q, r, c: q[int(r), int(c)],
}  # fmt: skip


def value_of(expr, values):
    """An expression in numbers, by NumPy alone."""
    if expr in values or expr.is_Number:
        return values[expr] if expr in values else float(expr)
    kind = type(expr).__name__
    if kind == "ElementwiseApplyFunction":
        s = sp.Symbol("s")
        function = np.vectorize(sp.lambdify(s, expr.function(s), "numpy"), otypes=[float])
        return function(value_of(expr.expr, values))
    if kind == "BlockMatrix":
        return np.block([[value_of(b, values) for b in expr.blocks.row(r)]
                         for r in range(expr.blocks.rows)])  # fmt: skip
    if kind == "MatrixSlice":
        rows, columns = (slice(*map(int, part)) for part in expr.args[1:])
        return value_of(expr.args[0], values)[rows, columns]
    if kind == "FunctionMatrix":
        return np.array(sp.Matrix(expr.as_explicit()).tolist(), float)
    made = WRITTEN.get(kind) or getattr(np, kind)
    return made(*(value_of(e, values) for e in expr.args))


def drawn(derivation, rng, attempt):
    """Numbers of any sign, then positive ones, for what has no value there."""
    found = {}
    for v in derivation.system.variables:
        shape = tuple(1 if s == 1 else SIZE for s in v.shape)
        draw = rng.standard_normal(shape) if attempt < 8 else rng.uniform(0.3, 1.2, shape)
        found[v.name] = draw + (2 * np.eye(SIZE) if shape == (SIZE, SIZE) and attempt > 5 else 0)
    return found


@pytest.mark.long
@pytest.mark.parametrize(("expr", "by"), CASES, ids=named(CASES))
def test_derivatives_are_differences_of_the_expression(expr, by):
    derivation = differ(sg.from_sympy(expr, params=[by]))
    small = expr if by == k else expr.xreplace({k: sp.Integer(SIZE)})
    rng = np.random.default_rng(11)

    def value(point):
        values = {s: point[s.name].reshape([int(n) for n in s.shape])
                  for s in small.atoms(sp.MatrixSymbol) if s.name in point}  # fmt: skip
        values |= {s: float(point[s.name].reshape(())) for s in small.free_symbols - values.keys()
                   if isinstance(s, sp.Symbol) and s.name in point}  # fmt: skip
        with np.errstate(all="ignore"):
            return np.asarray(value_of(small, values), float)

    points = (drawn(derivation, rng, attempt) for attempt in range(12))
    point = next(p for p in points if np.isfinite(value(p)).all())
    found = getattr(derivation.compile(plain=True).gradients(**point), name(by))
    base, h = point[name(by)], 1e-6
    slopes = []
    for place in np.ndindex(base.shape):
        step = np.zeros(base.shape)
        step[place] = h
        ends = (value({**point, name(by): base + s}) for s in (step, -step))
        slopes.append((next(ends) - next(ends)) / (2 * h))
    expected = np.stack(slopes, -1).ravel()
    found = np.broadcast_to(found, (*np.shape(found),)).ravel()
    np.testing.assert_allclose(found, expected, atol=1e-5 * (1 + np.abs(expected).max()))
