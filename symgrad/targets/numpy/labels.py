"""The labels that generated files take: of each array, or part of one, the first and the last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sympy as sp

from symgrad.mathematics.equations import Variable
from symgrad.mathematics.ranges import Part, by_part, sizes_of
from symgrad.mathematics.sizes import Size, fixed, named, normal_form, with_numbers
from symgrad.targets.about import part_text, several
from symgrad.targets.module import Module, where_size_is
from symgrad.targets.numpy.layout import shape_data


@dataclass(frozen=True)
class Labels:
    """What the templates need of labels.

    ``plain``: whether all labels of the file count from 0 on an axis.  ``axes``: the axes that
    arguments point into, where that is so; ``ranges``: else for each argument, or part of one, the
    first label and the last.
    """

    plain: bool
    axes: Sequence[tuple[str, str]]
    ranges: Sequence[tuple[str, str, str, str]]

    @classmethod
    def of(cls, arguments: Sequence[Variable], *, plain: bool) -> Labels:
        """The labels of some arguments of a file."""
        if plain:
            pointing = [v for v in arguments if v.bounds]
            sizes = [(v.name, shape_data([b.stop for b in v.bounds])) for v in pointing]
            return cls(plain, sizes, [])
        return cls(plain, [], [r for v in arguments for r in _ranges(v)])


def are_plain(*modules: Module) -> bool:
    """Whether all labels count from 0 on one axis."""
    bounds = [b for m in modules for v in m.arguments for b in v.bounds]
    return all(b.is_plain and (b.stop.is_Symbol or fixed(b.stop) is not None) for b in bounds)


def _ranges(variable: Variable) -> Iterator[tuple[str, str, str, str]]:
    for part, (lows, stops) in by_part(variable.bounds).items():
        picked = part_text(part, variable.shape, _of_sizes)
        first = several("max", lows, _of_sizes)
        last = several("min", (stop - 1 for stop in stops), _of_sizes)
        yield variable.name, f"np.s_{picked}" if picked else "...", first, last


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


def _of_sizes(value: sp.Expr) -> str:
    """Over the sizes as a table has them."""
    return written_with(value, {name: f'sizes["{name}"]' for name in named([value])})


def written_with(value: sp.Expr, names: Mapping[str, str]) -> str:
    """An expression over sizes that are called so."""
    value = normal_form(value)
    return str(
        value.xreplace({s: sp.Symbol(names.get(s.name, s.name)) for s in value.free_symbols})
    )


def largest(place: int, variable: Variable, given: Sequence[Variable]) -> Iterator[tuple[str, str]]:
    """How far the labels of an argument are from the first, and what that has to be less than.

    As a number without a sign, which a label before the first makes a very large one.
    """

    sizes = named(s for bounds in variable.bounds for s in sizes_of(bounds))
    lengths = {size: f"given{where_length(size, given)}" for size in sizes}

    def written(value: sp.Expr) -> str:
        return written_with(value, lengths)

    for part, (lows, stops) in by_part(variable.bounds).items():
        labels = f"given[{place}]{part_text(part, variable.shape, written)}"
        low, room = several("max", lows, written), several("min", stops, written)
        if low != "0":
            labels = f"({labels} {_less(low)})"
            least = lows[0] if len(lows) == 1 else sp.Symbol(low, integer=True)
            room = several("min", (stop - least for stop in stops), written)
        yield f"np.maximum.reduce({labels}.view(np.uint64), None, initial=0)", room


def _less(low: str) -> str:
    if low[0] == "-" and low[1:].isdigit():
        return f"+ {low[1:]}"
    return f"- {low}" if low.isdigit() or low.startswith("max(") else f"- ({low})"


def where_length(size: str, given: Sequence[Variable]) -> str:
    """Where among the arguments the length of a named size is."""
    name, axis = where_size_is(size, given)
    place = next(k for k, v in enumerate(given) if v.name == name)
    return f"[{place}].shape[{axis}]"
