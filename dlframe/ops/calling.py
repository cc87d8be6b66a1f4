"""What happens when an operation is called: arrays in, arrays out; tensors in, a node recorded.

The elementwise operations have two functions of their own here, one per number of inputs, in which
everything is written out: a call of one costs little more than NumPy's own work.
"""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from dlframe.base.quiet import NONE, SAFE, quietly
from dlframe.dtypes import get_default_dtype
from dlframe.errors import ArgumentError, DTypeError, GradientError, ShapeError
from dlframe.ops import record
from dlframe.ops.batched import BATCH_ERRORS, LoopNeeded, holds_batch, one_by_one
from dlframe.ops.blocks import LARGE, SEVERAL, in_blocks
from dlframe.ops.definition import NO_RESIDUALS, Op, dtype_of
from dlframe.ops.memory import in_common_order
from dlframe.ops.record import INFERENCE, Array, Node, TensorBase, View, clock, grad_mode
from dlframe.ops.watching import observe, watched

ndarray = np.ndarray
_new = object.__new__
_recording = grad_mode.get
_inferring = record.inference.get

# --- the tensors that operations return --------------------------------------------------------

_tensor: list[type[TensorBase]] = [TensorBase]  # `dlframe.tensor` binds the real class


def bind_tensor(cls: type[TensorBase]) -> None:
    """Tell the ops which class to wrap results in."""
    _tensor[0] = cls


def wrap(out: Any) -> Any:
    """A tensor without history around an array (or a NumPy scalar)."""
    result: TensorBase = _new(_tensor[0])
    result.array = out if out.__class__ is ndarray else np.asarray(out)
    result.needs_grad = False
    result.node = INFERENCE if _inferring() else None
    result.gradient = result.view_of = result.hooks = None
    return result


def note_view(result: TensorBase, x: Any) -> None:
    """Remember that `result` shares memory with `x`, its first input (if it does)."""
    if not isinstance(x, TensorBase):
        return
    array, memory = x.array, result.array.base
    if memory is not array and record.owner_of(result.array) is not record.owner_of(array):
        return  # most views are of the very array: only others are followed to their owners
    base, several = (x, "") if x.view_of is None else (x.view_of.base, x.view_of.several)
    result.view_of = View(base, base.node, several)
    if not base.needs_grad:
        record.note_view(result, base)


# --- the general form --------------------------------------------------------------------------


def general_call(definition: Op, promoted: Callable[..., Any]) -> Callable[..., Any]:
    """Call with any number of inputs, and options; `promoted` brings inputs to one dtype."""
    count, defaults = len(definition.inputs), definition.input_defaults
    forward: Any = definition.forward
    fast_forward: Any = None
    variadic, promotes, names = definition.variadic, definition.promotes, set(definition.inputs)
    view, arrange = definition.view, definition.arrange

    def lead_to(*doors: Any) -> None:
        nonlocal forward, fast_forward
        forward, fast_forward = doors

    definition.lead_to = lead_to

    def call(*inputs: Any, **kwargs: Any) -> Any:
        if len(inputs) != count and variadic is None:
            if names.isdisjoint(kwargs) and len(inputs) < count:
                inputs += defaults[len(inputs) :]
            else:
                inputs = _bind(definition, inputs, kwargs)
        if promotes:
            inputs = promoted(inputs, range(len(inputs)) if variadic else promotes)
        arrays = []
        tensors = needed = False
        for x in inputs:
            if isinstance(x, TensorBase):
                tensors = True
                needed = needed or x.needs_grad
                x = x.array
            arrays.append(x)
        recorded = needed and definition.differentiable and _recording()
        residuals = None
        try:
            if (warnings.filters or NONE)[0] is SAFE[0] or definition.users:
                if recorded and fast_forward is not None:
                    out, residuals = fast_forward(*arrays, **kwargs)
                else:
                    out = forward(*arrays, **kwargs)
            elif recorded and fast_forward is not None:
                out, residuals = quietly(fast_forward, *arrays, **kwargs)
            else:
                out = quietly(forward, *arrays, **kwargs)
        except BATCH_ERRORS as error:
            if not holds_batch(arrays, kwargs):
                if _is_about_broadcasting(error):
                    raise _not_broadcast(definition, arrays) from None
                raise
            out, residuals = one_by_one(forward, arrays, kwargs), NO_RESIDUALS
        except AttributeError as error:
            raise _no_tensor(definition, arrays[0], error) from None
        if not tensors:
            return out
        if arrange is not None:
            out = arrange(out, arrays)
        if recorded:
            return record_call(definition, inputs, arrays, kwargs, out, residuals)
        if out.__class__ is ndarray and not view and not watched:
            return wrap(out)
        return _wrap_plain(definition, inputs, kwargs, out)

    return call


