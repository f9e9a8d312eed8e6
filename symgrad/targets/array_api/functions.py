"""What functions are called in the array API standard, and what a file defines as it lacks them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from symgrad.errors import SpecError
from symgrad.targets.expressions import INVERSES

_CALLED = {
    "abs": "abs",
    "absolute": "abs",
    **INVERSES,
    "rint": "round",
}
"""Functions that have other names than in NumPy."""

# fmt: off
_SAME = frozenset({
    "ceil", "copysign", "cos", "cosh", "exp", "expm1", "floor", "hypot", "isfinite", "isinf",
    "isnan", "log", "log10", "log1p", "log2", "logaddexp", "logical_and", "logical_not",
    "logical_or", "logical_xor", "maximum", "minimum", "remainder", "sign", "sin", "sinh", "sqrt",
    "square", "tan", "tanh", "trunc", "where",
})
# fmt: on
"""Functions that have the names of NumPy."""

LACKED = {
    "special functions": (
        ("cbrt", "fmod", "logaddexp2", "erf", "erfc", "erfcinv", "erfcx", "erfinv", "gammaln",
         "digamma", "trigamma"),
        "polynomials, recurrences and series",
    ),
    "einsum": (("einsum",), "a product of matrices, the axes laid out for it"),
    "indices along several axes": (("entries",), "take, of axes that are laid out as one"),
    "adding at places, some of them the same": (
        ("added",),
        "index_add (PyTorch), .at[].add (JAX), add.at (NumPy, CuPy), else a product of matrices",
    ),
    "writing into a part of an array": (("placed",), "take, of what belongs to each entry; where"),
    "sliding windows": (("windows",), "take"),
    "the norm of what overflows": (("norm",), "that of the quotient by the largest entry"),
    "a matrix with a diagonal": (("diagonal",), "where"),
    "the adjugate": (("adjugate",), "singular values"),
    "the inverse of what surely has one": (("regular_inverse",), "inv; NaN for others"),
    "products of all other entries": (("others",), "cumulative_prod"),
    "powers in a row": (("powers",), "pow, of a new axis"),
    "loops of a recurrence": (("steps", "stacked"), "a loop of Python; stack"),
}  # fmt: skip
"""What the standard lacks: the functions that files define for it, and what these are made of."""

HELPERS = tuple(f"_{name}" for names, _ in LACKED.values() for name in names)
"""What files define for themselves."""


def name_of(function: str) -> str:
    """The beginning of the call of a function of entries; SpecError where there is no such."""
    if f"_{function}" in HELPERS:
        return f"_{function}(xp, "
    if function in _CALLED or function in _SAME:
        return f"xp.{_CALLED.get(function, function)}("
    raise SpecError(
        f"the array API standard has no {function}, and this target does not bring it",
        hint="choose the target numpy",
    )


_FOLDER = Path(__file__).parent / "runtime"


@cache
def _sources() -> dict[str, str]:
    """The text of each function of the runtime."""
    found = {}
    for path in sorted(_FOLDER.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef):
                found[node.name] = "\n".join(lines[node.lineno - 1 : node.end_lineno])
    return found


def is_own(name: str) -> bool:
    """Whether a file may define a function so called."""
    return name in _sources() or name in _OF_THE_FILE


_OF_THE_FILE = frozenset({
    "_checked", "_called", "_array", "_floats", "_default", "_of_dtype", "_check_range",
    "_check_labels", "_value", "_differentiable", "_ahead", "_back",
})  # fmt: skip


def sources(text: str) -> Iterator[str]:
    """The functions that a text calls, and those that they call."""
    table, wanted = _sources(), set[str]()
    waiting = [text]
    while waiting:
        for name in set(_WORD.findall(waiting.pop())) & table.keys() - wanted:
            wanted.add(name)
            waiting.append(table[name])
    yield from (source for name, source in table.items() if name in wanted)


_WORD = re.compile(r"\b_\w+(?=\()")
