from __future__ import annotations

import dlframe as dl
import numpy as np
import pytest
from dlframe import kernels, nn, testing

ALL = ("forward", "fast_forward", "fast_backward")

CASES = {
    "layer": ((6, 5, 40), (40,), {"axes": (2,), "over": (0, 1)}),
    "layer of two axes": ((70, 4, 8), (4, 8), {"axes": (1, 2), "over": (0,)}),
    "root mean square": ((70, 40), (40,), {"axes": (1,), "over": (0,), "centre": False}),
    "batch": ((4, 3, 5, 6), (3,), {"axes": (0, 2, 3), "over": (0, 2, 3)}),
    "batch of sequences": ((4, 3, 30), (3,), {"axes": (0, 2), "over": (0, 2)}),
    "instance": ((4, 3, 5, 6), (3,), {"axes": (2, 3), "over": (0, 2, 3)}),
    "group": ((4, 2, 3, 30), (2, 3), {"axes": (2, 3), "over": (0, 3)}),
}


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_normalizations_are_computed_by_the_kernel(case, affine, rng, crowd):
    shape, weights, options = CASES[case]
    x = rng.standard_normal(shape) * 3 + 2
    weight, bias = (rng.standard_normal((2, *weights)) + 1) if affine else (None, None)
    testing.check_kernel(
        "normalize",
        [x, weight, bias],
        options=options | {"eps": 1e-5},
        runs=ALL,
        order=1,
        narrow=2e-5,
    )


@pytest.mark.parametrize("momentum", [0.1, 0.5])
def test_batch_norm_moves_its_running_statistics(momentum, rng):
    x = dl.tensor((rng.standard_normal((8, 4, 30, 30)) + 5).astype(np.float32))
    found = []
    for enabled in (True, False):
        with kernels.flags(enabled=enabled):
            layer = nn.BatchNorm2d(4, momentum=momentum)
            out = layer(x.clone().requires_grad_())
            out.square().sum().backward()
            found.append([out.detach(), layer.running_mean, layer.running_var, layer.weight.grad])
    for with_kernel, plain in zip(*found, strict=True):
        np.testing.assert_allclose(with_kernel.numpy(), plain.numpy(), rtol=1e-4, atol=1e-5)
    assert kernels.runs()["moments: forward"] > 0


def test_sums_over_millions_stay_exact(rng):
    x = np.full((64, 2, 128, 128), 1000.5, np.float32)
    x[:, :, ::2] += 0.25
    x = dl.tensor(x)
    layer = nn.BatchNorm2d(2, affine=False)
    assert abs(layer(x).numpy()).max() < 1.01
    assert abs(layer.running_mean.numpy() / 0.1 - 1000.625).max() < 1e-3
