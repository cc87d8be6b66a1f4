from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.errors import GradientError
from dlframe.nn.utils import (
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)


def with_gradients(*gradients: list[float]) -> list[nn.Parameter]:
    parameters = [nn.Parameter(dl.zeros(len(g))) for g in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = dl.tensor(gradient)
    return [*parameters, nn.Parameter(dl.zeros(1))]  # the last one has none


@pytest.mark.parametrize(
    "norm_type, total", [(2, 13.0), (1, 19.0), (float("inf"), 12.0), (3, 1819 ** (1 / 3))]
)
def test_shortens_all_gradients_together(norm_type: float, total: float) -> None:
    parameters = with_gradients([3.0, -4.0], [12.0])
    before = clip_grad_norm_(parameters, 1.0, norm_type)
    assert before.item() == pytest.approx(total, rel=1e-5)
    np.testing.assert_allclose(parameters[0].grad.array, np.array([3, -4]) / total, rtol=1e-5)
    np.testing.assert_allclose(parameters[1].grad.array, 12 / total, rtol=1e-5)


def test_short_gradients_stay_as_they_are() -> None:
    parameters = with_gradients([3.0, 4.0])
    clip_grad_norm_(iter(parameters), 5.1)
    assert parameters[0].grad.tolist() == [3, 4]
    clip_grad_norm_(parameters[0], 1.0)  # one tensor will do
    np.testing.assert_allclose(parameters[0].grad.array, [0.6, 0.8], rtol=1e-5)


def test_what_is_not_finite() -> None:
    parameters = with_gradients([float("inf")])
    with pytest.raises(GradientError, match="is non-finite, so it cannot be clipped"):
        clip_grad_norm_(parameters, 1.0, error_if_nonfinite=True)
    assert parameters[0].grad.item() == float("inf")


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    "first, max_norm, expected",  # PyTorch's
    [
        ([NAN, 1.0], 1.0, [[NAN, NAN], [NAN]]),
        ([INF, 1.0], 1.0, [[NAN, 0.0], [0.0]]),
        ([INF, 1.0], INF, [[NAN, NAN], [NAN]]),
        ([2.0, 1.0], NAN, [[NAN, NAN], [NAN]]),
    ],
)
def test_a_norm_that_is_not_finite_leaves_nothing_unclipped(
    first: list[float], max_norm: float, expected: list[list[float]]
) -> None:
    parameters = with_gradients(first, [100.0])
    clip_grad_norm_(parameters, max_norm)
    for parameter, right in zip(parameters, expected, strict=False):
        np.testing.assert_array_equal(parameter.grad.array, np.float32(right))


def test_nothing_to_clip() -> None:
    assert clip_grad_norm_([], 1.0).item() == 0
    with pytest.warns(UserWarning, match="empty generator"):
        clip_grad_norm_((p for p in ()), 1.0)


def test_in_two_steps() -> None:
    parameters = with_gradients([3.0, 4.0])
    total = get_total_norm([p.grad for p in parameters if p.grad is not None])
    clip_grads_with_norm_(parameters, 1.0, total)
    np.testing.assert_allclose(parameters[0].grad.array, [0.6, 0.8], rtol=1e-5)


def test_values() -> None:
    parameters = with_gradients([3.0, -0.5], [-12.0])
    clip_grad_value_(parameters, 1)
    assert [p.grad.tolist() for p in parameters[:2]] == [[1, -0.5], [-1]]
