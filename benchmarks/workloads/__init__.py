"""The workloads that are measured. `lib` is dlframe or torch; the code is the same for both.

Each workload seeds the generator, builds a model and its data, and returns a function that runs one
step and returns the loss.
"""

from __future__ import annotations

from benchmarks.workloads.growth import POINTS
from benchmarks.workloads.loaders import LOADERS
from benchmarks.workloads.networks import (
    cifar_cnn,
    cifar_small,
    infer_cnn,
    infer_mlp,
    lenet,
    mlp_digits,
    mlp_gelu,
    mlp_medium,
    mlp_small,
    mlp_small_adam,
    mlp_wide,
    resnet,
    vae,
)
from benchmarks.workloads.parts import (
    OPTIMIZERS,
    conv1d,
    conv_transpose2d,
    group_norm,
    layer_norm,
    loader,
    op_chain,
    upsample_bilinear,
)
from benchmarks.workloads.sequences import (
    encoder_layer,
    gpt,
    gpt_by_hand,
    gpt_small,
    gru,
    lstm,
    lstm_deep,
    rnn,
)

__all__ = ["ASKED", "GROUPS", "WORKLOADS"]

_ALL = (
    op_chain,
    mlp_small,
    mlp_small_adam,
    mlp_digits,
    mlp_medium,
    mlp_gelu,
    mlp_wide,
    vae,
    lenet,
    cifar_cnn,
    cifar_small,
    resnet,
    infer_mlp,
    infer_cnn,
    loader,
    rnn,
    lstm,
    gru,
    lstm_deep,
    gpt_small,
    gpt,
    gpt_by_hand,
    encoder_layer,
    layer_norm,
    group_norm,
    conv1d,
    conv_transpose2d,
    upsample_bilinear,
)
# The workloads that stand for all, with the speeds to reach as multiples of PyTorch's: in NumPy
# alone, and with compiled kernels.
ASKED = {
    "op_chain": (2.0, 2.5),
    "mlp_small": (3.5, 4.0),
    "mlp_digits": (2.0, 2.5),
    "vae": (2.0, 2.5),
    "mlp_gelu": (1.0, 1.2),
    "lstm": (1.0, 1.5),
    "gpt_small": (1.0, 1.5),
    "gpt": (1.0, 1.5),
    "lenet": (0.8, 1.2),
    "cifar_small": (0.8, 1.2),
    "resnet": (0.8, 1.2),
    "infer_mlp": (1.5, 1.5),
    "infer_cnn": (1.5, 1.5),
    "adam_5m_in_1": (1.5, 1.5),
    "adam_5m_in_200": (1.5, 1.5),
    "loader": (10.0, 10.0),
}
WORKLOADS = {function.__name__: function for function in _ALL} | OPTIMIZERS | LOADERS | POINTS
GROUPS = {
    "table": list(ASKED),
    "models": [function.__name__ for function in _ALL],
    "optimizers": list(OPTIMIZERS),
    "loaders": list(LOADERS),
}
