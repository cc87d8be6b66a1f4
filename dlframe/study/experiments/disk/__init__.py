"""The disk problem: which optimizer, activation and loss learn it best, and what helps them?

1,000 points for training and 1,000 for the test lie uniformly in the unit square; their label says
whether they are inside the disk of area ½ around the centre. A network 2-25-25-25-2 with a number
for each class learns them in 10 epochs. `disk` compares optimizers, activations and losses;
`recipe` and `recipe_adam` ask how much is owed to the rest: a learning rate that falls, inputs that
are normalized, and small batches.
"""

from __future__ import annotations

from typing import Any

from dlframe import random
from dlframe.study.experiments.disk.training import network, points, trained
from dlframe.study.seeds import Seeds
from dlframe.study.study import Study


def run(
    seeds: Seeds,
    optimizer: str = "SGD",
    activation: str = "ReLU",
    loss: str = "MSE",
    lr: float = 0.1,
    schedule: str = "cosine",
    inputs: str = "normalized",
    batch_size: int = 5,
    width: int = 25,
    noise: float = 0.0,
    epochs: int = 10,
) -> dict[str, Any]:
    """Which optimizer, activation and loss learn the disk best?"""
    random.manual_seed(seeds.data)
    train, val, test = (points(normalized=inputs == "normalized", noise=noise) for _ in range(3))
    random.manual_seed(seeds.weights)
    course = trained(
        network(activation, width), train, order=seeds.order, optimizer=optimizer, loss=loss,
        lr=lr, schedule=schedule, batch_size=batch_size, epochs=epochs,
    )  # fmt: skip
    errors = course.errors(train)
    return {
        "loss": course.loss,
        "accuracy": _right(errors),
        "val_accuracy": _right(course.errors(val)),
        "train_error": errors,
        "test_error": lambda: course.errors(test),
        "test_accuracy": lambda: _right(course.errors(test)),
    }


def _right(errors: list[float]) -> list[float]:
    return [1 - share for share in errors]


# --- the studies -------------------------------------------------------------------------------

RATES = {"SGD": [0.03, 0.1, 0.3, 1.0], "Adam": [0.001, 0.003, 0.01, 0.03]}

disk = Study(
    run,
    {"optimizer": ["SGD", "Adam"], "activation": ["ReLU", "Tanh"],
     "loss": ["MSE", "cross-entropy"]},
    measure="test_accuracy",
    tune=lambda arm: {"lr": RATES[arm["optimizer"]]},
    tune_by="val_accuracy",
    tuning_runs=3,
    seeds=20,
    name="disk",
)  # fmt: skip

recipe = Study(
    run,
    {"schedule": ["cosine", "constant"], "inputs": ["normalized", "raw"], "batch_size": [5, 50]},
    measure="test_accuracy",
    tune={"lr": RATES["SGD"]},
    tune_by="val_accuracy",
    seeds=10,
    name="recipe of SGD",
    question="How much does SGD owe to the schedule, to normalized inputs, and to small batches?",
)

recipe_adam = recipe.changed(
    baseline={"optimizer": "Adam"},
    tune={"lr": RATES["Adam"]},
    name="recipe of Adam",
    question="How much does Adam owe to the schedule, to normalized inputs, and to small batches?",
)
