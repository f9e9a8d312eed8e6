"""What is wrong in a backward pass, by its numbers alone: which equation it has otherwise."""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import sympy as sp

from symgrad.audit.diagnosis.alike import Turns, groups, marks
from symgrad.audit.diagnosis.exchanged import other_derivatives
from symgrad.audit.diagnosis.explanation import Explanation
from symgrad.audit.diagnosis.fits import Columns, columns_of, fitted, is_projected
from symgrad.audit.diagnosis.free import other_sums
from symgrad.audit.diagnosis.graph import BATCH, Backward
from symgrad.audit.diagnosis.kinks import other_kinks
from symgrad.audit.diagnosis.moved import added_elsewhere
from symgrad.audit.diagnosis.order import moved_entries, scaled_rows
from symgrad.audit.diagnosis.parts import Term, terms_of
from symgrad.audit.diagnosis.shorter import shorter_values
from symgrad.audit.diagnosis.slots import Contents, Other, Place, places
from symgrad.audit.diagnosis.strides import other_strides
from symgrad.audit.diagnosis.sums import turned_sums
from symgrad.audit.diagnosis.trial import Trial
from symgrad.audit.diagnosis.wanted import Wanted
from symgrad.audit.diagnosis.wholes import WHOLES, Look, Whole
from symgrad.errors import SymgradError
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import entry, name_of

Numbers = np.ndarray[Any, Any]


TIMES_A_NUMBER = 0.6
"""How much less likely something is that has to be times a number too."""

