"""Audits of programs as people have them: right ones are not accused, a lost mean is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from audited.programs import PROGRAMS, RIGHT, Program
from audited.programs.spellings import SPELLINGS

from symgrad.audit import Audit
from symgrad.audit.entry import made, with_values
from symgrad.audit.source import read
from symgrad.language.spec_file import load

QUICK = {"slices", "batches", "layers, batches without names", "an optimiser", "lists of a class"}
QUICK |= {"handed from function to function", "rows of a mask", "a function that trains"}
QUICK |= {"objects for parameters of layers", "attributes that are set in turn"}
QUICK |= {"lists of parameters", "a dictionary made in a loop", "a namespace", "labels of pairs"}
QUICK |= {"a rate that decays", "columns of a batch", "numbers in a tuple"}
ALONE = RIGHT | {name: Program(*given) for name, given in SPELLINGS.items()}
LAYERS = "layers, batches without names"
FOUND = {"slices", "lists that are held"}


def audit_of(program: Program, mean: str, folder: Path) -> Audit:
    head = "import numpy as np\n"
    (folder / "spec.py").write_text(f"{head}import symgrad as sg\n{program.spec}")
    path = folder / "code" / "code.py"
    path.parent.mkdir()
    path.write_text(head + program.code.format(mean=mean) if mean != "-" else head + program.code)
    given = load(folder / "spec.py")
    options = {"function": None, "cls": None, "setup": "", "inputs": {}, "match": {}}
    more = {"timeout": 300, "seed": 0}
    derivation = with_values(given.loss, given.names)
    return made(derivation, read(path), **(options | more | dict(program.options)))  # type: ignore[arg-type]


def marked(names: list[str], quick: set[str]) -> list[object]:
    return [pytest.param(n, marks=() if n in quick else pytest.mark.long) for n in names]


@pytest.mark.parametrize("name", marked([*PROGRAMS, *ALONE], QUICK))
def test_a_right_program_is_not_accused(name: str, tmp_path: Path) -> None:
    program, mean = PROGRAMS.get(name) or (ALONE[name], "-")
    found = audit_of(program, mean, tmp_path)
    assert found.faults == ()
    assert found.complete


IN_LAYERS = pytest.param(
    LAYERS,
    marks=[pytest.mark.long, pytest.mark.xfail(strict=True, reason="told in the layer it goes to")],
)


@pytest.mark.parametrize("name", [*marked([n for n in PROGRAMS if n != LAYERS], FOUND), IN_LAYERS])
def test_a_lost_mean_is_found(name: str, tmp_path: Path) -> None:
    program, mean = PROGRAMS[name]
    lost = " / 2" if mean == " * 1" else ""  # of one row the mean is the row
    fault = audit_of(program, lost, tmp_path).faults[0]
    line = program.code[: program.code.index("{mean}")].count("\n") + 2
    assert (fault.line, fault.kind) == (line, "factor")
    assert fault.agrees is not None
    assert fault.agrees < 1e-6
