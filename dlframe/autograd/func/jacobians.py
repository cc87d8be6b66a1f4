"""Jacobians and Hessians of functions as functions: `jacrev`, `jacfwd` and `hessian`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe.autograd.batching import batched_gradients
from dlframe.autograd.func.arguments import Argnums, check_tensors, chosen, replaced, with_aux
from dlframe.autograd.func.derivatives import Forward
from dlframe.autograd.func.variables import Variables, outward
from dlframe.autograd.modes import enable_grad
from dlframe.base import nests
from dlframe.ops import record
from dlframe.ops.calling import wrap
from dlframe.ops.record import grad_mode
from dlframe.tensor.functions import cat, movedim, reshape


def jacrev(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:
    """The function that computes the Jacobian, ∂ output / ∂ input, row by row (reverse mode).

    One backward pass computes all rows. This is best if there are fewer outputs than inputs.

    Args:
        func: returns a tensor, or a container of them.
        argnums: the positional arguments with respect to which to differentiate.
        has_aux: `func` returns `(output, aux)`; the new function then returns `(jacobian, aux)`.
        chunk_size: the number of rows to compute at once; by default all.

    Returns:
        Tensors of shape (*output.shape, *input.shape), in the structure of the output, and within
        it in that of the inputs.

    >>> import dlframe as dl
    >>> dl.func.jacrev(lambda x: x * x)(dl.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(f"jacrev: `chunk_size` should be greater than 0, got {chunk_size}")

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        by = "jacrev(f)(*args)"
        outer = grad_mode.get()
        with enable_grad():
            variables = Variables(chosen(by, args, argnums), by)
            out = func(*replaced(args, argnums, variables.nested()), **kwargs)
            y, aux = with_aux(by, out, has_aux)
            outputs, out_tree = nests.flatten(y)
            check_tensors(by, outputs)
            outside = outer and variables.reach_outside(outputs)
            rows = [_rows(output, variables, outside, chunk_size) for output in outputs]
            nested = nests.unflatten(rows, out_tree)
            return (nested, outward(aux, variables, outer)) if has_aux else nested

    return jacobian


def _rows(y: Any, variables: Variables, create_graph: bool, chunk_size: int | None) -> Any:
    """The derivatives of one output with respect to all variables."""
    found: list[list[Any]] = []
    n = y.array.size
    step = chunk_size or max(n, 1)
    for start in range(0, n, step) if y.needs_grad else ():
        basis = np.eye(n, dtype=y.array.dtype)[start : start + step]
        found.append(
            batched_gradients(
                [record.target_of(y)],
                [wrap(basis.reshape(len(basis), *y.array.shape))],
                variables.nodes,
                retain_graph=True,
                create_graph=create_graph,
            )
        )
    blocks = []
    for i, x in enumerate(variables.leaves):
        shape = (*y.array.shape, *x.array.shape)
        parts = [part[i] for part in found]
        if not parts or parts[0] is None:
            blocks.append(wrap(np.zeros(shape, x.array.dtype)))
        else:
            blocks.append(reshape(parts[0] if len(parts) == 1 else cat(parts), shape))
    return nests.unflatten(blocks, variables.tree)


def jacfwd(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    randomness: str = "error",
) -> Callable[..., Any]:
    """The function that computes the Jacobian column by column (forward mode); see `jacrev`.

    One pass computes all columns. This is best if there are fewer inputs than outputs.

    >>> import dlframe as dl
    >>> dl.func.jacfwd(lambda x: x * x)(dl.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        by = "jacfwd(f)(*args)"
        picked = chosen(by, args, argnums)
        primals = picked if isinstance(argnums, tuple) else (picked,)
        several = argnums if isinstance(argnums, tuple) else (argnums,)
        call = lambda *values: func(*replaced(args, several, values), **kwargs)
        outer = grad_mode.get()
        with enable_grad():
            forward = Forward(by, call, primals, has_aux, outer)
            columns = [_columns(forward, i) for i in range(len(forward.variables.leaves))]
        tree: Any = forward.variables.tree
        tree = tree if isinstance(argnums, tuple) else tree.branches[0]
        blocks = [
            nests.unflatten([column[k] for column in columns], tree)
            for k in range(len(forward.outputs))
        ]
        nested = nests.unflatten(blocks, forward.tree)
        return (nested, forward.aux) if has_aux else nested

    return jacobian


def _columns(forward: Forward, i: int) -> list[Any]:
    """The derivatives of all outputs with respect to the i-th variable."""
    x = forward.variables.leaves[i].array
    basis = wrap(np.eye(x.size, dtype=x.dtype).reshape(x.size, *x.shape))
    return [
        reshape(movedim(u, 0, -1), (*u.array.shape[1:], *x.shape))
        for u in forward.columns(i, basis)
    ]


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The function that computes the Hessian, ∂² output / ∂ input ∂ input.

    >>> import dlframe as dl
    >>> dl.func.hessian(lambda x: (x**3).sum())(dl.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    # reverse mode twice, since forward mode itself needs two passes
    return jacrev(jacrev(func, argnums), argnums)


__all__ = ["hessian", "jacfwd", "jacrev"]
