"""Modules, layers, initial values and losses beside PyTorch's own, live."""

from __future__ import annotations

import copy
import math
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import dlframe as dl  # noqa: E402 - only where there is something to compare with

LIBRARIES = (dl, torch)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="torch")  # what PyTorch says of its own code
        yield
    torch.set_num_threads(threads)


def both(expression: str, seed: int = 7, **names: Any) -> tuple[Any, Any]:
    """The expression under dlframe and under PyTorch, each seeded alike."""
    results = []
    for library in LIBRARIES:
        library.manual_seed(seed)
        scope = {"nn": library.nn, "dl": library, "OrderedDict": OrderedDict, **names}
        results.append(eval(expression, scope))
    return results[0], results[1]


def close(ours: Any, theirs: Any, what: str, rtol: float = 2e-5, atol: float = 2e-6) -> None:
    ours = ours.detach().numpy() if hasattr(ours, "detach") else np.asarray(ours)
    theirs = theirs.detach().numpy() if hasattr(theirs, "detach") else np.asarray(theirs)
    assert ours.shape == theirs.shape, what
    assert ours.dtype == theirs.dtype, what
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol, err_msg=what)


# --- initial values ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(3, 4), (5, 3), (6, 4, 3), (4, 4, 2, 3), (2, 3, 1, 2, 2)])
@pytest.mark.parametrize(
    "call",
    [
        "uniform_({t})",
        "uniform_({t}, -3, 0.1)",
        "normal_({t})",
        "normal_({t}, 5, 0.1)",
        "trunc_normal_({t})",
        "trunc_normal_({t}, 1, 0.5, 0.9, 3.0)",
        "trunc_normal_({t}, 0, 1, 0.5, 0.6)",
        "trunc_normal_({t}, std=0.02)",
        "constant_({t}, 0.3)",
        "ones_({t})",
        "zeros_({t})",
        "xavier_uniform_({t})",
        "xavier_uniform_({t}, gain=nn.init.calculate_gain('tanh'))",
        "xavier_normal_({t}, 0.5)",
        "kaiming_uniform_({t})",
        "kaiming_uniform_({t}, 0.2, 'fan_out', 'leaky_relu')",
        "kaiming_normal_({t}, nonlinearity='relu')",
        "kaiming_normal_({t}, mode='FAN_OUT', nonlinearity='selu')",
        "orthogonal_({t})",
        "orthogonal_({t}, 2.5)",
    ],
)
def test_initial_values(call: str, shape: tuple[int, ...], dtype: str) -> None:
    for seed in (0, 1):
        ours, theirs = both(
            f"nn.init.{call.format(t=f'dl.empty({shape}, dtype=dl.{dtype})')}", seed
        )
        double = dtype == "float64"
        close(ours, theirs, call, rtol=1e-9 if double else 1e-5, atol=1e-12 if double else 2e-6)
        assert dl.rand(1).item() == torch.rand(1).item()  # and both streams stand at the same place


@pytest.mark.parametrize(
    "call",
    [
        "sparse_(dl.empty(20, 7), 0.3)",
        "sparse_(dl.empty(20, 7), 0.95, std=2)",
        "sparse_(dl.empty(5, 3), 0.4, generator=dl.Generator().manual_seed(9))",
        "eye_(dl.empty(3, 5))",
        "eye_(dl.empty(5, 3))",
        "dirac_(dl.empty(3, 5, 3))",
        "dirac_(dl.empty(6, 2, 2, 3), 2)",
        "dirac_(dl.empty(4, 2, 3, 4, 5), groups=4)",
        "uniform_(dl.empty(9), generator=dl.Generator().manual_seed(9))",
        "trunc_normal_(dl.empty(9, 9), generator=dl.Generator().manual_seed(9))",
        "kaiming_uniform_(dl.empty(9, 9), generator=dl.Generator().manual_seed(9))",
        "orthogonal_(dl.empty(9, 9), generator=dl.Generator().manual_seed(9))",
    ],
)
def test_other_initial_values(call: str) -> None:
    close(*both(f"nn.init.{call}"), call, rtol=1e-5)


