"""What the arguments of a generated module have to be, as its templates need it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symgrad.mathematics.equations import Variable
from symgrad.mathematics.sizes import fixed
from symgrad.targets.module import Module, size_names
from symgrad.targets.numpy.labels import where_length
from symgrad.targets.numpy.layout import definition, in_braces, in_brackets, wrapped


def needs(
    module: Module,
    variables: Sequence[Variable],
    sizes: Mapping[str, str],
    *,
    room: bool,
) -> dict[str, Any]:
    """For the template; ``variables``: the arguments, and the data of which some are made.

    ``sizes``: what the named sizes are called; ``room``: whether there are workspaces.
    """
    once = {v.name: v for v in variables}
    kinds = {n: f'"{v.dtype}"' for n, v in once.items() if v.dtype != "float"}
    keeps = room and bool(module.values)
    names = "_NAMES" if module.preparation else "_SHAPES"
    made = [f'sizes.get("{s}", (0, ""))[0]' for s in size_names(module.arguments)]
    both = "tuple[list[Any], tuple[Any, ...]]" if room else "list[Any]"
    kept = [f"names: Any = {names}", "keep: bool = False"]
    return {
        "arguments": wrapped([f'"{n}": {_shape(v, sizes)}' for n, v in once.items()]),
        "sizes": sizes,
        "sizes_quoted": ", ".join(f'"{s}"' for s in sizes),
        "shapes_head": definition(
            "_shapes", [f"{s}: Any" for s in sizes.values()], "dict[str, tuple[Any, ...]]"
        ),
        "names": names,
        "count": len(module.arguments),
        "keeps": keeps,
        "kinds_of": kinds and in_braces(kinds),
        "unbounded": any(v.dtype == "int" and not v.bounds for v in once.values()),
        "ready_head": definition("_ready", [*_READY, *(kept if keeps else ())], "Any"),
        "checked_head": definition("_checked", _CHECKED, both),
        "made": in_brackets([*made, "dtype"]),
        "least": module.least.items(),
        "fit": Fit.of(module, sizes, names, kinds=bool(kinds)) if room else None,
    }


_READY = ["given: Any", "ws: Workspace | None"]
_CHECKED = ["names: Iterable[str]", "given: Sequence[Any]"]


def table(sizes: Mapping[str, str], known: Collection[str]) -> str:
    """The table of shapes, with numbers for the sizes that are known."""
    if not known:
        return "_SHAPES"
    return f"_shapes({', '.join(c if s in known else repr(s) for s, c in sizes.items())})".replace(
        "'", '"'
    )


def _shape(variable: Variable, sizes: Mapping[str, str]) -> str:
    return in_brackets(
        [sizes[s.name] if fixed(s) is None else str(fixed(s)) for s in variable.shape]
    )


@dataclass(frozen=True)
class Fit:
    """What arguments are that need no conversion.

    ``wanted``: the line that gives their dtypes, and their shapes, or how many axes they have where
    sizes have names; ``sizes``: the lines that give these; ``shapes``: the shapes that they ask
    for; ``made``: what a workspace is made of; ``enough``: what else has to hold of sizes;
    ``labels``: whether there are any.
    """

    wanted: str
    sizes: Sequence[str]
    shapes: str
    made: str
    enough: str
    labels: bool

    @classmethod
    def of(cls, module: Module, sizes: Mapping[str, str], names: str, *, kinds: bool) -> Fit:
        """``names``: where those of the arguments are; ``kinds``: whether some are no floats."""
        given, mine = module.arguments, size_names(module.arguments)
        floats = [k for k, v in enumerate(given) if v.dtype == "float"]
        dtype = f"given[{floats[0]}].dtype" if floats else f'np.dtype("{module.dtype}")'
        one = "np.dtype(_KINDS.get(n, d))" if kinds else "np.dtype(d)"
        asked = "len(_SHAPES[n])" if mine else "_SHAPES[n]"
        part = f"[:{len(given)}]" if module.preparation else ""
        return cls(
            wanted=f'_WANTED = [[({asked}, {one}) for n in {names}] for d in ("f8", "f4")]',
            sizes=[f"{sizes[size]} = given{where_length(size, given)}" for size in mine],
            shapes=f"[*{table(sizes, mine)}.values()]{part}",
            made=in_brackets([*(sizes[s] for s in mine), dtype]),
            enough="".join(
                f" and {sizes[s]} >= {module.least[s]}" for s in mine if s in module.least
            ),
            labels=any(v.bounds for v in given),
        )
