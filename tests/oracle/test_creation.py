"""linspace and arange over many ranges, and random fills of every layout, against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", "int32", "uint8"])
def test_linspace_is_equal_bit_for_bit(dtype, rng):
    """PyTorch multiplies and adds with one rounding; on other processors float64 may differ."""
    for _ in range(300):
        start, end = rng.uniform(-10, 10, 2)
        if dtype not in {"float16", "float32", "float64"}:
            start, end = int(abs(10 * start)), int(abs(10 * end))
        steps = int(rng.integers(0, 300))
        mine = dl.linspace(start, end, steps, dtype=getattr(dl, dtype)).array
        theirs = torch.linspace(start, end, steps, dtype=getattr(torch, dtype)).numpy()
        if dtype == "float64":
            np.testing.assert_allclose(mine, theirs, rtol=0, atol=4e-15)
            assert (mine != theirs).sum() <= 1 or np.finfo(np.longdouble).nmant < 63
        else:
            np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arange_differs_by_rounding_alone(dtype, rng):
    for _ in range(300):
        start, length, step = rng.uniform(-10, 10), rng.uniform(0, 20), rng.uniform(0.01, 0.5)
        mine = dl.arange(start, start + length, step, dtype=getattr(dl, dtype))
        theirs = torch.arange(start, start + length, step, dtype=getattr(torch, dtype))
        atol = 20 * np.finfo(dtype).eps
        np.testing.assert_allclose(mine.array, theirs.numpy(), rtol=0, atol=atol)


LAYOUTS = {
    "in order": lambda t: t,
    "transposed": lambda t: t.permute(2, 1, 0),
    "permuted": lambda t: t.permute(1, 2, 0),
    "every other": lambda t: t[:, :, ::2],
    "a part, transposed": lambda t: t[1:, :, 1:].transpose(0, 1),
    "one column": lambda t: t[:, :1, 2],
}
FILLS = {
    "uniform_": (),
    "normal_": (1.0, 2.0),
    "exponential_": (0.5,),
    "cauchy_": (),
    "log_normal_": (),
    "geometric_": (0.3,),
    "random_": (0, 100),
    "bernoulli_": (0.3,),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_random_fills_of_any_layout(layout, fill, dtype):
    results = []
    for lib in (torch, dl):
        lib.manual_seed(0)
        base = lib.zeros(3, 4, 6, dtype=getattr(lib, dtype))
        getattr(LAYOUTS[layout](base), fill)(*FILLS[fill])
        results.append(base.numpy())
    np.testing.assert_allclose(results[1], results[0], rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["zeros_like", "rand_like", "randn_like"])
def test_like_keeps_layout_and_numbers(layout, name):
    results = []
    for lib in (torch, dl):
        lib.manual_seed(0)
        results.append(getattr(lib, name)(LAYOUTS[layout](lib.zeros(3, 4, 6))))
    assert results[1].stride() == results[0].stride()
    np.testing.assert_allclose(results[1].array, results[0].numpy(), rtol=2e-5, atol=1e-6)
