from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
import dlframe.nn.functional as F


def test_a_kernel_finds_edges() -> None:
    """By hand: differences of neighbours."""
    image = dl.tensor([[[[0.0, 0.0, 5.0, 5.0], [0.0, 0.0, 5.0, 5.0]]]])
    edges = F.conv2d(image, dl.tensor([[[[-1.0, 1.0]]]]))
    assert edges.tolist() == [[[[0, 5, 0], [0, 5, 0]]]]


def test_it_is_a_correlation_and_adds_the_bias() -> None:
    x = dl.tensor([[[[1.0, 2.0, 3.0]]]])
    out = F.conv2d(x, dl.tensor([[[[1.0, 10.0]]], [[[0.0, 1.0]]]]), dl.tensor([0.5, 0.0]))
    assert out.tolist() == [[[[21.5, 32.5]], [[2, 3]]]]


@pytest.mark.parametrize("samples", [1, 13, 29, 40])
def test_chunks_of_samples_join_without_a_seam(samples: int, rng: np.random.Generator) -> None:
    """One chunk has 14 samples of this size."""
    x = dl.tensor(rng.standard_normal((samples, 8, 16, 16)), requires_grad=True)
    w = dl.tensor(rng.standard_normal((4, 8, 3, 3)), requires_grad=True)
    whole = F.conv2d(x, w, padding=1)
    single = dl.cat([F.conv2d(x[i : i + 1], w, padding=1) for i in range(samples)])
    np.testing.assert_allclose(
        whole.detach().numpy(), single.detach().numpy(), rtol=1e-12, atol=1e-12
    )
    g = dl.tensor(rng.standard_normal(whole.shape))
    for a, b in zip(
        dl.autograd.grad(whole, [x, w], g), dl.autograd.grad(single, [x, w], g), strict=True
    ):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-10, atol=1e-10)


def test_groups_are_convolutions_of_their_own(rng: np.random.Generator) -> None:
    x, w = (
        dl.tensor(rng.standard_normal((2, 6, 5, 5))),
        dl.tensor(rng.standard_normal((4, 3, 2, 2))),
    )
    parts = [F.conv2d(x[:, :3], w[:2]), F.conv2d(x[:, 3:], w[2:])]
    both = F.conv2d(x, w, groups=2)
    np.testing.assert_allclose(both.numpy(), dl.cat(parts, 1).numpy(), rtol=1e-12)


def test_nothing_is_computed_for_an_image_without_gradient() -> None:
    x, w = dl.randn(2, 3, 8, 8), dl.randn(4, 3, 3, 3, requires_grad=True)
    F.conv2d(x, w).sum().backward()
    assert x.grad is None
    assert w.grad.shape == w.shape


def test_float32_stays_float32() -> None:
    x, w = dl.randn(2, 3, 8, 8, requires_grad=True), dl.randn(4, 3, 3, 3, requires_grad=True)
    out = F.conv2d(x, w, stride=2, padding=1)
    out.sum().backward()
    assert {out.dtype, x.grad.dtype, w.grad.dtype} == {dl.float32}


def test_a_transposed_convolution_may_have_no_outputs() -> None:
    x = dl.ones(2, 3, 1, 1, requires_grad=True)
    weight, bias = dl.ones(3, 4, 2, 3, requires_grad=True), dl.ones(4, requires_grad=True)
    out = F.conv_transpose2d(x, weight, bias, padding=(1, 0))
    assert out.shape == (2, 4, 0, 3)
    out.sum().backward()
    for leaf in (x, weight, bias):
        assert leaf.grad.shape == leaf.shape
        assert not leaf.grad.any()
