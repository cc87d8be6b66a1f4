"""The names that the command line knows, and the defaults of runs, for help texts without imports.

A test compares the names with those of the library.
"""

from __future__ import annotations

from typing import Any


class UsageError(Exception):
    """A wrong command line that a command found, with exit code 2."""


DATA = (
    "digits", "mnist", "fashion-mnist", "kmnist", "cifar10", "disk", "moons", "spirals", "circles",
    "blobs", "checkerboard",
)  # fmt: skip
MODELS = ("linear", "mlp", "cnn", "lenet")
MEASURED = ("test", "validation", "training", "none")  # parts of the data of a run
INVERT = ("auto", "yes", "no")

OPTIMIZERS = (
    "ASGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "LBFGS", "Muon", "NAdam",
    "RAdam", "RMSprop", "Rprop", "SGD", "SciPy", "SparseAdam",
)  # fmt: skip
SCHEDULES = (
    "none", "constant", "cosine", "restarts", "cyclic", "exponential", "linear", "multi_step",
    "one_cycle", "polynomial", "plateau", "step", "swa",
)  # fmt: skip
REGULARIZERS = (
    "bounds", "clip_grad_norm", "clip_grad_value", "elastic", "gradient_noise", "l1", "l2",
    "label_smoothing", "max_norm", "non_negative", "sam", "unit_norm", "weight_decay",
)  # fmt: skip
ACTIVATIONS = (
    "CELU", "ELU", "GELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "Identity",
    "LeakyReLU", "LogSigmoid", "Mish", "PReLU", "RReLU", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid",
    "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink", "Threshold",
)  # fmt: skip
# What a loss compares with the scores of the classes: labels, ones and zeros, or ones and minus
# ones. Of a target that is a number, the losses for one-hot targets that are named below.
LABEL_LOSSES = ("CrammerSingerLoss", "CrossEntropyLoss", "MultiMarginLoss", "WestonWatkinsLoss")
ONE_HOT_LOSSES = (
    "BCEWithLogitsLoss", "HuberLoss", "L1Loss", "MSELoss", "MultiLabelSoftMarginLoss",
    "SmoothL1Loss",
)  # fmt: skip
SIGN_LOSSES = ("HingeLoss", "PerceptronLoss", "SoftMarginLoss")
NUMBER_LOSSES = ("HuberLoss", "L1Loss", "MSELoss", "SmoothL1Loss")
LOSSES = (*LABEL_LOSSES, *ONE_HOT_LOSSES, *SIGN_LOSSES)
METRICS = (
    "accuracy", "balanced_accuracy", "precision", "recall", "f1", "top3_accuracy", "auroc",
    "log_loss", "mae", "rmse", "r2",
)  # fmt: skip # some of `metrics.names()`
TRACKERS = ("tensorboard", "mlflow", "wandb", "aim")
INITS = (
    "constant", "dirac", "eye", "kaiming_normal", "kaiming_uniform", "normal", "ones", "orthogonal",
    "sparse", "trunc_normal", "uniform", "xavier_normal", "xavier_uniform", "zeros",
)  # fmt: skip

# Learning rates that work for most small networks, where the optimizer's own default does not.
LEARNING_RATES = {"SGD": 0.1, "RMSprop": 1e-3}

# The defaults of a run, found by experiments on validation data, never on test data.
BASIC: dict[str, Any] = {
    "optimizer": "Adam",
    "scheduler": "none",
    "batch_size": 64,
    "epochs": 10,
    "augment": False,
    "workers": 0,
    "seed": 0,
}
RECIPES: dict[tuple[str, str], dict[str, Any]] = {
    ("points", "mlp"): {"lr": 0.02, "scheduler": "cosine", "batch_size": 50, "epochs": 60},
    ("points", "linear"): {"lr": 0.05, "batch_size": 100, "epochs": 30},
    ("digits", "cnn"): {
        "optimizer": "AdamW", "lr": 0.005, "weight_decay": 0.01, "scheduler": "cosine",
        "batch_size": 32, "epochs": 15, "augment": True,
    },
    ("digits", "mlp"): {"epochs": 40, "batch_size": 32},
    ("mnist", "cnn"): {
        "optimizer": "AdamW", "lr": 0.005, "weight_decay": 0.01, "scheduler": "cosine", "epochs": 4,
        "width": 8,
    },
    ("mnist", "lenet"): {"lr": 0.002, "scheduler": "cosine", "epochs": 8},
    ("cifar10", "cnn"): {
        "optimizer": "AdamW", "lr": 0.003, "weight_decay": 0.01, "scheduler": "cosine",
        "augment": True, "width": 8,
    },
    ("rows", "mlp"): {"lr": 0.01, "scheduler": "cosine", "batch_size": 32, "epochs": 40},
    ("rows", "linear"): {"lr": 0.02, "scheduler": "cosine", "batch_size": 32, "epochs": 40},
    ("images", "cnn"): {
        "optimizer": "AdamW", "lr": 0.003, "weight_decay": 0.01, "scheduler": "cosine",
        "batch_size": 32, "epochs": 20, "width": 8,
    },
}  # fmt: skip
HIDDEN = {"points": [25, 25], "rows": [32, 32], "images": [128]}
ACTIVATION = {"points": "Tanh", "rows": "ReLU", "images": "ReLU"}
MODEL_OPTIONS = {
    "linear": (),
    "mlp": ("hidden", "activation", "activation_arguments", "dropout", "batch_norm"),
    "cnn": ("width", "activation", "activation_arguments", "dropout", "batch_norm"),
    "lenet": (),
}