@pytest.mark.parametrize(
    "name", ["linear", "conv3d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]
)
def test_gains(name: str) -> None:
    ours, theirs = both(f"nn.init.calculate_gain({name!r})")
    assert ours == theirs
    if name == "leaky_relu":
        assert math.isclose(*both("nn.init.calculate_gain('leaky_relu', 0.3)"))


# --- modules -----------------------------------------------------------------------------------


def make_net(library: Any) -> Any:
    """A network with everything that has to do with names and order."""

    class Inner(library.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("early", library.zeros(2))
            self.lin = library.nn.Linear(2, 2)
            self.w = library.nn.Parameter(library.ones(2))
            self.register_parameter("none", None)
            self.register_buffer("hidden", library.ones(1), persistent=False)
            self.register_buffer("nothing", None)

        def forward(self, x: Any) -> Any:
            return self.lin(x) * self.w

    class Net(library.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = None
            self.b = Inner()
            self.a = library.nn.ModuleList([library.nn.Linear(2, 2), self.b])
            self.first = library.nn.Linear(2, 2)
            self.tied = self.first.weight
            self.d = library.nn.ModuleDict({"y": Inner(), "x": library.nn.ReLU()})
            self.p = library.nn.ParameterList([library.zeros(1), library.ones(2)])
            self.q = library.nn.ParameterDict({"two": library.zeros(1), "one": library.ones(2)})
            self.register_module("absent", None)
            self.buf = library.nn.Buffer(library.zeros(3))
            self.s = library.nn.Sequential(
                OrderedDict(z=library.nn.Tanh(), y=library.nn.Linear(2, 2))
            )

        def forward(self, x: Any) -> Any:
            for layer in self.a:
                x = layer(x)
            return self.s(self.d["y"](x)) + self.first(x)

        def extra_repr(self) -> str:
            return "one line\nand another"

    library.manual_seed(4)
    return Net()


def test_names_and_order() -> None:
    ours, theirs = map(make_net, LIBRARIES)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert list(ours.state_dict(prefix="p.")) == list(theirs.state_dict(prefix="p."))
    for method in ("named_parameters", "named_buffers", "named_modules"):
        for kwargs in ({}, {"remove_duplicate": False}, {"prefix": "net"}):
            names = [[n for n, _ in getattr(net, method)(**kwargs)] for net in (ours, theirs)]
            assert names[0] == names[1], (method, kwargs)
    assert [n for n, _ in ours.named_children()] == [n for n, _ in theirs.named_children()]
    for method in ("named_parameters", "named_buffers"):
        names = [[n for n, _ in getattr(net, method)(recurse=False)] for net in (ours, theirs)]
        assert names[0] == names[1]
    seen: list[list[str]] = [[], []]
    for net, names_seen in zip((ours, theirs), seen, strict=True):
        net.apply(lambda module, names_seen=names_seen: names_seen.append(type(module).__name__))
    assert seen[0] == seen[1]


def test_repr_of_a_network() -> None:
    ours, theirs = map(make_net, LIBRARIES)
    expected = (
        repr(theirs).replace("torch.float32", "float32").replace("torch.FloatTensor", "float32")
    )
    assert repr(ours) == expected


def rearrange(library: Any, net: Any) -> None:
    """What a user may do to a network later on."""
    net.b.none = library.nn.Parameter(library.zeros(1))
    net.b.lin = None
    net.first = library.nn.Tanh()
    net.b.nothing = library.ones(4)
    del net.a[0]
    net.a.append(library.nn.Linear(2, 1))
    net.s.insert(1, library.nn.ReLU()) if library is dl else None
    net.d["x"] = library.nn.Sigmoid()
    net.d.pop("y")
    net.late = library.nn.Parameter(library.zeros(2))
    net.buf = None
    net.absent = library.nn.Identity()
    net.p[0] = library.ones(3)
    net.q.update({"zero": library.zeros(2)})
    net.b.w = library.nn.Parameter(library.zeros(5))


def test_names_and_order_after_changes() -> None:
    nets = [make_net(library) for library in LIBRARIES]
    for library, net in zip(LIBRARIES, nets, strict=True):
        net.s = library.nn.Sequential(library.nn.Tanh(), library.nn.Linear(2, 2))
        rearrange(library, net)
        if library is torch:
            net.s.insert(1, torch.nn.ReLU())
    ours, theirs = nets
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in ours.named_modules()] == [n for n, _ in theirs.named_modules()]
    assert [n for n, _ in ours.named_buffers()] == [n for n, _ in theirs.named_buffers()]
    assert repr(copy.deepcopy(ours.a)) == repr(theirs.a)


def test_errors_of_loading_name_the_same_keys() -> None:
    for mutate in (
        lambda state: state.pop("first.bias"),
        lambda state: state.update({"new": state["first.bias"], "b.new": state["first.bias"]}),
        lambda state: state.update({"first.bias": state["first.weight"]}),
    ):
        lines = []
        for library in LIBRARIES:
            net = make_net(library)
            state = OrderedDict(net.state_dict())
            mutate(state)
            with pytest.raises(RuntimeError) as caught:
                net.load_state_dict(state)
            text = str(caught.value).replace("torch.Size([2, 2])", "(2, 2)")
            lines.append(text.replace("torch.Size([2])", "(2,)"))
        assert lines[0] == lines[1]


def test_loading_not_strictly() -> None:
    results = []
    for library in LIBRARIES:
        net = make_net(library)
        state = dict(net.state_dict())
        del state["first.bias"], state["b.w"]
        state["extra"] = state["buf"]
        results.append(tuple(map(list, net.load_state_dict(state, strict=False))))
    assert results[0] == results[1]


def test_networks_compute_the_same() -> None:
    outputs = []
    for library in LIBRARIES:
        net = make_net(library)
        library.manual_seed(1)
        x = library.randn(3, 2, requires_grad=True)
        y = net(x)
        (y * y).sum().backward()
        outputs.append([y, x.grad, *(p.grad for p in net.parameters() if p.grad is not None)])
    assert len(outputs[0]) == len(outputs[1])
    for ours, theirs in zip(*outputs, strict=True):
        close(ours, theirs, "network", rtol=1e-4)


# --- hooks -------------------------------------------------------------------------------------


def log_of_hooks(library: Any, inputs_need_gradients: bool) -> list[Any]:
    log: list[Any] = []
    library.manual_seed(2)
    net = library.nn.Sequential(library.nn.Linear(2, 2), library.nn.Tanh(), library.nn.Linear(2, 1))

    def numbers(values: Any) -> Any:
        if isinstance(values, tuple):
            return [numbers(value) for value in values]
        return (
            None if values is None else [round(v, 4) for v in values.detach().reshape(-1).tolist()]
        )

    def register(module: Any, name: str) -> None:
        module.register_forward_pre_hook(lambda m, a: log.append((name, "pre", numbers(a))))
        module.register_forward_hook(lambda m, a, out: log.append((name, "post", numbers(out))))
        module.register_forward_hook(
            lambda m, a, kw, out: log.append((name, "kwargs", kw)), with_kwargs=True, prepend=True
        )
        module.register_full_backward_pre_hook(
            lambda m, out: log.append((name, "backward pre", numbers(out)))
        )
        module.register_full_backward_hook(
            lambda m, inp, out: log.append((name, "backward", numbers(inp), numbers(out)))
        )
        module.register_full_backward_pre_hook(
            lambda m, out: log.append((name, "backward pre 2")), prepend=True
        )
        module.register_full_backward_hook(
            lambda m, inp, out: log.append((name, "2")), prepend=True
        )

    for name, module in net.named_modules():
        register(module, name)
    x = library.tensor([[1.0, -2.0], [0.5, 3.0]], requires_grad=inputs_need_gradients)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net(x).sum().backward()
    log.append(("gradient", numbers(x.grad)))
    return log


@pytest.mark.parametrize("inputs_need_gradients", [True, False])
def test_hooks_run_in_the_same_order_with_the_same_values(inputs_need_gradients: bool) -> None:
    ours, theirs = (log_of_hooks(library, inputs_need_gradients) for library in LIBRARIES)
    assert ours == theirs


def test_backward_hooks_with_some_inputs_only() -> None:
    logs = []
    for library in LIBRARIES:

        class Mix(library.nn.Module):  # type: ignore[name-defined,misc] # a class that is only known here
            def forward(self, a: Any, n: int, b: Any) -> Any:
                return a * n + b, a * a

        log: list[Any] = []
        module = Mix()
        module.register_full_backward_hook(
            lambda m, inp, out, log=log: log.append(
                [None if g is None else g.tolist() for g in (*inp, *out)]
            )
        )
        a = library.tensor([1.0, 2.0], requires_grad=True)
        b = library.tensor([3.0, 4.0])
        first, second = module(a, 3, b)
        first.sum().backward(retain_graph=True)
        second.sum().backward(retain_graph=True)
        (first + second).sum().backward()
        log.append(a.grad.tolist())
        logs.append(log)
    assert logs[0] == logs[1]


# --- gradients ---------------------------------------------------------------------------------


@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.5, float("inf"), 0.0])
@pytest.mark.parametrize("max_norm", [0.1, 1e6])
def test_clipping(norm_type: float, max_norm: float) -> None:
    results = []
    for library in LIBRARIES:
        net = make_net(library)
        library.manual_seed(1)
        net(library.randn(3, 2)).sum().backward()
        total = library.nn.utils.clip_grad_norm_(net.parameters(), max_norm, norm_type)
        results.append([total, *(p.grad for p in net.parameters() if p.grad is not None)])
    for ours, theirs in zip(*results, strict=True):
        close(ours, theirs, "gradient", rtol=1e-4)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 1e30, 0.0])
