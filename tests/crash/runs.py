"""Runs to be cut off: of a script with a Trainer, and of the command line."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import dlframe as dl
from dlframe import nn, optim, training, utils
from dlframe.base import nests
from dlframe.cli import main
from dlframe.data import DataLoader, TensorDataset
from dlframe.training import Trainer


def bits(value: Any) -> Any:
    """A nest in a form that `==` compares bit for bit."""
    found: list[Any] = []

    def leaf(x: Any) -> None:
        array = x.array if isinstance(x, dl.Tensor) else x
        if isinstance(array, np.ndarray):
            found.append((array.dtype.str, array.shape, array.tobytes()))
        else:
            found.append((type(x).__name__, repr(x)))

    shape = nests.map_leaves(leaf, value)
    return repr(shape), found


# --- a script ----------------------------------------------------------------------------------

EPOCHS = 3


class Noting(Trainer):
    """Notes the beginning and the end of each save, and what was saved."""

    note: Callable[[Any], None] | None = None

    def save(self, path: Any) -> None:
        if self.note is None:  # reading the file would be one more call that can fail
            super().save(path)
            return
        name = Path(path).name
        self.note(("begin", name))
        super().save(path)
        self.note(("end", name, bits(self.state_dict()), Path(path).read_bytes()))

    def save_copy(self, saved: Any, path: Any) -> None:
        if self.note is None:
            super().save_copy(saved, path)
            return
        name = Path(path).name
        self.note(("begin", name))
        super().save_copy(saved, path)
        self.note(("end", name, bits(self.state_dict()), Path(path).read_bytes()))


def run(
    folder: Path, note: Callable[[Any], None] | None, epochs: int, resume: Path | None
) -> Noting:
    """What a script does: train, or continue, with all files in one folder."""
    dl.manual_seed(1)
    x = dl.randn(8, 2)
    data = DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), 4, shuffle=True)
    model = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.2), nn.Linear(3, 1))
    callbacks = [
        training.ModelCheckpoint(folder / "checkpoints", keep=2, every_steps=1),
        training.JSONLogger(folder / "metrics.jsonl"),
        training.CSVLogger(folder / "metrics.csv"),
        training.LambdaCallback(
            on_epoch_end=lambda trainer: note and note(("logged", trainer.epoch))
        ),
        training.EarlyStopping(),
    ]
    trainer = Noting(
        model, nn.MSELoss(), optim.Adam(model.parameters(), lr=0.05), callbacks=callbacks
    )
    trainer.note = note
    if resume is not None:
        trainer.resume(resume)
    if trainer.epoch < epochs:
        trainer.fit(data, data, epochs=epochs, progress=False)
    return trainer


def without_times(trainer: Trainer) -> Any:
    """The state that two runs share: all but how long they took."""
    state = trainer.state_dict()
    del state["trainer"]["history"]["seconds"], state["trainer"]["seconds"]
    return bits({**state, "next": dl.get_rng_state()})


def lines_of(log: bytes | None) -> list[bytes]:
    """The whole lines of a log, each up to the time that its epoch took."""
    return [line.split(b'"seconds"')[0] for line in (log or b"").split(b"\n")[:-1]]


# --- the command line --------------------------------------------------------------------------

TRAIN = shlex.split(
    "train --data digits --model mlp --hidden 4 --epochs 2 --limit 40 --batch-size 32 --seed 3 "
    "--no-pictures --quiet --out"
)


def weights(run: Path) -> Any:
    content = utils.load(run / "checkpoints" / "last.h5", names=["model", "optimizer"])
    return bits(content)


def run_again(run: Path) -> None:
    """What its own messages advise: the command once more, or --resume, or --overwrite."""
    resume = ["train", "--resume", "--no-pictures", "--quiet", "--out", str(run)]
    commands = [[*TRAIN, str(run)], resume, [*TRAIN, str(run), "--overwrite"]]
    assert any(main(command) == 0 for command in commands), "only deleting it by hand would help"
