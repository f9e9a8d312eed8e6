"""A classifier for batches of any size: rows are samples, labels are integers.

Arguments:
    X   (N, 64)
    y   (N,), int, 0 <= y < 10
    W1  (64, 128)
    b1  (128,)
    W2  (128, 64)
    b2  (64,)
    W3  (64, 10)
    b3  (10,)

    loss = -1/N Σ_n logp[n,y[n]]

Gradients:
    W1  (64, 128)  dW1[j,i] = Σ_n dz1[n,i] X[n,j]
    b1  (128,)  db1[i] = Σ_n dz1[n,i]
    W2  (128, 64)  dW2[i,j] = Σ_n dz2[n,j] a1[n,i]
    b2  (64,)  db2[j] = Σ_n dz2[n,j]
    W3  (64, 10)  dW3[j,k] = Σ_n dz3[n,k] a2[n,j]
    b3  (10,)  db3[k] = Σ_n dz3[n,k]

Relu'(0) = 0.

Loss and gradients together, as if no cache held anything:
    operations on numbers  87,039 N + 2
    bytes moved, float64   23,840 N + 346,392
    bytes moved, float32   12,144 N + 173,196
    workspace, float64     3,448 N + 137,808 bytes
    workspace, float32     1,824 N + 68,904 bytes
"""

import functools
import math
import operator
from typing import NamedTuple

import numpy as np

_DTYPE = np.float64  # what lists and integers become where no argument is an array of floats
_ARGUMENTS = {  # kind, shape
    "X": ("float", ("N", 64)),
    "y": ("int", ("N",)),
    "W1": ("float", (64, 128)),
    "b1": ("float", (128,)),
    "W2": ("float", (128, 64)),
    "b2": ("float", (64,)),
    "W3": ("float", (64, 10)),
    "b3": ("float", (10,)),
}
_LABELS = {  # the axes that they point into
    "y": (10,),
}
_LEAST = {"N": 1}  # what positions and cuts ask of sizes


class Gradients(NamedTuple):
    """The derivative of loss by every entry of each parameter."""

    W1: np.ndarray  # (64, 128)
    b1: np.ndarray  # (128,)
    W2: np.ndarray  # (128, 64)
    b2: np.ndarray  # (64,)
    W3: np.ndarray  # (64, 10)
    b3: np.ndarray  # (10,)


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

    def __init__(self, N, dtype=_DTYPE, _empty=_empty):
        self._dtype = dtype = np.dtype(dtype)
        self._sizes = (N,)
        self.z1 = _empty((N, 128), dtype)
        self.z2 = _empty((N, 64), dtype)
        self.z3 = _empty((N, 10), dtype)
        self.m = _empty((N, 1), dtype)
        self.e = _empty((N, 10), dtype)
        self.ones = np.ones((10, 1), dtype)
        self.t = self.m
        self.t_2 = _empty((N, 1), dtype)
        self.starts = np.arange(N) * 10
        self.places = _empty((N,), np.intp)
        self.picked = self.t_2.reshape(N)
        self.changed = self.t_2.reshape(N)
        self.dW3 = _empty((64, 10), dtype)
        self.ones_2 = np.ones((N,), dtype)
        self.db3 = _empty((10,), dtype)
        self.da2 = _empty((N, 64), dtype)
        self.mask = _empty((N, 64), np.bool_)
        self.dW2 = _empty((128, 64), dtype)
        self.db2 = _empty((64,), dtype)
        self.da1 = _empty((N, 128), dtype)
        self.mask_2 = _empty((N, 128), np.bool_)
        self.dW1 = _empty((64, 128), dtype)
        self.db1 = _empty((128,), dtype)


