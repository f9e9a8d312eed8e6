"""The edits that make a part of a line right, by what numbers it lacks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.audit.deduced.frames import Frames
from symgrad.audit.deduced.inverse import Ought
from symgrad.audit.deduced.library import Library
from symgrad.audit.deduced.matching import CLOSE, Asked, as_numbers, asked, totals
from symgrad.audit.deduced.sums import asked_as_two
from symgrad.audit.grammar import Edit, Rule
from symgrad.audit.grammar.edit import (
    is_gradient,
    is_made_before,
    nodes,
    operand,
    reads_gradient,
    summands,
)
from symgrad.audit.grammar.terms import is_unread
from symgrad.audit.sites import Site
from symgrad.audit.walks import typed, walked

Numbers = np.ndarray[Any, Any]


def nothing(_: Site) -> Iterator[Any]:
    """Nothing is tried: what numbers ask for is proposed otherwise."""
    return iter(())


MISSING = {
    "path": Rule("a way that numbers ask for", "path", nothing, "a way is left out: `{word}`"),
    "term": Rule("a term that numbers ask for", "term", nothing, "the term `{word}` is missing"),
    "jacobian": Rule(
        "a part of a Jacobian that numbers ask for",
        "jacobian",
        nothing,
        "a part of the Jacobian is left out: `{word}`",
    ),
}
FACTOR = Rule("a factor that numbers ask for", "factor", nothing, "the factor {word} is missing")
POWER = Rule("a value times another", "value", nothing, "`{old}` is wrong: it ought to be `{new}`")
DERIVATIVE = Rule(
    "a derivative that numbers ask for", "operation", nothing, "the derivative {word} is missing"
)
MASK = Rule(
    "a mask that numbers ask for",
    "mask",
    nothing,
    "the mask is missing: the gradient passes only where {word}",
)
NUMBER = Rule(
    "a number that numbers ask for", "factor", nothing, "the number `{old}` ought to be {word}"
)
INSTEAD = Rule(
    "a value that numbers ask for", "value", nothing, "`{old}` is wrong: it ought to be `{new}`"
)
LAID = Rule(
    "a layout that numbers ask for",
    "transpose",
    nothing,
    "the entries of `{old}` are in the wrong places: it ought to be `{new}`",
)
DIVISOR = Rule(
    "a divisor that numbers ask for",
    "factor",
    nothing,
    "`{old}` is not what is to be divided by: it ought to be `{new}`",
)
SLOPE = Rule(
    "a slope that numbers ask for",
    "activation",
    nothing,
    "`{old}` is not the derivative there: it ought to be `{new}`",
)


MADE_BEFORE = 0.5
"""How much less likely a repair is of a local than of the line that assigns it."""

OF_A_NAME = 0.1
"""How much less likely a term is where a name is read than where it is assigned."""

OF_A_SLOPE = 0.6
"""How much less likely a term is in a slope than another slope."""

OF_A_FACTOR = 0.8
"""How much less likely a term is where a number as a factor does as well."""


MOST_DEEP = 2
"""In which parts of parts of a line two terms are looked for at once."""

OF_A_DERIVATIVE = 0.5
"""How much less likely a term is where a derivative as a factor does as well."""


@dataclass(frozen=True)
class View:
    """A statement at the times that count, and the terms that may be made there."""

    site: Site
    frames: Frames
    library: Library

    @property
    def got(self) -> Numbers | None:
        """What its expression gives."""
        arrays = self.frames.nodes.get(self.site.text(self.site.roots[0]))
        return None if arrays is None else arrays[0]


def repairs(view: View, part: Ought, *, guessed: bool) -> Iterator[tuple[float, Edit]]:
    """What makes one part of an expression right."""
    site, library = view.site, view.library
    node, got, ought = part.node, part.got, part.ought
    if np.abs(part.off).max(initial=0) <= CLOSE * np.abs(ought).max(initial=0):
        return
    before = MADE_BEFORE if is_made_before(site, node) else 0.0
    if ought.ndim == 0:
        for price, edit in _of_a_number(view, part) if not guessed else ():
            yield before + price, edit
        return
    if ought.shape == got.shape and ought.size > 1:
        yield from _lacking(view, part, before, guessed=guessed)
    if ought.size > 1 and not guessed and _ratio(part) is None:
        found = asked(library, ought)
        for term in [t for t in found if t.term.text != site.text(node)]:
            yield 1.7 + term.cost + before, instead(site, node, term)


def _lacking(
    view: View, part: Ought, before: float, *, guessed: bool
) -> Iterator[tuple[float, Edit]]:
    """The terms and factors that make an array right."""
    site, library, node = view.site, view.library, part.node
    terms = asked(library, part.off, deep=not guessed)
    if not terms and not guessed and part.depth <= MOST_DEEP:
        terms = asked_as_two(library, part.off)
    own = before + (OF_A_SLOPE if _is_slope(site, node) else 0.0)
    own += OF_A_NAME if isinstance(node, ast.Name) and node not in site.roots else 0.0
    own += 0.4 if any(_same_way(site, node, t) for t in terms) else 0.0
    own += 0.9 if any(_is_read_already(site, t) for t in terms) else 0.0
    factors = list(_factors(site, library, part))
    own += OF_A_FACTOR if _number(library, part) else 0.0
    own += OF_A_DERIVATIVE if any(e.rule in (DERIVATIVE, MASK) for _, e in factors) else 0.0
    for term in terms:
        price = 1.5 + own + 0.1 * part.depth + term.cost - _meant(site, term)
        price += OF_A_FACTOR if _is_of_a_summand(site, term) else 0.0
        yield price, added(site, node, term)
    yield from factors


def _of_a_number(view: View, part: Ought) -> Iterator[tuple[float, Edit]]:
    """What makes a number right: another, or the sum of an array."""
    site, node, ought = view.site, part.node, part.ought
    rule = INSTEAD if isinstance(node, ast.Subscript) else NUMBER
    for text, cost in as_numbers(view.library, float(ought)):
        yield 1.6 + cost, _edit(rule, site, node, text, text)
    for total in totals(view.library, ought) if isinstance(node, ast.Call) else ():
        yield 1.9, _edit(INSTEAD, site, node, total, total)


def _is_slope(site: Site, node: ast.expr) -> bool:
    """Whether a part of a line is like the slope of a function: 1 - a, without a gradient."""
    one = isinstance(node, ast.BinOp) and isinstance(node.left, ast.Constant)
    return one and node not in site.roots and not reads_gradient(site, node)


def _ratio(part: Ought) -> float | None:
    """The number by which a part is to be multiplied, where there is one."""
    square = float((part.got * part.got).sum())
    if part.ought.shape != part.got.shape or part.got.size < 2 or not square:
        return None
    ratio = float((part.ought * part.got).sum()) / square
    off = np.abs(part.ought - ratio * part.got).max()
    return ratio if off <= CLOSE * np.abs(part.ought).max() else None


def _number(library: Library, part: Ought) -> list[tuple[str, float]]:
    """The number that a part lacks as a factor, in the ways in which it can be said."""
    ratio = _ratio(part)
    return [] if ratio is None else list(as_numbers(library, ratio))


def _factors(site: Site, library: Library, part: Ought) -> Iterator[tuple[float, Edit]]:
    """The array by which a part has to be multiplied, or divided."""
    if _ratio(part) is not None:
        before = MADE_BEFORE if is_made_before(site, site.roots[0]) else 0.0
        for text, cost in _number(library, part):
            by = text[3:-1] if text.startswith("(1 /") else f"* {text}"
            new = f"{operand(site, part.node)} {by}"
            yield 1.8 + 0.1 * part.depth + cost + before, _edit(FACTOR, site, part.node, new, text)
        return
    if (np.abs(part.got) < 1e-12).any():
        return
    ratio = part.ought / part.got
    with np.errstate(all="ignore"):
        for wanted, sign in ((ratio, "*"), (1 / ratio, "/")):
            if np.isfinite(wanted).all():
                yield from _by_arrays(site, library, part, wanted, sign)


def _by_arrays(
    site: Site, library: Library, part: Ought, wanted: Numbers, sign: str
) -> Iterator[tuple[float, Edit]]:
    for term in asked(library, wanted, deep=False):
        if term.term.gradient == is_gradient(site, site.text(part.node)) and term.term.gradient:
            continue
        text = term.text if term.whole else f"({term.text})"
        text = f"-{text}" if term.negative else text
        yield 1.6 + 0.1 * part.depth + term.cost, multiplied(site, part.node, term, text, sign)


def multiplied(site: Site, node: ast.expr, term: Asked, text: str, sign: str = "*") -> Edit:
    """A part of a line times a term, or through it."""
    new = f"{operand(site, node)} {sign} {text}"
    word = f"1 / {text}" if sign == "/" else typed(ast.parse(term.text))
    return _edit(_rule_of(site, node, term), site, node, new, word)


def _rule_of(site: Site, node: ast.expr, term: Asked) -> Rule:
    if all(np.isin(a, (0.0, 1.0)).all() for a in term.term.arrays):
        return MASK
    if "1 - " in term.text:
        return DERIVATIVE
    return POWER if term.term.text == site.text(node) else FACTOR


def _is_of_a_summand(site: Site, term: Asked) -> bool:
    """Whether a term is one of the line times something: this one lacks a factor."""
    own = {site.text(part) for root in site.roots for part in summands(root)}
    return "*" in term.text and not own.isdisjoint(term.text.split(" * "))


_COMES_BACK = re.compile(r"(d_?|grad_?|delta_?|up)\w*")
"""What comes back on another way as it is, by how it is called."""


def added(site: Site, node: ast.expr, term: Asked) -> Edit:
    """A term added to a part of a line."""
    another = term.term.gradient and not _same_way(site, node, term)
    another |= bool(_COMES_BACK.fullmatch(term.term.text))
    kind = "jacobian" if term.term.jacobian else "path" if another else "term"
    new = f"{site.text(node)} {'-' if term.negative else '+'} {term.text}"
    word = f"-{term.text}" if term.negative else term.text
    return _edit(MISSING[kind], site, node, new if node in site.roots else f"({new})", word)


def _same_way(site: Site, node: ast.expr, term: Asked) -> bool:
    """Whether a term has a gradient that a part of a line has too."""
    names = set(re.findall(r"[A-Za-z_]\w*", term.term.text))
    read = {n.id for n in walked(node) if isinstance(n, ast.Name)}
    return any(is_gradient(site, n) for n in names & read)


def _meant(site: Site, term: Asked) -> float:
    """How much likelier a term is that has what nothing reads: it was meant to be read here."""
    names = re.findall(r"[A-Za-z_]\w*", term.term.text)
    return 0.4 if any(n in site.known and is_unread(site, n) for n in names) else 0.0


def _is_read_already(site: Site, term: Asked) -> bool:
    """Whether a term is an array that something reads: it is added already, or a part of it."""
    name = term.term.text
    return name in site.known and not is_unread(site, name)


_WHOLE = re.compile(r"\w+(\([\w, ]*\))?")
"""A name, or a function of the program that is applied to names."""


def instead(site: Site, node: ast.expr, term: Asked) -> Edit:
    """A term in place of a part of a line."""
    new = f"-{term.text}" if term.negative else term.text
    new = new if node in site.roots else f"({new})"
    if isinstance(node, ast.Constant) and not node.value:
        return _edit(MISSING["path"], site, node, new, term.text)
    if re.search(r"::-1|transpose\(", term.term.text):
        return _edit(LAID, site, node, new, term.text)
    if _divides(site, node):
        return _edit(DIVISOR, site, node, new, term.text)
    plain = isinstance(node, ast.Name | ast.Constant) and bool(_WHOLE.fullmatch(term.term.text))
    slope = node not in site.roots and not term.term.gradient and not plain
    slope |= isinstance(node, ast.BinOp) and _same_way(site, node, term) and "@" not in new
    slope |= any(
        isinstance(n, ast.BinOp) and n.left is node and _is_slope(site, n) for n in nodes(site)
    )
    return _edit(SLOPE if slope else INSTEAD, site, node, new, term.text)


def _divides(site: Site, node: ast.expr) -> bool:
    """Whether something is divided by a part of a line."""
    return any(
        isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div) and n.right is node
        for n in nodes(site)
    )


def _edit(rule: Rule, site: Site, node: ast.expr, new: str, word: str) -> Edit:
    start, end = site.source.span(node)
    old = site.source.text[start:end]
    lost = old.count("\n") - new.count("\n")
    room = f"({new}{chr(10) * lost})" if lost > 0 else new
    whole = id(node) not in site.inside_functions
    return Edit(rule, ((start, end, room),), 0.0, site, " ".join(old.split()), new, word, whole)
