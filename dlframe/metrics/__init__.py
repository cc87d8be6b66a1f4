"""Metrics: how good a model is, in numbers that add up over batches.

Each is there twice: as a function of output and target (`dlframe.metrics.functional`), and as an
object that collects batches (`update`, `compute`, `reset`). The averaging is in the name.
"""

from __future__ import annotations

from dlframe.metrics import functional
from dlframe.metrics.classification import (
    F1,
    Accuracy,
    ConfusionMatrix,
    Precision,
    Recall,
    TopKAccuracy,
)
from dlframe.metrics.functional import (
    accuracy,
    accuracy_macro,
    accuracy_per_class,
    confusion_matrix,
    f1_binary,
    f1_macro,
    f1_micro,
    f1_per_class,
    f1_weighted,
    precision_binary,
    precision_macro,
    precision_micro,
    precision_per_class,
    precision_weighted,
    recall_binary,
    recall_macro,
    recall_micro,
    recall_per_class,
    recall_weighted,
    top_k_accuracy,
)
from dlframe.metrics.metric import Mean, MeanLoss, Metric
from dlframe.metrics.report import classification_report

__all__ = [
    "F1",
    "Accuracy",
    "ConfusionMatrix",
    "Mean",
    "MeanLoss",
    "Metric",
    "Precision",
    "Recall",
    "TopKAccuracy",
    "accuracy",
    "accuracy_macro",
    "accuracy_per_class",
    "classification_report",
    "confusion_matrix",
    "f1_binary",
    "f1_macro",
    "f1_micro",
    "f1_per_class",
    "f1_weighted",
    "functional",
    "precision_binary",
    "precision_macro",
    "precision_micro",
    "precision_per_class",
    "precision_weighted",
    "recall_binary",
    "recall_macro",
    "recall_micro",
    "recall_per_class",
    "recall_weighted",
    "top_k_accuracy",
]
