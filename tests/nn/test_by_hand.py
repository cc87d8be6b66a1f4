"""Modules on plain arrays: call, backward, step; the library's layers and losses, and own ones."""

from __future__ import annotations

import copy
import gc
import io
import pickle
import threading
import warnings
import weakref
from typing import Any

import numpy as np
import pytest
from samples import MODULES
from samples.evaluate import is_tensor
from samples.modules import Built, Row

import dlframe as dl
from dlframe import nn, optim
from dlframe.base import nests
from dlframe.errors import GradientError, ShapeError
from dlframe.func import functional_call

ROWS = [row for rows in MODULES.values() for row in rows if row.call in ("m(*x)", "m(x[0] * 1)")]
FIRST = {row.name: row for row in reversed(ROWS)}


# --- every layer and loss of the table ---------------------------------------------------------


def _as_arrays(nest: Any) -> Any:
    return nests.map_leaves(lambda x: x.detach().numpy().copy("K") if is_tensor(x) else x, nest)


def _g(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    return np.cos(np.arange(np.prod(shape, dtype=int)) + 0.5).reshape(shape).astype(dtype)


def _parameters(module: Any) -> dict[str, np.ndarray | None]:
    return {
        key: None if p.grad is None else p.grad.numpy().copy()
        for key, p in module.named_parameters()
    }


def _is_quick(row: Row) -> bool:
    return row.recorded or row is FIRST[row.name]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=row.key, marks=[] if _is_quick(row) else [pytest.mark.slow])
        for row in ROWS
    ],
)
def test_gradients_by_hand_are_those_of_the_graph(row: Row, training: bool) -> None:
    """Outputs, gradients of inputs and parameters, and buffers: not a bit differs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of deprecated arguments and modules
        found = [_by_graph(row, training), _by_hand(row, training)]
    if found[0] is None:
        pytest.skip("its inputs are not arrays, or its outputs are not tensors")
    graph, by_hand = found
    assert graph.keys() == by_hand.keys()
    for key, want in graph.items():
        got = by_hand[key]
        if want is None:  # the output does not depend on it
            assert got is None or not got.any(), key
        else:
            np.testing.assert_array_equal(got, want, err_msg=key)
            assert got.dtype == want.dtype, key


def _built(row: Row, training: bool) -> tuple[Any, Any]:
    made = Built(row, dl)
    made.module.train(training)
    return made.module, made.inputs


def _called(row: Row, module: Any, inputs: Any) -> Any:
    return eval(row.call, {"m": module, "x": inputs})


def _targets(module: Any) -> set[int]:
    names = list(type(module).forward.__annotations__)
    return {i for i, name in enumerate(names) if name in ("target", "target_", "targets")}


def _by_graph(row: Row, training: bool) -> dict[str, Any] | None:
    module, inputs = _built(row, training)
    if not any(is_tensor(x) for x in nests.leaves(inputs)):
        return None

    def leaf(x: Any) -> Any:
        return x.detach().clone().requires_grad_(x.is_floating_point()) if is_tensor(x) else x

    skipped = _targets(module)
    given = [x if i in skipped else nests.map_leaves(leaf, x) for i, x in enumerate(inputs)]
    dl.manual_seed(3)
    outputs = [y for y in nests.leaves(_called(row, module, given)) if is_tensor(y)]
    recorded = [y for y in outputs if y.requires_grad]
    starts = [dl.from_numpy(_g(y.shape, y.array.dtype)) for y in recorded]
    if recorded:
        dl.autograd.backward(recorded, starts)
    found: dict[str, Any] = {f"output {i}": y.detach().numpy() for i, y in enumerate(outputs)}
    for i, x in enumerate(given):
        for j, leaf_ in enumerate(nests.leaves(x)):
            if is_tensor(leaf_) and leaf_.requires_grad:
                found[f"input {i} {j}"] = None if leaf_.grad is None else leaf_.grad.numpy()
    buffers = {key: b.numpy() for key, b in module.named_buffers()}
    return found | _parameters(module) | buffers


def _by_hand(row: Row, training: bool) -> dict[str, Any] | None:
    module, inputs = _built(row, training)
    if not any(is_tensor(x) for x in nests.leaves(inputs)):
        return None
    given = _as_arrays(inputs)
    dl.manual_seed(3)
    result = _called(row, module, given)
    outputs = [y for y in nests.leaves(result) if isinstance(y, np.ndarray)]
    assert not any(is_tensor(y) for y in nests.leaves(result))
    before = [y.copy() for y in outputs]
    grads = module.backward(
        *[_g(y.shape, y.dtype) if y.dtype.kind == "f" else None for y in outputs]
    )
    found: dict[str, Any] = {f"output {i}": y for i, y in enumerate(before)}
    skipped = _targets(module)
    positions = [i for i in range(len(given)) if i not in skipped]
    floats = [
        i
        for i in positions
        if any(isinstance(x, np.ndarray) and x.dtype.kind == "f" for x in nests.leaves(given[i]))
    ]
    if skipped and len(floats) == 1:
        positions = floats  # a loss gives d loss / d output alone
    grads = grads if len(positions) > 1 else (grads,)
    assert len(grads) == len(positions)
    for i, g in zip(positions, grads, strict=True):
        pairs = zip(nests.leaves(given[i]), nests.leaves(g), strict=True)
        for j, (x, gx) in enumerate(pairs):
            if isinstance(x, np.ndarray) and x.dtype.kind == "f":
                assert gx.shape == x.shape
                found[f"input {i} {j}"] = gx
            else:
                assert gx is None
    buffers = {key: b.numpy() for key, b in module.named_buffers()}
    return found | _parameters(module) | buffers


def test_every_class_has_a_row() -> None:
    assert {row.name for rows in MODULES.values() for row in rows} == FIRST.keys()


# --- the protocol ------------------------------------------------------------------------------


class Scale(nn.Module):
    """An own layer: y = w x."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(dl.tensor([2.0]))

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.x = x
        return x * self.w.array

    def backward(self, g: np.ndarray) -> np.ndarray:
        self.w.accumulate_grad((g * self.x).sum(keepdims=True).reshape(1))
        return g * self.w.array


