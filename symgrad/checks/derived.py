"""The checks that need nothing but the derivation: its steps, its gradients, its rewrites."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from symgrad.calculus import Derivation
from symgrad.checks.check import Check
from symgrad.checks.conforming import matrix_forms
from symgrad.checks.definitions import definitions
from symgrad.checks.functions import functions
from symgrad.checks.gradients import gradients, tangents
from symgrad.checks.notation import notation
from symgrad.checks.numbers import OutsideDomain
from symgrad.checks.points import Points, difference, multiplications
from symgrad.checks.sampling import SIGNS, is_infinite, random_point, small_sizes
from symgrad.checks.steps import steps
from symgrad.checks.stepwise import evaluate_equations
from symgrad.checks.tables import TooLarge
from symgrad.errors import SymgradError

IN_PART = "evaluated in part"
"""How a check begins that stands for those that would take too much memory."""

AFFORDABLE = 10_000_000
"""So many multiplications in a forward pass are worth it to find out more of a fault."""


def run(
    derivation: Derivation, points: Points | None = None, *, seed: int = 0
) -> tuple[Check, ...]:
    """The checks that need nothing but the derivation: its rewrites, its steps, its gradients.

    What fails at sizes that were made smaller is looked at again at those of the spec, where that
    can be afforded.
    """
    points = points or Points(derivation, seed)
    found = _made(derivation, points)
    for sizes in points.others:
        if all(check.passed for check in found):
            break
        if multiplications(derivation.system, sizes) <= AFFORDABLE:
            found = _made(derivation, Points(derivation, seed, sizes=sizes))
    return found


def _made(derivation: Derivation, points: Points) -> tuple[Check, ...]:
    """What can be evaluated; for what would take too much memory, a row that says so."""
    output, found, left = derivation.system.output, list[Check](), dict[str, None]()
    try:
        for kind in (rewrites, steps, gradients, tangents, preparation):
            try:
                found += kind(derivation, points)
            except TooLarge as error:
                left[str(error)] = None
        found += matrix_forms(derivation)
        found += definitions(derivation)
        found += functions(derivation, points.seed)
        found += notation(derivation)
    except SymgradError as error:
        found.append(Check(output, "can be evaluated", False, None, str(error)))
    return (*found, *(Check(output, f"{IN_PART}: {told}", True) for told in left))


# -- rewrites -------------------------------------------------------------------------------------


def rewrites(derivation: Derivation, points: Points) -> tuple[Check, ...]:
    """The values by the equations that the spec wrote, and by those that they became."""
    typed, became = ({e.name: e.rhs for e in s} for s in (derivation.typed, derivation.system))
    names = [n for n in typed if n in became and typed[n] != became[n]]
    if not names:
        return ()
    names.append(derivation.system.output)
    checks = (_rewrite_check(name, points) for name in dict.fromkeys(names))
    return (*checks, *_narrowed(derivation, names, points))


def _rewrite_check(name: str, points: Points) -> Check:
    first = points[0]
    with first.precision.field.precision():
        error, _ = difference(first.written[name], first.values[name])
    return Check(name, REWRITTEN, error < first.precision.same, error)


REWRITTEN = "as written = as rewritten"


def _narrowed(derivation: Derivation, names: Sequence[str], points: Points) -> Iterator[Check]:
    """A failed check where numbers of other signs have a value by what was written alone.

    The points of all other checks are such that every value is a real number by both.
    """
    system, field = derivation.system, points.precision.field
    if is_infinite(system):
        return
    for number, ranges in enumerate(SIGNS):
        rng = np.random.default_rng([points.seed, number])
        start = random_point(system, rng, field, sizes=points.sizes, ranges=ranges)
        try:
            written = evaluate_equations(derivation.typed, start.env, start.sizes, field)
        except OutsideDomain:
            continue
        try:
            values = evaluate_equations(system, start.env, start.sizes, field)
        except OutsideDomain as error:
            yield Check(names[0], REWRITTEN, False, None, f"where it is one as written, {error}")
            continue
        with field.precision():
            for name in dict.fromkeys(names):
                off, _ = difference(written[name], values[name])
                if not off < points.precision.same:
                    yield Check(name, REWRITTEN, False, off)


# -- what is worked out of the data ---------------------------------------------------------------


def preparation(derivation: Derivation, points: Points) -> tuple[Check, ...]:
    """The output by the data itself, and by what is worked out of it once."""
    made, output = derivation.preparation, derivation.system.output
    if made is None:
        return ()
    field, rng = points.precision.field, np.random.default_rng(points.seed)
    sizes = {**small_sizes(made.before), **points.sizes}
    start = random_point(made.before, rng, field, sizes=sizes)
    before = evaluate_equations(made.before.equations, start.env, start.sizes, field)
    data = evaluate_equations(made.equations, start.env, start.sizes, field)
    after = evaluate_equations(derivation.system.equations, data, start.sizes, field)
    with field.precision():
        error, _ = difference(before[output], after[output])
    same = points.precision.same
    return (Check(output, "of the data = of what is prepared", error < same, error),)
