"""Predicted against true numbers, and what is left of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlframe.errors import ArgumentError, ShapeError
from dlframe.metrics import r2_score
from dlframe.training.data import scoring
from dlframe.viz import given, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WHERE = "residuals"
MOST_OUTPUTS = 6  # rows of panels
MOST_POINTS = 5000  # drawn; more are a stain
HEIGHT, WIDTH = 3.1, 9.0  # inches of a row


def residuals(
    output: Any,
    target: Any,
    *,
    names: Sequence[str] | None = None,
    title: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw predicted over true numbers, the residuals over the predicted ones, and how often each.

    A residual is predicted less true. Where a model is good, points lie on the diagonal, and the
    residuals around 0 without a pattern: a bend says that the model misses a curve, a funnel that
    the errors grow with the numbers.

    Args:
        output: numbers (N,) or (N, K); or a model or `Trainer`.
        target: the true numbers in the same shape; of a model, its data.
        names: of the K outputs; a row of panels is drawn for each, of at most 6.

    Numbers that are not finite are left out, and counted in the heading. Of more than 5000 samples
    every n-th is drawn; the bars count all.

    >>> figure = residuals(np.array([1.0, 2.0, 3.5]), np.array([1.0, 2.5, 3.0]))
    >>> figure.axes[0].get_xlabel(), figure.axes[1].collections[0].get_offsets()[2].tolist()
    ('true', [3.5, 0.5])
    """
    guesses, truths = _columns(output, target)
    count = guesses.shape[1]
    if count > MOST_OUTPUTS:
        raise ArgumentError(
            f"{WHERE}: {count} outputs are more than a picture can show; draw up to "
            f"{MOST_OUTPUTS} of them, output[:, :{MOST_OUTPUTS}]"
        )
    if names is not None and len(names) != count:
        raise ArgumentError(f"{WHERE}: {len(names)} names for {count} outputs")
    finite = np.asarray(np.isfinite(guesses + truths).all(axis=1))
    with style.house_style():
        subtitle = None
        if not finite.all():
            subtitle = f"not finite: {int((~finite).sum())} of {len(finite)} samples"
        figure = style.new_figure(WIDTH, HEIGHT * count, title, subtitle)
        style.lay_out(figure, HEIGHT * count)
        grid = figure.subplots(count, 3, squeeze=False, width_ratios=(1, 1, 0.6))
        for i, row in enumerate(grid):
            name = None if names is None else style.shortened(str(names[i]), 30)
            _draw(row, guesses[finite, i], truths[finite, i], name)
        return style.finish(figure, path)


def _columns(output: Any, target: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both as (N, K)."""
    if given.is_model(output):
        targets: list[Any] = []
        outputs = given.outputs_of(
            output, target, WHERE, lambda batch, _: targets.append(given.numbers_of(batch.target))
        )
        output, target = scoring.joined(outputs), np.concatenate(targets)
    guesses, truths = given.numbers_of(output), given.numbers_of(target)
    for what, array in (("output", guesses), ("target", truths)):
        if array.dtype.kind not in "biuf" or not array.ndim:
            raise ShapeError(f"{WHERE}: {what} must be numbers (N,) or (N, K); got {array.dtype}")
    if not guesses.size:
        raise ShapeError(f"{WHERE}: there are no samples; got output{guesses.shape}")
    rows = [array.reshape(len(array), -1).astype(np.float64) for array in (guesses, truths)]
    if rows[0].shape != rows[1].shape:
        raise ShapeError(
            f"{WHERE}: output{guesses.shape} and target{truths.shape} must have one shape"
        )
    return rows[0], rows[1]


def _draw(
    row: Sequence[Axes], guess: NDArray[np.float64], true: NDArray[np.float64], name: str | None
) -> None:
    fit, left, bars = row
    rest = guess - true
    few = slice(None, None, max(1, -(-len(guess) // MOST_POINTS)))
    dots: dict[str, Any] = {"s": 14, "color": style.BLUE, "alpha": 0.45, "linewidths": 0}
    fit.scatter(true[few], guess[few], **dots)
    if len(guess):
        ends = [min(true.min(), guess.min()), max(true.max(), guess.max())]
        fit.plot(ends, ends, color=style.INK, lw=1, linestyle=(0, (5, 3)))
    fit.set(xlabel="true", ylabel="predicted")
    if len(true) > 1 and np.ptp(true) > 0:
        score = f"R² {float(r2_score(guess, true)):.3f}"
        fit.set_title(score if name is None else f"{name}: {score}")
    elif name is not None:
        fit.set_title(name)
    left.scatter(guess[few], rest[few], **dots)
    left.axhline(0, color=style.INK, lw=1, linestyle=(0, (5, 3)))
    left.set(xlabel="predicted", ylabel="residual")
    most = float(np.abs(rest).max(initial=0.0)) or 1.0
    bars.hist(
        rest, bins=30, range=(-most, most), orientation="horizontal", color=style.BLUE, rwidth=0.9
    )
    bars.axhline(0, color=style.INK, lw=1, linestyle=(0, (5, 3)))
    bars.set(xlabel="samples")
    for axes in (left, bars):
        axes.set_ylim(-1.1 * most, 1.1 * most)
        axes.grid(axis="y")