class Residual(nn.Module):
    """An own layer with parts of the library's: y = x + tanh(linear(x))."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.tanh = nn.Linear(3, 3), nn.Tanh()

    def forward(self, x: np.ndarray) -> np.ndarray:
        y: np.ndarray = x + self.tanh(self.linear(x))
        return y

    def backward(self, g: np.ndarray) -> np.ndarray:
        dx: np.ndarray = g + self.linear.backward(self.tanh.backward(g))
        return dx


def numbers(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    return np.random.default_rng(4).normal(size=shape).astype(dtype)


def mixed() -> nn.Sequential:
    dl.manual_seed(0)
    inner = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), Scale())
    return nn.Sequential(Residual(), inner, nn.Dropout(0.5), nn.GELU(), nn.Linear(3, 2))


def gradients(module: nn.Module) -> list[np.ndarray]:
    return [np.array(p.grad.numpy()) for p in module.parameters()]


def test_a_network_is_trained_by_hand_as_by_the_graph() -> None:
    """Ready and own layers, a loss and an optimizer: the same parameters, to the last bit."""
    x, labels = numbers(8, 3), np.array([0, 1, 1, 0, 1, 0, 0, 1])
    nets = [mixed(), mixed()]
    for kind, net in enumerate(nets):
        criterion, optimizer = nn.CrossEntropyLoss(), optim.Adam(net.parameters(), lr=0.05)
        dl.manual_seed(7)
        for _ in range(5):
            optimizer.zero_grad()
            if kind:
                loss = criterion(net(dl.from_numpy(x)), dl.from_numpy(labels))
                loss.backward()
            else:
                loss = criterion(net(x), labels)
                assert type(loss) is np.ndarray
                assert net.backward(criterion.backward()).shape == x.shape
            optimizer.step()
    for a, b in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        np.testing.assert_array_equal(a.array, b.array)


def test_layer_by_layer_in_a_loop() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(3, 4), nn.ReLU(), Scale(), nn.Linear(4, 2)])

        def forward(self, x: Any) -> Any:
            for layer in self.layers:
                x = layer(x)
            return x

    net, x = Net(), numbers(5, 3)
    h = x
    for layer in net.layers:
        h = layer(h)
    g = np.ones_like(h)
    for layer in reversed(net.layers):
        g = layer.backward(g)
    found = [g, *gradients(net)]
    net.zero_grad()
    np.testing.assert_array_equal(net(x), h)  # the whole of it by hand, too
    again = [net.backward(np.ones_like(h)), *gradients(net)]
    net.zero_grad()
    leaf = dl.from_numpy(x).requires_grad_()
    net(leaf).sum().backward()
    for a, b, c in zip(found, again, [leaf.grad.numpy(), *gradients(net)], strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)


def test_an_own_layer_with_parts_of_the_library_by_hand_and_in_the_graph() -> None:
    layer, x = Residual(), numbers(4, 3)
    layer.linear.weight.register_hook(lambda g: 2 * g)
    g = numbers(4, 3) + 1
    layer(x)
    found = [layer.backward(g), *gradients(layer)]
    layer.zero_grad()
    leaf = dl.from_numpy(x).requires_grad_()
    y = layer(leaf)
    for times in (1, 2):  # a graph that is retained has as many backward passes as one likes
        y.backward(dl.from_numpy(g), retain_graph=True)
        wanted = [leaf.grad.numpy(), *gradients(layer)]
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_allclose(times * a, b, rtol=1e-6)
    state = {key: p.detach().clone().requires_grad_() for key, p in layer.named_parameters()}
    layer.zero_grad()
    functional_call(layer, state, dl.from_numpy(x)).backward(dl.from_numpy(g))
    np.testing.assert_allclose(state["linear.bias"].grad, found[2], rtol=1e-6)
    assert layer.linear.bias.grad is None


def test_a_layer_of_the_library_that_is_used_several_times() -> None:
    layer = nn.Linear(3, 3)
    net, x = nn.Sequential(layer, nn.Tanh(), layer, Residual(), layer), numbers(4, 3)
    dx = net.backward(np.ones_like(net(x)))
    found = [dx, *gradients(net)]
    net.zero_grad()
    leaf = dl.from_numpy(x).requires_grad_()
    net(leaf).sum().backward()
    for a, b in zip(found, [leaf.grad.numpy(), *gradients(net)], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


def test_backward_belongs_to_the_last_call_and_is_called_once() -> None:
    layer = nn.Linear(3, 2)
    first, second = numbers(4, 3), numbers(5, 3)
    y = layer(first)
    layer(second)
    with pytest.raises(ShapeError, match=r"Linear.backward: the gradient has shape \(4, 2\), the "):
        layer.backward(np.ones_like(y))
    g = np.ones((5, 2), np.float32)
    layer.backward(g)  # an error leaves what was kept
    np.testing.assert_allclose(layer.weight.grad, g.T @ second, rtol=1e-6)
    with pytest.raises(
        GradientError, match=r"Linear.backward: .* was called already, .*Sequential"
    ):
        layer.backward(g)
    layer(second)
    layer.backward(g)  # the gradients add up
    np.testing.assert_allclose(layer.weight.grad, 2 * g.T @ second, rtol=1e-6)


def test_errors() -> None:
    x = numbers(4, 3)
    layer = nn.Linear(3, 2)
    with pytest.raises(
        GradientError, match=r"Linear.backward: there was no call .* y = layer\(x\)"
    ):
        layer.backward(x)
    layer(dl.from_numpy(x))
    with pytest.raises(GradientError, match=r"with Tensors use loss.backward\(\)"):
        layer.backward(x)
    layer(x)
    for g, advice in (
        (np.ones((2, 4)), "transpose it"),
        (np.ones((3, 4, 2)), "sum over the axes that were broadcast"),
        (np.ones(2), "each element of the output has a derivative of its own"),
        (np.ones(8), "reshape it"),
        (np.ones((5, 5)), "each element of the output needs one derivative"),
    ):
        with pytest.raises(ShapeError, match=rf"the output \(4, 2\); {advice}"):
            layer.backward(g)
    with pytest.raises(GradientError, match=r"its output has shape \(4, 2\); give dL/d\(output\)"):
        layer.backward()
    with pytest.raises(GradientError, match="the gradient is str, not an array of numbers"):
        layer.backward("g")
    with pytest.raises(GradientError, match="got 2 gradients for 1 outputs"):
        layer.backward(x, x)
    with pytest.raises(ShapeError, match=r"In Linear\(in_features=3"):
        layer(numbers(4, 5))
    assert layer._last_call is None  # a call that fails leaves no earlier one behind

    class Clipped(nn.Linear):
        def backward(self, g: Any) -> Any:
            return super().backward(g).clip(-1, 1)

    clipped = Clipped(3, 2)
    clipped(x)
    with pytest.raises(
        GradientError, match=r"Clipped: super\(\).backward .* make the other layer a"
    ):
        clipped.backward(x)


def test_a_gradient_of_the_wrong_shape_names_the_layer_that_returned_it() -> None:
    class Sums(Scale):
        def backward(self, g: np.ndarray) -> np.ndarray:
            return super().backward(g).sum(axis=0)

    class Turns(Scale):
        def backward(self, g: np.ndarray) -> np.ndarray:
            return super().backward(g).T

    for kind, advice in ((Sums, "do not sum or average"), (Turns, "transpose it")):
        net = nn.Sequential(nn.Linear(3, 3), kind(), nn.Tanh())
        y = net(numbers(4, 3))
        message = rf"layer '1' \({kind.__name__}\).backward returned .* \(4, 3\); .*{advice}"
        with pytest.raises(ShapeError, match=message):
            net.backward(np.ones_like(y))
        message = rf"{kind.__name__}.backward returned .* for input 0, whose shape is .*{advice}"
        with pytest.raises(ShapeError, match=message):
            net(dl.from_numpy(numbers(4, 3))).sum().backward()


def test_what_a_backward_may_not_return() -> None:
    class Listed(Scale):
        def backward(self, g: np.ndarray) -> Any:
            return [super().backward(g)]

    class Complex(Scale):
        def backward(self, g: np.ndarray) -> Any:
            return g + 1j

    for kind, message in ((Listed, "a list for input 0"), (Complex, "an array of complex")):
        with pytest.raises(GradientError, match=rf"{kind.__name__}.backward returned {message}"):
            kind()(dl.ones(2, requires_grad=True)).sum().backward()


def test_a_parameters_gradient_of_the_wrong_shape_names_the_parameter() -> None:
    class Wrong(Scale):
        def backward(self, g: np.ndarray) -> np.ndarray:
            self.w.accumulate_grad(g * self.x)
            return g

    layer = Wrong()
    layer(numbers(4, 1))
    with pytest.raises(
        ShapeError, match=r"Wrong.w.accumulate_grad: .* sum over the axes that were"
    ):
        layer.backward(numbers(4, 1))


def test_nothing_is_kept_under_no_grad() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).eval()
    layer, x = nn.Linear(3, 2), numbers(5, 3)
    kept = weakref.ref(before := numbers(5, 3))
    layer(before)
    del before
    with dl.no_grad():
        for module in (layer, net):
            assert type(module(x)) is np.ndarray
            with pytest.raises(GradientError, match=r"the last call was under no_grad\(\)"):
                module.backward(np.ones((5, 2)))
    assert kept() is None
    assert layer._last_call.run is None
    assert all(part._last_call.run is None for part in net.modules())


def test_memory_is_free_after_backward_and_at_the_next_call() -> None:
    layer = nn.Linear(3, 2)
    gc.disable()
    try:
        for again in (False, True):
            x = numbers(4, 3)
            alive = weakref.ref(x)
            y = layer(x)
            del x
            assert alive() is not None
            if again:
                layer(np.ones((1, 3), np.float32))
            else:
                layer.backward(np.ones_like(y))
            assert alive() is None
    finally:
        gc.enable()


def test_a_module_is_freed_with_its_last_call() -> None:
    net = nn.Sequential(Residual(), nn.Linear(3, 2))
    net[1].register_full_backward_hook(lambda m, gx, gy: None)
    net(numbers(4, 3))
    alive = weakref.ref(net)
    del net
    gc.collect()
    assert alive() is None


def test_the_arrays_given_out_may_be_written_to() -> None:
    """`shares -= one_hot` is common, and softmax's backward uses its output."""
    softmax, x = nn.Softmax(dim=1), numbers(4, 3)
    before, y = x.copy(), softmax(x)
    g = numbers(4, 3) + 1
    wanted = y * (g - (g * y).sum(1, keepdims=True))
    y -= 1
    np.testing.assert_allclose(softmax.backward(g), wanted, rtol=1e-5, atol=1e-6)
    for view in (nn.Flatten(), nn.Identity()):
        view(x)[...] = 0
        np.testing.assert_array_equal(x, before)
    layer = nn.ReLU(inplace=True)
    layer(x)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(layer.backward(np.ones_like(x)), x > 0)


