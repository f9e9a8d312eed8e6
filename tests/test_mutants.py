"""A few broken specs on the command line; `make fuzz-cli` tries them by the thousand."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests import mutants
from tests.mutants import MUTATIONS, SPECS, Mutant, mutant, outcome


@pytest.mark.parametrize("text", SPECS, ids=range(len(SPECS)))
def test_the_specs_are_right(text: str) -> None:
    assert outcome(Mutant(text, ("derive", "net.py"), "")) == "derived"


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", MUTATIONS)
def test_a_broken_spec_is_answered_in_order(name: str) -> None:
    choose = random.Random(name)
    text = MUTATIONS[name](choose.choice(SPECS), choose)
    outcome(Mutant(text, ("derive", "net.py"), name))


def test_they_are_the_same_each_time() -> None:
    made = [mutant(random.Random(k)) for k in range(50)]
    assert made == [mutant(random.Random(k)) for k in range(50)]
    assert len({m.text for m in made}) > 40


def crash(*_: object) -> None:
    raise ZeroDivisionError


def replace_the_spec(*_: object) -> None:
    Path("net.py").write_text("lost")


def hang(*_: object) -> None:
    while True:
        time.monotonic()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("wrong", [crash, replace_the_spec, hang])
def test_what_is_not_in_order_is_seen(wrong, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symgrad.job.by_kind", wrong)
    monkeypatch.setattr(mutants, "SECONDS", 0.5)
    monkeypatch.setattr(mutants, "mutant", lambda _: Mutant(SPECS[3], ("derive", "net.py"), ""))
    counts, failures = mutants.summary([0], 0)
    assert counts == {"FAILED": 1}
    assert len(failures) == 1


def test_a_message_that_says_too_little_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symgrad.errors.SymgradError.__str__", lambda self: self.what)
    with pytest.raises(AssertionError):
        outcome(Mutant(SPECS[0].replace("np.mean", "np.mode"), ("derive", "net.py"), ""))
