"""The likeliest explanation of wrong gradients, by their numbers alone."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from symgrad.audit.diagnosis.explain import Explaining
from symgrad.audit.diagnosis.explanation import Explanation
from symgrad.audit.diagnosis.graph import backward_passes
from symgrad.audit.diagnosis.wanted import Wanted
from symgrad.audit.reference import Reference, Truth
from symgrad.errors import SymgradError
from symgrad.mathematics.equations import Equation

MOST_SECONDS = 6.0
"""For how long explanations are looked for: most known faults take about one second."""


def explanations(
    reference: Reference,
    truths: Sequence[Truth],
    got: Sequence[Mapping[str, Any]],
    wrong: Sequence[str],
    right: Sequence[str],
    tolerance: float,
) -> list[Explanation]:
    """The explanations of the first wrong gradient, the likeliest first.

    ``got``: what was handed out at each point, by the value that it is the gradient by; ``wrong``
    and ``right``: these values, in the order in which the program makes their gradients.
    """
    first = next((n for n in wrong if n in reference.derivation.wrt), None)
    if first is None:
        return []
    if _is_of_another_size(first, got, truths):
        return [Explanation(first, "sum", "of another size", "", 0.0)]
    found: list[Explanation] = []
    seen: Mapping[str, Equation] = {}
    rest = tuple(n for n in wrong if n != first)
    until = time.process_time() + MOST_SECONDS
    with suppress(SymgradError):
        for backward in backward_passes(reference, truths):
            wanted = Wanted(first, rest, tuple(right), got, truths, backward.name_of, tolerance)
            names = list(backward.numbers(0))
            found += Explaining(backward, wanted, names, seen, until).run()
            if any(e.explained > len(rest) for e in found) or time.process_time() > until:
                break
            seen = backward.equations
    return sorted(found, key=lambda e: (-e.explained, e.cost))


def _is_of_another_size(
    name: str, got: Sequence[Mapping[str, Any]], truths: Sequence[Truth]
) -> bool:
    """Whether a gradient has not as many entries as it ought to."""
    pairs = zip(got, truths, strict=True)
    sizes = ((np.size(np.asarray(g.get(name))), t.gradients[name].size) for g, t in pairs)
    return any(got != ought for got, ought in sizes)