def test_frozen_parameters_and_integers() -> None:
    net = nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 2))
    net[0].requires_grad_(False)
    net[1].weight.requires_grad = False
    y = net(np.array([1, 1, 4]))
    assert net.backward(np.ones_like(y)) is None
    assert net[0].weight.grad is net[1].weight.grad is None
    assert net[1].bias.grad.tolist() == [3, 3]
    layer = nn.Linear(3, 2).requires_grad_(False)
    y = layer(numbers(4, 3))
    np.testing.assert_allclose(layer.backward(np.ones_like(y))[0], layer.weight.array.sum(0))


def test_float64() -> None:
    layer, x = nn.Linear(3, 2).double(), numbers(4, 3, dtype=np.float64)
    y = layer(x)
    assert y.dtype == layer.backward(np.ones((4, 2), np.float32)).dtype == np.float64
    assert layer.weight.grad.dtype == np.float64
    narrow = nn.Linear(3, 2)
    y = narrow(x.astype(np.float32))
    assert narrow.backward(np.ones((4, 2))).dtype == np.float32  # g may be of float64


def test_nests_of_inputs_and_outputs() -> None:
    lstm, x = nn.LSTM(3, 4), numbers(5, 2, 3)
    y, (h, c) = lstm(x, (numbers(1, 2, 4), numbers(1, 2, 4)))
    dx, (dh, dc) = lstm.backward(np.ones_like(y), None, np.ones_like(c))
    assert (dx.shape, dh.shape, dc.shape) == (x.shape, h.shape, c.shape)
    attention, q = nn.MultiheadAttention(4, 2, batch_first=True), numbers(2, 3, 4)
    y, _ = attention(q, q, q, attn_mask=np.eye(3, dtype=bool)[::-1])
    grads = attention.backward(np.ones_like(y), None)
    assert [g.shape for g in grads] == [q.shape] * 3
    packed = nn.utils.rnn.pack_padded_sequence(dl.from_numpy(x), [5, 3])
    given = nests.map_leaves(lambda t: t.numpy() if is_tensor(t) else t, packed)
    out, last = nn.GRU(3, 4)(given)
    assert type(out) is type(packed)
    assert type(out.data) is type(last) is np.ndarray


