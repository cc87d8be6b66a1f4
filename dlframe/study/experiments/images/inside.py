"""What happens inside: the parts of the page, drawn from the results and from the models."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dlframe import optim
from dlframe.study.experiments.images.classes import confused, mistakes, scores
from dlframe.study.experiments.images.filters import augmented, samples, sharing
from dlframe.study.experiments.images.reading import Network, Read, best, checks
from dlframe.study.experiments.images.training import BUDGET, photographs, reader
from dlframe.study.explanation import Part
from dlframe.study.results import Results
from dlframe.study.working import DONE
from dlframe.viz import surfaces

ENOUGH = 0.98  # the accuracy whose epoch is noted
STEPS = 60  # in the valley


def parts(found: Mapping[str, Results]) -> list[Part]:
    """The pictures of the page, of those studies that were run."""
    made = [valley()]
    if "mnist" in found:
        made += [course(found["mnist"]), *seen(found["mnist"], reader, sharing)]
    if "cifar10" in found:
        brief = "mnist" in found
        made.append(worth(found["cifar10"]))
        made += seen(found["cifar10"], photographs, augmented, brief=brief)
    return made


def seen(
    results: Results,
    network: Network,
    special: Callable[[Read, Any], list[Part]],
    *,
    brief: bool = False,
) -> list[Part]:
    """What one model sees, says and mistakes; `special` are the parts of this study alone.

    With `brief` what precision, confusion and the like are is not explained once more.
    """
    model = best(results, network)
    test = None if model is None else model.test_set()
    if model is None or test is None:
        text = (
            "The runs left no models, since their results were kept in memory alone, or the files "
            "are gone. With `--out DIR` each run has a folder there."
            if model is None
            else f"The test images of {model.data} are not on this machine. `--root` says where "
            "they are."
        )
        return [Part(f"Inside the networks ({results.study.name})", text)]
    return [
        samples(model, test),
        *special(model, test),
        scores(model, test, brief=brief),
        confused(model, test, brief=brief),
        mistakes(model, test, brief=brief),
        kept(results, network),
    ]


# --- descent -----------------------------------------------------------------------------------


def valley() -> Part:
    """Three optimizers in a valley that is a hundred times steeper across than along."""
    from dlframe import viz

    ways = viz.trajectories(
        surfaces.quadratic,
        {
            "plain": lambda params: optim.SGD(params, lr=0.015),
            "momentum": lambda params: optim.SGD(params, lr=0.015, momentum=0.9),
            "Adam": lambda params: optim.Adam(params, lr=0.15),
        },
        steps=STEPS,
    )
    text = (
        "Plain descent goes against the gradient: `w ← w − η g`. One rate η serves all directions. "
        "In a valley it must be small for the steep sides, or the steps would climb them, and then "
        "the way along the flat bottom is long.\n\n"
        "Momentum keeps a running sum, `v ← 0.9 v + g`, and steps by it, `w ← w − η v`. Gradients "
        "that point now to one side and now to the other cancel in the sum. Those that agree add "
        "up, to `1 + 0.9 + 0.81 + … = 10` times one of them. So the same rate goes up to ten times "
        "as far along the bottom; and it swings from side to side at first.\n\n"
        "Adam divides each weight's step by the size of its own gradients. It keeps running means, "
        "`m` of g and `s` of g², and `w ← w − η m / √s`. Steep and flat directions are walked at "
        "about the same speed: what counts of a gradient is its sign more than its size.\n\n"
        f"The picture shows {STEPS} steps of each on `(x² + 100 y²) / 2`, whose lowest value is 0. "
        "The heights in the legend say how far they came."
    )
    figure = ways.plot(title=f"{STEPS} steps in a valley")
    alt = (
        "Three paths over contour lines, from the left to the lowest point. Plain descent ends "
        "half way along the bottom; momentum swings from side to side and arrives; Adam curves."
    )
    return Part("Why momentum and Adam are faster", text, figure, alt)


def course(results: Results) -> Part:
    """How soon each optimizer was there."""
    rows = []
    for arm, curves in results.curves().items():
        accuracies = [run["val_accuracy"] for run in curves]
        soon = [next((e + 1 for e, a in enumerate(run) if a >= ENOUGH), None) for run in accuracies]
        rows.append((
            arm, ", ".join(results.of(arm)[0]["tuned"].values()) or "–",
            _share([run[0] for run in accuracies]), _share([run[-1] for run in accuracies]),
            ", ".join("–" if epoch is None else str(epoch) for epoch in soon),
            _share(results.values()[arm]), _minutes(results, arm),
        ))  # fmt: skip
    text = (
        "All arms have the same network, the same initial weights and the same order of images; "
        "each has the best of three learning rates, chosen on validation images. In all of them "
        "the rate falls to 0 along half a cosine, so that the last steps are small. The table says "
        "how good they were after one epoch and after the last one, and in which epoch the "
        f"accuracy on validation images was {100 * ENOUGH:g} % for the first time, run by run.\n\n"
        "Which optimizer is faster is seen at the beginning: compare the accuracies after one "
        "epoch, and the left end of the curves. The more epochs there are, the less of a lead is "
        "left. The rates of the arms cannot be compared as numbers: a step of momentum is a sum of "
        "many gradients, and a step of Adam has nearly the size of its rate, whatever the gradient."
    )
    columns = ("optimizer", "rate", "validation, epoch 1", "validation, last epoch",
               f"epoch of {100 * ENOUGH:g} %", "test", "minutes of a core for a run")  # fmt: skip
    alt = "Training loss and validation accuracy by epoch, a line with a band for each optimizer."
    return Part("How soon each of them is there", text,
                _curves(results, ["loss", "val_accuracy"], "Three ways down"), alt,
                (columns, rows))  # fmt: skip


def worth(results: Results) -> Part:
    """What augmentation did, and what a run cost."""
    rows = []
    for arm, curves in results.curves().items():
        train, val = ([run[name][-1] for run in curves] for name in ("accuracy", "val_accuracy"))
        gap = 100 * (np.mean(train) - np.mean(val))
        rows.append((arm, _share(train), _share(val), f"{gap:+.1f}".replace("-", "−"),
                     _share(results.values()[arm]), _minutes(results, arm)))  # fmt: skip
    text = (
        "A network that sees the same images in every epoch learns some of them by heart: it finds "
        "what is right for this image and for no other. Then it is better on these images than on "
        "new ones, and the gap of the two accuracies measures that. Augmentation shows every image "
        "a little different each time, so that only what all its versions have in common can be "
        "learned. That makes learning harder and the gap smaller. Whether it pays in the test "
        "depends on how long the network trains: in few epochs there is little time to learn "
        "anything by heart. The accuracy in training was measured while the last epoch went on, on "
        "the augmented images if there are any.\n\n"
        f"The budget was {BUDGET} minutes of one core for a run on CIFAR-10, with reading, "
        "training and testing; the last column says how many were used. A run uses one core, so on "
        "a machine with two of them two runs go on at the same time."
    )
    columns = ("augmentation", "training", "validation", "gap, in points", "test",
               "minutes of a core for a run")  # fmt: skip
    alt = "Accuracy in training and in validation by epoch, a line for each arm."
    names = ["accuracy", "val_accuracy"]
    return Part("What augmentation is worth, and what a run costs", text,
                _curves(results, names, "With and without augmentation"), alt,
                (columns, rows))  # fmt: skip


def _curves(results: Results, names: list[str], title: str) -> Any:
    """Curves of all arms, with the range of their few runs."""
    from dlframe import viz

    return viz.compare(results.curves(), names=names, band="range", title=title) if (
        results.curves()
    ) else None  # fmt: skip


def _share(values: Any) -> str:
    """The mean of what there is, in percent."""
    there = [value for value in values if math.isfinite(value)]
    return f"{100 * np.mean(there):.2f} %" if there else "–"


def _minutes(results: Results, arm: str) -> str:
    """CPU minutes of the runs of an arm, as measured."""
    minutes = [run["cpu_seconds"] / 60 for run in results.of(arm) if run["status"] == DONE]
    low, high = f"{min(minutes, default=0):.2f}", f"{max(minutes, default=0):.2f}"
    return low if low == high else f"{low} to {high}"


# --- saved and read again ----------------------------------------------------------------------


def kept(results: Results, network: Network) -> Part:
    """Whether the models in the files answer as those that were trained."""
    rows = [
        (check.arm, str(check.seed), f"{check.size / 1024:,.0f} KB", f"{check.before:.4f}",
         f"{check.after:.4f}", "yes" if check.same else f"differ by {check.difference:.1g}")
        for check in checks(results, network)
    ]  # fmt: skip
    text = (
        "Every run wrote its model into an HDF5 file, with the scores that it gave for the test "
        "images. While this page was made, the first model of each arm was read into a new "
        "network, and the test was made again. On the same machine all scores are equal, bit for "
        "bit. Another processor or another version of NumPy may add in another order, so that last "
        "digits differ."
    )
    columns = ("arm", "seed", "file", "accuracy in the run", "accuracy now", "all bits equal")
    return Part(f"Saved and read again ({results.study.name})", text, table=(columns, rows))
