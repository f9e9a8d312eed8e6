"""Every record of the tables of functions, proved: a new one is tested by being there."""

import warnings
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp

from symgrad.checks.evaluate import evaluate
from symgrad.checks.numbers import Digits, Exact, Floats, numpy_reduction, numpy_value
from symgrad.errors import SpecError
from symgrad.mathematics.calls import parsed
from symgrad.mathematics.indices import Index, entry
from symgrad.mathematics.reductions import (
    LEAVES,
    REDUCTIONS,
    AxisMax,
    AxisMin,
    Constant,
    Leaf,
    LogSum,
    ReductionLeaf,
    maximum,
    minimum,
    trigamma,
)
from symgrad.mathematics.scalars import exponential, sinc_slope
from symgrad.mathematics.sizes import as_size
from symgrad.writing import names as spelling
from symgrad.writing.display import Display
from symgrad.writing.formula import Letter, walk
from symgrad.writing.naming import Names

DIGITS = Digits(50)
CLOSE = 1e-30
X = tuple(sp.Symbol(name, real=True) for name in "xyz")
leaves = pytest.mark.parametrize("leaf", LEAVES.values(), ids=lambda leaf: leaf.cls.__name__)
LAST = (trigamma, sinc_slope)
"""Functions whose derivative is refused: the last of their series."""
differentiable = pytest.mark.parametrize(
    "leaf",
    [leaf for leaf in LEAVES.values() if leaf.cls not in LAST],
    ids=lambda leaf: leaf.cls.__name__,
)
reductions = pytest.mark.parametrize(
    "reduction", REDUCTIONS.values(), ids=lambda reduction: reduction.cls.__name__
)


def points(leaf: Leaf, count: int = 25) -> list[list[Fraction]]:
    """Random points of the domain, none at a kink; a function of truth values gets those."""
    rng = np.random.default_rng(5)
    low, high = zip(*leaf.domain, strict=True)
    drawn = rng.uniform(low, high, size=(count, len(low)))
    if leaf.cls.__name__ == "select":
        drawn[:, 0] = drawn[:, 0] > 0.5
    return [[Fraction(float(v)) for v in row] for row in drawn]


def symbols(leaf: Leaf) -> tuple[sp.Symbol, ...]:
    return X[: len(leaf.domain)]


def many_digits(expr: sp.Expr, row: list[Fraction]) -> mpmath.mpf:
    with DIGITS.precision():
        env = {s.name: DIGITS.array(v) for s, v in zip(X, row, strict=False)}
        return evaluate(expr, env, {}, DIGITS, ())[()]


def by_sympy(expr: sp.Expr, row: list[Fraction]) -> mpmath.mpf:
    """The same by stock SymPy alone."""
    numbers = {s: sp.Float(float(v), 70) for s, v in zip(X, row, strict=False)}
    with DIGITS.precision():
        return mpmath.mpmathify(expr.xreplace(numbers).evalf(50))


def inside(leaf: Leaf) -> list[sp.Rational]:
    """A simple point of the domain."""
    return [sp.Rational(round(low + 3 * high), 4) for low, high in leaf.domain]


def stock(leaf: Leaf) -> sp.Expr | None:
    """The function in stock SymPy: by its definition, or its class where SymPy has it."""
    if leaf.definition is not None:
        return leaf.definition(*symbols(leaf))
    return leaf.cls(*symbols(leaf)) if leaf.cls.__module__.startswith("sympy") else None


def close(one: mpmath.mpf, other: mpmath.mpf, tolerance: float = CLOSE) -> bool:
    with DIGITS.precision():
        return bool(abs(one - other) <= tolerance * max(1, abs(other)))


def quotient(leaf: Leaf, row: list[Fraction], argument: int, side: int = 0) -> mpmath.mpf:
    """The difference quotient of the mpmath function: central, or to one side."""
    with DIGITS.precision():
        h = mpmath.mpf(10) ** (-15 if side == 0 else -25)
        here = [mpmath.mpf(v.numerator) / v.denominator for v in row]
        ends = [(side or 1) * h, 0 * h if side else -h]
        right, left = (
            leaf.mpmath(*(v + end * (k == argument) for k, v in enumerate(here))) for end in ends
        )
        return (right - left) / (ends[0] - ends[1])


