"""A program as it is run by the reference interpreter: the values so far, read by their labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy as sp

from symgrad.mathematics.indices import Index
from symgrad.mathematics.infinity import as_number
from symgrad.mathematics.sizes import with_numbers
from symgrad.program.program import Axes, Literal, Op, Operand, Program, labels, size_of

Array = npt.NDArray[Any]


class Run:
    """The values so far, and the number behind each size.

    ``inside`` runs a program inside of this one, and answers with all of its values.
    """

    def __init__(
        self,
        program: Program,
        inputs: Mapping[str, npt.ArrayLike],
        inside: Callable[[Run, Program, Mapping[str, Array]], Mapping[str, Array]],
    ) -> None:
        self._inside = inside
        self.loops: dict[str, Mapping[str, Array]] = {}
        self.values = {v.name: np.asarray(inputs[v.name]) for v in program.inputs}
        floats = [a.dtype for a in self.values.values() if a.dtype.kind == "f"]
        self.dtype = np.result_type(*floats) if floats else np.dtype(np.float64)
        self.sizes: dict[sp.Expr, sp.Integer] = {}
        for variable in program.inputs:
            value = self.values[variable.name]
            if variable.dtype != "int":
                self.values[variable.name] = value.astype(self.dtype)
            pairs = zip(variable.shape, value.shape, strict=True)
            self.sizes |= {s: sp.Integer(n) for s, n in pairs if s.is_Symbol}

    def inside(self, program: Program, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
        """The values of a program inside of this one."""
        return self._inside(self, program, inputs)

    def lengths(self, shape: Sequence[sp.Expr]) -> tuple[int, ...]:
        """The numbers that sizes stand for."""
        return tuple(map(self.number, shape))

    def number(self, expr: sp.Expr) -> Any:
        """A literal as a number of Python."""
        value = with_numbers(as_number(expr.xreplace(self.sizes)))
        return int(value) if value.is_Integer else float(value)

    def operand(self, operand: Operand) -> Any:
        """An argument as it is."""
        if isinstance(operand, Literal):
            return self.number(operand.value)
        return self.values[operand.name]

    def shape(self, axes: Axes) -> tuple[int, ...]:
        """The lengths of axes."""
        return tuple(self.number(size_of(a)) for a in axes)

    def placed(self, operand: Operand, onto: Sequence[Index]) -> Array:
        """An argument with exactly the axes ``onto``, of length 1 where it lacks the label."""
        if isinstance(operand, Literal):
            return np.asarray(self.number(operand.value)).reshape((1,) * len(onto))
        mine = labels(operand.axes)
        value = self.values[operand.name].reshape(self.shape(tuple(mine)))
        order = [mine.index(a) for a in onto if a in mine]
        shape = tuple(self.number(a.size) if a in mine else 1 for a in onto)
        return value.transpose(order).reshape(shape)


def whole(op: Op) -> tuple[int, ...]:
    """The numbers in the detail of an operation."""
    return tuple(k for k in op.detail if isinstance(k, int))
