"""What a kind of operation is: all that passes, plans and costs ask of it, as one record."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

import sympy as sp

from symgrad.mathematics.equations import DType
from symgrad.program.kinds.run import Array, Run
from symgrad.program.program import Axes, Op, Ref, count, size_of


class Result(Enum):
    """Where the result of an operation lies."""

    OWN = auto()
    """In memory of its own."""
    VIEW = auto()
    """In that of the argument, whose entries it sees in another order, or not all of them."""
    SAME_ORDER = auto()
    """In that of the argument, whose entries it sees in their order; else in its own."""
    EITHER = auto()
    """In that of an argument or in its own: a plan has to reckon with both."""
    CHANGED = auto()
    """In that of the first argument, which is changed."""


EVERY = sys.maxsize
"""All arguments, however many there are."""


def entries(op: Op) -> sp.Expr:
    """One operation on numbers for each entry of the result."""
    return of_axes(op.axes)


def entries_of_argument(op: Op) -> sp.Expr:
    """One operation on numbers for each entry of the argument."""
    return of_axes(op.reads[0].axes)


def nothing(op: Op) -> sp.Expr:
    """No operation on numbers."""
    return sp.S.Zero


def of_axes(axes: Axes) -> sp.Expr:
    """How many entries there are along axes together."""
    return count(tuple(map(size_of, axes)))


def as_first(function: str, types: Sequence[str]) -> DType:
    """The dtype of the first argument."""
    found: dict[str, DType] = {"int": "int", "bool": "bool"}
    return found.get(types[0], "float") if types else "float"


def always(dtype: DType) -> Callable[[str, Sequence[str]], DType]:
    """One dtype, whatever the arguments are."""
    return lambda function, types: dtype


def same_axes(op: Op) -> str:
    """What is wrong where the result has to have the axes of its argument."""
    return "" if op.reads[0].axes == op.axes else "the result has other axes than its argument"


@dataclass(frozen=True)
class Kind:
    """All that is known about one kind of operation.

    ``check`` says what is wrong with an operation, "" if nothing is; ``run`` is what the reference
    interpreter does; ``cost`` counts operations on numbers.  ``dtype`` is that of the result, by
    the function and by what the arguments are: "float", "int" or "bool" for arrays, "number" or
    "whole" for numbers.  ``own_labels``: the result has labels that no argument has;
    ``any_layout``: it is the same value however its axes are laid out; ``of_sizes``: it depends on
    sizes alone.  ``computes_with``: how many of its first arguments have to be numbers; ``sums``:
    its values are made of sums, finite where what is summed is; ``product``: of sums of products of
    its arguments; ``by_label``: each entry is made of what the arguments have at its labels.
    ``read`` is how much of an argument is read, if that is not the whole.
    """

    name: str
    meaning: str
    check: Callable[[Op], str]
    run: Callable[[Run, Op], Array]
    cost: Callable[[Op], sp.Expr] = entries
    result: Result = Result.OWN
    dtype: Callable[[str, Sequence[str]], DType] = as_first
    own_labels: bool = False
    any_layout: bool = False
    of_sizes: bool = False
    computes_with: int = 0
    sums: bool = False
    product: bool = False
    by_label: bool = False
    read: Callable[[Ref], Axes] = lambda ref: ref.axes

    @property
    def is_view(self) -> bool:
        """Whether it computes nothing, and shows entries of its argument."""
        return self.result in (Result.VIEW, Result.SAME_ORDER)

    @property
    def may_alias(self) -> bool:
        """Whether the result may lie in the memory of an argument, which stays as it is."""
        return self.is_view or self.result is Result.EITHER

    @property
    def changes(self) -> bool:
        """Whether it changes its first argument in place."""
        return self.result is Result.CHANGED

    @property
    def is_free(self) -> bool:
        """Whether it computes nothing: what it gives is there, or is made once."""
        return self.is_view or self.of_sizes
