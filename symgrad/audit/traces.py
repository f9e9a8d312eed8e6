"""What a run shows that no equation does: numbers drawn again, rounded, or cut off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from symgrad.audit.compare import numbers, same_numbers, ways
from symgrad.audit.search import State

Numbers = np.ndarray[Any, Any]

MOST = 400
"""How many assignments are looked at."""

DECIMALS = range(5)
"""To how many decimals people round."""


def traced(state: State) -> str:
    """The kind of fault that shows in what a program assigned at one point; '' for none."""
    if is_drawn(state):
        return "random"
    text = state.program.source.text
    pairs = list(_pairs(state)) if "round" in text or "clip" in text else []
    if "round" in text and any(_is_rounded(got, ought) for got, ought in pairs):
        return "rounded"
    return "clipped" if "clip" in text and any(_is_cut(*pair) for pair in pairs) else ""


def _pairs(state: State) -> Iterator[tuple[Numbers, Numbers]]:
    """What was assigned, beside all values and derivatives of its shape."""
    truth = state.truths[0]
    known = [np.asarray(a) for a in (*truth.whole.values(), *truth.slopes.values())]
    for _, name, value in state.runs[0].records[:MOST]:
        got = numbers(value) if name != "return" else None
        if got is not None and got.size > 1:
            yield from ((laid, a) for a in known for _, laid in ways(got, a.shape))


def _is_rounded(got: Numbers, ought: Numbers) -> bool:
    """Whether numbers are others rounded."""
    if same_numbers(got, ought):
        return False
    return any(np.array_equal(got, np.round(ought, k)) and got.any() for k in DECIMALS)


def _is_cut(got: Numbers, ought: Numbers) -> bool:
    """Whether numbers are others cut off at a bound and its negative, as several are."""
    bound = float(np.abs(got).max())
    several = (np.abs(got) == bound).sum() > 1 and (np.abs(got) < bound).any()
    cut = np.clip(ought, -bound, bound)
    return bool(several) and not same_numbers(got, ought) and same_numbers(got, cut)


def is_drawn(state: State, code: str = "") -> bool:
    """Whether another seed gives other numbers at the same point, of one value or of any."""
    if "rand" not in state.program.source.text:
        return False
    runs = [state.program.run(state.truths[:1], seed=seed)[0] for seed in (0, 1)]
    handed = [{**run.last, **state.handed(run)} for run in runs]
    codes = [code] if code else state.matching.codes
    pairs = [[numbers(h.get(c)) for h in handed] for c in codes]
    return any(a is not None and b is not None and not same_numbers(a, b) for a, b in pairs)
