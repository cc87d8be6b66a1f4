"""Einstein's notation: products summed over the indices that are not in the result.

This module reads the notation. `contract` does the work: it multiplies two operands with
one call of BLAS, and its gradients are contractions again.
"""

from __future__ import annotations

import functools
import itertools
import math
import string
from typing import Any

from dlframe.dtypes import promote_types
from dlframe.errors import ArgumentError, ShapeError
from dlframe.ops.linalg import product
from dlframe.ops.op import cast, op
from dlframe.ops.record import Array
from dlframe.ops.reduction import sum
from dlframe.ops.shape import diagonal, transpose

__all__ = ["contract", "einsum"]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)

Shape = tuple[int, ...]
_LETTERS = string.ascii_uppercase + string.ascii_lowercase  # PyTorch's order: capitals first


@op(latex=r"\sum_k x_{i k} y_{k j}")
def contract(x: Array, y: Array, *, inputs: tuple[str, str], output: str) -> Any:
    """The product of two operands, summed over their letters that are not in `output`.

    No operand has a letter twice, or a letter that is neither in the other nor in `output`.
    """
    letters_x, letters_y = inputs
    sizes = dict(zip(letters_x + letters_y, x.shape + y.shape, strict=True))
    both = [c for c in letters_x if c in letters_y]
    batch, summed = [c for c in both if c in output], [c for c in both if c not in output]
    rows = [c for c in letters_x if c not in letters_y]
    columns = [c for c in letters_y if c not in letters_x]

    def arranged(v: Array, letters: str, *groups: list[str]) -> Array:
        order = [letters.index(c) for group in groups for c in group]
        return v.transpose(order).reshape([math.prod(sizes[c] for c in g) for g in groups])

    found = batch + rows + columns
    a = arranged(x, letters_x, batch, rows, summed)
    b = arranged(y, letters_y, batch, summed, columns)
    # without a sum BLAS would be called for each element of the batch, to multiply once
    out = product(a, b) if summed else a * b
    return out.reshape([sizes[c] for c in found]).transpose([found.index(c) for c in output])


@contract.vjp("x", latex=r"\sum_j g_{i j} y_{k j}")
def _(g, y, *, inputs, output):
    # the product is linear in x, so its gradient is g times y, summed to the letters of x
    return contract(g, y, inputs=(output, inputs[1]), output=inputs[0])


@contract.vjp("y", latex=r"\sum_i x_{i k} g_{i j}")
def _(g, x, *, inputs, output):
    # as for x
    return contract(g, x, inputs=(output, inputs[0]), output=inputs[1])


# --- the notation ------------------------------------------------------------------------------


def einsum(equation: str, *operands: Any) -> Any:
    """Products summed over the indices that are not in the result, in Einstein's notation."""
    inputs, output, sizes = _notation(equation, tuple([tuple(x.shape) for x in operands]))
    left = [_prepared(x, letters, sizes) for x, letters in zip(operands, inputs, strict=True)]
    left = [_summed(x, letters, _others(left, i, output)) for i, (x, letters) in enumerate(left)]
    while len(left) > 1:
        i, j = _cheapest([letters for _, letters in left], sizes)
        (y, letters_y), (x, letters_x) = left.pop(j), left.pop(i)
        wanted = _others(left, None, output)
        target = "".join(c for c in dict.fromkeys(letters_x + letters_y) if c in wanted)
        target = target if left else output  # in its order in memory, too
        x, y = _of_one_dtype(x, y)
        left.append((contract(x, y, inputs=(letters_x, letters_y), output=target), target))
    ((x, letters),) = left
    return transpose(x, axes=tuple([letters.index(c) for c in output])) if letters != output else x


