"""check_metric accepts metrics that conform; each of its claims is broken by one here."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from samples.broken import (
    BrokenObjects,
    claims,
    contiguous,
)

import dlframe as dl
from dlframe import metrics, nn, testing

BROKEN = BrokenObjects()
breaks = BROKEN.breaks
X = np.array([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]])
SCORES = np.array([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7], [0.1, 0.2, 0.4], [-1.0, 0.6, 0.9]])
TARGETS = SCORES[::-1] * 0.5


GUESSES = np.array([0, 1, 1, 2, 2, 2])
TRUTH = np.array([0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize(
    ("make", "output", "target"),
    [
        (metrics.Accuracy, np.eye(3)[GUESSES], TRUTH),
        (metrics.Accuracy, GUESSES, TRUTH),
        (lambda: metrics.TopKAccuracy(2), SCORES[[0, 1, 2, 3, 0, 1]], TRUTH),
        (lambda: metrics.ConfusionMatrix(3), GUESSES, TRUTH),
        (lambda: metrics.F1("macro", num_classes=3), GUESSES, TRUTH),
        (metrics.Mean, SCORES[:, 0], np.array([1.0, 2.0, 1.0, 3.0])),
        (lambda: metrics.MeanLoss(nn.MSELoss()), SCORES, TARGETS),
    ],
)
def test_metrics_that_conform(make: Any, output: Any, target: Any) -> None:
    testing.check_metric(make, output, target)


class Hits(metrics.Metric):
    """Accuracy, right in all; the broken ones below change a part."""

    def __init__(self) -> None:
        super().__init__("hits")

    def empty(self) -> Any:
        return np.zeros(2)

    def update(self, output: Any, target: Any) -> None:
        output, target = dl.tensor(output).numpy(), dl.tensor(target).numpy()
        self.state += ((output == target).sum(), output.size)

    def compute(self) -> Any:
        return float(self.state[0] / self.state[1]) if self.state[1] else float("nan")


def check_metric(**methods: Any) -> None:
    make = type("Broken", (Hits,), methods)
    testing.check_metric(make, GUESSES.astype(np.float64), TRUTH.astype(np.float64))


def test_the_base_of_the_broken_metrics_conforms() -> None:
    check_metric()


def update_with(change: Callable[[Any, Any, Any], Any]) -> Callable[..., None]:
    """An update that does something else first; what that returns replaces the outputs."""

    def update(self: Any, output: Any, target: Any) -> None:
        changed = change(self, output, target)
        Hits.update(self, output if changed is None else changed, target)

    return update


def compute_and_reset(self: Any) -> Any:
    value = Hits.compute(self)
    self.reset()
    return value


def merge_in_place(self: Any, other: Any) -> Any:
    self.state += other.state
    other.state += self.state * 0 + 1
    return self


def refuse_tensors(self: Any, output: Any, target: Any) -> None:
    if isinstance(output, dl.Tensor):
        raise TypeError("only arrays")


def use_memory(self: Any, output: Any, target: Any) -> Any:
    if not contiguous(output):
        return output * 0 - 1
    return None


class InMemory(metrics.Accuracy):
    def update(self, output: Any, target: Any) -> None:
        array = output.array if isinstance(output, dl.Tensor) else output
        turned = array.flags.f_contiguous and not array.flags.c_contiguous
        super().update(array.ravel("K").reshape(array.shape) if turned else output, target)


def write_outputs(self: Any, output: Any, target: Any) -> Any:
    copy = np.array(output.array if isinstance(output, dl.Tensor) else output)
    if isinstance(output, np.ndarray) and output.flags.c_contiguous and len(output) == 6:
        output[0] += 1
    return copy


def restore_outputs(self: Any, output: Any, target: Any) -> None:
    if isinstance(output, np.ndarray):
        output *= 1.0


def update_first_of_each(self: Any, output: Any, target: Any) -> None:
    Hits.update(self, output[: len(target)], target)


def init_with_lock(self: Any) -> None:
    Hits.__init__(self)
    self.lock = threading.Lock()


class SharedCount(Hits):
    """The number of samples; its deep copy is the metric itself."""

    def compute(self) -> float:
        return float(self.state[1])

    def __deepcopy__(self, memo: Any) -> Any:
        return self


class Weighted(Hits):
    """Weighs each batch, not each sample."""

    def update(self, output: Any, target: Any) -> None:
        if len(output):
            self.state += (float((np.asarray(output) == np.asarray(target)).mean()), 1)


class Counted(Hits):
    """Remembers more than its state."""

    def update(self, output: Any, target: Any) -> None:
        super().update(output, target)
        self.seen = getattr(self, "seen", 0) + len(target)

    def compute(self) -> Any:
        return float(self.state[0] / self.seen) if getattr(self, "seen", 0) else float("nan")

    def merge(self, other: Any) -> None:
        super().merge(other)
        self.seen = getattr(self, "seen", 0) + getattr(other, "seen", 0)

    def reset(self) -> None:
        super().reset()
        self.seen = 0


class EarlyHits(metrics.Collected):
    """How many are right; the first ones count more."""

    def rows(self, output: Any, target: Any) -> Any:
        hits = dl.tensor(output).numpy() == dl.tensor(target).numpy()
        return hits.astype(np.float64).reshape(-1, 1)

    def value(self, rows: Any) -> float:
        return float((rows[:, 0] / np.arange(1, len(rows) + 1)).sum())


class Forgetful(Hits):
    """Its pickle has nothing of what it counted."""

    def __reduce__(self) -> Any:
        return Forgetful, ()

    def __copy__(self) -> Any:
        return self.__deepcopy__({})

    def __deepcopy__(self, memo: Any) -> Any:
        twin = Forgetful()
        twin.state = self.state.copy()
        return twin


class Assuming(Hits):
    """Believes what it was told last, and keeps it when it is told nothing."""

    told = None

    def assume(self, scores: str | None) -> None:
        self.told = scores or self.told

    def update(self, output: Any, target: Any) -> None:
        if self.told == "log_probabilities":
            output = dl.tensor(output).numpy() + 1
        super().update(output, target)


class LazyHits(Hits):
    """Counts when it is asked, from the batch that it still holds."""

    def __init__(self) -> None:
        self.pending: list[Any] = []
        super().__init__()

    def reset(self) -> None:
        self.pending = []
        super().reset()

    def update(self, output: Any, target: Any) -> None:
        self.pending.append((output, target))

    def flush(self) -> None:
        while self.pending:
            Hits.update(self, *self.pending.pop())

    @property
    def state(self) -> Any:
        self.flush()
        return self.kept

    @state.setter
    def state(self, value: Any) -> None:
        self.kept = value

    def compute(self) -> Any:
        self.flush()
        return Hits.compute(self)


breaks("the factory makes a Metric: it made int")(lambda: testing.check_metric(lambda: 3, X, X))
breaks("has a name, and prints it with its value, also before the first sample")(
    lambda: check_metric(compute=lambda self: float(self.state[0]) / int(self.state[1]))
)
breaks("computes the value of some samples: .* four samples or more")(
    lambda: testing.check_metric(Hits, GUESSES[:2], TRUTH[:2])
)
breaks("gives for a stream of batches the value of all samples at once: batches of .3, 3.")(
    lambda: check_metric(update=update_with(lambda self, x, t: self.reset()))
)
breaks("gives for a stream of batches the value of all samples at once")(
    lambda: testing.check_metric(Weighted, GUESSES, TRUTH)
)
breaks("adds up over metrics that saw a part of the samples each")(
    lambda: check_metric(__add__=merge_in_place)
)
breaks("is unchanged by a batch of no samples: .*ZeroDivisionError")(
    lambda: check_metric(update=update_with(lambda self, x, t: 1 / len(x) and None))
)
breaks(r"may be asked for its value at any time")(lambda: check_metric(compute=compute_and_reset))
breaks(r"forgets all at reset\(\)")(
    lambda: check_metric(
        reset=lambda self: None if hasattr(self, "state") else setattr(self, "state", np.zeros(2))
    )
)
breaks("is stored by a copy of its state")(lambda: testing.check_metric(Counted, GUESSES, TRUTH))
breaks("can be copied with copy.deepcopy: TypeError")(lambda: check_metric(__init__=init_with_lock))
breaks("can be copied with copy.deepcopy")(
    lambda: testing.check_metric(SharedCount, GUESSES, TRUTH)
)
breaks("does not depend on the order of the samples: in the order")(
    lambda: testing.check_metric(EarlyHits, GUESSES, TRUTH)
)
breaks("can be pickled with what it counted, if its parts can be: the copy from pickle")(
    lambda: testing.check_metric(Forgetful, GUESSES, TRUTH)
)
breaks(r"takes what scores are by assume\(\), and None as nothing said: after all kinds")(
    lambda: testing.check_metric(Assuming, GUESSES, TRUTH)
)
breaks("takes tensors and arrays alike: TypeError: only arrays")(
    lambda: check_metric(update=update_with(refuse_tensors))
)
breaks("takes arrays that are not contiguous")(lambda: check_metric(update=update_with(use_memory)))
breaks("takes arrays in any order in memory")(
    lambda: testing.check_metric(InMemory, np.eye(3)[GUESSES], TRUTH)
)
breaks("takes arrays that are read-only: ValueError")(
    lambda: check_metric(update=update_with(restore_outputs))
)
breaks("leaves outputs and targets as they are: argument 0")(
    lambda: check_metric(update=update_with(write_outputs))
)
breaks("keeps nothing of a batch but its state")(
    lambda: testing.check_metric(LazyHits, GUESSES, TRUTH)
)
breaks("refuses different numbers of outputs and targets: 6 outputs, 5 targets was accepted")(
    lambda: check_metric(update=update_first_of_each)
)


# --- all of them -------------------------------------------------------------------------------


@pytest.mark.parametrize("message", BROKEN.calls)
def test_what_is_broken_is_found(message: str) -> None:
    BROKEN.find(message)


@pytest.mark.parametrize("claim", claims("metric"))
def test_every_claim_is_broken_by_something(claim: str) -> None:
    assert BROKEN.covers(claim)
