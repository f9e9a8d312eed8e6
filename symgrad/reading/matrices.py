"""SymPy's expressions of matrices and of arrays, each as NumPy's function of them."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

import sympy as sp

from symgrad.errors import SpecError, caller
from symgrad.language import making
from symgrad.language.array import Array
from symgrad.language.constants import as_array
from symgrad.language.contractions import contract
from symgrad.mathematics.sizes import as_size
from symgrad.reading.entries import Entries, Span, of_numpy
from symgrad.reading.reader import ARRAYS, Reader, read_by, shown, unread

array = functools.partial(read_by, ARRAYS)


@array("MatrixSymbol", "ArraySymbol")
def _symbol(reader: Reader, expr: Any) -> Array:
    symbol = sp.Symbol(str(expr.args[0]))
    return reader.input(symbol.name, expr.shape, symbol)


@array("MatAdd", "ArrayAdd")
def _sum(reader: Reader, expr: Any) -> Array:
    return as_array(functools.reduce(operator.add, map(reader.array, expr.args)))


@array("MatMul")
def _product(reader: Reader, expr: Any) -> Array:
    scale, matrices = expr.as_coeff_matrices()
    found = functools.reduce(operator.matmul, map(reader.array, matrices))
    return found if scale == 1 else as_array(reader.scalar(scale) * found)


@array("MatPow", "Inverse")
def _power(reader: Reader, expr: Any) -> Array:
    base, exponent = expr.base, expr.exp
    value = reader.array(base)
    if exponent == 0:
        return making.eye(value.shape[0])
    if exponent.is_Integer:
        return of_numpy("linalg.matrix_power", value, int(exponent))
    if value.shape == (1, 1):
        with reader.meaning({_X: Entries((), value[0, 0])}):
            return reader.scalar(_X**exponent)[None, None]
    raise SpecError(f"the power {exponent} of the matrix {shown(base)} is not supported",
                    where=caller(), hint="whole numbers are")  # fmt: skip


_X = sp.Dummy("x")


@array("Transpose", "Adjoint")
def _transpose(reader: Reader, expr: Any) -> Array:
    return of_numpy("transpose", reader.array(expr.arg))


@array("HadamardProduct")
def _entries_product(reader: Reader, expr: Any) -> Array:
    return as_array(functools.reduce(operator.mul, map(reader.array, expr.args)))


@array("HadamardPower")
def _entries_power(reader: Reader, expr: Any) -> Array:
    base, exponent = expr.args
    if not getattr(exponent, "is_Matrix", False):
        return _applied(reader, sp.Lambda(_X, _X**exponent), reader.array(base))
    return as_array(reader.array(base) ** reader.array(exponent))


@array("ElementwiseApplyFunction", "ArrayElementwiseApplyFunc")
def _entries_function(reader: Reader, expr: Any) -> Array:
    return _applied(reader, expr.function, reader.array(expr.expr))


def _applied(reader: Reader, function: Any, values: Array) -> Array:
    """A function of SymPy's of each entry."""
    letters = tuple(sp.Dummy(f"axis{k}") for k in range(values.ndim))
    bound = function.signature if isinstance(function, sp.Lambda) else (_X,)
    with reader.meaning({bound[0]: Entries(letters, values)}):
        found = reader.number(function(bound[0]))
    whole = set(found.letters) == set(letters)
    return found.at(letters) if whole else of_numpy("broadcast_to", found.at(()), values.shape)


@array("Identity")
def _identity(reader: Reader, expr: Any) -> Array:
    return making.eye(_dim(expr.shape[0]))


@array("ZeroMatrix", "ZeroArray")
def _zeros(reader: Reader, expr: Any) -> Array:
    return making.zeros(tuple(map(_dim, expr.shape)))


@array("OneMatrix", "OneArray")
def _ones(reader: Reader, expr: Any) -> Array:
    return making.ones(tuple(map(_dim, expr.shape)))


def _dim(size: Any) -> Any:
    size = sp.sympify(size)
    return int(size) if size.is_Integer else as_size(size)


@array("DiagMatrix")
def _diagonal_of_vector(reader: Reader, expr: Any) -> Array:
    return of_numpy("diag", reader.array(expr.args[0]).ravel())


@array("DiagonalMatrix")
def _diagonal_only(reader: Reader, expr: Any) -> Array:
    value = reader.array(expr.args[0])
    return as_array(value * making.eye(*value.shape))


@array("DiagonalOf")
def _diagonal_as_column(reader: Reader, expr: Any) -> Array:
    return of_numpy("diagonal", reader.array(expr.args[0]))[:, None]


