"""Metrics beside scikit-learn's: data, and a row for each metric with both ways to compute it.

`ours` takes the data; `theirs` takes `sklearn.metrics` and the data, so nothing here imports it.
The golden values come from tests/golden/make_metrics.py; tests/oracle compares many more data sets.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from dlframe import metrics

CLASSES = 4


def data(seed: int) -> SimpleNamespace:
    """A small data set of each kind, with many ties; every class occurs in `y`, not in `z`."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(CLASSES, 40))
    y = np.append(np.arange(CLASSES), rng.integers(0, CLASSES, n - CLASSES))
    shares = rng.integers(1, 6, (n, CLASSES)).astype(np.float64)
    numbers = rng.integers(-20, 21, (2, n, 2)) / 8
    return SimpleNamespace(
        y=y,
        z=rng.integers(0, 1 + rng.integers(1, CLASSES), n),
        p=shares / shares.sum(axis=1, keepdims=True),
        yb=np.append([0, 1], rng.integers(0, 2, n - 2)),
        zb=rng.integers(0, 2, n),
        pb=rng.integers(1, 10, n) / 10,
        ym=np.concatenate([[[0, 1, 0], [1, 0, 1]], rng.integers(0, 2, (n - 2, 3))]),
        zm=rng.integers(0, 2, (n, 3)),
        sm=rng.integers(-6, 7, (n, 3)) / 4,
        a=numbers[0],
        b=np.concatenate([[[0.0, 1.0]], numbers[1][1:]]),
        up=np.abs(numbers) + 0.25,
    )


class Row(NamedTuple):
    """A metric, as dlframe and as scikit-learn compute it."""

    key: str
    ours: Callable[[Any], Any]
    theirs: Callable[[Any, Any], Any]


def ratios() -> list[Row]:
    """Every ratio in every average."""
    rows = []
    their_names = {
        "precision": ("precision_score", {}),
        "recall": ("recall_score", {}),
        "f1": ("f1_score", {}),
        "fbeta": ("fbeta_score", {"beta": 2.0}),
        "jaccard": ("jaccard_score", {}),
    }
    for kind, (name, options) in their_names.items():
        ours = getattr(metrics, kind)
        for average in ("per_class", "macro", "weighted", "micro", "binary"):
            theirs = None if average == "per_class" else average
            labels = ("yb", "zb") if average == "binary" else ("y", "z")

            def own(d, ours=ours, average=average, labels=labels, options=options):
                return ours(getattr(d, labels[1]), getattr(d, labels[0]), average, **options)

            def other(sk, d, name=name, theirs=theirs, labels=labels, options=options):
                true, predicted = (getattr(d, one) for one in labels)
                return getattr(sk, name)(
                    true, predicted, average=theirs, zero_division=0.0, **options
                )

            rows.append(Row(f"{kind}_{average}", own, other))
        for average in ("per_class", "weighted", "micro", "samples"):
            theirs = None if average == "per_class" else average

            def many(d, ours=ours, average=average, options=options):
                return ours(d.sm, d.ym, average, multilabel=True, **options)

            def others(sk, d, name=name, theirs=theirs, options=options):
                return getattr(sk, name)(
                    d.ym, d.sm > 0, average=theirs, zero_division=0.0, **options
                )

            rows.append(Row(f"{kind}_{average} of several labels", many, others))
    return rows


def specificity_of(sk: Any, d: Any) -> Any:
    rest, wrong = sk.multilabel_confusion_matrix(d.y, d.z, labels=range(CLASSES))[:, 0].T
    return rest / (rest + wrong)


def of_classes(name: str, *args: Any, **options: Any) -> Callable[[Any, Any], Any]:
    """A function of scikit-learn of labels."""
    return lambda sk, d: getattr(sk, name)(d.y, d.z, *args, **options)


def of_numbers(name: str, **options: Any) -> Callable[[Any, Any], Any]:
    """A function of scikit-learn of numbers."""
    return lambda sk, d: getattr(sk, name)(d.b, d.a, **options)


