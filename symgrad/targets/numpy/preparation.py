"""The function that works inputs out of the data, and the loss of the data itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from symgrad.mathematics.equations import Variable
from symgrad.targets.about import shape_text
from symgrad.targets.module import Prepared
from symgrad.targets.numpy.arguments import table
from symgrad.targets.numpy.functions import Asked, Function, plain_function
from symgrad.targets.numpy.labels import Labels
from symgrad.targets.numpy.layout import call


@dataclass(frozen=True)
class Preparing:
    """What the templates need of the preparation."""

    arguments: Sequence[tuple[str, str, str]]
    labels: Labels
    fields: Sequence[tuple[str, str]]
    loss_arguments: Sequence[str]
    function: Function
    loss: str

    @classmethod
    def of(cls, prepared: Prepared, *, plain: bool) -> Preparing:
        """``prepare()`` and what is around it; ``plain``: as :class:`Labels` has it."""
        first, shapes = prepared.first, prepared.first.program.shapes
        loss = _loss_of_data(prepared)
        return cls(
            table(first.arguments),
            Labels.of(first.arguments, plain=plain),
            [(name, shape_text(shapes[name]) or "scalar") for name in first.gradients],
            [v.name for v in prepared.loss.arguments],
            _prepare(prepared, plain=plain),
            "\n".join(x for p in loss.passages(prepared.loss.formulas) for x in p.lines),
        )


def variables(prepared: Prepared) -> list[Variable]:
    """The inputs of which others are worked out."""
    return [*prepared.first.arguments, *prepared.loss.arguments]


def _prepare(prepared: Prepared, *, plain: bool) -> Function:
    first = prepared.first
    shapes, names = first.program.shapes, [v.name for v in first.arguments]
    dtype = next((f"{v.name}.dtype" for v in first.arguments if v.dtype == "float"), "_DTYPE")
    made = [
        f"{{{k}}}" if shapes[name] else f"np.asarray({{{k}}}, {dtype})"
        for k, name in enumerate(first.gradients)
    ]
    summary = "What the functions need of the data: to be worked out once."
    wanted = Asked("prepare", summary, list(first.gradients), f"Prepared({', '.join(made)})")
    labels = "_DATA_LABELS" if plain else "_data_labels"
    given = f"{', '.join(names)}, arguments=_DATA, labels_of={labels}"
    return replace(plain_function(first, wanted), unpack=call(names, "_checked", [given]))


def _loss_of_data(prepared: Prepared) -> Function:
    told = "The loss of the data itself, for the check."
    wanted = Asked("_loss_of_data", told, [prepared.loss.output], "{0}")
    return replace(plain_function(prepared.loss, wanted), unpack=())
