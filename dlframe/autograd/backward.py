"""`backward` and `grad`: the two ways to ask the engine for gradients."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from dlframe.autograd.engine import run_backward
from dlframe.autograd.hooks import PostHook
from dlframe.errors import ArgumentError, GradientError, ShapeError
from dlframe.ops.calling import wrap
from dlframe.ops.elementwise import ordered
from dlframe.ops.memory import is_dense
from dlframe.ops.op import cast
from dlframe.ops.record import Node, TensorBase, mark_mutated, target_of, to_array

Tensors = TensorBase | Sequence[TensorBase]


def backward(
    tensors: Tensors,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Tensors | None = None,
) -> None:
    """Add the gradients of `tensors` to the `.grad` of the leaves they were computed from.

    Args:
        tensors: one tensor or several; one-element tensors need no gradient of their own.
        grad_tensors: per tensor the gradient to start from, of the tensor's shape.
        retain_graph: keep the graph for another backward; by default only with `create_graph`.
        create_graph: record the backward pass itself, so that gradients can be differentiated.
        grad_variables: an old name of `grad_tensors`.
        inputs: add only to the `.grad` of these: leaves, and results inside the graph, which
            keep their gradients from now on, as after `retain_grad()`.

    Raises:
        GradientError: a tensor without graph, or a graph that was already freed.
        ShapeError: a missing gradient for a non-scalar, or one of another shape.

    >>> import dlframe as dl
    >>> x = dl.tensor([1.0, 2.0], requires_grad=True)
    >>> dl.autograd.backward((x * x).sum())
    >>> x.grad
    tensor([2., 4.])
    """
    if grad_variables is not None:
        warnings.warn(
            "`grad_variables` is deprecated. Use `grad_tensors` instead.",
            FutureWarning,
            stacklevel=2,
        )
        if grad_tensors is not None:
            raise ArgumentError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed"
            )
        grad_tensors = grad_variables
    roots = _as_tuple(tensors)
    wanted = None if inputs is None else _as_tuple(inputs)
    if wanted == ():
        raise GradientError("backward: inputs= is empty; leave it out to reach all leaves")
    if wanted is not None:
        _check_inputs("backward", wanted)
        wanted = tuple(dict.fromkeys(_reached(x) for x in wanted))
    targets, gradients = _start(roots, grad_tensors, create_graph)
    found = run_backward(
        targets,
        gradients,
        retain_graph=create_graph if retain_graph is None else retain_graph,
        create_graph=create_graph,
        inputs=wanted,
    )
    del gradients  # so that a gradient without other references can be kept without a copy
    leaves = list(found)
    if wanted is not None:  # results among them retain their gradients by a hook
        leaves = [x for x in wanted if x.__class__ is not Node and x in found]
    for listener in on_leaves.copy():  # one may leave the list when it is called
        listener(leaves)
    for leaf in leaves:
        if leaf.needs_grad:  # it may have been switched off since the forward
            _accumulate(leaf, found.pop(leaf))
            if leaf.hooks is not None:
                _run_post_hooks(leaf)
    run_at_end()


def _reached(x: Any) -> Any:
    """The target of one of backward's `inputs`; if that is a result, it keeps its gradient."""
    if isinstance(x, TensorBase) and x.node is not None:
        x.retain_grad()  # type: ignore[attr-defined] # a method of Tensor
    return _target(x)


# Functions that are called with the leaves of each backward pass, while somebody waits for them.
on_leaves: list[Callable[[list[Any]], None]] = []

# Functions to call at the end of the present backward pass.
at_end: list[Callable[[], None]] = []


def run_at_end() -> None:
    """Call the functions that wait for the end of a pass."""
    while at_end:
        at_end.pop(0)()


def _run_post_hooks(leaf: Any) -> None:
    """The hooks that wait for a leaf's complete `.grad`."""
    for hook in list(leaf.hooks.values()):
        if isinstance(hook, PostHook):
            hook.function(leaf)


# The references to `g` in `_accumulate` if there are none outside: the name `g`, and before Python
# 3.14, which lends it, the argument of getrefcount. A reference of others counts in all versions.
# This is no measurement, since under a debugger, which looks at local variables, an import would
# measure more, and gradients that others have would then be kept. A number that is too small only
# makes copies.
_OURS = 1 if sys.version_info >= (3, 14) else 2