def sensitivity(leaf: Leaf, row: list[Fraction]) -> float:
    """How much the value changes with a relative change of its arguments."""
    slopes = (quotient(leaf, row, k) * float(v) for k, v in enumerate(row))
    return 1 + float(sum(map(abs, slopes)))


@leaves
def test_the_three_ways_to_compute_it_agree(leaf):
    expected = stock(leaf)
    for row in points(leaf):
        value = many_digits(leaf.cls(*symbols(leaf)), row)
        assert expected is None or close(value, by_sympy(expected, row))
        found = float(numpy_value(leaf.stable, *(np.float64(float(v)) for v in row)))
        assert found == pytest.approx(float(value), rel=1.6e-15, abs=4e-16 * sensitivity(leaf, row))


@differentiable
def test_the_derivative_is_that_of_the_definition(leaf):
    function = leaf.cls(*symbols(leaf))
    expected = stock(leaf)
    for argument, symbol in enumerate(symbols(leaf)):
        mine = function.diff(symbol)
        theirs = None if expected is None else expected.diff(symbol)
        if theirs is not None and theirs.has(sp.Derivative):  # of ⌊x⌋ SymPy knows none
            theirs = None
        for row in points(leaf):
            slope = many_digits(mine, row)
            assert theirs is None or close(slope, by_sympy(theirs, row))
            if leaf.cls.__name__ != "select" or argument:
                assert close(slope, quotient(leaf, row, argument), 1e-20)


@pytest.mark.parametrize("cls", LAST, ids=lambda cls: cls.__name__)
def test_the_derivative_of_the_last_of_a_series_is_refused(cls):
    with pytest.raises(SpecError, match=cls.__name__):
        cls(X[0]).diff(X[0])


@differentiable
def test_the_chain_rule_goes_through(leaf):
    """The arguments are functions of one variable, in each place."""
    u = X[0]
    inner = [number + (k + 1) * (u - 1) / 7 for k, number in enumerate(inside(leaf))]
    if leaf.cls.__name__ == "select":
        inner[0] = sp.S.One
    mine = leaf.cls(*inner).diff(u)
    arguments = [many_digits(a, [Fraction(1)]) for a in inner]
    partial = sp.Add(
        *(
            leaf.cls(*symbols(leaf)).diff(s) * a.diff(u)
            for s, a in zip(symbols(leaf), inner, strict=True)
        )
    )
    rows = [Fraction(str(mpmath.nstr(a, 60))) for a in arguments]
    assert close(many_digits(mine, [Fraction(1)]), many_digits(partial, rows), 1e-25)


@leaves
def test_at_a_kink_the_slope_is_between_those_of_the_two_sides(leaf):
    for kink in leaf.kinks:
        row = [Fraction(kink)]
        if issubclass(leaf.cls, Constant):
            assert leaf.mpmath(mpmath.mpf(kink)) == float(many_digits(leaf.cls(X[0]), row))
            continue
        left, right = quotient(leaf, row, 0, -1), quotient(leaf, row, 0, +1)
        slope = many_digits(leaf.cls(X[0]).diff(X[0]), row)
        assert left != right
        assert min(left, right) <= slope <= max(left, right)
        assert (
            leaf.convention.endswith(f"= {float(slope):g}")
            or f"= {float(slope):g} " in leaf.convention
        )


@leaves
def test_there_is_no_kink_that_is_not_told(leaf):
    """0 is where functions have them."""
    if len(leaf.domain) > 1 or leaf.domain[0][0] > 0:
        return
    row = [Fraction(0)]
    left, right = quotient(leaf, row, 0, -1), quotient(leaf, row, 0, +1)
    smooth = close(left, right, 1e-10) and abs(left) < 1e10
    assert smooth == (0.0 not in leaf.kinks)


@pytest.mark.parametrize("cls", [maximum, minimum])
def test_where_the_arguments_are_equal_each_has_half_the_slope(cls):
    row = [Fraction(3, 2), Fraction(3, 2)]
    assert "half" in LEAVES[cls].convention
    for argument, symbol in enumerate(X[:2]):
        assert many_digits(cls(*X[:2]).diff(symbol), row) == 0.5
        sides = {float(quotient(LEAVES[cls], row, argument, side)) for side in (-1, 1)}
        assert sides == {0.0, 1.0}


