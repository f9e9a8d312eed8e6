"""A wrong text planted in any function's record: what `symgrad derive` checks of a spec sees it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp
from click.testing import CliRunner

import symgrad as sg
from symgrad.checks import points
from symgrad.checks.definitions import definitions
from symgrad.checks.derived import run
from symgrad.checks.generated import module_checks
from symgrad.cli import main
from symgrad.mathematics.matrices import MATRIX_FUNCTIONS
from symgrad.mathematics.reductions import LEAVES, REDUCTIONS


def tables() -> Iterator[dict[Any, Any]]:
    """Every table of the package."""
    modules = [m for name, m in sys.modules.items() if name.startswith("symgrad.")]
    found = {id(t): t for m in modules for t in vars(m).values() if type(t) is dict}
    return iter(found.values())


def plant(record: Any, patch: pytest.MonkeyPatch, **wrong: str) -> None:
    """Enter another text, and hand it on to the tables that were made of the records."""
    ((field, text),) = wrong.items()
    names = (record.cls.__name__, record.cls)
    for table in tables():
        for key, value in list(table.items()):
            if value is record:
                patch.setitem(table, key, replace(record, **wrong))
            elif key in names and isinstance(value, str) and value == getattr(record, field):
                patch.setitem(table, key, text)


def with_function(leaf: Any, size: int | str) -> sg.Derivation:
    """A loss that sums the function, its arguments inside its domain, times a parameter."""
    w = sg.param("w", (size,))
    inputs = [sg.data(f"x{k}", (size,)) for k in range(len(leaf.domain))]
    (index,) = w.indices
    entries = [x.at((index,)) for x in inputs]
    values = [
        middle + reach * sp.tanh(x)
        for (middle, reach), x in zip(map(ball, leaf.domain), entries, strict=True)
    ]
    if leaf.cls.__name__ == "select":
        values[0] = next(c for c in LEAVES if c.__name__ == "less")(*entries[1:])
    body = w.at((index,)) * leaf.cls(*values)
    return sg.derive(np.sum(sg.Array((index,), body, [w, *inputs])), names={})


def ball(domain: tuple[float, float]) -> tuple[sp.Rational, sp.Rational]:
    """The middle of an interval, and how far from it numbers are taken."""
    low, high = (sp.Rational(round(64 * end), 64) for end in domain)
    return (low + high) / 2, (high - low) / 3 or sp.S.One / 4


def caught(derivation: sg.Derivation, dtype: str = "float64") -> set[str]:
    """The values that a generated module computes wrongly, as its checks say."""
    module = derivation.compile(dtype=dtype)
    return {c.name for c in module_checks(derivation, module, dtype) if not c.passed}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("leaf", LEAVES.values(), ids=lambda leaf: leaf.cls.__name__)
def test_a_wrong_text_is_seen(leaf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert caught(with_function(leaf, 3)) == set()
    plant(leaf, monkeypatch, stable=f"({leaf.stable}) + 1")
    assert caught(with_function(leaf, 3)) == {"loss", "w"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", ["N", 30_000])  # of many numbers only some have many digits
@pytest.mark.parametrize("name", ["log", "relu", "logaddexp", "gammaln"])
def test_so_it_is_at_any_size(
    name: str, size: int | str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaf = next(leaf for leaf in LEAVES.values() if leaf.cls.__name__ == name)
    assert caught(with_function(leaf, size), dtype) == set()
    plant(leaf, monkeypatch, stable=f"({leaf.stable}) + 1")
    assert caught(with_function(leaf, size), dtype) == {"loss", "w"}


OTHERS = {"max": "min", "min": "max", "prod": "min", "norm": "max"}
"""Sums and log Σ exp are operations of their own: generated code has no use for their names."""


@pytest.mark.parametrize(
    "record", [r for r in REDUCTIONS.values() if r.name in OTHERS], ids=lambda r: r.name
)
@pytest.mark.parametrize("shape", [(3, 4), ("N", 5), (40, 500)])
def test_another_reduction_is_seen(
    record: Any, shape: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_reduction() -> sg.Derivation:
        w, x = sg.param("w", shape[:1]), sg.data("x", shape)
        i, k = x.indices
        body = record.cls(x.at((i, k)), k.limits)
        return sg.derive(np.sum(sg.Array((i,), body, [x]) * w), names={})

    assert caught(with_reduction()) == set()
    plant(record, monkeypatch, name=OTHERS[record.name])
    assert caught(with_reduction()) == {"loss", "w"}


MATRICES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "inv": ("cholesky", np.linalg.inv),
    "det": ("logdet", np.linalg.det),
    "logdet": ("det", lambda a: np.linalg.slogdet(a)[1]),
    "sign": ("det", lambda a: np.linalg.slogdet(a)[0]),
    "cholesky": ("inv", np.linalg.cholesky),
    "eigvalsh": ("svdvals", np.linalg.eigvalsh),
    "svdvals": ("eigvalsh", np.linalg.svdvals),
    "eigenvectors": ("inv", lambda a: np.linalg.eigh(a + np.diag(np.arange(a.shape[0])))[1] ** 2),
}


@pytest.mark.parametrize(
    "record", [r for r in MATRIX_FUNCTIONS.values() if r.name in MATRICES], ids=lambda r: r.name
)
@pytest.mark.parametrize("size", [3, 40])
def test_another_function_of_matrices_is_seen(
    record: Any, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, function = MATRICES[record.name]

    def with_matrix() -> sg.Derivation:
        x, w = sg.data("x", (size, size)), sg.param("w", (size, size))
        return sg.derive(np.sum(function(x @ x.T / size + 2 * np.eye(size)) * w), names={})

    assert caught(with_matrix()) == set()
    plant(record, monkeypatch, name=other)
    assert caught(with_matrix()) == {"loss", "w"}


SPEC = """
import numpy as np
import symgrad as sg

