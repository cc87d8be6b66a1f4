"""Training: a loop that measures, stops, saves and resumes; a loop of your own works as well."""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.training.callbacks.aim_logger import AimLogger
    from dlframe.training.callbacks.averaging import EMAWeightAveraging, WeightAveraging
    from dlframe.training.callbacks.callback import Callback, LambdaCallback
    from dlframe.training.callbacks.checkpoint import ModelCheckpoint
    from dlframe.training.callbacks.experiments import ExperimentLogger
    from dlframe.training.callbacks.freezing import Freeze
    from dlframe.training.callbacks.layers import LayerLog, read_layers
    from dlframe.training.callbacks.loggers import CSVLogger, JSONLogger, StepLog
    from dlframe.training.callbacks.mlflow_logger import MLflowLogger
    from dlframe.training.callbacks.norms import NormLog
    from dlframe.training.callbacks.progress import ProgressBar
    from dlframe.training.callbacks.rates import LearningRateScheduler
    from dlframe.training.callbacks.snapshots import Snapshots
    from dlframe.training.callbacks.stopping import EarlyStopping, TerminateOnNaN
    from dlframe.training.callbacks.tensorboard import TensorBoard
    from dlframe.training.callbacks.wandb_logger import WandbLogger
    from dlframe.training.data.batches import NonFiniteLossError
    from dlframe.training.distributions import Course
    from dlframe.training.doctor.checking import check
    from dlframe.training.doctor.report import CheckFailedError, Finding, Report
    from dlframe.training.evaluator import Evaluator
    from dlframe.training.history import History
    from dlframe.training.initializing import initialize
    from dlframe.training.rate_range import RateRange, lr_range_test
    from dlframe.training.reading import read_history
    from dlframe.training.trainer import Trainer

__all__ = [
    "AimLogger",
    "CSVLogger",
    "Callback",
    "CheckFailedError",
    "Course",
    "EMAWeightAveraging",
    "EarlyStopping",
    "Evaluator",
    "ExperimentLogger",
    "Finding",
    "Freeze",
    "History",
    "JSONLogger",
    "LambdaCallback",
    "LayerLog",
    "LearningRateScheduler",
    "MLflowLogger",
    "ModelCheckpoint",
    "NonFiniteLossError",
    "NormLog",
    "ProgressBar",
    "RateRange",
    "Report",
    "Snapshots",
    "StepLog",
    "TensorBoard",
    "TerminateOnNaN",
    "Trainer",
    "WandbLogger",
    "WeightAveraging",
    "check",
    "initialize",
    "lr_range_test",
    "read_history",
    "read_layers",
]

lazily(__name__)
