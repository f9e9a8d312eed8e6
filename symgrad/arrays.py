"""Arrays that write down equations: NumPy code runs on them, and builds the spec's mathematics."""

from __future__ import annotations

import itertools
import math
import numbers
import operator
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
import sympy as sp
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from symgrad import leaves
from symgrad.equations import Assumption, DType, Variable
from symgrad.errors import Location, SpecError, caller
from symgrad.indices import Index, Size, axis_index, entry, fixed, fresh, size_of
from symgrad.leaves import LEAVES, AxisMax, AxisMin

Dim = int | sp.Expr
Shape = tuple[Dim, ...]
Op = Literal["map", "relabel", "contract"]
"""How an array reads its inputs: entry by entry, the same entries elsewhere, or in a product sum."""

_count = itertools.count()


class Array(np.lib.mixins.NDArrayOperatorsMixin):
    """A value of the spec: a shape, and the equation of its entries.

    ``rhs`` is a SymPy scalar over ``indices`` (one for each axis) and over entries of ``inputs``.
    Arrays are made by :func:`param`, :func:`data` and by NumPy's functions on other arrays.
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
        self.where = caller()
        self.key = variable.name if variable else f"%{next(_count)}"

    # -- what it is ---------------------------------------------------------------------------

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The size along each axis, as the equations have it."""
        return tuple(i.size if isinstance(i, Index) else sp.Integer(1) for i in self.indices)

    @property
    def shape(self) -> Shape:
        """The shape: an int for each fixed size, the SymPy symbol of each named one."""
        return tuple(_dim(size) for size in self.sizes)

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
        return entry(self.key, indices, integer=self.kind == "int")

    def __repr__(self) -> str:
        return f"{describe(self)}"

    def _sympy_(self) -> sp.Expr:
        raise sp.SympifyError(self)  # so that SymPy leaves `size * array` to the array

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of a scalar")
        return _known(self.shape[0], "len() of an axis")

    def __iter__(self) -> Iterator[Array]:
        return (self[k] for k in range(len(self)))

    def __bool__(self) -> bool:
        raise SpecError(
            "the truth value of a symbolic array is not known while the spec is read",
            where=caller(),
            hint="choose between values with np.where(condition, a, b) instead of `if`",
        )

    def __float__(self) -> float:
        raise SpecError(
            "a symbolic array has no number while the spec is read",
            where=caller(),
            hint="use NumPy's functions (np.exp, ...) instead of math's",
        )

    __int__ = __index__ = __complex__ = __float__  # type: ignore[assignment]

    # -- NumPy's protocols --------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Array:
        if method == "reduce" and ufunc.__name__ in UFUNC_REDUCTIONS:
            kwargs = {"axis": 0, **kwargs}
            return UFUNC_REDUCTIONS[ufunc.__name__](*args, **kwargs)
        if method != "__call__":
            raise unsupported(f"np.{ufunc.__name__}.{method}")
        for name in kwargs:
            raise unsupported(f"the argument {name}= of np.{ufunc.__name__}")
        if ufunc is np.matmul:
            return matmul(*args)
        if ufunc.__name__ not in ELEMENTWISE:
            raise unsupported(f"the function {ufunc.__name__}", _close(ufunc.__name__))
        return elementwise(ufunc.__name__, *args)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        name = _function_name(func)
        if name not in FUNCTIONS:
            raise unsupported(f"the function np.{name}", _close(name))
        try:
            return FUNCTIONS[name](*args, **kwargs)
        except TypeError as error:
            if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
                raise
            raise unsupported(f"this use of np.{name} ({error})") from None

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise SpecError(
            "a symbolic array can't become an array of numbers",
            where=caller(),
            hint="this function does not know symbolic arrays; use one that the README lists",
        )

    # -- methods, as ndarray has them ---------------------------------------------------------

    @property
    def T(self) -> Array:  # noqa: N802 (NumPy's name)
        """The axes in reverse order."""
        return transpose(self)

    def __getitem__(self, key: Any) -> Array:
        return getitem(self, key)

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
            return lambda *args, **kwargs: METHODS[name](self, *args, **kwargs)
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(f"symbolic arrays have no {name!r}", name=name, obj=self)


# -- inputs -----------------------------------------------------------------------------------


