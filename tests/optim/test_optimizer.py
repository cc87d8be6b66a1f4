from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from samples.optimizers import OPTIMIZERS

import dlframe as dl
from dlframe import nn, optim
from dlframe.errors import ShapeError
from dlframe.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
    required,
)
from dlframe.tensor import Tensor

KINDS = [(name, row.typical) for name, row in OPTIMIZERS.items()]


@pytest.fixture
def p() -> nn.Parameter:
    return nn.Parameter(np.array([1.0, 2.0], np.float32))


# --- groups ------------------------------------------------------------------------------------


def test_defaults_fill_the_groups(p: nn.Parameter) -> None:
    q = nn.Parameter(np.zeros(1, np.float32))
    optimizer = optim.SGD([{"params": p}, {"params": (x for x in [q]), "lr": 1.0}], momentum=0.5)
    first, second = optimizer.param_groups
    assert first["params"] == [p]
    assert second["params"] == [q]
    assert (first["lr"], second["lr"]) == (1e-3, 1.0)
    assert first["momentum"] == second["momentum"] == 0.5


def test_a_group_can_be_added_later(p: nn.Parameter) -> None:
    q = nn.Parameter(np.ones(2, np.float32))
    optimizer = optim.SGD([p], lr=1.0)
    optimizer.add_param_group({"params": [q], "lr": 0.5})
    p.grad = q.grad = dl.ones(2)
    optimizer.step()
    assert p.tolist() == [0.0, 1.0]
    assert q.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    "params, error, message",
    [
        (lambda p: p, TypeError, "iterable of Tensors or dicts"),
        (lambda p: nn.Linear(1, 1), TypeError, r"one Linear; pass model\.parameters\(\)"),
        (lambda p: nn.Linear(1, 1).parameters, TypeError, r"one method; pass model\.parameters\("),
        (lambda p: nn.Sequential(nn.ReLU()), TypeError, r"is ReLU; pass model\.parameters\(\)"),
        (lambda p: 0.1, TypeError, "but got one float$"),
        (lambda p: [], ValueError, "empty parameter list"),
        (lambda p: [{"params": {p}}], TypeError, "ordering of tensors in sets"),
        (lambda p: [1.0], TypeError, "one of the params is float"),
        (lambda p: {"a": p}, TypeError, r"is str; the values of a dict .* pass d\.values\(\)"),
        (lambda p: [[p]], TypeError, r"is list; pass one list of all, or a dict"),
        (lambda p: [{"lr": 0.1}], KeyError, "with the key 'params'; this one has"),
        (lambda p: [{"params": None}], TypeError, "iterable of them; got NoneType"),
        (lambda p: [{"params": nn.Linear(1, 1)}], TypeError, r"Linear; pass model\.parameters"),
        (lambda p: [p * 2], ValueError, "non-leaf"),
        (lambda p: [{"params": [p]}, p], TypeError, "must be a dict"),
        (lambda p: [{"params": [p]}, {"params": [p]}], ValueError, "more than one parameter group"),
        (lambda p: [("a", p), dl.ones(1)], ValueError, "Some param names are missing"),
        (
            lambda p: [{"params": [("a", p)]}, {"params": [dl.ones(1)]}],
            ValueError,
            "cannot add param group without names",
        ),
        (
            lambda p: [{"params": [dl.ones(1)]}, {"params": [("a", p)]}],
            ValueError,
            "cannot add param group with names",
        ),
    ],
)
def test_unfit_parameters_are_refused(
    params: Callable[[Any], Any], error: type[Exception], message: str, p: nn.Parameter
) -> None:
    with pytest.raises(error, match=message):
        optim.SGD(params(p))


def test_a_required_option_has_to_be_given(p: nn.Parameter) -> None:
    class Needy(optim.Optimizer):
        def __init__(self, params: Any) -> None:
            super().__init__(params, {"lr": required})

    with pytest.raises(ValueError, match="required optimization parameter lr"):
        Needy([p])
    assert Needy([{"params": [p], "lr": 1}]).param_groups[0]["lr"] == 1
    assert repr(required) == "<required parameter>"
    with pytest.raises(NotImplementedError, match="Needy has no step"):
        Needy([{"params": [p], "lr": 1}]).step()


