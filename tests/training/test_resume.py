"""A run that was stopped anywhere and resumed gives the bits of one that was not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from samples.optimizers import OPTIMIZERS as ELEMENTWISE
from samples.optimizers import WHOLE
from samples.schedules import ANY_OPTIMIZERS, SCHEDULES, everything

import dlframe as dl
from dlframe import nn, optim, training
from dlframe.data import DataLoader, TensorDataset
from dlframe.errors import ArgumentError, FileFormatError, StateDictError
from dlframe.metrics import Accuracy, ConfusionMatrix
from dlframe.optim import lr_scheduler
from dlframe.training import (
    Callback,
    EarlyStopping,
    ModelCheckpoint,
    StepLog,
    Trainer,
)

EPOCHS, SAMPLES, BATCH = 3, 22, 4
STEPS = EPOCHS * -(-SAMPLES // BATCH)


def make_sgd(parameters: Any) -> optim.Optimizer:
    return optim.SGD(parameters, lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3)


def make_adam(parameters: Any) -> optim.Optimizer:
    return optim.Adam(parameters, lr=0.02, amsgrad=True)


def make_rmsprop(parameters: Any) -> optim.Optimizer:
    return optim.RMSprop(parameters, lr=0.01, momentum=0.5, centered=True)


def per_epoch(optimizer: optim.Optimizer) -> tuple[Any, str]:
    return lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5), "epoch"


def per_batch(optimizer: optim.Optimizer) -> tuple[Any, str]:
    return lr_scheduler.CosineAnnealingLR(optimizer, T_max=STEPS), "batch"


def plateau(optimizer: optim.Optimizer) -> tuple[Any, str]:
    return lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, factor=0.5), "epoch"


class Run:
    """All that a script makes: the same every time it is called."""

    def __init__(
        self,
        make_optimizer: Callable[[Any], optim.Optimizer],
        make_scheduler: Callable[[optim.Optimizer], tuple[Any, str]],
        num_workers: int = 0,
        callbacks: tuple[Callback, ...] = (),
        **options: Any,
    ) -> None:
        dl.manual_seed(3)
        x = dl.randn(SAMPLES, 6)
        y = (x.sum(dim=1) > 0).long()
        model = nn.Sequential(
            *(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.4)),
            *(nn.Linear(8, 4), nn.BatchNorm1d(4, momentum=None), nn.Linear(4, 2)),
        )
        optimizer = make_optimizer(model.named_parameters())
        scheduler, interval = make_scheduler(optimizer)
        self.train = DataLoader(
            TensorDataset(x, y), batch_size=BATCH, shuffle=True, num_workers=num_workers
        )
        # shuffled, so that validation draws random numbers too
        self.val = DataLoader(TensorDataset(x[:9], y[:9]), batch_size=BATCH, shuffle=True)
        self.trainer = Trainer(
            model,
            nn.CrossEntropyLoss(),
            optimizer,
            [Accuracy(), ConfusionMatrix(2)],
            [EarlyStopping(patience=50), StepLog(4), *callbacks],
            scheduler,
            scheduler_interval=interval,
            **{"clip_grad_norm": 0.5, **options},
        )

    def fit(self, epochs: int = EPOCHS) -> Run:
        self.trainer.fit(self.train, self.val, epochs=epochs, progress=False)
        return self

    def result(self) -> dict[str, Any]:
        state = self.trainer.state_dict()
        for name in ("seconds", "positions"):
            del state["trainer"][name]
        del state["trainer"]["history"]["seconds"]
        # what the next random number would be
        return {**state, "random": dl.get_rng_state(), "next": dl.randn(3)}


class Recorder(Callback):
    """Takes the trainer's state after every batch and every epoch."""

    runs_last = True

    def __init__(self) -> None:
        self.states: list[dict[str, Any]] = []

    def on_batch_end(self, trainer: Trainer) -> None:
        self.states.append(trainer.state_dict())

    def on_epoch_end(self, trainer: Trainer) -> None:
        if trainer.epoch < trainer.epochs:
            self.states.append(trainer.state_dict())


