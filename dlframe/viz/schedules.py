"""Schedules of the learning rate side by side, before any training."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dlframe.errors import ArgumentError
from dlframe.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from dlframe.viz import style
from dlframe.viz.panels import log_axis

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Given = LRScheduler | Sequence[LRScheduler] | Mapping[str, LRScheduler]

COLUMNS = 3
PANEL = {1: (6.2, 3.2), 2: (4.2, 2.6), 3: (3.1, 2.2)}  # inches, by the number of columns
DASHES = ("solid", (0, (4, 1.6)), (0, (1.2, 1.2)), (0, (6, 1.6, 1.2, 1.6)))


def schedules(
    schedules: Given,
    steps: int,
    *,
    metrics: Sequence[float] | None = None,
    option: str = "lr",
    log_scale: bool = False,
    title: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw what schedules will do in the coming steps, a panel for each; nothing is changed.

    Args:
        schedules: one, a list, or a dict from headings to schedules. Without headings, a panel has
            the text of its schedule.
        steps: how many, as in `course`.
        metrics: what each `ReduceLROnPlateau` among them will measure, one value for each step.
        option: another option of the groups than the rate, such as "momentum"; of "betas" the
            first one is drawn.
        log_scale: for rates that are never 0.
        title: the heading of the whole picture.
        path: where to save it.

    Groups that have the same course are one line; other groups are named in a legend. All panels
    have one scale.

    Raises:
        ArgumentError: no schedules, or a `ReduceLROnPlateau` without `metrics`.

    >>> optimizer = optim.SGD([nn.Parameter(dl.zeros(1))], lr=1.0)
    >>> halved = optim.lr_scheduler.StepLR(optimizer, step_size=10, gamma=0.5)
    >>> figure = schedules({"halved": halved}, steps=40)
    >>> [axes.get_title(loc="left") for axes in figure.axes]
    ['halved']
    """
    if isinstance(schedules, LRScheduler):
        named = [(repr(schedules), schedules)]
    elif isinstance(schedules, Mapping):
        named = [(str(name), schedule) for name, schedule in schedules.items()]
    else:
        named = [(repr(schedule), schedule) for schedule in schedules]
    if not named or steps < 1:
        raise ArgumentError(
            f"viz.schedules: needs a schedule and a step; got {len(named)} schedules, steps={steps}"
        )
    for _, schedule in named:
        if not hasattr(schedule, "course"):
            raise ArgumentError(
                "viz.schedules: expected schedules such as optim.lr_scheduler.StepLR(optimizer, "
                f"10), alone, in a list, or in a dict; got {type(schedule).__name__}"
            )
    courses = [_course(schedule, steps, metrics, option) for _, schedule in named]
    with style.house_style():
        columns = min(len(named), COLUMNS)
        rows = -(-len(named) // columns)
        width, height = PANEL[columns]
        figure = style.new_figure(width * columns, height * rows, title)
        style.lay_out(figure, height * rows)
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True, sharex=True).ravel()
        limit = int(width * 13)
        for axes, (name, _), lines in zip(grid, named, courses, strict=False):
            for i, (label, values) in enumerate(lines.items()):
                axes.step(
                    range(steps),
                    values,
                    where="post",
                    marker="" if steps > 1 else "o",  # one step is no line
                    label=label,
                    color=style.CLASS_COLOURS[i % len(style.CLASS_COLOURS)],
                    linestyle=DASHES[i % len(DASHES)],
                )
            if len(lines) > 1:
                axes.legend()
            axes.set_title(style.shortened(name, limit), size=style.LABEL_SIZE)
        for axes in grid[len(named) :]:
            axes.remove()
        for i, axes in enumerate(grid[: len(named)]):
            if i + columns >= len(named):
                axes.set_xlabel("step")
                axes.tick_params(labelbottom=True)
            if i % columns == 0:
                axes.set_ylabel("learning rate" if option == "lr" else option)
        drawn = [value for course in courses for values in course.values() for value in values]
        positive = [value for value in drawn if value > 0]
        if log_scale and positive:
            log_axis(grid[0], min(positive), max(positive))
        else:
            grid[0].set_ylim(bottom=min(0.0, *(min(v) for c in courses for v in c.values())))
        return style.finish(figure, path)


def _course(
    schedule: Any, steps: int, metrics: Sequence[float] | None, option: str
) -> dict[str, list[float]]:
    """The lines of a panel: groups with the same values are one line."""
    if isinstance(schedule, ReduceLROnPlateau):
        course = schedule.course(steps, metrics, option=option)
    else:
        course = schedule.course(steps, option=option)
    found: dict[tuple[float, ...], list[int]] = {}
    for i, values in enumerate(zip(*course, strict=True)):
        line = tuple(v[0] if isinstance(v, tuple) else v for v in values)
        found.setdefault(line, []).append(i)
    return {f"group {', '.join(map(str, groups))}": list(line) for line, groups in found.items()}
