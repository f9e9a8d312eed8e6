"""Gradients that have no names of their own: all are in one vector, or one is called just so."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from symgrad.audit.compare import TOLERANCE, compared, numbers
from symgrad.audit.form import Form, Part
from symgrad.audit.names import is_called_gradient
from symgrad.audit.reference import Truth

MOST = 24
"""How many orders are tried: all of four parameters."""

WORDS = ("grad", "gradient", "grads", "nabla", "g", "dw", "derivative")
"""What the gradient by the only parameter is called."""


def called_just_so(
    found: Sequence[Mapping[str, Any]], truths: Sequence[Truth], left: Sequence[str]
) -> dict[str, str]:
    """What is called just a gradient, where of the parameters that are left one has its shape."""
    names: dict[str, str] = {}
    for code in [c for c in found[0] if c.lower() in WORDS]:
        arrays = [numbers(f.get(code)) for f in found]
        pairs = [(a, t) for a, t in zip(arrays, truths, strict=True) if a is not None]
        fits = [n for n in left if all(a.shape == t.gradients[n].shape for a, t in pairs)]
        if len(fits) == 1 and len(pairs) == len(found) and fits[0] not in names.values():
            names[code] = fits[0]
    return names


def vector_in(
    form: Form, found: Sequence[Mapping[str, Any]], truths: Sequence[Truth], wrt: Sequence[str]
) -> dict[str, tuple[Part, ...]]:
    """What has all gradients one after the other, with the part that each has of it.

    They are in the order in which most are right.  Of a script, what is not called a gradient has
    to be right in all.
    """
    shapes = {n: truths[0].gradients[n].shape for n in wrt}
    same = all(t.gradients[n].shape == s for t in truths for n, s in shapes.items())
    size = sum(map(math.prod, shapes.values()))
    codes = [c for c in found[0] if all(_is_vector(f.get(c), size) for f in found)]
    if not same or len(wrt) < 2 or (len(codes) > 1 and not form.script):
        return {}
    for code in codes:
        vectors = [np.ravel(f[code]) for f in found]
        orders = (_parts(o, shapes) for o in itertools.islice(itertools.permutations(wrt), MOST))
        right, parts = max(
            ((_right(parts, vectors, truths), parts) for parts in orders), key=lambda r: r[0]
        )
        if right == len(wrt) or not form.script or (right and is_called_gradient(code)):
            return {code: parts}
    return {}


def _is_vector(value: Any, size: int) -> bool:
    array = numbers(value)
    return array is not None and array.size == size and max(array.shape, default=0) == size


def _parts(order: Sequence[str], shapes: Mapping[str, tuple[int, ...]]) -> tuple[Part, ...]:
    """The part that each gradient has of a vector of them in an order."""
    ends = list(itertools.accumulate(math.prod(shapes[n]) for n in order))
    starts = [0, *ends[:-1]]
    return tuple(Part(n, s, e, shapes[n]) for n, s, e in zip(order, starts, ends, strict=True))


def _right(
    parts: Sequence[Part], vectors: Sequence[np.ndarray[Any, Any]], truths: Sequence[Truth]
) -> int:
    """How many gradients are right at all points."""
    pairs = list(zip(vectors, truths, strict=True))
    return sum(
        all(
            compared(p.of(v), t.gradients[p.name], t.typical).error <= TOLERANCE["f8"]
            for v, t in pairs
        )
        for p in parts
    )
