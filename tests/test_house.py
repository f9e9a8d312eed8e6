"""How large files, functions and folders may be."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "symgrad"
SOURCES = sorted(PACKAGE.rglob("*.py"))
TEMPLATES = sorted((PACKAGE.parent / "templates").rglob("*.jinja"))

LINES_OF_A_FILE = 450
LINES_OF_A_TEMPLATE = 120
LINES_OF_A_FUNCTION = 40
LINES_OF_MOST_FUNCTIONS = 15
FILES_ON_TOP = 12


def lengths(source: str) -> dict[str, int]:
    """How many lines each function has, by its name and line."""
    found = (n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef))
    return {f"{n.name}:{n.lineno}": (n.end_lineno or 0) - n.lineno + 1 for n in found}


def functions() -> dict[str, int]:
    return {
        f"{path.relative_to(PACKAGE)}:{name}": length
        for path in SOURCES
        for name, length in lengths(path.read_text(encoding="utf-8")).items()
    }


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def ninth_decile(numbers: list[int]) -> float:
    return statistics.quantiles(numbers, n=10, method="inclusive")[-1]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_a_file_is_read_in_one_go(path: Path) -> None:
    assert lines(path) <= LINES_OF_A_FILE


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: "/".join(p.parts[-2:]))
def test_a_part_of_a_template_too(path: Path) -> None:
    assert lines(path) <= LINES_OF_A_TEMPLATE


def test_functions_are_short() -> None:
    found = functions()
    assert {n: k for n, k in found.items() if k > LINES_OF_A_FUNCTION} == {}
    assert ninth_decile(list(found.values())) <= LINES_OF_MOST_FUNCTIONS


def test_few_files_stand_outside_the_folders() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= FILES_ON_TOP


def test_what_is_counted() -> None:
    source = "class A:\n    def f(x):\n        def g():\n            return 1\n        return g\n"
    assert lengths(source) == {"f:2": 4, "g:3": 2}
    assert ninth_decile([*range(1, 101)]) == pytest.approx(90.1)
    assert TEMPLATES
    assert len(SOURCES) > FILES_ON_TOP
