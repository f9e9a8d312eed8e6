"""Gradients against differences: the forward pass is run again, moved a little to either side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from symgrad.calculus.derivation import Derivation
from symgrad.checks.evaluate import Evaluator, value
from symgrad.checks.points import Scene, Scenes, difference
from symgrad.checks.sampling import numbers_between
from symgrad.mathematics.assumptions import Assumption, symmetric, tangent
from symgrad.mathematics.equations import Equation, System
from symgrad.mathematics.indices import entries, name_of
from symgrad.mathematics.matrices import CholeskyEntry
from symgrad.mathematics.reductions import equal

Moves = Mapping[str, np.ndarray]
"""What is added to the values: an array for each that is moved."""


@dataclass(frozen=True)
class Slope:
    """What was found for some values: the error, and whether it is small enough."""

    agrees: bool
    error: float
    detail: str = ""


class Model:
    """The forward pass at a point, as a function of what is added to each of its values.

    A value whose backward pass is that of something else moves as that something does.  What is 1
    where two values are equal, such as an entry and the maximum, stays as it is: its slope is 0.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._reads = {
            e.name: {name_of(a) for side in sides(e) for a in entries(side)} for e in scene.system
        }
        self._still = scene.evaluator()

    def output(self, moves: Moves) -> np.ndarray:
        """The output when ``moves`` are added; only what depends on them is computed."""
        env = dict(self.scene.values)
        env |= {name: env[name] + move for name, move in moves.items()}
        moved = set(moves)
        at = self.scene.evaluator(env)
        for equation in self.scene.system:
            if moved & self._reads[equation.name]:
                env[equation.name] = self._value(equation, at) + moves.get(equation.name, 0)
                moved.add(equation.name)
        return env[self.scene.system.output]

    def _value(self, equation: Equation, at: Evaluator) -> np.ndarray:
        for held in equation.differentiated.atoms(equal):
            at.hold(held, self._still(held))
        if equation.backward is None:
            return value(equation, at)
        moved = at.array(equation.backward, equation.indices)
        still = self._still.array(equation.backward, equation.indices)
        return np.asarray(self.scene.values[equation.name] + (moved - still))


def sides(equation: Equation) -> list[Any]:
    """What is evaluated to move a value: what is differentiated."""
    return [equation.rhs if equation.backward is None else equation.backward]


@dataclass(frozen=True)
class Difference:
    """The output's difference quotients along a direction: to the right, to the left, central."""

    right: np.ndarray
    left: np.ndarray

    @property
    def central(self) -> np.ndarray:
        return np.asarray((self.right + self.left) / 2)

    def smooth(self, kink: float) -> bool:
        """Whether both sides agree."""
        return difference(self.right, self.left)[0] < kink


def quotient(model: Model, directions: Moves, part: float = 1) -> Difference:
    """The difference quotients of the output along ``directions``, all moved at once.

    ``part``: how much of the usual step is taken.
    """
    scene = model.scene
    h = scene.precision.field.array(part * scene.precision.step)[()]
    here = scene.values[scene.system.output]
    right = model.output({name: h * v for name, v in directions.items()})
    left = model.output({name: -h * v for name, v in directions.items()})
    return Difference((right - here) / h, (here - left) / h)


def off(
    mine: np.ndarray, found: Difference, model: Model, directions: Moves
) -> tuple[float, float]:
    """By how much a slope differs from the central one, and how large they are.

    Where the slope itself has a kink (a square of relu), the error of the central one grows with
    the step; twice the one of half a step less it is free of that.
    """
    error, magnitude = difference(mine, found.central)
    if error < model.scene.precision.slope:
        return error, magnitude
    return difference(mine, 2 * quotient(model, directions, 0.5).central - found.central)


def slope(derivation: Derivation, scene: Scene, directions: Moves) -> np.ndarray:
    """The same from the adjoints: each contracted with its direction."""
    shape = scene.values[scene.system.output].shape
    names = derivation.adjoint_name
    parts = [
        scene.values[names[name]].reshape(*shape, -1) @ direction.reshape(-1)
        for name, direction in directions.items()
    ]
    return np.asarray(sum(parts[1:], start=parts[0]))


