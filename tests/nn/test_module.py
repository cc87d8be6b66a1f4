from __future__ import annotations

import copy
import pickle
import sys
from typing import Any

import numpy as np
import pytest

from dlframe import nn
from dlframe.errors import DTypeError
from dlframe.tensor import Tensor


def parameter(*shape: int) -> nn.Parameter:
    return nn.Parameter(np.zeros(shape, dtype=np.float32))


def tensor(*shape: int) -> Tensor:
    return Tensor(np.zeros(shape, dtype=np.float32))


class Layer(nn.Module):
    def __init__(self, bias: bool = True) -> None:
        super().__init__()
        self.weight = parameter(3, 2)
        if bias:
            self.bias = parameter(3)
        else:
            self.register_parameter("bias", None)
        self.register_buffer("count", tensor())
        self.register_buffer("scratch", tensor(2), persistent=False)

    def extra_repr(self) -> str:
        return "2 -> 3"


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = Layer()
        self.scale = parameter(1)
        self.second = Layer(bias=False)
        self.again = self.first


# --- the registry ------------------------------------------------------------------------------


def test_names_come_in_the_order_of_assignment() -> None:
    net = Net()
    assert [name for name, _ in net.named_parameters()] == [
        "scale", "first.weight", "first.bias", "second.weight"
    ]  # fmt: skip
    assert [name for name, _ in net.named_buffers()] == [
        "first.count", "first.scratch", "second.count", "second.scratch"
    ]  # fmt: skip
    assert [name for name, _ in net.named_modules()] == ["", "first", "second"]
    assert [name for name, _ in net.named_children()] == ["first", "second"]
    assert list(net.parameters(recurse=False)) == [net.scale]


def test_shared_parts_come_once_unless_asked_for() -> None:
    net = Net()
    net.tied = net.second.weight
    names = [name for name, _ in net.named_parameters()]
    assert names == ["scale", "tied", "first.weight", "first.bias"]
    everything = [name for name, _ in net.named_parameters(remove_duplicate=False)]
    assert everything == [
        "scale", "tied", "first.weight", "first.bias", "second.weight", "again.weight", "again.bias"
    ]  # fmt: skip
    modules = [name for name, _ in net.named_modules(remove_duplicate=False)]
    assert modules == ["", "first", "second", "again"]
    assert next(net.named_parameters(prefix="net"))[0] == "net.scale"


def test_none_keeps_the_place_of_a_parameter() -> None:
    layer = Layer(bias=False)
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    layer.later = parameter(1)
    layer.bias = parameter(3)
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias", "later"]
    layer.weight = None
    assert [name for name, _ in layer.named_parameters()] == ["bias", "later"]
    layer.weight = parameter(3, 2)
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias", "later"]


def test_a_plain_attribute_that_becomes_a_parameter_goes_to_the_end() -> None:
    module = nn.Module()
    module.a = None
    module.b = parameter(1)
    module.a = parameter(1)
    assert [name for name, _ in module.named_parameters()] == ["b", "a"]


def test_what_may_be_assigned_over_what() -> None:
    layer = Layer()
    with pytest.raises(TypeError, match="to parameter 'weight'"):
        layer.weight = tensor(3, 2)
    with pytest.raises(TypeError, match="to parameter 'weight'"):
        layer.weight = nn.Module()
    with pytest.raises(TypeError, match="to buffer 'count'"):
        layer.count = 3
    net = Net()
    with pytest.raises(TypeError, match="to module 'first'"):
        net.first = 3
    assert isinstance(net.first, Layer)  # a refused assignment changes nothing
    layer.count = nn.Module()  # a module may replace a buffer, a parameter may replace anything
    assert [name for name, _ in layer.named_buffers()] == ["scratch"]
    net.first = parameter(1)
    assert [name for name, _ in net.named_parameters(recurse=False)] == ["scale", "first"]


def test_a_tensor_assigned_over_a_buffer_stays_a_buffer() -> None:
    layer = Layer()
    new = tensor(5)
    layer.scratch = new
    assert layer.scratch is new
    assert dict(layer.named_buffers())["scratch"] is new
    assert "scratch" not in layer.state_dict()  # and stays out of the state, as registered
    layer.count = None
    assert "count" not in layer.state_dict()
    layer.count = new
    assert list(layer.state_dict()) == ["weight", "bias", "count"]


def test_buffers_by_assignment() -> None:
    module = nn.Module()
    module.kept = nn.Buffer(tensor(2))
    module.lost = nn.Buffer(tensor(2), persistent=False)
    module.plain = tensor(2)
    assert [name for name, _ in module.named_buffers()] == ["kept", "lost"]
    assert list(module.state_dict()) == ["kept"]


def test_deleting() -> None:
    net = Net()
    del net.first, net.scale
    assert [name for name, _ in net.named_children()] == ["second", "again"]
    assert list(net.parameters(recurse=False)) == []
    with pytest.raises(AttributeError):
        del net.first
    layer = Layer()
    del layer.count
    layer.count = 3
    assert layer.count == 3


