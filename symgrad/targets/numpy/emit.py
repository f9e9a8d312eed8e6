"""The NumPy target: a module that stands alone, checks its arguments and checks itself."""

from __future__ import annotations

import builtins
import linecache
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType

import numpy as np

from symgrad.errors import SpecError
from symgrad.mathematics.assumptions import strongest
from symgrad.mathematics.equations import Variable
from symgrad.mathematics.sizes import Size, fixed
from symgrad.program.costs import flops, moved, polynomial
from symgrad.program.memory import planned
from symgrad.program.passes import alive
from symgrad.program.program import Op
from symgrad.targets.identifiers import is_possible, reserved_names
from symgrad.targets.module import Module
from symgrad.targets.numpy.assumptions import assumed, sources
from symgrad.targets.numpy.buffers import BufferedWriter, grouped
from symgrad.targets.numpy.by_entries import written_out
from symgrad.targets.numpy.operations import Line, Writer, called, size_names
from symgrad.targets.numpy.out import ABILITIES
from symgrad.targets.numpy.runtime import helper_sources, name_of
from symgrad.targets.numpy.tuning import tuned
from symgrad.templating import render

WIDTH = 96
"""The longest line of a comment or a list."""

__all__ = ["emit", "load", "reserved_names"]


@dataclass(frozen=True)
class Function:
    """A function of the generated module, as the template needs it."""

    head: Sequence[str]
    summary: str
    unpack: Sequence[str]
    lines: Sequence[str]
    result: str
    part: str | None = None
    """Which part of loss and gradients it gives."""


def emit(module: Module) -> str:
    """The text of the module."""
    arguments = [v for v in module.variables if v.role != "constant"]
    _check_names(arguments)
    names = [v.name for v in arguments]
    shapes = module.program.shapes
    intermediate = _intermediate(module)
    room = None if module.plain else _Room(module)
    everything = [*arguments, *_inputs_before(module)]
    return render(
        "numpy.py.jinja",
        title=_quoted(module.title),
        document=[_quoted(line) for line in (*_document(module, arguments), *_costs(room))],
        dtype=module.dtype,
        arguments=[(v.name, v.dtype, _shape_data(v.shape)) for v in arguments],
        labels=[(n, _shape_data(s)) for n, s in module.labels.items() if n in names],
        constants=_constants(module),
        output=module.output,
        gradients=[(p, _shape(shapes[g]) or "scalar") for p, g in module.gradients.items()],
        functions=list(_functions(module, names, intermediate, room)),
        room=room,
        bind_head=_head("bind", [*names, "workspace=None"]),
        given=_tuple(names),
        scalars=None if room is None else _in_scalars(module, room),
        free=_free_sizes(arguments),
        helpers=_helpers(module),
        **_assumptions(arguments),
        sizes=_sample_sizes(everything, module.least),
        least=list(module.least.items()),
        samples=_samples(everything),
        prepare=_preparation(module),
        example=[(n, _numbers(module.example[n])) for n in names if module.example],
        expected=[(e.label, e.value, e.transposed, _numbers(e.numbers)) for e in module.expected],
        in_words=_along(module) or "by every entry of each parameter",
        along=list(module.along.items()),
        tolerance=repr(module.tolerance),
        known=_known(module, intermediate),
        not_differentiable=_quoted(module.not_differentiable),
    )


def load(text: str, name: str) -> ModuleType:
    """The module that a text is; a traceback through it shows its lines."""
    module = ModuleType(name)
    file = f"<{name}>"
    module.__file__ = file
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    exec(compile(text, file, "exec"), module.__dict__)
    return module


def _check_names(variables: Iterable[Variable]) -> None:
    for variable in variables:
        if not is_possible(variable.name):
            raise SpecError(
                f"an input can't be called {variable.name!r}",
                where=variable.where,
                hint="the generated file needs this name itself, or Python does",
            )


# Functions


