"""Numbers for expressions in index notation: arrays with one axis for each free index."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp

from symgrad.checks.contraction import LARGE, contracted, summed_up
from symgrad.checks.numbers import Field, Numbers
from symgrad.checks.tables import Table, aligned, ordered, require_room
from symgrad.errors import SymgradError
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import Index, indices_of, name_of
from symgrad.mathematics.infinity import Infinity
from symgrad.mathematics.matrices import MATRIX_FUNCTIONS, MatrixFunction
from symgrad.mathematics.ordering import STANDINGS, Standing
from symgrad.mathematics.ranges import computed_index, labels_in
from symgrad.mathematics.recurrences import Carried, Final
from symgrad.mathematics.reductions import LEAVES, REDUCTIONS
from symgrad.mathematics.sizes import is_size
from symgrad.program.subscripts import in_words

Environment = Mapping[str, np.ndarray]
Sizes = Mapping[sp.Expr, int]
"""What stands for sizes, and for large numbers in positions where these are made smaller."""


class Evaluator:
    """Evaluates expressions over the arrays of ``env``; equal expressions only once.

    An index among ``spots`` takes the positions there only, and not all of its axis.
    """

    def __init__(
        self,
        env: Environment,
        sizes: Sizes,
        field: Field,
        spots: Mapping[Index, np.ndarray] | None = None,
    ) -> None:
        self.env = env
        self.sizes = sizes
        self.field = field
        self.spots = spots or {}
        self._known: dict[sp.Expr, Table] = {}

    def __call__(self, expr: sp.Expr) -> Table:
        """The numbers of ``expr`` over its free indices."""
        table = self._known.get(expr)
        if table is None:
            table = self._known[expr] = _rule(expr.func)(self, expr)
        return table

    def hold(self, expr: sp.Expr, table: Table) -> None:
        """Take these numbers for ``expr`` from now on."""
        self._known[expr] = table

    def array(self, expr: sp.Expr, indices: Sequence[sp.Expr]) -> np.ndarray:
        """The numbers of ``expr`` with an axis for each of ``indices``: for a 0, of length 1."""
        table = self(expr)
        proper = [i for i in indices if isinstance(i, Index)]
        if not set(table.axes) <= set(proper):
            raise SymgradError(f"{expr} has free indices that its equation does not have")
        lengths = {i: self.length(i) for i in proper}
        require_room(lengths.values())
        spread = np.broadcast_to(table.over(ordered(proper)), [lengths[i] for i in ordered(proper)])
        turned = spread.transpose([ordered(proper).index(i) for i in proper])
        return turned.reshape([lengths.get(i, 1) for i in indices])

    def size(self, size: sp.Expr) -> int:
        """The number that a size stands for here, or a number in a position."""
        if size.is_Integer:
            return int(self.sizes.get(size, size))
        return int(size.xreplace(self.sizes))

    def length(self, index: Index) -> int:
        """How many positions an index takes."""
        return len(self.spots[index]) if index in self.spots else self.size(index.size)

    def given(self, atom: sp.Expr) -> np.ndarray:
        """The array that an entry belongs to."""
        name = name_of(atom)
        if name not in self.env:
            raise SymgradError(f"{atom} has no value")
        return self.env[name]

    def integers(self, index: sp.Expr) -> Table:
        """The integers that an index expression takes."""
        if isinstance(index, Index):
            places = self.spots.get(index)
            return Table((index,), np.arange(self.size(index.size)) if places is None else places)
        if isinstance(index, sp.Indexed) or (isinstance(index, sp.Symbol) and not is_size(index)):
            table = _read(self, index, raw=True)
            return Table(table.axes, np.asarray(table.values).astype(np.int64))
        if all(map(is_size, index.free_symbols)):
            return Table((), np.int64(self.size(index)))
        if index.func in _INTEGER:
            axes, numbers = aligned([self.integers(argument) for argument in index.args])
            return Table(axes, functools.reduce(_INTEGER[index.func], numbers))
        if isinstance(index, sp.floor):
            return self._floor(index)
        if labels_in(index):
            raise computed_index(in_words(index))
        raise SymgradError(f"cannot evaluate the index {index} ({type(index).__name__})")

    def _floor(self, index: sp.Expr) -> Table:
        """floor(a / b) for integers a, b."""
        numerator, denominator = sp.together(index.args[0]).as_numer_denom()
        axes, (top, bottom) = aligned([self.integers(numerator), self.integers(denominator)])
        return Table(axes, np.floor_divide(top, bottom))


_INTEGER: dict[type[sp.Expr], Callable[[Any, Any], Any]] = {
    sp.Add: np.add,
    sp.Mul: np.multiply,
    sp.Mod: np.mod,
}

Rule = Callable[[Evaluator, sp.Expr], Table]


def _number(at: Evaluator, expr: sp.Expr) -> Table:
    return Table((), at.field.number(expr))


def _infinity(at: Evaluator, infinity: sp.Expr) -> Table:
    """Infinity, or the number that stands for it."""
    return Table((), at.env.get(str(infinity), at.field.array(math.inf))[()])


def _symbol(at: Evaluator, symbol: sp.Symbol) -> Table:
    """A size, an index as a number, or a scalar."""
    if is_size(symbol):
        return Table((), at.field.number(sp.Integer(at.size(symbol))))
    if isinstance(symbol, Index):
        return Table((symbol,), at.field.array(at.integers(symbol).values))
    return _read(at, symbol)


def _read(at: Evaluator, atom: sp.Expr, raw: bool = False) -> Table:
    """An entry of an array: plain indices by a view, others by looking up."""
    values, indices = at.given(atom), indices_of(atom)
    if np.ndim(values) != len(indices):
        raise SymgradError(f"{atom} has {len(indices)} indices, its array {np.ndim(values)} axes")
    proper = [i for i in indices if isinstance(i, Index)]
    plain = len(set(proper)) + sum(bool(i.is_Integer) for i in indices) == len(indices)
    if plain and at.spots.keys().isdisjoint(proper):
        table = _view(at, atom, values, indices)
    else:
        axes, places = aligned([at.integers(i) for i in indices])
        _inside(atom, values, places)
        table = Table(axes, values[tuple(places)])
    integral = not raw and np.asarray(values).dtype.kind in "iub"
    return Table(table.axes, at.field.array(table.values)) if integral else table


def _view(at: Evaluator, atom: sp.Expr, values: Any, indices: Sequence[sp.Expr]) -> Table:
    if not indices:
        return Table((), np.asarray(values)[()])
    lengths = [at.size(i.size) if isinstance(i, Index) else at.size(i) + 1 for i in indices]
    _inside(atom, values, [length - 1 for length in lengths])
    places = zip(indices, lengths, strict=True)
    chosen = values[tuple(slice(n) if isinstance(i, Index) else n - 1 for i, n in places)]
    proper = [i for i in indices if isinstance(i, Index)]
    axes = ordered(proper)
    return Table(axes, np.transpose(chosen, [proper.index(a) for a in axes]) if proper else chosen)


def _inside(atom: sp.Expr, values: Any, places: Sequence[Any]) -> None:
    """An index outside its axis would silently read another entry."""
    for index, place, length in zip(indices_of(atom), places, np.shape(values), strict=True):
        if np.size(place) and not (np.min(place) >= 0 and np.max(place) < length):
            if labels_in(index):
                raise computed_index(in_words(index))
            raise SymgradError(f"an index of {atom} leaves its axis of length {length}")


def _add(at: Evaluator, expr: sp.Add) -> Table:
    axes, numbers = aligned([at(argument) for argument in expr.args])
    return Table(axes, functools.reduce(lambda a, b: a + b, numbers))


def _mul(at: Evaluator, expr: sp.Mul) -> Table:
    axes, numbers = aligned([at(argument) for argument in expr.args])
    product = functools.reduce(lambda a, b: a * b, numbers)
    return Table(axes, _without(product, _zero(expr.args, numbers)))


def _zero(factors: Sequence[sp.Expr], numbers: Sequence[Numbers]) -> Numbers:
    """Where a δ among the factors is 0, which says that there is no such term: 0 ∞ is 0 there."""
    deltas = (n for f, n in zip(factors, numbers, strict=True) if isinstance(f, sp.KroneckerDelta))
    return functools.reduce(lambda zero, n: zero | (np.asarray(n) == 0), deltas, np.False_)


def _without(product: Numbers, zero: Numbers) -> Numbers:
    """A product that is 0 where it has no term, even where others of its factors are infinite."""
    return np.where(zero, 0 * np.asarray(zero), product) if np.any(zero) else product


def _pow(at: Evaluator, expr: sp.Pow) -> Table:
    if expr.exp.is_Integer:
        base = at(expr.base)
        return Table(base.axes, at.field.power(base.values, _integer_power(at.field, expr.exp)))
    axes, (base, exponent) = aligned([at(expr.base), at(expr.exp)])
    return Table(axes, at.field.power(base, exponent))


def _integer_power(field: Field, exponent: sp.Integer) -> Any:
    """A negative power of a float needs no exponent of the float's own kind, an exact one does."""
    return exponent if isinstance(field.number(exponent), sp.Expr) else int(exponent)


