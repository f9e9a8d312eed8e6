"""Elementwise functions of NumPy and SciPy: each against itself on numbers, and its derivative."""

import numpy as np
import pytest
import scipy.special as ss

import symgrad as sg
from symgrad.errors import SpecError
from symgrad.language import elementwise
from symgrad.mathematics.reductions import LEAVES

REALS = np.array([-2.3, -0.7, -0.1, 0.4, 1.6])
POSITIVE = np.array([0.2, 0.7, 1.3, 2.2, 3.1])
UNIT = np.array([0.1, 0.3, 0.45, 0.7, 0.95])
INSIDE = np.array([-0.9, -0.3, 0.1, 0.5, 0.8])
OTHER = np.array([0.6, -1.1, 0.9, 1.7, -0.4])
WEIGHTS = np.array([0.3, -1.2, 0.8, 1.9, -0.5])
LABELS = np.array([0, 1, 2, 0, 3])

ON_REALS = [
    np.abs, np.fabs, np.sign, np.cbrt, np.square, np.reciprocal, np.exp, np.exp2, np.expm1, np.sin,
    np.cos, np.tan, np.arctan, np.sinh, np.cosh, np.tanh, np.arcsinh, np.deg2rad, np.rad2deg,
    np.radians, np.degrees, np.negative, np.positive, ss.expit, ss.log_expit, ss.softplus, ss.erf,
    ss.erfc, ss.ndtr, ss.gammaln, ss.digamma,
]  # fmt: skip
ON_POSITIVE = [
    np.sqrt, np.log, np.log2, np.log10, np.log1p, ss.gammaln, ss.digamma, ss.psi, ss.entr,
]  # fmt: skip
UNARY = [
    *((f, REALS) for f in ON_REALS), *((f, POSITIVE) for f in ON_POSITIVE), (ss.logit, UNIT),
    (np.conjugate, REALS), (ss.rgamma, REALS), (ss.ndtri, UNIT), (ss.exp10, REALS),
    (ss.cosm1, REALS),
    (np.arcsin, INSIDE), (np.arccos, INSIDE), (np.arctanh, INSIDE), (np.arccosh, POSITIVE + 1),
]  # fmt: skip
UNARY += [
    (named, np.linspace(*leaf.domain[0], 8)[1:6])
    for leaf in LEAVES.values()
    if leaf.called and len(leaf.domain) == 1
    if (named := getattr(np, leaf.called, None) or getattr(ss, leaf.called))
    not in [f for f, _ in UNARY]
]
"""And every other function of a record, over a part of its domain without its middle."""
BINARY = {
    "maximum": (np.maximum, REALS, OTHER),
    "minimum": (np.minimum, REALS, OTHER),
    "arctan2": (np.arctan2, REALS, OTHER),
    "hypot": (np.hypot, REALS, OTHER),
    "power": (np.power, POSITIVE, OTHER),
    "float_power": (np.float_power, POSITIVE, OTHER),
    "logaddexp": (np.logaddexp, REALS, OTHER),
    "logaddexp2": (np.logaddexp2, REALS, OTHER),
    "heaviside": (np.heaviside, REALS, OTHER),
    "xlogy": (ss.xlogy, REALS, POSITIVE),
    "xlog1py": (ss.xlog1py, REALS, POSITIVE),
    "rel_entr": (ss.rel_entr, UNIT, POSITIVE),
    "kl_div": (ss.kl_div, UNIT, POSITIVE),
    "betaln": (ss.betaln, UNIT, POSITIVE),
    "fmax": (np.fmax, REALS, OTHER),
    "fmin": (np.fmin, REALS, OTHER),
    "copysign": (np.copysign, REALS, OTHER),
    "floor_divide": (lambda x, y: x // y * x, REALS, OTHER + 0.01),
    "remainder": (lambda x, y: x % y, REALS, OTHER + 0.01),
    "fmod": (np.fmod, REALS, OTHER + 0.01),
    "beta": (ss.beta, REALS, OTHER),
    "huber": (ss.huber, POSITIVE, OTHER),
    "pseudo_huber": (ss.pseudo_huber, POSITIVE, OTHER),
    "boxcox": (ss.boxcox, POSITIVE, OTHER),
    "boxcox1p": (ss.boxcox1p, POSITIVE, OTHER),
    "inv_boxcox": (ss.inv_boxcox, UNIT, POSITIVE),
    "boxcox of a log": (lambda x, y: ss.boxcox(x, 0) * y, POSITIVE, OTHER),
    "clip": (lambda x, y: np.clip(x, y - 0.8, y + 1), REALS, OTHER),
    "clip by numbers": (lambda x, y: np.clip(x, -0.5, 0.5) * y, REALS, OTHER),
    "clip from below": (lambda x, y: np.clip(x, -0.5, None) * y, REALS, OTHER),
    "clip from above": (lambda x, y: x.clip(max=0.5) * y, REALS, OTHER),
    "where": (lambda x, y: np.where(x > y, x * y, x - y), REALS, OTHER),
    "where, log": (lambda x, y: np.where(x > 0, np.log(np.where(x > 0, x, 1)), y), REALS, OTHER),
    "select": (
        lambda x, y: np.select([x > 1, x > 0], [x**2, x * y], default=y), REALS, OTHER),
    "select without default": (lambda x, y: np.select([x > y], [x * y]), REALS, OTHER),
    "conditions as numbers": (lambda x, y: (x > 0) * x + (y <= 0) * y - (x == y), REALS, OTHER),
    "true and true": (lambda x, y: ((x > 0) + (y > 0)) * x + ((x > 0) * (y > 0)) * y, REALS, OTHER),
    "or": (lambda x, y: np.where((x > 0) | (y > 0), x, y), REALS, OTHER),
    "and, not": (lambda x, y: np.where((x > 0) & ~(y > 0), x, y), REALS, OTHER),
    "xor": (lambda x, y: np.where((x > 0) ^ (y > 0), x, y), REALS, OTHER),
    "logical functions": (
        lambda x, y: np.where(
            np.logical_xor(
                x > 0, np.logical_not(np.logical_or(y > 0, np.logical_and(x < 1, y < 1)))),
            x, y), REALS, OTHER),
    "truth of numbers": (
        lambda x, y: np.logical_and(x, y) * x + np.logical_not(np.maximum(x, 0)) * y, REALS, OTHER),
    "comparisons": (
        lambda x, y: (x < y) * 1.0 + (x <= y) * 2.0 + (x >= y) * x + (x != y) * y, REALS, OTHER),
    "a condition and True": (lambda x, y: np.where((x > y) & True, x, y), REALS, OTHER),
    "the larger of two conditions": (lambda x, y: np.maximum(x > 0, y > 0) * x, REALS, OTHER),
    "a power of a number": (lambda x, y: 2.0**x + 0.5**y, REALS, OTHER),
    "powers": (lambda x, y: x**2 + y**3 + x**-1 + (x * x) ** 0.5 + (y * y) ** 1.5, REALS, OTHER),
    "a power of e": (lambda x, y: np.e**x * y, REALS, OTHER),
    "an angle": (
        lambda x, y: np.sin(np.pi * x) * np.cos(y + np.pi / 2) + np.tan(x / np.pi), REALS, OTHER),
    "inverse functions": (
        lambda x, y: np.sin(np.arcsin(x)) + np.arctan(np.tan(y)) + np.tanh(np.arctanh(x)),
        INSIDE, UNIT),
    "one undone by the other": (
        lambda x, y: np.cosh(np.arcsinh(x)) + np.sinh(np.arccosh(y)), REALS, POSITIVE + 1),
}  # fmt: skip


def gradients_by_differences(f, x, y):
    """Of the weighted sum of the entries; accurate to ten digits or so."""
    h = 1e-4
    shifts = ((8, h), (-8, -h), (-1, 2 * h), (1, -2 * h))
    by_x = sum(c * f(x + s, y) for c, s in shifts) / (12 * h)
    by_y = sum(c * f(x, y + s) for c, s in shifts) / (12 * h)
    return WEIGHTS * by_x, WEIGHTS * by_y


def check(f, x, y):
    """Value and gradients of the generated code against the function itself."""
    u, v, w = sg.param("u", (5,)), sg.param("v", (5,)), sg.data("w", (5,))
    loss = np.sum(w * f(u, v))
    derivation = sg.derive(loss, names={"loss": loss})
    value, g = derivation.compile().loss_and_gradients(u=x, v=y, w=WEIGHTS)
    np.testing.assert_allclose(value, np.sum(WEIGHTS * f(x, y)), rtol=1e-14)
    by_u, by_v = gradients_by_differences(f, x, y)
    np.testing.assert_allclose(g.u, by_u, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(g.v, by_v, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize(("f", "x"), UNARY, ids=lambda v: getattr(v, "__name__", ""))
def test_functions_of_one_number(f, x):
    check(lambda u, v: f(u) * v, x, OTHER)


@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two_numbers(name):
    check(*BINARY[name])


NAMED = {
    sg.language.elementwise.sigmoid: ss.expit,
    sg.language.elementwise.log_sigmoid: ss.log_expit,
    sg.language.elementwise.softplus: ss.softplus,
    sg.language.elementwise.relu: lambda x: np.maximum(x, 0),
}


@pytest.mark.parametrize("f", NAMED, ids=lambda f: f.__name__)
def test_functions_of_the_library_itself(f):
    check(lambda u, v: (NAMED[f] if isinstance(u, np.ndarray) else f)(u) * v, REALS, OTHER)


def gradient_at(f, at):
    u = sg.param("u", (len(at),))
    loss = np.sum(f(u))
    module = sg.derive(loss, names={"loss": loss}).compile()
    return module.loss_and_gradients(u=np.array(at))[1].u


AT_KINKS = {
    "relu": (lambda u: np.maximum(u, 0), [0.0], [0.0]),
    "relu, arguments in order": (lambda u: np.maximum(0, u), [0.0], [0.0]),
    "maximum": (lambda u: np.maximum(u, 1), [1.0], [0.0]),
    "minimum": (lambda u: np.minimum(u, 1), [1.0], [0.0]),
    "maximum of two": (lambda u: np.maximum(u, u[::-1]), [1.0, 1.0], [1.0, 1.0]),
    "maximum with an array": (lambda u: np.maximum(u, np.array([1, 2])), [1.0, 1.0], [0.5, 0.0]),
    "absolute value": (np.abs, [0.0], [0.0]),
    "clip": (lambda u: np.clip(u, -1, 1), [-1.0, 0.0, 1.0, 2.0], [0.0, 1.0, 0.0, 0.0]),
    "hypot": (lambda u: np.hypot(u, 0 * u), [0.0, -2.0], [0.0, -1.0]),
    "square": (np.square, [0.0], [0.0]),
    "first power": (lambda u: u**1, [0.0], [1.0]),
    "zeroth power": (lambda u: u**0, [0.0], [0.0]),
    "powers by an array": (
        lambda u: u ** np.array([0, 1, 2, 3]), [0.0, 0.0, 0.0, -1.0], [0.0, 1.0, 0.0, 3.0]),
    "a table of powers": (lambda u: u[:, None] ** np.arange(4), [0.0, 2.0], [1.0, 17.0]),
    "x^1.5": (lambda u: u**1.5, [0.0], [0.0]),
    "xlogy": (lambda u: ss.xlogy(np.array([0.0, 1.0]), u), [0.0, 2.0], [0.0, 0.5]),
    "xlog1py": (lambda u: ss.xlog1py(np.array([0.0, 1.0]), u), [-1.0, 1.0], [0.0, 0.5]),
}  # fmt: skip


@pytest.mark.parametrize("name", AT_KINKS)
def test_derivatives_at_kinks_and_at_zero(name):
    f, at, expected = AT_KINKS[name]
    np.testing.assert_allclose(gradient_at(f, at), expected, rtol=1e-15)


def test_integers_are_exponents_and_factors():
    check_labels = lambda u, k: u**k * (k + 1) - np.power(u, 2 * k)  # noqa: E731
    u, k = sg.param("u", (5,)), sg.data("k", (5,), dtype=int)
    loss = np.sum(check_labels(u, k))
    value, g = sg.derive(loss, names={"loss": loss}).compile().loss_and_gradients(u=REALS, k=LABELS)
    np.testing.assert_allclose(value, check_labels(REALS, LABELS).sum(), rtol=1e-13)
    expected = LABELS * (LABELS + 1) * REALS ** (LABELS - 1.0)
    expected -= 2 * LABELS * REALS ** (2 * LABELS - 1.0)
    np.testing.assert_allclose(g.u, expected, rtol=1e-13)


def test_a_plain_function_of_numpy_is_a_leaf_like_any_other():
    assert not isinstance(np.sinc, np.ufunc)
    np.testing.assert_array_equal(gradient_at(np.sinc, [0.0, -0.0]), [0.0, 0.0])
    found = gradient_at(np.sinc, [1e-9, 0.19999, 0.2, 2.0, 1e6])
    expected = [-(np.pi**2) / 3e9, -0.632332353935841583, -0.632361447068458078, 0.5, 1e-6]
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_second_derivatives_of_sinc_are_refused():
    u = sg.param("u", (2,))
    with pytest.raises(SpecError, match="the derivative of sinc_slope is not supported"):
        sg.hessian(np.sum(np.sinc(u)), "u")


REFUSED = {
    "nextafter": lambda u, k: np.nextafter(u, 1),
    "spacing": lambda u, k: np.spacing(u),
    "ldexp": np.ldexp,
    "subtract": lambda u, k: (u > 0) - (u < 0),
    "negative": lambda u, k: -(u > 0),
    "bitwise_and": lambda u, k: u & 1,
    "reciprocal": lambda u, k: u * np.reciprocal(k),
    "where": lambda u, k: np.where(u, 1, 0),
    "select": lambda u, k: np.select([u > 0], [u, k]),
    "loggamma": lambda u, k: ss.loggamma(u),
    "jv": lambda u, k: ss.jv(1, u),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_supported_is_named(name):
    u, k = sg.param("u", (5,)), sg.data("k", (5,), dtype=int)
    with pytest.raises(SpecError, match=name):
        REFUSED[name](u, k)


def test_every_function_of_the_table_is_tested():
    tested = {f.__name__ for f, _ in UNARY} | {
        getattr(f, "__name__", "") for f, _, _ in BINARY.values()
    }
    tested |= BINARY.keys()
    operators = {"add", "subtract", "multiply", "divide", *elementwise.BOOLEAN}
    assert set(elementwise.ELEMENTWISE) <= tested | operators
