"""The function that works inputs out of the data, and the loss of the data itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from symgrad.mathematics.equations import Variable
from symgrad.targets.about import shape_text
from symgrad.targets.emitted import Passage, indented, passages
from symgrad.targets.module import Module, Prepared, where_size_is
from symgrad.targets.numpy.functions import arrays_of_the_file, printed
from symgrad.targets.numpy.labels import checks, length_of
from symgrad.targets.numpy.layout import assigned, call, definition, in_brackets
from symgrad.targets.numpy.operations import NumPyWriter
from symgrad.targets.numpy.tuning import tuned
from symgrad.targets.statements import Statement, grouped


@dataclass(frozen=True)
class Preparing:
    """What the templates need of the preparation.

    ``loss`` is the text of a function, of arguments of these names; ``given``: what prepare()
    takes, out of a table.
    """

    variables: Sequence[Variable]
    fields: Sequence[tuple[str, str, str]]
    function: Sequence[Passage]
    given: str
    loss_names: str
    loss: str

    @classmethod
    def of(cls, made: Prepared, *, room: bool) -> Preparing:
        """``prepare()`` and what is around it; ``room``: whether there are workspaces."""
        shapes = made.first.program.shapes
        loss = [x for p in _loss_of_data(made) for x in p.lines]
        return cls(
            made.first.arguments,
            [
                (name, "Array" if shapes[name] else "Any", shape_text(shapes[name]))
                for name in made.first.gradients
            ],
            [*_prepare(made, room=room)],
            ", ".join(f'point["{v.name}"]' for v in made.first.arguments),
            in_brackets([f'"{v.name}"' for v in made.loss.arguments]),
            "\n".join(loss),
        )


def variables(prepared: Prepared) -> list[Variable]:
    """The inputs of which others are worked out."""
    return [*prepared.first.arguments, *prepared.loss.arguments]


def _prepare(prepared: Prepared, *, room: bool) -> Iterator[Passage]:
    first = prepared.first
    of = partial(length_of, given=first.arguments)
    shapes, names = first.program.shapes, [v.name for v in first.arguments]
    dtype = next((f"{v.name}.dtype" for v in first.arguments if v.dtype == "float"), "_DTYPE")
    writer, before = written(first, list(first.gradients))
    made = [
        writer.local[name] if shapes[name] else f"np.asarray({writer.local[name]}, {dtype})"
        for name in first.gradients
    ]
    head = [
        *definition("prepare", [f"{n}: Any" for n in names], "Prepared"),
        '    """What the functions need of the data: to be worked out once."""',
        *indented(
            assigned(
                names if len(names) > 1 else [f"({names[0]},)"],
                "_checked",
                [in_brackets([f'"{n}"' for n in names]), in_brackets(names)],
                "[0]" if room else "",
            )
        ),
        *indented(x for v in first.arguments for x in checks(v.name, v, of)),
        *indented(before),
    ]
    yield Passage("prepare", tuple(head))
    yield from passages("prepare", writer.assignments, first.formulas, printed, "#")
    yield Passage("prepare", indented(call("return Prepared", made)))


def _loss_of_data(prepared: Prepared) -> Iterator[Passage]:
    module = prepared.loss
    writer, before = written(module, [module.output])
    names = [f"{v.name}: Any" for v in module.arguments]
    told = '    """The loss of the data itself, for the check."""'
    head = [*definition("_loss_of_data", names, "Any"), told, *indented(before)]
    yield Passage("_loss_of_data", tuple(head))
    yield from passages("_loss_of_data", writer.assignments, module.formulas, printed, "#")
    yield Passage("_loss_of_data", (f"    return {writer.local[module.output]}",))


def written(module: Module, outputs: Sequence[str]) -> tuple[NumPyWriter, list[str]]:
    """The lines of a function that reads as if typed by hand, and what stands before them."""
    writer = NumPyWriter(tuned(module.computing(outputs), plain=True))
    sizes = []
    for size, local in writer.sizes.items():
        name, axis = where_size_is(size, module.variables)
        sizes.append(Statement("size", local, (name,), detail={"axis": axis}))
    arrays = arrays_of_the_file(module, writer.read, writer.dtype())
    writer.assignments = [*grouped(writer.assignments)]
    return writer, [*map(printed, (*sizes, *arrays))]
