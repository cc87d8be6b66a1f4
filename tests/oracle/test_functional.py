"""`nn.functional` side by side with PyTorch."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from samples.evaluate import difference, results
from samples.functional import custom

import dlframe as dl

torch = pytest.importorskip("torch")


def compare(run: Any, *arrays: np.ndarray, rtol: float = 1e-10) -> None:
    """Values and gradients of one function in both libraries, with random weights."""
    call = custom("", lambda lib, F, *xs: run(F, *xs), arrays, order=1)
    assert difference(results(call, dl), results(call, torch), rtol) == ""


POOLS = [
    (kernel, stride, padding, dilation, ceil)
    for kernel, stride, padding, dilation, ceil in itertools.product(
        [(1, 1), (2, 2), (3, 2), (4, 3)], [None, (1, 1), (2, 3), 5], [0, 1], [1, 2], [False, True]
    )
    if 2 * padding <= min(kernel)
]


@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation", "ceil"), POOLS)
def test_pools(
    kernel: Any, stride: Any, padding: int, dilation: int, ceil: bool, rng: np.random.Generator
) -> None:
    """Few different values: most windows have several maxima."""
    x = rng.integers(0, 4, (2, 3, 10, 9)).astype(float)
    compare(lambda F, x: F.max_pool2d(x, kernel, stride, padding, dilation, ceil, True), x)
    if dilation == 1:
        for count in (False, True):
            compare(
                lambda F, x, count=count: F.avg_pool2d(x, kernel, stride, padding, ceil, count), x
            )


@pytest.mark.parametrize("share", [0.02, 0.3, 1.0])
def test_pools_with_nan(share: float, rng: np.random.Generator) -> None:
    x = rng.standard_normal((2, 2, 8, 8))
    x[rng.random(x.shape) < share] = np.nan
    for args in ((2,), (3, 1, 1), (3, 2, 1, 2, True)):
        compare(lambda F, x, args=args: F.max_pool2d(x, *args, return_indices=True), x)


def test_adaptive_pools(rng: np.random.Generator) -> None:
    for n, out in itertools.product(range(1, 8), range(1, 9)):
        x = rng.standard_normal((2, 3, n, 5))
        compare(lambda F, x, out=out: F.adaptive_avg_pool2d(x, (out, 3)), x)


@pytest.mark.parametrize("p", [0.1, 0.25, 0.5, 0.9, 1.0])
def test_dropout_draws_pytorchs_masks(p: float) -> None:
    for shape in ((3,), (17,), (100, 7)):
        x = np.ones(shape, np.float32)
        found = []
        for lib in (dl, torch):
            lib.manual_seed(3)
            masks = [lib.nn.functional.dropout(lib.tensor(x), p).numpy() for _ in range(3)]
            found.append([*masks, lib.rand(2).numpy()])  # the stream goes on at the same place
        for ours, theirs in zip(*found, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_dtypes_of_pairs() -> None:
    """Where PyTorch gives a result for two dtypes, ours has the same dtype."""
    names = ("float32", "float64", "int64")
    different = []
    for function, a, b in itertools.product(
        ("mse_loss", "l1_loss", "smooth_l1_loss"), names, names
    ):
        found = []
        for lib in (dl, torch):
            x, y = (lib.ones(2, dtype=getattr(lib, name)) for name in (a, b))
            try:
                out = getattr(lib.nn.functional, function)(x, y)
            except RuntimeError:
                found.append("error")
            else:
                found.append(str(out.dtype).removeprefix("torch."))
        if found[0] != found[1]:
            different.append((function, a, b, *found))
    assert different == []


def test_large_batches_in_float32(rng: np.random.Generator) -> None:
    """More than one chunk of columns, and means over many numbers."""
    x = rng.standard_normal((70, 8, 17, 16)).astype(np.float32)
    weight = rng.standard_normal((6, 8, 3, 3)).astype(np.float32)
    ours = dl.tensor(x, requires_grad=True), dl.tensor(weight, requires_grad=True)
    theirs = torch.tensor(x, requires_grad=True), torch.tensor(weight, requires_grad=True)
    for lib, (a, b) in ((dl, ours), (torch, theirs)):
        F = lib.nn.functional
        y = F.relu(F.batch_norm(F.conv2d(a, b, padding=1), None, None, training=True))
        (F.max_pool2d(y, 2) ** 2).mean().backward()
    for mine, its in zip(ours, theirs, strict=True):
        scale = its.grad.abs().max().item()
        np.testing.assert_allclose(mine.grad.numpy() / scale, its.grad.numpy() / scale, atol=2e-5)
