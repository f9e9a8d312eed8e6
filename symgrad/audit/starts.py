"""Where a fault begins: what a statement assigns is replaced by what it ought to be."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symgrad.audit.compare import ways
from symgrad.audit.form import assigned, reads
from symgrad.audit.grammar.edit import is_gradient
from symgrad.audit.names import is_called_gradient
from symgrad.audit.reference import Truth
from symgrad.audit.runner import Run
from symgrad.audit.scene import Scene
from symgrad.audit.sites import Site
from symgrad.audit.statements import targets_of
from symgrad.audit.walks import typed
from symgrad.audit.wording import Change

MOST_PUT = 150
"""How many replacements are tried, those first where a name says which gradient is meant."""

FOLLOWS = 2
"""How many statements further it is to what only follows from where a fault begins."""


@dataclass(frozen=True)
class Put:
    """A statement that assigns the gradient by some value, given as numbers."""

    site: Site
    value: str
    changes: tuple[Change, ...]
    is_expression: bool = True


@dataclass(frozen=True)
class Start:
    """The first statement whose value, made right, makes what is handed out right."""

    site: Site
    value: str
    """The value by which it ought to be the gradient, of the derivation."""

    def placed(self, scene: Scene, sites: Sequence[Site]) -> list[Site]:
        """The statements, each as far as it is from here; what follows from here is far."""
        before = scene.depths(name_of(self.site), self.site.line)
        near = min(self.site.far, 1)
        return [self._placed(s, near, before.get(s.statement)) for s in sites]

    def _placed(self, site: Site, near: float, before: int | None) -> Site:
        """A statement as far as it is from this one, of which it is so many before."""
        far = site.far + FOLLOWS if before is None else near + before
        return replace(site, placed=far, begins=before == 0)


def puts(scene: Scene, sites: Sequence[Site], names: Mapping[str, str]) -> list[Put]:
    """What may be put into statements: gradients of the shape of what they assign."""
    called = {adjoint: value for value, adjoint in names.items()}
    found = sorted(
        _puts(scene, sites, called), key=lambda p: called.get(name_of(p.site)) != p.value
    )
    return found[:MOST_PUT]


def _puts(scene: Scene, sites: Sequence[Site], called: Mapping[str, str]) -> Iterator[Put]:
    slopes = scene.truth.slopes
    for site in [s for s in sites if _is_plain(scene, s)]:
        array = np.asarray(site.arrays[0])
        own = called.get(name_of(site), "")
        if own in slopes and _is_same(array, slopes[own]):
            continue
        seen: set[bytes] = set()
        for value in dict.fromkeys([own, *slopes] if own in slopes else slopes):
            made = put(site, value, scene.truth, exact=value != own)
            key = slopes[value].tobytes()
            if made is not None and key not in seen and not _is_same(array, slopes[value]):
                seen.add(key)
                yield made


def put(site: Site, value: str, truth: Truth, *, exact: bool = False) -> Put | None:
    """The statement with the gradient by a value in place of what it assigns."""
    shape, slope = np.shape(site.arrays[0]), truth.slopes[value]
    laid = [a for _, a in ways(slope, shape)] or ([] if exact else [slope])
    if not laid or (exact and (slope.size < 2 or not slope.any())):
        return None
    text = f"__import__('numpy').array({np.asarray(laid[0], float).tolist()!r})"
    return Put(site, value, ((*site.source.span(site.roots[0]), text),))


def _is_plain(scene: Scene, site: Site) -> bool:
    """Whether a statement assigns one thing, once, and what it assigns is wrong or unknown."""
    if not assigns_one(site):
        return False
    plain = isinstance(targets_of(site.statement)[0], (ast.Name, ast.Attribute)) and not site.right
    times = scene.arrays.get((site.line, name_of(site)), ())
    return plain and len(times) == 1 and bool(site.arrays)


def assigns_one(site: Site) -> bool:
    """Whether a statement assigns one expression to one target."""
    targets = targets_of(site.statement)
    return isinstance(site.statement, ast.Assign) and len(targets) == len(site.roots) == 1


def name_of(site: Site) -> str:
    """What a statement assigns, where that is one thing."""
    return typed(targets_of(site.statement)[0])


def _is_same(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    return one.shape == other.shape and np.allclose(one, other, 1e-9, 1e-12)


def start_of(puts: Sequence[Put], right: Sequence[frozenset[str]], run: Run) -> Start | None:
    """Of the statements that make most values right, the one that is run first.

    None where that is only what is handed out.
    What is called a gradient is likelier to be meant as one, and of several that may be the same
    gradient the last, as it is made in steps.
    """
    most = max((len(r) for r in right), default=0)
    order = {key: k for k, key in reversed([*enumerate((r[0], r[1]) for r in run.records)])}
    best = [p for p, r in zip(puts, right, strict=True) if r and len(r) == most]
    times = {id(p): order.get((p.site.line, name_of(p.site)), len(order)) for p in best}
    last = {p.value: p for p in sorted(best, key=lambda p: times[id(p)])}
    best = sorted(
        last.values(), key=lambda p: (not is_called_gradient(name_of(p.site)), times[id(p)])
    )
    return Start(best[0].site, best[0].value) if best and best[0].site.depth else None


def wrong_site(sites: Sequence[Site]) -> Site | None:
    """The statement where what is wrong begins: what it reads is right, as far as is known."""
    site = next((s for s in sites if s.roots), None)
    seen: set[int] = set()
    while site is not None and site.line not in seen:
        seen.add(site.line)
        unknown = [
            n
            for n in reads(site.statement)
            if n in site.known and is_gradient(site, n) and site.known[n].role is None
            if n not in assigned(site.statement)
        ]
        upstream = [s for s in sites if assigned(s.statement) & set(unknown) and s.line not in seen]
        if not upstream:
            return site
        site = upstream[0]
    return site