def param(name: str, shape: Any, *, assume: Any = None) -> Array:
    """A parameter: what the loss is differentiated by, unless ``wrt`` says otherwise.

    ``shape``: ints, strings (a named dimension: the same string is the same size) or SymPy
    symbols; ``()`` is a scalar.  ``assume``: one assumption or a sequence of them.
    """
    return _input(name, shape, "param", "float", assume)


def data(name: str, shape: Any, *, dtype: Any = float, assume: Any = None) -> Array:
    """Given data.  ``dtype=int`` for labels and indices; ``shape`` and ``assume`` as in param."""
    kinds: dict[str, DType] = {"f": "float", "i": "int", "u": "int", "b": "bool"}
    kind = kinds.get(np.dtype(dtype).kind)
    if kind is None:
        raise SpecError(f"data {name!r} can't have dtype {dtype!r}", where=caller(),
                        hint="float, int and bool are supported")  # fmt: skip
    return _input(name, shape, "data", kind, assume)


def _input(name: str, shape: Any, role: Any, kind: DType, assume: Any) -> Array:
    where = caller()
    _check_name(name, where)
    sizes = tuple(_checked_size(d, name, where) for d in _as_tuple(shape))
    assumptions = _assumptions(assume, len(sizes), name, where)
    variable = Variable(name, sizes, role, kind, assumptions, where)
    return Array([axis_index(s) for s in sizes], None, dtype=kind, variable=variable)


def _check_name(name: Any, where: Location) -> None:
    if not isinstance(name, str) or not name.isidentifier():
        raise SpecError(f"{name!r} is not a name that Python can use", where=where,
                        hint="use letters, digits and _, and begin with a letter")  # fmt: skip


def _checked_size(dimension: Any, name: str, where: Location) -> Size:
    if isinstance(dimension, numbers.Integral) and not isinstance(dimension, bool):
        if dimension > 0:
            return size_of(int(dimension))
    elif isinstance(dimension, str) and dimension.isidentifier() or isinstance(dimension, sp.Symbol):
        return size_of(dimension)
    raise SpecError(f"{name!r} has the size {dimension!r}", where=where,
                    hint="a size is a positive int, a name such as 'N', or a SymPy symbol")  # fmt: skip


def _assumptions(assume: Any, ndim: int, name: str, where: Location) -> tuple[Assumption, ...]:
    given = () if assume is None else assume if isinstance(assume, (tuple, list)) else (assume,)
    for a in given:
        if not isinstance(a, Assumption):
            raise SpecError(f"{name!r} has the assumption {a!r}", where=where,
                            hint="sg.one_hot(axis=...), sg.sums_to_one(axis=...), sg.positive, ...")  # fmt: skip
        if a.axis is not None and not -ndim <= a.axis < ndim:
            raise SpecError(f"{name!r} has {ndim} axes, and the assumption {a.kind} is about axis {a.axis}",
                            where=where, hint=f"axes are counted from 0 to {ndim - 1}")  # fmt: skip
    return tuple(Assumption(a.kind, None if a.axis is None else a.axis % ndim) for a in given)


def constant(values: Any) -> Array:
    """An ordinary NumPy array, or a number, as a constant of the spec."""
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise SpecError(f"a constant of dtype {array.dtype} is not supported", where=caller(),
                        hint="real numbers, integers and booleans are")  # fmt: skip
    if array.size and (array == array.flat[0]).all():
        return Array([axis_index(size_of(d)) for d in array.shape], number(array.flat[0].item()))
    kinds: dict[str, DType] = {"f": "float", "i": "int", "u": "int", "b": "bool"}
    kind = kinds[array.dtype.kind]
    sizes = tuple(size_of(d) for d in array.shape)
    name = f"constant_{_digest(array)}"
    variable = Variable(name, sizes, "constant", kind, (), caller(), array)
    return Array([axis_index(s) for s in sizes], None, dtype=kind, variable=variable)


def _digest(array: np.ndarray[Any, Any]) -> str:
    import hashlib  # only specs with constant arrays need it

    return hashlib.sha256(str((array.shape, array.dtype.kind)).encode() + array.tobytes()).hexdigest()[:8]