def equation_of(args: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """The equation and its operands; operands may also be followed by lists of numbers."""
    if len(args) < 2:
        raise ArgumentError(
            "einsum(): must specify the equation string and at least one operand, or at least one "
            "operand and its subscripts list"
        )
    if not isinstance(args[0], str):
        inputs = ",".join(_letters(part) for part in args[1::2])
        output = f"->{_letters(args[-1])}" if len(args) % 2 else ""
        return inputs + output, args[0 : len(args) // 2 * 2 : 2]
    if len(args) == 2 and isinstance(args[1], (tuple, list)):
        return args[0], tuple(args[1])
    return args[0], args[1:]


def _letters(numbers: Any) -> str:
    """The letters for a list of numbers; ... stays."""
    for n in numbers:
        if n is not ... and not 0 <= n < len(_LETTERS):
            raise ArgumentError(
                f"einsum(): subscript {n} in {list(numbers)} is not within the valid range "
                f"[0, {len(_LETTERS)})"
            )
    return "".join("..." if n is ... else _LETTERS[n] for n in numbers)


def _others(left: list[tuple[Any, str]], i: int | None, output: str) -> set[str]:
    """The letters of the result, and of all operands but the i-th."""
    return set(output).union(*(letters for k, (_, letters) in enumerate(left) if k != i))


def _prepared(x: Any, letters: str, sizes: dict[str, int]) -> tuple[Any, str]:
    """Take diagonals for letters that occur twice, and drop sizes of 1 that would broadcast."""
    for c in dict.fromkeys(letters):
        while letters.count(c) > 1:
            i = letters.index(c)
            j = letters.index(c, i + 1)
            if x.shape[i] != x.shape[j]:
                raise ShapeError(
                    f"einsum: the repeated index {c!r} has sizes {x.shape[i]} and {x.shape[j]}; "
                    "a diagonal needs equal ones"
                )
            x = diagonal(x, axis1=i, axis2=j)
            letters = letters[:i] + letters[i + 1 : j] + letters[j + 1 :] + c
    kept = [i for i, c in enumerate(letters) if x.shape[i] == sizes[c]]
    if len(kept) < len(letters):
        x = x.reshape(tuple([x.shape[i] for i in kept]))
        letters = "".join(letters[i] for i in kept)
    return x, letters


def _summed(x: Any, letters: str, wanted: set[str]) -> tuple[Any, str]:
    """Sum over the letters that occur nowhere else."""
    alone = tuple([i for i, c in enumerate(letters) if c not in wanted])
    if not alone:
        return x, letters
    return sum(x, axis=alone), "".join(c for c in letters if c in wanted)


def _of_one_dtype(x: Any, y: Any) -> tuple[Any, Any]:
    """Both in the dtype of a product; a 0-d operand counts like any tensor."""
    if x.dtype == y.dtype:
        return x, y
    dtype = promote_types(x.dtype, y.dtype)
    return cast(x, dtype=dtype), cast(y, dtype=dtype)


def _cheapest(inputs: list[str], sizes: dict[str, int]) -> tuple[int, int]:
    """The two operands whose product takes the fewest multiplications."""
    pairs = itertools.combinations(range(len(inputs)), 2)
    cost = lambda pair: math.prod(sizes[c] for c in set(inputs[pair[0]] + inputs[pair[1]]))
    return min(pairs, key=cost)


@functools.lru_cache(maxsize=256)  # programs use the same shapes many times
def _notation(equation: str, shapes: tuple[Shape, ...]) -> tuple[list[str], str, dict[str, int]]:
    """The letters of each operand and of the result, and the size of each letter."""
    inputs, output = _read(equation, shapes)
    return inputs, output, _checked_sizes(equation, inputs, output, shapes)


def _read(equation: str, shapes: tuple[Shape, ...]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, with letters instead of "..."."""
    left, arrow, output = equation.replace(" ", "").partition("->")
    inputs = left.split(",")
    if len(inputs) != len(shapes):
        raise ShapeError(
            f"einsum: the equation {equation!r} has {len(inputs)} operands, but {len(shapes)} were "
            "given"
        )
    dots = [_dimensions_of_dots(equation, part, s) for part, s in zip(inputs, shapes, strict=True)]
    most = max(dots, default=0)
    names = "".join([c for c in _LETTERS if c not in equation][:most])
    inputs = [part.replace("...", names[most - n :]) for part, n in zip(inputs, dots, strict=True)]
    if not arrow:
        letters = "".join(inputs)
        output = names + "".join(c for c in _LETTERS if letters.count(c) == 1 and c not in names)
    return inputs, output.replace("...", names)


def _dimensions_of_dots(equation: str, part: str, shape: Shape) -> int:
    """The number of dimensions of an operand that "..." means."""
    n = len(shape) - len(part.replace("...", ""))
    if n < 0 or (n and "..." not in part) or part.count("...") > 1:
        raise ShapeError(
            f"einsum: the number of subscripts {part!r} in the equation {equation!r} does not "
            f"match the number of dimensions of an operand of shape {list(shape)}"
        )
    return n


def _checked_sizes(
    equation: str, inputs: list[str], output: str, shapes: tuple[Shape, ...]
) -> dict[str, int]:
    """The size of each letter; a size of 1 is replaced by any other."""
    sizes: dict[str, int] = {}
    for letters, shape in zip(inputs, shapes, strict=True):
        for c, n in zip(letters, shape, strict=True):
            if c not in _LETTERS:
                raise ArgumentError(f"einsum: {c!r} in {equation!r} is not a letter")
            if sizes.setdefault(c, n) == 1:
                sizes[c] = n
            elif n not in (1, sizes[c]):
                raise ShapeError(
                    f"einsum: operands do not broadcast: the index {c!r} of {equation!r} has sizes "
                    f"{sizes[c]} and {n}; shapes {[list(s) for s in shapes]}"
                )
    for c in output:
        if c not in sizes or output.count(c) > 1:
            seen = (
                "appears twice in the output"
                if c in sizes
                else "is in the output but in no operand"
            )
            raise ArgumentError(f"einsum: the index {c!r} of {equation!r} {seen}")
    return sizes
