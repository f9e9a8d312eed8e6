"""What a generated module offers: the functions that people call, each a few lines."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from symgrad.mathematics.sizes import named
from symgrad.targets.emitted import passages
from symgrad.targets.identifiers import Locals
from symgrad.targets.numpy.functions import Mathematics, along
from symgrad.targets.numpy.labels import checks, length_of
from symgrad.targets.numpy.layout import (
    LINE,
    assigned,
    call,
    definition,
    in_brackets,
    mapping,
    quoted,
    wrapped,
)
from symgrad.targets.numpy.rows import has_long_rows, in_a_small_buffer
from symgrad.targets.numpy.segments import WHOLE
from symgrad.targets.stages import BACKWARD, FORWARD, OUTPUT, SHARED, needed

_PART = {"loss": "[0]", "gradients": "[1]"}
"""Which part of both each gives."""

WORKSPACE = "workspace: Workspace | None = None"

_THREAD = (
    "if ws._thread != threading.get_ident():",
    '    raise ValueError("what bind() gave belongs to another thread: bind there")',
)


@dataclass(frozen=True)
class Offered:
    """A function that people call: its first lines, what it tells, and its body."""

    head: Sequence[str]
    summary: str
    body: Sequence[str]


class Face:
    """The functions of a module, over its mathematics."""

    def __init__(self, made: Mathematics, *, naming: bool = False, entries: bool = False) -> None:
        """``naming``: errors are told better; ``entries``: single numbers are tried first."""
        self.made, self.module = made, made.module
        self.decorators = ["@_naming"] if naming else []
        self.entries = entries
        self.names = [v.name for v in self.module.arguments]
        self.room = made.plan is not None

    def offered(self) -> Iterator[Offered]:
        """Every function that people call, but those of workspaces and vectors."""
        module, output = self.module, self.module.output
        kind = f"derivative {along(module)}" if module.along else "derivatives by the parameters"
        of_output = f"The {kind.replace(' ', f' of {output} ', 1)}."
        if module.values:
            yield self.of_the_way()
        if not module.gradients:
            return
        yield self._named("loss", "Any", module.formulas.get(output, output), self.loss())
        yield self._named("gradients", "Gradients", of_output, self.gradients())
        both = f"The value of {output}, and its {kind}."
        pair = "tuple[Any, Gradients]"
        if not self.room:
            yield self._named("loss_and_gradients", pair, both, self.both())
            return
        answer = call("return _both", [f"*_ready({self.given}, workspace)"])
        head = self.signature("loss_and_gradients", self.names, "Any", pair)
        yield Offered([*self.decorators, *head], quoted(both), [*self._tried(""), *answer])
        head = definition("_both", ["arrays: Any", "ws: Workspace"], pair)
        alone = [*_THREAD, *unpacked_names(self.names, "arrays"), *self._unchecked(self.names)]
        yield Offered(head, "", [*alone, *self._both_of_rows()])

    def _named(self, name: str, gives: str, told: str, body: Sequence[str]) -> Offered:
        """A function of all arguments, which it checks."""
        head = self.signature(name, self.names, "Any", gives)
        tried = self._tried(_PART.get(name, ""))
        ready = [*self.ready(self.names), *self._unchecked(self.names)]
        return Offered(
            [*self.decorators, *head], quoted(told), [*tried, *_used(ready, body), *body]
        )

    def _tried(self, part: str) -> list[str]:
        """Whether single numbers would do is asked first."""
        if not self.entries:
            return []
        return [f"if found := _by_entries({self.given}, workspace):", f"    return found{part}"]

    @property
    def given(self) -> str:
        """The arguments as a tuple."""
        return in_brackets(self.names)

    def signature(self, name: str, names: Sequence[str], kind: str, gives: str) -> list[str]:
        """The first lines of a function of arguments of one type."""
        more = [WORKSPACE] if self.room else []
        return definition(name, [*(f"{n}: {kind}" for n in names), *more], gives)

    # Bodies

    def ready(self, names: Sequence[str], *more: str) -> list[str]:
        """The line that checks the arguments; ``more``: what else is told to the function."""
        if not self.room:
            quoted_names = in_brackets([*map(repr_of, names)])
            checked = assigned(_targets(names), "_checked", [quoted_names, in_brackets(names)])
            return [*checked, *self._labels(names)]
        given = in_brackets(names)
        if len(f"{given}, ws = _ready({', '.join([given, 'workspace', *more])})") <= LINE - 4:
            return pair(names, "_ready", [given, "workspace", *more])
        return [*call("given = ", names), *pair(names, "_ready", ["given", "workspace", *more])]

    def bound_ready(self) -> list[str]:
        """The lines that check the arrays that are bound."""
        line = f"arrays, ws = _ready(given := {self.given}, workspace)"
        if len(line) <= LINE - 4:
            return [line]
        return [*call("given = ", self.names), "arrays, ws = _ready(given, workspace)"]

    def _unchecked(self, names: Sequence[str]) -> list[str]:
        """The lines that check the labels that no stage checks."""
        found = self.made.labels.get("", ()) if self.room else ()
        return [line for name, line in found if name in names]

    def _labels(self, names: Sequence[str], checked: Collection[str] = ()) -> Iterator[str]:
        """The lines that check the labels among some arguments, but those that are ``checked``."""
        taken = [v for v in self.module.arguments if v.name in names]
        for variable in (v for v in taken if v.name not in checked):
            yield from checks(variable.name, variable, partial(length_of, given=taken))

    def loss(self) -> list[str]:
        """The output alone."""
        if self.module.segments:
            return call(f"return {WHOLE}", [*self.names, "False"])
        return _in_the_answer(self.run([OUTPUT]), f"return {self.output()}")

    def gradients(self) -> list[str]:
        """The derivatives alone."""
        if self.module.segments:
            return [
                *call(f"_, *found = {WHOLE}", [*self.names, "True"]),
                "return Gradients(*found)",
            ]
        return _in_the_answer(self.run([BACKWARD]), f"return {self.derivatives()}")

    def both(self) -> list[str]:
        """The output and its derivatives."""
        if self.module.segments:
            called = call(f"value, *found = {WHOLE}", [*self.names, "True"])
            return [*called, "return value, Gradients(*found)"]
        lines = self.run([OUTPUT, BACKWARD])
        answer = f"return {self.output()}, {self.derivatives()}"
        if len(answer) <= LINE - 4:
            return [*lines, answer]
        value = self._new_name("value")
        return [*lines, f"{value} = {self.output()}", f"return {value}, {self.derivatives()}"]

    def _new_name(self, wish: str) -> str:
        """A name that nothing has that is computed there."""
        results = (n for s in self.made.stages.values() for n in s.results)
        return Locals([*self.names, *results, "arrays", "ws"]).new(wish)

    def _both_of_rows(self) -> list[str]:
        """The same, where rows are long in buffers that are shorter."""
        if not has_long_rows(self.made.writer.program):
            return self.both()
        return in_a_small_buffer(self.both(), self._new_name("size"))

    def run(self, then: Sequence[str], more: Iterable[str] = ()) -> list[str]:
        """The stages before the last ones, with names for what these read of them."""
        stages = self.made.stages
        wanted = {*more, *(n for s in then for n in self._reads(s))}
        lines: list[list[str]] = []
        for stage in (SHARED, FORWARD):
            if stage in stages and (stage == FORWARD or then):
                targets = [n if n in wanted else "_" for n in stages[stage].results]
                if wanted.isdisjoint(targets):
                    continue
                function = self.made.function(stage)
                lines.insert(0, assigned(_shortened(targets), function, self.made.given(stage)))
                wanted |= set(self.made.given(stage))
        return [line for some in lines for line in some]

    def _reads(self, stage: str) -> list[str]:
        if stage in self.made.stages:
            return self.made.given(stage)
        values = [self.module.output] if stage == OUTPUT else self.module.gradients.values()
        return [self.made.local(v) for v in values]

    def output(self) -> str:
        """The output, as an expression."""
        if OUTPUT in self.made.stages:
            return f"{OUTPUT}({', '.join(self.made.given(OUTPUT))})"
        return self.made.local(self.module.output)

    def derivatives(self) -> str:
        """All derivatives, as an expression."""
        if BACKWARD in self.made.stages:
            lines = call(BACKWARD, self.made.given(BACKWARD), width=80)
        else:
            lines = call("Gradients", [self.made.local(g) for g in self.module.gradients.values()])
        return "\n    ".join(lines)

    # The values on the way

    def forward_inputs(self) -> list[str]:
        """The arguments that the values on the way need."""
        needs = {*(self.made.given(FORWARD) if FORWARD in self.made.stages else ())}
        needs |= {n for a in self.made.rest.assignments for n in a.uses}
        needs |= {*self.made.rest.local.values()}
        sizes = {local: size for size, local in self.made.locals.items()}
        for size in [*map(sizes.__getitem__, self.made.rest.sizes), *self._sizes_of_the_way()]:
            needs.add(self.made.where(size, needs)[0])
        return [n for n in self.names if n in needs] or self.names

    def _sizes_of_the_way(self) -> list[str]:
        """The named sizes of the values on the way and of what they are made of."""
        program, shapes = self.module.program, self.module.shapes
        made = needed(program, [v for v in self.module.values if v in program.shapes])
        return named(s for name in [*self.module.values, *sorted(made)] for s in shapes[name])

    def of_the_way(self) -> Offered:
        """The function that gives them."""
        names = self.forward_inputs()
        head = self.signature("forward", names, "Any", "Values")
        checked = self._checked(names) if names else []
        told, body = quoted(self.told_of_forward()), self.forward()
        return Offered([*self.decorators, *head], told, [*_used(checked, body), *body])

    def _checked(self, names: Sequence[str]) -> list[str]:
        """The lines that check some of the arguments."""
        if not self.room:
            return self.ready(names)
        before = self.made.labels.get(FORWARD, ()) if self.run([], self._reads_of_rest) else ()
        labels = self._labels(names, {name for name, _ in before})
        if list(names) == self.names:
            return [*self.ready(names, "keep=True"), *labels]
        some = mapping("given", [f"{repr_of(name)}: {name}" for name in names])
        ready = pair(names, "_ready", ["given.values()", "workspace", "given", "keep=True"])
        return [*some, *ready, *labels]

    def forward(self) -> list[str]:
        """Its body."""
        rest, local, reads = self.made.rest, self._local_values, self._reads_of_rest
        dtype = "ws._for[-1]" if self.room else self.made.writer.dtype()
        arrays = map(self.made.printed, self.made.arrays(reads, dtype))
        lines = [*arrays, *self.run([], reads)]
        found = passages("forward", rest.assignments, self.module.formulas, self.made.printed, "#")
        lines += [line.removeprefix("    ") for p in found for line in p.lines]
        lines = [*self._sizes(rest.sizes), *lines]
        answer = call("return Values", [local[v] for v in self.module.values])
        return _in_the_answer(lines, answer[0]) if len(answer) == 1 else [*lines, *answer]

    @property
    def _local_values(self) -> dict[str, str]:
        """What the values that it gives are called there."""
        on_the_way = {v: self.made.local(v) for v in self.made.on_the_way}
        return {**self.made.rest.local, **on_the_way}

    @property
    def _reads_of_rest(self) -> set[str]:
        """What its lines read, and what it gives."""
        uses = {n for a in self.made.rest.assignments for n in a.uses}
        return uses | {*self._local_values.values()}

    def _sizes(self, wanted: Sequence[str]) -> Iterator[str]:
        inputs = self.forward_inputs()
        for size, local in self.made.locals.items():
            if local in wanted:
                name, axis = self.made.where(size, inputs)
                yield f"{local} = {name}.shape[{axis}]"

    def told_of_forward(self) -> str:
        """What the function says of itself."""
        inputs = set(self.forward_inputs())
        left = [n for n in self.names if n not in inputs]
        more = f"; none of them needs {_listed(left)}" if left else ""
        if not self.module.gradients:
            return f"{self.module.output}, and the named values on the way to it."
        return f"The values on the way to {self.module.output}{more}."


def _in_the_answer(lines: Sequence[str], answer: str) -> list[str]:
    """The last value in the answer itself, where that is all that reads it."""
    name, _, value = lines[-1].partition(" = ") if lines else ("", "", "")
    parts = re.split(rf"\b{name}\b", answer) if name.isidentifier() else []
    both = value.join(parts)
    if len(parts) == 2 and len(both) <= LINE - 4:
        return [*lines[:-1], both]
    return [*lines, answer]


def _used(ready: Sequence[str], body: Iterable[str]) -> list[str]:
    """The lines that make arguments ready, without a name for a workspace that none reads."""
    if any(re.search(r"\bws\b", line) for line in body):
        return [*ready]
    return [line.replace(", ws = _ready(", ", _ = _ready(") for line in ready]


def repr_of(name: str) -> str:
    """A name in quotation marks."""
    return f'"{name}"'


def _targets(names: Sequence[str]) -> list[str]:
    return [*names] if len(names) > 1 else [f"({names[0]},)"]


def pair(names: Sequence[str], function: str, arguments: Sequence[str]) -> list[str]:
    """Names for the arrays that a function gives, and for the workspace."""
    call_ = f"{function}({', '.join(arguments)})"
    line = f"{in_brackets(names)}, ws = {call_}"
    if len(line) <= LINE - 4:
        return [line]
    return [f"arrays, ws = {call_}", *unpacked_names(names, "arrays")]


def unpacked_names(names: Sequence[str], of: str) -> list[str]:
    """Names for the parts of a tuple, in as many lines as they need."""
    line = f"{', '.join(names)}{',' if len(names) == 1 else ''} = {of}"
    return (
        [line]
        if len(line) <= LINE - 4
        else ["(", *("    " + x for x in wrapped(names)), f") = {of}"]
    )


MOST_BEFORE_STAR = 255
"""Python takes no more names before a starred one."""


def _shortened(targets: Sequence[str]) -> list[str]:
    """Names of which the longest run of unused ones is one mark."""
    runs = [(0, 0)]
    for k, name in enumerate(targets):
        start, length = runs[-1]
        if name == "_":
            runs.append((start, length + 1) if length and start + length == k else (k, 1))
    runs = [run for run in runs if run[0] <= MOST_BEFORE_STAR]
    start, length = max(runs, key=lambda run: run[1])
    if length < 2:
        return list(targets)
    return [*targets[:start], "*_", *targets[start + length :]]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