@leaves
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_text_keeps_the_dtype(leaf, dtype):
    rows = np.array([[float(v) for v in row] for row in points(leaf)], dtype=dtype)
    arguments = list(rows.T)
    if leaf.cls.__name__ == "select":
        arguments[0] = arguments[0] > 0
    found = numpy_value(leaf.stable, *arguments)
    if leaf.cls.__name__ == "tie_half":  # of a number and truth values, which code converts
        found = found.astype(dtype)
    assert found.dtype == (bool if leaf.boolean else dtype)
    assert found.shape == rows.shape[:1]


EXTREME = (0.0, 1e-300, -1e-300, 1e-8, -1e-8, 1e4, -1e4, 1e300, -1e300)


@leaves
def test_the_text_is_right_at_the_extremes(leaf):
    """Against mpmath, wherever the true value is a float."""
    if leaf.cls.__name__ == "select":
        return
    grid = np.array(np.meshgrid(*[EXTREME] * len(leaf.domain))).reshape(len(leaf.domain), -1).T
    for row in grid:
        if any(low > 0 and v < 0 for (low, _), v in zip(leaf.domain, row, strict=True)):
            continue
        with DIGITS.precision(), warnings.catch_warnings():
            true = leaf.mpmath(*(mpmath.mpf(float(v)) for v in row))
            if not mpmath.isfinite(true) or abs(true) > 1e308:
                continue
            assert float(numpy_value(leaf.stable, *row)) == pytest.approx(
                float(true), rel=1e-13, abs=1e-307
            )


@leaves
def test_the_record_is_complete(leaf):
    assert LEAVES[leaf.cls] is leaf
    assert 1 <= len(leaf.domain) <= 3
    assert all(name in leaf.stable for name in "xyz"[: len(leaf.domain)])
    arguments = sp.symbols("x y z", real=True)[: len(leaf.domain)]
    shown = Display(Names(spelling.symbols("xyz")), {}).formula(
        leaf.cls(*arguments, evaluate=False)
    )
    assert all(Letter(a.name) in walk(shown) for a in arguments)
    assert leaf.written or leaf.definition
    values = {float(leaf.mpmath(*map(mpmath.mpf, map(float, row)))) for row in points(leaf)}
    assert not leaf.boolean or values <= {0.0, 1.0}


@leaves
def test_exact_numbers_go_through(leaf):
    numbers = inside(leaf)
    found = Exact().apply(leaf, numbers)
    with DIGITS.precision():
        assert close(mpmath.mpmathify(sp.N(found, 50)), leaf.mpmath(*map(DIGITS.number, numbers)))


# -- reductions -----------------------------------------------------------------------------------

D, N = as_size(4), as_size(3)
i, k, n = Index("i", D), Index("k", D), Index("n", N)
ROWS = [[Fraction(v, 8) for v in row] for row in ([3, -9, 21, 5], [0, 1, -2, 7], [9, 8, 7, -30])]
TIES = [[Fraction(v) for v in row] for row in ([2, 2, 1, 2], [0, 0, 0, 0], [1, 3, 3, -1])]


def rows_of(reduction: ReductionLeaf) -> list[list[Fraction]]:
    """Rows of numbers; of a sum that has a logarithm they are positive."""
    return [[abs(v) for v in row] for row in ROWS] if reduction.cls is LogSum else ROWS


def slopes(reduction: ReductionLeaf, rows) -> np.ndarray:
    """The derivative by each entry of each row, through the Kronecker deltas."""
    z = lambda *at: entry("z", at)  # noqa: E731
    partial = reduction.cls(z(n, k), k.limits).diff(z(n, i))
    with DIGITS.precision():
        env = {"z": DIGITS.array(rows)}
        return evaluate(partial, env, {D: 4, N: 3}, DIGITS, (n, i))