def _functions(
    module: Module, names: Sequence[str], intermediate: Sequence[str], room: _Room | None
) -> Iterator[Function]:
    output, gradients = module.output, list(module.gradients.values())
    derivatives = (
        f"derivative {_along(module)}" if module.along else "derivatives by the parameters"
    )
    for name, summary, outputs, result in (
        ("loss", module.formulas.get(output, output), [output], "{0}"),
        (
            "gradients",
            f"The {derivatives.replace(' ', f' of {output} ', 1)}.",
            gradients,
            f"Gradients({_places(0, gradients)})",
        ),
        (
            "loss_and_gradients",
            f"The value of {output}, and its {derivatives}.",
            [output, *gradients],
            f"{{0}}, Gradients({_places(1, gradients)})",
        ),
    ):
        if room is None:
            yield _function(module, names, name, summary, outputs, result)
        else:
            yield room.function(names, name, summary, outputs, result)
    if intermediate:
        table = ", ".join(f'"{name}": {{{k}}}' for k, name in enumerate(intermediate))
        yield _function(
            module, names, "_values", "What is compared below.", intermediate, f"{{{{{table}}}}}"
        )


_PARTS = {"loss": "[0]", "gradients": "[1]", "loss_and_gradients": ""}


def _along(module: Module) -> str:
    return f"along {', '.join(module.along.values())}" if module.along else ""


def _places(start: int, values: Sequence[str]) -> str:
    return ", ".join(f"{{{k}}}" for k in range(start, start + len(values)))


@dataclass(frozen=True)
class _Fit:
    """What arguments are that need no conversion, as the template needs it.

    ``sizes``: lines that give the named sizes; ``sizes_of``, ``own_sizes``: all of them, as checked
    arguments have them, and by the names that the workspace is given;
    ``labels``: which arguments point into an axis, and what they have to be less than; ``small``:
    when a size is too small.
    """

    sizes: Sequence[str]
    sizes_of: str
    own_sizes: str
    ndims: Sequence[int]
    shapes: str
    floats: str
    dtype_of: str
    dtypes: Sequence[tuple[int, str]]
    labels: Sequence[tuple[int, str]]
    small: str

    @classmethod
    def of(cls, module: Module, locals_: Mapping[str, str]) -> _Fit:
        given = [v for v in module.variables if v.role != "constant"]
        places = {v.name: k for k, v in enumerate(given)}

        def where(size: str) -> str:
            name, axis = _where(size, given)
            return f"[{places[name]}].shape[{axis}]"

        def length(size: Size) -> str:
            known = fixed(size)
            return locals_[size.name] if known is None else str(known)

        def limit(sizes: Sequence[Size]) -> str:
            texts = [
                f"given{where(s.name)}" if fixed(s) is None else str(fixed(s))
                for s in dict.fromkeys(sizes)
            ]
            return texts[0] if len(texts) == 1 else f"min({', '.join(texts)})"

        floats = [k for k, v in enumerate(given) if v.dtype == "float"]
        shapes = [_in_brackets([length(s) for s in v.shape]) for v in given]
        return cls(
            sizes=[f"{local} = given{where(size)}" for size, local in locals_.items()],
            sizes_of=_in_brackets([f"arrays{where(size)}" for size in locals_]),
            own_sizes=_in_brackets(list(locals_.values())),
            ndims=[len(v.shape) for v in given],
            shapes=_listed_in_lines(shapes),
            floats=_floats([v.dtype for v in given]) if floats else "",
            dtype_of=f"arrays[{floats[0]}].dtype" if floats else "np.dtype(_DTYPE)",
            dtypes=[
                (k, {"int": "np.int64", "bool": "np.bool_"}[v.dtype])
                for k, v in enumerate(given)
                if v.dtype != "float"
            ],
            labels=[
                (places[name], limit(sizes))
                for name, sizes in module.labels.items()
                if name in places
            ],
            small=" or ".join(
                f"{local} < {module.least[size]}"
                for size, local in locals_.items()
                if size in module.least
            ),
        )


def _in_brackets(parts: Sequence[str]) -> str:
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


