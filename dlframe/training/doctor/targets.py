"""Checks of the targets: their dtype and range, and how the classes are distributed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlframe.training.doctor.case import Case
from dlframe.training.doctor.report import Finding
from dlframe.training.doctor.rows import Array, Rows

# Classes are called unbalanced from this ratio on: then a model that never answers with the rarer
# one of two is right in 91 % of the cases, and accuracy says nothing.
_RATIO = 10

# A class of which so many are expected is missing by chance with probability exp(-5) < 1 %.
_EXPECTED = 5


def class_indices(case: Case) -> Iterator[Finding]:
    """Cross entropy and NLL take integers, one for each sample; floats mean probabilities."""
    y = case.train.target()
    if case.kind not in ("cross_entropy", "nll_loss") or y is None or y.dtype.kind != "f":
        return
    if case.seen is not None:  # a loss of one's own may have made integers of them
        scores = case.seen.scores
        if case.kind == "cross_entropy" and scores is not None and scores.shape[1:] == y.shape[1:]:
            yield from _probabilities(y)
        return
    if bool((y == np.round(y)).all()):
        yield Finding(
            "error", "training targets",
            f"the targets are {y.dtype}, and all {y.size:,} looked at are whole numbers from "
            f"{y.min():g} to {y.max():g}",
            float(y.max()),
            f"{case.kind} takes class indices as integers; numbers with a point would mean "
            "probabilities of the classes",
            "make the labels integers: y.long(), or y.astype(np.int64)",
        )  # fmt: skip


def _probabilities(y: Array) -> Iterator[Finding]:
    """Targets that are probabilities sum to 1 over the classes."""
    sums = y.sum(axis=1 if y.ndim > 1 else 0)
    wrong = float(np.abs(sums - 1).max()) if y.size else 0.0
    if wrong > 1e-3 or (y.size and y.min() < 0):  # a thousand times the rounding of float32
        yield Finding(
            "error", "training targets",
            f"targets of cross entropy with a point are probabilities, but these sum to "
            f"{sums.min():.4g} … {sums.max():.4g} over the classes",
            wrong,
            "the minimum of the loss is then no distribution that a softmax can give, or not the "
            "one meant",
            "divide each row by its sum; give class indices as integers; for several labels of one "
            "sample use BCEWithLogitsLoss",
        )  # fmt: skip


def labels_in_range(case: Case) -> Iterator[Finding]:
    """0 ≤ label < C, where C is the width of the model's output."""
    classes = case.classes
    if classes is None:
        return
    ignored = _ignored(case)
    for name, rows in case.rows.items():
        y = rows.target()
        if y is None or y.dtype.kind not in "iu":
            continue
        bad = ((y < 0) | (y >= classes)) & (y != ignored)
        if not bad.any():
            continue
        low, high = int(y[y != ignored].min()), int(y.max())
        first = rows.place(int(np.argwhere(bad)[0][0]))
        fix = f"give the model at least {high + 1} outputs, or correct the labels"
        if low == 1 and high == classes:
            fix = f"the labels count from 1: subtract 1, so that they are 0 … {classes - 1}"
        elif low < 0:
            fix = (
                "negative labels mark nothing here; if they are to be left out, pass "
                f"ignore_index={low} to the loss"
            )
        yield Finding(
            "error", f"{name} targets",
            f"{int(bad.sum()):,} of {y.size:,} labels lie outside 0 … {classes - 1}; they go from "
            f"{low} to {high} (the first is that of {first})",
            float(bad.sum()),
            f"the output has {classes} classes, and a label is the index of one",
            fix,
        )  # fmt: skip


def _ignored(case: Case) -> int:
    step = case.seen.loss_step if case.seen is not None else None
    default = getattr(case.loss, "ignore_index", -100)
    return int(step.options.get("ignore_index", default) if step is not None else default)


def output_width(case: Case) -> Iterator[Finding]:
    """Outputs that no label asks for are harmless, but often a slip."""
    classes, y = case.classes, case.train.target()
    if classes is None or y is None or y.dtype.kind not in "iu" or not y.size:
        return
    used = int(y.max()) + 1
    # rare classes are missing in few labels: with so many, one of 1 in `classes` is there
    if used < classes and y.size >= 10 * classes:
        yield Finding(
            "note", "the model's output",
            f"the output has {classes} classes, and the {y.size:,} labels looked at use 0 … "
            f"{used - 1}",
            float(classes - used),
            "outputs that no label asks for only learn to be small",
            f"if there are {used} classes, make the last layer {used} wide",
        )  # fmt: skip


