"""One sample through a 3-4-2-3 network, its numbers compared with those of a hand-made example.

Arguments:
    X   (3, 1)
    Y   (3, 1), one hot along axis 0
    W1  (4, 3)
    b1  (4, 1)
    W2  (2, 4)
    b2  (2, 1)
    W3  (3, 2)
    b3  (3, 1)

    loss = -Σ_j Y[j] (z3[j] - log Σ_l exp(z3[l]))

Gradients:
    W1  (4, 3)  dW1[i,j] = dz1[i] X[j]
    b1  (4, 1)  db1[i] = dz1[i]
    W2  (2, 4)  dW2[k,i] = dz2[k] a1[i]
    b2  (2, 1)  db2[k] = dz2[k]
    W3  (3, 2)  dW3[j,k] = dz3[j] a2[k]
    b3  (3, 1)  db3[j] = dz3[j]

Relu'(0) = 0.

Loss and gradients together, as if no cache held anything:
    operations on numbers  188
    bytes moved, float64   1,812
    bytes moved, float32   912
    workspace, float64     342 bytes
    workspace, float32     174 bytes
"""

import functools
import math
import operator
import struct
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


class Workspace:
    """Memory for what the functions compute, results included: they last until the next call."""

    def __init__(self, dtype=_DTYPE):
        self._dtype = dtype = np.dtype(dtype)
        self._sizes = {}
        self.z1 = _empty((4, 1), dtype)
        self.z2 = _empty((2, 1), dtype)
        self.z3 = _empty((3, 1), dtype)
        self.e = _empty((3, 1), dtype)
        self.dW3 = _empty((3, 2), dtype)
        self.da2 = self.z3.reshape(-1)[:2].reshape(2, 1)
        self.mask = _empty((2, 1), np.bool_)
        self.dW2 = _empty((2, 4), dtype)
        self.da1 = _empty((4, 1), dtype)
        self.mask_2 = _empty((4, 1), np.bool_)
        self.dW1 = _empty((4, 3), dtype)
        shapes = [shape for _, shape in _ARGUMENTS.values()]
        self._shapes = [tuple(self._sizes.get(size, size) for size in shape) for shape in shapes]

    def _fits(self, given):
        """Whether the arguments are just the arrays that this workspace is for."""
        return (
            {*map(type, given)} == _ARRAYS
            and list(map(_shape, given)) == self._shapes
            and {*map(_dtype_of, given)} == {self._dtype}
        )


def loss(X, Y, W1, b1, W2, b2, W3, b3, workspace=None):
    """loss = -Σ_j Y[j] (z3[j] - log Σ_l exp(z3[l]))"""
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
    shifted = np.subtract(z3, z3.max(), out=z3)  # (3, 1)
    e = np.exp(shifted, out=ws.e)  # (3, 1)
    s = e.sum()
    t = np.subtract(shifted, np.log(s), out=shifted)  # (3, 1)
    # loss = -Σ_j Y[j] (z3[j] - log Σ_l exp(z3[l]))
    loss = -np.vdot(Y, t)
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
    shifted = np.subtract(z3, z3.max(), out=z3)  # (3, 1)
    e = np.exp(shifted, out=ws.e)  # (3, 1)
    s = e.sum()
    # a3[j] = softmax(z3)[j]  (3, 1)
    a3 = np.divide(e, s, out=e)
    # dz3[j] = a3[j] - Y[j]  (3, 1)
    dz3 = np.subtract(a3, Y, out=a3)
    # dW3[j,k] = dz3[j] a2[k]  (3, 2)
    dW3 = dz3.dot(a2.T, out=ws.dW3)
    # db3[j] = dz3[j]  (3, 1)
    db3 = dz3
    # da2[k] = Σ_j dz3[j] W3[j,k]  (2, 1)
    da2 = W3.T.dot(dz3, out=ws.da2)
    mask = np.greater(a2, 0, out=ws.mask)  # (2, 1)
    # dz2[k] = da2[k] [z2[k] > 0]  (2, 1)
    dz2 = np.multiply(da2, mask, out=da2)
    # dW2[k,i] = dz2[k] a1[i]  (2, 4)
    dW2 = dz2.dot(a1.T, out=ws.dW2)
    # db2[k] = dz2[k]  (2, 1)
    db2 = dz2
    # da1[i] = Σ_k dz2[k] W2[k,i]  (4, 1)
    da1 = W2.T.dot(dz2, out=ws.da1)
    mask_2 = np.greater(a1, 0, out=ws.mask_2)  # (4, 1)
    # dz1[i] = da1[i] [z1[i] > 0]  (4, 1)
    dz1 = np.multiply(da1, mask_2, out=da1)
    # dW1[i,j] = dz1[i] X[j]  (4, 3)
    dW1 = dz1.dot(X.T, out=ws.dW1)
    # db1[i] = dz1[i]  (4, 1)
    db1 = dz1
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
    shifted = np.subtract(z3, z3.max(), out=z3)  # (3, 1)
    e = np.exp(shifted, out=ws.e)  # (3, 1)
    s = e.sum()
    # a3[j] = softmax(z3)[j]  (3, 1)
    a3 = np.divide(e, s, out=e)
    t = np.subtract(shifted, np.log(s), out=shifted)  # (3, 1)
    # loss = -Σ_j Y[j] (z3[j] - log Σ_l exp(z3[l]))
    loss = -np.vdot(Y, t)
    # dz3[j] = a3[j] - Y[j]  (3, 1)
    dz3 = np.subtract(a3, Y, out=a3)
    # dW3[j,k] = dz3[j] a2[k]  (3, 2)
    dW3 = dz3.dot(a2.T, out=ws.dW3)
    # db3[j] = dz3[j]  (3, 1)
    db3 = dz3
    # da2[k] = Σ_j dz3[j] W3[j,k]  (2, 1)
    da2 = W3.T.dot(dz3, out=ws.da2)
    mask = np.greater(a2, 0, out=ws.mask)  # (2, 1)
    # dz2[k] = da2[k] [z2[k] > 0]  (2, 1)
    dz2 = np.multiply(da2, mask, out=da2)
    # dW2[k,i] = dz2[k] a1[i]  (2, 4)
    dW2 = dz2.dot(a1.T, out=ws.dW2)
    # db2[k] = dz2[k]  (2, 1)
    db2 = dz2
    # da1[i] = Σ_k dz2[k] W2[k,i]  (4, 1)
    da1 = W2.T.dot(dz2, out=ws.da1)
    mask_2 = np.greater(a1, 0, out=ws.mask_2)  # (4, 1)
    # dz1[i] = da1[i] [z1[i] > 0]  (4, 1)
    dz1 = np.multiply(da1, mask_2, out=da1)
    # dW1[i,j] = dz1[i] X[j]  (4, 3)
    dW1 = dz1.dot(X.T, out=ws.dW1)
    # db1[i] = dz1[i]  (4, 1)
    db1 = dz1
    return loss, Gradients(dW1, db1, dW2, db2, dW3, db3)


