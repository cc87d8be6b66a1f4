from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from samples.schedules import CASES, METRICS, SCHEDULES, STEPS, everything, momenta, step

import dlframe as dl
from dlframe import nn, optim
from dlframe.errors import ArgumentError, ScheduleWarning
from dlframe.optim import lr_scheduler

CASE = pytest.mark.parametrize(
    "case, name, make, optimizer, kind", CASES, ids=[case for case, *_ in CASES]
)
# PyTorch too warns of jumps and when sequences are nested
JUMPING = pytest.mark.filterwarnings(
    "ignore:The epoch parameter", "ignore:Detected call of `lr_scheduler.step"
)
NAMES = everything(optim)


def two_groups(lr: Any = 0.3, kind: str = "SGD") -> optim.Optimizer:
    groups = [nn.Parameter(np.zeros(1, np.float32)) for _ in range(2)]
    options = {"momentum": 0.9} if kind == "SGD" else {}
    return getattr(optim, kind)(
        [{"params": groups[0]}, {"params": groups[1], "lr": 0.7}], lr=lr, **options
    )


@JUMPING
@CASE
def test_rates_and_momenta_are_those_of_pytorch(
    case: str, name: str, make: Any, optimizer: str, kind: str, schedule_golden: Any
) -> None:
    o = two_groups(kind=optimizer)
    schedule = make(NAMES, o)
    found = [[schedule.get_last_lr(), momenta(o)]]
    for t in range(1, STEPS + 1):
        o.step()
        step(name, schedule, t, kind)
        found.append([schedule.get_last_lr(), momenta(o)])
        assert schedule.get_last_lr() == [group["lr"] for group in o.param_groups]
    np.testing.assert_allclose(found, schedule_golden[case], rtol=1e-13, atol=1e-16)


@JUMPING
@CASE
def test_the_course_is_what_comes(
    case: str, name: str, make: Any, optimizer: str, kind: str, schedule_golden: Any
) -> None:
    """From the beginning and from the middle; and looking ahead changes nothing."""
    if kind == "epoch":
        return  # the steps to come are whole ones
    o = two_groups(kind=optimizer)
    schedule = make(NAMES, o)
    for t in range(1, 8):
        if t in (1, 7):
            rest = STEPS + 2 - t
            before = copy.deepcopy([schedule.state_dict(), o.state_dict()])
            metrics = {"metrics": METRICS[t - 1 :]} if name == "ReduceLROnPlateau" else {}
            rates = schedule.course(rest, **metrics)
            option = "betas" if optimizer == "Adam" else "momentum"
            momentum = [
                [m[0] if optimizer == "Adam" else m for m in row]
                for row in schedule.course(rest, option=option, **metrics)
            ]
            golden = schedule_golden[case][t - 1 :]
            np.testing.assert_allclose(rates, golden[:, 0], rtol=1e-13, atol=1e-16)
            np.testing.assert_allclose(momentum, golden[:, 1], rtol=1e-13, atol=1e-16)
            assert [schedule.state_dict(), o.state_dict()] == before
        o.step()
        step(name, schedule, t, kind)


@JUMPING
@CASE
def test_a_restored_schedule_goes_on_exactly(
    case: str, name: str, make: Any, optimizer: str, kind: str
) -> None:
    o, other = two_groups(kind=optimizer), two_groups(kind=optimizer)
    schedule = make(NAMES, o)
    for t in range(1, 9):
        o.step()
        step(name, schedule, t, kind)
    saved = copy.deepcopy([o.state_dict(), schedule.state_dict()])
    untouched = copy.deepcopy(saved)
    restored = make(NAMES, other)
    other.load_state_dict(saved[0])
    restored.load_state_dict(saved[1])
    for t in range(9, STEPS + 1):
        for some, one in (o, schedule), (other, restored):
            some.step()
            step(name, one, t, kind)
        assert schedule.get_last_lr() == restored.get_last_lr()
        assert o.param_groups[1]["lr"] == other.param_groups[1]["lr"]
        assert momenta(o) == momenta(other)
    assert saved == untouched


