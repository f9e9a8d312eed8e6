"""Labels wherever NumPy takes them: against NumPy itself, at all labels that are legal."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import symgrad as sg
from symgrad.checks.derived import run
from symgrad.cli import main

Loss = Callable[..., Any]


@dataclass(frozen=True)
class Spelling:
    """A loss of parameters x (and z) and labels y (and k), and what labels are legal.

    ``x``, ``z``: shapes of the parameters; ``y``, ``k``: shapes, the first label and the last.
    """

    loss: Loss
    x: tuple[int, ...]
    y: tuple[tuple[int, ...], int, int]
    k: tuple[tuple[int, ...], int, int] | None = None
    z: tuple[int, ...] | None = None

    @property
    def labels(self) -> dict[str, tuple[tuple[int, ...], int, int]]:
        return {"y": self.y} | ({"k": self.k} if self.k else {})

    @property
    def parameters(self) -> dict[str, tuple[int, ...]]:
        return {"x": self.x} | ({"z": self.z} if self.z else {})

    def derivation(self) -> sg.Derivation:
        given: dict[str, Any] = {n: sg.param(n, shape) for n, shape in self.parameters.items()}
        given |= {n: sg.data(n, shape, dtype=int) for n, (shape, *_) in self.labels.items()}
        return sg.derive(self.loss(**given), names={})


R, C = np.arange(4), np.arange(3)


def softmax(x: Any, axis: int = -1) -> Any:
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


def written(x: Any, y: Any, row: Any = R) -> Any:
    h = x * x
    h[row, y] = x[0, 0]
    return np.sum(h**2)


def taken_away(x: Any, y: Any) -> Any:
    h = x * x
    h[R, y] -= 1
    return np.sum(h**2)


def put_along(x: Any, y: Any) -> Any:
    h = x * x
    np.put_along_axis(h, y, x[:, :1], 1)
    return np.sum(h**2)


def added_at(x: Any, y: Any) -> Any:
    h = x * x
    np.add.at(h, y, np.sin(x)[:3])
    return np.sum(h**2)


def ordinal(x: Any, y: Any) -> Any:
    p = 1 / (1 + np.exp(-x))
    zeros, ones = np.zeros((4, 1)), np.ones((4, 1))
    cdf = np.concatenate([zeros, p, ones], axis=1)
    return np.sum((cdf[R, y + 1] - cdf[R, y]) ** 2)


def padded(x: Any, *widths: tuple[int, int]) -> Any:
    return np.pad(np.exp(x), widths)


SPELLINGS: dict[str, Spelling] = {
    "padded on both sides": Spelling(
        lambda x, y: np.sum(padded(x, (0, 0), (1, 1))[R, y + 1]), (4, 3), ((4,), -1, 3)
    ),
    "padded on both sides, not shifted": Spelling(
        lambda x, y: np.sum(padded(x, (0, 0), (1, 1))[R, y] ** 2), (4, 3), ((4,), 0, 4)
    ),
    "padded before": Spelling(
        lambda x, y: np.sum(padded(x, (0, 0), (2, 0))[R, y]), (4, 3), ((4,), 0, 4)
    ),
    "padded after": Spelling(
        lambda x, y: np.sum(padded(x, (0, 0), (0, 2))[R, y]), (4, 3), ((4,), 0, 4)
    ),
    "padded after, from 1": Spelling(
        lambda x, y: np.sum(padded(x, (0, 0), (0, 2))[R, y - 1]), (4, 3), ((4,), 1, 5)
    ),
    "padded, first axis": Spelling(
        lambda x, y: np.sum(padded(x, (1, 2), (0, 0))[y + 1, C] ** 2), (4, 3), ((3,), -1, 5)
    ),
    "padded, whole rows": Spelling(
        lambda x, y: np.sum(padded(x, (1, 0), (0, 0))[y] ** 2), (4, 3), ((3,), 0, 4)
    ),
    "padded twice": Spelling(
        lambda x, y: np.sum(np.pad(padded(x, (0, 0), (1, 1)) + 1, ((0, 0), (0, 2)))[R, y + 2]),
        (4, 3),
        ((4,), -2, 4),
    ),
    "padded, then scaled": Spelling(
        lambda x, y: np.sum(np.log(1 + padded(x, (0, 0), (1, 1)))[R, y + 1]), (4, 3), ((4,), -1, 3)
    ),
    "ordinal regression": Spelling(ordinal, (4, 3), ((4,), 0, 3)),
    "ordinal regression, cut": Spelling(
        lambda x, y: np.sum(
            np.concatenate([np.zeros((4, 1)), np.exp(x), np.ones((4, 1))], axis=1)[:, 1:][R, y]
        ),
        (4, 3),
        ((4,), 0, 3),
    ),
    "thresholds": Spelling(
        lambda x, y: np.sum(np.concatenate([[0.0], np.exp(x), [9.0]])[y + 1] ** 2),
        (4,),
        ((3,), -1, 4),
    ),
    "labels from 1": Spelling(
        lambda x, y: -np.sum(np.log(softmax(x))[R, y - 1]), (4, 3), ((4,), 1, 3)
    ),
    "labels from 1, a name for them": Spelling(
        lambda x, y: (lambda target: -np.sum(np.log(softmax(x))[R, target]))(y - 1),
        (4, 3),
        ((4,), 1, 3),
    ),
    "labels from 1, along the first axis": Spelling(
        lambda x, y: -np.sum(np.log(softmax(x, 0))[y - 1, C]), (4, 3), ((3,), 1, 4)
    ),
    "minus a number, plus another": Spelling(
        lambda x, y: np.sum(np.exp(x)[R, y - 1 + 3]), (4, 3), ((4,), -2, 0)
    ),
    "negative, from the last one down": Spelling(
        lambda x, y: np.sum(np.exp(x)[R, -y - 1] ** 2), (4, 3), ((4,), 0, 2)
    ),
    "negative, of a sum": Spelling(
        lambda x, y: np.sum(np.exp(x)[-(y + 1), C] ** 2), (4, 3), ((3,), 0, 3)
    ),
    "counted from the other end": Spelling(
        lambda x, y: np.sum(np.exp(x)[R, 2 - y] ** 2), (4, 3), ((4,), 0, 2)
    ),
    "every other": Spelling(lambda x, y: np.sum(np.exp(x)[2 * y] ** 2), (7,), ((4,), 0, 3)),
    "every third, from 1": Spelling(
        lambda x, y: np.sum(np.exp(x)[3 * y + 1] ** 2), (9,), ((3,), 0, 2)
    ),
    "cut": Spelling(lambda x, y: np.sum(np.exp(x)[:, 1:][R, y]), (4, 5), ((4,), 0, 3)),
    "cut, shifted": Spelling(
        lambda x, y: np.sum(np.exp(x)[:, 1:4][R, y - 1]), (4, 5), ((4,), 1, 3)
    ),
    "cut with a step": Spelling(
        lambda x, y: np.sum(np.exp(x)[:, ::2][R, y + 1] ** 2), (4, 6), ((4,), -1, 1)
    ),
    "cut with a step, from 1": Spelling(
        lambda x, y: np.sum(np.exp(x)[:, 1::2][R, y] ** 2), (4, 6), ((4,), 0, 2)
    ),
    "reversed": Spelling(lambda x, y: np.sum(np.exp(x)[:, ::-1][R, y]), (4, 3), ((4,), 0, 2)),
    "reversed, shifted": Spelling(
        lambda x, y: np.sum(np.exp(x)[:, ::-1][R, y + 1] ** 2), (4, 3), ((4,), -1, 1)
    ),
    "flipped, padded": Spelling(
        lambda x, y: np.sum(np.flip(padded(x, (0, 0), (1, 0)), 1)[R, y + 1]), (4, 3), ((4,), -1, 2)
    ),
    "rolled": Spelling(
        lambda x, y: np.sum(np.roll(np.exp(x), 1, axis=1)[R, y - 1] ** 2), (4, 3), ((4,), 1, 3)
    ),
    "joined": Spelling(
        lambda x, z, y: np.sum(np.concatenate([np.exp(x), np.sin(z)], axis=1)[R, y] ** 2),
        (4, 2),
        ((4,), 0, 4),
        z=(4, 3),
    ),
    "joined, shifted": Spelling(
        lambda x, z, y: np.sum(np.concatenate([np.exp(x), np.sin(z)])[y - 2] ** 2),
        (2,),
        ((4,), 2, 6),
        z=(3,),
    ),
    "joined with itself": Spelling(
        lambda x, y: np.sum(np.concatenate([np.exp(x), x])[y + 1] ** 2), (3,), ((4,), -1, 4)
    ),
    "stacked": Spelling(
        lambda x, z, y: np.sum(np.stack([np.exp(x), np.sin(z), x * z])[y - 1, R] ** 2),
        (4,),
        ((4,), 1, 3),
        z=(4,),
    ),
    "stacked last": Spelling(
        lambda x, z, y: np.sum(np.stack([np.exp(x), z, x * z], axis=-1)[R, y + 1] ** 2),
        (4,),
        ((4,), -1, 1),
        z=(4,),
    ),
    "stacked with zeros": Spelling(
        lambda x, y: np.sum(np.stack([np.zeros(4), np.exp(x), np.zeros(4)])[y, R]),
        (4,),
        ((4,), 0, 2),
    ),
    "in a row": Spelling(
        lambda x, y: np.sum(np.ravel(np.exp(x))[y + 1] ** 2), (2, 3), ((3,), -1, 4)
    ),
    "reshaped": Spelling(
        lambda x, y: np.sum(np.reshape(np.exp(x), (3, 4))[y - 1, R] ** 2), (4, 3), ((4,), 1, 3)
    ),
    "padded, then reshaped": Spelling(
        lambda x, y: np.sum(np.reshape(np.pad(np.exp(x), (1, 1)), (2, 4))[y + 1, R]),
        (6,),
        ((4,), -1, 0),
    ),
    "padded, then in a row": Spelling(
        lambda x, y: np.sum(np.ravel(padded(x, (0, 0), (1, 0)))[y + 3] ** 2), (2, 3), ((3,), -3, 4)
    ),
    "along an axis": Spelling(
        lambda x, y: np.sum(np.take_along_axis(np.exp(x), y - 1, axis=1) ** 2),
        (4, 3),
        ((4, 2), 1, 3),
    ),
    "along the first axis": Spelling(
        lambda x, y: np.sum(np.take_along_axis(padded(x, (1, 1), (0, 0)), y + 1, axis=0)),
        (2, 3),
        ((2, 3), -1, 2),
    ),
    "along a padded axis": Spelling(
        lambda x, y: np.sum(np.take_along_axis(padded(x, (0, 0), (0, 1)), y[:, None], axis=1)),
        (4, 3),
        ((4,), 0, 3),
    ),
    "taken": Spelling(
        lambda x, y: np.sum(np.take(np.exp(x), y - 1, axis=1) ** 2), (2, 3), ((3,), 1, 3)
    ),
    "taken, padded": Spelling(
        lambda x, y: np.sum(np.take(np.pad(np.exp(x), 1), y + 1) ** 2), (3,), ((2,), -1, 3)
    ),
    "a middle axis": Spelling(
        lambda x, y: np.sum(np.exp(x)[np.arange(2), y - 1] ** 2), (2, 3, 2), ((2,), 1, 3)
    ),
    "a middle axis, padded": Spelling(
        lambda x, y: np.sum(padded(x, (0, 0), (1, 1), (0, 0))[:, y + 1] ** 2),
        (2, 2, 3),
        ((2,), -1, 2),
    ),
    "the last of three axes": Spelling(
        lambda x, y: np.sum(padded(x, (0, 0), (0, 0), (0, 1))[..., y + 1]), (2, 2, 3), ((2,), -1, 2)
    ),
    "two arrays of labels": Spelling(
        lambda x, y, k: np.sum(padded(x, (1, 0), (0, 1))[y, k - 1] ** 2),
        (2, 3),
        ((3,), 0, 2),
        ((3,), 1, 4),
    ),
    "one array for two axes": Spelling(
        lambda x, y: np.sum(padded(x, (0, 1), (0, 0))[y, y + 1] ** 2), (3, 3), ((2,), -0, 1)
    ),
    "two axes of different sizes": Spelling(
        lambda x, z, y: np.sum(np.exp(x)[y] * np.sin(z)[y + 1]), (3,), ((3,), 0, 2), z=(5,)
    ),
    "two axes, one of which says more": Spelling(
        lambda x, z, y: np.sum(np.exp(x)[y - 1] * np.sin(z)[y + 1]), (4,), ((3,), 1, 2), z=(4,)
    ),
    "an embedding, then padded": Spelling(
        lambda x, y: np.sum(np.pad(np.exp(x)[y - 1], ((1, 0), (0, 1))) ** 2), (3, 2), ((3,), 1, 3)
    ),
    "an embedding whose first row is zero": Spelling(
        lambda x, y: np.sum(np.concatenate([np.zeros((1, 2)), np.exp(x)])[y].sum(axis=0) ** 2),
        (3, 2),
        ((4,), 0, 3),
    ),
    "labels reversed": Spelling(
        lambda x, y: np.sum(padded(x, (0, 0), (1, 1))[R, y[::-1] + 1] ** 2), (4, 3), ((4,), -1, 3)
    ),
    "labels rolled and joined": Spelling(
        lambda x, y: np.sum(np.exp(x)[np.concatenate([np.roll(y, 1), y]) - 1] ** 2),
        (3,),
        ((3,), 1, 3),
    ),
    "one label": Spelling(lambda x, y: padded(x, (1, 1))[y + 1] ** 2, (3,), ((), -1, 3)),
    "a matrix of labels": Spelling(
        lambda x, y: np.sum(np.cumsum(padded(x, (1, 1))[y + 1], axis=1) ** 2), (3,), ((2, 2), -1, 3)
    ),
    "neighbours": Spelling(
        lambda x, y: np.sum((np.exp(x)[y + 1] - np.exp(x)[y]) ** 2), (4,), ((3,), 0, 2)
    ),
    "on both sides of a centre": Spelling(
        lambda x, y: np.sum(np.exp(x)[y - 1] * np.exp(x)[y + 1]), (5,), ((3,), 1, 3)
    ),
    "where the mask is of labels": Spelling(
        lambda x, y: np.sum(np.where(y > 0, np.pad(np.exp(x), (1, 0))[y], 0.0)),
        (3,),
        ((3,), 0, 3),
    ),
    "written at": Spelling(written, (4, 3), ((4,), 0, 2)),
    "written into a row": Spelling(lambda x, y: written(x, y, 1), (4, 3), ((), 0, 2)),
    "taken away at": Spelling(taken_away, (4, 3), ((4,), 0, 2)),
    "put along an axis": Spelling(put_along, (4, 3), ((4, 1), 0, 2)),
    "added at": Spelling(added_at, (4,), ((3,), 0, 3)),
    "added at, shifted": Spelling(lambda x, y: added_at(x, y + 1), (4,), ((3,), -1, 2)),
    "added to a slice at": Spelling(lambda x, y: added_at(x[1:], y), (4,), ((3,), 0, 2)),
    "an axis of one entry": Spelling(
        lambda x, y: np.sum(np.exp(x)[y - 1] ** 2), (1,), ((3,), 1, 1)
    ),
}


def all_labels(spelling: Spelling) -> list[dict[str, np.ndarray]]:
    """Each array of labels that is legal; of many, the extremes and some in between."""
    choices = []
    for shape, first, last in spelling.labels.values():
        rng, size = np.random.default_rng(3), int(np.prod(shape))
        every = itertools.islice(itertools.product(range(first, last + 1), repeat=size), 300)
        rows = [np.reshape(row, shape) for row in every]
        ends = [np.full(shape, value) for value in range(first, last + 1)]
        some = [rows[k] for k in rng.permutation(len(rows))[:8]]
        choices.append([*ends, *some, rng.integers(first, last + 1, shape)])
    longest = max(map(len, choices))
    return [
        dict(zip(spelling.labels, (c[k % len(c)] for c in choices), strict=True))
        for k in range(longest)
    ]


def slopes(loss: Loss, given: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """By complex step: NumPy runs what was typed."""
    found = np.zeros(given[name].shape)
    for place in np.ndindex(found.shape):
        moved = given[name].astype(complex)
        moved[place] += 1e-30j
        found[place] = np.imag(loss(**{**given, name: moved})) / 1e-30
    return found


@pytest.mark.sampled(3)
@pytest.mark.parametrize("what", SPELLINGS)
def test_gradients(what: str) -> None:
    spelling = SPELLINGS[what]
    module = spelling.derivation().compile()
    rng = np.random.default_rng(1)
    for labels in all_labels(spelling):
        given = {n: rng.normal(size=s) for n, s in spelling.parameters.items()} | labels
        value, found = module.loss_and_gradients(**given)
        np.testing.assert_allclose(value, spelling.loss(**given), rtol=1e-12, atol=1e-12)
        for name in spelling.parameters:
            right = slopes(spelling.loss, given, name)
            np.testing.assert_allclose(getattr(found, name), right, rtol=1e-11, atol=1e-12)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("what", SPELLINGS)
def test_checks_draw_labels_that_are_legal(what: str) -> None:
    results = run(SPELLINGS[what].derivation())
    assert results
    assert all(check.passed for check in results), [c for c in results if not c.passed]


@pytest.mark.sampled(4)
@pytest.mark.parametrize("what", SPELLINGS)
def test_a_label_outside_is_named_with_the_range(what: str) -> None:
    spelling = SPELLINGS[what]
    module = spelling.derivation().compile()
    given = {n: np.ones(s) for n, s in spelling.parameters.items()}
    for name, (shape, first, last) in spelling.labels.items():
        for bad in (first - 1, last + 1):
            labels = {n: np.full(s, lowest) for n, (s, lowest, _) in spelling.labels.items()}
            labels[name] = np.full(shape, first)
            labels[name][(0,) * len(shape)] = bad
            text = rf"^{name}: expected labels from {first} to {last}, got {bad}$"
            with pytest.raises(ValueError, match=text):
                module.loss(**given, **labels)


SPEC = """
import numpy as np
import symgrad as sg

