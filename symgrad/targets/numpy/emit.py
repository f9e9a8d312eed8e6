"""The NumPy target: a module that stands alone, checks its arguments and checks itself."""

from __future__ import annotations

import linecache
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import sympy as sp

from symgrad.errors import SpecError
from symgrad.files import mark
from symgrad.mathematics.equations import Variable
from symgrad.program.loop import loops
from symgrad.program.program import Program
from symgrad.targets.about import about, costs, shape_text
from symgrad.targets.emitted import Emitted, Part, Passage
from symgrad.targets.identifiers import Words
from symgrad.targets.module import Module, modules_of, size_names
from symgrad.targets.numpy import (
    arguments,
    assumptions,
    constants,
    preparation,
    segments,
    self_check,
    splitting,
)
from symgrad.targets.numpy.entries import Entries
from symgrad.targets.numpy.functions import Mathematics, along
from symgrad.targets.numpy.layout import quoted
from symgrad.targets.numpy.offered import Face
from symgrad.targets.numpy.operations import SMALL_INVERSE, is_small_inverse
from symgrad.targets.numpy.out import ABILITIES
from symgrad.targets.numpy.preparation import Preparing
from symgrad.targets.numpy.room import Room
from symgrad.targets.numpy.runtime.special import HELPERS, helper_sources, name_of
from symgrad.targets.numpy.sources import Runtime
from symgrad.targets.numpy.tests import pytest_file
from symgrad.targets.numpy.tuning import PASSES
from symgrad.targets.numpy.vectors import vectors
from symgrad.targets.numpy.words import WORDS, spelled
from symgrad.targets.stages import BACKWARD, FORWARD, OUTPUT, SHARED
from symgrad.targets.target import Target
from symgrad.templating import render


def emit(module: Module) -> Emitted:
    """The module as text, and what its lines compute."""
    check_names(module.arguments, WORDS)
    file = _File(module)
    main = (file.made.function(stage) for stage in (FORWARD, SHARED, OUTPUT, BACKWARD))
    return Emitted.of(file.parts(), tuple(main))


def load(text: str, name: str, beside: Mapping[str, str] | None = None) -> ModuleType:
    """The module that a text is, which stands alone; a traceback through it shows its lines."""
    module = ModuleType(name)
    file = f"<{name}>"
    module.__file__ = file
    module.__dict__["__source__"] = text
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    exec(compile(text, file, "exec"), module.__dict__)
    return module


NUMPY = Target(
    "numpy", ".py", emit, load, WORDS, PASSES, ABILITIES, tuple(HELPERS), tests=pytest_file
)


def check_names(variables: Iterable[Variable], words: Words) -> None:
    """SpecError where an input is called as something of the language or the file is."""
    for variable in variables:
        if not words.is_possible(variable.name):
            raise SpecError(
                f"an input can't be called {variable.name!r}",
                where=variable.where,
                hint="the generated file needs this name itself, or Python does",
            )


_RAISING = frozenset(
    {"inv", "regular_inverse", "solve", "cholesky", "eigenvectors"}
    | {SMALL_INVERSE, "inverse_by_half", "solved_by_half"}
)
"""Functions that fail for some matrices."""


