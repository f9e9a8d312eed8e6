"""The NumPy target: a module that stands alone, checks its arguments and checks itself."""

from __future__ import annotations

import linecache
from collections.abc import Iterable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

from symgrad.errors import SpecError
from symgrad.files import mark
from symgrad.mathematics.equations import Variable
from symgrad.targets.about import about, costs, shape_text
from symgrad.targets.emitted import Emitted, Part
from symgrad.targets.module import Module
from symgrad.targets.numpy import assumptions, constants, preparation, self_check
from symgrad.targets.numpy.arguments import table
from symgrad.targets.numpy.entries import Entries
from symgrad.targets.numpy.functions import Function, Room, along, asked, of_values, plain_function
from symgrad.targets.numpy.labels import Labels, are_plain
from symgrad.targets.numpy.layout import head, in_braces, quoted, tuple_lines
from symgrad.targets.numpy.out import ABILITIES
from symgrad.targets.numpy.preparation import Preparing
from symgrad.targets.numpy.runtime.special import HELPERS, helper_sources, name_of
from symgrad.targets.numpy.sources import Runtime
from symgrad.targets.numpy.tuning import PASSES
from symgrad.targets.numpy.words import WORDS
from symgrad.targets.target import Target
from symgrad.templating import render


def emit(module: Module) -> Emitted:
    """The module as text, and what its lines compute."""
    _check_names(module.arguments)
    return Emitted.of(_File(module).parts(), main="loss_and_gradients")


def load(text: str, name: str) -> ModuleType:
    """The module that a text is; a traceback through it shows its lines."""
    module = ModuleType(name)
    file = f"<{name}>"
    module.__file__ = file
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    exec(compile(text, file, "exec"), module.__dict__)
    return module


NUMPY = Target("numpy", ".py", emit, load, WORDS, PASSES, ABILITIES, tuple(HELPERS))


def _check_names(variables: Iterable[Variable]) -> None:
    for variable in variables:
        if not WORDS.is_possible(variable.name):
            raise SpecError(
                f"an input can't be called {variable.name!r}",
                where=variable.where,
                hint="the generated file needs this name itself, or Python does",
            )


_RAISING = frozenset({"inv", "solve", "cholesky"})
"""Functions that fail for some matrices."""


class _File:
    """The parts of a module, in the order in which they stand there."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.names = [v.name for v in module.arguments]
        self.room = None if module.plain else Room(module)
        self.entries = self.room and Entries.of(module, self.room.plan.program)
        made = module.preparation
        self.modules = (module, *((made.first, made.loss) if made else ()))
        self.preparing = Preparing.of(made, plain=are_plain(*self.modules)) if made else None
        self.naming = not _RAISING.isdisjoint(self._called())
        self.helpers = helper_sources(map(name_of, self._called()))
        self.values = self._values()

    def parts(self) -> Iterator[Part]:
        """Each part from its template, or a function."""
        below = list(self._below_the_header())
        self.values["numbers"] = constants.numbers(below)
        self.values["imports"] += constants.modules(self.values["arrays"], below)
        yield self._part("header")
        yield from below

    def _below_the_header(self) -> Iterator[Part]:
        if self.room:
            yield self._part("workspace")
        if self.preparing:
            yield self._part("prepare")
            assert self.module.preparation is not None
            yield [*self.preparing.function.passages(self.module.preparation.first.formulas)]
        yield from self._decorators()
        for function in self._functions():
            yield [*function.passages(self.module.formulas)]
        yield from self.helpers
        if self.values["assumed"]:
            yield self._part("assumptions")
        if self.room:
            yield self._part("bind")
        if self.entries:
            yield self._part("entries")
            yield [*self.entries.passages(self.module.formulas)]
        if self.room:
            yield self._part("fit")
        yield self._part("checked")
        yield self._part("self_check")

    def _decorators(self) -> Iterator[Part]:
        if self.naming:
            yield Runtime()["singular"]["_naming"]

    def _part(self, name: str) -> str:
        text = render(f"numpy/{name}.py.jinja", **self.values)
        return text.removesuffix("\n")

    def _functions(self) -> Iterator[Function]:
        given = tuple_lines(self.names) if self.entries else ()
        for wanted in asked(self.module):
            made = (
                plain_function(self.module, wanted)
                if self.room is None
                else self.room.function(wanted, given)
            )
            yield replace(made, head=["@_naming", *made.head]) if self.naming else made
        if others := self_check.on_the_way(self.module):
            yield plain_function(self.module, of_values(others))

    def _called(self) -> Iterator[str]:
        """The functions of mathematics that the functions of the file call."""
        for op in (op for m in self.modules for op in m.program):
            yield op.function or op.kind

    def _values(self) -> dict[str, Any]:
        """What the templates print."""
        module, arguments = self.module, self.module.arguments
        made = module.preparation
        before = preparation.variables(made) if made else []
        return {
            **self._of_the_header(),
            **assumptions.needs(arguments),
            **self_check.needs(module, [*arguments, *before]),
            "runtime": Runtime(),
            "room": self.room,
            "scalars": self.entries,
            "prepare": self.preparing,
            "given": tuple_lines(self.names),
            "bind_head": head("bind", [*self.names, "workspace=None"]),
        }

    def _of_the_header(self) -> dict[str, Any]:
        module, shapes = self.module, self.module.program.shapes
        document = [*about(module), *(costs(self.room.plan, self.room.called) if self.room else ())]
        return {
            "origin": mark(module.origin),
            "title": quoted(module.title),
            "document": [quoted(line) for line in document],
            "imports": list(self._imports()),
            "dtype": module.dtype,
            "arguments": table(module.arguments),
            "labels": Labels.of(module.arguments, plain=are_plain(*self.modules)),
            "least": module.least and in_braces(module.least),
            "arrays": constants.arrays(self.modules),
            "output": module.output,
            "in_words": along(module) or "by every entry of each parameter",
            "gradients": [
                (p, shape_text(shapes[g]) or "scalar") for p, g in module.gradients.items()
            ],
        }

    def _imports(self) -> Iterator[str]:
        """The modules of Python's library that the file needs, in the order of their names."""
        if self.room or self.naming:
            yield "functools"
        if self.helpers or self.room:
            yield "math"
        if self.room:
            yield "operator"
        if self.entries:
            yield "struct"
