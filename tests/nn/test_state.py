from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

from dlframe import nn
from dlframe.errors import StateDictError
from dlframe.tensor import Tensor


def parameter(*shape: int) -> nn.Parameter:
    return nn.Parameter(np.zeros(shape, dtype=np.float32))


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", Tensor(np.zeros(3, dtype=np.float32)))
        self.weight = parameter(3, 2)
        self.bias = parameter(3)
        self.register_buffer("steps", Tensor(np.zeros((), dtype=np.int64)))


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = Layer()
        self.scale = parameter()
        self.b = Layer()


def arrays(module: nn.Module, value: float = 1) -> dict[str, np.ndarray]:
    return {k: np.full_like(v.array, value) for k, v in module.state_dict().items()}


def test_parameters_then_buffers_then_parts() -> None:
    assert list(Net().state_dict(prefix="net.")) == [
        "net.scale",
        "net.a.weight", "net.a.bias", "net.a.mean", "net.a.steps",
        "net.b.weight", "net.b.bias", "net.b.mean", "net.b.steps",
    ]  # fmt: skip


def test_values_share_memory() -> None:
    net = Net()
    state = net.state_dict()
    state["a.weight"].array[...] = 5
    assert (net.a.weight.array == 5).all()
    assert not state["a.weight"].requires_grad
    assert net.state_dict(keep_vars=True)["a.weight"] is net.a.weight


def test_destination() -> None:
    mine: OrderedDict[str, Any] = OrderedDict(first=1)
    assert Layer().state_dict(destination=mine) is mine
    assert list(mine) == ["first", "weight", "bias", "mean", "steps"]


def test_loading_arrays_and_tensors_copies() -> None:
    net = Net()
    weight, before = net.a.weight, net.a.weight.array
    state: dict[str, Any] = arrays(net)
    state["b.weight"] = Tensor(state["b.weight"])
    assert repr(net.load_state_dict(state)) == "<All keys matched successfully>"
    assert net.a.weight is weight
    assert net.a.weight.array is before
    assert all((v.array == 1).all() for v in net.state_dict().values())
    assert not np.shares_memory(net.b.weight.array, state["b.weight"].array)


def test_a_mean_of_states_loads_if_the_counters_stay_whole() -> None:
    norm, other = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    other.num_batches_tracked += 4
    mean = {k: (v + other.state_dict()[k]) / 2 for k, v in norm.state_dict().items()}
    norm.load_state_dict(mean)
    assert norm.num_batches_tracked.item() == 2
    assert norm.num_batches_tracked.dtype == np.int64
    mean["num_batches_tracked"] = mean["num_batches_tracked"] + 0.5
    with pytest.raises(StateDictError, match="leave counters out of an average, or round them"):
        norm.load_state_dict(mean)


def test_every_mismatch_in_one_error_and_nothing_changed() -> None:
    net = Net()
    state = arrays(net)
    del state["a.bias"]
    del state["scale"]
    state["b.weight"] = np.ones((2, 3), dtype=np.float32)
    state["b.mean"] = np.array(["x", "y", "z"])
    state["a.steps"] = np.array(1.5)
    state["b.bias"] = [1.0, 2.0, 3.0]  # type: ignore[assignment] # another type on purpose
    state["c.weight"] = np.ones(3)
    with pytest.raises(StateDictError) as caught:
        net.load_state_dict(state)
    lines = str(caught.value).split("\n\t")
    assert lines[0] == "Error(s) in loading state_dict for Net:\n"[:-1]
    assert lines[1:3] == [
        'Missing key(s) in state_dict: "scale", "a.bias". ',
        'Unexpected key(s) in state_dict: "c.weight". ',
    ]
    assert "dtype mismatch for a.steps: float64 in checkpoint cannot become the int64" in lines[3]
    assert lines[4] == (
        "size mismatch for b.weight: copying a param with shape (2, 3) from checkpoint, "
        "the shape in current model is (3, 2)."
    )
    assert 'named "b.bias", expected a Tensor or an array' in lines[5]
    assert "dtype mismatch for b.mean" in lines[6]
    assert len(lines) == 7
    assert all((v.array == 0).all() for v in net.state_dict().values())


def test_not_strict_forgives_names_only() -> None:
    net = Net()
    state = arrays(net)
    del state["scale"]
    state["extra"] = np.ones(3)
    missing, unexpected = net.load_state_dict(state, strict=False)
    assert (missing, unexpected) == (["scale"], ["extra"])
    assert (net.a.weight.array == 1).all()
    assert repr(net.load_state_dict(state, strict=False)) == (
        "IncompatibleKeys(missing_keys=['scale'], unexpected_keys=['extra'])"
    )
    with pytest.raises(StateDictError, match=r"size mismatch for a\.bias"):
        net.load_state_dict({"a.bias": np.ones(4)}, strict=False)


def test_a_prefix_is_recognized() -> None:
    net = Net()
    wrapped = {"module." + k: v for k, v in arrays(net).items()}
    with pytest.raises(StateDictError, match=r"differ by 'module\.' only.*removeprefix"):
        net.load_state_dict(wrapped)
    holder = nn.Module()
    holder.net = net
    with pytest.raises(StateDictError, match=r'differ by \'net\.\' only: load {"net." \+ k: v'):
        holder.load_state_dict(arrays(net))


