"""Sums of products: matrix products, inner and outer products, einsum."""

from __future__ import annotations

import functools
import numbers
import string
from collections.abc import Sequence
from typing import Any

import sympy as sp

from symgrad.errors import SpecError, caller
from symgrad.language.array import Array, axes_of, describe, spec_name
from symgrad.language.constants import as_array
from symgrad.language.elementwise import elementwise
from symgrad.language.joining import stack
from symgrad.language.layout import along
from symgrad.language.registry import FUNCTIONS, UFUNCS, function, unsupported
from symgrad.language.shapes import moveaxis, ravel, reshape
from symgrad.language.sizes import as_tuple, dim_of
from symgrad.mathematics.equations import DType
from symgrad.mathematics.indices import Index, axis_index
from symgrad.mathematics.sizes import Size


def contract(
    operands: Sequence[tuple[Array, Sequence[Any]]], out: Sequence[Any], what: str
) -> Array:
    """The sum of products in which axes with the same label share an index.

    Labels are any hashable; ``out`` lists the labels of the result's axes, the others are summed.
    A label whose axis has size 1 in one operand is broadcast over it.
    """
    sizes = _sizes_of_labels(operands, what)
    index = {label: axis_index(size) for label, size in sizes.items()}
    factors = [
        array.at(
            [
                index[label] if size != 1 else sp.Integer(0)
                for label, size in zip(labels, array.sizes, strict=True)
            ]
        )
        for array, labels in operands
    ]
    bound = [i.limits for label, i in index.items() if label not in out and isinstance(i, Index)]
    product = sp.Mul(*factors)
    rhs = sp.Sum(product, *bound) if bound else product
    kind: DType = "bool" if all(a.kind == "bool" for a, _ in operands) else "float"
    if bound and kind == "bool":
        raise of_conditions("a matrix product" if what == "multiply" else f"np.{what}")
    out_indices, arrays = [index[label] for label in out], [a for a, _ in operands]
    return Array(out_indices, rhs, arrays, dtype=kind, op="contract")


def of_conditions(what: str) -> SpecError:
    """The error for a sum of products of truth values: NumPy's is a truth value, and no count."""
    return unsupported(
        f"{what} of conditions, of which NumPy tells whether any holds,",
        "np.sum(a & b) counts, and so do a.astype(int) and b.astype(int)",
    )


def _sizes_of_labels(operands: Sequence[tuple[Array, Sequence[Any]]], what: str) -> dict[Any, Size]:
    sizes: dict[Any, Size] = {}
    for array, labels in operands:
        for label, size in zip(labels, array.sizes, strict=True):
            known = sizes.setdefault(label, size)
            if known == 1:
                sizes[label] = size
            elif size not in (1, known):
                arrays = [a for a, _ in operands]
                raise SpecError(
                    f"cannot {what} {' by '.join(map(describe, arrays))}: "
                    f"inner sizes {dim_of(known)} and {dim_of(size)} differ",
                    where=caller(),
                    hint=_product_hint(arrays),
                )
    return sizes


def _product_hint(arrays: Sequence[Array]) -> str:
    if len(arrays) != 2 or arrays[0].ndim != 2 or arrays[1].ndim != 2:
        return "the last axis of the first meets the first axis of a matrix or a vector"
    a, b = (spec_name(x) for x in arrays)
    (p, q), (r, s) = arrays[0].shape, arrays[1].shape
    if "a value" in (a, b):
        a, b = "A", "B"
    if q == s:
        return f"perhaps {a} @ {_turned(b)}"
    if p == r:
        return f"perhaps {_turned(a)} @ {b}"
    if p == s:
        return f"perhaps {b} @ {a}"
    return "the number of columns of the first must be the number of rows of the second"


def _turned(name: str) -> str:
    return name.removesuffix(".T") if name.endswith(".T") else f"{name}.T"


def matmul(x: Any, y: Any) -> Array:
    """The matrix product, with NumPy's rules for vectors and for leading axes."""
    a, b = as_array(x), as_array(y)
    if not a.ndim or not b.ndim:
        raise SpecError(
            "a matrix product needs arrays, not a scalar",
            where=caller(),
            hint="multiply by a scalar with *",
        )
    batch = max(a.ndim, b.ndim, 2) - 2  # leading axes are counted from the last, as broadcasting is
    lead_a = [("batch", batch - k) for k in range(max(a.ndim - 2, 0), 0, -1)]
    lead_b = [("batch", batch - k) for k in range(max(b.ndim - 2, 0), 0, -1)]
    rows = ["row"] if a.ndim > 1 else []
    columns = ["column"] if b.ndim > 1 else []
    operands = [
        (a, [*lead_a, *rows, "inner"]),
        (b, [*lead_b, "inner", *columns] if b.ndim > 1 else ["inner"]),
    ]
    if a.sizes[-1] != b.sizes[-2 if b.ndim > 1 else -1]:
        _inner_mismatch(a, b)
    out = [*(("batch", k) for k in range(batch)), *rows, *columns]
    return in_memory_of_its_own(contract(operands, out, "multiply"))