M = metrics
ROWS = [
    *ratios(),
    Row("specificity_per_class", lambda d: M.specificity(d.z, d.y, "per_class", CLASSES), specificity_of),
    Row("accuracy", lambda d: M.accuracy(d.z, d.y), of_classes("accuracy_score")),
    Row("accuracy of one-hot targets", lambda d: M.accuracy(np.eye(CLASSES)[d.z], np.eye(CLASSES)[d.y]), of_classes("accuracy_score")),
    Row("balanced_accuracy", lambda d: M.balanced_accuracy(d.z, d.y), of_classes("balanced_accuracy_score")),
    Row("balanced_accuracy, adjusted", lambda d: M.balanced_accuracy(d.z, d.y, adjusted=True), of_classes("balanced_accuracy_score", adjusted=True)),
    Row("top 2 accuracy", lambda d: M.top_k_accuracy(d.p + np.arange(CLASSES) * 1e-9, d.y, 2), lambda sk, d: sk.top_k_accuracy_score(d.y, d.p + np.arange(CLASSES) * 1e-9, k=2)),
    Row("subset_accuracy", lambda d: M.subset_accuracy(d.zm, d.ym), lambda sk, d: sk.accuracy_score(d.ym, d.zm)),
    Row("hamming_loss", lambda d: M.hamming_loss(d.zm, d.ym), lambda sk, d: sk.hamming_loss(d.ym, d.zm)),
    Row("confusion_matrix", lambda d: M.confusion_matrix(d.z, d.y, CLASSES), of_classes("confusion_matrix", labels=range(CLASSES))),
    *(
        Row(f"confusion_matrix, {one}", lambda d, one=one: M.confusion_matrix(d.z, d.y, CLASSES, normalize=one),
            lambda sk, d, one=one: sk.confusion_matrix(d.y, d.z, labels=range(CLASSES), normalize=one.replace("predicted", "pred")))
        for one in ("true", "predicted", "all")
    ),
    Row("confusion matrices of several labels", lambda d: M.confusion_matrix(d.sm, d.ym, multilabel=True), lambda sk, d: sk.multilabel_confusion_matrix(d.ym, d.sm > 0)),
    *(
        Row(f"cohen_kappa, {one}", lambda d, one=one: M.cohen_kappa(d.z, d.y, weights=one),
            lambda sk, d, one=one: sk.cohen_kappa_score(d.y, d.z, weights=one))
        for one in (None, "linear", "quadratic")
    ),
    Row("matthews_coefficient", lambda d: M.matthews_coefficient(d.z, d.y), of_classes("matthews_corrcoef")),
    Row("matthews_coefficient of two", lambda d: M.matthews_coefficient(d.zb, d.yb), lambda sk, d: sk.matthews_corrcoef(d.yb, d.zb)),
    Row("auroc", lambda d: M.auroc(d.pb, d.yb), lambda sk, d: sk.roc_auc_score(d.yb, d.pb)),
    *(
        Row(f"auroc_{one}", lambda d, one=one: M.auroc(d.p, d.y, one),
            lambda sk, d, one=one: sk.roc_auc_score(d.y, d.p, multi_class="ovr", average=one))
        for one in ("macro", "weighted")
    ),
    Row("auroc_ovo", lambda d: M.auroc(d.p, d.y, "ovo"), lambda sk, d: sk.roc_auc_score(d.y, d.p, multi_class="ovo")),
    Row("auroc_ovo_weighted", lambda d: M.auroc(d.p, d.y, "ovo_weighted"), lambda sk, d: sk.roc_auc_score(d.y, d.p, multi_class="ovo", average="weighted")),
    *(
        Row(f"{kind}_{one} of several labels", lambda d, kind=kind, one=one: getattr(M, kind)(d.sm, d.ym, one, multilabel=True),
            lambda sk, d, name=name, one=one: getattr(sk, name)(d.ym, d.sm, average=None if one == "per_class" else one))
        for kind, name in (("auroc", "roc_auc_score"), ("average_precision", "average_precision_score"))
        for one in ("per_class", "macro", "weighted", "micro")
    ),
    Row("average_precision", lambda d: M.average_precision(d.pb, d.yb), lambda sk, d: sk.average_precision_score(d.yb, d.pb)),
    *(
        Row(f"average_precision_{one}", lambda d, one=one: M.average_precision(d.p, d.y, one),
            lambda sk, d, one=one: sk.average_precision_score(d.y, d.p, average=one))
        for one in ("macro", "weighted")
    ),
    Row("roc_curve", lambda d: np.array(M.roc_curve(d.pb, d.yb)), lambda sk, d: np.array(sk.roc_curve(d.yb, d.pb, drop_intermediate=False))),
    Row("precision_recall_curve", lambda d: np.array(M.precision_recall_curve(d.pb, d.yb)[:2])[:, ::-1], lambda sk, d: np.array(sk.precision_recall_curve(d.yb, d.pb)[:2])),
    Row("log_loss", lambda d: M.log_loss(d.p, d.y), lambda sk, d: sk.log_loss(d.y, d.p)),
    Row("log_loss of logits", lambda d: M.log_loss(np.log(d.p) + 3, d.y, scores="logits"), lambda sk, d: sk.log_loss(d.y, d.p)),
    Row("log_loss of two", lambda d: M.log_loss(d.pb, d.yb), lambda sk, d: sk.log_loss(d.yb, d.pb)),
    Row("brier_score", lambda d: M.brier_score(d.p, d.y), lambda sk, d: sk.brier_score_loss(d.y, d.p)),
    Row("brier_score of two", lambda d: M.brier_score(d.pb, d.yb), lambda sk, d: sk.brier_score_loss(d.yb, d.pb)),
    Row("mse", lambda d: M.mean_squared_error(d.a, d.b), of_numbers("mean_squared_error")),
    Row("rmse", lambda d: M.mean_squared_error(d.a[:, 0], d.b[:, 0], squared=False), lambda sk, d: sk.root_mean_squared_error(d.b[:, 0], d.a[:, 0])),
    Row("mae", lambda d: M.mean_absolute_error(d.a, d.b), of_numbers("mean_absolute_error")),
    Row("msle", lambda d: M.mean_squared_log_error(*d.up), lambda sk, d: sk.mean_squared_log_error(d.up[1], d.up[0])),
    Row("mape", lambda d: M.mean_absolute_percentage_error(*d.up), lambda sk, d: sk.mean_absolute_percentage_error(d.up[1], d.up[0])),
    Row("median_absolute_error", lambda d: M.median_absolute_error(d.a[:, 0], d.b[:, 0]), lambda sk, d: sk.median_absolute_error(d.b[:, 0], d.a[:, 0])),
    Row("max_error", lambda d: M.max_error(d.a[:, 0], d.b[:, 0]), lambda sk, d: sk.max_error(d.b[:, 0], d.a[:, 0])),
    *(
        Row(f"{kind}, {one}", lambda d, kind=kind, one=one: getattr(M, kind)(d.a, d.b, one),
            lambda sk, d, name=name, one=one: getattr(sk, name)(d.b, d.a, multioutput=one))
        for kind, name in (("r2_score", "r2_score"), ("explained_variance", "explained_variance_score"))
        for one in ("uniform_average", "raw_values", "variance_weighted")
    ),
]  # fmt: skip
