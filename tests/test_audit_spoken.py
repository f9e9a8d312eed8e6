"""Numbers in repairs have the names that the program has for them, and none by chance."""

from __future__ import annotations

from pathlib import Path

import pytest
from audited.pairs import Pair
from test_audit_pairs import audit_of
from test_audit_pairs import specs as specs

SPEC = """
X = sg.data("X", ("n", 4)); t = sg.data("t", ("n", 3)); W = sg.param("W", (4, 3))
T = 3.5
z = X @ W
p = sg.softmax(z / T, axis=1)
loss = -(T**2) * np.sum(sg.softmax(t / T, axis=1) * np.log(p)) / X.shape[0]
"""
CODE = """
TEMP = 3.5

def soft(z):
    e = np.exp(z / TEMP)
    return e / e.sum(axis=1, keepdims=True)

def backward(X, t, W):
    z = X @ W
    dz = (soft(z) - soft(t)) / len(X) #!
    return {"z": dz, "W": X.T @ dz}
"""


@pytest.mark.long
def test_a_number_has_the_one_name_that_it_may_have(specs: Path, tmp_path: Path) -> None:
    fault = audit_of(Pair(SPEC, CODE, options={"function": "backward"}), specs, tmp_path).faults[0]
    assert fault.kind == "factor"
    assert "* TEMP" in fault.repair
    assert fault.agrees is not None
    assert fault.agrees < 1e-6


@pytest.mark.long
def test_a_size_is_no_number_by_chance(specs: Path, tmp_path: Path) -> None:
    spec = """
x = sg.data("x", (4, 6)); W = sg.param("W", (6, 8)); G = sg.data("G", (4, 2))
h = x @ W
p = (h[:, :2] + h[:, 2:4] + h[:, 4:6] + h[:, 6:]) / 4
loss = np.sum(G * p)
"""
    code = """
def backward(x, W, G):
    dh = np.tile(G, 4) #!
    return {"h": dh, "W": x.T @ dh}
"""
    fault = audit_of(Pair(spec, code, options={"function": "backward"}), specs, tmp_path).faults[0]
    assert fault.kind == "factor"
    assert "shape" not in fault.repair
    assert "4" in fault.repair.replace("np.tile(G, 4)", "")
