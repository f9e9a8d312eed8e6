"""Other ways in and out of the command line: stdin, one expression, parts, pages."""

from __future__ import annotations

import sys
import types
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from symgrad.cli import main
from symgrad.language.spec_typed import declared
from tests.test_cli import SPEC


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(SPEC)
    return tmp_path


def derive(*arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(main, ["derive", *arguments], input=stdin, catch_exceptions=False)


def test_a_spec_from_stdin(folder: Path) -> None:
    (folder / "helper.py").write_text("three = 3\n")
    spec = SPEC.replace("(3,)", "(helper.three,)")
    result = derive("-", "-q", stdin=f"import helper\n{spec}")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == derive("net.py", "-q").stdout
    assert "def loss_and_gradients" in (folder / "generated" / "stdin.py").read_text()


def test_an_expression() -> None:
    inputs = ["--data", "X:N,3", "--data", "y:N", "--param", "w:3"]
    result = derive("-e", "np.mean((X @ w - y)**2)", *inputs, "--format", "text", "-q")
    assert result.exit_code == 0, result.stderr
    assert "∂L/∂w = 2/N Xᵀ t₁" in " ".join(result.stdout.split())
    again = derive("-e", "np.sum(w**2)", "--param", "w:3", "-q")
    assert again.exit_code == 0, again.stderr


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("X:N,3", 'X = sg.data(\'X\', (\'N\', 3, ))'),
        ("y:N:int", "y = sg.data('y', ('N', ), dtype=int)"),
        ("s", "s = sg.data('s', ())"),
        ("s:", "s = sg.data('s', ())"),
        ("b::bool", "b = sg.data('b', (), dtype=bool)"),
    ],
)  # fmt: skip
def test_inputs_of_an_expression(text: str, line: str) -> None:
    assert declared(text, "data") == line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give a SPEC or -e EXPR"),
        (["net.py", "-e", "1"], "give a SPEC or -e EXPR"),
        (["net.py", "--param", "w:3"], "go with -e"),
        (["-e", "np.sum(w)", "--param", "w:3:int"], "a parameter holds floats"),
        (["-e", "np.sum(w)", "--param", "w:3,"], "expected NAME:SIZES"),
        (["-e", "np.sum(w)", "--param", "3:w"], "expected NAME:SIZES"),
        (["-e", "np.sum(", "--param", "w:3"], "not valid Python"),
        (["net.py", "--out", "page.html"], "is no folder"),
        (["net.py", "--open", "--format", "text"], "--open is for a page"),
        (["-", "--watch"], "a SPEC that is a file"),
        (["net.py", "-o", "net2.py"], "the code goes to a folder, --out DIR"),
        (["net.py", "--part", "forwards"], "there is no part 'forwards'"),
    ],
)
def test_what_does_not_go_together(arguments: list[str], said: str) -> None:
    result = derive(*arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


def test_parts_are_just_formulas() -> None:
    shown = derive("net.py", "-q", "--part", "forward,w", "--detail", "brief", "--format", "text")
    lines = [line.split(" = ")[0].strip() for line in shown.stdout.splitlines() if line]
    assert lines == ["r[n]", "L", "∂L/∂w[i]"]


def test_a_page_is_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    assert derive("net.py", "-q", "--open").exit_code == 0
    page = folder / "generated" / "net.html"
    assert opened == [page.as_uri()]
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert derive("net.py", "-q", "--open", "-o", "other.html").exit_code == 0
    assert opened[1:] == [(folder / "other.html").as_uri()]
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    assert "no browser was found: open" in derive("net.py", "-q", "--open").stderr


def test_a_spec_is_watched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def watch(place: Path, **_: Any) -> Iterator[None]:
        for text in (SPEC.replace("r**2", "r**4"), "loss = (", SPEC):
            seen.append((folder / "page.html").read_text(encoding="utf-8"))
            (place / "net.py").write_text(text)
            yield
        raise KeyboardInterrupt

    module = types.SimpleNamespace(watch=watch)
    monkeypatch.setitem(sys.modules, "watchfiles", module)
    spec = SPEC[: SPEC.index("example")]
    (folder / "net.py").write_text(spec)
    result = derive("net.py", "--watch", "-o", "page.html")
    assert result.exit_code == 0, result.stderr
    assert result.stderr.count("wrote page.html") == 2
    assert "not valid Python" in result.stderr
    assert 'http-equiv="refresh"' in seen[0]
    assert len(seen) == 3


def test_watching_needs_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    result = derive("net.py", "--watch")
    assert result.exit_code == 2
    assert "pip install 'symgrad[watch]'" in result.stderr
