"""Arrays that write down equations: NumPy code runs on them, and builds the spec's mathematics."""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable, Container, Hashable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
import sympy as sp
from numpy.lib.array_utils import normalize_axis_tuple

from symgrad.errors import SpecError, caller
from symgrad.language.memory import Addends, Memory, depth, lines_of_now, pieces
from symgrad.language.registry import (
    FUNCTIONS,
    INSTEAD,
    METHODS,
    PROPERTIES,
    UFUNCS,
    call_ufunc,
    called,
    close_names,
    function_name,
    into_numbers,
    no_numbers,
    no_property,
    numpy_name,
    of_numbers,
    of_python,
    this_call,
    unsupported,
)
from symgrad.language.sizes import (
    TAKE_NAMES,
    Dim,
    Shape,
    asked_by_spec,
    asking_function,
    dim_of,
    is_library,
    shape_text,
    turns,
    writes_into_numbers,
)
from symgrad.mathematics.conditions import Condition
from symgrad.mathematics.equations import DType, Variable
from symgrad.mathematics.indices import Index, entry, long_numbers
from symgrad.mathematics.sizes import Size

Op = Literal["map", "relabel", "contract", "structure"]
"""How an array reads its inputs: entry by entry, under other labels, in a product, or moved."""

_numbers = long_numbers()


@functools.singledispatch
def latex_of(array: object) -> str | None:
    """How a notebook shows an array: None, its plain text, until a writer registers another way."""
    return None


@functools.singledispatch
def text_of(array: object) -> str | None:
    """How a prompt shows an array: None, its name and shape, until a writer registers another."""
    return None