@pytest.mark.parametrize("register", ["register_parameter", "register_buffer", "register_module"])
def test_names_that_cannot_be(register: str) -> None:
    layer = Layer()
    value: Any = {
        "register_parameter": parameter(1),
        "register_buffer": tensor(1),
        "register_module": nn.Module(),
    }[register]
    with pytest.raises(KeyError, match="t contain"):
        getattr(layer, register)("a.b", value)
    with pytest.raises(KeyError, match="t be empty"):
        getattr(layer, register)("", value)
    with pytest.raises(KeyError, match="attribute 'forward' already exists"):
        getattr(layer, register)("forward", value)
    with pytest.raises(TypeError, match="name should be a string"):
        getattr(layer, register)(3, value)
    with pytest.raises(TypeError, match="object to"):
        getattr(layer, register)("x", "text")


def test_paths() -> None:
    net = Net()
    assert net.get_submodule("") is net
    assert net.get_submodule("first") is net.first
    assert net.get_parameter("first.weight") is net.first.weight
    assert net.get_buffer("second.count") is net.second.count
    with pytest.raises(AttributeError, match=r"Net has no attribute `third`; its parts are"):
        net.get_submodule("third.x")
    with pytest.raises(AttributeError, match=r"`scale` is not an nn.Module"):
        net.get_submodule("scale")
    with pytest.raises(AttributeError, match=r"`weight` is not an nn.Buffer"):
        net.get_buffer("first.weight")
    with pytest.raises(AttributeError, match=r"`count` is not an nn.Parameter"):
        net.get_parameter("first.count")
    new = nn.Module()
    net.set_submodule("first", new)
    assert net.first is new
    net.set_submodule("first.inner", new)
    assert net.first.inner is new
    with pytest.raises(AttributeError):
        net.set_submodule("first.other", new, strict=True)


def test_the_views_of_the_attributes_by_kind() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU())
    net._modules["2"] = nn.Tanh()
    assert [(k, type(v).__name__) for k, v in net._modules.items()] == [
        ("0", "Linear"), ("1", "BatchNorm1d"), ("2", "Tanh")
    ]  # fmt: skip
    del net._modules["1"]
    assert len(net) == len(net._modules) == 2
    layer = nn.Linear(2, 3, bias=False)
    assert dict(layer._parameters) == {"weight": layer.weight, "bias": None}
    weight = layer._parameters.pop("weight")
    assert not hasattr(layer, "weight")
    layer._buffers["weight"] = weight.data
    assert list(layer.state_dict()) == list(layer._buffers) == ["weight"]
    with pytest.raises(KeyError):
        layer._modules["weight"]
    with pytest.raises(TypeError, match="cannot assign"):
        layer._parameters["bias"] = 3.0

    def hook(*_: Any) -> None:
        pass

    handle = layer.register_forward_pre_hook(hook)
    assert dict(layer._forward_pre_hooks) == {handle.id: hook}
    assert not layer._forward_hooks
    layer._forward_pre_hooks.clear()
    assert not layer._forward_pre_hooks
    handle.remove()


def test_attribute_errors_are_pythons_own() -> None:
    class Typo(nn.Module):
        @property
        def shape(self) -> Any:
            return self.wieght.shape

    with pytest.raises(AttributeError, match="'Typo' object has no attribute 'wieght'"):
        Typo().shape  # the property's error, not one about `shape`


def test_without_super_init() -> None:
    class Careless(nn.Module):
        def __init__(self) -> None:
            self.weight = parameter(2)
            self.part = Layer()

        def forward(self, x: int) -> int:
            return x + 1

    module = Careless()
    assert module(1) == 2
    assert module.training
    assert list(module.state_dict()) == ["weight", "part.weight", "part.bias", "part.count"]


def test_init_takes_no_arguments() -> None:
    with pytest.raises(TypeError, match=r"Module.__init__\(\) takes no arguments"):
        nn.Module(3)

    class Mixin:
        def __init__(self, size: int) -> None:
            self.size = size

    class Both(nn.Module, Mixin):
        call_super_init = True

    assert Both(3).size == 3


def test_a_plain_container_of_modules_warns_once_per_class() -> None:
    class Hider(nn.Module):
        pass

    hider = Hider()
    hider.numbers = [1, 2]
    assert list(hider.parameters()) == []
    hider.layers = [nn.Module()]
    with pytest.warns(UserWarning, match=r"Hider.layers is a plain list.*nn.ModuleList"):
        hider.state_dict()
    assert list(hider.parameters()) == []  # warnings are errors

    class Other(nn.Module):
        pass

    other = Other()
    other.weights = {"a": parameter(1)}
    with pytest.warns(UserWarning, match="nn.ParameterDict"):
        list(other.parameters())

    class Grower(nn.Module):
        pass

    grower = Grower()
    grower.layers = []
    grower.layers.append(nn.Module())
    with pytest.warns(UserWarning, match="Grower.layers is a plain list"):
        list(grower.parameters())


