"""Lowering: equations in index notation become a program of array operations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import sympy as sp
from sympy import KroneckerDelta as Delta

from symgrad.mathematics.equations import Equation, Variable
from symgrad.mathematics.indices import Index
from symgrad.mathematics.matrices import MatrixFunction
from symgrad.mathematics.ordering import Standing
from symgrad.mathematics.recurrences import Recurrence, Recurrent, in_groups
from symgrad.mathematics.reductions import LogSum, LogSumExp, Reduction, root, weighted_exp
from symgrad.program.lower.linalg import matrix_function
from symgrad.program.lower.lowering import Lowering, Method
from symgrad.program.lower.products import power, product_value
from symgrad.program.lower.recurrences import Recurrences
from symgrad.program.lower.reductions import log_sum, log_sum_exp, reduction, standing
from symgrad.program.lower.roots import root_of_squares
from symgrad.program.lower.shortened import shortened
from symgrad.program.lower.softmax import exponential, weighted
from symgrad.program.lower.sums import addition, multiplication
from symgrad.program.program import Program
from symgrad.program.sums_of_products import Product


def lower(
    variables: Iterable[Variable],
    equations: Iterable[Equation],
    outputs: Iterable[str],
    *,
    as_written: bool = False,
) -> Program:
    """The program that computes the equations from the variables.

    ``as_written``: in their own order, for what is printed; else in one that does not overflow.
    """
    variables, equations = tuple(variables), tuple(equations)
    lowering = Lowering(variables, equations, METHODS, as_written=as_written)
    recurrences = Recurrences(lowering, lower)
    for part in _parts(equations):
        if isinstance(part, Recurrence):
            recurrences.recurrence(part)
        elif isinstance(part.rhs, Recurrent):
            recurrences.apart(part)
        else:
            lowering.equation(part)
    return lowering.builder.program(outputs)


def _parts(equations: Iterable[Equation]) -> Iterator[Equation | Recurrence]:
    """The equations in order, those of a recurrence together: what each step needs, and no more."""
    for part in in_groups(equations):
        if isinstance(part, Recurrence):
            yield from in_groups(shortened(part), part.around)
        else:
            yield part


METHODS: Mapping[type, Method] = {
    sp.Symbol: Lowering.entry,
    sp.Indexed: Lowering.entry,
    Index: Lowering.index,
    Delta: Lowering.delta,
    sp.Add: addition,
    sp.Mul: multiplication,
    sp.Sum: multiplication,
    sp.Pow: power,
    sp.exp: exponential,
    root: root_of_squares,
    weighted_exp: weighted,
    LogSumExp: log_sum_exp,
    LogSum: log_sum,
    MatrixFunction: matrix_function,
    Standing: standing,
    Reduction: reduction,
    Product: product_value,
}
"""How each kind of expression is computed; all others are leaf functions."""
