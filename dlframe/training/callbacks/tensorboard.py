"""A callback that writes a training for TensorBoard."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import nn
from dlframe.autograd import no_grad
from dlframe.base import nests
from dlframe.errors import ArgumentError
from dlframe.nn.modes import evaluating
from dlframe.tensor import Tensor, to_array
from dlframe.training import trainer_state
from dlframe.training.callbacks.experiments import FINISHED, ExperimentLogger, Plain
from dlframe.training.data import scoring
from dlframe.training.data.outputs import LossPerOutput
from dlframe.training.random_state import random_state, set_random_state

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dlframe.training.trainer import Trainer
    from dlframe.utils.tensorboard import SummaryWriter

STEPS = "batch"  # the folder within the run's for what is measured inside of epochs


class TensorBoard(ExperimentLogger):
    """Writes numbers, graph, histograms and images of a training for TensorBoard.

    `tensorboard --logdir runs` shows them. The numbers of an epoch have their names in the history.
    What is measured inside of epochs is a run of its own, `batch` within this one, since it counts
    steps and not epochs. It is an extra: `pip install 'dlframe[tensorboard]'`.

    Args:
        log_dir: the folder of the run; `runs/DATE_HOST` unless given. A new training in the folder
            of an old one hides the old numbers.
        histogram_freq: after how many epochs the histograms of all weights, and of the gradients of
            the last batch, are written; 0: never.
        write_graph: whether the graph of the model is written, from its first batch.
        samples: how many images of the first batch are shown.
        pr_curves: whether curves of precision and recall are written after each validation, for
            each class. They take a second pass over the validation data.
        embeddings_freq: after how many epochs the weights of each `nn.Embedding` are written for
            the projector; 0: never.
        embeddings_metadata: the labels of their rows: a list, or a dict from names of layers.
        comment: the end of the folder's name where none is given.
        config, update_freq: see `ExperimentLogger`.

    Settings and results are in the table of runs (HPARAMS).

    >>> import tempfile
    >>> x = dl.linspace(-1, 1, 64).reshape(64, 1)
    >>> model = nn.Linear(1, 1)
    >>> board = dl.training.TensorBoard(tempfile.mkdtemp(), histogram_freq=1)
    >>> trainer = dl.Trainer(
    ...     model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1), callbacks=[board]
    ... )
    >>> history = trainer.fit((x, 2 * x), epochs=2, progress=False)
    """

    package, extra = "tensorboard", "tensorboard"
    opened = ("writer", "_steps", "_handle", "_inputs")

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        histogram_freq: int = 0,
        write_graph: bool = True,
        *,
        samples: int = 0,
        pr_curves: bool = False,
        embeddings_freq: int = 0,
        embeddings_metadata: Sequence[Any] | Mapping[str, Sequence[Any]] | None = None,
        comment: str = "",
        config: Mapping[str, Any] | None = None,
        update_freq: int | str = "epoch",
    ) -> None:
        super().__init__(config=config, update_freq=update_freq)
        numbers = {
            "histogram_freq": histogram_freq,
            "samples": samples,
            "embeddings_freq": embeddings_freq,
        }
        for name, number in numbers.items():
            if number < 0:
                raise ArgumentError(f"TensorBoard: {name} must be 0 or more; got {number}")
        self.log_dir = None if log_dir is None else Path(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.samples = samples
        self.pr_curves = pr_curves
        self.embeddings_freq = embeddings_freq
        self.embeddings_metadata = embeddings_metadata
        self.comment = comment
        self.artifacts = True  # the picture of the history
        self.writer: SummaryWriter | None = None
        """The writer while `fit` runs, for more that you want to write."""
        self._steps: SummaryWriter | None = None
        self._step = 0
        self._quantities: list[str] = []
        self._handle: Any = None
        self._inputs: tuple[Any, dict[str, Any]] | None = None  # of the model's first call

    # --- a tracker -----------------------------------------------------------------------------

    def begin(self, trainer: Trainer, run: str | None) -> str:
        from dlframe.utils.tensorboard import SummaryWriter  # on first use: it is an extra

        if self.pr_curves and isinstance(trainer.loss, LossPerOutput):
            raise ArgumentError("TensorBoard: pr_curves is for a model with one output")
        folder = self.log_dir
        if folder is None and run is not None:
            folder = Path("runs", run)
        purge = trainer.epoch + 1 if folder is not None and _has_events(folder) else None
        self._step = trainer.step
        # the folder's name is that of the run, which a checkpoint holds
        comment = re.sub(r"[^-+.\w]", "_", self.comment, flags=re.ASCII)
        self.writer = SummaryWriter(folder, comment, purge_step=purge)
        if trainer.step == 0 and (self.write_graph or self.samples):
            self._handle = trainer.model.register_forward_pre_hook(self._note, with_kwargs=True)
        self._quantities = trainer.quantities
        return Path(self.writer.log_dir).name if self.log_dir is None else "given"

    def log_config(self, config: dict[str, Plain]) -> None:
        from dlframe.utils.tensorboard import summaries

        for message in summaries.hparams(config, self._quantities):
            self._open()._add(message, None, None)

    def log_numbers(self, numbers: dict[str, float], step: int) -> None:
        for name, number in numbers.items():
            inside = name.startswith("batch/")
            (self._open_steps() if inside else self._open()).add_scalar(name, number, step)

    def log_figure(self, name: str, figure: Figure, step: int) -> None:
        self._open().add_figure(name, figure, step)

    def end(self, status: str, error: BaseException | None) -> None:
        from dlframe.utils.tensorboard import summaries

        self._forget()
        writers, self.writer, self._steps = (self.writer, self._steps), None, None
        code = "STATUS_SUCCESS" if status == FINISHED else "STATUS_FAILURE"
        if writers[0] is not None:
            writers[0]._add(summaries.session_end(code), None, None)
        for writer in writers:
            if writer is not None:
                writer.close()

    def _open(self) -> SummaryWriter:
        if self.writer is None:
            raise ArgumentError("TensorBoard: no training is running, so no file is open")
        return self.writer

    def _open_steps(self) -> SummaryWriter:
        from dlframe.utils.tensorboard import SummaryWriter

        if self._steps is None:
            folder = Path(self._open().log_dir, STEPS)
            purge = self._step + 1 if _has_events(folder) else None
            self._steps = SummaryWriter(folder, purge_step=purge)
        return self._steps

    # --- model and samples ---------------------------------------------------------------------

    def _note(self, model: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        if self._inputs is None and model.training:
            self._inputs = (args, kwargs)

    def _forget(self) -> None:
        if self._handle is not None:
            self._handle.remove()
        self._handle = self._inputs = None

    def on_batch_end(self, trainer: Trainer) -> None:
        super().on_batch_end(trainer)
        if self._inputs is not None:
            (args, kwargs) = self._inputs
            self._forget()
            if self.samples:
                self._show_samples((args, kwargs))
            if self.write_graph:
                self._draw_graph(trainer.model, kwargs if kwargs and not args else args)

    def _draw_graph(self, model: nn.Module, inputs: Any) -> None:
        try:
            self._open().add_graph(model, inputs)
        except Exception as error:
            error.add_note("TensorBoard: write_graph=False trains without the graph of the model")
            raise

    def _show_samples(self, inputs: Any) -> None:
        for one in nests.leaves(inputs):
            if isinstance(one, Tensor) and one.ndim == 4 and one.shape[1] in (1, 3, 4):
                images = to_array(one)[: self.samples]
                if images.dtype != np.uint8 and not (images.min() >= 0 and images.max() <= 1):
                    low, high = np.nanmin(images), np.nanmax(images)  # normalized ones
                    images = (images - low) / (high - low or 1)
                self._open().add_images("samples", images, 0)
                return

    # --- after epochs --------------------------------------------------------------------------

    def on_epoch_end(self, trainer: Trainer) -> None:
        super().on_epoch_end(trainer)
        epoch = trainer.epoch
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_histograms(trainer.model, epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._write_embeddings(trainer.model, epoch)
        if self.pr_curves and any(name.startswith("val_") for name in trainer.logs):
            self._write_curves(trainer, epoch)
        self._open().flush()
        if self._steps is not None:
            self._steps.flush()

    def _write_histograms(self, model: nn.Module, epoch: int) -> None:
        for name, parameter in model.named_parameters():
            for kind, value in (("weights", parameter), ("gradients", parameter.grad)):
                if value is not None and np.isfinite(to_array(value)).any():
                    self._open().add_histogram(f"{kind}/{name}", value, epoch)

    def _write_embeddings(self, model: nn.Module, epoch: int) -> None:
        given = self.embeddings_metadata
        for name, module in model.named_modules():
            if isinstance(module, nn.Embedding):
                labels = given.get(name) if isinstance(given, Mapping) else given
                self._open().add_embedding(
                    module.weight, labels, global_step=epoch, tag=name or "embedding"
                )

    def _write_curves(self, trainer: Trainer, epoch: int) -> None:
        labels, scores = _labels_and_scores(trainer)
        if scores.shape[1] == 2 and labels.ndim == 1:
            self._open().add_pr_curve("pr", labels == 1, scores[:, 1], epoch)
            return
        for number in range(scores.shape[1]):
            truth = labels[:, number] if labels.ndim == 2 else labels == number
            self._open().add_pr_curve(f"pr/{number}", truth, scores[:, number], epoch)


def _has_events(folder: Path) -> bool:
    return any(folder.glob("events.out.tfevents.*"))


def _labels_and_scores(trainer: Trainer) -> tuple[Any, Any]:
    """The labels and probabilities of the validation data; no random number is used up."""
    loader = trainer._val_loader
    randomness, positions = random_state(), trainer_state.position_of(loader)
    labels, outputs = [], []
    try:
        with evaluating(trainer.model), no_grad():
            for raw in loader:
                batch = trainer._take(raw)
                output, _ = trainer._loss_of(batch)
                outputs.append(output)
                labels.append(to_array(batch.parts[None].labels))
    finally:
        set_random_state(randomness)
        trainer_state.go_to(loader, positions)
    joined = scoring.probabilities(scoring.joined(outputs), trainer.loss, trainer.model)
    scores = to_array(joined).clip(0, 1)
    truth = np.concatenate([np.atleast_1d(one) for one in labels])
    if scores.ndim != 2 or len(truth) != len(scores):
        raise ArgumentError(
            "TensorBoard: pr_curves is for classes of whole samples; the probabilities have shape "
            f"{tuple(scores.shape)}, the labels {tuple(truth.shape)}"
        )
    if truth.ndim == 2 and truth.shape[1] == 1:
        truth = truth[:, 0]
    return truth, scores