def loss(X, y, W1, b1, W2, b2, W3, b3, workspace=None):
    """loss = -1/N Σ_n logp[n,y[n]]"""
    X, y, W1, b1, W2, b2, W3, b3, ws = _ready(workspace, X, y, W1, b1, W2, b2, W3, b3)
    N = X.shape[0]
    # z1[n,i] = Σ_j X[n,j] W1[j,i] + b1[i]  (N, 128)
    z1 = np.matmul(X, W1, out=ws.z1)
    z1 += b1
    # a1[n,i] = relu(z1[n,i])  (N, 128)
    a1 = np.maximum(z1, 0, out=z1)
    # z2[n,j] = Σ_i a1[n,i] W2[i,j] + b2[j]  (N, 64)
    z2 = a1.dot(W2, out=ws.z2)
    z2 += b2
    # a2[n,j] = relu(z2[n,j])  (N, 64)
    a2 = np.maximum(z2, 0, out=z2)
    # z3[n,k] = Σ_j a2[n,j] W3[j,k] + b3[k]  (N, 10)
    z3 = a2.dot(W3, out=ws.z3)
    z3 += b3
    m = np.maximum.reduce(z3, axis=1, keepdims=True, out=ws.m)  # (N, 1)
    shifted = np.subtract(z3, m, out=z3)  # (N, 10)
    e = np.exp(shifted, out=ws.e)  # (N, 10)
    t = e.dot(ws.ones, out=ws.t)  # (N, 1)
    t_2 = np.log(t, out=ws.t_2)  # (N, 1)
    # logp[n,k] = z3[n,k] - log Σ_l exp(z3[n,l])  (N, 10)
    logp = np.subtract(shifted, t_2, out=shifted)
    places = np.add(ws.starts, y, out=ws.places)  # (N,)
    picked = logp.take(places, out=ws.picked, mode="clip")  # (N,)
    # loss = -1/N Σ_n logp[n,y[n]]
    loss = -np.add.reduce(picked) / N
    return loss


def gradients(X, y, W1, b1, W2, b2, W3, b3, workspace=None):
    """The derivatives of loss by the parameters."""
    X, y, W1, b1, W2, b2, W3, b3, ws = _ready(workspace, X, y, W1, b1, W2, b2, W3, b3)
    N = X.shape[0]
    # z1[n,i] = Σ_j X[n,j] W1[j,i] + b1[i]  (N, 128)
    z1 = np.matmul(X, W1, out=ws.z1)
    z1 += b1
    # a1[n,i] = relu(z1[n,i])  (N, 128)
    a1 = np.maximum(z1, 0, out=z1)
    # z2[n,j] = Σ_i a1[n,i] W2[i,j] + b2[j]  (N, 64)
    z2 = a1.dot(W2, out=ws.z2)
    z2 += b2
    # a2[n,j] = relu(z2[n,j])  (N, 64)
    a2 = np.maximum(z2, 0, out=z2)
    # z3[n,k] = Σ_j a2[n,j] W3[j,k] + b3[k]  (N, 10)
    z3 = a2.dot(W3, out=ws.z3)
    z3 += b3
    m = np.maximum.reduce(z3, axis=1, keepdims=True, out=ws.m)  # (N, 1)
    shifted = np.subtract(z3, m, out=z3)  # (N, 10)
    e = np.exp(shifted, out=ws.e)  # (N, 10)
    t = e.dot(ws.ones, out=ws.t)  # (N, 1)
    places = np.add(ws.starts, y, out=ws.places)  # (N,)
    dz3 = np.divide(e, t, out=e)  # (N, 10)
    changed = dz3.take(places, out=ws.changed, mode="clip")  # (N,)
    changed -= 1  # (N,)
    # dz3[n,k] = (softmax_k(z3[n,k]) - δ(k, y[n]))/N  (N, 10)
    dz3.put(places, changed)
    dz3 *= 1 / N
    # dW3[j,k] = Σ_n dz3[n,k] a2[n,j]  (64, 10)
    dW3 = a2.T.dot(dz3, out=ws.dW3)
    # db3[k] = Σ_n dz3[n,k]  (10,)
    db3 = ws.ones_2.dot(dz3, out=ws.db3)
    # da2[n,j] = Σ_k dz3[n,k] W3[j,k]  (N, 64)
    da2 = dz3.dot(W3.T, out=ws.da2)
    mask = np.greater(a2, 0, out=ws.mask)  # (N, 64)
    # dz2[n,j] = da2[n,j] [z2[n,j] > 0]  (N, 64)
    dz2 = np.multiply(da2, mask, out=da2)
    # dW2[i,j] = Σ_n dz2[n,j] a1[n,i]  (128, 64)
    dW2 = np.matmul(a1.T, dz2, out=ws.dW2)
    # db2[j] = Σ_n dz2[n,j]  (64,)
    db2 = ws.ones_2.dot(dz2, out=ws.db2)
    # da1[n,i] = Σ_j dz2[n,j] W2[i,j]  (N, 128)
    da1 = np.matmul(dz2, W2.T, out=ws.da1)
    mask_2 = np.greater(a1, 0, out=ws.mask_2)  # (N, 128)
    # dz1[n,i] = da1[n,i] [z1[n,i] > 0]  (N, 128)
    dz1 = np.multiply(da1, mask_2, out=da1)
    # dW1[j,i] = Σ_n dz1[n,i] X[n,j]  (64, 128)
    dW1 = np.matmul(X.T, dz1, out=ws.dW1)
    # db1[i] = Σ_n dz1[n,i]  (128,)
    db1 = ws.ones_2.dot(dz1, out=ws.db1)
    return Gradients(dW1, db1, dW2, db2, dW3, db3)


