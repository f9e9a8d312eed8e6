"""Masks that are missing, or of the wrong array."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from symgrad.audit.grammar.edit import (
    Proposal,
    Rule,
    function_of,
    is_gradient,
    nodes,
    operand,
)
from symgrad.audit.sites import Known, Site
from symgrad.audit.walks import typed, walked

_SIGNS: dict[type[ast.cmpop], str] = {ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<="}
_OTHER = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}


def forward(site: Site, shape: tuple[int, ...] | None) -> list[Known]:
    """Arrays of the forward pass of a shape, those with entries of both signs first."""
    found = [k for k in site.like(shape) if not is_gradient(site, k.name)]
    return sorted(found, key=lambda k: (not (k.array < 0).any(), k.name.startswith("self.")))


def _of_layers(site: Site) -> list[Known]:
    """What objects hold, where a statement is of several of them: each has its own shape."""
    several, axes = len({a.shape for a in site.arrays}) > 1, len(site.shape or ())
    held = (k for k in site.known.values() if k.name.startswith("self.") and several)
    return [k for k in held if k.array.ndim == axes and not is_gradient(site, k.name)]


def _missing(site: Site) -> Iterator[Proposal]:
    """The whole, masked by where an array is positive."""
    for root in site.roots:
        for known in forward(site, site.shape)[:12]:
            if set(map(float, set(known.array.ravel()[:50].tolist()))) <= {0.0, 1.0}:
                yield root, f"{operand(site, root)} * {known.name}", 2.2, known.name
            yield root, f"{operand(site, root)} * ({known.name} > 0)", 2.0, f"{known.name} > 0"
        for known in forward(site, _turned(site.shape))[:8]:
            yield root, f"{operand(site, root)} * ({known.name}.T > 0)", 2.6, f"{known.name} > 0"


def _turned(shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
    return shape[::-1] if shape is not None and len(shape) == 2 and shape[0] != shape[1] else None


def _half(site: Site) -> Iterator[Proposal]:
    """A part of what is assigned, masked by an array of any shape."""
    for node in nodes(site):
        if isinstance(node, (ast.Name, ast.BinOp, ast.Call)) and node not in site.roots:
            for known in [k for k in site.known.values() if not is_gradient(site, k.name)][:14]:
                if known.array.ndim and (known.array < 0).any():
                    yield (
                        node,
                        f"({operand(site, node)} * ({known.name} > 0))",
                        3.4,
                        f"{known.name} > 0",
                    )


def _no_kink(site: Site) -> Iterator[Proposal]:
    """What elsewhere is read through a maximum with a number alone."""
    calls = (n for n in walked(site.source.tree) if isinstance(n, ast.Call))
    kinks = [c for c in calls if function_of(c) in ("maximum", "minimum") and len(c.args) == 2]
    kinked = {typed(a): c for c in kinks for a in c.args if not isinstance(a, ast.Constant)}
    inside = {id(n) for node in nodes(site) if node in kinks for n in walked(node)}
    for node in nodes(site):
        kink = kinked.get(typed(node)) if id(node) not in inside else None
        if kink is not None:
            yield node, typed(kink), 1.5, typed(kink)


def _relu_of_gradient(site: Site) -> Iterator[Proposal]:
    """A maximum with 0 of a gradient, in place of the mask."""
    for node in nodes(site):
        name = function_of(node)
        if not isinstance(node, ast.Call) or not (name == "maximum" or "relu" in name.lower()):
            continue
        inner = [a for a in node.args if not (isinstance(a, ast.Constant) and a.value == 0)]
        for known in forward(site, site.shape)[:12] if len(inner) == 1 else ():
            new = f"{operand(site, inner[0])} * ({known.name} > 0)"
            yield node, new, 1.6, f"{known.name} > 0"


def _another(site: Site) -> Iterator[Proposal]:
    """A comparison of another array, or the other way round."""
    for node in nodes(site):
        if (
            not isinstance(node, ast.Compare)
            or len(node.ops) != 1
            or type(node.ops[0]) not in _SIGNS
        ):
            continue
        sign = _SIGNS[type(node.ops[0])]
        left, right = node.left, node.comparators[0]
        yield node, f"{site.text(left)} {_OTHER[sign]} {site.text(right)}", 1.5, "the other side"
        text = site.text(left)
        shape = site.known[text].shape if text in site.known else site.shape
        for known in forward(site, shape) or forward(site, site.shape):
            if known.name != text and (known.array < 0).any():
                for new in dict.fromkeys((sign, sign.rstrip("="))):
                    yield node, f"{known.name} {new} {site.text(right)}", 1.6, known.name


def _threshold(site: Site) -> Iterator[Proposal]:
    """Another number that an array is compared with."""
    for node in nodes(site):
        right = node.comparators[0] if isinstance(node, ast.Compare) else None
        for new in _thresholds(site) if isinstance(right, ast.Constant) else ():
            yield right, new, 1.55 if new == "0" else 1.6, new  # type: ignore[misc]


def _thresholds(site: Site) -> list[str]:
    """Numbers that an array may be compared with."""
    names = [k.name for k in site.scalars if float(k.array) != 0][:8]
    return ["0", *(sign + name for name in [*names, "1", "0.5"] for sign in ("", "-"))]


def _called(site: Site) -> Iterator[Proposal]:
    """A function of the wrong array that gives a mask or a slope, in place of a comparison."""
    for node in nodes(site):
        if isinstance(node, ast.Call) and node.args and function_of(node):
            for known in forward(site, site.shape)[:10]:
                yield node, f"({known.name} > 0)", 2.6, f"{known.name} > 0"


def _in_place(site: Site) -> Iterator[Proposal]:
    """``dz[z <= 0] = 0`` with another array, or the other way round."""
    statement = site.statement
    if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Subscript):
        return
    index = statement.targets[0].slice
    if not isinstance(index, ast.Compare) or type(index.ops[0]) not in _SIGNS:
        return
    sign, right = _SIGNS[type(index.ops[0])], site.text(index.comparators[0])
    yield index, f"{site.text(index.left)} {_OTHER[sign]} {right}", 1.4, "the other side"
    for known in dict.fromkeys(k.name for k in (*forward(site, site.shape), *_of_layers(site))):
        for new in dict.fromkeys((sign, _OTHER[sign], "<=")):
            yield index, f"{known} {new} {right}", 1.6, known


def _slope_in_place(site: Site) -> Iterator[Proposal]:
    """``dz[z <= 0] *= 0.1`` for ``= 0``."""
    statement = site.statement
    if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Subscript):
        return
    zero = isinstance(statement.value, ast.Constant) and not statement.value.value
    start, end = site.source.span(statement.targets[0])[1], site.source.span(statement.value)[1]
    for slope in _numbers(site) if zero else ():
        yield (start, end), f" *= {slope}", 1.7, slope


def _numbers(site: Site) -> list[str]:
    """Numbers that may be the slope of an activation: those of the program, and usual ones."""
    typed = (n.value for n in walked(site.source.tree) if isinstance(n, ast.Constant))
    small = [f"{n:g}" for n in typed if isinstance(n, float) and 0 < n < 1]
    names = [k.name for k in site.scalars if k.name.isidentifier() and 0 < float(k.array) < 1]
    return list(dict.fromkeys([*names, *small, "0.01", "0.1", "0.2"]))[:12]


RULES = (
    Rule("no mask", "mask", _missing, "the mask is missing: the gradient passes only where {word}"),
    Rule(
        "no mask inside",
        "mask",
        _half,
        "the mask is missing on `{old}`: the gradient passes only where {word}",
    ),
    Rule(
        "no mask where there is a kink",
        "mask",
        _no_kink,
        "the mask is missing: `{old}` counts only as far as it does in {word}",
    ),
    Rule(
        "the activation of the gradient",
        "mask",
        _relu_of_gradient,
        "the activation is applied to the gradient; its derivative is the mask {word}",
    ),
    Rule(
        "another mask", "mask", _another, "the mask is `{old}`; the gradient passes where `{new}`"
    ),
    Rule(
        "another threshold",
        "mask",
        _threshold,
        "the mask compares with `{old}`: it ought to compare with `{new}`",
    ),
    Rule(
        "a slope that is no mask",
        "mask",
        _called,
        "`{old}` is not the mask: the gradient passes only where {word}",
    ),
    Rule(
        "no slope in place",
        "activation",
        _slope_in_place,
        "entries become 0 where they ought to be multiplied by the slope, {word}",
    ),
    Rule(
        "another mask in place",
        "mask",
        _in_place,
        "the mask is `{old}`; entries ought to become 0 where `{new}`",
    ),
)