def _listed_in_lines(parts: Sequence[str]) -> str:
    line = f"[{', '.join(parts)}]"
    if len(line) < WIDTH - 16:
        return line
    return "\n        ".join(["[", *_wrapped(parts)]) + "\n    ]"


class _Room:
    """The workspace of a module, and the functions that compute in it."""

    def __init__(self, module: Module) -> None:
        self.module = module
        program = tuned(module.computing([module.output, *module.gradients.values()]))
        self.plan = planned(program, ABILITIES)
        self.writer = BufferedWriter(program, self.plan)
        self.sizes = dict(self.writer.sizes)
        self.arguments = [self.writer.size_local(s) for s in size_names(program)]
        self.constants = [
            (v.name, v.dtype == "float")
            for v in module.variables
            if v.role == "constant" and v.name in self.writer.read
        ]
        self.lines = list(self.writer.room_lines())
        self.fit = _Fit.of(module, dict(zip(size_names(program), self.arguments, strict=True)))

    def function(
        self, names: Sequence[str], name: str, summary: str, outputs: Sequence[str], result: str
    ) -> Function:
        """A function with the lines that its results need."""
        needed = {o.name for o in alive(replace(self.plan.program, outputs=tuple(outputs)))}
        kept = [line for line in self.writer.lines if needed & {line.name, *line.others}]
        lines = list(self._commented(kept))
        found = result.format(*(self.writer.local[o] for o in outputs))
        sizes = [
            f"{local} = {variable}.shape[{axis}]"
            for size, local in self.sizes.items()
            if _mentions(lines, local)
            for variable, axis in (_where(size, self.module.variables),)
        ]
        given = [*names, "workspace=None"]
        unpack = _call([*names, "ws"], "_ready", ["workspace", *names])
        return Function(
            _head(name, given), _quoted(summary), unpack, [*sizes, *lines], found, _PARTS[name]
        )

    def _commented(self, kept: Sequence[Line]) -> Iterator[str]:
        """Each equation above the first of the lines that compute it."""
        for line, before in grouped(kept):
            formula = self.module.formulas.get(line.name, "")
            code = tuple(c for part in (*before, line) for c in part.code)
            yield from _commented(replace(line, code=code), formula)


def _in_scalars(module: Module, room: _Room) -> dict[str, object] | None:
    """The module's functions in Python's own numbers, for the template."""
    found = written_out(room.plan.program, module.formulas)
    shapes = module.program.shapes
    if found is None or module.dtype != "float64" or shapes[module.output]:
        return None
    start = 0
    parts: list[str] = []
    entries: list[str] = []
    for gradient in module.gradients.values():
        mine = found.outputs[gradient]
        end = start + len(mine)
        parts.append(f"row[{start}:{end}].reshape({_shape(shapes[gradient]) or '()'})")
        entries += mine
        start = end
    reads = [
        line for name, names in found.inputs.items() for line in _unpacked_entries(name, names)
    ]
    return {
        "functions": [(f"_{f}", f if f in dir(builtins) else f"math.{f}") for f in found.functions],
        "inputs": list(found.inputs),
        "reads": reads,
        "lines": [x for line in found.lines for x in _folded(line)],
        "count": len(entries),
        "parts": parts,
        "entries": _wrapped(entries),
        "value": found.outputs[module.output][0],
    }


def _unpacked_entries(name: str, entries: Sequence[str]) -> list[str]:
    line = f"{', '.join(entries)}{',' if len(entries) == 1 else ''} = {name}.tolist()"
    if len(line) < WIDTH - 8:
        return [line]
    return ["(", *("    " + x for x in _wrapped(entries)), f") = {name}.tolist()"]


def _folded(line: str) -> list[str]:
    if not line.startswith("#"):
        return [line]
    return textwrap.wrap(line, WIDTH - 8, subsequent_indent="#     ", break_long_words=False)


