from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
import dlframe.nn.functional as F
from dlframe.errors import GradientError


def test_linear_by_hand() -> None:
    x, w, b = dl.tensor([[1.0, 2.0]]), dl.tensor([[3.0, 4.0], [5.0, 6.0]]), dl.tensor([0.5, -1.0])
    assert F.linear(x, w, b).tolist() == [[11.5, 16]]
    assert F.linear(input=x, weight=w).tolist() == [[11, 17]]


def test_dropout_keeps_the_expectation() -> None:
    out = F.dropout(dl.ones(10000), 0.2)
    assert set(out.tolist()) == {0.0, 1.25}
    assert abs(out.mean().item() - 1) < 0.03


def test_dropout_draws_anew_and_repeats_with_the_seed() -> None:
    x = dl.ones(50)
    draws = []
    for _ in range(2):
        generator = dl.Generator().manual_seed(5)
        draws.append([F.dropout(x, generator=generator).tolist() for _ in range(2)])
    assert draws[0] == draws[1]
    assert draws[0][0] != draws[0][1]


def test_dropout_without_effect_gives_the_input_itself() -> None:
    x = dl.ones(3)
    assert F.dropout(x, 0.5, training=False) is x
    assert F.dropout(x, 0.0) is x


def test_dropout_in_place() -> None:
    x = dl.ones(20)
    assert F.dropout(x, 0.5, inplace=True) is x
    assert set(x.tolist()) == {0.0, 2.0}


def test_gradient_goes_through_the_same_mask() -> None:
    x = dl.ones(30, requires_grad=True)
    out = F.dropout(x, 0.5)
    out.sum().backward()
    assert x.grad.tolist() == out.tolist()


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