@array("KroneckerProduct")
def _kronecker(reader: Reader, expr: Any) -> Array:
    return functools.reduce(functools.partial(of_numpy, "kron"), map(reader.array, expr.args))


@array("BlockMatrix")
def _blocks(reader: Reader, expr: Any) -> Array:
    rows, columns = expr.blockshape
    blocks = [[reader.array(expr.blocks[r, c]) for c in range(columns)] for r in range(rows)]
    return of_numpy("block", blocks)


@array("BlockDiagMatrix")
def _diagonal_blocks(reader: Reader, expr: Any) -> Array:
    found: Array = _blocks(reader, sp.BlockMatrix(expr.blocks))
    return found


@array("MatrixSlice")
def _slice(reader: Reader, expr: Any) -> Array:
    cuts = zip((expr.rowslice, expr.colslice), expr.args[0].shape, strict=True)
    return reader.array(expr.args[0])[tuple(_cut(cut, size) for cut, size in cuts)]


def _cut(cut: Sequence[Any], size: Any) -> Any:
    start, stop, step = map(sp.sympify, cut)
    if start == 0 and stop == size and step == 1:
        return slice(None)
    return slice(_dim(start), _dim(stop), int(step))


@array("FunctionMatrix")
def _of_places(reader: Reader, expr: Any) -> Array:
    letters = tuple(expr.lamda.signature)
    spans = {x: Span(sp.S.Zero, size) for x, size in zip(letters, expr.shape, strict=True)}
    with reader.running(spans):
        found = reader.number(expr.lamda.expr)
    return of_numpy("broadcast_to", found.at(letters), tuple(map(_dim, expr.shape)))


@array("MatrixBase", "NDimArray")
def _explicit(reader: Reader, expr: Any) -> Array:
    entries = [reader.scalar(e) for e in (expr.flat() if hasattr(expr, "flat") else expr)]
    flat = as_array(entries) if len(entries) > 1 else entries[0][None]
    return of_numpy("reshape", flat, tuple(map(int, expr.shape)))


# -- arrays of any number of axes -----------------------------------------------------------------


@array("ArrayTensorProduct")
def _outer(reader: Reader, expr: Any) -> Array:
    return _contracted(reader, expr, [])


@array("ArrayContraction")
def _contraction(reader: Reader, expr: Any) -> Array:
    return _contracted(reader, expr.expr, expr.contraction_indices)


def _contracted(reader: Reader, expr: Any, groups: Sequence[Sequence[Any]]) -> Array:
    """Products whose axes are counted through; those of a group are summed together."""
    scale, operands = _operands(reader, expr)
    count = sum(a.ndim for a in operands)
    label = {int(k): min(map(int, group)) for group in groups for k in group}
    axes = iter([label.get(k, k) for k in range(count)])
    labelled = [(a, [next(axes) for _ in range(a.ndim)]) for a in operands]
    found = contract(labelled, [k for k in range(count) if k not in label], "multiply")
    return found if scale is None else as_array(scale * found)


def _operands(reader: Reader, expr: Any) -> tuple[Array | None, list[Array]]:
    if type(expr).__name__ != "ArrayTensorProduct":
        return None, [reader.array(expr)]
    numbers = [a for a in expr.args if not getattr(a, "shape", ())]
    arrays = [reader.array(a) for a in expr.args if getattr(a, "shape", ())]
    return (reader.scalar(sp.Mul(*numbers)) if numbers else None), arrays


@array("ArrayDiagonal")
def _diagonal(reader: Reader, expr: Any) -> Array:
    value = reader.array(expr.expr)
    label = {int(k): min(map(int, g)) for g in expr.diagonal_indices for k in g}
    rest = [k for k in range(value.ndim) if k not in label]
    axes = [label.get(k, k) for k in range(value.ndim)]
    return contract([(value, axes)], [*rest, *dict.fromkeys(label.values())], "take a diagonal of")


@array("PermuteDims")
def _permuted(reader: Reader, expr: Any) -> Array:
    return of_numpy("transpose", reader.array(expr.expr), tuple(expr.permutation.array_form))


@array("Reshape")
def _reshaped(reader: Reader, expr: Any) -> Array:
    return of_numpy("reshape", reader.array(expr.expr), tuple(map(_dim, expr.shape)))


@array("Mul")
def _scaled(reader: Reader, expr: Any) -> Array:
    """A number times an array, which SymPy leaves as a product of no class of its own."""
    arrays = [a for a in expr.args if getattr(a, "shape", ())]
    if len(arrays) != 1:
        raise unread(expr)
    scale = reader.scalar(sp.Mul(*(a for a in expr.args if a is not arrays[0])))
    return as_array(scale * reader.array(arrays[0]))
