"""The statements on which a wrong value depends, and what is known where each of them stands."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from symgrad.audit.compare import compared, entry_read, first_array, has_entry, numbers
from symgrad.audit.form import reads
from symgrad.audit.instrument import STEP, holder
from symgrad.audit.reference import Reference, Truth
from symgrad.audit.runner import Run
from symgrad.audit.source import Source
from symgrad.audit.statements import (
    all_assigned,
    calls,
    changes_in_place,
    gives,
    is_changed,
    is_shared,
    keys_in,
    parts,
    passed,
    targets_of,
)

Statement = ast.stmt

_SLOPE = re.compile(r"d\w*_d|d_?[A-Z]|grad|delta_|nabla")
"""How derivatives are called, and hardly anything else."""


@dataclass(frozen=True)
class Role:
    """What a name of the program is in the spec: an input, a value, or a gradient."""

    kind: str
    name: str
    ratio: float = 1.0


@dataclass(frozen=True)
class Known:
    """A name of the program where a statement stands: its array, and what that is in the spec."""

    name: str
    array: np.ndarray[Any, Any]
    role: Role | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return tuple(self.array.shape)


@dataclass(frozen=True)
class Site:
    """A statement, how far from the wrong value, and the names that are known there."""

    source: Source
    statement: Statement
    depth: int
    known: Mapping[str, Known]
    roots: Sequence[ast.expr]
    """The expressions that it assigns or gives back, of a dictionary or tuple one of them."""
    arrays: Sequence[np.ndarray[Any, Any]] = ()
    """What it assigned, first and last."""
    keys: frozenset[str] = field(default_factory=frozenset)
    looped: bool = False
    right: bool = False
    """Whether what it assigns is something in the spec, to the number."""
    functions: frozenset[str] = field(default_factory=frozenset)
    """The functions in the forward pass of the spec."""
    inputs: frozenset[str] = field(default_factory=frozenset)
    """The inputs of the spec."""
    missing: str = ""
    """The number by which the wrong value would have to be multiplied, where there is one."""
    around: ast.AST = field(default_factory=lambda: ast.Module([], []))
    """The function that it stands in, or the whole program."""

    @property
    def line(self) -> int:
        """Its line."""
        return self.statement.lineno

    @cached_property
    def inside_functions(self) -> frozenset[int]:
        """The expressions in functions without a name, or in comprehensions; and defaults."""
        inner = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
        found = [n for root in self.roots for n in ast.walk(root) if isinstance(n, inner)]
        return frozenset(id(part) for n in found for part in ast.walk(n) if part is not n)

    @cached_property
    def shape(self) -> tuple[int, ...] | None:
        """The shape of what it assigns."""
        return self.arrays[0].shape if self.arrays else None

    def text(self, node: ast.expr) -> str:
        """An expression as it is typed, in one line."""
        return " ".join(self.source.of(node).split())

    def like(self, shape: tuple[int, ...] | None) -> list[Known]:
        """The names of arrays of a shape."""
        return [
            k
            for k in self.known.values()
            if shape is not None and k.shape == shape and k.array.ndim
        ]

    def fitting(self, shape: tuple[int, ...] | None) -> list[Known]:
        """The names of arrays that broadcast to a shape."""
        return [k for k in self.known.values() if shape is not None and _fits(k.shape, shape)]

    @cached_property
    def scalars(self) -> list[Known]:
        """The names of numbers."""
        return [k for k in self.known.values() if k.array.ndim == 0 and np.isfinite(k.array)]


def _fits(shape: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    try:
        return bool(shape) and np.broadcast_shapes(shape, whole) == whole
    except ValueError:
        return False


class Scene:
    """A program with what one run of it at a point assigned."""

    def __init__(self, source: Source, run: Run, truth: Truth, reference: Reference) -> None:
        self.source = source
        self.truth = truth
        self.missing = ""
        self.reference = reference
        self.arrays: dict[tuple[int, str], list[np.ndarray[Any, Any]]] = {}
        self.wholes: dict[int, list[Any]] = {}
        self.held = {
            target: value
            for _, target, value in run.records
            if isinstance(value, (dict, list)) and first_array(value) is not None
        }
        self.lines = {line for line, _, _ in run.records}
        for line, target, value in run.records:
            array = numbers(value)
            if array is not None:
                self.arrays.setdefault((line, target), []).append(array)
            if isinstance(value, (dict, list)):
                self.wholes.setdefault(line, []).append(value)
        self.roles: dict[int, Role | None] = {}

    @cached_property
    def functions(self) -> list[ast.FunctionDef]:
        """The functions of the program."""
        return [n for n in ast.walk(self.source.tree) if isinstance(n, ast.FunctionDef)]

    def function_at(self, line: int) -> ast.FunctionDef | None:
        """The innermost function around a line."""
        around = [f for f in self.functions if f.lineno <= line <= (f.end_lineno or f.lineno)]
        return max(around, key=lambda f: f.lineno, default=None)

    @cached_property
    def statements(self) -> list[ast.stmt]:
        """All statements that assign, change or give back something, in the order of the text."""
        kinds = (
            ast.Assign,
            ast.AugAssign,
            ast.AnnAssign,
            ast.Return,
            ast.Expr,
            ast.FunctionDef,
            ast.For,
        )
        found = [n for n in ast.walk(self.source.tree) if isinstance(n, kinds) and self._ran(n)]
        return sorted(found, key=lambda n: (n.lineno, n.col_offset))

    def _ran(self, node: ast.stmt) -> bool:
        """Whether a statement may have been run: something in its function was."""
        inside = node if isinstance(node, ast.FunctionDef) else self.function_at(node.lineno)
        if inside is None:
            return True
        return any(inside.lineno <= line <= (inside.end_lineno or 0) for line in self.lines)

    def known_at(self, line: int) -> dict[str, Known]:
        """The names that are known at a line: those of its function, then those of the module."""
        inside = self.function_at(line)
        found: dict[str, Known] = {}
        for (at, target), arrays in self.arrays.items():
            mine = self.function_at(at)
            same = mine is inside or (
                inside is not None and mine is not None and at == inside.lineno
            )
            visible = same or mine is None or target.startswith("self.")
            early = at <= line or self._in_loop(line) or mine is None
            named = target != "return" and not target.startswith(STEP)
            if visible and early and named and (same or target not in found):
                found[target] = Known(target, arrays[0], self.role(arrays[0]))
        return found | self._entries(inside)

    def _entries(self, inside: ast.FunctionDef | None) -> dict[str, Known]:
        """The entries of lists and dictionaries of arrays that a function speaks of: ``hs[t]``."""
        found: dict[str, Known] = {}
        for node in ast.walk(inside or self.source.tree):
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
                array = entry_read(self.held.get(node.value.id, []), node.slice)
                if array is not None:
                    keyed = isinstance(node.slice, ast.Constant)
                    role = self.role(array) if keyed else None
                    found[ast.unparse(node)] = Known(ast.unparse(node), array, role)
        return found

    def _in_loop(self, line: int) -> bool:
        return any(a <= line <= b for a, b in self.loops)

    @cached_property
    def loops(self) -> list[tuple[int, int]]:
        """The lines from which and to which loops go."""
        found = [n for n in ast.walk(self.source.tree) if isinstance(n, (ast.For, ast.While))]
        return [(n.lineno, n.end_lineno or n.lineno) for n in found]

    def role(self, array: np.ndarray[Any, Any]) -> Role | None:
        """What an array is in the spec, by its numbers."""
        key = id(array)
        if key not in self.roles:
            self.roles[key] = self._role(array)
        return self.roles[key]

    def _role(self, array: np.ndarray[Any, Any]) -> Role | None:
        if array.size < 2:
            return None
        truth = self.truth
        tables = (("input", truth.given), ("value", truth.whole), ("gradient", truth.slopes))
        for kind, table in tables:
            for name, ought in table.items():
                if np.size(ought) == array.size and np.abs(ought).max(initial=0.0) > 0:
                    match = compared(array, np.asarray(ought, dtype=float), truth.typical)
                    if match.error < 1e-9:
                        return Role(kind, name)
                    if kind == "gradient" and match.ratio is not None:
                        return Role(kind, name, match.ratio)
        return None

    def sites(self, code: str, line: int | None) -> list[Site]:
        """The statements that a value depends on, from the nearest on."""
        depths = self._depths(code, line)
        known: dict[int, dict[str, Known]] = {}
        found: list[Site] = []
        keys = frozenset(keys_in(self.source.tree))
        for statement, depth in sorted(depths.items(), key=lambda i: (i[1], -i[0].lineno)):
            at = statement.lineno
            known[at] = known.get(at) or self.known_at(at)
            looped = self._in_loop(at)
            for key, roots in self._rooted(statement, code, depth):
                arrays = self._assigned_by(statement, key)
                right = self.is_right(statement)
                if right and all(r.kind != "gradient" for r in self._roles(statement)) and depth:
                    continue
                functions = self.reference.functions
                found.append(
                    Site(
                        self.source,
                        statement,
                        depth,
                        known[at],
                        roots,
                        arrays,
                        keys,
                        looped,
                        right,
                        functions,
                        frozenset(self.reference.inputs),
                        self.missing,
                        self.function_at(at) or self.source.tree,
                    )
                )
        return found

    def _rooted(
        self, statement: ast.stmt, code: str, depth: int
    ) -> list[tuple[Any, list[ast.expr]]]:
        """The expressions of a statement that matter, by their keys in what it gives back."""
        found = parts(statement)
        own = [p for p in found if p[0] == code]
        return [(k, [e]) for k, e in (own if depth == 0 and own else found)] or [(None, [])]

    def _assigned_by(self, statement: ast.stmt, key: Any) -> list[np.ndarray[Any, Any]]:
        """The arrays that a statement assigned, or gave back under a key."""
        at, found = statement.lineno, []
        for target in sorted(all_assigned(statement)) if key is None else ():
            several = self.arrays.get((at, target), ())
            found += [several[0], several[-1]] if several else []
        if key is None and isinstance(statement, ast.Return):
            found += self.arrays.get((at, "return"), [])[:1]
        if isinstance(statement, ast.Assign) and isinstance(key, int):
            names = [ast.unparse(h) for t in targets_of(statement) if (h := holder(t)) is not None]
            found += self.arrays.get((at, names[key]), [])[:1] if key < len(names) else []
        elif key is not None:
            entry = next((v[key] for v in self.wholes.get(at, ()) if has_entry(v, key)), None)
            array = numbers(entry)
            found += [] if array is None else [array]
        return found

    def _depths(self, code: str, line: int | None) -> dict[ast.stmt, int]:
        """How many statements are between each statement and a value."""
        depths: dict[ast.stmt, int] = {}
        entry = f"[{code!r}]"
        start = [s for s in self.statements if s.lineno == line]
        start += [s for s in self.statements if any(t.endswith(entry) for t in all_assigned(s))]
        returns = (s for s in self.statements if isinstance(s, ast.Return))
        start = start or [s for s in returns if any(key == code for key, _ in parts(s))]
        start = start or [s for s in self.statements if code in all_assigned(s)]
        start = start or [s for s in self.statements if gives(s, code) and self._makes(s, code)]
        level = start or [s for s in self.statements if isinstance(s, ast.Return)]
        depth = 0
        while level:
            for statement in level:
                depths.setdefault(statement, depth)
            open_ = [s for s in level if not depth or not self.is_right(s)]
            wanted = [
                (self.function_at(s.lineno), n)
                for s in open_
                for n in sorted(self._needs(s, code, depth))
            ]
            level = list(
                dict.fromkeys(
                    s
                    for inside, name in wanted
                    for s in self._providing(name, inside)
                    if s not in depths
                )
            )
            depth += 1
        return depths

    def _makes(self, statement: ast.stmt, code: str) -> bool:
        """Whether what a statement has under a name is not the input that is called so."""
        entries = (v[code] for v in self.wholes.get(statement.lineno, ()) if has_entry(v, code))
        array = next((a for e in entries if (a := numbers(e)) is not None), None)
        role = None if array is None else self.role(array)
        return role is None or role.kind != "input"

    def is_right(self, statement: ast.stmt) -> bool:
        """Whether each array that a statement assigned is a value or a gradient of the spec."""
        if self._is_changed_elsewhere(statement):
            return False
        roles = self._roles(statement)
        right = bool(roles) and all(r is not None and r.ratio == 1.0 for r in roles)
        names = all_assigned(statement) | (reads(statement) if is_shared(statement) else set())
        return right and not any(self._is_another(t, r) for t in names for r in roles)

    def _is_changed_elsewhere(self, statement: ast.stmt) -> bool:
        """Whether a statement gives an array another name, under which it is changed."""
        return is_shared(statement) and is_changed(
            statement, self.function_at(statement.lineno) or self.source.tree
        )

    def _is_another(self, target: str, role: Role) -> bool:
        """Whether something is called as a value of the spec is, and has the numbers of another.

        What is called like a derivative, and has the numbers of a value, is another too.
        """
        if role.kind != "gradient" and _SLOPE.match(target.split(".")[-1]):
            return True
        called = {n.lower(): n for n in (*self.reference.values, *self.reference.inputs)}
        name = called.get(target.lower())
        return role.kind != "gradient" and name is not None and name != role.name

    def _roles(self, statement: ast.stmt) -> list[Any]:
        if isinstance(statement, (ast.Return, ast.FunctionDef, ast.For, ast.Expr)):
            return []
        arrays = [
            a for t in all_assigned(statement) for a in self.arrays.get((statement.lineno, t), ())
        ]
        return [self.role(a) for a in (arrays if len(arrays) < 40 else [])]

    def _needs(self, statement: ast.stmt, code: str, depth: int) -> set[str]:
        if isinstance(statement, ast.FunctionDef):
            return {
                n
                for d in (*statement.args.defaults, *statement.args.kw_defaults)
                if d is not None
                for n in reads(d)
            }
        if isinstance(statement, ast.For):
            return {n.split("[")[0] for n in reads(statement.iter)} | reads(statement.iter)
        found = reads(statement)
        if (
            depth == 0
            and isinstance(statement, ast.Return)
            and isinstance(statement.value, ast.Dict)
        ):
            for key, value in zip(statement.value.keys, statement.value.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == code:
                    found = reads(value)
        base = {n.split("[")[0] for n in found}
        return found | base | all_assigned(statement)

    def _providing(self, name: str, inside: ast.FunctionDef | None) -> Iterator[ast.stmt]:
        """The statements that assign a name, or make up the function of that name."""
        for statement in self.statements:
            mine = self.function_at(statement.lineno)
            if isinstance(statement, ast.FunctionDef):
                if statement.name == name.split(".")[-1]:
                    yield from self._body(statement)
                if statement is inside:
                    yield from self._handing_in(statement, name)
            elif self._assigns(statement, name) or self._assigns_attribute(statement, name):
                if mine is inside or mine is None or "." in name:
                    yield statement
                    yield from self._changing_inside(statement, name)
            elif mine is inside:
                yield from self._changing_inside(statement, name)
                yield from [statement] if is_shared(statement, name) else []

    def _assigns(self, statement: ast.stmt, name: str) -> bool:
        """Whether a statement assigns a name, or an entry of it."""
        found = all_assigned(statement)
        return name in found or name in {t.split("[")[0] for t in found}

    def _assigns_attribute(self, statement: ast.stmt, name: str) -> bool:
        """Whether a statement assigns an attribute of some object that is called so."""
        holder_, _, attribute = name.rpartition(".")
        ends = {t.rpartition(".")[2] for t in all_assigned(statement) if "." in t}
        return bool(holder_) and "[" not in attribute and attribute in ends

    def _handing_in(self, function: ast.FunctionDef, name: str) -> Iterator[ast.stmt]:
        """A function of an argument of some name, and the statements that call it."""
        if name in {a.arg for a in function.args.args}:
            yield function
            yield from (s for s in self.statements if calls(s, function.name))

    def _changing_inside(self, statement: ast.stmt, name: str) -> Iterator[ast.stmt]:
        """The statements that change what a statement hands to a function of the program."""
        for called, place in passed(statement, name):
            for function in (f for f in self.functions if f.name == called):
                names = {a.arg for a in function.args.args[place : place + 1]}
                inside = {id(n) for n in ast.walk(function) if changes_in_place(n, names)}
                yield from (s for s in self.statements if id(s) in inside)

    def _body(self, function: ast.FunctionDef) -> Iterator[ast.stmt]:
        last = function.end_lineno or function.lineno
        for statement in self.statements:
            if isinstance(statement, ast.Return) and function.lineno <= statement.lineno <= last:
                yield statement