def loss_and_gradients(X, y, W1, b1, W2, b2, W3, b3, workspace=None):
    """The value of loss, and its derivatives by the parameters."""
    X, y, W1, b1, W2, b2, W3, b3, ws = _ready(workspace, X, y, W1, b1, W2, b2, W3, b3)
    N = X.shape[0]
    # z1[n,i] = Σ_j X[n,j] W1[j,i] + b1[i]  (N, 128)
    z1 = np.matmul(X, W1, out=ws.z1)
    z1 += b1
    # a1[n,i] = relu(z1[n,i])  (N, 128)
    a1 = np.maximum(z1, 0, out=z1)
    # z2[n,j] = Σ_i a1[n,i] W2[i,j] + b2[j]  (N, 64)
    z2 = a1.dot(W2, out=ws.z2)
    z2 += b2
    # a2[n,j] = relu(z2[n,j])  (N, 64)
    a2 = np.maximum(z2, 0, out=z2)
    # z3[n,k] = Σ_j a2[n,j] W3[j,k] + b3[k]  (N, 10)
    z3 = a2.dot(W3, out=ws.z3)
    z3 += b3
    m = np.maximum.reduce(z3, axis=1, keepdims=True, out=ws.m)  # (N, 1)
    shifted = np.subtract(z3, m, out=z3)  # (N, 10)
    e = np.exp(shifted, out=ws.e)  # (N, 10)
    t = e.dot(ws.ones, out=ws.t)  # (N, 1)
    t_2 = np.log(t, out=ws.t_2)  # (N, 1)
    # logp[n,k] = z3[n,k] - log Σ_l exp(z3[n,l])  (N, 10)
    logp = np.subtract(shifted, t_2, out=shifted)
    places = np.add(ws.starts, y, out=ws.places)  # (N,)
    picked = logp.take(places, out=ws.picked, mode="clip")  # (N,)
    # loss = -1/N Σ_n logp[n,y[n]]
    loss = -np.add.reduce(picked) / N
    dz3 = np.divide(e, t, out=e)  # (N, 10)
    changed = dz3.take(places, out=ws.changed, mode="clip")  # (N,)
    changed -= 1  # (N,)
    # dz3[n,k] = (softmax_k(z3[n,k]) - δ(k, y[n]))/N  (N, 10)
    dz3.put(places, changed)
    dz3 *= 1 / N
    # dW3[j,k] = Σ_n dz3[n,k] a2[n,j]  (64, 10)
    dW3 = a2.T.dot(dz3, out=ws.dW3)
    # db3[k] = Σ_n dz3[n,k]  (10,)
    db3 = ws.ones_2.dot(dz3, out=ws.db3)
    # da2[n,j] = Σ_k dz3[n,k] W3[j,k]  (N, 64)
    da2 = dz3.dot(W3.T, out=ws.da2)
    mask = np.greater(a2, 0, out=ws.mask)  # (N, 64)
    # dz2[n,j] = da2[n,j] [z2[n,j] > 0]  (N, 64)
    dz2 = np.multiply(da2, mask, out=da2)
    # dW2[i,j] = Σ_n dz2[n,j] a1[n,i]  (128, 64)
    dW2 = np.matmul(a1.T, dz2, out=ws.dW2)
    # db2[j] = Σ_n dz2[n,j]  (64,)
    db2 = ws.ones_2.dot(dz2, out=ws.db2)
    # da1[n,i] = Σ_j dz2[n,j] W2[i,j]  (N, 128)
    da1 = np.matmul(dz2, W2.T, out=ws.da1)
    mask_2 = np.greater(a1, 0, out=ws.mask_2)  # (N, 128)
    # dz1[n,i] = da1[n,i] [z1[n,i] > 0]  (N, 128)
    dz1 = np.multiply(da1, mask_2, out=da1)
    # dW1[j,i] = Σ_n dz1[n,i] X[n,j]  (64, 128)
    dW1 = np.matmul(X.T, dz1, out=ws.dW1)
    # db1[i] = Σ_n dz1[n,i]  (128,)
    db1 = ws.ones_2.dot(dz1, out=ws.db1)
    return loss, Gradients(dW1, db1, dW2, db2, dW3, db3)


