"""Numbers stay finite however a loss is typed: against autograd, and against mpmath far out."""

import functools

import autograd
import autograd.numpy as anp
import mpmath
import numpy as np
import pytest
import scipy.special as ss
import sympy as sp

import symgrad as sg
from symgrad.calculus.derivation import forward_and_adjoints
from symgrad.calculus.stability import REWRITES
from symgrad.checks.evaluate import evaluate
from symgrad.checks.numbers import Digits, numpy_reduction, numpy_value
from symgrad.checks.stepwise import evaluate_equations
from symgrad.language.tracing import trace
from symgrad.mathematics.assumptions import drawn
from symgrad.mathematics.indices import Index, entries, entry, name_of
from symgrad.mathematics.reductions import LEAVES, LogSumExp

SIGNS = np.array([[1, -1, 1, -1], [-1, -1, 1, 1], [1, 1, -1, 1]])
Z = np.array([[0.3, -1.2, 2.1, 0.4], [-0.7, -2.2, 0.9, 1.3], [1.1, 0.2, -0.6, 0.8]])
Y = np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
T = np.array([[0.1, 0.9, 0.5, 0.2], [0.3, 0.6, 0.4, 0.8], [0.7, 0.2, 0.1, 0.5]])


# -- the laws ---------------------------------------------------------------------------------


@pytest.mark.parametrize("rewrite", REWRITES, ids=lambda r: r.name)
def test_both_sides_of_a_law_are_equal(rewrite):
    before, after = rewrite.law()
    field = Digits(40)
    rng = np.random.default_rng(1)
    (size,) = {i.size for i in before.atoms(Index)}
    free = sorted((before.free_symbols | after.free_symbols) & before.atoms(Index), key=str)
    with field.precision():
        env = {n: field.array(rng.uniform(-2, 2, 3)) for n in "xy"}
        env |= {n: field.array(drawn([a], (3,), rng, (-2, 2))) for n, a in rewrite.given.items()}
        one, other = (evaluate(e, env, {size: 3}, field, free) for e in rewrite.law())
        for a, b in zip(np.ravel(one), np.ravel(other), strict=True):
            assert abs(a - b) <= 1e-35 * max(1, abs(a))
    assert before != after


# -- spellings --------------------------------------------------------------------------------


def softmax(np, z):
    return np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)


def shifted_softmax(np, z):
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)


def sigmoid(np, z):
    return 1 / (1 + np.exp(-z))


def cross_entropy(np, p):
    return -np.sum(Y * np.log(p))


def binary_cross_entropy(np, s):
    return -np.mean(T * np.log(s) + (1 - T) * np.log(1 - s))