def binary_targets(case: Case) -> Iterator[Finding]:
    """0 ≤ y ≤ 1 in -y ln p - (1 - y) ln(1 - p); outside, the loss has no minimum."""
    y = case.train.target()
    if not case.kind.startswith("binary_cross_entropy") or y is None or not y.size:
        return
    low, high = float(y.min()), float(y.max())
    if low >= 0 and high <= 1:
        return
    fix = "targets are 0 or 1"
    if set(np.unique(y).tolist()) <= {-1.0, 1.0}:
        fix = "-1 and 1 become 0 and 1 by (y + 1) / 2"
    elif set(np.unique(y).tolist()) == {1.0, 2.0}:
        fix = "1 and 2 become 0 and 1 by y - 1"
    elif high > 1 and bool((y == np.round(y)).all()):
        fix = "these look like class indices: use CrossEntropyLoss with one output for each class"
    yield Finding(
        "error", "training targets",
        f"the targets of binary cross entropy go from {low:g} to {high:g}",
        high if high > 1 else low,
        "they are probabilities; outside 0 … 1 the loss falls without end, below zero",
        fix,
    )  # fmt: skip


def constant_targets(case: Case) -> Iterator[Finding]:
    """Targets that are all the same are learned without looking at the inputs."""
    for name, rows in case.rows.items():
        y = rows.target() if case.uses_target else None
        if y is None or len(y) < 2 or not bool((y == y[:1]).all()):
            continue
        yield Finding(
            "error" if name == "training" else "warning", f"{name} targets",
            f"all {len(y):,} targets looked at are the same ({np.ravel(y[0])[0]:g})",
            float(np.ravel(y[0])[0]),
            "a constant answers them all, so nothing is learned (or measured)",
            "look at how the targets are read; a data set that is sorted by class must be mixed "
            "before it is split",
        )  # fmt: skip


def unbalanced_classes(case: Case) -> Iterator[Finding]:
    """The most frequent class against the rarest; and what a constant answer would reach."""
    y = labels_of(case, case.train)
    if y is None:
        return
    _, counts = np.unique(y, return_counts=True)
    if len(counts) < 2 or counts.max() < _RATIO * counts.min():
        return
    yield Finding(
        "note", "training targets",
        f"the most frequent class has {int(counts.max()):,} of {len(y):,} samples, the rarest "
        f"{int(counts.min()):,}: {counts.max() / counts.min():.0f} times as many",
        float(counts.max() / counts.min()),
        f"always answering with the most frequent class is right in "
        f"{counts.max() / len(y):.1%} of the cases, so compare accuracy with that",
        "measure F1 or the recall of each class; weights in the loss, or a "
        "WeightedRandomSampler, let rare classes count more",
    )  # fmt: skip


def missing_classes(case: Case) -> Iterator[Finding]:
    """Classes of one data set that another has not, though it should have several."""
    y = labels_of(case, case.train)
    if y is None:
        return
    for name, rows in case.rows.items():
        other = labels_of(case, rows)
        if name == "training" or other is None:
            continue
        yield from _missing(y, other, "training", name)
        yield from _missing(other, y, name, "training")


def _missing(here: Array, there: Array, name: str, other: str) -> Iterator[Finding]:
    classes, counts = np.unique(here, return_counts=True)
    gone = ~np.isin(classes, there)
    if not gone.any():
        return
    expected = float((counts[gone] / len(here) * len(there)).max())
    listed = ", ".join(str(c) for c in classes[gone][:10])
    yield Finding(
        "warning" if expected >= _EXPECTED else "note", f"{other} targets",
        f"{int(gone.sum())} of the {len(classes)} classes of the {name} data are missing among the "
        f"{len(there):,} {other} samples looked at: {listed}; up to {expected:.0f} were expected",
        float(gone.sum()),
        "what is measured there says nothing about them" if other != "training" else
        "a class that was never seen cannot be recognised",
        "split at random (data.random_split), or class by class; data that lie sorted must not be "
        "cut in two",
    )  # fmt: skip


def contradictions(case: Case) -> Iterator[Finding]:
    """The same input with different targets: no model can be right in both cases."""
    y = labels_of(case, case.train)
    if y is None:
        return
    first: dict[bytes, int] = {}
    clash = [
        row for row, key in enumerate(case.train.keys) if y[first.setdefault(key, row)] != y[row]
    ]
    if clash:
        share = len(clash) / len(y)
        a, b = case.train.place(first[case.train.keys[clash[0]]]), case.train.place(clash[0])
        yield Finding(
            "note", "training data",
            f"{len(clash):,} of {len(y):,} samples looked at have the input of another one, and "
            f"another label (such as {b}, equal to {a})",
            share,
            f"no model can be right about all of them: {share:.1%} is lost",
            "look at these samples; in tables with few columns this is usual",
        )  # fmt: skip


def labels_of(case: Case, rows: Rows) -> Array | None:
    """The class of each sample, for losses that have classes; None for other targets."""
    y = rows.target()
    if y is None or len(y) != rows.looked:
        return None
    if case.kind in ("cross_entropy", "nll_loss") and y.dtype.kind in "iu" and y.ndim == 1:
        return y
    if case.kind.startswith("binary") and y[:1].size == 1:
        y = y.reshape(len(y))
        return y.astype(np.int64) if bool(((y == 0) | (y == 1)).all()) else None
    return None