def test_the_table_has_every_schedule() -> None:
    assert set(SCHEDULES) == set(vars(NAMES)) - {"LRScheduler"}


def test_lambdas_one_for_all_groups_or_one_each() -> None:
    optimizer = two_groups()
    scheduler = lr_scheduler.LambdaLR(optimizer, [lambda t: 1.0 + t, lambda t: 0.5**t])
    optimizer.step()
    scheduler.step()
    assert scheduler.get_last_lr() == [0.6, 0.35]
    assert lr_scheduler.LambdaLR(two_groups(), lambda t: 2.0).get_last_lr() == [0.6, 1.4]
    with pytest.raises(ValueError, match="Expected 2 lr_lambdas, but got 1"):
        lr_scheduler.LambdaLR(optimizer, [lambda t: 1.0])


def test_callable_objects_are_saved_and_functions_are_not() -> None:
    class Slope:
        def __init__(self, slope: float) -> None:
            self.slope = slope

        def __call__(self, t: int) -> float:
            return 1.0 + self.slope * t

    scheduler = lr_scheduler.LambdaLR(two_groups(), [Slope(2.0), lambda t: 1.0])
    saved = scheduler.state_dict()
    assert saved["lr_lambdas"] == [{"slope": 2.0}, None]
    other = lr_scheduler.LambdaLR(two_groups(), [Slope(0.0), lambda t: 1.0])
    other.load_state_dict(saved)
    assert other.lr_lambdas[0].slope == 2.0


def test_a_tensor_stays_the_same_tensor() -> None:
    lr = dl.tensor(0.5)
    p = nn.Parameter(np.zeros(1, np.float32))
    optimizer = optim.SGD([p], lr=lr)
    scheduler = lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    first = scheduler.get_last_lr()
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] is lr
    assert lr.item() == 0.25
    assert first[0].item() == 0.5  # a copy
    assert scheduler.base_lrs[0].item() == 0.5


def test_steps_before_the_schedule_do_not_count() -> None:
    optimizer = two_groups()
    optimizer.step()
    scheduler = lr_scheduler.StepLR(optimizer, 2)
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        scheduler.step()


def test_the_steps_behind_a_loaded_state_count() -> None:
    saved = two_groups()
    saved.step()
    optimizer = two_groups()
    scheduler = lr_scheduler.StepLR(optimizer, 2)
    optimizer.load_state_dict(saved.state_dict())
    scheduler.step()  # a warning would be an error


def test_a_replaced_step_warns() -> None:
    optimizer = two_groups()
    scheduler = lr_scheduler.StepLR(optimizer, 2)
    optimizer.step = lambda closure=None: None
    with pytest.warns(UserWarning, match="overridden"):
        scheduler.step()


def test_get_lr_points_to_get_last_lr() -> None:
    schedulers = [
        lr_scheduler.StepLR(two_groups(), 2),
        lr_scheduler.MultiStepLR(two_groups(), [3]),
        lr_scheduler.ExponentialLR(two_groups(), 0.5),
        lr_scheduler.ConstantLR(two_groups()),
        lr_scheduler.LinearLR(two_groups()),
        lr_scheduler.CosineAnnealingLR(two_groups(), 5),
        lr_scheduler.LambdaLR(two_groups(), lambda t: 1.0),
        lr_scheduler.MultiplicativeLR(two_groups(), lambda t: 1.0),
        lr_scheduler.PolynomialLR(two_groups()),
        lr_scheduler.CyclicLR(two_groups(), 0.1, 0.2),
        lr_scheduler.OneCycleLR(two_groups(), 0.1, 9),
        lr_scheduler.CosineAnnealingWarmRestarts(two_groups(), 5),
        NAMES.SWALR(two_groups(), 0.1),
    ]
    for scheduler in schedulers:
        with pytest.warns(UserWarning, match="get_last_lr"):
            scheduler.get_lr()