def assert_same_bits(a: Any, b: Any, where: str = "state") -> None:
    assert type(a) is type(b), where
    if isinstance(a, dict):
        assert list(a) == list(b), where
        for key in a:
            assert_same_bits(a[key], b[key], f"{where}[{key!r}]")
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b), where
        for i, (left, right) in enumerate(zip(a, b, strict=True)):
            assert_same_bits(left, right, f"{where}[{i}]")
    elif isinstance(a, (dl.Tensor, np.ndarray)):
        left, right = (v.array if isinstance(v, dl.Tensor) else v for v in (a, b))
        assert left.dtype == right.dtype, where
        assert left.tobytes() == right.tobytes(), where
    else:
        assert a == b or (a != a and b != b), where  # noqa: PLR0124 - nan


COMBINATIONS = [
    (make_sgd, per_epoch),
    (make_adam, per_batch),
    (make_rmsprop, plateau),
]


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("make_optimizer, make_scheduler", COMBINATIONS)
def test_resuming_after_every_step_gives_the_same_bits(
    make_optimizer: Any, make_scheduler: Any, num_workers: int
) -> None:
    whole = Run(make_optimizer, make_scheduler, num_workers).fit().result()

    recorder = Recorder()
    watched = Run(make_optimizer, make_scheduler, num_workers, (recorder,)).fit().result()
    del watched["trainer"]["callbacks"]["Recorder"]
    assert_same_bits(watched, whole)
    assert len(recorder.states) == STEPS + EPOCHS - 1

    for state in recorder.states:
        del state["trainer"]["callbacks"]["Recorder"]
        resumed = Run(make_optimizer, make_scheduler, num_workers)
        resumed.trainer.load_state_dict(state)
        dl.randn(5)  # what a script draws between resuming and fit does not count
        assert_same_bits(resumed.fit().result(), whole)


def test_resuming_from_files_gives_the_same_bits(tmp_path: Path) -> None:
    class Files(Callback):
        def on_batch_end(self, trainer: Trainer) -> None:
            trainer.save(tmp_path / f"{trainer.step}.h5")

    whole = Run(make_adam, per_batch).fit().result()
    Run(make_adam, per_batch, callbacks=(Files(),)).fit()
    for step in range(1, STEPS + 1):
        resumed = Run(make_adam, per_batch)
        resumed.trainer.resume(tmp_path / f"{step}.h5")
        assert resumed.trainer.step == step
        assert_same_bits(resumed.fit().result(), whole)


def test_a_state_is_a_snapshot() -> None:
    recorder = Recorder()
    run = Run(make_sgd, per_epoch, callbacks=(recorder,)).fit()
    first = copy.deepcopy(recorder.states[0])
    assert not np.array_equal(
        first["model"]["0.weight"].array, run.trainer.model.get_parameter("0.weight").array
    )
    resumed = Run(make_sgd, per_epoch, callbacks=(Recorder(),))
    resumed.trainer.load_state_dict(recorder.states[0])
    resumed.fit()
    assert_same_bits(recorder.states[0], first)


def test_augmented_samples_are_the_same_after_resuming() -> None:
    """The loader's epoch, which keys the streams of random transforms, is part of the state."""
    from dlframe.data.datasets import Digits
    from dlframe.data.transforms import RandomCrop

    def make(callbacks: tuple[Callback, ...] = ()) -> tuple[Trainer, DataLoader]:
        dl.manual_seed(0)
        data = Digits(train=False, transform=RandomCrop(8, padding=1))
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        loader = DataLoader(data, batch_size=64, shuffle=True)
        return Trainer(model, nn.CrossEntropyLoss(), optimizer, callbacks=callbacks), loader

    recorder = Recorder()
    trainer, loader = make((recorder,))
    trainer.fit(loader, epochs=2, progress=False)
    for state in recorder.states:
        resumed, loader = make((Recorder(),))
        resumed.load_state_dict(state)
        resumed.fit(loader, epochs=2, progress=False)
        assert_same_bits(resumed.model.state_dict(), trainer.model.state_dict())


def test_batches_that_are_no_loader_are_skipped(rng: np.random.Generator) -> None:
    batches = [(rng.normal(size=(4, 3)).astype(np.float32), np.arange(4) % 2) for _ in range(5)]

    def make(callbacks: tuple[Callback, ...] = ()) -> Trainer:
        dl.manual_seed(1)
        model = nn.Linear(3, 2)
        return Trainer(
            model, nn.CrossEntropyLoss(), optim.SGD(model.parameters()), callbacks=callbacks
        )

    recorder = Recorder()
    whole = make((recorder,))
    whole.fit(batches, epochs=2, progress=False)
    for state in recorder.states:
        resumed = make((Recorder(),))
        resumed.load_state_dict(state)
        resumed.fit(batches, epochs=2, progress=False)
        assert_same_bits(resumed.model.state_dict(), whole.model.state_dict())
        assert resumed.history["loss"] == whole.history["loss"]


