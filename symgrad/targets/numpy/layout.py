"""Calls, tuples, arrays and heads of functions as lines of Python."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from symgrad.mathematics.sizes import Size, fixed
from symgrad.targets.about import WIDTH


def head(name: str, names: Sequence[str]) -> list[str]:
    """The first line of a function, or as many as its arguments need."""
    line = f"def {name}({', '.join(names)}):"
    if len(line) <= WIDTH:
        return [line]
    return [f"def {name}(", *("    " + line for line in wrapped(names)), "):"]


def call(targets: Sequence[str], function: str, arguments: Sequence[str]) -> list[str]:
    """Several names that a function gives."""
    left = ", ".join(targets) if len(targets) > 1 else f"({targets[0]},)"
    line = f"{left} = {function}({', '.join(arguments)})"
    if len(line) < WIDTH - 8:
        return [line]
    first, second = (["    " + line for line in wrapped(n)] for n in (targets, arguments))
    return ["(", *first, f") = {function}(", *second, ")"]


def in_brackets(parts: Sequence[str]) -> str:
    """A tuple."""
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


def in_braces(entries: Mapping[str, object]) -> str:
    """A table whose keys are names."""
    pairs = [f'"{name}": {text}' for name, text in entries.items()]
    return f"{{{', '.join(pairs)}}}"


def tuple_lines(names: Sequence[str]) -> list[str]:
    """A tuple in as many lines as it needs."""
    line = in_brackets(names)
    return [line] if len(line) < WIDTH - 16 else ["(", *("    " + x for x in wrapped(names)), ")"]


def list_lines(parts: Sequence[str]) -> str:
    """A list in as many lines as it needs, inside a function."""
    line = f"[{', '.join(parts)}]"
    if len(line) < WIDTH - 16:
        return line
    return "\n        ".join(["[", *wrapped(parts)]) + "\n    ]"


def wrapped(names: Sequence[str]) -> list[str]:
    """Names with a comma after each, in lines."""
    return textwrap.wrap(", ".join(names) + ",", WIDTH - 4, break_long_words=False)


def unpacked(name: str, entries: Sequence[str]) -> list[str]:
    """A name for each entry of a flat array."""
    line = f"{', '.join(entries)}{',' if len(entries) == 1 else ''} = {name}.tolist()"
    if len(line) < WIDTH - 8:
        return [line]
    return ["(", *("    " + x for x in wrapped(entries)), f") = {name}.tolist()"]


def quoted(text: str) -> str:
    """Text that may stand in a docstring or a string."""
    return text.replace("\\", "\\\\").replace('"', "'")


def shape_data(shape: Sequence[Size]) -> str:
    """A shape in which named sizes are strings."""
    parts = [repr(str(s)) if fixed(s) is None else str(fixed(s)) for s in shape]
    return in_brackets(parts).replace("'", '"')
