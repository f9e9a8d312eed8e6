"""The blame: which lines are the first faults of a program, and what repairs each."""

from __future__ import annotations

import ast as syntax
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from symgrad.audit.deduced.entries import spoiled
from symgrad.audit.deduced.written import Written
from symgrad.audit.enough import enough
from symgrad.audit.evidence import Evidence
from symgrad.audit.form import assigned
from symgrad.audit.hidden import is_hidden
from symgrad.audit.outcome import Blamed
from symgrad.audit.program import Program
from symgrad.audit.reference import Reference, Truth
from symgrad.audit.runner import OutOfTime
from symgrad.audit.scene import Scene
from symgrad.audit.search import Found, Search, State, Target
from symgrad.audit.sites import Site
from symgrad.audit.spoken import spoken
from symgrad.audit.starts import Start, wrong_site
from symgrad.audit.traces import is_drawn, traced
from symgrad.audit.values import Value
from symgrad.audit.wrong import last_places, local_targets

MOST_OTHERS = 2
"""Of how many other values a fault is looked for, where that of one is not found."""


@dataclass
class Blaming:
    """The search for the faults of one program."""

    reference: Reference
    example: Callable[[], Truth | None]
    """The author's own point."""
    remarks: list[str] = field(default_factory=list)

    @cached_property
    def written(self) -> Written:
        """The lines of the derivation as code."""
        return Written(self.reference)

    def all(self, state: State) -> list[Blamed]:
        """The first faults, each repaired before the next is looked for."""
        found: list[Blamed] = []
        held: list[Blamed] = []
        given_up: set[str] = set()
        first, texts = state.program, dict[int, str]()
        for _ in range(12):
            before, runs = state.program, state.runs
            wrong = [v for v in state.wrong() if v.code not in given_up]
            if not wrong or state.program.runner.time_left < 1:
                break
            targets = self._targets(state, wrong, given_up)
            try:
                blame = self._next(state, targets, given_up)
                if blame is None:
                    continue
                texts[id(blame)] = before.source.text
                if blame.edit is None and blame.target.name not in state.matching.wrt and not held:
                    held = [blame]
                    continue
                found += self._first(state, held, blame, before)
                held = []
                for unnamed in [b for b in found if b.edit is None]:
                    given_up |= self._following(state, wrong, unnamed.line)
            except OutOfTime:
                state.program, state.runs = before, runs
                break
        if held or not found:
            return [*found, *held] or self._at_least(state)
        return self._fewest(state, first, [(b, texts[id(b)]) for b in found])

    def _fewest(
        self, state: State, first: Program, found: Sequence[tuple[Blamed, str]]
    ) -> list[Blamed]:
        """The faults, or the one that is enough, as far as there is time to tell."""
        every = [blamed for blamed, _ in found]
        if len(every) < 2 or any(b.edit is None for b in every) or state.wrong():
            return every
        program, runs = state.program, state.runs
        try:
            one = enough(state, first, found) or self._at_once(state, first)
            if one is None:
                self._take_back(state, program)
            return every if one is None else [one]
        except OutOfTime:
            state.program, state.runs = program, runs
            return every

    def _at_once(self, state: State, first: Program) -> Blamed | None:
        """The fault that makes wrong all that is handed out; None where several do."""
        self._take_back(state, first)
        target = self._target(state, state.wrong()[0])
        made = self._mended(state, target, state.program.runner.time_left / 3, all_=True)
        return None if state.wrong() else made

    def _mended(
        self, state: State, target: Target, seconds: float, *, all_: bool = False
    ) -> Blamed | None:
        """The fault that a repair of a value mends; ``all_``: only where all is right with it."""
        evidence = Evidence.of(state, self.reference, target)
        repair = Search(state, self.reference, seconds).repair(target)
        if repair is None:
            return None
        if all_ and (repair.lost or len(repair.fixed) < len(state.wrong())):
            return None
        return self._repaired(state, target, repair, evidence)

    def _targets(
        self, state: State, wrong: Sequence[Value], given_up: Collection[str]
    ) -> list[Target]:
        """What may be mended next: locals that are made before the first value that is wrong."""
        targets = [t for t in local_targets(state, self.reference) if t.code not in given_up]
        targets += [self._target(state, v) for v in wrong[:1]]
        order = last_places(state.runs[0].records)
        first = state.made(wrong[0].code)
        return sorted(
            (t for t in targets if not t.local or order.get(t.code, 0) < first),
            key=lambda t: order.get(t.code, 0) if t.local else first,
        )

    def _next(self, state: State, targets: Sequence[Target], given_up: set[str]) -> Blamed | None:
        """The first fault that one of some values has."""
        for target in targets:
            blame = self.blame(state, target)
            if blame is None or blame.edit is None:
                given_up.add(target.code)
                state.matching.forget({target.code} if target.scaled else set())
            if blame is not None:
                return blame
        return None

    def _at_least(self, state: State) -> list[Blamed]:
        """What is wrong first, where there was no time to look for its cause."""
        targets = [self._target(state, v) for v in state.wrong()[:1]]
        return [
            Blamed(t, t.line or 0, None, Evidence.of(state, self.reference, t)) for t in targets
        ]

    def _first(
        self, state: State, held: list[Blamed], blame: Blamed, before: Program
    ) -> list[Blamed]:
        """The faults, of which one may be none: what is called as by a value may be another's.

        What follows from a value that stays wrong is no fault, whatever makes it right.
        """
        if blame.edit is None:
            return held or [blame]
        kept = [b for b in held if self._stays(state, b)]
        own = [v for v in state.values() if v.code == blame.target.code]
        if not any(self._following(state, own, b.line) for b in kept):
            return [*kept, blame]
        self._take_back(state, before)
        return kept

    def _take_back(self, state: State, before: Program) -> None:
        """Go on with the program as it was before a repair."""
        state.program = before
        before.load()
        state.refresh()

    def _stays(self, state: State, blamed: Blamed) -> bool:
        """Whether a value stays wrong after the repair of another; if not, it was called so."""
        handed = [state.handed(run) for run in state.runs]
        state.matching.drop_arguments(handed, state.truths)
        return blamed.target.code in state.matching.codes

    def _target(self, state: State, value: Value) -> Target:
        """A value that has to become right; on the way it may be meant to be a multiple."""
        scaled = value.scaled and value.name not in state.matching.wrt
        return Target(value.name, value.code, state.line_of(value.code), scaled=scaled)

    def _following(self, state: State, wrong: Sequence[Value], line: int) -> set[str]:
        """The values that depend on a line whose fault is not known."""
        scene = Scene(state.program.source, state.runs[0], state.truths[0], self.reference)
        sites = {v.code: scene.sites(v.code, state.line_of(v.code)) for v in wrong}
        return {
            c
            for c, found in sites.items()
            if any(
                line in range(s.line, (s.statement.end_lineno or s.line) + 1)
                for s in found
                if not isinstance(s.statement, syntax.FunctionDef | syntax.For)
            )
        }

    def blame(self, state: State, target: Target) -> Blamed | None:
        evidence = Evidence.of(state, self.reference, target)
        runner = state.program.runner
        share = 1 / 15 if target.local or target.scaled else 5 / 12
        search = Search(state, self.reference, min(share * runner.timeout, runner.time_left / 2))
        repair = search.repair(target)
        made = None if repair is None else self._repaired(state, target, repair, evidence)
        nothing = target.local or target.scaled
        if repair is None and not nothing and search.is_over():
            self.remarks.append("the search for a repair ran out of time: --timeout gives it more")
        if made or nothing:
            return made
        made = self._another(state, target) or self._written_out(state, target, search.start)
        return made or self._unnamed(search, target, evidence)

    def _another(self, state: State, target: Target) -> Blamed | None:
        """The fault of another parameter, where one has several and none of them mends it alone.

        Of a value on the way the others follow, and may be mended by chance.
        """
        wrt = state.matching.wrt if target.name in state.matching.wrt else ()
        others = [v for v in state.wrong() if v.code != target.code and v.name in wrt]
        for value in others[:MOST_OTHERS]:
            seconds = state.program.runner.time_left / 6
            made = self._mended(state, self._target(state, value), seconds)
            if made is not None:
                return made
        return None

    def _written_out(self, state: State, target: Target, start: Start | None) -> Blamed | None:
        """The fault at the first line that is to be another, written out of the derivation."""
        order = last_places(state.runs[0].records)
        near = [t for t in local_targets(state, self.reference) if not t.forward and not t.scaled]
        near.sort(key=lambda t: order.get(t.code, 0))
        begins: list[tuple[Target, Start | None]] = [(target, start)] if start is not None else []
        for one, at in [*begins, *((t, None) for t in near), (target, None)]:
            search = Search(state, self.reference, state.program.runner.time_left / 2)
            found = search.written(one, self.written, at)
            if found is not None and (one is target or target.code in found.fixed):
                evidence = Evidence.of(state, self.reference, one)
                return self._repaired(state, one, found, evidence)
        return None

    def _repaired(
        self, state: State, target: Target, repair: Found, evidence: Evidence
    ) -> Blamed | None:
        """The fault that a repair mends, once it is made; None where it was right by chance."""
        before, drawn = state.program, is_drawn(state, target.code)
        edit = spoken(repair.edit, state)
        state.program = before.repaired(edit.changes)
        state.program.load()
        state.refresh()
        if target.code in {v.code for v in state.wrong()} - repair.lost:
            self._take_back(state, before)  # it reads what is another at each run
            return None
        evidence = evidence.of_values({state.matching.codes[c] for c in repair.fixed})
        evidence = replace(
            evidence, trace="random" if drawn and not is_drawn(state, target.code) else ""
        )
        for code in repair.lost:
            del state.matching.codes[code]
        line = before.source.text.count("\n", 0, edit.changes[0][0]) + 1
        hidden = is_hidden(before, state.program, self.example())
        state.program.load()
        names, assigns = self._names(edit.site, state)
        repaired = state.program.source.text.split("\n")[line - 1]
        return Blamed(target, line, edit, evidence, hidden, assigns, names, repaired, edit.site)

    def _names(self, site: Site, state: State) -> tuple[dict[str, str], str]:
        """What names are in the spec where a statement stands, and what it assigns."""
        derivation = self.reference.derivation
        names: dict[str, str] = {}
        habits = state.matching.habits
        for known in site.known.values():
            gradient = habits.gradient(known.name)
            value = habits.value(known.name)
            role = known.role
            if gradient is not None:
                names[known.name] = derivation.adjoint_name.get(gradient, gradient)
            elif value is not None:
                names[known.name] = value
            elif role is not None and known.name.isidentifier() and not role.in_turn:
                called = derivation.adjoint_name.get(role.name, role.name)
                names[known.name] = called if role.kind == "gradient" else role.name
        target = next(iter(sorted(assigned(site.statement))), "")
        return names, habits.gradient(target) or habits.value(target) or target

    def _unnamed(self, search: Search, target: Target, evidence: Evidence) -> Blamed:
        """A fault whose cause was not found, at the line that makes the value."""
        state = search.state
        evidence = replace(evidence, trace=traced(state))
        scene = Scene(state.program.source, state.runs[0], state.truths[0], self.reference)
        sites = scene.sites(target.code, target.line)
        ought = state.truths[0].gradients.get(target.name)
        spoilt = spoiled(state.program, scene, sites, state.truths[0], ought)
        site = spoilt or wrong_site(sites)
        site = site if search.answers is None else search.answers.likeliest(site, sites)
        site = site if search.start is None else search.start.site
        if site is None:
            return Blamed(target, target.line or 0, None, evidence)
        line = site.roots[0].lineno if site.roots else site.line
        names, assigns = self._names(site, state)
        return Blamed(target, line, None, evidence, None, assigns, names, site=site)
