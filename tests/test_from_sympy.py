from __future__ import annotations

import functools
import random

import numpy as np
import pytest
import sympy as sp
from sympy.matrices.expressions.matexpr import MatrixExpr
from sympy_matrices import MORE, OF_SYMPY, UNWRITTEN, A, B, X, a, b, k, x, y

import symgrad as sg

n, m = sp.symbols("n m")
CASES = [*OF_SYMPY, *MORE]
SIZE = 2


def name(value):
    return str(getattr(value, "name", value))


@functools.cache
def number_at(symbol, row, column):
    """A fixed positive number for each entry, all different."""
    seed = random.Random(f"{symbol} {row} {column}")
    return sp.Rational(seed.randrange(20, 90), 60) + (2 if row == column else 0)


def explicit(expr, by, symbols):
    """The expression at one size by its components: those of ``by`` symbols, the others numbers."""
    small = expr.xreplace({k: sp.Integer(SIZE)})
    found = {}
    for s in small.atoms(sp.MatrixSymbol):
        entry = symbols if s.name == name(by) else functools.partial(number_at, s.name)
        found[s] = sp.ImmutableMatrix(*s.shape, entry)
    scalars = {s for s in small.free_symbols if isinstance(s, sp.Symbol) and s not in found}
    found |= {s: symbols(0, 0) if s == by else number_at(s.name, 0, 0) for s in scalars}
    return components(small, found)


def components(expr, values):
    """The expression in its entries, from the inside out: SymPy itself leaves many undone."""
    if expr in values:
        return values[expr]
    kind = type(expr).__name__
    if kind == "ElementwiseApplyFunction":
        return components(expr.expr, values).applyfunc(expr.function)
    if kind == "FunctionMatrix":
        return sp.Matrix(expr.as_explicit())
    parts = [components(e, values) if isinstance(e, sp.Basic) else e for e in expr.args]
    made = WRITTEN.get(kind)
    if made is not None:
        return made(*parts)
    return expr.func(*parts) if parts else expr


def product(*factors):
    return functools.reduce(lambda p, q: p * q, factors)


WRITTEN = {
    "MatMul": product, "MatAdd": lambda *m: functools.reduce(lambda p, q: p + q, m),
    "Mul": product, "Transpose": lambda q: q.T, "Inverse": lambda q, *_: q.inv(),
    "MatPow": lambda q, e: q**e if e.is_Integer else sp.Matrix([[q[0, 0] ** e]]),
    "Trace": lambda q: q.trace(), "Determinant": lambda q: q.det(),
    "HadamardProduct": lambda *m: functools.reduce(lambda p, q: p.multiply_elementwise(q), m),
    "HadamardPower": lambda q, e: q.applyfunc(lambda v: v**e),
    "KroneckerProduct": sp.kronecker_product, "OneMatrix": sp.ones,
    "ZeroMatrix": sp.zeros, "Identity": sp.eye,
    "DiagMatrix": lambda q: sp.diag(*q), "DiagonalOf": lambda q: sp.Matrix([*q.diagonal()]),
    "DiagonalMatrix": lambda q: sp.diag(*q.diagonal()),
    "BlockMatrix": lambda q: sp.Matrix(sp.BlockMatrix(q).as_explicit()),
    "MatrixSlice": lambda q, r, c: q[r[0] : r[1], c[0] : c[1]],
    "MatrixElement": lambda q, r, c: q[r, c],
}  # fmt: skip


def theirs(expr, by):
    """The derivatives by components, as numbers, by stock SymPy alone."""
    symbols = functools.cache(lambda r, c: sp.Symbol(f"s_{r}{c}", positive=True))
    value = explicit(expr, by, symbols)
    entries = [*value] if hasattr(value, "shape") and value.shape else [value]
    shape = value.shape if len(entries) > 1 else ()
    sizes = by.shape if isinstance(by, MatrixExpr) else (1, 1)
    places = [*np.ndindex(*(SIZE if s == k else int(s) for s in sizes))]
    at = {symbols(*p): number_at(name(by), *p) for p in places}
    slopes = [float(e.diff(symbols(*p)).xreplace(at)) for e in entries for p in places]
    mine = tuple(SIZE if s == k else int(s) for s in sizes) if isinstance(by, MatrixExpr) else ()
    return np.reshape(slopes, (*shape, *mine))


