"""The functions that work a loss out of chunks of rows: partial, combine and finish."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from symgrad.mathematics.equations import Variable
from symgrad.mathematics.sizes import Size, fixed
from symgrad.targets.about import shape_text
from symgrad.targets.emitted import Passage, indented, passages
from symgrad.targets.module import Chunks, Module, where_size_is
from symgrad.targets.numpy.functions import printed
from symgrad.targets.numpy.labels import checks, length_of
from symgrad.targets.numpy.layout import assigned, call, definition, in_brackets
from symgrad.targets.numpy.nesting import nested
from symgrad.targets.numpy.preparation import written
from symgrad.targets.numpy.room import Buffered, Room
from symgrad.targets.numpy.sources import Runtime
from symgrad.targets.statements import Statement, grouped


def functions(module: Module, *, room: bool) -> Iterator[str | Sequence[Passage]]:
    """What a chunk gives, as a type, and the functions; ``room``: whether there are workspaces."""
    made = module.splitting
    assert made is not None
    names = _Names(module, made)
    yield "\n".join(_type(names))
    for name, total in made.totals.items():
        yield [*(_buffered(names, name, total) if room else _total(name, total))]
    yield "\n".join(_partial(names, room=room))
    yield from [Runtime()["chunks"]["Memory"]] if room else ()
    yield from ("\n".join(lines) for lines in names.rooms.values())
    yield "\n".join(_combine(names))
    yield [*_finish(names, room=room)]


class _Names:
    """What the arguments and the parts of a chunk's result are called."""

    def __init__(self, module: Module, made: Chunks) -> None:
        self.module, self.made = module, made
        self.inputs = {v.name: v for v in module.arguments}
        moved = {v for of in (*made.totals.values(), made.finish) for v in of.gradients}
        needed = {v.name for v in made.finish.arguments} | {*module.gradients} - moved
        self.finish_inputs = [v for v in module.arguments if v.name in needed]
        taken = {*self.inputs, *made.totals, made.count}
        self.whole = next(n for n in ("whole", "put_together", "_whole") if n not in taken)
        self.memory = next(n for n in ("memory", "kept_memory", "_memory") if n not in taken)
        self.by = {name: list(total.gradients) for name, total in made.totals.items()}
        self.rooms: dict[str, list[str]] = {}
        """The classes of the memory that totals are computed in, as lines."""

    def rows(self) -> dict[str, int]:
        """Which axis of each argument has the rows."""
        size = self.made.size
        axes = {n: [*map(str, v.shape)] for n, v in self.inputs.items()}
        return {n: shape.index(size) for n, shape in axes.items() if size in shape}

    def slope(self, total: str, value: str) -> str:
        """The part that is the derivative of a total."""
        return f"{total}_by_{value}"

    def fields(self) -> Iterator[tuple[str, str]]:
        """The parts, each with what it is."""
        yield self.made.count, f"int  # rows, of {self.made.size}"
        for name, total in self.made.totals.items():
            shape = total.shapes[name]
            told = f"  # {total.formulas.get(name, name)}"
            yield name, ("Array" if shape else "Any") + told
            for value in self.by[name]:
                mine = self.inputs[value].shape
                yield self.slope(name, value), f"Any  # {shape_text(mine)}"


def _type(names: _Names) -> Iterator[str]:
    yield "# Chunks of rows"
    yield ""
    yield ""
    yield "class Partial(NamedTuple):"
    yield '    """What a chunk of rows gives: to be put together by combine(), and by finish()."""'
    yield ""
    for name, told in names.fields():
        yield f"    {name}: {told}"
    found = [f"{n}={axis}" for n, axis in names.rows().items()]
    yield ""
    yield ""
    yield f"# Which axis of each argument has the {names.made.size} rows"
    yield from call("_ROWS = dict", found)


def _total(name: str, total: Module) -> Iterator[Passage]:
    """The function of a total and its derivatives, over the rows that there are."""
    results = [name, *total.gradients.values()]
    writer, before = written(total, results)
    inputs = [f"{v.name}: Any" for v in total.arguments]
    yield Passage(
        f"_{name}", (*definition(f"_{name}", inputs, "tuple[Any, ...]"), *indented(before))
    )
    yield from passages(f"_{name}", writer.assignments, total.formulas, printed, "#")
    answer = [writer.local[r] for r in results]
    yield Passage(
        f"_{name}",
        indented(call("return ", answer) if len(answer) > 1 else [f"return ({answer[0]},)"]),
    )


