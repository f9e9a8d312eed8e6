"""Losses that are written as text, which is read and never run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sympy as sp

from symgrad.errors import SpecError, caller, perhaps
from symgrad.language.array import Array
from symgrad.language.constants import as_array
from symgrad.language.inputs import data, param
from symgrad.language.registry import one_call
from symgrad.language.sizes import dim_of
from symgrad.mathematics.sizes import as_size
from symgrad.reading.grammar import parsed
from symgrad.reading.lexer import ParseError
from symgrad.reading.meaning import Meaning

MOST_INPUTS = 100
DTYPES = {"float": float, "int": int, "bool": bool}

Sizes = str | int | Iterable[str | int]


def parse(text: str, shapes: Mapping[str, Sizes], params: Iterable[str] = ()) -> Array:
    """An expression in NumPy's notation as a value: for ``derive`` and the others.

    ``text`` is read by a grammar of operators, NumPy's functions by their names (``np.`` before
    them or not), indexing and keywords such as ``axis=0``; nothing in it is run, and what is not
    in the grammar is refused.  ``shapes``: of each input, such as ``"N,3"``, ``()`` or, of
    labels, ``"N:int"``; the names of sizes may stand in the text.  ``params``: the inputs that the
    loss is differentiated by.

    ParseError, which is a SpecError with the ``column``, for what can't be read; there are limits
    to the length and the depth of a text, and to the numbers in it.

    >>> import symgrad as sg
    >>> shapes = {"X": "N,3", "y": "N", "w": "3"}
    >>> d = sg.derive(sg.parse("sum(log(1 + exp(-y * (X @ w))))", shapes=shapes, params=["w"]))
    >>> d.gradients["w"].shape
    (3,)
    """
    if any(not isinstance(name, str) for name in (*params, *shapes)):
        raise SpecError("an input is called by no text", where=caller(), hint='params=["w"]')
    wanted = set(params)
    if missing := sorted(wanted - shapes.keys()):
        raise SpecError(f"there is no shape of the parameter {missing[0]!r}", where=caller(),
                        hint=perhaps(missing[0], shapes))  # fmt: skip
    if len(shapes) > MOST_INPUTS:
        raise SpecError(f"{len(shapes)} inputs", where=caller(), hint=f"{MOST_INPUTS} at most")
    inputs = {name: _input(name, sizes, name in wanted) for name, sizes in shapes.items()}
    named = {s.name for a in inputs.values() for size in a.shape if isinstance(size, sp.Expr)
             for s in size.free_symbols}  # fmt: skip
    known = {name: dim_of(as_size(name)) for name in named} | inputs
    with one_call():
        return _value(text, known)


def _value(text: str, known: Mapping[str, Any]) -> Array:
    try:
        tree = parsed(text)
        found = Meaning(text, known).of(tree)
    except RecursionError:
        raise ParseError("the expression is nested too deep", text, 1) from None
    if isinstance(found, (tuple, str, bool)) or found is None:
        raise ParseError("the expression stands for no value", text, tree.column,
                         "it is one expression, such as sum((X @ w - y)**2)")  # fmt: skip
    try:
        return as_array(found)
    except SpecError as error:
        raise ParseError(error.what, text, tree.column, error.hint) from None


def _input(name: str, sizes: Sizes, is_param: bool) -> Array:
    written, _, dtype = sizes.partition(":") if isinstance(sizes, str) else ("", "", "")
    if isinstance(sizes, str):
        sizes = tuple(_size(part) for part in written.split(",")) if written.strip() else ()
    dtype = dtype.strip() or "float"
    if dtype not in DTYPES:
        raise SpecError(f"{name} has the dtype {dtype!r}", where=caller(),
                        hint=perhaps(dtype, DTYPES))  # fmt: skip
    if is_param and dtype != "float":
        raise SpecError(f"the parameter {name} has the dtype {dtype!r}", where=caller(),
                        hint="what is differentiated by holds floats")  # fmt: skip
    return param(name, sizes) if is_param else data(name, sizes, dtype=DTYPES[dtype])


def _size(text: str) -> str | int:
    text = text.strip()
    return int(text) if text.isdecimal() and len(text) < 19 else text
