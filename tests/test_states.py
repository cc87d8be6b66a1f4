"""Every part that has a state refuses one that makes no sense, in one kind of error, unchanged."""

from __future__ import annotations

import contextlib
import copy
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples.wrong_values import GONE, WRONG, places, replaced

import dlframe as dl
from dlframe import nn, optim, states, training, viz
from dlframe.data import DataLoader, TensorDataset
from dlframe.errors import ArgumentError, DlframeError, FileFormatError, StateDictError
from dlframe.metrics import Accuracy, Metric
from dlframe.optim import lr_scheduler
from dlframe.training import (
    Callback,
    EarlyStopping,
    ModelCheckpoint,
    Snapshots,
    StepLog,
    Trainer,
    WeightAveraging,
)
from dlframe.utils import load, load_checkpoint, save

# --- the parts ---------------------------------------------------------------------------------


def trained(make: Callable[[Any], optim.Optimizer]) -> optim.Optimizer:
    p, b = nn.Parameter(dl.ones(2, 3)), nn.Parameter(dl.ones(2, 1))

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (p**2).sum()
        loss.backward()
        return loss

    optimizer = make([("w", p), ("b", b)])
    for _ in range(2):
        optimizer.step(closure)
    return optimizer


def scheduled(make: Callable[[optim.Optimizer], Any]) -> Any:
    optimizer = trained(lambda params: optim.SGD(params, lr=0.5))
    scheduler = make(optimizer)
    optimizer.step()
    scheduler.step(*([1.0] if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau) else []))
    return scheduler


