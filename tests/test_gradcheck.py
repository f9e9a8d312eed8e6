"""The public check of gradients: what is right agrees, and every planted fault is seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symgrad as sg
from symgrad.checks.any_code import differences

RNG = np.random.default_rng(0)
POINT = {
    "X": RNG.normal(size=(6, 3)), "y": RNG.normal(size=6), "w": RNG.normal(size=4),
    "V": RNG.normal(size=(3, 4)), "S": RNG.normal(size=(3, 3)), "b": np.array(0.3),
}  # fmt: skip


def network() -> Any:
    shapes = {name: value.shape for name, value in POINT.items()}
    data = {name: sg.data(name, shapes[name]) for name in "Xy"}
    params = {name: sg.param(name, shapes[name]) for name in "wVSb"}
    h = np.tanh(data["X"] @ params["S"] @ params["V"])
    return sg.derive(np.mean((h @ params["w"] + params["b"] - data["y"]) ** 2), names={}).compile()


MODULE = network()


def faulty(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Any:
    """The network's functions, one of the gradients changed."""

    def gradients(**at: Any) -> dict[str, Any]:
        found = MODULE.gradients(**at)._asdict()
        return {**found, name: change(found[name])}

    return MODULE.loss, gradients


def changed_at(place: tuple[int, ...], factor: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(g: np.ndarray) -> np.ndarray:
        wrong = g.copy()
        wrong[place] *= factor
        return wrong

    return change


FAULTS: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "a factor": ("V", lambda g: g * (1 + 1e-6)),
    "a factor of a scalar": ("b", lambda g: g * (1 - 1e-6)),
    "a sign": ("w", lambda g: -g),
    "a transposition": ("S", lambda g: g.T),
    "a shape": ("V", lambda g: g.T),
    "a missing term": ("V", lambda g: g - POINT["V"] * 1e-5),
    "an index": ("w", lambda g: g[[1, 0, 2, 3]]),
    "one entry": ("V", changed_at((2, 1), 1.001)),
    "one sign": ("w", changed_at((3,), -1.0)),
    "a lost entry": ("S", changed_at((0, 2), 0.0)),
    "zero": ("V", np.zeros_like),
    "not a number": ("w", lambda g: g * np.nan),
    "infinity": ("b", lambda g: g * np.inf),
    "a constant": ("w", lambda g: g + 1e-5),
}


def test_true_gradients_agree_and_it_says_what_would_have_been_seen() -> None:
    found = sg.check_gradients(MODULE, POINT)
    assert found
    assert [s.name for s in found.slopes] == [n for n in MODULE.Gradients._fields for _ in range(3)]
    assert all(s.resolution < 1e-8 for s in found.slopes)
    assert str(found).count("agrees; a relative error of") == 4


@pytest.mark.parametrize("seed", range(8))
def test_true_gradients_agree_whatever_the_direction(seed: int) -> None:
    assert sg.check_gradients(MODULE, POINT, seed=seed)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("seed", range(4))
def test_a_planted_fault_is_seen(fault: str, seed: int) -> None:
    name, change = FAULTS[fault]
    found = sg.check_gradients(faulty(name, change), POINT, strict=False, seed=seed)
    verdicts = {s.name: s.verdict for s in found.slopes}
    assert not found.passed
    assert {n for n, verdict in verdicts.items() if verdict == "differs"} == {name}


def test_a_fault_is_an_error_that_names_the_entry() -> None:
    with pytest.raises(sg.CheckError, match=r"V: differs: .* at entry \[2, 1\]"):
        sg.check_gradients(faulty("V", changed_at((2, 1), 1.01)), POINT)


def test_small_and_large_losses_are_as_good() -> None:
    for scale in (1e-12, 1e12):
        pair = (
            lambda x, s=scale: s * np.sum(np.exp(x)),
            lambda x, s=scale: {"x": s * np.exp(x)},
        )
        wrong = (pair[0], lambda x, s=scale: {"x": s * np.exp(x) * (1 + 1e-6)})
        assert sg.check_gradients(pair, {"x": np.array([0.1, -2.0, 3.0])})
        assert not sg.check_gradients(wrong, {"x": np.array([0.1, -2.0, 3.0])}, strict=False)


