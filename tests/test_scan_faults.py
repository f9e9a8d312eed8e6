"""Recurrences beside the loops that Python unrolls; and faults in them, which are seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sympy as sp
from recurrences import CASES, Arrays, by_loop

import symgrad as sg
from symgrad.calculus.recurrences import Through
from symgrad.checks import run
from symgrad.mathematics.recurrences import Carried, Final, Recurrent

QUICK = ("rnn", "garch", "control", "fibonacci", "embedded")


@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.long) for n in CASES]
)
def test_the_numbers_are_those_of_the_loop_that_python_runs(name: str) -> None:
    case = CASES[name]
    unrolled = sg.derive(case.loss(by_loop, Arrays(case.arrays(3))), names={})
    at = case.numbers(3, seed=4)
    value, found = case.derived().compile().loss_and_gradients(**at)
    other, others = unrolled.compile().loss_and_gradients(**at)
    np.testing.assert_allclose(value, other, rtol=1e-12)
    for n in others._fields:
        one, two = getattr(found, n), getattr(others, n)
        np.testing.assert_allclose(one, two, rtol=1e-10, atol=1e-12 * (1 + np.abs(two).max()))


# -- faults in the calculus ------------------------------------------------------------------------


def _no_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes from the next step is forgotten."""
    monkeypatch.setattr(Through, "next", lambda *_: sp.S.Zero)


def _no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes on to the start is forgotten."""
    monkeypatch.setattr(Through, "start", lambda *_: sp.S.Zero)


def _no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The derivative by the last carry is forgotten."""
    monkeypatch.setattr(Through, "_of_last", lambda *_: sp.S.Zero)


def _turned(monkeypatch: pytest.MonkeyPatch, method: str, kind: type[Recurrent]) -> None:
    right = getattr(Through, method)

    def wrong(self: Through, *args: Any) -> Any:
        made = right(self, *args)
        step, *rest = made.rhs.args[1:]
        return replace(made, rhs=kind(made.rhs.args[0], -step, *rest))

    monkeypatch.setattr(Through, method, wrong)


def _same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The derivatives go the way of the steps."""
    _turned(monkeypatch, "_next", Carried)


def _start_of_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """The derivative by the start is that of the wrong end."""
    _turned(monkeypatch, "_start", Final)


FAULTS: tuple[Callable[[pytest.MonkeyPatch], None], ...] = (
    _no_next, _no_start, _no_end, _same_way, _start_of_the_last,
)  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", ["rnn", "backwards"])
def test_a_fault_in_the_calculus_is_seen(
    name: str, fault: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch)
    try:
        checks = run(CASES[name].derived())
    except (sg.SpecError, ValueError, KeyError):
        return  # equations that can't be computed are no wrong numbers
    assert not all(check.passed for check in checks)


# -- faults in what is emitted ---------------------------------------------------------------------

LINES = (
    ("h_before_t = h_t\n", "pass\n"),
    ("h_states[0] = h0", "h_states[0] = 0"),
    ("dh_before_states[-1] = dt1", "dh_before_states[-1] = 0"),
    ("h_before = h_states[:-1]", "h_before = h_states[1:]"),
    ("h_states[1:]", "h_states[:-1]"),
    ("[::-1]", ""),
    ("dh_next_t = dh_before_t", "pass"),
)
"""Lines of the recurrent net, each with what they are changed to."""


@pytest.mark.parametrize(("right", "wrong"), LINES)
def test_a_fault_in_a_file_is_seen_by_the_file(right: str, wrong: str) -> None:
    source = CASES["rnn"].derived().source()
    assert right in source
    space: dict[str, Any] = {"__name__": "planted"}
    try:
        exec(source.replace(right, wrong), space)
        assert space["_self_check"]() == 1
    except (IndexError, ValueError, NameError, UnboundLocalError):
        return
