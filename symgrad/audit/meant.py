"""What deltas are the gradients by: of what a layer gives, or of what its activation is of."""

from __future__ import annotations

import re
from collections.abc import Iterator

from symgrad.audit.reference import Reference
from symgrad.audit.scene import Scene
from symgrad.audit.search import Search, State
from symgrad.audit.sites import Site
from symgrad.audit.starts import assigns_one, put

_DELTA = re.compile(r"delta|err", re.IGNORECASE)

SECONDS = 2.0
"""For how long it is tried what they are used as."""


def by_use(state: State, reference: Reference) -> dict[str, str]:
    """The values by which deltas are the gradients, as what reads them takes them.

    In ``delta_o = o - t`` with ``dW = delta_o @ h.T`` the gradient by ``o`` stands, and what is
    made of it is right only where it is that by the argument of the activation.
    """
    wrt, tolerance = state.matching.wrt, state.tolerance
    off = [v for v in state.values() if v.name in wrt and not v.right]
    called = {c: n for c, n in state.matching.codes.items() if n not in wrt and _DELTA.search(c)}
    if not off or not called:
        return {}
    point = max(range(len(state.truths)), key=lambda k: sum(v.errors[k] > tolerance for v in off))
    tries = _Tries(state, reference, point)
    return {c: m for c, n in called.items() for m in tries.meant(c, n)}


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
        sites = self.scene.sites(code, self.state.line_of(code))
        site = next((s for s in sites if s.depth == 0 and assigns_one(s)), None)
        others = [n for n in self.reference.arguments(name) if n in self.truth.slopes]
        if site is not None and len(others) == 1 and not self._mended(site, name):
            yield from (n for n in others if self._mended(site, n))

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
