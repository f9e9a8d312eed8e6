"""Which kind of fault it is: what people would call it, whatever edit happens to repair it."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from symgrad.audit.changed import (
    is_in_a_product,
    is_index,
    is_multiple,
    is_of_a_branch,
    is_of_a_difference,
    is_of_a_scale,
    is_of_a_summand,
    is_of_data,
    is_of_masks,
    is_of_numbers,
    is_of_order,
    is_one_more,
    is_owner,
    is_power,
    is_slice,
    is_times,
    is_times_no_slope,
    same_but_mean,
    sums_more,
    sums_otherwise,
)
from symgrad.audit.deduced.repairs import nothing
from symgrad.audit.diagnosis.explanation import Explanation, Summand
from symgrad.audit.diagnosis.slots import ARRAYS, MADE
from symgrad.audit.diagnosis.told import HOW
from symgrad.audit.form import assigned, reads
from symgrad.audit.grammar import Edit
from symgrad.audit.grammar.edit import function_of, nodes
from symgrad.audit.operations import of_operation
from symgrad.audit.outcome import Blamed
from symgrad.audit.sites import Site
from symgrad.audit.walks import typed, walked


def kind_of(blamed: Blamed) -> str:
    """The kind of a fault: by its repair, if there is one, and by what explains the numbers."""
    if blamed.evidence.trace:
        return blamed.evidence.trace
    if blamed.edit is not None and blamed.edit.kind != "unnamed":
        return of_both(blamed, of_edit(blamed, blamed.edit))
    cause = blamed.evidence.explanation
    if cause is None:
        return of_operation(blamed.evidence, blamed.target.name) or "unnamed"
    kind = of_explanation(cause)
    lacks = cause.role == "terms" and kind in ("path", "sum", "term")
    return "overwritten" if lacks and overwrites(blamed.site) else kind


def of_both(blamed: Blamed, kind: str) -> str:
    """The kind by the repair; what the numbers tell, where a repair may be a makeshift."""
    several = MAKESHIFT.get("factor" if blamed.edit and blamed.edit.kind == "factor" else kind, ())
    if blamed.edit and is_precise(blamed.edit):
        return kind
    several = tuple(k for k in several if k not in of_no_array(blamed.edit))
    several = (*several, *MORE.get(blamed.edit.rule.name if blamed.edit else "", ()))
    several = tuple(HOW) if blamed.edit and is_of_a_flag(blamed.edit) else several
    cause = blamed.evidence.whole if several else None
    other = kind if cause is None else told_by(cause)
    fitting = kind == "activation" and is_of_coefficients(cause)  # no slope, but a term
    several = (*several, *(("path", "term") if fitting else ()))
    if cause is not None and (cause.role, cause.change) == ("times", "a function"):
        other = "operation" if other == "loss" else other
    elif cause is not None and cause.first and blamed.edit and calls_more(blamed.edit):
        other = "loss" if other == "activation" else other
        several = (*several, "loss", "term")
    elif cause is not None and cause.first and other == "activation":
        return kind
    if cause is not None and kind in ("mask", "value") and not is_of_coefficients(cause):
        several = tuple(k for k in several if k not in ("factor", "term"))
    if blamed.edit and divides(blamed.edit) and "operation" in (kind, other):
        return "factor"  # what does not belong there is no derivative that is missing
    return other if other in several else kind


def of_no_array(edit: Edit | None) -> tuple[str, ...]:
    """Kinds that a repair can't be of, by whether it is of numbers, or of data."""
    if edit is None:
        return ()
    return OF_ARRAYS * is_of_numbers(edit) + ("activation", "operation") * is_of_data(edit)


def divides(edit: Edit) -> bool:
    """Whether an edit takes a factor out by dividing."""
    added = edit.new.replace(edit.old, "", 1).strip("() ")
    return added.startswith("/") or edit.word.startswith("1 / ")


def calls_more(edit: Edit) -> bool:
    """Whether an edit needs a function that the line has not: what fits, and nobody forgets."""
    return edit.kind == "factor" and edit.new.count("np.exp(") > edit.old.count("np.exp(")


def told_by(cause: Explanation) -> str:
    """The kind by the numbers, where a repair says which of several terms is wrong."""
    kind = of_explanation(cause)
    return "term" if (cause.role, kind) == ("terms", "sum") else kind


def is_of_coefficients(cause: Explanation | None) -> bool:
    """Whether terms of an equation have other coefficients, the same numbers at all points."""
    numbers = cause.coefficients if cause is not None else ()
    return bool(numbers) and not np.isnan(numbers).any()


def is_of_a_flag(edit: Edit) -> bool:
    """Whether an edit only turns a switch over, whatever that changes: ``not fixed``."""
    return edit.rule.name == "another condition" and edit.old.isidentifier()