def _accumulate(leaf: Any, g: Any) -> None:
    """Add `g` to `leaf.grad`; the first is kept as it is if nothing else refers to its memory.

    It lies in memory as the leaf does, or, if the leaf has gaps, in order.
    """
    if leaf.gradient is None and g.__class__ is np.ndarray:
        # the count comes first, for `g.flags` refers to `g` as well
        free = sys.getrefcount(g) <= _OURS and (g.flags.owndata or _has_base_alone(g))
        own = leaf.array
        fits = g.strides == own.strides or _lie_alike(g, own)
        if not (free and fits and g.flags.writeable):
            copy = np.empty_like(own, order="K" if is_dense(own) else "C")
            copy[...] = g
            g = copy
        leaf.gradient = wrap(g)
    elif isinstance(g, TensorBase):
        if leaf.gradient is not None:
            g = leaf.gradient + g
        leaf.gradient = ordered(g) if leaf.array.flags.c_contiguous else g
    elif leaf.gradient is None:  # a NumPy scalar
        leaf.gradient = wrap(np.array(g, dtype=leaf.array.dtype))
    else:
        leaf.gradient.array += g


def _has_base_alone(g: Any) -> bool:
    """Whether `g` shows all of an array that nothing else refers to, in another shape."""
    if sys.getrefcount(g.base) > 2:  # more than that of `g`, and the new one of `g.base` itself
        return False
    base = g.base
    own = base.__class__ is np.ndarray and base.flags.owndata
    return own and base.size == g.size


def _lie_alike(g: Any, own: Any) -> bool:
    """Whether the gradient `g` lies in memory as that of the leaf `own` should."""
    if own.flags.c_contiguous or not is_dense(own):
        return bool(g.flags.c_contiguous)
    pairs = zip(g.strides, own.strides, own.shape, strict=True)
    return all(a == b or n == 1 for a, b, n in pairs)


def zero_gradients(tensors: Iterable[Any], set_to_none: bool) -> None:
    """Set the gradients of `tensors` to None, or fill them with zeros."""
    for x in tensors:
        if set_to_none or x.grad is None:
            x.grad = None
            continue
        if x.grad.requires_grad:  # from create_graph=True
            x.grad = x.grad.detach()
        x.grad.array[...] = 0
        mark_mutated(x.grad.array, "zero_grad")


