"""Slices with steps, at lengths where the last step just fits and where it just doesn't."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import symgrad as sg
from symgrad.targets import TARGETS

LENGTHS = range(4, 8)
"""Of any three that follow each other, a step of 3 ends at the last entry of one alone."""

SLICES = {
    "every second": np.s_[::2],
    "every second, from the second": np.s_[1::2],
    "every third": np.s_[::3],
    "every third, from the third": np.s_[2::3],
    "every second, not the last": np.s_[:-1:2],
    "every second, not the last two": np.s_[:-2:2],
    "every third, between": np.s_[1:-1:3],
    "every second of the first three": np.s_[:3:2],
    "every second of the first four": np.s_[:4:2],
    "every third of the first four": np.s_[:4:3],
    "the last three, every second": np.s_[-3::2],
    "the last four, every third": np.s_[-4::3],
    "a step to the very end": np.s_[::4],
    "backwards": np.s_[::-1],
    "backwards, every second": np.s_[::-2],
    "backwards, every third": np.s_[::-3],
    "backwards, from the last but one": np.s_[-2::-2],
    "backwards, every third, from the last but one": np.s_[-2::-3],
    "backwards, not the first": np.s_[:0:-1],
    "backwards, every second, not the first": np.s_[:0:-2],
    "backwards, every second, not the first two": np.s_[:1:-2],
    "backwards, every third, not the first two": np.s_[:1:-3],
    "backwards from the fourth": np.s_[3::-2],
    "backwards from the fourth, every third": np.s_[3::-3],
    "backwards between": np.s_[-1:1:-2],
}

named = pytest.mark.parametrize("cut", SLICES.values(), ids=SLICES)


def in_a_loss(cut: Any, length: int | str) -> sg.Derivation:
    """Every entry of the slice has a weight of its own."""
    x, c = sg.param("x", (length,)), sg.data("c", (length,))
    return sg.derive(np.sum(np.tanh(x)[cut] * c[cut]), names={})


def modules(derivation: sg.Derivation) -> list[ModuleType]:
    """With buffers and without."""
    source = derivation.source(plain=True)
    return [derivation.compile(), TARGETS["numpy"].load(source, "plain")]


def point(length: int) -> dict[str, np.ndarray]:
    x = np.linspace(-1, 1.5, length)
    return {"x": x, "c": 2.0 ** np.arange(length)}


def by_hand(cut: Any, at: Mapping[str, np.ndarray]) -> tuple[float, np.ndarray]:
    slope = np.zeros_like(at["x"])
    slope[cut] = at["c"][cut]
    t = np.tanh(at["x"])
    return float(np.sum(t * slope)), slope * (1 - t**2)


def agree(found: tuple[Any, Any], expected: tuple[float, np.ndarray]) -> None:
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found[1][0], expected[1], rtol=1e-12, atol=1e-12)


@pytest.mark.sampled(4)
@named
def test_a_slice_of_a_fixed_length(cut: Any) -> None:
    for length in LENGTHS:
        at = point(length)
        for module in modules(in_a_loss(cut, length)):
            agree(module.loss_and_gradients(**at), by_hand(cut, at))


PARTS: dict[str, Callable[[Any], Any]] = {
    "without the first": lambda x: x[1:],
    "without the last two": lambda x: x[:-2],
    "without both ends": lambda x: x[1:-2],
    "the last three": lambda x: x[-3:],
    "the first": lambda x: x[:1],
    "backwards": lambda x: x[::-1],
    "backwards, without the last": lambda x: x[:-1][::-1],
    "backwards, then without the last": lambda x: x[::-1][:-1],
    "backwards, then without both ends": lambda x: x[::-1][2:-1],
    "a part of a part": lambda x: x[1:][1:-1],
    "twice backwards": lambda x: x[::-1][1:][::-1],
}
"""Of an axis of a named length."""


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_a_part_of_a_named_length(part: Callable[[Any], Any]) -> None:
    x, c = sg.param("x", ("N",)), sg.data("c", ("N",))
    compiled = modules(sg.derive(np.sum(part(np.tanh(x)) * part(c)), names={}))
    for length in LENGTHS:
        at = point(length)
        places = part(np.arange(length))
        for module in compiled:
            agree(module.loss_and_gradients(**at), by_hand(places, at))


@pytest.mark.sampled(4)
@named
def test_a_slice_beside_a_named_length(cut: Any) -> None:
    """The axis with steps is fixed, the other one isn't; both are cut."""
    for length in LENGTHS[:3]:
        x, c = sg.param("x", ("N", length)), sg.data("c", ("N", length))
        compiled = modules(sg.derive(np.sum(np.tanh(x)[1:, cut] * c[:-1, cut]), names={}))
        for rows in (2, 3):
            t = np.linspace(-1, 1, rows * length).reshape(rows, length)
            weights = 2.0 ** np.arange(rows * length).reshape(rows, length)
            slope = np.zeros_like(t)
            slope[1:, cut] = weights[:-1, cut]
            right = (float(np.sum(np.tanh(t) * slope)), slope * (1 - np.tanh(t) ** 2))
            for module in compiled:
                agree(module.loss_and_gradients(x=t, c=weights), right)


STACKED: dict[str, Callable[[Any], Any]] = {
    "windows, every second": lambda w: w[::2],
    "windows, every third": lambda w: w[::3],
    "windows backwards": lambda w: w[::-2],
    "every second in a window": lambda w: w[:, ::2],
    "a window backwards": lambda w: w[:, ::-2],
}


@pytest.mark.parametrize("part", STACKED.values(), ids=STACKED)
def test_windows_with_steps(part: Callable[[Any], Any]) -> None:
    window = np.lib.stride_tricks.sliding_window_view
    for length in LENGTHS:
        x, c = sg.param("x", (length,)), sg.data("c", (length,))
        derivation = sg.derive(np.sum(part(window(np.tanh(x), 3)) * part(window(c, 3))), names={})
        at = point(length)
        slope = np.zeros(length)
        np.add.at(slope, part(window(np.arange(length), 3)), part(window(at["c"], 3)))
        t = np.tanh(at["x"])
        for module in modules(derivation):
            agree(module.loss_and_gradients(**at), (float(t @ slope), slope * (1 - t**2)))
