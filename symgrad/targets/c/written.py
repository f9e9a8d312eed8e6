"""Comments and numbers as they stand in files of C."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from symgrad.targets.about import WIDTH


def comment(text: str, indent: str = "    ") -> tuple[str, ...]:
    """A comment inside a function."""
    found = textwrap.wrap(plain(text), WIDTH - 10, break_long_words=False)
    first, *others = found
    told = [f"{indent}/* {first}", *(f"{indent}     {line}" for line in others)]
    return (*told[:-1], f"{told[-1]} */")


def plain(text: str) -> str:
    """A text that ends no comment."""
    return text.replace("*/", "* /").replace("/*", "/ *")


def uncommented(text: str) -> str:
    """What a compiler sees of a text: comments have names of the spec, which mean other things."""
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def literal(value: Any, dtype: str) -> str:
    """A number as C has it."""
    if dtype == "bool":
        return "true" if value else "false"
    if dtype == "int":
        return str(int(value))
    found = float(value)
    if not math.isfinite(found):
        return "NAN" if math.isnan(found) else "INFINITY" if found > 0 else "-INFINITY"
    text = repr(found)
    return text if "." in text or "e" not in text else text.replace("e", ".0e")


def array_lines(values: Sequence[str]) -> Iterator[str]:
    """Numbers in as many lines as they need."""
    yield from textwrap.wrap(f"{', '.join(values)},", WIDTH, initial_indent="    ",
                             subsequent_indent="    ", break_long_words=False,
                             break_on_hyphens=False)  # fmt: skip
