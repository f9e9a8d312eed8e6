"""An audit from end to end: run, compare, search for repairs, and say what was found."""

from __future__ import annotations

import ast as syntax
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from symgrad.audit.clips import SMALLER, Clip, clips
from symgrad.audit.compare import TOLERANCE
from symgrad.audit.deduced.entries import spoiled
from symgrad.audit.evidence import Evidence
from symgrad.audit.form import Form, assigned, script_plan
from symgrad.audit.grammar import RULES
from symgrad.audit.handed import handed_out, returned_names, unknown
from symgrad.audit.hidden import is_hidden
from symgrad.audit.hints import not_run, of_a_script, otherwise, stop_of
from symgrad.audit.instrument import STEP
from symgrad.audit.losses import another_loss
from symgrad.audit.outcome import Blamed, Outcome
from symgrad.audit.program import Program
from symgrad.audit.reference import Reference, Truth
from symgrad.audit.runner import OutOfTime, Run, Runner
from symgrad.audit.scene import Scene
from symgrad.audit.scripts import containers, labels_of, literal_sizes, sizes_of, variables
from symgrad.audit.search import Found, Search, State, Target, local_targets, wrong_site
from symgrad.audit.sites import Site
from symgrad.audit.source import Source
from symgrad.audit.steps import stepping, steps_of
from symgrad.audit.traces import traced
from symgrad.audit.values import Matching, Value, least_exact, right_or_scaled
from symgrad.errors import SpecError

POINTS, FIRST = 6, 4.0
"""How many points; for how many seconds a script may run first: it may train for hours."""


