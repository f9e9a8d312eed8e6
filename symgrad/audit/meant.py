"""What deltas are the gradients by: of what a layer gives, or of what its activation is of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from symgrad.audit.compare import compared
from symgrad.audit.reference import Reference
from symgrad.audit.scene import Scene
from symgrad.audit.search import Search, State
from symgrad.audit.sites import Site
from symgrad.audit.starts import assigns_one, put
from symgrad.audit.values import Value

_DELTA = re.compile(r"delta|err", re.IGNORECASE)
_NAMELESS = re.compile(r"(self\.)?_?(delta_?\w*|\w+_?delta\d*)", re.IGNORECASE)
"""Variables that are gradients on the way, whatever the spec calls the values of these."""

SECONDS = 2.0
"""For how long it is tried what they are used as."""


def by_use(state: State, reference: Reference) -> dict[str, str]:
    """The values by which deltas are the gradients, as what reads them takes them.

    In ``delta_o = o - t`` with ``dW = delta_o @ h.T`` the gradient by ``o`` stands, and what is
    made of it is right only where it is that by the argument of the activation.
    """
    wrt, codes = state.matching.wrt, state.matching.codes
    called = {c: n for c, n in codes.items() if n not in wrt and _DELTA.search(c)}
    scaled = [v for v in state.values() if v.name not in wrt and _is_multiple(state, v)]
    others = list(_nameless(state)) if state.matching.has_locals else []
    found = _by_numbers(state, others)
    off = [v for v in state.values() if v.name in wrt and not v.right]
    if not off or not (called or others or scaled):
        return found
    tries = _Tries(state, reference, _worst(state, off))
    state.matching.exact |= {v.name for v in scaled if tries.is_lacking(v.code, v.name)}
    found |= {c: m for c, n in (called | found).items() for m in tries.meant(c, n)}
    for code in (c for c in others if c not in found):
        found |= tries.used_as(code, {*codes.values(), *found.values()})
    return found


def _worst(state: State, off: Sequence[Value]) -> int:
    """The point at which most of some values are wrong."""
    points = range(len(state.truths))
    return max(points, key=lambda k: sum(v.errors[k] > state.tolerance for v in off))


def _is_multiple(state: State, value: Value) -> bool:
    """Whether what counts as right is the gradient times some number."""
    pairs = zip(state.runs, state.truths, strict=True)
    names = [(state.handed(r).get(value.code), t.gradients.get(value.name), t) for r, t in pairs]
    errors = [compared(a, g, t.typical).error for a, g, t in names if g is not None]
    return value.right and max(errors, default=0.0) > state.tolerance


def _nameless(state: State) -> Iterator[str]:
    """The deltas that are assigned once, and are not known to be the gradient by some value."""
    times = Counter(target for _, target, _ in state.runs[0].records)
    for code, value in state.handed(state.runs[0]).items():
        plain = isinstance(value, np.ndarray) and value.size > 1 and times[code] == 1
        if plain and _NAMELESS.fullmatch(code) and code not in state.matching.codes:
            yield code


def _by_numbers(state: State, codes: Sequence[str]) -> dict[str, str]:
    """What is the gradient by a value that has a name, at all points."""
    found: dict[str, str] = {}
    handed = [state.handed(run) for run in state.runs]
    pairs = list(zip(handed, state.truths, strict=True))
    for code in codes:
        left = [n for n in state.truths[0].gradients if n not in state.matching.codes.values()]
        for name in (n for n in left if n not in found.values() and code not in found):
            matches = [compared(h.get(code), t.gradients[name], t.typical) for h, t in pairs]
            if all(m.error <= state.tolerance for m in matches):
                found[code] = name
    return found


class _Tries:
    """What a program gives at a point, with gradients in place of its deltas."""

    def __init__(self, state: State, reference: Reference, point: int) -> None:
        self.state, self.reference = state, reference
        self.truth = state.truths[point]
        self.scene = Scene(state.program.source, state.runs[point], self.truth, reference)
        self.search = Search(state, reference, SECONDS)
        self.before = self._right(state.handed(state.runs[point]))
        state.program.load(self.search.outputs())

    def meant(self, code: str, name: str) -> Iterator[str]:
        """The argument of a value, where its gradient mends what is made of a delta."""
        site = self._site(code)
        others = [n for n in self.reference.arguments(name) if n in self.truth.slopes]
        if site is not None and len(others) == 1 and not self._mended(site, name):
            yield from (n for n in others if self._mended(site, n))

    def is_lacking(self, code: str, name: str) -> bool:
        """Whether a multiple of a gradient is none that is made up for by what reads it."""
        site = self._site(code)
        return site is not None and self._mended(site, name)

    def used_as(self, code: str, taken: set[str]) -> dict[str, str]:
        """A delta with a value, where the gradient by that one alone mends what reads the delta."""
        site = self._site(code)
        left = [n for n in self.truth.gradients if n not in taken]
        mended = [n for n in left if site is not None and self._mended(site, n)]
        return {code: mended[0]} if len(mended) == 1 else {}

    def _site(self, code: str) -> Site | None:
        """The statement that assigns a delta."""
        sites = self.scene.sites(code, self.state.line_of(code))
        return next((s for s in sites if s.depth == 0 and assigns_one(s)), None)

    def _mended(self, site: Site, value: str) -> bool:
        """Whether a gradient in place of what is assigned makes more right, and nothing wrong."""
        tried = put(site, value, self.truth, exact=True)
        limit = self.search.limit
        runs = self.state.program.tried([tried], self.truth, limit) if tried is not None else []
        found = [self._right(self.state.handed(r)) for r in runs if r and r.error is None]
        return any(self.before < right for right in found)

    def _right(self, handed: dict[str, object]) -> set[str]:
        """The parameters whose gradients are right."""
        state = self.state
        values = state.matching.values([handed], [self.truth], state.tolerance)
        return {v.code for v in values if v.right and v.name in state.matching.wrt}
