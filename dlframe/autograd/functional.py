"""Products with Jacobians and Hessians, and these themselves, of a function at a point.

`dlframe.func` has the same as functions of functions; here each call takes the function and its
inputs. Jᵀv is one pass back. J v is two: Jᵀu is linear in u, and its own derivative by u, applied
to v, is J v. The Hessian H of a number is the Jacobian of its gradient, so vᵀH is one pass back
through the gradient, and H v the same with the trick above.

An input that the result does not depend on has a derivative of zeros, unless `strict` is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from dlframe.autograd.backward import grad
from dlframe.autograd.batching import batched_gradients
from dlframe.errors import ArgumentError, GradientError, ShapeError
from dlframe.ops.calling import wrap
from dlframe.ops.record import TensorBase, grad_mode, target_of
from dlframe.ops.shape import reshape, stack

Tensors = Any  # a tensor, or a tuple of them
Function = Callable[..., Any]


class StrategyError(ArgumentError, AssertionError):
    """An unknown strategy; for PyTorch that is an AssertionError."""


_INDEPENDENT = "This is not allowed in strict mode."


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
        v: of the structure of the output; not needed where that is one number.
        create_graph: record the computation, for further derivatives.
        strict: raise where an output does not depend on an input, in place of zeros.

    >>> import dlframe as dl
    >>> dl.autograd.functional.vjp(lambda x: x * x, dl.tensor([1.0, 2.0]), dl.tensor([1.0, 10.0]))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    with _grad(True):
        xs, one_input = _inputs(inputs, "vjp", create_graph)
        outputs, one_output = _tuple(func(*xs), "outputs of the user-provided function", "vjp")
        _check_recorded(outputs, "outputs", strict)
        given = _vector(v, outputs, create_graph, _NEEDS_V_OUTPUT, "vjp")
    with _grad(create_graph or grad_mode.get()):
        found = _grads(outputs, xs, given, create_graph)
        products = _filled(found, xs, strict, create_graph, "back")
    return _given(outputs, one_output, create_graph), _given(products, one_input, create_graph)


def jvp(
    func: Function,
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The value of `func`, and J v: per output a tensor of its shape; see `vjp`.

    `v` has the structure of the inputs; it is not needed where these are one number.

    >>> import dlframe as dl
    >>> dl.autograd.functional.jvp(lambda x: x.sum() * x, dl.ones(2), dl.tensor([1.0, 0.0]))
    (tensor([2., 2.]), tensor([3., 1.]))
    """
    with _grad(True):
        xs, _ = _inputs(inputs, "jvp", create_graph)
        given = _vector(v, xs, create_graph, _NEEDS_V_INPUT, "jvp")
        outputs, one_output = _tuple(func(*xs), "outputs of the user-provided function", "jvp")
        _check_recorded(outputs, "outputs", strict)
        u = _zeros_to_differentiate(outputs)
        back = _grads(outputs, xs, u, create_graph=True)
        _check_recorded(back, "grad_inputs", strict)
    with _grad(create_graph or grad_mode.get()):
        found = _grads(back, u, given, create_graph)
        products = _filled(found, outputs, strict, create_graph, "back_trick")
    return _given(outputs, one_output, create_graph), _given(products, one_output, create_graph)


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
        strict: raise where an output does not depend on an input, in place of zeros.
        vectorize: compute all rows in one pass back, and not one after the other.
        strategy: "reverse-mode" goes row by row, "forward-mode" column by column (with `vectorize`
            only): better where there are fewer inputs than outputs.

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
    with _grad(True):
        xs, one_input = _inputs(inputs, "jacobian", create_graph)
        outputs, one_output = _tuple(func(*xs), "outputs of the user-provided function", "jacobian")
        _check_recorded(outputs, "outputs", strict)
        if vectorize and strict:
            raise GradientError(
                "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not "
                "supported together. Please either set `strict=False` or `vectorize=False`."
            )
        rows = _rows_at_once if vectorize else _rows_one_by_one
        blocks = [
            _released(rows(y, i, xs, create_graph, strict), create_graph)
            for i, y in enumerate(outputs)
        ]
    return _nested(blocks, one_output, one_input)