def test_a_stop_inside_an_epoch_is_continued_by_fit() -> None:
    class StopAt(Callback):
        def __init__(self, step: int) -> None:
            self.at = step

        def on_batch_end(self, trainer: Trainer) -> None:
            if trainer.step == self.at:
                trainer.stop("enough")

    whole = Run(make_adam, per_batch).fit().result()
    for step in range(1, STEPS):
        run = Run(make_adam, per_batch, callbacks=(StopAt(step),)).fit()
        assert run.trainer.stop_reason == "enough"
        assert run.trainer.step == step
        dl.randn(7)
        result = run.fit().result()
        del result["trainer"]["callbacks"]["StopAt"]
        assert_same_bits(result, whole)


OPTIMIZERS = {**ELEMENTWISE, "Adafactor": WHOLE["Adafactor"]}


# --- every optimizer, schedule and callback ----------------------------------------------------


def no_schedule(optimizer: optim.Optimizer) -> tuple[Any, str]:
    return None, "epoch"


def each(name: str) -> Callable[[Any], optim.Optimizer]:
    """An optimizer with the options that use all of its state."""
    row = OPTIMIZERS[name]
    return partial(getattr(optim, name), lr=row.lr, **row.typical)


def check_every_resumption(
    tmp_path: Path, make: Callable[..., Run], places: Callable[[int], list[int]]
) -> None:
    """Go on from some places of a run in new objects, by file or state, and compare all bits."""
    saved: list[Any] = []

    class Save(Callback):
        runs_last = True

        def on_batch_end(self, trainer: Trainer) -> None:
            state: Any = None
            if len(saved) in wanted[::3]:
                state = tmp_path / f"{len(saved)}.h5"
                trainer.save(state)
            elif len(saved) in wanted:
                state = trainer.state_dict()
                del state["trainer"]["callbacks"]["Save"]
            saved.append(state)

        def on_epoch_end(self, trainer: Trainer) -> None:
            if trainer.epoch < trainer.epochs:
                self.on_batch_end(trainer)

    wanted = places(STEPS + EPOCHS - 1)
    whole = make(callbacks=(Save(),)).fit().result()
    del whole["trainer"]["callbacks"]["Save"]
    assert len(saved) == STEPS + EPOCHS - 1
    for place in wanted:
        resumed = make(callbacks=())
        state = saved[place]
        load = (
            resumed.trainer.resume if isinstance(state, Path) else resumed.trainer.load_state_dict
        )
        load(state)
        dl.randn(5)  # what a script draws between resuming and fit does not count
        assert_same_bits(resumed.fit().result(), whole)


def all_places(count: int) -> list[int]:
    return list(range(count))


def some_places(count: int) -> list[int]:
    return list(range(1, count, 4))


def one_place(count: int) -> list[int]:
    return [count // 2 - 1]  # inside of an epoch


FEATURES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "groups": ({"accumulate": 4}, {}),
    "groups by epoch": ({"accumulate": {0: 3, 1: 2, 2: 1}}, {}),
    "epochs of some batches": ({}, {"steps_per_epoch": 4}),
    "groups in epochs of some batches": ({"accumulate": 3}, {"steps_per_epoch": 4}),
    "validation each two epochs": ({}, {"validate_every": 2}),
    "validation inside": ({}, {"validate_every_batches": 2, "validation_steps": 2}),
    "validation inside only": ({}, {"validate_every_batches": 3, "validate_every": 9}),
    "groups, validated in their middle": ({"accumulate": 3}, {"validate_every_batches": 2}),
    "steps": ({"accumulate": 2}, {"max_steps": 7}),
    "a few batches": ({}, {"overfit_batches": 3}),
    "one cycle": ({"scheduler": "one_cycle", "accumulate": 2}, {}),
    "cosine by epochs": ({"scheduler": "cosine", "scheduler_interval": "epoch"}, {}),
    "all": (
        {"scheduler": "one_cycle", "accumulate": {0: 3, 1: 2}},
        {"steps_per_epoch": 4, "validate_every_batches": 2, "validation_steps": 1},
    ),
}


