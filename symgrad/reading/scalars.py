"""Numbers in SymPy's expressions: arithmetic, functions, entries, sums over letters."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import sympy as sp

from symgrad.errors import SpecError, caller
from symgrad.language.array import Array
from symgrad.language.constants import as_array
from symgrad.language.elementwise import elementwise, where
from symgrad.language.indexing import arange
from symgrad.language.making import eye
from symgrad.language.sizes import dim_of
from symgrad.mathematics.sizes import as_size, with_numbers
from symgrad.reading.entries import Entries, Span, applied, of_numpy, reduced, summed, together
from symgrad.reading.reader import NUMBERS, Reader, read_by, shown, unread

number = functools.partial(read_by, NUMBERS)

# -- arithmetic and functions ---------------------------------------------------------------------


@number("Number", "NumberSymbol")
def _constant(reader: Reader, expr: sp.Expr) -> Entries:
    if not expr.is_finite:
        raise unread(expr)
    return Entries((), as_array(expr))


@number("Symbol")
def _symbol(reader: Reader, expr: sp.Symbol) -> Entries:
    if expr in reader.meant:
        return reader.meant[expr]
    if expr in reader.spans:
        span = reader.spans[expr]
        return Entries((expr,), arange(dim_of(as_size(span.size))) + as_array(span.start))
    if expr in reader.sizes:
        return Entries((), as_array(expr))
    return Entries((), reader.input(expr.name, (), expr))


@number("Idx")
def _letter(reader: Reader, expr: sp.Idx) -> Entries:
    return reader.number(expr.label)


@number("Add")
def _sum_of(reader: Reader, expr: sp.Add) -> Entries:
    values = [reader.number(a) for a in expr.args]
    return functools.reduce(functools.partial(applied, operator.add), values)


@number("Mul")
def _product_of(reader: Reader, expr: sp.Mul) -> Entries:
    over, under = expr.as_numer_denom() if expr.is_commutative else (expr, sp.S.One)
    if under.is_Number or under.has(sp.Sum) != expr.has(sp.Sum):
        over, under = expr, sp.S.One
    values = [reader.number(a) for a in sp.Mul.make_args(over)]
    value = functools.reduce(functools.partial(applied, operator.mul), values)
    return value if under == 1 else applied(operator.truediv, value, reader.number(under))


@number("Pow")
def _power(reader: Reader, expr: sp.Pow) -> Entries:
    base = reader.number(expr.base)
    if expr.exp == sp.S.Half:
        return applied(np.sqrt, base)
    if expr.exp.is_negative and expr.exp.is_Rational:
        whole = reader.number(expr.base ** (-expr.exp)) if expr.exp != -1 else base
        return applied(lambda x: 1 / x, whole)
    return applied(lambda x, k: x**k, base, reader.number(expr.exp))


CALLED: dict[str, str] = {
    "exp": "exp", "log": "log", "sin": "sin", "cos": "cos", "tan": "tan", "asin": "arcsin",
    "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "sinh": "sinh", "cosh": "cosh",
    "tanh": "tanh", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh", "erf": "erf",
    "erfc": "erfc", "gamma": "gamma", "loggamma": "gammaln", "Abs": "absolute", "sign": "sign",
    "floor": "floor", "ceiling": "ceil", "StrictGreaterThan": "greater", "GreaterThan":
    "greater_equal", "StrictLessThan": "less", "LessThan": "less_equal", "Equality": "equal",
    "Unequality": "not_equal", "Not": "logical_not", "erfinv": "erfinv", "conjugate": "conjugate",
}  # fmt: skip
"""What NumPy and SciPy call SymPy's functions of numbers, by the names of their classes."""

FOLDED: dict[str, str] = {
    "Max": "maximum", "Min": "minimum", "And": "logical_and", "Or": "logical_or",
}  # fmt: skip
"""Functions of any number of arguments."""

WRITTEN: dict[str, Callable[[Any], Any]] = {
    "sec": lambda x: 1 / np.cos(x),
    "csc": lambda x: 1 / np.sin(x),
    "cot": lambda x: 1 / np.tan(x),
    "sech": lambda x: 1 / np.cosh(x),
    "csch": lambda x: 1 / np.sinh(x),
    "coth": lambda x: 1 / np.tanh(x),
    "re": lambda x: x,
    "digamma": lambda x: elementwise("psi", x),
}


def _called(reader: Reader, expr: Any) -> Entries:
    function = functools.partial(elementwise, CALLED[type(expr).__name__])
    return applied(function, *map(reader.number, expr.args))


def _folded(reader: Reader, expr: Any) -> Entries:
    function = functools.partial(elementwise, FOLDED[type(expr).__name__])
    first, *others = sorted(map(reader.number, expr.args), key=lambda v: not v.array.inputs)
    return functools.reduce(functools.partial(applied, function), others, first)


