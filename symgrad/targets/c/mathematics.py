"""The functions that compute: the forward pass, the rest of the output, and the backward pass."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from symgrad.program.kinds import KINDS
from symgrad.program.program import Op, Program
from symgrad.targets.c.computing import WANTED, Piece, spoken
from symgrad.targets.c.entries import Entries
from symgrad.targets.c.kept import Kept
from symgrad.targets.c.loops import Block, Node, looped
from symgrad.targets.c.numbers import TYPES
from symgrad.targets.c.operations import Operations
from symgrad.targets.c.recurrences import Recurring
from symgrad.targets.c.runtime import functions
from symgrad.targets.c.words import FIELDS, WORDS, in_ascii, letters, macros
from symgrad.targets.module import Module
from symgrad.targets.stages import BACKWARD, FORWARD, OUTPUT, SHARED, in_stages

STAGES = {FORWARD: "forward", OUTPUT: "rest", BACKWARD: "backward"}
"""What the functions are called, in order: each reads what those before it have computed."""

ADDABLE = frozenset({"view", "expand", "slice", "windows", "fill", "eye", "map", "gather", "take",
                     "diagonal", "triangle", "copy", "contract", "matmul", "reduce", "trace",
                     "cumsum", "join", "reshape"})  # fmt: skip
"""Kinds whose result may be added to what is there, without an array in between."""


@dataclass
class Function:
    """A function of a stage: its lines by the value that they compute."""

    name: str
    first: list[str] = field(default_factory=list)
    parts: list[Piece] = field(default_factory=list)
    last: list[Node] = field(default_factory=list)
    reads: set[str] = field(default_factory=set)


class Mathematics(Recurring):
    """The functions of a module, and the memory that they share."""

    def __init__(
        self, module: Module, program: Program, name: str, *, at_once: bool = False
    ) -> None:
        """``at_once``: whether one function computes all, derivatives where they are wanted."""
        self.module, self.at_once = module, at_once
        self.real = TYPES[module.dtype]
        self.integer, prefix = f"{name}_integer", name.upper()
        gradients = list(dict.fromkeys(module.gradients.values()))
        self.program, stages = in_stages(program, module.output, gradients, ())
        late = (n for n, stage in stages.items() if at_once and stage == BACKWARD)
        self.late = frozenset(late)
        early = {n for n, stage in stages.items() if at_once or stage == SHARED}
        self.stage = {**stages, **dict.fromkeys(early, FORWARD)}
        self.kept = Kept(self.program)
        self.macros = macros(prefix, module.sizes)
        self.names = WORDS.locals([*STAGES.values(), *functions(), *self.macros])
        self.inputs = {v.name: self.names.new(in_ascii(v.name)) for v in self.program.inputs}
        self.local = dict(self.inputs)
        self.external = self._external()
        self.shared = frozenset(self._numbers_between())
        self.entries = Entries(
            self.program, self.kept, self.called, self.integer, self.real, self.names.new
        )
        counting = letters({*map(in_ascii, (*spoken(self.program), "t"))})
        self.operations = Operations(self.entries, counting, prefix)
        self.formulas = module.formulas
        self.compute()

    # What values are called, and where they are

    def _external(self) -> dict[str, str]:
        """Values that are written straight to where the caller wants them, and what these are."""
        wanted: dict[str, list[str]] = {}
        for name, value in self.wanted():
            wanted.setdefault(value, []).append(name)
        found = {}
        for value, names in wanted.items():
            stage = self._stage_of(value)
            alone = len(names) == 1 and self.program.uses[value] == 1
            if alone and self._is_addable(value, stage):
                found[self.kept.root.get(value, value)] = names[0]
        return found

    def wanted(self) -> Iterator[tuple[str, str]]:
        """The pointers that a caller gives, and the values that go there."""
        yield from self.module.gradients.items()
        if self.program.shapes[self.module.output]:
            yield "", self.module.output

    def _is_addable(self, value: str, stage: str) -> bool:
        """Whether the loops of a value, and of what is changed to it, can add to what is there."""
        name = value
        while name in self.kept.ops:
            op = self.kept.ops[name]
            if self.program.uses[name] != 1 or self.stage[name] != stage:
                return False
            if not KINDS[op.kind].changes:
                return op.kind in ADDABLE and not self.kept.is_alias(op)
            if op.function == "set" or op.kind == "put":
                return False
            name = op.reads[0].name
        return False

    @cached_property
    def _at(self) -> Mapping[str, int]:
        return {op.name: k for k, op in enumerate(self.program.ops)}

    def _numbers_between(self) -> Iterator[str]:
        lazy = self.kept.lazy
        for op in self.program.ops:
            if op.axes or op.name in lazy:
                continue
            readers = {*self._stages_reading(op.name)}
            if readers - {self.stage[op.name]} or self._is_returned(op):
                yield op.name

    def _is_returned(self, op: Op) -> bool:
        return op.name == self.module.output and self.stage[op.name] != OUTPUT

    def _stages_reading(self, name: str) -> Iterator[str]:
        for op in self.kept.readers[name]:
            if op.name in self.kept.lazy:
                yield from self._stages_reading(op.name)
            else:
                yield self.stage[op.name]

    # The functions

    def function(self, stage: str) -> Function:
        """The function of a stage."""
        found = Function(STAGES[stage])
        made: set[str] = set()
        for group in (g for g in self.groups if g[0].stage == stage):
            found.reads |= {n for part in group for n in (*part.reads, *self._roots(part))}
            found.parts += self.pieces(group, made)
        found.last = [*self._given_out(stage)]
        if self.at_once and found.last:
            found.last = [Block(found.last, WANTED)]
        found.reads |= {self.kept.root[v] for _, v in self.wanted() if self._goes_out(stage, v)}
        found.first = [*self._pointers(stage, found.reads, made)]
        return found

    def _goes_out(self, stage: str, value: str) -> bool:
        """Whether a value is copied to the caller's memory at the end of a stage."""
        if self.kept.root[value] in self.external:
            return False
        return stage == self._stage_of(value)

    def _stage_of(self, wanted: str) -> str:
        """The stage that gives out what a caller wants."""
        if self.at_once:
            return FORWARD
        return OUTPUT if wanted == self.module.output else BACKWARD

    def _given_out(self, stage: str) -> Iterator[Node]:
        """The loops that copy results to where the caller wants them."""
        for name, value in self.wanted():
            if self._goes_out(stage, value):
                yield from self._copied_out(name, value)

    def _copied_out(self, name: str, value: str) -> Iterator[Node]:
        shape = self.entries.shapes[value]
        source = self.entries.local(self.kept.root[value])
        target = f"derived->{self.fields[name]}" if name else "value"
        count = math.prod(shape)
        k = self.operations.letters[0]
        place = f"[{k}]" if shape else "[0]"
        x = f"{source}[{k}]" if shape else source
        line = f"{target}{place} = add ? ({target}{place} + {x}) : {x};"
        line = line if name else f"{target}{place} = {x};"
        yield from looped([(k, count)] if shape else [], [line])

    def _pointers(self, stage: str, read: set[str], written: set[str]) -> Iterator[str]:
        """Names for what a function reads, or writes for its caller."""
        for variable in self.program.inputs:
            if variable.name in read and variable.role != "constant":
                type_ = self.entries.type(variable.dtype)
                star = "*restrict const " if variable.shape else ""
                name = self.inputs[variable.name]
                yield f"const {type_} {star}{name} = given->{self.fields[variable.name]};"
        for root in sorted(read & {*self.kept.ops}, key=self._order):
            name, type_ = self.local[root], self.entries.type(self.kept.ops[root].dtype)
            if root in self.external:
                to = self.external[root]
                target = f"derived->{self.fields[to]}" if to else "value"
                target = f"(derived != NULL) ? {target} : NULL" if self.at_once else target
                yield f"{type_} *restrict const {name} = {target};"
            elif self.kept.ops[root].axes and self.begun[root] != stage:
                constant = "" if root in written else "const "
                yield f"{constant}{type_} *const {name} = work->{self.member(root)};"

    def _order(self, name: str) -> int:
        return self._at[name]

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """What inputs, and values that are differentiated by, are called in the structs."""
        names = FIELDS.locals(self.macros)
        found = {}
        for name in dict.fromkeys([*(v.name for v in self.module.arguments),
                                   *self.module.gradients]):  # fmt: skip
            found[name] = names.new(in_ascii(name))
        return found


def uses(lines: Sequence[str], name: str) -> bool:
    """Whether lines mention a name that is no part of a struct."""
    return any(re.search(rf"(?<!->)\b{name}\b", line) for line in lines)
