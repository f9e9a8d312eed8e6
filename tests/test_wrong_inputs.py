"""What is wrong in a spec gets three lines: what, where with the spec's line, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from symgrad.cli import main

IMPORTS = """
import numpy as np
import symgrad as sg
"""
INPUTS = f"""{IMPORTS}
X = sg.data("X", ("N", 3))
y = sg.data("y", ("N",), dtype=int)
A = sg.param("A", (2, 3))
B = sg.param("B", (3, 3))
w = sg.param("w", (3,))
s = sg.param("s", ())
t = sg.param("t", ())
L = sg.data("L", (4,), dtype=int)
P = sg.param("P", (4, 5))
Q = sg.data("Q", ("N", "D"))
"""
LABELS = f"""{IMPORTS}
X = sg.data("X", ("N", 2))
L = sg.data("L", ("N",), dtype=int)
w = sg.param("w", (2,))
W = sg.param("W", (2, 3))
z = X @ W
loss = -np.sum(z[sg.arange("N"), L]) + np.sum(w)
"""
EXAMPLE = (
    """example = {"X": [[1, 2], [3, 4]], "L": [0, 2], "w": [1, 1], "W": [[1, 2, 3], [4, 5, 6]]}"""
)
SMALL = f"""{IMPORTS}
w = sg.param("w", (3,))
loss = np.sum(w**2)
"""


def table() -> Iterator[tuple[str, str, str]]:
    """What stands above each line, the line, and what is said of it."""
    above = ""
    for row in (
        (Path(__file__).parent / "wrong_inputs.txt").read_text(encoding="utf-8").splitlines()
    ):
        if row.startswith("["):
            above = {"[INPUTS]": INPUTS, "[LABELS]": LABELS}[row]
        elif " ⇒ " in row:
            line, what = row.split(" ⇒ ")
            yield above, line.replace(" ⏎ ", "\n").replace("EXAMPLE", EXAMPLE), what


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(spec: str | bytes, *arguments: str) -> list[str]:
    """The three lines of an error of the spec; nothing is written."""
    Path("net.py").write_bytes(spec if isinstance(spec, bytes) else spec.encode())
    result = CliRunner().invoke(main, ["derive", "net.py", "-q", *arguments])
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert [p.name for p in Path().iterdir() if p.name != "__pycache__"] == ["net.py"]
    what, where, hint = result.stderr.splitlines()
    assert re.match(r"error: (?!symgrad failed)\S", what)
    assert re.match(r"  net\.py:\d+:  \S", where), where
    assert re.match(r"  \S", hint)
    return [what, where, hint]


@pytest.mark.parametrize(("above", "line", "what"), [*table()], ids=[r[1][:50] for r in table()])
def test_a_wrong_line(above: str, line: str, what: str) -> None:
    assert told(f"{above}{line}\n")[0].startswith(f"error: {what}")


def test_there_are_many() -> None:
    assert len({row[1] for row in table()}) > 250


OPTIONS = {
    "--wrt=": "wrt names nothing",
    "--wrt=,,": "wrt names nothing",
    "--wrt=v": "wrt names 'v', which is not there",
    "--wrt=w w": "wrt names 'w w'",
    "--wrt=\x1b[31mw": r"wrt names '\x1b[31mw'",
    "--only=v": "there is no derivative with respect to 'v'",
    "--prepare": "there is nothing to prepare",
}


@pytest.mark.parametrize("option", OPTIONS)
def test_a_wrong_option(option: str) -> None:
    assert told(SMALL, option)[0].startswith(f"error: {OPTIONS[option]}")


def test_an_option_is_told_at_the_line_of_the_loss() -> None:
    spec = f"{IMPORTS}X = sg.data('X', ('N', 3))\nw = sg.param('w', (3,))\nr = X @ w - 1\n"
    what, where, _ = told(f"{spec}loss = np.sum(r**2)\n", "--prepare", "--wrt", "w,r")
    assert what == "error: can't differentiate by r, of which only sums are left"
    assert where == "  net.py:7:  loss = np.sum(r**2)"


@pytest.mark.parametrize("line", ["loss = np.sum(np.exp(X @ w * 1e3))", "loss = np.sum(w**2)"])
def test_numbers_too_large_are_no_noise(line: str) -> None:
    point = "example = {'X': [[1e200] * 3], 'w': [1e200] * 3}\nexpected = {'loss': 1}\n"
    spec = f"{IMPORTS}X = sg.data('X', ('N', 3))\nw = sg.param('w', (3,))\n{line} + 0 * X[0, 0]\n"
    Path("net.py").write_text(spec + point)
    result = CliRunner().invoke(main, ["derive", "net.py", "-q"], catch_exceptions=False)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: a check failed:\n  loss: expected numbers")


@pytest.mark.parametrize("assumed", ["sg.one_hot(0), sg.symmetric", "sg.one_hot(0), sg.positive"])
def test_assumptions_that_no_numbers_keep(assumed: str) -> None:
    spec = f"{IMPORTS}S = sg.data('S', (3, 3), assume=[{assumed}])\nw = sg.param('w', (3,))\n"
    what, where, _ = told(f"{spec}loss = np.sum((S @ w)**2)\n")
    assert what.startswith("error: S can't be as it is assumed: S is one-hot along axis 0")
    assert "net.py:4:" in where


@pytest.mark.parametrize(
    "assumed", ["sg.one_hot(0), sg.sums_to_one(0)", "sg.symmetric, sg.positive", "sg.orthogonal,"]
)
def test_assumptions_that_go_together(assumed: str) -> None:
    spec = f"{IMPORTS}S = sg.data('S', (3, 3), assume=[{assumed}])\nw = sg.param('w', (3,))\n"
    Path("net.py").write_text(f"{spec}loss = np.sum((S @ w)**2)\n")
    assert CliRunner().invoke(main, ["derive", "net.py", "-q"]).exit_code == 0


# -- the bytes of a spec --------------------------------------------------------------------------

BYTES = {
    b"x = 1 \x1b[31m": "the spec is not valid Python: invalid non-printable character U+001B",
    b"x = 1\n\0": "the spec is not valid Python: source code string cannot contain null bytes",
    "x = '\u202e".encode(): "the spec is not valid Python: unterminated string literal",
    b"x = (\n": "the spec is not valid Python: '(' was never closed",
    b"raise ValueError('\\x1b[31m\\x07')": "the spec raised ValueError: \\x1b[31m\\x07",
    b"raise ValueError('\x1b[31m')": "the spec raised ValueError: \\x1b[31m",
    b"raise ValueError('x' * 10**6)": "the spec raised ValueError: xxx",
    b"x = 1\n" * 3000: "the spec has no `loss`",
}


@pytest.mark.parametrize("spec", BYTES, ids=range(len(BYTES)))
def test_the_bytes_of_a_spec(spec: bytes) -> None:
    lines = told(spec)
    assert lines[0].startswith(f"error: {BYTES[spec]}")
    assert all(line.isprintable() and len(line) <= 410 for line in lines)


@pytest.mark.parametrize("spec", [b"\xff", "é".encode("latin-1"), SMALL.encode("utf-16")])
def test_a_spec_in_another_encoding(spec: bytes) -> None:
    Path("net.py").write_bytes(spec)
    result = CliRunner().invoke(main, ["derive", "net.py"])
    assert result.exit_code == 2
    assert "net.py can't be read" in result.stderr
    assert "a spec is a Python file in UTF-8" in result.stderr


def derived(spec: str, *arguments: str) -> str:
    """What is printed of a spec that is right."""
    Path("net.py").write_text(spec, encoding="utf-8")
    result = CliRunner().invoke(main, ["derive", "net.py", "-q", *arguments])
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


@pytest.mark.parametrize(
    "first", ["\ufeff", '"""  \n """\n', '"""a\\0b\\x1b"""\n', "# \f\n", "__doc__ = 3\n"]
)
def test_what_is_no_mistake_at_the_start(first: str) -> None:
    assert derived(f"{first}{SMALL}", "--format", "text").isascii() is False
    assert "\x1b" not in derived(f"{first}{SMALL}", "--format", "text")


# -- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", "µϵϕϑℓ")
def test_names_that_python_has_otherwise(name: str) -> None:
    spec = f"""{IMPORTS}
{name} = sg.param("{name}", ("{name}n",))
loss = np.sum({name}**2)
example = {{"{name}": [1, 2]}}
expected = {{"dL_d{name}": [2, 4]}}
"""
    derived(spec, "--wrt", name, "--only", name)
    namespace: dict[str, object] = {}
    exec(Path("generated/net.py").read_text(), namespace)
    exec(f"found = gradients({name}=np.ones(3)).{name}", namespace)
    assert namespace["found"].tolist() == [2, 2, 2]  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["Gradients", "Workspace", "gradients", "ValueError", "bind"])
def test_values_that_are_called_as_something_of_the_file(name: str) -> None:
    derived(f"{IMPORTS}w = sg.param('w', (3,))\n{name} = np.tanh(w)\nloss = np.sum({name}**2)\n")


# -- sizes ----------------------------------------------------------------------------------------

DEFINED_FROM = {
    "np.sum((X @ w) ** 2) / (X.shape[0] - 1)": 2,
    "np.sum((X @ w) ** 2) / np.log(X.shape[0])": 2,
    "np.std(X @ w, ddof=1)": 2,
    "np.sum(X @ w) / np.sqrt(X.size)": 1,
    "np.sum(X @ w) * np.sqrt(2 * X.shape[0])": 1,
    "np.sum(X @ w) * np.log(2 * X.shape[0] + X.shape[0] ** 2)": 1,
    "np.sum(X @ w) / np.maximum(X.shape[0] - 1, 1)": 1,
}


@pytest.mark.parametrize("loss", DEFINED_FROM)
def test_named_sizes_in_arithmetic(loss: str) -> None:
    spec = f"{IMPORTS}X = sg.data('X', ('N', 3))\nw = sg.param('w', (3,))\nloss = {loss}\n"
    derived(spec)
    module: dict[str, object] = {}
    exec(Path("generated/net.py").read_text(), module)
    rng = np.random.default_rng(0)
    for size in range(DEFINED_FROM[loss], 4):
        X, w = rng.normal(size=(size, 3)), rng.normal(size=3)
        expected = eval(loss, {"X": X, "w": w, "np": np})
        assert module["loss"](X=X, w=w) == pytest.approx(expected)  # type: ignore[operator]
