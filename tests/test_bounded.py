"""What a sum over a δ leaves is written with the condition under which there is something."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.checks.reading import Reader
from symgrad.mathematics.indices import Index
from symgrad.writing.display import Display
from symgrad.writing.line import Line

SIZE = 6
SPECS = {
    "np.sum(np.exp((x[1:] - x[:-1]) * 0.1) * f[1:])": "[1 ≤ i]",
    "np.sum((x[2:] - 0.5 * x[1:-1] - 0.2 * x[:-2]) ** 2)": "[2 ≤ i]",
    "np.sum(x[1:][::-1] * np.sin(x[:-1])) + np.sum(np.sin(x[::-1]) * f)": "[0 < n]",
    "np.sum(np.exp(x[:-2] * f[2:]))": "[i < N − 2]",
    "np.sum(np.cos(x[1:-2]))": "[1 ≤ i]",
}
"""Losses, and a condition in their derivatives."""


class Axis:
    """Entries; beyond the ends there is nothing, which a condition has to tell."""

    def __init__(self, entries: Any) -> None:
        self.entries = list(map(mpmath.mpf, entries))

    def __getitem__(self, place: int) -> Any:
        return self.entries[place] if 0 <= place < SIZE else mpmath.mpf(7)


@pytest.mark.parametrize("layout", [Display, Line])
@pytest.mark.parametrize("spec", SPECS)
def test_a_condition_says_where_there_is_something(spec: str, layout: Any) -> None:
    x, f = sg.param("x", ("N",)), sg.data("f", ("N",))
    d = sg.derive(eval(spec, {"np": np, "x": x, "f": f}), names={"x": x, "f": f})
    assert SPECS[spec].strip("[]ni ") in d.render("text")
    rng = np.random.default_rng(0)
    point = {v.name: rng.normal(size=SIZE) for v in d.system.variables}
    _, gradients = d.compile().loss_and_gradients(**point)
    equation = d.adjoint("x").equation
    (index,) = equation.indices
    assert isinstance(index, Index)
    formula = d.notation.formula(layout, equation.rhs, equation.indices)
    letter = d.notation.letters.assign(equation.rhs, equation.indices)[index]
    values = {name: Axis(value) for name, value in point.items()} | {"N": SIZE}
    for place, expected in enumerate(gradients.x):
        read = Reader({**values, letter: place}, letters=True, names={})
        assert float(read(formula)) == pytest.approx(expected, rel=1e-12), place


def test_a_reader_is_told_what_a_condition_in_brackets_is() -> None:
    x = sg.param("x", ("N",))
    told = "A condition in square brackets"
    assert told in " ".join(sg.derive(np.sum((x[1:] - x[:-1]) ** 2)).render("text").split())
    assert told not in " ".join(sg.derive(np.sum(x**2)).render("text").split())
