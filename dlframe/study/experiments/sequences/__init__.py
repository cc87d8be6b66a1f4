"""Sequences: what do RNN, LSTM, GRU and attention remember, and how far do their gradients reach?

Three tasks need memory: to repeat letters after a delay, to add two marked numbers of a long
sequence, and to say the next letter of a text. Each is learned by a simple recurrent network, an
LSTM, a GRU and a causal transformer, with the same steps of Adam. Before and after training the
size of the last state's gradient is measured at every distance back in time. A fourth study begins
an LSTM with forget gates that are more and more open.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dlframe import nn, optim, random
from dlframe.data import DataLoader, Subset
from dlframe.data.datasets import Coriolanus
from dlframe.study.experiments.sequences import models, tasks
from dlframe.study.experiments.sequences.gradients import reach, remaining
from dlframe.study.experiments.sequences.inside import parts
from dlframe.study.experiments.sequences.models import CELLS, Reader
from dlframe.study.explanation import Explanation
from dlframe.study.seeds import Seeds
from dlframe.study.study import Study
from dlframe.tensor import Tensor
from dlframe.training import Trainer
from dlframe.utils import save

__all__ = ["adding", "copying", "explanation", "forgetting", "letters"]

BATCH = 32
BATCHES = 100  # of an epoch of sequences that are made
HELD = 500  # sequences to validate on, and to test on
MEASURED = 64  # sequences through which gradients are measured
WINDOW = 64  # letters of text at once
HELD_SHARE = 0.1  # of the text, to validate on


# --- runs --------------------------------------------------------------------------------------


def copying_run(
    seeds: Seeds,
    cell: str = "LSTM",
    delay: int = 20,
    forget_bias: float = 0.0,
    lr: float = 0.003,
    epochs: int = 12,
    folder: Path | None = None,
) -> dict[str, Any]:
    """Which cell remembers three letters over a delay?"""
    chance = random.Generator().manual_seed(seeds.data)

    def make(n: int = BATCH) -> tasks.Batch:
        return tasks.copying(n, delay, chance)

    val, test, probe = make(HELD), make(HELD), make(MEASURED)[0]
    random.manual_seed(seeds.weights)
    model = models.for_copying(cell, delay, tasks.COUNT, forget_bias=forget_bias)
    trainer = make_trainer(model, nn.CrossEntropyLoss(), lr, ["accuracy"])
    distance = delay + tasks.COUNT  # from the last letter to the answer
    data = tasks.Fresh(make, BATCHES), val
    return {
        **_trained(trainer, data, epochs, probe, distance, seeds, folder),
        "test_accuracy": lambda: trainer.evaluate(test)["accuracy"],
    }


def adding_run(
    seeds: Seeds,
    cell: str = "LSTM",
    length: int = 50,
    lr: float = 0.003,
    epochs: int = 10,
    folder: Path | None = None,
) -> dict[str, Any]:
    """Which cell adds two marked numbers of a long sequence?"""
    chance = random.Generator().manual_seed(seeds.data)

    def make(n: int = BATCH) -> tasks.Batch:
        return tasks.adding(n, length, chance)

    val, test, probe = make(HELD), make(HELD), make(MEASURED)[0]
    random.manual_seed(seeds.weights)
    model = models.for_adding(cell, length)
    trainer = make_trainer(model, nn.MSELoss(), lr)
    data = tasks.Fresh(make, BATCHES), val
    return {
        **_trained(trainer, data, epochs, probe, length - 1, seeds, folder),
        "test_mse": lambda: trainer.evaluate(test)["loss"],
    }


def letters_run(
    seeds: Seeds,
    cell: str = "LSTM",
    lr: float = 0.003,
    epochs: int = 20,
    folder: Path | None = None,
) -> dict[str, Any]:
    """Which cell says best how a text goes on?"""
    acts, test = Coriolanus(length=WINDOW), Coriolanus(train=False, length=WINDOW)
    cut = round(len(acts) * (1 - HELD_SHARE))
    train: Subset[Any] = Subset(acts, range(cut))
    val: Subset[Any] = Subset(acts, range(cut, len(acts)))
    random.manual_seed(seeds.weights)
    model = models.for_text(cell, len(acts.letters), WINDOW)
    trainer = make_trainer(model, nn.CrossEntropyLoss(), lr)
    probe, _ = next(iter(DataLoader(val, MEASURED)))
    random.manual_seed(seeds.order)
    data = DataLoader(train, BATCH, shuffle=True), DataLoader(val, HELD)
    found = _trained(trainer, data, epochs, probe, WINDOW - 1, seeds, folder)
    return {
        **found,
        "val_bits": [value / math.log(2) for value in found["val_loss"]],
        "test_bits": lambda: trainer.evaluate(DataLoader(test, HELD))["loss"] / math.log(2),
    }


def make_trainer(
    model: Reader, loss: Callable[..., Any], lr: float, metrics: list[str] | None = None
) -> Trainer:
    """Adam whose rate falls to 0 in a line, and gradients of norm 1 at most."""
    adam = optim.Adam(model.parameters(), lr=lr)
    return Trainer(model, loss, adam, metrics or [], scheduler="linear", clip_grad_norm=1.0)


# --- what a run measures besides ---------------------------------------------------------------


def _trained(
    trainer: Trainer,
    data: tuple[Any, Any],
    epochs: int,
    probe: Tensor,
    distance: int,
    seeds: Seeds,
    folder: Path | None,
) -> dict[str, Any]:
    """Train, and measure how far gradients reach before and afterwards."""
    model = trainer.model
    assert isinstance(model, Reader)  # as all models here are
    before = _reach(model, probe, seeds)
    history = trainer.fit(*data, epochs=epochs, progress=False)
    after = _reach(model, probe, seeds)
    _leave(folder, seeds, model, before, after)
    kept = [name for name in ("loss", "val_loss", "val_accuracy") if name in history]
    return {
        **{name: history[name] for name in kept},
        **_remaining(before, after, distance),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
    }


def _reach(model: Reader, probe: Tensor, seeds: Seeds) -> list[float]:
    return reach(model, probe, random.Generator().manual_seed(seeds.noise))


def _remaining(before: list[float], after: list[float], distance: int) -> dict[str, float]:
    return {
        "gradient left at the start, powers of ten": remaining(before, distance),
        "gradient left after training, powers of ten": remaining(after, distance),
    }


def _leave(
    folder: Path | None, seeds: Seeds, model: Reader, before: list[float], after: list[float]
) -> None:
    """Gradients of every run, and the model of the first one: what the pictures are made from."""
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"start": before, "end": after})
    (folder / "gradients.json").write_text(text, encoding="utf-8")
    if seeds.run == 0:
        save(model.state_dict(), folder / "model.h5")


# --- studies -----------------------------------------------------------------------------------

RATES = {"lr": [0.003, 0.01]}

copying = Study(
    copying_run, {"cell": CELLS, "delay": [5, 20, 60]}, measure="test_accuracy", tune=RATES,
    tune_by="val_accuracy", tuning_runs=1, seeds=5, name="copying",
)  # fmt: skip

adding = Study(
    adding_run, {"cell": CELLS, "length": [20, 80]}, measure="test_mse", tune=RATES,
    tune_by="val_loss", tuning_runs=1, seeds=5, name="adding",
)  # fmt: skip

letters = Study(
    letters_run, {"cell": CELLS}, measure="test_bits", mode="min", tune=RATES,
    tune_by="val_loss", tuning_runs=1, seeds=5, name="letters",
)  # fmt: skip

forgetting = Study(
    copying_run, {"forget_bias": [0.0, 1.0, 3.0, 5.0]}, measure="test_accuracy",
    baseline={"cell": "LSTM", "delay": 60}, tune=RATES, tune_by="val_accuracy", tuning_runs=1,
    seeds=5, name="forgetting", question="Does an LSTM remember more if it begins by keeping all?",
)  # fmt: skip

# --- explanation -------------------------------------------------------------------------------

explanation = Explanation(
    why="""A recurrent network makes its state from the one before: `h_t = tanh(W x_t + V h_{t-1})`.
    So the derivative of the last state by an earlier one is a product,
    `∂h_L / ∂h_t = J_L J_{L-1} … J_{t+1}` with `J_s = diag(1 − h_s²) V`. If the factors make vectors
    shorter on average, the product shrinks as a power of the distance; if they make them longer, it
    grows as one. What happened long ago then gives the weights nearly no gradient, although it
    decides the answer, and the nearby steps drown it (Hochreiter 1991; Bengio, Simard and Frasconi
    1994).

    An LSTM has a second state to which each step adds, `c_t = f · c_{t-1} + i · g`. Along it the
    factor is not a matrix but the forget gate f, a number for each unit that the network sets
    itself: near 1 the gradient passes, near 0 the past is forgotten. A GRU does the same with one
    state, `h_t = (1 − z) · n + z · h_{t-1}`, and its update gate z. So gates can carry a gradient
    over any distance, but only once they are open. At the start they are about half open: of a
    unit's gradient some ½ is left after one step and `2^{-d}` after d. That is why a larger bias of
    the forget gate at the start can decide whether an LSTM finds a long dependency at all (Gers,
    Schmidhuber and Cummins 2000; Jozefowicz, Zaremba and Sutskever 2015).

    In attention the state of a step is a weighted sum over all earlier steps, `Σ_t softmax(q · k_t
    / √d) v_t`. Between any two steps lies one sum: the path of the gradient has length 1 (Vaswani
    et al. 2017). What it pays is time: every step looks at every earlier one, L² products where a
    recurrent network has L steps. It also has to be told where a step is, here by a vector for each
    place, which is learned and begins as sines and cosines.

    In text most of what helps is near: the last few letters. There a short memory costs little, and
    the simple network is not as far behind as on copying and adding. Attention has no step that is
    nearer than another: it must first learn from its places which letters are the last ones, and
    its curve falls later than those of the gated cells.""",
    not_shown="""The networks are small and have the same number of hidden features, not of weights:
    an LSTM has four times the weights of a simple recurrent network. Training is short, and a
    network that did not find the task in these steps might in ten times as many. The lengths in
    training and test are the same, so nothing is said about longer ones; attention with a vector
    for each place has none for a place that it never saw. Among the rates that were tried, other
    ones may suit a cell better. The text is small: with more of it and larger networks the order of
    the cells on text may be another. The size of a gradient says what can be learned by descent,
    not what is learned.""",
    questions=(
        (
            "Does attention need to know where a step is? In `Causal.forward` leave out "
            "`+ self.places(arange(steps))`. Which of the three tasks can it still do, and why?"
        ),
        (
            "How far does an open forget gate carry? In the study `forgetting` write "
            "`delay=120` into its baseline. From which bias on is `σ(b)^d` large enough there?"
        ),
    ),
    parts=parts,
)
