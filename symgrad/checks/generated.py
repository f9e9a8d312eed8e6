"""A generated module against the evaluated equations, at true sizes and random input."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from symgrad.calculus import Derivation, Preparation, forward_and_adjoints
from symgrad.checks.any_code import Slope, check_gradients
from symgrad.checks.check import Check
from symgrad.checks.numbers import Floats, OutsideDomain
from symgrad.checks.points import TRIES, Arrays
from symgrad.checks.sampling import (
    MORE,
    RANGES,
    Point,
    is_infinite,
    no_point,
    random_point,
    size_symbols,
    true_sizes,
)
from symgrad.checks.stepwise import evaluate_equations
from symgrad.checks.truths import truths
from symgrad.mathematics.equations import System, Variable, shapes_of
from symgrad.mathematics.sizes import fixed

FREE_SIZES = ((3, 4, 5, 2), (1, 1, 1, 1), (2, 5, 3, 7))
"""What the named sizes are, from one run of the generated code to the next."""

CLOSE = {"float64": 1e-10, "float32": 1e-3}
"""How much a float program may differ from the evaluated equations, relative to the largest."""


MOST_HELD = 2**26
"""So many numbers in all arrays together are half a gigabyte: more are not run."""

NOISE = 16
"""So many units in the last place of the largest value are no difference: a sum that is 0."""


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
    start = float_point(made.before, dtype, free, [seed])
    given = arguments(made.variables, start)
    found = module.prepare(**given)._asdict()
    prepared = {name: [found[name]] for name in made.names}
    return max(_errors(prepared, truths(made.equations, start), dtype).values())


def arguments(variables: Iterable[Variable], start: Point) -> dict[str, np.ndarray]:
    """What the functions take: conditions as truth values, which equations have as 0 and 1."""
    return {
        v.name: start.env[v.name].astype(bool) if v.dtype == "bool" else start.env[v.name]
        for v in variables
        if v.role != "constant"
    }


def _is_free(system: System) -> bool:
    return any(fixed(size) is None for size in size_symbols(system))


def by_its_loss(derivation: Derivation, module: Any, told: str) -> tuple[Check, ...]:
    """A module's gradients against differences of its own loss: what takes the least memory.

    ``told``: why it is not compared with the equations.
    """
    system = derivation.system
    sizes = true_sizes(system, itertools.cycle(FREE_SIZES[0]))
    shapes = shapes_of(system.variables, forward_and_adjoints(derivation)).values()
    if sum(math.prod(int(s.xreplace(sizes)) for s in shape) for shape in shapes) > MOST_HELD:
        return (Check(system.output, f"the generated code was not run: {told}", True),)
    for ranges in RANGES:
        rng = np.random.default_rng(0)
        start = random_point(system, rng, Floats("float64"), sizes=sizes, ranges=ranges)
        given = arguments(system.variables, start)
        if np.isfinite(module.loss(**given)).all():
            found = check_gradients(module, given, directions=1, strict=False).slopes
            return tuple(_slope_check(slope) for slope in found)
    raise no_point(system)


def _slope_check(slope: Slope) -> Check:
    wrong = slope.verdict == "differs"
    what = "generated gradient = differences of its loss"
    return Check(slope.name, what, not wrong, detail=str(slope) if wrong else slope.verdict)


def _module_run(
    derivation: Derivation, module: Any, dtype: str, free: Sequence[int], seed: int
) -> dict[str, float]:
    """The differences of each function's results; the best of some points.

    Rounding may put a value on the other side of a kink at one point, but hardly at all of them.
    """
    attempts = []
    for attempt in range(TRIES):
        start = float_point(derivation.system, dtype, free, [seed, attempt])
        attempts.append(_compare_module(derivation, module, start, dtype))
        if max(attempts[-1].values()) < CLOSE[dtype]:
            break
    return min(attempts, key=lambda errors: max(errors.values()))


def float_point(system: System, dtype: str, free: Sequence[int], seed: list[int]) -> Point:
    """Numbers for all inputs, at which the output is finite if there are such."""
    field = Floats(dtype, gaps=is_infinite(system))
    infinite = None  # as log(var(x)) is of one entry
    for more, ranges in itertools.product(MORE, RANGES):
        sizes = true_sizes(system, itertools.cycle(n + more for n in free))
        start = random_point(system, np.random.default_rng(seed), field, sizes=sizes, ranges=ranges)
        with suppress(OutsideDomain):
            found = evaluate_equations(system, start.env, sizes, field)
            if np.isfinite(found[system.output].astype(float)).all():
                return start
            infinite = infinite or start
    if infinite is not None:
        return infinite
    raise no_point(system)


def _compare_module(
    derivation: Derivation, module: Any, start: Point, dtype: str
) -> dict[str, float]:
    """Relative differences: of the loss, each gradient, and what the three functions share."""
    system, adjoint = derivation.system, derivation.adjoint_name
    given = arguments(system.variables, start)
    value, together = module.loss_and_gradients(**given)
    alone, gradients = module.loss(**given), module.gradients(**given)
    found = {system.output: [value, alone]}
    found |= {adjoint[n]: [getattr(g, n) for g in (together, gradients)] for n in derivation.wrt}
    equations = forward_and_adjoints(derivation)
    known = {e.name for e in equations}  # a field may be called otherwise
    found |= (way := {n: x for n, x in _way(module, given).items() if n in known})
    errors = _errors(found, truths(equations, start), dtype)
    errors |= {n: math.inf for n in found.keys() - way.keys() if np.isnan(found[n]).any()}
    titles = {adjoint[name]: name for name in derivation.wrt}
    told = {titles.get(name, name): error for name, error in errors.items() if name not in way}
    return told | ({"forward()": max(errors[name] for name in way)} if way else {})


def _way(module: Any, given: Mapping[str, np.ndarray]) -> dict[str, list[Any]]:
    """The values on the way, where the module offers them."""
    if not hasattr(module, "forward"):
        return {}
    taken = [name for name in inspect.signature(module.forward).parameters if name in given]
    values = module.forward(**{name: given[name] for name in taken})
    kinds = [a.dtype for a in given.values() if a.dtype.kind == "f"]
    return {name: [_as_floats(v, *kinds)] for name, v in values._asdict().items()}


def _as_floats(value: Any, *kinds: np.dtype[Any]) -> Any:
    """Conditions and counts, which NumPy holds as such, as the numbers that they are."""
    array = np.asarray(value)
    return array.astype(np.result_type(*kinds)) if array.dtype.kind in "bi" and kinds else value


def _errors(
    found: Mapping[str, Sequence[Any]], truths: Iterable[Arrays], dtype: str
) -> dict[str, float]:
    """The largest relative difference of each value from the first truth that it agrees with."""
    attempts = []
    for true in truths:
        noise = NOISE * float(np.finfo(dtype).eps) * _largest_finite(true)
        attempts.append(
            {
                name: max(float_difference(a, true.get(name), dtype, noise) for a in arrays)
                for name, arrays in found.items()
            }
        )
        if max(attempts[-1].values()) < CLOSE[dtype]:
            break
    return min(attempts, key=lambda errors: max(errors.values()))


def _largest_finite(values: Arrays) -> float:
    """The largest absolute value of all, infinities left out."""
    arrays = (np.abs(np.asarray(v, dtype=float)) for v in values.values() if np.size(v))
    return float(max((np.max(a, initial=0.0, where=np.isfinite(a)) for a in arrays), default=0.0))


def float_difference(found: Any, wanted: np.ndarray | None, dtype: str, noise: float) -> float:
    """Infinite where the shape or the dtype is not what it should be, or no number is.

    Nothing differs where all is 0 but for rounding: what is below ``noise``.
    """
    array = np.asarray(found)
    if wanted is None or array.shape != wanted.shape or array.dtype != np.dtype(dtype):
        return float("inf")
    if np.array_equal(array, wanted) or max(np.abs(a).max() for a in (array, wanted)) < noise:
        return 0.0
    if not np.isfinite(wanted).all():
        same = (array == wanted) | (np.isnan(array) & np.isnan(wanted))
        array, wanted = np.where(same, 0.0, array), np.where(same, 0.0, wanted)
    apart = float(np.abs(array - wanted).max()) / max(float(np.abs(wanted).max()), 1e-30)
    return apart if np.isfinite(apart) else float("inf")


def _module_check(name: str, errors: list[float], dtype: str, sizes: int) -> Check:
    worst = max(errors)
    what = "generated code = equations" + (f", {sizes} sizes" if sizes > 1 else "")
    detail = "" if worst < CLOSE[dtype] else f"differs in {dtype} by {worst:.3g}"
    if not np.isfinite(worst):
        detail = f"is not finite, or not of the shape and the dtype that it should have ({dtype})"
    return Check(name, what, worst < CLOSE[dtype], worst, detail)
