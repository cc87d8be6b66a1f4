"""Draws a learning rate range test."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from dlframe.training.rate_range import RateRange
from dlframe.viz import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def rate_range(
    result: RateRange,
    *,
    title: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw the losses of `training.lr_range_test` over the rates, and mark what it suggests.

    The pale line is the loss of each batch, the dark one its running mean. Losses far above the
    first are cut off; that the test ended early is said in the heading.

    >>> from dlframe.training import RateRange
    >>> losses = np.array([2.0, 1.9, 1.0, 0.8, 9.0])
    >>> found = RateRange(np.array([1e-4, 1e-3, 1e-2, 0.1, 1.0]), losses, losses, True)
    >>> figure = rate_range(found)
    >>> figure.axes[0].get_xscale(), found.suggestion
    ('log', 0.01)
    """
    if not isinstance(result, RateRange):
        raise TypeError(
            "rate_range: expected what training.lr_range_test or Trainer.find_lr returned; got "
            f"{type(result).__name__}"
        )
    with style.house_style():
        from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

        figure = style.new_figure(6.2, 3.6, title or "Learning rate range test", str(result))
        style.lay_out(figure, 3.6)
        axes = figure.add_subplot()
        axes.set_xscale("log")
        losses = np.where(np.isfinite(result.losses), result.losses, np.nan)
        axes.plot(result.rates, losses, color=style.BLUE, alpha=0.35, lw=0.9, label="each batch")
        axes.plot(result.rates, result.smoothed, color=style.BLUE, label="running mean")
        marks = (
            ("suggestion", result.suggestion, "solid", style.ORANGE),
            ("steepest descent", result.steepest, "dashed", style.INK),
            ("lowest", result.lowest, "dotted", style.INK),
        )
        for name, rate, dashes, colour in marks:
            if rate is not None:
                width = 2.2 if name == "suggestion" else 1.1
                axes.axvline(
                    rate, color=colour, linestyle=dashes, lw=width, label=f"{name} {rate:.1e}"
                )
        finite = result.smoothed[np.isfinite(result.smoothed)]
        if finite.size:
            low = float(min(finite.min(), np.nanmin(losses)))
            high = max(float(finite[0]), float(np.quantile(finite, 0.9)))
            room = 0.1 * (high - low) or 0.1 * abs(high) or 1.0
            axes.set_ylim(low - room, high + 4 * room)
        if len(result.rates) == 1:  # the first loss is not finite, so there is no line
            axes.set_xlim(result.rates[0] / 10, result.rates[0] * 10)
        axes.xaxis.set_major_locator(LogLocator(numticks=7))  # more would touch each other
        axes.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:.0e}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set(xlabel="learning rate (log scale)", ylabel="loss")
        axes.grid(axis="y")
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.4)
        return style.finish(figure, path)
