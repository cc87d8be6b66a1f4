"""The networks of the study of images, trained for some steps, beside PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.study.experiments.images import reading, training
from dlframe.tensor import to_array

torch = pytest.importorskip("torch")

BATCH, STEPS = 32, 8

OPTIMIZERS: dict[str, Any] = {
    "plain": lambda lib, parameters: lib.SGD(parameters, lr=0.1),
    "momentum": lambda lib, parameters: lib.SGD(parameters, lr=0.02, momentum=0.9),
    "Adam": lambda lib, parameters: lib.Adam(parameters, lr=0.001),
    "Nesterov": lambda lib, parameters: lib.SGD(
        parameters, lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4
    ),
}


def same_in_torch(model: nn.Sequential) -> Any:
    """The layers by their texts, which are PyTorch's, with the same values."""
    other = torch.nn.Sequential(*(eval(repr(layer), vars(torch.nn)) for layer in model))
    other.load_state_dict({k: torch.tensor(to_array(v)) for k, v in model.state_dict().items()})
    return other


def losses(lib: Any, model: Any, optimizer: Any, x: Any, y: Any) -> list[float]:
    found = []
    for i in range(0, BATCH * STEPS, BATCH):
        loss = lib.nn.functional.cross_entropy(model(x[i : i + BATCH]), y[i : i + BATCH])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found


@pytest.mark.parametrize(
    ("network", "name"),
    [("reader", "plain"), ("reader", "momentum"), ("reader", "Adam"), ("photographs", "Nesterov")],
)
def test_losses_of_the_first_steps_are_pytorchs(network: str, name: str) -> None:
    dl.manual_seed(0)
    data = training.test_set("digits", "")
    x, y = reading.some_images(data, BATCH * STEPS), training.labels(data)
    model = getattr(training, network)("digits")
    other = same_in_torch(model)
    ours = losses(dl, model, OPTIMIZERS[name](optim, model.parameters()), x, dl.tensor(y))
    steps = OPTIMIZERS[name](torch.optim, other.parameters())
    theirs = losses(torch, other, steps, torch.tensor(to_array(x)), torch.tensor(y))
    np.testing.assert_allclose(ours, theirs, rtol=2e-4)
