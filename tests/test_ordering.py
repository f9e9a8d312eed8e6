"""What is sorted, picked by rank or by where the largest stands, beside differences of NumPy's."""

from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from agreement import differences

import symgrad as sg
from symgrad.checks.evaluate import evaluate
from symgrad.checks.numbers import Digits, Exact, Floats
from symgrad.cli import main
from symgrad.errors import SpecError
from symgrad.mathematics.indices import Index, entry
from symgrad.mathematics.ordering import STANDINGS, InOrder, standing
from symgrad.mathematics.sizes import as_size

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 4))
WEIGHTS = RNG.normal(size=X.shape)
ROWS = np.arange(5)


def _nearest(x):
    apart = np.sum((x[:, None] - x[:2]) ** 2, axis=-1)
    return np.sum((x - x[np.argmin(apart, axis=1)]) ** 2)


LOSSES = {
    "rows": lambda x: np.sum(np.sort(x) * WEIGHTS),
    "columns": lambda x: np.sum(np.sort(x, axis=0) ** 2 * WEIGHTS),
    "all": lambda x: np.sum(np.sort(x, axis=None) ** 3 * WEIGHTS.ravel()),
    "the k largest": lambda x: np.sum(x.ravel()[np.argsort(-x.ravel())[:3]] ** 2),
    "along": lambda x: np.sum(np.take_along_axis(x, np.argsort(x)[:, ::-1][:, :2], 1) ** 3),
    "rows in order": lambda x: np.sum(x[x[:, 1].argsort()] ** 2 * WEIGHTS),
    "ranks": lambda x: np.sum(np.argsort(np.argsort(x[:, 0])) * x[:, 1] ** 2),
    "trimmed": lambda x: np.mean(np.sort(x.ravel())[2:-2] ** 2),
    "part": lambda x: np.sum(np.partition(x, 2, axis=0)[:2].sum(axis=0) ** 2),
    "medians": lambda x: np.sum(np.median(x, axis=0) ** 2) + np.median(x) ** 3,
    "quantiles": lambda x: np.sum(np.quantile(x, [0.1, 0.8], axis=1) ** 2),
    "largest": lambda x: np.sum(x[ROWS, np.argmax(x**2, axis=1)] ** 3),
    "kept": lambda x: np.sum(np.take_along_axis(x, np.argmin(x, axis=0, keepdims=True), 0) ** 2),
    "nearest": _nearest,
    "a number": lambda x: x.argmax() * np.sum(x[:, 1] ** 2) + np.sum(x**2),
}


@pytest.mark.parametrize("target", ["numpy", "array-api", "c"])
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_the_gradient_is_the_slope(loss, target):
    derivation = sg.derive(loss(sg.param("x", X.shape)), names={})
    value, gradients = derivation.compile(target=target).loss_and_gradients(x=X)
    right = differences(lambda v: np.asarray(loss(v["x"])), {"x": X}, 1e-4)["x"]
    np.testing.assert_allclose(value, loss(X), rtol=1e-12)
    np.testing.assert_allclose(gradients.x, right, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("target", ["numpy", "array-api", "c"])
def test_equal_entries_stay_in_their_order(target):
    x, w = sg.param("x", (6,)), np.arange(6.0) + 1
    tied = np.array([1.0, 0.0, 1.0, 0.0, 0.0, 1.0])
    loss = np.sum(np.sort(x) * w) + 10 * x[np.argmax(x)] + 100 * x[np.argmin(x)]
    found = sg.derive(loss).compile(target=target).gradients(x=tied).x
    np.testing.assert_allclose(found, [14, 101, 5, 2, 3, 6])


def test_each_place_is_written_once():
    """No addition at places of which some might be the same: these take ten times as long."""
    x = sg.param("x", ("N", 3))
    text = sg.derive(np.sum(np.sort(x, axis=0) ** 2)).source()
    assert 'np.argsort(x.T, kind="stable")' in text
    assert "add.at" not in text
    assert "np.add.at" in sg.derive(np.sum(x[np.argmin(x, axis=0)] ** 2)).source()


def test_the_steps_are_as_many_as_a_sort_takes():
    x = sg.param("x", (200_000,))
    module = sg.derive(np.median(x) + np.sum(np.sort(x)[:10] ** 2)).compile()
    found = module.gradients(x=np.arange(200_000.0)[::-1].copy()).x
    assert found[-10:].tolist() == [2.0 * k for k in range(9, -1, -1)]
    assert found[99_999:100_001].tolist() == [0.5, 0.5]


def test_labels_that_leave_the_axis_are_refused():
    x = sg.param("x", (4,))
    with pytest.raises(SpecError, match="index that is computed"):
        sg.derive(np.sum(x[np.argsort(x) + 1])).compile()


def test_a_position_alone_has_no_derivative_and_says_so():
    x = sg.param("x", (4,))
    derivation = sg.derive(np.sum(np.argsort(x) * x))
    assert "the order of entries is taken as a constant" in " ".join(derivation.remarks)
    assert "argsort" in derivation.latex()


def test_the_command_checks_all_of_it(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("trimmed.py").write_text(
        'import numpy as np\nimport symgrad as sg\nX = sg.data("X", ("N", 3))\n'
        'w = sg.param("w", (3,))\nloss = np.mean(np.sort((X @ w) ** 2)[:-1]) + np.median(w)\n'
    )
    with pytest.raises(SystemExit, match="0"):
        main(["derive", "trimmed.py"])


@pytest.mark.parametrize("field", [Floats(), Digits(), Exact()], ids=lambda f: type(f).__name__)
@pytest.mark.parametrize("cls", STANDINGS)
def test_all_numbers_are_put_in_the_same_order(cls, field):
    n, j, i = Index("n", as_size(2)), Index("j", as_size(3)), Index("i", as_size(3))
    at = [i] if cls is InOrder else []
    expr = standing(cls, entry("x", (n, j)), j, at)
    with field.precision():
        rows = field.array([[sp.Rational(1, 3), sp.Rational(-1, 7), 0], [2, 2, 1]])
    sizes = {n.size: 2, j.size: 3}
    found = evaluate(expr, {"x": rows}, sizes, field, [n, *at])
    right = getattr(np, STANDINGS[cls])(np.array([[1 / 3, -1 / 7, 0], [2, 2, 1]]), axis=1)
    assert found.astype(int).tolist() == right.tolist()
