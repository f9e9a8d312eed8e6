"""Texts that somebody sends to a service who wants it to run something, to hang or to fall over."""

from __future__ import annotations

import random

RUNNING = [
    "__import__('os').system('true')", "open('/etc/passwd').read()", "exec('x=1')", "eval('1')",
    "X.__class__.__mro__[1].__subclasses__()", "().__class__.__bases__[0]", "''.__class__",
    "X.__array__()", "X.__reduce_ex__(2)", "np.__loader__", "np.os.system('true')", "np.load('f')",
    "np.core", "np.lib.npyio.os", "sg.load('x.c')", "sg.data('Z', (3,))", "sg.derive(sum(w))",
    "np.frompyfunc(1, 1, 1)", "np.vectorize(1)", "np.fromfile('x')", "np.save('x', w)",
    "X.tofile('x')", "X.dump('x')", "w.tobytes()", "getattr(X, 'T')", "globals()", "locals()",
    "vars(X)", "dir(X)", "type(X)", "object()", "print(1)", "input()", "breakpoint()", "help()",
    "compile('1', '', 'eval')", "lambda: 1", "(lambda x: x)(w)", "[x for x in w]", "{1: 2}",
    "{w}", "{**w}", "f'{w}'", "w if 1 else w", "w := 1", "w = 1", "import os", "w; import os",
    "del w", "assert 0", "raise w", "class A: 0", "def f(): 0", "yield w", "await w", "@w",
    "*w", "**w", "sum(*w)", "sum(**w)", "print", "np", "sum", "X.T.T.__init__", "w.sum.__func__",
    "w._memory", "w.variable", "w.inputs[0]", "w.rhs", "w.key", "sum(w).real.__class__",
    "einsum('__import__', w)", "einsum(open, w)", "'rm -rf'", "\"text\"", "b'x'", "r'x'", "`ls`",
    "$(ls)", "!ls", "%run x", "?w", "w?", "#", "w # comment", "\\", "w\\\n+1", "\x00", "w\x00",
    "\x1b[2J", "w\u202e+1", "w\u200b", "\ufeffw", "w\r\n+1;", "w\u00a0+1", "\u2212w", "w\u00d7w",
    "\uff3f_import__", "\ud800", "w'", "'w", '"""', "'''", "w.0", "0x10", "0b1", "1_000", "1j",
    "3w", "w3", "1e", "1e+", ".", "..", "....", "w..T", "w.T()", "w.T.", ".T", "w[", "w]", "w(",
    "w)", "w[]", "w[:::]", "w[::::]", "w[1:2:3:4]", "w[w]", "w['a']", "w[0.5]", "w[None][9]",
    "w[99]", "w[-99]", "X[0, 0, 0, 0]", "X[..., ...]", "X[(((0)))][0][0][0]", "w(1)", "(w)(1)",
    "1(2)", "X[0](1)", "sum()()", "sum(axis=0)", "sum(w, 1, 2, 3, 4, 5)", "sum(w, axis=9)",
    "sum(w, axis=0, axis=0)", "sum(w, where=open)", "sum(axis=0, w)", "sum(w, out=w)",
    "sum(w, axis='a')", "sum(w, dtype=object)", "reshape(w, -1, -1)", "reshape(w, (0,))",
    "reshape(w, (10**9,))", "concatenate(w)", "concatenate(())", "stack(())", "stack(1)",
    "where(w, w, w)", "where(1)", "where()", "clip()", "solve(X, X)", "inv(X)", "det(w)",
    "w @ X.T.T.T.T",
    "X @ X", "w @", "@ w", "+", "-", "~", "* w", "w *", "w w", "w 1", "1 1", "()", "[]", "[[]]",
    "(,)", "w,", "w, w", "(w, w)", "[w, [w]]", "~w", "w & w", "w | 1", "w ^ w", "0 < w < 1",
    "w < 1 < 2 < 3", "w == w == w", "w and w", "w or w", "not w", "w in w", "w is w", "w not in w",
    "True", "None", "...", "inf - inf", "0/0", "1/0", "inf * 0", "(-8)**(1/3)", "0**-1",
    "9**9**9", "9**9**9**9**9**9", "2**64**64", "w**9999999", "(w + 1)**65", "w**-1e9", "w**1e9",
    "2**1000000", "exp(exp(exp(exp(1000))))", "exp(1e9)*w", "gammaln(1e300)", "1e999", "1e-999",
    "9" * 60, "0." + "3" * 60, "w * 1e31", "1e29*1e29*w", "10**31", "10**29*10**29", "arange(w)",
    "arange(10**18)", "eye(-1)", "eye(0)", "eye(1.5)", "eye(w)", "zeros((10,)*9)",
    "zeros((3, M))", "arange()", "M", "N + Z", "W", "x", "y.sum(keepdim=1)", "y.summ()", "y.shape",
    "y.size", "y.dtype", "y.astype(int)", "tile(w, 10**9)", "repeat(w, 10**9)", "kron(X, X)",
    "matrix_power(X, 10**9)", "pad(w, 10**9)", "linspace(0, 1, 10**9)", "roll(w, 10**9)",
    "broadcast_to(w, (10**9, 10**9, 10**9, 10**9))[0]", "flip(w, axis=w)", "transpose(w, (5,))",
    "moveaxis(X, 7, 0)", "einsum('ii', w)", "einsum('i,j->k', w, w)", "einsum('i', w, w)",
    "einsum()", "einsum(1)", "tensordot(w, w, axes=99)", "norm(X, ord=open)", "norm(w, 'nuc')",
    "average(w, weights=1)", "logsumexp(w, axis=3)", "softmax(w, axis=(0, 0))", "var(w, ddof=99)",
]  # fmt: skip

