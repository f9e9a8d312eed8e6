"""Every step of a derivation at random points: before = after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from symgrad.calculus import Derivation
from symgrad.checks.check import Check
from symgrad.checks.evaluate import Evaluator
from symgrad.checks.points import EvaluatedPoint, Points, difference
from symgrad.checks.tables import TooLarge, aligned, ordered
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import Index
from symgrad.mathematics.steps import Step, Steps
from symgrad.progress import tell

FEW = (4, 1)
"""At how many positions of each index a step is looked at, where all would take too much memory."""

AT_SOME = ", at random entries"
NOWHERE = ", but for what would take more than 1 GB"


@dataclass(frozen=True)
class Sides:
    """How far apart the two sides of a step are, and the largest number on either side.

    ``places``: where it was looked at, if not everywhere.
    """

    step: Step
    error: float
    magnitude: float
    places: str = ""


def steps(derivation: Derivation, points: Points) -> tuple[Check, ...]:
    """Every step of the derivation evaluated: before = after.

    What differs in the names of values alone holds where the first of its kind does.
    """
    found: dict[str, list[Sides]] = {}
    kinds: dict[int, tuple[Sequence[Step], list[Sides]]] = {}
    same = points.precision.same
    for name, given, equation in _chains(derivation):
        tell(f"checking the steps of {name}")
        first = given.like if isinstance(given, Steps) else given
        _, sides = kinds.get(id(first), (first, []))
        if not sides or any(side.error >= same for side in sides):
            sides = [compare_sides(step, points) for step in _linked(given, equation)]
            kinds[id(first)] = first, sides
        found.setdefault(name, []).extend(sides)
    return tuple(_step_check(name, sides, same) for name, sides in found.items() if sides)


def _chains(derivation: Derivation) -> Iterator[tuple[str, Sequence[Step], Equation]]:
    """The steps that lead to one equation, by the name that they are told under."""
    for equation in derivation.system:
        forward = [step for name, step in derivation.forward_steps if name == equation.name]
        yield equation.name, forward, equation
    for tangent in derivation.tangents:
        yield tangent.equation.name, tangent.steps, tangent.equation
    for adjoint in (a for whole in derivation.adjoints for a in (whole.part, whole) if a):
        yield adjoint.equation.name, adjoint.steps, adjoint.equation


def _linked(given: Sequence[Step], equation: Equation) -> Iterator[Step]:
    """The steps; and where one does not go on from the end of another, that it is equal to it."""
    starts = [step.before for step in given[1:]] + [equation.rhs]
    for step, start in zip(given, starts, strict=False):
        yield step
        if step.after != start:
            yield replace(step, rule="the next line", before=step.after, after=start)


def compare_sides(step: Step, points: Points) -> Sides:
    """Both sides at a random point; at another one where both are zero, which shows little."""
    worst = Sides(step, 0.0, 0.0)
    for point in points:
        with point.precision.field.precision():
            error, magnitude, places = _looked_at(step, point)
        worst = Sides(step, max(error, worst.error), max(magnitude, worst.magnitude), places)
        if worst.magnitude > point.precision.same:
            break
    return worst


def _looked_at(step: Step, point: EvaluatedPoint) -> tuple[float, float, str]:
    """The difference everywhere, or at a few entries where that would take too much memory."""
    with suppress(TooLarge):
        return *apart(step, point.evaluator()), ""
    symbols = step.before.free_symbols | step.after.free_symbols
    free = ordered(s for s in symbols if isinstance(s, Index))
    rng = np.random.default_rng(len(free))
    for count in FEW:
        lengths = {i: point.evaluator().length(i) for i in free}
        some = {i: rng.choice(n, min(n, count), replace=False) for i, n in lengths.items()}
        with suppress(TooLarge):
            return *apart(step, point.evaluator(spots=some)), AT_SOME
    return 0.0, 1.0, NOWHERE


def apart(step: Step, at: Evaluator) -> tuple[float, float]:
    """The difference of the two sides over the free indices of both, and the largest number."""
    _, (before, after) = aligned([at(step.before), at(step.after)])
    return difference(before, after)


def _step_check(name: str, found: Sequence[Sides], same: float) -> Check:
    worst = max(found, key=lambda sides: sides.error)
    places = max((sides.places for sides in found), key=("", AT_SOME, NOWHERE).index)
    what = f"{len(found)} step{'s' if len(found) > 1 else ''}: before = after{places}"
    if worst.error < same:
        return Check(name, what, True, worst.error)
    step = worst.step
    detail = f"by the rule {step.rule!r}, {step.before} should not become {step.after}"
    return Check(name, what, False, worst.error, detail)
