"""Specs that are no files: what stdin says, and one expression with its inputs."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from keyword import iskeyword
from pathlib import Path

from symgrad.errors import Location, SpecError, SymgradError, visible

STDIN = Path("-")
KINDS = ("float", "int", "bool")
LONGEST, LARGEST = 20, 2**63 - 1
"""How many digits of a size are looked at, and the largest one."""

_HEAD = """import numpy as np
import symgrad as sg
from symgrad import log_softmax, logsumexp, relu, sigmoid, softmax, softplus
"""


@dataclass(frozen=True)
class Typed(Location):
    """A line of a spec that is no file: it is told as where it was typed."""

    place: str = ""
    """``stdin``, or ``-e`` for the lines of an expression."""

    def __str__(self) -> str:
        shown = self.text.removeprefix("loss = ") if self.place == "-e" else self.text
        at = "" if self.place == "-e" else f":{self.line}"
        return f"{self.place}{at}:  {shown}".rstrip()


def declared(text: str, role: str) -> str:
    """The line of a spec that makes an input: ``X:N,3`` or ``y:N:int``; without sizes a scalar."""
    if not text.isprintable():
        raise ValueError(f"expected NAME:SIZES in one line, not {text!r}")
    name, *more = [part.strip() for part in text.split(":")]
    sizes, kind = [*more, "", ""][:2]
    parts = [size.strip() for size in sizes.split(",")] if sizes else []
    wrong = [p for p in parts if not (p.isdecimal() or p.isidentifier())]
    if wrong or not _ends_well(more) or not name.isidentifier() or kind not in ("", *KINDS):
        raise ValueError(f"expected NAME:SIZES, as in X:N,3 or y:N:int, not {text!r}")
    if kind and role == "param":
        raise ValueError(f"a parameter holds floats: {name}:{sizes}, not {text!r}")
    if iskeyword(name):
        raise ValueError(f"{name} is a word of Python's: give the input another name")
    if large := next((p for p in parts if p.isdecimal() and int(p[:LONGEST]) > LARGEST), None):
        raise ValueError(f"the size {visible(large, 24)} is larger than any array")
    shape = "".join(f"{p if p.isdecimal() else repr(p)}, " for p in parts)
    return f"{name} = sg.{role}({name!r}, ({shape}){f', dtype={kind}' if kind else ''})"


def _ends_well(more: Sequence[str]) -> bool:
    """Whether what follows a name is its sizes, and perhaps its dtype: ``w:3:`` lacks one.

    A scalar has no sizes, with the colon or without it.
    """
    return not more or more == [""] or (len(more) < 3 and bool(more[-1]))


def of_expression(expression: str, inputs: Sequence[str]) -> str:
    """The spec of one expression."""
    return "\n".join([_HEAD, *inputs, f"loss = {expression}", ""])


@contextmanager
def as_file(spec: Path | None, expression: str | None, inputs: Sequence[str]) -> Iterator[Path]:
    """The file of a spec, for as long as it is needed where it is no file yet."""
    if spec is not None and expression is None and not inputs and spec != STDIN:
        yield spec
        return
    if (spec is None) == (expression is None):
        raise SpecError("give a SPEC or -e EXPR, one of them", hint="symgrad derive spec.py")
    if expression is None and inputs:
        raise SpecError("--data and --param go with -e", hint="a spec says what its inputs are")
    if expression is None:
        name, text, place = "stdin.py", sys.stdin.read(), "stdin"
    else:
        _check_expression(expression, inputs)
        name, text, place = "expression.py", of_expression(expression, inputs), "-e"
    with tempfile.TemporaryDirectory() as folder, _beside(Path.cwd()):
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
        with _told_as_typed(path, place):
            yield path


def _check_expression(expression: str, inputs: Sequence[str]) -> None:
    if not expression.strip():
        raise SpecError("the expression of -e is empty", hint='give one: -e "np.sum(w**2)"')
    for name, times in Counter(line.partition(" = ")[0] for line in inputs).items():
        if times > 1:
            raise SpecError(f"{times} inputs are called {name}", hint="give each a name of its own")


@contextmanager
def _told_as_typed(path: Path, place: str) -> Iterator[None]:
    """Errors that are told where the user typed the line, and not in the file that was made."""
    try:
        yield
    except SymgradError as error:
        if error.where is not None and error.where.file == str(path):
            error.where = Typed(error.where.file, error.where.line, place=place)
        lines = re.compile(rf"(\S*/)?{re.escape(path.parent.name)}/{path.name}(:\d+)?")
        error.what, error.hint = (lines.sub(place, said) for said in (error.what, error.hint))
        raise


@contextmanager
def _beside(folder: Path) -> Iterator[None]:
    """Modules of the folder that one is in can be imported, as ``python -`` does."""
    before = sys.path[:]
    sys.path.insert(0, os.fspath(folder))
    try:
        yield
    finally:
        sys.path[:] = before
