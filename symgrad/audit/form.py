"""The forms of code that people have: how a program of each is called, and given its inputs."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from symgrad.audit.instrument import Plan
from symgrad.audit.names import inputs_called
from symgrad.audit.source import Source, bodies
from symgrad.audit.targets import holder
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
        arguments = bound(node, source, inputs, given or {})
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
    if _is_async(source.tree, name):
        raise SpecError(
            f"{name} in {source.file} is a coroutine, which is not run",
            hint="give a function without async that computes the same",
        )
    if name not in functions:
        raise SpecError(f"{source.file} has no function {name!r}", hint=perhaps(name, functions))
    return functions[name]


def _is_async(tree: ast.AST, name: str) -> bool:
    nodes = (n for n in ast.walk(tree) if isinstance(n, ast.AsyncFunctionDef))
    return name.rpartition(".")[2] in {n.name for n in nodes}


def _arguments(node: ast.FunctionDef) -> list[str]:
    return [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]


def _check_given(given: Mapping[str, str], *nodes: ast.FunctionDef) -> None:
    """SpecError where an input is said to be an argument that nothing has."""
    known = [argument for node in nodes for argument in _arguments(node)]
    if any(node.args.kwarg for node in nodes):
        return
    for value, code in given.items():
        if code not in known:
            raise SpecError(
                f"inputs has {code!r} for {value}, which is no argument of {nodes[0].name}",
                hint=perhaps(code, known) or "it has no arguments",
            )


def bound(
    node: ast.FunctionDef,
    source: Source,
    inputs: Collection[str],
    given: Mapping[str, str],
    *,
    results: Mapping[str, tuple[str, int]] | None = None,
    used: Collection[str] | None = None,
) -> dict[str, Any]:
    """The inputs that each argument of a function gets.

    An argument that no input is called like gets what is left: one, in order, or a dictionary or
    tuple of all; one with a default keeps it.  ``used``: of a method, what the forward pass took.
    """
    method = used is not None
    asked = _arguments(node)[1:] if method else _arguments(node)
    late = node.args.args[len(node.args.args) - len(node.args.defaults) :]
    keyed = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    default = {a.arg for a in late} | {a.arg for a, d in keyed if d is not None}
    found: dict[str, Any] = {}
    left = list(inputs)
    for value, code in given.items():
        if code in asked and value in left:
            found[code] = value
            left.remove(value)
    for value in list(left):
        free = [a for a in asked if a not in found]
        known = next(inputs_called(value, free), None)
        if known is not None:
            found[known] = value
            left.remove(value)
    if node.args.kwarg is not None and not method:
        return found | {name: name for name in left}
    rest = [a for a in asked if a not in found and a not in default]
    left = [n for n in left if n not in (used or ())]
    return found | _left_over(node, source, rest, left, results or {})


def _left_over(
    node: ast.FunctionDef,
    source: Source,
    rest: list[str],
    left: list[str],
    results: Mapping[str, tuple[str, int]],
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in list(rest):
        held = _held(node, name, left)
        if held:
            found[name] = held
            rest.remove(name)
            left = [n for n in left if n not in (held if isinstance(held, list) else held.values())]
    if len(rest) == len(left) and not results:
        return found | dict(zip(rest, left, strict=True))
    for name in rest:
        if name in (results or {}) or (results and not left):
            found[name] = results.get(name, next(iter(results.values())))
        elif left:
            found[name] = left.pop(0)
        else:
            raise SpecError(
                f"{source.file}: no input of the spec is known for the argument {name!r} of "
                f"{node.name}",
                hint=f"say which: --inputs NAME={name}",
            )
    return found


def _held(node: ast.FunctionDef, name: str, inputs: Iterable[str]) -> dict[str, str] | list[str]:
    """The inputs that an argument holds: by keys that are read of it, or unpacked from it."""
    left = list(inputs)
    keys: dict[str, str] = {}
    for part in ast.walk(node):
        if (
            isinstance(part, ast.Subscript)
            and isinstance(part.value, ast.Name)
            and part.value.id == name
            and isinstance(part.slice, ast.Constant)
            and isinstance(part.slice.value, str)
        ):
            key = part.slice.value
            value = next((v for v in left if key in set(inputs_called(v, [key]))), None)
            if value is not None:
                keys[key] = value
        elif isinstance(part, ast.Assign) and isinstance(part.value, ast.Name):
            target = part.targets[0]
            if part.value.id == name and isinstance(target, ast.Tuple):
                names = [ast.unparse(t) for t in target.elts]
                matched = [
                    next((v for v in left if n in set(inputs_called(v, [n]))), None) for n in names
                ]
                if all(matched):
                    return [m for m in matched if m]
    return keys


def _called_so(name: str, inputs: Iterable[str]) -> str | None:
    """The input that is called by a name."""
    return next((v for v in inputs if name in set(inputs_called(v, [name]))), None)


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
        raise SpecError(f"{source.file} has no class {cls!r}", hint=perhaps(cls, classes))
    methods = _methods(found, cls)
    backward, forward = (
        _named(methods, [function] if function else BACKWARD),
        _named(methods, FORWARD),
    )
    if backward is None:
        raise SpecError(
            f"{cls} has no method {function or 'backward'}",
            hint=perhaps(function, methods) if function else "name the one: --function METHOD",
        )
    _check_given(given, *(methods[m] for m in (backward, forward) if m))
    taken = [methods[m] for m in (forward, backward) if m is not None]
    asked = [a for node in taken for a in _arguments(node)[1:]]
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


def bound_some(
    node: ast.FunctionDef, source: Source, data: Collection[str], given: Mapping[str, str]
) -> dict[str, Any]:
    """The inputs that a forward pass takes, which need not be all."""
    asked = [a.arg for a in node.args.args[1:]]
    default = {a.arg for a in node.args.args[len(node.args.args) - len(node.args.defaults) :]}
    back = {code: value for value, code in given.items()}
    found: dict[str, Any] = {}
    for code in asked:
        fitting = (v for v in data if v not in found.values() and list(inputs_called(v, [code])))
        value = back.get(code) or next(fitting, None)
        if value is None and code not in default:
            value = next((v for v in data if v not in found.values()), None)
        if value is not None:
            found[code] = value
    return found


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


def script_plan(tree: ast.Module, names: Collection[str], containers: Collection[str] = ()) -> Plan:
    """Where inputs are replaced: after the last of their assignments before something reads them.

    ``names``: the variables that hold inputs; ``containers``: dictionaries and lists of them.  The
    loops that assign one again are training loops.
    """
    gives: dict[int, list[tuple[str, bool]]] = {}
    done: set[str] = set()
    for body in bodies(tree):
        for name in names:
            line = _last_assignment(body, name)
            if line is not None and name not in done:
                done.add(name)
                gives.setdefault(line, []).append((name, False))
    holders = {n.split("[")[0] for n in names if "[" in n and n not in done}
    for body in bodies(tree):
        for name in holders:
            line = _last_assignment(body, name)
            if line is not None and name not in done:
                done.add(name)
                gives.setdefault(line, []).append((name, True))
    return Plan(gives, training_loops(tree, {*names, *holders, *containers}, gives))


def _last_assignment(body: list[ast.stmt], name: str) -> int | None:
    new = (k for k, s in enumerate(body) if name in assigned(s) and name not in reads(s))
    first = next(new, None)
    if first is None:
        return None
    last = first
    for k in range(first + 1, len(body)):
        statement = body[k]
        base = name.split("[")[0]
        if name in assigned(statement) and isinstance(statement, (ast.Assign, ast.AnnAssign)):
            last = k
            continue
        if name in reads(statement) or (base != name and base in reads(statement)):
            break
        if not isinstance(
            statement,
            (
                ast.Assign,
                ast.AnnAssign,
                ast.Expr,
                ast.Import,
                ast.ImportFrom,
                ast.FunctionDef,
                ast.ClassDef,
            ),
        ):
            break
    return body[last].lineno


def training_loops(
    tree: ast.AST, names: Collection[str], gives: Mapping[int, Any]
) -> frozenset[int]:
    """The lines of loops in which what holds a parameter is assigned again; the outermost count."""
    found: set[int] = set()
    inner: set[int] = set()
    functions = {n.name: n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    for node in ast.walk(tree):
        if isinstance(node, (ast.For, ast.While)) and node.lineno not in inner:
            changed = _changed(node, gives) | _changed_by_calls(node, functions, gives)
            if (changed | _changed_in_turn(node)) & set(names):
                found.add(node.lineno)
                inner |= {n.lineno for n in ast.walk(node) if isinstance(n, (ast.For, ast.While))}
    return frozenset(found)


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
