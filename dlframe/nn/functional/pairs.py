"""Losses of pairs and triples: what belongs together should be near, or ranked in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, ShapeError
from dlframe.nn.functional.checks import check_signs, pair, reduction_of
from dlframe.ops import losses
from dlframe.tensor import Tensor, to_array
from dlframe.tensor.arguments import require_floats
from dlframe.tensor.creation import as_tensor
from dlframe.tensor.functions.distances import pairwise_distance

__all__ = [
    "cosine_embedding_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]

# The cosine of a vector of zeros is 0 with it; PyTorch's number, which is one of float32.
_TINY = float(np.float32(1e-12))

Distance = Callable[[Tensor, Tensor], Tensor]


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """x where t = 1, max(0, margin - x) where t = -1, for distances x of similar and other pairs.

    Args:
        input: distances, of any shape.
        target: 1 or -1, of the same shape.
        margin: the distance from which pairs that do not belong together cost nothing.
        size_average, reduce: former names for `reduction`.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ShapeError: input and target differ in shape.
        LabelError: a target that is neither -1 nor 1.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.hinge_embedding_loss(dl.tensor([0.25, 0.25]), dl.tensor([1.0, -1.0]), reduction="none")
    tensor([0.2500, 0.7500])
    """
    name = "hinge_embedding_loss"
    reduction = reduction_of(name, size_average, reduce, reduction)
    input, target = pair(name, input, target)
    signs = to_array(target)
    check_signs(name, signs)
    values = ops.where(signs == 1, input, _at_least_0(margin - input))
    return losses.reduced(values, reduction)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin - t (x₁ - x₂)): x₁ should be ranked above x₂ where t = 1, below where t = -1.

    Args:
        input1, input2: scores of one shape.
        target: 1 or -1, of the same shape.
        margin: how far apart both must be to cost nothing.
        size_average, reduce: former names for `reduction`.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ShapeError: shapes that differ.
        LabelError: a target that is neither -1 nor 1.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> better, worse = dl.tensor([0.5, 2.0]), dl.tensor([1.0, 1.0])
    >>> F.margin_ranking_loss(better, worse, dl.ones(2), margin=0.25, reduction="none")
    tensor([0.7500, 0.0000])
    """
    name = "margin_ranking_loss"
    reduction = reduction_of(name, size_average, reduce, reduction)
    target = target if isinstance(target, Tensor) else as_tensor(target)
    if not input1.shape == input2.shape == target.shape:
        raise ShapeError(
            f"{name}: All input tensors should have same dimension and shape, got "
            f"input1{list(input1.shape)}, input2{list(input2.shape)} and target{list(target.shape)}"
        )
    check_signs(name, to_array(target))
    values = _at_least_0(margin - target * (input1 - input2))
    require_floats(name, values)
    return losses.reduced(values, reduction)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """1 - cos(x₁, x₂) where t = 1, max(0, cos(x₁, x₂) - margin) where t = -1.

    Args:
        input1, input2: vectors of one shape, (N, D) or (D,).
        target: 1 or -1, of shape (N,) or ().
        margin: the cosine up to which pairs that do not belong together cost nothing; from -1 to 1.
        size_average, reduce: former names for `reduction`.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ShapeError: shapes that do not belong together.
        LabelError: a target that is neither -1 nor 1.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> x, y = dl.tensor([[1.0, 0.0], [1.0, 0.0]]), dl.tensor([[0.0, 2.0], [3.0, 0.0]])
    >>> F.cosine_embedding_loss(x, y, dl.tensor([1, -1]), reduction="none")
    tensor([1., 1.])
    """
    name = "cosine_embedding_loss"
    reduction = reduction_of(name, size_average, reduce, reduction)
    require_floats(name, input1)
    signs = to_array(target)
    if signs.ndim > 1:
        raise ShapeError(
            f"{name}: 0D or 1D target tensor expected, multi-target not supported, got "
            f"target{list(signs.shape)}"
        )
    shapes = tuple(input1.shape), tuple(input2.shape)
    if shapes[0] != shapes[1] or not shapes[0] or shapes[0][:-1] != signs.shape:
        raise ShapeError(
            f"{name}: expected two inputs of shape (N, D) and a target of shape (N,), or (D,) and "
            f"(), got input1{list(shapes[0])}, input2{list(shapes[1])} and "
            f"target{list(signs.shape)}"
        )
    check_signs(name, signs)
    squares = [ops.sum(x * x, axis=-1) + _TINY for x in (input1, input2)]
    cosine = ops.sum(input1 * input2, axis=-1) / ops.sqrt(squares[0] * squares[1])
    values = ops.where(signs == 1, 1 - cosine, _at_least_0(cosine - margin))
    return losses.reduced(values, reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin + ‖a - p‖ - ‖a - n‖): the positive should be nearer to the anchor.

    Args:
        anchor, positive, negative: vectors of one shape, (N, D) or (D,).
        margin: how much nearer; positive.
        p: the degree of the norm.
        eps: added to each difference, so that the norm has a gradient where vectors are equal.
        swap: use the distance between positive and negative, if that is smaller than the one
            between anchor and negative (Balntas et al. 2016).
        size_average, reduce: former names for `reduction`.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ShapeError: shapes that differ.
        ArgumentError: a margin that is not positive.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> a, p, n = dl.tensor([[0.0, 0.0]]), dl.tensor([[1.0, 0.0]]), dl.tensor([[0.0, 1.5]])
    >>> F.triplet_margin_loss(a, p, n)
    tensor(0.5000)
    """
    name = "triplet_margin_loss"
    reduction = reduction_of(name, size_average, reduce, reduction)

    def distance(x: Tensor, y: Tensor) -> Tensor:
        return pairwise_distance(x, y, p, eps)

    return _triplet(name, anchor, positive, negative, distance, margin, swap, reduction)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Distance | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` with a distance of your own: max(0, margin + d(a, p) - d(a, n)).

    Args:
        anchor, positive, negative: vectors of one shape, (N, D) or (D,).
        distance_function: gives the distances of two batches; by default the Euclidean distance.
        margin: how much nearer the positive must be; positive.
        swap: as in `triplet_margin_loss`.
        reduction: `"mean"`, `"sum"` or `"none"`.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> a, p, n = dl.tensor([[0.0, 0.0]]), dl.tensor([[1.0, 1.0]]), dl.tensor([[0.0, 1.5]])
    >>> def manhattan(x, y):
    ...     return (x - y).abs().sum(dim=-1)
    >>> F.triplet_margin_with_distance_loss(a, p, n, distance_function=manhattan)
    tensor(1.5000)
    """
    name = "triplet_margin_with_distance_loss"
    reduction = reduction_of(name, None, None, reduction)
    if distance_function is None:
        return triplet_margin_loss(
            anchor, positive, negative, margin, swap=swap, reduction=reduction
        )
    return _triplet(name, anchor, positive, negative, distance_function, margin, swap, reduction)


def _triplet(
    name: str,
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    distance: Distance,
    margin: float,
    swap: bool,
    reduction: str,
) -> Tensor:
    if margin <= 0:
        raise ArgumentError(f"{name}: margin must be greater than 0, got {margin}")
    require_floats(name, anchor)
    if not anchor.shape == positive.shape == negative.shape:
        raise ShapeError(
            f"{name}: The anchor, positive, and negative tensors are expected to have the same "
            f"number of dimensions and the same shape, got anchor{list(anchor.shape)}, "
            f"positive{list(positive.shape)} and negative{list(negative.shape)}"
        )
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = ops.minimum(far, distance(positive, negative))
    return losses.reduced(_at_least_0(margin + near - far), reduction)


def _at_least_0(x: Any) -> Any:
    """max(0, x) with PyTorch's derivative at 0, which is 1 here (that of relu is 0)."""
    return ops.clip(x, 0, None)
