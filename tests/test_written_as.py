"""How functions are written: each reads as what it is, and what is planted there is seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from symgrad.checks.notation import formulas, misread, samples
from symgrad.cli import main
from symgrad.mathematics import written as how
from symgrad.mathematics.matrices import MATRIX_FUNCTIONS
from symgrad.mathematics.reductions import LEAVES, REDUCTIONS, select
from symgrad.writing.printings.latex import latex
from symgrad.writing.printings.text import text
from tests.test_wrong_texts import plant

RECORDS = [*LEAVES.values(), *REDUCTIONS.values(), *MATRIX_FUNCTIONS.values()]
BY_NAME = {record.cls.__name__: record for record in RECORDS}

OTHER: dict[type, dict[str, Any]] = {
    how.Call: {"name": "erf", "sign": "ψ", "prime": True},
    how.Prefix: {"name": "sin", "base": "3"},
    how.Comparison: {"sign": "<", "left": "0", "right": "x"},
    how.Exponential: {"base": "3"},
    how.Radical: {"degree": 5, "name": "log"},
    how.Over: {"sign": "max", "before": "exp"},
    how.Called: {"name": "relu"},
}
"""For each way of writing, what is planted in its parts."""


def wrong(written: Any) -> Iterator[Any]:
    """A way of writing with one thing changed in it, wherever it is."""
    for name, other in OTHER.get(type(written), {}).items():
        if getattr(written, name) != other:
            yield replace(written, **{name: other})
    for field in fields(written):
        part = getattr(written, field.name)
        if isinstance(part, how.Written):
            yield from (replace(written, **{field.name: w}) for w in wrong(part))


def printed(record: Any) -> set[str]:
    """The function as it is printed in each layout."""
    exprs = {sample.expr for sample in samples(record)}
    return {(latex if two else text)(line) for e in exprs for line, two in formulas(e)}


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: r.cls.__name__)
def test_each_reads_as_what_it_is(record: Any) -> None:
    assert misread(record) == ""


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: r.cls.__name__)
def test_what_is_written_otherwise_is_seen(record: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right, seen = printed(record), 0
    for way in [] if record.written is None else wrong(record.written):
        with monkeypatch.context() as patch:
            plant(record, patch, written=way)
            if printed(record) != right:
                assert misread(replace(record, written=way)), way
                seen += 1
    alone = record.cls is select or isinstance(record.written, how.Bars | how.Inverse | None)
    assert seen or alone


HEAD = """import numpy as np
import symgrad as sg
x = sg.param("x", (3,))
A = sg.param("A", (2, 2))
loss = """
PLANTS: list[tuple[str, str, how.Written]] = [
    ("sigmoid", "np.sum(1 / (1 + np.exp(-x)))", how.Call("softplus", "σ")),
    ("sigmoid", "np.sum(1 / (1 + np.exp(-x)))", how.Call("sigmoid", "ψ")),
    ("softplus", "np.sum(np.log(1 + np.exp(x)))", how.Call("softmin")),
    ("log2", "np.sum(np.log2(2 + x**2))", how.Prefix("log")),
    ("sin", "np.sum(np.sin(x))", how.Prefix("sinh")),
    ("exp", "np.sum(np.exp(x))", how.Exponential("2")),
    ("tie_half", "np.sum(np.maximum(x, x**2))", how.Half(how.Comparison(">"))),
    ("sign", "np.sum(np.abs(x))", how.Call("step")),
    ("cbrt", "np.sum(np.cbrt(x) ** 2)", how.Radical(2, "cbrt")),
    ("AxisMax", "np.max(x)", how.Over("min")),
    ("LogSumExp", "np.log(np.sum(np.exp(x)))", how.Over("∑", how.Exponential("e"))),
    ("DeterminantValue", "np.linalg.det(A)", how.Prefix("tr")),
    ("InverseEntry", "np.sum(np.linalg.inv(A))", how.Call("adj")),
]  # fmt: skip


def derived(folder: Path, loss: str) -> Any:
    (folder / "spec.py").write_text(HEAD + loss, encoding="utf-8")
    command = ["derive", str(folder / "spec.py"), "--out", str(folder / "out"), "--force"]
    return CliRunner().invoke(main, command)


@pytest.mark.parametrize(("name", "loss", "written"), PLANTS)
def test_a_user_is_told(
    name: str, loss: str, written: how.Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert derived(tmp_path, loss).exit_code == 0
    plant(BY_NAME[name], monkeypatch, written=written)
    told = derived(tmp_path, loss)
    assert told.exit_code == 1, told.stderr
    assert "as written = function" in told.stderr
