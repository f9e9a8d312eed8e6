"""The tutorial notebook runs, and its outputs are those that stand in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_tutorial_runs_and_shows_what_stands_in_it() -> None:
    run = subprocess.run(
        [sys.executable, "docs/notebook.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    hint = "`.venv/bin/python docs/notebook.py` writes the outputs; read the diff"
    assert run.returncode == 0, f"{hint}\n{run.stderr}"
