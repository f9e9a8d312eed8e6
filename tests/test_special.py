"""The functions that NumPy lacks: where their coefficients come from, and how near they come."""

# mypy: allow-untyped-calls

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from itertools import zip_longest
from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.targets.numpy.runtime.special import (
    HELPERS,
    _digamma,
    _erf,
    _erf_near,
    _erfc,
    _erfc_far,
    _gammaln,
)

Function = Callable[[Any], Any]
EPS = 2.0**-52


# -- coefficients -----------------------------------------------------------------------------


def polynomial(f: Function, low: Any, high: Any, count: int) -> list[float]:
    """The powers, highest first, in the first terms of a Chebyshev series, from more points."""
    points = 2 * count
    low, high = mpmath.mpf(low), mpmath.mpf(high)
    angles = [mpmath.pi * (k + mpmath.mpf(1) / 2) / points for k in range(points)]
    values = [f((low + high) / 2 + (high - low) / 2 * mpmath.cos(a)) for a in angles]
    powers = [mpmath.mpf(0)] * count
    before, here = [mpmath.mpf(1)], [mpmath.mpf(0), mpmath.mpf(1)]
    for j in range(count):
        terms = (v * mpmath.cos(j * a) for v, a in zip(values, angles, strict=True))
        scale = (2 - (j == 0)) * mpmath.fsum(terms) / points
        powers = [p + scale * c for p, c in zip_longest(powers, before, fillvalue=0)]
        doubled = [0, *(2 * c for c in here)]
        later = [a - b for a, b in zip_longest(doubled, before, fillvalue=0)]
        before, here = here, later
    return [float(p) for p in reversed(powers)]


def near(square: Any) -> Any:
    """erf(x) / x over x²."""
    return mpmath.erf(mpmath.sqrt(square)) / mpmath.sqrt(square)


def far(t: Any) -> Any:
    """(x + 1) exp(x²) erfc(x) over t = (x - 3) / (x + 3)."""
    x = 3 * (1 + t) / (1 - t)
    return (x + 1) * mpmath.exp(x * x) * mpmath.erfc(x)


def log_gamma(x: Any) -> Any:
    """log Γ(x) / (x - 1) / (x - 2)."""
    return mpmath.loggamma(x) / ((x - 1) * (x - 2))


def ratio(over: str) -> Any:
    """(x - 3) / (x + 3)."""
    with mpmath.workdps(50):
        return (mpmath.mpf(over) - 3) / (mpmath.mpf(over) + 3)


SERIES = {
    _erf_near: (near, 0, 1),
    _erfc_far: (far, ratio("0.5"), ratio("28")),
    _gammaln: (log_gamma, 1, 3),
}


@pytest.mark.parametrize("function", SERIES, ids=lambda f: f.__name__)
def test_coefficients_are_those_of_a_chebyshev_series(function: Function) -> None:
    tree = ast.parse(inspect.getsource(function))
    (written,) = [
        ast.literal_eval(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "series"
    ]
    with mpmath.workdps(60):
        assert list(written) == polynomial(*SERIES[function], len(written))


# -- accuracy ---------------------------------------------------------------------------------


def between(low: float, high: float) -> np.ndarray:
    return np.random.default_rng(8).uniform(low, high, 400)


def sizes(low: float, high: float) -> np.ndarray:
    return np.exp(np.random.default_rng(9).uniform(np.log(low), np.log(high), 400))


def close_to(x: float) -> np.ndarray:
    step = 10.0 ** np.random.default_rng(10).uniform(-15, -1, 200)
    return x + np.concatenate([step, -step])


def real_log_gamma(x: Any) -> Any:
    return mpmath.re(mpmath.loggamma(x))


CASES = [
    (_erf, mpmath.erf, np.concatenate([between(-6, 6), sizes(1e-300, 1), close_to(1.0)])),
    (_erfc, mpmath.erfc, np.concatenate([between(-6, 6), close_to(0.5), close_to(-0.5)])),
    (_erfc, mpmath.erfc, between(6, 26)),
    (_gammaln, real_log_gamma, np.concatenate([sizes(1e-300, 1), between(0, 4), between(3, 30)])),
    (_gammaln, real_log_gamma, np.concatenate([close_to(1.0), close_to(2.0), close_to(3.0)])),
    (_gammaln, real_log_gamma, np.concatenate([close_to(8.0), sizes(8, 1e305)])),
    (_digamma, mpmath.digamma, np.concatenate([sizes(1e-300, 1), between(2, 30), sizes(2, 1e300)])),
]


@pytest.mark.parametrize(
    ("ours", "true", "x"), CASES, ids=[f"{f.__name__}-{k}" for k, (f, _, _) in enumerate(CASES)]
)
def test_they_are_right_to_a_few_units_in_the_last_place(
    ours: Function, true: Function, x: np.ndarray
) -> None:
    found = ours(x)
    with mpmath.workdps(40):
        exact = [true(mpmath.mpf(float(v))) for v in x]
        errors = [abs(mpmath.mpf(float(a)) - b) for a, b in zip(found, exact, strict=True)]
        worst = max(float(e / abs(b)) for e, b in zip(errors, exact, strict=True) if b)
    assert worst <= 4 * EPS
    x = x[(np.abs(x) > 1e-30) & (x < 1e36)]
    single = ours(x.astype(np.float32))
    assert single.dtype == np.float32
    again = ours(x.astype(np.float32).astype(np.float64))
    np.testing.assert_allclose(single, again, rtol=4 * float(np.finfo(np.float32).eps), atol=1e-37)


def test_poles_ends_and_shapes() -> None:
    infinity = np.inf
    ends = np.array([-infinity, infinity, np.nan, 1e300, -1e300, 0.0, 5e-324])
    np.testing.assert_array_equal(_erf(ends), [-1, 1, np.nan, 1, -1, 0, 5e-324])
    np.testing.assert_array_equal(_erfc(ends), [2, 0, np.nan, 0, 2, 1, 1])
    poles = np.array([0.0, -0.0, -1.0, -5.0, -1e18, -infinity, infinity, 1e308, np.nan])
    np.testing.assert_array_equal(_gammaln(poles), [infinity] * 8 + [np.nan])
    assert abs(float(_gammaln(5e-324)) - 744.4400719213812) < 1e-12
    np.testing.assert_array_equal(_gammaln(np.array([1.0, 2.0])), [0, 0])
    for name, function in HELPERS.items():
        if name in ("_erf", "_erfc", "_gammaln", "_digamma", "_trigamma"):
            x = np.full((2, 1, 3), 0.75)
            assert function(x).shape == x.shape
            assert np.ndim(function(0.75)) == 0
    assert _erf(np.array([0, 1])).dtype == np.float64
