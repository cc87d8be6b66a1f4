"""Classifier and Regressor: a `Trainer` in the protocol of scikit-learn's estimators.

They work wherever scikit-learn takes an estimator: in pipelines, grid searches, cross-validation,
calibration and stacking. scikit-learn 1.6 or newer is an extra: `pip install 'dlframe[sklearn]'`.
"""

from __future__ import annotations

import copy
import functools
import inspect
import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from dlframe import models, random
from dlframe.errors import ArgumentError, LabelError, needs
from dlframe.metrics import scores_of
from dlframe.nn import Module
from dlframe.nn.parameter import is_lazy
from dlframe.optim import Optimizer, Regularizer
from dlframe.optim.lr_scheduler import LRScheduler
from dlframe.plugins import get as by_plugin
from dlframe.tensor import Tensor, to_array
from dlframe.training.by_name import make_loss
from dlframe.training.evaluator import Evaluator
from dlframe.training.history import History
from dlframe.training.keywords import meant
from dlframe.training.plan import check_count
from dlframe.training.trainer import Trainer

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
except ModuleNotFoundError as error:
    if error.name != "sklearn":
        raise
    # the classes can be read and documented without it; to make one raises
    BaseEstimator, ClassifierMixin, RegressorMixin = (
        type(name, (), {}) for name in ("BaseEstimator", "ClassifierMixin", "RegressorMixin")
    )

__all__ = ["Classifier", "Regressor"]

Array = np.ndarray[Any, Any]

_PARTS = ("module", "loss", "optimizer")
"""What takes options of its own: `module__units=32`."""

_TURN = threading.RLock()  # the default generator is one: seeded trainings in threads take turns


def network(n_features: int, n_outputs: int, hidden: Sequence[int] = (100,), **how: Any) -> Module:
    """The module of an estimator that was given none: `models.mlp`, one hidden layer of 100."""
    return models.mlp(n_features, hidden, n_outputs, **how)


