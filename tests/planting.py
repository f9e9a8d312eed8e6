"""Faults planted in generated passes, one at a time: a line of the backward pass is changed."""

from __future__ import annotations

import ast
import copy
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

OVERWRITTEN = "assigned, not added"


@dataclass(frozen=True)
class Planted:
    """A program with one fault: at which line, what was done, and the line before."""

    code: str
    line: int
    how: str
    before: str


def planted(code: str, function: str, rng: random.Random) -> Iterator[Planted]:
    """Faults of all kinds in a function of a program, in a random order."""
    tree = ast.parse(code)
    node = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == function)
    spots = in_turn(_spots(node), rng)
    names = sorted({n.id for n in ast.walk(node) if isinstance(n, ast.Name)} - {"np", "Gradients"})
    for statement, how, number in spots:
        changed = _changed(statement)
        if how == OVERWRITTEN and isinstance(changed, ast.AugAssign):
            changed = ast.copy_location(ast.Assign([changed.target], changed.value), changed)
        elif isinstance(changed, ast.Return) or not WAYS[how](changed, number, rng, names):
            continue
        lines = code.split("\n")
        first, last = statement.lineno - 1, statement.end_lineno or statement.lineno
        before = "\n".join(lines[first:last])
        lines[first:last] = [" " * statement.col_offset + ast.unparse(changed)]
        lines[first + 1 : first + 1] = [""] * (last - first - 1)
        yield Planted("\n".join(lines), statement.lineno, how, before.strip())


def _spots(node: ast.FunctionDef) -> Iterator[tuple[ast.stmt, str, int]]:
    """Where each of the ways fits; what is clipped at the very end is no fault."""
    (last,) = (n for n in node.body if isinstance(n, ast.Return))
    out = {n.id for n in ast.walk(last) if isinstance(n, ast.Name)}
    for statement in _simple(node):
        inside = {n.id for n in ast.walk(statement) if _is_stored(n)}  # type: ignore[attr-defined]
        if isinstance(statement, ast.AugAssign):
            yield statement, OVERWRITTEN, 0
        for how, make in WAYS.items():
            if how != "clipped" or not inside & out:
                yield from ((statement, how, k) for k in range(_count(_changed(statement), make)))


def _is_stored(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def in_turn(
    spots: Iterator[tuple[ast.stmt, str, int]], rng: random.Random
) -> list[tuple[ast.stmt, str, int]]:
    """The spots in a random order in which each of the ways comes about as often."""
    by_way: dict[str, list[tuple[ast.stmt, str, int]]] = {}
    for spot in spots:
        by_way.setdefault(spot[1], []).append(spot)
    order: list[tuple[float, tuple[ast.stmt, str, int]]] = []
    for several in by_way.values():
        rng.shuffle(several)
        order += [(k + rng.random(), spot) for k, spot in enumerate(several)]
    return [spot for _, spot in sorted(order, key=lambda o: o[0])]


def _simple(node: ast.FunctionDef) -> list[ast.stmt]:
    """The statements of a function that are on lines of their own, in loops too."""
    inner = (n for n in ast.walk(node) if isinstance(n, (ast.Assign, ast.AugAssign)))
    return sorted(inner, key=lambda n: n.lineno)


def _count(statement: ast.stmt, make: Any) -> int:
    return sum(_fits(n, make) for n in ast.walk(statement))


def _fits(node: ast.AST, make: Any) -> bool:
    return bool(make.fits(node))


class Way:
    """One way to spoil a node: which it fits, and what stands there instead."""

    def __init__(self, fits: Any, instead: Any) -> None:
        self.fits, self.instead = fits, instead

    def __call__(
        self, statement: ast.stmt, number: int, rng: random.Random, names: list[str]
    ) -> bool:
        nodes = [n for n in ast.walk(statement) if self.fits(n)]
        target = nodes[number]
        new = self.instead(target, rng, names)
        if new is None:
            return False
        for parent in ast.walk(statement):
            for name, value in ast.iter_fields(parent):
                if value is target:
                    setattr(parent, name, new)
                    return True
                if isinstance(value, list) and any(v is target for v in value):
                    setattr(parent, name, [new if v is target else v for v in value])
                    return True
        return False


def _is(op: type[ast.operator], *more: type[ast.operator]) -> Any:
    return lambda n: isinstance(n, ast.BinOp) and isinstance(n.op, (op, *more))


def _name(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Name)
        and isinstance(node.ctx, ast.Load)
        and node.id not in ("np", "len")
    )


def _changed(statement: ast.stmt) -> ast.stmt:
    """A copy of a statement; what it assigns to is no part of it that may be spoiled."""
    new = copy.deepcopy(statement)
    targets = new.targets if isinstance(new, ast.Assign) else [getattr(new, "target", None)]
    for base in (n for t in targets if isinstance(t, ast.Subscript) for n in ast.walk(t)):
        if isinstance(base, ast.Name):
            base.ctx = ast.Store()
    return new