class Array(Memory, np.lib.mixins.NDArrayOperatorsMixin):
    """A value of the spec: a shape, and the equation of its entries.

    ``rhs`` is a SymPy scalar over ``indices`` (one for each axis) and over entries of ``inputs``.
    Arrays are made by ``sg.param``, ``sg.data`` and by NumPy's functions on other arrays.
    """

    __hash__ = object.__hash__

    def __init__(
        self,
        indices: Sequence[sp.Expr],
        rhs: sp.Expr | None,
        inputs: Sequence[Array] = (),
        *,
        dtype: DType = "float",
        variable: Variable | None = None,
        decimals: int | None = None,
        backward: sp.Expr | None = None,
        op: Op = "map",
        domain: Sequence[Condition] = (),
    ) -> None:
        self.indices = tuple(indices)
        self._rhs = rhs
        self.kind: DType = dtype
        self.variable = variable
        self.decimals = decimals
        self.backward = backward
        self.op = op
        self.domain = tuple(domain)
        # a value that a function returns may take the name of what the caller assigns it to
        self.lines = lines_of_now()
        self.where = self.lines[0]
        self.call = this_call()
        self.pointing: tuple[tuple[sp.Expr, Size], ...] = ()
        """Positions that hold labels, each with the size of the axis that it has to lie on."""
        self.source: tuple[sp.Expr, ...] = ()
        """Of what is picked from an array: where each entry stands there."""
        self.key = variable.name if variable else f"%{next(_numbers)}"
        # NumPy shares the memory of these: what is changed in place is changed in both
        self.remembers(inputs, op == "relabel" or (op == "structure" and len(inputs) == 1))
        self.picked_from: Array | None = None
        """The array that ``source`` is about."""
        self.addends: Addends | None = None
        self.depth = depth(inputs, self.where)
        self.origin: tuple[Array, tuple[int, ...]] | None = None
        self.means: dict[tuple[int, ...], Array] = {}  # that have been asked for, by their axes
        self.joins: dict[Hashable, tuple[Sequence[Any], Array]] = {}
        """The arrays that it has become the first entry of, with all their entries."""

    def _repr_latex_(self) -> str | None:
        """What a notebook shows of it: the equations that lead to it."""
        return latex_of(self)

    # -- what it is ---------------------------------------------------------------------------

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The size along each axis, as the equations have it."""
        return tuple(i.size if isinstance(i, Index) else sp.Integer(1) for i in self.indices)

    @property
    def shape(self) -> Shape:
        """The shape: an int for each fixed size, the SymPy symbol of each named one."""
        return tuple(dim_of(size) for size in self.sizes)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.indices)

    @property
    def size(self) -> Dim:
        """The number of entries."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """float64, int64 or bool: what kind of numbers it holds."""
        return np.dtype({"float": float, "int": int, "bool": bool}[self.kind])

    def at(self, indices: Sequence[sp.Expr]) -> sp.Expr:
        """The entry at ``indices``."""
        self.refresh()
        self.check_unchanged()
        return entry(self.key, indices, integer=self.kind == "int")

    def __repr__(self) -> str:
        return text_of(self) or describe(self)

    def _sympy_(self) -> sp.Expr:
        raise sp.SympifyError(self)  # so that SymPy leaves `size * array` to the array

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of a scalar")
        asking, module = asking_function()
        if asking and not isinstance(self.shape[0], int):
            raise no_numbers(asking, module)
        if not isinstance(self.shape[0], int):
            raise SpecError(
                f"len() of {describe(self)} is not known while the spec is read",
                where=caller(),
                hint="write x.shape[0], the size of the first axis, also where that is a name; "
                f"{TAKE_NAMES}",
            )
        return self.shape[0]

    def __iter__(self) -> Iterator[Array]:
        if not self.ndim:
            raise TypeError("iteration over a scalar")
        return iter(pieces([self[k] for k in range(turns(self.shape[0]))]))

    def __bool__(self) -> bool:
        raise SpecError(
            "the truth value of a symbolic array is not known while the spec is read",
            where=caller(),
            hint=of_python(caller().text),
        )

    def __round__(self, ndigits: int | None = None) -> Array:
        return METHODS["round"](self, ndigits or 0)  # type: ignore[no-any-return]

    def __float__(self) -> float:
        if writes_into_numbers():
            raise into_numbers()
        raise SpecError(
            "a symbolic array has no number while the spec is read",
            where=caller(),
            hint=of_numbers(caller().text),
        )

    __int__ = __index__ = __complex__ = __float__

    # -- NumPy's protocols --------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if any(not isinstance(a, Array) and hasattr(a, "goes_with") for a in args):
            return NotImplemented
        return call_ufunc(ufunc, method, args, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        name = function_name(func)
        if name not in FUNCTIONS:
            raise unsupported(
                f"the function {numpy_name(func)}",
                INSTEAD.get(name.split(".")[-1]) or close_names(name),
            )
        return _owned(name, functools.partial(called, FUNCTIONS[name], f"np.{name}"), args, kwargs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Of a spec's own ``np.array([[a, b], [c, d]])``: an array of objects, its entries.

        Of ``np.sum([a, b])`` too, where they are few: NumPy computes with them one by one.
        ``np.asarray`` asks for no copy: what is written there would not be written here.
        """
        sizes = [d for d in self.shape if isinstance(d, int)]
        asking, module = asking_function()
        few = asking in OF_ENTRIES and math.prod(sizes) <= FEW
        plain = self.kind == "float" and np.dtype(dtype or object) == object
        if plain and len(sizes) == self.ndim and (asked_by_spec() or few):
            found = self._entries(sizes, shared=not copy)
            found.flags.writeable = bool(copy)
            return found
        raise into_numbers() if writes_into_numbers() else no_numbers(asking, module)

    def _entries(self, sizes: Sequence[int], shared: bool) -> np.ndarray[Any, Any]:
        """Every entry, as a scalar that knows where it comes from."""
        found = np.empty(sizes, dtype=object)
        whole = self if shared else self.apart()
        for place in np.ndindex(*sizes):
            scalar = self[place] if place else self
            scalar.origin = (whole, place) if place else None
            if shared and place:  # an entry that is read from it is none, and it looks the same
                scalar.may_be_seen_through(self)
            found[place] = scalar
        return found

    # -- methods, as ndarray has them ---------------------------------------------------------

    def __getitem__(self, key: Any) -> Array:
        return METHODS["__getitem__"](self, key)  # type: ignore[no-any-return]

    def _in_place(self, ufunc: np.ufunc, other: Any) -> Array:
        """``x += y`` makes x a new version of itself, as NumPy does; of a number, a new number."""
        result: Array = ufunc(self, other)
        if result.sizes != self.sizes:
            raise SpecError(
                f"cannot change {describe(self)} in place to {shape_text(result.shape)}",
                where=caller(),
                hint="write x = x + y instead of x += y",
            )
        result.picked, result.step = self.picked, (ufunc, other)
        if self.ndim:
            METHODS["_replace"](self, result)
            return self
        if self.variable is not None:
            self.changed = caller()
        return result

    def twin(self) -> Array:
        """The same value in memory of its own: what is changed in place is changed in one."""
        self.at(self.indices)  # an error where it has been changed itself
        found: Array = self.apart()
        return found

    @property
    def identity(self) -> Hashable:
        """What it shares with its twins alone; two inputs may have one name."""
        return self.key if self.variable is None else id(self.variable)

    def __iadd__(self, other: Any) -> Array:
        return self._in_place(np.add, other)

    def __isub__(self, other: Any) -> Array:
        return self._in_place(np.subtract, other)

    def __imul__(self, other: Any) -> Array:
        return self._in_place(np.multiply, other)

    def __itruediv__(self, other: Any) -> Array:
        return self._in_place(np.true_divide, other)

    def __ipow__(self, other: Any) -> Array:
        return self._in_place(np.power, other)

    def __imatmul__(self, other: Any) -> Array:
        return self._in_place(np.matmul, other)

    def __setitem__(self, key: Any, value: Any) -> None:
        METHODS["__setitem__"](self, key, value)

    def astype(self, dtype: Any, *, copy: bool = True, **_: Any) -> Array:
        """The same values; an indicator may become numbers, floats stay floats."""
        kind = np.dtype(dtype).kind
        if not copy and np.dtype(dtype) == self.dtype:
            return self
        if kind == "f" or (kind in "iu" and self.kind == "bool"):  # True + True is 2 from here on
            to: DType = "float" if kind == "f" else "int"
            return Array(self.indices, self.at(self.indices), [self], dtype=to, op="relabel").twin()
        if (kind == "b" and self.kind == "bool") or (kind in "iu" and self.kind == "int"):
            return self.twin()
        raise unsupported(f"astype({dtype!r})", INSTEAD["astype"])

    def __getattr__(self, name: str) -> Any:
        if name in PROPERTIES:
            return _owned(PROPERTIES[name], FUNCTIONS[PROPERTIES[name]], self)
        if name in METHODS:
            run = functools.partial(called, METHODS[name], f".{name}")
            return lambda *args, **kwargs: _owned(name, run, (self, *args), kwargs)
        if name in UFUNCS and not self.ndim:  # what NumPy asks of the entries of arrays of objects
            return lambda *args: called(UFUNCS[name], name, (self, *args), {})
        raise AttributeError(no_property(name), name=name, obj=self)


