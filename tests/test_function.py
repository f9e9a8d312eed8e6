"""The code of a value without any derivative, and code of prepared sums by a keyword."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import symgrad as sg

RNG = np.random.default_rng(2)
AT: dict[str, Any] = {
    "X": RNG.normal(size=(6, 3)),
    "W": RNG.normal(size=(3, 4)),
    "ids": np.arange(6) % 5,
    "E": RNG.normal(size=(5, 3)),
}


def classifier() -> Any:
    X, W = sg.data("X", ("N", 3)), sg.param("W", (3, 4))
    ids, E = sg.data("ids", ("N",), dtype=int), sg.param("E", (5, 3))
    z = np.maximum((X + E[ids]) @ W, 0)
    p = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
    return sg.function(p)


def right() -> tuple[np.ndarray, np.ndarray]:
    z = np.maximum((AT["X"] + AT["E"][AT["ids"]]) @ AT["W"], 0)
    return z, np.exp(z) / np.exp(z).sum(1, keepdims=True)


@pytest.mark.parametrize("plain", [False, True])
def test_it_gives_the_value_and_those_on_the_way(plain: bool) -> None:
    module = classifier().compile(plain=plain)
    found = module.forward(**AT)
    assert found._fields == ("z", "p")
    for value, expected in zip(found, right(), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-12)
    for name in ("loss", "gradients", "loss_and_gradients", "Gradients", "bind", "pack"):
        assert not hasattr(module, name)


def test_in_a_workspace_no_value_is_written_over() -> None:
    module: ModuleType = classifier().compile()
    workspace = module.Workspace(N=6, keep=True)
    for _ in range(2):
        found = module.forward(**AT, workspace=workspace)
        for value, expected in zip(found, right(), strict=True):
            np.testing.assert_allclose(value, expected, rtol=1e-12)
    with pytest.raises(ValueError, match="with keep=True, got "):
        module.forward(**AT, workspace=module.Workspace(N=6))


def test_arguments_are_checked() -> None:
    module = classifier().compile()
    with pytest.raises(ValueError, match="ids: expected labels from 0 to 4, got 5"):
        module.forward(**(AT | {"ids": np.full(6, 5)}))
    with pytest.raises(ValueError, match=r"ids: expected shape \(N,\) with N = 6 as in X"):
        module.forward(**(AT | {"ids": np.zeros(5, int)}))


def test_values_are_chosen() -> None:
    module = classifier().compile(values=["p"])
    assert module.forward(**AT)._fields == ("p",)


def test_the_file_checks_itself(tmp_path: Path) -> None:
    file = tmp_path / "classifier.py"
    classifier().write(file)
    run = subprocess.run(
        [sys.executable, "-W", "error", str(file)], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "values ok\n", "")
    assert "Gradients" not in file.read_text(encoding="utf-8")


def test_no_sums_are_prepared_for_a_value() -> None:
    with pytest.raises(sg.SpecError, match="nothing can be prepared for a value alone"):
        classifier().source(prepare=True)


def squares(**options: Any) -> sg.Derivation:
    X, y = sg.data("X", ("N", 3)), sg.data("y", ("N",))
    w = sg.param("w", (3,))
    loss = np.mean((X @ w - y) ** 2)
    return sg.derive(loss, **options)


def test_code_is_prepared_by_a_keyword() -> None:
    assert squares().source(prepare=True) == squares(prepare=True).source()
    module = squares().compile(prepare=True)
    X, y, w = RNG.normal(size=(9, 3)), RNG.normal(size=9), np.ones(3)
    value = module.loss(*module.prepare(X=X, y=y), w=w)
    np.testing.assert_allclose(value, np.mean((X @ w - y) ** 2), rtol=1e-12)


def test_only_gradients_of_a_scalar_are_prepared() -> None:
    X, w = sg.data("X", ("N", 3)), sg.param("w", (3,))
    with pytest.raises(sg.SpecError, match="only gradients of a scalar can be prepared"):
        sg.jacobian(X @ w, names={}).source(prepare=True)


@pytest.mark.parametrize("plain", [False, True])
def test_what_is_constant_after_all_has_the_size_of_its_input(plain: bool) -> None:
    module = sg.function(0 * sg.param("w", ("N",)) + 3.0, names={}).compile(plain=plain)
    np.testing.assert_array_equal(module.forward(w=np.ones(4)).value, np.full(4, 3.0))


def test_a_constant_and_no_values_are_refused() -> None:
    w = sg.param("w", (3,))
    with pytest.raises(sg.SpecError, match="value is a constant: it depends on no input"):
        sg.function(np.ones_like(w), names={}).source()
    with pytest.raises(sg.SpecError, match="values is empty"):
        sg.function(np.exp(w), names={}).source(values=[])


def test_what_no_chosen_value_needs_is_not_there() -> None:
    w, x = sg.param("w", (3,)), sg.data("x", (3,))
    q = np.exp(w)
    text = sg.function(np.sum(np.tanh(q * x)), names={"q": q}).source(values=["q"])
    assert "np.exp" in text
    assert "np.tanh" not in text
    assert text.splitlines()[1] == '"""A value, and those on the way to it.'


SQUARES_OF = {"data with a named size": ("N", 3), "data of fixed sizes": (7, 3)}


@pytest.mark.parametrize("shape", SQUARES_OF.values(), ids=SQUARES_OF)
@pytest.mark.parametrize("options", [{}, {"unroll": True}, {"plain": True}], ids=str)
def test_prepared_code_checks_itself(shape: Any, options: Any, tmp_path: Path) -> None:
    X, y, w = sg.data("X", shape), sg.data("y", shape[:1]), sg.param("w", (3,))
    file = tmp_path / "squares.py"
    sg.derive(np.sum((X @ w - y) ** 2), names={}).write(file, prepare=True, **options)
    run = subprocess.run(
        [sys.executable, "-W", "error", str(file)], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_a_matrix_that_is_factored_is_drawn_positive_definite(tmp_path: Path) -> None:
    K, y = sg.param("K", (4, 4)), sg.data("y", (4,))
    L = np.linalg.cholesky(K + 0.1 * np.eye(4))
    loss = np.sum(np.linalg.solve(L, y) ** 2) + np.sum(np.log(np.diag(L)))
    module = sg.derive(loss, names={}).compile()
    assert module._self_check() == 0
