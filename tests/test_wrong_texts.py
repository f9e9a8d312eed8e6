"""A wrong text planted in any function's record: what `symgrad derive` checks of a spec sees it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp
from click.testing import CliRunner

import symgrad as sg
from symgrad.checks.generated import module_checks
from symgrad.cli import main
from symgrad.mathematics.records import LEAVES

TEXT = fields(LEAVES[sp.log])[1].name
"""The field of a record that says how generated code computes it."""


def tables() -> Iterator[dict[Any, Any]]:
    """Every table of the package."""
    modules = [m for name, m in sys.modules.items() if name.startswith("symgrad.")]
    found = {id(t): t for m in modules for t in vars(m).values() if type(t) is dict}
    return iter(found.values())


def plant(leaf: Any, wrong: str, patch: pytest.MonkeyPatch) -> None:
    """Enter another text, and hand it on to the tables that were made of the records."""
    right = getattr(leaf, TEXT)
    for table in tables():
        for key, value in list(table.items()):
            if value is leaf:
                patch.setitem(table, key, replace(leaf, **{TEXT: wrong}))
            elif isinstance(value, str) and value == right and key in (leaf.cls.__name__, leaf.cls):
                patch.setitem(table, key, wrong)


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


@pytest.mark.parametrize("leaf", LEAVES.values(), ids=lambda leaf: leaf.cls.__name__)
def test_a_wrong_text_is_seen(leaf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert caught(with_function(leaf, 3)) == set()
    plant(leaf, f"({getattr(leaf, TEXT)}) + 1", monkeypatch)
    assert caught(with_function(leaf, 3)) == {"loss", "w"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", ["N", 30_000])  # of many numbers only some have many digits
@pytest.mark.parametrize("name", ["log", "relu", "logaddexp", "gammaln"])
def test_so_it_is_at_any_size(
    name: str, size: int | str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaf = next(leaf for leaf in LEAVES.values() if leaf.cls.__name__ == name)
    assert caught(with_function(leaf, size), dtype) == set()
    plant(leaf, f"({getattr(leaf, TEXT)}) + 1", monkeypatch)
    assert caught(with_function(leaf, size), dtype) == {"loss", "w"}


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
    plant(LEAVES[sp.log], f"({getattr(LEAVES[sp.log], TEXT)}) + 1", monkeypatch)
    told = CliRunner().invoke(main, command)
    assert told.exit_code == 1
    assert "generated code = equations" in told.stderr
    assert not (tmp_path / "generated" / "spec.py").exists()
