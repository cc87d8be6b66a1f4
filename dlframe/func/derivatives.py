"""Derivatives of functions as functions: `grad`, `vjp`, `jvp`, the Jacobians and the Hessian.

Each call wraps the inputs it differentiates by in variables of its own, so that calls nest: a
derivative inside of another one sees the outer one's variables as part of the graph, and is itself
recorded for it. Forward mode is two backward passes: Jᵀv is linear in v, and its own derivative by
v, in the direction u, is J u (Townsend, "A new trick for calculating Jacobian vector products",
2017).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from dlframe.autograd.batching import batched_gradients, entry_node
from dlframe.autograd.engine import run_backward
from dlframe.errors import DTypeError, GradientError, ShapeError
from dlframe.func import trees
from dlframe.functions import cat, movedim, reshape
from dlframe.ops import record
from dlframe.ops.calling import wrap
from dlframe.ops.op import cast
from dlframe.ops.record import Node, TensorBase, grad_mode

Argnums = int | tuple[int, ...]


# --- variables ---------------------------------------------------------------------------------


class _Variables:
    """The inputs of one derivative, each with a node of its own between it and its past."""

    def __init__(self, values: Any, by: str):
        leaves, self.tree = trees.flatten(values)
        self.leaves = [_variable(x, by) for x in leaves]
        self.nodes: list[Node] = [x.node for x in self.leaves]

    def nested(self) -> Any:
        return trees.unflatten(self.leaves, self.tree)

    def reach_outside(self, tensors: Iterable[Any]) -> bool:
        """Whether `tensors` depend on anything that an outer derivative may ask for."""
        own = set(self.nodes)
        seen: set[Any] = set()
        stack = [record.target_of(x) for x in tensors if x.needs_grad]
        while stack:
            target = stack.pop()
            if target is None or target in seen:
                continue
            seen.add(target)
            if target.__class__ is not Node:
                return True
            if target.op is _VARIABLE and target not in own and target.targets[0] is None:
                return True  # a variable of an outer derivative
            stack.extend(target.targets)
        return False


_VARIABLE = entry_node().op


def _variable(x: Any, by: str) -> Any:
    """The tensor `x`, as a result of a node that leads to where `x` came from."""
    if not isinstance(x, TensorBase):
        raise TypeError(f"{by}: Expected all inputs to be Tensors, got {type(x).__name__}")
    if x.array.dtype.kind != "f":
        raise DTypeError(
            f"{by}: only Tensors of floating point dtype can be differentiated by, got "
            f"{x.array.dtype}"
        )
    variable = wrap(x.array)
    node = entry_node()
    if x.needs_grad:
        node.targets = (record.target_of(x),)
    variable.node, variable.needs_grad = node, True
    return variable


@contextmanager
def _recording() -> Iterator[bool]:
    """Record in this block; gives whether it was so outside."""
    token = grad_mode.set(True)
    try:
        yield token.old_value if isinstance(token.old_value, bool) else True
    finally:
        grad_mode.reset(token)


def _outward(value: Any, variables: _Variables, outer: bool) -> Any:
    """Results as the caller may have them: with a graph only if it leads beyond the variables."""

    def released(x: Any) -> Any:
        if not isinstance(x, TensorBase) or not x.needs_grad:
            return x
        return x if outer and variables.reach_outside([x]) else x.detach()  # type: ignore[attr-defined]

    return trees.map_tree(released, value)


def _gradients(
    outputs: Sequence[Any],
    nodes: Sequence[Any],
    starts: Sequence[Any],
    *,
    create_graph: bool,
    retain_graph: bool = True,
) -> list[Any]:
    """Per node a tensor, or None; outputs without a graph count nothing."""
    pairs = [
        (y, g if g.array.dtype == y.array.dtype else cast(g, dtype=y.array.dtype))
        for y, g in zip(outputs, starts, strict=True)
        if y.needs_grad
    ]
    found = run_backward(
        [record.target_of(y) for y, _ in pairs],
        [g if create_graph else g.array for _, g in pairs],
        retain_graph=retain_graph,
        create_graph=create_graph,
        inputs=nodes,
    )
    got = [found.get(node) for node in nodes]
    return [g if g is None or isinstance(g, TensorBase) else wrap(g) for g in got]


def _or_zeros(gradients: Sequence[Any], like: Sequence[Any]) -> list[Any]:
    return [
        wrap(np.zeros_like(x.array)) if g is None else g
        for g, x in zip(gradients, like, strict=True)
    ]


# --- arguments ---------------------------------------------------------------------------------


def _chosen(by: str, args: tuple[Any, ...], argnums: Any) -> Any:
    """The arguments to differentiate by: one, or a tuple of them."""
    if not isinstance(argnums, (int, tuple)):
        raise GradientError(f"{by}: argnum should be int or Tuple[int], got: {type(argnums)}")
    several = argnums if isinstance(argnums, tuple) else (argnums,)
    if not several:
        raise GradientError(f"{by}: argnums must be non-empty")
    for i in several:
        if not -len(args) <= i < len(args):
            raise GradientError(f"{by}: Got argnum={i}, but only {len(args)} positional inputs")
    if len({i % len(args) for i in several}) < len(several):
        raise GradientError(f"{by}: argnums elements must be unique, got {argnums}")
    picked = tuple(args[i] for i in several)
    return picked if isinstance(argnums, tuple) else picked[0]


def _replaced(args: tuple[Any, ...], argnums: Argnums, values: Any) -> list[Any]:
    new = list(args)
    several = argnums if isinstance(argnums, tuple) else (argnums,)
    for i, value in zip(several, values if isinstance(argnums, tuple) else (values,), strict=True):
        new[i] = value
    return new


def _with_aux(by: str, out: Any, has_aux: bool) -> tuple[Any, Any]:
    if not has_aux:
        return out, None
    if not (isinstance(out, tuple) and len(out) == 2):
        raise GradientError(
            f"{by}: output of function f should be a tuple: (output, aux) if has_aux is True"
        )
    return out


def _check_tensors(by: str, outputs: Sequence[Any]) -> None:
    for y in outputs:
        if not isinstance(y, TensorBase):
            raise GradientError(
                f"{by}: Expected f to return only tensors, got unsupported type {type(y)}"
            )


# --- gradients ---------------------------------------------------------------------------------


def grad(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """The function that computes the gradient of `func`, which returns one number.

    Args:
        func: returns a tensor with one element and no dimensions, or that and something else.
        argnums: which positional arguments to differentiate by; these may be nested containers.
        has_aux: `func` returns ``(output, aux)``; the gradient then comes as ``(gradient, aux)``.

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
    """The function that computes both: ``(gradient, value)``; see `grad`.

    With `has_aux` the value is the pair ``(output, aux)``.

    >>> import dlframe as dl
    >>> dl.func.grad_and_value(lambda x: (x * x).sum())(dl.tensor([1.0, 2.0]))
    (tensor([2., 4.]), tensor(5.))
    """

    @functools.wraps(func)
    def both(*args: Any, **kwargs: Any) -> Any:
        by = "grad_and_value(f)(*args)"
        with _recording() as outer:
            variables = _Variables(_chosen(by, args, argnums), by)
            out = func(*_replaced(args, argnums, variables.nested()), **kwargs)
            y, aux = _with_aux(by, out, has_aux)
            _check_scalar(by, y)
            create_graph = outer and variables.reach_outside([y])
            gradients = _gradients(
                [y],
                variables.nodes,
                [wrap(np.ones_like(y.array))],
                create_graph=create_graph,
                retain_graph=True,
            )
            nested = trees.unflatten(_or_zeros(gradients, variables.leaves), variables.tree)
            value = _outward((y, aux) if has_aux else y, variables, outer)
        return nested, value

    return both


