"""Sentences and rows put together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from symgrad.writing.document import (
    Math,
    Paragraph,
    Prose,
    Row,
)
from symgrad.writing.formula import Formula, Negative, Term


def chained(left: Formula, rows: Iterable[Row], name: str = "") -> list[Row]:
    """Rows under one left-hand side; a row that says the same as the one before is left out.

    So is one that has the same terms in another order.
    """
    chained: list[Row] = []
    for row in rows:
        if not chained or _addends(row) != _addends(chained[-1]):
            chained.append(Row(None if chained else left, row.terms, row.note, name=name))
    return chained


def straight(rows: Iterable[Row]) -> list[Row]:
    """Rows without those that lead back to what an earlier row says."""
    found: list[Row] = []
    for row in rows:
        seen = [_addends(r) for r in found]
        if _addends(row) in seen:
            del found[seen.index(_addends(row)) + 1 :]
        else:
            found.append(row)
    return found


def _addends(row: Row) -> Counter[Formula]:
    first, *rest = row.terms
    return Counter((first if isinstance(first, Negative) else Term("+", first), *map(_bare, rest)))


def _bare(term: Formula) -> Formula:
    return Negative(term.body) if isinstance(term, Term) and term.sign == "-" else term


def paragraph(sentences: Sequence[Prose]) -> list[Paragraph]:
    """One paragraph of sentences, each of them once."""
    different = list(dict.fromkeys(sentences))
    joined = [part for k, s in enumerate(different) for part in ((" ",) if k else ()) + s]
    return [Paragraph(tuple(joined))] if joined else []


def capital(text: str) -> str:
    """With a capital where it begins with a word: relu'(0) stays as it is."""
    return text[:1].upper() + text[1:] if text.partition(" ")[0].isalpha() else text


def listed(parts: Sequence[Math]) -> Prose:
    """a, b and c."""
    result: list[str | Math] = []
    for place, part in enumerate(parts):
        if place:
            result.append(" and " if place == len(parts) - 1 else ", ")
        result.append(part)
    return tuple(result)
