"""Lowering: equations in index notation become a program of array operations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sympy as sp
from sympy import KroneckerDelta as Delta

from symgrad.equations import Equation, Variable
from symgrad.indices import Index
from symgrad.leaves import LogSumExp, Reduction
from symgrad.lower.linalg import matrix_function
from symgrad.lower.lowering import Lowering, Method
from symgrad.lower.products import power, product_value
from symgrad.lower.reductions import log_sum_exp, reduction
from symgrad.lower.softmax import exponential
from symgrad.lower.sums import addition, multiplication
from symgrad.matrices import MatrixFunction
from symgrad.products import Product, labels_of
from symgrad.program import Program


def lower(
    variables: Iterable[Variable], equations: Iterable[Equation], outputs: Iterable[str]
) -> Program:
    """The program that computes the equations from the variables."""
    variables, equations = tuple(variables), tuple(equations)
    lowering = Lowering(variables, METHODS)
    shapes = {v.name: v.shape for v in variables} | {e.name: e.shape for e in equations}
    with labels_of(equations, shapes):
        for equation in equations:
            lowering.equation(equation)
    return lowering.builder.program(outputs)


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
    LogSumExp: log_sum_exp,
    MatrixFunction: matrix_function,
    Reduction: reduction,
    Product: product_value,
}
"""How each kind of expression is computed; all others are leaf functions."""
