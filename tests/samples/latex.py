r"""Evaluates the LaTeX of formulas: `evaluate(r"\sum_{j \leq i} x_j", {"x": x}, {"j": 3, "i": 1})`.

Small letters are arrays, whose products go element by element; a `Matrix` multiplies as matrices do.
Index letters run over the ranges that the environment gives them under "ranges"; in a sum they are
numbers, one after the other. Outside of an array there are zeros.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import linalg, special

Env = dict[str, Any]

TOKEN = re.compile(r"\\[a-zA-Z]+|\d+|He|[a-zA-Z]|[^\s\\]")


class Matrix:
    """A matrix, whose products are matrix products."""

    def __init__(self, array: Any) -> None:
        self.array = np.asarray(array, float)

    @property
    def transposed(self) -> Matrix:
        return Matrix(self.array.T)


class Identity:
    """The identity matrix, of the size of what it is added to."""


def plain(x: Any) -> Any:
    return x.array if isinstance(x, Matrix) else x


def _like(x: Any, y: Any, out: Any) -> Any:
    return Matrix(out) if isinstance(x, Matrix) or isinstance(y, Matrix) else out


def times(x: Any, y: Any) -> Any:
    if isinstance(x, Matrix) and isinstance(y, Matrix):
        return Matrix(x.array @ y.array)
    return _like(x, y, plain(x) * plain(y))


def power(x: Any, y: Any) -> Any:
    if isinstance(y, Matrix):  # e^A
        assert x == math.e
        return Matrix(linalg.expm(y.array))
    if isinstance(x, Matrix):
        return Matrix(np.linalg.matrix_power(x.array, int(y)))
    return np.asarray(x, float) ** y


# --- functions ---------------------------------------------------------------------------------


def chebyshev_v(n: Any, x: Any) -> Any:
    return special.eval_chebyu(n, x) - np.where(n > 0, special.eval_chebyu(n - 1, x), 0)


def chebyshev_w(n: Any, x: Any) -> Any:
    return special.eval_chebyu(n, x) + np.where(n > 0, special.eval_chebyu(n - 1, x), 0)


def from_zero(function: Callable[..., Any]) -> Callable[..., Any]:
    """A family of polynomials, which are 0 for negative degrees."""
    return lambda n, x: np.where(n < 0, 0.0, function(np.maximum(n, 0).astype(int), x))


# with an index: J_0(x)
FAMILIES: dict[str, Callable[..., Any]] = {
    "J": special.jv,
    "Y": special.yv,
    "I": special.iv,
    "K": special.kv,
    "T": from_zero(special.eval_chebyt),
    "U": from_zero(special.eval_chebyu),
    "V": from_zero(chebyshev_v),
    "W": from_zero(chebyshev_w),
    "H": from_zero(special.eval_hermite),
    "He": from_zero(special.eval_hermitenorm),
    "L": from_zero(special.eval_laguerre),
    "P": from_zero(special.eval_legendre),
}


def copied_up(m: Matrix) -> Matrix:
    """The symmetric matrix with the same lower triangle."""
    low = np.tril(m.array)
    return Matrix(low + np.tril(low, -1).T)


def most_frequent(x: Any) -> Any:
    values, counts = np.unique(x, return_counts=True)
    return values[counts.argmax()]


def diagonal(x: Any) -> Any:
    return Matrix(np.diag(x))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    r"\Gamma": special.gamma,
    r"\Phi": special.ndtr,
    r"\cos": np.cos,
    r"\cosh": np.cosh,
    r"\det": lambda a: np.linalg.det(a.array),
    r"\gcd": np.gcd,
    r"\ln": np.log,
    r"\max": np.maximum,
    r"\min": np.minimum,
    r"\psi": special.digamma,
    r"\sigma": special.expit,
    r"\sin": np.sin,
    r"\sinh": np.sinh,
    r"\tan": np.tan,
    r"\tanh": np.tanh,
    r"\arccos": np.arccos,
    r"\arcsin": np.arcsin,
    r"\arctan": np.arctan,
    r"\varepsilon": np.spacing,
    r"\varphi": lambda x: np.exp(-x * x / 2) / math.sqrt(2 * math.pi),
    r"\zeta": special.zeta,
    "Ai": lambda x: special.airy(x)[0],
    "Ai'": lambda x: special.airy(x)[1],
    "arcosh": np.arccosh,
    "arsinh": np.arcsinh,
    "artanh": np.arctanh,
    "copyltu": copied_up,
    "copysign": np.copysign,
    "diag": diagonal,
    "erf": special.erf,
    "erfc": special.erfc,
    "mode": most_frequent,
    "round": np.rint,
    "sign": np.sign,
    "triu": lambda m: Matrix(np.triu(m.array)),
    "trunc": np.trunc,
}
INVERSES = {r"\Phi": special.ndtri, "erf": special.erfinv}
CONSTANTS = {"e": math.e, r"\pi": math.pi, r"\infty": math.inf, "I": Identity()}
COMPARISONS: dict[str, Callable[..., Any]] = {
    "=": np.equal,
    r"\neq": np.not_equal,
    "<": np.less,
    ">": np.greater,
    r"\leq": np.less_equal,
    r"\geq": np.greater_equal,
    r"\notin": lambda i, places: i not in np.asarray(places).reshape(-1),
}


def slope_of(function: Callable[[Any], Any], x: Any) -> Any:
    """The derivative by central differences of order 6."""
    h = 1e-3 * np.maximum(1.0, np.abs(x))
    terms = ((1, 45), (2, -9), (3, 1))
    return sum(w * (function(x + k * h) - function(x - k * h)) for k, w in terms) / (60 * h)


def integral(function: Callable[[float], Any], low: Any, high: Any) -> Any:
    """By the double exponential rule, which end points with infinite slopes do not disturb."""
    total: Any = 0.0
    step = 1 / 32
    for k in range(-128, 129):
        u = k * step
        if np.all(np.isinf(high)):  # from low on: t = low + e^(π/2 sinh u)
            t = low + math.exp(math.pi / 2 * math.sinh(u))
            weight = math.pi / 2 * math.cosh(u) * math.exp(math.pi / 2 * math.sinh(u))
        else:
            s = 1 / (1 + math.exp(-math.pi * math.sinh(u)))
            t = low + (high - low) * s
            weight = (high - low) * math.pi * math.cosh(u) * s * (1 - s)
        if np.all(np.abs(weight) < 1e-300):
            continue
        term = times(function(t), weight * step)
        total = term if k == -128 else _like(total, term, plain(total) + plain(term))
    return total


# --- reading -----------------------------------------------------------------------------------

Node = Callable[[Env], Any]  # a formula that was read, to be evaluated in an environment

CLOSING = {")", "]", "}", r"\rfloor", r"\rceil", ",", ":", "+", "-", r"\pm", "/", r"\odot"}
CLOSING |= {r"\times", r"\wedge", r"\vee", r"\oplus", r"\quad", r"\bmod", *COMPARISONS}


class Reader:
    """Reads tokens from left to right; each method returns a `Node`."""

    def __init__(self, text: str, env: Env) -> None:
        text = text.replace(r"~\mathrm{mod}~", r"\bmod")
        self.tokens = [t for t in TOKEN.findall(text) if t not in (r"\left", r"\right")]
        self.at, self.env = 0, env
        self.bars = 0  # how many |…| are open
        self.integrals = 0

    def peek(self, ahead: int = 0) -> str:
        place = self.at + ahead
        return self.tokens[place] if place < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek()
        if expected and token != expected:
            raise SyntaxError(f"expected {expected!r}, got {token!r} in {' '.join(self.tokens)}")
        self.at += 1
        return token

    def group(self) -> list[str]:
        """The tokens between braces, or the next one."""
        if self.peek() != "{":
            return [self.take()]
        self.take()
        out, depth = [], 1
        while True:
            token = self.take()
            if not token:
                raise SyntaxError("a brace is not closed")
            depth += {"{": 1, "}": -1}.get(token, 0)
            if not depth:
                return out
            out.append(token)

    def inner(self, tokens: list[str]) -> Reader:
        reader = Reader("", self.env)
        reader.tokens = tokens
        return reader

    def whole(self, tokens: list[str]) -> Node:
        reader = self.inner(tokens)
        node = reader.sum()
        if reader.peek():
            raise SyntaxError(f"{reader.peek()!r} is left in {' '.join(tokens)}")
        return node

    # relations and sums

    def condition(self) -> Node:
        """Comparisons, which may form chains, and several with commas between."""
        parts, nodes, signs = [], [self.sum()], []
        while self.peek() in COMPARISONS or self.peek() == ",":
            sign = self.take()
            if sign == ",":
                parts.append((nodes, signs))
                nodes, signs = [self.sum()], []
            else:
                signs.append(sign)
                nodes.append(self.sum())
        parts.append((nodes, signs))

        def holds(env: Env) -> Any:
            out: Any = True
            for nodes, signs in parts:
                values = [plain(node(env)) for node in nodes]
                for x, sign, y in zip(values, signs, values[1:]):
                    out = np.logical_and(out, COMPARISONS[sign](x, y))
            return out

        return holds

    def sum(self) -> Node:
        sign = -1 if self.peek() == "-" else 1
        if sign < 0:
            self.take()
        left = self.term()
        node = left if sign > 0 else lambda env: times(-1.0, left(env))
        while self.peek() in ("+", "-", r"\bmod"):
            op = self.take()
            node = self._both(op, node, self.term())
        return node

    @staticmethod
    def _both(op: str, left: Node, right: Node) -> Node:
        functions: dict[str, Callable[[Any, Any], Any]] = {
            "+": lambda x, y: x + y,
            "-": lambda x, y: x - y,
            r"\bmod": lambda x, y: x % y,
            "/": lambda x, y: x / y,
            r"\odot": lambda x, y: x * y,
            r"\times": np.cross,
            r"\wedge": np.bitwise_and,
            r"\vee": np.bitwise_or,
            r"\oplus": np.bitwise_xor,
        }

        def value(env: Env) -> Any:
            x, y = left(env), right(env)
            if isinstance(x, Identity):
                x = Matrix(np.eye(len(y.array)))
            return _like(x, y, functions[op](plain(x), plain(y)))

        return value

    def term(self) -> Node:
        node = self.product()
        while self.peek() in ("/", r"\odot", r"\times", r"\wedge", r"\vee", r"\oplus"):
            node = self._both(self.take(), node, self.product())
        return node

    def product(self) -> Node:
        factors: list[Node] = []
        while self.peek() and self.peek() not in CLOSING:
            if self.peek() in ("|", r"\Vert") and self.bars and factors:
                break
            if self.integrals and self.peek() == "d":
                break
            if self.peek() == r"\cdot":
                self.take()
            factors.append(self.factor())
        if not factors:
            raise SyntaxError(f"nothing before {self.peek()!r} in {' '.join(self.tokens)}")

        def value(env: Env) -> Any:
            out = factors[0](env)
            for factor in factors[1:]:
                out = times(out, factor(env))
            return out

        return value

    # factors

    def factor(self) -> Node:
        node = self.base()
        while self.peek() in ("^", "!"):
            if self.take() == "!":
                node = _factorial(node)
            else:
                node = self.raised(node, self.group())
        return node

    def raised(self, node: Node, tokens: list[str]) -> Node:
        joined = "".join(tokens)
        if joined == r"\top":
            return lambda env: node(env).transposed
        if joined == r"-\top":
            return lambda env: Matrix(np.linalg.inv(node(env).array.T))
        if joined == "+":
            return lambda env: Matrix(np.linalg.pinv(node(env).array))
        if joined == r"+\top":
            return lambda env: Matrix(np.linalg.pinv(node(env).array).T)
        exponent = self.whole(tokens)
        return lambda env: power(node(env), exponent(env))

    def base(self) -> Node:
        token = self.take()
        if token.isdigit():
            return lambda env: float(token)
        if token == "(":
            node = self.sum()
            self.take(")")
            return node
        if token == "[":
            condition = self.condition()
            self.take("]")
            return lambda env: np.asarray(condition(env), float)
        if token in ("|", r"\Vert"):
            return self.bar(token)
        if token in (r"\lfloor", r"\lceil"):
            node = self.sum()
            self.take(r"\rfloor" if token == r"\lfloor" else r"\rceil")
            whole = np.floor if token == r"\lfloor" else np.ceil
            return lambda env: whole(node(env))
        if token == r"\frac":
            return self.fraction()
        if token == r"\sqrt":
            return self.root()
        if token in (r"\sum", r"\prod"):
            return self.reduction(token)
        if token == r"\int":
            return self.integral()
        if token == r"\neg":
            node = self.factor()
            return lambda env: np.bitwise_not(node(env))
        if token in (r"\forall", r"\exists"):
            return self.quantifier(token)
        return self.named(self.name_of(token))

    def name_of(self, token: str) -> str:
        if token == r"\mathrm":
            name = "".join(self.group())
            return name + self.take() if name == "Ai" and self.peek() == "'" else name
        if token in (r"\bar", r"\hat"):
            return f"{token}{{{''.join(self.group())}}}"
        return token

    def bar(self, token: str) -> Node:
        self.bars += 1
        node = self.sum()
        self.bars -= 1
        self.take(token)
        if token == "|":
            return lambda env: np.abs(node(env))
        order = self.whole(self.group()) if self.peek() == "_" and self.take() else lambda _: 2.0
        return lambda env: np.linalg.norm(node(env), order(env))

    def fraction(self) -> Node:
        over, under = self.group(), self.group()
        if over == ["d"] and under[0] == "d":
            body, name = self.product(), under[1]
            return lambda env: slope_of(lambda x: body({**env, name: x}), env[name])
        a, b = self.whole(over), self.whole(under)
        return lambda env: _like(a(env), 0, plain(a(env)) / b(env))

    def root(self) -> Node:
        order: Node = lambda env: 2.0
        if self.peek() == "[":
            self.take()
            order = self.sum()
            self.take("]")
        node = self.whole(self.group())
        return lambda env: (
            np.sign(node(env)) ** (order(env) % 2) * np.abs(node(env)) ** (1 / order(env))
        )

    def integral(self) -> Node:
        self.take("_")
        low = self.whole(self.group())
        self.take("^")
        high = self.whole(self.group())
        self.integrals += 1
        body = self.product()
        self.integrals -= 1
        self.take("d")
        name = self.take()
        return lambda env: integral(lambda t: body({**env, name: t}), low(env), high(env))

    def quantifier(self, token: str) -> Node:
        letter = self.take()
        self.take(":")
        condition = self.condition()
        every = all if token == r"\forall" else any
        return lambda env: every(
            condition({**env, letter: i}) for i in range(env["ranges"][letter])
        )

    # sums over indices

    def reduction(self, token: str) -> Node:
        """A sum, product or extreme over indices; see `_choices`."""
        letter, condition, series = "", None, None
        if self.peek() == "_":
            self.take()
            tokens = self.group()
            if len(tokens) == 1:
                letter = tokens[0]
            elif self.peek() == "^":
                self.take()
                self.group()
                series, letter = self.whole(tokens[2:]), tokens[0]
            else:
                condition = self.inner(tokens).condition()
                letters = tokens
        begin = self.at
        body = self.product()
        if not letter and condition is None:
            letters = self.tokens[begin : self.at]
        elif letter:
            letters = [letter]
        if series is not None:
            return lambda env: _infinite(body, letter, env)

        def value(env: Env) -> Any:
            bound = [x for x in dict.fromkeys(letters) if x in env["ranges"] and x not in env]
            values, places = [], []
            for place in _places(bound, env["ranges"]):
                here = {**env, **place}
                holds = np.asarray(True if condition is None else condition(here))
                out = body(here)
                if not bound or holds.ndim:  # what is there, element by element
                    chosen = np.broadcast_arrays(plain(out), holds)
                    values += list(chosen[0][chosen[1]].reshape(-1))
                elif holds:
                    values.append(out)
                    places.append(place)
            return _reduced(token, values, places)

        return value

    # names

    def named(self, name: str) -> Node:
        index = self.group() if self.peek() == "_" and self.take() else None
        if name in (r"\max", r"\min", "argmax", "argmin") and (
            index is not None or self.peek() != "("
        ):
            if index is not None:  # back to the underscore
                self.at -= 1 + (len(index) + 2 if self.tokens[self.at - 1] == "}" else 1)
            return self.reduction(name)
        primes = 0
        while self.peek() == "'":
            primes += bool(self.take())
        if index is not None and self.peek() == "(" and name in FAMILIES:
            return self.family(name, self.whole(index), primes)
        if name == r"\log":
            base = self.whole(index or ["e"])
            x = self.argument()
            return lambda env: np.log(x(env)) / np.log(base(env))
        if name == "tril" and index == ["-", "1"]:
            x = self.argument()
            return lambda env: Matrix(np.tril(x(env).array, -1))
        if self.is_function(name) and index is None:
            return self.applied(name)
        if index is not None and index[0] in (r"\max", r"\min"):
            return self.variable(f"{name}_{{{index[0]}}}")
        node = self.variable(name)
        return node if index is None else self.indexed(node, index)

    def is_function(self, name: str) -> bool:
        if name in self.env:
            return callable(self.env[name])
        return name in FUNCTIONS and not (name == r"\varepsilon" and self.peek() != "(")

    def family(self, name: str, order: Node, primes: int) -> Node:
        x = self.argument()
        function = FAMILIES[name]
        if primes:
            return lambda env: slope_of(lambda t: function(order(env), t), x(env))
        return lambda env: function(order(env), x(env))

    def applied(self, name: str) -> Node:
        function = self.env.get(name) or FUNCTIONS[name]
        if self.peek() == "^":
            self.take()
            tokens = self.group()
            if tokens == ["-", "1"]:
                function = INVERSES[name]
            else:  # \psi^{(n)}
                order = self.whole(tokens[1:-1])
                x = self.argument()
                return lambda env: special.polygamma(np.asarray(order(env), int), x(env))
        if self.peek() != "(":
            x = self.product()
            return lambda env: function(x(env))
        self.take("(")
        arguments = [self.sum()]
        while self.peek() == ",":
            self.take()
            arguments.append(self.sum())
        self.take(")")
        return lambda env: function(*[x(env) for x in arguments])

    def argument(self) -> Node:
        if self.peek() != "(":
            return self.product()
        return self.base()

    def variable(self, name: str) -> Node:
        def value(env: Env) -> Any:
            if name in env:
                return env[name]
            if name in CONSTANTS:
                return CONSTANTS[name]
            if name.upper() == name and name.lower() in env:
                return Matrix(env[name.lower()])
            raise KeyError(name)

        return value

    def indexed(self, node: Node, tokens: list[str]) -> Node:
        if tokens[0] == "(" and tokens[-1] == ")" and len(tokens) == 3:  # x_(k), the k-th smallest
            rank = self.whole(tokens[1:-1])
            return lambda env: np.sort(node(env))[int(rank(env))]
        indices = [self.whole(part) for part in _parts(self, tokens)]

        def value(env: Env) -> Any:
            places = [np.asarray(i(env)) for i in indices]
            x = plain(node(env))
            if isinstance(x, list):
                return x[int(places[0])]
            places = [p.astype(int) for p in places]
            if all(p.ndim == 0 for p in places):
                inside = all(0 <= p < n for p, n in zip(places, np.shape(x)))
                return x[tuple(places)] if inside else np.zeros(np.shape(x)[len(places) :])
            return np.asarray(x)[tuple(places)]

        return value


def _factorial(node: Node) -> Node:
    return lambda env: special.gamma(node(env) + 1.0)


def _parts(reader: Reader, tokens: list[str]) -> list[list[str]]:
    """The indices of a subscript: between commas, or one letter after the other."""
    parts: list[list[str]] = [[]]
    depth = 0
    for token in tokens:
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(token, 0)
        if token == "," and not depth:
            parts.append([])
        else:
            parts[-1].append(token)
    if len(parts) > 1 or set(tokens) & {"+", "-", "(", r"\bmod", r"\mathrm"}:
        return parts
    inner, out = reader.inner(tokens), []
    while inner.peek():
        begin = inner.at
        inner.factor()
        out.append(tokens[begin : inner.at])
    return out


def _places(letters: list[str], ranges: dict[str, int]) -> Iterator[dict[str, int]]:
    for place in np.ndindex(*(ranges[x] for x in letters)):
        yield dict(zip(letters, place, strict=True))


def _reduced(token: str, values: list[Any], places: list[dict[str, int]]) -> Any:
    if token == r"\prod":
        return math.prod(values)
    if token == r"\sum":
        out: Any = 0.0
        for value in values:
            out = _like(out, value, plain(out) + plain(value))
        return out
    if token in (r"\max", r"\min"):
        return max(values, default=-math.inf) if token == r"\max" else min(values)
    (letter,) = places[0]
    best = int(np.argmax(values) if token == "argmax" else np.argmin(values))
    return places[best][letter]


def _infinite(body: Node, letter: str, env: Env) -> Any:
    """A series: its first terms and, of numbers, the integral over the rest (Euler, Maclaurin)."""
    first = 40
    total = body({**env, letter: 0})
    for k in range(1, first):
        term = body({**env, letter: k})
        total = _like(total, term, plain(total) + plain(term))
    if isinstance(total, Matrix):
        return total
    at = lambda k: body({**env, letter: k})
    return total + integral(at, float(first), math.inf) + at(first) / 2 - slope_of(at, first) / 12


# --- formulas ----------------------------------------------------------------------------------


def evaluate(text: str, env: Env) -> Any:
    """The value of an expression."""
    reader = Reader(text, env)
    node = reader.sum()
    if reader.peek():
        raise SyntaxError(f"{reader.peek()!r} is left in {text}")
    return node(env)


def holds(text: str, env: Env) -> Any:
    """Whether a relation holds."""
    reader = Reader(text, env)
    node = reader.condition()
    if reader.peek():
        raise SyntaxError(f"{reader.peek()!r} is left in {text}")
    return node(env)


def split(text: str, mark: str) -> list[str]:
    """The parts of a formula between marks that no bracket encloses."""
    parts, depth, begin = [], 0, 0
    for i, c in enumerate(text):
        depth += (c in "([{") - (c in ")]}")
        if not depth and text.startswith(mark, i):
            parts.append(text[begin:i])
            begin = i + len(mark)
    return [*parts, text[begin:]]
