"""Arrays that are part of a file: made as a person would make them, or packed, to the last bit."""

from __future__ import annotations

import functools
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp

import symgrad as sg
from symgrad.targets.about import WIDTH
from symgrad.targets.numpy.built import GUESSES, built
from symgrad.targets.numpy.constants import FEW, array
from symgrad.targets.numpy.emit import NUMPY

MADE = (
    "np.eye(9)",
    "np.eye(9, 12, k=2)",
    "np.eye(12, 9, k=-3)",
    "np.tri(10)",
    "np.tri(9, 12, k=-2)",
    "np.tri(12, k=-3, dtype=int)",
    "np.tri(10, dtype=bool)",
    "np.triu(np.ones((10, 12), dtype=bool), k=1)",
    "np.triu(np.ones((9, 9)))",
    "np.tril(np.full((10, 12), 2.5), k=-1)",
    "np.triu(np.full((16, 16), -np.inf), k=1)",
    "np.triu(np.full((9, 9), -1e9), k=1)",
    "np.triu(np.full((9, 9), -np.inf), k=1)[None, None]",
    "np.where(np.tri(10, dtype=bool), -1.5, 3)",
    "np.where(np.eye(10, dtype=bool), -np.inf, 0)",
    "np.eye(3)[[2, 1, 1, 0, 0, 2, 1, 0, 2, 2, 0, 1, 0, 0, 1, 2, 2, 1, 0, 0, 2, 2, 2, 1, 0]]",
    "np.tri(20, k=3, dtype=bool) & ~np.tri(20, k=-4, dtype=bool)",
    "np.where(np.tri(20, k=3, dtype=bool) & ~np.tri(20, k=-4, dtype=bool), 0, -np.inf)",
    "np.zeros((9, 9))",
    "np.ones((9, 9), dtype=bool)",
    "np.zeros(100, dtype=int)",
    "np.full(100, -0.0)",
    "np.full((9, 9), 0.1)",
    "np.arange(100)",
    "np.arange(5, 302, 3)",
    "np.arange(99, -1, -1)",
    "np.arange(120).reshape(2, 3, 20)",
    "np.linspace(0, 1, 101)",
    "np.linspace(-1, 1, 200, endpoint=False)",
    "np.arange(100) / 99",
    "np.broadcast_to(np.arange(30)[:, None], (30, 40))",
    "np.broadcast_to(np.array([1.5, 2, 7]), (40, 3))",
    "np.broadcast_to(np.tri(8, dtype=bool), (4, 2, 8, 8))",
    "np.tile(np.array([1, 2, 5]), 40)",
    "np.array([1, 2, 5]).repeat(40, axis=0)",
    "np.eye(4).repeat(5, axis=1).repeat(5, axis=0)",
    "np.diag(np.arange(1, 20))",
    "np.diag(np.arange(1, 20), k=-1)",
    "np.eye(20, k=-1) - 2 * np.eye(20) + np.eye(20, k=1)",
    "-np.eye(20, k=-1) + np.eye(20, k=1)",
    "np.abs(np.subtract.outer(np.arange(20), np.arange(20)))",
    "-0.5 * np.abs(np.subtract.outer(np.arange(20), np.arange(20)))",
    "np.subtract.outer(np.arange(20), np.arange(30))",
    "np.add.outer(np.arange(20), np.arange(30))",
    "np.multiply.outer(np.arange(20), np.array([1, 0.3, 0.01, 0.001]))",
)
"""What is found again as it stands here."""


def made(code: str) -> Any:
    return np.ascontiguousarray(eval(code, {"np": np}))