def _written(reader: Reader, expr: Any) -> Entries:
    return applied(WRITTEN[type(expr).__name__], *map(reader.number, expr.args))


NUMBERS |= dict.fromkeys(CALLED, _called)
NUMBERS |= dict.fromkeys(FOLDED, _folded)
NUMBERS |= dict.fromkeys(WRITTEN, _written)


@number("polygamma")
def _polygamma(reader: Reader, expr: Any) -> Entries:
    order, argument = expr.args
    if order != 0:
        raise unread(expr)
    return applied(WRITTEN["digamma"], reader.number(argument))


@number("Heaviside")
def _step(reader: Reader, expr: Any) -> Entries:
    return applied(np.heaviside, *map(reader.number, expr.args))


@number("BooleanTrue", "BooleanFalse")
def _truth(reader: Reader, expr: Any) -> Entries:
    return Entries((), as_array(bool(expr)))


@number("Piecewise")
def _choice(reader: Reader, expr: sp.Piecewise) -> Entries:
    *pieces, (last, condition) = expr.args
    if condition != True:  # noqa: E712 (SymPy's own)
        raise SpecError(f"{shown(expr)} has no value where none of its conditions holds",
                        where=caller(), hint="end it with (value, True)")  # fmt: skip
    found = reader.number(last)
    for value, condition in reversed(pieces):
        parts = (reader.number(condition), reader.number(value), found)
        found = applied(where, *parts)
    return found


# -- entries --------------------------------------------------------------------------------------


@number("Indexed")
def _indexed(reader: Reader, expr: sp.Indexed) -> Entries:
    base, name = expr.base, str(expr.base.label)
    shape = base.shape or [_whole(reader, expr, k) for k in expr.indices]
    return _at(reader, reader.input(name, shape, base.label), expr.indices, expr)


@number("MatrixElement", "ArrayElement")
def _element(reader: Reader, expr: Any) -> Entries:
    indices = expr.args[1:] if type(expr).__name__ == "MatrixElement" else expr.indices
    return _at(reader, reader.array(expr.args[0]), indices, expr)


def _whole(reader: Reader, expr: sp.Indexed, index: sp.Expr) -> sp.Expr:
    """The size of an axis that an index alone tells: it runs over all of it."""
    span = reader.spans.get(_label(index))
    if span is None or span.start != 0:
        raise SpecError(
            f"how large {expr.base.label} is, {shown(expr)} does not tell",
            where=caller(),
            hint=f"say it: IndexedBase('{expr.base.label}', shape=(…)); axes are counted from 0",
        )
    return span.size


def _label(index: sp.Expr) -> sp.Expr:
    return index.label if isinstance(index, sp.Idx) else index


def _at(reader: Reader, array: Array, indices: Sequence[sp.Expr], expr: sp.Expr) -> Entries:
    if len(indices) != array.ndim:
        raise SpecError(f"{shown(expr)} has {len(indices)} indices, for {array.ndim} axes",
                        where=caller(), hint="one index for each axis")  # fmt: skip
    plain = [sp.sympify(k).xreplace(_labels(k)) for k in indices]
    pairs = zip(plain, array.sizes, strict=True)
    places = [_place(reader, k, _plain(size), expr) for k, size in pairs]
    key = tuple(place for place, _ in places)
    cut = array if all(k == slice(None) for k in key) else array[key]
    return _diagonals(Entries(tuple(x for _, x in places if x is not None), cut))


def _labels(index: sp.Expr) -> dict[sp.Expr, sp.Expr]:
    return {k: k.label for k in sp.sympify(index).atoms(sp.Idx)}


def _place(
    reader: Reader, index: sp.Expr, size: sp.Expr, expr: sp.Expr
) -> tuple[Any, sp.Symbol | None]:
    """A number or a slice, and the letter that runs over the slice."""
    letters = [s for s in index.free_symbols if s in reader.spans]
    if not letters:
        from_end = _plain(index) - size if not index.is_Integer else index
        if from_end.is_Integer and index.is_Integer == (from_end >= 0):
            return int(from_end), None
    elif len(letters) == 1 and (index - letters[0]).is_Integer:
        return _slice(reader.spans[letters[0]], index - letters[0], size), letters[0]
    raise SpecError(
        f"the index {shown(index)} of {shown(expr)} is not supported",
        where=caller(),
        hint="a letter that a Sum runs over, with a number added or not, is; and a number",
    )


def _plain(size: sp.Expr) -> sp.Expr:
    """A size in symbols of which nothing is assumed, to be compared with another."""
    written = with_numbers(size)
    return written.xreplace({s: sp.Symbol(s.name) for s in written.free_symbols})


