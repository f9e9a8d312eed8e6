"""The forms of code that people have: how a program of each is called, and given its inputs."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from symgrad.audit.binding import arguments_of, bound, bound_some, placed
from symgrad.audit.instrument import Plan
from symgrad.audit.names import inputs_called, is_called_gradient
from symgrad.audit.source import Source, bodies
from symgrad.audit.targets import changed_by, holder
from symgrad.errors import SpecError, perhaps

BACKWARD = [
    "backward",
    "backprop",
    "backward_pass",
    "bprop",
    "back_propagation",
    "backpropagate",
    "gradients",
    "gradient",
    "grad",
    "loss_and_grads",
    "loss",
]
FORWARD = [
    "forward",
    "feedforward",
    "forward_pass",
    "fprop",
    "forward_propagation",
    "feed_forward",
    "predict",
    "__call__",
]
"""What the two passes of a class are called."""


@dataclass(frozen=True)
class Form:
    """How a program is run.

    ``calls`` are those that the child makes once its statements are run; ``script``: whether its
    variables hold the gradients; ``inputs``: of a script, the variable that holds each input.
    """

    name: str
    calls: tuple[tuple[str, Any], ...] = ()
    script: bool = False
    plan: Plan = field(default_factory=Plan)
    inputs: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """Of a script, the variables that hold where an input has its ones, along which axis."""
    scope: tuple[str, ...] = ()
    """The functions that give the gradients."""
    steps: Mapping[str, float] = field(default_factory=dict)
    """The changes of parameters that stand for gradients, and what these are multiplied by."""


def form_of(
    source: Source,
    inputs: Collection[str],
    *,
    params: Collection[str],
    function: str | None = None,
    cls: str | None = None,
    setup: str = "",
    given: Mapping[str, str] | None = None,
) -> Form:
    """The form of a program; SpecError where what is asked for is not in it."""
    if cls is not None:
        return _class(source, inputs, params, cls, setup or f"{cls}()", given or {}, function)
    if function is not None:
        node = _function(source, function)
        _check_given(given or {}, node)
        arguments = placed(node, bound(node, source, inputs, given or {}))
        return Form("audited", (("function", (function, arguments)),), scope=(function,))
    return Form("__main__", script=True)


def definitions(tree: ast.AST, prefix: str = "") -> dict[str, ast.FunctionDef | ast.ClassDef]:
    """The functions and classes of a program, by their qualified names."""
    found: dict[str, ast.FunctionDef | ast.ClassDef] = {}
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found[prefix + node.name] = node
            if isinstance(node, ast.ClassDef):
                found |= definitions(node, f"{prefix}{node.name}.")
        elif isinstance(node, (ast.If, ast.Try, ast.With)):
            found |= definitions(node, prefix)
    return found


def _function(source: Source, name: str) -> ast.FunctionDef:
    found = definitions(source.tree)
    functions = {n: d for n, d in found.items() if isinstance(d, ast.FunctionDef)}
    functions |= dict(_named_lambdas(source.tree))
    if _is_async(source.tree, name):
        raise SpecError(
            f"{name} in {source.file} is a coroutine, which is not run",
            hint="give a function without async that computes the same",
        )
    if name not in functions:
        made = any(name in assigned(s) for s in source.tree.body)
        else_ = "it defines none: without --function it is run as a script"
        hint = "it is made there of another: name that one" if made else perhaps(name, functions)
        raise SpecError(f"{source.file} has no function {name!r}", hint=hint or else_)
    return functions[name]


def _named_lambdas(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Functions that are written ``name = lambda ...``."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            body: list[ast.stmt] = [ast.Return(node.value.body)]
            for name in (t.id for t in node.targets if isinstance(t, ast.Name)):
                yield name, ast.FunctionDef(name, node.value.args, body, [])


def _is_async(tree: ast.AST, name: str) -> bool:
    nodes = (n for n in ast.walk(tree) if isinstance(n, ast.AsyncFunctionDef))
    return name.rpartition(".")[2] in {n.name for n in nodes}


def _check_given(given: Mapping[str, str], *nodes: ast.FunctionDef) -> None:
    """SpecError where an input is said to be an argument that nothing has."""
    known = [argument for node in nodes for argument in arguments_of(node)]
    if any(node.args.kwarg for node in nodes):
        return
    for value, code in given.items():
        if code not in known:
            raise SpecError(
                f"inputs has {code!r} for {value}, which is no argument of {nodes[0].name}",
                hint=perhaps(code, known) or "it has no arguments",
            )


def _class(
    source: Source,
    inputs: Collection[str],
    params: Collection[str],
    cls: str,
    setup: str,
    given: Mapping[str, str],
    function: str | None = None,
) -> Form:
    """A class: it is set up, given its parameters, run forward, and backward."""
    found = definitions(source.tree)
    if not isinstance(found.get(cls), ast.ClassDef):
        classes = [n for n, d in found.items() if isinstance(d, ast.ClassDef)]
        hint = perhaps(cls, classes) or "it defines none"
        raise SpecError(f"{source.file} has no class {cls!r}", hint=hint)
    methods = _methods(found, cls)
    backward = _named(methods, [function] if function else BACKWARD)
    forward = _named(methods, FORWARD)
    if backward is None:
        raise SpecError(
            f"{cls} has no method {function or 'backward'}",
            hint=perhaps(function, methods) if function else "name the one: --function METHOD",
        )
    _check_given(given, *(methods[m] for m in (backward, forward) if m))
    taken = [methods[m] for m in (forward, backward) if m is not None]
    asked = [a for node in taken for a in arguments_of(node)[1:]]
    params = [p for p in params if not set(inputs_called(p, asked))]
    data = [n for n in inputs if n not in params]
    calls: list[tuple[str, Any]] = [("object", setup), ("set", {p: p for p in params})]
    results: dict[str, tuple[str, int]] = {}
    if forward is not None:
        arguments = bound_some(methods[forward], source, data, given)
        calls.append(("method", (forward, arguments)))
        results["output"] = ("result", 1)
    used = set(arguments.values()) if forward is not None else set()
    own = bound(methods[backward], source, data, given, results=results, used=used)
    calls += [("method", (backward, own)), ("held", None)]
    scope = tuple(f"{cls}.{m}" for m in (forward, backward) if m)
    return Form("audited", tuple(calls), scope=scope)


def _methods(found: Mapping[str, Any], cls: str) -> dict[str, ast.FunctionDef]:
    """The methods of a class and of those that it is made from in the same program."""
    methods: dict[str, ast.FunctionDef] = {}
    for base in found[cls].bases:
        if isinstance(base, ast.Name) and isinstance(found.get(base.id), ast.ClassDef):
            methods |= _methods(found, base.id)
    own = {n.removeprefix(f"{cls}."): d for n, d in found.items() if n.startswith(f"{cls}.")}
    return methods | {n: d for n, d in own.items() if isinstance(d, ast.FunctionDef)}


def _named(methods: Mapping[str, Any], names: Iterable[str]) -> str | None:
    return next((n for n in names if n in methods), None)


# -- scripts --------------------------------------------------------------------------------------


def assigned(node: ast.stmt) -> set[str]:
    """What a statement assigns, as records call it."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = [t for target in node.targets for t in _flat(target)]
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign)) and node.value is not None:
        targets = [node.target]
    held = (holder(t) for t in targets)
    return {ast.unparse(h) for h in held if h is not None}


