"""Audits of programs that are a part of a larger project: what they import is outside of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from symgrad.cli import main

SPEC = """
import numpy as np
import symgrad as sg
x = sg.data("x", (6, 4))
r = sg.data("r", (6,))
w = sg.param("w", (4,))
loss = np.sum((x @ w - r) ** 2)
"""
PASS = """
def backward(x, r, w):
    return {"dw": back(x, 2 * (x @ w - r))}
"""
LAYERS = """
import numpy as np
def back(x, dy):
    return np.dot(x.T, dy)
"""
HEADS = {
    "the folder above, from the current one": "import os, sys\nsys.path.append(os.pardir)\n"
    "from common.layers import *",
    "the folder above, from the file": "import sys\nfrom pathlib import Path\n"
    "sys.path.insert(0, str(Path(__file__).resolve().parents[1]))\nfrom common.layers import back",
    "a part of the package": "from ..common.layers import back",
    "the whole package": "from project.common.layers import back",
}


@pytest.mark.parametrize("head", HEADS)
def test_what_is_imported_from_outside_the_folder_is_found(head: str, tmp_path: Path) -> None:
    (tmp_path / "spec.py").write_text(SPEC, encoding="utf-8")
    for name in ("project", "project/common", "project/nets"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / "project/common/layers.py").write_text(LAYERS, encoding="utf-8")
    code = tmp_path / "project/nets/net.py"
    code.write_text(HEADS[head] + PASS, encoding="utf-8")
    asked = ["audit", str(tmp_path / "spec.py"), str(code), "--function", "backward"]
    assert "gradient right" in CliRunner().invoke(main, asked).output
    assert not [*tmp_path.rglob("__pycache__")]


def test_what_a_star_does_not_bring_is_told(tmp_path: Path) -> None:
    (tmp_path / "spec.py").write_text(SPEC, encoding="utf-8")
    code = tmp_path / "net.py"
    code.write_text("from layers_of_nobody import *" + PASS, encoding="utf-8")
    asked = ["audit", str(tmp_path / "spec.py"), str(code), "--function", "backward"]
    found = CliRunner().invoke(main, asked)
    assert found.exit_code == 2
    assert "No module named 'layers_of_nobody'" in found.output
