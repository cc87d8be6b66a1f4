"""The kit accepts what conforms, and each of its claims is broken by some object here."""

from __future__ import annotations

import ast
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import metrics, nn, ops, optim, testing
from dlframe.autograd import Function, mark_mutated
from dlframe.ops import elementwise, op
from dlframe.testing import ConformanceError

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]])

# Each entry breaks a rule: what the message has to say, and a call of the check.
BROKEN: list[tuple[str, Callable[[], Any]]] = []


def breaks(message: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    def add(call: Callable[[], Any]) -> Callable[[], Any]:
        BROKEN.append((message, call))
        return call

    return add


def contiguous(x: Any) -> bool:
    return bool((x.array if isinstance(x, dl.Tensor) else x).flags.c_contiguous)


# --- operations ----------------------------------------------------------------------------------


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
    ],
)
def test_operations_that_conform(
    function: Any, inputs: list[Any], options: dict[str, Any], order: int
) -> None:
    testing.check_op(function, inputs, options=options, order=order)


def test_reference_of_an_operation() -> None:
    testing.check_op(ops.sin, [X], reference=np.sin)
    testing.check_op(lambda x: (x + 1, x * x), [X], reference=lambda x: (x + 1, x * x))


def check_op(function: Any, **options: Any) -> None:
    testing.check_op(function, [X], **options)


def op_with_rule(rule: Callable[[Any, Any], Any]) -> Any:
    """x², with that for a derivative."""
    return elementwise(lambda x: x * x, name="square", x=lambda g, x: rule(g, x))


def written(x: Any) -> Any:
    x.array[0] = 0.0
    return x * 2.0


def written_and_restored(x: Any) -> Any:
    x.array *= 1.0
    return x * 2.0


def wrong_fast_backward() -> Any:
    @op
    def triple(x: Any) -> Any:
        return 3.0 * x

    triple.vjp("x")(lambda g: g * 3.0)
    triple.fast_backward(lambda g, needs: (g * 4.0,))
    return triple


def wrong_shape() -> Any:
    @op
    def total(x: Any) -> Any:
        return x.sum()

    total.vjp("x")(lambda g: g)
    return total


noise = np.random.default_rng(0)
PARAMETER = nn.Parameter(dl.ones(3))

breaks("returns a tensor, or several: it returned ndarray")(lambda: check_op(lambda x: x.array))
breaks("gives the same values when called again")(lambda: check_op(lambda x: x * noise.random()))
breaks("has the values of its reference")(lambda: check_op(ops.sin, reference=np.cos))
breaks("leaves its inputs as they are: input 0 was written to")(lambda: check_op(written))
breaks("takes inputs that are not contiguous")(
    lambda: check_op(lambda x: x * (1.0 if contiguous(x) else 2.0))
)
breaks("takes inputs that are read-only: ValueError")(lambda: check_op(written_and_restored))
breaks("gives float32 for float32: output 0 is float64")(lambda: check_op(lambda x: x + np.ones(3)))
breaks("gives float64 for float64: output 0 is float32")(lambda: check_op(lambda x: x.float()))
breaks("records nothing unless an input requires grad")(lambda: check_op(lambda x: x * PARAMETER))
breaks(r"has no gradient \(order=0\)")(lambda: check_op(ops.exp, order=0))
breaks("gives float32 gradients of its inputs' shapes: the gradient of input 0 is float64")(
    lambda: check_op(op_with_rule(lambda g, x: g * np.ones(3)))
)
breaks("gives float64 gradients of its inputs' shapes")(
    lambda: check_op(op_with_rule(lambda g, x: ops.cast(g, dtype=dl.float32)))
)
breaks("gives float32 gradients of its inputs' shapes")(lambda: check_op(wrong_shape()))
breaks("has the same gradients with create_graph=True")(lambda: check_op(wrong_fast_backward()))
breaks("has the same gradients for inputs that are not contiguous")(
    lambda: check_op(op_with_rule(lambda g, x: g * x * (2.0 if contiguous(x) else 3.0)))
)
breaks("has the gradients of its values: GradcheckError")(
    lambda: check_op(op_with_rule(lambda g, x: g * x))
)
breaks("has second derivatives of its values: GradcheckError")(
    lambda: check_op(
        op_with_rule(lambda g, x: g * (x.array * 2.0 if hasattr(x, "array") else 2 * x))
    )
)


