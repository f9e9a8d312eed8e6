"""Generated modules tell whether their arguments are what the spec assumes of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import symgrad as sg
from symgrad.mathematics.assumptions import ASSUMPTIONS, About, Assumption, Fact, giving, strongest
from symgrad.targets.numpy.assumptions import CHECKS

AXES = {kind.name: 1 for kind in ASSUMPTIONS.values() if kind.about is About.AXIS}
DTYPES = (np.float32, np.float64)


def module_of(*assume: Assumption, shape: tuple[Any, ...] = (3, 3)) -> ModuleType:
    x, w = sg.data("x", shape, assume=assume), sg.param("w", ())
    return sg.derive(np.sum(x * w), names={}).compile()


def holding(kind: str, rng: np.random.Generator, size: int = 3) -> np.ndarray:
    """A matrix of which the assumption holds."""
    x = rng.random((size, size)) + 0.1
    made: dict[str, Callable[[], np.ndarray]] = {
        "one_hot": lambda: np.eye(size)[rng.integers(0, size, size)],
        "sums_to_one": lambda: x / x.sum(1, keepdims=True),
        "unit_norm": lambda: x / np.linalg.norm(x, axis=1, keepdims=True),
        "orthogonal": lambda: np.linalg.qr(x)[0],
        "symmetric": lambda: x @ x.T,
        "positive": lambda: x,
    }
    return made[kind]()


def test_every_assumption_has_a_check() -> None:
    assert set(CHECKS) == set(ASSUMPTIONS)


@pytest.mark.parametrize("kind", ASSUMPTIONS)
def test_every_assumption_is_on_the_face(kind: str) -> None:
    said = getattr(sg, kind)
    assert (said(axis=1) if AXES.get(kind) else said) == Assumption(kind, AXES.get(kind))


def test_of_several_assumptions_numbers_keep_the_strongest() -> None:
    both = [sg.sums_to_one(axis=0), sg.one_hot(axis=0)]
    assert strongest(both) == strongest(both[::-1]) == sg.one_hot(axis=0)
    assert [a.kind for a in giving(Fact.SUM_IS_ONE, both)] == ["sums_to_one", "one_hot"]
    assert giving(Fact.ZEROS_AND_ONES, both[:1]) == []


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", CHECKS)
def test_what_holds_up_to_rounding_passes(kind: str, dtype: type) -> None:
    module = module_of(Assumption(kind, AXES.get(kind)), shape=("n", "n"))
    rng = np.random.default_rng(3)
    for size in (1, 2, 5, 200):
        module.check_assumptions(holding(kind, rng, size).astype(dtype))


FAULTS = {
    "one_hot": (1.5, r"x\[1, 0\] = [12]\.5"),
    "sums_to_one": (0.01, r"x\.sum\(1\)\[1\] = 1\.0(1|0999)"),
    "unit_norm": (0.01, r"\(x\*\*2\)\.sum\(1\)\[1\] = 1\.0"),
    "orthogonal": (0.01, r"\(x\.T @ x\)\[0, 0\] = "),
    "symmetric": (0.01, r"\(x - x\.T\)\[0, 1\] = -0\.0(1|0999)"),
    "positive": (-5.0, r"x\[1, 0\] = -[34]\."),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", CHECKS)
def test_a_planted_fault_is_named(kind: str, dtype: type) -> None:
    module = module_of(Assumption(kind, AXES.get(kind)))
    x: np.ndarray = holding(kind, np.random.default_rng(4)).astype(dtype)
    change, message = FAULTS[kind]
    x[1, 0] += change
    sentence = Assumption(kind, AXES.get(kind)).sentence("x").partition(":")[0]
    with pytest.raises(ValueError, match=message) as found:
        module.check_assumptions(x)
    assert str(found.value).startswith(f"x: expected that {sentence}; got ")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("kind", CHECKS)
def test_what_is_not_finite_fails_without_a_warning(kind: str, bad: float) -> None:
    module = module_of(Assumption(kind, AXES.get(kind)))
    x = holding(kind, np.random.default_rng(5))
    x[0, 0] = bad
    with pytest.raises(ValueError, match="x: expected that"):
        module.check_assumptions(x=x)


def test_a_sum_of_ones_is_not_one_hot_and_a_row_of_zeros_is_not_either() -> None:
    module = module_of(sg.one_hot(axis=0))
    for row in ([[1, 0, 0], [1, 0, 0], [0, 1, 1]], [[0, 1, 0], [0, 0, 1], [0, 0, 0]]):
        with pytest.raises(ValueError, match=r"x\.sum\(0\)\[0\] = [20]\.0"):
            module.check_assumptions(row)


def test_the_tolerance_is_that_of_the_dtype() -> None:
    module = module_of(sg.sums_to_one(axis=0), shape=(2,))
    x = np.array([0.5, 0.5 + 1e-7])
    module.check_assumptions(x.astype(np.float32))
    with pytest.raises(ValueError, match=r"x\.sum\(0\) = 1\.00000009"):
        module.check_assumptions(x)


def test_only_inputs_with_an_assumption_are_asked_for() -> None:
    a = sg.data("a", ("n", "k"), assume=[sg.positive, sg.sums_to_one(axis=1)])
    b, c = sg.param("b", ("k",)), sg.param("c", (), assume=sg.positive)
    module = sg.derive(c * np.sum(a @ b), names={}).compile()
    right = np.array([[0.25, 0.75]])
    module.check_assumptions(a=right, c=2.0)
    with pytest.raises(ValueError, match=r"a: .* positive; got a\[0, 0\] = -1\.0"):
        module.check_assumptions(np.array([[-1.0, 2.0]]), 2.0)
    with pytest.raises(ValueError, match=r"c: .* positive; got c = 0\.0"):
        module.check_assumptions(a=right, c=0)
    with pytest.raises(ValueError, match=r"a: expected shape \(n, k\), got \(2,\)"):
        module.check_assumptions(a=right[0], c=1)
    assert "the entries of c are positive. Whether that" in " ".join((module.__doc__ or "").split())


def test_without_an_assumption_there_is_nothing_to_check() -> None:
    module = module_of()
    assert not hasattr(module, "check_assumptions")
    assert "assume" not in (module.__doc__ or "")


@pytest.mark.parametrize(("numbers", "code"), [([[0, 1]], 0), ([[0.5, 0.6]], 1)])
def test_the_file_checks_its_example(numbers: Any, code: int, tmp_path: Path) -> None:
    y = sg.data("y", (1, 2), assume=sg.one_hot(axis=1))
    w = sg.param("w", (2,))
    loss = np.sum((y @ w) ** 2)
    example = {"y": np.array(numbers, float), "w": np.array([1.0, 2.0])}
    file = tmp_path / "checked.py"
    file.write_text(sg.derive(loss, names={}).source(example=example), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, str(file)], capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == code, run.stdout
    assert ("ValueError: y: expected that y is one-hot" in run.stderr) == bool(code)


@pytest.mark.parametrize("kind", CHECKS)
def test_random_points_of_the_file_keep_what_is_assumed(kind: str) -> None:
    module = module_of(Assumption(kind, AXES.get(kind)))
    module.check_assumptions(x=module._point(1)["x"])