SPELLINGS = {
    # softmax
    "softmax": lambda np, z: np.sum(T * softmax(np, z)),
    "softmax, shifted": lambda np, z: np.sum(T * shifted_softmax(np, z)),
    "softmax by a power": lambda np, z: np.sum(
        T * np.exp(z) * np.sum(np.exp(z), axis=1)[:, None] ** -1),
    "softmax as one over a sum": lambda np, z: np.sum(
        T / np.sum(np.exp(z[:, None, :] - z[:, :, None]), axis=2)),
    "softmax of the negative": lambda np, z: np.sum(T * softmax(np, -2 * z)),
    "softmax with a temperature": lambda np, z: np.sum(T * softmax(np, z / 0.5)),
    "softmax down the columns": lambda np, z: np.sum(T * softmax(np, z.T).T),
    "softmax of everything": lambda np, z: np.sum(T * (np.exp(z) / np.sum(np.exp(z)))),
    "weighted by a softmax": lambda np, z: np.sum(
        (np.sum(np.exp(z) * T, axis=1) / np.sum(np.exp(z), axis=1)) ** 2),
    "a mean under a softmax": lambda np, z: np.sum(
        np.sum(np.exp(z) * z, axis=1) / np.sum(np.exp(z), axis=1)),
    "cross-entropy": lambda np, z: cross_entropy(np, softmax(np, z)),
    "cross-entropy, shifted": lambda np, z: cross_entropy(np, shifted_softmax(np, z)),
    "cross-entropy by logarithms": lambda np, z: -np.sum(
        Y * (z - np.log(np.sum(np.exp(z), axis=1, keepdims=True)))),
    "cross-entropy by logarithms, shifted": lambda np, z: -np.mean(np.sum(Y * (
        z - np.max(z, axis=1, keepdims=True) - np.log(np.sum(np.exp(
            z - np.max(z, axis=1, keepdims=True)), axis=1, keepdims=True))), axis=1)),
    "cross-entropy of the chosen": lambda np, z: -np.mean(
        np.log(softmax(np, z)[np.arange(3), np.array([1, 0, 3])])),
    "cross-entropy as a sum of differences": lambda np, z: np.sum(
        Y * np.log(np.sum(np.exp(z[:, None, :] - z[:, :, None]), axis=2))),
    "cross-entropy with soft targets": lambda np, z: -np.sum(
        (0.9 * Y + 0.1 / 4) * np.log(shifted_softmax(np, z))),
    "entropy": lambda np, z: -np.sum(softmax(np, z) * np.log(softmax(np, z))),
    "relative entropy": lambda np, z: np.sum(softmax(np, z) * np.log(softmax(np, z) / T)),
    "focal": lambda np, z: -np.sum(Y * (1 - softmax(np, z)) ** 2 * np.log(softmax(np, z))),
    # log-sum-exp
    "log-sum-exp": lambda np, z: np.sum(np.log(np.sum(np.exp(z), axis=1))),
    "log-sum-exp, shifted": lambda np, z: np.sum(
        np.max(z, axis=1) + np.log(np.sum(np.exp(z - np.max(z, axis=1)[:, None]), axis=1))),
    "log-mean-exp": lambda np, z: np.sum(np.log(np.mean(np.exp(z), axis=1))),
    "soft minimum": lambda np, z: -np.sum(np.log(np.sum(np.exp(-3 * z), axis=1))) / 3,
    "log of a sum of products": lambda np, z: np.sum(np.log(np.sum(np.exp(z) * np.exp(T), axis=1))),
    "log of two exponentials": lambda np, z: np.sum(np.log(np.exp(z) + np.exp(-T * z))),
    "log of three exponentials": lambda np, z: np.sum(np.log(np.exp(z) + np.exp(-z) + 2)),
    "log of one and a sum": lambda np, z: np.sum(np.log(1 + np.sum(np.exp(z), axis=1))),
    "log1p of a sum": lambda np, z: np.sum(np.log1p(np.sum(np.exp(z), axis=1))),
    "contrast": lambda np, z: -np.sum(
        np.log(np.exp(np.sum(Y * z, axis=1)) / (
            np.exp(np.sum(Y * z, axis=1)) + np.sum(np.exp(SIGNS * z), axis=1)))),
    "log of a Gaussian": lambda np, z: np.sum(
        np.log(np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi * T))),
    "log of a product of exponentials": lambda np, z: np.sum(
        np.log(T * np.exp(z) * np.exp(-(z**2)))),
    "mixture": lambda np, z: -np.sum(np.log(np.sum(
        softmax(np, T) * np.exp(-0.5 * z**2 / T) / np.sqrt(2 * np.pi * T), axis=1))),
    # sigmoid
    "sigmoid": lambda np, z: np.sum(T * sigmoid(np, z)),
    "sigmoid by the other quotient": lambda np, z: np.sum(T * (np.exp(z) / (1 + np.exp(z)))),
    "sigmoid in reverse order": lambda np, z: np.sum(T / (np.exp(-z) + 1.0)),
    "sigmoid of a scaled sum": lambda np, z: np.sum(1 / (1 + np.exp(-(3 * z + T)))),
    "one minus a sigmoid": lambda np, z: np.sum(T * (1 - sigmoid(np, z))),
    "sigmoid of softplus": lambda np, z: np.sum(T * np.exp(-np.logaddexp(0, -z))),
    "slope of a sigmoid": lambda np, z: np.sum(T * np.exp(-z) / (1 + np.exp(-z)) ** 2),
    "a sigmoid squared": lambda np, z: np.sum(T / (1 + np.exp(-z)) ** 2),
    "sigmoid by cases": lambda np, z: np.sum(T * np.where(
        z >= 0, 1 / (1 + np.exp(-z)), np.exp(z) / (1 + np.exp(z)))),
    "swish": lambda np, z: np.sum(z * T / (1 + np.exp(-z))),
    "quotient of three": lambda np, z: np.sum(np.exp(T * z) / (np.exp(z) + np.exp(-z) + 1)),
    "two to one": lambda np, z: np.sum(np.exp(z) / (np.exp(z) + 2 * np.exp(T))),
    "hyperbolic secant": lambda np, z: np.sum(T * 2 / (np.exp(z) + np.exp(-z))),
    "binary cross-entropy": lambda np, z: binary_cross_entropy(np, sigmoid(np, z)),
    "binary cross-entropy, other quotient": lambda np, z: binary_cross_entropy(
        np, np.exp(z) / (1 + np.exp(z))),
    "binary cross-entropy by tanh": lambda np, z: binary_cross_entropy(
        np, 0.5 * (1 + np.tanh(z / 2))),
    "binary cross-entropy with 0 and 1": lambda np, z: -np.sum(
        Y * np.log(sigmoid(np, z)) + (1 - Y) * np.log(1 - sigmoid(np, z))),
    "binary cross-entropy by log1p": lambda np, z: -np.mean(
        T * np.log(sigmoid(np, z)) + (1 - T) * np.log1p(-sigmoid(np, z))),
    "binary cross-entropy with logits": lambda np, z: np.mean(
        np.maximum(z, 0) - z * T + np.log(1 + np.exp(-np.abs(z)))),
    "binary cross-entropy with logits, log1p": lambda np, z: np.mean(
        np.maximum(z, 0) - z * T + np.log1p(np.exp(-np.abs(z)))),
    "binary cross-entropy by softplus": lambda np, z: np.mean(np.log(1 + np.exp(z)) - T * z),
    "binary focal": lambda np, z: -np.sum(
        T * (1 - sigmoid(np, z)) ** 2 * np.log(sigmoid(np, z))
        + (1 - T) * sigmoid(np, z) ** 2 * np.log(1 - sigmoid(np, z))),
    # softplus
    "softplus": lambda np, z: np.sum(T * np.log(1 + np.exp(z))),
    "softplus by log1p": lambda np, z: np.sum(T * np.log1p(np.exp(z))),
    "softplus by logaddexp": lambda np, z: np.sum(T * np.logaddexp(0, z)),
    "logistic loss": lambda np, z: np.mean(np.log(1 + np.exp(-SIGNS * z))),
    "scaled softplus": lambda np, z: np.sum(np.log(1 + np.exp(3 * z)) / 3),
    "log-sigmoid": lambda np, z: np.sum(T * np.log(sigmoid(np, z))),
    "log-sigmoid of the negative": lambda np, z: np.sum(T * np.log(1 / (1 + np.exp(z)))),
    "mish": lambda np, z: np.sum(T * z * np.tanh(np.log(1 + np.exp(z)))),
    "log cosh": lambda np, z: np.sum(np.log((np.exp(z) + np.exp(-z)) / 2)),
    # tanh
    "tanh": lambda np, z: np.sum(T * (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))),
    "tanh in other order": lambda np, z: np.sum(
        T * (-np.exp(-z) + np.exp(z)) / (np.exp(-z) + np.exp(z))),
    "negative tanh": lambda np, z: np.sum(T * (1 - np.exp(2 * z)) / (np.exp(2 * z) + 1)),
    "tanh by squares": lambda np, z: np.sum(T * (np.exp(2 * z) - 1) / (np.exp(2 * z) + 1)),
    "tanh by a sigmoid": lambda np, z: np.sum(T * (2 / (1 + np.exp(-2 * z)) - 1)),
    "tanh by sinh": lambda np, z: np.sum(T * np.sinh(z) / np.cosh(z)),
    # expm1, log1p
    "elu": lambda np, z: np.sum(T * np.where(z > 0, z, 0.7 * (np.exp(np.minimum(z, 0)) - 1))),
    "log of one plus a square": lambda np, z: np.sum(np.log(1 + z**2 / 3)),
}  # fmt: skip


