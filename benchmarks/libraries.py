"""The libraries that are compared: how each takes the gradient of a case."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Callable
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from cases import Arrays, Case

Call = Callable[[], tuple[Any, dict[str, Any]]]
"""The value of a loss and its gradients, by parameter."""


class Functions:
    """What the cases are written in, for a library with NumPy's names."""

    def __init__(self, np: Any, arange: Any = None, scan: Any = None) -> None:
        self.np = np
        self.scan = scan or self._loop
        self.arange = arange or (lambda y: np.arange(y.shape[0]))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.np, name)

    def _loop(self, step: Any, carry: Any, xs: Any) -> Any:
        """A recurrence as Python runs it."""
        ys = []
        for x in xs:
            carry, y = step(carry, x)
            ys.append(y)
        return carry, None if ys[0] is None else self.np.stack(ys)

    def relu(self, x: Any) -> Any:
        return self.np.maximum(x, 0)

    def sigmoid(self, x: Any) -> Any:
        return 1 / (1 + self.np.exp(-x))

    def softplus(self, x: Any) -> Any:
        return self.np.logaddexp(0, x)

    def mean_kept(self, x: Any) -> Any:
        return self.np.mean(x, axis=1, keepdims=True)

    def log_softmax(self, z: Any, axis: int) -> Any:
        shifted = z - self.np.max(z, axis=axis, keepdims=True)
        return shifted - self.np.log(self.np.sum(self.np.exp(shifted), axis=axis, keepdims=True))

    def softmax(self, z: Any, axis: int) -> Any:
        e = self.np.exp(z - self.np.max(z, axis=axis, keepdims=True))
        return e / self.np.sum(e, axis=axis, keepdims=True)

    def logsumexp(self, z: Any, axis: int) -> Any:
        largest = self.np.max(z, axis=axis, keepdims=True)
        total = self.np.sum(self.np.exp(z - largest), axis=axis)
        return self.np.squeeze(largest, axis) + self.np.log(total)

    def cross_entropy(self, z: Any, y: Any) -> Any:
        return -self.np.mean(self.log_softmax(z, 1)[self.arange(y), y])

    def smallest(self, x: Any, axis: int) -> Any:
        return self.np.min(x, axis=axis)

    def eye_of(self, y: Any) -> Any:
        return self.np.eye(y.shape[0])

    def correlated(self, images: Any, kernel: Any) -> Any:
        windows = np.lib.stride_tricks.sliding_window_view(images, kernel.shape[:2], axis=(1, 2))
        return self.np.tensordot(windows, kernel, 2)


# This project


def derivation(case: Case) -> Any:
    """The derivation of a case."""
    import symgrad as sg

    v = {
        name: sg.data(name, shape) for name, shape in case.data.items() if name not in case.one_hot
    }
    for name in case.one_hot:
        v[name] = sg.data(name, case.data[name], assume=sg.one_hot(axis=0))
    v |= {name: sg.param(name, shape) for name, shape in case.params.items()}
    v |= {name: sg.data(name, shape, dtype=int) for name, (shape, _) in case.labels.items()}
    functions = Functions(np, lambda y: sg.arange("N"), sg.scan)
    functions.eye_of = lambda y: sg.eye("N")  # type: ignore[method-assign]
    loss = case.loss(functions, SimpleNamespace(**v))
    if case.of == "hessian":
        return sg.hessian(loss, case.by[0], names=v)
    return (sg.hvp if case.of else sg.derive)(loss, case.by, names=v)


def symgrad(case: Case, dtype: str, v: Arrays) -> Call:
    """The generated module, with a workspace."""
    module = derivation(case).compile(dtype=dtype)
    workspace = module.Workspace(**case.sizes, dtype=dtype)
    if case.of:
        return lambda: (None, module.gradients(**v, workspace=workspace)._asdict())

    def call() -> Any:
        value, found = module.loss_and_gradients(**v, workspace=workspace)
        return value, found._asdict()

    call.fast = lambda: module.loss_and_gradients(**v, workspace=workspace)  # type: ignore[attr-defined]
    return call


def symgrad_bound(case: Case, dtype: str, v: Arrays) -> Call:
    """The generated module, its arrays bound once."""
    return _bound(derivation(case).compile(dtype=dtype), v)


def symgrad_c(case: Case, dtype: str, v: Arrays) -> Call:
    """The C of the same loss, compiled here, its arrays bound once."""
    return _bound(derivation(case).compile(target="c", dtype=dtype, sizes=case.sizes), v)


def symgrad_c_for(processor: str) -> Callable[[Case, str, Arrays], Call | None]:
    """The same compiled for all processors of a kind, such as x86-64-v3."""

    def peer(case: Case, dtype: str, v: Arrays) -> Call | None:
        if platform.machine() != "x86_64":
            return None
        kept = os.environ.get("CC", "")
        os.environ["CC"] = f"{kept or 'cc'} -march={processor}"
        try:
            return symgrad_c(case, dtype, v)
        finally:
            os.environ["CC"] = kept

    return peer


