"""Formulas as trees: every printing prints every kind of them."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import sympy as sp
import typst
from test_formats import check_mathml

import symgrad as sg
from symgrad.checks import run
from symgrad.mathematics.written import Exponential
from symgrad.writing import formula as f
from symgrad.writing.formula import Gap
from symgrad.writing.line import Line
from symgrad.writing.names import symbols
from symgrad.writing.naming import Names
from symgrad.writing.printings.latex import latex
from symgrad.writing.printings.mathml import mathml
from symgrad.writing.printings.text import code, text
from symgrad.writing.printings.typst import typst as typst_formula

X, Y, HALF = f.Letter("x"), f.Word("out"), f.Fraction(f.Number("1"), f.Number("2"), small=True)
KINDS = (
    X, f.Letter("α"), f.Letter("ℓ"), Y, f.Word("a_b", "upright"), f.Word("a_b", "typewriter"),
    f.Words("two words"), f.Number("12"), f.Ones(), f.Sign("⊙"), f.THIN,
    f.Function("log"), f.Function("sigmoid", "σ"), f.Function("relu"),
    *(f.Row((X, Y), gap) for gap in Gap), f.Scripted(X, Y), f.Scripted(X, sup=f.Sign("⊤")),
    f.Scripted(f.Scripted(X, Y), sup=f.number("-1")), f.Scripted(f.Scripted(X, sup=Y), Y),
    f.Fraction(X, Y), HALF, f.Root(X), f.Root(X, "3"), f.parenthesised(X, Y),
    *(f.Fenced(a, X, b, high) for a, b in ("()", "[]", "||") for high in (False, True)),
    f.Norm(X), f.Norm(X, frobenius=True, squared=True), f.Apply(f.Function("relu"), X),
    f.Apply(f.Function("log"), X, close=False), *(f.Over(s, Y) for s in ("∑", "∏", "max")),
    *(f.Accented(a, X) for a in ("hat", "bar", "tilde", "dot", "overline")),
    f.Negative(X), f.summed([("+", X), ("-", Y)]), f.Cases((f.Row((X, Y)),), f.Number("0")),
    f.blocks([X, Y], beside=False), f.Own(r"\varrho", X),
)  # fmt: skip


def test_every_kind_of_formula_is_there() -> None:
    kinds = {kind for kind in f.Formula.__subclasses__() if kind.__module__ == f.__name__}
    assert kinds == {type(node) for shown in KINDS for node in f.walk(shown)}


@pytest.mark.parametrize("shown", KINDS, ids=repr)
def test_every_printing_prints_every_kind_of_formula(shown: f.Formula, tmp_path: Path) -> None:
    for found in (text(shown), code(shown)):
        assert not re.search(r"[\\$<>]", found)
    check_mathml(ElementTree.fromstring(mathml(shown).replace("&nbsp;", " ")))
    with_dollars = f"${typst_formula(shown)}$"
    (tmp_path / "formula.typ").write_text(with_dollars, encoding="utf-8")
    assert typst.compile(str(tmp_path / "formula.typ"), format="svg").startswith(b"<svg")
    assert latex(shown).count("{") == latex(shown).count("}")


def test_a_power_in_one_line_tells_its_base() -> None:
    x = sp.Symbol("x")
    writer = Line(Names(symbols("x")), {})
    assert text(writer.spelled(Exponential("10"), {"x": x}).formula) == "10^x"
    assert text(writer.spelled(Exponential("10"), {"x": x + 1}).formula) == "10^(x + 1)"
    assert text(writer.spelled(Exponential("e"), {"x": x}).formula) == "exp(x)"


def test_no_regular_expression_reads_a_formula() -> None:
    """The modules that have any read names and symbols of a spec, escapes, words, or code."""
    package = Path(sg.__file__).parent
    files = [p for folder in ("writing", "formats") for p in (package / folder).rglob("*.py")]
    having = {
        p.stem for p in files if re.search(r"^(import|from) re\b", p.read_text(), re.MULTILINE)
    }
    assert having == {"lines", "listing", "names", "markdown", "own", "text"}


def test_choices_are_cases_with_conditions_that_people_write() -> None:
    x, m = sg.param("x", ("N",)), sg.data("m", ("N",), dtype=bool)
    y = np.where(~((x > -2) & (x < 3)), x**2, np.where(x > 5, x, 7.0 * x))
    z = np.where((x < 0) | m, y, 0)
    u = np.where(m & (x == 1), z, 2 * z)
    shown = str(sg.derive(np.sum(u)).render(choice=sg.Choice("brief")))
    for line in (
        "y[n] = {x[n]² if x[n] ≤ −2 or x[n] ≥ 3; x[n] if x[n] > 5; 7 x[n] otherwise}",
        "z[n] = {y[n] if x[n] < 0 or m[n]; 0 otherwise}",
        "u[n] = {z[n] if x[n] = 1 and m[n]; 2 z[n] otherwise}",
    ):
        assert line in shown
    assert "where" not in shown


def test_the_derivative_of_what_is_cut_into_gates_is_made_of_blocks() -> None:
    a = sg.param("a", ("N", 6))
    i, f, o = 1 / (1 + np.exp(-a[:, :2])), np.tanh(a[:, 2:4]), np.exp(a[:, 4:])
    d = sg.derive(np.sum(i * f * o))
    _, whole = str(d.gradients["a"]).splitlines()
    assert whole == "∂L/∂a = [∂L/∂i ⊙ i ⊙ (𝟏 𝟏ᵀ − i), ∂L/∂f ⊙ (𝟏 𝟏ᵀ − f^∘2), ∂L/∂o ⊙ o]"
    u, v = sg.param("u", (3,)), sg.param("v", (4,))
    h = np.concatenate([u, v])
    assert "h = [u; v]" in str(sg.derive(np.sum(h**2)))


def test_an_author_has_symbols_of_their_own() -> None:
    X, y = sg.data("X", ("N", 3)), sg.data("y", ("N",))
    w1, width = sg.param("w1", (3,)), sg.param("width", ())
    z = X @ w1 / width
    d = sg.derive(np.sum((z - y) ** 2))
    own = {"w1": r"\mathbf{w}^{(1)}", "width": r"\ell", "z": r"\hat{y}", "loss": r"\varrho_k"}
    brief, style = sg.Choice("brief"), sg.Style(symbols=own)
    shown = str(d.render("latex", choice=brief, style=style))
    assert r"{\mathbf{w}^{(1)}}_{i}" in shown
    assert r"{\varrho}_{k} &=" in shown
    assert r"\frac{\partial {\varrho}_{k}}{\partial \ell}" in shown
    in_a_line = str(d.render("text", choice=brief, style=style))
    assert "X 𝐰^(1)" in in_a_line
    assert "ŷ[n]" in in_a_line
    assert "∂loss/∂ℓ" in in_a_line
    assert "𝐰" not in str(d)


def test_a_symbol_with_a_superscript_takes_an_exponent_in_brackets() -> None:
    w, ell = sg.param("w", (3,)), sg.param("ell", ())
    d = sg.derive(np.sum(w**2) * ell**2)
    brief = sg.Choice("brief")
    style = sg.Style(symbols={"w": "W^{(1)}", "ell": r"\lambda^{*}"})
    assert r"(\lambda^{*})^{2} \sum_{i} (W^{(1)}_{i})^{2}" in str(
        d.render("latex", choice=brief, style=style)
    )
    assert "(λ^*)² Σ_i W^(1)[i]²" in str(d.render("text", choice=brief, style=style))


def test_what_is_printed_as_cases_is_read_back() -> None:
    x = sg.param("x", ("N",))
    h = np.where(np.abs(x) < 1, x**2 / 2, np.where(x > 2, 3 * x, np.abs(x) - 0.5))
    assert all(c.passed for c in run(sg.derive(np.sum(h))))


def test_what_is_chosen_by_one_condition_is_chosen_once() -> None:
    x, y = sg.param("x", ("N",)), sg.data("y", ("N",))
    p = np.where(y > 0.5, x, 1 - x)
    d = sg.derive(np.sum(p**2 * np.where(y > 0.5, np.exp(x), np.sin(x))), names={"p": p})
    shown = str(d.gradients["x"])
    assert shown.count("if y[n] > 1/2") == 2, shown
