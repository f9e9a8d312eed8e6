"""What a generated file says of itself: its arguments, formulas, promises and costs."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence

import sympy as sp

from symgrad.mathematics.assumptions import Assumption
from symgrad.mathematics.equations import Variable
from symgrad.mathematics.ranges import Part, by_part
from symgrad.mathematics.sizes import Size, fixed, normal_form
from symgrad.mathematics.told import Told
from symgrad.program.costs import flops, polynomial
from symgrad.program.memory import Plan
from symgrad.targets.module import Module

WIDTH = 96
"""The longest line of a comment or a list."""


def about(module: Module, *, checked: bool = True) -> Iterator[str]:
    """The arguments and gradients with their shapes and formulas, and what is assumed.

    ``checked``: whether the file has a function that says if that holds.
    """
    arguments = module.arguments
    yield from _arguments(module)
    yield from _preparation(module)
    yield from ("", f"    {module.formulas.get(module.output, module.output)}")
    if module.remarks or any(v.assumptions for v in arguments):
        yield ""
    for remark in [*module.remarks, *_promises(arguments, checked=checked)]:
        yield from textwrap.wrap(_sentence(remark), WIDTH)


def _arguments(module: Module) -> Iterator[str]:
    """A line for each, with the derivative by it; after them the derivatives by other values."""
    arguments = {v.name: v for v in module.arguments}
    formulas = {p: module.formulas.get(g, g) for p, g in module.gradients.items()}
    told = {
        n: ", ".join([shape_text(v.shape) or "scalar", *_told(v)]) for n, v in arguments.items()
    }
    others = {p: g for p, g in module.gradients.items() if p not in arguments}
    told |= {p: shape_text(module.program.shapes[g]) or "scalar" for p, g in others.items()}
    names, shapes = max(map(len, told)), max([0, *(len(told[p]) for p in formulas)])
    yield "Arguments and derivatives:" if formulas.keys() & arguments else "Arguments:"
    for name, text in told.items():
        if name in others and name == next(iter(others)):
            yield from ("", "Derivatives:")
        formula = f"{text:<{shapes}}  {formulas[name]}" if name in formulas else text
        yield f"    {name:<{names}}  {formula}"


def costs(
    plan: Plan,
    called: Sequence[str],
    what: str = "Loss and gradients",
    constants: sp.Expr = sp.S.Zero,
) -> Iterator[str]:
    """What ``what`` costs; ``called``: what takes memory in each call.

    ``constants``: bytes of what is made with the workspace.
    """
    work, room = polynomial(flops(plan.program)), polynomial(sp.expand(plan.bytes(8) + constants))
    yield ""
    yield from textwrap.wrap(
        f"{what}: {work} operations, {room} bytes of workspace in float64.",
        WIDTH,
    )
    if called:
        told = f"What takes memory in each call: {', '.join(called)}."
        yield from textwrap.wrap(told, WIDTH)


def assumed(variables: Iterable[Variable]) -> list[tuple[str, Assumption]]:
    """Every assumption, with the input that it is made of."""
    return [(v.name, a) for v in variables if v.role != "constant" for a in v.assumptions]


def size_text(size: Size) -> str:
    """A size for people."""
    known = fixed(size)
    return str(normal_form(size) if known is None else known)


def part_text(part: Part, shape: Sequence[Size], written: Callable[[Size], str]) -> str:
    """The subscript of a part of an array; nothing for all of it.  ``written``: of a number."""
    texts = [_slice(*pair, written) for pair in zip(part, shape, strict=True)]
    while texts and texts[-1] == ":":
        texts.pop()
    return f"[{', '.join(texts)}]" if texts else ""


def several(function: str, values: Iterable[Size], written: Callable[[Size], str]) -> str:
    """One value, or the largest or least of several."""
    texts = [*map(written, values)]
    return texts[0] if len(texts) == 1 else f"{function}({', '.join(texts)})"


def _slice(ends: tuple[Size, Size] | None, size: Size, written: Callable[[Size], str]) -> str:
    if ends is None:
        return ":"
    first, last = ends
    if first == last:
        return written(first)
    end = "" if normal_form(last + 1 - size) == 0 else written(last + 1)
    return f"{written(first) if first else ''}:{end}"


def shape_text(shape: Sequence[Size]) -> str:
    """A shape for people; nothing for a scalar."""
    parts = [size_text(s) for s in shape]
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})" if parts else ""


def _preparation(module: Module) -> Iterator[str]:
    if module.preparation is not None:
        first = module.preparation.first
        data = ", ".join(v.name for v in first.arguments)
        yield from ("", f"Worked out of the data by prepare({data}):")
        yield from (f"    {formula}" for formula in first.formulas.values())


def _promises(arguments: Sequence[Variable], *, checked: bool) -> Iterator[str]:
    if found := "; ".join(a.sentence(name) for name, a in assumed(arguments)):
        told = ". Whether that holds, check_assumptions tells" if checked else ""
        yield f"It is assumed that {found}{told}"


def _told(variable: Variable) -> Iterator[str]:
    if variable.dtype != "float":
        yield variable.dtype
    for part, (lows, stops) in by_part(variable.bounds).items():
        labels = f"{variable.name}{part_text(part, variable.shape, size_text)}"
        low, stop = several("max", lows, size_text), several("min", stops, size_text)
        yield f"{low} <= {labels} < {stop}"
    yield from map(str, variable.assumptions)


def _sentence(text: str) -> str:
    """With a capital, unless it begins with a name, and a full stop."""
    named = isinstance(text, Told) and not text.pieces[0]
    return (text if named else text[:1].upper() + text[1:]) + "."