def in_memory_of_its_own(product: Array) -> Array:
    """A matrix product: NumPy lays it out in the order of its axes, however its factors lie."""
    product.laid_like = ()
    return product


def _inner_mismatch(a: Array, b: Array) -> None:
    inner = b.shape[-2 if b.ndim > 1 else -1]
    raise SpecError(
        f"cannot multiply {describe(a)} by {describe(b)}: "
        f"inner sizes {a.shape[-1]} and {inner} differ",
        where=caller(),
        hint=_product_hint([a, b]),
    )


UFUNCS["matmul"] = matmul


@function("dot", method=True)
def dot(x: Any, y: Any) -> Array:
    """NumPy's dot: the last axis of ``x`` meets the second to last of ``y``."""
    a, b = as_array(x), as_array(y)
    if not a.ndim or not b.ndim:
        return elementwise("multiply", a, b)
    inner = b.ndim - 2 if b.ndim > 1 else 0
    if a.sizes[-1] != b.sizes[inner]:
        _inner_mismatch(a, b)
    left = [("x", k) for k in range(a.ndim - 1)]
    right = [("y", k) for k in range(b.ndim)]
    labels = ["inner" if k == inner else label for k, label in enumerate(right)]
    out = [*left, *(label for label in labels if label != "inner")]
    return contract([(a, [*left, "inner"]), (b, labels)], out, "multiply")


@function("inner")
def inner(a: Any, b: Any) -> Array:
    """The last axes multiplied and summed."""
    x, y = as_array(a), as_array(b)
    if not x.ndim or not y.ndim:
        return elementwise("multiply", x, y)
    left = [("x", k) for k in range(x.ndim - 1)]
    right = [("y", k) for k in range(y.ndim - 1)]
    operands = [(x, [*left, "inner"]), (y, [*right, "inner"])]
    return _checked("inner", operands, [*left, *right])


@function("vdot")
def vdot(a: Any, b: Any) -> Array:
    """All entries multiplied and summed."""
    return inner(ravel(a), ravel(b))


@function("outer")
def outer(a: Any, b: Any) -> Array:
    """Every entry of the first by every entry of the second."""
    return contract([(ravel(a), ["row"]), (ravel(b), ["column"])], ["row", "column"], "multiply")


@function("tensordot")
def tensordot(a: Any, b: Any, axes: Any = 2) -> Array:
    """The given axes of the first multiplied with those of the second and summed."""
    x, y = as_array(a), as_array(b)
    if isinstance(axes, numbers.Integral):
        axes = (tuple(range(x.ndim - int(axes), x.ndim)), tuple(range(int(axes))))
    mine, theirs = (axes_of(array, as_tuple(k)) for array, k in zip((x, y), axes, strict=True))
    left: list[Any] = [("x", k) for k in range(x.ndim)]
    right: list[Any] = [("y", k) for k in range(y.ndim)]
    for k, j in zip(mine, theirs, strict=True):
        right[j] = left[k]
    out = [label for k, label in enumerate(left) if k not in mine]
    out += [label for k, label in enumerate(right) if k not in theirs]
    return _checked("tensordot", [(x, left), (y, right)], out)


@function("einsum")
def einsum(subscripts: Any, *operands: Any) -> Array:
    """Einstein summation, as NumPy writes it: repeated and missing letters, ``...``."""
    if not isinstance(subscripts, str):
        return einsum(*_in_letters(subscripts, *operands))
    arrays = [as_array(a) for a in operands]
    given, arrow, result = subscripts.replace(" ", "").partition("->")
    parts = given.split(",")
    if len(parts) != len(arrays):
        raise SpecError(
            f"np.einsum({subscripts!r}) is for {len(parts)} arrays and got {len(arrays)}",
            where=caller(),
            hint="one group of letters for each array, with commas between",
        )
    labels = [_einsum_labels(part, array) for part, array in zip(parts, arrays, strict=True)]
    dots = max((label for ls in labels for label in ls if isinstance(label, int)), default=-1) + 1
    out = _letters(result if arrow else _lone_letters(parts, dots), dots)
    if unknown := [c for c in out if all(c not in ls for ls in labels)]:
        raise SpecError(
            f"np.einsum({subscripts!r}): {unknown[0]!r} is in the result and in no array",
            where=caller(),
            hint="every letter of the result has to be a letter of an array",
        )
    found = _checked("einsum", list(zip(arrays, labels, strict=True)), out)
    found.laid_like = None
    if len(arrays) == 1 and {*out} == {
        *labels[0]
    }:  # a view, as NumPy has it where nothing is summed
        at = dict(zip(out, found.indices, strict=True))
        found.lies = (
            arrays[0],
            functools.partial(along, found.indices, [at[c] for c in labels[0]]),
        )
    return found


