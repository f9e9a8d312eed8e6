"""Long formulas in lines: cut between terms, inside a bracket that is opened, between factors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from symgrad.formats.width import Big, width
from symgrad.writing import formula as f
from symgrad.writing.formula import Formula, Gap


@dataclass(frozen=True)
class Bit:
    """A part of a formula that is not cut; ``apart``: there is a space before it."""

    formula: Formula
    apart: bool


def lines_of(terms: Sequence[Formula], room: float, *, opening: bool = True) -> list[Formula]:
    """Terms in lines of at most ``room``; ``opening``: a bracket that is too long is opened."""
    lines: list[list[Formula]] = []
    taken = 0.0
    for term in terms:
        pieces = opened(term) if opening and width(term) > room else [term]
        for piece in (p for q in pieces for p in (_factors(q, room) if opening else [q])):
            if lines and taken + width(piece) + 1 <= room:
                lines[-1].append(piece)
                taken += width(piece)
            else:
                lines.append([piece])
                taken = width(piece)
    return [f.beside(line) for line in lines]


def opened(term: Formula) -> list[Formula]:
    """A term cut before each + and - in its first bracket, or between the blocks in it.

    The bracket gets a size of its own.
    """
    bits = list(_bits(term, ""))
    for place, bit in enumerate(bits):
        fence = bit.formula.base if isinstance(bit.formula, f.Scripted) else bit.formula
        if isinstance(fence, f.Fenced) and (fence.opening == "(" or _is_of_blocks(fence)):
            first, *others = _split(fence.inside)
            if not others:
                return [term]
            *middle, last = others
            closing: Formula = Big(fence.closing)
            if isinstance(bit.formula, f.Scripted):
                closing = replace(bit.formula, base=closing)
            start = [*bits[:place], Bit(Big(fence.opening), bit.apart), *first]
            end = [*last, Bit(closing, False), *bits[place + 1 :]]
            return [_joined(piece) for piece in (start, *middle, end)]
    return [term]


def _is_of_blocks(fence: f.Fenced) -> bool:
    return (
        fence.opening == "[" and isinstance(fence.inside, f.Row) and (fence.inside.gap is Gap.LIST)
    )


def _split(formula: Formula) -> list[list[Bit]]:
    """Cut before each + and -, but not before the minus of one factor; a list after its commas."""
    if isinstance(formula, f.Row) and formula.gap is Gap.LIST:
        *items, last = ([*_bits(item, "")] for item in formula.items)
        return [*([*item, Bit(f.Sign(","), False)] for item in items), last]
    bits = list(_bits(formula, ""))
    found: list[list[Bit]] = [[bits[0]]]
    for bit, after in pairwise([*bits[1:], Bit(f.THIN, False)]):
        if bit.apart and after.apart and bit.formula in _PLUS_OR_MINUS:
            found.append([])
        found[-1].append(bit)
    return found


def terms_of(formula: Formula) -> list[Formula]:
    """A formula cut before each + and - that stands in no bracket."""
    return [_joined(bits) for bits in _split(formula)]


_PLUS_OR_MINUS = (f.Sign("+"), f.Sign("-"))


def _factors(piece: Formula, room: float) -> list[Formula]:
    """A piece that is too long for a line, cut between factors."""
    if width(piece) <= room:
        return [piece]
    found: list[list[Bit]] = [[]]
    before: Formula | None = None
    for bit in _bits(piece, "([|"):
        if bit.apart and before is not None and not _binds(before):
            found.append([])
        found[-1].append(bit)
        before = bit.formula
    return [_joined(bits) for bits in found]


def _binds(formula: Formula) -> bool:
    """What is not parted from what follows: a sign, a function, the sign of a sum."""
    match formula:
        case f.Sign(char):
            return char not in "=<>,)]|"
        case f.Letter(char):
            return not char.isascii()
        case f.Function(name, letter):
            return bool(letter) or name in f.COMMON
        case f.Over(sign):
            return sign == "∑"
        case f.Row(items):
            return _binds(items[-1])
    return False


def _joined(bits: Sequence[Bit]) -> Formula:
    """Bits as one formula again."""
    groups: list[list[Formula]] = []
    for bit in bits:
        if bit.apart or not groups:
            groups.append([])
        groups[-1].append(bit.formula)
    return f.beside([f.beside(group, Gap.NONE) for group in groups])


def _bits(formula: Formula, fences: str, apart: bool = False) -> Iterator[Bit]:
    """What a formula is made of in a line; brackets of the size of the text in ``fences`` too."""
    taken = _TAKEN_APART.get(type(formula))
    if taken is None:
        yield Bit(formula, apart)
    else:
        yield from taken(formula, fences, apart)


def _of_row(row: f.Row, fences: str, apart: bool) -> Iterator[Bit]:
    if row.gap not in (Gap.SPACE, Gap.NONE, Gap.LIST):
        yield Bit(row, apart)
        return
    yield from _bits(row.items[0], fences, apart)
    for item in row.items[1:]:
        if row.gap is Gap.LIST:
            yield Bit(f.Sign(","), False)
        yield from _bits(item, fences, row.gap is not Gap.NONE)


def _of_sum(total: f.Sum, fences: str, apart: bool) -> Iterator[Bit]:
    yield from _bits(total.terms[0], fences, apart)
    for term in total.terms[1:]:
        yield from _bits(term, fences, True)


def _of_term(term: f.Term, fences: str, apart: bool) -> Iterator[Bit]:
    yield Bit(f.Sign(term.sign), apart)
    yield from _bits(term.body, fences, True)


def _of_negative(negative: f.Negative, fences: str, apart: bool) -> Iterator[Bit]:
    yield Bit(f.Sign("-"), apart)
    yield from _bits(negative.body, fences, False)


def _of_apply(apply: f.Apply, fences: str, apart: bool) -> Iterator[Bit]:
    yield from _bits(apply.function, fences, apart)
    yield from _bits(apply.argument, fences, not apply.close)


def _of_fenced(fenced: f.Fenced, fences: str, apart: bool) -> Iterator[Bit]:
    if fenced.high or fenced.opening not in fences:
        yield Bit(fenced, apart)
        return
    yield Bit(f.Sign(fenced.opening), apart)
    yield from _bits(fenced.inside, fences, False)
    yield Bit(f.Sign(fenced.closing), False)


def _of_scripted(scripted: f.Scripted, fences: str, apart: bool) -> Iterator[Bit]:
    """Scripts belong to the last of the bits that they stand behind."""
    *bits, last = _bits(scripted.base, fences, apart)
    yield from bits
    yield Bit(replace(scripted, base=last.formula), last.apart)


_TAKEN_APART: dict[type[Formula], Callable[..., Iterator[Bit]]] = {
    f.Row: _of_row,
    f.Sum: _of_sum,
    f.Term: _of_term,
    f.Negative: _of_negative,
    f.Apply: _of_apply,
    f.Fenced: _of_fenced,
    f.Scripted: _of_scripted,
}
