"""Which edits are tried, and how likely each is."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

from symgrad.audit.grammar import RULES, Edit
from symgrad.audit.grammar.scales import factors_of
from symgrad.audit.scene import Scene
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

NAMED = 0.03
"""How much less likely a number is than the name that it has: of equals the name is taken."""

_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d*)?(?:e-?\d+)?(?![\w.])")
"""A number as it is typed."""

MULTIPLE = 1.0
"""How much less likely a multiple is of what a function gives that gives no value of the spec."""

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


def giving_wrong(scene: Scene) -> set[str]:
    """The functions that give back an array which is nothing in the spec, and none that is."""
    returned = {at: a for (at, target), a in scene.arrays.items() if target == "return"}
    found = [(scene.function_at(at), several) for at, several in returned.items()]
    right = {f.name for f, several in found if f and any(map(scene.role, several[:4]))}
    return {f.name for f, _ in found if f} - right


def is_called(edit: Edit, functions: Collection[str], wrong: Collection[str]) -> float:
    """How much less likely a repair is of what a function of the program gives: it is inside.

    ``wrong``: the functions that give back what is nothing in the spec; of these also a multiple.
    """
    root = edit.site.roots[0] if len(edit.site.roots) == 1 else None
    own = isinstance(root, ast.Call) and _called(root) in functions
    whole = own and root is not None and edit.changes[0][:2] == edit.site.source.span(root)
    multiple = MULTIPLE if wrong and _is_multiple(edit, wrong) else 0.0
    return max(CALLED if whole else 0.0, multiple)


def _is_multiple(edit: Edit, functions: Collection[str]) -> bool:
    """Whether a product is replaced by a multiple of it that calls the same function as before."""
    names = [f for f in functions if f"{f}(" in edit.old]
    if not names or not edit.is_expression or edit.old not in edit.new:
        return False
    try:
        old, new = (ast.parse(text, mode="eval").body for text in (edit.old, edit.new))
    except SyntaxError:
        return False
    return _is_product(new) and any(_called(f) in names for f in factors_of(old))


def _is_product(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div))


def _called(node: ast.expr) -> str:
    """The last name of the function that is called; '' where none is."""
    return typed(node.func).split(".")[-1] if isinstance(node, ast.Call) else ""


def is_a_number(edit: Edit) -> float:
    """How much less likely a repair is that types a number which has a name."""
    typed_ = {float(n) for n in _NUMBER.findall(edit.new)} - {
        float(n) for n in _NUMBER.findall(edit.old)
    }
    named = {float(k.array) for k in edit.site.scalars} if typed_ else set()
    return NAMED if typed_ & named - {0.0, 1.0} else 0.0


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
