"""Which equations are computed step by step in segments, and what they read of each step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sympy as sp

from symgrad.errors import SpecError
from symgrad.mathematics.equations import Equation, System
from symgrad.mathematics.indices import entries, indices_of, is_entry, name_of
from symgrad.mathematics.recurrences import (
    Carried,
    Final,
    Recurrence,
    Recurrent,
    all_reads,
    in_groups,
)
from symgrad.mathematics.sizes import same


class Region:
    """The first recurrence of a system, others over the same steps, and what is made of these.

    ``places``: the axis of the steps of each of its equations; ``after``: what is made of all steps
    together; ``finals``: the values after the last step; ``sliced``: what steps read an entry of,
    each with the axis of the steps.
    """

    def __init__(self, system: System) -> None:
        self.system = system
        groups = [*in_groups(system.equations)]
        first = next(g for g in groups if isinstance(g, Recurrence))
        self.step, self.size = first.step, first.size
        self.places: dict[str, int] = {}
        self.after: set[str] = set()
        self.finals: dict[str, Equation] = {}
        for group in groups:
            self._take(group)
        if not self.places:
            raise self._refused("the recurrence", system[min(self.after)])
        self.sliced: dict[str, int] = {}
        self._take_what_is_read()
        self.equations = tuple(e for e in system.equations if e.name in self.places)

    def _take(self, group: Equation | Recurrence) -> None:
        """A recurrence of these steps, or what is made of it at each step, if it is that."""
        if isinstance(group, Recurrence):
            equations, places = group.equations, dict(group.places)
            alike = group.step == self.step and same(group.size, self.size)
        else:
            equations, alike = (group,), True
            places = self._place(group)
        reads = {name for e in equations for name in all_reads(e)} - places.keys()
        if alike and places and self.after.isdisjoint(reads) and self._fit(equations, places):
            self.places |= places
        elif isinstance(group, Recurrence):
            self.after |= places.keys()
        elif self._is_final(group):
            self.finals[group.name] = group
            self.after.add(group.name)
        elif reads & (self.after | self.places.keys()):
            self.after.add(group.name)

    def _place(self, equation: Equation) -> dict[str, int]:
        """The axis of the steps in an equation that reads values of steps; none if it has none."""
        rhs = equation.rhs
        if isinstance(rhs, Carried) and rhs.place == self.places.get(rhs.source):
            return {equation.name: rhs.place} if rhs.step == self.step else {}
        for atom in entries(rhs):
            place = self.places.get(name_of(atom))
            if place is not None and (time := indices_of(atom)[place]) in equation.indices:
                return {equation.name: equation.indices.index(time)}
        return {}

    def _is_final(self, equation: Equation) -> bool:
        rhs = equation.rhs
        return isinstance(rhs, Final) and rhs.place == self.places.get(rhs.source)

    def is_carried(self, equation: Equation) -> bool:
        """Whether it is what a step reads of the one before."""
        rhs = equation.rhs
        return isinstance(rhs, Carried) and rhs.place == self.places.get(rhs.source)

    def _fit(self, equations: Iterable[Equation], places: Mapping[str, int]) -> bool:
        """Whether each equation reads of all values of steps the entry of its own step alone."""
        known = {**self.places, **places}
        return all(
            self.is_at(expr, e.indices[places[e.name]], known)
            for e in equations
            for expr in {e.rhs, e.differentiated}
        )

    def is_at(self, expr: sp.Expr, time: sp.Expr, places: Mapping[str, int]) -> bool:
        """Whether an expression reads of values of steps the entries at one time alone."""
        if is_entry(expr):
            indices, place = indices_of(expr), places.get(name_of(expr))
            at = [k for k, i in enumerate(indices) if i == time]
            if at != [place] if place is not None else len(at) > 1:
                return False
            return all(i == time or self.is_at(i, time, places) for i in indices)
        if isinstance(expr, Recurrent):
            start = expr.args[3]
            if isinstance(expr, Carried) and expr.time == time:
                reads = {name_of(a) for a in entries(start)}
                return not start.has(time) and reads.isdisjoint(places)
            return self.is_at(start, time, places)
        if not expr.args:
            return bool(expr != time)
        return all(self.is_at(a, time, places) for a in expr.args)

    def _take_what_is_read(self) -> None:
        """What steps read that has an entry for each step is made in the segments too."""
        table = {e.name: e for e in self.system.equations}
        waiting, given = [*self.places], dict[str, int]()
        while waiting:
            equation = table[waiting.pop()]
            for name, place in self._sliced_in(equation).items():
                if given.setdefault(name, place) != place:
                    raise self._refused(name, equation)
                mine = table.get(name) if name not in self.places else None
                plain = mine is not None and not isinstance(mine.rhs, Recurrent)
                if mine is not None and plain and self._fit([mine], {name: place}):
                    self.places[name] = place
                    waiting.append(name)
        self.sliced = {n: k for n, k in given.items() if n not in self.places}

    def _sliced_in(self, equation: Equation) -> dict[str, int]:
        """What an equation reads an entry of at its step, each with the axis of the steps."""
        time, found = equation.indices[self.places[equation.name]], dict[str, int]()
        if self.is_carried(equation):
            return found
        for atom in entries(equation.rhs) | entries(equation.differentiated):
            name, indices = name_of(atom), indices_of(atom)
            place = indices.index(time) if time in indices else -1
            if found.setdefault(name, place) != place:
                raise self._refused(name, equation)
        return {name: place for name, place in found.items() if place >= 0}

    def _refused(self, what: str, equation: Equation) -> SpecError:
        return SpecError(
            f"checkpoint can't cut {what} into segments: a step reads more than its part of it",
            where=equation.where,
            hint="leave checkpoint out, or give the scan what a step reads among its xs",
        )