# --- layers --------------------------------------------------------------------------------------


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
        (OwnBackward, (4, 3), {"order": 1}),
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


def count_calls(layer: Any, x: Any) -> Any:
    layer.calls.array += 1
    return plain_forward(layer, x)


class HalfGradient(Function):
    @staticmethod
    def forward(_: Any, x: Any) -> Any:
        return x * 2.0

    @staticmethod
    def backward(_: Any, g: Any) -> Any:
        return g


no_curvature = elementwise(
    lambda x: x * x, name="no_curvature", x=lambda g, x: g * (2.0 * getattr(x, "array", x))
)

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
breaks("Wrong has the gradients of its values: of input 0 backward gives")(
    lambda: check_layer(wrong(lambda layer, x: plain_forward(layer, HalfGradient.apply(x))))
)
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


# --- losses --------------------------------------------------------------------------------------

SCORES = np.array([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7], [0.1, 0.2, 0.4], [-1.0, 0.6, 0.9]])
LABELS = np.array([0, 2, 1, 1])
TARGETS = np.array([[0.1, 0.9, 0.4], [0.3, 0.8, 0.2], [0.7, 0.6, 0.55], [0.35, 0.95, 0.15]])


@pytest.mark.parametrize(
    ("make", "input", "target", "options"),
    [
        (nn.MSELoss, SCORES, TARGETS, {}),
        (nn.L1Loss, SCORES, TARGETS, {}),
        (nn.HuberLoss, SCORES, TARGETS, {}),
        (nn.BCEWithLogitsLoss, SCORES, TARGETS, {}),
        (nn.BCELoss, TARGETS, TARGETS[::-1].copy(), {}),
        (nn.CrossEntropyLoss, SCORES, LABELS, {}),
        (nn.NLLLoss, SCORES, LABELS, {}),
        (
            lambda **options: nn.CrossEntropyLoss(weight=dl.tensor([1.0, 2.0, 0.5]), **options),
            SCORES,
            LABELS,
            {"weighted": True},
        ),
    ],
)
def test_losses_that_conform(make: Any, input: Any, target: Any, options: Any) -> None:
    testing.check_loss(make, input, target, **options)