def bind(X, y, W1, b1, W2, b2, W3, b3, workspace=None):
    """A function of no arguments: loss and gradients of what is now in these arrays.

    Only labels are checked again; results are valid until the next call.
    """
    return _bound(workspace, (X, y, W1, b1, W2, b2, W3, b3))


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
_ndim = operator.attrgetter("ndim")


def _fit(given):
    """Whether the arguments are just the arrays that are wanted: nothing has to be converted."""
    if {*map(type, given)} != _ARRAYS or [*map(_ndim, given)] != [2, 1, 2, 1, 2, 1, 2, 1]:
        return False
    N = given[0].shape[0]
    if N < 1:
        return False
    shapes = [(N, 64), (N,), (64, 128), (128,), (128, 64), (64,), (64, 10), (10,)]
    return (
        [*map(_shape, given)] == shapes
        and {*map(_dtype_of, (*given[:1], *given[2:]))} in _FLOATS
        and given[1].dtype == np.int64
        and _labels_fit(given)
    )


def _labels_fit(given):
    """Whether all labels point into their axes."""
    return np.maximum.reduce(given[1].view(np.uint64), None, initial=0) < 10


def _ready(workspace, *given):
    """The arguments, checked, and a workspace of their sizes."""
    if type(workspace) is _Bound and _labels_fit(given):
        return *given, workspace
    arrays = given if _fit(given) else _checked(*given)
    sizes = (arrays[0].shape[0],)
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
        elif kind == "int":
            if array.dtype == np.uint64 and array.max(initial=0) > np.iinfo(np.int64).max:
                raise ValueError(f"{name}: expected dtype int64, got {array.max()}")
            arrays[name] = array.astype(np.int64, copy=False)  # small ones would overflow
    for size, smallest in _LEAST.items():
        number, name = sizes.get(size, (smallest, ""))
        if number < smallest:
            raise ValueError(f"{name}: expected {size} to be {smallest} or more, got {number}")
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

_SIZES = {"N": 5}  # of a random point
_SAMPLES = {  # what random numbers have to keep, and along which axis
}
_EXAMPLE = {
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