def test_dtypes_that_fit() -> None:
    layer = Layer()
    state: dict[str, Any] = {k: v.astype(np.float64) for k, v in arrays(layer).items()}
    state["steps"] = np.int32(7)
    layer.load_state_dict(state)
    assert layer.weight.array.dtype == np.float32
    assert layer.steps.array == 7
    state["weight"] = np.ones((3, 2), dtype=np.int64)
    layer.load_state_dict(state)
    state["weight"] = np.ones((3, 2), dtype=np.complex64)
    with pytest.raises(StateDictError, match="dtype mismatch for weight: complex64"):
        layer.load_state_dict(state)


def test_one_value_for_a_scalar() -> None:
    net = Net()
    net.load_state_dict({"scale": np.ones(1)}, strict=False)
    assert net.scale.array.shape == ()
    assert net.scale.array == 1


def test_a_read_only_target_is_reported() -> None:
    layer = Layer()
    layer.bias.array.flags.writeable = False
    with pytest.raises(StateDictError, match="bias in the current model is read-only"):
        layer.load_state_dict(arrays(layer))
    layer.load_state_dict(arrays(layer), assign=True)
    assert (layer.bias.array == 1).all()


def test_assign_takes_the_tensors_themselves() -> None:
    layer = Layer()
    layer.bias.requires_grad = False
    state: dict[str, Any] = {k: v.astype(np.float64) for k, v in arrays(layer).items()}
    given = nn.Parameter(state["bias"])
    mean = Tensor(state["mean"])
    layer.load_state_dict({**state, "bias": given, "mean": mean}, assign=True)
    assert layer.bias is given
    assert not layer.bias.requires_grad  # as it was in the module
    assert layer.mean is mean
    assert isinstance(layer.weight, nn.Parameter)
    assert layer.weight.array is state["weight"]
    assert list(layer.state_dict()) == ["weight", "bias", "mean", "steps"]
    with pytest.raises(StateDictError, match="a parameter is floating-point, got int64"):
        layer.load_state_dict({"weight": np.ones((3, 2), int)}, strict=False, assign=True)


def test_shared_parameters_are_saved_under_each_name() -> None:
    net = Net()
    net.b.weight = net.a.weight
    assert "b.weight" in net.state_dict()
    state = arrays(net)
    net.load_state_dict(state)
    assert net.b.weight is net.a.weight


def test_what_is_no_dict() -> None:
    with pytest.raises(TypeError, match="Expected state_dict to be dict-like"):
        Layer().load_state_dict([1])  # type: ignore[arg-type] # wrong on purpose


class Vocabulary(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = ["a"]

    def get_extra_state(self) -> Any:
        return list(self.words)

    def set_extra_state(self, state: Any) -> None:
        self.words = state


def test_extra_state() -> None:
    net = nn.Module()
    net.vocabulary = Vocabulary()
    state = net.state_dict()
    assert state == {"vocabulary._extra_state": ["a"]}
    net.load_state_dict({"vocabulary._extra_state": ["b"]})
    assert net.vocabulary.words == ["b"]
    with pytest.raises(StateDictError, match=r'Missing .*"vocabulary\._extra_state"'):
        net.load_state_dict({})
    with pytest.raises(StateDictError, match=r'Unexpected .*"_extra_state"'):
        nn.Module().load_state_dict({"_extra_state": 1})


def test_hooks_of_saving() -> None:
    layer, calls = Layer(), []
    layer.register_state_dict_pre_hook(lambda *args: calls.append(args))

    def after(module: nn.Module, state: dict[str, Any], prefix: str, metadata: Any) -> None:
        del state[prefix + "mean"]

    handle = layer.register_state_dict_post_hook(after)
    assert list(layer.state_dict(prefix="x.")) == ["x.weight", "x.bias", "x.steps"]
    assert calls == [(layer, "x.", False)]
    handle.remove()
    assert "mean" in layer.state_dict()
    layer.register_state_dict_post_hook(lambda *_: 1)
    with pytest.raises(RuntimeError, match="must return None"):
        layer.state_dict()


def test_hooks_of_loading() -> None:
    net, state = Net(), arrays(Net())
    state["a.w"] = state.pop("a.weight")

    def rename(module: nn.Module, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        assert module is net.a
        assert prefix == "a."
        state_dict[prefix + "weight"] = state_dict.pop(prefix + "w")

    with net.a.register_load_state_dict_pre_hook(rename):
        net.load_state_dict(state)
    assert "a.w" in state  # the caller's own dict is left alone
    with pytest.raises(StateDictError):
        net.load_state_dict(state)

    def forgive(module: nn.Module, keys: Any) -> None:
        keys.missing_keys.clear()
        keys.unexpected_keys.clear()

    net.register_load_state_dict_post_hook(forgive)
    assert repr(net.load_state_dict(state)) == "<All keys matched successfully>"
    net.a.register_load_state_dict_post_hook(lambda *_: 1)
    with pytest.raises(RuntimeError, match="must return None"):
        net.load_state_dict(state)
