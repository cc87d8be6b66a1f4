"""Jacobians, Hessians and their products with vectors, at a point.

`dlframe.func` has the same as functions of functions; here each call takes the function and its
inputs. Jᵀv needs one backward pass. J v needs two: Jᵀu is linear in u, and the derivative of Jᵀu
with respect to u, applied to v, is J v. The Hessian H of a number is the Jacobian of its gradient.
So vᵀH needs one backward pass through the gradient, and H v needs two.

If the result does not depend on an input, the derivative is zero, or an error with `strict`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlframe.autograd.batching import batched_gradients
from dlframe.autograd.func.variables import zeros_of
from dlframe.autograd.functional_values import (
    INDEPENDENT,
    NEEDS_V_INPUT,
    NEEDS_V_OUTPUT,
    as_tuple,
    check_recorded,
    filled,
    gradients,
    nested,
    one_number,
    outputs_of,
    released,
    result_of,
    variable_zeros,
    variables_of,
    vector_like,
)
from dlframe.autograd.modes import enable_grad, set_grad_enabled
from dlframe.errors import ArgumentError, GradientError
from dlframe.ops.calling import wrap
from dlframe.ops.record import grad_mode, target_of
from dlframe.ops.shape import reshape, stack

Tensors = Any  # a tensor, or a tuple of them
Function = Callable[..., Any]


class StrategyError(ArgumentError, AssertionError):
    """An unknown strategy; for PyTorch that is an AssertionError."""


def vjp(
    func: Function,
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The value of `func`, and vᵀ J: per input a tensor of its shape.

    Args:
        func: takes tensors, returns a tensor or a tuple of them.
        inputs: a tensor or a tuple.
        v: of the structure of the output; not needed if the output is one number.
        create_graph: record the computation, for further derivatives.
        strict: raise if an output does not depend on an input, instead of returning zeros.

    >>> import dlframe as dl
    >>> dl.autograd.functional.vjp(lambda x: x * x, dl.tensor([1.0, 2.0]), dl.tensor([1.0, 10.0]))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    with enable_grad():
        xs, one_input = variables_of(inputs, "vjp", create_graph)
        outputs, one_output = outputs_of(func(*xs), "vjp", strict)
        given = vector_like(v, outputs, create_graph, NEEDS_V_OUTPUT, "vjp")
    products = _products(outputs, xs, given, xs, create_graph, strict, "back")
    value = result_of(outputs, one_output, create_graph)
    return value, result_of(products, one_input, create_graph)


def jvp(
    func: Function,
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The value of `func`, and J v: per output a tensor of its shape; see `vjp`.

    `v` has the structure of the inputs; it is not needed if the input is one number.

    >>> import dlframe as dl
    >>> dl.autograd.functional.jvp(lambda x: x.sum() * x, dl.ones(2), dl.tensor([1.0, 0.0]))
    (tensor([2., 2.]), tensor([3., 1.]))
    """
    with enable_grad():
        xs, _ = variables_of(inputs, "jvp", create_graph)
        given = vector_like(v, xs, create_graph, NEEDS_V_INPUT, "jvp")
        outputs, one_output = outputs_of(func(*xs), "jvp", strict)
        u = variable_zeros(outputs)
        back = gradients(outputs, xs, u, create_graph=True)
        check_recorded(back, "grad_inputs", strict)
    products = _products(back, u, given, outputs, create_graph, strict, "back_trick")
    value = result_of(outputs, one_output, create_graph)
    return value, result_of(products, one_output, create_graph)


