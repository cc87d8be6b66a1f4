"""Metrics by name, as programs and configurations ask for them: `by_name("f1_macro")`.

Upper and lower case, `_`, `-` and blanks do not count. A class has its own name, too: "R2Score".
Metrics of plugins are found through `dlframe.plugins`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

from dlframe import plugins
from dlframe.errors import ArgumentError, did_you_mean
from dlframe.metrics import (
    classification,
    correlation,
    probabilities,
    ranking,
    regression,
    shares,
)
from dlframe.metrics.metric import Averaged, Metric
from dlframe.metrics.ratios import AVERAGE_NAMES

__all__ = ["by_name", "names"]

_RATIOS: dict[str, type[shares.RatioMetric]] = {
    "precision": shares.Precision,
    "recall": shares.Recall,
    "f1": shares.F1,
    "jaccard": shares.Jaccard,
    "specificity": shares.Specificity,
}

_AREAS: dict[str, type[ranking.RankingMetric]] = {
    "auroc": ranking.AUROC,
    "average_precision": ranking.AveragePrecision,
}

# name -> class and the options that the name stands for
_PLAIN: dict[str, tuple[Callable[..., Metric], dict[str, Any]]] = {
    "accuracy": (classification.Accuracy, {}),
    "balanced_accuracy": (classification.BalancedAccuracy, {}),
    "brier_score": (probabilities.BrierScore, {}),
    "cohen_kappa": (classification.CohenKappa, {}),
    "cohen_kappa_linear": (classification.CohenKappa, {"weights": "linear"}),
    "cohen_kappa_quadratic": (classification.CohenKappa, {"weights": "quadratic"}),
    "confusion_matrix": (classification.ConfusionMatrix, {}),
    "ece": (probabilities.CalibrationError, {"norm": "ece"}),
    "ece_adaptive": (probabilities.CalibrationError, {"norm": "ece", "adaptive": True}),
    "explained_variance": (correlation.ExplainedVariance, {}),
    "hamming_loss": (classification.HammingLoss, {}),
    "kendall": (correlation.KendallCorrelation, {}),
    "log_loss": (probabilities.LogLoss, {}),
    "mae": (regression.MeanAbsoluteError, {}),
    "mape": (regression.MeanAbsolutePercentageError, {}),
    "matthews_coefficient": (classification.MatthewsCoefficient, {}),
    "max_error": (regression.MaxError, {}),
    "mce": (probabilities.CalibrationError, {"norm": "mce"}),
    "median_absolute_error": (regression.MedianAbsoluteError, {}),
    "mse": (regression.MeanSquaredError, {}),
    "msle": (regression.MeanSquaredLogError, {}),
    "pearson": (correlation.PearsonCorrelation, {}),
    "perplexity": (probabilities.Perplexity, {}),
    "precision_recall_curve": (ranking.PrecisionRecallCurve, {}),
    "r2": (correlation.R2Score, {}),
    "rmsce": (probabilities.CalibrationError, {"norm": "rmsce"}),
    "rmse": (regression.MeanSquaredError, {"squared": False}),
    "rmsle": (regression.MeanSquaredLogError, {"squared": False}),
    "roc_curve": (ranking.ROCCurve, {}),
    "smape": (regression.SymmetricMeanAbsolutePercentageError, {}),
    "spearman": (correlation.SpearmanCorrelation, {}),
    "subset_accuracy": (classification.SubsetAccuracy, {}),
}

# other common names of the same
_ALSO = {
    "acc": "accuracy",
    "categorical_accuracy": "accuracy",
    "sparse_categorical_accuracy": "accuracy",
    "auc": "auroc",
    "roc_auc": "auroc",
    "brier": "brier_score",
    "calibration_error": "ece",
    "exact_match": "subset_accuracy",
    "hamming": "hamming_loss",
    "iou": "jaccard",
    "kappa": "cohen_kappa",
    "kappa_linear": "cohen_kappa_linear",
    "kappa_quadratic": "cohen_kappa_quadratic",
    "matthews": "matthews_coefficient",
    "mcc": "matthews_coefficient",
    "sensitivity": "recall",
}

_TOP = re.compile(r"top([1-9][0-9]*)(accuracy)?")
_FBETA = re.compile(r"f(?:beta)?([0-9]+(?:\.[0-9]+)?)(.*)")


def by_name(name: str, /, **options: Any) -> Metric:
    """A new metric by its name; options go to its class.

    "top5_accuracy" is `TopKAccuracy(5)`, "f2_macro" `FBeta(2, "macro")`, for any numbers. A ratio
    needs an average in its name or options: "precision_macro". A function of a plugin becomes
    `Averaged`. The average "samples" sets `multilabel=True`.

    Raises:
        ArgumentError: an unknown name (the message has the nearest ones), or one without average.
        PluginError: a plugin's metric failed to load.

    >>> by_name("F1-Macro").name, by_name("top5_accuracy").name, by_name("rmse").name
    ('f1_macro', 'top5_accuracy', 'rmse')
    >>> by_name("precision")
    Traceback (most recent call last):
    dlframe.errors.ArgumentError: metrics: 'precision' needs an average: precision_per_class, ...
    """
    if not isinstance(name, str):
        raise TypeError(f"metrics.by_name: needs a name, got {type(name).__name__}")
    wanted = _plain(name)
    for also, known in _ALSO.items():
        if wanted == _plain(also):
            wanted = _plain(known)
        elif wanted.startswith(_plain(also)) and known in (*_RATIOS, *_AREAS):
            wanted = _plain(known) + wanted.removeprefix(_plain(also))
    if wanted in _TABLE:
        make, given = _TABLE[wanted]
        return _made(name, make, {**given, **options})
    if wanted in map(_plain, _RATIOS):
        kind = next(one for one in _RATIOS if _plain(one) == wanted)
        if "average" in options:
            return _made(name, _RATIOS[kind], options)
        named = ", ".join(f"{kind}_{one}" for one in AVERAGE_NAMES)
        raise ArgumentError(f"metrics: {name!r} needs an average: {named}")
    if top := _TOP.fullmatch(wanted):
        return _made(name, classification.TopKAccuracy, options, int(top[1]))
    if beta := _FBETA.fullmatch(wanted):
        return _fbeta(name, float(beta[1]), beta[2], options)
    return _of_plugin_or_class(name, wanted, options)


def _made(name: str, make: Callable[..., Any], options: dict[str, Any], *first: Any) -> Metric:
    """A metric with these options; ArgumentError for one that it does not have."""
    known = _options_of(make)
    for key in options:
        if known is not None and key not in known:
            raise ArgumentError(
                f"metrics: {name!r} has no option {key!r}.{did_you_mean(key, known)} It has "
                f"{', '.join(known)}"
            )
    metric: Metric = make(*first, **options)
    return metric


def _options_of(make: Callable[..., Any]) -> list[str] | None:
    """The names of the arguments, those included that a class hands on; None where any will do."""
    found: list[str] = []
    for one in make.__mro__[:-1] if isinstance(make, type) else (make,):
        try:
            parameters = inspect.signature(one).parameters.values()
        except (TypeError, ValueError):  # a plugin's, which does not tell
            return None
        found += [p.name for p in parameters if p.kind is not p.VAR_KEYWORD]
        if all(p.kind is not p.VAR_KEYWORD for p in parameters):
            return list(dict.fromkeys(found))
    return None


def _fbeta(name: str, beta: float, average: str, options: dict[str, Any]) -> Metric:
    for one in AVERAGE_NAMES:
        if _plain(one) == average:
            many = {"multilabel": True} if one == "samples" else {}
            return _made(name, shares.FBeta, {**many, **options}, beta, one)
    if not average and "average" in options:
        return _made(name, shares.FBeta, options, beta)
    named = ", ".join(f"f{beta:g}_{one}" for one in AVERAGE_NAMES)
    raise ArgumentError(f"metrics: {name!r} needs an average: {named}")


def _of_plugin_or_class(name: str, wanted: str, options: dict[str, Any]) -> Metric:
    package, _, plain = name.rpartition(":")
    for registered in plugins.names("metrics"):
        if _plain(registered) == _plain(plain):
            made = plugins.get("metrics", f"{package}:{registered}" if package else registered)
            if isinstance(made, type):
                metric = _made(name, made, options)
                if isinstance(metric, Metric):
                    return metric
                raise ArgumentError(f"metrics: {name!r} is {made.__name__}, which is not a Metric")
            return Averaged(made, **options)
    raise ArgumentError(
        f"metrics: there is no metric {name!r}.{did_you_mean(name, names(), most=3)} "
        f"metrics.names() lists them"
    )


def names() -> list[str]:
    """The names of all metrics, those of plugins included, sorted.

    Besides there are "top5_accuracy" and "f2_macro" with any other numbers, and names of classes.

    >>> [name for name in names() if name.startswith("recall")]
    ['recall_binary', 'recall_macro', 'recall_micro', 'recall_per_class', ...]
    """
    own = set(plugins.core_names("metrics"))
    foreign = [name for name in plugins.names("metrics") if name not in own]
    return sorted([*_NAMES, "top5_accuracy", "f2_macro", *foreign])


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).casefold()


def _table() -> dict[str, tuple[Callable[..., Metric], dict[str, Any]]]:
    """All names that are not patterns."""
    found = dict(_PLAIN)
    for kind, ratio in _RATIOS.items():
        for average in AVERAGE_NAMES:
            many = {"multilabel": True} if average == "samples" else {}
            found[f"{kind}_{average}"] = (ratio, {"average": average, **many})
    for kind, area in _AREAS.items():
        found[kind] = (area, {})
        for average in (*area.averages[False], "micro"):
            many = {"multilabel": True} if average == "micro" else {}
            found[f"{kind}_{average}"] = (area, {"average": average, **many})
    return found


_NAMES = _table()
_TABLE = {_plain(name): entry for name, entry in _NAMES.items()}
