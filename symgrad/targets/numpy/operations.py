"""Operations as lines of NumPy; what is used once is written into its use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import ClassVar

import sympy as sp

from symgrad.mathematics.indices import Index
from symgrad.mathematics.positions import Cut, Window
from symgrad.mathematics.sizes import Size, is_decimal, named, with_numbers
from symgrad.program.program import (
    CHANGES,
    UNIT,
    Axes,
    Literal,
    Op,
    Operand,
    Program,
    Ref,
    is_temporary,
    labels,
    size_of,
)
from symgrad.targets.identifiers import Locals
from symgrad.targets.numpy.out import tensordot_axes
from symgrad.targets.numpy.runtime import name_of
from symgrad.targets.numpy.slices import cut_text, window_text

WIDTH = 88
"""A line longer than this is taken apart."""


class Level(IntEnum):
    """How tightly an expression of Python holds together."""

    COMPARISON = 0
    SUM = 1
    MATMUL = 2
    PRODUCT = 3
    UNARY = 4
    POWER = 5
    ATOM = 6


@dataclass(frozen=True)
class Text:
    """An expression of Python."""

    code: str
    level: Level = Level.ATOM

    def at_least(self, level: Level) -> str:
        """In brackets where it would fall apart."""
        return self.code if self.level >= level else f"({self.code})"


@dataclass(frozen=True)
class Line:
    """An assignment (or several lines that belong together), and what it computes."""

    name: str
    code: tuple[str, ...]
    shape: tuple[Size, ...]
    local: str
    others: tuple[str, ...] = ()
    """More values that it computes."""


class Writer:
    """Writes the operations of one program, in order."""

    def __init__(self, program: Program) -> None:
        self.uses = program.uses
        self.ops = {o.name: o for o in program.ops}
        self.readers = {r.name: o for o in program.ops for r in o.reads}
        self.changes: dict[str, list[str]] = {}
        """What is done in place to a value that is not yet finished."""
        self.lines: list[Line] = []
        self.pending: dict[str, Text] = {}
        self.written: set[str] = set()
        """Values that another line computes as well."""
        self.sizes: dict[str, str] = {}
        """Local names of the sizes that the lines mention."""
        values = [o.name for o in program.ops if not is_temporary(o.name)]
        inputs = [v.name for v in program.inputs]
        self.names = Locals(inputs)
        self.local = dict(zip(inputs, inputs, strict=True))
        self.local |= {name: self.names.new(name) for name in values}
        self.local |= {
            v.name: self.constant(v.name) for v in program.inputs if v.role == "constant"
        }
        self.read = {r.name for o in program.ops for r in o.reads}
        self.conditions = {name for name, kind in program.dtypes.items() if kind == "bool"}
        floats = [v for v in program.inputs if v.dtype == "float" and v.role != "constant"]
        self.floats = [v.name for v in floats]
        self._size_locals = {s: self.names.new(s) for s in size_names(program)}
        for op in program.ops:
            self._write(op)

    def constant(self, name: str) -> str:
        """What the lines call an array that is part of the file."""
        return name

    def _write(self, op: Op) -> None:
        if op.kind in CHANGES:
            self._change(op)
            return
        if op.kind == "linalg" and self._both_of_slogdet(op):
            return
        text = self._fitting(op)
        if self._is_inlined(op, text):
            self.pending[op.name] = text
        elif op.kind == "join" and len(text.code) > WIDTH:
            self._assign(op, tuple(self._in_lines(op)))
        else:
            self._assign(op, (f"{self._name(op)} = {text.code}",))

    def _in_lines(self, op: Op) -> Iterator[str]:
        """Arrays that are joined, in as many lines as they need."""
        yield f"{self._name(op)} = np.{op.function}("
        arrays = "[" + ", ".join(self.operand(a).code for a in op.args) + "],"
        if len(arrays) <= WIDTH:
            yield f"    {arrays}"
        else:
            yield "    ["
            yield from (f"        {self.operand(a).code}," for a in op.args)
            yield "    ],"
        yield f"    axis={op.detail[0]},"
        yield ")"

    def _fitting(self, op: Op) -> Text:
        """The text of an operation; where it is too long, parts get lines of their own."""
        text = self._text(op)
        while len(text.code) > WIDTH:
            parts = [r.name for r in op.reads if r.name in self.pending]
            if not parts:
                break
            longest = max(parts, key=lambda name: len(self.pending[name].code))
            if len(self.pending[longest].code) < WIDTH // 4:
                break
            self._settle(longest)
            text = self._text(op)
        return text

    def _settle(self, name: str) -> None:
        """Give a value that was to be written into its use a line of its own."""
        op = self.ops[name]
        code = self.pending.pop(name).code
        self._assign(op, (f"{self._name(op)} = {code}",))

    def _is_inlined(self, op: Op, text: Text) -> bool:
        if not is_temporary(op.name):
            return False
        simple = (
            op.kind in ("view", "slice")
            and text.level == Level.ATOM
            and len(text.code) < WIDTH // 4
        )
        return self.uses[op.name] == 1 or (simple and op.reads[0].name not in self.pending)

    def _name(self, op: Op) -> str:
        if op.name not in self.local:
            self.local[op.name] = self.names.new(op.hint or ("mask" if op.dtype == "bool" else "t"))
        return self.local[op.name]

    def _assign(self, op: Op, code: tuple[str, ...]) -> None:
        self.lines.append(Line(op.name, code, op.shape, self._name(op)))

    def _text(self, op: Op) -> Text:
        return self.KINDS[op.kind](self, op, [self.operand(a) for a in op.args])

    # Operands

    def operand(self, operand: Operand) -> Text:
        """An argument: a number, a name, or the text of a value that has no line."""
        if isinstance(operand, Literal):
            return self.number(operand.value)
        return self.pending.get(operand.name) or Text(self.local[operand.name])

    def number(self, expr: sp.Expr) -> Text:
        """A number or an expression of sizes, as numbers of Python."""
        expr = with_numbers(expr)
        difference = expr.is_Add and not all(a.could_extract_minus_sign() for a in expr.args)
        if expr.could_extract_minus_sign() and not difference:
            return Text(f"-{self.number(-expr).at_least(Level.PRODUCT)}", Level.UNARY)
        if expr.is_Symbol:
            return Text(self._size(expr.name))
        if expr.is_Integer:
            return Text(str(expr))
        if is_decimal(expr) or (expr.is_number and _is_long(expr)):
            return Text(repr(float(expr)))
        over, under = expr.as_numer_denom()
        if under != 1:
            return self._infix("divide", [self.number(over), self.number(under)])
        return self._of_sizes(expr)

    def _of_sizes(self, expr: sp.Expr) -> Text:
        if expr.is_Add:
            less = [a for a in expr.args if a.could_extract_minus_sign()]
            more = [self.number(a).at_least(Level.SUM) for a in expr.args if a not in less]
            code = " - ".join([" + ".join(more), *(self.number(-a).code for a in less)])
            return Text(code, Level.SUM)
        if expr.is_Mul:
            parts = [self.number(a).at_least(Level.UNARY) for a in expr.args]
            return Text(" * ".join(parts), Level.PRODUCT)
        if expr.is_Pow and (expr.base.is_Integer or not expr.is_number):
            base, exponent = map(self.number, expr.args)
            code = f"{base.at_least(Level.ATOM)} ** {exponent.at_least(Level.POWER)}"
            return Text(code, Level.POWER)
        if expr.is_number:
            return Text(repr(float(expr)))
        (argument,) = expr.args
        return Text(f"np.{type(expr).__name__}({self.number(argument).code}).item()")

    def _size(self, name: str) -> str:
        self.sizes[name] = self._size_locals[name]
        return self.sizes[name]

    def size_local(self, name: str) -> str:
        """The local name of a size."""
        return self._size_locals[name]

    def shape(self, axes: Axes) -> str:
        """A shape as a tuple of Python."""
        sizes = [self.number(size_of(a)).code for a in axes]
        return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"

    def dtype(self) -> str:
        """The dtype that the function computes in."""
        return f"{self.floats[0]}.dtype" if self.floats else "_DTYPE"

    # Kinds

    def map(self, op: Op, args: Sequence[Text]) -> Text:
        if op.function in _INFIX:
            return self._infix(op.function, args)
        if op.function == "negative":
            product = args[0].level == Level.PRODUCT and not self._begins_with_truth(op.args[0])
            inside = args[0].at_least(Level.PRODUCT if product else Level.UNARY)
            return Text(f"-{inside}", Level.PRODUCT if product else Level.UNARY)
        if op.function == "cast":
            return Text(f"{args[0].at_least(Level.ATOM)}.astype({self.dtype()})")
        if op.function == "round":
            return Text(f"np.round({args[0].code}, {op.detail[0]})")
        return Text(f"{name_of(op.function)}({', '.join(a.code for a in args)})")

    def _begins_with_truth(self, operand: Operand) -> bool:
        """Whether what stands first in a product are truth values: NumPy has no minus of them."""
        while isinstance(operand, Ref) and operand.name not in self.conditions:
            op = self.ops.get(operand.name)
            if op is None or op.function not in ("multiply", "divide"):
                return False
            operand = op.args[0]
        return isinstance(operand, Ref)

    def _infix(self, function: str, args: Sequence[Text]) -> Text:
        sign, level, left, right = _INFIX[function]
        x, y = (a.at_least(side) for a, side in zip(args, (left, right), strict=True))
        simple = sign == "**" and (x + y).replace(".", "").isidentifier()
        return Text(f"{x}{sign}{y}" if simple else f"{x} {sign} {y}", level)

    def matmul(self, op: Op, args: Sequence[Text]) -> Text:
        left, right = args
        first = left.code if left.level == Level.MATMUL else left.at_least(Level.UNARY)
        return Text(f"{first} @ {right.at_least(Level.UNARY)}", Level.MATMUL)

    def contract(self, op: Op, args: Sequence[Text]) -> Text:
        x, y = op.reads
        pair = f"{args[0].code}, {args[1].code}"
        if not op.axes and x.axes == y.axes:
            return Text(f"np.vdot({pair})")
        axes = tensordot_axes(op)
        if axes is not None:
            return Text(f"np.tensordot({pair}, axes={axes})")
        return Text(f'np.einsum("{self.subscripts(op)}", {pair})')

    def subscripts(self, op: Op) -> str:
        """What ``np.einsum`` is to do, in its letters."""
        x, y = (r.axes for r in op.reads)
        letters = dict(zip(dict.fromkeys((*x, *y)), "ijklmnopqrstuvwxyz", strict=False))
        terms = ["".join(letters[a] for a in axes) for axes in (x, y, op.axes)]
        return f"{terms[0]},{terms[1]}->{terms[2]}"

    def reduce(self, op: Op, args: Sequence[Text]) -> Text:
        options, name = self.reduced_axes(op), name_of(op.function)
        short = args[0].level == Level.ATOM and "(" not in args[0].code
        if short and name.startswith("np."):
            return Text(f"{args[0].code}.{op.function}({', '.join(options)})")
        return Text(f"{name}({', '.join([args[0].code, *options])})")

    def reduced_axes(self, op: Op) -> list[str]:
        """The axes of a reduction, as NumPy takes them; nothing stands for all of them."""
        source = op.reads[0].axes
        gone = [k for k, a in enumerate(source) if isinstance(a, Index) and a not in op.axes]
        options = [f"axis={gone[0] if len(gone) == 1 else tuple(gone)}"] if op.axes else []
        return [*options, "keepdims=True"] if op.axes and len(op.axes) == len(source) else options

    def view(self, op: Op, args: Sequence[Text]) -> Text:
        source, target = op.reads[0].axes, op.axes
        if source == target:
            return args[0]
        array = args[0].at_least(Level.ATOM)
        if len(source) == 2 and source[::-1] == target:
            return Text(f"{array}.T")
        order = [a for a in target if isinstance(a, Index)]
        if labels(source) != order:
            turned = (*(a for a in source if a is UNIT), *order)
            units = [k for k, a in enumerate(source) if a is UNIT]
            places = units + [source.index(a) for a in order]
            both = len(source) == 2 and not units
            turn = "T" if both else f"transpose({', '.join(map(str, places))})"
            array = f"{array}.{turn}"
            source = turned
        return Text(array + _unit_axes(source, target))

    def expand(self, op: Op, args: Sequence[Text]) -> Text:
        return Text(f"np.broadcast_to({args[0].code}, {self.shape(op.axes)})")

    def copy(self, op: Op, args: Sequence[Text]) -> Text:
        return Text(f"{args[0].at_least(Level.ATOM)}.copy()")

    def iota(self, op: Op, args: Sequence[Text]) -> Text:
        return Text(f"np.arange({self.number(size_of(op.axes[0])).code})")

    def fill(self, op: Op, args: Sequence[Text]) -> Text:
        if not op.axes:
            return Text(f"{self.dtype()}.type({args[0].code})")
        function = {"0": "zeros", "1": "ones"}.get(args[0].code)
        if function:
            return Text(f"np.{function}({self.shape(op.axes)}, {self.dtype()})")
        return Text(f"np.full({self.shape(op.axes)}, {args[0].code}, {self.dtype()})")

    def gather(self, op: Op, args: Sequence[Text]) -> Text:
        return Text(f"{args[0].at_least(Level.ATOM)}[{_positions(op, args)}]")

    def take(self, op: Op, args: Sequence[Text]) -> Text:
        return Text(f"{args[0].at_least(Level.ATOM)}.take({args[1].code})")

    # Parts

    def slice(self, op: Op, args: Sequence[Text]) -> Text:
        places = [
            cut_text(part if isinstance(part, Cut) else None, size_of(a), self._code)
            for a, part in zip(op.reads[0].axes, op.detail, strict=True)
        ]
        return Text(f"{args[0].at_least(Level.ATOM)}[{_joined(places)}]")

    def _code(self, expr: sp.Expr) -> str:
        return self.number(expr).code

    def windows(self, op: Op, args: Sequence[Text]) -> Text:
        found = [(k, part) for k, part in enumerate(op.detail) if isinstance(part, Window)]
        lengths = [self._code(part.length) for _, part in found]
        axes = [str(k) for k, _ in found]
        several = "({})" if len(found) > 1 else "{}"
        shape, axis = (several.format(", ".join(texts)) for texts in (lengths, axes))
        view = "np.lib.stride_tricks.sliding_window_view"
        return Text(f"{view}({args[0].code}, {shape}, axis={axis})")

    def reshape(self, op: Op, args: Sequence[Text]) -> Text:
        shape = ", ".join(self._code(size_of(a)) for a in op.axes)
        return Text(f"{args[0].at_least(Level.ATOM)}.reshape({shape})")

    def join(self, op: Op, args: Sequence[Text]) -> Text:
        arrays = ", ".join(a.code for a in args)
        axis = f", axis={op.detail[0]}" if op.detail[0] else ""
        return Text(f"np.{op.function}([{arrays}]{axis})")

    # Matrices

    def eye(self, op: Op, args: Sequence[Text]) -> Text:
        return Text(f"np.eye({self._code(size_of(op.axes[0]))}, dtype={self.dtype()})")

    def diagonal(self, op: Op, args: Sequence[Text]) -> Text:
        return Text(f"np.diag({args[0].code})")

    def triangle(self, op: Op, args: Sequence[Text]) -> Text:
        offset = f", {op.detail[0]}" if op.detail[0] else ""
        return Text(f"{name_of(op.function)}({args[0].code}{offset})")

    def cumsum(self, op: Op, args: Sequence[Text]) -> Text:
        axis = f", axis={op.detail[0]}" if len(op.axes) > 1 else ""
        return Text(f"np.cumsum({args[0].code}{axis})")

    def products_of_others(self, op: Op, args: Sequence[Text]) -> Text:
        return Text(f"{name_of(op.kind)}({args[0].code}, axis={op.detail[0]})")

    def linalg(self, op: Op, args: Sequence[Text]) -> Text:
        name, part = _SLOGDET.get(op.function, (op.function, ""))
        return Text(f"np.linalg.{name}({', '.join(a.code for a in args)}){part}")

    def _both_of_slogdet(self, op: Op) -> bool:
        """Write the sign and the logarithm of a determinant as one line, where both are used."""
        if op.name in self.written:
            return True
        matrix = op.reads[0]
        theirs = (o for o in self.ops.values() if o.kind == "linalg" and len(o.reads) == 1)
        others = (o for o in theirs if o.reads[0].name == matrix.name)
        other = next((o for o in others if {o.function, op.function} == set(_SLOGDET)), None)
        if other is None:
            return False
        self.written.add(other.name)
        pair = (op, other) if op.function == "sign" else (other, op)
        names = ", ".join(map(self._name, pair))
        self._assign(op, (f"{names} = np.linalg.slogdet({self.operand(matrix).code})",))
        self.lines[-1] = replace(self.lines[-1], others=(other.name,))
        return True

    # What is changed in place

    def _change(self, op: Op) -> None:
        """Write a change to an array, with all that follows it under one name."""
        last = op
        while self._is_changed_further(last):
            last = self.readers[last.name]
        name = self.local[op.name] = self._name(last)
        values = self._settled(op.args[1]) if op.kind == "place" and _has_windows(op) else None
        args = [self.operand(a) for a in op.args]
        args[1] = values or args[1]
        before = self.changes.pop(getattr(op.args[0], "name", ""), None)
        code = before or [f"{name} = {args[0].code}"]
        code += (
            self._placed(op, name, args)
            if op.kind == "place"
            else [self._scattered(op, name, args)]
        )
        if last is op:
            self._assign(op, tuple(code))
        else:
            self.changes[op.name] = code

    def _is_changed_further(self, op: Op) -> bool:
        reader = self.readers.get(op.name)
        once = is_temporary(op.name) and self.uses[op.name] == 1
        return (
            once
            and reader is not None
            and reader.kind in CHANGES
            and (reader.args[0] == op.ref or getattr(reader.args[0], "name", "") == op.name)
        )

    def _settled(self, operand: Operand) -> Text:
        """An operand by a name, because it is read again and again."""
        pending = self.pending.get(getattr(operand, "name", ""))
        if pending is not None and not pending.code.isidentifier():
            self._settle(operand.name)  # type: ignore[union-attr]
        return self.operand(operand)

    def _scattered(self, op: Op, name: str, args: Sequence[Text]) -> str:
        if op.kind == "put":
            return f"{name}.put({args[2].code}, {args[1].code})"
        places = _positions(op, args)
        function, _, repeats = op.function.partition("_")
        if repeats:
            where = f"np.s_[{places}]" if "," in places else places
            return f"np.{function}.at({name}, {where}, {args[1].code})"
        return f"{name}[{places}] {_IN_PLACE[function]} {args[1].code}"

    def _placed(self, op: Op, name: str, args: Sequence[Text]) -> list[str]:
        """One assignment; inside loops where it goes to windows."""
        letters = iter([self.names.letter() for _ in _windows(op)])
        places, inside = [], []
        for axis, part in zip(op.axes, op.detail, strict=True):
            if isinstance(part, Window):
                inside.append((next(letters), self._code(part.length)))
                places.append(window_text(part, inside[-1][0], self._code))
            else:
                cut = part if isinstance(part, Cut) else None
                places.append(cut_text(cut, size_of(axis), self._code))
        loops = [
            f"{'    ' * k}for {letter} in range({count}):"
            for k, (letter, count) in enumerate(inside)
        ]
        values = args[1].code
        if inside and isinstance(op.args[1], Ref) and op.args[1].axes:
            subscript = ["...", *(letter for letter, _ in inside)]
            full = len(op.args[1].axes) == len(inside)
            values = f"{args[1].at_least(Level.ATOM)}[{', '.join(subscript[full:])}]"
        change = f"{name}[{_joined(places)}] {_IN_PLACE[op.function]} {values}"
        return [*loops, "    " * len(inside) + change]

    KINDS: ClassVar[Mapping[str, Callable[[Writer, Op, Sequence[Text]], Text]]] = {
        "map": map,
        "matmul": matmul,
        "contract": contract,
        "reduce": reduce,
        "view": view,
        "expand": expand,
        "copy": copy,
        "iota": iota,
        "fill": fill,
        "gather": gather,
        "take": take,
        "slice": slice,
        "windows": windows,
        "reshape": reshape,
        "join": join,
        "eye": eye,
        "diagonal": diagonal,
        "triangle": triangle,
        "cumsum": cumsum,
        "products_of_others": products_of_others,
        "linalg": linalg,
    }


_SLOGDET = {"sign": ("slogdet", "[0]"), "logdet": ("slogdet", "[1]")}

_INFIX = {
    "add": ("+", Level.SUM, Level.SUM, Level.MATMUL),
    "subtract": ("-", Level.SUM, Level.SUM, Level.MATMUL),
    "multiply": ("*", Level.PRODUCT, Level.PRODUCT, Level.UNARY),
    "divide": ("/", Level.PRODUCT, Level.PRODUCT, Level.UNARY),
    "power": ("**", Level.POWER, Level.ATOM, Level.POWER),
    "greater": (">", Level.COMPARISON, Level.SUM, Level.SUM),
    "greater_equal": (">=", Level.COMPARISON, Level.SUM, Level.SUM),
    "less": ("<", Level.COMPARISON, Level.SUM, Level.SUM),
    "less_equal": ("<=", Level.COMPARISON, Level.SUM, Level.SUM),
    "equal": ("==", Level.COMPARISON, Level.SUM, Level.SUM),
    "not_equal": ("!=", Level.COMPARISON, Level.SUM, Level.SUM),
}
"""Sign, level, and how tight the left and the right side have to be."""

_IN_PLACE = {"add": "+=", "subtract": "-=", "set": "="}


def _is_long(number: sp.Expr) -> bool:
    """Whether a number has so many digits that nobody would type it as a quotient."""
    return any(abs(r.p) > 10**6 or r.q > 10**6 for r in number.atoms(sp.Rational))


def _positions(op: Op, args: Sequence[Text]) -> str:
    return _joined([args[k].code if isinstance(k, int) else ":" for k in op.detail])


def _joined(places: list[str]) -> str:
    """A subscript without what it need not say."""
    while len(places) > 1 and places[-1] == ":":
        places.pop()
    return ", ".join(places)


def _windows(op: Op) -> list[Window]:
    return [part for part in op.detail if isinstance(part, Window)]


def _has_windows(op: Op) -> bool:
    return bool(_windows(op))


def _unit_axes(source: Axes, target: Axes) -> str:
    """The subscript that puts unit axes in and takes them out; the labels are in order."""
    texts: list[str] = []
    left = list(source)
    for axis in target:
        if isinstance(axis, Index):
            while left[0] is UNIT:
                texts.append("0")
                left.pop(0)
        if left and left[0] == axis:
            left.pop(0)
            texts.append(":")
        else:
            texts.append("None")
    texts += ["0"] * len(left)
    while texts and texts[-1] == ":":
        texts.pop()
    return f"[{', '.join(texts)}]" if texts else ""


def called(op: Op) -> str:
    """What an operation calls, for people."""
    if op.kind == "linalg":
        return f"np.linalg.{_SLOGDET.get(op.function, (op.function,))[0]}"
    if op.kind in ("map", "triangle", "join"):
        return name_of(op.function)
    return _CALLED.get(op.kind, op.kind)


_CALLED = {
    "contract": "np.tensordot or np.einsum",
    "gather": "indexing",
    "diagonal": "np.diag",
    "products_of_others": name_of("products_of_others"),
}


def size_names(program: Program) -> list[str]:
    """The named sizes, in the order in which the inputs have them."""
    return named(s for v in program.inputs for s in v.shape)
