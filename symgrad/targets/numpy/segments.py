"""The functions of a loss whose recurrences are computed in segments of steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from symgrad.mathematics.equations import Variable
from symgrad.mathematics.sizes import Size, as_size, fixed, normal_form
from symgrad.targets.emitted import Passage, indented, passages
from symgrad.targets.module import Module, Segments, where_size_is
from symgrad.targets.numpy.functions import printed
from symgrad.targets.numpy.layout import assigned, call, definition, in_brackets
from symgrad.targets.numpy.preparation import written
from symgrad.targets.numpy.words import WORDS

WHOLE = "_in_segments"
"""The function of the loss and its derivatives."""


def functions(module: Module) -> Iterator[Sequence[Passage]]:
    """All of them, those first that the others call."""
    assert module.segments is not None
    yield from _level(module.arguments, module.gradients, module.segments, "")


def _level(
    inputs: Sequence[Variable], gradients: Mapping[str, str], made: Segments, end: str
) -> Iterator[Sequence[Passage]]:
    """The functions of a loss; ``end``: what their names end with."""
    for name, part in ((f"_start{end}", made.before), (f"_steps{end}", made.segment)):
        yield [*_function(name, part.values, [*part.values.gradients])]
        if part.slopes is not None:
            yield [*_function(f"{name}_slopes", part.slopes, [*part.slopes.gradients.values()])]
    finish = made.finish
    if made.rest is not None:
        number = int(end.removeprefix("_") or 1) + 1
        yield from _level(finish.arguments, finish.gradients, made.rest, f"_{number}")
    else:
        both = [finish.output, *finish.gradients.values()]
        yield [*_function(f"_finish{end}", finish, both)]
        yield [*_function(f"_finish{end}_loss", finish, [finish.output])]
    yield [*_Driver(inputs, [*gradients], made, end).passages()]


def _function(name: str, module: Module, results: Sequence[str]) -> Iterator[Passage]:
    """A function that gives some values as a tuple."""
    writer, before = written(module, list(dict.fromkeys(results)))
    given = [f"{v.name}: Any" for v in module.arguments]
    yield Passage(name, (*definition(name, given, "tuple[Any, ...]"), *indented(before)))
    yield from passages(name, writer.assignments, module.formulas, printed, "#")
    answer = [writer.local[r] for r in results]
    lines = call("return ", answer) if len(answer) > 1 else [f"return ({answer[0]},)"]
    yield Passage(name, indented(lines))


@dataclass
class _Driver:
    """The function that goes through the segments, and back."""

    inputs: Sequence[Variable]
    wrt: Sequence[str]
    made: Segments
    end: str

    def __post_init__(self) -> None:
        made = self.made
        parts = (made.before, made.segment)
        known = [m for p in parts for m in (p.values, p.slopes) if m] + [made.finish]
        taken = {v.name for m in known for v in m.arguments} | {v.name for v in self.inputs}
        self.names = WORDS.locals([*taken])
        self.begin, self.part, self.kept = map(self.names.new, ("begin", "part", "kept"))
        self.dtype, self.steps = map(self.names.new, ("kind", "steps"))
        self.parts: dict[str, str] = {}
        self.slope: dict[str, str] = {}
        weights = {**made.before.weights, **made.segment.weights}
        for name in [*self.wrt, *weights, *(c[1] for c in made.carries)]:
            self.slope[name] = self.names.new(f"d{name}")
        for name, weight in made.segment.weights.items():
            if name not in {c[2] for c in made.carries}:
                self.slope[name] = weight
        self.shapes = {v.name: v.shape for v in self.inputs}
        self.shapes |= {v.name: v.shape for m in known for v in m.arguments
                        if v.name not in self.shapes}  # fmt: skip

    def passages(self) -> Iterator[Passage]:
        """The function."""
        name = f"{WHOLE}{self.end}"
        head = definition(name, [*(f"{v.name}: Any" for v in self.inputs), "slopes: bool"], "Any")
        every = f"every {self.made.every} steps" if self.made.every > 1 else "every step"
        told = f'    """The loss and, of ``slopes``, its derivatives: a carry is kept {every}."""'
        body = [*self._sizes(), *self._forward(), *self._finish(), *self._backward()]
        yield Passage(name, (*head, told, *indented(body)))

    # -- the number of steps ----------------------------------------------------------------------

    def _sizes(self) -> Iterator[str]:
        size = self.made.size
        self.local = {str(size): self.steps}
        shapes = [s for n in (*self.made.totals, *self.made.kept.values()) for s in self.shapes[n]]
        symbols = {s for one in (size, *shapes) for s in normal_form(one).free_symbols}
        symbols |= {as_size(name) for name in self.made.counts}
        for symbol in sorted(symbols, key=str):
            name, axis = where_size_is(str(symbol), self.inputs)
            local = self.steps if symbol == size else self.names.new(str(symbol))
            self.local[str(symbol)] = local
            yield f"{local} = {name}.shape[{axis}]"
        if str(size) not in {str(s) for s in symbols}:
            yield f"{self.steps} = {self._code(size)}"
        floats = [v.name for v in self.inputs if v.dtype == "float"]
        yield f"{self.dtype} = {floats[0]}.dtype"
        for symbol, count in self.made.counts.items():
            if count not in {v.name for v in self.inputs}:
                yield f"{count} = np.asarray({self.local[symbol]}, {self.dtype})"

    def _code(self, size: Size) -> str:
        number = fixed(size)
        if number is not None:
            return str(number)
        size = normal_form(size)
        return str(size.xreplace({s: type(s)(self.local[str(s)]) for s in size.free_symbols}))

    def _shape(self, name: str) -> str:
        return in_brackets([*map(self._code, self.shapes[name])])

    # -- forward ----------------------------------------------------------------------------------

    def _forward(self) -> Iterator[str]:
        made = self.made
        starts = {first: start for first, start, _ in made.carries}
        given = [starts.get(n, n) for n in made.before.values.gradients]
        yield from self._called(given, f"_start{self.end}", made.before.values)
        for name in given:
            if not any(v.dtype == "float" for v in made.before.values.arguments):
                yield f"{name} = np.asarray({name}, {self.dtype})"
        for name in made.totals:
            yield f"{name} = np.zeros({self._shape(name)}, {self.dtype})"
        for name in made.kept.values():
            yield f"{name} = np.empty({self._shape(name)}, {self.dtype})"
        yield f"{self.kept} = []"
        yield from self._loop(back=False)
        # a copy, since what a segment gives is part of its memory
        carried = in_brackets([f"{start}.copy()" for _, start, _ in made.carries])
        yield f"    {self.kept}.append({carried})"
        mine = {end: start for _, start, end in made.carries}
        targets = []
        for name in made.segment.values.gradients:
            where = made.kept.get(name)
            target = mine.get(name, self._part(name))
            targets.append(self._now(where) if where else target)
        yield from indented(self._called(targets, f"_steps{self.end}", made.segment.values))
        for name in made.totals:
            yield f"    {name} = {name} + {self._part(name)}"

    def _loop(self, *, back: bool) -> Iterator[str]:
        starts = f"range(0, {self.steps}, {self.made.every})"
        turned = self.made.turned != back
        yield f"for {self.begin} in {f'reversed({starts})' if turned else starts}:"
        stop = f"min({self.begin} + {self.made.every}, {self.steps})"
        yield f"    {self.part} = slice({self.begin}, {stop})"
        if self.made.clock:
            yield f"    {self.made.clock} = np.empty({stop} - {self.begin}, {self.dtype})"

    def _part(self, name: str) -> str:
        """What the part of a sum that one segment gives is called."""
        if name not in self.parts:
            self.parts[name] = self.names.new(f"{name.lstrip('%')}_part")
        return self.parts[name]

    def _now(self, name: str, called: str = "") -> str:
        """The part of an array that a segment sees."""
        place = self.made.sliced[name]
        return f"{called or name}[{', '.join([*':' * place, self.part])}]"

    def _called(
        self, targets: Sequence[str], function: str, module: Module, **at: str
    ) -> list[str]:
        """A call of a function with what it reads, as the driver has it."""
        given = [at.get(v.name) or self._given(v.name, function) for v in module.arguments]
        if len(targets) == 1:
            return call(f"({targets[0]},) = {function}", given)
        return assigned(targets, function, given)

    def _given(self, name: str, function: str) -> str:
        steps = function.startswith("_steps")
        return self._now(name) if steps and name in self.made.sliced else name

    # -- the rest of the loss ---------------------------------------------------------------------

    def _finish(self) -> Iterator[str]:
        made, finish = self.made, self.made.finish
        for _, start, end in made.carries:
            if end in {v.name for v in finish.arguments}:
                yield f"{end} = {start}"
        given = [v.name for v in finish.arguments]
        if made.rest is not None:
            name = f"{WHOLE}_{int(self.end.removeprefix('_') or 1) + 1}"
            yield "if not slopes:"
            yield from indented(call(f"return {name}", [*given, "False"]))
        else:
            name = f"_finish{self.end}"
            yield "if not slopes:"
            yield from indented(call(f"return {name}_loss", given, "[0]"))
        direct = [self.names.new(f"{n}_direct") for n in finish.gradients]
        self.direct = dict(zip(finish.gradients, direct, strict=True))
        self.value = self.names.new("value")
        more = ["True"] if made.rest is not None else []
        if direct:
            yield from assigned([self.value, *direct], name, [*given, *more])
        else:
            yield from call(f"({self.value},) = {name}", [*given, *more])

    # -- and back ---------------------------------------------------------------------------------

    def _backward(self) -> Iterator[str]:
        made, segment = self.made, self.made.segment
        ends = {end: start for _, start, end in made.carries}
        for name in segment.weights:
            mine = made.kept.get(name, name)
            start = ends.get(name, mine)
            slope = self.slope[start] if name in ends else self.slope[name]
            zeros = f"np.zeros_like({start})"
            yield f"{slope} = {self.direct.get(mine, zeros)}"
        through = [*(segment.slopes.gradients if segment.slopes else ())]
        starts = {start for _, start, _ in made.carries}
        sums = dict.fromkeys([*self.wrt, *(n for n in through if n not in starts)])
        for name in sums:
            self.slope.setdefault(name, self.names.new(f"d{name}"))
            yield f"{self.slope[name]} = np.zeros({self._like(name)})"
        for name in self.wrt:
            if name in self.direct:
                yield f"{self.slope[name]} += {self.direct[name]}"
        if segment.slopes is not None:
            yield from self._back(through, starts)
        yield from self._to_the_start()
        answer = [self.value, *(self.slope[n] for n in self.wrt)]
        yield from call("return ", answer) if len(answer) > 1 else [f"return ({answer[0]},)"]

    def _like(self, name: str) -> str:
        return f"{name}.shape, {self.dtype}"

    def _back(self, through: Sequence[str], starts: set[str]) -> Iterator[str]:
        """The segments from the last one, each computed again from its start."""
        made, segment = self.made, self.made.segment
        assert segment.slopes is not None
        yield from self._loop(back=True)
        carried = [start for _, start, _ in made.carries]
        yield f"    {', '.join(carried)}{',' * (len(carried) == 1)} = {self.kept}.pop()"
        targets = [self.slope[n] if n in starts else self._part(f"d{n}") for n in through]
        ends = {end: start for _, start, end in made.carries}
        at = {}
        for name, weight in segment.weights.items():
            slope = self.slope[ends[name]] if name in ends else self.slope[name]
            where = made.kept.get(name)
            at[weight] = self._now(where, slope) if where else slope
        name = f"_steps{self.end}_slopes"
        yield from indented(self._called(targets, name, segment.slopes, **at))
        for name in (n for n in through if n not in starts):
            slope = self.slope[name]
            where = self._now(name, slope) if name in made.sliced else slope
            yield f"    {where} += {self._part(f'd{name}')}"

    def _to_the_start(self) -> Iterator[str]:
        """The derivatives by what the starts are made of."""
        before = self.made.before
        if before.slopes is None:
            return
        starts = {first: start for first, start, _ in self.made.carries}
        at = {weight: self.slope.get(starts.get(n, n), "") for n, weight in before.weights.items()}
        found = [*before.slopes.gradients]
        targets = [self._part(f"d{n}_of_start") for n in found]
        yield from self._called(targets, f"_start{self.end}_slopes", before.slopes, **at)
        for name, part in zip(found, targets, strict=True):
            yield f"{self.slope[name]} += {part}"
