"""What is worked out of the data once: the same loss and gradients, and nothing of its rows."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import symgrad as sg
from symgrad.checks.derived import run
from symgrad.checks.generated import module_checks
from symgrad.cli import main

N, D, K = 7, 3, 2
Inputs = dict[str, Any]


def least_squares(v: Inputs) -> Any:
    residual = v["X"] @ v["w"] - v["y"]
    return np.mean(residual**2)


def with_bias(v: Inputs) -> Any:
    residual = v["X"] @ v["w"] + v["b"] - v["y"]
    return 0.5 * np.sum(residual**2) / residual.shape[0] + 0.1 * np.sum(v["w"] ** 2)


def weighted(v: Inputs) -> Any:
    return np.sum(v["s"] * (v["y"] - v["X"] @ v["w"]) ** 2)


def several_outputs(v: Inputs) -> Any:
    difference = v["X"] @ v["W"] + v["c"] - v["T"]
    return np.sum(difference * difference)


def two_linear_layers(v: Inputs) -> Any:
    hidden = v["X"] @ v["W1"]
    return np.mean((hidden @ v["W2"] - v["T"]) ** 2)


def principal_components(v: Inputs) -> Any:
    centred = v["X"] - np.mean(v["X"], axis=0)
    return -np.trace(v["W"].T @ centred.T @ centred @ v["W"])


def root(v: Inputs) -> Any:
    return np.sqrt(1 + np.sum((v["X"] @ v["w"] - v["y"]) ** 2))


def written_as_moments(v: Inputs) -> Any:
    gram, right = v["X"].T @ v["X"], v["X"].T @ v["y"]
    return v["w"] @ gram @ v["w"] - 2 * right @ v["w"]


def cubic(v: Inputs) -> Any:
    return np.mean((v["X"] @ v["w"]) ** 3)


OF_NO_ROWS = [
    least_squares,
    with_bias,
    weighted,
    several_outputs,
    two_linear_layers,
    principal_components,
    root,
    written_as_moments,
    cubic,
]


def logistic(v: Inputs) -> Any:
    """Its sums have functions of the parameters in them; only t log n is of data alone."""
    z = v["X"] @ v["w"]
    return np.mean(np.logaddexp(0, -v["s"] * np.log1p(v["y"] ** 2) * z))


DATA = {"X": ("N", D), "y": ("N",), "s": ("N",), "T": ("N", K)}
PARAMS = {"w": (D,), "b": (), "W": (D, K), "c": (K,), "W1": (D, 4), "W2": (4, K)}


def derived(loss: Callable[[Inputs], Any], *, prepare: bool) -> sg.Derivation:
    inputs: Inputs = {n: sg.data(n, shape) for n, shape in DATA.items()}
    inputs |= {n: sg.param(n, shape) for n, shape in PARAMS.items()}
    return sg.derive(loss(inputs), names={}, prepare=prepare)


def numbers(names: Any, seed: int = 0, dtype: str = "float64") -> Inputs:
    rng = np.random.default_rng(seed)
    sizes = {"N": N}
    shapes = {**DATA, **PARAMS}
    point = {n: rng.standard_normal([sizes.get(s, s) for s in shapes[n]]) for n in shapes}
    return {n: np.asarray(point[n], dtype) for n in names}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("loss", [*OF_NO_ROWS, logistic], ids=lambda f: f.__name__)
def test_the_same_loss_and_gradients(loss: Callable[[Inputs], Any], dtype: str) -> None:
    usual, made = derived(loss, prepare=False), derived(loss, prepare=True)
    assert made.preparation is not None
    at = numbers([v.name for v in usual.system.variables], dtype=dtype)
    module = made.compile(dtype=dtype)
    data = module.prepare(**{v.name: at[v.name] for v in made.preparation.variables})
    rest = {v.name: at[v.name] for v in made.system.variables if v.name in at}
    value, found = module.loss_and_gradients(**data._asdict(), **rest)
    expected, right = usual.compile(dtype=dtype).loss_and_gradients(**at)
    tolerance = 1e-12 if dtype == "float64" else 2e-4
    np.testing.assert_allclose(value, expected, rtol=tolerance)
    for name, gradient in found._asdict().items():
        wanted = getattr(right, name)
        assert gradient.dtype == dtype
        np.testing.assert_allclose(
            gradient, wanted, rtol=tolerance, atol=tolerance * abs(wanted).max()
        )


@pytest.mark.parametrize("loss", OF_NO_ROWS, ids=lambda f: f.__name__)
def test_a_step_knows_nothing_of_the_rows(loss: Callable[[Inputs], Any]) -> None:
    made = derived(loss, prepare=True)
    text = made.source()
    steps = text[text.index("def loss(") : text.index("def bind(")]
    assert not {"X", "y", "T", "s"} & {v.name for v in made.system.variables}
    assert not re.search(r"\bN\b", steps)


@pytest.mark.parametrize("loss", [*OF_NO_ROWS, logistic], ids=lambda f: f.__name__)
def test_it_is_checked(loss: Callable[[Inputs], Any]) -> None:
    made = derived(loss, prepare=True)
    checks = [*run(made), *module_checks(made, made.compile())]
    assert {"of the data = of what is prepared"} <= {c.what for c in checks}
    assert [c for c in checks if not c.passed] == []


def test_moments_read_as_in_a_textbook() -> None:
    made = derived(least_squares, prepare=True)
    text = str(made.render("text"))
    assert "XX[i,j] = 1/N Σ_n X[n,i] X[n,j]; symmetric" in " ".join(text.split())
    assert "∂L/∂w = 2 (XX w − X_y)" in text


def test_a_fault_in_prepare_is_found(tmp_path: Path) -> None:
    text = derived(least_squares, prepare=True).source()
    right = "yy = np.sum(y**2) / N"
    assert right in text
    for number, changed in enumerate([text, text.replace(right, "yy = np.sum(y**2)")]):
        path = tmp_path / f"module_{number}.py"
        path.write_text(changed)
        done = subprocess.run([sys.executable, str(path)], capture_output=True, check=False)
        assert done.returncode == number, done.stdout


def test_wrong_data_is_an_error() -> None:
    module = derived(least_squares, prepare=True).compile()
    with pytest.raises(ValueError, match=r"y: expected shape \(N,\) with N = 4 as in X"):
        module.prepare(np.ones((4, D)), np.ones(5))
    with pytest.raises(ValueError, match="X: expected N to be 1 or more, got 0"):
        module.prepare(np.ones((0, D)), np.ones(0))


def test_what_cant_be_prepared_is_an_error() -> None:
    w, X = sg.param("w", (3,)), sg.data("X", ("N", 3))
    with pytest.raises(sg.SpecError, match="nothing to prepare"):
        sg.derive(np.mean(np.exp(X @ w)), prepare=True)
    r = X @ w
    with pytest.raises(sg.SpecError, match="can't differentiate by r, of which only sums are left"):
        sg.derive(np.mean(r**2), wrt=["r"], prepare=True)


def test_names_that_are_taken() -> None:
    X, XX = sg.data("X", ("N", 3)), sg.param("XX", (3,))
    made = sg.derive(np.mean((X @ XX) ** 2), prepare=True)
    assert [v.name for v in made.system.variables] == ["XX_", "XX"]
    n, p, w = sg.data("n", ("N", 3)), sg.data("p", ("N",)), sg.param("w", (3,))
    made = sg.derive(np.sum((n @ w - p) ** 2), prepare=True)
    assert made.compile().Prepared._fields == ("np_", "nn", "pp")


SPEC = """
import numpy as np
import symgrad as sg

