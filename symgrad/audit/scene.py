"""A program with what one run of it assigned: its statements, and which of them a value needs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from symgrad.audit.aliases import views
from symgrad.audit.compare import entry_read, first_array, has_entry, numbers
from symgrad.audit.form import assigned, reads
from symgrad.audit.grammar.edit import function_of
from symgrad.audit.instrument import STEP
from symgrad.audit.names import is_called_gradient, key_of
from symgrad.audit.reference import Reference, Truth
from symgrad.audit.roles import Roles, is_right_role, roles_of
from symgrad.audit.runner import Run
from symgrad.audit.sites import Known, Role, Site
from symgrad.audit.source import Source
from symgrad.audit.statements import (
    all_assigned,
    calls,
    changes_in_place,
    conditions,
    gives,
    is_changed,
    is_known_in,
    is_shared,
    keys_in,
    needed,
    operators,
    parts,
    passed,
    targets_of,
)
from symgrad.audit.targets import changed_by, holder, is_append
from symgrad.audit.walks import typed, walked

_SLOPE = re.compile(r"d\w*_d|d_?[A-Z]|grad|delta_|nabla")
"""How derivatives are called, and hardly anything else."""

MOST_ARRAYS = 40
"""What a statement assigned more often is not looked up."""


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
            array = None if isinstance(value, bool) else numbers(value)
            if array is not None and line not in self.unfilled:
                self.arrays.setdefault((line, target), []).append(array)
            if isinstance(value, (dict, list)):
                self.wholes.setdefault(line, []).append(value)
        self.roles = Roles(truth)
        self.handed: dict[ast.stmt, set[str]] = {}
        """The statements that hand something to a function, and need not what that gives back."""
        self.views: dict[tuple[int, str], set[str]] = {}

    @cached_property
    def unfilled(self) -> set[int]:
        """The lines that make arrays whose entries nobody has written yet."""
        made = (n for n in walked(self.source.tree) if isinstance(n, ast.Assign))
        return {n.lineno for n in made if function_of(n.value) in ("empty", "empty_like")}

    @cached_property
    def functions(self) -> list[ast.FunctionDef]:
        """The functions of the program."""
        return [n for n in walked(self.source.tree) if isinstance(n, ast.FunctionDef)]

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
            ast.If,
        )
        found = [n for n in walked(self.source.tree) if isinstance(n, kinds) and self._ran(n)]
        found = [n for n in found if n.lineno not in self.unfilled]
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
            same = mine is inside or is_known_in(inside, mine, at)
            visible = same or mine is None or target.startswith("self.")
            early = at <= line or self._in_loop(line) or mine is None
            named = target != "return" and not target.startswith(STEP)
            late = (
                at > line and target in found
            )  # in a loop, what is assigned below is of a turn before
            if visible and early and named and not late and (same or target not in found):
                found[target] = Known(target, arrays[0], self.role(arrays[0]))
        return found | self._entries(inside)

    def _entries(self, inside: ast.FunctionDef | None) -> dict[str, Known]:
        """The entries of lists and dictionaries of arrays: ``hs[t]``, and others at such places."""
        read = [
            n
            for n in walked(inside or self.source.tree)
            if isinstance(n, ast.Subscript) and isinstance(n.value, ast.Name)
        ]
        spoken = [(n.value.id, n.slice) for n in read if isinstance(n.value, ast.Name)]
        lists = {name for name, _ in spoken if isinstance(self.held.get(name), list)}
        lists |= {n for n in self._appended(inside) if n in self.held}
        places = {typed(s): s for name, s in spoken if name in lists and not _is_slice(s)}
        more = [(name, place) for name in sorted(lists) for place in places.values()]
        more += [pair for name in sorted({n for n, _ in spoken}) for pair in self._keyed(name)]
        return dict(self._entries_of([*spoken, *more[:MOST_ARRAYS]]))

    def _appended(self, inside: ast.FunctionDef | None) -> set[str]:
        """The lists to which a function appends."""
        calls_ = (n for n in walked(inside or self.source.tree) if isinstance(n, ast.Call))
        return {typed(part) for c in calls_ if is_append(c) for part in changed_by(c)}

    def _keyed(self, name: str) -> list[tuple[str, ast.expr]]:
        """The words by which a dictionary of arrays may be read."""
        whole = self.held.get(name)
        keys = [k for k in whole if isinstance(k, str)] if isinstance(whole, dict) else []
        return [(name, ast.Constant(k)) for k in keys]

    def _entries_of(self, spoken: Sequence[tuple[str, ast.expr]]) -> Iterator[tuple[str, Known]]:
        for name, place in spoken:
            array = entry_read(self.held.get(name, []), place)
            if array is not None:
                text = f"{name}[{typed(place)}]"
                role = self.role(array) if isinstance(place, ast.Constant) else None
                yield text, Known(text, array, role)
                yield text.replace("'", '"'), Known(text, array, role)  # as it may be typed

    def _in_loop(self, line: int) -> bool:
        return any(a <= line <= b for a, b in self.loops)

    @cached_property
    def loops(self) -> list[tuple[int, int]]:
        """The lines from which and to which loops go."""
        found = [n for n in walked(self.source.tree) if isinstance(n, (ast.For, ast.While))]
        return [(n.lineno, n.end_lineno or n.lineno) for n in found]

    def role(self, array: np.ndarray[Any, Any]) -> Role | None:
        """What an array is in the spec, by its numbers."""
        return self.roles.of(array)

    def sites(self, code: str, line: int | None) -> list[Site]:
        """The statements that a value depends on, from the nearest on."""
        depths = self.depths(code, line)
        known: dict[int, dict[str, Known]] = {}
        found: list[Site] = []
        keys = frozenset(keys_in(self.source.tree))
        for statement, depth in sorted(depths.items(), key=lambda i: (i[1], -i[0].lineno)):
            at = statement.lineno
            known[at] = known.get(at) or self.known_at(at)
            looped = self._in_loop(at)
            for key, roots in self._rooted(statement, code, depth):
                arrays = self._assigned_by(statement, key)
                if key is not None and depth and self._are_values(arrays):
                    continue
                right = self.is_right(statement)
                if right and depth and not self._is_gradient(statement):
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
                        self._begins(statement, known[at]),
                        bool(self.handed.get(statement)),
                        self._renames(statement, [r for _, r in self._named_roles(statement)]),
                    )
                )
        return found

    def _are_values(self, arrays: Sequence[np.ndarray[Any, Any]]) -> bool:
        """Whether arrays are inputs or values of the spec, to the number."""
        roles = [self.role(a) for a in arrays]
        return bool(roles) and all(r is not None and r.kind != "gradient" for r in roles)

    def _is_gradient(self, statement: ast.stmt) -> bool:
        """Whether a statement assigns a gradient of the spec."""
        roles = (role for _, role in self._named_roles(statement))
        return any(role is not None and role.kind == "gradient" for role in roles)

    def _rooted(
        self, statement: ast.stmt, code: str, depth: int
    ) -> list[tuple[Any, list[ast.expr]]]:
        """The expressions of a statement that matter, by their keys in what it gives back."""
        found = parts(statement)
        own = [p for p in found if p[0] in (code, key_of(code))]
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
            names = [typed(h) for t in targets_of(statement) if (h := holder(t)) is not None]
            found += self.arrays.get((at, names[key]), [])[:1] if key < len(names) else []
        elif key is not None:
            entry = next((v[key] for v in self.wholes.get(at, ()) if has_entry(v, key)), None)
            array = numbers(entry)
            found += [] if array is None else [array]
        return found

    def depths(self, code: str, line: int | None) -> dict[ast.stmt, int]:
        """How many statements are between each statement and a value."""
        depths: dict[ast.stmt, int] = {}
        entry = f"[{code!r}]"
        start = [s for s in self.statements if s.lineno == line]
        start += [s for s in self.statements if any(t.endswith(entry) for t in all_assigned(s))]
        returns = (s for s in self.statements if isinstance(s, ast.Return))
        start = start or [s for s in returns if any(key == code for key, _ in parts(s))]
        start = start or [s for s in self.statements if self._has_entry(s, code)]
        start = start or [s for s in self.statements if code in all_assigned(s)]
        start = start or [s for s in self.statements if gives(s, code) and self._makes(s, code)]
        level = start or [s for s in self.statements if isinstance(s, ast.Return)]
        handed: dict[ast.stmt, set[str]] = {}
        self.handed = handed
        around = conditions(self.statements)
        depth = 0
        while level:
            for statement in level:
                depths.setdefault(statement, depth)
            open_ = [s for s in level if not depth or not self.is_right(s)]
            wanted = [
                (self.function_at(s.lineno), n)
                for s in open_
                for n in sorted((needed(s, code, depth) | self._methods(s)) - handed.get(s, set()))
            ]
            ways = [
                (s, inside.name if inside is not None and calls(s, inside.name) else "")
                for inside, name in wanted
                for s in self._providing(name, inside)
                if s not in depths
            ]
            plain = {s for s, function in ways if not function}
            for s, function in ways:
                handed.setdefault(s, set()).update({function} if s not in plain else ())
            found = [s for s, _ in ways] + [i for s in level for i in around.get(id(s), ())]
            level = [s for s in dict.fromkeys(found) if s not in depths]
            depth += 1
        return depths

    def _has_entry(self, statement: ast.stmt, code: str) -> bool:
        """Whether a statement makes a dictionary that has something under a name, no input."""
        keyed = isinstance(statement, ast.Assign) and any(k == code for k, _ in parts(statement))
        return keyed and self._makes(statement, code)

    def _methods(self, statement: ast.stmt) -> set[str]:
        """The methods of the program that the operators of a statement call."""
        own = {f.name for f in self.functions if f.name.startswith("__")}
        return operators(statement) & own if own else own

    def _makes(self, statement: ast.stmt, code: str) -> bool:
        """Whether what a statement has under a name is not the input that is called so."""
        entries = (v[code] for v in self.wholes.get(statement.lineno, ()) if has_entry(v, code))
        array = next((a for e in entries if (a := numbers(e)) is not None), None)
        role = None if array is None else self.role(array)
        return role is None or role.kind != "input"

    def is_right(self, statement: ast.stmt) -> bool:
        """Whether each array that a statement assigned is a value or a gradient of the spec."""
        named = self._named_roles(statement)
        if self._is_changed_elsewhere(statement) or self._renames(
            statement, [role for _, role in named]
        ):
            return False
        read = reads(statement) if is_shared(statement) else set()
        return bool(named) and not any(
            not is_right_role(role) or self._is_another(n, role)
            for target, role in named
            for n in (target, *read)
        )

    def _renames(self, statement: ast.stmt, roles: Sequence[Role | None]) -> bool:
        """Whether a statement takes one gradient, or a value, for a gradient of another name."""
        targets = targets_of(statement)
        if not targets or not _is_called_gradients(targets):
            return False
        value = any(r is not None and r.kind == "value" for r in roles)
        if value and is_shared(statement):
            return True
        names = {n for n in reads(statement) - assigned(statement) if is_called_gradient(n)}
        read = [
            self.arrays[k][0] for k in self.arrays if k[1] in names and k[0] <= statement.lineno
        ]
        same = [role for a in read if (role := self.role(a)) is not None]
        return any(r is not None and r.kind == "gradient" and r in same for r in roles)

    def _begins(self, statement: ast.stmt, known: dict[str, Known]) -> bool:
        """Whether what a statement assigned first is nothing in the spec, and what it read is."""
        if not isinstance(statement, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
            return False
        made = [a[0] for t in assigned(statement) if (a := self.arrays.get((statement.lineno, t)))]
        read = [known[n] for n in reads(statement) if n in known and known[n].array.ndim]
        back = [k for k in read if k.role is None and is_called_gradient(k.name)]
        gradients = [k for k in read if k.role is not None and k.role.kind == "gradient"]
        off = bool(made) and not any(is_right_role(self.role(a)) for a in made)
        return off and bool(gradients) and not back and all(map(is_right_role, roles_of(gradients)))

    def _is_changed_elsewhere(self, statement: ast.stmt) -> bool:
        """Whether a statement gives an array another name, under which it is changed."""
        return is_shared(statement) and is_changed(
            statement, self.function_at(statement.lineno) or self.source.tree
        )

    @cached_property
    def adjoints(self) -> frozenset[str]:
        """What the derivation calls gradients."""
        return frozenset(self.reference.derivation.adjoint_name.values())

    def _is_another(self, target: str, role: Role | None) -> bool:
        """Whether something is called as a value of the spec, or a gradient, and is another."""
        if role is None or role.kind == "gradient":
            return False
        if _SLOPE.match(target.split(".")[-1]) or target in self.adjoints:
            return True
        called = {n.lower(): n for n in (*self.reference.values, *self.reference.inputs)}
        name = called.get(target.lower())
        return name is not None and name != role.name

    def _named_roles(self, statement: ast.stmt) -> list[tuple[str, Role | None]]:
        """What a statement assigns, each with what it is in the spec, at each time."""
        if isinstance(statement, (ast.Return, ast.FunctionDef, ast.For, ast.If, ast.Expr)):
            return []
        arrays = [
            (t, a)
            for t in all_assigned(statement)
            for a in self.arrays.get((statement.lineno, t), ())
        ]
        return [(t, self.role(a)) for t, a in arrays] if len(arrays) < MOST_ARRAYS else []

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
                other = is_shared(statement, name) or self._changes_view(statement, name, inside)
                yield from [statement] if other else []

    def _changes_view(self, statement: ast.stmt, name: str, inside: ast.FunctionDef | None) -> bool:
        """Whether a statement changes entries of an array under another name."""
        if not isinstance(statement, (ast.Assign, ast.AugAssign)):
            return False
        around = inside or self.source.tree
        key = (id(around), name)
        if key not in self.views:
            self.views[key] = views(around, name)
        return bool(self.views[key]) and changes_in_place(statement, self.views[key])

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
                inside = {id(n) for n in walked(function) if changes_in_place(n, names)}
                yield from (s for s in self.statements if id(s) in inside)

    def _body(self, function: ast.FunctionDef) -> Iterator[ast.stmt]:
        last = function.end_lineno or function.lineno
        for statement in self.statements:
            if isinstance(statement, ast.Return) and function.lineno <= statement.lineno <= last:
                yield statement


def _is_called_gradients(several: list[ast.expr]) -> bool:
    return all(isinstance(n, ast.Name) and is_called_gradient(n.id) for n in several)


def _is_slice(place: ast.expr) -> bool:
    return isinstance(place, (ast.Slice, ast.Tuple))
