"""The 3-4-2-3 network as it is worked by hand: the softmax rounded to one decimal.

Arguments:
    X   (3, 1)
    Y   (3, 1), one hot along axis 0
    W1  (4, 3)
    b1  (4, 1)
    W2  (2, 4)
    b2  (2, 1)
    W3  (3, 2)
    b3  (3, 1)

    loss = -Σ_j Y[j] log(a3[j])

Gradients:
    W1  (4, 3)  dW1[i,j] = dz1[i] X[j]
    b1  (4, 1)  db1[i] = dz1[i]
    W2  (2, 4)  dW2[k,i] = dz2[k] a1[i]
    b2  (2, 1)  db2[k] = dz2[k]
    W3  (3, 2)  dW3[j,k] = dz3[j] a2[k]
    b3  (3, 1)  db3[j] = dz3[j]

A3 is held rounded to 1 decimal: the mathematics is that of the unrounded value; every use,
forward and backward, reads the rounded number.
Relu'(0) = 0.
It is assumed that Y is one-hot along axis 0: its entries there are 0 and 1 and sum to 1.
Whether that holds, check_assumptions tells.

Loss and gradients together, as if no cache held anything:
    operations on numbers  218
    bytes moved, float64   2,258
    bytes moved, float32   1,138
    workspace, float64     367 bytes
    workspace, float32     187 bytes
"""

import functools
import math
import operator
from typing import NamedTuple

import numpy as np

_DTYPE = np.float64  # what lists and integers become where no argument is an array of floats
_ARGUMENTS = {  # kind, shape
    "X": ("float", (3, 1)),
    "Y": ("float", (3, 1)),
    "W1": ("float", (4, 3)),
    "b1": ("float", (4, 1)),
    "W2": ("float", (2, 4)),
    "b2": ("float", (2, 1)),
    "W3": ("float", (3, 2)),
    "b3": ("float", (3, 1)),
}
_LABELS = {  # the axes that they point into
}


class Gradients(NamedTuple):
    """The derivative of loss by every entry of each parameter."""

    W1: np.ndarray  # (4, 3)
    b1: np.ndarray  # (4, 1)
    W2: np.ndarray  # (2, 4)
    b2: np.ndarray  # (2, 1)
    W3: np.ndarray  # (3, 2)
    b3: np.ndarray  # (3, 1)