def _axis(node: ast.Call, rng: random.Random, _: list[str]) -> ast.expr | None:
    new = copy.deepcopy(node)
    for keyword in new.keywords:
        if keyword.arg == "axis" and isinstance(keyword.value, ast.Constant):
            keyword.value = ast.Constant(
                1 - keyword.value.value if keyword.value.value in (0, 1) else 0
            )
            return new
    return None


def _attribute(name: str) -> Any:
    return lambda n: (
        isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr == name
    )


def _called(function: str, *more: ast.expr) -> Any:
    """What a function of NumPy makes of a node."""
    numpy = ast.Attribute(ast.Name("np", ast.Load()), function, ast.Load())
    return lambda n, r, _: ast.Call(numpy, [n, *more], [])


def _number(node: ast.AST) -> bool:
    value = node.value if isinstance(node, ast.Constant) else None
    return isinstance(value, float)


def _place(node: ast.AST) -> bool:
    """Whether a node is an entry of an array that is read, at a place that is no number."""
    reads = isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load)
    return reads and isinstance(node.slice, (ast.Name, ast.BinOp))  # type: ignore[attr-defined]


def _next(node: ast.Subscript, rng: random.Random, _: list[str]) -> ast.expr:
    new = copy.deepcopy(node)
    new.slice = ast.BinOp(new.slice, ast.Sub(), ast.Constant(1))
    return new


def _mean(node: ast.Call, rng: random.Random, _: list[str]) -> ast.expr:
    new = copy.deepcopy(node)
    assert isinstance(new.func, ast.Attribute)
    new.func.attr = "mean"
    return new


WAYS: dict[str, Way] = {
    "a factor dropped": Way(_is(ast.Mult), lambda n, r, _: r.choice([n.left, n.right])),
    "a divisor dropped": Way(_is(ast.Div), lambda n, r, _: n.left),
    "a term dropped": Way(_is(ast.Add, ast.Sub), lambda n, r, _: n.left),
    "a sign": Way(_is(ast.Add), lambda n, r, _: ast.BinOp(n.left, ast.Sub(), n.right)),
    "the other sign": Way(_is(ast.Sub), lambda n, r, _: ast.BinOp(n.left, ast.Add(), n.right)),
    "a power dropped": Way(_is(ast.Pow), lambda n, r, _: n.left),
    "a transpose dropped": Way(
        lambda n: isinstance(n, ast.Attribute) and n.attr == "T", lambda n, r, _: n.value
    ),
    "a transpose": Way(
        _name, lambda n, r, _: ast.Attribute(n, "T", ast.Load())
    ),
    "another array": Way(_name, lambda n, r, names: ast.Name(r.choice(names), ast.Load())),
    "another axis": Way(_attribute("sum"), _axis),
    "a mean": Way(_attribute("sum"), _mean),
    "twice": Way(_name, lambda n, r, _: ast.BinOp(ast.Constant(2), ast.Mult(), n)),
    "the mask turned": Way(
        lambda n: isinstance(n, ast.Compare),
        lambda n, r, _: ast.Compare(n.left, [ast.Lt()], n.comparators),
    ),
    "clipped": Way(
        lambda n: isinstance(n, ast.BinOp), _called("clip", ast.Constant(-0.05), ast.Constant(0.05))
    ),
    "another number": Way(_number, lambda n, r, _: ast.Constant(n.value * 1.5)),
    "a power added": Way(
        lambda n: isinstance(n, ast.BinOp) and isinstance(n.op, (ast.Add, ast.Sub)),
        lambda n, r, _: ast.BinOp(n, ast.Pow(), ast.Constant(2)),
    ),
    "the place before": Way(_place, _next),
    "a sum dropped": Way(
        _attribute("sum"), lambda n, r, _: n.args[0] if n.args else n.func.value
    ),
    "rounded": Way(
        lambda n: isinstance(n, ast.BinOp),
        lambda n, r, _: ast.Call(
            ast.Attribute(ast.Name("np", ast.Load()), "round", ast.Load()), [n, ast.Constant(1)], []
        ),
    ),
}  # fmt: skip


def differs(right: Any, wrong: Any) -> bool:
    """Whether two sets of gradients differ, and are numbers."""
    apart = False
    for one, other in zip(right, wrong, strict=True):
        if np.shape(one) != np.shape(other):
            apart = True
        elif not np.isfinite(other).all():
            return False
        else:
            apart |= bool(np.abs(one - other).max() > 1e-3 * (np.abs(one).max() + 1e-9))
    return apart
