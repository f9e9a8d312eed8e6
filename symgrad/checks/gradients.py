"""Gradients against differences: the forward pass is run again, moved a little to either side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import sympy as sp

from symgrad.calculus import Derivation
from symgrad.checks.check import Check
from symgrad.checks.evaluate import Evaluator, value
from symgrad.checks.numbers import OutsideDomain
from symgrad.checks.points import EvaluatedPoint, Points, difference
from symgrad.checks.sampling import numbers_between
from symgrad.checks.stepwise import places, run
from symgrad.mathematics.assumptions import Assumption, symmetric, tangent
from symgrad.mathematics.equations import Equation, System
from symgrad.mathematics.indices import entries, name_of
from symgrad.mathematics.matrices import MATRIX_FUNCTIONS
from symgrad.mathematics.recurrences import Recurrence, in_groups, source_of
from symgrad.mathematics.reductions import equal
from symgrad.progress import tell

Moves = Mapping[str, np.ndarray]
"""What is added to the values: an array for each that is moved."""


@dataclass(frozen=True)
class Agreement:
    """What was found for some values: the error, and whether it is small enough."""

    agrees: bool
    error: float
    detail: str = ""


class Model:
    """The forward pass as it was typed, at a point, as a function of what is added to its values.

    A value whose backward pass is that of something else moves as that something does.  What is 1
    where two values are equal, such as an entry and the maximum, stays as it is: its slope is 0.
    """

    def __init__(self, point: EvaluatedPoint) -> None:
        self.point = point
        self._reads = {
            e.name: {source_of(e), *(name_of(a) for side in sides(e) for a in entries(side))}
            for e in point.system
        }
        self._parts = [*in_groups(point.system)]
        self._still = point.evaluator()

    def output(self, moves: Moves) -> np.ndarray:
        """The output when ``moves`` are added; only what depends on them is computed."""
        env = dict(self.point.values)
        env |= {name: env[name] + move for name, move in moves.items()}
        moved = set(moves)
        at = self.point.evaluator(env)
        for part in self._parts:
            whole = part.equations if isinstance(part, Recurrence) else (part,)
            if any(moved & self._reads[e.name] for e in whole):
                run(part, at, env, partial(self._moved, moves))
                moved.update(e.name for e in whole)
        return env[self.point.system.output]

    def _moved(self, moves: Moves, equation: Equation, at: Evaluator) -> np.ndarray:
        """The value of an equation, at the steps that the evaluator is at, and what is added."""
        found = self._value(equation, at)
        move = moves.get(equation.name)
        return found if move is None else found + np.asarray(move)[places(equation, at.spots)]

    def _value(self, equation: Equation, at: Evaluator) -> np.ndarray:
        still = self.point.evaluator(spots=at.spots) if at.spots else self._still
        for held in equation.differentiated.atoms(equal):
            at.hold(held, still(held))
        if equation.backward is None:
            return value(equation, at)
        moved = at.array(equation.backward, equation.indices)
        unmoved = still.array(equation.backward, equation.indices)
        here = self.point.values[equation.name][places(equation, at.spots)]
        return np.asarray(here + (moved - unmoved))


def sides(equation: Equation) -> list[Any]:
    """What is evaluated to move a value: what is differentiated."""
    return [equation.rhs if equation.backward is None else equation.backward]


LARGE = 10**6
"""From here on a value is moved by a part of itself, as less of it would be lost in rounding."""


SMALL = 1e-6
"""Below this too, as more of it could leave the domain: a density of exp(-300), say."""


@dataclass(frozen=True)
class Difference:
    """The output's difference quotients along a direction: to the right, to the left, central."""

    right: np.ndarray
    left: np.ndarray
    step: float

    @property
    def central(self) -> np.ndarray:
        return np.asarray((self.right + self.left) / 2)

    def smooth(self, kink: float) -> bool:
        """Whether both sides agree."""
        return difference(self.right, self.left)[0] < kink


def quotient(model: Model, directions: Moves) -> Difference:
    """The difference quotients of the output along ``directions``, all moved at once.

    The step is a shorter one where the end of the domain is near: log(1 - p), p clipped at 1 - eps.
    """
    *longer, last = model.point.precision.steps
    for step in longer:
        with suppress(OutsideDomain):
            return _quotient(model, directions, step)
    return _quotient(model, directions, last)


def _quotient(model: Model, directions: Moves, step: float) -> Difference:
    point = model.point
    h = point.precision.field.array(step)[()]
    here = point.values[point.system.output]
    right = model.output({name: h * v for name, v in directions.items()})
    left = model.output({name: -h * v for name, v in directions.items()})
    return Difference((right - here) / h, (here - left) / h, step)


