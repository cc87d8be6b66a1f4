"""Parts of a model that are not trained for some epochs."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from dlframe.errors import ArgumentError, did_you_mean
from dlframe.nn.batchnorm import _BatchNorm
from dlframe.training.callbacks.callback import Callback

if TYPE_CHECKING:
    from dlframe.training.trainer import Trainer


class Freeze(Callback):
    """Keeps parameters as they are, for the first `epochs` epochs or for all of them.

    The usual way to take over a model: train a new head first, then everything, the old parts
    with a smaller rate (a parameter group of their own). Several of these callbacks unfreeze one
    part after another. When `fit` returns, the parameters can be trained again.

    Args:
        names: patterns of the parameters' names: "0.*", "features.*", or a list of such.
        but: patterns of parameters that are trained all the same: `Freeze(but="head.*")`.
        epochs: the parameters are frozen until so many epochs are done; None: always.
        statistics: whether batch normalization among the frozen parts keeps its running statistics
            as well, and uses them. False lets it go on measuring.

    Raises:
        ArgumentError: at the start of `fit`, a pattern that fits no parameter; nothing to train.

    >>> x = dl.randn(32, 4)
    >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    >>> before = model[0].weight.clone()
    >>> trainer = dl.Trainer(
    ...     model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1),
    ...     callbacks=[dl.training.Freeze("0.*", epochs=2)],
    ... )
    >>> history = trainer.fit((x, x.sum(1, keepdim=True)), epochs=2, progress=False)
    >>> bool((model[0].weight == before).all())
    True
    """

    def __init__(
        self,
        names: str | Iterable[str] = "*",
        *,
        but: str | Iterable[str] = (),
        epochs: int | None = None,
        statistics: bool = True,
    ) -> None:
        if epochs is not None and epochs < 1:
            raise ArgumentError(f"Freeze: epochs must be 1 or more, or None; got {epochs}")
        self.names = [names] if isinstance(names, str) else list(names)
        self.but = [but] if isinstance(but, str) else list(but)
        self.epochs = epochs
        self.statistics = statistics
        self._held: list[Any] = []  # parameters that this callback has frozen

    def on_train_begin(self, trainer: Trainer) -> None:
        known = [name for name, _ in trainer.model.named_parameters()]
        for pattern in (*self.names, *self.but):
            if not any(fnmatchcase(name, pattern) for name in known):
                raise ArgumentError(
                    f"Freeze: the model has no parameter {pattern!r}."
                    f"{did_you_mean(pattern, known)} Known: {', '.join(known[:20])}"
                    f"{', …' if len(known) > 20 else ''}"
                )

    def on_epoch_begin(self, trainer: Trainer) -> None:
        if self.epochs is not None and trainer.epoch >= self.epochs:
            self.close()
            return
        for name, parameter in trainer.model.named_parameters():
            if self._fits(name) and parameter.requires_grad:
                parameter.requires_grad_(False)
                parameter.grad = None
                self._held.append(parameter)
        if not any(p.requires_grad for p in trainer.model.parameters()):
            raise ArgumentError("Freeze: all parameters are frozen, so there is nothing to train")
        if self.statistics:
            for prefix, module in trainer.model.named_modules():
                own = [f"{prefix}.{n}" if prefix else n for n in ("weight", "running_mean")]
                if isinstance(module, _BatchNorm) and all(self._fits(name) for name in own):
                    module.eval()

    def _fits(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.names) and not any(
            fnmatchcase(name, pattern) for pattern in self.but
        )

    def close(self) -> None:
        for parameter in self._held:
            parameter.requires_grad_(True)
        self._held = []
