"""Run the tutorial notebook; write its outputs into it, or say where they differ."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parent.parent / "examples" / "tutorial.ipynb"
KINDS = ("text/markdown", "text/latex", "text/plain")
"""What is kept of an output: the first of these that it has."""


def executed(path: Path) -> str:
    """The text of the notebook with the outputs that it has now, and nothing of this run."""
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    with TemporaryDirectory() as folder:
        client = NotebookClient(notebook, timeout=60, resources={"metadata": {"path": folder}})
        client.execute()
    for number, cell in enumerate(notebook.cells, 1):
        cell.id = f"cell-{number}"
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [_plain(output) for output in cell.outputs]
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    text = nbformat.writes(notebook, indent=1)  # type: ignore[no-untyped-call]
    return f"{text.rstrip()}\n"


def _plain(output: Any) -> Any:
    """An output in the form that a reader sees."""
    if "data" in output:
        kind = next(k for k in KINDS if k in output.data)
        output.data = {kind: output.data[kind]}
    return output


def main() -> None:
    """With --check: exit with 1 where the notebook's outputs are not those that it has now."""
    before, after = NOTEBOOK.read_text(encoding="utf-8"), executed(NOTEBOOK)
    if "--check" not in sys.argv:
        NOTEBOOK.write_text(after, encoding="utf-8")
    elif before != after:
        lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1)
        sys.exit("\n".join(lines))


if __name__ == "__main__":
    main()
