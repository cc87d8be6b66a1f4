"""Training: a loop that measures, stops, saves and resumes; a loop of your own works as well."""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.training.averaging import EMAWeightAveraging, WeightAveraging
    from dlframe.training.batches import NonFiniteLossError
    from dlframe.training.callback import Callback, LambdaCallback
    from dlframe.training.checkpoint import ModelCheckpoint
    from dlframe.training.doctor.checking import check
    from dlframe.training.doctor.report import CheckFailedError, Finding, Report
    from dlframe.training.evaluator import Evaluator
    from dlframe.training.freezing import Freeze
    from dlframe.training.history import History
    from dlframe.training.initializing import initialize
    from dlframe.training.loggers import CSVLogger, JSONLogger, StepLog
    from dlframe.training.norms import NormLog
    from dlframe.training.progress import ProgressBar
    from dlframe.training.rate_range import RateRange, lr_range_test
    from dlframe.training.rates import LearningRateScheduler
    from dlframe.training.reading import read_history
    from dlframe.training.snapshots import Snapshots
    from dlframe.training.stopping import EarlyStopping, TerminateOnNaN
    from dlframe.training.trainer import Trainer

__all__ = [
    "CSVLogger",
    "Callback",
    "CheckFailedError",
    "EMAWeightAveraging",
    "EarlyStopping",
    "Evaluator",
    "Finding",
    "Freeze",
    "History",
    "JSONLogger",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "NonFiniteLossError",
    "NormLog",
    "ProgressBar",
    "RateRange",
    "Report",
    "Snapshots",
    "StepLog",
    "TerminateOnNaN",
    "Trainer",
    "WeightAveraging",
    "check",
    "initialize",
    "lr_range_test",
    "read_history",
]

lazily(__name__)