def symgrad_unrolled(case: Case, dtype: str, v: Arrays) -> Call | None:
    """The same with code number by number, which few small cases have."""
    if case.sizes or dtype != "float64":
        return None
    module = derivation(case).compile(dtype=dtype, unroll=True)
    return _bound(module, v) if hasattr(module, "_entries") else None


def _bound(module: ModuleType, v: Arrays) -> Call:
    bound = module.bind(**v)

    def call() -> Any:
        value, found = bound()
        return value if np.ndim(value) == 0 else None, found._asdict()

    call.fast = bound  # type: ignore[attr-defined]
    return call


def symgrad_allocating(case: Case, dtype: str, v: Arrays) -> Call:
    """The generated module without a workspace."""
    module = derivation(case).compile(dtype=dtype)
    if case.of:
        return lambda: (None, module.gradients(**v)._asdict())

    def call() -> Any:
        value, found = module.loss_and_gradients(**v)
        return value, found._asdict()

    call.fast = lambda: module.loss_and_gradients(**v)  # type: ignore[attr-defined]
    return call


# HIPS autograd


def autograd(case: Case, dtype: str, v: Arrays) -> Call | None:
    """value_and_grad."""
    if case.of:
        return None
    import autograd.numpy as anp
    from autograd import value_and_grad

    functions = Functions(anp)
    data = {name: a for name, a in v.items() if name not in case.params}

    def loss(params: Arrays) -> Any:
        return case.loss(functions, SimpleNamespace(**params, **data))

    both = value_and_grad(loss)
    params = {name: v[name] for name in case.params}
    return lambda: both(params)


# JAX


def _jax(case: Case, dtype: str, v: Arrays, *, placed: bool) -> Call:
    jax: Any = import_module("jax")
    jnp: Any = import_module("jax.numpy")
    jax.config.update("jax_enable_x64", dtype == "float64")
    functions = Functions(jnp, scan=jax.lax.scan)
    functions.log_softmax = jax.nn.log_softmax  # type: ignore[method-assign]
    functions.softmax = jax.nn.softmax  # type: ignore[method-assign]
    functions.logsumexp = jax.nn.logsumexp  # type: ignore[method-assign]
    functions.correlated = _correlated_by_jax  # type: ignore[method-assign]

    def loss(params: Arrays, data: Arrays) -> Any:
        return case.loss(functions, SimpleNamespace(**params, **data))

    both = jax.jit(_second_by_jax(jax, case, loss) if case.of else jax.value_and_grad(loss))
    convert: Any = jnp.asarray if placed else (lambda a: a)
    params = {name: convert(v[name]) for name in case.by}
    data = {name: convert(a) for name, a in v.items() if name not in params}

    return lambda: jax.block_until_ready(both(params, data))


def _second_by_jax(jax: Any, case: Case, loss: Any) -> Any:
    """What stands for the value, and second derivatives."""

    def product(params: Arrays, data: Arrays) -> Any:
        along = {name: data[f"v_{name}"] for name in params}
        return None, jax.jvp(lambda p: jax.grad(loss)(p, data), (params,), (along,))[1]

    def matrix(params: Arrays, data: Arrays) -> Any:
        (name,) = params
        return None, {name: jax.hessian(lambda p: loss({name: p}, data))(params[name])}

    return {"hvp": product, "hessian": matrix}[case.of]


def _correlated_by_jax(images: Any, kernel: Any) -> Any:
    import jax

    places = ("NHWC", "HWIO", "NHWC")
    arrays = images[..., None], kernel[:, :, None, :]
    return jax.lax.conv_general_dilated(*arrays, (1, 1), "VALID", dimension_numbers=places)


def jax_placed(case: Case, dtype: str, v: Arrays) -> Call:
    """Arrays already on the device."""
    return _jax(case, dtype, v, placed=True)


def jax_numpy(case: Case, dtype: str, v: Arrays) -> Call:
    """NumPy arrays in every call."""
    return _jax(case, dtype, v, placed=False)


# PyTorch


class TorchFunctions:
    """What the cases are written in, for PyTorch."""

    def __init__(self) -> None:
        import torch

        self.torch, self.functional = torch, torch.nn.functional
        self.relu, self.tanh, self.sigmoid = torch.relu, torch.tanh, torch.sigmoid
        self.sum, self.mean, self.sqrt = torch.sum, torch.mean, torch.sqrt
        self.softplus = self.functional.softplus
        self.cross_entropy = self.functional.cross_entropy
        self.smallest, self.logsumexp = torch.amin, torch.logsumexp

    def __getattr__(self, name: str) -> Any:
        return getattr(self.torch, name)

    def where(self, condition: Any, x: Any, other: Any) -> Any:
        return self.torch.where(self.torch.from_numpy(condition), x, other)

    def eye_of(self, y: Any) -> Any:
        return self.torch.eye(len(y), dtype=y.dtype)

    def correlated(self, images: Any, kernel: Any) -> Any:
        weights = kernel.permute(2, 0, 1)[:, None]
        return self.functional.conv2d(images[:, None], weights).permute(0, 2, 3, 1)

    def mean_kept(self, x: Any) -> Any:
        return x.mean(1, keepdim=True)

    def log_softmax(self, z: Any, axis: int) -> Any:
        return self.functional.log_softmax(z, axis)

    def softmax(self, z: Any, axis: int) -> Any:
        return self.functional.softmax(z, axis)


