"""Checks of specs with large fixed sizes: made smaller, and as sharp as before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp

import symgrad as sg
from symgrad import outputs
from symgrad.calculus import forward_and_adjoints
from symgrad.checks import (
    contraction,
    evaluate,
    exact_values,
    generated,
    module_checks,
    run,
    tables,
)
from symgrad.checks.derived import IN_PART
from symgrad.checks.generated import by_its_loss
from symgrad.checks.points import MANY_TERMS, SOME_TERMS, Points, multiplications
from symgrad.checks.resized import resized, to_run
from symgrad.checks.sampling import size_symbols, small_sizes
from symgrad.checks.shrinking import shrunk
from symgrad.checks.steps import AT_SOME, NOWHERE, _chains
from symgrad.checks.tables import MOST_ENTRIES
from symgrad.job import Job
from symgrad.language.spec_file import load
from symgrad.mathematics.indices import Index
from symgrad.mathematics.sizes import fixed
from symgrad.targets import TARGETS
from tests.losses import LOSSES, Loss


def heads(width: int = 512, count: int = 8) -> sg.Array:
    """A block of several heads, whose tokens are as many as its channels."""
    X, T = sg.data("X", (width, width)), sg.data("T", (width, width))
    q, k, v = (
        (X @ sg.param(f"W{n}", (width, width))).reshape(width, count, -1).swapaxes(0, 1)
        for n in "qkv"
    )
    weights = sg.softmax(q @ k.swapaxes(1, 2) / 8, axis=-1)
    mixed = (weights @ v).swapaxes(0, 1).reshape(width, width)
    return np.mean((mixed @ sg.param("Wo", (width, width)) - T) ** 2)


def pooling() -> sg.Array:
    X, T = sg.data("X", (64, 32, 32, 16)), sg.data("T", (64, 16, 16, 16))
    h = np.maximum(X * sg.param("g", (16,)) + sg.param("b", (16,)), 0)
    return np.mean((h.reshape(64, 16, 2, 16, 2, 16).mean(axis=(2, 4)) - T) ** 2)


def thirds() -> sg.Array:
    """An axis that is cut by numbers, which no smaller size can take the place of."""
    x, y = sg.data("x", (256, 768)), sg.data("y", (256,), dtype=int)
    a, b, c = np.split(x @ sg.param("W", (768, 240)), 3, axis=1)
    z = np.tanh(a * b) @ c.T + x[:, 7:263]
    return -np.mean(sg.log_softmax(z, axis=1)[np.arange(256), y])


def convolution() -> sg.Array:
    x, k = sg.data("x", (40, 128, 64)), sg.param("k", (5, 64, 96))
    return np.sum(np.tanh(sum(x[:, j : j + 124] @ k[j] for j in range(5))) ** 2)


def constants() -> sg.Array:
    """A mask, positions that are given, and an axis that is joined."""
    mask = np.triu(np.full((300, 300), -1e9), 1)
    places = np.arange(0, 300, 3) % 37
    W, V = sg.param("W", (300, 200)), sg.param("V", (37, 200))
    joined = np.concatenate([W[:100] + V[places], np.exp(W[100:])])
    return np.sum(sg.softmax(joined @ W.T + mask, axis=1) @ W)


LARGE: list[Callable[[], sg.Array]] = [heads, pooling, thirds, convolution, constants]


def sizes_of(d: sg.Derivation, least: int = 2) -> dict[sp.Expr, int]:
    found = shrunk(d.system, [*d.typed, *forward_and_adjoints(d)], size_symbols(d.system), least)
    assert found is not None
    return found


def by_name(sizes: dict[sp.Expr, int]) -> dict[str, int]:
    """Without the numbers in positions."""
    return {s.name: n for s, n in sizes.items() if s.is_Symbol}


@pytest.mark.parametrize(
    "spec",
    [pytest.param(s, marks=pytest.mark.long) if s is heads else s for s in LARGE],
    ids=lambda s: s.__name__,
)
def test_large_specs_are_checked_at_small_sizes(spec: Any, monkeypatch: Any) -> None:
    d = sg.derive(spec())
    assert multiplications(d.system, small_sizes(d.system)) > SOME_TERMS
    assert multiplications(d.system, Points(d).sizes) < 40 * MANY_TERMS
    largest = []
    real = tables.require_room

    def watched(lengths: Any) -> None:
        largest.append(int(np.prod([*map(int, lengths)], dtype=float)))
        real([largest[-1]])

    for module in (tables, contraction, evaluate):
        monkeypatch.setattr(module, "require_room", watched)
    checks = run(d)
    assert all(c.passed for c in checks), [c for c in checks if not c.passed]
    assert not any(AT_SOME in c.what or NOWHERE in c.what for c in checks)
    assert max(largest) < MOST_ENTRIES / 10


def wrong_ones(d: sg.Derivation) -> dict[str, sp.Expr]:
    """An adjoint with a fault in it, for each kind of fault: the name and the right-hand side."""
    found: dict[str, tuple[str, sp.Expr]] = {}
    for adjoint in d.adjoints:
        name, rhs = adjoint.equation.name, adjoint.equation.rhs
        free = [i for i in adjoint.equation.indices if isinstance(i, Index)]
        found["factor"] = (name, rhs * sp.Rational(1_000_001, 1_000_000))
        for one in rhs.atoms(sp.Sum):
            first = {limit[0]: sp.S.Zero for limit in one.limits}
            found["lost sum"] = (name, rhs.xreplace({one: one.function.xreplace(first)}))
        for power in rhs.atoms(sp.Pow):
            if power.exp.is_negative and fixed(power.base) is not None:
                found["lost dimension"] = (name, rhs.xreplace({power: sp.S.One}))
        pair = next(((a, b) for a in free for b in free if a != b and a.size == b.size), None)
        if pair and (swapped := rhs.xreplace({pair[0]: pair[1], pair[1]: pair[0]})) != rhs:
            found["transposition"] = (name, swapped)
    return found


@pytest.mark.parametrize(
    "spec",
    [s if s is constants else pytest.param(s, marks=pytest.mark.long) for s in LARGE],
    ids=lambda s: s.__name__,
)
def test_faults_are_seen_at_small_sizes(spec: Any) -> None:
    d = sg.derive(spec())
    kinds = wrong_ones(d)
    assert {"factor", "lost sum"} <= kinds.keys()
    for kind, (name, rhs) in kinds.items():
        adjoints = tuple(
            replace(a, equation=replace(a.equation, rhs=rhs)) if a.equation.name == name else a
            for a in d.adjoints
        )
        assert not all(c.passed for c in run(replace(d, adjoints=adjoints))), (kind, name)


def test_sizes_keep_how_positions_lie_and_are_different() -> None:
    numbers = by_name(sizes_of(sg.derive(heads())))
    assert numbers == {"8": 2, "64": 3, "512": 6}
    numbers = by_name(sizes_of(sg.derive(heads()), 9))
    assert numbers == {"8": 8, "64": 9, "512": 72}
    numbers = by_name(sizes_of(sg.derive(thirds())))
    assert numbers["240"] == 3 * numbers["80"]
    assert numbers["256"] + 7 < numbers["768"]
    for spec in LARGE:
        found = list(by_name(sizes_of(sg.derive(spec()))).values())
        assert len(set(found)) == len(found), spec


def split(width: int) -> sg.Array:
    """The parts of an axis, and what stands where they meet."""
    x = sg.data("x", (8, width)) @ sg.param("W", (width, 3 * width))
    a, b, c = x[:, :width], x[:, width : 2 * width], x[:, 2 * width :]
    return np.mean(np.tanh(a * b) * c + x[:, width - 1 : 2 * width - 1] ** 2)


def test_numbers_in_positions_shrink_with_the_size_that_they_are_made_of() -> None:
    d = sg.derive(split(768))
    found = sizes_of(d)
    assert found[sp.Integer(768)] == by_name(found)["768"] < 9
    assert found[sp.Integer(1536)] == 2 * by_name(found)["768"]
    assert found[sp.Integer(767)] == by_name(found)["768"] - 1
    assert by_name(found)["2304"] == 3 * by_name(found)["768"]
    checks = run(d)
    assert all(c.passed for c in checks)
    assert len(checks) > 5
    width = 192
    d = sg.derive(split(width))
    name, rhs = next((a.equation.name, a.equation.rhs) for a in d.adjoints if a.value == "x1")
    moved = rhs.replace(sp.Integer(width), sp.Integer(width + 1))
    assert moved != rhs
    adjoints = tuple(
        replace(a, equation=replace(a.equation, rhs=moved)) if a.equation.name == name else a
        for a in d.adjoints
    )
    assert not all(c.passed for c in run(replace(d, adjoints=adjoints)))


def test_a_few_numbers_in_positions_shrink_and_many_stay() -> None:
    x, y = sg.param("x", (900,)), sg.param("y", (400, 400))
    d = sg.derive(np.sum(np.exp(x[100:500] * x[333:733] + y)))
    found = sizes_of(d)
    assert found[sp.Integer(233)] == found[sp.Integer(333)] - found[sp.Integer(100)]
    assert by_name(found)["900"] < 40
    assert all(c.passed for c in run(d))
    many = sum(x[k : k + 400] for k in (100, 207, 331, 404, 467, 500))
    assert sp.Integer(100) not in sizes_of(sg.derive(np.sum(many**2)))


def test_named_sizes_are_as_small_and_what_reads_a_number_of_them_fits() -> None:
    x = sg.param("x", ("N", "M"))
    numbers = by_name(sizes_of(sg.derive(np.sum(x[5:, 3] ** 2))))
    assert numbers["N"] > 5
    assert numbers["M"] > 3


@pytest.mark.parametrize(
    "loss",
    [x for x in LOSSES if x.name in ("multi_head_attention", "conv2d_slices", "makemore", "glove",
                                     "ordinal", "hidden_markov", "concatenated", "kronecker")],
    ids=lambda loss: loss.name,
)  # fmt: skip
def test_delta_is_contracted_to_what_it_multiplies_out_to(loss: Loss, monkeypatch: Any) -> None:
    arrays = {n: sg.param(n, s) for n, s in loss.params.items()}
    arrays |= {n: sg.data(n, s) for n, s in loss.data.items()}
    arrays |= {n: sg.data(n, s, dtype=int) for n, (s, _) in loss.labels.items()}
    d = sg.derive(loss.function(np, **arrays), names=arrays)
    point = Points(d)[0]
    sides = dict.fromkeys(side for _, c, _ in _chains(d) for s in c for side in (s.before, s.after))
    with point.precision.field.precision():
        for side in sides:
            monkeypatch.setattr(evaluate, "LARGE", 10**9)
            dense = point.evaluator()(side)
            monkeypatch.setattr(evaluate, "LARGE", 0)
            found = point.evaluator()(side)
            assert found.axes == dense.axes
            assert np.all(np.abs(np.asarray(found.values - dense.values)) < 1e-12), side


def test_what_would_take_too_much_memory_is_looked_at_in_part(monkeypatch: Any) -> None:
    d = sg.derive(np.sum(np.exp(sg.param("x", (6, 7)) @ sg.data("y", (7, 5)))))
    most = max(int(np.prod(v.shape)) for v in Points(d)[0].values.values())
    monkeypatch.setattr(tables, "MOST_ENTRIES", most)
    checks = run(d)
    assert all(c.passed for c in checks)
    assert any(AT_SOME in c.what for c in checks)
    adjoint = d.adjoints[-1]
    wrong = replace(adjoint, equation=replace(adjoint.equation, rhs=2 * adjoint.equation.rhs))
    assert not all(c.passed for c in run(replace(d, adjoints=(*d.adjoints[:-1], wrong))))
    monkeypatch.setattr(tables, "MOST_ENTRIES", 3)
    assert any("in part" in c.what for c in run(d))


def test_where_smaller_sizes_leave_nothing_those_of_the_spec_are_taken() -> None:
    counted = np.where(np.arange(90) > 40, 1.0, 0.0)
    d = sg.derive(
        np.sum(np.log(np.exp(sg.param("S", (90, 90)) @ sg.data("V", (90, 9))).T @ counted))
    )
    points = Points(d)
    small = dict(points.sizes)
    assert all(c.passed for c in run(d, points))
    assert points.sizes == small_sizes(d.system) != small


def test_the_code_of_large_sizes_is_run_at_smaller_ones() -> None:
    """And a fault in what is generated is seen there."""
    d = sg.derive(heads())
    smaller = next(to_run(d))
    shapes = {n: tuple(map(fixed, v)) for n, v in smaller.system.shapes.items()}
    assert shapes["Wq"] == (72, 72)
    text = outputs.to_run(smaller, TARGETS["numpy"], dtype="float64").text
    assert "512" not in text
    assert "_by_entries" not in text
    checks = module_checks(smaller, TARGETS["numpy"].load(text, "smaller"))
    assert {c.name for c in checks} >= {"loss", "Wq", "Wo"}
    assert all(c.passed for c in checks)
    wrong = text.replace("np.exp(", "np.exp2(", 1)
    assert wrong != text
    assert not all(c.passed for c in module_checks(smaller, TARGETS["numpy"].load(wrong, "wrong")))


def test_small_specs_are_run_as_they_are() -> None:
    assert not list(to_run(sg.derive(heads(16, 2))))


@pytest.mark.parametrize("spec", [thirds, constants, convolution], ids=lambda s: s.__name__)
def test_constants_labels_and_positions_are_as_many_as_the_smaller_sizes(spec: Any) -> None:
    d = sg.derive(spec())
    sizes = sizes_of(d, 9)
    smaller = resized(d, sizes)
    for variable in smaller.system.variables:
        if variable.values is not None:
            assert np.shape(variable.values) == tuple(map(fixed, variable.shape))
    text = outputs.to_run(smaller, TARGETS["numpy"], dtype="float64").text
    assert all(c.passed for c in module_checks(smaller, TARGETS["numpy"].load(text, "smaller")))


def test_what_is_prepared_is_made_smaller_too(tmp_path: Path) -> None:
    X, y = sg.data("X", (60_000, 784)), sg.data("y", (60_000,))
    d = sg.derive(np.mean((X @ sg.param("w", (784,)) - y) ** 2), prepare=True)
    smaller = next(to_run(d))
    assert smaller.preparation is not None
    shapes = {v.name: tuple(map(fixed, v.shape)) for v in smaller.preparation.variables}
    assert max(shapes["X"]) < 20
    text = outputs.to_run(smaller, TARGETS["numpy"], dtype="float64").text
    checks = module_checks(smaller, TARGETS["numpy"].load(text, "smaller"))
    assert {c.name for c in checks} == {"loss", "w", "prepare"}
    assert all(c.passed for c in checks)


PERMUTED = """
import numpy as np, symgrad as sg
A = sg.param("A", (30, 30))
i = np.random.default_rng(0).permutation(30)
loss = np.mean((np.tanh(A[i][:, i]) @ sg.param("w", (30,))) ** 2)
"""


@pytest.mark.parametrize(("most", "told"), [(2**26, "differences"), (10, "was not run")])
def test_what_is_too_large_to_evaluate_is_said_and_run_by_itself(
    tmp_path: Path, monkeypatch: Any, most: int, told: str
) -> None:
    """Positions that are given keep their axes large: nothing in silence."""
    spec = tmp_path / "permuted.py"
    spec.write_text(PERMUTED)
    monkeypatch.setattr(tables, "MOST_ENTRIES", 500)
    monkeypatch.setattr(generated, "MOST_HELD", most)
    job = Job(load(spec), None)
    checks = job.checks()
    assert all(c.passed for c in checks)
    assert any(IN_PART in c.what for c in checks)
    assert any(told in c.what for c in checks)
    wrong = TARGETS["numpy"].load(job.file.text.replace("np.tanh(", "np.sinh(", 1), "wrong")
    assert all(c.passed for c in by_its_loss(job.derivation, wrong, "")) == (most == 10)


def test_values_at_a_large_example_are_from_floats() -> None:
    X, w = sg.data("X", ("N", 50)), sg.param("w", (50,))
    d = sg.derive(np.mean(np.tanh(X @ w)))
    given = {n: np.random.default_rng(0).standard_normal(s) for n, s in
             (("X", (4000, 50)), ("w", (50,)))}  # fmt: skip
    found = exact_values(d, given)
    assert not found.exact
    wanted = d.compile().gradients(**given).w
    np.testing.assert_allclose(found.decimals["dw"].astype(float), wanted, rtol=1e-12)
