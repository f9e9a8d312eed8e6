"""Numbers that are written by what they are: recognised to the last bit, and computed the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp

import symgrad as sg
from symgrad.language.constants import number
from symgrad.mathematics.known import FAMILIES, MULTIPLIED, SINGLE, known, named
from symgrad.targets.identifiers import Locals
from symgrad.targets.numpy import operations
from symgrad.targets.numpy.emit import NUMPY
from symgrad.targets.numpy.operations import NumPyNumbers
from tests.losses import LOSSES
from tests.test_losses import derived

CONSTANTS = [*SINGLE, *(f.member(n) for f in FAMILIES for n in (2, 3, 5, 8, 10, 768))]
AS_IT_IS = str

WRITTEN = {
    "np.log(2 * np.pi)": "LOG_2PI",
    "0.5 * np.log(2 * np.pi)": "0.5 * LOG_2PI",
    "1.5 * np.log(2 * np.pi)": "1.5 * LOG_2PI",
    "1 / np.sqrt(8)": "1 / SQRT_8",
    "np.sqrt(8)": "SQRT_8",
    "np.sqrt(2 / np.pi)": "SQRT_2_OVER_PI",
    "0.044715 * np.sqrt(2 / np.pi)": "0.044715 * SQRT_2_OVER_PI",
    "1 / np.sqrt(2 * np.pi)": "1 / SQRT_2PI",
    "2 / np.sqrt(np.pi)": "2 / SQRT_PI",
    "np.log(10)": "LOG_10",
    "1 / np.log(2)": "1 / LOG_2",
    "2 * np.pi": "2 * np.pi",
    "np.pi / 180": "np.pi / 180",
    "180 / np.pi": "180 / np.pi",
    "np.e": "np.e",
    "1 / 3": "1 / 3",
    "0.044715": "0.044715",
    "1e-5": "1e-5",
    "1e-12": "1e-12",
    "2.5e300": "2.5e300",
    "5e-324": "5e-324",
    "0.7978845608": "0.7978845608",
    "1.4142135623": "1.4142135623",
    "0.1 + 0.2": "0.30000000000000004",
}
"""What a spec says, and how its file has it."""


def text(expr: sp.Expr, *taken: str) -> str:
    return NumPyNumbers(AS_IT_IS, Locals(taken).claim).text(expr).code


def values(code: str) -> float:
    """What Python makes of a number in a file."""
    names = {name: float(eval(c.code, {"np": np})) for name in _names(code) if (c := named(name))}
    return float(eval(code, {"np": np, **names}))


def _names(code: str) -> list[str]:
    return [word.strip("()") for word in code.split()]


@pytest.mark.parametrize("typed", WRITTEN)
def test_numbers_are_written_as_they_were_typed(typed: str) -> None:
    value = float(eval(typed, {"np": np}))
    assert text(number(value)) == WRITTEN[typed]
    assert values(WRITTEN[typed]) == value


@pytest.mark.parametrize("constant", CONSTANTS, ids=lambda c: c.called)
def test_each_constant_is_what_its_code_computes_and_near_its_expression(constant: Any) -> None:
    assert float(eval(constant.code, {"np": np})) == constant.value
    assert math.isclose(constant.value, float(constant.expr), rel_tol=4e-16)
    assert constant.called.startswith("np.") or named(constant.called) == constant
    found = known(constant.value)
    assert found is not None
    assert (found.function, found.constant, found.value) == ("", constant, constant.value)


MANNERS: dict[str, Callable[[float], float]] = {
    "1 /": lambda c: 1 / c,
    "times 0.5": lambda c: 0.5 * c,
    "times 12": lambda c: 12 * c,
    "over 7": lambda c: c / 7,
    "0.1 over": lambda c: 0.1 / c,
}


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("constant", MULTIPLIED, ids=lambda c: c.called)
def test_multiples_are_recognised_to_the_last_bit_and_one_bit_beside_not(
    constant: Any, manner: str
) -> None:
    value = MANNERS[manner](constant.value)
    found = known(value)
    assert found is not None
    assert found.value == value
    for beside in np.nextafter(value, (0.0, np.inf)).tolist():
        other = known(beside)
        assert other is None or other.value == beside


@pytest.mark.parametrize("typed", ["np.log(2 * np.pi)", "np.sqrt(7)", "np.log(10)", "np.pi"])
def test_one_bit_beside_a_constant_is_no_constant(typed: str) -> None:
    value = float(eval(typed, {"np": np}))
    for beside in np.nextafter(value, (0.0, np.inf)).tolist():
        assert text(number(beside)) == repr(beside)


def test_hardly_any_number_is_taken_for_a_constant() -> None:
    rng = np.random.default_rng(0)
    drawn = np.concatenate([rng.uniform(0, 4, 300), 10 ** rng.uniform(-6, 6, 300)])
    assert not any(map(known, drawn.tolist()))


N, D = sp.symbols("N D", integer=True, positive=True)


@pytest.mark.parametrize(
    ("expr", "code"),
    [
        (number(0.5 * np.log(2 * np.pi)) * N * D, "0.5 * LOG_2PI * D * N"),
        (-number(0.5 * np.log(2 * np.pi)) * N, "-0.5 * LOG_2PI * N"),
        (number(np.sqrt(8)) / N, "SQRT_8 / N"),
        (D / (number(np.sqrt(8)) * N), "D / (SQRT_8 * N)"),
        (number(0.123456789123) * (N + 1) / D, "(0.123456789123 + 0.123456789123 * N) / D"),
        (number(1e-5) * N, "1e-5 * N"),
        (number(0.044715) * N, "0.044715 * N"),
        (number(0.123456789123) * N + D / 2, "D / 2 + 0.123456789123 * N"),
        (10**7 * N, "10000000 * N"),
        (sp.Rational(7, 3 * 10**7) * N, "2.3333333333333333e-7 * N"),
        (N / (3 * 10**7), "N / 30000000"),
        (N / 2, "N / 2"),
        (N / 1024, "N / 1024"),
        (3 * N / 10, "3 * N / 10"),
        ((N + 1) / 2, "(1 + N) / 2"),
        (sp.pi * N / 3, "np.pi * N / 3"),
        (sp.pi / 2, "np.pi / 2"),
    ],
)
def test_products_of_numbers_and_sizes_have_no_long_integers(expr: sp.Expr, code: str) -> None:
    found = text(expr)
    assert found == code
    numbers = {c.called: c.value for c in CONSTANTS if c.called.isidentifier()}
    computed = eval(found, {"np": np, **numbers, "N": 7, "D": 3})
    assert math.isclose(computed, float(expr.subs({N: 7, D: 3})), rel_tol=1e-15)
    assert not any(word.isdigit() and len(word) > 8 for word in found.split())


def test_a_name_that_the_function_has_already_is_not_used() -> None:
    assert text(number(np.sqrt(8)), "SQRT_8") == repr(float(np.sqrt(8)))
    taken = Locals(["x"])
    assert taken.claim("SQRT_8")
    assert taken.claim("SQRT_8")
    assert taken.new("SQRT_8") == "SQRT_8_2"


def test_a_large_round_number_among_floats_is_written_with_its_power_of_ten() -> None:
    x, mask, n = sg.param("x", (3,)), sg.data("mask", (3,), dtype=bool), sg.data("n", (), dtype=int)
    value = np.sum(np.where(mask, x, -1e9) * 2e6) + np.sum(x) * (n + 3_000_000)
    source = sg.derive(value, names={"x": x, "mask": mask, "n": n}).source(plain=True)
    assert "-1e9" in source
    assert "2e6 *" in source
    assert "n + 3000000" in source


FORMULAS = {
    "1 / np.sqrt(8)": (r"\frac{1}{\sqrt{8}}", "1/sqrt(8)"),
    "0.5 * np.log(2 * np.pi)": (r"\frac{1}{2} \log(2 \pi)", "1/2 log(2 π)"),
    "np.log(10)": (r"\log(10)", "log(10)"),
    "np.sqrt(2 / np.pi)": (r"\sqrt{\frac{2}{\pi}}", "sqrt(2/π)"),
    "1.5 / np.sqrt(2)": (r"\frac{3}{2 \sqrt{2}}", "3/(2 sqrt(2))"),
    "0.37 / np.sqrt(2)": (r"\frac{0.37}{\sqrt{2}}", "0.37/sqrt(2)"),
}


@pytest.mark.parametrize("typed", FORMULAS)
def test_formulas_name_constants(typed: str) -> None:
    x = sg.param("x", (3,))
    factor = float(eval(typed, {"np": np}))
    derivation = sg.derive(np.sum(np.exp(x)) * factor, names={"x": x})
    latex, text = FORMULAS[typed]
    assert latex in derivation.latex()
    assert f"= {text} Σ_i exp(x[i])" in derivation.render("text")
    over = f"exp(x[i]){text.removeprefix('1')}"
    source = derivation.source()
    assert f"{text} exp(x[i])" in source or (text.startswith("1/") and over in source)


def spec() -> sg.Derivation:
    x, w = sg.data("x", ("N", 3)), sg.param("w", (3,))
    h = x * w
    gelu = 0.5 * h * (1 + np.tanh(np.sqrt(2 / np.pi) * (h + 0.044715 * h**3)))
    total = np.sum(gelu) + 0.5 * x.shape[0] * np.log(2 * np.pi) + np.log(10) * np.sum(w**2)
    return sg.derive(total + np.sum(w) / np.sqrt(8), names={"x": x, "w": w})


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("plain", [True, False])
def test_a_file_defines_each_constant_once_and_keeps_the_dtype(dtype: str, *, plain: bool) -> None:
    source = spec().source(plain=plain, dtype=dtype)
    head = source[: source.index("class Gradients")]
    for name in ("LOG_2PI = float(np.log(2 * np.pi))", "SQRT_8 = float(np.sqrt(8))"):
        assert head.count(name) == 1
        assert source.count(name) == 1
    assert not any(len(word) > 9 for word in source.split() if word.isdigit())
    module = NUMPY.load(source, "constants")
    x = np.linspace(-1, 1, 12, dtype=dtype).reshape(4, 3)
    _, gradients = module.loss_and_gradients(x=x, w=x[0])
    assert gradients.w.dtype == dtype


@pytest.mark.parametrize("name", ["mixture_full", "coupling_flow"])
@pytest.mark.parametrize("plain", [True, False])
def test_what_is_computed_is_the_same_to_the_last_bit(
    name: str, monkeypatch: pytest.MonkeyPatch, *, plain: bool
) -> None:
    derivation = derived(next(loss for loss in LOSSES if loss.name == name))
    sources = [derivation.source(plain=plain)]
    monkeypatch.setattr(operations, "known", lambda _: None)
    sources.append(derivation.source(plain=plain))
    assert sources[0] != sources[1]
    modules = [NUMPY.load(source, name) for source in sources]
    point = modules[0]._point(0)
    (value, found), (other, others) = (m.loss_and_gradients(**point) for m in modules)
    assert value == other
    for one, two in zip(found, others, strict=True):
        assert np.asarray(one).tobytes() == np.asarray(two).tobytes()


def test_an_input_with_the_name_of_a_constant_stays_what_it_is() -> None:
    log, x = sg.param("LOG_10", (3,)), sg.data("x", (3,))
    derivation = sg.derive(np.sum(log * x) * np.log(10), names={"LOG_10": log, "x": x})
    one = np.ones(3)
    value, found = derivation.compile().loss_and_gradients(LOG_10=one, x=one)
    assert math.isclose(value, 3 * math.log(10))
    np.testing.assert_allclose(found.LOG_10, math.log(10))
