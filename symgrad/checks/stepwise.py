"""The values of equations in order, those of recurrences one step after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

import numpy as np

from symgrad.checks.evaluate import Environment, Evaluator, Sizes, value
from symgrad.checks.numbers import Field
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import Index
from symgrad.mathematics.recurrences import Recurrence, in_groups

Spots = Mapping[Index, np.ndarray]


def run(
    part: Equation | Recurrence,
    at: Evaluator,
    known: dict[str, np.ndarray],
    compute: Callable[[Equation, Evaluator], np.ndarray],
    spots: Mapping[str, Spots] | None = None,
) -> None:
    """The value of an equation into ``known``, or those of a recurrence, one step after the other.

    ``compute`` gives the numbers of an equation; ``spots``: at which steps, if not at all.
    """
    if isinstance(part, Recurrence):
        _each_step(part, at, known, compute, spots)
    elif spots is None or part.name not in spots:
        known[part.name] = compute(part, at)
    else:
        _at_step(part, at, known, compute, spots[part.name])


def _each_step(
    part: Recurrence,
    at: Evaluator,
    known: dict[str, np.ndarray],
    compute: Callable[[Equation, Evaluator], np.ndarray],
    spots: Mapping[str, Spots] | None,
) -> None:
    """The values of a recurrence; those of one inside of another at the steps of that alone."""
    around = spots or {}
    if spots is None:
        for equation in part.equations:
            known.pop(equation.name, None)
    for k in range(at.size(part.size))[:: part.step]:
        here = {e.name: {**around.get(e.name, {}), part.time(e): np.array([k])}
                for e in part.equations}  # fmt: skip
        for inner in part.parts():
            run(inner, at, known, compute, here)
    for equation in part.equations:
        if equation.name not in known:  # of no steps
            known[equation.name] = np.zeros(list(map(at.size, equation.shape)))


def _at_step(
    equation: Equation,
    at: Evaluator,
    known: dict[str, np.ndarray],
    compute: Callable[[Equation, Evaluator], np.ndarray],
    spots: Spots,
) -> None:
    numbers = compute(equation, Evaluator(known, at.sizes, at.field, {**at.spots, **spots}))
    if equation.name not in known:
        shape = list(map(at.size, equation.shape))
        known[equation.name] = np.zeros(shape, np.asarray(numbers).dtype)
    known[equation.name][places(equation, spots)] = numbers


def places(equation: Equation, spots: Spots) -> tuple[slice, ...]:
    """Where the entries of some steps lie in the array of all."""
    found = (spots.get(i) for i in equation.indices)
    return tuple(slice(None) if k is None else slice(int(k[0]), int(k[0]) + 1) for k in found)


def evaluate_equations(
    equations: Iterable[Equation],
    env: Environment,
    sizes: Sizes,
    field: Field,
    *,
    rounding: bool = False,
) -> dict[str, np.ndarray]:
    """The values that ``equations`` define, in order, and those of ``env``.

    Without ``rounding`` the numbers are those of the mathematics: :attr:`Equation.decimals` is
    not applied.
    """
    known = dict(env)
    at = Evaluator(known, sizes, field)
    with field.precision():
        for part in in_groups(equations):
            run(part, at, known, partial(value, rounding=rounding))
    return known
