"""What a spec may say: the functions of NumPy that run on symbolic arrays."""

from symgrad.language import contractions, elementwise, held, indexing, linalg, reductions, shapes

__all__ = ["contractions", "elementwise", "held", "indexing", "linalg", "reductions", "shapes"]
