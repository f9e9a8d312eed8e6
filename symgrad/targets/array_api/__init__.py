"""A program as a module of the array API standard: NumPy, PyTorch, JAX, CuPy."""

from __future__ import annotations

from symgrad.targets.array_api.emit import ARRAY_API, WRAPS, wrapper

__all__ = ["ARRAY_API", "WRAPS", "wrapper"]
