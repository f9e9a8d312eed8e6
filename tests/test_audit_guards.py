"""Audits of passes and specs that add small numbers so that nothing is divided by 0."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from symgrad.cli import main

SPEC = """
import numpy as np
import symgrad as sg
x = sg.data("x", (6, 4))
t = sg.data("t", (6, 3), assume=sg.one_hot(axis=1))
W = sg.param("W", (4, 3))
y = sg.softmax(x @ W, axis=1)
loss = -np.sum(t * np.log({}))
"""
PASS = """
import numpy as np
def backward(x, t, W):
    e = np.exp(x @ W)
    y = e / e.sum(1, keepdims=True)
    {}
    return {{"dW": x.T @ dz}}
"""
LEFT_OUT = "remark: these are the gradients of the loss without the {} that the spec adds"
ADDED = "remark: right but for numbers that the spec does not add: {} in line 6"
OWN = "dy = -t / (y + {}); dz = y * (dy - (dy * y).sum(1, keepdims=True))"


def told(folder: Path, spec: str, code: str) -> list[str]:
    (folder / "spec.py").write_text(SPEC.format(spec), encoding="utf-8")
    (folder / "code.py").write_text(PASS.format(code), encoding="utf-8")
    files = [str(folder / name) for name in ("spec.py", "code.py")]
    return CliRunner().invoke(main, ["audit", *files, "--function", "backward"]).output.splitlines()


@pytest.mark.parametrize("number", ["1e-06", "1e-05"])
def test_what_keeps_a_logarithm_from_0_may_be_left_out(tmp_path: Path, number: str) -> None:
    right, remark = told(tmp_path, f"y + {number}", "dz = y - t")
    assert "gradient right" in right
    assert remark == LEFT_OUT.format(number)


def test_a_program_may_add_a_small_number_of_its_own(tmp_path: Path) -> None:
    right, remark = told(tmp_path, "y", OWN.format("1e-6"))
    assert "gradient right" in right
    assert remark == ADDED.format("1e-06")


def test_a_number_that_is_not_small_is_a_fault(tmp_path: Path) -> None:
    assert "1 fault" in told(tmp_path, "y + 1e-3", "dz = y - t")[0]
    assert "1 fault" in told(tmp_path, "y", OWN.format("1e-3"))[0]


def test_another_fault_beside_it_is_told(tmp_path: Path) -> None:
    lines = told(tmp_path, "y + 1e-6", "dz = 2 * (y - t)")
    assert "1 fault" in lines[0]
    assert LEFT_OUT.format("1e-06") in lines
    assert any("factor" in line for line in lines)
