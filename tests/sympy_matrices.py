"""SymPy's own list of derivatives of matrix expressions, and more: what is derived, and by what.

The first part are the expressions of ``sympy/matrices/expressions/tests/test_derivatives.py``.
"""

from __future__ import annotations

import sympy as sp
from sympy.matrices.expressions.hadamard import hadamard_power, hadamard_product

i, j, k, mu = sp.symbols("i j k mu")
X, A, B, C, D = (sp.MatrixSymbol(name, k, k) for name in "XABCD")
x, y, a, b, c, d = (sp.MatrixSymbol(name, k, 1) for name in "xyabcd")
tr, det, inv, half = sp.Trace, sp.Determinant, sp.Inverse, sp.S.Half
Matrix, ones = sp.Matrix, sp.OneMatrix

COMPLICATED = (
    a.T * (
        A * X * (X.T * B + X * A)
        + B.T * X.T * (a * b.T * (X * D * X.T + X * (X.T * B + A * X) * D * B - X.T * C.T * A) * B
                       + B * (X * D.T + B * A * X * A.T - 3 * X * D)) * B
        + 42 * X * B * X.T * A.T * (X + X.T)
    ) * b
)  # fmt: skip

OF_SYMPY = [
    (hadamard_power(x, i), i), (hadamard_product(i * ones(k, 1), x, y), i), (i * x, i),
    (sp.sin(i) * A * B * x, i), (tr(i**2 * X), i), (2 * mu * x, x), (x.T * ones(k, 1), x),
    (A, A), (A.T, A), (2 * A, A), (sp.MatAdd(A, A), A), (A + B, A), (a.T * inv(X) * b, X),
    (det(inv(X)), X), (tr(A * inv(X) * B), X), (tr(inv(X + A)), X), (x, x), (x[1, 0], x), (x.T, x),
    (x.T * a, x), (a.T * x, x), (a.T * X * b, X), (a.T * X.T * b, X), (a.T * X * a, X),
    (a.T * X.T * a, X), (b.T * X.T * X * c, X), ((B * x + b).T * C * (D * x + d), x),
    (x.T * B * x, x), (b.T * X.T * D * X * c, X), ((X * b + c).T * D * (X * b + c), X),
    (x * x.T * x, x), (tr(A) * A, A), (tr(X), X), (tr(X * A), X), (tr(A * X * B), X),
    (tr(A * X.T * B), X), (tr(X.T * A), X), (tr(A * X.T), X), (tr(sp.KroneckerProduct(A, X)), X),
    (tr(X**2), X), (tr(X**2 * B), X), (tr(sp.MatMul(X, X, B)), X), (tr(X.T * B * X), X),
    (tr(B * X * X.T), X), (tr(X * X.T * B), X), (tr(X * B * X.T), X), (tr(B * X.T * X), X),
    (tr(X.T * X * B), X), (tr(A * X * B * X), X), (tr(X.T * X), X), (tr(X * X.T), X),
    (tr(B.T * X.T * C * X * B), X), (tr(X.T * B * X * C), X), (tr(A * X * B * X.T * C), X),
    (tr((A * X * B + C) * (A * X * B + C).T), X), (tr(sp.KroneckerProduct(X, X)), X),
    (tr(X**3), X), (tr(A * X**3), X), (tr(B.T * X.T * C * X * X.T * C * X * B), X),
    (tr(A * X ** (-1) * B), X), (tr(inv(X.T * C * X) * A), X),
    (tr((X.T * C * X).inv() * (X.T * B * X)), X), (tr((A + X.T * C * X).inv() * (X.T * B * X)), X),
    (COMPLICATED, X), (3 * tr(A), A), (tr(A) ** 2, A), (tr(tr(A) * A), A),
    (tr(tr(tr(A) * A) * A), A), (x.T * y, x), ((x.T * y) ** half, x), ((x.T * x) ** half, x),
    ((c.T * a * x.T * b) ** half, x), ((c.T * a * x.T * b) ** sp.Rational(1, 3), x),
    ((a.T * X * b) ** half, X), (d.T * x * (a.T * X * b) ** half * y.T * c, X),
    (x.applyfunc(sp.tan), x), ((i**2 * x).applyfunc(sp.sin), i),
    ((sp.log(i) * A * B).applyfunc(sp.sin), i), (A * x.applyfunc(sp.exp), x),
    (x.T * A * x + k * y.applyfunc(sp.sin).T * x, x), (x.applyfunc(sp.sin).T * y, x),
    ((a.T * X * b).applyfunc(sp.sin), X), (a.T * X.applyfunc(sp.sin) * b, X),
    (a.T * (A * X * B).applyfunc(sp.sin) * b, X), (a.T * (A * X * b).applyfunc(sp.sin) * b.T, X),
    (a.T * A * X.applyfunc(sp.sin) * B * b, X),
    (a.T * (A * X.applyfunc(sp.sin) * B).applyfunc(sp.log) * b, X),
    (a.T * X.applyfunc(sp.sin).applyfunc(sp.log) * b, X), (hadamard_product(a, x, b), x),
    (a.T * hadamard_product(A, X, B) * b, X), (hadamard_power(x, 2), x),
    (hadamard_power(x.T, 2), x), (hadamard_power(x, half), x), (hadamard_power(a.T * X * b, 2), X),
    (hadamard_power(a.T * X * b, half), X),
]  # fmt: skip

MORE = [
    (det(X), X), (sp.log(det(X)), X), (det(A * X + B), X), (tr(X) * det(X), X), (tr(X**4), X),
    (sp.exp(tr(A * X)), X), (sp.sqrt(tr(X.T * X)), X), (tr(X.applyfunc(sp.exp) * A), X),
    (a.T * sp.DiagMatrix(x) * b, x), (tr(sp.DiagMatrix(A * x) * B), x),
    (tr(X * sp.Identity(k)), X),
    (tr(sp.BlockMatrix([[X, A], [B, X]]).T * sp.BlockMatrix([[A, X], [X, C]])), X),
    (tr(sp.BlockMatrix([[X], [A]]) * sp.BlockMatrix([[X, B]])), X), (X[0, 1] * X[1, 0] ** 2, X),
    (tr(x.T * y) ** 3, x),
    (tr(sp.HadamardPower(X, 3) * A.T), X), (sp.Max(x[0, 0], x[1, 0]) * y[0, 0], x),
    (sp.Piecewise((x[0, 0] ** 2, y[0, 0] > 0), (sp.exp(x[0, 0]), True)), x),
    (tr(sp.FunctionMatrix(k, k, sp.Lambda((i, j), i + 2 * j)) * X), X),
    (sp.Matrix([[1, 2], [3, 4]])[0, 1] * tr(X), X), (a.T * X.inv().T * X.inv() * b, X),
    (ones(1, k) * X.applyfunc(sp.tanh) * ones(k, 1), X), (mu * tr(X) + mu**2, mu),
    (tr(X.T * sp.DiagonalMatrix(A) * X), X), (tr(sp.DiagonalOf(X) * a.T), X),
]  # fmt: skip

UNWRITTEN = [
    x[1, 0], tr(sp.KroneckerProduct(A, X)), tr(sp.KroneckerProduct(X, X)), X[0, 1] * X[1, 0] ** 2,
    *(e for e, _ in MORE if e.has(sp.BlockMatrix, sp.Max, sp.Piecewise, sp.FunctionMatrix)),
]  # fmt: skip
"""Whose derivatives SymPy's matrices have no expression for: they have single entries in them."""
