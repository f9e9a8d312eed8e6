"""The matrix forms of a derivation: whether each conforms, product by product."""

from __future__ import annotations

from symgrad.calculus import Derivation, forward_and_adjoints
from symgrad.checks.check import Check
from symgrad.writing import Notation
from symgrad.writing.display import Display
from symgrad.writing.equation_forms import MadeForms


def matrix_forms(derivation: Derivation) -> tuple[Check, ...]:
    """Each matrix form, by the shapes of its symbols; what does not conform is not printed."""
    forms = MadeForms(derivation, Notation.of(derivation), Display)
    equations = forward_and_adjoints(derivation) if derivation.adjoints else derivation.system
    names = [e.name for e in equations if forms.made(e.name) is not None]
    wrong = {name: forms.wrong(name) for name in names}
    return tuple(
        Check(name, "matrix forms conform", not told, 0.0, told) for name, told in wrong.items()
    )
