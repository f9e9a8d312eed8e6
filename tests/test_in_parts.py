"""Indices that are made of others: each entry once, or the δ stays."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import symgrad as sg
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import Index
from symgrad.writing.in_parts import sides

D = sp.Symbol("D", integer=True, positive=True)
m = Index("m", D)
q, x = sp.IndexedBase("q", real=True), sp.IndexedBase("x", real=True)


def made(size: sp.Expr, stride: sp.Expr, low: sp.Expr, high: sp.Expr, body: sp.Expr) -> Equation:
    """w[m,t] = 3 Σ δ(t, l + stride r) body."""
    t, l, r = Index("t", size), Index("l", low), Index("r", high)
    body = body.subs({sp.Symbol("t"): t, sp.Symbol("l"): l, sp.Symbol("r"): r})
    delta = sp.KroneckerDelta(t, l + stride * r)
    return Equation("w", (m, t), 3 * sp.Sum(delta * body, l.limits, r.limits))


BODY = q[sp.Symbol("r"), sp.Symbol("l")] * x[m]


@pytest.mark.parametrize(("low", "high"), [(sp.Integer(4), sp.Integer(2)), (D, sp.Integer(3))])
def test_an_index_that_is_a_number_of_two_digits(low: sp.Expr, high: sp.Expr) -> None:
    equation = made(low * high, low, low, high, BODY)
    left, right = sides(equation)
    place = left.indices[1]
    (l,) = (i for i in place.free_symbols if str(i) == "l")
    (r,) = (i for i in place.free_symbols if str(i) == "r")
    assert sp.expand(place - l - low * r) == 0
    assert right == 3 * q[r, l] * x[m]


@pytest.mark.parametrize(
    "equation",
    [
        made(sp.Integer(8), sp.Integer(3), sp.Integer(4), sp.Integer(2), BODY),
        made(sp.Integer(9), sp.Integer(4), sp.Integer(4), sp.Integer(2), BODY),
        made(sp.Integer(8), sp.Integer(4), sp.Integer(4), sp.Integer(2), BODY * x[sp.Symbol("t")]),
    ],
    ids=["twice the same", "entries without one", "the index stands elsewhere too"],
)
def test_what_is_no_number_with_digits_stays(equation: Equation) -> None:
    assert sides(equation) == (equation.lhs, equation.rhs)


def test_heads_are_beside_each_other() -> None:
    X, W = sg.data("X", ("N", 6)), sg.param("W", (6, 6))
    h = (X @ W).reshape(-1, 2, 3).transpose(1, 0, 2)
    out = np.tanh(h).transpose(1, 0, 2).reshape(-1, 6)
    d = sg.derive(np.sum((out @ sg.param("v", (6,))) ** 2), names={"h": h, "out": out})
    shown = d.render("text")
    assert "[n,j + 3 i] = tanh(h[i,n,j])" in shown
    assert "l = j + 3 i gives each l once." in shown
    assert "∂L/∂W[k,j + 3 i] = Σ_n ∂L/∂h[i,n,j] X[n,k]" in shown
