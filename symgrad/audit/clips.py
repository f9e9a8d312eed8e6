"""Gradients that are clipped: at the end of a pass, which is a habit, or in its midst."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from symgrad.audit.compare import numbers
from symgrad.audit.grammar.edit import argument
from symgrad.audit.names import is_called_gradient
from symgrad.audit.program import Program
from symgrad.audit.reference import Truth
from symgrad.audit.roles import Roles
from symgrad.audit.source import Source
from symgrad.audit.statements import number_of

SMALLER = 1000
"""By what bounds are divided, so that what is clipped shows."""


@dataclass(frozen=True)
class Clip:
    """A call that clips between -bound and bound: its line, and the places of its two numbers."""

    bound: float
    line: int
    places: tuple[tuple[int, int], ...]
    removed: tuple[int, int, str]
    """The change of the text by which nothing is clipped."""
    inner: ast.expr
    """What is clipped."""
    statement: ast.stmt

    @property
    def shrunk(self) -> list[tuple[int, int, str]]:
        """The changes of the text that make its bounds smaller."""
        texts = (f"(-{self.bound / SMALLER})", f"{self.bound / SMALLER}")
        return [(*place, text) for place, text in zip(self.places, texts, strict=True)]


def clips(source: Source) -> Iterator[Clip]:
    """The calls that clip as gradients are clipped, between a number and its negative."""
    for node, statement in _calls(source.tree):
        bounds = [a for a in node.args if number_of(a) is not None][-2:]
        inner = argument(node)
        if inner is None or len(bounds) < 2:
            continue
        bound = number_of(bounds[1]) or 0.0
        if number_of(bounds[0]) == -bound:
            places = tuple(source.span(b) for b in bounds)
            removed = (*source.span(node), f"({source.of(inner)})")
            yield Clip(abs(bound), node.lineno, places, removed, inner, statement)


def _calls(tree: ast.AST) -> Iterator[tuple[ast.Call, ast.stmt]]:
    """The calls of something called clip, each with the statement that it is in."""
    simple = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Return)
    for statement in (n for n in ast.walk(tree) if isinstance(n, simple)):
        calls = (n for n in ast.walk(statement) if isinstance(n, ast.Call))
        yield from ((n, statement) for n in calls if getattr(n.func, "attr", "") == "clip")


def clips_gradient(clip: Clip, program: Program, truth: Truth) -> bool:
    """Whether what is clipped is a gradient, and no value that is kept from being too large.

    ``1 / (1 + np.exp(-np.clip(z, -500, 500)))`` is as right as without.
    """
    nodes = [clip.inner, *(n for n in ast.walk(clip.inner) if isinstance(n, ast.Name))]
    texts = [ast.unparse(n) for n in nodes]
    seen = next(iter(program.seen(clip.statement, texts, truth)), [None] * len(texts))
    arrays = [numbers(value) for value in seen]
    roles = [None if a is None else Roles(truth).of(a) for a in arrays]
    if roles[0] is not None:
        return roles[0].kind == "gradient"
    pairs = list(zip(texts, roles, strict=True))[1:]
    return any(role.kind == "gradient" if role else is_called_gradient(t) for t, role in pairs)
