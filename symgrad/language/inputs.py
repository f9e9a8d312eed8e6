"""The inputs of a spec: parameters, data, and what is assumed of them."""

from __future__ import annotations

import numbers
import unicodedata
from typing import Any

import numpy as np
import sympy as sp

from symgrad.errors import Location, SpecError, caller, visible
from symgrad.language.array import Array
from symgrad.language.sizes import as_tuple, dim_of, shape_text
from symgrad.mathematics.assumptions import ASSUMPTIONS, About, Assumption, AssumptionKind
from symgrad.mathematics.equations import DType, Variable
from symgrad.mathematics.indices import axis_index
from symgrad.mathematics.sizes import Size, as_size

MOST_AXES = 20
"""With more, arrays of two entries along each have more than the checks can be done with."""

LONGEST_NAME = 100


def param(name: str, shape: Any, *, assume: Any = None) -> Array:
    """A parameter: what the loss is differentiated by, unless ``wrt`` says otherwise.

    ``shape``: ints, strings (a named dimension: the same string is the same size) or SymPy
    symbols; ``()`` is a scalar.  ``assume``: one assumption or a sequence of them.  The entries
    are floats.  SpecError where the name is no identifier, where a size is none, and where an
    assumption does not fit the shape.

    >>> import symgrad as sg
    >>> sg.param("W", (3, "N"))
    W ∈ ℝ^(3×N)
    >>> sg.param("s", (), assume=sg.positive)
    s ∈ ℝ
    """
    return _input(name, shape, "param", "float", assume)


def data(name: str, shape: Any, *, dtype: Any = float, assume: Any = None) -> Array:
    """Given data: what the loss is not differentiated by, unless ``wrt`` says so.

    ``dtype``: float; int for labels and indices, which count from 0; bool for conditions.
    ``shape``, ``assume`` and the errors are those of ``param``; SpecError for another dtype.

    >>> import symgrad as sg
    >>> sg.data("y", ("N",), dtype=int)
    y ∈ ℤ^N
    """
    kinds: dict[str, DType] = {"f": "float", "i": "int", "u": "int", "b": "bool"}
    kind = kinds.get(np.dtype(dtype).kind)
    if kind is None:
        raise SpecError(
            f"data {name!r} can't have dtype {dtype!r}",
            where=caller(),
            hint="float, int and bool are supported",
        )
    return _input(name, shape, "data", kind, assume)


def _input(name: str, shape: Any, role: Any, kind: DType, assume: Any) -> Array:
    where = caller()
    name = _checked_name(name, where)
    if len(as_tuple(shape)) > MOST_AXES:
        raise SpecError(
            f"{name!r} has {len(as_tuple(shape))} axes",
            where=where,
            hint=f"arrays of {MOST_AXES} axes at most are supported: join some with reshape",
        )
    sizes = tuple(checked_size(d, name, where) for d in as_tuple(shape))
    assumptions = _assumptions(assume, len(sizes), name, where)
    for assumption in assumptions:
        if not assumption.record.fits(sizes):
            raise SpecError(
                f"{name!r} ({shape_text(tuple(map(dim_of, sizes)))}) can't be {assumption}",
                where=where,
                hint=assumption.record.about.value,
            )
    variable = Variable(name, sizes, role, kind, assumptions, where)
    return Array([axis_index(s) for s in sizes], None, dtype=kind, variable=variable)


def _checked_name(name: Any, where: Location) -> str:
    """A name as Python has it, which takes µ for μ and ℓ for l."""
    if not isinstance(name, str) or not name.isidentifier():
        raise SpecError(
            f"{name!r} is not a name that Python can use",
            where=where,
            hint="use letters, digits and _, and begin with a letter",
        )
    _check_length(name, where)
    return unicodedata.normalize("NFKC", name)


def _check_length(name: str, where: Location) -> None:
    if len(name) > LONGEST_NAME:
        raise SpecError(
            f"the name {visible(name, 20)} has {len(name)} letters",
            where=where,
            hint=f"names of {LONGEST_NAME} letters at most are supported",
        )


SIZE_OF_INDEXED = (
    "a size is one symbol or number: IndexedBase({0!r}, shape=(n,)) states it in SymPy"
)


def checked_size(dimension: Any, name: str, where: Location) -> Size:
    """The size that a user gave, of the array ``name``; SpecError where it is none."""
    if isinstance(dimension, (int, np.integer)) and not isinstance(dimension, bool):
        if 0 < dimension <= np.iinfo(np.int64).max:
            return as_size(int(dimension))
    elif isinstance(dimension, (str, sp.Symbol)) and str(dimension).isidentifier():
        _check_length(str(dimension), where)
        return as_size(unicodedata.normalize("NFKC", str(dimension)))
    raise SpecError(
        f"{name!r} has the size {dimension!r}",
        where=where,
        hint=SIZE_OF_INDEXED.format(name)
        if isinstance(dimension, sp.Expr)
        else "a size is a positive int, a name such as 'N', or a SymPy symbol",
    )


def _assumptions(assume: Any, ndim: int, name: str, where: Location) -> tuple[Assumption, ...]:
    given = () if assume is None else assume if isinstance(assume, (tuple, list)) else (assume,)
    for a in given:
        if not isinstance(a, Assumption):
            raise SpecError(
                f"{name!r} has the assumption {a!r}",
                where=where,
                hint=f"there are {', '.join(map(_spelled, ASSUMPTIONS.values()))}",
            )
        if not isinstance(a.axis, numbers.Integral | None):
            raise SpecError(
                f"{name!r} has the assumption {a.kind} about the axis {a.axis!r}",
                where=where,
                hint="an axis is an int",
            )
        if a.axis is not None and not -ndim <= a.axis < ndim:
            raise SpecError(
                f"{name!r} has {ndim} axes, and the assumption {a.kind} is about axis {a.axis}",
                where=where,
                hint=f"axes are counted from 0 to {ndim - 1}",
            )
    return tuple(Assumption(a.kind, None if a.axis is None else a.axis % ndim) for a in given)


def _spelled(kind: AssumptionKind) -> str:
    """How a spec says it."""
    return f"sg.{kind.name}" + ("(axis=...)" if kind.about is About.AXIS else "")
