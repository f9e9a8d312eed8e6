"""The command line: what goes where, and the exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from symgrad.cli import main

SPEC = """
import numpy as np
import symgrad as sg

X = sg.data("X", ("N", 3))
t = sg.data("t", ("N",))
w = sg.param("w", (3,))
unused = sg.param("unused", (2, 2))

r = X @ w - t
loss = np.sum(r**2)

example = {"X": [[1, 2, 3]], "t": [1], "w": [1, 0, -1], "unused": [[0, 0], [0, 0]]}
expected = {"r": [-3], "dL_dw": [-6, -12, -18]}
compared = {"loss": 9, "dL_dr": [-6.5]}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(SPEC)
    return tmp_path


def derive(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["derive", *arguments], catch_exceptions=False)


def test_derivation_on_stdout_the_rest_on_stderr(folder: Path) -> None:
    result = derive("net.py")
    assert result.exit_code == 0, result.stderr
    assert r"\frac{\partial L}{\partial w}" in result.stdout
    assert "generated/net.py" in result.stderr
    assert "generated/net.py" not in result.stdout


def test_the_report(folder: Path) -> None:
    report = " ".join(derive("net.py").stderr.split())
    assert "loss does not depend on unused: its gradient is zero" in report
    assert "exactly right" in report
    assert "off by up to 0.5" in report


def test_quiet(folder: Path) -> None:
    assert derive("net.py", "--quiet").stderr == ""


def test_the_generated_module_runs(folder: Path) -> None:
    derive("net.py", "--out", "made/here")
    code = (
        "from made.here.net import loss_and_gradients as f\n"
        "import numpy as np\n"
        "x = np.array([[1., 2., 3.], [0., 1., 0.]])\n"
        "p = {'w': np.array([1., 0., -1.]), 'unused': np.ones((2, 2))}\n"
        "value, g = f(X=x, t=np.array([1., 0.]), **p)\n"
        "assert value == 9 and g.w.tolist() == [-6, -12, -18] and not g.unused.any()\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=folder)


def test_same_spec_same_bytes(folder: Path) -> None:
    made = folder / "generated" / "net.py"
    derive("net.py")
    before = made.read_bytes()
    derive("net.py")
    assert made.read_bytes() == before


def test_wrt(folder: Path) -> None:
    result = derive("net.py", "--wrt", "X, w")
    assert result.exit_code == 0, result.stderr
    source = (folder / "generated" / "net.py").read_text()
    assert "unused" not in source.split("class Gradients")[1].split("def ")[0]


def test_wrt_a_value_on_the_way(folder: Path) -> None:
    assert derive("net.py", "--wrt", "r").exit_code == 0
    subprocess.run([sys.executable, "-W", "error", "generated/net.py"], check=True, cwd=folder)


def test_a_document_of_its_own(folder: Path) -> None:
    document = derive("net.py", "--format", "tex").stdout
    assert document.startswith(r"\documentclass")
    assert document.rstrip().endswith(r"\end{document}")


@pytest.mark.parametrize(
    ("text", "arguments", "parts"),
    [
        (SPEC.replace("X @ w", "w @ X"), [], ["cannot multiply", "net.py:10:  r = w @ X - t"]),
        (SPEC.replace("r**2", "np.fmod(r, 2)"), [], ["fmod", "net.py:11:"]),
        (SPEC.replace('"t"', '"X"'), [], ["two arrays are called 'X'", "net.py:6:"]),
        (SPEC.replace('"w"', '"np"'), [], ["'np'", "net.py:7:"]),
        (SPEC.replace("param", "data"), [], ["nothing to differentiate by", "net.py:11:"]),
        (SPEC, ["--wrt", "W"], ["'W'", "net.py:11:  loss =", "perhaps w"]),
        ("1 / 0\n", [], ["ZeroDivisionError", "net.py:1:  1 / 0"]),
    ],
    ids=["sizes", "unsupported", "same name", "reserved", "no parameter", "wrt", "raises"],
)
def test_a_bad_spec(folder: Path, text: str, arguments: list[str], parts: list[str]) -> None:
    (folder / "net.py").write_text(text)
    result = derive("net.py", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert len(result.stderr.splitlines()) == 3, result.stderr
    for part in parts:
        assert part in result.stderr
    assert not (folder / "generated").exists()


def test_a_missing_spec(folder: Path) -> None:
    result = derive("nett.py")
    assert result.exit_code == 2
    assert "nett.py does not exist" in result.stderr
    assert "perhaps net.py" in result.stderr


def test_a_failed_check_keeps_the_file_of_before(folder: Path) -> None:
    derive("net.py")
    before = (folder / "generated" / "net.py").read_bytes()
    (folder / "net.py").write_text(SPEC.replace("-18]", "-17]").replace("r**2", "r**2 + 0"))
    result = derive("net.py")
    assert result.exit_code == 1
    assert (folder / "generated" / "net.py").read_bytes() == before
    error = result.stderr[result.stderr.index("error: ") :]
    for part in ("dL_dw", "-17", "-18", "largest difference 1"):
        assert part in error


def test_the_spec_is_not_overwritten(folder: Path) -> None:
    result = derive("net.py", "--out", ".")
    assert result.exit_code == 2
    assert (folder / "net.py").read_text() == SPEC


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_reader_that_goes_away(folder: Path) -> None:
    command = f"{sys.executable} -m symgrad derive net.py | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert (folder / "generated" / "net.py").exists()


def test_help_shows_how() -> None:
    text = CliRunner().invoke(main, ["derive", "--help"]).stdout
    assert "--wrt W1,b1" in text
