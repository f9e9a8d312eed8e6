"""Spec files: what is read from them, and the error for each thing that can be wrong."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

from symgrad.errors import SpecError
from symgrad.language.spec_file import Spec, load
from symgrad.language.tracing import trace
from symgrad.targets import is_possible

GOOD = """
import numpy as np
import symgrad as sg

X = sg.data("X", ("N", 2))
y = sg.data("y", ("N",), dtype=int)
w = sg.param("W", (2, 3))

z = X @ w
h = [np.tanh(z), np.exp(z)]
alias = z
_hidden = h[0] + h[1]
loss = np.sum(_hidden)
"""
POINT = """
example = {"X": [[1, 2]], "y": [2], "W": [[1, 2, 3], [4, 5, 6]]}
"""


def spec(folder: Path, text: str, name: str = "net.py") -> Spec:
    path = folder / name
    path.write_text(dedent(text))
    return load(path, is_possible)


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(SpecError) as caught:
        spec(folder, text)
    message = str(caught.value)
    assert len(message.splitlines()) == 3, message
    return message.replace(str(folder), "")


def test_arrays_are_called_as_the_spec_calls_them(tmp_path: Path) -> None:
    names = spec(tmp_path, GOOD).names
    assert list(names) == ["X", "y", "W", "z", "loss", "h0", "h1"]


def test_inputs_that_are_made_in_a_function_are_found(tmp_path: Path) -> None:
    text = """
    import numpy as np
    import symgrad as sg

    def layer(x, k):
        return np.tanh(sg.param(f"W{k}", (3, 3)) @ x)

    loss = np.sum(layer(layer(sg.data("x", (3,)), 1), 2))
    """
    assert set(spec(tmp_path, text).names) == {"W1", "W2", "x", "loss"}


def test_a_name_that_is_bound_again_stays_with_the_input(tmp_path: Path) -> None:
    text = """
    import numpy as np
    import symgrad as sg

    x = sg.data("x", (3,))
    for k in range(2):
        x = np.tanh(x)
    loss = np.sum(x)
    """
    names = spec(tmp_path, text).names
    assert list(names) == ["x", "loss"]
    assert names["x"].variable is not None


def test_example_has_the_declared_dtypes(tmp_path: Path) -> None:
    example = spec(tmp_path, GOOD + POINT).example
    assert {name: a.dtype for name, a in example.items()} == {
        "X": np.float64,
        "y": np.int64,
        "W": np.float64,
    }


def test_expected_and_compared(tmp_path: Path) -> None:
    text = GOOD + POINT + 'compared = {"dL_dW.T": np.ones((3, 2)), "z": [[9, 12, 15]]}\n'
    gradient, value = spec(tmp_path, text).compared
    assert (gradient.value, gradient.adjoint, gradient.transposed) == ("W", True, True)
    assert gradient.shown(np.arange(6).reshape(2, 3)).shape == (3, 2)
    assert (value.value, value.adjoint, value.transposed) == ("z", False, False)


def test_what_a_spec_prints_is_not_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec(tmp_path, GOOD + 'print("hello")\n')
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "hello\n")


def test_a_spec_imports_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "beside_it.py").write_text("WIDTH = 3\n")
    text = GOOD.replace("(2, 3)", "(2, WIDTH)") + POINT
    spec(tmp_path, "from beside_it import WIDTH\n" + text)


def test_missing_file(tmp_path: Path) -> None:
    (tmp_path / "notebook.py").touch()
    with pytest.raises(SpecError, match=r"netbook.py does not exist") as caught:
        load(tmp_path / "netbook.py")
    assert "perhaps" in str(caught.value)
    assert "notebook.py" in str(caught.value)


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="is a folder"):
        load(tmp_path)


BAD = {
    "raises": (
        GOOD.replace("h = [", "h = [][1], ["),
        ["the spec raised IndexError: list index out of range", "/net.py:10:  h = [][1], ["],
    ),
    "raises in a helper": (
        "def half(x):\n    return x / 0\n\nhalf(1)\n",
        ["the spec raised ZeroDivisionError: division by zero", "/net.py:2:  return x / 0"],
    ),
    "exits": ("import sys\nsys.exit(3)\n", ["the spec raised SystemExit: 3", "/net.py:2:"]),
    "syntax": ("x = 1\nx = = 2\n", ["the spec is not valid Python", "/net.py:2:  x = = 2"]),
    "no loss": (
        GOOD.replace("loss =", "cost ="),
        ["the spec has no `loss`", "/net.py:13:  cost = np.sum(_hidden)", "loss = cost"],
    ),
    "a loss of the wrong type": (
        GOOD + "loss = 3.0\n",
        ["`loss` is of type float", "/net.py:14:  loss = 3.0", "sg.param"],
    ),
    "a loss with axes": (
        GOOD.replace("np.sum(_hidden)", "_hidden"),
        ["`loss` has the shape N×3", "/net.py:13:  loss = _hidden", "np.sum"],
    ),
    "two arrays of one name": (
        GOOD.replace('"X"', '"W"'),
        ["two arrays are called 'W'", "/net.py:7:", "the first is at", "/net.py:5:"],
    ),
    "a keyword": (
        GOOD.replace('"W"', '"lambda"'),
        ["can't be called 'lambda'", '/net.py:7:  w = sg.param("lambda", (2, 3))'],
    ),
    "a name of the generated file": (
        GOOD.replace('"W"', '"gradients"'),
        ["can't be called 'gradients'", '/net.py:7:  w = sg.param("gradients", (2, 3))'],
    ),
    "no identifier": (
        GOOD.replace('"W"', '"W 1"'),
        ["'W 1'", '/net.py:7:  w = sg.param("W 1", (2, 3))'],
    ),
    "an example of something else": (
        GOOD + POINT.replace('"W"', '"w"'),
        ["numbers for 'w', which is no input", "/net.py:15:", "perhaps W"],
    ),
    "an incomplete example": (
        GOOD + 'example = {"X": [[1, 2]]}\n',
        ["no numbers for y, W", "/net.py:14:"],
    ),
    "an example of the wrong shape": (
        GOOD + POINT.replace("[[1, 2]]", "[1, 2]"),
        ["`example['X']` has the shape 2; X is N×2", "/net.py:15:"],
    ),
    "an example with two sizes of one name": (
        GOOD + POINT.replace("[2]", "[2, 1]"),
        ["`example['y']` has the shape 2; y is 1", "/net.py:15:"],
    ),
    "a ragged example": (
        GOOD + POINT.replace("[4, 5, 6]", "[4, 5]"),
        ["`example['W']` is no array of numbers", "/net.py:15:"],
    ),
    "labels that are not whole": (
        GOOD + POINT.replace('"y": [2]', '"y": [1.5]'),
        ["`example['y']` is not of dtype int", "/net.py:15:"],
    ),
    "a complex example": (
        GOOD + POINT.replace("[1, 2]", "[1, 2j]"),
        ["`example['X']` is complex", "/net.py:15:"],
    ),
    "a masked example": (
        GOOD + POINT.replace("[[1, 2]]", "np.ma.array([[1, 2]], mask=[[0, 1]])"),
        ["`example['X']` is a masked array", "/net.py:15:"],
    ),
    "an example with NaN": (
        GOOD + POINT.replace("[1, 2]", "[1, np.nan]"),
        ["`example['X']` holds NaN", "/net.py:15:"],
    ),
    "labels that int64 does not hold": (
        GOOD + POINT.replace('"y": [2]', '"y": np.array([2**63], np.uint64)'),
        ["`example['y']` holds 9223372036854775808", "/net.py:15:"],
    ),
    "labels that no dtype holds": (
        GOOD + POINT.replace('"y": [2]', '"y": [2**70]'),
        ["`example['y']` is no array of numbers", "/net.py:15:"],
    ),
    "an example that is no dict": (
        GOOD + "example = [1]\n",
        ["`example` has to be a dict", "/net.py:14:  example = [1]"],
    ),
    "expecting something else": (
        GOOD + POINT + 'expected = {\n    "dL_dw": [[1]],\n}\n',
        ["the spec has no 'w'", '/net.py:17:  "dL_dw": [[1]],', "perhaps W"],
    ),
    "expecting what is not used": (
        GOOD.replace("loss =", "other = z + 1\nloss =")
        + POINT
        + 'expected = {"other": [[1, 2, 3]]}\n',
        ["the loss does not depend on other", "/net.py:17:"],
    ),
    "expecting another shape": (
        GOOD + POINT + 'expected = {"dL_dW.T": [[1, 2, 3], [4, 5, 6]]}\n',
        ["has the shape 2×3; dL_dW.T is 3×2"],
    ),
    "expecting without a point": (
        GOOD + 'expected = {"z": [[1, 2, 3]]}\n',
        ["not at which point", "/net.py:14:"],
    ),
    "a tolerance below zero": (
        GOOD + POINT + "expected_tolerance = -1\n",
        ["`expected_tolerance` is -1", "/net.py:16:"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_refusal(tmp_path: Path, case: str) -> None:
    text, parts = BAD[case]
    message = refusal(tmp_path, text)
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('latex = {"ww": "w"}', "the spec has no 'ww'"),
        ('latex = {"w": "{w"}', "is no symbol"),
        ('latex = {"w": "$w$"}', "is no symbol"),
        ('latex = {"w": r"w \\\\ v"}', "is no symbol"),
    ],
)
def test_a_symbol_has_to_be_one_of_something(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "spec.py"
    path.write_text(f'import symgrad as sg\nw = sg.param("w", ())\nloss = w**2\n{line}\n')
    with pytest.raises(SpecError, match=message):
        load(path)
    path.write_text(path.read_text().replace(line, 'latex = {"w": r"\\omega_{1}"}'))
    assert load(path).latex == {"w": r"\omega_{1}"}


IMPORTS = "import numpy as np\nimport symgrad as sg\n"
LOOP = """
w = sg.param("w", (2,))
h = np.tanh(w)
for k in range(3):
    h = np.tanh(h * w) + h ** 2
