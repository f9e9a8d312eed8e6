"""Programs that tell what they assign: their syntax trees, with calls of a recorder put in."""

from __future__ import annotations

import ast
import marshal
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from symgrad.audit.aliases import added_to_in_turn, filled_in_turn
from symgrad.audit.minimisers import gradients_in
from symgrad.audit.names import is_called_gradient
from symgrad.audit.targets import changed_by, flat, holder

RECORDER = "__audit__"


@dataclass(frozen=True)
class Plan:
    """What is put into a program, by the lines of its statements.

    ``gives``: what is replaced after the statement of a line, each a name in the program and
    whether it is a dictionary of inputs; ``loops``: the lines of training loops; ``watched``: those
    of loops that may be, as they call what is defined elsewhere.
    """

    gives: Mapping[int, Sequence[tuple[str, bool]]] = field(default_factory=dict)
    loops: Collection[int] = ()
    watched: Mapping[int, bool] = field(default_factory=dict)
    """The lines of loops that are left once parameters change: all, or one of them is enough."""
    params: tuple[str, ...] = ()
    wanted: frozenset[str] | None = None
    """The targets that are told of; None: all."""
    parts: Collection[str] = ()
    """The expressions that are replaced wherever they stand: ``X[batch]``."""
    held: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What is replaced in a dictionary, a list or an object, by its name."""
    steps: Mapping[int, Sequence[str]] = field(default_factory=dict)
    """The lines that change parameters, which are told of as steps."""


STEP = "step of "
"""What the change of a parameter is called in records."""


class _Instrument(ast.NodeTransformer):
    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def visit_Assign(self, node: ast.Assign) -> list[ast.stmt]:
        self.generic_visit(node)
        targets = [t for target in node.targets for t in flat(target)]
        return self._stepped(node, [*_given(node, self.plan), *_puts(node, targets, self.plan)])

    def visit_AugAssign(self, node: ast.AugAssign) -> list[ast.stmt]:
        self.generic_visit(node)
        return self._stepped(
            node, [*_given(node, self.plan), *_puts(node, [node.target], self.plan)]
        )

    def _stepped(self, node: ast.stmt, after: list[ast.stmt]) -> list[ast.stmt]:
        """A statement with what follows it, and of a parameter by how much it changes it."""
        zeroed = [self._zeroed(node)] if self._makes_zero(node) else []
        wanted, names = self.plan.wanted, self.plan.steps.get(node.lineno, ())
        names = [n for n in names if wanted is None or STEP + n in wanted]
        here = [n for n in names if n in {called(t) for t in _changed_in(node)}]
        held = [n for n in names if n not in here]
        return [
            *zeroed,
            *(self._step("hold", None, name, node) for name in here),
            *self._held_step("hold_held", None, held, node),
            node,
            *after,
            *(self._step("moved", node, name, node) for name in here),
            *self._held_step("moved_held", node, held, node),
        ]

    def _held_step(
        self, method: str, told: ast.stmt | None, names: Sequence[str], node: ast.stmt
    ) -> list[ast.stmt]:
        """What tells what objects hold, of which a statement may change some."""
        codes: list[ast.expr] = [ast.Constant(name) for name in names]
        call = _call(method, told, ast.List(codes, ast.Load()))
        return [ast.copy_location(ast.Expr(call), node)] if names else []

    def _makes_zero(self, node: ast.stmt) -> bool:
        """Whether a script makes a gradient zero that an object holds."""
        return bool(self.plan.gives) and makes_zero(node)

    def _zeroed(self, node: ast.stmt) -> ast.stmt:
        """What tells what objects hold before something is made zero."""
        space = ast.Call(ast.Name("globals", ast.Load()), [], [])
        return ast.copy_location(ast.Expr(_call("zeroed", None, space)), node)

    def _step(self, method: str, told: ast.stmt | None, name: str, node: ast.stmt) -> ast.stmt:
        value = ast.parse(name, mode="eval").body
        call = _call(method, told, ast.Constant(name), value)
        return ast.copy_location(ast.Expr(call), node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> list[ast.stmt]:
        self.generic_visit(node)
        targets = [node.target] if node.value is not None else []
        return [node, *_given(node, self.plan), *_puts(node, targets, self.plan)]

    def visit_Expr(self, node: ast.Expr) -> list[ast.stmt]:
        self.generic_visit(node)
        changed = list(changed_by(node.value))
        zeroed = [self._zeroed(node)] if self._makes_zero(node) else []
        return [*zeroed, node, *_given(node, self.plan), *_puts(node, changed, self.plan)]

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        text = ast.unparse(node) if self.plan.parts and isinstance(node.ctx, ast.Load) else ""
        self.generic_visit(node)
        if text not in self.plan.parts:
            return node
        return ast.copy_location(_call("part", node, ast.Constant(text), node), node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        for given in list(gradients_in(node)) if self.plan.gives else ():
            once = _call("once", node, given)
            node.args = [once if a is given else a for a in node.args]
            for keyword in node.keywords:
                keyword.value = once if keyword.value is given else keyword.value
            ast.copy_location(once, node)
        return node

    def visit_Return(self, node: ast.Return) -> ast.stmt:
        self.generic_visit(node)
        if node.value is not None and self.plan.wanted is None:
            node.value = _call("put", node, ast.Constant("return"), node.value)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        self.generic_visit(node)
        arguments = node.args
        names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        puts = _puts(
            node, [ast.Name(n, ast.Load()) for n in names if n not in ("self", "cls")], self.plan
        )
        start = 1 if ast.get_docstring(node) is not None else 0
        node.body[start:start] = list(puts)
        return node

    def visit_For(self, node: ast.For) -> list[ast.stmt]:
        filled, added = list(filled_in_turn(node)), list(added_to_in_turn(node))
        self._loop(node)
        names = [t for t in flat(node.target) if isinstance(t, ast.Name)]
        own = {t.id for t in names}
        each = [s for name, s in _given_by_name(node, self.plan) if name in own]
        after = [s for name, s in _given_by_name(node, self.plan) if name not in own]
        node.body[:0] = [*each, *_puts(node, names, self.plan)]
        more = _puts(node, added, self.plan, "added")
        return [node, *after, *_puts(node, filled, self.plan), *more]

    def visit_While(self, node: ast.While) -> ast.stmt:
        return self._loop(node)

    def _loop(self, node: ast.For | ast.While) -> ast.stmt:
        self.generic_visit(node)
        line, plan = ast.Constant(node.lineno), self.plan
        if node.lineno in plan.loops:
            call = _call("turn", None, line)
            node.body.insert(0, ast.copy_location(ast.Expr(call), node))
        elif node.lineno in plan.watched:
            one = ast.Constant(plan.watched[node.lineno])
            codes: list[ast.expr] = [ast.Constant(code) for code in plan.params]
            call = _call("watch", None, line, one, ast.List(codes, ast.Load()))
            node.body.insert(0, ast.copy_location(ast.Expr(call), node))
        return node


def makes_zero(node: ast.stmt) -> bool:
    """Whether a statement makes a gradient zero that is held: ``l.dW[:] = 0``, ``l.db.fill(0)``."""
    value = getattr(node, "value", None)
    if isinstance(node, ast.Expr):
        filled = isinstance(value, ast.Call) and ast.unparse(value.func).endswith(".fill")
        return filled and isinstance(value, ast.Call) and all(map(_is_zero, value.args))
    if isinstance(node, ast.AugAssign):
        return isinstance(node.op, ast.Mult) and _is_zero(node.value)
    targets = node.targets if isinstance(node, ast.Assign) else []
    parts = [t for t in targets if isinstance(t, ast.Attribute | ast.Subscript)]
    held = any(isinstance(t, ast.Subscript) or is_called_gradient(t.attr) for t in parts)
    return held and value is not None and _is_zero(value)


def _is_zero(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return ast.unparse(value.func).split(".")[-1] in ("zeros", "zeros_like")
    return isinstance(value, ast.Constant) and value.value in (0, None)


def _changed_in(node: ast.stmt) -> Iterator[ast.expr]:
    """What a statement assigns, as it is told of."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    held = (holder(t) for target in targets if target is not None for t in flat(target))
    yield from (h for h in held if h is not None)


