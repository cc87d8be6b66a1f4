"""A classifier of histograms: from which family of distributions do the numbers come?

Each example is the histogram of some hundred numbers from one of six families, all with variance 1
before they are stretched and shifted at random. So the place and the width of a histogram say
nothing: only its form tells, and that is blurred by chance.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe import nn, optim, random
from dlframe.autograd import no_grad
from dlframe.data import DataLoader, TensorDataset
from dlframe.optim.lr_scheduler import OneCycleLR
from dlframe.study.experiments.engine.drawing import files_of, lines
from dlframe.study.explanation import Part
from dlframe.study.results import Results
from dlframe.study.seeds import Seeds
from dlframe.study.study import Study
from dlframe.tensor import Tensor
from dlframe.tensor.creation import rand, randint, randn
from dlframe.training import Trainer

Array = NDArray[Any]

TRAIN, HELD, TEST = 6000, 1000, 2000  # histograms
BINS = 64  # of the interval from -1 to 1; what is outside counts in the first or last
SHIFT, NARROW, WIDE = 0.25, 0.1, 0.2
BATCH, RATE = 64, 0.005


# --- data --------------------------------------------------------------------------------------


def _uniform(n: int, m: int) -> Tensor:
    """Between 0 and 1, and never 0."""
    numbers: Tensor = 1 - rand(n, m)
    return numbers


def _laplace(n: int, m: int) -> Tensor:
    sign = 1 - 2 * (rand(n, m) < 0.5).float()
    numbers: Tensor = -sign * _uniform(n, m).log() / math.sqrt(2)
    return numbers


def _two(n: int, m: int) -> Tensor:
    """Half of the numbers around -0.8, half around 0.8."""
    sign = 1 - 2 * (rand(n, m) < 0.5).float()
    numbers: Tensor = 0.8 * sign + 0.6 * randn(n, m)
    return numbers


FAMILIES: dict[str, Callable[[int, int], Tensor]] = {
    "normal": randn,
    "uniform": lambda n, m: math.sqrt(12) * (rand(n, m) - 0.5),
    "triangular": lambda n, m: math.sqrt(6) * (rand(n, m) + rand(n, m) - 1),
    "Laplace": _laplace,
    "exponential": lambda n, m: -_uniform(n, m).log() - 1,
    "two normals": _two,
}
"""Numbers (n, m) of mean 0 and variance 1."""


def histograms(count: int, samples: int) -> tuple[Tensor, Tensor]:
    """Shares of numbers in each bin, (count, 1, BINS), their roots; and the families' numbers.

    The root of a share has nearly the same spread by chance whether the share is small or large.
    """
    labels = randint(0, len(FAMILIES), (count,))
    numbers: Array = np.empty((count, samples), np.float32)
    for label, draw in enumerate(FAMILIES.values()):
        rows = labels.numpy() == label
        numbers[rows] = draw(int(rows.sum()), samples).numpy()
    width = NARROW + (WIDE - NARROW) * rand(count, 1).numpy()
    numbers = numbers * width + SHIFT * (2 * rand(count, 1).numpy() - 1)
    bins = np.clip((numbers + 1) * (BINS / 2), 0, BINS - 1).astype(np.int64)
    cells = bins + BINS * np.arange(count)[:, None]
    counts = np.bincount(cells.ravel(), minlength=count * BINS).reshape(count, 1, BINS)
    return Tensor(np.sqrt(counts / samples).astype(np.float32)), labels


# --- networks ----------------------------------------------------------------------------------


def _linear() -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(BINS, len(FAMILIES)))


def _mlp() -> nn.Sequential:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(BINS, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(),
        nn.Linear(128, len(FAMILIES)),
    )  # fmt: skip


def _cnn() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(1, 16, 5, padding=2), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(2),
        nn.Conv1d(16, 32, 5, padding=2), nn.BatchNorm1d(32), nn.ReLU(), nn.MaxPool1d(2),
        nn.Flatten(), nn.Linear(32 * (BINS // 4), 64), nn.ReLU(), nn.Linear(64, len(FAMILIES)),
    )  # fmt: skip


NETWORKS: dict[str, Callable[[], nn.Sequential]] = {"CNN": _cnn, "MLP": _mlp, "linear": _linear}


def run(
    seeds: Seeds,
    network: str = "CNN",
    samples: int = 1000,
    epochs: int = 10,
    folder: Path | None = None,
) -> dict[str, Any]:
    """Can a network tell the family of a distribution by a histogram?"""
    random.manual_seed(seeds.data)
    train, val, test = (histograms(count, samples) for count in (TRAIN, HELD, TEST))
    random.manual_seed(seeds.weights)
    model = NETWORKS[network]()
    optimizer = optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
    steps = epochs * math.ceil(TRAIN / BATCH)
    trainer = Trainer(
        model, "cross_entropy", optimizer, ["accuracy"],
        scheduler=OneCycleLR(optimizer, RATE, total_steps=steps), scheduler_interval="batch",
    )  # fmt: skip
    random.manual_seed(seeds.order)
    loader = DataLoader(TensorDataset(*train), BATCH, shuffle=True)
    history = trainer.fit(loader, val, epochs=epochs, progress=False)
    kept = {name: history[name] for name in ("loss", "val_loss", "val_accuracy")}

    def test_accuracy() -> float:
        found, labels = predicted(model, test[0]), test[1].numpy()
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            np.savez(folder / "test.npz", labels=labels, found=found)
        return float((found == labels).mean())

    return {**kept, "test_accuracy": test_accuracy}


def predicted(model: nn.Module, x: Tensor) -> Array:
    """The most probable class of each."""
    model.eval()
    with no_grad():
        return np.asarray(model(x).argmax(dim=1).numpy())


families = Study(
    run,
    {"network": list(NETWORKS), "samples": [1000, 300, 100, 30]},
    measure="test_accuracy",
    design="one at a time",
    seeds=5,
    name="histograms",
)


# --- what happens inside -----------------------------------------------------------------------


def parts(results: Results) -> list[Part]:
    """Examples, and which families are taken for which."""
    return [_examples(), *_mistakes(results)]


def _examples() -> Part:
    random.manual_seed(Seeds(0).data)
    x, labels = histograms(60, 1000)
    middles = (np.arange(BINS) + 0.5) / (BINS / 2) - 1
    panels = {}
    for start in (0, 3):
        names = list(FAMILIES)[start : start + 3]
        rows = [int(np.flatnonzero(labels.numpy() == start + i)[0]) for i in range(3)]
        panels[", ".join(names)] = {
            name: (middles, x[row, 0].numpy() ** 2) for name, row in zip(names, rows, strict=True)
        }
    figure = lines(panels, "A histogram of each family", "value", "share of the numbers")
    return Part(
        "Histograms: the form alone tells",
        """All families have mean 0 and variance 1 before they are stretched and shifted at random.
        A bin may be in the middle of one histogram and at the end of the next. A linear classifier
        has one weight for each bin and class, so it can only add up evidence of fixed places. A
        convolution looks for a form, such as an edge, a peak or a slope, and finds it wherever it
        is, with the same few weights for all places.

        What enters is the root of each share. A count k varies by chance by about √k, its root by
        about ½, whether k is small or large; so the noise is the same in all bins.""",
        figure,
        "A histogram of each of the six families; they differ in place and width, and in form.",
    )


def _mistakes(results: Results) -> list[Part]:
    from dlframe import viz

    found = []
    for arm, title in (("baseline", "many numbers"), ("samples 100", "100 numbers")):
        files = [np.load(path) for path in files_of(results, arm, "test.npz")]
        if not files:
            continue
        counts = np.zeros((len(FAMILIES), len(FAMILIES)), np.int64)
        for file in files:
            np.add.at(counts, (file["labels"], file["found"]), 1)
        figure = viz.confusion(
            counts, list(FAMILIES), normalize="true", title=f"Histograms of {title}"
        )
        found.append(
            Part(
                f"Which families are confused, with {title} in a histogram",
                """Rows are the true families, columns what the network said, in percent of the row,
                over all test histograms of all runs. With few numbers chance blurs the form, and
                neighbours are mixed up: no classifier can tell what is not in the data.""",
                figure,
                f"The confusion matrix of the six families for histograms of {title}.",
            )
        )
    return found
