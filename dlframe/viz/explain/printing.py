r"""Rules printed in LaTeX from their own source: `lambda g, out: g * out` is `g z`.

Names are looked up where the rule was written: constants, NumPy's functions, operations,
which are printed by their own formulas, and helper functions, which are replaced by their
source. A rule with loops, branches or anything else without a short formula is not printed; its
formula is written by hand.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
import math
import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from dlframe.viz.explain.notation import symbol

__all__ = ["printed"]


class Text(NamedTuple):
    """A piece of LaTeX, and its precedence."""

    latex: str
    level: int


# from the loosest to the tightest: a + b, a function without brackets as ln x, a number, a letter
SUM, APPLIED, NUMBER, ATOM = range(4)


class Product(NamedTuple):
    """A sign and factors."""

    sign: int
    factors: tuple[Text, ...]


class NotPrintableError(Exception):
    """The source contains something that the printer does not know."""


def printed(rule: Callable[..., Any]) -> str | None:
    """The formula of a rule, or None for one that is more than a short formula."""
    try:
        names = inspect.signature(rule).parameters
        return _text(_Printer(rule, {name: _letter(name) for name in names}).result()).latex
    except NotPrintableError:
        return None


def _letter(name: str) -> Product:
    return Product(1, (Text("z" if name == "out" else symbol(name), ATOM),))


# --- the source --------------------------------------------------------------------------------


def _source_of(function: Callable[..., Any]) -> ast.Lambda | ast.FunctionDef:
    """The node of a lambda or function in the source of its module."""
    code = getattr(function, "__code__", None)
    if code is None:
        raise NotPrintableError
    names = code.co_varnames[: code.co_argcount]
    places = set(code.co_positions())  # one line may have several lambdas
    node: Any
    for node in _functions_in(code.co_filename):
        first = node.decorator_list[0] if getattr(node, "decorator_list", None) else node
        if first.lineno != code.co_firstlineno or names != tuple([a.arg for a in node.args.args]):
            continue
        if isinstance(node, ast.FunctionDef) or _place(node.body) in places:
            return node  # type: ignore[no-any-return] # a node of either kind
    raise NotPrintableError


@cache
def _functions_in(path: str) -> list[Any]:
    tree = ast.parse("".join(linecache.getlines(path)))
    return [node for node in ast.walk(tree) if isinstance(node, (ast.Lambda, ast.FunctionDef))]


def _place(node: ast.expr) -> tuple[Any, ...]:
    return node.lineno, node.end_lineno, node.col_offset, node.end_col_offset


# --- formulas ----------------------------------------------------------------------------------

_CONSTANTS = {
    math.pi: r"\pi",
    math.inf: r"\infty",
    math.log(2): r"\ln 2",
    math.log(10): r"\ln 10",
    2 / math.sqrt(math.pi): r"\frac{2}{\sqrt{\pi}}",
    math.sqrt(2 * math.pi): r"\sqrt{2 \pi}",
}
_COMPARISONS = {
    ast.Eq: ("=", r"\neq"),
    ast.NotEq: (r"\neq", "="),
    ast.Lt: ("<", r"\geq"),
    ast.LtE: (r"\leq", ">"),
    ast.Gt: (">", r"\leq"),
    ast.GtE: (r"\geq", "<"),
}
_FUNCTIONS = {
    **{name: f"\\{name}" for name in ("cos", "cosh", "sin", "sinh", "tanh")},
    "log": r"\ln",
    "trunc": r"\mathrm{trunc}",
}
_AS_IT_IS = {"cast"}  # operations that do not change a formula


class _Printer:
    """Prints the body of one function, in which `names` stand for pieces of LaTeX."""

    def __init__(self, function: Callable[..., Any], names: dict[str, Product]) -> None:
        self.node, self.names = _source_of(function), dict(names)
        self.scope = {**getattr(function, "__globals__", {}), **_closure(function)}

    def result(self) -> Product:
        """What the function returns, its assignments put in their places."""
        if isinstance(self.node, ast.Lambda):
            return self.product(self.node.body)
        for line in self.node.body:
            if isinstance(line, ast.Return) and line.value is not None:
                return self.product(line.value)
            if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
                self.names[line.targets[0].id] = self.product(line.value)
            elif not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)):
                break
        raise NotPrintableError

    def product(self, node: ast.expr) -> Product:
        """An expression as a product of one or more factors."""
        match node:
            case ast.Name(id=name) if name in self.names:
                return self.names[name]
            case ast.Constant(value=bool()):
                raise NotPrintableError
            case ast.Name() | ast.Attribute() | ast.Constant():
                return _number(self.value(node))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                sign, factors = self.product(operand)
                return Product(-sign, factors)
            case ast.BinOp(op=ast.Mult()):
                left, right = self.product(node.left), self.product(node.right)
                return Product(left.sign * right.sign, left.factors + right.factors)
            case ast.BinOp(op=ast.Div()):
                return _fraction(self.product(node.left), self.product(node.right))
            case ast.BinOp(op=ast.Pow()):
                return _one(_power(self.text(node.left), self.text(node.right)))
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                right = self.product(node.right)
                if isinstance(node.op, ast.Sub):
                    right = Product(-right.sign, right.factors)
                return _one(_sum(self.text(node.left), right))
            case ast.Compare(ops=[comparison], comparators=[other]):
                return _one(self.holds(node.left, comparison, other, 0))
            case ast.Call():
                return self.call(node)
        raise NotPrintableError

    def text(self, node: ast.expr) -> Text:
        return _text(self.product(node))

    def value(self, node: ast.expr) -> Any:
        """The meaning of a name of the module, or of a number."""
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name) if name in self.scope:
                return self.scope[name]
            case ast.Attribute(value=owner, attr=name):
                return getattr(self.value(owner), name, None)
            case ast.Name(id=name) if name not in self.names and hasattr(builtins, name):
                return getattr(builtins, name)
        raise NotPrintableError

    def holds(self, left: ast.expr, comparison: ast.cmpop, right: ast.expr, negated: int) -> Text:
        if type(comparison) not in _COMPARISONS:
            raise NotPrintableError
        sign = _COMPARISONS[type(comparison)][negated]
        return Text(f"[{self.text(left).latex} {sign} {self.text(right).latex}]", ATOM)

    def call(self, node: ast.Call) -> Product:
        function = self.value(node.func)
        name = getattr(function, "__name__", "")
        if name == "where":
            return self.choice(*node.args)
        if name == "zeros_like":
            return _number(0)
        arguments = [self.product(x) for x in node.args]
        texts = [_text(x) for x in arguments]
        if name in _AS_IT_IS:
            return arguments[0]
        if name in ("absolute", "abs"):
            return _one(Text(f"|{texts[0].latex}|", ATOM))
        if name in ("exp", "exp2"):
            return _one(_power(Text("e" if name == "exp" else "2", ATOM), texts[0]))
        if name == "sqrt":
            return _one(Text(rf"\sqrt{{{texts[0].latex}}}", ATOM))
        if name in _FUNCTIONS:
            return _one(_applied(_FUNCTIONS[name], texts[0]))
        if not inspect.isfunction(function):
            raise NotPrintableError
        own: Any = getattr(function, "definition", function)
        latex = getattr(own, "latex", None)
        parameters = own.inputs if own is not function else inspect.signature(own).parameters
        if latex is not None:
            options = {str(k.arg): self.text(k.value) for k in node.keywords}
            return _one(_put_in(latex, {**dict(zip(parameters, texts)), **options}))
        if own is not function or node.keywords:
            raise NotPrintableError
        return _Printer(function, dict(zip(parameters, arguments, strict=True))).result()

    def choice(self, condition: ast.expr, x: ast.expr, y: ast.expr) -> Product:
        """`where(c, x, y)` is x [c] + y [not c]."""
        if not isinstance(condition, ast.Compare) or len(condition.ops) != 1:
            raise NotPrintableError
        left, comparison, right = condition.left, condition.ops[0], condition.comparators[0]
        parts = []
        for negated, node in enumerate((x, y)):
            sign, factors = self.product(node)
            if [f.latex for f in factors] != ["0"]:
                mark = self.holds(left, comparison, right, negated)
                parts.append(Product(sign, (*factors, mark)))
        if not parts:
            return _number(0)
        return parts[0] if len(parts) == 1 else _one(_sum(_text(parts[0]), parts[1]))


def _closure(function: Any) -> dict[str, Any]:
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return {name: cell.cell_contents for name, cell in cells}


# --- pieces ------------------------------------------------------------------------------------


def _one(text: Text) -> Product:
    return Product(1, (text,))


def _number(value: Any) -> Product:
    if not isinstance(value, (int, float)):
        raise NotPrintableError
    sign, size = (-1, -value) if value < 0 else (1, value)
    if size in _CONSTANTS:
        latex = _CONSTANTS[size]
        return Product(sign, (Text(latex, APPLIED if latex.startswith(r"\ln") else ATOM),))
    if size != 0 and size < 1 and (1 / size) == int(1 / size):
        return Product(sign, (Text(rf"\frac{{1}}{{{int(1 / size)}}}", NUMBER),))
    return Product(sign, (Text(f"{size:.12g}", NUMBER),))


def _text(product: Product) -> Text:
    """Numbers first, then letters, equal ones as powers, and functions without brackets last."""
    sign, factors = product
    if len(factors) == 1 and sign > 0:
        return factors[0]
    factors = tuple(sorted(factors, key=lambda f: {NUMBER: 0, APPLIED: 2}.get(f.level, 1)))
    if len(factors) > 1:
        factors = tuple(f for f in factors if f.latex != "1") or factors[:1]
    pieces: list[str] = []
    for text in dict.fromkeys(factors):
        count = factors.count(text)
        if count > 1 and text.level != NUMBER:
            text = _power(text, Text(str(count), NUMBER))
        latex = text.latex if text.level > SUM or len(factors) == 1 else _bracketed(text)
        if len(factors) == 1 and sign < 0 and text.level == SUM:
            latex = _bracketed(text)
        dot = r"\cdot " if pieces and re.match(r"\\mathrm|\d", latex) else ""
        pieces.append(dot + latex)
    return Text(("-" if sign < 0 else "") + " ".join(pieces), SUM if sign < 0 else APPLIED)


def _bracketed(text: Text) -> str:
    tall = r"\frac" in text.latex or r"\int" in text.latex
    return rf"\left({text.latex}\right)" if tall else f"({text.latex})"


def _sum(left: Text, right: Product) -> Text:
    text = _text(Product(1, right.factors))
    bracketed = text.level == SUM and right.sign < 0
    latex = _bracketed(text) if bracketed else text.latex
    return Text(f"{left.latex} {'-' if right.sign < 0 else '+'} {latex}", SUM)


def _fraction(over: Product, under: Product) -> Product:
    above, below = _text(Product(1, over.factors)), _text(Product(1, under.factors))
    level = NUMBER if above.level == below.level == NUMBER else ATOM
    latex = rf"\frac{{{above.latex}}}{{{below.latex}}}"
    return Product(over.sign * under.sign, (Text(latex, level),))


def _power(base: Text, exponent: Text) -> Text:
    low = base.latex if re.fullmatch(r"\w|\\\w+", base.latex) else _bracketed(base)
    high = exponent.latex if len(exponent.latex) == 1 else f"{{{exponent.latex}}}"
    return Text(f"{low}^{high}", ATOM)


def _applied(function: str, x: Text) -> Text:
    if re.fullmatch(r"\w|\\\w+", x.latex):
        return Text(f"{function} {x.latex}", APPLIED)
    return Text(f"{function}{_bracketed(x)}", ATOM)


def _put_in(latex: str, arguments: dict[str, Text]) -> Text:
    """The formula of an operation, with the arguments of a call for its inputs."""
    latex = re.sub(r"^([^\[]*?) = .*", r"\1", latex)  # only the name before the "="
    by_letter = {_text(_letter(name)).latex: text for name, text in arguments.items()}
    letters = "|".join(map(re.escape, by_letter))
    found = rf"(?<![a-zA-Z\\])(?:\((?P<inside>{letters})\)|(?P<alone>{letters}))(?![a-zA-Z])"

    def put(match: re.Match[str]) -> str:
        text = by_letter[match["inside"] or match["alone"]]
        if match["inside"]:
            return _bracketed(text)
        before, after = latex[: match.start()][-1:], latex[match.end() :][:1]
        if before == "^":
            return text.latex if len(text.latex) == 1 else f"{{{text.latex}}}"
        alone = before in ("{", "(", ",") and after in ("}", ")", ",")
        return text.latex if len(text.latex) == 1 or alone else _bracketed(text)

    latex = re.sub(found, put, latex)
    outside = re.sub(r"\{[^{}]*\}|\([^()]*\)", "", latex)
    if re.search(r" [-+] |^-", outside):
        return Text(latex, SUM)
    return Text(latex, APPLIED if " " in outside.strip() else ATOM)
