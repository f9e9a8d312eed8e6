"""Derivatives of functions: another function's, at another value, of a part only, or none."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from symgrad.audit.grammar.copies import counters, read_around
from symgrad.audit.grammar.edit import (
    Proposal,
    Rule,
    bracketed,
    function_of,
    is_gradient,
    is_module,
    nodes,
    operand,
    products,
    reads_gradient,
)
from symgrad.audit.grammar.masks import forward
from symgrad.audit.sites import Known, Site
from symgrad.audit.walks import walked

SLOPES = (
    ("(1 - {}**2)", 0.0, "tanh", "tanh exp"),
    ("{0} * (1 - {0})", 0.0, "the sigmoid", "sigmoid expit exp tanh"),
    ("(1 - np.tanh({})**2)", 0.1, "tanh", "tanh exp"),
    ("(np.exp(-{0}) / (1 + np.exp(-{0}))**2)", 0.3, "the sigmoid", "sigmoid expit exp"),
    ("({} > 0)", 0.1, "relu", "relu maximum minimum step less less_equal select"),
    ("1 / (1 + np.exp(-{}))", 0.3, "softplus", "softplus logaddexp log1p exp"),
    (
        "np.where({0} > 0, 1, 0.01)",
        0.3,
        "leaky relu",
        "maximum relu minimum step less less_equal select",
    ),
    (
        "np.where({0} > 0, 1, 0.1)",
        0.35,
        "leaky relu",
        "maximum relu minimum step less less_equal select",
    ),
    (
        "np.where({0} > 0, 1, 0.2)",
        0.35,
        "leaky relu",
        "maximum relu minimum step less less_equal select",
    ),
    ("np.where({0} > 0, 1, np.exp({0}))", 0.4, "elu", "exp"),
    ("np.where({0} > 0, 1, {0} + 1)", 0.5, "elu", "exp"),
    ("2 * {}", 0.2, "the square", "pow 2"),
    ("3 * {}**2", 0.4, "the cube", "pow 3"),
    ("np.exp({})", 0.3, "exp", "exp"),
    ("1 / {}", 0.3, "log", "log"),
    ("-1 / {}**2", 0.4, "the reciprocal", "pow -1"),
    ("np.cos({})", 0.4, "sin", "sin"),
    ("-np.sin({})", 0.4, "cos", "cos"),
    ("1 / (1 + {}**2)", 0.3, "arctan", "atan arctan"),
    ("np.cosh({})", 0.4, "sinh", "sinh"),
    ("np.sinh({})", 0.4, "cosh", "cosh"),
    ("np.exp(-{}**2 / 2) / np.sqrt(2 * np.pi)", 0.4, "the normal distribution", "erf norm_cdf"),
    ("1 / (1 + np.abs({}))**2", 0.4, "softsign", "absolute"),
    ("np.sign({})", 0.4, "the absolute value", "absolute sign"),
    ("0.5 / np.sqrt({})", 0.5, "the root", "pow 1/2;pow -1/2"),
    ("0.5 / {}", 0.5, "the root", "pow 1/2"),
    ("{}", 0.5, "its value", "exp pow 2"),
)
"""Derivatives of functions as people write them, of what they are applied to or of what they give;
and the functions, or powers, that have to be in a forward pass for them."""


def _slopes(site: Site, known: Known, text: str = "") -> Iterator[tuple[str, float, str]]:
    for pattern, cost, name, needed in SLOPES:
        powers = needed.split(";") if needed.startswith("pow") else needed.split()
        if site.functions.isdisjoint(powers):
            continue
        yield pattern.format(text or known.name), cost, f"{name} at {text or known.name}"


def _arrays(site: Site, most: int = 12) -> list[Known]:
    """Arrays of the forward pass of the shapes that a statement speaks of."""
    spoken = [site.known[t].shape for n in nodes(site) if (t := site.text(n)) in site.known]
    shapes = dict.fromkeys([site.shape, *(s for s in spoken if s)])
    found = {k.name: k for shape in list(shapes)[:4] for k in forward(site, shape)[:most]}
    return list(found.values())


def _not_used(site: Site) -> Iterator[Proposal]:
    """A factor that is a gradient: the one that comes back from what follows."""
    for node in nodes(site):
        if not isinstance(node, (ast.BinOp, ast.Name, ast.Call)):
            continue
        for known in site.known.values():
            if known.array.ndim and is_gradient(site, known.name) and not _reads(node, known.name):
                yield node, f"{operand(site, node)} * {known.name}", 2.9, known.name


def _reads(node: ast.expr, name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name for n in walked(node))


def _another(site: Site) -> Iterator[Proposal]:
    """Another derivative in place of a factor, or of what a function gives."""
    found = [(f, 2.0) for product in products(site) for f in (product.left, product.right)]
    found += [(root, 2.0) for root in site.roots if _multiplies(site.statement)]
    found = [(f, cost) for f, cost in found if not isinstance(f, ast.Constant)]
    found = [(f, cost) for f, cost in found if not is_gradient(site, site.text(f))]
    found = [(f, 2.5 if _is_own(f) else cost) for f, cost in found]
    calls = (n for n in nodes(site) if isinstance(n, ast.Call) and n.args and not _is_library(n))
    found += [(call, 2.5) for call in calls]
    for node, start in found:
        for known in _arrays(site):
            for new, cost, word in _slopes(site, known):
                yield node, bracketed(new), start + cost, word


def _multiplies(statement: ast.stmt) -> bool:
    """Whether a statement multiplies what it changes: its value is a factor."""
    return isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Mult)


def _several(site: Site) -> Iterator[Proposal]:
    """Another derivative in place of several factors: ``g * a * (1 - a)``."""
    for product in products(site):
        factors = _factors(product)
        kept = [f for f in factors if reads_gradient(site, f)]
        if not 0 < len(kept) < len(factors) - 1:
            continue
        whole = " * ".join(operand(site, f) for f in kept)
        for known in _arrays(site):
            for new, cost, word in _slopes(site, known):
                yield product, f"{whole} * {bracketed(new)}", 2.0 + cost, word


def _is_own(node: ast.expr) -> bool:
    """Whether a call is of a function of the program, which is likelier wrong itself."""
    return isinstance(node, ast.Call) and not (
        isinstance(node.func, ast.Attribute) and is_module(node.func.value)
    )


def _is_library(node: ast.Call) -> bool:
    inside = isinstance(node.func, ast.Attribute) and is_module(node.func.value)
    return inside and function_of(node) in PLAIN


PLAIN = frozenset(
    ["dot", "matmul", "outer", "sum", "mean", "einsum", "zeros", "zeros_like", "reshape"]
)
"""Functions of libraries that are no derivatives."""


def _written(site: Site) -> Iterator[Proposal]:
    """What a function of the program gives back: a derivative of its argument."""
    statement = site.statement
    if not isinstance(statement, ast.Return) or statement.value is None:
        return
    arrays = [k for k in site.like(site.shape) if k.name.isidentifier()]
    for known in arrays[:4]:
        for new, cost, word in _slopes(site, known):
            yield statement.value, new, 1.8 + cost, word
        for new, cost, word in _slopes(site, known, f"np.tanh({known.name})"):
            yield statement.value, new, 2.4 + cost, word


def _default(site: Site) -> Iterator[Proposal]:
    """A function that is given as the derivative of itself."""
    for root in site.roots:
        if isinstance(root, (ast.Attribute, ast.Name)) and site.text(root).split(".")[-1] in _SELF:
            yield root, _SELF[site.text(root).split(".")[-1]], 1.5, site.text(root)
    for node in nodes(site):
        if isinstance(node, ast.Call) and function_of(node) in _SELF and node.args:
            call = (
                _SELF[function_of(node)]
                .replace("lambda a: ", "")
                .replace("(a)", f"({site.text(node.args[0])})")
            )
            yield node, f"({call})", 1.6, function_of(node)


_SELF = {
    "tanh": "lambda a: 1 - np.tanh(a) ** 2",
    "sin": "lambda a: np.cos(a)",
    "exp": "lambda a: np.exp(a)",
}


def _missing(site: Site) -> Iterator[Proposal]:
    """The whole times a derivative."""
    for root in site.roots:
        for known in _arrays(site, 12):
            for new, cost, word in _slopes(site, known):
                yield root, f"{operand(site, root)} * {new}", 2.8 + cost, word


def _missing_in_turn(site: Site) -> Iterator[Proposal]:
    """The whole times a derivative at an entry of a list of layers, in a loop through these."""
    counted = set(counters(site)) if site.looped else set()
    for root in site.roots if counted else ():
        if reads_gradient(site, root):
            for text in [t for t in read_around(site) if t.split("[")[-1].rstrip("]") in counted]:
                for index in ("", " - 1", " + 1"):
                    entry = f"{text[:-1]}{index}]"
                    for new, cost, word in _slopes(site, Known(entry, NOTHING)):
                        yield root, f"{operand(site, root)} * {new}", 2.4 + cost, word


NOTHING = np.zeros(0)


def _missing_inside(site: Site) -> Iterator[Proposal]:
    """A part times a derivative, of an array of a shape that it speaks of."""
    for node in nodes(site):
        if not isinstance(node, (ast.Name, ast.BinOp)) or node in site.roots:
            continue
        texts = (site.text(n) for n in walked(node) if isinstance(n, (ast.Name, ast.Attribute)))
        shapes = dict.fromkeys(site.known[t].shape for t in texts if t in site.known)
        arrays = [k for shape in shapes if shape for k in forward(site, shape)[:8]]
        for known in arrays:
            for new, cost, word in _slopes(site, known):
                yield node, f"({operand(site, node)} * {new})", 3.4 + cost, word


def _softmax(site: Site) -> Iterator[Proposal]:
    """The whole of softmax's Jacobian, where only its diagonal or nothing is."""
    for root in site.roots:
        for node in [n for n in nodes(site) if _inside(n, root)]:
            for known in _arrays(site):
                axes = [a for a in (-1, 0) if known.array.ndim and _is_one(known.array.sum(axis=a))]
                p, rests = known.name, [site.text(node)]
                rests += _parts_of(site, node)
                for rest in dict.fromkeys(rests):
                    for axis in axes[:1]:
                        sums = f"np.sum({rest} * {p}, axis={axis}, keepdims=True)"
                        yield node, f"{p} * ({rest} - {sums})", 1.9, p


