"""What is wrong in a backward pass, by its numbers alone: which equation it has otherwise."""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import sympy as sp

from symgrad.audit.diagnosis.alike import groups, marks
from symgrad.audit.diagnosis.explanation import Explanation
from symgrad.audit.diagnosis.fits import Columns, columns_of, fitted
from symgrad.audit.diagnosis.graph import BATCH, Backward
from symgrad.audit.diagnosis.parts import Term, terms_of
from symgrad.audit.diagnosis.slots import Contents, Other, Place, places, turned_sums
from symgrad.audit.diagnosis.wanted import Wanted
from symgrad.audit.diagnosis.wholes import WHOLES, Look, Whole
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import entry

Numbers = np.ndarray[Any, Any]


@dataclass
class Explaining:
    """The search for explanations in one backward pass."""

    backward: Backward
    wanted: Wanted
    names: Sequence[str]
    seen: Mapping[str, Equation] = field(default_factory=dict)
    """The equations of a pass that has been looked at before."""
    until: float = float("inf")
    """Until when, by the time of the processor, it is gone on with."""
    found: list[Explanation] = field(default_factory=list)

    def run(self) -> list[Explanation]:
        """All explanations of the first wrong value that make no right one wrong."""
        first = self.backward.name_of.get(self.wanted.first)
        if first is None or first not in self.backward.before:
            return []
        several = groups(self.backward, self.backward.before[first], self.marks)
        left = [g for g in several if not all(map(self._is_known, g))]
        for look in (self._by_terms, self._by_places, self._by_sums, self._by_wholes):
            for members in left:
                if time.process_time() < self.until:
                    look(members)
            if any(f.explained > len(self.wanted.wrong) for f in self.found):
                break
        return self.found

    def _is_known(self, name: str) -> bool:
        """Whether an equation is the same in the pass that was looked at before."""
        other = self.seen.get(name)
        return other is not None and other.rhs == self.backward.equations[name].rhs

    # -- equations that are alike in all turns

    @cached_property
    def marks(self) -> Mapping[str, Hashable]:
        """What arrays have in common with those of other turns."""
        return marks(self.backward.derivation.typed, self.backward.value_of)

    def mark(self, name: str) -> Hashable:
        """What an array has in common with those of other turns."""
        return self.marks.get(name, name)

    def form(self, name: str) -> Hashable:
        """What an array has in common with those that stand at the same place in other layers."""
        return "d" if name in self.backward.slopes else "x"

    def _marks_of(self, members: Sequence[str]) -> Sequence[Callable[[str], Hashable]]:
        """In what ways terms of several equations may be the same."""
        return (self.mark,) if len(members) == 1 else (self.mark, self.form)

    # -- coefficients of terms

    def _by_terms(self, members: Sequence[str]) -> None:
        """Terms that are left out, or have other coefficients."""
        known: set[int] = set()
        ways = itertools.product((False, True), self._marks_of(members), (False, True))
        for all_of_them, mark, each in ways:
            terms = partial(self.terms, all_of_them=all_of_them)
            columns = columns_of(self.backward, members, terms, mark, each=each)
            if len(columns.parts) not in known:
                known.add(len(columns.parts))
                self._fit(columns, members[0])

    def _fit(self, columns: Columns, name: str) -> None:
        value, first = self._value(name), not self.backward.reads[name]
        for coefficients, explained in fitted(columns, self.wanted):
            cost = 0.1 * len(coefficients) + 0.1 * sum(abs(c - 1) > 1e-6 for c in coefficients)
            found = Explanation(
                value, "terms", "", "", cost, explained, coefficients, columns.summands(), "", first
            )
            self.found.append(found)

    def _value(self, name: str) -> str:
        return self.backward.value_of.get(name, self.backward.derivation.typed.output)

    def terms(self, name: str, *, all_of_them: bool = False) -> list[Term]:
        """The terms of a derivative."""
        rhs, slopes = self.backward.equations[name].rhs, self.backward.slopes
        return terms_of(rhs, slopes, all_of_them=all_of_them)

    # -- other things at some place

    def _by_places(self, members: Sequence[str]) -> None:
        """Other arrays, functions, or sums at the places that are alike."""
        done: set[tuple[Any, ...]] = set()
        for mark in self._marks_of(members):
            alike: dict[Hashable, list[Place]] = defaultdict(list)
            for name in members:
                for place in self._places(name, mark):
                    alike[place.key].append(place)
            for several in alike.values():
                key = tuple((p.equation.name, p.term, p.part) for p in several)
                if key not in done:
                    done.add(key)
                    self._at(several)

    def _places(self, name: str, mark: Callable[[str], Hashable]) -> Iterator[Place]:
        """The places in the terms of a derivative."""
        for term in self.terms(name):
            yield from places(self.backward, self.backward.equations[name], term, mark)

    def _at(self, several: Sequence[Place]) -> None:
        """What may stand at places, the same at all of them."""
        names = [f"_put{k}" for k in range(len(several))]
        changed: dict[str, sp.Expr] = {}
        for name, place in zip(names, several, strict=True):
            rhs = changed.get(place.equation.name) or self._sum_of(place.equation)
            other = sp.Add(rhs, -place.term.expr, place.other(name))
            changed[place.equation.name] = other
        first = several[0]

        def contents(point: int) -> dict[Other, list[Numbers]]:
            inside = Contents(self.backward, point, self.names)
            tables = [inside.of(p) for p in several]
            now = [inside.now(p) for p in several]
            return {o: [t.get(o, n) for t, n in zip(tables, now, strict=True)] for o in tables[0]}

        value = self._value(first.equation.name)
        self._tried(value, first.role, str(first.part), names, changed, contents)

    def _sum_of(self, equation: Equation) -> sp.Expr:
        """An equation as the sum of its terms."""
        return sp.Add(*(t.expr for t in self.terms(equation.name)))

    def _by_sums(self, members: Sequence[str]) -> None:
        """Sums over other indices."""
        for name in members:
            equation = self.backward.equations[name]
            for term in self.terms(name):
                if term.limits:
                    rest = sp.Add(self._sum_of(equation), -term.expr)
                    put = entry("_put0", (BATCH, *equation.indices))

                    def contents(
                        point: int, equation: Equation = equation, term: Term = term
                    ) -> dict[Other, list[Numbers]]:
                        found = turned_sums(self.backward, equation, term, point)
                        return {o: [a] for o, a in found.items()}

                    value = self._value(name)
                    text = str(term.expr)
                    self._tried(value, "sum", text, ["_put0"], {name: rest + put}, contents)

    def _by_wholes(self, members: Sequence[str]) -> None:
        """Whole derivatives that are others."""
        equations = [self.backward.equations[n] for n in members]
        names = [f"_put{k}" for k in range(len(members))]
        for whole in WHOLES:
            if len(members) > 1 and whole.role != "times":
                continue
            pairs = zip(equations, names, strict=True)
            changed = {e.name: whole.changed(e, n) for e, n in pairs}

            def contents(point: int, whole: Whole = whole) -> dict[Other, list[Numbers]]:
                looks = [Look(self.backward, e, point, self.names) for e in equations]
                tables = [whole.others(look) for look in looks]
                ones = [np.ones_like(look.own, dtype=float) for look in looks]
                pairs = list(zip(tables, ones, strict=True))
                return {o: [t.get(o, one) for t, one in pairs] for o in tables[0]}

            value = self._value(members[0])
            self._tried(value, whole.role, "", names, changed, contents, free=whole.free)

    def _tried(
        self,
        value: str,
        role: str,
        before: str,
        names: Sequence[str],
        changed: Mapping[str, sp.Expr],
        contents: Callable[[int], dict[Other, list[Numbers]]],
        *,
        free: bool = False,
    ) -> None:
        """Keep what explains the first wrong value at all points."""
        left: list[Other] | None = None
        count = 0
        for point in self.wanted.points:
            table = contents(point)
            left = list(table) if left is None else [o for o in left if o in table]
            if not left:
                return
            stacks = {n: np.stack([table[o][k] for o in left]) for k, n in enumerate(names)}
            if free:
                stacks = {n: np.concatenate([a, np.zeros_like(a[:1])]) for n, a in stacks.items()}
            predicted = self.backward.variants(changed, stacks, point)
            predicted = self.wanted.scaled(predicted, point) if free else predicted
            fine, count_of = self.wanted.explained(predicted, point)
            left = [o for o, good in zip(left, fine, strict=True) if good]
            count = int(count_of[fine].max(initial=0))
        name = self.backward.name_of.get(value, "")
        first = not self.backward.reads.get(name, ())
        for o in left or ():
            found = Explanation(value, role, o.change, o.detail, o.cost, count, before=before)
            self.found.append(replace(found, first=first))
