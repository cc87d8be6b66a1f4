"""In-place operations: the out-of-place operation, and then its result put into the same memory.

`in_place_form` makes all of them, each beside its function. Where nothing is recorded, what a ufunc
computes is written at once, without a temporary.

For a tensor that owns its memory the tensor simply moves to the new node. For a view the base must
see the change too: the base moves to a node that says "as before, but with this region replaced"
(`dlframe.ops.regions`), and every view of it is read from the new base when it is used next
(`dlframe.ops.record.target_of`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import numpy as np

from dlframe.base import nests
from dlframe.base.quiet import quietly
from dlframe.errors import ArgumentError, DTypeError, GradientError, ShapeError
from dlframe.ops import record
from dlframe.ops.batched import LoopNeeded
from dlframe.ops.broadcast import broadcast_to
from dlframe.ops.calling import record_call, wrap
from dlframe.ops.indexing import assign, in_steps, is_basic, plain_index, replace_at, take_at
from dlframe.ops.op import cast
from dlframe.ops.record import TensorBase, grad_mode
from dlframe.ops.regions import Region, repeats, replace_region
from dlframe.ops.watching import located, watched

Function = TypeVar("Function", bound=Callable[..., Any])


def in_place_form(
    function: Function, op: Any = None, *, into: Callable[..., Any] | None = None
) -> Function:
    """The form of a function that writes its result into its first argument, and returns that.

    It stands beside the function: `exp_ = in_place_form(exp, ops.exp)`.

    Args:
        function: its first argument is the tensor to write to.
        op: the operation that `function` is. If it is a ufunc of NumPy, that writes at once.
        into: what writes at once where `op` does not say it: `into(array, *others, out=array)`.
    """
    name = f"{function.__name__}_"
    kinds = "fiub"
    if op is not None:
        into, kinds = op.definition.ufunc, op.definition.same_for

    @functools.wraps(function)
    def form(input: Any, *args: Any, **kwargs: Any) -> Any:
        if into is not None and _written_at_once(into, kinds, input, name, args, kwargs):
            return input
        since = next(record.clock)
        return write(input, function(input, *args, **kwargs), name, since)

    form.__name__ = form.__qualname__ = name
    form.__doc__ = f"`{function.__name__}` in place."
    return form  # type: ignore[return-value] # it takes what `function` takes


# --- at once -----------------------------------------------------------------------------------


def _written_at_once(
    into: Callable[..., Any], kinds: str, x: Any, by: str, args: Any, kwargs: dict[str, Any]
) -> bool:
    """Let `into` write to the memory of `x`, if nothing is to be recorded and all is of one dtype.

    `kinds` are the kinds of dtype for which it may. What does not fit is left to the out-of-place
    operation, which knows what to say.
    """
    if watched or not isinstance(x, TensorBase) or (kwargs and isinstance(into, np.ufunc)):
        return False
    target = x.array
    if target.__class__ is not np.ndarray or (x.needs_grad and grad_mode.get()):
        return False
    if target.dtype.kind not in kinds:
        return False
    try:
        operands = [_fitting(value, target.dtype) for value in args]
        options = {name: _fitting(value, target.dtype) for name, value in kwargs.items()}
        check_writable(x, by)
        # NumPy sees to operands that overlap
        quietly(into, target, *operands, out=target, **options)
    except (TypeError, ValueError, OverflowError, LoopNeeded):
        return False
    record.mark_mutated(target, by)
    return True


def _fitting(value: Any, dtype: Any) -> Any:
    """An operand that `into` can take as it is; TypeError for any other."""
    if isinstance(value, TensorBase):
        array = value.array
        recorded = value.needs_grad and grad_mode.get()
        if array.dtype is dtype and array.__class__ is np.ndarray and not recorded:
            return array
    elif value is None or ((type(value) is float or type(value) is int) and dtype.kind == "f"):
        return value if value is None else float(value)
    raise TypeError


# --- by way of a result ------------------------------------------------------------------------


def write(x: Any, result: Any, by: str, since: int | None = None) -> Any:
    """Put `result`, a tensor that was just computed, into the memory of `x`.

    Args:
        x: the tensor to write to.
        result: of the same shape, or one that broadcasts to it.
        by: the name for error messages.
        since: nodes recorded after this time belong to the computation of `result`; by default
            only the last one does.

    Raises:
        GradientError: `x` is a leaf that requires grad, or a view of one, while recording.
        ShapeError: `result` does not fit into `x`.
        DTypeError: `result` has a dtype of a higher category (a float among integers).
    """
    check_writable(x, by, result.needs_grad)
    value, target = result.array, x.array
    if result.needs_grad and result.node is not None:
        _keep_copies(result.node, target, result.node.seq - 1 if since is None else since)
    if value.ndim > target.ndim:
        _refuse_shape(by, target, value)  # NumPy would drop leading dimensions of size 1
    if value.dtype is not target.dtype and not _can_cast(value.dtype, target.dtype):
        raise DTypeError(
            f"{by}: result type {value.dtype} can't be cast to the desired output type "
            f"{target.dtype}; use the out-of-place form"
        )
    try:
        quietly(np.copyto, target, value, casting="unsafe")
    except ValueError:
        _check_memory(x, by)
        _refuse_shape(by, target, value)
    record.mark_mutated(target, located(by))
    move(x, result)
    return x


_RANK = {"b": 0, "u": 1, "i": 1, "f": 2}  # bools, integers and floats, by the kind of their dtype


def _can_cast(source: Any, target: Any) -> bool:
    """Whether PyTorch writes such results: floats only into floats, and only bools into bools."""
    return _RANK[source.kind] <= _RANK[target.kind]


def _refuse_shape(by: str, target: Any, value: Any) -> NoReturn:
    raise ShapeError(
        f"{by}: output with shape {list(target.shape)} doesn't match the broadcast shape "
        f"{list(value.shape)}; an in-place operation cannot change the shape"
    ) from None


def _keep_copies(node: Any, array: Any, since: int) -> None:
    """Give the nodes recorded after `since` copies of what they kept of `array`.

    `y.sin_()` needs y for its gradient, and is about to overwrite it.
    """
    owner = record.owner_of(array)

    def copied(kept: Any) -> Any:
        shared = isinstance(kept, np.ndarray) and record.owner_of(kept) is owner
        return kept.copy() if shared else kept

    for recorded in record.walk([node], lambda inner: inner.seq > since)[0]:
        recorded.args = nests.map_leaves(copied, recorded.args)


def _check_memory(x: Any, by: str) -> None:
    if not x.array.flags.writeable:
        if repeats(x.array.shape, x.array.strides):
            _refuse_memory(by)
        raise ArgumentError(
            f"{by}: the memory of the written-to tensor is read-only, as that of the array that it "
            "was made from. Please clone() the tensor, or copy the array, before writing."
        )


def _refuse_memory(by: str) -> NoReturn:
    raise ArgumentError(
        f"{by}: unsupported operation: more than one element of the written-to tensor refers "
        "to a single memory location (it was expanded). Please clone() the tensor before "
        "performing the operation."
    )


def write_at(x: Any, index: Any, value: Any) -> None:
    """`x[index] = value`: the region is written, and the graph says that it was replaced."""
    with_grad = isinstance(value, TensorBase) and value.needs_grad
    check_writable(x, "__setitem__", with_grad)
    first, then = in_steps(plain_index(index), x.array.ndim)
    if first is not None:
        x = take_at(x, index=first)
    array = record.unwrapped(value)
    if array is None:
        raise TypeError("__setitem__: can't assign a NoneType to a tensor; 0 clears elements")
    try:
        quietly(assign, x.array, then, array)
    except ValueError:
        _check_memory(x, "__setitem__")
        raise
    record.mark_mutated(_part_at(x.array, then), located("__setitem__"))
    if not grad_mode.get() or not (x.needs_grad or with_grad) or x.array.dtype.kind != "f":
        return
    if not isinstance(value, TensorBase):
        value = wrap(np.asarray(value, dtype=x.array.dtype))
    elif value.array.dtype != x.array.dtype:
        value = cast(value, dtype=x.array.dtype)
    before = _snapshot(x)
    arrays = [x.array, value.array]
    move(x, record_call(replace_at.definition, (before, value), arrays, {"index": then}, x.array))


def _part_at(array: Any, index: Any) -> Any:
    """The view that a write to `array[index]` changes; all of it for an index with arrays."""
    if not issubclass(type(array), np.ndarray) or not is_basic(index):
        return array
    part = array[index]
    whole = index if isinstance(index, tuple) else (index,)
    return part if isinstance(part, np.ndarray) else array[(*whole, ...)]  # not a number


def _snapshot(x: Any) -> Any:
    """A tensor with the place in the graph that `x` had until now."""
    before = wrap(x.array)
    before.node = record.target_of(x) if x.node is not None else None
    before.needs_grad = x.needs_grad
    return before


def check_writable(x: Any, by: str, with_grad: bool = False) -> None:
    """Raise where an in-place write would make the gradient wrong, before anything is written.

    `with_grad`: what is to be written requires grad.
    """
    view, array = x.view_of, x.array
    if not array.flags.c_contiguous and repeats(array.shape, array.strides):
        _refuse_memory(by)
    if not grad_mode.get():
        return
    if x.needs_grad and record.target_of(x) is x:
        raise GradientError(
            f"{by}: a leaf Variable that requires grad is being used in an in-place operation. "
            "Wrap it in no_grad() to change a parameter, or use the out-of-place form."
        )
    if view is None or not (x.needs_grad or view.base.needs_grad or with_grad):
        return
    if view.base.node is None and (x.needs_grad or view.base.needs_grad):
        raise GradientError(
            f"{by}: a view of a leaf Variable that requires grad is being used in an in-place "
            "operation. Wrap it in no_grad() to change a parameter, or work on a clone()."
        )
    if view.several:
        raise GradientError(
            f"{by}: Output of {view.several} is a view and is being modified inplace. This view is "
            "the output of a function that returns multiple views. Such functions do not allow the "
            "output views to be modified inplace. Use the out-of-place form, or index the tensor: "
            "x[i] can be written to."
        )
    if not x.needs_grad and view.base.needs_grad:
        raise GradientError(
            f"{by}: A view was created in no_grad mode and is being modified inplace with grad "
            "mode enabled. Its base requires grad, and would not learn of the change. Move both "
            "the view and the write into the no_grad block, or both out of it."
        )


def move(x: Any, result: Any) -> None:
    """Make `x` (and its base) continue from the node of `result`."""
    if not grad_mode.get() or not (x.needs_grad or result.needs_grad):
        return
    if x.array.dtype.kind != "f":  # integers have no gradient, whatever they are made of
        return
    if result.array.shape != x.array.shape:
        result = broadcast_to(result, shape=x.array.shape)
    if result.array.dtype != x.array.dtype:
        result = cast(result, dtype=x.array.dtype)
    if x.view_of is None:
        if not result.needs_grad:  # a constant took the place of all of it
            result = _replaced(x, x, result)
        record.move_to(x, result.node, True)
        return
    base: Any = x.view_of.base
    record.move_to(base, _replaced(base, x, result).node, True)
    record.renew(x, x.view_of)


def _replaced(base: Any, part: Any, value: Any) -> Any:
    """`base` as it was before the write, with the region that `part` shows replaced."""
    arrays = [base.array, value.array]
    inputs = (_snapshot(base), value)
    options = {"region": Region(base.array, part.array)}
    return record_call(replace_region.definition, inputs, arrays, options, base.array)
