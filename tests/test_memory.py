"""Buffers that several values share: every line of a generated function reads what it should."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import symgrad as sg
from symgrad.targets import TARGETS
from tests.losses import SOME, Loss
from tests.spoiling import spoilt_workspace
from tests.test_losses import derived, point

FUNCTIONS = ("loss", "gradients", "loss_and_gradients")


# -- losses whose inlined lines read buffers late -------------------------------------------------


def whole_sum(np, w, x, c):
    """The line of the outer sum holds Σ z, and tanh z could lie upon z."""
    z = w * x
    return np.sum(c * (np.tanh(z) + np.sum(z)))


def inner_product(np, w, x, c):
    z = w * x
    return np.sum(c * (np.tanh(z) + x @ z))


def of_a_matrix(np, w, x, c):
    z = w[:, None] * x
    return np.sum(c * (np.exp(z) + np.sum(z)))


def inside_a_function(np, w, x, c):
    z = w * x
    return np.sum(c * np.tanh(np.tanh(z) + np.sum(z)))


def first_entries(np, w, x, c):
    """A slice instead of a number."""
    z = w * x
    return np.sum(c * (np.tanh(z) * z[:1] + z[1]))


LATE = [
    Loss(whole_sum, {"w": (4,)}, {"x": (4,), "c": (4,)}),
    Loss(inner_product, {"w": (4,)}, {"x": (4,), "c": (4,)}),
    Loss(of_a_matrix, {"w": (3,)}, {"x": (4,), "c": (3, 4)}),
    Loss(inside_a_function, {"w": (4,)}, {"x": (4,), "c": (4,)}),
    Loss(first_entries, {"w": (4,)}, {"x": (4,), "c": (4,)}),
]


def loaded(derivation: sg.Derivation, source: str) -> ModuleType:
    return TARGETS["numpy"].load(source, derivation.system.output)


def results(module: ModuleType, at: Mapping[str, np.ndarray], **more: Any) -> list[np.ndarray]:
    found = []
    for name in FUNCTIONS:
        value = getattr(module, name)(**at, **more)
        parts = value if isinstance(value, tuple) else (value,)
        for part in parts:
            found += [np.array(a) for a in (part if isinstance(part, tuple) else (part,))]
    return found


def test_the_late_ones_are_computed_late() -> None:
    """So that they stay what they are for: z is read again in the line that reads tanh z."""
    lines = derived(LATE[0]).source().splitlines()
    assert any("(z" in line and ".dot(ws.ones)" in line and "np.add(" in line for line in lines)


# -- line by line -------------------------------------------------------------------------------


class Run:
    """A generated function, statement by statement: who reads an array that was overwritten?

    An array's name stands for the numbers that the last line about it left there.  Memory may be
    shared as it will: where a name is read, the numbers must be these.
    """

    def __init__(self, module: ModuleType, tree: ast.Module, name: str) -> None:
        found = (f for f in tree.body if isinstance(f, ast.FunctionDef) and f.name == name)
        self.body = next(found).body[1:]  # without the docstring
        self.module = module

    def overwritten(self, at: Mapping[str, np.ndarray], workspace: Any) -> list[str]:
        """The lines that read something else than was left for them, and what they read."""
        space: dict[str, Any] = {**at, "workspace": workspace}
        constants = {n: np.array(a) for n, a in vars(workspace).items() if is_array(a)}
        held = {n: np.array(a) for n, a in at.items()}
        found = []
        for statement in self.body:
            read = loads(statement) - only_written(statement)
            found += [
                f"{name}: {ast.unparse(statement)}"
                for name in sorted(read & held.keys())
                if not same(space[name], held[name])
            ]
            found += [
                f"ws.{name}: {ast.unparse(statement)}"
                for name in sorted(attributes(statement) & constants.keys())
                if not same(vars(workspace)[name], constants[name])
            ]
            if isinstance(statement, ast.Return):
                break
            if isinstance(statement, ast.If):  # whether few numbers are computed without arrays
                continue
            code = compile(ast.Module([statement], []), "<generated>", "exec")
            exec(code, vars(self.module), space)
            for name in changed(statement):
                if is_array(space.get(name)):
                    held[name] = np.array(space[name])
        return found


def is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)


def same(one: Any, other: Any) -> bool:
    return bool(np.array_equal(one, other, equal_nan=np.asarray(one).dtype.kind == "f"))


def loads(statement: ast.stmt) -> set[str]:
    """The names that a statement reads, but for those whose memory alone it takes."""
    taken = {id(n) for n in out_arguments(statement)}
    names = {n.id for n in ast.walk(statement)
             if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and id(n) not in taken
             }  # fmt: skip
    if isinstance(statement, ast.AugAssign):
        names.add(base(statement.target))
    return names


def only_written(statement: ast.stmt) -> set[str]:
    """What is only written: all of ``x`` in ``x[...] = 0``, ``x`` in ``np.copyto(x, y)``."""
    if isinstance(statement, ast.Assign):
        return {base(t) for t in statement.targets}
    return set()


def out_arguments(statement: ast.stmt) -> list[ast.expr]:
    """The buffers into which a statement writes."""
    calls = (n for n in ast.walk(statement) if isinstance(n, ast.Call))
    return [k.value for call in calls for k in call.keywords if k.arg == "out"]


def attributes(statement: ast.stmt) -> set[str]:
    """What is read of the workspace itself: not where a name is given to memory, to fill it."""
    if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Attribute):
        return set()
    taken = {id(n) for n in out_arguments(statement)}
    return {
        n.attr
        for n in ast.walk(statement)
        if isinstance(n, ast.Attribute)
        and isinstance(n.value, ast.Name)
        and n.value.id == "ws"
        and id(n) not in taken
    }


def base(node: ast.expr) -> str:
    """The array that is meant by ``x``, ``x[1:]`` or ``x.T``."""
    while isinstance(node, ast.Subscript | ast.Attribute | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def changed(statement: ast.stmt) -> Iterator[str]:
    """The names that stand for new numbers after a statement."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.AugAssign):
            yield base(node.target)
        elif isinstance(node, ast.Assign):
            yield from (base(t) for t in node.targets if isinstance(t, ast.Subscript))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield from (base(n) for n in out_arguments(node))
            whose = base(node.value.func)
            yield base(node.value.args[0]) if whose == "np" else whose


@pytest.mark.parametrize("loss", [*(pytest.param(loss, id=loss.name) for loss in LATE), *SOME])
def test_a_workspace_changes_no_number(loss: Loss) -> None:
    derivation = derived(loss)
    source = derivation.source()
    module, tree = loaded(derivation, source), ast.parse(source)
    workspace = spoilt_workspace(module)
    found = [f for n in FUNCTIONS for f in Run(module, tree, n).overwritten(point(loss), workspace)]
    assert found == []
    plain = loaded(derivation, derivation.source(plain=True))
    for seed in range(2):  # the second time in what the first left
        at = point(loss, seed)
        right = results(plain, at)
        for one, other in zip(right, results(module, at, workspace=workspace), strict=True):
            scale = max(1.0, float(np.abs(one).max(initial=0.0)))
            np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-11 * scale)
