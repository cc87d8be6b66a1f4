"""The notation of formulas: an operation's value, and per input the gradient, in LaTeX.

z is the result and g the gradient with respect to it; a bar marks the gradient with respect to an
input. Products of small letters go element by element; capital letters are matrices, and their
products matrix products. [x > 0] is 1 where the condition holds and 0 elsewhere; sums without
limits run over what the operation adds up; n is how many numbers that are. In algebra A is the
input a, Z the result and G its gradient; a bar over one of several results, as over U, marks that
result's own gradient. F holds 1/(λⱼ - λᵢ), for singular values 1/(σⱼ² - σᵢ²), and zeros on its
diagonal; copyltu copies the lower triangle to the upper one. ε(x) is the distance from x to the
next float. In attention P are the weights and D is the gradient of the scores.

Losses are written for the mean; summed they lack the 1/n. s is the stride of a window, k the place
in it. After a comma stand definitions, after a colon what defines the results before it.

Only what both matplotlib's mathtext and MathJax can set is used, and nothing that Markdown reads
as its own (no backslash before punctuation, no star).
"""

from __future__ import annotations

__all__ = ["symbol"]

# Letters for inputs with longer names.
_SYMBOLS = {
    "arrays": "x",
    "bias": "b",
    "condition": "c",
    "examples": "x",
    "factor": "L",
    "input": "M",
    "key": "K",
    "mask": "M",
    "max": r"x_{\max}",
    "min": r"x_{\min}",
    "pos_weight": "p",
    "query": "Q",
    "src": "v",
    "value": "v",
    "weight": "W",
    "xs": "x",
}


def symbol(name: str) -> str:
    """The letter of an input in formulas: W for weight, x_2 for the second of several."""
    stem, _, number = name.rpartition("_")
    if number.isdigit():
        return f"{symbol(stem)}_{{{number}}}"
    if name in _SYMBOLS or len(name) == 1:
        return _SYMBOLS.get(name, name)
    return rf"\mathrm{{{name}}}"
