"""What a forward rewrite is: an equation, and the function that applies it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import sympy as sp

from symgrad.calculus.definitions import Known
from symgrad.mathematics.assumptions import Assumption


@dataclass(frozen=True)
class Rewrite:
    """A law ``before = after``, and the function that applies it at the root of an expression.

    ``apply`` answers None where the law does not fit.  It may look up what a named value is.
    ``heads`` are the classes of the expressions that it may fit, where there is one of ``needs``
    in them or in what they name.  ``given``: what is assumed of the arrays of the law.  ``spares``
    are the parts of an expression that are left as they were typed.
    """

    name: str
    apply: Callable[[sp.Expr, Known], sp.Expr | None]
    law: Callable[[], tuple[sp.Expr, sp.Expr]]
    heads: frozenset[type[sp.Expr]]
    needs: frozenset[type[sp.Expr]]
    because: str = ""
    given: Mapping[str, Assumption] = field(default_factory=dict, hash=False)
    spares: Callable[[sp.Expr], frozenset[sp.Expr]] = lambda _: frozenset()
