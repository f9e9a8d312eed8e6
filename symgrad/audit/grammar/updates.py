"""Parameters that are changed before the pass is over: what comes after reads the new ones."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from symgrad.audit.form import assigned
from symgrad.audit.grammar.edit import Proposal, Rule, nodes, operand, reads_gradient
from symgrad.audit.sites import Site
from symgrad.audit.source import bodies
from symgrad.audit.walks import typed


def _updated(site: Site) -> Iterator[Proposal]:
    """An input as it is, where it is changed before the pass is over."""
    for root in site.roots:
        if isinstance(root, ast.BinOp) and isinstance(root.op, (ast.Add, ast.Sub)):
            name = site.text(root.left)
            is_own = name in {typed(t) for t in getattr(site.statement, "targets", [])}
            if _is_given(site, name) and reads_gradient(site, root.right) and not is_own:
                yield root, name, 1.0, name


def _is_given(site: Site, name: str) -> bool:
    """Whether something is called as an input of the spec is."""
    return name.removeprefix("self.") in site.inputs


def _read_late(site: Site) -> Iterator[Proposal]:
    """What an array was before it was changed, where it is read after that."""
    before = dict(_changes(site))
    for node in nodes(site) if before else ():
        text = typed(node)
        if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)) and text in before:
            yield node, before[text], 0.8, text


def _changes(site: Site) -> Iterator[tuple[str, str]]:
    """What is added to before a statement, in the same sequence, and what it was before."""
    body = next((b for b in bodies(site.source.tree) if site.statement in b), [])
    for statement in body[: body.index(site.statement)] if body else ():
        name, operation, step = _change(statement)
        sign = "-" if isinstance(operation, ast.Add) else "+"
        if isinstance(operation, (ast.Add, ast.Sub)) and step is not None:
            is_sum = isinstance(step, ast.BinOp) and isinstance(step.op, (ast.Add, ast.Sub))
            inner = f"({site.text(step)})" if is_sum else site.text(step)
            if inner.startswith("-"):
                sign, inner = "+" if sign == "-" else "-", inner[1:].lstrip()
            yield name, f"({name} {sign} {inner})"


def _change(statement: ast.stmt) -> tuple[str, ast.operator | None, ast.expr | None]:
    """What a statement adds to, or subtracts from: the name, how, and what is added."""
    if isinstance(statement, ast.AugAssign):
        return typed(statement.target), statement.op, statement.value
    value = statement.value if isinstance(statement, ast.Assign) else None
    name = typed(statement.targets[0]) if isinstance(statement, ast.Assign) else ""
    if isinstance(value, ast.BinOp) and typed(value.left) == name:
        return name, value.op, value.right
    return name, None, None


def _multiplied_on(site: Site) -> Iterator[Proposal]:
    """A product of its own in each turn, where a variable is multiplied on from turn to turn."""
    statement = site.statement
    if not isinstance(statement, ast.AugAssign) or not isinstance(statement.target, ast.Name):
        return
    if not site.looped or not isinstance(statement.op, (ast.Mult, ast.Div)):
        return
    name, body = statement.target.id, next(b for b in bodies(site.source.tree) if statement in b)
    place = body.index(statement)
    if name in {n for s in body[:place] for n in assigned(s)} or place == len(body) - 1:
        return  # it begins anew in each turn
    start, end = site.source.span(statement)
    last = site.source.span(body[-1])[1]
    sign = "*" if isinstance(statement.op, ast.Mult) else "/"
    new = f"{name}_ = {name} {sign} {operand(site, statement.value)}"
    rest = re.sub(rf"(?<![\w.]){re.escape(name)}(?!\w)", f"{name}_", site.source.text[end:last])
    yield (start, last), new + rest, 1.5, name


RULES = (
    Rule(
        "multiplied on",
        "overwritten",
        _multiplied_on,
        "`{word}` is multiplied on from turn to turn: each turn ought to begin with it as it was",
    ),
    Rule(
        "an update too early",
        "value",
        _updated,
        "{word} is changed before the pass is over: what comes after reads the new value",
    ),
    Rule(
        "read after an update",
        "value",
        _read_late,
        "{word} is read after it was changed: the gradient is that where it was before",
    ),
)
