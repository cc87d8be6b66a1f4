"""check_layer accepts layers that conform; each of its claims is broken by one here."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from samples.broken import (
    BrokenObjects,
    HalfGradient,
    by_memory,
    claims,
    contiguous,
    no_curvature,
    noise,
    written,
    written_and_restored,
)

import dlframe as dl
from dlframe import metrics, nn, optim, testing

BROKEN = BrokenObjects()
breaks = BROKEN.breaks
X = np.array([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]])


class Dense(nn.Linear):
    """What the broken layers below are without their fault."""

    def __init__(self) -> None:
        super().__init__(3, 2)


class OwnBackward(nn.Module):
    """A layer on plain arrays."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(dl.randn(2, 3))

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self.weight.array.T

    def backward(self, grad_output: Any) -> Any:
        self.weight.accumulate_grad(grad_output.T @ self.x)
        return grad_output @ self.weight.array


class TransposedGradient(OwnBackward):
    def backward(self, grad_output: Any) -> Any:
        self.weight.accumulate_grad((grad_output.T @ self.x).T)
        return grad_output @ self.weight.array


class FlatGradient(OwnBackward):
    def backward(self, grad_output: Any) -> Any:
        return super().backward(grad_output).reshape(-1)


class MeanGradient(OwnBackward):
    def backward(self, grad_output: Any) -> Any:
        self.weight.accumulate_grad(grad_output.T @ self.x / len(self.x))
        return grad_output @ self.weight.array


