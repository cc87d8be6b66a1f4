"""What the checks look at: the parts of a training, and what trying them gave."""

from __future__ import annotations

import math
import random as python_random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dlframe import nn, optim, random
from dlframe.autograd import no_grad
from dlframe.nn import Module, functional
from dlframe.nn.modes import modes_kept
from dlframe.optim import Optimizer
from dlframe.optim.safety import unheeded
from dlframe.tensor import Tensor, to_array
from dlframe.training.data import batches
from dlframe.training.doctor.observing import Observation, observed
from dlframe.training.doctor.rows import Array, Rows, as_array, read
from dlframe.training.untouched import untouched

Batch = tuple[list[Any], Any]

_MOST_BATCHES = 32  # of the loader, to see their order and to train on
_MOST_SAMPLES = 2048  # in these batches
_PARTS = 5  # reading one data set may take so large a part of the time: three, and half is left
_NEAR = 1e-5  # of the weights: a hundred roundings of float32, and far below three steps of Adam
_START = 3  # steps after which a zero that only the first step has is over, as one of zero-inits


@dataclass
class Failure:
    """What a part of the training raised when it was tried."""

    stage: str  # "data", "model" or "loss"
    error: Exception
    output: Any = None  # of the model, where the loss failed


@dataclass
class Start:
    """The gradients of all parameters, after a few steps; None where there was none.

    `alike` are the names of the weights whose rows are equal to each other after these steps.
    """

    later: dict[str, Array | None]
    ever: dict[str, bool]  # whether it had a gradient in any of the steps
    moved: dict[str, bool]  # whether one of them was not 0
    alike: list[str]


