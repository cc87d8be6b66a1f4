from __future__ import annotations

import dlframe as dl
import numpy as np
import pytest
from dlframe import kernels
from dlframe.nn import functional as F


def test_gelu_runs_and_gives_the_numbers_of_the_plain_operation():
    x = dl.randn(200, 100, requires_grad=True)
    before = kernels.runs()
    out = F.gelu(x)
    out.sum().backward()
    found = kernels.runs() - before
    assert found["gelu: fast_forward"] == 1
    g, x.grad = x.grad.numpy(), None
    with kernels.flags(enabled=False):
        plain = F.gelu(x)
        plain.sum().backward()
    np.testing.assert_allclose(out.detach(), plain.detach(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(g, x.grad, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, -100.0, 100.0])
def test_gelu_far_from_zero(value):
    x = dl.full((20000,), value)
    with kernels.flags(enabled=False):
        plain = F.gelu(x)
    np.testing.assert_array_equal(F.gelu(x).numpy(), plain.numpy())


@pytest.mark.parametrize("wrong", [np.inf, -np.inf, np.nan])
def test_an_infinite_gradient_does_not_pass_a_relu_that_is_0(wrong):
    x = dl.full((200, 100), -1.0)
    x[:, ::2] = 2.0
    x.requires_grad = True
    before = kernels.runs()
    F.relu(x).backward(dl.full((200, 100), wrong))
    assert (kernels.runs() - before)["relu: fast_backward"] == 1
    np.testing.assert_array_equal(x.grad[:, ::2], wrong)
    np.testing.assert_array_equal(x.grad[:, 1::2], 0)