def _floats(dtypes: Sequence[str]) -> str:
    """The arguments that are floats, out of ``given``."""
    places = [k for k, dtype in enumerate(dtypes) if dtype == "float"]
    if len(places) == len(dtypes):
        return "given"
    if places and places == list(range(places[0], places[-1] + 1)):
        return f"given[{places[0] or ''}:{places[-1] + 1}]"
    others = [k for k in range(len(dtypes)) if k not in places]
    if len(others) == 1:
        return f"(*given[:{others[0]}], *given[{others[0] + 1}:])"
    return "(" + "".join(f"given[{k}], " for k in places).rstrip() + ")"


def _mentions(lines: Iterable[str], name: str) -> bool:
    return any(re.search(rf"(?<![\w.]){name}(?!\w)", line) for line in lines if line[:1] != "#")


def _helpers(module: Module) -> list[str]:
    """The sources of the functions that NumPy lacks, each once."""
    return helper_sources(name_of(op.function or op.kind) for op in _all_operations(module))


def _function(
    module: Module,
    names: Sequence[str],
    name: str,
    summary: str,
    outputs: Sequence[str],
    result: str,
) -> Function:
    writer = Writer(tuned(module.computing(outputs), plain=True))
    lines = [*_size_lines(writer, module), *_constant_lines(writer, module)]
    for line in writer.lines:
        lines += _commented(line, module.formulas.get(line.name, ""))
    found = result.format(*(writer.local[o] for o in outputs))
    return Function(_head(name, names), _quoted(summary), _unpacked(names), lines, found)


def _inputs_before(module: Module) -> list[Variable]:
    """The inputs of which others are worked out."""
    if module.preparation is None:
        return []
    both = (module.preparation.first, module.preparation.loss)
    return [v for m in both for v in m.variables if v.role != "constant"]


def _all_operations(module: Module) -> Iterator[Op]:
    """Those of all functions of the file."""
    yield from module.program
    if module.preparation is not None:
        yield from module.preparation.first.program
        yield from module.preparation.loss.program


def _constants(module: Module) -> list[tuple[str, str]]:
    """The arrays of numbers that are part of the file."""
    parts = module.preparation
    modules = [module, *([parts.first, parts.loss] if parts else [])]
    found = {v.name: v for m in modules for v in m.variables if v.role == "constant"}
    return [(name, _numbers(v.values)) for name, v in found.items()]


def _preparation(module: Module) -> dict[str, object] | None:
    """The function that works inputs out of the data, for the template."""
    if module.preparation is None:
        return None
    first, loss = module.preparation.first, module.preparation.loss
    data = [v for v in first.variables if v.role != "constant"]
    names, before = [v.name for v in data], [v.name for v in loss.variables if v.role != "constant"]
    outputs, shapes = list(first.gradients), first.program.shapes
    dtype = next((f"{v.name}.dtype" for v in data if v.dtype == "float"), "_DTYPE")
    made = [f"np.asarray({{{k}}}, {dtype})" if not shapes[name] else f"{{{k}}}"
            for k, name in enumerate(outputs)]  # fmt: skip
    summary = "What the functions need of the data: to be worked out once."
    function = _function(first, names, "prepare", summary, outputs, f"Prepared({', '.join(made)})")
    given = f"{', '.join(names)}, arguments=_DATA, labels_of=_DATA_LABELS"
    told = "The loss of the data itself, for the check."
    return {
        "arguments": [(v.name, v.dtype, _shape_data(v.shape)) for v in data],
        "labels": [(n, _shape_data(s)) for n, s in first.labels.items()],
        "fields": [(name, _shape(shapes[name]) or "scalar") for name in outputs],
        "function": replace(function, unpack=_call(names, "_checked", [given])),
        "loss": _function(loss, before, "_loss_of_data", told, [loss.output], "{0}"),
        "loss_arguments": before,
    }


def _head(name: str, names: Sequence[str]) -> list[str]:
    line = f"def {name}({', '.join(names)}):"
    if len(line) <= WIDTH:
        return [line]
    return [f"def {name}(", *("    " + line for line in _wrapped(names)), "):"]


def _unpacked(names: Sequence[str]) -> list[str]:
    return _call(names, "_checked", names)


