"""The readers of the study `sequences`: the same steps of training as in PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.random import Generator
from dlframe.study.experiments import sequences
from dlframe.study.experiments.sequences import models, tasks

torch = pytest.importorskip("torch")

DELAY, STEPS = 6, 12


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def theirs_of(cell: str, hidden: int) -> Any:
    """PyTorch's modules with the names that ours have, and what they give at the last steps."""
    t = torch.nn
    model = t.Module()
    model.enter = t.Embedding(models.SIGNS, hidden)
    model.leave = t.Linear(hidden, tasks.LETTERS)
    if cell == "attention":
        model.body = t.Module()
        model.body.places = t.Embedding(DELAY + 2 * tasks.COUNT, hidden)
        layer = t.TransformerEncoderLayer(
            hidden, models.HEADS, 2 * hidden, dropout=0.0, batch_first=True, norm_first=True
        )
        model.body.layers = t.ModuleList([layer])
    else:
        model.body = getattr(t, cell)(hidden, hidden, batch_first=True)

    def answer(x: Any) -> Any:
        found = model.enter(x)
        if cell == "attention":
            steps = x.shape[1]
            mask = t.Transformer.generate_square_subsequent_mask(steps, dtype=found.dtype)
            found = model.body.places(torch.arange(steps)) + found
            found = model.body.layers[0](found, src_mask=mask, is_causal=True)
        else:
            found = model.body(found)[0]
        return model.leave(found[:, -tasks.COUNT :]).transpose(1, 2)

    return model.double(), answer


@pytest.mark.parametrize("cell", models.CELLS)
def test_training_on_copying_is_pytorchs(cell: str) -> None:
    dl.manual_seed(3)
    ours = models.for_copying(cell, DELAY, tasks.COUNT, hidden=16, forget_bias=1.0).double()
    theirs, answer = theirs_of(cell, 16)
    state = {name: torch.tensor(value.numpy()) for name, value in ours.state_dict().items()}
    theirs.load_state_dict(state)
    chance = Generator().manual_seed(5)
    batches = [tasks.copying(8, DELAY, chance) for _ in range(STEPS)]
    losses: list[float] = []
    adam = torch.optim.Adam(theirs.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(adam, lambda step: 1 - step / STEPS)
    for x, y in batches:
        loss = torch.nn.functional.cross_entropy(
            answer(torch.tensor(x.numpy())), torch.tensor(y.numpy())
        )
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 1.0)
        adam.step()
        schedule.step()
        losses.append(loss.item())
    trainer = sequences.make_trainer(ours, nn.CrossEntropyLoss(), 0.01)
    history = trainer.fit(batches, epochs=1, progress=False)
    assert history["loss"][0] == pytest.approx(np.mean(losses), rel=1e-9)
    for name, value in theirs.state_dict().items():
        np.testing.assert_allclose(
            ours.state_dict()[name].numpy(), value.numpy(), rtol=1e-6, atol=1e-8, err_msg=name
        )
