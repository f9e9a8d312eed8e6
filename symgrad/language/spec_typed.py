"""Specs that are no files: what stdin says, and one expression with its inputs."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from symgrad.errors import SpecError

STDIN = Path("-")
KINDS = ("float", "int", "bool")

_HEAD = """import numpy as np
import symgrad as sg
from symgrad import log_softmax, logsumexp, relu, sigmoid, softmax, softplus
"""


def declared(text: str, role: str) -> str:
    """The line of a spec that makes an input: ``X:N,3`` or ``y:N:int``; without sizes a scalar."""
    name, *more = [part.strip() for part in text.split(":")]
    sizes, kind = [*more, "", ""][:2]
    parts = [size.strip() for size in sizes.split(",")] if sizes else []
    wrong = [p for p in parts if not (p.isdecimal() or p.isidentifier())]
    if wrong or len(more) > 2 or not name.isidentifier() or kind not in ("", *KINDS):
        raise ValueError(f"expected NAME:SIZES, as in X:N,3 or y:N:int, not {text!r}")
    if kind and role == "param":
        raise ValueError(f"a parameter holds floats: {name}:{sizes}, not {text!r}")
    shape = "".join(f"{p if p.isdecimal() else repr(p)}, " for p in parts)
    return f"{name} = sg.{role}({name!r}, ({shape}){f', dtype={kind}' if kind else ''})"


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
        name, text = "stdin.py", sys.stdin.read()
    else:
        name, text = "expression.py", of_expression(expression, inputs)
    with tempfile.TemporaryDirectory() as folder, _beside(Path.cwd()):
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8")
        yield path


@contextmanager
def _beside(folder: Path) -> Iterator[None]:
    """Modules of the folder that one is in can be imported, as ``python -`` does."""
    before = sys.path[:]
    sys.path.insert(0, os.fspath(folder))
    try:
        yield
    finally:
        sys.path[:] = before