def _bind(definition: Op, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """Inputs given by keyword, or left out, put in their places."""
    bound = inspect.signature(definition.forward).bind(*inputs, **kwargs)
    bound.apply_defaults()
    for name in definition.inputs:
        kwargs.pop(name, None)
    return tuple(bound.arguments[name] for name in definition.inputs)


def _wrap_plain(definition: Op, inputs: Any, options: dict[str, Any], out: Any) -> Any:
    result: Any = tuple([wrap(a) for a in out]) if isinstance(out, tuple) else wrap(out)
    if definition.view:
        for each in result if isinstance(result, tuple) else (result,):
            note_view(each, inputs[0])
    if watched:
        observe(definition, inputs, options, result)
    return result


def record_call(
    definition: Op,
    inputs: Any,
    arrays: Any,
    options: dict[str, Any],
    out: Any,
    residuals: Any = None,
) -> Any:
    """Wrap the result of `definition` and remember how it came about."""
    node = _new(Node)
    node.op = definition
    node.hooks = node.outputs = None
    node.shapes = tuple([np.shape(a) for a in arrays]) if definition.broadcasts else None
    targets: list[Any] = []
    idle = 0  # a bit for each input without gradient
    for x in inputs:  # `_target`, written out: this is the hot path
        if not isinstance(x, TensorBase) or (not x.needs_grad and x.node is None):
            idle |= 1 << len(targets)
            targets.append(None)
        elif x.needs_grad and x.view_of is None:
            targets.append(x.node or x)
        else:
            targets.append(_target(definition, x))
    if out.__class__ is not ndarray and not isinstance(out, tuple):
        out = np.asarray(out)
    if definition.fast is not None:
        pick = definition.pick_fast
        if idle:
            pick = definition.picks.get(idle) or definition.pick_for(idle)
        node.args = pick(*arrays, out, residuals=residuals, **options)
    elif definition.joint is not None:
        values = (tuple(arrays),) if definition.variadic else arrays
        node.args = (definition.pick_kept[0](*values, out, **options),)
    else:
        args: list[Any] = []
        for i, pick in enumerate(definition.pick_kept):
            if pick is None:
                targets[i] = None  # an input without a rule
            args.append(None if targets[i] is None else pick(*arrays, out, **options))
        node.args = args
    node.targets = targets
    node.seq = next(clock)  # after the targets: a view among them may just have got a new node
    if isinstance(out, tuple):
        node.outputs = tuple([(a.shape, a.dtype) for a in out])
        results = tuple([output_of(node, i, a) for i, a in enumerate(out)])
        if definition.view:
            for result in results:
                note_view(result, inputs[0])
        if watched:
            observe(definition, inputs, options, results)
        return results
    result = _new(_tensor[0])
    result.array, result.node, result.needs_grad = out, node, True
    result.gradient = result.view_of = result.hooks = None
    if definition.view:
        note_view(result, inputs[0])
    if watched:
        observe(definition, inputs, options, result)
    return result


def _target(definition: Op, x: Any) -> Any:
    if not isinstance(x, TensorBase):
        return None
    if x.needs_grad:
        return (x.node or x) if x.view_of is None else record.target_of(x)
    if x.node is INFERENCE:
        raise GradientError(
            f"{definition.name}: Inference tensors cannot be saved for backward; this one was made "
            "under inference_mode(). Use .clone() on it outside of that mode, or no_grad() in its "
            "place."
        )
    return None


# --- elementwise operations, the hot path ------------------------------------------------------


def unary_call(definition: Op, ufunc: Callable[..., Any], floats: bool) -> Callable[..., Any]:
    """Call with one input; `floats` makes floats of integers first."""
    picks = definition.pick_kept  # filled by add_rule, read at call time
    definition.plain_forward = ufunc
    limit = math.inf

    def lead_to(forward: Any, _: Any) -> None:
        nonlocal ufunc, limit
        ufunc = forward
        if forward is not definition.plain_forward:  # it is a kernel
            limit = math.inf
        else:
            limit = LARGE if isinstance(forward, np.ufunc) else SEVERAL

    definition.lead_to = lead_to

    def call(x: Any) -> Any:
        if not isinstance(x, TensorBase):
            try:
                return ufunc(x)
            except (AttributeError, TypeError) as error:
                raise _no_tensor(definition, x, error) from None
        a = x.array
        if floats and a.dtype.kind != "f":
            a = a.astype(get_default_dtype())
        run = ufunc if a.size < limit else partial(in_blocks, ufunc)
        try:
            out = run(a) if (warnings.filters or NONE)[0] is SAFE[0] else quietly(run, a)
        except LoopNeeded:
            out = one_by_one(ufunc, (a,))
        except TypeError as error:  # bools have no sign
            raise DTypeError(f"{definition.name}: not defined for {a.dtype} ({error})") from None
        if out.__class__ is not ndarray:
            out = np.asarray(out)
        result = _new(_tensor[0])
        result.array = out
        result.gradient = result.view_of = result.hooks = None
        if x.needs_grad and _recording():
            node = result.node = _new(Node)
            node.op = definition
            node.targets = ((x.node or x) if x.view_of is None else record.target_of(x),)
            node.seq = next(clock)
            node.args = (picks[0](a, out),)
            node.hooks = node.outputs = node.shapes = None
            result.needs_grad = True
        else:
            result.needs_grad = False
            result.node = INFERENCE if _inferring() else None
        if watched:
            observe(definition, (x,), {}, result)
        return result

    return call


def binary_call(
    definition: Op, ufunc: Callable[..., Any], floats: bool, promoted: Callable[..., Any]
) -> Callable[..., Any]:
    """Call with two inputs; `promoted` repeats a call with both brought to one dtype."""
    picks = definition.pick_kept

    def call(x: Any, y: Any) -> Any:
        a: Any
        b: Any
        x_grad = y_grad = turned = False
        tensor = _tensor[0]
        if x.__class__ is tensor or isinstance(x, TensorBase):
            a, x_grad = x.array, x.needs_grad
            if y.__class__ is tensor or isinstance(y, TensorBase):
                b, y_grad = y.array, y.needs_grad
                if a.dtype is not b.dtype or (floats and a.dtype.kind != "f"):
                    return promoted(definition, call, x, y, floats)
                turned = not a.flags.c_contiguous
            elif (type(y) is float or type(y) is int) and a.dtype.kind == "f":
                b = float(y)
            else:
                return promoted(definition, call, x, y, floats)
        elif isinstance(y, TensorBase):
            if (type(x) is not float and type(x) is not int) or y.array.dtype.kind != "f":
                return promoted(definition, call, x, y, floats)
            a, b, y_grad = float(x), y.array, y.needs_grad
        else:
            return ufunc(x, y)
        small = a.__class__ is not ndarray or a.size < LARGE
        run = ufunc if small else partial(in_blocks, ufunc)
        try:
            out = run(a, b) if (warnings.filters or NONE)[0] is SAFE[0] else quietly(run, a, b)
        except (ValueError, TypeError) as error:
            raise explained(definition, a, b, error) from None
        except LoopNeeded:
            out = one_by_one(ufunc, (a, b))
        if out.__class__ is not ndarray:
            out = np.asarray(out)
        elif turned:
            out = in_common_order(out, (a, b))
        result = _new(tensor)
        result.array = out
        result.gradient = result.view_of = result.hooks = None
        if (x_grad or y_grad) and _recording():
            node = result.node = _new(Node)
            node.op = definition
            node.hooks = node.outputs = None
            if x_grad:
                tx = (x.node or x) if x.view_of is None else record.target_of(x)
                kept_x = picks[0](a, b, out)
            else:
                tx, kept_x = _target(definition, x), None
            if y_grad:
                ty = (y.node or y) if y.view_of is None else record.target_of(y)
                kept_y = picks[1](a, b, out)
            else:
                ty, kept_y = _target(definition, y), None
            node.targets = (tx, ty)
            node.seq = next(clock)
            node.args = (kept_x, kept_y)
            node.shapes = (
                None
                if b.__class__ is float or a.__class__ is float or a.shape == b.shape
                else (a.shape, b.shape)
            )
            result.needs_grad = True
        else:
            result.needs_grad = False
            result.node = INFERENCE if _inferring() else None
        if watched:
            observe(definition, (x, y), {}, result)
        return result

    return call


# --- operations without gradient ---------------------------------------------------------------


def plain_call(definition: Op, function: Callable[..., Any]) -> Callable[..., Any]:
    """Call with tensors in and out, without recording anything."""
    two = definition.ufunc is not None and len(definition.inputs) == 2
    arrange = definition.arrange

    def call(*inputs: Any, **options: Any) -> Any:
        tensors = False
        arrays = []
        for x in inputs:
            if isinstance(x, TensorBase):
                tensors = True
                x = x.array
            arrays.append(x)
        try:
            if (warnings.filters or NONE)[0] is SAFE[0] or definition.users:
                out = function(*arrays, **options)
            else:
                out = quietly(function, *arrays, **options)
        except BATCH_ERRORS as error:
            if two and isinstance(function, np.ufunc) and not isinstance(error, LoopNeeded):
                raise explained(definition, arrays[0], arrays[1], error) from None
            if not holds_batch(arrays, options):
                raise
            out = one_by_one(function, arrays, options)
        if not tensors:
            return out
        if arrange is not None:
            out = arrange(out, arrays)
        return _wrap_plain(definition, inputs, options, out)

    return call


# --- several results ---------------------------------------------------------------------------


class Cotangents(tuple[Any, ...]):
    """The gradients of a node with several outputs; None where nothing has arrived yet."""

    __slots__ = ()

    def __add__(self, other: Any) -> Cotangents:
        pairs = zip(self, other, strict=True)
        return Cotangents(b if a is None else a if b is None else a + b for a, b in pairs)


def output_of(node: Node, i: int, array: Array) -> Any:
    """The i-th result as a tensor: a node of its own that puts its gradient into the i-th place."""
    result = wrap(array)
    if array.dtype.kind == "f":
        result.node = Node(_SELECT, (node,), [(i, len(node.outputs))])
        result.needs_grad = True
    return result


def _select(x: Any, *, i: int, n: int) -> Any:
    return x[i]


def _select_vjp(g: Any, i: int, n: int) -> Cotangents:
    return Cotangents(g if k == i else None for k in range(n))


_SELECT = Op("select_output", _select, latex="x_i")
_SELECT.add_rule("x", _select_vjp, latex="g")


# --- errors of formulas, in words --------------------------------------------------------------


def explained(definition: Op, a: Any, b: Any, error: Exception) -> Exception:
    """The error for two operands that NumPy could not combine."""
    if not isinstance(error, ValueError):
        return DTypeError(
            f"{definition.name}: not defined for {dtype_of(a)} and {dtype_of(b)} ({error})"
        )
    try:
        np.broadcast_shapes(np.shape(a), np.shape(b))
    except ValueError:
        return _not_broadcast(definition, (a, b))
    return ArgumentError(f"{definition.name}: {error} Convert with .float() first.")


def _is_about_broadcasting(error: Exception) -> bool:
    return type(error) is ValueError and "broadcast" in str(error)


def _not_broadcast(definition: Op, arrays: Any) -> ShapeError:
    shapes = [str(list(a.shape)) for a in arrays if hasattr(a, "shape")]
    return ShapeError(
        f"{definition.name}: shapes {' and '.join(shapes)} cannot be broadcast together: sizes "
        "must be equal or 1, counted from the last dimension. Try unsqueeze() or reshape()."
    )


def _no_tensor(definition: Op, x: Any, error: Exception) -> Exception:
    """A TypeError that says what was passed instead of the first tensor, or the error unchanged."""
    if isinstance(x, (ndarray, np.generic, bool, int, float)):
        return error
    return TypeError(
        f"{definition.name}(): argument 'input' (position 1) must be Tensor, not "
        f"{type(x).__name__}; {advice_for(x)}"
    )


def advice_for(x: Any) -> str:
    """How a tensor is had from what was passed instead of one."""
    if x is None:
        return "does a function or a forward lack its `return`?"
    if hasattr(x, "named_parameters"):
        return f"call the module to get its output: {type(x).__name__}(…)(x)"
    if hasattr(x, "batch_sizes"):
        return "pass its .data, or what pad_packed_sequence makes of it"
    if isinstance(x, tuple) and any(isinstance(each, (TensorBase, tuple)) for each in x):
        return (
            "take the part that is meant: recurrent layers and attention return their output first"
        )
    return "dl.tensor() makes a tensor of it"
