"""Sums of products: matrix products, dot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from symgrad.arrays import UFUNCS, Array, as_array, describe, dim_of, function, spec_name
from symgrad.errors import SpecError, caller
from symgrad.indices import Index, Size, axis_index
from symgrad.language.elementwise import elementwise


def contract(
    operands: Sequence[tuple[Array, Sequence[Any]]], out: Sequence[Any], what: str
) -> Array:
    """The sum of products in which axes with the same label share an index.

    Labels are any hashable; ``out`` lists the labels of the result's axes, the others are summed.
    A label whose axis has size 1 in one operand is broadcast over it.
    """
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
    index = {label: axis_index(size) for label, size in sizes.items()}
    factors = [
        array.at(
            [
                index[l] if size != 1 else sp.Integer(0)
                for l, size in zip(labels, array.sizes, strict=True)
            ]
        )
        for array, labels in operands
    ]
    bound = [i.limits for label, i in index.items() if label not in out and isinstance(i, Index)]
    product = sp.Mul(*factors)
    rhs = sp.Sum(product, *bound) if bound else product
    return Array([index[label] for label in out], rhs, [a for a, _ in operands], op="contract")


def _product_hint(arrays: Sequence[Array]) -> str:
    if len(arrays) != 2 or arrays[0].ndim != 2 or arrays[1].ndim != 2:
        return "the last axis of the first meets the first axis of a matrix or a vector"
    a, b = (spec_name(x) for x in arrays)
    (p, q), (r, s) = arrays[0].shape, arrays[1].shape
    if "a value" in (a, b):
        a, b = "A", "B"
    if q == s:
        return f"perhaps {a} @ {b}.T"
    if p == r:
        return f"perhaps {a}.T @ {b}"
    if p == s:
        return f"perhaps {b} @ {a}"
    return "the number of columns of the first must be the number of rows of the second"


def matmul(x: Any, y: Any) -> Array:
    """The matrix product, with NumPy's rules for vectors and for leading axes."""
    a, b = as_array(x), as_array(y)
    if not a.ndim or not b.ndim:
        raise SpecError(
            "a matrix product needs arrays, not a scalar",
            where=caller(),
            hint="multiply by a scalar with *",
        )
    batch = max(a.ndim, b.ndim, 2) - 2
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
    return contract(operands, [*(("batch", k) for k in range(batch)), *rows, *columns], "multiply")


def _inner_mismatch(a: Array, b: Array) -> None:
    inner = b.shape[-2 if b.ndim > 1 else -1]
    raise SpecError(
        f"cannot multiply {describe(a)} by {describe(b)}: inner sizes {a.shape[-1]} and {inner} differ",
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
