"""Names of a spec as symbols: ``z1`` is z with the subscript 1, ``alpha`` is Greek."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from symgrad.writing.formula import (
    Accented,
    Fenced,
    Formula,
    Fraction,
    Gap,
    Letter,
    Number,
    Own,
    Row,
    Scripted,
    Sign,
    Word,
    beside,
    run_together,
    walk,
)

_GREEK = """
alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon
phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
"""
_OTHER_NAMES = {"eps": "epsilon", "lam": "lambda", "lamda": "lambda"}
COMBINING = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303", "dot": "\u0307",
             "overline": "\u0304"}  # fmt: skip
"""Accents, and the combining characters that Unicode has for them."""


def _greek_letter(name: str) -> str:
    case = "CAPITAL" if name[0].isupper() else "SMALL"
    spelled = "lamda" if name.lower() == "lambda" else name
    return unicodedata.lookup(f"GREEK {case} LETTER {spelled.upper()}")


GREEK = {name: _greek_letter(name) for name in _GREEK.split()}
"""Greek letters by their names."""

_LETTERS = {
    **GREEK,
    **{name: GREEK[of] for name, of in _OTHER_NAMES.items() if name != "lamda"},
    "l": "ℓ",
    "ell": "ℓ",
}
"""The names that stand for one letter."""

_LABELS = """
in out hid enc dec emb pos neg src tgt ref train test val max min avg mean std init prev next
new old obs true pred rec gen proj attn up down gate query key value inv
"""
"""Words that are subscripts where they follow a single letter: ``Wout``, ``ypred``, ``Kmax``."""

_WEIGHTS = "WUVbw"
"""Letters that get subscripts of any few letters: ``Wxh``, ``bhh``, ``Wmu``."""

_BETWEEN_GATES = "[xh][a-z]"
"""From the input or the state to a gate, in recurrent networks: ``Wxi``, no W with a ξ."""

_ORDINARY = "bin win hold bold chat that what by In Id No"
"""Words, however much they look like a letter and its subscript."""

_FUNCTIONS = "log exp sqrt sin cos tan tanh max min sum mean inv det diag"
"""What reads as a function and not as a letter: ``log_p`` is no logarithm to base p."""


_SIGNS_OF_SUMS = (Letter("Σ"), Letter("Π"))
"""What a sum and a product begin with in one line: ``Σ_i`` is no value there."""

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Name:
    """A symbol: its letter, and the subscript that belongs to the name itself.

    ``plain`` is the same in one line of Unicode.
    """

    stem: Formula
    sub: Formula | None = None
    plain: str = ""

    @property
    def formula(self) -> Formula:
        """The symbol as a whole."""
        return self.stem if self.sub is None else Scripted(self.stem, self.sub)

    @property
    def is_high(self) -> bool:
        """Whether it has a superscript, beside which no exponent can stand."""
        return is_high(self.stem)

    def entry(self, indices: list[Formula], *, clash: bool = False) -> Formula:
        """An entry of the array; ``clash``: the subscript must not be read as an index."""
        if not indices:
            return self.formula
        shown = run_together(indices)
        if self.sub is None:
            return Scripted(self.stem, shown)
        if not clash:
            return Scripted(self.stem, Row((self.sub, shown), Gap.COMMA))
        return Scripted(Fenced("[", self.formula, "]", high=True), shown)


def is_high(symbol: Formula) -> bool:
    """Whether there is a superscript in it, or a fraction."""
    return any(map(_takes_no_exponent, walk(symbol)))


def _takes_no_exponent(node: Formula) -> bool:
    match node:
        case Scripted(_, _, sup):
            return sup is not None
        case Own(shown):
            return "^" in shown
        case Row((Word("log"), Letter())):
            return True
    return isinstance(node, Fraction)


def parse(name: str) -> Name:
    """The symbol for an identifier."""
    core = name.strip("_") or name
    head, _, tail = core.rpartition("_")
    if head and tail in COMBINING:
        inner = parse(head)
        return Name(Accented(tail, inner.stem), inner.sub)
    numbered = re.fullmatch(r"(.*?[^\d_])_?(\d+)", core, re.ASCII)
    if numbered and "_" not in numbered[1]:
        return _with(_letter(numbered[1]), [Number(numbered[2])], Gap.NONE)
    head, _, tail = core.partition("_")
    if head == "log" and (found := _logarithm(tail)):
        return found
    if not head or not tail.strip("_") or head in _FUNCTIONS.split():
        return _letter(core)
    labels = [_label(part) for part in tail.split("_") if part]
    return _with(_letter(head), labels, Gap.THIN)


def _logarithm(of: str) -> Name | None:
    """What is called as the logarithm of a letter, and written as one sign: ``log_sigma``."""
    inner = parse(of)
    if not isinstance(inner.stem, Letter) or isinstance(inner.sub, Row):
        return None
    return Name(Row((Word("log", "upright"), inner.stem), Gap.NONE), inner.sub)


def _with(name: Name, labels: list[Formula], gap: Gap) -> Name:
    """The name with more in its subscript."""
    return replace(name, sub=beside([*([name.sub] if name.sub else []), *labels], gap))


def _letter(word: str) -> Name:
    """A letter with an accent or a subscript that is run together with it, or a word."""
    for letter in (word[:1], *sorted(filter(word.startswith, _LETTERS), key=len, reverse=True)):
        tail = word.removeprefix(letter)
        if letter and tail and _is_subscript(letter, tail) and word not in _ORDINARY.split():
            if tail in COMBINING:
                return Name(Accented(tail, _stem(letter)))
            gates = letter in _WEIGHTS and re.fullmatch(_BETWEEN_GATES, tail)
            return Name(_stem(letter), _set(tail, "upright") if gates else _label(tail))
    return Name(_stem(word))


def _is_subscript(letter: str, tail: str) -> bool:
    """Whether ``tail`` after a letter is read as its subscript: ``Wq``, ``Wout``, ``sigmax``."""
    if not tail.isascii() or not tail.islower() or letter + tail in _LETTERS:
        return False
    if tail in COMBINING or tail in _LABELS.split():
        return len(letter) > 1 or letter.isupper() or letter in "abhpwxyz"
    if len(letter) > 1:  # Greek
        return len(letter) > 3 and len(tail) == 1 and tail != "s"
    if letter in "WUVb" and re.fullmatch(_BETWEEN_GATES, tail):
        return True
    if letter not in _WEIGHTS:
        return letter.isupper() and len(tail) == 1
    return len(tail) == 1 or tail in _LETTERS or (len(tail) < 4 and not set(tail) & set("aeiou"))


def symbols(
    names: Iterable[str],
    shown_as: Mapping[str, str] | None = None,
    own: Mapping[str, Name] | None = None,
) -> dict[str, Name]:
    """A symbol for each name, or for the name that it is shown as; no two the same.

    ``own``: those that an author has chosen.
    """
    own = own or {}
    table: dict[str, Name] = {}
    shown: set[Formula | str] = {x for s in own.values() for x in (s.formula, s.plain)}
    for name in names:
        if name in own:
            table[name] = own[name]
            continue
        visible = (shown_as or {}).get(name, name)
        symbol, plain = parse(visible), in_unicode(visible)
        if symbol.formula in shown:
            symbol = Name(Word(_plain(name), "typewriter"))
        if plain in shown:
            plain = name
        shown |= {symbol.formula, plain}
        table[name] = replace(symbol, plain=plain)
    return table


def in_unicode(name: str) -> str:
    """The name with Greek letters, an accent or a subscript of digits, where it spells them."""
    numbered = re.fullmatch(r"([^\W\d_]+)_?(\d+)", name, re.ASCII)
    if numbered:
        return in_unicode(numbered[1]) + numbered[2].translate(SUBSCRIPTS)
    head, tail = name[:1], name[1:].removeprefix("_")
    if tail in COMBINING and name not in _ORDINARY.split():
        return unicodedata.normalize("NFC", head + COMBINING[tail])
    if name == "l":
        return name
    name = name.strip("_") or name
    if name in _LETTERS:
        return _LETTERS[name]
    return _parsed_in_unicode(name)


def _parsed_in_unicode(name: str) -> str:
    symbol = parse(name)
    if isinstance(symbol.stem, Accented) and isinstance(symbol.sub, Number):
        return _in_a_line(symbol.stem) + symbol.sub.digits.translate(SUBSCRIPTS)
    if isinstance(symbol.stem, Row):  # the logarithm of a Greek letter, as logs is a word
        called = _in_a_line(symbol.stem).replace(",", "")
        return name if called.isascii() else "_".join([called, *_label_in_a_line(symbol)])
    labelled = symbol.sub is not None and isinstance(symbol.stem, Letter)
    labelled = labelled and symbol.stem not in _SIGNS_OF_SUMS
    return "_".join([_in_a_line(symbol.stem), *_label_in_a_line(symbol)]) if labelled else name


def _label_in_a_line(symbol: Name) -> list[str]:
    return [] if symbol.sub is None else [_in_a_line(symbol.sub)]


def _in_a_line(part: Formula | None) -> str:
    """A letter, an accented one, a word, or labels one after the other."""
    match part:
        case Letter(char):
            return char
        case Number(digits):
            return digits
        case Accented(accent, Letter(char)):
            return unicodedata.normalize("NFC", char + COMBINING[accent])
        case Word(text):
            return text
        case Row(items):
            return ",".join(map(_in_a_line, items))
    return ""


def accented(name: Name, accent: str) -> Name:
    """The name with an accent over its letter, or the first of it."""
    plain = unicodedata.normalize("NFC", name.plain[:1] + COMBINING[accent]) + name.plain[1:]
    return Name(Accented(accent, name.stem), name.sub, plain)


def before(name: Name) -> Name:
    """The name of what a value was at the step before: h⁻."""
    return Name(Scripted(name.stem, sup=Sign("−")), name.sub, f"{name.plain}⁻")


def barred(symbol: str) -> str:
    """A bar over one letter, or over each of a word; none over a subscript."""
    scripts = (at for at, c in enumerate(symbol) if at and c in "_^₀₁₂₃₄₅₆₇₈₉")
    stem = symbol[: next(scripts, len(symbol))]
    bar = "\u0304" if len(stem) == 1 else "\u0305"
    return "".join(c + bar for c in stem) + symbol[len(stem) :]


def _stem(word: str) -> Formula:
    greek = _greek(word)
    if greek in _LETTERS:
        return Letter(_LETTERS[greek])
    decomposed = unicodedata.normalize("NFD", word)
    accent = next((a for a, c in COMBINING.items() if c == decomposed[1:]), "")
    if accent:
        return Accented(accent, _stem(decomposed[0]))
    return _set(_plain(word), "italic")


def _label(part: str) -> Formula:
    greek = _greek(part)
    if greek in _LETTERS:
        return Letter(_LETTERS[greek])
    return _set(_plain(part), "upright")


def _set(word: str, style: str) -> Formula:
    """A word in ASCII: digits or one letter as such."""
    if word.isdigit() and (style == "upright" or len(word) == 1):
        return Number(word)
    return Letter(word) if len(word) == 1 and word != "_" else Word(word, style)


def _greek(word: str) -> str:
    """The name of a Greek letter that is typed as the letter itself; other words as they are."""
    if len(word) != 1 or word.isascii():
        return word
    spelled = unicodedata.name(word, "").split()
    if spelled[:1] != ["GREEK"] or spelled[2:3] != ["LETTER"] or len(spelled) != 4:
        return word
    letter = spelled[3].lower()
    letter = _OTHER_NAMES.get(letter, letter)
    return letter.capitalize() if spelled[1] == "CAPITAL" else letter


def _plain(word: str) -> str:
    """ASCII that says the same: accents dropped, other characters by their code."""
    kept = (c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    return "".join(c if c.isascii() and (c.isalnum() or c == "_") else f"u{ord(c):x}" for c in kept)
