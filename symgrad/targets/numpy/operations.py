"""Operations as expressions of NumPy, and as statements that compute or change an array."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import sympy as sp

from symgrad.mathematics.indices import Index
from symgrad.mathematics.known import Constant, known
from symgrad.mathematics.positions import Cut, Window
from symgrad.mathematics.sizes import fixed
from symgrad.program.loop import Loop, loop_of
from symgrad.program.program import UNIT, Axes, Literal, Op, Operand, Ref, labels, size_of
from symgrad.targets.expressions import OPERATORS, Operator, Precedence, Text, listed, negated
from symgrad.targets.module import arguments_among
from symgrad.targets.numbers import Numbers
from symgrad.targets.numpy.built import ZEROS
from symgrad.targets.numpy.loops import Frame, Loops, PlainLoops, Step
from symgrad.targets.numpy.out import is_of_rows, tensordot_axes
from symgrad.targets.numpy.runtime.special import name_of
from symgrad.targets.numpy.slices import cut_text, joined, unit_axes, window_text
from symgrad.targets.numpy.words import WORDS
from symgrad.targets.statements import Statement
from symgrad.targets.writer import WIDTH, Writer


class NumPyNumbers(Numbers):
    """Numbers of Python; functions of sizes are NumPy's."""

    def decimal(self, number: float) -> Text:
        found = known(number)
        if found is None or not self.claim(found.constant.called):
            return super().decimal(number)
        parts = [
            Text(x.called) if isinstance(x, Constant) else self.text(x) for x in found.operands
        ]
        return OPERATORS[found.function](*parts) if found.function else parts[0]

    def power(self, base: Text, exponent: Text) -> Text:
        return Text(
            f"{base.at_least(Precedence.ATOM)} ** {exponent.at_least(Precedence.POWER)}",
            Precedence.POWER,
        )

    def unusual(self, number: sp.Expr) -> Text:
        return Text("np.nan" if number is sp.nan else "np.inf")

    def function(self, name: str, argument: Text) -> Text:
        return Text(f"np.{name}({argument.code}).item()")