X, y = sg.data("X", ("N", 2)), sg.data("y", ("N",))
w = sg.param("w", (2,))
r = X @ w - y
loss = np.sum(r**2)
example = {"X": [[1, 2], [3, 4], [0, 1]], "y": [1, 2, 3], "w": [1, -1]}
expected = {"dL_dw": [-22, -40], "loss": 29, "r": [-2, -3, -4]}
"""


def test_the_command_line(tmp_path: Path) -> None:
    spec = tmp_path / "spec.py"
    spec.write_text(SPEC)
    arguments = ["derive", str(spec), "--prepare", "--format", "text", "--out", str(tmp_path / "g")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "of the data = of what is" in result.output
    (row,) = (line for line in result.output.splitlines() if "expected numbers" in line)
    assert row.split()[-4:-1] == ["dL_dw,", "loss,", "r"]
    done = subprocess.run([sys.executable, str(tmp_path / "g" / "spec.py")], check=False)
    assert done.returncode == 0


def test_labels_from_1_can_be_prepared() -> None:
    X, w, y = sg.data("X", ("N", 3)), sg.param("w", (3,)), sg.data("y", ("N",), dtype=int)
    loss = np.sum((X @ w - X[sg.arange("N"), y - 1]) ** 2)
    module = sg.derive(loss, names={"X": X, "w": w, "y": y}, prepare=True).compile()
    rng = np.random.default_rng(0)
    at, labels, slope = rng.normal(size=(5, 3)), np.array([1, 2, 3, 3, 1]), rng.normal(size=3)
    truth = np.sum((at @ slope - at[np.arange(5), labels - 1]) ** 2)
    assert module.loss(*module.prepare(X=at, y=labels), slope) == pytest.approx(truth)
    with pytest.raises(ValueError, match="y: expected labels from 1 to 3, got 0"):
        module.prepare(X=at, y=labels - 1)