def test_losses_give_the_gradient_of_their_output() -> None:
    x, target = numbers(4, 3), numbers(4, 3) + 1
    mse = nn.MSELoss()
    assert float(mse(x, target)) == pytest.approx(((x - target) ** 2).mean(), rel=1e-6)
    np.testing.assert_allclose(mse.backward(), 2 * (x - target) / x.size, rtol=1e-6)
    mse(x, target)
    np.testing.assert_allclose(mse.backward(np.array(3.0)), 6 * (x - target) / x.size, rtol=1e-6)
    each = nn.MSELoss(reduction="none")
    each(x, target)
    with pytest.raises(GradientError, match=r"MSELoss.backward: its output has shape \(4, 3\)"):
        each.backward()
    gaussian = nn.GaussianNLLLoss()
    gaussian(x, target, np.ones((4, 3), np.float32))
    assert [g.shape for g in gaussian.backward()] == [(4, 3), (4, 3)]
    ctc = nn.CTCLoss()
    ctc(
        nn.LogSoftmax(2)(numbers(5, 2, 4)),
        np.array([[1, 2], [3, 1]]),
        np.array([5, 5]),
        np.array([2, 2]),
    )
    assert ctc.backward().shape == (5, 2, 4)
    triplet = nn.TripletMarginLoss()
    triplet(x, target, x + 0.5)
    assert len(triplet.backward()) == 3