def _delta(at: Evaluator, expr: sp.KroneckerDelta) -> Table:
    axes, (one, other) = aligned([at.integers(argument) for argument in expr.args[:2]])
    return Table(axes, at.field.array(np.equal(one, other).astype(np.int64)))


def _sum(at: Evaluator, expr: sp.Sum) -> Table:
    """Term by term; a product is contracted without being written out."""
    bound = _whole_axes(at, expr)
    terms = [_contract(at, term, bound) for term in sp.Add.make_args(expr.function)]
    axes, numbers = aligned(terms)
    return Table(axes, functools.reduce(lambda a, b: a + b, numbers))


def _contract(at: Evaluator, term: sp.Expr, bound: tuple[Index, ...]) -> Table:
    """Σ over ``bound`` of a product, whose δ are multiplied out only where that is little."""
    inside = {*bound, *(i for i in term.atoms(Index) if i not in at.spots)}
    if term.has(sp.KroneckerDelta) and math.prod(map(at.length, inside)) > LARGE:
        return contracted(term, bound, at)
    factors = [at(factor) for factor in sp.Mul.make_args(term)]
    total = summed_up(factors, bound, at)
    if term.has(sp.KroneckerDelta) and _is_nan(total.values).any():
        total = _term_by_term(term, factors, bound, at)
    return total