@reductions
def test_a_reduction_is_computed_in_three_ways(reduction):
    text = numpy_reduction(reduction.name)
    given = rows_of(reduction)
    found = text(np.array(given, dtype=float), -1)
    for row, number in zip(given, found, strict=True):
        with DIGITS.precision():
            value = reduction.mpmath([mpmath.mpf(v.numerator) / v.denominator for v in row])
        definition = reduction.definition([sp.Rational(v.numerator, v.denominator) for v in row])
        assert close(value, mpmath.mpmathify(definition.evalf(50)), 1e-14)
        with DIGITS.precision():
            assert close(value, mpmath.mpmathify(definition.evalf(50)))
        assert number == pytest.approx(float(value), rel=1e-15)


@reductions
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_text_of_a_reduction_keeps_the_dtype_and_stays_finite(reduction, dtype):
    text = numpy_reduction(reduction.name)
    for scale in (1, 1e4) if reduction.cls is LogSum else (1, -1e4, 1e4):
        found = text(np.array(rows_of(reduction), dtype=dtype) * dtype(scale), -1)
        assert found.dtype == dtype
        assert np.isfinite(found).all()


@reductions
def test_the_derivative_of_a_reduction_is_that_of_its_definition(reduction):
    entries = sp.symbols("z:4", real=True)
    definition = reduction.definition(list(entries))
    found = slopes(reduction, ROWS)
    for row, mine in zip(ROWS, found, strict=True):
        numbers = {
            s: sp.Rational(v.numerator, v.denominator) for s, v in zip(entries, row, strict=True)
        }
        for symbol, slope in zip(entries, mine, strict=True):
            with DIGITS.precision():
                theirs = mpmath.mpmathify(
                    definition.diff(symbol).xreplace(numbers).doit().evalf(50)
                )
            assert close(slope, theirs)


@pytest.mark.parametrize("cls", [AxisMax, AxisMin])
def test_entries_that_share_an_extremum_share_its_slope(cls):
    reduction = REDUCTIONS[cls]
    assert "equally" in reduction.convention
    extremum = max if cls is AxisMax else min
    for row, found in zip(TIES, slopes(reduction, TIES), strict=True):
        shared = [v == extremum(row) for v in row]
        with DIGITS.precision():
            expected = [mpmath.mpf(mine) / sum(shared) for mine in shared]
        assert [close(a, b) for a, b in zip(found, expected, strict=True)] == [True] * 4
        assert close(sum(found), mpmath.mpf(1), 1e-40)


@reductions
def test_a_reduction_over_two_axes_and_of_an_expression(reduction):
    """∂/∂z of the reduction of z² over both axes: at each entry, its weight times 2 z."""
    z = lambda *at: entry("z", at)  # noqa: E731
    j = Index("j", N)
    body = z(j, k) ** 2 + z(j, k)
    total = reduction.cls(body, j.limits, k.limits)
    partial = total.diff(z(n, i))
    with DIGITS.precision():
        at = DIGITS.array(ROWS)
        env, sizes = {"z": at}, {D: 4, N: 3}
        found = evaluate(partial, env, sizes, DIGITS, (n, i))
        h = mpmath.mpf(10) ** -15
        for place in np.ndindex(3, 4):
            unit = np.zeros((3, 4), dtype=int)
            unit[place] = 1
            right, left = (
                evaluate(total, {"z": at + end * unit}, sizes, DIGITS, ())[()] for end in (h, -h)
            )
            assert close(found[place], (right - left) / (2 * h), 1e-20)


def test_floats_use_the_texts():
    leaf = next(iter(LEAVES.values()))
    assert Floats(np.float32).apply(leaf, [np.float32(1)]).dtype == np.float32


@pytest.mark.parametrize("text", ["np.log(x)", "x if y else z", "log(x, base=2)", "x & y", "'x'"])
def test_a_text_is_arithmetic_and_calls_of_functions(text):
    with pytest.raises(ValueError, match="not understood"):
        parsed(text)


def test_an_exponential_of_what_is_longer_than_any_number_is_bounded() -> None:
    """Exactly, exp(exp(1e9)) would need the first 1e9 bits of log 2."""
    huge = exponential(mpmath.mpf(10) ** 9)
    assert mpmath.isfinite(huge)
    assert exponential(huge) == mpmath.inf
    assert exponential(-huge) == 0
    assert exponential(mpmath.mpf(2)) == mpmath.exp(2)
