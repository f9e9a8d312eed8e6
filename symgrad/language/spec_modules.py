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
from symgrad.language.distributions import DISTRIBUTIONS
from symgrad.language.indexing import any_array
from symgrad.language.joining import column_stack, concatenate
from symgrad.language.linalg import multigammaln
from symgrad.language.making import array, counted, eye, full, ones, tri, zeros
from symgrad.language.reductions import log_softmax, logsumexp, softmax
from symgrad.language.registry import FUNCTIONS, called
from symgrad.language.sequences import linspace
from symgrad.language.shapes import atleast_1d
from symgrad.language.spec_arrays import is_of_the_spec, made


def _either(own: Callable[..., Any], theirs: Callable[..., Any]) -> Callable[..., Any]:
    """``own`` of values and named sizes, ``theirs`` of numbers."""

    @functools.wraps(theirs)
    def call(*args: Any, **options: Any) -> Any:
        known = not any(map(is_of_the_spec, (*args, *options.values())))
        return (theirs if known else own)(*args, **options)

    return call


class _Joined:
    """``np.c_[a, b]`` and ``np.r_[a, b]``, of values too."""

    def __init__(self, theirs: Any, own: Callable[[Sequence[Array]], Array]) -> None:
        self.theirs, self.own = theirs, own

    def __getitem__(self, key: Any) -> Any:
        return self.own([as_array(k) for k in key]) if is_of_the_spec(key) else self.theirs[key]


def _in_a_row(parts: Sequence[Array]) -> Array:
    return concatenate([atleast_1d(p) for p in parts])


def _converted(a: Any, dtype: Any = None, **_: Any) -> Array:
    """Values as one array, of another kind of number where one is asked for."""
    found = as_array(a)
    return found if dtype is None else found.astype(dtype, copy=False)


def _copied(a: Any, dtype: Any = None, **_: Any) -> Array:
    return _converted(array(a), dtype)


def _vectorized(pyfunc: Callable[..., Any], *options: Any, **named: Any) -> Callable[..., Any]:
    """A function of numbers, of each entry: values go into it as whole arrays."""
    return _either(pyfunc, np.vectorize(pyfunc, *options, **named))


def _contiguous(a: Any) -> Array:
    """The array itself where its entries lie in the order of its axes, else a copy."""
    array = as_array(a)
    found: Array = array.ravel().reshape(array.shape or (1,))
    return found


_OTHERS = (np.copy, np.empty_like, np.full_like, np.ones_like, np.zeros_like)
"""What makes arrays of numbers, and answers with values where it is given one."""

OF_NUMPY: Mapping[str, Any] = {
    "arange": _either(counted, made(np.arange)),
    "array": _either(_copied, made(np.array)),
    "asanyarray": _either(_converted, np.asanyarray),
    "ascontiguousarray": _either(_contiguous, np.ascontiguousarray),
    "asarray": _either(_converted, np.asarray),
    "empty": _either(zeros, made(np.empty)),
    "eye": _either(eye, made(np.eye)),
    "full": _either(full, made(np.full)),
    "linspace": _either(linspace, made(np.linspace)),
    "identity": _either(eye, made(np.identity)),
    "ones": _either(ones, made(np.ones)),
    "tri": _either(tri, made(np.tri)),
    "vectorize": _vectorized,
    "zeros": _either(zeros, made(np.zeros)),
    **{f.__name__: made(f) for f in _OTHERS},
    "c_": _Joined(np.c_, column_stack),
    "r_": _Joined(np.r_, _in_a_row),
}  # fmt: skip


def _of_lists(name: str, theirs: Callable[..., Any]) -> Callable[..., Any]:
    """A function of NumPy's, called with lists of values, and with named sizes, too."""

    @functools.wraps(theirs)
    def call(*args: Any, **options: Any) -> Any:
        lists = any(isinstance(a, (list, tuple)) and any_array(a) for a in args)
        sizes = (a for a in (*args[1:], *options.values()) if is_of_the_spec(a))
        if lists or not all(map(any_array, sizes)):
            return called(FUNCTIONS[name], f"np.{name}", args, options)
        return theirs(*args, **options)

    return call


