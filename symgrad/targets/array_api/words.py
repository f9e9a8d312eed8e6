"""The names that Python and a generated module of the array API have already."""

from __future__ import annotations

import builtins
import keyword

from symgrad.targets.identifiers import PUBLIC, Words

_OTHERS = (
    *("xp", "math", "itertools", "device", "array_namespace", "is_array_api_obj"),
    *("Any", "NamedTuple", "Values", "torch", "jax"),
    *("range", "zip", "ValueError", "TypeError", "tuple", "reversed"),
)

WORDS = Words(
    frozenset({*keyword.kwlist, *_OTHERS}),
    frozenset({"Gradients", "forward", *PUBLIC, *dir(builtins)}),
)
"""The arguments of its functions can't be called so, nor can what is computed in them."""