def value_and_grad(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """`grad_and_value` the other way round, as JAX has it: ``(value, gradient)``.

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


def _check_scalar(by: str, y: Any) -> None:
    if not isinstance(y, TensorBase):
        raise GradientError(
            f"{by}: Expected f(*args) to return a scalar tensor, got {type(y).__name__}; if it "
            "returns more than that, (output, aux), pass has_aux=True"
        )
    if y.array.ndim:
        raise ShapeError(
            f"{by}: Expected f(*args) to return a scalar tensor, got tensor with {y.array.ndim} "
            "dims. Maybe you'd like to use the vjp or jacrev APIs instead?"
        )


# --- products with the Jacobian ----------------------------------------------------------------


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The value of `func`, and the function v ↦ vᵀ J that goes back through it.

    Returns:
        ``(output, vjp_fn)``, or ``(output, vjp_fn, aux)``. ``vjp_fn`` takes what has the structure
        of the output, and returns a tuple: for each of `primals` its gradient.

    >>> import dlframe as dl
    >>> y, back = dl.func.vjp(dl.sin, dl.zeros(2))
    >>> back(dl.tensor([1.0, 2.0]))
    (tensor([1., 2.]),)
    """
    by = "vjp(f, *primals)"
    with _recording() as outer:
        variables = _Variables(primals, by)
        out, aux = _with_aux(by, func(*variables.nested()), has_aux)
        outputs, out_tree = trees.flatten(out)
        _check_tensors(by, outputs)
        outside = outer and variables.reach_outside(outputs)
        results = _outward((out, aux), variables, outer)

    def back(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        starts, tree = trees.flatten(cotangents)
        if tree != out_tree:
            raise GradientError(
                "Expected pytree structure of cotangents to be the same as pytree structure of "
                f"outputs to the function. cotangents: {tree}, primal output: {out_tree}"
            )
        for y, g in zip(outputs, starts, strict=True):
            _check_like("cotangent", g, y)
        recorded = grad_mode.get() and (outside or any(g.needs_grad for g in starts))
        recorded = recorded if create_graph is None else create_graph
        gradients = _gradients(
            outputs, variables.nodes, starts, create_graph=recorded, retain_graph=retain_graph
        )
        return trees.unflatten(_or_zeros(gradients, variables.leaves), variables.tree)

    return (results[0], back, results[1]) if has_aux else (results[0], back)


def _check_like(what: str, g: Any, y: Any) -> None:
    if not isinstance(g, TensorBase):
        raise GradientError(f"each {what} must be a Tensor, got {type(g).__name__}")
    if g.array.shape != y.array.shape:
        raise ShapeError(
            f"the {what} has shape {list(g.array.shape)}, what it belongs to "
            f"{list(y.array.shape)}; they must be the same"
        )


class _Forward:
    """Forward mode, by two passes back: Jᵀv as a function of v, and its derivative by v."""

    def __init__(self, by: str, func: Callable[..., Any], primals: Any, has_aux: bool, outer: bool):
        self.variables = _Variables(primals, by)
        out, aux = _with_aux(by, func(*self.variables.nested()), has_aux)
        self.outputs, self.tree = trees.flatten(out)
        _check_tensors(by, self.outputs)
        self.outside = outer and self.variables.reach_outside(self.outputs)
        self.result, self.aux = _outward((out, aux), self.variables, outer)
        zeros = [wrap(np.zeros_like(y.array)) for y in self.outputs]
        self.v = [_variable(z, by) if z.array.dtype.kind == "f" else z for z in zeros]
        self.back = _gradients(self.outputs, self.variables.nodes, self.v, create_graph=True)
        self.linear = [g is not None and g.needs_grad for g in self.back]

    def along(self, tangents: Sequence[Any], create_graph: bool) -> list[Any]:
        """J u for each output."""
        pairs = [(g, u) for g, u, ok in zip(self.back, tangents, self.linear, strict=True) if ok]
        nodes = [v.node for v in self.v if v.needs_grad]
        found = iter(
            _gradients(
                [g for g, _ in pairs], nodes, [u for _, u in pairs], create_graph=create_graph
            )
        )
        got = [next(found) if v.needs_grad else None for v in self.v]
        return _or_zeros(got, self.v)

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
        ``(output, jvp_out)``, or ``(output, jvp_out, aux)``.

    >>> import dlframe as dl
    >>> dl.func.jvp(dl.sin, (dl.zeros(2),), (dl.tensor([1.0, 2.0]),))
    (tensor([0., 0.]), tensor([1., 2.]))
    """
    by = "jvp(f, primals, tangents)"
    if not isinstance(primals, tuple):
        raise GradientError(
            f"{by}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals)."
        )
    leaves, tree = trees.flatten(primals)
    directions, given = trees.flatten(tangents)
    if tree != given:
        raise GradientError(
            f"{by}: Expected primals and tangents to have the same python structure. For example, "
            "if primals is a tuple of 3 tensors, tangents also must be. Got primals with structure "
            f"{tree} and tangents with structure {given}"
        )
    if not leaves:
        raise GradientError(f"{by}: Expected primals to be non-empty")
    for x, u in zip(leaves, directions, strict=True):
        _check_like("tangent", u, x)
    with _recording() as outer:
        forward = _Forward(by, func, primals, has_aux, outer)
        if strict and not any(forward.linear):
            raise GradientError(
                f"{by}, strict=True): The output of f is independent of the inputs. This is not "
                "allowed with strict=True."
            )
        recorded = outer and (forward.outside or any(u.needs_grad for u in directions))
        out = trees.unflatten(forward.along(directions, recorded), forward.tree)
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
    with _recording() as outer:
        forward = _Forward(by, func, primals, False, outer)

    def along(*tangents: Any) -> Any:
        directions, given = trees.flatten(tangents)
        if given != forward.variables.tree:
            raise GradientError(
                "Expected the tangents to have the same argspec as the primals: "
                f"{forward.variables.tree}, got {given}"
            )
        for x, u in zip(forward.variables.leaves, directions, strict=True):
            _check_like("tangent", u, x)
        recorded = grad_mode.get() and (forward.outside or any(u.needs_grad for u in directions))
        return trees.unflatten(forward.along(directions, recorded), forward.tree)

    return forward.result, along


# --- Jacobians ---------------------------------------------------------------------------------


def jacrev(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:
    """The function that computes the Jacobian, ∂ output / ∂ input, row by row (reverse mode).

    All rows go back through the graph in one pass. Best where there are fewer outputs than inputs.

    Args:
        func: returns a tensor, or a container of them.
        argnums: which positional arguments to differentiate by.
        has_aux: `func` returns ``(output, aux)``; the Jacobian then comes as ``(jacobian, aux)``.
        chunk_size: how many rows to compute at once; by default all.

    Returns:
        Of the structure of the output, and in it that of the inputs: tensors of shape
        (*output.shape, *input.shape).

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
        with _recording() as outer:
            variables = _Variables(_chosen(by, args, argnums), by)
            out = func(*_replaced(args, argnums, variables.nested()), **kwargs)
            y, aux = _with_aux(by, out, has_aux)
            outputs, out_tree = trees.flatten(y)
            _check_tensors(by, outputs)
            outside = outer and variables.reach_outside(outputs)
            rows = [_rows(output, variables, outside, chunk_size) for output in outputs]
            nested = trees.unflatten(rows, out_tree)
            return (nested, _outward(aux, variables, outer)) if has_aux else nested

    return jacobian


def _rows(y: Any, variables: _Variables, create_graph: bool, chunk_size: int | None) -> Any:
    """The derivatives of one output by all variables."""
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
    return trees.unflatten(blocks, variables.tree)


def jacfwd(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    randomness: str = "error",
) -> Callable[..., Any]:
    """The function that computes the Jacobian column by column (forward mode); see `jacrev`.

    All columns go through the graph in one pass. Best where there are fewer inputs than outputs.

    >>> import dlframe as dl
    >>> dl.func.jacfwd(lambda x: x * x)(dl.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        by = "jacfwd(f)(*args)"
        chosen = _chosen(by, args, argnums)
        primals = chosen if isinstance(argnums, tuple) else (chosen,)
        several = argnums if isinstance(argnums, tuple) else (argnums,)
        call = lambda *values: func(*_replaced(args, several, values), **kwargs)
        with _recording() as outer:
            forward = _Forward(by, call, primals, has_aux, outer)
            columns = [_columns(forward, i) for i in range(len(forward.variables.leaves))]
        tree: Any = forward.variables.tree
        tree = tree if isinstance(argnums, tuple) else tree.branches[0]
        blocks = [
            trees.unflatten([column[k] for column in columns], tree)
            for k in range(len(forward.outputs))
        ]
        nested = trees.unflatten(blocks, forward.tree)
        return (nested, forward.aux) if has_aux else nested

    return jacobian


def _columns(forward: _Forward, i: int) -> list[Any]:
    """The derivatives of all outputs by the i-th variable."""
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
    # twice backward: forward mode would take two passes itself
    return jacrev(jacrev(func, argnums), argnums)


__all__ = [
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "value_and_grad",
    "vjp",
]