def number(value: Any) -> sp.Expr:
    """A number of the spec as an exact SymPy number: 0.1 is 1/10."""
    if isinstance(value, sp.Expr):
        return value
    if isinstance(value, (bool, np.bool_)):
        return sp.Integer(int(value))
    if isinstance(value, numbers.Integral):
        return sp.Integer(int(value))
    if isinstance(value, numbers.Real):
        real = float(value)
        if math.isfinite(real):
            return sp.pi if real == math.pi else sp.Rational(repr(real))
    raise SpecError(f"the number {value!r} can't stand in an equation", where=caller(),
                    hint="use a finite real number")  # fmt: skip


def as_array(value: Any) -> Array:
    """Whatever stands in a spec's expression, as an array."""
    if isinstance(value, Array):
        return value
    if isinstance(value, sp.Expr):
        return Array((), _size_expression(value))
    if isinstance(value, (list, tuple)) and any(isinstance(v, Array) for v in value):
        return stack(value)
    return constant(value)


def _size_expression(value: sp.Expr) -> sp.Expr:
    return value.xreplace({s: size_of(s) for s in value.free_symbols})


# -- assumptions ------------------------------------------------------------------------------


def one_hot(axis: int = -1) -> Assumption:
    """Along ``axis`` one entry is 1 and the others are 0."""
    return Assumption("one_hot", axis)


def sums_to_one(axis: int = -1) -> Assumption:
    """The entries along ``axis`` sum to 1."""
    return Assumption("sums_to_one", axis)


positive = Assumption("positive")
symmetric = Assumption("symmetric")


# -- shapes -----------------------------------------------------------------------------------


def _dim(size: Size) -> Dim:
    known = fixed(size)
    return size if known is None else known


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _known(dim: Dim, what: str) -> int:
    if isinstance(dim, int):
        return dim
    raise SpecError(f"{what} of the named size {dim} is not known while the spec is read",
                    where=caller(), hint=f"give the axis a fixed size, or write it without {what}")  # fmt: skip


def shape_text(shape: Shape) -> str:
    """A shape as people write it: 4×3."""
    return "×".join(map(str, shape)) or "scalar"


def describe(array: Array) -> str:
    """The name of an array, where the spec has given it one, and its shape."""
    return f"{_spec_name(array)} ({shape_text(array.shape)})"


def _spec_name(array: Array) -> str:
    if array.variable is not None and array.variable.role != "constant":
        return array.variable.name
    frame: Any = sys._getframe(1)
    while frame is not None:
        for name, value in frame.f_locals.items():
            if value is array and "symgrad" not in frame.f_globals.get("__name__", ""):
                return name
        frame = frame.f_back
    return "a value"


def unsupported(what: str, hint: str = "") -> SpecError:
    """The error for what can't be derived: it names the operation and the spec's line."""
    return SpecError(f"{what} is not supported", where=caller(),
                     hint=hint or "the README lists what is; write it with those, or as sums and products")  # fmt: skip


def _function_name(func: Any) -> str:
    module = func.__module__.removeprefix("numpy").removeprefix(".")
    return f"{module}.{func.__name__}" if module in ("linalg",) else func.__name__


def _close(name: str) -> str:
    import difflib  # errors only

    near = difflib.get_close_matches(name, [*FUNCTIONS, *ELEMENTWISE], n=3)
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
                    f"sizes {_dim(sizes[axis])} and {_dim(size)} differ on axis {axis}",
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
    return array.at([i if size != 1 else sp.Integer(0) for i, size in zip(mine, array.sizes, strict=True)])


# -- elementwise ------------------------------------------------------------------------------

_VERBS = {"add": "add", "subtract": "subtract", "multiply": "multiply", "true_divide": "divide"}


def elementwise(name: str, *args: Any) -> Array:
    """A scalar function on each entry of the arguments broadcast together."""
    arrays = [as_array(a) for a in args]
    sizes = broadcast_sizes(_VERBS.get(name, f"take the {name} of"), arrays)
    indices = [axis_index(s) for s in sizes]
    values = [broadcast_index(indices, a) if a.rhs is None or a.inputs or a.ndim else a.rhs for a in arrays]
    boolean = name in BOOLEAN or (name in BITWISE and all(a.kind == "bool" for a in arrays))
    if name in BITWISE and not boolean:
        raise unsupported(f"np.{name} of numbers", "it is supported for conditions")
    integer = name in INTEGER and all(a.kind == "int" for a in arrays)
    kind: DType = "bool" if boolean else "int" if integer else "float"
    return Array(indices, ELEMENTWISE[name](*values), arrays, dtype=kind)