def _buffered(names: _Names, name: str, total: Module) -> Iterator[Passage]:
    """The same, in memory that it is given; what it answers is in memory of its own."""
    results = [name, *total.gradients.values()]
    made = Buffered.of(total, results)
    writer = made.writer
    answer = [_apart(writer.local[r], total.shapes[r]) for r in results]
    read = [writer.local[r] for r in results]
    lines = nested([*grouped(writer.assignments)], read, printed)
    sizes = [
        printed(Statement("size", local, (of,), detail={"axis": axis}))
        for size, local in writer.sizes.items()
        for of, axis in [where_size_is(size, total.variables)]
    ]
    names.rooms[name] = [*_room(name, made)]
    inputs = [*(f"{v.name}: Any" for v in total.arguments), "ws: Any"]
    head = definition(f"_{name}", inputs, "tuple[Any, ...]")
    yield Passage(f"_{name}", (*head, *indented(sizes)))
    yield from passages(f"_{name}", lines, total.formulas, printed, "#")
    told = call("return ", answer) if len(answer) > 1 else [f"return ({answer[0]},)"]
    yield Passage(f"_{name}", indented(told))


def _apart(local: str, shape: Sequence[Size]) -> str:
    """A result that the next call does not change."""
    return f"{local}.copy()" if shape else local


def _room(name: str, made: Buffered) -> Iterator[str]:
    """The class of the memory of a total."""
    sizes = [*made.locals.values()]
    room = Room(made)
    yield f"class _Room_{name}:"
    yield f'    """Memory for {name} and its derivatives."""'
    yield ""
    yield from indented(
        [*definition("__init__", ["self", *(f"{s}: int" for s in sizes), "dtype: Any"], "None")]
    )
    body = [f"self._for = {in_brackets([*sizes, 'dtype'])}"]
    if room.new:
        body += ["", "def new(*shape: int) -> Array:", "    return np.empty(shape, dtype)", ""]
    yield from indented(indented([*body, *room.lines]))


def _computed(name: str, total: Module, names: _Names) -> str:
    """The call that computes a total in the memory of the chunk before, where there is one."""
    made, given = Buffered.of(total, [name, *total.gradients.values()]), list(total.arguments)
    lengths = [".shape[".join(map(str, where_size_is(s, given))) + "]" for s in made.locals]
    floats = [f"{v.name}.dtype" for v in given if v.dtype == "float"]
    sizes = ", ".join([*lengths, floats[0] if floats else "_DTYPE"])
    arguments = ", ".join([*(v.name for v in given), f"_room(_Room_{name}, {sizes})"])
    return f"*_{name}({arguments})"


def _partial(names: _Names, *, room: bool) -> Iterator[str]:
    """What one chunk gives."""
    module, made = names.module, names.made
    mine = {v.name for t in made.totals.values() for v in t.arguments}
    inputs = [v for v in module.arguments if v.name in mine]
    called = [v.name for v in inputs]
    of = partial(length_of, given=inputs)
    rows, axis = where_size_is(made.size, inputs)
    kept = [f"{names.memory}: Memory | None = None"] if room else []
    yield from definition("partial", [*(f"{n}: Any" for n in called), *kept], "Partial")
    more = f"; ``{names.memory}`` serves the next one too" if room else ""
    yield f'    """What a chunk of rows gives, of any number of them{more}."""'
    yield f"    if np.shape({rows})[{axis}:{axis + 1}] == (0,):"
    nothing = ["0"]
    for name, total in made.totals.items():
        start = "-np.inf" if name in made.logarithms else _zeros(total.shapes[name], inputs)
        nothing += [start, *(f"np.zeros_like({v})" for v in names.by[name])]
    yield from indented(indented(call("return Partial", nothing)))
    yield from _checked(called, room=room)
    yield from indented(x for v in inputs for x in checks(v.name, v, of))
    parts = [f"{rows}.shape[{axis}]"]
    for name, total in made.totals.items():
        given = ", ".join(v.name for v in total.arguments)
        parts.append(_computed(name, total, names) if room else f"*_{name}({given})")
    if room:
        yield f"    _room = (Memory() if {names.memory} is None else {names.memory})._of"
    yield from indented(call("return Partial", parts))


