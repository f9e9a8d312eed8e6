"""Faults planted in one branch, or one part of the domain, of the text of each function."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp
from click.testing import CliRunner

from symgrad.checks.functions import OTHERS, of_name, of_text
from symgrad.cli import main
from symgrad.mathematics.records import Leaf
from symgrad.mathematics.reductions import LEAVES
from tests.test_wrong_texts import plant

RECORDS = {leaf.cls.__name__: leaf for leaf in LEAVES.values()}
EVERY = [*RECORDS.values()]
records = pytest.mark.parametrize("leaf", EVERY, ids=lambda leaf: leaf.cls.__name__)

NAMED = [
    leaf
    for leaf, name in ((leaf, leaf.called or leaf.cls.__name__) for leaf in EVERY)
    if name in OTHERS or callable(getattr(np, name, None))
]

PARTS: dict[str, tuple[float, float]] = {
    "x == 0": (0, 0),
    "abs(x) < 0.00000002": (-1e-8, 1e-8),
    "abs(x) < 0.001": (-1e-3, 1e-3),
    "x > 0.8": (0.9, 700),
    "x > 15": (16, 700),
    "x > 600": (700, 700),
    "x < -0.8": (-700, -0.9),
    "x < -15": (-700, -16),
    "x < -600": (-700, -700),
}


class Branches(ast.NodeTransformer):
    """Gives each choice of a text, in turn, one branch only."""

    def __init__(self, number: int, branch: int) -> None:
        self.left, self.branch = number, branch

    def visit_Call(self, node: ast.Call) -> Any:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "where":
            self.left -= 1
            return node.args[self.branch] if self.left == -1 else node
        return node


def without_choices(text: str) -> Iterator[str]:
    """The text with one branch of each choice only."""
    for number in range(text.count("where(")):
        for branch in (1, 2):
            tree = Branches(number, branch).visit(ast.parse(text, mode="eval"))
            yield ast.unparse(ast.fix_missing_locations(tree))


def in_parts(leaf: Leaf) -> Iterator[tuple[str, str]]:
    """The text with a fault in a part of the domain; and what part that is."""
    for letter in "xyz"[: len(leaf.domain)]:
        for part in PARTS:
            here = f"({part.replace('x', letter)})"
            fault = f"({leaf.stable}) * (1 + 0.000001 * {here}) + 0.000003 * {here}"
            if has_values(leaf, "xyz".index(letter), *PARTS[part]):
                yield f"{letter} in {part}", fault


def has_values(leaf: Leaf, place: int, low: float, high: float) -> bool:
    """Whether the function has values of a common size in a part of its domain."""
    rng = np.random.default_rng(0)
    if leaf.cls.__name__ == "select" and place == 0:
        return False
    if leaf.domain[place][0] > 0:
        low = max(low, 0.0)
    if low > high:
        return False
    for _ in range(20):
        row = [mpmath.mpf(rng.uniform(*ends)) for ends in leaf.domain]
        row[place] = mpmath.mpf(rng.uniform(low, high))
        value = leaf.mpmath(*row)
        if isinstance(value, mpmath.mpc) or not mpmath.isfinite(value) or abs(value) > 1e300:
            return False
    return True


@records
def test_every_text_is_right(leaf: Leaf) -> None:
    assert of_text(leaf) == of_name(leaf) == (0.0, "")


@records
def test_every_function_is_known_by_another_name(leaf: Leaf) -> None:
    assert leaf in NAMED or leaf.definition is not None


@pytest.mark.long
@records
def test_a_fault_in_a_part_of_the_domain_is_seen(leaf: Leaf) -> None:
    assert of_text(replace(leaf, stable=f"({leaf.stable}) * 1.000000001"))[0]
    for part, text in in_parts(leaf):
        assert of_text(replace(leaf, stable=text))[0], part


WINDOWS = [(2.2, 2.4), (-7.31, -7.1), (0.51, 0.56), (-0.18, -0.13), (30, 52), (-900, -500)]
"""Between the numbers of the grid; fewer functions have values in the outer ones."""


@pytest.mark.long
@records
def test_a_fault_between_the_points_of_the_grid_is_seen(leaf: Leaf) -> None:
    for seed, (low, high) in enumerate(WINDOWS):
        for place, letter in enumerate("xyz"[: len(leaf.domain)]):
            if has_values(leaf, place, low, high):
                here = f"({low} < {letter}) * ({letter} < {high})"
                fault = f"({leaf.stable}) * (1 + 0.000001 * {here}) + 0.000003 * {here}"
                assert of_text(replace(leaf, stable=fault), seed)[0], (letter, low)


UNFELT = {
    "share": 2,
    "sinc": 1,
    "sinc_slope": 10,
}
"""How many branches keep NumPy from warning only, or are felt at infinities and poles alone."""


@records
def test_a_choice_that_is_none_is_seen(leaf: Leaf) -> None:
    texts = list(without_choices(leaf.stable))
    unseen = [text for text in texts if not of_text(replace(leaf, stable=text))[0]]
    assert len(unseen) == UNFELT.get(leaf.cls.__name__, 0), unseen


@pytest.mark.sampled(3)
@pytest.mark.parametrize("leaf", NAMED, ids=lambda leaf: leaf.cls.__name__)
def test_what_is_wrong_in_all_of_a_record_is_seen(leaf: Leaf) -> None:
    def wrong(*x: Any) -> Any:
        return leaf.mpmath(*x) * (1 + mpmath.mpf("1e-9"))

    lie = replace(leaf, stable=f"({leaf.stable}) * 1.000000001", mpmath=wrong, definition=None)
    assert of_text(lie) == (0.0, "")
    assert of_name(lie)[0]


# -- as a user sees it ------------------------------------------------------------------------

SPECS = {
    "sinc": "np.sum(np.sinc(x) * x)",
    "sinc_slope": "np.sum(np.sinc(x) * x)",
    "xlogy": "np.sum(p * np.log(2 + x**2))",
    "ratio": "np.sum(p * np.log(2 + x**2))",
    "softplus": "np.sum(np.log(1 + np.exp(x)))",
    "sigmoid": "np.sum(1 / (1 + np.exp(-x)))",
    "log": "np.sum(np.log(1.5 + np.tanh(x)))",
    "expm1": "np.sum(np.expm1(x))",
    "relu": "np.sum(np.maximum(x, 0) ** 2)",
    "logaddexp": "np.sum(np.logaddexp(x, p))",
}
LIES = [
    ("sinc", "where(abs(x) < 0.001, 1.01, {})"),
    ("sinc", "where(x == 0, 2, {})"),
    ("sinc_slope", "where(abs(x - 0.2) < 0.001, 0, {})"),
    ("xlogy", "x * log(y)"),
    ("ratio", "x / y"),
    ("softplus", "where(x > 0.8, 0, {})"),
    ("softplus", "log1p(exp(x))"),
    ("softplus", "where((x > 2.2) * (x < 2.4), 0, {})"),
    ("sigmoid", "where((x > -5.4) * (x < -5.2), 0, {})"),
    ("expm1", "where((x > 0.52) * (x < 0.56), 0, {})"),
    ("log", "where(x > 4, 1, {})"),
    ("sigmoid", "{} * 1.000000001"),
    ("relu", "where(x < -100, x, {})"),
    ("logaddexp", "log(exp(x) + exp(y))"),
]
HEAD = """import numpy as np
import symgrad as sg
x = sg.param("x", (3,))
p = sg.data("p", (3,), assume=sg.sums_to_one(axis=0))
loss = """


def derived(folder: Path, loss: str) -> Any:
    (folder / "spec.py").write_text(HEAD + loss, encoding="utf-8")
    command = ["derive", str(folder / "spec.py"), "--out", str(folder / "out")]
    return CliRunner().invoke(main, command)


@pytest.mark.parametrize(("name", "text"), LIES)
def test_a_user_is_told(name: str, text: str, tmp_path: Path, monkeypatch: Any) -> None:
    leaf = RECORDS[name]
    plant(leaf, monkeypatch, stable=text.format(f"({leaf.stable})"))
    told = derived(tmp_path, SPECS[name])
    assert told.exit_code == 1, told.stderr
    assert "text = function" in told.stderr
    assert not (tmp_path / "out" / "spec.py").exists()


@pytest.mark.parametrize("name", SPECS)
def test_right_texts_pass(name: str, tmp_path: Path) -> None:
    assert derived(tmp_path, SPECS[name]).exit_code == 0


def test_a_user_is_told_of_a_record_that_is_wrong_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaf = RECORDS["expm1"]
    lie = replace(
        leaf,
        stable="expm1(x) + 0.001",
        mpmath=lambda x: mpmath.expm1(x) + mpmath.mpf("0.001"),
        definition=lambda x: sp.exp(x) - sp.Rational(999, 1000),
    )
    monkeypatch.setitem(LEAVES, leaf.cls, lie)
    told = derived(tmp_path, SPECS["expm1"])
    assert told.exit_code == 1
    assert "what is called expm1" in told.stderr


def test_the_module_is_looked_at_where_the_example_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaf = RECORDS["log"]
    loss = 'np.sum(np.log(x))\nexample = {"x": [1.0, 7.0, 9.0], "p": [0.2, 0.3, 0.5]}\n'
    assert derived(tmp_path, loss).exit_code == 0
    plant(leaf, monkeypatch, stable="where(abs(x - 7.01) < 0.02, 1, log(x))")
    monkeypatch.setattr("symgrad.checks.derived.functions", lambda *_: ())
    told = derived(tmp_path, loss)
    assert told.exit_code == 1
    assert "at the example" in told.stderr


ILL = """[[1.0 / (i + j + 1) for j in range(6)] for i in range(6)]"""


@pytest.mark.parametrize("example", [
    f"A = sg.param('A', (6, 6))\nloss = np.sum(np.linalg.inv(A))\nexample = {{'A': {ILL}}}",
    "A = sg.param('A', (3,))\nloss = np.var(A) + np.std(A)\nexample = {'A': [1e8, 1e8 + 1, 1e8]}",
    "A = sg.param('A', ())\nloss = np.sin(A) * np.exp(A)\nexample = {'A': 314159.0 / 1e3}",
    "A = sg.param('A', ())\nloss = np.maximum(A - 0.3, 0)\nexample = {'A': 0.1 + 0.2}",
    "A = sg.param('A', (2,))\nloss = np.linalg.norm(A)\nexample = {'A': [0, 0]}",
])  # fmt: skip
def test_rounding_at_an_example_is_no_fault(tmp_path: Path, example: str) -> None:
    (tmp_path / "spec.py").write_text(HEAD.split("x =")[0] + example, encoding="utf-8")
    for more in ([], ["--dtype", "float32"]):
        command = ["derive", str(tmp_path / "spec.py"), "--out", str(tmp_path / "out"), *more]
        told = CliRunner().invoke(main, [*command, "--force"])
        assert told.exit_code == 0, told.stderr
