"""Explanations in words."""

from __future__ import annotations

import re
from collections.abc import Collection

from symgrad.audit.diagnosis.explanation import Explanation

HOW = {
    "mask": "has no mask, or another",
    "transpose": "reads something transposed",
    "factor": "is multiplied by another factor",
    "sign": "has another sign, or a term of it",
    "sum": "is summed over other entries",
    "term": "has a term too few, too many, or with another coefficient",
    "path": "lacks what comes back on one of several ways",
    "jacobian": "lacks a part of a Jacobian",
    "activation": "has the slope of another function, or at another value",
    "operation": "goes past an operation",
    "value": "reads another array",
    "overwritten": "is the last of several that ought to be added up",
    "loss": "is that of another loss",
    "rounded": "is rounded",
}
"""How a derivative is wrong, by the kind of the fault."""

_ENTRY = re.compile(r"(\w+)(\[.*\])?")
NOTHING = 1e-6
"""Below it a coefficient is 0."""


def told(cause: Explanation, kind: str, hidden: Collection[str]) -> str:
    """What a derivative is if it is to have the numbers that it has; ``hidden``: no names."""
    value = "a value without a name" if cause.value in hidden else cause.value
    return f"the derivative by {value} {HOW[kind]}{_detail(cause, hidden)}"


def _detail(cause: Explanation, hidden: Collection[str]) -> str:
    """What stands there instead, or is missing, where that has a name."""
    if cause.role == "terms":
        pairs = list(zip(cause.coefficients, cause.terms, strict=True))
        gone = {t.through for c, t in pairs if abs(c) < NOTHING}
        kept = {t.through for c, t in pairs if abs(c) >= NOTHING}
        names = ", ".join(sorted(gone - kept - {""} - set(hidden)))
        return f": nothing comes through {names}" if names else ""
    part = _ENTRY.fullmatch(cause.before)
    name = part[1] if part is not None and part[1] not in hidden else ""
    if name and cause.change == "another array":
        return f": {cause.detail} in place of {name}"
    if name and cause.change == "left out":
        return f": {name} is left out"
    return f": {cause.detail}" if cause.role == "loss" else ""