def changed_in_place(node: ast.stmt) -> set[str]:
    """What a call that stands alone changes: ``rng.shuffle(t)``."""
    held = map(holder, changed_by(node.value) if isinstance(node, ast.Expr) else ())
    return {ast.unparse(h) for h in held if h is not None}


def _flat(target: ast.expr) -> list[ast.expr]:
    if isinstance(target, (ast.Tuple, ast.List)):
        return [t for part in target.elts for t in _flat(part)]
    return [target]


def reads(node: ast.AST) -> set[str]:
    """The names and entries that a statement reads."""
    found: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, (ast.Name, ast.Attribute)) and isinstance(part.ctx, ast.Load):
            found.add(ast.unparse(part))
        elif isinstance(part, ast.Subscript):
            held = holder(part)
            if held is not None:
                found.add(ast.unparse(held))
    return found


def script_plan(
    tree: ast.Module,
    names: Collection[str],
    containers: Collection[str] = (),
    data: Collection[str] = (),
) -> Plan:
    """Where inputs are replaced: after the last of their assignments before something reads them.

    ``names``: the variables that hold inputs; ``containers``: dictionaries and lists of them.  The
    loops that assign one again are training loops, but for loops in functions that assign ``data``:
    these go through layers.
    """
    gives: dict[int, list[tuple[str, bool]]] = {}
    done: set[str] = set()
    for body in bodies(tree):
        for name in names:
            line = _last_assignment(body, name, names) or _loop_over(body, name)
            if line is not None and name not in done:
                done.add(name)
                gives.setdefault(line, []).append((name, False))
    holders = {base for n in names if (base := re.split(r"[.\[]", n)[0]) != n and n not in done}
    for body in bodies(tree):
        for name in holders:
            line = _last_assignment(body, name, names)
            if line is not None and name not in done:
                done.add(name)
                gives.setdefault(line, []).append((name, True))
    return Plan(gives, training_loops(tree, {*names, *holders, *containers}, gives, data))


