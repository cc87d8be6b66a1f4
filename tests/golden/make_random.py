"""Writes random.npz: what PyTorch's CPU generator gives, for seeds and calls in a mixed order.

`calls` is a list, in JSON, of [method, arguments, keyword arguments] of `dlframe.random.Generator`;
array s_i is what PyTorch gives for call i after seed s. `probs`, `rates` and `counts` are the
arguments of the calls that need an array. `state_s` is PyTorch's state after the last call.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

SEEDS = [0, 1, 2024, 2**32 + 5, -1, 2**63 - 1]
PROBS = np.array([[0.1, 0.2, 0.3, 0.0, 0.4], [2.0, 0.5, 0.25, 1.0, 4.0]], np.float32)

CALLS: list[tuple[str, list[Any], dict[str, Any]]] = [
    ("uniform", [7], {}),
    ("normal", [1], {}),  # leaves a sine for the next call that makes pairs
    ("uniform", [[3, 5]], {"dtype": "float64"}),
    ("normal", [16], {}),  # blocks neither take nor drop it
    ("normal", [4], {"mean": 2.0, "std": 0.5}),
    ("randperm", [10], {}),
    ("normal", [17], {"dtype": "float64"}),
    ("normal", [[]], {}),  # 0-d
    ("normal", [0], {}),
    ("randint", [-5, 12, 9], {}),
    ("randint", [0, 2**28 - 1, 3], {}),  # the last range with 32-bit draws
    ("randint", [0, 2**28, 3], {}),
    ("randint", [-(2**62), 2**62, 3], {}),
    ("normal", [100], {"mean": -1.0, "std": 3.0}),
    ("normal", [33], {"dtype": "float16"}),
    ("normal", [15], {"dtype": "float64"}),
    ("keep_mask", [0.3, 40], {}),
    ("uniform", [33], {"low": -0.1, "high": 0.7}),
    ("uniform", [9], {"dtype": "float16", "low": 0.0, "high": 1.0}),
    ("bernoulli", [], {}),
    ("multinomial", [2], {}),
    ("multinomial", [1], {}),
    ("multinomial", [8, True], {}),
    ("exponential", [5], {"lambd": 2.0}),
    ("exponential", [3], {"dtype": "float64"}),
    ("log_normal", [3], {}),
    ("cauchy", [3], {"median": 1.0, "sigma": 2.0}),
    ("geometric", [0.25, 6], {}),
    ("random", [3, "int64"], {}),
    ("random", [3, "int32"], {}),
    ("random", [3, "uint8"], {}),
    ("random", [3, "float32"], {}),
    ("random", [3, "float64"], {}),
    ("randperm", [0], {}),
    ("randperm", [1], {}),
    ("randperm", [700], {}),
    ("uniform", [5000], {}),  # large enough for the other way of drawing
    ("keep_mask", [0.9, 4100], {}),
    ("normal", [3], {}),
    ("poisson", [], {}),  # by products, and by rejection
    ("binomial", [], {}),
    ("randperm", [3000], {}),
    ("normal", [3], {}),
]

RATES = np.append(np.linspace(0, 60, 40), np.full(20, 3)).astype(np.float32)
COUNTS = np.repeat(np.array([0, 3, 40, 1000], np.float32), 15)


def empty(shape: int | list[int], dtype: str = "float32") -> Tensor:
    return torch.empty(shape, dtype=getattr(torch, dtype))


# What PyTorch calls each method.
TORCH: dict[str, Callable[..., Tensor]] = {
    "uniform": lambda g, shape, dtype="float32", low=0.0, high=1.0: empty(shape, dtype).uniform_(
        low, high, generator=g
    ),
    "normal": lambda g, shape, dtype="float32", mean=0.0, std=1.0: empty(shape, dtype).normal_(
        mean, std, generator=g
    ),
    "log_normal": lambda g, shape: empty(shape).log_normal_(generator=g),
    "exponential": lambda g, shape, dtype="float32", lambd=1.0: empty(shape, dtype).exponential_(
        lambd, generator=g
    ),
    "cauchy": lambda g, shape, median, sigma: empty(shape).cauchy_(median, sigma, generator=g),
    "geometric": lambda g, p, shape: empty(shape).geometric_(p, generator=g),
    "randint": lambda g, low, high, n: torch.randint(low, high, (n,), generator=g),
    "random": lambda g, shape, dtype: empty(shape, dtype).random_(generator=g),
    "randperm": lambda g, n: torch.randperm(n, generator=g),
    "bernoulli": lambda g: torch.bernoulli(torch.from_numpy(PROBS / 4), generator=g),
    "keep_mask": lambda g, p, shape: empty(shape, "bool").bernoulli_(p, generator=g),
    "poisson": lambda g: torch.poisson(torch.from_numpy(RATES), generator=g),
    "binomial": lambda g: torch.binomial(
        torch.from_numpy(COUNTS), torch.from_numpy(RATES / 60), generator=g
    ),
    "multinomial": lambda g, n, replacement=False: torch.multinomial(
        torch.from_numpy(PROBS), n, replacement, generator=g
    ),
}


def main() -> None:
    arrays = {"calls": np.array(json.dumps(CALLS)), "seeds": np.array(SEEDS), "probs": PROBS}
    arrays |= {"rates": RATES, "counts": COUNTS}
    for s, seed in enumerate(SEEDS):
        g = torch.Generator().manual_seed(seed)
        for i, (name, args, kwargs) in enumerate(CALLS):
            arrays[f"{s}_{i}"] = TORCH[name](g, *args, **kwargs).numpy()
        arrays[f"state_{s}"] = g.get_state().numpy()
    path = Path(__file__).with_suffix("").with_name("random.npz")
    np.savez_compressed(path, **arrays)
    print(path.name, path.stat().st_size, "bytes, PyTorch", torch.__version__)


if __name__ == "__main__":
    main()
