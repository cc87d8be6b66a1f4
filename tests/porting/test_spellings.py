"""Old and rare spellings, and what methods say that dlframe does not have."""

from __future__ import annotations

from typing import Any

import pytest

import dlframe as dl
from dlframe import nn
from dlframe.errors import DeviceError


@pytest.mark.parametrize(
    ("make", "name", "why"),
    [
        (lambda: dl.ones(2), "to_sparse", "All tensors are dense"),
        (lambda: dl.ones(2), "bfloat16", "use x.float"),
        (lambda: dl.ones(2), "stft", "np.fft"),
        (lambda: dl.ones(2), "resize", "x.reshape"),
        (lambda: nn.Linear(1, 1), "bfloat16", "use model.float"),
        (lambda: nn.Parameter(dl.ones(2)), "coalesce", "All tensors are dense"),
    ],
)
def test_methods_that_are_missing(make: Any, name: str, why: str) -> None:
    one = make()
    with pytest.raises(AttributeError, match=rf"has no attribute '{name}'\. .*{why}"):
        getattr(one, name)
    assert not hasattr(one, name)
    assert name not in dir(one)


def test_what_needs_another_device_or_process() -> None:
    for raising in (dl.ones(2).pin_memory, dl.ones(2).xpu, nn.Linear(1, 1).xpu):
        with pytest.raises(DeviceError):
            raising()
    with pytest.warns(UserWarning, match="processes do not share tensors"):
        assert not dl.ones(2).share_memory_().is_shared()
    with pytest.warns(UserWarning, match="processes do not share tensors"):
        nn.Linear(1, 1).share_memory()
    with pytest.raises(TypeError, match="Loss and optimizer go to training"):
        nn.Linear(1, 1).compile(loss="mse")


def test_an_old_backward_hook_sees_the_gradients_of_outputs() -> None:
    module, seen = nn.Linear(1, 1), []
    module.register_backward_hook(lambda module, inputs, outputs: seen.append(outputs))
    (3 * module(dl.ones(1, 1, requires_grad=True))).sum().backward()
    assert seen[0][0].tolist() == [[3.0]]


def test_subclasses_keep_the_graph() -> None:
    class Points(dl.Tensor):
        pass

    x = dl.ones(2, requires_grad=True)
    y = (2 * x).as_subclass(Points)
    y.sum().backward()
    assert type(y) is Points
    assert x.grad is not None
    assert x.grad.tolist() == [2.0, 2.0]