def _last_assignment(body: list[ast.stmt], name: str, inputs: Collection[str]) -> int | None:
    """The line after which a variable is an input: it is prepared by then, and not yet read.

    What is read for its own sake prepares it: ``mu = X.mean(0)`` before ``X = X - mu``.
    """
    new = (k for k, s in enumerate(body) if name in assigned(s) and name not in reads(s))
    first = next(new, None)
    if first is None:
        return None
    last, base = first, name.split("[")[0]
    others, prepared = {*inputs} - {name}, set[str]()
    for k in range(first + 1, len(body)):
        statement = body[k]
        changed = name in assigned(statement) | changed_in_place(statement)
        if changed and (not prepared or prepared & reads(statement)):
            last, prepared = k, set()
        elif _only_shows(statement):
            continue
        elif isinstance(statement, ast.For) and _only_fills(statement, name):
            last = k
        elif name in reads(statement) or (base != name and base in reads(statement)):
            own = assigned(statement) if isinstance(statement, ast.Assign) else set()
            if not own or others & reads(statement) or any(map(is_called_gradient, own)):
                break
            prepared |= own
        elif not isinstance(statement, _PLAIN):
            break
    return body[last].lineno


def _loop_over(body: list[ast.stmt], name: str) -> int | None:
    """The loop that assigns a variable in each turn: ``for xb, yb in batches:``."""
    loops = (s for s in body if isinstance(s, ast.For))
    return next((s.lineno for s in loops if name in map(ast.unparse, _flat(s.target))), None)