DEEP = [
    "(" * 5000, "(" * 500 + "w" + ")" * 500, "[" * 900, "-" * 1500 + "w", "~" * 1500 + "w",
    "w" + "**w" * 400, "sum(" * 300 + "w" + ")" * 300, "w" + "[None]" * 300, "w[" * 400,
    "exp(" * 100 + "w" + ")" * 100, "w" * 100_000, "w+" * 1000, "1" * 10_000, "w.T" * 3000,
    "(" * 61 + "w" + ")" * 61, "2**" * 400 + "2", "w" + "@w" * 900, "'" + "i" * 1900 + "'",
]  # fmt: skip

LOOKALIKES = [
    "sum\uff08w\uff09", "w\uff0b1", "w\u2217w", "\u0175", "w\u203fw", "w\uff57", "\u0455um(w)",
    "w \xf7 2", "\u221aw", "w\xb2", "w\u1d40", "\u2211w", "\u03c0*w", "\u221e", "w\xb7w",
    "x\u0302", "\u0435**w", "axis=10**9", "sum(w, axis=10**9)", "sum(w, axis=-10**9)",
    "sum(X, axis=(0, 10**12))", "sum(w, axis=1e3)", "sum(w, axis=True)", "sum(X, axis=((0,),))",
    "reshape(w, (3, 10**12, 0))", "reshape(X, (-10**9,))", "ones(10**12)", "full((10**9,), w)",
    "arange(0, 10**9, 1e-9)", "arange(1, 2, 0)", "linspace(0, 1, -1)", "eye(10**9)", "tri(10**9)",
    "vander(w, 10**9)", "diag(w, 10**9)", "diff(w, 10**9)", "repeat(w, -1)",
    "tile(w, (10**6, 10**6))", "roll(w, 10**400)", "rot90(X, 10**9)", "w ** 10**10",
    "w ** (10**10)", "(X @ X.T) ** 1000000", "1e308 * 1e308 * w", "w * 1e308 ** 9", "1e400*w",
    "-1e999", "0.1**1e9", "2**-10**9*w", "7//0", "7 % 0", "w % 0", "divmod(7, 0)",
    "round(w, 10**9)", "around(w, -10**9)", "'{0.__class__}'.format(w)", "'%s' % w",
    "f'{w.__class__}'", "rf'{w}'", "u'w'", "br'w'", "w.__init__", "__import__", "__builtins__",
    "w.__class__", "np.__dict__", "sum.__globals__", "sum.__wrapped__(w)",
    "X.T.__class__.__base__", "w.__array_ufunc__", "w.__matmul__(w)", "w.__getitem__(0)",
    "(y := w)", "sum(y := w)", "[w for w in X]", "{i: w for i in X}", "(w for w in X)",
    "sum(w for w in X)", "lambda w: w", "sum(key=lambda: 0)", "async w", "match w: 0",
    "w if w else w", "w; w", "w\nw", "w\x0b+1", "w\x0c", "w\x85+1", "w\u2028+1", "w\u2029",
    "w\ud800\udc00", "\U0001f600", "\u200dw", "w\u0301", "\u202dw", "einsum('i->ij', w)",
    "einsum('ii->', X)", "einsum('\xe9', w)", "einsum('i j', w)", "einsum('->', w)",
    "kron(kron(kron(kron(w,w),w),w),w)", "matrix_power(X.T @ X, 64)",
    "matrix_power(X.T @ X, -10**9)", "sort(w)", "argmax(w)", "X[10**9]", "X[10**30]", "X[:10**30]",
    "X[::10**30]", "X[::0]", "X[-10**30:]", "w[1e0]", "w[True]", "w[w > 0]", "X[[0, 0]]",
    "w[0, ...,  ...]", "w[()]",
]  # fmt: skip
"""Signs that look like others, huge numbers, the language around expressions, odd arguments."""

DEEPER = [
    "sum(" + "a" * 1900 + ")", "a" * 1999, "w." + "T." * 500, "w + " + "1" * 1000, "1e" + "9" * 100,
    "1." + "0" * 1500, "e" * 500 + "(w)", "sum(w," + "axis=0," * 200 + ")",
    "exp(" * 70 + "w" + ")" * 70,
    "sum(" + "w," * 500 + ")", "einsum('" + "i" * 300 + "', w)", "w" * 1900 + "[0]",
    "einsum('" + ",".join("i" * 100) + "->i', " + ",".join(["w"] * 100) + ")",
]  # fmt: skip
"""Names, numbers and lists without end."""

PIECES = ["w", "X", "y", "N", "1", "0.5", "(", ")", "[", "]", ",", ":", "**", "@", "-", "~",
          "<", "==", "sum", "exp", "=", ".", "T", "axis", "'ij'", "...", "&", "lambda", "np",
          "[["]  # fmt: skip


def mixed(count: int) -> list[str]:
    """Words and signs in any order, the same ones each time."""
    rng = random.Random(0)
    return [" ".join(rng.choices(PIECES, k=rng.randrange(3, 25))) for _ in range(count)]
