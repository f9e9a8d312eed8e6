"""What runs in place of NumPy's functions: the tables, and how an entry of them is called."""

from __future__ import annotations

import functools
import inspect
import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import numpy as np

from symgrad.errors import SpecError, caller

UFUNCS: dict[str, Callable[..., Any]] = {}
"""What runs in place of a ufunc, by its name; ``add.reduce`` for its methods."""


FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""What runs in place of one of NumPy's other functions; ``linalg.inv`` in a submodule."""


METHODS: dict[str, Callable[..., Any]] = {}
"""The methods of arrays."""


PROPERTIES = {"T": "transpose", "mT": "matrix_transpose", "real": "real", "imag": "imag"}
"""The properties of arrays that are values, and the functions of NumPy that give them."""


_F = TypeVar("_F", bound=Callable[..., Any])


def function(*names: str, method: bool = False) -> Callable[[_F], _F]:
    """Register what runs in place of NumPy's functions of these names (and the methods)."""

    def register(f: _F) -> _F:
        FUNCTIONS.update(dict.fromkeys(names, f))
        METHODS.update(dict.fromkeys(names if method else (), f))
        return f

    return register


def call_ufunc(ufunc: np.ufunc, method: str, args: Any, kwargs: Any) -> Any:
    """What runs in place of a ufunc, or of one of its methods."""
    name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    if method == "outer" and ufunc.__name__ in UFUNCS:
        return called(functools.partial(_of_all_pairs, ufunc), name, args, kwargs)
    if name not in UFUNCS:
        raise unsupported(f"the function {name}", INSTEAD.get(name) or close_names(name))
    if kwargs.get("dtype") is not None:  # of truth values too, NumPy computes with such numbers
        args = [a.astype(float) if getattr(a, "dtype", None) == np.bool_ else a for a in args]
    return called(UFUNCS[name], name, args, kwargs)


def _of_all_pairs(ufunc: np.ufunc, a: Any, b: Any) -> Any:
    """The function of every entry of one array with every entry of the other."""
    return ufunc(FUNCTIONS["expand_dims"](a, tuple(range(np.ndim(a), np.ndim(a) + np.ndim(b)))), b)


def called(f: Callable[..., Any], name: str, args: Any, kwargs: Any) -> Any:
    """The result of a call as NumPy has it; SpecError for an option that is not supported."""
    known = inspect.signature(f).parameters
    if "out" not in known and (out := kwargs.get("out")) is not None:
        target = _written_to(name, out)
        without = {k: v for k, v in kwargs.items() if k != "out"}
        METHODS["__setitem__"](target, ..., called(f, name, args, without))
        return target
    kwargs = {k: v for k, v in kwargs.items() if k in known or not _changes_nothing(k, v)}
    try:
        inspect.signature(f).bind(*args, **kwargs)
    except TypeError as error:
        raise unsupported(f"this use of {name} ({error})") from None
    with one_call(), _told(name):
        return f(*args, **kwargs)


def _written_to(name: str, out: Any) -> Any:
    """The value that a function writes its result into; SpecError where it is one of numbers."""
    target = out[0] if isinstance(out, tuple) and len(out) == 1 else out
    if isinstance(target, (np.ndarray, tuple)):
        held_as_values(out)
        raise unsupported(
            f"{name} of values into an array of numbers",
            "write h = h + x instead of h += x, and h = np.exp(x) instead of out=h",
        )
    return target


@contextmanager
def _told(name: str) -> Iterator[None]:
    """What is wrong with arguments, as NumPy and Python say it, as an error at the spec's line."""
    try:
        yield
    except np.exceptions.AxisError as error:
        raise SpecError(
            f"{name}: {error}", where=caller(), hint="axes are counted from 0, or from -1 backwards"
        ) from error
    except (TypeError, ValueError, IndexError, OverflowError, ZeroDivisionError) as error:
        raise SpecError(
            f"{name} can't be called with these arguments: {error}",
            where=caller(),
            hint=f"look up in NumPy's documentation what {name} takes",
        ) from error


NO_CHANGE = {"casting": "same_kind", "subok": True, "order": "K", "where": True}
"""Options of NumPy's that change nothing with these values."""


def _changes_nothing(option: str, value: Any) -> bool:
    """Whether an option of NumPy's is what it is without, where all numbers are real."""
    if option == "dtype":
        return value is None or np.dtype(value).kind == "f"
    return option == "optimize" or value is None or NO_CHANGE.get(option) == value


_counted = itertools.count()
_running: ContextVar[int | None] = ContextVar("_running", default=None)