def verdicts(code: Any, x: Any) -> set[str]:
    found = sg.check_gradients(code, {"x": np.array(x)}, strict=False)
    return {s.verdict for s in found.slopes}


def absolute(at_kink: float = 0.0) -> Any:
    return (
        lambda x: np.sum(np.abs(x)),
        lambda x: {"x": np.where(x == 0, at_kink, np.sign(x))},
    )


def test_a_kink_is_called_a_kink() -> None:
    assert verdicts(absolute(), [0.0, 1.0]) == {"kink"}
    assert verdicts(absolute(0.5), [0.0, 1.0]) == {"kink"}
    assert verdicts(absolute(1.5), [0.0, 1.0]) == {"differs"}
    assert verdicts(absolute(), [1e-9, 1.0]) == {"kink"}
    assert verdicts(absolute(), [1e-2, 1.0]) == {"agrees"}
    with pytest.raises(sg.CheckError, match=r"kink: .*between the slopes .* to the left"):
        sg.check_gradients(absolute(), {"x": np.array([0.0, 1.0])})


def test_a_wrong_gradient_beside_a_kink_is_seen() -> None:
    loss, gradients = absolute()
    wrong = (loss, lambda x: {"x": gradients(x)["x"] * (1 + 1e-5)})
    assert verdicts(wrong, [1e-2, 1.0]) == {"differs"}


def test_a_jump_is_no_slope() -> None:
    step = (lambda x: np.sum(x > 0) + np.sum(x), lambda x: {"x": np.ones_like(x)})
    assert verdicts(step, [0.0, 1.0]) <= {"unclear", "differs"}


def test_rough_differences_are_unclear_and_not_a_pass() -> None:
    noise = np.random.default_rng(0)
    rough = (lambda x: np.sum(x) + 1e-3 * noise.normal(), lambda x: {"x": np.ones_like(x)})
    assert "agrees" not in verdicts(rough, [1.0, 2.0])


def test_the_end_of_the_domain_may_be_near() -> None:
    code = (lambda x: np.sum(np.log(x)), lambda x: {"x": 1 / x})
    assert verdicts(code, [1e-2, 1.0]) == {"agrees"}


def test_a_gradient_of_zero_agrees_and_a_wrong_one_does_not() -> None:
    flat = (lambda x: np.float64(3.0), lambda x: {"x": np.zeros_like(x)})
    assert verdicts(flat, [1.0, 2.0]) == {"agrees"}
    wrong = (flat[0], lambda x: {"x": np.full_like(x, 1e-6)})
    assert verdicts(wrong, [1.0, 2.0]) == {"differs"}


def test_integers_and_single_floats_stay_what_they_mean() -> None:
    z, y = sg.param("z", (4, 3)), sg.data("y", (4,), dtype=int)
    logp = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    module = sg.derive(-np.mean(logp[np.arange(4), y]), names={}).compile()
    point = {"z": RNG.normal(size=(4, 3)).astype(np.float32), "y": np.array([0, 2, 1, 1])}
    assert sg.check_gradients(module, point)


@pytest.mark.parametrize(
    ("function", "slope"),
    [(np.exp, 1.0), (np.sin, 1.0), (lambda t: (1 + t) ** 7, 7.0), (np.arctan, 1.0),
     (lambda t: 1 / (1 - t), 1.0), (lambda t: np.exp(20 * t), 20.0), (lambda t: 5.0 + 0 * t, 0.0)],
)  # fmt: skip
def test_the_error_that_is_told_is_not_less_than_the_error_that_is_made(
    function: Callable[[float], float], slope: float
) -> None:
    for estimate in differences(function):
        assert abs(estimate.value - slope) <= 10 * estimate.error
        assert estimate.error <= 1e-8 * max(slope, 1.0)
