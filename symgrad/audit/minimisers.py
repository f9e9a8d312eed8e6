"""Calls that hand a gradient to a minimiser, which then calls it at points of its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator

SLOPES = ("jac", "fprime")
"""By which keywords minimisers take a gradient."""

BY_PLACE = {"fmin_bfgs": 2, "fmin_cg": 2, "fmin_ncg": 2, "fmin_l_bfgs_b": 2, "fmin_tnc": 2}
"""At which place the older ones take it."""

TOGETHER = ("fmin_l_bfgs_b", "fmin_tnc")
"""Those that take a loss and its gradient from one function, where no other is given."""


def gradients_in(call: ast.Call) -> Iterator[ast.expr]:
    """The functions that give a minimiser gradients, as they stand in its call."""
    name = ast.unparse(call.func).split(".")[-1]
    if name != "minimize" and name not in BY_PLACE:
        return
    keyed = {k.arg: k.value for k in call.keywords}
    own = next((keyed[word] for word in SLOPES if word in keyed), None)
    if own is None and len(call.args) > BY_PLACE.get(name, len(call.args)):
        own = call.args[BY_PLACE[name]]
    both = name in TOGETHER and own is None and "approx_grad" not in keyed
    if both or (isinstance(own, ast.Constant) and own.value is True):
        yield from call.args[:1]
    elif own is not None and not isinstance(own, ast.Constant):
        yield own