MORE = {
    "a line after a loop": ("factor", "overwritten", "sum", "term"),
    "another derivative": ("term",),
    "a part of a norm's Jacobian": ("term", "factor", "sum"),
}
"""What else the numbers may tell of repairs that mend other faults by chance."""

PRECISE = frozenset(
    {
        "a line too few",
        "a part of softmax's Jacobian",
        "all rows",
        "an index that stands still",
        "another power",
        "lines in the wrong order",
        "names of another layer",
        "no counterpart",
        "no mask",
        "no penalty",
        "nothing is carried on",
        "some entries only",
        "swapped indices",
        "swapped letters",
        "swapped parts",
        "the activation of the gradient",
        "the first entry too",
        "turned round",
        "turns in the wrong order",
    }
)
"""Repairs that mend nothing by chance: what they are called stays."""


def is_precise(edit: Edit) -> bool:
    """Whether a repair is called what it is whatever numbers tell."""
    return edit.rule.name in PRECISE or (edit.kind == "value" and is_of_a_difference(edit))


OF_ARRAYS = ("mask", "value", "path", "transpose", "operation")
"""Kinds of faults that no other number in their place mends but by chance: 0.1 * 0.1 is 0.01."""

MAKESHIFT = {
    "factor": ("activation", "operation", "value", "jacobian", "path", "mask", "sum", "transpose"),
    "term": ("activation", "value", "jacobian", "mask", "path", "sum", "transpose"),
    "value": ("jacobian", "mask", "path", "sum", "term", "transpose"),
    "activation": ("value", "jacobian"),
    "path": ("jacobian",),
    "mask": ("factor",),
}
"""Kinds of repairs that mend other faults too, and the kinds of these."""


def overwrites(site: Site | None) -> bool:
    """Whether a statement assigns again what was assigned before, and does not read it."""
    if site is None or not isinstance(site.statement, ast.Assign):
        return False
    names = assigned(site.statement) - reads(site.statement)
    before = (n for n in walked(site.around) if isinstance(n, ast.Assign | ast.AugAssign))
    return any(assigned(s) & names for s in before if s.lineno < site.line)


def of_edit(blamed: Blamed, edit: Edit) -> str:
    """The kind of a fault by its repair: a constant ratio is a factor, or a sign."""
    plain = next((kind for kinds, is_it, kind in PLAIN if edit.kind in kinds and is_it(edit)), "")
    if plain:
        return plain
    kind, ratios = edit.kind, blamed.evidence.ratios
    scaled = bool(ratios)
    through = is_jacobian(edit, blamed.repaired_line) or is_of_a_norm(edit)
    if through and not (scaled and kind == "factor"):
        return "jacobian"
    if scaled and kind in SCALED:
        if all(abs(r + 1) < 1e-9 for r in ratios):
            return "sign"
        if kind in ("sum", "term", "value") and not any(abs(r - 1) < 1e-9 for r in ratios):
            return "factor"
    found = next((other for is_it, other in OF_FACTORS if is_it(edit)), kind)
    return found if kind in ("factor", "term") and not scaled else kind


OF_FACTORS = (
    (is_index, "value"),
    (is_owner, "value"),
    (is_power, "activation"),
    (is_of_a_branch, "activation"),
)
"""What a factor may be rather than a factor."""


SCALED = ("sum", "term", "factor", "sign", "value", "jacobian", "operation", "activation")
"""Kinds of edits with which a fault may be a factor, or a sign."""

NEAR = 1e-6
"""How near a coefficient is to a number to be that."""

