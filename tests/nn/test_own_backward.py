from __future__ import annotations

import gc
import re
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.errors import GradientError, ShapeError


class Linear(nn.Module):
    """y = x Wᵀ + b, with the derivatives written out."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(dl.empty(out_features, in_features))
        self.bias = nn.Parameter(dl.zeros(out_features))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.x = x
        return x @ self.weight.array.T + self.bias.array

    def backward(self, grad_output: np.ndarray) -> np.ndarray:
        self.weight.accumulate_grad(grad_output.T @ self.x)
        self.bias.accumulate_grad(grad_output.sum(axis=0))
        return grad_output @ self.weight.array


class Tanh(nn.Module):
    def forward(self, x: np.ndarray) -> np.ndarray:
        self.y = np.tanh(x)
        return self.y

    def backward(self, grad_output: np.ndarray) -> np.ndarray:
        return grad_output * (1 - self.y**2)


@pytest.fixture
def circle(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x = rng.uniform(-1, 1, size=(64, 2)).astype(np.float32)
    return x, (x**2).sum(axis=1, keepdims=True)


def twin(network: nn.Module) -> nn.Sequential:
    """The same network of ordinary layers, with the same weights."""
    other = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    other.load_state_dict(network.state_dict())
    return other


def test_training_on_plain_arrays(circle: tuple[np.ndarray, np.ndarray]) -> None:
    x, target = circle
    network = nn.Sequential(Linear(2, 8), Tanh(), Linear(8, 1))
    reference = twin(network)
    ours = optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    theirs = optim.SGD(reference.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for _ in range(200):
        y = network(x)
        assert type(y) is np.ndarray  # no graph anywhere
        losses.append(float(((y - target) ** 2).mean()))
        ours.zero_grad()
        network.backward(2 * (y - target) / y.size)
        ours.step()

        theirs.zero_grad()
        ((reference(dl.from_numpy(x)) - dl.from_numpy(target)) ** 2).mean().backward()
        theirs.step()
    assert losses[-1] < losses[0] / 10
    for a, b in zip(network.parameters(), reference.parameters(), strict=True):
        np.testing.assert_allclose(a.array, b.array, rtol=1e-3, atol=1e-5)


def test_layer_by_layer(circle: tuple[np.ndarray, np.ndarray]) -> None:
    x, _ = circle
    layer = Linear(2, 3)
    y = layer.forward(x)
    dx = layer.backward(np.ones_like(y))
    np.testing.assert_allclose(dx, np.ones((64, 3)) @ layer.weight.array, rtol=1e-6)
    np.testing.assert_allclose(layer.bias.grad.array, [64, 64, 64])
    layer.backward(np.ones_like(y))  # gradients add up until they are zeroed
    np.testing.assert_allclose(layer.bias.grad.array, [128, 128, 128])


@pytest.mark.parametrize("own_first", [True, False])
def test_among_ordinary_layers(circle: tuple[np.ndarray, np.ndarray], own_first: bool) -> None:
    x, target = map(dl.from_numpy, circle)
    first, last = (Linear, nn.Linear) if own_first else (nn.Linear, Linear)
    network = nn.Sequential(first(2, 8), Tanh(), last(8, 1))
    reference = twin(network)
    for net in (network, reference):
        for _ in range(2):  # twice: gradients accumulate
            ((net(x) - target) ** 2).mean().backward()
    for a, b in zip(network.parameters(), reference.parameters(), strict=True):
        np.testing.assert_allclose(a.grad.array, b.grad.array, rtol=1e-4, atol=1e-6)


def test_gradients_for_inputs_and_by_autograd_grad() -> None:
    layer = Linear(2, 3)
    x = dl.ones(4, 2, requires_grad=True)
    gx, gw = dl.autograd.grad(layer(x).sum(), [x, layer.weight])
    np.testing.assert_allclose(gx.array, np.ones((4, 3)) @ layer.weight.array, rtol=1e-6)
    np.testing.assert_allclose(gw.array, np.full((3, 2), 4.0))
    assert layer.weight.grad is None  # grad() returns gradients and leaves .grad alone


def test_one_layer_called_twice_before_backward() -> None:
    layer, ordinary = Linear(2, 2), nn.Linear(2, 2)
    ordinary.load_state_dict(layer.state_dict())
    results = []
    for module in (layer, ordinary):
        x = dl.tensor([[1.0, -2.0]], requires_grad=True)
        module(module(x).tanh()).sum().backward()
        results.append((x.grad.array, module.weight.grad.array))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_nothing_is_recorded_where_nothing_needs_it() -> None:
    layer = Linear(2, 2)
    with dl.no_grad():
        y = layer(dl.ones(1, 2))
    assert not y.requires_grad
    layer.requires_grad_(False)
    assert not layer(dl.ones(1, 2)).requires_grad
    x = dl.ones(1, 2, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad is not None
    assert layer.weight.grad is None


def test_several_arguments_and_results() -> None:
    class SumAndProduct(nn.Module):
        def forward(self, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            self.a, self.b = a, b
            return a + b, a * b

        def backward(self, g_sum: np.ndarray, g_product: np.ndarray) -> Any:
            return g_sum + g_product * self.b, g_sum + g_product * self.a

    a, b = dl.tensor([2.0], requires_grad=True), dl.tensor([5.0], requires_grad=True)
    total, product = SumAndProduct()(a, b)
    (total + 10 * product).sum().backward()
    assert a.grad.tolist() == [51]
    assert b.grad.tolist() == [21]


def test_errors() -> None:
    class Wrong(nn.Module):
        def forward(self, a: np.ndarray, b: np.ndarray, *, scale: Any = 1) -> np.ndarray:
            return (a + b) * scale

        def backward(self, grad_output: np.ndarray) -> np.ndarray:
            return grad_output

    x = dl.ones(2, requires_grad=True)
    with pytest.raises(GradientError, match="returned 1 gradients, but its forward took 2"):
        Wrong()(x, x).sum().backward()
    with pytest.raises(GradientError, match="keyword argument 'scale' requires grad"):
        Wrong()(x, x, scale=x)
    with pytest.raises(GradientError, match=r"Tanh has its own backward.* create_graph=True"):
        dl.autograd.grad(Tanh()(x).sum(), x, create_graph=True)
    with pytest.raises(ShapeError, match=r"has shape \(64, 3\), the parameter \(3,\); sum over"):
        Linear(2, 3).bias.accumulate_grad(np.ones((64, 3)))
    with pytest.raises(ShapeError, match=r"the parameter \(3, 2\); transpose it"):
        Linear(2, 3).weight.accumulate_grad(np.ones((2, 3)))
    with pytest.raises(ShapeError, match=r"\(3, 2\); each element .* one derivative"):
        Linear(2, 3).weight.accumulate_grad(np.ones((2, 5)))
    network = nn.Sequential(Linear(2, 2), nn.ReLU())
    with pytest.raises(TypeError, match=r"layer '1' \(ReLU\) has no backward"):
        network.backward(np.ones((1, 2)))


@pytest.mark.parametrize("shape", [(4,), (3,), (3, 4)])
def test_a_gradient_of_another_shape_than_its_input(shape: tuple[int, ...]) -> None:
    class Wrong(nn.Module):
        def forward(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
            return a + b

        def backward(self, grad_output: np.ndarray) -> Any:
            return grad_output, np.ones(shape)

    x = dl.ones(4, 3, requires_grad=True)
    message = rf"Wrong.backward returned a gradient of shape {re.escape(str(shape))} for input 1, "
    with pytest.raises(ShapeError, match=message):
        Wrong()(x, x).sum().backward()


class Forgets(nn.Module):
    """The identity; its backward has no `return`."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        return x * 1

    def backward(self, grad_output: np.ndarray) -> None:
        grad_output * 1