class _Estimator(BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """What `Classifier` and `Regressor` share: parameters, training, outputs."""

    trainer_: Trainer
    _generator_state: Array  # of the default generator, after what was trained so far

    def __init__(
        self,
        module: Any = None,
        *,
        loss: Any = None,
        optimizer: Any = "adam",
        lr: float | None = None,
        epochs: int = 20,
        batch_size: int = 32,
        metrics: Any = (),
        callbacks: Any = (),
        scheduler: Any = None,
        scheduler_interval: str | None = None,
        monitor: str | None = None,
        clip_grad_norm: float | None = None,
        clip_grad_value: float | None = None,
        regularizers: Any = (),
        extra: Any = None,
        accumulate: Any = 1,
        initializer: Any = None,
        scale: float | None = None,
        validation_split: Any = None,
        shuffle: bool = True,
        num_workers: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validate_every: int = 1,
        validate_every_batches: int | None = None,
        max_steps: int | None = None,
        max_time: Any = None,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: Any = 0,
        **options: Any,
    ) -> None:
        with needs("sklearn", "sklearn"):
            import sklearn  # noqa: F401 - whether it is there
        self.module = module
        self.loss = loss
        self.optimizer = optimizer
        self.lr = lr
        self.epochs = epochs
        self.batch_size = batch_size
        self.metrics = metrics
        self.callbacks = callbacks
        self.scheduler = scheduler
        self.scheduler_interval = scheduler_interval
        self.monitor = monitor
        self.clip_grad_norm = clip_grad_norm
        self.clip_grad_value = clip_grad_value
        self.regularizers = regularizers
        self.extra = extra
        self.accumulate = accumulate
        self.initializer = initializer
        self.scale = scale
        self.validation_split = validation_split
        self.shuffle = shuffle
        self.num_workers = num_workers
        self.steps_per_epoch = steps_per_epoch
        self.validation_steps = validation_steps
        self.validate_every = validate_every
        self.validate_every_batches = validate_every_batches
        self.max_steps = max_steps
        self.max_time = max_time
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        for name, value in options.items():
            if not _is_option(name):
                accepted = tuple(inspect.signature(type(self)).parameters)
                raise TypeError(
                    f"{type(self).__name__}() has no argument {name!r}.{meant(name, accepted)}"
                )
            setattr(self, name, value)

    # --- parameters ----------------------------------------------------------------------------

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """All parameters by name, also those of module, loss and optimizer."""
        own: dict[str, Any] = super().get_params(deep=deep)
        return own | {name: value for name, value in vars(self).items() if _is_option(name)}

    def set_params(self, **params: Any) -> Any:
        """Set parameters by name, such as `lr=0.1` and `module__hidden=[50]`; returns itself."""
        options = {name: value for name, value in params.items() if _is_option(name)}
        super().set_params(**{k: v for k, v in params.items() if k not in options})
        for name, value in options.items():
            setattr(self, name, value)
        return self

    def _options(self, part: str) -> dict[str, Any]:
        prefix = f"{part}__"
        return {
            name.removeprefix(prefix): value
            for name, value in vars(self).items()
            if name.startswith(prefix)
        }

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = self.random_state is None
        tags.input_tags.sparse = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "trainer_")

    # --- the parts of a training ---------------------------------------------------------------

    def _module(self, x: Any, outputs: int) -> Module:
        options = self._options("module")
        name = type(self).__name__
        if isinstance(self.module, Module):
            if options:
                raise ArgumentError(
                    f"{name}: module__{next(iter(options))} goes with a class or a function as "
                    f"module; this one is made already, a {type(self.module).__name__}"
                )
            module = copy.deepcopy(self.module)
        else:
            make: Any = network if self.module is None else self.module
            if not callable(make):
                raise ArgumentError(
                    f"{name}: module must be a Module, a class of one, or a function that makes "
                    f"one; got {make!r}"
                )
            sizes = {"n_features": math.prod(x.shape[1:]), "n_outputs": outputs}
            try:
                known = set(inspect.signature(make).parameters)
            except ValueError:  # of C
                known = set()
            made = {key: value for key, value in sizes.items() if key in known} | options
            try:
                module = make(**made)
            except TypeError as error:
                what = getattr(make, "__name__", repr(make))
                listed = ", ".join(f"{key}={value!r}" for key, value in made.items())
                raise ArgumentError(
                    f"{name}: the module cannot be made by {what}({listed}): {error}. Options are "
                    "given as module__NAME=; n_features and n_outputs are passed where it takes "
                    "them"
                ) from error
            if not isinstance(module, Module):
                raise ArgumentError(
                    f"{name}: module must make a dlframe.nn.Module; it made a "
                    f"{type(module).__name__}"
                )
        if any(is_lazy(one) for one in module.parameters()):
            self._outputs_of(module, x)
        return module

    def _outputs_of(self, module: Module, x: Any) -> Tensor:
        """The outputs for two samples, in evaluation mode; no random number is drawn by it."""
        with random.fork_rng():
            outputs = Evaluator(module, _no_loss, scale=self.scale).predict(x[:2])
        if not isinstance(outputs, Tensor):
            raise ArgumentError(
                f"{type(self).__name__}: the module must have one output; it returns "
                f"{type(outputs).__name__}. A Trainer takes several"
            )
        return outputs

    def _loss(self, default: Any) -> Any:
        options = self._options("loss")
        loss = default if self.loss is None else self.loss
        if isinstance(loss, (Mapping, list, tuple)):
            raise ArgumentError(
                f"{type(self).__name__}: one loss for one output; a Trainer takes several"
            )
        if not options and not isinstance(loss, type):
            return copy.deepcopy(loss)
        kind = type(make_loss(loss, None, type(self).__name__)) if isinstance(loss, str) else loss
        if isinstance(kind, type):
            return self._with_options(kind, options, "loss")
        if callable(kind) and not isinstance(kind, Module):
            return functools.partial(kind, **options)
        raise ArgumentError(
            f"{type(self).__name__}: loss__{next(iter(options))} goes with the name, the class or "
            f"the function of a loss; this one is made already, a {type(kind).__name__}"
        )

    def _with_options(self, kind: Callable[..., Any], options: dict[str, Any], part: str) -> Any:
        try:
            return kind(**options)
        except TypeError as error:
            raise ArgumentError(
                f"{type(self).__name__}: {part} {kind.__name__} cannot be made: {error}. Its "
                f"options are given as {part}__NAME="
            ) from error

    def _optimizer(self) -> Any:
        name = type(self).__name__
        options = self._options("optimizer")
        if self.lr is not None:
            options = {"lr": self.lr} | options
        optimizer = self.optimizer
        if isinstance(optimizer, (Optimizer, Mapping)):
            raise ArgumentError(
                f"{name}: the optimizer is made in fit, for the module made there; give its name "
                "or class, and options such as lr=0.1 or optimizer__momentum=0.9, instead of an "
                "object"
            )
        if not options:
            return optimizer
        if isinstance(optimizer, (tuple, list)) and len(optimizer) == 2:
            optimizer, before = optimizer
            options = {**before, **options}
        if isinstance(optimizer, str):
            optimizer = by_plugin("optimizers", optimizer)
        if isinstance(optimizer, type):
            return (optimizer, options)
        return functools.partial(optimizer, **options) if callable(optimizer) else optimizer

    def _trainer(self, x: Any, outputs: int) -> Trainer:
        name = type(self).__name__
        if isinstance(self.scheduler, LRScheduler):
            raise ArgumentError(
                f"{name}: the schedule is made in fit, for the optimizer made there; give a name, "
                '("StepLR", {"step_size": 10}) or a function of (optimizer, steps)'
            )
        module = self._module(x, outputs)
        return Trainer(
            module,
            self._loss(self._default_loss(module, x, outputs) if self.loss is None else None),
            self._optimizer(),
            copy.deepcopy(self.metrics),
            copy.deepcopy(self.callbacks),
            self.scheduler,
            scheduler_interval=self.scheduler_interval,
            monitor=self.monitor,
            clip_grad_norm=self.clip_grad_norm,
            clip_grad_value=self.clip_grad_value,
            regularizers=[self._regularizer(one, module) for one in self.regularizers],
            extra=self.extra,
            accumulate=self.accumulate,
            initializer=self.initializer,
            scale=self.scale,
        )

    def _regularizer(self, one: Any, module: Module) -> Any:
        if isinstance(one, Regularizer):
            if hasattr(one, "_choice"):
                raise ArgumentError(
                    f"{type(self).__name__}: this {type(one).__name__} is of another module than "
                    "the one that fit makes; give a function of the module instead, such as lambda "
                    f"module: optim.{type(one).__name__}(module, …)"
                )
            return copy.deepcopy(one)
        return one(module) if callable(one) else one

    def _default_loss(self, module: Module, x: Any, outputs: int) -> Any:
        raise NotImplementedError

    # --- training ------------------------------------------------------------------------------

    @contextmanager
    def _seeded(self, *, first: bool) -> Iterator[None]:
        """A block whose random numbers are those of `random_state`, if there is one.

        Outside of it the default generator is as before; a training that goes on goes on with them.
        """
        if self.random_state is None:
            yield
            return
        from sklearn.utils import check_random_state

        with _TURN, random.fork_rng():
            if not first and hasattr(self, "_generator_state"):
                random.set_rng_state(self._generator_state)
            elif isinstance(self.random_state, (int, np.integer)):
                random.manual_seed(int(self.random_state))
            else:
                random.manual_seed(int(check_random_state(self.random_state).randint(2**31 - 1)))
            yield
            self._generator_state = random.get_rng_state()

    def _train(
        self, x: Any, y: Array, outputs: int, *, first: bool, epochs: Any, **data: Any
    ) -> Any:
        weight = data.pop("sample_weight", None)
        check_count("epochs", epochs, type(self).__name__)
        with self._seeded(first=first):
            trainer = self._trainer(x, outputs) if first else self.trainer_
            trainer.fit(
                x,
                y,
                more_epochs=epochs,
                sample_weight=None if weight is None else _weights(weight, len(y), self),
                batch_size=self.batch_size,
                shuffle=self.shuffle,
                num_workers=self.num_workers,
                steps_per_epoch=self.steps_per_epoch,
                progress=False if self.verbose in (0, False, None) else None,
                verbose=None if self.verbose in (0, False, None) else self.verbose,
                **data,
            )
        self.trainer_ = trainer
        return self

    def _whole(self, validation_data: Any) -> dict[str, Any]:
        """The arguments of a `fit` that are not those of a `partial_fit`."""
        return {
            "epochs": self.epochs,
            "validation_data": validation_data,
            "validation_split": None if validation_data is not None else self.validation_split,
            "validation_steps": self.validation_steps,
            "validate_every": self.validate_every,
            "validate_every_batches": self.validate_every_batches,
            "max_steps": self.max_steps,
            "max_time": self.max_time,
        }

    def _checked(self, x: Any, *, reset: bool = False, **targets: Any) -> Any:
        """Inputs, and with `y=` targets too, as arrays that scikit-learn has looked at."""
        from sklearn.utils.validation import validate_data

        if targets:
            targets["multi_output"] = True
        return validate_data(self, x, reset=reset, accept_sparse="csr", allow_nd=True, **targets)

    # --- what training left --------------------------------------------------------------------

    @property
    def module_(self) -> Module:
        """The module that was trained."""
        return self._fitted().model

    @property
    def history_(self) -> History:
        """Loss and metrics of all epochs."""
        return self._fitted().history

    def _fitted(self) -> Trainer:
        if not hasattr(self, "trainer_"):  # also for hasattr(estimator, "module_")
            raise AttributeError(f"this {type(self).__name__} is not fitted yet; call fit(X, y)")
        trainer: Trainer = self.trainer_
        return trainer

    def _predicted(self, x: Any, what: str, *, like_x: bool = False) -> Array:
        """What a method of the trainer gives; with `like_x` in the precision of the inputs."""
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        x = self._checked(x)
        found = to_array(getattr(self.trainer_, what)(x))
        is_float = x.dtype.kind == "f"
        return np.array(found, (x.dtype if is_float else np.float64) if like_x else None)


