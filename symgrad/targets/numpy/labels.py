"""The labels that generated files take: of each array, or part of one, the first and the last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sympy as sp

from symgrad.mathematics.equations import Variable
from symgrad.mathematics.ranges import Bounds, Part
from symgrad.mathematics.sizes import fixed, named, normal_form
from symgrad.targets.about import part_text
from symgrad.targets.module import Module, where_size_is
from symgrad.targets.numpy.layout import shape_data

Written = Callable[[sp.Expr], str]
"""How an expression over sizes is written."""


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
    for part, several in _by_part(variable.bounds):
        picked = part_text(part, variable.shape, _of_sizes)
        lows = _several("max", (b.low for b in several), _of_sizes)
        highs = _several("min", (b.stop - 1 for b in several), _of_sizes)
        yield variable.name, f"np.s_{picked}" if picked else "...", lows, highs


def _by_part(bounds: Iterable[Bounds]) -> Iterator[tuple[Part, list[Bounds]]]:
    found: dict[Part, list[Bounds]] = {}
    for one in bounds:
        found.setdefault(one.part, []).append(one)
    yield from found.items()


def _several(function: str, values: Iterable[sp.Expr], written: Written) -> str:
    texts = list(dict.fromkeys(map(written, values)))
    return texts[0] if len(texts) == 1 else f"{function}({', '.join(texts)})"


def _of_sizes(value: sp.Expr) -> str:
    """Over the sizes as a table has them."""
    return written_with(value, {name: f'sizes["{name}"]' for name in named([value])})


def written_with(value: sp.Expr, names: Mapping[str, str]) -> str:
    """An expression over sizes that are called so."""
    value = normal_form(value)
    return str(value.xreplace({s: sp.Symbol(names[s.name]) for s in value.free_symbols}))


def largest(place: int, variable: Variable, given: Sequence[Variable]) -> Iterator[tuple[str, str]]:
    """How far the labels of an argument are from the first, and what that has to be less than.

    As a number without a sign, which a label before the first makes a very large one.
    """

    def written(value: sp.Expr) -> str:
        return written_with(value, {s: f"given{where_length(s, given)}" for s in named([value])})

    for part, several in _by_part(variable.bounds):
        lows = _several("max", (b.low for b in several), written)
        stops = _several("min", (b.stop for b in several), written)
        labels = f"given[{place}]{part_text(part, variable.shape, written)}"
        moved = labels if lows == "0" else f"({labels} - {_in_parentheses(lows)})"
        room = stops if lows == "0" else f"{stops} - {_in_parentheses(lows)}"
        yield f"np.maximum.reduce({moved}.view(np.uint64), None, initial=0)", room


def _in_parentheses(text: str) -> str:
    return text if text.isdigit() or text.endswith(")") else f"({text})"


def where_length(size: str, given: Sequence[Variable]) -> str:
    """Where among the arguments the length of a named size is."""
    name, axis = where_size_is(size, given)
    place = next(k for k, v in enumerate(given) if v.name == name)
    return f"[{place}].shape[{axis}]"
