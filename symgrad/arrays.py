"""Arrays that write down equations: NumPy code runs on them, and builds the spec's mathematics."""

from __future__ import annotations

import inspect
import itertools
import math
import numbers
import operator
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from types import FrameType
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar, cast

import numpy as np
import sympy as sp
from numpy.lib.array_utils import normalize_axis_tuple

from symgrad.equations import Assumption, DType, Variable
from symgrad.errors import Location, SpecError, caller, returned_to
from symgrad.indices import Index, Size, axis_index, entry, fixed, size_of

Dim: TypeAlias = int | sp.Expr
Shape: TypeAlias = tuple[Dim, ...]
Op = Literal["map", "relabel", "contract", "structure"]
"""How an array reads its inputs: entry by entry, under other labels, in a product, or moved."""

_count = itertools.count()


class Array(np.lib.mixins.NDArrayOperatorsMixin):
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
    ) -> None:
        self.indices = tuple(indices)
        self.rhs = rhs
        self.inputs = tuple(inputs)
        self.kind: DType = dtype
        self.variable = variable
        self.decimals = decimals
        self.backward = backward
        self.op = op
        self.lines = returned_to()
        self.where = self.lines[0]
        self.call = _calls.current
        self.changed: Location | None = None
        self.is_view = op == "relabel" or (op == "structure" and len(self.inputs) == 1)
        self.key = variable.name if variable else f"%{next(_count)}"

        self.origin: tuple[Array, tuple[int, ...]] | None = None

    latex_of: ClassVar[Callable[[Array], str] | None] = None
    """How an array is written in a notebook: set by the face, which knows notation."""

    def _repr_latex_(self) -> str | None:
        """What a notebook shows of it: the equations that lead to it."""
        write = type(self).latex_of
        return None if write is None else write(self)

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
        changed = next((a.changed for a in self._memory() if a.changed), None)
        if changed is not None:
            raise SpecError(
                f"this value was changed in place at {changed}, and is used under another name",
                where=caller(),
                hint="write x = x + y instead of x += y, so that both values stay",
            )
        return entry(self.key, indices, integer=self.kind == "int")

    def __repr__(self) -> str:
        return f"{describe(self)}"

    def _sympy_(self) -> sp.Expr:
        raise sp.SympifyError(self)  # so that SymPy leaves `size * array` to the array

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of a scalar")
        return known_size(self.shape[0], "len() of an axis")

    def __iter__(self) -> Iterator[Array]:
        return (self[k] for k in range(len(self)))

    def __bool__(self) -> bool:
        raise SpecError(
            "the truth value of a symbolic array is not known while the spec is read",
            where=caller(),
            hint="choose between values with np.where(condition, a, b) instead of `if`; join "
            "values with np.stack",
        )

    def __float__(self) -> float:
        raise SpecError(
            "a symbolic array has no number while the spec is read",
            where=caller(),
            hint="use NumPy's functions instead of math's; instead of writing into an array of "
            "numbers, collect values in a list for np.stack; index a constant by labels as "
            "sg.constant(c)[y]",
        )

    __int__ = __index__ = __complex__ = __float__

    # -- NumPy's protocols --------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Array:
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        if name not in UFUNCS:
            raise unsupported(f"the function {name}", _close(name))
        return _called(UFUNCS[name], name, args, kwargs)  # type: ignore[no-any-return]

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        name = _function_name(func)
        if name not in FUNCTIONS:
            raise unsupported(f"the function np.{name}", _INSTEAD.get(name) or _close(name))
        return _called(FUNCTIONS[name], f"np.{name}", args, kwargs)

    def __array__(self, dtype: Any = None, **_: Any) -> Any:
        """Of a spec's own ``np.array([[a, b], [c, d]])``: an array of objects, its entries."""
        sizes = [d for d in self.shape if isinstance(d, int)]
        plain = self.kind == "float" and np.dtype(dtype or object) == object
        if plain and len(sizes) == self.ndim and _asked_by_spec():
            return self._entries(sizes)
        raise SpecError(
            "a symbolic array can't become an array of numbers",
            where=caller(),
            hint="join values with np.stack or np.column_stack; index a constant by labels as "
            "sg.constant(c)[y]; sg.softmax, sg.log_softmax and sg.logsumexp stand in for SciPy's",
        )

    def _entries(self, sizes: Sequence[int]) -> np.ndarray[Any, Any]:
        """Every entry, as a scalar that knows where it comes from."""
        found = np.empty(sizes, dtype=object)
        for place in np.ndindex(*sizes):
            scalar = self[place] if place else self
            scalar.origin = (self, place) if place else None
            found[place] = scalar
        return found

    # -- methods, as ndarray has them ---------------------------------------------------------

    @property
    def T(self) -> Array:
        """The axes in reverse order."""
        return METHODS["transpose"](self)  # type: ignore[no-any-return]

    def __getitem__(self, key: Any) -> Array:
        return METHODS["__getitem__"](self, key)  # type: ignore[no-any-return]

    def _in_place(self, ufunc: np.ufunc, other: Any) -> Array:
        """``x += y`` gives the name x to a new value; whoever still holds the old one is told."""
        result: Array = ufunc(self, other)
        if result.sizes != self.sizes:
            raise SpecError(
                f"cannot change {describe(self)} in place to {shape_text(result.shape)}",
                where=caller(),
                hint="write x = x + y instead of x += y",
            )
        for array in self._memory():
            array.changed = caller()
        return result

    def _memory(self) -> Iterator[Array]:
        """The array, and those that it is a view of: in NumPy they share their entries."""
        array: Array | None = self
        while array is not None:
            yield array
            array = array.inputs[0] if array.is_view else None

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
        raise SpecError(
            "a symbolic array can't be written to: every value has one equation",
            where=caller(),
            hint="build the value in one expression, e.g. with np.where or np.concatenate",
        )

    def astype(self, dtype: Any, **_: Any) -> Array:
        """The same values; an indicator may become numbers, floats stay floats."""
        kind = np.dtype(dtype).kind
        if kind == "f":
            return Array(self.indices, self.at(self.indices), [self], op="relabel")
        if kind == "b" and self.kind == "bool":
            return self
        if kind in "iu" and self.kind in ("int", "bool"):
            return self
        raise unsupported(f"astype({dtype!r})")

    def __getattr__(self, name: str) -> Any:
        if name in METHODS:
            return lambda *args, **kwargs: _called(METHODS[name], f".{name}", (self, *args), kwargs)
        if name in UFUNCS and not self.ndim:  # what NumPy asks of the entries of arrays of objects
            return lambda *args: _called(UFUNCS[name], name, (self, *args), {})
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(f"symbolic arrays have no {name!r}", name=name, obj=self)