def test_an_input_that_the_output_does_not_depend_on_has_the_gradient_0() -> None:
    class First(nn.Module):
        def forward(self, a: Any, b: Any) -> Any:
            return a * 2

    layer = First()
    layer(numbers(2), numbers(3))
    da, db = layer.backward(np.ones(2))
    assert da.tolist() == [2, 2]
    assert db.tolist() == [0, 0, 0]


def test_tensors_are_recorded_and_arrays_in_a_recorded_forward_are_constants() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.own = nn.Embedding(4, 3), Scale()
            self.row = nn.Sequential(nn.Linear(3, 3), Scale())

        def forward(self, x: Any) -> Any:
            positions = np.ones((2, 3), np.float32)
            return x + self.embed(np.arange(2)) + self.own(positions) + self.row(positions)

    net = Net()
    net(dl.ones(2, 3)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    wanted = gradients(net)
    net.zero_grad()
    y = net(np.ones((2, 3), np.float32))
    net.backward(np.ones_like(y))
    for a, b in zip(gradients(net), wanted, strict=True):
        np.testing.assert_array_equal(a, b)
    mse = nn.MSELoss()
    assert is_tensor(mse(dl.ones(2), np.ones(2, np.float32)))  # one tensor is enough


def test_copies_and_files_of_a_module_have_no_last_call() -> None:
    net, x = mixed(), numbers(4, 3)
    y = net(x)
    copied, stored = copy.deepcopy(net), pickle.loads(pickle.dumps(net))
    for other in (copied, stored):
        with pytest.raises(GradientError, match="this is a copy, which was not called on arrays"):
            other.backward(np.ones_like(y))
        other(x)
        assert other.backward(np.ones_like(y)).shape == x.shape
    assert net.backward(np.ones_like(y)).shape == x.shape  # the copies took nothing away
    out = io.BytesIO()
    pickle.dump(net, out)
    assert len(out.getvalue()) < 20_000


@pytest.mark.parametrize("kind", [nn.Tanh, Scale])
def test_hooks(kind: Any) -> None:
    """They see tensors, as ever; in a Sequential those of own layers run, too."""
    layer, seen = kind(), []
    net = nn.Sequential(nn.Linear(3, 3), layer, nn.Linear(3, 2))
    layer.register_forward_hook(lambda m, x, y: seen.append("forward"))
    layer.register_full_backward_hook(lambda m, gx, gy: (seen.append("backward"), (2 * gx[0],))[1])
    x, results = numbers(4, 3), []
    for given in (x, dl.from_numpy(x)):
        net.zero_grad()
        y = net(given)
        if is_tensor(y):
            y.sum().backward()
        else:
            net.backward(np.ones_like(y))
        results.append(gradients(net))
    assert seen == ["forward", "backward"] * 2
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)
    whole = nn.Sequential(nn.Linear(3, 3), Scale())
    whole.register_full_backward_hook(lambda m, gx, gy: seen.append("whole"))
    whole.backward(np.ones_like(whole(x)))
    assert seen[-1] == "whole"


