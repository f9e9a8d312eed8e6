"""The functions that a text may call, by their names in NumPy and SciPy."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from symgrad.language import elementwise, making, reductions
from symgrad.language.indexing import arange
from symgrad.language.registry import FUNCTIONS, METHODS, UFUNCS

OF_NUMBERS = (
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "square",
    "absolute", "fabs", "sign", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2",
    "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "maximum", "minimum", "fmax",
    "fmin", "power", "logaddexp", "hypot", "reciprocal", "negative", "add", "subtract",
    "multiply", "divide", "greater", "greater_equal", "less", "less_equal", "equal",
    "not_equal", "logical_and", "logical_or", "logical_not", "floor", "ceil", "rint", "expit",
    "logit", "erf", "erfc", "erfinv", "gammaln", "xlogy", "xlog1py", "rel_entr", "entr",
    "kl_div", "log_expit", "ndtr", "log_ndtr", "huber", "pseudo_huber", "heaviside",
)  # fmt: skip
"""Of entries: what UFUNCS has of them."""

OF_ARRAYS = (
    "sum", "mean", "max", "min", "amax", "amin", "prod", "var", "std", "average", "cumsum",
    "where", "clip", "dot", "inner", "outer", "vdot", "einsum", "tensordot", "transpose",
    "reshape", "ravel", "squeeze", "expand_dims", "swapaxes", "moveaxis", "concatenate",
    "stack", "vstack", "hstack", "column_stack", "trace", "diag", "diagonal", "tril", "triu",
    "flip", "broadcast_to", "linalg.inv", "linalg.det", "linalg.slogdet", "linalg.solve",
    "linalg.cholesky", "linalg.norm", "zeros_like", "ones_like", "diff",
)  # fmt: skip
"""Of arrays, none of which does more work than its arguments are long in the text."""

CALLED: dict[str, Callable[..., Any]] = {
    **{name: UFUNCS[name] for name in OF_NUMBERS},
    **{name: FUNCTIONS[name] for name in OF_ARRAYS},
    "matmul": UFUNCS["matmul"],
    "relu": elementwise.relu,
    "sigmoid": elementwise.sigmoid,
    "log_sigmoid": elementwise.log_sigmoid,
    "softplus": elementwise.softplus,
    "softmax": reductions.softmax,
    "log_softmax": reductions.log_softmax,
    "logsumexp": reductions.logsumexp,
    "arange": arange,
    "eye": making.eye,
    "zeros": making.zeros,
    "ones": making.ones,
}
CALLED |= {"abs": CALLED["absolute"], "pow": CALLED["power"]}
CALLED |= {n.removeprefix("linalg."): f for n, f in CALLED.items() if n.startswith("linalg.")}

AS_METHODS = (
    "sum", "mean", "max", "min", "prod", "var", "std", "dot", "transpose", "reshape", "ravel",
    "squeeze", "swapaxes", "cumsum", "clip", "trace", "diagonal",
)  # fmt: skip
"""What may be called as ``x.sum(axis=0)``: of the methods of arrays."""

OF_A_VALUE = {name: METHODS[name] for name in AS_METHODS}

OPERATORS: dict[tuple[str, int], Callable[..., Any]] = {
    (sign, count): functools.partial(elementwise.elementwise, name)
    for sign, count, name in (
        ("+", 2, "add"), ("-", 2, "subtract"), ("*", 2, "multiply"), ("/", 2, "divide"),
        ("//", 2, "floor_divide"), ("**", 2, "power"), ("<", 2, "less"), ("<=", 2, "less_equal"),
        (">", 2, "greater"), (">=", 2, "greater_equal"), ("==", 2, "equal"),
        ("!=", 2, "not_equal"), ("&", 2, "bitwise_and"), ("|", 2, "bitwise_or"),
        ("^", 2, "bitwise_xor"), ("-", 1, "negative"), ("+", 1, "positive"), ("~", 1, "invert"),
    )
}  # fmt: skip
"""What an operator does, by how many operands it has."""
OPERATORS["@", 2] = UFUNCS["matmul"]
