"""What a statement would have to give for a wrong value to be right, where that can be told.

A backward pass is linear in each gradient on the way: one run for each number that a statement
gives tells how all that is handed out answers to it, and a system of equations the rest.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symgrad.audit.compare import numbers, ways
from symgrad.audit.grammar import Edit
from symgrad.audit.grammar.edit import function_of
from symgrad.audit.program import Program
from symgrad.audit.reference import Truth
from symgrad.audit.runner import Run
from symgrad.audit.sites import Site
from symgrad.audit.statements import targets_of
from symgrad.audit.walks import walked
from symgrad.audit.wording import Change

Numbers = np.ndarray[Any, Any]

MOST_NUMBERS = 240
"""How many numbers a statement may give in all its turns: there is a run for each."""

MOST_TIMES = 64
"""How often a statement may be run: of more times it is not told what it gives."""

MOST_RUNS, MOST_SECONDS = 4000, 2.0
"""How many runs there are for one value, and for how long."""

CLOSE = 1e-6
"""How near to linear an answer is, and to what is lacking, of the largest entry."""

SHORTER = frozenset(
    ["sum", "mean", "max", "min", "prod", "var", "std", "norm", "dot", "vdot", "trace"]
)
"""Functions that may give fewer numbers than are meant."""

RANK = 1e-8
"""What is smaller, of the largest singular value, tells nothing."""


@dataclass(frozen=True)
class Nudge:
    """A statement that gives something else: numbers are added to what it gives."""

    changes: Sequence[Change]
    is_expression: bool = True


@dataclass(frozen=True)
class Answer:
    """Whether a statement, were it to give something else, makes what is wrong right."""

    site: Site
    mends: bool
    all: bool = False
    """Whether everything that is wrong is right with it."""
    got: Sequence[Numbers] = ()
    """What it gives at each time."""
    ought: Sequence[Numbers] = ()
    """What it would have to give at each time, where only that makes everything right."""
    heard: Sequence[Numbers] = ()
    """Which of the numbers that it gives at each time make a difference."""

    @property
    def first(self) -> int:
        """The first time at which it has to give something else."""
        pairs = zip(self.got, self.ought, strict=False)
        off = (k for k, (a, b) in enumerate(pairs) if not np.allclose(a, b, rtol=1e-6, atol=1e-9))
        return next(off, 0)


@dataclass(frozen=True)
class Outputs:
    """What has to become right, what has to stay right, and what else is wrong, as one vector."""

    handed: Callable[[Run], Mapping[str, Any]]
    laid: Mapping[str, Numbers]
    """What each of them ought to be, as the program lays it."""
    sizes: Mapping[str, float]
    lacks: Numbers
    """What the vector lacks as it is."""
    own: int
    """How many of its numbers have to be met at least."""

    @classmethod
    def of(
        cls,
        handed: Callable[[Run], Mapping[str, Any]],
        base: Run,
        oughts: Mapping[str, Numbers | None],
        right: Collection[str],
        least: float,
    ) -> Outputs | None:
        """Of values by what they are called, the one that has to become right first."""
        got = {c: numbers(handed(base).get(c)) for c in oughts}
        laid = {c: _laid(got[c], ought) for c, ought in oughts.items()}
        known = {c: a for c, a in laid.items() if a is not None}
        if len(known) < len(laid):
            return None
        sizes = {c: max(float(np.abs(a).max(initial=0.0)), least) for c, a in known.items()}
        off = [
            np.zeros(a.size) if g is None or c in right else (a - g.reshape(a.shape)).ravel() / size
            for (c, a), g, size in zip(known.items(), got.values(), sizes.values(), strict=True)
        ]
        kept = [a.size for k, (c, a) in enumerate(known.items()) if not k or c in right]
        return cls(handed, known, sizes, np.concatenate(off), sum(kept))

    def read(self, run: Run) -> Numbers | None:
        """The vector of a run; None where something has another size."""
        handed = self.handed(run)
        got = {c: numbers(handed.get(c)) for c in self.laid}
        fine = [g.ravel() / self.sizes[c] for c, g in got.items() if g is not None]
        whole = np.concatenate(fine) if fine else np.zeros(0)
        return whole if whole.size == self.lacks.size else None


def _laid(got: Numbers | None, ought: Numbers | None) -> Numbers | None:
    """What a value ought to be, laid as what it is."""
    if got is None or ought is None or not np.isfinite(got).all():
        return None
    return next((laid for _, laid in ways(np.asarray(ought), got.shape)), None)


@dataclass
class Responses:
    """The answers of one program at one point, for one value that is wrong."""

    program: Program
    truth: Truth
    base: Run
    outputs: Outputs
    limit: float
    close: float = CLOSE
    runs: int = 0
    seconds: float = 0.0
    found: dict[int, Answer | None] = field(default_factory=dict)

    def of(self, site: Site) -> Answer | None:
        """The answer of a statement; None where it can't be told."""
        key = id(site.roots[0]) if site.roots else id(site.statement)
        if key not in self.found:
            self.found[key] = self._answer(site) if _is_simple(site) and not self._is_over else None
        return self.found[key]

    def may_mend(self, edit: Edit) -> bool:
        """Whether an edit may be the repair: where no number that is given is, no expression is."""
        return not edit.is_expression or self.is_likely(edit.site)

    def is_likely(self, site: Site) -> bool:
        """Whether something else that a statement gives may make what is wrong right."""
        answer = self.of(site)
        return answer is None or answer.mends or site.begins or _is_short(site)

    def may_mend_all(self, edit: Edit) -> bool:
        """Whether an edit may mend everything that is wrong, as far as that is known."""
        answer = self.of(edit.site) if edit.is_expression else None
        return answer is None or answer.all or _is_short(edit.site)

    @property
    def has_one(self) -> bool:
        """Whether some statement alone may be what makes everything wrong."""
        return any(a is not None and a.all for a in self.found.values())

    def likeliest(self, first: Site | None, sites: Sequence[Site]) -> Site | None:
        """The statement that is wrong, where one alone may be: ``first`` or the first of them."""
        answer = self.of(first) if first is not None else None
        known = (a for s in sites if not s.right and (a := self.of(s)))
        every = [a for a in known if a.all and any(np.any(got) for got in a.got)]
        if not every or (answer is not None and answer.all):
            return first
        return min(every, key=self._made).site

    def _made(self, answer: Answer) -> tuple[int, int]:
        """When a statement first gives something that has to be another, among all records."""
        lines = [line for line, target, _ in self.base.records if target != "return"]
        own = [k for k, line in enumerate(lines) if line == answer.site.line]
        return (own[min(answer.first, len(own) - 1)] if own else len(lines), answer.site.line)

    @property
    def _is_over(self) -> bool:
        return self.runs > MOST_RUNS or self.seconds > MOST_SECONDS

    def _answer(self, site: Site) -> Answer | None:
        seen = self.program.seen(site.statement, [site.text(site.roots[0])], self.truth)
        arrays = [numbers(v) for (v,) in seen if isinstance(v, (np.ndarray, float))]
        given = [a for a in arrays if a is not None and np.isfinite(a).all()]
        places = [(turn, k) for turn, a in enumerate(given) for k in range(a.size)]
        if len(given) < len(seen) or len(seen) > MOST_TIMES or not 0 < len(places) <= MOST_NUMBERS:
            return None
        if len(places) == len(given) and _is_to_several(site):
            return None
        matrix = self._matrix(site, places)
        return None if matrix is None else self._solved(site, given, matrix)

    def _matrix(self, site: Site, places: Sequence[tuple[int, int]]) -> Numbers | None:
        """How all answers to each number; None where that is not linear."""
        draws = np.random.default_rng(0).uniform(0.5, 1.5, len(places))
        every = [(*place, float(by)) for place, by in zip(places, draws, strict=True)]
        doubled = [(turn, k, 2 * by) for turn, k, by in every]
        few = list(self._moved(site, [every, doubled]))
        if len(few) < 2 or self._apart(2 * few[0], few[1]):
            return None
        moved = list(self._moved(site, [[(turn, k, 1.0)] for turn, k in places]))
        matrix = np.array(moved).T
        linear = len(moved) == len(places) and not self._apart(matrix @ draws, few[0])
        return matrix if linear else None

    def _apart(self, one: Numbers, other: Numbers) -> bool:
        """Whether two changes of all that is handed out are not the same."""
        return bool(np.abs(one - other).max() > self.close * max(1.0, np.abs(other).max()))

    def _moved(
        self, site: Site, steps: Sequence[Sequence[tuple[int, int, float]]]
    ) -> Iterator[Numbers]:
        """By how much what is handed out changes with what is added to what a statement gives."""
        start, end = site.source.span(site.roots[0])
        text = site.text(site.roots[0])
        edits = [Nudge([(start, end, f"__audit__.nudged(({text}), {s!r})")]) for s in steps]
        base = self.outputs.read(self.base)
        for run in self.program.tried(edits, self.truth, self.limit):
            self.runs, self.seconds = self.runs + 1, self.seconds + (run.took if run else 0.0)
            vector = self.outputs.read(run) if run is not None and run.error is None else None
            if vector is None or base is None or not np.isfinite(vector).all():
                return
            yield vector - base

    def _solved(self, site: Site, given: Sequence[Numbers], matrix: Numbers) -> Answer:
        lacks = self.outputs.lacks
        whole, unique = _solution(matrix, lacks, self.close)
        if whole is not None:
            ought = _in_turns(given, whole) if unique else ()
            return Answer(site, True, True, given, ought, _turns(given, _heard(matrix)))
        part, _ = _solution(matrix[: self.outputs.own], lacks[: self.outputs.own], self.close)
        return Answer(site, part is not None)


