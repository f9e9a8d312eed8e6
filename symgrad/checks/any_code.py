"""Gradients of any code against differences, with an estimate of what the differences can tell."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.errors import CheckError

Numbers = np.ndarray[Any, Any]
Point = Mapping[str, Any]
Curve = Callable[[float], float]
"""The loss along a direction, as a function of how far."""

STARTS = (0.3, 0.03, 3e-3, 3e-4)
"""The largest steps of the sequences that are tried: a kink or the end of a domain may be near."""

RATIO, STEPS = 1.6, 9
"""By how much each step is smaller than the one before, and how many there are."""

SURE = 10.0
"""How many times its estimated error a difference may be off."""


@dataclass(frozen=True)
class Estimate:
    """A derivative by differences, and about how far from the true one it may be."""

    value: float
    error: float


@dataclass(frozen=True)
class Slope:
    """What was found along one direction of one parameter.

    ``verdict``: "agrees", "differs", "kink" (the slopes to the two sides differ, and the gradient
    lies between them), or "unclear" (the differences are too rough to tell).
    """

    name: str
    verdict: str
    exact: float
    found: Estimate
    left: Estimate
    right: Estimate
    resolution: float = np.inf
    """The smallest relative error of the gradient that would have been seen."""
    detail: str = ""

    def __str__(self) -> str:
        numbers = f"{self.exact:.12g}, by differences {self.found.value:.12g}"
        if self.verdict == "kink":
            numbers = (
                f"{self.exact:.12g}, between the slopes {self.left.value:.6g} to the left and "
                f"{self.right.value:.6g} to the right"
            )
        return f"{self.name}: {self.verdict}: {numbers}{self.detail}"


@dataclass(frozen=True)
class GradientCheck:
    """What ``check_gradients`` found, slope by slope."""

    slopes: tuple[Slope, ...]

    @property
    def passed(self) -> bool:
        """Whether every slope agrees."""
        return all(s.verdict == "agrees" for s in self.slopes)

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        lines = [str(s) for s in self.slopes if s.verdict != "agrees"]
        good: dict[str, float] = {}
        for slope in self.slopes:
            if slope.verdict == "agrees":
                good[slope.name] = max(slope.resolution, good.get(slope.name, 0.0))
        lines += [
            f"{name}: agrees; a relative error of {r:.1g} would be seen" for name, r in good.items()
        ]
        return "\n".join(lines)


def check_gradients(
    code: Any,
    point: Point,
    *,
    directions: int = 3,
    resolution: float = 1e-6,
    seed: int = 0,
    strict: bool = True,
) -> GradientCheck:
    """The gradients of a generated module, or of any code, against differences of its loss.

    ``code``: a generated module, or a pair of functions of keyword arguments: the loss, and its
    gradients by name.  Each gradient is compared along random directions, with differences that
    are extrapolated to a step of zero and tell their own error: where that is too large to see a
    relative error of ``resolution``, the answer is "unclear"; where the slopes to both sides
    differ, it is "kink".  Raises CheckError unless all agree, but for ``strict=False``.
    """
    loss, gradients = _functions(code)
    start = {name: _double(value) for name, value in point.items()}
    rng = np.random.default_rng(seed)
    slopes = [
        slope
        for name, gradient in gradients(start).items()
        for slope in _slopes(loss, start, name, np.asarray(gradient), directions, resolution, rng)
    ]
    found = GradientCheck(tuple(slopes))
    if strict and not found.passed:
        raise CheckError(
            f"the gradients could not be confirmed\n{found}",
            hint="strict=False returns what was found instead",
        )
    return found


def _double(value: Any) -> Numbers:
    array = np.asarray(value)
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _functions(
    code: Any,
) -> tuple[Callable[[Point], float], Callable[[Point], dict[str, Any]]]:
    """The loss and the gradients as functions of a point."""
    pair = code if isinstance(code, (tuple, list)) else (code.loss, code.gradients)

    def loss(at: Point) -> float:
        with warnings.catch_warnings(action="ignore"):
            return float(pair[0](**at))

    def gradients(at: Point) -> dict[str, Any]:
        found = pair[1](**at)
        named = found._asdict() if hasattr(found, "_asdict") else found
        return dict(named)

    return loss, gradients


def _slopes(
    loss: Callable[[Point], float],
    start: Mapping[str, Numbers],
    name: str,
    gradient: Numbers,
    directions: int,
    resolution: float,
    rng: np.random.Generator,
) -> Iterator[Slope]:
    """The slopes along random directions of one parameter; where one is wrong, the entry."""
    here = start[name].astype(np.float64)
    nothing = Estimate(np.nan, np.inf)
    if gradient.shape != here.shape:
        shapes = f"; the gradient has the shape {gradient.shape}, {name} {here.shape}"
        yield Slope(name, "differs", np.nan, nothing, nothing, nothing, detail=shapes)
        return
    for number in range(directions):
        along = _direction(gradient, number, rng)
        slope = _compared(loss, start, name, gradient, along, resolution)
        yield slope
        if slope.verdict == "differs":
            worst = _worst_entry(loss, start, name, gradient, resolution)
            yield from [] if worst is None else [worst]
            return


def _direction(gradient: Numbers, number: int, rng: np.random.Generator) -> Numbers:
    """Random; the first has the signs of the gradient, so that nothing cancels."""
    drawn = rng.uniform(0.5, 1.0, size=gradient.shape)
    signs = np.where(rng.random(gradient.shape) < 0.5, -1.0, 1.0)
    given = np.sign(np.nan_to_num(gradient))
    return np.asarray(drawn * np.where((given == 0) | (number > 0), signs, given))


def _compared(
    loss: Callable[[Point], float],
    start: Mapping[str, Numbers],
    name: str,
    gradient: Numbers,
    along: Numbers,
    resolution: float,
    detail: str = "",
) -> Slope:
    here = start[name].astype(np.float64)
    unit = max(1.0, float(np.abs(here).max(initial=0.0)))

    def curve(distance: float) -> float:
        return loss({**start, name: here + distance * unit * along})

    products = gradient * along
    exact, scale = float(products.sum()), float(np.abs(products).sum())
    sides = [Estimate(e.value / unit, e.error / unit) for e in differences(curve)]
    left, central, right = sides
    verdict, seen = _verdict(exact, sides, scale, abs(curve(0.0)) / unit, resolution)
    return Slope(name, verdict, exact, central, left, right, seen, detail)


def _verdict(
    exact: float, sides: Sequence[Estimate], scale: float, height: float, resolution: float
) -> tuple[str, float]:
    """What to say, and the smallest relative error that would have been seen.

    ``height`` is what an error is relative to where the slope is 0: the value of the loss.
    """
    if not np.isfinite(exact):
        return "differs", np.inf
    left, central, right = sides
    unsure = SURE * (left.error + right.error) + 1e-5 * max(abs(left.value), abs(right.value))
    low, high = sorted((left.value, right.value))
    if high - low > unsure:
        return ("kink" if low - unsure <= exact <= high + unsure else "differs"), np.inf
    error, apart = SURE * central.error, abs(exact - central.value)
    size = max(scale, abs(central.value))
    seen = error / (size if size > error else max(size, height)) if error else 0.0
    clear = bool(np.isfinite(error)) and seen <= resolution
    if apart <= max(error, 1e-12 * size):
        return ("agrees" if clear else "unclear"), seen
    return ("differs" if clear or not apart <= 10 * error else "unclear"), seen


def _worst_entry(
    loss: Callable[[Point], float],
    start: Mapping[str, Numbers],
    name: str,
    gradient: Numbers,
    resolution: float,
    most: int = 400,
) -> Slope | None:
    """The entry whose derivative is off by most, one at a time."""
    wrong = []
    for place in list(np.ndindex(gradient.shape))[:most]:
        unit = np.zeros(gradient.shape)
        unit[place] = 1.0
        at = f" at entry {list(place)}" if place else ""
        slope = _compared(loss, start, name, gradient, unit, resolution, at)
        wrong += [slope] if slope.verdict == "differs" else []
    return max(wrong, key=lambda s: abs(s.exact - s.found.value), default=None)


# -- differences ----------------------------------------------------------------------------------


def differences(curve: Curve) -> tuple[Estimate, Estimate, Estimate]:
    """The slope at 0 to the left, of both sides, and to the right: each the best of some tries."""
    here = curve(0.0)
    tries = [_from(curve, here, start) for start in STARTS]
    return tuple(_best([t[k] for t in tries]) for k in range(3))  # type: ignore[return-value]


def _from(curve: Curve, here: float, start: float) -> tuple[Estimate, Estimate, Estimate]:
    steps = [start / RATIO**k for k in range(STEPS)]
    right = [curve(h) for h in steps]
    left = [curve(-h) for h in steps]
    noise = 4 * np.finfo(float).eps * max(abs(here), *map(abs, right), *map(abs, left))
    sides = (
        ([(here - f) / h for f, h in zip(left, steps, strict=True)], 1),
        ([(a - b) / (2 * h) for a, b, h in zip(right, left, steps, strict=True)], 2),
        ([(f - here) / h for f, h in zip(right, steps, strict=True)], 1),
    )
    one, both, other = (_extrapolated(q, power, noise / steps[-1]) for q, power in sides)
    return one, both, other


def _extrapolated(quotients: Sequence[float], power: int, noise: float) -> Estimate:
    """Difference quotients extrapolated to a step of 0; the error is that of neighbours.

    Ridders, Accurate computation of F'(x) and F'(x) F''(x), Advances in Engineering Software 4
    (1982).
    """
    best = Estimate(np.nan, np.inf)
    above: list[float] = []
    for row, quotient in enumerate(quotients):
        line = [quotient]
        for column, old in enumerate(above):
            factor = RATIO ** (power * (column + 1))
            line.append((factor * line[-1] - old) / (factor - 1))
            error = max(abs(line[-1] - line[-2]), abs(line[-1] - old))
            floor = noise / RATIO ** (len(quotients) - 1 - row)
            if error + floor < best.error:
                best = Estimate(line[-1], error + floor)
        above = line
    return best


def _best(found: Sequence[Estimate]) -> Estimate:
    """The one with the least error, which is at least what the next best tells."""
    first, second = sorted(found, key=lambda e: e.error)[:2]
    apart = abs(first.value - second.value)
    told = min(apart, second.error) if np.isfinite(apart) else 0.0
    return Estimate(first.value, max(first.error, told))
