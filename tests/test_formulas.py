"""Formulas as trees: every printing prints every kind of them."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import sympy as sp
import typst
from test_formats import check_mathml

import symgrad as sg
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
    f.Negative(X), f.summed([("+", X), ("-", Y)]),
)  # fmt: skip


def test_every_kind_of_formula_is_there() -> None:
    kinds = {kind for kind in f.Formula.__subclasses__() if kind.__module__ == f.__name__}
    assert kinds == {type(node) for shown in KINDS for node in f.walk(shown)} | {f.Grid}


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
    """The modules that have any read names of a spec, escape sequences, or code."""
    package = Path(sg.__file__).parent
    files = [p for folder in ("writing", "formats") for p in (package / folder).rglob("*.py")]
    having = {
        p.stem for p in files if re.search(r"^(import|from) re\b", p.read_text(), re.MULTILINE)
    }
    assert having == {"listing", "names", "markdown", "text"}