def test_a_backward_in_another_thread_is_an_error() -> None:
    layer, x = nn.Linear(3, 2), numbers(4, 3)
    errors: list[Exception] = []

    def backward() -> None:
        try:
            layer.backward(np.ones((4, 2)))
        except GradientError as error:
            errors.append(error)

    layer(x)
    thread = threading.Thread(target=backward)
    thread.start()
    thread.join()
    assert "was in another thread" in str(errors[0])
    layer.backward(np.ones((4, 2)))


def test_a_part_may_be_called_backward() -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.ahead = nn.Linear(2, 2)
            self.backward = nn.Linear(2, 2)

        def forward(self, x: Any) -> Any:
            return self.ahead(x) + self.backward(x)

    assert "backward.weight" in Both().state_dict()
    assert Both()(dl.ones(1, 2)).shape == (1, 2)
    assert "backward.weight" in nn.ModuleDict({"backward": nn.Linear(2, 2)}).state_dict()


def test_a_sequential_with_another_forward() -> None:
    class Twice(nn.Sequential):
        def forward(self, x: Any) -> Any:
            return super().forward(super().forward(x))

    net, x = Twice(nn.Linear(3, 3), Scale()), numbers(4, 3)
    dx = net.backward(np.ones_like(net(x)))
    found = gradients(net)
    net.zero_grad()
    leaf = dl.from_numpy(x).requires_grad_()
    net(leaf).sum().backward()
    np.testing.assert_array_equal(dx, leaf.grad)
    for a, b in zip(found, gradients(net), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_graph_around_own_layers_with_rows_as_parts_may_be_retained() -> None:
    class Deep(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.row = nn.Sequential(nn.Linear(3, 3), Scale(), Residual(), nn.Dropout(0.5))

        def forward(self, x: np.ndarray) -> Any:
            return x + self.row(x)

        def backward(self, g: np.ndarray) -> Any:
            return g + self.row.backward(g)

    deep, x = Deep(), dl.from_numpy(numbers(4, 3)).requires_grad_()
    y = nn.Sequential(deep, nn.Tanh(), deep)(x).sum()  # each call has its own mask
    first = dl.autograd.grad(y, [x, *deep.parameters()], retain_graph=True)
    again = dl.autograd.grad(y, [x, *deep.parameters()])
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.any()


def test_training_mode_is_read_at_the_call() -> None:
    """Dropout's backward has the mask of its call, whatever the mode is by then."""
    layer, x = nn.Dropout(0.5), np.ones((4, 5), np.float32)
    y = layer(x)
    layer.eval()
    np.testing.assert_array_equal(layer.backward(x), y)
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(layer.backward(x), x)


class First(nn.Module):
    """The first of several outputs, as it stands after a recurrent layer."""

    def forward(self, x: Any) -> Any:
        return x[0]


class Pair(nn.Module):
    """Two outputs, with a backward of its own."""

    def forward(self, x: np.ndarray) -> Any:
        self.x = x
        return np.tanh(x), 2 * x

    def backward(self, g: np.ndarray, h: np.ndarray) -> Any:
        return g * (1 - np.tanh(self.x) ** 2) + 2 * h


class Product(nn.Module):
    """Of two inputs in a tuple, with a backward of its own."""

    def forward(self, x: Any) -> Any:
        self.x = x
        return x[0] * x[1]

    def backward(self, g: np.ndarray) -> Any:
        return g * self.x[1], g * self.x[0]


def test_layers_with_several_outputs_in_a_row() -> None:
    def made() -> nn.Module:
        dl.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 3), nn.LSTM(3, 4), First(), nn.Linear(4, 2))

    x, g = numbers(5, 2, 3), numbers(5, 2, 2)
    by_hand, by_graph = made(), made()
    by_hand(x)
    leaf = dl.from_numpy(x).requires_grad_()
    by_graph(leaf).backward(dl.tensor(g))
    np.testing.assert_array_equal(by_hand.backward(g), leaf.grad)
    for a, b in zip(by_hand.parameters(), by_graph.parameters(), strict=True):
        np.testing.assert_array_equal(a.grad, b.grad)