BY_ROLE = {
    ("number", ""): "factor",
    ("number", "another array"): "value",
    ("operand", ""): "value",
    ("operand", "left out"): "factor",
    ("operand", "its inverse"): "factor",
    ("own", ""): "activation",
    ("own", "left out"): "activation",
    ("own", "another array"): "value",
    ("function", ""): "activation",
    ("compared", ""): "mask",
    ("entry", ""): "value",
    ("index", ""): "value",
    ("norm", ""): "jacobian",
    ("norm", "left out"): "factor",
    ("norm", "another array"): "value",
    ("cached", "transposed"): "transpose",
    ("cached", ""): "value",
    ("whole", "the last of its terms"): "overwritten",
    ("gradient", "another array"): "value",
    ("gradient", "transposed"): "transpose",
    ("gradient", "left out"): "factor",
    ("gradient", "cut at 0"): "mask",
    ("gradient", "where it is positive"): "mask",
    ("sum", "only the last"): "overwritten",
    ("sum", "only the first"): "overwritten",
    ("sum", "one of a count"): "term",
    ("sum", "everywhere"): "term",
    ("sum", "left out"): "term",
    ("sum", "only its own"): "jacobian",
    ("sum", "a mean"): "factor",
    ("sums", ""): "sum",
    ("sums", "picked"): "term",
    ("whole", "transposed"): "transpose",
    ("whole", "in another order"): "transpose",
    ("whole", "shifted"): "value",
    ("rows", ""): "factor",
    ("inside", ""): "term",
    ("windows", ""): "value",
    ("kink", ""): "mask",
    ("kink", "one sign"): "sign",
    ("kink", "what it is of"): "activation",
    ("kink", "its size"): "activation",
    ("kink", "one case times a number"): "factor",
    ("kink", "the other case times a number"): "factor",
    ("whole", "rounded"): "rounded",
    ("whole", "cut at 0"): "mask",
    ("whole", "where it is positive"): "mask",
    ("times", "left out"): "factor",
    ("times", "an array"): "factor",
    ("times", "a number"): "factor",
    ("mask", ""): "mask",
    ("mask", "another function"): "activation",
    ("slope", ""): "activation",
    ("gradient", ""): "activation",
    ("sum", ""): "sum",
    ("whole", ""): "activation",
    ("times", ""): "activation",
    ("added", ""): "term",
    ("terms", "added elsewhere"): "term",
    ("loss", ""): "loss",
}
"""The kind, by what is not as it ought to be in an equation, and by what is there instead."""

BY_CHANGE = {
    "transposed": "transpose",
    "turned round": "transpose",
    "its complement": "value",
    "its size": "activation",
    "its sign": "activation",
}
"""The kind, by what is there instead, whatever is not as it ought to be."""


def of_explanation(cause: Explanation) -> str:
    """The kind of a fault by the equation that the program has otherwise."""
    if cause.role == "terms" and cause.coefficients:
        kind = of_terms(cause.coefficients, cause.terms)
        return "term" if kind == "path" and cause.hidden and len(cause.terms) == 1 else kind
    if is_of_a_statistic(cause):
        return "jacobian"
    if cause.role in ("times", "mask") and re.search("[<>]|!=|step", cause.detail):
        return "mask"
    if cause.role == "times" and cause.change == "a function" and cause.first:
        return "loss"
    if cause.change == "left out" and "mask" in cause.before.lower():
        return "mask"
    pair = (cause.role, cause.change)
    return BY_ROLE.get(pair) or BY_CHANGE.get(cause.change) or BY_ROLE[cause.role, ""]


def is_of_a_statistic(cause: Explanation) -> bool:
    """Whether it is a part of the Jacobian of a mean, a norm, or a softmax that is wrong."""
    if cause.role == "slope":
        return cause.norm and cause.change in MADE
    if cause.role == "sums" and not cause.change:
        return cause.norm or cause.projects
    gone = cause.role in ARRAYS and cause.change == "left out"
    return gone and (cause.projects or (cause.norm and cause.role == "norm"))


def of_terms(coefficients: Sequence[float], terms: Sequence[Summand]) -> str:
    """The kind, where terms of an equation have other coefficients."""
    if np.isnan(coefficients).all() or np.ptp(coefficients) < NEAR:
        one = coefficients[0]
        return "sign" if abs(one + 1) < NEAR else "path" if abs(one) < NEAR else "factor"
    if is_scaled(coefficients, terms):
        return "factor"
    through = all(t.each and t.through == terms[0].through for t in terms)
    if through and any(t.slope for t in terms):
        return "activation"
    sizes = np.abs(coefficients)
    if (np.abs(sizes - 1) < NEAR).all():
        return "sign"
    if (np.minimum(sizes, np.abs(np.subtract(coefficients, 1))) < NEAR).all():
        pairs = list(zip(sizes, terms, strict=True))
        gone, kept = ([t for c, t in pairs if bool(c < NEAR) is g] for g in (True, False))
        return of_missing(gone, kept)
    return "sum" if is_of_one_array(terms) else "term"


def is_of_one_array(terms: Sequence[Summand]) -> bool:
    """Whether terms are the entries of one array, summed up: its windows, or its rows."""
    return len(terms) > 2 and bool(terms[0].through) and len(set(terms)) == 1 and terms[0].summed


def is_scaled(coefficients: Sequence[float], terms: Sequence[Summand]) -> bool:
    """Whether all that comes through values is multiplied by a number, and a penalty is not."""
    pairs = list(zip(coefficients, terms, strict=True))
    ways, own = ([c for c, t in pairs if bool(t.through) is way] for way in (True, False))
    same = bool(ways) and (np.isnan(ways).all() or np.ptp(ways) < NEAR)
    one = ways[0] if same else 0.0
    usual = any(abs(one - c) < NEAR for c in (-1.0, 0.0, 1.0))
    return same and not usual and bool(own) and all(abs(c - 1) < NEAR for c in own)


