"""Operations as expressions of the array API standard, in which nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import sympy as sp

from symgrad.errors import SpecError
from symgrad.mathematics.indices import Index
from symgrad.mathematics.positions import Cut, Window
from symgrad.mathematics.sizes import is_negative
from symgrad.program.kinds import KINDS
from symgrad.program.loop import Loop, loop_of
from symgrad.program.program import UNIT, Literal, Op, Operand, Ref, is_subscript, labels, size_of
from symgrad.targets.array_api.functions import name_of
from symgrad.targets.array_api.loops import Loops
from symgrad.targets.array_api.words import WORDS
from symgrad.targets.expressions import OPERATORS, Precedence, Text, listed
from symgrad.targets.module import arguments_among
from symgrad.targets.numpy.operations import NumPyNumbers, NumPyWriter
from symgrad.targets.numpy.out import tensordot_axes
from symgrad.targets.numpy.slices import cut_text, unit_axes
from symgrad.targets.statements import Statement


class PythonNumbers(NumPyNumbers):
    """Numbers of Python alone."""

    def decimal(self, number: float) -> Text:
        text = super().decimal(number)
        return replace(text, code=text.code.replace("np.", "math."))

    def unusual(self, number: sp.Expr) -> Text:
        return Text("math.nan" if number is sp.nan else "math.inf")

    def function(self, name: str, argument: Text) -> Text:
        return Text(f"math.{name}({argument.code})")


_OF_PASSES = frozenset(("take", "nearest", "to_nearest", "half_inverse", "by_half"))
"""Kinds that only passes for NumPy make."""


class ArrayWriter(NumPyWriter):
    """Writes a program by functions of whatever namespace the arguments have, called xp."""

    words = WORDS
    numbers = PythonNumbers

    def write(self, op: Op) -> None:
        if (loop := loop_of(op)) is not None:
            Loops(self).assign(op, loop)
            return
        text = self.fitting(op)
        if self.is_inlined(op, text):
            self.keep(op, text)
        else:
            self.assign(op, [Statement("assign", self.name(op), (text.code,))])

    def inner(self, loop: Loop, known: Mapping[str, str]) -> ArrayWriter:
        """One step of a loop, written inside of this function."""
        only = {o.name for o in loop.program}
        return ArrayWriter(loop.program, only=only, known=known, outer=self)

    def home(self) -> str:
        """The argument that has the dtype and the device of what is made."""
        if isinstance(self.outer, ArrayWriter):
            return self.outer.home()
        given = arguments_among(self.program.inputs)
        floats = [v.name for v in given if v.dtype == "float"] or [v.name for v in given]
        read = (r.name for op in self.program for r in op.reads)
        found = next((name for name in read if name in floats), floats[0])
        self._in_use.add(found)
        return found

    def dtype(self) -> str:
        given = arguments_among(self.program.inputs)
        if self.outer is None and not any(v.dtype == "float" for v in given):
            return "_default(xp)"
        return f"{self.home()}.dtype"

    def made(self) -> str:
        """The dtype and the device of an array of floats that is made."""
        return f"dtype={self.dtype()}, device=device({self.home()})"

    # Arguments

    def operands(self, op: Op) -> list[Text]:
        """Of one dtype, where that of the result is none of an argument."""
        args = super().operands(op)
        wanted = self._wanted(op)
        return [
            self._as(wanted, arg, text) if k in self._computed_with(op) else text
            for k, (arg, text) in enumerate(zip(op.args, args, strict=True))
        ]

    def _computed_with(self, op: Op) -> range:
        """Which arguments have to have one dtype."""
        if op.function == "where":
            return range(1, 3)
        if op.function == "cast" or op.function.startswith("logical_"):
            return range(0)
        if op.kind == "reduce" and op.function != "sum":
            return range(0)
        every = op.kind == "join"
        return range(len(op.args) if every else min(KINDS[op.kind].computes_with, len(op.args)))

    def _wanted(self, op: Op) -> str:
        """The dtype that such arguments have to have."""
        types = {self._dtypes(op.args[k]) for k in self._computed_with(op)} - {""}
        if op.dtype == "float" or "float" in types:
            return "float"
        return "int" if "int" in types else ""

    def _dtypes(self, arg: Operand) -> str:
        return self.dtypes[arg.name] if isinstance(arg, Ref) else ""

    def _as(self, wanted: str, arg: Operand, text: Text) -> Text:
        if not wanted or self._dtypes(arg) in ("", wanted):
            return text
        dtype = self.dtype() if wanted == "float" else "xp.arange(0).dtype"
        return Text(f"xp.astype({text.code}, {dtype})")

    # Entries

    def map(self, op: Op, args: Sequence[Text]) -> Text:
        if op.function == "multiply" and op.dtype == "bool":
            return Text(f"xp.logical_and({listed(args)})")
        if op.function in OPERATORS or op.function in ("power", "negative"):
            return super().map(op, args)
        if op.function == "cast":
            return Text(f"xp.astype({args[0].code}, {self.dtype()})")
        if op.function == "round":
            scale = sp.Integer(10) ** op.detail[0]
            inner = OPERATORS["multiply"](args[0], self.number(scale))
            return OPERATORS["divide"](Text(f"xp.round({inner.code})"), self.number(scale))
        if op.function == "where" and self._dtypes(op.args[0]) in ("float", "int"):
            args = [OPERATORS["not_equal"](args[0], Text("0")), *args[1:]]
        if op.function == "where" and all(isinstance(a, Literal) for a in op.args[1:]):
            first = Text(f"xp.asarray({args[1].code}, {self.made()})")
            args = [args[0], first, args[2]]
        return Text(f"{name_of(op.function)}{listed(args)})")

    def powers(self, op: Op, args: Sequence[Text]) -> Text:
        return Text(f"_powers(xp, {listed(self.of_powers(op, args))})")

    def copy(self, op: Op, args: Sequence[Text]) -> Text:
        return OPERATORS["multiply"](args[0], Text("1"))

    def iota(self, op: Op, args: Sequence[Text]) -> Text:
        size = self.number(size_of(op.axes[0])).code
        return Text(f"xp.arange({size}, device=device({self.home()}))")

    def fill(self, op: Op, args: Sequence[Text]) -> Text:
        shape, made = self.shape(op.axes), self.made()
        function = {"0": "zeros", "1": "ones"}.get(args[0].code)
        if function:
            return Text(f"xp.{function}({shape}, {made})")
        return Text(f"xp.full({shape}, {args[0].code}, {made})")

    # Sums

    def contract(self, op: Op, args: Sequence[Text]) -> Text:
        x, y = op.reads
        if not op.axes and x.axes == y.axes:
            return Text(f"xp.tensordot({listed(args)}, axes={len(x.axes)})")
        axes = tensordot_axes(op)
        if axes is not None:
            pair = tuple(map(tuple, axes))
            return Text(f"xp.tensordot({listed(args)}, axes={pair})")
        return Text(f'_einsum(xp, "{self.subscripts(op)}", {listed(args)})')

    def reduce(self, op: Op, args: Sequence[Text]) -> Text:
        inside = ", ".join([args[0].code, *self.reduced_axes(op)])
        if op.function == "norm":
            return Text(f"_norm(xp, {inside})")
        truths = self.dtypes[op.reads[0].name] == "bool" and op.function != "sum"
        name = ("any" if op.function == "max" else "all") if truths else op.function
        return Text(f"xp.{name}({inside})")

    def trace(self, op: Op, args: Sequence[Text]) -> Text:
        return Text(f"xp.linalg.trace({args[0].code})")

    def cumsum(self, op: Op, args: Sequence[Text]) -> Text:
        return Text(f"xp.cumulative_sum({args[0].code}, axis={op.detail[0]})")

    def standing(self, op: Op, args: Sequence[Text]) -> Text:
        axis = ", axis=-1" if len(op.reads[0].axes) > 1 and op.function != "argsort" else ""
        return Text(f"xp.{op.function}({args[0].code}{axis})")

    def products_of_others(self, op: Op, args: Sequence[Text]) -> Text:
        return Text(f"_others(xp, {args[0].code}, {op.detail[0]})")

    # Layouts

    def view(self, op: Op, args: Sequence[Text]) -> Text:
        source, target = op.reads[0].axes, op.axes
        if source == target:
            return args[0]
        array = args[0].at_least(Precedence.ATOM)
        if len(source) == 2 and source[::-1] == target:
            return Text(f"{array}.T")
        order = [a for a in target if isinstance(a, Index)]
        if labels(source) != order:
            units = [k for k, a in enumerate(source) if a is UNIT]
            places = tuple(units + [source.index(a) for a in order])
            array = f"xp.permute_dims({args[0].code}, {places})"
            source = (*(a for a in source if a is UNIT), *order)
        return Text(array + _complete(unit_axes(source, target), len(source)))

    def expand(self, op: Op, args: Sequence[Text]) -> Text:
        return Text(f"xp.broadcast_to({args[0].code}, {self.shape(op.axes)})")

    def reshape(self, op: Op, args: Sequence[Text]) -> Text:
        return Text(f"xp.reshape({args[0].code}, {self.shape(op.axes)})")

    def join(self, op: Op, args: Sequence[Text]) -> Text:
        name = {"concatenate": "concat"}.get(op.function, op.function)
        return Text(f"xp.{name}([{listed(args)}], axis={op.detail[0]})")

    # Parts

    def slice(self, op: Op, args: Sequence[Text]) -> Text:
        places: list[str] = []
        turned: list[int] = []
        for axis, part in zip(op.reads[0].axes, op.detail, strict=True):
            cut = part if isinstance(part, Cut) else None
            if cut is not None and cut.count is not None and is_negative(cut.step):
                turned.append(sum(":" in place for place in places))
                cut = Cut(cut.ends[0], -cut.step, cut.count)
            places.append(cut_text(cut, size_of(axis), self.code))
        code = f"{args[0].at_least(Precedence.ATOM)}[{', '.join(places)}]"
        if not turned:
            return Text(code)
        return Text(f"xp.flip({code}, axis={tuple(turned)})")

    def windows(self, op: Op, args: Sequence[Text]) -> Text:
        return Text(f"_windows(xp, {args[0].code}, {', '.join(self._parts(op))})")

    def placed(self, op: Op, args: Sequence[Text]) -> Text:
        parts = ", ".join(self._parts(op))
        return Text(f'_placed(xp, "{op.function}", {listed(args[:2])}, {parts})')

    def _parts(self, op: Op) -> Iterator[str]:
        """The part of each axis, as the functions of the file take it."""
        for part in op.detail:
            if isinstance(part, Window):
                numbers = [part.start, part.step, part.count, part.stride, part.length]
            elif isinstance(part, Cut):
                more = [] if part.count is None else [part.step, part.count]
                numbers = [part.start, *more]
            else:
                yield "None"
                continue
            texts = [self.code(n) for n in numbers]
            yield f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"

    # Positions

    def _places(self, op: Op, args: Sequence[Text]) -> list[str]:
        return [args[k].code if isinstance(k, int) else "None" for k in op.detail]

    def gather(self, op: Op, args: Sequence[Text]) -> Text:
        places = self._places(op, args)
        if is_subscript(op):
            numbers = [":" if place == "None" else place for place in places]
            return Text(f"{args[0].at_least(Precedence.ATOM)}[{', '.join(numbers)}]")
        mine = [k for k, part in enumerate(op.detail) if part is not None]
        if len(mine) == 1 and len(op.reads[1].axes) == 1:
            return Text(f"xp.take({args[0].code}, {places[mine[0]]}, axis={mine[0]})")
        return Text(f"_entries(xp, {args[0].code}, {', '.join(places)})")

    def added(self, op: Op, args: Sequence[Text]) -> Text:
        how, places = op.function.partition("_")[0], ", ".join(self._places(op, args))
        if how not in ("add", "subtract"):
            raise SpecError(f"entries at computed places are {how}, which this target can't")
        values = args[1].code if how == "add" else f"-{args[1].at_least(Precedence.UNARY)}"
        return Text(f"_added(xp, {args[0].code}, {values}, {places})")

    # Matrices

    def eye(self, op: Op, args: Sequence[Text]) -> Text:
        return Text(f"xp.eye({self.code(size_of(op.axes[0]))}, {self.made()})")

    def diagonal(self, op: Op, args: Sequence[Text]) -> Text:
        return Text(f"_diagonal(xp, {args[0].code})")

    def triangle(self, op: Op, args: Sequence[Text]) -> Text:
        name = {"lower": "tril", "upper": "triu"}[op.function]
        offset = f", k={op.detail[0]}" if op.detail[0] else ""
        return Text(f"xp.{name}({args[0].code}{offset})")

    def linalg(self, op: Op, args: Sequence[Text]) -> Text:
        if op.function in ("adjugate", "regular_inverse"):
            return Text(f"_{op.function}(xp, {args[0].code})")
        name, part = _SLOGDET.get(op.function, (op.function, ""))
        return Text(f"xp.linalg.{name}({listed(args)}){part}")

    KINDS: ClassVar[Mapping[str, str]] = {
        **{kind: how for kind, how in NumPyWriter.KINDS.items() if kind not in _OF_PASSES},
        "scatter": "added",
        "place": "placed",
    }


_SLOGDET = {"sign": ("slogdet", "[0]"), "logdet": ("slogdet", "[1]")}


def _complete(subscript: str, ndim: int) -> str:
    """A subscript with a mark for the axes that it leaves out, which the standard asks for."""
    places = subscript[1:-1].split(", ") if subscript else []
    named = sum(place != "None" for place in places)
    return f"{subscript[:-1]}, ...]" if places and named < ndim else subscript
