"""The names that Python and a generated module of NumPy have already."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable

from symgrad.targets.identifiers import Locals, Words

_OTHERS = (
    *("np", "math", "operator", "threading", "functools", "struct"),
    *("Any", "Array", "Callable", "Iterable", "Mapping", "NamedTuple", "Sequence"),
    *("Values", "Workspace", "workspace", "ws", "prepare", "bind"),
    *("range", "zip", "ValueError"),
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
    "fits",
    "made",
)
"""Names that the file's own functions use beside those of sizes."""

# fmt: off
OWN = frozenset({
    "_forward", "_shared", "_loss", "_backward", "_both", "_by_entries", "_bound_entries",
    "_entries", "_shapes", "_ready", "_checked", "_array", "_check_labels",
    "_check_range", "_assumed", "_point", "_self_check", "_loss_of_data", "_naming",
    "_put", "_row", "_float64",
})
# fmt: on
"""What a file calls its own functions."""

WORDS = Words(
    frozenset({*keyword.kwlist, *_OTHERS}),
    frozenset({*_OF_THE_FILE, "Gradients", *dir(builtins)}),
)
"""The arguments of its functions can't be called so, nor can what is computed in them."""


def spelled(values: Iterable[str]) -> dict[str, str]:
    """What values are called as fields of a tuple: no such name begins with a line."""
    found = {v: v for v in values if not v.startswith("_")}
    names = Locals({*keyword.kwlist, *found})
    return {v: found.get(v) or names.new(v) for v in values}
