"""Derivatives of functions as functions: `grad`, and the products `vjp` and `jvp`.

Forward mode consists of two backward passes: Jᵀv is linear in v, and its derivative with respect
to v, in the direction u, is J u (Townsend, "A new trick for calculating Jacobian vector products",
2017).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from dlframe.autograd.batching import batched_gradients
from dlframe.autograd.func.arguments import (
    Argnums,
    check_like,
    check_scalar,
    check_tensors,
    chosen,
    replaced,
    with_aux,
)
from dlframe.autograd.func.variables import (
    Variables,
    gradients_of,
    or_zeros,
    outward,
    variable,
    zeros_of,
)
from dlframe.autograd.modes import enable_grad
from dlframe.base import nests
from dlframe.errors import GradientError
from dlframe.ops import record
from dlframe.ops.calling import wrap
from dlframe.ops.record import grad_mode

# --- gradients ---------------------------------------------------------------------------------


def grad(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """The function that computes the gradient of `func`, which returns one number.

    Args:
        func: returns a tensor with one element and no dimensions, or that and something else.
        argnums: the positional arguments with respect to which to differentiate; they may be
            nested containers.
        has_aux: `func` returns `(output, aux)`; the new function then returns `(gradient, aux)`.

    Raises:
        GradientError: arguments or a result that do not fit.

    >>> import dlframe as dl
    >>> sine = dl.func.grad(dl.sin)
    >>> sine(dl.tensor(0.0)), dl.func.grad(sine)(dl.tensor(0.0))
    (tensor(1.), tensor(-0.))
    >>> dl.func.grad(lambda p, x: (p["w"] * x + p["b"]).sum())(
    ...     {"w": dl.ones(2), "b": dl.zeros(2)}, dl.tensor([3.0, 4.0]))
    {'w': tensor([3., 4.]), 'b': tensor([1., 1.])}
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        gradients, value = both(*args, **kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return gradient


def grad_and_value(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """The function that computes both: `(gradient, value)`; see `grad`.

    With `has_aux` the value is the pair `(output, aux)`.

    >>> import dlframe as dl
    >>> dl.func.grad_and_value(lambda x: (x * x).sum())(dl.tensor([1.0, 2.0]))
    (tensor([2., 4.]), tensor(5.))
    """

    @functools.wraps(func)
    def both(*args: Any, **kwargs: Any) -> Any:
        by = "grad_and_value(f)(*args)"
        outer = grad_mode.get()
        with enable_grad():
            variables = Variables(chosen(by, args, argnums), by)
            out = func(*replaced(args, argnums, variables.nested()), **kwargs)
            y, aux = with_aux(by, out, has_aux)
            check_scalar(by, y)
            create_graph = outer and variables.reach_outside([y])
            gradients = gradients_of(
                [y],
                variables.nodes,
                [wrap(np.ones_like(y.array))],
                create_graph=create_graph,
                retain_graph=True,
            )
            nested = nests.unflatten(or_zeros(gradients, variables.leaves), variables.tree)
            value = outward((y, aux) if has_aux else y, variables, outer)
        return nested, value

    return both


def value_and_grad(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """`grad_and_value` in the other order, as in JAX: `(value, gradient)`.

    >>> import dlframe as dl
    >>> dl.func.value_and_grad(lambda x: (x * x).sum())(dl.tensor([1.0, 2.0]))
    (tensor(5.), tensor([2., 4.]))
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def swapped(*args: Any, **kwargs: Any) -> Any:
        gradients, value = both(*args, **kwargs)
        return value, gradients

    return swapped


# --- products with the Jacobian ----------------------------------------------------------------


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The value of `func`, and the function v ↦ vᵀ J.

    Returns:
        `(output, vjp_fn)`, or `(output, vjp_fn, aux)`. The argument of `vjp_fn` has the structure
        of the output; it returns a tuple with the gradient of each of `primals`.

    >>> import dlframe as dl
    >>> y, back = dl.func.vjp(dl.sin, dl.zeros(2))
    >>> back(dl.tensor([1.0, 2.0]))
    (tensor([1., 2.]),)
    """
    by = "vjp(f, *primals)"
    outer = grad_mode.get()
    with enable_grad():
        variables = Variables(primals, by)
        out, aux = with_aux(by, func(*variables.nested()), has_aux)
        outputs, out_tree = nests.flatten(out)
        check_tensors(by, outputs)
        outside = outer and variables.reach_outside(outputs)
        results = outward((out, aux), variables, outer)

    def back(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        starts, tree = nests.flatten(cotangents)
        if tree != out_tree:
            raise GradientError(
                "Expected pytree structure of cotangents to be the same as pytree structure of "
                f"outputs to the function. cotangents: {tree}, primal output: {out_tree}"
            )
        for y, g in zip(outputs, starts, strict=True):
            check_like("cotangent", g, y)
        recorded = grad_mode.get() and (outside or any(g.needs_grad for g in starts))
        recorded = recorded if create_graph is None else create_graph
        gradients = gradients_of(
            outputs, variables.nodes, starts, create_graph=recorded, retain_graph=retain_graph
        )
        return nests.unflatten(or_zeros(gradients, variables.leaves), variables.tree)

    return (results[0], back, results[1]) if has_aux else (results[0], back)


class Forward:
    """Forward mode by two backward passes: Jᵀv as a function of v, and its derivative."""

    def __init__(self, by: str, func: Callable[..., Any], primals: Any, has_aux: bool, outer: bool):
        self.variables = Variables(primals, by)
        out, aux = with_aux(by, func(*self.variables.nested()), has_aux)
        self.outputs, self.tree = nests.flatten(out)
        check_tensors(by, self.outputs)
        self.outside = outer and self.variables.reach_outside(self.outputs)
        self.result, self.aux = outward((out, aux), self.variables, outer)
        zeros = [zeros_of(y) for y in self.outputs]
        self.v = [variable(z, by) if z.array.dtype.kind == "f" else z for z in zeros]
        self.back = gradients_of(self.outputs, self.variables.nodes, self.v, create_graph=True)
        self.linear = [g is not None and g.needs_grad for g in self.back]

    def along(self, tangents: Sequence[Any], create_graph: bool) -> list[Any]:
        """J u for each output."""
        pairs = [(g, u) for g, u, ok in zip(self.back, tangents, self.linear, strict=True) if ok]
        nodes = [v.node for v in self.v if v.needs_grad]
        found = iter(
            gradients_of(
                [g for g, _ in pairs], nodes, [u for _, u in pairs], create_graph=create_graph
            )
        )
        got = [next(found) if v.needs_grad else None for v in self.v]
        return or_zeros(got, self.v)

    def columns(self, i: int, basis: Any) -> list[Any]:
        """J u for each output, for many u in the i-th input at once, counted by dimension 0."""
        n = basis.array.shape[0]
        nodes = [v.node for v in self.v if v.needs_grad]
        got: Iterator[Any] = iter([None] * len(nodes))
        if self.linear[i]:
            got = iter(
                batched_gradients(
                    [record.target_of(self.back[i])],
                    [basis],
                    nodes,
                    retain_graph=True,
                    create_graph=self.outside,
                )
            )
        found = [next(got) if v.needs_grad else None for v in self.v]
        return [
            wrap(np.zeros((n, *v.array.shape), v.array.dtype)) if g is None else g
            for g, v in zip(found, self.v, strict=True)
        ]


def jvp(
    func: Callable[..., Any],
    primals: Any,
    tangents: Any,
    *,
    strict: bool = False,
    has_aux: bool = False,
) -> Any:
    """The value of `func` at `primals`, and J u: how it changes in the direction `tangents`.

    Returns:
        `(output, jvp_out)`, or `(output, jvp_out, aux)`.

    >>> import dlframe as dl
    >>> dl.func.jvp(dl.sin, (dl.zeros(2),), (dl.tensor([1.0, 2.0]),))
    (tensor([0., 0.]), tensor([1., 2.]))
    """
    by = "jvp(f, primals, tangents)"
    if not isinstance(primals, tuple):
        raise GradientError(
            f"{by}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals)."
        )
    leaves, tree = nests.flatten(primals)
    directions, given = nests.flatten(tangents)
    if tree != given:
        raise GradientError(
            f"{by}: Expected primals and tangents to have the same python structure. For example, "
            "if primals is a tuple of 3 tensors, tangents also must be. Got primals with structure "
            f"{tree} and tangents with structure {given}"
        )
    if not leaves:
        raise GradientError(f"{by}: Expected primals to be non-empty")
    for x, u in zip(leaves, directions, strict=True):
        check_like("tangent", u, x)
    outer = grad_mode.get()
    with enable_grad():
        forward = Forward(by, func, primals, has_aux, outer)
        if strict and not any(forward.linear):
            raise GradientError(
                f"{by}, strict=True): The output of f is independent of the inputs. This is not "
                "allowed with strict=True."
            )
        recorded = outer and (forward.outside or any(u.needs_grad for u in directions))
        out = nests.unflatten(forward.along(directions, recorded), forward.tree)
    if has_aux:
        return forward.result, out, forward.aux
    return forward.result, out


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The value of `func`, and the function u ↦ J u at that point, for many directions.

    >>> import dlframe as dl
    >>> y, along = dl.func.linearize(dl.sin, dl.zeros(2))
    >>> along(dl.tensor([1.0, 2.0]))
    tensor([1., 2.])
    """
    by = "linearize(f, *primals)"
    outer = grad_mode.get()
    with enable_grad():
        forward = Forward(by, func, primals, False, outer)

    def along(*tangents: Any) -> Any:
        directions, given = nests.flatten(tangents)
        if given != forward.variables.tree:
            raise GradientError(
                "Expected the tangents to have the same argspec as the primals: "
                f"{forward.variables.tree}, got {given}"
            )
        for x, u in zip(forward.variables.leaves, directions, strict=True):
            check_like("tangent", u, x)
        recorded = grad_mode.get() and (forward.outside or any(u.needs_grad for u in directions))
        return nests.unflatten(forward.along(directions, recorded), forward.tree)

    return forward.result, along


__all__ = [
    "grad",
    "grad_and_value",
    "jvp",
    "linearize",
    "value_and_grad",
    "vjp",
]
