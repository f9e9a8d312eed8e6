"""Calls that cost the least: an extension of Python for functions whose arguments stay the same."""

from __future__ import annotations

import ctypes
import sysconfig
from functools import cache
from pathlib import Path
from typing import Any

from symgrad.errors import SpecError
from symgrad.targets.c.build import library
from symgrad.targets.c.runtime import source


@cache
def binder() -> Any:
    """What makes a function of Python; None where there are no headers of Python to compile it."""
    include = Path(sysconfig.get_path("include"))
    if not (include / "Python.h").exists():
        return None
    try:
        path = library("bound", {"bound.c": source("bound.c")}, [f"-I{include}", "-std=c11"])
    except SpecError:
        return None
    found = ctypes.PyDLL(str(path)).symgrad_bind
    pointer, thing = ctypes.c_void_p, ctypes.py_object
    found.argtypes = [ctypes.c_int, ctypes.c_int, *[pointer] * 5, *[thing] * 3]
    found.restype = thing
    return found
