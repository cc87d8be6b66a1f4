"""Write creation.json: what PyTorch's creation functions return, or which error they raise.

Each entry is an expression of `L`, the library, and `np`; and the dtype, shape and values of the
result, or the classes of the error. tests/test_creation.py compares.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

EXPRESSIONS = [
    # tensor: inference
    "L.tensor(3)",
    "L.tensor(3.0)",
    "L.tensor(True)",
    "L.tensor([])",
    "L.tensor([[]])",
    "L.tensor([True, 2])",
    "L.tensor([1, 2.5])",
    "L.tensor([True, 2.5])",
    "L.tensor((1, 2))",
    "L.tensor(range(3))",
    "L.tensor(1e40)",
    "L.tensor([L.tensor(1), L.tensor(2)])",
    "L.tensor([1, L.tensor(2.5)])",
    "L.tensor([L.ones(1), 2])",
    "L.tensor([[L.tensor(1.5)], [2]])",
    "L.tensor(np.float64(1.5))",
    "L.tensor([np.float64(1.5)])",
    "L.tensor([np.float32(1.5), 2])",
    "L.tensor([1, np.float64(1.5)])",
    "L.tensor([np.int8(1), np.uint8(2)])",
    "L.tensor(np.arange(3))",
    "L.tensor(np.arange(3, dtype='uint8'))",
    "L.tensor(L.ones(2, dtype=L.float64))",
    "L.tensor([1.9, -1.9], dtype=L.int32)",
    "L.tensor([0, 2], dtype=L.bool)",
    "L.tensor(-1, dtype=L.uint8)",
    "L.tensor([1, 2], dtype=float)",
    "L.tensor([1.5], dtype=int)",
    # tensor: errors
    "L.tensor('a')",
    "L.tensor(None)",
    "L.tensor([[1, 2], [3]])",
    "L.tensor([1, [2]])",
    "L.tensor([L.ones(2), L.ones(2)])",
    "L.tensor(2**63)",
    "L.tensor([2**64])",
    "L.tensor(-(2**63) - 1)",
    "L.tensor(300, dtype=L.uint8)",
    "L.tensor(float('nan'), dtype=L.int64)",
    "L.tensor([1, 2], requires_grad=True)",
    # as_tensor, from_numpy
    "L.as_tensor([1, 2])",
    "L.as_tensor(1.5)",
    "L.as_tensor(np.ones(2), dtype=L.float32)",
    "L.from_numpy(np.ones(2))",
    "L.from_numpy([1])",
    "L.from_numpy(np.float64(1))",
    "L.from_numpy(np.array(['a']))",
    "L.from_numpy(np.ones(2, dtype='>f4'))",
    # sizes
    "L.zeros(2, 3)",
    "L.zeros((2, 3))",
    "L.zeros([2])",
    "L.zeros(size=(2,))",
    "L.zeros(())",
    "L.zeros(0)",
    "L.zeros(2, dtype=L.bool)",
    "L.ones(2, 0)",
    "L.ones(np.int64(2))",
    "L.ones(L.tensor(2))",
    "L.zeros()",
    "L.zeros(-1)",
    "L.zeros(2.5)",
    "L.zeros('a')",
    "L.zeros(2, requires_grad=True, dtype=L.int64)",
    # full
    "L.full((2,), 7)",
    "L.full((2,), 7.0)",
    "L.full((2,), True)",
    "L.full((), 1)",
    "L.full((2,), L.tensor(3))",
    "L.full((2,), 1.5, dtype=L.int64)",
    "L.full((2,), L.tensor([1, 2]))",
    "L.full((-1,), 1)",
    # eye
    "L.eye(2)",
    "L.eye(2, 3)",
    "L.eye(3, 2)",
    "L.eye(0)",
    "L.eye(2, dtype=L.bool)",
    "L.eye(-1)",
    # arange
    "L.arange(5)",
    "L.arange(5.0)",
    "L.arange(end=3)",
    "L.arange(0)",
    "L.arange(5, 5)",
    "L.arange(1, 10, 3)",
    "L.arange(5, 1, -2)",
    "L.arange(-3, 3)",
    "L.arange(0, 1, 0.25)",
    "L.arange(0, 3, dtype=L.uint8)",
    "L.arange(5, dtype=L.float64)",
    "L.arange(2.5, dtype=L.int64)",
    "L.arange(0.5, 3, dtype=L.int64)",
    "L.arange(L.tensor(3))",
    "L.arange(np.float64(3))",
    "L.arange(5, 1)",
    "L.arange(1, 5, -1)",
    "L.arange(1, 5, 0)",
    "L.arange(float('nan'))",
    "L.arange(float('inf'))",
    "L.arange(3, dtype=L.bool)",
    # linspace, logspace
    "L.linspace(0, 1, 11)",
    "L.linspace(3, 1, 3)",
    "L.linspace(-3, 5, 100)",
    "L.linspace(0.1, 0.7, 37)",
    "L.linspace(0.1, 0.7, 37, dtype=L.float16)",
    "L.linspace(0, 1, 1)",
    "L.linspace(0, 1, 0)",
    "L.linspace(0, 10, 4, dtype=L.int64)",
    "L.linspace(0, -10, 7, dtype=L.int32)",
    "L.linspace(0, 1, -1)",
    "L.linspace(0, 1, 2.5)",
    "L.logspace(0, 2, 3)",
    "L.logspace(0, 3, 4, base=2)",
    "L.logspace(0, 2, 3, dtype=L.int64)",
    # in the shape of another tensor
    "L.zeros_like(L.ones(2, dtype=L.int64))",
    "L.ones_like(L.ones(2), dtype=L.bool)",
    "L.full_like(L.ones(2), 3)",
    "L.full_like(L.ones(2, dtype=L.int64), 2.5)",
    "L.zeros_like(np.ones(2))",
    # random, seeded with 0 each time
    "L.rand(2, 3)",
    "L.rand(3, dtype=L.float64)",
    "L.randn(3)",
    "L.randn(20)",
    "L.randint(10, (5,))",
    "L.randint(-3, 3, (2, 2))",
    "L.randint(low=0, high=4, size=(3,), dtype=L.uint8)",
    "L.randint(high=4, size=(3,))",
    "L.randperm(10)",
    "L.randperm(3, dtype=L.float32)",
    "L.rand_like(L.zeros(5, 8).T)",
    "L.randn_like(L.zeros(5, 8).T)",
    "L.rand_like(L.zeros(6, 8)[:, ::2].T)",
    "L.randint_like(L.zeros(3), 10)",
    "L.randint_like(L.zeros(3), -10, 10)",
    "L.normal(1.0, 2.0, (3,))",
    "L.normal(L.arange(3.0), L.ones(3))",
    "L.normal(L.arange(20.0), 0.5)",
    "L.normal(0.0, L.arange(3.0))",
    "L.normal(L.arange(3.0))",
    "L.bernoulli(L.full((6,), 0.5))",
    "L.multinomial(L.tensor([1.0, 2.0, 3.0]), 2)",
    "L.zeros(4, 6).T.uniform_()",
    "L.zeros(4, 6).T.uniform_(-1, 2)",
    "L.zeros(4, 6).T.normal_()",
    "L.zeros(4, 6)[:, ::2].normal_(1, 2)",
    "L.zeros(4, 6).normal_()",
    "L.zeros(4, 6).T.exponential_()",
    "L.zeros(4, 6).T.random_(0, 100)",
    "L.zeros(4, 6).T.random_(7)",
    "L.zeros(4, 6).T.bernoulli_(0.3)",
    "L.zeros(3).log_normal_()",
    "L.zeros(3).cauchy_()",
    "L.zeros(3).geometric_(0.3)",
    "L.randint(3, 3, (2,))",
    "L.randint(300, (2,), dtype=L.uint8)",
    "L.randperm(-1)",
    "L.randn(2, dtype=L.int64)",
    "L.normal(L.zeros(2), L.ones(3))",
    "L.normal(L.zeros(2), -1.0)",
    "L.bernoulli(L.tensor([2.0]))",
]


def outcome(expression: str) -> dict[str, Any]:
    torch.manual_seed(0)
    try:
        out = eval(expression, {"L": torch, "np": np})
    except Exception as error:  # noqa: BLE001 - whichever it is, it is the outcome
        return {"raises": [c.__name__ for c in type(error).__mro__]}
    dtype = str(out.dtype).removeprefix("torch.")
    return {"dtype": dtype, "shape": list(out.shape), "values": out.tolist()}


def main() -> None:
    torch.set_num_threads(1)
    lines = ",\n".join(json.dumps([e, outcome(e)]) for e in EXPRESSIONS)
    Path(__file__).with_name("creation.json").write_text(f"[\n{lines}\n]\n", "utf-8")


if __name__ == "__main__":
    main()
