"""The wheel has all that symgrad needs: it derives a spec in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

PIP = ("-m", "pip", "--disable-pip-version-check", "-qq")


def run(*command: str | Path, cwd: Path) -> str:
    arguments = list(map(str, command))
    done = subprocess.run(arguments, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, made from the source distribution, so that both have to be complete."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, root, cwd=out)
    return next(out.glob("*.whl"))


def test_the_wheel_carries_the_templates(wheel: Path, root: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        carried = {n for n in archive.namelist() if n.startswith("symgrad/templates/")}
    templates = [p for p in (root / "templates").rglob("*") if p.is_file()]
    assert templates
    assert carried == {f"symgrad/templates/{p.relative_to(root / 'templates')}" for p in templates}


def test_the_wheel_says_that_it_has_types(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert "symgrad/py.typed" in archive.namelist()


@pytest.mark.long
def test_the_wheel_works_by_itself(wheel: Path, root: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    bin_dir = tmp_path / "env" / ("Scripts" if sys.platform == "win32" else "bin")
    work = tmp_path / "work"
    work.mkdir()
    run(bin_dir / "python", *PIP, "install", "--no-compile", wheel, cwd=work)
    (work / "spec.py").write_text((root / "examples" / "notebook.py").read_text())
    derivation = run(bin_dir / "symgrad", "derive", "spec.py", cwd=work)
    assert r"\frac{\partial L}{\partial W_{3}}" in derivation
    run(bin_dir / "python", "generated/spec.py", cwd=work)
