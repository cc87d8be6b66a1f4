"""unique, bincount, isin, meshgrid, var_mean and std_mean beside PyTorch's."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

torch = pytest.importorskip("torch")

SEEDS = range(20)


@pytest.mark.parametrize("dim", [None, 0, 1, -1, 3])
@pytest.mark.parametrize("shape", [(40,), (30, 2), (2, 30), (4, 3, 2), (0, 2), ()])
@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool", "float32"])
def test_unique(agree, dim, shape, dtype):
    for seed in SEEDS:
        values = np.random.default_rng(seed).integers(0, 4, shape).astype(dtype)
        for inverse, counts in itertools.product([False, True], repeat=2):
            options = {"return_inverse": inverse, "return_counts": counts, "dim": dim}

            def program(lib, values=values, options=options):
                out = lib.unique(lib.tensor(values), **options)
                out = out if isinstance(out, tuple) else [out]
                return [
                    y for x in out for y in (x, list(x.shape), str(x.dtype).removeprefix("torch."))
                ]

            agree(program)


@pytest.mark.parametrize("weights", [None, "float32", "float64", "float16", "int64", "uint8"])
def test_bincount(agree, weights):
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        x = rng.integers(0, 1 + seed, 50 if seed else 0)
        w = None if weights is None else (10 * rng.standard_normal(x.size) ** 2).astype(weights)

        def program(lib, x=x, w=w, seed=seed):
            out = lib.bincount(lib.tensor(x), None if w is None else lib.tensor(w), 2 * (seed % 7))
            return [out, str(out.dtype).removeprefix("torch.")]

        agree(program)


@pytest.mark.parametrize("kinds", [*itertools.product(["int64", "float32", "float64"], repeat=2)])
def test_isin(agree, kinds):
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        a, b = (
            rng.integers(0, 20, n).astype(k) / 2 for n, k in zip((30, seed), kinds, strict=True)
        )
        a, b = a.astype(kinds[0]), b.astype(kinds[1])
        agree(lambda lib, a=a, b=b: [lib.isin(lib.tensor(a), lib.tensor(b))])
        agree(lambda lib, a=a, s=seed: [lib.isin(lib.tensor(a), s / 2, invert=True)])
        agree(lambda lib, b=b, s=seed: [lib.isin(s / 2, lib.tensor(b))])


@pytest.mark.parametrize("indexing", ["ij", "xy"])
@pytest.mark.parametrize("sizes", [(3,), (2, 3), (3, 1, 2), (2, 0), (2, 3, 2, 2)])
def test_meshgrid(agree, sizes, indexing):
    def program(lib):
        vectors = [lib.arange(n) + 10 * i for i, n in enumerate(sizes)]
        return [*lib.meshgrid(*vectors, indexing=indexing), *lib.meshgrid(vectors, indexing="ij")]

    agree(program)


@pytest.mark.parametrize("name", ["var_mean", "std_mean"])
@pytest.mark.parametrize(
    "args, options",
    [
        ((), {}),
        ((False,), {}),
        ((1,), {"correction": 2, "keepdim": True}),
        (((0, 2),), {"unbiased": False}),
        ((-1, True, True), {}),
        ((), {"axis": 0, "correction": 0}),
    ],
)
def test_spread_and_mean(agree, name, args, options):
    x = np.random.default_rng(0).standard_normal((3, 4, 5))

    def program(lib):
        t = lib.tensor(x, requires_grad=True)
        spread, mean = getattr(lib, name)(t, *args, **options)
        (spread.sum() * 2 + (mean * mean).sum()).backward()
        return [spread.detach(), mean.detach(), t.grad]

    agree(program)