def test_repr_is_pytorchs(p: nn.Parameter) -> None:
    assert repr(optim.SGD([p], lr=0.5)) == (
        "SGD (\n"
        "Parameter Group 0\n"
        "    dampening: 0\n"
        "    differentiable: False\n"
        "    foreach: None\n"
        "    fused: None\n"
        "    lr: 0.5\n"
        "    maximize: False\n"
        "    momentum: 0\n"
        "    nesterov: False\n"
        "    weight_decay: 0\n"
        ")"
    )


# --- steps -------------------------------------------------------------------------------------


def test_a_closure_is_called_with_gradients_enabled(p: nn.Parameter) -> None:
    optimizer = optim.SGD([p], lr=0.5)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with dl.no_grad():
        loss = optimizer.step(closure)
    assert loss.item() == 5.0
    assert p.tolist() == [0.0, 0.0]
    assert optimizer.step() is None


def test_a_step_without_gradients_changes_nothing(p: nn.Parameter) -> None:
    for name, options in KINDS:
        optimizer = getattr(optim, name)([p], **options)
        optimizer.step()
        assert p.tolist() == [1.0, 2.0]
        assert len(optimizer.state) == (name == "Adagrad")  # which has its state at once
        assert all(entry["step"].item() == 0 for entry in optimizer.state.values())


def test_plain_sgd_has_no_state(p: nn.Parameter) -> None:
    p.grad = dl.ones(2)
    optimizer = optim.SGD([p])
    optimizer.step()
    assert not optimizer.state
    assert optimizer.state_dict()["state"] == {}


def test_zero_grad(p: nn.Parameter) -> None:
    optimizer = optim.SGD([p], lr=1.0)
    (p * p).sum().backward()
    held = p.grad
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is held
    assert held.tolist() == [0.0, 0.0]
    optimizer.zero_grad()
    assert p.grad is None


def test_zero_grad_drops_the_graph_of_a_gradient(p: nn.Parameter) -> None:
    (p * p * p).sum().backward(create_graph=True)
    assert p.grad.requires_grad
    optim.SGD([p]).zero_grad(set_to_none=False)
    assert not p.grad.requires_grad
    assert p.grad.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("lr", [0.5, dl.tensor(0.5), dl.tensor([0.5]), np.float32(0.5)])
def test_the_learning_rate_may_be_a_tensor(lr: Any, p: nn.Parameter) -> None:
    p.grad = dl.ones(2)
    for name, end in ("SGD", 0.5), ("Adam", 0.5), ("RMSprop", -4.0):
        p.array[...] = 1.0
        getattr(optim, name)([p], lr=lr).step()
        assert p.tolist() == pytest.approx([end, end], rel=1e-5)


# --- hooks -------------------------------------------------------------------------------------


def test_step_hooks_run_in_order_and_can_be_removed(p: nn.Parameter) -> None:
    optimizer = optim.SGD([p])
    calls: list[str] = []
    handles = [
        optimizer.register_step_post_hook(lambda *_: calls.append("post")),
        optimizer.register_step_pre_hook(lambda *_: calls.append("pre")),
        register_optimizer_step_post_hook(lambda *_: calls.append("global post")),
        register_optimizer_step_pre_hook(lambda *_: calls.append("global pre")),
    ]
    optimizer.step()
    assert calls == ["global pre", "pre", "post", "global post"]
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert len(calls) == 4


def test_a_pre_hook_may_replace_the_arguments(p: nn.Parameter) -> None:
    optimizer = optim.SGD([p])

    def add_closure(opt: Any, args: Any, kwargs: Any) -> Any:
        assert args == (optimizer,)
        return args, {"closure": lambda: 7}

    with optimizer.register_step_pre_hook(add_closure):
        assert optimizer.step() == 7
    with (
        optimizer.register_step_pre_hook(lambda *_: 1),
        pytest.raises(RuntimeError, match="must return None or a tuple"),
    ):
        optimizer.step()


