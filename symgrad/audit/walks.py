"""The parts of syntax trees and their texts, each looked up once: trees of sources don't change."""

from __future__ import annotations

import ast
from functools import lru_cache

MOST = 1 << 15
"""How many nodes are kept: a program of a thousand lines has fewer."""


@lru_cache(MOST)
def walked(node: ast.AST) -> tuple[ast.AST, ...]:
    """A node and all that is in it, as ``ast.walk`` goes."""
    return tuple(ast.walk(node))


@lru_cache(MOST)
def typed(node: ast.AST) -> str:
    """The text of a node, as ``ast.unparse`` writes it."""
    return ast.unparse(node)