OF_NO_NAME = 0.15
"""How much less likely it is that terms of a value without a name are others."""


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
    any_number: bool = False
    """Whether what is tried may be times any number."""

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
            if self._is_explained():
                return self.found
        for last in (self._by_arrays, self._by_moves, self._by_free_sums, self._by_numbers):
            if not self._is_explained() and time.process_time() < self.until:
                last(first)
        return self.found

    def _by_moves(self, first: str) -> None:
        """Terms that are added to another derivative, and numbers that stand at other entries."""
        before = self.backward.before[first]
        several = [*added_elsewhere(self.backward, before, self.terms)]
        several += [*other_strides(self.backward, before | self._by_wrong())]
        several += [*other_kinks(self.backward, before), *shorter_values(self.backward, before)]
        for trial in several:
            self._try(trial)
        self.found += moved_entries(self.backward, self.wanted)
        self.found += scaled_rows(self.backward, self.wanted)

    def _by_wrong(self) -> set[str]:
        """The derivatives by all values that are wrong."""
        names = {self.backward.name_of.get(n, "") for n in self.wanted.wrong}
        return names & self.backward.equations.keys()

    def _by_free_sums(self, first: str) -> None:
        """Sums that may be any."""
        before = sorted(self.backward.before[first])
        for found in other_sums(self.backward, self.wanted, before):
            name = self.backward.name_of.get(found.value, "")
            projects = is_projected(self.backward, name, self.terms(name)) if name else False
            self.found.append(replace(found, projects=projects))

    def _by_numbers(self, first: str) -> None:
        """What was tried in one equation, times any number."""
        self.any_number = True
        for name in sorted(self.backward.before[first]):
            for look in (self._by_places, self._by_sums, self._by_wholes):
                if time.process_time() < self.until:
                    look([name])

    def _is_explained(self) -> bool:
        """Whether something explains all that is wrong."""
        return any(f.explained > len(self.wanted.wrong) for f in self.found)

    def _by_arrays(self, first: str) -> None:
        """Other arrays wherever one is read, in all equations."""
        alike: dict[str, list[Place]] = defaultdict(list)
        for name in sorted(self.backward.before[first]):
            for place in self._places(name, self.mark):
                if place.array and place.role != "gradient":
                    alike[name_of(place.part)].append(place)
        for several in alike.values():
            if len({p.equation.name for p in several}) > 1 and time.process_time() < self.until:
                self._at(several)

    def _is_known(self, name: str) -> bool:
        """Whether an equation is the same in the pass that was looked at before."""
        other = self.seen.get(name)
        return other is not None and other.rhs == self.backward.equations[name].rhs

    # -- equations that are alike in all turns

    @cached_property
    def marks(self) -> Mapping[str, Hashable]:
        """What arrays have in common with those of other turns."""
        return marks(self.backward.derivation.typed, self.backward.value_of)

    @cached_property
    def turns(self) -> Turns:
        """Which turn of a loop each array belongs to."""
        return Turns(self.backward, self.marks)

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
        known: set[tuple[Hashable, ...]] = set()
        ways = itertools.product((0, 1, 2), self._marks_of(members), (False, True))
        for depth, mark, each in ways:
            terms = partial(self.terms, depth=depth)
            columns = columns_of(self.backward, members, terms, mark, each=each)
            if columns.key not in known:
                known.add(columns.key)
                self._fit(columns, members[0])

    def _fit(self, columns: Columns, name: str) -> None:
        value, first = self._value(name), not self.backward.reads[name]
        for coefficients, explained in fitted(columns, self.wanted):
            hidden = value in self.backward.derivation.typed.nameless
            cost = 0.1 * len(coefficients) + 0.1 * sum(abs(c - 1) > 1e-6 for c in coefficients)
            cost += OF_NO_NAME * hidden
            found = Explanation(
                value, "terms", "", "", cost, explained, coefficients, columns.summands()
            )
            self.found.append(replace(found, hidden=hidden, first=first))

    def _value(self, name: str) -> str:
        return self.backward.value_of.get(name, self.backward.derivation.typed.output)

    def terms(self, name: str, *, depth: int = 0) -> list[Term]:
        """The terms of a derivative."""
        rhs, slopes = self.backward.equations[name].rhs, self.backward.slopes
        return terms_of(rhs, slopes, depth)

    # -- other things at some place

    def _by_places(self, members: Sequence[str]) -> None:
        """Other arrays, functions, or sums at the places that are alike."""
        done: set[tuple[Any, ...]] = set()
        for mark, key in itertools.product(self._marks_of(members), (of_place, of_array)):
            alike: dict[Hashable, list[Place]] = defaultdict(list)
            for place in (p for name in members for p in self._places(name, mark)):
                alike[key(place)].append(place)
            for several in alike.values():
                same = tuple((p.equation.name, p.term, p.part, p.role) for p in several)
                if same not in done:
                    done.add(same)
                    self._at(several)

    def _places(self, name: str, mark: Callable[[str], Hashable]) -> Iterator[Place]:
        """The places in the terms of a derivative."""
        for term in self.terms(name):
            yield from places(self.backward, self.backward.equations[name], term, mark)

    def _at(self, several: Sequence[Place]) -> None:
        """What may stand at places, the same at all of them."""
        changed = {p.equation.name: self.backward.equations[p.equation.name].rhs for p in several}
        terms: dict[tuple[str, sp.Expr], sp.Expr] = {}
        for k, place in enumerate(several):
            key = (place.equation.name, place.term.expr)
            terms[key] = place.other(f"_put{k}", terms.get(key))
        for name in changed:
            parts = [terms.get((name, t.expr), t.expr) for t in self.terms(name)]
            changed[name] = sp.Add(*parts)
        first = several[0]
        contents = partial(self._contents, several)
        value = self._value(first.equation.name)
        alone = len(several) == len(changed)
        self._try(Trial(value, first.role, changed, contents, str(first.part), alone=alone))
        if first.role == "gradient" and len(changed) == len(several) > 1:
            for trial in other_derivatives(self.backward, several, self.terms, self.turns.label):
                self._try(trial)

    def _contents(self, several: Sequence[Place], point: int) -> dict[Other, list[Numbers]]:
        """What may stand at places at a point, the same at all of them."""
        inside = Contents(self.backward, point, self.names, self.turns.label)
        pairs = [(inside.of(p), inside.now(p)) for p in several]
        return {o: [table.get(o, now) for table, now in pairs] for o in pairs[0][0]}

    def _by_sums(self, members: Sequence[str]) -> None:
        """Sums over other indices: of each term, and of all terms of a derivative."""
        for name in members:
            own = [t for t in self.terms(name) if t.limits]
            for several in [[t] for t in own] + ([own] if len(own) > 1 else []):
                equation = self.backward.equations[name]
                rest = [t.expr for t in self.terms(name) if t not in several]
                put = [entry(f"_put{k}", (BATCH, *equation.indices)) for k in range(len(several))]
                contents = partial(self._sums, equation, several)
                changed, text = {name: sp.Add(*rest, *put)}, str(several[0].expr)
                self._try(Trial(self._value(name), "sum", changed, contents, text))

    def _sums(
        self, equation: Equation, several: Sequence[Term], point: int
    ) -> dict[Other, list[Numbers]]:
        """Terms, summed in other ways."""
        tables = [turned_sums(self.backward, equation, t, point) for t in several]
        return {o: [t[o] for t in tables] for o in tables[0] if all(o in t for t in tables)}

    def _by_wholes(self, members: Sequence[str]) -> None:
        """Whole derivatives that are others."""
        equations = [self.backward.equations[n] for n in members]
        for whole in WHOLES if len(members) == 1 else [w for w in WHOLES if w.role == "times"]:
            changed = {e.name: whole.changed(e, f"_put{k}") for k, e in enumerate(equations)}
            contents = partial(self._wholes, equations, whole)
            self._try(
                Trial(self._value(members[0]), whole.role, changed, contents, free=whole.free)
            )

    def _wholes(
        self, equations: Sequence[Equation], whole: Whole, point: int
    ) -> dict[Other, list[Numbers]]:
        """What whole derivatives may be, or be multiplied by."""
        looks = [Look(self.backward, e, point, self.names) for e in equations]
        pairs = [(whole.others(look), np.ones_like(look.own, dtype=float)) for look in looks]
        return {o: [table.get(o, one) for table, one in pairs] for o in pairs[0][0]}

    # -- what of it explains the numbers

    def _try(self, trial: Trial) -> None:
        """Keep what explains the first wrong value at all points."""
        with suppress(SymgradError, IndexError):
            self._keep(trial)

    def _keep(self, trial: Trial) -> None:
        left: list[Other] | None = None
        explained = 0
        for point in self.wanted.points:
            table = trial.contents(point)
            if self.any_number:
                table = {o: a for o, a in table.items() if any(map(_varies, a))}
            left = list(table) if left is None else [o for o in left if o in table]
            if not left:
                return
            fine, given = self.wanted.explained(self._predicted(trial, table, left, point), point)
            left = [o for o, good in zip(left, fine, strict=True) if good]
            explained = int(given[fine].max(initial=0))
        for other in left or ():
            self.found.append(self._explanation(trial, other, explained))

    def _predicted(
        self,
        trial: Trial,
        table: Mapping[Other, Sequence[Numbers]],
        left: Sequence[Other],
        point: int,
    ) -> dict[str, Numbers]:
        """The derivatives with each of what may stand there."""
        count = len(table[left[0]])
        stacks = {f"_put{k}": np.stack([table[o][k] for o in left]) for k in range(count)}
        if not (trial.free or self.any_number):
            return self.backward.variants(trial.changed, stacks, point)
        stacks = {n: np.concatenate([a, np.zeros_like(a[:1])]) for n, a in stacks.items()}
        return self.wanted.scaled(self.backward.variants(trial.changed, stacks, point), point)

    def _explanation(self, trial: Trial, other: Other, explained: int) -> Explanation:
        name = self.backward.name_of.get(trial.value, "")
        return Explanation(
            trial.value,
            trial.role,
            other.change,
            other.detail,
            other.cost + (TIMES_A_NUMBER if self.any_number else 0.0),
            explained,
            before=trial.before,
            hidden=trial.value in self.backward.derivation.typed.nameless,
            projects=trial.alone and is_projected(self.backward, name, self.terms(name)),
            norm=trial.value in self.backward.statistics,
            first=not self.backward.reads.get(name, ()),
        )


def _varies(array: Numbers) -> bool:
    """Whether an array has more than one number, which times any number may be any other."""
    return bool((array != array.flat[0]).any())


def of_place(place: Place) -> Hashable:
    """What places have in common that are alike in other turns, or layers."""
    return place.key


def of_array(place: Place) -> Hashable:
    """What all places have in common where one array is read."""
    return place.array or place.key
