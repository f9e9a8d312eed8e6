"""The likeliest explanation of wrong gradients, by their numbers alone."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from symgrad.audit.diagnosis.explain import Explaining
from symgrad.audit.diagnosis.explanation import Explanation
from symgrad.audit.diagnosis.graph import Backward, backward_passes
from symgrad.audit.diagnosis.pointwise import functions_of_entries
from symgrad.audit.diagnosis.wanted import Handed, Wanted
from symgrad.audit.reference import Reference, Truth
from symgrad.errors import SymgradError
from symgrad.mathematics.equations import Equation


def explanations(reference: Reference, handed: Handed, seconds: float) -> list[Explanation]:
    """The explanations of the first wrong gradient, the likeliest first."""
    asked = [n for n in handed.wrong if n in reference.derivation.wrt]
    first = next((n for n in (*asked, *handed.wrong) if n in reference.gradient_of), None)
    if first is None:
        return []
    if _is_of_another_size(first, handed.got, handed.truths):
        return [Explanation(first, "sum", "of another size", "", 0.0)]
    with suppress(SymgradError):
        return sorted(
            _found(reference, handed, first, seconds), key=lambda e: (-e.explained, e.cost)
        )
    return []


def _found(reference: Reference, handed: Handed, first: str, seconds: float) -> list[Explanation]:
    """All explanations, of the backward pass as it is derived, and in small steps."""
    until = time.process_time() + seconds
    found: list[Explanation] = []
    last: Backward | None = None
    for backward in backward_passes(reference, handed.truths):
        wanted = Wanted.of(handed, first, backward.name_of)
        seen = _seen(last, backward, first)
        found += Explaining(backward, wanted, list(backward.numbers(0)), seen, until).run()
        found += functions_of_entries(backward, wanted) if not found else []
        if any(e.explained > len(wanted.wrong) for e in found) or time.process_time() > until:
            break
        last = backward
    return found


def _seen(last: Backward | None, backward: Backward, first: str) -> Mapping[str, Equation]:
    """The equations of the pass before, on the way to a value, that the same equations read."""
    if last is None:
        return {}
    on_the_way = last.before.get(last.name_of.get(first, ""), ())
    return {n: last.equations[n] for n in on_the_way if last.readers(n) == backward.readers(n)}


def _is_of_another_size(
    name: str, got: Sequence[Mapping[str, Any]], truths: Sequence[Truth]
) -> bool:
    """Whether a gradient has not as many entries as it ought to."""
    pairs = zip(got, truths, strict=True)
    sizes = ((np.size(np.asarray(g.get(name))), t.gradients[name].size) for g, t in pairs)
    return any(got != ought for got, ought in sizes)