# -- NumPy's functions ------------------------------------------------------------------------

UFUNCS: dict[str, Callable[..., Array]] = {}
"""What runs in place of a ufunc, by its name; ``add.reduce`` for its methods."""
FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""What runs in place of one of NumPy's other functions; ``linalg.inv`` in a submodule."""
METHODS: dict[str, Callable[..., Any]] = {}
"""The methods of arrays."""

_F = TypeVar("_F", bound=Callable[..., Any])


def function(*names: str, method: bool = False) -> Callable[[_F], _F]:
    """Register what runs in place of NumPy's functions of these names (and the methods)."""

    def register(f: _F) -> _F:
        FUNCTIONS.update(dict.fromkeys(names, f))
        METHODS.update(dict.fromkeys(names if method else (), f))
        return f

    return register


def _called(f: Callable[..., Any], name: str, args: Any, kwargs: Any) -> Any:
    known = inspect.signature(f).parameters
    kwargs = {k: v for k, v in kwargs.items() if k in known or not _changes_nothing(k, v)}
    try:
        inspect.signature(f).bind(*args, **kwargs)
    except TypeError as error:
        raise unsupported(f"this use of {name} ({error})") from None
    with _calls:
        return f(*args, **kwargs)


def _changes_nothing(option: str, value: Any) -> bool:
    """Whether an option of NumPy's is what it is without, where all numbers are real."""
    if option == "dtype":
        return value is None or np.dtype(value).kind == "f"
    return option == "optimize" or (option == "out" and value is None)


class _Calls:
    """Tells the arrays apart that different calls of a spec have built."""

    def __init__(self) -> None:
        self.count = 0
        self.depth = 0

    @property
    def current(self) -> int:
        """The number of the call that is running; outside of calls, a new one."""
        self.count += not self.depth
        return self.count

    def __enter__(self) -> None:
        self.count += not self.depth
        self.depth += 1

    def __exit__(self, *_: object) -> None:
        self.depth -= 1


_calls = _Calls()


# -- inputs -----------------------------------------------------------------------------------


def param(name: str, shape: Any, *, assume: Any = None) -> Array:
    """A parameter: what the loss is differentiated by, unless ``wrt`` says otherwise.

    ``shape``: ints, strings (a named dimension: the same string is the same size) or SymPy
    symbols; ``()`` is a scalar.  ``assume``: one assumption or a sequence of them.  The entries
    are floats.  SpecError where the name is no identifier, where a size is none, and where an
    assumption does not fit the shape.
    """
    return _input(name, shape, "param", "float", assume)


