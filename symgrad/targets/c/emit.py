"""The C target: a source, its header, and a program that tests both."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import PurePath
from typing import Any

import numpy as np
import sympy as sp

from symgrad.errors import SpecError
from symgrad.files import mark
from symgrad.mathematics.equations import Variable
from symgrad.mathematics.sizes import named
from symgrad.program.costs import flops
from symgrad.program.less_work import signs
from symgrad.program.memory import Abilities
from symgrad.program.passes import everywhere
from symgrad.program.program import is_temporary
from symgrad.targets.about import WIDTH, about, shape_text
from symgrad.targets.c.computing import Piece
from symgrad.targets.c.desk import from_texts
from symgrad.targets.c.entries import exactly
from symgrad.targets.c.golden import Golden
from symgrad.targets.c.loops import STEP, Node, lines, opening
from symgrad.targets.c.mathematics import STAGES, Function, Mathematics
from symgrad.targets.c.numbers import FUNCTIONS, in_type, suffixed
from symgrad.targets.c.offered import Offered
from symgrad.targets.c.reciprocals import products_with_reciprocals
from symgrad.targets.c.runtime import needed
from symgrad.targets.c.words import WORDS, in_ascii, macro
from symgrad.targets.c.written import array_lines, comment, literal, plain, uncommented
from symgrad.targets.emitted import Emitted, Part, Passage
from symgrad.targets.module import Module
from symgrad.targets.target import Target
from symgrad.templating import render


def emit(module: Module) -> Emitted:
    """The source as text, what its lines compute, and the files beside it."""
    _check_options(module)
    _check_sizes(module)
    made = _Files(module)
    found = Emitted.of(made.parts(), main=tuple(STAGES.values()), gap=1)
    beside = dict(zip(BESIDE, (made.header(), made.test()), strict=True))
    return replace(found, beside=beside)


PASSES = (products_with_reciprocals, signs)

FAR = 8192
"""So many entries are farther away than the nearest cache."""

LARGEST = 2**31
"""So many numbers at most are in an array: more are in no machine's static memory."""

COMBINED = {"SUM": "+", "LARGEST": "larger", "SMALLEST": "smaller"}
"""Words before loops that combine numbers, and what these are combined with."""

EXTREMES = {"LARGEST": ("larger", "-INFINITY"), "SMALLEST": ("smaller", "INFINITY")}
"""The functions that compilers are told of, which keep NaN, and what each begins with."""

BESIDE = (".h", "_test.c")
"""How the files end that go with a source."""


def _check_options(module: Module) -> None:
    """SpecError where something is asked for that this target does not write."""
    asked = {"prepare": module.preparation, "plain": module.plain, "unroll": module.unroll}
    if found := [name for name, value in asked.items() if value]:
        raise SpecError(f"the target c does not know {found[0]}", hint="leave it out")


def _check_sizes(module: Module) -> None:
    if free := named(s for v in module.variables for s in v.shape):
        each = " ".join(f"--size {name}=..." for name in free)
        raise SpecError(
            f"C needs numbers for the sizes {', '.join(free)}" if len(free) > 1
            else f"C needs a number for the size {free[0]}",
            hint=f"add {each}, or sizes={{{', '.join(f'{n!r}: ...' for n in free)}}}",
        )  # fmt: skip
    for name, shape in module.program.shapes.items():
        if (count := exactly(sp.Mul(*shape))) > LARGEST:
            raise SpecError(
                f"the target c writes arrays of at most 2^31 numbers: {_shown(name)} has {count:,}",
                hint="give smaller sizes: a loss over more rows is a sum of those over chunks",
            )


def _shown(name: str) -> str:
    """A value as a message has it: some have no name."""
    return "a value on the way" if is_temporary(name) else name