def _to_one_side(model: Model, directions: Moves) -> Difference:
    """The quotient where there are values to one side alone, beside the 0 of the other side.

    OutsideDomain where there are none to either side.
    """
    point, step = model.point, model.point.precision.steps[-1]
    here = point.values[point.system.output]
    for side in (step, -step):
        h = point.precision.field.array(side)[()]
        with suppress(OutsideDomain):
            there = model.output({name: h * v for name, v in directions.items()})
            return Difference((there - here) / h, 0 * here, step)
    raise OutsideDomain("a value is not a real number to either side of this point")


def off(
    mine: np.ndarray, found: Difference, model: Model, directions: Moves
) -> tuple[float, float]:
    """By how much a slope differs from the central one, and how large they are.

    The error of the central one grows with the step where the slope itself has a kink (a square of
    relu), else with its square, which is felt where a root is taken near 0.  Two steps together
    are free of either.
    """
    error, magnitude = difference(mine, found.central)
    if error < model.point.precision.slope:
        return error, magnitude
    half = _quotient(model, directions, found.step / 2).central
    without = (2 * half - found.central, (4 * half - found.central) / 3)
    return min(difference(mine, slope) for slope in without)


def by_adjoints(derivation: Derivation, point: EvaluatedPoint, directions: Moves) -> np.ndarray:
    """The slope from the adjoints: each contracted with its direction."""
    shape = point.values[point.system.output].shape
    names = derivation.adjoint_name
    parts = [
        point.values[names[name]].reshape(*shape, -1) @ direction.reshape(-1)
        for name, direction in directions.items()
    ]
    return np.asarray(sum(parts[1:], start=parts[0]))


def directions(point: EvaluatedPoint, names: Sequence[str], rng: np.random.Generator) -> Moves:
    """A random direction for each value, along which what is assumed of it stays true."""
    assumed = {v.name: v.assumptions for v in point.system.variables}
    for name in symmetric_values(point.system):
        assumed[name] = (*assumed.get(name, ()), symmetric)
    return {name: _direction(point, name, assumed.get(name, ()), rng) for name in names}


def _direction(
    point: EvaluatedPoint, name: str, assumptions: tuple[Assumption, ...], rng: np.random.Generator
) -> np.ndarray:
    here = point.values[name]
    free = numbers_between(here.shape, rng, (-1.0, 1.0), point.precision.field)
    sizes = np.abs(here)
    apart = (sizes > LARGE) & (sizes < math.inf) | (sizes < SMALL) & (sizes > 0)
    if np.any(apart):  # entry by entry: beside what masks with -1e9 are small numbers
        free = np.asarray(free * np.where(apart, sizes, 1))
    return tangent(assumptions, here, free)


_OF_SYMMETRIC = [cls for cls, leaf in MATRIX_FUNCTIONS.items() if leaf.symmetric]


def symmetric_values(system: System) -> set[str]:
    """The matrices of which a function is taken that takes them as symmetric: a Cholesky factor."""
    found: set[str] = set()
    for equation in reversed(system.equations):
        for factor in equation.rhs.atoms(*_OF_SYMMETRIC):
            found |= _over(factor.function, [limit[0] for limit in factor.limits])
        if equation.name in found:
            found |= _over(equation.rhs, equation.indices[-2:])
    return found


def _over(expr: sp.Expr, pair: Sequence[sp.Expr]) -> set[str]:
    """The arrays with these two indices as their last, in one order or the other."""
    return {name_of(a) for a in expr.atoms(sp.Indexed) if set(a.indices[-2:]) == set(pair)}


def compare(derivation: Derivation, points: Points, names: Sequence[str]) -> Agreement:
    """The adjoints of some values against differences along one random direction of all.

    Another point is tried where this one is at a kink or at the end of a domain (the root of a
    variance that is 0), or where both slopes are zero.  At a kink at every point (relu of relu),
    the values are moved entry by entry.
    """
    rng = np.random.default_rng([points.seed, len(names)])
    zero = False
    for point in points:
        with point.precision.field.precision():
            along, model = directions(point, names, rng), Model(point)
            try:
                found = quotient(model, along)
            except OutsideDomain:
                continue
            if not found.smooth(point.precision.kink):
                continue
            error, magnitude = off(by_adjoints(derivation, point, along), found, model, along)
        zero = magnitude <= point.precision.slope
        if not zero or error >= point.precision.slope:
            return Agreement(error < point.precision.slope, error)
    if zero:
        return Agreement(True, 0.0, "zero at each of the random points")
    return _each_entry(derivation, points[len(points) - 1], names)


