"""Averages of the weights along training, with which `fit` validates and ends."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import states
from dlframe.autograd import no_grad
from dlframe.data import DataLoader
from dlframe.errors import ArgumentError
from dlframe.nn import Module
from dlframe.nn.batchnorm import _BatchNorm
from dlframe.optim.swa_utils import (
    AveragedModel,
    MultiAverage,
    get_ema_multi_avg_fn,
    get_swa_multi_avg_fn,
    measuring_bn,
)
from dlframe.training import trainer_state
from dlframe.training.callbacks.callback import Callback
from dlframe.training.random_state import random_state, set_random_state

if TYPE_CHECKING:
    from dlframe.training.trainer import Trainer


class WeightAveraging(Callback):
    """Averages the weights after each epoch: stochastic weight averaging (SWA).

    From the first average on, the model has the averaged weights from the end of an epoch's batches
    until the next epoch begins: they are validated, so `val_…` are theirs, and so are the weights
    in the files of ModelCheckpoint, the best weights of EarlyStopping and what other callbacks see
    at the end of an epoch. Training itself goes on from its own weights. When `fit` returns, the
    model has the average, unless it was interrupted. A further `fit`, also after `save` and
    `resume`, goes on from the weights of training.

    `averaged` is the number of weights in the average, in the history as well.

    Args:
        after_epochs: averaging begins when so many epochs are done. SWA takes about three quarters
            of the training, and a constant or cyclic learning rate from there on (`SWALR`).
        every_batches: average after so many steps of the optimizer, which are batches unless the
            trainer accumulates, instead of after each epoch.
        update_bn: measure the running statistics of batch normalization anew for the averaged
            weights, in a pass over the training data before each validation. False averages the
            statistics, and all other buffers, like weights. Without such layers there is no pass.
        multi_avg_fn: how to average, see `AveragedModel`; the mean of all unless given.

    Raises:
        ArgumentError: a negative number of epochs, or of batches below 1; at the start of `fit`:
            a trainer with two of these callbacks.

    Izmailov et al., "Averaging weights leads to wider optima and better generalization" (2018).

    >>> x = dl.linspace(-1, 1, 64).reshape(64, 1)
    >>> model = nn.Linear(1, 1)
    >>> mean = dl.training.WeightAveraging(after_epochs=2)
    >>> trainer = dl.Trainer(
    ...     model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.5), callbacks=[mean]
    ... )
    >>> trainer.fit((x, 2 * x + 1), epochs=5, progress=False)["averaged"]
    [0, 0, 1, 2, 3]
    """

    reported = ("averaged",)

    def __init__(
        self,
        after_epochs: int = 0,
        *,
        every_batches: int | None = None,
        update_bn: bool = True,
        multi_avg_fn: MultiAverage | None = None,
    ) -> None:
        if after_epochs < 0 or (every_batches is not None and every_batches < 1):
            raise ArgumentError(
                f"{type(self).__name__}: after_epochs must be 0 or more, every_batches 1 or more; "
                f"got after_epochs={after_epochs}, every_batches={every_batches}"
            )
        self.after_epochs = after_epochs
        self.every_batches = every_batches
        self.update_bn = update_bn
        self.multi_avg_fn = multi_avg_fn or get_swa_multi_avg_fn()
        self.model: AveragedModel | None = None
        self._updated_at = 0  # the optimizer's steps at the last update
        self._loaded: dict[str, Any] | None = None  # a state, until the model is known

    @property
    def averaged(self) -> int:
        """How many weights are in the average."""
        return 0 if self.model is None else int(self.model.n_averaged.item())

    def on_train_begin(self, trainer: Trainer) -> None:
        if sum(isinstance(one, WeightAveraging) for one in trainer.callbacks) > 1:
            raise ArgumentError(
                f"{type(self).__name__}: this trainer has two callbacks that average, and the "
                "model can have the weights of one only"
            )
        if self.update_bn and trainer._stream.is_once and _has_statistics(trainer.model):
            raise ArgumentError(
                f"{type(self).__name__}: update_bn=True needs a pass over the training data, and "
                "an iterator can be used once only; pass update_bn=False, or a DataLoader"
            )
        if self.model is None:
            self.model = AveragedModel(
                trainer.model, multi_avg_fn=self.multi_avg_fn, use_buffers=not self.update_bn
            )
        if self._loaded is not None:
            where = f"{type(self).__name__}, averaged"
            trainer_state.check_weights(where, self.model, self._loaded)
            self.model.load_state_dict(self._loaded)
            self._loaded = None

    def on_step_end(self, trainer: Trainer) -> None:
        if self.every_batches is not None and trainer.updates % self.every_batches == 0:
            self._update(trainer)

    def on_validation_begin(self, trainer: Trainer) -> None:
        if trainer.is_inside_epoch:
            self._use(trainer)

    def on_pass_end(self, trainer: Trainer) -> None:
        # a validation that was interrupted is begun anew, and this with it
        if self.every_batches is None and self._updated_at != trainer.updates:
            self._update(trainer)
        self._use(trainer)

    def _update(self, trainer: Trainer) -> None:
        if trainer.epoch >= self.after_epochs and self.model is not None:
            self.model.update_parameters(trainer.model)
            self._updated_at = trainer.updates

    def _use(self, trainer: Trainer) -> None:
        if self.model is not None and self.averaged:
            trainer.use_weights(self.model.module.state_dict())
            if self.update_bn:
                _update_bn(trainer)

    def report(self, trainer: Trainer) -> dict[str, Any]:
        return {"averaged": self.averaged}

    def on_train_end(self, trainer: Trainer) -> None:
        # stopped inside of an epoch; the best weights of another callback are left
        if not (trainer.interrupted or trainer.weights_set_aside):
            self._use(trainer)

    def state_dict(self) -> dict[str, Any]:
        model = self._loaded
        if model is None and self.model is not None:
            model = dict(self.model.state_dict())
        return {"averaged": model, "updated_at": self._updated_at}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        where = f"{type(self).__name__}.load_state_dict"
        given = states.take(
            state,
            where,
            averaged=states.optional(states.mapping(states.plain)),
            updated_at=states.count,
        )
        if given["averaged"] is not None:
            states.take(given["averaged"], f"{where}, averaged", n_averaged=_at_least_0)
        self.model, self._loaded = None, given["averaged"]
        self._updated_at = given["updated_at"]


class EMAWeightAveraging(WeightAveraging):
    """Averages the weights after each batch, and forgets: a ← decay a + (1 − decay) w.

    The exponential moving average remembers about the last 1 / (1 − decay) batches; it should be a
    small part of the training. Everything else is as in `WeightAveraging`.

    Args:
        decay: from 0 to 1.
        after_epochs: averaging begins when so many epochs are done.
        every_batches: average after so many batches; the decay is that of one update.
        update_bn: see `WeightAveraging`; the default averages the statistics like weights.

    Raises:
        ValueError: a decay outside of [0, 1].
        ArgumentError: see `WeightAveraging`.

    Polyak and Juditsky, "Acceleration of stochastic approximation by averaging" (1992).

    >>> x = dl.linspace(-1, 1, 64).reshape(64, 1)
    >>> model = nn.Linear(1, 1)
    >>> trainer = dl.Trainer(
    ...     model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.5),
    ...     callbacks=[dl.training.EMAWeightAveraging(0.9)],
    ... )
    >>> trainer.fit((x, 2 * x + 1), epochs=2, batch_size=16, progress=False)["averaged"]
    [4, 8]
    """

    def __init__(
        self,
        decay: float = 0.999,
        after_epochs: int = 0,
        *,
        every_batches: int = 1,
        update_bn: bool = False,
    ) -> None:
        super().__init__(
            after_epochs,
            every_batches=every_batches,
            update_bn=update_bn,
            multi_avg_fn=get_ema_multi_avg_fn(decay),
        )


def _has_statistics(model: Module) -> bool:
    return any(isinstance(module, _BatchNorm) for module in model.modules())


def _at_least_0(value: Any) -> int:
    return int(states.count(states.array(np.int64, ())(value)[()]))


def _update_bn(trainer: Trainer) -> None:
    """`update_bn` with the training data; their order and the random numbers stay as they were."""
    with measuring_bn(trainer.model) as needed:
        if not needed:
            return
        stream = trainer._stream
        randomness, position = random_state(), trainer_state.position_of(stream.loader)
        try:
            if isinstance(stream.loader, DataLoader):
                stream.loader._leave_epoch()  # a whole pass, also in the middle of one
            with no_grad():
                for batch in itertools.islice(stream.loader, stream.length):
                    _measured(trainer, batch)
        finally:
            set_random_state(randomness)
            stream.go_to(position, stream.drawn)


def _measured(trainer: Trainer, batch: Any) -> None:
    """Call the model on a batch, of which batch normalization takes the statistics."""
    try:
        trainer._output(trainer._take(batch).inputs)
    except Exception as error:
        error.add_note(
            "WeightAveraging(update_bn=True) calls the model on the training data, as `split` and "
            "`forward` of the trainer say; if a train_step of your own calls it in another way, "
            "override these too, or pass update_bn=False"
        )
        raise
