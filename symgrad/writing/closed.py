"""Each derivative in inputs and parameters alone, and the values that are too long for that."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import replace
from functools import cache

from symgrad.calculus.derivation import Derivation, forward_and_adjoints, positive_inputs, promises
from symgrad.calculus.rules import Context, simplified
from symgrad.mathematics.algebra import instance, weight
from symgrad.mathematics.domains import Signs
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import entries, indices_of, name_of
from symgrad.mathematics.named_values import NamedValues
from symgrad.mathematics.recurrences import Final, Recurrent, all_reads
from symgrad.writing.equation_forms import MadeForms, read_often
from symgrad.writing.formula import Formula, parts
from symgrad.writing.notation import Notation
from symgrad.writing.writer import Writer

HEAVIEST = 60
"""The weight beyond which a value keeps its name in index form."""


class Closed:
    """The closed forms of one derivation: matrices where there is such a form, else entries.

    ``kept``: values that are not written in, as what is shown is a derivative by them.
    """

    def __init__(
        self,
        derivation: Derivation,
        notation: Notation,
        layout: type[Writer],
        kept: frozenset[str] = frozenset(),
    ) -> None:
        self.derivation, self.kept = derivation, kept
        self.matrices = MadeForms(derivation, notation, layout, closed=True, kept=kept)
        self.often = read_often(derivation)
        self.table = {e.name: e for e in forward_and_adjoints(derivation)}
        self.value = {adjoint: v for v, adjoint in derivation.adjoint_name.items()}
        system = derivation.system
        self.asked = [system.output, *(derivation.adjoint_name[v] for v in derivation.wrt)]
        signs = Signs({e.name: e for e in system}.get, positive_inputs(system))
        self.context = Context(promises(system), NamedValues([]), signs)
        self.matrix = cache(self.matrices.written)
        self.entries = cache(self._entries)

    def needed(self) -> Iterator[str]:
        """The output, the derivatives that are asked for, and what these can't do without."""
        wanted = self.asked
        seen = dict.fromkeys(wanted)
        for name in (todo := list(wanted)):
            left = self._left(name)
            values = [self.value[n] for n in left if n in self.value]  # what ∂L/∂v is by
            new = [n for n in (*left, *values) if n in self.table and n not in seen]
            seen |= dict.fromkeys(new)
            todo += new
        yield from wanted
        steps = self.matrices.notation
        yield from (
            name
            for name, e in self.table.items()
            if name in seen
            and name not in wanted
            and not (isinstance(e.rhs, Final) and steps.is_of_another_step(name))
        )

    def _left(self, name: str) -> list[str]:
        """The values that are not written in where a value is."""
        whole = self.matrix(name)
        if whole is None or whole[0] != self.matrices.symbol(name):  # by entries, or by slices
            rhs = self.table[name].rhs if whole else self.entries(name).rhs
            return sorted(all_reads(replace(self.table[name], rhs=rhs)) & self.table.keys())
        steps = self.matrices.notation.is_of_another_step
        symbols = {self.matrices.symbol(n): n for n in self.table if not steps(n)}
        return [symbols[x] for x in dict.fromkeys(_found(whole[1], symbols))]

    def _is_of_a_step(self, name: str) -> bool:
        return isinstance(self.table[name].rhs, Recurrent)

    def _is_heavy(self, equation: Equation) -> bool:
        too_long = weight(equation.rhs) > self.often.get(equation.name, HEAVIEST)
        return equation.name in self.kept or too_long

    def _entries(self, name: str) -> Equation:
        """The equation of a value with those written in that stay short."""
        equation = self.table[name]
        inside = {a: self.entries(name_of(a)) for a in entries(equation.rhs)
                  if name_of(a) in self.table and not self._is_of_a_step(name_of(a))}  # fmt: skip
        written = {
            a: instance(e, indices_of(a)) for a, e in inside.items() if not self._is_heavy(e)
        }
        if not written:
            return equation
        rhs, _ = simplified(equation.rhs.xreplace(written), self.context)
        return replace(equation, rhs=rhs) if weight(rhs) <= 2 * HEAVIEST else equation


def closed_forms(derivation: Derivation, notation: Notation, layout: type[Writer]) -> Closed:
    """The closed forms of a derivation: where ∂L/∂v keeps its name, v has one too."""
    found = Closed(derivation, notation, layout)
    by = {found.value[n] for n in found.needed() if n in found.value and n not in found.asked}
    kept = frozenset(by & found.table.keys())
    return Closed(derivation, notation, layout, kept) if kept else found


def _found(formula: Formula, symbols: Container[Formula]) -> Iterator[Formula]:
    """The symbols in a formula; what is inside of one is none by itself."""
    if formula in symbols:
        yield formula
        return
    for part in parts(formula):
        yield from _found(part, symbols)
