"""The perceptron, part by part: what each level of a factor stands for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlframe import nn, optim
from dlframe.autograd import no_grad
from dlframe.study.experiments.modules.data import CLASSES, Moved
from dlframe.tensor import Tensor
from dlframe.training import EarlyStopping

HIDDEN = 64

ACTIVATIONS = ["ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Mish", "Tanh", "Sigmoid", "Softplus"]
OPTIMIZERS = ["SGD", "momentum", "Nesterov", "Adagrad", "RMSprop", "Adam", "AdamW", "Adafactor"]
LOSSES = ["cross-entropy", "MSE", "hinge", "perceptron"]
NORMS = ["none", "batch", "layer"]
INITIAL = ["default", "kaiming_normal_", "xavier_uniform_", "orthogonal_", "large", "small",
           "zeros_"]  # fmt: skip

STRENGTHS: dict[str, Sequence[float]] = {
    "none": [0.0, 1.0, 2.0, 3.0],  # has no strength, and is tried as often as the others
    "L1": [0.001, 0.002, 0.004, 0.006],
    "L2": [0.01, 0.02, 0.03, 0.05],
    "max-norm": [0.2, 0.3, 0.5, 0.8],
    "dropout": [0.1, 0.3, 0.5, 0.7],
    "DropConnect": [0.1, 0.3, 0.5, 0.7],
    "label smoothing": [0.1, 0.3, 0.6, 0.9],
    "early stopping": [1, 2, 4, 8],
    "augmentation": [0.02, 0.04, 0.08, 0.16],
}
"""What is tried for each with few images: λ, the largest norm, p, ε, patience, extent."""

USUAL = {
    "none": 0.0, "L1": 1e-4, "L2": 1e-3, "max-norm": 2.0, "dropout": 0.2, "DropConnect": 0.2,
    "label smoothing": 0.1, "early stopping": 5, "augmentation": 0.04,
}  # fmt: skip
"""The strength where none is chosen."""

REGULARIZATIONS = list(STRENGTHS)


# --- the network -------------------------------------------------------------------------------


def network(
    inputs: int, activation: str = "ReLU", norm: str = "none", regularization: str = "none",
    strength: float = 0.0,
) -> nn.Sequential:  # fmt: skip
    """Two hidden layers, each with its normalization, activation and dropout."""
    layers: list[nn.Module] = [nn.Flatten()]
    if regularization == "augmentation":
        layers.insert(0, Moved(strength))
    for size in (inputs, HIDDEN):
        linear: nn.Module = nn.Linear(size, HIDDEN)
        cut = regularization == "DropConnect"
        layers.append(nn.DropConnect(linear, strength) if cut else linear)
        if norm != "none":
            layers.append({"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}[norm](HIDDEN))
        layers.append(getattr(nn, activation)())
        if regularization == "dropout":
            layers.append(nn.Dropout(strength))
    return nn.Sequential(*layers, nn.Linear(HIDDEN, CLASSES))


def set_weights(model: nn.Module, init: str) -> None:
    """Initial values of every linear layer; biases are 0, but for "default"."""
    if init == "default":
        return
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            if init in ("large", "small"):
                nn.init.normal_(layer.weight, std=1.0 if init == "large" else 0.001)
            else:
                getattr(nn.init, init)(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


# --- what trains it ----------------------------------------------------------------------------


def make_optimizer(name: str, parameters: Any, lr: float) -> optim.Optimizer:
    """By the name of a level."""
    if name == "momentum":
        return optim.SGD(parameters, lr=lr, momentum=0.9)
    if name == "Nesterov":
        return optim.SGD(parameters, lr=lr, momentum=0.9, nesterov=True)
    chosen: optim.Optimizer = getattr(optim, name)(parameters, lr=lr)
    return chosen


def make_loss(name: str) -> nn.Module:
    """By the name of a level; the squared error is that of the outputs from one-hot rows."""
    losses: dict[str, nn.Module] = {
        "cross-entropy": nn.CrossEntropyLoss(),
        "MSE": nn.MSELoss(),
        "hinge": nn.MultiMarginLoss(margin=1.0),
        "perceptron": nn.MultiMarginLoss(margin=1e-6),
    }
    return losses[name]


def regularizers(name: str, model: nn.Module, strength: float) -> list[Any]:
    """What a trainer adds to the loss, or does after a step."""
    if name == "L1":
        return [optim.L1(model, strength)]
    if name == "L2":
        return [optim.L2(model, strength)]
    if name == "max-norm":
        return [optim.MaxNorm(model, strength)]
    if name == "label smoothing":
        return [optim.LabelSmoothing(strength)]
    return []


def callbacks(name: str, strength: float) -> list[Any]:
    """What a trainer calls: early stopping keeps the weights of the best epoch."""
    return [EarlyStopping(patience=int(strength))] if name == "early stopping" else []


LEAST = {
    "SGD": 0.03, "momentum": 0.003, "Nesterov": 0.003, "Adagrad": 0.01, "RMSprop": 0.0003,
    "Adam": 0.0003, "AdamW": 0.0003, "Adafactor": 0.003,
}  # fmt: skip


def rates(levels: dict[str, Any]) -> dict[str, Sequence[float]]:
    """The learning rates that are tried for an arm, as many for each.

    Gradient descent follows the size of the gradient, which is smaller where a loss is divided by
    the number of classes, and larger with large weights; the others divide by it.
    """
    optimizer = levels.get("optimizer", "SGD")
    least = LEAST[optimizer]
    if optimizer in ("SGD", "momentum", "Nesterov"):
        least *= 1 if levels.get("loss", LOSSES[0]) == LOSSES[0] else 4
        least /= 10 if levels.get("init") == "large" else 1
    return {"lr": [round(least * factor, 6) for factor in (1, 3, 10, 30)]}


def strengths(levels: dict[str, Any]) -> dict[str, Sequence[float]]:
    """The strengths that are tried for an arm, as many for each."""
    return {"strength": STRENGTHS[levels["regularization"]]}


# --- what happens inside -----------------------------------------------------------------------


def gradient_sizes(model: nn.Module, x: Tensor, y: Tensor, loss: nn.Module) -> list[float]:
    """The size of the gradient of each layer's weight, the first layer first."""
    target: Tensor = y
    if isinstance(loss, nn.MSELoss):
        target = nn.functional.one_hot(y, CLASSES).float()
    loss(model(x), target).backward()
    sizes = [float(p.grad.norm()) for p in model.parameters() if p.ndim == 2 and p.grad is not None]
    for parameter in model.parameters():
        parameter.grad = None
    return sizes


def dead_units(model: nn.Module, x: Tensor) -> float:
    """The share of hidden units that are 0 for every sample."""
    seen: list[Tensor] = []
    hooks = [
        layer.register_forward_hook(lambda module, given, output: seen.append(output))
        for layer in model.modules()
        if type(layer).__name__ in ACTIVATIONS
    ]
    model.eval()
    with no_grad():
        model(x)
    model.train()
    for hook in hooks:
        hook.remove()
    dead = [float((output == 0).all(dim=0).float().mean()) for output in seen]
    return sum(dead) / len(dead)


def near_zero(model: nn.Module, below: float = 1e-3) -> float:
    """The share of the weights (not biases) that are closer to 0 than this."""
    weights = [p.detach().abs() < below for p in model.parameters() if p.ndim == 2]
    return float(sum(int(w.sum()) for w in weights) / sum(w.numel() for w in weights))
