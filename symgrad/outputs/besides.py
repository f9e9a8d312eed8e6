"""The modules that a generated file is made of besides its own: of data, of rows, of steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from symgrad.calculus import (
    Checkpoints,
    Derivation,
    Kept,
    Part,
    Preparation,
    Splitting,
    checkpointed,
    forward_and_adjoints,
    in_cores,
    slope_of_tangents,
    stabilised,
)
from symgrad.errors import SpecError, caller
from symgrad.language.wrt import free_name
from symgrad.mathematics.equations import Equation
from symgrad.targets.module import Chunks, Module, Prepared, Segments, Through, assembled
from symgrad.writing import Notation


def in_products(
    derivation: Derivation, notation: Notation | None = None
) -> tuple[Sequence[Equation], dict[str, str]]:
    """The equations of a module, derivatives of arrays as products, a slope of what there is.

    And the lines of text of what is computed in another way.
    """
    equations: Sequence[Equation] = forward_and_adjoints(derivation)
    written = notation.text_equation if notation else str
    if (slope := slope_of_tangents(derivation)) is not None:
        others = [e for e in equations if e.name != slope.name]
        return [*others, slope], {slope.name: written(slope)}
    equations, kept = _apart(derivation, equations)
    told = {k.core.name: f"{written(k.core)}, of {written(k.whole)}" for k in kept.values()}
    return equations, told


def _apart(
    derivation: Derivation, equations: Sequence[Equation]
) -> tuple[Sequence[Equation], dict[str, Kept]]:
    """The equations of derivatives of an array in cores."""
    system = derivation.system
    outer = len(system.shapes[system.output])
    if not outer:
        return equations, {}
    asked = {system.output, *derivation.results.values()}
    linear = {e.name for a in derivation.adjoints for e in a.equations} - asked
    return in_cores(equations, linear, outer, {*system.shapes, *linear, *asked})


@dataclass(frozen=True)
class Together:
    """A loss, its gradients and second derivatives: what they are called, as a module has it."""

    output: str
    gradients: Mapping[str, str]
    second: Mapping[str, tuple[str, str]]


def results(derivation: Derivation, *, together: bool) -> Together:
    """The output and its derivatives; ``together``: with those that second derivatives are of."""
    if together:
        return _with_first_order(derivation)
    return Together(derivation.system.output, derivation.results, {})


def _with_first_order(derivation: Derivation) -> Together:
    """SpecError where the derivation is not of second derivatives."""
    system, by = derivation.system, derivation.wrt
    first = {p: (of, name) for name, of, p in system.slopes if p in by and of in system.shapes}
    if not derivation.results or first.keys() != {*by}:
        raise SpecError("there are no second derivatives to go with the gradients", where=caller(),
                        hint="together is for sg.hvp and sg.hessian")  # fmt: skip
    is_matrix = system.output in {name for _, name in first.values()}
    directions = [""] if is_matrix else [v.name for v in system.variables[-len(by) :]]
    found, second = {p: first[p][1] for p in by}, {}
    for name, direction in zip(by, directions, strict=True):
        called = free_name(f"{name}_{'hessian' if is_matrix else 'hvp'}", {*system.shapes, *found})
        found[called], second[called] = derivation.results[name], (name, direction)
    return Together(first[by[0]][0], found, second)


def of_data(preparation: Preparation) -> Prepared:
    """What works out the data's part, and the loss of the data itself to compare with."""
    before = stabilised(preparation.before).system
    names = {name: name for name in preparation.names}
    written = Notation(replace(before, equations=preparation.equations))
    first = assembled(
        preparation.variables,
        preparation.equations,
        preparation.names[0],
        names,
        formulas={e.name: written.text_equation(e) for e in preparation.equations},
    )
    loss = assembled(before.variables, before.equations, before.output, {})
    return Prepared(first, loss)


def of_rows(found: Splitting) -> Chunks:
    """What chunks of rows give, and how that is put together."""
    totals = {t.name: _assembled(t.derivation) for t in found.totals}
    logarithms = frozenset(t.name for t in found.totals if t.is_logarithm)
    return Chunks(found.size, found.count, totals, logarithms, _assembled(found.finish))


def of_steps(derivation: Derivation, every: int) -> Segments:
    """What segments of so many steps give; SpecError where there are none."""
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise SpecError(f"checkpoint is a number of steps, 1 or more, not {every!r}")
    return _segments(checkpointed(derivation, every))


def _segments(found: Checkpoints) -> Segments:
    """What segments of steps give, and how that is put together."""
    steps = (found.size, found.every, found.turned, found.counts, found.clock)
    return Segments(
        *steps,
        [(c.first, c.start, c.end) for c in found.carries],
        found.totals,
        found.kept,
        found.sliced,
        _through(found.before),
        _through(found.segment),
        _assembled(found.finish),
        _segments(found.rest) if found.rest else None,
    )


def _through(part: Part) -> Through:
    system = part.system
    names = {name: name for name in part.names}
    formulas = {e.name: Notation(system).text_equation(e) for e in system}
    values = assembled(system.variables, system.equations, part.names[0], names, formulas=formulas)
    return Through(values, part.weights, _assembled(part.slopes) if part.slopes else None)


def _assembled(derivation: Derivation) -> Module:
    """A module of a derivation of its own, without what is said of it."""
    system, equations = derivation.system, forward_and_adjoints(derivation)
    written = Notation.of(derivation)
    formulas = {e.name: written.text_equation(e) for e in equations}
    results = derivation.results
    return assembled(system.variables, equations, system.output, results, formulas=formulas)
