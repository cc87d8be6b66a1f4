"""Products of vectors, matrices and batches of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.ops.broadcast import broadcast_to, sum_to
from dlframe.ops.op import op
from dlframe.ops.record import Array
from dlframe.ops.shape import diagonal, transpose

__all__ = [
    "contract",
    "einsum",
    "matmul",
    "tensordot",
]

Shape = tuple[int, ...]


@op(broadcasts=True)
def matmul(x: Array, y: Array) -> Any:
    """The matrix product of the last two axes; axes before them broadcast, 1-d is a vector."""
    try:
        if x.ndim > 2 and y.ndim == 2 and x.size:
            # one product of tall matrices: NumPy would call BLAS once for each batch
            return (x.reshape(-1, x.shape[-1]) @ y).reshape(*x.shape[:-1], y.shape[-1])
        out = x @ y
    except (ValueError, AttributeError, TypeError):
        raise _mismatch(np.shape(x), np.shape(y)) from None
    if x.dtype is not y.dtype and x.dtype != y.dtype:
        raise DTypeError(
            f"matmul: expected both operands to have the same dtype, but got {x.dtype} and "
            f"{y.dtype}; "
            "convert one of them with .to(dtype)"
        )
    return out


@matmul.vjp("x")
def _(g: Any, y: Any, shape: Shape) -> Any:
    # d(xy) = dx y, so the gradient is g yᵀ
    if y.ndim == 1:
        return g[..., None] * y
    if len(shape) == 1:
        return (y @ g[..., None])[..., 0]
    if y.ndim == 2 and len(shape) > 2:
        return matmul(g, y.swapaxes(0, 1))
    return g @ y.swapaxes(-1, -2)


@matmul.vjp("y")
def _(g: Any, x: Any, shape: Shape) -> Any:
    # d(xy) = x dy, so the gradient is xᵀ g
    if x.ndim == 1:
        return x * g if len(shape) == 1 else x[:, None] * g[..., None, :]
    if len(shape) == 1:
        return (x.swapaxes(-1, -2) @ g[..., None])[..., 0]
    if len(shape) == 2 and x.ndim > 2:
        # the batches add up: one product of tall matrices
        rows = math.prod(x.shape[:-1])
        return x.reshape((rows, x.shape[-1])).swapaxes(0, 1) @ g.reshape((rows, g.shape[-1]))
    return x.swapaxes(-1, -2) @ g


def _mismatch(x: Shape, y: Shape) -> ShapeError:
    got = f"got x{list(x)} and y{list(y)}"
    if not x or not y:
        return ShapeError(
            f"matmul: both operands need at least one dimension, {got}; use * for a 0-d tensor"
        )
    inner = y[-2] if len(y) > 1 else y[0]
    if x[-1] != inner:
        advice = " Did you mean x @ y.mT?" if len(y) > 1 and x[-1] == y[-1] else ""
        return ShapeError(
            f"matmul: mat1 and mat2 shapes cannot be multiplied: the last dimension of x ({x[-1]}) "
            "must equal "
            f"the second to last of y ({inner}); {got}.{advice}"
        )
    return ShapeError(f"matmul: the batch dimensions before the last two do not broadcast; {got}")


# --- sums over indices -------------------------------------------------------------------------


def einsum(equation: str, *operands: Any) -> Any:
    """Products summed over the indices that the result does not have, in Einstein's notation."""
    inputs, output = _subscripts(equation, [x.shape for x in operands])
    once = [_without_repeats(x, letters) for x, letters in zip(operands, inputs, strict=True)]
    return contract(
        *(x for x, _ in once), inputs=tuple(letters for _, letters in once), output=output
    )


