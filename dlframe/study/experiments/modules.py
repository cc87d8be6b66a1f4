"""Module by module: what each part of a multilayer perceptron is worth, varied from one baseline.

`modules` varies one part at a time: activation, optimizer, regularization, loss, normalization,
initial values. `ablation` begins with all that helped together, and takes each part out.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlframe import nn, optim, random
from dlframe.autograd import no_grad
from dlframe.data import DataLoader, TensorDataset
from dlframe.data.datasets import CIFAR10, MNIST, Digits
from dlframe.errors import ArgumentError
from dlframe.optim.lr_scheduler import CosineAnnealingLR
from dlframe.study.seeds import Seeds
from dlframe.study.study import Study
from dlframe.tensor import Tensor
from dlframe.tensor.creation import randint, randperm
from dlframe.tensor.functions import stack
from dlframe.training import EarlyStopping, Trainer

BATCH = 32
HIDDEN = 64
MOST = 10_000  # images of MNIST and CIFAR-10 to train on: a run stays within a minute
DECAY = 1e-4

ACTIVATIONS = ["ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Mish", "Tanh", "Sigmoid", "Softplus"]
OPTIMIZERS = ["SGD", "momentum", "Nesterov", "Adagrad", "RMSprop", "Adam", "AdamW", "Adafactor"]
REGULARIZATIONS = ["none", "L1", "L2", "dropout", "DropConnect", "label smoothing",
                   "early stopping", "augmentation"]  # fmt: skip
LOSSES = ["cross-entropy", "MSE", "hinge", "perceptron"]
NORMS = ["none", "batch", "layer"]
INITIAL = ["default", "kaiming_normal_", "xavier_uniform_", "orthogonal_", "zeros_", "large",
           "small"]  # fmt: skip


# --- data --------------------------------------------------------------------------------------


@functools.cache
def _read(data: str, root: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Images (n, c, h, w) of mean 0 and standard deviation 1, and labels; then of the test."""
    sets: dict[str, Callable[[bool], Any]] = {
        "digits": lambda train: Digits(train=train),
        "mnist": lambda train: MNIST(root, train=train),
        "cifar10": lambda train: CIFAR10(root, train=train),
    }
    if data not in sets:
        raise ArgumentError(f"study modules: data is one of {', '.join(sets)}; got {data!r}")
    parts = [sets[data](True), sets[data](False)]
    images = [_channels(part.data)[:MOST] for part in parts]
    mean, spread = float(images[0].mean()), float(images[0].std())
    labels = [Tensor(np.array(part.targets)[:MOST].astype(np.int64)) for part in parts]
    x, x_test = ((part - mean) / spread for part in images)
    return x, labels[0], x_test, labels[1]


def _channels(images: Any) -> Tensor:
    pixels = np.asarray(images, np.float32)
    if pixels.ndim == 3:
        pixels = pixels[:, None]
    elif pixels.shape[-1] == 3:
        pixels = pixels.transpose(0, 3, 1, 2)
    return Tensor(np.ascontiguousarray(pixels))


def _shifted(x: Tensor) -> Tensor:
    """Every image moved by up to one pixel, in a direction of its own."""
    moves = randint(-1, 2, (len(x), 2)).tolist()
    rolled = [image.roll((a, b), (1, 2)) for image, (a, b) in zip(x, moves, strict=True)]
    return stack(rolled)


# --- the network -------------------------------------------------------------------------------


