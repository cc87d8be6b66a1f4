"""Causal masks by name."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe.errors import ArgumentError
from dlframe.nn import functional as F
from dlframe.nn.attention.bias import (
    CausalBias,
    CausalVariant,
    causal_lower_right,
    causal_upper_left,
)


@pytest.mark.parametrize("queries, keys", [(3, 3), (2, 5), (1, 4), (0, 3), (3, 0)])
def test_they_end_in_their_corners(queries: int, keys: int) -> None:
    i, j = np.indices((queries, keys))
    left = causal_upper_left(queries, keys)
    assert (left.array == (j <= i)).all()
    assert (left.variant, left.seq_len_q, left.seq_len_kv) == (1, queries, keys)
    assert isinstance(left, CausalBias)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        right = causal_lower_right(queries, keys)
    assert (right.array == (j - keys <= i - queries)).all()
    assert right.variant is CausalVariant.LOWER_RIGHT
    assert right.shape == (queries, keys)
    assert right.dtype == dl.bool


def test_attention_takes_them() -> None:
    dl.manual_seed(0)
    q, k = dl.randn(2, 3, 4), dl.randn(2, 5, 4)
    causal = F.scaled_dot_product_attention(q, k, k, is_causal=True)
    assert dl.allclose(F.scaled_dot_product_attention(q, k, k, causal_upper_left(3, 5)), causal)
    # the last queries of five are those of all five
    whole = F.scaled_dot_product_attention(dl.cat([k[:, :2], q], 1), k, k, is_causal=True)
    last = F.scaled_dot_product_attention(q, k, k, causal_lower_right(3, 5))
    assert dl.allclose(last, whole[:, 2:])
    with pytest.raises(RuntimeError, match="attn_mask should not be set when is_causal"):
        F.scaled_dot_product_attention(q, k, k, causal_upper_left(3, 5), is_causal=True)


def test_queries_without_keys() -> None:
    with pytest.warns(UserWarning, match="3 > 2: the first queries"):
        mask = causal_lower_right(3, 2)
    q, k = dl.ones(1, 3, 4), dl.ones(1, 2, 4)
    assert (F.scaled_dot_product_attention(q, k, k, mask)[0, 0] == 0).all()


@pytest.mark.parametrize("size", [(), (2,), (1, 2, 3), (2.0, 3), (-1, 3), ("2", 3)])
def test_wrong_sizes(size: Any) -> None:
    with pytest.raises(ArgumentError, match="causal_upper_left"):
        causal_upper_left(*size)


def test_a_wrong_variant() -> None:
    with pytest.raises(ArgumentError, match="CausalVariant"):
        CausalBias(1, 2, 3)  # type: ignore[arg-type] # wrong on purpose
