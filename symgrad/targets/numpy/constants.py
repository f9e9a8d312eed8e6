"""Numbers and arrays that are part of a file, as a person defines them at its top."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator

import numpy as np

from symgrad.mathematics.known import named
from symgrad.targets.about import WIDTH
from symgrad.targets.emitted import Part
from symgrad.targets.expressions import Precedence
from symgrad.targets.module import Module
from symgrad.targets.numpy.built import FEW, Array, built, listed

TYPED = 512
"""So many numbers a person types, who gives an example."""


def arrays(modules: Iterable[Module]) -> list[tuple[str, str]]:
    """The arrays that are part of the file."""
    found = {v.name: v for m in modules for v in m.variables if v.role == "constant"}
    return [(called(name), array(v.values)) for name, v in found.items()]


def called(name: str) -> str:
    """What an array is called in the file: as none of its functions is."""
    return f"_{name}" if re.fullmatch(r"c\d+", name) else f"_{name}_values"


def numbers(parts: Iterable[Part]) -> list[tuple[str, str]]:
    """The numbers that the parts of a file call by name: numbers of Python, which have no dtype."""
    words = dict.fromkeys(w for p in parts for line in _code(p) for w in _NAME.findall(line))
    found = ((word, named(word)) for word in words)
    return [(word, f"float({constant.code})") for word, constant in found if constant]


_NAME = re.compile(r"\b[A-Z][A-Z0-9_]+\b")


def _code(part: Part) -> Iterator[str]:
    """The lines that are no comments."""
    if isinstance(part, str):
        yield from part.split("\n")
    else:
        for passage in part:
            yield from passage.code


def array(values: object, few: int = FEW) -> str:
    """An array as nested lists; a large one as what NumPy makes of it, else packed."""
    given = np.asarray(values)
    entries = np.array(given, _KINDS[given.dtype.kind], order="C")
    if entries.size <= few:
        return _lines(listed(entries))
    code = built(entries)
    if code is None:
        return _packed(entries)
    return _lines(code.code if len(code.code) < WIDTH - 16 else code.at_least(Precedence.ATOM))


_KINDS = {"f": "<f8", "i": "<i8", "u": "<i8", "b": "?"}
"""What numbers are stored as: what lists of Python hold."""


def _lines(code: str) -> str:
    lines = textwrap.wrap(code, WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n        ".join(lines)


def _packed(entries: Array) -> str:
    """An expression that has the bytes as text: for what is too long to be read anyway."""
    import base64  # only what is packed needs them
    import zlib

    text = base64.b64encode(zlib.compress(entries.tobytes(), 9)).decode("ascii")
    lines = "\n".join(text[k : k + WIDTH] for k in range(0, len(text), WIDTH))
    unpacked = f'zlib.decompress(base64.b64decode("""\n{lines}\n"""))'
    shape = ", ".join(map(str, entries.shape))
    return f'np.frombuffer({unpacked}, "{_KINDS[entries.dtype.kind]}").reshape({shape})'


def modules(found: Iterable[tuple[str, str]], parts: Iterable[Part]) -> Iterator[str]:
    """The modules of Python's library that packed arrays need."""
    texts = [*(text for _, text in found), *(p for p in parts if isinstance(p, str))]
    if any("base64.b64decode(" in text for text in texts):
        yield from ("base64", "zlib")