def _empty(shape, dtype):
    """An array that begins at a cache line, where that matters."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size < 4096:
        return np.empty(shape, dtype)
    room = np.empty(size + 64, np.uint8)
    start = -room.__array_interface__["data"][0] % 64
    return np.ndarray(shape, dtype, room, start)


class Workspace:
    """Memory for what the functions compute, results included: they last until the next call."""

    def __init__(self, dtype=_DTYPE, _empty=_empty):
        self._dtype = dtype = np.dtype(dtype)
        self._sizes = ()
        self.z1 = _empty((4, 1), dtype)
        self.z2 = _empty((2, 1), dtype)
        self.z3 = _empty((3, 1), dtype)
        self.a3 = _empty((3, 1), dtype)
        self.mask = _empty((3, 1), np.bool_)
        self.t_2 = self.z3
        self.t_3 = _empty((3, 1), dtype)
        self.dW3 = _empty((3, 2), dtype)
        self.db3 = self.t_3
        self.da2 = self.z3.reshape(-1)[:2].reshape(2, 1)
        self.mask_2 = self.mask.reshape(-1)[:2].reshape(2, 1)
        self.dW2 = _empty((2, 4), dtype)
        self.da1 = _empty((4, 1), dtype)
        self.mask_3 = _empty((4, 1), np.bool_)
        self.dW1 = _empty((4, 3), dtype)
        self.db1 = self.z1


def loss(X, Y, W1, b1, W2, b2, W3, b3, workspace=None):
    """loss = -Σ_j Y[j] log(a3[j])"""
    X, Y, W1, b1, W2, b2, W3, b3, ws = _ready(workspace, X, Y, W1, b1, W2, b2, W3, b3)
    # z1[i] = Σ_j W1[i,j] X[j] + b1[i]  (4, 1)
    z1 = W1.dot(X, out=ws.z1)
    z1 += b1
    # a1[i] = relu(z1[i])  (4, 1)
    a1 = np.maximum(z1, 0, out=z1)
    # z2[k] = Σ_i W2[k,i] a1[i] + b2[k]  (2, 1)
    z2 = W2.dot(a1, out=ws.z2)
    z2 += b2
    # a2[k] = relu(z2[k])  (2, 1)
    a2 = np.maximum(z2, 0, out=z2)
    # z3[j] = Σ_k W3[j,k] a2[k] + b3[j]  (3, 1)
    z3 = W3.dot(a2, out=ws.z3)
    z3 += b3
    e = np.subtract(z3, z3.max(), out=z3)  # (3, 1)
    np.exp(e, out=e)  # (3, 1)
    t = np.divide(e, e.sum(), out=e)  # (3, 1)
    # a3[j] = softmax(z3)[j]  (3, 1)
    a3 = np.round(t, 1, out=ws.a3)
    mask = np.equal(Y, 0, out=ws.mask)  # (3, 1)
    t_2 = ws.t_2
    t_2[...] = a3
    np.copyto(t_2, 1, where=mask)  # (3, 1)
    t_3 = np.log(t_2, out=ws.t_3)  # (3, 1)
    # loss = -Σ_j Y[j] log(a3[j])
    loss = -np.vdot(Y, t_3)
    return loss


def gradients(X, Y, W1, b1, W2, b2, W3, b3, workspace=None):
    """The derivatives of loss by the parameters."""
    X, Y, W1, b1, W2, b2, W3, b3, ws = _ready(workspace, X, Y, W1, b1, W2, b2, W3, b3)
    # z1[i] = Σ_j W1[i,j] X[j] + b1[i]  (4, 1)
    z1 = W1.dot(X, out=ws.z1)
    z1 += b1
    # a1[i] = relu(z1[i])  (4, 1)
    a1 = np.maximum(z1, 0, out=z1)
    # z2[k] = Σ_i W2[k,i] a1[i] + b2[k]  (2, 1)
    z2 = W2.dot(a1, out=ws.z2)
    z2 += b2
    # a2[k] = relu(z2[k])  (2, 1)
    a2 = np.maximum(z2, 0, out=z2)
    # z3[j] = Σ_k W3[j,k] a2[k] + b3[j]  (3, 1)
    z3 = W3.dot(a2, out=ws.z3)
    z3 += b3
    e = np.subtract(z3, z3.max(), out=z3)  # (3, 1)
    np.exp(e, out=e)  # (3, 1)
    t = np.divide(e, e.sum(), out=e)  # (3, 1)
    # a3[j] = softmax(z3)[j]  (3, 1)
    a3 = np.round(t, 1, out=ws.a3)
    mask = np.equal(Y, 0, out=ws.mask)  # (3, 1)
    t_2 = ws.t_2
    t_2[...] = a3
    np.copyto(t_2, 1, where=mask)  # (3, 1)
    # da3[j] = -Y[j]/a3[j]  (3, 1)
    da3 = np.divide(Y, t_2, out=t_2)
    np.negative(da3, out=da3)
    t_4 = np.subtract(da3, np.vdot(a3, da3), out=da3)  # (3, 1)
    # dz3[j] = a3[j] (da3[j] - Σ_l da3[l] a3[l])  (3, 1)
    dz3 = np.multiply(a3, t_4, out=a3)
    # dW3[j,k] = dz3[j] a2[k]  (3, 2)
    dW3 = dz3.dot(a2.T, out=ws.dW3)
    # db3[j] = dz3[j]  (3, 1)
    db3 = ws.db3
    db3[...] = dz3
    # da2[k] = Σ_j dz3[j] W3[j,k]  (2, 1)
    da2 = W3.T.dot(dz3, out=ws.da2)
    mask_2 = np.greater(a2, 0, out=ws.mask_2)  # (2, 1)
    # dz2[k] = da2[k] [z2[k] > 0]  (2, 1)
    dz2 = np.multiply(da2, mask_2, out=da2)
    # dW2[k,i] = dz2[k] a1[i]  (2, 4)
    dW2 = dz2.dot(a1.T, out=ws.dW2)
    # db2[k] = dz2[k]  (2, 1)
    db2 = dz2
    # da1[i] = Σ_k dz2[k] W2[k,i]  (4, 1)
    da1 = W2.T.dot(dz2, out=ws.da1)
    mask_3 = np.greater(a1, 0, out=ws.mask_3)  # (4, 1)
    # dz1[i] = da1[i] [z1[i] > 0]  (4, 1)
    dz1 = np.multiply(da1, mask_3, out=da1)
    # dW1[i,j] = dz1[i] X[j]  (4, 3)
    dW1 = dz1.dot(X.T, out=ws.dW1)
    # db1[i] = dz1[i]  (4, 1)
    db1 = ws.db1
    db1[...] = dz1
    return Gradients(dW1, db1, dW2, db2, dW3, db3)


def loss_and_gradients(X, Y, W1, b1, W2, b2, W3, b3, workspace=None):
    """The value of loss, and its derivatives by the parameters."""
    X, Y, W1, b1, W2, b2, W3, b3, ws = _ready(workspace, X, Y, W1, b1, W2, b2, W3, b3)
    # z1[i] = Σ_j W1[i,j] X[j] + b1[i]  (4, 1)
    z1 = W1.dot(X, out=ws.z1)
    z1 += b1
    # a1[i] = relu(z1[i])  (4, 1)
    a1 = np.maximum(z1, 0, out=z1)
    # z2[k] = Σ_i W2[k,i] a1[i] + b2[k]  (2, 1)
    z2 = W2.dot(a1, out=ws.z2)
    z2 += b2
    # a2[k] = relu(z2[k])  (2, 1)
    a2 = np.maximum(z2, 0, out=z2)
    # z3[j] = Σ_k W3[j,k] a2[k] + b3[j]  (3, 1)
    z3 = W3.dot(a2, out=ws.z3)
    z3 += b3
    e = np.subtract(z3, z3.max(), out=z3)  # (3, 1)
    np.exp(e, out=e)  # (3, 1)
    t = np.divide(e, e.sum(), out=e)  # (3, 1)
    # a3[j] = softmax(z3)[j]  (3, 1)
    a3 = np.round(t, 1, out=ws.a3)
    mask = np.equal(Y, 0, out=ws.mask)  # (3, 1)
    t_2 = ws.t_2
    t_2[...] = a3
    np.copyto(t_2, 1, where=mask)  # (3, 1)
    t_3 = np.log(t_2, out=ws.t_3)  # (3, 1)
    # loss = -Σ_j Y[j] log(a3[j])
    loss = -np.vdot(Y, t_3)
    # da3[j] = -Y[j]/a3[j]  (3, 1)
    da3 = np.divide(Y, t_2, out=t_2)
    np.negative(da3, out=da3)
    t_4 = np.subtract(da3, np.vdot(a3, da3), out=da3)  # (3, 1)
    # dz3[j] = a3[j] (da3[j] - Σ_l da3[l] a3[l])  (3, 1)
    dz3 = np.multiply(a3, t_4, out=a3)
    # dW3[j,k] = dz3[j] a2[k]  (3, 2)
    dW3 = dz3.dot(a2.T, out=ws.dW3)
    # db3[j] = dz3[j]  (3, 1)
    db3 = ws.db3
    db3[...] = dz3
    # da2[k] = Σ_j dz3[j] W3[j,k]  (2, 1)
    da2 = W3.T.dot(dz3, out=ws.da2)
    mask_2 = np.greater(a2, 0, out=ws.mask_2)  # (2, 1)
    # dz2[k] = da2[k] [z2[k] > 0]  (2, 1)
    dz2 = np.multiply(da2, mask_2, out=da2)
    # dW2[k,i] = dz2[k] a1[i]  (2, 4)
    dW2 = dz2.dot(a1.T, out=ws.dW2)
    # db2[k] = dz2[k]  (2, 1)
    db2 = dz2
    # da1[i] = Σ_k dz2[k] W2[k,i]  (4, 1)
    da1 = W2.T.dot(dz2, out=ws.da1)
    mask_3 = np.greater(a1, 0, out=ws.mask_3)  # (4, 1)
    # dz1[i] = da1[i] [z1[i] > 0]  (4, 1)
    dz1 = np.multiply(da1, mask_3, out=da1)
    # dW1[i,j] = dz1[i] X[j]  (4, 3)
    dW1 = dz1.dot(X.T, out=ws.dW1)
    # db1[i] = dz1[i]  (4, 1)
    db1 = ws.db1
    db1[...] = dz1
    return loss, Gradients(dW1, db1, dW2, db2, dW3, db3)


def _values(X, Y, W1, b1, W2, b2, W3, b3):
    """What is compared below."""
    X, Y, W1, b1, W2, b2, W3, b3 = _checked(X, Y, W1, b1, W2, b2, W3, b3)
    # z1[i] = Σ_j W1[i,j] X[j] + b1[i]  (4, 1)
    z1 = W1 @ X + b1
    # a1[i] = relu(z1[i])  (4, 1)
    a1 = np.maximum(z1, 0)
    # z2[k] = Σ_i W2[k,i] a1[i] + b2[k]  (2, 1)
    z2 = W2 @ a1 + b2
    # a2[k] = relu(z2[k])  (2, 1)
    a2 = np.maximum(z2, 0)
    # z3[j] = Σ_k W3[j,k] a2[k] + b3[j]  (3, 1)
    z3 = W3 @ a2 + b3
    e = np.exp(z3 - z3.max())  # (3, 1)
    # a3[j] = softmax(z3)[j]  (3, 1)
    a3 = np.round(e / e.sum(), 1)
    # da3[j] = -Y[j]/a3[j]  (3, 1)
    da3 = -Y / np.where(Y == 0, 1, a3)
    # dz3[j] = a3[j] (da3[j] - Σ_l da3[l] a3[l])  (3, 1)
    dz3 = a3 * (da3 - np.sum(a3 * da3))
    # da2[k] = Σ_j dz3[j] W3[j,k]  (2, 1)
    da2 = W3.T @ dz3
    # dz2[k] = da2[k] [z2[k] > 0]  (2, 1)
    dz2 = da2 * (a2 > 0)
    # da1[i] = Σ_k dz2[k] W2[k,i]  (4, 1)
    da1 = W2.T @ dz2
    # dz1[i] = da1[i] [z1[i] > 0]  (4, 1)
    dz1 = da1 * (a1 > 0)
    return {"z1": z1, "a1": a1, "z2": z2, "a2": a2, "a3": a3, "dz3": dz3, "da2": da2, "da1": da1, "dz1": dz1}


def check_assumptions(Y):
    """ValueError where an argument is not what is assumed of it, up to the rounding of its dtype."""
    arrays, sizes = {"Y": Y}, {}
    for name, value in arrays.items():
        kind, shape = _ARGUMENTS[name]
        arrays[name] = array = _array(name, value)
        _check_kind(name, array.dtype, kind)
        _check_shape(name, array.shape, shape, sizes)
    for name, check, axis, assumed in _ASSUMED:
        array = arrays[name]
        dtype = np.dtype(array.dtype if array.dtype.kind == "f" else float)
        length = array.size if axis is None else array.shape[axis]
        tolerance = 8 * length * float(np.finfo(dtype).eps)
        with np.errstate(all="ignore"):
            for text, found, fits in check(array.astype(np.float64), axis, tolerance):
                if wrong := _first_wrong(array.shape, found, fits):
                    what = text.format(name=name, at=wrong[0]).replace("[]", "")
                    told = f"{name}: expected that {assumed}; got {what} = {wrong[1]}"
                    raise ValueError(f"{told} (tolerance {tolerance:.1e} in {dtype})")


def _first_wrong(shape, found, fits):
    """Where it is, and what; ``:`` stands for an axis over which it is a sum.  None if all fit."""
    for first in np.argwhere(~(fits & np.isfinite(found))).tolist():
        places = zip(first, shape, found.shape)
        at = ", ".join(":" if n != m else str(k) for k, n, m in places)
        return at, float(found[tuple(first)])


def _one_hot(x, axis, tolerance):
    """Entries, and their sums."""
    yield "{name}[{at}]", x, np.minimum(np.abs(x), np.abs(x - 1)) <= tolerance
    yield from _sums_to_one(x, axis, tolerance)


def _sums_to_one(x, axis, tolerance):
    """Sums, which are as exact as their largest terms."""
    total, size = x.sum(axis, keepdims=True), np.abs(x).sum(axis, keepdims=True)
    yield "the sum of {name}[{at}]", total, np.abs(total - 1) <= tolerance * size


_ASSUMED = [  # of what, how it is checked, along which axis, in words
    ("Y", _one_hot, 0, "Y is one-hot along axis 0: its entries there are 0 and 1 and sum to 1"),
]


def bind(X, Y, W1, b1, W2, b2, W3, b3, workspace=None):
    """A function of no arguments: loss and gradients of what is now in these arrays.

    The arrays are not checked again; results are valid until the next call.
    """
    return _bound(workspace, (X, Y, W1, b1, W2, b2, W3, b3))


def _bound(workspace, given):
    """The function that bind() gives."""
    *arrays, workspace = _ready(workspace, *given)
    copies = [name for name, a, b in zip(_ARGUMENTS, arrays, given) if a is not b]
    if copies:
        raise ValueError(f"{', '.join(copies)}: expected an array of {workspace._dtype} to keep")
    return functools.partial(loss_and_gradients, *arrays, workspace=_Bound(workspace))


class _Bound:
    """A workspace for arrays that are known to fit."""

    def __init__(self, workspace):
        self.__dict__.update(workspace.__dict__)


_ARRAYS = {np.ndarray}
_FLOATS = {np.dtype("float64")}, {np.dtype("float32")}
_shape, _dtype_of = operator.attrgetter("shape"), operator.attrgetter("dtype")


def _fit(given):
    """Whether the arguments are just the arrays that are wanted: nothing has to be converted."""
    shapes = [(3, 1), (3, 1), (4, 3), (4, 1), (2, 4), (2, 1), (3, 2), (3, 1)]
    return (
        {*map(type, given)} == _ARRAYS
        and [*map(_shape, given)] == shapes
        and {*map(_dtype_of, given)} in _FLOATS
    )


def _ready(workspace, *given):
    """The arguments, checked, and a workspace of their sizes."""
    if type(workspace) is _Bound:
        return *given, workspace
    arrays = given if _fit(given) else _checked(*given)
    sizes = ()
    dtype = arrays[0].dtype
    if workspace is None:
        workspace = Workspace(*sizes, dtype, np.empty)
    elif (workspace._sizes, workspace._dtype) != (sizes, dtype):
        found, room = [*sizes, dtype.name], [*workspace._sizes, workspace._dtype.name]
        raise ValueError(f"the workspace is for {room}, the arguments are of {found}")
    return *arrays, workspace


def _checked(*given):
    """The arguments as arrays of one dtype; ValueError where one does not fit."""
    arrays = {name: _array(name, value) for name, value in zip(_ARGUMENTS, given)}
    dtype, sizes = _dtype(given), {}
    for name, (kind, shape) in _ARGUMENTS.items():
        array = arrays[name]
        _check_kind(name, array.dtype, kind)
        _check_shape(name, array.shape, shape, sizes)
        if kind == "float":
            arrays[name] = array.astype(dtype, copy=False)
    for name, limits in _LABELS.items():
        limit = min(sizes.get(size, (size,))[0] for size in limits)
        labels = arrays[name]
        if labels.size and not 0 <= labels.min() <= labels.max() < limit:
            bad = labels.min() if labels.min() < 0 else labels.max()
            raise ValueError(f"{name}: expected labels from 0 to {limit - 1}, got {bad}")
    return list(arrays.values())


def _array(name, value):
    if isinstance(value, np.ma.MaskedArray):
        raise ValueError(f"{name}: expected an array, got a masked one")
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name}: expected an array, got {error}") from None


def _dtype(given):
    """float64 where an argument is an array of it, else float32 where one is of that."""
    floats = {}
    for (name, (kind, _)), value in zip(_ARGUMENTS.items(), given):
        found = getattr(value, "dtype", None)
        if kind == "float" and isinstance(found, np.dtype) and found.kind == "f":
            floats[name] = found
    for name, found in floats.items():
        if found not in (np.float32, np.float64):
            raise ValueError(f"{name}: expected dtype float32 or float64, got {found}")
    return np.result_type(*floats.values()) if floats else np.dtype(_DTYPE)


def _check_kind(name, found, kind):
    if found.kind not in {"float": "fiub", "int": "iu", "bool": "b"}[kind]:
        raise ValueError(f"{name}: expected dtype {kind}, got {found}")


def _check_shape(name, found, shape, sizes):
    """Compare a shape with the expected one; a named size is what its first array has."""
    told = f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
    if len(found) != len(shape):
        raise ValueError(f"{name}: expected shape {told}, got {found}")
    for size, expected in zip(found, shape):
        number, why = expected, ""
        if isinstance(expected, str):
            number, first = sizes.setdefault(expected, (size, name))
            why = f" with {expected} = {number} as in {first}"
        if size != number:
            raise ValueError(f"{name}: expected shape {told}{why}, got {found}")


# The check of this file, when it is run

_SIZES = {}  # of a random point
_SAMPLES = {  # what random numbers have to keep, and along which axis
    "Y": ("one_hot", 0),
}
_EXAMPLE = {
    "X": [[2], [1], [3]],
    "Y": [[0], [1], [0]],
    "W1": [[1, -1, 1], [1, 1, 0], [0, 1, 1], [1, 0, 1]],
    "b1": [[-5], [0], [1], [-2]],
    "W2": [[1, -1, 1, 0], [0, 1, -1, 1]],
    "b2": [[0], [3]],
    "W3": [[2, 0], [0, 2], [1, 1]],
    "b3": [[-1], [-5], [-7]],
}  # where the spec has an example
_EXPECTED = [  # what the spec calls it, the value, transposed, numbers
    ("z1", "z1", False, [[-1], [3], [5], [3]]),
    ("a1", "a1", False, [[0], [3], [5], [3]]),
    ("z2", "z2", False, [[2], [4]]),
    ("a2", "a2", False, [[2], [4]]),
    ("a3", "a3", False, [[0.5], [0.5], [0]]),
    ("dL_dz3", "dz3", False, [[0.5], [-0.5], [0]]),
    ("dL_dW3.T", "dW3", True, [[1, -1, 0], [2, -2, 0]]),
    ("dL_db3.T", "db3", True, [[0.5, -0.5, 0]]),
    ("dL_da2", "da2", False, [[1], [-1]]),
    ("dL_db2", "db2", False, [[1], [-1]]),
    ("dL_dW2.T", "dW2", True, [[0, 0], [3, -3], [5, -5], [3, -3]]),
    ("dL_da1", "da1", False, [[1], [-2], [2], [-1]]),
    ("dL_dz1.T", "dz1", True, [[0, -2, 2, -1]]),
    ("dL_db1.T", "db1", True, [[0, -2, 2, -1]]),
    ("dL_dW1.T", "dW1", True, [[0, -4, 4, -2], [0, -2, 2, -1], [0, -6, 6, -3]]),
]
_TOLERANCE = 0.0


def _self_check():
    """Whether the gradients are right; prints what was compared.  The exit code."""
    point = _point()
    if point is None:
        print("FAILED: no point found at which the loss and its gradients are finite")
        return 1
    if _EXAMPLE:
        try:
            check_assumptions(Y=point["Y"])
        except ValueError as error:
            print(f"FAILED: {error}")
            return 1
    rows = [*_same_numbers(point), *_differences(point), *_expected_numbers(point)]
    print(f"{'check':<48} {'error':>9}")
    for label, error, allowed in rows:
        print(f"{label:<48} {error:>9.1e}  {'ok' if error <= allowed else 'FAILED'}")
    print("no differences: a3 is held rounded")
    return int(any(not error <= allowed for _, error, allowed in rows))


def _point():
    """The example, else a random point at which all is finite and every gradient is felt."""
    if _EXAMPLE:
        kinds = {name: _DTYPES[_ARGUMENTS[name][0]] for name in _EXAMPLE}
        return {name: np.array(value, kinds[name]) for name, value in _EXAMPLE.items()}
    finite = None
    for seed in range(20):
        point = _random_point(np.random.default_rng(seed), positive=seed % 4 == 3)
        with np.errstate(all="ignore"):
            value, found = loss_and_gradients(**point)
        if np.isfinite(value).all() and all(np.isfinite(g).all() for g in found):
            finite = point
            if all(np.any(g) for g in found):
                break
    return finite


_DTYPES = {"float": np.float64, "int": np.int64, "bool": np.bool_}


def _random_point(rng, positive):
    point = {}
    for name, (kind, shape) in _ARGUMENTS.items():
        shape = tuple(_SIZES.get(size, size) for size in shape)
        how, axis = _SAMPLES.get(name, ("positive" if positive else "normal", 0))
        if kind == "int":
            limit = min(_SIZES.get(size, size) for size in _LABELS.get(name, (3,)))
            point[name] = rng.integers(0, limit, shape)
        elif kind == "bool":
            point[name] = rng.random(shape) < 0.5
        else:
            point[name] = _sample(rng, shape, how, axis)
    return point


def _sample(rng, shape, how, axis):
    """Random numbers that keep what the spec assumes of an argument."""
    if how in ("one_hot", "sums_to_one"):
        numbers = rng.random(shape) + 0.1
        if how == "one_hot":
            numbers = (numbers == numbers.max(axis, keepdims=True)).astype(float)
        return numbers / numbers.sum(axis, keepdims=True)
    if how == "positive":
        return rng.random(shape) + 0.5
    numbers = rng.standard_normal(shape)
    if how == "orthogonal":
        return np.linalg.qr(numbers)[0]
    if how == "unit_norm":
        return numbers / np.sqrt(np.square(numbers).sum(axis, keepdims=True))
    if len(shape) > 1:
        numbers /= max(shape) ** 0.5
    return (numbers + np.swapaxes(numbers, -1, -2)) / 2 if how == "symmetric" else numbers


def _same_numbers(point):
    """loss() and gradients() alone give what loss_and_gradients() gives."""
    value, found = loss_and_gradients(**point)
    yield "loss() and loss_and_gradients()", _relative(loss(**point), value), 1e-12
    for name, a, b in zip(Gradients._fields, gradients(**point), found):
        yield f"{name}: gradients() and loss_and_gradients()", _relative(a, b), 1e-12


def _differences(point):
    """Each gradient along a random direction, and central differences of the loss."""
    return
    rng = np.random.default_rng(0)
    point = dict(point)
    for name in Gradients._fields:  # off the kinks on which an example may lie
        if name in point and _SAMPLES.get(name, ("normal",))[0] == "normal":
            point[name] = point[name] + 1e-3 * rng.standard_normal(np.shape(point[name]))
    value, found = loss_and_gradients(**point)
    for name, gradient in found._asdict().items():
        if name not in point:  # a value on the way
            continue
        shape = np.shape(point[name])
        if np.shape(gradient) != np.shape(value) + shape:
            yield f"{name}: shape {np.shape(gradient)}, not {np.shape(value) + shape}", np.inf, 0.0
            continue
        direction = rng.standard_normal(shape)
        if _SAMPLES.get(name, ("",))[0] == "symmetric":
            direction = direction + np.swapaxes(direction, -1, -2)
        direction = direction / max(1.0, np.sqrt(np.sum(direction**2)))
        exact = np.tensordot(gradient, direction, direction.ndim)
        error, scale = _apart(point, {name: direction}, value, exact)
        yield f"dloss/d{name}: gradient and differences", error / scale, 1e-6


def _apart(point, directions, value, exact):
    """How far a slope is from differences, and the size of the numbers."""
    slopes = [_slope(point, directions, h) for h in (1e-4, 1e-5, 1e-6)]
    error = min(np.max(np.abs(exact - slope)) for slope in slopes)
    return error, np.max(np.abs(exact)) + 1e-3 * (1.0 + np.max(np.abs(value)))


def _slope(point, directions, h):
    ahead = loss(**(point | {name: point[name] + h * v for name, v in directions.items()}))
    behind = loss(**(point | {name: point[name] - h * v for name, v in directions.items()}))
    return (ahead - behind) / (2 * h)


def _expected_numbers(point):
    """The numbers that the spec expects at its example point."""
    if not _EXPECTED:
        return
    value, found = loss_and_gradients(**point)
    values = {
        "loss": value,
        "dW1": found.W1,
        "db1": found.b1,
        "dW2": found.W2,
        "db2": found.b2,
        "dW3": found.W3,
        "db3": found.b3,
        "z1": _values(**point)["z1"],
        "a1": _values(**point)["a1"],
        "z2": _values(**point)["z2"],
        "a2": _values(**point)["a2"],
        "a3": _values(**point)["a3"],
        "dz3": _values(**point)["dz3"],
        "da2": _values(**point)["da2"],
        "da1": _values(**point)["da1"],
        "dz1": _values(**point)["dz1"],
    }
    for label, name, transposed, expected in _EXPECTED:
        shown = values[name].T if transposed else values[name]
        yield f"{label}: as expected", _error(shown, np.array(expected)), _TOLERANCE


def _error(found, expected):
    """The largest difference; infinite where the shapes differ."""
    if np.shape(found) != np.shape(expected):
        return np.inf
    return float(np.max(np.abs(np.subtract(found, expected)), initial=0.0))


def _relative(found, expected):
    return _error(found, expected) / (1.0 + float(np.max(np.abs(expected), initial=0.0)))


if __name__ == "__main__":
    raise SystemExit(_self_check())
