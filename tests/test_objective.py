from __future__ import annotations

import importlib
import importlib.util
import types
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import least_squares, minimize

import symgrad as sg

ROOT = Path(__file__).parent.parent


def logistic():
    X, y = sg.data("X", ("N", 3)), sg.data("y", ("N",))
    w, b = sg.param("w", (3,)), sg.param("b", ())
    return np.mean(np.logaddexp(0, -y * (X @ w + b))) + 0.01 * np.sum(w**2)


def point():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3))
    y = np.sign(X @ [1.0, -2.0, 0.5] + 0.3 * rng.normal(size=50))
    return {"X": X, "y": y, "w": np.zeros(3), "b": 0.0}


def test_minimize_takes_what_is_given():
    module = sg.derive(logistic()).compile()
    fun, x0, unpack = sg.scipy_objective(module, point())
    best = minimize(fun, x0, jac=True, method="L-BFGS-B")
    assert best.success
    found = unpack(best.x)
    assert found["w"].shape == (3,)
    assert found["b"].shape == ()
    slopes = module.gradients(**point() | found)
    assert max(abs(slopes.b), np.abs(slopes.w).max()) < 1e-4


def test_second_derivatives_go_along():
    module, second = sg.derive(logistic()).compile(), sg.hvp(logistic()).compile()
    objective = sg.scipy_objective(module, point(), hvp=second)
    v, p = np.array([0.5, -1.0, 2.0, 0.1]), np.array([1.0, 0.3, -0.2, 0.7])
    ahead, behind = (objective.jac(v + h * p) for h in (1e-5, -1e-5))
    np.testing.assert_allclose(objective.hessp(v, p), (ahead - behind) / 2e-5, rtol=1e-6)
    with_it = minimize(objective.fun, objective.x0, jac=True, hessp=objective.hessp,
                       method="trust-ncg")  # fmt: skip
    assert with_it.success
    with pytest.raises(sg.SpecError, match="no second derivatives"):
        _ = sg.scipy_objective(module, point()).hessp


def test_residuals_and_their_jacobian():
    t, y = sg.data("t", ("N",)), sg.data("y", ("N",))
    a, k = sg.param("a", ()), sg.param("k", (2,))
    r = a * np.exp(-k[0] * t) + k[1] - y
    module = sg.jacobian(r).compile()
    times = np.linspace(0, 2, 20)
    given = {"t": times, "y": 3 * np.exp(-1.5 * times) + 0.5, "a": 1.0, "k": np.ones(2)}
    objective = sg.scipy_objective(module, given)
    assert objective.jac(objective.x0).shape == (20, 3)
    best = least_squares(objective.fun, objective.x0, jac=objective.jac)
    np.testing.assert_allclose(best.x, [3, 1.5, 0.5], rtol=1e-6)


def test_what_is_missing_is_named():
    module = sg.derive(logistic()).compile()
    with pytest.raises(sg.SpecError, match="the point has no b"):
        sg.scipy_objective(module, {n: v for n, v in point().items() if n != "b"})
    with pytest.raises(sg.SpecError, match="the point has 'c', which"):
        sg.scipy_objective(module, point() | {"c": 1})
    with pytest.raises(sg.SpecError, match="has no gradients"):
        sg.scipy_objective(np, point())
    objective = sg.scipy_objective(module, point())
    with pytest.raises(sg.SpecError, match="numbers for"):
        objective.fun(np.append(objective.x0, 0.0))


def example():
    spec = importlib.util.spec_from_file_location("digits", ROOT / "examples" / "digits.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.long
@pytest.mark.parametrize("way", ["by_lbfgs", "by_batches"])
def test_digits_are_read(way):
    pytest.importorskip("sklearn", reason="scikit-learn has the digits")
    learning, module = example(), types.ModuleType("digits")
    exec((ROOT / "generated" / "digits.py").read_text(), vars(module))
    _, losses, read = learning.train(module, getattr(learning, way), lambda _: None)
    assert read > 0.96
    assert losses[-1] < losses[0] / 5


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
def test_an_estimator_of_few_lines_is_one_for_scikit_learn(tmp_path, monkeypatch):
    pytest.importorskip("sklearn", reason="scikit-learn checks it")
    from sklearn.utils.estimator_checks import check_estimator

    page = (ROOT / "docs" / "pages" / "how-to" / "training.md").read_text(encoding="utf-8")
    code = page.split('title="estimator.py"\n')[1].split("```")[0]
    (tmp_path / "estimator.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    estimator = importlib.import_module("estimator")
    found = check_estimator(estimator.Logistic(), on_fail=None)
    failed = [c["check_name"] for c in found if c["status"] == "failed"]
    assert failed == []
    assert len([c for c in found if c["status"] == "passed"]) > 30