def test_a_plain_container_of_registered_parts_does_not_warn() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = [nn.Linear(1, 1), nn.Linear(1, 1)]
            for i, layer in enumerate(self.layers):
                self.add_module(f"layer{i}", layer)
            self.body = nn.Sequential(nn.Linear(1, 1))
            self.inner, self.weights = (self.body[0],), {"w": self.body[0].weight}

    assert len(list(Net().parameters())) == 6  # warnings are errors


# --- calling -----------------------------------------------------------------------------------


def test_a_call_is_forward() -> None:
    class Sum(nn.Module):
        def forward(self, x: int, *, y: int = 0) -> int:
            return x + y

    assert Sum()(1, y=2) == 3
    with pytest.raises(NotImplementedError, match=r'Module \[Layer\] is missing .* "forward"'):
        Layer()(1)


def test_a_call_goes_straight_to_forward() -> None:
    """Without hooks one function of Python lies between the caller and `forward`."""

    class Same(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x

    module, x, called = Same(), tensor(1), []
    sys.setprofile(lambda frame, event, _: event == "call" and called.append(frame.f_code.co_name))
    try:
        module(x)
    finally:
        sys.setprofile(None)
    assert called == ["__call__", "forward"]


# --- all at once -------------------------------------------------------------------------------


def test_train_and_eval() -> None:
    net = Net()
    assert net.training
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    net.train()
    assert all(module.training for module in net.modules())
    with pytest.raises(ValueError, match="training mode is expected to be boolean"):
        net.train(1)


def test_apply_visits_parts_first() -> None:
    seen = []
    net = Net()
    assert net.apply(lambda module: seen.append(type(module).__name__)) is net
    assert seen == ["Layer", "Layer", "Net"]


def test_casting() -> None:
    net = Net()
    weight = net.first.weight
    weight.grad = Tensor(np.ones((3, 2), dtype=np.float32))
    net.register_buffer("steps", Tensor(np.zeros(2, dtype=np.int64)))
    assert net.double() is net
    assert net.first.weight is weight  # an optimizer that holds it goes on
    assert weight.array.dtype == weight.grad.array.dtype == np.float64
    assert net.first.count.array.dtype == np.float64
    assert net.steps.array.dtype == np.int64
    net.to("cpu", np.dtype("float32"), non_blocking=True)
    assert weight.array.dtype == np.float32
    net.to(Tensor(np.zeros(1, dtype=np.float16)))
    assert weight.array.dtype == np.float16
    net.to(device="cpu")
    assert weight.array.dtype == np.float16
    with pytest.raises(DTypeError, match="only accepts floating point"):
        net.to(np.dtype("int64"))
    with pytest.raises(ValueError, match="dlframe computes on the CPU"):
        net.to("cuda")
    with pytest.raises(TypeError, match="unexpected keyword"):
        net.to(dtypo=1)
    net.type(np.dtype("float64"))
    assert net.steps.array.dtype == np.float64


def test_requires_grad_and_zero_grad() -> None:
    net = Net()
    net.requires_grad_(False)
    assert not any(p.requires_grad for p in net.parameters())
    net.requires_grad_()
    assert all(p.requires_grad for p in net.parameters())
    for p in net.parameters():
        p.grad = Tensor(np.full_like(p.array, np.nan))
    net.zero_grad(set_to_none=False)
    assert all((p.grad.array == 0).all() for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


# --- printing, copying -------------------------------------------------------------------------


def test_repr() -> None:
    net = Net()
    net.register_module("nothing", None)
    assert repr(net) == (
        "Net(\n"
        "  (first): Layer(2 -> 3)\n"
        "  (second): Layer(2 -> 3)\n"
        "  (again): Layer(2 -> 3)\n"
        "  (nothing): None\n"
        ")"
    )
    assert repr(nn.Module()) == "Module()"


def test_dir_leaves_out_numbers() -> None:
    net = Net()
    net.add_module("0", nn.Module())
    assert "first" in dir(net)
    assert "0" not in dir(net)


def test_deepcopy_shares_nothing() -> None:
    net = Net()
    net.tied = net.second.weight
    other = copy.deepcopy(net)
    assert list(other.state_dict()) == list(net.state_dict())
    assert other.again is other.first
    assert other.tied is other.second.weight
    for ours, theirs in zip(net.parameters(), other.parameters(), strict=True):
        assert isinstance(theirs, nn.Parameter)
        assert not np.shares_memory(ours.array, theirs.array)
    other.second.weight = None
    assert net.second.weight is not None


def test_pickling_keeps_values_and_registration() -> None:
    layer = Layer(bias=False).eval()
    layer.own = nn.Buffer(tensor(2), persistent=False)
    layer.weight.array[...] = 3
    other = pickle.loads(pickle.dumps(layer))
    assert (other.weight.array == 3).all()
    assert isinstance(other.weight, nn.Parameter)
    assert not other.training
    assert [name for name, _ in other.named_buffers()] == ["count", "scratch", "own"]
    assert list(other.state_dict()) == ["weight", "count"]
    other.bias = parameter(3)  # its place was kept as well
    assert [name for name, _ in other.named_parameters()] == ["weight", "bias"]