def hessian(
    func: Function,
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The Hessian of `func`, which returns one number: per pair of inputs a tensor.

    ``hessian(f, (x, y))[i][j]`` has the shape (*input i, *input j). The arguments are those of
    `jacobian`, which is applied twice; `outer_jacobian_strategy` is that of the second time.

    >>> import dlframe as dl
    >>> dl.autograd.functional.hessian(lambda x: (x**3).sum(), dl.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise StrategyError('Expected strategy to be either "forward-mode" or "reverse-mode".')
    one_input = not isinstance(inputs, tuple)

    def one_number(*xs: Any) -> Any:
        return reshape(_one_number(func(*xs), "hessian", strict), shape=())

    def gradient(*xs: Any) -> Any:
        found = jacobian(one_number, xs, create_graph=True)
        _check_recorded(found, "jacobian", strict)
        return found

    blocks = jacobian(
        gradient,
        inputs if isinstance(inputs, tuple) else _tuple(inputs, "inputs", "hessian")[0],
        create_graph=create_graph,
        strict=strict,
        vectorize=vectorize,
        strategy=outer_jacobian_strategy,
    )
    return _nested(blocks, one_input, one_input)


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
    with _grad(True):
        xs, one_input = _inputs(inputs, "vhp", create_graph)
        given = _vector(v, xs, create_graph, _NEEDS_V_INPUT, "vhp")
        y = _one_number(func(*xs), "vhp", strict)
        gradient = _grads((y,), xs, (None,), create_graph=True)
        _check_recorded(gradient, "jacobian", strict)
    with _grad(create_graph or grad_mode.get()):
        found = _grads(gradient, xs, given, create_graph)
        products = _filled(found, xs, strict, create_graph, "double_back")
    return _given((y,), True, create_graph), _given(products, one_input, create_graph)


def hvp(
    func: Function,
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The value of `func`, which returns one number, and H v with its Hessian H; see `vjp`.

    H is symmetric, so this is what `vhp` gives with one pass less; prefer that one.

    >>> import dlframe as dl
    >>> dl.autograd.functional.hvp(lambda x: (x**3).sum(), dl.ones(2), dl.tensor([1.0, 2.0]))
    (tensor(2.), tensor([ 6., 12.]))
    """
    with _grad(True):
        xs, one_input = _inputs(inputs, "hvp", create_graph)
        given = _vector(v, xs, create_graph, _NEEDS_V_INPUT, "hvp")
        y = _one_number(func(*xs), "hvp", strict)
        gradient = _grads((y,), xs, (None,), create_graph=True)
        _check_recorded(gradient, "jacobian", strict)
        u = _zeros_to_differentiate(xs)
        back = _grads(gradient, xs, u, create_graph=True)
        _check_recorded(back, "hessian", strict)
    with _grad(create_graph or grad_mode.get()):
        found = _grads(back, u, given, create_graph)
        products = _filled(found, xs, strict, create_graph, "double_back_trick")
    return _given((y,), True, create_graph), _given(products, one_input, create_graph)


# --- Jacobians ---------------------------------------------------------------------------------


def _rows_one_by_one(y: Any, i: int, xs: Any, create_graph: bool, strict: bool) -> list[Any]:
    rows: list[list[Any]] = [[] for _ in xs]
    flat = reshape(y, shape=(-1,)) if y.array.size else y
    for j in range(y.array.size):
        found = _grads((flat[j],), xs, (None,), create_graph, retain_graph=True)
        for k, g in enumerate(found):
            if g is None and strict:
                raise GradientError(
                    f"Output {i} of the user-provided function is independent of input {k}. "
                    f"{_INDEPENDENT}"
                )
            if g is not None and strict and create_graph and not g.needs_grad:
                raise GradientError(
                    "The jacobian of the user-provided function is independent of input "
                    f"{k}. This is not allowed in strict mode when create_graph=True."
                )
            rows[k].append(_zeros(xs[k]) if g is None else g)
    return [
        reshape(stack(*r), shape=(*y.array.shape, *x.array.shape))
        if r
        else wrap(np.zeros((*y.array.shape, *x.array.shape), y.array.dtype))
        for r, x in zip(rows, xs, strict=True)
    ]


def _rows_at_once(y: Any, i: int, xs: Any, create_graph: bool, strict: bool) -> list[Any]:
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
    from dlframe.func.jacobians import jacfwd  # on first use: it stands on this package

    xs, one_input = _tuple(inputs, "inputs", "jacobian")
    one_output = [False]

    def as_tuple(*values: Any) -> Any:
        outputs, one_output[0] = _tuple(
            func(*values), "outputs of the user-provided function", "jacobian"
        )
        return outputs

    by_output = jacfwd(as_tuple, argnums=tuple(range(len(xs))))(*[x.detach() for x in xs])
    blocks = [_released(block, False) for block in by_output]
    return _nested(blocks, one_output[0], one_input)


# --- inputs and outputs ------------------------------------------------------------------------

_NEEDS_V_OUTPUT = (
    "The vector v can only be None if the user-provided function returns a single Tensor with a "
    "single element."
)
_NEEDS_V_INPUT = (
    "The vector v can only be None if the input to the user-provided function is a single Tensor "
    "with a single element."
)


@contextmanager
def _grad(enabled: bool) -> Iterator[None]:
    token = grad_mode.set(enabled)
    try:
        yield
    finally:
        grad_mode.reset(token)


def _tuple(value: Any, what: str, by: str) -> tuple[tuple[Any, ...], bool]:
    """`value` as a tuple, and whether it was a single tensor."""
    one = not isinstance(value, tuple)
    values = (value,) if one else value
    for i, x in enumerate(values):
        if not isinstance(x, TensorBase):
            where = f"given {what} has type" if one else f"value at index {i} has type"
            raise TypeError(
                f"The {what} given to {by} must be either a Tensor or a tuple of Tensors but the "
                f"{where} {type(x)}."
            )
    return values, one


def _inputs(inputs: Any, by: str, create_graph: bool) -> tuple[tuple[Any, ...], bool]:
    """The inputs to differentiate by: tensors of their own, linked to the old ones if wanted."""
    xs, one = _tuple(inputs, "inputs", by)
    return tuple([_own(x, create_graph, True) for x in xs]), one


def _own(x: Any, create_graph: bool, needs_grad: bool) -> Any:
    if create_graph and x.needs_grad:
        return x.view_as(x)
    new = x.detach()
    return new.requires_grad_(needs_grad)


def _vector(
    v: Any, like: Sequence[Any], create_graph: bool, missing: str, by: str
) -> tuple[Any, ...]:
    if v is None:
        if len(like) != 1 or like[0].array.size != 1:
            raise GradientError(missing)
        return (wrap(np.ones_like(like[0].array)),)
    vs, _ = _tuple(v, "v", by)
    if len(vs) != len(like):
        if len(like) == 1:
            raise GradientError("The given v should contain a single Tensor.")
        raise GradientError(
            f"v is a tuple of invalid length: should be {len(like)} but got {len(vs)}."
        )
    for i, (u, x) in enumerate(zip(vs, like, strict=True)):
        if u.array.shape != x.array.shape:
            prepend = f"Entry {i} in " if len(like) > 1 else ""
            raise ShapeError(
                f"{prepend}v has invalid size: should be {list(x.array.shape)} but got "
                f"{list(u.array.shape)}."
            )
    return tuple([_own(u, create_graph, False) for u in vs])


def _one_number(out: Any, by: str, strict: bool) -> Any:
    outputs, one = _tuple(out, "outputs of the user-provided function", by)
    _check_recorded(outputs, "outputs", strict)
    if not one:
        raise GradientError(f"The function given to {by} should return a single Tensor")
    if outputs[0].array.size != 1:
        raise ShapeError(
            f"The Tensor returned by the function given to {by} should contain a single element"
        )
    return outputs[0]


def _zeros(x: Any) -> Any:
    return wrap(np.zeros_like(x.array))


def _zeros_to_differentiate(like: Sequence[Any]) -> tuple[Any, ...]:
    return tuple([_zeros(x).requires_grad_() for x in like])


def _grads(
    outputs: Sequence[Any],
    inputs: Sequence[Any],
    starts: Sequence[Any],
    create_graph: bool = False,
    retain_graph: bool | None = None,
) -> tuple[Any, ...]:
    """`grad`, where outputs without a graph count nothing."""
    pairs = [(y, g) for y, g in zip(outputs, starts, strict=True) if y is not None and y.needs_grad]
    if not pairs:
        return (None,) * len(inputs)
    return grad(
        [y for y, _ in pairs],
        inputs,
        [g for _, g in pairs],
        allow_unused=True,
        create_graph=create_graph,
        retain_graph=retain_graph,
    )


# --- strict mode -------------------------------------------------------------------------------

_NO_GRADIENT = {
    "back": f"The output of the user-provided function is independent of input {{i}}. "
    f"{_INDEPENDENT}",
    "back_trick": "The gradient with respect to the input is independent of entry {i} in the "
    "grad_outputs when using the double backward trick to compute forward mode gradients. "
    f"{_INDEPENDENT}",
    "double_back": "The jacobian of the user-provided function is independent of input {i}. "
    f"{_INDEPENDENT}",
    "double_back_trick": "The hessian of the user-provided function is independent of entry {i} in "
    "the grad_jacobian. This is not allowed in strict mode as it prevents from using the double "
    "backward trick to replace forward mode AD.",
}

_NOT_RECORDED = {
    "hessian": "The hessian of the user-provided function with respect to input {i} is independent "
    "of the input. This is not allowed in strict mode. You should ensure that your function is "
    "thrice differentiable and that the hessian depends on the inputs.",
    "jacobian": "While computing the hessian, found that the jacobian of the user-provided "
    "function with respect to input {i} is independent of the input. This is not allowed in strict "
    "mode. You should ensure that your function is twice differentiable and that the jacobian "
    "depends on the inputs (this would be violated by a linear function for example).",
    "grad_inputs": "The gradient with respect to input {i} is independent of the inputs of the "
    f"user-provided function. {_INDEPENDENT}",
    "outputs": "Output {i} of the user-provided function does not require gradients. The outputs "
    "must be computed in a differentiable manner from the input when running in strict mode.",
}


def _check_recorded(tensors: Sequence[Any], kind: str, strict: bool) -> None:
    for i, x in enumerate(tensors if strict else ()):
        if x is None:
            raise GradientError(
                f"The output of the user-provided function is independent of input {i}. "
                f"{_INDEPENDENT}"
            )
        if not x.needs_grad:
            raise GradientError(_NOT_RECORDED[kind].format(i=i))


def _filled(
    grads: Sequence[Any], like: Sequence[Any], strict: bool, create_graph: bool, stage: str
) -> tuple[Any, ...]:
    """Zeros where there is no gradient; in strict mode an error."""
    filled = []
    for i, (g, x) in enumerate(zip(grads, like, strict=True)):
        if g is None and strict:
            raise GradientError(_NO_GRADIENT[stage].format(i=i))
        if g is not None and strict and create_graph and not g.needs_grad:
            what = "hessian" if "double" in stage else "jacobian"
            raise GradientError(
                f"The {what} of the user-provided function is independent of input {i}. This is "
                "not allowed in strict mode when create_graph=True."
            )
        filled.append(_zeros(x) if g is None else g)
    return tuple(filled)


# --- results -----------------------------------------------------------------------------------


def _released(tensors: Sequence[Any], create_graph: bool) -> tuple[Any, ...]:
    return tuple(tensors) if create_graph else tuple([x.detach() for x in tensors])


def _given(tensors: Sequence[Any], one: bool, create_graph: bool) -> Any:
    results = _released(tensors, create_graph)
    return results[0] if one else results


def _nested(blocks: Sequence[Any], one_output: bool, one_input: bool) -> Any:
    """Blocks per output and input, without the tuples that stand for a single one."""
    by_output = tuple([block[0] if one_input else block for block in blocks])
    return by_output[0] if one_output else by_output


__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]