def _is_one(sums: Any) -> bool:
    return bool(np.allclose(sums, 1.0))


def _is_normal(known: Known, axis: int | None) -> bool:
    """Whether an array is normalised along an axis: its mean is 0, or its squares sum to 1."""
    if not known.array.size:
        return False
    mean, squares = known.array.mean(axis=axis), (known.array**2).sum(axis=axis)
    return bool(np.abs(mean).max(initial=0) < 1e-9) or _is_one(squares)


def _inside(node: ast.expr, root: ast.expr) -> bool:
    return node is root or (
        isinstance(node, (ast.BinOp, ast.Name)) and any(n is node for n in walked(root))
    )


def _factors(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return [*_factors(node.left), *_factors(node.right)]
    return [node]


def _parts_of(site: Site, node: ast.expr) -> Iterator[str]:
    """What is left of a product without some of its factors."""
    factors = _factors(node)
    for count in range(1, len(factors)) if len(factors) < 6 else ():
        for some in itertools.combinations(factors, count):
            whole = " * ".join(operand(site, f) for f in some)
            yield whole if count == 1 else f"({whole})"


def _norms(site: Site) -> Iterator[Proposal]:
    """The parts of a norm's Jacobian that are left out: through its mean, and through its scale."""
    shape = site.shape
    for node in nodes(site):
        if not isinstance(node, (ast.Name, ast.BinOp, ast.Call, ast.Attribute)):
            continue
        text = operand(site, node)
        for axis in (0, -1) if shape is not None and len(shape) > 1 else (None,):
            over = "" if axis is None else f", axis={axis}, keepdims=True"
            mean = f"np.mean({text}{over})"
            cost = 2.0 if node not in site.roots else 2.3
            yield node, f"({text} - {mean})", cost + 0.4, "the mean"
            for known in [k for k in _arrays(site, 12) if _is_normal(k, axis)]:
                x = known.name
                yield (
                    node,
                    f"({text} - {mean} - {x} * np.mean({text} * {x}{over}))",
                    cost,
                    "the mean and the variance",
                )
                yield (
                    node,
                    f"({text} - {x} * np.mean({text} * {x}{over}))",
                    cost + 0.4,
                    "the variance",
                )
                yield node, f"({text} - {x} * np.sum({text} * {x}{over}))", cost + 0.3, "the norm"


def _chosen(site: Site) -> Iterator[Proposal]:
    """The gradient of a loss of probabilities: their difference from the targets."""
    for root in site.roots:
        factors = _factors(root)
        for factor in factors if len(factors) > 1 else ():
            known = [
                n for n in walked(factor) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Sub)
            ]
            if known:
                yield root, operand(site, factor), 1.9, site.text(factor)