def _is_nan(values: np.ndarray) -> np.ndarray:
    return np.asarray((values != values) | (values == sp.nan), dtype=bool)


def _term_by_term(
    term: sp.Expr, factors: list[Table], bound: tuple[Index, ...], at: Evaluator
) -> Table:
    """The same sum, its products written out: those with a δ that is 0 are no terms of it."""
    here = {a for factor in factors for a in factor.axes}
    axes, numbers = aligned([*factors, *(at(i.size) for i in bound if i not in here)])
    product = functools.reduce(lambda a, b: a * b, numbers)
    written = sp.Mul.make_args(term)
    whole = _without(product, _zero(written, numbers[: len(written)]))
    gone = tuple(k for k, a in enumerate(axes) if a in bound)
    kept = tuple(a for a in axes if a not in bound)
    return Table(kept, np.asarray(np.sum(whole, axis=gone))[()])


def _reduction(at: Evaluator, expr: sp.Expr) -> Table:
    """A reduction over whole axes, moved to the end and joined."""
    bound, body = _whole_axes(at, expr), at(expr.function)
    lengths = {a: at.length(a) for a in (*body.axes, *bound)}
    axes = ordered(lengths)
    require_room(lengths.values())
    kept = [a for a in axes if a not in bound]
    full = np.broadcast_to(body.over(axes), [lengths[a] for a in axes])
    moved = full.transpose([axes.index(a) for a in (*kept, *bound)])
    joined = moved.reshape([*(lengths[a] for a in kept), -1])
    return Table(tuple(kept), at.field.reduce(REDUCTIONS[type(expr)], joined))


def _matrix(at: Evaluator, expr: MatrixFunction) -> Table:
    """A function of whole matrices; then, where it has indices, the entries at them."""
    bound, body = _whole_axes(at, expr), at(expr.function)
    kept = [a for a in body.axes if a not in bound]
    lengths = [at.length(a) for a in (*kept, *bound)]
    axes = ordered((*kept, *bound))
    require_room(lengths)
    spread = np.broadcast_to(body.over(axes), [at.length(a) for a in axes])
    matrices = spread.transpose([axes.index(a) for a in (*kept, *bound)]).reshape(lengths)
    values = at.field.matrix(MATRIX_FUNCTIONS[type(expr)], matrices)
    if not expr.at:
        return Table(tuple(kept), values)
    own = [Table((i,), np.arange(at.length(i))) for i in kept]
    out, places = aligned([*own, *map(at.integers, expr.at)])
    return Table(out, values[tuple(places)])


def _standing(at: Evaluator, expr: Standing) -> Table:
    """Positions along an axis; then, where there are several, those that are asked for."""
    (along,), body = _whole_axes(at, expr), at(expr.function)
    kept = tuple(a for a in body.axes if a != along)
    axes = ordered((*kept, along))
    lengths = [at.length(a) for a in axes]
    require_room(lengths)
    rows = np.moveaxis(np.broadcast_to(body.over(axes), lengths), axes.index(along), -1)
    values = at.field.array(_ORDER[STANDINGS[type(expr)]](rows))
    if not expr.at:
        return Table(kept, values[()])
    own = [Table((i,), np.arange(at.length(i))) for i in kept]
    out, places = aligned([*own, *map(at.integers, expr.at)])
    return Table(out, values[tuple(places)])