def _slice(span: Span, shift: sp.Expr, size: sp.Expr) -> slice:
    start, stop = span.start + shift, span.stop + shift
    from_end = _plain(stop) - size
    if from_end.is_Integer and from_end > 0:
        raise SpecError(
            f"a sum that ends at {stop - 1} reads entries that are not there, of {size}",
            where=caller(),
            hint="axes are counted from 0, as in NumPy: Sum(x[i], (i, 0, n - 1))",
        )
    if start == 0 and from_end == 0:
        return slice(None)
    if not start.is_Integer or start < 0:
        raise SpecError(
            f"a sum that begins at {start} reads entries that are not there",
            where=caller(),
            hint="axes are counted from 0, as in NumPy: Sum(x[i], (i, 0, n - 1))",
        )
    return slice(int(start), int(from_end) or None if from_end.is_Integer else stop)


def _diagonals(value: Entries) -> Entries:
    """With each letter once: A[i, i] is the diagonal."""
    letters, array = list(value.letters), value.array
    while twice := [x for x in letters if letters.count(x) > 1]:
        first = letters.index(twice[0])
        second = letters.index(twice[0], first + 1)
        array = of_numpy("diagonal", array, 0, first, second)
        letters = [x for k, x in enumerate(letters) if k not in (first, second)] + [twice[0]]
    return Entries(tuple(letters), array)


@number("KroneckerDelta")
def _delta(reader: Reader, expr: sp.KroneckerDelta) -> Entries:
    spans = [reader.spans.get(_label(k)) for k in expr.args[:2]]
    first, second = spans
    if first is None or second is None:
        if all(k.is_number for k in expr.args[:2]):
            return Entries((), as_array(expr))
        values = [reader.number(k) for k in expr.args[:2]]
        return applied(lambda a, b: where(elementwise("equal", a, b), 1.0, 0.0), *values)
    if first != second:
        raise unread(expr)
    return Entries(tuple(map(_label, expr.args[:2])), eye(dim_of(as_size(first.size))))


# -- sums over letters ----------------------------------------------------------------------------


def span_of(limits: Sequence[sp.Expr]) -> tuple[sp.Symbol, Span]:
    """The letter of the limits of a sum, and what it runs over."""
    letter = _label(limits[0])
    low, high = limits[1:] if len(limits) == 3 else (limits[0].lower, limits[0].upper)
    if low is None or high is None:
        raise SpecError(f"what {letter} runs over is not said", where=caller(),
                        hint="Sum(x[i], (i, 0, n - 1))")  # fmt: skip
    return letter, Span(sp.sympify(low), sp.expand(high - low + 1))


def _spans(reader: Reader, expr: Any) -> dict[sp.Symbol, Span]:
    found = dict(span_of(limits) for limits in expr.limits)
    for letter, span in found.items():
        if moving := (span.start.free_symbols | span.size.free_symbols) & {*found, *reader.spans}:
            raise SpecError(
                f"how far {letter} runs depends on {min(map(str, moving))} in {shown(expr)}",
                where=caller(),
                hint="sum over all of it, and multiply by what is 0 elsewhere",
            )
    return found


@number("Sum")
def _sum(reader: Reader, expr: sp.Sum) -> Entries:
    spans = _spans(reader, expr)
    with reader.running(spans):
        factors = [reader.number(f) for f in sp.Mul.make_args(expr.function)]
    idle = [s.size for x, s in spans.items() if x not in together(factors)]
    scale = [Entries((), as_array(sp.Mul(*idle)))] if idle else []
    moving = [f for f in factors if any(x in spans for x in f.letters)]
    found = summed(moving, tuple(spans)) if moving else None
    rest = [f for f in factors if f not in moving]
    values = [*scale, *rest, *([found] if found else [])]
    return functools.reduce(functools.partial(applied, operator.mul), values)


@number("Product")
def _product(reader: Reader, expr: sp.Product) -> Entries:
    spans = _spans(reader, expr)
    with reader.running(spans):
        value = reader.number(expr.function)
    idle = [s.size for x, s in spans.items() if x not in value.letters]
    found = reduced("prod", value, tuple(spans))
    return (
        found
        if not idle
        else applied(lambda x, k: x**k, found, Entries((), as_array(sp.Mul(*idle))))
    )


# -- numbers of matrices --------------------------------------------------------------------------


@number("Trace")
def _trace(reader: Reader, expr: Any) -> Entries:
    return Entries((), of_numpy("trace", reader.array(expr.args[0])))


@number("Determinant")
def _determinant(reader: Reader, expr: Any) -> Entries:
    return Entries((), of_numpy("linalg.det", reader.array(expr.args[0])))


def letters_in(expr: Any) -> Iterator[sp.Symbol]:
    """The symbols that a sum, a product or a function of its own binds."""
    for node in sp.preorder_traversal(expr):
        if isinstance(node, (sp.Sum, sp.Product)):
            yield from (_label(limits[0]) for limits in node.limits)
        elif isinstance(node, sp.Lambda):
            yield from node.bound_symbols