def compare_along(derivation: Derivation, points: Points, tangent: str) -> Agreement:
    """The output's tangent against differences along its direction, where that is no kink."""
    for point in points:
        with point.precision.field.precision():
            along = {name: point.values[v] for name, v in derivation.directions.items()}
            model = Model(point)
            found = quotient(model, along)
            if found.smooth(point.precision.kink):
                error, _ = off(point.values[tangent], found, model, along)
                return Agreement(error < point.precision.slope, error)
    return Agreement(True, 0.0, "at a kink at each of the random points")


def _each_entry(derivation: Derivation, point: EvaluatedPoint, names: Sequence[str]) -> Agreement:
    """One entry at a time; at a kink, the derivative has to be one of those between both sides.

    Of many entries some are drawn at random: each costs a forward pass.
    """
    places = [(name, place) for name in names for place in np.ndindex(point.values[name].shape)]
    most = max(LEAST_PLACES, PLACES // len(point.system.equations))
    if len(places) > most:
        chosen = np.random.default_rng(len(places)).choice(len(places), most, replace=False)
        places = [places[k] for k in sorted(chosen)]
    with point.precision.field.precision():
        model = Model(point)
        results = [_one_entry(derivation, model, name, place) for name, place in places]
    kinks = sum(at_kink for at_kink, _ in results)
    detail = f"{kinks} of {len(results)} entries at a kink: between the one-sided derivatives"
    error = max((s.error for _, s in results), default=0.0)
    return Agreement(all(s.agrees for _, s in results), error, detail if kinks else "")


def _one_entry(
    derivation: Derivation, model: Model, name: str, place: tuple[int, ...]
) -> tuple[bool, Agreement]:
    point, precision = model.point, model.point.precision
    unit = np.zeros(point.values[name].shape, dtype=int)
    unit[place] = 1
    along = {name: precision.field.array(unit)}
    mine = by_adjoints(derivation, point, along)
    try:
        found = quotient(model, along)
    except OutsideDomain:
        found = _to_one_side(model, along)
    if found.smooth(precision.kink):
        error, _ = off(mine, found, model, along)
        return False, Agreement(error < precision.slope, error)
    low, high = np.minimum(found.left, found.right), np.maximum(found.left, found.right)
    outside = np.maximum(np.maximum(low - mine, mine - high), 0 * mine)
    error, _ = difference(outside, 0 * mine)
    return True, Agreement(error < precision.kink, error)


# -- every gradient of a derivation ---------------------------------------------------------------

PLACES = 900
"""At how many entries one value may be looked at one by one, shared by the equations: each costs
two forward passes."""

LEAST_PLACES = 40
"""At so many they are in any case."""

RUNS = 500
"""About how many equations may be computed for differences: beyond, values share directions."""


def gradients(derivation: Derivation, points: Points) -> tuple[Check, ...]:
    """Every adjoint against differences of the output along random directions."""
    names = [a.value for a in derivation.adjoints]
    share = max(1, len(names) * len(derivation.system.equations) // RUNS)
    groups = [names[k : k + share] for k in range(0, len(names), share)]
    return tuple(c for group in groups for c in _gradient_checks(derivation, points, group))


def tangents(derivation: Derivation, points: Points) -> tuple[Check, ...]:
    """The tangent of the output against differences along the direction."""
    output = derivation.system.output
    checks = []
    for name in (t.equation.name for t in derivation.tangents if t.value == output):
        found = compare_along(derivation, points, name)
        what = "tangent = difference quotient"
        checks.append(Check(name, what, found.agrees, found.error, found.detail))
    return tuple(checks)


def _gradient_checks(derivation: Derivation, points: Points, names: Sequence[str]) -> list[Check]:
    """One check for all that are moved at once; where it fails, those of each half that do."""
    tell(f"checking the derivatives by {', '.join(names)}")
    found = compare(derivation, points, names)
    mine = [_gradient_check(derivation, names, found)]
    if found.agrees or len(names) == 1:
        return mine
    half = len(names) // 2
    parts = [
        check
        for some in (names[:half], names[half:])
        for check in _gradient_checks(derivation, points, some)
    ]
    return mine if all(check.passed for check in parts) else parts


def _gradient_check(derivation: Derivation, names: Sequence[str], found: Agreement) -> Check:
    adjoints = [derivation.adjoint_name[name] for name in names]
    title = adjoints[0] if len(names) == 1 else f"{adjoints[0]} … {adjoints[-1]}"
    together = "" if len(names) == 1 else f" ({len(names)} values moved at once)"
    output = derivation.system.output
    detail = found.detail if found.agrees else f"is not the slope of {output}; {found.detail}"
    what = f"adjoint = difference quotient{together}"
    return Check(title, what, found.agrees, found.error, detail.removesuffix("; "))