def made_of(array: Array, known: Container[Hashable] = ()) -> list[Array]:
    """An array and all that it is made of, inputs first; ``known``: past what it does not go."""
    order: list[Array] = []
    seen: set[Hashable] = set()
    later = [array]
    while later:
        stack = [(later.pop(), False)]
        while stack:
            one, done = stack.pop()
            if done:
                order.append(one)
                later += [one.feeds] if one.feeds is not None else []
            elif one.identity not in seen:
                seen.add(one.identity)
                stack.append((one, True))
                if one.key not in known:
                    stack.extend((i, False) for i in reversed(one.inputs))
    return order


FEW = 64
"""So many entries of a value in a list are computed with one by one, at most."""
OF_ENTRIES = frozenset(
    ("cumprod", "cumsum", "diag", "diff", "einsum", "norm", "pad", "prod", "ravel", "repeat",
     "reshape", "roll", "sum", "tile", "trace", "transpose")
)  # fmt: skip
"""NumPy's functions that compute with arrays of objects: of lists they are not told apart."""

VIEWS = frozenset(
    ("atleast_1d", "atleast_2d", "atleast_3d", "broadcast_to", "diag", "diagonal", "expand_dims",
     "einsum", "flip", "fliplr", "flipud", "linalg.diagonal", "linalg.matrix_transpose",
     "matrix_transpose", "moveaxis", "ravel", "real", "real_if_close", "reshape", "rollaxis",
     "rot90", "sliding_window_view", "squeeze", "swapaxes", "transpose")
)  # fmt: skip
"""The functions whose result shares the memory of their argument in NumPy, where it can."""