def this_call() -> int:
    """The number of the call that is running; outside of calls, a new one.

    It tells the arrays apart that different calls of a spec have built, and which came first.
    """
    running = _running.get()
    return next(_counted) if running is None else running


@contextmanager
def one_call(number: int | None = None) -> Iterator[None]:
    """All that is built belongs to one call, a new one or that of this number."""
    before = _running.set(this_call() if number is None else number)
    try:
        yield
    finally:
        _running.reset(before)


def unsupported(what: str, hint: str = "") -> SpecError:
    """The error for what can't be derived: it names the operation and the spec's line."""
    return SpecError(
        f"{what} is not supported",
        where=caller(),
        hint=hint or f"{LISTED} lists what is; write it with those, or as sums and products",
    )


LISTED = "the page 'What is supported' of the documentation"


def of_python(line: str) -> str:
    """What to write instead of a word of Python's that asks whether a value is true."""
    found = (hint for word, hint in OF_PYTHON.items() if re.search(rf"(?<![\w.]){word}", line))
    return next(found, "choose between values with np.where(condition, a, b)")


def of_numbers(line: str) -> str:
    """What to write instead of what asks for a number of Python's."""
    found = (hint for word, hint in OF_NUMBERS.items() if re.search(rf"(?<![\w.]){word}", line))
    other = "index a constant by labels as sg.constant(c)[y]"
    return next(found, f"use NumPy's functions instead of math's; {other}")


OF_NUMBERS = {
    r"float\(": "x is a number already: write x, or x[0] of an array of one entry",
    r"int\(": "np.trunc(x) is it, with derivative 0; labels are data with dtype=int",
    r"complex\(": "np.hypot(a, b) is the absolute value of a + bi, np.arctan2(b, a) its angle",
    r"math\.": "np.exp, np.log, np.sqrt and the like stand in for math.exp, math.log, math.sqrt",
}
"""What to write instead of Python's functions of numbers, each by what it looks like in a line."""

OF_PYTHON = {
    r"(max|min)\(.*key=": "x[np.argmax(f(x))] is the entry at which something is largest",
    r"max\(": "np.maximum(a, b) is the larger of two values, np.max(x) the largest of an array",
    r"min\(": "np.minimum(a, b) is the smaller of two values, np.min(x) the smallest of an array",
    r"bool\(": "x != 0 is the condition, as in np.where(x != 0, a, b)",
    r"any\(": "np.any(a > 0) is a condition, as in np.where(np.any(a > 0), x, y)",
    r"all\(": "np.all(a > 0) is a condition, as in np.where(np.all(a > 0), x, y)",
    r"sorted\(": "np.sort(x) has the entries in order",
    r"and\b": "np.where((a > 0) & (b > 0), x, y) has both conditions in it",
    r"or\b": "np.where((a > 0) | (b > 0), x, y) has both conditions in it",
    r"not\b": "np.where(~(a > 0), x, y) has the condition the other way round",
    r"while\b": "a loop needs a number of steps that is fixed: for _ in range(10)",
    r"if\b": "choose between values with np.where(condition, a, b) instead of `if`",
    r"assert\b": "leave it out: it is about numbers; what holds of an input is its assume=, as in "
    "sg.data('y', ('N',), assume=sg.positive)",
    r"[\w.]+ *[<>]=? *[\w.\[\]]+ *[<>]": "(a < x) & (x < b) has both comparisons in it, as in "
    "np.where((a < x) & (x < b), y, z)",
}
"""What to write instead of Python's words, each by what it looks like in a line."""


def no_numbers(asking: str, module: str) -> SpecError:
    """The error where numbers are asked of a symbolic array, and the function that asks."""
    by = f", as {asking} asks" if asking and not asking.startswith("_") else ""
    known = next((n for n in (asking, f"linalg.{asking}") if n in FUNCTIONS), None)
    if known and module.startswith("numpy"):
        hint = f"join the values before: {public_name(known)}(np.stack([…]))"
    elif known:
        hint = f"{public_name(known)} is supported"
    else:
        hint = "join values with np.stack or np.column_stack; index a constant by labels as "
        hint += "sg.constant(c)[y]"
    if re.search(r"np\.float\d*\(", caller().text) and not asking:
        hint = "of np.float32(x), write x: what is computed in is the dtype that is generated"
    whole = (h for of, h in OF_MODULES.items() if module.startswith(of))
    if not asking and module == "numpy.lib._function_base_impl":
        hint = "of np.vectorize(f), write f(x): functions of values go over all entries"
    return SpecError(
        f"a symbolic array can't become an array of numbers{by}",
        where=caller(),
        hint=next(whole, INSTEAD.get(asking, hint)),
    )