def directions(scene: Scene, names: Sequence[str], rng: np.random.Generator) -> Moves:
    """A random direction for each value, along which what is assumed of it stays true."""
    assumed = {v.name: v.assumptions for v in scene.system.variables}
    for name in symmetric_values(scene.system):
        assumed[name] = (*assumed.get(name, ()), symmetric)
    return {name: _direction(scene, name, assumed.get(name, ()), rng) for name in names}


def _direction(
    scene: Scene, name: str, assumptions: tuple[Assumption, ...], rng: np.random.Generator
) -> np.ndarray:
    here = scene.values[name]
    free = numbers_between(here.shape, rng, (-1.0, 1.0), scene.precision.field)
    return tangent(assumptions, here, free)


def symmetric_values(system: System) -> set[str]:
    """The matrices that a Cholesky factor is taken of: its derivative takes them as symmetric."""
    found: set[str] = set()
    for equation in reversed(system.equations):
        for factor in equation.rhs.atoms(CholeskyEntry):
            found |= _over(factor.function, [limit[0] for limit in factor.limits])
        if equation.name in found:
            found |= _over(equation.rhs, equation.indices[-2:])
    return found


def _over(expr: sp.Expr, pair: Sequence[sp.Expr]) -> set[str]:
    """The arrays with these two indices as their last, in one order or the other."""
    return {name_of(a) for a in expr.atoms(sp.Indexed) if set(a.indices[-2:]) == set(pair)}


def compare(derivation: Derivation, points: Scenes, names: Sequence[str]) -> Slope:
    """The adjoints of some values against differences along one random direction of all.

    Another point is tried where this one is at a kink, or where both slopes are zero.  At a kink
    at every point (relu of relu), the values are moved entry by entry.
    """
    rng = np.random.default_rng([points.seed, len(names)])
    zero = False
    for scene in points:
        with scene.precision.field.precision():
            along, model = directions(scene, names, rng), Model(scene)
            found = quotient(model, along)
            if not found.smooth(scene.precision.kink):
                continue
            error, magnitude = off(slope(derivation, scene, along), found, model, along)
        zero = magnitude <= scene.precision.slope
        if not zero or error >= scene.precision.slope:
            return Slope(error < scene.precision.slope, error)
    if zero:
        return Slope(True, 0.0, "zero at each of the random points")
    return _each_entry(derivation, points[len(points) - 1], names)


def compare_along(derivation: Derivation, points: Scenes, tangent: str) -> Slope:
    """The output's tangent against differences along its direction, where that is no kink."""
    for scene in points:
        with scene.precision.field.precision():
            along = {name: scene.values[v] for name, v in derivation.directions.items()}
            model = Model(scene)
            found = quotient(model, along)
            if found.smooth(scene.precision.kink):
                error, _ = off(scene.values[tangent], found, model, along)
                return Slope(error < scene.precision.slope, error)
    return Slope(True, 0.0, "at a kink at each of the random points")


def _each_entry(derivation: Derivation, scene: Scene, names: Sequence[str]) -> Slope:
    """One entry at a time; at a kink, the derivative has to be one of those between both sides."""
    places = [(name, place) for name in names for place in np.ndindex(scene.values[name].shape)]
    with scene.precision.field.precision():
        model = Model(scene)
        results = [_one_entry(derivation, model, name, place) for name, place in places]
    kinks = sum(at_kink for at_kink, _ in results)
    detail = f"{kinks} of {len(results)} entries at a kink: between the one-sided derivatives"
    error = max((s.error for _, s in results), default=0.0)
    return Slope(all(s.agrees for _, s in results), error, detail if kinks else "")


def _one_entry(
    derivation: Derivation, model: Model, name: str, place: tuple[int, ...]
) -> tuple[bool, Slope]:
    scene, precision = model.scene, model.scene.precision
    unit = np.zeros(scene.values[name].shape, dtype=int)
    unit[place] = 1
    along = {name: precision.field.array(unit)}
    found, mine = quotient(model, along), slope(derivation, scene, along)
    if found.smooth(precision.kink):
        error, _ = off(mine, found, model, along)
        return False, Slope(error < precision.slope, error)
    low, high = np.minimum(found.left, found.right), np.maximum(found.left, found.right)
    outside = np.maximum(np.maximum(low - mine, mine - high), 0 * mine)
    error, _ = difference(outside, 0 * mine)
    return True, Slope(error < precision.kink, error)