@functools.cache
def derived(name):
    """The derivation of a spelling, its system as typed, and its generated function."""
    output = SPELLINGS[name](np, sg.param("z", (3, 4)))
    derivation = sg.derive(output, names={"loss": output})
    return derivation, trace(output, {"loss": output}), derivation.compile().loss_and_gradients


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", SPELLINGS)
def test_spellings_are_right(name):
    _, _, run = derived(name)
    value, g = run(z=Z)
    loss = lambda z: SPELLINGS[name](anp, z)  # noqa: E731
    np.testing.assert_allclose(value, loss(Z), rtol=1e-13)
    np.testing.assert_allclose(g.z, autograd.grad(loss)(Z), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("name", SPELLINGS)
def test_spellings_stay_finite(name):
    """Value and gradient at large arguments against the equations as typed, in many digits."""
    derivation, written, run = derived(name)
    z = Z * 100
    value, g = run(z=z)
    true = by_mpmath(written.equations, written, z)["loss"]
    slope = by_mpmath(forward_and_adjoints(derivation), derivation.system, z)["dz"]
    np.testing.assert_allclose(value, float(true[()]), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(g.z, slope.astype(float), rtol=1e-11, atol=1e-15)
    for size in (1e4, -1e4, 1e100, -1e100):
        value, g = run(z=Z * size)
        assert np.isfinite(value)
        assert np.isfinite(g.z).all()


def by_mpmath(equations, system, z, digits=500, name="z"):
    """The values of equations, in so many digits that nothing is lost."""
    field = Digits(digits)
    sizes = {s: int(s.name) for v in system.variables for s in v.shape if s != 1}
    constants = {v.name: v.values for v in system.variables if v.role == "constant"}
    with field.precision():
        env = {n: field.array(v) if v.dtype.kind == "f" else v for n, v in constants.items()}
        return evaluate_equations(equations, env | {name: field.array(z)}, sizes, field)


# -- what becomes of them ---------------------------------------------------------------------


def z_and_t():
    return sg.param("z", ("N", 4)), sg.data("t", ("N", 4))


def equations(loss, **names):
    return {e.name: e.rhs for e in sg.derive(loss, names={**names, "loss": loss}).system}


def functions(expr):
    return {type(a).__name__ for a in expr.atoms(sp.Function, LogSumExp)}


def binary(loss):
    """What is left of a loss of z and t, where s is the probability of 1."""
    z, t = z_and_t()
    s = loss(z)
    output = -np.sum(t * np.log(s) + (1 - t) * np.log(1 - s))
    return sg.derive(output, names={"s": s, "loss": output})


PROBABILITIES = {
    "1 / (1 + exp(-z))": lambda z: 1 / (1 + np.exp(-z)),
    "exp(z) / (1 + exp(z))": lambda z: np.exp(z) / (1 + np.exp(z)),
    "expit": ss.expit,
    "0.5 (1 + tanh)": lambda z: 0.5 * (1 + np.tanh(0.5 * z)),
    "0.5 tanh + 0.5": lambda z: np.tanh(z / 2) / 2 + 0.5,
    "exp(-softplus)": lambda z: np.exp(-np.logaddexp(0, -z)),
    "exp(log_expit)": lambda z: np.exp(ss.log_expit(z)),
    "by cases": lambda z: np.where(z < 0, np.exp(z) / (1 + np.exp(z)), 1 / (1 + np.exp(-z))),
    "1 - s(-z)": lambda z: 1 - 1 / (1 + np.exp(z)),
}


@pytest.mark.parametrize("name", PROBABILITIES)
def test_binary_cross_entropy_is_a_softplus_and_its_gradient_p_minus_y(name):
    derivation = binary(PROBABILITIES[name])
    rhs = {e.name: e.rhs for e in derivation.system}
    assert functions(rhs["loss"]) == {"softplus"}
    assert functions(rhs["s"]) <= {"sigmoid", "tanh"}
    gradient = derivation.adjoint("z").equation.rhs
    s, t = (entry(n, derivation.adjoint("z").equation.indices) for n in "st")
    assert gradient == s - t or "tanh" in name


def test_helpers_of_helpers_are_seen_through():
    z, t = z_and_t()
    top = np.max(z, axis=1, keepdims=True)
    shifted = z - top
    e = np.exp(shifted)
    total = np.sum(e, axis=1, keepdims=True)
    p = e / total
    log_p = np.log(p)
    loss = -np.mean(np.sum(t * log_p, axis=1))
    names = {"top": top, "shifted": shifted, "e": e, "total": total, "p": p, "log_p": log_p}
    rhs = equations(loss, **names)
    assert functions(rhs["log_p"]) == {"LogSumExp"}
    assert functions(rhs["p"]) == {"exp", "LogSumExp"}


def test_a_maximum_that_is_held_constant_is_a_shift_too():
    z, t = z_and_t()
    top = sg.stop_gradient(np.max(z, axis=1, keepdims=True))
    log_p = z - top - np.log(np.sum(np.exp(z - top), axis=1, keepdims=True))
    loss = -np.sum(t * log_p)
    rhs = equations(loss, top=top, log_p=log_p)
    assert "top" not in set(map(name_of, entries(rhs["log_p"])))


AS_TYPED = {
    "a small number in the logarithm": lambda z, t: np.log(softmax(np, z) + 1e-12),
    "a clipped probability": lambda z, t: np.log(np.clip(softmax(np, z), 1e-7, 1 - 1e-7)),
    "a small number below": lambda z, t: t / (np.exp(-np.abs(z)) + 1e-9),
    "the derivative of a probability": lambda z, t: softmax(np, z) - 1,
    "a square root that is not of squares": lambda z, t: np.sqrt(np.abs(z) + t),
    "a norm with a small number": lambda z, t: np.sqrt(np.sum(z**2, axis=1, keepdims=True) + 1e-5),
    "another difference of means": lambda z, t: np.mean(z**2) - np.mean(t) ** 2 + 0 * z,
    "another multiple": lambda z, t: np.mean(z**2) - 2 * np.mean(z) ** 2 + 0 * z,
    "another axis": lambda z, t: np.mean(z**2, axis=1, keepdims=True) - np.mean(z, axis=0) ** 2,
    "a difference that is no tanh": lambda z, t: (np.exp(z) - np.exp(t)) * (np.exp(z) + np.exp(t)),
}  # fmt: skip


@pytest.mark.parametrize("name", AS_TYPED)
def test_what_is_something_else_stays_as_typed(name):
    z, t = z_and_t()
    value = AS_TYPED[name](z, t)
    derivation = sg.derive(np.sum(value), names={})
    changes = {step.rule for _, step in derivation.forward_steps}
    assert changes <= {"softmax"}


DEVIATIONS = {
    "mean of squares": lambda x: np.mean(x**2) - np.mean(x) ** 2,
    "the other order": lambda x: -np.mean(x) * np.mean(x) + np.mean(x * x),
    "sums": lambda x: np.sum(
        np.sum(x**2, axis=0) / x.shape[0] - (np.sum(x, axis=0) / x.shape[0]) ** 2),
    "divided by less": lambda x: np.sum(
        (np.sum(x**2, axis=0) - np.sum(x, axis=0) ** 2 / x.shape[0]) / (x.shape[0] - 1)),
    "divided by less, by the mean": lambda x: np.sum(
        (np.sum(x**2, axis=0) - x.shape[0] * np.mean(x, axis=0) ** 2) / (x.shape[0] - 1)),
    "along an axis": lambda x: np.sum(np.mean(x**2, axis=0) - np.mean(x, axis=0) ** 2),
    "kept dims": lambda x: np.sum(
        np.mean(x**2, axis=1, keepdims=True) - np.mean(x, axis=1, keepdims=True) ** 2),
    "deviation": lambda x: np.sum(np.sqrt(np.mean(x**2, axis=0) - np.mean(x, axis=0) ** 2)),
    "in a longer sum": lambda x: np.sum(
        np.log(1e-3 + np.mean(x**2, axis=0) - np.mean(x, axis=0) ** 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", DEVIATIONS)
def test_a_variance_as_a_difference_keeps_its_digits(name):
    x = sg.param("x", ("N", 4))
    loss = DEVIATIONS[name](x)
    derivation = sg.derive(loss, names={"loss": loss})
    assert "variance" in {step.rule for _, step in derivation.forward_steps}
    run = derivation.compile().loss_and_gradients
    near = np.round(Z * 2**10) / 2**10  # so that adding 1e6 loses nothing
    (value, g), (value_here, g_here) = run(x=near + 1e6), run(x=near)
    np.testing.assert_allclose(value_here, DEVIATIONS[name](near), rtol=1e-13)
    np.testing.assert_allclose(value, value_here, rtol=1e-8)
    np.testing.assert_allclose(g.x, g_here.x, rtol=1e-8, atol=1e-9)


NORMS = {
    "of everything": lambda x: np.sqrt(np.sum(x**2)),
    "by a power": lambda x: (x * x).sum() ** 0.5,
    "of rows": lambda x: np.sum(np.sqrt(np.sum(x**2, axis=1))),
    "of rows, weighted": lambda x: np.sum(np.sqrt(np.sum(3 * x**2 + (2 * x) ** 2, axis=1) / 5)),
    "linalg.norm": np.linalg.norm,
    "linalg.norm of rows": lambda x: np.sum(np.linalg.norm(x, axis=1)),
    "a product with itself": lambda x: np.sqrt(x[0] @ x[0]),
    "trace": lambda x: np.sqrt(np.trace(x.T @ x)),
    "deviation": lambda x: np.sum(np.std(x, axis=1)),
    "hypot": lambda x: np.sum(np.hypot(x[0], x[1])),
    "two squares": lambda x: np.sum(np.sqrt(x[0] ** 2 + x[1] ** 2)),
    "absolute value": lambda x: np.sum(np.sqrt(x**2)),
}


@pytest.mark.parametrize("name", NORMS)
def test_the_derivative_of_a_norm_is_0_at_0(name):
    x = sg.param("x", (3, 4))
    loss = NORMS[name](x)
    run = sg.derive(loss, names={"loss": loss}).compile().loss_and_gradients
    value, g = run(x=np.zeros((3, 4)))
    assert value == 0
    np.testing.assert_array_equal(g.x, 0)
    np.testing.assert_allclose(run(x=Z)[0], NORMS[name](Z), rtol=1e-15)


DETERMINANTS = {
    "at once": lambda np, A: np.log(np.abs(np.linalg.det(A))),
    "half": lambda np, A: 0.5 * np.log(np.abs(np.linalg.det(A))),
    "of many": lambda np, A: np.sum(np.log(np.abs(np.linalg.det(A * np.ones((2, 1, 1)))))),
}


@pytest.mark.parametrize("name", DETERMINANTS)
def test_the_logarithm_of_a_determinant_is_read_as_one_function(name):
    A = sg.param("A", (4, 4))
    loss = DETERMINANTS[name](np, A)
    derivation = sg.derive(loss, names={"loss": loss})
    assert "log-determinant" in {step.rule for _, step in derivation.forward_steps}
    run = derivation.compile().loss_and_gradients
    at = np.random.default_rng(5).normal(size=(4, 4))
    at[0] *= -1 if np.linalg.det(at) > 0 else 1
    value, g = run(A=at)
    np.testing.assert_allclose(value, DETERMINANTS[name](np, at), rtol=1e-12)
    expected = autograd.grad(lambda A: DETERMINANTS[name](anp, A))(at)
    np.testing.assert_allclose(g.A, expected, rtol=1e-10)
    for scale in (1e-150, 1e150):
        far, g_far = run(A=at * scale)
        times = {"at once": 4, "half": 2, "of many": 8}[name]
        np.testing.assert_allclose(far, value + times * np.log(scale), rtol=1e-13)
        np.testing.assert_allclose(g_far.A * scale, g.A, rtol=1e-10)


def test_the_logarithm_of_a_determinant_that_may_be_negative_stays_as_typed():
    A = sg.param("A", (3, 3))
    loss = np.log(np.linalg.det(A))
    derivation = sg.derive(loss, names={"loss": loss})
    assert [step.rule for _, step in derivation.forward_steps] == []


def test_the_inverse_of_many_matrices_has_its_name_in_the_derivative():
    A = sg.param("A", ("N", 3, 3))
    K = np.linalg.inv(A)
    equation = sg.derive(np.sum(K**2), names={"K": K}).gradients["A"].latex()
    assert equation.endswith(r"-2 \sum_{k,\ell} K_{n j \ell} K_{nki} K_{n k \ell}")


OVER_AN_AXIS = (
    "of everything", "by a power", "of rows", "linalg.norm", "linalg.norm of rows",
    "a product with itself", "trace", "hypot",
)  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", OVER_AN_AXIS)
def test_norms_are_right_for_numbers_of_every_size(name, dtype):
    x = sg.param("x", (3, 4))
    loss = NORMS[name](x)
    derivation = sg.derive(loss, names={"loss": loss})
    run = derivation.compile(dtype=dtype).loss_and_gradients
    exact = forward_and_adjoints(derivation)
    largest = {"float64": 300, "float32": 37}[dtype]
    for scale in (1.0, 0.7 * largest, -0.7 * largest, float(largest), -float(largest)):
        at = (Z * 10.0**scale).astype(dtype)
        value, g = run(x=at)
        true = by_mpmath(exact, derivation.system, at.astype(float), 60, name="x")
        np.testing.assert_allclose(value, float(true["loss"][()]), rtol=8 * np.finfo(dtype).eps)
        np.testing.assert_allclose(g.x, true["dx"].astype(float), rtol=8 * np.finfo(dtype).eps)
        assert value.dtype == g.x.dtype == np.dtype(dtype)


def test_a_norm_of_sizes_far_apart_of_infinities_and_of_nothing():
    norm = numpy_reduction("norm")
    rows = np.array([[3e200, 4e200], [3e-200, 4e-200], [3.0, 4.0], [0.0, 0.0], [1e-320, 0.0]])
    np.testing.assert_allclose(norm(rows, 1), [5e200, 5e-200, 5.0, 0.0, 1e-320], rtol=1e-15)
    assert norm(np.array([1e300, -np.inf]), 0) == np.inf
    assert np.isnan(norm(np.array([1e300, np.nan]), 0))
    assert norm(np.zeros((0, 2)), (0, 1)) == 0
    np.testing.assert_array_equal(norm(np.zeros((2, 0)), 1), [0, 0])


def test_a_hessian_of_a_norm_is_right_for_numbers_of_every_size():
    x = sg.param("x", (4,))
    run = sg.hessian(np.linalg.norm(x), x, names={}).compile().gradients
    here = run(x=Z[0]).x
    for scale in (2.0**600, 2.0**-600):
        np.testing.assert_allclose(run(x=Z[0] * scale).x * scale, here, rtol=1e-14)


def test_the_derivative_of_what_is_divided_by_its_norm_reads_as_in_a_textbook():
    x, w = sg.param("x", ("N", 4)), sg.data("w", (4,))
    loss = np.sum(x / np.linalg.norm(x, axis=1, keepdims=True) * w)
    assert (
        sg.derive(loss, names={"loss": loss})
        .gradients["x"]
        .latex()
        .endswith(
            r"\frac{w_{i}}{\sqrt{\sum_{j} x_{nj}^{2}}} - \frac{x_{ni}}"
            r"{\left(\sum_{j} x_{nj}^{2}\right)^{3/2}} \sum_{j} x_{nj} w_{j}"
        )
    )


ENTROPIES = {
    "x log x": lambda p, y: np.sum(y * np.log(y)) + np.sum(p * np.log(p)),
    "scaled": lambda p, y: np.sum(2 * p * np.log(p / 4)) + np.sum(y),
    "one-hot labels": lambda p, y: -np.sum(y * np.log(p)),
    "relative": lambda p, y: np.sum(y * np.log(y / p)),
    "relative, as a difference": lambda p, y: np.sum(y * (np.log(y) - np.log(p))),
    "relative, with a factor": lambda p, y: np.sum(2 * y * (1 + np.log(3 * y / p))),
}


@pytest.mark.parametrize("name", ENTROPIES)
def test_zero_times_the_logarithm_of_zero_is_zero(name):
    p, y = sg.param("p", (4,)), sg.data("y", (4,), assume=sg.one_hot(axis=0))
    loss = ENTROPIES[name](p, y)
    module = sg.derive(loss, names={"loss": loss}).compile()
    at = {"p": np.array([0.5, 0.0, 0.25, 0.25]), "y": np.array([1.0, 0.0, 0.0, 0.0])}
    limit = ENTROPIES[name](at["p"] + 1e-300, at["y"] + 1e-300)
    np.testing.assert_allclose(module.loss(**at), limit, rtol=1e-15)
    if "log x" not in name and name != "scaled":  # these have no derivative at 0
        slope = module.gradients(**at).p
        np.testing.assert_allclose(slope, [-4 if "factor" in name else -2, 0, 0, 0])


# -- far out ----------------------------------------------------------------------------------

FAR = (1e-300, 1e-200, 1e-100, 1e-30, 1e-18, 1e-8, 1e-3, 0.3, 1.0, 1.7, 5.0, 19.0, 40.0, 300.0,
       700.0, 1e4, 1e8, 1e30, 1e100, 1e200, 1e300)  # fmt: skip
SWEPT = [leaf for leaf in LEAVES.values() if len(leaf.domain) <= 2]


def arguments(leaf):
    """Numbers of every size and both signs, and the domain's own."""
    inner = np.linspace(*leaf.domain[0], 15)
    x = np.array([*FAR, *(-v for v in FAR), *inner, 0.0])
    if len(leaf.domain) == 1:
        return [x]
    return [v.ravel() for v in np.meshgrid(x[::3], [*FAR[::4], -0.4, -30.0, 0.0])]


@pytest.mark.parametrize("leaf", SWEPT, ids=lambda leaf: leaf.cls.__name__)
def test_a_leaf_is_accurate_and_silent_wherever_its_value_is_a_float(leaf):
    xs = arguments(leaf)
    rows = list(zip(*xs, strict=True))
    true = [in_digits(leaf, row) for row in rows]
    kept = [k for k, t in enumerate(true) if t is not None]
    found = numpy_value(leaf.stable, *(x[kept] for x in xs))
    allowed = 8 * EPS
    for k, value in zip(kept, found, strict=True):
        exact, moved = true[k]
        if leaf.cls.__name__ == "gamma":  # the exponential of its logarithm
            moved = abs(exact) * (1 + abs(float(mpmath.log(abs(exact) or 1))))
        assert abs(float(value) - exact) <= allowed * (abs(exact) + moved) + TINY, rows[k]


EPS, TINY = 2.2e-16, 1e-307


def in_digits(leaf, row):
    """The value, and how much it moves with its arguments, relatively; None if it is not real."""
    if leaf.cls.__name__ == "trigamma" and row[0] < -1e6:
        return None  # mpmath goes there step by step
    with mpmath.workdps(60):
        here = [mpmath.mpf(float(v)) for v in row]
        value = leaf.mpmath(*here)
        if not mpmath.isfinite(value) or abs(value) > 1e308:
            return None
        tiny = mpmath.mpf(10) ** -30
        moved = 0
        for k, v in enumerate(here):
            near = leaf.mpmath(*here[:k], v * (1 + tiny), *here[k + 1 :])
            moved += abs(near - value) / tiny if mpmath.isfinite(near) else 0
        return float(value), float(min(moved, mpmath.mpf(1e308)))


LOGITS = [
    np.array([[a, b, c]]) for a in (1e-300, -1e4, 1e300, 30.0) for b in (-1e300, 0.0, 745.0)
    for c in (1e4, -800.0, 1e-8)
]  # fmt: skip
LOSSES = {
    "softmax": lambda z: np.sum(np.array([[1.0, 2.0, -3.0]]) * softmax(np, z)),
    "cross-entropy": lambda z: -np.sum(np.array([[0.0, 1.0, 0.0]]) * np.log(softmax(np, z))),
    "log-sum-exp": lambda z: np.sum(np.log(np.sum(np.exp(z), axis=1))),
    "sigmoid": lambda z: np.sum(np.array([[1.0, 2.0, -3.0]]) * sigmoid(np, z)),
    "softplus": lambda z: np.sum(np.log(1 + np.exp(z))),
    "binary cross-entropy": lambda z: -np.sum(
        np.log(sigmoid(np, z)) + 0.5 * np.log(1 - sigmoid(np, z))),
    "tanh": lambda z: np.sum((np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", LOSSES)
def test_generated_losses_are_right_at_logits_of_every_size(name, dtype):
    z = sg.param("z", (1, 3))
    loss = LOSSES[name](z)
    derivation = sg.derive(loss, names={"loss": loss})
    run = derivation.compile(dtype=dtype).loss_and_gradients
    exact = forward_and_adjoints(derivation)
    for logits in LOGITS:
        at = np.clip(logits, -1e30, 1e30).astype(dtype)
        value, g = run(z=at)
        true = by_mpmath(exact, derivation.system, at.astype(float), 60)
        slope = true["dz"].astype(float)
        scale = np.finfo(dtype).eps * (1 + np.sum(np.abs(slope * at)))
        assert abs(value - float(true["loss"][()])) <= 8 * scale
        np.testing.assert_allclose(g.z, slope, rtol=1e-6, atol=8 * scale)


W = np.array([2.0, 0.0, -0.5])
SWEPT_LOSSES = {
    "weighted": lambda np, z: np.log(np.sum(W**2 * np.exp(z[0]))),
    "weighted, of any sign": lambda np, z: np.sum(np.log(np.sum((z[1] + 2) * np.exp(z[0])))),
    "weighted squares": lambda np, z: np.log(np.sum(W**2 * np.exp(-(z[0] ** 2) / 2))),
    "three exponentials": lambda np, z: np.log(np.exp(z[0, 0]) + np.exp(z[0, 1]) + np.exp(z[0, 2])),
    "one and two": lambda np, z: np.log(1 + np.exp(z[0, 0]) + np.exp(z[0, 1])),
    "the slope of tanh": lambda np, z: np.sum(np.log(1 - np.tanh(z) ** 2)),
    "log cosh": lambda np, z: np.sum(np.log(np.cosh(z))),
    "min(1, e^x)": lambda np, z: np.sum(np.minimum(1, np.exp(z))),
    "celu": lambda np, z: np.sum(
        np.maximum(0, z) + np.minimum(0, 0.7 * (np.exp(z / 0.7) - 1))),
    "cosine": lambda np, z: z[0] @ z[1] / (np.linalg.norm(z[0]) * np.linalg.norm(z[1])),
    "cosines": lambda np, z: np.sum((z @ z[:1].T) / (
        np.sqrt(np.sum(z**2, axis=1))[:, None] * np.sqrt(np.sum(z[:1] ** 2, axis=1))[None])),
    "cosine, of one root": lambda np, z: z[0] @ z[1] / np.sqrt(
        np.sum(z[0] ** 2) * np.sum(z[1] ** 2)),
    "quotient": lambda np, z: np.sum(z[0] / z[1]),
    "share": lambda np, z: np.sum(z[0] / (z[0] + z[1])),
    "over its norm": lambda np, z: np.sum(W * z[0] / np.linalg.norm(z[0])),
    "gelu": lambda np, z: np.sum(
        0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))),
    "gelu, its argument a product": lambda np, z: np.sum(
        0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * z * (1 + 0.044715 * z * z)))),
}  # fmt: skip
SIZES = {"float64": (1e-300, 1e-170, 1e-30, 1e-3, 1.0, 30.0, 710.0, 1e4, 1e13, 1e30, 1e150,
                     1e200, 1e300),
         "float32": (1e-36, 1e-20, 1e-3, 1.0, 30.0, 100.0, 1e4, 1e13, 1e18, 1e30)}  # fmt: skip
ROWS = np.array([[0.7, 1.3, -0.4], [-0.2, 0.9, 0.6]])


@pytest.mark.sampled(3)
@pytest.mark.parametrize("dtype", SIZES)
@pytest.mark.parametrize("name", SWEPT_LOSSES)
def test_losses_as_typed_are_right_at_every_size(name, dtype):
    output = SWEPT_LOSSES[name](np, sg.param("z", (2, 3)))
    derivation = sg.derive(output, names={"loss": output})
    written = trace(output, {"loss": output})
    run = derivation.compile(dtype=dtype).loss_and_gradients
    exact = forward_and_adjoints(derivation)
    far = np.sqrt(np.finfo(dtype).max) / 2 if name == "weighted squares" else np.inf
    for size in (s for s in SIZES[dtype] if s <= far):  # beyond, the loss is no number
        at = ROWS.copy()
        at[: 1 if "any sign" in name else 2] *= size
        at = at.astype(dtype)
        with np.errstate(over="ignore" if "gelu" in name else "warn"):  # its cube is infinite
            value, g = run(z=at)
        true = by_mpmath(exact, derivation.system, at.astype(float), 400)["dz"].astype(float)
        eps = np.finfo(dtype).eps
        np.testing.assert_allclose(
            g.z, true, rtol=64 * eps * (1 + min(size, 1e4)), atol=64 * eps * np.max(np.abs(true))
        )
        if size <= 30:
            loss = by_mpmath(written.equations, written, at.astype(float), 120)["loss"]
            np.testing.assert_allclose(value, float(loss[()]), rtol=64 * eps, atol=64 * eps)


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_the_slope_of_an_angle_at_every_size(size):
    x, y = sg.param("x", (3,)), sg.param("y", (3,))
    g = (
        sg.derive(np.sum(np.arctan2(x, y)))
        .compile()
        .gradients(**dict(zip("xy", size * ROWS, strict=True)))
    )
    near = np.array([ROWS[1], -ROWS[0]]) / np.sum(ROWS**2, axis=0)
    np.testing.assert_allclose([size * g.x, size * g.y], near, rtol=1e-13)


def test_a_power_of_the_root_of_a_mean_is_no_number_too_large():
    x = sg.param("x", (3,))
    loss = np.sum(np.array([1.0, 2.0, -3.0]) * x / np.sqrt(np.mean(x**2) + 1e-5))
    run = sg.derive(loss).compile().gradients
    far, near = run(x=1e150 * ROWS[0]).x, run(x=1e5 * ROWS[0]).x
    np.testing.assert_allclose(far * 1e145, near, rtol=1e-12)


def test_only_a_polynomial_that_a_steep_tanh_bounds_is_bounded():
    x, y = sg.param("x", (2, 2)), sg.param("y", (2, 2))
    far = np.full((2, 2), 1e20)
    for loss, bounded in (
        (np.sum(x * np.tanh(x + x**3)), True),
        (np.sum(y * np.tanh(x + x**3)), True),
        (np.sum(x**3 * np.tanh(x)), False),
        (np.sum(x * np.tanh(x**3 - 5 * x)), False),
    ):
        derivation = sg.derive(loss, wrt="x")
        assert ("minimum" in derivation.source()) is bounded
    g = sg.derive(np.sum(x * np.tanh(x + x**3))).compile().gradients(x=far)
    np.testing.assert_array_equal(g.x, 1)


def test_a_weight_of_0_leaves_out_the_largest_exponent():
    x, w = sg.param("x", (3,)), sg.data("w", (3,))
    loss = np.log(np.sum(w * np.exp(x)))
    value, g = sg.derive(loss).compile().loss_and_gradients(x=[2000.0, -1e4, 3.0], w=[0, 2, 0])
    assert value == pytest.approx(np.log(2) - 1e4, rel=1e-15)
    np.testing.assert_array_equal(g.x, [0, 1, 0])
    by_scipy = sg.logsumexp(x, b=w)
    assert sg.derive(by_scipy).compile().loss(x=[1e4, 1e4, 0], w=[1, 3, 5]) == 1e4 + np.log(4)


def test_the_cosine_of_nothing_is_0_and_it_is_said():
    x, y = sg.param("x", (3,)), sg.param("y", (3,))
    derivation = sg.derive(x @ y / (np.linalg.norm(x) * np.linalg.norm(y)))
    assert "is taken as 0 where it is 0" in derivation.latex()
    value, g = derivation.compile().loss_and_gradients(x=np.zeros(3), y=ROWS[0])
    assert value == 0
    np.testing.assert_array_equal([g.x, g.y], 0)


def test_a_logarithm_of_three_exponentials_reads_as_one_sum():
    a, b, c = (sg.param(n, ()) for n in "abc")
    for more, shown in ((np.exp(c), "e^{c}"), (1.0, "1")):
        latex = sg.derive(np.log(np.exp(a) + np.exp(b) + more), names={}).latex()
        forward = latex[latex.index("forward") : latex.index("backward")]
        assert all(part in forward for part in ("e^{a}", "e^{b}", shown))
        assert forward.count(r"\log") == 1


# -- logarithms of choices ------------------------------------------------------------------------


def _sigmoid_of(z):
    return 1 / (1 + np.exp(-z))


CHOICES = {
    "of a sigmoid": lambda y, z: np.where(y > 0.5, _sigmoid_of(z), 1 - _sigmoid_of(z)),
    "nested": lambda y, z: np.where(
        y < 0.5, 1 - _sigmoid_of(z), np.where(y < 2, _sigmoid_of(z), 1)
    ),
    "of exponentials": lambda y, z: np.where(
        y > 0.5, 1 / (1 + np.exp(-z)), np.exp(-z) / (1 + np.exp(-z))
    ),
    "of tanh": lambda y, z: np.where(y > 0.5, (1 + np.tanh(z / 2)) / 2, (1 - np.tanh(z / 2)) / 2),
}


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("chosen", CHOICES.values(), ids=CHOICES)
def test_the_logarithm_of_a_choice(chosen, named):
    y, z = sg.data("y", (4,)), sg.param("z", (4,))
    q = chosen(y, z)
    d = sg.derive(-np.sum(np.log(q)), wrt="z", names={"q": q} if named else {})
    at = {"y": np.array([0, 1.0, 1, 0]), "z": np.array([900.0, -900, 1, -2])}
    value, gradients = d.compile().loss_and_gradients(**at)
    signs = 1 - 2 * at["y"]
    assert value == pytest.approx(np.sum(np.logaddexp(0, signs * at["z"])), rel=1e-14)
    wanted = signs * np.exp(-np.logaddexp(0, -signs * at["z"]))
    np.testing.assert_allclose(gradients.z, wanted, rtol=1e-14)
    assert "log of a choice" in [step.rule for _, step in d.forward_steps]


def test_the_probability_of_a_label_by_a_choice():
    y, z = sg.data("y", (3,)), sg.param("z", (3,))
    p = np.exp(z) / np.sum(np.exp(z))
    d = sg.derive(-np.sum(np.log(np.where(y > 0.5, p, 1.0))), wrt="z", names={"p": p})
    value, gradients = d.compile().loss_and_gradients(y=[0, 1, 0], z=[900.0, -900, 1])
    assert value == 1800
    np.testing.assert_array_equal(gradients.z, [1, -1, 0])


def test_other_logarithms_of_choices_stay():
    y, z = sg.data("y", (3,)), sg.param("z", (3,))
    d = sg.derive(np.sum(np.log(np.where(y > 0.5, 2 + z**2, 1 + z**2))), wrt="z")
    assert "log of a choice" not in [step.rule for _, step in d.forward_steps]


FAR_OUT = {
    "log cosh": (lambda np, x: np.log(np.cosh(x)), 1e4 - np.log(2), 1.0),
    "log cosh, below": (lambda np, x: np.log(np.cosh(-x)), 1e4 - np.log(2), 1.0),
    "the slope of tanh": (lambda np, x: np.log(1 - np.tanh(x) ** 2), 2 * np.log(2) - 2e4, -2.0),
    "min(1, e^x)": (lambda np, x: np.minimum(1, np.exp(x)), 1.0, 0.0),
    "min(e^x, 3)": (lambda np, x: np.minimum(np.exp(x), 3), 3.0, 0.0),
    "celu": (
        lambda np, x: np.maximum(0, x) + np.minimum(0, 0.7 * (np.exp(x / 0.7) - 1)), 1e4, 1.0),
}  # fmt: skip


@pytest.mark.parametrize("name", FAR_OUT)
def test_far_out_values_and_slopes_are_right(name):
    f, value, slope = FAR_OUT[name]
    module = sg.derive(f(np, sg.param("x", ()))).compile()
    found, g = module.loss_and_gradients(x=1e4)
    np.testing.assert_allclose([found, g.x], [value, slope], rtol=1e-12)
    for x in (-0.7, 0.4, 1.3):
        h = 1e-5
        found, g = module.loss_and_gradients(x=x)
        assert found == pytest.approx(f(np, x), rel=1e-12)
        assert g.x == pytest.approx((f(np, x + h) - f(np, x - h)) / (2 * h), rel=1e-8, abs=1e-9)


def test_selu_typed_as_a_sum_of_its_pieces():
    f = lambda x: 1.05 * (np.maximum(0, x) + np.minimum(0, 1.67 * (np.exp(x) - 1)))  # noqa: E731
    x = np.array([-1.0, 0.5, 2.0])
    value, g = sg.derive(np.sum(f(sg.param("x", (3,))))).compile().loss_and_gradients(x=x)
    assert value == pytest.approx(f(x).sum(), rel=1e-13)
    np.testing.assert_allclose(g.x, 1.05 * np.where(x > 0, 1, 1.67 * np.exp(x)), rtol=1e-13)


@pytest.mark.parametrize(
    ("loss", "value", "gradient"),
    [
        (lambda x: np.log2(1 / (1 + np.exp(-x))), -800 / np.log(2), 1 / np.log(2)),
        (lambda x: np.log10(1 - 1 / (1 + np.exp(x))), -800 / np.log(10), 1 / np.log(10)),
        (lambda x: np.log2(sg.softmax(x)), -1600 / np.log(2), 1 / np.log(2)),
        (lambda x: np.log10(np.exp(x) / np.sum(np.exp(x))), -1600 / np.log(10), 1 / np.log(10)),
        (lambda x: np.log2(np.sum(np.exp(x)))[None], 800 / np.log(2), 0),
        (lambda x: np.log10(np.cosh(x)), (800 - np.log(2)) / np.log(10), -1 / np.log(10)),
    ],
)  # fmt: skip
def test_logarithms_to_other_bases_are_stable(loss, value, gradient):
    x = sg.param("x", (2,))
    found, by_x = sg.derive(np.sum(loss(x)[:1])).compile().loss_and_gradients(x=[-800.0, 800.0])
    np.testing.assert_allclose(found, value, rtol=1e-14)
    np.testing.assert_allclose(by_x.x[0], gradient, rtol=1e-14)


def test_logarithms_to_other_bases_stay_where_nothing_is_gained():
    x = sg.param("x", (2,))
    assert "log2(" in sg.derive(np.sum(np.log2(2 + x**2))).source()
