"""Generated code, statement by statement, each with the equation that it computes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from symgrad.formats.sheet import Code


@dataclass(frozen=True)
class Statement:
    """Lines of code that belong together; ``name``: the equation that they compute.

    ``before`` are the lines that prepare it, ``comment`` is the equation as the code has it.
    """

    name: str
    before: str
    comment: str
    code: str


def statements(code: Code) -> Iterator[Statement]:
    """The function that computes everything; an equation stands above what computes it."""
    waiting: list[str] = []
    comment, name, done = "", "", ""
    for part in parts(function(code.source.splitlines())):
        if part.lstrip().startswith("# "):
            comment, name = part, _named(part, code.formulas)
            before, waiting = waiting, []
        elif comment and not _writes(part, name):
            waiting.append(part)
        elif comment:
            yield Statement(name, "\n".join(before), comment, "\n".join([*waiting, part]))
            comment, waiting, done = "", [], name
        elif done and part.lstrip().startswith((f"{done}[", f"{done} ")):
            yield Statement(done, "", "", part)
        else:
            waiting.append(part)
    if waiting or comment:
        yield Statement("", "", comment, "\n".join(waiting))


def function(lines: Sequence[str]) -> list[str]:
    """The lines of the function that gives the value and the derivatives."""
    start = next((k for k, line in enumerate(lines) if "_and_gradients(" in line), 0)
    found = list(lines[start : start + 1])
    for line in lines[start + 1 :]:
        if line and not line.startswith((" ", ")")):
            break
        found.append(line)
    return "\n".join(found).rstrip().splitlines()


def parts(lines: Sequence[str]) -> Iterator[str]:
    """Statements and comments, each with the lines on which it goes on."""
    found: list[str] = []
    depth = 0
    for line in lines:
        comment = line.lstrip().startswith("#")
        goes_on = depth > 0 or (comment and bool(found) and line.lstrip().startswith("#     "))
        if found and not goes_on:
            yield "\n".join(found)
            found = []
        found.append(line)
        depth += 0 if comment else _opened(line)
    if found:
        yield "\n".join(found)


def _opened(line: str) -> int:
    """How many brackets a line opens and does not close."""
    code = line.partition("  #")[0]
    return sum(code.count(c) for c in "([{") - sum(code.count(c) for c in ")]}")


def _named(comment: str, formulas: Mapping[str, str]) -> str:
    """The equation that a comment is."""
    match = re.match(r"# (\w+)(?:\[[^\]]*\])? = ", comment.lstrip())
    return match[1] if match and match[1] in formulas else ""


def _writes(line: str, name: str) -> bool:
    """Whether a statement computes a value."""
    return not name or bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", line))
