"""`Function`: a forward and a backward of your own, as one node of the graph."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe.autograd.inplace import check_writable, move
from dlframe.base.lazily import tell_missing
from dlframe.base.quiet import users_own
from dlframe.errors import GradientError, ShapeError
from dlframe.ops import record
from dlframe.ops.batched import LoopNeeded
from dlframe.ops.batched.examples import recorded_one_by_one, tensors_hold_batch
from dlframe.ops.broadcast import sum_to
from dlframe.ops.calling import output_of, wrap
from dlframe.ops.definition import NodeOp
from dlframe.ops.op import cast
from dlframe.ops.record import Node, TensorBase, clock, grad_mode
from dlframe.ops.watching import observe, watched


class FunctionCtx:
    """Carries saved tensors and other attributes from a Function's forward to its backward."""

    needs_input_grad: tuple[bool, ...]

    def __init__(self) -> None:
        self._saved: tuple[Any, ...] = ()
        self._dirty: tuple[Any, ...] = ()
        self._constant: tuple[Any, ...] = ()
        self._materialize = True
        self._node: Callable[[], Node | None] = lambda: None

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors (inputs or outputs) for backward, watched for in-place changes."""
        self._saved = tensors

    def mark_dirty(self, *tensors: Any) -> None:
        """Say which inputs the forward modified in place; it must return them."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Say which outputs have no gradient, such as indices."""
        self._constant = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (the default) or None for outputs without a gradient."""
        self._materialize = value

    def save_for_forward(self, *tensors: Any) -> None:
        """Accepted as in PyTorch, where `jvp` uses the tensors; forward mode here needs none."""

    def mark_shared_storage(self, *pairs: Any) -> None:
        """Accepted as in PyTorch, where it does nothing either."""

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors that `save_for_backward` kept."""
        node = self._node()
        saved = self._saved if node is None else node.args and node.args[1]
        if saved is None:
            raise GradientError(
                "saved_tensors: Trying to backward through the graph a second time, but the saved "
                "tensors were freed. Pass retain_graph=True to the first backward."
            )
        return tuple(self._restored(item) for item in saved)

    def _restored(self, item: Any) -> Any:
        if item is None:
            return None
        tensor, seq, output = item
        entry = record.changed_since(tensor.array, seq)
        if entry is not None:
            raise GradientError(
                f"a saved tensor of shape {list(tensor.array.shape)} was modified by an inplace "
                f"operation ({entry.by}) after save_for_backward; save a clone() of it, or write "
                "out of place"
            )
        node = self._node()
        if output is not None and node is not None:
            tensor = wrap(tensor.array)
            if output >= 0:
                tensor = output_of(node, output, tensor.array)
            else:
                tensor.node, tensor.needs_grad = node, True
        return tensor


