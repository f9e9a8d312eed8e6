"""Checks of a derivation: each step, each gradient and each expected number."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from symgrad.calculus.derivation import Derivation, forward_and_adjoints
from symgrad.calculus.hoisting import Preparation
from symgrad.checks.differences import Slope, compare, compare_along
from symgrad.checks.evaluate import Evaluator, aligned, evaluate_equations
from symgrad.checks.numbers import Floats, OutsideDomain
from symgrad.checks.points import (
    TRIES,
    Arrays,
    Scenes,
    difference,
    example_point,
    values_where_possible,
)
from symgrad.checks.sampling import RANGES, Point, point, size_symbols, true_sizes
from symgrad.checks.truths import truths
from symgrad.errors import SymgradError
from symgrad.mathematics.equations import Equation, System
from symgrad.mathematics.sizes import fixed
from symgrad.mathematics.steps import Step
from symgrad.progress import tell


@dataclass(frozen=True)
class Check:
    """What was checked of which value, and the largest relative difference that was found."""

    name: str
    what: str
    passed: bool
    error: float | None = None
    detail: str = ""


def run(
    derivation: Derivation, *, written: System | None = None, seed: int = 0
) -> tuple[Check, ...]:
    """The checks that need nothing but the derivation: its steps and its gradients.

    ``written``: the system as the spec wrote it, if its values are to be compared as well.
    """
    points = Scenes(derivation, seed, written=written)
    found: list[Check] = []
    try:
        for kind in (steps, gradients, tangents, *([rewrites] if written else [])):
            found += kind(derivation, points)
        found += preparation(derivation, points)
    except SymgradError as error:
        found.append(Check(derivation.system.output, "can be evaluated", False, None, str(error)))
    return tuple(found)


# -- rewrites -------------------------------------------------------------------------------------


def rewrites(derivation: Derivation, points: Scenes) -> tuple[Check, ...]:
    """The values by the equations that the spec wrote, and by those that they became."""
    names = dict.fromkeys(name for name, _ in derivation.forward_steps)
    names[derivation.system.output] = None
    return tuple(_rewrite_check(name, points) for name in names)


def _rewrite_check(name: str, points: Scenes) -> Check:
    scene = points[0]
    with scene.precision.field.precision():
        error, _ = difference(scene.written[name], scene.values[name])
    return Check(name, "as written = as rewritten", error < scene.precision.same, error)


# -- what is worked out of the data ---------------------------------------------------------------


def preparation(derivation: Derivation, points: Scenes) -> tuple[Check, ...]:
    """The output by the data itself, and by what is worked out of it once."""
    made, output = derivation.preparation, derivation.system.output
    if made is None:
        return ()
    start = point(made.before, np.random.default_rng(points.seed), field := points.precision.field)
    before = evaluate_equations(made.before.equations, start.env, start.sizes, field)
    data = evaluate_equations(made.equations, start.env, start.sizes, field)
    after = evaluate_equations(derivation.system.equations, data, start.sizes, field)
    with field.precision():
        error, _ = difference(before[output], after[output])
    same = points.precision.same
    return (Check(output, "of the data = of what is prepared", error < same, error),)


# -- steps ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sides:
    """How far apart the two sides of a step are, and the largest number on either side."""

    step: Step
    error: float
    magnitude: float


def steps(derivation: Derivation, points: Scenes) -> tuple[Check, ...]:
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
    for adjoint in derivation.adjoints:
        name = derivation.adjoint_name[adjoint.value]
        yield from ((name, step) for step in _linked(adjoint.steps, adjoint.equation))


def _linked(given: Sequence[Step], equation: Equation) -> Iterator[Step]:
    """The steps; and where one does not go on from the end of another, that it is equal to it."""
    starts = [step.before for step in given[1:]] + [equation.rhs]
    for step, start in zip(given, starts, strict=False):
        yield step
        if step.after != start:
            yield replace(step, rule="the next line", before=step.after, after=start)


def compare_sides(step: Step, points: Scenes) -> Sides:
    """Both sides at a random point; at another one where both are zero, which shows little."""
    worst = Sides(step, 0.0, 0.0)
    for scene in points:
        with scene.precision.field.precision():
            error, magnitude = apart(step, scene.evaluator())
        worst = Sides(step, max(error, worst.error), max(magnitude, worst.magnitude))
        if worst.magnitude > scene.precision.same:
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


# -- gradients ------------------------------------------------------------------------------------

RUNS = 500
"""About how many equations may be computed for differences: beyond, values share directions."""


def gradients(derivation: Derivation, points: Scenes) -> tuple[Check, ...]:
    """Every adjoint against differences of the output along random directions."""
    names = [a.value for a in derivation.adjoints]
    share = max(1, len(names) * len(derivation.system.equations) // RUNS)
    groups = [names[k : k + share] for k in range(0, len(names), share)]
    return tuple(c for group in groups for c in _gradient_checks(derivation, points, group))


def tangents(derivation: Derivation, points: Scenes) -> tuple[Check, ...]:
    """The tangent of the output against differences along the direction."""
    output = derivation.system.output
    found = []
    for tangent in (t for t in derivation.tangents if t.value == output):
        slope = compare_along(derivation, points, tangent.equation.name)
        what = "tangent = difference quotient"
        found.append(Check(tangent.equation.name, what, slope.agrees, slope.error, slope.detail))
    return tuple(found)


def _gradient_checks(derivation: Derivation, points: Scenes, names: Sequence[str]) -> list[Check]:
    """One check for all that are moved at once; where it fails, those of each half that do."""
    tell(f"checking the derivatives by {', '.join(names)}")
    slope = compare(derivation, points, names)
    mine = [_gradient_check(derivation, names, slope)]
    if slope.agrees or len(names) == 1:
        return mine
    half = len(names) // 2
    parts = [
        check
        for some in (names[:half], names[half:])
        for check in _gradient_checks(derivation, points, some)
    ]
    return mine if all(check.passed for check in parts) else parts


def _gradient_check(derivation: Derivation, names: Sequence[str], slope: Slope) -> Check:
    adjoints = [derivation.adjoint_name[name] for name in names]
    title = adjoints[0] if len(names) == 1 else f"{adjoints[0]} … {adjoints[-1]}"
    together = "" if len(names) == 1 else f" ({len(names)} values moved at once)"
    output = derivation.system.output
    detail = slope.detail if slope.agrees else f"is not the slope of {output}; {slope.detail}"
    what = f"adjoint = difference quotient{together}"
    return Check(title, what, slope.agrees, slope.error, detail.removesuffix("; "))


# -- numbers --------------------------------------------------------------------------------------


class Expected(Protocol):
    """Numbers that a spec states for a value, or for the derivative of the output by it."""

    @property
    def key(self) -> str:
        """What the spec calls them."""

    @property
    def value(self) -> str:
        """The value that they are about."""

    @property
    def adjoint(self) -> bool:
        """Whether they are those of its derivative."""

    @property
    def transposed(self) -> bool:
        """Whether they are stated for the transpose."""

    @property
    def numbers(self) -> np.ndarray:
        """The numbers."""


def stated(expected: Expected, values: Arrays, adjoint_name: Mapping[str, str]) -> np.ndarray:
    """The array among ``values`` that a spec's numbers are about, as the spec shows it."""
    name = adjoint_name.get(expected.value, "") if expected.adjoint else expected.value
    if name not in values:
        raise SymgradError(
            f"there is no {expected.key} to compare with",
            hint=f"there are {', '.join(values)}",
        )
    found = np.asarray(values[name])
    return found.T if expected.transposed else found


