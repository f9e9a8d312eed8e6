"""Generated code, statement by statement, each with the equation that it computes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

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
    """The function that computes everything; an equation stands above what computes it.

    What prepares a statement is written before it, and what goes on with its value after it.
    """
    listed = list(parts(function(code.source.splitlines())))
    start = next((k for k, part in enumerate(listed) if not _HEAD.search(part)), len(listed))
    found = Statement("", "", "", "\n".join(listed[:start]))
    waiting: list[str] = []
    for part in listed[start:]:
        if part.lstrip().startswith("# "):
            yield found
            found = Statement(_named(part, code.formulas), "\n".join(waiting), part, "")
            waiting = []
        elif waiting or not found.comment or (found.code and not _goes_on(part, found.name)):
            waiting.append(part)
        else:
            found = replace(found, code=f"{found.code}\n{part}" if found.code else part)
    yield found
    if waiting:
        yield Statement("", "", "", "\n".join(waiting))


_HEAD = re.compile(r'^def |^\s*"""|= _\w+\(|^\s*\w+ = \w+\.shape\[')
"""What stands before the first statement: the arguments and their sizes."""


def _goes_on(line: str, name: str) -> bool:
    """Whether a statement changes a value that is there."""
    value = re.escape(name)
    return bool(re.match(rf"\s*({value}(\[.*\])? [-+*/@]*= |np\.\w+\(.*out={value}\))", line))


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