OF_MODULES = {
    "numpy.ma": "np.mean(x, where=~mask), and where= of np.sum, np.max and the like, leaves out "
    "what is masked; np.where(mask, 0, x) puts a number there",
    "numpy.lib._polynomial_impl": "np.polyval(p, x) is the polynomial of the coefficients p, "
    "np.polyder(p) its derivative; np.stack([a, b, c]) makes coefficients of values",
    "numpy.polynomial": "np.polyval(c[::-1], x) is the polynomial, c being its coefficients from "
    "the constant on",
}
"""What to write instead of whole parts of NumPy, which know arrays of numbers only."""


def held_as_values(target: Any) -> None:
    """Have a spec file read once more where its array of numbers is to hold values."""
    for array in target if isinstance(target, tuple) else (target,):
        if hasattr(array, "hold_values"):
            array.hold_values()


def into_numbers() -> SpecError:
    """The error where a value of the spec is written into an array of numbers."""
    return SpecError(
        "a value of the spec can't be written into an array of numbers",
        where=caller(),
        hint="make the array with sg.zeros, sg.ones or sg.full in place of NumPy's, or as "
        "sg.constant(x) of numbers x",
    )


def function_name(func: Any) -> str:
    """The name by which a function of NumPy's is registered."""
    module = func.__module__.removeprefix("numpy").removeprefix(".")
    return f"linalg.{func.__name__}" if module == "linalg" else str(func.__name__)


def numpy_name(func: Any) -> str:
    """A function of NumPy's as a spec writes it."""
    return f"{func.__module__.replace('numpy', 'np', 1)}.{func.__name__}"


def no_property(name: str) -> str:
    """That a symbolic array has no such property, and why, where it is about memory."""
    why = ": how it lies in memory is not known while a spec is read" if name in OF_MEMORY else ""
    if name == "flat":
        why = ": x.ravel()[k] reads an entry, and x[i, j] = value writes one"
    return f"symbolic arrays have no {name!r}{why}"


OF_MEMORY = frozenset(("base", "ctypes", "data", "flags", "itemsize", "nbytes", "strides"))
"""Properties of NumPy's arrays that no value has before code runs."""