def _zeros(shape: Sequence[Size], inputs: Sequence[Variable]) -> str:
    """Zeros of a shape, whose named sizes are those of the arguments."""
    if not shape:
        return "0.0"
    found = []
    for size in shape:
        number = fixed(size)
        name, axis = ("", 0) if number is not None else where_size_is(str(size), inputs)
        found.append(f"np.shape({name})[{axis}]" if number is None else str(number))
    return f"np.zeros({in_brackets(found)})"


def _checked(called: Sequence[str], *, room: bool) -> Sequence[str]:
    targets = [*called] if len(called) > 1 else [f"({called[0]},)"]
    quoted = in_brackets([f'"{n}"' for n in called])
    end = "[0]" if room else ""
    return indented(assigned(targets, "_checked", [quoted, in_brackets(called)], end))


def _combine(names: _Names) -> Iterator[str]:
    """Two results put together."""
    made = names.made
    yield "def combine(a: Partial, b: Partial) -> Partial:"
    yield '    """What two chunks give together; in any order of pairs, up to rounding."""'
    parts = [f"a.{made.count} + b.{made.count}"]
    if made.logarithms:
        yield f"    if not (a.{made.count} and b.{made.count}):"
        yield f"        return a if a.{made.count} else b"
    for name in made.totals:
        slopes = [names.slope(name, v) for v in names.by[name]]
        if name not in made.logarithms:
            parts += [f"a.{n} + b.{n}" for n in (name, *slopes)]
            continue
        yield f"    # {name} is the logarithm of a sum: each chunk has its share of that"
        yield f"    {name} = np.logaddexp(a.{name}, b.{name})"
        for side in "ab":
            alone = f"{side}.{name} - {name}"
            yield f"    {side}_share = np.exp({alone}) if {side}.{name} != -np.inf else 0.0"
        for slope in slopes:
            yield f"    {slope} = a_share * a.{slope} + b_share * b.{slope}"
        parts += [name, *slopes]
    yield from indented(call("return Partial", parts))


def _finish(names: _Names, *, room: bool) -> Iterator[Passage]:
    """The loss and its derivatives out of what all chunks give."""
    made, module = names.made, names.module
    results = [made.finish.output, *made.finish.gradients.values()]
    writer, before = written(made.finish, list(dict.fromkeys(results)))
    needed = [v.name for v in names.finish_inputs]
    others = [n for n in module.gradients if n not in needed]
    signature = [f"{names.whole}: Partial", *(f"{n}: Any" for n in needed)]
    signature += [f"{n}: Any = None" for n in others]
    head = [
        *definition("finish", signature, "tuple[Any, Gradients]"),
        f'    """The value of {module.output} and its derivatives, of all rows together."""',
        *(_checked(needed, room=room) if needed else ()),
    ]
    yield Passage("finish", (*head, *_put(names), *indented(before)))
    yield from passages("finish", writer.assignments, made.finish.formulas, printed, "#")
    slopes = {value: writer.local[a] for value, a in made.finish.gradients.items()}
    lines = [f"{name}={_derivative(name, names, slopes)}" for name in module.gradients]
    answer = call("found = Gradients", lines)
    yield Passage(
        "finish", indented([*answer, f"return {writer.local[made.finish.output]}, found"])
    )


def _put(names: _Names) -> Iterator[str]:
    """The totals as arrays, and the numbers among the arguments, in the dtype of the chunks."""
    made, inputs = names.made, [v for v in names.finish_inputs if v.dtype == "float"]
    moved = [f"{names.whole}.{names.slope(t, v)}" for t in made.totals for v in names.by[t]]
    for v in inputs:
        if moved and v.role == "data":
            yield f"    {v.name} = {v.name}.astype({moved[0]}.dtype, copy=False)"
    dtypes = [f", {n}.dtype" for n in (*moved, *(v.name for v in inputs))] or [""]
    arguments = {v.name for v in made.finish.arguments}
    for n in (made.count, *made.totals):
        if n in arguments:
            yield f"    {n} = np.asarray({names.whole}.{n}{dtypes[0]})"


def _derivative(value: str, names: _Names, slopes: dict[str, str]) -> str:
    """By the chain rule through each total, and by the parameter itself."""
    through = [
        f"{slopes[t]} * {names.whole}.{names.slope(t, value)}"
        for t in names.made.totals
        if t in slopes and value in names.by[t]
    ]
    found = [*through, *([slopes[value]] if value in slopes else [])]
    return " + ".join(found) or f"np.zeros_like({value})"
