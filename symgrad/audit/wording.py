"""Code and sentences as they are told: no needless brackets, and nothing that is shown below."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Sequence

Change = tuple[int, int, str]
"""From where to where in the text, and what stands there instead."""

LONG = 72
"""How many letters two expressions may have together to be quoted beside the repaired line."""

_QUOTED = re.compile(r"`([^`]*)`")
_INSTEAD = re.compile(r"`(?P<old>[^`]*)`(?P<between>[^`]*ought to be )`(?P<new>[^`]*)`")
_NAMED = re.compile(
    r"(?<=the factor )[^`]+?(?= is missing)|(?<=only where )[^`;]+"
    r"|(?<=the factor has )[^`]+?(?= where it ought to have )|(?<=where it ought to have )[^`;]+"
    r"|^[^`;]+?(?= is overwritten where)|(?<= at )[^`;]+?(?= is missing)"
)
"""Code that stands in a sentence as it is."""
_FRACTION = re.compile(r"(?<!\w)\((\d+ ?/ ?[\w.\[\]]+)\)")
_FLOAT = re.compile(r"(?<![\w.])\d+\.\d{10,}(?:e[+-]?\d+)?")
_SIDE = re.compile(r"\w+\[([a-z](?:,[a-z])*)\] = ")
_LETTERS = re.compile(
    r"(?<=Σ_)[a-z]|(?<=Σ_\{)[a-z,]+|(?<=softmax_)[a-z](?=\()|δ\([^()]*\)|\[[^\[\]]*\]"
)
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")


def changed(text: str, changes: Iterable[Change]) -> str:
    """A text with some parts replaced."""
    for start, end, new in sorted(changes, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def tidied(text: str, changes: Sequence[Change]) -> list[Change]:
    """Changes of a program, what they put in written as its author would."""
    found = list(changes)
    for k, (start, end, new) in enumerate(changes):

        def same(other: str, k: int = k, start: int = start, end: int = end) -> bool:
            tried = [*found[:k], (start, end, other), *found[k + 1 :]]
            return _same(changed(text, found), changed(text, tried))

        old = text[start:end]
        new = new.replace(" * 1 / ", " / ")
        quoted = new.replace("'", '"') if '"' in old and "'" not in old else new
        new = quoted if same(quoted) else new
        found[k] = (start, end, _bare(new, old, same))
    return found


def _bare(text: str, keep: str, same: Callable[[str], bool]) -> str:
    """A text without the brackets that change nothing; those that are in another are kept."""
    for start, end in _pairs(text):
        inner = text[start + 1 : end]
        without = f"{text[:start]}{inner}{text[end + 1 :]}"
        if f"({inner})" not in keep and same(without):
            return _bare(without, keep, same)
    return text


def _pairs(text: str) -> list[tuple[int, int]]:
    """The pairs of brackets in a text, the outer ones first."""
    found, left = [], []
    for k, letter in enumerate(text):
        if letter == "(":
            left.append(k)
        elif letter == ")" and left:
            found.append((left.pop(), k))
    return sorted(found)


def _same(one: str, other: str) -> bool:
    """Whether two texts are the same program."""
    try:
        return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))
    except (SyntaxError, ValueError, RecursionError):
        return False


# -- sentences ------------------------------------------------------------------------------------


def sentence(words: str, repaired: str) -> str:
    """A sentence on a line: its code without needless brackets, and quoted where that is short.

    ``repaired``: the line as it is shown with the repair.
    """
    words = _NAMED.sub(lambda m: f"`{m[0]}`" if _is_code(m[0]) else m[0], words)
    words = _INSTEAD.sub(_narrowed, words)
    words = _QUOTED.sub(lambda m: f"`{_as_there(_code(m[1]), repaired)}`", words)
    found = _INSTEAD.search(words)
    if found and repaired and len(found["old"] + found["new"]) > LONG:
        words = _without(words, found)
    return _FRACTION.sub(r"\1", words)


def _without(words: str, found: re.Match[str]) -> str:
    """A sentence without what ought to be what, which the repaired line shows."""
    before, after = words[: found.start()], words[found.end() :]
    if before.rstrip().endswith(":"):
        return before.rstrip().removesuffix(":") + after
    lead = found["between"].partition(":")[0].strip()
    return f"{before}the expression {lead}{after}" if lead else words


def _is_code(text: str) -> bool:
    """Whether something is an expression, and no number."""
    try:
        parts = ast.walk(ast.parse(text, mode="eval"))
    except (SyntaxError, ValueError):
        return False
    return any(isinstance(part, ast.Name) for part in parts)


def _as_there(text: str, line: str) -> str:
    """Code with the quotes that it has in a line."""
    other = text.replace("'", '"')
    return other if other in line and text not in line else text


def _code(text: str) -> str:
    """An expression, or a statement, without needless brackets."""
    text = text.strip()
    return _bare(text, "", lambda other: _same(text, other))


def _narrowed(found: re.Match[str]) -> str:
    """The parts in which two expressions differ, where these are one and the same."""
    pair = _difference(found["old"], found["new"])
    old, new = pair if pair is not None else (found["old"], found["new"])
    return f"`{old}`{found['between']}`{new}`"


def _difference(old: str, new: str) -> tuple[str, str] | None:
    """What one expression has where the other has something else, if it is one thing."""
    try:
        trees = ast.parse(old, mode="eval").body, ast.parse(new, mode="eval").body
    except (SyntaxError, ValueError):
        return None
    segment = ast.get_source_segment
    pairs = {(segment(old, a), segment(new, b)) for a, b in _differing(*trees)}
    one, other = pairs.pop() if len(pairs) == 1 else (None, None)
    return (one, other) if one and other else None


_INNER = (ast.BinOp, ast.UnaryOp, ast.Call, ast.Compare)
"""Expressions that are looked into."""


def _differing(one: ast.AST, other: ast.AST) -> list[tuple[ast.AST, ast.AST]]:
    """The innermost parts in which two expressions differ."""
    if ast.dump(one) == ast.dump(other):
        return []
    pairs = _parts(one, other) if isinstance(one, _INNER) and type(one) is type(other) else None
    return [(one, other)] if pairs is None else [d for p in pairs for d in _differing(*p)]


def _parts(one: ast.AST, other: ast.AST) -> list[tuple[ast.AST, ast.AST]] | None:
    """The parts of two expressions, where all that differs is in such as have a meaning alone."""
    parts = [list(ast.iter_child_nodes(node)) for node in (one, other)]
    if len(parts[0]) != len(parts[1]):
        return None
    pairs = [p for p in zip(*parts, strict=True) if ast.dump(p[0]) != ast.dump(p[1])]
    alone = (ast.Name, ast.Subscript, ast.Attribute, ast.IfExp, *_INNER)
    return pairs if all(isinstance(n, alone) for p in pairs for n in p) else None


def which(old: str, line: str, place: int) -> str:
    """Which of several an expression of a line is, where it stands there more than once."""
    word = re.compile(rf"(?<![\w.]){re.escape(old)}(?![\w.])")
    starts = [found.start() for found in word.finditer(line)]
    if not 2 <= len(starts) <= len(_ORDINALS) or place not in starts:
        return ""
    return f" (the {_ORDINALS[starts.index(place)]} `{old}` of the line)"


def rounded(equation: str) -> str:
    """An equation whose numbers have no more digits than they need: 1.5625 for 1.56249999999998."""
    return _FLOAT.sub(lambda m: f"{float(m[0]):.10g}", equation)


def with_letters_of(equation: str, other: str) -> str:
    """An equation whose value has the index letters that it has in another one, where it may."""
    sides = _SIDE.match(equation), _SIDE.match(other)
    own, wanted = (side[1].split(",") if side else [] for side in sides)
    bare = _LETTERS.sub("", equation)
    if len(own) != len(wanted) or own == wanted or "[" in bare:
        return equation
    letters = _exchanged(own, wanted)
    if any(re.search(rf"\b{letter}\b", bare) for letter in letters.values()):
        return equation
    one = re.compile(r"\b[a-z]\b(?!\[)")
    return _LETTERS.sub(lambda part: one.sub(lambda m: letters.get(m[0], m[0]), part[0]), equation)


def _exchanged(own: Sequence[str], wanted: Sequence[str]) -> dict[str, str]:
    """Letters for letters; one that is taken by this, and summed over, gets one that is left."""
    letters = dict(zip(own, wanted, strict=True))
    back = {new: old for old, new in letters.items()}
    for letter in set(wanted) - set(own):
        free = letter
        while free in back:
            free = back[free]
        letters[letter] = free
    return letters