def numbers(
    values: Arrays,
    expected: Iterable[Expected],
    adjoint_name: Mapping[str, str],
    tolerance: float = 0.0,
) -> tuple[Check, ...]:
    """The numbers that a spec expects: bit for bit, or within ``tolerance``."""
    return tuple(_number_check(e, stated(e, values, adjoint_name), tolerance) for e in expected)


def _number_check(expected: Expected, found: np.ndarray, tolerance: float) -> Check:
    what = "expected numbers" + (f" within {tolerance:g}" if tolerance else ", exactly")
    wanted = np.asarray(expected.numbers)
    if found.shape != wanted.shape:
        detail = f"has the shape {found.shape}, expected {wanted.shape}"
        return Check(expected.key, what, False, None, detail)
    with np.errstate(invalid="ignore"):
        apart = np.where(found == wanted, 0.0, np.abs(found - wanted))
    largest = float(apart.max(initial=0.0))
    if largest <= tolerance:
        return Check(expected.key, what, True, largest)
    detail = f"is {found.tolist()}, expected {wanted.tolist()}; largest difference {largest:g}"
    return Check(expected.key, what, False, largest, detail)


def example_values(
    derivation: Derivation, example: Arrays, dtype: Any = np.float64
) -> dict[str, np.ndarray]:
    """Every value and adjoint at an example point in floats, as they are held.

    What is not a number there (an adjoint that the code does not compute) is left out.
    """
    field = Floats(dtype)
    return values_where_possible(derivation, example_point(derivation, example, field), field)


# -- generated code -------------------------------------------------------------------------------

FREE_SIZES = ((3, 4, 5, 2), (1, 1, 1, 1), (2, 5, 3, 7))
"""What the named sizes are, from one run of the generated code to the next."""

CLOSE = {"float64": 1e-10, "float32": 1e-3}
"""How much a float program may differ from the evaluated equations, relative to the largest."""


