"""The sources of the runtime, as the templates put them into a file."""

from __future__ import annotations

import ast
import inspect
from functools import cache
from types import ModuleType

from symgrad.targets.numpy.runtime import (
    arguments,
    assumptions,
    entries,
    prepared,
    self_check,
    workspace,
)

_MODULES = (arguments, assumptions, entries, prepared, self_check, workspace)


@cache
def runtime() -> dict[str, dict[str, str]]:
    """For each module of the runtime its functions, classes and tables: their texts by name."""
    return {m.__name__.rpartition(".")[2]: _definitions(m) for m in _MODULES}


def _definitions(module: ModuleType) -> dict[str, str]:
    text = inspect.getsource(module)
    lines = text.splitlines()
    return {
        _name(node): "\n".join(lines[node.lineno - 1 : node.end_lineno])
        for node in ast.parse(text).body
        if _name(node)
    }


def _name(node: ast.stmt) -> str:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name
    return ""
