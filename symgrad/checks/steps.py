"""Every step of a derivation at random points: before = after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from symgrad.calculus import Derivation
from symgrad.checks.check import Check
from symgrad.checks.evaluate import Evaluator, aligned
from symgrad.checks.points import Points, difference
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.steps import Step
from symgrad.progress import tell


@dataclass(frozen=True)
class Sides:
    """How far apart the two sides of a step are, and the largest number on either side."""

    step: Step
    error: float
    magnitude: float


def steps(derivation: Derivation, points: Points) -> tuple[Check, ...]:
    """Every step of the derivation evaluated: before = after."""
    found: dict[str, list[Sides]] = {}
    for name, step in _named_steps(derivation):
        tell(f"checking the steps of {name}")
        found.setdefault(name, []).append(compare_sides(step, points))
    return tuple(_step_check(name, sides, points.precision.same) for name, sides in found.items())


def _named_steps(derivation: Derivation) -> Iterator[tuple[str, Step]]:
    for equation in derivation.system:
        forward = [step for name, step in derivation.forward_steps if name == equation.name]
        yield from ((equation.name, step) for step in _linked(forward, equation))
    for tangent in derivation.tangents:
        found = _linked(tangent.steps, tangent.equation)
        yield from ((tangent.equation.name, step) for step in found)
    for adjoint in (a for whole in derivation.adjoints for a in (whole.part, whole) if a):
        found = _linked(adjoint.steps, adjoint.equation)
        yield from ((adjoint.equation.name, step) for step in found)


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
            error, magnitude = apart(step, point.evaluator())
        worst = Sides(step, max(error, worst.error), max(magnitude, worst.magnitude))
        if worst.magnitude > point.precision.same:
            break
    return worst


def apart(step: Step, at: Evaluator) -> tuple[float, float]:
    """The difference of the two sides over the free indices of both, and the largest number."""
    _, (before, after) = aligned([at(step.before), at(step.after)])
    return difference(before, after)


def _step_check(name: str, found: Sequence[Sides], same: float) -> Check:
    worst = max(found, key=lambda sides: sides.error)
    what = f"{len(found)} step{'s' if len(found) > 1 else ''}: before = after"
    if worst.error < same:
        return Check(name, what, True, worst.error)
    step = worst.step
    detail = f"by the rule {step.rule!r}, {step.before} should not become {step.after}"
    return Check(name, what, False, worst.error, detail)
