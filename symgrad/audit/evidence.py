"""What is known of a fault before it is repaired: the numbers, and what explains them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from symgrad.audit.compare import numbers
from symgrad.audit.diagnosis import Handed, explanations
from symgrad.audit.diagnosis.explanation import Explanation
from symgrad.audit.reference import Reference
from symgrad.audit.runner import Run
from symgrad.audit.search import State, Target

SECONDS, SECONDS_OF_REPAIRED = 6.0, 3.0
"""For how long explanations are looked for, of the processor's time; most known faults take about
one second. Where there is a repair, its kind is right nine times of ten."""

NEAR = 1e-9
"""How near ratios are to be one number."""


@dataclass(frozen=True)
class Evidence:
    """What a program handed out at the points, while a fault was in it."""

    reference: Reference
    handed: Handed
    ratio: tuple[float | None, ...]
    """By what the value that is blamed is multiplied, at each point, where it is by one number."""
    seconds: float = SECONDS
    """For how long an explanation is looked for."""
    trace: str = ""
    """The kind of fault that shows in what the program assigned, if one does."""

    @classmethod
    def of(cls, state: State, reference: Reference, target: Target) -> Evidence:
        """The evidence while a program is as it is."""
        out = [state.handed(run) for run in state.runs]
        got = [
            _locals(state, run) | {n: h.get(c) for c, n in state.matching.codes.items()}
            for h, run in zip(out, state.runs, strict=True)
        ]
        wrong, values = [v.name for v in state.wrong()], state.values()
        right = [v.name for v in values if v.right and v.name in state.matching.wrt]
        ratio = next((v.ratios for v in values if v.code == target.code), ())
        whole = _not_cut(got, [*wrong, *right], state.matching.bounds)
        truths, got = [state.truths[k] for k in whole], [got[k] for k in whole]
        return cls(reference, Handed(truths, got, wrong, right, state.tolerance), ratio)

    def of_values(self, names: Collection[str]) -> Evidence:
        """The evidence of what made some values wrong, whatever other values are."""
        wrong = [n for n in self.handed.wrong if n in names]
        asked = any(n in self.reference.derivation.wrt for n in wrong)
        handed = replace(self.handed, wrong=wrong) if asked else self.handed
        return replace(self, handed=handed, seconds=SECONDS_OF_REPAIRED)

    @property
    def ratios(self) -> tuple[float, ...]:
        """By what the value is multiplied, where that tells something: a number has any ratio."""
        known = tuple(r for r in self.ratio if r is not None)
        every = len(known) == len(self.ratio) > 0
        single = all(np.size(g.get(n, 0.0)) < 2 for g in self.handed.got for n in self.handed.wrong)
        return known if every and (not single or np.ptp(known) < NEAR * abs(known[0])) else ()

    @cached_property
    def explanation(self) -> Explanation | None:
        """The likeliest explanation of the numbers, where there is one."""
        return next(iter(explanations(self.reference, self.handed, self.seconds)), None)

    @property
    def whole(self) -> Explanation | None:
        """The explanation, where all wrong gradients have the numbers that follow of it."""
        cause = self.explanation
        every = cause is not None and cause.explained >= len(set(self.handed.wrong))
        return cause if every else None


def _not_cut(
    got: Sequence[Mapping[str, Any]], names: Sequence[str], bounds: Set[float]
) -> list[int]:
    """The points at which nothing is cut off at the end of a pass; all, where there are few."""
    sizes = [
        [float(np.abs(a).max(initial=0.0)) for n in names if (a := numbers(g.get(n))) is not None]
        for g in got
    ]
    whole = [k for k, several in enumerate(sizes) if bounds.isdisjoint(several)]
    return whole if len(whole) > 1 else list(range(len(got)))


def _locals(state: State, run: Run) -> dict[str, Any]:
    """What is called as a derivative of the spec is."""
    habits = state.matching.habits
    called = {habits.gradient(t): v for t, v in run.last.items() if isinstance(v, np.ndarray)}
    return {n: v for n, v in called.items() if n is not None and n not in state.matching.wrt}
