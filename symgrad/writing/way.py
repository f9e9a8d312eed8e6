"""The way from the output to a value that is explained: as typed, and as the derivative goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from symgrad.calculus.derivation import Adjoint, Derivation, remarks_about
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import entries, name_of
from symgrad.mathematics.recurrences import depending_on, goes_to, leading_to


def above(derivation: Derivation, consumer: str, adjoint: Adjoint) -> Adjoint:
    """The derivative by a value that the chain rule for another, which it reads, goes on with."""
    whole = derivation.adjoint(consumer)
    return whole if adjoint.past or whole.on_the_way is None else whole.on_the_way


@dataclass(frozen=True)
class Way:
    """How the output depends on a value."""

    derivation: Derivation
    value: str

    @cached_property
    def adjoints(self) -> tuple[Adjoint, ...]:
        """The derivatives that the chain rule goes through, latest value first."""
        found: dict[str, Adjoint] = {}
        waiting = [a for a in self.derivation.adjoints if a.value == self.value]
        while waiting:
            adjoint = waiting.pop()
            if adjoint.equation.name not in found:
                found[adjoint.equation.name] = adjoint
                waiting += [above(self.derivation, c, adjoint) for c in adjoint.chain]
        order = [a.value for a in self.derivation.adjoints]
        return tuple(sorted(found.values(), key=lambda a: order.index(a.value)))

    @cached_property
    def names(self) -> frozenset[str]:
        """What these derivatives are called."""
        return frozenset(a.equation.name for a in self.adjoints)

    @cached_property
    def typed(self) -> Mapping[str, tuple[str, ...]]:
        """For each value on the way as it was typed, in order, those on it that it is used in."""
        typed = self.derivation.local
        before = leading_to(typed, {typed.output})
        on_it = depending_on(typed, {self.value}) & before
        order = [n for n in (self.value, *(e.name for e in typed)) if n in on_it]
        readers = [e for e in typed if e.name in before]
        return {n: tuple(e.name for e in readers if n in goes_to(e)) for n in order}

    @cached_property
    def mentioned(self) -> frozenset[str]:
        """The names in the equations of all these values and of their derivatives."""
        derivatives = {a.value: a for a in self.derivation.adjoints if a.value in self.typed}
        shown = {a.equation.name: a for a in (*derivatives.values(), *self.adjoints)}
        values = {self.value, *self.typed, *(a.value for a in shown.values())}
        equations = [e for a in shown.values() for e in a.equations]
        return frozenset(self._mentioned(values, equations))

    def _mentioned(self, values: set[str], equations: list[Equation]) -> Iterator[str]:
        derivation = self.derivation
        value_of = {adjoint: value for value, adjoint in derivation.adjoint_name.items()}
        value_of |= {part.equation.name: value for value, part in derivation.parts.items()}
        both = (*derivation.system, *derivation.local)
        read = {a for e in (*equations, *(b for b in both if b.name in values))
                for a in entries(e.rhs)}  # fmt: skip
        read |= {a for n, s in derivation.forward_steps if n in values for a in entries(s.before)}
        yield from values
        for name in map(name_of, read):
            yield value_of.get(name, name)

    @cached_property
    def remarks(self) -> tuple[str, ...]:
        """What is to be known of what is mentioned."""
        return remarks_about(self.derivation, self.mentioned)