def _owned(name: str, run: Callable[..., Any], *args: Any) -> Any:
    """What a function returns: but for views, in memory of its own."""
    result = run(*args)
    if not isinstance(result, Array):
        return pieces(result)
    if name not in VIEWS:
        return result.twin()
    given = (args[0],) if isinstance(args[0], Array) else (*args[0], *args[1].values())
    base = next((a for a in given if isinstance(a, Array)), None)
    if base is not None and result is not base:
        result.seen_through(base, None, functools.partial(run, *args), name)
    return result


def describe(array: Array) -> str:
    """The name of an array, where the spec has given it one, and its shape."""
    return f"{spec_name(array)} ({shape_text(array.shape)})"


def spec_name(array: Array) -> str:
    """What the spec calls an array: its own name, or that of a variable that holds it."""
    if array.variable is not None and array.variable.role != "constant":
        return array.variable.name
    frame: Any = sys._getframe(1)
    while frame is not None:
        for name, value in frame.f_locals.items():
            if value is array and not is_library(frame):
                return str(name)
        frame = frame.f_back
    if _is_transpose(array) and (name := spec_name(array.inputs[0])) != "a value":
        return f"{name}.T"
    return "a value"


def _is_transpose(array: Array) -> bool:
    rhs = array.rhs
    return array.op == "relabel" and (
        isinstance(rhs, sp.Indexed) and rhs.indices == array.indices[::-1] and array.ndim == 2
    )


def broadcast_sizes(what: str, arrays: Sequence[Array]) -> tuple[Size, ...]:
    """The sizes of the arrays broadcast together, as NumPy does it."""
    ndim = max(a.ndim for a in arrays)
    sizes = [sp.Integer(1)] * ndim
    for array in arrays:
        for axis, size in enumerate(array.sizes, ndim - array.ndim):
            if size == 1:
                continue
            if sizes[axis] not in (1, size):
                raise SpecError(
                    f"cannot {what} {' and '.join(map(describe, arrays))}: "
                    f"sizes {dim_of(sizes[axis])} and {dim_of(size)} differ on axis {axis}",
                    where=caller(),
                    hint=_broadcast_hint(arrays),
                )
            sizes[axis] = size
    return tuple(sizes)


def _broadcast_hint(arrays: Sequence[Array]) -> str:
    if len(arrays) == 2 and arrays[0].shape == arrays[1].shape[::-1]:
        return "perhaps one of them needs .T"
    return "sizes must be equal, or 1; add an axis with x[:, None]"


def broadcast_index(indices: Sequence[sp.Expr], array: Array) -> sp.Expr:
    """The entry of ``array`` that stands at ``indices`` after broadcasting."""
    mine = indices[len(indices) - array.ndim :]
    return array.at(
        [i if size != 1 else sp.Integer(0) for i, size in zip(mine, array.sizes, strict=True)]
    )


def axes_of(array: Array, axis: Any) -> tuple[int, ...]:
    """The axes that ``axis`` names, counted from 0; None names all."""
    if axis is None:
        return tuple(range(array.ndim))
    try:
        return normalize_axis_tuple(axis, array.ndim)
    except (np.exceptions.AxisError, ValueError) as error:
        raise SpecError(
            f"{describe(array)}: {error}",
            where=caller(),
            hint=f"it has {array.ndim} axes, counted from 0",
        ) from None
