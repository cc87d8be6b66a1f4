"""Cross entropy of a linear layer: at once, or some rows at a time."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlframe import dtypes, ops
from dlframe.errors import ArgumentError, ShapeError
from dlframe.nn.functional.checks import check_class_targets, constant, reduction_of, same_dtype
from dlframe.nn.functional.classification import check_class_weight, cross_entropy
from dlframe.tensor import Tensor
from dlframe.tensor.arguments import require_floats
from dlframe.tensor.creation import as_tensor

__all__ = ["linear_cross_entropy"]

# "auto" for float16, and for the others: those of PyTorch on a CPU
_AUTO = {"float16": "aspect_ratio"}
_AUTO_ELSE = "aspect_ratio:2"


@dataclass(frozen=True, slots=True)
class LinearCrossEntropyOptions:
    """How `linear_cross_entropy` goes through the batch in parts, to save memory.

    Without them all logits, (N, C), are computed at once. With them a part of the rows is, so that
    they need about the memory of the input, (N, in_features), or half of it; the gradients are
    those of all logits. It pays if there are many more classes than features.

    Args:
        allow_retain_graph: accepted without effect: one can always go backward again.
        batch_chunk_size: the number of rows in a part.
        chunking_method: `"aspect_ratio"` chooses it, so that a part of the logits is about as
            large as the input; `"aspect_ratio:2"` makes them half as large, and so on. `"auto"` is
            one of these. None uses `batch_chunk_size`.
        acc_policy: accepted without effect, as sums are always kept in float32 at least.
        acc_dtype: likewise.

    >>> from dlframe import nn
    >>> nn.LinearCrossEntropyOptions(batch_chunk_size=64).rows_for(1000, 16, 5000, "float32")
    64
    >>> nn.LinearCrossEntropyOptions().rows_for(1000, 16, 5000, "float32")
    2
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: Any = None

    def __post_init__(self) -> None:
        if self.acc_policy not in ("auto", "accurate", "balanced", "compact"):
            raise ArgumentError(
                f"invalid acc_policy: {self.acc_policy!r}; use 'auto', 'accurate', 'balanced' or "
                "'compact'"
            )
        if self.chunking_method not in (None, "auto"):
            name, colon, factor = str(self.chunking_method).partition(":")
            if name != "aspect_ratio" or (colon and not (factor.isdigit() and int(factor) > 0)):
                raise ArgumentError(
                    f"invalid chunking_method: {self.chunking_method!r}; use 'auto', "
                    "'aspect_ratio', 'aspect_ratio:2' … or None"
                )
        size = self.batch_chunk_size
        if size is not None and not (isinstance(size, int) and size > 0):
            raise ArgumentError(f"batch_chunk_size must be positive int or None, got {size!r}")
        if self.acc_dtype not in (None, dtypes.float16, dtypes.float32, dtypes.float64):
            raise ArgumentError(
                "acc_dtype must be one of {None, float16, float32, float64}, got "
                f"{self.acc_dtype!r}"
            )

    def rows_for(self, batch: int, in_features: int, classes: int, dtype: Any) -> int:
        """The number of rows in a part of a batch."""
        method, size = self.chunking_method, self.batch_chunk_size
        if method == "auto":
            method = None if size is not None else _AUTO.get(str(dtype), _AUTO_ELSE)
        if method is None:
            return max(1, batch if size is None else min(size, batch))
        factor = int(method.partition(":")[2] or 1)
        target = math.ceil(batch / math.ceil(classes / in_features))
        rows = min((1 << max(target - 1, 0).bit_length()) // factor, batch)
        if size is not None and min(size, batch) != rows:
            raise ArgumentError(
                f"batch_chunk_size (={size}) and chunking_method ({method!r}) give different chunk "
                f"sizes ({size} vs {rows}); pass only one."
            )
        return max(1, rows)


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: LinearCrossEntropyOptions | None = None,
) -> Tensor:
    """`cross_entropy(linear(input, linear_weight, linear_bias), target)`.

    Args:
        input: of shape (N, in_features), or (in_features,) without a batch.
        linear_weight: (C, in_features); or (C, d₁, …, in_features), for (N, C, d₁, …) logits.
        target: classes (N, d₁, …), or probabilities of the shape of the logits.
        linear_bias: (C, d₁, …).
        weight, reduction, ignore_index, label_smoothing: as in `cross_entropy`.
        options: go through the batch in parts, without the matrix of all logits. Ignored, with a
            warning, for probabilities, label smoothing and (C, d₁, …, in_features).

    Raises:
        ShapeError: shapes that do not belong together.
        LabelError: a class outside 0 … C - 1.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.linear_cross_entropy(dl.ones(2, 3), dl.zeros(4, 3), dl.tensor([1, 3]))
    tensor(1.3863)
    """
    name = "linear_cross_entropy"
    reduction = reduction_of(name, None, None, reduction)
    target = target if isinstance(target, Tensor) else as_tensor(target)
    _check_shapes(name, input, linear_weight, linear_bias)
    (features,), batch = input.shape[-1:], input.shape[:-1]
    classes, *places = linear_weight.shape[:-1]
    shape = (*batch, classes, *places)
    if target.shape == shape and target.dtype.kind == "f" and ignore_index is not None:
        raise ArgumentError(
            f"{name}: ignore_index cannot be specified when target contains probabilities"
        )
    ignore_index = -100 if ignore_index is None else ignore_index
    if options is not None:
        if not places and label_smoothing == 0 and target.dtype.kind in "iu":
            return _in_parts(
                name, input, linear_weight, target, linear_bias, weight, reduction, ignore_index,
                options,
            )  # fmt: skip
        warnings.warn(
            f"{name}: options ignored; going through the batch in parts needs classes as targets, "
            f"label_smoothing == 0 and out_features == (). Got label_smoothing={label_smoothing}, "
            f"target.dtype={target.dtype}, out_features={tuple(places)}.",
            stacklevel=2,
        )
    flat = linear_weight.reshape(math.prod((classes, *places)), features)
    bias = None if linear_bias is None else linear_bias.reshape(flat.shape[0])
    logits = ops.linear(input, flat, bias).reshape(shape)
    return cross_entropy(
        logits, target, weight=weight, reduction=reduction, ignore_index=ignore_index,
        label_smoothing=label_smoothing,
    )  # fmt: skip