def _is_option(name: str) -> bool:
    part, mark, rest = name.partition("__")
    return part in _PARTS and bool(mark and rest)


def _no_loss(output: Any, target: Any) -> Any:
    raise NotImplementedError


def _weights(weight: Any, samples: int, owner: Any) -> Array:
    array = np.asarray(weight, np.float64)
    if array.shape != (samples,):
        raise ArgumentError(
            f"{type(owner).__name__}: sample_weight must have one weight for each of {samples} "
            f"samples; got shape {array.shape}"
        )
    if not array.any():
        raise ArgumentError(
            f"{type(owner).__name__}: all weights in sample_weight are zero, so that no sample "
            "counts"
        )
    return array


# --- the two -----------------------------------------------------------------------------------


class Classifier(ClassifierMixin, _Estimator):  # type: ignore[misc] # scikit-learn has no types
    """A model of classes for scikit-learn: `Classifier(module).fit(X, y).predict(X)`.

    Args:
        module: what is trained. A class or function that makes it, called in `fit` with the options
            `module__NAME=`, and with `n_features` and `n_outputs` where it has arguments of these
            names; or a Module, of which `fit` trains a copy. None is `models.mlp` with one hidden
            layer of 100 units (`module__hidden=[50, 50]`).
        loss: see `Trainer`; `loss__NAME=` are its options. None: cross entropy; binary cross
            entropy where the module has one output, or where y has several labels per sample.
        optimizer: name, class, function of parameters, or pair of a name and options;
            `optimizer__NAME=` are its options, and `lr` the rate. None for the optimizer's own.
        epochs, batch_size, shuffle, num_workers, validation_split, steps_per_epoch, max_steps,
            max_time, validation_steps, validate_every, validate_every_batches: see `Trainer.fit`.
        class_weight: "balanced", or a dict from classes, as they are in y, to weights.
        metrics, callbacks, scheduler, scheduler_interval, monitor, clip_grad_norm,
            clip_grad_value, regularizers, extra, accumulate, initializer, scale: see `Trainer`. Of
            objects `fit` uses copies; `trainer_.callbacks` has those that were used. Regularizers
            may be functions of the module: `lambda module: optim.L1(module, 1e-3)`.
        random_state: an int makes each `fit` give the same bits: those of `dl.manual_seed(int)`,
            the module, and `Trainer.fit`. dlframe's default generator is as before afterwards.
            None draws from that generator.
        warm_start: whether another `fit` goes on with the module and optimizer there are.
        verbose: 0 nothing, 1 a bar and lines, 2 lines.

    Labels may be numbers or strings; an indicator matrix (N, L) is L labels for each sample. X may
    have more dimensions than two, and be a frame or a sparse matrix, which becomes dense batch by
    batch.

    Attributes:
        classes_: the labels in order.
        trainer_, module_, history_: the Trainer, the trained module, its loss and metrics.
        n_features_in_, feature_names_in_: as in scikit-learn.

    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> y = np.where(X[:, 0] > X[:, 1], "above", "below")
    >>> model = Classifier(lr=0.01, random_state=0).fit(X, y)
    >>> model.predict([[2.0, -2.0]]).tolist(), model.score(X, y) > 0.95
    (['above'], True)
    """

    def __init__(
        self,
        module: Any = None,
        *,
        loss: Any = None,
        optimizer: Any = "adam",
        lr: float | None = None,
        epochs: int = 20,
        batch_size: int = 32,
        class_weight: Any = None,
        metrics: Any = (),
        callbacks: Any = (),
        scheduler: Any = None,
        scheduler_interval: str | None = None,
        monitor: str | None = None,
        clip_grad_norm: float | None = None,
        clip_grad_value: float | None = None,
        regularizers: Any = (),
        extra: Any = None,
        accumulate: Any = 1,
        initializer: Any = None,
        scale: float | None = None,
        validation_split: Any = None,
        shuffle: bool = True,
        num_workers: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validate_every: int = 1,
        validate_every_batches: int | None = None,
        max_steps: int | None = None,
        max_time: Any = None,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: Any = 0,
        **options: Any,
    ) -> None:
        super().__init__(
            module, loss=loss, optimizer=optimizer, lr=lr, epochs=epochs, batch_size=batch_size,
            metrics=metrics, callbacks=callbacks, scheduler=scheduler,
            scheduler_interval=scheduler_interval, monitor=monitor, clip_grad_norm=clip_grad_norm,
            clip_grad_value=clip_grad_value, regularizers=regularizers, extra=extra,
            accumulate=accumulate, initializer=initializer, scale=scale,
            validation_split=validation_split, shuffle=shuffle, num_workers=num_workers,
            steps_per_epoch=steps_per_epoch, validation_steps=validation_steps,
            validate_every=validate_every, validate_every_batches=validate_every_batches,
            max_steps=max_steps, max_time=max_time, random_state=random_state,
            warm_start=warm_start, verbose=verbose, **options,
        )  # fmt: skip
        self.class_weight = class_weight

    classes_: Array
    _several: bool  # labels for each sample

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None) -> Any:
        """Train for `epochs` epochs, from the beginning unless `warm_start`; returns itself.

        Args:
            X: (N, features) or (N, …).
            y: (N,) labels, or (N, L) of 0 and 1.
            sample_weight: (N,).
            validation_data: (X, y) to validate on, instead of `validation_split`.
        """
        first = not (self.warm_start and hasattr(self, "trainer_"))
        x, labels = self._checked(X, y=y, reset=first)
        labels = self._labels(labels, None, first=first)
        if validation_data is not None:
            validation_data = self._validation(validation_data)
        return self._train(
            x, labels, self._outputs(), first=first, sample_weight=sample_weight,
            class_weight=self._class_weight(), **self._whole(validation_data),
        )  # fmt: skip

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Any:
        """Train for one epoch on these samples, going on from what there is; returns itself.

        Args:
            classes: all labels that there will be; those of the first `y` unless given.
        """
        first = not hasattr(self, "trainer_")
        x, labels = self._checked(X, y=y, reset=first)
        labels = self._labels(labels, classes, first=first)
        return self._train(
            x, labels, self._outputs(), first=first, epochs=1, sample_weight=sample_weight,
            class_weight=self._class_weight(),
        )  # fmt: skip

    def predict(self, X: Any) -> Array:
        """The most probable label of each sample (N,); (N, L) of 0 and 1 for several labels."""
        codes = self._predicted(X, "predict_classes")
        return codes if self._several else np.asarray(self.classes_[codes])

    def predict_proba(self, X: Any) -> Array:
        """Probabilities (N, C), columns as in `classes_`; (N, L), one of each of several labels."""
        return self._predicted(X, "predict_proba")

    def decision_function(self, X: Any) -> Array:
        """Scores: (N,) for two classes, above 0 for the second one; (N, C) for more.

        They are the module's logits, or the logarithms of its probabilities; for two classes the
        difference of both, ln p₁ / p₀.
        """
        scores = self._predicted(X, "predict")
        trainer = self.trainer_
        kind = scores_of(None, trainer.model) or scores_of(trainer.loss, trainer.model)
        single = scores.ndim == 1 or scores.shape[1] == 1
        with np.errstate(divide="ignore"):  # of a probability 0
            if kind == "probabilities":
                other = np.log1p(-scores) if single or self._several else np.zeros((), scores.dtype)
                scores = np.log(scores) - other
        if self._several:
            return scores
        if single:
            return np.asarray(scores.reshape(len(scores)))
        return np.asarray(scores[:, 1] - scores[:, 0]) if scores.shape[1] == 2 else scores

    # --- labels --------------------------------------------------------------------------------

    def _labels(self, y: Array, classes: Any, *, first: bool) -> Array:
        """Class numbers of labels, or an indicator matrix; `classes_` is what they stand for."""
        from sklearn.utils.multiclass import check_classification_targets, type_of_target
        from sklearn.utils.validation import column_or_1d

        check_classification_targets(y)
        several = type_of_target(y) == "multilabel-indicator"
        if y.ndim > 1 and not several and y.shape[1] > 1:
            raise ArgumentError(
                f"Classifier: y of shape {y.shape} has several classes for each sample; one class, "
                "or an indicator matrix of 0 and 1, is what it learns"
            )
        if not first and several != self._several:
            raise ArgumentError("Classifier: y has another form than the y of the first fit")
        if several:
            dense = np.asarray(y.toarray() if hasattr(y, "toarray") else y, np.float32)
            if not first and dense.shape[1] != len(self.classes_):
                raise ArgumentError(
                    f"Classifier: y has {dense.shape[1]} labels, and {len(self.classes_)} before"
                )
            self._several, self.classes_ = True, np.arange(dense.shape[1])
            return dense
        y = column_or_1d(y, warn=True)
        if first:
            known = np.unique(y if classes is None else np.asarray(classes))
            if len(known) < 2:
                raise ArgumentError(
                    f"Classifier: y has one class ({known.tolist()[0]!r}), so there is nothing to "
                    "tell apart; two classes or more are needed"
                )
            self._several, self.classes_ = False, known
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ArgumentError("Classifier: classes= differs from that of the first call")
        return self._numbers(y)

    def _numbers(self, y: Array) -> Array:
        numbers = {label: i for i, label in enumerate(self.classes_.tolist())}
        try:
            return np.array([numbers[label] for label in y.tolist()], np.int64)
        except KeyError as error:
            listed = ", ".join(map(str, self.classes_[:10]))
            more = " …" if len(self.classes_) > 10 else ""
            raise LabelError(
                f"Classifier: the label {error} is not among the classes {listed}{more}"
            ) from None

    def _validation(self, data: Any) -> tuple[Any, Array]:
        try:
            x, y = data
        except (TypeError, ValueError) as error:
            raise ArgumentError("Classifier: validation_data must be a pair (X, y)") from error
        y = np.asarray(y)
        return self._checked(x), y.astype(np.float32) if self._several else self._numbers(y)

    def _outputs(self) -> int:
        return len(self.classes_)

    def _class_weight(self) -> Any:
        weights = self.class_weight
        if not isinstance(weights, Mapping) or self._several:
            return weights
        return {
            int(self._numbers(np.asarray([label]))[0]): weight for label, weight in weights.items()
        }

    def _default_loss(self, module: Module, x: Any, outputs: int) -> Any:
        found = self._outputs_of(module, x)
        columns = 1 if found.ndim == 1 else int(found.shape[1])
        kind = scores_of(None, module)
        if columns == 1 and outputs == 2 and not self._several:
            return "bce" if kind == "probabilities" else "bce_with_logits"
        if columns != outputs:
            what = "labels" if self._several else "classes"
            raise ArgumentError(
                f"Classifier: the module has {columns} outputs, and y has {outputs} {what}; let "
                "the function that makes it have an argument n_outputs"
            )
        if self._several:
            return "bce" if kind == "probabilities" else "bce_with_logits"
        return "nll" if kind == "log_probabilities" else "cross_entropy"


