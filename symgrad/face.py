"""What a user of the library calls: derive a loss, read the derivation, get the code."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from keyword import iskeyword
from typing import Any

import sympy as sp

from symgrad import calculus, outputs
from symgrad.checks import ExactValues, check_example, exact_values
from symgrad.errors import SpecError, caller, perhaps
from symgrad.formats import FORMATS
from symgrad.formats.prompt import displayed
from symgrad.formats.text import formula as in_one_line
from symgrad.language.array import Array
from symgrad.language.tracing import names_in, scalar_output, trace
from symgrad.language.wrt import Wrt, asked_for, free_name, resolved
from symgrad.mathematics.equations import System, Variable
from symgrad.mathematics.sizes import with_numbers
from symgrad.mathematics.steps import Step
from symgrad.outputs import Coded, Function, Split
from symgrad.targets import is_possible
from symgrad.writing.as_sympy import in_matrices
from symgrad.writing.choice import Choice
from symgrad.writing.display import Display
from symgrad.writing.equation_forms import MatrixForm, forms_of
from symgrad.writing.formula import related
from symgrad.writing.line import Line
from symgrad.writing.notation import Notation
from symgrad.writing.printings.latex import latex


@dataclass(frozen=True, repr=False)
class Gradient:
    """The derivative of the output with respect to every entry of one value.

    >>> import numpy as np
    >>> import symgrad as sg
    >>> A, x = sg.data("A", (2, 3)), sg.param("x", (3,))
    >>> gradient = sg.derive(np.sum(A @ x)).gradients["x"]
    >>> gradient
    ∂L/∂x[j] = Σ_i A[i,j]
    >>> gradient.shape
    (3,)
    """

    derivation: Derivation
    adjoint: calculus.Adjoint | calculus.Tangent

    @property
    def equation(self) -> sp.Eq:
        """The equation in index form, as SymPy has it."""
        public = self.derivation.notation.public(self.adjoint.equation)
        return sp.Eq(public.lhs, public.rhs, evaluate=False)

    @property
    def shape(self) -> tuple[int | sp.Expr, ...]:
        """The output's shape followed by the value's: an int for each fixed size."""
        return tuple(
            int(s) if s.is_Integer else s for s in map(with_numbers, self.adjoint.equation.shape)
        )

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that led to the equation, in order."""
        return tuple(self.derivation.notation.public_step(s) for s in self.adjoint.steps)

    def latex(self) -> str:
        """The equation in index form as LaTeX."""
        return self.derivation.notation.latex_equation(self.adjoint.equation)

    def __repr__(self) -> str:
        """The equation in index form, in one line of text."""
        return in_one_line(self.derivation.notation.equation(Line, self.adjoint.equation))

    def __str__(self) -> str:
        """The index form and, where there is one, the matrix form below it."""
        derivation, name = self.derivation, self.adjoint.equation.name
        form = forms_of(derivation, derivation.notation, Line, alone=True)(name)
        return repr(self) if form is None else f"{self!r}\n{in_one_line(related(*form))}"

    def _repr_latex_(self) -> str:
        """What a notebook shows of it: the index form and, where there is one, the matrix form."""
        name = self.adjoint.equation.name
        form = self.derivation.matrix_form(name)
        whole = [] if form is None else [latex(related(*form))]
        return displayed([self.latex(), *whole])

    def matrix_latex(self) -> str:
        """The equation in matrix form as LaTeX; SpecError where it has none."""
        name = self.adjoint.equation.name
        form = self.derivation.matrix_form(name)
        if form is None:
            raise SpecError(
                f"the derivative with respect to {self.adjoint.value} has no matrix form",
                hint="use latex(), its index form",
            )
        return latex(related(*form))

    def to_sympy_matrix(self, like: sp.Basic | None = None) -> Any:
        """The derivative as an expression of SymPy's matrices, over the inputs alone.

        A vector is a column, a scalar a number.  ``like``: an expression whose symbols stand for
        the sizes, where they have assumptions of their own, such as the one that was derived.
        SpecError where SymPy's matrices have no expression for it.
        """
        symbols = {s.name: s for s in (like.atoms(sp.Symbol) if like is not None else ())}
        return in_matrices(self.derivation, self.adjoint.equation.name, symbols)


class NoDerivative(SpecError, KeyError):
    """A derivative by what there is none by."""


class Gradients(dict[str, Gradient]):
    """Derivatives by the names of what they are derivatives by."""

    def __missing__(self, name: str) -> Gradient:
        """NoDerivative, which says what there is."""
        raise NoDerivative(
            f"there is no derivative by {name!r}", where=caller(), hint=perhaps(str(name), self)
        )


