"""Names of a spec as LaTeX symbols: ``z1`` is z with the subscript 1, ``alpha`` is Greek."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace

_GREEK = """
alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon
phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
"""
_COMMANDS = {name: "\\" + name for name in _GREEK.split()} | {
    "epsilon": r"\varepsilon",
    "eps": r"\varepsilon",
    "lam": r"\lambda",
    "l": r"\ell",
}
_ACCENTS = {"hat": r"\hat", "bar": r"\bar", "tilde": r"\tilde", "dot": r"\dot"}
_COMBINING = {"\u0302": r"\hat", "\u0304": r"\bar", "\u0303": r"\tilde", "\u0307": r"\dot"}
_SPELLINGS = {"lamda": "lambda"}

_LABELS = """
in out hid enc dec emb pos neg src tgt ref train test val max min avg mean std init prev next
new old obs true pred rec gen proj attn up down gate query key value inv
"""
"""Words that are subscripts where they follow a single letter: ``Wout``, ``ypred``, ``Kmax``."""

_WEIGHTS = "WUVbw"
"""Letters that get subscripts of any few letters: ``Wxh``, ``bhh``, ``Wmu``."""

_ORDINARY = "bin win hold bold chat that what by In Id No"
"""Words, however much they look like a letter and its subscript."""

_FUNCTIONS = "log exp sqrt sin cos tan tanh max min sum mean inv det diag"
"""What reads as a function and not as a letter: ``log_p`` is no logarithm to base p."""


SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Name:
    """A LaTeX symbol: its letter, and the subscript that belongs to the name itself.

    ``plain`` is the same in Unicode, without commands.
    """

    stem: str
    sub: str = ""
    plain: str = ""

    @property
    def latex(self) -> str:
        """The symbol as a whole."""
        return f"{self.stem}_{{{self.sub}}}" if self.sub else self.stem

    def entry(self, indices: list[str], *, clash: bool = False) -> str:
        """An entry of the array; ``clash``: the subscript must not be read as an index."""
        if not indices:
            return self.latex
        simple = all(re.fullmatch(r"[\w\\{}]+", i) for i in indices)
        shown = run_together(indices) if simple else ",".join(indices)
        if not self.sub:
            return f"{self.stem}_{{{shown}}}"
        if simple and not clash:
            return f"{self.stem}_{{{self.sub},{shown}}}"
        return rf"\left[{self.latex}\right]_{{{shown}}}"


def run_together(indices: list[str]) -> str:
    """Indices side by side: letters as they are, others with a little space."""
    letters = all(len(i) == 1 or i == r"\ell" for i in indices)
    return (" " if letters and r"\ell" in indices else "" if letters else r"\,").join(indices)


def parse(name: str) -> Name:
    """The symbol for an identifier."""
    core = name.strip("_") or name
    head, _, tail = core.rpartition("_")
    if head and tail in _ACCENTS:
        inner = parse(head)
        return Name(f"{_ACCENTS[tail]}{{{inner.stem}}}", inner.sub)
    numbered = re.fullmatch(r"(.*?[^\d_])_?(\d+)", core, re.ASCII)
    if numbered and "_" not in numbered[1]:
        inner = _letter(numbered[1])
        return replace(inner, sub=f"{inner.sub}{numbered[2]}")
    head, _, tail = core.partition("_")
    if not head or not tail.strip("_") or head in _FUNCTIONS.split():
        return _letter(core)
    inner = _letter(head)
    labels = [_label(part) for part in tail.split("_") if part]
    return replace(inner, sub=r"\,".join([inner.sub, *labels] if inner.sub else labels))


def _letter(word: str) -> Name:
    """A letter with an accent or a subscript that is run together with it, or a word."""
    for letter in (word[:1], *sorted(filter(word.startswith, _COMMANDS), key=len, reverse=True)):
        tail = word.removeprefix(letter)
        if letter and tail and _is_subscript(letter, tail) and word not in _ORDINARY.split():
            if tail in _ACCENTS:
                return Name(f"{_ACCENTS[tail]}{{{_stem(letter)}}}")
            return Name(_stem(letter), _label(tail))
    return Name(_stem(word))


def _is_subscript(letter: str, tail: str) -> bool:
    """Whether ``tail`` after a letter is read as its subscript: ``Wq``, ``Wout``, ``sigmax``."""
    if not tail.isascii() or not tail.islower() or letter + tail in _COMMANDS:
        return False
    if tail in _ACCENTS or tail in _LABELS.split():
        return len(letter) > 1 or letter.isupper() or letter in "abhpwxyz"
    if len(letter) > 1:  # Greek
        return len(letter) > 3 and len(tail) == 1 and tail != "s"
    if letter not in _WEIGHTS:
        return letter.isupper() and len(tail) == 1
    return len(tail) == 1 or tail in _COMMANDS or (len(tail) < 4 and not set(tail) & set("aeiou"))


def symbols(names: Iterable[str]) -> dict[str, Name]:
    """A symbol for each name; no two the same."""
    table: dict[str, Name] = {}
    shown: set[str] = set()
    for name in names:
        symbol, plain = parse(name), in_unicode(name)
        if symbol.latex in shown:
            symbol = Name(rf"\mathtt{{{_plain(name)}}}")
        if plain in shown:
            plain = name
        shown |= {symbol.latex, plain}
        table[name] = replace(symbol, plain=plain)
    return table


def in_unicode(name: str) -> str:
    """The name with Greek letters, an accent or a subscript of digits, where it spells them."""
    numbered = re.fullmatch(r"([^\W\d_]+)_?(\d+)", name, re.ASCII)
    if numbered:
        return in_unicode(numbered[1]) + numbered[2].translate(SUBSCRIPTS)
    head, tail = name[:1], name[1:].removeprefix("_")
    if tail in _ACCENTS and name not in _ORDINARY.split():
        accent = next(c for c, command in _COMBINING.items() if command == _ACCENTS[tail])
        return unicodedata.normalize("NFC", head + accent)
    case = "CAPITAL" if name[:1].isupper() else "SMALL"
    spelled = {"lambda": "lamda", "lam": "lamda", "eps": "epsilon"}.get(name, name)
    known = name in _COMMANDS and name != "l"
    return unicodedata.lookup(f"GREEK {case} LETTER {spelled.upper()}") if known else name


def _stem(word: str) -> str:
    greek = _greek(word)
    if greek in _COMMANDS:
        return _COMMANDS[greek]
    decomposed = unicodedata.normalize("NFD", word)
    if len(decomposed) == 2 and decomposed[1] in _COMBINING:
        return f"{_COMBINING[decomposed[1]]}{{{_stem(decomposed[0])}}}"
    plain = _plain(word)
    return plain if len(plain) == 1 else rf"\mathit{{{plain}}}"


def _label(part: str) -> str:
    greek = _greek(part)
    if greek in _COMMANDS:
        return _COMMANDS[greek]
    plain = _plain(part)
    return plain if len(plain) == 1 or plain.isdigit() else rf"\mathrm{{{plain}}}"


def _greek(word: str) -> str:
    """The name of a Greek letter that is typed as the letter itself; other words as they are."""
    if len(word) != 1 or word.isascii():
        return word
    spelled = unicodedata.name(word, "").split()
    if spelled[:1] != ["GREEK"] or spelled[2:3] != ["LETTER"] or len(spelled) != 4:
        return word
    letter = spelled[3].lower()
    letter = _SPELLINGS.get(letter, letter)
    return letter.capitalize() if spelled[1] == "CAPITAL" else letter


def _plain(word: str) -> str:
    """ASCII that says the same: accents dropped, other characters by their code."""
    kept = (c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    ascii_only = "".join(
        c if c.isascii() and (c.isalnum() or c == "_") else f"u{ord(c):x}" for c in kept
    )
    return ascii_only.replace("_", r"\_")
