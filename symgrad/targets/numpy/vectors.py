"""Parameters as one vector, as optimisers want them."""

from __future__ import annotations

from typing import Any

from symgrad.targets.module import size_names
from symgrad.targets.numpy.arguments import table
from symgrad.targets.numpy.functions import Mathematics


def vectors(made: Mathematics, sizes: dict[str, str]) -> dict[str, Any] | None:
    """What pack() and unpack() need; None where the gradients are not those of a scalar.

    ``sizes``: what the sizes of all arguments are called.
    """
    module = made.module
    taken = {v.name: v for v in module.arguments}
    if (
        module.program.shapes[module.output]
        or module.along
        or not module.gradients
        or not set(module.gradients) <= {*taken}
    ):
        return None
    mine = size_names(taken[name] for name in module.gradients)
    return {
        "sizes": f", *, {', '.join(f'{sizes[s]}: int' for s in mine)}" if mine else "",
        "shapes": table(sizes, mine),
    }
