"""The forms of code that people have: how a program of each is called, and given its inputs."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from symgrad.audit.binding import arguments_of, bound, bound_some, names_in, placed
from symgrad.audit.instrument import Plan
from symgrad.audit.names import inputs_called
from symgrad.audit.source import Source
from symgrad.audit.targets import changed_by, flat, holder
from symgrad.audit.walks import MOST, typed, walked
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
class Part:
    """The part of a vector of all gradients that one of them has."""

    name: str
    start: int
    end: int
    shape: tuple[int, ...]

    def of(self, vector: Any) -> np.ndarray[Any, Any]:
        """The gradient."""
        return np.ravel(vector)[self.start : self.end].reshape(self.shape)


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
    in_order: bool = False
    """Whether the arguments get the inputs in the order of the spec, whatever they are called."""
    scope: tuple[str, ...] = ()
    """The functions that give the gradients."""
    steps: Mapping[str, float] = field(default_factory=dict)
    """The changes of parameters that stand for gradients, and what these are multiplied by."""
    packed: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)
    """What has all gradients one after the other."""

    @property
    def places(self) -> dict[str, str]:
        """Where parameters are held, by what they are called in the spec."""
        lists = next((what[1] for kind, what in self.calls if kind == "set"), ())
        pairs = ((name, f"self.{of}[{k}]") for of, names in lists for k, name in enumerate(names))
        return {**dict(pairs), **(self.inputs if self.script else {})}


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
        found = bound(node, source, inputs, given or {})
        variables = _outside(source, inputs, found)
        call = ("function", (function, placed(node, found)))
        return Form("audited", (("variables", variables), call), scope=(function,))
    return Form("__main__", script=True)


def _outside(source: Source, inputs: Collection[str], found: Mapping[str, Any]) -> dict[str, str]:
    """The variables of a file that its functions read, and which hold inputs that are left."""
    handed = {n for held in found.values() for n in handed_in(held)}
    names = {n for s in source.tree.body for n in assigned(s)}
    functions = [n for n in walked(source.tree) if isinstance(n, ast.FunctionDef)]
    read = sorted(names & {n for f in functions for n in reads(f)})
    called = ((v, next(inputs_called(v, read), None)) for v in inputs if v not in handed)
    return {code: value for value, code in called if code is not None}


def handed_in(held: Any) -> list[str]:
    """The inputs in what an argument gets, in one vector too."""
    if isinstance(held, tuple):
        return list(held[1]) if held[0] == "flat" else []
    return names_in(held)


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
    nodes = (n for n in walked(tree) if isinstance(n, ast.AsyncFunctionDef))
    return name.rpartition(".")[2] in {n.name for n in nodes}


def _check_given(given: Mapping[str, str], *nodes: ast.FunctionDef) -> None:
    """SpecError where an input is said to be an argument that nothing has."""
    known = [argument for node in nodes for argument in arguments_of(node)]
    if any(node.args.kwarg for node in nodes):
        return
    told = f"which is no argument of {nodes[0].name}"
    check_inputs(given, known, told, "it has no arguments")


def check_inputs(given: Mapping[str, str], known: Collection[str], told: str, none: str) -> None:
    """SpecError where an input is said to be something that there is not."""
    for name, code in given.items():
        if code not in known:
            hint = perhaps(code, known) or none
            raise SpecError(f"inputs has {code!r} for {name}, {told}", hint=hint)


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
    lists = _unpacked_in(source.tree, params)
    calls: list[tuple[str, Any]] = [("object", setup), ("set", ({p: p for p in params}, lists))]
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


def _unpacked_in(tree: ast.AST, params: Collection[str]) -> list[tuple[str, list[str]]]:
    """The attributes that parameters are unpacked from: ``Wx, Wh, b = self.params``."""
    found: list[tuple[str, list[str]]] = []
    for node in walked(tree):
        value = node.value if isinstance(node, ast.Assign) else None
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(value, ast.Attribute) and isinstance(target, (ast.Tuple, ast.List)):
            names = [typed(t) for t in target.elts]
            found += [(value.attr, names)] if {*names} & {*params} else []
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
    """The method that is called as one of some names, or so with a word before or after it."""
    bare = {n.strip("_").removeprefix("compute_").removeprefix("get_"): n for n in methods}
    exact = (n for n in names if n in methods)
    return next(exact, next((bare[n] for n in names if n in bare), None))


# -- scripts --------------------------------------------------------------------------------------


@lru_cache(MOST)
def assigned(node: ast.stmt) -> frozenset[str]:
    """What a statement assigns, as records call it."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = [t for target in node.targets for t in flat(target)]
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign)) and node.value is not None:
        targets = [node.target]
    held = (holder(t) for t in targets)
    return frozenset(typed(h) for h in held if h is not None)


def changed_in_place(node: ast.stmt) -> set[str]:
    """What a call that stands alone changes: ``rng.shuffle(t)``."""
    held = map(holder, changed_by(node.value) if isinstance(node, ast.Expr) else ())
    return {typed(h) for h in held if h is not None}


@lru_cache(MOST)
def reads(node: ast.AST) -> frozenset[str]:
    """The names and entries that a statement reads."""
    found: set[str] = set()
    for part in walked(node):
        if isinstance(part, (ast.Name, ast.Attribute)) and isinstance(part.ctx, ast.Load):
            found.add(typed(part))
        elif isinstance(part, ast.Subscript):
            held = holder(part)
            if held is not None:
                found.add(typed(held))
    return frozenset(found)
