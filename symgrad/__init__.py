"""Write a loss in NumPy; read its derivation; own its backward pass."""

from symgrad.errors import CheckError, SpecError, SymgradError  # first: an interrupt is answered

# isort: split

from symgrad.audit import Audit, audit
from symgrad.checks import GradientCheck, check_gradients
from symgrad.face import Derivation, Gradient, derive, function, hessian, hvp, jacobian, jvp
from symgrad.language.array import Array
from symgrad.language.constants import constant
from symgrad.language.elementwise import log_sigmoid, relu, sigmoid, softplus
from symgrad.language.held import rounded, stop_gradient, straight_through
from symgrad.language.indexing import arange
from symgrad.language.inputs import data, param
from symgrad.language.making import array, eye, full, ones, zeros
from symgrad.language.recurrences import scan
from symgrad.language.reductions import log_softmax, logsumexp, softmax
from symgrad.mathematics.assumptions import (
    one_hot,
    orthogonal,
    positive,
    sums_to_one,
    symmetric,
    unit_norm,
)
from symgrad.reading import from_sympy, parse
from symgrad.targets.c.desk import load
from symgrad.using import scipy_objective
from symgrad.writing import Choice, Style

__all__ = [
    "Array",
    "Audit",
    "CheckError",
    "Choice",
    "Derivation",
    "Gradient",
    "GradientCheck",
    "SpecError",
    "Style",
    "SymgradError",
    "arange",
    "array",
    "audit",
    "check_gradients",
    "constant",
    "data",
    "derive",
    "eye",
    "from_sympy",
    "full",
    "function",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "load",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "one_hot",
    "ones",
    "orthogonal",
    "param",
    "parse",
    "positive",
    "relu",
    "rounded",
    "scan",
    "scipy_objective",
    "sigmoid",
    "softmax",
    "softplus",
    "stop_gradient",
    "straight_through",
    "sums_to_one",
    "symmetric",
    "unit_norm",
    "zeros",
]


def __dir__() -> list[str]:
    """The public names: the folders and modules are attributes too, and no part of the face."""
    return sorted([*__all__, *(name for name in globals() if name.startswith("__"))])
