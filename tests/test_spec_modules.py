"""Spec files: NumPy's constructors take named sizes and values, and shapes are told rightly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.special

import symgrad as sg
from symgrad.checks.derived import run
from symgrad.checks.generated import module_checks
from symgrad.language.spec_file import load
from tests.agreement import differences

HEAD = """
import numpy as np
import scipy.special as special
from scipy.special import logsumexp
import symgrad as sg
X, y = sg.data("X", ("N", 3)), sg.data("y", ("N",), dtype=int)
W, s = sg.param("W", (3, "V")), sg.param("s", ())
z = X @ W
"""
SPELLINGS = {
    "eye of a shape": "loss = np.sum((X @ X.T + 0.5 * np.eye(X.shape[0])) ** 2) * s",
    "identity": "loss = np.linalg.slogdet(X @ X.T + np.identity(len(X)) * s**2)[1]",
    "rows of eye": "loss = -np.sum(np.eye(W.shape[1])[y] * np.log(special.softmax(z, axis=1)))",
    "ones beside": """
A = np.column_stack([np.ones(len(y)), X])
loss = np.sum((A @ np.r_[s, W[:, 0]]) ** 2)""",
    "c_": "loss = np.sum(np.tanh(np.c_[np.ones((X.shape[0], 1)), X] * s))",
    "arange": "loss = -np.mean(z[np.arange(len(y)), y] - logsumexp(z, axis=1))",
    "zeros written into": "h = np.zeros((X.shape[0], 4))\nh[:, 1:] = X * s\nloss = np.sum(h**2)",
    "zeros like a shape": "h = np.zeros(z.shape)\nh[:, 0] = X[:, 0] * s\nloss = np.sum(h * z)",
    "full": "loss = np.sum(np.full(X.shape, 0.5) * X * s + np.full((len(X), 1), s))",
    "a matrix of values": "loss = np.linalg.det(np.array([[s, 1.0], [2.0, s * s]]))",
    "its inverse": "loss = np.linalg.inv(np.array([[s, 1.0], [2.0, s * s]]))[0, 1]",
    "functions of it": """
r = np.array([s, 2 * s])
loss = np.var(r) + np.logaddexp(r, 1)[0] + r.max()""",
    "off the diagonal": "loss = np.sum((X @ X.T) * (1 - np.eye(len(X)))) * s",
    "a centring matrix": """
n = len(X)
C = np.eye(n) - np.ones((n, n)) / n
loss = np.sum((C @ z) ** 2)""",
    "off the diagonal by a type": "loss = np.sum((X @ X.T) * ~np.eye(len(X), dtype=bool)) * s",
    "triangle": "loss = np.sum(np.where(np.tri(len(X)) > 0, X @ X.T * s, 0.0))",
    "a zero diagonal": """
d = 1 / (1 + np.sum((X[:, None] - X[None]) ** 2, axis=-1)) * s
d[range(len(X)), range(len(X))] = 0
loss = np.sum(np.log(1 + d / np.sum(d)))""",
    "lists of values": """
r = s * X[0]
loss = np.max([r[0], r[1], 0.1]) + np.mean([s, s**2])
loss = loss + np.linalg.norm([r[0], s]) + np.min((s, 2.0))""",
    "counted from 1": """
n = len(X)
loss = np.sum(np.arange(1, n + 1) * np.sort(X[:, 0] * s)) / (n * s) - np.sum(np.arange(n) * s)""",
    "beside nothing": """
