"""What a spec file imports: NumPy and SciPy, whose constructors take named sizes and values too."""

from __future__ import annotations

import builtins
import functools
import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from symgrad.language.array import Array
from symgrad.language.constants import as_array
from symgrad.language.indexing import arange
from symgrad.language.joining import column_stack, concatenate
from symgrad.language.making import array, eye, full, ones, zeros
from symgrad.language.reductions import log_softmax, logsumexp, softmax
from symgrad.language.shapes import atleast_1d
from symgrad.language.sizes import NotKnown


def _is_of_the_spec(given: Any) -> bool:
    """Whether there is a named size or a value in what a function is called with."""
    if isinstance(given, (list, tuple)):
        return any(map(_is_of_the_spec, given))
    return isinstance(given, (Array, NotKnown))


def _either(own: Callable[..., Any], theirs: Callable[..., Any]) -> Callable[..., Any]:
    """``own`` of values and named sizes, ``theirs`` of numbers."""

    @functools.wraps(theirs)
    def call(*args: Any, **options: Any) -> Any:
        known = not any(map(_is_of_the_spec, (*args, *options.values())))
        return (theirs if known else own)(*args, **options)

    return call


class _Joined:
    """``np.c_[a, b]`` and ``np.r_[a, b]``, of values too."""

    def __init__(self, theirs: Any, own: Callable[[Sequence[Array]], Array]) -> None:
        self.theirs, self.own = theirs, own

    def __getitem__(self, key: Any) -> Any:
        return self.own([as_array(k) for k in key]) if _is_of_the_spec(key) else self.theirs[key]


def _in_a_row(parts: Sequence[Array]) -> Array:
    return concatenate([atleast_1d(p) for p in parts])


OF_NUMPY: Mapping[str, Any] = {
    "arange": _either(arange, np.arange),
    "array": _either(array, np.array),
    "asarray": _either(array, np.asarray),
    "empty": _either(zeros, np.empty),
    "eye": _either(eye, np.eye),
    "full": _either(full, np.full),
    "identity": _either(eye, np.identity),
    "ones": _either(ones, np.ones),
    "zeros": _either(zeros, np.zeros),
    "c_": _Joined(np.c_, column_stack),
    "r_": _Joined(np.r_, _in_a_row),
}
OF_SPECIAL: Mapping[str, Callable[..., Any]] = {
    "log_softmax": log_softmax, "logsumexp": logsumexp, "softmax": softmax,
}  # fmt: skip


def _standing_for(module: ModuleType, own: Mapping[str, Any]) -> ModuleType:
    found = ModuleType(module.__name__, module.__doc__)
    found.__dict__.update({**module.__dict__, **own})
    return found


@functools.cache
def _stand_in(name: str) -> ModuleType | None:
    """What a spec gets in the place of a module; None where it is the module itself."""
    module = sys.modules[name]
    if name == "numpy":
        return _standing_for(module, OF_NUMPY)
    if name == "scipy.special":
        own = {n: _either(f, getattr(module, n)) for n, f in OF_SPECIAL.items()}
        return _standing_for(module, own)
    if name == "scipy":
        importlib.import_module("scipy.special")
        return _standing_for(module, {"special": _stand_in("scipy.special")})
    return None


def _imported(name: str, *args: Any, **more: Any) -> Any:
    module = builtins.__import__(name, *args, **more)
    found = _stand_in(module.__name__) if isinstance(module, ModuleType) else None
    return module if found is None else found


def _length(of: Any) -> Any:
    """How many entries something has, as a size where that is a name."""
    if isinstance(of, Array) and of.ndim and not isinstance(of.shape[0], int):
        return of.shape[0]
    return len(of)


def builtins_of_specs() -> dict[str, Any]:
    """Python's own functions, as a spec file sees them."""
    return {**vars(builtins), "__import__": _imported, "len": _length}