class NumPyWriter(PlainLoops, Writer):
    """Writes a program as it reads best: every array is new."""

    words = WORDS
    numbers = NumPyNumbers

    def write(self, op: Op) -> None:
        if (loop := loop_of(op)) is not None:
            Loops(self).assign(op, loop)
        elif op.kind != "linalg" or not self.both_of_slogdet(op):
            super().write(op)

    def memory(self, op: Op) -> str:
        """An array for a value."""
        return f"np.empty({self.shape(op.axes)}, {self.dtype()})"

    def step(self, frame: Frame, loop: Loop) -> Step:
        """One step of a loop, written inside of this function."""
        only = {o.name for o in loop.program} - frame.made
        return NumPyWriter(loop.program, only=only, known=frame.local, outer=self)

    def as_statement(self, op: Op, text: Text) -> Statement:
        """Arrays that are joined take as many lines as they need."""
        if op.kind != "join" or len(text.code) <= WIDTH:
            return super().as_statement(op, text)
        arrays = tuple(self.operand(a).code for a in op.args)
        detail = {"axis": op.detail[0], "in_one_line": len(", ".join(arrays)) + 3 <= WIDTH}
        return Statement("joined", self.name(op), arrays, f"np.{op.function}", detail=detail)

    def both_of_slogdet(self, op: Op) -> bool:
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
        names = ", ".join(map(self.name, pair))
        code = f"np.linalg.slogdet({self.operand(matrix).code})"
        self.assign(op, [Statement("assign", names, (code,))], other.name)
        return True

    def shape(self, axes: Axes) -> str:
        """A shape as a tuple of Python."""
        sizes = [self.number(size_of(a)).code for a in axes]
        return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"

    def dtype(self) -> str:
        """The dtype that the function computes in."""
        if isinstance(self.outer, NumPyWriter):
            return self.outer.dtype()
        floats = [v.name for v in arguments_among(self.program.inputs) if v.dtype == "float"]
        if not floats:
            return "_DTYPE"
        read = (r.name for op in self.program for r in op.reads)
        first = next((name for name in read if name in floats), floats[0])
        self._in_use.add(first)
        return f"{first}.dtype"

    def printed(self, op: Op, args: Sequence[Text]) -> Text:
        text: Text = getattr(self, self.KINDS[op.kind])(op, args)
        return text

    def operands(self, op: Op) -> list[Text]:
        """A large round number among floats is one of them: -1e9."""
        args = super().operands(op)
        read = op.reads[1:] if op.function == "where" else op.reads
        if any(self.dtypes[name] != "float" for name in (op.name, *(r.name for r in read))):
            return args
        literal = (isinstance(a, Literal) and a.value.is_Integer for a in op.args)
        return [_round(a) if whole else a for a, whole in zip(args, literal, strict=True)]

    # Kinds

    def map(self, op: Op, args: Sequence[Text]) -> Text:
        if op.function in OPERATORS:
            return OPERATORS[op.function](*args)
        if op.function == "power":
            return _power(*args)
        if op.function == "negative":
            product = args[0].level == Precedence.PRODUCT and not self._begins_with_truth(
                op.args[0]
            )
            return negated(args[0], product=product)
        if op.function == "cast":
            return Text(f"{args[0].at_least(Precedence.ATOM)}.astype({self.dtype()})")
        if op.function == "round":
            return Text(f"np.round({args[0].code}, {op.detail[0]})")
        code = f"{name_of(op.function)}({listed(args)})"
        # of numbers alone NumPy makes an array of float64
        numbers = (op.function, op.dtype) == ("where", "float") and all(
            isinstance(a, Literal) for a in op.args[1:]
        )
        return Text(f"{code}.astype({self.dtype()})" if numbers else code)

    def _begins_with_truth(self, operand: Operand) -> bool:
        """Whether what stands first in a product are truth values: NumPy has no minus of them."""
        while isinstance(operand, Ref) and self.dtypes[operand.name] != "bool":
            op = self.ops.get(operand.name)
            if op is None or op.function not in ("multiply", "divide"):
                return False
            operand = op.args[0]
        return isinstance(operand, Ref)

    def matmul(self, op: Op, args: Sequence[Text]) -> Text:
        left, right = args
        first = left.code if left.level == Precedence.MATMUL else left.at_least(Precedence.UNARY)
        return Text(f"{first} @ {right.at_least(Precedence.UNARY)}", Precedence.MATMUL)

    def contract(self, op: Op, args: Sequence[Text]) -> Text:
        x, y = op.reads
        pair = listed(args)
        if not op.axes and x.axes == y.axes:
            return Text(f"np.vdot({pair})")
        axes = tensordot_axes(op)
        if axes is not None:
            return Text(f"np.tensordot({pair}, axes={axes})")
        if is_of_rows(op):
            return Text(f"np.vecdot({pair})")
        return Text(f'np.einsum("{self.subscripts(op)}", {pair})')

    def subscripts(self, op: Op) -> str:
        """What ``np.einsum`` is to do, in its letters."""
        x, y = (r.axes for r in op.reads)
        letters = dict(zip(dict.fromkeys((*x, *y)), "ijklmnopqrstuvwxyz", strict=False))
        terms = ["".join(letters[a] for a in axes) for axes in (x, y, op.axes)]
        return f"{terms[0]},{terms[1]}->{terms[2]}"

    def reduce(self, op: Op, args: Sequence[Text]) -> Text:
        options, name = self.reduced_axes(op), name_of(op.function)
        short = args[0].level == Precedence.ATOM and "(" not in args[0].code
        if short and name.startswith("np."):
            return Text(f"{args[0].code}.{op.function}({', '.join(options)})")
        return Text(f"{name}({', '.join([args[0].code, *options])})")

    def trace(self, op: Op, args: Sequence[Text]) -> Text:
        if args[0].level == Precedence.ATOM and "(" not in args[0].code:
            return Text(f"{args[0].code}.trace()")
        return Text(f"np.trace({args[0].code})")

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
        array = args[0].at_least(Precedence.ATOM)
        if len(source) == 2 and source[::-1] == target:
            return Text(f"{array}.T")
        order = [a for a in target if isinstance(a, Index)]
        if labels(source) != order and len(source) == len(target):
            of_size_1 = iter([k for k, a in enumerate(source) if a is UNIT])
            places = [next(of_size_1) if a is UNIT else source.index(a) for a in target]
            return Text(f"{array}.transpose({', '.join(map(str, places))})")
        if labels(source) != order:
            turned = (*(a for a in source if a is UNIT), *order)
            units = [k for k, a in enumerate(source) if a is UNIT]
            places = units + [source.index(a) for a in order]
            both = len(source) == 2 and not units
            turn = "T" if both else f"transpose({', '.join(map(str, places))})"
            array = f"{array}.{turn}"
            source = turned
        return Text(array + unit_axes(source, target))

    def expand(self, op: Op, args: Sequence[Text]) -> Text:
        return Text(f"np.broadcast_to({args[0].code}, {self.shape(op.axes)})")

    def copy(self, op: Op, args: Sequence[Text]) -> Text:
        return Text(f"{args[0].at_least(Precedence.ATOM)}.copy()")

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
        return Text(f"{args[0].at_least(Precedence.ATOM)}[{_positions(op, args)}]")

    def take(self, op: Op, args: Sequence[Text]) -> Text:
        return Text(f"{args[0].at_least(Precedence.ATOM)}.take({args[1].code})")

    # Parts

    def slice(self, op: Op, args: Sequence[Text]) -> Text:
        places = [
            cut_text(part if isinstance(part, Cut) else None, size_of(a), self.code)
            for a, part in zip(op.reads[0].axes, op.detail, strict=True)
        ]
        return Text(f"{args[0].at_least(Precedence.ATOM)}[{joined(places)}]")

    def _code(self, expr: sp.Expr) -> str:
        return self.number(expr).code

    def windows(self, op: Op, args: Sequence[Text]) -> Text:
        found = [(k, part) for k, part in enumerate(op.detail) if isinstance(part, Window)]
        lengths = [self.code(part.length) for _, part in found]
        axes = [str(k) for k, _ in found]
        several = "({})" if len(found) > 1 else "{}"
        shape, axis = (several.format(", ".join(texts)) for texts in (lengths, axes))
        view = "np.lib.stride_tricks.sliding_window_view"
        return Text(f"{view}({args[0].code}, {shape}, axis={axis})")

    def reshape(self, op: Op, args: Sequence[Text]) -> Text:
        shape = ", ".join(self.code(size_of(a)) for a in op.axes)
        return Text(f"{args[0].at_least(Precedence.ATOM)}.reshape({shape})")

    def join(self, op: Op, args: Sequence[Text]) -> Text:
        axis = f", axis={op.detail[0]}" if op.detail[0] else ""
        return Text(f"np.{op.function}([{listed(args)}]{axis})")

    # Matrices

    def eye(self, op: Op, args: Sequence[Text]) -> Text:
        return Text(f"np.eye({self.code(size_of(op.axes[0]))}, dtype={self.dtype()})")

    def diagonal(self, op: Op, args: Sequence[Text]) -> Text:
        return Text(f"np.diag({args[0].code})")

    def triangle(self, op: Op, args: Sequence[Text]) -> Text:
        offset = f", {op.detail[0]}" if op.detail[0] else ""
        return Text(f"{name_of(op.function)}({args[0].code}{offset})")

    def cumsum(self, op: Op, args: Sequence[Text]) -> Text:
        axis = f", axis={op.detail[0]}" if len(op.axes) > 1 else ""
        return Text(f"np.cumsum({args[0].code}{axis})")

    def standing(self, op: Op, args: Sequence[Text]) -> Text:
        stable = ', kind="stable"' if op.function == "argsort" else ""
        axis = ", axis=-1" if len(op.reads[0].axes) > 1 and not stable else ""
        return Text(f"np.{op.function}({args[0].code}{axis}{stable})")

    def products_of_others(self, op: Op, args: Sequence[Text]) -> Text:
        return Text(f"{name_of(op.kind)}({args[0].code}, axis={op.detail[0]})")

    def powers(self, op: Op, args: Sequence[Text]) -> Text:
        return Text(f"{name_of(op.kind)}({listed(self.of_powers(op, args))})")

    def of_the_file(self, op: Op, args: Sequence[Text]) -> Text:
        return Text(f"{name_of(op.function or op.kind)}({listed(args)})")

    def of_powers(self, op: Op, args: Sequence[Text]) -> list[Text]:
        return [*args, Text(str(op.detail[0])), self.number(size_of(op.axes[0]))]

    def linalg(self, op: Op, args: Sequence[Text]) -> Text:
        name, more, part = _PARTS.get(op.function, (op.function, "", ""))
        return Text(f"{_of_linalg(name)}({listed(args)}{more}){part}")

    # What is changed in place

    def reads_again(self, op: Op) -> bool:
        return op.kind == "place" and bool(_windows(op))

    def changing(self, op: Op, name: str, args: Sequence[Text]) -> list[Statement]:
        return [self.CHANGES[op.kind](self, op, name, args)]

    def put(self, op: Op, name: str, args: Sequence[Text]) -> Statement:
        return Statement("put", name, (args[1].code, args[2].code))

    def scatter(self, op: Op, name: str, args: Sequence[Text]) -> Statement:
        places = _positions(op, args)
        if op.function == "add_rows":
            return Statement("rows", name, (args[1].code, places), name_of(op.function))
        function, _, repeats = op.function.partition("_")
        if not repeats:
            return Statement("change", name, (args[1].code, places), _IN_PLACE[function])
        several = "," in places  # has a line of its own: NumPy's types know of one index only
        where = f"np.s_[{places}]" if several else places
        detail = {"places": self.names.new("places") if several else ""}
        return Statement("scatter", name, (args[1].code, where), f"np.{function}", detail=detail)

    def place(self, op: Op, name: str, args: Sequence[Text]) -> Statement:
        """One assignment; inside loops where it goes to windows."""
        letters = iter([self.names.letter() for _ in _windows(op)])
        places, loops = [], []
        for axis, part in zip(op.axes, op.detail, strict=True):
            if isinstance(part, Window):
                loops.append((next(letters), self.code(part.length)))
                places.append(window_text(part, loops[-1][0], self.code))
            else:
                cut = part if isinstance(part, Cut) else None
                places.append(cut_text(cut, size_of(axis), self.code))
        values = args[1].code
        if loops and isinstance(op.args[1], Ref) and op.args[1].axes:
            subscript = ["...", *(letter for letter, _ in loops)]
            full = len(op.args[1].axes) == len(loops)
            values = f"{args[1].at_least(Precedence.ATOM)}[{', '.join(subscript[full:])}]"
        operands = (values, joined(places))
        sign = _IN_PLACE[op.function]
        return Statement("place", name, operands, sign, detail={"loops": loops})

    CHANGES: ClassVar[Mapping[str, Callable[[NumPyWriter, Op, str, Sequence[Text]], Statement]]] = {
        "put": put,
        "scatter": scatter,
        "place": place,
    }

    KINDS: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("nearest", "to_nearest", "half_inverse", "by_half"), "of_the_file"
    ) | {
        kind: kind
        for kind in (
            *("map", "matmul", "contract", "reduce", "trace", "view", "expand", "copy", "iota"),
            *("fill", "gather", "take", "slice", "windows", "reshape", "join", "eye", "diagonal"),
            *("triangle", "cumsum", "products_of_others", "powers", "linalg", "standing"),
        )
    }
    """The method that writes the operations of each kind."""