RULES = (
    Rule(
        "the gradient of what follows is not used",
        "factor",
        _not_used,
        "the gradient that comes back, {word}, is not used",
    ),
    Rule(
        "another derivative",
        "activation",
        _another,
        "`{old}` is not the derivative there; that of {word} is",
    ),
    Rule(
        "another derivative of two factors",
        "activation",
        _several,
        "`{old}` has not the derivative that is there: it ought to be `{new}`, with that of {word}",
    ),
    Rule(
        "a function of another derivative",
        "activation",
        _written,
        "the function does not give the derivative: `{old}` ought to be `{new}`, that of {word}",
    ),
    Rule(
        "a function for its derivative",
        "activation",
        _default,
        "`{old}` is the function and not its derivative, `{new}`",
    ),
    Rule("no derivative", "operation", _missing, "the derivative of {word} is missing"),
    Rule(
        "no derivative in turn",
        "operation",
        _missing_in_turn,
        "the derivative of {word} is missing",
    ),
    Rule(
        "no derivative inside", "operation", _missing_inside, "the derivative of {word} is missing"
    ),
    Rule(
        "a part of softmax's Jacobian",
        "jacobian",
        _softmax,
        "only a part of softmax's Jacobian is there: it is p (g - sum(g p)), where p is {word}",
    ),
    Rule(
        "a part of a norm's Jacobian",
        "jacobian",
        _norms,
        "what goes through {word} is missing: `{old}` ought to be `{new}`",
    ),
)
