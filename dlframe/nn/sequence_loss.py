"""Losses of sequences, and of vocabularies too large for one softmax."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, ShapeError
from dlframe.nn import functional as F
from dlframe.nn.container import ModuleList, Sequential
from dlframe.nn.functional import checks
from dlframe.nn.functional.linear_cross_entropy import LinearCrossEntropyOptions
from dlframe.nn.linear import Linear
from dlframe.nn.loss import _Loss
from dlframe.nn.module import Module
from dlframe.tensor import Tensor
from dlframe.tensor.arguments import check_range

__all__ = [
    "AdaptiveLogSoftmaxWithLoss",
    "CTCLoss",
    "LinearCrossEntropyLoss",
    "LinearCrossEntropyOptions",
]


class CTCLoss(_Loss):
    """-log p(target), summed over all alignments of a sequence with its target.

    For speech and handwriting: the network says at each time which label it sees, or none (the
    blank), and nobody has to say when a label begins. Graves et al. (2006).

    A target with L labels, R of which repeat the one before, needs L + R times. If the input is
    shorter, the loss is infinite; `zero_infinity` lets it count for nothing. Untrained networks
    soon learn to say blank only, and stay there for a while: peaks come later.

    Args:
        blank: the label that stands for none.
        reduction: `"mean"` divides each loss by the length of its target first. `"sum"`, `"none"`.
        zero_infinity: give 0 instead of infinity, without gradient.

    Shapes: log-probabilities (T, N, C), the batch second; targets (N, S), or all one after the
    other; lengths (N,) of both. Without a batch (T, C) and (S,).

    The gradient is the one for scores before a `log_softmax`, as in PyTorch. It has no second
    derivative.

    Formula: `dlframe/ops/ctc.py`, ctc_loss.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> log_probs = dl.zeros(50, 2, 5).log_softmax(2)
    >>> targets = dl.tensor([[1, 2, 2, 4], [3, 1, 0, 0]])
    >>> nn.CTCLoss()(log_probs, targets, (50, 40), (4, 2))
    tensor(20.6716)
    """

    def __init__(
        self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False
    ) -> None:
        super().__init__(reduction=reduction)
        self.blank = blank
        self.zero_infinity = zero_infinity

    def forward(
        self, log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any
    ) -> Tensor:
        """The loss of log-probabilities."""
        return F.ctc_loss(
            log_probs,
            targets,
            input_lengths,
            target_lengths,
            self.blank,
            self.reduction,
            self.zero_infinity,
        )


class _ASMoutput(NamedTuple):
    """The log-probability of each target, and their negative mean."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """Cross entropy for very many classes: a small softmax for frequent ones, and clusters.

    Classes must be numbered by frequency. The head is a softmax over the first `cutoffs[0]` classes
    and one entry for each cluster of others. A cluster has a softmax of its own behind a
    projection, which is smaller the rarer its classes are; it is computed only for samples
    whose target lies in it. Grave et al. (2017).

        log p(class) = log p(cluster) + log p(class | cluster)

    Args:
        in_features: the size of each input.
        n_classes: the number of classes.
        cutoffs: the first class of each cluster, rising, from 1 to n_classes - 1.
        div_value: the i-th cluster projects to in_features / div_value^(i + 1) features.
        head_bias: whether the head has a bias.
        device, dtype: of the weights.

    Shapes: input (N, in_features) and target (N,), or (in_features,) and ().

    Returns:
        A named tuple: `output`, the log-probability of each target, (N,), and `loss`, the negative
        of their mean.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.AdaptiveLogSoftmaxWithLoss(32, 100, cutoffs=[10, 40])
    >>> x = dl.randn(5, 32)
    >>> output, loss = layer(x, dl.tensor([0, 3, 12, 50, 99]))
    >>> output.shape, layer.log_prob(x).shape, layer.predict(x).shape
    ((5,), (5, 100), (5,))
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        inside = all(int(c) == c and 0 < c < n_classes for c in cutoffs)
        if not inside or any(a >= b for a, b in itertools.pairwise(cutoffs)):
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing "
                f"order, where each value is between 1 and n_classes-1 = {n_classes - 1}, got "
                f"{cutoffs}"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        made: dict[str, Any] = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **made)
        self.tail = ModuleList()
        for i, (first, end) in enumerate(itertools.pairwise(self.cutoffs)):
            hidden = int(in_features // div_value ** (i + 1))
            project = Linear(in_features, hidden, bias=False, **made)
            self.tail.append(Sequential(project, Linear(hidden, end - first, bias=False, **made)))

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        self.head.reset_parameters()
        for layer in self.tail.modules():
            if isinstance(layer, Linear):
                layer.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _ASMoutput:
        """The log-probability of each target, and their negative mean."""
        name = type(self).__name__
        labels = checks.constant(name, "target", target_)
        if labels.ndim > 1:
            raise ShapeError(
                f"{name}: 0D or 1D target tensor expected, multi-target not supported, got "
                f"target{list(labels.shape)}"
            )
        if input_.ndim != labels.ndim + 1 or input_.shape[:-1] != labels.shape:
            raise ShapeError(
                f"{name}: Input and target should have the same size in the batch dimension: (N, "
                f"in_features) and (N,), or (in_features,) and (); got input{list(input_.shape)} "
                f"and target{list(labels.shape)}"
            )
        checks.check_integers(name, labels)
        check_range(name, "Target", labels, self.n_classes, "there are {} classes")
        rows = input_ if labels.ndim else input_.unsqueeze(0)
        output = self._of_targets(rows, np.atleast_1d(labels))
        loss = -output.mean()
        return _ASMoutput(output if labels.ndim else output.squeeze(0), loss)

    def _of_targets(self, rows: Tensor, labels: np.ndarray[Any, Any]) -> Tensor:
        """log p of one class for each row."""
        cluster = np.searchsorted(self.cutoffs, labels, side="right")  # 0 is the head alone
        entry = np.where(cluster == 0, labels, self.shortlist_size + cluster - 1)
        output = _picked(F.log_softmax(self.head(rows), dim=1), entry)
        for i, tail in enumerate(self.tail):
            (inside,) = np.nonzero(cluster == i + 1)
            if len(inside):
                log_probs = F.log_softmax(tail(rows[inside]), dim=1)
                output = output.index_add(
                    0, Tensor(inside), _picked(log_probs, labels[inside] - self.cutoffs[i])
                )
        return output

    def log_prob(self, input: Tensor) -> Tensor:
        """The log-probabilities of all classes, (N, n_classes)."""
        head = F.log_softmax(self.head(input), dim=1)
        parts = [head[:, : self.shortlist_size]]
        for i, tail in enumerate(self.tail):
            of_cluster = head[:, self.shortlist_size + i].unsqueeze(1)
            parts.append(F.log_softmax(tail(input), dim=1) + of_cluster)
        return ops.concatenate(*parts, axis=1)  # type: ignore[no-any-return] # ops are Any to mypy

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class of each row, (N,); as PyTorch, by way of the head.

        If an entry of the shortlist is the largest in the head, it is the answer; only other rows
        look into the clusters.
        """
        best: Tensor = self.head(input).argmax(dim=1)
        others = best >= self.shortlist_size
        if others.any():
            best = best.clone()
            best[others] = self.log_prob(input[others]).argmax(dim=1)
        return best


def _picked(log_probs: Tensor, labels: np.ndarray[Any, Any]) -> Tensor:
    """One entry of each row."""
    return ops.take_along_axis(log_probs, labels[:, None], axis=1).squeeze(1)  # type: ignore[no-any-return] # as above


class LinearCrossEntropyLoss(_Loss):
    """A linear layer and `CrossEntropyLoss` in one: a head for very many classes.

    With `options` the batch is gone through in parts, and the matrix of all logits, (N, C), never
    exists: for a vocabulary of 50,000 words and 8,000 positions it would need 1.6 GB, and its
    gradient as much.

    Args:
        in_features: the size of each input.
        num_classes: the number of classes C.
        out_features: (d₁, d₂, …), further dimensions of the targets.
        bias: whether the linear layer has a bias.
        device, dtype: of the weights.
        reduction: `"mean"`, `"sum"` or `"none"`.
        weight: (C,), the weight of each class.
        ignore_index: targets of this class do not count; None is -100.
        label_smoothing: as in `CrossEntropyLoss`.
        options: a `LinearCrossEntropyOptions`.

    Shapes: x is (N, in_features) or (in_features,); t is (N, d₁, …) or (), classes; or
    probabilities (N, C, d₁, …).

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> loss = nn.LinearCrossEntropyLoss(8, 1000, options=nn.LinearCrossEntropyOptions())
    >>> loss(dl.randn(64, 8), dl.randint(1000, (64,))).shape
    ()
    """

    weight: Tensor | None

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: Any = None,
        dtype: Any = None,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        options: LinearCrossEntropyOptions | None = None,
    ) -> None:
        super().__init__(None, None, reduction)
        self._register_weight("weight", weight)
        if self.weight is not None and self.weight.shape != (num_classes,):
            raise ShapeError(
                f"expected weight shape to be {(num_classes,)}, got {tuple(self.weight.shape)}"
            )
        if not 0 <= label_smoothing <= 1:
            raise ArgumentError(
                f"expected label_smoothing to be in range [0, 1], got {label_smoothing}"
            )
        self.num_classes = num_classes
        self.out_features = out_features
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing
        size = math.prod(out_features, start=num_classes)
        self.linear = Linear(in_features, size, bias=bias, device=device, dtype=dtype)
        self.options = options

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of features `input`."""
        linear, shape = self.linear, (self.num_classes, *self.out_features)
        return F.linear_cross_entropy(
            input,
            linear.weight.reshape((*shape, linear.in_features)),
            target,
            linear_bias=None if linear.bias is None else linear.bias.reshape(shape),
            weight=self.weight,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            options=self.options,
        )

    def extra_repr(self) -> str:
        """The arguments."""
        return (
            f"in_features={self.linear.in_features}, num_classes={self.num_classes}, "
            f"out_features={self.out_features}, bias={self.linear.bias is not None}, "
            f"reduction={self.reduction}, ignore_index={self.ignore_index}, "
            f"label_smoothing={self.label_smoothing}, options={self.options}"
        )
