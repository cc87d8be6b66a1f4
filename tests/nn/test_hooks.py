from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.nn import global_hooks


class Double(nn.Module):
    def forward(self, x: Any, *, plus: float = 0) -> Any:
        if x is None:
            raise ValueError("nothing to double")
        return x * 2 + plus


# --- forward -----------------------------------------------------------------------------------


def test_hooks_run_in_order_and_replace() -> None:
    module, calls = Double(), []

    def pre(m: nn.Module, args: tuple[Any, ...]) -> Any:
        calls.append(("pre", m is module, args))
        return args[0] + 1

    def post(m: nn.Module, args: tuple[Any, ...], out: Any) -> Any:
        calls.append(("post", args, out))
        return out * 10

    module.register_forward_pre_hook(pre)
    module.register_forward_hook(post)
    module.register_forward_hook(lambda m, args, out: calls.append(("last", out)))
    assert module(1) == 40
    assert calls == [("pre", True, (1,)), ("post", (2,), 4), ("last", 40)]


def test_prepend_and_remove() -> None:
    module, calls = Double(), []
    module.register_forward_hook(lambda *_: calls.append("a"))
    handle = module.register_forward_hook(lambda *_: calls.append("b"), prepend=True)
    module(1)
    assert calls == ["b", "a"]
    handle.remove()
    handle.remove()
    module(1)
    assert calls == ["b", "a", "a"]
    with module.register_forward_pre_hook(lambda *_: calls.append("inside")):
        module(1)
    module(1)
    assert calls == ["b", "a", "a", "inside", "a", "a"]


def test_with_kwargs() -> None:
    module = Double()
    module.register_forward_pre_hook(
        lambda m, args, kwargs: ((args[0] + 1,), {"plus": kwargs["plus"] + 1}), with_kwargs=True
    )
    seen = []
    module.register_forward_hook(lambda m, a, kw, out: seen.append((a, kw, out)), with_kwargs=True)
    assert module(1, plus=2) == 7
    assert seen == [((2,), {"plus": 3}, 7)]
    module.register_forward_pre_hook(lambda *_: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match="must return None or a tuple"):
        module(1, plus=2)


def test_always_called() -> None:
    module, calls = Double(), []
    module.register_forward_hook(lambda *_: calls.append("plain"))
    module.register_forward_hook(lambda m, a, out: calls.append(out), always_call=True)
    with pytest.raises(ValueError, match="nothing to double"):
        module(None)
    assert calls == [None]
    assert module(1) == 2
    assert calls == [None, "plain", 2]

    def fail(*_: Any) -> None:
        raise KeyError("hook")

    module.register_forward_hook(fail, always_call=True)
    with (
        pytest.warns(UserWarning, match="silenced as another error"),
        pytest.raises(ValueError, match="nothing to double"),
    ):
        module(None)


def test_global_hooks() -> None:
    calls: list[Any] = []
    module = Double()
    module.register_forward_hook(lambda *_: calls.append("own"))
    with global_hooks.register_module_forward_hook(lambda m, a, out: calls.append(type(m))):
        module(1)
        Double()(1)
    module(1)
    Double()(1)
    assert calls == [Double, "own", Double, "own"]
    with global_hooks.register_module_forward_pre_hook(lambda m, args: (args[0] + 1,)):
        assert Double()(1) == 4


# --- backward ----------------------------------------------------------------------------------


class Multiply(nn.Module):
    def forward(self, a: Any, b: Any) -> Any:
        return a * b


def test_backward_hooks_see_both_sides() -> None:
    module, calls = Multiply(), []
    module.register_full_backward_pre_hook(lambda m, out: calls.append(("pre", m, out)))
    module.register_full_backward_hook(lambda m, inp, out: calls.append(("hook", m, inp, out)))
    a = dl.tensor([1.0, 2.0], requires_grad=True)
    b = dl.tensor([3.0, 4.0], requires_grad=True)
    module(a, b).sum().backward()
    assert [call[:2] for call in calls] == [("pre", module), ("hook", module)]
    assert [g.tolist() for g in calls[0][2]] == [[1, 1]]
    assert [g.tolist() for g in calls[1][2]] == [[3, 4], [1, 2]]
    assert [g.tolist() for g in calls[1][3]] == [[1, 1]]
    assert a.grad.tolist() == [3, 4]
    assert b.grad.tolist() == [1, 2]


def test_backward_hooks_replace_gradients() -> None:
    module = Multiply()
    module.register_full_backward_pre_hook(lambda m, out: (out[0] * 10,))
    module.register_full_backward_hook(lambda m, inp, out: (inp[0] + 1, inp[1]))
    a = dl.tensor([1.0, 2.0], requires_grad=True)
    b = dl.tensor([3.0, 4.0], requires_grad=True)
    module(a, b).sum().backward()
    assert a.grad.tolist() == [31, 41]
    assert b.grad.tolist() == [10, 20]
    module.register_full_backward_hook(lambda m, inp, out: (inp[0],))
    with pytest.raises(RuntimeError, match="invalid number of grad_input, got 1, but expected 2"):
        module(a, b).sum().backward()


def test_backward_hooks_without_gradients_at_the_inputs() -> None:
    layer, calls = nn.Linear(2, 1), []
    layer.register_full_backward_hook(lambda m, inp, out: calls.append((inp, len(out))))
    layer(dl.zeros(3, 2)).sum().backward()
    assert calls == [((None,), 1)]
    assert layer.bias.grad.tolist() == [3]


def test_backward_hooks_twice_through_one_graph() -> None:
    module, calls = Double(), []
    module.register_full_backward_hook(lambda m, inp, out: calls.append(inp[0].tolist()))
    x = dl.tensor([1.0], requires_grad=True)
    y = module(x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert calls == [[2], [2]]
    assert x.grad.tolist() == [4]


def test_global_backward_hooks() -> None:
    calls: list[Any] = []
    x = dl.tensor([1.0], requires_grad=True)
    with (
        global_hooks.register_module_full_backward_hook(lambda m, *_: calls.append("hook")),
        global_hooks.register_module_full_backward_pre_hook(lambda m, _: calls.append("pre")),
    ):
        Double()(x).sum().backward()
    assert calls == ["pre", "hook"]


def test_hooks_of_a_layer_with_its_own_backward() -> None:
    class Triple(nn.Module):
        def forward(self, x: np.ndarray) -> np.ndarray:
            return x * 3

        def backward(self, grad_output: np.ndarray) -> np.ndarray:
            return grad_output * 3

    module, calls = Triple(), []
    module.register_forward_hook(lambda m, a, out: calls.append(type(out)))
    module.register_full_backward_hook(lambda m, inp, out: calls.append(inp[0].tolist()))
    module(np.ones(1))
    module(dl.tensor([1.0], requires_grad=True)).sum().backward()
    assert calls == [np.ndarray, dl.Tensor, [3]]
