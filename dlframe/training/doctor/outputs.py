"""Checks of the output and the loss: do they fit each other, and is the loss what it should be?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from dlframe.training.doctor.case import Case, Failure, name_of
from dlframe.training.doctor.observing import Observation, Step, finite
from dlframe.training.doctor.report import Finding
from dlframe.training.doctor.rows import Array, as_array

# Logits of deviation s, which know nothing of the labels, cost about s²/2 more than equal ones. At
# one nat above log C the true class gets 1/e of its fair share: the model is sure, and wrong.
_NATS = 1.0

# At ten times the variance, the outputs are off by three deviations of the targets.
_VARIANCES = 10.0

# A class distribution sums to 1 within the rounding of float32, with a margin.
_SUM = 1e-3

_RANGES = {
    "relu": (0.0, math.inf), "softplus": (0.0, math.inf), "sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0), "tanh": (-1.0, 1.0), "exp": (0.0, math.inf),
    "absolute": (0.0, math.inf), "log_softmax": (-math.inf, 0.0), "logsigmoid": (-math.inf, 0.0),
}  # fmt: skip


def runs(case: Case) -> Iterator[Finding]:
    """One batch through model and loss."""
    failure = case.tried
    if not isinstance(failure, Failure):
        return
    message = str(failure.error).strip() or type(failure.error).__name__
    notes = getattr(failure.error, "__notes__", [])
    fix = {
        "data": "let the data give (inputs, target), or pass split=",
        "model": "model(inputs) on one batch shows the whole traceback",
        "loss": "loss(model(inputs), target) on one batch shows the whole traceback",
    }[failure.stage]
    shapes = ""
    if failure.stage == "loss":
        shapes = f" The output has {_shape(failure.output)}, the target {_shape(case.batch[1])}."
    yield Finding(
        "error", f"the {failure.stage}",
        "\n".join([f"{type(failure.error).__name__}: {message}", *notes]), None,
        f"the {failure.stage} fails on the first batch.{shapes}",
        fix,
    )  # fmt: skip


def _shape(value: Any) -> str:
    array = as_array(value)
    return type(value).__name__ if array is None else f"shape {list(array.shape)} of {array.dtype}"


def loss_is_finite(case: Case) -> Iterator[Finding]:
    """The first loss is a finite number."""
    seen = case.seen
    if seen is None or math.isfinite(seen.value):
        return
    first = next((step for step in seen.steps if _makes_bad(step)), None)
    where = "the loss"
    if first is not None:
        place = "the loss" if first.in_loss else name_of(case.model, first.path)
        where = f"{first.name} in {place}"
    yield Finding(
        "error", where,
        f"the first loss is {seen.value}"
        + (f"; {first.name} is the first operation that makes nan or infinity from finite numbers"
           if first is not None else ""),
        None,
        "no step can be made from it",
        "log and division need an eps, exp and powers smaller numbers; losses on logits have both. "
        "`with dl.autograd.detect_anomaly():` names the line",
    )  # fmt: skip


def _makes_bad(step: Step) -> bool:
    before = [a for x in step.inputs if (a := as_array(x)) is not None]
    after = [a for x in step.outputs if (a := as_array(x)) is not None]
    return all(map(finite, before)) and not all(map(finite, after))


def initial_loss(case: Case) -> Iterator[Finding]:
    """The first loss against that of an output that prefers nothing."""
    seen, chance = case.seen, case.chance
    if seen is None or chance is None or not math.isfinite(seen.value) or chance <= 0:
        return
    if seen.kind in ("mse_loss", "l1_loss", "huber_loss"):
        yield from _regression(case, seen, chance)
        return
    classes = seen.classes or 2
    count = _terms(seen)
    excess = (seen.value - chance) / count
    formula = f"log {classes} = {math.log(classes):.4g}"
    where = "the first loss"
    if excess > _NATS:
        yield Finding(
            "warning", where,
            f"it is {seen.value / count:.4g}, while equal scores for all classes give "
            f"{chance / count:.4g} ({formula})",
            seen.value,
            "the model is sure of its answers before it has learned anything; the first epochs go "
            "into unlearning that",
            "look at the scale of the inputs and of the last layer's weights (a tied embedding "
            "drawn from N(0, 1) is far too large: std 0.02)",
        )  # fmt: skip
    elif seen.value < 0.1 * chance:
        yield Finding(
            "note", where,
            f"it is {seen.value / count:.4g}, while equal scores for all classes give "
            f"{chance / count:.4g} ({formula})",
            seen.value,
            "a model that was not trained yet cannot know that",
            "if the model is new, look whether the inputs contain the targets",
        )  # fmt: skip


def _terms(seen: Observation) -> float:
    """How many losses a sum adds up; 1 for a mean."""
    step = seen.loss_step
    if step is None or step.options.get("reduction", "mean") != "sum":
        return 1.0
    scores = seen.scores
    size = 1 if scores is None else scores.size
    return float(max(1, size // (seen.classes or 1)))


def _regression(case: Case, seen: Observation, chance: float) -> Iterator[Finding]:
    target = as_array(seen.target)
    if target is None or seen.value <= _VARIANCES * chance:
        return
    y = target.astype(np.float64)
    name = "variance" if seen.kind == "mse_loss" else "mean loss"
    yield Finding(
        "warning", "the first loss",
        f"it is {seen.value:.4g}; answering with the mean of the targets ({y.mean():.4g}) gives "
        f"{chance:.4g}, their {name} (deviation {y.std():.4g})",
        seen.value / chance,
        "the outputs begin near 0 with deviation below 1: the first epochs only learn the mean and "
        "the scale, with large gradients",
        "train on (y - mean) / deviation of the training targets, or set the last bias to their "
        "mean",
    )  # fmt: skip


def activation_twice(case: Case) -> Iterator[Finding]:
    """What the loss applies itself must not be applied before; and what it needs must be."""
    seen = case.seen
    step = seen.loss_step if seen is not None else None
    scores = seen.scores if seen is not None else None
    if seen is None or step is None or scores is None or not scores.size or not finite(scores):
        return
    made = seen.last_of(step.inputs[0])
    last = "" if made is None else made.name
    where = "the model's output" if made is None else name_of(case.model, made.path)
    axis = 1 if scores.ndim > 1 else 0
    sums = scores.sum(axis=axis, dtype=np.float64)
    is_distribution = (
        scores.min() >= 0 and scores.shape[axis] > 1 and float(np.abs(sums - 1).max()) < _SUM
    )
    if seen.kind == "cross_entropy" and (is_distribution or last == "softmax"):
        classes = scores.shape[axis]
        # softmax of a one-hot distribution
        floor = -math.log(math.e / (math.e + classes - 1))
        yield Finding(
            "error", where,
            f"softmax is applied twice: the {classes} scores of a sample lie in "
            f"{scores.min():.3g} … {scores.max():.3g} and sum to {sums.mean():.4g}",
            floor,
            f"cross entropy applies log_softmax itself; of probabilities the loss cannot fall "
            f"below {floor:.4g}, and gradients are small",
            "leave the softmax out; for probabilities call softmax after training",
        )  # fmt: skip
    elif seen.kind == "cross_entropy" and last == "sigmoid":
        yield _confined(where, "sigmoid", scores)
    elif seen.kind == "cross_entropy" and last == "log_softmax":
        yield Finding(
            "note", where, "log_softmax is applied twice", None,
            "the second one changes nothing, but costs time",
            "NLLLoss takes log-probabilities, cross entropy takes logits",
        )  # fmt: skip
    elif seen.kind == "binary_cross_entropy_with_logits" and last in ("sigmoid", "softmax"):
        yield Finding(
            "error", where,
            f"the sigmoid is applied twice: the scores lie in {scores.min():.3g} … "
            f"{scores.max():.3g}",
            math.log(2),
            "the loss applies it itself; negatives then never cost less than log 2 = 0.6931, and "
            "positives 0.3133",
            f"leave the {last} out, or use BCELoss",
        )  # fmt: skip
    elif seen.kind == "nll_loss":
        yield from _log_probabilities(where, last, scores, axis)
    elif seen.kind in ("cross_entropy", "binary_cross_entropy_with_logits") and last in (
        "relu", "tanh",
    ):  # fmt: skip
        yield _confined(where, last, scores)


def _confined(where: str, last: str, scores: Array) -> Finding:
    return Finding(
        "warning", where,
        f"the scores come from {last}, and lie in {scores.min():.3g} … {scores.max():.3g}",
        float(scores.min()),
        "scores may be any numbers; confined ones cannot say how sure the model is, and zeros of a "
        "relu have no gradient",
        f"leave out the {last} after the last layer",
    )  # fmt: skip


def _log_probabilities(where: str, last: str, scores: Array, axis: int) -> Iterator[Finding]:
    """NLLLoss takes log p with Σ p = 1."""
    total = float(np.exp(np.minimum(scores.astype(np.float64), 80)).sum(axis=axis).mean())
    if last == "log_softmax" or abs(total - 1) < _SUM:
        return
    what = "probabilities" if scores.min() >= 0 and scores.max() <= 1 else "scores"
    yield Finding(
        "error", where,
        f"NLLLoss gets {what} in {scores.min():.3g} … {scores.max():.3g}, whose exponentials sum "
        f"to {total:.4g}",
        total,
        "it takes logarithms of probabilities, whose exponentials sum to 1; of anything else it "
        "falls without end",
        "log_softmax instead of softmax; or CrossEntropyLoss on the logits",
    )  # fmt: skip


def targets_in_reach(case: Case) -> Iterator[Finding]:
    """Targets that the last activation cannot give."""
    seen = case.seen
    target = case.train.target()
    step = seen.loss_step if seen is not None else None
    if seen is None or step is None or target is None or seen.kind not in (
        "mse_loss", "l1_loss", "huber_loss",
    ):  # fmt: skip
        return
    made = seen.last_of(step.inputs[0])
    if made is None or made.name not in _RANGES or not target.size or not finite(target):
        return
    low, high = _RANGES[made.name]
    outside = float(((target < low) | (target > high)).mean())
    if outside:
        yield Finding(
            "error" if outside > 0.01 else "warning", name_of(case.model, made.path),
            f"the output comes from {made.name}, which gives {low:g} … {high:g}; {outside:.1%} of "
            f"the targets lie outside, in {target.min():.4g} … {target.max():.4g}",
            outside,
            "these targets are never reached, and where the activation is flat nothing is learned",
            "leave the activation out, or bring the targets into its range",
        )  # fmt: skip


def broadcast(case: Case) -> Iterator[Finding]:
    """(N, 1) against (N,) makes (N, N): every output with every target."""
    seen = case.seen
    output, target = as_array(case.output), as_array(case.batch[1]) if case.batches else None
    if seen is None or output is None or target is None or output.shape == target.shape:
        return
    sizes = {output.size, target.size}
    for step in seen.steps:
        arrays = [a for x in step.inputs if (a := as_array(x)) is not None and a.ndim]
        out = as_array(step.outputs[0])
        if not step.in_loss or len(arrays) < 2 or out is None:
            continue
        shapes = [a.shape for a in arrays[:2]]
        if (
            out.size > max(arrays[0].size, arrays[1].size)
            and {a.size for a in arrays[:2]} <= sizes
            and out.shape == np.broadcast_shapes(*shapes)
        ):
            yield Finding(
                "error", f"{step.name} in the loss",
                f"the output {list(output.shape)} and the target {list(target.shape)} become "
                f"{list(out.shape)}: {out.size:,} numbers instead of {output.size:,}",
                float(out.size),
                "each output is compared with the targets of all samples, so the best answer is "
                "their mean",
                "give both the same shape: output.squeeze(1), or target.unsqueeze(1)",
            )  # fmt: skip
            return
