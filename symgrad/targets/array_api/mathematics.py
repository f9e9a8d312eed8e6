"""The functions of a generated module of the array API, over whatever namespace its arrays have."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from symgrad.targets.array_api.functions import is_own
from symgrad.targets.array_api.loops import MARK
from symgrad.targets.array_api.operations import ArrayWriter
from symgrad.targets.numpy.constants import called
from symgrad.targets.numpy.functions import Mathematics
from symgrad.targets.numpy.layout import assigned, in_brackets
from symgrad.targets.numpy.offered import Face, Offered, repr_of
from symgrad.targets.statements import Statement
from symgrad.templating import macros


class ArrayMathematics(Mathematics):
    """The stages; each is given the namespace, and makes what it makes where an argument is."""

    plain_writer = ArrayWriter
    writer: ArrayWriter

    @staticmethod
    def printed(statement: Statement) -> str:
        return macros("array_api/statements.py.jinja")(statement.kind, statement)

    @cached_property
    def _stage_of(self) -> Mapping[str, str]:
        found = super()._stage_of
        return {**found, **{f"{MARK}{name}": stage for name, stage in found.items()}}

    def function(self, stage: str) -> str:
        found = super().function(stage)
        return stage if is_own(found) else found

    def given(self, stage: str) -> list[str]:
        found = super().given(stage)
        home = self.writer.home()
        constant = {v.name for v in self.module.variables if v.role == "constant"}
        if home not in found and not constant.isdisjoint(self.stages[stage].given):
            found.insert(0, home)
        return ["xp", *found]

    def arrays(self, names: Collection[str], dtype: str) -> Iterator[Statement]:
        home = self.writer.home()
        for v in self.module.variables:
            if v.role == "constant" and v.name in names:
                more = {"dtype": dtype if v.dtype == "float" else "", "home": home}
                yield Statement("array", v.name, (called(v.name),), detail=more)

    def _type(self, name: str) -> str:
        return "Any"


class ArrayFace(Face):
    """The functions that people call; ``value``: what that of the output is called."""

    def __init__(self, made: Mathematics, value: str = "loss") -> None:
        super().__init__(made)
        self.value = value

    def offered(self) -> Iterator[Offered]:
        for function in super().offered():
            head = [line.replace("def loss(", f"def {self.value}(") for line in function.head]
            yield replace(function, head=head)

    def signature(self, name: str, names: Sequence[str], kind: str, gives: str) -> list[str]:
        return super().signature(name, names, "Any", gives)

    def ready(self, names: Sequence[str], *more: str) -> list[str]:
        quoted = in_brackets([*map(repr_of, names)])
        targets = [in_brackets(names), "xp"]
        checked = assigned(targets, "_checked", [quoted, in_brackets(names)])
        labels = (line.replace("(", "(xp, ", 1) for line in self._labels(names))
        return [*checked, *labels]
