"""The generator beside PyTorch's own: random calls, sizes, dtypes and seeds, one stream each."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dlframe.random import Generator  # noqa: E402 - after the check for torch

SIZES = [0, 1, 2, 3, 7, 15, 16, 17, 31, 32, 33, 100, 623, 624, 625, 1000, 4095, 4096, 5000]
FLOATS = ["float16", "float32", "float64"]
TOLERANCE = {"float16": 2e-3, "float32": 1e-6, "float64": 1e-14}


def empty(n: int, dtype: str = "float32"):
    return torch.empty(n, dtype=getattr(torch, dtype))


def equal(got: np.ndarray, want) -> None:
    assert got.dtype == want.numpy().dtype
    np.testing.assert_array_equal(got, want.numpy())


def close(got: np.ndarray, want) -> None:
    assert got.dtype == want.numpy().dtype
    tolerance = TOLERANCE[got.dtype.name]
    np.testing.assert_allclose(got, want.numpy(), rtol=tolerance, atol=tolerance)


def uniform(g, t, n, rng):
    dtype = str(rng.choice(FLOATS))
    equal(g.uniform(n, dtype), empty(n, dtype).uniform_(generator=t))


def uniform_range(g, t, n, rng):
    low = float(rng.normal())
    high = low + abs(float(rng.normal())) * 10.0 ** int(rng.integers(-3, 3))
    for dtype in ("float16", "float32"):
        equal(
            g.uniform(n, dtype, low=low, high=high),
            empty(n, dtype).uniform_(low, high, generator=t),
        )
    close(
        g.uniform(n, "float64", low=low, high=high),
        empty(n, "float64").uniform_(low, high, generator=t),
    )


def normal(g, t, n, rng):
    dtype, mean, std = str(rng.choice(FLOATS)), float(rng.normal()), float(rng.uniform(0, 2))
    close(g.normal(n, dtype), empty(n, dtype).normal_(generator=t))
    close(g.normal(n, dtype, mean=mean, std=std), empty(n, dtype).normal_(mean, std, generator=t))


def normal_into_a_non_contiguous_tensor(g, t, n, rng):
    close(g.normal_by_pairs(n), torch.empty(n, 2)[:, 0].normal_(generator=t))


def randint(g, t, n, rng):
    ranges = [(0, 10), (-5, 7), (0, 1), (0, 2**28 - 1), (0, 2**28), (-3, 2**32), (0, 2**40)]
    for low, high in [*ranges, (-(2**62), 2**62), (-(2**63), 2**63 - 1)]:
        equal(g.randint(low, high, n), torch.randint(low, high, (n,), generator=t))
    equal(g.randint(3, 256, n, "uint8"), empty(n, "uint8").random_(3, 256, generator=t))
    equal(g.randint(-3, 256, n, "float32"), empty(n).random_(-3, 256, generator=t))
    equal(g.randint(-(2**63), 2**63, n), empty(n, "int64").random_(-(2**63), None, generator=t))


def random(g, t, n, rng):
    for dtype in ["bool", "uint8", "int8", "int16", "int32", "int64", *FLOATS]:
        equal(g.random(n, dtype), empty(n, dtype).random_(generator=t))


def randperm(g, t, n, rng):
    equal(g.randperm(n), torch.randperm(n, generator=t))


def bernoulli(g, t, n, rng):
    for dtype in FLOATS:
        p = rng.random(n).astype(dtype)
        equal(g.bernoulli(p), torch.bernoulli(torch.from_numpy(p), generator=t))


def keep_mask(g, t, n, rng):
    for p in (0.0, 0.5, 1.0, float(rng.random())):
        equal(g.keep_mask(p, n), empty(n, "bool").bernoulli_(p, generator=t))
        equal(g.keep_mask(p, n).astype("f4"), empty(n).bernoulli_(p, generator=t))


def multinomial(g, t, n, rng):
    for shape in [(n + 1,), (3, n + 1)]:
        for dtype in ("float32", "float64"):
            p = rng.random(shape).astype(dtype)
            theirs = torch.from_numpy(p)
            for replacement in (False, True):
                equal(
                    g.multinomial(p, 1, replacement),
                    torch.multinomial(theirs, 1, replacement, generator=t),
                )
            equal(g.multinomial(p, 9, True), torch.multinomial(theirs, 9, True, generator=t))
        k = int(rng.integers(1, n + 2))  # float64, in which no two candidates tie
        equal(g.multinomial(p, k), torch.multinomial(theirs, k, generator=t))


def the_rest(g, t, n, rng):
    for dtype in FLOATS:
        close(g.exponential(n, dtype, lambd=1.7), empty(n, dtype).exponential_(1.7, generator=t))
        close(
            g.log_normal(n, dtype, mean=0.5, std=0.25),
            empty(n, dtype).log_normal_(0.5, 0.25, generator=t),
        )
        equal(g.geometric(0.2, n, dtype), empty(n, dtype).geometric_(0.2, generator=t))
    close(g.cauchy(n, "float64", median=1, sigma=2), empty(n, "float64").cauchy_(1, 2, generator=t))


def state(g, t, n, rng):
    mine, theirs = g.get_state(), t.get_state().numpy()
    spare = slice(5024, 5032)  # a normal: equal to rounding
    assert mine[spare].view("f8")[0] == pytest.approx(theirs[spare].view("f8")[0], rel=1e-13)
    both = mine.copy()
    both[spare] = theirs[spare]
    np.testing.assert_array_equal(both, theirs)
    g.set_state(theirs)
    t.set_state(torch.from_numpy(mine))


CALLS: list[Callable[..., None]] = [
    uniform, uniform_range, normal, normal_into_a_non_contiguous_tensor, randint, random,
    randperm, bernoulli, keep_mask, multinomial, the_rest, state,
]  # fmt: skip


@pytest.mark.parametrize("part", range(40))
def test_calls_in_any_order_give_the_same_numbers(part: int, rng: np.random.Generator):
    seed = int(rng.integers(-(2**63), 2**63 - 1))
    g, t = Generator().manual_seed(seed), torch.Generator().manual_seed(seed)
    assert g.initial_seed() == t.initial_seed()
    for i in rng.integers(0, len(CALLS), 15):
        CALLS[i](g, t, int(rng.choice(SIZES)), rng)
        state(g, t, 0, rng)


def test_large_sizes():
    g, t = Generator().manual_seed(5), torch.Generator().manual_seed(5)
    for n in (65_536, 131_077, 1_000_000):
        close(g.normal(n), empty(n).normal_(generator=t))
        equal(g.keep_mask(0.3, n), empty(n, "bool").bernoulli_(0.3, generator=t))
        equal(g.uniform(n, low=-0.1, high=0.1), empty(n).uniform_(-0.1, 0.1, generator=t))
    equal(g.randperm(60_000), torch.randperm(60_000, generator=t))


def test_a_linear_layers_initial_weights():
    torch.manual_seed(3)
    layer = torch.nn.Linear(784, 50)
    g, bound = Generator().manual_seed(3), 1 / math.sqrt(784)
    equal(g.uniform((50, 784), low=-bound, high=bound), layer.weight.detach())
    equal(g.uniform(50, low=-bound, high=bound), layer.bias.detach())


@pytest.mark.parametrize("n", [5, 1000, 100_000])
def test_dropout(n: int):
    torch.manual_seed(4)
    kept = torch.nn.functional.dropout(torch.ones(n), 0.3) > 0
    equal(Generator().manual_seed(4).keep_mask(1 - 0.3, n), kept)


def test_a_data_loaders_order():
    data = torch.utils.data.TensorDataset(torch.arange(100))
    theirs = torch.utils.data.DataLoader(
        data, batch_size=100, shuffle=True, generator=torch.Generator().manual_seed(1)
    )
    g = Generator().manual_seed(1)
    for (batch,) in [next(iter(theirs)) for _ in range(2)]:
        g.random_int64(1)  # the loader's base seed
        equal(g.randperm(100), batch)


def test_seeds_out_of_range():
    for bad in (2**64, -(2**63) - 1):
        with pytest.raises(ValueError):
            torch.Generator().manual_seed(bad)
        with pytest.raises(ValueError):
            Generator().manual_seed(bad)
