"""Matrix forms conform, product by product, and are worth what their equations are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from losses import LOSSES, SOME, Loss
from trees import Evaluator, Unknown, Unread

import symgrad as sg
from symgrad.calculus import forward_and_adjoints
from symgrad.checks.conforming import matrix_forms
from symgrad.checks.derived import run
from symgrad.checks.numbers import Floats
from symgrad.checks.points import all_values
from symgrad.checks.sampling import random_point, true_sizes
from symgrad.cli import main
from symgrad.program.program import Op
from symgrad.writing import Notation, Style
from symgrad.writing.display import Display
from symgrad.writing.equation_forms import MadeForms
from symgrad.writing.formula import Formula
from symgrad.writing.matrix_formula import MatrixFormula, product
from symgrad.writing.matrix_reader import Reader
from symgrad.writing.printings.text import text

STYLES = [Style(), Style("delta", "numerator"), Style("partial", "numerator")]


def derivation_of(loss: Loss) -> sg.Derivation:
    arrays = {n: sg.param(n, s) for n, s in loss.params.items()}
    arrays |= {n: sg.data(n, s) for n, s in loss.data.items()}
    arrays |= {n: sg.data(n, s, dtype=int) for n, (s, _) in loss.labels.items()}
    return sg.derive(loss.function(np, **arrays), names=arrays)


def all_forms(d: sg.Derivation, style: Style | None = None) -> tuple[MadeForms, list[str]]:
    forms = MadeForms(d, Notation.of(d, style), Display)
    return forms, [e.name for e in forward_and_adjoints(d) if forms.made(e.name)]


@pytest.mark.parametrize("loss", SOME)
def test_every_matrix_form_conforms(loss: Loss) -> None:
    d = derivation_of(loss)
    for style in STYLES:
        forms, names = all_forms(d, style)
        assert not [(name, forms.wrong(name)) for name in names if forms.wrong(name)]


def values(d: sg.Derivation) -> dict[str, np.ndarray]:
    for seed in range(9):
        ranges = {"param": (0.2, 0.9), "data": (0.2, 0.9), "diagonal": (1.0, 2.0)}
        field = Floats()
        rng, sizes = np.random.default_rng(seed), true_sizes(d.system, [5])
        point = random_point(d.system, rng, field, ranges=ranges, sizes=sizes)
        try:
            return all_values(d, point, field)
        except sg.SymgradError:
            continue
    raise AssertionError


def compared(d: sg.Derivation) -> Iterator[tuple[str, bool]]:
    """The matrix forms at random numbers, and whether they are what their equations give."""
    forms, names = all_forms(d)
    arrays = values(d)
    symbols: dict[Formula, np.ndarray] = {}
    for name, array in arrays.items():
        if array.ndim < 3:
            whole = np.asarray(array, float)
            symbols[forms.symbol(name)] = whole if whole.ndim == 2 else whole.reshape(-1, 1)
    for name in names:
        left, right = forms.made(name) or ()
        if left not in symbols:
            continue  # of a stack's matrices
        try:
            found = Evaluator(symbols)(right, symbols[left].shape)
        except (Unread, Unknown):
            continue
        assert found.shape == symbols[left].shape or found.shape == (1, 1), text(right)
        yield name, np.allclose(found, symbols[left], rtol=1e-9, atol=1e-12)


@pytest.mark.long
def test_matrix_forms_are_worth_what_their_equations_are() -> None:
    count = 0
    for loss in LOSSES:
        for name, same in compared(derivation_of(loss)):
            assert same, (loss.name, name)
            count += 1
    assert count > 400


def test_a_number_that_is_a_product_stays_in_its_brackets() -> None:
    T, z = sg.data("T", (3, 1)), sg.param("z", (3, 1))
    p = np.exp(z) / np.sum(np.exp(z))
    d = sg.derive(-np.sum(T * np.log(p)), names={"p": p})
    forms, _ = all_forms(d)
    assert [text(side) for side in forms.made("dz") or ()] == ["∂ L/∂ z", "(𝟏ᵀ T) p - T"]
    assert all(same for _, same in compared(d))


def test_a_transposition_that_is_dropped_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    X, w, y = sg.data("X", ("N", 4)), sg.param("w", (4,)), sg.data("y", ("N",))
    d = sg.derive(np.sum((X @ w - y) ** 2), names={})
    assert all(check.passed for check in run(d))
    monkeypatch.setattr(MatrixFormula, "_marked", lambda self, axes: replace(self, axes=axes))
    failed = [check for check in run(d) if not check.passed]
    assert [check.name for check in failed] == ["dw"]
    assert "do not fit together" in failed[0].detail
    assert forms_are_gone(d, "dw")


def forms_are_gone(d: sg.Derivation, name: str) -> bool:
    forms, names = all_forms(d)
    return name in names and forms.written(name) is None


def test_a_product_in_the_wrong_order_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Reader.KINDS["matmul"]

    def swapped(reader: Reader, op: Op) -> MatrixFormula:
        found = plain(reader, op)
        return product(reversed(found.parts), found.axes)

    monkeypatch.setitem(Reader.KINDS, "matmul", swapped)
    W, x = sg.param("W", (3, 4)), sg.data("x", (4, 2))
    failed = [check for check in matrix_forms(sg.derive(np.sum((W @ x) ** 2))) if not check.passed]
    assert failed


def test_a_user_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        "import numpy as np, symgrad as sg",
        "X, w = sg.data('X', ('N', 4)), sg.param('w', (4,))",
        "loss = np.sum((X @ w) ** 2)",
    ]
    (tmp_path / "spec.py").write_text("\n".join(lines), encoding="utf-8")
    command = ["derive", str(tmp_path / "spec.py"), "--out", str(tmp_path / "generated")]
    assert CliRunner().invoke(main, command).exit_code == 0
    monkeypatch.setattr(MatrixFormula, "_marked", lambda self, axes: replace(self, axes=axes))
    told = CliRunner().invoke(main, command)
    assert told.exit_code == 1
    assert "matrix forms conform" in told.stderr


ONE_OF_A_KIND: dict[str, Callable[[], sg.Derivation]] = {
    "a number divided by each entry of a stack": lambda: _of_a_stack((2, 3, 4)),
    "a column of length 1": lambda: _of_a_stack((1, 3, 1)),
    "one entry above, two below": lambda: sg.derive(
        np.sum(np.hypot(sg.param("x", (2,)), sg.param("y", (1,)) + 2)), names={}
    ),
    "a row": lambda: _shares((1, 3)),
    "a column": lambda: _shares((3, 1)),
    "a part of a named size": lambda: sg.derive(
        np.sum(np.tanh(np.reshape(sg.param("x", ("N", 1)), (-1, 3, 1))) ** 2), names={}
    ),
    "along a direction": lambda: sg.jvp(np.exp(sg.param("x", (2,))), wrt="x"),
}


def _of_a_stack(shape: tuple[int, ...]) -> sg.Derivation:
    e = np.exp(sg.param("x", shape))
    s = np.sum(e, axis=2, keepdims=True)
    p = e / s
    return sg.derive(np.sum(s * (np.log(s) - np.log(p))), wrt=["x", "p"], names={"p": p, "s": s})


def _shares(shape: tuple[int, int]) -> sg.Derivation:
    x = sg.param("x", shape)
    v = np.exp(x) / np.sum(np.exp(x), 0, keepdims=True)
    return sg.derive(np.sum(v) ** 2, wrt=["x", "v"], names={"x": x, "v": v})


@pytest.mark.parametrize("name", ONE_OF_A_KIND)
def test_what_has_been_taken_for_wrong(name: str) -> None:
    d = ONE_OF_A_KIND[name]()
    assert matrix_forms(d)
    assert not [check for check in run(d) if not check.passed]


def test_shapes_are_worked_out_once_each() -> None:
    h = w = sg.param("w", (3,))
    for _ in range(40):
        h = np.sin(h)
    assert matrix_forms(sg.derive(np.sum(h), names={"w": w}))
