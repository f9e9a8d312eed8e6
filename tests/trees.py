"""Formulas as trees, evaluated with NumPy: everything is a matrix, a number one of 1×1."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import scipy.special

from symgrad.writing import formula as f
from symgrad.writing.formula import Formula, Gap

Numbers = Any


class Unknown(Exception):
    """How many ones there are does not show here."""


class Unread(Exception):
    """Something that this evaluator does not know."""


def _diag(x: Numbers) -> Numbers:
    assert x.shape[1] == 1
    return np.diag(x[:, 0])


def _softmax(x: Numbers, axis: Any = None) -> Numbers:
    return scipy.special.softmax(x, axis=axis)


FUNCTIONS: dict[str, Callable[..., Numbers]] = {
    "exp": np.exp, "log": np.log, "tanh": np.tanh, "sin": np.sin, "cos": np.cos, "cosh": np.cosh,
    "sinh": np.sinh, "arctan": np.arctan, "erf": scipy.special.erf, "diag": _diag,
    "sigmoid": scipy.special.expit, "softplus": lambda x: np.logaddexp(x, 0),
    "tr": lambda x: np.array([[np.trace(x)]]), "det": lambda x: np.array([[np.linalg.det(x)]]),
    "logsumexp": lambda x: np.array([[scipy.special.logsumexp(x)]]),
    "softmax": _softmax, "max": np.maximum, "min": np.minimum, "where": np.where, "sign": np.sign,
    "chol": np.linalg.cholesky, "digamma": scipy.special.digamma,
    "gammaln": scipy.special.gammaln, "relu": lambda x: np.maximum(x, 0),
}  # fmt: skip
COMPARISONS = {"<": np.less, ">": np.greater, "≤": np.less_equal, "≥": np.greater_equal,
               "=": np.equal, "≠": np.not_equal}  # fmt: skip


class Evaluator:
    """Evaluates a tree whose symbols are matrices; ``shape`` is what is expected, where known."""

    def __init__(self, symbols: Mapping[Formula, np.ndarray]) -> None:
        self.symbols = symbols

    def __call__(self, formula: Formula, shape: Any = None) -> np.ndarray:
        if formula in self.symbols:
            return self.symbols[formula]
        method = getattr(self, type(formula).__name__.lower(), None)
        if method is None:
            raise Unread(repr(formula))
        found = np.asarray(method(formula, shape))
        assert found.ndim == 2
        return found

    def ones(self, _: f.Ones, shape: Any) -> Numbers:
        if shape is None or shape[0] is None:
            raise Unknown
        return np.ones((shape[0], 1))

    def number(self, formula: f.Number, _: Any) -> Numbers:
        return np.array([[float(formula.digits)]])

    def letter(self, formula: f.Letter, shape: Any) -> Numbers:
        if formula != f.Letter("I"):
            raise Unread(formula.char)
        if shape is None or shape[0] is None:
            raise Unknown
        return np.eye(shape[0])

    def negative(self, formula: f.Negative, shape: Any) -> Numbers:
        return -self(formula.body, shape)

    def sum(self, formula: f.Sum, shape: Any) -> Numbers:
        found = self.together(formula.terms, shape)
        same = {x.shape for x in found} | ({shape} if shape else set())
        assert len(same) == 1, f"a sum of {same}"
        return functools.reduce(np.add, found)

    def term(self, formula: f.Term, shape: Any) -> Numbers:
        value = self(formula.body, shape)
        return value if formula.sign == "+" else -value

    def fenced(self, formula: f.Fenced, shape: Any) -> Numbers:
        match formula:
            case f.Fenced("[", f.Row(items, f.Gap.LIST)):  # blocks side by side
                return np.concatenate([self(x) for x in items], axis=1)
        inside = self(formula.inside, shape)
        return np.abs(inside) if formula.opening == "|" else inside * 1.0

    def fraction(self, formula: f.Fraction, shape: Any) -> Numbers:
        below = self(formula.below)
        assert below.shape == (1, 1)
        return self(formula.above, shape) / below

    def root(self, formula: f.Root, shape: Any) -> Numbers:
        inside = self(formula.inside, shape)
        return np.sqrt(inside) if not formula.degree else np.cbrt(inside)

    def norm(self, formula: f.Norm, _: Any) -> Numbers:
        square = np.sum(self(formula.inside) ** 2)
        return np.array([[square if formula.squared else np.sqrt(square)]])

    def scripted(self, formula: f.Scripted, shape: Any) -> Numbers:
        sup = formula.sup
        if formula.sub is not None or sup is None:
            raise Unread(repr(formula))
        if sup == f.Sign("⊤"):
            return self(formula.base, shape and shape[::-1]).T
        base = self(formula.base, shape)
        if sup == f.Negative(f.Sign("⊤")):
            return np.linalg.inv(base).T
        if isinstance(sup, f.Row) and sup.items[0] == f.Sign("∘"):
            return base ** self(sup.items[1])
        if sup == f.number("-1") and base.shape != (1, 1):
            return np.linalg.inv(base)
        assert base.shape == (1, 1), "a power of a matrix"
        return base ** self(sup)

    def apply(self, formula: f.Apply, shape: Any) -> Numbers:
        function, argument = formula.function, formula.argument
        if isinstance(function, f.Scripted) and isinstance(function.sub, f.Words):
            along = {"rows": 1, "columns": 0}[function.sub.text]
            return _softmax(self(argument, shape), along)
        if not isinstance(function, f.Function) or function.name not in FUNCTIONS:
            raise Unread(repr(function))
        inside = argument.inside if isinstance(argument, f.Fenced) else argument
        entrywise = function.name not in {"tr", "det", "logsumexp", "diag"}
        if isinstance(inside, f.Row) and inside.gap is Gap.LIST:
            arguments = self.together(inside.items, shape)
        else:
            arguments = [self(argument, shape if entrywise else None)]
        return FUNCTIONS[function.name](*arguments)

    def together(self, formulas: Sequence[Formula], shape: Any) -> list[np.ndarray]:
        """Formulas of one shape, which one of them has to show."""
        for part in formulas if shape is None else ():
            try:
                found = self(part).shape
            except Unknown:
                continue
            shape = found if found != (1, 1) else shape
        return [self(part, shape) for part in formulas]

    def row(self, formula: f.Row, shape: Any) -> Numbers:
        items = formula.items
        if isinstance(items[0], f.Function):
            return FUNCTIONS[items[0].name](self(f.beside(items[1:]), shape))
        signs = [i for i in items if isinstance(i, f.Sign) and i.char != "·"]
        if not signs:
            return self.product([i for i in items if not isinstance(i, f.Sign)], shape)
        if len(items) != 3 or len(signs) != 1:
            raise Unread(repr(formula))
        left, right = self.together([items[0], items[2]], shape)
        sign = signs[0].char
        if sign in COMPARISONS:
            return COMPARISONS[sign](left, right)
        if sign == "/":
            assert right.shape == (1, 1)
            return left / right
        assert left.shape == right.shape, f"{left.shape} {sign} {right.shape}"
        return {"⊙": np.multiply, "⊘": np.divide}[sign](left, right)

    def product(self, factors: Sequence[Formula], shape: Any) -> Numbers:
        """Every two matrices beside each other have to conform."""
        found: list[Any] = [None] * len(factors)
        for _ in factors:  # what is known shows how long the ones beside it are
            for k, factor in enumerate(factors):
                if found[k] is None:
                    found[k] = self.factor(factor, found, k, shape)
        if any(x is None for x in found):
            raise Unknown
        scale = np.prod([x for x in found if x.shape == (1, 1)])
        matrices = [x for x in found if x.shape != (1, 1)]
        for left, right in itertools.pairwise(matrices):
            assert left.shape[1] == right.shape[0], f"{left.shape} {right.shape}"
        return scale * functools.reduce(np.matmul, matrices) if matrices else np.array([[scale]])

    def factor(self, factor: Formula, found: Sequence[Any], k: int, shape: Any) -> Any:
        try:
            return self(factor)
        except Unknown:
            pass
        before = [x for x in found[:k] if x is None or x.shape != (1, 1)]
        after = [x for x in found[k + 1 :] if x is None or x.shape != (1, 1)]
        rows, columns = shape or (None, None)
        if before:
            rows = None if before[-1] is None else before[-1].shape[1]
        if after:
            columns = None if after[0] is None else after[0].shape[0]
        try:
            return self(factor, (rows, columns))
        except Unknown:
            return None