def _call(targets: Sequence[str], function: str, arguments: Sequence[str]) -> list[str]:
    """Several names that a function gives."""
    left = ", ".join(targets) if len(targets) > 1 else f"({targets[0]},)"
    line = f"{left} = {function}({', '.join(arguments)})"
    if len(line) < WIDTH - 8:
        return [line]
    first, second = (["    " + line for line in _wrapped(n)] for n in (targets, arguments))
    return ["(", *first, f") = {function}(", *second, ")"]


def _tuple(names: Sequence[str]) -> list[str]:
    line = _in_brackets(names)
    return [line] if len(line) < WIDTH - 16 else ["(", *("    " + x for x in _wrapped(names)), ")"]


def _wrapped(names: Sequence[str]) -> list[str]:
    """Names with a comma after each, in lines."""
    return textwrap.wrap(", ".join(names) + ",", WIDTH - 4, break_long_words=False)


def _size_lines(writer: Writer, module: Module) -> Iterator[str]:
    for size, local in writer.sizes.items():
        variable, axis = _where(size, module.variables)
        yield f"{local} = {variable}.shape[{axis}]"


def _where(size: str, variables: Iterable[Variable]) -> tuple[str, int]:
    """The first argument that has an axis of this size."""
    for variable in variables:
        for axis, found in enumerate(variable.shape):
            if found.is_Symbol and found.name == size and variable.role != "constant":
                return variable.name, axis
    raise SpecError(f"the size {size} is the length of no input's axis")


def _constant_lines(writer: Writer, module: Module) -> Iterator[str]:
    for variable in module.variables:
        if variable.role == "constant" and variable.name in writer.read:
            dtype = f", {writer.dtype()}" if variable.dtype == "float" else ""
            yield f"{variable.name} = np.array(_{variable.name}{dtype})"


def _commented(line: Line, formula: str) -> list[str]:
    """The code under the equation that it computes; beside its shape where it has no name."""
    shape = _shape(line.shape)
    if not formula:
        *first, last = line.code
        return [*first, f"{last}  # {shape}" if shape else last]
    above = textwrap.wrap(
        f"{formula}  {shape}".strip(),
        WIDTH - 4,
        initial_indent="# ",
        subsequent_indent="#     ",
        break_long_words=False,
    )
    return [*above, *line.code]


# Text


def _document(module: Module, arguments: Sequence[Variable]) -> Iterator[str]:
    shapes = module.program.shapes
    width = max(len(v.name) for v in arguments)
    yield "Arguments:"
    for variable in arguments:
        told = _shape(variable.shape) or "scalar"
        yield f"    {variable.name:<{width}}  {', '.join([told, *_told(variable, module)])}"
    if module.preparation is not None:
        first = module.preparation.first
        data = ", ".join(v.name for v in first.variables if v.role != "constant")
        yield ""
        yield f"Worked out of the data by prepare({data}):"
        yield from (f"    {formula}" for formula in first.formulas.values())
    yield ""
    yield f"    {module.formulas.get(module.output, module.output)}"
    yield ""
    yield "Gradients:"
    for parameter, gradient in module.gradients.items():
        formula = module.formulas.get(gradient, gradient)
        yield f"    {parameter:<{width}}  {_shape(shapes[gradient]) or 'scalar'}  {formula}"
    if module.remarks or any(v.assumptions for v in arguments):
        yield ""
    for remark in [*module.remarks, *_promises(arguments)]:
        yield from textwrap.wrap(_sentence(remark), WIDTH)


def _promises(arguments: Sequence[Variable]) -> Iterator[str]:
    if found := "; ".join(a.sentence(name) for name, a in assumed(arguments)):
        yield f"It is assumed that {found}. Whether that holds, check_assumptions tells"


