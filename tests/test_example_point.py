"""An example point is held against its inputs before anything is printed."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import special

import symgrad as sg
from symgrad.cli import main
from symgrad.errors import SpecError
from symgrad.face import Derivation


def derivation() -> Derivation:
    Y = sg.data("Y", ("N", 3), assume=sg.one_hot(axis=1))
    y, on = sg.data("y", ("N",), dtype=int), sg.data("on", (), dtype=bool)
    z = sg.param("z", ("N", 3))
    log_p = sg.log_softmax(z, axis=1)
    loss = np.where(on, -np.sum(Y * log_p), -np.sum(log_p[sg.arange("N"), y]))
    return sg.derive(loss, names={})


POINT: dict[str, Any] = {
    "Y": [[0, 1, 0], [1, 0, 0]],
    "y": [2, 0],
    "on": True,
    "z": [[1.0, 2.0, 3.0], [0.0, 1.0, 0.0]],
}


def test_a_right_point_is_shown() -> None:
    assert "At the example point" in derivation().render("text", POINT)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"Y": [[0.5, 0.7, 0], [1, 0, 0]]}, "Y[0, 0] is 0.5, and Y is one-hot along axis 1"),
        ({"Y": [[0, 1, 1], [1, 0, 0]]}, "Y.sum(1)[0] is 2, and Y is one-hot along axis 1"),
        ({"Y": [[0, 1, np.inf], [1, 0, 0]]}, "Y[0, 2] is inf, and Y is one-hot"),
        ({"y": [3, 0]}, "y has the label 3, and labels are from 0 to 2"),
        ({"y": [0, -1]}, "y has the label -1, and labels are from 0 to 2"),
        ({"y": [0, 1, 1]}, "y has the shape 3; it is 2"),
        ({"y": [0.0, 1.0]}, "y has the dtype float64, not int"),
        ({"y": [True, False]}, "y has the dtype bool, not int"),
        ({"y": np.array([2**63, 0], np.uint64)}, "y holds 9223372036854775808"),
        ({"on": 1}, "on has the dtype int64, not bool"),
        ({"z": np.zeros((2, 4))}, "z has the shape 2×4; it is 2×3"),
        ({"z": np.ma.zeros((2, 3))}, "z is a masked array"),
        ({"z": np.zeros((2, 3), complex)}, "z is complex"),
        ({"z": np.full((2, 3), np.nan)}, "z holds NaN"),
        ({"w": 1.0}, "w is no input"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], told: str) -> None:
    with pytest.raises(SpecError) as refused:
        derivation().render("text", POINT | change)
    assert told in str(refused.value)
    assert "test_example_point.py" in str(refused.value)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(SpecError, match="no numbers for z"):
        derivation().latex({name: POINT[name] for name in ("Y", "y", "on")})


SPEC = """\
import numpy as np
import symgrad as sg

Y = sg.data("Y", (2,), assume=sg.one_hot())
z = sg.param("z", (2,))
loss = -np.sum(Y * sg.log_softmax(z))
example = {
    "z": [1.0, 2.0],
    "Y": [0.5, 0.7],
}
"""


@pytest.mark.parametrize("command", [["derive"], ["explain"]])
def test_the_command_line_names_the_line(command: list[str], tmp_path: Path) -> None:
    spec = tmp_path / "broken.py"
    spec.write_text(SPEC, encoding="utf-8")
    rest = ["z"] if command == ["explain"] else ["--out", str(tmp_path / "generated")]
    result = CliRunner().invoke(main, [*command, str(spec), *rest])
    assert result.exit_code == 2
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[0].startswith("error: the example can't be used: Y[0] is 0.5")
    assert lines[1].endswith('broken.py:9:  "Y": [0.5, 0.7],')
    assert not (tmp_path / "generated").exists()


CONDITIONS = """\
import numpy as np
import symgrad as sg

on, z = sg.data("on", (2,), dtype=bool), sg.param("z", (2,))
loss = np.sum(np.where(~on, z**2, z))
example = {"on": [True, False], "z": [1.0, -2.0]}
expected = {"on": [True, False], "loss": 5.0, "dL_dz": [1.0, -4.0]}
compared = {"on": [True, False]}
"""


def test_conditions_are_shown_checked_expected_and_compared(tmp_path: Path) -> None:
    spec, out = tmp_path / "conditions.py", tmp_path / "generated"
    spec.write_text(CONDITIONS, encoding="utf-8")
    more = ["--out", str(out), "--format", "text"]
    result = CliRunner().invoke(main, ["derive", str(spec), *more])
    assert result.exit_code == 0, result.stderr
    assert "on    = [1  0]" in result.stdout
    assert "exactly right" in result.stderr
    namespace = runpy.run_path(str(out / "conditions.py"))
    assert namespace["_self_check"]() == 0


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (np.ma.array([1.0, 2.0], mask=[0, 1]), "a constant is a masked array"),
        (np.array([2**63, 1], np.uint64), "a constant holds 9223372036854775808"),
        (np.array([1j, 1]), "a constant is complex"),
    ],
)
def test_constants_that_would_be_read_wrongly_are_refused(values: Any, told: str) -> None:
    x = sg.param("x", (2,))
    with pytest.raises(SpecError, match=told):
        np.add(x, values)


def test_differences_of_unsigned_constants_do_not_wrap_around() -> None:
    x = sg.param("x", (2,))
    below = sg.constant(np.array([1, 3], np.uint8)) - 2
    module = sg.derive(np.sum(x * below), names={}).compile()
    np.testing.assert_array_equal(module.gradients(x=np.ones(2)).x, [-1, 1])


UNWRITTEN = ["special.gammaln(x**2 + 1)", "special.psi(x**2 + 1)", "np.cbrt(x)", "np.cbrt(x) ** 2"]


@pytest.mark.parametrize("code", UNWRITTEN)
def test_numbers_without_a_sign_are_given_in_decimals(code: str, tmp_path: Path) -> None:
    lines = [
        "import numpy as np, symgrad as sg",
        "from scipy import special",
        "x, w = sg.param('x', (3,)), sg.param('w', (3,))",
        f"v = {code}",
        "loss = np.sum(v * w)",
        "example = {'x': [0.5, -2, -0.125], 'w': [0.25, 2, 1]}",
    ]
    (tmp_path / "spec.py").write_text("\n".join(lines), encoding="utf-8")
    command = [
        "derive",
        str(tmp_path / "spec.py"),
        "--out",
        str(tmp_path / "out"),
        "--format",
        "text",
    ]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.stderr
    x = np.array([0.5, -2, -0.125])
    first = eval(code, {"np": np, "special": special, "x": x})[0]
    assert f"{first:.6g}" in result.stdout.replace("−", "-")