loss = np.sum(np.concatenate([[], z[0], np.vstack([np.empty((0, 3)), X])[1]])) * s""",
    "to float": "n = X.shape[0]\nloss = np.sum(z**2) / (2.0 * n) + s * n",
}
POINT = {
    "X": np.random.default_rng(1).normal(size=(4, 3)), "y": np.array([1, 0, 4, 2]),
    "W": np.random.default_rng(2).normal(size=(3, 5)), "s": np.array(1.3),
}  # fmt: skip


def by_numpy(line: str, **values: np.ndarray) -> np.ndarray:
    space = {"np": np, "special": scipy.special, "logsumexp": scipy.special.logsumexp, **values}
    space["z"] = values["X"] @ values["W"]
    exec(line, space)
    return np.asarray(space["loss"])


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_spec_with_named_sizes(name: str, tmp_path: Path) -> None:
    path = tmp_path / "spec.py"
    path.write_text(HEAD + SPELLINGS[name])
    spec = load(path)
    derivation = sg.derive(spec.loss, names=spec.names)
    module = derivation.compile()
    used = {v.name for v in derivation.system.variables if v.role != "constant"}
    value, found = module.loss_and_gradients(**{n: x for n, x in POINT.items() if n in used})
    assert value == pytest.approx(float(by_numpy(SPELLINGS[name], **POINT)), rel=1e-12)
    at = {n: POINT[n] for n in ("W", "s") if n in used}
    expected = differences(lambda p: by_numpy(SPELLINGS[name], **{**POINT, **p}), at, 1e-4)
    for n, slope in expected.items():
        np.testing.assert_allclose(getattr(found, n), slope, rtol=1e-6, atol=1e-7)


def test_what_counts_is_a_number_to_the_checks(tmp_path: Path) -> None:
    path = tmp_path / "spec.py"
    path.write_text(HEAD + "T = np.eye(W.shape[1])[y]\nm = z > 0\nloss = np.sum(T * z + m * z) * s")
    spec = load(path)
    derivation = sg.derive(spec.loss, names=spec.names)
    checks = [*run(derivation), *module_checks(derivation, derivation.compile())]
    assert all(c.passed for c in checks), [str(c) for c in checks if not c.passed]
    assert "δ" in derivation.render("text")


WRONG = {
    "X.shape == (3, 3)": ("whether the named size N is 3 is not known", "fixed size"),
    "X.shape[0] > 1": ("whether the named size N is 1 is not known", "fixed size"),
    "[0 for _ in range(len(X))]": ("the named size N is not known", "sg.scan(step, h0, xs)"),
    "np.random.normal(size=X.shape)": ("the named size N is not known", "sg.data(name"),
    "max(s, z[0, 0])": ("truth value", "np.maximum(a, b)"),
    "min(s, z[0, 0])": ("truth value", "np.minimum(a, b)"),
    "sorted([s, z[0, 0]])": ("truth value", "np.sort(x)"),
    "1.0 if s > 0 else 2.0": ("truth value", "np.where(condition, a, b) instead of `if`"),
    "np.where(s > 0 and s < 1, s, 0)": ("truth value", "(a > 0) & (b > 0)"),
}


@pytest.mark.parametrize("line", WRONG)
def test_what_is_not_known_is_told_with_a_way_out(line: str, tmp_path: Path) -> None:
    path = tmp_path / "spec.py"
    path.write_text(f"{HEAD}q = {line}\nloss = np.sum(z)")
    with pytest.raises(sg.SpecError) as caught:
        load(path)
    what, hint = WRONG[line]
    assert what in caught.value.what
    assert hint in caught.value.hint


def test_outside_of_a_spec_file_the_own_constructors_take_names() -> None:
    x = sg.param("x", ("N",))
    with pytest.raises(sg.SpecError, match=r"write sg\.eye\(x\.shape\[0\]\)"):
        np.eye(x.shape[0])
    with pytest.raises(sg.SpecError, match=r"x\.shape\[0\]"):
        len(x)
    loss = x @ (2 * sg.eye(x.shape[0]) + sg.ones(("N", "N")) - sg.zeros((x.shape[0], 1))) @ x
    assert sg.derive(loss).compile().loss(x=[1.0, 2.0]) == 19
    row = sg.arange(2)[None]  # by its name it is a line of the file, and as floats a constant
    assert sg.derive(x @ x * row @ [[1.0], [2.0]]).compile().loss(x=[1.0, 2.0]) == 10
    assert round(sg.param("s", ())).shape == ()


# -- distributions --------------------------------------------------------------------------------

DENSITIES = {
    "norm": "stats.norm.logpdf(x, a, np.exp(b))",
    "norm of a scale alone": "stats.norm.logpdf(x, scale=a)",
    "norm, frozen": "stats.norm(a, b).pdf(x)",
    "norm, below": "stats.norm.cdf(x, a, b) * stats.norm.logcdf(x, loc=a)",
    "norm, above": "stats.norm.sf(x * a) + stats.norm.logsf(x, a, b)",
    "norm of numbers": "stats.norm.logpdf(0.3) * x * a",
    "numbers, frozen": "stats.norm(0, 2).pdf(x * a)",
    "laplace": "stats.laplace.logpdf(x, a, b)",
    "cauchy": "stats.cauchy.pdf(x, a, scale=b)",
    "expon": "stats.expon.logpdf(x, scale=a)",
    "logistic": "stats.logistic.logpdf(x, a, b)",
    "t": "stats.t.logpdf(x, a, 0.1, b)",
    "gamma": "stats.gamma.logpdf(x, a, scale=b)",
    "chi2": "stats.chi2.logpdf(x, a)",
    "beta": "stats.beta.logpdf(x, a, b)",
    "gumbel_r": "stats.gumbel_r.logpdf(x, a, b)",
    "halfnorm": "stats.halfnorm.logpdf(x, scale=a)",
    "invgamma": "stats.invgamma.logpdf(x, a, scale=b)",
    "lognorm": "stats.lognorm.logpdf(x, a, scale=b) * stats.lognorm(b).pdf(x * a)",
    "pareto": "stats.pareto.logpdf(x + 1, a, scale=b)",
    "weibull_min": "stats.weibull_min.logpdf(x, a, scale=b)",
    "norm, points": "stats.norm.ppf(x * a, a, scale=b) * stats.norm.isf(x)",
    "binom": "stats.binom.logpmf(k, 5, a)",
    "geom": "stats.geom.pmf(k + 1, a)",
    "nbinom": "stats.nbinom.logpmf(k, 3 * b, a)",
    "poisson": "stats.poisson.logpmf(k, a) * stats.poisson.pmf(k, b)",
    "bernoulli": "stats.bernoulli.logpmf(k % 2, a)",
    "dirichlet": "stats.dirichlet.logpdf(np.array([0.2, 0.3, 0.5]), np.stack([a, b, a * b]))",
    "multivariate_normal": "mvn.logpdf(x, np.stack([a, b, a]), K)",
    "of many": "mvn.logpdf(np.outer(x, x), a * np.ones(3), K)",
    "of mean 0": "mvn.pdf(x * a, cov=K)",
    "multigammaln": "special.multigammaln(3 * a + x, 2)",
    "log-sum-exp with weights": "special.logsumexp(a * x, b=x * b)",
}
MEASURED = {
    "x": np.array([0.2, 0.5, 0.7]), "k": np.array([0, 3, 1]), "a": np.array(0.6),
    "b": np.array(0.8), "A": np.random.default_rng(4).normal(size=(3, 3)),
}  # fmt: skip
IMPORTS = """
import numpy as np
import scipy.special as special, scipy.stats as stats
from scipy.stats import multivariate_normal as mvn
"""
INPUTS = """
import symgrad as sg
x, k = sg.data("x", (3,), assume=sg.positive), sg.data("k", (3,), dtype=int)
a, b = sg.param("a", (), assume=sg.positive), sg.param("b", (), assume=sg.positive)
A = sg.param("A", (3, 3))
"""


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", DENSITIES)
def test_distributions_of_scipy_are_those_of_values_too(name: str, tmp_path: Path) -> None:
    code = f"K = A @ A.T + np.eye(3)\nloss = np.sum({DENSITIES[name]})\n"
    path = tmp_path / "spec.py"
    path.write_text(IMPORTS + INPUTS + code)
    spec = load(path)
    derivation = sg.derive(spec.loss, names=spec.names)
    used = {v.name: MEASURED[v.name] for v in derivation.system.variables if v.role != "constant"}
    value, g = derivation.compile().loss_and_gradients(**used)

    def by_scipy(given: dict[str, np.ndarray]) -> np.ndarray:
        space = {**MEASURED, **given}
        exec(IMPORTS + code, space)
        return np.asarray(space["loss"])

    assert value == pytest.approx(float(by_scipy({})), rel=1e-11)
    params = {n: used[n] for n in g._fields}
    for n, slope in differences(by_scipy, params, 1e-4).items():
        np.testing.assert_allclose(getattr(g, n), slope, rtol=2e-6, atol=1e-8)


def test_a_covariance_that_is_no_matrix_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "spec.py"
    path.write_text(IMPORTS + INPUTS + "loss = mvn.logpdf(x, np.zeros(3), np.stack([a, b, a]))\n")
    with pytest.raises(sg.SpecError, match="a covariance of"):
        load(path)


def test_a_list_of_labels_may_hold_values() -> None:
    U, o, others = sg.param("U", (5, 2)), sg.data("o", (), dtype=int), sg.data("k", (2,), dtype=int)
    rows = U[[o, *others]]
    at = np.arange(10.0).reshape(5, 2)
    value, g = sg.derive(np.sum(rows**2)).compile().loss_and_gradients(U=at, o=1, k=[1, 3])
    assert value == np.sum(at[[1, 1, 3]] ** 2)
    np.testing.assert_array_equal(g.U, 2 * at * [[0], [2], [0], [1], [0]])


def test_what_is_assumed_of_a_value_that_a_law_goes_past_is_told_in_words() -> None:
    z, y = sg.param("z", (3,)), sg.data("y", (3,))
    a = 1 / (1 + np.exp(-z))
    first = np.sum(np.nan_to_num(-y * np.log(a) - (1 - y) * np.log(1 - a)))
    b = 1 / (1 + np.exp(-2 * z))
    second = np.sum(np.nan_to_num(-y * np.log(b) - (1 - y) * np.log(1 - b)))
    for names in ({"a": a, "b": b}, {}):
        assert "finite" in sg.derive(first + second, names=names).latex()
