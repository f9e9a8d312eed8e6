"""Statements that change entries of an array: which they are, and what they ought to become."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.audit.compare import numbers
from symgrad.audit.form import assigned
from symgrad.audit.program import Program
from symgrad.audit.reference import Truth
from symgrad.audit.scene import Scene
from symgrad.audit.sites import Site
from symgrad.audit.statements import targets_of

Numbers = np.ndarray[Any, Any]

MOST_CHANGES = 80
"""How many statements that change entries of one array are looked at."""

SEEN = 1e-7
"""What an entry has to be off by, of the largest, to count as wrong."""


@dataclass(frozen=True)
class Changed:
    """A statement that changes entries: which they are, among all, and what they lack at last."""

    site: Site
    lacks: Numbers


def entry_of(statement: ast.stmt) -> ast.Subscript | None:
    """The entries that a statement adds to, or assigns; None where it changes a whole."""
    targets = targets_of(statement)
    target = targets[0] if len(targets) == 1 else None
    if not isinstance(target, ast.Subscript) or not isinstance(target.value, ast.Name):
        return None
    is_key = isinstance(target.slice, ast.Constant) and isinstance(target.slice.value, str)
    operation = getattr(statement, "op", None)
    return None if is_key or not isinstance(operation, (ast.Add, ast.Sub, type(None))) else target


def changing(
    program: Program, scene: Scene, sites: Sequence[Site], truth: Truth, name: str, ought: Numbers
) -> list[Changed]:
    """The statements, run once, that change all entries of an array that are wrong."""
    own = [s for s in sites if _changes(s, name)]
    final = _last(scene, own, name)
    if final is None or final.shape != ought.shape or len(own) > MOST_CHANGES:
        return []
    off = ought - final
    wrong = np.abs(off) > SEEN * max(np.abs(ought).max(initial=0.0), 1e-12)
    found = []
    for site in own:
        places = _places(program, site, truth, name)
        if places is not None and wrong.any() and wrong.sum() == wrong.ravel()[places].sum():
            found.append(Changed(site, off.ravel()[places]))
    return sorted(found, key=lambda c: (c.lacks.size, c.site.line))


def spoiled(
    program: Program, scene: Scene, sites: Sequence[Site], truth: Truth, ought: Numbers | None
) -> Site | None:
    """The statement that changes all entries of a value that are wrong, and fewest others."""
    near = (s for s in sites if s.depth <= 1 and entry_of(s.statement) is not None)
    name = next((min(assigned(s.statement)) for s in near), None)
    if name is None or ought is None:
        return None
    found = changing(program, scene, sites, truth, name, ought)
    return found[0].site if found else None


def _changes(site: Site, name: str) -> bool:
    entry = entry_of(site.statement)
    return entry is not None and ast.unparse(entry.value) == name and len(site.roots) == 1


def changed_last(scene: Scene, sites: Sequence[Site], name: str) -> Numbers | None:
    """An array after the last statement that changes it, or entries of it."""
    return _last(scene, [s for s in sites if name in assigned(s.statement)], name)


def _last(scene: Scene, sites: Sequence[Site], name: str) -> Numbers | None:
    """An array after the last statement that changes it."""
    inside = {id(scene.function_at(s.line)) for s in sites}
    made = [line for line, target in scene.arrays if target == name]
    late = max((n for n in made if id(scene.function_at(n)) in inside), default=None)
    return None if late is None else scene.arrays[late, name][-1]


def _places(program: Program, site: Site, truth: Truth, name: str) -> Numbers | None:
    """Which entries a statement changes, where it is run once."""
    entry = entry_of(site.statement)
    if entry is None:
        return None
    all_of_them = f"__import__('numpy').arange({name}.size).reshape({name}.shape)"
    text = all_of_them + ast.unparse(entry).removeprefix(name)
    seen = program.seen(site.statement, [text], truth)
    found = numbers(seen[0][0]) if len(seen) == 1 else None
    return None if found is None else found.astype(int)