def network(inputs: int, activation: str, norm: str, regularization: str) -> nn.Sequential:
    """Two hidden layers, each with its normalization, activation and dropout."""
    layers: list[nn.Module] = [nn.Flatten()]
    for size in (inputs, HIDDEN):
        linear: nn.Module = nn.Linear(size, HIDDEN)
        layers.append(nn.DropConnect(linear, 0.3) if regularization == "DropConnect" else linear)
        if norm != "none":
            layers.append({"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}[norm](HIDDEN))
        layers.append(getattr(nn, activation)())
        if regularization == "dropout":
            layers.append(nn.Dropout(0.3))
    return nn.Sequential(*layers, nn.Linear(HIDDEN, 10))


def set_weights(model: nn.Module, init: str) -> None:
    """Initial values of every linear layer."""
    if init == "default":
        return
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            if init in ("large", "small"):
                nn.init.normal_(layer.weight, std=1.0 if init == "large" else 0.001)
            else:
                getattr(nn.init, init)(layer.weight)


def make_optimizer(name: str, parameters: Any, lr: float) -> optim.Optimizer:
    """By the name of a level."""
    if name == "momentum":
        return optim.SGD(parameters, lr=lr, momentum=0.9)
    if name == "Nesterov":
        return optim.SGD(parameters, lr=lr, momentum=0.9, nesterov=True)
    chosen: optim.Optimizer = getattr(optim, name)(parameters, lr=lr)
    return chosen


def make_loss(name: str) -> Any:
    """By the name of a level; the squared error is that of the outputs from one-hot rows."""
    return {
        "cross-entropy": nn.CrossEntropyLoss(),
        "MSE": nn.MSELoss(),
        "hinge": nn.MultiMarginLoss(margin=1.0),
        "perceptron": nn.MultiMarginLoss(margin=1e-6),
    }[name]


def rates(levels: dict[str, Any]) -> dict[str, Sequence[float]]:
    """The learning rates that are tried for an arm, as many for each."""
    name = levels.get("optimizer", "SGD")
    if name in ("Adam", "AdamW", "RMSprop"):
        return {"lr": [0.001, 0.003, 0.01]}
    if name in ("Adagrad", "Adafactor", "momentum", "Nesterov"):
        return {"lr": [0.01, 0.03, 0.1]}
    return {"lr": [0.03, 0.1, 0.3]}


# --- a run -------------------------------------------------------------------------------------


def run(
    seeds: Seeds,
    activation: str = "ReLU",
    optimizer: str = "SGD",
    regularization: str = "none",
    loss: str = "cross-entropy",
    norm: str = "none",
    init: str = "default",
    lr: float = 0.1,
    epochs: int = 15,
    data: str = "digits",
    root: str = "data",
) -> dict[str, Any]:
    """What is each part of a multilayer perceptron worth?"""
    x, y, x_test, y_test = _read(data, root)
    random.manual_seed(seeds.split)
    order = randperm(len(x))
    held = len(x) // 6
    val, train = (x[order[:held]], y[order[:held]]), (x[order[held:]], y[order[held:]])
    random.manual_seed(seeds.weights)
    model = network(x[0].numel(), activation, norm, regularization)
    set_weights(model, init)
    first = gradient_sizes(model, *train, loss)
    steps = make_optimizer(optimizer, model.parameters(), lr)
    penalties: dict[str, Callable[[], Any]] = {
        "L1": lambda: optim.L1(model, DECAY),
        "L2": lambda: optim.L2(model, 10 * DECAY),
        "label smoothing": lambda: optim.LabelSmoothing(0.1),
    }
    batches = -(-len(train[0]) // BATCH)
    trainer = Trainer(
        model, make_loss(loss), steps, ["accuracy"],
        callbacks=[EarlyStopping(patience=3)] if regularization == "early stopping" else [],
        regularizers=[penalties[regularization]()] if regularization in penalties else [],
        scheduler=CosineAnnealingLR(steps, epochs * batches), scheduler_interval="batch",
    )  # fmt: skip
    random.manual_seed(seeds.order)
    history = trainer.fit(
        _loader(*train, augmented=regularization == "augmentation"), val, epochs=epochs,
        progress=False,
    )  # fmt: skip
    kept = {name: history[name] for name in ("loss", "accuracy", "val_loss", "val_accuracy")}
    return {
        **kept,
        "gap": history["accuracy"][-1] - history["val_accuracy"][-1],
        "first gradient by last, at the start": first,
        "dead units": dead_units(model, val[0]),
        "test_accuracy": lambda: trainer.evaluate((x_test, y_test))["accuracy"],
    }


def _loader(x: Tensor, y: Tensor, *, augmented: bool) -> DataLoader:
    def moved(samples: Any) -> tuple[Tensor, Tensor]:
        images, labels = zip(*samples, strict=True)
        return _shifted(stack(list(images))), stack(list(labels))

    collate = moved if augmented else None
    return DataLoader(TensorDataset(x, y), BATCH, shuffle=True, collate_fn=collate)


def gradient_sizes(model: nn.Module, x: Tensor, y: Tensor, loss: str) -> float:
    """The gradient's size in the first layer by that in the last: far below 1, it vanishes."""
    output = model(x[:256])
    target: Tensor = y[:256]
    if loss == "MSE":
        target = nn.functional.one_hot(target, 10).float()
    make_loss(loss)(output, target).backward()
    weights = [p for p in model.parameters() if p.ndim == 2]
    sizes = [float(p.grad.norm()) for p in weights if p.grad is not None]
    for parameter in model.parameters():
        parameter.grad = None
    return sizes[0] / sizes[-1] if sizes and sizes[-1] else 0.0


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
    dead = [(output == 0).all(dim=0).float().mean().item() for output in seen]
    return float(np.mean(dead))


VARIED = {
    "activation": ACTIVATIONS,
    "optimizer": OPTIMIZERS,
    "regularization": REGULARIZATIONS,
    "loss": LOSSES,
    "norm": NORMS,
    "init": INITIAL,
}

modules = Study(
    run, VARIED, measure="test_accuracy", design="one at a time", tune=rates,
    tune_by="val_accuracy", seeds=10, name="modules",
)  # fmt: skip

ablation = Study(
    run,
    {
        "activation": ["ReLU", "GELU"],
        "optimizer": ["SGD", "AdamW"],
        "regularization": ["none", "dropout"],
        "norm": ["none", "batch"],
        "init": ["default", "kaiming_normal_"],
    },
    measure="test_accuracy",
    design="without one",
    baseline={"activation": "GELU", "optimizer": "AdamW", "regularization": "dropout",
              "norm": "batch", "init": "kaiming_normal_"},
    tune=rates,
    tune_by="val_accuracy",
    seeds=10,
    name="ablation",
)  # fmt: skip
