"""Attention with scores that a plain exponential could not hold."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

import dlframe as dl
from dlframe import ops
from dlframe.base import threads

attention = import_module("dlframe.ops.attention")  # `ops.attention` is the function

rng = np.random.default_rng(5)


@pytest.mark.parametrize("shift", [0.0, 1000.0, -1000.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_number_added_to_all_scores_of_a_row_changes_nothing(shift: float, dtype: str) -> None:
    query, key, value = rng.normal(size=(3, 2, 4, 8)).astype(dtype)
    mask = np.zeros((2, 4, 4), dtype)
    mask[:, 1] = shift
    plain = ops.attention(query, key, value, scale=0.5)
    shifted = ops.attention(query, key, value, mask, scale=0.5)
    np.testing.assert_allclose(shifted, plain, atol=2e-4 if dtype == "float32" else 1e-12)


def test_one_huge_score_takes_all_of_its_row() -> None:
    query, key, value = np.zeros((3, 1, 3, 2), np.float32)
    query[0, 0], key[0, 2], value[0] = 100, 100, [[1, 2], [3, 4], [5, 6]]
    out = ops.attention(query, key, value, scale=1.0)
    np.testing.assert_allclose(out, [[[5, 6], [3, 4], [3, 4]]])


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("kept", [1 << 22, 0])
@pytest.mark.parametrize("block", [7, 64])
@pytest.mark.parametrize("shape", [(5, 6, 4), (3, 2, 6, 4), (6, 4)])
def test_threads_and_blocks_give_the_same(
    monkeypatch: pytest.MonkeyPatch, n: int, kept: int, block: int, shape: tuple[int, ...]
) -> None:
    arrays = rng.normal(size=(4, *shape))
    mask = rng.normal(size=(*shape[:-1], shape[-2]))

    def outcome() -> list[np.ndarray]:
        tensors = [dl.tensor(x, requires_grad=True) for x in (*arrays[:3], mask)]
        out = ops.attention(*tensors, scale=0.5, causal=True)
        out.backward(dl.tensor(arrays[3]))
        return [out.detach().numpy(), *(x.grad.numpy() for x in tensors)]

    expected = outcome()
    monkeypatch.setattr(threads, "_number", n)
    monkeypatch.setattr(attention, "_BLOCK", block)
    monkeypatch.setattr(attention, "_BLOCK_OF_THREADS", block)
    monkeypatch.setattr(attention, "_HEIGHT", 2)
    monkeypatch.setattr(attention, "_SHARED", 1)
    monkeypatch.setattr(attention, "_KEPT", kept)
    for ours, whole in zip(outcome(), expected, strict=True):
        np.testing.assert_allclose(ours, whole, rtol=1e-10, atol=1e-12)
