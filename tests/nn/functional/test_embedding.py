from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
import dlframe.nn.functional as F
from dlframe.errors import GradientError


def test_rows_that_are_used_twice_add_up() -> None:
    w = dl.zeros(3, 2, requires_grad=True)
    F.embedding(dl.tensor([[1, 1], [2, 1]]), w).sum().backward()
    assert w.grad.tolist() == [[0, 0], [3, 3], [1, 1]]
    w.grad = None
    F.embedding(dl.tensor([1, 1, 2]), w, scale_grad_by_freq=True).sum().backward()
    assert w.grad.tolist() == [[0, 0], [1, 1], [1, 1]]


def test_shortening_rows_is_seen_by_older_graphs() -> None:
    w = dl.tensor([[3.0, 4.0], [0.3, 0.4]], requires_grad=True)
    square = w**2
    F.embedding(dl.tensor([0]), w, max_norm=1.0)
    np.testing.assert_allclose(w.detach().numpy(), [[0.6, 0.8], [0.3, 0.4]], rtol=1e-6)
    with pytest.raises(GradientError, match="max_norm"):
        square.sum().backward()


def test_one_hot_of_any_shape() -> None:
    out = F.one_hot(dl.tensor([[0], [2]]), 4)
    assert (out.shape, out.dtype) == ((2, 1, 4), dl.int64)
    assert out.sum().item() == 2
