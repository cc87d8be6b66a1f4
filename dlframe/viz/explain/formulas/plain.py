"""Comparisons, logic, bits: values without gradients."""

from __future__ import annotations

from dlframe.viz.explain.formulas.notation import Formula

_VALUES = {
    "equal": "[x = y]",
    "not_equal": r"[x \neq y]",
    "less": "[x < y]",
    "less_equal": r"[x \leq y]",
    "greater": "[x > y]",
    "greater_equal": r"[x \geq y]",
    "logical_and": r"x \wedge y",
    "logical_or": r"x \vee y",
    "logical_xor": r"x \oplus y",
    "logical_not": r"\neg x",
    "bitwise_and": r"x \wedge y",
    "bitwise_or": r"x \vee y",
    "bitwise_xor": r"x \oplus y",
    "bitwise_not": r"\neg x",
    "left_shift": r"x \cdot 2^y",
    "right_shift": r"\lfloor x \cdot 2^{-y} \rfloor",
    "gcd": r"\gcd(x, y)",
    "lcm": r"\frac{|x y|}{\gcd(x, y)}",
    "isnan": r"[x \neq x]",
    "isinf": r"[|x| = \infty]",
    "isfinite": r"[|x| < \infty]",
    "isposinf": r"[x = \infty]",
    "isneginf": r"[x = -\infty]",
    "signbit": "[x < 0]",
    "all": r"\forall i: x_i \neq 0",
    "any": r"\exists i: x_i \neq 0",
    "count_nonzero": r"\sum [x_i \neq 0]",
}

TABLE = {name: Formula(value, {}) for name, value in _VALUES.items()}