def of_missing(gone: Sequence[Summand], kept: Sequence[Summand]) -> str:
    """The kind, where terms are left out."""
    if len(kept) == 1 and len(gone) > 1 and all(t.like(kept[0]) for t in gone):
        return "overwritten"
    if is_of_one_array([*gone, *kept]):
        return "sum"
    pairs = [(g, k) for g in gone for k in kept if g.through == k.through]
    back = [(g, k) for g, k in pairs if g.through]
    projected = any((g.own and not k.own) or (g.summed and not k.summed) for g, k in back)
    if any(t.statistic for t in gone) or projected:
        return "jacobian"
    return "term" if pairs or not all(t.through for t in gone) else "path"


def is_comparison(text: str) -> bool:
    """Whether an expression is true or false at each entry, perhaps with an axis more."""
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        return False
    while isinstance(node, ast.Subscript):
        node = node.value
    return isinstance(node, ast.Compare)


def compares(edit: Edit) -> bool:
    """Whether a comparison is changed into another."""
    return is_comparison(edit.old) and is_comparison(edit.new)


PLAIN = (
    (("value",), is_slice, "value"),
    (("jacobian", "value", "term", "factor", "sum", "activation"), is_of_order, "mask"),
    (("sum", "value"), same_but_mean, "factor"),
    (("value",), sums_otherwise, "sum"),
    (("mask",), is_in_a_product, "value"),
    (("value",), compares, "mask"),
    (("value",), sums_more, "sum"),
    (("value",), is_multiple, "factor"),
    (("value", "factor", "term", "operation"), is_of_masks, "mask"),
    (("value", "term"), is_times, "factor"),
    (("factor", "value"), is_one_more, "term"),
    (("path",), is_of_a_scale, "factor"),
    (("value",), is_of_a_difference, "term"),
    (("activation",), is_times_no_slope, "factor"),
    (("activation",), is_of_a_summand, "value"),
    (("operation",), is_of_data, "factor"),
)
"""Kinds that edits seem to be of, what is to be seen of them, and the kind that they are then."""


def is_jacobian(edit: Edit, repaired: str) -> bool:
    """Whether a sum is mended of what a softmax's Jacobian subtracts: ``p * (g - sum(g * p))``."""
    shares = [k for k in edit.site.known.values() if k.array.ndim and is_share(k.array)]
    if edit.rule.tries is nothing and edit.kind in ("path", "term"):
        line = typed(edit.site.statement)
        factors = (rf"\b{re.escape(k.name)} \* |\* {re.escape(k.name)}\b" for k in shares)
        return edit.word.startswith("-") and any(re.search(f, line) for f in factors)
    if "sum(" not in edit.old + edit.new or edit.kind not in ("value", "sum", "term", "factor"):
        return False
    return any(_is_projected(known.name, repaired) for known in shares)


def _is_projected(name: str, line: str) -> bool:
    """Whether an array is in a sum that is subtracted, and beside it: ``p * (g - sum(g * p))``."""
    try:
        parts = list(ast.walk(ast.parse(line.strip())))
    except SyntaxError:  # a line of several
        return len(re.findall(rf"(?<![\w.]){re.escape(name)}(?!\w)", line)) > 1
    minus = [n.right for n in parts if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Sub)]
    taken = [n for m in minus for n in ast.walk(m) if isinstance(n, ast.Call)]
    sums = [n for n in taken if function_of(n).endswith("sum")]
    inside = {id(m) for n in sums for m in ast.walk(n)}
    read = [id(n) in inside for n in parts if isinstance(n, ast.expr) and ast.unparse(n) == name]
    return len(set(read)) == 2


def is_of_a_norm(edit: Edit) -> bool:
    """Whether what is missing goes through a norm that the line divides by."""
    if edit.kind not in ("term", "activation", "path") or edit.rule.tries is not nothing:
        return False
    site = edit.site
    divisors = [n.right for n in nodes(site) if isinstance(n, ast.BinOp) and is_division(n)]
    names = {m.id for d in divisors for m in walked(d) if isinstance(m, ast.Name)}
    known = [site.known[n] for n in names & set(site.known)]
    norms = [k for k in known if 1 < k.array.size < site.arrays[-1].size and (k.array > 0).all()]
    return any(re.search(rf"\b{re.escape(k.name)}\b", edit.word) for k in norms)


def is_division(node: ast.BinOp) -> bool:
    """Whether something is divided."""
    return isinstance(node.op, ast.Div)


def is_share(array: np.ndarray[Any, Any]) -> bool:
    """Whether entries are parts of a whole, along the last axis; labels are none."""
    one = bool((array >= 0).all() and np.allclose(array.sum(axis=-1), 1.0))
    return one and array.size > 1 and not np.isin(array, (0, 1)).all()