y = sg.data("y", ("N",), dtype=int)
pair = sg.data("pair", ("N", 2), dtype=int)
t = sg.param("t", ("N", "K"))
U = sg.param("U", (5, 2))
V = sg.param("V", (3, 2))
n = sg.arange("N")
cdf = np.pad(np.exp(t), ((0, 0), (1, 1)))
h = np.sum(np.exp(U)[pair[:, 0] - 1] * np.sin(V)[pair[:, 1]])
loss = np.sum((cdf[n, y + 1] - cdf[n, y]) ** 2) + h
"""


def test_the_command_line_draws_labels(tmp_path: Path) -> None:
    (tmp_path / "spec.py").write_text(SPEC)
    made = tmp_path / "made" / "spec.py"
    result = CliRunner().invoke(
        main, ["derive", str(tmp_path / "spec.py"), "--out", str(made.parent)]
    )
    assert result.exit_code == 0, result.output
    text = made.read_text()
    assert "0 <= y < K + 1" in text
    assert "1 <= pair[:, 0] < 6, 0 <= pair[:, 1] < 3" in text
    assert subprocess.run([sys.executable, made], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("labels", "told", "from_0"),
    [
        ({"y": [-1]}, "y has the label -1, and labels are from 0 to 3", True),
        ({"y": [4]}, "y has the label 4, and labels are from 0 to 3", True),
        ({"pair": [[0, 0]]}, "pair has the label 0, and labels are from 1 to 5", False),
    ],
)
def test_an_example_outside_is_refused(
    tmp_path: Path, labels: dict[str, Any], told: str, from_0: bool
) -> None:
    example = {
        "y": [0], "pair": [[1, 0]], "t": [[0, 0, 0]], "U": [[0, 0]] * 5, "V": [[0, 0]] * 3, **labels
    }  # fmt: skip
    (tmp_path / "spec.py").write_text(f"{SPEC}\nexample = {example}\n")
    result = CliRunner().invoke(
        main, ["derive", str(tmp_path / "spec.py"), "--out", str(tmp_path / "made")]
    )
    assert result.exit_code == 2
    assert told in result.output
    assert ("labels count from 0" in result.output) == from_0


COMPUTED = {
    "k": "y + np.array([0, 1, 0])",
    "of y": "np.minimum(y, 2)",
    "of y ": "np.abs(y)",
    "of y  ": "np.where(y > 0, y, 0)",
    "of y   ": "np.clip(y, 0, 2)",
    "of y    ": "(y + 1) % 3",
    "of y     ": "y // 2",
    "of y      ": "y * (y > 0)",
    "y**2": "y * y",
}


@pytest.mark.parametrize("told", COMPUTED)
def test_an_index_that_is_computed_is_named_with_its_line(told: str, tmp_path: Path) -> None:
    index = "k" if told == "k" else COMPUTED[told]
    lines = [
        "import numpy as np, symgrad as sg",
        "t, y = sg.param('t', (4, 3)), sg.data('y', (3,), dtype=int)",
        f"k = {COMPUTED[told]}" if told == "k" else "",
        f"loss = np.sum(np.exp(t)[np.arange(3), {index}])",
    ]
    path = tmp_path / "spec.py"
    path.write_text("\n".join(lines), encoding="utf-8")
    result = CliRunner().invoke(main, ["derive", str(path), "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    said = " ".join(result.stderr.split())
    assert f"an index that is computed ({told.strip()}) is not supported" in said
    assert "spec.py:4" in said
    assert "worked out before the call" in said
    assert "~" not in said


def test_labels_of_one_array_at_two_places_are_told_apart() -> None:
    t, y = sg.param("t", (4, 3)), sg.data("y", (8,), dtype=int)
    with pytest.raises(sg.SpecError, match=r"computed \(-?y\[i( \+ 4)?\] [+-] y\[i( \+ 4)?\]\)"):
        sg.derive(np.sum(t[np.arange(4), y[:4] - y[4:]]), names={"t": t, "y": y}).compile()


@pytest.mark.parametrize(("one", "other"), [(-2, 2), (0, 3), (-4, -1)])
def test_labels_that_no_place_has_in_common_are_refused(one: int, other: int) -> None:
    x, y = sg.param("x", (3,)), sg.data("y", ("N",), dtype=int)
    with pytest.raises(sg.SpecError, match=r"no label of y lies on every axis .* up to -?\d\n"):
        sg.derive(np.sum(x[y + one] * x[y + other]))
    assert sg.derive(np.sum(x[y + one] * x[y + one + 2])).compile()


def test_truth_values_are_no_labels() -> None:
    y, w = sg.data("y", (3,), dtype=int), sg.param("w", (3, 2))
    module = sg.derive(np.sum(w[np.arange(3), y])).compile()
    with pytest.raises(ValueError, match="y: expected dtype int, got bool"):
        module.gradients(y=np.array([True, False, True]), w=np.ones((3, 2)))
    assert module.loss(y=[1, 0, 1], w=np.ones((3, 2))) == 3