def bind(X, Y, W1, b1, W2, b2, W3, b3, workspace=None):
    """A function of no arguments: loss and gradients of what is now in these arrays.

    The arrays are not checked again; results are valid until the next call.
    """
    given = (X, Y, W1, b1, W2, b2, W3, b3)
    *arrays, workspace = _ready(workspace, *given)
    copies = [name for name, a, b in zip(_ARGUMENTS, arrays, given) if a is not b]
    if copies:
        raise ValueError(f"{', '.join(copies)}: expected an array of {workspace._dtype} to keep")
    by_arrays = functools.partial(loss_and_gradients, *arrays, workspace=_Bound(workspace))
    if workspace._dtype != np.float64 or not all(a.flags.c_contiguous for a in arrays):
        return by_arrays
    return _by_entries(by_arrays, *(a.reshape(-1) for a in arrays))


def _by_entries(_by_arrays, X, Y, W1, b1, W2, b2, W3, b3):
    """The same entry by entry: with so few of them, calls of NumPy would take most of the time."""
    _exp = math.exp
    _log = math.log
    _room = np.empty(35)
    _put = struct.Struct("35d").pack_into
    _found = Gradients(
        _room[0:12].reshape((4, 3)),
        _room[12:16].reshape((4, 1)),
        _room[16:24].reshape((2, 4)),
        _room[24:26].reshape((2, 1)),
        _room[26:32].reshape((3, 2)),
        _room[32:35].reshape((3, 1)),
    )

    def loss_and_gradients():
        X_0, X_1, X_2 = X.tolist()
        Y_0, Y_1, Y_2 = Y.tolist()
        W1_0, W1_1, W1_2, W1_3, W1_4, W1_5, W1_6, W1_7, W1_8, W1_9, W1_10, W1_11 = W1.tolist()
        b1_0, b1_1, b1_2, b1_3 = b1.tolist()
        W2_0, W2_1, W2_2, W2_3, W2_4, W2_5, W2_6, W2_7 = W2.tolist()
        b2_0, b2_1 = b2.tolist()
        W3_0, W3_1, W3_2, W3_3, W3_4, W3_5 = W3.tolist()
        b3_0, b3_1, b3_2 = b3.tolist()
        try:
            t_0 = W1_0 * X_0 + W1_1 * X_1 + W1_2 * X_2
            t_1 = W1_3 * X_0 + W1_4 * X_1 + W1_5 * X_2
            t_2 = W1_6 * X_0 + W1_7 * X_1 + W1_8 * X_2
            t_3 = W1_9 * X_0 + W1_10 * X_1 + W1_11 * X_2
            # z1[i] = Σ_j W1[i,j] X[j] + b1[i]
            z1_0 = t_0 + b1_0
            z1_1 = t_1 + b1_1
            z1_2 = t_2 + b1_2
            z1_3 = t_3 + b1_3
            # a1[i] = relu(z1[i])
            a1_0 = 0.0 if z1_0 <= 0.0 else z1_0
            a1_1 = 0.0 if z1_1 <= 0.0 else z1_1
            a1_2 = 0.0 if z1_2 <= 0.0 else z1_2
            a1_3 = 0.0 if z1_3 <= 0.0 else z1_3
            t_0_2 = W2_0 * a1_0 + W2_1 * a1_1 + W2_2 * a1_2 + W2_3 * a1_3
            t_1_2 = W2_4 * a1_0 + W2_5 * a1_1 + W2_6 * a1_2 + W2_7 * a1_3
            # z2[k] = Σ_i W2[k,i] a1[i] + b2[k]
            z2_0 = t_0_2 + b2_0
            z2_1 = t_1_2 + b2_1
            # a2[k] = relu(z2[k])
            a2_0 = 0.0 if z2_0 <= 0.0 else z2_0
            a2_1 = 0.0 if z2_1 <= 0.0 else z2_1
            t_0_3 = W3_0 * a2_0 + W3_1 * a2_1
            t_1_3 = W3_2 * a2_0 + W3_3 * a2_1
            t_2_2 = W3_4 * a2_0 + W3_5 * a2_1
            # z3[j] = Σ_k W3[j,k] a2[k] + b3[j]
            z3_0 = t_0_3 + b3_0
            z3_1 = t_1_3 + b3_1
            z3_2 = t_2_2 + b3_2
            m = max(z3_0, z3_1, z3_2)
            shifted_0 = z3_0 - m
            shifted_1 = z3_1 - m
            shifted_2 = z3_2 - m
            e_0 = _exp(shifted_0)
            e_1 = _exp(shifted_1)
            e_2 = _exp(shifted_2)
            s = e_0 + e_1 + e_2
            # a3[j] = softmax(z3)[j]
            a3_0 = e_0 / s
            a3_1 = e_1 / s
            a3_2 = e_2 / s
            t = _log(s)
            t_4 = Y_0 * (shifted_0 - t) + Y_1 * (shifted_1 - t) + Y_2 * (shifted_2 - t)
            # loss = -Σ_j Y[j] (z3[j] - log Σ_l exp(z3[l]))
            loss = -t_4
            # dz3[j] = a3[j] - Y[j]
            dz3_0 = a3_0 - Y_0
            dz3_1 = a3_1 - Y_1
            dz3_2 = a3_2 - Y_2
            # dW3[j,k] = dz3[j] a2[k]
            dW3_0 = dz3_0 * a2_0
            dW3_1 = dz3_0 * a2_1
            dW3_2 = dz3_1 * a2_0
            dW3_3 = dz3_1 * a2_1
            dW3_4 = dz3_2 * a2_0
            dW3_5 = dz3_2 * a2_1
            # da2[k] = Σ_j dz3[j] W3[j,k]
            da2_0 = W3_0 * dz3_0 + W3_2 * dz3_1 + W3_4 * dz3_2
            da2_1 = W3_1 * dz3_0 + W3_3 * dz3_1 + W3_5 * dz3_2
            # dz2[k] = da2[k] [z2[k] > 0]
            dz2_0 = da2_0 * (a2_0 > 0.0)
            dz2_1 = da2_1 * (a2_1 > 0.0)
            # dW2[k,i] = dz2[k] a1[i]
            dW2_0 = dz2_0 * a1_0
            dW2_1 = dz2_0 * a1_1
            dW2_2 = dz2_0 * a1_2
            dW2_3 = dz2_0 * a1_3
            dW2_4 = dz2_1 * a1_0
            dW2_5 = dz2_1 * a1_1
            dW2_6 = dz2_1 * a1_2
            dW2_7 = dz2_1 * a1_3
            # da1[i] = Σ_k dz2[k] W2[k,i]
            da1_0 = W2_0 * dz2_0 + W2_4 * dz2_1
            da1_1 = W2_1 * dz2_0 + W2_5 * dz2_1
            da1_2 = W2_2 * dz2_0 + W2_6 * dz2_1
            da1_3 = W2_3 * dz2_0 + W2_7 * dz2_1
            # dz1[i] = da1[i] [z1[i] > 0]
            dz1_0 = da1_0 * (a1_0 > 0.0)
            dz1_1 = da1_1 * (a1_1 > 0.0)
            dz1_2 = da1_2 * (a1_2 > 0.0)
            dz1_3 = da1_3 * (a1_3 > 0.0)
            # dW1[i,j] = dz1[i] X[j]
            dW1_0 = dz1_0 * X_0
            dW1_1 = dz1_0 * X_1
            dW1_2 = dz1_0 * X_2
            dW1_3 = dz1_1 * X_0
            dW1_4 = dz1_1 * X_1
            dW1_5 = dz1_1 * X_2
            dW1_6 = dz1_2 * X_0
            dW1_7 = dz1_2 * X_1
            dW1_8 = dz1_2 * X_2
            dW1_9 = dz1_3 * X_0
            dW1_10 = dz1_3 * X_1
            dW1_11 = dz1_3 * X_2
        except (ArithmeticError, ValueError):  # where NumPy goes on with inf and nan
            return _by_arrays()
        _put(
            _room,
            0,
            dW1_0, dW1_1, dW1_2, dW1_3, dW1_4, dW1_5, dW1_6, dW1_7, dW1_8, dW1_9, dW1_10, dW1_11, dz1_0,
            dz1_1, dz1_2, dz1_3, dW2_0, dW2_1, dW2_2, dW2_3, dW2_4, dW2_5, dW2_6, dW2_7, dz2_0, dz2_1,
            dW3_0, dW3_1, dW3_2, dW3_3, dW3_4, dW3_5, dz3_0, dz3_1, dz3_2,
        )
        return loss, _found

    return loss_and_gradients