def test_a_row_that_ends_with_several_outputs() -> None:
    dl.manual_seed(0)
    net, x = nn.Sequential(nn.Linear(3, 3), nn.LSTM(3, 4)), numbers(5, 2, 3)
    y, (h, c) = net(x)
    leaf = dl.from_numpy(x).requires_grad_()
    out, _ = net(leaf)
    out.sum().backward()
    net(x)
    np.testing.assert_allclose(net.backward(np.ones_like(y), None, None), leaf.grad, rtol=1e-5)
    net(x)
    with pytest.raises(GradientError, match="got 1 gradient for 3 outputs; give one for each"):
        net.backward(np.ones_like(y))
    assert net.backward(np.ones_like(y), np.ones_like(h), np.ones_like(c)).shape == x.shape


def test_own_layers_that_hand_on_several_arrays() -> None:
    net, x = nn.Sequential(nn.Linear(3, 3), Pair(), Product(), nn.Linear(3, 2)), numbers(4, 3)
    weight, bias = (p.detach().numpy() for p in net[0].parameters())
    net(x)
    dx = net.backward(np.ones((4, 2), np.float32))
    z = x @ weight.T + bias
    slope = 2 * (np.tanh(z) + z * (1 - np.tanh(z) ** 2))
    expected = (slope * net[3].weight.detach().numpy().sum(0)) @ weight
    np.testing.assert_allclose(dx, expected, rtol=1e-4, atol=1e-5)
    alone = nn.Sequential(nn.Linear(3, 1))
    alone(x[:1])
    assert alone.backward().shape == (1, 3)  # of one number, as everywhere
    net(x)
    with pytest.raises(GradientError, match=r"got 2 gradients for 1 output$"):
        net.backward(x, x)
