"""Networks: modules, layers, losses, and the functions and initial values they are made of."""

from __future__ import annotations

from dlframe.nn import functional, init, utils
from dlframe.nn.activation import (
    ELU,
    GELU,
    LeakyReLU,
    LogSoftmax,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from dlframe.nn.batchnorm import BatchNorm1d, BatchNorm2d
from dlframe.nn.container import ModuleDict, ModuleList, Sequential
from dlframe.nn.conv import Conv2d
from dlframe.nn.dropout import Dropout
from dlframe.nn.embedding import Embedding
from dlframe.nn.flatten import Flatten, Unflatten
from dlframe.nn.layernorm import LayerNorm
from dlframe.nn.linear import Bilinear, Identity, Linear
from dlframe.nn.loss import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HingeEmbeddingLoss,
    HingeLoss,
    HuberLoss,
    L1Loss,
    MSELoss,
    NLLLoss,
    SmoothL1Loss,
)
from dlframe.nn.module import Module
from dlframe.nn.parameter import Buffer, Parameter
from dlframe.nn.parameter_container import ParameterDict, ParameterList
from dlframe.nn.pooling import AdaptiveAvgPool2d, AvgPool2d, MaxPool2d

__all__ = [
    "ELU",
    "GELU",
    "AdaptiveAvgPool2d",
    "AvgPool2d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "Bilinear",
    "Buffer",
    "Conv2d",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "Flatten",
    "HingeEmbeddingLoss",
    "HingeLoss",
    "HuberLoss",
    "Identity",
    "L1Loss",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "MaxPool2d",
    "Module",
    "ModuleDict",
    "ModuleList",
    "NLLLoss",
    "Parameter",
    "ParameterDict",
    "ParameterList",
    "ReLU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SmoothL1Loss",
    "Softmax",
    "Softplus",
    "Tanh",
    "Unflatten",
    "functional",
    "init",
    "utils",
]
