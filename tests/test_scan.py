"""Recurrences: a step that is derived once against the same loop written out, and differences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from recurrences import CASES, Arrays, Case, by_loop
from scipy import special

import symgrad as sg
from symgrad import outputs
from symgrad.calculus import forward_and_adjoints
from symgrad.checks.derived import run
from symgrad.checks.numbers import Floats
from symgrad.checks.sampling import given_point
from symgrad.checks.stepwise import evaluate_equations
from symgrad.program.before_loops import products_before_loops
from symgrad.program.common_factors import common_factors_once
from symgrad.program.interpreter import interpret
from symgrad.program.loop import loops
from symgrad.program.passes import everywhere, stages

LARGE = ("gru", "lstm", "kalman", "hmm_in_logs", "rk4", "nested")
"""What takes seconds to derive."""


def _each(large: tuple[str, ...]) -> list[Any]:
    return [pytest.param(n, marks=pytest.mark.long) if n in large else n for n in CASES]


named = pytest.mark.parametrize("name", _each(LARGE))


@cache
def derived(name: str, length: int | str = "T") -> sg.Derivation:
    return CASES[name].derived(length)


@cache
def compiled(name: str) -> ModuleType:
    module: ModuleType = derived(name).compile()
    return module


# -- the numbers ----------------------------------------------------------------------------------


@named
@pytest.mark.parametrize("length", [1, 2, 5])
def test_gradients_are_differences(name: str, length: int) -> None:
    case, module = CASES[name], compiled(name)
    at = case.numbers(length, seed=length)
    value, found = module.loss_and_gradients(**at)
    np.testing.assert_allclose(value, case.value(at), rtol=1e-10)
    rng = np.random.default_rng(length)
    along = {n: rng.standard_normal(np.shape(at[n])) for n in found._fields}
    ends = [case.value(at | {n: at[n] + h * v for n, v in along.items()}) for h in (1e-6, -1e-6)]
    exact = sum(np.sum(getattr(found, n) * v) for n, v in along.items())
    np.testing.assert_allclose(exact, (ends[0] - ends[1]) / 2e-6, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", _each((*LARGE, "hmm", "paths", "embedded")))
def test_a_step_is_derived_as_the_loop_written_out(name: str) -> None:
    case = CASES[name]
    unrolled = sg.derive(case.loss(by_loop, Arrays(case.arrays(3))), names={}).compile()
    at = case.numbers(3, seed=7)
    value, gradients = unrolled.loss_and_gradients(**at)
    other, found = compiled(name).loss_and_gradients(**at)
    np.testing.assert_allclose(other, value, rtol=1e-12)
    for n in found._fields:
        expected = getattr(gradients, n)
        scale = np.abs(expected).max() + 1
        np.testing.assert_allclose(getattr(found, n), expected, rtol=1e-10, atol=1e-12 * scale)


@named
def test_every_pass_computes_what_the_equations_say(name: str) -> None:
    found, case = derived(name), CASES[name]
    at = case.numbers(4, seed=2)
    outputs = [found.system.output, *found.results.values()]
    equations, field = forward_and_adjoints(found), Floats("float64")
    start = given_point(found.system, at, field)
    known = evaluate_equations(equations, start.env, start.sizes, field)
    programs = [p for _, p in stages(found.system.variables, equations, outputs)]
    for transform in (products_before_loops, common_factors_once):
        programs.append(everywhere(transform, programs[-1]))
    for program in programs:
        values = interpret(program, start.env)
        for n in outputs:
            np.testing.assert_allclose(values[n].astype(float), known[n].astype(float), rtol=1e-9)


@pytest.mark.parametrize("name", _each(tuple(n for n in CASES if n not in ("garch", "fibonacci"))))
def test_the_derivation_checks_itself(name: str) -> None:
    checks = run(derived(name))
    assert all(check.passed for check in checks), [c for c in checks if not c.passed]
    assert any("difference" in check.what for check in checks)


@pytest.mark.parametrize("name", ["rnn", "backwards", "control", "fibonacci"])
def test_without_a_step_the_carry_is_the_first(name: str) -> None:
    case, module = CASES[name], compiled(name)
    at = case.numbers(0)
    value, found = module.loss_and_gradients(**at)
    starts = {"rnn": "h0", "backwards": "h0", "control": "x0"}
    if name in starts:
        start = at[starts[name]]
        exact = {"control": 10 * start}.get(name, 3 * start**2)
        np.testing.assert_allclose(getattr(found, starts[name]), exact)
    else:
        np.testing.assert_allclose([value, found.p, found.q], [at["p"] * at["q"], at["q"], at["p"]])


@named
def test_no_workspace_is_spoilt_by_a_call(name: str) -> None:
    case, module = CASES[name], compiled(name)
    sizes = {"T": 4}
    workspace = module.Workspace(**sizes)
    for seed in (1, 2, 1):
        at = case.numbers(4, seed=seed)
        value, found = module.loss_and_gradients(**at, workspace=workspace)
        fresh, others = module.loss_and_gradients(**at)
        np.testing.assert_array_equal(value, fresh)
        for mine, theirs in zip(found, others, strict=True):
            np.testing.assert_array_equal(mine, theirs)


# -- how it reads ---------------------------------------------------------------------------------


def test_the_equations_are_those_of_a_textbook() -> None:
    lines = " ".join(repr(derived("rnn")).split())
    for line in (
        "h[−1,i] = h₀[i]",
        "z[t,i] = Σ_j X[t,j] W_x[i,j] + Σ_k h[t − 1,k] W_h[i,k] + b[i]",
        "∂L/∂h[t,i] = ∂L/∂h⁻[t + 1,i] + 2 h[t,i] − 2 Y[t,i]",
        "∂L/∂h⁻[t,i] = Σ_k ∂L/∂z[t,k] W_h[k,i]",
        "∂L/∂W_h[i,k] = Σ_t ∂L/∂z[t,i] h[t − 1,k]",
        "∂L/∂h₀[i] = ∂L/∂h⁻[0,i]",
    ):
        assert line in lines, line


@pytest.mark.parametrize("layout", ["text", "latex", "markdown", "html", "json", "typst"])
@pytest.mark.parametrize("name", ["rnn", *(pytest.param(n, marks=pytest.mark.long) for n in LARGE)])
def test_every_format_writes_it(name: str, layout: str) -> None:
    text = str(derived(name).render(layout))
    assert "Carried" not in text
    assert "Final" not in text
    assert "_next" not in text


def test_what_needs_no_carry_is_in_no_loop() -> None:
    source = derived("rnn").source()
    forward = source.partition("def _forward")[2].partition("def ")[0]
    before, _, loop = forward.partition("for ")
    assert "X.dot(Wx.T" in before
    assert loop.count("dot(") == 1
    backward = source.partition("def _backward")[2].partition("def ")[0]
    before, _, rest = backward.partition("for ")
    loop, _, after = rest.partition("dX = ")
    assert "np.square(h" in before
    assert "dWh =" in after
    assert loop.count("out=") == 3


def test_the_values_before_each_step_stand_beside_their_loop() -> None:
    source = derived("rnn").source().partition("# What is called")[0]
    forward, _, others = source.partition("def _shared")
    assert "h_before = h_states[:-1]" in forward
    assert "h_states" not in others


def test_products_of_what_a_step_is_given_are_in_no_loop() -> None:
    """The derivative by tanh(P Hᵀ) is that by P times (H P)ᵀ, where no step back makes H P."""
    H, X = sg.param("H", (2, 4)), sg.data("X", ("T", 4, 4))

    def step(P: Any, x: Any) -> Any:
        return x - np.tanh(P @ H.T) @ H @ P, None

    last, _ = sg.scan(step, np.ones((4, 4)), X)
    found = sg.derive(np.sum(last), names={})
    program = outputs.module(found, found.notation).program
    moved = everywhere(products_before_loops, program)
    before, after = ([len(_products(m.program)) for m in loops(p)] for p in (program, moved))
    assert before[0] == after[0]
    assert before[1] > after[1]
    at = {"H": np.ones((2, 4)) / 3, "X": np.random.default_rng(0).standard_normal((5, 4, 4))}
    values = [
        interpret(p, given_point(found.system, at, Floats("float64")).env) for p in (program, moved)
    ]
    np.testing.assert_allclose(values[1]["dH"], values[0]["dH"], rtol=1e-12)


def _products(program: Any) -> list[Any]:
    return [op for op in program if op.kind == "matmul"]


@pytest.mark.long
def test_loops_that_need_no_carry_of_each_other_are_apart() -> None:
    forward = derived("lstm").source().partition("def _forward")[2].partition("def ")[0]
    assert forward.count("for ") == 2


# -- names and errors -----------------------------------------------------------------------------


def test_a_step_names_its_values() -> None:
    found = CASES["rnn"].derived(wrt=["h", "z"])
    assert [str(s) for s in found.gradients["h"].shape] == ["T", "4"]
    at = CASES["rnn"].numbers(3)
    module = found.compile()
    _, gradients = module.loss_and_gradients(**at)
    assert gradients.h.shape == gradients.z.shape == (3, 4)


def test_a_name_that_is_taken_gets_another() -> None:
    x, a = sg.data("x", ("T",)), sg.param("a", ())
    h = a**3

    def step(carry: Any, x: Any) -> Any:
        h = np.tanh(carry * a + x)
        return h, h

    _, hs = sg.scan(step, 0.0, x)
    names = {"h": h}
    found = sg.derive(np.sum(hs**2) + h, wrt=["a", "h_step", "h"], names=names)
    assert set(found.wrt) == {"a", "h_step", "h"}


def test_ys_have_no_derivative_beside_that_of_the_step() -> None:
    x, a = sg.data("x", ("T",)), sg.param("a", ())

    def step(h: Any, x: Any) -> Any:
        h = np.tanh(h * a + x)
        return h, h

    _, hs = sg.scan(step, 0.0, x)
    with pytest.raises(sg.SpecError, match="hs is what the step"):
        sg.derive(np.sum(hs**2), wrt=["hs"])
    assert sg.derive(np.sum(hs**2), wrt=["h"]).wrt == ("h",)


def test_the_derivative_by_the_last_carry_goes_through_no_step() -> None:
    x, a = sg.data("x", ("T",)), sg.param("a", ())

    def step(h: Any, x: Any) -> Any:
        h = np.tanh(h * a + x)
        return h, h

    last, hs = sg.scan(step, 0.0, x)
    found = sg.derive(np.sum(hs**2) + last**3, wrt=["last"])
    assert [d.value for d in found.adjoints] == [found.system.output, "last"]
    assert all(check.passed for check in run(found))


X, H = sg.data("X", ("T", 3)), sg.param("H", (3,))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: sg.scan(lambda c, x: (c, c), H), "no length"),
        (lambda: sg.scan(lambda c, x: c + x, H, X), "no pair"),
        (lambda: sg.scan(lambda c, x: (c[:2], c), H, X), "a carry of shape 2"),
        (lambda: sg.scan(lambda c, x: ((c, c), c), H, X), "makes 2 arrays"),
        (lambda: sg.scan(lambda c, x: (c, c), H, X, length="N"), "lengths T and N"),
        (lambda: sg.scan(lambda c, x: (c, c), H, sg.param("s", ())), "first axis"),
        (lambda: list(X), "a loop over an axis"),
    ],
)
def test_what_is_no_scan_is_an_error(call: Any, says: str) -> None:
    with pytest.raises(sg.SpecError, match=says):
        call()


def test_a_loop_over_a_named_length_says_what_to_use() -> None:
    for loop in (lambda: iter(X), lambda: range(X.shape[0])):
        with pytest.raises(sg.SpecError) as told:
            loop()
        assert "h, hs = sg.scan(step, h0, xs), where step(h, x) returns" in str(told.value.hint)


# -- second order, along directions, and what is not there yet ------------------------------------


def _directions(name: str, at: Mapping[str, Any]) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    return {n: rng.standard_normal(np.shape(at[n])) for n in compiled(name).Gradients._fields}


@pytest.mark.parametrize("name", ["rnn", "garch", "fibonacci", "control"])
def test_the_derivative_along_a_direction(name: str) -> None:
    case = CASES[name]
    at = case.numbers(4, seed=1)
    along = _directions(name, at)
    module = sg.jvp(case.spec(), names={}).compile()
    _, found = module.loss_and_gradients(**at, **{f"v_{n}": v for n, v in along.items()})
    _, gradients = compiled(name).loss_and_gradients(**at)
    exact = sum(np.sum(getattr(gradients, n) * v) for n, v in along.items())
    np.testing.assert_allclose(found[0], exact, rtol=1e-12)


@pytest.mark.parametrize("name", ["rnn", "garch", "fibonacci", "control"])
def test_hessian_vector_products(name: str) -> None:
    case = CASES[name]
    at = case.numbers(4, seed=1)
    along = _directions(name, at)
    module = sg.hvp(case.spec(), names={}).compile()
    _, found = module.loss_and_gradients(**at, **{f"v_{n}": v for n, v in along.items()})
    ends = [
        compiled(name).loss_and_gradients(**at | {n: at[n] + h * v for n, v in along.items()})[1]
        for h in (1e-6, -1e-6)
    ]
    for n in along:
        slope = (getattr(ends[0], n) - getattr(ends[1], n)) / 2e-6
        np.testing.assert_allclose(getattr(found, n), slope, rtol=1e-5, atol=1e-6)


def test_the_jacobian_of_the_last_state() -> None:
    case = CASES["rnn"]
    a = Arrays(case.arrays("T"))

    def step(h: Any, x: Any) -> Any:
        h = np.tanh(a.Wx @ x + a.Wh @ h + a.b)
        return h, h

    last, _ = sg.scan(step, a.h0, a.X)
    module = sg.jacobian(last, ["b", "h0"], names={}).compile()
    at = {n: v for n, v in case.numbers(3, seed=1).items() if n != "Y"}
    _, found = module.loss_and_gradients(**at)
    for n in ("b", "h0"):
        for k, unit in enumerate(np.eye(4)):
            ends = [module.loss(**at | {n: at[n] + h * unit}) for h in (1e-6, -1e-6)]
            slope = (ends[0] - ends[1]) / 2e-6
            np.testing.assert_allclose(getattr(found, n)[:, k], slope, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda c: c.derived(prepare=True), "prepare"),
    ],
)
def test_what_does_not_know_recurrences_says_so(ask: Any, says: str) -> None:
    with pytest.raises(sg.SpecError, match=says):
        ask(CASES["garch"])


@pytest.mark.parametrize("choice", [sg.Choice("brief", closed=True), sg.Choice(explain="h")])
def test_other_choices_write_it_too(choice: sg.Choice) -> None:
    text = str(derived("rnn").render("text", choice=choice))
    assert "_next" not in text
    assert "∂L/∂h⁻[T,i]" in text
    if choice.explain:
        assert "h is used in h⁻" in text


def test_a_function_of_a_recurrence_and_a_number_for_its_length() -> None:
    case = CASES["rnn"]
    at = case.numbers(5)
    values = sg.function(case.spec(), names={}).compile().forward(**at)
    np.testing.assert_allclose(values.value, case.value(at))
    np.testing.assert_allclose(derived("rnn").compile(sizes={"T": 5}).loss(**at), case.value(at))


# -- at random ------------------------------------------------------------------------------------


def _step(rng: np.random.Generator, a: Any) -> Any:
    """A step of one or two carries: each is made of those before, of x and of parameters."""
    parts = [
        lambda h, g, x: np.tanh(a.W @ h + a.V @ x),
        lambda h, g, x: h * a.s + g * x[0],
        lambda h, g, x: np.exp(-(h**2)) * (a.V @ x) + g,
        lambda h, g, x: np.sin(h) * g + a.s,
        lambda h, g, x: 0.5 * (h + g) / (1 + h**2),
    ]
    one, other, what = (parts[k] for k in rng.integers(0, len(parts), 3))

    def step(carry: Any, x: Any) -> Any:
        h, g = carry
        h, g = one(h, g, x), other(g, h, x)
        return (h, g), what(h, g, x)

    return step


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(k, marks=pytest.mark.long)
                                              for k in range(4, 40))])  # fmt: skip
def test_random_recurrences(seed: int) -> None:
    def loss(scan: Any, a: Any) -> Any:
        rng = np.random.default_rng(seed)
        step, turned = _step(rng, a), bool(rng.integers(2))
        (h, g), ys = scan(step, (a.h, a.g), a.X, reverse=turned)
        every = sum(np.sum(x**2) for x in (a.X, a.W, a.V, a.s, a.h, a.g))
        ends = np.sum(h * a.g) + np.sum(g**2) * rng.integers(2)
        return np.sum(ys**2) * rng.integers(2) + ends + every

    shapes = {"X": ("T", 2), "W": (3, 3), "V": (3, 2), "s": (3,), "h": (3,), "g": (3,)}
    case = Case(loss, shapes)
    found = case.derived()
    module, at = found.compile(), case.numbers(4, seed)
    value, gradients = module.loss_and_gradients(**at)
    np.testing.assert_allclose(value, case.value(at), rtol=1e-10)
    rng = np.random.default_rng(seed)
    along = {n: rng.standard_normal(np.shape(at[n])) for n in gradients._fields}
    ends = [case.value(at | {n: at[n] + h * v for n, v in along.items()}) for h in (1e-6, -1e-6)]
    exact = sum(np.sum(getattr(gradients, n) * v) for n, v in along.items())
    np.testing.assert_allclose(exact, (ends[0] - ends[1]) / 2e-6, rtol=1e-5, atol=1e-7)


# -- functions of a step ---------------------------------------------------------------------------


def test_a_file_brings_the_functions_that_its_steps_call() -> None:
    x, a = sg.data("x", ("T", 3)), sg.param("a", (3,))

    def step(h: Any, x: Any) -> Any:
        return special.erf(a * h + x), None

    last, _ = sg.scan(step, np.zeros(3), x)
    found = sg.derive(np.sum(last**2), names={})
    at = {"x": np.ones((4, 3)) / 3, "a": np.ones(3)}
    for options in ({}, {"plain": True}, {"checkpoint": 3}):
        h = np.zeros(3)
        for row in at["x"]:
            h = special.erf(at["a"] * h + row)
        np.testing.assert_allclose(found.compile(**options).loss(**at), np.sum(h**2))


def test_numbers_that_each_step_reads_are_arrays_of_its_dtype() -> None:
    found, at = derived("gru"), CASES["gru"].numbers(3)
    source = found.source()
    assert "np.array(1, dtype)" in source
    loop = source.partition(" in zip(")[2].partition("return")[0]
    assert "np.add(one, " in loop
    assert "np.add(1, " not in loop
    module = found.compile(dtype="float32")
    value, gradients = module.loss_and_gradients(**{n: np.float32(v) for n, v in at.items()})
    assert {value.dtype, *(g.dtype for g in gradients)} == {np.dtype("float32")}
    np.testing.assert_allclose(value, CASES["gru"].value(at), rtol=1e-5)


@pytest.mark.parametrize("scale", [1.0, 1e-120, 1e120])
def test_inverses_of_two_rows_at_each_step(scale: float) -> None:
    X, A = sg.data("X", ("T", 2, 2)), sg.param("A", (2, 2))

    def step(S: Any, x: Any) -> Any:
        S = np.linalg.inv(A + x @ S)
        return S, None

    last, _ = sg.scan(step, np.eye(2), X)
    module = sg.derive(np.sum(last * A), names={}).compile()
    rng = np.random.default_rng(0)
    at = {"X": rng.standard_normal((4, 2, 2)), "A": scale * np.array([[3.0, 1], [0.5, 2]])}
    S = np.eye(2)
    for x in at["X"]:
        S = np.linalg.inv(at["A"] + x @ S)
    np.testing.assert_allclose(module.loss(**at), np.sum(S * at["A"]), rtol=1e-9)


def test_a_singular_matrix_of_a_step_is_an_error() -> None:
    X, A = sg.data("X", ("T", 2, 2)), sg.param("A", (2, 2))
    last, _ = sg.scan(lambda S, x: (np.linalg.inv(A + 0 * S + x), None), np.eye(2), X)
    module = sg.derive(np.sum(last), names={}).compile()
    with pytest.raises(np.linalg.LinAlgError):
        module.loss(X=np.zeros((2, 2, 2)), A=np.ones((2, 2)))


def test_no_name_is_given_to_itself() -> None:
    """What a recurrence in a recurrence computes is in memory that has its name already."""
    x, h0 = sg.data("x", ("T", 3)), sg.data("h0", (2, 3))
    w = sg.param("w", (2, 3))

    def layer(below: Any, of_layer: Any) -> tuple[Any, Any]:
        h = np.tanh(of_layer[0] * below + of_layer[1])
        return h, h

    def step(h: Any, x: Any) -> tuple[Any, Any]:
        top, h = sg.scan(layer, x, (w, h))
        return h, top

    _, tops = sg.scan(step, h0, x)
    source = sg.derive(np.sum(tops**2)).source()
    assert "zip(" in source
    assert not re.findall(r"^ +(\w+) = \1$", source, re.MULTILINE)


def test_a_share_whose_logarithm_counts_goes_on_to_the_next_step() -> None:
    """The logarithm goes past the share, which the next step reads all the same."""

    def loss(scan: Any, a: Any) -> Any:
        def step(p: Any, x: Any) -> Any:
            e = np.exp(a.E @ p + x)
            p = e / np.sum(e)
            return p, np.log(p[1])

        _, logs = scan(step, np.array([0.25, 0.75]), a.X)
        return np.sum(logs)

    case = Case(loss, {"X": ("T", 2), "E": (2, 2)}, data=("X",))
    at = case.numbers(4)
    found = case.derived().compile().gradients(**at).E
    unrolled = sg.derive(loss(by_loop, Arrays(case.arrays(4))), names={})
    np.testing.assert_allclose(found, unrolled.compile().gradients(**at).E, rtol=1e-12)
