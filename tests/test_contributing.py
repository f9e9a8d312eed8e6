"""What CONTRIBUTING says is so: its examples are run as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

USE = """
import docs.language
import numpy as np
import scipy.special
import symgrad as sg

x = sg.param("x", ("N",))
derivation = sg.derive(np.sum(scipy.special.exp10(x) * x))
value, found = derivation.compile().loss_and_gradients(x=np.array([0.5, -2.0]))
ten = np.array([10**0.5, 0.01])
np.testing.assert_allclose(value, ten @ [0.5, -2.0], rtol=1e-15)
np.testing.assert_allclose(found.x, ten * (1 + np.log(10) * np.array([0.5, -2.0])), rtol=1e-14)
assert "10^{x_{n}}" in derivation.latex()
assert "10^x[n]" in derivation.render("text"), derivation.render("text")
assert "scipy.special.exp10(x)" in docs.language.elementwise()
"""


def examples(root: Path) -> list[str]:
    """The examples in Python."""
    text = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    for folder in ("symgrad", "templates", "tests", "docs"):
        shutil.copytree(root / folder, tmp_path / folder, ignore=shutil.ignore_patterns("node*"))
    shutil.copy(root / "pyproject.toml", tmp_path)
    return tmp_path


def run(copy: Path, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=copy, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.long
def test_a_leaf_is_what_the_example_says_and_nothing_else(root: Path, copy: Path) -> None:
    """Written at the end of the table: it is derived, printed, compiled, documented, and proved."""
    leaf = next(example for example in examples(root) if example.startswith("class "))
    with (copy / "symgrad/mathematics/scalars.py").open("a", encoding="utf-8") as table:
        table.write(f"\n\n{leaf}")
    run(copy, "-c", USE)
    tests = ("tests/test_leaves.py", "tests/test_elementwise.py", "tests/test_language.py")
    told = run(copy, "-m", "pytest", "-q", "-p", "no:xdist", "-k", "exp10", *tests)
    passed = re.search(r"(\d+) passed", told)
    assert passed is not None
    assert int(passed[1]) > 10


def flat(text: str) -> str:
    """Code as one line, without what a formatter may add."""
    return re.sub(r",(?=[)\]}])", "", re.sub(r"\s+", "", text))


def test_the_other_examples_stand_in_the_code(root: Path) -> None:
    code = [flat(p.read_text(encoding="utf-8")) for p in (root / "symgrad").rglob("*.py")]
    blocks = [b for b in examples(root) if not b.startswith("class ")]
    assert blocks
    for example in blocks:
        assert any(flat(example) in text for text in code), example


def test_the_places_that_are_named_exist(root: Path) -> None:
    """Each folder and file; and each name, in the file that is named with it or somewhere."""
    said = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", (root / "CONTRIBUTING.md").read_text("utf-8"))
    paths = [s for s in said if "/" in s]
    assert paths
    assert [p for p in paths if not (root / p).exists()] == []
    files = (p for folder in ("symgrad", "tests") for p in (root / folder).rglob("*.py"))
    code = "\n".join(p.read_text(encoding="utf-8") for p in files)
    names = [s for s in said if re.fullmatch(r"[A-Za-z_.]+", s)]
    assert [n for n in names if n.split(".")[-1] not in code] == []