class Case:
    """A training that has not begun. What is expensive is computed once, when it is asked for."""

    def __init__(
        self,
        model: Module,
        loss: Callable[[Any, Any], Any],
        optimizer: Optimizer | None,
        loaders: dict[str, Any],
        *,
        split: Callable[[Any], tuple[Any, ...]],
        forward: Callable[..., Any],
        samples: int,
        seconds: float,
    ) -> None:
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.loaders = loaders  # training, and perhaps validation, test
        self._split = split
        self._forward = forward
        self.names: tuple[str, ...] | None = None  # of the inputs, where they are a dict
        self.samples = samples
        self.seconds = seconds
        self.began = time.perf_counter()
        self.modes = {name: part.training for name, part in model.named_modules()}
        self.estimates: dict[str, str] = {}
        self.step_seconds: list[float] = []
        self.unreadable: dict[str, Exception] = {}  # what reading a data set raised
        self.broke_after: int | None = None  # steps of `start` that made the loss nan

    def split(self, batch: Any) -> Batch:
        """The inputs, as a list, and the target of a batch; a weight after them is left out."""
        inputs, target, *_ = self._split(batch)
        if isinstance(inputs, Mapping):
            self.names = tuple(inputs)
            return list(inputs.values()), target
        return list(inputs), target

    def forward(self, *inputs: Any) -> Any:
        """The output of the model, called as the training calls it."""
        if self.names is None:
            return self._forward(*inputs)
        return self._forward(**dict(zip(self.names, inputs, strict=True)))

    @property
    def is_out_of_time(self) -> bool:
        """Whether no further experiment should begin."""
        return time.perf_counter() - self.began > self.seconds

    # --- data ----------------------------------------------------------------------------------

    @property
    def loader(self) -> Any:
        """The loader of the training data."""
        return self.loaders["training"]

    @cached_property
    def batches(self) -> list[Batch]:
        """The first batches, in the order in which training gets them."""
        seed()
        found: list[Batch] = []
        count, began = 0, time.perf_counter()
        for batch in self.loader:
            inputs, target = self.split(batch)
            found.append((inputs, target))
            count += length([*inputs, target])
            is_late = time.perf_counter() - began > self.seconds / _PARTS
            if len(found) >= _MOST_BATCHES or count >= _MOST_SAMPLES or is_late:
                break
        return found

    @property
    def batch(self) -> Batch:
        """The first batch."""
        return self.batches[0]

    @cached_property
    def rows(self) -> dict[str, Rows]:
        """The samples of each data set."""
        seed()
        found = {}
        for name, loader in self.loaders.items():
            try:
                found[name] = read(loader, self.split, self.samples, name, self.seconds / _PARTS)
            except Exception as error:  # noqa: BLE001 - of a data set of the user's; it is reported
                self.unreadable[name] = error
                found[name] = Rows(name)
        return found

    @property
    def train(self) -> Rows:
        """The samples of the training data."""
        return self.rows["training"]

    @property
    def val(self) -> Rows | None:
        """The samples of the validation data, if there are any."""
        return self.rows.get("validation")

    # --- trying it -----------------------------------------------------------------------------

    @cached_property
    def tried(self) -> Observation | Failure:
        """The first batch through model and loss, in training mode."""
        stage, output = "data", None
        try:
            inputs, target = self.batch
            stage = "model"
            with self.alone(), observed() as observer:
                self.model.train()
                output = self.forward(*inputs)
                stage, observer.in_loss = "loss", True
                loss = self.loss(output, target)
                batches.check_scalar(loss)
                return Observation(inputs, target, output, loss, observer.steps)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what was found
            return Failure(stage, error, output)

    @property
    def output(self) -> Any:
        """The model's output for the first batch; None if the model raised."""
        return self.tried.output

    @property
    def kind(self) -> str:
        """The name of the loss, also where it failed; "" for one that is not known."""
        if self.seen is not None:
            return self.seen.kind
        for kind, function in _KINDS.items():
            if self.loss is function or isinstance(self.loss, kind):
                return str(function.__name__)
        return ""

    @property
    def classes(self) -> int | None:
        """The number of classes that the model's output has, for losses with class indices."""
        if self.seen is not None:
            return self.seen.classes
        output = as_array(self.output)
        if self.kind not in ("cross_entropy", "nll_loss") or output is None or not output.ndim:
            return None
        return int(output.shape[1 if output.ndim > 1 else 0])

    @property
    def seen(self) -> Observation | None:
        """The first batch through model and loss; None if one of them raised."""
        return self.tried if isinstance(self.tried, Observation) else None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A context that may change anything; each begins from the same random numbers."""
        with untouched(self.model, self.loss, optimizer=self.optimizer, where="training.check"):
            seed()
            if self.optimizer is None:
                yield
            else:
                with unheeded(self.optimizer):
                    yield

    def evaluated(self, inputs: list[Any], number: int = 0) -> Any:
        """The model's output in evaluation mode, with the random numbers of a seed."""
        with self.alone(), modes_kept(self.model), no_grad():
            seed(number)
            self.model.eval()
            return self.forward(*inputs)

    def step(self, optimizer: Optimizer, batch: Batch) -> float:
        """Train on one batch; the loss before the step. One that is not finite changes nothing."""
        inputs, target = batch
        first: list[float] = []
        began = time.perf_counter()

        def closure() -> Any:  # optimizers such as LBFGS call it again
            optimizer.zero_grad()
            loss = self.loss(self.forward(*inputs), target)
            first.append(float(loss.item()))
            if not math.isfinite(first[0]):
                raise _NotFiniteError
            loss.backward()
            return loss

        try:
            optimizer.step(closure)
        except _NotFiniteError:
            return first[0]
        self.step_seconds.append(time.perf_counter() - began)
        return first[0]

    def fresh(self, lr: float) -> Optimizer | None:
        """An Adam of all trainable parameters; None if there are none."""
        trainable = [p for p in self.model.parameters() if p.requires_grad]
        if not trainable:
            return None
        optimizer = optim.Adam(trainable, lr=lr)
        # it speaks of no mistake of the user's loop
        optimizer._watch.said.update(_all_said())
        return optimizer

    @cached_property
    def start(self) -> Start | None:
        """The gradients at the start; None where training cannot begin."""
        if self.seen is None or not self.seen.loss.requires_grad:
            return None
        with self.alone():
            self.model.train()
            optimizer = self.fresh(1e-3)
            if optimizer is None:
                return None
            names = dict(self.model.named_parameters())
            ever = dict.fromkeys(names, False)
            moved = dict.fromkeys(names, False)
            for number in range(_START):
                batch = self.batches[number % len(self.batches)]
                if not math.isfinite(self.step(optimizer, batch)):
                    self.broke_after = number
                    return None
                found = _gradients(names)
                for name, g in found.items():
                    ever[name] |= g is not None
                    moved[name] |= g is not None and bool(g.any())
            optimizer.zero_grad()
            loss = self.loss(self.forward(*self.batch[0]), self.batch[1])
            if not math.isfinite(float(loss.item())):
                self.broke_after = _START
                return None
            loss.backward()
            later = _gradients(names)
            for name, g in later.items():
                moved[name] |= g is not None and bool(g.any())
            alike = [n for n, p in names.items() if p.requires_grad and rows_alike(p.array, _NEAR)]
        return Start(later, ever, moved, alike)

    @cached_property
    def uses_target(self) -> bool:
        """Whether the loss looks at the target; one of pairs or triples may get any, for form."""
        seen = self.seen
        if seen is None:
            return True
        with self.alone(), no_grad():
            try:
                value = float(self.loss(seen.output, None).item())
            except Exception:  # noqa: BLE001 - so it wants one
                return True
        return not math.isclose(value, seen.value, rel_tol=1e-5)

    # --- what is expected ----------------------------------------------------------------------

    def loss_of(self, output: Array) -> float | None:
        """The loss that this output would have on the first batch; None where it has none."""
        if self.seen is None:
            return None
        with no_grad(), self.alone():
            try:
                value = float(self.loss(Tensor(output), self.seen.target).item())
            except Exception:  # noqa: BLE001 - a loss that takes outputs of another form
                return None
        return value if math.isfinite(value) else None

    @cached_property
    def chance(self) -> float | None:
        """The loss of an output that prefers nothing: log C, log 2, or that of the mean target."""
        seen = self.seen
        if seen is None or not seen.is_plain or not isinstance(seen.output, Tensor):
            return None
        like = np.zeros_like(seen.output.array)
        if seen.kind in ("cross_entropy", "binary_cross_entropy_with_logits"):
            return self.loss_of(like)
        if seen.kind == "binary_cross_entropy":
            return self.loss_of(like + 0.5)
        if seen.kind == "nll_loss":
            return self.loss_of(like - math.log(max(1, seen.classes or 1)))
        target = as_array(seen.target)
        if target is None or target.shape != like.shape:
            return None
        return self.loss_of(like + target.mean(axis=0, keepdims=True, dtype=np.float64))


