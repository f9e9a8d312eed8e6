"""Losses that are written as expressions of SymPy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import sympy as sp

from symgrad.errors import SpecError, caller, perhaps
from symgrad.language.array import Array
from symgrad.language.registry import one_call
from symgrad.reading import matrices, scalars
from symgrad.reading.reader import Reader

READ = (matrices, scalars)
"""What fills the tables by being there."""


def from_sympy(expr: Any, params: Iterable[Any] = ()) -> Array:
    """An expression of SymPy as a value: for ``derive``, ``jacobian`` and the others.

    ``expr``: matrices (``MatrixSymbol``, their sums, products, transposes, inverses, traces,
    determinants, Hadamard products, ``applyfunc``, blocks), sums over ``Indexed`` entries, arrays
    (``ArraySymbol``, ``ArrayTensorProduct``, ``ArrayContraction`` and their like).  ``params``:
    the symbols, or their names, that the loss is differentiated by; all others are data.  Symbols
    in shapes and in the limits of sums are sizes, and stay symbols.  All stands for real numbers,
    and axes are counted from 0.  A matrix of one entry is a number.

    SpecError, which names it, for what is not read, and for a name that is not there.

    >>> import sympy as sp
    >>> import symgrad as sg
    >>> n = sp.Symbol("n")
    >>> x, A = sp.MatrixSymbol("x", n, 1), sp.MatrixSymbol("A", n, n)
    >>> d = sg.derive(sg.from_sympy(x.T * A * x, params=[x]))
    >>> d.gradients["x"].to_sympy_matrix()
    A*x + A.T*x
    """
    expr = sp.sympify(expr)
    wanted = [str(getattr(p, "name", p)) for p in params]
    reader = Reader(wanted, frozenset(_sizes(expr)))
    with one_call():
        is_number = isinstance(expr, sp.Indexed) or not getattr(expr, "shape", ())
        value = reader.scalar(expr) if is_number else reader.array(expr)
        value = value[(0,) * value.ndim] if value.ndim and set(value.shape) == {1} else value
    for name in wanted:
        if name not in reader.inputs:
            raise SpecError(f"there is no {name} in the expression", where=caller(),
                            hint=perhaps(name, reader.inputs))  # fmt: skip
    return value


def _sizes(expr: Any) -> Iterator[sp.Symbol]:
    """The symbols that shapes and the limits of sums are made of."""
    letters = {*scalars.letters_in(expr)}
    for node in sp.preorder_traversal(expr):
        for part in _measures(node):
            symbols = sp.sympify(part).atoms(sp.Symbol)
            yield from (s for s in symbols if s not in letters)


def _measures(node: Any) -> Iterator[Any]:
    """The sizes and limits that a part of an expression has."""
    if isinstance(node, sp.Indexed):
        yield from node.base.shape or ()
    elif isinstance(node, (sp.Sum, sp.Product)):
        for letter, *ends in node.limits:
            yield from ends or (letter.lower, letter.upper)
    elif isinstance(shape := getattr(node, "shape", None), (tuple, sp.Tuple)):
        yield from shape
