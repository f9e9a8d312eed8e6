"""Factors that several products have in common: multiplied once, and the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symgrad as sg
from symgrad.program.common_factors import common_factors_once
from symgrad.program.interpreter import interpret
from symgrad.program.passes import compiled
from symgrad.program.program import Program

SHAPES = {"a": (4, 3), "b": (4, 3), "c": (4, 3), "d": (4, 3), "e": (4, 3), "w": (3,), "u": (4, 1)}
Loss = Callable[..., Any]

FEWER: dict[str, tuple[Loss, int, int]] = {
    "two of three": (lambda a, b, c, d, e, w, u: np.tanh(a * c * d) + np.exp(b * c * d), 4, 3),
    "in any order": (lambda a, b, c, d, e, w, u: np.tanh(d * c * a) + np.exp(c * (b * d)), 4, 3),
    "one inside the other": (lambda a, b, c, d, e, w, u: np.tanh(a * b * c) + np.exp(c * a), 3, 2),
    "rows and columns": (lambda a, b, c, d, e, w, u: np.tanh(a * w * u) + np.exp(u * b * w), 4, 3),
    "three times": (
        lambda a, b, c, d, e, w, u: np.tanh(a * d * e) + np.exp(b * d * e) + np.sin(c * d * e),
        6,
        4,
    ),
}
"""Of each how many products of two arrays there are, and how many after the pass."""

AS_MANY: dict[str, Loss] = {
    "nothing in common": lambda a, b, c, d, e, w, u: np.tanh(a * b * c) + np.exp(d * e),
    "one factor": lambda a, b, c, d, e, w, u: np.tanh(a * b) + np.exp(a * c),
    "as typed": lambda a, b, c, d, e, w, u: np.tanh(a * b * c) + np.exp(a * b * d),
    "of other entries": lambda a, b, c, d, e, w, u: np.tanh(a[1:] * b[1:]) + np.exp(a * b)[1:],
}


def _program(loss: Loss) -> Program:
    inputs = {n: sg.param(n, s) for n, s in SHAPES.items()}
    system = sg.derive(np.sum(loss(**inputs)), names={}).system
    return compiled(system.variables, system.equations, [system.output])


def _products(program: Program) -> int:
    return sum(o.function == "multiply" and len(o.reads) == 2 for o in program)


def _value(program: Program) -> Any:
    rng = np.random.default_rng(0)
    numbers = {n: rng.standard_normal(s) for n, s in SHAPES.items()}
    found = interpret(program, {v.name: numbers[v.name] for v in program.inputs})
    return found[program.outputs[0]]


@pytest.mark.parametrize("name", FEWER)
def test_factors_in_common_are_multiplied_once(name: str) -> None:
    loss, many, few = FEWER[name]
    program = _program(loss)
    found = common_factors_once(program)
    assert (_products(program), _products(found)) == (many, few)
    np.testing.assert_allclose(_value(found), _value(program), rtol=1e-13)
    assert common_factors_once(found) == found


@pytest.mark.parametrize("name", AS_MANY)
def test_what_would_be_no_less_stays_as_it_is(name: str) -> None:
    program = _program(AS_MANY[name])
    assert common_factors_once(program) is program
