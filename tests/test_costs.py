"""What grows with a spec, and how: work is counted, not timed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np
import pytest

import symgrad as sg
from symgrad.calculus import rules
from symgrad.targets.identifiers import Locals


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str], list[Any]]:
    """Counts the calls of a method: the arguments of each are in the list."""

    def count(owner: Any, name: str) -> list[Any]:
        calls: list[Any] = []
        real = getattr(owner, name)

        def counting(*args: Any, **more: Any) -> Any:
            calls.append(args)
            return real(*args, **more)

        monkeypatch.setattr(owner, name, counting)
        return calls

    return count


def softmax_regression(rows: int | str, columns: int) -> sg.Derivation:
    X, y = sg.data("X", (rows, columns)), sg.data("y", (rows,), dtype=int)
    z = X @ sg.param("W", (columns, 10)) + sg.param("b", (10,))
    p = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
    return sg.derive(-np.mean(np.log(p[sg.arange(rows), y])))


def test_names_are_found_for_what_is_printed_and_not_for_each_entry(counted: Any) -> None:
    names = counted(Locals, "new")
    for rows in ("N", 60_000):
        names.clear()
        softmax_regression(rows, 784).source()
        assert len(names) < 200, rows


def test_many_names_of_one_stem_are_found_in_one_pass(counted: Any) -> None:
    class Taken(set[str]):
        asked = 0

        def __contains__(self, name: object) -> bool:
            Taken.asked += 1
            return super().__contains__(name)

    names = Locals(())
    names._taken = Taken()
    assert [names.new("t") for _ in range(500)][-1] == "t_500"
    assert Taken.asked < 1500


def chain(depth: int) -> sg.Derivation:
    h = sg.data("x", (64,))
    for k in range(depth):
        h = np.tanh(sg.param(f"W{k}", (64, 64)) @ h + sg.param(f"b{k}", (64,)))
    return sg.derive(np.sum(h**2))


def visits(run: Callable[[], object]) -> int:
    """How many lines of the library are run: a count of work that no other load changes."""
    lines = 0

    def watch(frame: FrameType, event: str, _: object) -> Any:
        nonlocal lines
        if "symgrad" not in frame.f_code.co_filename:
            return None
        lines += event == "line"
        return watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        run()
    finally:
        sys.settrace(before)
    return lines


@pytest.mark.long
def test_work_is_linear_in_the_number_of_layers() -> None:
    few, many = chain(6), chain(24)
    for printed in (sg.Derivation.source, sg.Derivation.render, sg.Derivation.latex):
        assert visits(lambda p=printed: p(many)) < 5 * visits(lambda p=printed: p(few)), printed


def test_a_softmax_by_python_s_sum_is_not_rewritten_for_each_of_its_classes(counted: Any) -> None:
    rewrites = counted(rules, "_with_one")
    Z, Y = sg.param("Z", (20,)), sg.data("Y", (20,))
    p = np.exp(Z) / sum(np.exp(Z))
    sg.derive(-np.sum(Y * np.log(p)))
    assert len(rewrites) < 50
