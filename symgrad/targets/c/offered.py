"""The functions that a caller finds in the header, each a few lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from symgrad.mathematics.equations import Variable
from symgrad.mathematics.ranges import Bounds
from symgrad.targets.c.entries import exactly
from symgrad.targets.c.loops import Block, Node, lines, looped
from symgrad.targets.c.mathematics import Function, Mathematics, uses
from symgrad.targets.c.places import HERE, Place, at, flat
from symgrad.targets.c.written import uncommented
from symgrad.targets.stages import BACKWARD, FORWARD, OUTPUT

_LETTERS = "ijklmnopq"

_BOTH = (
    ("loss_and_gradients", "The value of {output}, and its derivatives.", "false"),
    ("accumulate", "The value of {output}; its derivatives are added to what is there.", "true"),
)
"""What gives both: what its name ends with, what it tells, and whether it adds."""


@dataclass(frozen=True)
class Signature:
    """A function: what it tells, what it gives, and what it takes."""

    name: str
    told: str
    gives: str
    takes: str

    @property
    def code(self) -> str:
        """Its first line, without what follows."""
        return f"{self.gives} {self.name}({self.takes})"


class Offered:
    """The functions that people call, over those of the stages."""

    def __init__(self, name: str, made: Mathematics, functions: Mapping[str, Function]) -> None:
        self.name, self.made, self.module = name, made, made.module
        self.functions = functions
        self.scalar = not made.program.shapes[self.module.output]
        self.texts = {s: uncommented("\n".join(self._lines(f))) for s, f in functions.items()}
        wanted = {s for s, text in self.texts.items() if text}
        wanted |= {OUTPUT} if self.scalar else set()
        self.stages = [s for s in self.texts if s in wanted]
        self.labels = [v for v in self.module.arguments if v.bounds and v.dtype == "int"]
        self.moved = [v for v in self.module.arguments if self._is_moved(v)]

    def _lines(self, function: Function) -> Iterator[str]:
        yield from function.first
        for piece in function.parts:
            yield from lines([*piece.head, *piece.body])
        yield from lines(function.last)

    # The stages

    def _taken(self, stage: str) -> list[tuple[str, str]]:
        """What a stage takes, and what is given to it."""
        text, name = self.texts[stage], self.name
        if stage == OUTPUT and self.scalar:
            text += self._returned()
        found = [
            ("given", f"const {name}_arguments *given"),
            ("work", f"{name}_workspace *work"),
            ("derived", f"const {name}_derivatives *derived"),
            ("value", f"{self.made.real} *value"),
            ("add", "bool add"),
        ]
        return [(n, t) for n, t in found if uses([text], n)]

    def _returned(self) -> str:
        """The output as the last stage gives it."""
        return self.made.entries.local(self.made.kept.root[self.module.output])

    def head(self, stage: str) -> str:
        """The first line of the function of a stage."""
        gives = self.made.real if stage == OUTPUT and self.scalar else "void"
        takes = ", ".join(t for _, t in self._taken(stage)) or "void"
        return f"static {gives} {self.functions[stage].name}({takes})"

    def end(self, stage: str) -> list[str]:
        """Its last lines."""
        return [f"    return {self._returned()};"] if stage == OUTPUT and self.scalar else []

    def _call(self, stage: str, add: str) -> str:
        values = {"add": add or "false"} if add else {"add": "false", "derived": "NULL"}
        given = [values.get(n, n) for n, _ in self._taken(stage)]
        return f"{self.functions[stage].name}({', '.join(given)})"

    # What is offered

    def declared(self) -> Iterator[str]:
        """The declarations of the header."""
        for signature, _ in self._offered():
            told = signature.told.replace("\n", "\n   ")
            yield f"/* {told} */\n{signature.code};"

    def definitions(self) -> Iterator[str]:
        """The functions themselves."""
        for signature, body in self._offered():
            yield "\n".join([f"{signature.code} {{", *lines(body), "}"])

    def _offered(self) -> Iterator[tuple[Signature, list[Node]]]:
        """Each function with its body."""
        name, output, to = self.name, self.module.output, []
        gives = self.made.real if self.scalar else "bool"
        given, work = f"const {name}_arguments *given", f"{name}_workspace *work"
        if not self.scalar:
            to = [f"{self.made.real} *value"]
        if self.labels:
            yield self._fit()
        failed = "NaN" if self.scalar else "false"
        told = f"The value of {output}{self._refused(failed)}."
        takes = ", ".join([given, *to, work])
        yield Signature(f"{name}_loss", told, gives, takes), self._body([OUTPUT], "")
        if not self.module.gradients:
            return
        derived = f"const {name}_derivatives *derived"
        told = f"The derivatives of {output}{self._refused('false')}."
        takes = ", ".join([given, derived, work])
        yield Signature(f"{name}_gradients", told, "bool", takes), self._body([BACKWARD])
        takes = ", ".join([given, *to, derived, work])
        for end, told, add in _BOTH:
            signature = Signature(f"{name}_{end}", told.format(output=output), gives, takes)
            yield signature, self._body([OUTPUT, BACKWARD], add)
        yield self._derivatives_at()
        if self.moved:
            yield self._parameters_at()

    def _refused(self, value: str) -> str:
        return (
            f"; {value}, and nothing is written, where a label does not fit" if self.labels else ""
        )

    def _body(self, wanted: list[str], add: str = "false") -> list[Node]:
        stages = [s for s in (FORWARD, *wanted) if s in self.stages]
        number = self.scalar and OUTPUT in wanted
        calls: list[Node] = []
        for stage in stages:
            returns = stage == OUTPUT and number
            start = f"const {self.made.real} value = " if returns else ""
            calls.append(f"{start}{self._call(stage, add)};")
        read = [*map(str, calls), *(["given"] if self.labels else [])]
        unused = [f"(void){name};" for name in ("given", "work") if not uses(read, name)]
        refused: list[Node] = []
        if self.labels:
            failed = "NAN" if number else "false"
            refused = [Block([f"return {failed};"], f"if (!{self.name}_fits(given))")]
        return [*unused, *refused, *calls, f"return {'value' if number else 'true'};"]

    # Labels

    def _fit(self) -> tuple[Signature, list[Node]]:
        body: list[Node] = ["bool fits = true;"]
        for variable in self.labels:
            for bounds in variable.bounds:
                body += self._checked(variable, bounds)
        told = "Whether all labels point into what they are labels of."
        takes = f"const {self.name}_arguments *given"
        return Signature(f"{self.name}_fits", told, "bool", takes), [*body, "return fits;"]

    def ranges(self) -> Iterator[tuple[str, list[tuple[int, int]], int, int]]:
        """Of arguments, the first and the last position along each axis, and the label there."""
        for variable in self.labels:
            for bounds in variable.bounds:
                parts = self._part(variable, bounds)
                yield variable.name, parts, exactly(bounds.low), exactly(bounds.stop) - 1

    def _part(self, variable: Variable, bounds: Bounds) -> list[tuple[int, int]]:
        shape = self.made.entries.shapes[variable.name]
        return [
            (0, n - 1) if p is None else (exactly(p[0]), exactly(p[1]))
            for p, n in zip(bounds.part, shape, strict=True)
        ]

    def _checked(self, variable: Variable, bounds: Bounds) -> list[Node]:
        shape = self.made.entries.shapes[variable.name]
        places, pairs = [], []
        for letter, (first, last) in zip(_LETTERS, self._part(variable, bounds), strict=False):
            many = last > first
            places.append(Place(first) + (at(letter) if many else HERE))
            pairs += [(letter, last - first + 1)] if many else []
        field, low, stop = (
            self.made.fields[variable.name],
            exactly(bounds.low),
            exactly(bounds.stop),
        )
        label = f"given->{field}" + (f"[{flat(places, shape).code}]" if shape else "")
        return looped(pairs, [f"fits = fits && ({label} >= {low}) && ({label} < {stop});"])

    # All in one array

    def _is_moved(self, variable: Variable) -> bool:
        """Whether an argument is where its derivative is, if both are in one array."""
        shapes, value = self.made.entries.shapes, self.module.gradients.get(variable.name)
        return value is not None and shapes[value] == shapes[variable.name]

    def _derivatives_at(self) -> tuple[Signature, list[Node]]:
        fields, upper = self.made.fields, self.name.upper()
        body: list[Node] = [
            f"derived->{fields[n]} = &all[{upper}_AT_{fields[n]}];" for n in self.module.gradients
        ]
        takes = f"{self.name}_derivatives *derived, {self.made.real} *all"
        told = f"The derivatives are in one array, of {upper}_ENTRIES numbers."
        return Signature(f"{self.name}_derivatives_at", told, "void", takes), body

    def _parameters_at(self) -> tuple[Signature, list[Node]]:
        fields, upper = self.made.fields, self.name.upper()
        body: list[Node] = [
            f"given->{fields[v.name]} = {'&' if v.shape else ''}all[{upper}_AT_{fields[v.name]}];"
            for v in self.moved
        ]
        takes = f"{self.name}_arguments *given, const {self.made.real} *all"
        told = "The parameters are in one array, as their derivatives are."
        return Signature(f"{self.name}_parameters_at", told, "void", takes), body