class _Bound:
    """A workspace for arrays that are known to fit."""

    def __init__(self, workspace):
        self.__dict__.update(workspace.__dict__)


_ARRAYS = {np.ndarray}
_shape, _dtype_of = operator.attrgetter("shape"), operator.attrgetter("dtype")


def _ready(workspace, *given):
    """The arguments, checked, and a workspace of their sizes."""
    if type(workspace) is _Bound or (workspace is not None and workspace._fits(given)):
        return *given, workspace
    arrays = _checked(*given)
    shapes = [shape for _, shape in _ARGUMENTS.values()]
    pairs = [pair for shape, array in zip(shapes, arrays) for pair in zip(shape, array.shape)]
    sizes = {size: number for size, number in pairs if isinstance(size, str)}
    floats = [a for a, (kind, _) in zip(arrays, _ARGUMENTS.values()) if kind == "float"]
    dtype = floats[0].dtype if floats else np.dtype(_DTYPE)
    if workspace is None:
        workspace = Workspace(dtype=dtype)
    elif (workspace._sizes, workspace._dtype) != (sizes, dtype):
        found, room = [*sizes.values(), dtype.name], [*workspace._sizes.values(), workspace._dtype.name]
        raise ValueError(f"the workspace is for {room}, the arguments are of {found}")
    return *arrays, workspace


