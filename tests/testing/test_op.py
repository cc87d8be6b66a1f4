"""check_op accepts operations that conform; each of its claims is broken by one here."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from samples.broken import (
    KIT,
    BrokenObjects,
    by_memory,
    claims,
    contiguous,
    noise,
    written,
    written_and_restored,
)

import dlframe as dl
from dlframe import nn, ops, testing
from dlframe.autograd import Function
from dlframe.ops import elementwise, op

BROKEN = BrokenObjects()
breaks = BROKEN.breaks
X = np.array([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]])


@pytest.mark.parametrize(
    ("function", "inputs", "options", "order"),
    [
        (ops.exp, [X], {}, 2),
        (ops.multiply, [X, X[0]], {}, 2),
        (ops.sum, [X], {"axis": 0, "keepdims": True}, 2),
        (ops.argmax, [X], {"axis": 1}, 0),
        (dl.nn.functional.dropout, [X], {"p": 0.5}, 2),
        (lambda x: (x[0], x[1:] * 2), [X], {}, 2),
        (ops.take, [X, np.array([0, 1])], {"axis": 1}, 2),
        (np.linalg.norm, [dl.tensor(X)], {"axis": 1}, 2),
        (lambda x: (x, x.shape, "text", x.sum().item()), [X], {}, 2),
    ],
)
def test_operations_that_conform(
    function: Any, inputs: list[Any], options: dict[str, Any], order: int
) -> None:
    testing.check_op(function, inputs, options=options, order=order)


def test_a_gradient_that_is_not_that_of_the_values() -> None:
    def rounded(x: Any) -> Any:  # a straight-through estimator
        return x + (x.round() - x).detach()

    testing.check_op(rounded, [X], surrogate=True)
    with pytest.raises(testing.ConformanceError, match="has the gradients of its values"):
        testing.check_op(rounded, [X])


def test_inputs_without_gradient_can_be_named() -> None:
    testing.check_op(lambda x, y: x * y.detach(), [X, X], fixed=[1])


def test_a_message_names_what_is_checked() -> None:
    with pytest.raises(testing.ConformanceError, match=r"^sine of a row has the values of its"):
        testing.check_op(ops.sin, [X], name="sine of a row", reference=np.cos)


def test_reference_of_an_operation() -> None:
    testing.check_op(ops.sin, [X], reference=np.sin)
    testing.check_op(lambda x: (x + 1, x * x), [X], reference=lambda x: (x + 1, x * x))


def check_op(function: Any, **options: Any) -> None:
    testing.check_op(function, [X], **options)


def op_with_rule(rule: Callable[[Any, Any], Any]) -> Any:
    """x², with that for a derivative."""
    return elementwise(lambda x: x * x, name="square", x=lambda g, x: rule(g, x))


def fast_backward(rule: Callable[..., Any]) -> Any:
    """3x, with that for its fast door."""

    @op
    def triple(x: Any) -> Any:
        return 3.0 * x

    triple.vjp("x")(lambda g: g * 3.0)
    triple.fast_backward(rule)
    return triple


def is_array(x: Any) -> bool:
    return isinstance(x, np.ndarray)


def is_narrow(x: Any) -> bool:
    return bool(getattr(x, "array", x).dtype == np.float32)


# x, whose derivative is 2 in float32
coarse = elementwise(np.positive, name="coarse", x=lambda g: g * (2.0 if is_narrow(g) else 1.0))


def square_by(other: Callable[[Any], Any]) -> Any:
    """x², whose second derivative is 2, times the derivative of `other`."""
    return op_with_rule(lambda g, x: g * 2.0 * (x if is_array(x) else other(x)))


def writing_backward() -> Any:
    def rule(g: Any, x: Any) -> Any:
        getattr(x, "array", x)[...] *= 1.0
        return g * 2.0 * x

    return op_with_rule(rule)


def unsummed() -> Any:
    @op
    def plus(x: Any, y: Any) -> Any:
        return x + y

    plus.vjp("x")(lambda g: g)
    plus.vjp("y")(lambda g: g)
    return plus


def wrong_shape() -> Any:
    @op
    def total(x: Any) -> Any:
        return x.sum()

    total.vjp("x")(lambda g: g)
    return total


PARAMETER = nn.Parameter(dl.ones(3))

breaks("returns a tensor, or several: it returned ndarray")(lambda: check_op(lambda x: x.array))
breaks("gives the same values when called again")(lambda: check_op(lambda x: x * noise.random()))
breaks("gives the same values with a graph and without one")(
    lambda: check_op(lambda x: x * (2.0 if x.requires_grad else 1.0))
)
breaks("has the values of its reference")(lambda: check_op(ops.sin, reference=np.cos))
breaks("leaves its inputs as they are: input 0 was written to")(lambda: check_op(written))
breaks("takes inputs that are not contiguous")(
    lambda: check_op(lambda x: x * (1.0 if contiguous(x) else 2.0))
)
breaks("takes inputs that are read-only: ValueError")(lambda: check_op(written_and_restored))
breaks("gives float32 for float32: output 0 is float64")(lambda: check_op(lambda x: x + np.ones(3)))
breaks("gives float64 for float64: output 0 is float32")(lambda: check_op(lambda x: x.float()))
breaks("gives arrays for arrays, and the values that tensors have: it returned a tensor")(
    lambda: check_op(lambda x: dl.exp(dl.as_tensor(x)), arrays=True)
)
breaks("gives in float32 nearly what it gives in float64")(
    lambda: check_op(lambda x: x + (x.element_size() - 4))
)
breaks("gives in float32 nearly what it gives in float64.*: the second gradient of input 0")(
    lambda: check_op(square_by(coarse))
)
breaks(r"takes inputs of the shape \(0,\) \(elementwise=True\)")(
    lambda: check_op(lambda x: x - x.sum() / (x.numel() or None), elementwise=True)
)
breaks("records nothing unless an input requires grad")(lambda: check_op(lambda x: x * PARAMETER))
breaks(r"has no gradient \(order=0\)")(lambda: check_op(ops.exp, order=0))
breaks("gives float32 gradients of its inputs' shapes: the gradient of input 0 is float64")(
    lambda: check_op(op_with_rule(lambda g, x: g * np.ones(3)))
)
breaks("gives float64 gradients of its inputs' shapes")(
    lambda: check_op(op_with_rule(lambda g, x: ops.cast(g, dtype=dl.float32)))
)
breaks("gives float32 gradients of its inputs' shapes")(lambda: check_op(wrong_shape()))
breaks(r"gives float32 gradients of its inputs' shapes: .*\[?2, 3.*3")(
    lambda: testing.check_op(unsummed(), [X, X[0]])
)
breaks("has the same float64 gradients with create_graph=True")(
    lambda: check_op(fast_backward(lambda g, needs: (g * (4.0 if g.itemsize == 8 else 3.0),)))
)
breaks("has the same float32 gradients with create_graph=True")(
    lambda: check_op(fast_backward(lambda g, needs: (g * (4.0 if g.itemsize == 4 else 3.0),)))
)
breaks("has the same gradients for inputs that are not contiguous")(lambda: check_op(by_memory))
breaks("has the same gradients for inputs that are not contiguous: the second gradient")(
    lambda: check_op(square_by(lambda x: by_memory(x) / x))
)
breaks("has the same gradients for inputs that are read-only: ValueError")(
    lambda: check_op(writing_backward())
)
breaks("input 1 got none; if that is right, name it in fixed=")(
    lambda: testing.check_op(lambda x, y: x * y.detach(), [X, X])
)
breaks("has the gradients of its values: GradcheckError")(
    lambda: check_op(op_with_rule(lambda g, x: g * x))
)
breaks("has second derivatives of its values: GradcheckError")(
    lambda: check_op(
        op_with_rule(lambda g, x: g * (x.array * 2.0 if hasattr(x, "array") else 2 * x))
    )
)


@pytest.mark.parametrize(
    ("rule", "hint"),
    [
        (lambda g, x: g * x, r"\(ratio 0.5\).*, all by the factor 0.5: a factor of 2 is missing"),
        (lambda g, x: -2 * g * x, "all by the factor -1: the sign is reversed"),
        (lambda g: g, "It is the gradient of the output itself"),
        (lambda g: 2 * g, r"The factor is 1 / \(input 0\) at the same place: left out"),
    ],
)
def test_a_wrong_rule_gets_a_hint(rule: Any, hint: str) -> None:
    square = elementwise(lambda x: x * x, name="square", x=rule)
    with pytest.raises(testing.ConformanceError, match=rf"\nof input 0 backward gives .*{hint}"):
        testing.check_op(square, [np.array([0.5, -1.0, 3.0])])


def test_a_wrong_product_gets_a_hint() -> None:
    class Product(Function):
        @staticmethod
        def forward(ctx: Any, a: Any, b: Any) -> Any:
            ctx.save_for_backward(a, b)
            return a @ b

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            a, b = ctx.saved_tensors
            return g @ b, a.T @ g

    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(4, 3)), rng.normal(size=(3, 3))]
    with pytest.raises(
        testing.ConformanceError, match=r"It is g @ input 1, and the right one is g @ input 1\.T"
    ):
        testing.check_op(Product.apply, inputs, name="product")


# --- all of them -------------------------------------------------------------------------------


@pytest.mark.parametrize("message", BROKEN.calls)
def test_what_is_broken_is_found(message: str) -> None:
    BROKEN.find(message)


@pytest.mark.parametrize("claim", claims("op"))
def test_every_claim_is_broken_by_something(claim: str) -> None:
    assert BROKEN.covers(claim)


def test_nothing_in_the_library_imports_the_kit() -> None:
    imports = re.compile(r"^\s*(from|import) dlframe\.testing", re.MULTILINE)
    files = [file for file in KIT.parent.rglob("*.py") if not file.is_relative_to(KIT)]
    assert [file for file in files if imports.search(file.read_text("utf-8"))] == []
