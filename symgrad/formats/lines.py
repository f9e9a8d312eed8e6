"""Long formulas in lines: cut between terms, inside a bracket that is opened, between factors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from symgrad.formats.width import Big, width
from symgrad.writing import formula as f
from symgrad.writing.formula import Formula, Gap
from symgrad.writing.matrix_formula import INVERSE


@dataclass(frozen=True)
class Bit:
    """A part of a formula that is not cut; ``apart``: there is a space before it."""

    formula: Formula
    apart: bool


def lines_of(
    terms: Sequence[Formula], room: float, *, opening: bool = True, further: float = 0.0
) -> list[Formula]:
    """Terms in lines of at most ``room``, the lines after the first by ``further`` shorter.

    ``opening``: what is too long for a line is cut inside, at the lowest depth where it can be.
    """
    lines: list[list[Formula]] = []
    left = 0.0
    for term in terms:
        fits = width(term) <= (room - further if lines else room)
        for piece in [term] if fits or not opening else cut(term, room - further):
            if lines and width(piece) + BESIDE <= left:
                lines[-1].append(piece)
                left -= width(piece)
            else:
                left = (room - further if lines else room) - width(piece)
                lines.append([piece])
    return [f.beside(_run(line)) for line in lines]


def _run(line: Sequence[Formula]) -> list[Formula]:
    """Words that have come apart in one again."""
    found: list[Formula] = []
    for item in line:
        before = found[-1] if found else None
        if isinstance(item, f.Words) and isinstance(before, f.Words):
            found[-1] = f.Words(before.text + item.text)
        else:
            found.append(item)
    return found


BESIDE = 0.5
"""The least room that stays free in a line that is filled up."""


def cut(formula: Formula, room: float) -> list[Formula]:
    """A formula in pieces of at most ``room``, as far as it has places to cut it at."""
    if width(formula) <= room:
        return [formula]
    for way in _WAYS:
        pieces = way(formula)
        if len(pieces) > 1:
            return [q for p in pieces for q in cut(p, room)]
    other = _in_line(formula, room)
    return [formula] if other is None else cut(other, room)


def _sentence(formula: Formula) -> list[Formula]:
    """A remark between its words and formulas."""
    items = formula.items if isinstance(formula, f.Row) else (formula,)
    if not any(isinstance(item, f.Words) for item in items):
        return [formula]
    return [piece for item in items for piece in _words(item)]


def _words(item: Formula) -> list[Formula]:
    if not isinstance(item, f.Words):
        return [item]
    return [f.Words(word) for word in re.findall(r"\S*\s*", item.text) if word]


def opened(term: Formula) -> list[Formula]:
    """A term cut before each + and - in its widest bracket, or between the blocks in it.

    The bracket gets a size of its own.
    """
    bits = list(_bits(term, ""))
    inside = {k: fence for k, bit in enumerate(bits) if (fence := _fence(bit.formula))}
    parts = {k: _split(fence[1]) for k, fence in inside.items()}
    places = [k for k, split in parts.items() if len(split) > 1]
    if not places:
        return [term]
    place = max(places, key=lambda k: width(bits[k].formula))
    opening, _, closing = inside[place]
    first, *middle, last = parts[place]
    start = [*bits[:place], Bit(opening, bits[place].apart), *first]
    end = [*last, Bit(closing, False), *bits[place + 1 :]]
    return [_joined(piece) for piece in (start, *middle, end)]


def _fence(formula: Formula) -> tuple[Formula, Formula, Formula] | None:
    """What opens a bracket, what is in it, and what closes it."""
    match formula:
        case f.Scripted(f.Fenced() as fence):
            opening, inside, closing = _fence(fence) or (None, None, None)
            if opening and inside and closing:
                return opening, inside, replace(formula, base=closing)
        case f.Fenced(opening, inside, closing) if opening in "(|" or _is_of_blocks(formula):
            return Big(opening), inside, Big(closing, closes=True)
        case f.Norm(inside):
            closing = _with_marks(formula)
            return Big("‖"), inside, closing
    return None


def _with_marks(norm: f.Norm) -> Formula:
    bar = Big("‖", closes=True)
    if not (norm.frobenius or norm.squared):
        return bar
    sub = f.Letter("F") if norm.frobenius else None
    return f.Scripted(bar, sub, f.Number("2") if norm.squared else None)


def _in_line(formula: Formula, room: float) -> Formula | None:
    """The same with its widest part that is too wide written in a line, where there is one."""
    bits = list(_bits(formula, "([|"))
    found = {k: flat for k, bit in enumerate(bits) if (flat := _flat(bit.formula, room))}
    if not found:
        return None
    place = max(found, key=lambda k: width(bits[k].formula))
    flat, whole = found[place], bits[place].formula
    if place > 0 and _is_applied(bits[place - 1].formula) and _fence(whole) is None:
        flat = f.bracketed(flat)
    return _joined([*bits[:place], Bit(flat, bits[place].apart), *bits[place + 1 :]])


def _is_applied(formula: Formula) -> bool:
    """Whether what follows is an argument, all of it: of log, of a maximum over an index."""
    if isinstance(formula, f.Scripted):
        return _is_applied(formula.base)
    return isinstance(formula, f.Function) or (isinstance(formula, f.Over) and formula.sign != "∑")


def _flat(formula: Formula, room: float) -> Formula | None:
    """A fraction, a root, a power or a bracket that is too wide, so that it can be cut."""
    match formula:
        case f.Fraction(above, below) if width(formula) > room / 2:
            if width(below) <= room / 2 and above != f.Number("1"):
                return f.Row((f.Fraction(f.Number("1"), below), f.bracketed(above)))
            # not above / (below), since factors that follow would be read as below the bar
            inverse = f.raised(f.bracketed(below), INVERSE)
            return inverse if above == f.Number("1") else f.Row((_closed(above), inverse))
        case f.Root(inside, degree) if width(formula) > room / 2:
            power = f.Row((f.Number("1"), f.Sign("/"), f.Number(degree or "2")), Gap.NONE)
            return f.raised(f.bracketed(inside), power)
        case f.Scripted(f.Letter("e"), None, f.Formula() as power) if width(formula) > room / 2:
            return f.Apply(f.Function("exp"), f.bracketed(power))
        case f.Scripted(f.Fraction() as base) if flat := _flat(base, room):
            return replace(formula, base=f.bracketed(flat))
    fence = _fence(formula)
    return f.Row(fence, Gap.NONE) if fence and width(formula) > room / 2 else None


def _closed(formula: Formula) -> Formula:
    """A formula as it stands before another factor."""
    return f.bracketed(formula) if isinstance(formula, (f.Sum, f.Row, f.Negative)) else formula


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


def begins_with_sign(line: Formula) -> bool:
    """Whether a line goes on with a + or -, and not between two factors."""
    return next(_bits(line, "")).formula in _PLUS_OR_MINUS


def _factors(piece: Formula) -> list[Formula]:
    """A piece cut between factors."""
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
    if isinstance(last.formula, f.Scripted):
        yield Bit(scripted, apart)
        return
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

_WAYS: tuple[Callable[[Formula], list[Formula]], ...] = (_sentence, terms_of, opened, _factors)
"""Where a formula may be cut, what is seen first in reading first."""