class Factor:
    """A callable with a state."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, step: int) -> float:
        self.calls += 1
        return 0.5**step


def sequential(optimizer: optim.Optimizer) -> Any:
    inner = [lr_scheduler.LinearLR(optimizer), lr_scheduler.LambdaLR(optimizer, Factor())]
    return lr_scheduler.SequentialLR(optimizer, inner, [3])


def loader(steps: int) -> DataLoader:
    data = TensorDataset(dl.arange(12))
    made = DataLoader(data, 2, shuffle=True, generator=dl.Generator().manual_seed(1))
    batches = iter(made)
    for _ in range(steps):
        next(batches)
    made.kept_iterator = batches  # type: ignore[attr-defined] # an epoch lives with its iterator
    return made


def snapshots() -> Snapshots:
    made = Snapshots()
    made.record(nn.Linear(2, 1))
    made.record(nn.Linear(2, 1), 7)
    return made


class Extra(nn.Linear):
    def get_extra_state(self) -> Any:
        return {"seen": 3}

    def set_extra_state(self, state: Any) -> None:
        self.seen = state["seen"] + 0


def module() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), Extra(2, 1))


def run(folder: Path = Path("unused")) -> Trainer:
    dl.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    optimizer = optim.Adam(model.named_parameters(), lr=0.1)
    return Trainer(
        model,
        nn.CrossEntropyLoss(),
        optimizer,
        [Accuracy()],
        [EarlyStopping("loss"), StepLog(2), ModelCheckpoint(folder, None)],
        lr_scheduler.StepLR(optimizer, 2),
        extra={"config": 1},
    )


def trainer() -> Trainer:
    made = run()
    made.callbacks = made.callbacks[:2]  # without the one that writes files
    made.fit((dl.ones(8, 2), dl.tensor([0, 1] * 4)), epochs=2, batch_size=2, progress=False)
    made.callbacks = [*made.callbacks, ModelCheckpoint("unused", None, keep=2)]
    made.callbacks[-1].kept = ["epoch-0001.h5", "epoch-0002.h5"]  # type: ignore[attr-defined] # an attribute of its subclass
    return made


def averaging_trainer() -> Trainer:
    made = run()
    made.callbacks = [WeightAveraging(), made.callbacks[1]]
    made.regularizers = [optim.GradientNoise(0.0)]
    made.fit((dl.ones(8, 2), dl.tensor([0, 1] * 4)), epochs=2, batch_size=2, progress=False)
    return made


def filled(callback: Any) -> Any:
    """A callback that has seen a training."""
    made = run()
    made.callbacks = [callback]
    made.fit((dl.ones(8, 2), dl.tensor([0, 1] * 4)), epochs=2, batch_size=2, progress=False)
    return callback


S = lr_scheduler
MAKERS: dict[str, Callable[[], Any]] = {
    "SGD": lambda: trained(lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True)),
    "Adam": lambda: trained(lambda p: optim.Adam(p, lr=0.1, amsgrad=True)),
    "AdamW": lambda: trained(lambda p: optim.AdamW(p, lr=dl.tensor(0.1))),
    "RMSprop": lambda: trained(lambda p: optim.RMSprop(p, momentum=0.5, centered=True)),
    "Adagrad": lambda: trained(optim.Adagrad),
    "Adadelta": lambda: trained(optim.Adadelta),
    "Adamax": lambda: trained(optim.Adamax),
    "ASGD": lambda: trained(lambda p: optim.ASGD(p, t0=1)),
    "NAdam": lambda: trained(lambda p: optim.NAdam(p, decoupled_weight_decay=True)),
    "RAdam": lambda: trained(optim.RAdam),
    "Rprop": lambda: trained(optim.Rprop),
    "SparseAdam": lambda: trained(optim.SparseAdam),
    "Adafactor": lambda: trained(optim.Adafactor),
    "LBFGS": lambda: trained(lambda p: optim.LBFGS(p, line_search_fn="strong_wolfe")),
    "Muon": lambda: trained(optim.Muon),
    "SciPy": lambda: trained(lambda p: optim.SciPy(p, bounds=(-9.0, None), max_iter=1)),
    "SAM": lambda: trained(lambda p: optim.SAM(optim.SGD(p, lr=0.1, momentum=0.9))),
    "LambdaLR": lambda: scheduled(lambda o: S.LambdaLR(o, Factor())),
    "StepLR": lambda: scheduled(lambda o: S.StepLR(o, 2)),
    "MultiStepLR": lambda: scheduled(lambda o: S.MultiStepLR(o, [1, 3, 3])),
    "ConstantLR": lambda: scheduled(S.ConstantLR),
    "LinearLR": lambda: scheduled(S.LinearLR),
    "ExponentialLR": lambda: scheduled(lambda o: S.ExponentialLR(o, 0.9)),
    "CosineAnnealingLR": lambda: scheduled(lambda o: S.CosineAnnealingLR(o, 5)),
    "ReduceLROnPlateau": lambda: scheduled(S.ReduceLROnPlateau),
    "SequentialLR": lambda: scheduled(sequential),
    "MultiplicativeLR": lambda: scheduled(lambda o: S.MultiplicativeLR(o, Factor())),
    "PolynomialLR": lambda: scheduled(S.PolynomialLR),
    "CyclicLR": lambda: scheduled(lambda o: S.CyclicLR(o, 0.1, 0.5, 3)),
    "OneCycleLR": lambda: scheduled(lambda o: S.OneCycleLR(o, 0.5, 9)),
    "CosineAnnealingWarmRestarts": lambda: scheduled(
        lambda o: S.CosineAnnealingWarmRestarts(o, 3, 2)
    ),
    "ChainedScheduler": lambda: scheduled(
        lambda o: S.ChainedScheduler([S.StepLR(o, 2), S.LinearLR(o)])
    ),
    "SWALR": lambda: scheduled(lambda o: optim.swa_utils.SWALR(o, 0.1)),
    "module": module,
    "DataLoader": lambda: loader(2),
    "DataLoader between epochs": lambda: loader(0),
    "EarlyStopping": EarlyStopping,
    "StepLog": StepLog,
    "ExperimentLogger": training.ExperimentLogger,
    "ModelCheckpoint": lambda: ModelCheckpoint("folder"),
    "Snapshots": snapshots,
    "NormLog": lambda: filled(training.NormLog()),
    "LayerLog": lambda: filled(training.LayerLog(max_entries=4, bins=4)),
    "LearningRateScheduler": lambda: training.LearningRateScheduler(lambda epoch, rate: rate),
    "Tracker": lambda: filled(viz.Tracker()),
    "Trainer": trainer,
    "WeightAveraging": lambda: averaging_trainer().callbacks[0],
    "Trainer that averages": averaging_trainer,
}


def test_every_class_with_a_state_is_here() -> None:
    def below(cls: type) -> Iterator[type]:
        for inner in cls.__subclasses__():
            if inner.__module__.startswith("dlframe.") and not inner.__module__.endswith("_base"):
                yield inner
            yield from below(inner)

    known = {type(make()).__name__ for make in MAKERS.values()}
    for package in (training, viz):  # which import their modules on first use
        for name in package.__all__:
            getattr(package, name)
    own = {c.__name__ for c in (*below(optim.Optimizer), *below(S.LRScheduler))}
    own = {name for name in own if not name.startswith("_")}
    own -= {"FlatOptimizer", "WholeOptimizer", "MovesMomentum"}  # bases
    own |= {c.__name__ for c in below(Callback) if "load_state_dict" in vars(c)}
    assert own <= known


# --- attacks -----------------------------------------------------------------------------------


def bits(value: Any) -> Any:
    """A nest that is equal for equal bits."""
    if isinstance(value, dl.Tensor):
        value = value.array
    if isinstance(value, np.ndarray):
        return (str(value.dtype), value.shape, value.tobytes())
    if isinstance(value, dict):
        return {key: bits(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [bits(entry) for entry in value]
    return repr(value)


def snapshot(part: Any) -> Any:
    state = part.state_dict()
    return bits([state, dl.get_rng_state(), np.random.get_state()])  # noqa: NPY002 - compared


def use(part: Any) -> None:
    """Go on from an accepted state."""
    if isinstance(part, optim.Optimizer):

        def closure() -> float:
            for p in part.param_groups[0]["params"]:
                p.grad = dl.ones_like(p)
            return 1.0

        part.step(closure)
    elif isinstance(part, lr_scheduler.ReduceLROnPlateau):
        part.step(1.0)
    elif isinstance(part, (lr_scheduler.LambdaLR, lr_scheduler.MultiplicativeLR)):
        pass  # what is in the state of a user's function is the user's
    elif isinstance(part, lr_scheduler.LRScheduler):
        part.step()
    elif isinstance(part, DataLoader):
        with contextlib.suppress(StateDictError):  # another order than before
            list(part)
    elif isinstance(part, Trainer) and part.epoch < 1 << 40:
        with contextlib.suppress(DlframeError):  # nan in the weights, another order of samples
            data = (dl.ones(8, 2), dl.tensor([0, 1] * 4))
            part.callbacks = part.callbacks[:2]
            part.fit(data, epochs=part.epoch + 1, batch_size=2, progress=False)
    part.state_dict()


def refusal(part: Any, state: Any) -> Exception | None:
    try:
        part.load_state_dict(state)
    except Exception as error:  # noqa: BLE001 - which one is what the test asks
        return error
    return None


def check_attacks(make: Callable[[], Any], attacks: int) -> None:
    part = make()
    good = copy.deepcopy(part.state_dict())
    before = snapshot(part)
    rng = np.random.default_rng(0)
    all_places = list(places(good))
    tried = [(place, value) for place in all_places for value in (GONE, *WRONG)]
    tried += [((), value) for value in WRONG]
    for i in rng.permutation(len(tried))[:attacks]:
        place, value = tried[i]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            error = refusal(part, replaced(good, place, value))
            if error is None:  # a value that it can have
                use(part)
                part = make()
                part.load_state_dict(good)
                before = snapshot(part)
                continue
        assert snapshot(part) == before, (place, value)
        # PyTorch raises a TypeError for the state of a module that is no dict
        is_no_dict = not place and not isinstance(value, dict)
        expected = TypeError if isinstance(part, nn.Module) and is_no_dict else StateDictError
        assert isinstance(error, expected), (place, value, error)
        assert len(str(error)) < 2000, (place, value)


@pytest.mark.parametrize("name", MAKERS)
def test_a_state_fits_or_changes_nothing(name: str) -> None:
    check_attacks(MAKERS[name], 60)


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKERS)
def test_every_wrong_state(name: str) -> None:
    check_attacks(MAKERS[name], 4000)


# --- files -------------------------------------------------------------------------------------


def test_a_file_cannot_name_files_to_delete(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    precious = tmp_path / "precious.txt"
    precious.write_text("all I have")
    whole = trainer()
    whole.callbacks[-1].folder = folder  # type: ignore[attr-defined] # an attribute of its subclass
    whole.save(tmp_path / "whole.h5")
    content = load(tmp_path / "whole.h5")
    names = [
        str(precious),
        "../precious.txt",
        "epoch-0001.h5/../../precious.txt",
        "best.h5",
        "epoch-1.h5",
        "epoch-0001.h5\n",
        "epoch-\u0660\u0660\u0660\u0661.h5",
        "epoch-0001.h5\0",
    ]
    for name in names:
        content["trainer"]["callbacks"]["ModelCheckpoint"]["kept"] = [name, "epoch-0001.h5"]
        save(content, tmp_path / "hostile.h5")
        with pytest.raises(StateDictError, match=r"'kept'\[0\] is a name such as 'epoch-0007"):
            run(folder).resume(tmp_path / "hostile.h5")
    assert precious.exists()


@pytest.mark.parametrize(
    ("filename", "good", "bad"),
    [
        ("epoch-{epoch:04d}.h5", ["epoch-0007.h5", "epoch-12345.h5"], ["epoch-00007.h5"]),
        ("{epoch}.h5", ["7.h5", "0.h5", "123.h5"], ["07.h5", "-7.h5", ".h5"]),
        ("{epoch}-{loss:.2f}.h5", ["7-0.50.h5", "7-nan.h5"], ["7-.h5", "7-../a.h5", "7-a/b.h5"]),
    ],
)
def test_only_names_that_the_pattern_gives_are_kept(
    filename: str, good: list[str], bad: list[str]
) -> None:
    checkpoint = ModelCheckpoint("folder", None, filename=filename)
    for name in good:
        checkpoint.load_state_dict({"best": None, "best_epoch": 0, "kept": [name]})
        assert checkpoint.kept == [name]
    for name in bad:
        with pytest.raises(StateDictError, match="is a name such as"):
            checkpoint.load_state_dict({"best": None, "best_epoch": 0, "kept": [name]})


def test_a_format_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ArgumentError, match="cannot be filled in"):
        ModelCheckpoint("folder", None, filename="{epoch:q}.h5")


def test_the_file_that_was_just_written_is_not_the_outdated_one(tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path, None, keep=1)
    state = {"best": None, "best_epoch": 0, "kept": ["epoch-0001.h5"]}
    checkpoint.load_state_dict(state)
    made = run()
    made.callbacks = [checkpoint]
    made.fit((dl.ones(4, 2), dl.tensor([0, 1] * 2)), epochs=1, progress=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch-0001.h5", "last.h5"]


@pytest.mark.parametrize(
    "place",
    [("trainer", "epoch"), ("trainer", "history"), ("trainer", "positions", "random", "default"),
     ("trainer", "callbacks", "StepLog", "steps"), ("model", "2.bias"),
     ("optimizer", "state", 0, "step"),
     ("scheduler", "gamma"), ("trainer", "sums"), ("extra",)],
    ids=lambda place: ".".join(map(str, place)),
)  # fmt: skip
@pytest.mark.parametrize("value", [GONE, "x"], ids=["missing", "wrong"])
def test_resuming_from_a_file_is_all_or_nothing(
    tmp_path: Path, place: tuple[Any, ...], value: Any
) -> None:
    trainer().save(tmp_path / "whole.h5")
    save(replaced(load(tmp_path / "whole.h5"), place, value), tmp_path / "x.h5")
    made = trainer()
    before = snapshot(made)
    with pytest.raises((StateDictError, FileFormatError)):
        made.resume(tmp_path / "x.h5")
    assert snapshot(made) == before
    made.resume(tmp_path / "whole.h5")


def test_a_generator_is_put_back_if_another_part_does_not_fit(tmp_path: Path) -> None:
    optimizer, generator = trained(optim.Adam), dl.Generator().manual_seed(3)
    dl.utils.save_checkpoint(tmp_path / "x.h5", optimizer=optimizer, loader=loader(1))
    other = trained(lambda p: optim.Adam([{"params": [q]} for _, q in p]))
    mine = loader(2)
    before = bits([generator.get_state(), mine.state_dict(), other.state_dict()])
    with pytest.raises(StateDictError, match="parameter groups"):
        load_checkpoint(tmp_path / "x.h5", loader=mine, generator=generator, optimizer=other)
    assert bits([generator.get_state(), mine.state_dict(), other.state_dict()]) == before


# --- forms -------------------------------------------------------------------------------------


class Careless(Callback):
    """A user's callback that writes before it checks."""

    def __init__(self) -> None:
        self.seen = [1]

    def state_dict(self) -> dict[str, Any]:
        return {"seen": list(self.seen)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.seen.clear()
        self.seen.extend(state["seen"])


def test_callbacks_that_write_first_are_put_back_too() -> None:
    made = run()
    made.callbacks = [Careless()]
    state = made.state_dict()
    made.callbacks[0].seen = [5, 6]  # type: ignore[attr-defined] # an attribute of its subclass
    for entry in ({}, {"seen": 3}):
        state["trainer"]["callbacks"]["Careless"] = entry
        with pytest.raises(StateDictError, match="nothing was changed: "):
            made.load_state_dict(state)
        assert made.callbacks[0].seen == [5, 6]  # type: ignore[attr-defined] # an attribute of its subclass


class WithDefault(S.ExponentialLR):
    period = 5

    def __init__(self, optimizer: optim.Optimizer, period: int | None = None) -> None:
        if period is not None:
            self.period = period
        super().__init__(optimizer, 1 / self.period)


@pytest.mark.parametrize(
    "make",
    [
        lambda o: S.StepLR(o, 2.5),
        lambda o: WithDefault(o, 7),
        lambda o: S.MultiStepLR(o, np.array([1, 2])),
        lambda o: S.MultiStepLR(o, [-1, 0.5 * 4, 3]),
        lambda o: S.ReduceLROnPlateau(o, patience=float("inf"), threshold=float("inf")),
        lambda o: S.ReduceLROnPlateau(o, factor=0.5, patience=0, cooldown=float("inf")),
        lambda o: S.LambdaLR(o, lambda t: -1e-18),  # as LinearLR comes to it by rounding
        lambda o: S.CyclicLR(o, 0.1, 0.5, 2, scale_fn=lambda t: 3.0),
        lambda o: S.OneCycleLR(o, 0.5, 9, pct_start=1 / 9),  # PyTorch divides by zero
        lambda o: S.OneCycleLR(o, 0.5, 9, pct_start=1.0),
        lambda o: S.OneCycleLR(o, 0.5, 9, pct_start=0.0, three_phase=True),
    ],
)
def test_whatever_a_schedule_takes_it_takes_from_a_file(
    make: Callable[[Any], Any], tmp_path: Path
) -> None:
    whole, part = scheduled(make), scheduled(make)
    values = (2.0, 2.0) if isinstance(whole, S.ReduceLROnPlateau) else ()
    for value in values:  # the rate is reduced
        whole.step(value)
        part.step(value)
    save(part.state_dict(), tmp_path / "schedule.h5")
    rest = scheduled(make)
    rest.load_state_dict(load(tmp_path / "schedule.h5"))
    rest.optimizer.load_state_dict(part.optimizer.state_dict())
    for _ in range(4):
        for schedule in (whole, rest):
            schedule.optimizer.step()
            schedule.step(*values[:1])
        assert whole.get_last_lr() == rest.get_last_lr()


def test_parts_of_epochs_go_through_a_file(tmp_path: Path) -> None:
    first, second = MAKERS["CosineAnnealingLR"](), MAKERS["CosineAnnealingLR"]()
    with pytest.warns(UserWarning, match="epoch parameter"):
        first.step(2.5)
    save(first.state_dict(), tmp_path / "schedule.h5")
    second.load_state_dict(load(tmp_path / "schedule.h5"))
    assert second.last_epoch == 2.5
    assert second.get_last_lr() == first.get_last_lr()


@pytest.mark.parametrize("step", [3, np.int64(3), np.array(3), dl.tensor(3), np.float32(3)])
def test_the_count_of_steps_may_be_of_any_type(step: Any) -> None:
    made, other = MAKERS["Adam"](), MAKERS["Adam"]()
    state = made.state_dict()
    state["state"] = {i: {**entry, "step": step} for i, entry in state["state"].items()}
    other.load_state_dict(state)
    other.step()
    assert int(other.state_dict()["state"][0]["step"]) == 4


def test_an_option_of_ones_own_may_have_the_name_of_anothers() -> None:
    def make(params: Any) -> optim.Optimizer:
        optimizer = optim.SGD(params, lr=0.1)
        optimizer.param_groups[0]["alpha"] = "fast"  # RMSprop's is a number
        return optimizer

    trained(make).load_state_dict(trained(make).state_dict())


def test_a_schedulers_state_cannot_replace_its_methods() -> None:
    scheduler = scheduled(lambda o: S.StepLR(o, 2))
    for name in ("step", "optimizer", "get_lr", "__class__", "state_dict"):
        with pytest.raises(StateDictError, match="cannot be a part of the state"):
            scheduler.load_state_dict(scheduler.state_dict() | {name: 1})
    scheduler.load_state_dict(scheduler.state_dict() | {"verbose": False})  # of older PyTorch


def test_weights_that_do_not_fit_into_the_dtype_are_refused() -> None:
    model = nn.BatchNorm1d(1)
    model.num_batches_tracked = nn.Buffer(dl.tensor(0, dtype=dl.int32))
    state = dict(model.state_dict())
    for name, value in (("num_batches_tracked", np.int64(1 << 40)), ("weight", np.array([1e300]))):
        with pytest.raises(StateDictError, match=f"for {name}: some values do not fit"):
            model.load_state_dict(state | {name: value})
    model.load_state_dict(state | {"weight": np.array([np.inf])})
    assert model.weight.item() == np.inf


def test_a_message_is_one_line_whatever_the_value() -> None:
    with pytest.raises(StateDictError) as caught:
        states.take({"a\x1b": 1, "b": "x\x1b\n" * 1000}, "here", b=states.count)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


def test_names_from_a_file_are_printable(tmp_path: Path) -> None:
    model = nn.Linear(1, 1)
    state = {**model.state_dict(), "\x1b[2J\n": dl.ones(1), "long" * 1000: dl.ones(1)}
    with pytest.raises(StateDictError) as caught:
        model.load_state_dict(state)
    assert str(caught.value).replace("\n", "").replace("\t", "").isprintable()
    save({"checkpoint": 1, "requires": [], "model": state}, tmp_path / "x.h5")
    with pytest.raises(StateDictError) as caught:
        load_checkpoint(tmp_path / "x.h5", model=model)
    assert str(caught.value).replace("\n", "").isprintable()
    assert len(str(caught.value)) < 1000


def test_sums_that_are_none_of_the_metrics_are_refused() -> None:
    made = trainer()
    state, before = made.state_dict(), snapshot(made)
    state["trainer"]["sums"]["accuracy"] = np.ones(3, np.int64)
    with pytest.raises(StateDictError, match="nothing was changed: ValueError"):
        made.load_state_dict(state)
    assert snapshot(made) == before


def test_a_metric_without_a_value_in_the_middle_of_an_epoch(tmp_path: Path) -> None:
    class Ratio(Metric):
        def empty(self) -> np.ndarray:
            return np.zeros(2)

        def update(self, output: Any, target: Any) -> None:
            self.state += [(target.array == 0).sum(), (target.array == 1).sum()]

        def compute(self) -> float:
            if not self.state.all():
                raise ValueError("there is only one class")
            return float(self.state[0] / self.state[1])

    class Stop(Callback):
        def on_batch_end(self, trainer: Trainer) -> None:
            trainer.stop("after a batch of one class")

    def make(*callbacks: Callback) -> Trainer:
        model = nn.Linear(2, 2)
        optimizer = optim.SGD(model.parameters())
        return Trainer(model, nn.CrossEntropyLoss(), optimizer, [Ratio("ratio")], callbacks)

    data = (dl.ones(4, 2), dl.tensor([0, 0, 1, 1]))
    made = make(Stop())
    made.fit(data, batch_size=2, shuffle=False, progress=False)
    made.save(tmp_path / "half.h5")
    other = make()
    other.resume(tmp_path / "half.h5")
    assert other.fit(data, batch_size=2, shuffle=False, progress=False)["ratio"] == [1.0]


def test_a_metric_may_change_its_dtype_while_it_counts() -> None:
    class Growing(Metric):
        def empty(self) -> np.ndarray:
            return np.zeros(1, np.int64)

        def update(self, output: Any, target: Any) -> None:
            self.state = np.append(self.state + 0.5, 1)

        def compute(self) -> float:
            return float(self.state.sum())

    def make() -> Trainer:
        model = nn.Linear(1, 1)
        optimizer = optim.SGD(model.parameters())
        return Trainer(model, nn.MSELoss(), optimizer, [Growing("growing")])

    made = make()
    made.fit((dl.ones(4, 1), dl.ones(4, 1)), batch_size=2, progress=False)
    other = make()
    other.load_state_dict(made.state_dict())
    assert other.state_dict()["trainer"]["sums"]["growing"].tolist() == [1.0, 1.5, 1.0]
