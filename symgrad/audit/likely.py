"""Which edits are tried, and how likely each is."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

from symgrad.audit.grammar import RULES, Edit
from symgrad.audit.sites import Site
from symgrad.audit.statements import targets_of
from symgrad.audit.walks import typed

DEEP = 0.22
"""How much less likely a repair is for each statement between it and the wrong value."""

RIGHT = 0.7
"""How much less likely a repair is of a statement that assigns what is right."""

HELPER = 0.3
"""How much less likely a repair is of a function that gives the slope of one: its argument is."""

TO_ALL = 0.6
"""How much less likely a repair is of what is handed to a function that gives all gradients."""

CALLED = 0.7
"""How much less likely a repair is that changes what a function of the program gave back."""

_STILL = re.compile(r"\w\[\d+\]")
"""An entry of a list at a number."""


def proposals(
    sites: Sequence[Site], is_told: Callable[[Edit], bool] = lambda edit: True
) -> list[tuple[float, Edit]]:
    """The edits of statements that may be what is asked for, the likeliest first."""
    found: dict[tuple[Any, ...], tuple[float, Edit]] = {}
    for site in sites[:60]:
        for rule in RULES:
            for edit in filter(is_told, rule.edits(site)):
                score = edit.cost + longer(edit) + unlikely(site) + stands_still(edit)
                if edit.changes not in found or score < found[edit.changes][0]:
                    found[edit.changes] = (score, edit)
    return sorted(found.values(), key=lambda pair: pair[0])


def unlikely(site: Site) -> float:
    """How much less likely a repair is of a statement, by where it stands."""
    helper = HELPER if is_derivative(site) else 0.0
    whole = TO_ALL if _gives_all(site) else 0.0
    return DEEP * site.far + helper + whole + (RIGHT if site.right else 0.0)


def _gives_all(site: Site) -> bool:
    """Whether a statement assigns several things that a function of the program gives back."""
    root = site.roots[0] if len(site.roots) == 1 else None
    own = isinstance(root, ast.Call) and isinstance(root.func, ast.Name)
    return own and len(targets_of(site.statement)) > 1


def is_called(edit: Edit, functions: Collection[str]) -> float:
    """How much less likely a repair is of what a function of the program gives: it is inside."""
    root = edit.site.roots[0] if len(edit.site.roots) == 1 else None
    own = isinstance(root, ast.Call) and typed(root.func).split(".")[-1] in functions
    whole = own and root is not None and edit.changes[0][:2] == edit.site.source.span(root)
    return CALLED if whole else 0.0


def is_derivative(site: Site) -> bool:
    """Whether a statement is what a function gives back that is called like a derivative."""
    called = getattr(site.around, "name", "").lower()
    slope = any(word in called for word in ("prime", "deriv", "grad", "slope"))
    own = getattr(getattr(site.around, "args", None), "args", ())
    return slope and isinstance(site.statement, ast.Return) and len(own) in (1, 2)


def stands_still(edit: Edit) -> float:
    """How much less likely a repair is that reads the same entry of a list in all turns."""
    still = set(_STILL.findall(edit.new)) - set(_STILL.findall(edit.old))
    return 1.8 if edit.site.looped and still else 0.0


def longer(edit: Edit) -> float:
    """How much less likely a repair is that takes much text."""
    return 0.008 * max(0, len(edit.new) - len(edit.old) - 15)
