"""The names that C and a generated file have already."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable

from symgrad.targets.identifiers import Words


def _words(text: str) -> list[str]:
    return text.split()


_KEYWORDS = _words(
    "auto break case char const continue default do double else enum extern float for goto if "
    "inline int long register restrict return short signed sizeof static struct switch typedef "
    "union unsigned void volatile while bool true false main"
)
_OF_CPP = _words(
    "alignas alignof and asm bitand bitor catch class compl constexpr decltype delete explicit "
    "export friend mutable namespace new noexcept not nullptr operator or private protected public "
    "template this throw try typeid typename using virtual wchar_t xor"
)
_OF_THE_LIBRARY = _words(
    "acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 "
    "fabs floor fmax fmin fmod frexp gamma hypot j0 j1 jn ldexp lgamma log log10 log1p log2 logb "
    "modf nan pow remainder rint round scalb significand sin sinh sqrt tan tanh tgamma trunc y0 y1 "
    "yn signgam drem finite printf index NAN INFINITY NULL size_t isnan isinf isfinite signbit"
)
_OF_THE_FILE = _words(
    "given derived work add sum product largest smallest value all fits forward rest backward"
)

_PARTS = [f"part_{k}" for k in range(1, 100)]

WORDS = Words(
    frozenset(),
    frozenset({*_KEYWORDS, *_OF_CPP, *_OF_THE_LIBRARY, *(f"{w}f" for w in _OF_THE_LIBRARY)})
    | frozenset([*_OF_THE_FILE, *_PARTS]),
)
"""What is called so in a spec has another name in the functions: no input is refused."""

FIELDS = Words(frozenset({*_KEYWORDS, *_OF_CPP, "NAN", "INFINITY", "NULL"}))
"""What the parts of a struct can't be called."""

MACROS = frozenset({"HEADER", "WORKSPACE_BYTES", "ENTRIES", "INTEGER", "GEMM", "MATH", "SIMD", "DO",
                    "EACH", "SUM", "LARGEST", "SMALLEST"})  # fmt: skip
"""How macros of a file end, after its name, besides those of sizes."""

_LETTERS = "ijklmnopqrstuvwxyz"


def letters(taken: Collection[str]) -> list[str]:
    """What loops count with, from the outermost: no value is called so."""
    return [k for k in (*_LETTERS, *(f"i_{n}" for n in range(1, 40))) if k not in taken]


def in_ascii(name: str) -> str:
    """A name in the letters that every compiler takes: θ is theta."""
    letters = (c if c.isascii() else _spelled(c) for c in name)
    return re.sub(r"\W", "_", "".join(letters)) or "x"


def _spelled(letter: str) -> str:
    return unicodedata.name(letter, "x").split()[-1].lower()


def macro(size: str) -> str:
    """What ends the macro of a size."""
    return f"SIZE_{size}" if size in MACROS or size.startswith("AT_") else in_ascii(size)


def macros(prefix: str, sizes: Iterable[str]) -> list[str]:
    """The macros of a file whose name is ``prefix``: nothing else is called so."""
    return [f"{prefix}_{end}" for end in (*sorted(MACROS), *map(macro, sizes))]
