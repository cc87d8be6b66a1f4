"""What could mislead: kinds of targets, NaN, large means, many samples, states from elsewhere."""

from __future__ import annotations

import copy
import math
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import Trainer, metrics, nn, optim
from dlframe.errors import ArgumentError, LabelError, ShapeError, StateDictError
from dlframe.training import Callback

SCORES = np.array([[0.1, 2.0, 0.3], [3.0, 1.0, 0.0], [0.2, 0.1, 0.0]])
LABELS = np.array([1, 0, 2])
ONE_HOT = np.eye(3)[LABELS]
MANY = np.array([[1, 0, 1], [0, 1, 0], [1, 1, 1]])

OF_LABELS: list[Any] = [
    metrics.Accuracy, lambda: metrics.TopKAccuracy(1), metrics.ConfusionMatrix,
    metrics.BalancedAccuracy, metrics.CohenKappa, metrics.MatthewsCoefficient,
    lambda: metrics.F1("macro"),
]  # fmt: skip
OF_SCORES: list[Any] = [
    lambda: metrics.AUROC("macro", scores="logits"),
    lambda: metrics.AveragePrecision("macro", scores="logits"),
    lambda: metrics.LogLoss(scores="logits"),
    lambda: metrics.BrierScore(scores="logits"),
    lambda: metrics.CalibrationError(scores="logits"),
]


def value_of(make: Any, output: Any, target: Any) -> Any:
    metric = make()
    metric.update(output, target)
    return metric.compute()


@pytest.mark.parametrize("make", [*OF_LABELS, *OF_SCORES])
def test_one_hot_targets_are_labels(make: Any) -> None:
    wanted = value_of(make, SCORES, LABELS)
    for target in (ONE_HOT, ONE_HOT.astype(int), ONE_HOT > 0, dl.tensor(ONE_HOT), ONE_HOT.tolist()):
        np.testing.assert_array_equal(value_of(make, SCORES, target), wanted)


@pytest.mark.parametrize("make", [*OF_LABELS, *OF_SCORES])
def test_several_labels_per_sample_are_not_guessed(make: Any) -> None:
    with pytest.raises(LabelError, match=r"target\[0\] adds up to 2 over the 3 .*multilabel=True"):
        value_of(make, SCORES, MANY)


@pytest.mark.parametrize("make", OF_LABELS)
def test_probability_targets_count_as_their_likeliest_class(make: Any) -> None:
    soft = 0.9 * ONE_HOT + 0.1 / 3  # label smoothing
    np.testing.assert_array_equal(value_of(make, SCORES, soft), value_of(make, SCORES, LABELS))


def test_labels_beside_one_hot_targets() -> None:
    assert metrics.accuracy(SCORES.argmax(1), ONE_HOT) == 2 / 3
    with pytest.warns(UserWarning, match=r"counted as 9 labels, but look one-hot; .* argmax\(1\)"):
        metrics.accuracy(np.eye(3, dtype=int), ONE_HOT.astype(int))


@pytest.mark.parametrize("loss", [nn.MSELoss(), nn.BCELoss(), nn.CrossEntropyLoss()])
def test_one_hot_targets_in_training(loss: Any) -> None:
    dl.manual_seed(0)
    x = dl.randn(64, 2)
    target = dl.nn.functional.one_hot((x[:, 0] > 0).long(), 2).float()
    last = nn.Sigmoid() if isinstance(loss, nn.BCELoss) else nn.Identity()
    model = nn.Sequential(nn.Linear(2, 2), last)
    trainer = Trainer(model, loss, optim.Adam(model.parameters(), lr=0.1), [metrics.Accuracy()])
    history = trainer.fit((x, target), epochs=20, progress=False)
    assert history["accuracy"][-1] > 0.9


OF_NUMBERS = [
    metrics.MeanSquaredError,
    metrics.MaxError,
    metrics.R2Score,
    metrics.SpearmanCorrelation,
]