def _only_shows(statement: ast.stmt) -> bool:
    """Whether a statement prints, plots, or asks whether something holds."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    called = ast.unparse(value.func).split(".")[0] if isinstance(value, ast.Call) else ""
    return isinstance(statement, ast.Assert) or called in ("print", "display", "plt")


_PLAIN = (
    *(ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr),
    *(ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef),
)
"""Statements that are run once, or none that runs."""


def training_loops(
    tree: ast.AST, names: Collection[str], gives: Mapping[int, Any], data: Collection[str] = ()
) -> frozenset[int]:
    """The lines of loops in which what holds a parameter is assigned again; the outermost count."""
    found: set[int] = set()
    inner: set[int] = set()
    functions = {n.name: n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    local = {id(n) for f in functions.values() if f is not tree for n in ast.walk(f)}
    params = {*names} - {*data}
    for node in _loops(tree):
        if node.lineno not in inner and not _is_given_in(node, gives, params):
            own = set(names) - set(data if id(node) in local else ())
            changed = _changed(node, gives) | _changed_by_calls(node, functions, gives)
            changed |= _changed_in_turn(node) | _set(node, own)
            if any(not _only_fills(node, name) for name in changed & own):
                found.add(node.lineno)
                inner |= {n.lineno for n in _loops(node) if not _is_given_in(n, gives, data)}
    return frozenset(found)


def _loops(node: ast.AST) -> Iterator[ast.For | ast.While]:
    yield from (n for n in ast.walk(node) if isinstance(n, (ast.For, ast.While)))


def _is_given_in(
    loop: ast.For | ast.While, gives: Mapping[int, Any], names: Collection[str]
) -> bool:
    """Whether each turn of a loop gets some inputs anew: other data, or parameters to begin with."""
    lines = {n.lineno for n in ast.walk(loop) if isinstance(n, ast.stmt)}
    return any(name in names for line in lines & gives.keys() for name, _ in gives[line])


def _only_fills(loop: ast.AST, name: str) -> bool:
    """Whether a loop gives something its entries, and reads none: ``p["W" + str(k)] = ...``."""
    nodes = list(ast.walk(loop))
    entries = [n for n in nodes if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store)]
    again = (n.target for n in nodes if isinstance(n, ast.AugAssign))
    filled = [n for n in entries if ast.unparse(n.value) == name and n not in {*again}]
    appended = [c for n in nodes if isinstance(n, ast.Expr) for c in changed_by(n.value)]
    filled_ = len(filled) + sum(ast.unparse(c) == name for c in appended)
    kinds = (ast.Name, ast.Attribute)
    return filled_ > 0 and filled_ == sum(isinstance(n, kinds) and ast.unparse(n) == name for n in nodes)


def _set(loop: ast.AST, names: Collection[str]) -> set[str]:
    """What is changed by ``setattr(net, name, value)``."""
    calls = (n for n in ast.walk(loop) if isinstance(n, ast.Call) and n.args)
    objects = {ast.unparse(c.args[0]) for c in calls if ast.unparse(c.func) == "setattr"}
    return {n for n in names if n.split(".")[0] in objects}


def _changed(node: ast.AST, gives: Mapping[int, Any]) -> set[str]:
    statements = (p for p in ast.walk(node) if isinstance(p, ast.stmt) and p.lineno not in gives)
    return {name for statement in statements for name in assigned(statement)}


def _changed_in_turn(node: ast.AST) -> set[str]:
    """What is changed under another name: ``for w, dw in ((W1, dW1), (W2, dW2)): w -= lr * dw``."""
    found: set[str] = set()
    for loop in (n for n in ast.walk(node) if isinstance(n, ast.For)):
        own = {ast.unparse(target) for target in _flat(loop.target)}
        steps = (s for s in ast.walk(loop) if isinstance(s, ast.AugAssign))
        if any(assigned(s) & own for s in steps):
            found |= reads(loop.iter)
    return found


def _changed_by_calls(
    node: ast.AST, functions: Mapping[str, ast.FunctionDef], gives: Mapping[int, Any]
) -> set[str]:
    """What functions that are called from a part of a program change of objects, or in place."""
    changed: set[str] = set()
    seen: set[str] = set()
    left = _called_in(node)
    while left:
        name = left.pop()
        if name in functions and name not in seen:
            seen.add(name)
            left |= _called_in(functions[name])
            for part in ast.walk(functions[name]):
                held = isinstance(part, ast.Assign | ast.AugAssign) and part.lineno not in gives
                own = assigned(part) if held and isinstance(part, ast.stmt) else set()
                changed |= own if isinstance(part, ast.AugAssign) else {n for n in own if "." in n}
    return changed


def _called_in(node: ast.AST) -> set[str]:
    calls = (n.func for n in ast.walk(node) if isinstance(n, ast.Call))
    return {f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "") for f in calls}