def _maximum(x: sp.Expr, y: sp.Expr) -> sp.Expr:
    if y == 0 or x == 0:
        return leaves.relu(x if y == 0 else y)
    return leaves.maximum(x, y)


def _less(x: sp.Expr, y: sp.Expr) -> sp.Expr:
    return leaves.step(y) if x == 0 else leaves.less(x, y)


def _power(x: sp.Expr, y: sp.Expr) -> sp.Expr:
    return sp.Pow(x, y)


def _not(x: sp.Expr) -> sp.Expr:
    return 1 - x


ELEMENTWISE: dict[str, Callable[..., sp.Expr]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "true_divide": operator.truediv,
    "negative": operator.neg,
    "positive": operator.pos,
    "power": _power,
    "float_power": _power,
    "square": lambda x: x**2,
    "reciprocal": lambda x: 1 / x,
    "sqrt": sp.sqrt,
    "absolute": leaves.absolute,
    "fabs": leaves.absolute,
    "maximum": _maximum,
    "less": _less,
    "greater": lambda x, y: _less(y, x),
    "less_equal": leaves.less_equal,
    "greater_equal": lambda x, y: leaves.less_equal(y, x),
    "equal": leaves.equal,
    "not_equal": lambda x, y: 1 - leaves.equal(x, y),
    "logical_and": operator.mul,
    "logical_or": lambda x, y: x + y - x * y,
    "logical_not": _not,
    "bitwise_and": operator.mul,
    "bitwise_or": lambda x, y: x + y - x * y,
    "invert": _not,
}
ELEMENTWISE |= {
    leaf.ufunc: cls for cls, leaf in LEAVES.items() if leaf.ufunc and leaf.ufunc not in ELEMENTWISE
}
BITWISE = {"bitwise_and", "bitwise_or", "invert"}
BOOLEAN = {
    "less", "greater", "less_equal", "greater_equal", "equal", "not_equal",
    "logical_and", "logical_or", "logical_not",
}  # fmt: skip
INTEGER = {"add", "subtract", "multiply", "negative", "positive", "square"}


def where(condition: Any, x: Any, y: Any) -> Array:
    """``x`` where the condition holds, ``y`` elsewhere."""
    arrays = [as_array(condition), as_array(x), as_array(y)]
    if arrays[0].kind != "bool":
        raise SpecError("np.where needs a condition, such as z > 0", where=caller(),
                        hint=f"{describe(arrays[0])} holds numbers")  # fmt: skip
    sizes = broadcast_sizes("choose between", arrays)
    indices = [axis_index(s) for s in sizes]
    return Array(indices, leaves.select(*(broadcast_index(indices, a) for a in arrays)), arrays)


# -- reductions -------------------------------------------------------------------------------


def _axes(array: Array, axis: Any) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(array.ndim))
    try:
        return normalize_axis_tuple(axis, array.ndim)
    except (np.exceptions.AxisError, ValueError) as error:
        raise SpecError(f"{describe(array)}: {error}", where=caller(),
                        hint=f"it has {array.ndim} axes, counted from 0") from None  # fmt: skip


def reduction(cls: type[sp.Expr]) -> Callable[..., Array]:
    """The NumPy function whose entries are ``cls(entry, limits)``."""

    def reduce(a: Any, axis: Any = None, *, keepdims: bool = False) -> Array:
        array = as_array(a)
        axes = _axes(array, axis)
        inner = [axis_index(size) for size in array.sizes]
        bound = [inner[k].limits for k in axes if isinstance(inner[k], Index)]
        value = array.at(inner)
        kept = [sp.Integer(0) if k in axes else i for k, i in enumerate(inner) if keepdims or k not in axes]
        return Array(kept, cls(value, *bound) if bound else value, [array])

    return reduce


sum_ = reduction(sp.Sum)
max_ = reduction(AxisMax)
min_ = reduction(AxisMin)


def count(array: Array, axis: Any = None) -> sp.Expr:
    """The number of entries along the axes."""
    return sp.Mul(*(array.sizes[k] for k in _axes(array, axis)))


