from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
import dlframe.nn.functional as F


def test_each_channel_gets_mean_0_and_variance_1(rng: np.random.Generator) -> None:
    x = dl.tensor(rng.standard_normal((16, 3, 5, 5)) * 7 + 100)
    out = F.batch_norm(x, None, None, training=True).numpy()
    np.testing.assert_allclose(out.mean((0, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(out.var((0, 2, 3)), 1, rtol=1e-4)


def test_running_statistics_move() -> None:
    mean, var = dl.zeros(1), dl.ones(1)
    x = dl.tensor([[1.0], [3.0], [5.0]])
    F.batch_norm(x, mean, var, training=True, momentum=0.25)
    assert mean.tolist() == [0.75]
    assert var.tolist() == [1.75]  # ¾ · 1 + ¼ · 4, dividing by n - 1
    F.batch_norm(x, mean, var)
    assert mean.tolist() == [0.75]


def test_the_gradient_is_by_the_statistics_that_were_used() -> None:
    mean, var, w = dl.zeros(1), dl.ones(1), dl.ones(1, requires_grad=True)
    x = dl.tensor([[1.0], [2.0]])
    out = F.batch_norm(x, mean, var, w, eps=0.0)
    F.batch_norm(x, mean, var, training=True)
    out.sum().backward()
    assert w.grad.tolist() == [3]


@pytest.mark.parametrize("size", [(0, 3), (0, 3, 2), (0, 3, 2, 2)])
def test_an_empty_batch_changes_nothing(size: tuple[int, ...]) -> None:
    mean, var, w = dl.zeros(3), dl.ones(3), dl.ones(3, requires_grad=True)
    out = F.batch_norm(dl.zeros(*size), mean, var, w, training=True)
    assert out.shape == size
    out.sum().backward()
    assert (mean.tolist(), var.tolist(), w.grad.tolist()) == ([0] * 3, [1] * 3, [0] * 3)


def test_variance_is_exact_far_from_0() -> None:
    """E[x²] - E[x]² would be wrong in the first digit."""
    x = dl.tensor([[4096.0], [4097.0], [4098.0]])
    out = F.batch_norm(x, None, None, training=True, eps=1e-12)
    np.testing.assert_allclose(out.numpy(), [[-(1.5**0.5)], [0], [1.5**0.5]], rtol=1e-6)


def test_input_and_parameters_are_left_alone(rng: np.random.Generator) -> None:
    x, w = rng.standard_normal((4, 3)), rng.standard_normal(3)
    before = x.copy(), w.copy()
    for normalize in (
        lambda a, b: F.batch_norm(a, None, None, b, training=True),
        lambda a, b: F.layer_norm(a, (3,), b),
    ):
        a, b = dl.Tensor(x, requires_grad=True), dl.Tensor(w, requires_grad=True)
        g = dl.tensor(rng.standard_normal((4, 3)))
        kept = g.clone()
        normalize(a, b).backward(g)
        np.testing.assert_array_equal(g.numpy(), kept.numpy())
        np.testing.assert_array_equal(x, before[0])
        np.testing.assert_array_equal(w, before[1])


def test_layer_norm_takes_one_number_for_one_dimension() -> None:
    x = dl.rand(2, 4)
    assert F.layer_norm(x, 4).tolist() == F.layer_norm(x, (4,)).tolist()


def test_each_sample_is_normalized_on_its_own() -> None:
    x = dl.rand(5, 2, 3)
    one = F.layer_norm(x[2:3], (2, 3))
    np.testing.assert_allclose(F.layer_norm(x, (2, 3))[2:3].numpy(), one.numpy(), rtol=1e-6)