def _in_letters(*given: Any) -> tuple[Any, ...]:
    """Operands with lists of numbers for their axes, as a string of subscripts says it."""
    operands, labels = list(given[0:-1:2]), list(given[1::2])
    if len(given) % 2 == 0 and not all(isinstance(s, (list, tuple)) for s in labels):
        raise unsupported("np.einsum without subscripts", "np.einsum('ij,jk->ik', a, b) has them")
    text = ",".join(map(_as_letters, labels))
    return (f"{text}->{_as_letters(given[-1])}" if len(given) % 2 else text), *operands


def _as_letters(labels: Sequence[Any]) -> str:
    letters = string.ascii_uppercase + string.ascii_lowercase
    return "".join("..." if k is Ellipsis else letters[k] for k in labels)


def _lone_letters(parts: Sequence[str], dots: int) -> str:
    """The result that is meant where none is written: the letters that occur once, in order."""
    letters = "".join(parts).replace(".", "")
    return "..." * bool(dots) + "".join(c for c in sorted(set(letters)) if letters.count(c) == 1)


def _letters(text: str, dots: int) -> list[Any]:
    """One label for each axis: letters, and numbers counted from the last for ``...``."""
    before, ellipsis, after = text.partition("...")
    middle = range(dots - 1, -1, -1) if ellipsis else ()
    return [*before, *middle, *after]


def _einsum_labels(text: str, array: Array) -> list[Any]:
    letters = text.replace("...", "")
    dots = array.ndim - len(letters)
    if not (letters.isalpha() or not letters) or dots < 0 or (dots and "..." not in text):
        raise SpecError(
            f"the subscripts {text!r} don't fit {describe(array)}",
            where=caller(),
            hint=f"it has {array.ndim} axes; one letter for each",
        )
    return _letters(text, dots)


def _checked(what: str, operands: list[tuple[Array, list[Any]]], out: list[Any]) -> Array:
    """A contraction whose labels must have one size each; einsum broadcasts axes of one entry."""
    sizes: dict[Any, Size] = {}
    for array, labels in operands:
        for label, size in zip(labels, array.sizes, strict=True):
            if size == 1 and what == "einsum":
                continue
            if sizes.setdefault(label, size) != size and not isinstance(label, int):
                arrays = " and ".join(describe(a) for a, _ in operands)
                raise SpecError(
                    f"cannot take np.{what} of {arrays}: "
                    f"the sizes {dim_of(sizes[label])} and {dim_of(size)} meet in one sum",
                    where=caller(),
                    hint="axes that share a letter, or are summed, must have one size",
                )
    return contract(operands, out, what)


@function("cross", "linalg.cross")
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1,
          axis: int | None = None) -> Array:  # fmt: skip
    """The vector product of vectors of three entries, or of two."""
    places = (axisa, axisb, axisc) if axis is None else (axis,) * 3
    x, y = (moveaxis(as_array(v), k, -1) for v, k in zip((a, b), places[:2], strict=True))
    lengths = tuple(v.shape[-1] for v in (x, y))
    if not {*lengths} <= {2, 3}:
        raise unsupported(
            f"np.cross of {describe(as_array(a))} and {describe(as_array(b))}",
            "vectors of two or three entries are",
        )
    if lengths == (2, 2):
        return _turn(x, y, 0, 1)
    parts = [_turn(x, y, i, j) for i, j in ((1, 2), (2, 0), (0, 1))]
    return moveaxis(stack(broadcast(parts), -1), -1, places[2])


def _turn(x: Array, y: Array, i: int, j: int) -> Array:
    """x[i] y[j] - x[j] y[i], where a third entry that is missing is 0."""
    (a, b), (c, d) = ((_entry(v, i), _entry(v, j)) for v in (x, y))
    return elementwise("subtract", a * d, b * c)


def _entry(vectors: Array, k: int) -> Array:
    there = not isinstance(vectors.shape[-1], int) or k < vectors.shape[-1]
    return vectors[..., k] if there else as_array(0.0)


def broadcast(parts: Sequence[Array]) -> Sequence[Array]:
    """Arrays repeated to one shape."""
    return FUNCTIONS["broadcast_arrays"](*parts)  # type: ignore[no-any-return]


@function("kron")
def kron(a: Any, b: Any) -> Array:
    """Every entry of the first times the whole of the second, laid out as blocks."""
    x, y = as_array(a), as_array(b)
    ndim = max(x.ndim, y.ndim)
    x = reshape(x, (1,) * (ndim - x.ndim) + x.shape)
    y = reshape(y, (1,) * (ndim - y.ndim) + y.shape)
    spread = reshape(x, [d for size in x.shape for d in (size, 1)])
    blocks = spread * reshape(y, [d for size in y.shape for d in (1, size)])
    return reshape(blocks, [m * n for m, n in zip(x.shape, y.shape, strict=True)])
