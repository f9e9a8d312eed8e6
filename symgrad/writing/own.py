"""Symbols that an author chooses, given in LaTeX: as they are there, and read for the others."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from symgrad.writing.formula import (
    Accented,
    Formula,
    Gap,
    Letter,
    Number,
    Own,
    Scripted,
    Sign,
    Word,
    beside,
)
from symgrad.writing.names import COMBINING, Name, in_unicode, parse
from symgrad.writing.printings.latex import SIGNS, latex
from symgrad.writing.printings.text import text

_TOKENS = re.compile(r"\\[A-Za-z]+|\\.|[0-9]+|\S")
_CHARS = {command: char for char, command in SIGNS.items() if len(char) == 1}
_ALPHABETS = {
    "mathbf": "BOLD", "boldsymbol": "BOLD", "bm": "BOLD", "mathcal": "SCRIPT",
    "mathscr": "SCRIPT", "mathbb": "DOUBLE-STRUCK", "mathfrak": "FRAKTUR",
}  # fmt: skip
_WORDS = {"mathrm", "mathit", "mathsf", "text", "textrm", "operatorname"}


def own_symbols(chosen: Mapping[str, str]) -> dict[str, Name]:
    """The symbols that LaTeX gives for names; in other printings, those of the names if need be."""
    return {n: _symbol(s, replace(parse(n), plain=in_unicode(n))) for n, s in chosen.items()}


def _symbol(shown: str, otherwise: Name) -> Name:
    stem, sub = _split(shown)
    whole = _read(shown)
    plain = otherwise.plain if whole is None else text(whole)
    base = _own(stem, otherwise.stem if sub else otherwise.formula)
    below = None if sub is None else _own(sub, otherwise.sub or Word(sub, "upright"))
    return Name(base, below, plain)


def _split(shown: str) -> tuple[str, str | None]:
    r"""``\sigma`` and ``f`` of ``\sigma_f``; what has more scripts stays whole."""
    match = re.fullmatch(r"([^_^]+)_(?:\{([^{}]+)\}|(\\[A-Za-z]+|\w))", shown.strip())
    return (match[1], match[2] or match[3]) if match else (shown.strip(), None)


def _own(shown: str, otherwise: Formula) -> Formula:
    found = _read(shown)
    if found is not None and latex(found) == shown:
        return found
    return Own(shown, otherwise if found is None else found)


def _read(shown: str) -> Formula | None:
    """LaTeX as a formula; None where it has something that is not known here."""
    tokens = iter([*_TOKENS.findall(shown), ""])
    with suppress(_Unknown):
        return _row(tokens, "")
    return None


class _Unknown(Exception):
    """A command that has no sign in Unicode."""


def _row(tokens: Iterator[str], end: str) -> Formula:
    """What stands until a token."""
    found: list[Formula] = []
    for token in tokens:
        if token == end:
            break
        if token in ("_", "^") and found:
            found[-1] = _scripted(found[-1], token, _group(next(tokens), tokens))
        else:
            found.append(_group(token, tokens))
    if not found:
        raise _Unknown
    return beside(found, Gap.NONE)


def _scripted(base: Formula, sign: str, script: Formula) -> Formula:
    return Scripted(base, script) if sign == "_" else Scripted(base, sup=script)


def _group(token: str, tokens: Iterator[str]) -> Formula:
    """One sign, one command with its argument, or what is in braces."""
    name = token[1:]
    if token == "{":
        return _row(tokens, "}")
    if token in _CHARS:
        return _sign(_CHARS[token])
    if name in COMBINING:
        return Accented(name, _group(next(tokens), tokens))
    if name in _ALPHABETS or name in _WORDS:
        return _styled(name, _plain(next(tokens), tokens))
    if token.startswith("\\") or token in ("", "}"):
        raise _Unknown
    return Number(token) if token.isdigit() else _sign("′" if token == "'" else token)


def _sign(char: str) -> Formula:
    return Letter(char) if char.isalpha() else Sign(char)


def _plain(token: str, tokens: Iterator[str]) -> str:
    """The letters of an argument."""
    if token != "{":
        return token
    return "".join(iter(lambda: next(tokens), "}"))


def _styled(name: str, letters: str) -> Formula:
    if not letters.isalnum() or not letters.isascii():
        raise _Unknown
    if name in _WORDS:
        return Word(letters, "italic" if name == "mathit" else "upright")
    return beside([Letter(_in_alphabet(_ALPHABETS[name], c)) for c in letters], Gap.NONE)


def _in_alphabet(alphabet: str, char: str) -> str:
    """A letter of one of the alphabets of mathematics; some have been in Unicode longer."""
    case = "CAPITAL" if char.isupper() else "SMALL"
    kind = f"DIGIT {unicodedata.name(char)[6:]}" if char.isdigit() else f"{case} {char.upper()}"
    for name in (f"MATHEMATICAL {alphabet} {kind}", f"{alphabet} {kind}", f"BLACK-LETTER {kind}"):
        with suppress(KeyError):
            return unicodedata.lookup(name)
    raise _Unknown
