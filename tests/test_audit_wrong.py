"""Audits that can't be made: what is wrong, where, and what to do."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import symgrad as sg
from symgrad.cli import main
from symgrad.language.spec_file import load

SPEC = """import numpy as np
import symgrad as sg
X = sg.data("X", ("N", 3))
t = sg.data("t", ("N",))
w = sg.param("w", (3,))
loss = np.sum((X @ w - t) ** 2)
"""
PASS = """import numpy as np
def backward(X, t, w):
    dw = 2 * X.T @ (X @ w - t)
    return dw
async def later(X, t, w):
    return backward(X, t, w)
def leaves(X, t, w):
    raise SystemExit(0)
made = backward
class Net:
    def other(self, X, t):
        return backward(X, t, self.w)
"""
NET = """import numpy as np
class Net:
    def __init__(self, size, rate=0.1):
        self.w = np.zeros(size)
    def backward(self, X, t):
        self.dw = 2 * X.T @ (X @ self.w - t)
"""
SCRIPT = """import numpy as np
X, t, w = np.ones((4, 3)), np.ones(4), np.ones(3)
dw = 2 * X.T @ (X @ w - t)
"""
PACKED = """import numpy as np
X, t, w = np.ones((4, 3)), np.ones(4), np.ones(3)
class Net:
    def __init__(self):
        self.all = np.append(np.random.randn(3), 0.0)
    def slopes(self, X, t):
        return 2 * X.T @ (X @ self.all[:3] - t)