def data(name: str, shape: Any, *, dtype: Any = float, assume: Any = None) -> Array:
    """Given data: what the loss is not differentiated by, unless ``wrt`` says so.

    ``dtype``: float; int for labels and indices, which count from 0; bool for conditions.
    ``shape``, ``assume`` and the errors are those of ``param``; SpecError for another dtype.
    """
    kinds: dict[str, DType] = {"f": "float", "i": "int", "u": "int", "b": "bool"}
    kind = kinds.get(np.dtype(dtype).kind)
    if kind is None:
        raise SpecError(
            f"data {name!r} can't have dtype {dtype!r}",
            where=caller(),
            hint="float, int and bool are supported",
        )
    return _input(name, shape, "data", kind, assume)


def _input(name: str, shape: Any, role: Any, kind: DType, assume: Any) -> Array:
    where = caller()
    _check_name(name, where)
    sizes = tuple(checked_size(d, name, where) for d in as_tuple(shape))
    assumptions = _assumptions(assume, len(sizes), name, where)
    square = [a.kind for a in assumptions if a.kind in ("symmetric", "orthogonal")]
    if square and (len(sizes) < 2 or sizes[-1] != sizes[-2]):
        raise SpecError(
            f"{name!r} ({shape_text(tuple(map(dim_of, sizes)))}) can't be {square[0]}",
            where=where,
            hint="its last two axes would have to be those of a square matrix",
        )
    variable = Variable(name, sizes, role, kind, assumptions, where)
    return Array([axis_index(s) for s in sizes], None, dtype=kind, variable=variable)


def _check_name(name: Any, where: Location) -> None:
    if not isinstance(name, str) or not name.isidentifier():
        raise SpecError(
            f"{name!r} is not a name that Python can use",
            where=where,
            hint="use letters, digits and _, and begin with a letter",
        )


def checked_size(dimension: Any, name: str, where: Location) -> Size:
    """The size that a user gave, of the array ``name``; SpecError where it is none."""
    if isinstance(dimension, (int, np.integer)) and not isinstance(dimension, bool):
        if dimension > 0:
            return size_of(int(dimension))
    elif isinstance(dimension, (str, sp.Symbol)) and str(dimension).isidentifier():
        return size_of(dimension)
    raise SpecError(
        f"{name!r} has the size {dimension!r}",
        where=where,
        hint="a size is a positive int, a name such as 'N', or a SymPy symbol",
    )


def _assumptions(assume: Any, ndim: int, name: str, where: Location) -> tuple[Assumption, ...]:
    given = () if assume is None else assume if isinstance(assume, (tuple, list)) else (assume,)
    for a in given:
        if not isinstance(a, Assumption):
            raise SpecError(
                f"{name!r} has the assumption {a!r}",
                where=where,
                hint="sg.one_hot(axis=...), sg.sums_to_one(axis=...), sg.positive, ...",
            )
        if a.axis is not None and not -ndim <= a.axis < ndim:
            raise SpecError(
                f"{name!r} has {ndim} axes, and the assumption {a.kind} is about axis {a.axis}",
                where=where,
                hint=f"axes are counted from 0 to {ndim - 1}",
            )
    return tuple(Assumption(a.kind, None if a.axis is None else a.axis % ndim) for a in given)


