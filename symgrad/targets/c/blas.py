"""Products of matrices by the library that SciPy brings: nothing has to be linked."""

from __future__ import annotations

import ctypes
import importlib
from functools import cache

_NAMES = {"float64": "dgemm", "float32": "sgemm"}


@cache
def gemm(dtype: str) -> int:
    """The address of the library's function for a dtype; 0 where there is none."""
    try:
        found = importlib.import_module("scipy.linalg.cython_blas").__pyx_capi__
    except ImportError:
        return 0
    capsule = found.get(_NAMES[dtype])
    if capsule is None:
        return 0
    python = ctypes.pythonapi
    python.PyCapsule_GetName.restype = ctypes.c_char_p
    python.PyCapsule_GetName.argtypes = [ctypes.py_object]
    python.PyCapsule_GetPointer.restype = ctypes.c_void_p
    python.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    signature = python.PyCapsule_GetName(capsule)
    if signature is None or signature.count(b"int *") != 6:  # sizes of another type
        return 0
    return int(python.PyCapsule_GetPointer(capsule, signature) or 0)