def test_a_backward_without_return_raises_if_its_input_needs_a_gradient() -> None:
    message = "Forgets.backward returned None for input 0, which requires grad: .* with `return`"
    with pytest.raises(GradientError, match=message):
        nn.Sequential(nn.Linear(3, 3), Forgets(), nn.Linear(3, 1))(dl.ones(2, 3)).sum().backward()
    last = nn.Linear(3, 1)
    last(Forgets()(dl.ones(2, 3))).sum().backward()  # nothing before it
    assert last.weight.grad.tolist() == [[2.0, 2.0, 2.0]]


def test_a_backward_without_return_raises_on_arrays_too() -> None:
    network = nn.Sequential(Linear(3, 3), Forgets(), Linear(3, 1))
    network(np.ones((2, 3), np.float32))
    message = r"layer '1' \(Forgets\).backward returned None for its input: .* would not learn"
    with pytest.raises(GradientError, match=message):
        network.backward(np.ones((2, 1), np.float32))
    network = nn.Sequential(Forgets(), Linear(3, 1))
    network(np.ones((2, 3), np.float32))
    assert network.backward(np.ones((2, 1), np.float32)) is None


def test_a_backward_that_means_something_else() -> None:
    class Agent(nn.Module):
        own_backward = False

        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Linear(2, 1)

        def forward(self, x: Any) -> Any:
            return self.body(x)

        def backward(self, loss: Any) -> None:
            loss.backward()

    agent = Agent()
    agent.backward(agent(dl.ones(1, 2)).sum())
    assert agent.body.bias.grad.tolist() == [1]


def test_the_graph_is_freed_without_the_garbage_collector() -> None:
    layer = Linear(2, 2)
    gc.disable()
    try:
        y = layer(dl.ones(1, 2))
        node = y.node
        import weakref

        alive = weakref.ref(node)
        y.sum().backward()
        del y, node
        assert alive() is None
    finally:
        gc.enable()
