"""What people call gradients: the value that a name of theirs is the derivative by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

_AFTER = [
    "{}",
    "d{}",
    "d_{}",
    "D{}",
    "g{}",
    "g_{}",
    "{}_g",
    "del_{}",
    "del{}",
    "delta_{}",
    "delta{}",
    "nabla_{}",
    "nabla{}",
    "{}_delta",
    "{}delta",
    "{}_bar",
    "{}bar",
    "bar_{}",
    "grad_{}",
    "grad{}",
    "{}_grad",
    "{}grad",
    "gradient_{}",
    "{}_gradient",
    "{}_d",
    "{}_error",
    "d{}_",
    "D_{}",
    "d_{}_total",
    "d{}_total",
    "d{}s",
    "grads_{}",
    "{}_grads",
    "partial_{}",
    "∂{}",
    "adj_{}",
    "{}_adj",
]
_LOSSES = ("L", "loss", "Loss", "J", "E", "C", "cost", "Cost", "l", "err", "f", "out_", "error")
_PATTERNS = (
    *_AFTER[1:],
    *(f"d{loss}_d{{}}" for loss in _LOSSES),
    *(f"d{loss}d{{}}" for loss in _LOSSES),
    *(f"d{loss}_{{}}" for loss in _LOSSES),
    *(f"∂{loss}_∂{{}}" for loss in _LOSSES),
    *(f"d_{loss}_d_{{}}" for loss in _LOSSES),
    *(f"grad_{loss}_{{}}" for loss in _LOSSES),
    *(f"{word}_{loss}_wrt_{{}}" for loss in _LOSSES for word in ("grad", "gradient", "d")),
    *(f"{word}_wrt_{{}}" for word in ("grad", "gradient", "dloss", "dL", "dJ")),
)
_HOLDERS = re.compile(
    r"^(?:self\.)?_*(g|G|d|grads?|gradients?|deltas?|dparams|d_?\w*|\w*_?grads?|out|result|res|"
    r"dtheta|dweights|derivatives)$"
)
_KEYED = re.compile(r"""^(?P<holder>[\w.]+)\[(?P<quote>['"])(?P<key>[^'"]+)(?P=quote)\]$""")


_ATTRIBUTE = re.compile(r"(?!self\.)\w+(?:\[\d+\])?\.([A-Za-z_]\w*)")
"""An attribute of an object, which may be called as a gradient is."""


_DEEP = re.compile(r"(?!self\.)\w[\w.\[\]]*\.([A-Za-z_]\w*)")
"""An attribute of an object that another holds: ``net.layers[1].gamma``."""


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.replace("∂", "d")).lower()


class Habits:
    """The values of a spec by what people call them, and their gradients."""

    def __init__(self, values: Iterable[str]) -> None:
        self.values = tuple(values)
        self.exact: dict[str, str] = {}
        self.loose: dict[str, str] = {}
        for pattern in _PATTERNS:
            for value in self.values:
                self.exact.setdefault(pattern.format(value), value)
        for value in self.values:
            for pattern in _PATTERNS:
                for word in _words_for(value):
                    self.exact.setdefault(pattern.format(word), value)
        for written, value in self.exact.items():
            self.loose.setdefault(_plain(written), value)
        self.same = {_plain(v): v for v in reversed(self.values)}
        self.other: set[str] = set()
        """What is called as a gradient is, and is known to be another."""
        self.meant: dict[str, str] = {}
        """What is known to be a gradient by its use."""

    def gradient(self, code: str, *, handed_out: bool = False) -> str | None:
        """The value whose gradient is called so; where they are handed out, also by a bare name."""
        if code in self.other:
            return None
        if code in self.meant:
            return self.meant[code]
        attribute = _ATTRIBUTE.fullmatch(code)
        found = self._gradient(code, handed_out=handed_out)
        return found if found or not attribute else self._gradient(attribute[1])

    def _gradient(self, code: str, *, handed_out: bool = False) -> str | None:
        key, is_gradient = _key(code)
        found = self.exact.get(key)
        if found is not None and not (key in self.values and not (handed_out or is_gradient)):
            return key if key in self.values and (handed_out or is_gradient) else found
        if handed_out or is_gradient:
            if key in self.values:
                return key
            if _plain(key) in self.same and not _plain(key).startswith("d"):
                return self.same[_plain(key)]
        if key in self.values:
            return None
        return self.loose.get(_plain(key)) or (
            self.same.get(_plain(key)) if handed_out or is_gradient else None
        )

    def value(self, code: str) -> str | None:
        """The value, of the forward pass, that is called so."""
        key, is_gradient = _key(code)
        if is_gradient:
            return None
        if key in self.values:
            return key
        if key in self.exact or _plain(key) in self.loose:
            return None
        return self.same.get(_plain(key))


_GRADIENT_OF = re.compile(r"(?P<of>.+)\.(?:grad|gradient|grads|diff)$")
"""A gradient that an object holds beside a parameter: ``W1.grad``, ``params['W1'].grad``."""


def _key(code: str) -> tuple[str, bool]:
    """The name itself, of an entry its key; and whether it is an entry of gradients."""
    held = _GRADIENT_OF.match(code)
    if held and held["of"] != "self":
        key = _key(held["of"])[0]
        return key.rpartition(".")[2] if key.replace(".", "").isidentifier() else key, True
    keyed = _KEYED.match(code)
    if keyed:
        return keyed["key"], bool(_HOLDERS.match(keyed["holder"]))
    if code.startswith("self."):
        return code.removeprefix("self.").lstrip("_"), False
    return code, False


def key_of(code: str) -> str | None:
    """The word by which an entry of a dictionary is read: W1 of ``self.grads['W1']``."""
    keyed = _KEYED.match(code)
    return keyed["key"] if keyed else None


def is_entry_of_others(code: str) -> bool:
    """Whether something is an entry of what is called otherwise than gradients: ``v['dW1']``."""
    keyed = _KEYED.match(code)
    return keyed is not None and not _HOLDERS.match(keyed["holder"])


_INPUTS = [
    "{}_target",
    "{}_true",
    "target_{}",
    "{}_train",
    "{}_batch",
    "{}_raw",
    "{}_norm",
    "{}_scaled",
    "{}_std",
    "{}s",
    "{}_in",
    "{}_data",
    "{}_input",
    "{}_onehot",
    "{}_one_hot",
    "{}_oh",
    "one_hot_{}",
    "onehot_{}",
    "{}0",
    "{}_enc",
    "{}_label",
    "{}_labels",
    "{}_b",
    "{}_bias",
    "{}_aug",
    "train_{}",
    "batch_{}",
]
_SYNONYMS = (
    {"X", "x", "inputs", "input", "data", "features", "inp", "xs", "X_train"},
    {
        "Y",
        "y",
        "targets",
        "target",
        "labels",
        "label",
        "t",
        "T",
        "ys",
        "y_true",
        "Y_true",
        "Y_target",
    },
    {"W", "weight", "weights"},
    {"w", "weight", "weights", "theta"},
    {"h0", "hprev", "h_prev", "h_init", "h"},
    {"b", "bias", "biases", "intercept"},
    {"lam", "lambda_", "lmbda", "reg"},
)


def _words_for(value: str) -> Iterator[str]:
    """What a weight or a bias is called in words: weights1 for W1."""
    stem = value.rstrip("0123456789").rstrip("_")
    number = value.removeprefix(stem).lstrip("_")
    for group in _SYNONYMS if stem in ("W", "w", "b") else ():
        words = (w for w in sorted(group) if stem in group and len(w) > 2)
        yield from (f"{word}{number}" for word in words)


def inputs_called(value: str, codes: Iterable[str]) -> Iterator[str]:
    """Names among those of a program that may be an input of the spec, the likeliest first."""
    names = [n for n in codes if not is_held_as_gradient(n)]
    state = [n for n in names if _OF_STATE.search(n)]
    yield from _likely(value, [n for n in names if n not in state])
    yield from _likely(value, state)


def _likely(value: str, names: Sequence[str]) -> Iterator[str]:
    """As ``inputs_called``, of names that are no gradients."""
    keys = {n: _key(n)[0] for n in names}
    held = {n: found[1] for n in names if (found := _HELD.fullmatch(n))}
    yield from (n for n in names if keys[n] == value)
    yield from (n for n in names if _plain(keys[n]) == _plain(value))
    written = {_plain(p.format(value)) for p in _INPUTS}
    yield from (n for n in names if _plain(keys[n]) in written)
    for group in _SYNONYMS:
        if value in group:
            yield from (n for n in names if keys[n] in group)
            also = {_plain(p.format(word)) for word in sorted(group) for p in _INPUTS}
            yield from (n for n in names if _plain(keys[n]) in also)
    words = {*_words_for(value)}
    yield from (n for n in names if _plain(keys[n]) in words)
    yield from (n for n, attribute in held.items() if attribute == value)
    yield from (n for n, attribute in held.items() if _plain(attribute) in words)
    deep = [n for n in names if n not in held and (of := _DEEP.fullmatch(n)) and of[1] == value]
    yield from deep if len(deep) == 1 else ()
    same = {word for group in _SYNONYMS if value in group for word in group}
    alike = [n for n, attribute in held.items() if attribute in same]
    yield from alike if len(alike) == 1 else ()


_WRAPPED = r"(?:\.(?:data|value|val|array))?"
"""What an object calls its own array, beside its gradient."""
_OF_STATE = re.compile(r"(^|[._])(state|momentums?|velocit\w+|moments?|cache|[mvs])\[")
"""What optimisers hold beside parameters, under the names of these."""
_HELD = re.compile(rf"(?:\w+\.)+?([A-Za-z_]\w*){_WRAPPED}")
"""What an object holds: ``net.W1``, ``net.W1.data``."""


def is_held_as_gradient(code: str) -> bool:
    """Whether something is a gradient by where it is held: ``grads.W1``, ``l1.weight.grad``."""
    of = _GRADIENT_OF.fullmatch(code) or _OF_A_LAYER.fullmatch(code)
    return _is_of_gradients(code) or of is not None


_OF_A_LAYER = re.compile(r".+\._*(?:\w*_)?(?:grads?|gradients?)\[(['\"])(?P<of>\w+)\1\]")
"""A gradient that a layer keeps under the name of its parameter: ``layers[0].grads['W']``."""


def _is_of_gradients(code: str) -> bool:
    """Whether something is held by what is called as gradients are: ``grad.W1``, ``grad['W1']``."""
    keyed = _KEYED.match(code)
    holder = keyed["holder"] if keyed else code.rpartition(".")[0]
    return bool(_OF_GRADIENTS.fullmatch(holder))


_OF_GRADIENTS = re.compile(
    r"(self\.)?_*(g|d|(\w*_)?(grads?|gradients?)(_\w*)?|deltas?|dparams|derivatives)"
)


_PLACE = re.compile(r"(.+?)((?:\[\d+\])+)")
"""An entry of a list, or of lists in one."""


def by_place(codes: Iterable[str]) -> dict[str, dict[str, str]]:
    """Entries of lists, by what the lists are called and where they stand in them."""
    found: dict[str, dict[str, str]] = {}
    for code in codes:
        if place := _PLACE.fullmatch(code):
            found.setdefault(place[1], {})[place[2]] = code
    return found


_NUMBERED = re.compile(r"(\w*?)_?(\d+)")
_STEMS = {"weight": "W", "weights": "W", "kernel": "W", "w": "W", "bias": "b", "biases": "b"}
"""What layers call what a network numbers."""


def in_order(
    codes: Iterable[str], values: Iterable[str], *, bare: bool
) -> Iterator[tuple[list[str], list[str]]]:
    """Entries of layers that are called alike, and the values that they are of, by their numbers.

    In ``layers[0].dW, layers[2].dW`` the first is of W1, and the second of W2.  ``bare``: whether
    ``layers[0].W`` may be a gradient.
    """
    stems: dict[str, list[str]] = {}
    for value in values:
        numbered = _NUMBERED.fullmatch(value)
        if numbered and numbered[1]:
            stems.setdefault(numbered[1], []).append(value)
    habits = Habits(stems)
    alike: dict[str, list[str]] = {}
    for code in codes:
        alike.setdefault(re.sub(r"\d+", "#", code), []).append(code)
    for several in alike.values():
        stem = _stem(several[0], habits, bare=bare) if len(several) > 1 else None
        ordered = sorted(stems.get(stem or "", []), key=lambda v: int(_NUMBERED.fullmatch(v)[2]))  # type: ignore[index]
        if len(several) == len(ordered):
            yield several, ordered


def _stem(code: str, habits: Habits, *, bare: bool) -> str | None:
    """What an entry of a layer is the gradient by, without its number."""
    of = _GRADIENT_OF.match(code) or _OF_A_LAYER.fullmatch(code)
    held = re.sub(rf"{_WRAPPED}$", "", code) if bare else code
    words = re.findall(r"[A-Za-z_]\w*", of["of"] if of else held)
    last = words[-1] if words else ""
    short = last.removesuffix("s")
    known = (
        w for w in (last, short, _STEMS.get(last.lower(), ""), last.lower()) if w in habits.values
    )
    return habits.gradient(last) or (next(known, None) if bare or of else None)


def is_called_gradient(name: str) -> bool:
    """Whether a name is that of a gradient by how it is called."""
    bare = name.split(".")[-1].split("[")[0]
    return bare.startswith(("d", "grad", "delta", "g")) and len(bare) > 1