class Tied(nn.Module):
    """Two layers with one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3)
        self.second.weight = self.first.weight

    def forward(self, x: Any) -> Any:
        return self.second(self.first(x).tanh())


@pytest.mark.parametrize(
    ("make", "shape", "options"),
    [
        (Dense, (4, 3), {}),
        (lambda: nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.3)), (4, 3), {}),
        (lambda: nn.BatchNorm1d(3), (4, 3), {}),
        (lambda: nn.LayerNorm(3), (4, 3), {}),
        (lambda: nn.Conv2d(2, 3, 2, padding=1), (2, 2, 3, 3), {}),
        (nn.Flatten, (2, 2, 3), {}),
        (Tied, (4, 3), {}),
        (OwnBackward, (4, 3), {}),
        (lambda: nn.Sequential(OwnBackward(), nn.Tanh()), (4, 3), {}),
    ],
)
def test_layers_that_conform(make: Any, shape: tuple[int, ...], options: dict[str, Any]) -> None:
    testing.check_layer(make, [dl.randn(shape)], **options)


def test_a_layer_of_labels_conforms() -> None:
    testing.check_layer(lambda: nn.Embedding(5, 3), [dl.tensor([0, 4, 2])])


def check_layer(make: Any, **options: Any) -> None:
    testing.check_layer(make, [X], **options)


class Wrong(Dense):
    """A dense layer whose forward is changed by `f(layer, x)`, given to the class."""

    f: Any = None

    def forward(self, x: Any) -> Any:
        return type(self).f(self, x)


def wrong(f: Callable[[Any, Any], Any], **attributes: Any) -> Any:
    """A class of dense layers with this forward."""
    return type("Wrong", (Wrong,), {"f": f, **attributes})


def plain_forward(layer: Any, x: Any) -> Any:
    return nn.Linear.forward(layer, x)


def with_attribute(name: str, value: Callable[[], Any], forward: Any = plain_forward) -> Any:
    """A class of dense layers with one more attribute, made anew for each."""

    def init(self: Any) -> None:
        Dense.__init__(self)
        setattr(self, name, value())

    return wrong(forward, __init__=init)


def write_in_backward(layer: Any, x: Any) -> Any:
    out = plain_forward(layer, x)
    if out.requires_grad:
        out.register_hook(lambda g: layer.weight.array.fill(0.0))
    return out


def tripled_by_memory(layer: Any, x: Any) -> Any:
    return by_memory(x) if not layer.training else x


def count_calls(layer: Any, x: Any) -> Any:
    layer.calls.array += 1
    return plain_forward(layer, x)


breaks("the factory makes a Module: it made int")(lambda: check_layer(lambda: 3))
breaks("is made in training mode")(lambda: check_layer(lambda: Dense().eval()))
breaks("prints under its name")(lambda: check_layer(wrong(plain_forward, __repr__=lambda _: "?")))
breaks(r"passes train\(False\) on to its parts, and returns itself")(
    lambda: check_layer(wrong(plain_forward, train=lambda self, mode=True: None))
)
breaks("has the same initial values from the same seed: w")(
    lambda: check_layer(with_attribute("w", lambda: nn.Parameter(dl.tensor(noise.random()))))
)
breaks("has the same outputs from the same seed")(
    lambda: check_layer(wrong(lambda layer, x: plain_forward(layer, x) * noise.random()))
)
breaks("draws no random numbers in evaluation")(
    lambda: check_layer(wrong(lambda layer, x: plain_forward(layer, dl.nn.functional.dropout(x))))
)
breaks("changes neither parameters nor buffers in evaluation")(
    lambda: check_layer(with_attribute("calls", lambda: nn.Buffer(dl.tensor(0)), count_calls))
)
breaks("can be copied with copy.deepcopy: TypeError")(
    lambda: check_layer(with_attribute("lock", threading.Lock))
)
breaks("leaves its inputs as they are: input 0")(
    lambda: check_layer(wrong(lambda layer, x: written(x)))
)
breaks("leaves its inputs and parameters as they are, in backward too: input or parameter 1")(
    lambda: check_layer(wrong(write_in_backward))
)
breaks("takes inputs that are not contiguous")(
    lambda: check_layer(
        wrong(lambda layer, x: plain_forward(layer, x) * (1.0 if contiguous(x) else 2.0))
    )
)
breaks("takes inputs that are read-only: ValueError")(
    lambda: check_layer(wrong(lambda layer, x: plain_forward(layer, written_and_restored(x))))
)
breaks("in evaluation, has the same gradients for inputs that are not contiguous")(
    lambda: check_layer(wrong(lambda layer, x: plain_forward(layer, tripled_by_memory(layer, x))))
)
breaks("gives in float32 nearly what it gives in float64")(
    lambda: check_layer(wrong(lambda layer, x: plain_forward(layer, x) + (x.element_size() - 4)))
)
breaks(r"can be differentiated: ShapeError: .* has shape \(3, 2\), .* \(2, 3\); transpose it")(
    lambda: check_layer(TransposedGradient)
)
breaks("can be differentiated: ShapeError: FlatGradient.backward returned a gradient of shape")(
    lambda: check_layer(FlatGradient)
)
breaks(
    "MeanGradient has the gradients of its values: of weight .*; 6 of 6 .*, all by the factor 0.5"
)(lambda: check_layer(MeanGradient))
breaks("computes in float32 when it and its inputs are float32: output 0 is float64")(
    lambda: check_layer(wrong(lambda layer, x: plain_forward(layer, x) + np.ones(2)))
)
breaks("computes in float64 when it and its inputs are float64: output 0 is float32")(
    lambda: check_layer(wrong(lambda layer, x: plain_forward(layer, x).float()))
)
breaks("gives every parameter a gradient of its shape: spare got none")(
    lambda: check_layer(with_attribute("spare", lambda: nn.Parameter(dl.ones(2))))
)
breaks("takes back its state_dict, also as plain arrays")(
    lambda: check_layer(wrong(plain_forward, load_state_dict=lambda self, state: None))
)
breaks("keeps in state_dict all that its outputs depend on")(
    lambda: check_layer(
        with_attribute(
            "hidden", lambda: dl.randn(2), lambda layer, x: plain_forward(layer, x) + layer.hidden
        )
    )
)
breaks("gives no outputs for no samples")(
    lambda: check_layer(wrong(lambda layer, x: plain_forward(layer, x).sum(0, keepdim=True)))
)
breaks(
    r"Wrong has the gradients of its values: of input 0 backward gives .* at \[.*\], the central"
)(lambda: check_layer(wrong(lambda layer, x: plain_forward(layer, HalfGradient.apply(x)))))
breaks("Wrong, in evaluation, has the gradients of its values")(
    lambda: check_layer(
        wrong(
            lambda layer, x: plain_forward(
                layer, x * 2.0 if layer.training else HalfGradient.apply(x)
            )
        )
    )
)
breaks("has second derivatives of its values")(
    lambda: check_layer(wrong(lambda layer, x: no_curvature(plain_forward(layer, x))))
)


def test_parameters_that_a_call_does_not_use_can_be_named() -> None:
    check_layer(with_attribute("spare", lambda: nn.Parameter(dl.ones(2))), unused=["spare"])


def test_a_layer_that_needs_samples_can_say_so() -> None:
    check_layer(
        wrong(lambda layer, x: plain_forward(layer, x).sum(0, keepdim=True)), empty_batch=False
    )


def test_the_default_generator_is_left_where_it_was() -> None:
    before = dl.get_rng_state()
    testing.check_layer(lambda: nn.Dropout(0.5), [X])
    np.testing.assert_array_equal(dl.get_rng_state(), before)


# --- all of them -------------------------------------------------------------------------------


@pytest.mark.parametrize("message", BROKEN.calls)
def test_what_is_broken_is_found(message: str) -> None:
    BROKEN.find(message)


@pytest.mark.parametrize("claim", claims("layer"))
def test_every_claim_is_broken_by_something(claim: str) -> None:
    assert BROKEN.covers(claim)


def test_a_single_input_needs_no_list() -> None:
    testing.check_layer(lambda: nn.Linear(3, 2), dl.randn(4, 3))
    testing.check_layer(lambda: nn.Linear(3, 2), np.ones((4, 3), np.float32))
    testing.check_op(dl.exp, np.array([0.5, -1.0]))


def test_an_object_where_a_function_is_needed() -> None:
    x, y = dl.randn(4, 3), dl.tensor([0, 2, 1, 1])
    parameters = [nn.Parameter(dl.ones(2))]
    message = "must be a function that makes a new {}, such as lambda: {}"
    with pytest.raises(TypeError, match=re.escape(message.format("Module", "Linear(…)"))):
        testing.check_layer(nn.Linear(3, 2), x)  # type: ignore[arg-type] # on purpose
    with pytest.raises(TypeError, match=re.escape(message.format("Module", "MSELoss(…)"))):
        testing.check_loss(nn.MSELoss(), x, x)
    with pytest.raises(TypeError, match=re.escape(message.format("Optimizer", "SGD(…)"))):
        testing.check_optimizer(optim.SGD(parameters, lr=0.1))  # type: ignore[arg-type] # on purpose
    with pytest.raises(TypeError, match=re.escape(message.format("Metric", "Accuracy(…)"))):
        testing.check_metric(metrics.Accuracy(), x, y)  # type: ignore[arg-type] # on purpose
    with pytest.raises(TypeError, match=re.escape("such as lambda: MyModule(…)")):
        testing.check_layer(None, x)  # type: ignore[arg-type] # on purpose