def module_checks(
    derivation: Derivation, module: Any, dtype: str = "float64", seed: int = 0
) -> tuple[Check, ...]:
    """A generated module against the evaluated equations, at true sizes and random input.

    The equations are evaluated with mpmath's functions: a wrong text of a function, which would
    be in the module too, is seen.
    """
    rounds = FREE_SIZES if _is_free(derivation.system) else FREE_SIZES[:1]
    results = [_module_run(derivation, module, dtype, free, seed) for free in rounds]
    if derivation.preparation is not None:
        for result, free in zip(results, rounds, strict=True):
            result["prepare"] = _prepare_run(derivation.preparation, module, dtype, free, seed)
    names = dict.fromkeys(name for result in results for name in result)
    return tuple(
        _module_check(name, [r[name] for r in results], dtype, len(rounds)) for name in names
    )


def _prepare_run(
    made: Preparation, module: Any, dtype: str, free: Sequence[int], seed: int
) -> float:
    """The largest difference of what the function of that name works out of the data."""
    start = _float_point(made.before, dtype, free, [seed])
    given = {v.name: start.env[v.name] for v in made.variables if v.role != "constant"}
    found = module.prepare(**given)._asdict()
    prepared = {name: [found[name]] for name in made.names}
    return max(_errors(prepared, truths(made.equations, start), dtype).values())


def _is_free(system: System) -> bool:
    return any(fixed(size) is None for size in size_symbols(system))


def _module_run(
    derivation: Derivation, module: Any, dtype: str, free: Sequence[int], seed: int
) -> dict[str, float]:
    """The differences of each function's results; the best of some points.

    Rounding may put a value on the other side of a kink at one point, but hardly at all of them.
    """
    attempts = []
    for attempt in range(TRIES):
        start = _float_point(derivation.system, dtype, free, [seed, attempt])
        attempts.append(_compare_module(derivation, module, start, dtype))
        if max(attempts[-1].values()) < CLOSE[dtype]:
            break
    return min(attempts, key=lambda errors: max(errors.values()))


def _float_point(system: System, dtype: str, free: Sequence[int], seed: list[int]) -> Point:
    field, sizes = Floats(dtype), true_sizes(system, itertools.cycle(free))
    for ranges in RANGES:
        start = point(system, np.random.default_rng(seed), field, sizes=sizes, ranges=ranges)
        with suppress(OutsideDomain):
            evaluate_equations(system, start.env, sizes, field)
            return start
    raise SymgradError("no random point was found at which every value is a real number")


def _compare_module(
    derivation: Derivation, module: Any, start: Point, dtype: str
) -> dict[str, float]:
    """Relative differences: of the loss, each gradient, and what the three functions share."""
    system, adjoint = derivation.system, derivation.adjoint_name
    given = {v.name: start.env[v.name] for v in system.variables if v.role != "constant"}
    value, together = module.loss_and_gradients(**given)
    alone, gradients = module.loss(**given), module.gradients(**given)
    found = {system.output: [value, alone]}
    found |= {adjoint[n]: [getattr(g, n) for g in (together, gradients)] for n in derivation.wrt}
    errors = _errors(found, truths(forward_and_adjoints(derivation), start), dtype)
    titles = {adjoint[name]: name for name in derivation.wrt}
    return {titles.get(name, name): error for name, error in errors.items()}


def _errors(
    found: Mapping[str, Sequence[Any]], truths: Iterable[Arrays], dtype: str
) -> dict[str, float]:
    """The largest relative difference of each value from the first truth that it agrees with."""
    attempts = []
    for true in truths:
        attempts.append(
            {
                name: max(_float_difference(array, true.get(name), dtype) for array in arrays)
                for name, arrays in found.items()
            }
        )
        if max(attempts[-1].values()) < CLOSE[dtype]:
            break
    return min(attempts, key=lambda errors: max(errors.values()))


def _float_difference(found: Any, wanted: np.ndarray | None, dtype: str) -> float:
    """Infinite where the shape or the dtype is not what it should be, or no number is."""
    array = np.asarray(found)
    if wanted is None or array.shape != wanted.shape or array.dtype != np.dtype(dtype):
        return float("inf")
    if np.array_equal(array, wanted):
        return 0.0
    if not np.isfinite(wanted).all():
        same = array == wanted
        array, wanted = np.where(same, 0.0, array), np.where(same, 0.0, wanted)
    apart = float(np.abs(array - wanted).max()) / max(float(np.abs(wanted).max()), 1e-30)
    return apart if np.isfinite(apart) else float("inf")


def _module_check(name: str, errors: list[float], dtype: str, sizes: int) -> Check:
    worst = max(errors)
    what = "generated code = equations" + (f", {sizes} sizes" if sizes > 1 else "")
    detail = (
        "" if worst < CLOSE[dtype] else f"differs in {dtype} by {worst:.3g}, or in shape or dtype"
    )
    return Check(name, what, worst < CLOSE[dtype], worst, detail)