def test_an_error_in_a_schedule_leaves_no_trace() -> None:
    def fails_later(t: int) -> float:
        if t:
            raise ZeroDivisionError
        return 1.0

    optimizer = two_groups()
    scheduler = lr_scheduler.LambdaLR(optimizer, fails_later)
    optimizer.step()
    with pytest.raises(ZeroDivisionError):
        scheduler.step()
    with pytest.warns(UserWarning, match="get_last_lr"), pytest.raises(ZeroDivisionError):
        scheduler.get_lr()


def test_resuming_needs_the_initial_learning_rate() -> None:
    with pytest.raises(KeyError, match="initial_lr"):
        lr_scheduler.StepLR(two_groups(), 2, last_epoch=3)
    optimizer = two_groups()
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]
    scheduler = lr_scheduler.StepLR(optimizer, 2, gamma=0.5, last_epoch=3)
    assert scheduler.last_epoch == 4
    assert scheduler.get_last_lr() == [0.15, 0.35]


def adagrad() -> optim.Optimizer:
    return optim.Adagrad([nn.Parameter(np.zeros(1, np.float32))])


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda o: lr_scheduler.StepLR(3, 1), TypeError, "int is not an Optimizer"),
        (lr_scheduler.LRScheduler, NotImplementedError, "LRScheduler has no get_lr"),
        (lambda o: lr_scheduler.ConstantLR(o, factor=1.5), ValueError, "between 0 and 1"),
        (lambda o: lr_scheduler.LinearLR(o, start_factor=0), ValueError, "greater than 0"),
        (lambda o: lr_scheduler.LinearLR(o, end_factor=1.5), ValueError, "between 0 and 1"),
        (lambda o: lr_scheduler.SequentialLR(o, [], []), ValueError, "got no scheduler"),
        (lambda o: lr_scheduler.SequentialLR(o, [1], []), TypeError, "index 0"),
        (
            lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.ReduceLROnPlateau(o)], []),
            ValueError,
            "does not support `ReduceLROnPlateau`",
        ),
        (
            lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.StepLR(two_groups(), 1)], []),
            ValueError,
            "same optimizer",
        ),
        (
            lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.StepLR(o, 1)], [5]),
            ValueError,
            "one more than the number of milestone points",
        ),
        (lambda o: lr_scheduler.ChainedScheduler([]), ValueError, "got no scheduler"),
        (lambda o: lr_scheduler.ChainedScheduler([1], o), TypeError, "index 0"),
        (
            lambda o: lr_scheduler.ChainedScheduler([lr_scheduler.ReduceLROnPlateau(o)]),
            ValueError,
            "does not support `ReduceLROnPlateau`",
        ),
        (
            lambda o: lr_scheduler.ChainedScheduler([lr_scheduler.StepLR(two_groups(), 1)], o),
            ValueError,
            "same optimizer",
        ),
        (lambda o: lr_scheduler.MultiplicativeLR(o, 0.5), TypeError, "but got float"),
        (lambda o: lr_scheduler.CyclicLR(3, 0, 1), TypeError, "int is not an Optimizer"),
        (lambda o: lr_scheduler.CyclicLR(o, [0.1], 1), ValueError, "base_lr has 1 values"),
        (lambda o: lr_scheduler.CyclicLR(o, 0, 1, mode="up"), ValueError, "got 'up'"),
        (lambda o: lr_scheduler.CyclicLR(adagrad(), 0, 1), ValueError, "cycle_momentum=False"),
        (lambda o: lr_scheduler.OneCycleLR(3, 1), TypeError, "int is not an Optimizer"),
        (lambda o: lr_scheduler.OneCycleLR(o, 1), ValueError, "total_steps OR"),
        (lambda o: lr_scheduler.OneCycleLR(o, 1, epochs=2), ValueError, "total_steps OR"),
        (lambda o: lr_scheduler.OneCycleLR(o, 1, 0), ValueError, "positive integer total_steps"),
        (lambda o: lr_scheduler.OneCycleLR(o, 1, 2.5), ValueError, "positive integer total"),
        (
            lambda o: lr_scheduler.OneCycleLR(o, 1, epochs=2, steps_per_epoch=0),
            ValueError,
            "positive integer steps_per_epoch",
        ),
        (lambda o: lr_scheduler.OneCycleLR(o, 1, 9, pct_start=2.0), ValueError, "between 0 and 1"),
        (
            lambda o: lr_scheduler.OneCycleLR(o, 1, 9, anneal_strategy="sin"),
            ValueError,
            "'cos' or 'linear', instead got sin",
        ),
        (lambda o: lr_scheduler.OneCycleLR(adagrad(), 1, 9), ValueError, "momentum or beta1"),
        (lambda o: lr_scheduler.OneCycleLR(o, [1.0], 9), ValueError, "max_lr has 1 values"),
        (
            lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 0),
            ValueError,
            "positive integer T_0",
        ),
        (
            lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 1, 0.5),
            ValueError,
            "integer T_mult >= 1",
        ),
        (
            lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 1, eta_min="0"),
            ValueError,
            "float or int eta_min",
        ),
        (lambda o: NAMES.SWALR(o, 0.1, anneal_epochs=-1), ValueError, "got -1"),
        (lambda o: NAMES.SWALR(o, 0.1, anneal_strategy="sin"), ValueError, "got sin"),
        (lambda o: NAMES.SWALR(o, [0.1]), ValueError, "swa_lr has 1 values"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=1.0), ValueError, "Factor"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(3), TypeError, "int is not an Optimizer"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, min_lr=[1]), ValueError, "expected 2 min_lrs"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, mode="up"), ValueError, "mode up is unknown"),
        (
            lambda o: lr_scheduler.ReduceLROnPlateau(o, threshold_mode="up"),
            ValueError,
            "threshold mode up is unknown",
        ),
    ],
)
def test_unfit_arguments_are_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make(two_groups())