class _NotFiniteError(Exception):
    """Ends a step whose loss is not finite."""


_KINDS: dict[type[nn.Module], Any] = {
    nn.CrossEntropyLoss: functional.cross_entropy,
    nn.NLLLoss: functional.nll_loss,
    nn.BCELoss: functional.binary_cross_entropy,
    nn.BCEWithLogitsLoss: functional.binary_cross_entropy_with_logits,
    nn.MSELoss: functional.mse_loss,
    nn.L1Loss: functional.l1_loss,
}


def _all_said() -> Sequence[Any]:
    from dlframe.errors import OptimizerWarning

    return OptimizerWarning.__subclasses__()


def _gradients(names: dict[str, Any]) -> dict[str, Array | None]:
    return {name: None if p.grad is None else to_array(p.grad).copy() for name, p in names.items()}


def rows_alike(array: Array, tolerance: float = 0.0) -> bool:
    """Whether a matrix (or a larger array) has several rows, and all of them are equal.

    The tolerance is relative to the largest number.
    """
    if array.ndim < 2 or len(array) < 2 or not array.size:
        return False
    gap = np.abs(array - array[:1]).max()
    return bool(gap <= tolerance * np.abs(array).max())


def seed(number: int = 0) -> None:
    """Begin all random numbers anew, so that a check gives the same each time it is made."""
    random.manual_seed(number)
    python_random.seed(number)
    np.random.seed(number)  # noqa: NPY002 - a transform of the user's may draw from it


def length(parts: Sequence[Any]) -> int:
    """How many samples a batch has."""
    for part in parts:
        array = as_array(part)
        if array is not None and array.ndim:
            return len(array)
    return 1


def some(batch: Batch, count: int) -> Batch:
    """A few samples of a batch, evenly spread, or the whole batch where it cannot be cut."""
    inputs, target = batch
    size = length([*inputs, target])
    parts = [*inputs, target]
    arrays = [as_array(part) for part in parts]
    if size <= count or any(a is None or not a.ndim or len(a) != size for a in arrays):
        return batch
    places = np.linspace(0, size - 1, count).round().astype(np.int64)
    *inputs, target = [Tensor(a[places]) for a in arrays if a is not None]
    return inputs, target


def parts_of(model: Module, *kinds: str) -> list[tuple[str, Module]]:
    """The parts of a model whose class, or a base of it, has a name that begins so."""
    return [
        (name, part)
        for name, part in model.named_modules()
        if any(cls.__name__.startswith(kinds) for cls in type(part).__mro__)
    ]


def name_of(model: Module, path: str) -> str:
    """A path with the class of the module there: "features.0 (Linear)"."""
    parts = dict(model.named_modules())
    kind = type(parts[path]).__name__ if path in parts else ""
    return f"{path} ({kind})" if path else kind or "the model"


def listed(names: Sequence[str], most: int = 5) -> str:
    """The first few names, and how many there are besides."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