class _FunctionOp(NodeOp):
    """The op of the node of one call of a Function."""

    kept: tuple[tuple[str, ...], ...] = ((),)

    def __init__(self, cls: type[Function], ctx: FunctionCtx, inputs: tuple[Any, ...]):
        self.cls, self.ctx = cls, ctx
        self.metas = tuple(_meta(x) for x in inputs)
        self.name = cls.__name__
        self.grad_name = f"{cls.__name__}Backward"
        self.materialize = ctx._materialize
        self.keeps = bool(ctx._saved)
        self.passes_gradients = cls.passes_gradients
        self.hidden = cls.hidden

    def joint(self, g: Any, *_: Any) -> list[Any]:
        """Call the user's backward on tensors, and check what it returns."""
        given = g if isinstance(g, tuple) else (g,)
        create_graph = any(isinstance(gi, TensorBase) for gi in given)
        tensors = [gi if gi is None or isinstance(gi, TensorBase) else wrap(gi) for gi in given]
        token = grad_mode.set(create_graph)
        try:
            with users_own():
                grads = self.cls.backward(self.ctx, *tensors)
        finally:
            grad_mode.reset(token)
        grads = grads if isinstance(grads, (tuple, list)) else (grads,)
        grads = list(grads)
        while len(grads) > len(self.metas) and grads[-1] is None:
            grads.pop()
        if len(grads) != len(self.metas):
            raise GradientError(
                f"function {self.name} returned an incorrect number of gradients (expected "
                f"{len(self.metas)}, got {len(grads)}): backward returns one per argument of "
                "forward, None where there is none"
            )
        checked = [self._checked(i, gi) for i, gi in enumerate(grads)]
        if create_graph:
            return checked
        return [gi if gi is None else gi.array.copy() for gi in checked]

    def _checked(self, i: int, gi: Any) -> Any:
        """The gradient of input `i`, in that input's shape and dtype."""
        if gi is None or self.metas[i] is None:
            return None
        shape, dtype = self.metas[i]
        if not isinstance(gi, TensorBase):
            gi = wrap(np.asarray(gi))
        if gi.array.dtype != dtype:
            gi = cast(gi, dtype=dtype)
        if gi.array.shape == shape:
            return gi
        try:
            np.broadcast_shapes(gi.array.shape, shape)
            return sum_to(gi, shape=shape)
        except ValueError:
            raise ShapeError(
                f"Function {self.name} returned an invalid gradient at index {i}: got "
                f"{list(gi.array.shape)} but expected shape compatible with {list(shape)}"
            ) from None


def _meta(x: Any) -> Any:
    """Shape and dtype of a tensor; None for anything else."""
    return (x.array.shape, x.array.dtype) if isinstance(x, TensorBase) else None


