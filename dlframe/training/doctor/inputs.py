"""Checks of the inputs: numbers that are none, scales that layers do not expect, dtypes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from dlframe.training.doctor.case import Case, Failure
from dlframe.training.doctor.observing import finite
from dlframe.training.doctor.report import Finding
from dlframe.training.doctor.rows import Array, as_array

# Initial weights are made for inputs of variance 1 (Glorot and Bengio 2010; He et al. 2015): the
# size of what comes out is proportional. At ten times that, tanh and the sigmoid are flat for nine
# of ten numbers; at a hundredth, the biases drown the inputs.
_LARGE, _SMALL = 10.0, 0.01

# Gradient descent needs as many steps as the square of the ratio between the columns' deviations:
# that is the condition number of least squares.
_APART = 1000.0

# An offset of so many deviations makes all samples look alike: the differences are a tenth.
_OFFSET = 10.0

# The means of two random parts of 32 samples each differ by √(2/32), a quarter of a deviation, and
# the deviations by an eighth: four times as much, or three times the deviation, is no chance.
_ENOUGH, _SHIFT, _RATIO = 32, 1.0, 3.0


def not_finite(case: Case) -> Iterator[Finding]:
    """nan and infinities among inputs and targets."""
    for name, rows in case.rows.items():
        parts = [(f"{name} inputs", array) for array in rows.inputs]
        y = rows.target()
        if y is not None:
            parts.append((f"{name} targets", y))
        for where, array in parts:
            if finite(array):
                continue
            bad = ~np.isfinite(array)
            row = int(np.argwhere(bad)[0][0])
            columns = bad.reshape(len(bad), -1).any(axis=0).sum()
            yield Finding(
                "error", where,
                f"{int(bad.sum()):,} of {bad.size:,} numbers are nan or infinite, in "
                f"{int(columns)} columns; the first in {rows.place(row)}",
                float(bad.sum()),
                "one of them makes the loss nan, and after one step all weights",
                "leave these samples out, or fill the gaps: np.nan_to_num, or the mean of the "
                "column",
            )  # fmt: skip


def bytes_unscaled(case: Case) -> Iterator[Finding]:
    """Pixels as whole numbers 0 … 255."""
    array = _first_seen(case)
    if array is None or array.size < 64 or array.ndim < 2:
        return
    low, high = float(array.min()), float(array.max())
    whole = bool((array == np.round(array)).all())
    # fewer than 16 columns may be a table of counts
    if not (whole and low >= 0 and 50 < high <= 255) or array[0].size < 16:
        return
    yield Finding(
        "warning", "training inputs",
        f"the inputs are whole numbers from {low:g} to {high:g}, with mean {array.mean():.4g}: "
        "bytes that were not scaled",
        high,
        "initial weights are made for inputs near -1 … 1; here all activations, and the first "
        "gradients, are a hundred times too large",
        "x.float() / 255, or transforms.ToTensor(); then transforms.Normalize",
    )  # fmt: skip


def input_scale(case: Case) -> Iterator[Finding]:
    """The root mean square of the inputs, and the deviations of the columns."""
    array = _first_seen(case)
    if array is None or len(array) < 8 or any(True for _ in bytes_unscaled(case)):
        return
    columns = _columns(array)
    deviation, mean = columns.std(axis=0), columns.mean(axis=0)
    sizes = np.sqrt((columns**2).mean(axis=0))
    varying = deviation > 1e-6 * np.maximum(sizes, 1e-30)  # else rounding of float32
    if not varying.any():
        yield Finding(
            "error", "training inputs",
            f"all {columns.shape[1]} columns of the inputs are constant",
            0.0,
            "all samples look the same, so that only a constant can be learned",
            "look at how the inputs are read",
        )  # fmt: skip
        return
    worst = int(sizes.argmax())
    if sizes[worst] > _LARGE:
        yield Finding(
            "warning", "training inputs",
            f"column {worst} of {len(sizes)} has root mean square {sizes[worst]:.4g} (mean "
            f"{mean[worst]:.4g}, deviation {deviation[worst]:.4g})",
            float(sizes[worst]),
            "initial weights are made for 1; larger inputs saturate what follows and make the "
            "first gradients as much larger",
            "subtract the mean and divide by the deviation of the training data "
            "(transforms.Normalize for images), or begin the model with a BatchNorm",
        )  # fmt: skip
        return
    if float(sizes.max()) < _SMALL:
        yield Finding(
            "warning", "training inputs",
            f"the largest root mean square of a column is {sizes.max():.4g}",
            float(sizes.max()),
            "initial weights and biases are made for inputs near 1: here the biases drown them",
            "divide by the deviation of the training data; perhaps they were scaled twice",
        )  # fmt: skip
        return
    ratio = float(deviation[varying].max() / deviation[varying].min())
    # pixels at the edges of images vary little, and rightly: tables only
    if array.ndim == 2 and columns.shape[1] < 256 and ratio > _APART:
        yield Finding(
            "warning", "training inputs",
            f"the deviations of the columns differ {ratio:.3g} times",
            ratio,
            "gradient descent needs more steps the more they differ, by the square",
            "divide each column by its deviation in the training data",
        )  # fmt: skip
        return
    offset = float(np.median(np.abs(mean[varying]) / deviation[varying]))
    if offset > _OFFSET:
        yield Finding(
            "warning", "training inputs",
            f"the mean of a column is {offset:.3g} times its deviation",
            offset,
            "to the first layer all samples look alike",
            "subtract the mean of the training data",
        )  # fmt: skip


def same_scale(case: Case) -> Iterator[Finding]:
    """Mean and deviation of the validation and test inputs against those of the training inputs."""
    for name, rows in case.rows.items():
        if name == "training":
            continue
        for number, (first, second) in enumerate(zip(case.train.inputs, rows.inputs, strict=False)):
            part = "" if len(rows.inputs) == 1 else f" {number}"
            yield from _other_scale(f"{name} inputs{part}", first, second)


def _other_scale(where: str, first: Array, second: Array) -> Iterator[Finding]:
    if first.ndim > 2 and first.shape[1:] != second.shape[1:]:
        return  # images and sequences may have any size
    if first.shape[1:] != second.shape[1:] or first.dtype.kind != second.dtype.kind:
        yield Finding(
            "error", where,
            f"a sample is {second.dtype} {list(second.shape[1:])}, while in the training data it "
            f"is {first.dtype} {list(first.shape[1:])}",
            None, "the model was made for the other form", "prepare both in the same way",
        )  # fmt: skip
        return
    few = min(len(first), len(second)) < _ENOUGH
    if first.dtype.kind != "f" or few or not finite(first) or not finite(second):
        return
    a, b = first.astype(np.float64), second.astype(np.float64)
    deviation = float(a.std())
    if deviation == 0:
        return
    shift, ratio = abs(float(b.mean() - a.mean())) / deviation, float(b.std()) / deviation
    if shift > _SHIFT or not 1 / _RATIO < ratio < _RATIO:
        yield Finding(
            "warning", where,
            f"they have mean {b.mean():.4g} and deviation {b.std():.4g}, the training inputs "
            f"{a.mean():.4g} and {deviation:.4g}",
            max(shift, ratio, 1 / max(ratio, 1e-12)),
            "what is measured on them says nothing about the model; most often one of the two was "
            "not scaled",
            "the same transform for both, with mean and deviation of the training data",
        )  # fmt: skip


def constant_inputs(case: Case) -> Iterator[Finding]:
    """Columns that never change."""
    if not case.train.inputs or case.train.inputs[0].ndim != 2 or len(case.train.inputs[0]) < 8:
        return
    array = case.train.inputs[0]
    constant = (array == array[:1]).all(axis=0)
    if constant.any() and not constant.all():
        yield Finding(
            "note", "training inputs",
            f"{int(constant.sum())} of {len(constant)} columns are the same in all {len(array):,} "
            f"samples looked at, the first is column {int(constant.argmax())}",
            float(constant.sum()),
            "they tell nothing; dividing by their deviation divides by zero",
            "leave them out, or check how they are read",
        )  # fmt: skip


def dtypes(case: Case) -> Iterator[Finding]:
    """One dtype for parameters, inputs and targets."""
    parameters = {str(p.dtype) for p in case.model.parameters() if p.dtype.kind == "f"}
    given = {str(a.dtype) for a in case.train.inputs if a.dtype.kind == "f"}
    raw = {str(a.dtype) for a in case.train.inputs if a.dtype.kind in "uib"}
    failed = isinstance(case.tried, Failure) and case.tried.stage == "model"
    if len(parameters) > 1:
        counts = [
            f"{sum(str(p.dtype) == kind for p in case.model.parameters())} of {kind}"
            for kind in sorted(parameters)
        ]
        yield Finding(
            "warning", "parameters", f"the parameters are {' and '.join(counts)}",
            float(len(parameters)),
            "the wider dtype spreads: everything after it costs twice the time and memory",
            "model.float()",
        )  # fmt: skip
    elif parameters and given and given != parameters:
        yield Finding(
            "error" if failed else "warning", "training inputs",
            f"the inputs are {', '.join(sorted(given))}, the parameters {', '.join(parameters)}",
            None,
            "layers want one dtype; NumPy's arrays are float64 unless something else is said",
            "x.float(), or x.astype(np.float32)",
        )  # fmt: skip
    elif failed and parameters and raw and not given:
        yield Finding(
            "error", "training inputs",
            f"the inputs are {', '.join(sorted(raw))}, and the model fails",
            None,
            "layers with weights take numbers with a point; only an Embedding takes indices",
            "x.float(), for bytes x.float() / 255",
        )  # fmt: skip
    elif parameters == {"float64"}:
        yield Finding(
            "note", "parameters", "all parameters are float64", None,
            "float64 takes twice the time and memory, and training does not need its digits",
            "model.float(), with inputs of float32",
        )  # fmt: skip
    target = case.train.target()
    output = as_array(case.output)
    if (
        target is not None
        and output is not None
        and target.dtype.kind == "f"
        and output.dtype.kind == "f"
        and target.dtype != output.dtype
    ):
        yield Finding(
            "warning", "training targets",
            f"the targets are {target.dtype}, the output is {output.dtype}",
            None,
            "the loss and the first gradients are computed in the wider of the two",
            f"make the targets {output.dtype}, too",
        )  # fmt: skip


def repeatable(case: Case) -> Iterator[Finding]:
    """The same sample, read twice."""
    for name, rows in case.rows.items():
        if not rows.targets_repeat:
            yield Finding(
                "error", f"{name} targets",
                "the same sample has another target when it is read a second time",
                None,
                "what is drawn at random cannot be learned",
                "draw the targets once, when the data set is made",
            )  # fmt: skip
        elif not rows.inputs_repeat and name != "training":
            yield Finding(
                "warning", f"{name} inputs",
                "the same sample is another one when it is read a second time",
                None,
                "a random transform changes what is measured, from epoch to epoch",
                f"give the {name} data the transform without augmentation",
            )  # fmt: skip


def _first_seen(case: Case) -> Array | None:
    """The numbers that the first layer with weights gets, in float64; None where it gets none.

    That is after what the model itself does to its inputs, such as a division by 255. Where the
    model takes the inputs as they are, those of many batches are used.
    """
    seen, kept = case.seen, case.train.inputs
    step = seen.first_product() if seen is not None else None
    if step is None or seen is None:
        return None
    value = step.inputs[0]
    made = seen.last_of(value, frozenset({"reshape", "cast", "transpose", "contiguous"}))
    raw: Any = value
    if made is None and len(kept) == 1:
        raw = kept[0]
    array = as_array(raw)
    if array is None or array.dtype.kind not in "fui" or not finite(array) or not array.size:
        return None
    return array.astype(np.float64)


def _columns(array: Array) -> Array:
    """One column for each feature: of images for each channel, of sequences for each variable."""
    if array.ndim >= 4:
        return np.moveaxis(array, 1, -1).reshape(-1, array.shape[1])
    return array.reshape(-1, array.shape[-1])
