"""What a spec does while it is read: objects of its own, its folder, numbers that are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from symgrad.cli import main

START = """import os, sys
import numpy as np
import symgrad as sg
from decimal import Decimal
from fractions import Fraction
w = sg.param("w", (3,))
loss = np.sum(w**2)
class Read:
    def __array__(self, *a, **k): {}
class Endless:
    def __len__(self): return 3
    def __getitem__(self, k): return 1.0
inside = [1]
inside[0] = inside
deep = [1, 2, 3]
for _ in range(5000): deep = [deep]
"""
OBJECTS = {
    "sys.exit(0)": "the spec raised SystemExit: 0",
    "os._exit(0)": "the spec raised SystemExit: 0",
    "1 / 0": "the spec raised ZeroDivisionError",
}
LINES = {
    "example = {'w': Endless()}": "`example['w']` holds a Endless, which is no array",
    "example = {'w': inside}": "`example['w']` has lists in lists, more than 64 deep",
    "example = {'w': deep}": "`example['w']` has lists in lists",
    "example = {'w': [1, 2, Decimal('1E+400')]}": "`example['w']` holds 1E+400, which is larger",
    "example = {'w': np.ones(3)}; expected = {'loss': np.longdouble('1e4000')}":
        "`expected['loss']` holds 1e+4000, which is larger",
    "loss = np.sum(w * Endless())": "a constant holds a Endless, which is no array",
    "loss = np.sum(Endless() * w)": "a constant holds a Endless, which is no array",
    "loss = np.sum(w) * Decimal('NaN')": "the number nan can't stand in an equation",
    "loss = np.sum(w) * Decimal('sNaN')": "the number nan can't stand in an equation",
    "loss = np.sum(w) * Decimal('1E+999999999')": "the number of about 1000000000 digits",
    "loss = np.sum(w) * Decimal('1E-999999')": "the number of about 1000000 digits",
    "loss = np.sum(w) * Fraction(10**5000)": "the number of about 4983 digits can't stand",
    "loss = np.sum(w) * np.longdouble('1e4000')": "the number 1e+4000 can't stand in an equation",
    "loss = np.sum(w) * 1e400": "the number 1e400 is larger than any float64",
    "loss = np.sum(w * np.inf)": "np.multiply of values by an infinity is not supported",
    "loss = np.sum(-np.inf * w)": "np.multiply of values by an infinity is not supported",
    "loss = np.sum(w ** np.inf)": "np.power of values by an infinity is not supported",
    "loss = np.sum(w ** 1E+999)": "the number 1E+999 is larger than any float64",
}  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(spec: str) -> list[str]:
    """The three lines of an error."""
    Path("net.py").write_text(spec)
    result = CliRunner().invoke(main, ["derive", "net.py", "-q"])
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    what, where, hint = result.stderr.splitlines()
    assert where.startswith("  net.py:")
    assert hint.strip()
    return [what, where]


@pytest.mark.parametrize("line", LINES)
def test_what_is_no_number(line: str) -> None:
    what, where = told(f"{START.format('1 / 0')}{line}\n")
    assert what.startswith(f"error: {LINES[line]}")
    assert line in where


@pytest.mark.parametrize("does", OBJECTS)
def test_what_an_object_does_when_it_is_read(does: str) -> None:
    what, where = told(f"{START.format(does)}example = {{'w': Read()}}\n")
    assert what.startswith(f"error: {OBJECTS[does]}")
    assert does in where


def test_what_an_object_prints_is_no_derivation() -> None:
    prints = "print('read') or np.ones(3)"
    Path("net.py").write_text(f"{START.format(f'return {prints}')}example = {{'w': Read()}}\n")
    result = CliRunner().invoke(main, ["derive", "net.py", "-q"])
    assert result.exit_code == 0
    assert "read" in result.stderr
    assert "read" not in result.stdout


@pytest.mark.parametrize("to", ["os.path.dirname(os.path.abspath(__file__))", "'/'"])
@pytest.mark.parametrize("where", [["--out", "."], ["-o", "net.md"], ["--out", "sub"]])
def test_paths_are_from_the_folder_of_the_command(folder: Path, to: str, where: list[str]) -> None:
    """A spec that goes to another folder, as scripts do, is not what is replaced there."""
    spec = folder / "sub" / "net.py"
    spec.parent.mkdir()
    text = f"import os\nos.chdir({to})\n{START.format('1 / 0')}"
    spec.write_text(text)
    result = CliRunner().invoke(main, ["derive", "sub/net.py", *where, "--force", "-q"])
    assert spec.read_text() == text
    assert Path.cwd() == folder
    assert result.exit_code == (2 if where[-1] == "sub" else 0)
    written = "net.md" if where[-1] == "net.md" else "net.py"
    assert (folder / written).exists() == (where[-1] != "sub")


def test_an_error_is_told_at_its_line_after_the_folder_was_left(folder: Path) -> None:
    spec = folder / "sub" / "net.py"
    spec.parent.mkdir()
    spec.write_text(f"import os\nos.chdir('/')\n{START.format('1 / 0')}w @ np.ones(4)\n")
    result = CliRunner().invoke(main, ["derive", "sub/net.py"])
    assert "  sub/net.py:19:  w @ np.ones(4)" in result.stderr


def test_a_folder_that_is_gone_afterwards(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = folder / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    Path("net.py").write_text(
        f"import os\nos.rename(os.getcwd(), '{folder}/there')\n{START.format('1 / 0')}"
    )
    result = CliRunner().invoke(main, ["derive", "net.py", "-q"])
    monkeypatch.chdir(folder)
    assert result.exit_code == 2
    assert "is not there any more" in result.stderr


# -- the command ----------------------------------------------------------------------------------

PLAIN = START.format("1 / 0")
COMMANDS = {
    ("net.py", "--seed", "-1"): "-1 is not in the range x>=0",
    ("net.py", "-o", ""): "'' is no path",
    ("net.py", "-o", " "): "' ' is no path",
    ("net.py", "-o", "sub/"): "sub/ is a folder, not a file",
    ("net.py", "--out", ""): "'' is no path",
    ("net.py", "--target", "c", "--size", "N=3"): "no size has a name here",
    ("net.py", "--target", "c", "--tests"): "leave the tests out",
    ("-e", "", "--param", "w:3"): "the expression of -e is empty",
    ("-e", "np.sum(w)", "--param", "w:3", "--data", "w:4"): "2 inputs are called w",
    ("-e", "np.sum(w)", "--param", "w:3:"): "expected NAME:SIZES",
    ("-e", "np.sum(w)", "--param", "w\n:3"): "expected NAME:SIZES in one line",
    ("-e", "np.sum(w)", "--param", "lambda:3"): "lambda is a word of Python's",
    ("-e", "np.sum(w)", "--param", "w:" + "9" * 24): "the size 999999999999999999999999 is larger",
    ("-e", "np.sum(w", "--param", "w:3"): "never closed -e: np.sum(w mend this line",
    ("-e", "np.summ(w)", "--param", "w:3"): "-e: np.summ(w)",
    ("-e", "w", "--param", "w:3"): "it has to be a scalar -e: w perhaps",
}


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda a: " ".join(a)[:60])
def test_a_wrong_command(arguments: tuple[str, ...]) -> None:
    Path("net.py").write_text(PLAIN)
    result = CliRunner().invoke(main, ["derive", *arguments])
    said = " ".join(result.stderr.replace("│", " ").split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert COMMANDS[arguments] in said
    assert "/tmp" not in said.replace(str(Path.cwd()), "")
    assert {p.name for p in Path().iterdir()} <= {"net.py", "__pycache__"}


def test_stdin_is_told_as_such() -> None:
    result = CliRunner().invoke(main, ["derive", "-"], input=f"{PLAIN}w @ np.ones(4)\n")
    assert result.exit_code == 2
    assert "\n  stdin:17:  w @ np.ones(4)\n" in result.stderr


def test_a_value_that_is_not_there_is_told_as_it_was_asked_for() -> None:
    Path("net.py").write_text(PLAIN)
    result = CliRunner().invoke(main, ["explain", "net.py", "q"])
    assert result.exit_code == 2
    assert result.stderr.startswith("error: the spec has no value 'q'")


@pytest.mark.parametrize("name", ["numpy", "random", "class", "1net", "statistics"])
def test_a_module_takes_no_other_ones_place(folder: Path, name: str) -> None:
    Path(f"{name}.py").write_text(PLAIN)
    result = CliRunner().invoke(main, ["derive", f"{name}.py", "-q"])
    assert result.exit_code == 2
    assert f"the module of {name}.py would be called {name}" in result.stderr
    assert f"rename the spec, as in my_{name}.py" in result.stderr
    assert not (folder / "generated").exists()


LARGE = {
    "sg.param('q', (2,) * 21)": "'q' has 21 axes",
    "sg.param('q', (1,) * 64)": "'q' has 64 axes",
    "sg.param('q', ('N' * 2000,))": "the name NNNNNNNNNNNNNNNNNNN… has 2000 letters",
    "sg.param('q' * 101, (3,))": "the name qqqqqqqqqqqqqqqqqqq… has 101 letters",
}


@pytest.mark.parametrize("line", LARGE)
def test_what_is_too_large(line: str) -> None:
    assert told(f"{PLAIN}loss = np.sum({line})\n")[0] == f"error: {LARGE[line]}"


def test_long_names_are_printed_whole(folder: Path) -> None:
    """Names that fill a line of the generated file stand in lines of their own."""
    Path("net.py").write_text(f"{PLAIN}{'q' * 99} = np.exp(w)\nloss = np.sum({'q' * 99}**2)\n")
    result = CliRunner().invoke(main, ["derive", "net.py", "-q", "--format", "text"])
    assert result.exit_code == 0, result.stderr


# -- encodings ------------------------------------------------------------------------------------


def test_a_spec_in_the_encoding_that_it_declares() -> None:
    text = f'# -*- coding: latin-1 -*-\n"""é"""\n{PLAIN}'
    Path("net.py").write_bytes(text.encode("latin-1"))
    result = CliRunner().invoke(main, ["derive", "net.py", "-q", "--format", "text"])
    assert result.exit_code == 0, result.stderr
    assert "é" in result.stdout


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"# -*- coding: rot13 -*-\nx = 1\n", "not a text encoding"),
        (b"# -*- coding: nothing -*-\nx = 1\n", "unknown encoding"),
        (b"x = 1\ny = 2\n\nz = '\xff'\n", "in line 4 a byte is none of utf-8"),
        (b"x = '\xff'\n", "in line 1 a byte is none of utf-8"),
    ],
)
def test_a_spec_that_is_no_text(data: bytes, said: str) -> None:
    Path("net.py").write_bytes(data)
    result = CliRunner().invoke(main, ["derive", "net.py"])
    assert result.exit_code == 2
    assert result.stderr.startswith("error: the file net.py can't be read: ")
    assert said in result.stderr
