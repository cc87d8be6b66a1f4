"""The notation of the tables: an operation's value, and per input the gradient, in LaTeX.

z is the result and g the gradient with respect to it; a bar marks the gradient with respect to an
input. Products of small letters go element by element; capital letters are matrices, and their
products matrix products. [x > 0] is 1 where the condition holds and 0 elsewhere; sums without
limits run over what the operation adds up; n is how many numbers that are.

Only what both matplotlib's mathtext and MathJax can set is used, and nothing that Markdown reads
as its own (no backslash before punctuation, no star).
"""

from __future__ import annotations

from typing import NamedTuple


class Formula(NamedTuple):
    """LaTeX of an operation's value, and of the gradient with respect to each input."""

    value: str
    gradients: dict[str, str]

    def gradient(self, name: str) -> str | None:
        """The gradient of the input `name`; those of `*xs`, numbered, share one formula."""
        stem, _, number = name.rpartition("_")
        if name not in self.gradients and number.isdigit():
            name = stem
        return self.gradients.get(name)


def formula(value: str, /, **gradients: str) -> Formula:
    """The value's formula, and per input that of its gradient."""
    return Formula(value, gradients)


def step(value: str, /, *inputs: str) -> Formula:
    """A function whose derivative is zero wherever it has one."""
    return Formula(value, dict.fromkeys(inputs or ("x",), "0"))


def slope(value: str, derivative: str, /) -> Formula:
    """A function of x alone, applied element by element: its derivative times g."""
    dot = r"\cdot " if derivative.startswith(r"\mathrm") else ""
    return Formula(value, {"x": f"g {dot}{derivative}"})


# Letters for inputs with longer names.
_SYMBOLS = {
    "arrays": "x",
    "bias": "b",
    "condition": "c",
    "examples": "x",
    "factor": "L",
    "input": "M",
    "max": r"x_{\max}",
    "min": r"x_{\min}",
    "pos_weight": "p",
    "src": "v",
    "value": "v",
    "weight": "W",
    "xs": "x",
}


def symbol(name: str) -> str:
    """What an input is called in the formulas: W for weight, x_2 for the second of several."""
    stem, _, number = name.rpartition("_")
    if number.isdigit():
        return f"{symbol(stem)}_{{{number}}}"
    if name in _SYMBOLS or len(name) == 1:
        return _SYMBOLS.get(name, name)
    return rf"\mathrm{{{name}}}"
