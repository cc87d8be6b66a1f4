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
    with pytest.raises(
        GradientError, match="returned 1 gradient, but its forward took 2 arguments"
    ):
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
    with pytest.raises(GradientError, match="there was no call on arrays before"):
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


# --- in all that is built on modules -----------------------------------------------------------


class Rule(Linear):
    """A Linear that can be differentiated again."""

    def backward_on_tensors(self, g: Any, x: Any) -> Any:
        return g @ self.weight, g.T @ x, g.sum(0)


class SimpleRNN(nn.Module):
    """h_t = tanh(W x_t + U h_{t-1}), with back-propagation through time written out."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.W = nn.Parameter(dl.randn(hidden, inputs) / inputs**0.5)
        self.U = nn.Parameter(dl.randn(hidden, hidden) / hidden**0.5)

    def forward(self, x: np.ndarray) -> np.ndarray:
        states = [np.zeros((x.shape[1], len(self.U)), x.dtype)]
        for x_t in x:
            states.append(np.tanh(x_t @ self.W.array.T + states[-1] @ self.U.array.T))
        self.x, self.states = x, states
        return np.stack(states[1:])

    def backward(self, g: np.ndarray) -> np.ndarray:
        dx, dh = np.zeros_like(self.x), np.zeros_like(self.states[0])
        for t in reversed(range(len(self.x))):
            da = (g[t] + dh) * (1 - self.states[t + 1] ** 2)
            self.W.accumulate_grad(da.T @ self.x[t])
            self.U.accumulate_grad(da.T @ self.states[t])
            dx[t], dh = da @ self.W.array, da @ self.U.array
        return dx


def test_a_recurrent_loop_and_its_own_backward_through_time() -> None:
    x = dl.randn(4, 2, 3, dtype=dl.float64)
    by_hand = SimpleRNN(3, 5).double()
    results = []
    for kind in ("by hand", "steps"):
        given = x.clone().requires_grad_()
        if kind == "by hand":
            y = by_hand(given)
        else:
            h, states = dl.zeros(2, 5, dtype=dl.float64), []
            for x_t in given:
                h = dl.tanh(x_t @ by_hand.W.T + h @ by_hand.U.T)
                states.append(h)
            y = dl.stack(states)
        grads = dl.autograd.grad((y * y.detach().cos()).sum(), [given, by_hand.W, by_hand.U])
        results.append([y, *grads])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a.detach(), b.detach(), rtol=1e-10)


def test_a_loop_over_time_on_arrays_with_one_shared_layer() -> None:
    """The layer is called three times; each backward gets the arrays of its own call."""
    layer = Linear(2, 2)
    loop = nn.Sequential(layer, Tanh(), layer, Tanh(), layer)
    x = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)
    y = loop(x)
    dx = loop.backward(np.ones_like(y))
    found = layer.weight.grad.array.copy()
    layer.zero_grad()
    leaf = dl.from_numpy(x).requires_grad_()
    loop(leaf).sum().backward()
    np.testing.assert_allclose(found, layer.weight.grad, rtol=1e-5)
    np.testing.assert_allclose(dx, leaf.grad, rtol=1e-5)


def test_ordinary_layers_in_a_network_by_hand(circle: tuple[np.ndarray, np.ndarray]) -> None:
    x, target = circle
    inner = nn.Sequential(Tanh(), nn.Linear(8, 8))
    network = nn.Sequential(Linear(2, 8), nn.BatchNorm1d(8), inner, nn.ReLU(), nn.Linear(8, 1))
    y = network(x)
    assert type(y) is np.ndarray
    dx = network.backward(2 * (y - target) / y.size)
    found = [p.grad.array.copy() for p in network.parameters()]
    network.zero_grad()
    leaf = dl.from_numpy(x).requires_grad_()
    nn.functional.mse_loss(network(leaf), dl.from_numpy(target)).backward()
    np.testing.assert_allclose(dx, leaf.grad, rtol=1e-3, atol=1e-6)
    for a, b in zip(found, network.parameters(), strict=True):
        np.testing.assert_allclose(a, b.grad, rtol=1e-3, atol=1e-6)
    with dl.no_grad():
        network(x)
    with pytest.raises(GradientError, match=r"the last call was under no_grad\(\)"):
        network.backward(np.ones_like(y))


def test_several_inputs_and_outputs_by_hand() -> None:
    bilinear = nn.Bilinear(2, 3, 4)
    a, b = np.ones((5, 2), np.float32), np.ones((5, 3), np.float32)
    y = bilinear(a, b)
    da, db = bilinear.backward(np.ones_like(y))
    assert (da.shape, db.shape) == (a.shape, b.shape)
    embedding = nn.Sequential(nn.Embedding(5, 2), Tanh())
    assert embedding.backward(np.ones_like(embedding(np.array([1, 3])))) is None
    assert embedding[0].weight.grad is not None
    bilinear(a, b)
    with pytest.raises(GradientError, match="got 2 gradients for 1 outputs"):
        bilinear.backward(y, y)


def test_a_rule_on_tensors_gives_higher_orders() -> None:
    ordinary, rule = nn.Linear(3, 2).double(), Rule(3, 2).double()
    ordinary.load_state_dict(rule.state_dict())
    results = []
    for layer in (ordinary, rule):
        x = dl.ones(4, 3, dtype=dl.float64, requires_grad=True)
        y = layer(x).tanh()
        inputs = [x, *layer.parameters()]
        first = dl.autograd.grad(y.square().sum(), inputs, create_graph=True)
        second = dl.autograd.grad(sum((g * g).sum() for g in first), inputs)
        results.append([*first, *second])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a.detach(), b.detach(), rtol=1e-10)
    assert dl.autograd.gradgradcheck(rule, dl.randn(2, 3, dtype=dl.float64, requires_grad=True))

    class Half(Linear):
        def backward_on_tensors(self, g: Any, x: Any) -> Any:
            return g @ self.weight

    x = dl.ones(1, 3, requires_grad=True)
    message = r"returned 1 gradients; .* 1 inputs and 2 parameters"
    with pytest.raises(GradientError, match=message):
        dl.autograd.grad(Half(3, 2)(x).sum(), x, create_graph=True)


@pytest.mark.parametrize("kind", [Linear, Rule])
def test_functional_call_and_maps(kind: Any) -> None:
    """Gradients go to the tensors that stand in for the parameters."""
    from dlframe.func import functional_call, grad, hessian, jacrev, stack_module_state, vmap

    layer, ordinary = kind(3, 2).double(), nn.Linear(3, 2).double()
    x = dl.randn(4, 3, dtype=dl.float64)
    state = {k: 2 * v.detach() for k, v in layer.named_parameters()}
    results = []
    for module in (layer, ordinary):

        def loss(p: Any, x: Any, module: Any = module) -> Any:
            return functional_call(module, p, (x,)).square().sum()

        given = {k: v.clone().requires_grad_() for k, v in state.items()}
        loss(given, x).backward()
        assert all(p.grad is None for p in module.parameters())
        each = vmap(grad(loss), (None, 0))(state, x[:, None])
        found = [*(v.grad for v in given.values()), *grad(loss)(state, x).values(), *each.values()]
        found += [jacrev(lambda x, m=module, s=state: functional_call(m, s, (x,)))(x)]
        if kind is Rule:
            found += [hessian(lambda w: loss({**state, "weight": w}, x))(state["weight"])]
        results.append(found)
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)
    models = [kind(3, 2) for _ in range(3)]
    params, buffers = stack_module_state(models)
    run = vmap(lambda p, b, x: functional_call(models[0], (p, b), x), (0, 0, None))
    y = run(params, buffers, dl.ones(4, 3))
    np.testing.assert_allclose(
        y.detach(), np.stack([m(dl.ones(4, 3)).detach() for m in models]), rtol=1e-6
    )
    y.sum().backward()
    assert params["bias"].grad.tolist() == [[4.0, 4.0]] * 3


def test_writes_in_place_to_what_the_layer_kept() -> None:
    y = Tanh()(dl.ones(3, requires_grad=True))
    y.mul_(2)
    with pytest.raises(GradientError, match="inplace") as caught:
        y.sum().backward()
    assert "an input, an output or a parameter of Tanh" in caught.value.__notes__[0]
    layer, x = Linear(3, 2), dl.ones(4, 3)
    out = layer(x)
    with dl.no_grad():
        layer.weight.mul_(2)
    with pytest.raises(GradientError, match="inplace"):
        out.sum().backward()
    out = layer(x)
    x.add_(1)
    with pytest.raises(GradientError, match="inplace"):
        out.sum().backward()
    out = layer(x)
    out.add_(1)  # not kept
    out.sum().backward()


def test_an_output_has_memory_of_its_own() -> None:
    class Same(nn.Module):
        def forward(self, x: np.ndarray) -> np.ndarray:
            return x.reshape(-1)

        def backward(self, g: np.ndarray) -> np.ndarray:
            return g.reshape(2, 2)

    x = dl.ones(2, 2, requires_grad=True)
    Same()(x).mul_(3).sum().backward()
    assert x.tolist() == [[1, 1], [1, 1]]
    assert x.grad.tolist() == [[3, 3], [3, 3]]


def test_explain_names_the_layer() -> None:
    layer = Linear(2, 2)
    text = str(layer(dl.ones(1, 2, requires_grad=True)).sum().explain())
    assert "Linear(" in text
    assert "_OwnBackward" not in text


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