def constant(values: Any) -> Array:
    """An ordinary NumPy array, or a number, as a constant of the spec.

    It is made where one meets a symbolic array; call it to index a constant by symbolic labels:
    ``sg.constant(np.eye(3))[y]``.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise SpecError(
            f"a constant of dtype {array.dtype} is not supported",
            where=caller(),
            hint="real numbers, integers and booleans are",
        )
    if not array.size:
        raise SpecError(
            f"a constant of the shape {shape_text(array.shape)} has no entries",
            where=caller(),
            hint="every axis needs an entry",
        )
    if (array == array.flat[0]).all():
        value = number(array.flat[0].item())
        return Array([axis_index(size_of(d)) for d in array.shape], value, dtype=_kind_of(array))
    if array.ndim == 2 and array.dtype.kind == "f" and _is_identity(array):
        row, column = (axis_index(size_of(d)) for d in array.shape)
        return Array([row, column], sp.KroneckerDelta(row, column))
    kind = _kind_of(array)
    sizes = tuple(size_of(d) for d in array.shape)
    name = f"constant_{_digest(array)}"
    variable = Variable(name, sizes, "constant", kind, (), caller(), array)
    return Array([axis_index(s) for s in sizes], None, dtype=kind, variable=variable)


def _kind_of(array: np.ndarray[Any, Any]) -> DType:
    kinds: dict[str, DType] = {"f": "float", "i": "int", "u": "int", "b": "bool"}
    return kinds[array.dtype.kind]


def _is_identity(array: np.ndarray[Any, Any]) -> bool:
    return array.shape[0] == array.shape[1] and np.array_equal(array, np.eye(len(array)))


def _digest(array: np.ndarray[Any, Any]) -> str:
    import hashlib  # only specs with constant arrays need it

    return hashlib.sha256(
        str((array.shape, array.dtype.kind)).encode() + array.tobytes()
    ).hexdigest()[:8]


def number(value: Any) -> sp.Expr:
    """A number of the spec as an exact SymPy number: 0.1 is 1/10."""
    if isinstance(value, sp.Expr):
        return value.xreplace({f: number(float(f)) for f in value.atoms(sp.Float)})
    if isinstance(value, (bool, np.bool_)):
        return sp.Integer(int(value))
    if isinstance(value, numbers.Integral):
        return sp.Integer(int(value))
    if isinstance(value, numbers.Real):
        real = float(value)
        if math.isfinite(real):
            known = {math.pi: sp.pi, math.e: sp.E}.get(real)
            return _fraction(real) if known is None else known
    raise SpecError(
        f"the number {value!r} can't stand in an equation",
        where=caller(),
        hint="use a finite real number",
    )


def _fraction(real: float) -> sp.Rational:
    """The decimal number that a float prints as; a third, where it is the float of a third."""
    simple = Fraction(real).limit_denominator(1000)
    if len(repr(real)) > LONG and float(simple) == real:
        return sp.Rational(simple.numerator, simple.denominator)
    return sp.Rational(repr(real))


LONG = 16
"""So many characters has no number that somebody typed."""


def as_array(value: Any) -> Array:
    """Whatever stands in a spec's expression, as an array."""
    if isinstance(value, Array):
        return value
    if isinstance(value, sp.Expr):
        return Array((), _size_expression(value))
    if isinstance(value, (list, tuple)) and any(isinstance(v, Array) for v in value):
        return FUNCTIONS["stack"](value)  # type: ignore[no-any-return]
    if isinstance(value, np.ndarray) and value.dtype == object and value.size:
        return _joined(value)
    return constant(value)


_joins: weakref.WeakValueDictionary[tuple[object, ...], Array] = weakref.WeakValueDictionary()


def _joined(values: np.ndarray[Any, Any]) -> Array:
    """NumPy's array of symbolic scalars as one symbolic array, the same one each time."""
    key = (values.shape, *(id(v) if isinstance(v, Array) else repr(v) for v in values.flat))
    found = _joins.get(key)
    if found is None:
        found = _joins[key] = _join(values)
    return found


def _join(values: np.ndarray[Any, Any]) -> Array:
    """The array that all entries come from, or else the scalars stacked."""
    origins = [getattr(v, "origin", None) for v in values.flat]
    whole = origins[0][0] if origins[0] else None
    if whole is not None and whole.shape == values.shape:
        places = zip(origins, np.ndindex(values.shape), strict=True)
        if all(o and o[0] is whole and o[1] == place for o, place in places):
            return cast(Array, whole)
    if not values.ndim:
        return as_array(values.item())
    parts = [_joined(v) if isinstance(v, np.ndarray) else as_array(v) for v in values]
    return FUNCTIONS["stack"](parts)  # type: ignore[no-any-return]


def _size_expression(value: sp.Expr) -> sp.Expr:
    exact = number(value)
    if rounded := exact.atoms(sp.floor, sp.ceiling, sp.Mod):
        raise unsupported(
            f"the value {min(map(str, rounded))} of a named size", "give it a fixed size"
        )
    return exact.xreplace({s: size_of(s) for s in exact.free_symbols})


# -- assumptions ------------------------------------------------------------------------------


def one_hot(axis: int = -1) -> Assumption:
    """Along ``axis`` one entry is 1 and the others are 0; so they sum to 1."""
    return Assumption("one_hot", axis)


def sums_to_one(axis: int = -1) -> Assumption:
    """The entries along ``axis`` sum to 1."""
    return Assumption("sums_to_one", axis)


def unit_norm(axis: int = -1) -> Assumption:
    """The squares of the entries along ``axis`` sum to 1."""
    return Assumption("unit_norm", axis)