p = h
loss = np.sum(p ** 2)
example = {"w": [0.5, 1]}
"""


def test_numbers_may_be_for_another_variable_of_a_value(tmp_path):
    found = spec(tmp_path, f'{IMPORTS}{LOOP}expected = {{"p": [1, 2], "dL_dp": [3, 4]}}\n')
    assert [(e.key, e.value, e.adjoint) for e in found.expected] == [
        ("p", "h", False),
        ("dL_dp", "h", True),
    ]


def test_the_last_turn_keeps_its_name_where_an_input_has_that_name(tmp_path):
    text = """
    import numpy as np
    import symgrad as sg
    c, h, w = sg.data("c", (2,)), sg.data("h", (2,)), sg.param("w", (2,))
    for _ in range(3):
        c = w * c + h
        h = np.tanh(c)
    loss = np.sum(h**2)
    """
    found = spec(tmp_path, text)
    names = [e.name for e in trace(found.loss, found.names)]
    assert names == ["c1", "h1", "c2", "h2", "c3", "h3", "loss"]


def test_numbers_may_be_for_one_turn_of_a_loop(tmp_path):
    stated = '{"h1": [1, 2], "dL_dh2": [3, 4], "h4": [5, 6]}'
    found = spec(tmp_path, f"{IMPORTS}{LOOP}expected = {stated}\n")
    assert [(e.value, e.adjoint) for e in found.expected] == [
        ("h1", False), ("h2", True), ("h", False),
    ]  # fmt: skip
    told = refusal(tmp_path, f'{IMPORTS}{LOOP}expected = {{"h7": [1, 2]}}\n')
    assert "the spec has no 'h7'" in told
    told = refusal(tmp_path, f'{IMPORTS}{LOOP}expected = {{"h1": [1, 2, 3]}}\n')
    assert "has the shape 3; h1 is 2" in told


def test_numbers_may_be_for_what_a_scan_gives_back(tmp_path):
    text = f"""{IMPORTS}
x, h0 = sg.data("x", ("T",)), sg.param("h0", ())
def step(h, x):
    h = h + x
    return h, h
last, hs = sg.scan(step, h0, x)
loss = np.sum(hs ** 2)
example = {{"x": [1, 2], "h0": 1}}
"""
    found = spec(tmp_path, f'{text}expected = {{"hs": [2, 4], "dL_dh": [12, 8]}}\n')
    assert [(e.key, e.value) for e in found.expected] == [("hs", "h"), ("dL_dh", "h")]
    told = refusal(tmp_path, f'{text}expected = {{"dL_dhs": [12, 8]}}\n')
    assert "state them for dL_dh, which holds what later steps make of it" in told
