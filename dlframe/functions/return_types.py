"""What functions with two results return: named tuples, as ``torch.return_types``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dlframe.tensor import Tensor


class max(NamedTuple):
    """Of `dlframe.max` along a dim: the largest elements and where they were."""

    values: Tensor
    indices: Tensor


class min(NamedTuple):
    """Of `dlframe.min` along a dim: the smallest elements and where they were."""

    values: Tensor
    indices: Tensor


class sort(NamedTuple):
    """Of `dlframe.sort`: the elements in order, and where they were."""

    values: Tensor
    indices: Tensor


class topk(NamedTuple):
    """Of `dlframe.topk`: the largest elements in order, and where they were."""

    values: Tensor
    indices: Tensor
