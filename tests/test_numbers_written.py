"""Products of numbers as they are typed, and numbers that are longer than they were meant."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import mpmath
import numpy as np
import pytest
import sympy as sp

import symgrad as sg
from symgrad.checks.reading import Reader
from symgrad.language.constants import number
from symgrad.writing.display import Display
from symgrad.writing.formula import Formula, Letter
from symgrad.writing.line import Line
from symgrad.writing.matrix_formula import literal
from symgrad.writing.names import Name
from symgrad.writing.naming import Names
from symgrad.writing.printings.text import text
from symgrad.writing.typed import Typed

TYPED = {
    "np.sqrt({})": math.sqrt,
    "1/np.sqrt({})": lambda n: 1 / math.sqrt(n),
    "np.log({})": math.log,
    "np.sqrt({}*np.pi)": lambda n: math.sqrt(n * math.pi),
    "{}": float,
    "1/{}": lambda n: 1 / n,
    "0.0{}": lambda n: n / 100,
    "1 - 0.{}": lambda n: 1 - n / 10,
}
"""Code with a digit in it, and what Python makes of it."""


def drawn(count: int) -> Iterator[tuple[str, list[sp.Expr], float]]:
    """Products and quotients as code, their factors, and the numbers that they are."""
    source = random.Random(0)
    for _ in range(count):
        factors, code, value = [], "1", mpmath.mpf(1)
        for _ in range(source.choice((1, 2, 2, 3))):
            spelled, function = source.choice(list(TYPED.items()))
            n, power = source.randint(2, 9), source.choice((1, 1, -1, 2))
            one = number(function(n))
            factors.append(one**power)
            code += f" * ({spelled.format(n)})**{power}"
            value *= mpmath.mpf(float(one)) ** power
        yield code, factors, float(value)


def names(*numbers: sp.Expr) -> Names:
    return Names({"x": Name(Letter("x"), plain="x")}, typed=Typed(frozenset(numbers)))


def value(formula: Formula) -> float:
    return float(Reader({"x": mpmath.mpf(1)}, letters=True, names={})(formula))


def test_products_of_numbers_are_written_as_what_they_are() -> None:
    """Read back, a formula is the number but for rounding: in one line, in two, as a matrix."""
    x, count, long = sp.Symbol("x"), 160, 0
    with mpmath.workdps(30):
        for code, factors, expected in drawn(count):
            product = sp.Mul(*factors)
            for written in (names(), names(*factors)):
                shown = [layout(written, {}).formula(product * x) for layout in (Display, Line)]
                for formula in (*shown, literal(product).formula):
                    assert math.isclose(value(formula), expected, rel_tol=2e-15), code
            long += any(len(part) > 16 for part in text(shown[1]).split())
    assert long < count / 10


def shown(factor: float, x: sg.Array | None = None) -> str:
    x = x if x is not None else sg.param("x", (3,))
    return str(sg.derive(np.sum(np.exp(x)) * factor, names={"x": x}).render("text"))


@pytest.mark.parametrize(
    ("factor", "written"),
    [
        (1 - 0.9, "0.1"),
        (0.1 + 0.2, "0.3"),
        (1 - 0.999, "0.001"),
        (np.float32(1e-5), "10⁻⁵"),
        (np.float32(0.3), "0.3"),
        (1 / (1 - 0.9**3), "1/0.271"),
    ],
)
def test_a_long_number_is_written_as_what_was_meant(factor: float, written: str) -> None:
    found = shown(factor)
    assert f"L = {written} Σ_i" in found
    assert f"{written} =" in found.split("Remarks")[1]


@pytest.mark.parametrize("factor", [0.1000000001, 0.30000000000004, 1.000000001e-05])
def test_no_other_number_is_taken_for_a_short_one(factor: float) -> None:
    assert f"{factor} Σ_i".replace("e-05", " · 10⁻⁵") in shown(factor)


def gradient(code: str, size: int = 3) -> str:
    space = {"np": np, "x": sg.param("x", (size,))}
    exec(f"loss = {code}", space)
    return str(sg.derive(space["loss"], names={"x": space["x"]}).render("text"))


@pytest.mark.parametrize(
    ("code", "index", "matrix"),
    [
        ("0.01 * np.sum(x**2)", "0.02 x[i]", "0.02 x"),
        ("0.001 * np.sum(x**2)", "0.002 x[i]", "0.002 x"),
        ("0.6 * np.sum(x**2)", "1.2 x[i]", "1.2 x"),
        ("np.sqrt(6) * np.sum(x**2)", "2 sqrt(6) x[i]", "2 sqrt(6) x"),
        ("np.log(2) * np.sum(x**2)", "2 log(2) x[i]", "2 log(2) x"),
        ("np.sum(np.exp(np.sqrt(24) * x))", "sqrt(24) exp(sqrt(24) x[i])", "exp(sqrt(24) x)"),
        ("np.sum(x**2) / np.sqrt(8)", "x[i]/sqrt(2)", "1/sqrt(2) x"),
    ],
)
def test_what_is_derived_is_written_as_what_is_typed(code: str, index: str, matrix: str) -> None:
    found = gradient(code)
    assert f"∂L/∂x[i] = {index}" in found
    assert matrix in found.split("All gradients")[1]


def test_a_mean_has_its_count_below() -> None:
    found = gradient("np.mean(x**2) / 2 + 0.02 * np.sum(np.sin(x))", 25)
    assert "x[i]/25" in found
    assert "0.02 cos(x[i])" in found