def jacobian(
    func: Function,
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian: for each output and input a tensor of shape (*output.shape, *input.shape).

    Args:
        func: takes tensors, returns a tensor or a tuple of them.
        inputs: a tensor or a tuple; the result is nested accordingly, first by outputs.
        create_graph: record the computation, for further derivatives.
        strict: raise if an output does not depend on an input, instead of returning zeros.
        vectorize: compute all rows in one backward pass, and not one after the other.
        strategy: "reverse-mode" computes rows, "forward-mode" columns (only with `vectorize`);
            the latter is better if there are fewer inputs than outputs.

    >>> import dlframe as dl
    >>> dl.autograd.functional.jacobian(lambda x: x.exp(), dl.zeros(2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise StrategyError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your '
            'function has more outputs than inputs, "forward-mode" tends to be more performant. '
            'Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode":
        return _jacobian_by_columns(func, inputs, create_graph, strict, vectorize)
    with enable_grad():
        xs, one_input = variables_of(inputs, "jacobian", create_graph)
        outputs, one_output = as_tuple(
            func(*xs), "outputs of the user-provided function", "jacobian"
        )
        check_recorded(outputs, "outputs", strict)
        if vectorize and strict:
            raise GradientError(
                "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not "
                "supported together. Please either set `strict=False` or `vectorize=False`."
            )
        blocks = []
        for i, y in enumerate(outputs):
            if vectorize:
                rows = _rows_at_once(y, xs, create_graph)
            else:
                rows = _rows_one_by_one(y, i, xs, create_graph, strict)
            blocks.append(released(rows, create_graph))
    return nested(blocks, one_output, one_input)


def hessian(
    func: Function,
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The Hessian of `func`, which returns one number: per pair of inputs a tensor.

    `hessian(f, (x, y))[i][j]` has the shape (*input i, *input j). The arguments are those of
    `jacobian`, which is applied twice; `outer_jacobian_strategy` is that of the second time.

    >>> import dlframe as dl
    >>> dl.autograd.functional.hessian(lambda x: (x**3).sum(), dl.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise StrategyError('Expected strategy to be either "forward-mode" or "reverse-mode".')
    one_input = not isinstance(inputs, tuple)

    def number(*xs: Any) -> Any:
        return reshape(one_number(func(*xs), "hessian", strict), shape=())

    def gradient(*xs: Any) -> Any:
        found = jacobian(number, xs, create_graph=True)
        check_recorded(found, "jacobian", strict)
        return found

    blocks = jacobian(
        gradient,
        inputs if isinstance(inputs, tuple) else as_tuple(inputs, "inputs", "hessian")[0],
        create_graph=create_graph,
        strict=strict,
        vectorize=vectorize,
        strategy=outer_jacobian_strategy,
    )
    return nested(blocks, one_input, one_input)


def vhp(
    func: Function,
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The value of `func`, which returns one number, and vᵀ H with its Hessian H; see `vjp`.

    >>> import dlframe as dl
    >>> dl.autograd.functional.vhp(lambda x: (x**3).sum(), dl.ones(2), dl.tensor([1.0, 2.0]))
    (tensor(2.), tensor([ 6., 12.]))
    """
    with enable_grad():
        xs, one_input = variables_of(inputs, "vhp", create_graph)
        given = vector_like(v, xs, create_graph, NEEDS_V_INPUT, "vhp")
        y = one_number(func(*xs), "vhp", strict)
        gradient = gradients((y,), xs, (None,), create_graph=True)
        check_recorded(gradient, "jacobian", strict)
    products = _products(gradient, xs, given, xs, create_graph, strict, "double_back")
    return result_of((y,), True, create_graph), result_of(products, one_input, create_graph)


def hvp(
    func: Function,
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The value of `func`, which returns one number, and H v with its Hessian H; see `vjp`.

    H is symmetric, so `vhp` gives the same with one pass less; prefer it.

    >>> import dlframe as dl
    >>> dl.autograd.functional.hvp(lambda x: (x**3).sum(), dl.ones(2), dl.tensor([1.0, 2.0]))
    (tensor(2.), tensor([ 6., 12.]))
    """
    with enable_grad():
        xs, one_input = variables_of(inputs, "hvp", create_graph)
        given = vector_like(v, xs, create_graph, NEEDS_V_INPUT, "hvp")
        y = one_number(func(*xs), "hvp", strict)
        gradient = gradients((y,), xs, (None,), create_graph=True)
        check_recorded(gradient, "jacobian", strict)
        u = variable_zeros(xs)
        back = gradients(gradient, xs, u, create_graph=True)
        check_recorded(back, "hessian", strict)
    products = _products(back, u, given, xs, create_graph, strict, "double_back_trick")
    return result_of((y,), True, create_graph), result_of(products, one_input, create_graph)


def _products(
    outputs: Sequence[Any],
    inputs: Sequence[Any],
    v: Sequence[Any],
    like: Sequence[Any],
    create_graph: bool,
    strict: bool,
    stage: str,
) -> tuple[Any, ...]:
    """vᵀ ∂outputs / ∂inputs, each in the shape of its `like`; `stage` names them in errors."""
    with set_grad_enabled(create_graph or grad_mode.get()):
        found = gradients(outputs, inputs, v, create_graph)
        return filled(found, like, strict, create_graph, stage)


# --- Jacobians ---------------------------------------------------------------------------------


def _rows_one_by_one(y: Any, i: int, xs: Any, create_graph: bool, strict: bool) -> list[Any]:
    rows: list[list[Any]] = [[] for _ in xs]
    flat = reshape(y, shape=(-1,)) if y.array.size else y
    for j in range(y.array.size):
        found = gradients((flat[j],), xs, (None,), create_graph, retain_graph=True)
        for k, g in enumerate(found):
            if g is None and strict:
                raise GradientError(
                    f"Output {i} of the user-provided function is independent of input {k}. "
                    f"{INDEPENDENT}"
                )
            if g is not None and strict and create_graph and not g.needs_grad:
                raise GradientError(
                    "The jacobian of the user-provided function is independent of input "
                    f"{k}. This is not allowed in strict mode when create_graph=True."
                )
            rows[k].append(zeros_of(xs[k]) if g is None else g)
    return [
        reshape(stack(*r), shape=(*y.array.shape, *x.array.shape))
        if r
        else wrap(np.zeros((*y.array.shape, *x.array.shape), y.array.dtype))
        for r, x in zip(rows, xs, strict=True)
    ]


def _rows_at_once(y: Any, xs: Any, create_graph: bool) -> list[Any]:
    n = y.array.size
    found: list[Any] = [None] * len(xs)
    if y.needs_grad and n:
        basis = wrap(np.eye(n, dtype=y.array.dtype).reshape(n, *y.array.shape))
        found = batched_gradients(
            [target_of(y)],
            [basis],
            [target_of(x) for x in xs],
            retain_graph=True,
            create_graph=create_graph,
        )
    shapes = [(*y.array.shape, *x.array.shape) for x in xs]
    return [
        wrap(np.zeros(shape, x.array.dtype)) if g is None else reshape(g, shape=shape)
        for g, x, shape in zip(found, xs, shapes, strict=True)
    ]


def _jacobian_by_columns(
    func: Function, inputs: Any, create_graph: bool, strict: bool, vectorize: bool
) -> Any:
    if create_graph:
        raise NotImplementedError(
            'jacobian: `create_graph=True` and `strategy="forward-mode"` are not supported '
            'together (yet). Please either set `create_graph=False` or `strategy="reverse-mode"`.'
        )
    if strict:
        raise GradientError(
            'jacobian: `strict=True` and `strategy="forward-mode"` are not supported together '
            '(yet). Please either set `strict=False` or `strategy="reverse-mode"`.'
        )
    if not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian is only "
            "implemented for `vectorize=True`."
        )
    from dlframe.autograd.func.jacobians import jacfwd  # on first use: it stands on this package

    xs, one_input = as_tuple(inputs, "inputs", "jacobian")
    one_output = [False]

    def always_tuple(*values: Any) -> Any:
        outputs, one_output[0] = outputs_of(func(*values), "jacobian", strict)
        return outputs

    by_output = jacfwd(always_tuple, argnums=tuple(range(len(xs))))(*[x.detach() for x in xs])
    blocks = [released(block, False) for block in by_output]
    return nested(blocks, one_output[0], one_input)


__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]
