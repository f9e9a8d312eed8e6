"""What an operation of a tape does going back: whose gradient it changes, and by whose."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeGuard

from symgrad.audit.form import assigned
from symgrad.audit.grammar.edit import Proposal, Rule, nodes, operand
from symgrad.audit.sites import Site
from symgrad.audit.statements import targets_of


def _unused(site: Site) -> Iterator[Proposal]:
    """What a function without a name is given, and does not read, as a factor."""
    for node in ast.walk(site.statement):
        if isinstance(node, ast.Lambda):
            parts = node.body.elts if isinstance(node.body, ast.Tuple) else [node.body]
            for name in (a.arg for a in node.args.args):
                for part in (p for p in parts if name not in _names(p)):
                    yield part, f"{operand(site, part)} * {name}", 1.6, name


def _unused_of_another(site: Site) -> Iterator[Proposal]:
    """The gradient of what an operation gives as a factor, where none is read."""
    for target, owners in _changed(site):
        for root in (r for r in site.roots if f".{target.attr}" not in site.text(r)):
            for text in (f"{owner}.{target.attr}" for owner in owners):
                yield site.source.span(root), f"{operand(site, root)} * {text}", 1.6, text


def _another_owner(site: Site) -> Iterator[Proposal]:
    """The same part of another number: ``other.grad`` where ``out.grad`` is read."""
    for target, owners in _changed(site):
        for node in [*nodes(site), target]:
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                for owner in (o for o in owners if o != node.value.id):
                    yield site.source.span(node.value), owner, 1.7, f"{owner}.{node.attr}"


def _for_another(site: Site) -> Iterator[Proposal]:
    """The same line for the other of two numbers that an operation reads."""
    statement = site.statement
    if not isinstance(statement, ast.AugAssign):
        return
    end = site.source.span(statement)[1]
    for target, owners in _changed(site):
        for line in (f"{o}.{target.attr} += {site.text(statement.value)}" for o in owners):
            yield (end, end), f"; {line}", 1.9, line


def _changed(site: Site) -> Iterator[tuple[ast.Attribute, list[str]]]:
    """The part that a statement in a function in a function changes, and whose it may be."""
    for target in targets_of(site.statement):
        if _is_part(target):
            yield target, sorted(_around(site))


def _is_part(node: ast.expr) -> TypeGuard[ast.Attribute]:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)


def _around(site: Site) -> set[str]:
    """What the function knows in which the one of a statement is made."""
    line = site.statement.lineno
    functions = [n for n in ast.walk(site.source.tree) if isinstance(n, ast.FunctionDef)]
    around = [f for f in functions if f.lineno < line <= (f.end_lineno or 0)]
    if len(around) < 2:
        return set()
    outer = sorted(around, key=lambda f: f.lineno)[-2]
    made = {n for s in ast.walk(outer) if isinstance(s, ast.Assign) for n in assigned(s)}
    return {a.arg for a in outer.args.args} | {n for n in made if n.isidentifier()}


def _names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


RULES = (
    Rule("what comes back is not read", "factor", _unused, "the factor {word} is missing"),
    Rule(
        "what comes back is not used",
        "factor",
        _unused_of_another,
        "the factor {word} is missing",
    ),
    Rule("another owner", "value", _another_owner, "`{old}` is the wrong one: {word} is meant"),
    Rule("one of two", "path", _for_another, "a way is left out: `{word}`"),
)