def test_hooks_run_around_a_users_own_step(p: nn.Parameter) -> None:
    class Mine(optim.Optimizer):
        def step(self, closure: Any = None) -> str:
            return "stepped"

    calls: list[int] = []
    optimizer = Mine([p], {})
    optimizer.register_step_post_hook(lambda *_: calls.append(1))
    assert optimizer.step() == "stepped"
    assert calls == [1]


def test_state_dict_hooks(p: nn.Parameter) -> None:
    optimizer = optim.SGD([p])
    calls: list[str] = []
    optimizer.register_state_dict_pre_hook(lambda _: calls.append("second"))
    optimizer.register_state_dict_pre_hook(lambda _: calls.append("first"), prepend=True)
    optimizer.register_state_dict_post_hook(lambda _, state: {**state, "note": 1})
    state = optimizer.state_dict()
    assert calls == ["first", "second"]
    assert state["note"] == 1
    optimizer.register_load_state_dict_pre_hook(lambda _, s: {**s, "state": {}})
    optimizer.register_load_state_dict_post_hook(lambda o: calls.append(type(o).__name__))
    optimizer.load_state_dict({**state, "state": {0: {"momentum_buffer": dl.ones(2)}}})
    assert calls[-1] == "SGD"
    assert not optimizer.state


# --- saving and loading ------------------------------------------------------------------------


def test_state_dict_has_pytorchs_layout(p: nn.Parameter) -> None:
    q = nn.Parameter(np.zeros((), np.float32))
    optimizer = optim.Adam([{"params": [p]}, {"params": [q], "lr": 0.5}])
    p.grad, q.grad = dl.ones(2), dl.tensor(1.0)
    optimizer.step()
    state = optimizer.state_dict()
    assert list(state) == ["state", "param_groups"]
    assert list(state["state"]) == [0, 1]
    assert list(state["state"][0]) == ["step", "exp_avg", "exp_avg_sq"]
    assert state["state"][1]["step"].shape == ()
    assert state["state"][1]["step"].dtype == dl.float32
    assert state["param_groups"][1] == {
        "lr": 0.5,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "weight_decay": 0,
        "amsgrad": False,
        "maximize": False,
        "foreach": None,
        "capturable": False,
        "differentiable": False,
        "fused": None,
        "decoupled_weight_decay": False,
        "params": [1],
    }


@pytest.mark.parametrize("name, options", KINDS)
@pytest.mark.parametrize("way", ["state_dict", "pickle", "deepcopy"])
def test_a_restored_optimizer_goes_on_bit_for_bit(
    name: str,
    options: dict[str, Any],
    way: str,
    rng: np.random.Generator,
    make_params: Callable[..., list[nn.Parameter]],
) -> None:
    params = make_params((4, 3), (3,), (), (100, 100))
    gradients = [
        [rng.normal(size=p.array.shape).astype(np.float32) for p in params] for _ in range(8)
    ]

    def train(optimizer: optim.Optimizer, params: list[Any], some: list[Any]) -> None:
        for arrays in some:
            for i, (p, g) in enumerate(zip(params, arrays, strict=True)):
                p.grad = None if i == 1 and g[0] > 0 else Tensor(np.array(g))
            optimizer.step()

    optimizer = getattr(optim, name)(params, **options)
    train(optimizer, params, gradients[:4])
    if way == "state_dict":
        others = [nn.Parameter(p.array.copy()) for p in params]
        restored = getattr(optim, name)(others, **{**options, "lr": 123.0})
        restored.load_state_dict(optimizer.state_dict())
    elif way == "pickle":
        restored = pickle.loads(pickle.dumps(optimizer))
    else:
        restored = copy.deepcopy(optimizer)
    others = restored.param_groups[0]["params"]
    train(optimizer, params, gradients[4:])
    train(restored, others, gradients[4:])
    for a, b in zip(params, others, strict=True):
        assert a is not b
        np.testing.assert_array_equal(a.array, b.array)
    first, second = optimizer.state_dict(), restored.state_dict()
    assert first["param_groups"] == second["param_groups"]
    for i, entry in first["state"].items():
        for key, value in entry.items():
            np.testing.assert_array_equal(value.array, second["state"][i][key].array)


