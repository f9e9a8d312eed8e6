"""Generated C, compiled and run: what the tests of it share."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from symgrad import outputs
from symgrad.targets.c import C
from symgrad.targets.emitted import Emitted
from tests.losses import Loss
from tests.test_losses import derived

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wpedantic", "-Werror")
"""What generated code has to pass in every compiler."""


def command(name: str) -> str:
    """A program of this machine; a test that needs it is skipped where there is none."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def emitted(loss: Loss, **more: Any) -> Emitted:
    """The C of a loss, called as that."""
    derivation = derived(loss)
    return outputs.emitted(derivation, derivation.notation, C, name=loss.name, **more)


def written(name: str, made: Emitted, folder: Path) -> Path:
    """The files in a folder, and the first of them."""
    for end, text in {".c": made.text, **made.beside}.items():
        (folder / f"{name}{end}").write_text(text, encoding="utf-8")
    return folder / f"{name}.c"


def run(arguments: Sequence[object], folder: Path) -> str:
    """What a command prints, its errors too; AssertionError where it fails."""
    done = subprocess.run(
        [*map(str, arguments)], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def outcome(
    name: str,
    made: Emitted,
    folder: Path,
    compiler: str,
    flags: Sequence[str],
) -> str:
    """What the test program says, compiled with these flags besides the strict ones."""
    source = written(name, made, folder)
    test = source.with_name(f"{name}_test.c")
    program = folder / f"{name}.out"
    run([command(compiler), *STRICT, *flags, source, test, "-o", program, "-lm"], folder)
    return run([program], folder)