def point(derivation):
    """The same numbers as arguments of the generated functions."""
    found = {}
    for v in derivation.system.variables:
        shape = [1 if s == 1 else SIZE for s in v.shape]
        entries = [float(number_at(v.name, *(*p, 0, 0)[:2])) for p in np.ndindex(*shape)]
        found[v.name] = np.reshape(entries, shape)
    return found


def differ(value):
    """Whether a value is a scalar: else there is a Jacobian to derive."""
    return sg.derive(value) if value.ndim == 0 else sg.jacobian(value)


def in_matrices(gradient, like, shape):
    """The gradient as SymPy's matrices have it, as numbers at the point."""
    found = explicit(gradient.to_sympy_matrix(like=like), None, None)
    return np.array(found.tolist() if hasattr(found, "tolist") else found, dtype=float).reshape(
        shape
    )


def check(expr, by):
    d = differ(sg.from_sympy(expr, params=[by]))
    expected = theirs(expr, by)
    found = getattr(d.compile(plain=True).gradients(**point(d)), name(by))
    found = np.broadcast_to(found, expected.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    gradient = d.gradients[name(by)]
    if expr in UNWRITTEN:
        with pytest.raises(sg.SpecError, match="no expression"):
            gradient.to_sympy_matrix()
    elif not d.system[d.system.output].shape:
        back = in_matrices(gradient, expr, expected.shape)
        np.testing.assert_allclose(back, expected, rtol=1e-9, atol=1e-12)


FEW = CASES[::6]


def named(cases):
    return [f"{number}: {expr}"[:60] for number, (expr, _) in enumerate(cases)]


@pytest.mark.parametrize(("expr", "by"), FEW, ids=named(FEW))
def test_derivatives_are_those_of_stock_sympy_by_components(expr, by):
    check(expr, by)


@pytest.mark.long
@pytest.mark.parametrize(("expr", "by"), CASES, ids=named(CASES))
def test_all_derivatives_are_those_of_stock_sympy_by_components(expr, by):
    check(expr, by)


def test_there_are_many_and_most_go_back():
    assert len(OF_SYMPY) >= 90
    assert len(UNWRITTEN) < 12


# -- sums over entries ----------------------------------------------------------------------------

i, j, p = sp.symbols("i j p", integer=True)
Z, u, v = (sp.IndexedBase(letter) for letter in "Zuv")
S = sp.Sum
OVER = (i, 0, n - 1), (j, 0, m - 1)

SUMS = {
    "squares": (S((S(Z[i, j] * u[j], OVER[1]) - v[i]) ** 2, OVER[0]),
                lambda Z, u, v: np.sum((Z @ u - v) ** 2)),
    "logistic": (S(sp.log(1 + sp.exp(-v[i] * S(Z[i, j] * u[j], OVER[1]))), OVER[0]) / n,
                 lambda Z, u, v: np.mean(np.log(1 + np.exp(-v * (Z @ u))))),
    "two letters": (S(u[i] * u[j] * sp.KroneckerDelta(i, j), (i, 0, n - 1), (j, 0, n - 1)),
                    lambda u: np.sum(u**2)),
    "a position": (S(i * u[i] ** 2, (i, 0, n - 1)), lambda u: np.arange(len(u)) @ u**2),
    "a diagonal": (S(Z[i, i] * u[i], (i, 0, n - 1)), lambda Z, u: np.diagonal(Z) @ u),
    "a shift": (S((u[i + 1] - u[i]) ** 2, (i, 0, n - 2)), lambda u: np.sum(np.diff(u) ** 2)),
    "a product": (sp.Product(u[i], (i, 0, n - 1)), lambda u: u[0] * np.prod(u[1:])),
    "counted": (S(u[0] * 2 + S(v[j], (j, 0, n - 1)), (i, 0, n - 1)),
                lambda u, v: len(v) * (2 * u[0] + v.sum())),
    "of both": (S(sp.Max(u[i], v[i]) * sp.Abs(u[i]), (i, 0, n - 1)),
                lambda u, v: np.sum(np.maximum(u, v) * np.abs(u))),
    "a choice": (S(sp.Piecewise((u[i], v[i] > 0), (sp.tanh(u[i]), True)), (i, 0, n - 1)),
                 lambda u, v: np.sum(np.where(v > 0, u, np.tanh(u)))),
}  # fmt: skip


def whole(expr):
    """The bases with their shapes said, where an expression leaves one open."""
    shaped = {Z: sp.IndexedBase("Z", shape=(n, n)), u: sp.IndexedBase("u", shape=(n,))}
    return expr.xreplace(shaped) if expr.has(u[0], u[i + 1]) else expr


@pytest.mark.parametrize("case", SUMS)
def test_sums_are_those_of_numpy(case):
    expr, plain = SUMS[case]
    d = sg.derive(sg.from_sympy(whole(expr), params=["u"]))
    rng = np.random.default_rng(0)
    sizes = {"n": 4, "m": 3}
    at = {}
    for variable in d.system.variables:
        shape = [sizes[str(s)] for s in variable.shape]
        at[variable.name] = rng.normal(size=shape)
    value, found = d.compile().loss_and_gradients(**at)
    assert value == pytest.approx(plain(**at), rel=1e-12)
    along = rng.normal(size=at["u"].shape)
    ahead, behind = (plain(**at | {"u": at["u"] + h * along}) for h in (1e-6, -1e-6))
    assert (ahead - behind) / 2e-6 == pytest.approx(np.sum(found.u * along), rel=1e-6)


@pytest.mark.parametrize("case", ["two letters", "a position"])
def test_letters_are_numbers_where_the_size_is_one(case):
    expr, plain = SUMS[case]
    fixed = whole(expr).subs(n, 4)
    at = np.array([1.0, -2.0, 0.5, 3.0])
    assert sg.derive(sg.from_sympy(fixed, params=["u"])).compile().loss(u=at) == plain(at)


def test_idx_and_its_range():
    row = sp.Idx("row", n)
    found = sg.derive(sg.from_sympy(S(u[row] ** 2, row), params=[u])).gradients["u"]
    assert str(found).startswith("∂L/∂u[i] = 2 u[i]")


# -- arrays ---------------------------------------------------------------------------------------


def test_arrays_of_any_number_of_axes():
    from sympy.tensor.array.expressions import (
        ArrayContraction,
        ArrayDiagonal,
        ArraySymbol,
        ArrayTensorProduct,
        PermuteDims,
    )

    T, M = ArraySymbol("T", (2, 3, 4)), sp.MatrixSymbol("M", 3, 5)
    product = ArrayTensorProduct(T, M)
    turned = PermuteDims(ArrayContraction(product, (1, 3)), [2, 0, 1])
    rng = np.random.default_rng(0)
    at = {"T": rng.normal(size=(2, 3, 4)), "M": rng.normal(size=(3, 5))}
    found = sg.function(sg.from_sympy(turned)).compile().forward(**at)
    np.testing.assert_allclose(found[-1], np.einsum("ijk,jl->lik", *at.values()))
    square = ArrayDiagonal(ArrayTensorProduct(M, M), (0, 2))
    found = sg.function(sg.from_sympy(square)).compile().forward(M=at["M"])
    np.testing.assert_allclose(found[-1], np.einsum("ij,ik->jki", at["M"], at["M"]))


# -- where SymPy's own derivative fails -----------------------------------------------------------


def test_right_where_sympy_itself_answers_zero_or_raises():
    logits = X * x
    loss = -(y.T * logits)[0, 0] + sp.log((ones_row() * logits.applyfunc(sp.exp))[0, 0])
    d = sg.derive(sg.from_sympy(loss, params=[X]))
    at = point(d)
    found = d.compile().gradients(**at).X
    z = at["X"] @ at["x"]
    np.testing.assert_allclose(found, (np.exp(z) / np.exp(z).sum() - at["y"]) @ at["x"].T)


def ones_row():
    return sp.OneMatrix(1, k)


# -- what is refused ------------------------------------------------------------------------------

REFUSED = {
    "a power by a size": (sp.Trace(X**k), "the power k of the matrix X"),
    "a class of its own": (sp.zeta(x[0, 0]), r"SymPy's zeta is not supported: zeta\(x\[0, 0\]\)"),
    "counted from 1": (S(u[i], (i, 1, n)), "how large u is"),
    "a sum to another letter": (S(S(u[j], (j, 0, i)), OVER[0]), "how far j runs depends on i"),
    "a free letter": (u[i], "how large u is"),
    "infinity": (sp.oo * x[0, 0], "Infinity is not supported"),
    "an integral": (sp.Integral(sp.exp(p * sp.Symbol("q")), (p, 0, 1)), "SymPy's Integral"),
    "a complex number": (sp.I * sp.Trace(X), "SymPy's ImaginaryUnit"),
    "an index that is computed": (S(u[i**2], (i, 0, n - 1)), "how large u is"),
    "no value left over": (sp.Piecewise((x[0, 0], x[1, 0] > 0)), "none of its conditions"),
    "two shapes": (S(u[i], (i, 0, n - 1)) + S(u[j], (j, 0, m - 1)), "u is used with the shape"),
    "a function of its own": (sp.LambertW(2) * sp.Symbol("q"), "SymPy's LambertW"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_read_is_named(case):
    expr, said = REFUSED[case]
    with pytest.raises(sg.SpecError, match=said):
        sg.from_sympy(expr)


def test_a_parameter_that_is_not_there():
    with pytest.raises(sg.SpecError, match="there is no W in the expression") as error:
        sg.from_sympy(sp.Trace(X * A), params=["W"])
    assert "there are X, A" in str(error.value)


def test_symbols_keep_what_sympy_knows_of_them():
    s = sp.Symbol("s", positive=True)
    d = sg.derive(sg.from_sympy(sp.log(s) * a.T * b, params=[s]))
    assert [v.assumptions != () for v in d.system.variables if v.name == "s"] == [True]


def test_sizes_come_back_as_they_were():
    assert (
        sg.derive(sg.from_sympy(sp.Trace(A * B), params=[A])).gradients["A"].to_sympy_matrix()
        == B.T
    )
    large = sp.Symbol("N", integer=True, positive=True)
    expr = sp.Trace(sp.MatrixSymbol("M", large, large))
    found = sg.derive(sg.from_sympy(expr, params=["M"])).gradients["M"]
    assert found.to_sympy_matrix(like=expr) == sp.Identity(large)
    assert found.to_sympy_matrix() != sp.Identity(large)


P, Q, Z = (sp.IndexedBase(c, shape=s) for c, s in (("P", (n,)), ("Q", (3,)), ("Z", (n, n))))
row, column = sp.symbols("row column", integer=True)
PAST = [
    sp.Sum(P[row], (row, 0, n)), sp.Product(P[row], (row, 0, n)), sp.Sum(Q[row], (row, 0, 3)),
    sp.Sum(Z[row, column], (row, 0, n), (column, 0, n - 1)), sp.Sum(P[row] ** 2, (row, 1, n + 1)),
    sp.Sum(P[row + 1] * P[row], (row, 0, n - 1)),
]  # fmt: skip


@pytest.mark.parametrize("expr", PAST, ids=str)
def test_a_sum_past_the_end_is_refused(expr):
    with pytest.raises(sg.SpecError, match="reads entries that are not there"):
        sg.from_sympy(expr, params=[])


def test_two_symbols_of_one_name_are_refused():
    expr = sp.Symbol("x", positive=True) * sp.Symbol("x", real=True) ** 2
    with pytest.raises(sg.SpecError, match="two symbols have the name x"):
        sg.from_sympy(expr, params=["x"])
