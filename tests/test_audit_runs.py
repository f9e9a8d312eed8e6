"""Audits run programs many times: no run sees what another left, and how one ends is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from symgrad.cli import main

SPEC = """
import numpy as np
import symgrad as sg
X = sg.data("X", ("N", 3))
t = sg.data("t", ("N",))
w = sg.param("w", (3,))
loss = np.sum((X @ w - t) ** 2)
"""
HEAD = "import os, sys\nimport numpy as np\n"
PASS = "X, t, w = np.ones((4, 3)), np.ones(4), np.ones(3)\ndw = 2 * X.T @ (X @ w - t)\n"
RIGHT = {
    "a folder": "os.mkdir('results')\n" + PASS,
    "a file that is there once": "if os.path.exists('a.txt'):\n    sys.exit()\n"
    + PASS
    + "open('a.txt', 'w')\n",
    "a file that it removes": "open('data.txt').read()\nos.remove('data.txt')\n" + PASS,
    "another folder": PASS + "os.mkdir('a')\nos.chdir('a')\n",
    "a module that counts": "import tools\nassert tools.once()\n" + PASS,
    "a long loop before": "seen = 0\nfor k in range(30000):\n    seen = seen + k\n" + PASS,
    "large arrays in a loop": "for k in range(300):\n    big = np.ones(100000) * k\n" + PASS,
}
TOOLS = "seen = []\ndef once():\n    seen.append(1)\n    return len(seen) == 1\n"


def told(folder: Path, code: str) -> str:
    (folder / "data.txt").write_text("1")
    (folder / "spec.py").write_text(SPEC, encoding="utf-8")
    (folder / "tools.py").write_text(TOOLS, encoding="utf-8")
    (folder / "code.py").write_text(HEAD + code, encoding="utf-8")
    asked = ["audit", str(folder / "spec.py"), str(folder / "code.py"), "--quiet"]
    return CliRunner().invoke(main, asked).output


QUICK = {"a file that is there once", "a folder"}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.long) for n in RIGHT]
)
def test_no_run_sees_what_another_left(name: str, tmp_path: Path) -> None:
    assert "gradient right" in told(tmp_path, RIGHT[name])
    assert {p.name for p in tmp_path.iterdir()} == {"spec.py", "code.py", "tools.py", "data.txt"}


@pytest.mark.parametrize(
    ("line", "error"),
    [("raise ValueError('no')", "ValueError: no"), ("sys.exit(3)", "SystemExit: 3")],
)
@pytest.mark.parametrize("after", [pytest.param(0, marks=pytest.mark.long), 1])
def test_what_ends_a_program_too_early_is_told(
    line: str, error: str, after: int, tmp_path: Path
) -> None:
    lines = PASS.splitlines()
    found = told(tmp_path, "\n".join([*lines[:after], line, *lines[after:]]) + "\n")
    assert error in found
    assert f"code.py:{3 + after}" in found


DRAWN = """
import random
import numpy as np
X, t, w = np.random.randn(20, 3), np.random.randn(20), np.zeros(3)
def sample(n):
    return [(X[k], t[k]) for k in random.sample(range(20), n)]
for step in range(50):
    dw = np.zeros(3)
    for a, b in sample(6):
        dw += 2 * a * (a @ w - b)
    w = w - 0.1 * dw
"""


def test_rows_that_are_drawn_out_of_sight_are_no_fault(tmp_path: Path) -> None:
    found = told(tmp_path, DRAWN)
    assert "what it computes with is drawn at random from its data" in found
    assert "--inputs X=BATCH" in found
