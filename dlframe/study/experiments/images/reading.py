"""The models that runs left in their folders, read again, and the images they were tested on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe import metrics, nn
from dlframe.data import DataLoader
from dlframe.errors import DatasetError
from dlframe.study.experiments.images.training import (
    FILE,
    answers,
    labels,
    load_run,
    pictures,
    test_set,
)
from dlframe.study.results import Results
from dlframe.study.working import DONE
from dlframe.tensor import Tensor, to_array
from dlframe.tensor.settings import get_num_threads, set_num_threads

Array = NDArray[Any]
Run = Mapping[str, Any]
Network = Callable[[str], nn.Sequential]


@dataclass(frozen=True)
class Read:
    """A model from the file of a run, and what it answered for the test images then.

    `study` is the name of its study, `outputs` are the scores (N, 10), `accuracy` is what the run
    measured, `size` is the file's, in bytes.
    """

    study: str
    run: Run
    model: nn.Sequential
    outputs: Array
    accuracy: float
    size: int

    @property
    def words(self) -> str:
        """Which run it is."""
        arm, seed = self.run["arm"], self.run["seed"]
        return f"The network is that of {arm}, run {seed}, on {self.data}."

    @property
    def data(self) -> str:
        """The name of the data set."""
        return str(self.run["config"]["data"])

    @property
    def predicted(self) -> Array:
        """The class of each test image that the model named."""
        return np.asarray(self.outputs.argmax(axis=1))

    def test_set(self) -> Any:
        """The test images; None where their files are not on this machine."""
        try:
            return test_set(self.data, self.run["config"]["root"])
        except DatasetError:
            return None


def read(results: Results, run: Run, network: Network) -> Read | None:
    """The model that a run left; None if it left none, or its file is gone."""
    folder = results.folder_of(run) if run["status"] == DONE else None
    if folder is None or not (folder / FILE).is_file():
        return None
    model = network(run["config"]["data"])
    kept = load_run(folder, model)
    model.eval()
    outputs = to_array(kept["outputs"])
    return Read(
        results.study.name,
        run,
        model,
        outputs,
        float(kept["accuracy"]),
        (folder / FILE).stat().st_size,
    )


def best(results: Results, network: Network) -> Read | None:
    """The first run of the arm that was best on validation data; None if no model is there."""
    means = {
        arm: float(np.mean(accuracies))
        for arm, accuracies in results.values("val_accuracy").items()
        if np.isfinite(accuracies).all()
    } if "val_accuracy" in results.measures() else {}  # fmt: skip
    for arm in sorted(means, key=means.__getitem__, reverse=True):
        for run in results.of(arm):
            found = read(results, run, network)
            if found is not None:
                return found
    return None


@dataclass(frozen=True)
class Check:
    """What a model that was read answers now, beside what it answered in its run."""

    arm: str
    seed: int
    before: float
    after: float
    difference: float  # the largest of two scores
    size: int

    @property
    def same(self) -> bool:
        """Whether all answers are equal, bit for bit."""
        return self.before == self.after and self.difference == 0


def checks(results: Results, network: Network) -> list[Check]:
    """The first model of each arm, read again and tested again."""
    found = []
    for arm in results.arms:
        model = read(results, results.of(arm)[0], network)
        test = None if model is None else model.test_set()
        if model is None or test is None:
            continue
        with one_thread():  # as in the run: with more, sums are rounded in another order
            again = answers(model.model, test)
        difference = np.abs(to_array(again) - model.outputs).max()
        found.append(
            Check(arm, model.run["seed"], model.accuracy,
                  float(metrics.accuracy(again, labels(test))), float(difference), model.size)
        )  # fmt: skip
    return found


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread, as the runs of a study do."""
    threads = get_num_threads()
    set_num_threads(1)
    try:
        yield
    finally:
        set_num_threads(threads)


def some_images(data: Any, count: int) -> Tensor:
    """The first images of a data set as a network gets them."""
    images: Tensor = next(iter(DataLoader(data, count)))[0]
    return images


def names(data: Any) -> list[str]:
    """The names of a data set's classes, the digits of MNIST as digits alone.

    >>> from dlframe.data.datasets import Digits
    >>> names(Digits())[:3]
    ['0', '1', '2']
    """
    return [str(name).partition(" - ")[0] for name in data.classes]


def undone(data: str) -> dict[str, Any]:
    """The options of `viz.sample_grid` that undo the normalization."""
    kind = pictures(data)
    return {"mean": kind.mean, "std": kind.std}
