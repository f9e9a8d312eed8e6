"""Matrix forms: how they read, and that they are equal to their equations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import reduce
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import pytest
from test_numpy_target import columns, rows
from test_program import SIZES, VARIABLES, Maker, by_loops, numbers

import symgrad as sg
from symgrad.checks import run
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import Index, axis_index
from symgrad.mathematics.sizes import as_size
from symgrad.outputs import forward_and_adjoints
from symgrad.writing.choice import Choice
from symgrad.writing.display import Display
from symgrad.writing.formula import Formula, Word
from symgrad.writing.matrix_form import matrix_form, matrix_forms
from symgrad.writing.printings.latex import Latex, latex


class Verbatim(Word):
    """The name of a value as it is in the spec, as one that can be read back."""


class Names(Latex):
    def of_verbatim(self, x: Verbatim) -> str:
        return x.text


def symbol(name: str) -> Formula:
    return Verbatim(name)


shown = Names()


def forms(derivation: sg.Derivation) -> dict[str, str | None]:
    equations = forward_and_adjoints(derivation)
    form = matrix_forms(derivation.system.variables, equations, symbol)
    found = {e.name: form(e.name) for e in equations}
    return {name: None if formula is None else shown(formula) for name, formula in found.items()}


def test_columns() -> None:
    found = forms(columns())
    assert found["z1"] == "W1 X + b1"
    assert found["p"] == r"\operatorname{softmax}(z2)"
    assert found["loss"] == r"-Y^{\top} \log \operatorname{softmax}(z2)"
    assert found["dz2"] == "p - Y"
    assert found["dW2"] == r"dz2 a1^{\top}"
    assert found["da1"] == r"W2^{\top} dz2"
    assert found["dz1"] == r"da1 \odot [z1 > 0]"


def test_rows() -> None:
    found = forms(rows())
    assert found["z1"] == r"X W1 + \mathbf{1} b1^{\top}"
    assert found["dW1"] == r"X^{\top} dz1"
    assert found["db1"] == r"dz1^{\top} \mathbf{1}"
    assert found["da1"] == r"dz2 W2^{\top}"
    assert found["dz2"] is None  # integer labels have no form as matrices


def test_symbols_with_a_fraction_are_set_in_brackets_before_they_are_transposed() -> None:
    derivation = rows()
    writer = Display(derivation.notation.names, {})
    form = matrix_forms(
        derivation.system.variables, forward_and_adjoints(derivation), writer.symbol
    )
    found = form("db1")
    assert found is not None
    adjoint = r"\frac{\partial L}{\partial z_{1}}"
    assert latex(found) == rf"\left({adjoint}\right)^{{\top}} \mathbf{{1}}"


def test_squares_are_norms() -> None:
    A, B = sg.param("A", ("N", 3)), sg.data("B", ("N", 3))
    found = forms(sg.derive(np.sum((A - B) ** 2)))
    assert found["loss"] == r"\left\lVert A - B \right\rVert_F^2"


def test_numbers_are_repeated_where_they_meet_an_array() -> None:
    x, A, c = sg.param("x", ("N",)), sg.data("A", ("N", 3)), sg.data("c", ())
    loss = np.sum((1 - x) ** -2) + np.sum((A + c) ** 2)
    assert forms(sg.derive(loss))["dx"] == r"2 (\mathbf{1} - x)^{\circ -3}"
    assert r"A + c \mathbf{1} \mathbf{1}^{\top}" in str(forms(sg.derive(loss))["loss"])


def test_roots_and_quotients_entry_by_entry() -> None:
    X, t = sg.param("X", ("N", 3)), sg.data("t", ("N", 3))
    s = np.std(X, axis=1, keepdims=True)
    m = np.mean(X, axis=1, keepdims=True)
    d = sg.derive(np.sum(t * (X - m) / s), names={"s": s, "m": m})
    assert forms(d)["s"] == r"\sqrt{u2}"
    assert forms(d)["du2"] == r"\frac{1}{2} (ds \oslash s)"


def test_whole_numbers_that_all_terms_share_go_in_front() -> None:
    z = sg.param("z", (6,))
    third, fourth = np.mean(z**3), np.mean(z**4)
    d = sg.derive(third**2 + fourth**2, names={"a": third, "b": fourth})
    assert forms(d)["dz"] == r"\frac{1}{3} (3 a z^{\circ 2} + 4 b z^{\circ 3})"


# Formulas read back as numbers.  ``1`` is a vector of ones of whatever length fits.


class Ones:
    """A vector of ones: a sum on one side of a matrix, a repetition on the other."""

    __array_ufunc__ = None  # arrays leave sums with it to this class

    def __init__(self, turned: bool = False, scale: float = 1.0) -> None:
        self.turned = turned
        self.scale = scale

    @property
    def T(self) -> Ones:
        return Ones(not self.turned, self.scale)

    def __neg__(self) -> Ones:
        return Ones(self.turned, -self.scale)

    def __add__(self, other: Any) -> Any:
        return self.scale + (other.scale if isinstance(other, Ones) else other)

    def __radd__(self, other: Any) -> Any:
        return other + self.scale

    def __sub__(self, other: Any) -> Any:
        return self + -other

    def __rsub__(self, other: Any) -> Any:
        return other - self.scale


TOKEN = re.compile(
    r"\\left\\lVert|\\right\\rVert(?:_F)?(?:\^2|\^\{\d+\})?|\\left\(|\\right\)|\^\{\\top\}"
    r"|\^\{\\circ [^}]*\}|\^\{[^}]*\}"
    r"|\\mathbf\{1\}|\\frac|\\operatorname\{\w+\}(?:_\{\\text\{\w+\}\})?|\\[a-z]+"
    r"|[A-Za-z]\w*|\d+(?:\.\d+)?|[-+{}\[\]>(),]|\\"
)


class Reader:
    """Evaluates the LaTeX of a matrix form; vectors are columns."""

    def __init__(self, text: str, env: dict[str, Any]) -> None:
        self.tokens = TOKEN.findall(text)
        self.env = env

    def next(self, expected: str | None = None) -> str:
        token = self.tokens.pop(0)
        assert expected is None or token == expected, (token, expected)
        return token

    @property
    def ahead(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def sum(self) -> Any:
        negative = self.ahead == "-"
        if negative:
            self.next()
        total = self.odot()
        total = -total if negative else total
        while self.ahead in ("+", "-"):
            sign = self.next()
            other = self.odot()
            total = total + other if sign == "+" else total - other
        return total

    def odot(self) -> Any:
        value = self.product()
        while self.ahead in (r"\odot", r"\oslash"):
            sign, value, other = self.next(), plain(value), plain(self.product())
            value = value * other if sign == r"\odot" else value / other
        return value

    def product(self) -> Any:
        factors = [self.power()]
        while self.starts():
            if self.ahead == r"\cdot":
                self.next()
            factors.append(self.power())
        return multiplied(factors)

    def starts(self) -> bool:
        ahead = self.ahead
        closing = ("+", "-", "", r"\odot", r"\oslash", r"\right)", "}", "]", ">", ",", ")")
        return not (ahead in closing or ahead.startswith((r"\right", "^")))

    def power(self) -> Any:
        value = self.atom()
        while self.ahead.startswith("^"):
            token = self.next()
            if token == r"^{\top}":
                value = value.T if isinstance(value, Ones) else np.transpose(value)
            else:
                over, _, under = token[2:-1].replace(r"\circ ", "").partition("/")
                value = plain(value) ** (float(over) / float(under or 1))
        return value

    def atom(self) -> Any:
        token = self.next()
        if token in self.ATOMS:
            return self.ATOMS[token](self)
        if token.startswith("\\"):
            return self.call(token)
        return float(token) if token[0].isdigit() else self.env[token]

    def bracket(self, closing: str) -> Any:
        value = self.sum()
        self.next(closing)
        return value

    def norm(self) -> Any:
        value = self.sum()
        _, _, power = self.next().partition(r"\right\rVert")
        exponent = float(power.partition("^")[2].strip("{}") or 1)
        return np.sum(value * value) ** (exponent / 2)

    def argument(self) -> Any:
        value = self.sum()
        return self.compared(value) if self.ahead == ">" else value

    def compared(self, value: Any) -> Any:
        self.next(">")
        return np.greater(plain(value), plain(self.sum())).astype(float)

    def indicator(self) -> Any:
        value = self.compared(self.sum())
        self.next("]")
        return value

    def group(self) -> Any:
        self.next("{")
        value = self.sum()
        self.next("}")
        return value

    def call(self, token: str) -> Any:
        value = self.power() if token == r"\log" or self.ahead != "(" else self.arguments()
        if token == r"\max":
            return np.maximum(*plain(value))
        value = plain(value)
        axis = 1 if "rows" in token else 0 if "columns" in token else None
        if "softmax" in token:
            shifted = np.exp(value - np.max(value))
            return shifted / np.sum(shifted, axis=axis, keepdims=True)
        return FUNCTIONS[re.sub(r"\\operatorname\{(\w+)\}", r"\1", token).strip("\\")](value)

    ATOMS: ClassVar[dict[str, Callable[[Reader], Any]]] = {
        r"\left(": lambda self: self.bracket(r"\right)"),
        "(": lambda self: self.bracket(")"),
        r"\left\lVert": norm,
        r"\mathbf{1}": lambda self: Ones(),
        "[": indicator,
        r"\frac": lambda self: self.group() / self.group(),
        r"\sqrt": lambda self: np.sqrt(self.group()),
    }

    def arguments(self) -> Any:
        self.next("(")
        values = [self.argument()]
        while self.ahead == ",":
            self.next()
            values.append(self.argument())
        self.next(")")
        return values if len(values) > 1 else values[0]


FUNCTIONS = {
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
    "cos": np.cos,
    "sin": np.sin,
    "relu": lambda x: np.maximum(x, 0),
    "diag": lambda x: np.diag(np.ravel(x)),
    "tr": np.trace,
    "where": lambda x: np.where(x[0], x[1], x[2]),
    "logsumexp": lambda x: np.log(np.sum(np.exp(x))),
}


def multiplied(factors: list[Any]) -> Any:
    """Factors multiplied; of 1 1ᵀ A the 1ᵀ A first, which says how long the 1 is."""
    for k, (one, other) in enumerate(pairwise(factors)):
        both = isinstance(one, Ones) and isinstance(other, Ones)
        if both and other.turned and not one.turned and k + 2 < len(factors):
            return multiplied([*factors[:k], times(one, multiplied(factors[k + 1 :]))])
    return reduce(times, factors)


def times(a: Any, b: Any) -> Any:
    """A matrix product, a multiple, or a product with a vector of ones."""
    if isinstance(a, Ones) and isinstance(b, Ones):
        return a.scale * b.scale
    if isinstance(b, Ones) and np.ndim(a) == 0:
        return Ones(b.turned, float(a) * b.scale)
    if isinstance(b, Ones):
        return b.scale * (a if b.turned else scalar(np.sum(a, axis=1, keepdims=True)))
    if isinstance(a, Ones):
        return a.scale * (scalar(np.sum(b, axis=0, keepdims=True)) if a.turned else b)
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    return scalar(a @ b)


def plain(value: Any) -> Any:
    """A number in place of an array of which every entry is this number."""
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value.scale if isinstance(value, Ones) else value


def scalar(array: Any) -> Any:
    return array.item() if np.size(array) == 1 else array


def column(array: Any) -> Any:
    return array[:, None] if np.ndim(array) == 1 else scalar(array)


MATRICES = {v.name for v in VARIABLES if len(v.shape) <= 2 and v.dtype == "float"}


class MatrixMaker(Maker):
    """Equations whose values are vectors and matrices, without labels and deltas."""

    def expr(self, free: list[Index], depth: int) -> Any:
        if depth == 0:
            return self.entry(free)
        kind = self.random.choice(["add", "mul", "sum", "sum", "scale", "softmax", "function"])
        return getattr(self, f"make_{kind}")(free, depth - 1)

    def entry(self, free: list[Index]) -> Any:
        while True:
            found = super().entry(free)
            if "y[" not in str(found):
                return found


SHAPES = [(), ("N",), ("N", "4"), ("4", "N"), ("1", "4"), ("4", "1"), ("4", "4"), ("N", "1")]


def made(seed: int) -> Equation:
    maker = MatrixMaker(seed)
    shape = maker.random.choice(SHAPES)
    indices = tuple(axis_index(as_size(int(s) if s.isdigit() else s)) for s in shape)
    free = [i for i in indices if isinstance(i, Index)]
    return Equation("out", indices, maker.expr(free, maker.random.choice([1, 2])))


def with_a_form() -> Iterator[tuple[Equation, str]]:
    for seed in range(600):
        equation = made(seed)
        form = matrix_form(equation, VARIABLES, symbol)
        text = "" if form is None else shown(form)
        if form is not None and "tfrac" not in text:
            yield equation, text


def test_forms_are_equal_to_their_equations() -> None:
    arrays = numbers()
    env = {name: column(arrays[name]) for name in MATRICES} | SIZES
    count = 0
    for equation, form in with_a_form():
        expected = column(by_loops(equation, arrays))
        found = Reader(form, env).sum()
        found = plain(found)
        np.testing.assert_allclose(
            np.broadcast_to(found, np.shape(expected)), expected, rtol=1e-9, atol=1e-9, err_msg=form
        )
        count += 1
    assert count > 250


@pytest.mark.parametrize("wrong", ["W1 X", r"W1 X - b1", r"W1^{\top} X + b1", "X W1 + b1"])
def test_the_reader_sees_what_is_wrong(wrong: str) -> None:
    rng = np.random.default_rng(0)
    env = {
        "W1": rng.standard_normal((3, 3)),
        "X": rng.standard_normal((3, 1)),
        "b1": rng.standard_normal((3, 1)),
    }
    expected = env["W1"] @ env["X"] + env["b1"]
    np.testing.assert_allclose(Reader("W1 X + b1", env).sum(), expected)
    with pytest.raises((AssertionError, ValueError)):
        np.testing.assert_allclose(Reader(wrong, env).sum(), expected)


def test_a_size_that_is_called_as_a_value_is_another_sign() -> None:
    K, y = sg.param("K", ("K", 3)), sg.data("y", ("K", 3))
    d = sg.derive(np.mean((K - y) ** 2) * K.shape[0] ** 2, names={"K": K, "y": y})
    assert d.gradients["K"].matrix_latex().endswith(r"= \frac{2 n_{K}}{3} (K - y)")
    assert "∂L/∂K = (2 n_K)/3 (K − y)" in d.render("text")


def test_a_size_called_as_the_identity_is_a_number() -> None:
    W, x = sg.param("W", ("I", 3)), sg.data("x", ("I",))
    d = sg.derive(np.mean(np.exp(np.tanh(x @ W))) / W.shape[0])
    assert all(check.passed for check in run(d))


def test_numbers_and_reciprocals_are_one_fraction() -> None:
    x, s = sg.param("x", (3,)), sg.param("s", ())
    shown = str(sg.derive(np.sum(np.exp(-x / (2 * s**2)))).gradients["x"])
    assert "∂L/∂x = −1/(2 s²) exp(−1/(2 s²) x)" in shown


def test_the_mean_that_a_variance_needs_has_the_name_that_it_has() -> None:
    x = sg.param("x", ("N", "D"))
    mu = x.mean(axis=1)
    spread = x.var(axis=1)
    d = sg.derive(np.sum(mu / spread), names={"mu": mu, "spread": spread})
    assert "spread[n] = 1/D Σ_i (x[n,i] − μ[n])²" in str(d)


def test_a_derivative_that_is_no_sparse_array_keeps_its_name() -> None:
    X, y = sg.data("X", ("N", "D")), sg.data("y", ("N",), dtype=int)
    W = sg.param("W", ("D", 3))
    z = X @ W
    p = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
    d = sg.derive(-np.sum(np.log(p[sg.arange("N"), y])), names={"z": z, "p": p})
    assert str(d.gradients["W"]).splitlines()[1] == "∂L/∂W = Xᵀ ∂L/∂z"


def test_terms_stand_as_in_the_index_form() -> None:
    x, h = sg.data("x", ("N", 3)), sg.data("h", ("N", 2))
    W, U, b = sg.param("W", (3, 4)), sg.param("U", (2, 4)), sg.param("b", (4,))
    a = x @ W + h @ U + b
    d = sg.derive(np.sum(np.sin(a) ** 2), names={"a": a})
    found = d.render("text", choice=Choice(form="matrix", detail="brief"))
    assert "a = x W + h U + 𝟏 bᵀ" in found


def test_a_derivative_stands_before_what_it_is_multiplied_by() -> None:
    A, Z = sg.data("A", (3, 4)), sg.param("Z", (3, 4))
    p = np.tanh(Z)
    d = sg.derive(np.sum((A * p) ** 3), names={"p": p})
    shown = d.render("text", choice=Choice(form="matrix", detail="brief"))
    assert "∂L/∂Z = ∂L/∂p ⊙ (𝟏 𝟏ᵀ − p^∘2)" in shown


def test_matrix_forms_alone_are_read_without_an_index() -> None:
    X, Y, W = (
        sg.data("X", ("N", 3)),
        sg.data("Y", ("N", 4), assume=sg.one_hot(1)),
        sg.param("W", (3, 4)),
    )
    P = sg.softmax(X @ W, axis=1)
    d = sg.derive(-np.sum(Y * np.log(P)), names={"X": X, "Y": Y, "W": W, "P": P})
    alone = str(d.render("text", choice=sg.Choice(form="matrix")))
    assert not re.search(r"Indices|Entry|\[|Σ|δ\(", alone)
    assert "because Y is one-hot" in alone
    assert "∂L/∂W = Xᵀ ∂L/∂t₁" in alone
    full = str(d.render("text", choice=sg.Choice("full", form="matrix")))
    assert "contract δ" in full


def test_a_sum_begins_with_no_minus_where_a_term_has_none() -> None:
    x, m = sg.data("x", ("N",)), sg.param("m", ())
    d = sg.derive(np.sum(np.log(1 + (x - m) ** 2 / 4)), names={"x": x, "m": m})
    assert "(m 𝟏 − x)ᵀ" in str(d.gradients["m"])