def _in_parts(
    name: str,
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    linear_bias: Tensor | None,
    weight: Tensor | None,
    reduction: str,
    ignore_index: int,
    options: LinearCrossEntropyOptions,
) -> Tensor:
    classes, features = linear_weight.shape
    rows = input if len(input.shape) == 2 else ops.expand_dims(input, axis=0)
    scores = np.broadcast_to(np.zeros((), input.dtype), (*input.shape[:-1], classes))
    labels = np.atleast_1d(check_class_targets(name, scores, target, ignore_index))
    w = None if weight is None else constant(name, "weight", weight)
    if w is not None:
        check_class_weight(name, w, classes)
    values = ops.linear_cross_entropy(
        rows,
        linear_weight,
        linear_bias,
        target=labels,
        class_weight=w,
        ignore_index=ignore_index,
        reduction=reduction,
        rows=options.rows_for(rows.shape[0], features, classes, input.dtype),
    )
    return values[0] if reduction == "none" and len(input.shape) == 1 else values


def _check_shapes(name: str, input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    require_floats(name, input)
    same_dtype(name, input=input, linear_weight=weight, linear_bias=bias)
    if len(input.shape) not in (1, 2):
        raise ShapeError(
            f"{name}: expected input with dimensionality 1 or 2, got {len(input.shape)}: "
            f"{list(input.shape)}; flatten(0, -2) makes rows of all leading dimensions"
        )
    if len(weight.shape) < 2:
        raise ShapeError(
            f"{name}: expected linear_weight with dimensionality at least 2, got "
            f"{list(weight.shape)}"
        )
    if input.shape[-1] != weight.shape[-1]:
        raise ShapeError(
            f"{name}: expected equal input and linear_weight last dimensions (in_features), got "
            f"input{list(input.shape)} and linear_weight{list(weight.shape)}"
        )
    if bias is not None and bias.shape != weight.shape[:-1]:
        raise ShapeError(
            f"{name}: expected linear_bias shape {list(weight.shape[:-1])}, got {list(bias.shape)}"
        )
    if len(weight.shape) > 2 and len(input.shape) == 1:
        raise ShapeError(
            f"{name}: K-dimensional loss defined by linear_weight{list(weight.shape)} requires "
            f"batched input, (N, {input.shape[-1]}), got input{list(input.shape)}"
        )