class Regressor(RegressorMixin, _Estimator):  # type: ignore[misc] # scikit-learn has no types
    """A model of numbers for scikit-learn: `Regressor(module).fit(X, y).predict(X)`.

    The arguments are those of `Classifier`, without `class_weight`; `loss` None is the mean squared
    error. y may be (N,) or (N, k), and predictions have the same form. Scale y where its numbers
    are far from 1: `TransformedTargetRegressor(Regressor(), transformer=StandardScaler())`.

    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> model = Regressor(lr=0.01, epochs=40, random_state=0).fit(X, X[:, 0] - 2 * X[:, 1])
    >>> model.predict(X[:3]).shape, model.score(X, X[:, 0] - 2 * X[:, 1]) > 0.95
    ((3,), True)
    """

    _form: tuple[int, ...]  # of the target of a sample
    _columns: int

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None) -> Any:
        """Train for `epochs` epochs, from the beginning unless `warm_start`; returns itself.

        Args:
            X: (N, features) or (N, …).
            y: (N,) or (N, k) numbers.
            sample_weight: (N,).
            validation_data: (X, y) to validate on, instead of `validation_split`.
        """
        first = not (self.warm_start and hasattr(self, "trainer_"))
        x, numbers = self._checked(X, y=y, reset=first, y_numeric=True)
        self._note_form(numbers, first=first)
        if validation_data is not None:
            try:
                val_x, val_y = validation_data
            except (TypeError, ValueError) as error:
                raise ArgumentError("Regressor: validation_data must be a pair (X, y)") from error
            validation_data = self._checked(val_x), np.asarray(val_y, np.float64)
        return self._train(
            x, numbers, self._columns, first=first, sample_weight=sample_weight,
            **self._whole(validation_data),
        )  # fmt: skip

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Train for one epoch on these samples, going on from what there is; returns itself."""
        first = not hasattr(self, "trainer_")
        x, numbers = self._checked(X, y=y, reset=first, y_numeric=True)
        self._note_form(numbers, first=first)
        return self._train(
            x, numbers, self._columns, first=first, epochs=1, sample_weight=sample_weight
        )

    def predict(self, X: Any) -> Array:
        """The numbers, (N,) or (N, k) as y was, in the precision of X."""
        found = self._predicted(X, "predict", like_x=True)
        return found.reshape(len(found), *self._form)

    def _note_form(self, y: Array, *, first: bool) -> None:
        form = y.shape[1:]
        if not first and form != self._form:
            raise ArgumentError(
                f"Regressor: y has shape {y.shape}, and the first y had (N, {self._columns})"
            )
        self._form, self._columns = form, math.prod(form)

    def _default_loss(self, module: Module, x: Any, outputs: int) -> Any:
        found = self._outputs_of(module, x)
        columns = 1 if found.ndim == 1 else int(found.shape[1])
        if columns != outputs:
            raise ArgumentError(
                f"Regressor: the module has {columns} outputs, and y has {outputs} numbers per "
                "sample; let the function that makes it have an argument n_outputs"
            )
        return "mse"