class Auditor:
    """One audit of a program against a reference."""

    def __init__(
        self,
        reference: Reference,
        source: Source,
        form: Form,
        *,
        match: Mapping[str, str],
        inputs: Mapping[str, str],
        example: Mapping[str, Any] | None,
        seeds: Mapping[str, Any],
        timeout: float,
        seed: int,
    ) -> None:
        self.reference = reference
        self.source = source
        self.form = form
        self.match = match
        self.inputs = inputs
        self.example = example
        self.seed = seed
        self.remarks: list[str] = []
        self.timeout = timeout
        runner = Runner({}, source.folder, timeout)
        self.program = Program(source, form, runner, seeds=seeds)
        runner.loading |= self.program.loading()

    def run(self) -> Outcome:
        """The audit; NotRun where it can't be made."""
        try:
            if self.form.script:
                self._take_script()
            truths, runs = self._points()
            outcome = self._judged(truths, runs)
            if self.program.runner.time_left < 1:
                self.remarks.append("the audit ran out of time: --timeout gives it more")
            return outcome
        finally:
            self.program.runner.close()

    # -- scripts

    def _take_script(self) -> None:
        """Find the variables that hold the inputs, and where to replace them."""
        (first,) = self.program.runner.run([({}, {}, 0, b"")], keep=True, limit=FIRST)
        if first.error is not None and not first.records:
            raise not_run(self.source, self.form, first)
        hint = otherwise(self.source, self.form, self.reference.inputs)
        file = self.source.file
        names = variables(self.reference, first, file, self.inputs, self.example, hint)
        held = containers(first, set(names.values()))
        labels = labels_of(first, names)
        wrt = [names[n] for n in self.reference.derivation.wrt if n in names]
        data = set(names.values()) - set(wrt)
        plan = script_plan(self.source.tree, [*names.values(), *labels], held, data)
        plan = replace(plan, steps=stepping(self.source.tree, wrt, plan.gives))
        form = Form("__main__", script=True, plan=plan, inputs=names, labels=labels)
        self.program = Program(self.source, form, self.program.runner, seeds=self.program.seeds)
        self.form = form
        self.program.load()
        (second,) = self.program.runner.run([({}, {}, 0, b"")], keep=True, limit=self.timeout / 4)
        self.program.shapes = {
            code: np.shape(value) for code, value in second.author.items() if value is not None
        }
        self.author = second
        self.program.stops = stop_of(second)
        self.remarks += of_a_script(self.source, second)

    # -- points

    def _points(self) -> tuple[list[Truth], list[Run]]:
        """Points at which the program runs, and its runs there."""
        sizes = self._script_sizes() if self.form.script else None
        truths = [self.reference.drawn(self.seed, k, sizes) for k in range(POINTS)]
        runs = self.program.run(truths)
        failed = [r for r in runs if r.error is not None]
        if failed and sizes is None and self.reference.free:
            for sizes in literal_sizes(self.source.tree, self.reference.free):
                again = [self.reference.drawn(self.seed, k, sizes) for k in range(POINTS)]
                second = self.program.run(again)
                if all(r.error is None for r in second):
                    told = ", ".join(f"{n} = {k}" for n, k in sizes.items())
                    self.remarks.append(f"sizes are numbers in the program: {told} stays")
                    return again, second
        if failed and not self.form.script:
            raise not_run(self.source, self.form, failed[0])
        if failed and all(not r.last for r in failed):
            raise not_run(self.source, self.form, failed[0])
        return truths, runs

    def _script_sizes(self) -> dict[str, int]:
        """The named sizes, of the arrays of the program."""
        sizes = sizes_of(self.reference, self.form.inputs, self.program.shapes)
        if sizes:
            told = ", ".join(f"{n} = {k}" for n, k in sizes.items())
            self.remarks.append(f"the sizes are those of the program: {told}")
        return sizes

    # -- judgement

    def _matched(self, runs: list[Run], truths: list[Truth], returned: list[str]) -> Matching:
        """What the program hands out, and which gradient each of it is."""
        matching = Matching(self.reference, self.form, self.match)
        matching.bounds = {clip.bound for clip in clips(self.source)}
        matching.text = self.source.text
        found = [handed_out(r, self.form, returned) for r in runs]
        matching.match(found, truths)
        self._take_steps(matching, runs, truths)
        if not matching.codes:
            raise SpecError(
                f"{self.source.file}: nothing was found that is called like a gradient",
                hint=otherwise(self.source, self.form, self.reference.inputs)
                or f"say what is what: --match {min(matching.wrt)}=NAME",
            )
        self.remarks += matching.by_data(found[0], truths[0])
        return matching

    def _judged(self, truths: list[Truth], runs: list[Run]) -> Outcome:
        returned = returned_names(self.source.tree, self.form)
        matching = self._matched(runs, truths, returned)
        found = [handed_out(r, self.form, returned) for r in runs]
        fine = matching.finite(found)
        if 2 <= len(fine) < len(found):
            self.remarks.append("not a number where much is saturated: these points are left out")
            truths, runs, found = ([of[k] for k in fine] for of in (truths, runs, found))  # type: ignore[assignment]
        matching.drop_arguments(found, truths)
        matching.learn_scales(runs, truths)
        tolerance = TOLERANCE[least_exact(runs, self.source)]
        state = State(self.program, matching, truths, returned, tolerance, runs)
        before = right_or_scaled(state.once(), matching.wrt)
        kept = {v.code for v in before}
        matching.codes = {c: n for c, n in matching.codes.items() if c in kept}
        lines = {v.code: state.line_of(v.code) for v in before}
        good = all(v.right for v in before)
        blamed: list[Blamed] = []
        with suppress(OutOfTime):
            blamed = self._clipped(state) if good else self._blamed(state)
            loss = self._another_loss(state) if good and not blamed else None
            if loss is not None:
                before.append(loss)
                blamed = self._blamed_for_loss(state, loss)
                lines |= {loss.code: blamed[0].line}
        before = [v for v in before if v.code not in matching.habits.other]
        unmatched = [n for n in matching.wrt if n not in matching.codes.values()]
        return Outcome(
            self.source,
            before,
            state.values(),
            blamed,
            state.program.source.text,
            self.remarks,
            lines,
            sorted(unmatched),
            unknown(found[0], self.form, matching.codes, truths[0]) if unmatched else (),
            truths[0].sizes,
        )

    def _take_steps(self, matching: Matching, runs: list[Run], truths: list[Truth]) -> None:
        """Take the gradients that have no name from the changes of their parameters."""
        tree, lines = self.source.tree, self.form.plan.steps
        known, codes = set(matching.codes.values()), self.form.inputs
        lacking = {c: n for n, c in codes.items() if n in matching.wrt - known}
        off = {codes[n]: n for n in matching.off(runs, truths) if n in codes}
        steps = steps_of(tree, lines, lacking, runs, truths)
        steps |= steps_of(tree, lines, off, runs, truths, only_right=True)
        if steps:
            matching.take({c: {**lacking, **off}[c.removeprefix(STEP)] for c in steps})
            self.form = replace(self.form, steps=steps)
            self.program = replace(self.program, form=self.form, holes={})

    def _clipped(self, state: State) -> list[Blamed]:
        """What is clipped in the midst of a pass, which shows once the bounds are small."""
        program, matching = state.program, state.matching
        for clip in clips(self.source):
            matching.bounds = {clip.bound, clip.bound / SMALLER}
            if self._is_wrong(state, clip.removed):
                continue
            state.program = program.repaired(clip.shrunk)
            state.program.load()
            wrong = state.refresh().wrong()
            found = self._blamed(state) if wrong else []
            state.program = program
            program.load()
            state.refresh()
            if not wrong:
                self.remarks.append(f"gradients are clipped at the end, line {clip.line}")
            for blame in found[:1]:
                return [self._unclipped(blame, clip, state)]
        return []

    def _is_wrong(self, state: State, change: tuple[int, int, str]) -> bool:
        """Whether a program that is right is not with a change: a clip may be a derivative."""
        program = state.program.repaired([change])
        program.load()
        runs = program.run(state.truths)
        state.program.load()
        return not all(v.right for v in state.values(runs))

    def _unclipped(self, blame: Blamed, clip: Clip, state: State) -> Blamed:
        """The fault at a clip, its repair made in the text as it is."""
        scene = Scene(self.source, state.runs[0], state.truths[0], self.reference)
        sites = scene.sites(blame.target.code, clip.line)
        edits = [
            e
            for s in sites
            for rule in RULES
            for e in rule.edits(s)
            if rule.kind == "clipped" and s.line == clip.line
        ]
        if blame.edit is None or not edits:
            return blame
        state.program = state.program.repaired(edits[0].changes)
        line = state.program.source.text.split("\n")[clip.line - 1]
        state.program.load()
        state.refresh()
        return replace(blame, line=clip.line, edit=edits[0], repaired_line=line, hidden=None)

    def _blamed(self, state: State) -> list[Blamed]:
        """The first faults, each repaired before the next is looked for."""
        found: list[Blamed] = []
        held: list[Blamed] = []
        given_up: set[str] = set()
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
        return [*found, *held] or self._at_least(state)

    def _targets(
        self, state: State, wrong: Sequence[Value], given_up: Collection[str]
    ) -> list[Target]:
        """What may be mended next: locals that are made before the first value that is wrong."""
        targets = [t for t in local_targets(state, self.reference) if t.code not in given_up]
        targets += [self._target(state, v) for v in wrong[:1]]
        order = {t: k for k, (_, t, _) in enumerate(state.runs[0].records)}
        first = state.made(wrong[0].code)
        return sorted(
            (t for t in targets if not t.local or order.get(t.code, 0) < first),
            key=lambda t: order.get(t.code, 0) if t.local else first,
        )

    def _next(self, state: State, targets: Sequence[Target], given_up: set[str]) -> Blamed | None:
        """The first fault that one of some values has."""
        for target in targets:
            blame = self._blame(state, target)
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

    def _another_loss(self, state: State) -> Value | None:
        """What is given back for the loss, where that is another than the gradients are of."""
        found = [state.handed(run) for run in state.runs]
        matching, output = state.matching, self.reference.output
        return another_loss(self.form, found, state.truths, output, matching.codes)

    def _blamed_for_loss(self, state: State, loss: Value) -> list[Blamed]:
        """The fault in a loss, whose gradients are right."""
        target = Target(loss.name, loss.code, state.line_of(loss.code), forward=True)
        found = self._blame(state, target)
        return [] if found is None else [found]

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

    def _blame(self, state: State, target: Target) -> Blamed | None:
        evidence = Evidence.of(state, self.reference, target)
        runner = state.program.runner
        share = 1 / 15 if target.local or target.scaled else 5 / 12
        search = Search(state, self.reference, min(share * runner.timeout, runner.time_left / 2))
        repair = search.repair(target)
        made = None if repair is None else self._repaired(state, target, repair, evidence)
        nothing = target.local or target.scaled
        if repair is None and not nothing and search.is_over():
            self.remarks.append("the search for a repair ran out of time: --timeout gives it more")
        return made if made or nothing else self._unnamed(state, target, evidence)

    def _repaired(
        self, state: State, target: Target, repair: Found, evidence: Evidence
    ) -> Blamed | None:
        """The fault that a repair mends, once it is made; None where it was right by chance."""
        edit, before = repair.edit, state.program
        state.program = before.repaired(edit.changes)
        state.program.load()
        state.refresh()
        if target.code in {v.code for v in state.wrong()} - repair.lost:
            self._take_back(state, before)  # it reads what is another at each run
            return None
        evidence = evidence.of_values({state.matching.codes[c] for c in repair.fixed})
        for code in repair.lost:
            del state.matching.codes[code]
        line = before.source.text.count("\n", 0, edit.changes[0][0]) + 1
        hidden = is_hidden(before, state.program, self._example())
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

    def _unnamed(self, state: State, target: Target, evidence: Evidence) -> Blamed:
        """A fault whose cause was not found, at the line that makes the value."""
        evidence = replace(evidence, trace=traced(state))
        scene = Scene(state.program.source, state.runs[0], state.truths[0], self.reference)
        sites = scene.sites(target.code, target.line)
        ought = state.truths[0].gradients.get(target.name)
        site = spoiled(state.program, scene, sites, state.truths[0], ought) or wrong_site(sites)
        if site is None:
            return Blamed(target, target.line or 0, None, evidence)
        line = site.roots[0].lineno if site.roots else site.line
        names, assigns = self._names(site, state)
        return Blamed(target, line, None, evidence, None, assigns, names, site=site)

    def _example(self) -> Truth | None:
        """The author's own point: of a script its own numbers, else the example of the spec."""
        if self.form.script:
            return Truth({}, {}, {}, {}, {}, {})
        return self.reference.example(self.example) if self.example else None
