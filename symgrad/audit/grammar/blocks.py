"""Statements that stand in a loop and ought to be after it, or the other way round; conditions."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from symgrad.audit.form import assigned
from symgrad.audit.grammar.copies import is_entry_read, read_around
from symgrad.audit.grammar.edit import Proposal, Rule, function_of, nodes, operand
from symgrad.audit.sites import Site
from symgrad.audit.source import bodies
from symgrad.audit.walks import typed, walked

LOOPS = (ast.For, ast.While)
BLOCKS = (*LOOPS, ast.If)

MOST_MOVED = 3
"""How many lines are moved at once."""


def _out(site: Site) -> Iterator[Proposal]:
    """The last statements of a loop, or of loops in loops, after them."""
    inner, cut = site.statement, False
    for block in above(site.source.tree, site.statement):
        body = block.body if isinstance(block, BLOCKS) else []
        if inner not in body or (cut and body[-1] is not inner):
            return
        moved = body[body.index(inner) :] if not cut else []
        last = moved[-1] if moved else site.statement
        if body[0] is not inner and len(moved) <= MOST_MOVED:
            yield *_moved(site, site.statement, last, site.source.indent(block)), 1.5, _word(site)
        inner, cut = block, True


def _left_early(site: Site) -> Iterator[Proposal]:
    """What leaves a loop in its first turn, after the loop."""
    last = site.statement.body[-1] if isinstance(site.statement, LOOPS) else None
    if isinstance(last, ast.Return) and len(site.statement.body) > 1:  # type: ignore[attr-defined]
        moved = _moved(site, last, last, site.source.indent(site.statement))
        yield *moved, 1.0, " ".join(site.source.of(last).split())


def _into(site: Site) -> Iterator[Proposal]:
    """The statements after a loop, at the end of each of its turns."""
    body = next((b for b in bodies(site.source.tree) if site.statement in b), [])
    for place in range(1, len(body)):
        loop, moved = body[place - 1], body[place : place + MOST_MOVED]
        if not isinstance(loop, BLOCKS) or site.statement not in moved:
            continue
        while isinstance(loop, BLOCKS):
            room, several = site.source.indent(loop.body[-1]), moved.index(site.statement)
            cost = 1.6 + 0.3 * several
            yield *_moved(site, moved[0], site.statement, room), cost, _word(site)
            loop = loop.body[-1]


def _exchanged(site: Site) -> Iterator[Proposal]:
    """A statement that changes something, and the next one that does, the other way round."""
    body = next((b for b in bodies(site.source.tree) if site.statement in b), [])
    place = body.index(site.statement) + 1 if body else 0
    after = body[place] if 0 < place < len(body) else None
    if after is not None and assigned(after) & assigned(site.statement):
        first, second = site.source.span(site.statement), site.source.span(after)
        between = site.source.text[first[1] : second[0]]
        new = f"{site.source.of(after)}{between}{site.source.of(site.statement)}"
        yield (first[0], second[1]), new, 1.3, _word(site)


def _order(site: Site) -> Iterator[Proposal]:
    """The turns of a loop in the other order."""
    statement = site.statement
    if not isinstance(statement, ast.For):
        return
    node, text = statement.iter, site.text(statement.iter)
    if function_of(node) == "reversed" and isinstance(node, ast.Call):
        yield node, site.text(node.args[0]), 1.5, text
    else:
        yield node, f"reversed({text})", 1.5, text


def _word(site: Site) -> str:
    return " ".join(site.source.of(site.statement).split())


def _moved(site: Site, first: ast.stmt, last: ast.stmt, room: str) -> tuple[tuple[int, int], str]:
    """Statements as they are with another indentation, and where they stand now."""
    own = site.source.indent(first)
    start, end = site.source.span(first)[0] - len(own), site.source.span(last)[1]
    lines = site.source.text[start:end].split("\n")
    return (start, end), "\n".join(room + line.removeprefix(own) for line in lines)


def above(tree: ast.AST, statement: ast.stmt) -> list[ast.stmt]:
    """The statements that a statement is in, the innermost first."""
    found = [
        n
        for n in walked(tree)
        if isinstance(n, ast.stmt) and n is not statement and statement in walked(n)
    ]
    return found[::-1]


def _sized(site: Site) -> Iterator[Proposal]:
    """A condition on the size of what it is on the sign of too; or not."""
    for node in nodes(site):
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            left, right = node.left, node.comparators[0]
            for side in (left, right):
                if isinstance(side, ast.Constant):
                    continue
                known = site.known.get(site.text(side))
                size = "np.abs" if known is not None and known.array.ndim else "abs"
                inner = side.args[0] if isinstance(side, ast.Call) and side.args else None
                if function_of(side) in ("abs", "absolute", "fabs") and inner is not None:
                    yield side, operand(site, inner), 1.4, site.text(inner)
                else:
                    yield side, f"{size}({site.text(side)})", 1.4, site.text(side)


def _otherwise(site: Site) -> Iterator[Proposal]:
    """Another condition: the opposite, one of several, other numbers."""
    if not isinstance(site.statement, ast.If):
        return
    test = site.statement.test
    yield test, f"not ({site.text(test)})", 1.6, site.text(test)
    for node in nodes(site):
        if isinstance(node, ast.BoolOp):
            for part in node.values:
                yield node, operand(site, part), 1.6, site.text(part)
            joint = " or " if isinstance(node.op, ast.And) else " and "
            yield node, joint.join(operand(site, p) for p in node.values), 1.7, site.text(node)
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            yield from _compared(site, node)


SIGNS = {
    ast.Eq: ("!=",),
    ast.NotEq: ("==",),
    ast.Lt: ("<=", ">"),
    ast.LtE: ("<", ">="),
    ast.Gt: (">=", "<"),
    ast.GtE: (">", "<="),
}


def _compared(site: Site, node: ast.Compare) -> Iterator[Proposal]:
    """Another comparison, and other numbers in it."""
    left, right = site.text(node.left), site.text(node.comparators[0])
    for sign in SIGNS.get(type(node.ops[0]), ()):
        yield node, f"{left} {sign} {right}", 1.5, f"{left} {sign} {right}"
    for side in (node.left, node.comparators[0]):
        for text in [t for t in read_around(site) if t != site.text(side)]:
            yield side, text, 1.9, text
        yield side, "0", 1.55, "0"


def _another_row(site: Site) -> Iterator[Proposal]:
    """Another entry that the function reads: ``U[u]`` for ``V[i]``."""
    found = [n for n in nodes(site) if isinstance(n, ast.Subscript) and is_entry_read(n)]
    for node in found if site.looped else ():
        for text in read_around(site):
            if "[" in text and text != typed(node):
                yield node, text, 1.8, site.text(node)


RULES = (
    Rule(
        "turns in the wrong order",
        "path",
        _order,
        "the loop goes through `{old}` in the wrong order: it ought to go through `{new}`",
    ),
    Rule(
        "lines in the wrong order",
        "term",
        _exchanged,
        "`{word}` comes too early: it belongs after the next line",
    ),
    Rule(
        "a line in a loop",
        "path",
        _out,
        "`{word}` belongs after the block that it is in",
    ),
    Rule(
        "a loop that is left early",
        "path",
        _left_early,
        "`{word}` leaves the loop in its first turn: it belongs after it",
    ),
    Rule(
        "a line after a loop",
        "path",
        _into,
        "`{word}` is after a block that it belongs in",
    ),
    Rule(
        "another row",
        "value",
        _another_row,
        "`{old}` is the wrong entry: it ought to be `{new}`",
    ),
    Rule(
        "a condition on a sign",
        "mask",
        _sized,
        "the condition is on `{old}`, and ought to be on `{new}`",
    ),
    Rule(
        "another condition",
        "mask",
        _otherwise,
        "the condition is `{old}`, and ought to be `{new}`",
    ),
)