def _is_simple(site: Site) -> bool:
    kinds = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return)
    return isinstance(site.statement, kinds) and len(site.roots) == 1


def _is_short(site: Site) -> bool:
    """Whether a statement gives fewer numbers than it may have to: a sum, or entries."""
    parts = (n for root in site.roots for n in walked(root))
    called = {function_of(n) for n in parts if isinstance(n, ast.Call)}
    return bool(called & SHORTER)


def _is_to_several(site: Site) -> bool:
    """Whether what a statement gives goes to several entries of an array: it may be a number."""
    targets = targets_of(site.statement)
    slots = [t.slice for t in targets if isinstance(t, ast.Subscript)]
    indices = [i for s in slots for i in (s.elts if isinstance(s, ast.Tuple) else [s])]
    axes = max((a.ndim for a in site.arrays), default=0)
    whole = any(isinstance(i, ast.Slice | ast.Starred) for i in indices)
    return bool(slots) and (whole or len(indices) < axes)


def _solution(matrix: Numbers, lacks: Numbers, close: float) -> tuple[Numbers | None, bool]:
    """What makes up for what is lacking, and whether nothing else does; None where nothing does."""
    heard = _heard(matrix)
    if not heard.any():
        return None, False
    found, _, rank, _ = np.linalg.lstsq(matrix[:, heard], lacks, rcond=RANK)
    off = np.abs(matrix[:, heard] @ found - lacks).max(initial=0.0)
    if off > close * max(np.abs(lacks).max(initial=0.0), 1e-3):
        return None, False
    whole = np.zeros(matrix.shape[1])
    whole[heard] = found
    return whole, bool(rank == heard.sum())


def _heard(matrix: Numbers) -> Numbers:
    """The numbers that make a difference."""
    return np.asarray(np.abs(matrix).max(axis=0, initial=0.0) > 0)


def _in_turns(given: Sequence[Numbers], off: Numbers) -> list[Numbers]:
    """What is given in each turn, with what it lacks."""
    return [a + piece for a, piece in zip(given, _turns(given, off), strict=True)]


def _turns(given: Sequence[Numbers], flat: Numbers) -> list[Numbers]:
    """Numbers as what is given in each turn."""
    pieces = np.split(flat, np.cumsum([a.size for a in given])[:-1])
    return [piece.reshape(a.shape) for a, piece in zip(given, pieces, strict=True)]
