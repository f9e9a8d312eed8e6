"""Where a simplification gives a value at which NumPy has none, a remark says what it assumes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from losses import LOSSES

import symgrad as sg
from symgrad.cli import main

Function = Callable[..., Any]

WIDENED: dict[str, tuple[Function, Any, str]] = {
    "the square of a root": (lambda np, x: np.sqrt(x) ** 2, -1.0, "x ≥ 0"),
    "a root times itself": (lambda np, x: np.sqrt(x) * np.sqrt(x), -1.0, "x ≥ 0"),
    "a power of a power": (lambda np, x: (x**0.5) ** 2, -1.0, "x ≥ 0"),
    "exp of log": (lambda np, x: np.exp(np.log(x)), -1.0, "x > 0"),
    "exp of log of a multiple": (lambda np, x: np.exp(2 * np.log(x)), -1.0, "x > 0"),
    "a quotient of the same": (lambda np, x: x / x + x, 0.0, "x ≠ 0"),
    "a quotient of a square": (lambda np, x: x**2 / x, 0.0, "x ≠ 0"),
    "a quotient times its divisor": (lambda np, x: 3 / x * x + x, 0.0, "x ≠ 0"),
    "0 times a log": (lambda np, x: 0 * np.log(x) + x, -1.0, "x > 0"),
    "0 over something": (lambda np, x: 0 / x + x, 0.0, "x ≠ 0"),
    "0 times a log2": (lambda np, x: 0 * np.log2(x) + x, -1.0, "x > 0"),
    "a log less itself": (lambda np, x: np.log(x) - np.log(x) + x, -1.0, "x > 0"),
    "sin of arcsin": (lambda np, x: np.sin(np.arcsin(x)), 2.0, "1 - x**2 ≥ 0"),
    "tanh of arctanh": (lambda np, x: np.tanh(np.arctanh(x)), 2.0, "1 - x**2 > 0"),
    "cosh of arccosh": (lambda np, x: np.cosh(np.arccosh(x)), -2.0, "x - 1 ≥ 0"),
}

KEPT: dict[str, tuple[Function, Any]] = {
    "a log": (lambda np, x: np.log(x), -1.0),
    "a root": (lambda np, x: np.sqrt(x) + x, -1.0),
    "log of exp": (lambda np, x: np.log(np.exp(x)), -1.0),
    "root of a square": (lambda np, x: np.sqrt(x**2), -1.0),
    "a softmax": (lambda np, x: np.exp(x) / np.sum(np.exp(x)), -1.0),
    "a sigmoid": (lambda np, x: np.log(1 / (1 + np.exp(-x))), -1.0),
    "a quotient by a sigmoid": (lambda np, x: (1 + np.exp(x)) / (1 + np.exp(x)) + x, -1.0),
    "a root of what is positive": (lambda np, x: np.sqrt(1 + x**2) ** 2, -1.0),
    "a quotient": (lambda np, x: 1 / x, 0.0),
    "a product of roots": (lambda np, x: np.sqrt(x) * np.sqrt(x + 1), -1.0),
    "a norm": (lambda np, x: x / np.sqrt(np.sum(x**2)), 1.0),
    "standardised": (lambda np, x: (x - np.mean(x)) / np.std(x), np.array([1.0, 2.0])),
}


def assumed(d: sg.Derivation) -> list[str]:
    return [remark for remark in d.remarks if remark.startswith("it is assumed that ")]


def value(function: Function, at: Any) -> tuple[sg.Derivation, float, float]:
    point = np.broadcast_to(np.asarray(at, float), (2,)).copy()
    x = sg.param("x", (2,))
    d = sg.derive(np.sum(function(np, x)), names={})
    with np.errstate(all="ignore"):
        return d, float(d.compile().loss(x=point)), float(np.sum(function(np, point)))


@pytest.mark.parametrize("case", WIDENED)
def test_a_remark_says_what_is_assumed(case: str) -> None:
    function, at, condition = WIDENED[case]
    d, found, true = value(function, at)
    assert not np.isnan(found)
    assert np.isnan(true)
    (remark,) = assumed(d)
    assert remark.startswith(f"it is assumed that {condition}: ")
    assert "It is assumed that" in " ".join(d.render("text").split())


@pytest.mark.parametrize("case", KEPT)
def test_no_remark_where_nothing_is_lost(case: str) -> None:
    d, found, true = value(*KEPT[case])
    np.testing.assert_allclose(found, true, rtol=1e-12)
    assert not assumed(d)


@pytest.mark.parametrize("case", WIDENED)
def test_what_is_promised_needs_no_remark(case: str) -> None:
    function, _, condition = WIDENED[case]
    x = sg.param("x", (2,), assume=sg.positive)
    remarks = assumed(sg.derive(np.sum(function(np, x)), names={}))
    assert len(remarks) == ("1" in condition)  # what is positive may still be above 1


def test_values_with_names_are_called_by_them() -> None:
    x, y = sg.param("x", (2,)), sg.data("y", (2,))
    z = np.sin(x) - y
    d = sg.derive(np.sum(z / z * x), names={"z": z})
    assert assumed(d)[0].startswith("it is assumed that z ≠ 0: ")


def test_a_long_condition_is_told_in_words() -> None:
    x, y = sg.param("x", (2,)), sg.data("y", (2,))
    d = sg.derive(
        np.sum(np.sqrt(x * y + np.sin(x) * np.cos(y) + np.exp(x) * y**3 - np.tanh(y)) ** 2),
        names={},
    )
    assert assumed(d)[0].startswith("it is assumed that what roots are taken of is not negative: ")


def test_also_along_a_direction() -> None:
    x = sg.param("x", (2,))
    assert assumed(sg.jvp(np.sqrt(x) ** 2, x, names={}))


@pytest.mark.long
def test_of_the_test_losses_none_is_widened() -> None:
    for loss in LOSSES:
        arrays = {n: sg.param(n, s) for n, s in loss.params.items()}
        arrays |= {n: sg.data(n, s) for n, s in loss.data.items()}
        arrays |= {n: sg.data(n, s, dtype=int) for n, (s, _) in loss.labels.items()}
        assert not assumed(sg.derive(loss.function(np, **arrays), names=arrays)), loss.name


def test_the_command_line_says_so_too(tmp_path: Path) -> None:
    spec = tmp_path / "widened.py"
    lines = ["import numpy as np, symgrad as sg", 'x = sg.param("x", (2,))']
    spec.write_text("\n".join([*lines, "loss = np.sum(np.sqrt(x) ** 2)"]), encoding="utf-8")
    result = CliRunner().invoke(main, ["derive", str(spec), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0
    assert "remark: it is assumed that x ≥ 0: " in result.stderr


def test_a_size_at_which_the_loss_is_infinite_is_not_the_one_that_is_judged(tmp_path: Path) -> None:
    spec = tmp_path / "spread.py"
    lines = ["import numpy as np, symgrad as sg", 's = sg.param("s", ("N",))']
    spec.write_text("\n".join([*lines, "loss = np.log(np.var(s))"]), encoding="utf-8")
    result = CliRunner().invoke(main, ["derive", str(spec), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.stderr