class Function:
    """The base class of differentiable functions with a backward of their own.

    A subclass defines the static methods `forward(ctx, *args)` and `backward(ctx, *grad_outputs)`,
    and is called by `apply`. `forward` has no `ctx` if `setup_context(ctx, inputs, output)` is
    defined.

    >>> import dlframe as dl
    >>> class Cube(dl.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x * x
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (x,) = ctx.saved_tensors
    ...         return g * 3 * x * x
    >>> x = dl.tensor(2.0, requires_grad=True)
    >>> Cube.apply(x).backward()
    >>> x.grad
    tensor(12.)
    """

    generate_vmap_rule = False  # accepted: a Function without `vmap` is mapped as it is

    passes_gradients = False  # True: `explain` hands gradients on and does not call backward
    hidden = 0  # the number of first arguments that `explain` does not show

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the outputs (a tensor or a tuple) from the inputs; nothing in it is recorded."""
        raise NotImplementedError("a Function defines the static method forward(ctx, *args)")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Fill `ctx` after a forward without `ctx`."""
        raise NotImplementedError

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """From the outputs' gradients, compute one gradient (or None) per argument of forward."""
        raise NotImplementedError(
            "a Function that is differentiated defines the static method backward(ctx, *g)"
        )

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """Accepted as in PyTorch; forward mode uses `backward` twice instead."""
        raise NotImplementedError("forward mode does not need a Function's jvp")

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *args: Any) -> Any:
        """Compute a batch: `(output, out_dims)` from arguments with an additional dimension.

        Args:
            info: has `batch_size` and `randomness`.
            in_dims: for each argument, the dimension that counts the examples, or None.
            args: the arguments, the tensors among them whole batches.
        """
        raise NotImplementedError("a Function need not have a vmap")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Call the function: forward without recording, and one node for the graph."""
        if cls.vmap is not Function.vmap:
            from dlframe.autograd.batching import map_by  # on first use: few Functions do

            batches = map_by(cls.vmap, args)
            if batches is not None:
                return batches[0]
        ctx = FunctionCtx()
        ctx.needs_input_grad = tuple(isinstance(x, TensorBase) and x.needs_grad for x in args)
        needed = any(ctx.needs_input_grad) and grad_mode.get()
        token = grad_mode.set(False)
        try:
            if cls.setup_context is Function.setup_context:
                output = cls.forward(ctx, *args)
            else:
                output = cls.forward(*args)
                cls.setup_context(ctx, args, output)
        except LoopNeeded:
            grad_mode.reset(token)
            token = grad_mode.set(grad_mode.get())
            if not tensors_hold_batch(args):
                raise
            return recorded_one_by_one(cls.apply, args)
        finally:
            grad_mode.reset(token)
        outputs = output if isinstance(output, tuple) else (output,)
        for dirty in ctx._dirty:
            record.mark_mutated(dirty.array, f"{cls.__name__}.forward")
            check_writable(dirty, f"{cls.__name__}.forward")
        if needed:
            outputs = _record(cls, ctx, args, outputs)
        else:
            ctx._saved = tuple(t if t is None else (t, next(clock), None) for t in ctx._saved)
        return outputs if isinstance(output, tuple) else outputs[0]


def _record(
    cls: type[Function], ctx: FunctionCtx, args: tuple[Any, ...], outputs: tuple[Any, ...]
) -> tuple[Any, ...]:
    targets = tuple(
        record.target_of(x) if needs else None
        for x, needs in zip(args, ctx.needs_input_grad, strict=True)
    )
    metas = tuple(_meta(o) for o in outputs) if len(outputs) > 1 else None
    node = Node(_FunctionOp(cls, ctx, args), targets, (), outputs=metas)
    saved = [None if t is None else (t, node.seq, _position(t, outputs)) for t in ctx._saved]
    # an output is kept without its node, since the node must not refer to itself
    kept = tuple(t if t is None or t[2] is None else (wrap(t[0].array), t[1], t[2]) for t in saved)
    node.args, ctx._saved = ((), kept), ()  # what rules get, and what ctx gives
    ctx._node = weakref.ref(node)
    results = tuple(_result(node, ctx, i, o) for i, o in enumerate(outputs))
    if watched:
        observe(node.op, args, {}, results if len(results) > 1 else results[0])
    return results


def _position(tensor: Any, outputs: tuple[Any, ...]) -> int | None:
    """The index of `tensor` among the outputs; -1 for the only one, None if it is none of them."""
    for i, output in enumerate(outputs):
        if output is tensor:
            return i if len(outputs) > 1 else -1
    return None


def _result(node: Node, ctx: FunctionCtx, i: int, output: Any) -> Any:
    constant = any(output is t for t in ctx._constant)
    if constant or not isinstance(output, TensorBase) or output.array.dtype.kind != "f":
        return output
    if node.outputs is not None:
        result = output_of(node, i, output.array)
    else:
        result = wrap(output.array)
        result.node, result.needs_grad = node, True
    if any(output is t for t in ctx._dirty):
        move(output, result)
        return output
    return result


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a Function's backward as not differentiable itself: a second order then raises."""

    @functools.wraps(backward)
    def wrapped(ctx: Any, *grads: Any) -> Any:
        recording = grad_mode.get()
        token = grad_mode.set(False)
        try:
            out = backward(ctx, *grads)
        finally:
            grad_mode.reset(token)
        needs = recording and any(isinstance(g, TensorBase) and g.needs_grad for g in grads)
        if not needs:
            return out
        results = out if isinstance(out, tuple) else (out,)
        raised = tuple(r if r is None else _Refuse.apply(r, *grads) for r in results)
        return raised if isinstance(out, tuple) else raised[0]

    return wrapped


class _Refuse(Function):
    """A node that only raises the error that explains why there is no gradient."""

    @staticmethod
    def forward(ctx: Any, x: Any, *_: Any) -> Any:
        return wrap(x.array)

    @staticmethod
    def backward(ctx: Any, *_: Any) -> Any:
        raise GradientError(
            "trying to differentiate twice a function that was marked with @once_differentiable; "
            "write its backward with differentiable operations and remove the mark"
        )


__all__ = ["Function", "FunctionCtx", "once_differentiable"]


tell_missing(__name__)
