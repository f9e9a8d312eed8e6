"""Audits of one backward pass in many forms: right ones are not accused, a lost slope is found."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
from audited.forms import FORMS, SLOPES, SPEC, Program

from symgrad.audit import Audit
from symgrad.audit.entry import made, with_values
from symgrad.audit.source import read
from symgrad.face import Derivation
from symgrad.language.spec_file import load

QUICK = {"list of dicts", "dataclass", "star", "class of layers", "tape of tensors", "main program"}
FOUND = {"list of dicts", "star", "class of layers", "script of layers", "class of parameters"}
FOUND |= {"gradients in place", "main function", "script with data", "lists", "Greek", "typed"}
FOUND |= {"one vector", "gradient check in a script", "trainer", "steps of attributes"}
FOUND |= {"estimator", "gradients first, then training", "pairs in a script"}
FOUND |= {"class that unpacks", "dataclass of parameters", "added as it goes downhill"}
FOUND |= {"parameters of a course"}
"""Forms in which the slope is forgotten as well, at a line of its own."""


@functools.cache
def derivation(folder: Path) -> Derivation:
    spec = folder / "spec.py"
    spec.write_text(SPEC, encoding="utf-8")
    given = load(spec)
    return with_values(given.loss, given.names)


def audit_of(program: Program, code: str, specs: Path, folder: Path) -> Audit:
    path = folder / "code.py"
    path.write_bytes(code.encode())
    for name, text in program.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    options = {"function": None, "cls": None, "setup": "", "inputs": {}, "match": {}}
    more = {"timeout": 300, "seed": 0}
    return made(derivation(specs), read(path), **(options | more | dict(program.options)))  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def specs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spec_of_forms")


def marked(names: set[str], quick: set[str]) -> list[object]:
    some = (n for n in FORMS if n in names)
    return [pytest.param(n, marks=() if n in quick else pytest.mark.long) for n in some]


@pytest.mark.parametrize("name", marked({*FORMS}, QUICK))
def test_a_right_pass_is_not_accused(name: str, specs: Path, tmp_path: Path) -> None:
    found = audit_of(FORMS[name], FORMS[name].code, specs, tmp_path)
    assert found.faults == ()
    assert found.complete
    assert {v.name for v in found.values} >= {"W1", "b1", "W2", "b2"}


TAPE = pytest.param(
    "tape in a script",
    marks=[
        pytest.mark.long,
        pytest.mark.xfail(strict=True, reason="told where the tape adds it, not in the closure"),
    ],
)


@pytest.mark.parametrize("name", [*marked(FOUND, {"class of layers"}), TAPE])
def test_a_forgotten_slope_is_found(name: str, specs: Path, tmp_path: Path) -> None:
    code = FORMS[name].code
    slope = next(s for s in SLOPES if s in code)
    found = audit_of(FORMS[name], code.replace(slope, SLOPES[slope]), specs, tmp_path)
    (fault,) = found.faults
    assert fault.kind in ("operation", "activation")
    assert fault.line == code.replace("\r\n", "\n").count("\n", 0, code.index(slope)) + 1
    assert fault.agrees is not None
    assert fault.agrees < 1e-6