class _Files:
    """The texts of a module."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.name = in_ascii(module.name or PurePath(module.origin).stem or "model")
        self.made = self._mathematics()
        self.functions = {stage: self.made.function(stage) for stage in STAGES}
        self.offered = Offered(self.name, self.made, self.functions)
        self.golden = Golden(module, self.made)
        self.counts = False
        """Whether the source has integers besides labels that are given."""

    def _mathematics(self) -> Mathematics:
        """The functions; one that computes all, where what goes between them is more than near."""
        module, program = self.module, self.module.computing(self.module.results)
        for transform in PASSES:
            program = everywhere(transform, program)
        made = Mathematics(module, program, self.name)
        if made.memory < FAR or program.shapes[module.output] or not module.gradients:
            return made
        other = Mathematics(module, program, self.name, at_once=True)
        return other if 2 * other.memory <= made.memory else made

    # The source

    def parts(self) -> Iterator[Part]:
        """The lines that include, the functions, and what is offered."""
        after = [*self._functions()]
        text = uncommented("\n".join(x for part in after for p in part for x in p.lines))
        constants = [*self._constants()]
        words = [end for end in ("EACH", *COMBINED) if f"{self.name.upper()}_{end}" in text]
        self.counts = self.made.integer in "\n".join([text, *constants])
        yield self._rendered("source.c", constants=constants, words=words, combined=COMBINED)
        yield from (in_type(t, self.module.dtype) for t in needed(text))
        if extremes := [EXTREMES[word] for word in words if word in EXTREMES]:
            yield self._rendered("extremes.c", extremes=extremes)
        yield from after
        yield from self.offered.definitions()

    def _functions(self) -> Iterator[list[Passage]]:
        for stage, function in self.functions.items():
            if stage in self.offered.stages:
                yield [*self._passages(stage, function)]

    def _passages(self, stage: str, function: Function) -> Iterator[Passage]:
        name = function.name
        yield Passage(name, (f"{self.offered.head(stage)} {{",))
        if function.first:
            yield Passage(name, self._written(function.first))
        telling = self.made.telling
        for _, run in groupby(function.parts, lambda piece: telling.owner[piece.op.name]):
            yield self._passage(name, [*run])
        if last := self._written(function.last):
            yield Passage(name, last, apart=True)
        yield Passage(name, (*self.offered.end(stage), "}"))

    def _passage(self, name: str, pieces: Sequence[Piece]) -> Passage:
        """Lines that lead to one value, below its equation, or what they are for."""
        telling, last = self.made.telling, pieces[-1].op
        found = last.name in self.module.formulas
        told = telling.equation(last) if found else telling.towards(last)
        told += [
            text for piece in pieces if piece.op is not last for text in telling.beside(piece.op)
        ]
        told += [] if found else telling.beside(last)
        indent = STEP * (2 if pieces[0].inside else 1)
        above = tuple(line for text in told for line in comment(text, indent))
        code = tuple(line for piece in pieces for line in self._piece(piece))
        return Passage(name, code, last.name if found else "", above, apart=True)

    def _piece(self, piece: Piece) -> Iterator[str]:
        """The lines of a value, with those that open and close a loop that it shares."""
        yield from self._written(piece.head)
        if piece.opens and piece.loop:
            yield STEP + opening(piece.loop)
        yield from self._written(piece.body, STEP * (2 if piece.loop else 1))
        if piece.closes:
            yield f"{STEP}}}"

    def _written(self, nodes: Iterable[Node], indent: str = STEP) -> tuple[str, ...]:
        return tuple(lines(nodes, indent, lambda line: suffixed(line, self.module.dtype)))

    def _constants(self) -> Iterator[str]:
        for variable in self.module.variables:
            if variable.role == "constant":
                yield ""
                yield from self._array(variable)

    def _array(self, variable: Variable) -> Iterator[str]:
        values = np.asarray(variable.values).reshape(-1)
        type_ = self.made.entries.type(variable.dtype)
        name = self.made.inputs[variable.name]
        if not variable.shape:
            yield f"static const {type_} {name} = {self._value(values[0], variable.dtype)};"
            return
        yield f"static const {type_} {name}[{len(values)}] = {{"
        yield from array_lines([self._value(x, variable.dtype) for x in values])
        yield "};"

    def _value(self, value: Any, dtype: str) -> str:
        return suffixed(literal(value, dtype), self.module.dtype)

    def _rendered(self, template: str, **more: Any) -> str:
        values = {
            "origin": mark(self.module.origin),
            "title": plain(self.module.title),
            "name": self.name,
            "NAME": self.name.upper(),
            "real": self.made.real,
            "integer": self.made.integer,
        }
        return render(f"c/{template}.jinja", **values, **more).removesuffix("\n")

    # The header, and the test

    def header(self) -> str:
        """What other files include."""
        module, fields = self.module, self.made.fields
        derivatives = [*self._derivatives()]
        document = [plain(x) for line in about(module, checked=False) for x in _wrapped(line)]
        return self._rendered(
            "header.h",
            document=document,
            integers=any(v.dtype == "int" for v in module.arguments) or self.counts,
            arguments=[(self.made.entries.type(v.dtype), fields[v.name], shape_text(v.shape),
                        bool(v.shape)) for v in module.arguments],
            derivatives=derivatives,
            entries=sum(self._count(v) for v in module.gradients.values()),
            members=[*self._members()] or [("char", "unused", 0, "")],
            sizes=[(macro(name), number) for name, number in module.sizes.items()],
            declared=[*self.offered.declared()],
            multiplied=self.made.operations.products.used,
            described=[json.dumps(self._description())],
        ) + "\n"  # fmt: skip

    def _count(self, value: str) -> int:
        return math.prod(self.made.entries.shapes[value])

    def _derivatives(self) -> Iterator[tuple[str, str, int]]:
        start = 0
        for name, value in self.module.gradients.items():
            yield self.made.fields[name], shape_text(self.module.program.shapes[value]), start
            start += self._count(value)

    def _members(self) -> Iterator[tuple[str, str, int, str]]:
        """The parts of the workspace, the largest entries first."""
        made = self.made
        rooms = dict.fromkeys(map(id, made.rooms.values()))
        by_id = {id(room): room for room in made.rooms.values()}
        found = []
        for room in (by_id[k] for k in rooms):
            first, *others = (made.local[v] for v in room.values)
            found.append((made.entries.type(room.dtype), first, room.count, ", ".join(others)))
        numbers = sorted(made.shared, key=lambda n: made.local[n])
        types = {n: made.entries.type(made.kept.ops[n].dtype) for n in numbers}
        found += [(types[n], made.local[n], 0, "") for n in numbers]
        found += [(type_, name, count, "") for name, (type_, count) in made.scratch.items()]
        yield from found

    def _description(self) -> Mapping[str, Any]:
        """What a loader has to know."""
        shapes, fields = self.made.entries.shapes, self.made.fields
        return {
            "name": self.name,
            "dtype": self.module.dtype,
            "arguments": [[v.name, fields[v.name], v.dtype, list(shapes[v.name])]
                          for v in self.module.arguments],
            "derivatives": [[n, fields[n], list(shapes[v])]
                            for n, v in self.module.gradients.items()],
            "output": list(shapes[self.module.output]),
            "labels": [*self.offered.ranges()],
            "operations": exactly(flops(self.made.program)),
        }  # fmt: skip

    def test(self) -> str:
        """A program that compares with numbers that were computed when the files were made."""
        return self._rendered("test.c", **self.golden.values()) + "\n"


def _wrapped(line: str) -> Iterable[str]:
    return textwrap.wrap(line, 2 * WIDTH, break_long_words=False) or [""]


_ABILITIES = Abilities(fills=lambda op: True, writes_over=lambda op: ())

C = Target(
    "c",
    ".c",
    emit,
    from_texts,
    WORDS,
    PASSES,
    abilities=_ABILITIES,
    runtime=tuple(sorted(FUNCTIONS)),
    beside=BESIDE,
)