@pytest.mark.parametrize("make", [*OF_LABELS, *OF_SCORES, *OF_NUMBERS])
def test_nan_is_refused_by_name(make: Any) -> None:
    output = SCORES.copy()
    output[1, 2] = np.nan
    target = SCORES if make in OF_NUMBERS else LABELS
    metric = make()
    with pytest.raises(ArgumentError, match=r"output\[1, 2\] is nan"):
        metric.update(output, target)
    np.testing.assert_array_equal(metric.state, make().state)  # nothing was counted


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: metrics.log_loss([0.5, 1.5], [0, 1]),
         ArgumentError, r'output\[1\].*scores="logits"'),
        (lambda: metrics.log_loss(SCORES, LABELS),
         ArgumentError, r'output\[0, 1\].*scores="logits"'),
        (lambda: metrics.log_loss(np.full((1, 2), 0.4), [0]),
         ArgumentError, r"add up to 0.8 instead"),
        (lambda: metrics.log_loss([0.5], [2]), LabelError, "a target is 2; beside one score"),
        (lambda: metrics.log_loss(np.eye(3), [0, 3, 1]), LabelError, r"target\[1\] is 3"),
        (lambda: metrics.log_loss(np.eye(3), [0, 1]), ShapeError, r"does not fit"),
        (lambda: metrics.brier_score(np.zeros((2, 3)), MANY[:2], multilabel=True, scores="x"),
         ArgumentError, "scores must be one of"),
        (lambda: metrics.auroc(SCORES, LABELS), ArgumentError, 'scores="logits"'),
        (lambda: metrics.auroc(np.eye(3), LABELS),
         ArgumentError, '3 classes need an average: .*"auroc_macro".*AUROC'),
        (lambda: metrics.roc_curve(np.eye(3), LABELS), ArgumentError, "3 classes need positive="),
        (lambda: metrics.auroc([0.1, 0.2], [0, 2]), LabelError, r"target\[1\] is 2"),
        (lambda: metrics.auroc([0.1, 0.2], [0, 1, 1]), ShapeError, "does not fit"),
        (lambda: metrics.auroc(SCORES, MANY, multilabel=True),
         ArgumentError, "multilabel=True average"),
        (lambda: metrics.auroc(SCORES, MANY * 2, "macro", multilabel=True),
         LabelError, "with 2 classes"),
        (lambda: metrics.auroc([0.1], [1], "micro"), ArgumentError, "average must be None"),
        (lambda: metrics.auroc([1.5], [1], thresholds=5), ArgumentError, "outside of"),
        (lambda: metrics.AUROC(thresholds=[0.5, 0.1]), ArgumentError, "numbers that rise"),
        (lambda: metrics.AUROC(thresholds=1), ArgumentError, "2 or more, got 1"),
        (lambda: metrics.AUROC("ovo", thresholds=9), ArgumentError, "need all scores"),
        (lambda: metrics.roc_curve(np.eye(3), LABELS, 3), LabelError, "a class from 0 to 2"),
        (lambda: metrics.CalibrationError("ecee"), ArgumentError, "Did you mean 'ece'"),
        (lambda: metrics.CalibrationError(bins=0), ArgumentError, "1 or more, got 0"),
        (lambda: metrics.CohenKappa("cubic"), ArgumentError, "weights must be None, 'linear'"),
        (lambda: metrics.ConfusionMatrix(normalize="rows"),
         ArgumentError, "normalize must be one of true"),
        (lambda: metrics.FBeta(0, "macro"), ArgumentError, "beta must be a number above 0"),
        (lambda: metrics.Precision("samples"), ArgumentError, "which is for multilabel=True"),
        (lambda: metrics.Precision("binary", multilabel=True),
         ArgumentError, "for multilabel=False"),
        (lambda: metrics.hamming_loss(SCORES, LABELS), ShapeError, "have one shape"),
        (lambda: metrics.hamming_loss(SCORES, MANY + 1), LabelError, r"target\[0, 0\] is 2"),
        (lambda: metrics.mean_absolute_percentage_error([1.0, 2.0], [1.0, 0.0]), ArgumentError,
         r"target\[1\] is 0"),
        (lambda: metrics.mean_squared_log_error([-2.0], [1.0]),
         ArgumentError, "smallest output is -2"),
        (lambda: metrics.r2_score(1.0, 2.0), ShapeError, "along a first dimension"),
        (lambda: metrics.r2_score([np.inf, 1], [1, 2]), ArgumentError, "is infinite"),
        (lambda: metrics.r2_score([1.0], [2.0], "mean"),
         ArgumentError, "multioutput must be one of"),
        (lambda: metrics.Averaged(3), TypeError, "needs a function"),
        (lambda: value_of(lambda: metrics.Averaged(lambda x, y: x), SCORES, SCORES), ShapeError,
         "must return one number"),
    ],
)  # fmt: skip
def test_what_is_refused(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_batches_of_other_widths_are_refused() -> None:
    for made in (metrics.AUROC("macro"), metrics.R2Score(), metrics.SpearmanCorrelation()):
        first, second = np.eye(3), np.eye(4)
        truth = (np.arange(3), np.arange(4)) if isinstance(made, metrics.AUROC) else (first, second)
        made.update(first, truth[0])
        with pytest.raises(ShapeError, match=r"of 3 and of 4|of 4 and of 5|of 6 and of 8"):
            made.update(second, truth[1])
        assert np.isfinite(made.compute()) or math.isnan(made.compute())


# --- many and large numbers --------------------------------------------------------------------


def test_a_large_mean_costs_no_digits() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(-1000, 1000, 3000) / 1024  # exact also with the offset
    y = x + rng.integers(-100, 100, 3000) / 1024
    for make in (metrics.R2Score, metrics.PearsonCorrelation, metrics.ExplainedVariance):
        wanted = value_of(make, x, y)
        shifted = make()
        for i in range(0, 3000, 7):
            shifted.update(x[i : i + 7] + 2.0**40, y[i : i + 7] + 2.0**40)
        assert shifted.compute() == pytest.approx(wanted, rel=1e-10)
    flat = value_of(metrics.R2Score, np.full(1000, 0.1), np.full(1000, 0.1))
    assert math.isnan(flat)  # and not a quotient of rounding errors


def test_a_million_samples() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 1_000_000)
    scores = (rng.random(1_000_000) + 0.2 * truth).astype(np.float32)
    exact, binned = metrics.AUROC(), metrics.AUROC(thresholds=np.linspace(0, 1.2, 500))
    for i in range(0, 1_000_000, 100_000):
        for metric in (exact, binned):
            metric.update(scores[i : i + 100_000], truth[i : i + 100_000])
    assert exact.compute() == pytest.approx(0.68, abs=0.002)  # 1 - 0.8² / 2
    assert binned.compute() == pytest.approx(exact.compute(), abs=1e-4)
    assert binned.state.size == 2 * 501


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, np.uint8, bool])
def test_dtypes(dtype: Any) -> None:
    output, target = np.array([0, 1, 1, 0], dtype), np.array([0, 1, 0, 0], dtype)
    assert metrics.mean_absolute_error(output, target) == 0.25
    assert metrics.auroc(output, target) == pytest.approx(5 / 6)
    assert metrics.accuracy(output, target) == 0.75
    assert metrics.pearson_correlation(output, target) == pytest.approx(3**-0.5)
    assert metrics.brier_score(output, target) == 0.25


