"""The order of elements in memory: what a result has, where NumPy might choose another.

It is part of what an operation gives: `x.view(-1)` needs elements in order, and `x.reshape(-1)`
shares memory only then, so that a write through it arrives. As in PyTorch, there are three kinds:

- "C": the elements in order, whatever order the inputs have. Most operations are of this kind.
- "K": the order of the inputs, without gaps: that of elementwise functions. Where two inputs
  disagree the first decides.
- "like": the order of the first input, without gaps: copies with a change.

A view is of none of them ("") and lies where its input lies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlframe.ops.record import Array

ndarray = np.ndarray
_contiguous: Any = np.ascontiguousarray


# --- in order ----------------------------------------------------------------------------------


def in_order(out: Any, _: Any = None) -> Any:
    """The result with its elements in order: itself, or a copy."""
    if type(out) is ndarray:
        return _contiguous(out) if out.ndim else out  # it would give a number a dimension
    return tuple([in_order(part) for part in out]) if type(out) is tuple else out


# --- like the inputs ---------------------------------------------------------------------------


def like_inputs(out: Any, inputs: Sequence[Any]) -> Any:
    """The result of an elementwise function in the order of its inputs."""
    first = inputs[0]
    if len(inputs) < 3 and (type(first) is not ndarray or first.flags.c_contiguous):
        return out  # of two inputs NumPy gives precedence to the one in order, too
    for x in inputs:
        if type(x) is ndarray and not x.flags.c_contiguous:
            arrays = [x for x in inputs if type(x) is ndarray]
            if type(out) is tuple:
                return tuple([in_common_order(part, arrays) for part in out])
            return in_common_order(out, arrays)
    return out


def like_first(out: Any, inputs: Sequence[Any]) -> Any:
    """The result in the order of the first input, if it has its shape."""
    x = inputs[0]
    if type(out) is ndarray and type(x) is ndarray and out.shape == x.shape:
        return in_common_order(out, [x])
    return in_order(out)


def in_common_order(out: Any, inputs: Sequence[Array]) -> Any:
    """`out` in the order that the inputs, which broadcast to its shape, have in common."""
    if type(out) is not ndarray or out.ndim < 2:
        return in_order(out)
    steps = [steps_of(x, out.ndim) for x in inputs]
    return out if steps.count(list(out.strides)) == len(steps) else by_steps(out, steps)


def steps_of(x: Array, ndim: int) -> list[int]:
    """The strides of `x` broadcast to `ndim` axes; 0 where they say nothing about the order."""
    own = zip(x.strides, x.shape, strict=True)
    return [0] * (ndim - x.ndim) + [0 if n == 1 else abs(stride) for stride, n in own]


def by_steps(out: Array, steps: Sequence[Sequence[int]]) -> Array:
    """`out`, without gaps, with its axes in memory in the order of the first steps that differ."""
    axes = axes_by_steps(out.shape, steps)
    inner = out.transpose(axes)
    if inner.flags.c_contiguous:
        return out
    return _contiguous(inner).transpose(np.argsort(axes))  # type: ignore[no-any-return] # an array


def axes_by_steps(shape: tuple[int, ...], steps: Sequence[Sequence[int]]) -> list[int]:
    """The axes, those with the longest steps first.

    An insertion sort, as in PyTorch, since there are axes that cannot be compared.
    """
    axes = list(range(len(shape)))[::-1]
    for i in range(1, len(axes)):
        for k in reversed(range(i)):
            order = _compared(axes[k], axes[i], steps, shape)
            if order < 0:
                break
            if order > 0:
                axes[k], axes[i], i = axes[i], axes[k], k
    return axes[::-1]


def _compared(a: int, b: int, steps: Sequence[Sequence[int]], shape: tuple[int, ...]) -> int:
    """Whether axis a has longer steps than b (1) or shorter ones (-1), as the first input says."""
    for step in steps:
        if not step[a] or not step[b]:
            continue  # broadcast: its order is another input's matter
        if step[a] != step[b]:
            return 1 if step[a] > step[b] else -1
        if shape[a] > shape[b]:
            return 1
    return 0


def copied(x: Array) -> Any:
    """A copy in the order of `x`."""
    return x.copy() if x.flags.c_contiguous else like_first(x.copy(), (x,))


def empty_like(x: Array, dtype: Any) -> Array:
    """Uninitialized memory in the shape and the order of `x`, without gaps."""
    return by_steps(np.empty(x.shape, dtype), [steps_of(x, x.ndim)])


def drawn_like(x: Array, draw: Callable[[tuple[int, ...]], Array]) -> Array:
    """The numbers of `draw` for a shape, in the shape and the order in memory of `x`.

    So they are drawn in the order in which PyTorch would write them to the memory of `x`.
    """
    if x.flags.c_contiguous:
        return draw(x.shape)
    axes = axes_by_steps(x.shape, [steps_of(x, x.ndim)])
    return draw(tuple([x.shape[i] for i in axes])).transpose(np.argsort(axes))


def is_dense(x: Array) -> bool:
    """Whether the elements of `x` fill a piece of memory, each with a place of its own."""
    size = x.itemsize
    for stride, n in sorted(zip(x.strides, x.shape, strict=True)):
        if n != 1:
            if stride != size:
                return not x.size
            size *= n
    return True


# What an operation of each kind does with its result, given its inputs.
ARRANGEMENTS: dict[str, Callable[[Any, Sequence[Any]], Any] | None] = {
    "C": in_order,
    "K": like_inputs,
    "like": like_first,
    "": None,
}
