"""One network that learns points, step by step, with all that can be seen of it."""

from __future__ import annotations

import math
import time
from array import array
from bisect import bisect_right
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlframe import nn, random
from dlframe.autograd.modes import no_grad
from dlframe.errors import ArgumentError
from dlframe.tensor import Tensor
from dlframe.viz.playground import building
from dlframe.viz.playground.building import Block, Plane
from dlframe.viz.playground.program import program
from dlframe.viz.playground.settings import Settings
from dlframe.viz.playground.stepping import NextStep

__all__ = ["Session"]

Array = NDArray[Any]

GRID = 48  # squares along each side of the map of the plane
SMALL = 16  # and of the maps in the units: a third, so that its squares' centres are among GRID's
LIVE = ("lr", "l1", "l2", "weight_decay", "own")  # what may change while training goes on
ROWS = 1000  # of the history, in one state
MOST_ROWS = 100_000  # of the history; of more, every second one is forgotten

_COLUMNS = ("epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy")


class Measures(NamedTuple):
    """Loss and accuracy of the points to learn from, and of those held back; nan without points."""

    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float


class Session:
    """A network that learns points in the plane, as the playground's page shows it.

    The same settings give the same numbers, bit for bit, in any division into `advance` calls; they
    are those of the program that `program()` prints. Random numbers come from a generator of its
    own, so several sessions, and the program around them, do not disturb each other.

    Args:
        settings: what is trained; None for the defaults.

    Attributes:
        settings: the present ones.
        epoch, step: passes over the points that are complete, and batches.
        train, test: the points to learn from, and those held back: `points` and `labels`.
        drawn: how often the points have become others.
        stopped: why it cannot go on: no points, or a loss that is not finite; "" if it can.
        as_printed: whether nothing was changed since the beginning, so that the printed program
            gives the same numbers.

    >>> session = Session(Settings(data="xor", layers=[8], seed=1))
    >>> session.advance(epochs=2)
    26
    >>> session.epoch, session.step, len(session.history["train_loss"])
    (2, 26, 3)
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = Settings() if settings is None else settings
        self.drawn = 0
        self.reset()

    def reset(self) -> None:
        """Begin again: draw the points, give the network its initial values, forget the rest."""
        settings = self.settings
        self.generator = random.Generator().manual_seed(settings.seed)
        with building.drawing_from(self.generator):
            self.train, self.test = building.make_points(settings)
            self.model, self.blocks = building.make_network(settings)
        self.loss_of = building.make_loss(settings)
        self.optimizer = building.make_optimizer(self.model, settings)
        self.penalties = building.make_penalties(self.model, settings)
        self.epoch = self.step = 0
        self.drawn += 1
        self.as_printed = True
        self.stopped = ""
        self.batch_loss = math.nan
        self.update_ratios = [math.nan] * len(self.blocks)
        self.history: dict[str, array[float]] = {name: array("d") for name in _COLUMNS}
        self._new_loader()
        if not self.stopped:
            self._note_epoch()

    def _new_loader(self) -> None:
        """Begin a pass over the present points."""
        self._inputs = building.features_of(self.train.points, self.settings.features)
        self._batches: Any = None
        self._next: tuple[Tensor, Tensor] | None = None
        self.batch = 0
        self.stopped = _why_not(self.settings)
        self._loader = None if self.stopped else building.make_loader(self.train, self.settings)

    # --- training ------------------------------------------------------------------------------

    @property
    def batches(self) -> int:
        """The batches of an epoch."""
        return 0 if self._loader is None else len(self._loader)

    def advance(
        self, steps: int | None = None, *, epochs: int | None = None, seconds: float | None = None
    ) -> int:
        """Train for a number of batches, or to the end of a number of epochs; the steps made.

        Args:
            steps: batches.
            epochs: passes; one that has begun counts as the first.
            seconds: stop earlier after so much time. What is computed does not depend on it.

        Raises:
            ArgumentError: both or none of `steps` and `epochs`, or a negative number.
        """
        if (steps is None) == (epochs is None):
            raise ArgumentError("Session.advance: pass either steps or epochs")
        wanted = steps if epochs is None else epochs * self.batches - self.batch
        if wanted is None or (steps or epochs or 0) < 0:
            raise ArgumentError("Session.advance: steps and epochs cannot be negative")
        end = math.inf if seconds is None else time.monotonic() + seconds
        before = self.step
        with building.drawing_from(self.generator), np.errstate(all="ignore"):
            while self.step - before < wanted and not self.stopped and time.monotonic() < end:
                self._step()
        return self.step - before

    def _peek(self) -> tuple[Tensor, Tensor]:
        """The batch of the next step. Drawn ahead, which changes no number."""
        if self._next is None:
            if self._batches is None:
                self._batches = iter(self._loader)  # type: ignore[arg-type] # not without points
            self._next = next(self._batches)
        return self._next

    def _step(self) -> None:
        x, y = self._peek()
        self.model.train()
        loss = self.loss_of(self.model(x), y)
        for penalty in self.penalties:
            loss = loss + penalty()
        self.batch_loss = float(loss.item())
        if not math.isfinite(self.batch_loss):
            self._diverge("the loss of a batch")
            return
        self.optimizer.zero_grad()
        loss.backward()
        if not self._gradients_are_finite():
            self._diverge("a gradient")
            return
        before = [block.linear.weight.array.copy() for block in self.blocks]
        self.optimizer.step()
        self.update_ratios = [
            _ratio(block.linear.weight.array - old, old)
            for block, old in zip(self.blocks, before, strict=True)
        ]
        self.step += 1
        self.batch += 1
        self._next = None
        if self.batch == self.batches:
            self.epoch += 1
            self.batch = 0
            self._batches = None
            self._note_epoch()

    def _gradients_are_finite(self) -> bool:
        found = (
            p.gradient.array.ravel() for p in self.model.parameters() if p.gradient is not None
        )
        return math.isfinite(sum(float(g.dot(g)) for g in found))

    def _diverge(self, what: str) -> None:
        self.stopped = (
            f"The training has diverged: in step {self.step + 1} {what} was no finite number any "
            "more. Reset, and try a smaller learning rate."
        )

    # --- changes -------------------------------------------------------------------------------

    def change(self, settings: Settings) -> bool:
        """Take other settings; whether training began again.

        The learning rate, `l1`, `l2`, `weight_decay` and own points change what goes on; any other
        setting begins again. After own points have changed, a new pass over all points begins.
        """
        changed = {
            name
            for name in settings.to_dict()
            if getattr(settings, name) != getattr(self.settings, name)
        }
        if not changed:
            return False
        old, self.settings = self.settings, settings
        cannot = bool(_why_not(old)) or bool(_why_not(settings))
        if not changed <= set(LIVE) or self.step == 0 or cannot or self.stopped:
            self.reset()
            return True
        self.as_printed = False
        for group in self.optimizer.param_groups:
            group["lr"] = settings.lr
            if "weight_decay" in group:
                group["weight_decay"] = settings.weight_decay
        self.penalties = building.make_penalties(self.model, settings)
        if "own" in changed:
            with building.drawing_from(random.Generator().manual_seed(settings.seed)):
                self.train, self.test = building.make_points(settings)
            self.drawn += 1
            self._new_loader()
        return False

    def _index(self, block: Block) -> int:
        """The place of a block's linear layer in the model."""
        return next(i for i, module in enumerate(self.model) if module is block.linear)

    def program(self, epochs: int | None = None) -> str:
        """The complete program that does the same; by default for as many epochs as were made."""
        return program(self.settings, max(1, self.epoch if epochs is None else epochs))

    def explain(
        self, layer: int, unit: int, source: int | None = None, *, sample: int = 0
    ) -> dict[str, Any]:
        """How the next step comes about for a unit, or for its weight from `source`.

        Nothing is trained by it. Layers, units, sources and samples count from 0; the source is a
        feature in the first layer, and a unit of the layer before in the others.

        Returns:
            A dict of plain values: `step` (its number), `size` of its batch, `loss`, `samples`,
            `unit` (the terms of its sum for one sample and of the gradient that comes back),
            `weight` (the terms of its gradient over the batch; None without a source), `steps`
            (of `Tensor.explain()`, one by one) and `text` (of the same, as a whole).

        Raises:
            ArgumentError: there is no such unit, weight or sample, or no next step.

        >>> session = Session(Settings(data="xor", layers=[3], seed=1))
        >>> weight = session.explain(0, 2, source=1)["weight"]
        >>> weight["name"], round(weight["gradient"] - weight["sum"], 6)
        ('0.weight[2, 1]', 0.0)
        """
        next_step = NextStep(self)
        return {
            "step": next_step.number,
            "size": len(next_step.inputs),
            "loss": next_step.loss,
            "samples": next_step.samples(),
            "layer": layer,
            "unit": next_step.unit(layer, unit, sample),
            "weight": None if source is None else next_step.weight(layer, unit, source),
            "steps": next_step.steps(sample),
            "text": next_step.explanation.text(),
        }

    # --- what can be seen ----------------------------------------------------------------------

    def measure(self) -> Measures:
        """Loss and accuracy at present, in evaluation mode, without penalties."""
        return Measures(*self._measured(self.train), *self._measured(self.test))

    def _measured(self, plane: Plane) -> tuple[float, float]:
        if not len(plane.labels):
            return math.nan, math.nan
        target = building.target_of(plane.labels, self.settings)
        self.model.eval()
        with no_grad(), np.errstate(all="ignore"):
            output = self.model(building.features_of(plane.points, self.settings.features))
            right = output.argmax(dim=1) == plane.labels
            return self.loss_of(output, target).item(), right.float().mean().item()

    def _note_epoch(self) -> None:
        measures = self.measure()
        for name, value in zip(_COLUMNS, (self.epoch, *measures), strict=True):
            self.history[name].append(value)
        if len(self.history["epoch"]) > MOST_ROWS:
            self.history = {name: column[::2] for name, column in self.history.items()}
        if not math.isfinite(measures.train_loss):
            self._diverge("the loss")

    def maps(self, size: int = GRID) -> list[Array]:
        """The outputs of the units of each layer over the plane, (size, size, units), y upwards.

        The last are the two outputs of the network. A square's value is that of its centre.
        """
        found = []
        self.model.eval()
        with no_grad(), np.errstate(all="ignore"):
            x = building.features_of(building.grid_of(size), self.settings.features)
            ends = {block.end for block in self.blocks}
            for i, module in enumerate(self.model):
                x = module(x)
                if i in ends:
                    found.append(x.array.reshape(size, size, -1))
        return found

    def decision(self, size: int = GRID) -> Array:
        """How far the network is for class 1 over the plane, (size, size), from 0 to 1."""
        return self._decided(self.maps(size))

    def _decided(self, maps: list[Array]) -> Array:
        size = maps[-1].shape[0]
        with np.errstate(all="ignore"):
            share = building.share_of(maps[-1].reshape(-1, 2), self.settings.loss)
        return share.reshape(size, size)

    def layers(self) -> list[dict[str, Any]]:
        """Each layer's name, units, and the sizes of its weights, gradients and last update."""
        found = []
        for i, block in enumerate(self.blocks):
            weight = block.linear.weight
            gradient = None if weight.gradient is None else weight.gradient.array
            found.append({
                "name": "output" if block is self.blocks[-1] else f"layer {i + 1}",
                "units": weight.array.shape[0],
                "weight": _norm(weight.array),
                "gradient": math.nan if gradient is None else _norm(gradient),
                "update": self.update_ratios[i],
            })  # fmt: skip
        return found

    def state(self, since: int = -1) -> dict[str, Any]:
        """All of it as plain values, for JSON: numbers that are not finite are None.

        Args:
            since: of the history, the rows of later epochs; of many, evenly chosen ones.

        Returns:
            A dict of `settings`, `epoch`, `step`, `batch`, `batches`, `stopped`, `as_printed`,
            `measures`, `batch_loss`, `history`, `layers`, `decision`, `weights`, `biases`, `maps`.
        """
        maps = self.maps()
        return self.numbers(since) | {
            "decision": _plain(self._decided(maps)),
            "maps": [_plain(np.moveaxis(small(one), 2, 0)) for one in maps],
            "weights": [_plain(block.linear.weight.array) for block in self.blocks],
            "biases": [_plain(bias_of(block, self.model)) for block in self.blocks],
        }

    def numbers(self, since: int = -1) -> dict[str, Any]:
        """The state without arrays."""
        return {
            "settings": self.settings.to_dict(),
            "epoch": self.epoch,
            "step": self.step,
            "batch": self.batch,
            "batches": self.batches,
            "stopped": self.stopped,
            "as_printed": self.as_printed,
            "measures": {k: _finite(v) for k, v in self.measure()._asdict().items()},
            "batch_loss": _finite(self.batch_loss),
            "history": self._history(since),
            "layers": [
                {k: _finite(v) if isinstance(v, float) else v for k, v in layer.items()}
                for layer in self.layers()
            ],
        }

    def _history(self, since: int) -> dict[str, list[float | None]]:
        first = bisect_right(self.history["epoch"], since)
        end = len(self.history["epoch"])
        rows: Any = range(first, end)
        if end - first > ROWS:
            rows = np.unique(np.linspace(first, end - 1, ROWS).round().astype(int))
        return {name: [_finite(column[i]) for i in rows] for name, column in self.history.items()}


