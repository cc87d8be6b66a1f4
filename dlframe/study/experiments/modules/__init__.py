"""Module by module: what each part of a multilayer perceptron is worth, varied from one baseline.

`modules` varies one part at a time: activation, optimizer, regularization, loss, normalization,
initial values. `regularization` looks at few images with some wrong labels, where a network learns
by heart, and chooses the strength of each regularizer. `ablation` begins with
the best of each part together, and takes each one out.
"""

from __future__ import annotations

from typing import Any

from dlframe import random
from dlframe.data import DataLoader, TensorDataset
from dlframe.optim.lr_scheduler import CosineAnnealingLR
from dlframe.study.experiments.modules.data import divided, read
from dlframe.study.experiments.modules.levels import (
    ACTIVATIONS,
    INITIAL,
    LOSSES,
    NORMS,
    OPTIMIZERS,
    REGULARIZATIONS,
    USUAL,
    callbacks,
    dead_units,
    gradient_sizes,
    make_loss,
    make_optimizer,
    near_zero,
    network,
    rates,
    regularizers,
    set_weights,
    strengths,
)
from dlframe.study.experiments.modules.parts import explanation
from dlframe.study.seeds import Seeds
from dlframe.study.study import Study
from dlframe.training import Trainer

__all__ = ["ablation", "explanation", "modules", "regularization", "run"]

BATCH = 32


def run(
    seeds: Seeds,
    activation: str = "ReLU",
    optimizer: str = "SGD",
    regularization: str = "none",
    loss: str = "cross-entropy",
    norm: str = "none",
    init: str = "default",
    lr: float = 0.1,
    strength: float | None = None,
    images: int = 0,
    wrong: float = 0.0,
    batch_size: int = BATCH,
    epochs: int = 20,
    data: str = "digits",
    root: str = "data",
) -> dict[str, Any]:
    """What is each part of a multilayer perceptron worth?"""
    if strength is None:
        strength = USUAL[regularization]
    train, val = divided(seeds, data, root, images, wrong)
    random.manual_seed(seeds.weights)
    model = network(train[0][0].numel(), activation, norm, regularization, strength)
    set_weights(model, init)
    criterion = make_loss(loss)
    first, *_, last = gradient_sizes(model, train[0][:256], train[1][:256], criterion)
    descent = make_optimizer(optimizer, model.parameters(), lr)
    batches = -(-len(train[0]) // batch_size)
    trainer = Trainer(
        model, criterion, descent, ["accuracy"],
        callbacks=callbacks(regularization, strength),
        regularizers=regularizers(regularization, model, strength),
        scheduler=CosineAnnealingLR(descent, epochs * batches), scheduler_interval="batch",
    )  # fmt: skip
    order = random.Generator().manual_seed(seeds.order)
    loader = DataLoader(TensorDataset(*train), batch_size, shuffle=True, generator=order)
    random.manual_seed(seeds.noise)
    history = trainer.fit(loader, val, epochs=epochs, progress=False)
    learned = trainer.evaluate(train)  # without the noise of dropout and augmentation
    found = trainer.evaluate(val)  # of the weights that are kept: early stopping has gone back

    def on_test(name: str) -> float:
        return float(trainer.evaluate(read(data, root)[2:])[name])

    return {
        **{name: history[name] for name in ("loss", "val_loss")},
        "train_accuracy": learned["accuracy"],
        "val_accuracy": found["accuracy"],
        "gap": learned["accuracy"] - found["accuracy"],
        "first gradient by last, at the start": first / last if last else 0.0,
        "dead units": dead_units(model, val[0]),
        "weights near 0": near_zero(model),
        "test_accuracy": lambda: on_test("accuracy"),
        "test_loss": lambda: on_test("loss"),
    }


DATA = ("digits", "mnist", "cifar10")  # what --data may be

modules = Study(
    run,
    {
        "activation": ACTIVATIONS,
        "optimizer": OPTIMIZERS,
        "regularization": REGULARIZATIONS,
        "loss": LOSSES,
        "norm": NORMS,
        "init": INITIAL,
    },
    measure="test_accuracy", design="one at a time", tune=rates, tune_by="val_accuracy",
    seeds=10, name="modules",
)  # fmt: skip

regularization = Study(
    run,
    {"regularization": REGULARIZATIONS},
    measure="test_accuracy", tune=strengths, tune_by="val_accuracy",
    baseline={"optimizer": "momentum", "lr": 0.05, "images": 200, "wrong": 0.2, "epochs": 50},
    seeds=10, name="regularization of few images",
    question="Which regularization helps most where there are few images, some labelled wrongly?",
)  # fmt: skip

BEST = {
    "activation": "Tanh",
    "optimizer": "RMSprop",
    "regularization": "augmentation",
    "loss": "MSE",
    "norm": "batch",
    "init": "xavier_uniform_",
}
"""The level of each factor with the best mean validation accuracy on digits, as far as they fit.

Label smoothing was better than augmentation, and belongs to the cross-entropy.
"""

ablation = Study(
    run,
    {
        "activation": ["ReLU", "Tanh"],
        "optimizer": ["SGD", "RMSprop"],
        "regularization": ["none", "augmentation"],
        "loss": ["cross-entropy", "MSE"],
        "norm": ["none", "batch"],
        "init": ["default", "xavier_uniform_"],
    },
    measure="test_accuracy", design="without one", baseline=BEST, tune=rates,
    tune_by="val_accuracy", seeds=10, name="ablation",
    question="Which of the best parts together is needed?",
)  # fmt: skip
