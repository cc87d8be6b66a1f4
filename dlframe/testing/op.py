"""What every differentiable function holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from dlframe.autograd import grad, no_grad
from dlframe.autograd.gradcheck import gradcheck, gradgradcheck
from dlframe.tensor import Tensor, to_array
from dlframe.testing.claims import (
    backward,
    claim,
    cotangents,
    fresh,
    is_float,
    name_of,
    require,
    require_same,
    seeded,
    strided,
    tensors_in,
    unchanged,
)


def check_op(
    function: Callable[..., Any],
    inputs: Sequence[Any],
    *,
    options: Mapping[str, Any] | None = None,
    reference: Callable[..., Any] | None = None,
    order: int = 2,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    seed: int = 0,
) -> None:
    """Check a differentiable function of tensors: an op, a Function's `apply`, any other.

    Its value is the reference's, if there is one; float32 stays float32 and float64 float64, in
    values and gradients; gradients agree with central differences, up to `order`, and are the
    same with and without `create_graph`; inputs are not written to, may have gaps in memory and
    may be read-only; without `requires_grad` and under `no_grad` nothing is recorded.

    Args:
        function: takes the inputs by position and the options by keyword.
        inputs: tensors, arrays and other things; gradients are checked for all floats among them.
        options: keyword arguments.
        reference: what the value should be, given the inputs as float64 arrays.
        order: how often it can be differentiated; 0 for a function without gradient.
        atol, rtol: the tolerance of the comparison with central differences.
        seed: of the random gradients, and of a function that draws random numbers.

    Raises:
        ConformanceError: with the first rule that does not hold.

    >>> from dlframe import ops, testing
    >>> testing.check_op(ops.exp, [np.array([0.5, -1.0])], reference=np.exp)
    >>> from dlframe.ops import elementwise
    >>> square = elementwise(lambda x: x * x, name="square", x=lambda g, x: g * x)
    >>> testing.check_op(square, [np.array([0.5, -1.0])])
    Traceback (most recent call last):
    dlframe.testing.claims.ConformanceError: square has the gradients of its values: ...
    """
    name = name_of(function)
    named = dict(options or {})

    def call(*args: Any) -> Any:
        return seeded(seed, lambda: function(*args, **named))

    _check_values(name, call, inputs, reference)
    _check_forms(name, call, inputs)
    _check_recording(name, call, inputs, order)
    if order > 0:
        _check_backward(name, call, inputs, seed)
        check_gradients(name, call, inputs, order=order, atol=atol, rtol=rtol, seed=seed)


def _check_values(
    name: str, call: Callable[..., Any], inputs: Sequence[Any], reference: Callable[..., Any] | None
) -> None:
    with claim(name, "returns a tensor, or several"):
        first = tensors_in(call(*fresh(inputs, np.float64)))
        require(first, f"it returned {type(call(*fresh(inputs, np.float64))).__name__}")
    with claim(name, "gives the same values when called again"):
        again = tensors_in(call(*fresh(inputs, np.float64)))
        for i, (a, b) in enumerate(zip(first, again, strict=True)):
            require_same(b, a, f"output {i}")
    if reference is not None:
        with claim(name, "has the values of its reference"):
            arrays = [
                to_array(x) if isinstance(x, Tensor) else x for x in fresh(inputs, np.float64)
            ]
            wanted = reference(*arrays)
            wanted = wanted if isinstance(wanted, (tuple, list)) else [wanted]
            for i, (a, b) in enumerate(zip(first, wanted, strict=True)):
                require_same(a, b, f"output {i}", rtol=1e-9, atol=1e-12)


def _check_forms(name: str, call: Callable[..., Any], inputs: Sequence[Any]) -> None:
    wanted = tensors_in(call(*fresh(inputs, np.float64)))
    with claim(name, "leaves its inputs as they are"):
        args = fresh(inputs, np.float64)
        with unchanged(args, "input"):
            call(*args)
    with claim(name, "takes inputs that are not contiguous"):
        got = tensors_in(call(*strided(fresh(inputs, np.float64))))
        for i, (a, b) in enumerate(zip(got, wanted, strict=True)):
            require_same(a, b, f"output {i}", rtol=1e-12, atol=1e-14)
    with claim(name, "takes inputs that are read-only"):
        args = fresh(inputs, np.float64)
        for x in args:
            if isinstance(x, Tensor):
                x.array.flags.writeable = False
        call(*args)
    for dtype in (np.float32, np.float64):
        with claim(name, f"gives {dtype.__name__} for {dtype.__name__}"):
            require_dtype(tensors_in(call(*fresh(inputs, dtype))), dtype, "output")


def require_dtype(tensors: Sequence[Tensor | None], dtype: Any, what: str) -> None:
    """Fail if a float tensor among them has another dtype."""
    for i, t in enumerate(tensors):
        if t is not None and t.dtype.kind == "f":
            require(t.dtype == dtype, f"{what} {i} is {t.dtype}")


def _check_recording(
    name: str, call: Callable[..., Any], inputs: Sequence[Any], order: int
) -> None:
    with claim(name, "records nothing unless an input requires grad"):
        outputs = tensors_in(call(*fresh(inputs)))
        require(not any(t.requires_grad for t in outputs), "an output requires grad")
        with no_grad():
            outputs = tensors_in(call(*fresh(inputs, requires_grad=True)))
        require(
            not any(t.requires_grad for t in outputs), "an output requires grad under no_grad()"
        )
    if order == 0:
        with claim(name, "has no gradient (order=0)"):
            outputs = tensors_in(call(*fresh(inputs, requires_grad=True)))
            require(not any(t.requires_grad for t in outputs), "an output requires grad")


def _check_backward(name: str, call: Callable[..., Any], inputs: Sequence[Any], seed: int) -> None:
    for dtype in (np.float32, np.float64):
        with claim(name, f"gives {dtype.__name__} gradients of its inputs' shapes"):
            args = fresh(inputs, dtype, requires_grad=True)
            floats = [x for x in args if is_float(x)]
            with unchanged(args, "in backward, input"):
                backward(tensors_in(call(*args)), seed)
            require_dtype([x.grad for x in floats], dtype, "the gradient of input")
            for i, x in enumerate(floats):
                if x.grad is not None:
                    require(
                        x.grad.shape == x.shape, f"input {i}{x.shape} has one of {x.grad.shape}"
                    )
    wanted = _gradients(call, fresh(inputs, np.float64, requires_grad=True), seed, recorded=False)
    with claim(name, "has the same gradients with create_graph=True"):
        args = fresh(inputs, np.float64, requires_grad=True)
        _require_equal(_gradients(call, args, seed, recorded=True), wanted)
    with claim(name, "has the same gradients for inputs that are not contiguous"):
        args = strided(fresh(inputs, np.float64, requires_grad=True))
        _require_equal(_gradients(call, args, seed, recorded=False), wanted)


def _gradients(
    call: Callable[..., Any], args: list[Any], seed: int, *, recorded: bool
) -> list[Any]:
    floats = [x for x in args if is_float(x)]
    outputs = [t for t in tensors_in(call(*args)) if t.requires_grad]
    starts = cotangents(outputs, seed)
    return list(grad(outputs, floats, starts, create_graph=recorded, allow_unused=True))


def _require_equal(got: list[Any], wanted: list[Any]) -> None:
    for i, (a, b) in enumerate(zip(got, wanted, strict=True)):
        require((a is None) == (b is None), f"input {i} has a gradient in one case only")
        if a is not None:
            require_same(a.detach(), b, f"the gradient of input {i}", rtol=1e-9, atol=1e-12)


def check_gradients(
    name: str,
    call: Callable[..., Any],
    inputs: Sequence[Any],
    *,
    order: int,
    atol: float,
    rtol: float,
    seed: int,
) -> None:
    """Compare gradients (and, for order 2, theirs) with central differences, along random lines."""
    options: dict[str, Any] = {"atol": atol, "rtol": rtol, "fast_mode": True, "seed": seed}
    args = fresh(inputs, np.float64, requires_grad=True)
    with claim(name, "has the gradients of its values"):
        require(any(is_float(x) for x in args), "no input is of floats; is it order=0?")
        gradcheck(call, args, **options)
    if order > 1:
        with claim(name, "has second derivatives of its values"):
            gradgradcheck(call, args, **options)