def with_feature(name: str, num_workers: int = 0) -> Callable[..., Run]:
    """Runs of a trainer and a fit with some options more."""
    options, how = FEATURES[name]

    class Featured(Run):
        def __init__(self, callbacks: tuple[Callback, ...] = ()) -> None:
            averaging: Callback = training.EMAWeightAveraging(0.5)
            if name in ("validation inside", "all"):  # a pass over the training data each time
                averaging = training.WeightAveraging(every_batches=2)
            super().__init__(make_sgd, no_schedule, num_workers, (averaging, *callbacks))
            old = self.trainer
            self.trainer = Trainer(
                *(old.model, old.loss, old.optimizer, old.metrics, old.callbacks),
                **{"clip_grad_norm": 0.5, **options},
            )

        def fit(self, epochs: int = EPOCHS) -> Run:
            self.trainer.fit(self.train, self.val, epochs=epochs, progress=False, **how)
            return self

    return Featured


SOME_FEATURES = [
    name if name in ("groups", "validation inside", "all")
    else pytest.param(name, marks=pytest.mark.slow) for name in FEATURES
]  # fmt: skip


@pytest.mark.parametrize("num_workers", [0, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", SOME_FEATURES)
def test_what_fit_can_do_is_resumed_after_every_batch(
    tmp_path: Path, name: str, num_workers: int
) -> None:
    """In new objects, by file or state: after a batch, a validation inside, or an epoch."""
    make = with_feature(name, num_workers)
    states: list[Any] = []

    class Save(Callback):
        runs_last = True

        def save(self, trainer: Trainer) -> None:
            state: Any = tmp_path / f"{len(states)}.h5"
            if len(states) % 3:
                state = trainer.state_dict()
                del state["trainer"]["callbacks"]["Save"]
            else:
                trainer.save(state)
            states.append(state)

        def on_batch_end(self, trainer: Trainer) -> None:
            self.save(trainer)

        def on_validation_end(self, trainer: Trainer) -> None:
            if trainer.is_inside_epoch:
                self.save(trainer)

        def on_epoch_end(self, trainer: Trainer) -> None:
            if trainer.epoch < trainer.epochs and trainer.stop_reason is None:
                self.save(trainer)

    whole = make(callbacks=(Save(),)).fit().result()
    del whole["trainer"]["callbacks"]["Save"]
    how = FEATURES[name][1]
    last = states if "max_steps" not in how else states[:-1]  # at whose end nothing is left
    for state in last:
        resumed = make()
        if isinstance(state, Path):
            resumed.trainer.resume(state)
        else:
            resumed.trainer.load_state_dict(state)
        dl.randn(5)
        assert_same_bits(resumed.fit().result(), whole)


@pytest.mark.parametrize("name", SOME_FEATURES)
def test_a_stop_after_every_batch_is_continued_by_fit(name: str) -> None:
    class StopAlways(Callback):
        def on_batch_end(self, trainer: Trainer) -> None:
            trainer.stop("after each batch")

    make = with_feature(name)
    whole = make().fit()
    run = make((StopAlways(),))
    fits = 0
    while run.trainer.epoch < whole.trainer.epoch or run.trainer.batch < whole.trainer.batch:
        run.fit()
        dl.randn(3)
        for p in run.trainer.model.parameters():  # what a user does between
            p.grad = None
        fits += 1
    assert fits >= whole.trainer.step
    stopped = run.trainer.state_dict()
    for part in ("model", "optimizer"):
        assert_same_bits(dict(stopped[part]), dict(whole.trainer.state_dict()[part]))


ROWS = [(name, options) for name, row in OPTIMIZERS.items() for options in row.combinations()]
SOME_ROWS = [(name, {"lr": row.lr, **row.typical}) for name, row in OPTIMIZERS.items()]


def with_sam(parameters: Any) -> optim.Optimizer:
    return optim.SAM(optim.SGD(parameters, lr=0.1, momentum=0.9), rho=0.1)


@pytest.mark.parametrize("make_optimizer", [make_adam, with_sam])
def test_regularizers_resume(tmp_path: Path, make_optimizer: Any) -> None:
    def make(callbacks: tuple[Callback, ...]) -> Run:
        run = Run(make_optimizer, per_batch, callbacks=callbacks)
        model = run.trainer.model
        regularizers = [
            *(optim.L1(model, 1e-3), optim.L2(model, 1e-2, only="0.*"), optim.MaxNorm(model, 1.0)),
            *(optim.GradientNoise(), optim.ClipGradNorm(0.3)),
            *(optim.LabelSmoothing(0.1), optim.WeightDecay(model, 0.1, skip="0.*")),
        ]
        old = run.trainer
        run.trainer = Trainer(
            *(model, old.loss, old.optimizer, old.metrics, old.callbacks, old.scheduler),
            scheduler_interval="batch",
            regularizers=regularizers,
        )
        return run

    check_every_resumption(tmp_path, make, one_place)


def test_the_table_has_every_optimizer() -> None:
    public = {n: getattr(optim, n) for n in optim.__all__ if isinstance(getattr(optim, n), type)}
    here = {n for n, c in public.items() if issubclass(c, optim.Optimizer)} - {"Optimizer", "SAM"}
    assert here == {*OPTIMIZERS, "LBFGS", "Muon", "SciPy"}  # these need a closure, or matrices


@pytest.mark.parametrize(
    "name, options, places",
    [
        *(pytest.param(*row, one_place, id=row[0]) for row in SOME_ROWS),
        *(pytest.param(*row, all_places, marks=pytest.mark.slow) for row in SOME_ROWS),
        *(pytest.param(*row, some_places, marks=pytest.mark.slow) for row in ROWS),
    ],
)
def test_every_optimizer_resumes(
    tmp_path: Path, name: str, options: dict[str, Any], places: Any
) -> None:
    optimizer = partial(getattr(optim, name), **options)
    check_every_resumption(tmp_path, partial(Run, optimizer, no_schedule), places)


EVERYTHING = everything(optim)


RESUMED = {
    **ANY_OPTIMIZERS,
    "CyclicLR with momentum": SCHEDULES["CyclicLR"][0],
    "OneCycleLR with momentum": SCHEDULES["OneCycleLR"][0],
}


# PyTorch too warns when sequences are nested
@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step")
@pytest.mark.parametrize("interval", ["batch", "epoch"])
@pytest.mark.parametrize(
    "places", [one_place, pytest.param(all_places, marks=pytest.mark.slow)], ids=["one", "all"]
)
@pytest.mark.parametrize("name", RESUMED)
def test_every_schedule_resumes(tmp_path: Path, name: str, places: Any, interval: str) -> None:
    if name == "ReduceLROnPlateau" and interval == "batch":
        interval = "epoch"  # it watches a value that is known once per epoch
    make = partial(
        Run,
        make_sgd,
        lambda optimizer: (RESUMED[name](EVERYTHING, optimizer), interval),
        clip_grad_value=0.1,
    )
    check_every_resumption(tmp_path, make, places)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step")
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("schedule", ANY_OPTIMIZERS)
def test_every_optimizer_resumes_with_every_schedule(
    tmp_path: Path, name: str, schedule: str
) -> None:
    interval = "epoch" if schedule == "ReduceLROnPlateau" else "batch"
    make = partial(
        Run,
        each(name),
        lambda optimizer: (ANY_OPTIMIZERS[schedule](EVERYTHING, optimizer), interval),
        1,
    )
    check_every_resumption(tmp_path, make, some_places)


CALLBACKS: dict[str, Callable[[Path], Callback]] = {
    "CSVLogger": lambda folder: training.CSVLogger(folder / "log.csv"),
    "EarlyStopping": lambda folder: EarlyStopping("val_accuracy", patience=2, min_delta=0.1),
    "Freeze": lambda folder: training.Freeze("0.*", epochs=2),
    "JSONLogger": lambda folder: training.JSONLogger(folder / "log.jsonl"),
    "LambdaCallback": lambda folder: training.LambdaCallback(on_batch_end=lambda t: dl.randn(1)),
    "LayerLog": lambda folder: training.LayerLog(max_entries=5, bins=5),
    "ModelCheckpoint": lambda folder: ModelCheckpoint(
        folder, keep=2, keep_best=2, every_steps=7, filename="{epoch}-{val_loss:.3f}.h5"
    ),
    "NormLog": lambda folder: training.NormLog(2),
    "ProgressBar": lambda folder: training.ProgressBar(bar=False),
    "Snapshots": lambda folder: training.Snapshots(every_batches=3),
    "StepLog": lambda folder: StepLog(5),
    "TensorBoard": lambda folder: training.TensorBoard(folder / "board", update_freq=3),
    "TerminateOnNaN": lambda folder: training.TerminateOnNaN(),
    "WeightAveraging": lambda folder: training.WeightAveraging(1),
}
# beside another callback that averages they are refused
AVERAGING: dict[str, Callable[[], Callback]] = {
    "each epoch": lambda: training.WeightAveraging(),
    "from the second epoch, statistics averaged": lambda: training.WeightAveraging(
        1, update_bn=False
    ),
    "each two batches": lambda: training.WeightAveraging(every_batches=2),
    "EMA": lambda: training.EMAWeightAveraging(0.9),
    "EMA, statistics measured": lambda: training.EMAWeightAveraging(0.9, 1, update_bn=True),
}


def test_the_table_has_every_callback() -> None:
    kinds = [getattr(training, name) for name in training.__all__]
    callbacks = [k for k in kinds if isinstance(k, type) and issubclass(k, Callback)]
    names = {kind.__name__ for kind in callbacks}
    # LearningRateScheduler is refused beside a schedule
    left_out = {"Callback", "ExperimentLogger", "EMAWeightAveraging", "LearningRateScheduler"}
    elsewhere = {"AimLogger", "MLflowLogger", "WandbLogger"}  # in tests/trackers
    assert set(CALLBACKS) == names - left_out - elsewhere


@pytest.mark.parametrize(
    "places", [one_place, pytest.param(all_places, marks=pytest.mark.slow)], ids=["one", "all"]
)
def test_all_callbacks_together_resume(tmp_path: Path, places: Any) -> None:
    folders = iter([tmp_path / str(i) for i in range(99)])
    last: list[Path] = []

    def make(callbacks: tuple[Callback, ...]) -> Run:
        last.append(next(folders))
        all_of_them = [kind(last[-1]) for kind in CALLBACKS.values()]
        return Run(make_adam, per_batch, callbacks=(*all_of_them, *callbacks))

    check_every_resumption(tmp_path, make, places)
    logs = [
        [line.split('"seconds"')[0] for line in (f / "log.jsonl").read_text().splitlines()]
        for f in last
    ]
    assert all(log == logs[0] for log in logs)


def test_rates_by_a_function_of_the_epoch_resume(tmp_path: Path) -> None:
    def make(callbacks: tuple[Callback, ...]) -> Run:
        rates = training.LearningRateScheduler(lambda epoch, rate: rate * (0.5 if epoch else 1))
        return Run(make_sgd, no_schedule, callbacks=(rates, *callbacks))

    check_every_resumption(tmp_path, make, some_places)


@pytest.mark.parametrize(
    ("num_workers", "places"),
    [(0, one_place), pytest.param(0, all_places, marks=pytest.mark.slow),
     pytest.param(2, all_places, marks=pytest.mark.slow)],
)  # fmt: skip
@pytest.mark.parametrize("name", AVERAGING)
def test_averages_resume(tmp_path: Path, name: str, num_workers: int, places: Any) -> None:
    def make(callbacks: tuple[Callback, ...]) -> Run:
        run = Run(make_sgd, per_epoch, num_workers, (AVERAGING[name](), *callbacks))
        best = run.trainer.callbacks.pop(0)  # of the averages, and after them
        run.trainer.callbacks.append(best)
        run.trainer.callbacks.sort(key=lambda one: one.runs_last)
        return run

    check_every_resumption(tmp_path, make, places)


@pytest.mark.parametrize("name", AVERAGING)
def test_averaging_leaves_training_alone(name: str) -> None:
    """Without its reports, the weights of training, losses and random numbers are the same."""
    whole = Run(make_adam, per_batch, callbacks=(Recorder(),)).fit()
    averaged = Run(make_adam, per_batch, callbacks=(AVERAGING[name](), Recorder())).fit()
    # EarlyStopping, which comes first, has put its best weights back
    assert averaged.trainer.history["loss"] == whole.trainer.history["loss"]
    for a, b in zip(
        *(run.trainer.callbacks[-1].states for run in (averaged, whole)),  # type: ignore[attr-defined] # those of Recorder
        strict=True,
    ):
        aside = a["trainer"]["set_aside"]
        assert_same_bits(a["optimizer"], b["optimizer"])
        assert_same_bits(a["model"] if aside is None else aside["weights"], b["model"])
        assert_same_bits(a["trainer"]["positions"], b["trainer"]["positions"])


# --- the best weights beside the last ones -----------------------------------------------------


@pytest.mark.parametrize("in_between", ["nothing", "a new process", "an error"])
def test_fit_in_parts_is_fit_in_one_though_the_best_weights_are_restored(
    tmp_path: Path, in_between: str
) -> None:
    whole = Run(make_adam, per_batch).fit().result()
    for epochs in range(1, EPOCHS):
        run = Run(make_adam, per_batch).fit(epochs)
        if in_between == "an error":
            with pytest.raises(ArgumentError, match="'val_loss' needs validation data"):
                run.trainer.fit(run.train, epochs=EPOCHS, progress=False)
        elif in_between == "a new process":
            run.trainer.save(tmp_path / "run.h5")
            run = Run(make_adam, per_batch)
            run.trainer.resume(tmp_path / "run.h5")
        best = run.trainer.callbacks[0].best_weights  # type: ignore[attr-defined] # an attribute of its subclass
        assert_same_bits(dict(run.trainer.model.state_dict()), dict(best))
        assert_same_bits(run.fit().result(), whole)


def test_two_callbacks_that_restore_weights_leave_the_last_ones_to_fit() -> None:
    def run(*epochs: int) -> dict[str, Any]:
        made = Run(make_sgd, per_epoch, callbacks=(EarlyStopping("val_accuracy", patience=9),))
        for until in epochs:
            made.fit(until)
        return made.result()

    assert_same_bits(run(1, 2, EPOCHS), run(EPOCHS))


def test_weights_that_a_user_sets_between_two_fits_are_trained_on() -> None:
    def run(*, early: bool) -> Run:
        made = Run(make_sgd, per_epoch)
        if not early:
            made.trainer.callbacks = []
        made.fit(1)
        made.trainer.model.load_state_dict(Run(make_sgd, per_epoch).trainer.model.state_dict())
        return made.fit(2)

    with_best, without = run(early=True), run(early=False)
    assert with_best.trainer.history["loss"] == without.trainer.history["loss"]


def test_the_global_generators_of_numpy_and_python_are_restored() -> None:
    import random

    recorder = Recorder()
    Run(make_sgd, per_epoch, callbacks=(recorder,)).fit()
    state = recorder.states[4]

    def draws() -> tuple[Any, ...]:
        run = Run(make_sgd, per_epoch, callbacks=(Recorder(),))
        run.trainer.load_state_dict(state)
        return random.random(), np.random.normal(), np.random.rand()  # noqa: NPY002 - the old generator is what is tested

    assert draws() == draws()


def test_states_of_versions_that_had_less_are_resumed() -> None:
    recorder = Recorder()
    whole = Run(make_adam, per_batch, callbacks=(recorder,)).fit().result()
    for state in recorder.states[::5]:
        own = state["trainer"]
        for later in ("updates", "group", "validated_at", "validations", "schedule_steps"):
            del own[later]
        del own["positions"]["drawn"]
        resumed = Run(make_adam, per_batch, callbacks=(Recorder(),))
        resumed.trainer.load_state_dict(state)
        assert_same_bits(resumed.fit().result()["model"], whole["model"])
        assert resumed.trainer.updates == STEPS


def test_a_group_that_does_not_fit_is_refused_and_nothing_is_lost() -> None:
    recorder = Recorder()
    make = with_feature("groups")
    make((recorder,)).fit()
    state = recorder.states[1]
    assert state["trainer"]["group"]["batches"] == 2
    broken = copy.deepcopy(state)
    broken["trainer"]["group"]["samples"] = -1
    run = make((Recorder(),))
    before = run.trainer.state_dict()
    with pytest.raises(StateDictError, match="group"):
        run.trainer.load_state_dict(broken)
    assert_same_bits(run.trainer.state_dict()["model"], before["model"])
    broken = copy.deepcopy(state)
    broken["trainer"]["group"]["gradients"]["0"] = np.zeros(3, np.float32)
    with pytest.raises(StateDictError, match=r"gradient of parameter 0 has shape \(3,\)"):
        run.trainer.load_state_dict(broken)
    assert_same_bits(run.trainer.state_dict()["model"], before["model"])
    assert run.trainer.step == 0


# --- what does not fit -------------------------------------------------------------------------


def test_other_models_metrics_and_schedulers_are_refused(tmp_path: Path) -> None:
    run = Run(make_sgd, per_epoch).fit()
    state = run.trainer.state_dict()
    run.trainer.save(tmp_path / "run.h5")

    def other(model: nn.Module, metrics: list[Any], scheduled: bool) -> Trainer:
        optimizer = make_sgd(model.parameters())
        scheduler = per_epoch(optimizer)[0] if scheduled else None
        return Trainer(
            *(model, nn.CrossEntropyLoss(), optimizer, metrics),
            scheduler=scheduler,
            clip_grad_norm=0.5,
        )

    both = [Accuracy(), ConfusionMatrix(2)]
    with pytest.raises(StateDictError, match="accuracy, confusion_matrix, grad_norm; this"):
        other(nn.Linear(6, 2), [Accuracy()], True).load_state_dict(state)
    with pytest.raises(StateDictError, match="saved run has a scheduler, this trainer none"):
        other(nn.Linear(6, 2), both, False).load_state_dict(state)
    with (
        pytest.warns(UserWarning, match="EarlyStopping, StepLog is not used"),
        pytest.raises(StateDictError, match="missing in the file: weight"),
    ):
        other(nn.Linear(6, 2), both, True).resume(tmp_path / "run.h5")


def test_other_files_and_dicts_are_refused(tmp_path: Path) -> None:
    trainer = Run(make_sgd, per_epoch).trainer
    with pytest.raises(StateDictError, match="not a trainer's state; its keys are"):
        trainer.load_state_dict(dict(trainer.model.state_dict()))
    dl.utils.save_checkpoint(tmp_path / "c.h5", model=trainer.model)
    with pytest.raises(FileFormatError, match="but not a trainer's"):
        trainer.resume(tmp_path / "c.h5")
    newer = trainer.state_dict()
    newer["trainer"]["version"] = 99
    with pytest.raises(StateDictError, match="version 99"):
        trainer.load_state_dict(newer)


def test_other_data_are_refused() -> None:
    recorder = Recorder()
    Run(make_sgd, per_epoch, callbacks=(recorder,)).fit()
    run = Run(make_sgd, per_epoch, callbacks=(Recorder(),))
    run.trainer.load_state_dict(recorder.states[2])
    other = (dl.zeros(5, 6), dl.zeros(5, dtype=dl.int64))
    with pytest.raises(StateDictError, match="data set of 22 samples, this one has 5"):
        run.trainer.fit(other, run.val, epochs=3, progress=False)
    assert run.trainer.batch == 3  # nothing is lost: the right data may follow
    run.fit()


class Seen(NamedTuple):
    labels: Any
    name: str


def test_a_state_is_a_copy_whatever_containers_it_holds() -> None:
    trainer = Run(make_sgd, per_epoch).trainer
    trainer.extra["seen"] = Seen(np.arange(3), "first")
    state = trainer.state_dict()
    trainer.extra["seen"].labels[:] = 7
    assert isinstance(state["extra"]["seen"], Seen)
    assert state["extra"]["seen"].labels.tolist() == [0, 1, 2]


def test_a_trainers_file_is_a_checkpoint(tmp_path: Path) -> None:
    run = Run(make_sgd, per_epoch, callbacks=(ModelCheckpoint(tmp_path),)).fit()
    run.trainer.extra["config"] = {"lr": 0.1}
    run.trainer.save(tmp_path / "x.h5")
    model = Run(make_sgd, per_epoch).trainer.model
    content = dl.utils.load_checkpoint(tmp_path / "x.h5", model=model)
    assert content["extra"] == {"config": {"lr": 0.1}}
    assert_same_bits(model.state_dict(), run.trainer.model.state_dict())


def test_a_split_is_the_same_after_resume(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3)).astype(np.float32), np.arange(20) % 2
    how: dict[str, Any] = {"validation_split": dl.data.Split(0.3, stratify=True), "batch_size": 4}

    def made() -> Trainer:
        dl.manual_seed(0)
        return Trainer(nn.Linear(3, 2), "cross_entropy", ("adam", {"lr": 0.1}))

    whole = made()
    whole.fit(x, y, epochs=4, progress=False, **how)
    half = made()
    half.fit(x, y, epochs=2, progress=False, **how)
    half.save(tmp_path / "half.h5")
    again = made()
    again.resume(tmp_path / "half.h5")
    again.fit(x, y, epochs=4, progress=False, **how)
    assert again.history["val_loss"] == whole.history["val_loss"]
    np.testing.assert_array_equal(again.model.weight.tolist(), whole.model.weight.tolist())
