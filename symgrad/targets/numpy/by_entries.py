"""A small program of fixed sizes written out entry by entry, in Python's own numbers."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import sympy as sp

from symgrad.mathematics.indices import Index
from symgrad.mathematics.infinity import INFINITY
from symgrad.mathematics.sizes import Size, fixed, with_numbers
from symgrad.program.program import (
    Axes,
    Literal,
    Op,
    Operand,
    Program,
    is_temporary,
    labels,
    size_of,
)
from symgrad.targets.numpy.words import WORDS
from symgrad.targets.statements import Assignment, Statement

MOST = 600
"""A program with more operations on single numbers is left to NumPy.

Loss and gradients in µs, entry by entry and by arrays that are known to fit (Python 3.11, NumPy 2,
one thread): 3-4-2-3, which has 102, 6.0 and 12; 4-4-4-4-4 with 240, 10 and 17; 6-6-6-6-6 with 492,
17 and 17; 8-8-8-8-8 with 832, 28 and 17.  Arrays that have to be checked take a little longer.
"""

_INFIX = {
    "add": "{} + {}",
    "subtract": "{} - {}",
    "multiply": "{} * {}",
    "divide": "{} / {}",
    "greater": "{} > {}",
    "less": "{} < {}",
    "greater_equal": "{} >= {}",
    "less_equal": "{} <= {}",
    "negative": "-{}",
}
_TWICE = {
    "maximum": "{1} if {0} <= {1} else {0}",
    "minimum": "{1} if {0} >= {1} else {0}",
}
"""Functions whose first argument is read twice; NaN there stays NaN."""

_CHOICES = {"where": "{1} if {0} else {2}", "sign": "{0} > 0.0"}
_ZERO = Literal(sp.S.Zero)
_UNUSUAL = {INFINITY: "inf", sp.nan: "nan"}
"""Numbers by the names that the module math has for them."""
_READING_TWICE = frozenset({*_TWICE, "power", "square", "max"})

_CALLS = {f: f for f in ("exp", "log", "tanh", "sqrt", "log1p", "expm1")} | {"abs": "fabs"}
"""Functions by the names that the module math has for them; where they fail, NumPy is asked."""


@dataclass(frozen=True)
class Scalars:
    """What is computed, the functions of ``math`` in it, and the entries of each output."""

    assignments: Sequence[Assignment]
    functions: Sequence[str]
    inputs: Mapping[str, Sequence[str]]
    outputs: Mapping[str, Sequence[str]]


def written_out(program: Program) -> Scalars | None:
    """The program entry by entry; None where it is too large or has what Python has not."""
    writer = _Writer(program)
    if any(v.dtype != "float" or v.role == "constant" for v in program.inputs):
        return None
    if not all(map(writer.is_possible, program.ops)) or not writer.is_small():
        return None
    writer.name_inputs()
    for op in program.ops:
        writer.write(op)
    inputs = {v.name: writer.values[v.name] for v in program.inputs}
    outputs = {name: writer.values[name] for name in program.outputs}
    return Scalars(writer.assignments, sorted(writer.functions), inputs, outputs)


class _Writer:
    def __init__(self, program: Program) -> None:
        self.uses = program.uses
        self.ops = {o.name: o for o in program.ops}
        self.readers: dict[str, list[Op]] = {o.name: [] for o in program}
        for op in program.ops:
            for name in {r.name for r in op.reads} & self.ops.keys():
                self.readers[name].append(op)
        self.fixed = all(_length(s) is not None for shape in program.shapes.values() for s in shape)
        self.assignments: list[Assignment] = []
        self.functions: set[str] = set()
        self.values: dict[str, list[str]] = {}
        self.inputs = program.inputs
        self.names = WORDS.locals(v.name for v in program.inputs)

    def name_inputs(self) -> None:
        """A name for each entry of the inputs: only where these are few, as it takes its time."""
        for v in self.inputs:
            entries = prod(_length(s) or 1 for s in v.shape)
            self.values[v.name] = [self.names.new(f"{v.name}_{k}") for k in range(entries)]

    def is_possible(self, op: Op) -> bool:
        """Whether an operation can be written out."""
        if not self.fixed:
            return False
        if not all(_is_plain(a) for a in op.args if isinstance(a, Literal)):
            return False
        if op.kind == "map":
            square = op.function == "power" and op.args[1] == Literal(sp.S(2))
            known = op.function in {"square", *_INFIX, *_CALLS} or self._is_choice(op)
            return square or known or (op.function in _TWICE and any(map(self._is_no_nan, op.args)))
        if op.kind == "reduce":
            return op.function in ("sum", "norm", "max")
        return op.kind in ("matmul", "contract", "view", "copy", "fill", "expand")

    def _is_choice(self, op: Op) -> bool:
        """Whether an operation chooses by whether a number is finite, tells -∞ from ∞, or x from 0
        where it is max(x, 0).
        """
        if op.function == "sign":
            made = self.ops.get(op.reads[0].name)
            return made is not None and made.function == "maximum" and self._is_zero(made.args[1])
        if op.function != "where":
            return False
        condition = self.ops.get(getattr(op.args[0], "name", ""))
        return Literal(sp.nan) in op.args or (
            condition is not None and condition.args[1:] == (Literal(INFINITY),)
        )

    def _is_zero(self, operand: Operand) -> bool:
        made = self.ops.get(getattr(operand, "name", ""))
        return _ZERO in (operand, *(made.args if made is not None and made.kind == "fill" else ()))

    def _is_no_nan(self, operand: Operand) -> bool:
        """Whether an operand is a number that the spec or a pass wrote down, or a truth value."""
        if isinstance(operand, Literal):
            return True
        op = self.ops.get(operand.name)
        return op is not None and (op.dtype == "bool" or op.kind == "fill")

    def is_small(self) -> bool:
        """Whether few numbers are computed, and few are read."""
        entries = sum(prod(_length(s) or 1 for s in v.shape) for v in self.inputs)
        return entries <= MOST and self.cost() <= MOST

    def cost(self) -> int:
        """How many numbers are computed, roughly."""
        return sum(
            prod(_length(size_of(a)) or 1 for a in {*labels(op.axes), *_labels_of(op)})
            for op in self.ops.values()
            if op.kind not in ("view", "expand", "fill")
        )

    def write(self, op: Op) -> None:
        """The entries of one value, a line each where they have a name or are used again."""
        texts = [self._entry(op, at) for at in _places(labels(op.axes))]
        if op.kind in ("view", "copy", "expand", "fill"):
            self.values[op.name] = texts
            return
        read = self._reads_each(op)
        if is_temporary(op.name) and read <= 1 and op.kind in ("map", "matmul", "contract"):
            self.values[op.name] = [f"({t})" for t in texts]
            return
        stem = (op.hint or "t") if is_temporary(op.name) else op.name
        wishes = [f"{stem}_{k}" for k in range(len(texts))] if op.axes else [stem]
        names = [self.names.new(wish) for wish in wishes]
        before = self._without_nan(op) if op.function == "max" else ()
        found = (Statement("assign", n, (text,)) for n, text in zip(names, texts, strict=True))
        self.assignments.append(Assignment(op.name, stem, (), (*before, *found)))
        self.values[op.name] = names

    def _without_nan(self, op: Op) -> Iterator[Statement]:
        """Statements that leave it to NumPy where one entry is NaN: max may pass over it."""
        for at in _places(labels(op.axes)):
            terms = self._terms(op, at)
            if len(terms) > 1:
                yield Statement("all_numbers", self.names.new("all_of_them"), tuple(terms))

    def _reads_each(self, op: Op) -> int:
        """How often an entry is read."""
        total = 0
        for reader in self.readers[op.name]:
            repeated = prod(
                _length(a.size) or 1
                for a in {*labels(reader.axes), *_labels_of(reader)}
                if all(a not in r.axes for r in reader.reads if r.name == op.name)
            )
            total += repeated * (2 if reader.function in _READING_TWICE else 1)
            total += 5 if reader.kind in ("view", "expand", "copy") else 0
        return max(total, self.uses[op.name])

    def _entry(self, op: Op, at: Mapping[object, int]) -> str:
        if op.kind in ("matmul", "contract", "reduce"):
            terms = self._terms(op, at)
            if op.function == "max" and len(terms) > 1:
                self.functions.add("max")
                return f"_max({', '.join(terms)})"
            if op.function == "norm":
                self.functions.add("hypot")
                return f"_hypot({', '.join(terms)})"
            return " + ".join(terms)
        return self._mapped(op, [self._operand(a, at) for a in op.args])

    def _terms(self, op: Op, at: Mapping[object, int]) -> list[str]:
        """What is summed, or of which one is chosen, for one entry."""
        bound = [a for a in _labels_of(op) if a not in op.axes]
        return [self._product(op, {**at, **more}) for more in _places(bound)]

    def _mapped(self, op: Op, args: list[str]) -> str:
        if op.kind != "map":
            return args[0]
        if op.function in ("power", "square"):
            return f"{args[0]} * {args[0]}"
        if op.function in _CALLS:
            function = _CALLS[op.function]
            self.functions.add(function)
            return f"_{function}({args[0]})"
        if op.function in _TWICE and not self._is_no_nan(op.args[1]):
            args.reverse()
        return {**_INFIX, **_TWICE, **_CHOICES}[op.function].format(*args)

    def _product(self, op: Op, at: Mapping[object, int]) -> str:
        factors = [self._operand(a, at) for a in op.args]
        return " * ".join([f for f in factors if f != "1.0"] or ["1.0"])

    def _operand(self, operand: Operand, at: Mapping[object, int]) -> str:
        if isinstance(operand, Literal):
            value = with_numbers(operand.value)
            if value in _UNUSUAL:
                self.functions.add(_UNUSUAL[value])
                return f"_{_UNUSUAL[value]}"
            return f"({float(value)!r})" if value < 0 else repr(float(value))
        return self.values[operand.name][_offset(operand.axes, at)]


def _is_plain(literal: Literal) -> bool:
    return literal.value in _UNUSUAL or bool(with_numbers(literal.value).is_Rational)


def _labels_of(op: Op) -> list[Index]:
    return list(dict.fromkeys(a for r in op.reads for a in labels(r.axes)))


def _length(size: Size) -> int | None:
    value = with_numbers(size)
    return int(value) if value.is_Integer else fixed(size)


def _places(found: Iterable[Index]) -> Iterator[dict[object, int]]:
    names = list(found)
    ranges = [range(_length(a.size) or 1) for a in names]
    for place in itertools.product(*ranges):
        yield dict(zip(names, place, strict=True))


def _offset(axes: Axes, at: Mapping[object, int]) -> int:
    offset = 0
    for axis in axes:
        offset = offset * (_length(size_of(axis)) or 1) + at.get(axis, 0)
    return offset
