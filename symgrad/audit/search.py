"""The search for repairs: edits are tried, the likeliest first, until the gradients agree."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from symgrad.audit.compare import compared, is_turned, ways
from symgrad.audit.deduced import Deduction
from symgrad.audit.deduced.written import Written, making, written
from symgrad.audit.form import assigned
from symgrad.audit.grammar import Edit
from symgrad.audit.handed import handed_out
from symgrad.audit.instrument import STEP
from symgrad.audit.likely import (
    DEEP,
    giving_wrong,
    is_a_number,
    is_called,
    is_derivative,
    proposals,
)
from symgrad.audit.program import Program
from symgrad.audit.reference import Reference, Truth
from symgrad.audit.responses import Outputs, Responses
from symgrad.audit.runner import Run
from symgrad.audit.scene import Scene
from symgrad.audit.sites import Site
from symgrad.audit.starts import Start, puts, start_of
from symgrad.audit.statements import line_of_what_fills, origin
from symgrad.audit.steps import rates_called
from symgrad.audit.twice import twice
from symgrad.audit.values import Matching, Value

BATCH = 48
MARGIN, WIDE_MARGIN = 0.45, 1.3
"""How much less likely repairs may be than the first; more, where values are left wrong."""

PUTTING = 3.0
"""For how many seconds gradients are put in place of what is assigned."""

MOST_TRIES = 14000
FEWEST = 6
"""Of so many statements on it is told by numbers which may be wrong, before edits are tried."""
MOST_TRIES_OF_LOCALS = 700


@dataclass(frozen=True)
class Target:
    """What has to become right: a value that is handed out, or a local one."""

    name: str
    code: str
    line: int | None
    local: bool = False
    forward: bool = False
    scaled: bool = False
    """Whether it is right but for a number: then some value that is handed out has to be mended."""


@dataclass
class State:
    """A program at its points, and what it hands out there."""

    program: Program
    matching: Matching
    truths: Sequence[Truth]
    returned: Sequence[str]
    tolerance: float
    runs: list[Run] = field(default_factory=list)

    def refresh(self) -> State:
        """Run it, and keep what it assigns."""
        self.runs = self.program.run(self.truths)
        return self

    def handed(self, run: Run) -> dict[str, Any]:
        """What a run hands out."""
        return handed_out(run, self.program.form, self.returned)

    def values(self, runs: Sequence[Run] | None = None) -> list[Value]:
        """What is handed out, beside what it ought to be."""
        found = [self.handed(r) for r in (self.runs if runs is None else runs)]
        truths = self.truths[: len(found)]
        return self.matching.values(found, truths, self.tolerance)

    def once(self) -> list[Value]:
        """What is handed out, but for locals that a loop assigns: their last is of any turn."""
        if not self.matching.has_locals:
            return self.values()
        times = Counter((line, target) for line, target, _ in self.runs[0].records)
        again = {target for (_, target), count in times.items() if count > 1}
        wrt = self.matching.wrt
        return [v for v in self.values() if v.right or v.name in wrt or v.code not in again]

    def wrong(self) -> list[Value]:
        """The values that are handed out and are not right, in the order in which they are made."""
        wrong = [(k, v) for k, v in enumerate(self.values()) if not v.right]
        return [v for _, v in sorted(wrong, key=lambda i: (self.made(i[1].code), i[0]))]

    def made(self, code: str) -> int:
        """When a value was made, among all that is assigned."""
        found = self._records(code)
        return found[-1][0] if found else len(self.runs[0].records)

    def line_of(self, code: str) -> int | None:
        """The line that last assigned a value."""
        found = self._records(code)
        tree = self.program.tree
        return found[-1][1] if found else line_of_what_fills(tree, code)

    def _records(self, code: str) -> list[tuple[int, int]]:
        """When and at which line something was assigned that is handed out under a name."""
        packed = self.program.form.packed
        code = next((c for c in packed if code.startswith(f"{c}[") and code not in packed), code)
        name = origin(self.program.tree, code)
        out, entry = self.handed(self.runs[0]).get(code), f"[{code!r}]"
        records = list(enumerate(self.runs[0].records))
        called = [(k, at) for k, (at, t, v) in records if t == name and _equal(v, out, 0)]
        called += [(k, at) for k, (at, t, _) in records if t.endswith(entry)]
        value, gradient = self.matching.codes.get(code), self.matching.habits.gradient
        called += [
            (k, at) for k, (at, t, v) in records if _equal(v, out, 0) and value == gradient(t)
        ]
        same = [(k, at) for k, (at, t, v) in records if t != "return" and _equal(v, out)]
        script = self.program.form.script or name != code or code.startswith(STEP)
        late = [(k, at) for k, (at, t, _) in records if script and t == name]
        given = [(k, at) for k, (at, t, v) in records if t == "return" and _holds(v, out)]
        within = [(k, at) for k, (at, _, v) in records if isinstance(v, dict) and _holds(v, out)]
        return sorted(called) or same or late or given or within


def _equal(one: Any, other: Any, more_than: int = 1) -> bool:
    """Whether both are the same array, of so many numbers."""
    numbers = isinstance(one, (np.ndarray, float)) and np.size(one) > more_than
    return numbers and other is not None and np.array_equal(one, other)


def _holds(whole: Any, array: Any) -> bool:
    """Whether something that a function gives back is an array, or has it as a part."""
    inner = whole.values() if isinstance(whole, dict) else whole
    parts = inner if isinstance(whole, (dict, list)) else [whole]
    return any(_equal(part, array, 0) for part in parts)


@dataclass(frozen=True)
class Found:
    """A repair: its edit, and the values that are right with it."""

    edit: Edit
    fixed: frozenset[str]
    score: float
    lost: frozenset[str] = frozenset()
    """What is another value with it: a name for what was thought to be a gradient on the way."""


class Search:
    """The search for the repair of one value."""

    def __init__(self, state: State, reference: Reference, seconds: float) -> None:
        self.state = state
        self.reference = reference
        self.least = state.program.runner.time_left - seconds
        self.before = state.values()
        self.right = {v.code for v in self.before if v.right}
        took = max((r.took for r in state.runs), default=0.0)
        self.limit = max(0.25, 20 * took)
        self.puts = int(PUTTING / max(took, 1e-4))
        self.point = 0
        """Where numbers are looked at first."""
        self.start: Start | None = None
        self.answers: Responses | None = None

    def repair(self, target: Target) -> Found | None:
        """The best repair that makes a value right and none wrong."""
        state, self.point = self.state, self._telling_point(target)
        run, truth = state.runs[self.point], state.truths[self.point]
        scene = Scene(state.program.source, run, truth, self.reference)
        scene.missing = self._missing(target)
        sites = scene.sites(target.code, target.line)
        self._load(target)
        self.start = None if target.local or target.forward else self._start(target, scene, sites)
        if self.start is not None:
            sites = self.start.placed(scene, sites)
        if target.local:
            sites = [s for s in sites if self._is_near(s, target)]
        if target.code in self.state.program.form.steps:
            rates = rates_called(self.state.program.tree)
            sites = [s for s in sites if not assigned(s.statement) & rates]
        most = MOST_TRIES_OF_LOCALS if target.local else MOST_TRIES
        self.answers = self._answers(target, sites)
        edits = self._edits(target, scene, sites, self.answers)
        found = self._at_once(target, edits) or self._best(target, edits[:most])
        if found or target.local:
            return found
        return self._best(target, twice(self._edits(target, scene, sites, None)[:most]))

    def _at_once(self, target: Target, edits: Sequence[tuple[float, Edit]]) -> Found | None:
        """The best repair of a statement that alone may be what makes everything wrong."""
        answers = self.answers
        if answers is None or not answers.has_one:
            return None
        found = self._best(target, [e for e in edits if answers.may_mend_all(e[1])][:MOST_TRIES])
        off = [v for v in self.before if not v.right]
        return found if found is not None and len(found.fixed) >= len(off) else None

    def _edits(
        self, target: Target, scene: Scene, sites: Sequence[Site], answers: Responses | None
    ) -> list[tuple[float, Edit]]:
        """The edits that may mend a value, the likeliest first; without answers all of them."""
        found = self._deduced(target, scene, sites, answers)
        found += proposals(sites, answers.may_mend) if answers else proposals(sites)
        functions, wrong = {f.name for f in scene.functions}, giving_wrong(scene)
        found = [
            (score + is_called(edit, functions, wrong) + is_a_number(edit), edit)
            for score, edit in found
        ]
        return sorted(found, key=lambda pair: pair[0])

    def _start(self, target: Target, scene: Scene, sites: Sequence[Site]) -> Start | None:
        """The statement in which the fault begins, where gradients put there tell it."""
        tried = puts(scene, sites, self.reference.derivation.adjoint_name)[: self.puts]
        state, at = self.state, self.point
        runs = state.program.tried(tried, state.truths[at], self.limit) if tried else []
        right = [self._right_there(target, run, at) for run in runs]
        return start_of(tried, right, state.runs[at])

    def _right_there(self, target: Target, run: Run | None, point: int) -> frozenset[str]:
        """What a run makes right at a point; nothing where it makes something wrong."""
        if run is None or run.error is not None:
            return frozenset()
        state, tolerance = self.state, self.state.tolerance
        values = state.matching.values([state.handed(run)], [state.truths[point]], tolerance)
        right = frozenset(v.code for v in values if v.right)
        before = {v.code for v in self.before if v.errors[point] <= tolerance}
        return right - before if target.code in right and before <= right else frozenset()

    def written(self, target: Target, lines: Written, start: Start | None = None) -> Found | None:
        """The line that assigns a value, or in which the fault begins, out of the derivation."""
        self.point = self._telling_point(target)
        run, truth = self.state.runs[self.point], self.state.truths[self.point]
        scene = Scene(self.state.program.source, run, truth, self.reference)
        sites = scene.sites(target.code, target.line)
        at = making(sites) if start is None else [start.site]
        name = target.name if start is None else start.value
        edits = list(written(lines, self.state.program, scene, at, name))
        self._load(target)
        return self._best(target, edits)

    def _is_near(self, site: Site, target: Target) -> bool:
        """Whether a statement may be what is wrong with a local: it makes it, or what it is of."""
        makes = site.depth == 0 or (site.depth == 1 and target.code in assigned(site.statement))
        return makes or self._is_nameless(site) or (site.depth == 1 and is_derivative(site))

    def _is_nameless(self, site: Site) -> bool:
        """Whether a statement near a local assigns what has no name in the spec, and is wrong."""
        gradient = self.state.matching.habits.gradient
        names = assigned(site.statement)
        near = site.depth <= 2 and not site.right and bool(names)
        return near and not any(gradient(n) in self.reference.gradient_of for n in names)

    def _answers(self, target: Target, sites: Sequence[Site]) -> Responses | None:
        """How what is handed out answers to what statements give; None where that can't be told."""
        if target.local or target.forward or len(sites) < FEWEST:
            return None
        state, point, wrt = self.state, self.point, self.state.matching.wrt
        truth, run = state.truths[point], state.runs[point]
        asked = sorted((v for v in self.before if v.name in wrt), key=lambda v: not v.right)
        names = {target.code: target.name} | {v.code: v.name for v in asked}
        oughts = {c: truth.gradients.get(n) for c, n in names.items()}
        outputs = Outputs.of(state.handed, run, oughts, self.right, 1e-3 * truth.typical)
        if outputs is None:
            return None
        return Responses(state.program, truth, run, outputs, self.limit)

    def _deduced(
        self, target: Target, scene: Scene, sites: Sequence[Site], answers: Responses | None
    ) -> list[tuple[float, Edit]]:
        """Repairs that follow from the numbers at one point."""
        program, truth = self.state.program, self.state.truths[self.point]
        gradient = self.state.matching.habits.gradient
        begins = None if self.start is None else (self.start.site.line, self.start.value)
        may_mend = answers.is_likely if answers else lambda site: True
        deduction = Deduction(program, scene, truth, sites, gradient, begins, may_mend)
        found: dict[Any, tuple[float, Edit]] = {}
        told = [a for s in sites if answers and (a := answers.of(s)) and a.ought]
        several = (deduction.edits(self._ought_there(target)), deduction.answered(told))
        for cost, edit in itertools.chain(*several):
            score = cost + DEEP * edit.site.far
            if edit.changes not in found or score < found[edit.changes][0]:
                found[edit.changes] = (score, edit)
        return list(found.values())

    def _ought_there(self, target: Target) -> np.ndarray[Any, Any]:
        """What ought to be assigned where a value stands: of a step, what it leads to."""
        program, ought = self.state.program, self._ought(target, self.point)
        rate = program.form.steps.get(target.code)
        if rate is None or not target.code.startswith(STEP):
            return ought * (rate or 1.0)
        given = program.given(self.state.truths[self.point])
        before = given[target.code.removeprefix(STEP) if program.form.script else target.name]
        laid = [a for _, a in ways(ought, np.shape(before))]
        return before - rate * laid[0] if laid else ought

    def _missing(self, target: Target) -> str:
        """The number that a value lacks as a factor, where it is the same at all points."""
        ratios = next((v.ratios for v in self.before if v.code == target.code), ())
        known = [1 / r for r in ratios if r]
        apart = max(known, default=0.0) - min(known, default=0.0)
        if not known or len(known) < len(ratios) or apart > 1e-9 * abs(known[0]):
            return ""
        fraction = Fraction(known[0]).limit_denominator(50)
        near = abs(float(fraction) - known[0]) < 1e-9 * abs(known[0])
        return f"({fraction})" if near else f"{known[0]:.12g}"

    def _load(self, target: Target) -> None:
        """Have it told of variants what is handed out, and what a target is."""
        self.state.program.load([*([target.code] if target.local else []), *self.outputs()])

    def outputs(self) -> list[str]:
        """What is read of a run to know what it hands out."""
        form = self.state.program.form
        held = "held" in [kind for kind, _ in form.calls]
        if not (form.script or form.plan.steps or held):
            return []
        return list(dict.fromkeys(c.split("[")[0] for c in self.before_codes)) + self.before_codes

    @property
    def before_codes(self) -> list[str]:
        """What is handed out, as it is called."""
        return [v.code for v in self.before]

    def _best(self, target: Target, edits: Sequence[tuple[float, Edit]]) -> Found | None:
        found: list[Found] = []
        first = self._worst_point(target)
        for start in range(0, len(edits), BATCH):
            part = edits[start : start + BATCH]
            if (found and part[0][0] > self._far_enough(found)) or self.is_over():
                break
            runs = self.state.program.tried(
                [e for _, e in part], self.state.truths[first], self.limit
            )
            for (score, edit), run in zip(part, runs, strict=True):
                if run is not None and run.error is None and self._is_right(target, run, first):
                    confirmed = self._confirmed(target, edit, score)
                    found += [confirmed] if confirmed is not None else []
        return min(found, key=lambda f: (-len(f.fixed), f.score), default=None)

    def is_over(self) -> bool:
        """Whether the time for it is over."""
        return self.state.program.runner.time_left < self.least

    def _far_enough(self, found: Sequence[Found]) -> float:
        best = min(found, key=lambda f: (-len(f.fixed), f.score))
        everything = len(best.fixed) >= len([v for v in self.before if not v.right])
        return best.score + (MARGIN if everything else WIDE_MARGIN)

    def _worst_point(self, target: Target) -> int:
        errors = next((v.errors for v in self.before if v.code == target.code), (1.0,))
        return max(range(len(errors)), key=lambda k: errors[k] > self.state.tolerance)

    def _telling_point(self, target: Target) -> int:
        """The first of the points at which a value is wrong and most masks let some through."""
        errors = next((v.errors for v in self.before if v.code == target.code), ())
        off = [k for k, e in enumerate(errors) if e > self.state.tolerance]
        truths = self.state.truths
        return max(off or range(len(truths)), key=lambda k: truths[k].mixed)

    def _is_right(self, target: Target, run: Run, point: int) -> bool:
        got, ought = self._got(target, run), self._ought(target, point)
        truth = self.state.truths[point]
        match = compared(got, ought, truth.typical)
        if not target.forward and (target.local or self.state.program.form.script):
            match = self.state.matching.on_the_way(got, truth, target.name)
        if not (target.forward or target.local):
            match = self.state.matching.cut_off(match, got, truth, target.name)
        return match.error <= self.state.tolerance and not is_turned(match.way, ought.shape)

    def _got(self, target: Target, run: Run) -> Any:
        return (run.last if target.local else self.state.handed(run)).get(target.code)

    def _ought(self, target: Target, point: int) -> np.ndarray[Any, Any]:
        truth = self.state.truths[point]
        return (truth.values if target.forward else truth.gradients)[target.name]

    def _confirmed(self, target: Target, edit: Edit, score: float) -> Found | None:
        """The repair, where it is one at all points and makes nothing wrong."""
        program, truths = self.state.program, self.state.truths
        runs = [program.tried([edit], t, self.limit)[0] for t in truths]
        fine = [r for r in runs if r is not None and r.error is None]
        if len(fine) < len(truths):
            return None
        if not all(self._is_right(target, r, k) for k, r in enumerate(fine)):
            return None
        after = self.state.values(fine)
        right = frozenset(v.code for v in after if v.right)
        lost = self.right - right
        if lost - self._on_the_way(edit) or (
            target.scaled and not right - self.right - {target.code}
        ):
            return None
        is_loss = target.name == self.reference.output
        mended = right - self.right
        if target.forward and not is_loss and not (mended or self._is_meant(target, after)):
            return None
        shapes = np.shape(self._got(target, fine[0])), np.shape(self._ought(target, 0))
        more = 0.2 if shapes[0] != shapes[1] else 0.0
        return Found(edit, mended, score + more, frozenset(lost))

    def _on_the_way(self, edit: Edit) -> set[str]:
        """What the statement that is edited changes, and is no gradient that is asked for."""
        codes, wrt = self.state.matching.codes, self.state.matching.wrt
        return {c for c in assigned(edit.site.statement) if codes.get(c) not in wrt}

    def _is_meant(self, target: Target, after: Sequence[Value]) -> bool:
        """Whether a local that makes nothing right is meant to be the value it is called as.

        What was that value, and is changed on purpose, is something else by then.
        """
        run, ought = self.state.runs[self.point], self._ought(target, self.point)
        typical = self.state.truths[self.point].typical
        made = [v for _, name, v in run.records if name == target.code]
        was = any(compared(v, ought, typical).error <= self.state.tolerance for v in made)
        return not was and self._matters(after)

    def _matters(self, after: Sequence[Value]) -> bool:
        """Whether a repair changes what is handed out: another way to the same is no fault."""
        pairs = zip(self.before, after, strict=True)
        errors = [
            (a, b) for one, other in pairs for a, b in zip(one.errors, other.errors, strict=True)
        ]
        return any(abs(a - b) > self.state.tolerance for a, b in errors if a != b)
