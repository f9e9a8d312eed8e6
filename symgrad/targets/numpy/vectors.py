"""Parameters as one vector, as optimisers want them."""

from __future__ import annotations

from typing import Any

from symgrad.mathematics.sizes import fixed
from symgrad.targets.module import size_names
from symgrad.targets.numpy.functions import Mathematics
from symgrad.targets.numpy.layout import in_brackets, list_lines


def vectors(made: Mathematics) -> dict[str, Any] | None:
    """What pack() and unpack() need; None where the gradients are not those of a scalar."""
    module = made.module
    taken = {v.name: v for v in module.arguments}
    if (
        module.program.shapes[module.output]
        or module.along
        or not set(module.gradients) <= {*taken}
    ):
        return None
    variables = [taken[name] for name in module.gradients]
    shapes = [in_brackets([_size(s, made) for s in v.shape]) for v in variables]
    sizes = [made.locals[s] for s in size_names(variables)]
    return {
        "shapes": list_lines(shapes),
        "sizes": f", *, {', '.join(f'{s}: int' for s in sizes)}" if sizes else "",
    }


def _size(size: Any, made: Mathematics) -> str:
    known = fixed(size)
    return made.locals[size.name] if known is None else str(known)