def called(target: ast.expr) -> str:
    """What a target is called in records."""
    return ast.unparse(target)


def _puts(
    node: ast.stmt, targets: Iterable[ast.expr], plan: Plan, method: str = "put"
) -> Iterator[ast.stmt]:
    for target in targets if plan.wanted is None or plan.wanted else ():
        held = holder(target)
        if held is None or (plan.wanted is not None and called(held) not in plan.wanted):
            continue
        value = ast.parse(ast.unparse(held), mode="eval").body
        call = _call(method, node, ast.Constant(called(held)), value)
        yield ast.copy_location(ast.Expr(call), node)


def _given(node: ast.stmt, plan: Plan) -> Iterator[ast.stmt]:
    yield from (statement for _, statement in _given_by_name(node, plan))


def _given_by_name(node: ast.stmt, plan: Plan) -> Iterator[tuple[str, ast.stmt]]:
    """What replaces an input after a statement, by the names of the inputs."""
    for name, is_dictionary in plan.gives.get(node.lineno, ()):
        target = ast.parse(f"{name} = 0").body[0]
        assert isinstance(target, ast.Assign)
        value = ast.parse(name, mode="eval").body
        codes: list[ast.expr] = [ast.Constant(code) for code in plan.held.get(name, ())]
        inside: list[ast.expr] = [ast.List(codes, ast.Load())] if is_dictionary else []
        how = "give_in" if is_dictionary else "give"
        target.value = _call(how, None, ast.Constant(name), value, *inside)
        yield name, ast.copy_location(target, node)


def _call(method: str, node: ast.stmt | ast.expr | None, *arguments: ast.expr) -> ast.expr:
    function = ast.Attribute(ast.Name(RECORDER, ast.Load()), method, ast.Load())
    line = [] if node is None else [ast.Constant(node.lineno)]
    return ast.Call(function, [*line, *arguments], [])


def units(tree: ast.Module) -> list[ast.stmt]:
    """The statements of a program; each is compiled by itself."""
    return tree.body


def compiled(unit: ast.stmt, file: str, plan: Plan) -> bytes:
    """A statement of a program, with what is put into it."""
    body = ast.Module([unit], [])
    asked = plan.gives or plan.loops or plan.parts or plan.watched
    if plan.wanted is not None and not (plan.wanted or asked):
        return marshal.dumps(compile(body, file, "exec"))
    _Instrument(plan).visit(body)
    ast.fix_missing_locations(body)
    return marshal.dumps(compile(body, file, "exec"))


def bindings(unit: ast.stmt) -> list[tuple[str, str]]:
    """What an import binds, and the module that each name is from."""
    if isinstance(unit, ast.Import):
        return [(a.asname or a.name.split(".")[0], a.name) for a in unit.names]
    if isinstance(unit, ast.ImportFrom):
        return [(a.asname or a.name, unit.module or "") for a in unit.names]
    return []