_ORDER: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "argsort": lambda rows: np.argsort(rows, axis=-1, kind="stable"),
    "argmax": lambda rows: np.argmax(rows, axis=-1),
    "argmin": lambda rows: np.argmin(rows, axis=-1),
}


def _whole_axes(at: Evaluator, expr: sp.Expr) -> tuple[Index, ...]:
    """The bound indices; each must run over the whole of its axis."""
    for index, low, high in expr.limits:
        if low != 0 or not isinstance(index, Index) or at.size(high + 1) != at.size(index.size):
            raise SymgradError(f"cannot evaluate a sum over a part of an axis: {expr}")
    return tuple(limit[0] for limit in expr.limits)


def _leaf(at: Evaluator, expr: sp.Expr) -> Table:
    axes, numbers = aligned([at(argument) for argument in expr.args])
    return Table(axes, at.field.apply(LEAVES[type(expr)], numbers))


def _exp(at: Evaluator, expr: sp.exp) -> Table:
    """0 of -∞, also where it is less -∞: what is left out counts nothing where all is left out."""
    whole = _leaf(at, expr)
    if not np.any(whole.values != whole.values):
        return whole
    addends = sp.Add.make_args(sp.expand_mul(expr.args[0]))
    axes, (values, *numbers) = aligned([whole, *map(at, addends)])
    out = functools.reduce(lambda a, b: a | b, (np.asarray(n == -math.inf) for n in numbers))
    return Table(axes, np.where((values != values) & out, at.field.array(0), values)[()])


def _unknown(at: Evaluator, expr: sp.Expr) -> Table:
    raise SymgradError(f"cannot evaluate {type(expr).__name__}: {expr}")


_RULES: dict[type[sp.Basic], Rule] = {
    sp.Number: _number,
    sp.NumberSymbol: _number,
    Infinity: _infinity,
    sp.exp: _exp,
    sp.Symbol: _symbol,
    sp.Indexed: _read,
    sp.Add: _add,
    sp.Mul: _mul,
    sp.Pow: _pow,
    sp.Sum: _sum,
    sp.KroneckerDelta: _delta,
}


@functools.cache
def _rule(cls: Any) -> Rule:
    """How expressions of a class are evaluated."""
    if cls in LEAVES and cls not in _RULES:
        return _leaf
    if cls in STANDINGS:
        return _standing
    if cls in MATRIX_FUNCTIONS:
        return _matrix
    found = next((_RULES[base] for base in cls.__mro__ if base in _RULES), None)
    return found or (_reduction if cls in REDUCTIONS else _unknown)


def evaluate(
    expr: sp.Expr, env: Environment, sizes: Sizes, field: Field, indices: Sequence[sp.Expr]
) -> np.ndarray:
    """The numbers of ``expr``, with one axis for each of ``indices``."""
    with field.precision():
        return Evaluator(env, sizes, field).array(expr, indices)


def value(equation: Equation, at: Evaluator, *, rounding: bool = False) -> np.ndarray:
    """The array that one equation defines."""
    numbers = at.field.settle(np.asarray(at.array(equation.rhs, equation.indices)))
    if not rounding or equation.decimals is None:
        return numbers
    return at.field.rounded(numbers, equation.decimals)


# -- recurrences ----------------------------------------------------------------------------------


def _carried(at: Evaluator, expr: Carried) -> Table:
    """The values of the step before, where there is one."""
    start = at(expr.start)
    values = at.env.get(expr.source)
    if values is None:
        return start
    times = at.integers(expr.time)
    earlier = np.asarray(times.values) - expr.step
    inside = (earlier >= 0) & (earlier < values.shape[expr.place])
    tables = [at.integers(i) for i in expr.indices]
    tables[expr.place] = Table(times.axes, np.where(inside, earlier, 0))
    axes, (first, there, *found) = aligned([start, Table(times.axes, inside), *tables])
    return Table(axes, np.where(there, values[tuple(found)], first)[()])


def _final(at: Evaluator, expr: Final) -> Table:
    """The values of the last step, where there is one."""
    values = at.env.get(expr.source)
    if values is None or not values.shape[expr.place]:
        return at(expr.start)
    last = values.shape[expr.place] - 1 if expr.step > 0 else 0
    axes, found = aligned([at.integers(i) for i in expr.indices])
    places = (*found[: expr.place], last, *found[expr.place :])
    return Table(axes, np.asarray(values[places])[()])


_RULES |= {Carried: _carried, Final: _final}