def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of `outputs` with respect to `inputs`, returned and not accumulated.

    Args:
        outputs: one tensor or several.
        inputs: leaves, or results inside the graph, with respect to which to differentiate.
        grad_outputs: per output the gradient to start from; only one-element outputs need none.
        retain_graph: keep the graph for another pass; by default only with `create_graph`.
        create_graph: record the pass, so that the gradients can be differentiated again.
        only_inputs: must be True; `backward` adds to the `.grad` of other leaves.
        allow_unused: give None for inputs that the outputs do not depend on, instead of an error.
        is_grads_batched: `grad_outputs` and the results have an additional first dimension, which
            counts gradients. All of them go through the graph in one pass.
        materialize_grads: give zeros for unused inputs.

    Returns:
        One gradient per input, of the input's shape.

    >>> import dlframe as dl
    >>> x = dl.tensor(3.0, requires_grad=True)
    >>> (g,) = dl.autograd.grad(x**3, x, create_graph=True)
    >>> dl.autograd.grad(g, x)  # 6 x
    (tensor(18.),)
    """
    if not only_inputs:
        raise ArgumentError("grad: only_inputs=False is not supported; call backward()")
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "grad: materialize_grads gives zeros for unused inputs, so allow_unused cannot be False"
        )
    xs = _as_tuple(inputs)
    _check_inputs("grad", xs)
    retain_graph = create_graph if retain_graph is None else retain_graph
    wanted = [_target(x) for x in xs]
    if is_grads_batched:
        found = _batched(_as_tuple(outputs), grad_outputs, wanted, retain_graph, create_graph)
    else:
        targets, gradients = _start(_as_tuple(outputs), grad_outputs, create_graph)
        found = run_backward(
            targets,
            gradients,
            retain_graph=retain_graph,
            create_graph=create_graph,
            inputs=wanted,
        )
    run_at_end()
    results = []
    for i, x in enumerate(xs):
        g = found.get(wanted[i])
        if g is None and materialize_grads:
            g = np.zeros_like(x.array)
        if g is None and not allow_unused:
            raise GradientError(
                "grad: One of the differentiated Tensors appears to not have been used in the "
                f"graph: inputs[{i}]{_shape_of(x)}. Pass allow_unused=True to get None for it."
            )
        results.append(g if g is None or isinstance(g, TensorBase) else wrap(g))
    return tuple(results)


def _check_inputs(by: str, xs: tuple[Any, ...]) -> None:
    for i, x in enumerate(xs):
        if isinstance(x, TensorBase) and not x.needs_grad:
            raise GradientError(
                f"{by}: One of the differentiated Tensors does not require grad: inputs[{i}] of "
                f"shape {list(x.array.shape)}. Set requires_grad_() on it before computing the "
                "outputs."
            )


def _batched(
    roots: tuple[Any, ...],
    gradients: Any,
    wanted: list[Any],
    retain_graph: bool,
    create_graph: bool,
) -> dict[Any, Any]:
    """One pass with all gradients along dimension 0 of `gradients`."""
    from dlframe.autograd.batching import batched_gradients  # on first use: few need batches

    given = _as_tuple(gradients) if gradients is not None else ()
    if len(given) != len(roots) or any(g is None for g in given):
        raise ShapeError(
            "grad: is_grads_batched needs a batch of gradients, grad_outputs, for each output"
        )
    for root, g in zip(roots, given, strict=True):
        if g.array.shape[1:] != root.array.shape or not g.array.ndim:
            raise ShapeError(
                "If `is_grads_batched=True`, we interpret the first dimension of each grad_output "
                "as the batch dimension. The sizes of the remaining dimensions are expected to "
                "match the shape of corresponding output, but a mismatch was detected: "
                f"grad_outputs have shape {list(g.array.shape)}, "
                f"the output {list(root.array.shape)}"
            )
        if not root.needs_grad:
            raise GradientError("element 0 of tensors does not require grad")
    found = batched_gradients(
        [target_of(root) for root in roots],
        [_in_dtype_of(root, g) for root, g in zip(roots, given, strict=True)],
        wanted,
        retain_graph=retain_graph,
        create_graph=create_graph,
    )
    return {target: g for target, g in zip(wanted, found, strict=True) if g is not None}


def _as_tuple(tensors: Any) -> tuple[Any, ...]:
    one = isinstance(tensors, TensorBase) or hasattr(tensors, "output_nr")  # a GradientEdge
    return (tensors,) if one else tuple(tensors)


def _target(x: Any) -> Any:
    """The node or leaf to which the gradient of a tensor or a `GradientEdge` goes."""
    return target_of(x) if isinstance(x, TensorBase) else x.node


def _shape_of(x: Any) -> str:
    return f" of shape {list(x.array.shape)}" if isinstance(x, TensorBase) else ""


def _start(
    roots: tuple[Any, ...], gradients: Any, create_graph: bool
) -> tuple[list[Any], list[Any]]:
    """The targets to start from, and the gradient of each."""
    given = _as_tuple(gradients) if gradients is not None else (None,) * len(roots)
    if len(given) != len(roots):
        raise ShapeError(
            f"backward: got {len(roots)} tensors but {len(given)} gradients; give one for each"
        )
    targets, starts = [], []
    for i, (root, g) in enumerate(zip(roots, given, strict=True)):
        if not root.needs_grad:
            raise GradientError(
                f"element {i} of tensors does not require grad and does not have a grad_fn; it was "
                "computed from tensors without requires_grad, or under no_grad(), or was detached"
            )
        targets.append(target_of(root))
        starts.append(_first_gradient(root, g, create_graph))
    return targets, starts


def _first_gradient(root: Any, g: Any, create_graph: bool) -> Any:
    shape = root.array.shape
    if g is None:
        if root.array.size != 1:
            raise ShapeError(
                "backward: grad can be implicitly created only for scalar outputs; this tensor has "
                f"shape {list(shape)}. Reduce it first (.sum(), .mean()), or pass the gradient to "
                "start from."
            )
        ones = np.ones(shape, root.array.dtype)
        return wrap(ones) if create_graph else ones
    array = to_array(g)
    if array.shape != shape:
        raise ShapeError(
            f"backward: Mismatch in shape: the gradient has shape {list(array.shape)}, its tensor "
            f"{list(shape)}"
        )
    if not create_graph:
        return array.astype(root.array.dtype, copy=False)
    return _in_dtype_of(root, g if isinstance(g, TensorBase) else wrap(array))


def _in_dtype_of(root: Any, g: Any) -> Any:
    """The tensor `g`, a gradient of `root` in any dtype, converted to the dtype of `root`."""
    return g if g.array.dtype is root.array.dtype else cast(g, dtype=root.array.dtype)
