"""Shares of a sum of exponentials by the names of the values that they are made of: w N / p."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import sympy as sp

from symgrad.calculus.derivation import Adjoint, Derivation, positive_inputs
from symgrad.mathematics.algebra import instance
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import entries, indices_of, name_of
from symgrad.mathematics.named_values import NamedValues
from symgrad.mathematics.recurrences import Recurrent
from symgrad.mathematics.reductions import LogSum, absolute
from symgrad.mathematics.scalars import weighted_exp
from symgrad.mathematics.told import told
from symgrad.writing.worth_showing import Folding


def by_names(derivation: Derivation) -> Derivation:
    """The derivation as it is read: w exp(u - log Σ w exp u) as a quotient of named values.

    That is how it is computed; a remark says so.
    """
    if not any(a.equation.rhs.has(LogSum) for a in derivation.adjoints):
        return derivation
    shares = _Shares(derivation)
    adjoints = tuple(map(shares.adjoint, derivation.adjoints))
    remarks = (*derivation.remarks, *map(_remark, sorted(shares.found)))
    return replace(derivation, adjoints=adjoints, remarks=remarks)


def _remark(total: str) -> str:
    says = "what is divided by {} is computed from logarithms: also where {} is too small a number"
    return told(says, total, total)


@dataclass(frozen=True)
class _Shares:
    """The named values of a derivation, as shares of sums read."""

    derivation: Derivation

    @cached_property
    def found(self) -> set[str]:
        """The sums that were found by their names."""
        return set()

    def adjoint(self, adjoint: Adjoint) -> Adjoint:
        """The same, with names in the equation and in the steps to it."""
        equation = replace(adjoint.equation, rhs=self.named(adjoint.equation.rhs))
        steps = [
            replace(s, before=self.named(s.before), after=self.named(s.after))
            for s in adjoint.steps
        ]
        part = adjoint.part and self.adjoint(adjoint.part)
        return replace(adjoint, equation=equation, steps=steps, part=part)

    def named(self, expr: sp.Expr) -> sp.Expr:
        """An expression with names for the shares in it."""
        quotients = self._quotients(expr)
        return expr if quotients == expr else self._folding(quotients)

    def _quotients(self, expr: sp.Expr) -> sp.Expr:
        """exp(u - log Σ w exp u) as exp(u) / p, where p is a value that is the sum."""
        if not expr.args or isinstance(expr, sp.Indexed) or not expr.has(LogSum):
            return expr
        if isinstance(expr, weighted_exp):
            weight, power = expr.args
            return self._quotients(weight) * self._quotient(power, expr / weight)
        if isinstance(expr, sp.exp):
            return self._quotient(expr.exp, expr)
        return expr.func(*map(self._quotients, expr.args))

    def _quotient(self, power: sp.Expr, otherwise: sp.Expr) -> sp.Expr:
        totals = [a for a in sp.Add.make_args(power) if isinstance(-a, LogSum)]
        if len(totals) != 1:
            return otherwise
        total = -totals[0]
        written = sp.Sum(total.function, *total.limits)
        named = self._sums.fold(written)
        if named == written:
            return otherwise
        self.found.add(name_of(named))
        return sp.exp(power + total) / named

    @cached_property
    def _sums(self) -> NamedValues:
        """Values that are sums, of inputs alone."""
        return NamedValues([e for e in self._versions if isinstance(e.rhs, sp.Sum)])

    @cached_property
    def _folding(self) -> Folding:
        return Folding(e for e in self._versions if not isinstance(e.rhs, sp.Sum))

    @cached_property
    def _versions(self) -> list[Equation]:
        """The named values in terms of inputs; and where |x| is x in them, for a positive x."""
        positive = positive_inputs(self.derivation.system)
        found = []
        for equation in self._named():
            known = {a: a.args[0] for a in equation.rhs.atoms(absolute)
                     if a.args[0].args and name_of(a.args[0]) in positive}  # fmt: skip
            found += [equation, replace(equation, rhs=equation.rhs.xreplace(known))]
        return found

    def _named(self) -> Iterator[Equation]:
        system = self.derivation.system
        written: dict[str, Equation] = {}
        for equation in system.equations:
            if isinstance(equation.rhs, Recurrent) or equation.decimals is not None:
                continue
            inside = {a: instance(written[name_of(a)], indices_of(a))
                      for a in entries(equation.rhs) if name_of(a) in written}  # fmt: skip
            written[equation.name] = replace(equation, rhs=equation.rhs.xreplace(inside))
            if equation.name not in system.invented and equation.name != system.output:
                yield written[equation.name]