x = sg.param("x", (3,))
p = np.exp(x)
loss = np.sum(np.log(p + x**2))
"""


def test_a_user_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = tmp_path / "spec.py"
    spec.write_text(SPEC, encoding="utf-8")
    command = ["derive", str(spec), "--out", str(tmp_path / "generated")]
    assert CliRunner().invoke(main, command).exit_code == 0
    (tmp_path / "generated" / "spec.py").unlink()
    plant(LEAVES[sp.log], monkeypatch, stable=f"{LEAVES[sp.log].stable} + 1")
    told = CliRunner().invoke(main, command)
    assert told.exit_code == 1
    assert "generated code = equations" in told.stderr
    assert not (tmp_path / "generated" / "spec.py").exists()


def test_steps_in_floats_trust_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points, "MANY_TERMS", 10)
    x, w = sg.param("x", (3, 4)), sg.param("w", (4, 4))
    d = sg.derive(np.sum(np.log(1.5 + np.tanh(x @ w) ** 2)), names={"x": x, "w": w})
    assert all(check.passed for check in run(d))
    plant(LEAVES[sp.tanh], monkeypatch, stable="tanh(x) + 1")
    assert "tanh computes something else in floats" in [c.detail for c in run(d)]


DEFINED = [leaf for leaf in LEAVES.values() if leaf.definition is not None]


@pytest.mark.parametrize("field", ["definition", "mpmath"])
@pytest.mark.parametrize("leaf", DEFINED, ids=lambda leaf: leaf.cls.__name__)
def test_a_wrong_definition_is_seen(leaf: Any, field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    d = with_function(leaf, 3)
    assert list(definitions(d)) == []
    right = getattr(leaf, field)
    monkeypatch.setitem(LEAVES, leaf.cls, replace(leaf, **{field: lambda *x: right(*x) + 1}))
    assert leaf.cls.__name__ in [c.name for c in definitions(d) if not c.passed]