def mean(a: Any, axis: Any = None, *, keepdims: bool = False) -> Array:
    """The arithmetic mean along the axes."""
    array = as_array(a)
    return sum_(array, axis, keepdims=keepdims) / count(array, axis)


UFUNC_REDUCTIONS: dict[str, Callable[..., Array]] = {"add": sum_, "maximum": max_, "minimum": min_}


# -- contractions -----------------------------------------------------------------------------


def contract(operands: Sequence[tuple[Array, Sequence[Any]]], out: Sequence[Any], what: str) -> Array:
    """The sum of products in which axes with the same label share an index.

    Labels are any hashable; ``out`` lists the labels of the result's axes, the others are summed.
    A label whose axis has size 1 in one operand is broadcast over it.
    """
    sizes: dict[Any, Size] = {}
    for array, labels in operands:
        for label, size in zip(labels, array.sizes, strict=True):
            known = sizes.setdefault(label, size)
            if known == 1:
                sizes[label] = size
            elif size not in (1, known):
                arrays = [a for a, _ in operands]
                raise SpecError(
                    f"cannot {what} {' by '.join(map(describe, arrays))}: "
                    f"inner sizes {_dim(known)} and {_dim(size)} differ",
                    where=caller(),
                    hint=_product_hint(arrays),
                )
    index = {label: axis_index(size) for label, size in sizes.items()}
    factors = [
        array.at([index[l] if size != 1 else sp.Integer(0) for l, size in zip(labels, array.sizes, strict=True)])
        for array, labels in operands
    ]  # fmt: skip
    bound = [i.limits for label, i in index.items() if label not in out and isinstance(i, Index)]
    product = sp.Mul(*factors)
    rhs = sp.Sum(product, *bound) if bound else product
    return Array([index[label] for label in out], rhs, [a for a, _ in operands], op="contract")


def _product_hint(arrays: Sequence[Array]) -> str:
    if len(arrays) != 2 or arrays[0].ndim != 2 or arrays[1].ndim != 2:
        return "the last axis of the first meets the first axis of a matrix or a vector"
    a, b = (_spec_name(x) for x in arrays)
    (p, q), (r, s) = arrays[0].shape, arrays[1].shape
    if "a value" in (a, b):
        a, b = "A", "B"
    if q == s:
        return f"perhaps {a} @ {b}.T"
    if p == r:
        return f"perhaps {a}.T @ {b}"
    if p == s:
        return f"perhaps {b} @ {a}"
    return "the number of columns of the first must be the number of rows of the second"


def matmul(x: Any, y: Any) -> Array:
    """The matrix product, with NumPy's rules for vectors and for leading axes."""
    a, b = as_array(x), as_array(y)
    if not a.ndim or not b.ndim:
        raise SpecError("a matrix product needs arrays, not a scalar", where=caller(),
                        hint="multiply by a scalar with *")  # fmt: skip
    batch = max(a.ndim, b.ndim, 2) - 2
    lead_a = [("batch", batch - k) for k in range(max(a.ndim - 2, 0), 0, -1)]
    lead_b = [("batch", batch - k) for k in range(max(b.ndim - 2, 0), 0, -1)]
    rows = ["row"] if a.ndim > 1 else []
    columns = ["column"] if b.ndim > 1 else []
    operands = [
        (a, [*lead_a, *rows, "inner"]),
        (b, [*lead_b, "inner", *columns] if b.ndim > 1 else ["inner"]),
    ]
    if a.sizes[-1] != b.sizes[-2 if b.ndim > 1 else -1]:
        _inner_mismatch(a, b)
    return contract(operands, [*(("batch", k) for k in range(batch)), *rows, *columns], "multiply")


def _inner_mismatch(a: Array, b: Array) -> None:
    inner = b.shape[-2 if b.ndim > 1 else -1]
    raise SpecError(
        f"cannot multiply {describe(a)} by {describe(b)}: inner sizes {a.shape[-1]} and {inner} differ",
        where=caller(),
        hint=_product_hint([a, b]),
    )