def test_warnings_of_probabilities_taken_for_logits() -> None:
    with pytest.warns(UserWarning, match='scores="probabilities" or threshold=0.5'):
        metrics.accuracy(np.full(20, 0.3), np.zeros(20, int))  # no batch has both classes
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert metrics.accuracy(np.full(20, 0.3), np.zeros(20, int), scores="probabilities") == 1
        metrics.accuracy(np.full(3, 0.3), np.zeros(3, int))  # three logits may be there by chance


# --- states ------------------------------------------------------------------------------------


def test_states_that_grow_are_copied_and_stored() -> None:
    metric = metrics.AUROC()
    metric.update([0.1, 0.8], [0, 1])
    twin, packed = copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))
    joined = metric + twin
    metric.update([0.9], [0])
    assert [one.state.shape for one in (metric, twin, packed, joined)] == [
        (3, 2),
        (2, 2),
        (2, 2),
        (4, 2),
    ]
    assert metric.compute() == 0.5
    metric.reset()
    assert math.isnan(metric.compute())
    assert twin.compute() == packed.compute() == joined.compute() == 1.0


@pytest.mark.parametrize(
    ("name", "state", "message"),
    [
        ("auroc", np.zeros((2, 1)), "no state of it has 1 columns"),
        ("auroc", np.array([[0.1, 2.0]]), "labels of its state"),
        ("auroc", np.array([[np.nan, 1.0]]), "without NaN"),
        ("auroc_macro", np.array([[0.1, 0.9, 0.5]]), "labels of its state"),
        ("spearman", np.zeros((2, 3)), "3 columns"),
        ("r2", np.zeros((7, 1)), "11 rows"),
        ("ece_adaptive", np.zeros((3, 3)), r"\(samples, 2\)"),
    ],
)
def test_foreign_states_are_refused(name: str, state: Any, message: str) -> None:
    metric = metrics.by_name(name)
    metric.state = state
    with pytest.raises((ShapeError, LabelError), match=message):
        metric.compute()


class Stop(Callback):
    def on_batch_end(self, trainer: Trainer) -> None:
        trainer.stop("in the middle")


def trainer_of(*callbacks: Any) -> Trainer:
    dl.manual_seed(1)
    model = nn.Sequential(nn.Linear(3, 1), nn.Sigmoid())
    names = ("auroc", "spearman", "median_absolute_error", "r2", "ece", "ece_adaptive", "mcc")
    measured = [metrics.by_name(name) for name in (*names, "log_loss", "max_error")]
    return Trainer(model, nn.BCELoss(), optim.SGD(model.parameters(), lr=0.1), measured, callbacks)


def test_a_resumed_epoch_has_the_metrics_of_a_whole_one(tmp_path: Path) -> None:
    dl.manual_seed(0)
    x = dl.randn(24, 3)
    data = (x, (x[:, :1] > 0).float())
    whole = trainer_of()
    wanted = whole.fit(data, epochs=2, batch_size=8, progress=False)
    half = trainer_of(Stop())
    half.fit(data, epochs=2, batch_size=8, progress=False)
    half.save(tmp_path / "half.h5")
    rest = trainer_of()
    rest.resume(tmp_path / "half.h5")
    found = rest.fit(data, epochs=2, batch_size=8, progress=False)
    for name in wanted:
        if name != "seconds":
            np.testing.assert_array_equal(found[name], wanted[name], err_msg=name)


@pytest.mark.parametrize(
    "hostile",
    [np.zeros((2, 1)), np.array([[0.1, 7.0]]), np.full((2, 2), np.nan), np.zeros((1, 2), complex),
     np.zeros(4), "text", np.array([["a", "b"]])],
)  # fmt: skip
def test_hostile_states_of_a_growing_metric_are_refused(hostile: Any) -> None:
    trainer = trainer_of()
    state = trainer.state_dict()
    state["trainer"]["sums"]["auroc"] = hostile
    with pytest.raises(StateDictError):
        trainer.load_state_dict(state)
