"""A run of random specs goes on from where it stopped, and tells what fails."""

from __future__ import annotations

import collections
from pathlib import Path

import pytest

from tests import fuzz
from tests.fuzz import Counts, Job, Outcome, State, Summary


def failing(job: Job) -> Outcome:
    bad = job.start == 0 and job.generator == "lines"
    counts: Counts = collections.Counter({"FAILED": 1} if bad else {"equal": job.count})
    return Outcome(job, counts, ["x = 1"] if bad else [])


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Job]:
    """The jobs that were done, in this process; the third of the first run is interrupted."""
    found: list[Job] = []

    def tried(pending):
        for job in pending:
            if len(found) == 2:
                found.append(job)
                raise KeyboardInterrupt
            found.append(job)
            yield failing(job)

    monkeypatch.setattr(fuzz, "tried", tried)
    monkeypatch.setattr(fuzz, "ROOT", tmp_path)
    monkeypatch.setattr(fuzz, "version", lambda: "now")
    monkeypatch.setattr(fuzz.signal, "signal", lambda *_: None)
    return found


def test_it_goes_on_from_where_it_stopped(ran: list[Job], capsys) -> None:
    assert fuzz.main(120, 5) == fuzz.INTERRUPTED
    assert "lines: 50 of 120: 1 FAILED" in capsys.readouterr().out
    assert fuzz.main(120, 5) == 1
    out, err = capsys.readouterr()
    assert out.count("x = 1") == 1
    assert "structures: 120 of 120: 120 equal" in out
    assert "100 specs of seed 5 are done already" in err
    assert "lines: 100 of 120: 1 FAILED, 50 equal" in err
    wanted = list(fuzz.jobs(120, 5))
    assert ran == [*wanted[:3], *wanted[2:]]
    assert fuzz.main(120, 5) == 1
    assert len(ran) == 7


@pytest.mark.parametrize("change", ["seed", "fresh", "version"])
def test_it_starts_anew(ran: list[Job], monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    fuzz.main(50, 5)
    if change == "version":
        monkeypatch.setattr(fuzz, "version", lambda: "later")
    ran.clear()
    ran += [*fuzz.jobs(150, 5)][:3]
    fuzz.main(50, 6 if change == "seed" else 5, fresh=change == "fresh")
    assert len(ran) == 5


def test_a_line_that_was_cut_short_is_not_done(tmp_path: Path) -> None:
    state, job = State(tmp_path / "a" / "1.jsonl"), Job("lines", 1, 0, 50)
    state.add(failing(job))
    with state.path.open("a") as file:
        file.write('[{"generator": "li')
    assert state.outcomes() == [failing(job)]


def test_why_specs_are_refused_is_counted() -> None:
    summary = Summary(100)
    counts: Counts = collections.Counter({"equal": 47, "refused: a: b": 2, "refused: c": 1})
    summary.add(Outcome(Job("lines", 1, 0, 50), counts, []))
    assert summary.line("lines") == "lines: 50 of 100: 47 equal, 3 refused"
    assert summary.whys() == ["     2  a: b", "     1  c"]


def test_the_version_is_that_of_the_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = fuzz.version()
    assert before == fuzz.version()
    monkeypatch.setattr(fuzz, "ROOT", tmp_path)
    assert fuzz.version() != before