def test_a_plateau_of_added_groups() -> None:
    optimizer = two_groups()
    schedulers = [
        lr_scheduler.ReduceLROnPlateau(optimizer, patience=0),
        lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.0, 0.0]),
    ]
    optimizer.add_param_group({"params": [nn.Parameter(np.zeros(1, np.float32))]})
    for scheduler in schedulers:
        scheduler.step(1.0)
    schedulers[0].step(1.0)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.03, 0.07, 0.03])
    with pytest.raises(RuntimeError, match="min_lrs"):
        schedulers[1].step(1.0)


def test_a_plateau_takes_tensors_and_jumps() -> None:
    scheduler = lr_scheduler.ReduceLROnPlateau(two_groups())
    scheduler.step(dl.tensor(1.0))
    assert scheduler.best == 1.0
    with pytest.warns(UserWarning, match="epoch parameter"):
        scheduler.step(0.5, epoch=7)
    assert scheduler.last_epoch == 7


def test_state_has_pytorchs_keys() -> None:
    scheduler = lr_scheduler.StepLR(two_groups(), 2)
    assert set(scheduler.state_dict()) == {
        "step_size",
        "gamma",
        "base_lrs",
        "last_epoch",
        "_step_count",
        "_is_initial",
        "_get_lr_called_within_step",
        "_last_lr",
    }


def test_nothing_warns_in_the_right_order() -> None:
    optimizer = two_groups()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler = lr_scheduler.StepLR(optimizer, 2)
        for _ in range(3):
            optimizer.step()
            scheduler.step()


# --- the wrong time ----------------------------------------------------------------------------


def told_once(what: str, program: Callable[[], Any]) -> None:
    """The program is told one thing, with a line of its own."""
    with pytest.warns(ScheduleWarning, match=what) as told:
        program()
    assert len(told) == 1
    assert told[0].filename == __file__


def test_steps_before_the_optimizers_are_said_once() -> None:
    def program() -> None:
        scheduler = lr_scheduler.StepLR(two_groups(), 2)
        scheduler.step()
        scheduler.step()

    told_once("before `optimizer.step", program)


def test_a_step_of_a_chain_before_the_optimizers() -> None:
    def program() -> None:
        optimizer = two_groups()
        lr_scheduler.ChainedScheduler([lr_scheduler.StepLR(optimizer, 2)]).step()

    told_once("before `optimizer.step", program)


