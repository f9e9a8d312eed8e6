"""What the turns of a loop hand on to each other, and a recurrent pass hands back."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from symgrad.audit.form import assigned
from symgrad.audit.grammar.edit import Edit, Proposal, Rule, operand
from symgrad.audit.names import is_called_gradient
from symgrad.audit.sites import Known, Site
from symgrad.audit.source import bodies
from symgrad.audit.walks import walked
from symgrad.audit.wording import Change

LOOPS = (ast.For, ast.While)
SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr)

Places = tuple[tuple[Change, ...], str, str, float, str]
"""The changes of one repair, what is replaced by what in the first, its cost, and a word."""


@dataclass(frozen=True)
class Several(Rule):
    """A rule whose repairs change several statements; the first is the one that is told."""

    places: Callable[[Site], Iterator[Places]] = field(default=lambda site: iter(()))

    def edits(self, site: Site) -> Iterator[Edit]:
        """What it proposes for a statement."""
        for changes, old, new, cost, word in self.places(site):
            yield Edit(self, changes, cost, site, old, new, word)


def loop_of(site: Site) -> ast.For | ast.While | None:
    """The innermost loop that a statement stands in."""
    around = [n for n in walked(site.around) if isinstance(n, LOOPS)]
    return next((n for n in reversed(around) if site.statement in n.body), None)


def _kept(site: Site) -> Iterator[Proposal]:
    """The name that the next turn reads, for one that nothing reads."""
    loop = loop_of(site) if site.looped else None
    inside = walked(loop) if loop is not None else ()
    names = [n for n in inside if isinstance(n, ast.Name)]
    stored = {n.id for n in names if isinstance(n.ctx, ast.Store)}
    read = {n.id for root in site.roots for n in walked(root) if isinstance(n, ast.Name)}
    carried = [n for n in sorted(read - stored) if _is_array(site, n) and is_called_gradient(n)]
    for name in (n for n in names if isinstance(n.ctx, ast.Store) and not site.source.read[n.id]):
        for other in carried:
            yield site.source.span(name), other, 1.0, name.id


def _is_array(site: Site, name: str) -> bool:
    return name in site.known and bool(site.known[name].array.ndim)


def _handed_back(site: Site) -> Iterator[Places]:
    """What a turn hands back by the weights of a recurrence, of which no turn knows yet."""
    loop, statement = loop_of(site) if site.looped else None, site.statement
    before = _before(site, loop) if loop is not None else None
    last = loop.body[-1] if loop is not None else None
    plain = isinstance(statement, ast.Assign) and len(site.roots) == 1 and len(site.arrays) > 0
    if not plain or before is None or not isinstance(last, SIMPLE) or loop is None:
        return
    start, end = site.source.span(site.roots[0])
    text, name = site.text(site.roots[0]), _free(site)
    room, after = site.source.span(before)[1], site.source.span(last)[1]
    for term in _terms(site, loop):
        changes = (
            (start, end, f"{operand(site, site.roots[0])} + {name}"),
            (room, room, f"; {name} = 0"),
            (after, after, f"; {name} = {term}"),
        )
        yield changes, text, f"{text} + {name}", 2.0, term


def _before(site: Site, loop: ast.stmt) -> ast.stmt | None:
    """The simple statement before a loop, in the same sequence."""
    body = next((b for b in bodies(site.source.tree) if loop in b), [])
    place = body.index(loop) if body else 0
    return body[place - 1] if place and isinstance(body[place - 1], SIMPLE) else None


def _free(site: Site) -> str:
    """A name for what comes back, which the program has not."""
    names = ("d_next", "d_back", "d_from_next")
    return next((n for n in names if n not in site.source.text), "d_from_the_next")


def _terms(site: Site, loop: ast.For | ast.While) -> Iterator[str]:
    """Matrix products of a gradient that a turn makes and a parameter, of the shape of a value."""
    made = {n for s in loop.body for n in assigned(s)}
    gradients = [k for n in sorted(made) if (k := site.known.get(n)) and is_called_gradient(n)]
    weights = [k for k in site.known.values() if k.array.ndim == 2 and _is_given(site, k)]
    for weight in weights:
        for gradient in (g for g in gradients if g.array.ndim):
            yield from _products(weight, gradient, site.shape or ())


def _is_given(site: Site, known: Known) -> bool:
    """Whether something is an input of the spec, by its numbers or by its name."""
    by_name = known.name.split(".")[-1] in site.inputs
    return by_name or (known.role is not None and known.role.kind == "input")


def _products(weight: Known, gradient: Known, shape: tuple[int, ...]) -> Iterator[str]:
    rows, columns = weight.shape
    own = gradient.shape
    if own[:1] == (rows,) and (columns, *own[1:]) == shape:
        yield f"{weight.name}.T @ {gradient.name}"
    if own[:1] == (columns,) and (rows, *own[1:]) == shape:
        yield f"{weight.name} @ {gradient.name}"
    if len(own) == 2 and own[1] == columns and (own[0], rows) == shape:
        yield f"{gradient.name} @ {weight.name}.T"
    if len(own) == 2 and own[1] == rows and (own[0], columns) == shape:
        yield f"{gradient.name} @ {weight.name}"


def _nothing(_: Site) -> Iterator[Proposal]:
    return iter(())


RULES = (
    Rule(
        "a name that nothing reads",
        "path",
        _kept,
        "`{word}` is never read: it ought to be `{new}`, which the next turn reads",
    ),
    Several(
        "nothing is handed back",
        "path",
        _nothing,
        "what the turn after hands back, its `{word}`, is left out: the repair is in three lines",
        _handed_back,
    ),
)