class _File:
    """The parts of a module, in the order in which they stand there."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.made = Mathematics(module)
        self.room = Room(self.made) if self.made.plan else None
        unrolled = self.room and module.unroll and module.gradients
        self.entries = Entries.of(module, self.made.program) if unrolled else None
        self.preparing = (
            Preparing.of(module.preparation, room=self.room is not None)
            if module.preparation
            else None
        )
        data = preparation.variables(module.preparation) if module.preparation else []
        self.all_arguments = [*module.arguments, *(v for v in data if v.role != "constant")]
        made, split = module.preparation, module.splitting
        self.modules = (module, *((made.first, made.loss) if made else ()))
        self.modules += (*split.totals.values(), split.finish) if split else ()
        self.modules += modules_of(module.segments)
        rows = splitting.functions(module, room=self.room is not None) if split else ()
        self.chunks: Sequence[Part] = [*rows]
        self.naming = not _RAISING.isdisjoint(self._functions())
        self.helpers = helper_sources(map(name_of, self._functions()))
        self.values = self._values()

    def parts(self) -> Iterator[Part]:
        """The first, which imports what the others need, and these."""
        after = [*self._of_the_mathematics(), *self._called()]
        after += [*self._of_arguments(after), self._part("self_check")]
        self.values["numbers"] = constants.numbers(after)
        packed = constants.modules(self.values["arrays"], after)
        self.values["imports"] = imports(after, packed)
        yield self._part("header")
        yield from after

    def _called(self) -> Iterator[Part]:
        """What people call."""
        if self.preparing:
            yield self.preparing.function
        yield self._part("called")
        yield from self.chunks
        for name in ("workspace", "vectors", "entries"):
            if self.values[{"workspace": "room", "entries": "scalars"}.get(name, name)]:
                yield self._part(name)
        if self.entries:
            yield [*self.entries.passages(self.module.formulas)]

    def _of_the_mathematics(self) -> Iterator[Part]:
        yield "# The mathematics"
        yield from self._cores()
        yield from self.helpers
        if self.naming:
            texts = Runtime()["singular"]
            yield f"{texts['P']}\n{texts['R']}"
            yield texts["_naming"]

    def _cores(self) -> Iterator[Sequence[Passage]]:
        if self.module.segments:
            yield from segments.functions(self.module)
            return
        for core in self.made.cores():
            yield [*core.passages(self.made.formulas)]

    def _of_arguments(self, before: Sequence[Part]) -> Iterator[Part]:
        text = text_of(before)
        self.values["default"] = "_DTYPE" in text
        asked = self._part("asked")
        yield from (asked, self._part("checked"))
        checks = Runtime()["labels"]
        yield from (source for name, source in checks.items() if f"{name}(" in text + asked)
        if self.values["assumed"]:
            yield self._part("assumptions")

    def _part(self, name: str) -> str:
        text = render(f"numpy/{name}.py.jinja", **self.values)
        return text.removesuffix("\n")

    def _functions(self) -> Iterator[str]:
        """The functions of mathematics that the functions of the file call."""
        programs = (self.made.program, *(m.program for m in self.modules))
        room = self.made.plan is not None
        yield from (name for program in programs for name in _functions(program, room=room))

    def _values(self) -> dict[str, Any]:
        """What the templates print."""
        module = self.module
        face = Face(self.made, naming=self.naming, entries=bool(self.entries))
        bound, sizes = "Callable[[], tuple[Any, Gradients]]", self._sizes()
        return {
            **self._of_the_header(),
            **arguments.needs(module, self.all_arguments, sizes, room=self.room is not None),
            **assumptions.needs(module.arguments, room=self.room is not None),
            **self_check.needs(module, self.all_arguments, sizes),
            "runtime": Runtime(),
            "room": self.room,
            "naming": self.naming,
            "scalars": self.entries,
            "prepare": self.preparing,
            "offered": [*face.offered()],
            "differentiated": bool(module.gradients),
            "bound_ready": face.bound_ready(),
            "numbers_given": any(not v.shape for v in module.arguments),
            "bind_head": face.signature("bind", face.names, "Array", bound),
            "vectors": vectors(self.made, sizes),
        }

    def _sizes(self) -> dict[str, str]:
        """What the named sizes are called."""
        names = WORDS.locals([*(v.name for v in self.all_arguments), *self.made.locals.values()])
        others = [s for s in size_names(self.all_arguments) if s not in self.made.locals]
        return self.made.locals | {size: names.new(size) for size in others}

    def _of_the_header(self) -> dict[str, Any]:
        module, plan = self.module, self.made.plan
        called = self.room.called if self.room else []
        made = self.room.constants if self.room else sp.S.Zero
        what = "Loss and gradients" if module.gradients else "All values"
        document = [*about(module), *(costs(plan, called, what, made) if plan else ())]
        return {
            "title": quoted(module.title),
            "origin": mark(module.origin),
            "document": [quoted(line) for line in document],
            "dtype": module.dtype,
            "arrays": constants.arrays(self.modules),
            "output": module.output,
            "types": [*types(module, self.preparing.fields if self.preparing else ())],
        }


def types(
    module: Module, prepared: Sequence[tuple[str, str, str]] = ()
) -> Iterator[tuple[str, str, Sequence[tuple[str, str, str]]]]:
    """The tuples that functions give: what each is, and its fields."""
    shapes = module.shapes

    def fields(values: Mapping[str, str]) -> list[tuple[str, str, str]]:
        told = {name: shape_text(shapes[value]) for name, value in values.items()}
        return [(n, "Array" if s else "Any", s) for n, s in told.items()]

    if prepared:
        about = "What the functions need of the data: f(*prepare(...), ...) calls one with it."
        yield "Prepared", about, prepared
    if module.values:
        told = "The values of the forward pass."
        called = spelled(module.values)
        found = fields({v: v for v in module.values})
        yield "Values", told, [(called[n], k, _called_so(called[n], n, s)) for n, k, s in found]
    if not module.gradients:
        return
    words = along(module) or "by every entry of each parameter"
    yield "Gradients", f"The derivative of {module.output} {words}.", fields(module.gradients)


def _called_so(field: str, name: str, shape: str) -> str:
    """What is told of a field: its shape, and its name in the spec where that is another."""
    return shape if field == name else ", ".join(filter(None, [shape, f"{name} in the spec"]))


_NAMES = {
    "collections.abc": ("Callable", "Iterable", "Mapping", "Sequence"),
    "typing": ("Any", "NamedTuple", "ParamSpec", "TypeVar"),
}
_ALWAYS = ("Any", "NamedTuple")


def text_of(parts: Iterable[Part]) -> str:
    """All lines, one under the other."""
    lines = (x for p in parts if not isinstance(p, str) for q in p for x in q.lines)
    return "\n".join([*(p for p in parts if isinstance(p, str)), *lines])


def imports(parts: Sequence[Part], more: Iterable[str]) -> list[str]:
    """The lines that import what the parts of a file need of Python's library."""
    text = text_of(parts)
    modules = ["functools", "itertools", "math", "operator", "struct", "threading"]
    used = [name for name in modules if re.search(rf"\b{name}\.", text)]
    found = [f"import {name}" for name in sorted({*used, *more})]
    for module, names in _NAMES.items():
        used = [n for n in names if re.search(rf"\b{n}\b", text) or n in _ALWAYS]
        found += [f"from {module} import {', '.join(used)}"] if used else []
    return found


def _functions(program: Program, *, room: bool, again: bool = False) -> Iterator[str]:
    """The functions that a program calls; ``again``: as each step of a loop."""
    for op in program:
        small = room and again and is_small_inverse(op)
        yield SMALL_INVERSE if small else op.function or op.kind
    for loop in loops(program):
        yield from _functions(loop.program, room=room, again=True)
