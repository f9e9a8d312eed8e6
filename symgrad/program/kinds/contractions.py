"""Kinds that sum products."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from symgrad.program.kinds.kind import EVERY, Kind, always, of_axes
from symgrad.program.kinds.run import Array, Run
from symgrad.program.program import Op, Ref, labels, matmul_axes


def _multiplications_and_sums(op: Op) -> sp.Expr:
    return 2 * of_axes(tuple(dict.fromkeys(a for r in op.reads for a in labels(r.axes))))


def _run_product(run: Run, op: Op) -> Array:
    number = {
        a: k for k, a in enumerate(dict.fromkeys(a for r in op.reads for a in labels(r.axes)))
    }
    terms: list[Any] = []
    for ref in op.reads:
        mine = labels(ref.axes)
        terms += [run.values[ref.name].reshape(run.shape(tuple(mine))), [number[a] for a in mine]]
    product: Array = np.einsum(*terms, [number[a] for a in labels(op.axes)])
    return product.reshape(run.shape(op.axes))


def _check_contract(op: Op) -> str:
    known = {a for r in op.reads for a in labels(r.axes)}
    return "" if known >= set(labels(op.axes)) else "the result has a label of no argument"


CONTRACT = Kind(
    "contract",
    "the sum of a product over the labels that the result does not have",
    _check_contract,
    _run_product,
    cost=_multiplications_and_sums,
    dtype=always("float"),
    any_layout=True,
    computes_with=EVERY,
    sums=True,
    product=True,
    by_label=True,
)


def _check_matmul(op: Op) -> str:
    if len(op.args) != 2 or not all(isinstance(a, Ref) and a.axes for a in op.args):
        return "a matrix product takes two arrays"
    x, y = op.reads
    return "" if matmul_axes(x.axes, y.axes) == op.axes else "the axes do not fit a matrix product"


MATMUL = Kind(
    "matmul",
    "such a sum of two arrays, as a product of the matrices in their last two axes",
    _check_matmul,
    _run_product,
    cost=_multiplications_and_sums,
    dtype=always("float"),
    computes_with=EVERY,
    sums=True,
    product=True,
    by_label=True,
)

CONTRACTIONS = (CONTRACT, MATMUL)
