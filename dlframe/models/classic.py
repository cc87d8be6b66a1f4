"""Classifiers; each is made by a function that puts layers in a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dlframe import nn, plugins
from dlframe.base.printable import error_text, printable
from dlframe.errors import ArgumentError


def linear(in_features: int, classes: int) -> nn.Sequential:
    """Logistic regression: one layer from all inputs to the logits.

    >>> linear(64, 10)(dl.zeros(3, 1, 8, 8)).shape
    (3, 10)
    """
    return nn.Sequential(nn.Flatten(), nn.Linear(in_features, classes))


def mlp(
    in_features: int,
    hidden: Sequence[int],
    classes: int,
    activation: str = "ReLU",
    dropout: float = 0.0,
    batch_norm: bool = False,
    activation_arguments: Mapping[str, Any] | None = None,
) -> nn.Sequential:
    """Linear layers of the sizes `hidden`, each with its activation, and one to the logits.

    Inputs of any shape are flattened to `in_features`. `activation` is the name of a layer,
    such as "ReLU", "Tanh" or that of a plugin, which is made with `activation_arguments`. With
    `batch_norm`, a BatchNorm1d stands before each activation. Raises ArgumentError for a layer
    that cannot be made so.

    >>> mlp(2, [25, 25], 2, activation="Tanh")
    Sequential(
      (0): Flatten(start_dim=1, end_dim=-1)
      (1): Linear(in_features=2, out_features=25, bias=True)
      (2): Tanh()
      (3): Linear(in_features=25, out_features=25, bias=True)
      (4): Tanh()
      (5): Linear(in_features=25, out_features=2, bias=True)
    )
    """
    layers: list[nn.Module] = [nn.Flatten()]
    for size in hidden:
        # without a bias, since batch normalisation would subtract it with the mean
        layers.append(nn.Linear(in_features, size, bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm1d(size))
        layers.append(make_activation(activation, activation_arguments))
        if dropout:
            layers.append(nn.Dropout(dropout))
        in_features = size
    return nn.Sequential(*layers, nn.Linear(in_features, classes))


def make_activation(name: str, arguments: Mapping[str, Any] | None = None) -> nn.Module:
    """The layer of that name; ArgumentError if it cannot be made with these arguments.

    >>> make_activation("tanh"), make_activation("LeakyReLU", {"negative_slope": 0.2})
    (Tanh(), LeakyReLU(negative_slope=0.2))
    """
    make = plugins.get("layers", name)
    try:
        layer = make(**(arguments or {}))
    except (Exception, SystemExit) as error:  # a plugin's code may raise anything
        how = f"with {dict(arguments)}" if arguments else "without arguments"
        raise ArgumentError(
            f"the layer {printable(name)!r} cannot be used as an activation: "
            f"{printable(how)} it raises {error_text(error)}"
        ) from error
    if not isinstance(layer, nn.Module):
        kind = type(layer).__name__
        raise ArgumentError(f"the layer {printable(name)!r} makes a {kind}, which is no nn.Module")
    return layer


def cnn(
    channels: int,
    size: int,
    classes: int,
    width: int = 16,
    dropout: float = 0.25,
    activation: str = "ReLU",
    batch_norm: bool = True,
    activation_arguments: Mapping[str, Any] | None = None,
) -> nn.Sequential:
    """3×3 convolutions with batch normalisation, halving the image until it is at most 4×4.

    The first stage has `width` channels, and each further one twice as many as the one before. A
    linear layer computes the logits. Input: (N, channels, size, size). `activation` is the name of
    a layer, as in `mlp`.

    >>> cnn(1, 8, 10)(dl.zeros(3, 1, 8, 8)).shape
    (3, 10)
    """
    if size < 4:
        raise ArgumentError(f"cnn: images must be 4×4 or larger; got size={size}")
    kind = (activation, activation_arguments, batch_norm)
    layers = [*_convolution(channels, width, *kind)]
    channels = width
    while size > 4:
        layers += [*_convolution(channels, 2 * channels, *kind), nn.MaxPool2d(2)]
        channels, size = 2 * channels, size // 2
    return nn.Sequential(
        *layers, nn.Flatten(), nn.Dropout(dropout), nn.Linear(channels * size * size, classes)
    )


def _convolution(
    channels: int,
    out: int,
    activation: str,
    arguments: Mapping[str, Any] | None,
    batch_norm: bool,
) -> list[nn.Module]:
    # without a bias, since batch normalisation would subtract it with the mean
    layers: list[nn.Module] = [nn.Conv2d(channels, out, 3, padding=1, bias=not batch_norm)]
    if batch_norm:
        layers.append(nn.BatchNorm2d(out))
    return [*layers, make_activation(activation, arguments)]


def lenet(channels: int, size: int, classes: int) -> nn.Sequential:
    """LeNet-5 in its usual form: tanh, average pooling, and three linear layers.

    Images of 28×28 are padded to 32×32 by the first convolution, as in the paper: Y. LeCun and
    others, "Gradient-based learning applied to document recognition", Proc. IEEE 86(11), 1998.

    >>> lenet(1, 28, 10)(dl.zeros(3, 1, 28, 28)).shape
    (3, 10)
    """
    padding = 2 if size < 32 else 0
    side = ((size + 2 * padding - 4) // 2 - 4) // 2
    if side < 1:
        raise ArgumentError(f"lenet: images must be 12×12 or larger; got size={size}")
    return nn.Sequential(
        nn.Conv2d(channels, 6, 5, padding=padding), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * side * side, 120), nn.Tanh(),
        nn.Linear(120, 84), nn.Tanh(),
        nn.Linear(84, classes),
    )  # fmt: skip
