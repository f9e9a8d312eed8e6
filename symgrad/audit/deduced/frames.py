"""What is known where a statement stands, at each time that it is run."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symgrad.audit.compare import numbers
from symgrad.audit.form import assigned
from symgrad.audit.grammar.edit import function_of, is_gradient, is_module, nodes
from symgrad.audit.names import is_called_gradient
from symgrad.audit.program import Program
from symgrad.audit.reference import Truth
from symgrad.audit.sites import Site
from symgrad.audit.walks import typed, walked

Numbers = np.ndarray[Any, Any]
MOST_ATOMS = 40
MOST_TURNS = 8
MOST_WRITTEN = 12
"""How many expressions of the program may be read beside what has a name."""

MADE = 0.25
"""How much less likely such an expression is than a name."""


@dataclass(frozen=True)
class Atom:
    """A name, or an entry, that a statement may read: its numbers at each time."""

    text: str
    arrays: tuple[Numbers, ...]
    gradient: bool
    cost: float = 0.0
    """How unlikely it is: what is made of names is less likely than a name."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape, which is the same each time."""
        return tuple(self.arrays[0].shape)


@dataclass(frozen=True)
class Frames:
    """The numbers of expressions at each time that a statement is run: those in it, and atoms."""

    nodes: Mapping[str, tuple[Numbers, ...]]
    atoms: tuple[Atom, ...]
    before: tuple[Numbers | None, ...]
    """What it changes, before it does."""
    times: int

    def only(self, turn: int) -> Frames:
        """One time alone."""
        inside = {t: (a[turn],) for t, a in self.nodes.items()}
        atoms = tuple(replace(a, arrays=(a.arrays[turn],)) for a in self.atoms)
        return Frames(inside, atoms, (self.before[turn],), 1)


def looked(
    program: Program, site: Site, truth: Truth, target: str, most: int = MOST_TURNS
) -> Frames | None:
    """The frames of a statement; None where they are not known, or too many."""
    inner = {site.text(n): n for n in nodes(site) if not is_module(n) and _is_array_like(n)}
    outer, made = [*_names(site), *_entries(site)], list(written(site, called_by(program)))
    texts = [t for t in dict.fromkeys([*inner, *outer, *made, target]) if t]
    seen = program.seen(site.statement, texts, truth)
    if not 0 < len(seen) <= most:
        return None
    columns = dict(zip(texts, zip(*seen, strict=True), strict=True))
    arrays = {t: a for t, column in columns.items() if (a := _arrays(column)) is not None}
    named = [Atom(t, arrays[t], is_gradient(site, t)) for t in outer if t in arrays]
    more = [Atom(t, arrays[t], False, MADE) for t in made if t in arrays and arrays[t][0].ndim]
    atoms = _nearest(site, _distinct(iter([*named, *more])))
    before = tuple(numbers(v) for v in columns.get(target, [None] * len(seen)))
    return Frames({t: arrays[t] for t in inner if t in arrays}, atoms, before, len(seen))


def _is_array_like(node: ast.expr) -> bool:
    return not isinstance(node, (ast.Lambda, ast.Slice, ast.Starred, ast.Tuple, ast.List, ast.Dict))


def _names(site: Site) -> list[str]:
    """The names that are known there, those in the statement first, then what nothing reads."""
    read = {n.id for root in site.roots for n in walked(root) if isinstance(n, ast.Name)}
    everywhere = site.source.read
    return sorted(site.known, key=lambda n: (n not in read, n.split("[")[0] in everywhere))


def _entries(site: Site) -> Iterator[str]:
    """The entries of arrays, lists and dictionaries that its function reads."""
    for node in walked(site.around):
        read = isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice)
        if read and getattr(node.value, "attr", "") != "shape":  # type: ignore[attr-defined]
            yield typed(node)


LEAVES = frozenset(["exp", "log", "sqrt", "sign", "tanh", "cosh", "sinh", "sin", "cos", "where"])
"""Functions of which the program may need the same again."""


def called_by(program: Program) -> list[ast.AST]:
    """The functions that the pass calls, and what stands outside of functions."""
    tree = program.tree
    functions = [n for n in walked(tree) if isinstance(n, ast.FunctionDef)]
    texts = " ".join(str(what) for _, what in program.form.calls)
    left = {f.name for f in functions if re.search(rf"\b{f.name}\b", texts)}
    outside = [s for s in tree.body if not isinstance(s, (ast.FunctionDef, ast.ClassDef))]
    left |= set(_called(outside)) | {f.name for f in functions if "__" in f.name}
    found: set[str] = set()
    while left:
        found |= left
        left = set(_called([f for f in functions if f.name in left])) - found
    return [*outside, *(f for f in functions if f.name in found)]


