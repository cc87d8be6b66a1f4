from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import dlframe as dl
from dlframe import nn, optim, viz
from dlframe.errors import ArgumentError
from dlframe.optim import lr_scheduler

pytest.importorskip("matplotlib")


def two_groups() -> optim.Optimizer:
    groups = [nn.Parameter(dl.zeros(1)) for _ in range(2)]
    return optim.SGD([{"params": groups[0]}, {"params": groups[1], "lr": 0.7}], lr=0.3)


def lines(axes: Any) -> list[list[float]]:
    return [list(line.get_ydata()) for line in axes.get_lines()]


def test_a_panel_for_each_and_a_line_for_each_group(tmp_path: Path) -> None:
    optimizer = two_groups()
    chosen = [lr_scheduler.StepLR(optimizer, 2), lr_scheduler.LinearLR(optimizer)]
    before = optimizer.state_dict()
    figure = viz.schedules(chosen, 9, path=tmp_path / "rates.png")
    assert optimizer.state_dict() == before
    assert (tmp_path / "rates.png").stat().st_size > 1000
    assert [axes.get_title(loc="left")[:6] for axes in figure.axes] == ["StepLR", "Linear"]
    for axes, schedule in zip(figure.axes, chosen, strict=True):
        assert lines(axes) == [list(values) for values in zip(*schedule.course(9), strict=True)]
    assert figure.axes[0].get_legend() is not None


def test_groups_with_one_course_are_one_line() -> None:
    schedule = lr_scheduler.CyclicLR(two_groups(), 0.1, 0.5, 4)
    (axes,) = viz.schedules(schedule, 20, option="momentum").axes
    assert len(axes.get_lines()) == 1
    assert axes.get_ylabel() == "momentum"
    assert axes.get_legend() is None


def test_a_plateau_needs_values_and_a_picture_needs_schedules() -> None:
    schedule = lr_scheduler.ReduceLROnPlateau(two_groups(), patience=0)
    (axes,) = viz.schedules({"plateau": schedule}, 4, metrics=[1.0] * 4).axes
    assert lines(axes)[0] == pytest.approx([0.3, 0.3, 0.03, 0.003])
    with pytest.raises(ArgumentError, match="pass one for each"):
        viz.schedules(schedule, 4)
    with pytest.raises(ArgumentError, match="0 schedules"):
        viz.schedules([], 4)


def test_logarithmic_scales_have_plain_numbers(texts):
    parameter = nn.Parameter(dl.zeros(1))
    rates = optim.lr_scheduler.ExponentialLR(optim.SGD([parameter], lr=1.0), 0.5)
    figure = viz.schedules({"halved": rates, "again": rates}, 20, log_scale=True)
    assert figure.axes[0].get_yscale() == figure.axes[1].get_yscale() == "log"
    assert figure.axes[0].get_ylabel() == "learning rate (log scale)"
    assert {"0.01", "1"} <= texts(figure)
    assert not [text for text in texts(figure) if "$" in text]


def test_one_step_is_seen():
    rates = optim.lr_scheduler.ConstantLR(optim.SGD([nn.Parameter(dl.zeros(1))], lr=1.0), 0.5)
    (line,) = viz.schedules(rates, 1).axes[0].lines
    assert (line.get_marker(), list(line.get_ydata())) == ("o", [0.5])


def test_what_is_no_schedule_is_refused():
    optimizer = optim.SGD([nn.Parameter(dl.zeros(1))], lr=1.0)
    for given in ({"one": lambda step: 0.1}, [optimizer]):
        with pytest.raises(ArgumentError, match="expected schedules such as"):
            viz.schedules(given, 5)