class Squares(nn.Module):
    """(x - t)², right in all; the broken ones below change a part."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(reduction)
        self.reduction = reduction

    def check(self, input: Any, target: Any) -> None:
        if input.shape != target.shape:
            raise ValueError(f"{input.shape}, {target.shape}")

    def values(self, input: Any, target: Any) -> Any:
        return (input - target) ** 2

    def mean(self, values: Any) -> Any:
        return values.mean()

    def sum(self, values: Any) -> Any:
        return values.sum()

    def none(self, values: Any) -> Any:
        return values

    def forward(self, input: Any, target: Any) -> Any:
        self.check(input, target)
        return getattr(self, self.reduction)(self.values(input, target))


class Picked(Squares):
    """-x[label], without looking at the labels."""

    def check(self, input: Any, target: Any) -> None:
        if target.shape != input.shape[:1]:
            raise ValueError(f"{input.shape}, {target.shape}")

    def values(self, input: Any, target: Any) -> Any:
        return -input[np.arange(len(target)), target.array % 3]


def check_loss(**methods: Any) -> None:
    testing.check_loss(type("Loss", (Squares,), methods), SCORES, TARGETS)


def test_the_base_of_the_broken_losses_conforms() -> None:
    check_loss()


def init_by_sum(self: Any, reduction: str = "sum") -> None:
    Squares.__init__(self, reduction)


def init_anything(self: Any, reduction: str = "mean") -> None:
    Squares.__init__(self, reduction if reduction in ("mean", "sum") else "none")


def values_in_place(self: Any, input: Any, target: Any) -> Any:
    out = (input - target) ** 2
    target.array[...] = 0.0
    return out


breaks(r"the factory makes a Module, given reduction= or nothing: TypeError")(
    lambda: testing.check_loss(lambda: nn.MSELoss(), SCORES, TARGETS)
)
breaks("Loss prints under its name")(lambda: check_loss(__repr__=lambda self: "?"))
breaks("leaves input and target as they are: argument 1")(
    lambda: check_loss(values=values_in_place)
)
breaks('gives one number for "mean" and "sum"')(lambda: check_loss(mean=lambda self, v: v.mean(0)))
breaks('gives one value per sample or element for "none"')(
    lambda: check_loss(none=lambda self, v: v.sum())
)
breaks('gives for "sum" the sum of the values')(lambda: check_loss(sum=lambda self, v: v.mean()))
breaks('gives for "mean" the mean of the values')(lambda: check_loss(mean=lambda self, v: v.sum()))
breaks('gives for "mean" the mean of the values .* is not between')(
    lambda: testing.check_loss(
        type("Loss", (Squares,), {"mean": lambda self, v: v.sum()}), SCORES, TARGETS, weighted=True
    )
)
breaks('reduces with "mean" unless told otherwise')(lambda: check_loss(__init__=init_by_sum))
breaks("refuses a reduction that does not exist: .*median")(
    lambda: check_loss(__init__=init_anything)
)
breaks("computes in float32 for float32: output 0 is float64")(
    lambda: check_loss(values=lambda self, x, t: (x.double() - t) ** 2)
)
breaks("computes in float64 for float64: output 0 is float32")(
    lambda: check_loss(values=lambda self, x, t: (x.float() - t.float()) ** 2)
)
breaks("takes tensors that are not contiguous")(
    lambda: check_loss(values=lambda self, x, t: (x - t) ** 2 * (1.0 if contiguous(t) else 2.0))
)
breaks("refuses shapes that do not match: .* was accepted")(
    lambda: check_loss(check=lambda self, x, t: None)
)
breaks("refuses labels that are no class: label 3 among 3 classes was accepted")(
    lambda: testing.check_loss(Picked, SCORES, LABELS)
)
breaks('reduction="none".* has the gradients of its values')(
    lambda: check_loss(none=lambda self, v: HalfGradient.apply(v) / 2.0)
)


# --- metrics -------------------------------------------------------------------------------------

GUESSES = np.array([0, 1, 1, 2, 2, 2])
TRUTH = np.array([0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize(
    ("make", "output", "target"),
    [
        (metrics.Accuracy, np.eye(3)[GUESSES], TRUTH),
        (metrics.Accuracy, GUESSES, TRUTH),
        (lambda: metrics.TopKAccuracy(2), SCORES[[0, 1, 2, 3, 0, 1]], TRUTH),
        (lambda: metrics.ConfusionMatrix(3), GUESSES, TRUTH),
        (lambda: metrics.F1("macro", num_classes=3), GUESSES, TRUTH),
        (metrics.Mean, SCORES[:, 0], np.array([1.0, 2.0, 1.0, 3.0])),
        (lambda: metrics.MeanLoss(nn.MSELoss()), SCORES, TARGETS),
    ],
)
def test_metrics_that_conform(make: Any, output: Any, target: Any) -> None:
    testing.check_metric(make, output, target)


class Hits(metrics.Metric):
    """Accuracy, right in all; the broken ones below change a part."""

    def __init__(self) -> None:
        super().__init__("hits")

    def empty(self) -> Any:
        return np.zeros(2)

    def update(self, output: Any, target: Any) -> None:
        output, target = dl.tensor(output).numpy(), dl.tensor(target).numpy()
        self.state += ((output == target).sum(), output.size)

    def compute(self) -> Any:
        return float(self.state[0] / self.state[1]) if self.state[1] else float("nan")


def check_metric(**methods: Any) -> None:
    make = type("Broken", (Hits,), methods)
    testing.check_metric(make, GUESSES.astype(np.float64), TRUTH.astype(np.float64))


def test_the_base_of_the_broken_metrics_conforms() -> None:
    check_metric()


def update_with(change: Callable[[Any, Any, Any], Any]) -> Callable[..., None]:
    """An update that does something else first; what that returns replaces the outputs."""

    def update(self: Any, output: Any, target: Any) -> None:
        changed = change(self, output, target)
        Hits.update(self, output if changed is None else changed, target)

    return update


def compute_and_reset(self: Any) -> Any:
    value = Hits.compute(self)
    self.reset()
    return value


def merge_in_place(self: Any, other: Any) -> Any:
    self.state += other.state
    other.state += self.state * 0 + 1
    return self


def refuse_tensors(self: Any, output: Any, target: Any) -> None:
    if isinstance(output, dl.Tensor):
        raise TypeError("only arrays")


def use_memory(self: Any, output: Any, target: Any) -> Any:
    if not contiguous(output):
        return output * 0 - 1
    return None


def write_outputs(self: Any, output: Any, target: Any) -> Any:
    copy = np.array(output.array if isinstance(output, dl.Tensor) else output)
    if isinstance(output, np.ndarray) and output.flags.c_contiguous and len(output) == 6:
        output[0] += 1
    return copy


def update_first_of_each(self: Any, output: Any, target: Any) -> None:
    Hits.update(self, output[: len(target)], target)


def init_with_lock(self: Any) -> None:
    Hits.__init__(self)
    self.lock = threading.Lock()


class SharedCount(Hits):
    """The number of samples; its deep copy is the metric itself."""

    def compute(self) -> float:
        return float(self.state[1])

    def __deepcopy__(self, memo: Any) -> Any:
        return self


class Weighted(Hits):
    """Weighs each batch, not each sample."""

    def update(self, output: Any, target: Any) -> None:
        if len(output):
            self.state += (float((np.asarray(output) == np.asarray(target)).mean()), 1)


class Counted(Hits):
    """Remembers more than its state."""

    def update(self, output: Any, target: Any) -> None:
        super().update(output, target)
        self.seen = getattr(self, "seen", 0) + len(target)

    def compute(self) -> Any:
        return float(self.state[0] / self.seen) if getattr(self, "seen", 0) else float("nan")

    def __add__(self, other: Any) -> Any:
        total = super().__add__(other)
        total.seen = self.seen + other.seen
        return total

    def reset(self) -> None:
        super().reset()
        self.seen = 0


class LazyHits(Hits):
    """Counts when it is asked, from the batch that it still holds."""

    def __init__(self) -> None:
        self.pending: list[Any] = []
        super().__init__()

    def reset(self) -> None:
        self.pending = []
        super().reset()

    def update(self, output: Any, target: Any) -> None:
        self.pending.append((output, target))

    def flush(self) -> None:
        while self.pending:
            Hits.update(self, *self.pending.pop())

    @property
    def state(self) -> Any:
        self.flush()
        return self.kept

    @state.setter
    def state(self, value: Any) -> None:
        self.kept = value

    def compute(self) -> Any:
        self.flush()
        return Hits.compute(self)


breaks("the factory makes a Metric: it made int")(lambda: testing.check_metric(lambda: 3, X, X))
breaks("has a name, and prints it with its value, also before the first sample")(
    lambda: check_metric(compute=lambda self: float(self.state[0]) / int(self.state[1]))
)
breaks("computes the value of some samples: .* four samples or more")(
    lambda: testing.check_metric(Hits, GUESSES[:2], TRUTH[:2])
)
breaks("gives for a stream of batches the value of all samples at once: batches of .3, 3.")(
    lambda: check_metric(update=update_with(lambda self, x, t: self.reset()))
)
breaks("gives for a stream of batches the value of all samples at once")(
    lambda: testing.check_metric(Weighted, GUESSES, TRUTH)
)
breaks("adds up over metrics that saw a part of the samples each")(
    lambda: check_metric(__add__=merge_in_place)
)
breaks("is unchanged by a batch of no samples: .*ZeroDivisionError")(
    lambda: check_metric(update=update_with(lambda self, x, t: 1 / len(x) and None))
)
breaks(r"may be asked for its value at any time")(lambda: check_metric(compute=compute_and_reset))
breaks(r"forgets all at reset\(\)")(
    lambda: check_metric(
        reset=lambda self: None if hasattr(self, "state") else setattr(self, "state", np.zeros(2))
    )
)
breaks("is stored by a copy of its state")(lambda: testing.check_metric(Counted, GUESSES, TRUTH))
breaks("can be copied with copy.deepcopy: TypeError")(lambda: check_metric(__init__=init_with_lock))
breaks("can be copied with copy.deepcopy")(
    lambda: testing.check_metric(SharedCount, GUESSES, TRUTH)
)
breaks("takes tensors and arrays alike: TypeError: only arrays")(
    lambda: check_metric(update=update_with(refuse_tensors))
)
breaks("takes arrays that are not contiguous")(lambda: check_metric(update=update_with(use_memory)))
breaks("leaves outputs and targets as they are: argument 0")(
    lambda: check_metric(update=update_with(write_outputs))
)
breaks("keeps nothing of a batch but its state")(
    lambda: testing.check_metric(LazyHits, GUESSES, TRUTH)
)
breaks("refuses different numbers of outputs and targets: 6 outputs, 5 targets was accepted")(
    lambda: check_metric(update=update_first_of_each)
)


# --- optimizers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda params: optim.SGD(params, lr=0.1),
        lambda params: optim.SGD(params, lr=0.05, momentum=0.9, nesterov=True),
        lambda params: optim.Adam(params, lr=0.05),
        lambda params: optim.AdamW(params, lr=0.05, amsgrad=True),
        lambda params: optim.RMSprop(params, lr=0.02, centered=True, momentum=0.5),
    ],
)
def test_optimizers_that_conform(make: Any) -> None:
    testing.check_optimizer(make)


class Descent(optim.Optimizer):
    """Gradient descent with momentum, right in all; the broken ones below change a part."""

    def __init__(self, params: Any, lr: float = 0.1, momentum: float = 0.5) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    def move(self, p: Any, group: Any) -> None:
        state = self.state[p]
        if "velocity" not in state:
            state["velocity"] = dl.zeros_like(p)
        state["velocity"] = group["momentum"] * state["velocity"] + p.grad.detach()
        p.array -= group["lr"] * state["velocity"].array
        mark_mutated(p.array, "Descent")

    def step(self, closure: Any = None) -> Any:
        loss = None if closure is None else closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.move(p, group)
        return loss


def check_optimizer(**methods: Any) -> None:
    testing.check_optimizer(type("Broken", (Descent,), methods))


def test_the_base_of_the_broken_optimizers_conforms() -> None:
    check_optimizer()


def move_with(change: Callable[[Any, Any, Any], Any]) -> Callable[..., None]:
    """A move, and something else after it."""

    def move(self: Any, p: Any, group: Any) -> None:
        Descent.move(self, p, group)
        change(self, p, group)

    return move


def widen(self: Any, p: Any, group: Any) -> None:
    p.array = p.array.astype(np.float64)


def step_without_closure(self: Any, closure: Any = None) -> None:
    Descent.step(self)


def step_of_first_group(self: Any, closure: Any = None) -> Any:
    groups, self.param_groups = self.param_groups, self.param_groups[:1]
    loss = Descent.step(self, closure)
    self.param_groups = groups
    return loss


def step_of_all(self: Any, closure: Any = None) -> Any:
    loss = Descent.step(self, closure)
    for group in self.param_groups:
        for p in group["params"]:
            p.array *= 0.99
            mark_mutated(p.array, "decay")
    return loss


def move_in_silence(self: Any, p: Any, group: Any) -> None:
    p.array -= group["lr"] * p.grad.array


def move_with_hidden_state(self: Any, p: Any, group: Any) -> None:
    self.hidden = getattr(self, "hidden", 0) + 1
    p.array -= group["lr"] * (1 + 1 / self.hidden) * p.grad.array
    mark_mutated(p.array, "hidden")


def move_by_memory(self: Any, p: Any, group: Any) -> None:
    p.array -= (
        group["lr"]
        * p.grad.array.ravel(order="K").reshape(p.array.shape)
        * (1.0 if p.array.flags.c_contiguous else 2.0)
    )
    mark_mutated(p.array, "memory")


def accept_nothing(self: Any, params: Any) -> None:
    Descent.__init__(self, list(params) or [nn.Parameter(dl.ones(1))])


breaks("the factory makes an Optimizer: it made int")(
    lambda: testing.check_optimizer(lambda params: 3)
)
breaks("Broken prints under its name")(lambda: check_optimizer(__repr__=lambda self: "?"))
breaks("refuses an empty list of parameters: an empty list was accepted")(
    lambda: check_optimizer(__init__=accept_nothing)
)
breaks("comes closer to a minimum: at distance")(
    lambda: check_optimizer(move=lambda self, p, group: None)
)
breaks("leaves float32 parameters float32: parameter 0 became float64")(
    lambda: check_optimizer(move=move_with(widen))
)
breaks("leaves float64 parameters float64")(
    lambda: check_optimizer(
        move=move_with(lambda self, p, group: setattr(p, "array", p.array.astype(np.float32)))
    )
)
breaks("takes the same way again")(
    lambda: check_optimizer(
        move=move_with(lambda self, p, g: np.multiply(p.array, 1 - noise.random() / 9, out=p.array))
    )
)
breaks("moves parameters that are not contiguous as it moves others")(
    lambda: check_optimizer(move=move_by_memory)
)
breaks("leaves gradients as they are: gradient 0")(
    lambda: check_optimizer(move=move_with(lambda self, p, group: p.grad.array.fill(0.0)))
)
breaks("leaves a parameter without gradient where it is")(lambda: check_optimizer(step=step_of_all))
breaks(r"drops gradients at zero_grad\(\)")(
    lambda: check_optimizer(
        zero_grad=lambda self, set_to_none=True: Descent.zero_grad(self, set_to_none=False)
    )
)
breaks("calls a closure with gradients enabled, and returns its loss: the closure was not called")(
    lambda: check_optimizer(step=step_without_closure)
)
breaks("moves the parameters of all groups")(lambda: check_optimizer(step=step_of_first_group))
breaks("reads options from the group, at each step")(
    lambda: check_optimizer(move=lambda self, p, group: Descent.move(self, p, self.defaults))
)
breaks("tells graphs that it changed what they kept")(lambda: check_optimizer(move=move_in_silence))
breaks("goes on from its state_dict bit for bit")(
    lambda: check_optimizer(move=move_with_hidden_state)
)


# --- all of them ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("message", "call"), BROKEN, ids=[message for message, _ in BROKEN])
def test_what_is_broken_is_found(message: str, call: Callable[[], Any]) -> None:
    with pytest.raises(ConformanceError, match=message) as caught:
        call()
    assert isinstance(caught.value, AssertionError)  # pytest shows it as a failure, not an error


def claims() -> list[str]:
    """Every claim in dlframe.testing, as a pattern: what is filled in matches anything."""
    found = []
    for file in Path(testing.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "claim":
                text = node.args[1]
                values = text.values if isinstance(text, ast.JoinedStr) else [text]
                parts = (v.value if isinstance(v, ast.Constant) else "*" for v in values)
                claim = re.sub(r" \([^=]*[.=].*\)$", "", "".join(parts))  # without its advice
                found.append(re.escape(claim).replace(r"\*", ".*"))
    return found


@pytest.mark.parametrize("claim", claims())
def test_every_claim_is_broken_by_something(claim: str) -> None:
    stated = [re.sub(r"\\(.)", r"\1", message) for message, _ in BROKEN]
    assert any(re.search(claim, message) for message in stated), claim


def test_nothing_in_the_library_imports_the_kit() -> None:
    kit = Path(testing.__file__).parent
    imports = re.compile(r"^\s*(from|import) dlframe\.testing", re.MULTILINE)
    files = [file for file in kit.parent.rglob("*.py") if not file.is_relative_to(kit)]
    assert [file for file in files if imports.search(file.read_text("utf-8"))] == []