@pytest.mark.parametrize("name", ["StepLR", "CosineAnnealingWarmRestarts", "OneCycleLR"])
def test_two_steps_after_one_of_the_optimizer_are_said_once(name: str) -> None:
    def program() -> None:
        optimizer = two_groups()
        scheduler = SCHEDULES[name][0](NAMES, optimizer)
        for _ in range(3):
            optimizer.step()
            scheduler.step()
            scheduler.step()

    told_once(f"{name} was stepped twice", program)


def test_a_schedule_that_was_never_stepped_is_said_at_its_end() -> None:
    def program() -> None:
        optimizer = two_groups()
        scheduler = lr_scheduler.StepLR(optimizer, 2)
        for _ in range(12):
            optimizer.step()
        del scheduler

    told_once("StepLR, made here, .* made 12 steps", program)


def test_inner_schedules_of_a_sequence_may_never_have_their_turn() -> None:
    optimizer = two_groups()
    parts = [lr_scheduler.StepLR(optimizer, 2), lr_scheduler.StepLR(optimizer, 3)]
    scheduler = lr_scheduler.SequentialLR(optimizer, parts, [100])
    for _ in range(12):
        optimizer.step()
        scheduler.step()
    del scheduler, parts  # a warning would be an error


def test_each_can_be_silenced() -> None:
    optimizer = two_groups()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ScheduleWarning)
        for steps in (0, 1):
            scheduler = lr_scheduler.StepLR(optimizer, 2)
            for _ in range(steps):
                optimizer.step()
            scheduler.step()
            scheduler.step()


# --- looking ahead -----------------------------------------------------------------------------


def test_a_plateau_has_a_course_only_with_values() -> None:
    scheduler = lr_scheduler.ReduceLROnPlateau(two_groups())
    for metrics in (None, [1.0, 2.0]):
        with pytest.raises(ArgumentError, match="pass one for each of the 5 steps"):
            scheduler.course(5, metrics)


def test_a_course_needs_a_number_and_an_option() -> None:
    scheduler = lr_scheduler.StepLR(two_groups(), 2)
    assert scheduler.course(0) == []
    with pytest.raises(ArgumentError, match="got -1"):
        scheduler.course(-1)
    with pytest.raises(ArgumentError, match="group 0 has no option 'betas'; it has dampening"):
        scheduler.course(3, option="betas")


def test_a_course_leaves_callable_objects_and_tensors_alone() -> None:
    class Counter:
        calls = 0

        def __call__(self, t: int) -> float:
            self.calls += 1
            return 0.5**t

    lr, factor = dl.tensor(0.5), Counter()
    optimizer = optim.SGD([nn.Parameter(np.zeros(1, np.float32))], lr=lr)
    scheduler = lr_scheduler.LambdaLR(optimizer, factor)
    calls = factor.calls
    assert scheduler.course(3) == [[0.5], [0.25], [0.125]]
    assert factor.calls == calls
    assert lr.item() == 0.5
    assert optimizer.param_groups[0]["lr"] is lr


def test_a_cycle_that_is_over_has_no_course() -> None:
    scheduler = lr_scheduler.OneCycleLR(two_groups(), 0.5, total_steps=4)
    with pytest.raises(ValueError, match="Tried to step 5 times"):
        scheduler.course(10)


def test_text_shows_the_arguments() -> None:
    optimizer = two_groups()
    first, second = lr_scheduler.StepLR(optimizer, 2), lr_scheduler.MultiStepLR(optimizer, [3, 3])
    texts = ["StepLR(step_size=2, gamma=0.1)", "MultiStepLR(milestones=[3, 3], gamma=0.1)"]
    assert [repr(first), repr(second)] == texts
    assert repr(lr_scheduler.ChainedScheduler([first])) == f"ChainedScheduler([{texts[0]}])"
    sequence = lr_scheduler.SequentialLR(optimizer, [first, second], [4])
    assert repr(sequence) == f"SequentialLR([{texts[0]}, {texts[1]}], milestones=[4])"