dw = Net().slopes(X, t)
"""
FUNCTION = ("--function", "backward")
OPTIONS = {
    ("code.py", *FUNCTION, "--match", "w=zz"): "match has 'zz' for w, which the program does not",
    ("code.py", *FUNCTION, "--match", "w=dw,w=dq"): "w is given twice",
    ("code.py", *FUNCTION, "--inputs", "X=zz"): "inputs has 'zz' for X, which is no argument of",
    ("script.py", "--inputs", "X=zz"): "inputs has 'zz' for X, and script.py has no array of",
    ("code.py", *FUNCTION, "--timeout", "nan"): "nan is no number of seconds",
    ("code.py", *FUNCTION, "--timeout", "inf"): "inf is no number of seconds",
    ("code.py", *FUNCTION, "--seed", "-1"): "-1 is not in the range x>=0",
    ("code.py", "--function", "later"): "later in code.py is a coroutine",
    (
        "code.py",
        "--function",
        "leaves",
    ): "SystemExit: 0 code.py:8: raise SystemExit(0) it was called "
    "as leaves(X=X, t=t, w=w): --inputs NAME=ARGUMENT says otherwise",
    ("code.py", "--class", "Net", "--function", "zz"): "Net has no method zz there are other",
    ("/dev/null", *FUNCTION): "the file /dev/null is no file that has an end",
    ("code.py",): "perhaps symgrad audit SPEC code.py --function backward or symgrad audit SPEC",
    ("net.py",): 'perhaps symgrad audit SPEC net.py --class Net --setup "Net(size)"',
    ("net.py", "--class", "Net"): 'say how one is made, with numbers: --setup "Net(size)"',
    ("net.py", "--class", "Net", "--setup", "Net(3"): "setup is 'Net(3', which is not valid Python",
    ("code.py", *FUNCTION, "--setup", "Net(3)"): "setup is 'Net(3)', and no class is given",
    ("spec.py",): "spec.py is a spec, which has no backward pass give a program as CODE",
    ("code.py", "--function", "made"): "has no function 'made' it is made there of another: name",
    ("script.py", *FUNCTION): "it defines none: without --function it is run as a script",
    ("none.py", *FUNCTION): "the file none.py does not exist",
}
NOTEBOOKS = {
    "[" * 100_000: "has no list of cells",
    '{"cells": 5}': "has no list of cells",
    '{"cells": [null]}': "has no list of cells",
    "[]": "has no list of cells",
    '{"cells": [{"cell_type": "code", "source": 5}]}': "the source of cell 0 is no text",
    '{"cells": [{"cell_type": "code", "source": [5]}]}': "the source of cell 0 is no text",
    json.dumps({"cells": [{"cell_type": "code", "source": ["x = 1\n", "y = ("]}]}):
        "a.ipynb, cell 0, line 2: y = (",
}  # fmt: skip
PROGRAMS = {
    b"x = 1\ndef f(:\n": "not valid Python: invalid syntax code.py:2: def f(:",
    b"x = 1\n\ny = '\xff'": "in line 3 a byte is none of utf-8",
    b"x = 1\n\0": "code.py:2:",
    b"# coding: rot13\n": "not a text encoding",
    b"x = " + b"-" * 100_000 + b"1": "code.py",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("spec.py").write_text(SPEC)
    Path("code.py").write_text(PASS)
    Path("script.py").write_text(SCRIPT)
    Path("net.py").write_text(NET)
    return tmp_path


def told(*arguments: str) -> str:
    """The error of an audit, in one line."""
    result = CliRunner().invoke(main, ["audit", "spec.py", *arguments, "-q"])
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert "symgrad failed" not in result.stderr
    said = result.stderr
    assert "Usage:" in said or len(said.splitlines()) > 1
    return " ".join(said.replace("│", " ").split())


@pytest.mark.parametrize("arguments", OPTIONS, ids=" ".join)
def test_a_wrong_option(arguments: tuple[str, ...]) -> None:
    assert OPTIONS[arguments] in told(*arguments)


@pytest.mark.parametrize("text", NOTEBOOKS, ids=lambda t: t[:40])
def test_what_is_no_notebook(text: str) -> None:
    Path("a.ipynb").write_text(text)
    assert NOTEBOOKS[text] in told("a.ipynb")


@pytest.mark.parametrize("text", PROGRAMS, ids=range(len(PROGRAMS)))
def test_what_is_no_program(text: bytes) -> None:
    Path("code.py").write_bytes(text)
    assert PROGRAMS[text] in told("code.py", *FUNCTION)


def test_an_input_that_is_not_taken_is_no_fault() -> None:
    Path("packed.py").write_text(PACKED)
    found = told("packed.py")
    assert "w is not taken: with other numbers the gradients are the same" in found
    assert "--inputs w=NAME" in found


def test_a_method_is_named_with_its_class() -> None:
    arguments = ["audit", "spec.py", "code.py", "--class", "Net", "--function", "other", "-q"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("match", [["--match", "w=dw"], []])
def test_what_is_matched_is_found(match: list[str]) -> None:
    arguments = ["audit", "spec.py", "code.py", *FUNCTION, *match, "-q"]
    assert CliRunner().invoke(main, arguments).exit_code == 0


@pytest.mark.parametrize("wrong", [{"timeout": -1}, {"timeout": np.nan}, {"seed": -1}])
def test_a_wrong_number(wrong: dict[str, Any]) -> None:
    with pytest.raises(sg.SpecError, match=f"{next(iter(wrong))} is"):
        sg.audit(load(Path("spec.py")).loss, "code.py", function="backward", **wrong)


def test_a_lambda_has_no_lines() -> None:
    with pytest.raises(sg.SpecError, match="a lambda"):
        sg.audit(load(Path("spec.py")).loss, lambda X, t, w: X.T @ (X @ w - t))


def test_where_time_runs_out_there_is_a_report() -> None:
    late = PASS.replace("2 * X.T", "np.tanh(X).T")
    Path("code.py").write_text(late)
    found = sg.audit(load(Path("spec.py")).loss, "code.py", function="backward", timeout=0.7)
    assert [v.status for v in found.values] == ["wrong"]
    assert any("--timeout gives it more" in r for r in found.remarks)


@pytest.mark.parametrize("strict", [False, True])
def test_a_missing_gradient_is_told_first(strict: bool) -> None:
    Path("spec.py").write_text(SPEC.replace("loss =", 'b = sg.param("b", ())\nloss = b +'))
    flags = ["--strict"] if strict else []
    arguments = ["audit", "spec.py", "code.py", *FUNCTION, "-q", *flags]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == strict
    assert result.stdout.split("\n")[0].endswith("; b is missing")
    report = CliRunner().invoke(main, [*arguments, "--format", "junit"]).stdout
    assert f'failures="{int(strict)}" skipped="{int(not strict)}"' in report


def test_spec_and_code_the_other_way_round() -> None:
    arguments = ["audit", "code.py", "spec.py", *FUNCTION, "-q"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "perhaps symgrad audit spec.py code.py" in result.stderr


def test_all_inputs_that_are_missing_are_told() -> None:
    Path("code.py").write_text(
        "import numpy as np\na, c, e = np.ones((4, 3)), np.ones(4), np.ones(3)\n"
    )
    assert "the inputs X, t, w" in told("code.py")


SCALARS = """import symgrad as sg
c, k, w = sg.data("c", ()), sg.data("k", ()), sg.param("w", ())
loss = c * w + k * w**2
"""


@pytest.mark.parametrize(
    ("text", "told", "kinds"),
    [
        ("(w, c, q):\n    return c + 2 * q * w", "", []),
        ("(w, p, q):\n    return p + 2 * q * w", "p is c, q is k", []),
        ("(w, p, q):\n    return q + 2 * p * w", "p is k, q is c", []),
        ("(w, p, q):\n    return p + q * w", "p is c, q is k", ["factor"]),
    ],
)
def test_what_is_taken_in_order_is_told(text: str, told: str, kinds: list[str]) -> None:
    Path("spec.py").write_text(SCALARS)
    Path("code.py").write_text(f"def backward{text}\n")
    found = sg.audit(load(Path("spec.py")).loss, "code.py", function="backward")
    assert [f.kind for f in found.faults] == kinds
    assert [told for r in found.remarks if told in r] == [told] * bool(told)
    assert told or not found.remarks


WEIGHTED = """import numpy as np
import symgrad as sg
X, s, w = sg.data("X", ("N", 3)), sg.data("s", ("N",)), sg.param("w", (3,))
loss = np.sum(s * (X @ w) ** 2)
"""


def weighted(names: str, by: str) -> sg.Audit:
    a, b = names.split(", ")[1:]
    body = f"return {by} * X.T @ ({a} * (X @ {b}))"
    Path("spec.py").write_text(WEIGHTED)
    Path("code.py").write_text(f"def backward({names}):\n    {body}\n")
    return sg.audit(load(Path("spec.py")).loss, "code.py", function="backward")


@pytest.mark.parametrize("by", ["2", "3", "3 * 2 / 3"])  # of 3 rows it runs in any order
def test_the_order_of_the_spec_is_tried_where_names_mislead(by: str) -> None:
    found = weighted("X, weights, coef", by)
    assert found.ok is (by != "3")
    assert any("order of the spec X is X, weights is s, coef is w" in r for r in found.remarks)


def test_what_is_called_just_as_an_input_is_no_other() -> None:
    with pytest.raises(sg.SymgradError, match="could not be run"):
        weighted("X, w, s", "2")


def test_a_function_beside_a_spec_of_the_same_names(tmp_path: Path) -> None:
    text = SCALARS + "def backward(w, c, k):\n    return c + 2 * k * w\n"
    (tmp_path / "both.py").write_text(text + "found = sg.audit(loss, backward)\n")
    assert runpy.run_path(str(tmp_path / "both.py"))["found"].ok