def _costs(room: _Room | None) -> Iterator[str]:
    """What loss and gradients together cost."""
    if room is None:
        return
    program = room.plan.program
    yield ""
    yield "Loss and gradients together, as if no cache held anything:"
    yield f"    operations on numbers  {polynomial(flops(program))}"
    for dtype, itemsize in (("float64", 8), ("float32", 4)):
        yield f"    bytes moved, {dtype}   {polynomial(moved(program, itemsize))}"
    for dtype, itemsize in (("float64", 8), ("float32", 4)):
        yield f"    workspace, {dtype}     {polynomial(room.plan.bytes(itemsize))} bytes"
    taking = dict.fromkeys(called(op) for op in room.plan.allocating)
    if taking:
        told = f"What takes memory in each call: {', '.join(taking)}."
        yield from textwrap.wrap(told, WIDTH)


def _told(variable: Variable, module: Module) -> Iterator[str]:
    if variable.dtype != "float":
        yield variable.dtype
    for size in module.labels.get(variable.name, ()):
        yield f"0 <= {variable.name} < {_size(size)}"
    yield from map(str, variable.assumptions)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _quoted(text: str) -> str:
    """Text that may stand in a docstring or a string."""
    return text.replace("\\", "\\\\").replace('"', "'")


def _size(size: Size) -> str:
    known = fixed(size)
    return str(size if known is None else known)


def _shape(shape: Sequence[Size]) -> str:
    if not shape:
        return ""
    return _in_brackets([_size(s) for s in shape])


def _shape_data(shape: Sequence[Size]) -> str:
    """A shape in which named sizes are strings."""
    parts = [repr(str(s)) if fixed(s) is None else str(fixed(s)) for s in shape]
    return _in_brackets(parts).replace("'", '"')


def _numbers(values: object) -> str:
    """An array as nested lists; whole numbers without a point."""
    array = np.asarray(values)
    text = repr(array.tolist())
    if array.dtype.kind == "f":
        text = repr(_shortened(array.tolist()))
    lines = textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n        ".join(lines)


def _shortened(values: object) -> object:
    if isinstance(values, list):
        return [_shortened(v) for v in values]
    return int(values) if isinstance(values, float) and values == int(values) else values


# The self-check


def _intermediate(module: Module) -> list[str]:
    """Values with expected numbers that no function returns."""
    known = {module.output, *module.gradients.values()}
    return list(dict.fromkeys(e.value for e in module.expected if e.value not in known))


def _known(module: Module, intermediate: Sequence[str]) -> list[tuple[str, str]]:
    """Where the self-check finds each value."""
    found = [(g, f"found.{p}") for p, g in module.gradients.items()]
    others = [(name, f'_values(**point)["{name}"]') for name in intermediate]
    return [(module.output, "value"), *found, *others]


def _sample_sizes(variables: Iterable[Variable], least: Mapping[str, int]) -> list[tuple[str, int]]:
    """Small sizes for the named dimensions, no two the same."""
    most = max([5, *least.values()])
    return [(name, most + k) for k, name in enumerate(_free_sizes(variables))]


def _free_sizes(variables: Iterable[Variable]) -> list[str]:
    """The named dimensions."""
    sizes = (s.name for v in variables for s in v.shape if s.is_Symbol and fixed(s) is None)
    return list(dict.fromkeys(sizes))


def _samples(variables: Iterable[Variable]) -> list[tuple[str, str]]:
    """What a random point has to keep."""
    kept = [(v.name, strongest(v.assumptions)) for v in variables if v.assumptions]
    return [(name, f'("{a.kind}", {a.axis or 0})') for name, a in kept]


def _assumptions(variables: Sequence[Variable]) -> dict[str, object]:
    """What check_assumptions() needs: which arguments it takes, and what it asks of each."""
    found = assumed(variables)
    names = list(dict.fromkeys(name for name, _ in found))
    given = [f'"{name}": {name}' for name in names]
    return {
        "assumed": [(n, a.kind, a.summed, _quoted(a.sentence(n))) for n, a in found],
        "check_head": _head("check_assumptions", names),
        "check_given": f"{{{', '.join(given)}}}",
        "check_names": names,
        "check_sources": sources(a.kind for _, a in found),
    }