@pytest.mark.parametrize("max_norm", [1.0, 0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("norm_type", [2.0, 1.0, float("inf"), float("-inf"), 0.5, 0.0])
def test_clipping_what_is_not_finite(value: float, max_norm: float, norm_type: float) -> None:
    results = []
    for library in LIBRARIES:
        a, b = (library.nn.Parameter(library.zeros(n)) for n in (2, 1))
        a.grad, b.grad = library.tensor([value, 1.0]), library.tensor([100.0])
        total = library.nn.utils.clip_grad_norm_([a, b], max_norm, norm_type)
        results.append([total, a.grad, b.grad])
    for ours, theirs in zip(*results, strict=True):
        close(ours, theirs, "gradient", rtol=1e-5)


def test_vectors_of_parameters() -> None:
    ours, theirs = (
        library.nn.utils.parameters_to_vector(make_net(library).parameters())
        for library in LIBRARIES
    )
    close(ours, theirs, "vector")


# --- training ----------------------------------------------------------------------------------

# No bias before batch norm: its gradient is nothing but rounding, which Adam would make large.
NETWORKS = {
    "mlp": """nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.2),
                            nn.Linear(32, 32), nn.LayerNorm(32), nn.GELU(), nn.Linear(32, 10))""",
    "cnn": """nn.Sequential(nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
                            nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.SiLU(),
                            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))""",
}


@pytest.mark.parametrize("optimizer", ["SGD(p, 0.1, momentum=0.9)", "AdamW(p, 0.01)"])
@pytest.mark.parametrize("network", list(NETWORKS))
def test_training_prints_the_same_losses(network: str, optimizer: str) -> None:
    printed = []
    for library in LIBRARIES:
        library.manual_seed(0)
        model = eval(NETWORKS[network], {"nn": library.nn})
        images, labels = library.randn(160, 1, 8, 8), library.randint(0, 10, (160,))
        step = eval(f"optim.{optimizer}", {"optim": library.optim, "p": model.parameters()})
        loss_of = library.nn.CrossEntropyLoss(label_smoothing=0.1)
        losses = []
        for _ in range(2):
            for batch in library.randperm(160).reshape(5, 32):
                step.zero_grad()
                loss = loss_of(model(images[batch]), labels[batch])
                loss.backward()
                library.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                step.step()
                losses.append(f"{loss.item():.4f}")
        model.eval()
        losses.append(f"{loss_of(model(images), labels).item():.4f}")
        printed.append(losses)
    assert printed[0] == printed[1]
