"""The functions of a generated module, and the workspace that they compute in."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

from symgrad.mathematics.equations import Variable
from symgrad.program.kinds import KINDS
from symgrad.program.memory import Plan, plan_of
from symgrad.program.program import Op, Program, is_temporary
from symgrad.targets.about import shape_text
from symgrad.targets.emitted import Passage, indented, passages
from symgrad.targets.module import Module, size_names, where_size_is
from symgrad.targets.numpy.buffers import BufferedWriter
from symgrad.targets.numpy.constants import called
from symgrad.targets.numpy.labels import checks, length_of, sizes_of_labels
from symgrad.targets.numpy.layout import call, definition, listed_in
from symgrad.targets.numpy.nesting import nested
from symgrad.targets.numpy.operations import NumPyWriter
from symgrad.targets.numpy.out import ABILITIES
from symgrad.targets.numpy.tuning import tuned
from symgrad.targets.numpy.words import OWN
from symgrad.targets.stages import (
    BACKWARD,
    FORWARD,
    OUTPUT,
    SHARED,
    Stage,
    in_stages,
    stages_of,
)
from symgrad.targets.statements import Assignment, Statement, grouped
from symgrad.templating import macros


@dataclass(frozen=True)
class Function:
    """A function, as the template needs it: how it opens, what it computes, what it answers.

    ``before``: what stands before the first value; ``printed`` writes a statement.
    """

    name: str
    head: Sequence[str]
    before: Sequence[Statement]
    assignments: Sequence[Assignment]
    result: Sequence[str]
    printed: Callable[[Statement], str]

    def passages(self, formulas: Mapping[str, str]) -> Iterator[Passage]:
        """The lines, with the equations that they compute."""
        opened = (*self.head, *indented(map(self.printed, self.before)))
        yield Passage(self.name, opened)
        yield from passages(self.name, self.assignments, formulas, self.printed, "#")
        if self.result:
            yield Passage(self.name, indented(self.result))


_INVENTED = re.compile(r"_(t|mask)(_\d+)?")
"""What values without a name are called."""


def printed(statement: Statement) -> str:
    """A statement as the template writes it."""
    return macros("numpy/statements.py.jinja")(statement.kind, statement)


def along(module: Module) -> str:
    """The directions, where the gradient is a derivative along them."""
    return f"along {', '.join(module.along.values())}" if module.along else ""


class Mathematics:
    """The mathematics of a module, once: its stages, and the values that they give."""

    plain_writer: type[NumPyWriter] = NumPyWriter
    """Writes what is computed without a workspace."""

    def __init__(self, module: Module) -> None:
        self.module = module
        wanted = module.results if module.gradients else module.values
        whole = module.computing(wanted)
        program = tuned(whole, plain=module.plain)
        self.formulas = with_those_gone(module.formulas, whole, program)
        gradients = module.gradients.values()
        self.program, self.stage = in_stages(program, module.output, gradients, module.values)
        self.plan = None if module.plain else plan_of(self.program, ABILITIES)
        self.writer = self._writer(self.plan)
        self.locals = {s: self.writer.size_locals[s] for s in size_names(program.inputs)}
        self.on_the_way = self._on_the_way()
        self.rest = Rest.of(self)
        self.stages = stages_of(
            self.writer.assignments,
            self._stage_of,
            [v.name for v in module.variables],
            self.locals.values(),
            self._wanted(),
        )

    def _writer(self, plan: Plan | None) -> NumPyWriter:
        if plan is None:
            return self.plain_writer(self.program)
        return BufferedWriter(self.program, plan, self.first, apart=bool(self.module.values))

    @cached_property
    def first(self) -> frozenset[str]:
        """The operations of the first stage."""
        return frozenset(name for name, stage in self.stage.items() if stage == FORWARD)

    @cached_property
    def _stage_of(self) -> Mapping[str, str]:
        """The stage of what each line computes; what gives two values belongs to an early one."""
        early = SHARED if SHARED in self.stage.values() else FORWARD
        both = {a.value: early for a in self.writer.assignments if a.others and not a.inner}
        return {**self.stage, **{v: s for v, s in both.items() if self.stage[v] != FORWARD}}

    def local(self, value: str) -> str:
        """What the lines call a value."""
        return self.writer.local[value]

    def _wanted(self) -> dict[str, list[str]]:
        """What each stage gives besides what others read, by local names."""
        found = [self.local(v) for v in (*self.on_the_way, *self.rest.reads)]
        return {
            FORWARD: found,
            OUTPUT: [self.local(self.module.output)] if self.module.gradients else [],
            BACKWARD: [self.local(g) for g in self.module.gradients.values()],
        }

    # The values on the way

    def _on_the_way(self) -> list[str]:
        """The values that the first stage gives, of those that the module offers."""
        ops = {o.name: o for o in self.program}
        changing = (o for o in self.program if KINDS[o.kind].changes and o.name in self.first)
        changed = {name for o in changing for name in _below(ops, o)}
        return [v for v in self.module.values if v in self.first - changed]

    # The functions

    @staticmethod
    def printed(statement: Statement) -> str:
        """A statement as the template writes it."""
        return printed(statement)

    def cores(self) -> Iterator[Function]:
        """A function for each stage."""
        quiet = {*self.module.gradients.values()} & self.module.may_be_infinite
        for stage in self.stages.values():
            decorators = ['@np.errstate(all="ignore")'] if quiet and stage.name == BACKWARD else []
            yield self._core(stage, decorators)

    def _core(self, stage: Stage, decorators: Sequence[str]) -> Function:
        takes = [f"{name}: {self._type(name)}" for name in self.given(stage.name)]
        gives, result = self._answer(stage)
        lines = [a for a in stage.assignments if a.value not in self._aliases]
        assignments = nested(lines, stage.results, self.printed)
        if assignments and (answer := self._returned(assignments[-1], result)) is not None:
            assignments[-1], result = answer, []
        name = self.function(stage.name)
        checked = indented(line for _, line in self.labels.get(stage.name, ()))
        return Function(
            name,
            [*decorators, *definition(name, takes, gives), *checked],
            [*self._sizes(stage), *self._constants(stage)],
            assignments,
            result,
            self.printed,
        )

    def function(self, stage: str) -> str:
        """What the function of a stage is called: as its result, where it is between the others."""
        results = self.stages[stage].results if stage == SHARED and stage in self.stages else ()
        name = f"_{results[0]}" if len(results) == 1 else stage
        return stage if _INVENTED.fullmatch(name) or name in OWN else name

    def given(self, stage: str) -> list[str]:
        """What a stage is called with."""
        read = set(self.stages[stage].given)
        read |= {self.where(size, read)[0] for size in self._sizes_left(self.stages[stage])}
        if self.plan is None and read & self._of_floats:
            read |= {self.writer.dtype().partition(".")[0]} & {
                v.name for v in self.module.arguments
            }
        made = (n for s in self.stages.values() for n in s.results)
        order = dict.fromkeys([*(v.name for v in self.module.arguments), *made])
        found = [name for name in order if name in read]
        return [*found, "ws"] if self.plan and self._uses_room(stage) else found

    @cached_property
    def labels(self) -> Mapping[str, list[tuple[str, str]]]:
        """The lines that check labels, each with what it checks, by the stage that reads them.

        By no name those that stages can't check alone.
        """
        found: dict[str, list[tuple[str, str]]] = {}
        bounded = [v for v in self.module.arguments if v.bounds and self.plan]
        for v in bounded:
            home, given = self._home(v)
            lines = checks(v.name, v, partial(length_of, given=given))
            found.setdefault(home, []).extend((v.name, line) for line in lines)
        return found

    def _home(self, labels: Variable) -> tuple[str, list[Variable]]:
        """The only stage that reads labels, if it knows their range, and what it is given."""
        given = self.module.arguments
        stages = [stage for stage in self.stages if labels.name in self.given(stage)]
        if len(stages) == 1:
            mine = [v for v in given if v.name in self.given(stages[0])]
            if sizes_of_labels(labels) <= {*size_names(mine)}:
                return stages[0], mine
        return "", [*given]

    @cached_property
    def _of_floats(self) -> set[str]:
        """The arrays of floats that are part of the file, which get the dtype of an argument."""
        return {
            v.name for v in self.module.variables if v.role == "constant" and v.dtype == "float"
        }

    def _uses_room(self, stage: str) -> bool:
        lines = (s for a in self.stages[stage].assignments for s in a.all_statements)
        texts = (x for s in lines for x in _parts(s))
        return any("ws." in text for text in texts)

    def _type(self, name: str) -> str:
        if name == "ws":
            return "Workspace"
        return "Array" if name in self._arrays else "Any"

    @cached_property
    def _arrays(self) -> set[str]:
        """What is an array of floats."""
        local = self.writer.local
        made = (o for o in self.program if o.name in local)
        found = {local[o.name] for o in made if o.axes and o.dtype == "float"}
        return found | {v.name for v in self.module.arguments if v.shape and v.dtype == "float"}

    # Named sizes

    def _sizes_left(self, stage: Stage) -> list[str]:
        """The named sizes that a stage reads."""
        return [size for size, local in self.locals.items() if local in stage.sizes]

    def where(self, size: str, given: Collection[str]) -> tuple[str, int]:
        """The argument that has an axis of a named size, one that is given if any; which axis."""
        mine = [v for v in self.module.arguments if v.name in given]
        return where_size_is(size, mine if size in size_names(mine) else self.module.variables)

    def _sizes(self, stage: Stage) -> Iterator[Statement]:
        """The named sizes, each as the length of an axis."""
        given = self.given(stage.name)
        for size in self._sizes_left(stage):
            name, axis = self.where(size, given)
            yield Statement("size", self.locals[size], (name,), detail={"axis": axis})

    def _constants(self, stage: Stage) -> Iterator[Statement]:
        if self.plan is None:
            yield from self.arrays(set(stage.given), self.writer.dtype())

    def arrays(self, names: Collection[str], dtype: str) -> Iterator[Statement]:
        """The arrays of numbers that are part of the file, of these names; of floats in a dtype."""
        yield from arrays_of_the_file(self.module, names, dtype)

    # What they answer

    def _answer(self, stage: Stage) -> tuple[str, list[str]]:
        """The type of what a stage gives, and the lines that give it."""
        if stage.name == BACKWARD:
            return "Gradients", call("return Gradients", self._derivatives(stage))
        if len(stage.results) == 1:
            return "Any", [f"return {stage.results[0]}"]
        return "tuple[Any, ...]", listed_in("return", stage.results)

    def _returned(self, last: Assignment, result: Sequence[str]) -> Assignment | None:
        """The last line with the answer in it, where it is all that the line is for."""
        *before, statement = last.statements
        name, _, value = self.printed(statement).partition(" = ")
        if statement.name != name or "\n" in value or list(result) != [f"return {name}"]:
            return None
        answer = Statement("answer", name, (value,))
        return replace(last, statements=(*before, answer))

    def _derivatives(self, stage: Stage) -> list[str]:
        """The derivatives as arguments: by their names where one is another value."""
        if not self._aliases:
            return list(stage.results)
        pairs = zip(self.module.gradients.items(), stage.results, strict=True)
        return [f"{name}={self._aliases.get(value, local)}" for (name, value), local in pairs]

    @cached_property
    def _aliases(self) -> dict[str, str]:
        """Derivatives that are the same as another value, and what that is called."""
        last = {*self.module.gradients.values()} - self.writer.read
        return {
            a.value: a.statements[0].x
            for a in self.writer.assignments
            if a.value in last and _is_a_name(a) and self._stage_of[a.value] == BACKWARD
        }


def with_those_gone(
    formulas: Mapping[str, str], before: Program, after: Program
) -> Mapping[str, str]:
    """The equations; those of values that passes took away stand above what first rests on them.

    That of a value which is laid out otherwise stands above the array of another name.
    """
    told, left = dict(formulas), {o.name for o in after}
    turned = {o.hint: o.name for o in after if is_temporary(o.name) and o.hint not in left}
    gone: dict[str, list[str]] = {}
    for op in before:
        below = dict.fromkeys(n for r in op.reads for n in gone.get(r.name, ()) if n in told)
        missing = op.name in formulas and op.name not in left and not KINDS[op.kind].is_view
        home = turned.get(op.name, op.name)
        if missing and home == op.name:
            gone[op.name] = [*below, op.name]
        elif is_temporary(op.name) or KINDS[op.kind].is_view:
            gone[op.name] = [*below]
        elif op.name in formulas:
            lines = [f"{told.pop(n)}  {shape_text(before.shapes[n])}".strip() for n in below]
            end = "" if home == op.name else ", laid out as"
            told[home] = "\n".join([*lines, f"{formulas[op.name]}{end}"])
    return told


def _is_a_name(assignment: Assignment) -> bool:
    statements = assignment.statements
    one = len(statements) == 1 and statements[0].kind == "assign"
    return one and statements[0].x.isidentifier()


@dataclass(frozen=True)
class Rest:
    """The values that the first stage does not give: computed as they read best, after it.

    ``reads``: the values of the first stage that these lines read; ``local``: what they are called.
    """

    assignments: Sequence[Assignment]
    reads: Sequence[str]
    local: Mapping[str, str]
    sizes: Sequence[str]

    @classmethod
    def of(cls, made: Mathematics) -> Rest:
        """Along the program where that changes nothing in place, else from the named values."""
        missing = [v for v in made.module.values if v not in made.on_the_way]
        if not missing:
            return cls((), (), {}, ())
        local = made.writer.local
        kept = made.plan.constant if made.plan else frozenset()
        found = (name for name in made.first - kept if name in local)
        program, known = made.program, {name: local[name] for name in found}
        only = _after(program, missing, known)
        there = set(missing) <= only
        if not there or any(KINDS[o.kind].changes for o in program if o.name in only):
            way = made.module.way or made.module.computing(made.module.values)
            program = tuned(way, plain=True)
            known = {name: made.local(name) for name in made.on_the_way}
            only = _after(program, missing, known)
        writer = made.plain_writer(program, only=only, known=known)
        uses = {n for a in writer.assignments for n in a.uses}
        return cls(
            [*grouped(writer.assignments)],
            [name for name, local in known.items() if local in uses and name in writer.read],
            {v: writer.local[v] for v in missing},
            [local for local in writer.size_locals.values() if local in uses],
        )


def _after(program: Program, wanted: Iterable[str], known: Collection[str]) -> frozenset[str]:
    """The operations that lead from known values to others."""
    ops = {o.name: o for o in program}
    found: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name in ops and name not in found and name not in known:
            found.add(name)
            waiting += (r.name for r in ops[name].reads)
    return frozenset(found)


def _below(ops: Mapping[str, Op], op: Op) -> Iterator[str]:
    """The values whose memory an operation changes."""
    while True:
        name = op.reads[0].name
        yield name
        if name not in ops:
            return
        op = ops[name]
        if not (KINDS[op.kind].may_alias or KINDS[op.kind].changes):
            return


def _parts(statement: Statement) -> Iterator[str]:
    yield from (statement.out, *statement.operands, statement.name)


def arrays_of_the_file(
    module: Module, names: Collection[str], dtype: str, home: str = ""
) -> Iterator[Statement]:
    """The arrays of numbers that are part of the file, those of floats in a dtype."""
    for v in module.variables:
        if v.role == "constant" and v.name in names:
            more = [dtype] if v.dtype == "float" else []
            yield Statement("array", f"{home}{v.name}", (called(v.name), *more))
