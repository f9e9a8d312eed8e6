"""The names that Python and a generated module of NumPy have already."""

from __future__ import annotations

import builtins
import keyword

from symgrad.targets.identifiers import Words

_OTHERS = (
    *("np", "math", "operator", "threading", "functools", "struct"),
    *("Any", "Array", "Callable", "Mapping", "NamedTuple", "Sequence"),
    *("Values", "Workspace", "workspace", "ws", "prepare", "bind"),
)


_OF_THE_FILE = (
    "self",
    "dtype",
    "given",
    "shapes",
    "keep",
    "aligned",
    "arrays",
    "new",
    "found",
    "bound",
)
"""Names that the file's own functions use beside those of sizes."""

WORDS = Words(
    frozenset({*keyword.kwlist, *_OTHERS}),
    frozenset({*_OF_THE_FILE, "Gradients", *dir(builtins)}),
)
"""The arguments of its functions can't be called so, nor can what is computed in them."""
