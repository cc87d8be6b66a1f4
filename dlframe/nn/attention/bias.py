"""Causal masks for queries and keys of different lengths, as masks by name."""

from __future__ import annotations

import enum
import warnings
from typing import Any

import numpy as np

from dlframe.errors import ArgumentError
from dlframe.tensor import Tensor

__all__ = ["CausalBias", "CausalVariant", "causal_lower_right", "causal_upper_left"]


class CausalVariant(enum.IntEnum):
    """The corner in which the diagonal of a causal mask ends."""

    UPPER_LEFT = 1
    LOWER_RIGHT = 2


class CausalBias(Tensor):
    """The mask M of a causal attention: query i may look at key j where M[i, j] is True::

        M[i, j] = j <= i            UPPER_LEFT: both begin together
        M[i, j] = j - S <= i - L    LOWER_RIGHT: both end together, as when S keys are cached

    It is for `attn_mask` of `F.scaled_dot_product_attention`, and a tensor of bools like any other
    mask. Without `is_causal`, since it says the same. `causal_upper_left` and `causal_lower_right`
    make one.

    Args:
        variant: which corner.
        seq_len_q: L, the number of queries.
        seq_len_kv: S, the number of keys.

    Shape: (L, S). For L = S the two are equal.
    """

    def __init__(self, variant: CausalVariant, seq_len_q: int, seq_len_kv: int) -> None:
        if not isinstance(variant, CausalVariant):
            raise ArgumentError(f"CausalBias: variant must be a CausalVariant, got {variant!r}")
        later = seq_len_kv - seq_len_q if variant is CausalVariant.LOWER_RIGHT else 0
        if later < 0:
            warnings.warn(
                "Lower right causal bias will produce NaNs in the output when seq_len_q > "
                f"seq_len_kv, here {seq_len_q} > {seq_len_kv}: the first queries may look at no "
                "key. (Their outputs are 0.)",
                stacklevel=3,
            )
        super().__init__(np.tri(seq_len_q, seq_len_kv, later, dtype=bool))
        self.variant = variant
        self.seq_len_q = seq_len_q
        self.seq_len_kv = seq_len_kv


def causal_upper_left(*size: int) -> CausalBias:
    """The causal mask in which queries and keys begin together; what `is_causal=True` does.

    Args:
        size: the numbers of queries and of keys.

    >>> from dlframe.nn.attention.bias import causal_upper_left
    >>> causal_upper_left(2, 3)
    tensor([[ True, False, False],
            [ True,  True, False]])
    """
    return CausalBias(CausalVariant.UPPER_LEFT, *_two("causal_upper_left", size))


def causal_lower_right(*size: int) -> CausalBias:
    """The causal mask in which queries and keys end together, as with keys of earlier queries.

    Args:
        size: the numbers of queries and of keys.

    >>> from dlframe.nn.attention.bias import causal_lower_right
    >>> causal_lower_right(2, 3)
    tensor([[ True,  True, False],
            [ True,  True,  True]])
    """
    return CausalBias(CausalVariant.LOWER_RIGHT, *_two("causal_lower_right", size))


def _two(name: str, size: tuple[Any, ...]) -> tuple[int, int]:
    """The numbers of queries and keys."""
    if len(size) != 2:
        raise ArgumentError(f"{name} only supports 2D tensors: the numbers of queries and keys")
    queries, keys = size
    if not all(isinstance(n, (int, np.integer)) and n >= 0 for n in size):
        raise ArgumentError(f"{name}: both numbers must be integers, 0 or more; got {size}")
    return int(queries), int(keys)
