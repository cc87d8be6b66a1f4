"""The functions behind the layers: PyTorch's `torch.nn.functional`, its names and its arguments.

Inputs are tensors. The shapes in the docstrings write N for the batch, C for channels or classes, *
for any number of further dimensions; where there is none, any shape goes in and the same comes out.
"""

from __future__ import annotations

from dlframe.nn.functional.activation import (
    elu,
    gelu,
    leaky_relu,
    log_softmax,
    relu,
    sigmoid,
    silu,
    softmax,
    softplus,
    tanh,
)
from dlframe.nn.functional.classification import cross_entropy, nll_loss
from dlframe.nn.functional.convolution import conv2d
from dlframe.nn.functional.dropout import dropout
from dlframe.nn.functional.embedding import embedding, one_hot
from dlframe.nn.functional.linear import linear
from dlframe.nn.functional.loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    hinge_loss,
    huber_loss,
    l1_loss,
    mse_loss,
    smooth_l1_loss,
)
from dlframe.nn.functional.normalization import batch_norm, layer_norm
from dlframe.nn.functional.pooling import adaptive_avg_pool2d, avg_pool2d, max_pool2d
from dlframe.tensor.functions.padding import pad

__all__ = [
    "adaptive_avg_pool2d",
    "avg_pool2d",
    "batch_norm",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "conv2d",
    "cross_entropy",
    "dropout",
    "elu",
    "embedding",
    "gelu",
    "hinge_loss",
    "huber_loss",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "max_pool2d",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "pad",
    "relu",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "tanh",
]