def dot(x: Any, y: Any) -> Array:
    """NumPy's dot: the last axis of ``x`` meets the second to last of ``y``."""
    a, b = as_array(x), as_array(y)
    if not a.ndim or not b.ndim:
        return elementwise("multiply", a, b)
    inner = b.ndim - 2 if b.ndim > 1 else 0
    if a.sizes[-1] != b.sizes[inner]:
        _inner_mismatch(a, b)
    left = [("x", k) for k in range(a.ndim - 1)]
    right = [("y", k) for k in range(b.ndim)]
    labels = ["inner" if k == inner else label for k, label in enumerate(right)]
    out = [*left, *(label for label in labels if label != "inner")]
    return contract([(a, [*left, "inner"]), (b, labels)], out, "multiply")


# -- shape ------------------------------------------------------------------------------------


def relabel(array: Array, indices: Sequence[sp.Expr], source: Sequence[sp.Expr]) -> Array:
    """The array whose entry at ``indices`` is the entry of ``array`` at ``source``."""
    return Array(indices, array.at(source), [array], dtype=array.kind, op="relabel")


def transpose(a: Any, axes: Any = None) -> Array:
    """The axes in another order; in reverse where none is given."""
    array = as_array(a)
    order = _axes(array, axes) if axes is not None else tuple(range(array.ndim))[::-1]
    inner = [axis_index(s) for s in array.sizes]
    return relabel(array, [inner[k] for k in order], inner)


def reshape(a: Any, *shape: Any, **options: Any) -> Array:
    """Another shape for the same entries in the same order."""
    array = as_array(a)
    wanted = _as_tuple(shape[0]) if len(shape) == 1 else shape
    if options:
        raise unsupported(f"the argument {next(iter(options))}= of reshape")
    sizes = _resolved(array, wanted)
    inner = [axis_index(s) for s in array.sizes]
    proper = [i for i in inner if isinstance(i, Index)]
    if [i.size for i in proper] != [s for s in sizes if s != 1]:
        raise unsupported(
            f"reshaping {describe(array)} to {shape_text(tuple(map(_dim, sizes)))}",
            "reshape may add and drop axes of size 1",
        )
    left = iter(proper)
    return relabel(array, [sp.Integer(0) if s == 1 else next(left) for s in sizes], inner)


def _resolved(array: Array, wanted: Sequence[Any]) -> list[Size]:
    total = sp.Mul(*array.sizes)
    given = [size_of(d) for d in wanted if not (isinstance(d, numbers.Integral) and d == -1)]
    left = total / sp.Mul(*given)
    known = fixed(left)
    if len(given) < len(wanted):
        left = size_of(known) if known is not None else left
        return [left if isinstance(d, numbers.Integral) and d == -1 else size_of(d) for d in wanted]
    if left != 1 and known != 1:
        raise SpecError(
            f"cannot reshape {describe(array)} to {shape_text(tuple(wanted))}: the number of entries differs",
            where=caller(),
            hint="let one size be -1 to have it worked out",
        )
    return given


def ravel(a: Any) -> Array:
    """All entries along one axis."""
    return reshape(a, -1)


def expand_dims(a: Any, axis: Any) -> Array:
    """New axes of size 1 at the places ``axis`` of the result."""
    array = as_array(a)
    places = normalize_axis_tuple(axis, array.ndim + len(_as_tuple(axis)))
    inner = [axis_index(s) for s in array.sizes]
    rest = iter(inner)
    ndim = array.ndim + len(places)
    return relabel(array, [sp.Integer(0) if k in places else next(rest) for k in range(ndim)], inner)


def squeeze(a: Any, axis: Any = None) -> Array:
    """Without the axes of size 1 (or without those that ``axis`` names)."""
    array = as_array(a)
    axes = [k for k, s in enumerate(array.sizes) if s == 1] if axis is None else _axes(array, axis)
    for k in axes:
        if array.sizes[k] != 1:
            raise SpecError(f"cannot squeeze axis {k} of {describe(array)}: its size is {array.shape[k]}",
                            where=caller(), hint="only axes of size 1 can go")  # fmt: skip
    inner = [axis_index(s) for s in array.sizes]
    return relabel(array, [i for k, i in enumerate(inner) if k not in axes], inner)


def swapaxes(a: Any, axis1: int, axis2: int) -> Array:
    """Two axes exchanged."""
    array = as_array(a)
    order = list(range(array.ndim))
    i, j = normalize_axis_index(axis1, array.ndim), normalize_axis_index(axis2, array.ndim)
    order[i], order[j] = order[j], order[i]
    return transpose(array, order)