INSTEAD = {
    "astype": "np.trunc(x) cuts off what follows the point; np.digitize(x, edges) counts edges, as "
    "labels; others are data with dtype=int",
    "unravel_index": "x.ravel()[np.argmax(x)] is the entry itself",
    "lexsort": "np.argsort(x) is an order by one key; another order is data with dtype=int",
    **dict.fromkeys(
        ("i0", "i0e", "i1", "i1e", "iv", "ive"),
        "the modified Bessel function of order n is np.mean(np.exp(x[:, None] * np.cos(t)) * "
        "np.cos(n * t), axis=1) with t = 2 * np.pi / 64 * np.arange(64), for x up to 50; its "
        "logarithm of order 0 is sg.logsumexp(x[:, None] * np.cos(t), axis=1) - np.log(64)",
    ),
    **dict.fromkeys(
        ("j0", "j1", "jn", "jv", "jve"),
        "the Bessel function of order n, a whole number, is np.mean(np.cos(n * t - x[:, None] * "
        "np.sin(t)), axis=1) with t = 2 * np.pi / 64 * np.arange(64), for x up to 30",
    ),
    **dict.fromkeys(
        ("k0", "k0e", "k1", "k1e", "kn", "kv", "kve"),
        "the modified Bessel function of the second kind of order n is 0.1 * np.sum(np.exp("
        "-x[:, None] * np.cosh(t)) * np.cosh(n * t), axis=1) with t = 0.1 * np.arange(64) + 0.05, "
        "for x from 0.2 on",
    ),
    **dict.fromkeys(
        ("gammainc", "gammaincc"),
        "gammainc(a, x) is x**a * np.exp(-x) * sum(x**k * scipy.special.rgamma(a + k + 1) for k "
        "in range(60)) for x up to 20, and gammaincc(a, x) is 1 - gammainc(a, x)",
    ),
    **dict.fromkeys(
        ("betainc", "betaincc", "btdtr"),
        "betainc(a, b, x) is x**a * (1 - x)**b * rgamma(b) * sum(x**k * gamma(a + b + k) * "
        "rgamma(a + k + 1) for k in range(60)), of scipy.special, for x up to 0.5, and "
        "1 - betainc(b, a, 1 - x) above",
    ),
    "erfcx": "2 * np.exp(x**2 + scipy.special.log_ndtr(-np.sqrt(2) * x)) is it",
    "loggamma": "scipy.special.gammaln(x) is it where x is positive",
    "binom": "1 / ((n + 1) * scipy.special.beta(n - k + 1, k + 1)) is it",
    "poch": "np.exp(scipy.special.gammaln(x + m) - scipy.special.gammaln(x)) is it where x and "
    "x + m are positive",
    **dict.fromkeys(("factorial", "comb", "perm"), "scipy.special.gamma(n + 1) is n! of a value"),
    **dict.fromkeys(
        ("dawsn", "erfi", "exp1", "expi", "expn", "stdtr", "chdtr", "sici", "shichi", "fresnel"),
        "it is no function of NumPy's: write the sum or the integral that defines it, as a sum "
        "over points; of data alone, pass its numbers with sg.data",
    ),
    "poly1d": OF_MODULES["numpy.lib._polynomial_impl"],
    "trim_zeros": OF_MODULES["numpy.lib._polynomial_impl"],
    "roots": "of a x**2 + b x + c they are (-b + np.sqrt(b**2 - 4 * a * c)) / (2 * a), and with "
    "the other sign",
    "exprel": "np.expm1(x) / x is it where x is not 0",
    "polygamma": "scipy.special.psi(x) is that of order 0",
    "multigammaln": "write it as np.pi and scipy.special.gammaln have it: d * (d - 1) / 4 * "
    "np.log(np.pi) + sum(gammaln(a - j / 2) for j in range(d))",
    **dict.fromkeys(
        ("eig", "eigvals"),
        "np.linalg.eigh and np.linalg.eigvalsh are, of symmetric matrices",
    ),
    "matrix_rank": "it is a count, and has no derivative; np.linalg.svdvals(a) is supported",
    **dict.fromkeys(
        ("shares_memory", "may_share_memory", "byte_bounds"),
        "how an array lies in memory is not known while a spec is read; x.copy() shares none",
    ),
    "qr": "R is np.linalg.cholesky(a.T @ a).T where its diagonal is positive, and Q is "
    "a @ np.linalg.inv(R)",
    "pinv": "np.linalg.inv(a.T @ a) @ a.T is it where the columns of a are independent, and "
    "a.T @ np.linalg.inv(a @ a.T) where the rows are",
    "apply_over_axes": "np.sum(x, axis=(0, 1), keepdims=True) is over several axes at once",
    "histogram": "np.sum(np.exp(-(((x[:, None] - centres) / width) ** 2)), axis=0) counts smoothly",
    "unique": "np.sort(x) has the entries in order",
    **dict.fromkeys(
        ("rfft", "ifft", "irfft", "fft2"),
        "np.cos(angles) @ x and np.sin(angles) @ x are its real and imaginary parts",
    ),
    "fft": "np.cos(angles) @ x and np.sin(angles) @ x are its real and imaginary parts",
    "einsum_path": "np.einsum is supported: the order of the products is chosen later",
    "apply_along_axis": "np.stack([f(row) for row in x]) applies a function to each row",
    "nonzero": "np.where(condition, a, b) chooses, and x[condition] can be summed",
    "allclose": "it is no part of a loss: compare numbers that the generated code gives",
    "array_equal": "it is no part of a loss: compare numbers that the generated code gives",
    "__getitem__": "np.column_stack([a, b]) stands in for np.c_, np.concatenate([a, b]) for np.r_",
    "logsumexp": "sg.logsumexp stands in for SciPy's",
    "softmax": "sg.softmax stands in for SciPy's",
    "log_softmax": "sg.log_softmax stands in for SciPy's",
    "as_strided": "np.lib.stride_tricks.sliding_window_view is supported",
    "cholesky": "np.linalg.cholesky is supported: the lower factor",
    "cdist": "write it as np.sum((a[:, None] - b[None]) ** 2, axis=-1)",
    **dict.fromkeys(
        ("pdf", "pmf", "logpdf", "logpmf", "cdf", "logcdf", "sf", "logsf"),
        "write its formula, with scipy.special's functions where it needs them",
    ),
}
"""What to write in place of a function that is not supported."""


def close_names(name: str) -> str:
    """A hint at supported functions whose names are like this one."""
    import difflib  # errors only

    # difflib's own cutoff, 0.6, has min for median, and tile for quantile
    near = difflib.get_close_matches(name, [*FUNCTIONS, *UFUNCS], n=3, cutoff=0.75)
    return f"perhaps {' or '.join(map(public_name, near))}" if near else ""


def public_name(name: str) -> str:
    """A function of the tables as a spec writes it: what is not NumPy's is of ``scipy.special``."""
    if hasattr(np, name.split(".")[0]):
        return f"np.{name}"
    return f"np.lib.stride_tricks.{name}" if name in FUNCTIONS else f"scipy.special.{name}"
