"""In-place operations: the out-of-place operation, and then its result put into the same memory.

For a tensor that owns its memory the tensor simply moves to the new node. For a view the base must see the
change too: the base moves to a node that says "as before, but with this region replaced", and every view of
it rebuilds its own node from the new base when it is used next (`dlframe.ops.record.target_of`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe.errors import DTypeError, GradientError, ShapeError
from dlframe.ops import record
from dlframe.ops.broadcast import broadcast_to
from dlframe.ops.indexing import index_error, plain_index, replace_at
from dlframe.ops.calling import record_call, wrap
from dlframe.ops.op import cast, op
from dlframe.ops.record import TensorBase, View, grad_mode


def write(x: Any, result: Any, by: str) -> Any:
    """Put `result` (a tensor of the same shape, or one that broadcasts to it) into the memory of `x`.

    Raises:
        GradientError: `x` is a leaf that requires grad, or a view of one, and gradients are recorded.
        ShapeError: `result` does not fit into `x`.
        DTypeError: `result` has a dtype of a higher category (a float does not fit into integers).
    """
    check_writable(x, by)
    value = result.array
    try:
        np.copyto(x.array, value, casting="same_kind")
    except ValueError:
        raise ShapeError(
            f"{by}: output with shape {list(x.array.shape)} doesn't match the broadcast shape {list(value.shape)}; "
            "an in-place operation cannot change the shape"
        ) from None
    except TypeError:
        raise DTypeError(
            f"{by}: result type {value.dtype} can't be cast to the desired output type {x.array.dtype}; "
            "use the out-of-place form"
        ) from None
    record.mark_mutated(x.array, by)
    _move(x, result)
    return x


def write_at(x: Any, index: Any, value: Any) -> None:
    """``x[index] = value``: the region is written in place, and the graph says that it was replaced."""
    check_writable(x, "__setitem__")
    plain = plain_index(index)
    array = value.array if isinstance(value, TensorBase) else value
    try:
        x.array[plain] = array
    except IndexError as error:
        raise index_error(error, x.array.shape, index) from None
    except ValueError as error:
        raise ShapeError(
            f"__setitem__: a value of shape {list(np.shape(array))} does not fit into the indexed region of a tensor "
            f"of shape {list(x.array.shape)} ({error})"
        ) from None
    record.mark_mutated(x.array, "__setitem__")
    if not grad_mode.get() or not (
        x.needs_grad or (isinstance(value, TensorBase) and value.needs_grad)
    ):
        return
    if not isinstance(value, TensorBase):
        value = wrap(np.asarray(value, dtype=x.array.dtype))
    elif value.array.dtype != x.array.dtype:
        value = cast(value, dtype=x.array.dtype)
    before = _snapshot(x)
    _move(
        x,
        record_call(
            replace_at.definition,
            (before, value),
            [x.array, value.array],
            {"index": plain},
            x.array,
        ),
    )


def _snapshot(x: Any) -> Any:
    """A tensor with the place in the graph that `x` had until now."""
    before = wrap(x.array)
    before.node, before.needs_grad = (
        (record.target_of(x) if x.node is not None else None),
        x.needs_grad,
    )
    return before


def check_writable(x: Any, by: str) -> None:
    """Raise where an in-place write would make the gradient wrong, before anything is written."""
    if not grad_mode.get():
        return
    if x.needs_grad and record.target_of(x) is x:
        raise GradientError(
            f"{by}: a leaf Variable that requires grad is being used in an in-place operation. "
            "Wrap it in no_grad() to change a parameter, or use the out-of-place form."
        )
    base = x.view_of.base if x.view_of is not None else None
    if base is not None and base.needs_grad and base.node is None:
        raise GradientError(
            f"{by}: a view of a leaf Variable that requires grad is being used in an in-place operation. "
            "Wrap it in no_grad() to change a parameter, or work on a clone()."
        )


def _move(x: Any, result: Any) -> None:
    """Make `x` (and its base) continue from the node of `result`."""
    if not grad_mode.get() or not (x.needs_grad or result.needs_grad):
        return
    if x.view_of is None:
        if result.array.shape != x.array.shape:
            result = _expanded(result, x.array.shape)
        x.node, x.needs_grad = result.node, result.needs_grad
        return
    view: View = x.view_of
    base: Any = view.base
    if result.array.shape != x.array.shape:
        result = _expanded(result, x.array.shape)
    arrays = [base.array, result.array]
    after = record_call(
        replace_region.definition,
        (_snapshot(base), result),
        arrays,
        {"path": view.path},
        base.array,
    )
    base.node, base.needs_grad = after.node, True
    record.replay(x, view)


def _expanded(result: Any, shape: tuple[int, ...]) -> Any:
    return broadcast_to(result, shape=shape)


def _follow(x: Any, path: tuple[Callable[..., Any], ...]) -> Any:
    for step in path:
        x = step(x)
    return x


@op
def replace_region(x, value, *, path):  # type: ignore[no-untyped-def]
    """`x` with the region that the view `path` shows replaced by `value`."""
    out = x.copy()
    _follow(out, path)[...] = value
    return out


@replace_region.vjp("x")
def _(g, *, path):  # type: ignore[no-untyped-def]
    # what was overwritten has no influence any more
    return replace_region(g, np.zeros((), g.dtype), path=path)


@replace_region.vjp("value")
def _(g, shape, *, path):  # type: ignore[no-untyped-def]
    region = _follow(g, path)
    return region if isinstance(region, TensorBase) else region.copy()
