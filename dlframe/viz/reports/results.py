"""The sections about results: tables and pictures of what the model says of data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe import metrics
from dlframe.metrics import averages
from dlframe.metrics.intervals import of_share
from dlframe.viz import given, style
from dlframe.viz.pages.html import Markup, element, joined, picture, table
from dlframe.viz.reports.course import number
from dlframe.viz.reports.measured import Measured
from dlframe.viz.reports.source import Source

SAMPLES = 24  # images in the grid of samples
MISTAKES = 25
MANY = 30  # classes from which a table shows the worst only
WORST = 15
PAIRS = 10  # the most frequent confusions
LONGEST_NAME = 40
MOST_FEATURES = 8  # columns of rows in a table
BINS = 10  # of the reliability diagram
SURE = 0.95  # of the intervals


def names_of(one: Measured) -> list[str]:
    """The names of the classes, shortened apart; their numbers where they have no names."""
    return given.names(one.classes, len(one.matrix), LONGEST_NAME)


def interval(hits: int, samples: int) -> str:
    """Wilson's 95 % interval of a share.

    >>> interval(8, 10)
    '0.490–0.943'
    """
    if not samples:
        return "–"
    low, high = of_share(hits, samples, SURE, "wilson")
    return f"{low:.3f}–{high:.3f}"


# --- classes -----------------------------------------------------------------------------------


def classes(source: Source) -> Markup | None:
    """The table of the classes, and what they were taken for."""
    one = source.measured
    if one is None or one.kind != "classes" or not one.matrix.sum():
        return None
    return joined(_table_of_classes(one), _confusions(one))


def _table_of_classes(one: Measured) -> Markup:
    counts = averages.counts_of_matrix(one.matrix)
    columns: dict[str, NDArray[Any]] = {
        name: averages.per_class(ratio, counts, 0.0)
        for name, ratio in (
            ("precision", averages.precision),
            ("recall", averages.recall),
            ("F1", averages.f1),
        )
    }
    hits, predicted, actual = counts.tolist()
    rows = [
        [
            name,
            *_with_interval(columns["precision"][i], hits[i], predicted[i]),
            *_with_interval(columns["recall"][i], hits[i], actual[i]),
            f"{columns['F1'][i]:.3f}",
            f"{actual[i]:,}",
        ]
        for i, name in enumerate(names_of(one))
    ]
    samples = int(one.matrix.sum())
    for label, average in (("macro", averages.macro), ("weighted", averages.weighted)):
        found = [
            average(ratio, counts, 0.0)
            for ratio in (averages.precision, averages.recall, averages.f1)
        ]
        last = [f"{value:.3f}" for value in found]
        rows.append([f"{label} average", last[0], "", last[1], "", last[2], f"{samples:,}"])
    head = ["class", "precision", "95 %", "recall", "95 %", "F1", "support"]
    caption = (
        f"Each class, on {samples:,} samples ({one.name}). 95 % intervals are Wilson's; support is "
        "the number of samples of the class."
    )
    right = range(1, len(head))
    if len(rows) - 2 <= MANY:
        return table(head, rows, caption=caption, numbers=right)
    order = np.argsort(columns["F1"], kind="stable")[:WORST]
    worst = [rows[i] for i in order] + rows[-2:]
    title = f"The {WORST} classes of {len(rows) - 2} with the lowest F1. {caption}"
    whole = table(head, rows, caption=caption, numbers=right)
    return joined(
        table(head, worst, caption=title, numbers=right),
        element("details", element("summary", f"All {len(rows) - 2} classes"), whole),
    )


def _with_interval(share: float, hits: int, samples: int) -> tuple[str, str]:
    return f"{share:.3f}", interval(hits, samples)


def _confusions(one: Measured) -> Markup | None:
    """The pairs of classes that were mixed up most often."""
    off = one.matrix.copy()
    np.fill_diagonal(off, 0)
    order = np.argsort(-off, axis=None, kind="stable")[:PAIRS]
    names, actual = names_of(one), one.matrix.sum(axis=1)
    rows = []
    for true, predicted in zip(*np.unravel_index(order, off.shape), strict=True):
        count = int(off[true, predicted])
        if count:
            share = style.percent(count / int(actual[true]))
            rows.append([names[true], names[predicted], f"{count:,}", share])
    if not rows:
        return element("p", "No sample was taken for another class.", class_="good")
    head = ["true class", "taken for", "samples", "of the class"]
    return table(head, rows, caption="The most frequent mistakes", numbers=[2, 3])


def confusion(source: Source) -> Markup | None:
    """The confusion matrix as a picture."""
    one = source.measured
    if one is None or one.kind != "classes" or not one.matrix.sum():
        return None
    from dlframe.viz.matrix import confusion as draw

    figure = draw(one.matrix, names_of(one), title=None)
    right, count = int(one.matrix.trace()), int(one.matrix.sum())
    return picture(
        figure,
        f"Confusion matrix of {len(one.matrix)} classes: {right:,} of {count:,} samples are on the "
        "diagonal. The tables above have the numbers.",
        caption="Rows are true classes, columns what was predicted.",
    )


def calibration(source: Source) -> Markup | None:
    """How far the probabilities can be taken at their word."""
    one = source.measured
    if one is None or one.kind != "classes" or one.confidence is None:
        return None
    from dlframe.viz.classifiers import calibration as draw

    scores: dict[str, Any] = {"scores": one.scores}
    error = metrics.calibration_error(one.output, one.target, bins=BINS, **scores)
    figure = draw(one.output, one.target, bins=BINS, **scores)
    return picture(
        figure,
        f"Reliability diagram: the expected calibration error is {error:.3f}.",
        caption=f"On the diagonal the probabilities are right. Expected calibration error "
        f"{error:.3f}, log loss {number(metrics.log_loss(one.output, one.target, **scores))}.",
    )


def curves_of_two(source: Source) -> Markup | None:
    """Of two classes: ROC, and precision over recall."""
    one = source.measured
    if one is None or one.kind != "classes" or len(one.matrix) != 2 or one.confidence is None:
        return None
    if len(np.unique(one.target)) < 2:
        return None
    from dlframe.viz.classifiers import precision_recall, roc

    drawn = [
        picture(draw(one.output, one.target, scores=one.scores), text, caption=text)
        for draw, text in (
            (roc, "ROC curve: how many are found, over how many are wrongly found."),
            (precision_recall, "Precision over recall."),
        )
    ]
    return element("div", drawn, class_="side-by-side")


# --- numbers -----------------------------------------------------------------------------------


def regression(source: Source) -> Markup | None:
    """Predicted against true numbers, the residuals, and their sizes in numbers."""
    one = source.measured
    if one is None or one.kind != "numbers":
        return None
    columns = one.target.shape[1]
    rows = []
    for i in range(columns):
        output, target = one.output[:, i], one.target[:, i]
        finite = np.isfinite(output) & np.isfinite(target)
        name = "the output" if columns == 1 else f"output {i}"
        if one.classes is not None and i < len(one.classes):
            name = style.shortened(str(one.classes[i]), LONGEST_NAME)
        rows.append([name, *errors_of(output[finite], target[finite]), f"{len(target):,}"])
    head = ["", "mean absolute error", "root of the mean squared error", "R²", "samples"]
    text = f"The errors on the {one.name}, in the target's own units."
    return joined(table(head, rows, caption=text, numbers=range(1, 5)), _worst_numbers(one))


def errors_of(output: NDArray[Any], target: NDArray[Any]) -> list[str]:
    """Mean absolute error, root of the mean squared error, R²."""
    if not len(target):
        return ["–", "–", "–"]
    squared = float(metrics.mean_squared_error(output, target))
    known = len(target) > 1 and bool(np.ptp(target) > 0)
    r2 = number(float(metrics.r2_score(output, target))) if known else "–"
    absolute = number(float(metrics.mean_absolute_error(output, target)))
    return [absolute, number(math.sqrt(squared)), r2]


def _worst_numbers(one: Measured) -> Markup | None:
    error = np.abs(one.output - one.target).max(axis=1)
    order = np.argsort(-np.nan_to_num(error, nan=np.inf), kind="stable")[:PAIRS]
    shown = one.target.shape[1] == 1
    if not shown or not len(order):
        return None
    rows = [
        [f"sample {i}", *(number(value, 5) for value in (one.target[i, 0], one.output[i, 0])),
         number(float(one.output[i, 0] - one.target[i, 0]))]
        for i in order.tolist()
    ]  # fmt: skip
    return table(
        ["", "true", "predicted", "error"], rows, caption="The largest errors", numbers=[1, 2, 3]
    )


def residuals(source: Source) -> Markup | None:
    """Predicted against true numbers and the residuals, as a picture."""
    one = source.measured
    if one is None or one.kind != "numbers":
        return None
    from dlframe.viz.residuals import MOST_OUTPUTS
    from dlframe.viz.residuals import residuals as draw

    figure = draw(one.output[:, :MOST_OUTPUTS], one.target[:, :MOST_OUTPUTS])
    text = "Predicted over true numbers, and the residuals (predicted less true)."
    if one.target.shape[1] > MOST_OUTPUTS:
        text += f" The first {MOST_OUTPUTS} of {one.target.shape[1]} outputs."
    return picture(figure, text, caption=text)


# --- samples -----------------------------------------------------------------------------------


def images_of(one: Measured, chosen: NDArray[np.int64]) -> NDArray[Any] | None:
    """The inputs of samples, where they are images: (K, C, H, W) with 1 or 3 channels."""
    if one.inputs is None or not len(chosen):
        return None
    array = one.inputs(chosen)
    is_image = array.ndim == 4 and array.shape[1] in (1, 3) and min(array.shape[2:]) > 1
    return array if is_image else None


def samples(source: Source) -> Markup | None:
    """The first samples with what was predicted."""
    one = source.measured
    if one is None or one.kind != "classes" or not len(one.predicted):
        return None
    chosen = np.arange(min(SAMPLES, len(one.predicted)))
    images = images_of(one, chosen)
    if images is None:
        return None
    from dlframe.viz.grids import sample_grid

    names = names_of(one)
    labels = []
    for i in chosen.tolist():
        predicted, true = names[one.predicted[i]], names[one.target[i]]
        labels.append(predicted if predicted == true else f"{predicted} ({true})")
    wrong = int((one.predicted[chosen] != one.target[chosen]).sum())
    figure = sample_grid(images, labels, mean=source.mean, std=source.std)
    text = (
        f"The first {len(chosen)} samples of the {one.name}, with what the model says of them; "
        f"{wrong} of them {'is' if wrong == 1 else 'are'} wrong, with the true class in brackets."
    )
    return picture(figure, text, caption=text)


def mistakes(source: Source) -> Markup | None:
    """The mistakes of which the model was surest."""
    one = source.measured
    if one is None or one.kind != "classes" or not len(one.predicted):
        return None
    wrong = one.wrong
    if not len(wrong):
        return element("p", f"None: all {one.count:,} samples are right.", class_="good")
    chosen = wrong[:MISTAKES]
    images = images_of(one, chosen)
    if images is None:
        return _mistakes_in_rows(one, chosen)
    from dlframe.viz.grids import mistakes_grid

    # of all images only these are drawn; the others are zeros, which take no memory
    every = np.zeros((one.count, *images.shape[1:]), images.dtype)
    every[chosen] = images
    figure = mistakes_grid(
        every, one.predicted, one.target, one.confidence, names_of(one), limit=MISTAKES,
        mean=source.mean, std=source.std, title=None,
    )  # fmt: skip
    text = f"{len(chosen)} of {len(wrong):,} mistakes"
    text += ", those of which the model was surest." if one.confidence is not None else "."
    return picture(figure, text, caption=text)


def _mistakes_in_rows(one: Measured, chosen: NDArray[np.int64]) -> Markup:
    names = names_of(one)
    features = None if one.inputs is None else one.inputs(chosen)
    shown = features is not None and features.ndim == 2 and features.shape[1] <= MOST_FEATURES
    inputs = features if shown else None
    head = ["", "true", "predicted", "probability"]
    head += [] if inputs is None else [f"x{i}" for i in range(inputs.shape[1])]
    rows = []
    for place, i in enumerate(chosen.tolist()):
        sure = "–" if one.confidence is None else style.percent(float(one.confidence[i]))
        row = [f"sample {i}", names[one.target[i]], names[one.predicted[i]], sure]
        row += [] if inputs is None else [number(float(value)) for value in inputs[place]]
        rows.append(row)
    text = f"{len(chosen)} of {len(one.wrong):,} mistakes, the surest first."
    return table(head, rows, caption=text, numbers=range(3, len(head)))


def boundary(source: Source) -> Markup | None:
    """Of points in the plane: the areas of the classes."""
    one = source.measured
    if one is None or one.kind != "classes" or one.inputs is None or source.model is None:
        return None
    chosen = np.arange(min(2000, one.count))
    points = one.inputs(chosen)
    if points.ndim != 2 or points.shape[1] != 2:
        return None
    from dlframe.viz.boundaries import decision_boundary

    figure = decision_boundary(
        source.evaluator or source.model,
        points,
        one.target[chosen],
        names_of(one),
        title=None,
        probabilities=None if one.scores is None else one.scores == "probabilities",
    )
    text = "Where each class is predicted; crosses are mistakes."
    return picture(figure, text, caption=text)
