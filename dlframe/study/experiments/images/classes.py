"""What a network says of each class: precision and recall, what it confuses, its mistakes."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe import metrics, nn
from dlframe.metrics.intervals import of_share
from dlframe.study.experiments.images.reading import Array, Read, names, some_images, undone
from dlframe.study.experiments.images.training import answers, labels
from dlframe.study.explanation import Part
from dlframe.tensor import to_array

PAIRS = 8  # of classes, in the table of what is confused
RESAMPLES = 300


def scores(model: Read, test: Any, *, brief: bool = False) -> Part:
    """Precision and recall of each class, with their intervals."""
    from dlframe import viz

    target = labels(test)
    matrix = metrics.confusion_matrix(model.predicted, target, len(test.classes))
    rows = []
    for i, name in enumerate(names(test)):
        hits, called, there = int(matrix[i, i]), int(matrix[:, i].sum()), int(matrix[i].sum())
        rows.append((name, f"{there:,}", _interval(hits, called), _interval(hits, there)))
    macro = metrics.f1_macro(model.predicted, target)
    low, high = metrics.interval(
        metrics.f1_macro, model.predicted, target, method="percentile", resamples=RESAMPLES,
        generator=0,
    )  # fmt: skip
    text = (
        f"The mean over the classes of F1 is {macro:.4f} [{low:.4f}, {high:.4f}]. {model.words}"
        if brief
        else "Precision asks: of the images that were called 4, how many are a 4? Recall asks: of "
        "the images of a 4, how many were called so? A class that is named too readily has a high "
        "recall and a low precision. Both are shares that were counted, so they have Wilson's "
        "interval of 95 %, which is the narrower, the more images there are. The F1 of a class is "
        f"the harmonic mean of the two. Its mean over the classes is {macro:.4f} [{low:.4f}, "
        f"{high:.4f}]; this interval comes from drawing the test images {RESAMPLES} times anew. "
        f"{model.words}"
    )
    figure = viz.class_scores(matrix, names(test))
    alt = "Two bars for each class, precision and recall, with thin lines for their intervals."
    columns = ("class", "images", "precision", "recall")
    title = f"Precision and recall of each class ({model.study})"
    return Part(title, text, figure, alt, (columns, rows))


def _interval(hits: int, of: int) -> str:
    if not of:
        return "–"
    low, high = of_share(hits, of, 0.95, None)
    return f"{hits / of:.3f} [{low:.3f}, {high:.3f}]"


def confused(model: Read, test: Any, *, brief: bool = False) -> Part:
    """The confusion matrix, and that classes are confused whose images the network sees alike."""
    from scipy import stats

    from dlframe import viz

    target, count = labels(test), len(test.classes)
    matrix = metrics.confusion_matrix(model.predicted, target, count)
    together = matrix + matrix.T
    pairs = [(i, j) for i in range(count) for j in range(i)]
    distances = _distances(model, test)
    order = {pair: rank + 1 for rank, pair in enumerate(sorted(pairs, key=distances.__getitem__))}
    most = sorted(pairs, key=together.__getitem__, reverse=True)[:PAIRS]
    name = names(test)
    rows = [
        (f"{name[j]} and {name[i]}", str(matrix[j, i]), str(matrix[i, j]), str(order[i, j]))
        for i, j in most
        if together[i, j]
    ]
    text = (
        "The table has the pairs that were confused most often."
        if brief
        else "Rows are what the images are, columns what the network called them. The diagonal "
        "holds what is right.\n\n"
        "Before its last layer the network has turned each image into a list of numbers, and the "
        "last layer only weighs them. Two classes are easily confused if their images have become "
        "nearly the same numbers. That can be measured: take the mean of these numbers for each "
        "class, and the distance between the means of two classes. The table has the pairs that "
        "were confused most often, and the rank of their distance among all pairs, 1 for the "
        "nearest.\n\n"
        "Why are classes near? The layers keep what helped with the training images: shapes, "
        "colours, and where they are. Classes that share those are near."
    )
    near, often = ([of[pair] for pair in pairs] for of in (distances, together))
    if np.ptp(often):
        relation = f"{stats.spearmanr(near, often).statistic:.2f}".replace("-", "−")
        text += (
            f"\n\nOver all {len(pairs)} pairs, the rank correlation of distance and number of "
            f"confusions is {relation}. It would be −1 if the nearer of two pairs were always "
            "confused more often, and 0 if distance did not matter."
        )
    alt = "A square table of counts: dark on the diagonal, a few grey cells beside it."
    columns = ("pair", "first for second", "second for first", "rank of distance")
    return Part(f"Which classes are confused, and why ({model.study})", text,
                viz.confusion(matrix, names(test)), alt, (columns, rows))  # fmt: skip


def _distances(model: Read, test: Any) -> Array:
    """Distances between the classes' means (C, C) of what the last layer gets."""
    inner = nn.Sequential(*list(model.model)[:-1])
    numbers = to_array(answers(inner, test))
    target = labels(test)
    means = np.stack([numbers[target == c].mean(axis=0) for c in range(len(test.classes))])
    distances: Array = np.sqrt(((means[:, None] - means[None]) ** 2).sum(axis=-1))
    return distances


def mistakes(model: Read, test: Any, *, brief: bool = False) -> Part:
    """The mistakes of which the network was surest."""
    from dlframe import viz

    wrong = int((model.predicted != labels(test)).sum())
    text = (
        f"{wrong:,} of {len(test):,} test images were called by a wrong name. These are the "
        "mistakes for which the network gave the highest probability."
    )
    if not brief:
        text += (
            " A high probability is not knowledge: training rewards the network for being sure on "
            "images that it has seen, and says nothing of images that look like another class."
        )
    images = some_images(test, len(test))
    figure = viz.mistakes_grid(
        images, model.outputs, labels(test), classes=names(test), scores="logits", limit=15,
        columns=5, **undone(model.data),
    )  # fmt: skip
    alt = "A grid of images, each with the name that the network gave and the true one."
    return Part(f"The surest mistakes ({model.study})", text, figure, alt)
