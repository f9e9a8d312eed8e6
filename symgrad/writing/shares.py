"""Shares of a sum of exponentials by the names of the values that they are made of: w N / p."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import sympy as sp

from symgrad.calculus.derivation import Adjoint, Derivation, positive_inputs
from symgrad.mathematics.algebra import bound_of, canonical, freshen, instance, weight
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import Index, entries, indices_of, is_entry, name_of
from symgrad.mathematics.named_values import NamedValues
from symgrad.mathematics.recurrences import Recurrent
from symgrad.mathematics.reductions import LogSum, LogSumExp, absolute
from symgrad.mathematics.scalars import weighted_exp
from symgrad.mathematics.sums import from_terms, terms
from symgrad.mathematics.told import told
from symgrad.writing.worth_showing import Folding


def by_names(derivation: Derivation) -> Derivation:
    """The derivation as it is read: w exp(u - log Σ w exp u) as a quotient of named values.

    That is how it is computed; a remark says so.
    """
    if not any(a.equation.rhs.has(LogSum, LogSumExp) for a in derivation.adjoints):
        return derivation
    shares = _Shares(derivation)
    adjoints = tuple(map(shares.adjoint, derivation.adjoints))
    remarks = (*derivation.remarks, *(told(SAYS[s], n, n) for n, s in sorted(shares.found.items())))
    return replace(derivation, adjoints=adjoints, remarks=remarks)


SAYS = {
    "total": "what is divided by {} is computed from logarithms: also where {} is too small a "
    "number",
    "share": "the logarithm of {} is computed without it: also where {} is too small a number",
    "addends": "what is divided by a sum of {} is computed from logarithms: also where {} is too "
    "small a number",
}
"""What a remark says of the value that is a sum, or whose entries are added up."""


@dataclass(frozen=True)
class _Shares:
    """The named values of a derivation, as shares of sums read."""

    derivation: Derivation

    @cached_property
    def found(self) -> dict[str, str]:
        """What was found by its name: a sum, or the addends of one."""
        return {}

    def adjoint(self, adjoint: Adjoint) -> Adjoint:
        """The same, with names in the equation and in the steps to it."""
        equation = replace(adjoint.equation, rhs=self.named(adjoint.equation.rhs))
        named = (
            replace(s, before=self.named(s.before), after=self.named(s.after))
            for s in adjoint.steps
        )
        steps = [s for s in named if s.before != s.after]
        part = adjoint.part and self.adjoint(adjoint.part)
        return replace(adjoint, equation=equation, steps=steps, part=part)

    def named(self, expr: sp.Expr) -> sp.Expr:
        """An expression with names for the shares in it."""
        quotients = self._quotients(expr)
        if quotients == expr:
            return expr
        return canonical(from_terms(terms(freshen(self._folding(quotients)))))

    def _quotients(self, expr: sp.Expr) -> sp.Expr:
        """exp(u - log Σ w exp u) as exp(u) / p, where p is a value that is the sum."""
        if not expr.args or isinstance(expr, sp.Indexed) or not expr.has(LogSum, LogSumExp):
            return expr
        if isinstance(expr, weighted_exp):
            weight, power = expr.args
            return self._quotients(weight) * self._quotient(power, expr / weight)
        if isinstance(expr, sp.exp):
            return self._quotient(expr.exp, expr)
        if expr.is_Add and (found := self._logarithm(expr)) is not None:
            return self._quotients(found)
        return expr.func(*map(self._quotients, expr.args))

    def _logarithm(self, expr: sp.Expr) -> sp.Expr | None:
        """A sum with log p in the place of u - log Σ exp u, where p is a value that is a share."""
        for log in (a for a in expr.args if isinstance(_unsigned(a), (LogSum, LogSumExp))):
            sign = -1 if isinstance(log, (LogSum, LogSumExp)) else 1
            for power in (a for a in expr.args if a is not log):
                share = self._folding(sp.exp(sign * (power + log)))
                if is_entry(share):
                    self.found[name_of(share)] = "share"
                    return expr - power - log + sign * sp.log(share)
        return None

    def _quotient(self, power: sp.Expr, otherwise: sp.Expr) -> sp.Expr:
        logs = [a for a in sp.Add.make_args(power) if isinstance(-a, (LogSum, LogSumExp))]
        total = _total(-logs[0]) if len(logs) == 1 else None
        named = None if total is None else self._named_total(total)
        if total is None or named is None:
            return otherwise
        return self._addend(sp.exp(power - logs[0]), total) / named

    def _named_total(self, total: sp.Sum) -> sp.Expr | None:
        """The sum by a value that it is, or that is a multiple of it; else by its addends' name."""
        scale, core = _apart(total)
        found = self._sums.fold(core)
        if found != core:
            self.found[name_of(found)] = "total"
            return scale * found / self._scales[name_of(found)]
        addend = self._folding(total.function)
        if is_entry(addend):
            self.found[name_of(addend)] = "addends"
            return sp.Sum(addend, *total.limits)
        return None

    def _addend(self, exponential: sp.Expr, total: sp.Sum) -> sp.Expr:
        """exp(u) as p / w, where w exp(u), which has the name p, is an addend, and w is not 0."""
        weights, powers = LogSum.parts(total.function)
        if not is_entry(self._folding(total.function)) or not self._is_away_from_zero(weights):
            return exponential
        (index, *more), ours = bound_of(total), exponential.free_symbols
        places = sorted((i for i in ours if isinstance(i, Index)), key=str) if not more else []
        for place in places:
            here = {index: place}
            if canonical(sp.exp(powers).xreplace(here)) == canonical(exponential):
                return self._folding(total.function.xreplace(here)) / weights.xreplace(here)
        return exponential

    def _is_away_from_zero(self, weights: sp.Expr) -> bool:
        bases = [f.as_base_exp()[0] for f in sp.Mul.make_args(weights)]
        inside = [b.args[0] if isinstance(b, absolute) else b for b in bases]
        return all(b.is_positive or (is_entry(b) and name_of(b) in self._positive) for b in inside)

    @cached_property
    def _positive(self) -> frozenset[str]:
        return positive_inputs(self.derivation.system)

    @cached_property
    def _sums(self) -> NamedValues:
        """Values that are sums, of inputs alone, without the numbers they are multiplied by."""
        return NamedValues([replace(e, rhs=_apart(e.rhs)[1]) for e in self._totals])

    @cached_property
    def _scales(self) -> dict[str, sp.Expr]:
        """The numbers that they are multiplied by."""
        return {e.name: _apart(e.rhs)[0] for e in self._totals}

    @cached_property
    def _totals(self) -> list[Equation]:
        return [e for e in self._versions if isinstance(_apart(e.rhs)[1], sp.Sum)]

    @cached_property
    def _folding(self) -> Folding:
        """The other values: the longest first."""
        others = (e for e in self._versions if not isinstance(e.rhs, sp.Sum))
        return Folding(sorted(others, key=lambda e: -weight(e.rhs)))

    @cached_property
    def _versions(self) -> list[Equation]:
        """The named values in terms of inputs; and where |x| is x in them, for a positive x."""
        found = []
        for equation in self._named():
            known = {a: a.args[0] for a in equation.rhs.atoms(absolute)
                     if a.args[0].args and name_of(a.args[0]) in self._positive}  # fmt: skip
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


def _unsigned(term: sp.Expr) -> sp.Expr:
    return -term if term.could_extract_minus_sign() else term


def _total(log: sp.Expr) -> sp.Sum | None:
    """The sum of which this is the logarithm; None of the exponentials of a named value."""
    if isinstance(log, LogSum):
        return sp.Sum(log.function, *log.limits)
    if isinstance(log.function, sp.Indexed):
        return None
    addends = [a.as_coeff_Mul() for a in sp.Add.make_args(log.function)]
    weights = [v.args[0] ** c for c, v in addends if isinstance(v, sp.log)]
    power = sp.Add(*(c * v for c, v in addends if not isinstance(v, sp.log)))
    return sp.Sum(sp.Mul(*weights, sp.exp(power)), *log.limits)


def _apart(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """A sum, and the number that it is multiplied by; 1 and the expression where it is none."""
    scale, core = expr.as_independent(sp.Sum, as_Add=False)
    if not isinstance(core, sp.Sum) or entries(scale):
        return sp.S.One, expr
    varies = (*entries(core.function), *bound_of(core))
    number, body = core.function.as_independent(*varies, as_Add=False)
    return scale * number, sp.Sum(body, *core.limits)