def _subscripts(equation: str, shapes: list[Shape]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, with letters for what "..." stands for."""
    left, arrow, output = equation.replace(" ", "").partition("->")
    inputs = left.split(",")
    if len(inputs) != len(shapes):
        raise ShapeError(
            f"einsum: the equation {equation!r} has {len(inputs)} operands, but {len(shapes)} were "
            "given"
        )
    unused = [c for c in _LETTERS if c not in equation]
    dots = [
        len(shape) - len(part.replace("...", ""))
        for part, shape in zip(inputs, shapes, strict=True)
    ]
    for part, shape, extra in zip(inputs, shapes, dots, strict=True):
        if extra < 0 or (extra and "..." not in part):
            raise ShapeError(
                f"einsum: the number of subscripts {part!r} in the equation {equation!r} does not "
                "match the number of "
                f"dimensions of an operand of shape {list(shape)}"
            )
    most = max(dots, default=0)
    names = "".join(unused[:most])
    inputs = [
        part.replace("...", names[most - extra :]) for part, extra in zip(inputs, dots, strict=True)
    ]
    if not arrow:
        letters = "".join(inputs)
        output = "".join(
            sorted(c for c in set(letters) if letters.count(c) == 1 and c not in names)
        )
        output = names + output if "..." in left else output
    else:
        output = output.replace("...", names)
    _check_letters(equation, inputs, output, shapes)
    return inputs, output


_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _check_letters(equation: str, inputs: list[str], output: str, shapes: list[Shape]) -> None:
    sizes: dict[str, int] = {}
    for letters, shape in zip(inputs, shapes, strict=True):
        for c, n in zip(letters, shape, strict=True):
            if c not in _LETTERS:
                raise ArgumentError(f"einsum: {c!r} in {equation!r} is not a letter")
            if sizes.get(c, 1) != n and n != 1 and sizes.get(c, 1) != 1:
                raise ShapeError(
                    f"einsum: operands do not broadcast: the index {c!r} of {equation!r} has sizes "
                    f"{sizes[c]} and {n}; "
                    f"shapes {[list(s) for s in shapes]}"
                )
            sizes[c] = max(sizes.get(c, 1), n) if n else 0
    for c in output:
        if c not in sizes or output.count(c) > 1:
            reason = (
                "appears twice in the output"
                if c in sizes
                else "is in the output but in no operand"
            )
            raise ArgumentError(f"einsum: the index {c!r} of {equation!r} {reason}")


def _without_repeats(x: Any, letters: str) -> tuple[Any, str]:
    """An operand whose index occurs twice, as in "ii", replaced by its diagonal."""
    for c in dict.fromkeys(letters):
        while letters.count(c) > 1:
            i = letters.index(c)
            j = letters.index(c, i + 1)
            if x.shape[i] != x.shape[j]:
                raise ShapeError(
                    f"einsum: the repeated index {c!r} has sizes {x.shape[i]} and {x.shape[j]}"
                )
            x = diagonal(x, axis1=i, axis2=j)
            letters = letters[:i] + letters[i + 1 : j] + letters[j + 1 :] + c
    return x, letters


@op(promotes=("xs",))
def contract(*xs: Array, inputs: tuple[str, ...], output: str) -> Any:
    """The product of all `xs`, none repeating an index, summed over those not in `output`."""
    # with two or more operands NumPy looks for an order of products that BLAS can do
    return np.einsum(f"{','.join(inputs)}->{output}", *xs, optimize=len(xs) > 1)


@contract.vjp("*xs")
def _(g: Any, xs: Any, shapes: tuple[Shape, ...], *, inputs: tuple[str, ...], output: str) -> Any:
    # the product is linear in each operand: its gradient is g times the others, by its indices
    grads = []
    for i, (letters, shape) in enumerate(zip(inputs, shapes, strict=True)):
        others = (*xs[:i], *xs[i + 1 :])
        names = (output, *inputs[:i], *inputs[i + 1 :])
        known = set("".join(names))
        target = "".join(c for c in letters if c in known)
        gi = contract(g, *others, inputs=names, output=target)
        # an index that only this operand has was summed: the gradient is the same along it
        full = [n if c in known else 1 for c, n in zip(letters, shape, strict=True)]
        sizes = dict(zip(target, gi.shape, strict=True))
        gi = gi.reshape(tuple(sizes.get(c, 1) for c in letters))
        grads.append(
            broadcast_to(
                sum_to(gi, shape=tuple(full)) if _larger(gi.shape, full) else gi, shape=shape
            )
        )
    return grads


def _larger(a: Shape, b: list[int]) -> bool:
    """Whether an index of size 1 in `b` was stretched in `a`, by another operand's size."""
    return any(n != 1 and m == 1 for n, m in zip(a, b, strict=True))


def tensordot(x: Any, y: Any, *, axes: Any = 2) -> Any:
    """Products summed over `axes`: so many last of `x` and first of `y`, or two lists of axes."""
    if isinstance(axes, int):
        axes = (range(len(x.shape) - axes, len(x.shape)), range(axes))
    ax, ay = ([a % len(v.shape) for a in part] for v, part in zip((x, y), axes, strict=True))
    if [x.shape[a] for a in ax] != [y.shape[a] for a in ay]:
        raise ShapeError(
            f"tensordot: contracted dimensions need to match, but dimensions {ax} of shape "
            f"{list(x.shape)} and {ay} of "
            f"shape {list(y.shape)} do not"
        )
    rest_x = [a for a in range(len(x.shape)) if a not in ax]
    rest_y = [a for a in range(len(y.shape)) if a not in ay]
    n = math.prod(x.shape[a] for a in ax)
    rows = transpose(x, axes=(*rest_x, *ax)).reshape((math.prod(x.shape[a] for a in rest_x), n))
    columns = transpose(y, axes=(*ay, *rest_y)).reshape((n, math.prod(y.shape[a] for a in rest_y)))
    return matmul(rows, columns).reshape(
        (*(x.shape[a] for a in rest_x), *(y.shape[a] for a in rest_y))
    )