def _empty(shape, dtype):
    """An array that begins at a cache line, where that matters."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size < 4096:
        return np.empty(shape, dtype)
    room = np.empty(size + 64, np.uint8)
    start = -room.__array_interface__["data"][0] % 64
    return room[start : start + size].view(dtype).reshape(shape)


def _checked(*given):
    """The arguments as arrays of one dtype; ValueError where one does not fit."""
    arrays = {name: _array(name, value) for name, value in zip(_ARGUMENTS, given)}
    dtype, sizes = _dtype(given), {}
    for name, (kind, shape) in _ARGUMENTS.items():
        array = arrays[name]
        wanted = {"float": "fiub", "int": "iu", "bool": "b"}[kind]
        if array.dtype.kind not in wanted:
            raise ValueError(f"{name}: expected dtype {kind}, got {array.dtype}")
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
]
_TOLERANCE = 0.0


def _self_check():
    """Whether the gradients are right; prints what was compared.  The exit code."""
    point = _point()
    if point is None:
        print("FAILED: no point found at which the loss and its gradients are finite")
        return 1
    rows = [*_same_numbers(point), *_differences(point), *_expected_numbers(point)]
    print(f"{'check':<48} {'error':>9}")
    for label, error, allowed in rows:
        print(f"{label:<48} {error:>9.1e}  {'ok' if error <= allowed else 'FAILED'}")
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
        slopes = [_slope(point, name, direction, h) for h in (1e-4, 1e-5, 1e-6)]
        error = min(np.max(np.abs(exact - slope)) for slope in slopes)
        scale = np.max(np.abs(exact)) + 1e-3 * (1.0 + np.max(np.abs(value)))
        yield f"dloss/d{name}: gradient and differences", error / scale, 1e-6


def _slope(point, name, direction, h):
    ahead = loss(**(point | {name: point[name] + h * direction}))
    behind = loss(**(point | {name: point[name] - h * direction}))
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
