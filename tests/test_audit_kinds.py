"""What kind of fault it is, told by the numbers alone: as if no edit repaired anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_audit import NAMES, audit_of, program
from test_audit import specs as specs

from symgrad.audit import Audit, auditing
from symgrad.audit.diagnosis.explanation import Summand
from symgrad.audit.kinds import of_terms
from symgrad.audit.runner import OutOfTime
from symgrad.audit.search import Search

QUICK = {("residual", 1), ("dropout", 8)}
EVERY = 6
"""Of so many faults one is looked at without repairs; the others are as those."""

OTHERWISE = {
    ("cbow", 5),  # in the forward pass
    ("conv", 6),  # written entry by entry
    ("dropout", 0),  # the mask is told as another array
    ("gan", 4),
    ("heads", 5),
    ("heads", 7),
    ("hinge", 3),
    ("im2col", 0),
    ("logistic", 6),
    ("logistic", 8),
    ("lstm", 5),  # the first state is 0, and has no equation
    ("lstm", 7),
    ("mlp", 11),
    ("naive", 3),
    ("planar", 0),
    ("recomputed", 0),  # the line is right: what it reads is made again, and wrong
    ("rnn", 7),
    ("rows", 1),
    ("rows", 7),
    ("rows", 9),
    ("steps", 0),  # read after an update
}
"""Faults that numbers alone don't tell of yet."""


def faults() -> Iterator[Any]:
    pairs = [(name, k) for name in NAMES for k in range(len(program(name).FAULTS))]
    for pair in (p for n, p in enumerate(pairs) if n % EVERY == 0 or p in QUICK):
        marks = () if pair in QUICK else pytest.mark.long
        if pair not in OTHERWISE:
            yield pytest.param(*pair, marks=marks, id="-".join(map(str, pair)))


@pytest.fixture
def unrepaired(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, int], Audit]:
    """Audits in which no edit repairs anything."""
    monkeypatch.setattr(Search, "repair", lambda self, target: None)
    monkeypatch.setattr(Search, "written", lambda *_: None)

    def audit(name: str, number: int) -> Audit:
        old, new, *_ = program(name).FAULTS[number]
        code = program(name).CODE.replace(old, new, 1)
        folder: Path = tmp_path_factory.mktemp("unrepaired")
        return audit_of(name, code, tmp_path_factory.getbasetemp(), folder)

    return audit


@pytest.mark.parametrize(("name", "number"), list(faults()))
def test_the_kind_needs_no_repair(
    name: str, number: int, unrepaired: Callable[[str, int], Audit]
) -> None:
    fault = unrepaired(name, number).faults[0]
    assert fault.kind in program(name).FAULTS[number][2].split()
    assert fault.repair == ""
    assert ("by its numbers the derivative by" in fault.sentence) == (
        fault.kind not in ("random", "rounded", "clipped")
    )


def test_the_sentence_says_which_derivative_is_meant(
    unrepaired: Callable[[str, int], Audit],
) -> None:
    fault = unrepaired("mlp", 5).faults[0]
    assert (
        "by its numbers the derivative by Z1 has no mask, or another; no repair was"
        in fault.sentence
    )


def test_what_is_missing_is_said(unrepaired: Callable[[str, int], Audit]) -> None:
    fault = unrepaired("residual", 2).faults[0]
    assert "the derivative by g has a term too few" in fault.sentence
    fault = unrepaired("gcn", 6).faults[0]
    assert "the derivative by g reads another array: a in place of n;" in fault.sentence


@pytest.mark.parametrize(
    ("name", "number", "kind"),
    [("mlp", 10, "rounded"), ("rnn", 8, "clipped"), ("dropout", 2, "random")],
)
@pytest.mark.long
def test_what_a_run_shows(
    name: str, number: int, kind: str, unrepaired: Callable[[str, int], Audit]
) -> None:
    fault = unrepaired(name, number).faults[0]
    assert fault.kind == kind
    assert "no repair was found" in fault.sentence


@pytest.mark.long
def test_what_no_edit_repairs_is_written_out_of_the_derivation(
    specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Search, "repair", lambda self, target: None)
    for name, number, line in (
        ("focal", 0, "dz = "),
        ("layers", 2, "dZ2 = self.A2 * (dZ3 @ self.W3.T) * (1 - self.A2)"),
        ("weightnorm", 2, "dv = "),
    ):
        old, new, *_ = program(name).FAULTS[number]
        folder = tmp_path / name
        folder.mkdir()
        fault = audit_of(name, program(name).CODE.replace(old, new, 1), specs, folder).faults[0]
        assert line in fault.repair
        assert fault.agrees is not None
        assert fault.agrees < 1e-6
        assert "the repair is the line that does" in fault.sentence


USE, OTHER, LOSS = Summand("h", summed=True), Summand("z", summed=True), Summand("")
TOTAL = Summand("s", statistic=True)
NAN = float("nan")


@pytest.mark.parametrize(
    ("coefficients", "terms", "kind"),
    [
        ((-1.0,), (USE,), "sign"),
        ((2.0, 2.0), (USE, OTHER), "factor"),
        ((NAN,), (USE,), "factor"),
        ((1.0, -1.0), (USE, OTHER), "sign"),
        ((1.0, 0.0), (USE, OTHER), "path"),
        ((1.0, 0.0), (USE, LOSS), "term"),
        ((1.0, 0.5), (USE, LOSS), "term"),
        ((1.0, 0.0), (USE, TOTAL), "jacobian"),
        ((1.0, 0.0), (Summand("p", each=True), Summand("p", summed=True)), "jacobian"),
        ((0.0, 0.0, 1.0), (USE, OTHER, Summand("k", summed=True)), "overwritten"),
        ((1.0, 0.0), (Summand("a", each=True, slope=True), Summand("a", each=True)), "activation"),
    ],
)
def test_coefficients_of_terms_tell_the_kind(
    coefficients: tuple[float, ...], terms: tuple[Summand, ...], kind: str
) -> None:
    assert of_terms(coefficients, terms) == kind


@pytest.mark.parametrize("place", ["not_taken", "by_use"])
def test_what_was_found_is_told_when_time_runs_out(
    place: str, unrepaired: Callable[[str, int], Audit], monkeypatch: pytest.MonkeyPatch
) -> None:
    def over(*_: Any, **__: Any) -> None:
        raise OutOfTime("over")

    monkeypatch.setattr(auditing, place, over)
    assert unrepaired("mlp", 5).faults


@pytest.mark.parametrize("over", [False, True])
def test_a_search_that_ran_out_of_time_is_told(
    over: bool, unrepaired: Callable[[str, int], Audit], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Search, "is_over", lambda self: over)
    told = [r for r in unrepaired("mlp", 5).remarks if "ran out of time: --timeout" in r]
    assert len(told) == over