def test_a_parameter_that_was_taken_out_of_its_group(p: nn.Parameter) -> None:
    other = nn.Parameter(dl.ones(3))
    optimizer = optim.Adam([p, other])
    p.grad, other.grad = dl.ones_like(p), dl.ones(3)
    optimizer.step()
    optimizer.param_groups[0]["params"].pop()
    with pytest.raises(KeyError, match=r"shape \[3\] that no group holds .*del optimizer.state"):
        optimizer.state_dict()
    del optimizer.state[other]
    assert list(optimizer.state_dict()["state"]) == [0]


def test_loading_copies(p: nn.Parameter) -> None:
    p.grad = dl.ones(2)
    optimizer = optim.SGD([p], momentum=0.5)
    optimizer.step()
    saved = optimizer.state_dict()
    other = optim.SGD([p], momentum=0.5)
    other.load_state_dict(saved)
    other.step()
    assert saved["state"][0]["momentum_buffer"].tolist() == [1.0, 1.0]
    assert saved["param_groups"][0]["params"] == [0]


class Moments(NamedTuple):
    first: Any
    second: Any


def test_arrays_lists_of_arrays_and_numbers_are_taken(p: nn.Parameter) -> None:
    optimizer = optim.Adam([p])
    saved = optimizer.state_dict()
    saved["state"] = {
        0: {
            "step": 3,  # a number in the files of old PyTorch versions
            "exp_avg": np.ones(2),
            "exp_avg_sq": np.ones(2, np.float16),
            "history": [np.ones(2), "text"],
            "moments": Moments(np.ones(2), np.zeros(2)),
        },
        "about all": 1,
    }
    optimizer.load_state_dict(saved)
    state = optimizer.state[p]
    assert state["exp_avg"].dtype == state["exp_avg_sq"].dtype == dl.float32
    assert state["history"][0].tolist() == [1.0, 1.0]
    assert state["history"][1] == "text"
    assert isinstance(state["moments"], Moments)
    assert state["moments"].second.tolist() == [0.0, 0.0]
    assert optimizer.state["about all"] == 1
    p.grad = dl.ones(2)
    optimizer.step()
    assert state["step"].item() == 4.0


@pytest.mark.parametrize("name, options", KINDS)
def test_options_that_old_files_lack_get_defaults(
    name: str, options: dict[str, Any], p: nn.Parameter
) -> None:
    optimizer = getattr(optim, name)([p], **options)
    saved = optimizer.state_dict()
    for option in ("maximize", "foreach", "differentiable", "capturable", "fused"):
        saved["param_groups"][0].pop(option, None)
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["maximize"] is False
    p.grad = dl.ones(2)
    optimizer.step()


def test_a_step_refuses_unfit_state(p: nn.Parameter) -> None:
    optimizer = optim.Adam([p])
    p.grad = dl.ones(2)
    optimizer.step()
    optimizer.state[p]["exp_avg"] = dl.ones(5)
    with pytest.raises(ShapeError, match=r"'exp_avg' has shape \(5,\), its parameter \(2,\)"):
        optimizer.step()


def test_the_state_of_an_optimizer_of_ones_own_may_have_any_shape(p: nn.Parameter) -> None:
    class Rows(optim.Optimizer):
        """The means of rows and columns only, as in Adafactor."""

        def step(self, closure: Any = None) -> None:
            for q in self.param_groups[0]["params"]:
                self.state[q].update(rows=dl.ones(7), table=dl.zeros(2, 5), step=3)

    class Noted(optim.SGD):
        def step(self, closure: Any = None) -> None:
            super().step(closure)
            self.state[self.param_groups[0]["params"][0]]["norms"] = dl.ones(9)

    for cls in (Rows, Noted):
        p.grad = dl.ones(2)
        optimizer = cls([p], {"lr": 0.1}) if cls is Rows else cls([p], lr=0.1)
        optimizer.step()
        saved = optimizer.state_dict()
        again = cls([p], {"lr": 0.1}) if cls is Rows else cls([p], lr=0.1)
        again.load_state_dict(saved)
        for name, value in saved["state"][0].items():
            assert np.array_equal(np.asarray(again.state[p][name]), np.asarray(value))
