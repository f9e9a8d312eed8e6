"""Indices that stand in the wrong order, in an entry that is read or in the letters of a sum."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

from symgrad.audit.grammar.edit import Proposal, Rule, function_of, nodes, operand
from symgrad.audit.sites import Site
from symgrad.audit.statements import targets_of
from symgrad.audit.walks import typed


def _swapped(site: Site) -> Iterator[Proposal]:
    """Two indices of an entry the other way round: ``a[i, j]`` for ``a[j, i]``."""
    for node in [*nodes(site), *targets_of(site.statement)]:
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple):
            texts = [site.text(part) for part in node.slice.elts]
            for one, other in itertools.combinations(range(len(texts)), 2):
                moved = _exchanged(texts, one, other)
                yield node.slice, ", ".join(moved), 1.6, f"{texts[one]} and {texts[other]}"


def _letters(site: Site) -> Iterator[Proposal]:
    """Two letters of an operand of einsum, or of what it gives, the other way round."""
    for node in nodes(site):
        first = node.args[0] if isinstance(node, ast.Call) and node.args else None
        is_sum = function_of(node) == "einsum" and isinstance(first, ast.Constant)
        if is_sum and isinstance(first, ast.Constant) and isinstance(first.value, str):
            for new, word in _other_letters(first.value.replace(" ", "")):
                yield first, repr(new), 1.5, word


def _other_letters(text: str) -> Iterator[tuple[str, str]]:
    parts = text.replace("->", ",").split(",")
    for place, part in enumerate(parts):
        for one, other in itertools.combinations(range(len(part)), 2):
            letters = "".join(_exchanged(part, one, other))
            new = [*parts[:place], letters, *parts[place + 1 :]]
            ends = f"->{new.pop()}" if "->" in text else ""
            yield ",".join(new) + ends, f"{part[one]} and {part[other]}"


def _exchanged(parts: list[str] | str, one: int, other: int) -> list[str]:
    moved = list(parts)
    moved[one], moved[other] = moved[other], moved[one]
    return moved


def _turned_round(site: Site) -> Iterator[Proposal]:
    """What a function is applied to, with its entries in the order from the end; or not."""
    for node in nodes(site):
        parts = node.args if isinstance(node, ast.Call) else []
        for part in [p for p in parts if site.text(p) in site.known]:
            dim = site.known[site.text(part)].array.ndim
            for turned in TURNED[:dim] if dim else ():
                yield part, f"{site.text(part)}{turned}", 1.9, site.text(part)
            if dim == 2:
                yield part, f"{site.text(part)}[:, ::-1]", 1.95, site.text(part)
        if isinstance(node, ast.Subscript) and "::-1" in site.text(node.slice):
            yield node, operand(site, node.value), 1.6, site.text(node.value)


TURNED = ("[::-1]", "[::-1, ::-1]", "[:, :, ::-1, ::-1]", "[:, :, ::-1, ::-1]")
"""Arrays turned round: along all of two axes, as kernels are, or the last two of more."""


def _minus_the_rest(site: Site) -> Iterator[Proposal]:
    """What the entries of the labels lose is the sum of all others, where it is a number."""
    statement = site.statement
    target = next(iter(targets_of(statement)), None)
    value = getattr(statement, "value", None)
    if not isinstance(target, ast.Subscript) or not _is_number(value):
        return
    name = typed(target.value)
    start, end = site.source.span(target)[1], site.source.span(statement)[1]
    for axis, sign in itertools.product((1, 0, -1), (" = -", " -= ", " = ", " += ")):
        yield (start, end), f"{sign}{name}.sum(axis={axis})", 1.8, name


def _is_number(node: ast.expr | None) -> bool:
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(inner, ast.Constant) and isinstance(inner.value, (int, float))


def _turned_too_often(site: Site) -> Iterator[Proposal]:
    """Entries in the order in which they are, where they are read backwards."""
    for node in [*nodes(site), *targets_of(site.statement)]:
        if isinstance(node, ast.Subscript):
            several = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            texts = [site.text(part) for part in several]
            kept = [":" if text.replace(" ", "") == "::-1" else text for text in texts]
            if kept != texts:
                new = ", ".join(kept)
                yield site.source.span(node.slice), new, 1.5, new


RULES = (
    Rule("swapped indices", "transpose", _swapped, "the indices {word} are the wrong way round"),
    Rule(
        "turned round",
        "transpose",
        _turned_round,
        "the entries of {word} are in the wrong order: `{old}` ought to be `{new}`",
    ),
    Rule(
        "turned round too often",
        "transpose",
        _turned_too_often,
        "the entries are read backwards: `{old}` ought to be `{new}`",
    ),
    Rule("swapped letters", "transpose", _letters, "the letters {word} are the wrong way round"),
    Rule(
        "a number for a sum",
        "term",
        _minus_the_rest,
        "`{old}` is a number where the sum of the entries of {word} is meant",
    ),
)
