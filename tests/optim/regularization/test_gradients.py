"""Noise and clipping as hooks of an optimizer, also with closures."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.errors import ArgumentError, GradientError, StateDictError


def stepped(hook: optim.StepHook, gradient: list[float]) -> Any:
    """What a step of plain SGD with learning rate 1 takes away from a parameter of zeros."""
    p = nn.Parameter(dl.zeros(len(gradient), dtype=dl.float64))
    optimizer = optim.SGD([p], lr=1.0)
    with hook.attach(optimizer):
        (p * dl.tensor(gradient, dtype=dl.float64)).sum().backward()
        optimizer.step()
    return -p.detach().numpy()


def test_clipping_by_norm_and_value() -> None:
    clip = optim.ClipGradNorm(1.0)
    np.testing.assert_allclose(stepped(clip, [3.0, -4.0]), [0.6, -0.8], rtol=1e-6)
    assert clip.last == 5.0
    np.testing.assert_allclose(stepped(clip, [0.3, 0.4]), [0.3, 0.4])
    assert clip.last == pytest.approx(0.5)
    largest = optim.ClipGradNorm(2.0, float("inf"))
    np.testing.assert_allclose(stepped(largest, [1.0, -4.0]), [0.5, -2.0], rtol=1e-6)
    by_value = optim.ClipGradValue(2.0)
    np.testing.assert_allclose(stepped(by_value, [1.0, -4.0, 2.0, 3.0]), [1.0, -2.0, 2.0, 2.0])
    assert by_value.last == 0.5
    with pytest.raises(GradientError, match="non-finite"):
        stepped(optim.ClipGradNorm(1.0, error_if_nonfinite=True), [float("nan")])


def test_hooks_act_in_the_order_in_which_they_were_attached() -> None:
    p = nn.Parameter(dl.zeros(2))
    optimizer = optim.SGD([p], lr=1.0)
    optim.ClipGradValue(1.0).attach(optimizer)
    norm = optim.ClipGradNorm(10.0)
    norm.attach(optimizer)
    (p * dl.tensor([30.0, 40.0])).sum().backward()
    optimizer.step()
    assert norm.last == pytest.approx(2**0.5)


@pytest.mark.parametrize("keyword", [False, True])
def test_with_a_closure_they_act_on_its_gradients(keyword: bool) -> None:
    p = nn.Parameter(dl.zeros(2))
    optimizer = optim.SGD([p], lr=1.0)
    clip = optim.ClipGradNorm(1.0)
    clip.attach(optimizer)

    def closure() -> dl.Tensor:
        optimizer.zero_grad()
        loss = (p * dl.tensor([3.0, 4.0])).sum()
        loss.backward()
        return loss

    loss = optimizer.step(closure=closure) if keyword else optimizer.step(closure)
    assert loss.item() == 0.0
    assert clip.last == 5.0
    np.testing.assert_allclose(p.tolist(), [-0.6, -0.8], rtol=1e-6)


# --- noise -------------------------------------------------------------------------------------


def test_the_noise_is_normal_and_fades() -> None:
    generator = dl.Generator().manual_seed(0)
    noise = optim.GradientNoise(0.3, 0.55, generator=generator)
    for t in range(4):
        sigma = (0.3 / (1 + t) ** 0.55) ** 0.5
        drawn = stepped(noise, [0.0] * 2000)
        assert noise.last == pytest.approx(sigma)
        assert abs(drawn.mean()) < 4 * sigma / 2000**0.5
        assert drawn.std() == pytest.approx(sigma, rel=0.08)


def test_the_noise_comes_from_the_generator_of_dlframe() -> None:
    dl.manual_seed(5)
    first = stepped(optim.GradientNoise(), [0.0] * 20)
    dl.manual_seed(5)
    expected = dl.randn(20, dtype=dl.float64).numpy() * 0.1
    np.testing.assert_allclose(first, expected, rtol=1e-12)


def test_the_noise_goes_on_where_it_was() -> None:
    noise = optim.GradientNoise(0.3)
    stepped(noise, [0.0])
    stepped(noise, [0.0])
    resumed = optim.GradientNoise(0.3)
    resumed.load_state_dict(noise.state_dict())
    stepped(resumed, [0.0])
    assert resumed.last == pytest.approx((0.3 / 3**0.55) ** 0.5)
    assert copy.deepcopy(noise).t == 2
    with pytest.raises(StateDictError, match="'t'"):
        resumed.load_state_dict({"t": -1})
    assert resumed.t == 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optim.GradientNoise(-1), "eta and gamma must be 0 or more; got -1"),
        (lambda: optim.ClipGradNorm(-1), "max_norm must be 0 or more; got -1"),
        (lambda: optim.ClipGradValue(float("nan")), "clip_value must be 0 or more; got nan"),
    ],
)
def test_errors(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()
