"""What a generated module needs to check itself: a point, and what is compared there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from symgrad.mathematics.assumptions import strongest
from symgrad.mathematics.equations import Variable
from symgrad.mathematics.matrices import MATRIX_FUNCTIONS
from symgrad.mathematics.ranges import by_part
from symgrad.mathematics.sizes import Size, fixed, with_numbers
from symgrad.targets.module import Module
from symgrad.targets.numpy.constants import TYPED, array
from symgrad.targets.numpy.labels import range_text
from symgrad.targets.numpy.layout import in_braces, in_brackets, quoted
from symgrad.targets.numpy.sources import Runtime


def needs(module: Module, variables: Sequence[Variable], sizes: Iterable[str]) -> dict[str, Any]:
    """For the template; ``variables``: the arguments, and the data of which some are made.

    ``sizes``: the named sizes, in the order in which the table of shapes takes them.
    """
    names = [v.name for v in module.arguments]
    taken = {v.name: v for v in module.arguments}
    parameters = [n for n in module.gradients if n in taken]
    free = [n for n in parameters if not taken[n].assumptions]
    drawn = _drawn(module, variables) if module.preparation or not module.example else []
    definite = definite_among(module)
    points = "map(_point, range(20))"
    if module.preparation:
        points = f"({{n: p[n] for n in _NAMES}} for p in {points})"
    return {
        "example": [(n, array(module.example[n], TYPED)) for n in names if module.example],
        "moved": free and _parameters(free, module),
        "drawn": drawn,
        "everywhere": module.everywhere,
        "floats": any(d is None for _, d in drawn),
        "others": [f'"{n}": {d}' for n, d in drawn if d],
        "points": points,
        "shapes_drawn": _shapes_drawn(sizes, variables, module.least),
        "samplers": _samplers(drawn),
        "along": module.along and in_braces({n: f'point["{v}"]' for n, v in module.along.items()}),
        "parameters": parameters and _parameters(parameters, module),
        "kinds": [
            (n, "symmetric" if n in definite else strongest(taken[n].assumptions).kind)
            for n in parameters
            if n not in free or n in definite
        ],
        **_second(module),
        "differences": not module.not_differentiable,
        "not_differentiable": quoted(module.not_differentiable),
    }


def _second(module: Module) -> dict[str, Any]:
    """What the second derivatives among the gradients are compared with; nothing off promises."""
    assumed = {v.name for v in module.arguments if v.assumptions}
    pairs = {} if assumed & {by for by, _ in module.second.values()} else module.second
    moved = {by: f'point["{v}"]' if v else "along" for by, v in pairs.values()}
    drawn = [by for by, v in pairs.values() if not v]
    named = in_braces({by: f'"{name}"' for name, (by, _) in pairs.items()})
    return {"second": pairs and named, "moves": in_braces(moved), "drawn_along": "".join(drawn)}


def _parameters(names: Sequence[str], module: Module) -> str:
    return "Gradients._fields" if [*module.gradients] == names else _names(names)


def _names(names: Iterable[str]) -> str:
    found = [f'"{n}"' for n in names]
    return in_brackets(found) if found else ""


def _shapes_drawn(
    sizes: Iterable[str], variables: Iterable[Variable], least: Mapping[str, int]
) -> str:
    """The table of shapes with small sizes."""
    lengths = _sizes(variables, least)
    numbers = ", ".join(str(lengths[size]) for size in sizes)
    return f"_shapes({numbers})" if numbers else "_SHAPES"


def _drawn(module: Module, variables: Sequence[Variable]) -> list[tuple[str, str | None]]:
    """For each argument what draws it, unless it is a float like any other."""
    made = {*module.preparation.first.gradients} if module.preparation else set()
    once = {v.name: v for v in reversed(variables) if v.name not in made}
    sizes = _sizes(variables, module.least)
    definite = definite_among(module)
    return [(name, _draw(v, sizes, definite)) for name, v in reversed(once.items())]


_OF_SYMMETRIC = {leaf.name for leaf in MATRIX_FUNCTIONS.values() if leaf.symmetric}


def definite_among(module: Module) -> set[str]:
    """The inputs that have a Cholesky factor, or eigenvalues, alone or as a part of a sum."""
    found: set[str] = set()
    for op in reversed(module.program.ops):
        through = op.name in found and (op.function == "add" or op.kind in ("view", "copy"))
        if op.function in _OF_SYMMETRIC or through:
            found |= {r.name for r in op.reads}
    square = (v for v in module.arguments if len(v.shape) > 1 and v.shape[-1] == v.shape[-2])
    return {v.name for v in square if v.name in found and v.dtype == "float"}


def _draw(
    variable: Variable, sizes: Mapping[str, int], definite: Collection[str] = ()
) -> str | None:
    lengths = [_number(s, sizes) for s in variable.shape]
    shape = in_brackets([str(n) for n in lengths]) if lengths else "()"
    if variable.dtype == "bool":
        return f"rng.random({shape}) < 0.5"
    if variable.dtype == "int":
        return _labels(variable, shape, sizes)
    if variable.name in definite:
        return f"_some_positive_definite(rng, {shape})"
    if variable.assumptions:
        assumed = strongest(variable.assumptions)
        return f"_some_{assumed.kind}(rng, {shape}, {assumed.axis or 0})"
    return None


def _labels(variable: Variable, shape: str, sizes: Mapping[str, int]) -> str:
    """Labels that point into their axes; small numbers where they point into none."""
    ranges = [
        range_text(part, variable.shape, *ends, sizes)
        for part, ends in by_part(variable.bounds).items()
    ]
    if not ranges:
        return f"rng.integers(0, 3, {shape})"
    if len(ranges) == 1 and ranges[0][0] == "...":
        _, first, last = ranges[0]
        return f"rng.integers({first}, {last + 1}, {shape})"
    told = ", ".join(f"({part}, {first}, {last})" for part, first, last in ranges)
    return f"_some_labels(rng, {shape}, [{told}])"


def _samplers(drawn: Iterable[tuple[str, str | None]]) -> list[str]:
    """The functions that draw what keeps an assumption."""
    texts = Runtime()["self_check"]
    return [
        s
        for n, s in texts.items()
        if n.startswith("_some_") and any(t and f"{n}(" in t for _, t in drawn)
    ]


def _number(size: Size, sizes: Mapping[str, int]) -> int:
    known = fixed(size)
    if known is not None:
        return known
    return int(with_numbers(size.subs({s: sizes[s.name] for s in size.free_symbols})))


def _sizes(variables: Iterable[Variable], least: Mapping[str, int]) -> dict[str, int]:
    """Small sizes for the named dimensions, no two the same."""
    most = max([5, *least.values()])
    sizes = (s.name for v in variables for s in v.shape if s.is_Symbol and fixed(s) is None)
    return {name: most + k for k, name in enumerate(dict.fromkeys(sizes))}
