"""Repairs that follow from numbers: what a line gives, and what it would have to give."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symgrad.audit.compare import ways
from symgrad.audit.deduced.entries import changed_last, changing, entry_of
from symgrad.audit.deduced.frames import Frames, looked
from symgrad.audit.deduced.inverse import LEFT, RIGHT, Ought, oughts
from symgrad.audit.deduced.library import Library
from symgrad.audit.deduced.matching import asked, asked_partly
from symgrad.audit.deduced.repairs import View, added, instead, repairs
from symgrad.audit.deduced.turns import Turns
from symgrad.audit.grammar import Edit
from symgrad.audit.grammar.edit import is_gradient, summands
from symgrad.audit.names import is_called_gradient
from symgrad.audit.program import Program
from symgrad.audit.reference import Truth
from symgrad.audit.responses import Answer
from symgrad.audit.roles import entries_of
from symgrad.audit.scene import Scene
from symgrad.audit.sites import Site
from symgrad.audit.statements import targets_of
from symgrad.audit.targets import holder
from symgrad.audit.walks import typed, walked

Numbers = np.ndarray[Any, Any]

MOST_SITES, MOST_SLOPES, FAR, MOST_BACK = 20, 40, 4, 4
"""How many statements are looked at, how many gradients one may be, how far from the value, and
how many statements back it is followed what they ought to give."""

MOST_ENTRIES = 24
"""How many statements that change the entries that are wrong are looked at."""

MOST_LOOPED, MOST_IN_LOOPS = 8, 48
"""How many statements in loops are looked at, and of how many turns."""

ANSWERED = 0.45
"""How much less likely a repair is that follows from what is handed out alone."""

DEEPER = 0.1
"""How much less likely a repair is for each statement back."""

ALL = -1
"""All times that a statement is run, together."""


@dataclass(frozen=True)
class Line:
    """How a statement came to be looked at: how unlikely it is, by guess, and how far back."""

    cost: float
    guessed: bool = False
    back: int = 0


@dataclass
class Deduction:
    """The repairs of one value that follow from numbers."""

    program: Program
    scene: Scene
    truth: Truth
    sites: Sequence[Site]
    gradient: Callable[[str], str | None]
    """The value whose gradient something is called."""
    start: tuple[int, str] | None = None
    """The line in which the fault begins, and the value whose gradient that ought to assign."""
    may_mend: Callable[[Site], bool] = lambda site: True
    """Whether a statement may be what is wrong."""
    looks: dict[tuple[int, int], Frames | None] = field(default_factory=dict)
    views: dict[tuple[int, int, int], View] = field(default_factory=dict)
    left: dict[int, list[Numbers]] = field(default_factory=dict)

    def edits(self, ought: Numbers) -> Iterator[tuple[float, Edit]]:
        """The repairs, where the value ought to have these numbers."""
        near = [s for s in self.sites if _is_simple(s) and s.far <= FAR]
        for site in filter(self.may_mend, near[:MOST_SITES]):
            frames = self._frames(site)
            if frames is not None:
                yield from self._of_site(site, frames, ought)
        yield from self._of_entries(ought)
        yield from self._of_turns(ought)

    def answered(self, answers: Sequence[Answer]) -> Iterator[tuple[float, Edit]]:
        """Repairs of statements of which it is known what they would have to give."""
        for answer in answers:
            frames = self._frames(answer.site)
            if frames is None or frames.times != len(answer.ought):
                continue
            view, wanted = self._view(answer.site, frames, answer.first), answer.ought[answer.first]
            if view.got is None or view.got.shape != wanted.shape:
                continue
            heard = answer.heard[answer.first]
            if not heard.all():
                yield from self._partly(view, wanted, heard)
                continue
            known = {t: a[0] for t, a in view.frames.nodes.items()}
            whole = Ought(answer.site.roots[0], view.got, wanted)
            for part in oughts(answer.site, known, whole):
                for price, edit in repairs(view, part, guessed=False):
                    yield ANSWERED + price + 0.06 * part.depth, edit

    def _partly(self, view: View, wanted: Numbers, heard: Numbers) -> Iterator[tuple[float, Edit]]:
        """Terms of a statement that gives numbers which nothing reads: these may be any."""
        root = view.site.roots[0]
        if view.got is not None and heard.any():
            for term in asked_partly(view.library, wanted - view.got, heard):
                yield ANSWERED + 1.5 + term.cost, added(view.site, root, term)

    def _of_turns(self, ought: Numbers) -> Iterator[tuple[float, Edit]]:
        """Repairs of statements in loops that change the value, or a gradient, in each turn."""
        looped = [s for s in self.sites if s.looped and s.depth <= FAR][:MOST_LOOPED]
        for site in filter(self.may_mend, looped):
            name = _held(site.statement)
            value = self.gradient(name) if name else None
            last = changed_last(self.scene, self.sites, name) if name else None
            wanted = self.truth.gradients.get(value, ought) if value is not None else ought
            if last is None or len(site.roots) != 1 or last.size != wanted.size:
                continue
            frames = looked(self.program, site, self.truth, name, MOST_IN_LOOPS)
            turns = frames and Turns.of(self.program, site, self.truth, frames)
            for laid in [a for _, a in ways(wanted, last.shape)] if turns else ():
                for price, edit in turns.edits(laid - last) if turns else ():
                    yield price + DEEPER * site.depth, edit

    def _of_entries(self, ought: Numbers) -> Iterator[tuple[float, Edit]]:
        """Repairs of statements that change some entries of the value, or of a gradient."""
        nearest = [s for s in self.sites if s.depth <= 1 and entry_of(s.statement) is not None]
        for name in dict.fromkeys(_changed(s.statement) for s in nearest):
            value = self.gradient(name)
            wanted = self.truth.gradients.get(value, ought) if value is not None else ought
            near = changing(self.program, self.scene, self.sites, self.truth, name, wanted)
            for changed in near[:MOST_ENTRIES]:
                yield from self._of_lacking(changed.site, changed.lacks)

    def _of_lacking(self, site: Site, lacks: Numbers) -> Iterator[tuple[float, Edit]]:
        """Repairs of a statement whose value lacks some numbers."""
        frames = self._frames(site)
        view = self._view(site, frames, 0) if frames is not None and frames.times == 1 else None
        if view is None or view.got is None:
            return
        wanted = view.got + (-lacks if _subtracts(site.statement) else lacks)
        known = {t: a[0] for t, a in view.frames.nodes.items()}
        for part in oughts(site, known, Ought(site.roots[0], view.got, wanted)):
            for price, edit in repairs(view, part, guessed=False):
                yield price + 0.06 * part.depth, edit

    def _frames(self, site: Site) -> Frames | None:
        key = (site.line, id(site.roots[0]))
        if key not in self.looks:
            self.looks[key] = looked(self.program, site, self.truth, _changed(site.statement))
        return self.looks[key]

    def _view(self, site: Site, frames: Frames, turn: int) -> View:
        key = (site.line, id(site.roots[0]), turn)
        if key not in self.views:
            only = frames if turn == ALL else frames.only(turn)
            self.views[key] = View(site, only, Library(only))
        return self.views[key]

    def _of_site(self, site: Site, frames: Frames, ought: Numbers) -> Iterator[tuple[float, Edit]]:
        if site.depth == 0:
            yield from self._last(site, frames, ought, 0.0)
            return
        name = self.gradient(_changed(site.statement))
        once = frames.times == 1 and not _accumulates(site.statement)
        if self.start is not None and site.line == self.start[0]:
            yield from self._last(site, frames, self.truth.slopes[self.start[1]], 0.1)
        elif name in self.truth.gradients and once:
            yield from self._last(site, frames, self.truth.gradients[name or ""], 0.1)
        elif _is_about_gradients(site) and not site.right:
            yield from self._guessed(site, frames)

    def _last(
        self, site: Site, frames: Frames, ought: Numbers, cost: float
    ) -> Iterator[tuple[float, Edit]]:
        """What a statement lacks so that what it assigns is right when it was run last."""
        if _accumulates(site.statement) and site.looped:
            yield from self._in_total(self._view(site, frames, ALL), ought, cost)
            if frames.times > 1:
                return
        turn = frames.times - 1
        view = self._view(site, frames, turn)
        for laid in _laid(ought, view):
            yield from self._parts(view, turn, laid, Line(cost))

    def _in_total(self, view: View, ought: Numbers, cost: float) -> Iterator[tuple[float, Edit]]:
        """What a statement lacks that adds to an array, all its times together."""
        site, root = view.site, view.site.roots[0]
        given = view.frames.nodes.get(site.text(root))
        if given is None or not site.arrays or given[0].shape != site.arrays[-1].shape:
            return
        sign = -1.0 if _subtracts(site.statement) else 1.0
        for laid in _laid(ought, view):
            off = sign * (laid - site.arrays[-1])
            for term in asked(view.library, off):
                yield cost + 1.5 + term.cost, added(site, root, term)
            for part in summands(root):
                own = view.frames.nodes.get(site.text(part))
                if own is not None and own[0].shape == off.shape and _is_product(part):
                    for term in asked(view.library, np.sum(own, axis=0) + off):
                        yield cost + 1.6 + term.cost, instead(site, part, term)

    def _guessed(self, site: Site, frames: Frames) -> Iterator[tuple[float, Edit]]:
        """What a statement lacks so that it gives some gradient of the spec at its first times."""
        for turn in range(min(2, frames.times)):
            view = self._view(site, frames, turn)
            if view.got is None or view.got.size < 2 or self.scene.role(view.got) is not None:
                continue
            for slope in self._slopes(view.got.size)[:MOST_SLOPES]:
                for laid in _laid(slope, view):
                    yield from self._parts(view, turn, laid, Line(0.45, guessed=True))

    def _slopes(self, size: int) -> list[Numbers]:
        """The gradients of so many numbers that nothing in the program is yet."""
        if size not in self.left:
            slopes = _different([*self._whole(size), *self._in_turn(size)])
            made = [a.ravel() for several in self.scene.arrays.values() for a in several]
            same = np.array([a for a in made if a.size == size] or [np.full(size, np.inf)])
            self.left[size] = [s for s in slopes if not _is_among(s.ravel(), same)]
        return self.left[size]

    def _whole(self, size: int) -> Iterator[Numbers]:
        yield from (s for s in self.truth.slopes.values() if s.size == size)

    def _in_turn(self, size: int) -> Iterator[Numbers]:
        """The gradients of the last two steps of a recurrence, and of the first two."""
        for role, rows in entries_of(self.truth, size):
            if role.kind == "gradient":
                last = (rows.shape[0] - 1, rows.shape[0] - 2, 0, 1)
                shape = self.truth.slopes[role.name].shape[1:]
                yield from (rows[k].reshape(shape) for k in dict.fromkeys(last) if k >= 0)

    def _parts(
        self, view: View, turn: int, ought: Numbers, line: Line
    ) -> Iterator[tuple[float, Edit]]:
        """Repairs of the expression of a statement, of its parts, and of what it reads."""
        site, root = view.site, view.site.roots[0]
        wanted = _of_value(site.statement, ought, view.frames.before[0])
        if view.got is not None and wanted is not None:
            known = {t: a[0] for t, a in view.frames.nodes.items()}
            for part in oughts(site, known, Ought(root, view.got, wanted)):
                more = line.cost + 0.06 * part.depth
                for price, edit in repairs(view, part, guessed=line.guessed):
                    yield more + price, edit
                if isinstance(part.node, ast.Name) and line.back < MOST_BACK:
                    yield from self._before(view, turn, part.node.id, part.ought, line)
        if isinstance(site.statement, ast.AugAssign) and line.back < MOST_BACK:
            earlier = _of_what_is_changed(site.statement, ought, view.got)
            if earlier is not None:
                yield from self._before(view, turn, _changed(site.statement), earlier, line)

    def _before(
        self, view: View, turn: int, name: str, ought: Numbers, line: Line
    ) -> Iterator[tuple[float, Edit]]:
        """Repairs of the statement before that assigned a name."""
        site = self._assigning(name, view.site)
        frames = self._frames(site) if site is not None else None
        if site is None or frames is None or frames.times != self._frames_of(view).times:
            return
        earlier = self._view(site, frames, turn)
        if earlier.got is not None and earlier.got.shape == ought.shape:
            further = Line(line.cost + DEEPER, line.guessed, line.back + 1)
            yield from self._parts(earlier, turn, ought, further)

    def _frames_of(self, view: View) -> Frames:
        found = self._frames(view.site)
        assert found is not None
        return found

    def _assigning(self, name: str, after: Site) -> Site | None:
        """The last statement before another one, in the same function, that assigns a name."""
        inside = self.scene.function_at(after.line)
        found = [
            s
            for s in self.sites
            if s.line < after.line
            and _is_simple(s)
            and _changed(s.statement) == name
            and self.scene.function_at(s.line) is inside
            and not s.right
        ]
        return max(found, key=lambda s: s.line, default=None)


# -- statements -----------------------------------------------------------------------------------


def _held(statement: ast.stmt) -> str:
    """The array of which a statement changes entries, or the whole; '' where that is several."""
    targets = targets_of(statement)
    held = holder(targets[0]) if len(targets) == 1 else None
    return typed(held) if isinstance(held, ast.Name) else ""


def _is_simple(site: Site) -> bool:
    kinds = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return)
    if not isinstance(site.statement, kinds) or len(site.roots) != 1:
        return False
    targets = targets_of(site.statement)
    return all(not isinstance(t, ast.Subscript) or _is_entry(t) for t in targets)


def _is_entry(target: ast.Subscript) -> bool:
    """Whether a target is an entry of a dictionary, which is an array of its own."""
    return isinstance(target.slice, ast.Constant) and isinstance(target.slice.value, str)


def _changed(statement: ast.stmt) -> str:
    """What a statement assigns, as it is typed; '' where that is several."""
    targets = targets_of(statement)
    held = holder(targets[0]) if len(targets) == 1 else None
    return "" if held is None else typed(held)


def _accumulates(statement: ast.stmt) -> bool:
    """Whether a statement adds to what it assigns."""
    if isinstance(statement, ast.AugAssign):
        return isinstance(statement.op, (ast.Add, ast.Sub))
    name = _changed(statement)
    value = getattr(statement, "value", None)
    terms = summands(value) if value is not None else []
    return bool(name) and any(typed(t) == name for t in terms)


def _subtracts(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Sub)


def _of_value(statement: ast.stmt, ought: Numbers, before: Numbers | None) -> Numbers | None:
    """What the value of a statement has to be, so that what it changes is right."""
    if not isinstance(statement, ast.AugAssign):
        return ought
    undo = RIGHT.get(type(statement.op))
    if before is None or before.shape != ought.shape or undo is None:
        return None
    with np.errstate(all="ignore"):
        return undo(ought, before)


def _is_about_gradients(site: Site) -> bool:
    names = {n.id for root in site.roots for n in walked(root) if isinstance(n, ast.Name)}
    names.add(_changed(site.statement))
    return any(is_gradient(site, n) or is_called_gradient(n) for n in names)


def _of_what_is_changed(
    statement: ast.AugAssign, ought: Numbers, got: Numbers | None
) -> Numbers | None:
    """What has to be there before, so that it is right once it is changed."""
    undo = LEFT.get(type(statement.op))
    if undo is None or got is None:
        return None
    with np.errstate(all="ignore"):
        return undo(ought, got)


def _laid(ought: Numbers, view: View) -> list[Numbers]:
    """Numbers in the shape of what a statement changes or gives, in each way they may lie."""
    before = view.frames.before[0] if isinstance(view.site.statement, ast.AugAssign) else None
    given = view.got if before is None else before
    if given is not None and not given.ndim and ought.size > 1:
        return [ought]  # a number where an array is meant
    return [] if given is None else [a for _, a in ways(ought, given.shape)]


def _is_product(node: ast.expr) -> bool:
    return not isinstance(node, (ast.Name, ast.Constant, ast.Subscript, ast.Attribute))


def _is_among(wanted: Numbers, rows: Numbers) -> bool:
    """Whether numbers are those of one of several arrays."""
    off = np.abs(rows - wanted).max(axis=1)
    return bool((off <= 1e-9 * max(np.abs(wanted).max(), 1e-12)).any())


def _different(arrays: Sequence[Numbers]) -> list[Numbers]:
    found: dict[bytes, Numbers] = {a.tobytes(): a for a in arrays}
    return list(found.values())