def _functions_of(module: ModuleType, before: str = "") -> dict[str, Any]:
    """The functions of a module of NumPy's, of lists of values too."""
    names = (n.removeprefix(before) for n in FUNCTIONS if n.startswith(before))
    return {n: _of_lists(before + n, getattr(module, n)) for n in names
            if "." not in n and callable(getattr(module, n, None))}  # fmt: skip


OF_SPECIAL: Mapping[str, Callable[..., Any]] = {
    "log_softmax": log_softmax, "logsumexp": logsumexp, "multigammaln": multigammaln,
    "softmax": softmax,
}  # fmt: skip


class _Distribution:
    """A distribution of ``scipy.stats``, whose densities are also those of values."""

    def __init__(self, theirs: Any, own: Mapping[str, Callable[..., Any]]) -> None:
        self._theirs, self._own = theirs, own

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._theirs, name)
        return _either(self._own[name], found) if name in self._own else found

    def __call__(self, *args: Any, **named: Any) -> Any:
        """The distribution with its parameters."""
        if not any(map(is_of_the_spec, (*args, *named.values()))):
            theirs = self._theirs(*args, **named)
        else:
            theirs = self._theirs
        own = {n: functools.partial(_at, f, args, named) for n, f in self._own.items()}
        return _Distribution(theirs, own)


def _at(density: Callable[..., Any], args: Any, named: Any, x: Any) -> Any:
    return density(x, *args, **named)


def _standing_for(module: ModuleType, own: Mapping[str, Any]) -> ModuleType:
    found = ModuleType(module.__name__, module.__doc__)
    found.__dict__.update({**module.__dict__, **own})
    return found


@functools.cache
def _stand_in(name: str) -> ModuleType | None:
    """What a spec gets in the place of a module; None where it is the module itself."""
    module = sys.modules[name]
    if name == "numpy":
        linalg = _standing_for(np.linalg, _functions_of(np.linalg, "linalg."))
        return _standing_for(module, {**_functions_of(module), **OF_NUMPY, "linalg": linalg})
    if name == "scipy.special":
        own = {n: _either(f, getattr(module, n)) for n, f in OF_SPECIAL.items()}
        return _standing_for(module, own)
    if name == "scipy":
        importlib.import_module("scipy.special")
        found = _standing_for(module, {"special": _stand_in("scipy.special")})
        found.__dict__.pop("stats", None)
        found.__dict__["__getattr__"] = _of_scipy
        return found
    if name == "scipy.stats":
        theirs = {n: _Distribution(getattr(module, n), own) for n, own in DISTRIBUTIONS.items()}
        return _standing_for(module, theirs)
    return None


def _of_scipy(name: str) -> Any:
    """A part of SciPy that is imported when it is asked for."""
    if name == "stats":
        importlib.import_module("scipy.stats")
        return _stand_in("scipy.stats")
    return getattr(sys.modules["scipy"], name)


def _imported(name: str, *args: Any, **more: Any) -> Any:
    module = builtins.__import__(name, *args, **more)
    found = _stand_in(module.__name__) if isinstance(module, ModuleType) else None
    return module if found is None else found


def _length(of: Any) -> Any:
    """How many entries something has, as a size where that is a name."""
    if isinstance(of, Array) and of.ndim and not isinstance(of.shape[0], int):
        return of.shape[0]
    return len(of)


def _range(*bounds: Any) -> Any:
    """0, 1, … as positions, also of a named size."""
    return counted(*bounds) if is_of_the_spec(bounds) else range(*bounds)


def builtins_of_specs() -> dict[str, Any]:
    """Python's own functions, as a spec file sees them."""
    return {**vars(builtins), "__import__": _imported, "len": _length, "range": _range}
