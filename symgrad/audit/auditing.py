"""An audit from end to end: run, compare, search for repairs, and say what was found."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from symgrad.audit import guards, hints, orders
from symgrad.audit.batches import Parts, base, entries_of, parts_of
from symgrad.audit.blaming import Blaming
from symgrad.audit.clips import clips
from symgrad.audit.compare import TOLERANCE
from symgrad.audit.cutting import Cutting
from symgrad.audit.deaf import drawn_from, has_right, not_taken
from symgrad.audit.form import Form
from symgrad.audit.handed import handed_out, keyed, least_exact, returned_names, unknown
from symgrad.audit.instrument import STEP
from symgrad.audit.losses import another_loss
from symgrad.audit.meant import by_use
from symgrad.audit.names import Habits
from symgrad.audit.outcome import Blamed, Outcome
from symgrad.audit.plans import Places, made_late, script_plan
from symgrad.audit.printing import listed
from symgrad.audit.program import Program
from symgrad.audit.reference import Reference, Truth
from symgrad.audit.runner import OutOfTime, Run, Runner
from symgrad.audit.scripts import (
    arrays_of,
    containers,
    labels_of,
    literal_sizes,
    sizes_of,
    two_valued,
    variables,
)
from symgrad.audit.search import State, Target
from symgrad.audit.source import Source
from symgrad.audit.steps import downhill, stepping, steps_of
from symgrad.audit.unnamed import vector_in
from symgrad.audit.values import Matching, Value, right_or_scaled
from symgrad.errors import SpecError, SymgradError

POINTS, FIRST = 6, 4.0
"""How many points; for how many seconds a script may run first: it may train for hours."""

SCALED = 0.01
"""What a gradient counts that is right but for a number, where forms are chosen by their rights."""


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
        self.remarks = [*reference.remarks]
        self.timeout = timeout
        runner = Runner({}, source.folder, timeout)
        self.program = Program(source, form, runner, seeds=seeds)
        runner.loading |= self.program.loading()

    def run(self) -> Outcome:
        """The audit; NotRun where it can't be made."""
        try:
            if self.form.script:
                self._take_script()
            self.remarks += [*hints.outside(self.form), *orders.told(self.form, self.inputs)]
            truths, runs = self._points()
            outcome = self._judged(truths, runs)
            if self.program.runner.time_left < 1:
                self.remarks.append("the audit ran out of time: --timeout gives it more")
            return outcome
        finally:
            self.program.runner.close()

    def right(self) -> float:
        """How many gradients are right, before any search; -1 where that can't be told.

        One that is right but for a number counts a little.
        """
        try:
            if self.form.script:
                self._take_script()
            return self._right()
        except OutOfTime:
            raise
        except SymgradError:
            return -1
        finally:
            self.program.runner.close()

    def runs(self) -> bool:
        """Whether the program runs without errors, at sizes that it does not choose."""
        try:
            truths = [self.reference.drawn(self.seed, k, None) for k in range(POINTS)]
            return all(r.error is None for r in self.program.run(truths))
        except SymgradError:
            return False
        finally:
            self.program.runner.close()

    def _right(self) -> float:
        """As ``right``, and goes on from where it is."""
        form, program, remarks = self.form, self.program, [*self.remarks]
        try:
            truths, runs = self._points()
            returned = returned_names(self.source.tree, self.form)
            matching = self._matched(runs, truths, returned)
            tolerance = TOLERANCE[least_exact(runs, self.source)]
            state = State(self.program, matching, truths, returned, tolerance, runs)
            values = [v for v in state.once() if v.name in matching.wrt]
            right = {v.name for v in values if v.right}
            return len(right) + len({v.name for v in values if v.scaled} - right) * SCALED
        except OutOfTime:
            raise
        except SymgradError:
            return -1
        finally:
            self.form, self.program, self.remarks = form, program, remarks

    # -- scripts

    def _take_script(self) -> None:
        """Find the variables that hold the inputs, and where to replace them."""
        (first,) = self.program.runner.run([({}, {}, 0, b"")], keep=True, limit=FIRST)
        if first.error is not None and not first.records:
            raise hints.not_run(self.source, self.form, first)
        file, asked = self.source.file, (self.inputs, self.example)
        places = Places(self.source.tree)
        hint = hints.otherwise(self.source, self.form, self.reference.inputs)
        try:
            names = variables(self.reference, first, file, *asked, places, hint)
        except SpecError as error:
            raise hints.or_not_run(error, self.source, self.form, first) from None
        names |= made_late(self.source.tree, names, first)
        self._take_inputs(first, names)
        self._take_best(first, names)
        self.remarks += hints.of_a_script(self.source, self.author)

    def _take_best(self, first: Run, names: Mapping[str, str]) -> None:
        """Take the data, or the parts of it that are computed with, whichever are right."""
        wrt = set(self.reference.derivation.wrt)
        data = {n: c for n, c in names.items() if n not in {*wrt, *self.inputs}}
        whole = self._right() if data else len(wrt)
        parts = self._parts(data, names) if whole < len(wrt) else None
        if parts is None or not parts.codes:
            return
        self._take_inputs(first, {**names, **parts.codes})
        now = self._right()
        if now > whole or (now == whole >= 0 and parts.alone):
            told = ", ".join(f"{n} is {c}" for n, c in parts.codes.items())
            self.remarks.append(f"taken for the data is what the program computes with: {told}")
        else:
            self._take_inputs(first, names)

    def _parts(self, data: Mapping[str, str], names: Mapping[str, str]) -> Parts:
        """The inputs of which the script computes with a part."""
        tree, program = self.source.tree, self.program
        texts = entries_of(tree, data.values())
        plan = replace(self.form.plan, parts=texts)
        runner = program.runner
        runner.load(**replace(program, form=replace(self.form, plan=plan)).loading())
        (run,) = runner.run([({}, {}, 0, b"")], keep=True, limit=FIRST)
        program.load()
        held = {base(c) for n, c in names.items() if n not in data}
        held |= containers(run, {c for n, c in names.items() if n not in data})
        habits = Habits([*self.reference.inputs, *self.reference.values])
        held |= {base(c) for c, _ in arrays_of(run) if base(c) != c and habits.gradient(c)}
        return parts_of(
            tree,
            dict(arrays_of(run)),
            data,
            texts,
            lambda code: code in held or habits.gradient(code) is not None,
            in_objects=any("." in c for n, c in names.items() if n not in data),
        )

    def _take_inputs(self, first: Run, names: Mapping[str, str]) -> None:
        """Replace the variables of inputs from now on."""
        labels = labels_of(first, names)
        wrt = [names[n] for n in self.reference.derivation.wrt if n in names]
        data = set(names.values()) - set(wrt)
        held = containers(first, set(wrt))
        lines: dict[str, list[int]] = {}
        for line, target, _ in first.records:
            lines.setdefault(target, []).append(line)
        plan = script_plan(self.source.tree, [*names.values(), *labels], held, data, lines)
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
        self.reference.two_valued = two_valued(self.reference, names, second)
        self.program.stops = hints.stop_of(second)

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
            raise hints.not_run(self.source, self.form, failed[0])
        if failed and all(not r.last for r in failed):
            raise hints.not_run(self.source, self.form, failed[0])
        return truths, runs

    def _script_sizes(self) -> dict[str, int]:
        """The named sizes, of the arrays of the program."""
        sizes = sizes_of(self.reference, self.form.inputs, self.program.shapes)
        if sizes:
            told = ", ".join(f"{n} = {k}" for n, k in sizes.items())
            self.remarks.append(f"the sizes are those of the program: {told}")
        return sizes

    # -- judgement

    def _blaming(self) -> Blaming:
        """Who looks for the faults."""
        return Blaming(self.reference, self._example, self.remarks)

    def _cutting(self) -> Cutting:
        """Who looks for what is clipped."""
        return Cutting(self.reference, self.source, self._blaming(), self.remarks)

    def _matched(self, runs: list[Run], truths: list[Truth], returned: list[str]) -> Matching:
        """What the program hands out, and which gradient each of it is."""
        matching = Matching(self.reference, self.form, self.match)
        matching.bounds = {clip.bound for clip in clips(self.source)}
        matching.text = self.source.text
        matching.keyed = keyed(runs[0], self.form, truths[0])
        found = [handed_out(r, self.form, returned) for r in runs]
        matching.match(found, truths)
        self._take_vector(matching, found, truths)
        self._take_steps(matching, runs, truths)
        if not matching.codes:
            raise self._nothing(matching, runs)
        self.remarks += matching.by_data(found[0], truths[0])
        return matching

    def _nothing(self, matching: Matching, runs: list[Run]) -> SymgradError:
        """The error of a program in which there is nothing to judge."""
        hint = hints.otherwise(self.source, self.form, self.reference.inputs)
        hint = hint or f"say what is what: --match {min(matching.wrt)}=NAME"
        error = SpecError(f"{self.source.file}: {hints.nothing(self.form, runs[0])}", hint=hint)
        run = self.author if self.form.script else runs[0]
        return hints.or_not_run(error, self.source, self.form, run)

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
        matching.drop_reused(runs, truths)
        tolerance = TOLERANCE[least_exact(runs, self.source)]
        state = State(self.program, matching, truths, returned, tolerance, runs)
        with suppress(OutOfTime):
            matching.take_as(by_use(state, self.reference), found[0])
            self._take_unguarded(state)
        before = right_or_scaled(state.once(), matching.wrt)
        if not before:
            raise self._nothing(matching, runs)
        self.remarks += hints.all_scaled(before, matching.wrt, truths)
        kept = {v.code for v in before}
        matching.codes = {c: n for c, n in matching.codes.items() if c in kept}
        lines = {v.code: state.line_of(v.code) for v in before}
        blamed = self._blamed(state, before, lines)
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

    def _take_unguarded(self, state: State) -> None:
        """Take the program without the small numbers that it adds, where it is right then."""
        program = state.program
        changes, remark = guards.of_program(self.source)
        if not changes or not state.wrong():
            return
        state.program = program.repaired(changes)
        state.program.load()
        if all(run.error is None for run in state.refresh().runs) and not state.wrong():
            self.remarks.append(remark)
            return
        state.program = program
        program.load()
        state.refresh()

    def _blamed(
        self, state: State, before: list[Value], lines: dict[str, int | None]
    ) -> list[Blamed]:
        """The faults; NotRun where it is an input that is not taken which makes all wrong."""
        good = all(v.right for v in before)
        seen = good or has_right(state)
        if not seen:
            self._refuse(state, alone=False)
        blamed: list[Blamed] = []
        with suppress(OutOfTime):
            blamed = self._cutting().found(state) if good else self._blaming().all(state)
            loss = self._another_loss(state) if good and not blamed else None
            if loss is not None:
                before.append(loss)
                blamed = self._blamed_for_loss(state, loss)
                lines |= {loss.code: blamed[0].line}
        if any(b.edit is None for b in blamed):
            self._refuse(state, alone=has_right(state))
        if not seen and (error := drawn_from(state, blamed)):
            raise error
        return blamed

    def _refuse(self, state: State, *, alone: bool) -> None:
        """NotRun where an input is not taken, as far as there is time to tell."""
        error = None
        with suppress(OutOfTime):
            error = not_taken(state, self.reference, alone=alone)
        if error is not None:
            raise error

    def _take_vector(
        self, matching: Matching, found: list[dict[str, Any]], truths: list[Truth]
    ) -> None:
        """Take the gradients out of one vector, where none of them is known otherwise."""
        if matching.wrt.isdisjoint(matching.codes.values()):
            packed = vector_in(self.form, found, truths, self.reference.derivation.wrt)
            parts = {f"{c}[{p.start}:{p.end}]": p.name for c, of in packed.items() for p in of}
            matching.codes |= parts
            self.form = matching.form = replace(self.form, packed=packed)
            self.program = replace(self.program, form=self.form, holes={})

    def _take_steps(self, matching: Matching, runs: list[Run], truths: list[Truth]) -> None:
        """Take the gradients that have no name from the changes of their parameters."""
        tree, lines = self.source.tree, self.form.plan.steps
        known, codes = set(matching.codes.values()), self.form.inputs
        lacking = {c: n for n, c in codes.items() if n in matching.wrt - known}
        named = {c: n for c, n in matching.codes.items() if n in matching.wrt}
        turned = downhill(tree, self.form, named, runs, truths)
        known = {named[c] for c in turned}
        off = {codes[n]: n for n in matching.off(runs, truths) if n in codes and n not in known}
        steps = steps_of(tree, lines, lacking, runs, truths)
        steps |= steps_of(tree, lines, off, runs, truths, only_right=True)
        if steps:
            matching.take({c: {**lacking, **off}[c.removeprefix(STEP)] for c in steps})
        if turned:
            matching.added |= {*turned}
            told = listed([*turned])
            self.remarks.append(f"minus the gradient, as it is added to the parameter: {told}")
        if steps or turned:
            self.form = replace(self.form, steps={**steps, **turned})
            self.program = replace(self.program, form=self.form, holes={})

    def _another_loss(self, state: State) -> Value | None:
        """What is given back for the loss, where that is another than the gradients are of."""
        found = [state.handed(run) for run in state.runs]
        matching, output = state.matching, self.reference.output
        return another_loss(self.form, found, state.truths, output, matching.codes)

    def _blamed_for_loss(self, state: State, loss: Value) -> list[Blamed]:
        """The fault in a loss, whose gradients are right."""
        target = Target(loss.name, loss.code, state.line_of(loss.code), forward=True)
        found = self._blaming().blame(state, target)
        return [] if found is None else [found]

    def _example(self) -> Truth | None:
        """The author's own point: of a script its own numbers, else the example of the spec."""
        if self.form.script:
            return Truth({}, {}, {}, {}, {}, {})
        return self.reference.example(self.example) if self.example else None