def _called(several: Sequence[ast.AST]) -> Iterator[str]:
    for node in several:
        for part in walked(node):
            if isinstance(part, ast.Call):
                yield function_of(part)


def written(site: Site, parts: Sequence[ast.AST]) -> Iterator[str]:
    """Expressions of the forward pass that the program has somewhere, and their slopes."""
    found: dict[str, None] = {}
    for node in (n for part in parts for n in walked(part)):
        for text in _of_forward(node) if isinstance(node, ast.expr) else ():
            if text not in site.known and not _reads_gradient(site, text):
                found[text] = None
    yield from list(found)[:MOST_WRITTEN]


def _of_forward(node: ast.expr) -> Iterator[str]:
    """A power, a comparison or a function as it stands, and what is the slope of a kink."""
    if isinstance(node, ast.Compare) or (
        isinstance(node, ast.BinOp) and (isinstance(node.op, ast.Pow) or _is_complement(node))
    ):
        yield f"({typed(node)})"
    elif isinstance(node, ast.Call):
        name = function_of(node)
        if name in ("maximum", "minimum") and len(node.args) == 2:
            sign = ">" if name == "maximum" else "<"
            yield f"({typed(node.args[0])} {sign} {typed(node.args[1])})"
        elif name in ("abs", "absolute", "fabs") and len(node.args) == 1:
            yield f"np.sign({typed(node.args[0])})"
        elif name in LEAVES or (isinstance(node.func, ast.Name) and _is_of_names(node)):
            yield typed(node)


def _is_of_names(node: ast.Call) -> bool:
    """Whether a function of the program is applied to names alone: ``smooth(Y)``."""
    plain = node.func.id not in BUILTINS if isinstance(node.func, ast.Name) else False
    return plain and bool(node.args) and all(isinstance(a, ast.Name) for a in node.args)


BUILTINS = frozenset(dir(builtins))


def _is_complement(node: ast.BinOp) -> bool:
    """Whether something is subtracted from 1."""
    return isinstance(node.op, ast.Sub) and isinstance(node.left, ast.Constant)


def _reads_gradient(site: Site, text: str) -> bool:
    names = (n for n in walked(ast.parse(text, mode="eval")) if isinstance(n, ast.Name))
    return any(is_gradient(site, n.id) for n in names)


def _arrays(column: Sequence[Any]) -> tuple[Numbers, ...] | None:
    """Arrays of one shape; None where they are not."""
    found = [numbers(v) for v in column]
    if any(a is None or not np.isfinite(a).all() for a in found):
        return None
    return tuple(a for a in found if a is not None) if _alike(found) else None


def _alike(found: Sequence[Numbers | None]) -> bool:
    return len({a.shape for a in found if a is not None}) == 1


def _distinct(atoms: Iterator[Atom]) -> tuple[Atom, ...]:
    """Atoms of different numbers; of two of the same the first, or what is called a gradient."""
    found: dict[tuple[Any, ...], Atom] = {}
    for atom in atoms:
        key = (atom.shape, *(a.tobytes() for a in atom.arrays))
        if key in found and is_called_gradient(atom.text) and not found[key].gradient:
            found[key] = replace(atom, gradient=True)
        found.setdefault(key, atom)
    return tuple(found.values())


def _nearest(site: Site, atoms: tuple[Atom, ...]) -> tuple[Atom, ...]:
    """Of many atoms those that are read, or were assigned last before a statement."""
    if len(atoms) <= MOST_ATOMS:
        return atoms
    read = {n.id for root in site.roots for n in walked(root) if isinstance(n, ast.Name)}
    lines: dict[str, int] = {}
    for node in walked(site.around):
        before = isinstance(node, (ast.Assign, ast.AugAssign)) and node.lineno < site.line
        for name in assigned(node) if before else ():
            lines[name] = max(node.lineno, lines.get(name, 0))  # type: ignore[attr-defined]
    near = sorted(atoms, key=lambda a: (a.text not in read, -lines.get(a.text, 0)))
    kept = {a.text for a in near[:MOST_ATOMS]}
    return tuple(a for a in atoms if a.text in kept)
