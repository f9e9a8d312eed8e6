"""The chain rule for one derivative: as a rule, and with the local derivatives put in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import sympy as sp

from symgrad.calculus.derivation import Adjoint
from symgrad.mathematics.algebra import summed, written_in
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import axis_index, entries, entry, name_of
from symgrad.mathematics.recurrences import Recurrent, all_reads
from symgrad.mathematics.steps import Step
from symgrad.writing.document import Row
from symgrad.writing.formula import Formula, Negative, Term
from symgrad.writing.naming import Partial
from symgrad.writing.sections.author import Author
from symgrad.writing.way import above
from symgrad.writing.worth_showing import Folding, by_itself, local_derivative

At = tuple[sp.Expr, ...]


@dataclass(frozen=True)
class Chain:
    """How the derivative by a value is made of those by the values that read it."""

    author: Author
    adjoint: Adjoint

    @cached_property
    def links(self) -> list[tuple[Equation, At]]:
        """The values that read this one, with indices; none where the output alone reads it."""
        system = self.author.derivation.forward(self.adjoint.past)
        others = [system[c] for c in reversed(self.adjoint.chain) if c != system.output]
        return [(c, tuple(axis_index(s) for s in c.shape)) for c in others]

    @cached_property
    def local(self) -> list[Row]:
        """The derivative of each value that reads this one."""
        return [self._local_row(consumer, at) for consumer, at in self.links]

    @cached_property
    def rule(self) -> tuple[Formula, ...]:
        """Σ ∂L/∂c ∂c/∂v over the values c that read v, term by term."""
        return self._written([self._link(c, at, self._partial(c, at)) for c, at in self.links])

    @cached_property
    def put_in(self) -> list[sp.Expr]:
        """The terms with the local derivatives put in, as they are shown; none of recurrences."""
        if not self.links or any(isinstance(c.rhs, Recurrent) for c, _ in self.links):
            return []
        return [self._link(c, at, self._derivatives[c.name]) for c, at in self.links]

    @cached_property
    def differentiated(self) -> tuple[Formula, ...]:
        """The chain rule with the local derivatives put in; () where none are."""
        return self._written(self.put_in) if self.put_in else ()

    @cached_property
    def direct(self) -> sp.Expr:
        """What the output's own use of the value adds; 0 where it does not use it."""
        system = self.author.derivation.forward(self.adjoint.past)
        output = system[system.output]
        if output.name not in self.adjoint.chain:
            return sp.S.Zero
        outer, inner = self._indices
        return local_derivative(output, outer, self.adjoint.value, inner)

    @cached_property
    def steps(self) -> list[Step]:
        """The steps, with the values that stand in the local derivatives in them from the start."""
        steps = list(self.adjoint.steps)
        at = next((k for k, s in enumerate(steps) if s.rule == "definition"), 0)
        if not at or not self._named or not self.put_in:
            return steps
        folded = [replace(s, after=self._folding(s.after)) for s in steps[:at]]
        if _names(steps[at].after) - _names(steps[at].before) <= self._named:
            folded[-1] = replace(folded[-1], after=steps[at].after)
        return [*folded, *steps[at:]]

    @cached_property
    def _derivatives(self) -> dict[str, sp.Expr]:
        """The local derivatives, as they are shown."""
        return {c.name: self._shown(c, at) for c, at in self.links}

    @cached_property
    def _named(self) -> frozenset[str]:
        """The values in whose local derivatives they stand themselves."""
        return frozenset(n for n, d in self._derivatives.items() if n in _names(d))

    @cached_property
    def _folding(self) -> Folding:
        return Folding(c for c, _ in self.links if c.name in self._named)

    @cached_property
    def _indices(self) -> tuple[At, At]:
        """The indices of the output, and those of the value."""
        system = self.author.derivation.system
        count = len(system[system.output].indices)
        indices = self.adjoint.equation.indices
        return indices[:count], indices[count:]

    def _shown(self, consumer: Equation, at: At) -> sp.Expr:
        found = local_derivative(consumer, at, self.adjoint.value, self._indices[1])
        typed = self.author.as_computed(consumer.name, self.adjoint) == consumer.name
        return by_itself(consumer, found) if typed else found

    def _local_row(self, consumer: Equation, at: At) -> Row:
        free = (*self.adjoint.equation.indices, *at)
        left = self.author.written(self._partial(consumer, at), free)
        found = self.author.write_terms(self._derivatives[consumer.name], free)
        return Row(left, found, ("local derivative",))

    def _partial(self, consumer: Equation, at: At) -> Partial:
        """∂c/∂v, each at its indices."""
        name = self.author.as_computed(consumer.name, self.adjoint)
        return Partial(entry(name, at), entry(self.adjoint.value, self._indices[1]))

    def _written(self, links: Iterable[sp.Expr]) -> tuple[Formula, ...]:
        """Their sum, with the letters and in the order of the local derivatives."""
        free = self.adjoint.equation.indices
        found: list[Formula] = []
        for (_, at), link in zip(self.links, links, strict=True):
            found += self.author.write_terms(link, (*free, *at))
        if self.direct != 0:
            found += self.author.write_terms(self.direct, free)
        return _joined(found)

    def _link(self, consumer: Equation, at: At, derivative: sp.Expr) -> sp.Expr:
        """Σ ∂L/∂c ∂c/∂v for one value c that reads v."""
        further = above(self.author.derivation, consumer.name, self.adjoint).equation
        factor = entry(further.name, (*self._indices[0], *at))
        if not isinstance(derivative, Partial):
            factor = written_in(factor, {a.equation.name: a.equation for a in self.inlined})
        return summed(factor * derivative, at)

    @cached_property
    def inlined(self) -> list[Adjoint]:
        """The derivatives that are written in, and those that are in turn in them."""
        derivation = self.author.derivation
        known = {a.equation.name: a for a in derivation.adjoints}
        known |= {a.part.equation.name: a.part for a in derivation.adjoints if a.part}
        found: dict[str, Adjoint] = {}
        waiting = [above(derivation, c, self.adjoint) for c in self._in_one_step]
        while waiting:
            adjoint = waiting.pop(0)
            name = adjoint.equation.name
            if name not in self._read and name not in found:
                found[name] = adjoint
                waiting += [known[n] for n in _names(adjoint.equation.rhs) if n in known]
        return [a for a in found.values() if a.value != derivation.system.output]

    @cached_property
    def _in_one_step(self) -> list[str]:
        """The values that read this one, without those that read it from step to step."""
        system = self.author.derivation.forward(self.adjoint.past)
        return [c for c in self.adjoint.chain if not isinstance(system[c].rhs, Recurrent)]

    @cached_property
    def _read(self) -> frozenset[str]:
        """What the derivative reads before any step."""
        steps, beside = self.adjoint.steps, (*self.adjoint.before, *self.adjoint.after)
        own = _names(steps[0].before if steps else self.adjoint.equation.rhs)
        return own.union(*map(all_reads, beside))


def _joined(terms: Iterable[Formula]) -> tuple[Formula, ...]:
    """Terms of several sums as those of one: a plus before each but the first that has no sign."""
    first, *rest = terms
    return (first, *map(_with_sign, rest))


def _with_sign(term: Formula) -> Formula:
    if isinstance(term, Negative):
        return Term("-", term.body)
    return term if isinstance(term, Term) else Term("+", term)


def _names(expr: sp.Expr) -> frozenset[str]:
    return frozenset(map(name_of, entries(expr)))
