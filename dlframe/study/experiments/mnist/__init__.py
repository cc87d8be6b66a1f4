"""Handwritten digits: how good small networks become, and three ways to write the same training.

`mnist` compares networks. `ways` trains the smallest of them by `fit`, by a loop as in PyTorch, and
by layers whose forward and backward are written out in NumPy: one result.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe import nn, optim, random
from dlframe.data import DataLoader, TensorDataset
from dlframe.optim.lr_scheduler import OneCycleLR
from dlframe.study.experiments.mnist.networks import BATCH, NETWORKS, accuracy, divided, mlp
from dlframe.study.experiments.mnist.pictures import parts
from dlframe.study.experiments.mnist.three_ways import WAYS
from dlframe.study.explanation import Explanation
from dlframe.study.seeds import Seeds
from dlframe.study.study import Study
from dlframe.tensor.creation import randperm

__all__ = ["explanation", "mnist", "ways"]

# --- networks compared -------------------------------------------------------------------------


def run(
    seeds: Seeds,
    network: str = "50 units",
    optimizer: str = "SGD",
    epochs: int = 10,
    data: str = "mnist",
    root: str = "data",
) -> dict[str, Any]:
    """How well do small networks read handwritten digits?"""
    (x, y), val, test = divided(data, root, seeds.split)
    random.manual_seed(seeds.weights)
    model = NETWORKS[network](x[0].numel())
    batches = -(-len(x) // BATCH)
    descent: optim.Optimizer
    schedule = None
    if optimizer == "SGD":
        descent = optim.SGD(model.parameters(), lr=0.1)
    else:
        descent = optim.AdamW(model.parameters(), lr=0.003, weight_decay=0.01)
        schedule = OneCycleLR(descent, 0.003, total_steps=epochs * batches)
    random.manual_seed(seeds.order)
    found: dict[str, Any] = {"loss": [], "val_accuracy": []}
    for _ in range(epochs):
        total = 0.0
        for batch in randperm(len(x)).split(BATCH):
            loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
            descent.zero_grad()
            loss.backward()
            descent.step()
            if schedule is not None:
                schedule.step()
            total += loss.item() * len(batch)
        found["loss"].append(total / len(x))
        found["val_accuracy"].append(accuracy(model, *val))
    return {**found, "test_accuracy": lambda: accuracy(model, *test)}


DATA = ("mnist", "digits")  # what --data may be

mnist = Study(
    run,
    {
        "network": list(NETWORKS),
        "optimizer": {"SGD 0.1": "SGD", "AdamW, one cycle": "AdamW"},
    },
    measure="test_accuracy",
    seeds=5,
    name="mnist",
)


# --- three ways --------------------------------------------------------------------------------


def run_way(
    seeds: Seeds, way: str = "a loop", epochs: int = 2, data: str = "mnist", root: str = "data"
) -> dict[str, Any]:
    """Do `fit`, a loop, and layers by hand give the same network?"""
    train, _, test = divided(data, root, seeds.split)
    random.manual_seed(seeds.weights)
    model = mlp(train[0][0].numel(), 50)
    loader = DataLoader(TensorDataset(*train), BATCH, shuffle=True)
    random.manual_seed(seeds.order)
    losses = WAYS[way](model, loader, epochs)
    weights = np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])
    return {
        "loss": losses,
        "size of weights": float(np.linalg.norm(weights.astype(np.float64))),
        "test_accuracy": lambda: accuracy(model, *test),
    }


ways = Study(run_way, {"way": list(WAYS)}, measure="test_accuracy", seeds=2, name="three ways")

explanation = Explanation(
    why="""
A digit is 784 numbers. The smallest network looks at all of them through 50 units: each has a
weight for every pixel, says `relu(w·x + b)`, and ten outputs add up what the units say. Softmax
makes probabilities `p` of the outputs, and cross-entropy is `-log p` of the true digit; its
gradient for the outputs is `p - onehot`, which is how wrong each probability is.

More units can tell more shapes apart, so a wide network can read better. But neither knows that
neighbouring pixels belong together: if all images had their pixels in another order, the same for
all, both would learn as well as before. A convolution looks at 3 × 3 pixels at a time, with the
same weights everywhere. What it learns about a stroke in one corner it knows in all others, and
taking the largest value of every 2 × 2 places makes small movements matter less.

The three ways are one computation. `fit` calls the loop, the loop calls `backward`, and `backward`
applies to each operation the rule that the layers by hand write out: `dW = gᵀ x`, `db = Σ g`,
`dx = g W`. With the same first weights and the same order of images, `fit` and the loop give the
same numbers to the last bit. Those by hand add up in another order, so they agree up to rounding.
""",
    not_shown="""
No network was tuned: rates, batch and number of epochs were fixed beforehand, the same for all
seeds. AdamW with its cycle is another schedule as well as another optimizer, so the difference
between the two columns of arms belongs to both together. The pictures show networks that were
trained for a short time on a part of the images; those of the table are better.
""",
    questions=(
        (
            "Does the convolutional network owe its lead to the pixels' order? In `divided`, give "
            "all three parts `x.flatten(1)[:, order].reshape(x.shape)` with one `order`."
        ),
        (
            "How many units are enough? Add the line "
            '`"200 units": lambda pixels: mlp(pixels, 200),` to `NETWORKS`.'
        ),
    ),
    parts=parts,
)
