from __future__ import annotations

import copy
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.optim import lr_scheduler

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "optim.npz"
with np.load(GOLDEN) as _file:
    CASES = json.loads(str(_file["description"]))["schedulers"]


def case_id(case: dict[str, Any]) -> str:
    return "-".join([case["kind"], *(name for name, _ in case["schedulers"])])


def two_groups(lr: Any = 0.3) -> optim.SGD:
    groups = [nn.Parameter(np.zeros(1, np.float32)) for _ in range(2)]
    return optim.SGD([{"params": groups[0]}, {"params": groups[1], "lr": 0.7}], lr=lr)


def build(case: dict[str, Any], optimizer: optim.Optimizer) -> list[Any]:
    schedulers = [getattr(lr_scheduler, name)(optimizer, **o) for name, o in case["schedulers"]]
    if case["kind"] == "sequence":
        return [lr_scheduler.SequentialLR(optimizer, schedulers, case["milestones"])]
    return schedulers


def advance(case: dict[str, Any], schedulers: list[Any], t: int, metric: float) -> None:
    for scheduler in schedulers:
        if case["kind"] == "plateau":
            scheduler.step(metric)
        elif case["kind"] == "epoch":
            with pytest.warns(UserWarning, match="epoch parameter"):
                scheduler.step(2 * t)
        else:
            scheduler.step()


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case_id(case) for case in CASES])
def test_learning_rates_are_those_of_pytorch(number: int, optim_golden: dict[str, Any]) -> None:
    case, metrics = CASES[number], optim_golden["description"]["metrics"]
    optimizer = two_groups()
    schedulers = build(case, optimizer)
    rates = [schedulers[-1].get_last_lr()]
    for t, metric in enumerate(metrics, start=1):
        optimizer.step()
        advance(case, schedulers, t, metric)
        rates.append(schedulers[-1].get_last_lr())
        assert rates[-1] == [group["lr"] for group in optimizer.param_groups]
    np.testing.assert_allclose(rates, optim_golden[f"lr{number}"], rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("case", [case for case in CASES if case["kind"] != "epoch"], ids=case_id)
def test_a_restored_schedule_goes_on_exactly(
    case: dict[str, Any], optim_golden: dict[str, Any]
) -> None:
    metrics = optim_golden["description"]["metrics"]
    optimizer = two_groups()
    schedulers = build(case, optimizer)
    for t, metric in enumerate(metrics[:8], start=1):
        optimizer.step()
        advance(case, schedulers, t, metric)
    saved = copy.deepcopy([optimizer.state_dict(), *(s.state_dict() for s in schedulers)])
    untouched = copy.deepcopy(saved)
    other = two_groups()
    others = build(case, other)
    other.load_state_dict(saved[0])
    for scheduler, state in zip(others, saved[1:], strict=True):
        scheduler.load_state_dict(state)
    for t, metric in enumerate(metrics[8:], start=9):
        for o, some in (optimizer, schedulers), (other, others):
            o.step()
            advance(case, some, t, metric)
        assert [s.get_last_lr() for s in schedulers] == [s.get_last_lr() for s in others]
        assert [g["lr"] for g in optimizer.param_groups] == [g["lr"] for g in other.param_groups]
    assert saved == untouched


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


def test_the_wrong_order_warns() -> None:
    optimizer = two_groups()
    scheduler = lr_scheduler.StepLR(optimizer, 2)
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        scheduler.step()
    scheduler.step()  # only once


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