@dataclass(frozen=True, repr=False)
class Derivation(calculus.Derivation, Coded):
    """The derivation of an output's derivatives: equations, steps, text and code.

    >>> import numpy as np
    >>> import symgrad as sg
    >>> w = sg.param("w", (3,))
    >>> sg.derive(np.sum(np.exp(w)))
      L = Σ_i exp(w[i])                                                L = 𝟏ᵀ exp(w)
      ∂L/∂w[i] = exp(w[i])                                        ∂L/∂w = exp(w)   3
    """

    def __repr__(self) -> str:
        """Its formulas, each on one line: the values, and the derivatives by them."""
        shown = str(self.render(choice=Choice("brief", parts=("forward", "backward"))))
        return "\n".join(line for line in shown.splitlines() if line)

    def __str__(self) -> str:
        """The derivation in short, as text: what is given, the values, the derivatives."""
        return str(self.render(choice=Choice("brief"))).rstrip("\n")

    def derived(self, *, prepare: bool) -> Derivation:
        """The derivation that is written as code; ``prepare``: in sums that are made once."""
        if not prepare or self.preparation is not None:
            return self
        if self.tangents or self.system.shapes[self.system.output]:
            raise SpecError("only gradients of a scalar can be prepared", where=caller())
        return _prepared(self.typed, self.wrt, ())

    def split(self, size: str) -> Split:
        """The same loss from chunks of the rows that a named size counts.

        Its module also offers ``partial(...)``, what a chunk gives, ``combine(a, b)``, and
        ``finish(whole, ...)``, the loss and its derivatives.  SpecError, which names the term,
        where the loss is no function of sums over the rows.
        """
        return Split(self, size)

    @functools.cached_property
    def notation(self) -> Notation:
        """How its symbols and indices are written."""
        return Notation.of(self)

    @functools.cached_property
    def matrix_form(self) -> MatrixForm:
        """The two sides of a named equation in matrix form, or None."""
        return forms_of(self, self.notation, Display, alone=True)

    @functools.cached_property
    def gradients(self) -> Mapping[str, Gradient]:
        """The gradient of each value on the way, parameters and intermediate values, by name.

        Of ``jvp``, the derivative of each value along the direction.
        """
        return Gradients({a.value: Gradient(self, a) for a in self.derivatives})

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step, in order: those that keep the forward pass stable, then the backward pass."""
        forward = (step for _, step in self.forward_steps)
        parts = self.parts
        shown = (d for a in self.derivatives for d in (parts.get(a.value), a) if d is not None)
        backward = (step for derivative in shown for step in derivative.steps)
        return tuple(self.notation.public_step(s) for s in (*forward, *backward))

    def _repr_markdown_(self) -> str:
        """What a notebook shows of it: the whole derivation."""
        return str(self.render("markdown"))

    def latex(
        self, example: Mapping[str, Any] | ExactValues | None = None, *, standalone: bool = False
    ) -> str:
        """The derivation in LaTeX: to paste, or as a document of its own.

        ``example``: numbers for every input; the values there are shown exactly.
        """
        return str(self.render("tex" if standalone else "latex", example))

    def render(
        self,
        layout: str = "text",
        example: Mapping[str, Any] | ExactValues | None = None,
        **more: Any,
    ) -> str | bytes:
        """The derivation in one of the formats: bytes for a PDF, text for the others.

        ``example``: numbers for every input; the values there are shown exactly.  ``more``:
        ``choice`` (what to show), ``style`` (how to write derivatives), ``title``.  SpecError
        where there is no such format, or where it needs something that is not installed.
        """
        if layout not in FORMATS:
            raise SpecError(
                f"there is no format {layout!r}", where=caller(), hint=perhaps(layout, FORMATS)
            )
        if isinstance(example, Mapping):
            check_example(self, example, lambda _: caller())
            example = exact_values(self, example)
        return FORMATS[layout].write(outputs.sheet(self, values=example, **more))


def derive(
    loss: Array,
    wrt: Wrt = None,
    names: Mapping[str, Array] | None = None,
    *,
    prepare: bool = False,
    also: Iterable[str] = (),
) -> Derivation:
    """The derivation of the gradients of a scalar.

    ``wrt``: what to differentiate by, names or arrays: parameters, data of floats, or values on
    the way; by default all parameters.  ``names``: what to call the values, by default as the
    caller's variables are called.  Each gradient has the shape of what it belongs to.

    ``prepare``: what can be worked out of the data once becomes inputs of its own (of least
    squares, the sums XᵀX, Xᵀy and yᵀy); the generated module gets a function that makes them.
    Where a fit is close, a loss in such sums is a small difference of large numbers.

    ``also``: values and inputs by whose name the derivative is to be found in ``gradients`` too,
    though it is no result of the generated module.

    SpecError where ``loss`` is no scalar, where ``wrt`` names something that is not there or
    holds integers, where there is nothing to differentiate by, and nothing to prepare.

    >>> import numpy as np
    >>> import symgrad as sg
    >>> X, y, w = sg.data("X", ("N", 3)), sg.data("y", ("N",)), sg.param("w", (3,))
    >>> r = X @ w - y
    >>> d = sg.derive(np.sum(r**2))
    >>> print(d.gradients["w"])
    ∂L/∂w[i] = 2 Σ_n r[n] X[n,i]
    ∂L/∂w = 2 Xᵀ r
    >>> print(d.compile().loss(X=np.eye(3), y=np.ones(3), w=np.zeros(3)))
    3.0
    """
    names = names if names is not None else _callers_names()
    system, resolved = _traced(scalar_output(loss), wrt, names, "loss")
    if prepare:
        return _prepared(system, resolved, also)
    return public_face(calculus.derive(system, resolved, also=also, final=True))


def _prepared(system: System, wrt: Sequence[str], also: Iterable[str]) -> Derivation:
    after, preparation = calculus.prepared(system, is_possible)
    if gone := [name for name in wrt if name not in after.shapes]:
        raise SpecError(
            f"can't differentiate by {gone[0]}, of which only sums are left",
            where=caller(),
            hint="leave it out of wrt, or derive without prepare",
        )
    there = [name for name in also if name in after.shapes]
    found = calculus.derive(after, wrt, also=there)
    return replace(public_face(found), preparation=preparation)


def function(value: Array, names: Mapping[str, Array] | None = None) -> Function:
    """The code of a value, without any derivative: ``source``, ``write`` and ``compile``.

    Its module offers ``forward``, which gives the value and those on the way to it that have a
    name, and ``Workspace``.  ``names`` and the errors are those of ``derive``; ``value`` may have
    any shape.
    """
    names = names if names is not None else _callers_names()
    system = _system(_checked(value), names, "value")
    return Function(public_face(calculus.derive(system, [])))


def jacobian(value: Array, wrt: Wrt = None, names: Mapping[str, Array] | None = None) -> Derivation:
    """The derivation of the derivatives of every entry of ``value``.

    The gradient of W has the shape of ``value`` followed by that of W: row n, column i of the
    Jacobian of a vector u by a vector w is the derivative of u[n] by w[i].  ``wrt`` and
    ``names``, and the errors, are those of ``derive``; ``value`` may have any shape.

    >>> import symgrad as sg
    >>> A, w = sg.data("A", (2, 3)), sg.param("w", (3,))
    >>> u = A @ w
    >>> sg.jacobian(u).gradients["w"]
    ∂u[i]/∂w[j] = A[i,j]
    """
    names = names if names is not None else _callers_names()
    return _derived(_checked(value), wrt, names, "value")


def _checked(value: Any) -> Array:
    if not isinstance(value, Array):
        raise SpecError(
            f"the value is not an array of symgrad, but {type(value).__name__}",
            where=caller(),
            hint="it must depend on an sg.param or sg.data",
        )
    return value


def hessian(loss: Array, wrt: str | Array, names: Mapping[str, Array] | None = None) -> Derivation:
    """The derivation of the second derivatives of a scalar by one parameter.

    The output is the gradient; the gradient of W in it has the shape of W twice.  SpecError
    where ``wrt`` names several parameters: ``hvp`` takes them all at once.

    >>> import numpy as np
    >>> import symgrad as sg
    >>> w = sg.param("w", (3,))
    >>> sg.hessian(np.sum(w**3), "w").gradients["w"]
    ∂²L/∂w[i]∂w[j] = 6 δ(i,j) w[i]
    """
    names = names if names is not None else _callers_names()
    first = _to_derive_again(scalar_output(loss), wrt, names)
    if len(first.wrt) != 1:
        raise SpecError(
            "a Hessian is by one parameter", where=caller(), hint="sg.hvp takes several at once"
        )
    system = calculus.with_adjoints(first, first.adjoint_name[first.wrt[0]])
    return public_face(calculus.derive(system, first.wrt))


def hvp(loss: Array, wrt: Wrt = None, names: Mapping[str, Array] | None = None) -> Derivation:
    """The derivation of Hessian-vector products.

    For each parameter W there is one more input, v_W of its shape: the direction.  The output is
    the slope of the loss along the direction, and its gradients are the products, each with the
    shape of its parameter; no Hessian is ever made (Pearlmutter, Fast exact multiplication by the
    Hessian, 1994).

    >>> import numpy as np
    >>> import symgrad as sg
    >>> w = sg.param("w", (3,))
    >>> sg.hvp(np.sum(w**3)).gradients["w"]
    ∂slope/∂w[i] = 6 v_w[i] w[i]
    """
    names = names if names is not None else _callers_names()
    first = _to_derive_again(scalar_output(loss), wrt, names)
    taken = set(first.system.shapes)
    directions = _directions(first.wrt, taken)
    slope = calculus.slope(first, directions, free_name("slope", taken))
    system = calculus.with_adjoints(first, slope.name, [slope])
    shapes = {a.value: a.equation.shape for a in first.adjoints}
    inputs = [Variable(v, shapes[name], "data") for name, v in directions.items()]
    system = replace(
        system, variables=(*system.variables, *inputs), output=system.equations[-1].name
    )
    return public_face(calculus.derive(system, first.wrt))


def jvp(value: Array, wrt: Wrt = None, names: Mapping[str, Array] | None = None) -> Derivation:
    """The derivation of the derivative of ``value`` along a direction, in forward mode.

    For each parameter W there is one more input, v_W of its shape: the direction.  The gradient of
    ``value`` is the product of its Jacobian with the direction, in the shape of ``value``; no
    Jacobian is ever made, and no backward pass.  ``wrt``, ``names`` and the errors are those of
    ``derive``; ``value`` may have any shape.

    >>> import numpy as np
    >>> import symgrad as sg
    >>> w = sg.param("w", (3,))
    >>> y = np.tanh(w)
    >>> sg.jvp(y).gradients["y"]
    ẏ[i] = v_w[i] (1 − y[i]²)
    """
    names = names if names is not None else _callers_names()
    system, resolved = _traced(_checked(value), wrt, names, "value")
    taken = set(system.shapes)
    return public_face(calculus.derive_along(system, _directions(resolved, taken)))


def public_face(derived: calculus.Derivation) -> Derivation:
    """A derivation with what users have of it."""
    return Derivation(**{f.name: getattr(derived, f.name) for f in fields(derived)})


def _derived(output: Array, wrt: Wrt, names: Mapping[str, Array], default: str) -> Derivation:
    return public_face(calculus.derive(*_traced(output, wrt, names, default)))


def _traced(
    output: Array, wrt: Wrt, names: Mapping[str, Array], default: str
) -> tuple[System, list[str]]:
    """The system of an output, and the names to differentiate by."""
    asked = asked_for(wrt)
    inputs = (a for a in asked or () if isinstance(a, Array) and a.variable is not None)
    names = {**names, **{a.key: a for a in inputs if a.key not in names}}
    system = _system(output, names, default)
    values = [e.name for e in system.equations]
    return system, resolved(asked, system.variables, values, names)


def _system(output: Array, names: Mapping[str, Array], default: str) -> System:
    """The system of an output that may have a name."""
    for name in names:
        if not name.isidentifier() or iskeyword(name):
            raise SpecError(
                f"names has {name!r}, which is not a name that Python can use",
                where=caller(),
                hint="use letters, digits and _, and begin with a letter",
            )
    if output.variable is not None:
        output = output[...]
    if not any(a is output for a in names.values()):
        names = {**names, free_name(default, names): output}
    return trace(output, names)


def _directions(values: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """The name of the direction of each value."""
    found: dict[str, str] = {}
    for value in values:
        found[value] = free_name(f"v_{value}", (*taken, *found.values()))
    return found


def _callers_names() -> dict[str, Array]:
    """The values among the variables of whoever called the library; inputs know their names."""
    frame = sys._getframe(2)
    found = names_in({**frame.f_globals, **frame.f_locals})
    return {n: array for n, array in found.items() if array.variable is None and n.isidentifier()}


def _to_derive_again(loss: Array, wrt: Wrt, names: Mapping[str, Array]) -> calculus.Derivation:
    """The derivation of gradients that are read as functions of what they are taken by."""
    system, resolved = _traced(loss, wrt, names, "loss")
    return calculus.derive(system, resolved, to_derive={e.name for e in system} & {*resolved})
