"""What kind of derivative is wrong, where all that comes in is right and what goes out is not."""

from __future__ import annotations

import sympy as sp

from symgrad.audit.compare import compared
from symgrad.audit.evidence import Evidence
from symgrad.mathematics.reductions import AxisMax

LINEAR = (sp.Add, sp.Mul, sp.Indexed, sp.Sum)
"""What an equation is made of where it is linear, or a product of arrays."""


def of_operation(evidence: Evidence, name: str) -> str:
    """The kind of a fault by the equations that read a value; '' where more may be wrong."""
    reference = evidence.reference
    readers = [e for e in reference.derivation.system if name in _read(e.rhs)]
    known = [e for e in readers if e.name != reference.output]
    if not readers or not all(_is_right(evidence, e.name) for e in known):
        return ""
    heads = [h for e in readers for h in _around(e.rhs, name)]
    if heads and all(h.has(AxisMax) for h in heads):
        return "mask"
    return "jacobian" if any(h.has(sp.Sum) or _sums(h) for h in heads) else ""


def _read(rhs: sp.Expr) -> set[str]:
    return {str(base.label) for base in rhs.atoms(sp.IndexedBase)}


def _around(rhs: sp.Expr, name: str) -> list[sp.Expr]:
    """The functions that are of a value, and of no part of it alone."""
    inside = [p for p in sp.preorder_traversal(rhs) if not isinstance(p, LINEAR) and p.args]
    known = (p for p in inside if isinstance(p, sp.Expr) and not isinstance(p, sp.IndexedBase))
    return [p for p in known if name in _read(p)]


def _sums(head: sp.Expr) -> bool:
    """Whether a function is of all entries along an axis: it has an index that runs."""
    return any(isinstance(part, sp.Tuple) and len(part) == 3 for part in head.args)


def _is_right(evidence: Evidence, name: str) -> bool:
    """Whether the gradient by a value is right as the program has it."""
    handed = evidence.handed
    pairs = zip(handed.got, handed.truths, strict=True)
    near = [
        compared(g.get(name), t.gradients[name], t.typical).error
        for g, t in pairs
        if name in t.gradients
    ]
    return bool(near) and max(near) <= handed.tolerance