_SLOGDET = {"sign": ("slogdet", "[0]"), "logdet": ("slogdet", "[1]")}


SMALL_INVERSE = "inverse_of_two"
"""The inverse of one matrix of two rows, where it is called again and again."""


def is_small_inverse(op: Op) -> bool:
    """Whether it is that of one matrix of two rows."""
    return op.function == "inv" and [fixed(s) for s in op.shape] == [2, 2]


_PARTS = {
    **{function: (name, "", part) for function, (name, part) in _SLOGDET.items()},
    "eigenbasis": ("eigh", "", "[1]"),
    "svdvals": ("svd", ", compute_uv=False", ""),
    "left": ("svd", ", full_matrices=False", "[0]"),
    "right": ("svd", ", full_matrices=False", "[2]"),
}
"""What is a part of what NumPy's function answers with, or needs an option of it."""


def _of_linalg(name: str) -> str:
    """A function of matrices as files call it: NumPy's, or one that they bring."""
    own = name_of(name)
    return own if own.startswith("_") else f"np.linalg.{name}"


_POWER = Operator("**", Precedence.POWER, Precedence.ATOM, Precedence.POWER)


def _power(base: Text, exponent: Text) -> Text:
    """Without blanks where both are as simple as x**2."""
    simple = (base.code + exponent.code).replace(".", "").isidentifier()
    return (
        Text(f"{base.code}**{exponent.code}", Precedence.POWER)
        if simple
        else _POWER(base, exponent)
    )


_IN_PLACE = {"add": "+=", "subtract": "-=", "set": "="}


def _positions(op: Op, args: Sequence[Text]) -> str:
    return joined([args[k].code if isinstance(k, int) else ":" for k in op.detail])


def _round(number: Text) -> Text:
    kept = number.code.rstrip("0")
    zeros = len(number.code) - len(kept)
    return Text(f"{kept}e{zeros}", number.level) if zeros > ZEROS and kept else number


def _windows(op: Op) -> list[Window]:
    return [part for part in op.detail if isinstance(part, Window)]


def called(op: Op) -> str:
    """What an operation calls, for people."""
    if op.kind == "linalg":
        return _of_linalg(_PARTS.get(op.function, (op.function,))[0])
    if op.kind in ("map", "triangle", "join"):
        return name_of(op.function)
    return _CALLED.get(op.kind, op.kind)


_CALLED = {
    "contract": "np.tensordot or np.einsum",
    "gather": "indexing",
    "diagonal": "np.diag",
    "products_of_others": name_of("products_of_others"),
}