def changed(values: np.ndarray) -> np.ndarray:
    """The array with the last bit of one entry turned."""
    other = values.copy()
    other.view(np.uint8).reshape(-1)[values.itemsize * (values.size // 2 + 1)] ^= 1
    return other


@pytest.mark.parametrize("code", MADE)
def test_an_array_is_written_as_what_made_it(code: str) -> None:
    found = built(made(code))
    assert found is not None
    assert found.code == code


@pytest.mark.parametrize("code", MADE)
def test_one_bit_beside_it_is_another_array(code: str) -> None:
    other = changed(made(code))
    found = built(other)
    assert found is None or found.code != code
    assert found is None or made(found.code).astype(other.dtype).tobytes() == other.tobytes()


@pytest.mark.parametrize("guess", GUESSES, ids=lambda g: g.__name__)
def test_each_guess_finds_one_of_them(guess: Callable[..., Any]) -> None:
    with np.errstate(all="ignore"):
        assert any(code in {text.code for text in guess(made(code))} for code in MADE)


ODD = {
    "minus zero": np.array([-0.0, 0.0, 1.0]),
    "infinite": np.array([np.inf, -np.inf, np.nan]),
    "tiny and huge": np.array([5e-324, 2.0**-1060, 1e300, 2.0**53, 2.0**60, 1e9, -9e15]),
    "integers": np.array([2**63 - 1, -(2**63), 2**53 + 1]),
    "small floats": np.linspace(0, 1, 100, dtype=np.float32) ** 2,
    "noise": np.random.default_rng(0).normal(size=(30, 7)),
    "packed with minus zero": np.where(np.arange(200) % 7 < 3, -0.0, np.sin(np.arange(200))),
    "packed integers": np.random.default_rng(0).integers(-9, 2**62, (5, 5, 5)),
    "packed truth": np.random.default_rng(0).random((9, 70)) < 0.3,
    "scalar": np.array(2.5),
    "turned": np.random.default_rng(0).normal(size=(30, 7)).T,
    "big-endian": np.arange(90.0).astype(">f8") ** 0.5,
    "nearly a range": np.concatenate([np.arange(99.0), [1e300]]),
    "far apart": np.array([-1.7e308, 1.7e308] * 40),
}


@pytest.mark.parametrize("name", ODD)
def test_all_bits_and_the_kind_are_kept(name: str) -> None:
    values = ODD[name]
    text = array(values)
    assert text.isascii()
    assert max(map(len, text.split("\n"))) <= WIDTH + 8
    exec(f"import base64, zlib\nfound = {text}", names := {"np": np})
    found: Any = np.array(names["found"])
    assert found.shape == values.shape
    assert found.dtype.kind == values.dtype.kind or (found.dtype.kind, values.dtype.kind) == (
        "i",
        "f",
    )
    exact = values.astype(values.dtype.newbyteorder("=")).astype(
        {"f": np.float64, "i": np.int64, "b": np.bool_}[values.dtype.kind]
    )
    assert found.astype(exact.dtype).tobytes() == exact.tobytes()


def test_few_entries_are_a_list_and_what_is_known_of_many_is_short() -> None:
    assert array(np.eye(2)) == "[[1, 0], [0, 1]]"
    assert array(np.arange(FEW)).startswith("[0, 1, 2")
    assert array(np.arange(FEW + 1)) == "np.arange(65)"
    assert array(np.arange(FEW + 1), few=100).startswith("[0, 1, 2")


@functools.cache
def attention(name: str) -> sg.Derivation:
    mask = MASKS[name]
    rows, columns = mask.shape
    q, k = sg.param("q", (rows, 4)), sg.data("k", (columns, 4))
    s = np.where(mask, q @ k.T, -np.inf) if mask.dtype == bool else q @ k.T + mask
    p = np.exp(s) / np.sum(np.exp(s), axis=1, keepdims=True)
    return sg.derive(np.sum(p**2), names={"q": q, "k": k})


MASKS = {
    "added": np.triu(np.full((128, 256), -np.inf), 1),
    "chosen": np.tri(128, 256, dtype=bool),
    "noise": np.random.default_rng(1).random((20, 24)) < 0.9,
    "numbers": np.random.default_rng(1).normal(size=(20, 24)),
}


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_files_with_large_masks_are_small_and_have_their_numbers(
    name: str, dtype: str, *, plain: bool
) -> None:
    mask = MASKS[name]
    derivation = attention(name)
    source = derivation.source(plain=plain, dtype=dtype)
    assert len(source) < (20_000 if mask.size > 10_000 else 28_000)
    assert ("import base64" in source) == ("import zlib" in source) == (mask.size < 1000)
    module = NUMPY.load(source, "attention")
    rng = np.random.default_rng(2)
    q, k = (rng.normal(size=(n, 4)).astype(dtype) for n in mask.shape)
    value, gradients = module.loss_and_gradients(q=q, k=k)
    s = q @ k.T + np.where(mask, 0, -np.inf) if mask.dtype == bool else q @ k.T + mask
    p = np.exp(s - s.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    dp = 2 * p
    ds = p * (dp - np.sum(dp * p, axis=1, keepdims=True))
    tolerance = 1e-4 if dtype == "float32" else 1e-10
    np.testing.assert_allclose(value, np.sum(p**2), rtol=tolerance)
    np.testing.assert_allclose(gradients.q, ds @ k, rtol=tolerance, atol=tolerance)
    assert gradients.q.dtype == dtype


@pytest.mark.parametrize(
    ("third", "tenth"),
    [
        (Fraction(1, 3), Decimal("0.1")),
        (np.array([Fraction(1, 3)] * 3), np.array(Decimal("0.1"))),
    ],
    ids=["numbers", "arrays"],
)
def test_fractions_and_decimals_are_exact(third: Any, tenth: Any) -> None:
    x = sg.param("x", (3,))
    d = sg.derive(np.sum(third * x**2 + x * tenth) + np.sum(x ** Fraction(3, 2)))
    rhs = d.gradients["x"].equation.rhs
    assert rhs.atoms(sp.Float) == set()
    assert {sp.Rational(2, 3), sp.Rational(1, 10)} <= rhs.atoms(sp.Rational)
    found = d.compile().gradients(x=np.array([1.0, 4.0, 9.0])).x
    np.testing.assert_allclose(found, [2 / 3 + 1.6, 8 / 3 + 3.1, 6 + 4.6], rtol=1e-14)


def test_fractions_that_differ_are_an_array_of_floats() -> None:
    x = sg.param("x", (2,))
    d = sg.derive(np.sum(np.array([Fraction(1, 3), Decimal(2)]) * x))
    np.testing.assert_allclose(d.compile().gradients(x=np.zeros(2)).x, [1 / 3, 2])


def test_a_number_that_is_no_float_is_named() -> None:
    s = sg.param("s", ("N",))
    derivation = sg.derive(np.sum(1.7976931348623157e308 * s**3))
    with pytest.raises(sg.SpecError, match=r"the number 5.39e\+308"):
        derivation.source()


def test_a_condition_that_never_holds_is_not_written() -> None:
    x = sg.param("x", (3,))
    derivation = sg.derive(np.sum(np.where([False] * 3, x, 2 * x)))
    assert "0 = 1" not in derivation.render("text")
    value, slopes = derivation.compile().loss_and_gradients(x=np.arange(3.0))
    assert value == 6.0
    np.testing.assert_array_equal(slopes.x, 2.0)


def test_products_with_a_constant_are_written_as_they_were_typed() -> None:
    x, w = sg.data("x", (3,)), sg.param("w", (3,))
    z = x * w
    a = z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))
    text = str(sg.derive(np.sum(a**2), names={"x": x, "w": w, "z": z, "a": a}))
    assert "sqrt(2/π) (0.044715 z[i]³ + z[i])" in text
    assert "(0.134145 z[i]² + 1)" in text
    assert "0.107" not in text


def test_a_product_of_roots_is_the_fraction_that_it_is_before_a_sum_too() -> None:
    t, w = sg.data("t", (3,)), sg.param("w", ())
    y = np.sum(np.exp(-(t**2) / (np.sqrt(8) * w**2))) / np.sqrt(2)
    assert "0.4999" not in str(sg.derive(y, names={"t": t, "w": w}).render("text"))
