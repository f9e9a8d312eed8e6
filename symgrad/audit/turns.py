"""Training loops: of a loop that changes parameters the first turn counts."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from symgrad.audit.aliases import gone_through
from symgrad.audit.form import assigned, changed_in_place, reads
from symgrad.audit.targets import changed_by, flat
from symgrad.audit.walks import typed, walked


def training_loops(
    tree: ast.AST,
    names: Collection[str],
    gives: Mapping[int, Any],
    data: Collection[str] = (),
    containers: Collection[str] = (),
) -> dict[int, bool]:
    """The lines of loops in which what holds a parameter is assigned again; the outermost count.

    With whether it is assigned there itself, and not in what is called.  ``containers``: the
    dictionaries and lists among the names.
    """
    found: dict[int, bool] = {}
    inner: set[int] = set()
    functions: dict[str, list[ast.FunctionDef]] = {}
    for function in (n for n in walked(tree) if isinstance(n, ast.FunctionDef)):
        functions.setdefault(function.name, []).append(function)
    inside = (f for several in functions.values() for f in several if f is not tree)
    local = {id(n) for f in inside for n in walked(f)}
    params = {*names} - {*data}
    handed = _handed(tree)
    for node in _loops(tree):
        if any(only_sets(node, name) for name, _ in gives.get(node.lineno, ())):
            inner |= {n.lineno for n in _loops(node)}
        if node.lineno not in inner and not _is_given_in(node, gives, params):
            own = set(names) - set(data if id(node) in local else ())
            direct = _changed(node, gives) - _extended(node, containers)
            changed = direct | _changed_by_calls(node, functions, gives)
            filling = {n for n in changed if only_fills(node, n)}
            changed |= _set(node, own, functions) | _held_by(changed - filling, params)
            changed |= _changed_in_turn(node)
            keys = _called_in(node) | {f".{c.rpartition('.')[2]}" for c in _changed_in_turn(node)}
            changed |= {n for key in keys for n in handed.get(key, ())} & params
            if any(not only_fills(node, name) for name in changed & own):
                found[node.lineno] = any(not only_fills(node, name) for name in direct & own)
                inner |= {n.lineno for n in _loops(node) if not _is_given_in(n, gives, data)}
    return found


def watched_loops(
    tree: ast.AST, found: Mapping[int, bool], gives: Mapping[int, Any], params: Collection[str]
) -> dict[int, bool]:
    """The loops that may train, by their lines: in a run it shows whether parameters change.

    Of those that call what changes them one is enough; else all have to, as some do while a loop
    goes through layers, of which it is certain where it goes backwards.
    """
    back = {n.lineno for n in _loops(tree) if isinstance(n, ast.For) and _is_turned(n.iter)}
    others = (n for n in _loops(tree) if n.lineno not in found and _called_in(n))
    mere = {n.lineno: False for n in others if not _is_given_in(n, gives, params)}
    return mere | {line: line not in back for line, direct in found.items() if not direct}


def _is_turned(iterated: ast.expr) -> bool:
    """Whether a loop goes through something from its end: ``reversed(layers)``, ``[::-1]``."""
    text = typed(iterated)
    return text.endswith(("[::-1]", ", -1)")) or "reversed(" in text


def _extended(loop: ast.AST, lists: Collection[str]) -> set[str]:
    """The lists that a loop does nothing to but make them longer: ``self.params += l.params``."""
    steps = [n for n in walked(loop) if isinstance(n, ast.Assign | ast.AugAssign)]
    longer = {typed(s.target) for s in steps if isinstance(s, ast.AugAssign)} & {*lists}
    others = (s for s in steps if isinstance(s, ast.Assign) or typed(s.target) not in longer)
    return longer - {name for s in others for name in assigned(s)}


def _loops(node: ast.AST) -> Iterator[ast.For | ast.While]:
    yield from (n for n in walked(node) if isinstance(n, (ast.For, ast.While)))


def _is_given_in(
    loop: ast.For | ast.While, gives: Mapping[int, Any], names: Collection[str]
) -> bool:
    """Whether each turn of a loop gets inputs anew: other data, or parameters to begin with."""
    nodes = list(walked(loop))
    lines = {n.lineno for n in nodes if isinstance(n, ast.stmt)}
    parts = (n for n in nodes if isinstance(n, ast.Subscript) and not _is_word(n.slice))
    if any(typed(n) in names for n in parts):
        return True
    return any(name in names for line in lines & gives.keys() for name, _ in gives[line])


def _is_word(index: ast.expr) -> bool:
    """Whether an index is a key of a dictionary, or a number: the entry has a place of its own."""
    return isinstance(index, ast.Constant)


def only_fills(loop: ast.AST, name: str) -> bool:
    """Whether a loop gives something its entries, and reads none: ``p["W" + str(k)] = ...``."""
    nodes = list(walked(loop)) if isinstance(loop, (ast.For, ast.While)) else []
    entries = [n for n in nodes if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store)]
    again = (n.target for n in nodes if isinstance(n, ast.AugAssign))
    filled = [n for n in entries if typed(n.value) == name and n not in {*again}]
    appended = [c for n in nodes if isinstance(n, ast.Expr) for c in changed_by(n.value)]
    filled_ = len(filled) + sum(typed(c) == name for c in appended)
    kinds = (ast.Name, ast.Attribute)
    return filled_ > 0 and filled_ == sum(isinstance(n, kinds) and typed(n) == name for n in nodes)


def _set(
    loop: ast.AST, names: Collection[str], functions: Mapping[str, Sequence[ast.FunctionDef]]
) -> set[str]:
    """What is changed by ``setattr(net, name, value)``; where it is a step, what objects hold."""
    calls = (n for n in walked(loop) if isinstance(n, ast.Call) and n.args)
    objects = {typed(c.args[0]) for c in calls if typed(c.func) == "setattr"}
    stepped = any(_sets_again(part) for part in (loop, *_reached(loop, functions)))
    return {n for n in names if n.split(".")[0] in objects or (stepped and "." in n)}


def _sets_again(node: ast.AST) -> bool:
    """Whether attributes become what they were, less something.

    ``setattr(layer, name, getattr(layer, name) - step)``, or by the values in ``vars(layer)``.
    """
    nodes = walked(node)
    calls = [(typed(n.func), [*map(typed, n.args)]) for n in nodes if isinstance(n, ast.Call)]
    stored = {tuple(args[:2]) for name, args in calls if name == "setattr"}
    read = {tuple(args[:2]) for name, args in calls if name == "getattr"}
    whole = {args[0] for name, args in calls if name == "vars" and args}
    attributes = (n for n in nodes if isinstance(n, ast.Attribute))
    whole |= {typed(n.value) for n in attributes if n.attr == "__dict__"}
    less = any(isinstance(n, ast.Sub) for n in nodes)
    return less and any(place in read or place[0] in whole for place in stored if place)


def only_sets(loop: ast.AST, name: str) -> bool:
    """Whether a loop does nothing but ``setattr``, of what a name holds: it prepares that."""
    if not isinstance(loop, ast.For) or name not in reads(loop):
        return False
    inside = [n for n in walked(loop) if isinstance(n, ast.stmt)]
    calls = [n.value for n in inside if isinstance(n, ast.Expr)]
    sets = all(isinstance(c, ast.Call) and typed(c.func) == "setattr" for c in calls)
    return sets and all(isinstance(n, (ast.For, ast.If, ast.Expr)) for n in inside) and bool(calls)


def _handed(tree: ast.AST) -> dict[str, set[str]]:
    """What objects are made of, by the methods that change something and the attributes they have.

    An attribute has a dot: ``.params``.
    """
    nodes = list(ast.walk(tree))
    calls = [n for n in nodes if isinstance(n, ast.Call)]
    found: dict[str, set[str]] = {}
    for kind in (n for n in nodes if isinstance(n, ast.ClassDef)):
        made = (c for c in calls if ast.unparse(c.func) == kind.name)
        names = {name for call in made for argument in call.args for name in reads(argument)}
        for key in _changing(kind) if names else ():
            found.setdefault(key, set()).update(names)
    return found


def _changing(kind: ast.ClassDef) -> Iterator[str]:
    """The methods of a class that change something, and its attributes with a dot."""
    for method in (m for m in kind.body if isinstance(m, ast.FunctionDef)):
        parts = list(ast.walk(method))
        if any(isinstance(n, ast.AugAssign) for n in parts):
            yield method.name
        targets = (
            n for n in parts if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)
        )
        yield from (f".{n.attr}" for n in targets if ast.unparse(n.value) == "self")


def _held_by(changed: Collection[str], names: Collection[str]) -> set[str]:
    """The parameters that are attributes, or in attributes, called as one that is changed."""
    attributes = {c.rpartition(".")[2].split("[")[0] for c in changed if "." in c}
    return {n for n in names if attributes & {n.rpartition(".")[2].split("[")[0], n.split("[")[0]}}


def _changed(node: ast.AST, gives: Mapping[int, Any]) -> set[str]:
    statements = (p for p in walked(node) if isinstance(p, ast.stmt) and p.lineno not in gives)
    return {name for statement in statements for name in assigned(statement)}


def _changed_in_turn(node: ast.AST) -> set[str]:
    """What is changed under another name: ``for w, dw in ((W1, dW1), (W2, dW2)): w -= lr * dw``."""
    found: set[str] = set()
    for loop in (n for n in walked(node) if isinstance(n, ast.For)):
        own = {typed(target) for target in flat(loop.target)}
        statements = (s for s in walked(loop) if isinstance(s, ast.stmt))
        changed = own & {name.split("[")[0] for s in statements for name in _in_place(s)}
        bases = {typed(base) for base in gone_through(loop, changed)}
        found |= (bases or reads(loop.iter)) if changed else set()
    return found


def _in_place(node: ast.stmt) -> set[str]:
    """What a statement changes without another name: ``w -= g``, ``w[:] = v``, ``out=w``."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    entries = bool(targets) and all(isinstance(t, ast.Subscript) for t in targets)
    again = isinstance(node, ast.AugAssign) or entries
    return changed_in_place(node) | (assigned(node) if again else set())


def _changed_by_calls(
    node: ast.AST, functions: Mapping[str, Sequence[ast.FunctionDef]], gives: Mapping[int, Any]
) -> set[str]:
    """What functions that are called from a part of a program change of objects, or in place."""
    changed: set[str] = set()
    for part in (p for f in _reached(node, functions) for p in walked(f)):
        held = isinstance(part, ast.Assign | ast.AugAssign) and part.lineno not in gives
        own = assigned(part) if held and isinstance(part, ast.stmt) else set()
        changed |= own if isinstance(part, ast.AugAssign) else {n for n in own if "." in n}
    return changed


def _reached(
    node: ast.AST, functions: Mapping[str, Sequence[ast.FunctionDef]]
) -> Iterator[ast.FunctionDef]:
    """The functions that are called from a part of a program, and from these."""
    seen: set[str] = set()
    left = _called_in(node)
    while left:
        name = left.pop()
        for function in functions.get(name, ()) if name not in seen else ():
            left |= _called_in(function)
            yield function
        seen.add(name)


def _called_in(node: ast.AST) -> set[str]:
    calls = (n.func for n in walked(node) if isinstance(n, ast.Call))
    return {f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "") for f in calls}
