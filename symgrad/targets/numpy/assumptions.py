"""Assumptions, as generated files check them: what of an input has to be how large."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from symgrad.mathematics.assumptions import Assumption
from symgrad.mathematics.equations import Variable
from symgrad.targets.about import assumed
from symgrad.targets.numpy.layout import assigned, call, definition, in_brackets, quoted

CHECKS: Mapping[str, Sequence[tuple[str, str]]] = {
    "one_hot": (
        ("{x}", "np.minimum(abs({x}), abs({x} - 1)) <= rounding"),
        ("{x}.sum({axis})", "abs({x}.sum({axis}) - 1) <= rounding"),
    ),
    "sums_to_one": (
        ("{x}.sum({axis})", "abs({x}.sum({axis}) - 1) < rounding * abs({x}).sum({axis})"),
    ),
    "unit_norm": (("({x}**2).sum({axis})", "abs(({x}**2).sum({axis}) - 1) <= rounding"),),
    "orthogonal": (("({xT} @ {x})", "abs({xT} @ {x} - np.eye({x}.shape[-1])) <= rounding"),),
    "symmetric": (
        (
            "({x} - {xT})",
            "(abs({x} - {xT}) <= rounding * abs({x}).max(initial=0)) & (abs({x}) < np.inf)",
        ),
    ),
    "positive": (("{x}", "({x} > 0) & ({x} < np.inf)"),),
}
"""For each assumption what has to fit, and whether it does, up to ``rounding``.

A sum is as exact as its largest terms.  What is not finite never fits.
"""


def needs(variables: Iterable[Variable], *, room: bool) -> dict[str, Any]:
    """What check_assumptions() needs: which arguments it takes, and the lines that check them.

    ``room``: whether there are workspaces.
    """
    found = {v.name: v for v in variables}
    pairs = [(found[name], a) for name, a in assumed(found.values())]
    names = list(dict.fromkeys(v.name for v, _ in pairs))
    targets = names if len(names) > 1 else [f"({', '.join(names)},)"]
    given = [in_brackets([f'"{n}"' for n in names]), in_brackets(names)]
    return {
        "assumed": pairs,
        "check_head": definition("check_assumptions", [f"{n}: Any" for n in names], "None"),
        "check_told": f"{' or '.join(names)} is not what is assumed of it",
        "check_lines": [
            *assigned(targets, "_checked", given, "[0]" if room else ""),
            *(line for pair in pairs for line in _lines(*pair)),
        ],
        "check_call": ", ".join(f'{name}=point["{name}"]' for name in names),
    }


def _lines(variable: Variable, assumption: Assumption) -> Iterator[str]:
    name = variable.name
    rows = _rows(name, len(variable.shape), assumption)
    if any("rounding" in fits for _, fits in rows):
        dtype = f"{name}.dtype" if variable.dtype == "float" else "float"
        yield f"rounding = 8 * {name}.shape[{assumption.summed}] * float(np.finfo({dtype}).eps)"
    sentence = quoted(assumption.sentence(name)).partition(":")[0]
    yield f'told = "{name}: expected that {sentence}; got "'
    for what, fits in rows:
        yield from call("_assumed", [f'f"{{told}}{what}"', what, fits])


def _rows(name: str, ndim: int, assumption: Assumption) -> list[tuple[str, str]]:
    turned = f"{name}.T" if ndim == 2 else f"np.swapaxes({name}, -1, -2)"
    parts = {"x": name, "xT": turned, "axis": assumption.summed}
    return [(what.format(**parts), fits.format(**parts)) for what, fits in CHECKS[assumption.kind]]


def unmet(array: np.ndarray, assumption: Assumption, name: str) -> Iterator[tuple[str, float]]:
    """What does not fit of an array of floats: what it is called, and the number."""
    axis = assumption.summed
    length = array.size if axis is None else array.shape[axis]
    known = {"np": np, name: array, "rounding": 8 * length * float(np.finfo(float).eps)}
    for what, fits in _rows(name, array.ndim, assumption):
        with np.errstate(all="ignore"):
            found, holds = np.asarray(eval(what, known)), eval(fits, known)
        for place in np.argwhere(~holds).tolist()[:1]:
            yield f"{what}{place or ''}", found[tuple(place)]
