"""The labels that generated files take, and the lines that check them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import sympy as sp

from symgrad.mathematics.equations import Variable
from symgrad.mathematics.ranges import Part, by_part, sizes_of
from symgrad.mathematics.sizes import Size, named, normal_form, with_numbers
from symgrad.targets.about import part_text, several
from symgrad.targets.module import where_size_is


def checks(array: str, variable: Variable, length: Callable[[str], str]) -> Iterator[str]:
    """For each part of an array that has a range of its own, the call that checks it.

    ``array``: the expression for it; ``length``: that for a named size.
    """
    names = {s: length(s) for s in sizes_of_labels(variable)}

    def written(value: sp.Expr) -> str:
        return written_with(value, names)

    for part, (lows, stops) in by_part(variable.bounds).items():
        first, stop = several("max", lows, written), several("min", stops, written)
        labels = f"{array}{part_text(part, variable.shape, written)}"
        function, ends = (
            ("_check_labels", [stop]) if first == "0" else ("_check_range", [first, stop])
        )
        yield f'{function}("{variable.name}", {labels}, {", ".join(ends)})'


def sizes_of_labels(variable: Variable) -> set[str]:
    """The named sizes that bound labels."""
    return {*named(s for b in variable.bounds for s in sizes_of(b))}


def range_text(
    part: Part,
    shape: Sequence[Size],
    lows: Iterable[Size],
    stops: Iterable[Size],
    sizes: Mapping[str, int],
) -> tuple[str, int, int]:
    """A part of an array of labels, and the first and the last label, where sizes are numbers."""

    def number(value: sp.Expr) -> int:
        known = normal_form(value).subs(
            {s: sizes[s.name] for s in value.free_symbols if s.name in sizes}
        )
        return int(with_numbers(known))

    picked = part_text(part, shape, lambda value: str(number(value)))
    first, last = max(map(number, lows)), min(number(stop) for stop in stops) - 1
    return f"np.s_{picked}" if picked else "...", first, last


def written_with(value: sp.Expr, names: Mapping[str, str]) -> str:
    """An expression over sizes that are called so."""
    value = normal_form(value)
    return str(
        value.xreplace({s: sp.Symbol(names.get(s.name, s.name)) for s in value.free_symbols})
    )


def length_of(size: str, given: Sequence[Variable]) -> str:
    """The expression for a named size, out of the first of some arguments that has it."""
    name, axis = where_size_is(size, given)
    return f"{name}.shape[{axis}]"


def where_length(size: str, given: Sequence[Variable]) -> str:
    """Where among the arguments the length of a named size is."""
    name, axis = where_size_is(size, given)
    place = next(k for k, v in enumerate(given) if v.name == name)
    return f"[{place}].shape[{axis}]"
