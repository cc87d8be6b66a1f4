"""Checks of how samples are divided: copies in two data sets, the order, the last batch."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np

from dlframe.base.printable import error_text
from dlframe.data import DataLoader
from dlframe.nn.modes import modes_kept
from dlframe.training.data.batches import length_of, why_empty
from dlframe.training.doctor.case import Case, length, listed, parts_of, some
from dlframe.training.doctor.report import Finding
from dlframe.training.doctor.rows import Array, Rows, as_array, first_unreadable

# A score that is one point too good is within its own chance: with 1,000 samples and 90 %, the
# standard error of accuracy is 0.95 %.
_LEAK = 0.01

# Where many training samples have a twin, either few different samples are possible (tables with
# few columns: nobody's fault), or samples were repeated before the data were divided. It is the
# second if the columns tell samples apart although only a third of what each says is its own,
# and more than a quarter of the samples are known: short texts, such as "ok", make less.
_MOST_BY_CHANCE, _OWN_BITS = 0.25, 1 / 3
_ROWS, _COLUMNS = 1000, 64  # that are enough to see how much columns tell

# Neighbours are of one class by chance with probability q = Σ p². Samples count as not mixed from
# half of the way between q and 1 on (then half of the neighbours are there on purpose), if that is
# no chance (6 standard errors).
_HALF, _SURE = 0.5, 6.0


def empty(case: Case) -> Iterator[Finding]:
    """A data set without batches."""
    for name, loader in case.loaders.items():
        if length_of(loader) == 0 or (name == "training" and not case.batches):
            yield Finding(
                "error", f"{name} data", f"there is no batch{why_empty(loader)}", 0.0,
                "there is nothing to learn from" if name == "training" else "nothing is measured",
                "use a smaller batch, or drop_last=False" if isinstance(loader, DataLoader) else
                "pass data with at least one batch",
            )  # fmt: skip


def readable(case: Case) -> Iterator[Finding]:
    """Every sample that is looked at can be read."""
    for name in case.rows:
        error = case.unreadable.get(name)
        if error is None:
            continue
        index = first_unreadable(case.loaders[name], case.split, case.samples, case.seconds / 10)
        yield Finding(
            "error", f"{name} data",
            "reading it raises " + error_text(error)
            + ("" if index is None else f"; sample {index} is the first to do so"),
            None if index is None else float(index),
            "training would end there, perhaps after hours",
            "repair or leave out the sample; samples of one batch need one shape, or a collate_fn",
        )  # fmt: skip


def leaks(case: Case) -> Iterator[Finding]:
    """Samples of validation and test data that the training data have, too."""
    names = list(case.rows)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    for a, b in pairs:
        yield from _leak(case.rows[a], case.rows[b])


def _leak(first: Rows, second: Rows) -> Iterator[Finding]:
    if not first.looked or not second.looked:
        return
    both = set(first.origins) & set(second.origins)
    known = set(first.keys)
    twins = [row for row, key in enumerate(second.keys) if key in known]
    if both:  # also where a random transform hides it
        twins = sorted({*twins, *(i for i, one in enumerate(second.origins) if one in both)})
    if not twins:
        return
    if second.places:
        twins.sort(key=lambda row: second.places[row])
    share = min(1.0, len(twins) / second.looked / first.share)
    copies = Counter(first.keys)
    own = sum(n for n in copies.values() if n > 1) / first.looked
    # in tables with few columns, samples are alike by chance: also within one data set
    much = share > _LEAK + 2 * own or (share > _MOST_BY_CHANCE and not _alike_by_chance(first))
    severity = "warning" if much else "note"
    estimated = "" if first.share == 1 else f" (of all of them, about {share:.1%} are)"
    yield Finding(
        severity, f"{first.name} and {second.name} data",
        f"{len(twins):,} of {second.looked:,} {second.name} samples looked at are exact copies of "
        f"{first.name} samples{estimated}, such as {second.place(twins[0])}",
        share,
        f"the {second.name} score is too good by up to {share:.1%}" + (
            f"; but {own:.1%} of the {first.name} samples have a twin there, too"
            if severity == "note" and own else ""
        ),
        "divide the data before copying or augmenting, and remove copies first",
    )  # fmt: skip


def _alike_by_chance(rows: Rows) -> bool:
    """Whether two samples can be equal although neither is a copy of the other.

    The number of pairs of different samples times the probability that all columns agree is
    compared with 1. A column agrees with probability Σ p², which is -log₂ Σ p² bits; columns say
    partly the same.
    """
    columns = [part.reshape(len(part), -1) for part in rows.inputs if len(part)]
    if not columns:
        return True
    bits = 0.0
    for table in columns:
        width = table.shape[1]
        chosen = np.linspace(0, width - 1, min(width, _COLUMNS)).astype(np.int64)
        for column in chosen.tolist():
            _, counts = np.unique(table[:_ROWS, column], return_counts=True)
            bits -= math.log2(float(((counts / counts.sum()) ** 2).sum())) * width / len(chosen)
    return bits * _OWN_BITS <= 2 * math.log2(max(2, len(set(rows.keys))))


def copies(case: Case) -> Iterator[Finding]:
    """Samples that the training data have more than once."""
    rows = case.train
    extra = rows.looked - len(set(rows.keys))
    if extra > _LEAK * rows.looked:
        yield Finding(
            "note", "training data",
            f"{extra:,} of {rows.looked:,} samples looked at are exact copies of others",
            extra / rows.looked,
            "they count more than others, and fall into both parts of a random split",
            "remove them before splitting, unless the weight is meant",
        )  # fmt: skip


def shuffled(case: Case) -> Iterator[Finding]:
    """Whether neighbours in the order of training have equal (or similar) targets."""
    if len(case.batches) < 2 and length_of(case.loader) in (None, 1):
        return  # one batch has no order
    targets = [as_array(target) for _, target in case.batches]
    if any(y is None or y.ndim == 0 or y.reshape(len(y), -1).shape[1] != 1 for y in targets):
        return
    y = np.concatenate([np.ravel(part) for part in targets if part is not None])
    if len(y) < 32:  # fewer pairs prove nothing
        return
    everything = case.train.target()
    if everything is None or everything[:1].size != 1:
        return
    values, counts = np.unique(everything, return_counts=True)
    few = len(values) <= max(2, len(everything) // 4)  # classes, not measurements
    likeness, by_chance = _likeness(y, counts / counts.sum()) if few else (_correlation(y), 0.0)
    error = (
        math.sqrt(max(by_chance * (1 - by_chance), 1e-12) / (len(y) - 1))
        if few
        else (1 / math.sqrt(len(y)))
    )
    excess = (likeness - by_chance) / max(1e-12, 1 - by_chance)
    if by_chance > 0.99 or excess <= _HALF or likeness - by_chance <= _SURE * error:
        return
    what = (
        f"{likeness:.0%} of {len(y) - 1:,} neighbours have the same label, while "
        f"{by_chance:.0%} are expected"
        if few
        else f"the targets of neighbours correlate with {likeness:.2f}, in {len(y):,} samples"
    )
    yield Finding(
        "warning", "order of the training data", what, likeness,
        "each batch pulls the model towards its own few classes, or its own part of the range, and "
        "forgets the others",
        "DataLoader(…, shuffle=True)",
    )  # fmt: skip


def _likeness(y: Array, shares: Array) -> tuple[float, float]:
    return float((y[1:] == y[:-1]).mean()), float((shares**2).sum())


def _correlation(y: Array) -> float:
    """The correlation of neighbours."""
    y = y.astype(np.float64)
    if not np.isfinite(y).all() or y.std() == 0:
        return 0.0
    return float(np.corrcoef(y[1:], y[:-1])[0, 1])


def last_batch(case: Case) -> Iterator[Finding]:
    """A batch of one sample, whose variance batch normalization cannot measure."""
    names = [name for name, _ in parts_of(case.model, "_BatchNorm", "BatchNorm", "_NormBase")]
    total, loader = case.train.total, case.loader
    size = getattr(loader, "batch_size", None)
    if not names or case.seen is None or not total or not size:
        return
    drops = bool(getattr(loader, "drop_last", False))
    if size != 1 and (drops or total % size != 1):
        return
    which = "each batch" if size == 1 else "the last batch"
    inputs, target = some(case.batch, 1)
    if length([*inputs, target]) != 1:
        return
    try:
        with case.alone(), modes_kept(case.model):
            case.model.train()
            case.forward(*inputs)
        fails = ""
    except Exception as error:  # noqa: BLE001 - what a batch of one raises is the finding
        fails = f": {str(error).splitlines()[0]}"
    yield Finding(
        "error" if fails else "warning" if size == 1 else "note", "training batches",
        f"{which} has 1 sample ({total:,} samples in batches of {size}), and the model has "
        f"{len(names)} batch normalizations ({listed(names, 3)}){fails}",
        1.0,
        "one sample has no variance over the batch"
        + ("" if fails else "; over the positions of one image it says little"),
        "drop_last=True, or another batch size",
    )  # fmt: skip
