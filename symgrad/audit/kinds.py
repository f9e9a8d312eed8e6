"""Which kind of fault it is: what people would call it, whatever edit happens to repair it."""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np

from symgrad.audit.deduced.repairs import nothing
from symgrad.audit.grammar import Edit
from symgrad.audit.grammar.edit import nodes
from symgrad.audit.outcome import Blamed


def kind_of(blamed: Blamed) -> str:
    """The kind of a fault: a constant ratio is a factor, or a sign, whatever edit repairs it."""
    if blamed.edit is None:
        return "unnamed"
    if same_but_mean(blamed.edit):
        return "factor"
    kind, ratios = blamed.edit.kind, [r for r in blamed.ratio if r is not None]
    scaled = bool(ratios) and len(ratios) == len(blamed.ratio)
    through = is_jacobian(blamed.edit, blamed.repaired_line) or is_of_a_norm(blamed.edit)
    if through and not (scaled and kind == "factor"):
        return "jacobian"
    if scaled and kind in (
        "sum",
        "term",
        "factor",
        "sign",
        "value",
        "jacobian",
        "operation",
        "activation",
    ):
        if all(abs(r + 1) < 1e-9 for r in ratios):
            return "sign"
        if kind in ("sum", "term", "value") and not any(abs(r - 1) < 1e-9 for r in ratios):
            return "factor"
    return kind


def same_but_mean(edit: Edit) -> bool:
    """Whether a sum and a mean over the same axes are exchanged: a factor."""
    one, other = (re.sub(r"mean|average", "sum", text) for text in (edit.old, edit.new))
    return edit.rule.kind == "sum" and one == other


def is_jacobian(edit: Edit, repaired: str) -> bool:
    """Whether a sum is mended of what a softmax's Jacobian subtracts: ``p * (g - sum(g * p))``."""
    shares = [k for k in edit.site.known.values() if k.array.ndim and is_share(k.array)]
    if edit.rule.tries is nothing and edit.kind in ("path", "term"):
        line = ast.unparse(edit.site.statement)
        factors = (rf"\b{re.escape(k.name)} \* |\* {re.escape(k.name)}\b" for k in shares)
        return edit.word.startswith("-") and any(re.search(f, line) for f in factors)
    if "sum(" not in edit.old + edit.new or edit.kind not in ("value", "sum", "term", "factor"):
        return False
    return any(repaired.count(known.name) > 1 and "-" in repaired for known in shares)


def is_of_a_norm(edit: Edit) -> bool:
    """Whether what is missing goes through a norm that the line divides by."""
    if edit.kind not in ("term", "activation", "path") or edit.rule.tries is not nothing:
        return False
    site = edit.site
    divisors = [n.right for n in nodes(site) if isinstance(n, ast.BinOp) and is_division(n)]
    names = {m.id for d in divisors for m in ast.walk(d) if isinstance(m, ast.Name)}
    known = [site.known[n] for n in names & set(site.known)]
    norms = [k for k in known if 1 < k.array.size < site.arrays[-1].size and (k.array > 0).all()]
    return any(re.search(rf"\b{re.escape(k.name)}\b", edit.word) for k in norms)


def is_division(node: ast.BinOp) -> bool:
    """Whether something is divided."""
    return isinstance(node.op, ast.Div)


def is_share(array: np.ndarray[Any, Any]) -> bool:
    """Whether entries are parts of a whole, along the last axis."""
    return bool((array >= 0).all() and np.allclose(array.sum(axis=-1), 1.0)) and array.size > 1
