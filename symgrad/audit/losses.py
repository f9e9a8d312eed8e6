"""The loss that a program gives back with its gradients, beside that of the spec."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from symgrad.audit.compare import numbers
from symgrad.audit.form import Form
from symgrad.audit.reference import Truth
from symgrad.audit.values import Value

CALLED = re.compile(r"(self\.)?_?(total_?)?(loss|cost|nll|objective|J|L|E)(_?value)?$")
"""How people call the loss that they give back."""

NEAR = 1e-3
"""What a loss may be off by: people add a small number before they take a logarithm."""


def another_loss(
    form: Form,
    found: Sequence[Mapping[str, Any]],
    truths: Sequence[Truth],
    output: str,
    known: Mapping[str, str],
) -> Value | None:
    """The loss that is given back, where it is not that of the spec; nor but for a constant."""
    if form.script:
        return None  # what a script prints in passing is often another number than it descends
    for code in _called(found[0], output) if output in truths[0].values else ():
        pairs = [
            (numbers(f.get(code)), t.values[output]) for f, t in zip(found, truths, strict=True)
        ]
        fine = all(a is not None and a.size == 1 and np.size(b) == 1 for a, b in pairs)
        if code not in known and fine and _is_another(pairs):
            return _value(output, code, tuple(_off(a, b) for a, b in pairs))
    return None


def _value(output: str, code: str, errors: tuple[float, ...]) -> Value:
    return Value(output, code, errors, ("",) * len(errors), (None,) * len(errors))


def _called(found: Mapping[str, Any], output: str) -> Iterator[str]:
    yield from (code for code in found if code == output or CALLED.match(code))


def _is_another(pairs: Sequence[tuple[Any, Any]]) -> bool:
    """Whether numbers are others at most points, and not by the same at all."""
    apart = [float(np.ravel(a)[0] - np.ravel(b)[0]) for a, b in pairs]
    wrong = sum(_off(a, b) > NEAR for a, b in pairs)
    moved = max(apart) - min(apart) > 1e-6 * max(abs(d) for d in apart) if any(apart) else False
    return moved and wrong > len(pairs) / 2 and bool(np.isfinite(apart).all())


def _off(got: Any, ought: Any) -> float:
    one, other = float(np.ravel(got)[0]), float(np.ravel(ought)[0])
    return abs(one - other) / max(abs(other), 1e-12)
