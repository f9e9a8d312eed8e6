"""Values of the forward pass that lack a term wherever the backward pass reads them."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from functools import partial
from typing import Any

import numpy as np
import sympy as sp

from symgrad.audit.diagnosis.graph import BATCH, Backward
from symgrad.audit.diagnosis.slots import Other
from symgrad.audit.diagnosis.trial import Trial
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import entries, entry, indices_of, name_of, replaced

Numbers = np.ndarray[Any, Any]

MOST = 30
"""How many terms are left out in turn."""


def shorter_values(backward: Backward, names: Collection[str]) -> Iterator[Trial]:
    """Derivatives that read a value without one of its terms."""
    forward = [e for e in backward.derivation.typed if isinstance(e.rhs, sp.Add)]
    pairs = ((e, term) for e in forward for term in sorted(e.rhs.args, key=str))
    for equation, term in itertools.islice(pairs, MOST):
        changed = dict(_reading(backward, names, equation.name))
        if changed:
            contents = partial(_without, backward, equation, term)
            yield Trial(equation.name, "inside", changed, contents, str(term))


def _reading(
    backward: Backward, names: Collection[str], value: str
) -> Iterator[tuple[str, sp.Expr]]:
    """The derivatives that read a value, with something else there."""
    for name in sorted(names):
        rhs = backward.equations[name].rhs
        atoms = [a for a in entries(rhs) if name_of(a) == value]
        if atoms:
            put = {a: entry("_put0", (BATCH, *indices_of(a))) for a in atoms}
            yield name, replaced(rhs, put)


def _without(
    backward: Backward, equation: Equation, term: sp.Expr, point: int
) -> dict[Other, list[Numbers]]:
    """A value without a term."""
    array = backward.array(equation.rhs - term, equation.indices, point)
    return {Other("left out", str(term), 0.6): [array]}
