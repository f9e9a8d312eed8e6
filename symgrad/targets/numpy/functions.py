"""The functions of a generated module, and the workspace that they compute in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from symgrad.program.memory import plan_of
from symgrad.program.passes import alive
from symgrad.targets.emitted import Passage, indented, lines_of, passages
from symgrad.targets.module import Module, size_names, where_size_is
from symgrad.targets.numpy.arguments import Fit
from symgrad.targets.numpy.buffers import BufferedWriter
from symgrad.targets.numpy.layout import call, head, quoted
from symgrad.targets.numpy.operations import NumPyWriter, called
from symgrad.targets.numpy.out import ABILITIES
from symgrad.targets.numpy.tuning import tuned
from symgrad.targets.statements import Assignment, Statement, grouped
from symgrad.templating import macros

PARTS = {"loss": "[0]", "gradients": "[1]", "loss_and_gradients": ""}
"""Which part of loss and gradients each function gives."""


@dataclass(frozen=True)
class Asked:
    """A function that a module is to have: the values that it computes, and what it answers.

    In ``result``, ``{0}`` stands for the first of the values.
    """

    name: str
    summary: str
    outputs: Sequence[str]
    result: str


@dataclass(frozen=True)
class Function:
    """A function, as the template needs it: how it opens, what it computes, what it answers.

    ``before``: what stands before the first value; ``entries``: the arguments as a tuple, where
    the function asks first whether single numbers would do, and gives its ``part`` of the answer.
    """

    name: str
    head: Sequence[str]
    summary: str
    unpack: Sequence[str]
    before: Sequence[Statement]
    assignments: Sequence[Assignment]
    result: str
    entries: Sequence[str] = ()
    part: str = ""

    def passages(self, formulas: Mapping[str, str]) -> Iterator[Passage]:
        """The lines, with the equations that they compute."""
        frame = macros("numpy/function.py.jinja")
        opened = [*lines_of(frame("opened", self)), *indented(map(printed, self.before))]
        yield Passage(self.name, tuple(opened))
        yield from passages(self.name, self.assignments, formulas, printed, "#")
        yield Passage(self.name, tuple(lines_of(frame("closed", self))))


def printed(statement: Statement) -> str:
    """A statement as the template writes it."""
    return macros("numpy/statements.py.jinja")(statement.kind, statement)


def asked(module: Module) -> Iterator[Asked]:
    """What every module offers."""
    output, gradients = module.output, list(module.gradients.values())
    kind = f"derivative {along(module)}" if module.along else "derivatives by the parameters"
    summary = f"The {kind.replace(' ', f' of {output} ', 1)}."
    both = f"The value of {output}, and its {kind}."
    yield Asked("loss", module.formulas.get(output, output), [output], "{0}")
    yield Asked("gradients", summary, gradients, f"Gradients({_places(0, gradients)})")
    result = f"{{0}}, Gradients({_places(1, gradients)})"
    yield Asked("loss_and_gradients", both, [output, *gradients], result)


def of_values(names: Sequence[str]) -> Asked:
    """The function that gives values which no other gives, by name."""
    table = ", ".join(f'"{name}": {{{k}}}' for k, name in enumerate(names))
    return Asked("_values", "What is compared below.", names, f"{{{{{table}}}}}")


def along(module: Module) -> str:
    """The directions, where the gradient is a derivative along them."""
    return f"along {', '.join(module.along.values())}" if module.along else ""


def _places(start: int, values: Sequence[str]) -> str:
    return ", ".join(f"{{{k}}}" for k in range(start, start + len(values)))


def plain_function(module: Module, wanted: Asked) -> Function:
    """A function that reads as if typed by hand, without a workspace."""
    names = [v.name for v in module.arguments]
    writer = NumPyWriter(tuned(module.computing(wanted.outputs), plain=True))
    return Function(
        wanted.name,
        [*_quiet(module, wanted), *head(wanted.name, names)],
        quoted(wanted.summary),
        call(names, "_checked", names),
        [*_sizes(writer.sizes, module), *_constants(writer, module)],
        writer.assignments,
        wanted.result.format(*(writer.local[o] for o in wanted.outputs)),
    )


def _quiet(module: Module, wanted: Asked) -> list[str]:
    """What keeps NumPy from warning of derivatives that are infinite or undefined at a point."""
    quiet = module.may_be_infinite.intersection(wanted.outputs)
    return ['@np.errstate(all="ignore")'] if quiet else []


def _sizes(locals_: Mapping[str, str], module: Module) -> Iterator[Statement]:
    """The named sizes, each as the length of an axis."""
    for size, local in locals_.items():
        name, axis = where_size_is(size, module.variables)
        yield Statement("size", local, (name,), detail={"axis": axis})


def _constants(writer: NumPyWriter, module: Module) -> Iterator[Statement]:
    for v in module.variables:
        if v.role == "constant" and v.name in writer.read:
            dtype = [writer.dtype()] if v.dtype == "float" else []
            yield Statement("array", v.name, (f"_{v.name}", *dtype))


class Room:
    """The workspace of a module, and the functions that compute in it."""

    def __init__(self, module: Module) -> None:
        self.module = module
        program = tuned(module.computing([module.output, *module.gradients.values()]))
        self.plan = plan_of(program, ABILITIES)
        self.writer = BufferedWriter(program, self.plan)
        self.sizes = dict(self.writer.sizes)
        self.locals = {s: self.writer.size_locals[s] for s in size_names(program.inputs)}
        self.fit = Fit.of(module, self.locals)
        self.lines = [*map(printed, (*self._constants(), *self.writer.rooms()))]

    @property
    def arguments(self) -> list[str]:
        """What the workspace calls the named sizes."""
        return list(self.locals.values())

    @property
    def called(self) -> list[str]:
        """What takes memory in each call."""
        return list(dict.fromkeys(called(op) for op in self.plan.allocating))

    def _constants(self) -> Iterator[Statement]:
        for v in self.module.variables:
            if v.role == "constant" and v.name in self.writer.read:
                dtype = ["dtype"] if v.dtype == "float" else []
                yield Statement("array", f"self.{v.name}", (f"_{v.name}", *dtype))

    def function(self, wanted: Asked, entries: Sequence[str] = ()) -> Function:
        """A function with the lines that its results need."""
        program = replace(self.plan.program, outputs=tuple(wanted.outputs))
        needed = {o.name for o in alive(program)}
        kept = (a for a in self.writer.assignments if needed & {a.value, *a.others})
        assignments = list(grouped(kept))
        shown = _mentioned(assignments, self.module.formulas)
        sizes = {size: local for size, local in self.sizes.items() if local in shown}
        names = [v.name for v in self.module.arguments]
        return Function(
            wanted.name,
            [*_quiet(self.module, wanted), *head(wanted.name, [*names, "workspace=None"])],
            quoted(wanted.summary),
            call([*names, "ws"], "_ready", ["workspace", *names]),
            list(_sizes(sizes, self.module)),
            assignments,
            wanted.result.format(*(self.writer.local[o] for o in wanted.outputs)),
            entries,
            PARTS[wanted.name],
        )


def _mentioned(assignments: Iterable[Assignment], formulas: Mapping[str, str]) -> set[str]:
    """The sizes that a function reads, and those in the shapes beside its values without a name."""
    found: set[str] = set()
    for assignment in assignments:
        found |= assignment.sizes
        if not formulas.get(assignment.value):
            found |= {s.name for size in assignment.shape for s in size.free_symbols}
    return found
