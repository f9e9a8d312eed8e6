"""What the arguments of a generated module have to be, as its templates need it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from symgrad.mathematics.equations import Variable
from symgrad.mathematics.sizes import Size, fixed
from symgrad.targets.module import Module
from symgrad.targets.numpy.labels import largest, where_length
from symgrad.targets.numpy.layout import in_brackets, list_lines, shape_data, wrapped

_DTYPES = {"int": "np.int64", "bool": "np.bool_"}


def table(variables: Sequence[Variable]) -> list[str]:
    """Of each argument its name, kind and shape, in lines."""
    once = {v.name: v for v in variables}
    return wrapped([f'"{n}": ("{v.dtype}", {shape_data(v.shape)})' for n, v in once.items()])


@dataclass(frozen=True)
class Fit:
    """What arguments are that need no conversion.

    ``sizes``: lines that give the named sizes; ``sizes_of``: all of them, as checked arguments
    have them; ``conditions``: what has to hold of the others; ``labels``: the largest position in
    each argument that points into an axis, and what it has to be less than; ``small``: when a size
    is too small.
    """

    sizes: Sequence[str]
    sizes_of: str
    ndims: Sequence[int]
    shapes: str
    conditions: Sequence[str]
    dtype_of: str
    labels: Sequence[tuple[str, str]]
    small: str

    @classmethod
    def of(cls, module: Module, locals_: Mapping[str, str]) -> Fit:
        """``locals_``: what the named sizes are called."""
        given = module.arguments
        floats = [k for k, v in enumerate(given) if v.dtype == "float"]
        where = {size: where_length(size, given) for size in locals_}
        return cls(
            sizes=[f"{local} = given{where[size]}" for size, local in locals_.items()],
            sizes_of=in_brackets([f"arrays{where[size]}" for size in locals_]),
            ndims=[len(v.shape) for v in given],
            shapes=list_lines([_shape(v.shape, locals_) for v in given]),
            conditions=list(_conditions(module, sized=bool(locals_))),
            dtype_of=f"arrays[{floats[0]}].dtype" if floats else "_DTYPE",
            labels=_labels(module),
            small=_small(module.least, locals_),
        )


def _shape(shape: Sequence[Size], locals_: Mapping[str, str]) -> str:
    return in_brackets([locals_[s.name] if fixed(s) is None else str(fixed(s)) for s in shape])


def _conditions(module: Module, *, sized: bool) -> Iterator[str]:
    """What has to hold of kinds, shapes and labels; where sizes are named the kinds are known."""
    if not sized:
        yield "{*map(type, given)} == _ARRAYS"
    yield f"[*map(_shape, given)] == {'shapes' if sized else '_SHAPES'}"
    given = module.arguments
    if floats := _floats([k for k, v in enumerate(given) if v.dtype == "float"], len(given)):
        yield f"{{*map(_dtype_of, {floats})}} in _FLOATS"
    for k, variable in enumerate(given):
        if variable.dtype != "float":
            yield f"given[{k}].dtype == {_DTYPES[variable.dtype]}"
    if _labels(module):
        yield "_labels_fit(given)"


def _labels(module: Module) -> list[tuple[str, str]]:
    given = module.arguments
    return [row for k, v in enumerate(given) for row in largest(k, v, given)]


def _small(least: Mapping[str, int], locals_: Mapping[str, str]) -> str:
    found = [(local, least[size]) for size, local in locals_.items() if size in least]
    return " or ".join(f"{local} < {number}" for local, number in found)


def _floats(places: Sequence[int], count: int) -> str:
    """The arguments that are floats, out of ``given``."""
    if len(places) in (0, count):
        return "given" if places else ""
    if list(places) == list(range(places[0], places[-1] + 1)):
        return f"given[{places[0] or ''}:{places[-1] + 1}]"
    others = [k for k in range(count) if k not in places]
    if len(others) == 1:
        return f"(*given[:{others[0]}], *given[{others[0] + 1}:])"
    return "(" + "".join(f"given[{k}], " for k in places).rstrip() + ")"