# --- small things ------------------------------------------------------------------------------


def small(maps: Array) -> Array:
    """Maps of the grid GRID at the resolution SMALL: the squares whose centres are the same."""
    step = GRID // SMALL
    return maps[step // 2 :: step, step // 2 :: step]


def bias_of(block: Block, model: nn.Sequential) -> Array:
    """What is added in a layer: its bias, or that of the batch normalization behind it."""
    if block.linear.bias is not None:
        return block.linear.bias.array
    norm = next(m for m in list(model)[: block.end][::-1] if isinstance(m, nn.BatchNorm1d))
    assert norm.bias is not None
    return norm.bias.array


def _why_not(settings: Settings) -> str:
    """Why these settings cannot be trained."""
    if not settings.learnt:
        return "There are no points to learn from. Put some on the plane, or choose a data set."
    if settings.batch_norm and settings.learnt < 2:
        return "Batch normalization needs two points or more to learn from."
    return ""


def _norm(values: Array) -> float:
    with np.errstate(all="ignore"):
        return float(np.sqrt(np.square(values, dtype=np.float64).sum()))


def _ratio(change: Array, values: Array) -> float:
    size = _norm(values)
    return _norm(change) / size if size else math.nan


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _plain(values: Array) -> Any:
    """Nested lists, with None for what is not finite."""
    if np.isfinite(values).all():
        return values.tolist()
    plain = values.astype(object)
    plain[~np.isfinite(values)] = None
    return plain.tolist()
