"""The signs that a derivation writes itself, and values of the same names set apart from them."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

import sympy as sp

from symgrad.mathematics import written as how
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.matrices import MATRIX_FUNCTIONS
from symgrad.mathematics.reductions import LEAVES
from symgrad.writing.formula import Formula, Letter, Word
from symgrad.writing.names import GREEK, Name, in_unicode, parse

IDENTITY, BOLD_IDENTITY = Letter("I"), Letter("𝐈")
"""The identity, which is in bold letters beside a value called I."""

_SPELLED = {letter: name for name, letter in GREEK.items()}


def identity(letters: Collection[str]) -> Formula:
    """The identity beside values with these letters."""
    return BOLD_IDENTITY if "I" in letters else IDENTITY


def set_apart(names: Iterable[str], equations: Iterable[Equation]) -> dict[str, Name]:
    """Other symbols for the names that would be read as what the equations have of themselves.

    The letter of a number or a function becomes a word, and a word in one line of text is slanted,
    as it is in two dimensions.
    """
    called = {name: in_unicode(name) for name in names}
    may_clash = {name: sign for name, sign in called.items() if sign in _CLASSES}
    if not may_clash:
        return {}
    exprs = [e.rhs for e in equations]
    there = {s: any(e.has(*_CLASSES[s]) for e in exprs) for s in {*may_clash.values()}}
    return {name: _other(name, sign) for name, sign in may_clash.items() if there[sign]}


def _other(name: str, sign: str) -> Name:
    if len(sign) == 1:
        word = _SPELLED[sign]
        return Name(Word(word, "upright"), plain=word)
    return replace(parse(name), plain="".join(map(_slanted, sign)))


def _slanted(char: str) -> str:
    if not char.isascii() or not char.isalpha():
        return char
    return unicodedata.lookup(f"MATHEMATICAL SANS-SERIF ITALIC SMALL {char.upper()}")


def _classes() -> dict[str, tuple[type[sp.Basic] | sp.Expr, ...]]:
    """What has each sign: the letter of a number or a function, a name without brackets."""
    found: dict[str, tuple[type[sp.Basic] | sp.Expr, ...]] = {"π": (sp.pi,)}
    for table in (LEAVES, MATRIX_FUNCTIONS):
        for cls, record in table.items():
            for sign in _signs(record.written):
                found[sign] = (*found.get(sign, ()), cls)
    return found


def _signs(written: how.Written | str | None) -> Iterator[str]:
    match written:
        case how.Prefix(name, _, of):
            yield name
            yield from _signs(of)
        case how.Call(name) if len(name) == 1:
            yield name
        case how.Called(_, whole):
            yield from _signs(whole)
        case how.Bars(of):
            yield from _signs(of)


_CLASSES = _classes()
