"""Calls, tuples, arrays and heads of functions as lines of Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symgrad.mathematics.sizes import Size, fixed
from symgrad.targets.about import WIDTH

LINE = 100
"""The longest line of code."""


def definition(name: str, arguments: Sequence[str], gives: str) -> list[str]:
    """The first line of a function, or as many as its arguments need."""
    return call(f"def {name}", arguments, f" -> {gives}:", LINE)


def call(
    function: str, arguments: Sequence[str], end: str = "", width: int = LINE - 4
) -> list[str]:
    """A call in one line, or in as many as its arguments need."""
    inside = ", ".join(arguments)
    if len(line := f"{function}({inside}){end}") <= width:
        return [line]
    lines = [inside] if len(inside) <= width - 4 else wrapped(arguments, width - 4)
    return [f"{function}(", *("    " + line for line in lines), f"){end}"]


def assigned(
    targets: Sequence[str], function: str, arguments: Sequence[str], end: str = ""
) -> list[str]:
    """Names for what a call gives: one value, or a tuple; without a function for the arguments."""
    if not function and len(arguments) == 1:
        arguments = [f"{arguments[0]},"]
    line = f"{', '.join(targets)} = "
    if len(line) < WIDTH // 2 or len(targets) == 1:  # a comma after one would take it apart
        return call(f"{line}{function}", arguments, end)
    first = ["    " + line for line in wrapped(targets)]
    return ["(", *first, *call(f") = {function}", arguments, end)]


def listed_in(word: str, names: Sequence[str]) -> list[str]:
    """Names after a word."""
    line = f"{word} {', '.join(names)}"
    if len(line) <= WIDTH - 4:
        return [line]
    return [f"{word} (", *("    " + line for line in wrapped(names)), ")"]


def in_brackets(parts: Sequence[str]) -> str:
    """A tuple."""
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


def in_braces(entries: Mapping[str, object]) -> str:
    """A table whose keys are names."""
    pairs = [f'"{name}": {text}' for name, text in entries.items()]
    return f"{{{', '.join(pairs)}}}"


def mapping(name: str, entries: Sequence[str]) -> list[str]:
    """A name for a table, in as many lines as it needs."""
    line = f"{name} = {{{', '.join(entries)}}}"
    if len(line) <= LINE - 4:
        return [line]
    return [f"{name} = {{", *("    " + x for x in wrapped(entries)), "}"]


def list_lines(parts: Sequence[str]) -> str:
    """A list in as many lines as it needs, inside a function."""
    line = f"[{', '.join(parts)}]"
    if len(line) <= WIDTH - 40:
        return line
    return "\n        ".join(["[", *wrapped(parts)]) + "\n    ]"


def wrapped(names: Sequence[str], width: int = WIDTH - 8) -> list[str]:
    """Names with a comma after each, in lines."""
    lines: list[str] = []
    for name in names:
        if lines and len(lines[-1]) + len(name) + 2 <= width:
            lines[-1] += f" {name},"
        else:
            lines.append(f"{name},")
    return lines


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
