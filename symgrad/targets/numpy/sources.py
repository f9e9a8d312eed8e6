"""The sources of the runtime, as the templates put them into a file."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "runtime"


class Runtime:
    """For each module of the runtime its functions, classes and tables: their texts by name.

    The modules are read and not imported: what no file asks for costs nothing.
    """

    def __getitem__(self, module: str) -> dict[str, str]:
        return _definitions(module)


@cache
def _definitions(module: str) -> dict[str, str]:
    text = (_FOLDER / f"{module}.py").read_text(encoding="utf-8")
    lines = text.splitlines()
    found = {_name(node): lines[node.lineno - 1 : node.end_lineno] for node in ast.parse(text).body}
    return {name: "\n".join(source) for name, source in found.items() if name}


def _name(node: ast.stmt) -> str:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name
    return ""
