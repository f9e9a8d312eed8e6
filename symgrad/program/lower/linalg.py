"""Functions of matrices: the inverse, determinants, the Cholesky factor."""

from __future__ import annotations

from symgrad.mathematics.indices import entry, fresh
from symgrad.mathematics.matrices import MatrixFunction, program_name
from symgrad.program.lower.lowering import Lowering, in_order
from symgrad.program.program import Axes, Operand, Ref, size_of
from symgrad.program.sums_of_products import bound_by, free_labels

_HINTS = {
    **dict.fromkeys(("inv", "regular_inverse"), "inverse"),
    "cholesky": "L",
    "eigvalsh": "eigenvalues",
    "svdvals": "singular_values",
}
"""What their values are called where that is not the name of the function."""


def matrix_of(lowering: Lowering, expr: MatrixFunction) -> Ref:
    """The matrices that a function is taken of, in the last two axes."""
    row, column = bound_by(expr)
    batch = in_order(free_labels(expr.function) - {row, column})
    axes = (*batch, row, column)
    return lowering.full(lowering.expr(expr.function, axes), axes)


def has_inverse(lowering: Lowering, matrix: Ref) -> bool:
    """Whether the inverse of these matrices is computed already."""
    axes = (*matrix.axes[:-2], *(fresh(size_of(a)) for a in matrix.axes[-2:]))
    return lowering.builder.knows("linalg", (matrix,), axes, "inv")


def matrix_function(lowering: Lowering, expr: MatrixFunction, at: Axes) -> Operand:
    """An entry of a function of matrices."""
    matrix = matrix_of(lowering, expr)
    function = program_name(type(expr))
    batch = matrix.axes[:-2]
    inside = tuple(map(fresh, expr.lengths))
    value = lowering.builder.add(
        "linalg",
        (matrix,),
        (*batch, *inside),
        function=function,
        hint=_HINTS.get(function, function),
    )
    lowering.shapes[value.name] = tuple(map(size_of, value.axes))
    return lowering.expr(entry(value.name, (*batch, *expr.at)), at)
