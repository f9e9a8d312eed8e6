"""A step of a derivation: one rewrite, with the rule that it used."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp


@dataclass(frozen=True)
class Step:
    """``before = after`` by ``rule``; ``because`` says what the rule rests on, where it needs to.

    ``equations`` are the names of values whose equations the step used.
    """

    rule: str
    before: sp.Expr
    after: sp.Expr
    because: str = ""
    equations: tuple[str, ...] = ()
