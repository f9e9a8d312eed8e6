"""The backward pass of a derivation at points, in which equations may be others, many at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

from symgrad.audit.diagnosis.statistics import statistics
from symgrad.audit.reference import Reference, Truth
from symgrad.calculus import Derivation, derive, forward_and_adjoints
from symgrad.calculus.derivation import output_adjoint
from symgrad.checks.evaluate import Evaluator
from symgrad.checks.numbers import Floats
from symgrad.checks.points import evaluated_where_possible
from symgrad.checks.sampling import Point
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import (
    Index,
    entries,
    entry,
    indices_of,
    is_entry,
    name_of,
    replaced,
)
from symgrad.mathematics.reductions import ratio
from symgrad.mathematics.sizes import Size

Numbers = np.ndarray[Any, Any]
MANY: Size = sp.Symbol("_many", integer=True, positive=True)
"""How many variants are evaluated at once."""
BATCH = Index("_variant", MANY)
CHANGED = "_changed"
"""What the arrays of all variants are called, after the name of the array."""


class Backward:
    """The backward pass; its equations in the order in which they are worked out."""

    def __init__(self, derivation: Derivation, truths: Sequence[Truth]) -> None:
        self.derivation = derivation
        self.truths = truths
        adjoints = derivation.adjoints
        self.value_of = {e.name: a.value for a in adjoints for e in (a.equation, *a.needed_part)}
        self.equations = {e.name: plain(e) for e in self._all()}
        self.name_of = {a.value: a.equation.name for a in adjoints}
        self.aliases = {
            name_of(e.rhs): n
            for n, e in self.equations.items()
            if is_entry(e.rhs) and entries(e.rhs)
        }
        self.slopes = frozenset(self.equations) | frozenset(self.aliases)
        """What derivatives are called: some are inputs, under which name they are read."""
        self.value_of |= {a: self.value_of[n] for a, n in self.aliases.items()}
        self.known: dict[int, Mapping[str, Numbers]] = {}

    def _all(self) -> Iterator[Equation]:
        if not any(a.value == self.derivation.system.output for a in self.derivation.adjoints):
            yield output_adjoint(self.derivation)
        yield from (e for a in self.derivation.adjoints for e in a.equations)

    @cached_property
    def reads(self) -> dict[str, frozenset[str]]:
        """The derivatives that each derivative is worked out of."""
        own = self.equations.keys()
        return {
            n: frozenset(name_of(a) for a in entries(e.rhs)) & own
            for n, e in self.equations.items()
        }

    @cached_property
    def statistics(self) -> frozenset[str]:
        """The values that are means, variances or norms of what is read beside them."""
        sizes = {n: np.size(a) for n, a in self.numbers(0).items()}
        return frozenset(statistics(self.derivation.typed, sizes))

    @cached_property
    def read(self) -> frozenset[sp.Expr]:
        """The entries that are picked by labels somewhere in the spec."""
        atoms = (a for e in self.derivation.typed for a in entries(e.rhs))
        return frozenset(a for a in atoms if any(entries(i) for i in indices_of(a)))

    @cached_property
    def before(self) -> dict[str, frozenset[str]]:
        """All the derivatives on which each depends, itself among them."""
        found: dict[str, frozenset[str]] = {}
        for name, read in self.reads.items():
            found[name] = frozenset({name}).union(*(found.get(n, frozenset()) for n in read))
        return found

    def readers(self, name: str) -> frozenset[str]:
        """The derivatives that are worked out of one."""
        return frozenset(n for n, read in self.reads.items() if name in read)

    def numbers(self, point: int) -> Mapping[str, Numbers]:
        """All that is known at a point."""
        if point not in self.known:
            truth = self.truths[point]
            start = Point(dict(truth.lengths), dict(truth.everything))
            equations = forward_and_adjoints(self.derivation)
            with np.errstate(all="ignore"):
                self.known[point] = evaluated_where_possible(equations, start, Floats())
        return self.known[point]

    def array(self, expr: sp.Expr, indices: Sequence[sp.Expr], point: int) -> Numbers:
        """The numbers of an expression at a point."""
        lengths = self.truths[point].lengths
        with np.errstate(all="ignore"):
            return Evaluator(self.numbers(point), lengths, Floats()).array(expr, indices)

    def cover(self, expr: sp.Expr, indices: Sequence[sp.Expr], point: int) -> Numbers:
        """Where an expression is not 0 whatever the floats are that it reads."""
        env = {n: _ones(a) for n, a in self.numbers(point).items()}
        lengths = self.truths[point].lengths
        with np.errstate(all="ignore"):
            found: Numbers = Evaluator(env, lengths, Floats()).array(expr, indices)
        return np.asarray(found != 0)

    def variants(
        self, changed: Mapping[str, sp.Expr], arrays: Mapping[str, Numbers], point: int
    ) -> dict[str, Numbers]:
        """The derivatives that are others, of each variant, where some equations are others.

        ``changed``: the new right-hand sides, which read ``arrays`` of all variants.
        """
        truth = self.truths[point]
        count = len(next(iter(arrays.values())))
        env = {**self.numbers(point), **arrays}
        at = Evaluator(env, {**truth.lengths, MANY: count}, Floats())
        found: dict[str, Numbers] = {}
        for name, equation in self.equations.items():
            if name in changed or self.reads[name] & found.keys():
                rhs = self._lifted(changed.get(name, equation.rhs), found)
                with np.errstate(all="ignore"):
                    found[name] = at.array(rhs, (BATCH, *equation.indices))
                env[name + CHANGED] = found[name]
        return found

    def _lifted(self, rhs: sp.Expr, done: Collection[str]) -> sp.Expr:
        """An equation that reads the derivatives of all variants."""
        change = {a: of_all(a) for a in entries(rhs) if name_of(a) in done}
        return replaced(rhs, change) if change else rhs


def _ones(array: Numbers) -> Numbers:
    """Ones in the place of floats; what picks entries stays."""
    return np.ones_like(array) if np.asarray(array).dtype.kind == "f" else array


def of_all(atom: sp.Expr) -> sp.Expr:
    """The entry of an array of all variants."""
    return entry(name_of(atom) + CHANGED, (BATCH, *indices_of(atom)))


def plain(equation: Equation) -> Equation:
    """An equation whose quotients are products with powers."""
    rhs = equation.rhs.replace(ratio, lambda x, y: x / y)
    return Equation(equation.name, equation.indices, rhs)


def backward_passes(reference: Reference, truths: Sequence[Truth]) -> Iterator[Backward]:
    """The backward pass as it is derived, then through each value that has a name."""
    derivation: Derivation = reference.derivation
    yield Backward(derivation, truths)
    if derivation.rewritten:
        values = [n for n in reference.values if n != derivation.typed.output]
        again = derive(derivation.typed, derivation.wrt, also=values, to_derive=values)
        yield Backward(again, truths)