positive = Assumption("positive")
"""Every entry is larger than 0."""
symmetric = Assumption("symmetric")
"""The matrices in the last two axes equal their transposes."""
orthogonal = Assumption("orthogonal")
"""The matrices in the last two axes have their transposes as inverses."""


# -- shapes -----------------------------------------------------------------------------------


class NamedSize(sp.Symbol):
    """A size that is not known while the spec is read, as a spec sees it."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        """``np.sqrt(d)`` is a value of the spec; arithmetic with numbers is a size still."""
        operation = getattr(operator, _OPERATORS.get(ufunc.__name__, ""), None)
        if operation and all(isinstance(a, (numbers.Number, sp.Expr)) for a in args):
            return operation(*(a.item() if isinstance(a, np.generic) else a for a in args))
        return as_array(self).__array_ufunc__(ufunc, method, *args, **kwargs)

    def _not_known(self, *_: object) -> Any:
        raise SpecError(
            f"the named size {self} is not known while the spec is read",
            where=caller(),
            hint=f"sg.arange({str(self)!r}) stands in for np.arange; or give the axis a fixed size",
        )

    __float__ = __int__ = __index__ = _not_known
    __lt__ = __le__ = __gt__ = __ge__ = _not_known

    def __eq__(self, other: object) -> Any:
        """Whether this is the same size: of a number, only a run of the code could tell."""
        if isinstance(other, numbers.Number) and _asked_by_spec():
            self._not_known()
        return super().__eq__(other)

    def __ne__(self, other: object) -> Any:
        if isinstance(other, numbers.Number) and _asked_by_spec():
            self._not_known()
        return super().__ne__(other)

    __hash__ = sp.Symbol.__hash__


_OPERATORS = {"add": "add", "subtract": "sub", "multiply": "mul", "divide": "truediv",
              "floor_divide": "floordiv", "power": "pow", "negative": "neg"}  # fmt: skip
"""What Python calls the operation of a ufunc."""


def dim_of(size: Size) -> Dim:
    """A size as a spec sees it: an int, or an expression over named sizes."""
    known = fixed(size)
    if known is not None:
        return known
    return size.xreplace(
        {s: NamedSize(s.name, positive=True, integer=True) for s in size.free_symbols}
    )


def as_tuple(value: Any) -> tuple[Any, ...]:
    """A sequence as a tuple; anything else as the only element of one."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def known_size(dim: Dim, what: str) -> int:
    """A size that ``what`` needs to know; SpecError where it is a named one."""
    if isinstance(dim, int):
        return dim
    raise SpecError(
        f"{what} of the named size {dim} is not known while the spec is read",
        where=caller(),
        hint=f"give the axis a fixed size, or write it without {what}",
    )


def shape_text(shape: Shape) -> str:
    """A shape as people write it: 4×3."""
    return "×".join(map(str, shape)) or "scalar"


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
            if value is array and not _is_library(frame):
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


def _is_library(frame: FrameType) -> bool:
    """Whether a frame is of symgrad or what it rests on, and not of a spec."""
    return frame.f_globals.get("__name__", "").split(".")[0] in _LIBRARIES


_LIBRARIES = ("symgrad", "numpy", "scipy", "sympy")


def _asked_by_spec() -> bool:
    """Whether the spec itself asked, perhaps through C code, which has no frames."""
    return not _is_library(sys._getframe(2))


def unsupported(what: str, hint: str = "") -> SpecError:
    """The error for what can't be derived: it names the operation and the spec's line."""
    return SpecError(
        f"{what} is not supported",
        where=caller(),
        hint=hint or "the README lists what is; write it with those, or as sums and products",
    )


def _function_name(func: Any) -> str:
    module = func.__module__.removeprefix("numpy").removeprefix(".")
    return f"linalg.{func.__name__}" if module == "linalg" else str(func.__name__)


_INSTEAD = {
    "round": "sg.rounded(value, decimals) holds a value rounded",
    "sort": "its derivative is a permutation: index by a constant order, or pass the order as data",
    "argmax": "an index has no derivative; pass it as data with dtype=int",
    "nansum": "an equation has no NaN: use np.sum, and np.where around what may be undefined",
    "nanmean": "an equation has no NaN: use np.mean, and np.where around what may be undefined",
}
"""What to write in place of a function that is not supported."""


def _close(name: str) -> str:
    import difflib  # errors only

    near = difflib.get_close_matches(name, [*FUNCTIONS, *UFUNCS], n=3, cutoff=0.75)
    return f"perhaps np.{' or np.'.join(near)}" if near else ""


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
