"""What is wrong in a run beside what is handed out: locals, and where that begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from symgrad.audit.compare import compared
from symgrad.audit.reference import Reference
from symgrad.audit.search import State, Target
from symgrad.audit.sites import fits


def local_targets(state: State, reference: Reference) -> Iterator[Target]:
    """Locals that are called as a value or a gradient of the spec and are not that."""
    habits, handed = state.matching.habits, set(state.matching.codes)
    times = Counter((line, target) for line, target, _ in state.runs[0].records)
    right = _known_by_another_name(state)
    for line, target, _ in last_records(state.runs[0].records):
        if target in handed or target == "return" or times[line, target] > 1:
            continue
        gradient, value = habits.gradient(target), habits.value(target)
        forward = gradient is None
        name = value if forward else gradient
        known = reference.values if forward else reference.gradient_of
        if name is not None and name in known and not (name in right and not forward):
            wrong, scaled = _is_wrong(state, target, name, forward=forward)
            if wrong:
                yield Target(name, target, line, local=True, forward=forward, scaled=scaled)


def _known_by_another_name(state: State) -> set[str]:
    """The values whose gradients have been multiplied, and are right but for that."""
    found: set[str] = set()
    for target in state.runs[0].last if any(state.matching.scales.values()) else ():
        name = state.matching.habits.gradient(target)
        known = name is not None and name in state.truths[0].gradients
        if name is not None and known and name not in state.matching.wrt:
            pairs = zip(state.runs, state.truths, strict=True)
            matches = [state.matching.on_the_way(r.last.get(target), t, name) for r, t in pairs]
            found |= {name} if all(m.error <= state.tolerance for m in matches) else set()
    return found


def last_records(records: Sequence[tuple[int, str, Any]]) -> list[tuple[int, str, Any]]:
    """The last record of each target, in the order in which they were made."""
    return [records[k] for k in sorted(last_places(records).values())]


def last_places(records: Sequence[tuple[int, str, Any]]) -> dict[str, int]:
    """Where the last record of each target is."""
    return {target: k for k, (_, target, _) in enumerate(records)}


def _is_wrong(state: State, code: str, name: str, *, forward: bool) -> tuple[bool, bool]:
    """Whether a local is off, and whether by a number only."""
    scaled = True
    for run, truth in zip(state.runs, state.truths, strict=True):
        table: Mapping[str, Any] = truth.values if forward else truth.gradients
        got = run.last.get(code)
        if name not in table or got is None:
            return False, False
        spread = _is_spread(np.shape(got), table[name].shape)
        if forward and not np.ndim(got):
            return False, False  # H is a size, and h a layer
        got = np.broadcast_to(got, table[name].shape) if spread else got
        match = compared(got, table[name], truth.typical)
        if not forward:
            match = state.matching.on_the_way(got, truth, name)
        if match.error <= state.tolerance or match.way == "shape" or np.size(got) < 2:
            return False, False
        scaled &= spread or match.ratio is not None
    return True, scaled


def _is_spread(shape: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    """Whether an array, or a number, has only to be broadcast to have a shape: a factor lacks."""
    return shape != whole and (not shape or (len(shape) <= len(whole) and fits(shape, whole)))
