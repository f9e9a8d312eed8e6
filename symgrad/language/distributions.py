"""Distributions as ``scipy.stats`` has them: logarithms of densities, of values of a spec."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

from symgrad.errors import SpecError, caller
from symgrad.language.array import Array, describe
from symgrad.language.constants import as_array
from symgrad.language.elementwise import elementwise, where
from symgrad.language.linalg import slogdet, solve
from symgrad.language.reductions import sum_

Log = Callable[..., Array]
"""The logarithm of a density at the first argument, for the parameters that follow."""

log, gammaln, xlogy, xlog1py, log1p = (
    functools.partial(elementwise, name) for name in ("log", "gammaln", "xlogy", "xlog1py", "log1p")
)


def _normal(z: Array) -> Array:
    return as_array(-(z**2) / 2 - math.log(2 * math.pi) / 2)


def _half_normal(z: Array) -> Array:
    return where(elementwise("less", z, 0), -math.inf, _normal(z) + math.log(2))


def _logistic(z: Array) -> Array:
    size = elementwise("absolute", z)
    return as_array(-size - 2 * log1p(elementwise("exp", -size)))


def _student(z: Array, df: Any) -> Array:
    half = (df + 1) / 2
    scale = gammaln(half) - gammaln(df / 2) - log(df * math.pi) / 2
    return as_array(scale - half * log1p(z**2 / df))


def _gamma(z: Array, a: Any) -> Array:
    return as_array(xlogy(a - 1, z) - z - gammaln(a))


def _beta(z: Array, a: Any, b: Any) -> Array:
    return as_array(xlogy(a - 1, z) + xlog1py(b - 1, -z) - elementwise("betaln", a, b))


def _lognormal(z: Array, s: Any) -> Array:
    return as_array(_normal(as_array(log(z) / s)) - log(s) - log(z))


def _inverse_gamma(z: Array, a: Any) -> Array:
    return as_array(-(a + 1) * log(z) - gammaln(a) - 1 / z)


STANDARD: Mapping[str, tuple[int, Log]] = {
    "norm": (0, _normal),
    "laplace": (0, lambda z: -elementwise("absolute", z) - math.log(2)),
    "cauchy": (0, lambda z: -math.log(math.pi) - log1p(z**2)),
    "expon": (0, lambda z: where(elementwise("less", z, 0), -math.inf, -z)),
    "logistic": (0, _logistic),
    "t": (1, _student),
    "gamma": (1, _gamma),
    "chi2": (1, lambda z, df: _gamma(z / 2, df / 2) - math.log(2)),
    "beta": (2, _beta),
    "gumbel_r": (0, lambda z: -z - elementwise("exp", -z)),
    "halfnorm": (0, _half_normal),
    "invgamma": (1, _inverse_gamma),
    "lognorm": (1, _lognormal),
    "pareto": (1, lambda z, b: log(b) - (b + 1) * log(z)),
    "weibull_min": (1, lambda z, c: log(c) + xlogy(c - 1, z) - elementwise("power", z, c)),
}  # fmt: skip
"""Densities with a location and a scale: how many parameters stand before these, and log f."""


def _scaled(count: int, standard: Log, x: Any, *args: Any, **named: Any) -> Array:
    """The logarithm of the density of loc + scale z, where z has the standard one."""
    shapes, rest = args[:count], dict(zip(("loc", "scale"), args[count:], strict=False)) | named
    others = {n: v for n, v in rest.items() if n not in ("loc", "scale")}
    z = (as_array(x) - rest.get("loc", 0)) / rest.get("scale", 1)
    value = standard(as_array(z), *map(as_array, shapes), **others)
    return as_array(value - log(rest["scale"])) if "scale" in rest else value


def _poisson(k: Any, mu: Any) -> Array:
    return as_array(xlogy(k, mu) - gammaln(as_array(k) + 1) - mu)


def _bernoulli(k: Any, p: Any) -> Array:
    return as_array(xlogy(k, p) + xlog1py(1 - as_array(k), -as_array(p)))


def _binomial(k: Any, n: Any, p: Any) -> Array:
    k, n = as_array(k), as_array(n)
    ways = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return as_array(ways + xlogy(k, p) + xlog1py(n - k, -as_array(p)))


def _negative_binomial(k: Any, n: Any, p: Any) -> Array:
    k, n = as_array(k), as_array(n)
    ways = gammaln(k + n) - gammaln(k + 1) - gammaln(n)
    return as_array(ways + xlogy(n, p) + xlog1py(k, -as_array(p)))


def _geometric(k: Any, p: Any) -> Array:
    return as_array(xlog1py(as_array(k) - 1, -as_array(p)) + log(p))


def _dirichlet(x: Any, alpha: Any) -> Array:
    a = as_array(alpha)
    return as_array(sum_(xlogy(a - 1, x), -1) + gammaln(sum_(a)) - sum_(gammaln(a)))


def _many(x: Any, mean: Any = 0, cov: Any = None) -> Array:
    """The normal density of vectors; the covariance is a matrix."""
    apart, matrix = as_array(as_array(x) - mean), as_array(1.0 if cov is None else cov)
    if matrix.ndim != 2 or not apart.ndim:
        raise SpecError(
            f"a normal density of {describe(apart)} with a covariance of {describe(matrix)}",
            where=caller(),
            hint="x is a vector, or has vectors as its rows; the covariance is a matrix",
        )
    solved = solve(matrix, apart.T if apart.ndim > 1 else apart)
    distance = sum_(apart * (solved.T if apart.ndim > 1 else solved), -1)
    size = apart.shape[-1]
    return as_array(-(distance + slogdet(matrix).logabsdet + size * math.log(2 * math.pi)) / 2)


def _normal_below(function: str, sign: int, x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    return elementwise(function, sign * ((as_array(x) - loc) / scale))


def _normal_point(sign: int, q: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """Below which the part ``q`` is, or above which."""
    return as_array(as_array(loc) + sign * as_array(scale) * elementwise("ndtri", q))


def _with_exponential(name: str, logarithm: Log) -> dict[str, Log]:
    """The density under its own name, beside its logarithm."""
    density = lambda *args, **named: elementwise("exp", logarithm(*args, **named))  # noqa: E731
    return {f"log{name}": logarithm, name: density}


DISTRIBUTIONS: Mapping[str, Mapping[str, Log]] = {
    **{n: _with_exponential("pdf", functools.partial(_scaled, *of)) for n, of in STANDARD.items()},
    "norm": {
        **_with_exponential("pdf", functools.partial(_scaled, *STANDARD["norm"])),
        "cdf": functools.partial(_normal_below, "ndtr", 1),
        "sf": functools.partial(_normal_below, "ndtr", -1),
        "logcdf": functools.partial(_normal_below, "log_ndtr", 1),
        "logsf": functools.partial(_normal_below, "log_ndtr", -1),
        "ppf": functools.partial(_normal_point, 1),
        "isf": functools.partial(_normal_point, -1),
    },
    "multivariate_normal": _with_exponential("pdf", _many),
    "dirichlet": _with_exponential("pdf", _dirichlet),
    "poisson": _with_exponential("pmf", _poisson),
    "bernoulli": _with_exponential("pmf", _bernoulli),
    "binom": _with_exponential("pmf", _binomial),
    "geom": _with_exponential("pmf", _geometric),
    "nbinom": _with_exponential("pmf", _negative_binomial),
}
"""What a spec file may ask of the distributions of ``scipy.stats``."""