def moveaxis(a: Any, source: Any, destination: Any) -> Array:
    """Axes moved to other places; the others keep their order."""
    array = as_array(a)
    sources, places = _axes(array, source), _axes(array, destination)
    order = [k for k in range(array.ndim) if k not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        order.insert(place, axis)
    return transpose(array, order)


def broadcast_to(a: Any, shape: Any) -> Array:
    """The entries repeated along new axes and along axes of size 1."""
    array = as_array(a)
    indices = [axis_index(size_of(d)) for d in _as_tuple(shape)]
    target = Array(indices, sp.Integer(0))
    if broadcast_sizes("broadcast", [array, target]) != target.sizes:
        raise SpecError(f"cannot broadcast {describe(array)} to {shape_text(target.shape)}", where=caller(),
                        hint="sizes must be equal, or 1")  # fmt: skip
    return Array(indices, broadcast_index(indices, array), [array], dtype=array.kind, op="relabel")


def stack(arrays: Any, axis: int = 0) -> Array:
    """Arrays of one shape along a new axis."""
    raise unsupported("np.stack")


def arange(size: Any) -> Array:
    """0, 1, …, size - 1 for a named size: ``z[sg.arange(N), y]`` picks an entry in each row."""
    index = axis_index(_checked_size(size, "arange", caller()))
    return Array([index], index, dtype="int")


# -- indexing ---------------------------------------------------------------------------------


def getitem(array: Array, key: Any) -> Array:
    """``array[key]`` with NumPy's rules: ints, slices, None, ``...`` and integer arrays."""
    items = _expanded(array, key if isinstance(key, tuple) else (key,))
    arrays = [as_array(i) for i in items if _is_array_index(i)]
    shared = [axis_index(s) for s in broadcast_sizes("index by", arrays)] if arrays else []
    out: list[sp.Expr] = []
    source: list[sp.Expr] = []
    used: list[Array] = []
    place: int | None = None
    axis = 0
    for position, item in enumerate(items):
        if item is None:
            out.append(sp.Integer(0))
            continue
        size = array.sizes[axis]
        if _is_array_index(item):
            labels = as_array(item)
            adjacent = place is None or _is_array_index(items[position - 1])
            place = len(out) if place is None else place if adjacent else 0
            source.append(_label(array, axis, labels, shared))
            used.append(labels)
        elif isinstance(item, slice):
            index, position_of = _sliced(array, axis, item)
            out.append(index)
            source.append(position_of)
        else:
            source.append(_position(array, axis, item))
        axis += 1
        del size
    if place is not None:
        out[place:place] = shared
    op: Op = "relabel" if all(isinstance(i, Index) or i == 0 for i in source) else "map"
    return Array(out, array.at(source), [array, *used], dtype=array.kind, op=op)


def _is_array_index(item: Any) -> bool:
    return isinstance(item, (Array, np.ndarray, list))


def _expanded(array: Array, key: tuple[Any, ...]) -> list[Any]:
    taken = sum(1 for k in key if k is not None and k is not Ellipsis)
    if taken > array.ndim:
        raise SpecError(f"{taken} indices for {describe(array)}, which has {array.ndim} axes", where=caller(),
                        hint="one index for each axis at most")  # fmt: skip
    rest = [slice(None)] * (array.ndim - taken)
    dots = [n for n, k in enumerate(key) if k is Ellipsis]
    if not dots:
        return [*key, *rest]
    return [*key[: dots[0]], *rest, *key[dots[0] + 1 :]]


def _label(array: Array, axis: int, labels: Array, shared: Sequence[sp.Expr]) -> sp.Expr:
    if labels.kind == "bool":
        raise unsupported("indexing by a condition", "multiply by the condition, or use np.where")
    if labels.kind != "int":
        raise SpecError(f"{describe(labels)} holds floats and can't be an index", where=caller(),
                        hint="declare labels with sg.data(name, shape, dtype=int)")  # fmt: skip
    if array.sizes[axis] == 1:
        return sp.Integer(0)
    values = labels.variable.values if labels.variable is not None else None
    if isinstance(values, np.ndarray) and _counts_up(values, array.shape[axis]):
        return broadcast_index(shared, labels).indices[-1]
    if labels.rhs is not None and not labels.inputs:
        return labels.rhs.xreplace(dict(zip(labels.indices, shared[-labels.ndim :], strict=True)))
    return broadcast_index(shared, labels)


def _counts_up(values: np.ndarray[Any, Any], size: Dim) -> bool:
    return values.shape == (size,) and bool((values == np.arange(len(values))).all())


def _sliced(array: Array, axis: int, item: slice) -> tuple[sp.Expr, sp.Expr]:
    size = array.sizes[axis]
    if item == slice(None):
        index = axis_index(size)
        return index, index
    raise unsupported(f"the slice {item}", "`:`, `...`, None, integers and integer arrays are supported")


def _position(array: Array, axis: int, item: Any) -> sp.Expr:
    size = array.sizes[axis]
    if not isinstance(item, numbers.Integral):
        raise SpecError(f"{item!r} can't be an index", where=caller(),
                        hint="ints, slices, None, ... and integer arrays can")  # fmt: skip
    known = fixed(size)
    if known is not None and not -known <= int(item) < known:
        raise SpecError(f"index {item} is outside of axis {axis} of {describe(array)}", where=caller(),
                        hint=f"it has {known} entries, counted from 0")  # fmt: skip
    return sp.Integer(int(item)) + (0 if item >= 0 else size if known is None else known)


def take_along_axis(a: Any, indices: Any, axis: int = -1) -> Array:
    """From each position the entries at ``indices`` along ``axis``."""
    array, labels = as_array(a), as_array(indices)
    axis = normalize_axis_index(axis, array.ndim)
    if labels.ndim != array.ndim:
        raise SpecError(f"np.take_along_axis: {describe(array)} and {describe(labels)} differ in axes",
                        where=caller(), hint="the indices need as many axes, e.g. y[:, None]")  # fmt: skip
    out = [
        axis_index(labels.sizes[k] if k == axis or array.sizes[k] == 1 else array.sizes[k])
        for k in range(array.ndim)
    ]
    source = [i if size != 1 else sp.Integer(0) for i, size in zip(out, array.sizes, strict=True)]
    source[axis] = _label(array, axis, labels, out)
    return Array(out, array.at(source), [array, labels], dtype=array.kind)


# -- values held differently ------------------------------------------------------------------


def rounded(value: Any, decimals: int = 0) -> Array:
    """``value`` held rounded: the mathematics is ``value``'s, every use reads the rounded number."""
    array = as_array(value)
    if not isinstance(decimals, numbers.Integral):
        raise SpecError(f"decimals={decimals!r} is not an integer", where=caller(),
                        hint="sg.rounded(value, decimals=1) keeps one decimal")  # fmt: skip
    inner = [axis_index(s) for s in array.sizes]
    return Array(inner, array.at(inner), [array], decimals=int(decimals))


def straight_through(value: Any, backward_as: Any) -> Array:
    """Forward ``value``; backward as if it were ``backward_as``."""
    forward, backward = as_array(value), as_array(backward_as)
    if forward.sizes != backward.sizes:
        raise SpecError(f"sg.straight_through: {describe(forward)} and {describe(backward)} differ in shape",
                        where=caller(), hint="both must have one shape")  # fmt: skip
    inner = [axis_index(s) for s in forward.sizes]
    return Array(inner, forward.at(inner), [forward, backward], backward=backward.at(inner))


def stop_gradient(value: Any) -> Array:
    """``value``, taken as a constant in the backward pass."""
    array = as_array(value)
    inner = [axis_index(s) for s in array.sizes]
    return Array(inner, array.at(inner), [array], backward=sp.Integer(0))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sum": sum_,
    "mean": mean,
    "max": max_,
    "amax": max_,
    "min": min_,
    "amin": min_,
    "dot": dot,
    "where": where,
    "reshape": reshape,
    "ravel": ravel,
    "transpose": transpose,
    "expand_dims": expand_dims,
    "squeeze": squeeze,
    "swapaxes": swapaxes,
    "moveaxis": moveaxis,
    "broadcast_to": broadcast_to,
    "take_along_axis": take_along_axis,
}
METHODS: dict[str, Callable[..., Any]] = {
    name: FUNCTIONS[name]
    for name in ("sum", "mean", "max", "min", "dot", "reshape", "ravel", "transpose", "squeeze", "swapaxes")
} | {"flatten": ravel}
