"""Calls that don't belong in a backward pass: rounding, clipping, drawing again."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from symgrad.audit.grammar.edit import (
    Proposal,
    Rule,
    argument,
    function_of,
    is_gradient,
    nodes,
    operand,
)
from symgrad.audit.sites import Site

_ROUNDING = (
    "round",
    "around",
    "round_",
    "rint",
    "floor",
    "ceil",
    "trunc",
    "fix",
    "int",
    "int_",
    "int32",
    "int64",
)


def _unrounded(site: Site) -> Iterator[Proposal]:
    """The value itself, in place of what is rounded."""
    for node in nodes(site):
        inner = argument(node) if isinstance(node, ast.Call) else None
        if inner is not None and function_of(node) in _ROUNDING:
            yield node, operand(site, inner), 0.8, site.text(inner)
        elif inner is not None and function_of(node) == "astype" and "float" not in site.text(node):
            yield node, operand(site, inner), 1.2, site.text(inner)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv):
            yield (
                node,
                f"{operand(site, node.left)} / {operand(site, node.right)}",
                0.9,
                site.text(node),
            )


def _unclipped(site: Site) -> Iterator[Proposal]:
    """The value itself, in place of what is clipped."""
    for node in nodes(site):
        inner = argument(node) if isinstance(node, ast.Call) else None
        if inner is None or not isinstance(node, ast.Call):
            continue
        if function_of(node) in ("clip", "clip_by_value", "clamp"):
            yield node, operand(site, inner), 0.8, site.text(inner)
        if function_of(node) in ("minimum", "maximum", "nan_to_num") and len(node.args) < 3:
            for part in node.args:
                if not isinstance(part, ast.Constant):
                    yield node, operand(site, part), 1.4, site.text(part)
    statement = site.statement
    if isinstance(statement, ast.Expr) and function_of(statement.value) == "clip":
        yield statement, "pass", 0.9, site.text(statement.value)


def _drawn_once(site: Site) -> Iterator[Proposal]:
    """What was drawn in the forward pass, in place of another draw."""
    for node in nodes(site):
        if "rand" not in site.text(node) and "rng" not in site.text(node):
            continue
        if not isinstance(node, (ast.Call, ast.BinOp, ast.Compare)):
            continue
        for known in site.like(site.shape):
            if not is_gradient(site, known.name):
                yield node, known.name, 1.0, known.name


RULES = (
    Rule(
        "rounded",
        "rounded",
        _unrounded,
        "`{old}` is rounded before it is used: the gradients are those of the rounded number",
    ),
    Rule(
        "clipped",
        "clipped",
        _unclipped,
        "`{word}` is clipped in the midst of the pass: what is cut off is missing from there on",
    ),
    Rule(
        "drawn again",
        "random",
        _drawn_once,
        "`{old}` is drawn again in the backward pass: it ought to be that of the forward, {word}",
    ),
)
