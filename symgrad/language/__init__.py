"""What a spec may say: NumPy's functions on symbolic arrays, their inputs, and spec files."""

from symgrad.language import (  # each enters what it has into the tables of the registry
    contractions,
    diagonals,
    elementwise,
    held,
    indexing,
    joining,
    linalg,
    norms,
    ordering,
    padding,
    polynomials,
    reductions,
    rounding,
    sequences,
    series,
    shapes,
    statistics,
    turning,
    versions,
    writing_into,
)
from symgrad.language.array import Array
from symgrad.language.inputs import data, param
from symgrad.language.spec_file import Spec, load
from symgrad.language.tracing import trace

__all__ = [
    "Array",
    "Spec",
    "contractions",
    "data",
    "diagonals",
    "elementwise",
    "held",
    "indexing",
    "joining",
    "linalg",
    "load",
    "norms",
    "ordering",
    "padding",
    "param",
    "polynomials",
    "reductions",
    "rounding",
    "sequences",
    "series",
    "shapes",
    "statistics",
    "trace",
    "turning",
    "versions",
    "writing_into",
]
