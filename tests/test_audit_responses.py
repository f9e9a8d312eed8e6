"""Where one statement alone may be wrong: how what is handed out answers to what it gives."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from symgrad.audit import Audit, child
from symgrad.audit.entry import made, with_values
from symgrad.audit.source import read
from symgrad.face import Derivation
from symgrad.language.spec_file import load

SPEC = """
import numpy as np
import symgrad as sg

T, D, H = 3, 2, 3
x = sg.data("x", (T, D)); y = sg.data("y", (T, H))
V = sg.param("V", (D, H)); W = sg.param("W", (H, H)); F = sg.param("F", (H, H))
h = np.zeros(H)
loss = 0
for t in range(T):
    k = 1 / (1 + np.exp(-(h @ F)))
    u = np.tanh(x[t] @ V + h @ W)
    h = k * h + (1 - k) * u
    loss = loss + np.sum((h - y[t]) ** 2)
"""

CODE = """
import numpy as np


def kept(x, y, V, W, F):
    steps, h = [], np.zeros(len(W))
    for row in x:
        k, u = 1 / (1 + np.exp(-h @ F)), np.tanh(row @ V + h @ W)
        steps.append((row, h, k, u))
        h = k * h + (1 - k) * u
        steps[-1] += (h,)
    dV, dW, dF, later = 0 * V, 0 * W, 0 * F, np.zeros(len(W))
    for t in reversed(range(len(x))):
        row, before, k, u, h = steps[t]
        back = 2 * (h - y[t]) + later
        du = back * (1 - k) * (1 - u**2)
        dk = back * (before - u) * k * (1 - k)
        dV += np.outer(row, du)
        dW += np.outer(before, du)
        dF += np.outer(before, dk)
        later = back * k + W @ du + F @ dk
    return {"V": dV, "W": dW, "F": dF}
"""


@pytest.fixture(scope="module")
def derivation(tmp_path_factory: pytest.TempPathFactory) -> Derivation:
    path = tmp_path_factory.mktemp("kept") / "spec.py"
    path.write_text(SPEC, encoding="utf-8")
    given = load(path)
    return with_values(given.loss, given.names)


def audit_of(derivation: Derivation, folder: Path, old: str, new: str) -> Audit:
    assert old in CODE
    path = folder / "code.py"
    path.write_text(CODE.replace(old, new, 1), encoding="utf-8")
    options = {"cls": None, "setup": "", "inputs": {}, "match": {}, "timeout": 120, "seed": 0}
    return made(derivation, read(path), function="kept", **options)  # type: ignore[arg-type]


def test_a_way_back_in_time_is_told_at_the_line_that_hands_it_on(
    derivation: Derivation, tmp_path: Path
) -> None:
    found = audit_of(derivation, tmp_path, "later = back * k + W @ du", "later = W @ du")
    (fault,) = found.faults
    assert fault.kind in ("path", "term")
    assert fault.source.strip().startswith("later =")
    assert fault.agrees is not None
    assert fault.agrees < 1e-9


@pytest.mark.long
def test_what_no_edit_repairs_is_told_where_one_change_makes_all_right(
    derivation: Derivation, tmp_path: Path
) -> None:
    found = audit_of(derivation, tmp_path, "back = 2 * (h - y[t]) + later", "back = 2 * (h - y[t])")
    (fault,) = found.faults
    assert fault.kind in ("path", "term")
    assert fault.source.strip().startswith("back =")


def test_the_child_imports_what_its_types_are_checked_with() -> None:
    tree = ast.parse(Path(child.__file__).read_text(encoding="utf-8"))
    (choice,) = (n for n in tree.body if isinstance(n, ast.If) and "TYPE_CHECKING" in ast.dump(n))
    names = [_imported(choice.body), _imported(choice.orelse)]
    assert len(names) == 2
    assert names[0] == names[1]
    assert "holding" in names[0]


def _imported(body: list[ast.stmt]) -> set[str]:
    """The names that statements import."""
    found = (n for n in body if isinstance(n, (ast.Import, ast.ImportFrom)))
    return {a.name for n in found for a in n.names}