def _torch(case: Case, dtype: str, v: Arrays, *, compiled: bool) -> Call:
    import torch

    functions = TorchFunctions()
    tensors = {name: torch.from_numpy(a.copy()) for name, a in v.items()}
    params = [tensors[name].requires_grad_() for name in case.by]

    def loss() -> Any:
        return case.loss(functions, SimpleNamespace(**tensors))

    if case.of:
        return _second_by_torch(torch, case, tensors, loss)
    forward = torch.compile(loss) if compiled else loss

    def call() -> Any:
        value = forward()
        return value.detach(), dict(
            zip(case.params, torch.autograd.grad(value, params), strict=True)
        )

    return call


def _second_by_torch(torch: Any, case: Case, tensors: dict[str, Any], loss: Any) -> Call:
    params = [tensors[name] for name in case.by]

    def product() -> Any:
        first = torch.autograd.grad(loss(), params, create_graph=True)
        along = [tensors[f"v_{name}"] for name in case.by]
        found = torch.autograd.grad(first, params, along)
        return None, dict(zip(case.by, found, strict=True))

    def of(value: Any) -> Any:
        tensors[case.by[0]] = value
        return loss()

    def matrix() -> Any:
        return None, {case.by[0]: torch.func.hessian(of)(params[0].detach())}

    return {"hvp": product, "hessian": matrix}[case.of]


def torch_eager(case: Case, dtype: str, v: Arrays) -> Call:
    """Forward, then torch.autograd.grad."""
    return _torch(case, dtype, v, compiled=False)


def torch_compiled(case: Case, dtype: str, v: Arrays) -> Call | None:
    """The same, the loss compiled, which gives no second derivatives."""
    if case.of:
        return None
    return _torch(case, dtype, v, compiled=True)


# PyTensor


class PyTensorFunctions:
    """What the cases are written in, for PyTensor."""

    def __init__(self) -> None:
        import pytensor.tensor as pt

        self.pt = pt
        self.tanh, self.sigmoid, self.sqrt = pt.tanh, pt.sigmoid, pt.sqrt
        self.sum, self.mean, self.softplus = pt.sum, pt.mean, pt.softplus

    def relu(self, x: Any) -> Any:
        return self.pt.maximum(x, 0)

    def mean_kept(self, x: Any) -> Any:
        return self.pt.mean(x, axis=1, keepdims=True)

    def log_softmax(self, z: Any, axis: int) -> Any:
        return self.pt.special.log_softmax(z, axis=axis)

    def softmax(self, z: Any, axis: int) -> Any:
        return self.pt.special.softmax(z, axis=axis)

    def cross_entropy(self, z: Any, y: Any) -> Any:
        return -self.pt.mean(self.log_softmax(z, 1)[self.pt.arange(y.shape[0]), y])


def pytensor(case: Case, dtype: str, v: Arrays) -> Call | None:
    """One function for value and gradients, in PyTensor's default mode."""
    if case.of:
        return None
    import pytensor as library
    import pytensor.tensor as pt
    import pytensor.tensor.special

    functions = PyTensorFunctions()
    with library.config.change_flags(floatX=dtype):
        tensors = {name: pt.tensor(name, dtype=a.dtype, shape=a.shape) for name, a in v.items()}
        value = case.loss(functions, SimpleNamespace(**tensors))
        found = pt.grad(value, [tensors[name] for name in case.params])
        function = library.function(
            [library.In(tensors[n], borrow=True) for n in v],
            [library.Out(g, borrow=True) for g in (value, *found)],
        )
    function.trust_input = True
    arrays = list(v.values())

    def call() -> Any:
        value, *gradients = function(*arrays)
        return value, dict(zip(case.params, gradients, strict=True))

    return call


def tolerance(dtype: str) -> float:
    """How far results may be apart, relative to the largest entry."""
    return 2e-3 if dtype == "float32" else 1e-8


def compared(call: Call, other: Call, dtype: str) -> float:
    """The largest difference between two peers' results; ValueError where it is too large."""
    (a, one), (b, two) = call(), other()
    known = a is not None and b is not None
    worst = abs(float(a) - float(b)) / (1 + abs(float(b))) if known else 0.0
    for name, mine in one.items():
        x, y = (np.asarray(getattr(a, "detach", lambda a=a: a)()) for a in (mine, two[name]))
        if x.dtype != np.dtype(dtype) or x.shape != y.shape:
            raise ValueError(f"{name}: {x.dtype} {x.shape} instead of {y.dtype} {y.shape}")
        worst = max(worst, float(np.max(np.abs(x - y)) / (np.max(np.abs(y)) or 1.0)))
    if not worst < tolerance(dtype) or math.isnan(worst):
        raise ValueError(f"results differ by {worst:.1e}")
    return worst
